"""Documents: their invariants and their JSON."""

import copy
import json
import math
import pickle
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import libyaevents
from libyaevents.documents import (
    Actor,
    Argument,
    Casualties,
    Claim,
    Document,
    Entity,
    Event,
    Incident,
    Place,
    Timex,
    Trigger,
)
from libyaevents.errors import DocumentError

TEXT = "أعلنت قوات الوفاق دخول سرت يوم الجمعة.\nوقتل عشرة جنود."

# What news text holds: letters, harakat, tatweel, ligatures, digits, joiners, marks, emoji, controls.
CHARACTERS = "ابتةىءؤئأإآلﻻﷺپگچًٌٍَُِّْـ٠١٢٣0123.،؛؟«»()\"'/ \t\n\r\x00\x85\u2028\ufeff\u200c\u200d\u200f😀𝒜Sirte"
strings = st.text(st.sampled_from(CHARACTERS), max_size=6)
maybe_strings = st.none() | strings
maybe_scores = st.none() | st.floats(0, 1)
maybe_dates = st.none() | st.dates()

places = st.builds(
    Place,
    name=strings,
    osm_id=maybe_strings,
    latitude=st.none() | st.floats(-90, 90),
    longitude=st.none() | st.floats(-180, 180),
    radius_km=st.none() | st.floats(0, 1000),
    admin1=maybe_strings,
    country=maybe_strings,
    feature=maybe_strings,
    precision=st.sampled_from([None, 1, 2, 3]),
    score=maybe_scores,
)
actors = st.builds(
    Actor,
    id=maybe_strings,
    name=strings,
    kind=maybe_strings,
    code=maybe_strings,
    side=maybe_strings,
    valid_from=maybe_dates,
    valid_to=maybe_dates,
)
claims = st.builds(
    Claim,
    claimed_by=st.none() | strings | actors,
    party=st.sampled_from([None, True, False]),
    status=st.sampled_from([None, "happened", "claimed", "denied", "planned"]),
)
casualties = st.builds(
    Casualties,
    kind=strings,
    minimum=st.none() | st.integers(0),
    best=st.none() | st.integers(0),
    maximum=st.none() | st.integers(0),
    source=maybe_strings,
)


@st.composite
def spans(draw: st.DrawFn, text: str) -> dict[str, Any]:
    """Start, end and text of a mention."""
    start = draw(st.integers(0, len(text) - 1))
    end = draw(st.integers(start + 1, len(text)))
    return {"start": start, "end": end, "text": text[start:end]}


@st.composite
def timexes(draw: st.DrawFn, text: str | None) -> Timex:
    """A time, in the text or without a span."""
    span = draw(st.just({}) | spans(text)) if text else {}
    return Timex(
        **span,
        type=draw(st.sampled_from([None, "DATE", "TIME", "DURATION", "SET"])),
        value=draw(maybe_strings),
        precision=draw(st.sampled_from([None, "day", "week", "month", "year"])),
        anchor=draw(maybe_dates),
        inferred=draw(st.booleans()),
    )


@st.composite
def entities(draw: st.DrawFn, text: str, entity_id: str) -> Entity:
    """An entity with any of its enrichments."""
    span = draw(spans(text))
    core_start = draw(st.integers(span["start"], span["end"] - 1))
    core_end = draw(st.integers(core_start + 1, span["end"]))
    return Entity(
        **span,
        id=entity_id,
        label=draw(strings),
        core=draw(st.sampled_from([None, (core_start, core_end)])),
        score=draw(maybe_scores),
        place=draw(st.none() | places),
        actor=draw(st.none() | actors),
        time=draw(st.none() | timexes(text)),
    )


@st.composite
def arguments(draw: st.DrawFn, text: str, entity_ids: list[str]) -> Argument:
    """An argument that may cover an entity."""
    return Argument(
        **draw(spans(text)),
        role=draw(strings),
        entity_id=draw(st.sampled_from([None, *entity_ids])),
        score=draw(maybe_scores),
        actor=draw(st.none() | actors),
    )


@st.composite
def events(draw: st.DrawFn, text: str, event_id: str, entity_ids: list[str]) -> Event:
    """An event with any of its enrichments."""
    return Event(
        id=event_id,
        type=draw(strings),
        trigger=Trigger(**draw(spans(text)), score=draw(maybe_scores)),
        factuality=draw(strings),
        arguments=tuple(draw(st.lists(arguments(text, entity_ids), max_size=3))),
        score=draw(maybe_scores),
        time=draw(st.none() | timexes(text)),
        place=draw(st.none() | places),
        claim=draw(st.none() | claims),
        casualties=tuple(draw(st.lists(casualties, max_size=2))),
    )


