r"""Offsets as other programs count them, and the files that carry them: units, spans, decoded text and JSON.

Ours count code points. JavaScript and Java count UTF-16 code units, in which 🚁 is two; programs that read
bytes count those; and a file opened with universal newlines has one character where the text has `\r\n`.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any

from libyaevents.documents import Span
from libyaevents.errors import CorpusError, DocumentError, InputError, MissingFileError
from libyaevents.records import ValuePath, fail, parse_json, quote

__all__ = [
    "CODE_POINTS",
    "UNITS",
    "UTF16",
    "Mention",
    "OffsetMap",
    "all_fit",
    "decode",
    "find_unit",
    "json_of",
    "read_file",
    "same_text",
    "take",
]

CODE_POINTS = "code points"
UTF16 = "UTF-16 code units"
_BYTES = "UTF-8 bytes"
_ONE_NEWLINE = "\\r\\n as one character"

Mention = tuple[Sequence[Span], str]
_Widths = Callable[[str], Iterable[int]]


def _widths_without_cr(text: str) -> Iterable[int]:
    return (0 if pair == "\r\n" else 1 for pair in map("".join, zip("\0" + text, text, strict=False)))


# How wide each code point of a text is, in the order in which a file's offsets are tried.
UNITS: Mapping[str, _Widths] = {
    CODE_POINTS: lambda text: (1 for _ in text),
    UTF16: lambda text: (1 + (character > "\uffff") for character in text),
    _BYTES: lambda text: (len(character.encode()) for character in text),
    _ONE_NEWLINE: _widths_without_cr,
}

_WHITE_SPACE = re.compile(r"(?:\\[nr]|\s)+")


class OffsetMap:
    """The offsets of one text in a unit, to and from code points."""

    def __init__(self, text: str, unit: str) -> None:
        self._foreign = list(accumulate(UNITS[unit](text), initial=0))
        # Behind \r\n as one character two code points share an offset: the later is the one meant.
        self._own = {offset: index for index, offset in enumerate(self._foreign)}

    def to_unit(self, offset: int) -> int:
        """Return where a code point begins, counted in the unit."""
        return self._foreign[offset]

    def to_code_points(self, start: int, end: int) -> Span | None:
        """Return a span in code points; none where it is empty, leaves the text or cuts a character."""
        first, last = self._own.get(start), self._own.get(end)
        return None if first is None or last is None or first >= last else (first, last)


def find_unit(text: str, mentions: Sequence[Mention]) -> str | None:
    """Return the first unit in which every mention's copy of its text is what the text has at its spans."""
    return next((unit for unit in UNITS if all_fit(text, mentions, unit)), None)


def all_fit(text: str, mentions: Iterable[Mention], unit: str) -> bool:
    """Say whether mentions (spans, copy of their text) are what the text has there, counted in the unit."""
    offsets = OffsetMap(text, unit)
    for spans, copy in mentions:
        own = [offsets.to_code_points(*span) for span in spans]
        covered = " ".join(text[slice(*span)] for span in own if span is not None)
        if None in own or not same_text(covered, copy):
            return False
    return True


def same_text(text: str, copy: str) -> bool:
    r"""Say whether a program's copy of a text is that text: tools write line breaks as spaces or as \n."""
    return text == copy or _WHITE_SPACE.sub(" ", text).strip() == _WHITE_SPACE.sub(" ", copy).strip()


def read_file(path: Path, expected: str) -> bytes:
    """Return the bytes of a file; `expected` is what an error says was looked for.

    Raises:
        InputError: It cannot be read; `MissingFileError` where there is none.
    """
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise MissingFileError(f"{path}: expected {expected}, found none; check the path") from error
    except OSError as error:
        raise InputError(f"{path}: expected {expected}, found {error.strerror}") from error


def decode(data: bytes, where: str) -> str:
    """Decode UTF-8; a byte-order mark stays.

    Raises:
        CorpusError: The bytes are in another encoding; the message starts with `where`.
    """
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        found = f"byte 0x{data[error.start]:02x} at position {error.start}"
        advice = "convert the file, as in: iconv -f WINDOWS-1256 -t UTF-8"
        raise CorpusError(f"{where}:{line}: expected UTF-8, found {found}; {advice}") from error


def json_of(text: str, where: str) -> Any:
    """Parse JSON.

    Raises:
        CorpusError: The text is not JSON, or too deeply nested to be read; the message starts with `where`.
    """
    try:
        return parse_json(text, "file")
    except DocumentError as error:
        raise CorpusError(f"{where}: {str(error).removeprefix('file: ')}") from error


_KINDS = {dict: "an object", list: "a list", str: "a string", int: "a whole number"}


def take(record: Any, name: str, kind: type, path: ValuePath, default: Any = None) -> Any:
    """Return a field of a JSON object, checked by its type; `default` where it is absent or null.

    `object` stands for any type.

    Raises:
        DocumentError: The record is no object, the value is of another type, or it is absent and there is no
            default.
    """
    if not isinstance(record, dict):
        fail(path, "a JSON object", record)
    value = record.get(name)
    if value is None and default is not None:
        return default
    if value is None:
        fail(path, f"a field {quote(name)}", sorted(record))
    if kind is not object and (not isinstance(value, kind) or isinstance(value, bool)):
        fail((*path, name), _KINDS[kind], value)
    return value
