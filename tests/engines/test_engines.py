"""Engines: both calls of either engine of exported graphs give what the torch network gives."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np
import pytest
from numpy.typing import NDArray

from libyaevents.checkpoint import load_network, load_words_tokenizer
from libyaevents.documents import Argument, Document, Entity, Trigger
from libyaevents.engines import Encoded, Engine, TriggerBatch
from libyaevents.engines.onnx import OnnxEngine
from libyaevents.engines.torch import TorchEngine
from libyaevents.errors import CheckpointError
from libyaevents.extractor import Extractor
from libyaevents.windows import WindowBatch, collate
from tests.tiny import make_windows_of

if TYPE_CHECKING:
    from libyaevents.engines.openvino import OpenVinoEngine

GraphEngine: TypeAlias = "OnnxEngine | OpenVinoEngine"
GRAPH_ENGINES = ("onnx", "openvino")
N_EVENT_TYPES = 26


@pytest.fixture(scope="module")
def torch_engine(tiny_model: Path) -> TorchEngine:
    """The reference."""
    return TorchEngine(load_network(tiny_model))


@pytest.fixture(scope="module", params=GRAPH_ENGINES)
def graph_engine(request: pytest.FixtureRequest) -> type[GraphEngine]:
    """ONNX Runtime, and OpenVINO where it is installed."""
    if request.param == "onnx":
        return OnnxEngine
    pytest.importorskip("openvino")
    from libyaevents.engines.openvino import OpenVinoEngine

    return OpenVinoEngine


@pytest.fixture(scope="module")
def full_engine(graph_engine: type[GraphEngine], full_graphs: Path) -> GraphEngine:
    """An engine over the float32 graphs."""
    return graph_engine(full_graphs / "encoder.onnx", full_graphs / "roles.onnx")


@pytest.fixture(scope="module")
def int8_engine(graph_engine: type[GraphEngine], tiny_model: Path) -> GraphEngine:
    """An engine over the graphs of the model's own folder."""
    return graph_engine(tiny_model / "encoder.int8.onnx", tiny_model / "roles.onnx")


@pytest.fixture(scope="module")
def batches(tiny_model: Path, article: Document) -> list[WindowBatch]:
    """The windows one by one, two together, all together; a single word, many; words without subwords."""
    tokenizer = load_words_tokenizer(tiny_model)
    windows = make_windows_of(article, tokenizer)
    one_word = make_windows_of(Document(text="سرت"), tokenizer)
    no_subwords = make_windows_of(Document(text="ـ سرت ـ"), tokenizer)
    groups = [
        *([window] for window in windows),
        windows[:2],
        windows,
        one_word,
        one_word * 70,
        no_subwords,
        [*windows, *one_word],
    ]
    return [collate(group) for group in groups]


def _trigger_batch(n_sentences: int, n_words: int, n_triggers: int, *, seed: int = 0) -> TriggerBatch:
    """Sentences of random states and lengths, with random triggers in them."""
    generator = np.random.default_rng(seed)
    lengths = generator.integers(1, n_words + 1, n_sentences)
    lengths[0] = n_words
    sentence = generator.integers(0, n_sentences, n_triggers)
    start = generator.integers(0, lengths[sentence])
    end = np.minimum(start + generator.integers(1, 4, n_triggers), lengths[sentence])
    return TriggerBatch(
        word_states=generator.standard_normal((n_sentences, n_words, 32)).astype(np.float32),
        word_mask=np.arange(n_words) < lengths[:, np.newaxis],
        sentence=sentence,
        span=np.stack([start, end], axis=1),
        event_type=generator.integers(0, N_EVENT_TYPES, n_triggers),
    )


TRIGGER_BATCHES = {
    "one of everything": _trigger_batch(1, 1, 1),
    "many triggers in a sentence": _trigger_batch(1, 30, 9),
    "sentences without triggers": _trigger_batch(8, 12, 2),
    "many": _trigger_batch(20, 45, 60),
    "far": _trigger_batch(2, 260, 5),
}


def _words(batch: WindowBatch, output: Encoded) -> list[NDArray[np.float32]]:
    """The outputs of words alone; what stands at padding means nothing."""
    return [array[batch.word_mask] for array in output]


def test_parity_of_the_first_call(
    full_engine: Engine, torch_engine: Engine, batches: list[WindowBatch]
) -> None:
    """The float32 graph of the encoder is the torch network's within 1e-4, for any shape of a batch."""
    for batch in batches:
        found, expected = full_engine.encode(batch), torch_engine.encode(batch)
        for ours, theirs in zip(_words(batch, found), _words(batch, expected), strict=True):
            np.testing.assert_allclose(ours, theirs, atol=1e-4, rtol=0)


@pytest.mark.parametrize("name", TRIGGER_BATCHES)
def test_parity_of_the_second_call(full_engine: Engine, torch_engine: Engine, name: str) -> None:
    """The float32 graph of the role head is the torch network's within 1e-4, for any shape of a batch."""
    batch = TRIGGER_BATCHES[name]
    found, expected = full_engine.roles(batch), torch_engine.roles(batch)
    in_sentence = batch.word_mask[batch.sentence]
    np.testing.assert_allclose(
        found.role_logits[in_sentence], expected.role_logits[in_sentence], atol=1e-4, rtol=0
    )
    np.testing.assert_allclose(found.factuality_logits, expected.factuality_logits, atol=1e-4, rtol=0)


