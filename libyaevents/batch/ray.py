"""Events of a Ray Data dataset: a pool of actors, each with the model loaded once, over a stream of blocks.

    articles = ray.data.read_parquet("s3://archive/news")
    extract_dataset(articles, BatchConfig(workers=8)).write_parquet("s3://archive/events")

Ray schedules, retries and restarts. The model, and a table of own actors, must lie on every node under the
same name or path.
"""

from typing import TYPE_CHECKING, Any

from libyaevents.batch.run import BatchConfig
from libyaevents.batch.tables import TableReader
from libyaevents.batch.worker import Job
from libyaevents.errors import MissingExtraError

if TYPE_CHECKING:
    from ray.data import Dataset

__all__ = ["extract_dataset"]


def extract_dataset(
    dataset: "Dataset",
    config: BatchConfig = BatchConfig(),  # noqa: B008 - it is frozen
    *,
    batch_size: int = 64,
) -> "Dataset":
    """Return a dataset of documents, lazily: nothing is read before it is consumed or written.

    `config.workers` is the number of actors, of one CPU each; all CPUs of the cluster, as they get free, when
    None. Its format and shard size are of no concern: who writes the result decides. `batch_size` rows are
    read together. Columns are those of a batch's shards, and `error`.

    Raises:
        ConfigError: A column that is named is not there.
        MissingExtraError: Ray is not installed.
    """
    try:
        from ray.data import ActorPoolStrategy
    except ImportError as error:
        raise MissingExtraError("a Ray dataset needs ray: pip install 'libyaevents[ray]'") from error
    # Where a schema is not known without reading, the actors look.
    schema = dataset.schema(fetch_if_missing=False)
    if schema is not None:
        config.columns.check(list(schema.names), "the dataset")
    if config.workers is None:
        pool = ActorPoolStrategy(min_size=1, max_size=_n_cpus())
    else:
        pool = ActorPoolStrategy(size=config.workers)
    result: Dataset = dataset.map_batches(
        _Actor,
        fn_constructor_kwargs={"job": config.job()},
        batch_size=batch_size,
        batch_format="pyarrow",
        compute=pool,
        num_cpus=1,
        zero_copy_batch=True,
    )
    return result


def _n_cpus() -> int:
    import ray

    resources: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]
    return max(1, int(resources.get("CPU", 1)))


class _Actor:
    """Lives in a process of the cluster."""

    def __init__(self, job: Job) -> None:
        self._columns = job.columns
        self._reader = TableReader(job)

    def __call__(self, table: Any) -> Any:
        self._columns.check(table.schema.names, "the dataset")
        kept = [name for name in self._columns.read() if name in table.schema.names]
        return self._reader.read(table.select(kept).to_pylist())
