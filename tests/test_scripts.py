"""Scripts: annotation that is parted from its text comes back whole."""

import json
import runpy
from pathlib import Path
from typing import Any

import pytest

from libyaevents.datasets import load_corpus
from libyaevents.documents import Argument, Document, Entity, Event, Trigger
from libyaevents.enrich import ENRICHERS
from libyaevents.errors import InputError
from libyaevents.formats.jsonl import read_documents, write_documents

SCRIPT = Path(__file__).parent.parent / "scripts" / "standoff.py"


@pytest.fixture(scope="module")
def script() -> dict[str, Any]:
    """The names of `scripts/standoff.py`."""
    return runpy.run_path(str(SCRIPT))


@pytest.fixture
def document() -> Document:
    """Two paragraphs with an event whose argument is an entity, and one whose argument is none."""
    text = "قصفت طائرات سرت أمس.\nوقتل ثلاثة من السكان."
    return Document(
        id="1",
        text=text,
        sentences=((0, 20), (21, len(text))),
        entities=(Entity(id="T1", label="GPE", start=12, end=15, text="سرت"),),
        events=(
            Event(
                id="E1",
                type="AirStrike",
                trigger=Trigger(start=0, end=4, text="قصفت"),
                arguments=(Argument(role="Place", start=12, end=15, text="سرت", entity_id="T1"),),
            ),
            Event(
                id="E2",
                type="Kill",
                trigger=Trigger(start=21, end=25, text="وقتل"),
                factuality="possible",
                arguments=(Argument(role="Patient", start=35, end=41, text="السكان"),),
            ),
        ),
    )


def test_annotation_comes_back(script: dict[str, Any], document: Document, tmp_path: Path) -> None:
    """What was parted and joined with a file that holds the text among others is the same annotation."""
    write_documents([document], tmp_path / "gold.jsonl")
    standoff, text, out = (tmp_path / name for name in ("standoff.jsonl", "news.txt", "joined.jsonl"))
    assert script["main"](["part", str(tmp_path / "gold.jsonl"), "--out", str(standoff)]) == 0
    text.write_text(f"خبر آخر من سرت\n\n{document.text}\n\nخبر ثالث\n", encoding="utf-8")
    assert script["main"](["join", str(standoff), str(text), "--out", str(out)]) == 0
    assert list(read_documents(out)) == [document]


def test_no_word_of_the_text(script: dict[str, Any], document: Document) -> None:
    """The parted annotation holds labels and offsets, and no Arabic letter."""
    rows = json.dumps(list(script["part"]([document])), ensure_ascii=False)
    assert not any("\u0600" <= letter <= "\u06ff" for letter in rows)


def test_text_that_is_not_there(script: dict[str, Any], document: Document) -> None:
    """An annotation whose text is in no file is named."""
    rows = list(script["part"]([document]))
    with pytest.raises(InputError, match="text of 1 of 1 annotated documents is not in the files"):
        script["join"](rows, ["نص آخر"])


def test_statistics_page_is_up_to_date() -> None:
    """The tables of the open corpus' page are what the script counts, and its pictures are there."""
    root = Path(__file__).parent.parent
    statistics = runpy.run_path(str(root / "scripts" / "corpus_statistics.py"))
    documents = {split: load_corpus("open", split=split) for split in statistics["SPLITS"]}
    page = (root / "docs" / "open-corpus.md").read_text(encoding="utf-8")
    assert statistics["tables"](documents) in page
    assert len(list((root / "docs" / "images").glob("open-*.svg"))) == 4


def test_enricher_speed(tmp_path: Path, document: Document, capsys: pytest.CaptureFixture[str]) -> None:
    """The model and each enricher are timed, and the share of all enrichers is told."""
    write_documents([document], tmp_path / "one.jsonl")
    script = runpy.run_path(str(SCRIPT.parent / "enricher_speed.py"))
    script["main"]([str(tmp_path / "one.jsonl"), "--rounds", "1"])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "1 articles, 8 words each, 1 rounds"
    assert [line.split()[0] for line in lines[1:-1]] == ["model", *ENRICHERS]
    assert lines[-1].startswith("enrichers / model: ")