@st.composite
def documents(draw: st.DrawFn) -> Document:
    """Any document that can be constructed, enriched or not."""
    text = draw(st.text(st.sampled_from(CHARACTERS), max_size=40))
    n_entities, n_events = (draw(st.integers(0, 2)), draw(st.integers(0, 2))) if text else (0, 0)
    entity_ids = [f"T{index}" for index in range(1, n_entities + 1)]
    cuts = sorted(draw(st.sets(st.integers(0, len(text)), max_size=6)))
    return Document(
        id=draw(maybe_strings),
        title=draw(maybe_strings),
        published=draw(maybe_dates),
        source=draw(maybe_strings),
        url=draw(maybe_strings),
        text=text,
        sentences=tuple(zip(cuts[::2], cuts[1::2], strict=False)),
        entities=tuple(draw(entities(text, entity_id)) for entity_id in entity_ids),
        events=tuple(draw(events(text, f"E{index}", entity_ids)) for index in range(n_events)),
        metadata=draw(st.dictionaries(strings, strings, max_size=2)),
    )


def span_of(phrase: str) -> dict[str, Any]:
    """Start, end and text of a phrase of `TEXT`."""
    start = TEXT.index(phrase)
    return {"start": start, "end": start + len(phrase), "text": phrase}


def annotated() -> Document:
    """A small annotated document."""
    force = Entity(id="T1", label="MILITARY", **span_of("قوات الوفاق"))
    town = Entity(
        id="T2", label="GPE", **span_of("سرت"), place=Place(name="سرت", latitude=31.2, longitude=16.6)
    )
    day = Entity(
        id="T3", label="DATE", **span_of("الجمعة"), time=Timex(**span_of("الجمعة"), value="2020-06-05")
    )
    agent = Argument(role="Agent", **span_of("قوات الوفاق"), entity_id="T1", score=0.75)
    entry = Event(id="E1", type="Advance", trigger=Trigger(**span_of("دخول"), score=0.5), arguments=(agent,))
    deaths = Event(
        id="E2", type="Kill", trigger=Trigger(**span_of("وقتل")), casualties=(Casualties(kind="killed"),)
    )
    sentences = ((0, TEXT.index("\n")), (TEXT.index("\n") + 1, len(TEXT)))
    return Document(
        id="a1", text=TEXT, sentences=sentences, entities=(force, town, day), events=(entry, deaths)
    )


def changed(path: str, value: object) -> dict[str, Any]:
    """The object of the annotated document with the value at a dotted path replaced."""
    data = annotated().to_dict()
    *steps, last = (int(step) if step.isdigit() else step for step in path.split("."))
    place: Any = data
    for step in steps:
        place = place[step]
    place[last] = value
    return data


@given(documents())
def test_json_round_trip(document: Document) -> None:
    """Any document reads back equal from its JSON line."""
    line = document.to_json()
    assert "\n" not in line
    assert Document.from_json(line) == document


@given(documents())
def test_dict_round_trip(document: Document) -> None:
    """Any document reads back equal from its dictionary, which holds no `None`."""
    data = document.to_dict()
    assert Document.from_dict(data) == document
    assert next(iter(data)) == "format"
    assert None not in data.values()


@given(
    st.builds(
        Incident,
        type=strings,
        time=st.none() | timexes(None),
        place=st.none() | places,
        actors=st.lists(actors, max_size=2).map(tuple),
        claims=st.lists(claims, max_size=2).map(tuple),
        casualties=st.lists(casualties, max_size=2).map(tuple),
        mentions=st.lists(st.tuples(strings, strings), max_size=2).map(tuple),
    )
)
def test_incident_round_trip(incident: Incident) -> None:
    """Any incident reads back equal from its JSON line."""
    assert Incident.from_json(incident.to_json()) == incident


def test_formats_differ() -> None:
    """An incident is not read as a document."""
    with pytest.raises(
        DocumentError, match="format: expected 'libyaevents/1', found 'libyaevents-incident/1'"
    ):
        Document.from_json(Incident(type="Clash").to_json())


def test_packaged_article() -> None:
    """The packaged article is written as it is read, but for its null title."""
    line = (Path(libyaevents.__file__).parent / "data" / "article.jsonl").read_text(encoding="utf-8")
    data = {key: value for key, value in json.loads(line).items() if value is not None}
    assert Document.from_json(line).to_dict() == data


