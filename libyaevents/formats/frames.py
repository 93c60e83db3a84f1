"""Documents as pandas frames: one of entities, one of events, one of arguments, joined by their ids."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any, NamedTuple

from libyaevents.documents import Document
from libyaevents.errors import MissingExtraError
from libyaevents.formats.flat import TABLES, columns_of_table, table_rows

if TYPE_CHECKING:
    from pandas import DataFrame

__all__ = ["Frames", "to_frames"]

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

    def frame(name: str) -> Any:
        rows = list(table_rows(name, named))
        series = {
            column: pandas.Series([row.get(column) for row in rows], dtype=_TYPES[kind])
            for column, kind in columns_of_table(name).items()
        }
        return pandas.DataFrame(series, columns=list(series))

    return Frames(**{name: frame(name) for name in TABLES})
