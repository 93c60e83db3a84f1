"""Documents as rows of ACLED, UCDP GED and PLOVER, and as one table of all that is known."""

import logging
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from itertools import islice, repeat
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
from libyaevents.errors import ConfigError
from libyaevents.formats.codebooks import ACLED_TYPES
from libyaevents.formats.countries import find_country
from libyaevents.formats.rows import Row, columns_of, to_rows
from libyaevents.ontology import load_ontology

SHAPES = ("acled", "ucdp", "plover", "table")
CODEBOOKS = SHAPES[:3]
DOCS = Path(__file__).parents[2] / "docs" / "rows.md"

TEXT = (
    "قصفت قوات الجبل وكتيبة الوادي رتلا لكتائب السهل قرب سرت فجر الجمعة.\n"
    "وقالت وزارة الصحة إن سبعة قتلوا في القصف."
)
SENTENCE = TEXT.splitlines()[0]
NORTH = Actor(id="north", name="Mountain Forces", kind="State forces", code="LBYMIL", side="north")
SOUTH = Actor(id="south", name="Plain Battalions", kind="Political militia", code="LBYREB", side="south")
CIVILIANS = Actor(name="People of Sirte", kind="civilians")
FOREIGN = Actor(name="Foreign Air Force", kind="8")
CROWD = Actor(name="Crowd", kind="Rioters")
SIRTE = Place(
    name="Sirte",
    osm_id="node/1",
    latitude=31.2,
    longitude=16.59,
    radius_km=5.0,
    admin1="Surt",
    country="LY",
    feature="city",
    precision=2,
)
FRIDAY = Timex(type="DATE", value="2020-06-05", precision="day", anchor=date(2020, 6, 6))
SEVEN = Casualties(kind="killed", minimum=7, best=7, maximum=7, source="وزارة الصحة")


def span(text: str) -> dict[str, Any]:
    """Offsets and text of the first place where the document has a text."""
    start = TEXT.index(text)
    return {"start": start, "end": start + len(text), "text": text}


def entity(id: str, label: str, text: str, **fields: Any) -> Entity:
    """A mention of an entity."""
    return Entity(id=id, label=label, **span(text), **fields)


def argument(role: str, text: str, **fields: Any) -> Argument:
    """An argument of an event."""
    return Argument(role=role, **span(text), **fields)


def shelling(**fields: Any) -> Event:
    """A shelling of which all is known."""
    known: dict[str, Any] = {
        "id": "E1",
        "type": "Shelling",
        "trigger": Trigger(**span("قصفت")),
        "score": 0.9,
        "arguments": (
            argument("Agent", "قوات الجبل", entity_id="T1"),
            argument("Agent", "وكتيبة الوادي", entity_id="T2"),
            argument("Patient", "رتلا"),
            argument("Counterpart", "لكتائب السهل", entity_id="T3"),
            argument("Place", "سرت"),
            argument("Source", "وزارة الصحة"),
        ),
        "time": FRIDAY,
        "place": SIRTE,
        "claim": Claim(claimed_by="وزارة الصحة", party=False, status="happened"),
        "casualties": (SEVEN,),
    }
    return Event(**known | fields)


def document(*events: Event, **fields: Any) -> Document:
    """A document with events; entities and facts as the events need them."""
    known: dict[str, Any] = {
        "id": "a1",
        "title": "قصف قرب سرت",
        "published": date(2020, 6, 6),
        "source": "وكالة الأمثلة",
        "url": "https://example.org/1",
        "text": TEXT,
        "entities": (
            entity("T1", "MILITARY", "قوات الجبل", actor=NORTH),
            entity("T2", "MILITARY", "وكتيبة الوادي", core=(TEXT.index("كتيبة"), TEXT.index("كتيبة") + 12)),
            entity("T3", "MILITARY", "لكتائب السهل", actor=SOUTH),
        ),
    }
    return Document(**known | fields, events=events)


def row_of(shape: str, event: Event, **fields: Any) -> Row:
    """The one row of one event."""
    (row,) = to_rows([document(event, **fields)], shape)
    return row


def known(row: Row) -> Row:
    """The cells that are filled."""
    return {name: value for name, value in row.items() if value is not None}


PROVENANCE = {
    "document": "a1",
    "event": "E1",
    "type": "Shelling",
    "start": 0,
    "end": 4,
    "sentence": SENTENCE,
    "claimed_by": "وزارة الصحة",
    "factuality": "actual",
    "score": 0.9,
    "time": "2020-06-05",
    "time_inferred": False,
}


# Whole rows


