"""Files and folders that appear whole, or stay as they were."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from libyaevents.errors import CorpusError, MissingFileError, OutputError
from libyaevents.outputs import lock_folder, open_whole, whole_folder

MARKER = "labels.json"
HOLD = (
    "import sys, time; from pathlib import Path; from libyaevents.outputs import lock_folder\n"
    "with lock_folder(Path(sys.argv[1])):\n    print('held', flush=True)\n    time.sleep(600)"
)


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


# Files


def test_open_whole(tmp_path: Path) -> None:
    """A file appears when all is written, in the place of an older one, and nothing beside it."""
    path = tmp_path / "rows.csv"
    path.write_bytes(b"old")
    with open_whole(path) as stream:
        stream.write(b"new")
        assert path.read_bytes() == b"old"
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (".", "expected a file to write, found a folder"),
        ("none/rows.csv", r"rows\.csv: expected a file that can be written, found No such file"),
        ("file/rows.csv", r"rows\.csv: expected a file that can be written, found Not a directory"),
    ],
)
def test_unwritable_place(tmp_path: Path, name: str, message: str) -> None:
    """A folder, a missing folder and a file taken for a folder cannot be written to."""
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OutputError, match=message), open_whole(tmp_path / name):
        pytest.fail("nothing can be written")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.skipif(not Path("/dev/null").exists(), reason="devices are of Unix")
def test_devices_are_refused() -> None:
    """A device is not replaced by a file."""
    with pytest.raises(OutputError, match="/dev/null: expected a file to write, found a device"):
        open_whole(Path("/dev/null")).__enter__()


# Folders


def test_whole_folder_appears_at_once(tmp_path: Path) -> None:
    """The folder is not there before all is written, and is readable by others after."""
    with whole_folder(tmp_path / "deep" / "model") as folder:
        (folder / "labels.json").write_text("{}", encoding="utf-8")
        assert not (tmp_path / "deep" / "model").exists()
    assert _names(tmp_path / "deep" / "model") == ["labels.json"]
    assert _names(tmp_path / "deep") == ["model"]
    assert (tmp_path / "deep" / "model").stat().st_mode & 0o777 == 0o755


def test_whole_folder_replaces_a_model(tmp_path: Path) -> None:
    """An older model in its place is replaced as a whole."""
    target = tmp_path / "model"
    target.mkdir()
    for name in ("labels.json", "of-an-older-version.onnx"):
        (target / name).write_text("old", encoding="utf-8")
    with whole_folder(target, marker=MARKER) as folder:
        (folder / "labels.json").write_text("new", encoding="utf-8")
        assert (target / "labels.json").read_text(encoding="utf-8") == "old"
    assert _names(target) == ["labels.json"]
    assert (target / "labels.json").read_text(encoding="utf-8") == "new"


def test_whole_folder_spares_other_folders(tmp_path: Path) -> None:
    """A folder that is no model is refused and left as it was."""
    (tmp_path / "thesis.txt").write_text("years of work", encoding="utf-8")
    with pytest.raises(OutputError, match=r"holds no labels\.json"), whole_folder(tmp_path, marker=MARKER):
        pytest.fail("the folder was given")
    assert _names(tmp_path) == ["thesis.txt"]


def _fill(folder: Path, error: Exception) -> None:
    (folder / "config.json").write_text("half", encoding="utf-8")
    raise error


@pytest.mark.parametrize(
    "error",
    [
        OSError(28, "No space left on device"),
        PermissionError(13, "Permission denied"),
        RuntimeError("[enforce fail at inline_container.cc] No space left on device"),
    ],
    ids=["full", "forbidden", "full, says torch"],
)
def test_full_disk_leaves_the_older(model_copy: Path, error: Exception) -> None:
    """When the disk fills up, the older model stays whole and no half-written folder is left."""
    before = {path.name: path.read_bytes() for path in model_copy.iterdir()}
    with (
        pytest.raises(OutputError, match="nothing was changed"),
        whole_folder(model_copy, marker=MARKER) as folder,
    ):
        _fill(folder, error)
    assert {path.name: path.read_bytes() for path in model_copy.iterdir()} == before
    assert _names(model_copy.parent) == ["copy"]


@pytest.mark.parametrize(
    "error",
    [MissingFileError("no such file: a.jsonl"), CorpusError("empty"), ZeroDivisionError("bug")],
    ids=str,
)
def test_other_errors_stay_what_they_are(tmp_path: Path, error: Exception) -> None:
    """An error that is not of the writing comes through unchanged, and no folder is left."""
    with pytest.raises(type(error), match=str(error)), whole_folder(tmp_path / "model") as folder:
        _fill(folder, error)
    assert _names(tmp_path) == []


def test_failed_replacement_is_undone(monkeypatch: pytest.MonkeyPatch, model_copy: Path) -> None:
    """When the finished folder cannot take the older one's place, the older one is put back."""
    before, replace = _names(model_copy), Path.replace

    def fail(path: Path, target: Path) -> Path:
        if target == model_copy and not path.name.endswith("-old"):
            raise OSError(16, "Device or resource busy")
        return replace(path, target)

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(OutputError, match="busy"), whole_folder(model_copy, marker=MARKER) as folder:
        (folder / "labels.json").write_text("new", encoding="utf-8")
    assert _names(model_copy) == before
    assert _names(model_copy.parent) == ["copy"]


