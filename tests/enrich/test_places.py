"""Places: which point a name gets, and where an event happens."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libyaevents.documents import Argument, Document, Entity, Event, Place, Trigger
from libyaevents.enrich.gazetteer import destination, distance_km, load_gazetteer, read_entries
from libyaevents.enrich.places import resolve_places
from libyaevents.words import split_sentences

_MARK = re.compile(r"\[(\w+):([^\]]*)\]")


def read(marked: str) -> Document:
    """Return the document of a text whose entities are marked as in [GPE:بسرت]."""
    text = ""
    entities = []
    position = 0
    for number, match in enumerate(_MARK.finditer(marked), 1):
        text += marked[position : match.start()]
        start, position = len(text), match.end()
        text += match[2]
        entities.append(Entity(id=f"T{number}", label=match[1], start=start, end=len(text), text=match[2]))
    text += marked[position:]
    return Document(text=text, sentences=tuple(split_sentences(text)), entities=tuple(entities))


def places(marked: str) -> list[Place | None]:
    """Return the places of the marked entities."""
    return [entity.place for entity in resolve_places(read(marked)).entities]


def place(marked: str) -> Place:
    """Return the place of the first marked entity, which there must be."""
    found = places(marked)[0]
    assert found is not None
    return found


def away(found: Place, latitude: float, longitude: float) -> float:
    """Return how many km a place lies from a point."""
    assert found.latitude is not None
    assert found.longitude is not None
    return distance_km((found.latitude, found.longitude), (latitude, longitude))


def with_event(document: Document, trigger: str, type: str = "Attack", **arguments: str) -> Document:
    """Return the document with one event; arguments are role=text, an entity's where one has that text."""
    start = document.text.index(trigger)
    found = []
    for role, text in arguments.items():
        at = document.text.index(text)
        entity = next((e.id for e in document.entities if (e.start, e.text) == (at, text)), None)
        found.append(Argument(role=role, start=at, end=at + len(text), text=text, entity_id=entity))
    event = Event(
        id="E1",
        type=type,
        trigger=Trigger(start=start, end=start + len(trigger), text=trigger),
        arguments=tuple(found),
    )
    values: dict[str, Any] = {name: getattr(document, name) for name in ("text", "sentences", "entities")}
    return Document(**values, events=(event,))


@pytest.mark.parametrize(
    "name", ["سرت", "بسرت", "وسرت", "لسرت", "وبسرت", "فسرت", "سـرت", "سِرْت", "#سرت", "<b>سرت</b>"]
)
def test_a_town_is_found_whatever_is_attached_to_it(name: str) -> None:
    """Clitics, tatweel, harakat, hash signs and tags do not hide a name."""
    found = place(f"وصلت التعزيزات [GPE:{name}] ليلا")
    assert (found.name, found.country, found.admin1, found.precision) == ("سرت", "LY", "سرت", 1)


@pytest.mark.parametrize(
    ("spelling", "name"),
    [
        ("راس لانوف", "رأس لانوف"),
        ("راسلانوف", "رأس لانوف"),
        ("درنه", "درنة"),
        ("إجدابيا", "اجدابيا"),
        ("أبو قرين", "أبوقرين"),
        ("بوقرين", "أبوقرين"),
        ("للبيضاء", "البيضاء"),
        ("بنغازي", "بنغازي"),
        ("لبنان", "لبنان"),
    ],
)
def test_spellings_of_a_name_are_one_place(spelling: str, name: str) -> None:
    """Hamza, ta marbuta, articles and spaces do not matter, and letters of a name are no clitics."""
    assert place(f"قرب [GPE:{spelling}] توقف الرتل").name == name


