"""Rows as csv and parquet: what is in the cells, and what stays of a file when something fails."""

import csv
import errno
import io
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from datetime import date
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow
import pyarrow.parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st

from libyaevents.errors import InputError, MissingExtraError, MissingFileError, OutputError
from libyaevents.formats.jsonl import read_documents
from libyaevents.formats.rows import Row, columns_of, to_rows
from libyaevents.formats.tables import show_controls, to_cell, write_csv, write_parquet
from libyaevents.outputs import open_whole

COLUMNS = {"name": str, "best": int, "latitude": float, "day": date, "inferred": bool}
FULL: Row = {
    "name": "سرت، ليبيا",
    "best": 7,
    "latitude": -31.25,
    "day": date(2020, 6, 5),
    "inferred": True,
}
EMPTY: Row = dict.fromkeys(COLUMNS)

TEXTS = st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from("=+-@\t\r\n;|, ＝\u202e\u200f'"))


def csv_of(*rows: Row, **options: bool) -> str:
    """The text of a csv file."""
    stream = io.BytesIO()
    write_csv(rows, COLUMNS, stream, **options)
    return stream.getvalue().decode("utf-8")


def table_of(rows: Iterable[Row]) -> Any:
    """A parquet table, written and read back."""
    stream = io.BytesIO()
    write_parquet(rows, COLUMNS, stream)
    return pyarrow.parquet.read_table(io.BytesIO(stream.getvalue()))


# Cells


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("سرت", "سرت"),
        ("", ""),
        ("=1+1", "'=1+1"),
        ("+218 91", "'+218 91"),
        ("-قال", "'-قال"),
        ("@سرت", "'@سرت"),
        ("\t=1+1", "'=1+1"),
        ("\r\n=1+1", "'=1+1"),
        (" \u00a0=1+1", "'=1+1"),
        ("\u200b=1+1", "'\u200b=1+1"),
        ("＝1+1", "'＝1+1"),
        ("وكالة;=1+1", "وكالة;'=1+1"),
        ("وكالة; @A1", "وكالة;' @A1"),
        ("وكالة|+A1", "وكالة|'+A1"),
        ("\u200f=1+1", "'=1+1"),
        ("5+5", "5+5"),
        ("سرت - درنة", "سرت - درنة"),
        ("a@example.org", "a@example.org"),
        ("سطر\nسطر\tسطر", "سطر سطر سطر"),
        ("ن\u202eش\u202c", "ن⟨U+202E⟩ش⟨U+202C⟩"),
        ("\u2067ن\u2069", "⟨U+2067⟩ن⟨U+2069⟩"),
        ("ن\u206aش", "ن⟨U+206A⟩ش"),
        ("ن\x00\x1b[31m", "ن⟨U+0000⟩⟨U+001B⟩[31m"),
        ("ن\ud800", "ن⟨U+D800⟩"),
        ("\u200eABC\u200f، \u061cسرت", "ABC، سرت"),
        ("مهنّدٌ ﷺ", "مهنّدٌ ﷺ"),
    ],
)
def test_cells_are_text(text: str, cell: str) -> None:
    """No cell begins as a formula, breaks the line or reorders its neighbors; all other text is as it was."""
    assert to_cell(text) == cell


@given(TEXTS)
def test_no_cell_is_a_formula(text: str) -> None:
    """Whatever a text is, and wherever semicolons or tabs are taken for borders, no cell is a formula."""
    cell = to_cell(text)
    assert not any(re.match(r"\s*[=+\-@＝＋－＠]", part) for part in re.split(r"[;|\t\r\n]", cell))
    assert not re.search("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]", cell)


@given(st.text("ابتثجحخدذر 0123456789.،؛", max_size=60))
def test_plain_text_is_kept(text: str) -> None:
    """Text without anything of that kind is itself, with its white space made one space."""
    assert to_cell(text) == " ".join(text.split())


def test_long_cells_are_cut() -> None:
    """A cell has at most as many characters as a spreadsheet puts into one."""
    assert to_cell("ن" * 32_767) == "ن" * 32_767
    assert to_cell("=" * 40_000) == "'" + "=" * 32_765 + "…"


