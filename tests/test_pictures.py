"""Maps and timelines of many documents."""

import base64
import hashlib
import json
import math
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from importlib.resources import files

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from libyaevents.documents import Actor, Casualties, Claim, Document, Event, Place, Timex, Trigger
from libyaevents.ontology import load_ontology
from libyaevents.pictures import to_map, to_timeline
from tests.test_render import HOSTILE, UNSAFE, Page

Picture = Callable[[Iterable[Document]], str]
PICTURES: list[Picture] = [to_map, to_timeline]
by_picture = pytest.mark.parametrize("picture", PICTURES)
SIRTE = Place(name="سرت", latitude=31.2, longitude=16.59, country="LY", precision=1)
TRIPOLI = Place(name="طرابلس", latitude=32.9, longitude=13.18, country="LY", precision=2, radius_km=12)
LIBYA = Place(name="ليبيا", latitude=27.0, longitude=17.0, country="LY", precision=3)
TUNIS = Place(name="تونس", latitude=36.8, longitude=10.18, country="TN")
GENEVA = Place(name="جنيف", latitude=46.2, longitude=6.14, country="CH")


def day(value: str | None) -> Timex:
    """Return a time of that value."""
    return Timex(type="DATE", value=value)


def document(*events: Mapping[str, object], name: str = "خبر", text: str = "قصف") -> Document:
    """Return a document whose every event is named by its whole text."""
    trigger = Trigger(start=0, end=len(text), text=text)
    return Document(
        title=name,
        text=text,
        events=tuple(
            Event(**{"id": f"E{number}", "type": "Shelling", "trigger": trigger, **fields})  # type: ignore[arg-type]
            for number, fields in enumerate(events)
        ),
    )


def circles(html: str) -> list[dict[str, str | None]]:
    """Return the attributes of the circles, largest first as drawn."""
    return [attributes for tag, attributes in Page(html).tags if tag == "circle"]


def numbers(circle: dict[str, str | None]) -> tuple[float, float, float]:
    """Return center and radius of a circle."""
    x, y, radius = (float(circle[name] or "") for name in ("cx", "cy", "r"))
    return x, y, radius


def box(html: str) -> tuple[float, float]:
    """Return width and height of the drawing."""
    (view,) = (attributes["viewbox"] for tag, attributes in Page(html).tags if tag == "svg")
    _, _, width, height = map(float, (view or "").split())
    return width, height


def summaries(html: str) -> list[str]:
    """Return the headings of the lists, with the number of events at the end."""
    parts = re.findall(r"<summary>(.*?)</summary>", html)
    return [" ".join(re.sub(r"<[^>]+>", "", part).split()) for part in parts]


def test_map_draws_each_place_once() -> None:
    """Events of several documents at one point are one circle, whose area is as their number."""
    html = to_map([document({"place": SIRTE}, {"place": SIRTE}), document(*[{"place": TRIPOLI}] * 8)])
    tripoli, sirte = (numbers(circle) for circle in circles(html))
    assert tripoli[2] / sirte[2] == pytest.approx(2, abs=0.1)
    assert tripoli[0] < sirte[0]
    assert tripoli[1] < sirte[1]
    assert summaries(html) == ["طرابلس، LY 32.90, 13.18 8", "سرت، LY 31.20, 16.59 2"]


def test_map_is_equirectangular() -> None:
    """A degree of longitude is shorter than one of latitude by the cosine of the middle latitude."""
    corners = [(25.0, 15.0), (26.0, 15.0), (25.0, 16.0)]
    places = [Place(latitude=latitude, longitude=longitude, name="نقطة") for latitude, longitude in corners]
    html = to_map([document(*({"place": place} for place in places))])
    origin, north, east = (numbers(circle) for circle in circles(html))
    assert origin[1] - north[1] == pytest.approx(
        (east[0] - origin[0]) / math.cos(math.radians(26.34)), rel=0.01
    )


def test_circle_links_to_its_list() -> None:
    """Each link of the drawing leads to a list of the page."""
    for html in (to_map([document({"place": SIRTE})]), to_timeline([document({"time": day("2020-06-05")})])):
        tags = Page(html).tags
        links = [attributes["href"] for tag, attributes in tags if tag == "a"]
        assert links
        assert set(links) <= {f"#{attributes['id']}" for _, attributes in tags if "id" in attributes}
        # Browsers open a closed list where what a link leads to lies inside.
        assert {tag for tag, attributes in tags if "id" in attributes} == {"div"}


def test_circles_have_names() -> None:
    """A link of the drawing is called by its place, or by type and day, and by its number of events."""
    event = {"place": SIRTE, "time": day("2020-06-05")}
    names = [Page(picture([document(event, event)])).within("a") for picture in PICTURES]
    assert names == [["سرت: 2"], ["Shelling · 2020-06-05 · 2"]]


