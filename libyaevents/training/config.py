"""The configurations of `train`, `retrain` and `pretrain`, from flags or from a TOML file."""

import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, fields
from difflib import get_close_matches
from math import inf
from pathlib import Path
from typing import Any, Literal, TypeVar

from libyaevents.catalog import DEFAULT_MODEL
from libyaevents.errors import ConfigError, MissingFileError

__all__ = ["ARTICLE", "PretrainConfig", "RetrainConfig", "TrainConfig", "read_config"]

T = TypeVar("T", "TrainConfig", "PretrainConfig")

ARTICLE = "article"  # in place of a path: the corpus of that name in the package


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainConfig:
    """What to learn from, where to start, how long.

    Attributes:
        corpus: files of annotated documents (JSON Lines), or `article` or `open`, see `load_corpus`.
        dev: annotated documents to choose the best epoch on, a file or `open`; never trained on.
        init: the model to go on from, by name or folder.
        encoder: a pretrained BERT to start anew from, a folder or a name on the hub, instead of `init`.
        replay: annotated documents mixed in so that what was learnt stays, a file, `article` or `open`.
        corpus_repeats: times that the corpus is shown in an epoch, against once for `replay`.
        partial: corpora of names (CoNLL columns) with other labels, of which only what agrees is learnt.
        output: the folder of the run; the model is written to `output/model`.
        name: the name that the model says it has.
        data: what the data is and under which licence, a line each, for the model card.
        epochs: passes over the corpus.
        batch_size: windows in a step.
        max_subwords: the length of a window, [CLS] and [SEP] included.
        encoder_learning_rate: the peak for the encoder.
        head_learning_rate: the peak for the heads.
        embedding_learning_rate: the peak for the word embeddings, where it is not the encoder's.
        dropout: share of the heads' inputs dropped in training.
        encoder_dropout: the same inside a fresh encoder; a model goes on with its own.
        word_dropout: share of the words shown as [MASK] in training, so that context must tell.
        mention_dropout: the same of the words in names and triggers, where that is more.
        replace_mentions: share of the names in the corpus that are replaced by others, anew each epoch.
        spelling_noise: share of the words that are misspelt as news misspells, likewise.
        pooling: how subwords become words, with a fresh encoder; a model goes on with its own.
        role_size: the width of the role head, likewise.
        average_decay: of the exponential moving average of the weights, which is what is kept; 0 for none.
        folds: blocks of the cross-validation, which is made where there is no `dev`; 0 for none.
        patience: evaluations on `dev` without gain before training stops; all epochs when None.
        seed: of every random choice.
        precision: `bfloat16` is faster on processors that have it, slower on others.
        time_budget_minutes: of the final training.
    """

    corpus: tuple[str, ...] = (ARTICLE,)
    dev: str | None = None
    init: str | None = None
    encoder: str | None = None
    replay: str | None = None
    corpus_repeats: int = 1
    partial: tuple[str, ...] = ()
    output: Path = Path("runs/train")
    name: str = "my-model"
    data: tuple[str, ...] = ()
    epochs: int = 8
    batch_size: int = 8
    max_subwords: int = 128
    encoder_learning_rate: float = 1e-4
    head_learning_rate: float = 5e-4
    embedding_learning_rate: float | None = None
    dropout: float = 0.2
    encoder_dropout: float = 0.1
    word_dropout: float = 0.1
    mention_dropout: float = 0.0
    replace_mentions: float = 0.0
    spelling_noise: float = 0.0
    pooling: Literal["first", "mean", "max"] = "mean"
    role_size: int = 128
    average_decay: float = 0.0
    folds: int = 5
    patience: int | None = None
    seed: int = 0
    precision: Literal["float32", "bfloat16"] = "float32"
    time_budget_minutes: float | None = None

    def __post_init__(self) -> None:
        _coerce_fields(self)
        if self.init is not None and self.encoder is not None:
            raise ConfigError(
                "both init and encoder are given: expected the one to start from; leave out the other"
            )
        if not self.corpus:
            raise ConfigError(f"corpus is empty: expected files of annotated documents, or {ARTICLE!r}")
        if self.folds == 1:
            raise ConfigError("folds is 1: expected 0 for no cross-validation, or at least 2")
        if self.role_size >= 64 and self.role_size % (self.role_size // 32):
            raise ConfigError(f"role_size is {self.role_size}: expected a multiple of 32, or less than 64")

    @property
    def start(self) -> str:
        """The model to go on from when no encoder is given."""
        return self.init or DEFAULT_MODEL

    def to_dict(self) -> dict[str, Any]:
        """The configuration as JSON holds it: files by their names, for it travels with the model."""
        starts = {key: _file_name(getattr(self, key)) for key in ("dev", "init", "encoder", "replay")}
        lists: dict[str, Any] = {key: [_file_name(path) for path in getattr(self, key)] for key in FILES}
        return asdict(self) | starts | lists | {"data": list(self.data), "output": self.output.name}


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrainConfig:
    """Which articles to add to what a model knows.

    Attributes:
        add: files of newly annotated documents (JSON Lines).
        init: the model to go on from, by name or folder; the shipped one when None. It is only read.
        output: the folder of the run; a model that is accepted is written to `output/model`.
        replay: files that were added before, mixed in with articles of the package so that they stay known.
        probe: annotated documents that show whether something was lost, never trained on; when None the dev
            and test articles of the open corpus.
        ontology: a file with more labels than the model's own ontology has.
        name: the name that the model says it has.
        passes: how often each new article is read; 16 when None, fewer where they are many.
        seed: of every random choice.
        force: accept the model also where it reads the probe articles worse.
    """

    add: tuple[str, ...]
    init: str | None = None
    output: Path = Path("runs/retrain")
    replay: tuple[str, ...] = ()
    probe: str | None = None
    ontology: Path | None = None
    name: str = "my-model"
    passes: int | None = None
    seed: int = 0
    force: bool = False

    def __post_init__(self) -> None:
        _coerce_fields(self)
        if not self.add:
            raise ConfigError("add is empty: expected files of newly annotated documents")

    @property
    def start(self) -> str:
        """The model to go on from."""
        return self.init or DEFAULT_MODEL

    def to_dict(self) -> dict[str, Any]:
        """The configuration as JSON holds it: files by their names."""
        lists = {key: [_file_name(path) for path in getattr(self, key)] for key in ("add", "replay")}
        names = {key: _file_name(getattr(self, key)) for key in ("init", "probe")}
        ontology = None if self.ontology is None else self.ontology.name
        return asdict(self) | lists | names | {"ontology": ontology, "output": self.output.name}


@dataclass(frozen=True, slots=True, kw_only=True)
class PretrainConfig:
    """What to read, where to start and how long to train.

    Attributes:
        text: plain text or .xz files, a paragraph a line, a blank line between documents.
        output: the folder to write.
        encoder: the folder to start from; without one, an encoder is made from the text, see `scratch`.
        focus: annotated documents (JSON Lines); text with little of their topic is left out, see `Text`.
        without: annotated documents to be tested on; what copies them is left out of the text.
        n_tokens: the length of the run in subwords seen.
        sequence_length: in subwords.
        batch_size: sequences in a step.
        mask_share: the share of the words that are masked.
        learning_rate: the peak.
        fresh_layers: keep the word embeddings alone, see `initialize_layers`.
        seed: of every random choice.
        precision: `bfloat16` is faster on processors that have it, slower on others.
        time_budget_minutes: cuts the run short.
    """

    text: tuple[Path, ...]
    output: Path
    encoder: Path | None = None
    focus: Path | None = None
    without: Path | None = None
    n_tokens: int = 40_000_000
    sequence_length: int = 128
    batch_size: int = 32
    mask_share: float = 0.18
    learning_rate: float = 1e-3
    fresh_layers: bool = False
    seed: int = 0
    precision: Literal["float32", "bfloat16"] = "float32"
    time_budget_minutes: float | None = None

    def __post_init__(self) -> None:
        _coerce_fields(self)
        if not self.text:
            raise ConfigError("text is empty: expected files of plain text")

    def to_dict(self) -> dict[str, Any]:
        """The configuration as JSON holds it: files by their names, for it travels with the encoder."""
        paths = {key: getattr(self, key) for key in ("encoder", "output", "focus", "without")}
        names = {key: None if path is None else path.name for key, path in paths.items()}
        return asdict(self) | names | {"text": [path.name for path in self.text]}


FILES = ("corpus", "partial")
LISTS: Mapping[Any, Any] = {tuple[str, ...]: str, tuple[Path, ...]: Path}
NUMBERS: Mapping[Any, Any] = {int: int, int | None: int, float: int | float, float | None: int | float}
_RANGES: Mapping[str, tuple[float, float]] = {
    "epochs": (1, inf),
    "passes": (1, inf),
    "n_tokens": (1, inf),
    "sequence_length": (8, inf),
    "mask_share": (0, 0.9),
    "learning_rate": (0, 1),
    "batch_size": (1, inf),
    "corpus_repeats": (1, inf),
    "max_subwords": (16, inf),
    "encoder_learning_rate": (0, 1),
    "head_learning_rate": (0, 1),
    "embedding_learning_rate": (0, 1),
    "dropout": (0, 0.9),
    "encoder_dropout": (0, 0.9),
    "word_dropout": (0, 0.9),
    "mention_dropout": (0, 0.9),
    "replace_mentions": (0, 1),
    "spelling_noise": (0, 0.5),
    "role_size": (1, inf),
    "average_decay": (0, 0.9999),
    "folds": (0, inf),
    "patience": (1, inf),
    "seed": (0, 2**32 - 1),
    "time_budget_minutes": (0.001, inf),
}
_CHOICES: Mapping[str, tuple[str, ...]] = {
    "pooling": ("first", "mean", "max"),
    "precision": ("float32", "bfloat16"),
}


def read_config(kind: type[T], path: Path | None, overrides: Mapping[str, Any]) -> T:
    """Read a TOML file of a configuration's attributes; `overrides` (flags) win where they are not None.

    Raises:
        MissingFileError: there is no such file.
        ConfigError: it is no TOML, a key or a value is not one of a configuration, or one is missing.
    """
    values = _read_toml(path) if path is not None else {}
    known = {field.name: field for field in fields(kind)}
    for key in values:
        if key not in known:
            close = get_close_matches(key, known, n=1)
            hint = f"did you mean {close[0]!r}?" if close else f"known are {', '.join(known)}"
            raise ConfigError(f"{path}: unknown key {key!r}; {hint}")
    merged = values | {key: value for key, value in overrides.items() if value is not None}
    for key, field in known.items():
        if key not in merged and field.default is MISSING:
            raise ConfigError(f"{key} is missing: expected it in a configuration file, or as a flag")
    return kind(**merged)


def _file_name(value: str | None) -> str | None:
    """The name of a file or folder without the way to it; a name on the hub stays whole."""
    return Path(value).name if value is not None and Path(value).exists() else value


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise MissingFileError(f"no such file: {path}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise ConfigError(f"{path} is no TOML file: {error}") from error


def _coerce_fields(config: TrainConfig | RetrainConfig | PretrainConfig) -> None:
    """Make values what the fields declare, and check their ranges."""
    for item in fields(config):
        value = getattr(config, item.name)
        if value is None and item.default is None:
            continue
        value = _coerce(item.name, value, item.type)
        object.__setattr__(config, item.name, value)
        low, high = _RANGES.get(item.name, (-inf, inf))
        if isinstance(value, int | float) and not low <= value <= high:
            bounds = f"at least {low}" if high == inf else f"from {low} to {high}"
            raise ConfigError(f"{item.name} is {value}: expected {bounds}")
        choices = _CHOICES.get(item.name, (value,))
        if value not in choices:
            raise ConfigError(f"{item.name} is {value!r}: expected one of {', '.join(choices)}")


def _coerce(key: str, value: Any, kind: Any) -> Any:
    """Make lists tuples and strings paths, and check that numbers are numbers and names are strings."""
    if kind in LISTS:
        items = value if isinstance(value, list | tuple) else (value,)
        return tuple(_coerce(f"{key}[{place}]", item, LISTS[kind]) for place, item in enumerate(items))
    if kind is bool:
        if not isinstance(value, bool):
            raise ConfigError(f"{key} is {value!r}: expected true or false")
        return value
    if kind in NUMBERS:
        expected = NUMBERS[kind]
        if isinstance(value, bool) or not isinstance(value, expected):
            raise ConfigError(
                f"{key} is {value!r}: expected {'a whole number' if expected is int else 'a number'}"
            )
        return value
    if not isinstance(value, str | Path):
        raise ConfigError(f"{key} is {value!r}: expected a string")
    return Path(value) if kind in (Path, Path | None) else str(value)
