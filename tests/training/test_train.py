"""Fine-tuning: from a configuration to a run's folder with reports and a model that extracts."""

import json
import shutil
from dataclasses import replace
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from libyaevents.calibrators import Calibrator
from libyaevents.catalog import model_folder
from libyaevents.checkpoint import load_labels, load_network, load_settings, save_settings
from libyaevents.documents import Argument, Document, Entity, Event, Trigger
from libyaevents.errors import (
    CheckpointError,
    ConfigError,
    CorpusError,
    MissingFileError,
    ModelNotFoundError,
    OutputError,
)
from libyaevents.extractor import Extractor
from libyaevents.formats.jsonl import write_documents
from libyaevents.ontology import load_ontology
from libyaevents.training import train as module
from libyaevents.training.batches import Lessons
from libyaevents.training.config import TrainConfig
from libyaevents.training.corpus import text_hash
from libyaevents.training.finetune import compute_loss, distillation_loss
from libyaevents.training.report import TrainingReport
from libyaevents.training.start import start_from
from libyaevents.training.train import calibrate_model, train

PLACES = ("سرت", "طرابلس", "مصراتة", "بنغازي", "درنة", "الجفرة")


def _bombed(place: str, *, topic: bool = False) -> Document:
    """An annotated article of two sentences."""
    text = f"قصفت طائرات مسيرة {place} فجر الجمعة. وقال مصدر عسكري إن عشرة قتلوا في {place}."

    def mention(word: str, start: int = 0) -> dict[str, Any]:
        start = text.index(word, start)
        return {"start": start, "end": start + len(word), "text": word}

    second = text.index("وقال")
    first_place, last_place = mention(place), mention(place, second)
    strike = Event(
        id="E1",
        type="AirStrike",
        trigger=Trigger(**mention("قصفت")),
        arguments=(Argument(role="Topic" if topic else "Place", **first_place),),
    )
    kill = Event(
        id="E2",
        type="Kill",
        trigger=Trigger(**mention("قتلوا")),
        arguments=(Argument(role="Place", **last_place), Argument(role="Source", **mention("مصدر عسكري"))),
    )
    entities = (
        Entity(id="T1", label="GPE", **first_place),
        Entity(id="T2", label="DATE", **mention("الجمعة")),
        Entity(id="T3", label="GPE", **last_place),
    )
    return Document(id=place, text=text, source="وكالة", entities=entities, events=(strike, kill))


@pytest.fixture
def corpus(tmp_path: Path) -> str:
    """A file of four annotated articles."""
    write_documents(map(_bombed, PLACES[:4]), tmp_path / "corpus.jsonl")
    return str(tmp_path / "corpus.jsonl")


@pytest.fixture
def dev(tmp_path: Path) -> str:
    """A file of two more."""
    write_documents(map(_bombed, PLACES[4:]), tmp_path / "dev.jsonl")
    return str(tmp_path / "dev.jsonl")


@pytest.fixture
def quick_graphs(monkeypatch: pytest.MonkeyPatch, tiny_model: Path) -> None:
    """Graphs of the tiny model in place of exported ones, for runs that do not test them."""

    def copy(name: str) -> Any:
        return lambda _model, path, *_calibration: shutil.copy(tiny_model / name, path)

    monkeypatch.setattr(module, "write_int8_encoder", copy("encoder.int8.onnx"))
    monkeypatch.setattr(module, "write_roles", copy("roles.onnx"))


def _config(folder: Path, encoder: Path | None, **values: Any) -> TrainConfig:
    """A short run."""
    defaults = {
        "encoder": None if encoder is None else str(encoder),
        "output": folder / "run",
        "name": "mine",
        "epochs": 1,
        "folds": 0,
        "max_subwords": 64,
        "role_size": 64,
        "encoder_learning_rate": 1e-3,
        "head_learning_rate": 1e-2,
    }
    return TrainConfig(**(defaults | values))


