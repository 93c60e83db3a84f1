"""Which model reads: what can be chosen, what stays when another cannot be loaded, what has vanished."""

import shutil
from pathlib import Path

import pytest

from libyaevents.errors import CheckpointError, ModelNotFoundError
from libyaevents.extractor import Extractor
from libyaevents.server.models import RETRAINED, Models
from libyaevents.server.reader import Reader


class Choice:
    """Models of a reader; `newest` is the folder of the retrained one."""

    def __init__(self, name: str | Path, memory: Path) -> None:
        self.newest: Path | None = None
        self.reader = Reader(Extractor.from_pretrained(name))
        self.models = Models(self.reader, str(name), retrained=lambda: self.newest, memory=memory)


@pytest.fixture
def choice(tiny_model: Path, tmp_path: Path) -> Choice:
    """The tiny model, and none retrained."""
    return Choice(tiny_model, tmp_path / "model.txt")


@pytest.fixture
def runs(tmp_path: Path, tiny_model: Path) -> tuple[Path, Path]:
    """The models of two runs."""
    first, second = (tmp_path / name / "model" for name in ("run 1", "run 2"))
    shutil.copytree(tiny_model, first)
    shutil.copytree(tiny_model, second)
    return first, second


def test_names(choice: Choice, tiny_model: Path, runs: tuple[Path, Path]) -> None:
    """Shipped models, the one of the start and the retrained one can be chosen, whichever is in use."""
    names = choice.models.names()
    assert "compact" in names
    assert str(tiny_model) in names
    assert RETRAINED not in names
    choice.newest = runs[0]
    assert choice.models.names() == [*names, RETRAINED]
    choice.models.use(RETRAINED)
    assert choice.models.names() == [*names, RETRAINED]
    choice.models.use(str(tiny_model))
    assert choice.models.current() == {
        "name": str(tiny_model),
        "folder": str(tiny_model),
        "is_there": True,
    }


def test_newer_retrained_model(choice: Choice, runs: tuple[Path, Path]) -> None:
    """A retrained model that is no longer the newest is named by its run; the newest can be chosen."""
    choice.newest = runs[0]
    choice.models.use(RETRAINED)
    assert choice.models.current()["name"] == RETRAINED
    choice.newest = runs[1]
    assert choice.models.current()["name"] == "retrained run 1"
    assert choice.models.folder == runs[0]
    choice.models.use(RETRAINED)
    assert choice.models.current() == {"name": RETRAINED, "folder": str(runs[1]), "is_there": True}


def test_model_that_cannot_be_loaded(choice: Choice, tiny_model: Path, runs: tuple[Path, Path]) -> None:
    """A damaged, vanished or unknown model is refused with what to do, and the old one goes on."""
    before = choice.reader.extractor
    choice.newest = runs[0]
    (runs[0] / "labels.json").write_text("{", encoding="utf-8")
    with pytest.raises(CheckpointError, match=r"labels\.json"):
        choice.models.use(RETRAINED)
    shutil.rmtree(runs[0])
    with pytest.raises(ModelNotFoundError, match=r"model retrained: .*put it back, or use another"):
        choice.models.use(RETRAINED)
    for name in ("compakt", "/etc", str(runs[1])):
        with pytest.raises(ModelNotFoundError, match=r"expected a known model, found.*known: "):
            choice.models.use(name)
    assert choice.reader.extractor is before
    assert choice.models.current()["name"] == str(tiny_model)


def test_model_in_use_that_vanished(runs: tuple[Path, Path]) -> None:
    """A model whose folder is gone reads on, and it is told that nothing can be retrained from it."""
    choice = Choice(runs[0], runs[0].parents[1] / "model.txt")
    assert choice.models.current()["is_there"]
    shutil.rmtree(runs[0])
    assert not choice.models.current()["is_there"]
    assert choice.reader.extractor.extract("قصف سرت").text == "قصف سرت"


def test_relative_folder(monkeypatch: pytest.MonkeyPatch, runs: tuple[Path, Path]) -> None:
    """A folder that was given from where the server started is known from everywhere."""
    monkeypatch.chdir(runs[0].parent)
    assert Choice("./model", runs[0].parents[1] / "model.txt").models.folder == runs[0]


def test_choice_outlives_a_restart(
    choice: Choice, tiny_model: Path, tmp_path: Path, runs: tuple[Path, Path]
) -> None:
    """A server that is started again reads with the model that was chosen last."""
    choice.newest = runs[0]
    choice.models.use(RETRAINED)
    again = Choice(tiny_model, tmp_path / "model.txt")
    again.newest = runs[0]
    again.models.use_last()
    assert again.models.current()["name"] == RETRAINED


def test_last_choice_that_is_gone(
    choice: Choice,
    tiny_model: Path,
    tmp_path: Path,
    runs: tuple[Path, Path],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Where the model that was chosen last has vanished, the first one reads, and the log says so."""
    choice.models.use_last()  # nothing was chosen
    assert not caplog.messages
    choice.newest = runs[0]
    choice.models.use(RETRAINED)
    shutil.rmtree(runs[0])
    again = Choice(tiny_model, tmp_path / "model.txt")
    again.models.use_last()
    assert again.models.current()["name"] == str(tiny_model)
    assert "reading with" in caplog.text
