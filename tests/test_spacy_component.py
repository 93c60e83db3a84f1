"""The component of spaCy pipelines: what it puts on docs, its settings, saving, batches and processes."""

import pickle
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc, DocBin

from libyaevents.datasets import load_corpus
from libyaevents.documents import Document, Event
from libyaevents.errors import ConfigError, ModelNotFoundError
from libyaevents.extractor import Extractor
from libyaevents.formats import annotation
from libyaevents.spacy_component import EventComponent

ROOT = Path(__file__).parents[1]
TEXTS = [document.text for document in load_corpus("open", split="dev")]


@pytest.fixture(autouse=True)
def extensions() -> Iterator[None]:
    """Take the extensions away that the component sets on all docs of a process."""
    yield
    for name in ("events", "libyaevents"):
        if Doc.has_extension(name):
            Doc.remove_extension(name)


@pytest.fixture
def pipeline(tiny_model: Path) -> Language:
    """A blank Arabic pipeline with the component on a tiny model."""
    nlp = spacy.blank("ar")
    nlp.add_pipe("libyaevents", config={"model": str(tiny_model)})
    return nlp


def expected(model: Path, texts: list[str]) -> list[Document]:
    """What the extractor finds by itself."""
    return list(Extractor.from_pretrained(model).extract_many(texts))


def spans(events: tuple[Event, ...]) -> list[tuple[str, int, int]]:
    """Types and offsets of events, without scores, whose last digits depend on the batch."""
    return [(event.type, event.trigger.start, event.trigger.end) for event in events]


def test_a_doc_gets_what_the_extractor_finds(pipeline: Language, tiny_model: Path) -> None:
    """The document on a doc is the extractor's, and entities and spans show it."""
    doc = pipeline(TEXTS[0])
    (document,) = expected(tiny_model, TEXTS[:1])
    assert doc._.libyaevents == document
    assert doc._.events == document.events
    assert document.entities
    assert document.events
    assert {span.id_ for span in [*doc.ents, *doc.spans["entities"]]} == {
        each.id for each in document.entities
    }
    assert [span.label_ for span in doc.spans["triggers"]] == [event.type for event in document.events]
    n_arguments = sum(len(event.arguments) for event in document.events)
    assert len(doc.spans["arguments"]) == n_arguments > 0


def test_spans_hold_their_mentions(pipeline: Language) -> None:
    """Where spaCy cuts words in another way, a span is widened to its tokens, and no offset changes."""
    text = "قصفت طائرات (مسيرة) مواقع شرقي مصراتة/طرابلس، 12كلم..."
    doc = pipeline(text)
    document = doc._.libyaevents
    for entity in document.entities:
        assert text[entity.start : entity.end] == entity.text
    for span, event in zip(doc.spans["triggers"], document.events, strict=True):
        assert span.start_char <= event.trigger.start
        assert event.trigger.end <= span.end_char


def test_a_stream_gives_the_same_in_order(pipeline: Language, tiny_model: Path) -> None:
    """`nlp.pipe` reads in batches, keeps the order, and gives each doc what it gets alone."""
    texts = [*TEXTS, "", "سرت", TEXTS[0]]
    docs = list(pipeline.pipe(texts, batch_size=3))
    assert [doc.text for doc in docs] == texts
    for doc, document in zip(docs, expected(tiny_model, texts), strict=True):
        assert spans(doc._.events) == spans(document.events)


def test_a_stream_is_read_as_it_comes(pipeline: Language) -> None:
    """No more is taken from a stream than the batch at hand."""
    taken = []

    def texts() -> Iterator[Doc]:
        for text in TEXTS * 3:
            taken.append(text)
            yield pipeline.make_doc(text)

    component: Any = pipeline.get_pipe("libyaevents")
    next(component.pipe(texts(), batch_size=2))
    assert len(taken) == 2


def test_processes(pipeline: Language) -> None:
    """`nlp.pipe` with several processes gives the same: engines do not survive a fork and are loaded anew."""
    docs = list(pipeline.pipe(TEXTS[:3], n_process=2, batch_size=1))
    assert [spans(doc._.events) for doc in docs] == [spans(pipeline(text)._.events) for text in TEXTS[:3]]


def test_the_component_can_be_pickled(pipeline: Language) -> None:
    """What is sent to another process is the settings; the model is loaded there."""
    component: Any = pipeline.get_pipe("libyaevents")
    data = pickle.dumps(component)
    assert len(data) < 2000
    doc = pickle.loads(data)(pipeline.make_doc(TEXTS[0]))
    assert doc._.events == pipeline(TEXTS[0])._.events


@pytest.mark.parametrize("overwrite", [True, False])
def test_entities_of_others(tiny_model: Path, overwrite: bool) -> None:
    """Entities that were there before are replaced, or stay and send what collides with them to a group."""
    nlp = spacy.blank("ar")
    ruler: Any = nlp.add_pipe("entity_ruler")
    (document,) = expected(tiny_model, TEXTS[:1])
    word = document.entities[0].text.split()[0]
    ruler.add_patterns([{"label": "RULE", "pattern": word}])
    before = [(span.start, span.end) for span in nlp(TEXTS[0]).ents]
    assert before
    nlp.add_pipe("libyaevents", config={"model": str(tiny_model), "overwrite_ents": overwrite})
    doc = nlp(TEXTS[0])
    rules = [(span.start, span.end) for span in doc.ents if span.label_ == "RULE"]
    assert rules == ([] if overwrite else before)
    n_found = len([span for span in doc.ents if span.label_ != "RULE"]) + len(doc.spans["entities"])
    assert n_found == len(doc._.libyaevents.entities)