@pytest.fixture(scope="module")
def packaged_run(tmp_path_factory: pytest.TempPathFactory, tiny_encoder: Path) -> TrainingReport:
    """A whole run on the packaged article, cross-validated, with graphs of its own."""
    folder = tmp_path_factory.mktemp("article")
    config = _config(folder, tiny_encoder, epochs=2, folds=2, data=("one annotated article",))
    return train(config)


def _saved_report(report: TrainingReport) -> dict[str, Any]:
    saved: dict[str, Any] = json.loads((report.model / "training_report.json").read_text(encoding="utf-8"))
    return saved


def _weights(report: TrainingReport) -> dict[str, torch.Tensor]:
    return load_file(report.model / "model.safetensors")


def _assert_equal(found: TrainingReport, expected: TrainingReport) -> None:
    ours, theirs = _weights(found), _weights(expected)
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)


# A whole run


def test_run_directory(packaged_run: TrainingReport) -> None:
    """A run leaves its report, its resume states, and a complete model."""
    output = packaged_run.config.output
    names = {path.name for path in output.iterdir()}
    assert {"model", "report.txt", "run", "cross-validation"} <= names
    assert packaged_run.model == output / "model"
    assert sorted(path.name for path in packaged_run.model.iterdir()) == [
        "README.md",
        "config.json",
        "encoder.int8.onnx",
        "labels.json",
        "model.safetensors",
        "ontology.json",
        "roles.onnx",
        "tokenizer.json",
        "training_report.json",
    ]
    assert not list(packaged_run.model.rglob("*.pt"))


def test_trained_model_extracts(packaged_run: TrainingReport, article: Document) -> None:
    """The model is loaded like any other, by either engine, and gives a document."""
    assert model_folder(packaged_run.model) == packaged_run.model
    for engine in ("onnx", "torch"):
        extractor = Extractor.from_pretrained(packaged_run.model, engine=engine, n_threads=1)
        found = extractor.extract(article.text)
        assert found.text == article.text
        assert found.metadata["model"].startswith("mine 20")


def test_settings_of_the_model(packaged_run: TrainingReport) -> None:
    """A model from an encoder has the configured name and shape."""
    settings = load_settings(packaged_run.model)
    assert (settings.name, settings.role_size, settings.pooling) == ("mine", 64, "mean")
    assert settings.max_subwords == 64


def test_report_of_the_run(packaged_run: TrainingReport, article: Document) -> None:
    """The report has configuration, data with sizes, course of the loss, versions, seconds and scores."""
    report = _saved_report(packaged_run)
    assert report["config"] == packaged_run.config.to_dict()
    assert report["corpus"]["documents"] == 1
    assert report["corpus"]["events"] == len(article.events)
    assert report["seen"] == [text_hash(article)]
    assert report["already_seen"] == 0
    assert report["sources"] == [article.source]
    assert report["unrepresentable"] == {"n_gold": 248}
    assert (report["steps"], report["stopped_by"]) == (packaged_run.history.step, "steps")
    assert report["losses"][-1][0] == report["steps"]
    assert report["seconds"] > 0
    assert {"python", "torch", "transformers", "libyaevents"} <= report["versions"].keys()
    assert "dev" not in report
    for name in ("cross_validation", "fit"):
        assert 0 <= report[name]["events"]["scores"]["TC"]["f1"] <= 1
        assert report[name]["events_with_gold_triggers"] is not None


def test_text_of_the_report(packaged_run: TrainingReport) -> None:
    """The printed report names what each table was measured on, and is kept beside the model."""
    text = packaged_run.to_text()
    assert (packaged_run.config.output / "report.txt").read_text(encoding="utf-8") == text + "\n"
    validated = text.index("== Cross-validated over 2 blocks of the corpus ==")
    assert validated < text.index("== Fit on the text that was trained on (not a measure of quality) ==")
    assert "precision" in text
    assert "Note:" not in text


