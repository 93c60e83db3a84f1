"""Load a pretrained Hugging Face BERT to fine-tune: a folder in the hub's file format, or a name on the hub.

In: a folder or a name. Out: a `BertModel` in float32 and its tokenizer. Weights come from safetensors alone,
code of the checkpoint's own is never run, and the tokenizer keeps its own normalisation.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from tokenizers import Tokenizer
from transformers import BertModel, BertTokenizer
from transformers.utils import logging

from libyaevents.catalog import CONFIG, find_encoder
from libyaevents.checkpoint import TOKENIZER, WEIGHTS, read_config, refuse_pickles
from libyaevents.errors import CheckpointError, ModelNotFoundError
from libyaevents.subwords import load_tokenizer

__all__ = ["load_encoder", "quiet_loading"]

OFFLINE = "LIBYAEVENTS_OFFLINE"


def load_encoder(name_or_path: str) -> tuple[BertModel, Tokenizer]:
    """Load a BERT encoder without its pooler, by the name of one that ships, a folder, or a name on the hub.

    Raises:
        ModelNotFoundError: there is no such folder, and the hub cannot be reached or has no such name.
        CheckpointError: the folder is incomplete, no BERT, a pickle, or asks for code of its own.
    """
    name_or_path = find_encoder(name_or_path)
    folder = Path(name_or_path)
    if folder.is_dir():
        _check_folder(folder)
    elif os.environ.get(OFFLINE) == "1":
        raise ModelNotFoundError(
            f"no folder {name_or_path!r}, and {OFFLINE}=1 forbids the hub: "
            "give a folder with the encoder's files"
        )
    model = _load_model(name_or_path)
    tokenizer = _load_tokenizer(name_or_path)
    if tokenizer.get_vocab_size() > model.config.vocab_size:
        raise CheckpointError(
            f"{name_or_path}: the tokenizer has {tokenizer.get_vocab_size()} pieces, the encoder "
            f"{model.config.vocab_size} embeddings: expected files of one and the same model"
        )
    return model, tokenizer


def _check_folder(folder: Path) -> None:
    config = read_config(folder)
    if config.get("model_type") != "bert":
        raise CheckpointError(f"{folder} holds a {config.get('model_type')!r} model: expected a 'bert'")
    refuse_pickles(folder)
    if not any(folder.glob("model*.safetensors")):
        raise CheckpointError(f"{folder} has no {WEIGHTS}: the folder is incomplete; copy it anew")
    if not ((folder / TOKENIZER).is_file() or (folder / "vocab.txt").is_file()):
        raise CheckpointError(
            f"{folder} has neither {TOKENIZER} nor vocab.txt: copy the encoder's folder anew"
        )


def _load_model(name_or_path: str) -> BertModel:
    try:
        with quiet_loading():
            loaded: Any = BertModel.from_pretrained(
                name_or_path,
                add_pooling_layer=False,
                use_safetensors=True,
                attn_implementation="sdpa",  # a config of the checkpoint's could name a kernel on the hub
                dtype=torch.float32,
                output_loading_info=True,
            )
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:
        if Path(name_or_path).is_dir():
            raise CheckpointError(
                f"{name_or_path}: the encoder's weights cannot be loaded ({_first_line(error)}); "
                "copy the folder anew"
            ) from error
        raise ModelNotFoundError(
            f"no folder {name_or_path!r}, and the hub gave no such model ({_first_line(error)}); "
            f"where the hub is out of reach, copy the model's {CONFIG}, {WEIGHTS} and {TOKENIZER} "
            "(or vocab.txt) into a folder and give that"
        ) from error
    model: BertModel = loaded[0]
    if missing := sorted(loaded[1]["missing_keys"]):
        raise CheckpointError(
            f"{name_or_path} lacks weights of the encoder: expected {missing[0]}, found none"
        )
    return model


@contextmanager
def quiet_loading() -> Iterator[None]:
    """Keep back transformers' progress bars, and its table of weights that an encoder does not use."""
    verbosity, progress = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if progress:
            logging.enable_progress_bar()  # type: ignore[no-untyped-call]


def _load_tokenizer(name_or_path: str) -> Tokenizer:
    path = Path(name_or_path) / TOKENIZER
    if path.is_file():
        return load_tokenizer(path)
    tokenizer: Tokenizer = BertTokenizer.from_pretrained(name_or_path).backend_tokenizer
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