def test_a_saved_pipeline_is_the_same(pipeline: Language, tmp_path: Path) -> None:
    """A pipeline comes back from disk, and from bytes, with its settings."""
    pipeline.to_disk(tmp_path / "pipeline")
    for loaded in (
        spacy.load(tmp_path / "pipeline"),
        spacy.blank("ar").from_config(pipeline.config).from_bytes(pipeline.to_bytes()),
    ):
        assert loaded(TEXTS[1])._.events == pipeline(TEXTS[1])._.events


def test_docs_can_be_stored(pipeline: Language, tmp_path: Path) -> None:
    """A DocBin of what the pipeline read is a corpus for `convert --from spacy`."""
    docs = list(pipeline.pipe(TEXTS[:2]))
    DocBin(docs=docs, store_user_data=True).to_disk(tmp_path / "read.spacy")
    found = list(annotation.read(tmp_path / "read.spacy", "spacy"))
    assert found == [doc._.libyaevents for doc in docs]
    (again,) = Doc(pipeline.vocab).from_bytes(docs[0].to_bytes())._.events[:1]
    assert again == docs[0]._.events[0]


def test_a_doc_that_was_not_read(pipeline: Language) -> None:
    """A doc that the component has not seen has no events and no document."""
    doc = pipeline.make_doc("سرت")
    assert doc._.events == ()
    assert doc._.libyaevents is None


def test_settings_reach_the_extractor(tiny_model: Path) -> None:
    """The recall bias is the extractor's; a wrong one is refused when the pipeline is put together."""
    few, many = (EventComponent(str(tiny_model), recall_bias=bias) for bias in (-5.0, 5.0))
    nlp = spacy.blank("ar")
    assert len(few(nlp.make_doc(TEXTS[0])).ents) < len(many(nlp.make_doc(TEXTS[0])).ents)
    with pytest.raises(ConfigError, match="recall_bias"):
        spacy.blank("ar").add_pipe("libyaevents", config={"model": str(tiny_model), "recall_bias": 99.0})


def test_an_unknown_model_is_refused_at_once() -> None:
    """A model that is not there is named when the pipeline is put together, not at the first doc."""
    with pytest.raises(ModelNotFoundError, match="no model 'absent'"):
        spacy.blank("ar").add_pipe("libyaevents", config={"model": "absent"})


def test_an_extension_of_the_same_name(tiny_model: Path) -> None:
    """An extension `doc._.events` of the user's own is not overwritten."""
    Doc.set_extension("events", default=None)
    try:
        with pytest.raises(ConfigError, match=r"Doc\.remove_extension\('events'\)"):
            spacy.blank("ar").add_pipe("libyaevents", config={"model": str(tiny_model)})
    finally:
        Doc.remove_extension("events")


def test_spacy_finds_the_component_by_itself(tmp_path: Path, tiny_model: Path) -> None:
    """Installed, the component is there without an import: the entry point of the package leads to it."""
    points = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["entry-points"]
    info = tmp_path / "libyaevents-0.1.0.dist-info"
    info.mkdir()
    lines = [f"{name} = {value}" for name, value in points["spacy_factories"].items()]
    (info / "entry_points.txt").write_text("\n".join(["[spacy_factories]", *lines]), encoding="utf-8")
    metadata = "Metadata-Version: 2.1\nName: libyaevents\nVersion: 0.1.0\n"
    (info / "METADATA").write_text(metadata, encoding="utf-8")
    code = (
        "import sys; sys.path[:0] = sys.argv[2:]; import spacy; nlp = spacy.blank('ar'); "
        "nlp.add_pipe('libyaevents', config={'model': sys.argv[1]}); print(type(nlp('نص')._.events))"
    )
    command = [sys.executable, "-c", code, str(tiny_model), str(tmp_path), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=True)
    assert done.stdout.strip() == "<class 'tuple'>"


def test_a_model_that_moved(tmp_path: Path, tiny_model: Path) -> None:
    """A pipeline keeps the model's path: where the model is gone, loading the pipeline says so."""
    moved = Path(shutil.copytree(tiny_model, tmp_path / "model"))
    nlp = spacy.blank("ar")
    nlp.add_pipe("libyaevents", config={"model": str(moved)})
    nlp.to_disk(tmp_path / "pipeline")
    shutil.rmtree(moved)
    with pytest.raises(ModelNotFoundError, match="no model"):
        spacy.load(tmp_path / "pipeline")


def test_what_stays_is_a_document(pipeline: Language) -> None:
    """The document can be used on: a date added, and enriched."""
    from datetime import date

    from libyaevents.enrich import enrich

    document = replace(pipeline(TEXTS[0])._.libyaevents, published=date(2020, 6, 6))
    assert enrich(document).text == TEXTS[0]
