"""Pretrain a compact BERT by whole-word masked language modelling.

In: plain text or .xz files, one paragraph a line, a blank line between documents; and a folder to start from
with a `BertForMaskedLM` checkpoint and its `tokenizer.json`, or else an encoder that is made from the text.
Out: a folder of the same form, which `train` takes as its encoder, with the report of the run.
"""

import json
import re
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from safetensors import SafetensorError
from tokenizers import Tokenizer
from torch import Tensor
from transformers import BertForMaskedLM

from libyaevents.catalog import CONFIG, find_encoder
from libyaevents.checkpoint import TOKENIZER, WEIGHTS, read_config
from libyaevents.errors import CheckpointError, ConfigError, InputError, OutputError
from libyaevents.subwords import load_tokenizer
from libyaevents.training.batches import rows_of_step
from libyaevents.training.config import PretrainConfig
from libyaevents.training.devices import device_of, training_device
from libyaevents.training.encoders import quiet_loading
from libyaevents.training.layers import initialize_layers
from libyaevents.training.loop import fit
from libyaevents.training.scratch import ScratchConfig, make_encoder
from libyaevents.training.state import History, LoopConfig
from libyaevents.training.text import Text, Tokens, hash_files

__all__ = [
    "HELD_OUT_SEQUENCES",
    "PRETRAINING_REPORT",
    "MaskedBatch",
    "Masker",
    "PretrainConfig",
    "check_length",
    "draw",
    "pretrain",
]

PRETRAINING_REPORT = "pretraining_report.json"
HELD_OUT_SEQUENCES = 256
MASKED, RANDOM = 0.8, 0.1  # of the chosen words; the rest are shown as they are


def pretrain(config: PretrainConfig) -> History:
    """Train the encoder on the text and write it to `config.output`; resumes where a run was cut.

    Raises:
        MissingFileError, InputError: a text file is absent, unreadable or holds too little text.
        ConfigError: sequences are longer than the encoder allows, another run's state is there, or the loss
            diverged.
        CheckpointError: the starting folder is incomplete or damaged.
        OutputError: the state or the result could not be written.
    """
    torch.set_flush_denormal(True)
    try:
        return _pretrain(config)
    finally:
        torch.set_flush_denormal(False)  # it is the whole process's


