"""The columns of shards: as documented, and without loss."""

import re
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from libyaevents.batch.schema import TABLES, arrow_schema, from_row, to_table
from libyaevents.documents import (
    Actor,
    Argument,
    Casualties,
    Claim,
    Document,
    Entity,
    Event,
    Place,
    Timex,
    Trigger,
)
from libyaevents.formats.frames import to_frames

PAGE = Path(__file__).parents[2] / "docs" / "batch.md"
TEXT = "قصفت طائرات سرت أمس."

full_actor = Actor(
    id="lna", name="الجيش", kind="army", code="LNA", side="east", valid_from=date(2014, 5, 16), valid_to=None
)
optional_text = st.none() | st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
scores = st.none() | st.floats(0, 1)
claims = st.builds(
    Claim,
    claimed_by=st.none() | st.just("مصدر") | st.just(full_actor),
    party=st.none() | st.booleans(),
    status=st.sampled_from([None, "happened", "claimed", "denied", "planned"]),
)
places = st.builds(
    Place, name=st.just("سرت"), latitude=st.none() | st.floats(-90, 90), precision=st.sampled_from([None, 1])
)
times = st.builds(
    Timex, value=optional_text, precision=st.sampled_from([None, "day"]), anchor=st.none() | st.dates()
)
casualties = st.builds(
    Casualties, kind=st.just("killed"), best=st.none() | st.integers(0, 99), source=optional_text
)
events = st.builds(
    Event,
    id=st.just("E1"),
    type=st.just("AirStrike"),
    trigger=st.builds(Trigger, start=st.just(0), end=st.just(4), text=st.just("قصفت"), score=scores),
    arguments=st.lists(
        st.builds(
            Argument,
            role=st.just("Agent"),
            start=st.just(5),
            end=st.just(11),
            text=st.just("طائرات"),
            actor=st.none() | st.just(full_actor),
        ),
        max_size=2,
    ).map(tuple),
    time=st.none() | times,
    place=st.none() | places,
    claim=st.none() | claims,
    casualties=st.lists(casualties, max_size=2).map(tuple),
)
entities = st.builds(
    Entity,
    id=st.just("T1"),
    label=st.just("GPE"),
    start=st.just(12),
    end=st.just(15),
    text=st.just("سرت"),
    core=st.none() | st.just((12, 15)),
    score=scores,
)
documents = st.builds(
    Document,
    id=optional_text,
    published=st.none() | st.dates(),
    text=st.just(TEXT),
    sentences=st.sampled_from([(), ((0, 20),), ((0, 4), (5, 20))]),
    entities=st.lists(entities, max_size=1).map(tuple),
    events=st.lists(events, max_size=1).map(tuple),
    metadata=st.dictionaries(st.sampled_from(["model", "وسم"]), st.text("ab", max_size=2)),
)


@settings(deadline=None)
@given(documents)
def test_nothing_is_lost(document: Document) -> None:
    """A document read back from its row is the document."""
    table = to_table([document])
    assert table.schema == arrow_schema()
    assert [from_row(row) for row in table.to_pylist()] == [document]


@pytest.mark.parametrize("table", TABLES)
def test_a_table_of_no_document_has_all_columns(table: str) -> None:
    """The schema does not depend on what is in it."""
    assert to_table([], table).schema == arrow_schema(table)


@settings(deadline=None)
@given(documents)
def test_flat_tables_are_the_frames(document: Document) -> None:
    """The flat tables hold, cell by cell, what `to_frames` gives."""
    named = replace(document, id="a1")
    frames = to_frames([named])
    for name in ("entities", "events", "arguments"):
        frame = getattr(frames, name)
        table = to_table([named], name)
        assert table.column_names == list(frame.columns)
        cells = frame.astype(object).where(frame.notna(), None)
        assert len(table) == len(frame)
        for column in table.column_names:
            expected = [_plain(value) for value in cells[column]]
            assert [_plain(value) for value in table.column(column).to_pylist()] == expected


def _plain(value: Any) -> Any:
    """A cell of either, days without a time."""
    return value.date() if hasattr(value, "date") else value


def test_number_beyond_64_bits() -> None:
    """A figure that no column holds is an error, and not another figure."""
    event = Event(
        id="E1",
        type="Kill",
        trigger=Trigger(start=0, end=4, text="قصفت"),
        casualties=(Casualties(kind="killed", best=2**70),),
    )
    with pytest.raises((OverflowError, pyarrow.ArrowInvalid)):
        to_table([Document(text=TEXT, events=(event,))])


def test_the_schema_is_the_documented_one() -> None:
    """docs/batch.md lists every column and field with its type, in order."""
    (block,) = re.findall(r"```text\n(id +string.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert block == "".join(f"{line}\n" for line in listing(arrow_schema()))


def listing(fields: Any, indent: int = 0) -> list[str]:
    """Fields a line, those of a struct below it."""
    lines = []
    for field in fields:
        kind, prefix = field.type, ""
        if pyarrow.types.is_list(kind):
            kind, prefix = kind.value_type, "list of "
        is_struct = pyarrow.types.is_struct(kind)
        name = "struct" if is_struct else str(kind).replace("[day]", "").replace(" ('metadata')", "")
        lines.append(f"{'  ' * indent + field.name:<20} {prefix}{name}")
        if is_struct:
            lines += listing([kind.field(number) for number in range(kind.num_fields)], indent + 1)
    return lines