def test_acled_row() -> None:
    """An event of which all is known fills ACLED's columns, by its names; the rest is empty."""
    assert known(row_of("acled", shelling())) == PROVENANCE | {
        "event_date": date(2020, 6, 5),
        "year": 2020,
        "time_precision": 1,
        "disorder_type": "Political violence",
        "event_type": "Explosions/Remote violence",
        "sub_event_type": "Shelling/artillery/missile attack",
        "actor1": "Mountain Forces",
        "assoc_actor_1": "كتيبة الوادي",
        "inter1": "State forces",
        "actor2": "Plain Battalions",
        "inter2": "Political militia",
        "interaction": "State forces-Political militia",
        "iso": 434,
        "region": "Northern Africa",
        "country": "Libya",
        "admin1": "Surt",
        "location": "Sirte",
        "latitude": 31.2,
        "longitude": 16.59,
        "geo_precision": 2,
        "source": "وكالة الأمثلة",
        "notes": SENTENCE,
        "fatalities": 7,
    }


def test_ucdp_row() -> None:
    """The same event fills the columns of UCDP GED that do not belong to its own lists."""
    assert known(row_of("ucdp", shelling())) == PROVENANCE | {
        "year": 2020,
        "type_of_violence": 1,
        "dyad_name": "Mountain Forces - Plain Battalions",
        "side_a": "Mountain Forces",
        "side_b": "Plain Battalions",
        "source_article": "وكالة الأمثلة, 2020-06-06, قصف قرب سرت, https://example.org/1",
        "source_office": "وكالة الأمثلة",
        "source_date": date(2020, 6, 6),
        "source_headline": "قصف قرب سرت",
        "source_original": "وزارة الصحة",
        "where_prec": 2,
        "where_coordinates": "Sirte",
        "where_description": "سرت",
        "adm_1": "Surt",
        "latitude": 31.2,
        "longitude": 16.59,
        "geom_wkt": "POINT (16.59 31.2)",
        "country": "Libya",
        "date_prec": 1,
        "date_start": date(2020, 6, 5),
        "date_end": date(2020, 6, 5),
        "best": 7,
        "high": 7,
        "low": 7,
    }


def test_plover_row() -> None:
    """The same event has PLOVER's type and mode, and all of its actors and recipients."""
    assert known(row_of("plover", shelling())) == PROVENANCE | {
        "event_id": "a1/E1",
        "date": date(2020, 6, 5),
        "event_type": "ASSAULT",
        "event_mode": "heavy-weapons",
        "actor_name": "Mountain Forces; كتيبة الوادي",
        "actor_code": "LBYMIL",
        "recip_name": "Plain Battalions",
        "recip_code": "LBYREB",
        "location": "Sirte",
        "latitude": 31.2,
        "longitude": 16.59,
        "admin1": "Surt",
        "country": "LBY",
        "source": "وكالة الأمثلة",
        "headline": "قصف قرب سرت",
        "url": "https://example.org/1",
        "published": date(2020, 6, 6),
    }


def test_table_row() -> None:
    """The table holds all that is known, the arguments as the text has them beside what was resolved."""
    assert known(row_of("table", shelling())) == PROVENANCE | {
        "title": "قصف قرب سرت",
        "published": date(2020, 6, 6),
        "source": "وكالة الأمثلة",
        "url": "https://example.org/1",
        "trigger": "قصفت",
        "date_precision": "day",
        "date_start": date(2020, 6, 5),
        "date_end": date(2020, 6, 5),
        "place": "Sirte",
        "latitude": 31.2,
        "longitude": 16.59,
        "radius_km": 5.0,
        "place_precision": 2,
        "admin1": "Surt",
        "country": "LY",
        "osm_id": "node/1",
        "agent_actor": "Mountain Forces",
        "agent_code": "LBYMIL",
        "agent_side": "north",
        "other_actor": "Plain Battalions",
        "other_code": "LBYREB",
        "other_side": "south",
        "role_agent": "قوات الجبل; وكتيبة الوادي",
        "role_patient": "رتلا",
        "role_counterpart": "لكتائب السهل",
        "role_place": "سرت",
        "role_source": "وزارة الصحة",
        "claim_status": "happened",
        "claimant_is_party": False,
        "killed_low": 7,
        "killed": 7,
        "killed_high": 7,
        "casualties": "killed 7/7/7 (وزارة الصحة)",
    }


@pytest.mark.parametrize("shape", SHAPES)
def test_columns_are_those_of_the_shape(shape: str) -> None:
    """Every row has all columns in their order, and cells of the types that are stated."""
    columns = columns_of(shape)
    row = row_of(shape, shelling())
    assert list(row) == list(columns)
    assert {name for name, value in known(row).items() if type(value) is not columns[name]} == set()


@pytest.mark.parametrize("shape", SHAPES)
def test_columns_are_documented(shape: str) -> None:
    """The page tells of each column where it comes from, or that it stays empty."""
    section = DOCS.read_text(encoding="utf-8").partition(f"## `--to {shape.replace('table', 'csv')}`")[2]
    first_cells = re.findall(r"^\| (`.+?) \|", section.partition("\n## ")[0], re.MULTILINE)
    documented = [name for cell in first_cells for name in re.findall(r"`(\w+)`", cell)]
    provenance = list(PROVENANCE) if shape in CODEBOOKS else []
    roles = [name for name in columns_of(shape) if name.startswith("role_") and name != "role_other"]
    expected = [name for name in columns_of(shape) if name not in roles]
    assert sorted([*documented, *provenance]) == sorted(expected)


