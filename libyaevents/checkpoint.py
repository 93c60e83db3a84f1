"""A model is one folder: find it by name, check that it is whole and safe, read it, write it.

In: a name of a shipped model or a path. Out: an engine, labels and a tokenizer; or a folder written as a whole.
Nothing here loads torch unless the torch network itself is asked for.
"""

import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from tokenizers import Tokenizer

from libyaevents.assemble import Labels
from libyaevents.engines import Engine
from libyaevents.errors import CheckpointError, MissingExtraError, ModelNotFoundError, OutputError
from libyaevents.windows import load_tokenizer

if TYPE_CHECKING:
    from libyaevents.modeling import EventModel

__all__ = [
    "DEFAULT_MODEL",
    "ModelSummary",
    "Settings",
    "list_models",
    "load_engine",
    "load_labels",
    "load_network",
    "load_settings",
    "load_words_tokenizer",
    "model_folder",
    "save_network",
    "whole_folder",
]

DEFAULT_MODEL = "compact"
CONFIG, WEIGHTS, TOKENIZER, LABELS = "config.json", "model.safetensors", "tokenizer.json", "labels.json"
ENCODER_GRAPH, ROLES_GRAPH = "encoder.int8.onnx", "roles.onnx"
ONTOLOGY, REPORT, CARD = "ontology.json", "training_report.json", "README.md"
FORMAT = 1  # of the folder; raised when an older version could not read a newer one
SETTINGS = "libyaevents"  # the key of our own settings in config.json
REMOTE_CODE = ("auto_map", "trust_remote_code")
PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle")

