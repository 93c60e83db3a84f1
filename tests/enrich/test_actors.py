"""Who is meant: names, days, labels, and what repeats a name of the document."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from libyaevents.documents import Actor, Argument, Document, Entity, Event, Place, Timex, Trigger
from libyaevents.enrich.actor_rows import Period, name_key
from libyaevents.enrich.actor_spelling import NearIndex, within_one_letter
from libyaevents.enrich.actor_table import load_actors
from libyaevents.enrich.actor_uses import period_of
from libyaevents.enrich.actors import ActorTable, resolve_actors
from libyaevents.errors import CorpusError, InputError, MissingFileError

HEADER = "id,name,name_ar,aliases,kind,sector,code,side,parent,country,valid_from,valid_to\n"
DAY = date(2019, 6, 1)


def make_document(
    text: str,
    mentions: Iterable[tuple[str, str]],
    arguments: Sequence[tuple[str, str]] = (),
    *,
    published: date | None = DAY,
    time: Timex | None = None,
) -> Document:
    """Return a document with entities in the order of the text, and an event on its first word.

    An argument whose text is that of an entity covers the first such entity.
    """
    entities, position = [], 0
    for number, (label, mention) in enumerate(mentions, start=1):
        start = text.index(mention, position)
        position = start + len(mention)
        entities.append(Entity(id=f"T{number}", label=label, start=start, end=position, text=mention))
    ids = {entity.text: entity.id for entity in reversed(entities)}
    trigger = text.split()[0]
    event = Event(
        id="E1",
        type="Attack",
        trigger=Trigger(start=text.index(trigger), end=text.index(trigger) + len(trigger), text=trigger),
        arguments=tuple(
            Argument(
                role=role,
                start=text.index(mention),
                end=text.index(mention) + len(mention),
                text=mention,
                entity_id=ids.get(mention),
            )
            for role, mention in arguments
        ),
        time=time,
    )
    return Document(text=text, published=published, entities=tuple(entities), events=(event,))


def resolve(
    text: str, mentions: Iterable[tuple[str, str]], *, published: date | None = DAY
) -> list[str | None]:
    """Return the actor ids of the entities."""
    resolved = resolve_actors(make_document(text, mentions, published=published))
    return [entity.actor.id if entity.actor else None for entity in resolved.entities]


def resolve_one(label: str, mention: str, published: date | None = DAY) -> str | None:
    """Return the actor id of one mention that stands alone."""
    return resolve(f"أمس {mention}", [(label, mention)], published=published)[0]


def resolve_argument(
    text: str, mentions: Iterable[tuple[str, str]], mention: str, role: str = "Agent"
) -> str | None:
    """Return the actor id of one argument that is no entity."""
    resolved = resolve_actors(make_document(text, mentions, [(role, mention)]))
    actor = resolved.events[0].arguments[0].actor
    return actor.id if actor else None


@pytest.mark.parametrize(
    ("label", "mention", "actor"),
    [
        ("MILITARY", "قوات حكومة الوفاق", "gna-forces"),
        ("MILITARY", "مليشيا حفتر", "lna"),
        ("MILITARY", "ميليشيات حفتر", "lna"),
        ("MILITARY", "الجيش الوطني الليبي", "lna"),
        ("MILITARY", 'تنظيم "الدولة الإسلامية"', "islamic-state"),
        ("MILITARY", "تنظيم داعش الإرهابي", "islamic-state"),
        ("MILITARY", "القوات التركية", "turkey-military"),
        ("MILITARY", "الجيش الوطني بقيادة حفتر", "lna"),
        ("MILITARY", "الطيران الموالي لحفتر", "lna"),
        ("ORG", "حكومة الوفاق", "gna"),
        ("ORG", "المؤسسة الوطنية للنفط", "noc"),
        ("ORG", "الأمم المتحدة", "un"),
        ("ORG", 'لجنة "5+5"', "jmc"),
        ("PERSON", "خليفة حفتر", "khalifa-haftar"),
        ("PERSON", "المشير حفتر", "khalifa-haftar"),
        ("PERSON", "عبدالله السنوسي", "abdullah-senussi"),
        ("GPE", "تركيا", "turkey"),
        ("NORP", "الإماراتية", "united-arab-emirates"),
        ("NORP", "إماراتيا", "united-arab-emirates"),
        ("NORP", "التبو", "tebu"),
    ],
)
def test_names_resolve_by_any_alias(label: str, mention: str, actor: str) -> None:
    """Loyal and hostile names, quotes, epithets, ranks and forms of an adjective lead to one actor."""
    assert resolve_one(label, mention, date(2020, 6, 6)) == actor


@pytest.mark.parametrize(
    ("label", "mention", "actor"),
    [
        ("MILITARY", "وبالجيش الوطني", "lna"),
        ("MILITARY", "لقوات حفتر", "lna"),
        ("ORG", "للأمم المتحدة", "un"),
        ("ORG", "وللحكومة التركية", "turkey-government"),
        ("PERSON", "لحفتر", "khalifa-haftar"),
        ("PERSON", "فالسراج", "fayez-sarraj"),
        ("PERSON", "بالحاج", "abdelhakim-belhaj"),
    ],
)
def test_proclitics_are_read_off(label: str, mention: str, actor: str) -> None:
    """A name behind و ف ب ل ك is the name; one that begins with such a letter is itself."""
    assert resolve_one(label, mention) == actor


def test_core_span_is_used() -> None:
    """Where the core of an entity is known, that is the name."""
    entity = Entity(id="T1", label="PERSON", start=0, end=5, text="وحفتر"[:5], core=(1, 5))
    resolved = resolve_actors(Document(text="وحفتر", entities=(entity,)))
    assert resolved.entities[0].actor == load_actors().actors["khalifa-haftar"]


@pytest.mark.parametrize(
    ("mention", "day", "actor"),
    [
        ("الجيش الليبي", date(2011, 5, 1), "gaddafi-forces"),
        ("الجيش الليبي", date(2013, 5, 1), "libyan-army-2011"),
        ("الجيش الليبي", date(2018, 5, 1), "lna"),
        ("الجيش الليبي", date(2020, 5, 1), None),
        ("الجيش الليبي", None, None),
        ("حكومة طرابلس", date(2015, 5, 1), "national-salvation-government"),
        ("حكومة طرابلس", date(2018, 5, 1), "gna"),
        ("حكومة طرابلس", date(2023, 5, 1), "gnu"),
        ("المجلس الرئاسي", date(2018, 5, 1), "presidential-council"),
        ("المجلس الرئاسي", date(2022, 5, 1), "presidential-council-2021"),
        ("حكومة الوحدة الوطنية", date(2012, 5, 1), None),
        ("حكومة الوفاق", date(2023, 5, 1), "gna"),
        ("حكومة الوفاق", None, "gna"),
    ],
)
def test_the_day_decides(mention: str, day: date | None, actor: str | None) -> None:
    """A name may change hands, is nobody's before its first day, and may be recalled after its last."""
    assert resolve_one("ORG", mention, day) == actor


