"""Records of an input: each is one article, or what stands where one should, until a worker reads it.

In: a file, a line of JSON, or a row of named values. Out: a `Document` without annotation, or `Rejected` with
the reason. Reading an input in order costs little, so that a run which is resumed finds its place soon: what
is costly, parsing and decoding, is done in the workers.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any, NamedTuple

from libyaevents.documents import DOCUMENT_FORMAT, Document
from libyaevents.errors import ConfigError, DocumentError, InputError
from libyaevents.formats.inputs import decode_text
from libyaevents.records import parse_json, quote, suggest

__all__ = [
    "LONGEST_TEXT",
    "MOST_BYTES",
    "Columns",
    "Record",
    "Rejected",
    "TableRow",
    "TextFile",
    "load",
    "to_document",
]

LONGEST_TEXT = 1_000_000  # code points of one article; a thick book has fewer
MOST_BYTES = 4 * LONGEST_TEXT  # of one article in UTF-8

_FACTS = ("id", "title", "source")
_URL = "url"


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """Which column of a row holds what; only that of the text must be there. A column `url` is read, too."""

    text: str = "text"
    id: str = "id"
    published: str = "published"
    source: str = "source"
    title: str = "title"

    def required(self) -> tuple[str, ...]:
        """The columns that an input must have: the text's, and those with a name of the caller's own."""
        own = {name: getattr(self, name) for name in (*_FACTS, "published")}
        return (self.text, *(column for name, column in own.items() if column != name))

    def check(self, names: Sequence[str], where: object) -> None:
        """Check that an input with these columns has those that it must have, each once.

        Raises:
            ConfigError: One is missing or there several times; the message lists those there are.
        """
        for column in self.required():
            if names.count(column) != 1:
                n_found = "none" if column not in names else "several"
                advice = "name the right one with --text-column, --id-column …, in Python with Columns"
                raise ConfigError(
                    f"{where}: expected a column {column!r}, found {n_found}; {advice}; "
                    f"{suggest(column, dict.fromkeys(names))}"
                )

    def read(self) -> tuple[str, ...]:
        """Every column that is looked at, each once."""
        return tuple(dict.fromkeys((self.text, self.id, self.published, self.source, self.title, _URL)))


@dataclass(frozen=True, slots=True)
class Rejected:
    """What could not be read, and why; `id` where that much is known."""

    reason: str
    id: str | None = None


@dataclass(frozen=True, slots=True)
class TextFile:
    """A file that is one article; `id` is what its document is called."""

    path: str
    id: str
    size: int


@dataclass(frozen=True, slots=True)
class TableRow:
    """A row of a `pyarrow.RecordBatch` that has not been taken out of its columns."""

    batch: Any
    index: int


class Record(NamedTuple):
    """One record: where it stands (`news.jsonl:17`), what is there, bytes of the input up to its end."""

    where: str
    value: TextFile | TableRow | bytes | Mapping[str, Any] | Rejected
    done: int

    def size(self) -> int:
        """Bytes, or characters, that a worker will have to read."""
        if isinstance(self.value, Mapping):
            return sum(len(value) for value in self.value.values() if isinstance(value, str))
        if isinstance(self.value, TextFile):
            return min(self.value.size, MOST_BYTES)
        return len(self.value) if isinstance(self.value, bytes) else 0


def load(record: Record) -> Record:
    """Take a row out of its columns, so that a record can be sent to another process."""
    row = record.value
    if not isinstance(row, TableRow):
        return record
    try:
        values = {name: row.batch.column(name)[row.index].as_py() for name in row.batch.schema.names}
    except (ValueError, OverflowError) as error:  # no UTF-8; a date beyond the year 9999
        return record._replace(value=Rejected(f"expected a row that can be read, found {error}"))
    return record._replace(value=values)


def to_document(record: Record, columns: Columns, published: date | None) -> Document | Rejected:
    """Read a record; `published` dates it where it carries no date.

    Raises:
        OSError: The file of an article cannot be read although it is there: the disk or the network failed.
    """
    value = load(record).value
    row: Mapping[str, Any] = {}
    try:
        if isinstance(value, TextFile):
            document = _read_file(value)
        elif isinstance(value, bytes):
            row = _parse_line(value, record.where)
            document = _read_object(row, record.where, columns)
        elif isinstance(value, Mapping):
            row = value
            document = _read_row(row, record.where, columns)
        elif isinstance(value, Rejected):
            return value
    except (InputError, DocumentError) as error:
        message = " ".join(str(error).split()).removeprefix(f"{record.where}: ")  # which stands beside it
        return Rejected(message, _known_id(row, columns))
    if reason := _refuse_text(document.text):
        return Rejected(reason, document.id)
    dated = document.published or published
    return replace(document, published=dated, entities=(), events=())


def _refuse_text(text: str) -> str | None:
    if not text.strip():
        return "expected text, found none"
    if len(text) > LONGEST_TEXT:
        return f"expected a text of at most {LONGEST_TEXT} characters, found {len(text)}; cut it in parts"
    return None


def _read_file(file: TextFile) -> Document:
    if file.size > MOST_BYTES:
        found = f"a file of {file.size} bytes"
        raise InputError(f"expected an article of at most {MOST_BYTES} bytes, found {found}; cut it in parts")
    try:
        data = Path(file.path).read_bytes()
    except (FileNotFoundError, PermissionError, IsADirectoryError) as error:
        raise InputError(f"expected a file that can be read, found {error.strerror}") from error
    return Document(id=file.id, text=decode_text(data, file.id))


def _parse_line(line: bytes, where: str) -> Mapping[str, Any]:
    data = parse_json(decode_text(line, where), "record")
    if not isinstance(data, Mapping):
        raise InputError(f"expected a JSON object, found {quote(data)}")
    return data


def _read_object(data: Mapping[str, Any], where: str, columns: Columns) -> Document:
    if data.get("format") == DOCUMENT_FORMAT:  # as `extract` writes it: with sentences and metadata
        document = Document.from_dict(data)
        return document if document.id is not None else replace(document, id=where)
    return _read_row(data, where, columns)


def _read_row(row: Mapping[str, Any], where: str, columns: Columns) -> Document:
    text = row.get(columns.text)
    if text is not None and not isinstance(text, str):
        raise InputError(f"{columns.text}: expected a string, found {quote(text)}")
    facts = {name: _string(row, getattr(columns, name)) for name in _FACTS}
    return Document(
        id=facts["id"] or where or None,
        title=facts["title"],
        source=facts["source"],
        url=_string(row, _URL),
        published=_date(row.get(columns.published), columns.published),
        text=text or "",
    )


def _known_id(row: Mapping[str, Any], columns: Columns) -> str | None:
    try:
        return _string(row, columns.id)
    except InputError:
        return None


def _string(row: Mapping[str, Any], column: str) -> str | None:
    value = row.get(column)
    if value is None or isinstance(value, str):
        return value or None
    if isinstance(value, int) and not isinstance(value, bool):  # ids are often numbers
        return str(value)
    raise InputError(f"{column}: expected a string, found {quote(value)}")


def _date(value: Any, column: str) -> date | None:
    """Return the day of a date, a time or a string of either in ISO 8601; an empty string is no date."""
    if value is None or value == "":
        return None
    if isinstance(value, str):
        try:
            return datetime.fromisoformat(value.strip()).date()
        except ValueError:
            pass
    elif isinstance(value, datetime):
        return value.date()
    elif isinstance(value, date):
        return value
    raise InputError(f"{column}: expected a date as in 2020-06-06, found {quote(value)}")
