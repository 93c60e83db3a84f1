"""One task of Label Studio: its JSON comes in, a document goes out.

Projects name their controls as they like. Where a control is not called as ours are, a label of the
ontology's events makes a trigger, and so does a relation from it with a role of the ontology; every other
labeled region is an entity.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from libyaevents.documents import Argument, Document, Entity, Event, Span, Trigger
from libyaevents.formats.losses import PLAIN_ARGUMENT
from libyaevents.formats.offsets import CODE_POINTS, OffsetMap, all_fit, find_unit, take
from libyaevents.ontology import Ontology
from libyaevents.records import ValuePath, fail, quote

__all__ = ["ARGUMENT", "ENTITY", "EVENT", "FACTS", "FACTUALITY", "TEXT", "read_task"]

ENTITY, EVENT, ARGUMENT, FACTUALITY, TEXT = "entity", "event", "argument", "factuality", "text"
FACTS = ("id", "title", "published", "source", "url")  # of a document, among a task's data

_LABELS = ("labels", "hypertextlabels")
# What JSON-MIN puts beside the data.
_BOOKKEEPING = ("annotation_id", "annotator", "created_at", "updated_at", "lead_time")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Region:
    """A labeled span; its offsets are in the export's unit until they are converted."""

    control: str
    label: str
    span: Span
    copy: str | None
    score: float | None
    path: ValuePath


@dataclass(frozen=True, slots=True, kw_only=True)
class _Relation:
    """A relation as it stands in an export, from the region where its arrow begins."""

    ends: tuple[str, str]
    roles: list[str]
    scores: list[Any]
    path: ValuePath


@dataclass(frozen=True, slots=True, kw_only=True)
class _Link:
    """A relation from the region of a trigger to that of an argument, and a role that it has."""

    event: str
    target: str
    role: str
    score: float | None


def read_task(task: Any, path: ValuePath, ontology: Ontology, notices: Counter[str]) -> Document:
    """Return the document of a task in the export JSON, or of a row in JSON-MIN; count what was special.

    Raises:
        DocumentError: The task is malformed; the message starts with `path`.
    """
    if isinstance(task, dict) and "data" not in task:
        task = _expand_row(task)
    data = take(task, "data", dict, path)
    text = _find_text(data, (*path, "data"))
    results, where, is_predicted = _choose_results(task, path, notices)
    regions = _read_regions(results, where, notices)
    regions = _convert(text, regions, path, notices)
    relations = list(_read_relations(results, where))
    events = _find_events(relations, regions, ontology)
    links = list(_find_links(relations, regions, events, notices))
    choices = _read_choices(results, where, ontology)
    facts = {name: str(data[name]) for name in FACTS if isinstance(data.get(name), str | int)}
    if "id" not in facts and "id" in task:
        facts["id"] = str(task["id"])
    meta = take(task, "meta", dict, path, {})
    kept = {name: meta[name] for name in ("sentences", "metadata") if name in meta}
    document = Document.from_dict({**facts, **kept, TEXT: text})
    if not is_predicted:
        regions = {id: replace(region, score=None) for id, region in regions.items()}
        links = [replace(link, score=None) for link in links]
        choices = {id: (choice, None) for id, (choice, _) in choices.items()}
    return _annotate(document, regions, events, links, choices)