def test_every_fold_is_trained(packaged_run: TrainingReport) -> None:
    """Cross-validation trains a network for each block, and scores all blocks together once."""
    folder = packaged_run.config.output / "cross-validation"
    assert sorted(path.name for path in folder.iterdir()) == ["fold-1", "fold-2"]
    assert packaged_run.cross_validation is not None
    assert packaged_run.cross_validation.n_documents == 2
    gold = packaged_run.cross_validation.events.scores["TC"].n_gold
    assert gold == packaged_run.corpus["events"]


def test_finished_run_started_again(quick_graphs: None, packaged_run: TrainingReport, tmp_path: Path) -> None:
    """A finished run that is started again trains nothing and gives the same model."""
    before = _weights(packaged_run)
    output = shutil.copytree(packaged_run.config.output, tmp_path / "again")
    again = train(replace(packaged_run.config, output=output))
    assert again.history.losses == packaged_run.history.losses
    assert all(torch.equal(value, before[name]) for name, value in _weights(again).items())
    assert again.cross_validation == packaged_run.cross_validation


# Taught by other models


def test_lessons_bring_a_model_nearer_to_its_teacher(
    quick_graphs: None, tmp_path: Path, tiny_encoder: Path, corpus: str, article: Document
) -> None:
    """With lessons the same run ends nearer to the teacher, whose weights stay, and writes a whole model."""
    start = start_from(_config(tmp_path, tiny_encoder), load_ontology())
    labels = start.labels(load_ontology(), [])
    torch.manual_seed(7)
    teacher = start.make().eval()
    with torch.no_grad():
        teacher.entities.weight.normal_(0, 0.3)
    weights = {name: value.clone() for name, value in teacher.state_dict().items()}
    lessons = Lessons.of([article.text], [teacher], labels, start.tokenizer, max_subwords=64, batch_size=4)

    def distance(report: TrainingReport) -> float:
        with torch.no_grad():
            return float(distillation_loss(load_network(report.model), [teacher], lessons.at(0)))

    values: dict[str, Any] = {"corpus": (corpus,), "epochs": 4}
    alone = train(_config(tmp_path / "alone", tiny_encoder, **values))
    taught = train(_config(tmp_path / "taught", tiny_encoder, **values), lessons=lessons)
    assert taught.history.step == alone.history.step
    assert distance(taught) < 0.9 * distance(alone)
    assert Extractor.from_pretrained(taught.model, engine="torch").extract(article.text).text == article.text
    assert all(torch.equal(value, weights[name]) for name, value in teacher.state_dict().items())
    assert not teacher.training
    assert (alone.lessons, taught.lessons) == (None, lessons.describe())
    assert _saved_report(taught)["lessons"]["windows"] == len(lessons.examples)
    card = (taught.model / "README.md").read_text(encoding="utf-8")
    assert f"- taught by 1 models, on {lessons.describe()['subwords']:,} subwords of text" in card


def test_lessons_of_other_teachers_resume_nothing(
    quick_graphs: None, tmp_path: Path, tiny_encoder: Path, corpus: str, article: Document
) -> None:
    """A finished run is not taken for that of other teachers; nothing is cross-validated beside teachers."""
    config = _config(tmp_path, tiny_encoder, corpus=(corpus,), folds=2)
    start = start_from(config, load_ontology())
    labels = start.labels(load_ontology(), [])
    make = partial(
        Lessons.of, [article.text], labels=labels, tokenizer=start.tokenizer, max_subwords=64, batch_size=4
    )
    first, other = start.make().train(), start.make()
    report = train(config, lessons=make([first]))
    assert report.cross_validation is None
    assert train(config, lessons=make([first])).history.losses == report.history.losses
    with torch.no_grad():
        other.entities.bias.add_(1)
    with pytest.raises(ConfigError, match="another configuration"):
        train(config, lessons=make([other]))


# Resuming


