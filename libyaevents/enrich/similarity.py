"""How alike two mentions of events are: a sum of parts that can be read, for `merge`.

A `Mention` is an event with what it is compared by. Parts are in the unit of the threshold: type, story,
place, days, victims, agents, figures, means, words, and how the two stand to each other in the text.
"""

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from hashlib import sha256

from libyaevents.documents import Actor, Argument, Document, Entity, Event, Place
from libyaevents.enrich.arabic import fold, proclitic_readings

__all__ = ["Days", "Mention", "are_days_apart", "are_places_apart", "compare", "mentions_of"]

# First and last day, as ordinals.
Days = tuple[int, int]
Names = frozenset[str]

_SAME_TYPE = 1.0

_NEAR_KM = 25.0
_TOWN_KM = 20.0
_EARTH_KM = 6371.0
_REGION = 3
_TOWN = 2
# Two articles tell one story where the one with fewer names shares this part of them with the other.
_ONE_STORY = 0.3
_PROPER = frozenset({"GPE", "LOC", "FAC", "MILITARY", "ORG", "PERSON", "EVENT"})
# So many names of a document bring its mentions together with those of others.
_MAIN_NAMES = 6
# News lies at most so many days before its publication; what lies further back than the second is history.
_NEWS_DAYS = 14
_HISTORY_DAYS = 21
_SAME_NEWS_DAYS = 3
_MONTH_DAYS = 30
# A figure above this is rarely equal by chance; figures of one incident differ by little.
_SMALL_FIGURE = 2
_NEAR_RATIO, _FAR_RATIO = 1.6, 3.0
_KINDS = {"Kill": "killed", "Injure": "injured", "Detain": "detained", "Displace": "displaced"}
_MOST_SENTENCES = 5
_SHORTEST_STEM = 3

