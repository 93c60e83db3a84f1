"""Newly annotated files: all that is wrong is said at once, and what contradicts the model is found."""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from libyaevents.assemble import Labels
from libyaevents.documents import Document, Entity
from libyaevents.errors import CorpusError, LabelError, LibyaeventsError, MissingFileError
from libyaevents.formats.jsonl import write_documents
from libyaevents.ontology import load_ontology
from libyaevents.training.added import find_contradictions, read_added

PLACES = ("سرت", "درنة", "هون", "غات", "نالوت", "يفرن", "مزدة", "ودان")
LABELS = Labels.of(load_ontology(), {})

Break = Callable[[dict[str, Any]], object]


def _named(place: str, label: str = "GPE") -> Document:
    """An article with one name."""
    text = f"وصل الرتل إلى {place} ليلا."
    start = text.index(place)
    entity = Entity(id="T1", label=label, start=start, end=start + len(place), text=place)
    return Document(id=place, text=text, entities=(entity,), events=())


def _write(path: Path, documents: Sequence[Document], breaks: dict[int, Break]) -> None:
    """Write documents, a line each, some of which are broken by what `breaks` has for their number."""
    lines = []
    for number, document in enumerate(documents, start=1):
        value = document.to_dict()
        if number in breaks:
            breaks[number](value)
        lines.append(json.dumps(value, ensure_ascii=False))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _shift(value: dict[str, Any]) -> None:
    value["entities"][0]["start"] += 1


def _rename(label: str) -> Break:
    return lambda value: value["entities"][0].update(label=label)


def test_all_errors_at_once(tmp_path: Path) -> None:
    """A wrong offset, an unknown key and an unknown label: all three are named with their lines."""
    path = tmp_path / "new.jsonl"
    breaks: dict[int, Break] = {
        2: _shift,
        3: lambda value: value.update(entites=[]),
        5: _rename("DRONE"),
    }
    _write(path, [_named(place) for place in PLACES[:5]], breaks)
    with pytest.raises(CorpusError) as caught:
        read_added([str(path)], load_ontology())
    message = str(caught.value)
    assert message.startswith("3 errors, nothing was trained: (1) ")
    first, second, third = re.split(r"\(\d\) ", message)[1:]
    assert first.startswith(f"{path}:2: document 'درنة': entities[0].text: ")
    assert second.startswith(f"{path}:3: document 'هون': entites: ")
    assert third.startswith(f"{path}:5: unknown entity type 'DRONE' (1 of them); ")


def test_bytes_and_files_that_are_wrong(tmp_path: Path) -> None:
    """A line in another encoding is one error among others, over all files together."""
    first, second = tmp_path / "1.jsonl", tmp_path / "2.jsonl"
    first.write_bytes(b'{"text": "' + "سرت".encode("windows-1256") + b'"}\n{"text": 1}\n')
    write_documents([_named("سرت")], second)
    with pytest.raises(CorpusError, match=r"2 errors.*1\.jsonl:1: expected UTF-8.*1\.jsonl:2: ") as caught:
        read_added([str(first), str(second)], load_ontology())
    assert "2.jsonl" not in str(caught.value)


def test_many_errors_are_counted(tmp_path: Path) -> None:
    """Of very many errors the first are listed and the others counted."""
    path = tmp_path / "new.jsonl"
    documents = [replace(_named("سرت"), id=str(number)) for number in range(30)]
    _write(path, documents, dict.fromkeys(range(1, 31), _shift))
    with pytest.raises(CorpusError, match=r"^30 errors.*\(20\).* and 10 more$"):
        read_added([str(path)], load_ontology())


def test_unknown_labels(tmp_path: Path) -> None:
    """Labels that the ontology lacks are each listed once, with their number, and what to do about them."""
    path = tmp_path / "new.jsonl"
    breaks = {1: _rename("DRONE"), 3: _rename("DRONE"), 4: _rename("GPEE")}
    _write(path, [_named(place) for place in PLACES[:4]], breaks)
    with pytest.raises(LabelError) as caught:
        read_added([str(path)], load_ontology())
    message = str(caught.value)
    assert f"{path}:1: unknown entity type 'DRONE' (2 of them)" in message
    assert f"{path}:4: unknown entity type 'GPEE' (1 of them); did you mean 'GPE'?" in message
    assert "give the copy with --ontology" in message


def test_texts_of_the_probe(tmp_path: Path) -> None:
    """A text of the probe is refused, also under another id: what is trained on shows nothing."""
    write_documents([_named("سرت"), _named("درنة")], tmp_path / "new.jsonl")
    probe = [replace(_named("درنة"), id="p7")]
    with pytest.raises(CorpusError, match=r"new\.jsonl:2: expected a text that is not in the probe.*'p7'"):
        read_added([str(tmp_path / "new.jsonl")], load_ontology(), probe=probe)


def test_ids_over_files(tmp_path: Path) -> None:
    """One id for two texts is refused, over files too; the same text twice is read once."""
    paths = [str(tmp_path / name) for name in ("1.jsonl", "2.jsonl")]
    write_documents([_named("سرت")], paths[0])
    write_documents([replace(_named("درنة"), id="سرت")], paths[1])
    with pytest.raises(CorpusError, match=r"2\.jsonl:1: expected a document id of its own.*1\.jsonl:1"):
        read_added(paths, load_ontology())
    write_documents([_named("سرت"), _named("درنة")], paths[1])
    assert [document.id for document in read_added(paths, load_ontology())] == ["سرت", "درنة"]


@pytest.mark.parametrize(
    ("content", "error"),
    [
        ('{"text": "سرت"}\n', CorpusError),
        ("", CorpusError),
        (None, MissingFileError),
    ],
    ids=["nothing annotated", "empty", "absent"],
)
def test_nothing_to_learn(tmp_path: Path, content: str | None, error: type[LibyaeventsError]) -> None:
    """A file without annotation, without a line, or that is not there is refused by name."""
    path = tmp_path / "new.jsonl"
    if content is not None:
        path.write_text(content, encoding="utf-8")
    with pytest.raises(error, match=r"new\.jsonl"):
        read_added([str(path)], load_ontology())


# What contradicts the model


def test_swapped_labels_are_found() -> None:
    """Names that the model calls GPE and the annotation PERSON are a contradiction, with their number."""
    read = [_named(place) for place in PLACES]
    annotated = [_named(place, "PERSON") for place in PLACES]
    assert find_contradictions(annotated, read, LABELS) == ["of 8 words read as GPE, 8 are PERSON"]


def test_type_that_is_left_out_is_found() -> None:
    """A class that the model sees again and again, and the annotation never, is a contradiction."""
    read = [_named(place) for place in PLACES]
    bare = [replace(document, entities=()) for document in read]
    assert find_contradictions(bare, read, LABELS) == ["of 8 words read as GPE, 8 are not annotated"]
    assert find_contradictions([*bare[:-1], read[-1]], read, LABELS) == []


def test_what_is_no_contradiction() -> None:
    """Agreement is none, nor are few words, one name many times, or a label that is new to the model."""
    read = [_named(place) for place in PLACES]
    assert find_contradictions(read, read, LABELS) == []
    others = [_named(place, "LOC" if number < 4 else "GPE") for number, place in enumerate(PLACES)]
    assert find_contradictions(others, read, LABELS) == []
    often = [_named("سرت", "LOC")] * 20
    assert find_contradictions(often, [_named("سرت")] * 20, LABELS) == []
    assert find_contradictions([_named(place, "VILLAGE") for place in PLACES], read, LABELS) == []
