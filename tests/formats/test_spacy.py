"""spaCy's `Doc` and `DocBin`: exact offsets, what survives, what a user's edits change, and foreign files."""

import gc
import io
import logging
import sys
import tempfile
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import spacy
from hypothesis import HealthCheck, given, settings
from spacy.tokens import Doc, DocBin, Span
from spacy.vocab import Vocab

from libyaevents.documents import Argument, Document, Entity, Event, Trigger
from libyaevents.errors import CorpusError, DocumentError, InputError, MissingExtraError, MissingFileError
from libyaevents.formats import annotation
from libyaevents.formats import spacy as spacy_format
from libyaevents.formats.spacy import annotate, from_doc, stored_document, to_doc
from tests.formats.samples import corpora, documents

TEXT = "🚁 قصف الطيران سرت.\r\nوقتل ثلاثة من سكان سرت."
STRIKE = Document(
    id="a1",
    text=TEXT,
    sentences=((0, 18), (20, len(TEXT))),
    entities=(
        Entity(id="T1", label="GPE", start=14, end=17, text="سرت", score=0.5),
        Entity(id="T2", label="QUANTITY", start=25, end=30, text="ثلاثة"),
        Entity(id="T3", label="GPE", start=39, end=42, text="سرت"),
    ),
    events=(
        Event(
            id="E1",
            type="AirStrike",
            trigger=Trigger(start=2, end=5, text="قصف"),
            factuality="possible",
            arguments=(Argument(role="Place", start=14, end=17, text="سرت", entity_id="T1"),),
        ),
        Event(id="E2", type="Kill", trigger=Trigger(start=20, end=24, text="وقتل")),
    ),
)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(corpora(enriched=True))
def test_documents_read_back(corpus: list[Document]) -> None:
    """A DocBin holds all of any document: ids, roles, factuality, scores, enrichment; nothing is lost."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "corpus.spacy"
        assert not annotation.write(corpus, path, "spacy")
        assert list(annotation.read(path, "spacy")) == corpus


@settings(max_examples=100, deadline=None)
@given(documents())
def test_offsets_are_exact(document: Document) -> None:
    """The tokens give the text back letter for letter, and each span ends where its mention ends."""
    doc = to_doc(document, Vocab())
    assert doc.text == document.text
    spans = [*doc.ents, *doc.spans["entities"]]
    found = sorted((span.start_char, span.end_char, span.label_, span.id_) for span in spans)
    assert found == sorted((each.start, each.end, each.label, each.id) for each in document.entities)
    triggers = [(span.start_char, span.end_char, span.label_) for span in doc.spans["triggers"]]
    assert triggers == [(each.trigger.start, each.trigger.end, each.type) for each in document.events]


def test_what_a_doc_shows() -> None:
    """Entities, triggers, arguments and sentences are where spaCy's users look for them."""
    doc = to_doc(STRIKE, Vocab())
    assert [(span.text, span.label_) for span in doc.ents] == [
        ("سرت", "GPE"),
        ("ثلاثة", "QUANTITY"),
        ("سرت", "GPE"),
    ]
    assert [(span.label_, span.id_) for span in doc.spans["triggers"]] == [
        ("AirStrike", "E1"),
        ("Kill", "E2"),
    ]
    assert [(span.text, span.label_, span.id_) for span in doc.spans["arguments"]] == [("سرت", "Place", "E1")]
    assert [sentence.text.strip() for sentence in doc.sents] == [TEXT[:18], TEXT[20:]]
    assert stored_document(doc) == STRIKE


def test_overlapping_entities() -> None:
    """Of entities that overlap, the longest are `doc.ents`; the others are a group, and both are read."""
    whole = Entity(id="T9", label="ORG", start=6, end=17, text=TEXT[6:17])
    document = replace(STRIKE, entities=(*STRIKE.entities, whole))
    doc = to_doc(document, Vocab())
    assert [span.id_ for span in doc.ents] == ["T9", "T2", "T3"]
    assert [span.id_ for span in doc.spans["entities"]] == ["T1"]
    assert from_doc(doc) == document


def test_edits_are_read() -> None:
    """Entities and triggers that a user added or took away in spaCy are added or taken away."""
    doc = to_doc(STRIKE, Vocab())
    new, moved = doc.char_span(6, 13, label="WEAPON"), doc.char_span(31, 33, label="Injure")
    assert new
    assert moved
    doc.ents = [*(span for span in doc.ents if span.id_ != "T1"), new]
    doc.spans["triggers"] = [doc.spans["triggers"][1], moved]
    found = from_doc(doc)
    assert [(each.id, each.label, each.text) for each in found.entities] == [
        ("T2", "QUANTITY", "ثلاثة"),
        ("T3", "GPE", "سرت"),
        ("T4", "WEAPON", "الطيران"),
    ]
    assert found.events == (
        STRIKE.events[1],
        Event(id="E3", type="Injure", trigger=Trigger(start=31, end=33, text=TEXT[31:33])),
    )


