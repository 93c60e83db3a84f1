"""What a person changes in a layer of a document, and how it is applied; the store keeps it.

In: a document and an edit. Out: the edited document, and what the edit replaced, from which it can be undone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import count
from typing import Any, Literal, TypeVar

from libyaevents.documents import Document, Entity, Event
from libyaevents.errors import DocumentError, LibyaeventsError, OutputError
from libyaevents.ontology import check_label, load_ontology
from libyaevents.records import quote, write_object
from libyaevents.words import split_words

__all__ = [
    "KINDS",
    "Change",
    "ConflictError",
    "Edit",
    "Items",
    "Layer",
    "NotFoundError",
    "NotSavedError",
    "State",
    "Stored",
    "apply_edit",
    "with_own_ids",
]

KINDS = ("entities", "events")
SHORTEST_CHANGE_ID, LONGEST_CHANGE_ID = 8, 64
State = Literal["new", "changed", "done"]

T = TypeVar("T", Entity, Event)


class NotFoundError(LibyaeventsError, LookupError):
    """There is no such document or layer."""


class NotSavedError(OutputError):
    """The database did not take a change: the disk is full, or may not be written."""


class ConflictError(LibyaeventsError):
    """A change was made on revision `base`, which is not the current one; `layer` is how it stands now."""

    def __init__(self, base: int, layer: "Layer", changes: Sequence["Change"]) -> None:
        super().__init__(
            f"expected a change of revision {layer.revision}, found one of revision {base}: "
            f"{layer.changed_by} changed the document at {layer.changed_at}; nothing was overwritten; make "
            "the change again on what is there now"
        )
        self.layer, self.changes = layer, tuple(changes)

    def to_dict(self) -> dict[str, Any]:
        """Return how the layer stands, and what was changed since, as JSON types."""
        return {**self.layer.to_dict(), "changes": [asdict(change) for change in self.changes]}


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """One reading of a document, as it stands."""

    number: int
    name: str
    state: str
    revision: int
    document: Document
    changed_at: str
    changed_by: str

    def to_dict(self) -> dict[str, Any]:
        """Return its JSON object, with the words of the text."""
        return {
            "number": self.number,
            "layer": self.name,
            "revision": self.revision,
            "state": self.state,
            "document": self.document.to_dict(),
            "words": split_words(self.document.text),
            "changed_at": self.changed_at,
            "changed_by": self.changed_by,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Items:
    """Entities and events, by themselves."""

    entities: tuple[Entity, ...] = ()
    events: tuple[Event, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON object."""
        return write_object(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """What a person changed in a layer: items to put in place by their ids, ids to remove, a new state.

    `base` is the revision that it was made on, `change_id` its own, by which it is known when it comes again.

    Raises:
        DocumentError: the `change_id` could be another's, or an id is put twice, or put and removed.
    """

    layer: str
    base: int
    change_id: str
    put: Items = Items()
    remove: tuple[str, ...] = ()
    state: State | None = None

    def __post_init__(self) -> None:
        id = self.change_id
        if not (SHORTEST_CHANGE_ID <= len(id) <= LONGEST_CHANGE_ID and id.isprintable()):
            raise DocumentError(
                f"change_id: expected {SHORTEST_CHANGE_ID} to {LONGEST_CHANGE_ID} characters that no other "
                f"change has, found {quote(id)}; make a random UUID"
            )
        seen = set(self.remove)
        for id in (*(item.id for item in self.put.entities), *(item.id for item in self.put.events)):
            if id in seen:
                raise DocumentError(
                    f"put: expected each id once, and none that is in remove, found {quote(id)} again"
                )
            seen.add(id)

    def to_dict(self) -> dict[str, Any]:
        """Return what is changed, as JSON types."""
        return {"put": self.put.to_dict(), "remove": list(self.remove), "state": self.state}


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """An edit as it was kept: by whom, when, and the items `before` that it replaced or removed."""

    revision: int
    author: str
    at: str
    put: Mapping[str, Any]
    remove: Sequence[str]
    before: Mapping[str, Any]
    state: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """Where a document lies, and whether its text was there before."""

    number: int
    is_new: bool


def apply_edit(document: Document, edit: Edit) -> tuple[Document, Items]:
    """Return the edited document, and the items that the edit replaced or removed.

    Raises:
        DocumentError: the result is no valid document, or an entity and an event would have one id.
        LabelError: a label of what was put is not one of the ontology's.
    """
    _check_labels(edit.put)
    entities, old_entities = _applied(document.entities, edit.put.entities, edit.remove)
    events, old_events = _applied(document.events, edit.put.events, edit.remove)
    if shared := {item.id for item in entities} & {item.id for item in events}:
        raise DocumentError(
            f"put: expected ids that no other item has, found {quote(min(shared))} of an entity and an event"
        )
    changed = replace(
        document,
        entities=tuple(sorted(entities, key=lambda item: (item.start, item.end))),
        events=tuple(sorted(events, key=lambda item: (item.trigger.start, item.trigger.end))),
    )
    return changed, Items(entities=old_entities, events=old_events)


def with_own_ids(document: Document) -> Document:
    """Return a document in which no event has the id of an entity: an edit names items by ids alone."""
    entity_ids = {entity.id for entity in document.entities}
    if entity_ids.isdisjoint(event.id for event in document.events):
        return document
    taken = entity_ids | {event.id for event in document.events}
    free = (id for id in map("E{}".format, count(1)) if id not in taken)
    events = (replace(each, id=next(free)) if each.id in entity_ids else each for each in document.events)
    return replace(document, events=tuple(events))


def _applied(items: Sequence[T], put: Sequence[T], remove: Sequence[str]) -> tuple[list[T], tuple[T, ...]]:
    removed = set(remove)
    old = {item.id: item for item in items}
    new = {item.id: item for item in put}
    before = tuple(item for id, item in old.items() if id in new or id in removed)
    return [item for id, item in (old | new).items() if id not in removed], before


def _check_labels(items: Items) -> None:
    ontology = load_ontology()
    for entity in items.entities:
        check_label(entity.label, ontology.entity_labels, f"entity {entity.id}")
    for event in items.events:
        check_label(event.type, ontology.event_labels, f"event {event.id}")
        check_label(event.factuality, ontology.factuality_labels, f"event {event.id}")
        for argument in event.arguments:
            check_label(argument.role, ontology.role_labels, f"event {event.id}")
