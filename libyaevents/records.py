"""Dataclasses as JSON objects, read and written field by field by their annotated types.

A field may be a str, bool, int, float, date, dataclass, `tuple[X, ...]`, `tuple[X, X]`, `Mapping[str, X]`,
`Literal`, `X | None` or `Record | X`. A whole object names its format first. Every error says where the value
stands: `document 'a1': events[2].arguments[0].start: expected a whole number, found '7'`.
"""

import json
import sys
import types
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import MISSING, fields
from datetime import date
from difflib import get_close_matches
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, NoReturn, TypeVar, Union, get_args, get_origin, get_type_hints

from libyaevents.errors import DocumentError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

__all__ = [
    "OMIT_EMPTY",
    "ValuePath",
    "fail",
    "fill",
    "freeze_lists",
    "object_path",
    "parse_json",
    "quote",
    "read_object",
    "read_string",
    "suggest",
    "walk_records",
    "write_object",
]

# Where a value stands: the name of the whole ("document 'a1'"), then field names and list indexes.
ValuePath = tuple[str | int, ...]

# `metadata` of a collection field that is not written while it is empty.
OMIT_EMPTY = {"omit_empty": True}

_Reader = Callable[[Any, ValuePath], Any]
_Record = TypeVar("_Record", bound="DataclassInstance")

_LONGEST_QUOTE = 60


def write_object(record: Any, format_name: str | None = None) -> dict[str, Any]:
    """Return the JSON object of a dataclass, `format` (if any) first, fields that are `None` left out."""
    start = {} if format_name is None else {"format": format_name}
    return {**start, **_write(record)}


def read_object(data: Any, cls: type[_Record], *, format_name: str, kind: str) -> _Record:
    """Read a dataclass from a JSON object; a missing `format` counts as right, null as an absent value.

    Raises:
        DocumentError: The object is of another format, has an unknown, missing or repeated key, or a wrong
            value.
    """
    path = object_path(kind, data.get("id") if isinstance(data, Mapping) else None)
    _check_object(data, path)
    found = data.get("format", format_name)
    if found != format_name:
        is_newer = isinstance(found, str) and found.startswith(format_name.partition("/")[0] + "/")
        newer = "a newer libyaevents may read it: pip install --upgrade libyaevents"
        advice = newer if is_newer else f"this is no {kind}; give a file of {kind}s"
        fail((*path, "format"), quote(format_name), found, advice)
    record: _Record = _record_reader(cls)(
        {key: value for key, value in data.items() if key != "format"}, path
    )
    return record


def parse_json(text: str, kind: str) -> Any:
    """Parse JSON; repeated keys and NaN are left for `read_object` to refuse, as it knows their path.

    Raises:
        DocumentError: The text is not JSON.
    """
    # json.loads raises a plain ValueError for an integer of 5,000 digits, RecursionError for "[" * 100,000.
    try:
        return json.loads(text, object_pairs_hook=_object)
    except json.JSONDecodeError as error:
        reason = f"{error.msg} at character {error.pos}"
        raise DocumentError(f"{kind}: expected a JSON object, found malformed JSON: {reason}") from error
    except (ValueError, RecursionError) as error:
        raise DocumentError(f"{kind}: expected a JSON object, found malformed JSON: {error}") from error


def freeze_lists(record: Any) -> None:
    """Turn the lists among a frozen dataclass's fields into the tuples that they are declared as."""
    for name in record.__dataclass_fields__:
        value = getattr(record, name)
        if isinstance(value, list):
            frozen = tuple(tuple(element) if isinstance(element, list) else element for element in value)
            object.__setattr__(record, name, frozen)


def fill(record: _Record, **values: Any) -> _Record:
    """Return a slotted dataclass with these values in place of its own, unchecked; itself where it has them.

    For those who fill fields of what is valid and leave its spans, texts and ids as they are: to check a
    document anew takes longer than most of them do.
    """
    for name, value in values.items():
        if getattr(record, name) != value:
            break
    else:
        return record
    copy: _Record = object.__new__(type(record))
    set_value = object.__setattr__  # as the record is frozen
    for name in record.__dataclass_fields__:
        set_value(copy, name, values[name] if name in values else getattr(record, name))
    return copy


