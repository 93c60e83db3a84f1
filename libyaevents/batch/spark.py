"""Events of a Spark data frame: one function for `mapInPandas`, and the schema of what it returns.

    articles = spark.read.parquet("hdfs://archive/news")
    extract_frame(articles).write.parquet("hdfs://archive/events")

Spark schedules and retries. The model, and a table of own actors, must lie on every node under the same name
or path. A Python worker of Spark loads the model once and keeps it for the tasks that follow.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from libyaevents.batch.run import BatchConfig
from libyaevents.batch.tables import TableReader, table_schema
from libyaevents.batch.worker import Job
from libyaevents.errors import MissingExtraError
from libyaevents.formats.tables import import_pyarrow

if TYPE_CHECKING:
    from pandas import DataFrame as PandasFrame
    from pyspark.sql import DataFrame
    from pyspark.sql.types import StructType

__all__ = ["extract_frame", "reader", "spark_schema"]

_ROWS_AT_A_TIME = 64


def extract_frame(frame: "DataFrame", config: BatchConfig = BatchConfig()) -> "DataFrame":  # noqa: B008
    """Return a data frame of documents, lazily; columns are those of a batch's shards, and `error`.

    Workers, format and shard size of the config are of no concern: Spark has its own.

    Raises:
        ConfigError: A column that is named is not there.
        MissingExtraError: pyspark is not installed.
    """
    config.columns.check(frame.columns, "the data frame")
    kept = [name for name in config.columns.read() if name in frame.columns]
    found: DataFrame = frame.select(*kept).mapInPandas(reader(config), spark_schema())
    return found


def reader(config: BatchConfig) -> Callable[[Iterable["PandasFrame"]], Iterator["PandasFrame"]]:
    """Return the function for `mapInPandas`: frames of articles come in, frames of documents go out."""
    return partial(_read_frames, config.job())


def spark_schema() -> "StructType":
    """Return the schema of documents, with `error` behind them.

    Raises:
        MissingExtraError: pyspark is not installed.
    """
    try:
        from pyspark.sql.pandas.types import from_arrow_schema
    except ImportError as error:
        raise MissingExtraError("a Spark frame needs pyspark: pip install 'libyaevents[spark]'") from error
    schema: StructType = from_arrow_schema(table_schema())
    return schema


def _read_frames(job: Job, frames: Iterable["PandasFrame"]) -> Iterator["PandasFrame"]:
    import pandas

    arrow = import_pyarrow("Spark")
    for frame in frames:
        table = arrow.Table.from_pandas(frame, preserve_index=False)
        for start in range(0, len(table), _ROWS_AT_A_TIME):
            read = _load(job).read(table.slice(start, _ROWS_AT_A_TIME).to_pylist())
            rows = [_with_mapping(row) for row in read.to_pylist()]
            yield pandas.DataFrame(rows, columns=read.schema.names, dtype=object)


@cache
def _load(job: Job) -> TableReader:
    return TableReader(job)


def _with_mapping(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row with metadata as Spark takes a map: Arrow's is a list of pairs."""
    return row | {"metadata": None if row["metadata"] is None else dict(row["metadata"])}
