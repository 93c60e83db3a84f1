"""The folder of a campaign against `libyaevents batch`: runs as processes of their own, and what they leave.

For `scripts/batch_faults.py`. `Place` writes articles mixed from the sentences of the packaged open corpus,
and runs the command over them once, undisturbed; its checks hold other runs against the articles and that.
"""

import argparse
import hashlib
import json
import os
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import psutil
import pyarrow
import pyarrow.parquet

from libyaevents.batch import read_results
from libyaevents.datasets import load_corpus

MIB = 2**20
MORE_MEMORY = 150 * MIB  # than an undisturbed run takes, that any input may cost
BALLAST = 2000  # bytes of each line in a column that nobody reads: files are larger than the blocks of codecs
LONGEST_RUN_S = 900.0

Watch = Callable[[psutil.Process, float], None]


class FailedError(Exception):
    """The product did not do what it is to do."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended: its exit code, what it wrote, seconds, bytes of its largest process."""

    code: int
    output: str
    seconds: float
    peak: int

    def __str__(self) -> str:
        return f"{self.seconds:.1f} s, {self.peak // MIB} MiB"

    def expect(self, code: int, phrase: str = "") -> str:
        """Check the exit code, and that an error is one line that holds this phrase."""
        errors = [line for line in self.output.splitlines() if line.startswith("error: ")]
        is_plain = "Traceback" not in self.output and "Exception ignored" not in self.output
        if self.code != code or not is_plain or len(errors) != bool(code) or phrase not in self.output:
            raise FailedError(f"expected exit {code} {phrase!r}, found {self.code}: {self.output[-2000:]}")
        return f"exit {code}; {self}"


class Place:
    """The folder of the campaign: its articles, the runs in it, and what an undisturbed run leaves."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.folder: Path = options.folder / "batch_faults"
        self.options, self.random = options, random.Random(options.seed)
        shutil.rmtree(self.folder, ignore_errors=True)
        sentences = [each.text[start:end] for each in load_corpus("open") for start, end in each.sentences]
        self.articles = {
            f"{number:06}": "\n".join(self.random.choices(sentences, k=self.random.randint(1, 4)))
            for number in range(options.articles)
        }
        self.ids = list(self.articles)
        self.lines = [self._line(*article) for article in self.articles.items()]
        self.news = self.write("news.jsonl", b"".join(self.lines))
        self.whole = self.folder / "whole"
        self.undisturbed = self.run(self.news, self.whole)

    def _line(self, id: str, text: str) -> bytes:
        ballast = self.random.randbytes(BALLAST // 2).hex()
        return json.dumps({"id": id, "text": text, "ballast": ballast}, ensure_ascii=False).encode() + b"\n"

    def write(self, name: str, data: bytes) -> Path:
        """Write a file, and the folders that it is in."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return path

    def table(self, name: str, **options: int) -> Path:
        """Write the articles as Parquet."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        columns = {"text": list(self.articles.values()), "id": self.ids}
        pyarrow.parquet.write_table(pyarrow.table(columns), path, use_dictionary=False, **options)
        return path

    def run(
        self, source: Path, out: Path, watch: Watch | None = None, file_bytes: int | None = None
    ) -> Outcome:
        """Run to the end; `watch` is called every now and then with the process and its seconds."""
        line = [sys.executable, "-m", "libyaevents", "batch", str(source), str(out)]
        line += ["--model", self.options.model, "--workers", str(self.options.workers)]
        line += ["--shard-size", str(max(self.options.articles // 12, 1))]
        limit = None
        if file_bytes is not None:
            limit = partial(resource.setrlimit, resource.RLIMIT_FSIZE, (file_bytes, file_bytes))
        with tempfile.TemporaryFile() as output:
            started, pid = time.monotonic(), 0
            process = subprocess.Popen(line, stdout=output, stderr=output, preexec_fn=limit)
            while not pid:
                time.sleep(0.01)
                pid, status, usage = os.wait4(process.pid, os.WNOHANG)
                seconds = time.monotonic() - started
                if watch is not None and not pid:
                    with suppress(psutil.NoSuchProcess):
                        watch(psutil.Process(process.pid), seconds)
                if seconds > LONGEST_RUN_S:
                    process.kill()
            process.returncode = os.waitstatus_to_exitcode(status)
            output.seek(0)
            written = output.read().decode(errors="replace")
        return Outcome(process.returncode, written, seconds, usage.ru_maxrss * 1024)

    def check(
        self, out: Path, outcome: Outcome, expected: Mapping[str, str] | None = None, aside: int = 0
    ) -> str:
        """Check that a run ended well and holds articles, all if none are named, and so many put aside."""
        outcome.expect(0)
        self.check_articles(out, self.articles if expected is None else expected)
        if (n_aside := len(quarantine(out))) != aside:
            raise FailedError(f"expected {aside} records put aside, found {n_aside}")
        if outcome.peak > self.undisturbed.peak + MORE_MEMORY:
            raise FailedError(f"{outcome.peak // MIB} MiB in one process")
        return f"{len(self.articles if expected is None else expected)} articles, {aside} aside; {outcome}"

    def check_articles(self, out: Path, expected: Mapping[str, str]) -> None:
        """Compare ids and texts of a result with what was given."""
        found = [(document.id, text_hash(document.text)) for document in read_results(out)]
        given = [(id, text_hash(text)) for id, text in expected.items()]
        if found != given:
            lost, more = set(given) - set(found), len(found) - len(set(found) & set(given))
            raise FailedError(f"{len(lost)} articles lost, {more} too many, or the order is another")

    def check_same(self, out: Path, outcome: Outcome) -> str:
        """Check that a folder is, byte for byte, what an undisturbed run leaves."""
        told = self.check(out, outcome)
        if different := sorted(name for name, _ in contents(out) ^ contents(self.whole)):
            raise FailedError(f"not what an undisturbed run writes: {', '.join(different[:5])}")
        return f"{told}, same bytes"

    def check_refused(self, out: Path, source: Path, phrase: str) -> str:
        """Check that a run is refused in a line, and changes nothing."""
        before = contents(out)
        told = self.run(source, out).expect(2, phrase)
        if contents(out) != before:
            raise FailedError("the folder is not what it was")
        return told


def text_hash(text: str) -> str:
    """SHA-256 of a text."""
    return hashlib.sha256(text.encode()).hexdigest()


def contents(folder: Path) -> set[tuple[str, bytes]]:
    """The names and bytes of what is in a folder, but for the lock."""
    return {(path.name, path.read_bytes()) for path in folder.iterdir() if path.name != ".lock"}


def quarantine(out: Path) -> list[int]:
    """The numbers of the records that were put aside."""
    files = sorted(out.glob("quarantine-*.jsonl"))
    lines = [line for path in files for line in path.read_text(encoding="utf-8").splitlines()]
    return [json.loads(line)["record"] for line in lines]
