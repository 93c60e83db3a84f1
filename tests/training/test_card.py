"""The model card: made from the report, readable by the hub and by `libyaevents models`."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from huggingface_hub import ModelCard

from libyaevents.catalog import model_folder
from libyaevents.checkpoint import Settings, load_settings
from libyaevents.documents import Document
from libyaevents.evaluation import Evaluation, evaluate
from libyaevents.training.card import front_matter, write_card
from libyaevents.training.config import TrainConfig
from tests.tiny import make_report

SETTINGS = Settings(name="tiny", version="2020-06-06", role_size=64, pooling="mean", max_subwords=64)


@pytest.fixture(scope="module")
def scores(article: Document) -> Evaluation:
    """The scores of predictions that miss a third of the events."""
    predicted = replace(article, events=article.events[::3] + article.events[1::3])
    return evaluate([article], [predicted], with_gold_triggers=[article], n_resamples=20)


def _card(folder: Path, article: Document, **evaluations: Evaluation) -> str:
    report = replace(make_report(folder, article), **evaluations).to_dict()  # type: ignore[arg-type]
    write_card(folder, SETTINGS, report)
    return (folder / "README.md").read_text(encoding="utf-8")


def test_header(tmp_path: Path, article: Document) -> None:
    """The card opens with the metadata that the hub reads."""
    _, header, rest = _card(tmp_path, article).split("---\n", 2)
    keys = dict(line.split(": ", 1) for line in header.splitlines())
    assert keys["language"] == "ar"
    assert keys["license"] == "apache-2.0"
    assert "event-extraction" in keys["tags"]
    assert rest.lstrip().startswith("# tiny\n")


def test_use(tmp_path: Path, article: Document) -> None:
    """The card shows how the model is used, in Python that holds."""
    (block,) = re.findall(r"```python\n(.*?)```", _card(tmp_path, article), re.DOTALL)
    compile(block, "card", "exec")
    assert 'Extractor.from_pretrained("tiny")' in block


def test_unmeasured_model(tmp_path: Path, article: Document) -> None:
    """A model that was not measured says so, and shows no table of scores."""
    card = _card(tmp_path, article)
    assert "- **Scores**: not measured" in card
    assert "| P | R | F1 |" not in card
    assert "## Limits" in card


@pytest.mark.parametrize(
    ("name", "said", "title"),
    [
        ("dev", "on dev", "## Scores on the dev file, which chose the biases"),
        ("cross_validation", "cross-validated", "## Scores cross-validated over blocks of the corpus"),
        (
            "fit",
            "on its own training text",
            "## Fit on the text that was trained on (not a measure of quality)",
        ),
    ],
)
def test_scores_say_what_they_were_measured_on(
    tmp_path: Path, article: Document, scores: Evaluation, name: str, said: str, title: str
) -> None:
    """The headline and the table are the evaluation's figures, under the name of its text."""
    card = _card(tmp_path, article, **{name: scores})
    typed = scores.events.scores["TC"]
    assert f"- **Scores**: entities 100.0 · TC {100 * typed.f1:.1f} · AC+ " in card
    assert re.search(rf"\*\*Scores\*\*.* F1, {said}$", card, re.MULTILINE)
    assert title in card
    row = f"| TC, trigger and type | {100 * typed.precision:.1f} | {100 * typed.recall:.1f} | "
    assert row in card
    assert "gold triggers | 100.0 | 100.0 | **100.0** |" in card
    assert f"| {typed.n_gold} |" in card


def test_calibration(tmp_path: Path, article: Document) -> None:
    """The card shows the calibration error of scores before and after, where it was measured."""
    assert "Calibration" not in _card(tmp_path, article)
    found = {"entities": {"n": 1708, "before": 0.1325, "after": 0.0221}}
    report = replace(make_report(tmp_path, article), calibration=found).to_dict()
    write_card(tmp_path, SETTINGS, report)
    card = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert "## Calibration of the scores" in card
    assert "cross-validated over the dev documents" in card
    assert "| entities | 1708 | 13.2 | **2.2** |" in card


