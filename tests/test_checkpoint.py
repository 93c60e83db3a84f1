"""Model folders: read only when whole and safe, written whole or not at all."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

import onnx
import pytest
import torch
from onnx import TensorProto, helper
from safetensors.torch import load_file, save_file

from libyaevents import checkpoint
from libyaevents.calibrators import Calibrator
from libyaevents.checkpoint import (
    LABELS,
    load_engine,
    load_labels,
    load_network,
    load_settings,
    load_words_tokenizer,
    resolve_engine,
    save_network,
    save_settings,
)
from libyaevents.engines.graphs import check_graph
from libyaevents.engines.onnx import OnnxEngine
from libyaevents.engines.torch import TorchEngine
from libyaevents.errors import (
    CheckpointError,
    ConfigError,
    MissingExtraError,
    OutputError,
)
from libyaevents.outputs import whole_folder


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def _edit_config(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    path = folder / "config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    change(config)
    path.write_text(json.dumps(config), encoding="utf-8")


# Reading


def test_round_trip(tiny_model: Path, tmp_path: Path) -> None:
    """What is saved reads back equal: weights, labels, settings, tokenizer."""
    network, labels = load_network(tiny_model), load_labels(tiny_model)
    settings, tokenizer = load_settings(tiny_model), load_words_tokenizer(tiny_model)
    save_network(network, labels, settings, tokenizer=tokenizer, folder=tmp_path)
    again = load_network(tmp_path)
    assert again.heads == network.heads
    for name, value in network.state_dict().items():
        torch.testing.assert_close(again.state_dict()[name], value, atol=0, rtol=0)
    assert load_labels(tmp_path) == labels
    assert load_settings(tmp_path) == settings
    assert load_words_tokenizer(tmp_path).to_str() == tokenizer.to_str()


def test_settings_are_replaced(model_copy: Path) -> None:
    """Saved settings, calibrators included, read back equal; the rest of the config is as it was."""
    before = json.loads((model_copy / "config.json").read_text(encoding="utf-8"))
    calibrators = {"entities": Calibrator(slope=0.5, intercept=-1.25), "triggers": Calibrator()}
    settings = replace(load_settings(model_copy), calibrators=calibrators)
    save_settings(model_copy, settings)
    assert load_settings(model_copy) == settings
    after = json.loads((model_copy / "config.json").read_text(encoding="utf-8"))
    assert after["libyaevents"].pop("calibrators")["entities"] == {"slope": 0.5, "intercept": -1.25}
    before["libyaevents"].pop("calibrators")
    assert after == before
    assert _names(model_copy) == _names(model_copy.parent / "copy")


def test_settings_on_a_full_disk(model_copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings that cannot be written leave those that were there."""
    settings = load_settings(model_copy)

    def fill_disk(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fill_disk)
    with pytest.raises(OutputError, match="No space left"):
        save_settings(model_copy, replace(settings, name="other"))
    assert load_settings(model_copy) == settings


def test_full_disk_while_saving(monkeypatch: pytest.MonkeyPatch, tiny_model: Path, model_copy: Path) -> None:
    """A disk that fills up under safetensors is told as such, and the older model stays."""
    network, labels, settings = load_network(tiny_model), load_labels(tiny_model), load_settings(tiny_model)
    tokenizer = load_words_tokenizer(tiny_model)
    write = Path.write_text

    def fail(path: Path, *arguments: Any, **options: Any) -> int:
        if path.name == "labels.json":
            raise OSError(28, "No space left on device")
        return write(path, *arguments, **options)

    monkeypatch.setattr(Path, "write_text", fail)
    with (
        pytest.raises(OutputError, match="No space left"),
        whole_folder(model_copy, marker=LABELS) as folder,
    ):
        save_network(network, labels, settings, tokenizer=tokenizer, folder=folder)
    assert _names(model_copy) == _names(tiny_model)
    assert _names(model_copy.parent) == ["copy"]


def test_older_folders_have_no_calibrators(model_copy: Path) -> None:
    """The settings of a folder from before there were calibrators are read as of one without."""
    _edit_config(model_copy, lambda config: config["libyaevents"].pop("calibrators"))
    assert load_settings(model_copy).calibrators == {}


def test_weights_are_half_precision(tiny_model: Path) -> None:
    """Weights lie in safetensors as float16, are used as float32, and others may read the file."""
    assert {value.dtype for value in load_file(tiny_model / "model.safetensors").values()} == {torch.float16}
    assert {value.dtype for value in load_network(tiny_model).parameters()} == {torch.float32}
    assert (tiny_model / "model.safetensors").stat().st_mode & 0o444 == 0o444


def test_network_is_loaded_for_use(tiny_model: Path) -> None:
    """A loaded network is in evaluation mode."""
    assert not load_network(tiny_model).training


