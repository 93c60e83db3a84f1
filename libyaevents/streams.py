"""Streams in bounded memory: items are read in groups, groups in order, by threads where that pays.

In: any iterable and a function that reads one group. Out: an iterator over the results, in order. The
iterable is advanced in the caller's thread alone, a bounded number of groups ahead of what has been taken.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from concurrent.futures import Executor, Future

__all__ = ["Calls", "Group", "gather", "read_ahead"]

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Group(Generic[T]):
    """Items that are read together, and the error that came where the next item should have come.

    Attributes:
        items: in order; empty only where there is an error.
        error: what ended the stream behind these items, if anything but its end.
        is_last: whether the stream ended here.
    """

    items: list[T]
    error: Exception | None = None
    is_last: bool = False

    def __iter__(self) -> Iterator[T]:
        """Give the items, then raise the error, with the traceback that it came with."""
        yield from self.items
        if self.error is not None:
            raise self.error


def gather(items: Iterable[T], weigh: Callable[[T], int], *, limit: int) -> Iterator[Group[T]]:
    """Group a stream, each group as soon as its items weigh `limit` together.

    An error of the stream becomes part of the last group, so that what came before it can be read first.
    """
    remaining = iter(items)
    while True:
        group = _next_group(remaining, weigh, limit)
        if group.items or group.error is not None:
            yield group
        if group.is_last:
            return


class Calls:
    """Calls side by side, by `n_threads` threads for all who make some; started where there are several."""

    def __init__(self, n_threads: int) -> None:
        self._n_threads = n_threads
        self._lock = Lock()
        self._pool: Executor | None = None

    def map(self, call: Callable[[T], R], items: Sequence[T]) -> Iterator[R]:
        """Give the results in the order of the items; one item alone is called for in the caller's thread."""
        if self._n_threads == 1 or len(items) < 2:
            return map(call, items)
        with self._lock:
            if self._pool is None:
                from concurrent.futures import ThreadPoolExecutor  # here: one article needs none

                self._pool = ThreadPoolExecutor(self._n_threads, thread_name_prefix="libyaevents")
        return self._pool.map(call, items)

    def close(self) -> None:
        """Let the threads end with the calls at hand, which are not waited for."""
        with self._lock:
            if self._pool is not None:
                self._pool.shutdown(wait=False, cancel_futures=True)


def _next_group(items: Iterator[T], weigh: Callable[[T], int], limit: int) -> Group[T]:
    taken: list[T] = []
    weight = 0
    try:
        for item in items:
            taken.append(item)
            weight += weigh(item)
            if weight >= limit:
                return Group(taken)
    except Exception as error:  # of any type: it is the caller's stream, and gets its own error back
        return Group(taken, error, is_last=True)
    return Group(taken, is_last=True)


def read_ahead(
    groups: Iterable[Group[T]], read: Callable[[Group[T]], Iterator[R]], *, n_threads: int
) -> Iterator[R]:
    """Read groups in order, up to `n_threads` at a time; an error comes behind the results before it.

    A stream of one group that is not full, and any stream where `n_threads` is 1, is read without a thread,
    each result as it comes. Otherwise at most `n_threads + 1` groups are read ahead of the one whose results
    are being taken. However the iterator ends, by an error, Ctrl-C, `close` or as garbage, groups that wait
    are dropped, and each thread ends with the group at hand, which nobody waits for: `read` should stop early
    then.
    """
    if n_threads == 1:
        for group in groups:
            yield from read(group)
        return
    remaining = iter(groups)
    for first in remaining:
        if first.is_last:
            yield from read(first)
        else:
            yield from _read_in_threads(_chain(first, remaining), read, n_threads)


def _chain(first: T, others: Iterator[T]) -> Iterator[T]:
    yield first
    yield from others


def _read_in_threads(
    groups: Iterator[Group[T]], read: Callable[[Group[T]], Iterator[R]], n_threads: int
) -> Iterator[R]:
    from concurrent.futures import ThreadPoolExecutor  # here: one article needs none

    pool = ThreadPoolExecutor(n_threads, thread_name_prefix="libyaevents")
    pending: deque[Future[Group[R]]] = deque()
    try:
        for group in groups:
            pending.append(pool.submit(_read_group, group, read))
            # What is ready is given before the stream, which may be slow, is asked for more.
            while pending and (len(pending) > n_threads or pending[0].done()):
                yield from pending.popleft().result()
        while pending:
            yield from pending.popleft().result()
    finally:
        # Not waited for: garbage is collected in any thread, and one of these cannot wait for itself.
        pool.shutdown(wait=False, cancel_futures=True)


def _read_group(group: Group[T], read: Callable[[Group[T]], Iterator[R]]) -> Group[R]:
    return _next_group(read(group), lambda _: 0, 1)
