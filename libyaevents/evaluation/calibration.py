"""Whether scores are right as often as they say, and two numbers for each kind of span that make them so.

In: pairs of a gold document and a prediction whose spans have scores. Out: how reliable the scores are, and
calibrators, which give a document honest ones.

A predicted entity is right as in the entity score, a trigger as in TC, an argument as in AC+ (see `items`). A
model's score of an argument is its trigger's score times the probability of the argument where the trigger is
right. The two factors are calibrated each by itself, so that the product also holds where triggers are given.

Source: bins of equal mass after Nixon et al. (2019), Measuring Calibration in Deep Learning, since most
scores lie near 1, where the equal widths of Guo et al. (2017), On Calibration of Modern Neural Networks,
would put them into one bin.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from libyaevents.documents import Argument, Document, Event
from libyaevents.errors import CheckpointError
from libyaevents.evaluation.items import attached_argument, entity_span, entity_spans, trigger_span
from libyaevents.evaluation.report import Reliability, ReliabilityBin
from libyaevents.records import fill

__all__ = [
    "KINDS",
    "Calibrator",
    "calibrate",
    "cross_validate",
    "fit_calibrator",
    "fit_calibrators",
    "measure_reliability",
    "read_calibrators",
]

KINDS = ("entities", "triggers", "arguments")
N_BINS = 15
N_FOLDS = 5
SMALLEST_SLOPE = 0.01  # a calibrator never turns the order of scores around
CLIP = 1e-6  # scores nearer to 0 or 1 are fitted as if they were so far away
PRIOR = np.array([1.0, 0.0])  # a slope and an intercept that change nothing, with variance 1
MAX_STEPS, CONVERGED = 100, 1e-9

Pair = tuple[Document, Document]
_Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibrator:
    """Maps a score p to sigmoid(slope · logit(p) + intercept); 0 and 1 stay, the slope is above 0.

    Source: Platt (1999), Probabilistic Outputs for Support Vector Machines.
    """

    slope: float = 1.0
    intercept: float = 0.0

    def __call__(self, score: float) -> float:
        """Return the calibrated score, from 0 to 1."""
        if not 0 < score < 1:
            return score
        logit = self.slope * (math.log(score) - math.log1p(-score)) + self.intercept
        odds = math.exp(-abs(logit))  # of the less likely side, so that nothing overflows
        return (1.0 if logit > 0 else odds) / (1.0 + odds)


Calibrators = Mapping[str, Calibrator]


def read_calibrators(value: Any) -> dict[str, Calibrator]:
    """Read calibrators by kind from their JSON types.

    Raises:
        CheckpointError: a kind is unknown, or a number is absent, not finite or, for a slope, not above 0.
    """
    try:
        found = {str(kind): Calibrator(**numbers) for kind, numbers in value.items()}
        are_valid = all(
            kind in KINDS and 0 < each.slope < math.inf and abs(each.intercept) < math.inf
            for kind, each in found.items()
        )
    except (AttributeError, TypeError):
        are_valid = False
    if not are_valid:
        raise CheckpointError(
            f"config.json has calibrators {value!r}: expected some of {', '.join(KINDS)}, each with a slope "
            "above 0 and an intercept; copy the model folder anew"
        )
    return found


def measure_reliability(pairs: Sequence[Pair]) -> dict[str, Reliability]:
    """Compare scores with the shares that are right, by kind; a kind without scores is left out."""
    return {kind: _measure(*sample) for kind, sample in _samples(pairs).items()}


def fit_calibrators(pairs: Sequence[Pair]) -> dict[str, Calibrator]:
    """Fit a calibrator for each kind on a model's own scores, that is, on what was not calibrated yet."""
    samples = _samples(pairs, given_triggers=True)
    return {kind: fit_calibrator(*sample) for kind, sample in samples.items()}


def calibrate(document: Document, calibrators: Calibrators) -> Document:
    """Put calibrated scores in place of a model's own; a kind without a calibrator keeps its scores."""
    if not calibrators:
        return document
    of_entities, of_triggers, of_arguments = (calibrators.get(kind, Calibrator()) for kind in KINDS)

    def calibrated(event: Event) -> Event:
        trigger = fill(event.trigger, score=_apply(of_triggers, event.trigger.score))
        certainty = 1.0 if trigger.score is None else trigger.score
        arguments = (
            fill(each, score=_apply(of_arguments, _given_trigger(event, each), times=certainty))
            for each in event.arguments
        )
        score = _apply(of_triggers, event.score)
        return fill(event, trigger=trigger, arguments=tuple(arguments), score=score)

    entities = (fill(each, score=_apply(of_entities, each.score)) for each in document.entities)
    return fill(document, entities=tuple(entities), events=tuple(map(calibrated, document.events)))