@pytest.mark.parametrize("stop", [1, 6])
def test_interrupted_run(
    monkeypatch: pytest.MonkeyPatch,
    quick_graphs: None,
    tmp_path: Path,
    tiny_encoder: Path,
    corpus: str,
    stop: int,
) -> None:
    """A run that was cut, in a fold or at the end, goes on to the same model as one that was not."""
    monkeypatch.setattr("libyaevents.training.loop.SAVE_EVERY_S", -1.0)
    options = {"corpus": (corpus,), "folds": 2, "batch_size": 1}
    whole = train(_config(tmp_path / "whole", tiny_encoder, **options))
    parted = _config(tmp_path / "parted", tiny_encoder, **options)
    calls = count()

    def fail(*arguments: Any, **keywords: Any) -> torch.Tensor:
        if next(calls) == stop:
            raise KeyboardInterrupt
        return compute_loss(*arguments, **keywords)

    with monkeypatch.context() as patch:
        patch.setattr(module, "compute_loss", fail)
        with pytest.raises(KeyboardInterrupt):
            train(parted)
    assert not (parted.output / "model").exists()
    resumed = train(parted)
    _assert_equal(resumed, whole)
    assert resumed.cross_validation == whole.cross_validation
    assert resumed.history.losses == whole.history.losses


def test_same_seed_same_model(quick_graphs: None, tmp_path: Path, tiny_encoder: Path, corpus: str) -> None:
    """Two runs of one configuration give one model; another seed gives another."""
    first, second = (train(_config(tmp_path / name, tiny_encoder, corpus=(corpus,))) for name in "12")
    _assert_equal(second, first)
    other = train(_config(tmp_path / "3", tiny_encoder, corpus=(corpus,), seed=1))
    assert not torch.equal(_weights(other)["entities.weight"], _weights(first)["entities.weight"])


def test_other_run_in_the_folder(quick_graphs: None, tmp_path: Path, tiny_encoder: Path, corpus: str) -> None:
    """A folder with the state of a run of another configuration is refused; its model stays."""
    report = train(_config(tmp_path, tiny_encoder, corpus=(corpus,)))
    before = _weights(report)
    with pytest.raises(ConfigError, match=r"resume\.pt belongs to a run of another configuration"):
        train(_config(tmp_path, tiny_encoder, corpus=(corpus,), head_learning_rate=0.5))
    assert all(torch.equal(value, before[name]) for name, value in _weights(report).items())


# From a model


def test_training_on_what_was_seen(
    quick_graphs: None, tmp_path: Path, tiny_model: Path, article: Document
) -> None:
    """Starting from a model that has read the corpus before, the report says that its scores flatter."""
    report = train(_config(tmp_path, None, init=str(tiny_model), folds=2))
    assert report.already_seen == 1
    assert "itself trained on 1 of these documents" in report.to_text()
    assert _saved_report(report)["already_seen"] == 1


def test_going_on_from_a_model(
    quick_graphs: None, tmp_path: Path, tiny_model: Path, corpus: str, article: Document
) -> None:
    """A model goes on from its own weights and shape, remembers what it saw, and keeps what it admits."""
    config = _config(
        tmp_path,
        None,
        init=str(tiny_model),
        corpus=(corpus,),
        pooling="max",
        role_size=128,
        encoder_learning_rate=0.0,
        head_learning_rate=0.0,
    )
    report = train(config)
    settings = load_settings(report.model)
    assert (settings.pooling, settings.role_size) == ("mean", 64)
    before = load_file(tiny_model / "model.safetensors")
    assert all(torch.equal(value, before[name]) for name, value in _weights(report).items())
    saved = _saved_report(report)
    assert set(saved["seen"]) == {text_hash(article), *(text_hash(_bombed(place)) for place in PLACES[:4])}
    assert saved["already_seen"] == 0
    assert load_labels(report.model).admitted >= load_labels(tiny_model).admitted


def test_pairs_seen_twice_are_admitted(quick_graphs: None, tmp_path: Path, tiny_encoder: Path) -> None:
    """A pair of event type and role that the guideline does not call typical is admitted when seen twice."""
    path = tmp_path / "corpus.jsonl"
    write_documents([_bombed(place, topic=True) for place in PLACES[:2]], path)
    report = train(_config(tmp_path, tiny_encoder, corpus=(str(path),)))
    admitted = load_labels(report.model).admitted
    assert ("AirStrike", "Topic") in admitted
    assert ("Kill", "Topic") not in admitted


