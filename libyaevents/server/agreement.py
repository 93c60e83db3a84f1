"""How far two readings of documents agree: pairs of documents come in, scores and differences go out.

What one says is an item: an entity's span and label; a trigger's span and type; an argument's span and role,
with its trigger. Items are the same where all of it is, as in `evaluation`. Factuality is compared for the
triggers that both have.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import asdict, dataclass
from itertools import zip_longest
from typing import Any

from libyaevents.documents import Document, Event, Span
from libyaevents.evaluation.items import attached_argument, entity_spans, trigger_span

__all__ = ["Agreement", "Counts", "Difference", "Differing", "compare_readings"]

# Its label stands last.
_Item = tuple[int | str, ...]
_Items = Mapping[str, AbstractSet[_Item]]

_FACTUALITY = "factuality"


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How many items the first, the second and both have; the first is what `evaluation` calls gold."""

    n_first: int
    n_second: int
    n_both: int

    @property
    def f1(self) -> float:
        """The share of agreement, from 0 to 1; 1 where neither has anything."""
        total = self.n_first + self.n_second
        return 2 * self.n_both / total if total else 1.0

    def to_dict(self) -> dict[str, Any]:
        """Return counts and shares."""
        return {
            "precision": self.n_both / self.n_second if self.n_second else float(not self.n_first),
            "recall": self.n_both / self.n_first if self.n_first else float(not self.n_second),
            "f1": self.f1,
            **asdict(self),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A span that the two label differently; `None` where one does not label it.

    `event` is the trigger that an argument belongs to.
    """

    kind: str
    start: int
    end: int
    text: str
    first: str | None
    second: str | None
    event: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Differing:
    """A document with what its readings differ in, in the order of the text."""

    number: int
    id: str | None
    f1: float
    differences: tuple[Difference, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """The agreement of two readings: as a whole, by label, and by document."""

    n_documents: int
    scores: Mapping[str, Counts]
    labels: Mapping[tuple[str, str], Counts]
    documents: tuple[Differing, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the agreement as JSON types."""
        return {
            "n_documents": self.n_documents,
            "scores": {name: counts.to_dict() for name, counts in self.scores.items()},
            "labels": [
                {"kind": kind, "name": name, **asdict(counts), "f1": counts.f1}
                for (kind, name), counts in self.labels.items()
            ],
            "documents": [asdict(document) for document in self.documents],
        }


def compare_readings(pairs: Sequence[tuple[int, Document, Document]]) -> Agreement:
    """Compare two readings of each document; the numbers are those of the documents.

    Documents come back in their order, labels with the most items first.
    """
    items = [(_items(first, second), _items(second, first)) for _, first, second in pairs]
    scores = {name: _total(_count(first[name], second[name]) for first, second in items) for name in _KINDS}
    return Agreement(
        n_documents=len(pairs),
        scores=scores,
        labels=_by_label(items),
        documents=tuple(
            Differing(
                number=number,
                id=first.id,
                f1=_total(_count(ours[name], theirs[name]) for name in _POOLED).f1,
                differences=tuple(_differences(first, second)),
            )
            for (number, first, second), (ours, theirs) in zip(pairs, items, strict=True)
        ),
    )


def _trigger_items(document: Document) -> set[_Item]:
    return set(map(trigger_span, document.events))


def _argument_items(document: Document) -> set[_Item]:
    return {attached_argument(event, argument) for event in document.events for argument in event.arguments}


# By name, what is compared; the singular is the kind of a difference.
_KINDS: Mapping[str, str] = {
    "entities": "entity",
    "triggers": "trigger",
    "arguments": "argument",
    _FACTUALITY: _FACTUALITY,
}
_POOLED = ("entities", "triggers", "arguments")
_COLLECTORS: Mapping[str, Callable[[Document], AbstractSet[_Item]]] = {
    "entities": entity_spans,
    "triggers": _trigger_items,
    "arguments": _argument_items,
}


def _items(document: Document, other: Document) -> dict[str, AbstractSet[_Item]]:
    """Return the items of a reading by name; factuality for the triggers of the other alone."""
    found = {name: collect(document) for name, collect in _COLLECTORS.items()}
    shared = _trigger_items(other)
    # Of events with the same trigger and type the first speaks; the later keys of a dict would win.
    factuality = {trigger_span(event): event.factuality for event in reversed(document.events)}
    return {**found, _FACTUALITY: {(*key, value) for key, value in factuality.items() if key in shared}}


def _count(first: AbstractSet[_Item], second: AbstractSet[_Item]) -> Counts:
    return Counts(n_first=len(first), n_second=len(second), n_both=len(first & second))


def _total(counts: Iterator[Counts]) -> Counts:
    found = list(counts)
    return Counts(
        n_first=sum(each.n_first for each in found),
        n_second=sum(each.n_second for each in found),
        n_both=sum(each.n_both for each in found),
    )


def _by_label(pairs: Sequence[tuple[_Items, _Items]]) -> dict[tuple[str, str], Counts]:
    counts: defaultdict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0, 0])
    for first, second in pairs:
        for name, kind in _KINDS.items():
            for place, side in enumerate((first[name], second[name], first[name] & second[name])):
                for item in side:
                    counts[kind, str(item[-1])][place] += 1
    kinds = list(_KINDS.values())
    ordered = sorted(counts.items(), key=lambda pair: (kinds.index(pair[0][0]), -sum(pair[1][:2]), pair[0]))
    return {
        key: Counts(n_first=first, n_second=second, n_both=both) for key, (first, second, both) in ordered
    }