EngineName = Literal["onnx", "torch"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a checkpoint says of itself beside the encoder's shape, kept in config.json under `libyaevents`."""

    name: str
    version: str
    role_size: int
    pooling: Literal["first", "mean", "max"]
    max_subwords: int
    outside_bias: float = 0.0
    format: int = FORMAT


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSummary:
    """A model at hand: its name, its folder, and the key lines of its card by their heading."""

    name: str
    path: Path
    key_lines: Mapping[str, str]


def model_folder(name_or_path: str | Path) -> Path:
    """Find a model: a folder by its path, or a shipped model by its name.

    Raises:
        ModelNotFoundError: neither; the message lists the models there are.
    """
    path = Path(name_or_path)
    if (path / CONFIG).is_file():
        return path
    name = str(name_or_path)
    if name == Path(name).name and name not in ("", ".", ".."):
        for home in _homes():
            if (home / name / CONFIG).is_file():
                return home / name
    found = ", ".join(model.name for model in list_models()) or "none"
    raise ModelNotFoundError(
        f"no model {name!r}: expected the name of an installed model ({found}) or a folder with a {CONFIG}"
    )


def list_models() -> list[ModelSummary]:
    """Every model installed with the package, by name."""
    folders = {
        path.parent.name: path.parent for home in reversed(_homes()) for path in home.glob(f"*/{CONFIG}")
    }
    return [
        ModelSummary(name=name, path=folder, key_lines=_key_lines(folder))
        for name, folder in sorted(folders.items())
    ]


def load_settings(folder: Path) -> Settings:
    """Read our part of config.json.

    Raises:
        CheckpointError: it is absent, malformed, of a newer format, or asks for remote code.
    """
    config = read_config(folder)
    try:
        settings = Settings(**config[SETTINGS])
    except (KeyError, TypeError) as error:
        raise CheckpointError(
            f"{folder / CONFIG} lacks the settings of a libyaevents model ({error}): "
            "an encoder alone extracts nothing; fine-tune it with `libyaevents train --encoder`"
        ) from error
    if settings.format > FORMAT:
        raise CheckpointError(
            f"{folder} has checkpoint format {settings.format}: expected at most {FORMAT}; "
            "upgrade with `pip install -U libyaevents`"
        )
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


def load_engine(folder: Path, engine: EngineName = "onnx", *, n_threads: int | None = None) -> Engine:
    """Make the engine that runs a model.

    Raises:
        CheckpointError: a graph or the weights are absent, unsafe or wrong-shaped.
        MissingExtraError: the torch engine is asked for and torch is not installed.
    """
    if engine == "torch":
        from libyaevents.engines.torch import TorchEngine

        return TorchEngine(load_network(folder))
    from libyaevents.engines.onnx import OnnxEngine

    load_settings(folder)
    for name in (ENCODER_GRAPH, ROLES_GRAPH):
        _require(folder, name)
        check_graph(folder / name)
    return OnnxEngine(folder / ENCODER_GRAPH, folder / ROLES_GRAPH, n_threads=n_threads)


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
    model = EventModel(
        BertConfig.from_dict({key: value for key, value in config.items() if key != SETTINGS}),
        HeadConfig(
            n_entity_types=len(labels.entities),
            n_event_types=len(labels.events),
            n_roles=len(labels.roles),
            n_factuality=len(labels.factuality),
            role_size=settings.role_size,
            pooling=settings.pooling,
        ),
    )
    _require(folder, WEIGHTS)
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

    config = model.encoder.config.to_dict() | {"architectures": ["BertModel"], SETTINGS: asdict(settings)}
    _write(folder / CONFIG, json.dumps(config, indent=2, ensure_ascii=False, sort_keys=True) + "\n")
    weights = {name: value.detach().half().contiguous() for name, value in model.state_dict().items()}
    save_file(weights, folder / WEIGHTS, metadata={"format": "pt"})
    _write(folder / TOKENIZER, tokenizer.to_str(pretty=False))
    _write(folder / LABELS, labels.to_json())


@contextmanager
def whole_folder(target: Path) -> Iterator[Path]:
    """Give a fresh folder to write into; it takes the place of `target` only when all is written.

    Raises:
        OutputError: the disk is full or not writable; `target` is as it was.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    except OSError as error:
        raise OutputError(f"cannot write to {target.parent}: {error.strerror or error}") from error
    try:
        yield fresh
        _replace(fresh, target)
    except Exception as error:
        if isinstance(error, OSError) or "No space left" in str(error):
            raise OutputError(
                f"cannot write {target}: {error}; nothing was changed, free some space"
            ) from error
        raise
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def check_graph(path: Path) -> None:
    """Refuse a graph that reaches outside its own file: external data, or operators of foreign domains.

    Raises:
        CheckpointError: it does.

    The protobuf is searched as bytes, so that the runtime needs no `onnx` package: an external tensor carries
    the field `data_location = EXTERNAL` beside an entry with the key "location".
    """
    data = path.read_bytes()
    if b"\x0a\x08location\x12" in data:
        raise CheckpointError(
            f"{path} keeps tensors in files of their own: expected a graph that is whole in one file; "
            "export it anew with `libyaevents export`"
        )


def missing_train_extra(what: str) -> MissingExtraError:
    """The error that names the pip line of the extra `train`."""
    return MissingExtraError(f"{what} needs torch and transformers: pip install 'libyaevents[train]'")


def read_config(folder: Path) -> dict[str, Any]:
    """Read config.json of a model or an encoder.

    Raises:
        CheckpointError: it is absent, no JSON object, or asks for remote code.
    """
    try:
        config = json.loads(_read(folder, CONFIG))
    except ValueError as error:
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


def _homes() -> list[Path]:
    """Where shipped models lie: in the package, else beside it in a checkout."""
    package = Path(__file__).parent
    checkout = package.parent
    homes = [package / "models"]
    if (checkout / "pyproject.toml").is_file():
        homes.append(checkout / "models")
    return homes


def _key_lines(folder: Path) -> dict[str, str]:
    """The lines `- **Key**: value` of the card."""
    if not (folder / CARD).is_file():
        return {}
    lines = (folder / CARD).read_text(encoding="utf-8").splitlines()
    pairs = (line.removeprefix("- **").partition("**: ") for line in lines if line.startswith("- **"))
    return {key: value for key, colon, value in pairs if colon}


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


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


def _replace(fresh: Path, target: Path) -> None:
    """Move `fresh` to `target`; an old folder there is removed after, never before."""
    old = target.with_name(f".{target.name}-old")
    if target.exists():
        os.replace(target, old)
    fresh.chmod(0o755)
    os.replace(fresh, target)
    shutil.rmtree(old, ignore_errors=True)


def _difference(expected: Mapping[str, tuple[int, ...]], found: Mapping[str, tuple[int, ...]]) -> str:
    for name, shape in expected.items():
        if name not in found:
            return f"expected a tensor {name}, found none"
        if found[name] != shape:
            return f"expected {name} of shape {shape}, found {found[name]}"
    return f"found an unknown tensor {next(iter(found.keys() - expected.keys()))}"