def cross_validate(pairs: Sequence[Pair]) -> list[Pair]:
    """Calibrate each fifth of the documents by what the others say; one document alone stays as it is."""
    folds = [pairs[number::N_FOLDS] for number in range(N_FOLDS)]
    calibrators = [
        fit_calibrators([pair for fold in folds if fold is not held_out for pair in fold])
        for held_out in folds
    ]
    return [
        (gold, calibrate(predicted, calibrators[number % N_FOLDS]))
        for number, (gold, predicted) in enumerate(pairs)
    ]


def fit_calibrator(scores: _Floats, right: _Floats) -> Calibrator:
    """Fit by penalized likelihood, which the prior keeps near no change where there is little to learn from.

    Args:
        scores: from 0 to 1. *Shape:* (spans,).
        right: 1 where the span is right, else 0. *Shape:* (spans,).
    """
    clipped = np.clip(scores, CLIP, 1 - CLIP)
    logits = np.log(clipped) - np.log1p(-clipped)
    ones = np.ones_like(logits)
    slope, intercept = _newton(np.stack([logits, ones], axis=-1), right, PRIOR, np.zeros_like(logits))
    if slope < SMALLEST_SLOPE:  # the problem is convex: the best slope that is admitted is the smallest
        slope = SMALLEST_SLOPE
        (intercept,) = _newton(ones[:, np.newaxis], right, PRIOR[1:], slope * logits)
    return Calibrator(slope=float(slope), intercept=float(intercept))


def _newton(features: _Floats, right: _Floats, prior: _Floats, offset: _Floats) -> _Floats:
    """Weights (features,) of the logistic regression with features (spans, features), by damped steps."""

    def loss(weights: _Floats) -> float:
        logits = offset + features @ weights
        penalty = ((weights - prior) ** 2).sum() / 2
        return float(np.logaddexp(0, logits).sum() - right @ logits + penalty)

    weights = prior
    for _ in range(MAX_STEPS):
        shares = np.exp(-np.logaddexp(0, -(offset + features @ weights)))
        gradient = features.T @ (shares - right) + weights - prior
        curvature = (features.T * (shares * (1 - shares))) @ features + np.eye(len(prior))
        step = np.linalg.solve(curvature, gradient)
        while loss(weights - step) > loss(weights):  # a whole step overshoots where shares are near 0 or 1
            step = step / 2
        weights = weights - step
        if gradient @ step < CONVERGED:
            break
    return weights


def _measure(scores: _Floats, right: _Floats) -> Reliability:
    """Sort spans into bins by quantiles of the scores; equal scores share a bin."""
    edges = np.quantile(scores, np.arange(1, N_BINS) / N_BINS)
    places = np.searchsorted(edges, scores, side="right")
    bins = []
    for place in np.unique(places):
        here = places == place
        score, accuracy = float(scores[here].mean()), float(right[here].mean())
        bins.append(ReliabilityBin(n=int(here.sum()), score=score, accuracy=accuracy))
    error = sum(each.n * abs(each.score - each.accuracy) for each in bins) / len(scores)
    return Reliability(error=error, n=len(scores), bins=tuple(bins))


def _samples(pairs: Sequence[Pair], *, given_triggers: bool = False) -> dict[str, tuple[_Floats, _Floats]]:
    """Scores (spans,) by kind, and 1 where a span is right (spans,); spans without a score are left out."""
    found: dict[str, list[tuple[float, bool]]] = {kind: [] for kind in KINDS}
    for pair in pairs:
        for kind, score, right in _judge(*pair, given_triggers=given_triggers):
            if score is not None:
                found[kind].append((score, right))
    columns = {kind: np.array(rows, np.float64).T for kind, rows in found.items() if rows}
    return {kind: (scores, right) for kind, (scores, right) in columns.items()}


def _judge(
    gold: Document, predicted: Document, *, given_triggers: bool
) -> Iterator[tuple[str, float | None, bool]]:
    """Yield kind and score of each predicted span, and whether the span is right.

    With `given_triggers`, of the arguments only those of right triggers, with their scores given the trigger.
    """
    entities, triggers = entity_spans(gold), set(map(trigger_span, gold.events))
    arguments = {attached_argument(event, each) for event in gold.events for each in event.arguments}
    for entity in predicted.entities:
        yield "entities", entity.score, entity_span(entity) in entities
    for event in predicted.events:
        is_right = trigger_span(event) in triggers
        yield "triggers", event.trigger.score, is_right
        for each in event.arguments if is_right or not given_triggers else ():
            score = _given_trigger(event, each) if given_triggers else each.score
            yield "arguments", score, attached_argument(event, each) in arguments


def _given_trigger(event: Event, argument: Argument) -> float | None:
    """The score of an argument if its trigger were right; a trigger without a score is taken for right."""
    trigger = event.trigger.score
    if argument.score is None or trigger is None:
        return argument.score
    return min(argument.score / trigger, 1.0) if trigger > 0 else 0.0


def _apply(calibrator: Calibrator, score: float | None, *, times: float = 1.0) -> float | None:
    return None if score is None else times * calibrator(score)