def test_the_article_is_not_cut_off() -> None:
    """The core of للحكومة begins with its second ل, and is still الحكومة."""
    text = "قدمها للحكومة الشرعية"
    entity = Entity(id="T1", label="ORG", start=6, end=len(text), text=text[6:], core=(7, len(text)))
    resolved = resolve_actors(Document(text=text, published=DAY, entities=(entity,)))
    assert resolved.entities[0].actor == load_actors().actors["gna"]


def test_the_day_is_that_of_the_event() -> None:
    """An article of 2018 that tells of 2011 means the army of 2011."""
    text = "قصف الجيش الليبي المدينة"
    for value, actor in (("2011-04", "gaddafi-forces"), ("2013", "libyan-army-2011"), ("2014", None)):
        time = Timex(type="DATE", value=value)
        document = make_document(
            text,
            [("MILITARY", "الجيش الليبي")],
            [("Agent", "الجيش الليبي")],
            published=date(2018, 1, 1),
            time=time,
        )
        found = resolve_actors(document).entities[0].actor
        assert (found.id if found else None) == actor


def test_an_inferred_time_is_no_evidence() -> None:
    """A time that was taken from the day of publication does not count as the event's own."""
    document = make_document(
        "قصف الجيش الليبي المدينة",
        [("MILITARY", "الجيش الليبي")],
        [("Agent", "الجيش الليبي")],
        published=date(2018, 1, 1),
        time=Timex(value="2011-04-01", inferred=True),
    )
    actor = resolve_actors(document).entities[0].actor
    assert actor is not None
    assert actor.id == "lna"


@pytest.mark.parametrize("value", ["2016-02-31", "0000", "50000-01-01", "P2D", ""])
def test_days_that_do_not_exist_do_no_harm(value: str) -> None:
    """A wrong value of a time is as good as none."""
    document = make_document("قصف", [], [], time=Timex(value=value))
    assert resolve_actors(document) == document


def test_labels_decide() -> None:
    """A town is no broadcaster, a person no brigade, and other labels are nobody."""
    assert resolve_one("ORG", "الجزيرة") == "aljazeera"
    assert resolve_one("GPE", "الجزيرة") is None
    assert resolve_one("MILITARY", "الكانيات") == "kaniyat"
    assert resolve_one("PERSON", "الكانيات") is None
    assert resolve_one("TITLE", "المشير") is None
    assert resolve_one("LOC", "تركيا") is None


def test_capitals_are_actors_where_they_act() -> None:
    """أنقرة is Turkey where it acts; a place, city or country, is no actor."""
    assert resolve("وأكدت أنقرة دعمها", [("GPE", "أنقرة")]) == ["turkey"]
    assert resolve("وصل الوفد إلى أنقرة", [("GPE", "أنقرة")]) == [None]
    acting = make_document("دعمت كما يبدو أنقرة", [("GPE", "أنقرة")], [("Agent", "أنقرة")])
    placed = make_document("هاجم العدو في تركيا", [("GPE", "تركيا")], [("Place", "تركيا")])
    assert resolve_actors(acting).entities[0].actor == load_actors().actors["turkey"]
    assert resolve_actors(placed).entities[0].actor is None


