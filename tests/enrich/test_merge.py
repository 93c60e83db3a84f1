"""Merging: what is one incident, what is kept of it, the order of documents, and hostile sizes."""

import random
from dataclasses import replace
from datetime import date
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from libyaevents.datasets import load_corpus
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
from libyaevents.enrich.merge import THRESHOLD, explain, merge

SIRTE = Place(name="سرت", osm_id="r1", latitude=31.2, longitude=16.59, precision=1)
SABHA = Place(name="سبها", osm_id="r2", latitude=27.04, longitude=14.43, precision=1)
MONDAY = Timex(type="DATE", value="2020-06-01", precision="day")
TUESDAY = Timex(type="DATE", value="2020-06-02", precision="day")
SATURDAY = Timex(type="DATE", value="2020-06-06", precision="day")
SOURCE = "متحدث"


def document(id_: str | None, *events: dict[str, Any], published: date | None = date(2020, 6, 2)) -> Document:
    """A document with a sentence for each event, given as fields of Event, roles and the `trigger`."""
    text, spans, made = "", [], []
    for number, fields in enumerate(events, start=1):
        start = len(text)
        arguments = []
        for role in ("Agent", "Patient", "Place", "Instrument", "Source"):
            if role in fields:
                mention = fields[role]
                at = len(text)
                arguments.append(Argument(role=role, start=at, end=at + len(mention), text=mention))
                text += mention + " "
        word = fields["trigger"]
        trigger = Trigger(start=len(text), end=len(text) + len(word), text=word)
        text += word + ".\n"
        spans.append((start, len(text) - 1))
        known = {name: value for name, value in fields.items() if name[0].islower() and name != "trigger"}
        made.append(Event(id=f"E{number}", trigger=trigger, arguments=tuple(arguments), **known))
    return Document(
        id=id_, text=text or "لا شيء.", published=published, sentences=tuple(spans), events=tuple(made)
    )


def strike(**changes: Any) -> dict[str, Any]:
    """An air strike on Sirte on Monday, with changes."""
    return {"type": "AirStrike", "trigger": "غارة", "Place": "سرت", "place": SIRTE, "time": MONDAY, **changes}


def killed(number: int, source: str | None = None) -> Casualties:
    """A figure of dead."""
    return Casualties(kind="killed", minimum=number, best=number, maximum=number, source=source)


def mentions(incidents: list[Incident]) -> list[list[str]]:
    """The mentions of incidents in short: a1/E1."""
    return [["/".join(mention) for mention in incident.mentions] for incident in incidents]


def test_two_papers_tell_of_one_strike() -> None:
    """Events of one type, day and place in two documents are one incident."""
    assert mentions(merge([document("a1", strike()), document("b2", strike(trigger="قصف"))])) == [
        ["a1/E1", "b2/E1"]
    ]


@pytest.mark.parametrize(
    "other",
    [
        strike(Place="سبها", place=SABHA),
        strike(time=SATURDAY),
        {"type": "Protest", "trigger": "تظاهرة", "Place": "سرت", "place": SIRTE, "time": MONDAY},
    ],
    ids=["another town", "another week", "another kind"],
)
def test_what_differs_stays_apart(other: dict[str, Any]) -> None:
    """Another town, another week or another kind of event is another incident."""
    assert len(merge([document("a1", strike()), document("b2", other)])) == 2


def test_night_is_called_by_either_day() -> None:
    """Events of one place a day apart may be one."""
    later = document("b2", strike(time=TUESDAY, Patient="رتلا"))
    first = document("a1", strike(Patient="رتل"))
    assert "days" not in explain([first, later], ("a1", "E1"), ("b2", "E1"))
    assert len(merge([first, later])) == 1


def test_deaths_are_another_incident_than_their_cause() -> None:
    """A Kill in the sentence of the attack, or behind it, is an incident of its own."""
    death = {"type": "Kill", "trigger": "مقتل", "Patient": "جنود", "casualties": (killed(7),)}
    attack, deaths = merge([document("a1", strike(), death)])
    assert (attack.type, deaths.type) == ("AirStrike", "Kill")
    assert deaths.casualties == (killed(7),)


def test_victims_of_two_sides_are_apart() -> None:
    """The dead of one side and the dead of the other are two incidents, in one paper and in two."""
    police = strike(type="Kill", trigger="مقتل", Patient="شرطيين")
    attackers = strike(type="Kill", trigger="مقتل", Patient="مسلحين")
    documents = [document("a1", police, attackers), document("b2", police, attackers)]
    assert mentions(merge(documents)) == [["a1/E1", "b2/E1"], ["a1/E2", "b2/E2"]]


def test_figures_do_not_part_victims() -> None:
    """Six dead policemen and nine dead policemen are one incident with both figures."""
    rows = [
        strike(type="Kill", trigger="مقتل", Patient="رجال الشرطة", casualties=(killed(n),)) for n in (6, 9)
    ]
    (incident,) = merge([document(f"d{number}", row) for number, row in enumerate(rows)])
    assert incident.casualties == (killed(6), killed(9))


