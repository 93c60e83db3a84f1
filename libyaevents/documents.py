"""The core types and their JSON: what every stage after decoding reads and returns.

A `Document` holds the caller's text and what was found in it, by an annotator or by a model. Offsets are
half-open code-point offsets into `Document.text`; a document whose mentions do not match its text cannot be
constructed. In JSON a document is one object, named field by field as here, without what is `None`. Whatever
can be constructed from the annotated types can be written, and reads back equal.
"""

from __future__ import annotations

import json
import re
from calendar import monthrange
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal

from libyaevents.records import (
    OMIT_EMPTY,
    ValuePath,
    fail,
    freeze_lists,
    object_path,
    parse_json,
    quote,
    read_object,
    read_string,
    walk_records,
    write_object,
)

__all__ = [
    "DOCUMENT_FORMAT",
    "INCIDENT_FORMAT",
    "Actor",
    "Argument",
    "Casualties",
    "Claim",
    "Document",
    "Entity",
    "Event",
    "Incident",
    "Place",
    "Span",
    "Timex",
    "Trigger",
]

DOCUMENT_FORMAT = "libyaevents/1"
INCIDENT_FORMAT = "libyaevents-incident/1"

Span = tuple[int, int]

# A day may have a part of it or a time behind it: 2020-06-05TMO.
_DATE = re.compile(r"(\d{4})(?:-W(\d\d)|-(\d\d)(?:-(\d\d)(?:T.*)?)?)?", re.ASCII)

