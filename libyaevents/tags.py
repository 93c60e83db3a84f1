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
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from libyaevents.errors import CheckpointError, LabelError

__all__ = [
    "DecodedSpan",
    "SpanColumns",
    "decode_spans",
    "decode_tags",
    "encode_spans",
    "find_spans",
    "iob2_tags",
]

SMALLEST_SCORE = -700.0  # its exponential is the smallest that divides without loss; no network is surer

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


class SpanColumns(NamedTuple):
    """Spans of a batch, by sequence and then by place, as columns (spans,); see `DecodedSpan`."""

    sequences: Integers
    starts: Integers
    ends: Integers
    labels: Integers
    scores: Floats

    def to_lists(self, n_sequences: int) -> list[list[DecodedSpan]]:
        """The spans of each sequence."""
        lists: list[list[DecodedSpan]] = [[] for _ in range(n_sequences)]
        for sequence, start, end, label, score in zip(*(column.tolist() for column in self), strict=True):
            lists[sequence].append(DecodedSpan(start=start, end=end, label=label, score=score))
        return lists


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
    """Find the spans of each sequence in a batch, in order: see `find_spans`."""
    found = find_spans(logits, lengths, outside_bias=outside_bias, recall_bias=recall_bias)
    return found.to_lists(len(logits))


def find_spans(
    logits: npt.NDArray[np.floating[Any]],
    lengths: npt.NDArray[np.integer[Any]],
    *,
    outside_bias: float = 0.0,
    recall_bias: float = 0.0,
) -> SpanColumns:
    """Find the spans of the most probable legal tag sequence of each sequence in a batch, in order.

    A span's score sums the probabilities of all legal sequences that hold exactly this span. Of equal
    alternatives the lower tag wins. A result does not depend on the rest of the batch, to the last bit.

    Where each word's best tag is legal behind the one before, these are the best sequence, as in most
    sentences of news; and a sequence without spans has no scores. What is left is searched and summed up.

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
    tags = _best_tags(emissions, recall_bias)
    spans = _find_spans(tags)
    rows = np.flatnonzero(np.bincount(spans[0], minlength=len(tags)))  # those with spans
    kept = np.ascontiguousarray(emissions[rows, : int(lengths[rows].max(initial=0))].swapaxes(0, 1))
    places = np.searchsorted(rows, spans[0]), *spans[1:3]
    path = np.take_along_axis(kept, tags[rows, : len(kept)].T[..., np.newaxis], axis=-1)[..., 0]
    prefix, suffix = _sum_outside(kept)
    log_scores = prefix[places[1], places[0]] + _sum_inside(path, *places) + suffix[places[2], places[0]]
    log_scores -= prefix[-1, places[0]]
    # Rounding may lift a certain span a hair above 1.
    return SpanColumns(*spans, np.exp(np.minimum(log_scores, 0.0)))


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


def _emissions(
    logits: npt.NDArray[np.floating[Any]], lengths: npt.NDArray[np.integer[Any]], outside_bias: float
) -> Floats:
    """Scores of each word's tags below its best one's, (batch, words, tags); padding is O for certain.

    A certain O adds exactly 0 to every sum, so padding needs no further care.
    """
    scores = logits.astype(np.float64)
    scores[..., 0] += outside_bias
    scores[np.arange(scores.shape[1]) >= lengths[:, np.newaxis]] = [0.0] + [-np.inf] * (scores.shape[-1] - 1)
    highest = scores.max(-1, keepdims=True)
    unreadable = np.argwhere(~np.isfinite(highest[..., 0]))
    if len(unreadable):
        sequence, word = unreadable[0]
        raise CheckpointError(
            f"expected finite logits (or -inf beside one), found others at word {word} of sequence "
            f"{sequence} of the batch: admit at least O there, or export the checkpoint again"
        )
    scores -= highest
    return scores


def _best_tags(emissions: Floats, recall_bias: float) -> Integers:
    """Best legal tags (batch, words): each word's own best where that is legal, else by Viterbi."""
    if recall_bias:
        emissions = emissions.copy()
        emissions[..., 0] -= recall_bias
    tags: Integers = emissions.argmax(-1)
    before = np.pad(tags[:, :-1], ((0, 0), (1, 0)))
    is_wrong = _is_inside(tags) & (before != tags) & (before != tags - 1)
    rows = np.flatnonzero(is_wrong.any(-1))
    if len(rows):
        tags[rows] = _search(emissions[rows].swapaxes(0, 1), rows).T
    return tags


