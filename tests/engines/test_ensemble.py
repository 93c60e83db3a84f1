"""Several networks as one: averages of log-probabilities, each member reading its own states."""

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer

from libyaevents.documents import Document
from libyaevents.engines import TriggerBatch
from libyaevents.engines.ensemble import EnsembleEngine
from libyaevents.engines.torch import TorchEngine
from libyaevents.windows import WindowBatch, collate
from tests.tiny import make_labels, make_network, make_tokenizer, make_windows_of


@pytest.fixture(scope="module")
def tokenizer(article: Document) -> Tokenizer:
    """The tokenizer that all members share."""
    return make_tokenizer(article.text)


@pytest.fixture(scope="module")
def members(article: Document, tokenizer: Tokenizer) -> list[TorchEngine]:
    """Three networks with other random weights."""
    labels, size = make_labels(article), tokenizer.get_vocab_size()
    return [TorchEngine(make_network(labels, size, seed=seed)) for seed in range(3)]


@pytest.fixture(scope="module")
def windows(article: Document, tokenizer: Tokenizer) -> WindowBatch:
    """The article's windows."""
    return collate(make_windows_of(article, tokenizer))


def _questions(states: np.ndarray, n: int = 5) -> TriggerBatch:
    """Two words of the first windows, taken for triggers."""
    n_words = states.shape[1]
    return TriggerBatch(
        word_states=states[:2],
        word_mask=np.ones((2, n_words), np.bool_),
        sentence=np.array([0, 1]),
        span=np.array([[0, 1], [3, 5]]),
        event_type=np.array([2, n]),
    )


def _log_softmax(logits: np.ndarray) -> np.ndarray:
    result: np.ndarray = torch.from_numpy(logits).log_softmax(-1).numpy()
    return result


def test_one_member(members: list[TorchEngine], windows: WindowBatch) -> None:
    """An ensemble of one gives that network's probabilities."""
    ensemble, alone = EnsembleEngine(members[:1]), members[0]
    together, expected = ensemble.encode(windows), alone.encode(windows)
    np.testing.assert_array_equal(together.word_states, expected.word_states)
    np.testing.assert_allclose(
        together.trigger_logits, _log_softmax(expected.trigger_logits), rtol=1e-5, atol=1e-5
    )


def test_mean_of_log_probabilities(members: list[TorchEngine], windows: WindowBatch) -> None:
    """Entities, triggers, both role sequences and factuality are means of the members' log-probabilities."""
    ensemble = EnsembleEngine(members)
    together, alone = ensemble.encode(windows), [member.encode(windows) for member in members]
    for name in ("entity_logits", "trigger_logits"):
        expected = np.mean([_log_softmax(getattr(output, name)) for output in alone], axis=0)
        np.testing.assert_allclose(getattr(together, name), expected, rtol=1e-5, atol=1e-5)
    answer = ensemble.roles(_questions(together.word_states))
    each = [
        member.roles(_questions(output.word_states)) for member, output in zip(members, alone, strict=True)
    ]
    for part in (slice(0, 3), slice(3, None)):
        expected = np.mean([_log_softmax(output.role_logits[..., part]) for output in each], axis=0)
        np.testing.assert_allclose(answer.role_logits[..., part], expected, rtol=1e-5, atol=1e-5)
    expected = np.mean([_log_softmax(output.factuality_logits) for output in each], axis=0)
    np.testing.assert_allclose(answer.factuality_logits, expected, rtol=1e-5, atol=1e-5)


def test_states_side_by_side(members: list[TorchEngine], windows: WindowBatch) -> None:
    """The word states are the members', one behind the other, so that roles can be asked in any batch."""
    states = EnsembleEngine(members).encode(windows).word_states
    assert states.shape[-1] == 3 * members[0].encode(windows).word_states.shape[-1]
    np.testing.assert_array_equal(states[..., 32:64], members[1].encode(windows).word_states)
