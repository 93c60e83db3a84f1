"""Resolve where: the GPE, LOC and FAC mentions of a document become points, and events take theirs.

An event lies at its Place, else at what is fought over or moved between, else at the only place of its
sentence. See docs/places.md.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from libyaevents.documents import Argument, Document, Entity, Event, Place, Span
from libyaevents.enrich.placereader import NEAR, REGION, PlaceReader
from libyaevents.records import fill

__all__ = ["resolve_places"]

_LABELS = frozenset({"GPE", "LOC", "FAC"})
_PLACE_ROLE = "Place"
# Who fills these in an event acts or speaks there: a place of theirs is not where the event happens.
_ACTING_ROLES = frozenset({"Agent", "Source", "Counterpart"})
# Where an event without Place happens, in the order of the roles: سيطرت على سرت is in Sirte.
_SITE_ROLES: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(
        ("AirStrike", "Shelling", "Bombing", "Attack", "Destroy", "Seize", "Blockade"), ("Patient",)
    ),
    **dict.fromkeys(("Advance", "Mobilize"), ("Destination", "Origin")),
    **dict.fromkeys(("Withdraw", "Displace"), ("Origin", "Destination")),
}


def resolve_places(document: Document) -> Document:
    """Return the document with the place of each GPE, LOC and FAC entity and of each event.

    An event lies at its Place argument (the most specific one that resolves), else at the place that is
    attacked, taken or besieged, or moved to or from, else at its sentence's only place, with a lower
    precision. What cannot be resolved stays `None`; what is there is kept.
    """
    has_mentions = any(entity.label in _LABELS for entity in document.entities)
    if not has_mentions and not any(event.place is None and event.arguments for event in document.events):
        return document
    reader = PlaceReader(document)
    entities = tuple(
        fill(entity, place=reader.mention(entity.start, entity.end, entity.label))
        if entity.label in _LABELS and entity.place is None
        else entity
        for entity in document.entities
    )
    finder = _EventPlaces(document, entities, reader)
    events = tuple(
        event if event.place else fill(event, place=finder.find(event)) for event in document.events
    )
    return fill(document, entities=entities, events=events)


class _EventPlaces:
    """Finds the place of each event among its arguments and its sentence's entities."""

    def __init__(self, document: Document, entities: Sequence[Entity], reader: PlaceReader) -> None:
        self._reader = reader
        self._entities = {entity.id: entity for entity in entities}
        self._sentence_of = _sentence_index(document)
        acting = {a.entity_id for e in document.events for a in e.arguments if a.role in _ACTING_ROLES}
        by_sentence: dict[Span, list[Entity]] = {}
        for entity in entities:
            sentence = self._sentence_of(entity.start)
            if entity.place is not None and entity.id not in acting and sentence is not None:
                by_sentence.setdefault(sentence, []).append(entity)
        self._only = {sentence: _only_place(found) for sentence, found in by_sentence.items()}

    def find(self, event: Event) -> Place | None:
        """Return where an event happens, or `None`."""
        stated = _narrowest(self._of_argument(item) for item in event.arguments if item.role == _PLACE_ROLE)
        if stated is not None:
            return stated
        for role in _SITE_ROLES.get(event.type, ()):
            site = _narrowest(self._of_entity(item) for item in event.arguments if item.role == role)
            if site is not None:
                return site
        sentence = self._sentence_of(event.trigger.start)
        only = self._only.get(sentence) if sentence is not None else None
        return replace(only, precision=NEAR if only.precision == 1 else REGION) if only else None

    def _of_argument(self, argument: Argument) -> Place | None:
        return (
            self._reader.measured(argument.start, argument.end)
            or self._of_entity(argument)
            or self._reader.mention(argument.start, argument.end)
        )

    def _of_entity(self, argument: Argument) -> Place | None:
        entity = self._entities.get(argument.entity_id or "")
        return entity.place if entity is not None else None


def _narrowest(places: Iterable[Place | None]) -> Place | None:
    """Return the most precise of the places that are known."""
    known = [place for place in places if place is not None]
    return min(known, key=lambda place: (place.precision or REGION, place.radius_km or 0.0), default=None)


def _only_place(entities: Sequence[Entity]) -> Place | None:
    """Return the one place of a sentence; a country beside its town adds nothing."""
    places = {(p.name, p.latitude, p.longitude): p for e in entities if (p := e.place) is not None}
    narrow = [place for place in places.values() if place.feature != "country"]
    wide = {place.country for place in places.values() if place.feature == "country"}
    if len(narrow) == 1 and wide <= {narrow[0].country}:
        return narrow[0]
    return next(iter(places.values())) if len(places) == 1 else None


def _sentence_index(document: Document) -> Callable[[int], Span | None]:
    """Return a function that tells which sentence an offset lies in."""
    starts = [start for start, _ in document.sentences]

    def find(offset: int) -> Span | None:
        index = bisect_right(starts, offset) - 1
        return document.sentences[index] if index >= 0 and offset < document.sentences[index][1] else None

    return find
