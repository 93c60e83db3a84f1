"""The output folder of a run: its manifest, and what a run that was cut off left behind.

    documents-00000.parquet   documents of the records 0 to 4,999 of the input
    entities-00000.parquet    what is in them as flat tables; events and arguments likewise
    quarantine-00000.jsonl    those among them that could not be read; only where there are any
    manifest.json             what was read, how, with which model; every finished shard with its SHA-256

A file is written under a temporary name, forced to the disk, renamed, and only then put into the manifest,
which is replaced in the same way. What the manifest does not list does not count.
"""

import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import file_digest
from pathlib import Path
from typing import Any

from libyaevents.errors import ConfigError, InputError, LibyaeventsError, OutputError
from libyaevents.outputs import LOCK

__all__ = ["MANIFEST", "Manifest", "open_folder", "publish", "temporary"]

MANIFEST = "manifest.json"
_PART = ".part"
_FORMAT = "libyaevents-batch/1"
_FILES = ("documents", "entities", "events", "arguments", "quarantine")
# Names of shards: events.csv, which somebody wrote beside them, is none.
_SHARD = re.compile(rf"({'|'.join(_FILES)})-\d{{5,}}\.(parquet|jsonl)")
_TEMPORARY = re.compile(rf"\.(?:{_SHARD.pattern}|{re.escape(MANIFEST)}){re.escape(_PART)}")


@dataclass(slots=True)
class Manifest:
    """What a folder holds: `shards` by number.

    `run` is what must be the same in every start that fills the folder. `records` is how many the input has,
    once its end was reached.
    """

    folder: Path
    run: Mapping[str, Any]
    shards: dict[int, dict[str, Any]] = field(default_factory=dict)
    records: int | None = None

    def save(self) -> None:
        """Replace the manifest on disk.

        Raises:
            OutputError: It cannot be written; the one that was there stays.
        """
        data = {
            "format": _FORMAT,
            **self.run,
            "shards": [self.shards[number] for number in sorted(self.shards)],
            "complete": self.records is not None,
            "records": self.records,
        }
        text = json.dumps(data, ensure_ascii=False, indent=1)
        part = temporary(self.folder / MANIFEST)
        with told_as_output_errors(self.folder):
            part.write_text(f"{text}\n", encoding="utf-8")
            publish(part)

    def count(self, name: str) -> int:
        """Return how many rows the files of one kind have: `documents` or `quarantine`."""
        return sum(shard[name]["rows"] for shard in self.shards.values() if shard.get(name))


def open_folder(folder: Path, run: Mapping[str, Any]) -> Manifest:
    """Return the manifest of a folder, new or of a run that was cut off, and sweep what that left behind.

    Shards whose files are gone or have another size are not in it any more: they are to be made anew.

    Raises:
        ConfigError: The folder holds another run, or other files; says what differs.
        InputError: Its manifest is damaged.
        OutputError: It cannot be written to.
    """
    manifest = _read_manifest(folder, run)
    known = {shard[name]["name"] for shard in manifest.shards.values() for name in _FILES if shard.get(name)}
    with told_as_output_errors(folder):
        for path in folder.iterdir():
            if _TEMPORARY.fullmatch(path.name) or (_SHARD.fullmatch(path.name) and path.name not in known):
                path.unlink()
    manifest.save()
    return manifest


def temporary(path: Path) -> Path:
    """Return the name under which a file is written before it is whole."""
    return path.with_name(f".{path.name}{_PART}")


def publish(part: Path) -> dict[str, Any]:
    """Force a temporary file to the disk and give it its name; return that, its size and its SHA-256."""
    with part.open("rb+") as file:
        os.fsync(file.fileno())
        digest = file_digest(file, "sha256").hexdigest()
        size = file.tell()
    path = part.with_name(part.name.removeprefix(".").removesuffix(_PART))
    part.replace(path)
    if os.name == "posix":  # where the folder itself, and so the new name, has to be forced to the disk, too
        handle = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
    return {"name": path.name, "bytes": size, "sha256": digest}


@contextmanager
def told_as_output_errors(folder: Path) -> Iterator[None]:
    """Turn what the system says into an error that says what to do."""
    try:
        yield
    except OSError as error:
        if isinstance(error, LibyaeventsError):
            raise  # of the input: a file that went missing is an OSError, too
        advice = "what is finished is kept: make room, and give the same command again to go on"
        raise OutputError(
            f"{folder}: expected a folder that can be written to, found {error.strerror or error}; {advice}"
        ) from error


def _read_manifest(folder: Path, run: Mapping[str, Any]) -> Manifest:
    path = folder / MANIFEST
    if not path.exists():
        others = sorted(
            item.name for item in folder.iterdir() if item.name not in (LOCK, temporary(path).name)
        )
        if others:
            found = f"{len(others)} files without a {MANIFEST}, {others[0]!r} among them"
            raise ConfigError(
                f"{folder}: expected an empty folder or that of a run, found {found}; give another"
            )
        return Manifest(folder, run)
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        shards = {shard["shard"]: shard for shard in data["shards"]}
        records = data["records"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        advice = "restore it, or begin anew in another folder"
        raise InputError(f"{path}: expected the manifest of a run, found {error}; {advice}") from error
    if data.get("format") != _FORMAT:
        advice = "a newer libyaevents may read it, or give another folder"
        raise InputError(f"{path}: expected format {_FORMAT!r}, found {data.get('format')!r}; {advice}")
    if not shards and records is None:  # its start failed, or was cut off before the first shard
        return Manifest(folder, run)
    if differences := list(_differences({name: data.get(name) for name in run}, run)):
        raise ConfigError(
            f"{folder} holds another run: {'; '.join(differences)}. Give another folder, or the same input "
            "and options as before"
        )
    whole = {number: shard for number, shard in shards.items() if _is_whole(folder, shard)}
    return Manifest(folder, run, whole, records if len(whole) == len(shards) else None)


def _differences(there: Any, here: Any, path: str = "") -> Iterator[str]:
    if isinstance(there, Mapping) and isinstance(here, Mapping):
        for name in dict.fromkeys((*there, *here)):
            yield from _differences(there.get(name), here.get(name), f"{path}.{name}" if path else name)
    elif there != here:
        yield f"{path} is {there!r} there, {here!r} here"


def _is_whole(folder: Path, shard: Mapping[str, Any]) -> bool:
    for name in _FILES:
        if shard.get(name):
            path = folder / shard[name]["name"]
            if not path.is_file() or path.stat().st_size != shard[name]["bytes"]:
                return False
    return True
