"""Training corpora: read, told apart, parted into blocks, described."""

import json
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from libyaevents.documents import Document, Entity
from libyaevents.errors import ConfigError, CorpusError, LabelError, MissingFileError
from libyaevents.formats.jsonl import write_documents
from libyaevents.ontology import load_ontology
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


def _document(text: str, id: str | None = None, *, label: str = "GPE") -> Document:
    """A document whose first word is an entity."""
    word = text.split()[0]
    return Document(
        text=text, id=id, entities=(Entity(id="T1", label=label, start=0, end=len(word), text=word),)
    )


def _write(path: Path, *documents: Document) -> str:
    write_documents(documents, path)
    return str(path)


def test_packaged_article(article: Document) -> None:
    """`article` stands for the article that comes with the package."""
    assert read_corpus(("article",), load_ontology()) == [article]


def test_several_files(tmp_path: Path, article: Document) -> None:
    """Documents of several files are read in order, a text that comes twice is kept once."""
    first = _write(tmp_path / "1.jsonl", _document("سرت", "a"), article)
    second = _write(tmp_path / "2.jsonl", _document("درنة", "b"))
    found = read_corpus((first, "article", second), load_ontology())
    assert [document.id for document in found] == ["a", article.id, "b"]


def test_missing_corpus(tmp_path: Path) -> None:
    """A file that is not there is named."""
    with pytest.raises(MissingFileError, match=r"absent\.jsonl"):
        read_corpus((str(tmp_path / "absent.jsonl"),), load_ontology())


def test_empty_corpus(tmp_path: Path) -> None:
    """An empty file is refused."""
    path = tmp_path / "empty.jsonl"
    path.write_text("\n\n", encoding="utf-8")
    with pytest.raises(CorpusError, match=r"empty\.jsonl"):
        read_corpus((str(path),), load_ontology())


def test_corpus_without_annotation(tmp_path: Path) -> None:
    """A corpus in which nothing is annotated is refused; one annotated document is enough."""
    bare = _write(tmp_path / "bare.jsonl", Document(text="سرت"), Document(text="درنة"))
    with pytest.raises(CorpusError, match=r"bare\.jsonl: no annotation in 2 documents"):
        read_corpus((bare,), load_ontology())
    rich = _write(tmp_path / "rich.jsonl", _document("طرابلس"))
    assert len(read_corpus((bare, rich), load_ontology())) == 3


def test_unknown_label(tmp_path: Path) -> None:
    """A label outside the ontology is refused with file and line."""
    path = _write(tmp_path / "c.jsonl", _document("سرت"), _document("درنة", label="CITY"))
    with pytest.raises(LabelError, match=r"c\.jsonl:2: .*CITY"):
        read_corpus((path,), load_ontology())


def test_ids_across_files(tmp_path: Path) -> None:
    """Two texts of two files with one id are refused, since their scores could not be told apart."""
    first = _write(tmp_path / "1.jsonl", _document("سرت", "a"))
    second = _write(tmp_path / "2.jsonl", _document("درنة", "a"))
    with pytest.raises(CorpusError, match="2 texts with the id 'a'"):
        read_corpus((first, second), load_ontology())


def test_ids_for_some(tmp_path: Path) -> None:
    """Where some documents have ids the others get one, else none does."""
    path = _write(tmp_path / "1.jsonl", _document("سرت", "a"), _document("درنة"), _document("طرابلس"))
    first, *others = read_corpus((path,), load_ontology())
    assert first.id == "a"
    assert [document.id for document in others] == [f"text-{text_hash(document)}" for document in others]
    path = _write(tmp_path / "2.jsonl", _document("درنة"), _document("طرابلس"))
    assert [document.id for document in read_corpus((path,), load_ontology())] == [None, None]


def test_unique() -> None:
    """Of documents with the same text the first is kept, in order."""
    first, other, again = _document("سرت", "a"), _document("درنة", "b"), _document("سرت", "c")
    assert unique([first, other, again]) == [first, other]


def test_overlap_with_dev() -> None:
    """A text that is both trained on and measured on is refused, whatever its id."""
    refuse_overlap([_document("سرت")], [_document("درنة")])
    with pytest.raises(ConfigError, match="1 texts are in the corpus and in the dev file"):
        refuse_overlap([_document("سرت", "a"), _document("درنة")], [_document("سرت", "b")])


def test_blocks_of_documents() -> None:
    """As many documents as blocks or more are dealt out whole."""
    documents = [_document(f"سرت {number}") for number in range(7)]
    blocks = make_blocks(documents, 3)
    assert [len(block) for block in blocks] == [3, 2, 2]
    assert sorted(document.text for block in blocks for document in block) == [
        document.text for document in documents
    ]


def test_blocks_of_sentences(article: Document) -> None:
    """Fewer documents than blocks are cut into runs of sentences, with all that is annotated in them."""
    blocks = make_blocks([article], 5)
    assert [document.id for block in blocks for document in block] == [
        f"{article.id}#{n}" for n in range(1, 6)
    ]
    parts = [document for block in blocks for document in block]
    assert [len(part.sentences) for part in parts] == [5, 6, 5, 6, 5]
    sentences = [part.text[start:end] for part in parts for start, end in part.sentences]
    assert sentences == [article.text[start:end] for start, end in article.sentences]
    assert sum(len(part.entities) for part in parts) == len(article.entities)
    assert sum(len(part.events) for part in parts) == len(article.events)
    n_arguments = sum(len(event.arguments) for part in parts for event in part.events)
    assert n_arguments == sum(len(event.arguments) for event in article.events)
    for part in parts:
        assert part.text == part.text.strip()
        for event in part.events:
            assert part.text[event.trigger.start : event.trigger.end] == event.trigger.text


def test_blocks_of_documents_without_ids(article: Document) -> None:
    """Parts of documents without ids have ids that tell them apart."""
    first = replace(article, id=None)
    second = Document(text="سقطت سرت. ثم درنة. ثم طرابلس.")
    ids = [document.id for block in make_blocks([first, second], 3) for document in block]
    assert len(set(ids)) == 6


def test_too_few_sentences() -> None:
    """A document with fewer sentences than blocks is refused, and the message says what to do."""
    with pytest.raises(CorpusError, match="document 'a' has 1 sentences: expected at least 2"):
        make_blocks([_document("سرت", "a")], 2)


def test_describe(tmp_path: Path, article: Document) -> None:
    """The description has sizes, and the hash of every file, though two have the same name."""
    (tmp_path / "old").mkdir()
    paths = [_write(tmp_path / name, _document("سرت")) for name in ("c.jsonl", "old/c.jsonl", "dev.jsonl")]
    config = TrainConfig(corpus=("article", *paths[:2]), dev=paths[2], replay="article")
    found = describe(config, [article], [_document("سرت")])
    assert (found["documents"], found["dev_documents"]) == (1, 1)
    assert (found["words"], found["entities"], found["events"], found["arguments"]) == (572, 106, 35, 107)
    digest = sha256(Path(paths[0]).read_bytes()).hexdigest()
    assert found["sha256"] == {"c.jsonl": digest, "c.jsonl (2)": digest, "dev.jsonl": digest}
    assert json.loads(json.dumps(found)) == found


def test_outlets(article: Document) -> None:
    """Sources are named once each, in order."""
    documents = [replace(article, source=name) for name in ("ب", "أ", "ب", None)]
    assert outlets(documents) == ("أ", "ب")