def test_weapons_of_other_kinds_are_apart() -> None:
    """A car bomb and an explosive belt on one day in one town are two bombings."""
    car = strike(type="Bombing", trigger="تفجير", Instrument="سيارة مفخخة")
    belt = strike(type="Bombing", trigger="تفجير", Instrument="حزام ناسف")
    assert len(merge([document("a1", car), document("b2", belt)])) == 2


def test_bare_mention_is_the_one_named_before() -> None:
    """الهجوم without any argument, in a later sentence, is the attack that was told before."""
    bare = {"type": "Attack", "trigger": "الهجوم"}
    first = strike(type="Attack", trigger="هجوم")
    assert mentions(merge([document("a1", first, bare)])) == [["a1/E1", "a1/E2"]]


def test_history_is_not_the_news() -> None:
    """An attack of years ago, told as background, is not today's; nor is old news of the same names."""
    old = strike(time=Timex(type="DATE", value="2013", precision="year"))
    assert len(merge([document("a1", strike(), old)])) == 2
    undated = strike(time=None)
    papers = [document("a1", undated), document("b2", undated, published=date(2021, 6, 2))]
    assert len(merge(papers)) == 2


def test_every_figure_and_source_is_kept() -> None:
    """Figures that contradict each other stand beside each other, each with its source, none twice."""
    documents = [
        document("a1", strike(casualties=(killed(7, "مصدر طبي"),), Source="مصدر طبي")),
        document("b2", strike(casualties=(killed(9, "بيان"),), Source="بيان")),
        document("c3", strike(casualties=(killed(9, "بيان"),), Source="بيان")),
    ]
    (incident,) = merge(documents)
    assert incident.casualties == (killed(7, "مصدر طبي"), killed(9, "بيان"))
    assert incident.claims == (
        Claim(claimed_by="مصدر طبي", status="claimed"),
        Claim(claimed_by="بيان", status="claimed"),
    )


def test_denial_joins_as_a_claim() -> None:
    """What is denied joins the incident that it denies as a claim, and gives it no figures."""
    denial = strike(factuality="negated", Source=SOURCE, casualties=())
    (incident,) = merge([document("a1", strike(casualties=(killed(7),))), document("b2", denial)])
    assert incident.claims == (Claim(claimed_by=SOURCE, status="denied"),)
    assert incident.casualties == (killed(7),)
    assert incident.mentions == (("a1", "E1"), ("b2", "E1"))


def test_denials_never_bridge_incidents() -> None:
    """Two incidents stay two when one denial would fit both."""
    monday, saturday = document("a1", strike()), document("b2", strike(time=SATURDAY))
    denial = document("c3", strike(factuality="negated", time=None))
    assert len(merge([monday, saturday, denial])) == 2


def test_plans_of_one_thing_are_one() -> None:
    """What is only planned merges with the like, and its claims say so."""
    plan = strike(factuality="possible")
    (incident,) = merge([document("a1", plan), document("b2", plan)])
    assert incident.claims == (Claim(status="planned"),)


def test_given_claims_are_kept() -> None:
    """A claim that an enricher resolved stands as it is."""
    claim = Claim(claimed_by=Actor(id="lna", name="القيادة العامة"), party=True, status="claimed")
    assert merge([document("a1", strike(claim=claim))])[0].claims == (claim,)


def test_finest_time_and_place_win() -> None:
    """A day that is said beats a month and a day that is inferred; a town beats a region."""
    region = Place(name="خليج سرت", latitude=30.9, longitude=17.5, precision=3)
    month = Timex(type="DATE", value="2020-06", precision="month")
    inferred = replace(TUESDAY, inferred=True)
    documents = [
        document("a1", strike(time=month, place=region)),
        document("b2", strike(time=inferred)),
        document("c3", strike()),
    ]
    (incident,) = merge(documents)
    assert (incident.time, incident.place) == (MONDAY, SIRTE)


def test_actors_are_collected() -> None:
    """Known actors of the mentions are the incident's, each once."""
    actor = Actor(id="lna", name="الجيش الوطني")
    made = document("a1", strike(Agent="الجيش الوطني"), strike(Agent="الجيش الوطني"))
    entities = tuple(
        Entity(id=f"T{index}", label="MILITARY", start=part.start, end=part.end, text=part.text, actor=actor)
        for index, part in enumerate(event.arguments[0] for event in made.events)
    )
    events = tuple(
        replace(event, arguments=(replace(event.arguments[0], entity_id=f"T{index}"), *event.arguments[1:]))
        for index, event in enumerate(made.events)
    )
    assert {incident.actors for incident in merge([replace(made, entities=entities, events=events)])} == {
        (actor,)
    }


