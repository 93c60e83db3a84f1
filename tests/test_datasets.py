"""The corpora of the package: what they hold, what is checked, and what a broken file is told."""

import itertools
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

import libyaevents
from libyaevents import datasets
from libyaevents.datasets import load_corpus, to_dataset
from libyaevents.documents import Document
from libyaevents.errors import ConfigError, CorpusError, LabelError
from libyaevents.ontology import load_ontology
from libyaevents.words import split_sentences, split_words

OTHERS = Path(__file__).parents[2] / "shared" / "corpus"
OPEN = load_corpus("open")
COUNTS = {"train": 26, "dev": 6, "test": 8}


def test_the_open_corpus_has_forty_articles_in_three_splits() -> None:
    """The splits part the corpus: no text or id is in two of them."""
    splits = {split: load_corpus("open", split=split) for split in ("train", "dev", "test")}
    assert {split: len(documents) for split, documents in splits.items()} == COUNTS
    assert [document for documents in splits.values() for document in documents] == OPEN
    assert len({document.text for document in OPEN}) == len({document.id for document in OPEN}) == 40


def test_open_is_the_default() -> None:
    """`libyaevents.load_corpus()` gives the open corpus."""
    assert libyaevents.load_corpus() == OPEN


def test_the_article_is_a_corpus_of_its_own() -> None:
    """The article that the project began with is there under its name."""
    (article,) = load_corpus("article")
    assert article.events
    assert load_corpus("article", split="train") == [article]


def test_every_type_has_its_events() -> None:
    """The balance that the corpus promises: each event type at least eight times, each label and value."""
    ontology = load_ontology()
    types = Counter(event.type for document in OPEN for event in document.events)
    assert {name for name in ontology.event_labels if types[name] < 8} == set()
    assert {entity.label for document in OPEN for entity in document.entities} == set(ontology.entity_labels)
    events = [event for document in OPEN for event in document.events]
    assert {event.factuality for event in events} == set(ontology.factuality_labels)
    assert {argument.role for event in events for argument in event.arguments} == set(ontology.role_labels)


def test_registers_and_lengths() -> None:
    """All seven registers, articles of 150 to 350 words, dates from 2011 to 2024, countries named."""
    registers = Counter(document.metadata["register"] for document in OPEN)
    assert set(registers) == {"agency", "newspaper", "broadcaster", "army", "ministry", "rights", "local"}
    assert min(registers.values()) >= 4
    assert all(150 <= len(document.text.split()) <= 350 for document in OPEN)
    assert all(document.published and 2011 <= document.published.year <= 2024 for document in OPEN)
    assert Counter(document.metadata["country"] for document in OPEN)["Libya"] >= 20


@pytest.mark.parametrize("document", OPEN, ids=lambda document: document.id)
def test_spans_are_whole_words_of_one_sentence(document: Document) -> None:
    """What the guide asks of every span; arguments stand in their trigger's sentence."""
    assert list(document.sentences) == split_sentences(document.text)
    words = split_words(document.text)
    starts, ends = {start for start, _ in words}, {end for _, end in words}

    def sentence(mention: Any) -> tuple[int, int]:
        assert mention.start in starts, mention
        assert mention.end in ends, mention
        return next(
            span for span in document.sentences if span[0] <= mention.start and mention.end <= span[1]
        )

    for entity in document.entities:
        sentence(entity)
    for event in document.events:
        home = sentence(event.trigger)
        assert all(sentence(argument) == home for argument in event.arguments), event


def test_entities_do_not_overlap() -> None:
    """Entities do not nest, as the guide says."""
    for document in OPEN:
        spans = sorted((entity.start, entity.end) for entity in document.entities)
        assert all(end <= start for (_, end), (start, _) in itertools.pairwise(spans)), document.id


def test_no_line_is_in_two_articles() -> None:
    """Nothing is copied from one article to another."""
    lines = Counter(line for document in OPEN for line in document.text.splitlines())
    assert [line for line, n in lines.items() if n > 1] == []


