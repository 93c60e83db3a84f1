"""The batch of any step of fine-tuning: a function of the seed and the step alone.

In: annotated documents, their rows, perhaps corpora of names; or text for other models to annotate. Out:
batches of windows with targets.
"""

import hashlib
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from libyaevents.assemble import Labels
from libyaevents.documents import Document
from libyaevents.errors import ConfigError, CorpusError
from libyaevents.modeling import EventModel
from libyaevents.subwords import special_ids
from libyaevents.training.augment import Augmenter
from libyaevents.training.config import TrainConfig
from libyaevents.training.data import Batch, Example, make_batch, make_examples, make_row
from libyaevents.training.partial import PartialBatch, make_partial_batch, read_partial
from libyaevents.windows import WindowBatch, collate

__all__ = ["Batches", "Lessons", "TrainingBatch", "repeat_factors", "rows_of_step"]

CALIBRATION_WINDOWS = 256
COMMON_SHARE = 0.1  # of the windows; those with an event type that fewer have are shown more often
PARTIAL_SHARE = 2  # windows of annotated documents for one of a corpus of names


class TrainingBatch(NamedTuple):
    """What one step learns from; `lesson` is text whose annotation is asked of teachers."""

    annotated: Batch
    partial: PartialBatch | None
    lesson: Batch | None = None