def test_config_is_a_bert_of_the_hub(tiny_model: Path) -> None:
    """The config reads as that of a BERT for any other program, our own settings under one key."""
    config = json.loads((tiny_model / "config.json").read_text(encoding="utf-8"))
    assert (config["model_type"], config["hidden_size"]) == ("bert", 32)
    assert config["libyaevents"]["name"] == "tiny"


def test_engines(tiny_model: Path) -> None:
    """Each engine is the one that its name says; another is refused."""
    assert isinstance(load_engine(tiny_model, "onnx"), OnnxEngine)
    assert isinstance(load_engine(tiny_model, "torch"), TorchEngine)
    with pytest.raises(
        ConfigError, match="engine is 'tensorrt': expected one of auto, onnx, openvino, torch"
    ):
        load_engine(tiny_model, "tensorrt")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("machine", "is_installed", "width", "expected"),
    [
        ("x86_64", True, 384, "openvino"),
        ("AMD64", True, 768, "openvino"),
        ("x86_64", True, 256, "onnx"),
        ("arm64", True, 768, "onnx"),
        ("x86_64", False, 768, "onnx"),
    ],
)
def test_automatic_engine(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    machine: str,
    is_installed: bool,
    width: int,
    expected: str,
) -> None:
    """OpenVINO is taken where it is installed and faster: wide models on processors of Intel and AMD."""
    (tmp_path / "config.json").write_text(json.dumps({"hidden_size": width}), encoding="utf-8")
    monkeypatch.setattr("platform.machine", lambda: machine)
    monkeypatch.setattr(checkpoint, "find_spec", lambda name: name if is_installed else None)
    assert resolve_engine("auto", tmp_path) == expected
    assert resolve_engine("torch", tmp_path) == "torch"


def test_openvino_engine_without_openvino(tiny_model: Path) -> None:
    """Where OpenVINO is not installed, its engine names the pip line, and the default engine runs."""
    program = f"""
import sys
sys.modules["openvino"] = None
from pathlib import Path
from libyaevents.checkpoint import load_engine
from libyaevents.errors import MissingExtraError
print(type(load_engine(Path({str(tiny_model)!r}))).__name__)
try:
    load_engine(Path({str(tiny_model)!r}), "openvino")
except MissingExtraError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    name, message = done.stdout.splitlines()
    assert name == "OnnxEngine"
    assert message.endswith("pip install 'libyaevents[openvino]'")


def test_torch_engine_without_torch(tiny_model: Path) -> None:
    """Where torch is not installed, the torch engine names the pip line, and the default engine runs."""
    program = f"""
import sys
sys.modules["torch"] = None
from pathlib import Path
from libyaevents.checkpoint import load_engine
from libyaevents.errors import MissingExtraError
load_engine(Path({str(tiny_model)!r}))
try:
    load_engine(Path({str(tiny_model)!r}), "torch")
except MissingExtraError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip().endswith("pip install 'libyaevents[train]'")
    assert issubclass(MissingExtraError, ImportError)


LOADERS: dict[str, Callable[[Path], object]] = {
    "torch": load_network,
    "onnx": partial(load_engine, engine="onnx"),
}
NEEDED = {
    "torch": ["config.json", "model.safetensors", "labels.json"],
    "onnx": ["config.json", "encoder.int8.onnx", "roles.onnx", "labels.json"],
}


@pytest.mark.parametrize(("engine", "name"), [(engine, name) for engine in NEEDED for name in NEEDED[engine]])
def test_incomplete_folder(model_copy: Path, engine: str, name: str) -> None:
    """A folder that lacks a file is refused with the name of the file."""
    (model_copy / name).unlink()
    with pytest.raises(CheckpointError, match=f"has no {name}: the model folder is incomplete"):
        LOADERS[engine](model_copy)


def test_missing_tokenizer(model_copy: Path) -> None:
    """A folder without tokenizer is refused."""
    (model_copy / "tokenizer.json").unlink()
    with pytest.raises(CheckpointError, match=r"has no tokenizer\.json"):
        load_words_tokenizer(model_copy)


def _spoil_weights(folder: Path, change: Callable[[dict[str, torch.Tensor]], object]) -> None:
    weights = load_file(folder / "model.safetensors")
    change(weights)
    save_file(weights, folder / "model.safetensors")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda weights: weights.pop("entities.weight"), "expected a tensor entities.weight, found none"),
        (
            lambda weights: weights.update({"entities.weight": torch.zeros(3, 32)}),
            r"expected entities.weight of shape \(25, 32\), found \(3, 32\)",
        ),
        (lambda weights: weights.update(extra=torch.zeros(1)), "found an unknown tensor extra"),
    ],
    ids=["missing", "wrong shape", "unknown"],
)
def test_weights_that_do_not_fit(
    model_copy: Path, change: Callable[[dict[str, torch.Tensor]], object], message: str
) -> None:
    """Weights that lack a tensor, have one of another shape, or one too many are refused with its name."""
    _spoil_weights(model_copy, change)
    with pytest.raises(CheckpointError, match=f"does not fit config.json: {message}"):
        load_network(model_copy)