def test_surnames_are_led_back_to_the_full_name() -> None:
    """The full name of the document goes before the best known bearer of a surname."""
    mentions = [("PERSON", "صدام حفتر"), ("PERSON", "حفتر")]
    assert resolve("زار صدام حفتر المدينة، وقال حفتر", mentions) == ["saddam-haftar", "saddam-haftar"]
    assert resolve("وقال حفتر", [("PERSON", "حفتر")]) == ["khalifa-haftar"]
    text = "قال سيف الإسلام القذافي، ورد عليه سيف الإسلام"
    mentions = [("PERSON", "سيف الإسلام القذافي"), ("PERSON", "سيف الإسلام")]
    assert resolve(text, mentions) == ["saif-gaddafi", "saif-gaddafi"]


def test_two_full_names_leave_a_surname_open() -> None:
    """Two bearers of a surname are no answer, and neither is one that nobody knows."""
    text = "اجتمع خليفة حفتر وصدام حفتر، ثم قال حفتر"
    mentions = [("PERSON", "خليفة حفتر"), ("PERSON", "صدام حفتر"), ("PERSON", "حفتر")]
    assert resolve(text, mentions) == ["khalifa-haftar", "saddam-haftar", None]
    text = "قال الطبيب منصور حفتر، وأضاف حفتر"
    assert resolve(text, [("PERSON", "منصور حفتر"), ("PERSON", "حفتر")]) == [None, None]


@pytest.mark.parametrize(
    ("label", "mention", "actor"),
    [
        ("MILITARY", "قوات حقتر", "lna"),
        ("PERSON", "أحمد المسمري", "ahmed-mismari"),
        ("ORG", "الاتحاد الأوربي", "european-union"),
        ("PERSON", "حقتر", None),
        ("MILITARY", "اللواء 107", None),
        ("ORG", "السلطات الأمنية", None),
    ],
)
def test_long_names_bear_one_wrong_letter(label: str, mention: str, actor: str | None) -> None:
    """Short names, numbers and names made of known words do not."""
    assert resolve_one(label, mention) == actor


@pytest.mark.parametrize(
    ("label", "mention", "actor"),
    [
        ("PERSON", "خليفةحفتر", "khalifa-haftar"),
        ("PERSON", "حففتر", "khalifa-haftar"),
        ("PERSON", "خليقة حقتر", "khalifa-haftar"),
        ("MILITARY", "البنيان المرسوس", "bunyan-marsous"),
        ("ORG", "المؤسسة الوطنيه للنفظ", "noc"),
        ("ORG", "حكومةالوفاق", "gna"),
        ("MILITARY", "كتبية 128", "128-brigade"),
        ("MILITARY", "كتيبة 129", None),
        ("MILITARY", "كتيبة القمر", None),
        ("PERSON", "محمود الكاني", None),
        ("PERSON", "سالم القمر", None),
    ],
)
def test_more_slips(label: str, mention: str, actor: str | None) -> None:
    """Words may be joined, a letter doubled or heard as another, and each word of a name may bear a slip."""
    assert resolve_one(label, mention) == actor


@pytest.mark.parametrize(
    ("text", "name", "actor"),
    [
        ("فاز الخباز محمد الحداد بالجائزة", "محمد الحداد", None),
        ("وأصيب سائق الشاحنة محمود حمزة بجروح", "محمود حمزة", None),
        ("روى تلميذ يدعى علي زيدان ما رأى", "علي زيدان", None),
        ("قال علي زيدان، وهو نجار من المدينة، إنه بخير", "علي زيدان", None),
        ("فتح صلاح بادي مخبزه باكرا", "صلاح بادي", None),
        ("رحب صلاح بادي صاحب المقهى بالزوار", "صلاح بادي", "salah-badi"),
        ("رحب صلاح بادي، صاحب المقهى، بالزوار", "صلاح بادي", None),
        ("طالب فايز السراج بوقف القتال", "فايز السراج", "fayez-sarraj"),
        ("نجا سائق خليفة حفتر", "خليفة حفتر", "khalifa-haftar"),
        ("عاد اللواء المتقاعد خليفة حفتر", "خليفة حفتر", "khalifa-haftar"),
        ("نجا سائق رئيس الحكومة فايز السراج", "فايز السراج", "fayez-sarraj"),
        ("كرم المهندس فايز السراج لاعب المنتخب", "فايز السراج", "fayez-sarraj"),
        ("قال ممثل الأمين العام غسان سلامة ذلك", "غسان سلامة", "ghassan-salame"),
    ],
)
def test_private_persons_are_nobody(text: str, name: str, actor: str | None) -> None:
    """A baker bears a minister's name by chance; a verb or another's driver makes no baker."""
    assert resolve(text, [("PERSON", name)]) == [actor]


def test_private_persons_stay_private() -> None:
    """Their names, short or full, are theirs in the whole document, and only theirs."""
    text = "زار الخباز محمد الحداد خليفة حفتر، وقال الحداد ذلك، ثم عاد محمد الحداد"
    mentions = [
        ("PERSON", "محمد الحداد"),
        ("PERSON", "خليفة حفتر"),
        ("PERSON", "الحداد"),
        ("PERSON", "محمد الحداد"),
    ]
    assert resolve(text, mentions) == [None, "khalifa-haftar", None, None]


