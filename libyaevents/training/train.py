"""Fine-tune a model on annotated documents, measure it honestly, and write it as one folder.

In: a `TrainConfig`. Out: a folder with the run's reports and, under `model/`, the checkpoint.

Where there is a dev file, the best epoch is chosen on it. Where there is none the corpus is cut into blocks
and cross-validated, and the fit on the text that was trained on is printed apart, under that name.
"""

import hashlib
import json
import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from libyaevents.assemble import Labels
from libyaevents.checkpoint import (
    LABELS,
    ONTOLOGY,
    REPORT,
    EngineName,
    Settings,
    load_engine,
    load_labels,
    load_settings,
    load_words_tokenizer,
    save_network,
    save_settings,
)
from libyaevents.documents import Document
from libyaevents.engines.torch import TorchEngine
from libyaevents.errors import OutputError
from libyaevents.evaluation import Evaluation, evaluate
from libyaevents.evaluation.calibration import cross_validate, fit_calibrators, measure_reliability
from libyaevents.export import write_int8_encoder, write_roles
from libyaevents.extractor import Extractor
from libyaevents.modeling import EventModel
from libyaevents.ontology import Ontology, load_ontology
from libyaevents.outputs import check_replaceable, open_whole, whole_folder
from libyaevents.training.batches import Batches, Lessons, TrainingBatch
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
from libyaevents.training.data import to_dataset
from libyaevents.training.devices import training_device
from libyaevents.training.finetune import Hiding, compute_loss, distillation_loss, parameter_groups
from libyaevents.training.loop import fit
from libyaevents.training.report import TrainingReport
from libyaevents.training.start import Start, start_from
from libyaevents.training.state import History, LoopConfig

__all__ = ["TrainingReport", "calibrate_model", "choose_biases", "train", "write_text"]

logger = logging.getLogger(__name__)

EVALUATIONS_A_RUN = 5
FINAL_ENGINE: EngineName = "onnx"  # the one that is always there, so that a result is the same everywhere
BIASES = (0.0, -0.5, -1.0, -1.5, -2.0, 0.5, 1.0, 1.5)
NOT_IDENTIFYING = ("output", "time_budget_minutes", "name", "data")


def train(
    config: TrainConfig, *, ontology: Ontology | None = None, lessons: Lessons | None = None
) -> TrainingReport:
    """Train as configured; write `config.output/model` and the reports beside it.

    A run that was interrupted goes on where it was when it is started again with the same configuration.

    Args:
        config: what to learn from, where to start, how long.
        ontology: whose labels to learn, the package's where left out; a model that lacks some gets them.
        lessons: text on which the probabilities of other models are learnt beside the corpus. Nothing is
            cross-validated then: the teachers may know the blocks that are held out.

    Raises:
        ConfigError, CorpusError, LabelError: the configuration or a corpus is wrong.
        ModelNotFoundError, CheckpointError: the model or encoder to start from is.
        OutputError: the results could not be written; a model already there is as it was.
    """
    torch.set_flush_denormal(True)
    try:
        return _train(config, ontology or load_ontology(), lessons)
    finally:
        torch.set_flush_denormal(False)  # it is the whole process's


def _train(config: TrainConfig, ontology: Ontology, lessons: Lessons | None) -> TrainingReport:
    started = time.monotonic()
    corpus = read_corpus(config.corpus, ontology)
    replay = read_corpus((config.replay,), ontology) if config.replay is not None else []
    dev = read_corpus((config.dev,), ontology, split="dev") if config.dev is not None else []
    refuse_overlap([*corpus, *replay], dev)
    documents = unique([*corpus, *replay])
    replayed = documents[len(corpus) :]
    trainer = _Trainer(config, ontology, start_from(config, ontology), lessons)
    trainer.warn_of_seen(dev)
    data = describe(config, documents, dev)
    check_replaceable(config.output / "model", marker=LABELS)
    write_text(config.output / "config.json", json.dumps(config.to_dict(), indent=2, ensure_ascii=False))
    cross_validation = None
    if not dev and config.folds and lessons is None:
        cross_validation = trainer.cross_validate(corpus, replay)
    trained = trainer.fit(corpus, config.output / "run", replayed=replayed, dev=dev)
    settings = replace(trainer.start.settings, version=datetime.now(UTC).date().isoformat())
    report = TrainingReport(
        model=config.output / "model",
        config=config,
        corpus=data,
        already_seen=trainer.n_seen(documents),
        unrepresentable=trained.unrepresentable,
        history=trained.history,
        seconds=0.0,
        cross_validation=cross_validation,
        started_from=trainer.start.name,
        sources=outlets(documents),
        pretraining=trainer.start.pretraining,
        lessons=trainer.lesson_facts,
    )
    with whole_folder(report.model, marker=LABELS) as folder:
        tokenizer = trainer.start.tokenizer
        save_network(trained.model, trained.labels, settings, tokenizer=tokenizer, folder=folder)
        (folder / ONTOLOGY).write_text(ontology.to_json(), encoding="utf-8")
        write_int8_encoder(trained.model, folder / "encoder.int8.onnx", trained.batches.calibration())
        write_roles(trained.model, folder / "roles.onnx")
        settings = choose_biases(folder, dev) if dev else settings
        report = replace(report, calibration=calibrate_model(folder, dev) if dev else None)
        scores = _measure(folder, dev or corpus, seed=config.seed)
        seconds = time.monotonic() - started
        report = replace(report, seconds=seconds, dev=scores if dev else None, fit=None if dev else scores)
        seen = sorted(trainer.start.seen | set(map(text_hash, documents)))
        text = json.dumps(report.to_dict() | {"seen": seen}, indent=1, ensure_ascii=False)
        (folder / REPORT).write_text(text + "\n", encoding="utf-8")
        write_card(folder, settings, report.to_dict())
    write_text(config.output / "report.txt", report.to_text())
    return report


