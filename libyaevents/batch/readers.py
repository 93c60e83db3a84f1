"""Records of a source in order, file by file: see `Record`.

A file that cannot be read, or not to its end, is one record that says so; the next file is read.
"""

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from libyaevents.batch.lines import Line, read_lines
from libyaevents.batch.records import Columns, Record, Rejected, TableRow, TextFile
from libyaevents.batch.sources import InputFile, Kind, Source
from libyaevents.errors import DocumentError, InputError
from libyaevents.formats.inputs import decode_text
from libyaevents.formats.tables import import_pyarrow
from libyaevents.records import parse_json

__all__ = ["check_columns", "read_records"]

_ROWS_AT_A_TIME = 256
_ROWS_TO_LOOK_AT = 100  # of JSON Lines, where any row may lack a column
_LONGEST_FIELD = 2**24  # bytes of csv
_DELIMITERS = ",;\t"


def read_records(source: Source, columns: Columns) -> Iterator[Record]:
    """Yield the records of a source, always the same in the same order.

    Raises:
        InputError: The disk or the network failed.
        MissingExtraError: The kind of source needs pyarrow.
    """
    before = 0
    for file in source.files():
        size = file.size or 0
        if file.size is None:
            yield Record(file.name, Rejected("expected a file, found a link to nothing"), before)
        elif not size:
            yield Record(file.name, Rejected("expected text, found an empty file"), before)
        else:
            for record in _READERS[source.kind](file, columns):
                yield record._replace(done=before + record.done)
        before += size


def check_columns(source: Source, columns: Columns) -> None:
    """Look into the first file that can be read whether it has the columns that are named.

    Raises:
        ConfigError: One is missing, or there twice; the message lists those there are.
        InputError: All files are damaged; says what is wrong with the first.
        MissingExtraError: The kind of source needs pyarrow.
    """
    if source.kind == "txt":
        return
    damage: InputError | None = None
    for file in source.files():
        try:
            names = _NAMES[source.kind](file) if file.size else None
        except InputError as error:
            damage = damage or error
            continue
        if names is not None:
            columns.check(names, file.path)
            return
    if damage is not None:
        raise damage


def _read_text(file: InputFile, columns: Columns) -> Iterator[Record]:
    size = file.size or 0
    name = file.name[: -len(file.path.suffix)] or file.name
    yield Record(file.name, TextFile(str(file.path), name, size), size)


def _read_json_lines(file: InputFile, columns: Columns) -> Iterator[Record]:
    for number, data, done in read_lines(file.path):
        if isinstance(data, Rejected) or data.strip():
            yield Record(f"{file.name}:{number}", data, done)


def _read_csv(file: InputFile, columns: Columns) -> Iterator[Record]:
    rows = _CsvRows(read_lines(file.path))
    names: Sequence[str] = ()
    for number, row in enumerate(rows):
        if number == 0 and not isinstance(row, Rejected):
            names = row
        elif isinstance(row, Rejected):
            yield Record(f"{file.name}:{number}", row, rows.done)
        elif row:
            yield Record(f"{file.name}:{number}", _csv_row(row, names), rows.done)


def _csv_row(row: Sequence[str], names: Sequence[str]) -> Mapping[str, str] | Rejected:
    if len(row) != len(names):
        return Rejected(f"expected {len(names)} fields as in the header, found {len(row)}")
    for value in row:
        try:
            value.encode()
        except UnicodeEncodeError as error:
            byte = ord(value[error.start]) - 0xDC00
            advice = "if all rows are so, convert the file: iconv -f WINDOWS-1256 -t UTF-8"
            return Rejected(f"expected UTF-8, found the byte 0x{byte:02X}; {advice}")
    return dict(zip(names, row, strict=True))


class _CsvRows:
    """The rows of a csv file, the header first; what is wrong with a line is told in its row's place."""

    def __init__(self, lines: Iterator[Line]) -> None:
        self._lines = lines
        self._rejected: Rejected | None = None
        self.done = 0

    def __iter__(self) -> Iterator[list[str] | Rejected]:
        first = next(self._lines, None)
        if first is None:
            return
        head = first.data.decode(errors="replace") if isinstance(first.data, bytes) else ""
        delimiter = max(_DELIMITERS, key=head.count)
        limit = csv.field_size_limit(_LONGEST_FIELD)
        try:
            rows = csv.reader(self._texts(first), delimiter=delimiter)
            while (row := self._next(rows)) is not None:
                yield row
        finally:
            csv.field_size_limit(limit)

    def _next(self, rows: Iterator[list[str]]) -> list[str] | Rejected | None:
        self._rejected = None
        try:
            row = next(rows, None)
        except csv.Error as error:
            return Rejected(f"expected a row of csv, found {error}: is a quotation mark not closed?")
        return self._rejected or row

    def _texts(self, first: Line) -> Iterator[str]:
        line: Line | None = first
        while line is not None:
            self.done = line.done
            if isinstance(line.data, Rejected):
                self._rejected = line.data
            # A byte that is no UTF-8 comes through as a lone surrogate, and only its row is refused.
            yield "" if isinstance(line.data, Rejected) else line.data.decode(errors="surrogateescape")
            line = next(self._lines, None)


