"""The queries of docs/queries.md, on shards written here."""

import json
import re
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from libyaevents.batch.shards import Refusal, Result, Shard, encode
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

PAGE = Path(__file__).parents[2] / "docs" / "queries.md"
SECTION = re.compile(r"^## (.+?)$(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
TEXT = "خبر عاجل 🙂\nقصف الجيش قوات الوفاق في سرت."
ARMY = Actor(id="lna", name="الجيش الوطني", side="east")
GOVERNMENT = Actor(id="gna", name="حكومة الوفاق", side="west")
PLACE = Place(name="سرت", latitude=31.2, longitude=16.6, country="LY")


def report(
    number: int, status: Any, *, killed: int, claimant: Actor, day: str | None = "2020-06-05"
) -> Document:
    """An article on one air strike; the claimant says what was, and how many were killed."""
    event = Event(
        id="E1",
        type="AirStrike",
        trigger=Trigger(start=11, end=14, text="قصف"),
        arguments=(
            Argument(role="Agent", start=15, end=20, text="الجيش", entity_id="T1"),
            Argument(role="Patient", start=21, end=32, text="قوات الوفاق", actor=GOVERNMENT),
        ),
        time=Timex(value=day) if day else None,
        place=PLACE,
        claim=Claim(claimed_by=claimant, status=status),
        casualties=(Casualties(kind="killed", best=killed),),
    )
    entity = Entity(id="T1", label="ORG", start=15, end=20, text="الجيش", actor=ARMY)
    return Document(
        id=f"a{number}",
        published=date(2020, 6, 8),
        text=TEXT,
        sentences=((0, 10), (11, len(TEXT))),
        entities=(entity,),
        events=(event,),
    )


@pytest.fixture
def shards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two shards in `out`, below the folder in which the test runs."""
    monkeypatch.chdir(tmp_path)
    Path("out").mkdir()
    first = [
        report(1, "claimed", killed=4, claimant=ARMY),
        report(2, "denied", killed=0, claimant=GOVERNMENT),
    ]
    second = [report(3, "happened", killed=4, claimant=ARMY, day=None)]
    for number, documents in enumerate([first, second]):
        shard = Shard(Path("out"), number, "parquet", first=0)
        refusal = Refusal(0, f"news.jsonl:{number}", None, "expected text, found none")
        shard.add(Result(encode(documents, "parquet"), len(documents), [refusal]), 3)
        shard.finish()


def queries() -> dict[str, str]:
    """The SQL of each section of the page."""
    sections = SECTION.findall(PAGE.read_text(encoding="utf-8"))
    return {title: "".join(re.findall(r"```sql\n(.*?)```", body, re.DOTALL)) for title, body in sections}


QUERIES = queries()
VIEWS, *TITLES = QUERIES


@pytest.fixture
def ask(shards: None) -> Any:
    """Run the query of a section, with the views at hand."""
    with duckdb.connect() as connection:
        connection.execute(QUERIES[VIEWS])
        yield lambda title: connection.execute(QUERIES[title]).fetchall()


@pytest.mark.parametrize("title", TITLES)
def test_every_query_answers(title: str, ask: Any) -> None:
    """A query of the page runs as it stands, and finds what is there."""
    assert ask(title)


def test_events_a_week(ask: Any) -> None:
    """Two events of one week, by the day that the text tells, and one by the day of publication."""
    assert ask("Events a week, by actor and type") == [
        (date(2020, 6, 1), "الجيش الوطني", "AirStrike", 2),
        (date(2020, 6, 8), "الجيش الوطني", "AirStrike", 1),
    ]


@pytest.mark.parametrize("time", ["2019", "2019-05", "2019-W13"])
def test_what_has_no_day_is_on_none(time: str, ask: Any) -> None:
    """An event known by year, month or week is not put on the day of publication."""
    shard = Shard(Path("out"), 2, "parquet", first=0)
    document = report(4, "denied", killed=9, claimant=GOVERNMENT, day=time)
    shard.add(Result(encode([document], "parquet"), 1, []), 1)
    shard.finish()
    assert len(ask("Events a week, by actor and type")) == 2
    ((*_, documents),) = ask("Claims that conflict")
    assert "a4" not in documents
    ((_, _, _, most, _),) = ask("Figures that disagree")
    assert most == 4


def test_conflicts(ask: Any) -> None:
    """What one side claims and the other denies is found, with who says what."""
    ((day, place, kind, told, denied, documents),) = ask("Claims that conflict")
    assert (day, place, kind) == (date(2020, 6, 5), "سرت", "AirStrike")
    assert (told, denied, sorted(documents)) == (["الجيش الوطني"], ["حكومة الوفاق"], ["a1", "a2"])


def test_figures(ask: Any) -> None:
    """Figures that disagree come with their sources."""
    ((_, _, least, most, figures),) = ask("Figures that disagree")
    assert (least, most) == (0, 4)
    assert {"says": "حكومة الوفاق", "killed": 0} in figures


def test_offsets_are_those_of_sql(ask: Any) -> None:
    """The sentence behind an emoji is the sentence: DuckDB counts code points, too."""
    sentences = {sentence for *_, sentence in ask("Back to the text")}
    assert sentences == {"قصف الجيش قوات الوفاق في سرت."}


def test_the_page_is_about_this_format(ask: Any) -> None:
    """A shard opened without a view has the columns that the page names."""
    with duckdb.connect() as connection:
        found = connection.execute("SELECT id, text, entities, events FROM 'out/documents-00000.parquet'")
        row = found.fetchone()
    assert row is not None
    assert row[:2] == ("a1", TEXT)
    assert json.loads(Path("out/quarantine-00000.jsonl").read_text(encoding="utf-8"))["record"] == 0
