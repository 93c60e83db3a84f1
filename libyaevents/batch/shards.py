"""Shards being written: results of workers come in, in order; a shard's files and its entry come out."""

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal, NamedTuple

from libyaevents.batch.folder import publish, temporary
from libyaevents.batch.schema import TABLES, arrow_schema, to_table
from libyaevents.documents import Document
from libyaevents.formats.tables import import_pyarrow

__all__ = ["Format", "Refusal", "Result", "Shard", "encode", "tables_of"]

Format = Literal["parquet", "jsonl"]

_ROWS_A_GROUP = 1000


class Refusal(NamedTuple):
    """A record that could not be read: its place in the chunk, where it stands in the input, and why."""

    place: int
    where: str
    id: str | None
    reason: str


class Result(NamedTuple):
    """What a worker made of a chunk: encoded tables by name, how many documents, and what it refused."""

    tables: Mapping[str, bytes]
    n_documents: int
    refusals: Sequence[Refusal]


def tables_of(format: Format) -> tuple[str, ...]:
    """Which tables a shard has: lines of JSON hold whole documents, and need no flat tables beside them."""
    return TABLES if format == "parquet" else TABLES[:1]


def encode(documents: Sequence[Document], format: Format) -> dict[str, bytes]:
    """Return the tables of documents: lines of JSON, or Arrow streams.

    Raises:
        OverflowError, pyarrow.ArrowInvalid: A number does not fit into 64 bits.
    """
    if format == "jsonl":
        return {"documents": "".join(f"{document.to_json()}\n" for document in documents).encode()}
    return {name: _encode_table(to_table(documents, name)) for name in tables_of(format)}


class Shard:
    """One shard while it is written; until `finish` its files have temporary names."""

    def __init__(self, folder: Path, number: int, format: Format, *, first: int) -> None:
        """Begin a shard whose first record has the number `first` in the input."""
        self.number, self.first = number, first
        kind = _LinesFile if format == "jsonl" else _ParquetFile
        self._files: dict[str, _LinesFile] = {}
        self._quarantine = temporary(folder / f"quarantine-{number:05}.jsonl")
        self._refusals: list[str] = []
        self._end = first
        try:
            for name in tables_of(format):
                self._files[name] = kind(folder / f"{name}-{number:05}.{format}", name)
        except BaseException:
            self.abandon()
            raise

    def add(self, result: Result, n_records: int) -> None:
        """Add what was made of the next records."""
        for refusal in result.refusals:
            entry = {"record": self._end + refusal.place, **refusal._asdict()}
            del entry["place"]
            self._refusals.append(json.dumps(entry, ensure_ascii=False))
        self._end += n_records
        for name, file in self._files.items():
            file.add(result.tables[name])

    def finish(self) -> dict[str, Any]:
        """Give the files their names and return the shard's entry for the manifest."""
        quarantine = None
        if self._refusals:
            text = "".join(f"{line}\n" for line in self._refusals)
            self._quarantine.write_text(text, encoding="utf-8", errors="backslashreplace")
            quarantine = {**publish(self._quarantine), "rows": len(self._refusals)}
        return {
            "shard": self.number,
            "records": [self.first, self._end],
            **{name: file.finish() for name, file in self._files.items()},
            "quarantine": quarantine,
        }

    def abandon(self) -> None:
        """Remove what was written."""
        for file in self._files.values():
            file.abandon()
        self._quarantine.unlink(missing_ok=True)


class _LinesFile:
    """Documents as lines of JSON."""

    def __init__(self, path: Path, table: str) -> None:
        self._part = temporary(path)
        self._file = self._part.open("wb")
        self._n_rows = 0

    def add(self, encoded: bytes) -> None:
        self._file.write(encoded)
        self._n_rows += encoded.count(b"\n")

    def finish(self) -> dict[str, Any]:
        self._file.close()
        return {**publish(self._part), "rows": self._n_rows}

    def abandon(self) -> None:
        with suppress(OSError):  # what is buffered still cannot be written where the disk is full
            self._file.close()
        self._part.unlink(missing_ok=True)


class _ParquetFile(_LinesFile):
    """A table; what is added is gathered into groups of rows."""

    def __init__(self, path: Path, table: str) -> None:
        super().__init__(path, table)
        self._arrow = import_pyarrow("parquet")
        schema = arrow_schema(table)
        self._writer = self._arrow.parquet.ParquetWriter(self._file, schema, compression="zstd")
        self._pending: list[Any] = []
        self._n_pending = 0

    def add(self, encoded: bytes) -> None:
        table = self._arrow.ipc.open_stream(encoded).read_all()
        self._pending.append(table)
        self._n_pending += len(table)
        if self._n_pending >= _ROWS_A_GROUP:
            self._write_group()

    def finish(self) -> dict[str, Any]:
        self._write_group()
        self._writer.close()
        return super().finish()

    def abandon(self) -> None:
        self._writer.is_open = False  # or it would write its end when it is collected, and fail aloud
        super().abandon()

    def _write_group(self) -> None:
        if self._n_pending:
            table = self._arrow.concat_tables(self._pending).combine_chunks()
            self._writer.write_table(table, row_group_size=len(table))
            self._n_rows += len(table)
        self._pending, self._n_pending = [], 0


def _encode_table(table: Any) -> bytes:
    arrow = import_pyarrow("parquet")
    sink = arrow.BufferOutputStream()
    with arrow.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    encoded: bytes = sink.getvalue().to_pybytes()
    return encoded