@pytest.mark.parametrize(
    ("marked", "country"),
    [
        ("أصيب جنديان لبنانيان في [GPE:طرابلس] قرب عكار", "LB"),
        ("قصف الوفاق مواقع حفتر جنوب [GPE:طرابلس]", "LY"),
        ("فتحت مدارس [GPE:طرابلس] أبوابها", "LY"),
        ("أوقف مشتبه بهم في [GPE:سوسة] التونسية", "TN"),
        ("سيل يجرف طريق [GPE:سوسة] قرب شحات", "LY"),
        ("الحوثيون يقصفون أطراف [GPE:البيضاء] ومأرب", "YE"),
        ("عاد النازحون إلى [GPE:البيضاء] وشحات", "LY"),
        ("عبر المحتجون جسر [GPE:الناصرية] جنوبي العراق", "IQ"),
        ("صد المهاجمون قرب [LOC:صلاح الدين] جنوب طرابلس", "LY"),
        ("كمين في محافظة [GPE:صلاح الدين] العراقية", "IQ"),
        ("زار الوفد [GPE:عمّان] أمس", "JO"),
        ("زار الوفد [GPE:عُمان] أمس", "OM"),
    ],
)
def test_the_text_decides_which_place_of_a_name_is_meant(marked: str, country: str) -> None:
    """Neighbours, adjectives, actors and marks tell towns of one name apart; Libya where nothing does."""
    assert place(marked).country == country


def test_a_capital_is_told_from_its_country() -> None:
    """تونس is the country unless العاصمة stands beside it."""
    assert place("وصل المبعوث إلى [GPE:تونس] صباحا").feature == "country"
    assert place("وصل المبعوث إلى العاصمة [GPE:تونس] صباحا").feature == "capital"
    assert place("وصل المبعوث إلى [GPE:العاصمة تونس] صباحا").feature == "capital"


@pytest.mark.parametrize("name", ["ليبيا", "أوروبا", "البحر المتوسط", "الغرب الليبي", "الأراضي السورية"])
def test_large_places_have_precision_3(name: str) -> None:
    """Countries, continents, seas and regions get a point, a radius, and the coarsest precision."""
    found = place(f"دعم في [LOC:{name}] كلها")
    assert found.precision == 3
    assert (found.radius_km or 0) >= 50


@pytest.mark.parametrize(
    ("phrase", "bearing", "distance"),
    [
        ("450 كلم شرق طرابلس", 90, 450),
        ("على بعد 450 كيلومترا شرقي طرابلس", 90, 450),
        ("٤٥٠ كم إلى الشرق من طرابلس", 90, 450),
        ("نحو خمسين كيلومترا جنوب العاصمة طرابلس", 180, 50),
        ("30 كلم جنوب غربي طرابلس", 225, 30),
        ("3.5 كيلومتر شمال غرب طرابلس", 315, 3.5),
    ],
)
def test_a_distance_and_a_direction_make_a_point(phrase: str, bearing: int, distance: float) -> None:
    """The point lies the distance off the town's centre in the direction of the compass."""
    found = place(f"اشتبكوا [LOC:{phrase}] فجرا")
    centre = place("في [GPE:طرابلس]")
    assert centre.latitude is not None
    assert centre.longitude is not None
    assert away(found, *destination((centre.latitude, centre.longitude), bearing, distance)) < 1
    assert found.precision == 2
    assert (found.radius_km or 0) >= 5


@pytest.mark.parametrize(
    "phrase",
    [
        "0 كلم شرق طرابلس",
        "99999 كلم شمال طرابلس",
        "9" * 40 + " كلم شمال طرابلس",
        "مدينة زرقاوند",
        "قرية سنبلاط",
        "؟؟؟",
        "<script>",
    ],
)
def test_what_is_no_place_has_no_point(phrase: str) -> None:
    """Impossible distances and names that nobody knows stay unresolved."""
    assert places(f"قيل إن [LOC:{phrase}] بعيدة") == [None]


def test_a_direction_without_distance_is_near_the_town() -> None:
    """جنوب طرابلس is the town with a wider radius; a part of a country lies off its centre."""
    found = place("قتال [LOC:جنوب طرابلس] مستمر")
    assert (found.precision, away(found, 32.89, 13.18) < 25) == (2, True)
    assert (place("أمطار [LOC:شرق السودان]").longitude or 0) > (place("أمطار [GPE:السودان]").longitude or 0)


def test_facilities_are_found_by_kind_and_else_near_their_town() -> None:
    """A known facility has its own point; one that nobody knows lies near the town told beside it."""
    base, refinery = place("غارة على [FAC:قاعدة الجفرة الجوية]"), place("حريق في [FAC:مصفاة الزاوية]")
    assert (base.feature, base.precision) == ("base", 1)
    assert refinery.feature == "facility"
    assert place("أغلق [FAC:ميناء السدرة النفطي] أمس").feature == "port"
    ward = place("قصف [FAC:مستشفى الأمل] في مدينة ترهونة")
    assert (ward.name, ward.precision) == ("ترهونة", 2)
    assert place("حاصروا [FAC:مستشفى درنة الميداني] ليلا").name == "درنة"
    assert places("حاصروا [FAC:مستشفى الأمل] ليلا") == [None]


