"""The network: pooling and distances against oracles, padding that changes nothing, what inputs are for."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from libyaevents.assemble import Labels
from libyaevents.documents import Document
from libyaevents.modeling import (
    DISTANCES,
    EncoderOutput,
    EventModel,
    Pooling,
    distance_bucket,
    pool,
    triggers_between,
)
from tests.tiny import make_labels, make_network

VOCABULARY = 60
POOLINGS: tuple[Pooling, ...] = ("first", "mean", "max")

any_input = settings(deadline=None, max_examples=60)


@pytest.fixture(scope="module")
def labels(article: Document) -> Labels:
    """The labels of the tiny models."""
    return make_labels(article)


@pytest.fixture(scope="module", params=POOLINGS)
def network(request: pytest.FixtureRequest, labels: Labels) -> EventModel:
    """A network with random weights, with each pooling."""
    return make_network(labels, VOCABULARY, pooling=request.param)


def _pool_slowly(states: Tensor, word_ids: list[int], n_words: int, pooling: Pooling) -> Tensor:
    """Pool one window word by word."""
    reduce = {"first": lambda own: own[0], "mean": lambda own: own.mean(0), "max": lambda own: own.amax(0)}
    words = torch.zeros(n_words, states.shape[-1])
    for word in range(n_words):
        own = states[[place for place, owner in enumerate(word_ids) if owner == word]]
        if len(own):
            words[word] = reduce[pooling](own)
    return words


@pytest.mark.parametrize("pooling", POOLINGS)
@any_input
@given(lengths=st.lists(st.integers(0, 4), min_size=1, max_size=8), seed=st.integers(0, 999))
def test_pooling(pooling: Pooling, lengths: list[int], seed: int) -> None:
    """A word is the first, the mean or the maximum of its subwords; one without subwords is zeros."""
    word_ids = [-1, *np.repeat(np.arange(len(lengths)), lengths).tolist(), -1, -1]
    states = torch.randn(1, len(word_ids), 5, generator=torch.Generator().manual_seed(seed))
    mask = torch.ones(1, len(lengths), dtype=torch.bool)
    pooled = pool(states, torch.tensor([word_ids]), mask, pooling)
    assert pooled.shape == (1, len(lengths), 5)
    torch.testing.assert_close(pooled[0], _pool_slowly(states[0], word_ids, len(lengths), pooling))
    assert not pooled[0, [word for word, length in enumerate(lengths) if length == 0]].any()


@pytest.mark.parametrize("pooling", POOLINGS)
def test_pooling_of_negative_states(pooling: Pooling) -> None:
    """No zero of a padded place gets into a word whose states are all negative."""
    states = torch.full((2, 4, 3), -2.0)
    word_ids = torch.tensor([[-1, 0, 0, -1], [-1, 0, -1, -1]])
    pooled = pool(states, word_ids, torch.tensor([[True, False], [True, False]]), pooling)
    assert pooled[:, 0].eq(-2.0).all()
    assert not pooled[:, 1].any()


@any_input
@given(start=st.integers(0, 200), length=st.integers(1, 4), place=st.integers(0, 300))
def test_distance_bucket(start: int, length: int, place: int) -> None:
    """A distance in words falls in the last step that is not above it, on its own side of the trigger."""
    before, behind = start - place, place - (start + length) + 1
    inside = before <= 0 and behind <= 0
    steps = sum(step <= max(before, behind) for step in DISTANCES)
    expected = len(DISTANCES) + (0 if inside else -steps if before > 0 else steps)
    bucket = distance_bucket(
        torch.tensor([[place]]), torch.tensor([[start]]), torch.tensor([[start + length]])
    )
    assert bucket.tolist() == [[expected]]
    assert 0 <= expected <= 2 * len(DISTANCES)


def test_distances_next_to_a_trigger() -> None:
    """The words beside a trigger of two words are told from it and from each other."""
    place = torch.arange(6).unsqueeze(0)
    buckets = distance_bucket(place, torch.tensor([[2]]), torch.tensor([[4]]))
    assert buckets.tolist() == [[6, 7, 8, 8, 9, 10]]


@any_input
@given(seed=st.integers(0, 1000), n_words=st.integers(1, 12), data=st.data())
def test_triggers_between(seed: int, n_words: int, data: st.DataObject) -> None:
    """Between a word and a trigger stand the other trigger words that are nearer to the trigger than it."""
    chances = torch.rand(1, n_words, generator=torch.Generator().manual_seed(seed))
    start = data.draw(st.integers(0, n_words - 1))
    end = data.draw(st.integers(start + 1, n_words))
    inside = torch.zeros(1, n_words)
    inside[0, start:end] = 1.0
    found = triggers_between(chances, torch.tensor([0]), inside)[0]
    expected = [
        float(chances[0, end:place].sum() if place >= end else chances[0, place + 1 : start].sum())
        for place in range(n_words)
    ]
    np.testing.assert_allclose(found.numpy(), expected, atol=1e-5)


def _encode(network: EventModel, rows: list[list[int]], *, subwords: int, words: int) -> EncoderOutput:
    """Encode windows in which every second subword begins a word, padded to a size."""
    input_ids = torch.zeros(len(rows), subwords, dtype=torch.long)
    attention_mask = torch.zeros_like(input_ids)
    word_ids = torch.full_like(input_ids, -1)
    word_mask = torch.zeros(len(rows), words, dtype=torch.bool)
    for row, ids in enumerate(rows):
        input_ids[row, : len(ids)] = torch.tensor(ids)
        attention_mask[row, : len(ids)] = 1
        word_ids[row, 1 : len(ids) - 1] = torch.arange(len(ids) - 2) // 2
        word_mask[row, : (len(ids) - 1) // 2] = True
    with torch.no_grad():
        return network.encode(input_ids, attention_mask, word_ids, word_mask)


def test_encode_shapes(network: EventModel) -> None:
    """The first call gives every word a state, and logits over the tags of 12 entity and 26 event types."""
    output = _encode(network, [[2, 7, 8, 9, 3], [2, 5, 3]], subwords=5, words=2)
    assert output.word_states.shape == (2, 2, 32)
    assert output.entity_logits.shape == (2, 2, 25)
    assert output.trigger_logits.shape == (2, 2, 53)


def test_encode_ignores_padding_and_company(network: EventModel) -> None:
    """A window's words come out the same alone, beside a longer window, and behind padding."""
    short, long = [2, 7, 8, 9, 3], [2, *range(10, 30), 3]
    alone = _encode(network, [short], subwords=5, words=2)
    beside = _encode(network, [long, short], subwords=22, words=10)
    padded = _encode(network, [short], subwords=40, words=17)
    for expected, other, more in zip(alone, beside, padded, strict=True):
        torch.testing.assert_close(other[1, :2], expected[0], atol=1e-5, rtol=1e-5)
        torch.testing.assert_close(more[0, :2], expected[0], atol=1e-5, rtol=1e-5)