_VALUE = re.compile(r"(\d{4})(?:-(?:W(\d\d)|(\d\d)(?:-(\d\d))?))?(?:T[\w:]+)?")
_WEAK_LETTERS = re.compile(r"[اويءهة]")
_WORD = re.compile(r"[^\W_]+")
_ENDINGS = ("يين", "ين", "ون", "ان", "ات", "يه", "ه", "ي", "ا", "ت", "هم", "ها", "هما")
# Folded words that tell neither who it was nor where.
_EMPTY_WORDS = (
    "من في علي عن الي ان او كل بعد قبل قرب عند بين مع اي كان التي الذي الذين هو هي لا لم لن قد "
    "نحو منهم بينهم احد عدد بعض شخص شخصا اشخاص اخر اخري اخرون اخرين رجال رجل عناصر عنصر افراد فرد "
    "قتيل جريح جثه ضحيه ضحايا قتلي جرحي مصاب مجهولون مجهولين مجموعه مصدر مدينه محيط جانب منطقه "
    "شرق غرب جنوب شمال شرقي غربي جنوبي شمالي حي طريق بلده وسط امام داخل مقر واحد اثنان اثنين "
    "ثلاثه اربعه خمسه سته سبعه ثمانيه تسعه عشره ثلاث اربع خمس سبع ثمان تسع عشر"
)
_EMPTY = frozenset(_EMPTY_WORDS.split())
# Kinds of people, of weapons and of sites: papers name the same ones by different words.
_SIDES = {
    "forces": "شرطة شرطي شرطيين شرطيا جنود جندي جنديين ضابط ضباط عسكري عسكريين عسكريون أمن حراس "
    "حارس عقيد نقيب "
    "رائد ملازم جيش مجند مجندين عميد أمنيين",
    "fighters": "مسلح مسلحين مسلحون مهاجم مهاجمين مهاجمون إرهابي إرهابيين انتحاري انتحاريين متشدد "
    "متشددين مغيرين "
    "تنظيم جهاديين خصوم متمردين مقاتل مقاتلين عصابة عصابات منفذين خلية",
    "civilians": "مدني مدنيا مدنيين مدنيون مارة طفل طفلة أطفال نساء امرأة تلميذ تلميذة تلاميذ طالب "
    "طلاب شاب شبان "
    "أهالي سكان مواطن مواطنين متظاهر متظاهرين مشيعين مشيع باعة تاجر تجار عامل عمال زبائن رواد "
    "عائلة أسرة عابر "
    "عابرين متسوقين",
    "captives": "سجين سجناء أسير أسيرين أسرى معتقل معتقلين محتجز محتجزين موقوف موقوفين مختطف "
    "مختطفين رهينة رهائن "
    "نزيل",
}
_MEANS = {
    "vehicle": "سيارة شاحنة صهريج مفخخة ملغومة ملغوم مركبة شاحنات سيارات",
    "belt": "حزام أحزمة سترة ناسف",
    "charge": "عبوة عبوات لغم ألغام لاصقة",
    "gun": "رصاص طلقات أعيرة بندقية بنادق مسدس كاتم قنصا رشاش رشاشات",
    "shell": "قذيفة قذائف هاون صاروخ صواريخ مدفعية",
    "air": "طائرة مروحيات مروحية مسيرة طائرات مقاتلات",
}
_SITES = {
    "checkpoint": "حاجز الحاجز حواجز ارتكاز كمين بوابة تفتيش نقطة",
    "mosque": "مسجد جامع حسينية",
    "cafe": "مقهى مطعم كافيه",
    "school": "مدرسة مدارس كلية جامعة",
    "hospital": "مستشفى مشفى",
    "market": "سوق متجر دكان محل محال",
    "court": "محكمة",
    "prison": "سجن معتقل",
    "port": "ميناء مرفأ مرافئ",
    "house": "منزل بيت دار منازل بيوت",
    "funeral": "جنازة مقبرة عزاء تشييع",
    "vehicle": "عربة مدرعة آلية دورية ناقلة رتل قافلة حافلة مركبة سيارة",
    "bridge": "جسر كوبري",
    "road": "طريق شارع",
    "station": "مركز مخفر قسم",
    "field": "حقل مصفاة أنبوب",
    "drone": "مسيرة مسيرتين طائرة طائرتين",
}

# What a finding says for one incident, in one document and in two.
_WITHIN: Mapping[str, Mapping[object, float]] = {
    "place": {"shared": 2.0, "other": -0.8, "apart": -3.0, "inferred apart": -2.0},
    "days": {"same": 0.3, "apart": -3.0, "future": -1.5, "history": -2.5},
    "victims": {"shared": 1.6, "other": -0.5, "other side": -5.0},
    "figures": {"equal": 2.0, "small": 1.5, "middling": -0.3, "far": -0.8},
    "means": {"same": 0.7, "shared kind": 0.7, "other": -0.8, "other kind": -5.0},
    "sites": {"shared": 1.0, "other": -0.8, "in sentences": 0.3},
    "topics": {"shared": 1.0, "other": -3.0},
    "words": {0: -0.4, 1: 0.4, 2: 0.9},
    "names": {1: 1.2, 2: 1.0},
    "sentences": {0: -0.2, 1: 0.2, 2: 0.5},
    "root": {True: 0.8},
    "factuality": {False: -0.8},
}
_ACROSS: Mapping[str, Mapping[object, float]] = {
    "place": {
        "shared": 1.8,
        "near": 0.3,
        "other": -1.0,
        "apart": -2.5,
        "inferred apart": -1.5,
        "stories apart": -0.4,
    },
    "days": {
        "same": 1.2,
        "overlap": 0.3,
        "apart": -3.0,
        "future": -1.5,
        "history": -2.0,
        "stories apart": -2.5,
        "stories same": 0.1,
        "published apart": -4.0,
    },
    "victims": {"shared": 1.6, "same side": 0.3, "other": -0.2, "other side": -5.0},
    "agents": {"shared": 0.6, "same side": 0.4, "other side": -0.6},
    "figures": {"equal": 1.8, "small": 1.2, "near": 0.5, "middling": -0.3, "far": -0.9},
    "means": {"same": 1.9, "shared kind": 0.7, "other": -0.8, "other kind": -5.0},
    "sites": {"shared": 1.3, "other": -1.3, "in sentences": 0.5, "in one sentence": -0.3},
    "topics": {"shared": 2.0, "other": -1.0},
    "words": {0: -0.3, 1: 0.3, 2: 1.0},
    "names": {1: 0.8, 2: 1.2},
    "sentences": {0: -0.4, 1: 0.1, 2: 0.4, 3: 1.0},
    "root": {True: 0.5},
    "factuality": {False: -0.5},
}
_ONE_DOCUMENT = -0.35
_NO_STORY, _OTHER_STORY = -1.5, -7.0
_BOTH_FIRST, _BOTH_SINGLE = 0.6, 0.6
_REMENTION, _NEXT_REMENTION, _TITLE, _ONE_VICTIM = 1.8, 1.2, 1.8, 3.0
_APART = {1: 0.4, 4: -0.2, 5: -0.4}


