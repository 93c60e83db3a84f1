"""What a format of an annotation tool cannot hold: left out of a document, and counted in plain words."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import Any, TypeVar

from libyaevents.documents import Argument, Document, Entity, Event, Trigger

__all__ = [
    "ENRICHMENTS",
    "FIELDS",
    "OTHER_SPAN",
    "PLAIN_ARGUMENT",
    "SCORES",
    "SPELLING",
    "Losses",
    "leave_out",
    "say_counts",
]

# As in {"factuality of an event": 3}: what was lost, and how often.
Losses = Counter[str]

# The label, in tools whose arguments must be annotated spans, of an argument that is no entity.
PLAIN_ARGUMENT = "Argument"
SPELLING = "spelling of a label"
OTHER_SPAN = "link of an argument to an entity of another span"

_Record = TypeVar("_Record", Document, Entity, Event, Trigger, Argument)

# Fields that a format may lack, by their name among the losses: whose, which, and what is there without them.
FIELDS: Mapping[str, tuple[type, str, Any]] = {
    "id of a document": (Document, "id", None),
    "title of a document": (Document, "title", None),
    "date of a document": (Document, "published", None),
    "source of a document": (Document, "source", None),
    "address of a document": (Document, "url", None),
    "metadata of a document": (Document, "metadata", {}),
    "sentences of a document": (Document, "sentences", ()),
    "score of an entity": (Entity, "score", None),
    "score of an event": (Event, "score", None),
    "score of a trigger": (Trigger, "score", None),
    "score of an argument": (Argument, "score", None),
    "factuality of an event": (Event, "factuality", "actual"),
    "core of an entity": (Entity, "core", None),
    "time of an entity": (Entity, "time", None),
    "place of an entity": (Entity, "place", None),
    "actor of an entity": (Entity, "actor", None),
    "time of an event": (Event, "time", None),
    "place of an event": (Event, "place", None),
    "claim of an event": (Event, "claim", None),
    "casualties of an event": (Event, "casualties", ()),
    "actor of an argument": (Argument, "actor", None),
}
SCORES = tuple(name for name in FIELDS if name.startswith("score"))
# What `enrich` finds from the text and the date of a document, and finds again wherever it is missing.
ENRICHMENTS = tuple(
    name
    for name, (_, field, _) in FIELDS.items()
    if field in ("core", "time", "place", "actor", "claim", "casualties")
)


def leave_out(document: Document, names: Collection[str]) -> tuple[Document, Losses]:
    """Return the document without these fields, named as in `FIELDS`, and how often each held something."""
    losses: Losses = Counter()
    fields = {name: FIELDS[name] for name in names}

    def reduce(record: _Record, **parts: Any) -> _Record:
        for name, (kind, field, empty) in fields.items():
            if isinstance(record, kind) and getattr(record, field) != empty:
                losses[name] += 1
                parts[field] = empty
        return replace(record, **parts)

    reduced = reduce(
        document,
        entities=tuple(reduce(entity) for entity in document.entities),
        events=tuple(
            reduce(
                event,
                trigger=reduce(event.trigger),
                arguments=tuple(reduce(argument) for argument in event.arguments),
            )
            for event in document.events
        ),
    )
    return reduced, losses


def say_counts(counts: Mapping[str, int] | Iterable[tuple[str, int]]) -> str:
    """Return counts as one line, the highest first: `factuality of an event (3), core of an entity (1)`."""
    return ", ".join(f"{name} ({count:,})" for name, count in Counter(dict(counts)).most_common())
