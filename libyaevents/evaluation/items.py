"""Scores over what documents say, item by item, with bootstrap intervals over documents.

An item is a tuple of exact offsets and labels. TI is a trigger's span, TC its span and event type; AI is an
event type and an argument's span, AC the same with the role; AI+ and AC+ name the trigger's span as well.
Items are compared within one document, as sets: what is said twice counts once, so events with the same
trigger and type count as one event with the arguments of both.

Source: AI+ and AC+ as in TextEE (Huang et al., 2024).
"""

from collections import Counter
from collections.abc import Iterable, Sequence, Set

import numpy as np
from numpy.typing import NDArray

from libyaevents.documents import Argument, Document, Entity, Event
from libyaevents.evaluation.report import Confusion, EventReport, FactualityScore, Score

__all__ = [
    "LabeledSpan",
    "attached_argument",
    "bootstrap_weights",
    "entity_score",
    "entity_span",
    "entity_spans",
    "event_report",
    "trigger_span",
]

LabeledSpan = tuple[int, int, str]

# Where an item has a label to break scores down by, it stands last.
_Item = tuple[int | str, ...]
_ItemPair = tuple[Set[_Item], Set[_Item]]
_Floats = NDArray[np.float64]

_INTERVAL_PERCENT = (2.5, 97.5)


def bootstrap_weights(n_documents: int, n_resamples: int, seed: int) -> _Floats:
    """Draw how often each resample holds each document: (resamples, documents).

    One draw serves all scores, whose intervals are then over the same resamples.
    """
    shares = np.full(n_documents, 1 / n_documents)
    draws = np.random.default_rng(seed).multinomial(n_documents, shares, size=n_resamples)
    return draws.astype(np.float64)


def entity_span(entity: Entity) -> LabeledSpan:
    """Return the entity's span with its label."""
    return (entity.start, entity.end, entity.label)


def entity_spans(document: Document) -> set[LabeledSpan]:
    """Return the entities' spans with their labels."""
    return set(map(entity_span, document.entities))


def trigger_span(event: Event) -> LabeledSpan:
    """Return the trigger's span with the event type."""
    return (event.trigger.start, event.trigger.end, event.type)


def attached_argument(event: Event, argument: Argument) -> tuple[int, int, str, int, int, str]:
    """Return the trigger's span with the event type, then the argument's with its role: an item of AC+."""
    return (*trigger_span(event), argument.start, argument.end, argument.role)


def entity_score(pairs: Sequence[tuple[Document, Document]], weights: _Floats) -> Score:
    """Score entities by span and label."""
    return _score([(entity_spans(gold), entity_spans(predicted)) for gold, predicted in pairs], weights)


def event_report(
    pairs: Sequence[tuple[Document, Document]], weights: _Floats, *, gold_triggers: bool = False
) -> EventReport:
    """Score events; where their triggers are gold ones, only arguments and factuality."""
    items = [(_event_items(gold), _event_items(predicted)) for gold, predicted in pairs]
    names = ("AI", "AC", "AI+", "AC+") if gold_triggers else ("TI", "TC", "AI", "AC", "AI+", "AC+")
    by_name = {name: [(gold[name], predicted[name]) for gold, predicted in items] for name in names}
    return EventReport(
        scores={name: _score(item_pairs, weights) for name, item_pairs in by_name.items()},
        by_type=_scores_by_label(by_name.get("TC", ()), weights),
        by_role=_scores_by_label(by_name["AC+"], weights),
        factuality=_factuality_score(
            [_factuality_items(gold, predicted) for gold, predicted in pairs], weights
        ),
        confusions=_confusions(by_name.get("TC", ())),
    )


def _event_items(document: Document) -> dict[str, Set[_Item]]:
    triggers = [(trigger_span(event), event) for event in document.events]
    arguments = [
        (trigger, (argument.start, argument.end), argument.role)
        for trigger, event in triggers
        for argument in event.arguments
    ]
    return {
        "TI": {(start, end) for (start, end, _), _ in triggers},
        "TC": {trigger for trigger, _ in triggers},
        "AI": {(trigger[2], *span) for trigger, span, _ in arguments},
        "AC": {(trigger[2], *span, role) for trigger, span, role in arguments},
        "AI+": {(*trigger, *span) for trigger, span, _ in arguments},
        "AC+": {attached_argument(event, each) for _, event in triggers for each in event.arguments},
    }


def _factuality_items(gold: Document, predicted: Document) -> _ItemPair:
    # Of events with the same trigger and type the first speaks; the later keys of a dict would win.
    of_gold = {trigger_span(event): event.factuality for event in reversed(gold.events)}
    of_predicted = {trigger_span(event): event.factuality for event in reversed(predicted.events)}
    shared = of_gold.keys() & of_predicted.keys()
    return {(*key, of_gold[key]) for key in shared}, {(*key, of_predicted[key]) for key in shared}


def _factuality_score(pairs: Sequence[_ItemPair], weights: _Floats) -> FactualityScore:
    # Both sides hold one item for each trigger that they share, so that F1 is accuracy.
    score = _score(pairs, weights)
    return FactualityScore(
        accuracy=score.f1,
        low=score.low,
        high=score.high,
        n=score.n_gold,
        n_correct=score.n_matched,
        by_class=_scores_by_label(pairs, weights),
        confusions=_confusions(pairs),
    )


def _confusions(pairs: Iterable[_ItemPair]) -> tuple[Confusion, ...]:
    """The labels of items that the sides have in common but for the label."""
    counts: Counter[tuple[str, str]] = Counter()
    for gold, predicted in pairs:
        labels: dict[_Item, list[str]] = {}
        for item in predicted - gold:
            labels.setdefault(item[:-1], []).append(str(item[-1]))
        for item in gold - predicted:
            counts.update((str(item[-1]), label) for label in labels.get(item[:-1], ()))
    ordered = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    return tuple(Confusion(gold=gold, predicted=predicted, n=n) for (gold, predicted), n in ordered)


def _scores_by_label(pairs: Sequence[_ItemPair], weights: _Floats) -> dict[str, Score]:
    labels = {str(item[-1]) for pair in pairs for side in pair for item in side}
    return {
        label: _score(
            [(_labeled(gold, label), _labeled(predicted, label)) for gold, predicted in pairs], weights
        )
        for label in sorted(labels)
    }


def _labeled(items: Set[_Item], label: str) -> set[_Item]:
    return {item for item in items if item[-1] == label}


def _score(pairs: Sequence[_ItemPair], weights: _Floats) -> Score:
    counts = np.array([(len(gold), len(predicted), len(gold & predicted)) for gold, predicted in pairs])
    n_gold, n_predicted, n_matched = counts.sum(axis=0).tolist()
    low, high = _f1_interval(weights @ counts)
    return Score(
        precision=n_matched / max(n_predicted, 1),
        recall=n_matched / max(n_gold, 1),
        f1=2 * n_matched / max(n_gold + n_predicted, 1),
        low=low,
        high=high,
        n_gold=n_gold,
        n_predicted=n_predicted,
        n_matched=n_matched,
    )


def _f1_interval(counts: _Floats) -> tuple[float, float]:
    """Bound F1 over resamples, given their counts of gold, predicted and matched items: (resamples, 3).

    A resample without any item has no F1 and is left out: as a 0 it would pull down the bound of a rare label
    that is always found.
    """
    totals = counts[:, 0] + counts[:, 1]
    defined = totals > 0
    if not defined.any():
        return 0.0, 0.0
    low, high = np.percentile(2 * counts[defined, 2] / totals[defined], _INTERVAL_PERCENT).tolist()
    return low, high
