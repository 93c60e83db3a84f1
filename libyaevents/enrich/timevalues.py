"""Find the days that frames mean: frames and the day of publication come in, an ISO 8601 value comes out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from fractions import Fraction

from libyaevents.enrich.calendars import (
    day_of,
    first_of_week,
    in_smaller_units,
    move,
    nearest,
    period,
    write_duration,
)
from libyaevents.enrich.timedates import Precision, Value, date_value, named_date
from libyaevents.enrich.timeframes import Frame

__all__ = ["SHORT_UNITS", "first_day", "resolve_frames", "resolve_nearest", "resolve_told"]

_PRECISIONS: dict[str, Precision] = {
    "day": "day",
    "week": "week",
    "month": "month",
    "year": "year",
    "decade": "year",
    "century": "year",
}
_VALUE = re.compile(r"(\d{4})(?:-(?:W(\d\d)|(\d\d)(?:-(\d\d))?))?(?=$|[-/T])")
_DAY_LENGTH = len("2019-04-04")
_POINT_TYPES = ("DATE", "TIME")
# Shorter than a day.
SHORT_UNITS = ("hour", "minute", "second")
# What leads to a point in time, and in which direction.
_POINTS = {"ago": -1, "since": -1, "ahead": 1}
_DAYS_A_WEEK = 7
_NOON = 12
# Hours of the night before this one lie behind midnight: الثانية ليلا is 02:00, الحادية عشرة ليلا 23:00.
_FIRST_EVENING_HOUR = 6
_LEAP_YEAR = 2000


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


def resolve_told(frames: Sequence[Frame], value: str) -> tuple[Value, date] | None:
    """Return the value of a frame that points back to a time told before, by that one's value, and its day.

    اليوم نفسه needs a day, العام نفسه a year alone; two days told are none.
    """
    frame = frames[-1]
    unit = frame.unit or "day"
    day = first_day(value, at_least=unit) if "/" not in value else None
    is_singular = frame.form == "singular" and (frame.article or frame.unit is None)
    if day is None or frame.told is None or not (is_singular and len(frames) == 1):
        return None
    found = _resolve(replace(frame, direction=frame.told, open=False), day)
    return (found, day) if found else None


def resolve_nearest(frames: Sequence[Frame], published: date) -> Value | None:
    """Return the value of frames that are planned: a bare day or month is the nearest, before or behind."""
    behind = resolve_frames(frames, published)
    day = first_day(behind.value) if behind else None
    if day is None or day >= published or not any(frame.is_bare for frame in frames):
        return behind
    ahead = resolve_frames(
        [replace(frame, direction=1) if frame.is_bare else frame for frame in frames], published
    )
    next_day = first_day(ahead.value) if ahead else None
    return ahead if next_day and next_day - published < published - day else behind


def first_day(value: str, *, at_least: str = "month") -> date | None:
    """Return the first day of a value, `None` where it is not as fine as a unit."""
    found = _VALUE.match(value)
    if found is None:
        return None
    year, week, month, day = (int(group) if group else None for group in found.groups())
    if {"year": year, "month": month, "week": week or day}.get(at_least, day) is None:
        return None
    return first_of_week(year or 0, week) if week else day_of(year or 0, month or 1, day or 1)


def _in_order(frames: Sequence[Frame], first: Value, last: Value) -> tuple[Value, Value]:
    """Look again for an end of a range that a bare name left open: من الخميس إلى السبت on a Friday.

    What is still out of order was told from the nearer end: قبل عامين أو ثلاثة.
    """
    begin, end = first_day(first.value), first_day(last.value)
    if begin is not None and end is not None:
        if frames[-1].direction == 1:
            last = _resolve(frames[-1], begin) or last
        else:
            first = _resolve(replace(frames[0], direction=None), end) or first
    is_reversed = first.value[:_DAY_LENGTH] > last.value[:_DAY_LENGTH]
    return (last, first) if is_reversed else (first, last)


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
            value = date_value(moved)
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
    if frame.names_date:
        return named_date(frame, published)
    if frame.weekday is not None or frame.offset is not None:
        return _weekday_or_offset(frame, published)
    return _units(frame, published) if frame.unit is not None else None


def _weekday_or_offset(frame: Frame, published: date | None) -> Value | None:
    if published is None:
        return None
    day = move(published, "day", frame.offset or 0)
    # A weekday beside اليوم or أمس only confirms it.
    is_today = frame.unit == "day" and frame.article and frame.direction is None
    if frame.weekday is None or frame.offset is not None or is_today:
        return date_value(day)
    if frame.unit in ("month", "year") and frame.direction is not None:
        return _units(frame, published)
    if frame.unit == "week" and (frame.direction is not None or frame.article):
        monday = move(published, "day", _DAYS_A_WEEK * (frame.direction or 0) - published.weekday())
        return date_value(move(monday, "day", frame.weekday)) if monday else None
    distances = range(-_DAYS_A_WEEK, _DAYS_A_WEEK + 1)
    days = [item for distance in distances if (item := move(published, "day", distance))]
    same = [item for item in days if item.weekday() == frame.weekday]
    return date_value(nearest(same, published, frame.direction or None))


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
    if published is None or unit in SHORT_UNITS:
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
    if unit in SHORT_UNITS:
        unit = "day"
    elif frame.unit == "month" and unit == "day":
        # A month and a half is 45 days, but nobody counted days.
        unit = "month"
    return Value(period(day, unit), _PRECISIONS[unit]) if day else None
