"""Retraining beside the server: documents come in, `libyaevents retrain` runs, a model comes out.

The command is a process of its own, of lower priority; what it says on stderr tells how far it is. Each run
has a folder, in which `run.json` says how it stands: a run that was cut off, by a person or with the server,
goes on when it is started again on the same documents and model.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

from libyaevents.documents import Document
from libyaevents.errors import ConfigError, DocumentError, ModelNotFoundError, missing_train_extra
from libyaevents.records import parse_json, read_object, write_object
from libyaevents.server.edits import NotFoundError, NotSavedError
from libyaevents.server.errors import ServerError

__all__ = ["Retraining", "Run"]

RUN_FILE, ADDED, LOG, REPORT = "run.json", "added.jsonl", "log.txt", "report.html"
RUN_FORMAT = "libyaevents-run/1"
N_LINES = 50  # of the log, kept at hand
LOWER_PRIORITY = 10  # niceness; the studio answers while a model is trained
STOP_TIMEOUT_S = 10.0

# The command `libyaevents`, which ends when its standard input does: with the server, however that ends.
GUARDED = """
import os, sys, threading

def watch():
    # Not by sys.stdin: its lock, held by this thread, would abort the interpreter at its end.
    while os.read(0, 1):
        pass
    os._exit(143)

threading.Thread(target=watch, daemon=True).start()
from libyaevents.cli import main
sys.exit(main())
"""

_PROGRESS = re.compile(r"trained ([\d,]+) of ([\d,]+) steps")
_REJECTED = 3  # the exit code
State = Literal["running", "accepted", "rejected", "failed", "stopped"]
Stage = Literal["preparing", "training", "measuring"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A retraining: who started it when, on which model, how it stands, and the report's verdict."""

    name: str
    author: str
    started_at: str
    model: str
    n_documents: int
    is_forced: bool = False
    state: State = "running"
    seconds: float = 0.0
    verdict: str | None = None


