"""Scores of predicted documents against gold ones; in: two lists of documents, out: an `Evaluation`.

Two views of the same predictions, both strict:

- Tags (`sequences`): IOB2 over the words of each sentence, scored by seqeval. Entities and triggers have one
  sequence a sentence; roles have two for each trigger in the union of gold and predicted triggers, one for
  Source and one for the other roles, and a side that lacks the trigger is all `O`.
- Items (`items`): what a document says, as a set of offset-exact items, with bootstrap intervals.

Where predicted spans have scores, `calibration` says how far these can be taken at their word.
"""

from collections.abc import Sequence

from libyaevents.documents import Document
from libyaevents.errors import ConfigError
from libyaevents.evaluation.calibration import measure_reliability
from libyaevents.evaluation.items import bootstrap_weights, entity_score, event_report
from libyaevents.evaluation.matching import check_triggers, match_documents
from libyaevents.evaluation.report import (
    Confusion,
    Evaluation,
    EventReport,
    FactualityScore,
    Reliability,
    ReliabilityBin,
    Score,
    TagReport,
    TagScore,
)
from libyaevents.evaluation.sequences import tag_reports

__all__ = [
    "Confusion",
    "Evaluation",
    "EventReport",
    "FactualityScore",
    "Reliability",
    "ReliabilityBin",
    "Score",
    "TagReport",
    "TagScore",
    "evaluate",
]


def evaluate(
    gold: Sequence[Document],
    predicted: Sequence[Document],
    *,
    with_gold_triggers: Sequence[Document] | None = None,
    n_resamples: int = 1000,
    seed: int = 0,
) -> Evaluation:
    """Score predicted documents against gold ones, matched by id (by position where no document has an id).

    `with_gold_triggers` holds predictions of arguments and factuality for the gold triggers.

    Raises:
        ConfigError: `n_resamples` is below 1.
        CorpusError: There is no gold document, or the lists differ in length or ids.
        DocumentError: Two matched documents differ in text, or `with_gold_triggers` in triggers.
        MissingExtraError: seqeval is not installed.
    """
    if n_resamples < 1:
        raise ConfigError(f"n_resamples: expected at least 1, found {n_resamples}; 1000 is usual")
    pairs = match_documents(gold, predicted, side="predicted")
    weights = bootstrap_weights(len(pairs), n_resamples, seed)
    gold_trigger_report = None
    if with_gold_triggers is not None:
        gold_trigger_pairs = match_documents(gold, with_gold_triggers, side="with_gold_triggers")
        check_triggers(gold_trigger_pairs)
        gold_trigger_report = event_report(gold_trigger_pairs, weights, gold_triggers=True)
    entities, triggers, roles = tag_reports(pairs)
    return Evaluation(
        n_documents=len(pairs),
        n_resamples=n_resamples,
        seed=seed,
        entity_score=entity_score(pairs, weights),
        events=event_report(pairs, weights),
        events_with_gold_triggers=gold_trigger_report,
        entities=entities,
        triggers=triggers,
        roles=roles,
        reliability=measure_reliability(pairs),
    )
