"""What a row needs of an event: a document comes in, its events go out as cases with parties and sentence.

A case names who takes part, by what the resolvers found or else by the text, and where it stands in the text;
the functions below read its dates and figures. Nothing here knows a scheme of rows.
"""

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple, TypeGuard

from libyaevents.documents import (
    Actor,
    Argument,
    Casualties,
    Document,
    Entity,
    Event,
    Place,
    Span,
    Timex,
    Trigger,
)
from libyaevents.formats.codebooks import ARMED, INTERS, Row
from libyaevents.ontology import EventType, load_ontology
from libyaevents.words import split_sentences

__all__ = ["Case", "Party", "Period", "cases_of", "figures", "join", "period_of", "point_of"]

_AGENT, _PATIENT, _SOURCE, _PLACE = "Agent", "Patient", "Source", "Place"
_OTHERS = ("Counterpart", _PATIENT)
# Of what an event is done to, what can be a party to it: a city that is shelled is none.
_MILITARY = "MILITARY"
_PARTY_LABELS = frozenset({"PERSON", "ORG", _MILITARY, "NORP"})
_VIOLENT_FAMILY = "armed conflict"
# Of a sentence, around its trigger: 10,000 events in one endless line stay a file that can be opened.
_LONGEST_SENTENCE = 1000

_KIND_SEPARATOR = re.compile(r"[-_\s]+")
_INTERS = {key: name for n, name in enumerate(INTERS, start=1) for key in (name.casefold(), str(n))}

_DAYS = {"day": 1, "week": 7, "month": 31, "year": 366}  # at most
# The day of publication is the last that an event can be of which no more is told.
_DAYS_BEFORE_PUBLICATION = 2


class Party(NamedTuple):
    """Somebody who takes part in an event, named as resolved or else as in the text; `label` of an entity."""

    name: str
    actor: Actor | None
    label: str | None = None

    @property
    def code(self) -> str | None:
        """The actor's code."""
        return self.actor.code if self.actor else None

    @property
    def inter(self) -> str | None:
        """ACLED's kind of the actor, where the actor's kind is one, by name or number."""
        kind = self.actor.kind if self.actor else None
        return _INTERS.get(_KIND_SEPARATOR.sub(" ", kind).casefold()) if kind else None

    @property
    def is_armed(self) -> bool:
        """Whether it fights: by its kind, or else as forces that no table knows."""
        return self.inter in ARMED if self.inter else self.label == _MILITARY


