"""Tiny models made in code: a tokenizer of the article's own words, an encoder of 2 × 32, random heads."""

import json
from collections import Counter
from pathlib import Path

import torch
from tokenizers import Regex, Tokenizer, normalizers, pre_tokenizers
from tokenizers.models import WordPiece
from transformers import BertConfig, BertForMaskedLM

from libyaevents.assemble import Labels
from libyaevents.checkpoint import REPORT, Settings, save_network
from libyaevents.documents import Document
from libyaevents.export import write_int8_encoder, write_roles
from libyaevents.modeling import EventModel, HeadConfig, Pooling
from libyaevents.ontology import load_ontology
from libyaevents.subwords import encode_words, special_ids
from libyaevents.training.card import write_card
from libyaevents.training.config import TrainConfig
from libyaevents.training.corpus import describe, outlets, text_hash
from libyaevents.training.data import count_pairs
from libyaevents.training.report import TrainingReport
from libyaevents.training.state import History
from libyaevents.windows import Window, collate, make_windows, sentence_words
from libyaevents.words import split_sentences, split_words

SPECIALS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
LETTERS = "ابتثجحخدذرزسشصضطظعغفقكلمنهويءئؤأإآةىabcdefghijklmnopqrstuvwxyz0123456789"
MAX_SUBWORDS = 64  # short, so that the article is several windows and a long sentence is strided
# Random heads would find an event at nearly every word; these make `O` likely, as in news.
OUTSIDE = 4.0


def make_tokenizer(text: str) -> Tokenizer:
    """A WordPiece of letters and of the words that come twice in `text`; harakat and tatweel are dropped."""
    counts = Counter(text[start:end] for start, end in split_words(text))
    words = [word for word, count in counts.items() if count > 1 and len(word) > 1]
    marks = [mark for mark in "،؛؟.,:!\"'()«»-+/%#" if mark not in words]
    pieces = [*SPECIALS, *LETTERS, *(f"##{letter}" for letter in LETTERS), *marks, *words]
    vocabulary = {piece: number for number, piece in enumerate(dict.fromkeys(pieces))}
    tokenizer = Tokenizer(WordPiece(vocabulary, unk_token="[UNK]", max_input_chars_per_word=60))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.NFKC(), normalizers.Replace("ـ", ""), normalizers.Replace(Regex("[\u064b-\u0652]"), "")]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    return tokenizer


def make_labels(document: Document) -> Labels:
    """The ontology's labels, with the pairs that the document has twice admitted."""
    return Labels.of(load_ontology(), count_pairs([document]))


def encoder_config(vocabulary: int) -> BertConfig:
    """A BERT of 2 × 32 without dropout."""
    return BertConfig(
        vocab_size=vocabulary,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=128,
        type_vocab_size=1,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
    )


def make_network(
    labels: Labels, vocabulary: int, *, pooling: Pooling = "mean", role_size: int = 64, seed: int = 0
) -> EventModel:
    """A network with random weights, in evaluation mode."""
    torch.manual_seed(seed)
    heads = HeadConfig.of(labels, role_size=role_size, pooling=pooling)
    network = EventModel(encoder_config(vocabulary), heads)
    with torch.no_grad():
        for head in (network.entities, network.triggers, network.role_head.source, network.role_head.others):
            head.weight *= 3  # so that scores are far from each other
            head.bias[0] += OUTSIDE
    # As a checkpoint holds them, so that what is saved and loaded gives the same results.
    return network.half().float().eval()


def make_windows_of(document: Document, tokenizer: Tokenizer) -> list[Window]:
    """The windows of a document as the extractor cuts them."""
    words = split_words(document.text)
    sentences = sentence_words(words, document.sentences or split_sentences(document.text))
    subwords = encode_words(document.text, words, tokenizer)
    return make_windows(subwords, sentences, specials=special_ids(tokenizer), max_subwords=MAX_SUBWORDS)


def write_encoder_folder(folder: Path, article: Document) -> None:
    """Write a `BertForMaskedLM` with random weights and its tokenizer, as `pretrain` takes them."""
    tokenizer = make_tokenizer(article.text)
    torch.manual_seed(0)
    BertForMaskedLM(encoder_config(tokenizer.get_vocab_size())).save_pretrained(folder)
    tokenizer.save(str(folder / "tokenizer.json"))


def write_model_folder(folder: Path, article: Document) -> None:
    """Write a complete model folder by the functions that `train` writes one with."""
    tokenizer, labels = make_tokenizer(article.text), make_labels(article)
    network = make_network(labels, tokenizer.get_vocab_size())
    settings = Settings(
        name="tiny", version="2020-06-06", role_size=64, pooling="mean", max_subwords=MAX_SUBWORDS
    )
    save_network(network, labels, settings, tokenizer=tokenizer, folder=folder)
    (folder / "ontology.json").write_text(load_ontology().to_json(), encoding="utf-8")
    windows = make_windows_of(article, tokenizer)
    write_int8_encoder(network, folder / "encoder.int8.onnx", [collate([window]) for window in windows])
    write_roles(network, folder / "roles.onnx")
    report = make_report(folder, article).to_dict()
    seen = {"seen": [text_hash(article)]}
    (folder / REPORT).write_text(json.dumps(report | seen), encoding="utf-8")
    write_card(folder, settings, report)


def make_report(folder: Path, article: Document) -> TrainingReport:
    """The report of a run that measured nothing."""
    config = TrainConfig(name="tiny", data=("one annotated article",))
    return TrainingReport(
        model=folder,
        config=config,
        corpus=describe(config, [article], []),
        already_seen=0,
        unrepresentable={"n_gold": 100},
        history=History(),
        seconds=1.0,
        started_from="random",
        sources=outlets([article]),
    )
