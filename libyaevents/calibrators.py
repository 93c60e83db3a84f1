"""Two numbers for each kind of span that turn a model's scores into honest ones; fitted by `evaluation`.

In: a document whose spans have a model's own scores, and the calibrators in its config.json. Out: the
document with scores that are right as often as they say.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from libyaevents.documents import Argument, Document, Event
from libyaevents.errors import CheckpointError
from libyaevents.records import fill

__all__ = ["KINDS", "Calibrator", "calibrate", "read_calibrators", "score_given_trigger"]

KINDS = ("entities", "triggers", "arguments")


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


def calibrate(document: Document, calibrators: Calibrators) -> Document:
    """Put calibrated scores in place of a model's own; a kind without a calibrator keeps its scores."""
    if not calibrators:
        return document
    of_entities, of_triggers, of_arguments = (calibrators.get(kind, Calibrator()) for kind in KINDS)

    def calibrated(event: Event) -> Event:
        trigger = fill(event.trigger, score=_apply(of_triggers, event.trigger.score))
        certainty = 1.0 if trigger.score is None else trigger.score
        arguments = (
            fill(each, score=_apply(of_arguments, score_given_trigger(event, each), times=certainty))
            for each in event.arguments
        )
        score = _apply(of_triggers, event.score)
        return fill(event, trigger=trigger, arguments=tuple(arguments), score=score)

    entities = (fill(each, score=_apply(of_entities, each.score)) for each in document.entities)
    return fill(document, entities=tuple(entities), events=tuple(map(calibrated, document.events)))


def score_given_trigger(event: Event, argument: Argument) -> float | None:
    """The score of an argument if its trigger were right; a trigger without a score is taken for right."""
    trigger = event.trigger.score
    if argument.score is None or trigger is None:
        return argument.score
    return min(argument.score / trigger, 1.0) if trigger > 0 else 0.0


def _apply(calibrator: Calibrator, score: float | None, *, times: float = 1.0) -> float | None:
    return None if score is None else times * calibrator(score)