def test_int8_encoder(int8_engine: Engine, torch_engine: Engine, batches: list[WindowBatch]) -> None:
    """The int8 graph has the network's shapes, and states that point the same way."""
    for batch in batches:
        found, expected = int8_engine.encode(batch), torch_engine.encode(batch)
        assert [array.shape for array in found] == [array.shape for array in expected]
        assert {array.dtype for array in found} == {np.dtype(np.float32)}
    for ours, theirs in zip(found, expected, strict=True):
        assert np.corrcoef(ours.ravel(), theirs.ravel())[0, 1] > 0.99


def test_int8_encoder_is_alone_in_its_batch(int8_engine: Engine, tiny_model: Path, article: Document) -> None:
    """A window's int8 states do not depend on the windows beside it, since all ranges are fixed."""
    windows = make_windows_of(article, load_words_tokenizer(tiny_model))
    together = int8_engine.encode(collate(windows))
    for row, window in enumerate(windows):
        n_words = window.words[1] - window.words[0]
        for alone, beside in zip(int8_engine.encode(collate([window])), together, strict=True):
            np.testing.assert_allclose(beside[row, :n_words], alone[0], atol=1e-3)


def test_role_graph_of_the_model(int8_engine: Engine, torch_engine: Engine) -> None:
    """The role head in the model's own folder is float32 too."""
    batch = TRIGGER_BATCHES["many"]
    np.testing.assert_allclose(
        int8_engine.roles(batch).factuality_logits, torch_engine.roles(batch).factuality_logits, atol=1e-4
    )


def test_word_without_subwords_has_no_state(
    full_engine: Engine, torch_engine: Engine, tiny_model: Path
) -> None:
    """A word without subwords has a state of zeros in either engine."""
    batch = collate(make_windows_of(Document(text="ـ سرت"), load_words_tokenizer(tiny_model)))
    for engine in (full_engine, torch_engine):
        states = engine.encode(batch).word_states[0]
        assert not states[0].any()
        assert states[1].any()


def test_widths(full_engine: GraphEngine) -> None:
    """The engine knows how many columns each output has."""
    assert full_engine.widths == {
        "word_states": 32,
        "entity_logits": 25,
        "trigger_logits": 53,
        "role_logits": 24,
        "factuality_logits": 3,
    }


def test_runs_keep_their_results(full_engine: Engine, batches: list[WindowBatch]) -> None:
    """What a call returned is not changed by the next one."""
    first = full_engine.encode(batches[0])
    kept = [array.copy() for array in first]
    full_engine.encode(batches[1])
    assert all(np.array_equal(array, copy) for array, copy in zip(first, kept, strict=True))


def test_threads_do_not_disturb_each_other(int8_engine: Engine, batches: list[WindowBatch]) -> None:
    """Calls from several threads at once give what they give one after the other."""
    expected = [int8_engine.encode(batch) for batch in batches]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(int8_engine.encode, batches * 5))
    for ours, theirs in zip(found, expected * 5, strict=True):
        for one, other in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(one, other, atol=1e-5)


def test_damaged_graph(graph_engine: type[GraphEngine], full_graphs: Path, tmp_path: Path) -> None:
    """A file that is no graph, or half of one, is refused by name."""
    for data in (b"", b"no graph", (full_graphs / "roles.onnx").read_bytes()[:5000]):
        (tmp_path / "roles.onnx").write_bytes(data)
        with pytest.raises(CheckpointError, match=r"roles\.onnx is not a graph that \w+ ?\w+ can run"):
            graph_engine(full_graphs / "encoder.onnx", tmp_path / "roles.onnx")


def test_graphs_the_wrong_way_round(graph_engine: type[GraphEngine], full_graphs: Path) -> None:
    """A graph with other inputs than its call has is refused when it is loaded, not when it is run."""
    with pytest.raises(CheckpointError, match=r"roles\.onnx has .*: expected input_ids, "):
        graph_engine(full_graphs / "roles.onnx", full_graphs / "encoder.onnx")


@pytest.mark.parametrize("engine", GRAPH_ENGINES)
def test_results_do_not_depend_on_company(
    tiny_model: Path, article: Document, engine: Literal["onnx", "openvino"]
) -> None:
    """Whatever is read with an article, and in which order, its spans are the same, its scores nearly."""
    pytest.importorskip("openvino")
    extractor = Extractor.from_pretrained(tiny_model, engine=engine, n_threads=1, enrich=False)
    texts = [article.text, "وصل إلى طرابلس أمس.", article.text[: len(article.text) // 2], "سرت"]
    alone = [extractor.extract(text) for text in texts]
    together = list(extractor.extract_many(texts))
    reversed_order = list(extractor.extract_many(texts[::-1]))[::-1]
    for one, *others in zip(alone, together, reversed_order, strict=True):
        for other in others:
            assert _without_scores(other) == _without_scores(one)
            np.testing.assert_allclose(_scores(other), _scores(one), atol=1e-3)


def _mentions(document: Document) -> list[Entity | Trigger | Argument]:
    triggers = [event.trigger for event in document.events]
    arguments = [argument for event in document.events for argument in event.arguments]
    return [*document.entities, *triggers, *arguments]


def _scores(document: Document) -> list[float]:
    return [mention.score or 0.0 for mention in _mentions(document)]


def _without_scores(document: Document) -> list[Entity | Trigger | Argument]:
    return [replace(mention, score=None) for mention in _mentions(document)]
