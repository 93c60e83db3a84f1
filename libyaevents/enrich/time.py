"""When: time expressions to ISO 8601, anchored to the day of publication, and a time for every event.

A document comes in, a copy with `Entity.time` of its DATE entities and `Event.time` comes out. Words are read
by `timewords` and `timereading`, the days that they mean found by `timevalues`. What stays open has a `Timex`
without value.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from datetime import date

from libyaevents.documents import Argument, Document, Entity, Event, Timex
from libyaevents.enrich.timeframes import Frame
from libyaevents.enrich.timereading import read_frames
from libyaevents.enrich.timevalues import resolve_frames
from libyaevents.records import fill

__all__ = ["parse_time", "resolve_times"]

_DATE_LABEL = "DATE"
_TIME_ROLE = "Time"
_NO_SENTENCE = -1

# Longer than any time expression: what is longer is a mistake of the annotator's, and has no value.
_LONGEST_EXPRESSION = 300
# بعد يومين من الهجوم counts from an event, بعد يومين من الآن from today; other words take من to themselves.
_OF_AN_EVENT = re.compile(
    r"\s?من\s(?!الآن|الان|اليوم|دون|غير|جديد|أجل|قبل|خلال|المقرر|المتوقع|المنتظر|المرجح|المقبل)"
)


def resolve_times(document: Document) -> Document:
    """Return a copy with the times of DATE entities and events filled in.

    An event's time is that of its Time argument, else that of the one date in its sentence, else the day of
    publication; the last two are marked `inferred`. Times that are there already are kept.
    """
    entities = tuple(_with_time(entity, document) for entity in document.entities)
    dates = _Dates(entities, document)
    events = tuple(
        event if event.time is not None else fill(event, time=dates.time_of(event))
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
    value = resolve_frames(_read(expression), published)
    if value is None:
        return Timex(type="DATE")
    return Timex(
        type=value.type,
        value=value.value,
        precision=value.precision,
        anchor=published if value.is_anchored else None,
    )


def _read(expression: str) -> list[Frame]:
    return read_frames(expression) if len(expression) <= _LONGEST_EXPRESSION else []


def _with_time(entity: Entity, document: Document) -> Entity:
    if entity.label != _DATE_LABEL or entity.time is not None:
        return entity
    return fill(entity, time=_time_at(entity, document))


def _time_at(mention: Entity | Argument, document: Document) -> Timex:
    published = document.published
    if _OF_AN_EVENT.match(document.text, mention.end) and _counts_on(mention.text):
        published = None
    time = parse_time(mention.text, published=published)
    return fill(time, start=mention.start, end=mention.end, text=mention.text)


def _counts_on(expression: str) -> bool:
    """Whether an expression counts on from a day that it does not name: بعد يومين."""
    frames = _read(expression)
    return bool(frames) and frames[-1].is_amount and frames[-1].preposition == "ahead"


class _Dates:
    """The times of a document's DATE entities, by id, by place and by sentence."""

    def __init__(self, entities: Sequence[Entity], document: Document) -> None:
        self.document = document
        self.dated = sorted((entity for entity in entities if entity.time), key=lambda item: item.start)
        self.starts = [entity.start for entity in self.dated]
        self.by_id = {entity.id: entity.time for entity in self.dated}
        self.sentence_starts = [start for start, _ in document.sentences]
        self.of_sentence = self._only_dates()

    def time_of(self, event: Event) -> Timex | None:
        """Return the time of an event by the first rule that gives one."""
        stated = [self._time_of_argument(item) for item in event.arguments if item.role == _TIME_ROLE]
        if stated:
            # A stated time that stays open is not overruled by the day of publication.
            return next((time for time in stated if time.value is not None), stated[0])
        found = self.of_sentence.get(self._sentence_at(event.trigger.start))
        if found is not None:
            return fill(found, inferred=True)
        published = self.document.published
        if published is None:
            return None
        day = published.isoformat()
        return Timex(type="DATE", value=day, precision="day", anchor=published, inferred=True)

    def _time_of_argument(self, argument: Argument) -> Timex:
        """Return the time of the argument's entity, else what its text says, else of an entity inside it."""
        known = self.by_id.get(argument.entity_id or "")
        if known is not None:
            return known
        whole = _time_at(argument, self.document)
        index = bisect_left(self.starts, argument.start)
        if whole.value is None and index < len(self.dated) and self.dated[index].end <= argument.end:
            return self.dated[index].time or whole
        return whole

    def _only_dates(self) -> dict[int, Timex]:
        """Return the date of each sentence that has no other; durations and open dates do not count."""
        found: dict[int, list[Timex]] = {}
        for entity in self.dated:
            time = entity.time
            if time is not None and time.type in ("DATE", "TIME") and time.value is not None:
                found.setdefault(self._sentence_at(entity.start), []).append(time)
        return {
            index: times[0] for index, times in found.items() if index != _NO_SENTENCE and len(times) == 1
        }

    def _sentence_at(self, offset: int) -> int:
        index = bisect_right(self.sentence_starts, offset) - 1
        return index if index >= 0 and offset < self.document.sentences[index][1] else _NO_SENTENCE
