"""Read what is to be extracted: paths come in, documents without annotation go out, one at a time.

A `.txt` file is one article whose id is the file's name without its suffix, a `.jsonl` file one article a
line, `-` one article on standard input with the id `stdin`. Every document gets an id that no other input of
the run has: two inputs that would share one are an error, so that articles are never merged and an id never
depends on which other files were read. The text is kept as it stands in the file, CRLF included; only a
byte-order mark is dropped.
"""

import codecs
import json
import logging
import os
import re
import stat
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date
from io import BufferedReader, TextIOWrapper
from pathlib import Path
from typing import BinaryIO

from libyaevents.documents import Document
from libyaevents.errors import CorpusError, DocumentError, InputError, MissingFileError

__all__ = ["STANDARD_INPUT", "decode_text", "read_inputs"]

STANDARD_INPUT = "-"

_STANDARD_INPUT_ID = "stdin"
_SUFFIXES = (".txt", ".jsonl")
_TABLES = (".csv", ".parquet")
_HEAD_BYTES = 8192
_UTF16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)

_SIGNATURES = {
    b"%PDF-": "a PDF",
    b"PK\x03\x04": "a ZIP archive, as .docx, .odt, .xlsx and .epub are",
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": "an old Microsoft Office file (.doc, .xls)",
    b"{\\rtf": "rich text (.rtf)",
    b"\x1f\x8b": "gzip",
    b"\xfd7zXZ": "xz",
    b"\x89PNG": "a PNG picture",
    b"\xff\xd8\xff": "a JPEG picture",
    b"SQLite format 3\x00": "an SQLite database",
}
# iconv's name and Python's name of encodings that are told apart well enough to be named in an error.
_SUGGESTED_ENCODINGS = {"ISO-8859-6": "iso8859_6", "UTF-16LE": "utf-16-le", "UTF-16BE": "utf-16-be"}

# What typesetting puts between the words of any language says nothing about the encoding.
_TYPOGRAPHY = re.compile(r"[\x00-\x7f\xa0«»“”‘’–—…•·°×÷\u200b-\u200f]")
_ARABIC = re.compile("[ء-غـ-ْپچژکگٹڈڑںھہے،؛؟٠-٩]")
_ARABIC_LETTER = re.compile("[ء-غف-ي]")
_LEGIBLE = re.compile("[ء-غف-يﭐ-ﷻﹰ-ﻼ]")  # presentation forms, too
_COMMON_LETTER = re.compile("[اليمنو]")
# Measured on 305 news articles: true windows-1256 has at least 0.999 Arabic and 0.45 common letters, while
# ISO-8859-6 read as windows-1256 has at most 0.85 Arabic, damaged UTF-8 (ط§ظ„) 0.65 and no common letter.
_LEAST_ARABIC = 0.97
_LEAST_COMMON = 0.3
_LEAST_LETTERS = 10

_logger = logging.getLogger(__name__)


def read_inputs(paths: Sequence[Path | str], *, published: date | None = None) -> Iterator[Document]:
    """Check every path at once, then read the documents one by one, in order.

    `published` dates the documents that carry no date. Entities and events that a `.jsonl` file carries are
    set aside, counted and logged. Documents without an Arabic letter are counted and logged, too.

    Raises:
        MissingFileError: No file has that name.
        InputError: A directory, an unknown suffix, a binary or empty file, undecodable bytes, one id twice.
        CorpusError: A `.jsonl` line is no document, or its id was given before; names file and line.
    """
    sources = [Path(path) for path in paths]
    origins: dict[str, str] = {}
    for source in sources:
        _check_source(source)
        if source.suffix.lower() != ".jsonl":
            _claim_id(_text_id(source), source, origins)
    return _read_sources(sources, published, origins)