@pytest.mark.parametrize(
    ("text", "capitals", "actors"),
    [
        ("إن موسكو ترفض ذلك", ["موسكو"], ["russia"]),
        ("تدعم أنقرة الاتفاق", ["أنقرة"], ["turkey"]),
        ("اتهمت واشنطن طهران بالتدخل", ["واشنطن", "طهران"], ["usa", "iran"]),
        ("قالت أنقرة وموسكو ذلك", ["أنقرة", "وموسكو"], ["turkey", "russia"]),
        ("رحب بموقف القاهرة", ["القاهرة"], ["egypt"]),
        ("زارت موسكو أمس", ["موسكو"], [None]),
        ("في شوارع موسكو تجمع الناس", ["موسكو"], [None]),
        ("تفجيرات بغداد", ["بغداد"], [None]),
        ("محادثات بين دمشق وموسكو", ["دمشق", "وموسكو"], ["syria", "russia"]),
        ("قطعوا الطريق الدولي بين دمشق وبغداد", ["دمشق", "وبغداد"], [None, None]),
    ],
)
def test_capitals_between_words(text: str, capitals: list[str], actors: list[str | None]) -> None:
    """A verb before or behind, a state's noun or a state beside it shows that a capital acts."""
    assert resolve(text, [("GPE", name) for name in capitals]) == actors


@pytest.mark.parametrize(
    ("mention", "actor"),
    [
        ("الأتراك", "turkey"),
        ("روس", "russia"),
        ("والمصريين", "egypt"),
        ("ليبيون", "libya"),
        ("الكرد", None),
    ],
)
def test_peoples_are_their_state(mention: str, actor: str | None) -> None:
    """A plural of nationality is the state."""
    assert resolve_one("NORP", mention) == actor


def test_short_names_bear_one_beside_the_right_one() -> None:
    """حقتر is حفتر where the document names him."""
    text = "قال خليفة حفتر إن حفتر باق، وأكد حقتر"
    mentions = [("PERSON", "خليفة حفتر"), ("PERSON", "حفتر"), ("PERSON", "حقتر")]
    assert resolve(text, mentions)[-1] == "khalifa-haftar"


def test_bare_nouns_are_led_back_to_the_one_body() -> None:
    """الحكومة is the one government of the document; of two, neither."""
    one = [("ORG", "حكومة الوفاق"), ("ORG", "الحكومة")]
    assert resolve("أعلنت حكومة الوفاق ذلك، وقالت الحكومة", one) == ["gna", "gna"]
    two = [("ORG", "حكومة الوفاق"), ("ORG", "الحكومة التركية"), ("ORG", "الحكومة")]
    assert resolve("اتفقت حكومة الوفاق مع الحكومة التركية، وقالت الحكومة", two)[-1] is None
    unknown = [("MILITARY", "الجيش التركي"), ("MILITARY", "جيش الرمال"), ("MILITARY", "الجيش")]
    assert resolve("واجه الجيش التركي جيش الرمال، ثم انسحب الجيش", unknown)[-1] is None


def test_bare_nouns_stand_for_names_without_a_noun() -> None:
    """النواصي is a كتيبة by the table, beside another neither; قوات حفتر may be the الجيش that is meant."""
    text = "انسحبت النواصي أمس، وقالت الكتيبة ذلك"
    assert resolve(text, [("MILITARY", "النواصي"), ("MILITARY", "الكتيبة")]) == ["nawasi", "nawasi"]
    text = "واجهت النواصي كتيبة الحلبوص، وقالت الكتيبة ذلك"
    mentions = [("MILITARY", "النواصي"), ("MILITARY", "كتيبة الحلبوص"), ("MILITARY", "الكتيبة")]
    assert resolve(text, mentions)[-1] is None
    text = "لقيت قوات حفتر الجيش التركي، وانسحب الجيش"
    mentions = [("MILITARY", "قوات حفتر"), ("MILITARY", "الجيش التركي"), ("MILITARY", "الجيش")]
    assert resolve(text, mentions)[-1] is None


def test_shorter_names_are_led_back_to_longer_ones() -> None:
    """الجيش الليبي of 2020 is open, but not in a document that speaks of الجيش الوطني الليبي."""
    mentions = [("MILITARY", "الجيش الوطني الليبي"), ("MILITARY", "الجيش الليبي"), ("MILITARY", "قوات الجيش")]
    found = resolve(
        "تقدم الجيش الوطني الليبي، وقال الجيش الليبي إن قوات الجيش باقية",
        mentions,
        published=date(2020, 5, 1),
    )
    assert found == ["lna", "lna", "lna"]


def test_the_police_is_the_one_named_else_any() -> None:
    """A kind of people is resolved as such unless the document says whose."""
    assert resolve("قالت الشرطة", [("ORG", "الشرطة")]) == ["police"]
    mentions = [("ORG", "الشرطة العراقية"), ("ORG", "الشرطة")]
    assert resolve("قالت الشرطة العراقية ثم أضافت الشرطة", mentions) == ["iraq-police", "iraq-police"]


