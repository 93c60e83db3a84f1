"""Whether both sides compute the same: logits of equal weights, and spans behind one and the same decoder.

In: the models of a shape and the texts. Out: the largest difference in float32, and F1 of our spans against
those of the pipelines' networks, for each of our rows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import BertForTokenClassification

from libyaevents.benchmark.shapes import Models, batches_of
from libyaevents.checkpoint import EngineName, load_engine, load_settings, load_words_tokenizer
from libyaevents.errors import BenchmarkError
from libyaevents.tags import DecodedSpan, decode_spans
from libyaevents.windows import WindowBatch

__all__ = ["TOLERANCE", "Agreement", "compare", "first_subwords"]

TOLERANCE = 1e-4  # in logits

Spans = set[tuple[int, int, int, int, int]]  # batch, row, start, end, label
Logits = dict[str, list[NDArray[np.float32]]]  # by kind and batch: (batch, words, tags)


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """What was compared.

    Attributes:
        n_words: words whose logits were compared.
        logit_differences: the largest of any word and tag, in logits, by row; float32 rows alone.
        span_f1: of our spans against theirs, from 0 to 1, by row and kind.
    """

    n_words: int
    logit_differences: Mapping[str, float]
    span_f1: Mapping[str, Mapping[str, float]]


def compare(
    models: Models, texts: Sequence[str], rows: Mapping[str, tuple[Path, str]], *, n_threads: int
) -> Agreement:
    """Run the classifiers and our engines over the same windows.

    Args:
        models: of one shape.
        texts: to read.
        rows: model folder and engine of each of our rows.
        n_threads: of the engines.

    Raises:
        BenchmarkError: a float32 row differs by more than `TOLERANCE`: speeds would compare nothing.
    """
    settings = load_settings(models.float32)
    biases = {"entities": settings.entity_outside_bias, "triggers": settings.trigger_outside_bias}
    batches = batches_of(texts, load_words_tokenizer(models.float32), settings)
    firsts = [first_subwords(batch) for batch in batches]
    folders = {"entities": models.entities, "triggers": models.triggers}
    theirs = {kind: _classify(folder, batches, firsts) for kind, folder in folders.items()}
    differences: dict[str, float] = {}
    scores: dict[str, dict[str, float]] = {}
    for row, (folder, engine) in rows.items():
        ours = _encode(folder, engine, batches, n_threads)
        if folder == models.float32:
            differences[row] = max(_difference(ours[kind], theirs[kind], firsts) for kind in folders)
            _check(row, differences[row])
        scores[row] = {
            kind: _f1(*(_decode(side[kind], batches, biases[kind]) for side in (ours, theirs)))
            for kind in folders
        }
    n_words = sum(int((first >= 0).sum()) for first in firsts)
    return Agreement(n_words=n_words, logit_differences=differences, span_f1=scores)


def _check(row: str, difference: float) -> None:
    if not difference <= TOLERANCE:  # NaN, too
        raise BenchmarkError(
            f"logits of {row} and of the pipelines' networks differ by {difference:.2g}: expected at most "
            f"{TOLERANCE:g} for equal weights in float32; nothing was timed, since the two do not do the "
            "same work: report it with the versions of torch, transformers and the engine"
        )


def first_subwords(batch: WindowBatch) -> NDArray[np.int64]:
    """The place of each word's first subword, -1 for words without one and for padding: (batch, words)."""
    n_subwords = batch.word_ids.shape[1]
    first = np.full(batch.word_mask.shape, n_subwords, np.int64)
    rows, places = np.nonzero(batch.word_ids >= 0)
    np.minimum.at(first, (rows, batch.word_ids[rows, places]), places)
    return np.where(first < n_subwords, first, -1)


def _classify(
    folder: Path, batches: Sequence[WindowBatch], firsts: Sequence[NDArray[np.int64]]
) -> list[NDArray[np.float32]]:
    """Logits of a classifier at first subwords; its bias alone at words without a subword, as ours."""
    network: Any = BertForTokenClassification.from_pretrained(folder).eval()  # type: ignore[no-untyped-call]
    bias = network.classifier.bias.detach().numpy()
    found = []
    for batch, first in zip(batches, firsts, strict=True):
        ids, mask = torch.from_numpy(batch.input_ids), torch.from_numpy(batch.attention_mask)
        with torch.inference_mode():
            logits = network(input_ids=ids, attention_mask=mask).logits.numpy()
        at_first = np.take_along_axis(logits, np.maximum(first, 0)[..., np.newaxis], axis=1)
        found.append(np.where((first >= 0)[..., np.newaxis], at_first, bias))
    return found


def _encode(folder: Path, engine: str, batches: Sequence[WindowBatch], n_threads: int) -> Logits:
    loaded = load_engine(folder, cast(EngineName, engine), n_threads=n_threads)
    logits: Logits = {"entities": [], "triggers": []}
    for batch in batches:
        _, entities, triggers = loaded.encode(batch)
        logits["entities"].append(np.array(entities))  # a copy: an engine may use its buffers again
        logits["triggers"].append(np.array(triggers))
    return logits


def _difference(
    ours: Sequence[NDArray[np.float32]],
    theirs: Sequence[NDArray[np.float32]],
    firsts: Sequence[NDArray[np.int64]],
) -> float:
    pairs = zip(ours, theirs, firsts, strict=True)
    return float(max(np.abs(our - their)[first >= 0].max(initial=0.0) for our, their, first in pairs))


def _decode(logits: Sequence[NDArray[np.float32]], batches: Sequence[WindowBatch], bias: float) -> Spans:
    return {
        (number, row, span.start, span.end, span.label)
        for number, (scores, batch) in enumerate(zip(logits, batches, strict=True))
        for row, spans in enumerate(_spans(scores, batch, bias))
        for span in spans
    }


def _spans(logits: NDArray[np.float32], batch: WindowBatch, bias: float) -> list[list[DecodedSpan]]:
    return decode_spans(logits, batch.word_mask.sum(-1), outside_bias=bias)


def _f1(ours: Spans, theirs: Spans) -> float:
    n_found = len(ours) + len(theirs)
    return 2 * len(ours & theirs) / n_found if n_found else 1.0