def walk_records(record: Any, path: ValuePath) -> Iterator[tuple[Any, ValuePath]]:
    """Yield a dataclass and every dataclass in its fields, each with its path."""
    yield record, path
    for name in record.__dataclass_fields__:
        value = getattr(record, name)
        # Most values are plain, and most records hold none.
        if value is None or isinstance(value, str | int | float):
            continue
        if isinstance(value, tuple):
            for index, element in enumerate(value):
                if _is_record(element):
                    yield from walk_records(element, (*path, name, index))
        elif _is_record(value):
            yield from walk_records(value, (*path, name))


def read_string(value: Any, path: ValuePath) -> Any:
    """Return a string that can be written as UTF-8.

    Raises:
        DocumentError: The value is no string, or holds a lone surrogate.
    """
    if not isinstance(value, str):
        fail(path, "a string", value)
    try:
        value.encode()
    except UnicodeEncodeError as error:
        surrogate = f"U+{ord(value[error.start]):04X} at offset {error.start}"
        fail(path, "Unicode text", value, f"lone surrogate {surrogate}: decode the source again")
    return value


def object_path(kind: str, object_id: object) -> ValuePath:
    """Return the path of a whole object, which its id names where it has one."""
    return (kind,) if object_id is None else (f"{kind} {quote(object_id)}",)


def fail(path: ValuePath, expected: str, found: object, advice: str = "") -> NoReturn:
    """Raise the `DocumentError` that says where, what was expected, what was found and what to do."""
    whole, *steps = path
    dotted = "".join(f".{step}" if str(step).isidentifier() else f"[{quote(step)}]" for step in steps)
    where = f"{whole}: {dotted.removeprefix('.')}" if steps else whole
    raise DocumentError(f"{where}: expected {expected}, found {quote(found)}" + (advice and f"; {advice}"))


def suggest(name: object, known: Iterable[str]) -> str:
    """Return the advice for an unknown name: the known one closest to it, and all of them."""
    names = list(known)
    close = get_close_matches(str(name), names, n=1)
    return "".join(f"did you mean {quote(match)}? " for match in close) + f"known: {', '.join(names)}"


def quote(value: object) -> str:
    """Return a value as messages show it: on one line, shortened."""
    try:
        quoted = "null" if value is None else repr(value)
    except RecursionError:
        quoted = "what is nested too deeply to be shown"
    return quoted if len(quoted) <= _LONGEST_QUOTE else quoted[:_LONGEST_QUOTE] + "…"


def _write(value: Any) -> Any:
    if _is_record(value):
        items = ((item, getattr(value, item.name)) for item in fields(value))
        return {item.name: _write(value) for item, value in items if not _is_omitted(value, item.metadata)}
    if isinstance(value, tuple):
        return [_write(item) for item in value]
    if isinstance(value, Mapping):
        return {key: _write(item) for key, item in value.items()}
    return value.isoformat() if isinstance(value, date) else value


def _is_omitted(value: Any, metadata: Mapping[str, Any]) -> bool:
    return value is None or (metadata == OMIT_EMPTY and not value)


def _is_record(value: Any) -> bool:
    return hasattr(value, "__dataclass_fields__")


class _RepeatedKey(dict[str, Any]):
    """A JSON object that gave `key` twice."""

    def __init__(self, pairs: Iterable[tuple[str, Any]], key: str) -> None:
        super().__init__(pairs)
        self.key = key


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) == len(pairs):
        return result
    keys = [key for key, _ in pairs]
    return _RepeatedKey(pairs, next(key for index, key in enumerate(keys) if key in keys[:index]))


def _check_object(value: Any, path: ValuePath) -> None:
    if not isinstance(value, Mapping):
        fail(path, "a JSON object", value)
    if isinstance(value, _RepeatedKey):
        fail((*path, value.key), "this key once", value[value.key], "the object gives it twice: keep one")