def test_near_places_widen_the_frame() -> None:
    """A place beside the outlines is drawn in a wider frame; one far away is listed alone."""
    narrow, wide = (to_map([document({"place": place}, {"place": SIRTE})]) for place in (GENEVA, TUNIS))
    assert len(circles(narrow)) == 1
    assert len(circles(wide)) == 2
    assert box(narrow) == box(to_map([])) != box(wide)
    assert "خارج الخريطة" in narrow
    assert "خارج الخريطة" not in wide
    for html in (narrow, wide):
        width, height = box(html)
        assert all(0 < x < width and 0 < y < height for x, y, _ in map(numbers, circles(html)))


def test_outline_lies_in_the_drawing() -> None:
    """The outlines are those of the data file, inside the frame."""
    html = to_map([])
    (path,) = (attributes["d"] for _, attributes in Page(html).tags if attributes.get("class") == "land")
    points = [tuple(map(float, pair)) for pair in re.findall(r"([\d.]+) ([\d.]+)", path or "")]
    text = files("libyaevents").joinpath("data/libya_outline.json").read_text(encoding="utf-8")
    districts = json.loads(text)["districts"]
    assert len(points) == sum(len(ring) for district in districts for ring in district["rings"])
    assert len(districts) == 22
    width, height = box(html)
    assert all(0 < x < width and 0 < y < height for x, y in points)


def test_unsure_places_are_dashed() -> None:
    """The middle of a region, and a place where nothing happened, are drawn apart from the others."""
    denied = {"place": TRIPOLI, "factuality": "negated"}
    html = to_map([document({"place": SIRTE}, {"place": LIBYA}, denied)])
    assert [circle["class"] for circle in circles(html)] == ["spot", "spot unsure", "spot unsure"]


def test_no_event_is_lost() -> None:
    """What has no point or no day is listed, under headings that say so."""
    nowhere = Place(name="مكان")
    events: list[dict[str, object]] = [
        {},
        {"place": nowhere},
        {"place": SIRTE, "time": day("2020-06")},
        {"time": day("2020-06-05")},
    ]
    html = to_map([document(*events)])
    assert summaries(html)[-1] == "أحداث بلا إحداثيات 3"
    html = to_timeline([document(*events)])
    assert summaries(html) == ["2020-06-05 1", "2020-06 1", "أحداث بلا تاريخ معروف 2"]
    assert len(circles(html)) == 1


def test_list_shows_what_is_known() -> None:
    """An event has type, trigger, time, casualties, claim and document."""
    event = {
        "time": Timex(type="DATE", value="2020-06-05", anchor=date(2020, 6, 6), inferred=True),
        "place": TRIPOLI,
        "casualties": (Casualties(kind="killed", minimum=1200, source="وزارة الصحة"),),
        "claim": Claim(claimed_by=Actor(name="حكومة الوفاق", code="LBYGOV"), party=True, status="claimed"),
    }
    for picture in PICTURES:
        (item,) = re.findall(r"<li>(.*?)</li>", picture([document(event, name="غارة")]))
        shown = " ".join(re.sub(r"<[^>]+>", "", item).split())
        for part in (
            "Shelling",
            "«قصف»",
            "2020-06-05 مستنتج؛ محسوب من 2020-06-06",
            "قرب هذا الموضع؛ ±12 كم",
            "قتلى: 1,200 على الأقل بحسب وزارة الصحة",
            "حكومة الوفاق LBYGOV قول منسوب طرف في الحدث",
            "غارة",
        ):
            assert part in shown


def test_timeline_runs_from_right_to_left() -> None:
    """An earlier day stands farther right; types keep the order of the ontology."""
    first, last = {"time": day("2020-06-01")}, {"time": day("2020-06-05T09:00"), "type": "Clash"}
    html = to_timeline([document(first, last)])
    shelling, clash = (numbers(circle) for circle in circles(html))
    assert shelling[0] > clash[0]
    assert clash[1] < shelling[1]
    assert 'href="#day-2020-06-05"' in html


def test_days_are_to_scale_but_for_long_gaps() -> None:
    """Two days are twice as far as one; fifty years are cut short, with a dotted line."""
    values = ("1969-09-01", "2019-04-04", "2019-04-05", "2019-04-07")
    html = to_timeline([document(*({"time": day(value)} for value in values))])
    x = [numbers(circle)[0] for circle in circles(html)]
    assert (x[2] - x[3]) / (x[1] - x[2]) == pytest.approx(2, rel=0.02)
    assert x[0] - x[1] == pytest.approx(10 * (x[1] - x[2]), rel=0.02)
    assert html.count('class="gap"') == 1


