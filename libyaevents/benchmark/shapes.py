"""The models that are compared: one set of weights, written for both sides.

In: a shape. Out: folders of one network as libyaevents reads it, in int8 and in float32, and of the two
classifiers that `transformers` reads: the same encoder with the entity head, and with the trigger head.
"""

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer
from tokenizers.processors import TemplateProcessing
from torch import nn
from transformers import BertConfig, BertForTokenClassification, PreTrainedTokenizerFast

from libyaevents.catalog import DEFAULT_MODEL, model_folder
from libyaevents.checkpoint import (
    ENCODER_GRAPH,
    ROLES_GRAPH,
    Settings,
    load_labels,
    load_network,
    load_settings,
    load_words_tokenizer,
    save_network,
)
from libyaevents.documents import Document
from libyaevents.export import write_encoder, write_int8_encoder, write_roles
from libyaevents.extractor import Extractor
from libyaevents.modeling import EventModel, HeadConfig
from libyaevents.subwords import encode_words, special_ids
from libyaevents.tags import decode_spans, iob2_tags
from libyaevents.windows import Window, WindowBatch, batch_by_length, collate, make_windows, sentence_words
from libyaevents.words import split_sentences, split_words

__all__ = [
    "SHAPES",
    "Density",
    "Models",
    "Shape",
    "batches_of",
    "build",
    "count_operations",
    "make_network",
    "window_texts",
]

SPECIALS = {f"{name}_token": f"[{name.upper()}]" for name in ("pad", "unk", "cls", "sep", "mask")}
CALIBRATION = 32  # texts that measure the ranges of activations, and how likely O has to be
CONTRAST = 3.0  # of random heads, so that tags differ as those of trained ones
BISECTIONS = 9  # to a sixteenth of a logit
LARGEST_BIAS = 16.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """An encoder's size, and how many articles are read a round.

    Labels, tokenizer and lengths of windows are those of the model `source`; without `n_layers` its weights
    are, too. Else weights are random, seeded, and the heads biased to O.
    """

    name: str
    n_articles: int
    source: str | Path = DEFAULT_MODEL
    n_layers: int | None = None
    hidden: int = 0
    n_heads: int = 0
    vocabulary: int = 0


