"""Inputs: what belongs to one, in which order, and what tells two apart."""

import os
import sys
from pathlib import Path

import pytest

from libyaevents.batch.sources import open_source
from libyaevents.errors import InputError, MissingFileError


def names(root: Path) -> list[str]:
    """The names of the files of an input."""
    return [file.name for file in open_source(root).files()]


def fill(folder: Path, *files: str) -> Path:
    """Make files that hold their name."""
    for name in files:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name, encoding="utf-8")
    return folder


def test_a_folder_is_walked_in_order(tmp_path: Path) -> None:
    """Files of all folders below come by name, Arabic ones too; hidden ones and others are left out."""
    fill(tmp_path, "خبر.txt", "2020/b.txt", "2020/a.TXT", ".hidden.txt", ".git/x.txt", "notes.md")
    assert names(tmp_path) == ["2020/a.TXT", "2020/b.txt", "خبر.txt"]


def test_links(tmp_path: Path) -> None:
    """A link to a file is a file, one to nothing or itself is told, one to a folder is left."""
    fill(tmp_path / "in", "a.txt")
    (tmp_path / "in" / "b.txt").symlink_to("a.txt")
    (tmp_path / "in" / "c.txt").symlink_to("nowhere")
    (tmp_path / "in" / "d").symlink_to(tmp_path / "in")
    (tmp_path / "in" / "e.txt").symlink_to("e.txt")
    (tmp_path / "in" / "f.txt").symlink_to("a.txt/f")
    (tmp_path / "link").symlink_to(tmp_path / "in")
    found = [(file.name, file.size) for file in open_source(tmp_path / "link").files()]
    lost = [(f"{letter}.txt", None) for letter in "cef"]
    assert found == [("a.txt", 5), ("b.txt", 5), *lost]


@pytest.mark.skipif(sys.platform == "win32", reason="names are text there")
def test_name_that_is_no_utf_8(tmp_path: Path) -> None:
    """A name in windows-1256 is shown with its bytes, as no id may hold lone surrogates."""
    (tmp_path / os.fsdecode("خبر.txt".encode("cp1256"))).write_text("قصف", encoding="utf-8")
    assert names(tmp_path) == ["\\xce\\xc8\\xd1.txt"]


def test_kinds_are_not_mixed(tmp_path: Path) -> None:
    """A folder of several kinds is refused: its records would depend on what else lies there."""
    fill(tmp_path, "a.txt", "b.jsonl", "c.jsonl.gz")
    with pytest.raises(InputError, match="found 1 txt and 2 jsonl"):
        open_source(tmp_path)


def test_nothing_to_read(tmp_path: Path) -> None:
    """A path that is not there, and a folder without articles, are refused."""
    with pytest.raises(MissingFileError, match="found none"):
        open_source(tmp_path / "nowhere")
    with pytest.raises(InputError, match="found 1 other files"):
        open_source(fill(tmp_path, "a.pdf"))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes with names here")
def test_a_pipe_is_no_input(tmp_path: Path) -> None:
    """What cannot be read twice cannot be resumed."""
    os.mkfifo(tmp_path / "news.jsonl")
    with pytest.raises(InputError, match="found a device or a pipe"):
        open_source(tmp_path / "news.jsonl")


def test_fingerprint(tmp_path: Path) -> None:
    """A name, a size or a time of change makes another input; the folder's own place does not."""
    one = open_source(fill(tmp_path / "one", "a.txt", "b.txt")).fingerprint
    assert (one.kind, one.files, one.bytes) == ("txt", 2, 10)
    (tmp_path / "one").rename(tmp_path / "two")
    assert open_source(tmp_path / "two").fingerprint == one
    os.utime(tmp_path / "two" / "a.txt", ns=(1, 1))
    assert open_source(tmp_path / "two").fingerprint != one


def test_a_dataset_stays_in_its_folder(tmp_path: Path) -> None:
    """A state that names files elsewhere leads nowhere."""
    (tmp_path / "state.json").write_text('{"_data_files": [{"filename": "../../secret.arrow"}]}')
    (file,) = open_source(tmp_path).files()
    assert (file.path, file.size) == (tmp_path / "secret.arrow", None)


def test_damaged_state_of_a_dataset(tmp_path: Path) -> None:
    """A dataset whose state cannot be read is named."""
    (tmp_path / "state.json").write_text("{")
    with pytest.raises(InputError, match=r"state\.json: expected the state of a saved dataset"):
        open_source(tmp_path)