def test_what_is_unknown_is_empty() -> None:
    """An event without arguments and facts has a type, its place in the text, and nothing else."""
    bare = Event(id="E1", type="Shelling", trigger=Trigger(**span("قصفت")))
    where = {name: PROVENANCE[name] for name in ("type", "event", "start", "end", "sentence", "factuality")}
    acled = known(next(to_rows([Document(text=TEXT, events=(bare,))], "acled")))
    types = {"disorder_type", "event_type", "sub_event_type", "notes"}
    assert {name: value for name, value in acled.items() if name not in types} == where
    plover = known(next(to_rows([Document(text=TEXT, events=(bare,))], "plover")))
    assert plover == where | {"event_type": "ASSAULT", "event_mode": "heavy-weapons"}


@pytest.mark.parametrize("shape", SHAPES)
def test_no_event_no_row(shape: str, caplog: pytest.LogCaptureFixture) -> None:
    """A document without events has no row, and nothing is said of it."""
    assert list(to_rows([Document(text=""), Document(text=TEXT)], shape)) == []
    assert caplog.text == ""


@pytest.mark.parametrize("shape", SHAPES)
def test_rows_stream(shape: str) -> None:
    """Rows of documents without end come one by one."""
    rows = to_rows(repeat(document(shelling())), shape)
    assert [row["event"] for row in islice(rows, 3)] == ["E1"] * 3


def test_unknown_shape_is_refused() -> None:
    """A shape that is not known is refused at the call, with what was perhaps meant."""
    with pytest.raises(ConfigError, match="found 'aclde'; did you mean 'acled'"):
        to_rows([], "aclde")
    with pytest.raises(ConfigError, match="found 'xlsx'"):
        columns_of("xlsx")


# Which events have a row


@pytest.mark.parametrize("factuality", ["negated", "possible"])
@pytest.mark.parametrize("shape", CODEBOOKS)
def test_only_what_happened_is_coded(shape: str, factuality: str, caplog: pytest.LogCaptureFixture) -> None:
    """What is negated or possible is counted and left out, unless asked for; then a column says it."""
    events = document(shelling(), shelling(id="E2", factuality=factuality))
    assert [row["event"] for row in to_rows([events], shape)] == ["E1"]
    assert caplog.messages == [f"left out 1 of 2 events (50 %): {factuality} 1"]
    rows = to_rows([events], shape, any_factuality=True)
    assert [row["factuality"] for row in rows] == ["actual", factuality]


def test_table_has_every_event(caplog: pytest.LogCaptureFixture) -> None:
    """The table leaves nothing out: not what did not happen, nor types without codes or unknown."""
    events = [
        shelling(id=f"E{n}", type=type, factuality=factuality)
        for n, (type, factuality) in enumerate([("Kill", "actual"), ("Clash", "negated"), ("X", "possible")])
    ]
    assert [row["type"] for row in to_rows([document(*events)], "table")] == ["Kill", "Clash", "X"]
    assert caplog.messages == []


@pytest.mark.parametrize(("shape", "code"), [("acled", "acled"), ("plover", "plover")])
def test_types_without_a_code_are_counted(shape: str, code: str, caplog: pytest.LogCaptureFixture) -> None:
    """A type that the ontology gives no code has no row, and how many there were is said once, by type."""
    types = load_ontology().event_types
    events = [shelling(id=item.name, type=item.name) for item in types]
    rows = list(to_rows([document(*events, shelling(id="E0", type="Earthquake"))], shape))
    without = [item.name for item in types if getattr(item, code) is None]
    assert [row["type"] for row in rows] == [item.name for item in types if item.name not in without]
    n, n_events = len(without) + 1, len(types) + 1
    (message,) = caplog.messages
    assert message.startswith(f"left out {n} of {n_events} events ({100 * n / n_events:.0f} %): ")
    assert all(f"{name} without a code 1" in message for name in without)
    assert "of unknown type 1" in message


def test_acled_codes_are_those_of_the_ontology() -> None:
    """Every ACLED code of the ontology is a sub-event of the codebook, with event type and disorder type."""
    codes = {item.acled for item in load_ontology().event_types if item.acled}
    assert codes <= set(ACLED_TYPES)
    assert len(ACLED_TYPES) == 25


def test_ucdp_columns_stand_in_its_order() -> None:
    """UCDP GED has 49 columns; best, high and low stand in this order."""
    names = list(columns_of("ucdp"))
    assert names.index("document") == 49
    assert names[44:49] == ["best", "high", "low", "gwnoa", "gwnob"]