SHAPES = {
    shape.name: shape
    for shape in (
        Shape(name="compact", n_articles=40),
        Shape(name="6x384", n_articles=20, n_layers=6, hidden=384, n_heads=6, vocabulary=30_000),
        Shape(name="camelbert", n_articles=8, n_layers=12, hidden=768, n_heads=12, vocabulary=30_000),
    )
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Density:
    """How many mentions the heads find: entities and events a word, arguments an event."""

    entities: float
    events: float
    arguments: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Models:
    """Folders of the same weights: two of ours, two of classifiers; and the encoder's shape."""

    int8: Path
    float32: Path
    entities: Path
    triggers: Path
    config: BertConfig


def build(shape: Shape, texts: Sequence[str], density: Density, folder: Path) -> Models:
    """Write the models of a shape into a folder that exists.

    Args:
        shape: which.
        texts: those that will be read; the first of them calibrate int8, and random heads.
        density: what random heads are to find.
        folder: an empty one.

    Raises:
        ModelNotFoundError, CheckpointError: there is no model `shape.source`, or it is damaged.
    """
    source = model_folder(shape.source)
    labels, tokenizer = load_labels(source), load_words_tokenizer(source)
    settings = replace(load_settings(source), name=shape.name, pooling="first")
    batches = batches_of(texts[:CALIBRATION], tokenizer, settings)
    network = make_network(shape)
    if shape.n_layers is not None:
        _bias_to_outside(network.triggers, network, batches, density.events)
        _bias_to_outside(network.entities, network, batches, density.entities)
        settings = replace(settings, entity_outside_bias=0.0, trigger_outside_bias=0.0)
    int8, float32 = folder / "int8", folder / "float32"
    int8.mkdir()
    save_network(network, labels, settings, tokenizer=tokenizer, folder=int8)
    network = load_network(int8)  # rounded to what a folder holds
    write_int8_encoder(network, int8 / ENCODER_GRAPH, batches)
    write_roles(network, int8 / ROLES_GRAPH)
    if shape.n_layers is not None:
        settings = replace(settings, role_outside_bias=_role_bias(int8, texts[:CALIBRATION], density))
        save_network(network, labels, settings, tokenizer=tokenizer, folder=int8)
    shutil.copytree(int8, float32)
    write_encoder(network, float32 / ENCODER_GRAPH)
    heads = {"entities": (network.entities, labels.entities), "triggers": (network.triggers, labels.events)}
    for name, (head, types) in heads.items():
        _write_classifier(network, head, iob2_tags(types), folder / name)
        _write_tokenizer(tokenizer, network.encoder.config.max_position_embeddings, folder / name)
    return Models(
        int8=int8,
        float32=float32,
        entities=folder / "entities",
        triggers=folder / "triggers",
        config=network.encoder.config,
    )


def make_network(shape: Shape) -> EventModel:
    """The network of a shape, which pools words by their first subword: the source's own, or a random one."""
    source = model_folder(shape.source)
    if shape.n_layers is None:
        network = load_network(source)
        network.heads = replace(network.heads, pooling="first")
        return network
    labels = load_labels(source)
    heads = HeadConfig.of(labels, role_size=load_settings(source).role_size, pooling="first")
    config = BertConfig(
        vocab_size=shape.vocabulary,
        hidden_size=shape.hidden,
        num_hidden_layers=shape.n_layers,
        num_attention_heads=shape.n_heads,
        intermediate_size=4 * shape.hidden,
        max_position_embeddings=512,
    )
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(0)
        network = EventModel(config, heads).eval()
        for head in (network.entities, network.triggers, network.role_head.source, network.role_head.others):
            head.weight *= CONTRAST
    return network


def batches_of(texts: Sequence[str], tokenizer: Tokenizer, settings: Settings) -> list[WindowBatch]:
    """Cut texts into windows as the extractor does, and batch them by length."""
    windows = [window for text in texts for window in _windows(text, tokenizer, settings.max_subwords)]
    lengths = [len(window.input_ids) for window in windows]
    return [
        collate([windows[index] for index in indexes])
        for indexes in batch_by_length(lengths, max_tokens=1024)
    ]


def window_texts(document: Document, tokenizer: Tokenizer, settings: Settings) -> list[str]:
    """Cut a document into pieces that fill a window each: consecutive sentences."""
    words = split_words(document.text)
    windows = _windows(document.text, tokenizer, settings.max_subwords)
    bounds = [(words[window.words[0]][0], words[window.words[1] - 1][1]) for window in windows]
    return [document.text[start:end] for start, end in bounds]


def count_operations(config: BertConfig, lengths: Sequence[int]) -> int:
    """Multiplications and additions of one encoder over windows of these lengths in subwords, unpadded.

    Products alone: of the projections and the feed-forward layers, and of attention. Heads, norms and
    activations are left out.
    """
    hidden, inner = config.hidden_size, config.intermediate_size
    per_subword = 2 * (4 * hidden**2 + 2 * hidden * inner)
    return config.num_hidden_layers * sum(length * per_subword + 4 * length**2 * hidden for length in lengths)


def _windows(text: str, tokenizer: Tokenizer, max_subwords: int) -> list[Window]:
    words = split_words(text)
    return make_windows(
        encode_words(text, words, tokenizer),
        sentence_words(words, split_sentences(text)),
        specials=special_ids(tokenizer),
        max_subwords=max_subwords,
    )


def _bias_to_outside(
    head: nn.Linear, network: EventModel, batches: Sequence[WindowBatch], spans_a_word: float
) -> None:
    """Make O so likely that a head finds as many spans a word."""
    is_entities = head is network.entities
    logits, lengths = [], []
    for batch in batches:
        with torch.inference_mode():
            encoded = network.encode(*(torch.from_numpy(array) for array in _inputs(batch)))
        logits.append((encoded.entity_logits if is_entities else encoded.trigger_logits).numpy())
        lengths.append(batch.word_mask.sum(-1))
    n_words = int(sum(length.sum() for length in lengths))

    def density(bias: float) -> float:
        found = (decode_spans(*each, outside_bias=bias) for each in zip(logits, lengths, strict=True))
        return sum(len(spans) for sequences in found for spans in sequences) / n_words

    with torch.no_grad():
        head.bias[0] += _bisect(density, spans_a_word)


def _role_bias(folder: Path, texts: Sequence[str], density: Density) -> float:
    """The bias on O with which as many arguments an event are found."""
    extractor = Extractor.from_pretrained(folder, enrich=False)
    settings = extractor.settings

    def arguments(bias: float) -> float:
        extractor.settings = replace(settings, role_outside_bias=bias)
        events = [event for document in extractor.extract_many(texts) for event in document.events]
        return sum(len(event.arguments) for event in events) / max(1, len(events))

    return _bisect(arguments, density.arguments)


def _bisect(found: Callable[[float], float], wanted: float) -> float:
    """The bias, in logits, at which a number that falls with it is what is wanted."""
    low, high = -LARGEST_BIAS, LARGEST_BIAS
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        low, high = (middle, high) if found(middle) > wanted else (low, middle)
    return high


def _inputs(batch: WindowBatch) -> tuple[np.ndarray, ...]:
    return batch.input_ids, batch.attention_mask, batch.word_ids, batch.word_mask


def _write_classifier(network: EventModel, head: nn.Linear, tags: Sequence[str], folder: Path) -> None:
    names = {"id2label": dict(enumerate(tags)), "label2id": {tag: index for index, tag in enumerate(tags)}}
    classifier = BertForTokenClassification(BertConfig.from_dict(network.encoder.config.to_dict() | names))
    classifier.bert.load_state_dict(network.encoder.state_dict())
    classifier.classifier.load_state_dict(head.state_dict())
    classifier.save_pretrained(folder)


def _write_tokenizer(tokenizer: Tokenizer, n_positions: int, folder: Path) -> None:
    """Write the tokenizer with the special tokens, which the extractor puts in by itself."""
    whole = Tokenizer.from_str(tokenizer.to_str())
    names = SPECIALS["cls_token"], SPECIALS["sep_token"]
    specials = list(zip(names, special_ids(tokenizer), strict=True))
    whole.post_processor = TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=specials)
    # Without type ids: encoders of one type, as the shipped one, have no second.
    PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=whole,
        model_max_length=n_positions,
        model_input_names=["input_ids", "attention_mask"],
        **SPECIALS,
    ).save_pretrained(folder)