def _expand_row(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row of JSON-MIN as a task; its lists of regions are called as their controls."""
    controls = {
        name: value
        for name, value in row.items()
        if isinstance(value, list) and value and all(isinstance(item, dict) for item in value)
    }
    results = [
        {"id": f"{control}-{number}", "from_name": control, "type": "labels", "value": value}
        for control, values in controls.items()
        for number, value in enumerate(values)
        if "labels" in value or "hypertextlabels" in value
    ]
    data = {name: value for name, value in row.items() if name not in (*controls, *_BOOKKEEPING, "id")}
    return {"id": row.get("id"), "data": data, "annotations": [{"result": results}]}


def _find_text(data: dict[str, Any], path: ValuePath) -> str:
    """Return the text: `text`, or the only string that can be it."""
    if TEXT in data:
        return str(take(data, TEXT, str, path))
    strings = [name for name, value in data.items() if isinstance(value, str) and name not in FACTS]
    if len(strings) != 1:
        fail(
            path, f"a field {TEXT!r}, or one string alone", list(data), "rename the field that holds the text"
        )
    return str(data[strings[0]])


def _choose_results(
    task: dict[str, Any], path: ValuePath, notices: Counter[str]
) -> tuple[list[Any], ValuePath, bool]:
    """Return the results to read, where they stand, and whether a model made them."""
    for name in ("annotations", "completions", "predictions"):
        given = take(task, name, list, path, [])
        kept = [
            index
            for index, item in enumerate(given)
            if not take(item, "was_cancelled", object, (*path, name, index), False)
        ]
        if kept:
            where = (*path, name, kept[0])
            notices[f"further {name} of a task left out"] += len(kept) - 1
            results = take(given[kept[0]], "result", list, where, [])
            return results, (*where, "result"), name == "predictions"
    return [], path, False


def _read_regions(results: list[Any], where: ValuePath, notices: Counter[str]) -> dict[str, _Region]:
    regions: dict[str, _Region] = {}
    for index, result in enumerate(results):
        path = (*where, index)
        kind = take(result, "type", str, path)
        if kind not in _LABELS:
            if kind not in ("relation", "choices"):
                notices[f"results of type {kind} left out"] += 1
            continue
        value = take(result, "value", dict, path)
        labels = take(value, kind if kind in value else "labels", list, (*path, "value"), [])
        if not labels:
            notices["regions without a label left out"] += 1
        for number, label in enumerate(labels):
            id = str(take(result, "id", object, path, f"region-{index}"))
            id = id if number == 0 else f"{id}-{number + 1}"
            if id in regions:
                fail((*path, "id"), "an id of its own", id, "an earlier region has it")
            regions[id] = _read_region(result, label, path)
    return regions


def _read_region(result: dict[str, Any], label: Any, path: ValuePath) -> _Region:
    value, inside = result["value"], (*path, "value")
    # The offsets of a hypertext region are paths into its markup; global offsets count its text.
    offsets = take(value, "globalOffsets", dict, inside, value)
    if not isinstance(label, str):
        fail(inside, "labels that are strings", label)
    return _Region(
        control=take(result, "from_name", str, path, ""),
        label=label,
        span=(take(offsets, "start", int, inside), take(offsets, "end", int, inside)),
        copy=value["text"] if isinstance(value.get("text"), str) else None,
        score=result.get("score"),
        path=path,
    )


def _convert(
    text: str, regions: dict[str, _Region], path: ValuePath, notices: Counter[str]
) -> dict[str, _Region]:
    """Return the regions with offsets in code points, which their copies of the text tell."""
    copies = [([region.span], region.copy) for region in regions.values() if region.copy is not None]
    unit = find_unit(text, copies)
    if unit not in (None, CODE_POINTS):
        notices[f"tasks whose offsets count {unit}: converted"] += 1
    offsets = OffsetMap(text, unit or CODE_POINTS)
    converted = {}
    for id, region in regions.items():
        span = offsets.to_code_points(*region.span)
        if span is None:
            inside = (*region.path, "value")
            fail(inside, f"offsets of some of the text's {len(text)} characters", list(region.span))
        if (
            unit is None
            and region.copy is not None
            and not all_fit(text, [([span], region.copy)], CODE_POINTS)
        ):
            advice = "no other count (UTF-16, bytes, \\r\\n as one) fits all regions: the text was changed"
            expected = f"{quote(text[slice(*span)])}, the text's [{span[0]}:{span[1]}]"
            fail((*region.path, "value", "text"), expected, region.copy, advice)
        converted[id] = replace(region, span=span)
    return converted


def _read_relations(results: list[Any], where: ValuePath) -> Iterator[_Relation]:
    for index, result in enumerate(results):
        if result["type"] == "relation":
            path = (*where, index)
            start, end = (str(take(result, name, object, path)) for name in ("from_id", "to_id"))
            roles = take(result, "labels", list, path, [])
            if not all(isinstance(role, str) for role in roles):
                fail((*path, "labels"), "roles that are strings", roles)
            scores = result.get("scores")
            if not isinstance(scores, list) or len(scores) != len(roles):
                scores = [None] * len(roles)
            ends = (end, start) if result.get("direction") == "left" else (start, end)
            yield _Relation(ends=ends, roles=roles, scores=scores, path=path)


def _find_events(relations: list[_Relation], regions: Mapping[str, _Region], ontology: Ontology) -> set[str]:
    """Return the ids of the regions that are triggers."""
    sources = {relation.ends[0] for relation in relations if set(relation.roles) & set(ontology.role_labels)}
    return {
        id
        for id, region in regions.items()
        if region.control == EVENT
        or (
            region.control not in (ENTITY, ARGUMENT)
            and (region.label in ontology.event_labels or id in sources)
        )
    }


def _find_links(
    relations: list[_Relation], regions: Mapping[str, _Region], events: set[str], notices: Counter[str]
) -> Iterator[_Link]:
    for relation in relations:
        for end in relation.ends:
            if end not in regions:
                fail(relation.path, "a relation between labeled regions", end, "no region has that id")
        event, target = relation.ends
        if event not in events and target in events:
            event, target = target, event
        if event not in events or not relation.roles:
            notices["relations that give no event a role left out"] += 1
            continue
        for role, score in zip(relation.roles, relation.scores, strict=True):
            yield _Link(event=event, target=target, role=role, score=score)


def _read_choices(
    results: list[Any], where: ValuePath, ontology: Ontology
) -> dict[str, tuple[str, float | None]]:
    """Return the factuality and the score by the id of the trigger's region."""
    choices = {}
    for index, result in enumerate(results):
        if result["type"] == "choices":
            path = (*where, index)
            value = take(result, "value", dict, path)
            chosen = take(value, "choices", list, (*path, "value"), [])
            is_ours = result.get("from_name") == FACTUALITY
            if chosen and isinstance(chosen[0], str) and (is_ours or chosen[0] in ontology.factuality_labels):
                choices[str(result.get("id"))] = (chosen[0], result.get("score"))
    return choices


def _annotate(
    document: Document,
    regions: Mapping[str, _Region],
    events: set[str],
    links: list[_Link],
    choices: Mapping[str, tuple[str, float | None]],
) -> Document:
    """Return the document with the entities and events of a task."""
    text = document.text
    plain = {
        id for id, region in regions.items() if region.control == ARGUMENT or region.label == PLAIN_ARGUMENT
    }
    entities = [
        Entity(id=id, label=region.label, score=region.score, **_mention(text, region))
        for id, region in regions.items()
        if id not in events and id not in plain
    ]
    entity_ids = {entity.id for entity in entities}
    arguments: dict[str, list[Argument]] = {id: [] for id in events}
    for link in links:
        argument = Argument(
            role=link.role,
            entity_id=link.target if link.target in entity_ids else None,
            score=link.score,
            **_mention(text, regions[link.target]),
        )
        arguments[link.event].append(argument)

    def event(id: str, region: _Region) -> Event:
        factuality, score = choices.get(id, ("actual", None))
        return Event(
            id=id,
            type=region.label,
            trigger=Trigger(score=region.score, **_mention(text, region)),
            factuality=factuality,
            arguments=tuple(arguments[id]),
            score=score,
        )

    found = tuple(event(id, region) for id, region in regions.items() if id in events)
    return replace(document, entities=tuple(entities), events=found)


def _mention(text: str, region: _Region) -> dict[str, Any]:
    start, end = region.span
    return {"start": start, "end": end, "text": text[start:end]}