def test_replay(quick_graphs: None, tmp_path: Path, tiny_model: Path, corpus: str, article: Document) -> None:
    """Replayed articles are trained on beside the corpus, each text once, and never held out."""
    options = {"init": str(tiny_model), "corpus": (corpus,), "replay": "article", "folds": 2}
    report = train(_config(tmp_path, None, **options))
    assert report.corpus["documents"] == 5
    assert report.corpus["events"] == 8 + len(article.events)
    assert report.cross_validation is not None
    assert report.cross_validation.n_documents == 4
    assert report.already_seen == 1
    doubled = train(_config(tmp_path / "2", None, init=str(tiny_model), replay="article"))
    assert doubled.corpus["documents"] == 1


def test_model_of_other_labels(tmp_path: Path, model_copy: Path, corpus: str) -> None:
    """A model of another ontology is refused, and the message says how to start anew."""
    labels = json.loads((model_copy / "labels.json").read_text(encoding="utf-8"))
    labels["events"][0] = "Battle"
    (model_copy / "labels.json").write_text(json.dumps(labels), encoding="utf-8")
    with pytest.raises(ConfigError, match=r"has labels that the ontology lacks \(Battle\): give an ontology"):
        train(_config(tmp_path, None, init=str(model_copy), corpus=(corpus,)))


def test_corpus_repeats(quick_graphs: None, tmp_path: Path, tiny_model: Path, corpus: str) -> None:
    """The corpus is shown more often in an epoch than what is replayed, and is counted once in the report."""
    options = {"init": str(tiny_model), "corpus": (corpus,), "replay": "article", "batch_size": 1}
    once = train(_config(tmp_path / "1", None, **options))
    thrice = train(_config(tmp_path / "3", None, **options, corpus_repeats=3))
    # Each of the four articles is one window; windows of rare event types are shown more often in both runs.
    assert thrice.history.step >= once.history.step + 2 * 4 - 2
    assert thrice.corpus["documents"] == once.corpus["documents"] == 5
    assert thrice.unrepresentable == once.unrepresentable


# With a dev file


def test_dev_chooses(quick_graphs: None, tmp_path: Path, tiny_encoder: Path, corpus: str, dev: str) -> None:
    """With a dev file there are scores on it by step, and neither cross-validation nor fit."""
    report = train(
        _config(tmp_path, tiny_encoder, corpus=(corpus,), dev=dev, epochs=10, batch_size=2, folds=2)
    )
    assert report.cross_validation is None
    assert report.fit is None
    assert report.dev is not None
    assert report.dev.n_documents == 2
    assert len(report.history.scores) == 5
    assert {"score", "entities", "TC", "AC+", "step"} <= report.history.scores[0].keys()
    best = max(entry["score"] for entry in report.history.scores)
    assert report.history.best_score == best
    saved = _saved_report(report)
    assert saved["dev"]["n_documents"] == 2
    assert saved["corpus"]["sha256"].keys() == {"corpus.jsonl", "dev.jsonl"}
    assert "== On the dev file, which chose the epoch and the biases ==" in report.to_text()
    assert saved["calibration"] == report.calibration
    assert "on dev" in (report.model / "README.md").read_text(encoding="utf-8")


def test_something_is_learnt(tmp_path: Path, tiny_encoder: Path, corpus: str, dev: str) -> None:
    """A model trained on four articles reads a fifth one that is like them."""
    config = _config(
        tmp_path,
        tiny_encoder,
        corpus=(corpus,),
        dev=dev,
        epochs=80,
        word_dropout=0.4,
        head_learning_rate=0.02,
        seed=2,
    )
    report = train(config)
    extractor = Extractor.from_pretrained(report.model, engine="torch", n_threads=1)
    found = extractor.extract(_bombed(PLACES[4]).text)
    assert {event.type for event in found.events} == {"AirStrike", "Kill"}
    assert {(entity.label, entity.text) for entity in found.entities} >= {("GPE", "درنة"), ("DATE", "الجمعة")}
    assert report.history.losses[-1][1] < 0.5 * report.history.losses[0][1]


