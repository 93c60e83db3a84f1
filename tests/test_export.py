"""Export: what the graph files hold, and that nothing else is touched."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from huggingface_hub import ModelCard
from onnx import TensorProto
from transformers import AutoModelForTokenClassification, AutoTokenizer, pipeline

from libyaevents import export as export_module
from libyaevents.checkpoint import Settings, load_labels, save_network
from libyaevents.documents import Document
from libyaevents.engines.graphs import ENCODER_INPUTS
from libyaevents.errors import ConfigError, ModelNotFoundError, OutputError
from libyaevents.export import export, export_entities
from libyaevents.modeling import Pooling
from libyaevents.tags import iob2_tags
from libyaevents.windows import collate
from tests.tiny import MAX_SUBWORDS, make_labels, make_network, make_tokenizer, make_windows_of


@pytest.fixture
def graphs(full_graphs: Path, tiny_model: Path) -> dict[str, onnx.ModelProto]:
    """All graphs that there are, by what they are."""
    return {
        "encoder": onnx.load(full_graphs / "encoder.onnx"),
        "roles": onnx.load(full_graphs / "roles.onnx"),
        "int8": onnx.load(tiny_model / "encoder.int8.onnx"),
    }


def test_export_writes_two_graphs(full_graphs: Path) -> None:
    """The folder holds the encoder and the role head, and nothing beside them."""
    assert sorted(path.name for path in full_graphs.iterdir()) == ["encoder.onnx", "roles.onnx"]


def test_graphs_are_standard(graphs: dict[str, onnx.ModelProto]) -> None:
    """Graphs pass ONNX's checker and hold operators of the standard domain alone."""
    for graph in graphs.values():
        onnx.checker.check_model(graph)
        assert {node.domain for node in graph.graph.node} == {""}
        assert not graph.functions


def test_graphs_are_whole(graphs: dict[str, onnx.ModelProto]) -> None:
    """Every tensor of a graph lies in the graph's own file."""
    for graph in graphs.values():
        tensors = graph.graph.initializer
        assert tensors
        assert all(tensor.data_location == TensorProto.DEFAULT for tensor in tensors)


def test_batches_are_of_any_size(graphs: dict[str, onnx.ModelProto]) -> None:
    """No graph fixes the number of windows, subwords, words or triggers."""
    for graph in graphs.values():
        for value in graph.graph.input:
            first, *others = value.type.tensor_type.shape.dim
            assert first.dim_param
            assert all(size.dim_param or size.dim_value in (2, 32) for size in others)


def test_int8_graph(graphs: dict[str, onnx.ModelProto]) -> None:
    """The int8 graph keeps embeddings and matrices in int8, the heads' apart, and fixed ranges."""
    nodes = graphs["int8"].graph.node
    assert {"QuantizeLinear", "DequantizeLinear"} <= {node.op_type for node in nodes}
    assert not any(node.op_type.startswith("Dynamic") for node in nodes)
    matrices = [tensor for tensor in graphs["int8"].graph.initializer if np.prod(tensor.dims) >= 32 * 32]
    assert {TensorProto.INT8} <= {tensor.data_type for tensor in matrices}
    floats = sum(int(np.prod(tensor.dims)) for tensor in matrices if tensor.data_type == TensorProto.FLOAT)
    full = sum(int(np.prod(tensor.dims)) for tensor in graphs["encoder"].graph.initializer)
    assert floats < full / 2  # in a model of use the embeddings and inner layers weigh more


def test_int8_products(graphs: dict[str, onnx.ModelProto]) -> None:
    """All products of a layer with weights are int8, and none of their results is rounded to int8."""
    nodes = graphs["int8"].graph.node
    maker = {name: node for node in nodes for name in node.output}
    products = [
        node
        for node in nodes
        if node.op_type == "MatMul"
        and all(name in maker and maker[name].op_type == "DequantizeLinear" for name in node.input)
    ]
    assert len(products) == 4 * 2  # query, key and value in one; output; up; down
    results = {node.output[0] for node in products}
    assert not any(node.op_type == "QuantizeLinear" and node.input[0] in results for node in nodes)


