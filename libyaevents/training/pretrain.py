"""Pretrain a compact BERT by whole-word masked language modelling.

In: plain text or .xz files, one paragraph a line, a blank line between documents, and a folder with a
`BertForMaskedLM` checkpoint and its `tokenizer.json` to start from.
Out: a folder of the same form, which `train` takes as its encoder, with the report of the run.
"""

import hashlib
import json
import logging
import lzma
import math
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from safetensors import SafetensorError
from tokenizers import Tokenizer
from torch import Tensor, nn
from transformers import BertForMaskedLM

from libyaevents.checkpoint import CONFIG, TOKENIZER, WEIGHTS, read_config
from libyaevents.errors import CheckpointError, ConfigError, InputError, MissingFileError, OutputError
from libyaevents.training.encoders import quiet_loading
from libyaevents.training.loop import fit
from libyaevents.training.state import History, LoopConfig
from libyaevents.windows import load_tokenizer

__all__ = ["PRETRAINING_REPORT", "PretrainConfig", "initialize_layers", "pretrain"]

logger = logging.getLogger(__name__)

PRETRAINING_REPORT = "pretraining_report.json"
LINES_AT_A_TIME = 4096
HELD_OUT_SEQUENCES = 256
MASKED, RANDOM = 0.8, 0.1  # of the chosen words; the rest are shown as they are
NEIGHBOURS = (-1, 1, -2, 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class PretrainConfig:
    """What to read, where to start and how long to train.

    `text` are the files, `encoder` the starting folder, `output` the folder to write. `n_tokens` is the
    length of the run in subwords seen; `time_budget_minutes` cuts it short. `mask_share` is the share of
    words masked. With `fresh_layers` only the word embeddings are kept: see `initialize_layers`.
    """

    text: tuple[Path, ...]
    encoder: Path
    output: Path
    n_tokens: int = 40_000_000
    sequence_length: int = 128
    batch_size: int = 32
    mask_share: float = 0.18
    learning_rate: float = 1e-3
    fresh_layers: bool = False
    seed: int = 0
    precision: str = "float32"
    time_budget_minutes: float | None = None


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
    model = _load(config.encoder)
    n_positions = model.config.max_position_embeddings
    if config.sequence_length > n_positions:
        raise ConfigError(
            f"sequence_length is {config.sequence_length}: expected at most {n_positions}, as many as the "
            "encoder has positions"
        )
    if config.fresh_layers:
        initialize_layers(model, seed=config.seed)
    digest = _hash_files([*config.text, config.encoder / TOKENIZER])
    run = config.output / "run"
    run.mkdir(parents=True, exist_ok=True)
    tokens = _Tokens.read(config, run, digest)
    training = np.arange(HELD_OUT_SEQUENCES, tokens.n_sequences(config.sequence_length))
    masker = _Masker(tokens, config, n_positions=n_positions)
    per_step = config.batch_size * config.sequence_length

    def make_batch(step: int) -> "_MaskedBatch":
        return masker.batch(_draw(training, step, config), seed=(config.seed, step))

    held_out = masker.batch(np.arange(HELD_OUT_SEQUENCES), seed=(config.seed, 2**32))
    n_steps = max(1, config.n_tokens // per_step)
    shape = (config.batch_size, config.sequence_length, config.mask_share, config.fresh_layers)
    history = fit(
        model,
        lambda batch: _loss(model, batch),
        make_batch,
        groups=[(list(model.parameters()), config.learning_rate)],
        config=LoopConfig(
            n_steps=n_steps,
            identity=f"{digest} {_hash_files([config.encoder / WEIGHTS])} {shape}",
            seed=config.seed,
            precision=config.precision,
            time_budget_s=None if config.time_budget_minutes is None else 60 * config.time_budget_minutes,
        ),
        folder=run,
    )
    with torch.no_grad():
        held_out_loss = float(_loss(model, held_out))
    _write(model, config, tokens, history, held_out_loss)
    return history


def initialize_layers(model: BertForMaskedLM, *, seed: int) -> None:
    """Start the layers anew, with heads of the first layer that already look at a word's neighbours.

    A small BERT spends its first millions of subwords finding out that near words matter: the loss stays on a
    plateau near the unigram entropy. Here the positions are sinusoids in a part of the dimensions, and the
    first heads' queries are the keys turned by the angle of one or two positions, left and right, so that
    they attend to those neighbours from the first step. All of it goes on being trained.

    Source: sinusoids of Vaswani et al. 2017, a shift of which is a rotation; ablation in docs/.
    """
    generator = torch.Generator().manual_seed(seed)
    hidden = model.config.hidden_size
    for name, parameter in model.bert.encoder.named_parameters():
        if parameter.ndim == 2:
            nn.init.normal_(parameter, std=0.7 / hidden**0.5, generator=generator)
        elif "LayerNorm.weight" in name:
            nn.init.ones_(parameter)
        else:
            nn.init.zeros_(parameter)
    size = hidden // model.config.num_attention_heads
    speeds = torch.logspace(math.log10(1.5), math.log10(0.02), size // 2)  # radians per position
    with torch.no_grad():
        _set_positions(model, speeds, generator)
        first: Any = model.bert.encoder.layer[0]
        attention = first.attention.self
        for head, shift in zip(range(model.config.num_attention_heads), NEIGHBOURS, strict=False):
            rows = slice(head * size, (head + 1) * size)
            for layer, turn in ((attention.query, shift), (attention.key, 0)):
                layer.weight[rows] = 0.01 * torch.randn(size, hidden, generator=generator)
                layer.weight[rows, :size] += _rotation(speeds * turn)


def _set_positions(model: BertForMaskedLM, speeds: Tensor, generator: torch.Generator) -> None:
    """Give positions one sinusoid pair a speed, twice as strong there as the word embeddings are made."""
    words, positions = (
        model.bert.embeddings.word_embeddings.weight,
        model.bert.embeddings.position_embeddings.weight,
    )
    size = 2 * len(speeds)
    amplitude = 2 * words.std()
    words[:, :size] *= 0.5
    positions.normal_(0, 0.01, generator=generator)
    angles = torch.arange(len(positions)).unsqueeze(1) * speeds  # (positions, speeds)
    positions[:, 0:size:2] += amplitude * angles.cos()
    positions[:, 1:size:2] += amplitude * angles.sin()


def _rotation(angles: Tensor) -> Tensor:
    """The matrix that turns each pair of dimensions by its angle: (angles,) to (2 angles, 2 angles)."""
    cos, sin = angles.cos(), angles.sin()
    blocks = torch.stack([cos, -sin, sin, cos], dim=-1).view(-1, 2, 2)
    turned: Tensor = torch.block_diag(*blocks)  # type: ignore[no-untyped-call]  # torch leaves it unannotated
    return turned


@dataclass(frozen=True, slots=True)
class _MaskedBatch:
    """One batch: `input_ids`, `position_ids` and `is_masked` are (batch, subwords), `targets` (masked,)."""

    input_ids: Tensor
    position_ids: Tensor
    is_masked: Tensor
    targets: Tensor


def _loss(model: BertForMaskedLM, batch: _MaskedBatch) -> Tensor:
    """Cross-entropy over the masked positions alone: the vocabulary's softmax is the dear part."""
    states = model.bert(input_ids=batch.input_ids, position_ids=batch.position_ids).last_hidden_state
    logits = model.cls(states[batch.is_masked])  # (masked, vocabulary)
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


class _Tokens:
    """All text as one array of subword ids, on disk as uint16 or uint32, read through a memory map."""

    def __init__(self, ids: NDArray[Any], continues: NDArray[np.bool_], sha256: str) -> None:
        """`ids` is (subwords,); `continues` is (vocabulary,): the piece goes on the word before it."""
        self.ids, self.continues, self.sha256 = ids, continues, sha256

    @classmethod
    def read(cls, config: PretrainConfig, folder: Path, digest: str) -> "_Tokens":
        """Read or make the array in `folder`; `digest` is the hash of what it is made from."""
        tokenizer = load_tokenizer(config.encoder / TOKENIZER)
        vocabulary = tokenizer.get_vocab()
        continues = np.zeros(max(vocabulary.values()) + 1, dtype=np.bool_)
        continues[[id for piece, id in vocabulary.items() if piece.startswith("##")]] = True
        kind = np.uint16 if len(continues) <= 2**16 else np.uint32
        path, key = folder / "tokens.bin", folder / "tokens.json"
        if not (path.is_file() and key.is_file() and json.loads(key.read_text())["sha256"] == digest):
            key.unlink(missing_ok=True)  # it vouches for a whole file alone
            separator = vocabulary["[SEP]"]
            with path.open("wb") as stream:
                lines = _lines(config.text)
                while chunk := list(islice(lines, LINES_AT_A_TIME)):
                    encodings = tokenizer.encode_batch_fast(chunk, add_special_tokens=False)
                    flat = [id for encoding in encodings for id in (*encoding.ids, separator)]
                    stream.write(np.asarray(flat, dtype=kind).tobytes())
            key.write_text(json.dumps({"sha256": digest}))
        ids = np.memmap(path, dtype=kind, mode="r") if path.stat().st_size else np.zeros(0, dtype=kind)
        tokens = cls(ids, continues, digest)
        needed = 2 * HELD_OUT_SEQUENCES
        if tokens.n_sequences(config.sequence_length) < needed:
            raise InputError(
                f"the text holds {len(ids)} subwords: expected at least {needed * config.sequence_length} "
                f"({needed} sequences of {config.sequence_length}); give more text"
            )
        logger.info("%d subwords of text", len(ids))
        return tokens

    def n_sequences(self, length: int) -> int:
        return len(self.ids) // length

    def sequences(self, numbers: NDArray[np.integer], length: int) -> NDArray[np.int64]:
        """The ids (batch, length) of the numbered sequences."""
        return np.stack([self.ids[n * length : (n + 1) * length] for n in numbers.tolist()]).astype(np.int64)


class _Masker:
    """Make masked batches: whole words are masked, positions start at a random offset."""

    def __init__(self, tokens: _Tokens, config: PretrainConfig, *, n_positions: int) -> None:
        vocabulary = load_tokenizer(config.encoder / TOKENIZER).get_vocab()
        self.tokens, self.config = tokens, config
        self.mask_id = vocabulary["[MASK]"]
        self.special_ids = [
            id for piece, id in vocabulary.items() if piece.startswith("[") and piece.endswith("]")
        ]
        self.n_offsets = n_positions - config.sequence_length + 1

    def batch(self, numbers: NDArray[np.integer], *, seed: tuple[int, int]) -> _MaskedBatch:
        generator = np.random.default_rng(seed)
        ids = self.tokens.sequences(numbers, self.config.sequence_length)
        is_special = np.isin(ids, self.special_ids)
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
        return _MaskedBatch(
            torch.from_numpy(shown),
            torch.from_numpy(positions),
            torch.from_numpy(is_masked),
            torch.from_numpy(ids[is_masked]),
        )


def _draw(training: NDArray[np.integer], step: int, config: PretrainConfig) -> NDArray[np.integer]:
    """The sequence numbers of a step: every sequence once an epoch, in an order fixed by the seed."""
    per_epoch = max(1, len(training) // config.batch_size)
    epoch, place = divmod(step, per_epoch)
    order = _order(len(training), config.seed, epoch)
    drawn: NDArray[np.integer] = training[order[place * config.batch_size : (place + 1) * config.batch_size]]
    return drawn


@lru_cache(maxsize=1)
def _order(n: int, seed: int, epoch: int) -> NDArray[np.integer]:
    order: NDArray[np.integer] = np.random.default_rng((seed, epoch, n)).permutation(n)
    return order


def _lines(paths: Sequence[Path]) -> Iterator[str]:
    for path in paths:
        opener = lzma.open if path.suffix == ".xz" else open
        with opener(path, "rt", encoding="utf-8") as stream:
            try:
                yield from (line for line in map(str.strip, stream) if line)
            except (UnicodeDecodeError, lzma.LZMAError, EOFError) as error:  # the last where .xz is cut
                raise InputError(f"{path} is not UTF-8 text (or .xz of it): {error}") from error


def _hash_files(paths: Sequence[Path]) -> str:
    digest = hashlib.sha256()
    for path in paths:
        if not path.is_file():
            raise MissingFileError(f"no such text file: {path}")
        with path.open("rb") as stream:
            digest.update(hashlib.file_digest(stream, "sha256").digest())
    return digest.hexdigest()


def _write(
    model: BertForMaskedLM, config: PretrainConfig, tokens: _Tokens, history: History, held_out_loss: float
) -> None:
    report = {
        "config": asdict(config)
        | {"text": [path.name for path in config.text]}
        | {"encoder": config.encoder.name, "output": config.output.name},
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
            shutil.copyfile(config.encoder / TOKENIZER, folder / TOKENIZER)
            text = json.dumps(report, indent=2, ensure_ascii=False) + "\n"
            (folder / PRETRAINING_REPORT).write_text(text, encoding="utf-8")
            for path in folder.iterdir():
                path.replace(config.output / path.name)
    except (OSError, SafetensorError) as error:
        raise OutputError(f"cannot write the encoder to {config.output}: {error}; free some space") from error
