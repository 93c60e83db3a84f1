"""Tell how the mentions of a document are used: in which roles, and on what days their events took place."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from libyaevents.documents import Argument, Document, Entity, Event
from libyaevents.enrich.actor_rows import Period

__all__ = ["PLACE_ROLES", "Use", "period_of", "uses_of"]

PLACE_ROLES = frozenset({"Place", "Origin", "Destination"})

# So many entities inside of one argument are looked at: the work stays linear.
_MOST_INSIDE = 16


class Use(NamedTuple):
    """In which roles an entity stands, and on what days."""

    roles: frozenset[str]
    when: Period | None


def uses_of(document: Document, ordered: Sequence[Entity]) -> Mapping[str, Use]:
    """Return how each entity is used; its days run from its first event's to its last's.

    A name inside a place is used as the place is: ليبيا in جنوب ليبيا. `ordered` are the entities by place.
    """
    published = Period(document.published, document.published) if document.published else None
    starts = [entity.start for entity in ordered]
    roles: defaultdict[str, set[str]] = defaultdict(set)
    periods: defaultdict[str, set[Period | None]] = defaultdict(set)
    for event in document.events:
        period = period_of(event) or published
        for argument in event.arguments:
            for entity_id in _covered(argument, ordered, starts):
                roles[entity_id].add(argument.role)
                periods[entity_id].add(period)
    return {entity_id: Use(frozenset(roles[entity_id]), _span(periods[entity_id])) for entity_id in roles}


def _covered(argument: Argument, ordered: Sequence[Entity], starts: Sequence[int]) -> Iterable[str]:
    """Return the entity of an argument, or those that a place without entity is told by."""
    if argument.entity_id is not None:
        return (argument.entity_id,)
    if argument.role not in PLACE_ROLES:
        return ()
    first = bisect_left(starts, argument.start)
    inside = ordered[first : first + _MOST_INSIDE]
    return [entity.id for entity in inside if entity.end <= argument.end]


def _span(periods: Iterable[Period | None]) -> Period | None:
    known = [period for period in periods if period is not None]
    return Period(min(known)[0], max(period.last for period in known)) if known else None


def period_of(event: Event) -> Period | None:
    """Return the days of an event that its own time tells; a time taken from elsewhere does not count."""
    days = None if event.time is None or event.time.inferred else event.time.days()
    return Period(*days) if days else None