@pytest.fixture
def quick_export(monkeypatch: pytest.MonkeyPatch) -> None:
    """Export that writes small files in place of graphs."""
    for name in ("write_encoder", "write_roles"):
        monkeypatch.setattr(export_module, name, lambda _, path: path.write_bytes(b"new"))


def test_export_replaces_an_older_one(quick_export: None, tiny_model: Path, tmp_path: Path) -> None:
    """Exporting anew replaces the older graphs; an empty folder is filled."""
    target = tmp_path / "graphs"
    target.mkdir()
    assert export(tiny_model, target) == target
    (target / "encoder.onnx").write_bytes(b"old")
    export(tiny_model, target)
    assert (target / "encoder.onnx").read_bytes() == b"new"
    assert [path.name for path in tmp_path.iterdir()] == ["graphs"]


def test_export_spares_other_folders(quick_export: None, tiny_model: Path, tmp_path: Path) -> None:
    """A folder that holds other things is refused and left as it was, and so is a model's own folder."""
    (tmp_path / "thesis.txt").write_text("years of work", encoding="utf-8")
    with pytest.raises(OutputError, match="expected a new or empty folder"):
        export(tiny_model, tmp_path)
    assert (tmp_path / "thesis.txt").read_text(encoding="utf-8") == "years of work"
    before = sorted(path.name for path in tiny_model.iterdir())
    with pytest.raises(OutputError, match=r"holds no encoder\.onnx"):
        export(tiny_model, tiny_model)
    assert sorted(path.name for path in tiny_model.iterdir()) == before


def test_export_refuses_a_file(quick_export: None, tiny_model: Path, tmp_path: Path) -> None:
    """A file in the folder's place is refused and left as it was."""
    (tmp_path / "graphs").write_bytes(b"mine")
    with pytest.raises(OutputError, match="expected a new or empty folder"):
        export(tiny_model, tmp_path / "graphs")
    assert (tmp_path / "graphs").read_bytes() == b"mine"


def test_export_of_an_unknown_model(tmp_path: Path) -> None:
    """A model that is not there is named, and no folder appears."""
    with pytest.raises(ModelNotFoundError, match="no model 'absent'"):
        export("absent", tmp_path / "graphs")
    assert not (tmp_path / "graphs").exists()


def test_export_on_a_full_disk(
    monkeypatch: pytest.MonkeyPatch, quick_export: None, tiny_model: Path, tmp_path: Path
) -> None:
    """A disk that fills up while graphs are written leaves the older ones whole, and nothing beside them."""
    export(tiny_model, tmp_path / "graphs")

    def fail(_: object, path: Path) -> None:
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(export_module, "write_roles", fail)
    with pytest.raises(OutputError, match="nothing was changed"):
        export(tiny_model, tmp_path / "graphs")
    assert [path.name for path in tmp_path.iterdir()] == ["graphs"]
    assert (tmp_path / "graphs" / "roles.onnx").read_bytes() == b"new"


# Entities for transformers