@pytest.mark.parametrize(
    ("text", "mentions", "mention", "actor"),
    [
        ("قال خليفة حفتر إن جنوده باقون", [("PERSON", "خليفة حفتر")], "جنوده", "lna"),
        ("سحبت تركيا وقواتها السلاح", [("GPE", "تركيا")], "وقواتها", "turkey-military"),
        ("خسر الحوثيون بعض مسلحيهم", [("MILITARY", "الحوثيون")], "مسلحيهم", "houthis"),
        ("شكل فايز السراج حكومته", [("PERSON", "فايز السراج")], "حكومته", "fayez-sarraj"),
        (
            "قالت رويترز إن حكومة الوفاق سحبت قواتها",
            [("ORG", "رويترز"), ("ORG", "حكومة الوفاق")],
            "قواتها",
            "gna-forces",
        ),
        ("شكر رجب طيب أردوغان ضباطه", [("PERSON", "رجب طيب أردوغان")], "ضباطه", "turkey-military"),
        ("زار أسامة الجويلي مقاتليه", [("PERSON", "أسامة الجويلي")], "مقاتليه", "western-military-zone"),
        ("ودع غسان سلامة قواته", [("PERSON", "غسان سلامة")], "قواته", "ghassan-salame"),
        ("شكرت الأمم المتحدة قواتها", [("ORG", "الأمم المتحدة")], "قواتها", None),
        (
            "بعد خطاب فايز السراج، عاد خليفة حفتر مع جنوده",
            [("PERSON", "فايز السراج"), ("PERSON", "خليفة حفتر")],
            "جنوده",
            "lna",
        ),
        (
            "قال خليفة حفتر لوفد من تركيا إن جنوده باقون",
            [("PERSON", "خليفة حفتر"), ("GPE", "تركيا")],
            "جنوده",
            "lna",
        ),
        (
            "سحب الجيش التركي والجيش الروسي جنودهما",
            [("MILITARY", "الجيش التركي"), ("MILITARY", "والجيش الروسي")],
            "جنودهما",
            None,
        ),
        (
            "لقي خليفة حفتر فايز السراج مع جنوده",
            [("PERSON", "خليفة حفتر"), ("PERSON", "فايز السراج")],
            "جنوده",
            None,
        ),
        (
            "لقي خليفة حفتر سالم الغائب مع جنوده",
            [("PERSON", "خليفة حفتر"), ("PERSON", "سالم الغائب")],
            "جنوده",
            None,
        ),
        ("قال خليفة حفتر إن قواتهم باقية", [("PERSON", "خليفة حفتر")], "قواتهم", None),
        ("وصل المرتزقة", [], "المرتزقة", "mercenaries"),
    ],
)
def test_possessed_nouns_are_their_possessors(
    text: str, mentions: list[tuple[str, str]], mention: str, actor: str | None
) -> None:
    """جنوده are the forces of the last whom the pronoun can mean; of two in one clause they are nobody's."""
    assert resolve_argument(text, mentions, mention) == actor


def test_possessors_stand_in_the_sentence_before() -> None:
    """Without a possessor in its own sentence a noun looks one sentence back, and no further."""
    text = "تقدم حفتر.\nوانسحبت قواته.\nوصل المطر.\nعاد جنوده."
    spans = tuple((text.index(line), text.index(line) + len(line)) for line in text.splitlines())
    document = make_document(text, [("PERSON", "حفتر")], [("Agent", "قواته"), ("Agent", "جنوده")])
    document = Document(
        text=text, sentences=spans, entities=document.entities, events=document.events, published=DAY
    )
    near, far = resolve_actors(document).events[0].arguments
    assert near.actor == load_actors().actors["lna"]
    assert far.actor is None


def test_our_forces_are_the_speakers() -> None:
    """قواتنا are the forces of the side that the Source stands for."""
    document = make_document(
        "قال أحمد المسماري إن قواتنا تقدمت",
        [("PERSON", "أحمد المسماري")],
        [("Source", "أحمد المسماري"), ("Agent", "قواتنا")],
    )
    assert resolve_actors(document).events[0].arguments[1].actor == load_actors().actors["lna"]


@pytest.mark.parametrize(
    ("mention", "actor"),
    [
        ("عناصر من تنظيم الدولة", "islamic-state"),
        ("مسلحين موالين لحفتر", "lna"),
        ("جنود حفتر", "lna"),
        ("قوات تركية", "turkey-military"),
        ("قوات اللواء المتقاعد خليفة حفتر", "lna"),
        ("مدنيين", "civilians"),
        ("المتظاهرون", "protesters"),
        ("مهاجرين غير شرعيين", "migrants"),
        ("مسلحون مجهولون", "unidentified-gunmen"),
        ("مسلح ليبي", None),
        ("الرجال", None),
    ],
)
def test_arguments_that_are_no_entity(mention: str, actor: str | None) -> None:
    """Forces are their owner's, kinds of people are actors of their own."""
    assert resolve_argument(f"هاجم أمس {mention}", [], mention) == actor


