"""What cluster systems are given: a reader of tables, one for each process, whose model is loaded once.

In: rows with the columns of `Columns`. Out: an Arrow table of documents in the schema of the batch's shards,
with one column more: `error`, null where the article was read. No row is lost or added, and the order stays.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from libyaevents.batch.records import Record
from libyaevents.batch.schema import arrow_schema, to_rows
from libyaevents.batch.worker import Chunk, Job, Reader
from libyaevents.formats.tables import import_pyarrow

__all__ = ["ERROR", "TableReader", "table_schema"]

ERROR = "error"


def table_schema() -> Any:
    """Return the `pyarrow.Schema` of documents, with `error` behind them."""
    return arrow_schema().append(import_pyarrow("a cluster").field(ERROR, "string"))


class TableReader:
    """A loaded model with one thread."""

    def __init__(self, job: Job) -> None:
        self._reader = Reader(job)

    def read(self, rows: Iterable[Mapping[str, Any]]) -> Any:
        """Return the table of the rows' documents; a row that cannot be read has its id and an error."""
        chunk = Chunk(shard=0, first=0, records=[Record("", row, 0) for row in rows])
        try:
            return self._table(chunk)
        except (OverflowError, import_pyarrow("a cluster").ArrowInvalid):  # a number beyond 64 bits
            chunk.is_careful = True
            return self._table(chunk)

    def _table(self, chunk: Chunk) -> Any:
        documents, refusals = self._reader.extract(chunk)
        errors = {refusal.place: {"id": refusal.id, ERROR: refusal.reason} for refusal in refusals}
        read = iter(to_rows(documents))
        rows = [errors[place] if place in errors else next(read) for place in range(len(chunk.records))]
        return import_pyarrow("a cluster").Table.from_pylist(rows, schema=table_schema())