def test_plain_text() -> None:
    """A text alone is a document, and an object without a format is one too."""
    assert Document.from_dict({"text": "خبر"}) == Document(text="خبر")
    assert Document(text="").to_dict() == {
        "format": "libyaevents/1",
        "text": "",
        "sentences": [],
        "entities": [],
        "events": [],
    }


def test_frozen_and_picklable() -> None:
    """A document cannot be changed, only replaced; it goes between processes."""
    document = annotated()
    with pytest.raises(AttributeError):
        document.text = "غيره"  # type: ignore[misc]
    assert replace(document, events=()).entities == document.entities
    assert pickle.loads(pickle.dumps(document)) == copy.deepcopy(document) == document


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("lable", 1, "lable: expected a field of Document, found 'lable'; known: id, title"),
        (
            "entities.1.lable",
            1,
            "entities[1].lable: expected a field of Entity, found 'lable'; did you mean 'label'?",
        ),
        ("events.0.trigger.txt", 1, "events[0].trigger.txt: expected a field of Trigger, found 'txt'"),
        (
            "events.0.arguments.0.start",
            "7",
            "events[0].arguments[0].start: expected a whole number, found '7'",
        ),
        ("events.0.arguments.0.score", math.nan, "events[0].arguments[0].score: expected a finite number"),
        ("events.0.score", 1.5, "events[0].score: expected a Python number from 0 to 1, found 1.5"),
        (
            "entities.1.place.latitude",
            91,
            "entities[1].place.latitude: expected a Python number from -90 to 90",
        ),
        ("entities.2.time.type", "date", "entities[2].time.type: expected one of DATE, TIME, DURATION, SET"),
        ("entities.0.text", "قوات", "entities[0].text: expected 'قوات الوفاق', the document's text[6:17]"),
        (
            "entities.0.start",
            -1,
            "entities[0]: expected integers with 0 <= start < end <= 54, found [-1, 17]",
        ),
        ("entities.0.end", 99, "entities[0]: expected integers with 0 <= start < end <= 54, found [6, 99]"),
        ("events.1.trigger.start", 50, "events[1].trigger: expected integers with 0 <= start < end <= 54"),
        ("entities.2.time.end", None, "entities[2].time: expected integers with 0 <= start < end <= 54"),
        ("entities.0.core", [5, 17], "entities[0].core: expected integers with 6 <= start < end <= 17"),
        (
            "entities.1.id",
            "T1",
            "entities[1].id: expected an id of its own, found 'T1'; item 0 has it already",
        ),
        ("events.1.id", "E1", "events[1].id: expected an id of its own, found 'E1'"),
        (
            "events.0.arguments.0.entity_id",
            "T9",
            "events[0].arguments[0].entity_id: expected the id of an entity",
        ),
        (
            "sentences.1",
            [10, 20],
            "sentences[1]: expected integers with 38 <= start < end <= 54, found [10, 20]",
        ),
        (
            "sentences.1",
            [39, 99],
            "sentences[1]: expected integers with 38 <= start < end <= 54, found [39, 99]",
        ),
        (
            "sentences.1",
            [40, 40],
            "sentences[1]: expected integers with 38 <= start < end <= 54, found [40, 40]",
        ),
        ("published", "أمس", "published: expected a date as in 2020-06-06, found 'أمس'"),
        ("metadata", {"section": 3}, "metadata.section: expected a string, found 3"),
        (
            "title",
            "\udc80",
            "title: expected Unicode text, found '\\udc80'; lone surrogate U+DC80 at offset 0",
        ),
        ("text", "\ud800" + TEXT[1:], "text: expected Unicode text"),
        (
            "format",
            "libyaevents/2",
            "format: expected 'libyaevents/1', found 'libyaevents/2'; a newer libyaevents",
        ),
    ],
)
def test_refused(path: str, value: object, message: str) -> None:
    """What breaks the format or an invariant is refused with document, path, expectation and finding."""
    with pytest.raises(DocumentError) as caught:
        Document.from_dict(changed(path, value))
    assert str(caught.value).startswith(f"document 'a1': {message}")


def test_missing_field() -> None:
    """A field without a default is asked for by name."""
    with pytest.raises(DocumentError, match=r"document 'x': expected a field 'text', found \['id'\]"):
        Document.from_dict({"id": "x"})


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e400"])
def test_not_a_number(number: str) -> None:
    """Numbers that JSON does not have are refused where they stand."""
    line = annotated().to_json().replace('"score": 0.5', f'"score": {number}')
    with pytest.raises(DocumentError, match=r"events\[0\]\.trigger\.score: expected a finite number"):
        Document.from_json(line)