def _search(emissions: Floats, rows: Integers) -> Integers:
    """Best legal tags (words, batch) by Viterbi, of emissions (words, batch, tags); `rows` are for errors."""
    enter = np.concatenate([emissions[..., :1], emissions[..., 1::2]], axis=-1)  # (words, batch, states)
    stay = np.full_like(enter, -np.inf)  # outside is never stayed in: another O enters it again
    stay[..., 1:] = emissions[..., 2::2]
    totals = np.zeros(enter.shape[1])  # of the best prefixes
    best = np.full(enter.shape[1:], -np.inf)  # of those that end in each state
    states = np.empty(enter.shape[:2], np.int64)
    stays = np.empty(enter.shape, np.bool_)
    for word, (entering, staying) in enumerate(zip(enter, stay, strict=True)):
        entered, stayed = totals[:, np.newaxis] + entering, best + staying
        np.greater(stayed, entered, out=stays[word])
        np.maximum(entered, stayed, out=best)
        best.argmax(-1, out=states[word])
        totals = best.max(-1)
    illegal = rows[np.isneginf(totals)]
    if len(illegal):
        raise CheckpointError(
            f"expected at least one legal IOB2 sequence, found none in sequence {illegal[0]} of the batch: "
            f"give O a logit above -inf on every word"
        )
    tags = np.empty_like(states)
    sequences = np.arange(len(rows))
    state = states[-1]
    goes_on = np.zeros(len(rows), np.bool_)
    for word in reversed(range(len(tags))):
        state = np.where(goes_on, state, states[word])
        goes_on = stays[word, sequences, state]
        tags[word] = 2 * state - 1 + goes_on
    return np.maximum(tags, 0)  # state 0 is O, which the formula puts at -1


def _sum_outside(emissions: Floats) -> tuple[Floats, Floats]:
    """Log mass of what can stand before and behind each word, from emissions (words, batch, tags).

    The first (words + 1, batch) is of all legal prefixes of each length, the second of the suffixes from each
    word that do not go on with an I. Both are summed up as shares of the whole, whose logarithm is kept.
    """
    shares = np.exp(np.where(np.isneginf(emissions), -np.inf, np.maximum(emissions, SMALLEST_SCORE)))
    enter, stay = shares[..., 1::2].copy(), shares[..., 2::2].copy()  # (words, batch, types)
    add = np.add.reduce
    entering = shares[..., :1] + add(enter, axis=-1, keepdims=True)
    before, behind, scales = np.zeros((3, len(shares) + 1, shares.shape[1], 1))
    inside = np.zeros(enter.shape[1:])  # of prefixes, those that end inside each type
    for word, total in enumerate(before[1:]):
        inside *= stay[word]
        add(inside, axis=-1, keepdims=True, out=total)
        total += entering[word]
        inside += enter[word]
        inside /= total
    behind[-1] = 1.0
    going_on = np.zeros(enter.shape[1:])  # of suffixes, those that go on with each type's I
    for word in reversed(range(len(shares))):
        own, total, scale = behind[word + 1], behind[word], scales[word]
        add(enter[word] * going_on, axis=-1, keepdims=True, out=total)
        total += entering[word] * own
        going_on += own
        going_on *= stay[word]
        add(going_on, axis=-1, keepdims=True, out=scale)
        scale += total
        total /= scale
        going_on /= scale
    with np.errstate(divide="ignore"):  # behind an I that has to come, no other suffix is left
        before[1:] = np.log(before[1:]).cumsum(0)
        behind = np.log(behind)
    behind[:-1] += np.log(scales[:-1])[::-1].cumsum(0)[::-1]
    return before[..., 0], behind[..., 0]


def _find_spans(tags: Integers) -> tuple[Integers, Integers, Integers, Integers]:
    """Sequences, starts, ends and labels of the spans in tags (batch, words), in reading order."""
    n_words = tags.shape[1]
    inside = _is_inside(tags)
    goes_on = np.zeros(tags.shape, np.bool_)
    goes_on[:, 1:] = inside[:, 1:] & ((tags[:, :-1] == tags[:, 1:]) | (tags[:, :-1] == tags[:, 1:] - 1))
    # A span ends at the next word that does not go on; for the search all sequences lie in one row.
    stops = np.append(np.flatnonzero(~goes_on), tags.size)
    sequences, starts = np.nonzero(tags % 2 == 1)
    firsts = sequences * n_words + starts
    ends = stops[np.searchsorted(stops, firsts, side="right")] - sequences * n_words
    return sequences, starts, ends, tags[sequences, starts] // 2


def _is_inside(tags: Integers) -> npt.NDArray[np.bool_]:
    is_inside: npt.NDArray[np.bool_] = (tags > 0) & (tags % 2 == 0)
    return is_inside


def _sum_inside(path: Floats, sequences: Integers, starts: Integers, ends: Integers) -> Floats:
    """Log-probability (spans,) of each span's own tags, from those of the best tags (words, batch).

    Sums run over a span alone. Differences of running sums would lose it behind a -inf or a huge logit.
    """
    n_words = len(path)
    flat = np.append(path.T.ravel(), 0.0)  # one more, so that the last end is an index
    edges = np.stack([sequences * n_words + starts, sequences * n_words + ends], axis=-1)
    sums: Floats = np.add.reduceat(flat, edges.ravel())[::2]
    return sums
