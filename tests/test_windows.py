"""Windows and batches: laws for any text and any lengths, and oracles that try everything."""

from collections.abc import Sequence
from itertools import accumulate, combinations, count, pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from libyaevents.errors import ConfigError, DocumentError
from libyaevents.subwords import encode_words
from libyaevents.windows import batch_by_length, collate, make_windows, sentence_words
from libyaevents.words import Span, split_sentences, split_words
from tests.test_subwords import SPECIALS, tiny_tokenizer
from tests.test_words import arabic_texts

any_input = settings(deadline=None, max_examples=150)

# Documents as lengths of words in subwords, sentence by sentence; few values, so that limits are met exactly.
documents = st.lists(st.lists(st.integers(0, 4), max_size=25), max_size=6)
limits = st.integers(3, 14)


def _number_subwords(sentences: Sequence[Sequence[int]]) -> tuple[list[list[int]], list[Span]]:
    """Give every subword of a document an id of its own, from 100 on, and lay out its sentences."""
    ids = count(100)
    subwords = [[next(ids) for _ in range(length)] for sentence in sentences for length in sentence]
    return subwords, list(pairwise([0, *accumulate(map(len, sentences))]))


def test_proclitics_are_no_part_of_their_word() -> None:
    """Cut proclitics are in the window, with their own ids, and belong to no word."""
    (window,) = make_windows([[~7, ~8, 9], [10, 11]], [(0, 2)], specials=SPECIALS)
    assert window.input_ids.tolist() == [2, 7, 8, 9, 10, 11, 3]
    assert window.word_ids.tolist() == [-1, -1, -1, 0, 1, 1, -1]


def test_no_words() -> None:
    """Nothing has no windows."""
    assert sentence_words([], []) == []
    assert make_windows([], [], specials=SPECIALS) == []
    assert make_windows([], [(0, 0), (0, 0)], specials=SPECIALS) == []
    assert batch_by_length([], max_tokens=1024) == []
    assert collate([]).input_ids.shape == (0, 0)


def test_sentence_words() -> None:
    """Sentences map to ranges of words, a sentence without words to an empty one."""
    text = "سقطت سرت. \0 عاد الهدوء"
    assert sentence_words(split_words(text), [(0, 9), (10, 11), (12, 22)]) == [(0, 3), (3, 3), (3, 5)]


@any_input
@given(arabic_texts)
def test_sentence_words_partition(text: str) -> None:
    """The splitter's sentences and words fit each other: the ranges partition the words."""
    words = split_words(text)
    sentences = split_sentences(text)
    ranges = sentence_words(words, sentences)
    assert [index for start, end in ranges for index in range(start, end)] == list(range(len(words)))
    for (start, end), (first, stop) in zip(sentences, ranges, strict=True):
        assert first < stop
        assert start <= words[first][0]
        assert words[stop - 1][1] <= end


@pytest.mark.parametrize(
    "sentences",
    [[], [(0, 9)], [(0, 4), (10, 22)], [(0, 7), (7, 22)], [(10, 22), (0, 9)]],
    ids=["none", "end", "gap", "across", "order"],
)
def test_word_outside_the_sentences(sentences: list[Span]) -> None:
    """A word that no sentence holds whole is refused with its offsets."""
    with pytest.raises(DocumentError, match=r"word \d+ at offsets \(\d+, \d+\) lies inside no sentence"):
        sentence_words(split_words("سقطت سرت. اليوم الهدوء"), sentences)


@any_input
@given(documents, limits)
def test_scored_ranges_partition_the_words(sentences: list[list[int]], max_subwords: int) -> None:
    """Every word is scored by exactly one window, which holds it; no window scores nothing."""
    subwords, spans = _number_subwords(sentences)
    windows = make_windows(subwords, spans, specials=SPECIALS, max_subwords=max_subwords)
    scored = [index for window in windows for index in range(*window.scored)]
    assert scored == list(range(len(subwords)))
    for window in windows:
        assert window.words[0] <= window.scored[0] < window.scored[1] <= window.words[1]