@pytest.mark.parametrize("data", [b"", b"no weights", b"\xff" * 100], ids=["empty", "text", "noise"])
def test_damaged_weights(model_copy: Path, data: bytes) -> None:
    """A file of weights that is cut or no safetensors is refused by name."""
    (model_copy / "model.safetensors").write_bytes(data)
    with pytest.raises(CheckpointError, match=r"model\.safetensors is damaged"):
        load_network(model_copy)


@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.pt", "weights.pkl"])
def test_pickle_is_never_loaded(model_copy: Path, name: str) -> None:
    """A folder with a pickle in place of safetensors is refused, and the pickle is not opened."""
    (model_copy / "model.safetensors").unlink()
    (model_copy / name).write_bytes(b"cos\nsystem\n(S'exit 1'\ntR.")
    with pytest.raises(CheckpointError, match=f"as a pickle \\({name}\\), which can run code"):
        load_network(model_copy)


@pytest.mark.parametrize("engine", LOADERS)
@pytest.mark.parametrize("key", ["auto_map", "trust_remote_code"])
def test_remote_code_is_refused(model_copy: Path, engine: str, key: str) -> None:
    """A config that asks for code of its own is refused by either engine."""
    _edit_config(model_copy, lambda config: config.update({key: {"AutoModel": "evil.Model"}}))
    with pytest.raises(CheckpointError, match=f"asks for code of its own \\({key}\\)"):
        LOADERS[engine](model_copy)


def test_newer_format(model_copy: Path) -> None:
    """A folder of a later format is refused with the way out, though its settings may be unknown ones."""
    _edit_config(model_copy, lambda config: config["libyaevents"].update(format=2, novelty=True))
    with pytest.raises(CheckpointError, match="format 2: expected at most 1; upgrade"):
        load_settings(model_copy)


def test_encoder_alone(model_copy: Path) -> None:
    """The folder of a mere encoder is refused, and the message says how to make a model of it."""
    _edit_config(model_copy, lambda config: config.pop("libyaevents"))
    with pytest.raises(CheckpointError, match="fine-tune it with `libyaevents train --encoder`"):
        load_settings(model_copy)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"role_size": "64"}, "role_size = '64'"),
        ({"pooling": "sum"}, "pooling = 'sum'"),
        ({"name": None}, "name = None"),
        ({"max_subwords": True}, "max_subwords = True"),
        ({"role_outside_bias": "0"}, "role_outside_bias = '0'"),
        ({"max_subwords": 129}, "windows of 129 subwords: expected at most 128"),
        ({"unknown": 1}, "malformed settings"),
        ({"calibrators": 1}, "has calibrators 1: expected some of entities, triggers, arguments"),
        ({"calibrators": {"roles": {"slope": 1, "intercept": 0}}}, "expected some of entities"),
    ],
)
def test_malformed_settings(model_copy: Path, changes: dict[str, Any], message: str) -> None:
    """A setting of a wrong type or out of range is refused by name."""
    _edit_config(model_copy, lambda config: config["libyaevents"].update(changes))
    with pytest.raises(CheckpointError, match=message):
        load_settings(model_copy)


@pytest.mark.parametrize(
    "changes",
    [{"hidden_size": 33}, {"hidden_size": "32"}, {"hidden_act": "none"}, {"num_attention_heads": 0}],
    ids=str,
)
def test_config_that_is_no_bert(model_copy: Path, changes: dict[str, Any]) -> None:
    """A config of which no network can be made is refused by name."""
    _edit_config(model_copy, lambda config: config.update(changes))
    with pytest.raises(CheckpointError, match=r"config\.json describes no BERT"):
        load_network(model_copy)


@pytest.mark.parametrize("content", [b"{", b"[]", b"\xff\xfe", b""])
def test_damaged_config(model_copy: Path, content: bytes) -> None:
    """A config that is no JSON object is refused by name."""
    (model_copy / "config.json").write_bytes(content)
    with pytest.raises(CheckpointError, match=r"config\.json"):
        load_settings(model_copy)


def test_graphs_of_another_model(model_copy: Path) -> None:
    """Graphs whose tags are not those of labels.json are refused, and the message says which."""
    path = model_copy / "labels.json"
    labels = json.loads(path.read_text(encoding="utf-8"))
    labels["events"] = labels["events"][:-1]
    path.write_text(json.dumps(labels), encoding="utf-8")
    with pytest.raises(
        CheckpointError, match=r"trigger_logits of the graphs has 53 columns, labels\.json asks for 51"
    ):
        load_engine(model_copy)


