"""Arithmetic of dates: the Islamic calendar by known days, moves that leave no calendar."""

from datetime import date
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libyaevents.enrich.calendars import from_hijri, move, period, to_hijri, write_duration

KNOWN_DAYS = {
    (1436, 10, 25): date(2015, 8, 10),
    (1440, 9, 1): date(2019, 5, 6),
    (1440, 10, 1): date(2019, 6, 4),
    (1441, 1, 1): date(2019, 8, 31),
    (1445, 12, 10): date(2024, 6, 16),
}


@pytest.mark.parametrize(("hijri", "day"), KNOWN_DAYS.items())
def test_known_days(hijri: tuple[int, int, int], day: date) -> None:
    """Days that are known by both calendars are converted both ways."""
    assert from_hijri(*hijri) == day
    assert to_hijri(day) == hijri


@given(st.dates(min_value=date(1924, 8, 1), max_value=date(2077, 11, 16)))
def test_conversion_and_back(day: date) -> None:
    """Every day of the calendar's years has an Islamic date that leads back to it."""
    assert from_hijri(*(to_hijri(day) or (0, 0, 0))) == day


@pytest.mark.parametrize("day", [date.min, date(1924, 7, 31), date(2077, 11, 17), date.max])
def test_days_outside_of_the_calendar(day: date) -> None:
    """What lies outside of the calendar's years has no Islamic date."""
    assert to_hijri(day) is None


@pytest.mark.parametrize("hijri", [(1440, 13, 1), (1440, 0, 1), (1440, 1, 31), (1342, 1, 1), (50_000, 1, 1)])
def test_no_such_islamic_day(hijri: tuple[int, int, int]) -> None:
    """What no calendar has is `None`."""
    assert from_hijri(*hijri) is None


@given(st.dates(), st.sampled_from(["day", "week", "month", "year", "hour"]), st.integers())
def test_moves_never_raise(day: date, unit: str, amount: int) -> None:
    """However far a move leads, the result is a day or `None`."""
    moved = move(day, unit, amount)
    assert moved is None or isinstance(moved, date)
    assert move(day, unit, 0) is not None


@given(st.dates(min_value=date(1900, 1, 1), max_value=date(2100, 1, 1)), st.integers(-600, 600))
def test_months_move_by_months(day: date, amount: int) -> None:
    """A move by months and back leads to the same month."""
    there = move(day, "month", amount)
    assert there is not None
    back = move(there, "month", -amount)
    assert back is not None
    assert period(back, "month") == period(day, "month")


@pytest.mark.parametrize(
    ("amount", "unit", "value"),
    [
        (Fraction(24), "hour", "PT24H"),
        (Fraction(3, 2), "year", "P18M"),
        (Fraction(1, 2), "century", "P50Y"),
        (Fraction(1, 2), "hour", "PT30M"),
        (Fraction(2), "decade", "P20Y"),
        (Fraction(1, 3), "second", "PT0S"),
    ],
)
def test_durations(amount: Fraction, unit: str, value: str) -> None:
    """Durations are written as said; fractions, decades and centuries in smaller units."""
    assert write_duration(amount, unit) == value
