"""The model that ships with the package: whole, sensible on the packaged article, alike on either engine."""

import json
from datetime import date
from pathlib import Path

import pytest

import libyaevents
from libyaevents.catalog import DEFAULT_MODEL, list_models
from libyaevents.checkpoint import load_labels, load_settings
from libyaevents.documents import Document
from libyaevents.evaluation import evaluate
from libyaevents.extractor import Extractor, default_extractor
from libyaevents.ontology import load_ontology
from libyaevents.training.corpus import text_hash

FOLDER = Path(__file__).parents[1] / "models" / DEFAULT_MODEL

pytestmark = pytest.mark.skipif(
    not (FOLDER / "config.json").is_file(), reason="this checkout has no shipped model"
)

UNSEEN = (
    "قصفت طائرات حربية مواقع لتنظيم الدولة قرب مدينة سرت فجر اليوم الثلاثاء.\n"
    "وقال المتحدث باسم الجيش الليبي إن عشرة مسلحين قتلوا في الغارات.\n"
    "ودعت الأمم المتحدة الأطراف الليبية إلى وقف إطلاق النار في طرابلس."
)


@pytest.fixture(scope="module")
def extractor() -> Extractor:
    """The shipped model on the default engine."""
    return Extractor.from_pretrained(n_threads=1)


@pytest.fixture(scope="module")
def read(extractor: Extractor, article: Document) -> Document:
    """The packaged article, read from its raw text."""
    return extractor.extract(article.text, id=article.id)


def _spans(document: Document) -> set[tuple[str, int, int]]:
    """Entities, triggers and arguments with their labels."""
    entities = {(entity.label, entity.start, entity.end) for entity in document.entities}
    triggers = {(event.type, event.trigger.start, event.trigger.end) for event in document.events}
    arguments = {
        (f"{event.trigger.start} {argument.role}", argument.start, argument.end)
        for event in document.events
        for argument in event.arguments
    }
    return entities | triggers | arguments


def test_first_event_of_the_article(read: Document) -> None:
    """The article's first words are read as what they say: forces of the Accord advance into Sirte."""
    (first,) = [event for event in read.events if event.trigger.start == 0]
    assert (first.type, first.trigger.text, first.factuality) == ("Advance", "دخلت", "actual")
    assert ("Agent", "قوات الوفاق") in {(argument.role, argument.text) for argument in first.arguments}


def test_article_is_read(read: Document, article: Document) -> None:
    """The model finds most of what is annotated in an article that it was trained on."""
    scores = evaluate([article], [read], n_resamples=1)
    assert scores.entity_score.f1 > 0.7
    assert scores.events.scores["TC"].f1 > 0.7
    assert scores.events.scores["AC+"].f1 > 0.35


def test_unseen_text_is_read(extractor: Extractor) -> None:
    """In sentences it has not seen, the model finds the plain events, their places and who tells them."""
    found = extractor.extract(UNSEEN)
    types = {event.type for event in found.events}
    assert {"AirStrike", "Kill", "Ceasefire"} <= types
    names = {(entity.label, entity.text) for entity in found.entities}
    assert {("GPE", "سرت"), ("ORG", "الأمم المتحدة")} <= names
    kill = next(event for event in found.events if event.type == "Kill")
    assert any(argument.role == "Source" for argument in kill.arguments)


def test_engines_agree(extractor: Extractor, read: Document, article: Document) -> None:
    """The int8 graphs find nearly all that the float32 network finds, and little else."""
    reference = Extractor.from_pretrained(engine="torch", n_threads=1)
    for ours, text in ((_spans(read), article.text), (_spans(extractor.extract(UNSEEN)), UNSEEN)):
        theirs = _spans(reference.extract(text))
        assert 2 * len(ours & theirs) / (len(ours) + len(theirs)) > 0.9


def test_results_do_not_depend_on_company(extractor: Extractor, article: Document) -> None:
    """Texts read together give the spans they give alone, and scores within 1e-3."""
    texts = [article.text[start:end] for start, end in article.sentences]
    texts += [article.text, UNSEEN, *UNSEEN.splitlines()]
    for document, text in zip(extractor.extract_many(texts), texts, strict=True):
        alone = extractor.extract(text)
        assert _spans(document) == _spans(alone)
        scores, expected = (
            [entity.score for entity in each.entities] + [event.score for event in each.events]
            for each in (document, alone)
        )
        assert scores == pytest.approx(expected, abs=1e-3)


