"""Read a phrase that names an actor: a key, the label of the mention and its days come in, a naming goes out.

The whole phrase is tried first, then without the proclitics of its first word, without titles (المشير حفتر),
as force and owner (عناصر من داعش), without what is only said of a name (الإرهابي), with one letter changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from libyaevents.documents import Actor
from libyaevents.enrich.actor_rows import Naming, Period
from libyaevents.enrich.actor_table import ActorTable
from libyaevents.enrich.arabic import proclitic_readings, remember, word_set

__all__ = [
    "FORCES",
    "Possession",
    "forces_of",
    "head_of",
    "is_common_name",
    "is_definite",
    "look_up",
    "name_readings",
    "possession",
    "spoken_for",
    "without_titles",
]

_ARTICLE = "ال"


# Nouns for people under arms; whose they are follows: عناصر داعش, جنود حفتر.
FORCES = word_set(
    "قوات قوه مليشيا مليشيات جنود عناصر عنصر مقاتلو مقاتلي مقاتلين مقاتلون مقاتل مسلحو مسلحي مسلحين"
    " مسلحون مسلح كتايب وحدات طيران طايرات رجال افراد مرتزقه جيش قاده قيادات قيادي جندي جنديا جنديان"
    " جنديين عسكريين عنصرا عنصران عنصرين ارهابي ارهابيي ارهابيين ارهابيون متشددي متشددين قياديين"
    " مدفعيه دبابات مدرعات"
)
_HEADS = FORCES | word_set("تنظيم حركه جماعه حزب شبكه عصابات منظمه فصيل")
_ARMED = FORCES | word_set(
    "جيوش ضباط قتلي جرحي اسري مقاتلات الويه سرايا فصايل دوريات حرس حراس قناصه مسيرات اسطول زوارق سفن بحريه"
    " اليات ارتال مشاه متطوعي متطوعين مجندي مجندين ثوار مجاهدي مجاهدين"
)
_POSSESSED = _ARMED | word_set("حكومه انصار اتباع حلفا")
# Between a force and its owner: عناصر من داعش, قوات موالية لحفتر.
_LINKS = word_set(
    "من تابع تابعه التابع التابعه تابعين التابعين تابعون التابعون موالي مواليه الموالي المواليه موالين"
    " الموالين موالون الموالون المرتبط المرتبطه المرتبطين المرتبطون"
)
# Who says something in the name of a body, and what leads to that.
_SPEAKERS = word_set(
    "متحدث متحدثه متحدثا متحدثون ناطق ناطقه ناطقا ناطقون مصدر مصدرا مصادر مسوول مسوولا مسوولون مسوولين قيادي"
    " قياديا قياديون قاده قايد ضابط ضابطا ضباط عضو عضوا اعضاء مندوب مندوبون مندوبين ممثل ممثلا ممثلون ممثلين"
    " ممثلو بيان بيانا وكيل مكتب"
)
_FORMER = word_set("سابق سابقا سابقه سابقون سابقين متقاعد منشق منشقون منشقين")
_SPEAKS_FOR = word_set("باسم في من عن لدي")
_TITLES = word_set(
    "الرييس المشير اللواء العقيد العميد الفريق الشيخ المستشار الدكتور السيد القايد الجنرال المفتي الامير"
)
_EPITHETS = word_set(
    "الارهابي الارهابيه المتطرف المتطرفه المتشدد المتشدده الانقلابيه الاجراميه المسير المسيره الروس"
)
# What a government or an army of any country may be called.
_COMMON_NAMES = word_set("شرعيه صاعقه وطني وطنيه خاصه موقته انتقالي انتقاليه رياسي رياسيه مشتركه امنيه عامه")
# What follows these only says more of a name: الجيش الوطني بقيادة حفتر.
_CLAUSES = word_set(
    "بقياده المعترف المنعقد المنعقده المدعوم المدعومه المنتهيه المسمي المسماه المعروف المعروفه"
)
_LIBYAN = word_set("الليبي الليبيه ليبيا")
_LIBYA = "LBY"
_STATE_CODE_LENGTH = 3
_BROKEN_PLURALS = {
    "اتراك": "تركي",
    "روس": "روسي",
    "افغان": "افغاني",
    "امريكان": "امريكي",
    "اميركان": "اميركي",
    "انجليز": "بريطاني",
    "انكليز": "بريطاني",
    "المان": "الماني",
    "طليان": "ايطالي",
    "فرس": "ايراني",
    "احباش": "اثيوبي",
}
_SOUND_PLURALS = ("ين", "ون", "ان", "ات")
# A dual is nobody's: قواتهما are those of two.
_PRONOUNS = ("هما", "هم", "ها", "نا", "ه")

_PERSON, _STATE, _PEOPLE = "PERSON", "GPE", "NORP"
_MISSPELLED = frozenset({_PERSON, "ORG", "MILITARY"})
_GOVERNMENT, _PARLIAMENT = "GOV", "LEG"
_MILITARY, _REBELS = "MIL", "REB"
_ARMED_SECTORS = frozenset({_MILITARY, _REBELS, "COP", "ETH"})
_STATE_FORCES = "1"


class Possession(NamedTuple):
    """A noun that is somebody's: his, her, their `pronoun`, and whether it is people or things under arms."""

    pronoun: str
    is_armed: bool


