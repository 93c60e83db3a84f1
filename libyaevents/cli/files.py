"""What commands read and write: articles and annotated documents come in, results go to stdout or a file."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from functools import partial
from io import TextIOWrapper
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Literal, TextIO

import libyaevents
from libyaevents.cli.app import say
from libyaevents.errors import ConfigError, InputError, LibyaeventsError, OutputError
from libyaevents.outputs import open_whole

if TYPE_CHECKING:
    from libyaevents.documents import Document

__all__ = [
    "DATA",
    "SPREADSHEETS",
    "Format",
    "default_format",
    "enrich_documents",
    "open_output",
    "read_articles",
    "read_found",
    "refuse_terminal",
    "write",
    "write_annotated",
]

Format = Literal["jsonl", "json", "table", "html"]

DATA = Path(libyaevents.__file__).parent / "data"
_FORMATS: Mapping[str, Format] = {".json": "json", ".html": "html", ".htm": "html", ".txt": "table"}
SPREADSHEETS = (".ods", ".tsv", ".xls", ".xlsx")  # which no command writes
_ROWS = {".csv": "csv", ".geojson": "geojson", ".parquet": "parquet", **dict.fromkeys(SPREADSHEETS, "csv")}
_ONE_DOCUMENT_FORMATS = ("json", "html")
_BINARY = ("parquet", "spacy")
_TABLE_WIDTH = 100  # where there is no terminal to fit
_LONGEST_NAME = 80  # of a file, in characters; file systems allow 255 bytes


def read_articles(files: Sequence[Path], *, is_packaged: bool, published: date | None) -> Iterator[Document]:
    """Yield the articles of files or standard input, or the packaged one, without their annotation."""
    from libyaevents.formats.inputs import STANDARD_INPUT, read_inputs

    if is_packaged and files:
        raise ConfigError("expected FILES or --article, found both: leave one out")
    if is_packaged:
        document = next(libyaevents.read_documents(DATA / "article.jsonl"))
        return iter([replace(document, sentences=(), entities=(), events=())])
    if not files and (sys.stdin is None or sys.stdin.isatty()):
        raise InputError(
            "expected FILES or text on standard input, found neither: give a file, "
            "or read the packaged article with libyaevents extract --article"
        )
    return read_inputs(files or [STANDARD_INPUT], published=published)


def read_found(path: Path) -> Iterator[Document]:
    """Yield the documents of a JSON Lines file, or of a folder that `batch` filled."""
    from libyaevents.batch import read_results
    from libyaevents.batch.folder import MANIFEST
    from libyaevents.formats import annotation

    return read_results(path) if (path / MANIFEST).is_file() else annotation.read(path, "jsonl")


def enrich_documents(documents: Iterable[Document], actors: Path | None) -> Iterator[Document]:
    """Yield documents with what they leave open resolved: when, where, who, how many."""
    from libyaevents.enrich import enrich, read_actors

    table = None if actors is None else read_actors(actors)
    return map(partial(enrich, actors=table), documents)


def default_format(output: Path | None) -> Format:
    """Return the format that the ending of a path tells; without a path a table on a terminal, else lines.

    Raises:
        ConfigError: The ending is that of rows, which are made from documents.
    """
    if output is not None and output.suffix.lower() in _ROWS:
        suffix = output.suffix.lower()
        rows = output.with_suffix(".csv") if suffix in SPREADSHEETS else output
        to = _ROWS[suffix]
        advice = f"write events.jsonl, then libyaevents convert events.jsonl --to {to} --output {rows}"
        expected = f"{output}: expected a file of documents (.jsonl, .json, .html or .txt)"
        raise ConfigError(f"{expected}, found one of rows, {output.suffix!r}; {advice}")
    if output is not None:
        return _FORMATS.get(output.suffix.lower(), "jsonl")
    return "table" if sys.stdout.isatty() else "jsonl"


def write(documents: Iterable[Document], output: Path | None, format: Format, advice: str) -> None:
    """Write documents as `extract` prints them; `advice` is for several where the format holds one."""
    if format in _ONE_DOCUMENT_FORMATS:
        if output is not None and (output.is_dir() or not output.suffix):
            return _write_files(documents, output, format)
        documents = list(islice(documents, 2))
        if len(documents) > 1:
            raise ConfigError(f"expected one document for {format}, found several: {advice}")
    with open_output(output) as stream:
        for document in documents:
            _write_document(document, stream, format)


def _write_files(documents: Iterable[Document], folder: Path, format: Format) -> None:
    from libyaevents.formats.names import free_name

    folder.mkdir(parents=True, exist_ok=True)
    taken: dict[str, int] = {}
    for document in documents:
        stem = re.sub(r"[^\w.-]+", "_", document.id or "")[:_LONGEST_NAME].lstrip(".")
        with open_output(folder / f"{free_name(stem, taken)}.{format}") as stream:
            _write_document(document, stream, format)


def _write_document(document: Document, stream: TextIO, format: Format) -> None:
    if format in ("jsonl", "json"):
        indent = 2 if format == "json" else None
        print(json.dumps(document.to_dict(), ensure_ascii=False, indent=indent), file=stream, flush=True)
        return
    from rich.console import Console

    from libyaevents.render import to_html, to_table

    if format == "html":
        stream.write(to_html(document))
    else:
        Console(file=stream, width=None if stream.isatty() else _TABLE_WIDTH).print(to_table(document))


@contextmanager
def open_output(path: Path | None) -> Iterator[TextIO]:
    """Open stdout, or a file that appears when all is written or, on any error, stays as it was."""
    if path is None:
        yield sys.stdout
        return
    # A device or a pipe is written to; to rename a file onto it would do away with it.
    is_replaced = path.is_file() or path.is_dir() or not path.exists()
    with open_whole(path) if is_replaced else _open_device(path) as file:
        stream = TextIOWrapper(file, encoding="utf-8", newline="\n")
        try:
            yield stream
        finally:
            stream.detach()  # writes what it holds, and leaves the file open


@contextmanager
def _open_device(path: Path) -> Iterator[BinaryIO]:
    try:
        with path.open("wb") as file:
            yield file
    except LibyaeventsError:
        raise  # of the documents: an input file that went missing is an OSError too
    except OSError as error:
        expected = f"{path}: expected a place to write to, found {error.strerror!r}"
        raise OutputError(f"{expected}; make room there or choose another") from error


def refuse_terminal(to: str, output: Path | None) -> None:
    """Refuse to fill a terminal with bytes."""
    if output is None and to in _BINARY and sys.stdout.isatty():
        raise ConfigError(f"expected --output FILE for {to}, found a terminal: name a file or a pipe")


def write_annotated(documents: Iterable[Document], output: Path | None, to: str) -> None:
    """Write documents in an annotation format, and say what it cannot hold."""
    from libyaevents.formats import annotation
    from libyaevents.formats.losses import say_counts

    if output is None:
        losses = annotation.write_stream(documents, sys.stdout.buffer, to)
    else:
        losses = annotation.write(documents, output, to)
    if losses:
        say("warning", f"{to} does not hold: {say_counts(losses)}")