@pytest.mark.parametrize(
    ("mention", "actor"),
    [
        ("المتحدث باسم قوات حفتر", "lna"),
        ("ناطق عسكري باسم داعش", "islamic-state"),
        ("مصدر في حكومة الوفاق", "gna"),
        ("ممثلون عن الأمم المتحدة", "un"),
        ("وضابط من الجيش الوطني الليبي", "lna"),
        ("القيادي السابق في داعش", None),
        ("مصدر في تركيا", None),
        ("مصدر في بنغازي", None),
        ("طبيب من داعش", None),
        ("مصدر في", None),
        ("باسم حفتر", None),
    ],
)
def test_who_speaks_for_a_body_is_that_body(mention: str, actor: str | None) -> None:
    """A spokesman, envoy or source of a body stands for it, as an argument and as a title."""
    assert resolve_argument(f"قال أمس {mention}", [], mention, "Source") == actor
    assert resolve_one("TITLE", mention) == actor


def test_gunmen_are_those_told_of() -> None:
    """المسلحون are unidentified, but not in a text that names a force."""
    text = "دخل مسلحون البلدة ثم انسحب المسلحون بعد وصول كتيبة الرمال"
    assert resolve_argument(text, [], "المسلحون") == "unidentified-gunmen"
    force = [("MILITARY", "كتيبة الرمال")]
    assert resolve_argument(text, force, "المسلحون") is None
    assert resolve_argument(text, force, "مسلحون") == "unidentified-gunmen"


def test_countries_inside_a_place_are_places() -> None:
    """In جنوب لبنان the country is where, not who; as a participant it is who."""
    text = "قصف الجيش جنوب لبنان"
    for arguments, actor in ((("Place", "جنوب لبنان"), None), (("Agent", "لبنان"), "lebanon")):
        resolved = resolve_actors(make_document(text, [("GPE", "لبنان")], [arguments]))
        found = resolved.entities[0].actor
        assert (found and found.id) == actor


@pytest.mark.parametrize(
    ("country", "mention", "actor"),
    [
        ("LY", "للحكومة الشرعية", "gna"),
        ("YE", "للحكومة الشرعية", None),
        ("EG", "قوات الصاعقة", None),
        ("LY", "قوات الصاعقة", "saiqa"),
        ("EG", "قوات حفتر", "lna"),
        (None, "قوات الصاعقة", "saiqa"),
    ],
)
def test_common_names_are_of_a_country_told(country: str | None, mention: str, actor: str | None) -> None:
    """What governments and armies of many countries are called needs a place of its country beside it."""
    document = make_document(f"في البلدة {mention}", [("GPE", "البلدة"), ("MILITARY", mention)])
    place = Place(name="town", country=country, latitude=20.0, longitude=20.0) if country else None
    town = replace(document.entities[0], place=place)
    resolved = resolve_actors(replace(document, entities=(town, document.entities[1])))
    found = resolved.entities[1].actor
    assert (found and found.id) == actor


def test_common_nouns_are_no_spelling() -> None:
    """A club, الأهلي, is not الأهالي misspelled."""
    assert resolve_one("ORG", "الأهلي") is None
    assert resolve_one("MILITARY", "قوات حقتر") == "lna"


def test_ranges_of_days_reach_to_their_end() -> None:
    """The days of an event told as a range are all of them."""
    time = Timex(type="DATE", value="2011-03/2011-12", precision="month")
    document = make_document("قصف الجيش الليبي", [], [("Agent", "الجيش الليبي")], time=time)
    assert period_of(document.events[0]) == Period(date(2011, 3, 1), date(2011, 12, 31))


def test_forces_of_an_entity_inside() -> None:
    """An entity inside the phrase says whose the men are; two leave it open."""
    text = "قتل قياديون بارزون وعناصر في مجلس شورى ثوار بنغازي"
    inside = [("MILITARY", "مجلس شورى ثوار بنغازي")]
    assert resolve_argument(text, inside, "وعناصر في مجلس شورى ثوار بنغازي") == "brsc"
    text = "هاجم مسلحون من داعش وحماس"
    inside = [("MILITARY", "داعش"), ("MILITARY", "حماس")]
    assert resolve_argument(text, inside, "مسلحون من داعش وحماس") is None
    text = "قصفت القوات الروسية والسورية"
    inside = [("MILITARY", "القوات الروسية"), ("NORP", "والسورية")]
    assert resolve_argument(text, inside, "القوات الروسية والسورية") is None
    assert resolve_argument(text, inside[:1], "القوات الروسية والسورية") == "russia-military"


def test_arguments_keep_to_their_place() -> None:
    """Only participants get an actor, and only where they are no entity."""
    assert resolve_argument("هاجم مدنيين", [], "مدنيين", "Topic") is None
    document = make_document("هاجم داعش", [("MILITARY", "داعش")], [("Agent", "داعش")])
    assert resolve_actors(document).events[0].arguments[0].actor is None


def test_what_is_filled_is_kept() -> None:
    """An actor that an annotator gave stays."""
    given_actor = Actor(name="كتيبة الرمال")
    entity = Entity(id="T1", label="MILITARY", start=0, end=4, text="داعش", actor=given_actor)
    assert resolve_actors(Document(text="داعش", entities=(entity,))).entities[0].actor == given_actor


def test_officials_have_the_side_of_their_body() -> None:
    """A person has kind, code and side of the row that it points to."""
    actors = load_actors().actors
    spokesman, army = actors["ahmed-mismari"], actors["lna"]
    assert (spokesman.kind, spokesman.code, spokesman.side) == (army.kind, army.code, army.side)


