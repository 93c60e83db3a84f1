"""Tags, spans and the decoder between them."""

from collections.abc import Iterator
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from seqeval.scheme import IOB2, Entities

from libyaevents.errors import CheckpointError, LabelError
from libyaevents.tags import DecodedSpan, decode_spans, decode_tags, encode_spans, iob2_tags

TYPES = ("PERSON", "GPE", "DATE")
Logits = npt.NDArray[np.float32]
Tags = tuple[int, ...]


@st.composite
def disjoint_spans(draw: st.DrawFn) -> tuple[int, list[tuple[int, int, int]]]:
    """A number of words and disjoint spans over them, in order."""
    steps = draw(st.lists(st.tuples(st.integers(0, 3), st.integers(1, 4), st.integers(0, 25)), max_size=8))
    spans, word = [], 0
    for gap, n_words, label in steps:
        spans.append((word + gap, word + gap + n_words, label))
        word += gap + n_words
    return word + draw(st.integers(0, 3)), spans


@st.composite
def small_logits(draw: st.DrawFn) -> Logits:
    """Logits (words, tags) small enough to enumerate; some tags are forbidden, on a word or everywhere."""
    n_words, n_types = draw(st.sampled_from([(1, 1), (3, 0), (4, 1), (6, 1), (4, 2), (3, 3)]))
    shape = (n_words, 1 + 2 * n_types)
    values = st.floats(-12, 12, width=32) | st.sampled_from([0.0, 1.0, -np.inf])
    logits: Logits = draw(hnp.arrays(np.float32, shape, elements=values))
    logits[:, list(draw(st.sets(st.integers(0, shape[1] - 1), max_size=2)))] = -np.inf
    return logits


def legal_sequences(n_words: int, n_tags: int) -> Iterator[Tags]:
    """Every tag sequence in which an I stands behind the B or the I of its type."""
    for tags in product(range(n_tags), repeat=n_words):
        pairs = zip((0, *tags), tags, strict=False)
        if all(tag == 0 or tag % 2 == 1 or previous in (tag - 1, tag) for previous, tag in pairs):
            yield tags


def log_probabilities(logits: Logits, outside_bias: float) -> dict[Tags, float]:
    """Log-probability of each legal sequence among the legal ones; empty where all are impossible."""
    biased = logits.astype(np.float64)
    biased[:, 0] += outside_bias
    words = np.arange(len(logits))
    sums = {tags: float(biased[words, list(tags)].sum()) for tags in legal_sequences(*logits.shape)}
    total = np.logaddexp.reduce(list(sums.values()))
    return {tags: value - total for tags, value in sums.items()} if np.isfinite(total) else {}


def decode_one(logits: Logits, outside_bias: float = 0.0, *, recall_bias: float = 0.0) -> list[DecodedSpan]:
    """Decode one sequence (words, tags) that fills its batch."""
    biases = {"outside_bias": outside_bias, "recall_bias": recall_bias}
    return decode_spans(logits[np.newaxis], np.array([len(logits)]), **biases)[0]


def triples(spans: list[DecodedSpan]) -> list[tuple[int, int, int]]:
    """Strip the scores off spans."""
    return [(span.start, span.end, span.label) for span in spans]


def likely(tags: str, n_types: int = 2, strength: float = 4.0) -> Logits:
    """Logits that prefer given tags, written as in "O B0 I0"."""
    names = iob2_tags([str(label) for label in range(n_types)])
    logits = np.zeros((len(tags.split()), len(names)), np.float32)
    for word, tag in enumerate(tags.replace("B", "B-").replace("I", "I-").split()):
        logits[word, names.index(tag)] = strength
    return logits


def test_tags_are_named_in_the_order_of_the_logits() -> None:
    """O comes first, then the B and the I of each type."""
    assert iob2_tags(["GPE", "DATE"]) == ("O", "B-GPE", "I-GPE", "B-DATE", "I-DATE")
    assert iob2_tags([]) == ("O",)


def test_adjacent_spans_of_one_type_stay_apart() -> None:
    """In «زار السراج طرابلس سرت أمس» the second of two places opens with a B of its own."""
    tags = encode_spans(5, [(4, 5, 2), (1, 2, 0), (2, 3, 1), (3, 4, 1)])
    names = iob2_tags(TYPES)
    assert [names[tag] for tag in tags] == ["O", "B-PERSON", "B-GPE", "B-GPE", "B-DATE"]


@settings(deadline=None)
@given(disjoint_spans())
def test_spans_survive_their_tags(case: tuple[int, list[tuple[int, int, int]]]) -> None:
    """Decoding the tags of disjoint spans gives the spans back, in order."""
    n_words, spans = case
    tags = encode_spans(n_words, reversed(spans))
    assert tags.shape == (n_words,)
    assert decode_tags(tags) == spans