class Period(NamedTuple):
    """First and last day, and of how many days an event's own is one, at least 2 if no text tells its day."""

    start: date
    end: date
    n_days: int

    @property
    def year(self) -> int | None:
        """The year that all days are of."""
        return self.start.year if self.start.year == self.end.year else None

    @property
    def day(self) -> date | None:
        """The only day, or that of publication."""
        is_day = self.start == self.end and self.n_days <= _DAYS_BEFORE_PUBLICATION
        return self.start if is_day else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """An event and what its row needs from around it.

    `is_told_already`: another event of its sentence carries the same figure: the attack that caused the harm,
    or a word before for the same harm (صرع مجهولون عقيدا … في سابع عملية اغتيال).
    """

    document: Document
    event: Event
    type: EventType | None
    sentence: Span
    agents: tuple[Party, ...]
    others: tuple[Party, ...]
    is_told_already: bool

    @property
    def is_violent(self) -> bool:
        """Whether the event is of the family of armed conflict."""
        return self.type is not None and self.type.family == _VIOLENT_FAMILY

    @property
    def claimant(self) -> str | None:
        """Who says so: as resolved, else as the text names the source."""
        claimant = self.event.claim.claimed_by if self.event.claim else None
        if claimant is None:
            return self.role_text(_SOURCE)
        return claimant if isinstance(claimant, str) else claimant.name

    @property
    def location(self) -> str | None:
        """The name of the place: as resolved, else as the text names it."""
        return self.event.place.name if self.event.place else self.role_text(_PLACE)

    @property
    def sentence_text(self) -> str:
        """The sentence on one line; of a very long one, what stands around the trigger."""
        start, end = self.sentence
        first = max(start, min(self.event.trigger.start - _LONGEST_SENTENCE // 2, end - _LONGEST_SENTENCE))
        last = min(end, first + _LONGEST_SENTENCE)
        text = " ".join(self.document.text[first:last].split())
        return f"{'…' if first > start else ''}{text}{'…' if last < end else ''}"

    def role_text(self, role: str) -> str | None:
        """Return the arguments of a role as the text has them."""
        return join(argument.text for argument in self.event.arguments if argument.role == role)

    def provenance(self) -> Row:
        """Return the cells that say where the event is told, by whom, and how sure it is."""
        event, time = self.event, self.event.time
        return {
            "document": self.document.id,
            "event": event.id,
            "type": event.type,
            "start": event.trigger.start,
            "end": event.trigger.end,
            "sentence": self.sentence_text,
            "claimed_by": self.claimant,
            "factuality": event.factuality,
            "score": event.score,
            "time": time.value if time else None,
            "time_inferred": time.inferred if time else None,
        }


def cases_of(document: Document) -> Iterator[Case]:
    """Yield the events of a document in its order."""
    types = {item.name: item for item in load_ontology().event_types}
    entities = {entity.id: entity for entity in document.entities}
    sentences = document.sentences or split_sentences(document.text)
    sentence_of = {event.id: _sentence_around(sentences, event.trigger) for event in document.events}
    told_already = _told_already(document.events, sentence_of, types)
    for event in document.events:
        others = (_parties(document, event, entities, role) for role in _OTHERS)
        yield Case(
            document=document,
            event=event,
            type=types.get(event.type),
            sentence=sentence_of[event.id],
            agents=_parties(document, event, entities, _AGENT),
            others=next(filter(None, others), ()),
            is_told_already=event.id in told_already,
        )


def join(values: Iterable[str | None], separator: str = "; ") -> str | None:
    """Join what there is, each once; `None` where there is nothing."""
    return separator.join(dict.fromkeys(filter(None, values))) or None


def figures(event: Event, kind: str) -> tuple[int | None, int | None, int | None]:
    """Return low, best and high of a kind of harm; where sources differ, the lowest is best.

    Figures are not added up. Two of one source are parts (11 of theirs, two of ours) or one is part of the
    other (27 dead, among them a peddler): the largest is sure. A bare minimum (أكثر من 40) is the best that
    is known, and says nothing of how many there are at most.
    """
    by_source: dict[str | None, list[Casualties]] = {}
    for figure in event.casualties:
        if figure.kind == kind:
            by_source.setdefault(figure.source, []).append(figure)
    groups = by_source.values()
    lows = [_largest(_first(item.minimum, item.best) for item in group) for group in groups]
    bests = [_largest(_first(item.best, item.minimum) for item in group) for group in groups]
    highs = [_largest(_first(item.maximum, item.best) for item in group) for group in groups]
    low, best = (min(filter(_is_known, numbers), default=None) for numbers in (lows, bests))
    high, at_least = _largest(highs), _largest(lows)
    is_open = high is not None and at_least is not None and high < at_least
    return low, best, None if is_open else high


def period_of(time: Timex | None) -> Period | None:
    """Return the days of a date or of a range of dates; `None` for all else, and for no calendar's day."""
    days = time.days() if time else None
    if time is None or days is None:
        return None
    start, end = days
    least = _DAYS.get(time.precision or "", 1)
    if time.inferred and time.start is None:
        least = max(least, _DAYS_BEFORE_PUBLICATION)
    return Period(start, end, max((end - start).days + 1, least))


def point_of(place: Place | None) -> Row:
    """Return the cells of a place's point in degrees."""
    return {"latitude": place.latitude, "longitude": place.longitude} if place else {}


def _told_already(
    events: Sequence[Event], sentence_of: Mapping[str, Span], types: Mapping[str, EventType]
) -> set[str]:
    """Return the ids of harm that another event of the sentence tells: an attack, or a word for the same."""
    violent = {name for name, item in types.items() if item.family == _VIOLENT_FAMILY}
    told: set[tuple[object, ...]] = set()
    found = set()
    for event in sorted(events, key=lambda event: event.type not in violent):
        victims = tuple((item.start, item.end) for item in event.arguments if item.role == _PATIENT)
        for figure in event.casualties:
            telling = (sentence_of[event.id], event.factuality, figure)
            if event.type in violent:
                told.add(telling)
            elif told & {telling, (*telling, victims)}:
                found.add(event.id)
            else:
                told.add((*telling, victims))
    return found


def _sentence_around(sentences: Sequence[Span], trigger: Trigger) -> Span:
    index = bisect_right(sentences, trigger.start, key=lambda span: span[0]) - 1
    if index >= 0 and trigger.end <= sentences[index][1]:
        return sentences[index]
    return trigger.start, trigger.end


def _parties(
    document: Document, event: Event, entities: Mapping[str, Entity], role: str
) -> tuple[Party, ...]:
    """Return who has a role, each once; of what something is done to, people and bodies alone."""
    found: dict[str, Party] = {}
    for argument in event.arguments:
        if argument.role != role:
            continue
        entity = entities.get(argument.entity_id or "")
        actor = argument.actor or (entity.actor if entity else None)
        if actor or role != _PATIENT or (entity and entity.label in _PARTY_LABELS):
            name = actor.name if actor else _core_text(document, argument, entity)
            found.setdefault(name, Party(name, actor, entity.label if entity else None))
    return tuple(found.values())


def _core_text(document: Document, argument: Argument, entity: Entity | None) -> str:
    """Return an argument without what is attached to it: حفتر of لحفتر."""
    is_whole = entity and (entity.start, entity.end) == (argument.start, argument.end)
    return document.text[slice(*entity.core)] if entity and entity.core and is_whole else argument.text


def _first(*numbers: int | None) -> int | None:
    return next(filter(_is_known, numbers), None)


def _largest(numbers: Iterable[int | None]) -> int | None:
    return max(filter(_is_known, numbers), default=None)


def _is_known(number: int | None) -> TypeGuard[int]:
    return number is not None
