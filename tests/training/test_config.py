"""The configuration of training: from TOML and flags, wrong values refused by name."""

from dataclasses import fields
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from libyaevents.errors import ConfigError, MissingFileError
from libyaevents.training.config import PretrainConfig, TrainConfig, read_config

RECIPES = Path(str(files("libyaevents") / "data" / "recipes"))


def _write(folder: Path, text: str) -> Path:
    path = folder / "train.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_defaults() -> None:
    """Without file and flags the shipped model is trained on the packaged article."""
    config = read_config(TrainConfig, None, {})
    assert config == TrainConfig()
    assert (config.corpus, config.start, config.folds) == (("article",), "compact", 5)


def test_every_kind_of_value(tmp_path: Path) -> None:
    """Lists, paths, strings and numbers are read as what they are."""
    text = """
corpus = ["a.jsonl", "article"]
data = "one line"
dev = "dev.jsonl"
output = "runs/x"
epochs = 3
encoder_learning_rate = 1
dropout = 0.1
pooling = "max"
patience = 2
"""
    config = read_config(TrainConfig, _write(tmp_path, text), {})
    assert config.corpus == ("a.jsonl", "article")
    assert config.data == ("one line",)
    assert (config.dev, config.output) == ("dev.jsonl", Path("runs/x"))
    assert (config.epochs, config.encoder_learning_rate, config.dropout) == (3, 1, 0.1)
    assert (config.pooling, config.patience) == ("max", 2)


def test_flags_win(tmp_path: Path) -> None:
    """A flag wins over the file, unless it was not given."""
    path = _write(tmp_path, 'epochs = 3\nname = "from-file"\ncorpus = ["a.jsonl"]')
    config = read_config(TrainConfig, path, {"epochs": 4, "name": None, "corpus": ["b.jsonl", "c.jsonl"]})
    assert (config.epochs, config.name, config.corpus) == (4, "from-file", ("b.jsonl", "c.jsonl"))


def test_missing_file(tmp_path: Path) -> None:
    """A file that is not there is named."""
    with pytest.raises(MissingFileError, match=r"no such file: .*absent\.toml"):
        read_config(TrainConfig, tmp_path / "absent.toml", {})


@pytest.mark.parametrize("content", [b"epochs = ", b"\xff\xfe", b"epochs = 1\nepochs = 2"])
def test_file_that_is_no_toml(tmp_path: Path, content: bytes) -> None:
    """A file that is no TOML is refused by name."""
    (tmp_path / "train.toml").write_bytes(content)
    with pytest.raises(ConfigError, match=r"train\.toml is no TOML file"):
        read_config(TrainConfig, tmp_path / "train.toml", {})
    with pytest.raises(ConfigError, match="is no TOML file"):
        read_config(TrainConfig, tmp_path, {})


def test_unknown_key(tmp_path: Path) -> None:
    """An unknown key is refused, with the one that was meant, or with all there are."""
    with pytest.raises(ConfigError, match="unknown key 'epoch'; did you mean 'epochs'"):
        read_config(TrainConfig, _write(tmp_path, "epoch = 3"), {})
    with pytest.raises(ConfigError, match="unknown key 'zzz'; known are corpus, dev, init"):
        read_config(TrainConfig, _write(tmp_path, "zzz = 3"), {})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("epochs = 2.5", "epochs is 2.5: expected a whole number"),
        ("epochs = true", "epochs is True: expected a whole number"),
        ('dropout = "0.1"', "dropout is '0.1': expected a number"),
        ("dev = 5", "dev is 5: expected a string"),
        ("output = 5", "output is 5: expected a string"),
        ("name = true", "name is True: expected a string"),
        ('corpus = ["a.jsonl", 3]', r"corpus\[1\] is 3: expected a string"),
        ("corpus = 3", r"corpus\[0\] is 3: expected a string"),
    ],
)
def test_values_of_a_wrong_type(tmp_path: Path, text: str, message: str) -> None:
    """A value of a wrong type is refused with its key."""
    with pytest.raises(ConfigError, match=message):
        read_config(TrainConfig, _write(tmp_path, text), {})


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"epochs": 0}, "epochs is 0: expected at least 1"),
        ({"batch_size": 0}, "batch_size is 0: expected at least 1"),
        ({"max_subwords": 15}, "max_subwords is 15: expected at least 16"),
        ({"folds": 1}, "folds is 1: expected 0 for no cross-validation"),
        ({"folds": -1}, "folds is -1: expected at least 0"),
        ({"patience": 0}, "patience is 0: expected at least 1"),
        ({"dropout": 1.0}, r"dropout is 1\.0: expected from 0 to 0\.9"),
        ({"word_dropout": 1.0}, r"word_dropout is 1\.0: expected from 0 to 0\.9"),
        ({"encoder_dropout": -0.1}, r"encoder_dropout is -0\.1: expected from 0 to 0\.9"),
        ({"average_decay": 1.0}, r"average_decay is 1\.0: expected from 0 to 0\.9999"),
        ({"encoder_learning_rate": -1.0}, r"encoder_learning_rate is -1\.0: expected from 0 to 1"),
        ({"head_learning_rate": float("nan")}, "head_learning_rate is nan: expected from 0 to 1"),
        ({"time_budget_minutes": 0.0}, r"time_budget_minutes is 0\.0: expected at least 0\.001"),
        ({"seed": -1}, "seed is -1: expected from 0 to"),
        ({"role_size": 100}, "role_size is 100: expected a multiple of 32, or less than 64"),
        ({"pooling": "sum"}, "pooling is 'sum': expected one of first, mean, max"),
        ({"precision": "float16"}, "precision is 'float16': expected one of float32, bfloat16"),
        ({"corpus": ()}, "corpus is empty"),
        ({"init": "a", "encoder": "b"}, "both init and encoder are given"),
    ],
    ids=str,
)
def test_values_out_of_range(values: dict[str, Any], message: str) -> None:
    """A value out of range is refused with the range."""
    with pytest.raises(ConfigError, match=message):
        TrainConfig(**values)