@any_input
@given(documents, limits)
def test_window_holds_its_words(sentences: list[list[int]], max_subwords: int) -> None:
    """A window is [CLS], the subwords of its words in order, [SEP], and no longer than allowed."""
    subwords, spans = _number_subwords(sentences)
    for window in make_windows(subwords, spans, specials=SPECIALS, max_subwords=max_subwords):
        words = [word[: max_subwords - 2] for word in subwords[slice(*window.words)]]
        owners = [index for index, word in enumerate(words) for _ in word]
        assert window.input_ids.tolist() == [2, *(subword for word in words for subword in word), 3]
        assert window.word_ids.tolist() == [-1, *owners, -1]
        assert window.input_ids.dtype == window.word_ids.dtype == np.int64
        assert len(window.input_ids) <= max_subwords


@any_input
@given(documents, limits)
def test_cut_subwords_are_counted(sentences: list[list[int]], max_subwords: int) -> None:
    """Only a word longer than a window loses subwords, and the windows count them all."""
    subwords, spans = _number_subwords(sentences)
    windows = make_windows(subwords, spans, specials=SPECIALS, max_subwords=max_subwords)
    expected = sum(max(len(word) - (max_subwords - 2), 0) for word in subwords)
    assert sum(window.n_cut_subwords for window in windows) == expected


def _pack_slowly(sentences: list[list[int]], capacity: int) -> list[list[int]]:
    """Join sentences to windows one at a time: each list holds the numbers of the sentences of one window."""
    packed: list[list[int]] = []
    for number, sentence in enumerate(sentences):
        joined = [length for other in packed[-1:] for index in other for length in sentences[index]]
        if packed and sum(joined) + sum(sentence) <= capacity:
            packed[-1].append(number)
        elif sentence:
            packed.append([number])
    return packed


@any_input
@given(documents, st.integers(6, 40))
def test_sentences_are_packed(sentences: list[list[int]], max_subwords: int) -> None:
    """Consecutive sentences share a window as long as they fit, and only longer ones are cut."""
    subwords, spans = _number_subwords(sentences)
    windows = make_windows(subwords, spans, specials=SPECIALS, max_subwords=max_subwords)
    whole = [window.words for window in windows if window.words == window.scored]
    for numbers in _pack_slowly(sentences, max_subwords - 2):
        words = (spans[numbers[0]][0], spans[numbers[-1]][1])
        fits = sum(map(len, subwords[slice(*words)])) <= max_subwords - 2
        assert fits == (words in whole)


@any_input
@given(st.lists(st.integers(0, 6), min_size=1, max_size=60), limits)
def test_word_is_scored_where_it_stands_deepest(lengths: list[int], max_subwords: int) -> None:
    """No other window of a long sentence holds a word farther from its edges than the one that scores it."""
    subwords, spans = _number_subwords([lengths])
    windows = make_windows(subwords, spans, specials=SPECIALS, max_subwords=max_subwords)
    for word in range(len(lengths)):
        depths = {
            window.scored: min(word - window.words[0], window.words[1] - 1 - word)
            for window in windows
            if window.words[0] <= word < window.words[1]
        }
        (scoring,) = [scored for scored in depths if scored[0] <= word < scored[1]]
        assert depths[scoring] == max(depths.values())


def test_strided_windows_overlap_by_half() -> None:
    """Windows of a long sentence share half their subwords, the last reaches back a whole window."""
    subwords, spans = _number_subwords([[1] * 25])
    windows = make_windows(subwords, spans, specials=SPECIALS, max_subwords=12)
    assert [window.words for window in windows] == [(0, 10), (5, 15), (10, 20), (15, 25)]
    assert [window.scored for window in windows] == [(0, 8), (8, 13), (13, 18), (18, 25)]
    subwords, spans = _number_subwords([[1] * 12])
    windows = make_windows(subwords, spans, specials=SPECIALS, max_subwords=12)
    assert [window.words for window in windows] == [(0, 10), (2, 12)]