def test_repeated_key() -> None:
    """A key given twice is refused with its path."""
    line = annotated().to_json().replace('"label": "GPE"', '"label": "LOC", "label": "GPE"')
    with pytest.raises(DocumentError, match=r"document 'a1': entities\[1\]\.label: expected this key once"):
        Document.from_json(line)


def test_surrogates_in_json() -> None:
    """An escaped lone surrogate is refused, an escaped pair is a character."""
    with pytest.raises(DocumentError, match=r"lone surrogate U\+D83D at offset 1"):
        Document.from_json('{"text": "خ\\ud83d"}')
    assert Document.from_json('{"text": "خ\\ud83d\\ude00"}').text == "خ😀"


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("text", None, "document: text: expected a string, found null"),
        ("text", "خبر".encode(), "text: expected a string"),
        ("id", 5, "id: expected a string, found 5"),
        ("published", datetime(2020, 6, 6), "published: expected a date without time"),
        ("published", "2020-06-06", "published: expected a date without time"),
        ("metadata", {"أ": "\ud800"}, "metadata: expected Unicode text"),
        ("sentences", ((0, np.int64(3)),), "sentences[0]: expected integers"),
    ],
)
def test_wrong_construction(field: str, value: object, message: str) -> None:
    """A document checks the types that callers get wrong when it is constructed."""
    with pytest.raises(DocumentError) as caught:
        Document(**{"text": "خبر عاجل", field: value})  # type: ignore[arg-type]  # the wrong types are the point
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("start", np.int64(0), "entities[0]: expected integers with 0 <= start < end <= 3"),
        ("score", np.float32(0.5), "entities[0].score: expected a Python number from 0 to 1"),
    ],
)
def test_numpy_numbers(field: str, value: Any, message: str) -> None:
    """Numpy numbers, which JSON cannot hold, are refused when the document is constructed."""
    entity = replace(Entity(id="T1", label="GPE", start=0, end=3, text="سرت"), **{field: value})
    with pytest.raises(DocumentError) as caught:
        Document(text="سرت", entities=(entity,))
    assert message in str(caught.value)


def test_time_without_span() -> None:
    """An event may be dated by the day of publication, which stands nowhere in the text."""
    event = Event(
        id="E1",
        type="Kill",
        trigger=Trigger(start=0, end=3, text="قتل"),
        time=Timex(type="DATE", value="2020-06-06", precision="day", anchor=date(2020, 6, 6), inferred=True),
    )
    document = Document(text="قتل", events=(event,))
    assert Document.from_json(document.to_json()) == document


def test_lists_become_tuples() -> None:
    """Mentions given in lists are checked like those in tuples, and kept as tuples."""
    trigger = Trigger(start=0, end=3, text="قصف")
    event = Event(id="E1", type="Shelling", trigger=trigger, arguments=[])  # type: ignore[arg-type]
    document = Document(text="قصف سرت", sentences=[[0, 7]], events=[event])  # type: ignore[arg-type]
    assert (document.sentences, document.events, event.arguments) == (((0, 7),), (event,), ())
    wrong = Event(id="E1", type="Shelling", trigger=Trigger(start=0, end=3, text="سرت"))
    with pytest.raises(DocumentError):
        Document(text="قصف سرت", events=[wrong])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("value", "days"),
    [
        ("2020-06-05", ("2020-06-05", "2020-06-05")),
        ("2020-06-05TMO", ("2020-06-05", "2020-06-05")),
        ("2020-W53", ("2020-12-28", "2021-01-03")),
        ("2020-02", ("2020-02-01", "2020-02-29")),
        ("9999-12", ("9999-12-01", "9999-12-31")),
        ("2011", ("2011-01-01", "2011-12-31")),
        ("2019-04-04/2019-04-07", ("2019-04-04", "2019-04-07")),
        ("2011-02/2011-10", ("2011-02-01", "2011-10-31")),
        *((value, None) for value in (None, "", "2020-02-31", "2019-W53", "2020-13", "2020-00", "0000")),
        *((value, None) for value in ("2020-SP", "201", "PT24H", "2020-06-05/", "2020-06/2020-05", "٢٠٢٠")),
    ],
)
def test_days_of_a_time(value: str | None, days: tuple[str, str] | None) -> None:
    """A time covers the days of its value, both ends included; a length or a season covers none."""
    found = Timex(value=value).days()
    assert found == (days and tuple(map(date.fromisoformat, days)))