def test_honest_headline(tmp_path: Path, article: Document, scores: Evaluation) -> None:
    """Scores on held-out text make the headline, not the fit, and both tables are shown."""
    card = _card(tmp_path, article, cross_validation=scores, fit=scores)
    assert "F1, cross-validated" in card
    assert "## Fit on the text that was trained on" in card


def test_data_and_training(tmp_path: Path, article: Document) -> None:
    """The card names data, outlets, hashes, settings, versions and what could not be learnt."""
    card = _card(tmp_path, article)
    assert "- one annotated article" in card
    assert f"- Outlets named by the documents: {article.source}" in card
    assert "- seed: 0" in card
    assert "torch " in card
    assert "- gold left out as unrepresentable: 0 of 100" in card


def test_card_tells_no_paths(tmp_path: Path, article: Document) -> None:
    """Nothing of the machine's folders gets into the card."""
    config = TrainConfig(encoder=str(tmp_path), output=tmp_path / "out", dev=str(tmp_path))
    report = replace(make_report(tmp_path, article), config=config, started_from="camelbert").to_dict()
    write_card(tmp_path, SETTINGS, report)
    card = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert "- **Started from**: camelbert" in card
    assert str(tmp_path) not in card


def test_size(tmp_path: Path, article: Document) -> None:
    """The size is that of the folder's files."""
    (tmp_path / "weights").write_bytes(bytes(3_600_000))
    assert "- **Size**: 4 MB" in _card(tmp_path, article)


def test_unmeasured_models_have_no_index(tmp_path: Path, article: Document, scores: Evaluation) -> None:
    """Without a measurement, or with that on the training text alone, the hub is told no result."""
    assert "model-index" not in _card(tmp_path, article)
    assert "model-index" not in _card(tmp_path, article, fit=scores)


@pytest.mark.parametrize("name", ["dev", "cross_validation"])
def test_the_hub_reads_the_results(tmp_path: Path, article: Document, scores: Evaluation, name: str) -> None:
    """The hub's own library finds the measured figures in the metadata, by metric and by what they are of."""
    _card(tmp_path, article, **{name: scores})
    data = ModelCard.load(tmp_path / "README.md").data
    assert (data.model_name, data.language, data.license) == ("tiny", "ar", "apache-2.0")
    assert data.library_name == "libyaevents"
    assert data.pipeline_tag == "token-classification"
    results = {result.metric_name: result for result in data.eval_results}
    assert len(results) == 21
    for metric in ("f1", "precision", "recall"):
        result = results[f"{metric} of TC, trigger and type"]
        assert (result.task_type, result.metric_type) == ("token-classification", metric)
        assert result.metric_value == round(getattr(scores.events.scores["TC"], metric), 4)
        assert result.dataset_type == f"libyaevents-{name.replace('_', '-')}"
    assert results["f1 of entities"].metric_value == 1.0


def test_names_need_no_care_in_the_metadata(tmp_path: Path, article: Document, scores: Evaluation) -> None:
    """A model may be called what YAML would take for something else."""
    report = replace(make_report(tmp_path, article), dev=scores).to_dict()
    write_card(tmp_path, replace(SETTINGS, name="yes: #1 'x' \"سرت\""), report)
    assert ModelCard.load(tmp_path / "README.md").data.model_name == "yes: #1 'x' \"سرت\""


def test_the_shipped_card_is_that_of_its_report() -> None:
    """The metadata of the shipped model's card is what its report gives."""
    folder = model_folder("compact")
    report = json.loads((folder / "training_report.json").read_text(encoding="utf-8"))
    lines = (folder / "README.md").read_text(encoding="utf-8").splitlines()
    expected = front_matter(load_settings(folder), report)
    assert lines[: len(expected)] == expected
    assert len(ModelCard.load(folder / "README.md").data.eval_results) == 21
