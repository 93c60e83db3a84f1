"""A frozen set of articles, and what changes on it from one model to the next, class by class.

In: annotated documents that neither model was trained on, and what each model reads in them. Out: for the
overall figures and for every entity type, event type and role, F1 before and after with intervals, and
whether it dropped.

A class has dropped where one of two things holds; each catches what the other is too weak for:

- *Worse beyond chance*: were it all the same which of the models read an article, the two readings of each
  could be swapped. Over all ways to swap them, it is counted how often any class drops as far as this one, in
  units of its own spread (max-T). Of the retrainings that change nothing, at most 5 % have a class that drops
  by this rule, however many classes there are, and at most 5 % an overall figure: these are counted apart,
  since few figures are compared there and less is needed to be sure.
- *Collapsed*: F1 after lies below the interval of F1 before. It catches one class that falls far, which is
  little against the swings of all others.

The intervals are percentiles of a bootstrap over documents; that of the difference scores both readings on
the same resample. With a dozen documents they are too narrow for classes that few documents have, so no class
in fewer than `FEWEST_DOCUMENTS` has collapsed, and none is judged by the interval of its difference
(docs/retraining.md has the figures).

Source: Westfall and Young (1993), Resampling-Based Multiple Testing; Efron and Tibshirani (1993), An
Introduction to the Bootstrap.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from libyaevents.datasets import load_corpus
from libyaevents.documents import Document
from libyaevents.errors import CorpusError
from libyaevents.evaluation.items import attached_argument, bootstrap_weights, entity_span, trigger_span
from libyaevents.ontology import Ontology
from libyaevents.training.corpus import read_corpus
from libyaevents.words import split_sentences

__all__ = [
    "OVERALL",
    "Change",
    "Example",
    "Figure",
    "Span",
    "compare",
    "find_examples",
    "hash_probe",
    "read_probe",
    "spans_of",
]

OVERALL = "overall"
KINDS = {"entities": "entity", "TC": "event", "AC+": "role"}
N_RESAMPLES = 2000
MOST_SWAPS = 2**14  # all there are for 14 documents; a random choice for more
FAMILY_ERROR = 0.05  # the chance that any class, or any overall figure, drops where nothing changed
FEWEST_DOCUMENTS = 5  # of a probe, and with mentions of a class that may have collapsed
INTERVAL_PERCENT = (2.5, 97.5)
TINY = 1e-9  # differences below come from rounding
CONTEXT = 6  # words on either side of an example

_Floats = NDArray[np.float64]


class Figure(NamedTuple):
    """What is scored: `overall` with entities, TC or AC+, or an entity type, event type or role."""

    kind: str
    name: str


class Span(NamedTuple):
    """One thing that a document says: what it counts for, what makes it one of its kind, and where it is."""

    figure: Figure
    key: tuple[int | str, ...]
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """F1 of one figure before and after, from 0 to 1, and their difference, with 95 % intervals.

    `n_gold` mentions stand in `n_documents` of the documents. `chance` is that of a drop as far in any class
    (for an overall figure: in any of them), if it were all the same which model read an article.
    """

    kind: str
    name: str
    n_gold: int
    n_documents: int
    before: float
    before_interval: tuple[float, float]
    after: float
    after_interval: tuple[float, float]
    difference: float
    difference_interval: tuple[float, float]
    chance: float

    @property
    def has_dropped(self) -> bool:
        """Whether the class is worse beyond chance, or collapsed."""
        has_collapsed = self.n_documents >= FEWEST_DOCUMENTS and self.after < self.before_interval[0]
        return self.chance <= FAMILY_ERROR or has_collapsed


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A right mention that is newly found or lost, in its sentence: the words `left` and `right` of it."""

    is_found: bool
    document: str
    kind: str
    name: str
    left: str
    text: str
    right: str


def read_probe(path: str | None, ontology: Ontology) -> list[Document]:
    """Read the probe articles: of a file, else those of the open corpus that shipped models never learn.

    Raises:
        InputError, CorpusError, LabelError: the file cannot be read, breaks the format or the ontology, or is
            too small.
    """
    if path is not None:
        documents = read_corpus((path,), ontology, split="test")
        if len(documents) < FEWEST_DOCUMENTS:
            raise CorpusError(
                f"{path}: expected a probe of at least {FEWEST_DOCUMENTS} articles, found {len(documents)}: "
                "fewer cannot tell a drop from chance; add some, or leave out --probe"
            )
        return documents
    return [each for split in ("dev", "test") for each in load_corpus("open", split=split, ontology=ontology)]


def hash_probe(documents: Sequence[Document]) -> str:
    """Return the SHA-256 of texts and annotation: equal where scores can be compared."""
    lines = "".join(document.to_json() + "\n" for document in documents)
    return hashlib.sha256(lines.encode()).hexdigest()


def spans_of(document: Document) -> set[Span]:
    """Everything that a document says: entities, triggers, and arguments attached to their triggers."""
    found = {
        Span(Figure("entity", each.label), entity_span(each), each.start, each.end)
        for each in document.entities
    }
    for event in document.events:
        trigger = event.trigger
        found.add(Span(Figure("event", event.type), trigger_span(event), trigger.start, trigger.end))
        for each in event.arguments:
            found.add(Span(Figure("role", each.role), attached_argument(event, each), each.start, each.end))
    return found