def test_ucdp_counts_events_that_killed(caplog: pytest.LogCaptureFixture) -> None:
    """UCDP has an event where somebody died by violence, and the number is told."""
    injured = Casualties(kind="injured", best=3)
    events = [
        shelling(id="E1", casualties=()),
        shelling(id="E2", casualties=(injured,)),
        shelling(id="E3", casualties=(Casualties(kind="killed", best=0),)),
        shelling(id="E4", type="Consult"),
        shelling(id="E5", type="Kill", casualties=(Casualties(kind="killed", best=2),)),
        shelling(id="E6"),
    ]
    assert [row["event"] for row in to_rows([document(*events)], "ucdp")] == ["E5", "E6"]
    expected = "left out 4 of 6 events (67 %): without a figure of deaths 3, Consult without violence 1"
    assert caplog.messages == [expected]


def test_ucdp_counts_deaths_once(caplog: pytest.LogCaptureFixture) -> None:
    """Deaths whose figure stands at the attack of their sentence are that attack's row, not one more."""
    later = Trigger(**span("قتلوا"))
    death = shelling(id="E2", type="Kill")
    other = shelling(id="E3", type="Kill", trigger=later)
    assert [row["event"] for row in to_rows([document(shelling(), death, other)], "ucdp")] == ["E1", "E3"]
    assert caplog.messages == ["left out 1 of 3 events (33 %): told by another event of their sentence 1"]


def test_ucdp_counts_two_words_for_one_death_once() -> None:
    """Two words for one harm are one row; two harms of one figure, to different people, are two."""
    victim, other = argument("Patient", "رتلا"), argument("Patient", "سرت")
    slain, murder, third = (
        shelling(id=f"E{n}", type="Kill", arguments=(patient,), trigger=Trigger(**span(text)))
        for n, (patient, text) in enumerate([(victim, "قصفت"), (victim, "قوات"), (other, "رتلا")])
    )
    assert [row["event"] for row in to_rows([document(slain, murder, third)], "ucdp")] == ["E0", "E2"]
    denied = replace(slain, factuality="negated")
    assert [row["event"] for row in to_rows([document(denied, murder)], "ucdp")] == ["E1"]


# Who


def parties(shape: str, *arguments: Argument, type: str = "Attack") -> Row:
    """The row of an event with these arguments."""
    return row_of(shape, shelling(type=type, arguments=arguments))


def test_actors_are_named_as_resolved_else_as_in_the_text() -> None:
    """An actor has its name; an entity the text without what is attached to it; else the argument's text."""
    row = parties(
        "acled",
        argument("Agent", "وكتيبة الوادي", entity_id="T2"),
        argument("Counterpart", "رتلا", actor=SOUTH),
    )
    assert (row["actor1"], row["actor2"]) == ("كتيبة الوادي", "Plain Battalions")
    assert parties("acled", argument("Agent", "رتلا"))["actor1"] == "رتلا"


def test_core_is_of_the_whole_entity() -> None:
    """An argument that is longer than its entity is named as it stands."""
    wider = argument("Agent", "وكتيبة الوادي رتلا", entity_id="T2")
    assert parties("acled", wider)["actor1"] == "وكتيبة الوادي رتلا"


def test_an_actor_is_named_once() -> None:
    """Two mentions of one actor are one."""
    row = parties(
        "acled", argument("Agent", "قوات الجبل", entity_id="T1"), argument("Agent", "رتلا", actor=NORTH)
    )
    assert (row["actor1"], row["assoc_actor_1"]) == ("Mountain Forces", None)


def test_what_is_hit_is_no_party() -> None:
    """A Patient is a party where it is an actor, a person or a body: not a column of cars, not a city."""
    agent = argument("Agent", "قوات الجبل", entity_id="T1")
    assert parties("acled", agent, argument("Patient", "رتلا"))["actor2"] is None
    assert parties("acled", agent, argument("Patient", "رتلا", actor=CIVILIANS))["actor2"] == CIVILIANS.name
    assert parties("acled", agent, argument("Patient", "وكتيبة الوادي", entity_id="T2"))["actor2"]
    city = (entity("T1", "GPE", "سرت"),)
    event = shelling(arguments=(argument("Patient", "سرت", entity_id="T1"),))
    assert row_of("acled", event, entities=city)["actor2"] is None


@pytest.mark.parametrize(
    ("kind", "inter"),
    [
        ("State forces", "State forces"),
        ("state-forces", "State forces"),
        ("REBEL_GROUP", "Rebel group"),
        ("3", "Political militia"),
        ("External/Other forces", "External/Other forces"),
        ("8", "External/Other forces"),
        ("choir", None),
        ("", None),
        (None, None),
    ],
)
def test_inter_is_the_kind(kind: str | None, inter: str | None) -> None:
    """An actor's kind is ACLED's where it is one of them, by name or number; any other leaves it empty."""
    actor = replace(NORTH, kind=kind)
    row = parties("acled", argument("Agent", "رتلا", actor=actor))
    assert row["inter1"] == inter
    assert row["interaction"] == (inter and f"{inter} only")


