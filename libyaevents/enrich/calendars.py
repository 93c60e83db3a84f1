"""Arithmetic of dates: days, weeks, months and years around a day, and the Islamic calendar.

What would leave the years 1 to 9999 is `None`, never an error.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from fractions import Fraction

from hijridate import Gregorian, Hijri

__all__ = [
    "day_of",
    "first_of_week",
    "from_hijri",
    "in_smaller_units",
    "month_of_hijri",
    "move",
    "nearest",
    "period",
    "to_hijri",
    "write_duration",
]

_LONGEST_HIJRI_MONTH = 30
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
    """Return the Gregorian day of an Islamic date of the years 1343 to 1500 (1924 to 2077), else `None`.

    The calendar is Umm al-Qura. A month may have its thirtieth day whatever the calendar says: where the moon
    is observed, months differ from it by a day.
    """
    try:
        start = Hijri(year, month, 1).to_gregorian().toordinal()
    except (ValueError, OverflowError):
        return None
    return date.fromordinal(start + day - 1) if 1 <= day <= _LONGEST_HIJRI_MONTH else None


def to_hijri(day: date) -> tuple[int, int, int] | None:
    """Return the year, month and day of the same calendar and years, else `None`."""
    try:
        return Gregorian.fromdate(day).to_hijri().datetuple()
    except OverflowError:
        return None


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


def first_of_week(year: int, week: int) -> date | None:
    """Return the Monday of an ISO week, or `None` where the year has none such."""
    try:
        return date.fromisocalendar(year, week, 1)
    except ValueError:
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