class Retraining:
    """The retrainings of one data folder, of which at most one runs."""

    def __init__(self, folder: Path, *, command: Sequence[str] = (sys.executable, "-c", GUARDED)) -> None:
        """Look for earlier runs in a folder, which need not exist; what runs by its file was cut off."""
        self.folder, self._command = folder, tuple(command)
        self._lock = threading.RLock()
        self._process: subprocess.Popen[str] | None = None
        self._watcher: threading.Thread | None = None
        self._is_stopped, self._started = False, 0.0
        self._lines: deque[str] = deque(maxlen=N_LINES)
        self._steps: tuple[int, int] | None = None
        self._runs = list(_read_runs(folder))
        if self._last is not None:
            if self._last.state == "running":
                self._keep(replace(self._last, state="stopped"))
            self._lines.extend(_last_lines(folder / self._last.name / LOG))

    @property
    def newest_model(self) -> Path | None:
        """The model of the last run that was accepted, where it is still there."""
        models = (self.folder / run.name / "model" for run in reversed(self._runs) if run.state == "accepted")
        return next((model for model in models if model.is_dir()), None)

    @property
    def report(self) -> str:
        """The page that the last run wrote.

        Raises:
            NotFoundError: there is none.
        """
        run = self._last
        if run is None or not self._has_report(run):
            raise NotFoundError("expected the report of a retraining, found none; start one and let it end")
        return (self.folder / run.name / REPORT).read_text(encoding="utf-8")

    def status(self) -> dict[str, Any]:
        """Return how the last run stands, as JSON types; `idle` where there was none."""
        with self._lock:
            run = self._last
            if run is None:
                return {"state": "idle", "lines": [], "has_report": False, "run": None}
            steps = self._steps or (None, None)
            is_running = run.state == "running"
            return {
                "state": run.state,
                "stage": self._stage() if is_running else None,
                "step": steps[0],
                "n_steps": steps[1],
                "seconds": round(time.monotonic() - self._started if is_running else run.seconds, 1),
                "lines": list(self._lines),
                "has_report": self._has_report(run),
                "verdict": run.verdict,
                "run": run.name,
                "author": run.author,
                "started_at": run.started_at,
                "n_documents": run.n_documents,
            }

    def start(self, documents: Iterable[Document], *, model: Path, author: str, is_forced: bool) -> None:
        """Start a run, or go on with the last one where it ended early on the same documents and model.

        Raises:
            ServerError: one runs already.
            DocumentError: there is no document, or nothing is annotated.
            ModelNotFoundError: the model's folder is gone.
            MissingExtraError: torch or transformers is not installed.
            NotSavedError: the data folder cannot be written.
        """
        added = list(documents)
        with self._lock:
            self._check(added, model)
            text = "".join(f"{document.to_json()}\n" for document in added)
            run = Run(
                name=self._resumable(text, model) or self._new_name(),
                author=author,
                started_at=_now(),
                model=str(model),
                n_documents=len(added),
                is_forced=is_forced,
            )
            folder = self.folder / run.name
            with _saving(folder):
                folder.mkdir(parents=True, exist_ok=True)
                (folder / REPORT).unlink(missing_ok=True)
                (folder / ADDED).write_text(text, encoding="utf-8")
                log = (folder / LOG).open("w", encoding="utf-8")
            self._discard_candidates(apart_from=run)
            self._begin(run, log)

    def stop(self) -> None:
        """Stop what runs, if anything does; it can go on later."""
        with self._lock:
            process, watcher = self._process, self._watcher
            if process is None or watcher is None:
                return
            self._is_stopped = True
            process.terminate()
        try:
            process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
        watcher.join()

    def wait(self) -> None:
        """Wait for the end of what runs."""
        if self._watcher is not None:
            self._watcher.join()

    @property
    def _last(self) -> Run | None:
        return self._runs[-1] if self._runs else None

    def _stage(self) -> Stage:
        if self._steps is None:
            return "preparing"
        step, n_steps = self._steps
        return "training" if step < n_steps else "measuring"

    def _has_report(self, run: Run) -> bool:
        return run.state in ("accepted", "rejected") and (self.folder / run.name / REPORT).is_file()

    def _check(self, documents: Sequence[Document], model: Path) -> None:
        if self._process is not None:
            raise ServerError(409, "expected no retraining to run, found one; wait for its end, or stop it")
        if not documents:
            raise DocumentError(
                "expected documents to learn from, found none that is done; correct and mark some"
            )
        if not any(document.entities or document.events for document in documents):
            raise DocumentError(
                "expected annotated documents, found no entity and no event in the "
                f"{len(documents)} that are done; annotate some"
            )
        if not model.is_dir():
            raise ModelNotFoundError(f"{model}: expected the model in use, found no such folder; use another")
        if not all(map(find_spec, ("torch", "transformers"))):
            raise missing_train_extra("retraining")

    def _resumable(self, text: str, model: Path) -> str | None:
        """Return the last run, where it left something to go on with: the command does the same again."""
        last = self._last
        if last is None or last.state == "accepted" or last.model != str(model):
            return None
        with suppress(OSError):
            if (self.folder / last.name / ADDED).read_text(encoding="utf-8") == text:
                return last.name
        return None

    def _new_name(self) -> str:
        """Return a name for a folder; later ones come later by name, too."""
        name = datetime.now(UTC).strftime("%Y-%m-%dT%H-%M-%S-%f")
        return max(name, f"{self._last.name}-2") if self._last else name

    def _discard_candidates(self, apart_from: Run) -> None:
        """Delete what earlier runs would have gone on from: weights that nobody can reach any more."""
        for run in self._runs:
            if run.name != apart_from.name:
                shutil.rmtree(self.folder / run.name / "candidate", ignore_errors=True)

    def _begin(self, run: Run, log: Any) -> None:
        """Start the process and the thread that follows it."""
        folder = self.folder / run.name
        options = ["--add", folder / ADDED, "--from", run.model, "--out", folder, "--name", "retrained"]
        arguments = ["retrain", *map(str, options), "--verbose", *(["--force"] if run.is_forced else [])]
        self._keep(run)
        try:
            process = subprocess.Popen(
                [*self._command, *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
                encoding="utf-8",
                errors="replace",
                env={**os.environ, "PYTHONIOENCODING": "utf-8"},
                creationflags=getattr(subprocess, "BELOW_NORMAL_PRIORITY_CLASS", 0),
            )
        except OSError as error:
            self._keep(replace(run, state="failed"))
            log.close()
            raise ConfigError(f"cannot start {self._command[0]}: {error.strerror or error}") from error
        if hasattr(os, "setpriority"):
            with suppress(OSError):  # it has ended already
                os.setpriority(os.PRIO_PROCESS, process.pid, LOWER_PRIORITY)
        self._process, self._is_stopped, self._steps = process, False, None
        self._lines.clear()
        self._started = time.monotonic()
        self._watcher = threading.Thread(target=self._follow, args=(run, process, log), daemon=True)
        self._watcher.start()

    def _follow(self, run: Run, process: subprocess.Popen[str], log: Any) -> None:
        """Read what the process says, and keep how it ended."""
        assert process.stderr is not None
        assert process.stdin is not None
        for line in process.stderr:
            with suppress(OSError):  # a full disk ends the training, not its follower
                print(line.rstrip(), file=log, flush=True)
            with self._lock:
                self._lines.append(line.rstrip()[:1000])
                if found := _PROGRESS.search(line):
                    step, n_steps = (int(number.replace(",", "")) for number in found.groups())
                    self._steps = step, n_steps
        code = process.wait()
        with suppress(OSError):
            process.stdin.close()
        process.stderr.close()
        with suppress(OSError):
            log.close()
        with self._lock:
            self._process = None
            ended = self._ended(replace(run, seconds=time.monotonic() - self._started), code)
            try:
                self._keep(ended)
            except NotSavedError as error:
                self._lines.append(f"error: {error}")
                self._runs[-1] = ended

    def _ended(self, run: Run, code: int) -> Run:
        verdict = _verdict(self.folder / run.name / "report.json")
        if code == 0 and (self.folder / run.name / "model").is_dir():
            return replace(run, state="accepted", verdict=verdict)
        if code == _REJECTED:
            return replace(run, state="rejected", verdict=verdict)
        return replace(run, state="stopped" if self._is_stopped else "failed")

    def _keep(self, run: Run) -> None:
        """Put a run in the list and in its file, which appears whole or not at all."""
        path = self.folder / run.name / RUN_FILE
        with _saving(path):
            temporary = path.with_suffix(".part")
            temporary.write_text(
                json.dumps(write_object(run, RUN_FORMAT), ensure_ascii=False), encoding="utf-8"
            )
            temporary.replace(path)
        self._runs = [*(each for each in self._runs if each.name != run.name), run]


def _read_runs(folder: Path) -> Iterator[Run]:
    """Yield the runs of a folder, the oldest first; a file that is no run's is left alone."""
    for path in sorted(folder.glob(f"*/{RUN_FILE}")):
        with suppress(OSError, UnicodeDecodeError, DocumentError):
            data = parse_json(path.read_text(encoding="utf-8"), "run")
            run: Run = read_object(data, Run, format_name=RUN_FORMAT, kind="run")
            yield replace(run, name=path.parent.name)


def _last_lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8", errors="replace").splitlines()[-N_LINES:]
    except OSError:
        return []


def _verdict(path: Path) -> str | None:
    try:
        verdict = json.loads(path.read_text(encoding="utf-8")).get("verdict")
    except (OSError, ValueError, AttributeError):
        return None
    return verdict if isinstance(verdict, str) else None


@contextmanager
def _saving(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise NotSavedError(
            f"{path}: expected a place to write to, found {error.strerror or error}; the retraining was not "
            "started: make room or give the permission, and start it again"
        ) from error


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
