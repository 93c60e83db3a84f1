"""Frames: what one time says of itself, and what the ends of a range say for each other.

Nothing here knows what day it is: a frame says *Friday, the last one*, and `timevalues` finds the day.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from libyaevents.enrich.timewords import NOTHING, Token

__all__ = ["Draft", "Frame", "merge_amounts", "share"]

# What places a frame on a day.
_DATE_FIELDS = (
    *("year", "month", "day", "hijri_year", "hijri_month", "hijri_day", "in_hijri"),
    *("weekday", "offset", "unit", "form", "article", "direction"),
)


@dataclass(slots=True)
class Frame:
    """What one time says of itself.

    `link` is how it joins the time before it (`and`, `to`); `told` is 0 where it is the one told before
    (اليوم نفسه) and 1 where it follows that (اليوم التالي); `pending` is a number of a kind still open.
    """

    link: str = ""
    filled: bool = False
    year: int | None = None
    month: int | None = None
    day: int | None = None
    hijri_year: int | None = None
    hijri_month: int | None = None
    hijri_day: int | None = None
    in_hijri: bool = False
    weekday: int | None = None
    offset: int | None = None
    part: str | None = None
    tonight: bool = False
    clock: tuple[int, int] | None = None
    season: str | None = None
    decade: int | None = None
    century: int | None = None
    subdivision: str | None = None
    unit: str | None = None
    form: str = "singular"
    article: bool = False
    count: Fraction | None = None
    more: tuple[Fraction, str] | None = None
    ordinal: int | None = None
    direction: int | None = None
    told: int | None = None
    preposition: str | None = None
    fraction: Fraction | None = None
    pending: int | None = None
    every: bool = False
    vague: bool = False
    open: bool = False
    successive: bool = False
    impossible: bool = False

    @property
    def is_calendar(self) -> bool:
        """Whether a day, month or year is named."""
        named = (self.year, self.month, self.day, self.hijri_year, self.hijri_month, self.hijri_day)
        return any(part is not None for part in named)

    @property
    def names_date(self) -> bool:
        """Whether a day, month, year, season, part of the year, decade or century is named."""
        parts = (self.subdivision, self.season, self.decade, self.century)
        return self.is_calendar or self.in_hijri or any(part is not None for part in parts)

    @property
    def amount(self) -> Fraction | None:
        """How many units are counted: the number, two for a dual, one half for half of it."""
        return Fraction(2) if self.count is None and self.form == "dual" else self.count

    @property
    def is_hour(self) -> bool:
        """Whether the frame is an hour or a part of the day without a day."""
        is_placed = self.is_calendar or self.weekday is not None or self.offset is not None
        is_hour = self.part is not None or self.clock is not None
        return is_hour and not is_placed and self.unit is None

    @property
    def is_bare(self) -> bool:
        """Whether the frame names a day or month and not which one: الجمعة, 12 أكتوبر, رمضان."""
        is_open = self.direction is None and self.offset is None and self.year is None
        is_named = (self.weekday, self.month, self.day, self.hijri_month) != (None, None, None, None)
        return is_open and is_named and self.hijri_year is None and not (self.unit and self.article)

    @property
    def counts_on(self) -> bool:
        """Whether the frame counts on from a day that it does not name: بعد يومين."""
        return self.is_amount and self.preposition == "ahead"

    @property
    def is_amount(self) -> bool:
        """Whether the frame is nothing but a number of units."""
        named = self.is_calendar or self.weekday is not None or self.offset is not None
        is_counted = self.amount is not None or (self.form == "singular" and not self.article)
        return self.unit is not None and is_counted and not named and self.direction is None


@dataclass(slots=True)
class Draft:
    """The frames of an expression while its tokens are read."""

    tokens: Sequence[Token]
    index: int = 0
    frames: list[Frame] = field(default_factory=lambda: [Frame()])
    connector: str = ""
    between: bool = False

    @property
    def frame(self) -> Frame:
        """The time that is being read."""
        return self.frames[-1]

    def near(self, distance: int) -> Token:
        """Return the token so far behind the current one, `NOTHING` outside of the expression."""
        index = self.index + distance
        return self.tokens[index] if 0 <= index < len(self.tokens) else NOTHING

    def begin(self, token: Token) -> Frame:
        """Return the frame that a token belongs to: a new one where it is joined to what is already said."""
        if self.frame.filled and (token.joined or self.connector):
            link = self.connector or ("to" if self.between else "and")
            self.frames.append(Frame(link=link))
        self.connector = ""
        self.frame.filled = True
        return self.frame


def share(frames: Sequence[Frame]) -> None:
    """Give each end of a range what only the other end says: 5 و10 أبريل 2019, يومين أو ثلاثة."""
    for right in range(len(frames) - 1, 0, -1):
        _share_backward(frames[right - 1], frames[right])
    for right in range(1, len(frames)):
        _share_forward(frames[right - 1], frames[right])


def _share_backward(left: Frame, right: Frame) -> None:
    _place_pending(left, right)
    if left.day is not None and left.month is None and right.hijri_month is not None and right.month is None:
        left.hijri_day, left.day = left.day, None
    if left.day is not None and left.month is None:
        left.month = right.month
    if left.hijri_day is not None and left.hijri_month is None:
        left.hijri_month = right.hijri_month
    if left.year is None and right.year is not None and (left.month or left.season):
        later = left.month is not None and right.month is not None and left.month > right.month
        left.year = right.year - later
    if left.hijri_month is not None and left.hijri_year is None and left.year is None:
        left.hijri_year = right.hijri_year
    if left.direction is None and _kind(left) == _kind(right):
        left.direction = right.direction
        if right.unit == "year" and left.unit is None:
            left.unit, left.form, left.article = right.unit, right.form, right.article
    if left.century is None and left.decade is not None:
        left.century = right.century
    if left.is_hour and (right.part is not None or right.clock is not None):
        # صباح ومساء الجمعة, بين الخامسة والسابعة مساء أمس
        left.part = left.part or right.part
        for name in _DATE_FIELDS:
            setattr(left, name, getattr(right, name))


def _place_pending(left: Frame, right: Frame) -> None:
    """Read a bare number as what the time that follows it is: a day, an hour or a count."""
    if left.pending is None:
        return
    if right.hijri_day is not None:
        left.hijri_day = left.pending
    elif right.day is not None:
        left.day = left.pending
    elif right.clock is not None:
        left.clock, left.part = (left.pending, 0), left.part or right.part
    elif right.unit is not None:
        left.count, left.unit, left.form = Fraction(left.pending), right.unit, "plural"
        left.direction = right.direction
    else:
        return
    left.pending = None


def _share_forward(left: Frame, right: Frame) -> None:
    if right.pending is not None and left.day is not None and left.month is not None:
        right.day, right.month, right.year, right.pending = right.pending, left.month, left.year, None
    elif right.pending is not None and left.unit is not None and not left.is_calendar:
        right.count, right.unit, right.form = Fraction(right.pending), left.unit, "plural"
        right.pending = None
    if right.preposition is None and right.is_amount:
        right.preposition = left.preposition
    if (
        right.season is None
        and left.season is not None
        and _kind(right) == "calendar"
        and right.month is None
    ):
        right.season = left.season
    is_list = right.link == "and" and right.unit is None and _kind(left) == _kind(right)
    if right.part is None and is_list:
        right.part = left.part


def _kind(frame: Frame) -> str:
    """Return what kind of date a frame gives."""
    if frame.weekday is not None:
        return "weekday"
    if frame.is_calendar:
        return "calendar"
    return "season" if frame.season is not None else "other"


def merge_amounts(frames: Sequence[Frame]) -> list[Frame]:
    """Make one of what two frames say together: ثلاث سنوات وستة أشهر, شتاء 2018-2019."""
    merged: list[Frame] = []
    for frame in frames:
        last = merged[-1] if merged else frame
        is_compound = frame.link == "and" and last.is_amount and frame.is_amount and last.unit != frame.unit
        if is_compound and last.more is None and frame.unit is not None:
            last.more = (frame.amount or Fraction(1), frame.unit)
        elif frame.season == "WI" and last.season == "WI" and frame.year == (last.year or 0) + 1:
            continue
        else:
            merged.append(frame)
    return merged
