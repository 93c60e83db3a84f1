"""One model for many requests: documents come in from the event loop, a thread reads what waits in one batch.

What a document gives does not depend on the batch it was read in, so requests that come together are read
together. They take turns, a document each, so that a long list holds up a short request by one batch at most.
A request is turned away where what waits would keep it too long.
"""

import asyncio
import math
import threading
import time
from collections import deque
from collections.abc import AsyncGenerator, Callable, Sequence
from copy import copy
from dataclasses import dataclass

from libyaevents.documents import Document
from libyaevents.engines.stoppable import Stoppable
from libyaevents.errors import LibyaeventsError
from libyaevents.extractor import Extractor
from libyaevents.server.settings import MAX_WAIT_S

__all__ = ["OverloadedError", "Reader", "StoppedError"]

MOST_DOCUMENTS, MOST_CHARACTERS = 32, 65_536  # of one batch
# Of one request, what waits at a time: as much again as is being read. Its answers wait for the client, too.
DOCUMENTS_AHEAD, CHARACTERS_AHEAD = 2 * MOST_DOCUMENTS, 2 * MOST_CHARACTERS
FIRST_RATE = 20_000.0  # characters a second, until it is measured
OLD_SHARE = 0.8  # of the rate, when a batch was measured
OVERHEAD = 100  # characters that could be read in the time that a document takes beside its own


class OverloadedError(LibyaeventsError):
    """So much waits that a request would wait too long; `retry_after_s` is when it would not."""

    def __init__(self, retry_after_s: int) -> None:
        super().__init__(
            f"expected a wait of at most {MAX_WAIT_S:g} seconds, found more to be read first: "
            f"send the request again in {retry_after_s} seconds"
        )
        self.retry_after_s = retry_after_s


class StoppedError(LibyaeventsError):
    """The server stops, and reads no more."""

    def __init__(self) -> None:
        super().__init__("expected a server that runs, found one that stops: send the request again later")


@dataclass(frozen=True, slots=True, eq=False)
class _Asked:
    """A document that waits, and where its answer goes."""

    document: Document
    enrich: bool
    answer: asyncio.Future[Document]

    @property
    def weight(self) -> int:
        return len(self.document.text) + OVERHEAD

    def give(self, result: Document | Exception) -> None:
        """Hand the answer to the event loop, which may be closed by now."""
        try:
            self.answer.get_loop().call_soon_threadsafe(self._set, result)
        except RuntimeError:
            return

    def _set(self, result: Document | Exception) -> None:
        if self.answer.done():  # the client left
            return
        if isinstance(result, Exception):
            self.answer.set_exception(result)
        else:
            self.answer.set_result(result)


_Line = deque[_Asked]  # the documents of one request, in order


