"""doccano's lines: as it exports them, as we write them, and as they go wrong."""

import json
from pathlib import Path
from typing import Any

import pytest

from libyaevents.documents import Argument, Document, Entity, Event, Trigger
from libyaevents.errors import CorpusError, MissingFileError
from libyaevents.formats import annotation
from libyaevents.formats.doccano import read_doccano
from libyaevents.formats.losses import SPELLING

TEXT = "🚁 قصف الجيش سرت ونفى الهجوم"


def save(path: Path, *rows: Any) -> Path:
    """A file of these lines."""
    lines = (row if isinstance(row, str) else json.dumps(row, ensure_ascii=False) for row in rows)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def span(id: int, label: str, mention: str, *, is_utf16: bool = True) -> dict[str, Any]:
    """An entity of a line; 🚁 at the text's start counts two in doccano."""
    start = TEXT.index(mention) + is_utf16
    return {"id": id, "label": label, "start_offset": start, "end_offset": start + len(mention)}


def test_export_with_relations(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A line as doccano exports it: triggers by label or by their roles, factuality by a span over them."""
    row = {
        "id": 1204,
        "text": TEXT,
        "desk": "ليبيا",
        "source": None,
        "Comments": [],
        "entities": [
            span(81, "MILITARY", "الجيش"),
            span(82, "AirStrike", "قصف"),
            span(83, "GPE", "سرت"),
            span(84, "Offensive", "الهجوم"),
            span(85, "negated", "الهجوم"),
        ],
        "relations": [
            {"id": 9, "from_id": 82, "to_id": 81, "type": "Agent"},
            {"id": 10, "from_id": 82, "to_id": 83, "type": "Place"},
            {"id": 11, "from_id": 84, "to_id": 83, "type": "Place"},
            {"id": 12, "from_id": 81, "to_id": 83, "type": "locatedIn"},
        ],
    }
    (document,) = read_doccano(save(tmp_path / "all.jsonl", row))
    assert (document.id, document.text) == ("1204", TEXT)
    assert [(each.id, each.label, each.text) for each in document.entities] == [
        ("T1", "MILITARY", "الجيش"),
        ("T2", "GPE", "سرت"),
    ]
    assert [(each.id, each.type, each.factuality, len(each.arguments)) for each in document.events] == [
        ("E1", "AirStrike", "actual", 2),
        ("E2", "Offensive", "negated", 1),
    ]
    assert "relations that give no event a role left out (1)" in caplog.text


@pytest.mark.parametrize("name", ["label", "labels"])
def test_export_without_relations(tmp_path: Path, name: str) -> None:
    """Lines of a project without relations have [start, end, label]."""
    row = {"id": 3, "text": "قصف سرت", name: [[0, 3, "Shelling"], [4, 7, "GPE"]], "Comments": []}
    (document,) = read_doccano(save(tmp_path / "all.jsonl", row))
    assert (document.entities[0].text, document.events[0].trigger.text) == ("سرت", "قصف")


def test_json_list(tmp_path: Path) -> None:
    """One JSON list is read as lines are; white space and a byte-order mark before it are nothing."""
    (tmp_path / "all.json").write_text(
        '\ufeff [{"id": 1, "text": "سرت"}, {"id": 2, "text": "درنة"}]', "utf-8"
    )
    assert [each.id for each in read_doccano(tmp_path / "all.json")] == ["1", "2"]


def test_offsets_of_programs(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Spans that are whole words only when code points are counted are read so, and that is said."""
    path = save(tmp_path / "all.jsonl", {"text": TEXT, "entities": [span(1, "GPE", "سرت", is_utf16=False)]})
    assert next(read_doccano(path)).entities[0].text == "سرت"
    list(read_doccano(path))
    assert "lines read as code points" in caplog.text


def test_what_we_write(tmp_path: Path) -> None:
    """Offsets count UTF-16 units, ids are the file's own, factuality is a span, other facts are metadata."""
    event = Event(
        id="E1",
        type="Siege",
        trigger=Trigger(start=2, end=5, text="قصف"),
        factuality="possible",
        arguments=(
            Argument(role="Place", start=12, end=15, text="سرت", entity_id="T1"),
            Argument(role="Agent", start=6, end=11, text="الجيش"),
        ),
    )
    entity = Entity(id="T1", label="GPE", start=12, end=15, text="سرت")
    document = Document(id="a1", text=TEXT, entities=(entity,), events=(event,))
    other = Document(text="سرت", entities=(Entity(id="T1", label="GPE", start=0, end=3, text="سرت"),))
    assert annotation.write([document, other], tmp_path / "all.jsonl", "doccano").total() == 0
    first, second = map(json.loads, (tmp_path / "all.jsonl").read_text(encoding="utf-8").splitlines())
    assert first == {
        "text": TEXT,
        "entities": [
            {"id": 1, "label": "GPE", "start_offset": 13, "end_offset": 16},
            {"id": 2, "label": "Siege", "start_offset": 3, "end_offset": 6},
            {"id": 3, "label": "possible", "start_offset": 3, "end_offset": 6},
            {"id": 6, "label": "Argument", "start_offset": 7, "end_offset": 12},
        ],
        "relations": [
            {"id": 4, "from_id": 2, "to_id": 3, "type": "Factuality"},
            {"id": 5, "from_id": 2, "to_id": 1, "type": "Place"},
            {"id": 7, "from_id": 2, "to_id": 6, "type": "Agent"},
        ],
        "document_id": "a1",
        "sentences": [],
        "event_types": ["Siege"],
        "offset_unit": "UTF-16 code units",
    }
    assert second["entities"][0]["id"] == 8
    assert list(read_doccano(tmp_path / "all.jsonl")) == [document, other]


def test_labels_that_mean_something_else(tmp_path: Path) -> None:
    """An entity that is called as an event is written under another name, and that is counted."""
    entity = Entity(id="T1", label="Attack", start=0, end=3, text="سرت")
    losses = annotation.write([Document(text="سرت", entities=(entity,))], tmp_path / "all.jsonl", "doccano")
    assert losses == {SPELLING: 1}
    assert next(read_doccano(tmp_path / "all.jsonl")).entities[0].label == "Attack_"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "all.jsonl:2: expected a JSON object, found malformed JSON"),
        ("[" * 100_000, "all.jsonl:2: expected a JSON object, found malformed JSON: maximum recursion depth"),
        ('"سرت"', "all.jsonl:2: expected a JSON object, found 'سرت'"),
        ({"id": 1}, "all.jsonl:2: expected a field 'text', found ['id']"),
        ({"text": ["سرت"]}, "all.jsonl:2: text: expected a string, found ['سرت']"),
        ({"text": "سرت", "entities": {}}, "all.jsonl:2: entities: expected a list, found {}"),
        ({"text": "سرت", "entities": [[0, 3, "GPE"]]}, "all.jsonl:2: entities[0]: expected a JSON object"),
        (
            {"text": "سرت", "label": ["GPE"]},
            "all.jsonl:2: label[0]: expected [start, end, label], found 'GPE'",
        ),
        ({"text": "سرت", "label": [[0, 3, 7]]}, "all.jsonl:2: label[0].label: expected a string, found 7"),
        (
            {"text": "سرت", "label": [[0, 30, "GPE"]]},
            "expected offsets in the text, counted in UTF-16 code units",
        ),
        ({"text": "سرت", "label": [[3, 3, "GPE"]]}, "expected offsets in the text"),
        ({"text": "سرت", "published": "أمس"}, "all.jsonl:2: document: published: expected a date as in"),
        ({"text": "سرت", "offset_unit": "runes"}, "all.jsonl:2: offset_unit: expected a unit, found 'runes'"),
        (
            {"text": "سرت", "relations": [{"from_id": 1, "to_id": 2, "type": "Agent"}]},
            "all.jsonl:2: relations[0]: expected a relation between entities of the line, found 1",
        ),
    ],
    ids=range(14),
)
def test_bad_lines(tmp_path: Path, line: Any, message: str) -> None:
    """A bad line is refused with file and line number, after the good ones were given."""
    documents = read_doccano(save(tmp_path / "all.jsonl", {"id": 1, "text": "سرت"}, line))
    assert next(documents).id == "1"
    with pytest.raises(CorpusError) as caught:
        list(documents)
    assert message in str(caught.value)


def test_no_lines(tmp_path: Path) -> None:
    """An empty file and a missing one are refused."""
    with pytest.raises(CorpusError, match="expected one JSON object a line, found an empty file"):
        list(read_doccano(save(tmp_path / "all.jsonl")))
    with pytest.raises(MissingFileError, match="expected a JSONL file of doccano, found none"):
        list(read_doccano(tmp_path / "absent.jsonl"))