def test_scores_are_calibrated_on_dev(
    quick_graphs: None, tmp_path: Path, tiny_encoder: Path, corpus: str, dev: str
) -> None:
    """With a dev file the model gets calibrators, and reports say what they do; without one it has none."""
    report = train(_config(tmp_path, tiny_encoder, corpus=(corpus,), dev=dev))
    calibrators = load_settings(report.model).calibrators
    assert report.calibration is not None
    assert report.dev is not None
    assert {"entities", "triggers"} <= calibrators.keys() <= report.calibration.keys()
    for kind, found in report.calibration.items():
        assert found["n"] == report.dev.reliability[kind].n
        assert 0 <= found["after"] <= 1
    assert "== Expected calibration error, cross-validated over the dev documents ==" in report.to_text()
    assert "## Calibration of the scores" in (report.model / "README.md").read_text(encoding="utf-8")
    bare = train(_config(tmp_path / "bare", tiny_encoder, corpus=(corpus,)))
    assert load_settings(bare.model).calibrators == {}
    assert bare.calibration is None
    assert "== Expected calibration error" not in bare.to_text()


def test_calibrating_a_finished_model(model_copy: Path, article: Document) -> None:
    """A finished model gets calibrators without training, the same ones again; no other file changes."""
    before = {path.name: path.read_bytes() for path in model_copy.iterdir()}
    halves = [replace(article, id="1"), replace(_bombed(PLACES[0]), id="2")]
    first = calibrate_model(model_copy, halves)
    config = (model_copy / "config.json").read_bytes()
    assert first["entities"]["n"] > 0
    assert load_settings(model_copy).calibrators
    assert calibrate_model(model_copy, halves) == first
    after = {path.name: path.read_bytes() for path in model_copy.iterdir()}
    assert after == before | {"config.json": config}
    assert config != before["config.json"]


def test_patience(quick_graphs: None, tmp_path: Path, tiny_encoder: Path, corpus: str, dev: str) -> None:
    """Without gain on dev, training stops when patience is out."""
    options = {"corpus": (corpus,), "dev": dev, "epochs": 20, "patience": 1, "batch_size": 2}
    rates = {"encoder_learning_rate": 0.0, "head_learning_rate": 0.0}
    report = train(_config(tmp_path, tiny_encoder, **options, **rates))
    assert report.history.stopped_by == "patience"
    assert len(report.history.scores) == 2


@pytest.mark.parametrize("place", ["corpus", "replay"])
def test_dev_that_is_trained_on(tmp_path: Path, tiny_encoder: Path, corpus: str, place: str) -> None:
    """A text both in dev and in what is trained on is refused before anything is written."""
    path = tmp_path / "dev.jsonl"
    write_documents([replace(_bombed(PLACES[0]), id="another"), _bombed(PLACES[5])], path)
    other = {"corpus": ("article",), "replay": corpus} if place == "replay" else {"corpus": (corpus,)}
    config = _config(tmp_path, tiny_encoder, dev=str(path), **other)
    with pytest.raises(ConfigError, match="1 texts are in the corpus and in the dev file"):
        train(config)
    assert not config.output.exists()


# What is refused


def test_missing_corpus(tmp_path: Path, tiny_encoder: Path) -> None:
    """A corpus that is not there is named before anything is written."""
    config = _config(tmp_path, tiny_encoder, corpus=(str(tmp_path / "absent.jsonl"),))
    with pytest.raises(MissingFileError, match=r"absent\.jsonl"):
        train(config)
    assert not config.output.exists()