def test_contradictory_dates_do_not_chain() -> None:
    """A mention without a day joins one side; it never makes one incident of two days."""
    documents = [
        document("a1", strike()),
        document("b2", strike(time=None)),
        document("c3", strike(time=SATURDAY)),
    ]
    days = [incident.time.value for incident in merge(documents) if incident.time]
    assert days == ["2020-06-01", "2020-06-06"]


@pytest.mark.parametrize(
    "value", ["2020-02-31", "50000", "نعم", "2020-W99", "0000", "9999-12", "2020-06-06/2020-06-01", "198"]
)
def test_impossible_days_are_no_days(value: str) -> None:
    """A time that no calendar has takes part in nothing and stops nothing."""
    time = Timex(type="DATE", value=value)
    assert mentions(merge([document("a1", strike(time=time))])) == [["a1/E1"]]


def test_events_without_anything() -> None:
    """Events with a trigger alone, in documents with no date, are incidents of their own."""
    bare = {"type": "Seize", "trigger": "سيطرة"}
    incidents = merge([document("a1", bare, published=None), document("b2", bare, published=None)])
    assert mentions(incidents) == [["a1/E1"], ["b2/E1"]]
    assert incidents[0] == Incident(type="Seize", mentions=(("a1", "E1"),))


def test_nothing_to_merge() -> None:
    """No documents, and documents without events, have no incidents."""
    assert merge([]) == merge([document("a1")]) == []


def test_document_given_twice_counts_once() -> None:
    """The same document twice changes nothing, also where it has no id; its text then names it."""
    one = document(None, strike())
    incidents = merge([one, one])
    assert incidents == merge([one])
    assert incidents[0].mentions[0][0].startswith("text:")


def test_order_of_documents_does_not_matter() -> None:
    """Whatever the order of the documents, the incidents are the same."""
    documents = [
        document("a1", strike(), strike(time=SATURDAY)),
        document("b2", strike(trigger="قصف", casualties=(killed(3),))),
        document("c3", strike(time=None, Place="سبها", place=SABHA)),
        document("d4", strike(factuality="negated")),
    ]
    expected = merge(documents)
    assert all(merge(order) == expected for order in permutations(documents))


EVENTS = st.fixed_dictionaries(
    {
        "type": st.sampled_from(["AirStrike", "Kill", "Attack", "Clash", "Seize"]),
        "trigger": st.sampled_from(["غارة", "الغارة", "مقتل", "هجوم"]),
        "factuality": st.sampled_from(["actual", "negated", "possible"]),
        "time": st.sampled_from([None, MONDAY, TUESDAY, SATURDAY]),
    },
    optional={"Place": st.sampled_from(["سرت", "بسرت", "سبها"]), "Patient": st.sampled_from(["رتل", "جنود"])},
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(EVENTS, max_size=4), max_size=5), st.randoms(use_true_random=False))
def test_laws_of_merging(rows: list[list[dict[str, Any]]], chance: random.Random) -> None:
    """Every event is in exactly one incident, incidents can be written, and order does not matter."""
    documents = [document(f"d{number}", *events) for number, events in enumerate(rows)]
    incidents = merge(documents)
    seen = [mention for incident in incidents for mention in incident.mentions]
    assert sorted(seen) == sorted((made.id or "", event.id) for made in documents for event in made.events)
    assert [Incident.from_json(incident.to_json()) for incident in incidents] == incidents
    chance.shuffle(documents)
    assert merge(documents) == incidents


def test_explanation_names_its_parts() -> None:
    """The explanation of a pair names what speaks for it, and its total is held against the threshold."""
    documents = [document("a1", strike()), document("b2", strike())]
    parts = explain(documents, ("a1", "E1"), ("b2", "E1"))
    assert {"place", "days", "root", "total"} <= set(parts)
    assert parts["total"] >= THRESHOLD
    assert parts["total"] == pytest.approx(sum(value for name, value in parts.items() if name != "total"))


def test_explanation_of_types_that_never_meet() -> None:
    """Events of two types are never compared, and the explanation says so."""
    documents = [document("a1", strike()), document("b2", strike(type="Protest"))]
    assert explain(documents, ("a1", "E1"), ("b2", "E1")) == {"type": -10.0, "total": -10.0}


def test_ten_thousand_events_in_one_document() -> None:
    """A document of 10,000 events is merged by comparing few pairs, and none is lost."""
    rows = [strike(Place=f"حي{number % 500}", place=None, time=None) for number in range(10_000)]
    incidents = merge([document("a1", *rows)])
    assert sum(len(incident.mentions) for incident in incidents) == 10_000


def test_open_corpus_keeps_its_events() -> None:
    """Every event of the open corpus is in one incident; hardly one incident spans its articles."""
    corpus = load_corpus("open")
    incidents = merge(corpus)
    assert sum(len(incident.mentions) for incident in incidents) == sum(len(made.events) for made in corpus)
    assert sum(len({name for name, _ in incident.mentions}) > 1 for incident in incidents) <= 2