def test_ten_thousand_words_in_one_sentence() -> None:
    """A sentence of ten thousand words is read to its end, each word once."""
    text = "قوات سرت " * 5_000
    words = split_words(text)
    subwords = encode_words(text, words, tiny_tokenizer())
    sentences = sentence_words(words, split_sentences(text))
    windows = make_windows(subwords, sentences, specials=SPECIALS)
    assert sentences == [(0, 10_000)]
    assert sum(window.scored[1] - window.scored[0] for window in windows) == 10_000
    assert len(windows) <= 2 * 10_000 / 254
    assert not any(window.n_cut_subwords for window in windows)


def test_words_without_subwords_alone() -> None:
    """A document of words without subwords is one window of the two specials, and scores them all."""
    (window,) = make_windows([[], [], []], [(0, 2), (2, 3)], specials=SPECIALS)
    assert window.input_ids.tolist() == list(SPECIALS)
    assert window.scored == (0, 3)


@pytest.mark.parametrize("sentences", [[], [(0, 1)], [(1, 2)], [(0, 2), (1, 2)], [(0, 3)], [(0, 2), (2, 1)]])
def test_sentences_must_partition_the_words(sentences: list[Span]) -> None:
    """Sentences that miss a word or hold one twice are refused."""
    with pytest.raises(DocumentError, match="must partition the words"):
        make_windows([[5], [6]], sentences, specials=SPECIALS)


def test_window_too_small() -> None:
    """A window without room for a subword is refused."""
    with pytest.raises(ConfigError, match="max_subwords is 2; expected 3 or more"):
        make_windows([[5]], [(0, 1)], specials=SPECIALS, max_subwords=2)


def test_collate() -> None:
    """Windows are padded on the right; a word without subwords is still a word."""
    subwords = [[10, 11], [], [12], [13]]
    windows = make_windows(subwords, [(0, 3), (3, 4)], specials=SPECIALS, max_subwords=5)
    batch = collate(windows)
    assert batch.input_ids.tolist() == [[2, 10, 11, 12, 3], [2, 13, 3, 0, 0]]
    assert batch.attention_mask.tolist() == [[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]]
    assert batch.word_ids.tolist() == [[-1, 0, 0, 2, -1], [-1, 0, -1, -1, -1]]
    assert batch.word_mask.tolist() == [[True, True, True], [True, False, False]]
    assert batch.input_ids.dtype == batch.attention_mask.dtype == batch.word_ids.dtype == np.int64


def _is_batch(lengths: Sequence[int], max_tokens: int) -> bool:
    return len(lengths) == 1 or (
        len(lengths) * max(lengths) <= max_tokens and max(lengths) <= 1.25 * min(lengths)
    )


def _fewest_batches(lengths: Sequence[int], max_tokens: int) -> int:
    """Try every way to cut the sorted lengths into batches."""
    ordered = sorted(lengths)
    for n_batches in range(1, len(ordered) + 1):
        for cuts in combinations(range(1, len(ordered)), n_batches - 1):
            parts = [ordered[start:end] for start, end in pairwise([0, *cuts, len(ordered)])]
            if all(_is_batch(part, max_tokens) for part in parts):
                return n_batches
    return 0


@any_input
@given(st.lists(st.integers(2, 12), max_size=9), st.integers(1, 40))
def test_batches_are_as_few_as_can_be(lengths: list[int], max_tokens: int) -> None:
    """Each length is in one batch, within the budget, little of it padding, and in as few as that allows."""
    batches = batch_by_length(lengths, max_tokens=max_tokens)
    assert sorted(index for batch in batches for index in batch) == list(range(len(lengths)))
    assert all(_is_batch([lengths[index] for index in batch], max_tokens) for batch in batches)
    assert len(batches) == _fewest_batches(lengths, max_tokens)


@any_input
@given(st.lists(st.integers(1, 300), max_size=40))
def test_batches_waste_little(lengths: list[int]) -> None:
    """No batch is padded by more than a fifth, and batches go from short to long, equals in their order."""
    batches = batch_by_length(lengths, max_tokens=1024)
    order = [index for batch in batches for index in batch]
    assert order == sorted(range(len(lengths)), key=lambda index: (lengths[index], index))
    for batch in batches:
        padded = len(batch) * max(lengths[index] for index in batch)
        assert sum(lengths[index] for index in batch) >= 0.8 * padded
        assert padded <= 1024
