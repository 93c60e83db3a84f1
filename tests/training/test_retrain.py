"""Retraining: what is accepted and what rejected, what stays untouched, and what is left after a kill."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from libyaevents.calibrators import Calibrator
from libyaevents.catalog import model_folder
from libyaevents.checkpoint import load_labels, load_settings, save_settings
from libyaevents.cli import main
from libyaevents.documents import Document, Entity, Event, Trigger
from libyaevents.errors import ConfigError, CorpusError, LabelError, ModelNotFoundError
from libyaevents.evaluation import evaluate
from libyaevents.extractor import Extractor
from libyaevents.formats.jsonl import read_documents, write_documents
from libyaevents.ontology import EntityType, load_ontology
from libyaevents.training import retrain as module
from libyaevents.training.config import RetrainConfig
from libyaevents.training.retrain import retrain
from libyaevents.training.retrain_page import to_page

PLACES = ("سرت", "درنة", "هون", "غات", "نالوت", "يفرن", "مزدة", "ودان", "براك", "أوباري")


def _shelled(place: str, *, label: str = "GPE") -> Document:
    """An annotated article of one sentence."""
    text = f"قصفت المدفعية {place} فجر الجمعة."
    start = text.index(place)
    return Document(
        id=f"about {place}",
        text=text,
        entities=(Entity(id="T1", label=label, start=start, end=start + len(place), text=place),),
        events=(Event(id="E1", type="Shelling", trigger=Trigger(start=0, end=4, text=text[:4])),),
    )


@pytest.fixture
def added(tmp_path: Path) -> str:
    """A file of two new articles."""
    write_documents(map(_shelled, PLACES[:2]), tmp_path / "new.jsonl")
    return str(tmp_path / "new.jsonl")


@pytest.fixture
def probe(tmp_path: Path) -> str:
    """A file of eight articles to judge by."""
    write_documents(map(_shelled, PLACES[2:]), tmp_path / "probe.jsonl")
    return str(tmp_path / "probe.jsonl")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch, tiny_model: Path) -> None:
    """Replay one article, and take the tiny model's graphs in place of exported ones."""

    def copy(name: str) -> Any:
        return lambda _model, path, *_calibration: shutil.copy(tiny_model / name, path)

    monkeypatch.setattr(module, "PACKAGED", ("article",))
    monkeypatch.setattr("libyaevents.training.train.write_int8_encoder", copy("encoder.int8.onnx"))
    monkeypatch.setattr("libyaevents.training.train.write_roles", copy("roles.onnx"))


@pytest.fixture
def config(tmp_path: Path, tiny_model: Path, added: str, probe: str) -> RetrainConfig:
    """A short retraining of the tiny model."""
    return RetrainConfig(
        add=(added,), init=str(tiny_model), output=tmp_path / "run", probe=probe, name="mine", passes=2
    )


@pytest.fixture
def forgetful(monkeypatch: pytest.MonkeyPatch, tiny_model: Path) -> None:
    """Let the old model read all that is annotated, and the new one nothing."""

    def read(model: Path, *groups: Sequence[Document]) -> tuple[list[Document], ...]:
        if model == tiny_model:
            return tuple(list(group) for group in groups)
        return tuple([replace(document, entities=(), events=()) for document in group] for group in groups)

    monkeypatch.setattr(module, "_read", read)