def test_an_unknown_village_takes_the_point_told_behind_it() -> None:
    """قرية كذا (80 كلم جنوب سرت) lies where the phrase says."""
    found = place("هاجموا قرية [GPE:أم السنابل] (80 كلم جنوب سرت) فجرا")
    assert (found.name, found.precision) == ("سرت", 2)
    assert 70 < away(found, 31.206, 16.584) < 90


def test_the_country_of_the_text_is_al_bilad() -> None:
    """شرق البلاد is a part of the country that the text speaks of."""
    assert place("قالت الخرطوم إن القتال في [LOC:شرق البلاد] توقف").country == "SD"


def test_an_event_lies_at_its_most_specific_place() -> None:
    """Of several Place arguments the finest that resolves wins."""
    document = read("انفجار في [GPE:درنة] شرقي [GPE:ليبيا] أمس")
    start = document.text.index("ليبيا")
    event = with_event(document, "انفجار", Place="درنة").events[0]
    wide = Argument(role="Place", start=start, end=start + 5, text="ليبيا", entity_id="T2")
    both = Event(id="E1", type="Bombing", trigger=event.trigger, arguments=(wide, *event.arguments))
    values: dict[str, Any] = {name: getattr(document, name) for name in ("text", "sentences", "entities")}
    found = resolve_places(Document(**values, events=(both,))).events[0].place
    assert found is not None
    assert (found.name, found.precision) == ("درنة", 1)


def test_an_event_place_may_be_no_entity() -> None:
    """A Place argument that covers no entity is read as text, with the distance before it."""
    found = (
        resolve_places(with_event(read("كمين على بعد 450 كلم شرق طرابلس أمس"), "كمين", Place="طرابلس"))
        .events[0]
        .place
    )
    assert found is not None
    assert found.precision == 2
    assert 440 < away(found, 32.897, 13.178) < 460


@pytest.mark.parametrize(
    ("type", "roles", "name"),
    [
        ("Advance", {"Destination": "سرت", "Origin": "الجفرة"}, "سرت"),
        ("Withdraw", {"Destination": "سرت", "Origin": "الجفرة"}, "الجفرة"),
        ("Displace", {"Destination": "سرت"}, "سرت"),
        ("Seize", {"Patient": "سرت"}, "سرت"),
        ("Shelling", {"Patient": "سرت", "Place": "الجفرة"}, "الجفرة"),
        ("Accuse", {"Patient": "سرت"}, None),
    ],
)
def test_an_event_without_place_lies_where_it_is_aimed(
    type: str, roles: dict[str, str], name: str | None
) -> None:
    """What is taken, attacked, entered or left is where it happens; who is accused is nowhere."""
    document = with_event(read("تحرك من [GPE:الجفرة] نحو [GPE:سرت]"), "تحرك", type, **roles)
    found = resolve_places(document).events[0].place
    assert (found and found.name) == name
    assert found is None or found.precision != 3


def test_an_event_without_place_takes_the_only_place_of_its_sentence() -> None:
    """It is then less precise; two places, or a place that acts, give none."""
    only = (
        resolve_places(with_event(read("وصلت سيارات الإسعاف إلى [GPE:غريان] بعد الهجوم"), "الهجوم"))
        .events[0]
        .place
    )
    assert only is not None
    assert (only.name, only.precision) == ("غريان", 2)
    two = with_event(read("بين [GPE:غريان] و[GPE:درنة] تكرر الهجوم"), "الهجوم")
    assert resolve_places(two).events[0].place is None
    acting = with_event(read("نفت [GPE:تركيا] الهجوم"), "الهجوم", Agent="تركيا")
    assert resolve_places(acting).events[0].place is None


def test_what_is_there_is_kept_and_nothing_else_changes() -> None:
    """Places given before stay, and only places are filled."""
    document = read("هدوء في [GPE:سرت] و[PERSON:سالم] بخير")
    mine = Place(name="عندي")
    entities = (
        Entity(id="T1", label="GPE", start=8, end=11, text="سرت", place=mine),
        document.entities[1],
    )
    given_document = Document(text=document.text, sentences=document.sentences, entities=entities)
    assert resolve_places(given_document) == given_document