def decode_text(data: bytes, where: str) -> str:
    """Decode UTF-8, UTF-16 with a byte-order mark, or windows-1256 that reads as Arabic.

    `where` is what an error names; the byte-order mark is no part of the result.

    Raises:
        InputError: The bytes are binary or in another encoding.
    """
    _refuse_binary(data, where)
    is_utf16 = data.startswith(_UTF16_MARKS)
    try:
        return data.decode("utf-16" if is_utf16 else "utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        text = data.decode("cp1256")
        if not is_utf16 and _reads_as_arabic(text):
            _logger.info("%s: read as windows-1256", where)
            return text
        expected = "UTF-16, as its byte-order mark says" if is_utf16 else "UTF-8, or Arabic in windows-1256"
        found = f"byte 0x{data[error.start]:02X} at offset {error.start}"
        raise InputError(f"{where}: expected {expected}, found {found}; {_way_out(data)}") from error


def _check_source(path: Path) -> None:
    if str(path) == STANDARD_INPUT:
        return
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError) as error:
        advice = f"text itself goes through standard input: {STANDARD_INPUT}"
        raise MissingFileError(f"{path}: expected a file, found none; {advice}") from error
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: expected a file, found none that can be read: {_reason(error)}") from error
    if stat.S_ISDIR(mode):
        raise InputError(
            f"{path}: expected a file, found a directory; name its files, as in {path / '*.txt'}"
        )
    if path.suffix.lower() not in _SUFFIXES:
        found = repr(path.suffix) if path.suffix else "none"
        is_table = path.suffix.lower() in _TABLES
        advice = (
            "tables are read by libyaevents batch" if is_table else "save its text as UTF-8 in a .txt file"
        )
        raise InputError(f"{path}: expected the suffix .txt or .jsonl, found {found}; {advice}")


def _claim_id(document_id: str, path: Path, origins: dict[str, str]) -> None:
    if document_id in origins:
        advice = "rename one, read them in two runs, or give each an id in a .jsonl file"
        taken = f"the id {document_id!r}, which {origins[document_id]} has already"
        raise InputError(f"{path}: expected an id of its own, found {taken}; {advice}")
    origins[document_id] = str(path)


def _text_id(path: Path) -> str:
    if str(path) == STANDARD_INPUT:
        return _STANDARD_INPUT_ID
    # A name in windows-1256 on a UTF-8 system holds lone surrogates, which no id may.
    return os.fsencode(path.stem).decode(errors="backslashreplace")


def _read_sources(
    paths: Sequence[Path], published: date | None, origins: dict[str, str]
) -> Iterator[Document]:
    n_documents = n_annotated = 0
    illegible: list[str | None] = []
    for path in paths:
        for document in _read_source(path, origins):
            n_documents += 1
            n_annotated += bool(document.entities or document.events)
            if not _LEGIBLE.search(document.text):
                illegible.append(document.id)
            dated = document.published or published
            yield replace(document, published=dated, entities=(), events=())
    if n_annotated:
        share = n_annotated / n_documents
        _logger.warning("set aside the annotation of %d documents (%.0f %%)", n_annotated, 100 * share)
    if illegible:
        n, share = len(illegible), len(illegible) / n_documents
        _logger.warning("no Arabic letter in %d documents (%.0f %%), as in %r", n, 100 * share, illegible[0])


def _read_source(path: Path, origins: dict[str, str]) -> Iterable[Document]:
    if path.suffix.lower() == ".jsonl":
        return _read_jsonl(path, str(path), _decoded_lines(path), origins)
    article = _read_article(path)
    if str(path) == STANDARD_INPUT and _is_json_object(article.text):
        return _read_jsonl(path, "standard input", article.text.split("\n"), origins)
    return [article]


def _read_article(path: Path) -> Document:
    if str(path) == STANDARD_INPUT:
        where, data = "standard input", _read_bytes(sys.stdin.buffer, "standard input")
    else:
        where = str(path)
        with _open(path) as file:
            data = _read_bytes(file, where)
    if data in (b"", codecs.BOM_UTF8, *_UTF16_MARKS):
        raise InputError(f"{where}: expected text, found an empty file; leave it out")
    return Document(id=_text_id(path), text=decode_text(data, where))


