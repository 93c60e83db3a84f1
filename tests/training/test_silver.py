"""Silver annotation: which text is taken, what is written of it, and which models go together."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from libyaevents.documents import Document
from libyaevents.errors import CheckpointError, ConfigError, InputError
from libyaevents.extractor import Extractor
from libyaevents.formats.jsonl import read_documents, write_documents
from libyaevents.ontology import load_ontology
from libyaevents.training import silver as module
from libyaevents.training.silver import SilverConfig, annotate, load_ensemble

PARAGRAPH = "شنت قوات محلية هجمات على مواقع قرب المدينة وأعلنت انسحابها من الميناء بعد ساعات"
OTHER = "افتتح المعرض السنوي للكتاب في العاصمة وسط حضور كبير من القراء والناشرين"


@pytest.fixture
def config(tmp_path: Path, article: Document, tiny_model: Path) -> SilverConfig:
    """Three documents of text on the article's topic, one too short, one on another topic."""
    focus = tmp_path / "focus.jsonl"
    write_documents([article, replace(article, id="again")], focus)
    long = [f"{PARAGRAPH} {number}\n" * 6 for number in ("اليوم", "أمس", "غدا")]
    text = "\n".join([*long, PARAGRAPH + "\n", f"{OTHER}\n" * 8])
    (tmp_path / "news.txt").write_text(text, encoding="utf-8")
    return SilverConfig(
        text=(tmp_path / "news.txt",),
        focus=focus,
        models=(str(tiny_model),),
        output=tmp_path / "silver.jsonl",
    )


def test_corpus_of_predictions(config: SilverConfig, tiny_model: Path) -> None:
    """Documents on the topic that are not too short get what the model says of them, without scores."""
    assert annotate(config) == 3
    documents = list(read_documents(config.output, ontology=load_ontology()))
    assert len({document.text for document in documents}) == 3
    assert all(PARAGRAPH in document.text for document in documents)
    text = config.output.read_text(encoding="utf-8")
    assert '"score"' not in text
    assert '"model"' not in text
    predicted = Extractor.from_pretrained(tiny_model).extract(documents[0].text)
    assert [(entity.start, entity.label) for entity in documents[0].entities] == [
        (entity.start, entity.label) for entity in predicted.entities
    ]
    assert [(event.trigger.start, event.type) for event in documents[0].events] == [
        (event.trigger.start, event.type) for event in predicted.events
    ]


def test_sample(config: SilverConfig) -> None:
    """So many documents are drawn as are asked for, the same for the same seed, in the text's order."""
    two = replace(config, n_documents=2)
    drawn = [module._sample(replace(two, seed=seed)) for seed in (0, 0, *range(1, 9))]
    assert drawn[0] == drawn[1]
    ids = [[str(document.id) for document in documents] for documents in drawn]
    assert all(len(names) == 2 and names == sorted(names) for names in ids)
    assert len(set(map(tuple, ids))) > 1


def test_fewer_documents_than_asked_for(config: SilverConfig, caplog: pytest.LogCaptureFixture) -> None:
    """Where the text has fewer documents on the topic than are asked for, a warning says how many."""
    assert len(module._sample(replace(config, n_documents=5))) == 3
    assert caplog.messages == ["expected 5 documents on the topic, found 3"]


def test_text_off_the_topic(config: SilverConfig) -> None:
    """Text without a document on the topic is an error, and nothing is written."""
    config.text[0].write_text(f"{OTHER}\n" * 8, encoding="utf-8")
    with pytest.raises(InputError, match="no document of 60 to 600 words is on the topic"):
        annotate(config)
    assert not config.output.exists()


def test_no_model() -> None:
    """At least one model is needed."""
    with pytest.raises(ConfigError, match="no model is given"):
        load_ensemble([])


def test_models_of_one_family(tiny_model: Path, model_copy: Path, tmp_path: Path) -> None:
    """Models with one tokenizer and one label inventory are read as one; others are refused by name."""
    article = "قصفت طائرات مواقع في سرت"
    both = load_ensemble([str(tiny_model), str(model_copy)])
    assert both.extract(article).events == both.extract(article).events
    assert both.settings.role_outside_bias == 0.0
    other = Path(shutil.copytree(model_copy, tmp_path / "other"))
    tokenizer = json.loads((other / "tokenizer.json").read_text(encoding="utf-8"))
    tokenizer["normalizer"] = None
    (other / "tokenizer.json").write_text(json.dumps(tokenizer), encoding="utf-8")
    with pytest.raises(CheckpointError, match="other has another tokenizer"):
        load_ensemble([str(tiny_model), str(other)])
