"""The process that reads: chunks of records come in through a pipe, results go back.

Messages to a worker are `Chunk`s. It answers `Ready` once, then for each chunk a `Result`; while it reads one
with care, `At` before each record; `Failed` where it cannot go on.
"""

import os
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import date
from multiprocessing.connection import Connection
from typing import NamedTuple

from libyaevents.batch.records import Columns, Record, Rejected, to_document
from libyaevents.batch.shards import Format, Refusal, Result, encode
from libyaevents.checkpoint import EngineName
from libyaevents.documents import Document
from libyaevents.errors import LibyaeventsError

__all__ = ["At", "Chunk", "Failed", "Job", "Reader", "Ready", "run_worker"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What is done with every record: by which model, from which columns, into what."""

    model: str
    engine: EngineName = "auto"
    recall_bias: float = 0.0
    enrich: bool = True
    actors: str | None = None
    columns: Columns = field(default_factory=Columns)
    published: date | None = None
    format: Format = "parquet"


@dataclass(slots=True)
class Chunk:
    """Records that are read together; with `is_careful` one by one, without those that are given up.

    Attributes:
        shard: the number of the shard that they belong to.
        first: the number of the first of them in the input.
        given_up: reasons by place in the chunk: of records at which worker processes ended.
    """

    shard: int
    first: int
    records: Sequence[Record]
    is_careful: bool = False
    given_up: dict[int, str] = field(default_factory=dict)


class Ready(NamedTuple):
    """The model is loaded."""


class At(NamedTuple):
    """The record with this place in the chunk is read now."""

    place: int


class Failed(NamedTuple):
    """The worker cannot go on, for this reason."""

    reason: str


def run_worker(connection: Connection, job: Job) -> None:
    """Read chunks until the other end of the pipe is closed, as it is when the process there ends."""
    # Ctrl-C reaches every process of the terminal; it is the parent's to say what happens then.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # of numpy's matrix products; the engine is told by itself
    with suppress(EOFError, BrokenPipeError, ConnectionResetError):
        try:
            reader = Reader(job)
            connection.send(Ready())
            while True:
                chunk = connection.recv()
                connection.send(reader.read(chunk, tell=lambda index: connection.send(At(index))))
        except (EOFError, BrokenPipeError, ConnectionResetError):
            raise
        except LibyaeventsError as error:  # it says by itself what is wrong
            connection.send(Failed(str(error)))
        except Exception as error:  # whatever it is, the run ends with it and not with a process that is gone
            connection.send(Failed(f"{type(error).__name__}: {error}"))


class Reader:
    """A loaded model with one thread, and what it is to read."""

    def __init__(self, job: Job) -> None:
        from libyaevents.extractor import Extractor

        self._job = job
        self._extractor = Extractor.from_pretrained(
            job.model,
            engine=job.engine,
            n_threads=1,
            recall_bias=job.recall_bias,
            enrich=job.enrich,
            actors=job.actors,
        )

    def read(self, chunk: Chunk, *, tell: Callable[[int], None]) -> Result:
        """Read a chunk and encode what was found; `tell` is called before each record of a careful one."""
        documents, refusals = self.extract(chunk, tell=tell)
        try:
            encoded = encode(documents, self._job.format)
        except Exception:  # as where an article is read: of any type
            documents, refusals = self.extract(replace(chunk, is_careful=True), tell=tell)
            encoded = encode(documents, self._job.format)
        return Result(encoded, len(documents), refusals)

    def extract(
        self, chunk: Chunk, *, tell: Callable[[int], None] = lambda _: None
    ) -> tuple[list[Document], list[Refusal]]:
        """Read a chunk into the documents that could be read, in order, and what could not."""
        made: list[tuple[int, Document]] = []
        refused: dict[int, Rejected] = {}
        for index, record in enumerate(chunk.records):
            if reason := chunk.given_up.get(index):
                refused[index] = Rejected(reason)
                continue
            document = to_document(record, self._job.columns, self._job.published)
            if isinstance(document, Rejected):
                refused[index] = document
            else:
                made.append((index, document))
        found = None if chunk.is_careful else self._extract_all([document for _, document in made])
        if found is None:
            found = []
            for index, document in made:
                tell(index)
                read = self._extract_one(document)
                if isinstance(read, Rejected):
                    refused[index] = read
                else:
                    found.append(read)
        return found, list(_refusals(refused, chunk.records))

    def _extract_all(self, documents: Sequence[Document]) -> list[Document] | None:
        """Read documents together; None where one of them, and it is not known which, cannot be read."""
        try:
            return list(self._extractor.extract_many(documents))
        except Exception:  # of any type: one article must not end a run over ten million
            return None

    def _extract_one(self, document: Document) -> Document | Rejected:
        try:
            (found,) = self._extractor.extract_many([document])
            encode([found], self._job.format)
        except Exception as error:  # as above
            return Rejected(f"{type(error).__name__}: {' '.join(str(error).split())}", document.id)
        return found


def _refusals(refused: dict[int, Rejected], records: Sequence[Record]) -> Iterator[Refusal]:
    for index in sorted(refused):
        yield Refusal(index, records[index].where, refused[index].id, refused[index].reason)
