"""Rows as tables: csv and parquet, with text that is safe where tables are opened.

In a spreadsheet, text from an article is text: no cell begins as a formula would, no character reorders what
stands beside it, none breaks the line.
"""

import csv
import re
from codecs import BOM_UTF8, getwriter
from collections.abc import Iterable
from datetime import date
from itertools import islice
from typing import Any, BinaryIO

from libyaevents.errors import InputError, MissingExtraError
from libyaevents.formats.codebooks import Columns
from libyaevents.formats.rows import Cell, Row
from libyaevents.markup import visible

__all__ = [
    "column_type",
    "import_pyarrow",
    "show_controls",
    "to_cell",
    "write_csv",
    "write_parquet",
]

# What a spreadsheet keeps of a cell; it puts the rest into cells below, where it could begin as a formula.
_LONGEST_CELL = 32_767
_CUT = "…"

# Marks that order neighbors alone are left out, as they stand in much Arabic text; the others are shown.
_BIDI_MARKS = re.compile("[\u200e\u200f\u061c]")
_WHITE_SPACE = re.compile(r"\s+")
# At the start of a cell, and behind what some settings take for the border of one: in a csv file that is read
# with semicolons, `مصدر;=1+1` is two cells. Excel reads the full-width signs, too.
_FORMULA = re.compile(r"(?:^|(?<=[;|]))(?=[\s\u200b\ufeff]*[=+\-@\uff1d\uff0b\uff0d\uff20])")
_TEXT_MARK = "'"

_ROWS_A_GROUP = 10_000


def show_controls(text: str) -> str:
    """Return the text on one line, with overrides of direction and controls shown as ⟨U+202E⟩."""
    return visible(_WHITE_SPACE.sub(" ", _BIDI_MARKS.sub("", text)).strip())


def to_cell(text: str) -> str:
    """Return text that no spreadsheet takes for a formula; an apostrophe stands before what could be one."""
    cell = _FORMULA.sub(_TEXT_MARK, show_controls(text))
    return cell if len(cell) <= _LONGEST_CELL else cell[: _LONGEST_CELL - 1] + _CUT


def write_csv(rows: Iterable[Row], columns: Columns, stream: BinaryIO, *, with_bom: bool = False) -> None:
    """Write rows in UTF-8, with a header; without a byte-order mark, Excel shows no Arabic.

    Dates are ISO 8601, numbers have a decimal point, truth is `true` or `false`, what is unknown is empty.
    """
    if with_bom:
        stream.write(BOM_UTF8)
    writer = csv.writer(getwriter("utf-8")(stream), lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_text(row[name]) for name in columns])


def write_parquet(rows: Iterable[Row], columns: Columns, stream: BinaryIO) -> None:
    """Write rows as one parquet table, compressed, some thousand rows in memory at a time.

    Raises:
        MissingExtraError: pyarrow is not installed; before a row is read.
        InputError: A number of a row does not fit into 64 bits.
    """
    arrow = import_pyarrow("parquet")
    schema = arrow.schema([(name, column_type(kind)) for name, kind in columns.items()])
    with arrow.parquet.ParquetWriter(stream, schema, compression="zstd") as writer:
        remaining = iter(rows)
        while group := list(islice(remaining, _ROWS_A_GROUP)):
            safe = [{name: _safe(value) for name, value in row.items()} for row in group]
            try:
                table = arrow.Table.from_pylist(safe, schema=schema)
            except (OverflowError, arrow.ArrowInvalid) as error:
                raise InputError(f"expected numbers that fit into a parquet table, found {error}") from error
            writer.write_table(table)


def column_type(kind: type) -> Any:
    """Return the `pyarrow.DataType` of a column whose cells are of a Python type."""
    names = {str: "string", int: "int64", float: "float64", bool: "bool_", date: "date32"}
    return getattr(import_pyarrow("parquet"), names[kind])()


def import_pyarrow(what: str) -> Any:
    """Import pyarrow, or say which extra `what` needs.

    Raises:
        MissingExtraError: It is not installed.
    """
    try:
        import pyarrow
        import pyarrow.ipc
        import pyarrow.parquet
    except ModuleNotFoundError as error:
        raise MissingExtraError(f"{what} needs pyarrow: pip install 'libyaevents[parquet]'") from error
    return pyarrow


def _text(value: Cell) -> str | int | float:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, date):
        return value.isoformat()
    return to_cell(value) if isinstance(value, str) else value


def _safe(value: Cell) -> Cell:
    return to_cell(value) if isinstance(value, str) else value
