"""Fine-tune a model on annotated documents, measure it honestly, and write it as one folder.

In: a `TrainConfig`. Out: a folder with the run's reports and, under `model/`, the checkpoint.

Where there is a dev file, the best epoch is chosen on it. Where there is none the corpus is cut into blocks
and cross-validated, and the fit on the text that was trained on is printed apart, under that name.
"""

import json
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tokenizers import Tokenizer

from libyaevents.assemble import Labels
from libyaevents.checkpoint import (
    REPORT,
    Settings,
    load_labels,
    load_network,
    load_settings,
    load_words_tokenizer,
    model_folder,
    save_network,
    whole_folder,
)
from libyaevents.documents import Document
from libyaevents.engines.torch import TorchEngine
from libyaevents.errors import ConfigError, CorpusError
from libyaevents.evaluation import Evaluation, evaluate
from libyaevents.export import write_int8_encoder, write_roles
from libyaevents.extractor import Extractor
from libyaevents.modeling import EventModel, HeadConfig
from libyaevents.ontology import Ontology, load_ontology
from libyaevents.training.card import write_card
from libyaevents.training.config import TrainConfig
from libyaevents.training.corpus import (
    describe,
    make_blocks,
    outlets,
    read_corpus,
    refuse_overlap,
    text_hash,
    unique,
)
from libyaevents.training.data import Example, count_pairs, make_batch, make_examples, to_dataset
from libyaevents.training.encoders import load_encoder
from libyaevents.training.finetune import compute_loss
from libyaevents.training.loop import fit
from libyaevents.training.pretrain import PRETRAINING_REPORT
from libyaevents.training.report import TrainingReport
from libyaevents.training.state import History, LoopConfig
from libyaevents.windows import collate, special_ids

__all__ = ["TrainingReport", "train"]

logger = logging.getLogger(__name__)

CALIBRATION_WINDOWS = 256
EVALUATIONS_A_RUN = 5
BIASES = (0.0, -0.5, -1.0, -1.5, -2.0, 0.5, 1.0)
NOT_IDENTIFYING = ("output", "time_budget_minutes", "name", "data")


def train(config: TrainConfig) -> TrainingReport:
    """Train as configured; write `config.output/model` and the reports beside it.

    A run that was interrupted goes on where it was when it is started again with the same configuration.

    Raises:
        ConfigError, CorpusError, LabelError: the configuration or a corpus is wrong.
        ModelNotFoundError, CheckpointError: the model or encoder to start from is.
        OutputError: the results could not be written; a model already there is as it was.
    """
    torch.set_flush_denormal(True)
    started = time.monotonic()
    ontology = load_ontology()
    corpus = read_corpus(config.corpus, ontology)
    replay = read_corpus((config.replay,), ontology) if config.replay is not None else []
    dev = read_corpus((config.dev,), ontology) if config.dev is not None else []
    refuse_overlap([*corpus, *replay], dev)
    documents = unique([*corpus, *replay])
    start = _Start.of(config, documents, ontology)
    cross_validation = None
    if not dev and config.folds:
        cross_validation = _cross_validate(config, corpus, replay, start)
    model, history, unrepresentable = _fit(config, documents, start, config.output / "run", dev=dev)
    target = config.output / "model"
    report = TrainingReport(
        model=target,
        config=config,
        corpus=describe(config, documents, dev),
        already_seen=len(start.seen & {text_hash(document) for document in documents}),
        unrepresentable=unrepresentable,
        history=history,
        seconds=0.0,
        cross_validation=cross_validation,
        started_from=_started_from(config),
        sources=outlets(documents),
        pretraining=start.pretraining,
    )
    settings = replace(start.settings(config), version=datetime.now(UTC).date().isoformat())
    if dev:
        settings = _choose_biases(model, start, settings, dev)
    with whole_folder(target) as folder:
        save_network(model, start.labels, settings, tokenizer=start.tokenizer, folder=folder)
        (folder / "ontology.json").write_text(ontology.to_json(), encoding="utf-8")
        write_int8_encoder(model, folder / "encoder.int8.onnx", _calibration(config, documents, start))
        write_roles(model, folder / "roles.onnx")
        report = _measure(report, folder, started, dev=dev, corpus=corpus)
        text = json.dumps(
            report.to_dict() | {"seen": sorted(start.seen | set(map(text_hash, documents)))}, indent=1
        )
        (folder / REPORT).write_text(text + "\n", encoding="utf-8")
        write_card(folder, settings, report.to_dict())
    (config.output / "report.txt").write_text(report.to_text() + "\n", encoding="utf-8")
    return report