def _is_json_object(text: str) -> bool:
    """Say whether piped text is JSON Lines: no article starts with a line that is a JSON object."""
    first_line = text.lstrip().partition("\n")[0]
    if not first_line.startswith("{"):
        return False
    try:
        return isinstance(json.loads(first_line), dict)
    except (ValueError, RecursionError):
        return False


def _read_bytes(file: BinaryIO, where: str) -> bytes:
    # A film that is called .txt is refused by its head instead of being read to its end.
    head = file.read(_HEAD_BYTES)
    _refuse_binary(head, where)
    return head + file.read()


def _read_jsonl(path: Path, name: str, lines: Iterable[str], origins: dict[str, str]) -> Iterator[Document]:
    n_documents = 0
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        n_documents += 1
        where = f"{name}:{number}"
        try:
            document = Document.from_json(line)
        except DocumentError as error:
            raise CorpusError(f"{where}: {error}") from error
        document_id = document.id or f"{_text_id(path)}:{number}"
        if document_id in origins:
            taken = f"{document_id!r}, which {origins[document_id]} has already"
            raise CorpusError(
                f"{where}: expected an id of its own, found {taken}; give every document its own id"
            )
        origins[document_id] = where
        yield replace(document, id=document_id)
    if not n_documents:
        raise CorpusError(f"{path}: expected one document a line, found none; leave the file out")


def _decoded_lines(path: Path) -> Iterator[str]:
    with _open(path) as file:
        if file.peek(2).startswith(_UTF16_MARKS):
            yield from _utf16_lines(file, path)
        else:
            for number, line in enumerate(file, start=1):
                yield decode_text(line, f"{path}:{number}")


def _utf16_lines(file: BinaryIO, path: Path) -> Iterator[str]:
    with TextIOWrapper(file, encoding="utf-16", newline="\n") as lines:
        try:
            yield from lines
        except UnicodeError as error:
            expected = "UTF-16, as its byte-order mark says"
            raise InputError(f"{path}: expected {expected}, found {error}; save it as UTF-8") from error


def _open(path: Path) -> BufferedReader:
    try:
        return path.open("rb")
    except OSError as error:
        raise InputError(f"{path}: expected a file, found none that can be read: {_reason(error)}") from error


def _reason(error: OSError | ValueError) -> str:
    return getattr(error, "strerror", None) or str(error)


def _refuse_binary(data: bytes, where: str) -> None:
    for signature, kind in _SIGNATURES.items():
        if data.startswith(signature):
            raise InputError(f"{where}: expected text, found {kind}; save its text as UTF-8 in a .txt file")
    if data.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        raise InputError(f"{where}: expected UTF-8, found UTF-32; convert it: iconv -f UTF-32 -t UTF-8")
    if b"\x00" in data and not data.startswith(_UTF16_MARKS):
        found = f"a NUL at byte {data.index(0)}, as in a binary file or in UTF-16 without its byte-order mark"
        raise InputError(f"{where}: expected text, found {found}; {_way_out(data)}")


def _way_out(data: bytes) -> str:
    for name, codec in _SUGGESTED_ENCODINGS.items():
        if _reads_as_arabic(data.decode(codec, errors="replace")):
            return f"it reads as Arabic in {name}: iconv -f {name} -t UTF-8"
    return "if it is text, convert it from its encoding: iconv -f ENCODING -t UTF-8"


def _reads_as_arabic(text: str) -> bool:
    telling = _TYPOGRAPHY.sub("", text)
    n_letters = len(_ARABIC_LETTER.findall(telling))
    n_arabic = len(_ARABIC.findall(telling))
    n_common = len(_COMMON_LETTER.findall(telling))
    return (
        n_letters >= _LEAST_LETTERS
        and n_arabic >= _LEAST_ARABIC * len(telling)
        and n_common >= _LEAST_COMMON * n_letters
    )
