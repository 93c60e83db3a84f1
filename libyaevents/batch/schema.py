"""Documents as an Arrow table, a row a document, and back without loss; and as the flat tables of `formats`.

The schema of documents follows from the core types: a dataclass is a struct of its fields, a tuple of them a
list, a span a struct of `start` and `end`. docs/batch.md lists it. A table has the same whatever is in it.
"""

import types
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from datetime import date
from functools import cache
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from libyaevents.documents import Claim, Document, Span
from libyaevents.formats import flat
from libyaevents.formats.tables import column_type, import_pyarrow

__all__ = ["TABLES", "arrow_schema", "from_row", "to_rows", "to_table"]

TABLES = ("documents", *flat.TABLES)

_CLAIMANT = "claimed_by"
_NAME = "name"


@cache
def arrow_schema(table: str = "documents") -> Any:
    """Return the `pyarrow.Schema` of one of the `TABLES`.

    Raises:
        MissingExtraError: pyarrow is not installed.
    """
    arrow = import_pyarrow("parquet")
    if table in flat.TABLES:
        columns = flat.columns_of_table(table)
        return arrow.schema([(name, column_type(kind)) for name, kind in columns.items()])
    annotations = _hints(Document)
    return arrow.schema([(item.name, _type(annotations[item.name], arrow)) for item in fields(Document)])


def to_table(documents: Iterable[Document], table: str = "documents") -> Any:
    """Return documents as the `pyarrow.Table` that is one of the `TABLES`.

    Raises:
        OverflowError, pyarrow.ArrowInvalid: A number does not fit into 64 bits.
    """
    is_flat = table in flat.TABLES
    rows = list(flat.table_rows(table, documents)) if is_flat else to_rows(documents)
    return import_pyarrow("parquet").Table.from_pylist(rows, schema=arrow_schema(table))


def to_rows(documents: Iterable[Document]) -> list[dict[str, Any]]:
    """Return documents as the rows of their table."""
    return [_write(document) for document in documents]


def from_row(row: Mapping[str, Any]) -> Document:
    """Return the document of a row, as `to_pylist` gives it.

    Raises:
        DocumentError: It is no row of a document.
    """
    return Document.from_dict(_read(row, Document))


def _type(annotation: Any, arrow: Any) -> Any:
    if get_origin(annotation) in (Union, types.UnionType):
        options = [option for option in get_args(annotation) if option is not types.NoneType]
        # A claimant is an actor or a name: an actor of whom nothing but the name is known.
        return _type(next((option for option in options if is_dataclass(option)), options[0]), arrow)
    if annotation == Span:
        return arrow.struct([("start", arrow.int64()), ("end", arrow.int64())])
    if get_origin(annotation) is tuple:
        return arrow.list_(_type(get_args(annotation)[0], arrow))
    if get_origin(annotation) is Literal:
        return _type(type(get_args(annotation)[0]), arrow)
    if is_dataclass(annotation):
        hints = get_type_hints(annotation)
        return arrow.struct([(item.name, _type(hints[item.name], arrow)) for item in fields(annotation)])
    if get_origin(annotation) is Mapping:
        return arrow.map_(arrow.string(), arrow.string())
    return column_type(annotation)


def _write(value: Any) -> Any:
    if hasattr(value, "__dataclass_fields__"):
        row = {name: _write(getattr(value, name)) for name in value.__dataclass_fields__}
        if isinstance(value, Claim) and isinstance(value.claimed_by, str):
            row[_CLAIMANT] = {_NAME: value.claimed_by}
        return row
    if isinstance(value, tuple):
        if len(value) == 2 and isinstance(value[0], int):
            return {"start": value[0], "end": value[1]}
        return [_write(item) for item in value]
    return list(value.items()) if isinstance(value, Mapping) else value


def _read(row: Mapping[str, Any], cls: type) -> dict[str, Any]:
    """Return the JSON object of a row, without what is null."""
    hints = _hints(cls)
    return {
        name: read
        for name, value in row.items()
        if value is not None and (read := _read_value(value, hints[name])) is not None
    }


@cache
def _hints(cls: type) -> dict[str, Any]:
    return get_type_hints(cls)


def _read_value(value: Any, annotation: Any) -> Any:
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list):
        item = next(_inner(annotation), None)
        return [_read_value(element, item) for element in value] if item is not Mapping else dict(value)
    if isinstance(value, Mapping):
        if value.keys() == {"start", "end"}:
            return [value["start"], value["end"]]
        cls: Any = next(kind for kind in _options(annotation) if is_dataclass(kind))
        read = _read(value, cls)
        return read[_NAME] if str in _options(annotation) and read.keys() == {_NAME} else read
    return value


def _options(annotation: Any) -> tuple[Any, ...]:
    is_union = get_origin(annotation) in (Union, types.UnionType)
    return get_args(annotation) if is_union else (annotation,)


def _inner(annotation: Any) -> Iterator[Any]:
    for option in _options(annotation):
        if get_origin(option) is Mapping:
            yield Mapping
        elif get_origin(option) is tuple:
            yield get_args(option)[0]