def _differences(first: Document, second: Document) -> Iterator[Difference]:
    """Yield what two readings differ in, in the order of the text.

    Arguments and factuality are told for triggers that both have: where one lacks the event, that is said.
    """
    found = [
        *_of_spans("entity", _labels_of_entities(first), _labels_of_entities(second), first.text),
        *_of_spans("trigger", _labels_of_triggers(first), _labels_of_triggers(second), first.text),
    ]
    ours, theirs = _events_by_trigger(first), _events_by_trigger(second)
    for span in ours.keys() & theirs.keys():
        event = first.text[slice(*span)]
        mine, yours = ({span: {side[span][0].factuality}} for side in (ours, theirs))
        found += _of_spans(_FACTUALITY, mine, yours, first.text)
        one, other = _labels_of_arguments(ours[span]), _labels_of_arguments(theirs[span])
        found += _of_spans("argument", one, other, first.text, event=event)
    yield from sorted(found, key=lambda each: (each.start, each.end, each.kind, each.event or ""))


def _of_spans(
    kind: str,
    first: Mapping[Span, AbstractSet[str]],
    second: Mapping[Span, AbstractSet[str]],
    text: str,
    *,
    event: str | None = None,
) -> Iterator[Difference]:
    for span in first.keys() | second.keys():
        ours, theirs = first.get(span, frozenset()), second.get(span, frozenset())
        for one, other in zip_longest(sorted(ours - theirs), sorted(theirs - ours)):
            start, end = span
            yield Difference(
                kind=kind, start=start, end=end, text=text[start:end], first=one, second=other, event=event
            )


def _labels_of_entities(document: Document) -> Mapping[Span, AbstractSet[str]]:
    return _collected((entity.start, entity.end, entity.label) for entity in document.entities)


def _labels_of_triggers(document: Document) -> Mapping[Span, AbstractSet[str]]:
    return _collected(map(trigger_span, document.events))


def _labels_of_arguments(events: Sequence[Event]) -> Mapping[Span, AbstractSet[str]]:
    return _collected(
        (argument.start, argument.end, argument.role) for event in events for argument in event.arguments
    )


def _collected(items: Iterator[tuple[int, int, str]]) -> Mapping[Span, AbstractSet[str]]:
    labels: defaultdict[Span, set[str]] = defaultdict(set)
    for start, end, label in items:
        labels[start, end].add(label)
    return labels


def _events_by_trigger(document: Document) -> Mapping[Span, Sequence[Event]]:
    events: defaultdict[Span, list[Event]] = defaultdict(list)
    for event in document.events:
        events[event.trigger.start, event.trigger.end].append(event)
    return events
