"""Files into the studio and out of it: what a browser read comes in as bytes, documents go out in any format.

Files are put under a temporary folder inside the data folder, by names that cannot leave it, and are gone
when they are read.
"""

import base64
import io
import logging
import re
import shutil
import tempfile
import threading
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from libyaevents.documents import Document
from libyaevents.enrich import enrich
from libyaevents.enrich.merge import merge
from libyaevents.errors import ConfigError, InputError, LibyaeventsError
from libyaevents.formats import annotation
from libyaevents.formats.inputs import read_inputs
from libyaevents.formats.losses import say_counts
from libyaevents.formats.tabular import ROWS, write_rows
from libyaevents.records import quote, suggest
from libyaevents.server.edits import NotSavedError
from libyaevents.server.requests import check_length
from libyaevents.server.settings import MAX_TEXTS

__all__ = ["INCIDENTS", "TEXT", "Export", "UploadedFile", "discard_uploads", "export", "read_uploads"]

TEXT = "text"  # articles without annotation, as `libyaevents extract` reads them
INCIDENTS = "incidents"
LONGEST_NAME = 150  # bytes of a file's name; file systems allow 255
DEEPEST = 4  # names in a path: a chosen folder, folders in it, a file

_UPLOAD = ".upload-"

_SUFFIXES = {"geojson": ".geojson", "parquet": ".parquet", INCIDENTS: ".jsonl"}
_FORBIDDEN = re.compile(r'[\x00-\x1f\x7f<>:"|?*\\\ud800-\udfff]')  # by one file system or another


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadedFile:
    """A file as a browser sends it: its name, with its folder where a folder was chosen, and its bytes."""

    name: str
    content: str


class Export(NamedTuple):
    """A file to be downloaded; `losses` says what the format could not hold."""

    name: str
    content: bytes
    losses: str


def read_uploads(
    files: Sequence[UploadedFile], format: str, *, folder: Path
) -> tuple[list[Document], list[str]]:
    """Read uploaded files in a format, and what was said of them on the way.

    Args:
        files: for formats that are folders (brat) all files of one; else each is read by itself.
        format: `text`, or one of the annotation formats.
        folder: the data folder, in which files lie while they are read.

    Raises:
        InputError: a name or its content cannot be taken, or what is wrong with a file in its format.
        NotSavedError: the data folder cannot be written.
    """
    if not files:
        raise InputError("files: expected at least one, found none")
    if format != TEXT and format not in annotation.FORMATS:
        raise ConfigError(
            f"format: expected one of the formats, found {quote(format)}; "
            f"{suggest(format, [TEXT, *annotation.FORMATS])}"
        )
    with _temporary_folder(folder) as place, _overheard() as notes:
        paths = [_put(file, place) for file in files]
        try:
            documents = [
                _checked(document) for document in islice(_read(paths, format, place), MAX_TEXTS + 1)
            ]
        except LibyaeventsError as error:
            # The path of a temporary file tells nobody anything; its name does.
            raise InputError(str(error).replace(f"{place}/", "").replace(str(place), "the folder")) from error
    if len(documents) > MAX_TEXTS:
        raise InputError(f"files: expected at most {MAX_TEXTS:,} documents, found more; send them in parts")
    return documents, [note.replace(f"{place}/", "") for note in notes]


def export(documents: Iterable[Document], format: str, *, name: str = "libyaevents") -> Export:
    """Write documents in a format; a format that is a folder becomes a .zip of it.

    Raises:
        ConfigError: there is no such format.
        MissingExtraError: it needs a library that is not installed.
    """
    stream = io.BytesIO()
    if format in ROWS:
        write_rows(map(enrich, documents), format, stream, with_bom=True)
        return Export(f"{name}-{format}{_SUFFIXES.get(format, '.csv')}", stream.getvalue(), "")
    if format == INCIDENTS:
        lines = "".join(f"{incident.to_json()}\n" for incident in merge(map(enrich, documents)))
        return Export(f"{name}-incidents.jsonl", lines.encode(), "")
    own = annotation.FORMATS.get(format)  # type: ignore[call-overload]
    if own is None:
        known = [*annotation.FORMATS, *ROWS, INCIDENTS]
        raise ConfigError(
            f"format: expected one of the formats, found {quote(format)}; {suggest(format, known)}"
        )
    if own.kind == "file":
        losses = annotation.write_stream(documents, stream, format)
        return Export(f"{name}-{format}{own.suffix}", stream.getvalue(), say_counts(losses))
    with tempfile.TemporaryDirectory() as temporary:
        target = Path(temporary) / "folder"
        losses = annotation.write(documents, target, format)
        with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
            for path in sorted(target.rglob("*")):
                archive.write(path, path.relative_to(target))
    return Export(f"{name}-{format}.zip", stream.getvalue(), say_counts(losses))


