"""What an input consists of: a path comes in, its files in a fixed order and their fingerprint come out.

A folder is walked name by name, one directory in memory at a time, so that a million files are no list of a
million. Links to files are read, links to folders are not followed: they could lead in a circle.
"""

import hashlib
import json
import logging
import os
import stat
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

from libyaevents.batch.lines import COMPRESSED
from libyaevents.errors import InputError, MissingFileError

__all__ = ["Fingerprint", "InputFile", "Kind", "Source", "open_source"]

Kind = Literal["txt", "jsonl", "csv", "parquet", "arrow"]

_KINDS: dict[str, Kind] = {
    ".txt": "txt",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".csv": "csv",
    ".parquet": "parquet",
}
_COMPRESSIBLE = ("jsonl", "csv")
_DATASET, _DATASET_DICT = "state.json", "dataset_dict.json"

_log = logging.getLogger(__name__)


class InputFile(NamedTuple):
    """A file: its name as errors and ids have it, its size in bytes (None: a broken link), last change."""

    path: Path
    name: str
    size: int | None
    changed_ns: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Fingerprint:
    """What tells inputs apart; `sha256` is over the names, sizes and times of change of the files."""

    kind: Kind
    files: int
    bytes: int
    sha256: str

    def to_dict(self) -> dict[str, str | int]:
        """Return the JSON object."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """An input that has been looked through once."""

    root: Path
    fingerprint: Fingerprint

    @property
    def kind(self) -> Kind:
        """What all its files are."""
        return self.fingerprint.kind

    def files(self) -> Iterator[InputFile]:
        """Yield the files, always in the same order."""
        for file in _walk(self.root):
            if _kind_of(file.name) == self.kind:
                yield file


def open_source(root: Path) -> Source:
    """Look through an input.

    Raises:
        MissingFileError: There is nothing.
        InputError: It is no kind that can be read, holds several kinds, or a directory cannot be looked into.
    """
    if not root.exists():
        raise MissingFileError(f"{root}: expected a file or folder to read, found none; check the path")
    digests, kinds = hashlib.sha256(), Counter[Kind]()
    n_bytes = n_others = 0
    for file in _walk(root):
        kind = _kind_of(file.name)
        if kind is None:
            n_others += 1
            continue
        kinds[kind] += 1
        n_bytes += file.size or 0
        digests.update(f"{file.name}\0{file.size}\0{file.changed_ns}\n".encode())
    if len(kinds) != 1:
        there = " and ".join(f"{n} {name}" for name, n in kinds.items()) or f"{n_others} other files"
        expected = "files of one kind: .txt, .jsonl (.gz, .zst), .csv, .parquet, or a saved dataset"
        raise InputError(f"{root}: expected {expected}; found {there}; give each kind a run of its own")
    if n_others:
        _log.warning("%s: %d files of other kinds are not read", root, n_others)
    (only,) = kinds
    fingerprint = Fingerprint(kind=only, files=kinds.total(), bytes=n_bytes, sha256=digests.hexdigest())
    return Source(root=root, fingerprint=fingerprint)


def _kind_of(name: str) -> Kind | None:
    path = Path(name.lower())
    if path.suffix in COMPRESSED:
        inner = _KINDS.get(Path(path.stem).suffix)
        return inner if inner in _COMPRESSIBLE else None
    return "arrow" if path.suffix == ".arrow" else _KINDS.get(path.suffix)


def _walk(root: Path) -> Iterator[InputFile]:
    if root.is_dir():
        dataset = _dataset_files(root)
        files = _walk_folder(root, "") if dataset is None else dataset
        yield from files
        return
    file = _look_at(root, root.name)
    if file is None:
        raise InputError(f"{root}: expected a file or a folder, found a device or a pipe")
    yield file


def _walk_folder(folder: Path, prefix: str) -> Iterator[InputFile]:
    try:
        with os.scandir(folder) as found:
            entries = sorted(found, key=lambda entry: entry.name)
    except OSError as error:
        raise InputError(f"{folder}: expected a folder to read, found {error.strerror}") from error
    n_links = 0
    for entry in entries:
        if entry.name.startswith("."):
            continue
        name = prefix + entry.name
        if entry.is_dir(follow_symlinks=False):
            yield from _walk_folder(Path(entry.path), f"{name}/")
        elif file := _look_at(Path(entry.path), name):
            yield file
        elif entry.is_symlink():
            n_links += 1
    if n_links:
        _log.info("%s: %d links to folders or devices are not followed", folder, n_links)


def _look_at(path: Path, name: str) -> InputFile | None:
    # A name in windows-1256 on a UTF-8 system holds lone surrogates, which no id may.
    readable = os.fsencode(name).decode(errors="backslashreplace")
    try:
        found = path.stat()
    except OSError:
        return InputFile(path, readable, None)
    if not stat.S_ISREG(found.st_mode):
        return None
    return InputFile(path, readable, found.st_size, found.st_mtime_ns)


def _dataset_files(root: Path) -> list[InputFile] | None:
    """Return the files of a dataset that `save_to_disk` wrote, split by split; None for no dataset."""
    if (root / _DATASET_DICT).is_file():
        splits = _read_json(root / _DATASET_DICT).get("splits")
        if not isinstance(splits, list):
            raise InputError(f"{root / _DATASET_DICT}: expected a list of splits, found {splits!r}")
        return [file for split in splits for file in _split_files(root / Path(str(split)).name, f"{split}/")]
    return _split_files(root, "") if (root / _DATASET).is_file() else None


def _split_files(folder: Path, prefix: str) -> list[InputFile]:
    state = _read_json(folder / _DATASET)
    try:
        # The name alone: a state from somewhere else could lead out of the folder.
        names = [Path(str(item["filename"])).name for item in state["_data_files"]]
    except (KeyError, TypeError) as error:
        raise InputError(f"{folder / _DATASET}: expected the state of a saved dataset, found none") from error
    found = [_look_at(folder / name, prefix + name) for name in names]
    return [file for file in found if file is not None]


def _read_json(path: Path) -> dict[str, Any]:
    try:
        data = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: expected the state of a saved dataset, found {error}") from error
    return data if isinstance(data, dict) else {}