@dataclass(frozen=True, slots=True, kw_only=True)
class _Start:
    """Where training starts: a tokenizer, labels, and how to make a fresh copy of the first network."""

    tokenizer: Tokenizer
    labels: Labels
    make: Callable[[], EventModel]
    seen: frozenset[str]
    folder: Path | None
    pretraining: Mapping[str, Any] | None

    @classmethod
    def of(cls, config: TrainConfig, documents: Sequence[Document], ontology: Ontology) -> "_Start":
        labels = Labels.of(ontology, count_pairs(documents))
        if config.encoder is not None:
            encoder, tokenizer = load_encoder(config.encoder)
            return cls(
                tokenizer=tokenizer,
                labels=labels,
                make=lambda: _with_fresh_heads(encoder, labels, config),
                seen=frozenset(),
                folder=None,
                pretraining=_read_json(Path(config.encoder) / PRETRAINING_REPORT) or None,
            )
        folder = model_folder(config.start)
        known = load_labels(folder)
        if _names(known) != _names(labels):
            raise ConfigError(
                f"the model {config.start} has other labels than the ontology of this version: start anew "
                "from an encoder (--encoder), or use the version of libyaevents that made the model"
            )
        report = _read_json(folder / REPORT)
        return cls(
            tokenizer=load_words_tokenizer(folder),
            labels=replace(labels, admitted=labels.admitted | known.admitted),
            make=lambda: load_network(folder),
            seen=frozenset(report.get("seen", ())),
            folder=folder,
            pretraining=report.get("pretraining"),
        )

    def settings(self, config: TrainConfig) -> Settings:
        """The settings of the model to be written: the starting model's own shape, or the configured one."""
        shape = {"role_size": config.role_size, "pooling": config.pooling}
        if self.folder is not None:
            old = load_settings(self.folder)
            shape = {"role_size": old.role_size, "pooling": old.pooling}
        return Settings(name=config.name, version="0", max_subwords=config.max_subwords, **shape)  # type: ignore[arg-type]


def _read_json(path: Path) -> dict[str, Any]:
    """The object in a report, or an empty one where there is no report."""
    if not path.is_file():
        return {}
    value: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return value


def _with_fresh_heads(encoder: Any, labels: Labels, config: TrainConfig) -> EventModel:
    """The encoder under heads that are random, but the same for the same seed."""
    torch.manual_seed(config.seed)
    heads = HeadConfig(
        n_entity_types=len(labels.entities),
        n_event_types=len(labels.events),
        n_roles=len(labels.roles),
        n_factuality=len(labels.factuality),
        role_size=config.role_size,
        pooling=config.pooling,
        dropout=config.dropout,
    )
    shape = copy(encoder.config)
    shape.hidden_dropout_prob = shape.attention_probs_dropout_prob = config.encoder_dropout
    model = EventModel(shape, heads)
    model.encoder.load_state_dict(encoder.state_dict())
    return model