@pytest.mark.parametrize(
    "value", ["2020-02-31", "50000-01-01", "2020-W23", "198", "2011/2014", "٢٠٢٠-٠١-٠١", "غدا"]
)
def test_values_that_are_no_day(value: str) -> None:
    """What names no day of a calendar is listed by its value, and not drawn."""
    html = to_timeline([document({"time": day(value)})])
    assert circles(html) == []
    assert summaries(html) == [f"{value} 1"]


def test_unknown_types_share_a_row() -> None:
    """However many types a document invents, the drawing stays small."""
    html = to_timeline([document(*({"type": f"نوع {n}", "time": day("2020-06-05")} for n in range(50)))])
    assert [numbers(circle)[1] for circle in circles(html)] == [17.0]
    assert box(html)[1] < 100


@by_picture
def test_no_documents_give_a_page(picture: Picture) -> None:
    """Without events, there is a page that says so in numbers."""
    assert Page(picture([])).within("dd") == ["0", "0"]
    assert circles(picture([Document(text="لا شيء")])) == []


def hostile_document() -> Document:
    """Return a document whose every string tries to leave its place."""
    actor = Actor(name=HOSTILE, code=HOSTILE, side=HOSTILE)
    event = {
        "type": HOSTILE,
        "factuality": HOSTILE,
        "time": Timex(value=HOSTILE),
        "place": Place(name=HOSTILE, admin1=HOSTILE, country=HOSTILE, latitude=31.2, longitude=16.59),
        "claim": Claim(claimed_by=actor, status="claimed"),
        "casualties": (Casualties(kind=HOSTILE, best=1, source=HOSTILE),),
    }
    dated = {"time": day("2020-06-05"), "claim": Claim(claimed_by=HOSTILE)}
    return document(event, event | dated, name=HOSTILE, text=HOSTILE)


@by_picture
def test_hostile_text_is_inert(picture: Picture) -> None:
    """Tags and quotes are text, overrides are code points; no element or attribute comes from a document."""
    html = picture([hostile_document()])
    assert not UNSAFE.search(html)
    tags = Page(html).tags
    assert {tag for tag, _ in tags}.isdisjoint({"script", "link", "img", "iframe", "object", "base", "form"})
    names = {name for _, attributes in tags for name in attributes}
    assert not {name for name in names if name.startswith("on") or name in ("src", "style")}
    assert all((attributes["href"] or "").startswith("#") for _, attributes in tags if "href" in attributes)
    plain = {tag for tag, _ in Page(picture([document({"place": SIRTE, "time": day("2020-06-05")})])).tags}
    assert {tag for tag, _ in tags} <= plain | {"div"}


@by_picture
def test_policy_allows_the_own_style_alone(picture: Picture) -> None:
    """The page's policy names the hash of its one style sheet."""
    page = Page(picture([hostile_document()]))
    digest = base64.b64encode(hashlib.sha256("".join(page.within("style")).encode()).digest()).decode()
    (policy,) = (a["content"] for _, a in page.tags if a.get("http-equiv") == "Content-Security-Policy")
    assert policy == f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


times = st.none() | st.sampled_from(["2020-06-05", "1969-09-01", "2020-06", "9999-12-31", "0001-01-01", ""])
places = st.builds(
    Place,
    name=st.text(max_size=30),
    latitude=st.none() | st.floats(-90, 90),
    longitude=st.none() | st.floats(-180, 180),
    precision=st.sampled_from([None, 1, 2, 3]),
)
events = st.fixed_dictionaries(
    {
        "type": st.sampled_from([*load_ontology().event_labels, "نوع"]),
        "time": times.map(day),
        "place": st.none() | places,
    }
)


@settings(deadline=None, max_examples=30)
@given(st.lists(events, max_size=12))
def test_every_event_is_listed_once(drawn: list[dict[str, object]]) -> None:
    """Whatever times and places there are, tags balance, and each picture lists all events."""
    for picture in (to_map, to_timeline):
        html = picture([document(*drawn)])
        assert html.count("<li>") == len(drawn)
        # A carriage return is white space, to a browser as to the library.
        assert not UNSAFE.search(html.replace("\r", " "))
        width, height = box(html)
        assert all(0 <= x <= width and 0 <= y <= height for x, y, _ in map(numbers, circles(html)))


@by_picture
def test_many_events(picture: Picture) -> None:
    """10,000 events of one document are one page, its lists closed."""
    event = {"place": SIRTE, "time": day("2020-06-05")}
    html = picture([document(*[event] * 10_000)])
    assert html.count("<li>") == 10_000
    assert html.count("<circle") == 1
    assert "<details>" in html
    assert " open>" not in html
