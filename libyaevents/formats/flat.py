"""Documents as flat tables: entities, events, arguments, a row each, joined by their ids.

`to_frames` makes pandas frames of them, a batch Parquet files. The table of events is that of
`libyaevents convert --to csv`.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from libyaevents.documents import Actor, Document, Place
from libyaevents.formats.codebooks import Columns
from libyaevents.formats.rows import Row, columns_of, to_rows

__all__ = ["TABLES", "columns_of_table", "table_rows"]

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


def columns_of_table(name: str) -> Columns:
    """Return the columns of one of the `TABLES`, in order, with the types of their cells."""
    return columns_of("table") if name == "events" else _COLUMNS[name]


def table_rows(name: str, documents: Iterable[Document]) -> Iterator[Row]:
    """Yield the rows of one of the `TABLES`; `document`, `entity` and `event` are the columns to join by.

    Offsets are half-open and count code points. What is unknown is `None` or has no cell.
    """
    if name == "events":
        yield from to_rows(documents, "table")
    else:
        for document in documents:
            yield from _ROWS[name](document)


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


_ROWS: Mapping[str, Callable[[Document], list[Row]]] = {"entities": _entity_rows, "arguments": _argument_rows}
_COLUMNS: Mapping[str, Columns] = {"entities": _ENTITIES, "arguments": _ARGUMENTS}
TABLES = ("entities", "events", "arguments")
