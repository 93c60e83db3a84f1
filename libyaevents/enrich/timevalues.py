"""Find the days that frames mean: frames and the day of publication come in, an ISO 8601 value comes out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction
from typing import Literal

from libyaevents.enrich.calendars import (
    day_of,
    from_hijri,
    in_smaller_units,
    month_of_hijri,
    move,
    nearest,
    period,
    to_hijri,
    write_duration,
)
from libyaevents.enrich.timeframes import Frame

__all__ = ["Value", "resolve_frames"]

Precision = Literal["day", "week", "month", "year"]

_PRECISIONS: dict[str, Precision] = {
    "day": "day",
    "week": "week",
    "month": "month",
    "year": "year",
    "decade": "year",
    "century": "year",
}
_DAY_OR_MONTH = re.compile(r"(\d{4})-(\d\d)(?:-(\d\d))?")
_DAY_LENGTH = len("2019-04-04")
_POINT_TYPES = ("DATE", "TIME")
_SHORT_UNITS = ("hour", "minute", "second")
# What leads to a point in time, and in which direction.
_POINTS = {"ago": -1, "since": -1, "ahead": 1}
_DAYS_A_WEEK = 7
_MONTHS_A_YEAR = 12
_NOON = 12
# Hours of the night before this one lie behind midnight: الثانية ليلا is 02:00, الحادية عشرة ليلا 23:00.
_FIRST_EVENING_HOUR = 6
# Feb 29 comes round within eight years, whatever the anchor.
_YEARS_AROUND = 8
_LEAP_YEAR = 2000


@dataclass(frozen=True, slots=True)
class Value:
    """What a frame resolves to; `is_anchored` whether the day of publication was needed."""

    value: str
    precision: Precision | None = None
    type: Literal["DATE", "TIME", "DURATION", "SET"] = "DATE"
    is_anchored: bool = True


def resolve_frames(frames: Sequence[Frame], published: date | None) -> Value | None:
    """Return the value of the only frame, or of the range from the first to the last.

    What is relative counts from `published`; what says nothing, stays open or is impossible is `None`.
    """
    if not frames:
        return None
    first, last = _resolve(frames[0], published), _resolve(frames[-1], published)
    if first is None or last is None:
        return None
    if first.value == last.value:
        return first
    are_points = first.type in _POINT_TYPES and last.type in _POINT_TYPES
    if not are_points and not first.type == last.type == "DURATION":
        return None
    if are_points and first.value > last.value:
        first, last = _in_order(frames, first, last)
    # An Islamic month is a range itself.
    begin, end = first.value.split("/")[0], last.value.split("/")[-1]
    if last.type == "TIME":
        first = replace(first, type="TIME")
    is_anchored = first.is_anchored or last.is_anchored
    return replace(first, value=begin if begin == end else f"{begin}/{end}", is_anchored=is_anchored)


def _in_order(frames: Sequence[Frame], first: Value, last: Value) -> tuple[Value, Value]:
    """Look again for an end of a range that a bare name left open: من الخميس إلى السبت on a Friday.

    What is still out of order was told from the nearer end: قبل عامين أو ثلاثة.
    """
    begin, end = _first_day(first.value), _first_day(last.value)
    if begin is not None and end is not None:
        if frames[-1].direction == 1:
            last = _resolve(frames[-1], begin) or last
        else:
            first = _resolve(replace(frames[0], direction=None), end) or first
    is_reversed = first.value[:_DAY_LENGTH] > last.value[:_DAY_LENGTH]
    return (last, first) if is_reversed else (first, last)


def _first_day(value: str) -> date | None:
    found = _DAY_OR_MONTH.match(value)
    return day_of(int(found[1]), int(found[2]), int(found[3] or 1)) if found else None


def _resolve(frame: Frame, published: date | None) -> Value | None:
    if frame.impossible:
        return None
    if frame.every:
        return _set(frame)
    if frame.open and frame.direction is None and frame.year is None:
        return None
    value = _date(frame, published)
    if frame.part is None and frame.clock is None:
        return value
    return _at_hour(frame, value, published)


def _set(frame: Frame) -> Value | None:
    """Return what recurs: a period (كل يوم), or a weekday, month or part of the day (كل جمعة)."""
    if frame.weekday is not None:
        value = f"XXXX-WXX-{frame.weekday + 1}"
    elif frame.month is not None and day_of(_LEAP_YEAR, frame.month, frame.day or 1) is not None:
        value = f"XXXX-{frame.month:02}" + (f"-{frame.day:02}" if frame.day is not None else "")
    elif frame.part is not None:
        return Value(f"XXXX-XX-XXT{frame.part}", type="SET", is_anchored=False)
    elif frame.unit is not None:
        value = write_duration(frame.amount or Fraction(1), frame.unit)
    else:
        return None
    return Value(value + (f"T{frame.part}" if frame.part else ""), type="SET", is_anchored=False)


def _at_hour(frame: Frame, value: Value | None, published: date | None) -> Value | None:
    """Put the part of the day or the hour behind a day."""
    if value is None and published is not None and not _has_date(frame):
        # Of a part of the day alone only tonight and an hour have a day.
        moved = move(published, "day", -1 if frame.direction == -1 else 0)
        if moved is not None and (frame.tonight or frame.clock or frame.direction is not None):
            value = _day(moved)
    if value is None or value.precision != "day":
        return value
    hour = f"T{frame.part}"
    if frame.clock is not None:
        if not ((0, 0) <= frame.clock <= (24, 0) and frame.clock[1] < 60):
            return None
        hour = f"T{_hour_of_day(frame.clock[0], frame.part):02}:{frame.clock[1]:02}"
    return replace(value, value=value.value + hour, type="TIME", precision="day")


def _has_date(frame: Frame) -> bool:
    is_day = frame.weekday is not None or frame.offset is not None or frame.unit is not None
    return frame.is_calendar or is_day or frame.open or frame.vague


def _hour_of_day(hour: int, part: str | None) -> int:
    if hour >= _NOON:
        return 0 if part in ("MO", "NI") and hour == _NOON else hour
    is_late = part in ("AF", "EV") or (part == "NI" and hour >= _FIRST_EVENING_HOUR)
    return hour + _NOON if is_late and not (part == "AF" and hour == _NOON - 1) else hour


def _date(frame: Frame, published: date | None) -> Value | None:
    """Return the date, period or duration that a frame says, by the most telling of its parts."""
    is_year = frame.year is not None and frame.hijri_month is None
    if frame.month is not None or frame.day is not None or is_year:
        return _calendar_date(frame, published)
    if frame.hijri_month is not None or frame.hijri_year is not None or frame.in_hijri:
        return _hijri_date(frame, published)
    if frame.subdivision is not None or frame.season is not None:
        return _part_of_year(frame, published)
    if frame.decade is not None or frame.century is not None:
        return _decade_or_century(frame, published)
    if frame.weekday is not None or frame.offset is not None:
        return _weekday_or_offset(frame, published)
    return _units(frame, published) if frame.unit is not None else None


def _day(day: date | None, *, is_anchored: bool = True) -> Value | None:
    return None if day is None else Value(day.isoformat(), "day", is_anchored=is_anchored)


def _year(frame: Frame, published: date | None) -> tuple[int | None, bool]:
    """Return the year that a frame names, in digits or as العام الماضي, and whether it was counted."""
    if frame.year is not None or published is None:
        return frame.year, False
    is_relative = frame.unit == "year" and frame.form == "singular"
    if is_relative and (frame.direction is not None or frame.article):
        return published.year + (frame.direction or 0), True
    return None, True


def _calendar_date(frame: Frame, published: date | None) -> Value | None:
    year, is_anchored = _year(frame, published)
    month, day = frame.month, frame.day
    if month is None and day is not None:
        return _day_of_month(frame, day, published)
    if year is None:
        return _yearless(frame, published) if published is not None else None
    if not 1 <= year <= date.max.year:
        return None
    if month is None:
        suffix = f"-{frame.subdivision or frame.season}" if frame.subdivision or frame.season else ""
        return Value(f"{year:04}{suffix}", "month" if suffix else "year", is_anchored=is_anchored)
    if day is not None:
        return _day(day_of(year, month, day), is_anchored=is_anchored)
    if not 1 <= month <= _MONTHS_A_YEAR:
        return None
    return Value(f"{year:04}-{month:02}", "month", is_anchored=is_anchored)


def _day_of_month(frame: Frame, day: int, published: date | None) -> Value | None:
    """Return the day of a month that is not named: الخامس من الشهر الجاري, يوم 24."""
    if published is None:
        return None
    if frame.unit == "month":
        month = move(published, "month", frame.direction or 0)
        return _day(day_of(month.year, month.month, day)) if month else None
    months = [move(published, "month", distance) for distance in (-2, -1, 0, 1, 2)]
    days = [day_of(month.year, month.month, day) for month in months if month]
    return _day(nearest((item for item in days if item), published, frame.direction))


def _yearless(frame: Frame, published: date) -> Value | None:
    """Return the day or month of the nearest year, by the direction that is given."""
    month = frame.month or 0
    # In اليوم الاثنين هذا 8 أكتوبر the word هذا is of the day, in أكتوبر الجاري of the month.
    direction = None if frame.direction == 0 and frame.unit == "day" else frame.direction
    years = range(published.year - _YEARS_AROUND, published.year + _YEARS_AROUND + 1)
    if frame.day is not None:
        days = [day_of(year, month, frame.day) for year in years]
        # 5 أبريل الماضي is of an April that is over.
        anchor = published.replace(day=1) if direction == -1 else published
        return _day(nearest((day for day in days if day), anchor, direction))
    firsts = [day_of(year, month, 1) for year in years]
    found = nearest((day for day in firsts if day), published.replace(day=1), direction)
    return Value(period(found, "month"), "month") if found else None


def _hijri_date(frame: Frame, published: date | None) -> Value | None:
    """Return the Gregorian day of an Islamic date; of a month or a year the days from first to last."""
    month, day = frame.hijri_month, frame.hijri_day
    year, is_anchored = frame.hijri_year, False
    if month is None:
        return _hijri_year(frame, published)
    if year is None:
        year, is_anchored = _nearest_hijri_year(frame, published), frame.year is None
    if year is None:
        return None
    if day is not None:
        return _day(from_hijri(year, month, day), is_anchored=is_anchored)
    days = month_of_hijri(year, month)
    if days is None:
        return None
    return Value(f"{days[0].isoformat()}/{days[1].isoformat()}", "month", is_anchored=is_anchored)


def _hijri_year(frame: Frame, published: date | None) -> Value | None:
    year, is_anchored = frame.hijri_year, False
    if year is None and published is not None:
        this_year = to_hijri(published)
        year, is_anchored = this_year and this_year[0] + (frame.direction or 0), True
    first, last = (month_of_hijri(year or 0, month) for month in (1, _MONTHS_A_YEAR))
    if first is None or last is None:
        return None
    return Value(f"{first[0].isoformat()}/{last[1].isoformat()}", "year", is_anchored=is_anchored)


def _nearest_hijri_year(frame: Frame, published: date | None) -> int | None:
    """Return the Islamic year that is meant: of رمضان 2019 the one with that month in 2019."""
    month, day = frame.hijri_month or 1, frame.hijri_day or 1
    gregorian_year, _ = _year(frame, published)
    if gregorian_year is not None:
        anchor, direction = day_of(gregorian_year, _MONTHS_A_YEAR, 31), None
    else:
        anchor, direction = published, frame.direction
    today = to_hijri(anchor) if anchor is not None else None
    if anchor is None or today is None:
        return None
    this_year, this_month, _ = today
    if direction == 0:
        return this_year
    years = range(max(1, this_year - 2), this_year + 3)
    starts = {start: year for year in years if (start := from_hijri(year, month, day))}
    if frame.hijri_day is None and gregorian_year is None:
        anchor = from_hijri(this_year, this_month, 1) or anchor
    found = nearest(starts, anchor, direction)
    return starts[found] if found else None


def _part_of_year(frame: Frame, published: date | None) -> Value | None:
    """Return a season, half or quarter of a year: الصيف الماضي is the last that is over."""
    if published is None:
        return None
    part = frame.subdivision or frame.season
    if frame.unit == "year" or frame.season is None:
        year = move(published, "year", (frame.direction or 0) if frame.unit == "year" else 0)
        return Value(f"{period(year, 'year')}-{part}", "month") if year else None
    first_month = {"SP": 3, "SU": 6, "FA": 9, "WI": 12}[frame.season]
    years = range(published.year - 2, published.year + 3)
    starts = [start for year in years if (start := day_of(year, first_month, 1))]
    anchor = published
    if frame.direction == -1:
        anchor = move(published.replace(day=1), "month", -3) or published
    found = nearest(starts, anchor, None if frame.direction == -1 else frame.direction)
    return Value(f"{found.year:04}-{part}", "month") if found else None


def _decade_or_century(frame: Frame, published: date | None) -> Value | None:
    century = None if frame.century is None else frame.century - 1
    is_anchored = False
    if century is None and frame.unit == "century" and published is not None:
        century, is_anchored = published.year // 100 + (frame.direction or 0), True
    if century is not None and not 0 <= century < 100:
        return None
    if frame.decade is None:
        return Value(f"{century:02}", "year", is_anchored=is_anchored) if century is not None else None
    if century is None:
        # Bare decades are the latest that have begun: الثمانينيات is 198, in 2024 العشرينيات is 202.
        year = published.year if published is not None else 1999
        century = max(0, year // 100 - (frame.decade > year % 100 // 10))
        is_anchored = published is not None
    return Value(f"{century:02}{frame.decade}", "year", is_anchored=is_anchored)


def _weekday_or_offset(frame: Frame, published: date | None) -> Value | None:
    if published is None:
        return None
    day = move(published, "day", frame.offset or 0)
    # A weekday beside اليوم or أمس only confirms it.
    is_today = frame.unit == "day" and frame.article and frame.direction is None
    if frame.weekday is None or frame.offset is not None or is_today:
        return _day(day)
    if frame.unit in ("month", "year") and frame.direction is not None:
        return _units(frame, published)
    if frame.unit == "week" and (frame.direction is not None or frame.article):
        monday = move(published, "day", _DAYS_A_WEEK * (frame.direction or 0) - published.weekday())
        return _day(move(monday, "day", frame.weekday)) if monday else None
    distances = range(-_DAYS_A_WEEK, _DAYS_A_WEEK + 1)
    days = [item for distance in distances if (item := move(published, "day", distance))]
    same = [item for item in days if item.weekday() == frame.weekday]
    return _day(nearest(same, published, frame.direction or None))


def _units(frame: Frame, published: date | None) -> Value | None:
    """Return what units say: a duration, the point that قبل عامين leads to, or a period (الشهر الماضي)."""
    unit, amount = frame.unit or "day", frame.amount
    if frame.successive and frame.ordinal is not None:
        return _duration(Fraction(frame.ordinal), unit)
    if frame.ordinal is not None or (frame.form == "plural" and amount is None):
        return None
    if frame.vague and amount is None:
        return None
    if amount is None and (frame.direction is not None or frame.article):
        return _current_period(unit, frame.direction or 0, published)
    if frame.preposition in _POINTS and frame.direction is None:
        return _point(frame, published)
    if frame.count == 1 and frame.direction is not None:
        return _current_period(unit, frame.direction, published)
    return _duration(amount or Fraction(1), unit, frame.more)


def _duration(amount: Fraction, unit: str, more: tuple[Fraction, str] | None = None) -> Value:
    value = write_duration(amount, unit)
    if more is not None:
        rest = write_duration(*more).removeprefix("P")
        value += rest.removeprefix("T") if "T" in value else rest
    return Value(value, type="DURATION", is_anchored=False)


def _current_period(unit: str, distance: int, published: date | None) -> Value | None:
    """Return the period around the anchor, or the one before or behind it."""
    if published is None or unit in _SHORT_UNITS:
        return None
    years = {"decade": 10, "century": 100}.get(unit)
    moved = move(published, "year" if years else unit, distance * (years or 1))
    return Value(period(moved, unit), _PRECISIONS[unit]) if moved else None


def _point(frame: Frame, published: date | None) -> Value | None:
    """Return the day, week, month or year that lies an amount before or behind the anchor."""
    if published is None:
        return None
    sign = _POINTS[frame.preposition or "ago"]
    day: date | None = published
    unit = "day"
    amounts = [(frame.amount or Fraction(1), frame.unit or "day")]
    for amount, name in amounts + ([frame.more] if frame.more else []):
        whole, unit = in_smaller_units(amount, name)
        day = move(day, unit, sign * whole) if day is not None else None
    if unit in _SHORT_UNITS:
        unit = "day"
    elif frame.unit == "month" and unit == "day":
        # A month and a half is 45 days, but nobody counted days.
        unit = "month"
    return Value(period(day, unit), _PRECISIONS[unit]) if day else None
