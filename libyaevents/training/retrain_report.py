"""What a retraining did: its figures, as JSON types and as a page of Markdown; `retrain_page` draws them."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from libyaevents.markup import visible
from libyaevents.training.config import RetrainConfig
from libyaevents.training.probe import OVERALL, Change, Example

__all__ = [
    "CANDIDATE",
    "DROP_RULE",
    "KIND_TITLES",
    "RetrainReport",
    "facts_of",
    "overall",
    "percent",
    "points",
    "shown_examples",
]

CANDIDATE = "candidate"  # the folder of the training, in that of the run
MOST_NAMED = 6  # classes that dropped, in the verdict; the tables mark all
N_EXAMPLES = 12  # shown of what was lost, and of what was found; the JSON has all
DROP_RULE = (
    "A class has dropped where at least five articles have it and F1 after lies below the interval before, "
    "or where chance alone would make any class drop as far in at most 5 % of the cases."
)
KIND_TITLES = {
    OVERALL: "Overall",
    "entity": "Entity types",
    "event": "Event types (TC)",
    "role": "Roles (AC+)",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrainReport:
    """What was added, what it did to the probe, and whether the model was accepted.

    `added` and `replayed` are sizes and hashes as in a
    `TrainingReport`. `changes` are on the probe, `on_added` on the added articles themselves, which the new
    model was trained on and the old one was not. `n_probe_seen` of the probe's documents the starting model
    was trained on. `calibration` is the expected calibration error on the probe, before and after.
    """

    config: RetrainConfig
    added: Mapping[str, Any]
    replayed: Mapping[str, Any]
    new_labels: tuple[str, ...]
    contradictions: tuple[str, ...]
    probe_sha256: str
    n_probe: int
    n_probe_seen: int
    changes: tuple[Change, ...]
    on_added: tuple[Change, ...]
    calibration: Mapping[str, tuple[float, float]]
    examples: tuple[Example, ...]
    seconds: float
    cpu_seconds: float

    @property
    def is_accepted(self) -> bool:
        """Whether the model took its place in `config.output`."""
        return self.config.force or not (self.dropped or self.contradictions)

    @property
    def model(self) -> Path:
        """Where the model lies: accepted ones in the folder of the run, others in that of the training."""
        output = self.config.output
        return output / "model" if self.is_accepted else output / CANDIDATE / "model"

    @property
    def dropped(self) -> tuple[Change, ...]:
        """The overall figures and classes that are read worse."""
        return tuple(change for change in self.changes if change.has_dropped)

    @property
    def verdict(self) -> str:
        """Whether the model was accepted, and why, in one sentence."""
        names = ", ".join(name_of(change) for change in self.dropped[:MOST_NAMED])
        if len(self.dropped) > MOST_NAMED:
            names += f" and {len(self.dropped) - MOST_NAMED} more"
        reasons = [f"{names} dropped on the probe"] if names else []
        if self.contradictions:
            reasons.append("the annotation contradicts what the model knew throughout")
        if not reasons:
            return "Accepted: nothing dropped on the probe."
        start = "Accepted by force, though" if self.is_accepted else "Rejected:"
        return f"{start} {', and '.join(reasons)}."

    def to_dict(self) -> dict[str, Any]:
        """The report as JSON types."""
        report = asdict(self) | {"config": self.config.to_dict(), "is_accepted": self.is_accepted}
        report["changes"] = [asdict(change) | {"has_dropped": change.has_dropped} for change in self.changes]
        return {"date": datetime.now(UTC).date().isoformat(), "verdict": self.verdict, **report}

    def to_markdown(self) -> str:
        """The report as a page of Markdown."""
        lines = [f"# Retraining of {visible(self.config.name)}", "", f"**{self.verdict}**", ""]
        lines += [f"- {heading}: {_cell(value)}" for heading, value in facts_of(self)]
        lines += ["", f"F1 in percent on the probe, with 95 % intervals. {DROP_RULE}", ""]
        for kind, title in KIND_TITLES.items():
            if changes := [change for change in self.changes if change.kind == kind]:
                lines += _table(title, changes)
        lines += _table("On the added articles, which the new model was trained on", overall(self.on_added))
        lines += ["| calibration error on the probe | before | after |", "| --- | --- | --- |"]
        lines += [
            f"| {kind} | {percent(old)} | {percent(new)} |" for kind, (old, new) in self.calibration.items()
        ]
        for heading, examples in shown_examples(self).items():
            lines += ["", f"## {heading}", "", *_example_lines(examples)]
        return "\n".join(lines).rstrip()

    def to_text(self) -> str:
        """The verdict and the overall figures, for a terminal, and where the rest is."""
        classes = [change for change in self.dropped if change.kind != OVERALL]
        rows = [
            ("F1 on the probe", overall(self.changes) + classes),
            ("F1 on what was added", overall(self.on_added)),
        ]
        lines = [self.verdict]
        for title, changes in rows:
            lines.append(f"{title:22}{'before':>7}{'after':>7}{'change':>8}")
            lines += [_line(change) for change in changes]
        lines += [f"report: {self.config.output / 'report.html'}"]
        lines += [f"model: {self.model}" + ("" if self.is_accepted else ", which was not accepted")]
        return "\n".join(lines)


def name_of(change: Change) -> str:
    """A class as sentences call it: overall figures bear their kind's name."""
    return f"{change.name} overall" if change.kind == OVERALL else change.name


