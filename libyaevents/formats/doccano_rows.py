"""One line of doccano: its JSON comes in, a document goes out."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from libyaevents.documents import Argument, Document, Entity, Event, Span, Trigger
from libyaevents.formats.losses import PLAIN_ARGUMENT
from libyaevents.formats.offsets import CODE_POINTS, UNITS, UTF16, OffsetMap, take
from libyaevents.ontology import Ontology
from libyaevents.records import ValuePath, fail, suggest
from libyaevents.words import split_words

__all__ = ["EVENT_TYPES", "FACTS", "FACTUALITY", "ID", "UNIT", "read_row"]

FACTUALITY = "Factuality"  # the type of a relation
# Fields of ours, which doccano keeps as metadata: the document's id, since doccano's own is `id`; the event
# types that the ontology does not have; in which unit offsets count.
ID, EVENT_TYPES, UNIT = "document_id", "event_types", "offset_unit"
FACTS = ("title", "published", "source", "url", "sentences", "metadata")

_OLDER_SPANS = ("label", "labels")
_SpanOfLabel = tuple[str, Span]
_Relation = tuple[int, int, str]  # from which span to which, and its type


def read_row(row: Any, path: ValuePath, ontology: Ontology, notices: Counter[str]) -> Document:
    """Return the document of a line; count what was special.

    Raises:
        DocumentError: The line is malformed; the message starts with `path`.
    """
    text = take(row, "text", str, path)
    spans = _convert(text, _read_spans(row, path), row, path, notices)
    relations = _read_relations(row, spans, path)
    types = [*take(row, EVENT_TYPES, list, path, []), *ontology.event_labels]
    sources = {source for source, _, type in relations if type in ontology.role_labels}
    events = {id for id, (label, _) in spans.items() if label in types or id in sources}
    # An export of many lines has null, or NaN, where a line has no such field.
    facts = {name: row[name] for name in FACTS if isinstance(row.get(name), str | list | dict)}
    id = row.get(ID) if isinstance(row.get(ID), str) else row.get("id")
    document = Document.from_dict({**facts, **({} if id is None else {"id": str(id)}), "text": text})
    n_left_out = sum(source not in events for source, _, _ in relations)
    if n_left_out:
        notices["relations that give no event a role left out"] += n_left_out
    factuality = _read_factuality(spans, events, relations, ontology)
    return _annotate(document, spans, events, relations, factuality)


def _read_spans(row: dict[str, Any], path: ValuePath) -> dict[int, _SpanOfLabel]:
    """Return labels and offsets, which are in the file's unit, by id."""
    if "entities" in row:
        return dict(
            _read_span(item, (*path, "entities", index))
            for index, item in enumerate(take(row, "entities", list, path, []))
        )
    name = next((name for name in _OLDER_SPANS if name in row), _OLDER_SPANS[0])
    spans = {}
    for index, item in enumerate(take(row, name, list, path, [])):
        where = (*path, name, index)
        if not (isinstance(item, list) and len(item) == 3):
            fail(where, "[start, end, label]", item, "export a sequence labeling project")
        record = dict(zip(("start_offset", "end_offset", "label"), item, strict=True))
        spans[index] = _read_span({"id": index, **record}, where)[1]
    return spans


def _read_span(item: Any, path: ValuePath) -> tuple[int, _SpanOfLabel]:
    start, end = take(item, "start_offset", int, path), take(item, "end_offset", int, path)
    return take(item, "id", int, path), (take(item, "label", str, path), (start, end))


def _convert(
    text: str,
    spans: Mapping[int, _SpanOfLabel],
    row: dict[str, Any],
    path: ValuePath,
    notices: Counter[str],
) -> dict[int, _SpanOfLabel]:
    """Return the spans in code points."""
    unit = take(row, UNIT, str, path, "")
    if not unit:
        unit = _guess_unit(text, spans)
        if unit != UTF16:
            notices["lines read as code points, in which more spans are whole words than in UTF-16"] += 1
    elif unit not in UNITS:
        fail((*path, UNIT), "a unit", unit, suggest(unit, UNITS))
    offsets = OffsetMap(text, unit)
    converted = {}
    for id, (label, span) in spans.items():
        own = offsets.to_code_points(*span)
        if own is None:
            fail((*path, "entities"), f"offsets in the text, counted in {unit}", list(span))
        converted[id] = (label, own)
    return converted


