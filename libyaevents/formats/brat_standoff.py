"""brat's standoff lines: a text and the content of its `.ann` file come in, a document goes out.

What is wrong in a file is collected and raised at once, a line for each.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

from libyaevents.documents import Argument, Document, Entity, Event, Span, Trigger
from libyaevents.errors import CorpusError, DocumentError
from libyaevents.formats.losses import PLAIN_ARGUMENT
from libyaevents.formats.offsets import CODE_POINTS, OffsetMap, all_fit, find_unit
from libyaevents.records import quote

__all__ = ["FACTUALITY", "parse_document"]

FACTUALITY = "Factuality"

# How the corpora of the BioNLP shared tasks say it: attributes without a value.
_NAMED_FACTUALITY = {"Negation": "negated", "Speculation": "possible"}
_SKIPPED = {"R": "relations", "*": "equivalences", "N": "normalizations", "#": "notes"}

_PART = "[0-9]{1,18} [0-9]{1,18}"
_TEXT_BOUND = re.compile(rf"(T\S+)\t(\S+) ({_PART}(?:;{_PART})*)(?:\t(.*))?", re.DOTALL)
_EVENT = re.compile(r"(E\S+)\t(\S+?):(\S+)((?: +\S+?:\S+)*) *")
_ATTRIBUTE = re.compile(r"([AM]\S+)\t(\S+) (\S+)(?: (.+))?")
_NOTE = re.compile(r"#\S*\tAnnotatorNotes (\S+)\t(.*)")
_SCORE = r"[\w-]+=\d+(?:\.\d+)?(?:e[+-]?\d+)?"
_SCORES = re.compile(rf"{_SCORE}(?: {_SCORE})*")
_ROLE_NUMBER = re.compile(r"(?<=.)\d+$")
_BYTE_ORDER_MARK = "\ufeff"


@dataclass(slots=True, kw_only=True)
class _TextBound:
    label: str
    spans: list[Span]  # in the file's unit
    copy: str | None
    line: int


@dataclass(slots=True, kw_only=True)
class _BratEvent:
    type: str
    trigger: str
    arguments: list[tuple[str, str]]  # (role with its number, id)
    line: int


@dataclass(slots=True, kw_only=True)
class _Standoff:
    """The lines of one file, by id, and what is wrong with them."""

    where: str
    text_bounds: dict[str, _TextBound] = field(default_factory=dict)
    events: dict[str, _BratEvent] = field(default_factory=dict)
    factuality: dict[str, str] = field(default_factory=dict)
    scores: dict[str, dict[str, float]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def complain(self, line: int, message: str) -> None:
        self.problems.append(f"{self.where}:{line}: {message}")


def parse_document(
    text: str, lines: str, facts: Mapping[str, Any], *, where: str, notices: Counter[str]
) -> Document:
    """Return the document of one text and the lines of its `.ann` file; `notices` counts what was special.

    Raises:
        CorpusError: Lines are malformed or do not fit the text; one line of the message for each, which
            starts with `where` and the line's number.
    """
    standoff = _parse(lines, where, notices)
    text, unit = _find_unit(text, standoff)
    if unit not in (None, CODE_POINTS):
        notices[f"files whose offsets count {unit}: converted"] += 1
    spans = _spans(text, standoff, unit)
    _check_references(standoff)
    if standoff.problems:
        raise CorpusError("\n".join(standoff.problems))
    try:
        document = Document.from_dict({**facts, "text": text})
        return replace(
            document, entities=_entities(text, standoff, spans), events=_events(text, standoff, spans)
        )
    except DocumentError as error:
        raise CorpusError(f"{where}: {error}") from error


def _parse(lines: str, where: str, notices: Counter[str]) -> _Standoff:
    standoff = _Standoff(where=where)
    # Only at \n: the copy of a text may hold U+2028 or U+0085.
    for number, line in enumerate(lines.removeprefix(_BYTE_ORDER_MARK).split("\n"), start=1):
        line = line.removesuffix("\r")
        if line.strip():
            _parse_line(line, number, standoff, notices)
    return standoff


def _parse_line(line: str, number: int, standoff: _Standoff, notices: Counter[str]) -> None:
    if match := _TEXT_BOUND.fullmatch(line):
        parts = (span.split() for span in match[3].split(";"))
        spans = [(int(start), int(end)) for start, end in parts]
        bound = _TextBound(label=match[2], spans=spans, copy=match[4], line=number)
        _add(standoff, standoff.text_bounds, match[1], bound)
    elif match := _EVENT.fullmatch(line):
        arguments = [tuple(argument.split(":", 1)) for argument in match[4].split()]
        event = _BratEvent(type=match[2], trigger=match[3], arguments=arguments, line=number)
        _add(standoff, standoff.events, match[1], event)
    elif match := _ATTRIBUTE.fullmatch(line):
        value = match[4] if match[2] == FACTUALITY else _NAMED_FACTUALITY.get(match[2])
        if value is None:
            notices["attributes left out"] += 1
        else:
            standoff.factuality[match[3]] = value
    elif (match := _NOTE.fullmatch(line)) and _SCORES.fullmatch(match[2]):
        pairs = (pair.split("=") for pair in match[2].split())
        standoff.scores[match[1]] = {name: float(value) for name, value in pairs}
    elif line[0] in _SKIPPED:
        notices[f"{_SKIPPED[line[0]]} left out"] += 1
    else:
        expected = "an annotation as in 'T1<tab>GPE 0 5<tab>text' or 'E1<tab>Attack:T1 Place:T2'"
        standoff.complain(number, f"expected {expected}, found {quote(line)}")


def _add(standoff: _Standoff, known: dict[str, Any], id: str, item: _TextBound | _BratEvent) -> None:
    if id in known:
        standoff.complain(
            item.line, f"expected an id of its own, found {id}, which line {known[id].line} has"
        )
    known[id] = item


def _find_unit(text: str, standoff: _Standoff) -> tuple[str, str | None]:
    """Return the text that the offsets count in, and their unit; none where they fit in no unit.

    A byte-order mark is part of the text where offsets count it.
    """
    mentions = [
        (bound.spans, bound.copy) for bound in standoff.text_bounds.values() if bound.copy is not None
    ]
    unit = find_unit(text, mentions)
    bare = text.removeprefix(_BYTE_ORDER_MARK)
    if unit is None and bare != text:
        unit = find_unit(bare, mentions)
        return (text, None) if unit is None else (bare, unit)
    return text, unit


def _spans(text: str, standoff: _Standoff, unit: str | None) -> dict[str, Span]:
    """Return the span of each text-bound annotation, in code points."""
    offsets = OffsetMap(text, unit or CODE_POINTS)
    spans: dict[str, Span] = {}
    for id, bound in standoff.text_bounds.items():
        parts = [offsets.to_code_points(*span) for span in bound.spans]
        own = [part for part in parts if part is not None]
        gaps = [text[left[1] : right[0]] for left, right in pairwise(own)]
        if len(own) < len(parts) or own != sorted(own):
            found = "; ".join(f"{start} {end}" for start, end in bound.spans)
            expected = f"the offsets of some of the text's {len(text)} characters"
            standoff.complain(bound.line, f"expected {expected}, found {found} in {id}")
        elif any(gap.strip() for gap in gaps):
            found = " … ".join(quote(text[slice(*part)]) for part in own)
            advice = "a mention is one run of text: join its parts, or leave some out"
            standoff.complain(
                bound.line, f"expected a continuous span, found {id} in parts: {found}; {advice}"
            )
        elif unit is None and not all_fit(text, [(bound.spans, bound.copy or "")], CODE_POINTS):
            found = f"{quote(bound.copy)} behind {own[0][0]} {own[-1][1]} in {id}"
            expected = f"{quote(text[own[0][0] : own[-1][1]])}, which the text has there"
            advice = (
                "no other count (UTF-16, bytes, \\r\\n as one) fits all of the file: the text was changed"
            )
            standoff.complain(bound.line, f"expected {expected}, found {found}; {advice}")
        else:
            spans[id] = own[0][0], own[-1][1]
    return spans


def _check_references(standoff: _Standoff) -> None:
    known = {*standoff.text_bounds, *standoff.events}
    for id, event in standoff.events.items():
        if event.trigger not in standoff.text_bounds:
            standoff.complain(
                event.line, f"expected a T line for the trigger of {id}, found no {event.trigger}"
            )
        for role, target in event.arguments:
            if target not in known:
                standoff.complain(event.line, f"expected a line for the {role} of {id}, found no {target}")


def _entities(text: str, standoff: _Standoff, spans: Mapping[str, Span]) -> tuple[Entity, ...]:
    return tuple(
        Entity(
            id=id,
            label=standoff.text_bounds[id].label,
            start=spans[id][0],
            end=spans[id][1],
            text=text[slice(*spans[id])],
            score=standoff.scores.get(id, {}).get("score"),
        )
        for id in _entity_ids(standoff)
    )


def _entity_ids(standoff: _Standoff) -> Iterator[str]:
    triggers = {event.trigger for event in standoff.events.values()}
    filled = {target for event in standoff.events.values() for _, target in event.arguments}
    for id, bound in standoff.text_bounds.items():
        if id not in triggers and not (bound.label == PLAIN_ARGUMENT and id in filled):
            yield id


def _events(text: str, standoff: _Standoff, spans: Mapping[str, Span]) -> tuple[Event, ...]:
    entity_ids = set(_entity_ids(standoff))
    # An event as an argument is the words of its trigger, which the guideline has as an argument.
    places = {**spans, **{id: spans[event.trigger] for id, event in standoff.events.items()}}

    def argument(role: str, target: str, score: float | None) -> Argument:
        start, end = places[target]
        return Argument(
            role=_ROLE_NUMBER.sub("", role),
            start=start,
            end=end,
            text=text[start:end],
            entity_id=target if target in entity_ids else None,
            score=score,
        )

    events = []
    for id, event in standoff.events.items():
        start, end = spans[event.trigger]
        scores = standoff.scores.get(id, {})
        trigger_score = standoff.scores.get(event.trigger, {}).get("score")
        events.append(
            Event(
                id=id,
                type=event.type,
                trigger=Trigger(start=start, end=end, text=text[start:end], score=trigger_score),
                factuality=standoff.factuality.get(id, "actual"),
                arguments=tuple(argument(role, target, scores.get(role)) for role, target in event.arguments),
                score=scores.get("score"),
            )
        )
    return tuple(events)
