"""IOB2 tags: spans to tags, tags to spans, and logits to the spans of the best legal tag sequence.

A span is `(start, end, label)`: a half-open range of words and the index of its type. With types t0, t1, …
tag 0 is `O`, tag 1 + 2k is `B-tk` and tag 2 + 2k is `I-tk`. In a legal sequence an I stands only behind the
B or the I of its own type.

Decoding uses that structure. The tags fold into one state a type, and one for outside: a word *enters* a
state (by O or its B) from any state before it, or *stays* in the state of the word before it (by its I). What
can come before an entry is the same for all states, so a word costs O(tags) instead of O(tags²).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from libyaevents.errors import CheckpointError, LabelError

__all__ = ["DecodedSpan", "decode_spans", "decode_tags", "encode_spans", "iob2_tags"]

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class DecodedSpan:
    """A span found in logits.

    `start` and `end` are a half-open range of words, `label` is the index of the type, and `score` the
    probability, from 0 to 1, that exactly this span with this type is there.
    """

    start: int
    end: int
    label: int
    score: float


def iob2_tags(types: Sequence[str]) -> tuple[str, ...]:
    """Name the tags of some types, in the order of the last axis of the logits."""
    return ("O", *(f"{prefix}-{name}" for name in types for prefix in "BI"))


def encode_spans(n_words: int, spans: Iterable[tuple[int, int, int]]) -> Integers:
    """Tag words by the spans over them: shape (words,).

    Raises:
        LabelError: a span is empty, leaves the words, has a negative label or shares a word with another.
    """
    tags = np.zeros(n_words, np.int64)
    for start, end, label in spans:
        if not (0 <= start < end <= n_words and label >= 0):
            raise LabelError(
                f"expected a span with 0 <= start < end <= {n_words} and a label >= 0, found start {start}, "
                f"end {end}, label {label}: check that the span counts the words of this very sequence"
            )
        if tags[start:end].any():
            raise LabelError(
                f"expected disjoint spans, found a word of span ({start}, {end}, {label}) in another span: "
                f"drop one of the two, or give it a tag sequence of its own"
            )
        tags[start] = 1 + 2 * label
        tags[start + 1 : end] = 2 + 2 * label
    return tags


def decode_tags(tags: npt.NDArray[np.integer[Any]]) -> list[tuple[int, int, int]]:
    """Read the spans of one tag sequence (words,), in order; an I without its B opens nothing.

    Source: the strict mode of seqeval under the scheme IOB2.
    """
    _, starts, ends, labels = _find_spans(np.asarray(tags, np.int64)[np.newaxis])
    return list(zip(starts.tolist(), ends.tolist(), labels.tolist(), strict=True))


def decode_spans(
    logits: npt.NDArray[np.floating[Any]],
    lengths: npt.NDArray[np.integer[Any]],
    *,
    outside_bias: float = 0.0,
    recall_bias: float = 0.0,
) -> list[list[DecodedSpan]]:
    """Find the spans of the most probable legal tag sequence of each sequence in a batch, in order.

    A span's score sums the probabilities of all legal sequences that hold exactly this span. Of equal
    alternatives the lower tag wins. A result does not depend on the rest of the batch, to the last bit.

    Args:
        logits: (batch, words, tags); -inf forbids a tag. What lies behind a sequence's length is not read.
        lengths: (batch,) in words.
        outside_bias: added to the logit of O; above 0 gives fewer spans (precision), below 0 more (recall).
        recall_bias: taken from the logit of O where the best sequence is chosen, and only there: a span's
            score is the same at any recall bias that finds it.

    Raises:
        CheckpointError: shapes do not fit, a word has only -inf, a NaN or +inf, or no sequence is legal.

    Source: Culotta and McCallum (2004), Confidence Estimation for Information Extraction.
    """
    _check_shapes(logits, lengths)
    emissions = _emissions(logits, lengths, outside_bias)
    enter, stay = _fold(emissions)
    prefix, _ = _forward(enter, stay, np.logaddexp)
    _check_legal(prefix[-1])
    suffix = _backward(enter, stay)
    enter[..., 0] -= recall_bias  # from here on, when all scores are summed up
    tags = _best_tags(enter, stay)
    sequences, starts, ends, labels = _find_spans(tags.T)
    path = np.take_along_axis(emissions, tags[..., np.newaxis], axis=-1)[..., 0]
    inside = _sum_inside(path, sequences, starts, ends)
    log_scores = prefix[starts, sequences] + inside + suffix[ends, sequences] - prefix[-1, sequences]
    scores = np.exp(np.minimum(log_scores, 0.0))  # rounding may lift a certain span a hair above 1

    decoded: list[list[DecodedSpan]] = [[] for _ in range(len(logits))]
    columns = (sequences.tolist(), starts.tolist(), ends.tolist(), labels.tolist(), scores.tolist())
    for sequence, start, end, label, score in zip(*columns, strict=True):
        decoded[sequence].append(DecodedSpan(start=start, end=end, label=label, score=score))
    return decoded


def _check_shapes(logits: npt.NDArray[np.floating[Any]], lengths: npt.NDArray[np.integer[Any]]) -> None:
    if logits.ndim != 3 or logits.shape[2] % 2 == 0:
        raise CheckpointError(
            f"expected logits of shape (batch, words, 1 + 2 × types), found {logits.shape}: "
            f"the model's heads do not fit its labels, so export the checkpoint again"
        )
    batch, n_words, _ = logits.shape
    if lengths.shape != (batch,) or ((lengths < 0) | (lengths > n_words)).any():
        raise CheckpointError(
            f"expected {batch} lengths from 0 to {n_words}, found {lengths.tolist()}: "
            f"give the number of words of each sequence in the logits"
        )


def _check_legal(log_mass: Floats) -> None:
    illegal = np.flatnonzero(np.isneginf(log_mass))
    if len(illegal):
        raise CheckpointError(
            f"expected at least one legal IOB2 sequence, found none in sequence {illegal[0]} of the batch: "
            f"give O a logit above -inf on every word"
        )


def _emissions(
    logits: npt.NDArray[np.floating[Any]], lengths: npt.NDArray[np.integer[Any]], outside_bias: float
) -> Floats:
    """Log-probabilities of each word's tags, (words, batch, tags); padding is O for certain.

    A certain O adds exactly 0 to every sum, so padding needs no further care.
    """
    scores = np.array(logits.swapaxes(0, 1), np.float64, order="C")
    scores[..., 0] += outside_bias
    scores[np.arange(len(scores))[:, np.newaxis] >= lengths] = [0.0] + [-np.inf] * (scores.shape[-1] - 1)
    with np.errstate(invalid="ignore"):  # inf - inf, reported below with its place
        scores -= scores.max(-1, keepdims=True)
    unreadable = np.argwhere(np.isnan(scores))
    if len(unreadable):
        word, sequence, _ = unreadable[0]
        raise CheckpointError(
            f"expected finite logits (or -inf beside one), found others at word {word} of sequence "
            f"{sequence} of the batch: admit at least O there, or export the checkpoint again"
        )
    scores -= np.log(np.exp(scores).sum(-1, keepdims=True))
    return scores


def _fold(emissions: Floats) -> tuple[Floats, Floats]:
    """Fold tags into states, (words, batch, 1 + types): the emissions to enter each and to stay in it.

    Outside is never stayed in: another O enters it again.
    """
    outside = emissions[..., :1]
    enter = np.concatenate([outside, emissions[..., 1::2]], axis=-1)
    stay = np.concatenate([np.full_like(outside, -np.inf), emissions[..., 2::2]], axis=-1)
    return enter, stay


def _forward(enter: Floats, stay: Floats, plus: np.ufunc) -> tuple[Floats, Floats]:
    """Add up all legal prefixes: `np.logaddexp` gives their mass, `np.maximum` the best of them.

    Returns totals (words + 1, batch) of the prefixes of each length, and shares (words + 1, batch, states) of
    those that end in each state.
    """
    n_words, batch, n_states = enter.shape
    totals = np.zeros((n_words + 1, batch))
    shares = np.full((n_words + 1, batch, n_states), -np.inf)
    for word in range(n_words):
        plus(totals[word, :, np.newaxis] + enter[word], shares[word] + stay[word], out=shares[word + 1])
        plus.reduce(shares[word + 1], axis=-1, out=totals[word + 1])
    return totals, shares


def _backward(enter: Floats, stay: Floats) -> Floats:
    """Log mass (words + 1, batch) of the suffixes from each word that do not go on with an I."""
    n_words, batch, n_states = enter.shape
    entering = np.zeros((n_words + 1, batch))
    staying = np.full((batch, n_states), -np.inf)
    for word in reversed(range(n_words)):
        rest = np.logaddexp(entering[word + 1, :, np.newaxis], staying)
        np.logaddexp.reduce(enter[word] + rest, axis=-1, out=entering[word])
        staying = stay[word] + rest
    return entering


def _best_tags(enter: Floats, stay: Floats) -> Integers:
    """Best legal tags (words, batch), by Viterbi."""
    totals, shares = _forward(enter, stay, np.maximum)
    stays = shares[:-1] + stay > totals[:-1, :, np.newaxis] + enter
    best = shares[1:].argmax(-1)
    tags = np.empty(best.shape, np.int64)
    sequences = np.arange(best.shape[1])
    state = np.zeros(best.shape[1], np.int64)
    stayed = np.zeros(best.shape[1], np.bool_)
    for word in reversed(range(len(best))):
        state = np.where(stayed, state, best[word])
        stayed = stays[word, sequences, state]
        tags[word] = 2 * state - 1 + stayed
    return np.maximum(tags, 0)  # state 0 is O, which the formula puts at -1


def _find_spans(tags: Integers) -> tuple[Integers, Integers, Integers, Integers]:
    """Sequences, starts, ends and labels of the spans in tags (batch, words), in reading order."""
    n_words = tags.shape[1]
    inside = (tags > 0) & (tags % 2 == 0)
    goes_on = np.zeros(tags.shape, np.bool_)
    goes_on[:, 1:] = inside[:, 1:] & ((tags[:, :-1] == tags[:, 1:]) | (tags[:, :-1] == tags[:, 1:] - 1))
    # A span ends at the next word that does not go on; for the search all sequences lie in one row.
    stops = np.append(np.flatnonzero(~goes_on), tags.size)
    sequences, starts = np.nonzero(tags % 2 == 1)
    firsts = sequences * n_words + starts
    ends = stops[np.searchsorted(stops, firsts, side="right")] - sequences * n_words
    return sequences, starts, ends, tags[sequences, starts] // 2


def _sum_inside(path: Floats, sequences: Integers, starts: Integers, ends: Integers) -> Floats:
    """Log-probability (spans,) of each span's own tags, from those of the best tags (words, batch).

    Sums run over a span alone. Differences of running sums would lose it behind a -inf or a huge logit.
    """
    n_words = len(path)
    flat = np.append(path.T.ravel(), 0.0)  # one more, so that the last end is an index
    edges = np.stack([sequences * n_words + starts, sequences * n_words + ends], axis=-1)
    sums: Floats = np.add.reduceat(flat, edges.ravel())[::2]
    return sums