def test_interaction_names_the_lower_kind_first() -> None:
    """The interaction does not depend on who attacks; it is empty where one of two kinds is unknown."""
    south, north = argument("Agent", "رتلا", actor=SOUTH), argument("Counterpart", "سرت", actor=NORTH)
    assert parties("acled", south, north)["interaction"] == "State forces-Political militia"
    assert parties("acled", south, argument("Counterpart", "سرت"))["interaction"] is None
    foreign, people = argument("Agent", "رتلا", actor=FOREIGN), argument("Patient", "سرت", actor=CIVILIANS)
    assert parties("acled", foreign, people)["interaction"] == "External/Other forces-Civilians"
    assert parties("acled", argument("Counterpart", "سرت", actor=NORTH))["interaction"] is None


@pytest.mark.parametrize(
    ("type", "agent", "other", "sub_event"),
    [
        ("Attack", NORTH, CIVILIANS, "Attack"),
        ("Attack", None, CIVILIANS, "Attack"),
        ("Attack", CROWD, CIVILIANS, None),
        ("Attack", NORTH, None, None),
        ("Attack", NORTH, CROWD, None),
        ("Attack", NORTH, SOUTH, "Armed clash"),
        ("Attack", FOREIGN, SOUTH, "Armed clash"),
        ("Detain", NORTH, CIVILIANS, "Arrests"),
        ("Detain", NORTH, SOUTH, "Arrests"),
        ("Detain", None, CIVILIANS, None),
        ("Detain", FOREIGN, CIVILIANS, None),
        ("Detain", SOUTH, CIVILIANS, "Abduction/forced disappearance"),
        ("Detain", SOUTH, None, "Abduction/forced disappearance"),
        ("Detain", SOUTH, NORTH, None),
        ("Withdraw", NORTH, None, "Change to group/activity"),
        ("Withdraw", NORTH, SOUTH, None),
        ("Withdraw", CIVILIANS, None, None),
        ("Withdraw", None, None, None),
        ("Shelling", NORTH, SOUTH, "Shelling/artillery/missile attack"),
    ],
)
def test_parties_decide_between_sub_events(
    type: str, agent: Actor | None, other: Actor | None, sub_event: str | None
) -> None:
    """An attack between armed sides is a clash, an arrest by an armed group an abduction; else it is open."""
    row = parties(
        "acled", argument("Agent", "قوات", actor=agent), argument("Patient", "رتلا", actor=other), type=type
    )
    assert row["sub_event_type"] == sub_event
    types = ACLED_TYPES[sub_event] if sub_event else (None, None)
    assert (row["event_type"], row["disorder_type"]) == types


def test_states_abroad_are_external_in_acled() -> None:
    """The forces of a state outside their country are External/Other forces; to UCDP they are a state's."""
    arguments = (
        argument("Agent", "قوات", actor=replace(NORTH, code="TURMIL")),
        argument("Counterpart", "رتلا", actor=SOUTH),
    )
    event = shelling(type="Attack", arguments=arguments)
    acled, ucdp = row_of("acled", event), row_of("ucdp", event)
    assert acled["interaction"] == "Political militia-External/Other forces"
    assert (acled["sub_event_type"], ucdp["type_of_violence"]) == ("Armed clash", 1)
    for place in (replace(SIRTE, country="TR"), replace(SIRTE, country=None), None):
        assert row_of("acled", replace(event, place=place))["inter1"] == "State forces"


def test_forces_are_armed_that_no_table_knows() -> None:
    """An attack between two forces is a clash, also where neither is resolved; their kinds stay open."""
    forces = (entity("T1", "MILITARY", "قوات الجبل"), entity("T2", "MILITARY", "وكتيبة الوادي"))
    arguments = (
        argument("Agent", "قوات الجبل", entity_id="T1"),
        argument("Patient", "وكتيبة الوادي", entity_id="T2"),
    )
    row = row_of("acled", shelling(type="Attack", arguments=arguments), entities=forces)
    assert (row["sub_event_type"], row["inter1"], row["inter2"]) == ("Armed clash", None, None)


@pytest.mark.parametrize(
    ("type", "agent", "other", "is_target"),
    [
        ("Attack", NORTH, CIVILIANS, True),
        ("AirStrike", NORTH, CIVILIANS, True),
        ("AirStrike", NORTH, SOUTH, False),
        ("Detain", SOUTH, None, True),
        ("Detain", NORTH, CIVILIANS, False),
        ("Clash", NORTH, CIVILIANS, False),
    ],
)
def test_civilian_targeting(type: str, agent: Actor, other: Actor | None, is_target: bool) -> None:
    """Violence against civilians and explosions target civilians; battles and arrests by a state do not."""
    row = parties(
        "acled", argument("Agent", "قوات", actor=agent), argument("Patient", "رتلا", actor=other), type=type
    )
    assert row["civilian_targeting"] == ("Civilian targeting" if is_target else None)