@dataclass(frozen=True, slots=True, kw_only=True)
class Mention:
    """An event with what it is compared by.

    `key` is the document's name, a hash of its text and the event's id. `rank` counts the mentions of its
    type before it in the document, `count` all of them. Names are light stems of arguments, with the ids of
    known actors. `sites` are kinds of its arguments; `told_sites`, `told_names` and `words` are those of its
    sentence. `story` are the names of the document, `main` the most frequent of them; `story_place` and
    `story_days` are what its events most often say.
    """

    key: tuple[str, str, str]
    event: Event
    group: str
    sentence: int
    rank: int
    count: int
    published: int | None
    days: Days | None
    is_said: bool
    places: Names
    agents: Names
    patients: Names
    instruments: Names
    topics: Names
    arguments: Names
    means: Names
    sites: Names
    told_sites: Names
    told_names: Names
    words: Names
    spans: frozenset[tuple[int, int]]
    story: Names
    main: tuple[str, ...]
    story_place: Place | None
    story_days: Days | None
    figures: frozenset[int]
    root: str
    is_definite: bool
    actors: tuple[Actor, ...]


def mentions_of(document: Document) -> Iterator[Mention]:
    """Yield the mentions of a document in the order of its text."""
    digest = sha256(document.text.encode()).hexdigest()[:12]
    name = document.id if document.id is not None else f"text:{digest}"
    article = _Article(document)
    counts = Counter(event.type for event in document.events)
    ranks: Counter[str] = Counter()
    for event, sentence in article.events():
        trigger = fold(event.trigger.text)
        said = article.sentence(sentence)
        places = article.names(event, "Place", "Destination", "Origin")
        patients, instruments = article.names(event, "Patient"), article.names(event, "Instrument")
        agents, topics = article.names(event, "Agent", "Counterpart"), article.names(event, "Topic")
        yield Mention(
            key=(name, digest, event.id),
            event=event,
            group=event.type,
            sentence=sentence,
            rank=ranks[event.type],
            count=counts[event.type],
            published=article.published,
            days=_event_days(event),
            is_said=_is_said(event),
            places=places,
            agents=agents,
            patients=patients,
            instruments=instruments,
            topics=topics,
            arguments=places | patients | instruments | agents | topics,
            means=_kinds(_means_table(), instruments | _stems(event.trigger.text)),
            sites=_kinds(_site_table(), patients | places),
            told_sites=said.sites,
            told_names=said.names,
            words=said.words,
            spans=frozenset((part.start, part.end) for part in event.arguments if part.role == "Patient"),
            story=article.story,
            main=article.main,
            story_place=article.place,
            story_days=article.days,
            figures=_figures(event),
            root=_root(trigger),
            is_definite=trigger.lstrip("وف").startswith(("ال", "بال", "لل", "هذا", "هذه")),
            actors=article.actors(event),
        )
        ranks[event.type] += 1


