"""Processes that are measured: one for each side, so that none has loaded what another needs.

In: the name of a module and its arguments. Out: answers to one-word commands; or, of a command that runs
once, its wall time and peak memory. Standard library alone, since those who are measured import this too.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import IO, Any, cast

from libyaevents.errors import BenchmarkError, ConfigError

__all__ = ["OneRun", "Worker", "measure", "one_machine", "serve", "timed"]

# Read when torch, ONNX Runtime, OpenVINO and tokenizers load; nothing may be looked for on a hub.
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "RAYON_NUM_THREADS")
QUIET = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_VERBOSITY": "error", "PYTHONIOENCODING": "utf-8"}

Answer = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class OneRun:
    """A process from start to end: wall time, and its largest resident set where the system tells it."""

    seconds: float
    peak_bytes: int | None


def serve(commands: Mapping[str, Callable[[], Answer]]) -> None:
    """Answer the commands that come on standard input, one a line; first say, by `{}`, that all is loaded.

    What libraries print goes to stderr: only answers are on stdout.
    """
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as answers:
        os.dup2(2, 1)
        print("{}", file=answers, flush=True)
        for line in sys.stdin:
            print(json.dumps(commands[line.strip()]()), file=answers, flush=True)


def timed(run: Callable[[], object]) -> Answer:
    """Run once and tell the wall time in `seconds`, and this process's own on all cores in `cpu_seconds`."""
    start, cpu_start = time.perf_counter(), time.process_time()
    run()
    return {"seconds": time.perf_counter() - start, "cpu_seconds": time.process_time() - cpu_start}


class Worker:
    """A process of `python -m module` that answers commands; it ends with its `with` statement."""

    def __init__(self, module: str, *arguments: str) -> None:
        self._module = module
        self._errors = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")  # noqa: SIM115  # __exit__
        self._process = subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            encoding="utf-8",
        )

    def __enter__(self) -> "Worker":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        with suppress(BrokenPipeError):
            self._process.communicate()
        self._errors.close()

    def ask(self, command: str) -> Answer:
        """Send a command and wait for its answer.

        Raises:
            BenchmarkError: the process has ended; the message holds its last words.
        """
        with suppress(BrokenPipeError):  # the answer is missing then, and the reason is known
            print(command, file=cast(IO[str], self._process.stdin), flush=True)
        return self.answer()

    def answer(self) -> Answer:
        """Wait for the next answer: behind the start, for the word that all is loaded.

        Raises:
            BenchmarkError: as `ask`.
        """
        line = cast(IO[str], self._process.stdout).readline()
        if line:
            return cast(Answer, json.loads(line))
        code = self._process.wait()
        raise BenchmarkError(
            f"the measured process {self._module} ended with code {code} ({_last_line(self._errors)}): "
            "expected an answer; free memory, or choose a smaller --shape"
        )


def measure(command: Sequence[str]) -> OneRun:
    """Run a command from start to end.

    A small process starts it: a child of this one would be told this one's peak memory as its own.

    Raises:
        BenchmarkError: it failed; the message holds its last words.
    """
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as errors:
        launcher = [sys.executable, "-m", "libyaevents.benchmark.launch", *command]
        done = subprocess.run(launcher, stdout=subprocess.PIPE, stderr=errors, encoding="utf-8")
        if done.returncode:
            raise BenchmarkError(f"{' '.join(command)} failed: {_last_line(errors)}")
    return OneRun(**json.loads(done.stdout))


@contextmanager
def one_machine(n_threads: int) -> Iterator[None]:
    """Give this process and those it starts so many cores and threads, all alike.

    Raises:
        ConfigError: there are fewer cores.
    """
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    n_cores = len(cores) or os.cpu_count() or 1
    if n_threads > n_cores:
        raise ConfigError(
            f"--threads is {n_threads}: expected at most {n_cores}, the cores that this process may use"
        )
    environment = dict(os.environ)
    os.environ.update(QUIET | dict.fromkeys(THREADS, str(n_threads)))
    if cores:
        os.sched_setaffinity(0, cores[:n_threads])
    try:
        yield
    finally:
        if cores:
            os.sched_setaffinity(0, cores)
        os.environ.clear()
        os.environ.update(environment)


def _last_line(stream: IO[str]) -> str:
    stream.seek(0)
    return (stream.read().strip().splitlines() or ["it said nothing"])[-1]