@pytest.mark.parametrize("span", [(2, 2, 0), (3, 1, 0), (-1, 2, 0), (3, 6, 0), (0, 1, -1)])
def test_a_span_that_is_no_run_of_words_is_refused(span: tuple[int, int, int]) -> None:
    """A span is not empty, stays inside the words and has a label."""
    with pytest.raises(LabelError, match="expected a span with 0 <= start < end <= 5"):
        encode_spans(5, [span])


@pytest.mark.parametrize("span", [(0, 2, 1), (1, 3, 0), (2, 4, 0), (2, 3, 1), (0, 5, 1)])
def test_overlapping_spans_are_refused(span: tuple[int, int, int]) -> None:
    """A word carries one tag, so two spans cannot share it."""
    with pytest.raises(LabelError, match="expected disjoint spans"):
        encode_spans(5, [(1, 3, 0), span])


@settings(deadline=None)
@given(st.lists(st.integers(0, 6), max_size=12))
@example([2, 2, 1, 2, 4, 2, 0, 2, 3, 3, 4])
def test_tags_are_read_as_seqeval_reads_them(tags: list[int]) -> None:
    """Any tags, legal or not, hold the spans that seqeval finds in its strict IOB2 mode."""
    names = iob2_tags(TYPES)
    expected = Entities([[names[tag] for tag in tags]], scheme=IOB2).entities[0]
    found = decode_tags(np.array(tags, np.int64))
    assert [(TYPES[label], start, end) for start, end, label in found] == [
        (entity.tag, entity.start, entity.end) for entity in expected
    ]


@settings(deadline=None)
@given(small_logits(), st.sampled_from([0.0, -3.0, 0.7, 5.0]), st.sampled_from([0.0, -1.5, 2.5, 20.0]))
def test_the_best_legal_sequence_is_found(logits: Logits, outside_bias: float, recall_bias: float) -> None:
    """No legal sequence is more probable than the decoded one, by enumeration of all of them."""
    expected = log_probabilities(logits, outside_bias - recall_bias)
    assume(expected)
    spans = decode_one(logits, outside_bias, recall_bias=recall_bias)
    tags = tuple(encode_spans(len(logits), triples(spans)).tolist())
    assert expected[tags] == pytest.approx(max(expected.values()), abs=1e-9)


@settings(deadline=None)
@given(small_logits(), st.sampled_from([0.0, -3.0, 0.7, 5.0]), st.sampled_from([0.0, -1.5, 2.5, 20.0]))
def test_a_score_is_the_probability_of_exactly_this_span(
    logits: Logits, outside_bias: float, recall_bias: float
) -> None:
    """A score sums the probabilities of all legal sequences with the span, whatever the recall bias."""
    expected = log_probabilities(logits, outside_bias)
    assume(expected)
    for span in decode_one(logits, outside_bias, recall_bias=recall_bias):
        triple = (span.start, span.end, span.label)
        holding = [np.exp(value) for tags, value in expected.items() if triple in decode_tags(np.array(tags))]
        assert 0.0 <= span.score <= 1.0
        assert span.score == pytest.approx(sum(holding), abs=1e-9)


@pytest.mark.parametrize("word", [0, 1, 3])
def test_logits_without_a_legal_sequence_are_refused(word: int) -> None:
    """Where -inf leaves a word nothing but an I that cannot stand there, decoding says so and where."""
    logits = np.zeros((2, 4, 5), np.float32)
    logits[1, :, 3:] = -np.inf  # nothing is of type 1 …
    logits[1, word] = [-np.inf, -np.inf, -np.inf, -np.inf, 0.0]  # … but this word can only continue it
    with pytest.raises(CheckpointError, match="none in sequence 1 of the batch"):
        decode_spans(logits, np.array([4, 4]))


def test_an_inside_without_its_begin_is_repaired() -> None:
    """The best legal sequence is found even where the best single tags are illegal."""
    logits = likely("O I0 I0 O")
    logits[1, 1] = 3.0  # B-0, the second choice
    assert triples(decode_one(logits)) == [(1, 3, 0)]


def test_equal_alternatives_decode_to_the_lower_tag() -> None:
    """O beats a type, a lower type a higher one, and two spans of a word each one of two words."""
    assert decode_one(np.zeros((4, 5), np.float32)) == []
    without_outside = np.zeros((2, 5), np.float32)
    without_outside[:, 0] = -np.inf
    assert triples(decode_one(without_outside)) == [(0, 1, 0), (1, 2, 0)]


def test_the_bias_trades_recall_for_precision() -> None:
    """A bias on O removes weak spans when positive, adds them when negative; for recall it is the reverse."""
    logits = likely("O B0 I0 O B1")
    logits[4] /= 4.0
    [first, second] = decode_one(logits)
    assert triples([first, second]) == [(1, 3, 0), (4, 5, 1)]
    assert triples(decode_one(logits, 2.0)) == [(1, 3, 0)]
    assert decode_one(logits, 5.0) == []
    assert len(decode_one(logits, -4.5)) > 2
    assert decode_one(logits, 1.0)[0].score < first.score
    assert triples(decode_one(logits, recall_bias=-2.0)) == [(1, 3, 0)]
    assert len(decode_one(logits, recall_bias=4.5)) > 2


