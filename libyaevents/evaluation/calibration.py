"""Whether scores are right as often as they say, and the calibrators that make them so.

In: pairs of a gold document and a prediction whose spans have scores. Out: how reliable the scores are, and
`calibrators` fitted to them.

A predicted entity is right as in the entity score, a trigger as in TC, an argument as in AC+ (see `items`). A
model's score of an argument is its trigger's score times the probability of the argument where the trigger is
right. The two factors are calibrated each by itself, so that the product also holds where triggers are given.

Source: bins of equal mass after Nixon et al. (2019), Measuring Calibration in Deep Learning, since most
scores lie near 1, where the equal widths of Guo et al. (2017), On Calibration of Modern Neural Networks,
would put them into one bin.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from libyaevents.calibrators import KINDS, Calibrator, calibrate, score_given_trigger
from libyaevents.documents import Document
from libyaevents.evaluation.items import attached_argument, entity_span, entity_spans, trigger_span
from libyaevents.evaluation.report import Reliability, ReliabilityBin

__all__ = [
    "cross_validate",
    "fit_calibrator",
    "fit_calibrators",
    "measure_reliability",
]

N_BINS = 15
N_FOLDS = 5
SMALLEST_SLOPE = 0.01  # a calibrator never turns the order of scores around
CLIP = 1e-6  # scores nearer to 0 or 1 are fitted as if they were so far away
PRIOR = np.array([1.0, 0.0])  # a slope and an intercept that change nothing, with variance 1
MAX_STEPS, CONVERGED = 100, 1e-9

Pair = tuple[Document, Document]
_Floats = NDArray[np.float64]


def measure_reliability(pairs: Sequence[Pair]) -> dict[str, Reliability]:
    """Compare scores with the shares that are right, by kind; a kind without scores is left out."""
    return {kind: _measure(*sample) for kind, sample in _samples(pairs).items()}


def fit_calibrators(pairs: Sequence[Pair]) -> dict[str, Calibrator]:
    """Fit a calibrator for each kind on a model's own scores, that is, on what was not calibrated yet."""
    samples = _samples(pairs, given_triggers=True)
    return {kind: fit_calibrator(*sample) for kind, sample in samples.items()}


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
            score = score_given_trigger(event, each) if given_triggers else each.score
            yield "arguments", score, attached_argument(event, each) in arguments
