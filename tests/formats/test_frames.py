"""Documents as pandas frames: rows, types, keys to join by, and what enrichment adds."""

import sys
from dataclasses import replace
from datetime import date

import pytest

import libyaevents
from libyaevents.datasets import load_corpus
from libyaevents.enrich import enrich
from libyaevents.errors import MissingExtraError
from libyaevents.formats.frames import to_frames
from libyaevents.formats.rows import columns_of

OPEN = load_corpus("open", split="dev")


def test_a_row_for_each_thing() -> None:
    """Entities, events and arguments each have a frame, in the order of the documents."""
    entities, events, arguments = to_frames(iter(OPEN))
    assert list(entities["text"]) == [entity.text for document in OPEN for entity in document.entities]
    assert list(events["trigger"]) == [event.trigger.text for document in OPEN for event in document.events]
    assert list(arguments["role"]) == [
        argument.role for document in OPEN for event in document.events for argument in event.arguments
    ]
    assert list(events.columns) == list(columns_of("table"))


def test_offsets_cut_the_text() -> None:
    """Offsets of every frame are whole numbers that cut the document's own text."""
    texts = {document.id: document.text for document in OPEN}
    frames = to_frames(OPEN)
    for frame, column in ((frames.entities, "text"), (frames.events, "trigger"), (frames.arguments, "text")):
        cut = [texts[row.document][row.start : row.end] for row in frame.itertuples()]
        assert cut == list(frame[column])


def test_frames_can_be_joined() -> None:
    """`document` and `event` lead from an argument to its event, `document` and `entity` to its entity."""
    entities, events, arguments = to_frames(OPEN)
    joined = arguments.merge(
        events, on=["document", "event"], validate="many_to_one", suffixes=("", "_event")
    )
    assert len(joined) == len(arguments)
    named = arguments.dropna(subset=["entity"])
    both = named.merge(entities, on=["document", "entity"], validate="many_to_one", suffixes=("", "_entity"))
    assert len(both) == len(named) > 0
    assert (both["text"] == both["text_entity"]).all()


def test_documents_without_ids_are_told_apart() -> None:
    """Texts that were read without ids are called by their places."""
    documents = [*(replace(document, id=None) for document in OPEN[:2]), OPEN[2]]
    frame = to_frames(documents).events
    assert list(dict.fromkeys(frame["document"])) == ["0", "1", OPEN[2].id]


def test_enrichment_has_its_columns() -> None:
    """Dates, coordinates and actors are numbers and days where they were resolved, and missing elsewhere."""
    plain, rich = to_frames(OPEN), to_frames(map(enrich, OPEN))
    assert plain.events["latitude"].isna().all()
    assert 20 < rich.events["latitude"].dropna().astype(float).mean() < 40
    assert rich.events["date_start"].dropna().dt.date.max() < date(2025, 1, 1)
    assert set(rich.entities.loc[rich.entities["label"] == "GPE", "country"].dropna()) >= {"LY"}
    assert rich.entities["core_start"].notna().any()
    assert {column: str(kind) for column, kind in rich.events.dtypes.items()} == {
        column: str(kind) for column, kind in plain.events.dtypes.items()
    }


def test_missing_is_missing() -> None:
    """A score that nobody gave is no number, and a count that nobody gave is not zero."""
    frames = to_frames(OPEN)
    assert frames.entities["score"].isna().all()
    assert str(frames.events["killed"].dtype) == "Int64"
    assert frames.events["time_inferred"].isna().all()


def test_no_documents() -> None:
    """Without documents the frames are empty and have all their columns."""
    frames = libyaevents.to_frames([])
    assert [len(frame) for frame in frames] == [0, 0, 0]
    assert "killed" in frames.events


def test_without_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where pandas is not installed, the pip line is named."""
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'libyaevents\[pandas\]'"):
        to_frames(OPEN)
