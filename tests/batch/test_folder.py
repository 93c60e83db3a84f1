"""The output folder: one run at a time, one kind of run, and nothing half-written."""

import json
from pathlib import Path
from typing import Any

import pytest

from libyaevents.batch.folder import Manifest, open_folder, publish, temporary
from libyaevents.errors import ConfigError, InputError, OutputError
from libyaevents.outputs import lock_folder

RUN = {"libyaevents": "1", "options": {"shard_size": 10, "format": "jsonl"}}


def shard(folder: Path, number: int, text: str = "{}\n") -> dict[str, Any]:
    """Write a shard and return its entry."""
    part = temporary(folder / f"documents-{number:05}.jsonl")
    part.write_text(text, encoding="utf-8")
    return {"shard": number, "documents": {**publish(part), "rows": 1}, "quarantine": None}


@pytest.fixture
def filled(tmp_path: Path) -> Path:
    """A folder with two shards."""
    manifest = open_folder(tmp_path, RUN)
    manifest.shards = {number: shard(tmp_path, number) for number in range(2)}
    manifest.records = 20
    manifest.save()
    return tmp_path


def test_what_the_manifest_does_not_list_is_swept(filled: Path) -> None:
    """Temporary files and shards that were renamed but not listed are removed; all else stays."""
    for name in (
        ".documents-00002.jsonl.part",
        "documents-00002.jsonl",
        "quarantine-00001.jsonl",
        "notes.txt",
        "events.csv",
        "events-2020.parquet",
        "notes.part",
        ".documents-00002.jsonl.part",
        ".manifest.json.part",
    ):
        (filled / name).touch()
    manifest = open_folder(filled, RUN)
    assert sorted(path.name for path in filled.iterdir()) == [
        "documents-00000.jsonl",
        "documents-00001.jsonl",
        "events-2020.parquet",
        "events.csv",
        "manifest.json",
        "notes.part",
        "notes.txt",
    ]
    assert (sorted(manifest.shards), manifest.records) == ([0, 1], 20)


@pytest.mark.parametrize("damage", ["gone", "cut off"])
def test_a_damaged_shard_is_to_be_made_anew(damage: str, filled: Path) -> None:
    """A listed shard that is not there, or half there, is not listed any more; the other one is."""
    path = filled / "documents-00000.jsonl"
    path.unlink() if damage == "gone" else path.write_text("{")
    manifest = open_folder(filled, RUN)
    assert (sorted(manifest.shards), manifest.records) == ([1], None)
    assert json.loads((filled / "manifest.json").read_text())["complete"] is False
    assert not path.exists()


def test_another_run_is_refused(filled: Path) -> None:
    """What differs is named, with what is there and what was asked for."""
    other = {"libyaevents": "2", "options": {"shard_size": 10, "format": "parquet"}}
    expected = "libyaevents is '1' there, '2' here; options.format is 'jsonl' there, 'parquet' here"
    with pytest.raises(ConfigError, match=expected):
        open_folder(filled, other)
    assert (filled / "documents-00000.jsonl").exists()


def test_a_run_without_a_shard_binds_nobody(tmp_path: Path) -> None:
    """A folder whose run was cut off before its first shard, or could not start, takes another run."""
    open_folder(tmp_path, RUN)
    other = RUN | {"libyaevents": "2"}
    open_folder(tmp_path, other)
    assert json.loads((tmp_path / "manifest.json").read_text())["libyaevents"] == "2"


def test_other_peoples_files_are_left_alone(tmp_path: Path) -> None:
    """A folder that holds something, and no run, is refused."""
    (tmp_path / "documents-00000.jsonl").touch()
    with pytest.raises(
        ConfigError, match=r"found 1 files without a manifest\.json, 'documents-00000\.jsonl'"
    ):
        open_folder(tmp_path, RUN)
    assert (tmp_path / "documents-00000.jsonl").exists()


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"shards": [1], "records": 1}'])
def test_damaged_manifest(text: str, tmp_path: Path) -> None:
    """A manifest that cannot be read is named, and nothing is swept."""
    (tmp_path / "manifest.json").write_text(text)
    (tmp_path / "documents-00000.jsonl").touch()
    with pytest.raises(InputError, match=r"manifest\.json: expected"):
        open_folder(tmp_path, RUN)
    assert (tmp_path / "documents-00000.jsonl").exists()


def test_the_manifest_is_replaced_whole(filled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a manifest cannot be written to the end, the one before stays as it was."""
    before = (filled / "manifest.json").read_bytes()

    def refuse(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("libyaevents.batch.folder.os.fsync", refuse)
    with pytest.raises(OutputError, match="found No space left on device; what is finished is kept"):
        Manifest(filled, RUN).save()
    assert (filled / "manifest.json").read_bytes() == before


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    """An output that is a file is refused."""
    (tmp_path / "out").touch()
    with pytest.raises(OutputError, match="expected a folder"), lock_folder(tmp_path / "out"):
        pass
