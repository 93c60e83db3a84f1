"""Worker processes: order, back-pressure, and what happens when one ends."""

import multiprocessing
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from libyaevents.batch.pool import Pool
from libyaevents.batch.records import Record
from libyaevents.batch.worker import Chunk, Job
from libyaevents.errors import BatchError
from tests.batch.workers import (
    KILLER,
    end_at_a_chunk,
    end_at_the_start,
    end_once_at_each,
    fail,
    read_without_model,
)

JOB = Job(model="none", format="jsonl")


@pytest.fixture
def use(monkeypatch: pytest.MonkeyPatch) -> Callable[[Any], None]:
    """Put another function in the place of the worker's."""
    return lambda worker: monkeypatch.setattr("libyaevents.batch.pool.run_worker", worker)


def chunks(n: int, *texts: str) -> Iterator[Chunk]:
    """Chunks of three records; those of `texts` come first."""
    lines = [*texts, *(f"خبر {number}" for number in range(n * 3 - len(texts)))]
    for first in range(0, n * 3, 3):
        records = [
            Record(f"a.jsonl:{first + place}", f'{{"text": "{line}"}}'.encode(), 0)
            for place, line in enumerate(lines[first : first + 3])
        ]
        yield Chunk(shard=0, first=first, records=records)


def test_results_come_in_order(use: Callable[[Any], None]) -> None:
    """Two workers read, and every chunk comes out once, in the order in which it went in."""
    use(read_without_model)
    with Pool(JOB, n_workers=2) as pool:
        found = list(pool.read(chunks(500)))  # many: a message that is missed holds up all
    assert [chunk.first for chunk, _ in found] == list(range(0, 1500, 3))
    assert {result.n_documents for _, result in found} == {3}
    assert not multiprocessing.active_children()


def test_chunks_are_taken_as_there_is_room(use: Callable[[Any], None]) -> None:
    """However long the input, a handful of chunks is in memory."""
    use(read_without_model)
    taken = 0

    def count() -> Iterator[Chunk]:
        nonlocal taken
        for chunk in chunks(50):
            taken += 1
            yield chunk

    with Pool(JOB, n_workers=1) as pool:
        for number, _ in enumerate(pool.read(count()), start=1):
            assert taken <= number + 3


def test_a_killed_worker_is_replaced(use: Callable[[Any], None]) -> None:
    """Chunks of workers that are killed from outside are read by others; nothing is lost or there twice."""
    use(read_without_model)
    with Pool(JOB, n_workers=2) as pool:
        found = []
        for chunk, result in pool.read(chunks(30)):
            found.append((chunk.first, result.n_documents))
            if len(found) in (1, 10):
                for process in multiprocessing.active_children():
                    process.kill()
    assert found == [(first, 3) for first in range(0, 90, 3)]


def test_a_record_that_kills_is_given_up(use: Callable[[Any], None]) -> None:
    """The record at which workers end again and again is refused; those beside it are read."""
    use(read_without_model)
    with Pool(JOB, n_workers=1) as pool:
        first, second, third = pool.read(chunks(3, "أول", KILLER, "ثالث", KILLER, KILLER))
    (refusal,) = first[1].refusals
    assert (refusal.place, refusal.where, first[1].n_documents) == (1, "a.jsonl:1", 2)
    assert refusal.reason == "2 worker processes ended at this record (exit code 9)"
    assert [refusal.place for refusal in second[1].refusals] == [0, 1]
    assert (second[1].n_documents, third[1].n_documents) == (1, 3)


def test_records_beside_which_workers_are_killed(use: Callable[[Any], None], tmp_path: Path) -> None:
    """However many workers end while a chunk is read, a record at which one ended is still read."""
    use(end_once_at_each)
    with Pool(Job(model=str(tmp_path), format="jsonl"), n_workers=1) as pool:
        found = [result for _, result in pool.read(chunks(2))]
    assert len(list(tmp_path.iterdir())) == 6
    assert [(result.n_documents, result.refusals) for result in found] == [(3, []), (3, [])]


def test_workers_that_end_before_any_record(use: Callable[[Any], None]) -> None:
    """A chunk at which no worker comes to a record does not hold up the run for ever."""
    use(end_at_a_chunk)
    with Pool(JOB, n_workers=1) as pool:
        ((_, result),) = pool.read(chunks(1))
    reasons = {refusal.reason for refusal in result.refusals}
    assert (result.n_documents, len(result.refusals)) == (0, 3)
    assert "6 worker processes ended before this record (exit code 9)" in reasons


def test_workers_that_do_not_start(use: Callable[[Any], None]) -> None:
    """Where no worker lives long enough to load the model, the run ends and says so."""
    use(end_at_the_start)
    message = r"found 3 in a row that ended before \(exit code 7\)"
    with Pool(JOB, n_workers=1) as pool, pytest.raises(BatchError, match=message):
        list(pool.read(chunks(1)))
    assert not multiprocessing.active_children()


def test_a_worker_that_fails(use: Callable[[Any], None]) -> None:
    """What a worker says of its end is what the run says."""
    use(fail)
    with (
        Pool(JOB, n_workers=1) as pool,
        pytest.raises(BatchError, match=r"stopped: CheckpointError: no labels"),
    ):
        list(pool.read(chunks(1)))