def test_the_packaged_table_is_sound() -> None:
    """Each of at least 150 actors has a kind and a side; reading checks ids, days and aliases."""
    actors = load_actors().actors
    assert len(actors) >= 150
    assert all(actor.kind in set("12345678") and actor.side for actor in actors.values())


def test_users_add_their_own(tmp_path: Path) -> None:
    """A table of the user's stands alone, or on top of another whose names it may take over."""
    path = tmp_path / "mine.csv"
    row = "sand-brigade,Sand Brigade,كتيبة الرمال,داعش|<b>الرمال</b>,3,REB,LBYREB,,lna,LY,,\n"
    path.write_text(HEADER + row, encoding="utf-8")
    table = ActorTable.read(path, base=load_actors())
    document = make_document(
        "هاجمت كتيبة الرمال داعش وتركيا",
        [("MILITARY", "كتيبة الرمال"), ("MILITARY", "داعش"), ("GPE", "تركيا")],
    )
    found = [entity.actor.id for entity in resolve_actors(document, table=table).entities if entity.actor]
    assert found == ["sand-brigade", "sand-brigade", "turkey"]
    assert table.actors["sand-brigade"].side == "lna"
    with pytest.raises(CorpusError, match="parent: expected the id of another row, found 'lna'"):
        ActorTable.read(path)


ROW = "sand,Sand Brigade,كتيبة الرمال,الرمال,3,REB,LBYREB,,,LY,2015-01-01,2016-12-31\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"mine\.csv:1: expected the columns"),
        (HEADER.replace(",country", ""), r":1: .*add country"),
        (HEADER.replace("\n", ",colour\n"), r":1: .*take the others out"),
        (HEADER.replace("\n", ",country\n"), r":1: .*each once.*take the others out"),
        (HEADER.replace("country", "kind"), r":1: .*add country"),
        (HEADER.replace(",", ";"), r":1: .*add id, name"),
        ("\n\n", r"mine\.csv:1: expected the columns"),
        (HEADER + "\n" + ROW.replace(",3,", ",9,"), ":3: kind: "),
        (HEADER + ROW.replace("الرمال,3", "الرمال@2016-02-31..,3"), ":2: aliases: expected a day as"),
        (HEADER + ROW.replace(",LY", ""), ":2: expected 12 cells, found 11"),
        (HEADER + ROW + ROW, r":3: id: .*mine\.csv:2 has it already"),
        (HEADER + ROW.replace("sand,", "Sand!,"), ":2: id: expected lower-case"),
        (HEADER + ROW.replace("Sand Brigade", ""), ":2: name: "),
        (HEADER + ROW.replace("كتيبة الرمال", "«»"), ":2: name_ar: expected a name with letters"),
        (HEADER + ROW.replace(",3,", ",9,"), ":2: kind: expected an inter code from 1 to 8"),
        (HEADER + ROW.replace(",3,", ",,"), ":2: parent: .*give the row a kind"),
        (HEADER + ROW.replace("2015-01-01", "2015-02-31"), ":2: valid_from: expected a day as"),
        (HEADER + ROW.replace("2015-01-01", "20150101"), ":2: valid_from: expected a day as"),
        (HEADER + ROW.replace("2015-01-01", "2018-01-01"), ":2: valid_from: .*swap them"),
        (HEADER + ROW.replace(",,LY", ",desert,LY"), ":2: parent: .*add a row with that id"),
        (HEADER + ROW.replace(",,LY", ",sand,LY"), ":2: parent: expected parents that end"),
        (HEADER + ROW.replace("الرمال,3", "الرمال@2015,3"), ":2: aliases: expected days as"),
        (HEADER + '"sand\n', "expected a line of CSV"),
        (
            HEADER + ROW + ROW.replace("sand,", "dune,").replace("كتيبة", "لواء"),
            r":3: aliases: .*mine\.csv:2 gives it to 'sand' on 2015-01-01 too; give one of them other days",
        ),
    ],
)
def test_bad_tables_are_refused(tmp_path: Path, text: str, message: str) -> None:
    """The message names file and line, and what to do."""
    path = tmp_path / "mine.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(CorpusError, match=message):
        ActorTable.read(path)


def test_tables_that_cannot_be_read(tmp_path: Path) -> None:
    """A missing file and one that is not UTF-8 say so."""
    with pytest.raises(MissingFileError, match="check the path"):
        ActorTable.read(tmp_path / "none.csv")
    (tmp_path / "old.csv").write_bytes(HEADER.encode() + "كتيبة".encode("cp1256"))
    with pytest.raises(InputError, match="UTF-8"):
        ActorTable.read(tmp_path / "old.csv")