@pytest.mark.skipif(not OTHERS.is_dir(), reason="the third-party articles are not part of the repository")
def test_no_line_is_from_other_articles() -> None:
    """No line is shared with the third-party articles that the project trains on and measures on."""
    paths = sorted(OTHERS.glob("*.jsonl"))
    rows = [json.loads(line) for path in paths for line in path.read_text(encoding="utf-8").splitlines()]
    lines = {line for row in rows for line in row["text"].splitlines()}
    assert lines
    assert [line for document in OPEN for line in document.text.splitlines() if line in lines] == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"name": "opne"}, r"expected a corpus of the package, found 'opne'; did you mean 'open'\?"),
        ({"name": "article", "split": "test"}, "expected a split of 'article', found 'test'; known: train"),
    ],
)
def test_unknown_names(arguments: dict[str, Any], message: str) -> None:
    """A corpus or a split that is not there is answered with those that are."""
    with pytest.raises(ConfigError, match=message):
        load_corpus(**arguments)


def _shift(row: dict[str, Any]) -> None:
    row["entities"][1]["start"] += 1


def _drop(row: dict[str, Any]) -> None:
    del row["events"][2]["trigger"]["end"]


def _rename(row: dict[str, Any]) -> None:
    row["events"][0]["arguments"][0]["role"] = "Victim"


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (_shift, CorpusError, r"dev\.jsonl:2: document 'open-f1': entities\[1\]"),
        (_drop, CorpusError, r"dev\.jsonl:2: document 'open-f1': events\[2\]\.trigger.*end"),
        (_rename, LabelError, r"dev\.jsonl:2: events\[0\]\.arguments\[0\]\.role.*'Victim'"),
    ],
    ids=["shifted offset", "missing field", "foreign label"],
)
def test_a_file_changed_by_hand_names_file_line_and_mention(
    change: Any, error: type[Exception], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever edits the corpus is told where it broke."""
    rows = [document.to_dict() for document in load_corpus("open", split="dev")]
    change(rows[1])
    folder = tmp_path / "data" / "open"
    folder.mkdir(parents=True)
    lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    (folder / "dev.jsonl").write_text(lines, encoding="utf-8")
    monkeypatch.setattr(datasets, "files", lambda package: tmp_path)
    with pytest.raises(error, match=message):
        load_corpus("open", split="dev")


def test_dataset_has_a_row_a_document() -> None:
    """A `datasets.Dataset` says the same as the documents; empty fields do not hide columns."""
    rows = to_dataset(OPEN)
    assert len(rows) == 40
    document, row = OPEN[3], rows[3]
    assert row["text"] == document.text
    assert row["published"] == document.published.isoformat()  # type: ignore[union-attr]
    assert row["sentences"] == [list(span) for span in document.sentences]
    assert [(each["label"], each["text"]) for each in row["entities"]] == [
        (entity.label, entity.text) for entity in document.entities
    ]
    assert [(each["type"], each["trigger"]["text"], len(each["arguments"])) for each in row["events"]] == [
        (event.type, event.trigger.text, len(event.arguments)) for event in document.events
    ]
    assert {each["key"]: each["value"] for each in row["metadata"]} == document.metadata
    bare = to_dataset([Document(text="لا شيء")])
    assert bare.column_names == rows.column_names
    assert bare[0]["events"] == []


def test_dataset_can_be_filtered(tmp_path: Path) -> None:
    """What a user does with a Dataset: filter it, save it, load it."""
    from datasets import load_from_disk

    libya = to_dataset(OPEN).filter(lambda row: {"key": "country", "value": "Libya"} in row["metadata"])
    assert len(libya) == sum(document.metadata["country"] == "Libya" for document in OPEN)
    libya.save_to_disk(tmp_path / "libya")
    assert load_from_disk(tmp_path / "libya")[0] == libya[0]