def _files(folder: Path) -> dict[str, bytes]:
    """Every file beneath a folder with what it holds."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


# What is accepted


def test_accepted_model(config: RetrainConfig, tiny_model: Path) -> None:
    """Where nothing dropped the model takes its place, beside the report; the old one is untouched."""
    before = _files(tiny_model)
    report = retrain(config)
    assert report.is_accepted
    assert report.model == config.output / "model"
    assert not (config.output / "candidate" / "model").exists()
    assert Extractor.from_pretrained(report.model).extract(_shelled("سرت").text).text
    assert _files(tiny_model) == before
    saved = json.loads((config.output / "report.json").read_text(encoding="utf-8"))
    assert (saved["is_accepted"], saved["verdict"]) == (True, "Accepted: nothing dropped on the probe.")
    assert saved["config"]["add"] == ["new.jsonl"]
    assert saved["added"]["documents"] == 2
    assert saved["replayed"]["documents"] == 1
    assert saved["probe_sha256"] == report.probe_sha256
    assert {change["name"] for change in saved["changes"]} == {"entities", "TC", "GPE", "Shelling"}
    assert (config.output / "report.md").read_text(encoding="utf-8") == report.to_markdown() + "\n"


def test_what_the_model_remembers(config: RetrainConfig, tiny_model: Path) -> None:
    """The model knows the texts that it has seen, old and new, and says where its data is from."""
    retrain(config)
    old, new = (
        json.loads((folder / "training_report.json").read_text(encoding="utf-8"))
        for folder in (tiny_model, config.output / "model")
    )
    assert set(old["seen"]) < set(new["seen"])
    assert new["config"]["data"] == [*old["config"]["data"], "Added in retraining: new.jsonl"]


def test_settings_stay(config: RetrainConfig, model_copy: Path) -> None:
    """Biases, calibrators and the length of windows stay those of the starting model."""
    own = replace(
        load_settings(model_copy), entity_outside_bias=0.5, calibrators={"triggers": Calibrator(slope=0.5)}
    )
    save_settings(model_copy, own)
    found = load_settings(retrain(replace(config, init=str(model_copy))).model)
    assert replace(found, name=own.name, version=own.version) == own


def test_earlier_additions_are_replayed(config: RetrainConfig, tmp_path: Path) -> None:
    """What was added before is trained on again, but for a text that is added or probed now."""
    write_documents(map(_shelled, (*PLACES[:3], "تراغن")), tmp_path / "earlier.jsonl")
    report = retrain(replace(config, replay=(str(tmp_path / "earlier.jsonl"),)))
    replayed = list(read_documents(config.output / "candidate" / "replay.jsonl"))
    assert [document.id for document in replayed][:1] == ["about تراغن"]
    assert report.replayed["documents"] == len(replayed) == 2


def test_passes(config: RetrainConfig) -> None:
    """New articles are read sixteen times, many of them less often, and as often as one says."""
    assert module._n_passes([_shelled("سرت")] * 20) == 16
    assert module._n_passes([replace(_shelled("سرت"), text="كلمة " * 20_000, entities=(), events=())]) == 10
    assert retrain(replace(config, passes=None)).config.passes == 16


# What is rejected


def test_rejected_model(forgetful: None, config: RetrainConfig, tiny_model: Path) -> None:
    """Where classes dropped, the model stays a candidate, and models that were there stay as they were."""
    earlier = config.output / "model"
    shutil.copytree(tiny_model, earlier)
    before = _files(earlier)
    report = retrain(config)
    assert not report.is_accepted
    assert {change.name for change in report.dropped} == {"entities", "TC", "GPE", "Shelling"}
    assert report.model == config.output / "candidate" / "model"
    assert load_settings(report.model).name == "mine"
    assert _files(earlier) == before
    assert "Rejected: entities overall, TC overall, GPE, Shelling dropped" in report.to_text()
    assert "**dropped**" in (config.output / "report.md").read_text(encoding="utf-8")


def test_force(forgetful: None, config: RetrainConfig, caplog: pytest.LogCaptureFixture) -> None:
    """With force, the rejected model is accepted without being trained again, and the report says so."""
    caplog.set_level("INFO", "libyaevents")
    retrain(config)
    assert not (config.output / "model").exists()
    report = retrain(replace(config, force=True))
    assert report.is_accepted
    assert "resumed" in caplog.text
    assert load_settings(config.output / "model").name == "mine"
    assert report.verdict.startswith("Accepted by force, though entities overall, TC overall")


def test_contradictions_are_rejected(
    forgetful: None,
    config: RetrainConfig,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Swapped labels are said before training and reject the model, whatever the probe shows."""
    monkeypatch.setattr(module, "compare", lambda *_documents, **_options: [])
    swapped = [_shelled(place, label="PERSON") for place in PLACES]
    write_documents(swapped, tmp_path / "swapped.jsonl")
    monkeypatch.setattr(
        module,
        "_read",
        lambda _model, probe, _added: (list(probe), [_shelled(place) for place in PLACES]),
    )
    other = tmp_path / "other.jsonl"
    write_documents(map(_shelled, ("تراغن", "سمنو", "تمسة", "زلة", "سوكنة")), other)
    report = retrain(replace(config, add=(str(tmp_path / "swapped.jsonl"),), probe=str(other)))
    assert not report.is_accepted
    assert report.contradictions == ("of 10 words read as GPE, 10 are PERSON",)
    assert "will be rejected: of 10 words read as GPE, 10 are PERSON" in caplog.text
    assert report.verdict == "Rejected: the annotation contradicts what the model knew throughout."