def _fit(
    config: TrainConfig,
    documents: Sequence[Document],
    start: _Start,
    folder: Path,
    *,
    dev: Sequence[Document] = (),
) -> tuple[EventModel, History, dict[str, int]]:
    """Train one network on documents; with a dev set, keep the weights that score best on it."""
    dataset, unrepresentable = to_dataset(documents, start.tokenizer, start.labels)
    batches = _Batches(list(dataset), start, config)
    model = start.make()
    encoder = list(model.encoder.parameters())
    in_encoder = set(map(id, encoder))
    heads = [parameter for parameter in model.parameters() if id(parameter) not in in_encoder]
    settings = start.settings(config)
    mask_id = start.tokenizer.token_to_id("[MASK]")
    word_dropout = config.word_dropout if mask_id is not None else 0.0

    def score() -> Mapping[str, float]:
        extractor = Extractor(TorchEngine(model), start.tokenizer, start.labels, settings)
        return _headline(evaluate(dev, list(extractor.extract_many(_unread(dev))), n_resamples=1))

    history = fit(
        model,
        lambda batch: compute_loss(
            model, batch, with_predicted=True, word_dropout=word_dropout, mask_id=mask_id or 0
        ),
        batches.at,
        groups=[(encoder, config.encoder_learning_rate), (heads, config.head_learning_rate)],
        config=LoopConfig(
            n_steps=batches.per_epoch * config.epochs,
            identity=_identity(config, documents),
            average_decay=config.average_decay or None,
            seed=config.seed,
            precision=config.precision,
            time_budget_s=None if config.time_budget_minutes is None else 60 * config.time_budget_minutes,
            evaluate_every=max(1, batches.per_epoch * config.epochs // EVALUATIONS_A_RUN) if dev else None,
            patience=config.patience,
        ),
        folder=folder,
        evaluate=score if dev else None,
    )
    return model, history, unrepresentable


def _choose_biases(model: EventModel, start: _Start, settings: Settings, dev: Sequence[Document]) -> Settings:
    """Find the biases on `O` that balance precision and recall best on dev: of mentions, then of roles."""
    engine = TorchEngine(model)

    def scores(settings: Settings) -> dict[str, float]:
        extractor = Extractor(engine, start.tokenizer, start.labels, settings)
        return _headline(evaluate(dev, list(extractor.extract_many(_unread(dev))), n_resamples=1))

    mentions = {
        bias: scores(replace(settings, entity_outside_bias=bias, trigger_outside_bias=bias))
        for bias in BIASES
    }
    settings = replace(
        settings,
        entity_outside_bias=max(BIASES, key=lambda bias: mentions[bias]["entities"]),
        trigger_outside_bias=max(BIASES, key=lambda bias: mentions[bias]["TC"]),
    )
    roles = {bias: scores(replace(settings, role_outside_bias=bias)) for bias in BIASES}
    return replace(settings, role_outside_bias=max(BIASES, key=lambda bias: roles[bias]["AC+"]))


def _started_from(config: TrainConfig) -> str:
    names = config.to_dict()
    return str(names["encoder"] or names["init"] or config.start)


def _identity(config: TrainConfig, documents: Sequence[Document]) -> str:
    """What a run's result depends on: its texts, and its configuration but for names and the time it has."""
    values = {key: value for key, value in config.to_dict().items() if key not in NOT_IDENTIFYING}
    return json.dumps([values, [text_hash(document) for document in documents]], sort_keys=True)


class _Batches:
    """The batch of any step: windows of all documents, in an order drawn anew for each epoch."""

    def __init__(self, rows: Sequence[Mapping[str, Any]], start: _Start, config: TrainConfig) -> None:
        specials = special_ids(start.tokenizer)
        self.examples: list[Example] = [
            example
            for row in rows
            for example in make_examples(
                row, start.labels, specials=specials, max_subwords=config.max_subwords
            )
        ]
        if not self.examples:
            raise CorpusError("the corpus holds no words: expected at least one annotated sentence")
        self.config = config
        self.per_epoch = -(-len(self.examples) // config.batch_size)

    def at(self, step: int) -> Any:
        epoch, place = divmod(step, self.per_epoch)
        order = np.random.default_rng((self.config.seed, epoch)).permutation(len(self.examples))
        chosen = order[place * self.config.batch_size : (place + 1) * self.config.batch_size]
        return make_batch([self.examples[index] for index in chosen])


def _cross_validate(
    config: TrainConfig, corpus: Sequence[Document], replay: Sequence[Document], start: _Start
) -> Evaluation:
    """Train on all blocks but one, predict that one, for each; score all predictions together."""
    blocks = make_blocks(corpus, config.folds)
    in_corpus = set(map(text_hash, corpus))
    others = [document for document in replay if text_hash(document) not in in_corpus]
    gold: list[Document] = []
    predicted: list[Document] = []
    given: list[Document] = []
    for number, held_out in enumerate(blocks):
        rest = [document for other in blocks if other is not held_out for document in other]
        folder = config.output / "cross-validation" / f"fold-{number + 1}"
        model, _, _ = _fit(config, [*rest, *others], start, folder)
        extractor = Extractor(TorchEngine(model), start.tokenizer, start.labels, start.settings(config))
        gold += held_out
        predicted += extractor.extract_many(_unread(held_out))
        given += extractor.extract_arguments(held_out)
    return evaluate(gold, predicted, with_gold_triggers=given, seed=config.seed)


def _measure(
    report: TrainingReport,
    folder: Path,
    started: float,
    *,
    dev: Sequence[Document],
    corpus: Sequence[Document],
) -> TrainingReport:
    """Score the finished folder as users run it: the int8 graphs, end to end from raw text."""
    extractor = Extractor.from_pretrained(folder)
    gold = dev or corpus
    scores = evaluate(
        gold,
        list(extractor.extract_many(_unread(gold))),
        with_gold_triggers=list(extractor.extract_arguments(gold)),
        seed=report.config.seed,
    )
    seconds = time.monotonic() - started
    return replace(report, seconds=seconds, dev=scores if dev else None, fit=None if dev else scores)


def _unread(documents: Sequence[Document]) -> list[Document]:
    """The same texts without annotation; the sentences are found anew, as for any text."""
    return [Document(text=document.text, id=document.id) for document in documents]


def _headline(evaluation: Evaluation) -> dict[str, float]:
    """The scores that training watches, in percent; `score` is the mean of the three that users feel most."""
    scores = evaluation.events.scores
    watched = {"entities": evaluation.entity_score.f1, "TC": scores["TC"].f1, "AC+": scores["AC+"].f1}
    percent = {name: 100 * value for name, value in watched.items()}
    return percent | {"score": sum(percent.values()) / len(percent)}


def _calibration(config: TrainConfig, documents: Sequence[Document], start: _Start) -> list[Any]:
    """Batches of the training text on which the ranges of activations are measured."""
    dataset, _ = to_dataset(documents, start.tokenizer, start.labels)
    batches = _Batches(list(dataset), start, config)
    order = np.random.default_rng(config.seed).permutation(len(batches.examples))[:CALIBRATION_WINDOWS]
    return [collate([batches.examples[index].window]) for index in order]


def _names(labels: Labels) -> tuple[tuple[str, ...], ...]:
    return labels.entities, labels.events, labels.roles, labels.factuality