def compare(a: Mention, b: Mention) -> dict[str, float]:
    """Return the parts of the likeness of two mentions by name, none where their types differ."""
    if a.event.type != b.event.type:
        return {}
    is_within = a.key[:2] == b.key[:2]
    weights = _WITHIN if is_within else _ACROSS
    found = {**_circumstances(a, b, is_within), **_participants(a, b), **_wording(a, b)}
    if is_within and a.sentence == b.sentence:
        # A sentence always agrees with itself.
        del found["names"], found["sentences"]
    parts = {"type": _SAME_TYPE} | {
        name: weights[name].get(finding, 0.0) for name, finding in found.items() if name in weights
    }
    if is_within:
        parts["position"] = _position_score(a, b)
    else:
        parts["story"] = _story_score(a, b)
        parts["position"] = _BOTH_FIRST * (a.rank == b.rank == 0) + _BOTH_SINGLE * (a.count == b.count == 1)
    return {name: round(score, 2) for name, score in parts.items() if score}


def are_places_apart(a: Place, b: Place) -> bool:
    """Whether two places are certainly not one: points farther apart than their radius and a town's width."""
    kilometers = _kilometers(a, b)
    if kilometers is None or _REGION in (a.precision, b.precision):
        return False
    return kilometers > _TOWN_KM + max(a.radius_km or 0, b.radius_km or 0)


def are_days_apart(a: Days, b: Days) -> bool:
    """Whether two times are more than a day apart: papers call the same night by either day."""
    return _gap(a, b) > 1


@dataclass(frozen=True, slots=True)
class _Sentence:
    """What stands in a sentence: its proper names, its other words, and the kinds of sites among them."""

    names: Names = frozenset()
    words: Names = frozenset()
    sites: Names = frozenset()