def test_interrupted_writing_leaves_nothing(tmp_path: Path) -> None:
    """Ctrl-C while a model is written leaves no half-written folder."""
    with pytest.raises(KeyboardInterrupt), whole_folder(tmp_path / "model"):
        raise KeyboardInterrupt
    assert _names(tmp_path) == []


def test_place_of_no_folder(tmp_path: Path) -> None:
    """A place that is a file, or inside one, is refused."""
    (tmp_path / "file").write_bytes(b"")
    for target in (tmp_path / "file", tmp_path / "file" / "model"):
        with pytest.raises(OutputError), whole_folder(target, marker=MARKER):
            pytest.fail("the folder was given")
    assert (tmp_path / "file").read_bytes() == b""


def test_folder_with_files_of_the_user(model_copy: Path) -> None:
    """A folder that holds something beside a model is not replaced, and keeps all it holds."""
    (model_copy / "thesis.txt").write_text("الفصل الأول", encoding="utf-8")
    before = _names(model_copy)
    with pytest.raises(OutputError, match=r"thesis\.txt"), whole_folder(model_copy, marker=MARKER):
        pass
    assert _names(model_copy) == before


def test_without_a_marker_nothing_is_replaced(tmp_path: Path) -> None:
    """A folder that holds anything, or a file, is refused; an empty folder is filled."""
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "a.ann").touch()
    (tmp_path / "empty").mkdir()
    for name, found in (("full", "one that holds something"), ("full/a.ann", "a file")):
        with pytest.raises(OutputError, match=f"found {found}"), whole_folder(tmp_path / name):
            pytest.fail("the folder was given")
    with whole_folder(tmp_path / "empty") as folder:
        (folder / "b.ann").touch()
    assert _names(tmp_path / "empty") == ["b.ann"]


def test_what_others_write_meanwhile_stays(tmp_path: Path) -> None:
    """A folder that somebody filled while this one was written is left alone."""
    target = tmp_path / "out"

    def write_both(folder: Path) -> None:
        (folder / "ours.json").touch()
        target.mkdir()
        (target / "theirs.json").touch()

    with pytest.raises(OutputError, match="found one that holds something"), whole_folder(target) as folder:
        write_both(folder)
    assert _names(tmp_path) == ["out"]
    assert _names(target) == ["theirs.json"]


@pytest.mark.skipif(not hasattr(os, "symlink") or os.name == "nt", reason="links are of Unix")
def test_a_link_stays_a_link(tmp_path: Path) -> None:
    """The folder that a link leads to is replaced, not the link."""
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    with whole_folder(tmp_path / "link") as folder:
        (folder / "a.ann").touch()
    assert _names(tmp_path) == ["link", "real"]
    assert (tmp_path / "link").is_symlink()
    assert _names(tmp_path / "real") == ["a.ann"]


# Locks


def test_a_folder_is_for_one_process(tmp_path: Path) -> None:
    """While a process holds a folder no other gets it; when it is killed, the next one does."""
    folder = tmp_path / "out"
    command = [sys.executable, "-c", HOLD, str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "held\n"
        with pytest.raises(OutputError, match="found another at work in it"), lock_folder(folder):
            pass
        process.kill()
    with lock_folder(folder):
        pass


def test_a_folder_is_made_with_its_mode(tmp_path: Path) -> None:
    """What is not for others is made so that others cannot look into it."""
    with lock_folder(tmp_path / "private", mode=0o700):
        assert os.name == "nt" or (tmp_path / "private").stat().st_mode & 0o777 == 0o700


def test_a_file_system_without_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A place where nothing can be locked is refused, with what to do."""

    def fail(_: int) -> None:
        raise OSError(errno.ENOTSUP, os.strerror(errno.ENOTSUP))

    monkeypatch.setattr("libyaevents.outputs._lock", fail)
    message = "expected a folder that can be locked, found .*; give one on a local disk"
    with pytest.raises(OutputError, match=message), lock_folder(tmp_path):
        pytest.fail("the folder was given")
