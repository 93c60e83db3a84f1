"""Retraining beside the server: its states, what stops it, what is left after a crash, what is refused."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from libyaevents.documents import Document, Entity
from libyaevents.errors import ConfigError, DocumentError, MissingExtraError, ModelNotFoundError
from libyaevents.extractor import Extractor
from libyaevents.formats.jsonl import read_documents, write_documents
from libyaevents.server import retraining as module
from libyaevents.server.edits import NotFoundError, NotSavedError
from libyaevents.server.errors import ServerError
from libyaevents.server.retraining import GUARDED, Retraining

# In place of `libyaevents retrain`: it says and writes the same, and ends as its first argument tells.
FAKE = """
import json, os, sys
from pathlib import Path

how, arguments = sys.argv[1], sys.argv[2:]
value = {name: arguments[place + 1] for place, name in enumerate(arguments[:-1]) if name.startswith("--")}
out = Path(value["--out"])
with (out / "calls.jsonl").open("a") as calls:
    calls.write(json.dumps(arguments) + "\\n")
print("info: trained 20 of 1,400 steps", file=sys.stderr, flush=True)
if how == "wait":
    sys.stdin.read()
if how == "fail":
    sys.exit("error: added.jsonl:1: expected a text, found قصف")
print("info: trained 1,400 of 1,400 steps", file=sys.stderr, flush=True)
how = "accept" if "--force" in arguments else how
verdict = "Accepted: nothing dropped on the probe." if how == "accept" else "Rejected: GPE dropped."
(out / "report.json").write_text(json.dumps({"verdict": verdict}))
(out / "report.html").write_text(f"<p>{verdict}</p>")
(out / "candidate").mkdir(exist_ok=True)
if how == "accept":
    (out / "model").mkdir(exist_ok=True)
sys.exit(0 if how == "accept" else 3)
"""


def annotated(text: str = "قصف سرت", id: str = "خبر") -> Document:
    """Return a document with one entity."""
    start = text.index("سرت")
    return Document(
        id=id, text=text, entities=(Entity(id="T1", label="GPE", start=start, end=start + 3, text="سرت"),)
    )


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Callable[..., Retraining]]:
    """Return what makes the retraining of one data folder, with the fake command that ends in a way."""
    script = tmp_path / "fake.py"
    script.write_text(FAKE, encoding="utf-8")
    made: list[Retraining] = []

    def make(how: str) -> Retraining:
        made.append(Retraining(tmp_path / "retraining", command=(sys.executable, str(script), how)))
        return made[-1]

    yield make
    for each in made:
        each.stop()


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """Return a folder that stands for a model's."""
    (tmp_path / "compact").mkdir()
    return tmp_path / "compact"


def start(retraining: Retraining, model: Path, *documents: Document, is_forced: bool = False) -> None:
    """Start on some documents, or on one."""
    retraining.start(documents or [annotated()], model=model, author="هدى", is_forced=is_forced)


def until(is_true: Callable[[], bool]) -> None:
    """Wait until another process or thread did something that it tells nobody."""
    deadline = time.monotonic() + 20
    while not is_true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def calls(retraining: Retraining) -> list[list[str]]:
    """Return the arguments of every start of the fake command in the last run."""
    path = retraining.folder / str(retraining.status()["run"]) / "calls.jsonl"
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


# States


def test_nothing_ran(make: Callable[..., Retraining]) -> None:
    """Before the first retraining there is neither a state nor a report, nor a folder."""
    retraining = make("accept")
    assert retraining.status() == {"state": "idle", "lines": [], "has_report": False, "run": None}
    assert retraining.newest_model is None
    assert not retraining.folder.exists()
    retraining.stop()
    with pytest.raises(NotFoundError, match="found none"):
        _ = retraining.report


def test_accepted(make: Callable[..., Retraining], model: Path) -> None:
    """The command gets the documents and the model; its report and model are there in the end."""
    retraining = make("accept")
    documents = [annotated(), annotated("غارة على سرت", "آخر")]
    start(retraining, model, *documents)
    retraining.wait()
    status = retraining.status()
    assert (status["state"], status["has_report"], status["step"], status["n_steps"]) == (
        "accepted",
        True,
        1400,
        1400,
    )
    assert status["verdict"] == "Accepted: nothing dropped on the probe."
    assert (status["author"], status["n_documents"]) == ("هدى", 2)
    assert status["lines"] == ["info: trained 20 of 1,400 steps", "info: trained 1,400 of 1,400 steps"]
    assert "Accepted" in retraining.report
    run = retraining.folder / status["run"]
    assert retraining.newest_model == run / "model"
    assert list(read_documents(run / "added.jsonl")) == documents
    (call,) = calls(retraining)
    assert call[:3] == ["retrain", "--add", str(run / "added.jsonl")]
    assert call[3:] == ["--from", str(model), "--out", str(run), "--name", "retrained", "--verbose"]


