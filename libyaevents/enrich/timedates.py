"""Find the dates that a frame names: years, months, days, seasons, decades, in either calendar."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from libyaevents.enrich.calendars import day_of, from_hijri, month_of_hijri, move, nearest, period, to_hijri
from libyaevents.enrich.timeframes import Frame

__all__ = ["Precision", "Value", "date_value", "named_date"]

Precision = Literal["day", "week", "month", "year"]

_MONTHS_A_YEAR = 12
_FIRST_MONTHS = {"SP": 3, "SU": 6, "FA": 9, "WI": 12}
# Feb 29 comes round within eight years, whatever the anchor.
_YEARS_AROUND = 8


@dataclass(frozen=True, slots=True)
class Value:
    """What a frame resolves to; `is_anchored` whether the day of publication was needed."""

    value: str
    precision: Precision | None = None
    type: Literal["DATE", "TIME", "DURATION", "SET"] = "DATE"
    is_anchored: bool = True


def named_date(frame: Frame, published: date | None) -> Value | None:
    """Return the date of a frame that `names_date`."""
    is_year = frame.year is not None and frame.hijri_month is None
    if frame.month is not None or frame.day is not None or is_year:
        return _calendar_date(frame, published)
    if frame.hijri_month is not None or frame.hijri_year is not None or frame.in_hijri:
        return _hijri_date(frame, published)
    if frame.subdivision is not None or frame.season is not None:
        return _part_of_year(frame, published)
    return _decade_or_century(frame, published)


def date_value(day: date | None, *, is_anchored: bool = True) -> Value | None:
    """Return the value of a day."""
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
        return date_value(day_of(year, month, day), is_anchored=is_anchored)
    if not 1 <= month <= _MONTHS_A_YEAR:
        return None
    return Value(f"{year:04}-{month:02}", "month", is_anchored=is_anchored)


def _day_of_month(frame: Frame, day: int, published: date | None) -> Value | None:
    """Return the day of a month that is not named: الخامس من الشهر الجاري, يوم 24."""
    if published is None:
        return None
    if frame.unit == "month":
        month = move(published, "month", frame.direction or 0)
        return date_value(day_of(month.year, month.month, day)) if month else None
    months = [move(published, "month", distance) for distance in (-2, -1, 0, 1, 2)]
    days = [day_of(month.year, month.month, day) for month in months if month]
    return date_value(nearest((item for item in days if item), published, frame.direction))


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
        known = [day for day in days if day]
        return date_value(_of_weekday(frame, known, published) or nearest(known, anchor, direction))
    firsts = [day_of(year, month, 1) for year in years]
    found = nearest((day for day in firsts if day), published.replace(day=1), direction)
    return Value(period(found, "month"), "month") if found else None


def _of_weekday(frame: Frame, days: Sequence[date], published: date) -> date | None:
    """Return the last or the next of the days where one alone is of the weekday told: الجمعة 5 أبريل."""
    if frame.weekday is None or frame.direction is not None:
        return None
    around = (nearest(days, published, None), nearest(days, published, 1))
    found = [day for day in around if day is not None and day.weekday() == frame.weekday]
    return found[0] if len(found) == 1 else None


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
        return date_value(from_hijri(year, month, day), is_anchored=is_anchored)
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
    first_month = _FIRST_MONTHS[frame.season]
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