def _pretrain(config: PretrainConfig) -> History:
    text = Text.of(config.text, focus=config.focus, without=config.without)
    start = _from_scratch(text, config) if config.encoder is None else Path(find_encoder(str(config.encoder)))
    model = _load(start)
    n_positions = model.config.max_position_embeddings
    if config.sequence_length > n_positions:
        raise ConfigError(
            f"sequence_length is {config.sequence_length}: expected at most {n_positions}, as many as the "
            "encoder has positions"
        )
    if config.fresh_layers:
        initialize_layers(model, seed=config.seed)
    run = config.output / "run"
    run.mkdir(parents=True, exist_ok=True)
    tokens = Tokens.read(text, start / TOKENIZER, run)
    check_length(tokens, config.sequence_length)
    training = np.arange(HELD_OUT_SEQUENCES, tokens.n_sequences(config.sequence_length))
    masker = Masker(tokens, load_tokenizer(start / TOKENIZER), config, n_positions=n_positions)
    per_step = config.batch_size * config.sequence_length

    def make_batch(step: int) -> "MaskedBatch":
        return masker.batch(draw(training, step, config), seed=(config.seed, step))

    held_out = masker.batch(np.arange(HELD_OUT_SEQUENCES), seed=(config.seed, 2**32))
    n_steps = max(1, config.n_tokens // per_step)
    shape = (config.batch_size, config.sequence_length, config.mask_share, config.fresh_layers)
    encoder = torch.compile(model.bert) if training_device().type == "cuda" else model.bert
    history = fit(
        model,
        lambda batch: _loss(model, batch, encoder),
        make_batch,
        groups=[(list(model.parameters()), config.learning_rate)],
        config=LoopConfig(
            n_steps=n_steps,
            identity=f"{tokens.sha256} {hash_files([start / WEIGHTS])} {shape}",
            seed=config.seed,
            precision=config.precision,
            time_budget_s=None if config.time_budget_minutes is None else 60 * config.time_budget_minutes,
        ),
        folder=run,
    )
    with torch.no_grad():
        held_out_loss = float(_loss(model, held_out, model.bert))
    _write(model, start, config, tokens, history, held_out_loss)
    return history


def _from_scratch(text: Text, config: PretrainConfig) -> Path:
    """The folder of an encoder made from the text alone, once for a run however often it is resumed."""
    folder = config.output / "start"
    if not (folder / WEIGHTS).is_file():
        make_encoder(text, folder, ScratchConfig(seed=config.seed))
    return folder


@dataclass(frozen=True, slots=True)
class MaskedBatch:
    """One batch: `input_ids` and `position_ids` are (batch, subwords), `targets` (masked,).

    `places` (masked,) are those of the masked subwords, counted through the whole batch.
    """

    input_ids: Tensor
    position_ids: Tensor
    places: Tensor
    targets: Tensor

    def to(self, device: torch.device) -> "MaskedBatch":
        """The same batch on a device."""
        return MaskedBatch(*(getattr(self, item.name).to(device) for item in fields(self)))


def _loss(model: BertForMaskedLM, batch: MaskedBatch, encoder: Callable[..., Any]) -> Tensor:
    """Cross-entropy over the masked positions alone: the vocabulary's softmax is the dear part."""
    batch = batch.to(device_of(model))
    states = encoder(input_ids=batch.input_ids, position_ids=batch.position_ids).last_hidden_state
    logits = model.cls(states.flatten(0, 1)[batch.places])  # (masked, vocabulary)
    return F.cross_entropy(logits.float(), batch.targets)


def _load(folder: Path) -> BertForMaskedLM:
    for name in (CONFIG, WEIGHTS, TOKENIZER):
        if not (folder / name).is_file():
            raise CheckpointError(
                f"{folder} has no {name}: expected a folder with a BertForMaskedLM checkpoint "
                f"({CONFIG}, {WEIGHTS}) and its {TOKENIZER}"
            )
    read_config(folder)
    try:
        with quiet_loading():
            model: BertForMaskedLM = BertForMaskedLM.from_pretrained(folder, dtype=torch.float32)
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:
        raise CheckpointError(f"{folder}: the weights cannot be loaded ({error}); copy it anew") from error
    _check_vocabulary(load_tokenizer(folder / TOKENIZER), model.config.vocab_size, folder)
    return model


def _check_vocabulary(tokenizer: Tokenizer, n_embeddings: int, folder: Path) -> None:
    vocabulary = tokenizer.get_vocab()
    if max(vocabulary.values()) >= n_embeddings or not {"[SEP]", "[MASK]"} <= vocabulary.keys():
        raise CheckpointError(
            f"{folder}: expected a tokenizer with [SEP], [MASK] and at most {n_embeddings} pieces, "
            f"as many as embeddings, found {len(vocabulary)} pieces; give files of one and the same model"
        )


def check_length(tokens: Tokens, length: int) -> None:
    """Refuse text that leaves fewer sequences of `length` to train on than are held out.

    Raises:
        InputError: it is too short.
    """
    needed = 2 * HELD_OUT_SEQUENCES
    if tokens.n_sequences(length) < needed:
        raise InputError(
            f"the text holds {len(tokens.ids)} subwords: expected at least {needed * length} "
            f"({needed} sequences of {length}); give more text"
        )


class Masker:
    """Make masked batches: whole words are masked, positions start at a random offset."""

    def __init__(
        self, tokens: Tokens, tokenizer: Tokenizer, config: PretrainConfig, *, n_positions: int
    ) -> None:
        vocabulary = tokenizer.get_vocab()
        self.tokens, self.config = tokens, config
        self.mask_id = vocabulary["[MASK]"]
        self.is_special = np.zeros(len(tokens.continues), np.bool_)  # (vocabulary,)
        self.is_special[[id for piece, id in vocabulary.items() if re.fullmatch(r"\[.+\]", piece)]] = True
        self.n_offsets = n_positions - config.sequence_length + 1

    def batch(self, numbers: NDArray[np.integer], *, seed: tuple[int, int]) -> MaskedBatch:
        """The numbered sequences, masked by a random choice that depends on `seed` alone."""
        generator = np.random.default_rng(seed)
        ids = self.tokens.sequences(numbers, self.config.sequence_length)
        is_special = self.is_special[ids]
        words = np.cumsum(~self.tokens.continues[ids], axis=1)  # the number of each subword's word
        drawn = generator.random((len(ids), ids.shape[1] + 1)) < self.config.mask_share
        is_masked = drawn[np.arange(len(ids))[:, np.newaxis], words] & ~is_special
        # A row without a masked word would teach nothing: its first word is masked.
        first = np.take_along_axis(words, is_special.argmin(axis=1)[:, np.newaxis], axis=1)
        is_masked |= (words == first) & ~is_special & ~is_masked.any(axis=1, keepdims=True)
        shown = ids.copy()
        choice = generator.random(ids.shape)
        shown[is_masked & (choice < MASKED)] = self.mask_id
        replaced = is_masked & (choice >= MASKED) & (choice < MASKED + RANDOM)
        shown[replaced] = generator.integers(0, len(self.tokens.continues), int(replaced.sum()))
        offsets = generator.integers(0, self.n_offsets, (len(ids), 1))
        positions = np.arange(ids.shape[1]) + offsets
        return MaskedBatch(
            torch.from_numpy(shown),
            torch.from_numpy(positions),
            torch.from_numpy(np.flatnonzero(is_masked)),
            torch.from_numpy(ids[is_masked]),
        )


def draw(training: NDArray[np.integer], step: int, config: PretrainConfig) -> NDArray[np.integer]:
    """The sequence numbers of a step: every sequence once an epoch, in an order fixed by the seed."""
    rows = rows_of_step(len(training), step, batch_size=config.batch_size, seed=config.seed)
    drawn: NDArray[np.integer] = training[rows]
    return drawn


def _write(
    model: BertForMaskedLM,
    start: Path,
    config: PretrainConfig,
    tokens: Tokens,
    history: History,
    held_out_loss: float,
) -> None:
    report = {
        "config": config.to_dict(),
        "text_sha256": tokens.sha256,
        "subwords_of_text": len(tokens.ids),
        "subwords_seen": history.step * config.batch_size * config.sequence_length,
        "steps": history.step,
        "elapsed_s": round(history.elapsed_s),
        "held_out_loss": round(held_out_loss, 4),
        "versions": {"torch": torch.__version__},
    }
    try:
        with tempfile.TemporaryDirectory(prefix=".new-", dir=config.output) as scratch:
            folder = Path(scratch)
            with quiet_loading():
                model.save_pretrained(folder)
            shutil.copyfile(start / TOKENIZER, folder / TOKENIZER)
            text = json.dumps(report, indent=2, ensure_ascii=False) + "\n"
            (folder / PRETRAINING_REPORT).write_text(text, encoding="utf-8")
            for path in folder.iterdir():
                path.replace(config.output / path.name)
    except (OSError, SafetensorError) as error:
        raise OutputError(f"cannot write the encoder to {config.output}: {error}; free some space") from error