def choose_biases(folder: Path, dev: Sequence[Document]) -> Settings:
    """Find the biases on `O` that balance precision and recall on dev: of mentions, then of roles.

    The finished graphs are what reads, as for users. The result is written to the folder.
    """
    engine, tokenizer, labels = (
        load_engine(folder, FINAL_ENGINE),
        load_words_tokenizer(folder),
        load_labels(folder),
    )

    def scores(settings: Settings) -> Mapping[str, float]:
        return _watch(Extractor(engine, tokenizer, labels, settings), dev)

    settings = load_settings(folder)
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
    settings = replace(settings, role_outside_bias=max(BIASES, key=lambda bias: roles[bias]["AC+"]))
    save_settings(folder, settings)
    return settings


def calibrate_model(folder: Path, dev: Sequence[Document]) -> dict[str, dict[str, float]]:
    """Fit calibrators on what a finished model finds in dev, and write them into its settings.

    Returns:
        By kind of span: the number `n` of spans found in dev, and the expected calibration error of their
        scores, from 0 to 1, `before` and `after`, the latter cross-validated over the documents of dev.
    """
    model = Extractor.from_pretrained(folder, engine=FINAL_ENGINE, enrich=False)
    settings = replace(model.settings, calibrators={})  # what is calibrated is the network's own scores
    reader = Extractor(model.engine, model.tokenizer, model.labels, settings)
    pairs = list(zip(dev, reader.extract_many(_unread(dev)), strict=True))
    save_settings(folder, replace(settings, calibrators=fit_calibrators(pairs)))
    before, after = measure_reliability(pairs), measure_reliability(cross_validate(pairs))
    return {
        kind: {"n": found.n, "before": found.error, "after": after[kind].error}
        for kind, found in before.items()
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class _Trained:
    """One trained network with its labels, the batches it learnt from, and how it went."""

    model: EventModel
    labels: Labels
    batches: Batches
    history: History
    unrepresentable: Mapping[str, int]


class _Trainer:
    """Trains networks from one start under one configuration."""

    def __init__(
        self, config: TrainConfig, ontology: Ontology, start: Start, lessons: Lessons | None
    ) -> None:
        self.config, self.ontology, self.start, self.lessons = config, ontology, start, lessons
        self.lesson_facts = None if lessons is None else lessons.describe()

    def fit(
        self,
        corpus: Sequence[Document],
        folder: Path,
        *,
        replayed: Sequence[Document] = (),
        dev: Sequence[Document] = (),
    ) -> _Trained:
        """Train one network on documents; with a dev set, keep the weights that score best on it."""
        config, start, lessons = self.config, self.start, self.lessons
        documents = [*corpus, *replayed]
        labels = start.labels(self.ontology, documents)
        dataset, unrepresentable = to_dataset(documents, start.tokenizer, labels)
        again = list(range(len(corpus))) * (config.corpus_repeats - 1)
        shown = [*range(len(documents)), *again]
        rows = list(dataset)
        batches = Batches(
            [documents[number] for number in shown],
            [rows[number] for number in shown],
            labels,
            start.tokenizer,
            config,
        )
        model = start.make()
        mask_id = start.tokenizer.token_to_id("[MASK]")
        hiding = None if mask_id is None else Hiding(mask_id, config.word_dropout, config.mention_dropout)
        n_steps = batches.per_epoch * config.epochs
        if lessons is not None:
            for teacher in lessons.teachers:
                teacher.to(training_device()).eval()

        def batch_of(step: int) -> TrainingBatch:
            batch = batches.at(step)
            return batch if lessons is None else batch._replace(lesson=lessons.at(step))

        def loss_of(batch: TrainingBatch) -> Tensor:
            loss = compute_loss(
                model, batch.annotated, partial=batch.partial, with_predicted=True, hiding=hiding
            )
            if lessons is None or batch.lesson is None:
                return loss
            return loss + distillation_loss(model, lessons.teachers, batch.lesson, hiding=hiding)

        history = fit(
            model,
            loss_of,
            batch_of,
            groups=parameter_groups(model, config),
            config=LoopConfig(
                n_steps=n_steps,
                identity=self._identity([*documents, *dev]),
                average_decay=config.average_decay or None,
                seed=config.seed,
                precision=config.precision,
                time_budget_s=None if config.time_budget_minutes is None else 60 * config.time_budget_minutes,
                evaluate_every=max(1, n_steps // EVALUATIONS_A_RUN) if dev else None,
                patience=config.patience,
            ),
            folder=folder,
            evaluate=(lambda: _watch(self._extractor(model, labels, start.settings), dev)) if dev else None,
        )
        return _Trained(
            model=model, labels=labels, batches=batches, history=history, unrepresentable=unrepresentable
        )

    def cross_validate(self, corpus: Sequence[Document], replay: Sequence[Document]) -> Evaluation:
        """Train on all blocks but one, predict that one, for each; score all predictions together."""
        blocks = make_blocks(corpus, self.config.folds)
        in_corpus = set(map(text_hash, corpus))
        others = [document for document in replay if text_hash(document) not in in_corpus]
        gold: list[Document] = []
        predicted: list[Document] = []
        given: list[Document] = []
        for number, held_out in enumerate(blocks):
            rest = [document for other in blocks if other is not held_out for document in other]
            folder = self.config.output / "cross-validation" / f"fold-{number + 1}"
            trained = self.fit(rest, folder, replayed=others)
            extractor = self._extractor(trained.model, trained.labels, self.start.settings)
            gold += held_out
            predicted += extractor.extract_many(_unread(held_out))
            given += extractor.extract_arguments(held_out)
        return evaluate(gold, predicted, with_gold_triggers=given, seed=self.config.seed)

    def n_seen(self, documents: Sequence[Document]) -> int:
        """How many of the documents the starting model was trained on."""
        return len(self.start.seen & set(map(text_hash, documents)))

    def warn_of_seen(self, dev: Sequence[Document]) -> None:
        if n_seen := self.n_seen(dev):
            logger.warning(
                "the starting model was trained on %d of the %d dev documents: scores on them flatter it",
                n_seen,
                len(dev),
            )

    def _extractor(self, model: EventModel, labels: Labels, settings: Settings) -> Extractor:
        return Extractor(TorchEngine(model), self.start.tokenizer, labels, settings)

    def _identity(self, documents: Sequence[Document]) -> str:
        """What a run's result depends on: its data, where it starts, and most of its configuration."""
        values = {key: value for key, value in self.config.to_dict().items() if key not in NOT_IDENTIFYING}
        data = hashlib.sha256("\n".join(document.to_json() for document in documents).encode()).hexdigest()
        parts: list[Any] = [values, self.start.weights, data, self.ontology.fingerprint]
        if self.lesson_facts is not None:
            parts.append(self.lesson_facts["sha256"])
        return json.dumps(parts, sort_keys=True)


def _watch(extractor: Extractor, dev: Sequence[Document]) -> Mapping[str, float]:
    """What training watches, in percent; `score` is the mean of the three that users feel most."""
    evaluation = evaluate(dev, list(extractor.extract_many(_unread(dev))), n_resamples=1)
    events = evaluation.events.scores
    watched = {"entities": evaluation.entity_score.f1, "TC": events["TC"].f1, "AC+": events["AC+"].f1}
    percent = {name: 100 * value for name, value in watched.items()}
    return percent | {"score": sum(percent.values()) / len(percent)}


def _measure(folder: Path, gold: Sequence[Document], *, seed: int) -> Evaluation:
    """Score the finished folder as users run it: the int8 graphs, end to end from raw text."""
    extractor = Extractor.from_pretrained(folder, engine=FINAL_ENGINE, enrich=False)
    return evaluate(
        gold,
        list(extractor.extract_many(_unread(gold))),
        with_gold_triggers=list(extractor.extract_arguments(gold)),
        seed=seed,
    )


def _unread(documents: Sequence[Document]) -> list[Document]:
    """The same texts without annotation; the sentences are found anew, as for any text."""
    return [Document(text=document.text, id=document.id) for document in documents]


def write_text(path: Path, text: str) -> None:
    """Write a small report, whole or not at all.

    Raises:
        OutputError: it could not be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}; choose another folder") from error
    with open_whole(path) as file:
        file.write(f"{text}\n".encode())
