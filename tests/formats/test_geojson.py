"""Rows as GeoJSON."""

import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libyaevents.documents import Document, Event, Place, Timex, Trigger
from libyaevents.formats.geojson import write_geojson
from libyaevents.formats.rows import to_rows

TEXT = "قصف قرب سرت"
SIRTE = Place(name="Sirte", latitude=31.2, longitude=16.59, country="LY")


def event(**fields: Any) -> Event:
    """A shelling."""
    known: dict[str, Any] = {"id": "E1", "type": "Shelling", "trigger": Trigger(start=0, end=3, text="قصف")}
    return Event(**known | fields)


def collection(*events: Event, **fields: Any) -> Any:
    """The GeoJSON of a document with these events, written and read back."""
    stream = io.BytesIO()
    document = Document(**{"text": TEXT, "id": "a1", "events": events, **fields})
    write_geojson(to_rows([document], "table"), stream)
    return json.loads(stream.getvalue().decode("utf-8"))


def test_an_event_is_a_point() -> None:
    """A feature stands at the event's place, longitude first, and tells what is known of the event."""
    time = Timex(value="2020-06-05", precision="day")
    found = collection(event(place=SIRTE, time=time, score=0.5))
    assert found["type"] == "FeatureCollection"
    (feature,) = found["features"]
    assert feature["type"] == "Feature"
    assert feature["geometry"] == {"type": "Point", "coordinates": [16.59, 31.2]}
    assert feature["properties"] == {
        "document": "a1",
        "event": "E1",
        "type": "Shelling",
        "factuality": "actual",
        "trigger": "قصف",
        "start": 0,
        "end": 3,
        "score": 0.5,
        "sentence": TEXT,
        "time": "2020-06-05",
        "date_precision": "day",
        "date_start": "2020-06-05",
        "date_end": "2020-06-05",
        "time_inferred": False,
        "place": "Sirte",
        "country": "LY",
    }


@pytest.mark.parametrize("place", [None, Place(name="Wadi"), Place(name="Wadi", latitude=31.2)])
def test_an_event_without_coordinates_is_kept(place: Place | None) -> None:
    """An event that has no place on the map is a feature without geometry."""
    (feature,) = collection(event(place=place))["features"]
    assert feature["geometry"] is None
    assert feature["properties"]["event"] == "E1"


def test_places_at_zero_are_places() -> None:
    """Where equator and prime meridian meet is a point as any other."""
    (feature,) = collection(event(place=Place(name="Null", latitude=0, longitude=0)))["features"]
    assert feature["geometry"]["coordinates"] == [0, 0]


@pytest.mark.parametrize("n", [0, 1, 3])
def test_any_number_of_events(n: int) -> None:
    """A collection of none, one or several is valid JSON, with every event in its order."""
    events = [event(id=f"E{number}", place=SIRTE, factuality="negated") for number in range(n)]
    found = collection(*events)["features"]
    assert [feature["properties"]["event"] for feature in found] == [item.id for item in events]


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_is_valid_json(title: str) -> None:
    """Whatever the document's text holds is a string, and reorders nothing where it is shown."""
    (feature,) = collection(event(), title=title)["features"]
    shown = feature["properties"].get("title", "")
    assert not set(shown) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\x00\n")
