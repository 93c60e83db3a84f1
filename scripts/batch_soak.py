"""Read 100,000 articles by `libyaevents batch`, killed in the middle, and check that each is there once.

    python scripts/batch_soak.py /tmp/soak --articles 100000 --sentences 5 --workers 1

Makes an archive of articles that are mixed anew from the sentences of the packaged open corpus; starts a run,
kills it with SIGKILL when a share of the shards is there (half), lets it go on, and reads the result back:
ids in order, the SHA-256 of every text, and of every shard as the manifest has it. Prints the rate beside
that of `extract_many` in one process with one thread, measured before and after, and the memory of all
processes over the quarters of the run after the kill. `--twice` runs once more undisturbed, and compares
the shards byte for byte.
"""

import argparse
import hashlib
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from pathlib import Path
from random import Random
from statistics import mean

import psutil

from libyaevents import Extractor, load_corpus
from libyaevents.batch import read_results
from libyaevents.documents import Document

SECONDS_A_SAMPLE = 1.0


def main(arguments: list[str] | None = None) -> int:
    """Run, and print what was measured."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="for the archive and the shards; made, and emptied of both")
    parser.add_argument("--articles", type=int, default=100_000)
    parser.add_argument("--sentences", type=int, default=20, help="of an article, at most")
    parser.add_argument("--in-process", type=int, default=1000, help="articles for the rate in one process")
    parser.add_argument("--shard-size", type=int, default=5000)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--model", default="compact")
    parser.add_argument("--kill-at", type=float, default=0.5, help="the share of the shards before the kill")
    parser.add_argument("--twice", action="store_true", help="compare with an undisturbed run")
    options = parser.parse_args(arguments)

    archive, out = options.folder / "archive.jsonl", options.folder / "out"
    options.folder.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(out, ignore_errors=True)
    write_archive(archive, articles(options.articles, options.sentences))
    line = [sys.executable, "-m", "libyaevents", "batch", str(archive), str(out), "--model", options.model]
    line += ["--workers", str(options.workers), "--shard-size", str(options.shard_size)]

    some = list(articles(options.in_process, options.sentences))
    before = in_process_rate(options.model, some)
    n_shards = -(-options.articles // options.shard_size)
    first = Run(line)
    killed_at = first.kill_at(out / "manifest.json", max(1, int(n_shards * options.kill_at)))
    second = Run(line)
    second.wait()
    after = in_process_rate(options.model, some)

    check(archive, out)
    rate = (options.articles - killed_at) / second.seconds
    in_process = mean([before, after])
    print(f"articles {options.articles}, killed at {killed_at}, each there once; workers {options.workers}")
    print(f"in process {before:.1f} and {after:.1f} articles/s; batch {rate:.1f}/s")
    print(f"after the kill it went on for {second.seconds:.0f} s")
    print(f"a worker / in process: {rate / options.workers / in_process:.2f}")
    print("memory of all processes by quarter (highest, MiB):", *second.quarters())
    n_bytes = sum(path.stat().st_size for path in out.glob("*.parquet"))
    print(f"shards: {n_bytes / options.articles:.0f} bytes an article")
    if options.twice:
        whole = options.folder / "whole"
        shutil.rmtree(whole, ignore_errors=True)
        subprocess.run([*line[:5], str(whole), *line[6:]], check=True)
        same = all((whole / path.name).read_bytes() == path.read_bytes() for path in out.glob("*-*"))
        print("undisturbed run, byte for byte:", "the same" if same else "DIFFERENT")
        return not same
    return 0


class Run:
    """A run as a process of its own, whose memory is watched."""

    def __init__(self, line: list[str]) -> None:
        self._started = time.monotonic()
        self._process = psutil.Popen(line)
        self._memory: list[int] = []
        self.seconds = 0.0

    def kill_at(self, manifest: Path, n_shards: int) -> int:
        """Kill the run when so many shards are listed; return how many articles they are made of."""
        while self._process.poll() is None:
            self._sample()
            shards = json.loads(manifest.read_text(encoding="utf-8"))["shards"] if manifest.exists() else []
            if len(shards) >= n_shards:
                self._process.kill()
                self._process.wait()
                end: int = shards[-1]["records"][1]
                return end
        raise SystemExit(f"the run ended before it could be killed, with code {self._process.returncode}")

    def wait(self) -> None:
        """Wait for the end of the run."""
        while self._process.poll() is None:
            self._sample()
        self.seconds = time.monotonic() - self._started
        if self._process.returncode:
            raise SystemExit(f"the run failed with code {self._process.returncode}")

    def quarters(self) -> list[int]:
        """The highest memory in each quarter of the run, MiB."""
        size = max(1, len(self._memory) // 4)
        return [max(self._memory[start : start + size]) for start in range(0, 4 * size, size)]

    def _sample(self) -> None:
        time.sleep(SECONDS_A_SAMPLE)
        n_bytes = 0
        try:
            for process in [self._process, *self._process.children(recursive=True)]:
                n_bytes += process.memory_info().rss
        except psutil.NoSuchProcess:
            return
        self._memory.append(n_bytes // 2**20)


def articles(n: int, most_sentences: int) -> Iterator[Document]:
    """Articles of 1 to so many sentences, always the same."""
    sentences = [
        document.text[start:end] for document in load_corpus("open") for start, end in document.sentences
    ]
    mixed = Random(0)
    for number in range(n):
        text = "\n".join(mixed.choices(sentences, k=mixed.randint(1, most_sentences)))
        yield Document(id=f"{number:08}", text=text, published=date(2020, 6, 8))


def write_archive(path: Path, documents: Iterable[Document]) -> None:
    """Write the archive."""
    with path.open("w", encoding="utf-8") as file:
        for document in documents:
            file.write(document.to_json() + "\n")


def in_process_rate(model: str, documents: Sequence[Document]) -> float:
    """Articles a second by `extract_many` in this process, with one thread, written as lines."""
    extractor = Extractor.from_pretrained(model, n_threads=1)
    started = time.perf_counter()
    for document in extractor.extract_many(documents):
        document.to_json()
    return len(documents) / (time.perf_counter() - started)


def check(archive: Path, out: Path) -> None:
    """Compare ids and texts of the result with those of the archive, one by one."""
    n_found = 0
    results = read_results(out)
    with archive.open(encoding="utf-8") as lines:
        for line in lines:
            given, found = json.loads(line), next(results, None)
            if found is None or found.id != given["id"] or text_hash(found.text) != text_hash(given["text"]):
                raise SystemExit(f"expected {given['id']} at {n_found}, found {found and found.id}")
            n_found += 1
    if (more := next(results, None)) is not None:
        raise SystemExit(f"expected {n_found} articles, found more: {more.id}")


def text_hash(text: str) -> str:
    """SHA-256 of a text."""
    return hashlib.sha256(text.encode()).hexdigest()


if __name__ == "__main__":
    sys.exit(main())
