"""Worker processes: chunks come in, results go out in the same order, a bounded number of them at a time.

A worker that ends, by whatever hand, is replaced and its chunk read anew. A chunk at which two have ended is
read record by record, and a record at which two more end is given up: who kills workers from outside seldom
hits a record twice.
"""

import logging
import multiprocessing
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from types import TracebackType
from typing import Any

from libyaevents.batch.shards import Result
from libyaevents.batch.worker import At, Chunk, Failed, Job, Ready, run_worker
from libyaevents.errors import BatchError

__all__ = ["Pool"]

_MOST_DEATHS = 2  # of workers at one chunk, before it is read record by record; then at one record of it
_MOST_EARLY_DEATHS = 6  # before any record of a chunk
_MOST_FAILED_STARTS = 3  # in a row
_CHUNKS_A_WORKER = 2  # that are read ahead of the chunk whose result is taken
_SECONDS_TO_END = 5.0

_log = logging.getLogger(__name__)


@dataclass(eq=False, slots=True)
class _Task:
    chunk: Chunk
    result: Result | None = None
    n_deaths: int = 0
    n_deaths_at: Counter[int | None] = field(default_factory=Counter)  # by the place of a record


@dataclass(eq=False, slots=True)
class _Worker:
    process: BaseProcess
    connection: Connection
    is_ready: bool = False
    task: _Task | None = None
    at: int | None = None


class Pool:
    """Workers that live as long as the `with` block."""

    def __init__(self, job: Job, *, n_workers: int) -> None:
        self._job, self._n_workers = job, n_workers
        # Not forked: locks of threads that other libraries run would be copied as they stand.
        self._context = multiprocessing.get_context("spawn")
        self._workers: list[_Worker] = []
        self._queue: deque[_Task] = deque()
        self._n_failed_starts = 0

    def __enter__(self) -> "Pool":
        try:
            for _ in range(self._n_workers):
                self._workers.append(self._start())
        except BaseException:  # Ctrl-C between two of them, too
            self._end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def read(self, chunks: Iterable[Chunk]) -> Iterator[tuple[Chunk, Result]]:
        """Yield each chunk with its result, in order; chunks are taken as there is room for them.

        Raises:
            BatchError: A worker cannot go on, or none can be started.
        """
        remaining = iter(chunks)
        pending: deque[_Task] = deque()
        is_exhausted = False
        while True:
            while not is_exhausted and len(pending) < (1 + _CHUNKS_A_WORKER) * self._n_workers:
                chunk = next(remaining, None)
                if chunk is None:
                    is_exhausted = True
                else:
                    pending.append(_Task(chunk))
                    self._queue.append(pending[-1])
                    self._take_messages(timeout_s=0.0)
                    self._hand_out()
            if not pending:
                return
            while (result := pending[0].result) is None:
                # In this order: a message that was taken in between would be waited for in vain.
                self._hand_out()
                self._take_messages(timeout_s=None)
            self._hand_out()  # before the result is dealt with, which takes time
            yield pending.popleft().chunk, result

    def _hand_out(self) -> None:
        for worker in self._workers:
            if self._queue and worker.is_ready and worker.task is None:
                worker.task, worker.at = self._queue.popleft(), None
                try:
                    worker.connection.send(worker.task.chunk)
                except OSError:
                    self._replace(worker)

    def _take_messages(self, timeout_s: float | None) -> None:
        by_connection: dict[Any, _Worker] = {worker.connection: worker for worker in self._workers}
        for connection in wait(list(by_connection), timeout_s):
            worker = by_connection[connection]
            try:
                message = worker.connection.recv()
            except (EOFError, OSError):
                self._replace(worker)
            else:
                self._take(worker, message)

    def _take(self, worker: _Worker, message: Ready | At | Failed | Result) -> None:
        if isinstance(message, Ready):
            worker.is_ready, self._n_failed_starts = True, 0
        elif isinstance(message, At):
            worker.at = message.place
        elif isinstance(message, Failed):
            raise BatchError(f"a worker process stopped: {message.reason}")
        elif worker.task is not None:
            worker.task.result, worker.task = message, None

    def _replace(self, worker: _Worker) -> None:
        """Start another worker in the place of one that ended, and give its chunk back."""
        worker.connection.close()
        worker.process.join(_SECONDS_TO_END)
        code = worker.process.exitcode
        if not worker.is_ready:
            self._n_failed_starts += 1
            if self._n_failed_starts >= _MOST_FAILED_STARTS:
                found = f"{self._n_failed_starts} in a row that ended before (exit code {code})"
                raise BatchError(
                    f"expected worker processes that load the model, found {found}: is there enough memory? "
                    'Give fewer --workers; in a script, call run_batch below `if __name__ == "__main__":`'
                )
        if worker.task is not None:
            self._blame(worker.task, worker.at, code)
            self._queue.appendleft(worker.task)
        self._workers[self._workers.index(worker)] = self._start()

    def _blame(self, task: _Task, at: int | None, code: int | None) -> None:
        task.n_deaths += 1
        chunk = task.chunk
        where = f"{chunk.records[0].where} to {chunk.records[-1].where}"
        _log.warning("a worker process ended (exit code %s) at %s; another reads them", code, where)
        if chunk.is_careful:
            left = (index for index in range(len(chunk.records)) if index not in chunk.given_up)
            index = next(left, 0) if at is None else at
            task.n_deaths_at[at] += 1
            place = "before" if at is None else "at"
            if (n := task.n_deaths_at[at]) >= (_MOST_EARLY_DEATHS if at is None else _MOST_DEATHS):
                chunk.given_up[index] = f"{n} worker processes ended {place} this record (exit code {code})"
        chunk.is_careful = task.n_deaths >= _MOST_DEATHS

    def _start(self) -> _Worker:
        own, other = self._context.Pipe()
        process = self._context.Process(
            target=run_worker, args=(other, self._job), name="libyaevents batch worker", daemon=True
        )
        process.start()
        other.close()  # here: the pipe ends with the worker
        return _Worker(process, own)

    def _end(self) -> None:
        for worker in self._workers:
            worker.process.terminate()
        for worker in self._workers:
            worker.process.join(_SECONDS_TO_END)
            if worker.process.is_alive():
                worker.process.kill()
                worker.process.join()
            worker.connection.close()
        self._workers.clear()
