"""Calibration: reliability against a brute-force oracle, fits against a search, documents by hand."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from libyaevents.calibrators import KINDS, Calibrator, calibrate, read_calibrators
from libyaevents.documents import Argument, Document, Entity, Event, Trigger
from libyaevents.errors import CheckpointError
from libyaevents.evaluation import evaluate
from libyaevents.evaluation.calibration import (
    cross_validate,
    fit_calibrator,
    fit_calibrators,
    measure_reliability,
)
from tests.test_evaluation import GOLD, PREDICTED

WORD = "سرت"
PROBABILITIES = st.floats(0, 1) | st.sampled_from([0.0, 0.5, 0.9, 1.0])
SAMPLES = st.lists(st.tuples(PROBABILITIES, st.booleans()), min_size=1, max_size=80)
Floats = NDArray[np.float64]


def make_pair(scores: Sequence[float | None], right: Sequence[bool]) -> tuple[Document, Document]:
    """A prediction of entities with scores, and the gold document that has those that are right."""
    text = " ".join([WORD] * len(scores))
    entities = tuple(
        Entity(id=f"T{n}", label="GPE", start=4 * n, end=4 * n + 3, text=WORD, score=score)
        for n, score in enumerate(scores)
    )
    gold = [replace(entity, score=None) for entity, is_right in zip(entities, right, strict=True) if is_right]
    return Document(text=text, entities=tuple(gold)), Document(text=text, entities=entities)


def make_event(*roles: str, trigger: float | None, argument: float | None, number: int = 1) -> Document:
    """A document of one event with arguments over its second word."""
    text = f"قصف {WORD}"
    arguments = tuple(Argument(role=role, start=4, end=7, text=WORD, score=argument) for role in roles)
    word = Trigger(start=0, end=3, text="قصف", score=trigger)
    event = Event(id=f"E{number}", type="AirStrike", trigger=word, arguments=arguments, score=trigger)
    return Document(text=text, events=(event,))


def draw(n: int, slope: float, intercept: float, seed: int = 0) -> tuple[Floats, Floats]:
    """Scores (n,) and whether each is right (n,), whose true calibrator is known."""
    random = np.random.default_rng(seed)
    logits = random.normal(2, 2, n)
    shares = 1 / (1 + np.exp(-(slope * logits + intercept)))
    return 1 / (1 + np.exp(-logits)), (random.random(n) < shares).astype(np.float64)


def penalized_loss(scores: Floats, right: Floats, slope: float, intercept: float) -> float:
    """What a fit minimizes, written out."""
    clipped = np.clip(scores, 1e-6, 1 - 1e-6)
    logits = slope * np.log(clipped / (1 - clipped)) + intercept
    likelihood = np.where(right == 1, -np.logaddexp(0, -logits), -np.logaddexp(0, logits)).sum()
    return float(-likelihood + ((slope - 1) ** 2 + intercept**2) / 2)


# Reliability


def test_reliability_of_a_small_case() -> None:
    """Two groups of equal scores make two bins; the error is the mean of their distances over spans."""
    pair = make_pair([0.9] * 4 + [0.2] * 12, [True, True, True, False] + [True] * 3 + [False] * 9)
    (found,) = measure_reliability([pair]).values()
    assert [(each.n, each.accuracy) for each in found.bins] == [(12, 0.25), (4, 0.75)]
    assert [each.score for each in found.bins] == pytest.approx([0.2, 0.9])
    assert found.error == pytest.approx((12 * 0.05 + 4 * 0.15) / 16)
    assert found.n == 16


def test_bins_have_equal_mass() -> None:
    """Different scores are shared out evenly over fifteen bins of rising score."""
    scores = np.random.default_rng(0).random(150).tolist()
    found = measure_reliability([make_pair(scores, [True] * 150)])["entities"]
    assert [each.n for each in found.bins] == [10] * 15
    assert [each.score for each in found.bins] == sorted(each.score for each in found.bins)


@settings(deadline=None)
@given(SAMPLES, st.randoms(use_true_random=False))
def test_reliability_does_not_depend_on_the_order(sample: list[tuple[float, bool]], random: object) -> None:
    """Spans in another order, or spread over documents, give the same error; it is from 0 to 1."""
    whole = measure_reliability([make_pair(*zip(*sample, strict=True))])["entities"]
    shuffled = sample.copy()
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    parted = measure_reliability([make_pair([score], [right]) for score, right in shuffled])["entities"]
    assert 0 <= whole.error <= 1
    assert parted.error == pytest.approx(whole.error, abs=1e-12)
    assert sum(each.n for each in whole.bins) == whole.n == len(sample)


@settings(deadline=None)
@given(SAMPLES)
def test_bins_are_those_of_the_quantiles(sample: list[tuple[float, bool]]) -> None:
    """Bins and error are those of a loop over spans that counts how many edges each has passed."""
    scores = np.array([score for score, _ in sample])
    edges = [np.quantile(scores, number / 15) for number in range(1, 15)]
    bins: dict[int, list[tuple[float, bool]]] = {}
    for score, right in sample:
        bins.setdefault(sum(score >= edge for edge in edges), []).append((score, right))
    gaps = [abs(sum(score for score, _ in rows) - sum(right for _, right in rows)) for rows in bins.values()]
    found = measure_reliability([make_pair(*zip(*sample, strict=True))])["entities"]
    assert [each.n for each in found.bins] == [len(bins[place]) for place in sorted(bins)]
    assert found.error == pytest.approx(sum(gaps) / len(sample), abs=1e-9)


def test_right_spans_are_those_that_the_scores_count() -> None:
    """As many entities, triggers and arguments are right as match in entity score, TC and AC+."""
    scored = replace(
        PREDICTED,
        entities=tuple(replace(entity, score=0.5) for entity in PREDICTED.entities),
        events=tuple(
            replace(
                event,
                trigger=replace(event.trigger, score=0.5),
                arguments=tuple(replace(argument, score=0.5) for argument in event.arguments),
            )
            for event in PREDICTED.events
        ),
    )
    evaluation = evaluate([GOLD], [scored])
    expected = (evaluation.entity_score, evaluation.events.scores["TC"], evaluation.events.scores["AC+"])
    assert tuple(evaluation.reliability) == KINDS
    for found, score in zip(evaluation.reliability.values(), expected, strict=True):
        assert found.n == score.n_predicted
        assert found.n * found.bins[0].accuracy == pytest.approx(score.n_matched)


def test_spans_without_scores_are_left_out() -> None:
    """Annotation has no scores, and so nothing to be reliable."""
    assert measure_reliability([(GOLD, GOLD)]) == {}
    assert measure_reliability([make_pair([None, 0.5], [True, True])])["entities"].n == 1


# Fitting


@settings(deadline=None, max_examples=50)
@given(SAMPLES)
def test_no_other_calibrator_fits_better(sample: list[tuple[float, bool]]) -> None:
    """Around a fit, and far from it, no slope and intercept have a smaller penalized loss."""
    scores, right = np.array(sample, np.float64).T
    fitted = fit_calibrator(scores, right)
    loss = penalized_loss(scores, right, fitted.slope, fitted.intercept)
    for slope in (fitted.slope, fitted.slope + 0.01, fitted.slope - 0.01, 0.01, 0.3, 1.0, 3.0):
        for intercept in (fitted.intercept, fitted.intercept + 0.01, fitted.intercept - 0.01, -3.0, 0.0, 3.0):
            if slope >= 0.01:
                assert loss <= penalized_loss(scores, right, slope, intercept) + 1e-8


@pytest.mark.parametrize(("slope", "intercept"), [(1.0, 0.0), (0.6, -0.9), (2.0, 0.5), (0.2, 1.0)])
def test_true_calibrator_is_found(slope: float, intercept: float) -> None:
    """From 20,000 spans the fit is the calibrator that they were drawn with."""
    fitted = fit_calibrator(*draw(20_000, slope, intercept))
    assert (fitted.slope, fitted.intercept) == pytest.approx((slope, intercept), abs=0.08)


def test_sure_scores_are_fitted() -> None:
    """Scores of a network that is sure of all it says, and wrong in a fifth of it, do not upset the fit."""
    scores = np.full(1000, 0.99999)
    fitted = fit_calibrator(scores, (np.arange(1000) % 5 > 0).astype(np.float64))
    assert fitted(0.99999) == pytest.approx(0.8, abs=0.01)


def test_order_is_never_turned_around() -> None:
    """Where surer spans are wrong more often, the slope is still above 0, and the mean is right."""
    scores, right = draw(2000, -1.0, 0.0)
    fitted = fit_calibrator(scores, right)
    assert 0 < fitted.slope < 0.1
    assert np.mean([fitted(score) for score in scores]) == pytest.approx(right.mean(), abs=0.02)


def test_little_to_learn_from_changes_little() -> None:
    """One span, or spans that are all right, leave scores near what they were, and a fit is always there."""
    one = fit_calibrator(np.array([0.9]), np.array([1.0]))
    assert one(0.9) == pytest.approx(0.9, abs=0.05)
    certain = fit_calibrator(np.ones(50), np.ones(50))
    assert 0.9 < certain(0.9) < 1
    assert fit_calibrators([]) == {}


# Calibrators


@given(st.floats(0.01, 10), st.floats(-10, 10), st.lists(PROBABILITIES, min_size=2, max_size=9))
def test_a_calibrator_keeps_the_order(slope: float, intercept: float, scores: list[float]) -> None:
    """Calibrated scores are probabilities in the same order; what is certain stays certain."""
    calibrator = Calibrator(slope=slope, intercept=intercept)
    found = [calibrator(score) for score in sorted(scores)]
    assert all(0 <= score <= 1 for score in found)
    assert all(first <= second * (1 + 1e-12) for first, second in pairwise(found))
    assert (calibrator(0.0), calibrator(1.0)) == (0.0, 1.0)


def test_the_default_calibrator_changes_nothing() -> None:
    """With slope 1 and intercept 0 a score is returned as it is."""
    assert [Calibrator()(score) for score in (1e-300, 0.25, 1 - 1e-16)] == pytest.approx([0, 0.25, 1])


def test_calibrators_are_json() -> None:
    """What `asdict` makes of calibrators is read back equal."""
    calibrators = {"entities": Calibrator(slope=0.5, intercept=-1.0), "arguments": Calibrator()}
    assert read_calibrators({kind: asdict(each) for kind, each in calibrators.items()}) == calibrators
    assert read_calibrators({}) == {}


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        {"entity": {"slope": 1.0, "intercept": 0.0}},
        {"entities": [1.0, 0.0]},
        {"entities": {"slope": 0.0, "intercept": 0.0}},
        {"entities": {"slope": float("nan"), "intercept": 0.0}},
        {"entities": {"slope": 1.0, "intercept": float("-inf")}},
        {"entities": {"slope": "1", "intercept": 0.0}},
        {"entities": {"slope": 1.0, "shift": 0.0}},
    ],
    ids=str,
)
def test_malformed_calibrators(value: object) -> None:
    """Unknown kinds, and numbers that are absent, no numbers or out of range, are refused."""
    with pytest.raises(CheckpointError, match=r"config\.json has calibrators .*: expected some of entities"):
        read_calibrators(value)


# Documents


CALIBRATORS = {
    "entities": Calibrator(slope=0.5),
    "triggers": Calibrator(intercept=-1.0),
    "arguments": Calibrator(slope=2.0),
}


def test_scores_of_a_document() -> None:
    """An event has its trigger's score, an argument the product of both calibrated factors."""
    (event,) = calibrate(make_event("Place", trigger=0.8, argument=0.8 * 0.6), CALIBRATORS).events
    trigger = Calibrator(intercept=-1.0)(0.8)
    assert (event.score, event.trigger.score) == (trigger, trigger)
    assert event.arguments[0].score == pytest.approx(trigger * Calibrator(slope=2.0)(0.6))
    _, document = make_pair([0.9, None], [True, True])
    first, second = calibrate(document, CALIBRATORS).entities
    assert (first.score, second.score) == (Calibrator(slope=0.5)(0.9), None)