@pytest.mark.parametrize("content", ["", '{"text": "سرت"}\n', '{"text": " ", "entities": []}\n'])
def test_corpus_with_nothing_to_learn(tmp_path: Path, tiny_encoder: Path, content: str) -> None:
    """A corpus without documents, or without annotation, is refused before anything is written."""
    path = tmp_path / "corpus.jsonl"
    path.write_text(content, encoding="utf-8")
    config = _config(tmp_path, tiny_encoder, corpus=(str(path),))
    with pytest.raises(CorpusError, match=r"corpus\.jsonl"):
        train(config)
    assert not config.output.exists()


def test_start_that_is_not_there(tmp_path: Path, corpus: str) -> None:
    """A starting model or encoder that is not there is named before anything is written."""
    with pytest.raises(ModelNotFoundError, match="no model 'absent'"):
        train(_config(tmp_path, None, init="absent", corpus=(corpus,)))
    (tmp_path / "empty").mkdir()
    with pytest.raises(CheckpointError, match=r"has no config\.json"):
        train(_config(tmp_path, tmp_path / "empty", corpus=(corpus,)))
    assert not (tmp_path / "run").exists()


def test_full_disk(
    monkeypatch: pytest.MonkeyPatch, quick_graphs: None, tmp_path: Path, tiny_encoder: Path, corpus: str
) -> None:
    """A disk that fills up while the model is written leaves the older model whole; the run can go on."""
    config = _config(tmp_path, tiny_encoder, corpus=(corpus,))
    before = _weights(train(config))

    def fail(_model: object, path: Path) -> None:
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(module, "write_roles", fail)
        with pytest.raises(OutputError, match="nothing was changed"):
            train(replace(config, name="other"))
    assert load_settings(config.output / "model").name == "mine"
    assert not [path for path in config.output.iterdir() if path.name.startswith(".")]
    again = train(replace(config, name="other"))
    assert load_settings(again.model).name == "other"
    assert all(torch.equal(value, before[name]) for name, value in _weights(again).items())


def test_corrected_annotation_is_another_run(
    quick_graphs: None, tmp_path: Path, tiny_encoder: Path, corpus: str
) -> None:
    """The same texts under corrected annotation are not taken for the run that was made before."""
    train(_config(tmp_path, tiny_encoder, corpus=(corpus,)))
    write_documents([_bombed(place, topic=True) for place in PLACES[:4]], Path(corpus))
    with pytest.raises(ConfigError, match="another configuration"):
        train(_config(tmp_path, tiny_encoder, corpus=(corpus,)))


def test_other_weights_are_another_run(
    quick_graphs: None, tmp_path: Path, tiny_encoder: Path, corpus: str
) -> None:
    """An encoder of the same name with other weights does not go on with the run made before."""
    encoder = tmp_path / "encoder"
    shutil.copytree(tiny_encoder, encoder)
    train(_config(tmp_path, encoder, corpus=(corpus,)))
    weights = load_file(encoder / "model.safetensors")
    save_file(
        {name: value + 0.01 for name, value in weights.items()},
        encoder / "model.safetensors",
        {"format": "pt"},
    )
    with pytest.raises(ConfigError, match="another configuration"):
        train(_config(tmp_path, encoder, corpus=(corpus,)))


def test_windows_beyond_the_positions(tmp_path: Path, tiny_encoder: Path, corpus: str) -> None:
    """Windows longer than the encoder can read are refused before training starts."""
    with pytest.raises(ConfigError, match="max_subwords is 100000: expected at most"):
        train(_config(tmp_path, tiny_encoder, corpus=(corpus,), max_subwords=100_000))
    assert not (tmp_path / "run").exists()


def test_going_on_keeps_the_biases(quick_graphs: None, tmp_path: Path, model_copy: Path, corpus: str) -> None:
    """Without a dev file to choose on, biases and calibrators stay those of the starting model."""
    calibrators = {"triggers": Calibrator(slope=0.5)}
    own = replace(load_settings(model_copy), trigger_outside_bias=-0.5, calibrators=calibrators)
    save_settings(model_copy, own)
    report = train(_config(tmp_path, None, init=str(model_copy), corpus=(corpus,)))
    settings = load_settings(report.model)
    assert (settings.trigger_outside_bias, settings.calibrators) == (-0.5, calibrators)