@pytest.mark.parametrize(
    ("kinds", "code"),
    [
        (("1", "3"), 1),
        (("2", "1"), 1),
        (("1", "1"), 1),
        (("2", "4"), 2),
        (("1", "7"), 3),
        (("3", "7"), 3),
        (("8", "7"), 3),
        (("8", "1"), 1),
        (("7", "7"), None),
        (("7", "1"), None),
        (("8", "3"), None),
        (("5", "1"), None),
        (("1", None), None),
        ((None, None), None),
    ],
)
def test_type_of_violence(kinds: tuple[str | None, str | None], code: int | None) -> None:
    """With a state, between armed groups, or against civilians; a group and foreign forces do not decide."""
    first, second = (replace(NORTH, name=f"{n}", kind=kind) for n, kind in enumerate(kinds))
    row = parties(
        "ucdp", argument("Agent", "قوات", actor=first), argument("Counterpart", "رتلا", actor=second)
    )
    assert row["type_of_violence"] == code


def test_sides_stand_as_ucdp_has_them() -> None:
    """The state is side A, whoever attacked; civilians are called Civilians."""
    south, north = argument("Agent", "رتلا", actor=SOUTH), argument("Counterpart", "سرت", actor=NORTH)
    row = parties("ucdp", south, north)
    assert (row["side_a"], row["side_b"]) == ("Mountain Forces", "Plain Battalions")
    people = parties("ucdp", south, argument("Patient", "سرت", actor=CIVILIANS))
    assert people["dyad_name"] == "Plain Battalions - Civilians"


# When


def time_cells(value: str | None, precision: Any = None) -> Mapping[str, Any]:
    """What the columns of time are in ACLED and UCDP."""
    event = shelling(time=Timex(value=value, precision=precision))
    acled, ucdp = row_of("acled", event), row_of("ucdp", event)
    assert acled["time"] == value
    names = ("event_date", "time_precision"), ("date_start", "date_end", "date_prec")
    return {name: row[name] for row, some in zip((acled, ucdp), names, strict=True) for name in some}


@pytest.mark.parametrize(
    ("value", "precision", "cells"),
    [
        ("2020-06-05", "day", ("2020-06-05", 1, "2020-06-05", "2020-06-05", 1)),
        ("2020-06-05T08:30", "day", ("2020-06-05", 1, "2020-06-05", "2020-06-05", 1)),
        ("2020-06-05TNI", "day", ("2020-06-05", 1, "2020-06-05", "2020-06-05", 1)),
        ("2020-06-05/2020-06-07", "day", ("2020-06-06", 2, "2020-06-05", "2020-06-07", 2)),
        ("2020-W23", "week", ("2020-06-04", 2, "2020-06-01", "2020-06-07", 3)),
        ("2020-06-05", "week", ("2020-06-05", 2, "2020-06-05", "2020-06-05", 3)),
        ("2020-06", "month", ("2020-06-15", 3, "2020-06-01", "2020-06-30", 4)),
        ("2020-02", "month", ("2020-02-15", 3, "2020-02-01", "2020-02-29", 4)),
        ("2020-12/2021-02", "month", (None, None, "2020-12-01", "2021-02-28", 5)),
        ("2019", "year", (None, None, "2019-01-01", "2019-12-31", 5)),
        ("2014/2019", "year", (None, None, "2014-01-01", "2019-12-31", None)),
    ],
)
def test_dates(value: str, precision: str, cells: tuple[Any, ...]) -> None:
    """A date has its days and its precision; ACLED's is the middle of a week or month, none of a year."""
    found = [
        item.isoformat() if isinstance(item, date) else item for item in time_cells(value, precision).values()
    ]
    assert tuple(found) == cells


NO_DATES = (
    *(None, "", "P2Y", "PT24H", "XXXX-WXX-5", "2020-SU", "2020-Q2", "201", "19", "2020-06-05/P2D"),
    *("2020-02-31", "2020-13", "2020-00", "2020-W54", "9999-W53", "0000-01-01", "50000-01-01"),
    *("2020-06-07/2020-06-05", "/", "2020/", "/2020", "9" * 5000, "٢٠٢٠-٠٦-٠٥", "2020/2021/2022"),
)


@pytest.mark.parametrize("value", NO_DATES)
def test_what_is_no_date_leaves_dates_empty(value: str | None) -> None:
    """Durations, sets, seasons, decades and days of no calendar have no date; the value itself is kept."""
    assert set(time_cells(value).values()) == {None}


@given(st.text(alphabet="0123456789-/TWPX", max_size=24))
def test_any_value_of_time_is_read(value: str) -> None:
    """Whatever a value is, there is a row, and its first day is not behind its last."""
    row = row_of("ucdp", shelling(time=Timex(value=value)))
    start, end = row["date_start"], row["date_end"]
    assert (start is None) == (end is None)
    assert start is None or (isinstance(start, date) and isinstance(end, date) and start <= end)


def test_year_is_of_all_days() -> None:
    """A range over New Year has no year."""
    assert row_of("acled", shelling(time=Timex(value="2019-12-30/2020-01-02")))["year"] is None
    assert row_of("acled", shelling(time=Timex(value="2020")))["year"] == 2020