@pytest.mark.parametrize("trigger", [1.0, None])
def test_given_triggers_are_certain(trigger: float | None) -> None:
    """Where a trigger was given, its argument has the score that it has when the trigger is right."""
    (event,) = calibrate(make_event("Place", trigger=trigger, argument=0.6), CALIBRATORS).events
    assert (event.score, event.trigger.score) == (trigger, trigger)
    assert event.arguments[0].score == pytest.approx(Calibrator(slope=2.0)(0.6))


def test_hopeless_scores() -> None:
    """A trigger of score 0 has arguments of score 0."""
    (event,) = calibrate(make_event("Place", trigger=0.0, argument=0.0), CALIBRATORS).events
    assert (event.score, event.arguments[0].score) == (0.0, 0.0)


def test_without_calibrators_scores_stay() -> None:
    """A model without calibrators, or without one for a kind, gives its own scores."""
    document = make_event("Place", trigger=0.8, argument=0.4)
    assert calibrate(document, {}) is document
    (event,) = calibrate(document, {"entities": Calibrator(slope=9.0)}).events
    assert (event.score, event.arguments[0].score) == pytest.approx((0.8, 0.4))


def test_documents_without_scores_stay() -> None:
    """Nothing but scores changes, so a document that has none is the same after."""
    assert calibrate(PREDICTED, CALIBRATORS) == PREDICTED