def look_up(table: ActorTable, key: str, label: str | None, when: Period | None) -> Naming | None:
    """Return the one naming that a phrase is on those days; `label` is `None` where it is no entity."""
    for phrase in (key, without_titles(key) if label == _PERSON else key):
        for reading in name_readings(phrase, label):
            if table.knows(reading, is_person=label == _PERSON):
                return _fitting(table.find(reading, is_person=label == _PERSON, when=when), label)
    if label == _STATE or not key:
        return None
    found = None if label == _PERSON else _without_frame(table, key, when)
    return found or (_misspelled(table, key, label, when) if label in _MISSPELLED else None)


def without_titles(key: str) -> str:
    """Return a person's name without the ranks before it; a rank alone stays."""
    words = key.split()
    while len(words) > 1 and words[0] in _TITLES:
        words = words[1:]
    return " ".join(words)


@remember
def spoken_for(key: str) -> str | None:
    """Return the key of whom a phrase speaks for: قوات حفتر of المتحدث باسم قوات حفتر."""
    words = key.split()
    link = next((index for index, word in enumerate(words) if index and word in _SPEAKS_FOR), len(words))
    if link + 1 >= len(words):
        return None
    is_speaker = any(reading.stem in _SPEAKERS for reading in proclitic_readings(words[0]))
    is_former = any(head_of(word) in _FORMER for word in words[:link])
    return " ".join(words[link + 1 :]) if is_speaker and not is_former else None


@remember
def head_of(key: str) -> str:
    """Return the first word of a phrase without article."""
    first = key.split(" ", 1)[0]
    return first.removeprefix(_ARTICLE) if len(first) > len(_ARTICLE) + 1 else first


def is_common_name(key: str) -> bool:
    """Return whether bodies of many countries are called so: الحكومة الشرعية, قوات الصاعقة."""
    words = key.split()
    return len(words) == 2 and head_of(words[1]) in _COMMON_NAMES


def is_definite(key: str) -> bool:
    """Return whether the first word bears the article."""
    return key.startswith(_ARTICLE)


@remember
def possession(key: str) -> Possession | None:
    """Return the pronoun of forces or people possessed: ه of جنوده, هم of وقواتهم, نا of قواتنا."""
    first = key.split(" ", 1)[0]
    if any(reading.stem in _POSSESSED for reading in proclitic_readings(first)):
        # مرتزقة bears no pronoun.
        return None
    for pronoun in _PRONOUNS:
        if first.endswith(pronoun):
            stems = {reading.stem for reading in proclitic_readings(first.removesuffix(pronoun))}
            # Before a pronoun ta marbuta is written ت: حكومته.
            bare = {stem[:-1] + "ه" for stem in stems if stem.endswith("ت")}
            if (stems | bare) & _POSSESSED:
                return Possession(pronoun, is_armed=bool((stems | bare) & _ARMED))
    return None


def forces_of(table: ActorTable, actor: Actor) -> Actor:
    """Return the forces of a person, state or government: of its body, what that is part of, or its side.

    An armed body is its own force, and so is whoever has none in the table.
    """
    body = _body(table, actor)
    row = _row(table, body)
    if row is None or row.sector not in (_GOVERNMENT, _PARLIAMENT):
        return body if row and row.sector in _ARMED_SECTORS else actor
    while row:
        found = _one_force(table, table.children_of(row.actor))
        if found or not row.parent:
            break
        row = _row(table, table.actors[row.parent])
    return found or _one_force(table, table.bodies_of_side(body.side)) or actor


def name_readings(key: str, label: str | None = None) -> Sequence[str]:
    """Return the key and its readings; a nationality also without article and tanwin: الروسية, إماراتيا."""
    if label != _PEOPLE or " " in key:
        return _plain_readings(key)
    stems = [reading.stem for reading in proclitic_readings(key)]
    peoples = (form for stem in stems for form in (stem, *_nationalities(stem)))
    return [*_plain_readings(key), *peoples]


