"""A model is one folder: check that it is whole and safe, read it, write it.

In: the folder. Out: an engine, labels and a tokenizer; or the files of a model. Nothing here loads torch
unless the torch network itself is asked for.
"""

import json
import platform
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from tokenizers import Tokenizer

from libyaevents.assemble import Labels
from libyaevents.calibrators import Calibrator, read_calibrators
from libyaevents.catalog import CONFIG
from libyaevents.engines import Engine
from libyaevents.engines.graphs import check_graph, n_threads_or_cores
from libyaevents.errors import CheckpointError, ConfigError, MissingExtraError, missing_train_extra
from libyaevents.outputs import open_whole
from libyaevents.subwords import load_tokenizer

if TYPE_CHECKING:
    from libyaevents.engines.onnx import OnnxEngine
    from libyaevents.engines.openvino import OpenVinoEngine
    from libyaevents.modeling import EventModel

__all__ = [
    "Settings",
    "load_engine",
    "load_labels",
    "load_network",
    "load_settings",
    "load_words_tokenizer",
    "resolve_engine",
    "save_network",
    "save_settings",
]

WEIGHTS, TOKENIZER, LABELS = "model.safetensors", "tokenizer.json", "labels.json"
ENCODER_GRAPH, ROLES_GRAPH = "encoder.int8.onnx", "roles.onnx"
ONTOLOGY, REPORT = "ontology.json", "training_report.json"
FORMAT = 1  # of the folder; raised when an older version could not read a newer one
SETTINGS = "libyaevents"  # the key of our own settings in config.json
# What is taken from config.json: other keys could send transformers to the hub (`_attn_implementation`).
BERT_SHAPE = (
    "vocab_size",
    "hidden_size",
    "num_hidden_layers",
    "num_attention_heads",
    "intermediate_size",
    "hidden_act",
    "hidden_dropout_prob",
    "attention_probs_dropout_prob",
    "max_position_embeddings",
    "type_vocab_size",
    "layer_norm_eps",
    "pad_token_id",
)
REMOTE_CODE = ("auto_map", "trust_remote_code")
PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle")
EngineName = Literal["auto", "onnx", "openvino", "torch"]
# Where OpenVINO was measured to be clearly the faster of the two: on Intel and AMD, from this width on.
FASTER_WITH_OPENVINO = ("x86_64", "AMD64")
WIDE_FOR_OPENVINO = 384


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a checkpoint says of itself beside the encoder's shape: `libyaevents` in config.json.

    `calibrators` are by kind of span; a kind without one keeps the network's own scores.
    """

    name: str
    version: str
    role_size: int
    pooling: Literal["first", "mean", "max"]
    max_subwords: int
    entity_outside_bias: float = 0.0
    trigger_outside_bias: float = 0.0
    role_outside_bias: float = 0.0
    calibrators: Mapping[str, Calibrator] = field(default_factory=dict)
    format: int = FORMAT


def load_settings(folder: Path) -> Settings:
    """Read our part of config.json.

    Raises:
        CheckpointError: it is absent, malformed, of a newer format, or asks for remote code.
    """
    config = read_config(folder)
    own = config.get(SETTINGS)
    if not isinstance(own, dict):
        raise CheckpointError(
            f"{folder / CONFIG} has no settings of a libyaevents model under {SETTINGS!r}: "
            "an encoder alone extracts nothing; fine-tune it with `libyaevents train --encoder`"
        )
    version = own.get("format", FORMAT)
    if isinstance(version, int) and version > FORMAT:  # first: a newer format may hold other settings
        raise CheckpointError(
            f"{folder} has checkpoint format {version}: expected at most {FORMAT}; "
            "upgrade with `pip install -U libyaevents`"
        )
    own = own | {"calibrators": read_calibrators(own.get("calibrators", {}))}
    try:
        settings = Settings(**own)
    except TypeError as error:
        raise CheckpointError(
            f"{folder / CONFIG} has malformed settings under {SETTINGS!r} ({error}): "
            "copy the model folder anew"
        ) from error
    _check_settings(settings, folder, n_positions=config.get("max_position_embeddings"))
    return settings


def load_labels(folder: Path) -> Labels:
    """Read the labels of a model.

    Raises:
        CheckpointError: labels.json is absent or malformed.
    """
    return Labels.from_json(_read(folder, LABELS))


def load_words_tokenizer(folder: Path) -> Tokenizer:
    """Read tokenizer.json.

    Raises:
        CheckpointError: it is absent or malformed.
    """
    _require(folder, TOKENIZER)
    return load_tokenizer(folder / TOKENIZER)


def load_engine(folder: Path, engine: EngineName = "auto", *, n_threads: int | None = None) -> Engine:
    """Make the engine that runs a model.

    `auto` is OpenVINO where it is installed and faster, by the kind of processor and the width of the model,
    else ONNX Runtime. Nothing is timed: a machine always takes the same one. `n_threads` may call it at once.

    Raises:
        CheckpointError: a graph or the weights are absent, unsafe or wrong-shaped.
        ConfigError: there is no such engine.
        MissingExtraError: torch or OpenVINO is asked for and not installed.
    """
    if engine not in get_args(EngineName):
        raise ConfigError(f"engine is {engine!r}: expected one of {', '.join(get_args(EngineName))}")
    if engine == "torch":
        network = load_network(folder)  # first: it says which extra is missing
        from libyaevents.engines.torch import TorchEngine

        return TorchEngine(network)
    load_settings(folder)
    for name in (ENCODER_GRAPH, ROLES_GRAPH):
        _require(folder, name)
        check_graph(folder / name)
    made = _graph_engine(resolve_engine(engine, folder), n_threads)
    loaded = made(folder / ENCODER_GRAPH, folder / ROLES_GRAPH)
    _check_widths(folder, loaded.widths)
    return loaded


def resolve_engine(engine: EngineName, folder: Path) -> EngineName:
    """The engine that `auto` stands for on this machine for a model; another stands for itself.

    Raises:
        CheckpointError: config.json is absent or malformed.
    """
    if engine != "auto":
        return engine
    is_wide = int(read_config(folder).get("hidden_size", 0)) >= WIDE_FOR_OPENVINO
    is_faster = is_wide and platform.machine() in FASTER_WITH_OPENVINO and _is_installed("openvino")
    return "openvino" if is_faster else "onnx"


def _is_installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ValueError:  # it was set to None in sys.modules, to be out of the way
        return False


def _graph_engine(
    engine: EngineName, n_threads: int | None
) -> "Callable[[Path, Path], OnnxEngine | OpenVinoEngine]":
    """Import the engine of exported graphs that is wanted, and no other."""
    if engine == "onnx":
        from libyaevents.engines.onnx import OnnxEngine

        return OnnxEngine
    try:
        from libyaevents.engines.openvino import OpenVinoEngine
    except ImportError as error:
        raise MissingExtraError(
            "the openvino engine needs OpenVINO: pip install 'libyaevents[openvino]'"
        ) from error
    return partial(OpenVinoEngine, n_threads=n_threads_or_cores(n_threads))


def load_network(folder: Path) -> "EventModel":
    """Read the torch network, in float32.

    Raises:
        CheckpointError: the weights are absent, a pickle, or do not fit config.json.
        MissingExtraError: torch is not installed.
    """
    try:
        from safetensors import SafetensorError
        from safetensors.torch import load_file
        from transformers import BertConfig

        from libyaevents.modeling import EventModel, HeadConfig
    except ImportError as error:
        raise missing_train_extra("the torch engine and training") from error
    settings, labels, config = load_settings(folder), load_labels(folder), read_config(folder)
    refuse_pickles(folder)
    _require(folder, WEIGHTS)
    heads = HeadConfig.of(labels, role_size=settings.role_size, pooling=settings.pooling)
    shape = {key: config[key] for key in BERT_SHAPE if key in config}
    try:
        model = EventModel(BertConfig.from_dict(shape), heads)
    except Exception as error:  # transformers raises a dozen types that share no base class but this
        raise CheckpointError(
            f"{folder / CONFIG} describes no BERT ({error}): copy the model folder anew"
        ) from error
    try:
        weights = load_file(folder / WEIGHTS)
    except (SafetensorError, OSError) as error:
        raise CheckpointError(
            f"{folder / WEIGHTS} is damaged ({error}): copy the model folder anew"
        ) from error
    expected = {name: tuple(value.shape) for name, value in model.state_dict().items()}
    found = {name: tuple(value.shape) for name, value in weights.items()}
    if expected != found:
        raise CheckpointError(f"{folder / WEIGHTS} does not fit {CONFIG}: {_difference(expected, found)}")
    model.load_state_dict({name: value.float() for name, value in weights.items()})
    return model.eval()


def save_network(
    model: "EventModel", labels: Labels, settings: Settings, *, tokenizer: Tokenizer, folder: Path
) -> None:
    """Write config, fp16 weights, tokenizer and labels into an existing folder (see `whole_folder`)."""
    from safetensors.torch import save_file

    shape = model.encoder.config.to_dict()
    shape.pop("_name_or_path", None)  # where the encoder lay on the machine that trained it
    config = shape | {"architectures": ["BertModel"], SETTINGS: asdict(settings)}
    _write(folder / CONFIG, _config_text(config))
    weights = {name: value.detach().half().contiguous() for name, value in model.state_dict().items()}
    save_file(weights, folder / WEIGHTS, metadata={"format": "pt"})
    (folder / WEIGHTS).chmod(0o644)  # safetensors makes files that their owner alone may read
    _write(folder / TOKENIZER, tokenizer.to_str(pretty=False))
    _write(folder / LABELS, labels.to_json())


def save_settings(folder: Path, settings: Settings) -> None:
    """Put settings in place of those in config.json, which is replaced whole or not at all."""
    text = _config_text(read_config(folder) | {SETTINGS: asdict(settings)})
    with open_whole(folder / CONFIG) as file:
        file.write(text.encode())


def read_config(folder: Path) -> dict[str, Any]:
    """Read config.json of a model or an encoder.

    Raises:
        CheckpointError: it is absent, no JSON object, or asks for remote code.
    """
    try:
        config = json.loads(_read(folder, CONFIG))
    except (ValueError, RecursionError) as error:
        raise CheckpointError(
            f"{folder / CONFIG} is no JSON ({error}): copy the model folder anew"
        ) from error
    if not isinstance(config, dict):
        raise CheckpointError(f"{folder / CONFIG} is no JSON object: copy the model folder anew")
    for key in REMOTE_CODE:
        if key in config:
            raise CheckpointError(
                f"{folder / CONFIG} asks for code of its own ({key}): such code is never run; "
                "remove the key if the model is a plain BERT"
            )
    return config


def refuse_pickles(folder: Path) -> None:
    """Say so when a folder holds its weights as a pickle instead of safetensors.

    Raises:
        CheckpointError: it does.
    """
    if (folder / WEIGHTS).is_file():
        return
    pickles = sorted(path.name for path in folder.iterdir() if path.suffix in PICKLES)
    if pickles:
        raise CheckpointError(
            f"{folder} holds its weights as a pickle ({pickles[0]}), which can run code and is never loaded: "
            f"expected {WEIGHTS}; convert it where you trust it, with `safetensors.torch.save_file`"
        )


def _read(folder: Path, name: str) -> str:
    _require(folder, name)
    try:
        return (folder / name).read_text(encoding="utf-8")
    except (UnicodeDecodeError, OSError) as error:
        raise CheckpointError(
            f"{folder / name} cannot be read ({error}): copy the model folder anew"
        ) from error


def _require(folder: Path, name: str) -> None:
    if not (folder / name).is_file():
        raise CheckpointError(f"{folder} has no {name}: the model folder is incomplete; copy it anew")


def _check_settings(settings: Settings, folder: Path, *, n_positions: object) -> None:
    """Check types and ranges: the settings come from a file."""
    kinds: Mapping[Any, Any] = {int: int, float: int | float, Mapping[str, Calibrator]: dict}
    for setting in fields(settings):
        value = getattr(settings, setting.name)
        fits = isinstance(value, kinds.get(setting.type, str)) and not isinstance(value, bool)
        if not fits or (setting.name == "pooling" and value not in get_args(setting.type)):
            raise CheckpointError(
                f"{folder / CONFIG} has {setting.name} = {value!r}: copy the model folder anew"
            )
    if isinstance(n_positions, int) and settings.max_subwords > n_positions:
        raise CheckpointError(
            f"{folder / CONFIG} has windows of {settings.max_subwords} subwords: "
            f"expected at most {n_positions}, the encoder's positions; copy the model folder anew"
        )


def _check_widths(folder: Path, widths: Mapping[str, int | str]) -> None:
    """Check that the graphs have as many tags as labels.json has labels for."""
    labels = load_labels(folder)
    expected = {
        "entity_logits": 1 + 2 * len(labels.entities),
        "trigger_logits": 1 + 2 * len(labels.events),
        "role_logits": labels.admission().shape[1],
        "factuality_logits": len(labels.factuality),
    }
    for name, width in expected.items():
        if widths[name] != width:
            raise CheckpointError(
                f"{folder}: {name} of the graphs has {widths[name]} columns, {LABELS} asks for {width}: "
                "expected files of one and the same model; copy the model folder anew"
            )


def _config_text(config: Mapping[str, Any]) -> str:
    return json.dumps(config, indent=2, ensure_ascii=False, sort_keys=True) + "\n"


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


def _difference(expected: Mapping[str, tuple[int, ...]], found: Mapping[str, tuple[int, ...]]) -> str:
    for name, shape in expected.items():
        if name not in found:
            return f"expected a tensor {name}, found none"
        if found[name] != shape:
            return f"expected {name} of shape {shape}, found {found[name]}"
    return f"found an unknown tensor {next(iter(found.keys() - expected.keys()))}"
