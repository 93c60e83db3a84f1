"""Arithmetic of dates: days, weeks, months and years around a day, and the Islamic calendar.

What would leave the years 1 to 9999 is `None`, never an error.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import date, timedelta
from fractions import Fraction
from functools import cache
from importlib.resources import files

__all__ = [
    "day_of",
    "from_hijri",
    "in_smaller_units",
    "month_of_hijri",
    "move",
    "nearest",
    "period",
    "to_hijri",
    "write_duration",
]

# The first of Muharram of year 1 in the civil reckoning, as `date.toordinal` counts: 622-07-19.
_HIJRI_EPOCH = 227_015
_DAYS_IN_30_YEARS = 10_631
_LONGEST_HIJRI_MONTH = 30
_LAST_HIJRI_YEAR = 9_660
_DIGITS_A_YEAR = 3
_MONTHS_A_YEAR = 12

_LONGEST_COUNT = 10_000_000

_SMALLER = {
    "century": ("year", 100),
    "decade": ("year", 10),
    "year": ("month", 12),
    "month": ("day", 30),
    "week": ("day", 7),
    "day": ("hour", 24),
    "hour": ("minute", 60),
    "minute": ("second", 60),
}
# News counts in years and never in centuries: قبل قرنين leads to a year.
_ALWAYS_SMALLER = frozenset({"century", "decade"})
_DESIGNATORS = {
    "year": "P{}Y",
    "month": "P{}M",
    "week": "P{}W",
    "day": "P{}D",
    "hour": "PT{}H",
    "minute": "PT{}M",
    "second": "PT{}S",
}
_HOURS_A_DAY = 24
_PER_DAY = {"hour": _HOURS_A_DAY, "minute": _HOURS_A_DAY * 60, "second": _HOURS_A_DAY * 3600}


def from_hijri(year: int, month: int, day: int) -> date | None:
    """Return the Gregorian day of an Islamic date.

    The calendar is Umm al-Qura from 1343 to 1500 (1924 to 2077), outside of them the tabular calendar with
    the civil epoch. A month may have its thirtieth day whatever the table says: where the moon is observed,
    months differ from it by a day.

    Source: `data/hijri.json` names that of the table; the arithmetic is that of E. M. Reingold and N.
    Dershowitz, Calendrical Calculations.
    """
    if not (
        1 <= year <= _LAST_HIJRI_YEAR and 1 <= month <= _MONTHS_A_YEAR and 1 <= day <= _LONGEST_HIJRI_MONTH
    ):
        return None
    first_year, starts = _umm_al_qura()
    index = _MONTHS_A_YEAR * (year - first_year) + month - 1
    before = 354 * (year - 1) + (3 + 11 * year) // 30 + 29 * (month - 1) + month // 2
    start = starts[index] if 0 <= index < len(starts) else _HIJRI_EPOCH + before
    ordinal = start + day - 1
    return date.fromordinal(ordinal) if ordinal <= date.max.toordinal() else None


def to_hijri(day: date) -> tuple[int, int, int]:
    """Return the year, month and day of the same calendar; before its first year, the first day of year 1."""
    # The tabular year is never off by more than one from the year of the table.
    tabular = (30 * (day.toordinal() - _HIJRI_EPOCH) + 10_646) // _DAYS_IN_30_YEARS
    for year in range(tabular + 1, max(tabular - 2, 0), -1):
        for month in range(_MONTHS_A_YEAR, 0, -1):
            start = from_hijri(year, month, 1)
            if start is not None and start <= day:
                return year, month, (day - start).days + 1
    return 1, 1, 1


@cache
def _umm_al_qura() -> tuple[int, list[int]]:
    """Return the first year of the table, and the ordinal of the first day of each of its months."""
    text = files("libyaevents").joinpath("data/hijri.json").read_text(encoding="utf-8")
    table = json.loads(text)
    digits = "".join(table["months"])
    starts = [date.fromisoformat(table["first_day"]).toordinal()]
    for index in range(0, len(digits), _DIGITS_A_YEAR):
        lengths = int(digits[index : index + _DIGITS_A_YEAR], 16)
        for month in range(1, _MONTHS_A_YEAR + 1):
            starts.append(starts[-1] + 29 + (lengths >> (_MONTHS_A_YEAR - month) & 1))
    return table["first_year"], starts


def month_of_hijri(year: int, month: int) -> tuple[date, date] | None:
    """Return the first and the last Gregorian day of an Islamic month."""
    following = (year, month + 1) if month < _MONTHS_A_YEAR else (year + 1, 1)
    first, end = from_hijri(year, month, 1), from_hijri(*following, 1)
    return (first, end - timedelta(days=1)) if first and end else None


def day_of(year: int, month: int, day: int) -> date | None:
    """Return the day, or `None` where the calendar has none such (31 February, year 50000)."""
    try:
        return date(year, month, day)
    except (ValueError, OverflowError):
        return None


def nearest(candidates: Iterable[date], anchor: date, direction: int | None) -> date | None:
    """Choose among candidates in ascending order.

    `direction` -1 takes the last before the anchor, 1 the first behind it, 0 the one of the anchor's year,
    `None` the last that is not behind the anchor.
    """
    days = list(candidates)
    if direction == 1:
        return next((day for day in days if day > anchor), None)
    if direction == 0:
        return next((day for day in days if day.year == anchor.year), None)
    bound = anchor if direction is None else anchor - timedelta(days=1) if anchor > date.min else None
    return next((day for day in reversed(days) if bound is not None and day <= bound), None)


def move(day: date, unit: str, amount: int) -> date | None:
    """Return the day that lies `amount` units behind `day`, or before it where the amount is negative.

    Of months and years only the month counts: the day of the month is cut to 28. What is shorter than a day
    counts by whole days.
    """
    if abs(amount) > _LONGEST_COUNT:
        return None
    if unit in ("month", "year"):
        months = 12 * day.year + day.month - 1 + (amount if unit == "month" else 12 * amount)
        return day_of(months // 12, months % 12 + 1, min(day.day, 28))
    days = amount * 7 if unit == "week" else amount if unit == "day" else int(amount / _PER_DAY[unit])
    ordinal = day.toordinal() + days
    return date.fromordinal(ordinal) if 1 <= ordinal <= date.max.toordinal() else None


def period(day: date, unit: str) -> str:
    """Return the ISO 8601 name of the day, week, month or year, the first digits of the decade or century."""
    if unit == "week":
        year, week, _ = day.isocalendar()
        return f"{year:04}-W{week:02}"
    lengths = {"month": 7, "year": 4, "decade": 3, "century": 2}
    return day.isoformat()[: lengths.get(unit)]


def in_smaller_units(amount: Fraction, unit: str) -> tuple[int, str]:
    """Return a whole number of units: a year and a half is 18 months, half a century 50 years."""
    while unit in _SMALLER and (unit in _ALWAYS_SMALLER or amount.denominator != 1):
        unit, factor = _SMALLER[unit]
        amount *= factor
    return int(amount), unit


def write_duration(amount: Fraction, unit: str) -> str:
    """Return a duration in ISO 8601."""
    whole, unit = in_smaller_units(amount, unit)
    return _DESIGNATORS[unit].format(whole)
