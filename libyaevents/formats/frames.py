"""Documents as pandas frames: one of entities, one of events, one of arguments, joined by their ids."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any, NamedTuple

from libyaevents.documents import Actor, Document, Place
from libyaevents.errors import MissingExtraError
from libyaevents.formats.codebooks import Columns
from libyaevents.formats.rows import Row, columns_of, to_rows

if TYPE_CHECKING:
    from pandas import DataFrame

__all__ = ["Frames", "to_frames"]

_PLACE: Columns = {"place": str, "latitude": float, "longitude": float, "admin1": str, "country": str}
_ACTOR: Columns = {"actor": str, "actor_kind": str, "actor_code": str, "actor_side": str}
_MENTION: Columns = {"start": int, "end": int, "text": str, "score": float}

_ENTITIES: Columns = {
    **{"document": str, "entity": str, "label": str},
    **_MENTION,
    **{"core_start": int, "core_end": int, "time": str},
    **_PLACE,
    **_ACTOR,
}
_ARGUMENTS: Columns = {
    **{"document": str, "event": str, "role": str},
    **_MENTION,
    **{"entity": str},
    **_ACTOR,
}

# Nullable, for what is unknown is no 0, no empty text and not false.
_TYPES: Mapping[type, str] = {
    str: "string",
    int: "Int64",
    float: "Float64",
    bool: "boolean",
    date: "datetime64[s]",
}


class Frames(NamedTuple):
    """What `to_frames` returns; `document`, `event` and `entity` are the columns to join by."""

    entities: "DataFrame"
    events: "DataFrame"
    arguments: "DataFrame"


def to_frames(documents: Iterable[Document]) -> Frames:
    """Return documents as pandas frames, a row an entity, an event and an argument.

    The frame of events has the columns of `libyaevents convert --to csv`. Offsets are half-open and count
    code points. Columns of what enrichment finds are there in any case, and empty without it. A document
    without an id is called by its place, from 0.

    Raises:
        MissingExtraError: pandas is not installed.
    """
    try:
        import pandas
    except ImportError as error:
        raise MissingExtraError("frames need pandas: pip install 'libyaevents[pandas]'") from error
    named = [
        document if document.id is not None else replace(document, id=str(number))
        for number, document in enumerate(documents)
    ]

    def frame(rows: Sequence[Row], columns: Columns) -> Any:
        series = {
            name: pandas.Series([row.get(name) for row in rows], dtype=_TYPES[kind])
            for name, kind in columns.items()
        }
        return pandas.DataFrame(series, columns=list(columns))

    return Frames(
        entities=frame([row for document in named for row in _entity_rows(document)], _ENTITIES),
        events=frame(list(to_rows(named, "table")), columns_of("table")),
        arguments=frame([row for document in named for row in _argument_rows(document)], _ARGUMENTS),
    )


def _entity_rows(document: Document) -> list[Row]:
    return [
        {
            "document": document.id,
            "entity": entity.id,
            "label": entity.label,
            **_mention_cells(entity),
            "core_start": entity.core[0] if entity.core else None,
            "core_end": entity.core[1] if entity.core else None,
            "time": entity.time.value if entity.time else None,
            **_place_cells(entity.place),
            **_actor_cells(entity.actor),
        }
        for entity in document.entities
    ]


def _argument_rows(document: Document) -> list[Row]:
    actors = {entity.id: entity.actor for entity in document.entities}
    return [
        {
            "document": document.id,
            "event": event.id,
            "role": argument.role,
            **_mention_cells(argument),
            "entity": argument.entity_id,
            **_actor_cells(argument.actor or actors.get(argument.entity_id or "")),
        }
        for event in document.events
        for argument in event.arguments
    ]


def _mention_cells(mention: Any) -> Row:
    return {name: getattr(mention, name) for name in _MENTION}


def _place_cells(place: Place | None) -> Row:
    return {name: getattr(place, "name" if name == "place" else name) for name in _PLACE} if place else {}


def _actor_cells(actor: Actor | None) -> Row:
    cells = {"actor": "name", "actor_kind": "kind", "actor_code": "code", "actor_side": "side"}
    return {name: getattr(actor, field) for name, field in cells.items()} if actor else {}
