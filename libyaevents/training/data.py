"""From annotated documents to training batches.

In: documents and a tokenizer. Out: a `datasets.Dataset` with one row a document, counted in words, and
batches of windows with the tags of their words and the triggers of their sentences. Gold that the tag
sequences cannot hold is counted, and said once.
"""

import logging
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from datasets import Dataset
from numpy.typing import NDArray
from tokenizers import Tokenizer
from torch import Tensor

from libyaevents.assemble import SOURCE, Labels
from libyaevents.documents import Document
from libyaevents.errors import LabelError
from libyaevents.subwords import encode_words
from libyaevents.tags import encode_spans
from libyaevents.windows import Window, WindowBatch, collate, make_windows, sentence_words
from libyaevents.words import Span, split_sentences, split_words

__all__ = [
    "IGNORED",
    "Batch",
    "Example",
    "TriggerTargets",
    "count_pairs",
    "make_batch",
    "make_examples",
    "make_row",
    "to_dataset",
]

logger = logging.getLogger(__name__)

IGNORED = -100  # the target of words that a loss leaves out


def to_dataset(
    documents: Iterable[Document], tokenizer: Tokenizer, labels: Labels
) -> tuple[Dataset, dict[str, int]]:
    """Count annotation in words, one row a document, and what of it cannot be represented.

    Returns:
        The dataset, with columns `id`, `subwords` (ids of each word), `sentences` (word ranges), `entities`
        ([start, end, label]) and `events` ({trigger [start, end, type], factuality, arguments [start, end,
        role]}), all spans in words of the document; and counts of the gold that was left out by reason,
        beside `n_gold`, that of all gold spans.

    Raises:
        LabelError: a label is not one of `labels`.
    """
    lost: Counter[str] = Counter()
    rows = [make_row(document, tokenizer, labels, lost) for document in documents]
    n_lost = lost.total() - lost["n_gold"]
    if n_lost:
        share = 100 * n_lost / lost["n_gold"]
        reasons = ", ".join(
            f"{count} {reason}" for reason, count in sorted(lost.items()) if reason != "n_gold"
        )
        logger.warning(
            "%d of %d gold spans (%.2f %%) cannot be learnt: %s", n_lost, lost["n_gold"], share, reasons
        )
    return Dataset.from_list(rows), dict(lost)


def make_row(document: Document, tokenizer: Tokenizer, labels: Labels, lost: Counter[str]) -> dict[str, Any]:
    """One row of `to_dataset`; what cannot be represented is counted in `lost`.

    Raises:
        LabelError: a label is not one of `labels`.
    """
    return _Row(document, tokenizer, labels, lost).to_dict()


def count_pairs(documents: Iterable[Document]) -> Counter[tuple[str, str]]:
    """How often each role was seen with each event type."""
    return Counter(
        (event.type, argument.role)
        for document in documents
        for event in document.events
        for argument in event.arguments
    )