def _guess_unit(text: str, spans: Mapping[int, _SpanOfLabel]) -> str:
    """Return code points where more spans are whole words in them than in UTF-16, doccano's own unit.

    doccano's lines do not say what a span covers. Lines that a program made mostly count code points, and
    behind 🚁 every span is cut then.
    """
    words = split_words(text)
    starts, ends = {start for start, _ in words}, {end for _, end in words}

    def n_whole(unit: str) -> int:
        offsets = OffsetMap(text, unit)
        own = [offsets.to_code_points(*span) for _, span in spans.values()]
        return sum(span is not None and span[0] in starts and span[1] in ends for span in own)

    return CODE_POINTS if n_whole(CODE_POINTS) > n_whole(UTF16) else UTF16


def _read_relations(
    row: dict[str, Any], spans: Mapping[int, _SpanOfLabel], path: ValuePath
) -> list[_Relation]:
    relations = []
    for index, item in enumerate(take(row, "relations", list, path, [])):
        where = (*path, "relations", index)
        ends = take(item, "from_id", int, where), take(item, "to_id", int, where)
        for end in ends:
            if end not in spans:
                fail(where, "a relation between entities of the line", end, "no entity has that id")
        relations.append((*ends, take(item, "type", str, where)))
    return relations


def _read_factuality(
    spans: Mapping[int, _SpanOfLabel],
    events: set[int],
    relations: list[_Relation],
    ontology: Ontology,
) -> dict[int, str]:
    """Return the factuality that spans say, by their own id and by that of the event that they belong to.

    A span belongs to the trigger that has a relation to it, else to the triggers that lie where it does.
    """
    marks = {target: spans[target][0] for _, target, type in relations if type == FACTUALITY}
    loose = {
        id: label
        for id, (label, _) in spans.items()
        if label in ontology.factuality_labels and id not in events and id not in marks
    }
    by_span = {spans[id][1]: label for id, label in loose.items()}
    of_event = {id: by_span[spans[id][1]] for id in events if spans[id][1] in by_span}
    related = {source: marks[target] for source, target, type in relations if type == FACTUALITY}
    return {**marks, **loose, **of_event, **related}


def _annotate(
    document: Document,
    spans: Mapping[int, _SpanOfLabel],
    events: set[int],
    relations: list[_Relation],
    factuality: Mapping[int, str],
) -> Document:
    """Return the document with entities T1, T2 … and events E1, E2 …, in the order of the spans."""
    text = document.text
    names: dict[int, str] = {}
    for id, (label, _) in spans.items():
        if id not in events and id not in factuality and label != PLAIN_ARGUMENT:
            names[id] = f"T{len(names) + 1}"

    def mention(id: int) -> dict[str, Any]:
        start, end = spans[id][1]
        return {"start": start, "end": end, "text": text[start:end]}

    arguments: dict[int, list[Argument]] = {id: [] for id in events}
    for source, target, role in relations:
        if source in events and role != FACTUALITY:
            argument = Argument(role=role, entity_id=names.get(target), **mention(target))
            arguments[source].append(argument)

    def event(id: int, number: int) -> Event:
        return Event(
            id=f"E{number}",
            type=spans[id][0],
            trigger=Trigger(**mention(id)),
            factuality=factuality.get(id, "actual"),
            arguments=tuple(arguments[id]),
        )

    triggers = [id for id in spans if id in events]
    return replace(
        document,
        entities=tuple(Entity(id=name, label=spans[id][0], **mention(id)) for id, name in names.items()),
        events=tuple(event(id, number) for number, id in enumerate(triggers, start=1)),
    )
