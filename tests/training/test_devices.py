"""Batches made ahead are the batches of the steps."""

import threading

import pytest

from libyaevents.training.devices import Ahead


def test_batches_come_in_the_order_asked_for() -> None:
    """Each step has its own batch, also where a resumed run begins in the middle or goes back."""
    ahead = Ahead(lambda step: step * step)
    assert [ahead(step) for step in (0, 1, 2, 7, 8, 3)] == [0, 1, 4, 49, 64, 9]
    ahead.close()


def test_the_next_batch_is_made_meanwhile() -> None:
    """While a batch is in use the next one is already being made, and nobody else's."""
    made: list[int] = []
    second = threading.Event()

    def make(step: int) -> int:
        made.append(step)
        if step == 1:
            second.set()
        return step

    ahead = Ahead(make)
    ahead(0)
    assert second.wait(10)
    ahead.close()
    assert made == [0, 1]


def test_what_goes_wrong_is_raised_with_its_step() -> None:
    """An error of a batch made ahead is raised when that batch is asked for."""

    def make(step: int) -> int:
        if step == 1:
            raise ValueError("no such batch")
        return step

    ahead = Ahead(make)
    assert ahead(0) == 0
    with pytest.raises(ValueError, match="no such batch"):
        ahead(1)
    ahead.close()