def test_exit_codes(
    forgetful: None, config: RetrainConfig, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """The command exits with 3 where the model was rejected, 0 by force, 2 where a file is wrong."""
    arguments = ["retrain", "--add", *config.add, "--from", str(config.init), "--out", str(config.output)]
    arguments += ["--probe", str(config.probe), "--passes", "2"]
    assert main(arguments) == 3
    assert "Rejected:" in capsys.readouterr().out
    assert main([*arguments, "--force"]) == 0
    assert "Accepted by force" in capsys.readouterr().out
    (tmp_path / "new.jsonl").write_text('{"txt": "سرت"}\n{"text": 1}\nسرت\n', encoding="utf-8")
    assert main(arguments) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert [f"new.jsonl:{number}: " in line for number in (1, 2, 3)] == [True] * 3


# What is refused before anything is written


def test_output_in_a_model(config: RetrainConfig, model_copy: Path) -> None:
    """The starting model and shipped ones are no place for the output, nor is a folder inside them."""
    start = str(model_copy)
    (model_copy.parent / "run").mkdir()
    moved = Path(shutil.move(start, model_copy.parent / "run" / "model"))
    for init, output in (
        (moved, moved),
        (moved, moved.parent),
        (moved, moved / "again"),
        (moved, model_folder("compact")),
        (moved, model_folder("compact") / "mine"),
    ):
        before = _files(output) if output.exists() else None
        with pytest.raises(ConfigError, match="give another folder"):
            retrain(replace(config, init=str(init), output=output))
        assert (_files(output) if output.exists() else None) == before


def test_what_is_absent_or_wrong(config: RetrainConfig, tmp_path: Path, added: str) -> None:
    """An absent model, a text of the probe, an unknown label: all are said before anything is written."""
    with pytest.raises(ModelNotFoundError, match="absent"):
        retrain(replace(config, init="absent"))
    with pytest.raises(CorpusError, match="not in the probe"):
        retrain(replace(config, add=(added, str(config.probe))))
    write_documents([_shelled("سرت", label="VILLAGE")], tmp_path / "unknown.jsonl")
    with pytest.raises(LabelError, match=r"unknown entity type 'VILLAGE'.*--ontology"):
        retrain(replace(config, add=(str(tmp_path / "unknown.jsonl"),)))
    with pytest.raises(ConfigError, match="add is empty"):
        RetrainConfig(add=())
    assert not config.output.exists()


# New labels


def test_new_label(
    monkeypatch: pytest.MonkeyPatch, config: RetrainConfig, tmp_path: Path, tiny_model: Path
) -> None:
    """A label of one's own ontology is learnt beside the others, and the ontology goes with the model."""
    known = load_ontology()
    village = EntityType(name="VILLAGE", definition="A place with fewer people than a town.")
    ontology = replace(known, entity_types=(village, *known.entity_types))
    (tmp_path / "mine.json").write_text(ontology.to_json(), encoding="utf-8")
    write_documents([_shelled("سرت", label="VILLAGE")], tmp_path / "village.jsonl")
    monkeypatch.setattr(module, "_read", lambda _model, *groups: tuple(map(list, groups)))
    monkeypatch.setattr(
        "libyaevents.training.train._measure", lambda _folder, gold, **_: evaluate(gold, gold)
    )
    report = retrain(replace(config, add=(str(tmp_path / "village.jsonl"),), ontology=tmp_path / "mine.json"))
    assert report.new_labels == ("VILLAGE",)
    assert "New labels: VILLAGE; the probe cannot judge them" in report.to_markdown()
    labels = load_labels(report.model)
    assert labels.entities == ("VILLAGE", *load_labels(tiny_model).entities)
    assert load_ontology(report.model / "ontology.json") == ontology
    # The next time it is the model's own ontology that counts.
    again = replace(config, init=str(report.model), add=(str(tmp_path / "village.jsonl"),))
    assert retrain(replace(again, output=tmp_path / "again")).new_labels == ()


def test_ontology_that_lacks_labels(config: RetrainConfig, tmp_path: Path) -> None:
    """An ontology without a label that the model knows is refused, and names it."""
    known = load_ontology()
    (tmp_path / "mine.json").write_text(
        replace(known, entity_types=known.entity_types[1:]).to_json(), encoding="utf-8"
    )
    with pytest.raises(ConfigError, match=rf"lacks \({known.entity_labels[0]}\)"):
        retrain(replace(config, ontology=tmp_path / "mine.json"))


# The page


class _Page(HTMLParser):
    """What a page is made of: its tags, and the addresses that it would load."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.loaded: list[str | None] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.loaded += [value for name, value in attrs if name in ("src", "href", "style", "onload")]


def test_page(forgetful: None, config: RetrainConfig) -> None:
    """The page has a plot for each kind of class, loads nothing, runs nothing and shows what was lost."""
    report = retrain(config)
    text = (config.output / "report.html").read_text(encoding="utf-8")
    assert text == to_page(report) + "\n"
    page = _Page(text)
    assert page.loaded == []
    assert "script" not in page.tags
    assert page.tags.count("svg") == len({change.kind for change in report.changes}) - 1
    assert page.tags.count("circle") == 2 * sum(change.kind != "overall" for change in report.changes)
    assert "Lost on the probe: 16" in text
    assert "<mark><bdi>قصفت</bdi></mark>" in text


def test_hostile_names(forgetful: None, config: RetrainConfig) -> None:
    """Names of models and documents are shown as they are, in the page and in Markdown."""
    report = retrain(replace(config, name="<script>alert(1)</script> | \u202e"))
    hostile = replace(report.examples[0], document="a|b<img src=x onerror=alert(1)>\n# c")
    report = replace(report, examples=(hostile,))
    assert "script" not in _Page(to_page(report)).tags
    assert "img" not in _Page(to_page(report)).tags
    markdown = report.to_markdown()
    assert "\u202e" not in markdown
    assert "a\\|b&lt;img src=x onerror=alert(1)> # c" in markdown


# A kill


KILLED = """
import sys, time
from libyaevents.training import loop, retrain
from libyaevents.cli import main

write = loop.write_state

def write_and_wait(path, state):
    write(path, state)
    if state["history"]["step"] == 2:
        print("saved", flush=True)
        time.sleep(600)

loop.SAVE_EVERY_S, loop.write_state, retrain.PACKAGED = -1.0, write_and_wait, ("article",)
main(sys.argv[1:])
"""


def test_killed_run(config: RetrainConfig, tiny_model: Path, caplog: pytest.LogCaptureFixture) -> None:
    """After kill -9 the old model is whole, no new one is there, and the same command goes on."""
    before = _files(tiny_model)
    arguments = ["retrain", "--add", *config.add, "--from", str(config.init), "--out", str(config.output)]
    arguments += ["--probe", str(config.probe), "--name", config.name, "--passes", "2"]
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        text=True,
    )
    assert process.stdout is not None
    with process.stdout:
        assert process.stdout.readline() == "saved\n"
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
    assert _files(tiny_model) == before
    assert not (config.output / "model").exists()
    caplog.set_level("INFO", "libyaevents")
    resumed = retrain(config)
    assert "at step 2" in caplog.text
    whole = retrain(replace(config, output=config.output.with_name("whole")))
    name = "model.safetensors"
    assert (resumed.model / name).read_bytes() == (whole.model / name).read_bytes()
