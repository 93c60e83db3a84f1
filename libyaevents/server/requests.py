"""Requests as dataclasses: a JSON body comes in, read with the messages that documents are read with."""

from collections.abc import Mapping
from dataclasses import make_dataclass
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

from fastapi import Depends, Request
from pydantic import TypeAdapter

from libyaevents.errors import InputError
from libyaevents.records import parse_json, read_object
from libyaevents.server.settings import MAX_TEXT

__all__ = ["Body", "author_of", "body_schema", "checked_name", "json_body", "read_request"]

LONGEST_AUTHOR = 64
MAX_VALUES = 1_000_000  # of one body, counted by its commas and brackets

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

T = TypeVar("T", bound="DataclassInstance")


async def json_body(request: Request) -> Any:
    """Read the body as JSON.

    Raises:
        InputError: it is no UTF-8.
        DocumentError: it is no JSON, repeats a key, holds NaN or too many values.
    """
    try:
        text = (await request.body()).decode()
    except UnicodeDecodeError as error:
        raise InputError(f"the body: expected JSON in UTF-8, found byte {error.start} that is not") from error
    # 32 MiB of "[],[],…" would take gigabytes, and hold up every other request for seconds.
    if (n_values := sum(map(text.count, ",[{"))) > MAX_VALUES:
        raise InputError(
            f"the body: expected at most {MAX_VALUES:,} values, found {n_values:,}; send it in parts"
        )
    return parse_json(text, "request")


Body = Annotated[Any, Depends(json_body)]


def read_request(body: Any, kind: type[T]) -> T:
    """Read a body as a dataclass.

    Raises:
        DocumentError: a key is unknown or missing, or a value wrong; the message gives its path.
    """
    # A request may have a field called `format`, which at the top would be that of the whole.
    envelope = read_object(
        {"body": body}, _envelope(kind), format_name="libyaevents-request/1", kind="request"
    )
    read: T = envelope.body
    return read


def author_of(request: Request, name: str | None) -> str:
    """Return who makes a change: who is logged in, else the name that the page sends.

    Raises:
        InputError: there is no name, or one that no list could show.
    """
    return checked_name(getattr(request.state, "user", None) or (name or "").strip(), "author")


def checked_name(name: str, field: str) -> str:
    """Return the name of a person, if a list can show it.

    Raises:
        InputError: it is none; `field` is what it was given as.
    """
    if not name or len(name) > LONGEST_AUTHOR or not name.isprintable():
        raise InputError(
            f"{field}: expected a name of 1 to {LONGEST_AUTHOR} printable characters, found {name[:80]!r}; "
            "give your name at the top of the page"
        )
    return name


def check_length(text: str, where: str) -> None:
    """Refuse a text that is longer than what is read in one piece.

    Raises:
        InputError: it has more than `MAX_TEXT` characters; the message begins with `where`.
    """
    if len(text) > MAX_TEXT:
        raise InputError(
            f"{where}: expected at most {MAX_TEXT:,} characters, found {len(text):,}; cut it into articles"
        )


def body_schema(kind: Any, *examples: Any) -> dict[str, Any]:
    """Describe a body for OpenAPI."""
    content = {"schema": schema_of(kind)}
    if examples:
        content["examples"] = {
            f"example {number}": {"value": each} for number, each in enumerate(examples, 1)
        }
    return {"requestBody": {"required": True, "content": {"application/json": content}}}


@cache
def _envelope(kind: type[Any]) -> Any:
    return make_dataclass("Request", [("body", kind)])


@cache
def schema_of(kind: Any) -> dict[str, Any]:
    """Return the JSON schema of a type, in which objects have no other keys than their own."""
    schema: dict[str, Any] = _closed(_inlined(TypeAdapter(kind).json_schema()))
    return schema


def _inlined(schema: dict[str, Any]) -> Any:
    """Put definitions in the place of references to them; the types here hold no cycle."""
    definitions = schema.pop("$defs", {})

    def resolve(value: Any) -> Any:
        if isinstance(value, Mapping):
            if "$ref" in value:
                return resolve(definitions[value["$ref"].rpartition("/")[2]])
            return {key: resolve(each) for key, each in value.items()}
        return [resolve(each) for each in value] if isinstance(value, list) else value

    return resolve(schema)


def _closed(value: Any) -> Any:
    if isinstance(value, Mapping):
        closed = {key: _closed(each) for key, each in value.items()}
        items = closed.pop("prefixItems", [])
        if items and all(item == items[0] for item in items):  # a span; not all tools know `prefixItems`
            closed["items"] = items[0]
        if "properties" in closed and isinstance(closed["properties"], Mapping):
            closed["additionalProperties"] = False
        return closed
    return [_closed(each) for each in value] if isinstance(value, list) else value