_RANGES = {"score": (0, 1), "latitude": (-90, 90), "longitude": (-180, 180), "radius_km": (0, 20_040)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A text with its sentences, entities and events.

    Raises:
        DocumentError: A mention is not the text at its offsets, sentences overlap or leave the text, an id is
            given twice or names nothing, a score is no probability, or a string holds a lone surrogate.
    """

    id: str | None = None
    title: str | None = None
    published: date | None = None
    source: str | None = None
    url: str | None = None
    text: str
    sentences: tuple[Span, ...] = ()
    entities: tuple[Entity, ...] = ()
    events: tuple[Event, ...] = ()
    metadata: Mapping[str, str] = field(default_factory=dict, metadata=OMIT_EMPTY)

    def __post_init__(self) -> None:
        freeze_lists(self)
        _check_document(self)

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON object, `format` first, with `None` fields left out."""
        return write_object(self, DOCUMENT_FORMAT)

    def to_json(self) -> str:
        """Return the JSON object on one line, Arabic unescaped."""
        return json.dumps(self.to_dict(), ensure_ascii=False, allow_nan=False)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Document:
        """Read a JSON object; a missing `format` means the current one, null means absent.

        Raises:
            DocumentError: The object is of another format, has an unknown key or a wrong value (the message
                gives its path, as in `events[2].arguments[0].start`), or breaks an invariant.
        """
        return read_object(data, cls, format_name=DOCUMENT_FORMAT, kind="document")

    @classmethod
    def from_json(cls, line: str) -> Document:
        """Read one JSON object from text.

        Raises:
            DocumentError: As for `from_dict`; also where the text is not JSON, repeats a key or holds NaN.
        """
        return cls.from_dict(parse_json(line, "document"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Entity:
    """A name, time or quantity; `core` is its span without attached clitics (وبدرنة → درنة)."""

    id: str
    label: str
    start: int
    end: int
    text: str
    core: Span | None = None
    score: float | None = None
    place: Place | None = None
    actor: Actor | None = None
    time: Timex | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened, is claimed, denied or expected, named by its trigger."""

    id: str
    type: str
    trigger: Trigger
    factuality: str = "actual"
    arguments: tuple[Argument, ...] = ()
    score: float | None = None
    time: Timex | None = None
    place: Place | None = None
    claim: Claim | None = None
    casualties: tuple[Casualties, ...] = field(default=(), metadata=OMIT_EMPTY)

    def __post_init__(self) -> None:
        freeze_lists(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger:
    """The word or words that name an event."""

    start: int
    end: int
    text: str
    score: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Argument:
    """A participant or circumstance of an event; `entity_id` where it covers an entity, else `actor`."""

    role: str
    start: int
    end: int
    text: str
    entity_id: str | None = None
    score: float | None = None
    actor: Actor | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Timex:
    """A time, with its span unless it stands nowhere in the text (an event dated by the day of publication).

    `value` is ISO 8601, `anchor` the day from which a relative expression was counted (of publication, or one
    told before it), `inferred` whether the value rests on more than the expression itself.
    """

    start: int | None = None
    end: int | None = None
    text: str | None = None
    type: Literal["DATE", "TIME", "DURATION", "SET"] | None = None
    value: str | None = None
    precision: Literal["day", "week", "month", "year"] | None = None
    anchor: date | None = None
    inferred: bool = False

    def days(self) -> tuple[date, date] | None:
        """Return the first and the last day that `value` covers, if it is a day, week, month, year or range.

        `None` where it is none of these (a season, a length), and where no calendar has such a day.
        """
        first, slash, last = (self.value or "").partition("/")
        head, tail = _days_of(first), _days_of(last if slash else first)
        return (head[0], tail[1]) if head and tail and head[0] <= tail[1] else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A place in the world, WGS 84 degrees; `precision` 1 (exact) to 3 (region) as ACLED defines it."""

    name: str
    osm_id: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    radius_km: float | None = None
    admin1: str | None = None
    country: str | None = None
    feature: str | None = None
    precision: Literal[1, 2, 3] | None = None
    score: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """A party known by name, with the days between which its code and side hold."""

    id: str | None = None
    name: str
    kind: str | None = None
    code: str | None = None
    side: str | None = None
    valid_from: date | None = None
    valid_to: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """Who says that an event happened; `party` is whether the claimant takes part in it."""

    claimed_by: Actor | str | None = None
    party: bool | None = None
    status: Literal["happened", "claimed", "denied", "planned"] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Casualties:
    """A figure of people harmed; `kind` is how (killed, injured …)."""

    kind: str
    minimum: int | None = None
    best: int | None = None
    maximum: int | None = None
    source: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """One event in the world merged from many documents; `mentions` pairs document ids with event ids."""

    type: str
    time: Timex | None = None
    place: Place | None = None
    actors: tuple[Actor, ...] = ()
    claims: tuple[Claim, ...] = ()
    casualties: tuple[Casualties, ...] = ()
    mentions: tuple[tuple[str, str], ...] = ()

    def to_json(self) -> str:
        """Return the JSON object on one line, `format` first."""
        return json.dumps(write_object(self, INCIDENT_FORMAT), ensure_ascii=False, allow_nan=False)

    @classmethod
    def from_json(cls, line: str) -> Incident:
        """Read one JSON object from text.

        Raises:
            DocumentError: The text is not JSON, or the object has an unknown key or a wrong value.
        """
        return read_object(parse_json(line, "incident"), cls, format_name=INCIDENT_FORMAT, kind="incident")


def _days_of(value: str) -> tuple[date, date] | None:
    match = _DATE.fullmatch(value)
    if match is None:
        return None
    year, week, month, day = (None if part is None else int(part) for part in match.groups())
    try:
        if week is not None:
            return date.fromisocalendar(year or 0, week, 1), date.fromisocalendar(year or 0, week, 7)
        start = date(year or 0, 1 if month is None else month, 1 if day is None else day)
        if day is not None:
            return start, start
        last_month = 12 if month is None else month
        return start, date(start.year, last_month, monthrange(start.year, last_month)[1])
    except ValueError:  # 2020-02-31
        return None


def _check_document(document: Document) -> None:
    path = object_path("document", document.id)
    read_string(document.text, (*path, "text"))
    for name in ("id", "title", "source", "url"):
        if getattr(document, name) is not None:
            read_string(getattr(document, name), (*path, name))
    for item in document.metadata.items():
        for string in item:
            read_string(string, (*path, "metadata"))
    if document.published is not None and type(document.published) is not date:
        fail((*path, "published"), "a date without time", document.published, "as date(2020, 6, 6)")
    _check_sentences(document, path)
    _check_ids(document.entities, (*path, "entities"))
    _check_ids(document.events, (*path, "events"))
    _check_records(document, path)


def _check_sentences(document: Document, path: ValuePath) -> None:
    limit = 0
    for index, (start, end) in enumerate(document.sentences):
        _check_span(start, end, (limit, len(document.text)), (*path, "sentences", index))
        limit = end


def _check_ids(items: Iterable[Entity | Event], path: ValuePath) -> None:
    seen: dict[str, int] = {}
    for index, item in enumerate(items):
        if item.id in seen:
            fail((*path, index, "id"), "an id of its own", item.id, f"item {seen[item.id]} has it already")
        seen[item.id] = index


def _check_records(document: Document, path: ValuePath) -> None:
    entity_ids = {None, *(entity.id for entity in document.entities)}
    for record, where in walk_records(document, path):
        if isinstance(record, Entity | Trigger | Argument | Timex):
            _check_mention(record, document.text, where)
        if isinstance(record, Argument) and record.entity_id not in entity_ids:
            fail((*where, "entity_id"), "the id of an entity of this document", record.entity_id)
        for name, (low, high) in _RANGES.items():
            value = getattr(record, name, None)
            # A numpy float32 is no float, and json.dumps refuses it.
            if value is not None and not (isinstance(value, int | float) and low <= value <= high):
                fail((*where, name), f"a Python number from {low} to {high}", value)


def _check_mention(mention: Entity | Trigger | Argument | Timex, text: str, path: ValuePath) -> None:
    start, end = mention.start, mention.end
    if isinstance(mention, Timex) and start is None and end is None and mention.text is None:
        return
    _check_span(start, end, (0, len(text)), path)
    if text[start:end] != mention.text:
        expected = f"{quote(text[start:end])}, the document's text[{start}:{end}]"
        fail((*path, "text"), expected, mention.text, "offsets count code points and end past the last one")
    if isinstance(mention, Entity) and mention.core is not None:
        _check_span(*mention.core, (mention.start, mention.end), (*path, "core"))


def _check_span(start: object, end: object, limits: Span, path: ValuePath) -> None:
    low, high = limits
    # A numpy integer would slice the text and then fail in json.dumps, far from where it came from.
    if not (isinstance(start, int) and isinstance(end, int) and low <= start < end <= high):
        fail(path, f"integers with {low} <= start < end <= {high}", [start, end])