class Reader:
    """Reads documents with one extractor, in a thread of its own, from `start` to `close`."""

    def __init__(
        self, extractor: Extractor, *, on_batch: Callable[[int, int, float], None] | None = None
    ) -> None:
        """Take the extractor; `on_batch` is told documents, characters and seconds of each batch."""
        self._on_batch = on_batch
        self._is_closed = threading.Event()
        self._lines: deque[_Line] = deque()  # of requests of which something waits; the first has its turn
        self._changed = threading.Condition()
        self._rate = FIRST_RATE
        self._n_pending = 0
        self._thread = threading.Thread(target=self._work, name="reader", daemon=True)
        self.swap(extractor)

    @property
    def extractor(self) -> Extractor:
        """The extractor that reads now; any thread may use it, until the reader is closed."""
        return self._extractor

    @property
    def pending_characters(self) -> int:
        """Characters of what waits and what is being read, with some for each document."""
        return self._n_pending

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    def close(self) -> None:
        """End at once; what waits and what is being read fails by `StoppedError`."""
        with self._changed:
            self._is_closed.set()
            left = [asked for line in self._lines for asked in line]
            self._lines.clear()
            self._changed.notify()
        for asked in left:
            asked.give(StoppedError())
        if self._thread.is_alive():
            self._thread.join()

    def swap(self, extractor: Extractor) -> None:
        """Read what comes from now on with another extractor."""
        extractor = copy(extractor)
        extractor.engine = Stoppable(extractor.engine, self._is_closed, StoppedError)
        self._extractor = extractor

    async def read(self, document: Document, *, enrich: bool = True) -> Document:
        """Read one document.

        Raises:
            OverloadedError: too much waits.
            StoppedError: the reader was closed.
            LibyaeventsError: as `Extractor.extract_many`.
        """
        self._check_wait()
        return await self._ask(document, enrich, deque())

    async def read_many(
        self, documents: Sequence[Document], *, enrich: bool = True
    ) -> AsyncGenerator[Document, None]:
        """Read documents, in order, each as soon as it is there; what is not begun ends with the iterator.

        Raises:
            OverloadedError: too much waits; before the first document.
            StoppedError: the reader was closed.
            LibyaeventsError: as `Extractor.extract_many`, in the place of the document that it is about.
        """
        self._check_wait()
        line: _Line = deque()
        answers: deque[tuple[int, asyncio.Future[Document]]] = deque()
        n_ahead = 0
        try:
            for document in documents:
                while answers and (
                    len(answers) >= DOCUMENTS_AHEAD or n_ahead + len(document.text) > CHARACTERS_AHEAD
                ):
                    n_characters, answer = answers.popleft()
                    n_ahead -= n_characters
                    yield await answer
                answers.append((len(document.text), self._ask(document, enrich, line)))
                n_ahead += len(document.text)
            while answers:
                yield await answers.popleft()[1]
        finally:
            for _, left in answers:
                if not left.cancel() and not left.cancelled():
                    left.exception()  # asked for, so that asyncio does not complain that nobody did

    def _check_wait(self) -> None:
        wait_s = self._n_pending / self._rate
        if wait_s > MAX_WAIT_S:
            raise OverloadedError(max(1, math.ceil(wait_s - MAX_WAIT_S)))

    def _ask(self, document: Document, enrich: bool, line: _Line) -> asyncio.Future[Document]:
        asked = _Asked(document, enrich, asyncio.get_running_loop().create_future())
        with self._changed:
            if self._is_closed.is_set():
                raise StoppedError
            if not line:  # it has none in `_lines`
                self._lines.append(line)
            line.append(asked)
            self._changed.notify()
        self._n_pending += asked.weight
        asked.answer.add_done_callback(lambda _: self._forget(asked.weight))
        return asked.answer

    def _forget(self, weight: int) -> None:
        self._n_pending -= weight

    def _work(self) -> None:
        while batch := self._next_batch():
            started = time.perf_counter()
            _read_batch(self._extractor, batch)
            seconds = time.perf_counter() - started
            rate = sum(asked.weight for asked in batch) / max(seconds, 1e-6)
            self._rate = OLD_SHARE * self._rate + (1 - OLD_SHARE) * rate
            if self._on_batch is not None:
                self._on_batch(len(batch), sum(len(asked.document.text) for asked in batch), seconds)

    def _next_batch(self) -> list[_Asked]:
        """Wait for documents and take what fits one batch, at least one; none when the reader is closed."""
        batch: list[_Asked] = []
        with self._changed:
            while not batch:
                while not self._lines and not self._is_closed.is_set():
                    self._changed.wait()
                if self._is_closed.is_set():
                    return []
                batch = self._taken()
        return batch

    def _taken(self) -> list[_Asked]:
        """Take documents off the lines in turn, leaving out those whose clients left."""
        batch: list[_Asked] = []
        n_characters = 0
        while self._lines and len(batch) < MOST_DOCUMENTS:
            line = self._lines.popleft()
            asked = line.popleft()
            n_characters += len(asked.document.text)
            if asked.answer.done():
                n_characters -= len(asked.document.text)
            elif batch and n_characters > MOST_CHARACTERS:  # the first of the next batch
                line.appendleft(asked)
                self._lines.appendleft(line)
                break
            else:
                batch.append(asked)
            if line:
                self._lines.append(line)
        return batch


def _read_batch(extractor: Extractor, batch: Sequence[_Asked]) -> None:
    """Answer a batch, each document as soon as it is read; after one that fails, they are read one by one."""
    bare, enrich = copy(extractor), extractor.enrich
    bare.enrich = None
    n_answered = 0
    try:
        for asked, found in zip(batch, bare.extract_many(each.document for each in batch), strict=True):
            asked.give(found if enrich is None or not asked.enrich else enrich(found))
            n_answered += 1
    except Exception as error:  # of any kind: the thread must live, and each request gets an answer
        if len(batch) == 1:
            batch[0].give(error)
            return
        for asked in batch[n_answered:]:
            _read_batch(extractor, [asked])
