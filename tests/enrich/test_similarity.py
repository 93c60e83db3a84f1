"""Likeness on sentences of our own: mentions of one incident, and mentions that only look like it."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

import pytest

from libyaevents.documents import Argument, Document, Entity, Event, Place, Trigger
from libyaevents.enrich import enrich
from libyaevents.enrich.merge import THRESHOLD, explain, merge

LABELS = {"Place": "GPE", "Agent": "MILITARY", "Name": "PERSON", "Time": "DATE"}
FIRST, SECOND = ("one", "E1"), ("two", "E1")


class Told(NamedTuple):
    """An event of a sentence: its type, trigger and roles, `Name` for a proper name that is no role."""

    type: str
    trigger: str
    roles: Mapping[str, str]
    factuality: str = "actual"


def article(id_: str, published: str, *sentences: tuple[str, Sequence[Told]]) -> Document:
    """An enriched article of sentences, each with its events; every string stands once in its sentence."""
    text, spans = "", []
    entities: dict[str, Entity] = {}
    events: list[Event] = []
    for sentence, told in sentences:
        start = len(text)
        text += sentence + "\n"
        spans.append((start, start + len(sentence)))
        for event in told:
            arguments = []
            for role, mention in event.roles.items():
                at = start + sentence.index(mention)
                known: dict[str, Any] = {}
                if role in LABELS:
                    entity = Entity(
                        id=f"T{at}", label=LABELS[role], start=at, end=at + len(mention), text=mention
                    )
                    entities[entity.id] = entity
                    known["entity_id"] = entity.id
                if role != "Name":
                    arguments.append(
                        Argument(role=role, start=at, end=at + len(mention), text=mention, **known)
                    )
            at = start + sentence.index(event.trigger)
            trigger = Trigger(start=at, end=at + len(event.trigger), text=event.trigger)
            events.append(
                Event(
                    id=f"E{len(events) + 1}",
                    type=event.type,
                    trigger=trigger,
                    factuality=event.factuality,
                    arguments=tuple(arguments),
                )
            )
    made = Document(
        id=id_,
        text=text,
        published=date.fromisoformat(published),
        sentences=tuple(spans),
        entities=tuple(entities.values()),
        events=tuple(events),
    )
    return enrich(made)


def are_one(*documents: Document, first: tuple[str, str] = FIRST, second: tuple[str, str] = SECOND) -> bool:
    """Whether two events are in one incident."""
    return any({first, second} <= set(incident.mentions) for incident in merge(documents))


# The same shelling of Misrata, and what is not it; each told by a paper of the day after.
BASE = (
    "أمطرت مليشيا النهر حي رأس الطوبة في مصراتة بالقذائف أمس، وفق متحدث باسم كتيبة الصمود.",
    [
        Told(
            "Shelling", "أمطرت", {"Agent": "مليشيا النهر", "Place": "مصراتة", "Time": "أمس", "Name": "الصمود"}
        )
    ],
)
PAIRS = {
    "other words": (
        "سقطت قذائف مليشيا النهر على مصراتة يوم الثلاثاء، كما قالت كتيبة الصمود.",
        Told("Shelling", "سقطت", {"Agent": "النهر", "Place": "مصراتة", "Time": "الثلاثاء", "Name": "الصمود"}),
        True,
    ),
    "denied": (
        "نفت مليشيا النهر قصف مصراتة يوم الثلاثاء، خلافا لما قالته كتيبة الصمود.",
        Told(
            "Shelling",
            "قصف",
            {"Agent": "النهر", "Place": "مصراتة", "Time": "الثلاثاء", "Name": "الصمود"},
            factuality="negated",
        ),
        True,
    ),
    "another type": (
        "اشتبكت مليشيا النهر مع كتيبة الصمود في مصراتة يوم الثلاثاء.",
        Told("Clash", "اشتبكت", {"Agent": "النهر", "Place": "مصراتة", "Time": "الثلاثاء", "Name": "الصمود"}),
        False,
    ),
    "another town": (
        "سقطت قذائف مليشيا النهر على زليتن يوم الثلاثاء، كما قالت كتيبة الصمود.",
        Told("Shelling", "سقطت", {"Agent": "النهر", "Place": "زليتن", "Time": "الثلاثاء", "Name": "الصمود"}),
        False,
    ),
    "another day": (
        "سقطت قذائف مليشيا النهر على مصراتة يوم السبت الماضي، كما قالت كتيبة الصمود.",
        Told(
            "Shelling",
            "سقطت",
            {"Agent": "النهر", "Place": "مصراتة", "Time": "السبت الماضي", "Name": "الصمود"},
        ),
        False,
    ),
    "another story": (
        "سقطت قذائف مجهولة المصدر على مصراتة يوم الثلاثاء، وفق عميد البلدية فرج التاورغي.",
        Told("Shelling", "سقطت", {"Place": "مصراتة", "Time": "الثلاثاء", "Name": "فرج التاورغي"}),
        False,
    ),
}


@pytest.mark.parametrize("name", PAIRS)
def test_pairs_of_two_papers(name: str) -> None:
    """Two papers tell of one event in other words or deny it; another type, town, day or story is another."""
    sentence, told, is_one = PAIRS[name]
    documents = (article("one", "2019-04-10", BASE), article("two", "2019-04-10", (sentence, [told])))
    assert are_one(*documents) is is_one, explain(documents, FIRST, SECOND)


def test_two_of_one_war_without_names_in_common_are_never_compared() -> None:
    """Names that a whole war shares, الجيش الليبي and ليبيا, are no story."""
    documents = [
        article(
            id_,
            "2019-04-10",
            (
                f"قال الجيش الليبي إن هجوما وقع في ليبيا أمس، وفق {name}.",
                [Told("Attack", "هجوما", {"Agent": "الجيش الليبي", "Place": "ليبيا", "Name": name})],
            ),
        )
        for id_, name in (("one", "خالد الدرسي"), ("two", "سعد المجبري"))
    ]
    assert explain(documents, FIRST, SECOND)["story"] < THRESHOLD
    assert not are_one(*documents)


def dead(second: str, told: Sequence[Told]) -> Document:
    """An article on policemen killed at a checkpoint, with a second sentence."""
    first = Told("Kill", "قُتل", {"Patient": "شرطيين", "Quantity": "تسعة", "Place": "العجيلات"})
    return article(
        "one",
        "2019-04-10",
        ("مقتل شرطيين عند حاجز.", []),
        ("قُتل تسعة شرطيين عند حاجز في العجيلات.", [first]),
        (second, told),
    )


@pytest.mark.parametrize(
    ("sentence", "told", "is_one"),
    [
        (
            "وكان الشرطيون التسعة الذين سقطوا من أبناء المدينة.",
            Told("Kill", "سقطوا", {"Patient": "الشرطيون", "Quantity": "التسعة"}),
            True,
        ),
        (
            "وأعلنت الوزارة مقتل أربعة مسلحين من المهاجمين.",
            Told("Kill", "مقتل", {"Patient": "مسلحين", "Quantity": "أربعة"}),
            False,
        ),
        (
            "وقُتل تسعة مدنيين في سبها.",
            Told("Kill", "قُتل", {"Patient": "مدنيين", "Quantity": "تسعة", "Place": "سبها"}),
            False,
        ),
        (
            "وتكررت الاغتيالات في الأشهر الماضية.",
            Told("Kill", "الاغتيالات", {}),
            False,
        ),
    ],
    ids=["told again", "the other side", "another place", "a plural that sums up"],
)
def test_victims_of_one_paper(sentence: str, told: Told, is_one: bool) -> None:
    """In one paper the same victims are one incident; the other side, another town and a sum are not."""
    documents = [dead(sentence, [told])]
    assert are_one(*documents, second=("one", "E2")) is is_one, explain(documents, FIRST, ("one", "E2"))


def test_known_mention_goes_to_what_is_told_first() -> None:
    """الهجوم without a place of its own is the one of the title, not the raid that was told last."""
    made = article(
        "one",
        "2019-04-10",
        (
            "هجوم على حاجز في العجيلات.",
            [Told("Attack", "هجوم", {"Patient": "حاجز", "Place": "العجيلات"})],
        ),
        (
            "ودهمت قوة من الأمن بيوتا في صبراتة.",
            [Told("Attack", "دهمت", {"Patient": "بيوتا", "Place": "صبراتة"})],
        ),
        ("ولم تتبن أي جهة الهجوم.", [Told("Attack", "الهجوم", {})]),
    )
    assert are_one(made, second=("one", "E3"))
    assert not are_one(made, second=("one", "E2"))


def test_where_they_stand_tells_nothing_against_a_contradiction() -> None:
    """A title and its lead are not one incident where the places lie apart."""
    made = article(
        "one",
        "2019-04-10",
        ("قصف سرت.", [Told("Shelling", "قصف", {"Place": "سرت"})]),
        ("وتعرضت سبها لقذائف.", [Told("Shelling", "قذائف", {"Place": "سبها"})]),
    )
    parts = explain([made], FIRST, ("one", "E2"))
    assert "position" not in parts
    assert parts["total"] < THRESHOLD


def test_verbs_of_one_sentence_share_their_arguments_by_grammar() -> None:
    """What two verbs of one sentence have in common counts half."""
    sentence = "نهب مسلحون متاجر ثم أحرقوا متاجر أخرى في العجيلات."
    roles = {"Patient": "متاجر", "Place": "العجيلات"}
    both = [Told("Destroy", "نهب", roles), Told("Destroy", "أحرقوا", roles)]
    apart = [(sentence, both[:1]), (sentence, both[1:])]
    within = explain([article("one", "2019-04-10", (sentence, both))], FIRST, ("one", "E2"))
    across = explain([article("one", "2019-04-10", ("لا شيء.", []), *apart)], FIRST, ("one", "E2"))
    assert within["place"] * 2 == across["place"]


def test_articles_tell_together() -> None:
    """What an article says of an incident in several places is held against another article together."""
    first = article(
        "one",
        "2019-04-10",
        (
            "هاجم مسلحون حاجزا في العجيلات أمس.",
            [Told("Attack", "هاجم", {"Patient": "حاجزا", "Place": "العجيلات", "Time": "أمس"})],
        ),
        (
            "وتبنت سرايا الوادي الأخضر الهجوم.",
            [Told("Attack", "الهجوم", {"Agent": "سرايا الوادي الأخضر"})],
        ),
    )
    second = article(
        "two",
        "2019-04-11",
        (
            "قالت سرايا الوادي الأخضر إنها هاجمت العجيلات يوم الثلاثاء.",
            [
                Told(
                    "Attack",
                    "هاجمت",
                    {"Agent": "سرايا الوادي الأخضر", "Place": "العجيلات", "Time": "الثلاثاء"},
                )
            ],
        ),
    )
    parts = explain([first, second], ("one", "E2"), SECOND)
    assert {"place", "days"} <= set(parts)
    assert len(merge([first, second])) == 1


def test_town_does_not_contradict_a_place_in_it() -> None:
    """درنة and a quarter of it are no two places; two quarters are."""
    derna = Place(name="درنة", latitude=32.76, longitude=22.64, precision=1, radius_km=12.0)
    quarters = {
        name: Place(name=name, latitude=32.765, longitude=22.642, precision=1, radius_km=3.0)
        for name in ("المغار", "باب طبرق")
    }

    def told(first: Place, second: Place) -> dict[str, float]:
        text = f"قتال في {first.name}.\nقتال آخر في {second.name}.\n"
        events = []
        for number, (start, place) in enumerate(((0, first), (text.index("\n") + 1, second)), start=1):
            at = text.index(place.name, start)
            events.append(
                Event(
                    id=f"E{number}",
                    type="Clash",
                    place=place,
                    trigger=Trigger(start=start, end=start + 4, text="قتال"),
                    arguments=(Argument(role="Place", start=at, end=at + len(place.name), text=place.name),),
                )
            )
        made = Document(id="one", text=text, published=date(2018, 6, 3), events=tuple(events))
        return explain([made], FIRST, ("one", "E2"))

    assert "place" not in told(derna, quarters["المغار"])
    assert told(quarters["المغار"], quarters["باب طبرق"])["place"] < 0
