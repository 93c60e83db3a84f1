"""Gather the tokens of a time expression into frames, one for each end of a range."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from libyaevents.enrich import timecounts
from libyaevents.enrich.timeframes import Draft, Frame, merge_amounts, share
from libyaevents.enrich.timewords import Token, read_tokens

__all__ = ["read_frames"]

_TONIGHT = "ليله"


def read_frames(expression: str) -> list[Frame]:
    """Read an expression into frames that say something, in order.

    What only one end of a range says is shared with the other; a compound duration is one frame.
    """
    draft = Draft(read_tokens(expression))
    for index, token in enumerate(draft.tokens):
        draft.index = index
        handler = _HANDLERS.get(token.kind)
        if handler is not None:
            handler(draft, token)
    frames = [frame for frame in draft.frames if frame.filled]
    share(frames)
    return merge_amounts(frames)


def _take_month(draft: Draft, token: Token) -> None:
    month = token.number
    if draft.frame.month == month and not token.joined:
        return
    if draft.frame.month is not None:
        draft.connector = draft.connector or "to"
    frame = draft.begin(token)
    frame.month, frame.in_hijri = month, False
    if frame.pending is not None:
        frame.day, frame.pending = frame.pending, None
    elif frame.unit == "day" and frame.ordinal is not None:
        frame.day, frame.ordinal = frame.ordinal, None


def _take_hijri(draft: Draft, token: Token) -> None:
    frame = draft.begin(token)
    frame.hijri_month, frame.in_hijri = token.number, True
    if frame.pending is not None:
        frame.hijri_day, frame.pending = frame.pending, None
    elif frame.day is not None and frame.month is None:
        frame.hijri_day, frame.day = frame.day, None
    elif frame.unit == "day" and frame.ordinal is not None:
        frame.hijri_day, frame.ordinal = frame.ordinal, None


def _take_feast(draft: Draft, token: Token) -> None:
    frame = draft.begin(token)
    month, day = token.parts
    # ثاني أيام عيد الفطر
    frame.hijri_month, frame.hijri_day = month, (day or 1) + (frame.ordinal or 1) - 1
    frame.in_hijri = True


def _take_holiday(draft: Draft, token: Token) -> None:
    frame = draft.begin(token)
    frame.month, frame.day = token.parts


def _take_weekday(draft: Draft, token: Token) -> None:
    weekday = token.number
    frame = draft.frame
    if frame.weekday is not None and not token.joined:
        # ليل الثلاثاء الأربعاء is the night between the two, and begins on the first.
        if frame.part == "NI" and (weekday - frame.weekday) % 7 == 1:
            draft.connector = ""
            return
        draft.connector = draft.connector or "to"
    draft.begin(token).weekday = weekday


def _take_part(draft: Draft, token: Token) -> None:
    frame = draft.begin(token)
    if frame.pending is not None and frame.clock is None:
        frame.clock, frame.pending = (frame.pending, 0), None
    if frame.part is None:
        frame.part = token.name
        frame.tonight = token.word == _TONIGHT and token.article


def _take_numeric(draft: Draft, token: Token) -> None:
    frame = draft.begin(token)
    year, month, day = token.parts
    if year is None and draft.near(1).kind == "month":
        # 5/7 أبريل: from the fifth to the seventh.
        frame.day, draft.connector = day, "to"
        draft.begin(token).pending = month
    else:
        frame.year, frame.month, frame.day = year, month, day


def _take_clock(draft: Draft, token: Token) -> None:
    frame = draft.begin(token)
    frame.clock = token.clock
    if frame.unit == "hour":
        frame.unit = None


def _take_preposition(draft: Draft, token: Token) -> None:
    if not draft.frame.filled:
        draft.frame.preposition = token.name


def _take_range(draft: Draft, token: Token) -> None:
    if token.name == "between":
        draft.between = True
    elif draft.frame.filled:
        draft.connector = "to"


def _take_dash(draft: Draft, token: Token) -> None:
    if token.name != "/" and draft.frame.filled:
        draft.connector = "to"


def _take_edge(draft: Draft, token: Token) -> None:
    if token.joined and draft.frame.filled:
        draft.connector = draft.connector or "to"


def _take_era(draft: Draft, token: Token) -> None:
    frame = draft.frame
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


def _take_field(draft: Draft, token: Token) -> None:
    """Set the field that is called as the kind of token is."""
    setattr(draft.begin(token), token.kind, token.name or token.number)


def _take_told(draft: Draft, token: Token) -> None:
    draft.frame.told = token.number
    draft.frame.open = draft.frame.filled = True


def _take_flag(draft: Draft, token: Token) -> None:
    setattr(draft.frame, token.kind, True)
    if token.kind in ("open", "vague", "impossible"):
        draft.frame.filled = True


_HANDLERS: Mapping[str, Callable[[Draft, Token], None]] = {
    **timecounts.HANDLERS,
    "month": _take_month,
    "hijri": _take_hijri,
    "feast": _take_feast,
    "holiday": _take_holiday,
    "weekday": _take_weekday,
    "offset": _take_field,
    "season": _take_field,
    "decade": _take_field,
    "part": _take_part,
    "numeric": _take_numeric,
    "clock": _take_clock,
    "preposition": _take_preposition,
    "range": _take_range,
    "dash": _take_dash,
    "edge": _take_edge,
    "era": _take_era,
    "told": _take_told,
    "every": _take_flag,
    "vague": _take_flag,
    "open": _take_flag,
    "successive": _take_flag,
    "impossible": _take_flag,
}
