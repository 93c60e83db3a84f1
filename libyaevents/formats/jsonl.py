"""Documents as JSON Lines: one `libyaevents/1` object a line, UTF-8, the library's own format.

Reading and writing stream: one document is in memory at a time.
"""

from codecs import BOM_UTF8
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from libyaevents.documents import Document
from libyaevents.errors import (
    CorpusError,
    DocumentError,
    InputError,
    LibyaeventsError,
    MissingFileError,
)
from libyaevents.formats.losses import Losses
from libyaevents.ontology import Ontology, check_label
from libyaevents.outputs import open_whole

__all__ = ["read_documents", "read_each", "write_documents", "write_lines"]


def read_documents(path: str | Path, *, ontology: Ontology | None = None) -> Iterator[Document]:
    """Yield the documents of a file in order, blank lines skipped; with an ontology, check their labels.

    Raises:
        InputError: The file cannot be opened; `MissingFileError` where there is none.
        CorpusError: A line is not UTF-8, not JSON or not a valid document, a document id comes twice, or the
            file holds no document. The message starts with file and line, as in `corpus.jsonl:12: …`.
        LabelError: A label is not in the ontology; the message starts the same way.
    """
    for _, result in read_each(path, ontology=ontology):
        if isinstance(result, LibyaeventsError):
            raise result
        yield result


def read_each(
    path: str | Path, *, ontology: Ontology | None = None
) -> Iterator[tuple[int, Document | LibyaeventsError]]:
    """Yield the number of each line that is not blank, with its document or with what is wrong with it.

    What is wrong is an error as `read_documents` raises it, for a reader that wants all of them at once.

    Raises:
        InputError: The file cannot be opened; `MissingFileError` where there is none.
        CorpusError: The file holds no line.
    """
    path = Path(path)
    line_of_id: dict[str, int] = {}
    is_empty = True
    for number, line in _read_lines(path):
        is_empty = False
        try:
            yield number, _read_line(line, number, path, line_of_id, ontology)
        except LibyaeventsError as error:
            yield number, error
    if is_empty:
        raise CorpusError(f"{path}: expected one JSON document a line, found an empty file")


def write_documents(documents: Iterable[Document], path: str | Path) -> None:
    """Write documents to a file, which appears whole or, on any error, stays as it was.

    Raises:
        OutputError: The file cannot be written: no such folder, no permission, disk full.
    """
    with open_whole(Path(path)) as stream:
        write_lines(documents, stream)


def write_lines(documents: Iterable[Document], stream: BinaryIO) -> Losses:
    """Write documents to an open file, and return what is lost: nothing ever is."""
    for document in documents:
        stream.write(f"{document.to_json()}\n".encode())
    return Counter()


def _read_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    try:
        file = path.open("rb")
    except FileNotFoundError as error:
        raise MissingFileError(f"{path}: expected a JSON Lines file, found none; check the path") from error
    except OSError as error:
        raise InputError(f"{path}: expected a JSON Lines file, found {error.strerror}") from error
    with file:
        # Lines of bytes end at \n alone; in JSON, U+2028 and U+0085 may stand inside a string.
        for number, line in enumerate(file, start=1):
            line = line.removeprefix(BOM_UTF8) if number == 1 else line
            if line.strip():
                yield number, line


def _read_line(
    line: bytes, number: int, path: Path, line_of_id: dict[str, int], ontology: Ontology | None
) -> Document:
    where = f"{path}:{number}"
    try:
        document = _read_document(_decode(line, where), where)
    except CorpusError as error:
        if path.suffix.lower() != ".txt":
            raise
        raise CorpusError(f"{error}; articles are read by libyaevents extract") from error
    if document.id is not None and number != line_of_id.setdefault(document.id, number):
        found = f"{document.id!r}, which line {line_of_id[document.id]} has already"
        raise CorpusError(f"{where}: expected a document id of its own, found {found}; rename or remove one")
    if ontology is not None:
        _check_labels(document, ontology, where)
    return document


def _decode(line: bytes, where: str) -> str:
    try:
        return line.decode()
    except UnicodeDecodeError as error:
        found = f"byte 0x{line[error.start]:02x} at position {error.start}"
        advice = "convert the file, as in: iconv -f WINDOWS-1256 -t UTF-8"
        raise CorpusError(f"{where}: expected UTF-8, found {found}; {advice}") from error


def _read_document(line: str, where: str) -> Document:
    try:
        return Document.from_json(line)
    except DocumentError as error:
        raise CorpusError(f"{where}: {error}") from error


def _check_labels(document: Document, ontology: Ontology, where: str) -> None:
    entity_labels, event_labels = ontology.entity_labels, ontology.event_labels
    role_labels, factuality_labels = ontology.role_labels, ontology.factuality_labels
    for index, entity in enumerate(document.entities):
        check_label(entity.label, entity_labels, f"{where}: entities[{index}].label")
    for index, event in enumerate(document.events):
        path = f"{where}: events[{index}]"
        check_label(event.type, event_labels, f"{path}.type")
        check_label(event.factuality, factuality_labels, f"{path}.factuality")
        for position, argument in enumerate(event.arguments):
            check_label(argument.role, role_labels, f"{path}.arguments[{position}].role")
