"""Gather the tokens of a time expression into frames, one for each end of a range."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction

from libyaevents.enrich.timeframes import Frame, merge_amounts, share
from libyaevents.enrich.timewords import FORMS, NOTHING, Token, read_tokens

__all__ = ["read_frames"]

_FIRST_YEAR = 100
# عام 67 is 1967 and عام 15 is 2015, but عام واحد is one year.
_FIRST_SHORT_YEAR = 11
_FIRST_SHORT_YEAR_OF_1900 = 30
# From here on a number that stands alone is a year.
_BARE_YEAR = 1000
_LAST_HIJRI_YEAR = 1700
_LAST_HOUR = 24

_TONIGHT = "ليله"
_MONTHS = ("month", "hijri")
_OF = "من"
_THIS = ("هذا", "هذه")
_LAST = ("اخير", "اخيره")
_SUBDIVISIONS = {Fraction(1, 2): "H", Fraction(1, 4): "Q"}


def read_frames(expression: str) -> list[Frame]:
    """Read an expression into frames that say something, in order.

    What only one end of a range says is shared with the other; a compound duration is one frame.
    """
    state = _State(read_tokens(expression))
    for index, token in enumerate(state.tokens):
        state.index = index
        handler = _HANDLERS.get(token.kind)
        if handler is not None:
            handler(state, token)
    frames = [frame for frame in state.frames if frame.filled]
    share(frames)
    return merge_amounts(frames)


@dataclass(slots=True)
class _State:
    tokens: list[Token]
    index: int = 0
    frames: list[Frame] = field(default_factory=lambda: [Frame()])
    connector: str = ""
    between: bool = False

    @property
    def frame(self) -> Frame:
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


def _set_year(frame: Frame, year: int) -> None:
    if frame.in_hijri and year < _LAST_HIJRI_YEAR:
        frame.hijri_year = year
    else:
        frame.year = year


def _take_month(state: _State, token: Token) -> None:
    month = token.number
    if state.frame.month == month and not token.joined:
        return
    if state.frame.month is not None:
        state.connector = state.connector or "to"
    frame = state.begin(token)
    frame.month, frame.in_hijri = month, False
    if frame.pending is not None:
        frame.day, frame.pending = frame.pending, None
    elif frame.unit == "day" and frame.ordinal is not None:
        frame.day, frame.ordinal = frame.ordinal, None


def _take_hijri(state: _State, token: Token) -> None:
    frame = state.begin(token)
    frame.hijri_month, frame.in_hijri = token.number, True
    if frame.pending is not None:
        frame.hijri_day, frame.pending = frame.pending, None
    elif frame.day is not None and frame.month is None:
        frame.hijri_day, frame.day = frame.day, None
    elif frame.unit == "day" and frame.ordinal is not None:
        frame.hijri_day, frame.ordinal = frame.ordinal, None


def _take_feast(state: _State, token: Token) -> None:
    frame = state.begin(token)
    month, day = token.parts
    # ثاني أيام عيد الفطر
    frame.hijri_month, frame.hijri_day = month, (day or 1) + (frame.ordinal or 1) - 1
    frame.in_hijri = True


def _take_holiday(state: _State, token: Token) -> None:
    frame = state.begin(token)
    frame.month, frame.day = token.parts


def _take_weekday(state: _State, token: Token) -> None:
    weekday = token.number
    frame = state.frame
    if frame.weekday is not None and not token.joined:
        # ليل الثلاثاء الأربعاء is the night between the two, and begins on the first.
        if frame.part == "NI" and (weekday - frame.weekday) % 7 == 1:
            state.connector = ""
            return
        state.connector = state.connector or "to"
    state.begin(token).weekday = weekday


def _take_offset(state: _State, token: Token) -> None:
    state.begin(token).offset = token.number


def _take_part(state: _State, token: Token) -> None:
    frame = state.begin(token)
    if frame.pending is not None and frame.clock is None:
        frame.clock, frame.pending = (frame.pending, 0), None
    if frame.part is None:
        frame.part = token.name
        frame.tonight = token.word == _TONIGHT and token.article


def _take_numeric(state: _State, token: Token) -> None:
    frame = state.begin(token)
    year, month, day = token.parts
    if year is None and state.near(1).kind == "month":
        # 5/7 أبريل: from the fifth to the seventh.
        frame.day, state.connector = day, "to"
        state.begin(token).pending = month
    else:
        frame.year, frame.month, frame.day = year, month, day


def _take_clock(state: _State, token: Token) -> None:
    frame = state.begin(token)
    frame.clock = _clock(token)
    if frame.unit == "hour":
        frame.unit = None


def _take_decimal(state: _State, token: Token) -> None:
    """Read 10.30 behind الساعة as an hour, and elsewhere as a number with a fraction."""
    hour, minute = _clock(token)
    frame = state.begin(token)
    if frame.unit == "hour" and hour <= _LAST_HOUR and minute < 60:
        frame.clock, frame.unit = (hour, minute), None
    else:
        frame.count = token.fraction


def _clock(token: Token) -> tuple[int, int]:
    hour, minute = token.parts
    return hour or 0, minute or 0


def _take_number(state: _State, token: Token) -> None:
    number = token.number
    is_behind_unit = state.near(-1).kind in FORMS and not token.joined
    frame = state.begin(token)
    if is_behind_unit and frame.unit is not None:
        _take_number_of_unit(frame, number, token)
    elif state.near(1).kind in FORMS and not state.near(1).joined:
        frame.pending = number
    elif (frame.month or frame.hijri_month or frame.season) and number >= _FIRST_YEAR:
        _set_year(frame, number)
    elif frame.month is not None and frame.day is None:
        frame.day = number
    elif number >= _BARE_YEAR:
        _set_year(frame, number)
    else:
        frame.pending = number


def _take_number_of_unit(frame: Frame, number: int, token: Token) -> None:
    """Read a number that stands behind its unit: عام 2011, يوم 24, الساعة 10, الأيام الثلاثة."""
    # يوم واحد is one day, أيام 5 و6 are days of a month.
    is_digits = token.word.isdigit()
    is_named = (frame.form == "plural" and not frame.article and is_digits) or (
        frame.form != "plural" and (is_digits or number != 1)
    )
    if frame.unit == "year" and number >= _FIRST_YEAR:
        _set_year(frame, number)
    elif frame.unit == "year" and number == 0:
        frame.impossible = True
    elif frame.unit == "year" and frame.form == "singular" and number >= _FIRST_SHORT_YEAR:
        frame.year = number + (2000 if number < _FIRST_SHORT_YEAR_OF_1900 else 1900)
    elif frame.unit == "hour" and frame.form == "singular" and frame.article:
        frame.clock = (number, 0)
    elif frame.unit == "century":
        frame.century = number
    elif frame.unit == "day" and is_named:
        frame.day = number
    elif frame.unit == "month" and is_named:
        frame.month = number
    else:
        frame.count = Fraction(number)
        return
    frame.unit = None


def _take_ordinal(state: _State, token: Token) -> None:
    number = token.number
    previous = state.near(-1)
    frame = state.begin(token)
    if previous.kind == "fraction" and frame.fraction is not None and not token.joined:
        frame.subdivision, frame.fraction = _subdivision(frame.fraction, number), None
    elif previous.kind in FORMS and not token.joined:
        if frame.unit == "hour" and frame.form == "singular":
            frame.clock, frame.unit = (number, 0), None
        elif frame.unit == "century":
            frame.century, frame.unit = number, None
        else:
            # الأيام الأولى are some of them, اليوم الأول is one.
            frame.ordinal = number if frame.form == "singular" else None
            frame.vague = frame.form != "singular"
    else:
        frame.pending = number


def _subdivision(fraction: Fraction, number: int) -> str | None:
    letter = _SUBDIVISIONS.get(fraction)
    return f"{letter}{number}" if letter is not None and number <= fraction.denominator else None


def _take_first(state: _State, token: Token) -> None:
    """Read فاتح ماي and غرة رمضان, the first of the month."""
    state.begin(token).pending = 1


def _take_unit(state: _State, token: Token) -> None:
    frame = state.begin(token)
    if frame.unit is not None and frame.amount is not None and frame.form != "dual":
        return
    _settle_ordinal(frame)
    frame.unit, frame.form, frame.article = token.name, token.kind, token.article
    if frame.fraction is not None:
        frame.count, frame.fraction = frame.fraction, None
    elif frame.pending is not None:
        _take_pending(state, frame)
    behind = state.near(1)
    if frame.is_amount and frame.count is None and behind.kind == "unknown" and behind.word.startswith("ال"):
        # يوم المعركة is a day that the words alone do not tell.
        frame.open = True
    if token.preposition == "ل" and not token.article and frame.preposition is None:
        frame.preposition = "during"


def _take_pending(state: _State, frame: Frame) -> None:
    """Give a unit the number before it: a day in الخامس من الشهر, an ordinal in ثاني أيام, else a count."""
    number = frame.pending or 0
    frame.pending = None
    kinds = {state.near(-1).kind, state.near(1).kind}
    is_month = frame.unit == "month" and frame.form == "singular"
    if is_month and (frame.article or "first" in kinds or not kinds.isdisjoint(_MONTHS)):
        frame.day = number
    elif state.near(-1).kind == "ordinal":
        frame.ordinal = number
    else:
        frame.count = Fraction(number)


def _settle_ordinal(frame: Frame) -> None:
    """Turn the ordinal of a unit that a greater unit follows into a day or month: الشهر الأول من العام."""
    frame.vague = False
    if frame.ordinal is None:
        return
    if frame.unit == "month" and frame.form == "singular":
        frame.month = frame.ordinal
    elif frame.unit == "day":
        frame.day = frame.ordinal
    elif frame.unit == "decade":
        frame.decade = frame.ordinal - 1
    frame.ordinal = None


def _take_fraction(state: _State, token: Token) -> None:
    frame = state.frame
    sign = -1 if state.near(-1).kind == "minus" else 1
    is_added = token.joined or sign < 0
    if is_added and state.near(-1).kind == "ordinal" and frame.pending is not None:
        # الخامسة والنصف
        frame.clock, frame.pending = (frame.pending, 0), None
    if is_added and frame.clock is not None:
        minutes = 60 * frame.clock[0] + frame.clock[1] + sign * int(60 * token.fraction)
        frame.clock = (minutes // 60, minutes % 60)
    elif is_added and frame.unit is not None:
        frame.count = (frame.amount or Fraction(1)) + token.fraction
    else:
        state.begin(token).fraction = token.fraction


def _take_season(state: _State, token: Token) -> None:
    state.begin(token).season = token.name


def _take_decade(state: _State, token: Token) -> None:
    state.begin(token).decade = token.number


def _take_direction(state: _State, token: Token) -> None:
    if state.near(-1).kind == "fraction" and state.frame.fraction is not None and token.word in _LAST:
        # الربع الأخير is the fourth.
        parts = state.frame.fraction.denominator
        state.frame.subdivision, state.frame.fraction = _subdivision(state.frame.fraction, parts), None
        return
    frame = state.begin(token) if token.word in _THIS else state.frame
    frame.direction = token.number


def _take_preposition(state: _State, token: Token) -> None:
    if not state.frame.filled:
        state.frame.preposition = token.name


def _take_range(state: _State, token: Token) -> None:
    if token.name == "between":
        state.between = True
    elif state.frame.filled:
        state.connector = "to"


def _take_dash(state: _State, token: Token) -> None:
    if token.name != "/" and state.frame.filled:
        state.connector = "to"


def _take_edge(state: _State, token: Token) -> None:
    if token.joined and state.frame.filled:
        state.connector = state.connector or "to"


def _take_frequency(state: _State, token: Token) -> None:
    frame = state.begin(token)
    frame.every, frame.unit = True, token.name
    frame.count, frame.pending = Fraction(1), None


def _take_era(state: _State, token: Token) -> None:
    frame = state.frame
    if token.name == "before":
        frame.impossible = True
    if token.name != "hijri":
        return
    frame.in_hijri = True
    if frame.year is None or frame.hijri_year is not None:
        return
    frame.hijri_year, frame.year = frame.year, None
    if frame.hijri_month is None:
        frame.hijri_month, frame.hijri_day = frame.month, frame.day
        frame.month = frame.day = None


def _take_noise(state: _State, token: Token) -> None:
    """Leave قبل يومين من الانتخابات open, which counts from an event."""
    counts = state.near(-1).kind in FORMS and state.frame.preposition in ("ago", "ahead")
    if counts and token.word == _OF and state.near(1).kind == "unknown":
        state.frame.open = True


def _take_flag(state: _State, token: Token) -> None:
    setattr(state.frame, token.kind, True)
    if token.kind in ("open", "vague", "impossible"):
        state.frame.filled = True


_HANDLERS: dict[str, Callable[[_State, Token], None]] = {
    "month": _take_month,
    "hijri": _take_hijri,
    "feast": _take_feast,
    "holiday": _take_holiday,
    "weekday": _take_weekday,
    "offset": _take_offset,
    "part": _take_part,
    "numeric": _take_numeric,
    "clock": _take_clock,
    "decimal": _take_decimal,
    "number": _take_number,
    "ordinal": _take_ordinal,
    "first": _take_first,
    "singular": _take_unit,
    "dual": _take_unit,
    "plural": _take_unit,
    "fraction": _take_fraction,
    "season": _take_season,
    "decade": _take_decade,
    "direction": _take_direction,
    "preposition": _take_preposition,
    "range": _take_range,
    "dash": _take_dash,
    "edge": _take_edge,
    "frequency": _take_frequency,
    "era": _take_era,
    "noise": _take_noise,
    "every": _take_flag,
    "vague": _take_flag,
    "open": _take_flag,
    "successive": _take_flag,
    "impossible": _take_flag,
}