def test_progress(make: Callable[..., Retraining], model: Path) -> None:
    """While it runs it says how far it is, and a second one is refused."""
    retraining = make("wait")
    start(retraining, model)
    until(lambda: retraining.status()["step"] is not None)
    status = retraining.status()
    assert (status["state"], status["stage"], status["step"], status["n_steps"]) == (
        "running",
        "training",
        20,
        1400,
    )
    assert status["seconds"] >= 0
    assert not status["has_report"]
    with pytest.raises(ServerError, match="found one") as caught:
        start(retraining, model)
    assert caught.value.status == 409


def test_rejected(make: Callable[..., Retraining], model: Path) -> None:
    """A model that reads worse is rejected: there is a report, but no model; by force it is accepted."""
    retraining = make("reject")
    start(retraining, model)
    retraining.wait()
    status = retraining.status()
    assert (status["state"], status["has_report"], retraining.newest_model) == ("rejected", True, None)
    assert status["verdict"] == "Rejected: GPE dropped."
    start(retraining, model, is_forced=True)
    retraining.wait()
    forced = retraining.status()
    # In the same folder, where what was trained need not be trained again.
    assert (forced["state"], forced["run"]) == ("accepted", status["run"])
    assert [call[-1] for call in calls(retraining)] == ["--verbose", "--force"]


def test_failed(make: Callable[..., Retraining], model: Path) -> None:
    """What the command failed of is the last of its lines."""
    retraining = make("fail")
    start(retraining, model)
    retraining.wait()
    status = retraining.status()
    assert (status["state"], status["has_report"]) == ("failed", False)
    assert status["lines"][-1] == "error: added.jsonl:1: expected a text, found قصف"


def test_killed_command(make: Callable[..., Retraining], model: Path) -> None:
    """A command that the system kills has failed, not stopped."""
    retraining = make("wait")
    start(retraining, model)
    assert retraining._process is not None
    retraining._process.kill()
    retraining.wait()
    assert retraining.status()["state"] == "failed"


def test_command_that_is_not_there(tmp_path: Path, model: Path) -> None:
    """A command that cannot be started is an error, and nothing seems to run."""
    retraining = Retraining(tmp_path / "retraining", command=(str(tmp_path / "absent"),))
    with pytest.raises(ConfigError, match="cannot start"):
        start(retraining, model)
    assert retraining.status()["state"] == "failed"


# Stopped and resumed


def test_stop_and_go_on(make: Callable[..., Retraining], model: Path) -> None:
    """A run that was stopped goes on in its folder; on other documents or another model a new one begins."""
    retraining = make("wait")
    start(retraining, model)
    until(lambda: retraining.status()["step"] is not None)
    retraining.stop()
    stopped = retraining.status()
    assert (stopped["state"], stopped["stage"]) == ("stopped", None)
    start(retraining, model)
    until(lambda: len(calls(retraining)) == 2)
    assert retraining.status()["run"] == stopped["run"]
    first, second = calls(retraining)
    assert first == second
    retraining.stop()
    start(retraining, model, annotated("غارة على سرت"))
    assert (other := retraining.status()["run"]) > stopped["run"]
    retraining.stop()
    start(retraining, model.parent, annotated("غارة على سرت"))
    assert retraining.status()["run"] > other


def test_restart_of_the_server(make: Callable[..., Retraining], model: Path) -> None:
    """A server that starts again knows the last run, its lines, its report and the newest model."""
    retraining = make("accept")
    start(retraining, model)
    retraining.wait()
    again = make("reject")
    kept = again.status()
    assert (kept["state"], kept["has_report"]) == ("accepted", True)
    assert kept["lines"] == retraining.status()["lines"]
    assert again.newest_model == retraining.newest_model
    start(again, model, annotated("غارة على سرت"))
    again.wait()
    # The rejected one is the last; the model is still that of the one before.
    last = make("accept")
    assert (last.status()["state"], last.newest_model) == ("rejected", retraining.newest_model)


def test_candidates_are_discarded(make: Callable[..., Retraining], model: Path) -> None:
    """What no run can go on from is deleted when the next one begins; reports and models are kept."""
    retraining = make("reject")
    start(retraining, model)
    retraining.wait()
    run = retraining.folder / retraining.status()["run"]
    assert (run / "candidate").is_dir()
    start(retraining, model, annotated("غارة على سرت"))
    assert not (run / "candidate").exists()
    assert (run / "report.html").is_file()


CRASHING = """
import sys, time
from pathlib import Path
from libyaevents.documents import Document, Entity
from libyaevents.server.retraining import GUARDED, Retraining

waiting = "import os; print('child', os.getpid(), file=sys.stderr, flush=True); main = threading.Event().wait"
command = (sys.executable, "-c", GUARDED.replace("from libyaevents.cli import main", waiting))
retraining = Retraining(Path(sys.argv[1]), command=command)
entity = Entity(id="T1", label="GPE", start=4, end=7, text="سرت")
document = Document(id="خبر", text="قصف سرت", entities=(entity,))
retraining.start([document], model=Path(sys.argv[2]), author="هدى", is_forced=False)
while not retraining.status()["lines"]:
    time.sleep(0.01)
print(retraining.status()["lines"][0], flush=True)
time.sleep(600)
"""