def test_dev_that_the_start_has_seen(
    quick_graphs: None,
    tmp_path: Path,
    tiny_encoder: Path,
    corpus: str,
    dev: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A dev file that the starting model was trained on is said, with the number of its documents."""
    first = train(_config(tmp_path, tiny_encoder, corpus=(dev,)))
    again = _config(tmp_path, None, init=str(first.model), corpus=(corpus,), dev=dev)
    train(replace(again, output=tmp_path / "again"))
    assert "was trained on 2 of the 2 dev documents" in caplog.text


def test_training_leaves_the_arithmetic_alone(
    quick_graphs: None, tmp_path: Path, tiny_encoder: Path, corpus: str
) -> None:
    """Tiny numbers are flushed to zero while training, and not after it."""
    train(_config(tmp_path, tiny_encoder, corpus=(corpus,)))
    assert float(torch.tensor(1e-40) * 1) != 0


# Corpora that are hardly any


def _flat(text: str, words: dict[str, tuple[int, int]]) -> Document:
    """A text with one GPE and one Clash, at the given places."""
    (place, at), (trigger, by) = words["place"], words["trigger"]
    return Document(
        id="1",
        text=text,
        entities=(Entity(id="T1", label="GPE", start=place, end=at, text=text[place:at]),),
        events=(Event(id="E1", type="Clash", trigger=Trigger(start=trigger, end=by, text=text[trigger:by])),),
    )


def test_one_document_of_one_class(quick_graphs: None, tmp_path: Path, tiny_encoder: Path) -> None:
    """One article with one entity type and one event type is enough for a model."""
    path = tmp_path / "one.jsonl"
    write_documents([_flat("اشتباكات في سرت", {"trigger": (0, 8), "place": (12, 15)})], path)
    report = train(_config(tmp_path, tiny_encoder, corpus=(str(path),)))
    assert report.fit is not None
    assert report.fit.events.scores["TC"].n_gold == 1
    Extractor.from_pretrained(report.model).extract("اشتباكات في درنة")


def test_endless_sentence(quick_graphs: None, tmp_path: Path, tiny_encoder: Path) -> None:
    """A sentence of 100,000 characters is cut into windows, and its annotation is learnt, none lost."""
    filler = "وقالت مصادر محلية إن الوضع هادئ " * 3125
    text = f"اشتباكات {filler}في سرت"
    assert len(text) > 100_000
    path = tmp_path / "long.jsonl"
    spans = {"trigger": (0, 8), "place": (len(text) - 3, len(text))}
    write_documents([_flat(text, spans)], path)
    report = train(_config(tmp_path, tiny_encoder, corpus=(str(path),), batch_size=64, max_subwords=128))
    assert report.unrepresentable == {"n_gold": 2}
    assert report.history.step > 5


def test_crossing_spans(
    quick_graphs: None, tmp_path: Path, tiny_encoder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Of names that cross each other the longest is learnt; the other is counted and said once."""
    text = "لجنة الحوار الليبي في سرت"
    document = Document(
        id="1",
        text=text,
        entities=(
            Entity(id="T1", label="ORG", start=0, end=11, text=text[:11]),
            Entity(id="T2", label="ORG", start=5, end=18, text=text[5:18]),
        ),
        events=(),
    )
    path = tmp_path / "crossing.jsonl"
    write_documents([document], path)
    report = train(_config(tmp_path, tiny_encoder, corpus=(str(path),)))
    assert report.unrepresentable == {"n_gold": 2, "spans that overlap another of their sequence": 1}
    messages = [record.getMessage() for record in caplog.records if "cannot be learnt" in record.message]
    assert messages == [
        "1 of 2 gold spans (50.00 %) cannot be learnt: 1 spans that overlap another of their sequence"
    ]
