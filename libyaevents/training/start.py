"""Where training starts: from a pretrained encoder under fresh heads, or from a finished model.

In: a `TrainConfig`. Out: a `Start`, which makes the first network, as often as it is asked to.
"""

import hashlib
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer
from torch import nn

from libyaevents.assemble import Labels
from libyaevents.catalog import find_encoder, model_folder
from libyaevents.checkpoint import (
    REPORT,
    WEIGHTS,
    Settings,
    load_labels,
    load_network,
    load_settings,
    load_words_tokenizer,
)
from libyaevents.documents import Document
from libyaevents.errors import CheckpointError, ConfigError
from libyaevents.modeling import EventModel, HeadConfig
from libyaevents.ontology import Ontology
from libyaevents.training.config import TrainConfig
from libyaevents.training.data import count_pairs
from libyaevents.training.encoders import load_encoder
from libyaevents.training.extend import extend_heads, label_names
from libyaevents.training.pretrain import PRETRAINING_REPORT

__all__ = ["Start", "check_labels", "read_json", "start_from"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """Where training starts.

    Attributes:
        name: of the encoder or model, without the way to it.
        weights: a hash of its weights; empty for a name on the hub.
        tokenizer: its tokenizer.
        make: gives a fresh copy of the first network.
        settings: of the model to be written, but for its version.
        seen: hashes of the texts that the starting model was trained on.
        pretraining: the report of the encoder's pretraining, where there is one.
        known: the labels of the starting model.
    """

    name: str
    weights: str
    tokenizer: Tokenizer
    make: Callable[[], EventModel]
    settings: Settings
    seen: frozenset[str] = frozenset()
    pretraining: Mapping[str, Any] | None = None
    known: Labels | None = None

    def labels(self, ontology: Ontology, documents: Sequence[Document]) -> Labels:
        """The labels of a model trained on documents: what it admits beside what the starting model does."""
        labels = Labels.of(ontology, count_pairs(documents))
        return (
            labels if self.known is None else replace(labels, admitted=labels.admitted | self.known.admitted)
        )


def start_from(config: TrainConfig, ontology: Ontology) -> Start:
    """Load what training starts from.

    Raises:
        ModelNotFoundError, CheckpointError: it is not there, or damaged.
        ConfigError: the model has labels that the ontology lacks, or windows are longer than it can read.
    """
    start = _from_model(config, ontology) if config.encoder is None else _from_encoder(config, ontology)
    n_positions = start.make().encoder.config.max_position_embeddings
    if config.max_subwords > n_positions:
        raise ConfigError(
            f"max_subwords is {config.max_subwords}: expected at most {n_positions}, as many as {start.name} "
            "has positions"
        )
    return start


def _from_encoder(config: TrainConfig, ontology: Ontology) -> Start:
    encoder, tokenizer = load_encoder(str(config.encoder))
    folder = Path(find_encoder(str(config.encoder)))
    return Start(
        name=str(config.to_dict()["encoder"]),
        weights=_hash_weights(folder),
        tokenizer=tokenizer,
        make=lambda: _with_fresh_heads(encoder, ontology, config),
        settings=Settings(
            name=config.name,
            version="0",
            role_size=config.role_size,
            pooling=config.pooling,
            max_subwords=config.max_subwords,
        ),
        pretraining=read_json(folder / PRETRAINING_REPORT) or None,
    )


def _from_model(config: TrainConfig, ontology: Ontology) -> Start:
    folder = model_folder(config.start)
    known, labels = load_labels(folder), Labels.of(ontology, {})
    check_labels(known, labels, config.start)
    report = read_json(folder / REPORT)
    return Start(
        name=str(config.to_dict()["init"] or config.start),
        weights=_hash_weights(folder),
        tokenizer=load_words_tokenizer(folder),
        make=lambda: _with_dropout(extend_heads(load_network(folder), known, labels), config.dropout),
        settings=replace(load_settings(folder), name=config.name, max_subwords=config.max_subwords),
        seen=frozenset(report.get("seen", ())),
        pretraining=report.get("pretraining"),
        known=known,
    )


def _with_fresh_heads(encoder: Any, ontology: Ontology, config: TrainConfig) -> EventModel:
    """The encoder under heads that are random, but the same for the same seed."""
    torch.manual_seed(config.seed)
    labels = Labels.of(ontology, {})
    heads = HeadConfig.of(labels, role_size=config.role_size, pooling=config.pooling, dropout=config.dropout)
    shape = copy(encoder.config)
    shape.hidden_dropout_prob = shape.attention_probs_dropout_prob = config.encoder_dropout
    model = EventModel(shape, heads)
    model.encoder.load_state_dict(encoder.state_dict())
    return model


def _with_dropout(model: EventModel, share: float) -> EventModel:
    """The same network, its heads dropping `share` of their inputs."""
    for module in (model.dropout, *model.role_head.modules()):
        if isinstance(module, nn.Dropout):
            module.p = share
    return model


def _hash_weights(folder: Path) -> str:
    files = sorted(folder.glob(f"{Path(WEIGHTS).stem}*.safetensors")) if folder.is_dir() else []
    digest = hashlib.sha256()
    for path in files:
        with path.open("rb") as stream:
            digest.update(hashlib.file_digest(stream, "sha256").digest())
    return digest.hexdigest() if files else ""


def read_json(path: Path) -> dict[str, Any]:
    """The object in a report, or an empty one where there is no report.

    Raises:
        CheckpointError: it is no JSON.
    """
    if not path.is_file():
        return {}
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise CheckpointError(
            f"{path} is no JSON ({error}): copy the folder anew, or leave the file out"
        ) from error
    return value if isinstance(value, dict) else {}


def check_labels(known: Labels, labels: Labels, name: str) -> None:
    """Refuse to forget a label of the starting model; say which ones are new to it.

    Raises:
        ConfigError: the model has labels that are not among `labels`.
    """
    pairs = list(zip(label_names(known), label_names(labels), strict=True))
    if lost := [label for old, new in pairs for label in old if label not in new]:
        raise ConfigError(
            f"the model {name} has labels that the ontology lacks ({', '.join(lost)}): give an ontology that "
            "has them too, or start anew from an encoder (--encoder)"
        )
    if added := [label for old, new in pairs for label in new if label not in old]:
        logger.info("labels that are new to %s: %s", name, ", ".join(added))
