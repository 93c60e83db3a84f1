"""Documents as IOB2 sequences over the words of their sentences, and what seqeval says of them."""

from collections.abc import Collection, Iterable, Sequence

from libyaevents.documents import Document
from libyaevents.errors import MissingExtraError
from libyaevents.evaluation.items import LabeledSpan, entity_spans, trigger_span
from libyaevents.evaluation.report import TagReport, TagScore
from libyaevents.words import split_sentences, split_words

__all__ = ["tag_reports"]


def tag_reports(pairs: Sequence[tuple[Document, Document]]) -> tuple[TagReport, TagReport, TagReport]:
    """Report entities, triggers, and roles per trigger; sentences are the gold document's.

    Raises:
        MissingExtraError: seqeval is not installed.
    """
    entities, triggers, roles = _Sequences(), _Sequences(), _Sequences()
    for gold, predicted in pairs:
        grid = _WordGrid(gold)
        everywhere = range(len(grid.sentences))
        entities.add(grid, everywhere, entity_spans(gold), entity_spans(predicted))
        gold_roles, predicted_roles = _roles_by_trigger(gold), _roles_by_trigger(predicted)
        triggers.add(grid, everywhere, gold_roles, predicted_roles)
        for trigger in sorted(gold_roles.keys() | predicted_roles.keys()):
            sentence = grid.sentences_around(*trigger[:2])
            ours, theirs = gold_roles.get(trigger, set()), predicted_roles.get(trigger, set())
            roles.add(grid, sentence, _sources(ours), _sources(theirs))
            roles.add(grid, sentence, ours - _sources(ours), theirs - _sources(theirs))
    return entities.report(), triggers.report(), roles.report()


class _WordGrid:
    """The words of a document by sentence, found by their offsets."""

    def __init__(self, document: Document) -> None:
        self.sentences = document.sentences or tuple(split_sentences(document.text))
        words = [split_words(document.text, start, end) for start, end in self.sentences]
        self.n_words = [len(row) for row in words]
        self._first = {start: (k, n) for k, row in enumerate(words) for n, (start, _) in enumerate(row)}
        self._last = {end: (k, n) for k, row in enumerate(words) for n, (_, end) in enumerate(row)}

    def align(self, start: int, end: int) -> tuple[int, int, int] | None:
        """Return sentence and half-open range of words, or None where the span is no run of whole words."""
        first, last = self._first.get(start), self._last.get(end)
        if first is None or last is None or first[0] != last[0]:
            return None
        return (*first, last[1] + 1)

    def sentences_around(self, start: int, end: int) -> list[int]:
        """Return the one sentence that holds the span, or none."""
        return [k for k, (first, last) in enumerate(self.sentences) if first <= start and end <= last]


class _Sequences:
    """Gold and predicted sequences side by side, with counts of the spans that they cannot hold."""

    def __init__(self) -> None:
        self._gold: list[list[str]] = []
        self._predicted: list[list[str]] = []
        self._n_spans = self._n_unaligned = self._n_overlapping = 0

    def add(
        self,
        grid: _WordGrid,
        sentences: Collection[int],
        gold: Iterable[LabeledSpan],
        predicted: Iterable[LabeledSpan],
    ) -> None:
        """Add one sequence for each of the sentences to either side."""
        self._gold += self._tag(grid, sentences, gold)
        self._predicted += self._tag(grid, sentences, predicted)

    def _tag(
        self, grid: _WordGrid, sentences: Collection[int], spans: Iterable[LabeledSpan]
    ) -> list[list[str]]:
        tags = {sentence: ["O"] * grid.n_words[sentence] for sentence in sentences}
        # The longest first, as the guideline has it for names; ties by offset and label, for one fixed order.
        for start, end, label in sorted(spans, key=lambda span: (span[0] - span[1], span)):
            self._n_spans += 1
            place = grid.align(start, end)
            if place is None or place[0] not in tags:
                self._n_unaligned += 1
                continue
            sentence, first, last = place
            if tags[sentence][first:last] != ["O"] * (last - first):
                self._n_overlapping += 1
                continue
            tags[sentence][first:last] = [f"B-{label}"] + [f"I-{label}"] * (last - first - 1)
        return list(tags.values())

    def report(self) -> TagReport:
        """Return seqeval's report of the sequences so far."""
        pairs = [_without_blanks(*pair) for pair in zip(self._gold, self._predicted, strict=True)]
        text, rows = _classification_report([gold for gold, _ in pairs], [found for _, found in pairs])
        return TagReport(
            text=text,
            by_label={label: row for label, row in rows.items() if not label.endswith(" avg")},
            micro=rows["micro avg"],
            n_spans=self._n_spans,
            n_unaligned=self._n_unaligned,
            n_overlapping=self._n_overlapping,
        )


def _without_blanks(gold: list[str], predicted: list[str]) -> tuple[list[str], list[str]]:
    """Leave out the words that are O on both sides, but one: they tell spans neither together nor apart.

    A sentence of twenty thousand words has two sequences for each trigger, nearly all O.
    """
    pairs = [pair for pair in zip(gold, predicted, strict=True) if pair != ("O", "O")] or [("O", "O")]
    return [tag for tag, _ in pairs], [tag for _, tag in pairs]


def _classification_report(
    gold: list[list[str]], predicted: list[list[str]]
) -> tuple[str, dict[str, TagScore]]:
    try:
        import seqeval.metrics
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            "evaluation needs seqeval, which is not installed: pip install 'libyaevents[evaluate]'"
        ) from error
    from seqeval.scheme import IOB2

    if all(tag == "O" for sequence in (*gold, *predicted) for tag in sequence):
        # seqeval fails on the width of a table without rows.
        return "(no spans)", {"micro avg": TagScore(precision=0.0, recall=0.0, f1=0.0, support=0)}
    options = {"mode": "strict", "scheme": IOB2, "zero_division": 0}
    text: str = seqeval.metrics.classification_report(gold, predicted, digits=3, **options)
    rows = seqeval.metrics.classification_report(gold, predicted, output_dict=True, **options)
    return text, {label: _tag_score(row) for label, row in rows.items()}


def _tag_score(row: dict[str, float]) -> TagScore:
    return TagScore(
        precision=float(row["precision"]),
        recall=float(row["recall"]),
        f1=float(row["f1-score"]),
        support=int(row["support"]),
    )


def _roles_by_trigger(document: Document) -> dict[LabeledSpan, set[LabeledSpan]]:
    """Return the role spans of each trigger (start, end, event type); events with the same one are merged."""
    roles: dict[LabeledSpan, set[LabeledSpan]] = {}
    for event in document.events:
        spans = {(argument.start, argument.end, argument.role) for argument in event.arguments}
        roles.setdefault(trigger_span(event), set()).update(spans)
    return roles


def _sources(spans: set[LabeledSpan]) -> set[LabeledSpan]:
    return {span for span in spans if span[2] == "Source"}