def test_a_forbidden_type_before_a_span_leaves_its_score_finite() -> None:
    """An I that is forbidden on one word does not disturb spans of its type behind it."""
    logits = likely("O O B0 I0 I0", n_types=1)
    logits[0, 2] = -np.inf
    logits[1, 1:] = np.finfo(np.float32).min
    [span] = decode_one(logits)
    assert triples([span]) == [(2, 5, 0)]
    assert 0.5 < span.score < 1.0


def test_a_certain_span_scores_one() -> None:
    """A span that nothing else can be has probability 1, however long it is."""
    logits = likely("B0 I0 I0 I0", n_types=1, strength=200.0)
    [span] = decode_one(logits)
    assert span.score == 1.0


def test_long_sequences_do_not_underflow() -> None:
    """The same local evidence gives the same score in 5,000 words as in 50."""
    short, long = (decode_one(np.tile(likely("O B1 I1 O O"), (n, 1))) for n in (10, 1000))
    assert triples(long[:10]) == triples(short)
    assert long[500].score == pytest.approx(short[5].score, rel=1e-9)
    assert long[500].score > 0.3


@pytest.fixture(scope="module")
def batch() -> tuple[Logits, npt.NDArray[np.int64]]:
    """A batch (17, 40, 53) of random logits and lengths from 0 to 40, with some tags forbidden."""
    random = np.random.default_rng(7)
    logits = random.normal(scale=2.5, size=(17, 40, 53)).astype(np.float32)
    logits[..., 1:][random.random((17, 40, 52)) < 0.2] = -np.inf
    lengths = random.integers(1, 41, size=17)
    lengths[[3, 5]] = 0, 40
    return logits, lengths


@pytest.mark.parametrize("filler", [0.0, 1e9, np.nan, np.inf, -np.inf])
def test_padding_is_never_read(batch: tuple[Logits, npt.NDArray[np.int64]], filler: float) -> None:
    """Whatever lies behind a sequence's length, its spans and scores are the same to the last bit."""
    logits, lengths = batch
    padded = np.pad(logits, ((0, 0), (0, 9), (0, 0)))
    padded[np.arange(49) >= lengths[:, np.newaxis]] = filler
    assert decode_spans(padded, lengths) == decode_spans(logits, lengths)


def test_results_do_not_depend_on_company(batch: tuple[Logits, npt.NDArray[np.int64]]) -> None:
    """A sequence alone, unpadded, decodes to the bit as it does in any batch, in any order."""
    logits, lengths = batch
    together = decode_spans(logits, lengths, outside_bias=3.0)
    assert sum(map(len, together)) > 50
    alone = [
        decode_one(rows[:length], outside_bias=3.0) for rows, length in zip(logits, lengths, strict=True)
    ]
    assert alone == together
    assert decode_spans(logits[::-1], lengths[::-1], outside_bias=3.0) == together[::-1]


def test_the_logits_of_the_caller_are_left_alone(batch: tuple[Logits, npt.NDArray[np.int64]]) -> None:
    """Decoding writes into a copy, also of logits that are float64 and time-major already."""
    logits, lengths = batch
    mine = np.ascontiguousarray(logits.swapaxes(0, 1), np.float64).swapaxes(0, 1)
    before = mine.copy()
    decode_spans(mine, lengths, outside_bias=1.0)
    assert np.array_equal(mine, before)


@pytest.mark.parametrize("shape", [(0, 0, 5), (0, 7, 5), (2, 0, 5), (2, 3, 5), (2, 3, 1)])
def test_nothing_decodes_to_nothing(shape: tuple[int, int, int]) -> None:
    """No sequences, no words, zero lengths or no types: one empty list a sequence."""
    assert decode_spans(np.ones(shape, np.float32), np.zeros(shape[0], np.int64)) == [[]] * shape[0]
    assert decode_tags(np.zeros(0, np.int64)) == []


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_logits_that_are_no_numbers_are_refused(value: float) -> None:
    """NaN or infinity inside a sequence is an error that names its place."""
    logits = np.zeros((2, 4, 5), np.float32)
    logits[1, 2, 3] = value
    with pytest.raises(CheckpointError, match="word 2 of sequence 1"):
        decode_spans(logits, np.array([4, 4]))


@pytest.mark.parametrize(
    ("shape", "lengths", "message"),
    [
        ((4, 5), [4], "expected logits of shape"),
        ((1, 4, 6), [4], "expected logits of shape"),
        ((1, 4, 5), [5], "expected 1 lengths from 0 to 4"),
        ((1, 4, 5), [-1], "expected 1 lengths from 0 to 4"),
        ((1, 4, 5), [4, 4], "expected 1 lengths from 0 to 4"),
    ],
)
def test_shapes_that_do_not_fit_are_refused(shape: Any, lengths: list[int], message: str) -> None:
    """Logits have an odd number of tags, and each sequence a length within them."""
    with pytest.raises(CheckpointError, match=message):
        decode_spans(np.zeros(shape, np.float32), np.array(lengths))