def test_default_model(read: Document, article: Document) -> None:
    """`libyaevents.extract` is this model."""
    found = libyaevents.extract(article.text, id=article.id)
    assert _spans(found) == _spans(read)


def test_card() -> None:
    """The model is listed with the key lines of its card, which are measured and not empty."""
    (summary,) = [model for model in list_models() if model.name == DEFAULT_MODEL]
    assert {"Version", "Size", "Trained on", "Scores", "Started from"} <= summary.key_lines.keys()
    assert "on dev" in summary.key_lines["Scores"]
    card = (FOLDER / "README.md").read_text(encoding="utf-8")
    for heading in ("## Data", "## Training", "## Limits"):
        assert heading in card


def test_labels_are_the_ontology() -> None:
    """The model's labels are those of the packaged ontology, and it carries that ontology."""
    ontology, labels = load_ontology(), load_labels(FOLDER)
    assert labels.entities == ontology.entity_labels
    assert labels.events == ontology.event_labels
    assert labels.roles == ontology.role_labels
    assert labels.factuality == ontology.factuality_labels
    assert load_ontology(FOLDER / "ontology.json").fingerprint == ontology.fingerprint


def test_report(article: Document) -> None:
    """The report knows that the packaged article was trained on, and names no folder of the machine."""
    text = (FOLDER / "training_report.json").read_text(encoding="utf-8")
    report = json.loads(text)
    assert text_hash(article) in report["seen"]
    assert 0 < report["corpus"]["documents"] <= len(report["seen"])
    assert report["dev"]["n_documents"] > 0
    assert load_settings(FOLDER).name == DEFAULT_MODEL
    assert "_name_or_path" not in (FOLDER / "config.json").read_text(encoding="utf-8")
    for value in report["config"].values():
        for item in value if isinstance(value, list) else [value]:
            assert not str(item).startswith(("/", "~"))


def test_size() -> None:
    """The model is small enough to come with the package."""
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < 40e6


DATED = "قُتل ثلاثة مدنيين في قصف استهدف مدينة ترهونة أمس الأول، وفق ما أعلنت وزارة الصحة في حكومة الوفاق."


def test_events_are_resolved() -> None:
    """What `extract` returns says when, where and how many; `enrich=False` leaves that open."""
    document = libyaevents.extract(DATED, published="2020-05-07")
    kill = next(event for event in document.events if event.type == "Kill")
    assert kill.time is not None
    assert (kill.time.value, kill.time.anchor) == ("2020-05-05", date(2020, 5, 7))
    assert kill.place is not None
    assert (kill.place.name, kill.place.country) == ("ترهونة", "LY")
    assert [(figure.kind, figure.best) for figure in kill.casualties] == [("killed", 3)]
    bare = libyaevents.extract(DATED, published="2020-05-07", enrich=False)
    assert _spans(bare) == _spans(document)
    assert not any(event.time or event.place or event.claim or event.casualties for event in bare.events)
    assert not any(entity.core or entity.time for entity in bare.entities)


def test_own_actors(tmp_path: Path) -> None:
    """An extractor with a table of own actors knows them."""
    header = "id,name,name_ar,aliases,kind,sector,code,side,parent,country,valid_from,valid_to"
    row = "health-committee,Health Committee,وزارة الصحة في حكومة الوفاق,وزارة الصحة,1,GOV,,,,LY,,"
    (tmp_path / "mine.csv").write_text(f"{header}\n{row}\n", encoding="utf-8")
    extractor = Extractor.from_pretrained(actors=tmp_path / "mine.csv")
    document = extractor.extract(DATED, published="2020-05-07")
    assert "health-committee" in {entity.actor.id for entity in document.entities if entity.actor}


def test_model_is_loaded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """`extract` with and without enrichers is one model in memory, whichever is asked for first."""
    default_extractor.cache_clear()
    loaded: list[Extractor] = []
    load = Extractor.from_pretrained

    def count() -> Extractor:
        loaded.append(load())
        return loaded[-1]

    monkeypatch.setattr(Extractor, "from_pretrained", count)
    bare = libyaevents.extract(DATED, enrich=False)
    assert _spans(libyaevents.extract(DATED)) == _spans(bare)
    assert len(loaded) == 1