class _Article:
    """Looks up what a document tells of its events."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._entities = {entity.id: entity for entity in document.entities}
        self._starts = [start for start, _ in document.sentences]
        self._sentences: dict[int, _Sentence] = {}
        self._proper: dict[int, list[Entity]] = {}
        counts: Counter[str] = Counter()
        for entity, index in self._located(document.entities):
            if entity.label in _PROPER:
                self._proper.setdefault(index, []).append(entity)
                counts.update(_stems(entity.text))
        self.published = document.published.toordinal() if document.published else None
        self.story = frozenset(counts)
        self.main = tuple(sorted(counts, key=lambda name: (-counts[name], name))[:_MAIN_NAMES])
        self.place = _most_told(event.place for event in document.events if _names_town(event))
        self.days = self._story_days()

    def events(self) -> Iterator[tuple[Event, int]]:
        """Yield the events in the order of the text, each with the number of its sentence."""
        ordered = sorted(
            self._document.events, key=lambda event: (event.trigger.start, event.trigger.end, event.id)
        )
        sentence = 0
        for event in ordered:
            while sentence + 1 < len(self._starts) and self._starts[sentence + 1] <= event.trigger.start:
                sentence += 1
            yield event, sentence

    def sentence(self, index: int) -> _Sentence:
        """Return what stands in a sentence; without sentences nothing does."""
        if not self._starts:
            return _Sentence()
        if index not in self._sentences:
            words = _stems(self._document.text[slice(*self._document.sentences[index])])
            names = frozenset(name for entity in self._proper.get(index, ()) for name in _stems(entity.text))
            self._sentences[index] = _Sentence(names, words - names, _kinds(_site_table(), words))
        return self._sentences[index]

    def names(self, event: Event, *roles: str) -> Names:
        """Return the stems of the arguments of some roles and the ids of the known actors among them."""
        parts = [part for part in event.arguments if part.role in roles]
        known = (actor.id or actor.name for part in parts if (actor := self._actor(part)))
        return frozenset(known).union(*(_stems(part.text) for part in parts))

    def actors(self, event: Event) -> tuple[Actor, ...]:
        """Return the known actors that take part in an event."""
        parts = (part for part in event.arguments if part.role in ("Agent", "Patient", "Counterpart"))
        return tuple(dict.fromkeys(actor for part in parts if (actor := self._actor(part))))

    def _actor(self, part: Argument) -> Actor | None:
        entity = self._entities.get(part.entity_id) if part.entity_id is not None else None
        return part.actor or (entity.actor if entity else None)

    def _located(self, entities: Iterable[Entity]) -> Iterator[tuple[Entity, int]]:
        sentence = 0
        for entity in sorted(entities, key=lambda entity: (entity.start, entity.end, entity.id)):
            while sentence + 1 < len(self._starts) and self._starts[sentence + 1] <= entity.start:
                sentence += 1
            yield entity, sentence

    def _story_days(self) -> Days | None:
        """Return the day of the news: the one that most events say, shortly before publication."""
        if self.published is None:
            return None
        told = [_event_days(event) for event, _ in self.events() if _is_said(event)]
        news = [
            days
            for days in told
            if days and days[0] == days[1] and 0 <= self.published - days[0] <= _NEWS_DAYS
        ]
        return max(Counter(news).items(), key=lambda item: item[1])[0] if news else None


def _most_told(places: Iterable[Place | None]) -> Place | None:
    known = [place for place in places if place]
    counts = Counter(place.name for place in known)
    return max(known, key=lambda place: counts[place.name], default=None)


def _names_town(event: Event) -> bool:
    place = event.place
    has_argument = any(part.role in ("Place", "Destination", "Origin") for part in event.arguments)
    return has_argument and place is not None and (place.precision or _REGION) <= _TOWN


def _stems(text: str) -> Names:
    """Return the light stems of the words of a text that tell something."""
    return frozenset(
        _stem(word) for word in _WORD.findall(fold(text)) if word not in _EMPTY and len(word) > 2
    )


def _stem(word: str) -> str:
    """Return a folded word without what may be attached to it and without one ending."""
    stem = min((reading.stem for reading in proclitic_readings(word)), key=len)
    for ending in _ENDINGS:
        if stem.endswith(ending) and len(stem) - len(ending) >= _SHORTEST_STEM:
            return stem.removesuffix(ending)
    return stem


def _kinds(table: Mapping[str, Names], stems: Names) -> Names:
    """Return the kinds of a table that some stems are of."""
    return frozenset().union(*(table.get(stem, frozenset()) for stem in stems))


def _by_stem(table: Mapping[str, str]) -> Mapping[str, Names]:
    kinds: dict[str, set[str]] = {}
    for kind, words in table.items():
        for word in fold(words).split():
            kinds.setdefault(_stem(word), set()).add(kind)
    return {stem: frozenset(found) for stem, found in kinds.items()}


@cache
def _side_table() -> Mapping[str, Names]:
    return _by_stem(_SIDES)


@cache
def _means_table() -> Mapping[str, Names]:
    return _by_stem(_MEANS)


@cache
def _site_table() -> Mapping[str, Names]:
    return _by_stem(_SITES)


def _circumstances(a: Mention, b: Mention, is_within: bool) -> dict[str, object]:
    return {
        "place": _place_finding(a, b, is_within),
        "days": _day_finding(a, b, is_within),
        "means": _means_finding(a, b),
        "sites": _site_finding(a, b),
    }


def _participants(a: Mention, b: Mention) -> dict[str, object]:
    return {
        "victims": _people_finding(a.patients, b.patients),
        "agents": _people_finding(a.agents, b.agents),
        "figures": _figure_finding(a.figures, b.figures),
    }


def _wording(a: Mention, b: Mention) -> dict[str, object]:
    has_topics = bool(a.topics and b.topics)
    shared = min(len(a.arguments & b.arguments), 2) if a.arguments and b.arguments else None
    return {
        "topics": ("shared" if a.topics & b.topics else "other") if has_topics else None,
        "words": shared,
        "names": min(len(a.told_names & b.told_names), 2),
        "sentences": min(len(a.words & b.words), 3 if a.key[:2] != b.key[:2] else 2),
        "root": bool(a.root and a.root == b.root),
        "factuality": a.event.factuality == b.event.factuality,
    }


def _place_finding(a: Mention, b: Mention, is_within: bool) -> str | None:
    place, other = a.event.place, b.event.place
    if a.places and b.places:
        if a.places & b.places:
            return "shared"
        if place is None or other is None:
            return "other"
        kilometers = _kilometers(place, other)
        if are_places_apart(place, other):
            return "apart"
        is_near = kilometers is not None and kilometers <= _NEAR_KM
        return "near" if is_near and _REGION not in (place.precision, other.precision) else "other"
    if place and other and are_places_apart(place, other):
        return "inferred apart"
    place, other = place if a.places else a.story_place, other if b.places else b.story_place
    is_apart = not is_within and place is not None and other is not None and are_places_apart(place, other)
    return "stories apart" if is_apart else None


def _kilometers(a: Place, b: Place) -> float | None:
    """Return the great-circle distance of two places in kilometers."""
    if a.latitude is None or a.longitude is None or b.latitude is None or b.longitude is None:
        return None
    north, south = math.radians(a.latitude), math.radians(b.latitude)
    east = math.radians(b.longitude - a.longitude)
    chord = math.sin((south - north) / 2) ** 2 + math.cos(north) * math.cos(south) * math.sin(east / 2) ** 2
    return 2 * _EARTH_KM * math.asin(math.sqrt(min(chord, 1.0)))


def _day_finding(a: Mention, b: Mention, is_within: bool) -> str | None:
    """Find how two times agree; an inferred one is only that of the news, which an old event is not."""
    if a.is_said and b.is_said and a.days and b.days:
        if a.days == b.days:
            return "same" if a.days[0] == a.days[1] else "overlap"
        return "apart" if are_days_apart(a.days, b.days) else "overlap" if _gap(a.days, b.days) <= 0 else None
    if is_within:
        return _inferred_finding(a, b)
    if a.published and b.published and abs(a.published - b.published) > _MONTH_DAYS:
        return "published apart"
    days, others = (mention.days if mention.is_said else mention.story_days for mention in (a, b))
    if days is None or others is None or a.story_days is None or b.story_days is None:
        return _inferred_finding(a, b)
    if _gap(days, others) > _SAME_NEWS_DAYS:
        return "stories apart"
    return "stories same" if _gap(days, others) <= 1 else _inferred_finding(a, b)


def _inferred_finding(a: Mention, b: Mention) -> str | None:
    """Find whether a time that is said lies long before, or behind, one that is inferred."""
    if a.days is None or b.days is None or a.is_said == b.is_said:
        return None
    said, inferred = (a.days, b.days) if a.is_said else (b.days, a.days)
    if inferred[0] - said[1] > _HISTORY_DAYS:
        return "history"
    return "future" if said[0] > inferred[1] + 1 else None


def _gap(a: Days, b: Days) -> int:
    return max(a[0], b[0]) - min(a[1], b[1])


def _means_finding(a: Mention, b: Mention) -> str | None:
    if a.means and b.means and not a.means & b.means:
        return "other kind"
    if a.instruments and b.instruments:
        return "same" if a.instruments & b.instruments else "other"
    return "shared kind" if a.means & b.means else None


def _site_finding(a: Mention, b: Mention) -> str | None:
    if a.sites and b.sites:
        return "shared" if a.sites & b.sites else "other"
    if a.sites & b.told_sites or b.sites & a.told_sites:
        return "in one sentence"
    if (a.sites and b.told_sites) or (b.sites and a.told_sites):
        return None
    return "in sentences" if a.told_sites & b.told_sites else None


def _people_finding(people: Names, others: Names) -> str | None:
    if not people or not others:
        return None
    if people & others:
        return "shared"
    side, other = _kinds(_side_table(), people), _kinds(_side_table(), others)
    if side and other:
        return "same side" if side & other else "other side"
    return "other"


def _figures(event: Event) -> frozenset[int]:
    kind = _KINDS.get(event.type)
    told = (item.best or item.minimum or item.maximum for item in event.casualties if item.kind == kind)
    return frozenset(number for number in told if number)


def _figure_finding(figures: frozenset[int], others: frozenset[int]) -> str | None:
    if not figures or not others:
        return None
    if shared := figures & others:
        return "equal" if max(shared) > _SMALL_FIGURE else "small"
    fewer, more = sorted((max(figures), max(others)))
    if more <= _NEAR_RATIO * fewer:
        return "near"
    return "middling" if more <= _FAR_RATIO * fewer else "far"


def _position_score(a: Mention, b: Mention) -> float:
    """Score two mentions of one document by where they stand: the title and its lead, الغارة after غارة."""
    first, second = (a, b) if a.event.trigger.start <= b.event.trigger.start else (b, a)
    apart = second.sentence - first.sentence
    score = _ONE_DOCUMENT + _APART.get(min(apart, _MOST_SENTENCES), 0.0)
    if a.spans & b.spans:
        score += _ONE_VICTIM
    is_bare = second.is_definite and not (second.patients or second.places or second.is_said)
    if is_bare:
        return score + (_NEXT_REMENTION if apart and second.rank - first.rank == 1 else _REMENTION)
    return score + (_TITLE if first.sentence == 0 and apart in (1, 2) else 0.0)


def _story_score(a: Mention, b: Mention) -> float:
    """Score whether two documents tell one story, by the proper names of both."""
    fewer = min(len(a.story), len(b.story))
    if not fewer:
        return _NO_STORY
    return 0.0 if len(a.story & b.story) / fewer >= _ONE_STORY else _OTHER_STORY


def _root(word: str) -> str:
    """Return the letters of a folded word that its forms share: مقتل and القتلى are قتل."""
    stem = min((reading.stem for reading in proclitic_readings(word)), key=len)
    for ending in ("ات", "ين", "ون", "وا", "ان", "ت"):
        stem = stem.removesuffix(ending) if len(stem) - len(ending) >= _SHORTEST_STEM else stem
    stem = stem.removeprefix("م") if len(stem) > _SHORTEST_STEM else stem
    return _WEAK_LETTERS.sub("", stem)


def _event_days(event: Event) -> Days | None:
    return _days(event.time.value) if event.time and event.time.value else None


def _is_said(event: Event) -> bool:
    return event.time is not None and not event.time.inferred and _event_days(event) is not None


def _days(value: str) -> Days | None:
    """Return the first and last day of an ISO value: a day, week, month, year or a range of them."""
    first, _, last = value.partition("/")
    start, end = _period(first), _period(last or first)
    return (start[0], end[1]) if start and end and start[0] <= end[1] else None


def _period(value: str) -> Days | None:
    match = _VALUE.fullmatch(value)
    if match is None:
        return None
    year, week, month, day = (int(part) if part else None for part in match.groups())
    if year is None:
        return None
    try:
        if week:
            start = date.fromisocalendar(year, week, 1).toordinal()
            return start, start + 6
        start = date(year, month or 1, day or 1).toordinal()
        if day:
            return start, start
        months = year * 12 + (month or 12)
        return start, date(months // 12, months % 12 + 1, 1).toordinal() - 1
    except (ValueError, OverflowError):
        return None
