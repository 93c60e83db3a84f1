"""Fit a document's words to the encoder: windows of bounded length, padded batches.

In come the subwords of each word; out go arrays for the network. Each window knows
which words of the document it holds and which of them it scores; every word is scored by exactly one.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, chain, pairwise

import numpy as np
from numpy.typing import NDArray

from libyaevents.errors import ConfigError, DocumentError
from libyaevents.words import Span

WIDTHS_AN_OCTAVE = 8  # that batches may have: engines keep memory for each shape that they have met
# A batch takes no window longer than this many times its shortest, so that at most a fifth of it is padding.
_MAX_LENGTH_RATIO = 1.25


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Window:
    """A run of a document's words, ready for the encoder.

    Attributes:
        input_ids: Shape `(subwords,)`, int64, from [CLS] to [SEP].
        word_ids: Shape `(subwords,)`, int64: the subword's word, from 0 for `words[0]`; -1 for specials and
            for proclitics that are read apart.
        words: Half-open range of the document's words that the window holds.
        scored: Half-open range of the document's words whose scores this window gives; inside `words`.
        n_cut_subwords: Subwords left out because one word alone is longer than a window; nearly always 0.
    """

    input_ids: NDArray[np.int64]
    word_ids: NDArray[np.int64]
    words: Span
    scored: Span
    n_cut_subwords: int = 0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WindowBatch:
    """Windows side by side, padded on the right.

    Attributes:
        input_ids: Shape `(batch, subwords)`, int64; padding is 0, which `attention_mask` hides.
        attention_mask: Shape `(batch, subwords)`, int64; 1 for subwords and specials, 0 for padding.
        word_ids: Shape `(batch, subwords)`, int64; -1 for specials, proclitics read apart and padding.
        word_mask: Shape `(batch, words)`, bool; true for words, those without subwords included.
    """

    input_ids: NDArray[np.int64]
    attention_mask: NDArray[np.int64]
    word_ids: NDArray[np.int64]
    word_mask: NDArray[np.bool_]


def sentence_words(words: Sequence[Span], sentences: Sequence[Span]) -> list[Span]:
    """Map sentences to ranges of words.

    Args:
        words: Code-point offsets, in order.
        sentences: Code-point offsets in the same text, in order.

    Returns:
        One half-open range of word indexes per sentence, empty for a sentence without words; together they
        hold every word once.

    Raises:
        DocumentError: A word lies outside every sentence or crosses a sentence's end.
    """
    ranges: list[Span] = []
    start = 0
    for sentence_start, sentence_end in sentences:
        end = start
        while end < len(words) and sentence_start <= words[end][0] and words[end][1] <= sentence_end:
            end += 1
        ranges.append((start, end))
        start = end
    if start < len(words):
        raise DocumentError(
            f"word {start} at offsets {words[start]} lies inside no sentence; "
            "the sentences must cover every word whole, in order"
        )
    return ranges


def make_windows(
    subwords: Sequence[Sequence[int]],
    sentences: Sequence[Span],
    *,
    specials: tuple[int, int],
    max_subwords: int = 256,
) -> list[Window]:
    """Pack consecutive sentences into windows.

    A sentence longer than a window is strided: it gets windows of its own, overlapping by half where words
    allow it, and each word is scored where it stands farthest from an edge, counted in words. A word longer
    than a window keeps its first subwords.

    Args:
        subwords: Ids of the subwords of each word of the document, as `encode_words` gives them.
        sentences: Ranges of words that partition the document's words.
        specials: Ids of [CLS] and [SEP].
        max_subwords: Most subwords in a window, the two specials included.

    Returns:
        Windows in the document's order; their `scored` ranges partition its words. None for no words.

    Raises:
        ConfigError: A window of `max_subwords` has no room for a subword.
        DocumentError: The sentences do not partition the words.
    """
    capacity = max_subwords - len(specials)
    if capacity < 1:
        raise ConfigError(f"max_subwords is {max_subwords}; expected 3 or more, [CLS] and [SEP] included")
    _check_partition(sentences, len(subwords))
    lengths = [min(len(word), capacity) for word in subwords]
    offsets = np.array([0, *accumulate(lengths)], dtype=np.int64)
    layout: list[tuple[Span, Span]] = []
    for start, end in _pack_sentences(sentences, offsets, capacity):
        spans = _stride(start, end, offsets, capacity)
        layout.extend(zip(spans, _scored_spans(spans), strict=True))
    return [
        _build_window(subwords, offsets, words=words, scored=scored, specials=specials)
        for words, scored in layout
    ]


def collate(windows: Sequence[Window], *, width: int = 0) -> WindowBatch:
    """Pad windows to one rectangle, as wide as the longest of them, and at least `width`, words included."""
    n_subwords = max([width, *(len(window.input_ids) for window in windows)])
    n_words = np.array([window.words[1] - window.words[0] for window in windows], dtype=np.int64)
    input_ids = np.zeros((len(windows), n_subwords), dtype=np.int64)
    attention_mask = np.zeros_like(input_ids)
    word_ids = np.full_like(input_ids, -1)
    for row, window in enumerate(windows):
        length = len(window.input_ids)
        input_ids[row, :length] = window.input_ids
        attention_mask[row, :length] = 1
        word_ids[row, :length] = window.word_ids
    word_mask = np.arange(n_words.max(initial=width)) < n_words[:, None]
    return WindowBatch(
        input_ids=input_ids, attention_mask=attention_mask, word_ids=word_ids, word_mask=word_mask
    )


def batch_by_length(lengths: Sequence[int], *, max_tokens: int) -> list[list[int]]:
    """Group things of like length, shortest first, into batches of at most `max_tokens` padded units.

    Returns:
        Indexes into `lengths`, each once; a thing longer than the budget is a batch of its own. At most a
        fifth of any batch is padding.
    """
    batches: list[list[int]] = []
    for index in sorted(range(len(lengths)), key=lengths.__getitem__):
        length = lengths[index]
        last = batches[-1] if batches else []
        fits = (len(last) + 1) * length <= max_tokens
        if last and fits and length <= _MAX_LENGTH_RATIO * lengths[last[0]]:
            last.append(index)
        else:
            batches.append([index])
    return batches


def padded_width(window: Window, most: int) -> int:
    """What a window takes in a batch beside the like; words without subwords (a lone ـ) may be many."""
    n_subwords = len(window.input_ids)
    step = max((1 << n_subwords.bit_length() >> 1) // WIDTHS_AN_OCTAVE, 1)
    return max(min(-(-n_subwords // step) * step, most), window.words[1] - window.words[0])


def few_shapes(batches: Iterable[list[int]]) -> Iterator[list[int]]:
    """Cut batches so that each has 1, 2, 4, 8 … members."""
    for batch in batches:
        while batch:
            size = 1 << (len(batch).bit_length() - 1)
            yield batch[:size]
            batch = batch[size:]


def _check_partition(sentences: Sequence[Span], n_words: int) -> None:
    position = 0
    for start, end in [*sentences, (n_words, n_words)]:
        if start != position or end < start:
            raise DocumentError(
                f"sentence of words {(start, end)} does not follow on word {position} of {n_words}; "
                "sentences must partition the words, as sentence_words gives them"
            )
        position = end


def _pack_sentences(sentences: Sequence[Span], offsets: NDArray[np.int64], capacity: int) -> list[Span]:
    """Join consecutive sentences into word ranges of at most `capacity` subwords, or one longer sentence."""
    packed: list[Span] = []
    for start, end in sentences:
        if packed and offsets[end] - offsets[packed[-1][0]] <= capacity:
            packed[-1] = (packed[-1][0], end)
        elif start < end:
            packed.append((start, end))
    return packed


def _stride(start: int, end: int, offsets: NDArray[np.int64], capacity: int) -> list[Span]:
    """Cover the words from `start` to `end` with overlapping ranges of at most `capacity` subwords."""

    def first_word(stop: int, room: int) -> int:
        """Find the first word from which `room` subwords reach up to `stop`."""
        return int(np.searchsorted(offsets, offsets[stop] - room))

    spans = [(start, end)]
    while offsets[end] - offsets[spans[-1][0]] > capacity:
        begin = spans[-1][0]
        stop = int(np.searchsorted(offsets, offsets[begin] + capacity, side="right")) - 1
        spans[-1] = (begin, stop)
        # Half a window is shared, or less where the next word is long and would not fit behind that half.
        following = max(first_word(stop, capacity // 2), first_word(stop + 1, capacity))
        # The last window reaches back as far as it can, so that the sentence's end has context too.
        spans.append((min(following, first_word(end, capacity)), end))
    return spans


def _scored_spans(spans: Sequence[Span]) -> list[Span]:
    """Part the words among overlapping windows at the middle of each overlap, ties to the earlier window."""
    middles = [(following[0] + previous[1] + 1) // 2 for previous, following in pairwise(spans)]
    bounds = [spans[0][0], *middles, spans[-1][1]]
    return list(pairwise(bounds))


def _build_window(
    subwords: Sequence[Sequence[int]],
    offsets: NDArray[np.int64],
    *,
    words: Span,
    scored: Span,
    specials: tuple[int, int],
) -> Window:
    start, end = words
    lengths = np.diff(offsets[start : end + 1]).tolist()
    kept = (word[:length] for word, length in zip(subwords[start:end], lengths, strict=True))
    ids = np.array([specials[0], *chain.from_iterable(kept), specials[1]], dtype=np.int64)
    word_ids = np.concatenate(([-1], np.repeat(np.arange(end - start), lengths), [-1]))
    n_scored_subwords = sum(map(len, subwords[scored[0] : scored[1]]))
    return Window(
        input_ids=np.where(ids < 0, ~ids, ids),
        word_ids=np.where(ids < 0, -1, word_ids),
        words=words,
        scored=scored,
        n_cut_subwords=n_scored_subwords - int(offsets[scored[1]] - offsets[scored[0]]),
    )