def test_show_controls_leaves_formulas() -> None:
    """Where no spreadsheet reads, a text may begin as it likes."""
    assert show_controls("=1\u202e") == "=1⟨U+202E⟩"


# csv


def test_csv() -> None:
    """Dates are ISO 8601, numbers stay numbers with their sign, what is unknown is empty."""
    header = "name,best,latitude,day,inferred\n"
    assert csv_of(FULL, EMPTY) == header + '"سرت، ليبيا",7,-31.25,2020-06-05,true\n,,,,\n'.replace('"', "")
    assert csv_of() == header


def test_csv_for_spreadsheets() -> None:
    """With a byte-order mark in front, spreadsheets know the encoding."""
    assert csv_of(FULL, with_bom=True) == "\ufeff" + csv_of(FULL)


@given(st.lists(TEXTS, max_size=5))
def test_csv_is_read_back(texts: list[str]) -> None:
    """Any text is one cell, read back as it was made safe."""
    text = csv_of(*(EMPTY | {"name": text} for text in texts))
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert [row["name"] for row in rows] == [to_cell(text) for text in texts]
    assert text.count("\n") == len(texts) + 1


# parquet


def test_parquet() -> None:
    """A column has the type that is stated, also where it is empty; text is as safe as in csv."""
    table = table_of([FULL | {"name": "=1+1"}, EMPTY])
    assert table.to_pylist() == [FULL | {"name": "'=1+1"}, EMPTY]
    assert [str(kind) for kind in table.schema.types] == ["string", "int64", "double", "date32[day]", "bool"]
    assert table_of([]).schema == table.schema


@pytest.mark.parametrize("shape", ["acled", "ucdp", "plover", "table"])
def test_every_shape_is_a_parquet_table(shape: str) -> None:
    """The columns of all shapes can be written, in their order."""
    stream = io.BytesIO()
    columns = columns_of(shape)
    write_parquet([dict.fromkeys(columns)], columns, stream)
    assert pyarrow.parquet.read_table(io.BytesIO(stream.getvalue())).column_names == list(columns)


def test_parquet_of_many_rows() -> None:
    """More rows than are held at a time are all there, in order."""
    table = table_of(EMPTY | {"best": n} for n in range(25_000))
    assert table["best"].to_pylist() == list(range(25_000))


def test_parquet_refuses_numbers_beyond_64_bits() -> None:
    """A figure that no table holds is an error, not another number."""
    with pytest.raises(InputError, match="expected numbers that fit into a parquet table"):
        table_of([EMPTY | {"best": 10**30}])


def test_missing_pyarrow_names_the_pip_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without pyarrow, parquet says how to get it, before it reads a row."""
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    rows: Iterator[Row] = iter([FULL])
    with pytest.raises(MissingExtraError, match=r"pip install 'libyaevents\[parquet\]'"):
        write_parquet(rows, COLUMNS, io.BytesIO())
    assert next(rows) == FULL


def test_failing_rows_leave_the_old_file(tmp_path: Path) -> None:
    """An error of the rows' source passes through, and the file stays as it was."""
    path = tmp_path / "rows.csv"
    path.write_bytes(b"old")

    def rows() -> Iterator[Row]:
        yield FULL
        yield from to_rows(read_documents(tmp_path / "none.jsonl"), "table")

    with pytest.raises(MissingFileError, match=r"none\.jsonl"), open_whole(path) as stream:
        write_csv(rows(), COLUMNS, stream)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("write", [write_csv, write_parquet])
def test_full_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write: Callable[[Any, Any, BinaryIO], None]
) -> None:
    """On a disk that is full at the last moment, the old file stays and no part of the new one is left."""

    def fill_disk(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    path = tmp_path / "rows"
    path.write_bytes(b"old")
    monkeypatch.setattr(os, "fsync", fill_disk)
    with pytest.raises(OutputError, match="found No space left"), open_whole(path) as stream:
        write([FULL], COLUMNS, stream)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]
