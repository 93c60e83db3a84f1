"""Label Studio's exports: as it writes them, as we write tasks, and as they go wrong."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from libyaevents.documents import Argument, Document, Entity, Event, Trigger
from libyaevents.errors import CorpusError, MissingFileError
from libyaevents.formats import annotation
from libyaevents.formats.labelstudio import labeling_config, read_labelstudio
from libyaevents.ontology import load_ontology

TEXT = "🚁 قصف الجيش سرت\r\nوقال المتحدث إن الهجوم فشل"

Save = Callable[[Any], Path]


@pytest.fixture
def save(tmp_path: Path) -> Save:
    """Write an export."""

    def save(export: Any) -> Path:
        path = tmp_path / "export.json"
        text = export if isinstance(export, str) else json.dumps(export, ensure_ascii=False)
        path.write_text(text, encoding="utf-8")
        return path

    return save


def region(id: str, control: str, label: str, mention: str, *, is_utf16: bool = False) -> dict[str, Any]:
    """A region of an export, with what Label Studio adds to it."""
    start = TEXT.index(mention) + is_utf16
    value = {"start": start, "end": start + len(mention), "text": mention, "labels": [label]}
    where = {"id": id, "from_name": control, "to_name": "text", "type": "labels", "origin": "manual"}
    return {"value": value, **where}


def task(*results: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """A task of the export JSON, with every field that an export has."""
    made = {
        "id": 5,
        "completed_by": 1,
        "result": list(results),
        "was_cancelled": False,
        "ground_truth": False,
        "created_at": "2024-05-01T10:00:00.000000Z",
        "updated_at": "2024-05-01T10:00:00.000000Z",
        "draft_created_at": None,
        "lead_time": 12.5,
        "prediction": {},
        "result_count": 0,
        "unique_id": "00000000-0000-0000-0000-000000000000",
        "import_id": None,
        "last_action": None,
        "task": 17,
        "project": 3,
        "updated_by": 1,
        "parent_prediction": None,
        "parent_annotation": None,
        "last_created_by": None,
    }
    whole = {
        "id": 17,
        "annotations": [made],
        "file_upload": "tasks.json",
        "drafts": [],
        "predictions": [],
        "data": {"text": TEXT},
        "meta": {},
        "created_at": "2024-05-01T10:00:00.000000Z",
        "updated_at": "2024-05-01T10:00:00.000000Z",
        "inner_id": 1,
        "total_annotations": 1,
        "cancelled_annotations": 0,
        "total_predictions": 0,
        "comment_count": 0,
        "unresolved_comment_count": 0,
        "last_comment_updated_at": None,
        "project": 3,
        "updated_by": 1,
        "comment_authors": [],
    }
    return {**whole, **fields}


def relation(from_id: str, to_id: str, *labels: str, direction: str = "right") -> dict[str, Any]:
    """A relation of an export."""
    ends = {"from_id": from_id, "to_id": to_id, "type": "relation", "direction": direction}
    return {**ends, "labels": list(labels)} if labels else ends


def choice(id: str, value: str) -> dict[str, Any]:
    """A choice on a region of an export."""
    spans = {"start": 0, "end": 1, "text": "", "choices": [value]}
    return {"value": spans, "id": id, "from_name": "factuality", "to_name": "text", "type": "choices"}


def test_export_of_our_project(save: Save) -> None:
    """Regions, choices and relations of the export JSON become entities, events, factuality and roles."""
    path = save(
        [
            task(
                region("wQ1", "entity", "MILITARY", "الجيش"),
                region("wQ2", "event", "AirStrike", "قصف"),
                region("wQ3", "entity", "GPE", "سرت"),
                region("wQ4", "argument", "Argument", "المتحدث"),
                choice("wQ2", "possible"),
                relation("wQ2", "wQ1", "Agent"),
                relation("wQ3", "wQ2", "Place", direction="left"),
                relation("wQ2", "wQ4", "Source", "Topic"),
            )
        ]
    )
    (document,) = read_labelstudio(path)
    assert (document.id, document.text) == ("17", TEXT)
    assert [(each.id, each.label, each.text, each.score) for each in document.entities] == [
        ("wQ1", "MILITARY", "الجيش", None),
        ("wQ3", "GPE", "سرت", None),
    ]
    (event,) = document.events
    assert (event.id, event.type, event.trigger.text, event.factuality) == (
        "wQ2",
        "AirStrike",
        "قصف",
        "possible",
    )
    assert [(each.role, each.text, each.entity_id) for each in event.arguments] == [
        ("Agent", "الجيش", "wQ1"),
        ("Place", "سرت", "wQ3"),
        ("Source", "المتحدث", None),
        ("Topic", "المتحدث", None),
    ]


def test_export_of_another_project(save: Save, caplog: pytest.LogCaptureFixture) -> None:
    """Where controls and the text are called otherwise, labels and roles tell triggers; the rest is said."""
    other = region("d", "label", "Person", "المتحدث")
    path = save(
        task(
            region("a", "label", "Attack", "الهجوم"),
            region("b", "label", "Raid", "قصف"),
            region("c", "label", "GPE", "سرت"),
            {**other, "value": {**other["value"], "labels": []}},
            {"id": "e", "from_name": "note", "to_name": "text", "type": "textarea", "value": {"text": ["؟"]}},
            relation("b", "c", "Place"),
            relation("c", "a"),
            data={"Full_Text": TEXT},
        )
    )
    (document,) = read_labelstudio(path)
    assert [(each.type, len(each.arguments)) for each in document.events] == [("Attack", 0), ("Raid", 1)]
    assert [each.label for each in document.entities] == ["GPE"]
    assert "regions without a label left out (1)" in caplog.text
    assert "results of type textarea left out (1)" in caplog.text
    assert "relations that give no event a role left out (1)" in caplog.text


def test_json_min(save: Save) -> None:
    """Rows of JSON-MIN have regions by control, and neither relations nor choices of a region."""
    entity, trigger = region("a", "entity", "GPE", "سرت"), region("b", "event", "Attack", "الهجوم")
    row = {
        "text": TEXT,
        "id": 17,
        "entity": [entity["value"]],
        "event": [trigger["value"]],
        "factuality": ["possible"],
        "annotator": 1,
        "annotation_id": 5,
        "created_at": "2024-05-01T10:00:00.000000Z",
        "updated_at": "2024-05-01T10:00:00.000000Z",
        "lead_time": 12.5,
    }
    (document,) = read_labelstudio(save([row]))
    assert (document.id, document.entities[0].text, document.events[0].type) == ("17", "سرت", "Attack")


def test_older_exports_count_utf16(save: Save, caplog: pytest.LogCaptureFixture) -> None:
    """Offsets in UTF-16 units, as older releases count, are converted where the covered texts prove it."""
    path = save([task(region("a", "entity", "GPE", "سرت", is_utf16=True))])
    (document,) = read_labelstudio(path)
    assert document.entities[0].text == "سرت"
    assert "tasks whose offsets count UTF-16 code units: converted (1)" in caplog.text


def test_line_breaks_in_covered_texts(save: Save) -> None:
    r"""Label Studio writes a line break of a covered text as \n in two characters."""
    found = region("a", "entity", "NAMED_EVENT", "سرت\r\nوقال")
    found["value"]["text"] = r"سرت\n\nوقال"
    (document,) = read_labelstudio(save([task(found)]))
    assert document.entities[0].text == "سرت\r\nوقال"


def test_which_annotation_is_read(save: Save, caplog: pytest.LogCaptureFixture) -> None:
    """The first annotation that was not cancelled is read, predictions only where there is none."""
    first, second = ([region(id, "entity", "GPE", "سرت")] for id in ("a", "b"))
    annotations = [{"result": [], "was_cancelled": True}, {"result": first}, {"result": second}]
    predictions = [{"result": [{**second[0], "score": 0.5}], "model_version": "1"}]
    (document,) = read_labelstudio(save([task(annotations=annotations, predictions=predictions)]))
    assert [(each.id, each.score) for each in document.entities] == [("a", None)]
    assert "further annotations of a task left out (1)" in caplog.text
    (document,) = read_labelstudio(save([task(annotations=[], predictions=predictions)]))
    assert [(each.id, each.score) for each in document.entities] == [("b", 0.5)]


def predicted(score: float | None) -> Document:
    """A document with one event, as a model or a person makes it."""
    text = "قصف الجيش سرت"
    return Document(
        id="a1",
        title="خبر",
        text=text,
        sentences=((0, len(text)),),
        entities=(Entity(id="T1", label="MILITARY", start=4, end=9, text="الجيش", score=score),),
        events=(
            Event(
                id="E1",
                type="Shelling",
                trigger=Trigger(start=0, end=3, text="قصف"),
                arguments=(
                    Argument(role="Agent", start=4, end=9, text="الجيش", entity_id="T1"),
                    Argument(role="Source", start=4, end=9, text="الجيش", entity_id="T1"),
                    Argument(role="Place", start=10, end=13, text="سرت"),
                ),
            ),
        ),
    )


def test_tasks_of_ours(tmp_path: Path) -> None:
    """Gold is an annotation; a pair of regions has one relation, of which Label Studio keeps no second."""
    annotation.write([predicted(None)], tmp_path / "tasks.json", "labelstudio")
    (written,) = json.loads((tmp_path / "tasks.json").read_text(encoding="utf-8"))
    assert written["data"] == {"text": "قصف الجيش سرت", "id": "a1", "title": "خبر"}
    assert written["meta"] == {"sentences": [[0, 13]]}
    (made,) = written["annotations"]
    assert [(each.get("from_name"), each.get("id"), each.get("labels")) for each in made["result"]] == [
        ("entity", "T1", None),
        ("event", "E1", None),
        ("factuality", "E1", None),
        ("argument", "A1", None),
        (None, None, ["Agent", "Source"]),
        (None, None, ["Place"]),
    ]


def test_predictions_of_ours(tmp_path: Path) -> None:
    """What a model found is a prediction, with its scores."""
    annotation.write([predicted(0.75)], tmp_path / "tasks.json", "labelstudio")
    (written,) = json.loads((tmp_path / "tasks.json").read_text(encoding="utf-8"))
    (made,) = written["predictions"]
    assert "annotations" not in written
    assert (made["model_version"], made["score"], made["result"][0]["score"]) == ("libyaevents", 0.75, 0.75)


def test_labeling_config() -> None:
    """The labeling interface has every label of the ontology, in the controls that the tasks name."""
    view, ontology = ElementTree.fromstring(labeling_config()), load_ontology()

    def values(path: str) -> tuple[str, ...]:
        return tuple(item.attrib["value"] for item in view.findall(path))

    assert values("Labels[@name='entity']/Label") == ontology.entity_labels
    assert values("Labels[@name='event']/Label") == ontology.event_labels
    assert values("Labels[@name='argument']/Label") == ("Argument",)
    assert values("Choices[@name='factuality']/Choice") == ontology.factuality_labels
    assert values("Relations/Relation") == ontology.role_labels
    assert values("Text[@name='text']") == ("$text",)


BAD_VALUE = {**region("a", "entity", "GPE", "سرت"), "value": {"start": "14", "end": 17, "labels": ["GPE"]}}
OUTSIDE = {**region("a", "entity", "GPE", "سرت"), "value": {"start": 900, "end": 917, "labels": ["GPE"]}}
CHANGED = {
    **region("a", "entity", "GPE", "سرت"),
    "value": {"start": 2, "end": 5, "text": "سبها", "labels": ["GPE"]},
}


@pytest.mark.parametrize(
    ("export", "message"),
    [
        ("{", "export.json: expected a JSON object, found malformed JSON: Expecting property name"),
        ("[" * 100_000, "export.json: expected a JSON object, found malformed JSON: maximum recursion depth"),
        ("[]", "export.json: expected a list of tasks, found none in it"),
        ("[3]", "export.json: task 0: expected a JSON object, found 3"),
        ([{"data": []}], "task 0: data: expected an object, found []"),
        ([{"data": {"text": 3}}], "task 0: data.text: expected a string, found 3"),
        ([{"data": {"a": "س", "b": "ص"}}], "task 0: data: expected a field 'text', or one string alone"),
        ([task(), task(BAD_VALUE)], "task 1: annotations[0].result[0].value.start: expected a whole number"),
        (
            [task(OUTSIDE)],
            "task 0: annotations[0].result[0].value: expected offsets of some of the text's 43",
        ),
        (
            [task(CHANGED)],
            "task 0: annotations[0].result[0].value.text: expected 'قصف', the text's [2:5], found",
        ),
        (
            [task(*[region("a", "entity", "GPE", "سرت")] * 2)],
            "result[1].id: expected an id of its own, found 'a'",
        ),
        (
            [task(relation("a", "b", "Place"))],
            "result[0]: expected a relation between labeled regions, found",
        ),
        (
            [
                task(
                    annotations=[],
                    predictions=[{"result": [{**region("a", "entity", "GPE", "سرت"), "score": 5}]}],
                )
            ],
            "export.json: task 0: document '17': entities[0].score: expected a Python number from 0 to 1",
        ),
        ([task(annotations=[{"result": "none"}])], "annotations[0].result: expected a list, found 'none'"),
    ],
    ids=range(14),
)
def test_bad_exports(save: Save, export: Any, message: str) -> None:
    """What is malformed is refused with the place of it."""
    with pytest.raises(CorpusError) as caught:
        list(read_labelstudio(save(export)))
    assert message in str(caught.value)


def test_missing_file(tmp_path: Path) -> None:
    """A file that is not there is said to be missing."""
    with pytest.raises(MissingFileError, match="expected a JSON file of Label Studio, found none"):
        list(read_labelstudio(tmp_path / "absent.json"))