def discard_uploads(folder: Path) -> None:
    """Delete what a server that was killed left of uploads in the data folder."""
    for place in folder.glob(f"{_UPLOAD}*"):
        shutil.rmtree(place, ignore_errors=True)


def _read(paths: Sequence[Path], format: str, place: Path) -> Iterator[Document]:
    if format == TEXT:
        yield from read_inputs(paths)
    elif annotation.FORMATS[format].kind == "folder" and not (len(paths) == 1 and _is_archive(paths[0])):  # type: ignore[index]
        yield from annotation.read(_innermost(place), format)
    else:
        for path in paths:
            yield from annotation.read(path, format)


def _is_archive(path: Path) -> bool:
    return path.suffix.lower() in (".zip", ".xmi", ".xml")


def _innermost(place: Path) -> Path:
    """The folder that was chosen: browsers send its files with its own name before theirs."""
    while len(inside := list(place.iterdir())) == 1 and inside[0].is_dir():
        place = inside[0]
    return place


def _checked(document: Document) -> Document:
    """Return a document that is no longer than what the page can show and the model read."""
    check_length(document.text, f"document {quote(document.id)}")
    return document


def _put(file: UploadedFile, place: Path) -> Path:
    """Write a file below `place`, whatever its name is."""
    path = place.joinpath(*_safe_parts(file.name))
    if path.exists() or any(parent.is_file() for parent in path.parents):
        raise InputError(f"file {quote(file.name)}: expected each file once, found it twice; rename one")
    try:
        content = base64.b64decode(file.content, validate=True)
    except ValueError as error:
        raise InputError(f"file {quote(file.name)}: expected its bytes as base64, found {error}") from error
    with _saving(place.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return path


def _safe_parts(name: str) -> tuple[str, ...]:
    """Return the names that a path is made of, which lead nowhere but down.

    Raises:
        InputError: one of them leads elsewhere, or no file can be called so.
    """
    parts = PurePosixPath(name.replace("\\", "/")).parts
    # An absolute path begins with / or, for the other of two meanings that it has, with //.
    leads_elsewhere = any(part.startswith("/") or part == ".." or _FORBIDDEN.search(part) for part in parts)
    if not 1 <= len(parts) <= DEEPEST or leads_elsewhere:
        raise InputError(
            f"file {quote(name)}: expected the name of a file in the chosen folder, found one that "
            "leads elsewhere or has characters that no file may have; rename it"
        )
    if any(len(part.encode(errors="replace")) > LONGEST_NAME for part in parts):
        raise InputError(f"file {quote(name)}: expected names of at most {LONGEST_NAME} bytes; rename it")
    return parts


@contextmanager
def _temporary_folder(folder: Path) -> Iterator[Path]:
    with _saving(folder):
        place = Path(tempfile.mkdtemp(prefix=_UPLOAD, dir=folder))
    try:
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)


@contextmanager
def _saving(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise NotSavedError(
            f"{folder}: expected a folder that can be written, found {error.strerror or error}; the files "
            "were not saved: make room or give the permission, and send them again"
        ) from error


@contextmanager
def _overheard() -> Iterator[list[str]]:
    """Collect the warnings of the library, which are for the person who sent the files."""
    notes: list[str] = []
    handler = _Collector(notes)
    logger = logging.getLogger("libyaevents")
    logger.addHandler(handler)
    try:
        yield notes
    finally:
        logger.removeHandler(handler)


class _Collector(logging.Handler):
    def __init__(self, notes: list[str]) -> None:
        super().__init__(logging.WARNING)
        self._notes, self._thread = notes, threading.get_ident()

    def emit(self, record: logging.LogRecord) -> None:
        if record.thread == self._thread:  # another request's are not this one's
            self._notes.append(record.getMessage())