@cache
def _field_readers(cls: type) -> dict[str, _Reader]:
    annotations = get_type_hints(cls)
    return {item.name: _reader(annotations[item.name]) for item in fields(cls)}


@cache
def _reader(annotation: Any) -> _Reader:
    if annotation in _SCALAR_READERS:
        return _SCALAR_READERS[annotation]
    if _is_record(annotation):
        return _record_reader(annotation)
    return _GENERIC_READERS[get_origin(annotation)](*get_args(annotation))


def _record_reader(cls: type) -> _Reader:
    required = [item.name for item in fields(cls) if item.default is item.default_factory is MISSING]

    def read(value: Any, path: ValuePath) -> Any:
        _check_object(value, path)
        readers = _field_readers(cls)
        for name in value:
            if name not in readers:
                _fail_unknown(name, cls, path)
        for name in required:
            if name not in value:
                fail(path, f"a field {quote(name)}", list(value))
        return cls(**{name: readers[name](item, (*path, name)) for name, item in value.items()})

    return read


def _fail_unknown(name: str, cls: type, path: ValuePath) -> NoReturn:
    fail((*path, name), f"a field of {cls.__name__}", name, suggest(name, _field_readers(cls)))


def _tuple_reader(*arguments: Any) -> _Reader:
    item_reader = _reader(arguments[0])
    length = None if arguments[-1] is Ellipsis else len(arguments)

    def read(value: Any, path: ValuePath) -> Any:
        if not isinstance(value, list | tuple) or length not in (None, len(value)):
            fail(path, "a list" if length is None else f"a list of {length}", value)
        return tuple(item_reader(item, (*path, index)) for index, item in enumerate(value))

    return read


def _union_reader(*options: Any) -> _Reader:
    """Read `X | None`, `Record | X` or both."""
    readers = [_reader(option) for option in options if option is not types.NoneType]

    def read(value: Any, path: ValuePath) -> Any:
        if value is None and types.NoneType in options:
            return None
        return readers[0 if isinstance(value, Mapping) else -1](value, path)

    return read


def _literal_reader(*choices: Any) -> _Reader:
    def read(value: Any, path: ValuePath) -> Any:
        # 1 == True == 1.0, so the type decides too.
        if not any(value == choice and type(value) is type(choice) for choice in choices):
            fail(path, "one of " + ", ".join(map(str, choices)), value)
        return value

    return read


def _mapping_reader(key_type: Any, value_type: Any) -> _Reader:
    key_reader, value_reader = _reader(key_type), _reader(value_type)

    def read(value: Any, path: ValuePath) -> Any:
        _check_object(value, path)
        return {key_reader(key, path): value_reader(item, (*path, key)) for key, item in value.items()}

    return read


def _read_boolean(value: Any, path: ValuePath) -> Any:
    return value if isinstance(value, bool) else fail(path, "true or false", value)


def _read_integer(value: Any, path: ValuePath) -> Any:
    is_integer = isinstance(value, int) and not isinstance(value, bool)
    return value if is_integer else fail(path, "a whole number", value)


def _read_number(value: Any, path: ValuePath) -> Any:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return value if is_number and abs(value) <= sys.float_info.max else fail(path, "a finite number", value)


def _read_date(value: Any, path: ValuePath) -> Any:
    read_string(value, path)
    try:
        return date.fromisoformat(value)
    except ValueError:
        fail(path, "a date as in 2020-06-06", value)


_SCALAR_READERS: dict[Any, _Reader] = {
    str: read_string,
    bool: _read_boolean,
    int: _read_integer,
    float: _read_number,
    date: _read_date,
}
_GENERIC_READERS: dict[Any, Callable[..., _Reader]] = {
    tuple: _tuple_reader,
    types.UnionType: _union_reader,
    Union: _union_reader,
    Literal: _literal_reader,
    Mapping: _mapping_reader,
}