# Unsafe graphs


def test_external_data_is_refused(model_copy: Path) -> None:
    """A graph with a tensor in another file is refused before it is loaded, wherever that file lies."""
    graph = onnx.load(model_copy / "roles.onnx")
    onnx.save_model(
        graph, model_copy / "roles.onnx", save_as_external_data=True, location="data.bin", size_threshold=0
    )
    assert (model_copy / "data.bin").is_file()
    with pytest.raises(CheckpointError, match=r"roles\.onnx keeps tensors in files of their own"):
        load_engine(model_copy)


def _external_graph(location: str, *, in_subgraph: bool = False) -> bytes:
    """A graph with one constant that lies in another file."""
    tensor = TensorProto(name="secret", data_type=TensorProto.UINT8, dims=[8])
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="offset", value="0")
    tensor.external_data.add(key="location", value=location)
    output = helper.make_tensor_value_info("out", TensorProto.UINT8, [8])
    node = helper.make_node("Constant", [], ["out"], value=tensor)
    graph = helper.make_graph([node], "g", [], [output])
    if in_subgraph:
        branch = helper.make_node("If", ["yes"], ["out"], then_branch=graph, else_branch=graph)
        yes = helper.make_tensor_value_info("yes", TensorProto.BOOL, [])
        graph = helper.make_graph([branch], "outer", [yes], [output])
    return bytes(helper.make_model(graph).SerializeToString())


@pytest.mark.parametrize("location", ["../../etc/passwd", "/etc/passwd", "*/_ORT_MEM_ADDR_/*", "weights.bin"])
@pytest.mark.parametrize("in_subgraph", [False, True])
def test_external_data_anywhere(tmp_path: Path, location: str, in_subgraph: bool) -> None:
    """External data is found in a constant, in a branch, and whatever place it names."""
    (tmp_path / "g.onnx").write_bytes(_external_graph(location, in_subgraph=in_subgraph))
    with pytest.raises(CheckpointError, match="keeps tensors in files of their own"):
        check_graph(tmp_path / "g.onnx")


@pytest.mark.parametrize(
    "entry", [b"\x8a\x00\x08location", b"\x0a\x88\x00location", b"\x8a\x80\x00\x88\x80\x00location"]
)
def test_external_data_in_disguise(tmp_path: Path, entry: bytes) -> None:
    """Numbers padded to more bytes, which protobuf reads all the same, hide nothing."""
    plain = b"\x0a\x08location"
    parsed = onnx.StringStringEntryProto.FromString(entry)
    assert parsed.key == onnx.StringStringEntryProto.FromString(plain).key == "location"
    (tmp_path / "g.onnx").write_bytes(b"..." + entry + b"\x12\x01x")
    with pytest.raises(CheckpointError, match="keeps tensors in files of their own"):
        check_graph(tmp_path / "g.onnx")


def test_whole_graphs_pass(tiny_model: Path, full_graphs: Path) -> None:
    """Graphs that the library writes itself are not mistaken for such."""
    for path in (*tiny_model.glob("*.onnx"), *full_graphs.glob("*.onnx")):
        check_graph(path)


@pytest.mark.parametrize("engine", ["onnx", "openvino"])
def test_custom_operator_is_refused(model_copy: Path, engine: Literal["onnx", "openvino"]) -> None:
    """A graph with an operator of a domain of its own is refused; no code for it is looked for."""
    pytest.importorskip("openvino")
    graph = onnx.load(model_copy / "roles.onnx")
    graph.graph.node[0].domain = "org.example.evil"
    graph.opset_import.add(domain="org.example.evil", version=1)
    onnx.save_model(graph, model_copy / "roles.onnx")
    with pytest.raises(CheckpointError, match=r"(?s)roles\.onnx is not a graph that .* can run.*evil"):
        load_engine(model_copy, engine)


def test_keys_beyond_the_shape(model_copy: Path) -> None:
    """A config that names attention code to fetch is read for the network's shape alone."""
    path = model_copy / "config.json"
    config = json.loads(path.read_text(encoding="utf-8")) | {"_attn_implementation": "someone/kernel"}
    path.write_text(json.dumps(config), encoding="utf-8")
    assert load_network(model_copy).encoder.config._attn_implementation in ("sdpa", "eager")


@pytest.mark.parametrize("name", ["config.json", "labels.json"])
def test_deeply_nested_json(model_copy: Path, name: str) -> None:
    """JSON nested without end is refused like any other damage."""
    (model_copy / name).write_text("[" * 200_000, encoding="utf-8")
    with pytest.raises(CheckpointError):
        load_network(model_copy)