@remember
def _plain_readings(key: str) -> tuple[str, ...]:
    first, space, rest = key.partition(" ")
    return tuple(
        (_ARTICLE if reading.article else "") + reading.stem + space + rest
        for reading in proclitic_readings(first)
    )


def _nationalities(word: str) -> Iterator[str]:
    """Yield the adjectives that a word for people of a country may be a form of: إماراتيا, مصريين, أتراك."""
    yield _BROKEN_PLURALS.get(word, word.removesuffix("ا"))
    for ending in _SOUND_PLURALS:
        if word.endswith(ending):
            yield word.removesuffix(ending)


def _fitting(naming: Naming | None, label: str | None) -> Naming | None:
    """Return the naming where it fits the label: the town الجزيرة is no broadcaster."""
    return None if naming and label == _STATE and naming.sector != _GOVERNMENT else naming


def _without_frame(table: ActorTable, key: str, when: Period | None) -> Naming | None:
    """Return the naming behind a force (قوات موالية لحفتر) or before an epithet (داعش الإرهابي)."""
    words = key.split()
    if len(words) < 2:
        return None
    clause = next((index for index, word in enumerate(words) if index and word in _CLAUSES), len(words))
    if clause < len(words):
        return _find_reading(table, " ".join(words[:clause]), when)
    if words[-1] in _EPITHETS | _LIBYAN:
        found = _find_reading(table, " ".join(words[:-1]), when)
        libyan = found and (found.actor.code or "").startswith(_LIBYA)
        if found and (libyan or words[-1] in _EPITHETS):
            return found
    head = next((reading for reading in proclitic_readings(words[0]) if reading.stem in _HEADS), None)
    if head is None:
        return None
    # قوات تركية is an army as القوات التركية is, and that name is in the table.
    as_name = " ".join(_ARTICLE + word for word in (head.stem, *words[1:]))
    owner = words[1:]
    while len(owner) > 1 and owner[0] in _LINKS:
        owner = owner[1:]
    found = table.find(as_name, is_person=False, when=when) or _find_reading(table, " ".join(owner), when)
    is_state = found and found.sector == _GOVERNMENT and len(found.actor.code or "") == _STATE_CODE_LENGTH
    return None if is_state else found or _side_of_person(table, " ".join(owner), when)


def _find_reading(table: ActorTable, key: str, when: Period | None) -> Naming | None:
    for reading in name_readings(key):
        if table.knows(reading, is_person=False):
            return table.find(reading, is_person=False, when=when)
    return None


def _side_of_person(table: ActorTable, key: str, when: Period | None) -> Naming | None:
    """Return the naming of the force or body that a person stands for: جنود حفتر are those of his army."""
    for reading in name_readings(without_titles(key)):
        person = table.find(reading, is_person=True, when=when)
        if person and person.parent:
            actor = table.actors[person.parent]
            return next((naming for naming in table.namings_of(actor) if not naming.is_person), None)
    return None


def _row(table: ActorTable, actor: Actor) -> Naming | None:
    return next(iter(table.namings_of(actor)), None)


def _body(table: ActorTable, actor: Actor) -> Actor:
    row = _row(table, actor)
    return table.actors[row.parent] if row and row.is_person and row.parent else actor


def _one_force(table: ActorTable, actors: Iterable[Actor]) -> Actor | None:
    """Return the one armed body: armies before rebels, regular forces before others, wholes before parts."""
    ranks: dict[tuple[bool, bool], set[Actor]] = {}
    armed = {
        actor: row for actor in actors if (row := _row(table, actor)) and row.sector in (_MILITARY, _REBELS)
    }
    whole = {actor.id for actor in armed}
    for actor, row in armed.items():
        if row.parent not in whole:
            ranks.setdefault((row.sector != _MILITARY, actor.kind != _STATE_FORCES), set()).add(actor)
    best = ranks[min(ranks)] if ranks else set()
    return next(iter(best)) if len(best) == 1 else None


def _misspelled(table: ActorTable, key: str, label: str | None, when: Period | None) -> Naming | None:
    is_person = label == _PERSON
    for reading in name_readings(key, label):
        correct = table.correct(reading, is_person=is_person)
        if correct:
            found = table.find(correct, is_person=is_person, when=when)
            # A common noun is not what a name misspells: the club الأهلي is no الأهالي.
            return None if found and found.is_generic else found
    return None