def test_crash_of_the_server(make: Callable[..., Retraining], tmp_path: Path, model: Path) -> None:
    """After kill -9 of the server its training ends, too; the next server calls it stopped and goes on."""
    server = subprocess.Popen(
        [sys.executable, "-c", CRASHING, str(tmp_path / "retraining"), str(model)],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert server.stdout is not None
    with server.stdout:
        word, child = server.stdout.readline().split()
        assert word == "child"
        server.send_signal(signal.SIGKILL)
        assert server.wait() == -signal.SIGKILL
    until(lambda: not _is_alive(int(child)))
    retraining = make("accept")
    stopped = retraining.status()
    assert (stopped["state"], stopped["lines"]) == ("stopped", [f"child {child}"])
    start(retraining, model)
    retraining.wait()
    assert (retraining.status()["state"], retraining.status()["run"]) == ("accepted", stopped["run"])


def _is_alive(process: int) -> bool:
    status = Path(f"/proc/{process}/stat")
    try:
        return status.read_text(encoding="utf-8").rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_priority(make: Callable[..., Retraining], model: Path) -> None:
    """The command has a lower priority than the server."""
    retraining = make("wait")
    start(retraining, model)
    assert retraining._process is not None
    mine, its = (os.getpriority(os.PRIO_PROCESS, process) for process in (0, retraining._process.pid))
    assert its == min(19, max(mine, 10))


def test_guard_runs_the_command() -> None:
    """What stands in place of `python -m libyaevents` runs it, with its arguments and its exit code."""
    command = [sys.executable, "-c", GUARDED, "retrain"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stderr is not None
        assert b"--add" in process.stderr.read()
        assert process.wait() == 2


# What is refused


def test_refused(make: Callable[..., Retraining], model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without documents, annotation, model or the extra there is no run; each error says what to do."""
    retraining = make("accept")
    with pytest.raises(DocumentError, match=r"found none that is done; correct and mark"):
        retraining.start([], model=model, author="هدى", is_forced=False)
    with pytest.raises(DocumentError, match="annotate some"):
        start(retraining, model, Document(text="لا شيء"))
    with pytest.raises(ModelNotFoundError, match="use another"):
        start(retraining, model / "vanished")
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"pip install 'libyaevents\[train\]'"):
        start(retraining, model)
    assert not retraining.folder.exists()


@pytest.mark.skipif(os.geteuid() == 0, reason="no folder is read-only to the superuser")
def test_read_only_folder(make: Callable[..., Retraining], model: Path) -> None:
    """In a folder that cannot be written no run begins."""
    retraining = make("accept")
    retraining.folder.mkdir()
    retraining.folder.chmod(0o500)
    with pytest.raises(NotSavedError, match="was not"):
        start(retraining, model)


def test_place_that_is_a_file(make: Callable[..., Retraining], model: Path) -> None:
    """Where the folder of the runs cannot be made no run begins, and nothing seems to run."""
    retraining = make("accept")
    retraining.folder.write_text("", encoding="utf-8")
    with pytest.raises(NotSavedError, match="not started"):
        start(retraining, model)
    assert retraining.status()["state"] == "idle"


def test_foreign_files(make: Callable[..., Retraining], tmp_path: Path) -> None:
    """Files that are no run's are left alone."""
    for name, text in (("a", "{"), ("b", '{"format": "other/1"}'), ("c", "[]"), ("d", '{"name": 1}')):
        (tmp_path / "retraining" / name).mkdir(parents=True)
        (tmp_path / "retraining" / name / "run.json").write_text(text, encoding="utf-8")
    assert make("accept").status()["state"] == "idle"


# The real command, on a tiny model

REAL = """
import shutil, sys
from libyaevents.cli import main
from libyaevents.training import retrain, train

start, probe = sys.argv[1:3]
retrain.PACKAGED = ("article",)
for name in ("encoder.int8.onnx", "roles.onnx"):
    writer = {"encoder.int8.onnx": "write_int8_encoder", "roles.onnx": "write_roles"}[name]
    setattr(train, writer, lambda model, path, *rest, name=name: shutil.copy(f"{start}/{name}", path))
sys.exit(main([*sys.argv[3:], "--probe", probe, "--passes", "2"]))
"""


def test_real_command(tmp_path: Path, tiny_model: Path) -> None:
    """The command itself trains a tiny model: steps are counted, the report is there, the model reads."""
    probe = tmp_path / "probe.jsonl"
    write_documents(
        [annotated(f"قصف سرت {place}", place) for place in ("درنة", "هون", "غات", "زلة", "ودان")], probe
    )
    retraining = Retraining(
        tmp_path / "retraining", command=(sys.executable, "-c", REAL, str(tiny_model), str(probe))
    )
    start(retraining, tiny_model, is_forced=True)
    retraining.wait()
    status: dict[str, Any] = retraining.status()
    assert status["state"] == "accepted", status["lines"]
    assert status["step"] == status["n_steps"] > 0
    assert status["verdict"].startswith("Accepted")
    assert "Retraining of retrained" in retraining.report
    assert retraining.newest_model is not None
    assert Extractor.from_pretrained(retraining.newest_model).extract("قصف سرت").text == "قصف سرت"