def _sentence(n_words: int, seed: int) -> Tensor:
    return torch.randn(n_words, 32, generator=torch.Generator().manual_seed(seed))


def _roles(
    network: EventModel,
    sentences: list[Tensor],
    triggers: list[tuple[int, tuple[int, int], int]],
    *,
    words: int,
) -> tuple[Tensor, Tensor]:
    """Ask for triggers (sentence, span, event type) in sentences padded with noise to a number of words."""
    states = _sentence(len(sentences) * words, seed=99).view(len(sentences), words, 32)
    mask = torch.zeros(len(sentences), words, dtype=torch.bool)
    for row, sentence in enumerate(sentences):
        states[row, : len(sentence)] = sentence
        mask[row, : len(sentence)] = True
    numbers, spans, types = zip(*triggers, strict=True)
    with torch.no_grad():
        return network.roles(states, mask, *map(torch.tensor, (numbers, spans, types)))


def test_roles_shapes(network: EventModel) -> None:
    """The second call gives 3 tags of Source, 21 of the ten other roles, and three values of factuality."""
    logits, factuality = _roles(network, [_sentence(6, 0)], [(0, (1, 2), 4), (0, (3, 5), 0)], words=6)
    assert logits.shape == (2, 6, 3 + 21)
    assert factuality.shape == (2, 3)


def test_roles_ignore_padding_and_company(network: EventModel) -> None:
    """A trigger's roles are the same alone, among other triggers and sentences, and behind padding."""
    short, long = _sentence(5, 1), _sentence(12, 2)
    alone, facts = _roles(network, [short], [(0, (2, 3), 7)], words=5)
    beside, more_facts = _roles(
        network, [long, short], [(0, (9, 11), 3), (1, (2, 3), 7), (1, (0, 1), 7)], words=14
    )
    torch.testing.assert_close(beside[1, :5], alone[0], atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(more_facts[1], facts[0], atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("other", [(1, (2, 3), 7), (0, (3, 4), 7), (0, (2, 4), 7), (0, (2, 3), 8)], ids=str)
def test_roles_depend_on_the_trigger(network: EventModel, other: tuple[int, tuple[int, int], int]) -> None:
    """Another sentence, place, length or type of the trigger gives the words other roles."""
    sentences = [_sentence(5, 1), _sentence(5, 2)]
    logits, factuality = _roles(network, sentences, [(0, (2, 3), 7), other], words=5)
    assert (logits[0] - logits[1]).abs().amax() > 0.01
    assert (factuality[0] - factuality[1]).abs().amax() > 0.001


def test_words_of_a_sentence_see_each_other(network: EventModel) -> None:
    """A filler's roles depend on the other words of the sentence, and on those alone."""
    sentence = _sentence(6, 3)
    changed = sentence.clone()
    changed[5] += 1.0
    logits, _ = _roles(network, [sentence, changed], [(0, (2, 3), 7), (1, (2, 3), 7)], words=6)
    assert (logits[0, 0] - logits[1, 0]).abs().amax() > 1e-4


def test_dropout_is_for_training_alone(network: EventModel) -> None:
    """In evaluation mode the same windows give the same logits; in training mode they do not."""
    rows = [[2, 7, 8, 9, 3]]
    first, second = (_encode(network, rows, subwords=5, words=2) for _ in range(2))
    assert torch.equal(first.entity_logits, second.entity_logits)
    network.train()
    first, second = (_encode(network, rows, subwords=5, words=2) for _ in range(2))
    network.eval()
    assert not torch.equal(first.entity_logits, second.entity_logits)
    assert torch.equal(first.word_states, second.word_states)
