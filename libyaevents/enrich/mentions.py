"""Mentions of events with all that they are compared by: documents come in, `Mention`s go out.

What a mention does not say of itself its document may: where and when its news happened, and what stands in
the same sentence.
"""

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from hashlib import sha256

from libyaevents.documents import Actor, Argument, Document, Entity, Event, Place
from libyaevents.enrich.arabic import fold
from libyaevents.enrich.gazetteer import distance_km, load_gazetteer
from libyaevents.enrich.stems import Names, generic_stems, means_of, root_of, stems_of, words_of

__all__ = ["Days", "Mention", "Story", "are_places_apart", "mentions_of", "narrower", "pool"]

# First and last day, as ordinals.
Days = tuple[int, int]

_PROPER = frozenset({"GPE", "LOC", "FAC", "MILITARY", "ORG", "PERSON", "NAMED_EVENT"})
_PLACES = ("Place", "Destination", "Origin")
_PARTICIPANTS = ("Agent", "Patient", "Counterpart")
# So many names of a document bring its mentions together with those of others.
_MAIN_NAMES = 6
_TOWN, _REGION = 2, 3
_TOWN_KM = 20.0
# What the gazetteer gives a smaller radius is a part of a town.
_TOWN_RADIUS_KM = 8.0
# News lies at most so many days before its publication.
_NEWS_DAYS = 14
_FIGURES = {"Kill": "killed", "Injure": "injured", "Detain": "detained", "Displace": "displaced"}
# Types of acts that a plural sums up; معارك is one battle, قتيلين are the dead of one act.
_SUMS = {
    "Kill": ("ات",),
    **dict.fromkeys(("Attack", "AirStrike", "Shelling", "Bombing", "Protest"), ("ات", "ين", "ان")),
}
_NO_PLURALS = frozenset({"عدوان", "العدوان"})
_SHORTEST_PLURAL = 5
_DEFINITE = re.compile(r"[وف]?(?:[بك]?ال|لل)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """What a document tells as a whole: its proper names, the main ones, the place and day of its news."""

    published: int | None
    names: Names
    main: tuple[str, ...]
    place: Place | None
    is_of_one_town: bool
    days: Days | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Mention:
    """An event with what it is compared by, or those of one document that are one incident.

    `key` is the document's name, a hash of its text and the event's id. `rank` counts what is of its type
    before it in the document, `count` all of it. Names are light stems of arguments, with the ids of known
    actors; `near_names` and `words` are those of its sentence. Days are inferred unless `is_said`.
    """

    key: tuple[str, str, str]
    event: Event
    story: Story
    sentence: int
    rank: int
    count: int
    days: Days | None
    is_said: bool
    place: Place | None
    places: Names
    patients: Names
    means: Names
    near_names: Names
    words: Names
    figures: frozenset[int]
    root: str
    is_definite: bool
    is_sum: bool
    actors: tuple[Actor, ...]

    @property
    def document(self) -> tuple[str, str]:
        """The document's name and the hash of its text."""
        return self.key[:2]

    @property
    def is_bare(self) -> bool:
        """Whether it tells nothing of its own but that it is known: الهجوم."""
        return self.is_definite and not (self.patients or self.places or self.is_said)

    @property
    def names_town(self) -> bool:
        """Whether its place is a town that it names, rather than a part of one or a place near one."""
        if self.place is None or (self.place.radius_km or 0) < _TOWN_RADIUS_KM:
            return False
        return bool(self.places & _name_stems(self.place.name))


def mentions_of(document: Document) -> Iterator[Mention]:
    """Yield the mentions of a document in the order of its text."""
    digest = sha256(document.text.encode()).hexdigest()[:12]
    name = document.id if document.id is not None else f"text:{digest}"
    article = _Article(document)
    story = article.story()
    counts = Counter(event.type for event in document.events)
    ranks: Counter[str] = Counter()
    for event, sentence in article.events():
        trigger = fold(event.trigger.text)
        instruments = article.names(event, ("Instrument",))
        near_names, words = article.sentence(sentence)
        days = _event_days(event)
        yield Mention(
            key=(name, digest, event.id),
            event=event,
            story=story,
            sentence=sentence,
            rank=ranks[event.type],
            count=counts[event.type],
            days=days,
            is_said=days is not None and _is_said(event),
            place=event.place,
            places=article.names(event, _PLACES),
            patients=article.names(event, ("Patient",)),
            means=means_of(instruments | stems_of(event.trigger.text)),
            near_names=near_names,
            words=words,
            figures=_figures(event),
            root=root_of(trigger),
            is_definite=_DEFINITE.match(trigger) is not None,
            is_sum=_is_sum(event.type, trigger),
            actors=article.actors(event),
        )
        ranks[event.type] += 1


def pool(mentions: Sequence[Mention], *, rank: int, count: int) -> Mention:
    """Return what mentions of one incident in one document say together.

    Args:
        mentions: in the order of the text.
        rank: how many incidents of the type the document tells before it.
        count: how many it tells in all.
    """

    def union(name: str) -> Names:
        return frozenset().union(*(getattr(mention, name) for mention in mentions))

    first = mentions[0]
    placed = [mention for mention in mentions if mention.place and mention.places] or mentions
    dated = [mention for mention in mentions if mention.is_said] or mentions
    return replace(
        first,
        rank=rank,
        count=count,
        days=min((mention.days for mention in dated), key=_length),
        is_said=dated[0].is_said,
        place=min((mention.place for mention in placed), key=_grain),
        places=union("places"),
        patients=union("patients"),
        means=union("means"),
        near_names=union("near_names"),
        words=union("words"),
        figures=frozenset().union(*(mention.figures for mention in mentions)),
        is_sum=all(mention.is_sum for mention in mentions),
    )


def narrower(days: Days | None, others: Days | None) -> Days | None:
    """Return the shorter of two times, the earlier one where they are equally long."""
    return min((days, others), key=_length)


def are_places_apart(a: Place, b: Place) -> bool:
    """Whether two places are certainly not one: points farther apart than a town is wide and their radius."""
    first, second = _point(a), _point(b)
    if first is None or second is None or _REGION in (a.precision, b.precision):
        return False
    return distance_km(first, second) > max(_TOWN_KM, a.radius_km or 0, b.radius_km or 0)


def _point(place: Place) -> tuple[float, float] | None:
    if place.latitude is None or place.longitude is None:
        return None
    return place.latitude, place.longitude


@lru_cache(maxsize=1024)
def _name_stems(name: str) -> Names:
    return stems_of(name)


def _grain(place: Place | None) -> tuple[int, str]:
    """Return what orders places from the finest to none."""
    return (place.precision or _REGION, place.name) if place else (_REGION + 1, "")


def _length(days: Days | None) -> tuple[float, Days]:
    return (days[1] - days[0], days) if days else (math.inf, (0, 0))


class _Article:
    """Looks up what a document tells of its events."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._entities = {entity.id: entity for entity in document.entities}
        self._starts = [start for start, _ in document.sentences]
        self._seen = frozenset(words_of(document.text))
        self._sentences: dict[int, tuple[Names, Names]] = {}
        self._proper: dict[int, set[str]] = {}
        self._counts: Counter[str] = Counter()
        proper = sorted(
            (entity for entity in document.entities if entity.label in _PROPER),
            key=lambda entity: (entity.start, entity.end, entity.id),
        )
        for entity, sentence in zip(
            proper, self._sentence_of(entity.start for entity in proper), strict=True
        ):
            stems = stems_of(self._core(entity))
            self._proper.setdefault(sentence, set()).update(stems)
            self._counts.update(self._telling(entity, stems))

    def story(self) -> Story:
        """Return what the document tells as a whole."""
        published = self._document.published.toordinal() if self._document.published else None
        places = [event.place for event in self._document.events if event.place and _names_place(event)]
        towns = [place for place in places if _grain(place)[0] <= _TOWN]
        counts = Counter(place.name for place in towns)
        main = max(towns, key=lambda place: counts[place.name], default=None)
        return Story(
            published=published,
            names=frozenset(self._counts),
            main=tuple(sorted(self._counts, key=lambda name: (-self._counts[name], name))[:_MAIN_NAMES]),
            place=main,
            is_of_one_town=main is not None and not any(are_places_apart(main, place) for place in towns),
            days=self._news_days(published) if published else None,
        )

    def events(self) -> Iterator[tuple[Event, int]]:
        """Yield the events in the order of the text, each with the number of its sentence."""
        ordered = sorted(
            self._document.events, key=lambda event: (event.trigger.start, event.trigger.end, event.id)
        )
        return zip(ordered, self._sentence_of(event.trigger.start for event in ordered), strict=True)

    def sentence(self, index: int) -> tuple[Names, Names]:
        """Return the stems of the proper names and of the other words of a sentence."""
        if not self._starts:
            return frozenset(), frozenset()
        if index not in self._sentences:
            words = stems_of(self._document.text[slice(*self._document.sentences[index])], self._seen)
            names = frozenset(self._proper.get(index, ()))
            self._sentences[index] = (names, words - names)
        return self._sentences[index]

    def names(self, event: Event, roles: Sequence[str]) -> Names:
        """Return the stems of the arguments of some roles and the ids of the known actors among them."""
        parts = [part for part in event.arguments if part.role in roles]
        known = (actor.id or actor.name for part in parts if (actor := self._actor(part)))
        return frozenset(known).union(*(self._stems(part) for part in parts))

    def actors(self, event: Event) -> tuple[Actor, ...]:
        """Return the known actors that take part in an event."""
        parts = (part for part in event.arguments if part.role in _PARTICIPANTS)
        return tuple(dict.fromkeys(actor for part in parts if (actor := self._actor(part))))

    def _telling(self, entity: Entity, stems: Names) -> Names:
        """Return the stems of a name that few stories share: not those of ليبيا or الجيش الليبي."""
        if entity.place and entity.place.feature == "country":
            return frozenset()
        adjective = load_gazetteer().adjective
        general = (stems_of(word) for word in words_of(self._core(entity)) if adjective(word))
        return stems.difference(generic_stems(), *general)

    def _stems(self, part: Argument) -> Names:
        entity = self._entities.get(part.entity_id) if part.entity_id is not None else None
        return stems_of(self._core(entity)) if entity else stems_of(part.text, self._seen)

    def _core(self, entity: Entity) -> str:
        return self._document.text[slice(*(entity.core or (entity.start, entity.end)))]

    def _actor(self, part: Argument) -> Actor | None:
        entity = self._entities.get(part.entity_id) if part.entity_id is not None else None
        return part.actor or (entity.actor if entity else None)

    def _sentence_of(self, starts: Iterable[int]) -> Iterator[int]:
        """Yield the number of the sentence of each of some rising offsets."""
        sentence = 0
        for start in starts:
            while sentence + 1 < len(self._starts) and self._starts[sentence + 1] <= start:
                sentence += 1
            yield sentence

    def _news_days(self, published: int) -> Days:
        """Return the day that most events say, of those shortly before publication, else all these days."""
        told = [_event_days(event) for event, _ in self.events() if _is_said(event)]
        news = [
            days for days in told if days and days[0] == days[1] and 0 <= published - days[0] <= _NEWS_DAYS
        ]
        if not news:
            return published - _NEWS_DAYS, published
        return max(Counter(news).items(), key=lambda item: item[1])[0]


def _names_place(event: Event) -> bool:
    return any(part.role in _PLACES for part in event.arguments)


def _is_said(event: Event) -> bool:
    return event.time is not None and not event.time.inferred


def _is_sum(type_: str, trigger: str) -> bool:
    is_plural = len(trigger) >= _SHORTEST_PLURAL and trigger.endswith(_SUMS.get(type_, ()))
    return is_plural and trigger not in _NO_PLURALS


def _figures(event: Event) -> frozenset[int]:
    kind = _FIGURES.get(event.type)
    told = (item.best or item.minimum or item.maximum for item in event.casualties if item.kind == kind)
    return frozenset(number for number in told if number)


def _event_days(event: Event) -> Days | None:
    """Return the first and last day of an event's time, as ordinals."""
    days = event.time.days() if event.time else None
    return (days[0].toordinal(), days[1].toordinal()) if days else None