def test_day_of_publication_is_no_exact_day() -> None:
    """An event that only the day of publication dates has that day, but as one of some."""
    day = date(2020, 6, 6)
    time = Timex(value="2020-06-06", precision="day", anchor=day, inferred=True)
    acled, ucdp, plover = (row_of(shape, shelling(time=time)) for shape in CODEBOOKS)
    assert (acled["event_date"], acled["time_precision"]) == (day, 2)
    assert (ucdp["date_start"], ucdp["date_end"], ucdp["date_prec"]) == (day, day, 2)
    assert (plover["date"], plover["time_inferred"]) == (day, True)
    stated = replace(time, **span("الجمعة"))
    assert row_of("acled", shelling(time=stated))["time_precision"] == 1


@pytest.mark.parametrize(
    ("value", "day"), [("2020-06-05", date(2020, 6, 5)), ("2020-06-05/2020-06-06", None), ("2020-W23", None)]
)
def test_plover_has_days_alone(value: str, day: date | None) -> None:
    """PLOVER's date is a day; what is known by more days has none."""
    assert row_of("plover", shelling(time=Timex(value=value)))["date"] == day


# Where, how many, who says so


@pytest.mark.parametrize(
    ("feature", "precision", "code"),
    [
        ("city", 1, 1),
        ("city", 2, 2),
        ("district", 3, 4),
        ("country", 3, 6),
        ("region", 3, None),
        ("region", 2, None),
        (None, None, None),
    ],
)
def test_where_precision(feature: str | None, precision: Any, code: int | None) -> None:
    """UCDP tells districts and countries apart; a region that is none of both has no code."""
    place = replace(SIRTE, feature=feature, precision=precision)
    row = row_of("ucdp", shelling(place=place))
    assert row["where_prec"] == code


@pytest.mark.parametrize(
    ("code", "cells"),
    [
        ("LY", (434, "Northern Africa", "Libya")),
        ("lby", (434, "Northern Africa", "Libya")),
        ("SY", (760, "Middle East", "Syria")),
        ("FR", (250, "Europe", "France")),
        ("XK", (None, "Europe", "Kosovo")),
        ("XX", (None, None, None)),
        (None, (None, None, None)),
    ],
)
def test_countries(code: str | None, cells: tuple[Any, ...]) -> None:
    """A country has number, region and English name by its code of two or three letters."""
    row = row_of("acled", shelling(place=replace(SIRTE, country=code)))
    assert (row["iso"], row["region"], row["country"]) == cells


def test_countries_of_the_gazetteer_are_listed() -> None:
    """Whatever country a place can be resolved to has a name in the rows."""
    data = Path(__file__).parents[2] / "libyaevents" / "data"
    lines = [
        line.split("\t")
        for name in ("places.tsv", "places_osm.tsv")
        for line in (data / name).read_text(encoding="utf-8").splitlines()
        if not line.startswith(("#", "name\t"))
    ]
    codes = {cells[7] for cells in lines} - {""}
    assert len(codes) > 100
    assert {code for code in codes if find_country(code) is None} == set()


def test_a_whole_country_is_no_point_in_acled() -> None:
    """ACLED has no precision for a country: its middle is no place of the event. UCDP has one."""
    place = replace(SIRTE, name="ليبيا", feature="country", precision=3)
    acled, ucdp = row_of("acled", shelling(place=place)), row_of("ucdp", shelling(place=place))
    assert (acled["country"], acled["location"]) == ("Libya", "ليبيا")
    assert {acled[name] for name in ("latitude", "longitude", "geo_precision")} == {None}
    assert (ucdp["where_prec"], ucdp["latitude"]) == (6, 31.2)


def test_place_without_coordinates() -> None:
    """A place that is only named has a name; without a resolved place, the text's own."""
    row = row_of("ucdp", shelling(place=Place(name="Wadi")))
    assert (row["where_coordinates"], row["latitude"], row["geom_wkt"]) == ("Wadi", None, None)
    assert row_of("acled", shelling(place=None))["location"] == "سرت"


Figure = tuple[int | None, int | None, int | None, str | None]


def killed(*figures: Figure) -> tuple[Any, ...]:
    """Low, best and high of a table's row, from figures of minimum, best, maximum and source."""
    found = tuple(
        Casualties(kind="killed", minimum=low, best=best, maximum=high, source=source)
        for low, best, high, source in figures
    )
    event = shelling(casualties=(*found, Casualties(kind="injured", best=99)))
    table, acled = row_of("table", event), row_of("acled", event)
    assert acled["fatalities"] == table["killed"]
    return (table["killed_low"], table["killed"], table["killed_high"])


