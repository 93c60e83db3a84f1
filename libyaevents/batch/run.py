"""A run over an input of any size: a path comes in, a folder of shards comes out, after one start or several.

The input is a sequence of records, the same at every start. Shard number n holds what was made of the records
from n × `shard_size` on: a shard is made whole, or made anew from the same records.
"""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

from libyaevents.batch.folder import Manifest, open_folder, told_as_output_errors
from libyaevents.batch.pool import Pool
from libyaevents.batch.readers import check_columns, read_records
from libyaevents.batch.records import Columns, Record, load
from libyaevents.batch.shards import Format, Shard
from libyaevents.batch.sources import Source, open_source
from libyaevents.batch.worker import Chunk, Job
from libyaevents.catalog import DEFAULT_MODEL, model_folder
from libyaevents.checkpoint import EngineName, load_settings, resolve_engine
from libyaevents.engines.graphs import n_cores
from libyaevents.enrich import read_actors
from libyaevents.errors import ConfigError
from libyaevents.formats.tables import import_pyarrow
from libyaevents.outputs import lock_folder

__all__ = ["BatchConfig", "Progress", "Summary", "run_batch"]

_BYTES_A_CHUNK = 2**18  # some sixty news articles: a second or so of work for a worker
_RECORDS_A_CHUNK = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchConfig:
    """How a run reads, and what it writes.

    Attributes:
        model: name or folder.
        engine: see `Extractor.from_pretrained`; OpenVINO takes more memory a worker.
        format: of the shards.
        columns: which column holds what.
        published: the day of articles that carry none.
        recall_bias: see `Extractor.from_pretrained`.
        enrich: see there.
        actors: see there.
        shard_size: records of the input for each shard.
        workers: processes; the cores at hand when None.
    """

    model: str = DEFAULT_MODEL
    engine: EngineName = "auto"
    format: Format = "parquet"
    columns: Columns = field(default_factory=Columns)
    published: date | None = None
    recall_bias: float = 0.0
    enrich: bool = True
    actors: Path | None = None
    shard_size: int = 5000
    workers: int | None = None

    def __post_init__(self) -> None:
        for name, value in (("shard_size", self.shard_size), ("workers", self.workers)):
            if value is not None and value < 1:
                raise ConfigError(f"{name} is {value}: expected a whole number from 1 on")

    def job(self) -> Job:
        """What the workers are told."""
        return Job(
            model=self.model,
            engine=self.engine,
            recall_bias=self.recall_bias,
            enrich=self.enrich,
            actors=None if self.actors is None else str(self.actors),
            columns=self.columns,
            published=self.published,
            format=self.format,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a run is: bytes of the input; records in this start; the shard that was finished just now."""

    done: int
    total: int
    records: int
    shard: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What a folder holds after a run: documents and quarantined records of all its starts, in shards.

    `read_now` is how many records this start read, those among them that were put aside included.
    """

    documents: int
    quarantined: int
    shards: int
    read_now: int


def run_batch(
    input: str | Path,
    output: str | Path,
    config: BatchConfig = BatchConfig(),
    *,
    tell: Callable[[Progress], None] = lambda progress: None,
) -> Summary:
    """Read every article of an input into a folder of shards; go on where an earlier start was cut off.

    `tell` is called after every chunk of records. An error, or Ctrl-C, leaves the finished shards.

    Raises:
        InputError: The input cannot be read, or its disk failed; `MissingFileError` where there is none.
        ConfigError: A named column is not there; the folder holds another run, or lies in the input.
        OutputError: The folder is in use by another run, or cannot be written to.
        BatchError: The worker processes cannot be kept alive.
        MissingExtraError: Parquet and .zst need pyarrow.
        ModelNotFoundError, CheckpointError: see `Extractor.from_pretrained`.
    """
    source_path, folder = Path(input), Path(output)
    if config.format == "parquet":
        import_pyarrow("--format parquet")
    source = open_source(source_path)
    if source_path.is_dir() and folder.resolve().is_relative_to(source_path.resolve()):
        raise ConfigError(f"{folder}: expected a folder outside of the input {source_path}; give another")
    check_columns(source, config.columns)
    run = _describe(source, config)
    with lock_folder(folder):
        manifest = open_folder(folder, run)
        n_read = 0 if manifest.records is not None else _fill(manifest, source, config, tell)
    return Summary(
        documents=manifest.count("documents"),
        quarantined=manifest.count("quarantine"),
        shards=len(manifest.shards),
        read_now=n_read,
    )


def _fill(manifest: Manifest, source: Source, config: BatchConfig, tell: Callable[[Progress], None]) -> int:
    """Read what is not there yet; return how many records that were."""
    chunks = _Chunks(source, config, manifest)
    shard: Shard | None = None
    n_records = 0
    with (
        Pool(config.job(), n_workers=config.workers or n_cores()) as pool,
        told_as_output_errors(manifest.folder),
    ):
        try:
            for chunk, result in pool.read(chunks):
                finished = None
                if shard is not None and shard.number != chunk.shard:
                    finished, shard = _finish(shard, manifest), None
                if shard is None:
                    shard = Shard(manifest.folder, chunk.shard, config.format, first=chunk.first)
                shard.add(result, len(chunk.records))
                n_records += len(chunk.records)
                done = chunk.records[-1].done
                tell(Progress(done=done, total=source.fingerprint.bytes, records=n_records, shard=finished))
            if shard is not None:
                _finish(shard, manifest)
                shard = None
        finally:
            if shard is not None:
                with suppress(OSError):
                    shard.abandon()
    manifest.records = chunks.n_records
    manifest.save()
    return n_records


def _finish(shard: Shard, manifest: Manifest) -> str:
    entry = shard.finish()
    manifest.shards[shard.number] = entry
    manifest.save()
    name: str = entry["documents"]["name"]
    return name


class _Chunks:
    """The records of the shards that are not there yet, in chunks; none spans two shards."""

    def __init__(self, source: Source, config: BatchConfig, manifest: Manifest) -> None:
        self._source, self._config = source, config
        self._is_there = frozenset(manifest.shards)
        self.n_records = 0  # that the input has, when all were taken

    def __iter__(self) -> Iterator[Chunk]:
        records: list[Record] = []
        size = 0
        shard_size = self._config.shard_size
        for number, record in enumerate(read_records(self._source, self._config.columns)):
            self.n_records = number + 1
            if number // shard_size in self._is_there:
                continue
            records.append(load(record))
            size += records[-1].size()
            is_full = size >= _BYTES_A_CHUNK or len(records) >= _RECORDS_A_CHUNK
            if is_full or self.n_records % shard_size == 0:
                yield self._chunk(records)
                records, size = [], 0
        if records:
            yield self._chunk(records)

    def _chunk(self, records: list[Record]) -> Chunk:
        first = self.n_records - len(records)
        return Chunk(shard=first // self._config.shard_size, first=first, records=records)


def _describe(source: Source, config: BatchConfig) -> dict[str, Any]:
    """Return what a run rests on: a folder is filled by runs in which it is the same."""
    folder = model_folder(config.model)
    settings = load_settings(folder)
    options = asdict(config)
    for name in ("model", "workers"):  # a model is told by what it is; the rest is the same with any number
        del options[name]
    options["engine"] = resolve_engine(config.engine, folder)  # another rounds otherwise
    options["published"] = config.published and config.published.isoformat()
    options["actors"] = None
    if config.actors is not None:
        read_actors(config.actors)  # what is wrong with it is better said now
        options["actors"] = hashlib.sha256(config.actors.read_bytes()).hexdigest()
    return {
        "libyaevents": version("libyaevents"),
        "model": {"name": settings.name, "version": settings.version, "sha256": _model_hash(folder)},
        "input": source.fingerprint.to_dict(),
        "options": options,
    }


def _model_hash(folder: Path) -> str:
    """Return the SHA-256 over what decides about a result: graphs, tokenizer, labels and settings."""
    digest = hashlib.sha256()
    for path in sorted(folder.iterdir()):
        if path.suffix in (".onnx", ".json") and path.name != "training_report.json":
            digest.update(path.name.encode())
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()