def test_a_link_to_a_removed_entity_goes() -> None:
    """An argument whose entity was removed stays, without the link."""
    doc = to_doc(STRIKE, Vocab())
    doc.ents = [span for span in doc.ents if span.id_ != "T1"]
    (argument,) = from_doc(doc).events[0].arguments
    assert argument == replace(STRIKE.events[0].arguments[0], entity_id=None)


def test_wider_tokens_keep_exact_offsets() -> None:
    """On tokens of others, spans are widened to whole tokens, and the document keeps what it had."""
    words = ["🚁", "قصف", "الطيران", "سرت.\r\nوقتل", "ثلاثة", "من", "سكان", "سرت."]
    doc = Doc(Vocab(), words=words, spaces=[True] * 7 + [False])
    assert doc.text == TEXT
    annotate(doc, STRIKE)
    assert [span.text for span in doc.ents] == ["سرت.\r\nوقتل", "ثلاثة", "سرت."]
    assert from_doc(doc) == STRIKE


def test_a_pipeline_of_spacys_own(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A DocBin that spaCy wrote, with entities, sentences and span groups, is read; others are counted."""
    nlp = spacy.blank("ar")
    nlp.add_pipe("sentencizer")
    ruler: Any = nlp.add_pipe("entity_ruler")
    ruler.add_patterns([{"label": "LOC", "pattern": "سرت"}])
    doc = nlp("قصف الطيران سرت. ثم عاد إلى سرت 🚁.")
    doc.spans["triggers"] = [Span(doc, 0, 1, label="AirStrike")]
    doc.spans["sc"] = [Span(doc, 1, 2), Span(doc, 1, 3)]
    DocBin(docs=[doc]).to_disk(tmp_path / "own.spacy")
    with caplog.at_level(logging.WARNING):
        (found,) = annotation.read(tmp_path / "own.spacy", "spacy")
    assert found.text == doc.text
    assert [(each.id, each.label, each.start) for each in found.entities] == [
        ("T1", "LOC", 12),
        ("T2", "LOC", 28),
    ]
    assert [(each.type, each.trigger.text) for each in found.events] == [("AirStrike", "قصف")]
    assert [found.text[slice(*span)] for span in found.sentences] == [
        "قصف الطيران سرت.",
        "ثم عاد إلى سرت 🚁.",
    ]
    assert "span group 'sc' (2)" in caplog.text


def test_docs_without_annotation(tmp_path: Path) -> None:
    """A doc that was only tokenized is its text."""
    DocBin(docs=[spacy.blank("xx")("سرت  \n")]).to_disk(tmp_path / "bare.spacy")
    assert list(annotation.read(tmp_path / "bare.spacy", "spacy")) == [Document(text="سرت  \n")]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"PK\x03\x04 no zlib",
        zlib.compress(b"no msgpack \xc1"),
        zlib.compress(b"\x81\xa5attrs\x90"),
        DocBin().to_bytes()[:20],
    ],
    ids=["empty", "another file", "no msgpack", "other msgpack", "cut off"],
)
def test_what_is_no_docbin(data: bytes, tmp_path: Path) -> None:
    """Another file is refused in one sentence, and garbage collection is not left switched off."""
    path = tmp_path / "other.spacy"
    path.write_bytes(data)
    with pytest.raises(CorpusError, match=r"other\.spacy: expected a DocBin of spaCy, found something else"):
        list(annotation.read(path, "spacy"))
    assert gc.isenabled()


def test_a_bomb_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A small file that unpacks to a huge one is refused before it is in memory."""
    monkeypatch.setattr(spacy_format, "_LARGEST_FILE", 2**20)
    (tmp_path / "bomb.spacy").write_bytes(zlib.compress(bytes(2**24)))
    with pytest.raises(InputError, match=r"bomb\.spacy: expected a DocBin of at most 1,048,576 bytes"):
        list(annotation.read(tmp_path / "bomb.spacy", "spacy"))


def test_user_data_that_does_not_fit(tmp_path: Path) -> None:
    """User data of another text is told by the document's number and the mention that is wrong."""
    doc = to_doc(STRIKE, Vocab())
    other = spacy.blank("ar")("نص آخر")
    other.user_data.update(doc.user_data)
    DocBin(docs=[other], store_user_data=True).to_disk(tmp_path / "odd.spacy")
    with pytest.raises(CorpusError, match=r"odd\.spacy: document 0: document 'a1': "):
        list(annotation.read(tmp_path / "odd.spacy", "spacy"))
    other.user_data["libyaevents"] = "[1]"
    with pytest.raises(DocumentError, match="user data: libyaevents: expected a JSON object"):
        from_doc(other)


def test_missing_file(tmp_path: Path) -> None:
    """A file that is not there is named."""
    with pytest.raises(MissingFileError, match=r"absent\.spacy: expected a \.spacy file, found none"):
        list(annotation.read(tmp_path / "absent.spacy", "spacy"))


def test_without_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where spaCy is not installed, the pip line is named."""
    monkeypatch.setitem(sys.modules, "spacy", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'libyaevents\[spacy\]'"):
        annotation.write_stream([STRIKE], io.BytesIO(), "spacy")