@given(st.text(alphabet="سرتطابلو كم0123456789شقجن<>[]#ـ\n.،", max_size=60))
def test_any_text_is_read_without_an_error(text: str) -> None:
    """The enricher never raises, is deterministic, and resolving twice changes nothing."""
    spans = [(0, len(text))] if text.strip() else []
    entities = tuple(
        Entity(id=f"T{i}", label=label, start=start, end=end, text=text[start:end])
        for start, end in spans
        for i, label in enumerate(("GPE", "LOC", "FAC"))
    )
    document = Document(text=text, entities=entities)
    resolved = resolve_places(document)
    assert resolved == resolve_places(document)
    assert resolve_places(resolved) == resolved


def test_long_texts_and_digits_are_read() -> None:
    """Megabytes of digits or of one name end in a document, not in a crash."""
    digits = "9" * 200_000 + " كلم شرق طرابلس"
    found = resolve_places(
        Document(text=digits, entities=(Entity(id="T1", label="LOC", start=0, end=len(digits), text=digits),))
    )
    assert found.entities[0].place is None
    assert len(places("طرابلس " * 50_000 + "[GPE:سرت]")) == 1


def test_a_shifted_point_lies_as_far_as_it_was_shifted() -> None:
    """`destination` and `distance_km` are inverse."""
    for bearing in range(0, 360, 45):
        assert distance_km((32.0, 13.0), destination((32.0, 13.0), bearing, 450)) == pytest.approx(
            450, abs=0.5
        )


def test_the_gazetteer_is_sound() -> None:
    """Coordinates and radii are in range, Libya has districts, and names number in the thousands."""
    entries = load_gazetteer().entries
    assert len({name for entry in entries for name in (entry.name, *entry.aliases)}) >= 4000
    for entry in entries:
        assert -90 <= entry.latitude <= 90
        assert -180 <= entry.longitude <= 180
        assert 0 < entry.radius_km <= 20_040
        assert entry.country is None or re.fullmatch("[A-Z]{2}", entry.country)
    assert {"طرابلس", "الجفرة", "البطنان"} <= {entry.admin1 for entry in entries}


def test_a_table_is_read_by_its_header() -> None:
    """Comment lines are skipped, empty cells are unknown."""
    table = "# licence\nname\taliases\tfeature\tlatitude\tlongitude\tradius_km\tadmin1\tcountry\tsource\n"
    entry = next(read_entries(table + "سرت\tسيرت|سرته\tcity\t31.2\t16.6\t10\t\tLY\town\n"))
    assert (entry.aliases, entry.admin1, entry.prior) == (("سيرت", "سرته"), None, 0.8)


@pytest.mark.parametrize("name", ["المدينة", "والبلدة", "القرى", "المنطقة"])
def test_a_generic_word_alone_names_no_place(name: str) -> None:
    """There are villages of these names, and nobody means them."""
    assert places(f"عاد الهدوء إلى [GPE:{name}] مساء أمس بعد معارك في [GPE:درنة]")[0] is None


def test_an_everyday_word_needs_its_country() -> None:
    """الوادي is a town of Algeria in a text about Algeria, and a quarter somewhere in a text about Libya."""
    algerian = places("في [GPE:الوادي] شرق [GPE:الجزائر] تظاهر المئات، كما في قسنطينة ووهران")[0]
    assert algerian is not None
    assert algerian.country == "DZ"
    assert places("عند جسر [GPE:الوادي] في [GPE:درنة] تجددت المناوشات، ثم في بنغازي")[0] is None


def test_no_hamlet_of_libya_far_from_it() -> None:
    """A town is not taken for its namesake in a country that the text hardly speaks of."""
    text = "خطف مسلحون عمالا من حي [GPE:القادسية] في [GPE:كركوك]، وقتل اثنان في بعقوبة وتكريت والموصل"
    assert places(text)[0] is None


def test_an_event_whose_place_is_unknown_lies_near_the_only_known_one() -> None:
    """Where exactly is open, which town is not."""
    document = with_event(read("قتل اثنان في مخزن قرب [GPE:غريان]"), "قتل", "Kill", Place="مخزن")
    found = resolve_places(document).events[0].place
    assert found is not None
    assert (found.name, found.precision) == ("غريان", 2)
