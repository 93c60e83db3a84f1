"""Read the numbers and units of a time expression into its frames: 24 in يوم 24, a year in عام 2011.

What a number counts or names is decided by the tokens around it, so a bare one waits (`Frame.pending`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction

from libyaevents.enrich.timeframes import Draft, Frame
from libyaevents.enrich.timewords import FORMS, LAST_HOUR, Token

__all__ = ["HANDLERS"]

_FIRST_YEAR = 100
# عام 67 is 1967 and عام 15 is 2015, but عام واحد is one year.
_FIRST_SHORT_YEAR = 11
_FIRST_SHORT_YEAR_OF_1900 = 30
# From here on a number that stands alone is a year.
_BARE_YEAR = 1000
_LAST_HIJRI_YEAR = 1700

_MONTHS = ("month", "hijri")
_OF = "من"
_THIS = ("هذا", "هذه")
_LAST = ("اخير", "اخيره")
_SUBDIVISIONS = {Fraction(1, 2): "H", Fraction(1, 4): "Q"}


def _take_number(draft: Draft, token: Token) -> None:
    number = token.number
    is_behind_unit = draft.near(-1).kind in FORMS and not token.joined
    frame = draft.begin(token)
    if is_behind_unit and frame.unit is not None:
        _take_number_of_unit(frame, number, token)
    elif draft.near(1).kind in FORMS and not draft.near(1).joined:
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


def _set_year(frame: Frame, year: int) -> None:
    if frame.in_hijri and year < _LAST_HIJRI_YEAR:
        frame.hijri_year = year
    else:
        frame.year = year


def _take_decimal(draft: Draft, token: Token) -> None:
    """Read 10.30 behind الساعة as an hour, and elsewhere as a number with a fraction."""
    hour, minute = token.clock
    frame = draft.begin(token)
    if frame.unit == "hour" and hour <= LAST_HOUR and minute < 60:
        frame.clock, frame.unit = (hour, minute), None
    else:
        frame.count = token.fraction


def _take_ordinal(draft: Draft, token: Token) -> None:
    number = token.number
    previous = draft.near(-1)
    frame = draft.begin(token)
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


def _take_first(draft: Draft, token: Token) -> None:
    """Read فاتح ماي and غرة رمضان, the first of the month."""
    draft.begin(token).pending = 1


def _take_unit(draft: Draft, token: Token) -> None:
    frame = draft.begin(token)
    if frame.unit is not None and frame.amount is not None and frame.form != "dual":
        return
    _settle_ordinal(frame)
    frame.unit, frame.form, frame.article = token.name, token.kind, token.article
    if frame.fraction is not None:
        frame.count, frame.fraction = frame.fraction, None
    elif frame.pending is not None:
        _take_pending(draft, frame)
    behind = draft.near(1)
    if frame.is_amount and frame.count is None and behind.kind == "unknown" and behind.word.startswith("ال"):
        # يوم المعركة is a day that the words alone do not tell.
        frame.open = True
    if token.preposition == "ل" and not token.article and frame.preposition is None:
        frame.preposition = "during"


def _take_pending(draft: Draft, frame: Frame) -> None:
    """Give a unit the number before it: a day in الخامس من الشهر, an ordinal in ثاني أيام, else a count."""
    number = frame.pending or 0
    frame.pending = None
    kinds = {draft.near(-1).kind, draft.near(1).kind}
    is_month = frame.unit == "month" and frame.form == "singular"
    if is_month and (frame.article or "first" in kinds or not kinds.isdisjoint(_MONTHS)):
        frame.day = number
    elif draft.near(-1).kind == "ordinal":
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


def _take_fraction(draft: Draft, token: Token) -> None:
    frame = draft.frame
    sign = -1 if draft.near(-1).kind == "minus" else 1
    is_added = token.joined or sign < 0
    if is_added and draft.near(-1).kind == "ordinal" and frame.pending is not None:
        # الخامسة والنصف
        frame.clock, frame.pending = (frame.pending, 0), None
    if is_added and frame.clock is not None:
        minutes = 60 * frame.clock[0] + frame.clock[1] + sign * int(60 * token.fraction)
        frame.clock = (minutes // 60, minutes % 60)
    elif is_added and frame.unit is not None:
        frame.count = (frame.amount or Fraction(1)) + token.fraction
    else:
        draft.begin(token).fraction = token.fraction


def _take_frequency(draft: Draft, token: Token) -> None:
    frame = draft.begin(token)
    frame.every, frame.unit = True, token.name
    frame.count, frame.pending = Fraction(1), None


def _take_noise(draft: Draft, token: Token) -> None:
    """Leave قبل يومين من الانتخابات open, which counts from an event."""
    counts = draft.near(-1).kind in FORMS and draft.frame.preposition in ("ago", "ahead")
    if counts and token.word == _OF and draft.near(1).kind == "unknown":
        draft.frame.open = True


def _take_direction(draft: Draft, token: Token) -> None:
    if draft.near(-1).kind == "fraction" and draft.frame.fraction is not None and token.word in _LAST:
        # الربع الأخير is the fourth.
        parts = draft.frame.fraction.denominator
        draft.frame.subdivision, draft.frame.fraction = _subdivision(draft.frame.fraction, parts), None
        return
    frame = draft.begin(token) if token.word in _THIS else draft.frame
    frame.direction = token.number


HANDLERS: Mapping[str, Callable[[Draft, Token], None]] = {
    "number": _take_number,
    "decimal": _take_decimal,
    "ordinal": _take_ordinal,
    "first": _take_first,
    "singular": _take_unit,
    "dual": _take_unit,
    "plural": _take_unit,
    "fraction": _take_fraction,
    "frequency": _take_frequency,
    "direction": _take_direction,
    "noise": _take_noise,
}