@pytest.mark.parametrize("size", [1, 16, 63, 64, 96, 128, 256])
def test_role_sizes(size: int) -> None:
    """The role head may have any width of which its attention heads can be cut."""
    assert TrainConfig(role_size=size).role_size == size


def test_to_dict() -> None:
    """A configuration as JSON has every attribute, and reads back equal."""
    config = TrainConfig(corpus=("a", "b"), output=Path("y"), patience=3, dev="d", data=("one",))
    values = config.to_dict()
    assert list(values) == [field.name for field in fields(TrainConfig)]
    assert read_config(TrainConfig, None, values) == config


def test_to_dict_tells_no_paths(tmp_path: Path) -> None:
    """Files and folders stand in it by their names alone, a name on the hub as a whole."""
    (tmp_path / "dev.jsonl").write_bytes(b"")
    config = TrainConfig(
        corpus=(str(tmp_path / "dev.jsonl"), "article"),
        dev=str(tmp_path / "dev.jsonl"),
        encoder="CAMeL-Lab/bert-base-arabic-camelbert-mix",
        output=tmp_path / "runs" / "mine",
    )
    values = config.to_dict()
    assert (values["corpus"], values["dev"], values["output"]) == (
        ["dev.jsonl", "article"],
        "dev.jsonl",
        "mine",
    )
    assert values["encoder"] == "CAMeL-Lab/bert-base-arabic-camelbert-mix"


@pytest.mark.parametrize("path", sorted(RECIPES.glob("train/*")), ids=lambda path: path.stem)
def test_recipes(path: Path) -> None:
    """The recipes of the package are valid configurations, named as the models that they make."""
    assert read_config(TrainConfig, path, {}).name == path.stem


def test_pretraining_is_configured_alike(tmp_path: Path) -> None:
    """A file configures pretraining as it does training: paths, lists, numbers, flags over it."""
    text = 'text = ["a.txt", "b.xz"]\nencoder = "old"\noutput = "new"\nfresh_layers = true\nseed = 2\n'
    config = read_config(PretrainConfig, _write(tmp_path, text), {"seed": 3, "focus": Path("gold.jsonl")})
    assert config == PretrainConfig(
        text=(Path("a.txt"), Path("b.xz")),
        encoder=Path("old"),
        output=Path("new"),
        fresh_layers=True,
        seed=3,
        focus=Path("gold.jsonl"),
    )


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            {"encoder": "old", "output": "new"},
            "text is missing: expected it in a configuration file, or as a",
        ),
        ({"text": [], "encoder": "old", "output": "new"}, "text is empty: expected files of plain text"),
        (
            {"text": "a", "encoder": "b", "output": "c", "mask_share": 2},
            "mask_share is 2: expected from 0 to",
        ),
        ({"text": "a", "encoder": "b", "output": "c", "fresh_layers": 1}, "is 1: expected true or false"),
        ({"text": "a", "encoder": 3, "output": "c"}, "encoder is 3: expected a string"),
        (
            {"text": "a", "encoder": "b", "output": "c", "precision": "half"},
            "expected one of float32, bfloat16",
        ),
    ],
)
def test_wrong_pretraining(values: dict[str, Any], message: str) -> None:
    """What is missing from a configuration of pretraining, or wrong in it, is said."""
    with pytest.raises(ConfigError, match=message):
        read_config(PretrainConfig, None, values)


def test_plain_values() -> None:
    """A configuration made in Python takes one file for a corpus and a string for a folder."""
    config = TrainConfig(corpus="mine.jsonl", output="runs/mine")  # type: ignore[arg-type]
    assert config.corpus == ("mine.jsonl",)
    assert config.output == Path("runs/mine")
    with pytest.raises(ConfigError, match="epochs is '3': expected a whole number"):
        TrainConfig(epochs="3")  # type: ignore[arg-type]