@pytest.fixture(scope="module")
def classifier(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny model's entities, as transformers loads them."""
    return export_entities(tiny_model, tmp_path_factory.mktemp("tiny") / "entities")


def test_transformers_loads_it(classifier: Path, tiny_model: Path) -> None:
    """The folder is one of safetensors and JSON, with the labels of the model and its tokenizer."""
    names = ["README.md", "config.json", "libyaevents.json", "model.safetensors"]
    assert sorted(path.name for path in classifier.iterdir()) == [
        *names,
        "tokenizer.json",
        "tokenizer_config.json",
    ]
    model = AutoModelForTokenClassification.from_pretrained(classifier)
    tags = iob2_tags(load_labels(tiny_model).entities)
    assert model.config.id2label == dict(enumerate(tags))
    tokenizer = AutoTokenizer.from_pretrained(classifier)
    assert tokenizer.model_max_length == MAX_SUBWORDS
    ids = tokenizer("قصف سرت", "طرابلس")["input_ids"]
    assert tokenizer.convert_ids_to_tokens([ids[0], ids[-1]]) == ["[CLS]", "[SEP]"]


@pytest.mark.parametrize("pooling", ["mean", "first"])
def test_words_are_means_of_subwords(pooling: Pooling, article: Document, tmp_path: Path) -> None:
    """A word's logits are the mean of its subwords' in the export, or those of the first, within 1e-4."""
    tokenizer, labels = make_tokenizer(article.text), make_labels(article)
    network = make_network(labels, tokenizer.get_vocab_size(), pooling=pooling)
    settings = Settings(name="t", version="1", role_size=64, pooling=pooling, max_subwords=MAX_SUBWORDS)
    (tmp_path / "model").mkdir()
    save_network(network, labels, settings, tokenizer=tokenizer, folder=tmp_path / "model")
    exported = AutoModelForTokenClassification.from_pretrained(
        export_entities(tmp_path / "model", tmp_path / "entities")
    )
    checked = 0
    for window in make_windows_of(article, tokenizer):
        batch = collate([window])
        ids, mask, word_ids, word_mask = (torch.from_numpy(getattr(batch, name)) for name in ENCODER_INPUTS)
        with torch.no_grad():
            ours = network.encode(ids, mask, word_ids, word_mask).entity_logits[0]
            theirs = exported(input_ids=ids, attention_mask=mask).logits[0]
        for word in range(len(ours)):
            own = theirs[word_ids[0] == word]
            if len(own):
                pooled = own.mean(0) if pooling == "mean" else own[0]
                assert torch.allclose(pooled, ours[word], atol=1e-4)
                checked += 1
    assert checked > 100


def test_the_pipeline_runs(classifier: Path, article: Document) -> None:
    """`pipeline` reads an article longer than a window, with the strategy that the folder names."""
    facts = json.loads((classifier / "libyaevents.json").read_text(encoding="utf-8"))
    strategy = facts["aggregation_strategy"]
    assert strategy == "average"
    find = pipeline("token-classification", model=str(classifier), aggregation_strategy=strategy, stride=16)
    found: list[dict[str, Any]] = find(article.text)
    assert found
    assert max(each["end"] for each in found) > len(article.text) // 2
    assert all(article.text[each["start"] : each["end"]].strip() for each in found)


def test_its_card_is_the_hubs(classifier: Path) -> None:
    """The card has the metadata by which the hub lets transformers load the folder."""
    card = ModelCard.load(classifier / "README.md")
    assert card.data.library_name == "transformers"
    assert card.data.pipeline_tag == "token-classification"
    assert 'aggregation_strategy="average"' in card.text


def test_a_maximum_is_not_linear(article: Document, tmp_path: Path) -> None:
    """A model that pools by the maximum is refused, for no classifier of subwords equals it."""
    tokenizer, labels = make_tokenizer(article.text), make_labels(article)
    network = make_network(labels, tokenizer.get_vocab_size(), pooling="max")
    settings = Settings(name="t", version="1", role_size=64, pooling="max", max_subwords=MAX_SUBWORDS)
    (tmp_path / "model").mkdir()
    save_network(network, labels, settings, tokenizer=tokenizer, folder=tmp_path / "model")
    with pytest.raises(ConfigError, match="pools subwords by 'max': expected 'mean' or 'first'"):
        export_entities(tmp_path / "model", tmp_path / "entities")
    assert not (tmp_path / "entities").exists()


def test_entities_replace_older_ones_alone(classifier: Path, tiny_model: Path, tmp_path: Path) -> None:
    """An older export of the same kind is replaced; the model's own folder and graphs are spared."""
    target = Path(shutil.copytree(classifier, tmp_path / "entities"))
    (target / "config.json").write_text("{}", encoding="utf-8")
    export_entities(tiny_model, target)
    assert json.loads((target / "config.json").read_text(encoding="utf-8"))["model_type"] == "bert"
    with pytest.raises(OutputError, match=r"holds no libyaevents\.json"):
        export_entities(tiny_model, tiny_model)