def test_arguments_are_fitted_on_right_triggers() -> None:
    """An argument is no worse for a wrong trigger: that is what the trigger's score says already."""
    right, wrong = make_event("Place", trigger=0.5, argument=0.45), make_event(trigger=None, argument=None)
    others = [(replace(wrong, events=()), right)] * 300
    calibrators = fit_calibrators([(right, right)] * 300 + others)
    assert calibrators["triggers"](0.5) == pytest.approx(0.5, abs=0.01)
    assert calibrators["arguments"](0.9) > 0.99
    (event,) = calibrate(right, calibrators).events
    assert event.arguments[0].score == pytest.approx(0.5, abs=0.01)


# Cross-validation


def overconfident(n_documents: int, seed: int) -> list[tuple[Document, Document]]:
    """Documents of 40 entities whose scores are too high."""
    pairs = []
    for number in range(n_documents):
        scores, right = draw(40, 0.6, -0.9, seed=seed + number)
        pairs.append(make_pair(scores.tolist(), (right == 1).tolist()))
    return pairs


def test_cross_validated_scores_are_more_reliable() -> None:
    """Scores of held-out documents that are too high become right about as often as they say."""
    pairs = overconfident(60, seed=1)
    before, after = (measure_reliability(each)["entities"].error for each in (pairs, cross_validate(pairs)))
    assert before > 0.15
    assert after < 0.04


def test_held_out_documents_do_not_teach() -> None:
    """What is right in a document has no part in its own calibrated scores, but in those of the others."""
    pairs = overconfident(10, seed=2)
    spoilt = [(replace(pairs[3][0], entities=()), pairs[3][1])]
    again = cross_validate([*pairs[:3], *spoilt, *pairs[4:]])
    before = cross_validate(pairs)
    assert [n for n in range(10) if again[n][1] == before[n][1]] == [3, 8]


def test_one_document_stays_as_it_is() -> None:
    """Where there is no other document, nothing is learnt."""
    (pair,) = overconfident(1, seed=3)
    assert cross_validate([pair]) == [pair]
    assert cross_validate([]) == []
