"""What an evaluation returns: scores by name, as objects, as JSON types and as tables for the terminal."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

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
]

N_CONFUSIONS = 12  # shown in the table; the report holds all
FEWEST_CONFUSED = 2

_LEGEND = (
    "TI: trigger span. TC: with event type. AI: event type and argument span.\n"
    "AC: with role. AI+, AC+: attached to the right trigger.\n"
    "Factuality: accuracy over gold events whose trigger and type were predicted."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """Micro precision, recall and F1 from 0 to 1, 0 where undefined.

    `low` and `high` bound the 95% percentile bootstrap interval of F1 over documents.
    """

    precision: float
    recall: float
    f1: float
    low: float
    high: float
    n_gold: int
    n_predicted: int
    n_matched: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Confusion:
    """How often a trigger of the one label was given the other."""

    gold: str
    predicted: str
    n: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FactualityScore:
    """Accuracy from 0 to 1 over the `n` gold events whose trigger and type were predicted, 0 where `n` is 0.

    `low` and `high` bound the 95% percentile bootstrap interval over documents. `confusions` are the wrong
    values, the commonest first.
    """

    accuracy: float
    low: float
    high: float
    n: int
    n_correct: int
    by_class: Mapping[str, Score]
    confusions: tuple[Confusion, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EventReport:
    """Scores by name, TC by event type, AC+ by role, and factuality.

    With gold triggers, TI and TC are 1 by construction and left out. `confusions` are the wrong types of
    triggers whose span is right, the commonest first.
    """

    scores: Mapping[str, Score]
    by_type: Mapping[str, Score]
    by_role: Mapping[str, Score]
    factuality: FactualityScore
    confusions: tuple[Confusion, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TagScore:
    """One row of seqeval's report; `support` is the number of gold spans."""

    precision: float
    recall: float
    f1: float
    support: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TagReport:
    """seqeval's strict IOB2 report: its text, its rows by label, and its micro average.

    The counts are over gold and predicted spans together. `n_unaligned` are no run of whole words of one
    sentence, `n_overlapping` share a word with a longer span of their sequence; the report leaves out both.
    """

    text: str
    by_label: Mapping[str, TagScore]
    micro: TagScore
    n_spans: int
    n_unaligned: int
    n_overlapping: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReliabilityBin:
    """Predicted spans of neighboring scores: how many, their mean score, and the share that is right."""

    n: int
    score: float
    accuracy: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Reliability:
    """How far the scores of `n` predicted spans are from the shares that are right, by bins of rising score.

    `error` is the expected calibration error, from 0 to 1: the distance between mean score and accuracy of a
    span's bin, averaged over spans.
    """

    error: float
    n: int
    bins: tuple[ReliabilityBin, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """All scores of one evaluation; `entities`, `triggers` and `roles` are the tag reports.

    `reliability` is that of the predicted entities, triggers and arguments, as far as these have scores.
    """

    n_documents: int
    n_resamples: int
    seed: int
    entity_score: Score
    events: EventReport
    events_with_gold_triggers: EventReport | None
    entities: TagReport
    triggers: TagReport
    roles: TagReport
    reliability: Mapping[str, Reliability]

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as JSON types, keyed by field name; numbers are not rounded."""
        data: dict[str, Any] = json.loads(json.dumps(asdict(self)))  # tuples become lists
        return data

    def to_text(self) -> str:
        """Return tables for a terminal of 80 columns: events with intervals first, then seqeval's reports."""
        blocks = [
            f"{self.n_documents} documents; 95% bootstrap intervals of F1 over documents\n"
            f"({self.n_resamples} resamples, seed {self.seed}).\n{_LEGEND}",
            _event_table("Predicted triggers", self.events),
        ]
        if self.events_with_gold_triggers is not None:
            blocks.append(_event_table("Gold triggers", self.events_with_gold_triggers))
        if self.reliability:
            blocks.append(_reliability_line(self.reliability))
        blocks += [
            _table("Entities", {"span and label": self.entity_score}),
            _table("TC by event type", self.events.by_type),
            _confusion_table("Event types confused", self.events.confusions),
            _table("AC+ by role", self.events.by_role),
            _table("Factuality by class", self.events.factuality.by_class),
            _confusion_table("Factuality confused", self.events.factuality.confusions),
            _tag_text("Entities", self.entities),
            _tag_text("Triggers", self.triggers),
            _tag_text("Roles per trigger", self.roles),
        ]
        return "\n\n".join(filter(None, blocks)) + "\n"


def _event_table(title: str, report: EventReport) -> str:
    score = report.factuality
    ratios = f"{score.accuracy:21.3f}  {_interval(score.low, score.high)}"
    return f"{_table(title, report.scores)}\n  {'Factuality':18}{ratios}{score.n:6}{'':10}{score.n_correct:8}"


def _reliability_line(reliability: Mapping[str, Reliability]) -> str:
    errors = ", ".join(f"{kind} {found.error:.3f}" for kind, found in reliability.items())
    return f"Expected calibration error: {errors}"


def _table(title: str, scores: Mapping[str, Score]) -> str:
    header = f"{title:20}{'P':>7}{'R':>7}{'F1':>7}  {'interval':13}{'gold':>6}{'predicted':>10}{'matched':>8}"
    return "\n".join([header, *(_row(name, score) for name, score in scores.items())])


def _row(name: str, score: Score) -> str:
    ratios = f"{score.precision:7.3f}{score.recall:7.3f}{score.f1:7.3f}  {_interval(score.low, score.high)}"
    return f"  {name:18}{ratios}{score.n_gold:6}{score.n_predicted:10}{score.n_matched:8}"


def _confusion_table(title: str, confusions: Sequence[Confusion]) -> str:
    shown = [confusion for confusion in confusions[:N_CONFUSIONS] if confusion.n >= FEWEST_CONFUSED]
    if not shown:
        return ""
    rows = [f"  {each.gold:18} taken for {each.predicted:18}{each.n:6}" for each in shown]
    n_left = sum(confusion.n for confusion in confusions[len(shown) :])
    return "\n".join([title, *rows, *([f"  {'others':46}{n_left:6}"] if n_left else [])])


def _interval(low: float, high: float) -> str:
    return f"{low:.3f} – {high:.3f}"


def _tag_text(title: str, report: TagReport) -> str:
    n_left_out = report.n_unaligned + report.n_overlapping
    share = n_left_out / max(report.n_spans, 1)
    return (
        f"{title} (seqeval, strict IOB2)\n{report.text.rstrip()}\n\n"
        f"Left out: {n_left_out} of {report.n_spans} gold and predicted spans ({share:.1%}):\n"
        f"{report.n_unaligned} no run of whole words, {report.n_overlapping} overlapping a longer one"
    )