def test_tables_as_spreadsheets_write_them(tmp_path: Path) -> None:
    """A byte order mark, CRLF, quoted cells with commas and line breaks, columns in any order are read."""
    columns = HEADER.strip().split(",")
    cells = dict(zip(columns, ROW.strip().split(","), strict=True))
    cells["name"] = '"Sand, or ""Dune"",\nBrigade"'
    text = "\r\n".join(",".join(row) for row in (columns[::-1], [cells[column] for column in columns[::-1]]))
    path = tmp_path / "mine.csv"
    path.write_bytes(b"\xef\xbb\xbf" + text.encode("utf-8"))
    assert ActorTable.read(path).actors["sand"].name == 'Sand, or "Dune",\nBrigade'
    path.write_text(text, encoding="utf-16")
    with pytest.raises(InputError, match="UTF-8"):
        ActorTable.read(path)


def test_a_table_of_no_rows_knows_nobody(tmp_path: Path) -> None:
    """A file with nothing but its header is a table."""
    path = tmp_path / "mine.csv"
    path.write_text(HEADER, encoding="utf-8")
    table = ActorTable.read(path)
    assert not table.actors
    document = make_document("هاجمت كتيبة الرمال", [("MILITARY", "كتيبة الرمال")])
    assert resolve_actors(document, table=table) == document


def test_one_alias_may_change_hands(tmp_path: Path) -> None:
    """Two actors may bear one alias on days apart, and a person may have a group's name."""
    path = tmp_path / "mine.csv"
    later = ROW.replace("sand,", "dune,").replace("2015", "2017").replace("2016", "2018")
    person = "son,A Son,الرمال,,,,,,sand,LY,,\n"
    path.write_text(HEADER + ROW + later + person, encoding="utf-8")
    table = ActorTable.read(path)
    for day, actor in ((date(2016, 1, 1), "sand"), (date(2018, 1, 1), "dune")):
        document = make_document("وصل الرمال", [("MILITARY", "الرمال")], published=day)
        assert resolve_actors(document, table=table).entities[0].actor == table.actors[actor]


@pytest.mark.parametrize(
    "mention",
    ["<script>alert(1)</script>", "\u202eداعش\u202c", "()", "\u200f", "=HYPERLINK(1)", "ـــ", "٠" * 500],
)
def test_hostile_names_do_no_harm(mention: str) -> None:
    """Markup, bidi overrides and names without letters resolve to nobody or to the name inside."""
    for label in ("PERSON", "ORG", "MILITARY", "GPE", "NORP"):
        expected = "islamic-state" if "داعش" in mention and label in {"ORG", "MILITARY", "NORP"} else None
        assert resolve_one(label, mention) == expected


def test_ten_thousand_entities_in_one_document() -> None:
    """A text of nothing but names, known and unknown, resolves as a short one does."""
    names = [
        ("MILITARY", "كتيبة الشهداء"),
        ("PERSON", "سالم القمر"),
        ("MILITARY", "داعش"),
        ("ORG", "الحكومة"),
    ]
    mentions = [
        (label, f"{name} {n}") if n % 2 else (label, name) for n in range(2_500) for label, name in names
    ]
    text = " ".join(name for _, name in mentions)
    found = resolve(text, mentions)
    assert len(found) == 10_000
    assert found[2] == "islamic-state"
    assert found[0] is None


@given(st.text(alphabet="ابتحفقور", min_size=1, max_size=8), st.data())
def test_one_letter_away_is_symmetric(word: str, data: st.DataObject) -> None:
    """Leaving out an inner letter gives a word that is one letter away, in both directions."""
    assert within_one_letter(word, word)
    if len(word) > 2:
        index = data.draw(st.integers(1, len(word) - 2))
        shorter = word[:index] + word[index + 1 :]
        assert within_one_letter(word, shorter)
        assert within_one_letter(shorter, word)


KEYS = st.text(alphabet="ابت ", min_size=1, max_size=7)


@given(st.lists(KEYS, max_size=12), KEYS, st.booleans())
def test_near_keys_are_all_found(keys: list[str], key: str, ends: bool) -> None:
    """The index finds what comparing with every key finds."""
    index = NearIndex()
    for other in keys:
        index.add(other)
    assert index.near(key, ends=ends) == {other for other in keys if within_one_letter(key, other, ends=ends)}


@given(st.lists(KEYS, max_size=12), KEYS)
def test_keys_added_between_searches_are_found(keys: list[str], key: str) -> None:
    """An index that was searched already finds what is added later, in its own group alone."""
    index = NearIndex()
    for n_added, other in enumerate(keys, 1):
        index.add(other, "names")
        assert index.near(key, "names") == {name for name in keys[:n_added] if within_one_letter(key, name)}
    assert not index.near(key, "words")


@given(st.text(max_size=40))
@settings(max_examples=50)
def test_keys_are_keys_of_themselves(text: str) -> None:
    """The key of a key is the key."""
    assert name_key(name_key(text)) == name_key(text)


@given(st.text(alphabet="حفترداعشيوال \u202e<>", min_size=1, max_size=30).filter(str.strip))
@settings(max_examples=50)
def test_nothing_but_actors_changes(text: str) -> None:
    """Spans, labels and texts stay, and resolving twice is resolving once."""
    entity = Entity(id="T1", label="MILITARY", start=0, end=len(text), text=text)
    document = Document(text=text, entities=(entity,))
    resolved = resolve_actors(document)
    assert resolve_actors(resolved) == resolved
    unresolved = replace(resolved, entities=(replace(resolved.entities[0], actor=None),))
    assert unresolved == document