@pytest.mark.parametrize(
    ("figures", "cells"),
    [
        ([(7, 7, 7, None)], (7, 7, 7)),
        ([(None, 400, None, None)], (400, 400, 400)),
        ([(40, None, None, None)], (40, 40, None)),
        ([(None, None, 9, None)], (None, None, 9)),
        ([(0, 0, 0, None)], (0, 0, 0)),
        ([(7, 7, 7, "وزارة"), (12, 12, 12, "ناطق")], (7, 7, 12)),
        ([(27, 27, 27, "وزارة"), (1, 1, 1, "وزارة")], (27, 27, 27)),
        ([(27, 27, 27, "وزارة"), (1, 1, 1, "وزارة"), (9, 9, 9, "ناطق")], (9, 9, 27)),
        ([(40, None, None, "وزارة"), (None, 12, None, "ناطق")], (12, 12, None)),
        ([(None, None, 9, "وزارة"), (3, 3, 3, "ناطق")], (3, 3, 9)),
        ([], (None, None, None)),
    ],
)
def test_figures(figures: list[Figure], cells: tuple[Any, ...]) -> None:
    """Sources that differ: the lowest is best. Of one source: the largest. A bare minimum is no maximum."""
    assert killed(*figures) == cells


amounts = st.none() | st.integers(0, 500)


@given(st.lists(st.tuples(amounts, amounts, st.sampled_from([None, "وزارة", "ناطق"]))))
def test_figures_are_ordered(drawn: list[tuple[int | None, int | None, str | None]]) -> None:
    """Whatever sources say, low is not above best, and best not above high."""
    figures = [
        (low, low if more is None or low is None else low + more, None, source) for low, more, source in drawn
    ]
    known = [number for number in killed(*figures) if number is not None]
    assert known == sorted(known)


@pytest.mark.parametrize(
    ("claim", "name"),
    [
        (None, "وزارة الصحة"),
        (Claim(status="happened"), "وزارة الصحة"),
        (Claim(claimed_by="ناطق"), "ناطق"),
        (Claim(claimed_by=NORTH), "Mountain Forces"),
    ],
)
def test_claimant(claim: Claim | None, name: str) -> None:
    """Who says so is the claimant as resolved, else the source as the text names it."""
    assert row_of("acled", shelling(claim=claim))["claimed_by"] == name


def test_unknown_roles_are_kept() -> None:
    """An argument of a role that the ontology does not have is told with its role."""
    event = shelling(arguments=(argument("Weather", "فجر الجمعة"),))
    assert row_of("table", event)["role_other"] == "Weather: فجر الجمعة"


# Texts of all kinds


def test_sentences_of_the_document_are_used() -> None:
    """The sentence is the document's own where it has sentences, in one line."""
    start = TEXT.index("رتلا")
    row = row_of("acled", shelling(), sentences=((0, start), (start, len(TEXT))))
    assert row["sentence"] == "قصفت قوات الجبل وكتيبة الوادي"
    whole = row_of("acled", shelling(), sentences=((0, len(TEXT)),))
    assert whole["sentence"] == TEXT.replace("\n", " ")


def test_trigger_outside_sentences_is_its_own() -> None:
    """A trigger that no sentence holds stands for its sentence."""
    assert row_of("acled", shelling(), sentences=((10, 20),))["sentence"] == "قصفت"
    assert row_of("acled", shelling(), sentences=((0, 2),))["sentence"] == "قصفت"


@pytest.mark.parametrize("position", [0, 5_000, 9_999])
def test_endless_sentences_are_cut_around_the_trigger(position: int) -> None:
    """Of a sentence without end, what stands around the trigger is shown, and that there is more."""
    words = ["كلمة"] * 10_000
    words[position] = "قصف"
    text = " ".join(words)
    start = text.index("قصف")
    event = Event(id="E1", type="Shelling", trigger=Trigger(start=start, end=start + 3, text="قصف"))
    (row,) = to_rows([Document(text=text, events=(event,))], "acled")
    sentence = str(row["sentence"])
    assert "قصف" in sentence
    assert len(sentence) <= 1002
    assert (sentence.startswith("…"), sentence.endswith("…")) == (position > 0, position < 9_999)


@pytest.mark.parametrize("shape", ["acled", "table"])
def test_ten_thousand_events(shape: str, caplog: pytest.LogCaptureFixture) -> None:
    """A document of 10,000 events in one line has a row for each."""
    caplog.set_level(logging.ERROR)
    text = "قصف " * 10_000
    events = tuple(
        shelling(id=f"E{n}", arguments=(), trigger=Trigger(start=4 * n, end=4 * n + 3, text="قصف"))
        for n in range(10_000)
    )
    rows = to_rows([Document(text=text, events=events)], shape)
    assert sum(1 for _ in rows) == 10_000


def test_packaged_article_as_acled(article: Document) -> None:
    """The packaged article has an ACLED row for each event that happened and has a code."""
    types = {item.name for item in load_ontology().event_types if item.acled}
    expected = [event.id for event in article.events if event.factuality == "actual" and event.type in types]
    rows = list(to_rows([article], "acled"))
    assert [row["event"] for row in rows] == expected
    for row in rows:
        start, end = row["start"], row["end"]
        assert isinstance(start, int)
        assert isinstance(end, int)
        assert article.text[start:end] in str(row["sentence"])