def _read_parquet(file: InputFile, columns: Columns) -> Iterator[Record]:
    arrow, size = import_pyarrow(".parquet"), file.size or 0
    try:
        table = arrow.parquet.ParquetFile(file.path)
    except (arrow.ArrowException, OSError) as error:
        yield Record(file.name, _damaged(error, "Parquet"), size)
        return
    with table:
        names = [name for name in columns.read() if name in table.schema_arrow.names]
        n_rows = max(table.metadata.num_rows, 1)
        number = 0
        for group in range(table.num_row_groups):
            end = number + table.metadata.row_group(group).num_rows
            try:
                for batch in table.iter_batches(_ROWS_AT_A_TIME, row_groups=[group], columns=names):
                    for index in range(batch.num_rows):
                        number += 1
                        place = size * number // n_rows
                        yield Record(f"{file.name}:{number}", TableRow(batch, index), place)
            except (arrow.ArrowException, OSError) as error:
                reason = _damaged(error, f"rows {number + 1} to {end} of Parquet")
                yield Record(f"{file.name}:{number + 1}-{end}", reason, size * end // n_rows)
                number = end


def _read_arrow(file: InputFile, columns: Columns) -> Iterator[Record]:
    arrow, size = import_pyarrow("a saved dataset"), file.size or 0
    number = 0
    try:
        with arrow.memory_map(str(file.path)) as mapped, arrow.ipc.open_stream(mapped) as stream:
            kept = [name for name in columns.read() if name in stream.schema.names]
            for batch in (whole.select(kept) for whole in stream):
                for index in range(batch.num_rows):
                    number += 1
                    yield Record(f"{file.name}:{number}", TableRow(batch, index), mapped.tell())
    except (arrow.ArrowException, OSError) as error:
        yield Record(f"{file.name}:{number + 1}", _damaged(error, "a saved dataset"), size)


def _damaged(error: Exception, what: str) -> Rejected:
    found = " ".join(str(error).split())
    return Rejected(f"expected {what}, found what is damaged or cut off: {found}")


def _json_names(file: InputFile) -> list[str] | None:
    names: dict[str, None] = {}
    for line in islice(read_lines(file.path), _ROWS_TO_LOOK_AT):
        if isinstance(line.data, Rejected) or not line.data.strip():
            continue
        try:
            row = parse_json(decode_text(line.data, file.name), file.name)
        except (InputError, DocumentError):
            continue
        if isinstance(row, Mapping):
            names |= dict.fromkeys(row)
    return list(names) or None


def _csv_names(file: InputFile) -> list[str] | None:
    first = next(iter(_CsvRows(read_lines(file.path))), None)
    return None if first is None or isinstance(first, Rejected) else first


def _parquet_names(file: InputFile) -> list[str] | None:
    arrow = import_pyarrow(".parquet")
    return _arrow_names(file, lambda: arrow.parquet.read_schema(file.path))


def _dataset_names(file: InputFile) -> list[str] | None:
    arrow = import_pyarrow("a saved dataset")
    return _arrow_names(file, lambda: arrow.ipc.open_stream(arrow.memory_map(str(file.path))).schema)


def _arrow_names(file: InputFile, read_schema: Callable[[], Any]) -> list[str]:
    arrow = import_pyarrow("a table")
    try:
        return list(read_schema().names)
    except (arrow.ArrowException, OSError) as error:
        raise InputError(f"{file.path}: {_damaged(error, 'a table').reason}") from error


_READERS: Mapping[Kind, Callable[[InputFile, Columns], Iterable[Record]]] = {
    "txt": _read_text,
    "jsonl": _read_json_lines,
    "csv": _read_csv,
    "parquet": _read_parquet,
    "arrow": _read_arrow,
}
_NAMES: Mapping[Kind, Callable[[InputFile], list[str] | None]] = {
    "jsonl": _json_names,
    "csv": _csv_names,
    "parquet": _parquet_names,
    "arrow": _dataset_names,
}
