"""When: time expressions to ISO 8601, anchored to the day of publication, and a time for every event.

A document comes in, a copy with `Entity.time` of its DATE entities and `Event.time` comes out. Words are read
by `timewords` and `timereading`, the days that they mean found by `timevalues`. What stays open has a `Timex`
without value.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date

from libyaevents.documents import Argument, Document, Entity, Event, Timex
from libyaevents.enrich.timedates import Value
from libyaevents.enrich.timeframes import Frame
from libyaevents.enrich.timereading import read_frames
from libyaevents.enrich.timevalues import (
    SHORT_UNITS,
    first_day,
    resolve_frames,
    resolve_nearest,
    resolve_told,
)
from libyaevents.records import fill

__all__ = ["parse_time", "resolve_times"]

_DATE_LABEL = "DATE"
_TIME_ROLE = "Time"
_PLANNED = "possible"
_POINT_TYPES = ("DATE", "TIME")
_NO_SENTENCE = -1
# So many dates back the last one told is looked for.
_NEAREST = 4

# Longer than any time expression: what is longer is a mistake of the annotator's, and has no value.
_LONGEST_EXPRESSION = 300
# بعد يومين من الهجوم counts from an event, بعد يومين من الآن from today; other words take من to themselves.
_OF_AN_EVENT = re.compile(
    r"\s?من\s(?!الآن|الان|اليوم|دون|غير|جديد|أجل|قبل|خلال|المقرر|المتوقع|المنتظر|المرجح|المقبل)"
)
_BETWEEN = re.compile(r"(?<!\w)[وف]?(?:ما )?بين\s$")
_LONGEST_BETWEEN = 8


def resolve_times(document: Document) -> Document:
    """Return a copy with the times of DATE entities and events filled in.

    An event's time is that of its Time argument, else that of the one date in its sentence, else the day of
    publication; the last two are marked `inferred`. Times that are there already are kept.
    """
    times = _Times(document)
    entities = tuple(
        fill(entity, time=times.by_id[entity.id]) if entity.id in times.by_id else entity
        for entity in document.entities
    )
    events = tuple(
        event if event.time is not None else fill(event, time=times.of_event(event))
        for event in document.events
    )
    return fill(document, entities=entities, events=events)


def parse_time(expression: str, *, published: date | None = None) -> Timex:
    """Read a time expression that stands nowhere.

    Relative expressions count from `published`; without it they have no value, but absolute dates have.

    Returns:
        A `Timex` without span; its `value` is `None` where the expression is open (الأيام المقبلة),
        impossible (31 فبراير), unknown or longer than 300 characters.
    """
    return _timex(resolve_frames(_read(expression), published), published)


def _read(expression: str) -> list[Frame]:
    return read_frames(expression) if len(expression) <= _LONGEST_EXPRESSION else []


def _timex(value: Value | None, anchor: date | None) -> Timex:
    if value is None:
        return Timex(type="DATE")
    return Timex(
        type=value.type,
        value=value.value,
        precision=value.precision,
        anchor=anchor if value.is_anchored else None,
    )


class _Times:
    """The times of a document's DATE entities, by id, by place and by sentence, read in their order."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.sentence_starts = [start for start, _ in document.sentences]
        self.by_id: dict[str, Timex] = {}
        self.dated: list[Entity] = []
        self.starts: list[int] = []
        uses = _uses(document.events)
        for entity in sorted(document.entities, key=lambda item: item.start):
            time = entity.time
            if time is None and entity.label == _DATE_LABEL:
                time = self._read(entity, uses.get(entity.id, ()))
            if time is not None:
                self.by_id[entity.id] = time
                self.dated.append(entity)
                self.starts.append(entity.start)
        self.of_sentence = self._only_dates()

    def of_event(self, event: Event) -> Timex | None:
        """Return the time of an event by the first rule that gives one."""
        arguments = [item for item in event.arguments if item.role == _TIME_ROLE]
        stated = [self._of_argument(item, event.factuality) for item in arguments]
        points = [time for time in stated if time.value is not None and time.type != "DURATION"]
        if points:
            return self._range(points) or points[0]
        for argument, time in zip(arguments, stated, strict=True):
            # في الأيام المقبلة is not overruled by the day of publication; ليلا and ساعتين name no day, but a
            # plan for the next 48 hours is not for today.
            is_open = time.value is None and not _names_no_day(argument.text)
            if is_open or (time.type == "DURATION" and event.factuality == _PLANNED):
                return time
        return self._inferred(event) or next(iter(stated), None)

    def _read(self, mention: Entity | Argument, factualities: Collection[str]) -> Timex:
        """Read a mention that is the Time of events of these factualities."""
        frames = _read(mention.text)
        told = self._told_before(mention.start) if frames else None
        back = resolve_told(frames, told) if told else None
        anchor = self._anchor(mention, frames, factualities, told)
        if back is not None:
            value: Value | None
            value, anchor = back
        elif anchor is not None and set(factualities) == {_PLANNED}:
            value = resolve_nearest(frames, anchor)
        else:
            value = resolve_frames(frames, anchor)
        return fill(_timex(value, anchor), start=mention.start, end=mention.end, text=mention.text)

    def _anchor(
        self,
        mention: Entity | Argument,
        frames: Sequence[Frame],
        factualities: Collection[str],
        told: str | None,
    ) -> date | None:
        """Return the day that a mention counts from: that of publication, or what it counts on from."""
        if frames and frames[-1].counts_on:
            if _OF_AN_EVENT.match(self.document.text, mention.end):
                return None
            if factualities and _PLANNED not in factualities:
                # What has happened lies not ahead: خطف مهندسان الجمعة ثم أطلقا بعد يومين.
                return first_day(told, at_least="day") if told else None
        return self.document.published

    def _told_before(self, position: int) -> str | None:
        """Return the value of the last date before a position."""
        index = bisect_left(self.starts, position)
        for entity in reversed(self.dated[max(index - _NEAREST, 0) : index]):
            time = self.by_id[entity.id]
            if time.type in _POINT_TYPES and time.value is not None:
                return time.value
        return None

    def _of_argument(self, argument: Argument, factuality: str) -> Timex:
        """Return the time of the argument's entity, else what its text says, else of an entity inside it."""
        known = self.by_id.get(argument.entity_id or "")
        if known is not None:
            return known
        whole = self._read(argument, (factuality,))
        index = bisect_left(self.starts, argument.start)
        if whole.value is None and index < len(self.dated) and self.dated[index].end <= argument.end:
            return self.by_id[self.dated[index].id]
        return whole

    def _range(self, points: Sequence[Timex]) -> Timex | None:
        """Return the range of two times that بين holds together: بين 24 مايو و11 يونيو."""
        text, (first, last) = self.document.text, (points[0], points[-1])
        if len(points) != 2 or first.start is None or first.end is None or last.start is None:
            return None
        before = text[max(first.start - _LONGEST_BETWEEN, 0) : first.start]
        if not _BETWEEN.search(before) or text[first.end : last.start].strip():
            return None
        words = text[first.start : last.end]
        time = parse_time(words, published=self.document.published)
        return fill(time, start=first.start, end=last.end, text=words) if time.value else None

    def _inferred(self, event: Event) -> Timex | None:
        """Return the date of the event's sentence, else the day of publication."""
        published = self.document.published
        found = self.of_sentence.get(self._sentence_at(event.trigger.start))
        if found is not None and (event.factuality == _PLANNED or not _lies_ahead(found, published)):
            return fill(found, inferred=True)
        if published is None:
            return None
        day = published.isoformat()
        return Timex(type="DATE", value=day, precision="day", anchor=published, inferred=True)

    def _only_dates(self) -> dict[int, Timex]:
        """Return the date of each sentence that has no other; durations and open dates do not count."""
        found: dict[int, list[Timex]] = {}
        for entity in self.dated:
            time = self.by_id[entity.id]
            if time.type in _POINT_TYPES and time.value is not None:
                found.setdefault(self._sentence_at(entity.start), []).append(time)
        return {
            index: times[0] for index, times in found.items() if index != _NO_SENTENCE and len(times) == 1
        }

    def _sentence_at(self, offset: int) -> int:
        index = bisect_right(self.sentence_starts, offset) - 1
        return index if index >= 0 and offset < self.document.sentences[index][1] else _NO_SENTENCE


def _uses(events: Iterable[Event]) -> Mapping[str, Collection[str]]:
    """Return the factualities of the events that each entity is the Time of."""
    uses: defaultdict[str, set[str]] = defaultdict(set)
    for event in events:
        for argument in event.arguments:
            if argument.role == _TIME_ROLE and argument.entity_id is not None:
                uses[argument.entity_id].add(event.factuality)
    return uses


def _names_no_day(expression: str) -> bool:
    """Whether an expression without value is a part of the day, or hours that nobody counted: قبل ساعات."""
    frames = _read(expression)
    return bool(frames) and all(frame.is_hour or frame.unit in SHORT_UNITS for frame in frames)


def _lies_ahead(time: Timex, published: date | None) -> bool:
    day = first_day(time.value, at_least="year") if time.value else None
    return day is not None and published is not None and day > published