def facts_of(report: RetrainReport) -> list[tuple[str, str]]:
    """What was done, as pairs of a heading and a value."""
    sizes = "{documents} articles, {words:,} words, {entities:,} names, {events:,} events"
    facts = [
        ("Started from", str(report.config.to_dict()["init"] or report.config.start)),
        ("Added", sizes.format(**report.added)),
        *(("Added file", f"{name}, sha256 {digest}") for name, digest in report.added["sha256"].items()),
        ("Replayed", sizes.format(**report.replayed)),
        ("Probe", f"{report.n_probe} articles, sha256 {report.probe_sha256}"),
        ("Time", f"{report.seconds:.0f} s; {report.cpu_seconds:.0f} s of processor time"),
        ("Seed", f"{report.config.seed}; {report.config.passes} passes over what was added"),
    ]
    if report.new_labels:
        facts.insert(3, ("New labels", f"{', '.join(report.new_labels)}; the probe cannot judge them"))
    if report.n_probe_seen:
        facts.append(
            ("Note", f"the starting model was trained on {report.n_probe_seen} of the probe's articles")
        )
    return facts + [("Contradiction", contradiction) for contradiction in report.contradictions]


def shown_examples(report: RetrainReport) -> dict[str, list[Example]]:
    """The examples that a page has room for, by a heading that says how many there are."""
    headings = {False: "Lost on the probe", True: "Newly found on the probe"}
    shown = {}
    for is_found, heading in headings.items():
        examples = [example for example in report.examples if example.is_found == is_found]
        shown[f"{heading}: {len(examples)}"] = examples[:N_EXAMPLES]
    return shown


def percent(share: float) -> str:
    """A share as tables show it."""
    return f"{100 * share:.1f}"


def points(difference: float) -> str:
    """A difference of shares as tables show it, with its sign."""
    return f"{100 * difference:+.1f}"


def overall(changes: Iterable[Change]) -> list[Change]:
    """The overall figures among changes."""
    return [change for change in changes if change.kind == OVERALL]


def _line(change: Change) -> str:
    figures = f"{percent(change.before):>7}{percent(change.after):>7}{points(change.difference):>8}"
    return f"  {change.name:20}{figures}" + ("  dropped" if change.has_dropped else "")


def _table(title: str, changes: Iterable[Change]) -> list[str]:
    lines = [
        f"| {title} | mentions | articles | before | after | difference | |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for change in changes:
        before, after = (
            f"{percent(f1)} [{percent(low)}–{percent(high)}]"
            for f1, (low, high) in (
                (change.before, change.before_interval),
                (change.after, change.after_interval),
            )
        )
        low, high = map(points, change.difference_interval)
        difference = f"{points(change.difference)} [{low} to {high}]"
        mark = "**dropped**" if change.has_dropped else ""
        cells = (change.name, change.n_gold, change.n_documents, before, after, difference, mark)
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return [*lines, ""]


def _example_lines(examples: Iterable[Example]) -> Iterator[str]:
    for example in examples:
        sentence = _cell(f"{example.left} **{example.text}** {example.right}".strip())
        yield f"- {example.name}, {_cell(example.document)}: {sentence}"


def _cell(text: str) -> str:
    """Text that ends no cell and no line, and opens no HTML."""
    return visible(" ".join(text.split())).replace("|", "\\|").replace("<", "&lt;")