class _Row:
    """One document counted in words."""

    def __init__(self, document: Document, tokenizer: Tokenizer, labels: Labels, lost: Counter[str]) -> None:
        self.document, self.labels, self.lost = document, labels, lost
        self.words = split_words(document.text)
        self.sentences = sentence_words(self.words, document.sentences or split_sentences(document.text))
        self.subwords = encode_words(document.text, self.words, tokenizer)
        self.sentence_of = [sentence for sentence in self.sentences for _ in range(*sentence)]
        self.starts = {start: index for index, (start, _) in enumerate(self.words)}
        self.ends = {end: index + 1 for index, (_, end) in enumerate(self.words)}

    def to_dict(self) -> dict[str, Any]:
        entities = [
            [*span, self._number(self.labels.entities, entity.label)]
            for entity in self.document.entities
            if (span := self._span(entity.start, entity.end)) is not None
        ]
        triggers = [
            [*span, self._number(self.labels.events, event.type), number]
            for number, event in enumerate(self.document.events)
            if (span := self._span(event.trigger.start, event.trigger.end)) is not None
        ]
        kept = self._disjoint(triggers)
        self._count_orphans({number for _, _, _, number in kept})
        return {
            "id": self.document.id,
            "subwords": self.subwords,
            "sentences": self.sentences,
            "entities": self._disjoint(entities),
            "events": [self._event(trigger) for trigger in kept],
        }

    def _count_orphans(self, kept: set[int]) -> None:
        for number, event in enumerate(self.document.events):
            if number not in kept and event.arguments:
                self.lost["n_gold"] += len(event.arguments)
                self.lost["arguments of triggers that are left out"] += len(event.arguments)

    def _event(self, trigger: list[int]) -> dict[str, Any]:
        start, end, event_type, number = trigger
        event = self.document.events[number]
        sentence = self.sentence_of[start]
        sequences: dict[bool, list[list[int]]] = {True: [], False: []}
        for argument in event.arguments:
            role = self._number(self.labels.roles, argument.role)
            span = self._span(argument.start, argument.end)
            if span is None:
                continue
            if not (sentence[0] <= span[0] and span[1] <= sentence[1]):
                self.lost["arguments outside their trigger's sentence"] += 1
                continue
            sequences[argument.role == SOURCE].append([*span, role])
        return {
            "trigger": [start, end, event_type],
            "factuality": self._number(self.labels.factuality, event.factuality),
            "arguments": self._disjoint(sequences[True]) + self._disjoint(sequences[False]),
        }

    def _span(self, start: int, end: int) -> Span | None:
        self.lost["n_gold"] += 1
        first, last = self.starts.get(start), self.ends.get(end)
        if first is None or last is None:
            self.lost["spans that are no run of whole words"] += 1
            return None
        if self.sentence_of[first] != self.sentence_of[last - 1]:
            self.lost["spans across sentences"] += 1
            return None
        return first, last

    def _disjoint(self, spans: list[list[int]]) -> list[list[int]]:
        """Of spans that share words keep the longest, in text order."""
        kept: list[list[int]] = []
        for span in sorted(spans, key=lambda span: (span[0] - span[1], span)):
            if all(span[1] <= other[0] or other[1] <= span[0] for other in kept):
                kept.append(span)
            else:
                self.lost["spans that overlap another of their sequence"] += 1
        return sorted(kept)

    def _number(self, names: Sequence[str], name: str) -> int:
        if name not in names:
            raise LabelError(
                f"document {self.document.id!r} has the label {name!r}: the model knows {', '.join(names)}"
            )
        return names.index(name)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TriggerTargets:
    """One trigger of a window: sentence and span in the window's words, type, factuality and role tags.

    `tags` is (2, words of the sentence): the Source sequence and the one of the other roles.
    """

    sentence: Span
    span: Span
    event_type: int
    factuality: int
    tags: NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Example:
    """A window with the tags of its words (`IGNORED` outside what it scores) and the triggers it scores."""

    window: Window
    entity_tags: NDArray[np.int64]
    trigger_tags: NDArray[np.int64]
    sentences: tuple[Span, ...]
    triggers: tuple[TriggerTargets, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Batch:
    """Padded windows, their tags (batch, words), and the examples that they came from."""

    windows: WindowBatch
    entity_tags: Tensor
    trigger_tags: Tensor
    examples: tuple[Example, ...]


def make_examples(
    row: Mapping[str, Any], labels: Labels, *, specials: tuple[int, int], max_subwords: int
) -> Iterator[Example]:
    """Cut a row of the dataset into windows with their targets."""
    n_words = len(row["subwords"])
    entity_tags = encode_spans(n_words, row["entities"])
    trigger_tags = encode_spans(n_words, [event["trigger"] for event in row["events"]])
    sentences = [tuple(sentence) for sentence in row["sentences"]]
    windows = make_windows(row["subwords"], sentences, specials=specials, max_subwords=max_subwords)
    for window in windows:
        (first, last), (start, end) = window.words, window.scored
        scored = np.zeros(last - first, np.bool_)
        scored[start - first : end - first] = True
        inside = tuple(
            (max(left, first) - first, min(right, last) - first)
            for left, right in sentences
            if left < last and first < right
        )
        yield Example(
            window=window,
            entity_tags=np.where(scored, entity_tags[first:last], IGNORED),
            trigger_tags=np.where(scored, trigger_tags[first:last], IGNORED),
            sentences=inside,
            triggers=tuple(
                _targets(
                    event,
                    first,
                    next(span for span in inside if _holds(span, event["trigger"], first)),
                    labels,
                )
                for event in row["events"]
                if start <= event["trigger"][0] < end and event["trigger"][1] <= last
            ),
        )


def make_batch(examples: Sequence[Example]) -> Batch:
    """Pad examples to one batch."""
    windows = collate([example.window for example in examples])
    shape = windows.word_mask.shape
    tags = np.full((2, *shape), IGNORED, np.int64)
    for row, example in enumerate(examples):
        tags[0, row, : len(example.entity_tags)] = example.entity_tags
        tags[1, row, : len(example.trigger_tags)] = example.trigger_tags
    return Batch(
        windows=windows,
        entity_tags=torch.from_numpy(tags[0]),
        trigger_tags=torch.from_numpy(tags[1]),
        examples=tuple(examples),
    )


def _holds(sentence: Span, trigger: Sequence[int], first: int) -> bool:
    return sentence[0] <= trigger[0] - first < sentence[1]


def _targets(event: Mapping[str, Any], first: int, sentence: Span, labels: Labels) -> TriggerTargets:
    """The targets of one event, its arguments cut to the part of the sentence that the window holds."""
    start, end, event_type = event["trigger"]
    shift, length = first + sentence[0], sentence[1] - sentence[0]
    source = labels.roles.index(SOURCE)
    other = {labels.roles.index(role): number for number, role in enumerate(labels.other_roles)}
    spans: tuple[list[tuple[int, int, int]], list[tuple[int, int, int]]] = ([], [])
    for left, right, role in event["arguments"]:
        if shift <= left and right <= shift + length:
            spans[role != source].append((left - shift, right - shift, other.get(role, 0)))
    return TriggerTargets(
        sentence=sentence,
        span=(start - first, end - first),
        event_type=event_type,
        factuality=event["factuality"],
        tags=np.stack([encode_spans(length, sequence) for sequence in spans]),
    )