def compare(
    gold: Sequence[Document], before: Sequence[Document], after: Sequence[Document], *, seed: int = 0
) -> list[Change]:
    """Score two readings of the same documents; the overall figures come first, then classes as in the gold.

    Classes that the gold does not have are left out: there is nothing to lose.
    """
    answers = [[spans_of(document) for document in documents] for documents in (gold, before, after)]
    counts = {figure: _count(figure, *answers) for figure in _figures(answers[0])}
    weights = bootstrap_weights(len(gold), N_RESAMPLES, seed)
    swaps = _swaps(len(gold), seed)
    chances: dict[Figure, float] = {}
    for is_overall in (True, False):
        family = [figure for figure in counts if (figure.kind == OVERALL) == is_overall]
        found = _chances([counts[figure] for figure in family], swaps)
        chances |= zip(family, found, strict=True)
    return [
        _change(figure, each, _f1(np.einsum("rd,sdc->rsc", weights, each)), chances[figure])
        for figure, each in counts.items()
    ]


def find_examples(
    gold: Sequence[Document], before: Sequence[Document], after: Sequence[Document]
) -> list[Example]:
    """Names and triggers of the gold that the one reading has and the other lacks, those that are lost first.

    Arguments come and go with their triggers and are left out.
    """
    found: list[Example] = []
    for document, old, new in zip(gold, before, after, strict=True):
        right, ours, theirs = (
            {span for span in spans_of(each) if span.figure.kind != "role"} for each in (document, old, new)
        )
        found += [
            _example(document, span, is_found=span in theirs)
            for span in sorted(right & (ours ^ theirs), key=lambda span: (span.start, span.figure))
        ]
    return sorted(found, key=lambda example: example.is_found)


def _example(document: Document, span: Span, *, is_found: bool) -> Example:
    start, end = next(
        (start, end)
        for start, end in document.sentences or split_sentences(document.text)
        if start <= span.start < end
    )
    left, right = document.text[start : span.start].split(), document.text[span.end : end].split()
    return Example(
        is_found=is_found,
        document=document.id or "",
        kind=span.figure.kind,
        name=span.figure.name,
        left=" ".join(left[-CONTEXT:]),
        text=document.text[span.start : span.end],
        right=" ".join(right[:CONTEXT]),
    )


def _figures(gold: Sequence[set[Span]]) -> list[Figure]:
    classes = {span.figure for spans in gold for span in spans}
    kinds = {kind: name for name, kind in KINDS.items()}
    overall = [
        Figure(OVERALL, name) for kind, name in kinds.items() if any(kind == each.kind for each in classes)
    ]
    return overall + sorted(classes, key=lambda figure: (list(kinds).index(figure.kind), figure.name))


def _count(
    figure: Figure, gold: Sequence[set[Span]], before: Sequence[set[Span]], after: Sequence[set[Span]]
) -> _Floats:
    """Counts of gold, predicted and matched spans of a figure, before and after: (2, documents, 3)."""
    chosen = [[_chosen(figure, spans) for spans in side] for side in (gold, before, after)]
    return np.array(
        [
            [
                (len(ours), len(theirs), len(ours & theirs))
                for ours, theirs in zip(chosen[0], side, strict=True)
            ]
            for side in chosen[1:]
        ],
        np.float64,
    )


def _chosen(figure: Figure, spans: set[Span]) -> set[Span]:
    if figure.kind == OVERALL:
        return {span for span in spans if span.figure.kind == KINDS[figure.name]}
    return {span for span in spans if span.figure == figure}


def _f1(counts: _Floats) -> _Floats:
    """F1 of counts (…, 3); NaN where there is no gold, since a resample without any says nothing."""
    f1: _Floats = 2 * counts[..., 2] / np.maximum(counts[..., 0] + counts[..., 1], 1)
    return np.where(counts[..., 0] > 0, f1, np.nan)


def _swaps(n: int, seed: int) -> _Floats:
    """Ways to swap the readings of `n` documents, 1 where they are swapped: (ways, documents), none first."""
    if 2**n <= MOST_SWAPS:
        return np.array((np.arange(2**n)[:, np.newaxis] >> np.arange(n)) & 1, np.float64)
    swaps = np.random.default_rng(seed).integers(0, 2, (MOST_SWAPS, n)).astype(np.float64)
    swaps[0] = 0
    return swaps


def _chances(counts: Sequence[_Floats], swaps: _Floats) -> list[float]:
    """For each figure, the share of the swaps in which any figure drops as far in units of its spread."""
    drops = []
    for before, after in counts:  # (documents, 3) each
        moved = swaps @ (after - before)
        drops.append(_f1(before.sum(axis=0) + moved) - _f1(after.sum(axis=0) - moved))
    rows = np.array(drops)  # (figures, ways), above 0 for a drop
    spread = rows.std(axis=1, keepdims=True)
    scaled = np.divide(rows, spread, out=np.zeros_like(rows), where=spread > 0)
    farthest = scaled.max(axis=0)
    # A figure that no swap moves, or that rose, did not drop by chance or otherwise.
    return [float((farthest >= row[0] - TINY).mean()) if row[0] > TINY else 1.0 for row in scaled]


def _change(figure: Figure, counts: _Floats, resampled: _Floats, chance: float) -> Change:
    """Put together a figure's change; `resampled` has F1 before and after: (resamples, 2)."""
    before, after = _f1(counts.sum(axis=1)).tolist()
    columns = np.column_stack([resampled, resampled[:, 1] - resampled[:, 0]])
    of_before, of_after, of_difference = np.nanpercentile(columns, INTERVAL_PERCENT, axis=0).T.tolist()
    return Change(
        kind=figure.kind,
        name=figure.name,
        n_gold=int(counts[0, :, 0].sum()),
        n_documents=int((counts[0, :, 0] > 0).sum()),
        before=before,
        before_interval=tuple(of_before),
        after=after,
        after_interval=tuple(of_after),
        difference=after - before,
        difference_interval=tuple(of_difference),
        chance=chance,
    )
