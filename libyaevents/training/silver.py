"""Silver annotation: what trained models say of unlabelled news, for a smaller model to learn from.

In: text in the form that pretraining reads, annotated documents that tell its topic, trained models.
Out: documents annotated by the models together, as JSON Lines: a corpus for `train`.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from libyaevents.documents import Document
from libyaevents.engines.ensemble import EnsembleEngine
from libyaevents.errors import CheckpointError, ConfigError, InputError
from libyaevents.extractor import Extractor
from libyaevents.formats.jsonl import write_documents
from libyaevents.training.text import Text

__all__ = ["SilverConfig", "annotate", "load_ensemble"]

logger = logging.getLogger(__name__)

TOPIC_SHARE = 0.04  # of a document's words that are triggers: twice what pretraining asks for
WORDS = (60, 600)  # of a document: neither a caption nor a collection


@dataclass(frozen=True, slots=True, kw_only=True)
class SilverConfig:
    """What to annotate: `text` files, in the topic of `focus`; by which `models`; how many documents."""

    text: tuple[Path, ...]
    focus: Path
    models: tuple[str, ...]
    output: Path
    n_documents: int = 3000
    seed: int = 0


def annotate(config: SilverConfig) -> int:
    """Write a sample of the text, annotated by the models, to `config.output`; return how many documents.

    Raises:
        MissingFileError, InputError: a text file is absent or unreadable, or none of it is on the topic.
        ConfigError, ModelNotFoundError, CheckpointError: see `load_ensemble`.
        OutputError: the result could not be written.
    """
    extractor = load_ensemble(config.models)
    sample = _sample(config)
    if not sample:
        raise InputError(
            f"no document of {WORDS[0]} to {WORDS[1]} words is on the topic of {config.focus}: "
            "give text with a blank line between documents"
        )
    write_documents((_silver(document) for document in extractor.extract_many(sample)), config.output)
    return len(sample)


def load_ensemble(models: Sequence[str]) -> Extractor:
    """Load models to read as one; they must share tokenizer, labels and length of windows.

    Raises:
        ConfigError: there is no model.
        ModelNotFoundError, CheckpointError: one is not there, is damaged, or does not go with the first.
    """
    if not models:
        raise ConfigError("no model is given: expected at least one to annotate with")
    first, *others = members = [
        Extractor.from_pretrained(model, engine="onnx", enrich=False) for model in models
    ]
    for name, member in zip(models[1:], others, strict=True):
        same = (
            member.tokenizer.to_str() == first.tokenizer.to_str()
            and replace(member.labels, admitted=frozenset()) == replace(first.labels, admitted=frozenset())
            and member.settings.max_subwords == first.settings.max_subwords
        )
        if not same:
            raise CheckpointError(
                f"{name} has another tokenizer, other labels or other windows than {models[0]}: "
                "expected models that were trained from one encoder"
            )
    if not others:
        return first
    # The biases were chosen for each model alone.
    settings = replace(
        first.settings, entity_outside_bias=0.0, trigger_outside_bias=0.0, role_outside_bias=0.0
    )
    return Extractor(
        EnsembleEngine([member.engine for member in members]), first.tokenizer, first.labels, settings
    )


def _sample(config: SilverConfig) -> list[Document]:
    """Documents on the topic, drawn evenly over the files, each by the place where it stands."""
    text = Text.of(config.text, focus=config.focus)
    documents = [
        Document(id=f"silver-{number}", text="\n".join(paragraphs))
        for number, paragraphs in enumerate(text.documents(min_share=TOPIC_SHARE))
        if WORDS[0] <= sum(len(paragraph.split()) for paragraph in paragraphs) <= WORDS[1]
    ]
    order = np.random.default_rng(config.seed).permutation(len(documents))[: config.n_documents]
    logger.info("%d of %d documents on the topic are annotated", len(order), len(documents))
    if len(order) < config.n_documents:
        logger.warning("expected %d documents on the topic, found %d", config.n_documents, len(order))
    return [documents[number] for number in sorted(order.tolist())]


def _silver(document: Document) -> Document:
    """Without what is a prediction's and no annotation's: scores and the model's stamp."""
    events = tuple(
        replace(
            event,
            score=None,
            trigger=replace(event.trigger, score=None),
            arguments=tuple(replace(argument, score=None) for argument in event.arguments),
        )
        for event in document.events
    )
    entities = tuple(replace(entity, score=None) for entity in document.entities)
    return replace(document, events=events, entities=entities, metadata={})
