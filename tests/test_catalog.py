"""Models and encoders at hand: found by name or by path, and listed."""

import shutil
from pathlib import Path

import pytest

from libyaevents import catalog
from libyaevents.catalog import find_encoder, list_models, model_folder
from libyaevents.errors import ModelNotFoundError


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, tiny_model: Path) -> Path:
    """A place of installed models that holds two: first and second."""
    home = tmp_path / "models"
    for name in ("second", "first"):
        shutil.copytree(tiny_model, home / name)
    monkeypatch.setattr(catalog, "_homes", lambda kind: [home])
    return home


def test_model_by_name_or_path(installed: Path, tiny_model: Path) -> None:
    """A model is found by its installed name, or by its folder's path."""
    assert model_folder("first") == installed / "first"
    assert model_folder(tiny_model) == tiny_model
    assert model_folder(str(tiny_model)) == tiny_model


def test_encoder_by_name(installed: Path) -> None:
    """A shipped encoder is found by its name; any other name stays: a folder's, or one on the hub."""
    assert find_encoder("first") == str(installed / "first")
    assert find_encoder("CAMeL-Lab/bert") == "CAMeL-Lab/bert"
    assert find_encoder("./first") == "./first"


def test_unknown_model(installed: Path) -> None:
    """A name that is not installed is refused, and the message lists those that are."""
    with pytest.raises(ModelNotFoundError, match=r"no model 'third'.*installed model \(first, second\)"):
        model_folder("third")


def test_no_models(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Where no model is installed the message says so."""
    monkeypatch.setattr(catalog, "_homes", lambda kind: [tmp_path])
    assert list_models() == []
    with pytest.raises(ModelNotFoundError, match=r"installed model \(none\)"):
        model_folder("compact")


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "../first", "first/../first", "second/..", "/first", "\0", "~", "x" * 5000],
    ids=lambda name: repr(name)[:20],
)
def test_name_is_no_way_out(installed: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that climbs out of the installed models finds nothing, though a model lies where it leads."""
    shutil.copy(installed / "first" / "config.json", installed.parent)
    shutil.copy(installed / "first" / "config.json", installed)
    (installed.parent / "elsewhere").mkdir()
    monkeypatch.chdir(installed.parent / "elsewhere")
    if name in ("..", "."):
        monkeypatch.chdir(installed / "second")
        (installed / "config.json").unlink()
        (installed / "second" / "config.json").unlink()
    with pytest.raises(ModelNotFoundError):
        model_folder(name)


def test_list_models(installed: Path) -> None:
    """Installed models are listed by name, with the key lines of their cards; other folders are not."""
    (installed / "notes").mkdir()
    (installed / "second" / "README.md").unlink()
    first, second = list_models()
    assert (first.name, first.path) == ("first", installed / "first")
    assert first.key_lines["Version"] == "2020-06-06"
    assert list(first.key_lines) == ["Version", "Size", "Trained on", "Scores", "Started from"]
    assert (second.name, second.key_lines) == ("second", {})


def test_half_written_models_are_not_listed(installed: Path) -> None:
    """A folder that is still being written has a name that begins with a dot, and is no model."""
    shutil.copytree(installed / "first", installed / ".third-x8s2")
    assert [model.name for model in list_models()] == ["first", "second"]


def test_installed_name_before_a_folder(
    tmp_path: Path, model_copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The name of an installed model means that model, whatever lies in the current folder."""
    installed = model_copy.rename(tmp_path / "compact")
    monkeypatch.setattr(catalog, "_installed", lambda: {"compact": installed})
    here = tmp_path / "here"
    (here / "compact").mkdir(parents=True)
    (here / "compact" / "config.json").write_text("{}", encoding="utf-8")
    monkeypatch.chdir(here)
    assert model_folder("compact") == installed
    assert model_folder("./compact") == Path("compact")