class Batches:
    """Windows of all documents, each epoch in another order and, where that is asked for, with variations.

    Each window comes once an epoch, those with rare event types by chance more often (`repeat_factors`).

    Raises:
        CorpusError: the documents hold no words.
        InputError, LabelError: a corpus of names cannot be read.
    """

    def __init__(
        self,
        documents: Sequence[Document],
        rows: Sequence[Mapping[str, Any]],
        labels: Labels,
        tokenizer: Tokenizer,
        config: TrainConfig,
    ) -> None:
        self.documents, self.labels, self.tokenizer, self.config = documents, labels, tokenizer, config
        self.examples = self._cut(rows)
        if not self.examples:
            raise CorpusError("the corpus holds no words: expected at least one annotated sentence")
        self.per_epoch = math.ceil(sum(repeat_factors(self.examples)) / config.batch_size)
        self.augmenter = (
            Augmenter(documents, replace=config.replace_mentions, noise=config.spelling_noise)
            if config.replace_mentions or config.spelling_noise
            else None
        )
        self.partial = read_partial(
            [Path(name) for name in config.partial],
            tokenizer,
            labels,
            specials=special_ids(tokenizer),
            max_subwords=config.max_subwords,
        )
        self._epoch = lru_cache(maxsize=1)(self._vary)
        self._order = lru_cache(maxsize=4)(self._draw_order)

    def at(self, step: int) -> TrainingBatch:
        """The batch of a step, counted from 0."""
        epoch, place = divmod(step, self.per_epoch)
        examples = self._epoch(epoch)
        # Variations and repetitions can be a few windows more or fewer; the number of steps stays. With one
        # window a step they can be fewer than the steps: some come again, so that no batch is empty.
        order = self._order(len(examples), epoch, 0)
        parts = np.array_split(np.resize(order, max(len(order), self.per_epoch)), self.per_epoch)
        chosen = [examples[index] for index in parts[place]]
        return TrainingBatch(make_batch(chosen), self._partial_at(step))

    def calibration(self) -> list[WindowBatch]:
        """Single windows of the training text, on which the ranges of activations are measured."""
        order = np.random.default_rng(self.config.seed).permutation(len(self.examples))
        return [collate([self.examples[index].window]) for index in order[:CALIBRATION_WINDOWS]]

    def _partial_at(self, step: int) -> PartialBatch | None:
        if not self.partial:
            return None
        size = max(1, self.config.batch_size // PARTIAL_SHARE)
        epoch, place = divmod(step, -(-len(self.partial) // size))
        order = self._order(len(self.partial), epoch, 1)
        return make_partial_batch([self.partial[index] for index in order[place * size :][:size]])

    def _draw_order(self, n: int, epoch: int, stream: int) -> NDArray[np.int64]:
        key = (self.config.seed, epoch, stream) if stream else (self.config.seed, epoch)
        return np.random.default_rng(key).permutation(n)

    def _vary(self, epoch: int) -> list[Example]:
        examples = self.examples if self.augmenter is None else self._augment(epoch, self.augmenter)
        factors = np.array(repeat_factors(examples)) - 1
        random = np.random.default_rng((self.config.seed, epoch, 2)).random(len(factors))
        counts = factors.astype(int) + (random < factors % 1)
        repeated = (example for example, n in zip(examples, counts, strict=True) for _ in range(n))
        return [*examples, *repeated]

    def _augment(self, epoch: int, augmenter: Augmenter) -> list[Example]:
        rows = []
        for number, document in enumerate(self.documents):
            varied = augmenter.augment(document, (self.config.seed, epoch, number))
            rows.append(make_row(varied, self.tokenizer, self.labels, Counter()))
        return self._cut(rows)

    def _cut(self, rows: Sequence[Mapping[str, Any]]) -> list[Example]:
        specials = special_ids(self.tokenizer)
        return [
            example
            for row in rows
            for example in make_examples(
                row, self.labels, specials=specials, max_subwords=self.config.max_subwords
            )
        ]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Lessons:
    """Windows of text without annotation, and the models that are asked about them.

    Attributes:
        teachers: networks with the labels and the tokenizer of the one that learns, one at least. Training
            takes them to its device, in evaluation mode.
        examples: the windows, one at least, in the order of `rows_of_step`.
        batch_size: windows in a step.
        seed: of their order.

    Raises:
        ConfigError: there is no teacher, no window, or a batch of none.
    """

    teachers: Sequence[EventModel]
    examples: Sequence[Example]
    batch_size: int
    seed: int = 0

    def __post_init__(self) -> None:
        if not self.teachers or not self.examples or self.batch_size < 1:
            raise ConfigError(
                f"{len(self.teachers)} teachers, {len(self.examples)} windows of text, {self.batch_size} in "
                "a step: expected one at least of each; give models and a text with words"
            )

    @classmethod
    def of(
        cls,
        texts: Iterable[str],
        teachers: Sequence[EventModel],
        labels: Labels,
        tokenizer: Tokenizer,
        *,
        max_subwords: int,
        batch_size: int,
        seed: int = 0,
    ) -> "Lessons":
        """Cut texts into windows."""
        specials, lost = special_ids(tokenizer), Counter[str]()
        rows = (make_row(Document(text=text), tokenizer, labels, lost) for text in texts)
        examples = [
            example
            for row in rows
            for example in make_examples(row, labels, specials=specials, max_subwords=max_subwords)
        ]
        return cls(teachers=teachers, examples=examples, batch_size=batch_size, seed=seed)

    def identity(self) -> str:
        """What tells these lessons from others: a hash of windows, weights, batch size and seed."""
        digest = hashlib.sha256(f"{self.batch_size} {self.seed}".encode())
        for example in self.examples:
            digest.update(example.window.input_ids.tobytes())
        for teacher in self.teachers:
            for weights in teacher.state_dict().values():
                digest.update(weights.float().cpu().numpy().tobytes())  # numpy has no bfloat16
        return digest.hexdigest()

    def describe(self) -> dict[str, int | str]:
        """What a report tells of them; `sha256` is their `identity`."""
        n_subwords = sum(len(example.window.input_ids) for example in self.examples)
        return {
            "teachers": len(self.teachers),
            "windows": len(self.examples),
            "subwords": n_subwords,
            "batch_size": self.batch_size,
            "seed": self.seed,
            "sha256": self.identity(),
        }

    def at(self, step: int) -> Batch:
        """The windows of a step, counted from 0."""
        rows = rows_of_step(len(self.examples), step, batch_size=self.batch_size, seed=self.seed)
        return make_batch([self.examples[row] for row in rows])


def rows_of_step(n: int, step: int, *, batch_size: int, seed: int) -> NDArray[np.int64]:
    """Draw which of `n` rows are the batch of a step, counted from 0.

    Each comes at most once an epoch, in an order that the seed fixes; those that fill no whole batch at its
    end wait for another.

    Returns:
        *Shape:* (rows,), `batch_size` of them or `n` where that is less.
    """
    epoch, place = divmod(step, max(1, n // batch_size))
    return _order(n, seed, epoch)[place * batch_size : (place + 1) * batch_size]


@lru_cache(maxsize=2)
def _order(n: int, seed: int, epoch: int) -> NDArray[np.int64]:
    return np.random.default_rng((seed, epoch, n)).permutation(n)


def repeat_factors(examples: Sequence[Example]) -> list[float]:
    """How often to show each window in an epoch, so that rare event types are seen more often.

    Returns:
        For each window the largest of max(1, √(`COMMON_SHARE` / share of the windows with the type)) over its
        event types; 1 where it has none.

    Source: repeat factor sampling, Gupta et al. 2019 (LVIS), https://arxiv.org/abs/1908.03195
    """
    types = [{trigger.event_type for trigger in example.triggers} for example in examples]
    counts = Counter(chain.from_iterable(types))
    factors = {each: max(1.0, math.sqrt(COMMON_SHARE * len(types) / n)) for each, n in counts.items()}
    return [max((factors[each] for each in found), default=1.0) for found in types]
