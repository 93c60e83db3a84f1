"""Collect what a text says about where it plays: a document comes in, evidence for places goes out.

Which طرابلس is meant shows in what stands beside it: other towns, countries, adjectives of nationality, and
actors that belong to one country. The whole text is read once, word by word: the work is linear in it.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple, TypeVar

from libyaevents.documents import Document, Span
from libyaevents.enrich.arabic import remember
from libyaevents.enrich.gazetteer import (
    Entry,
    Gazetteer,
    distance_km,
    key_readings,
    place_words,
    split_word,
)

__all__ = ["Evidence", "Hit", "collect_evidence"]

_WORD = re.compile(r"[^\W_]+")
_LONGEST_NAME = 3
_SHORTEST_NAME = 3
_SHORTEST_CUT = 4
_HIT_FEATURES = frozenset({"country", "capital", "city", "town", "region", "airport", "base"})
_TOWNS = frozenset({"capital", "city", "town"})

# Actors that name their country.
_ACTORS = {
    "LY": "حفتر السراج الدبيبه باشاغا المسماري القذافي الوفاق عقيله المنفي الدباشي ورشفانه",
    "YE": "الحوثي الحوثيين الحوثيون الحوثيه هادي صالحي",
    "SY": "الاسد قسد",
    "IQ": "البيشمركه الحشد العبادي الكاظمي",
    "LB": "الحريري",
    "PS": "حماس القسام عباس سرايا",
    "SD": "البرهان حميدتي البشير الجنجويد",
    "AF": "طالبان",
    "EG": "السيسي",
    "TD": "ديبي",
    "TR": "اردوغان",
}
_COUNTRY_OF_ACTOR = {word: country for country, words in _ACTORS.items() for word in words.split()}
_ACTOR_WEIGHT = 0.7
_TOWN_WEIGHT = 0.8
# طرابلس itself says little of the country: there is another one.
_OPEN_WEIGHT = 0.4

# This close, in code points, evidence counts for a mention itself.
_LOCAL = 200
_APPOSITION = 28
_LOCAL_GAIN = 0.5
_GLOBAL_GAIN = 0.4
_APPOSITION_GAIN = 0.9
_DISTANCE_GAIN = 0.5
_DISTANCE_SCALE_KM = 60.0
# Without other evidence news is read as news of Libya: that is what the library is for.
_HOME = "LY"
_HOME_GAIN = 0.15
_SURE_PRIOR = 0.75
_LEAST_SHARE = 0.1
_APPOSITION_STOPS = re.compile(r"[.،؛؟!\n]")

_Item = TypeVar("_Item")


class Hit(NamedTuple):
    """A place named in the text; `is_cut` says that a proclitic stands before the name."""

    start: int
    end: int
    entry: Entry
    is_cut: bool


class Evidence:
    """What the text says of countries and towns, by position."""

    def __init__(
        self,
        text: str,
        sentences: Sequence[Span],
        clues: Iterable[tuple[int, str, float]],
        hits: Sequence[Hit],
    ) -> None:
        self._text = text
        self._sentences = sentences
        self._sentence_starts = [start for start, _ in sentences]
        self._clues = sorted(clues)
        self._clue_starts = [start for start, _, _ in self._clues]
        self.hits = hits
        self._hit_starts = [hit.start for hit in hits]
        self._totals = _sum_by_country(self._clues)
        self._sum = sum(self._totals.values())

    def main_country(self, default: str = _HOME) -> str:
        """Return the country that the text speaks of most, or the default where it is silent."""
        if not self._totals:
            return default
        return max(self._totals, key=lambda country: (self._totals[country], country == _HOME, country))

    def admits(self, entry: Entry, *, is_doubtful: bool = False) -> bool:
        """Say whether a place may be meant: not a hamlet of Libya in a text about Yemen alone.

        Nor a town of Algeria in a text about Libya, where the name leaves a doubt.
        """
        if (entry.prior >= _SURE_PRIOR and not is_doubtful) or not self._sum or entry.country is None:
            return True
        return self._totals.get(entry.country, 0.0) / self._sum >= _LEAST_SHARE

    def support(self, entry: Entry, span: Span) -> float:
        """Return how much the text speaks for a place that is named at a span."""
        gain: float = _HOME_GAIN if entry.country == _HOME else 0.0
        if entry.country is not None:
            gain += _GLOBAL_GAIN * self._totals.get(entry.country, 0.0) / self._sum if self._sum else 0.0
            gain += self._local_gain(entry.country, span)
        return gain + self._distance_gain(entry, span)

    def _local_gain(self, country: str, span: Span) -> float:
        near = total = gain = 0.0
        last = self._apposition_end(span[1])
        for start, clue, weight in _from(self._clues, bisect_left(self._clue_starts, span[0] - _LOCAL)):
            if start > span[1] + _LOCAL:
                break
            if span[0] <= start < span[1]:
                continue
            total += weight
            near += weight if clue == country else 0.0
            if clue == country and span[1] <= start < last:
                gain = _APPOSITION_GAIN
        return gain + (_LOCAL_GAIN * near / total if total else 0.0)

    def _apposition_end(self, end: int) -> int:
        stop = _APPOSITION_STOPS.search(self._text, end, end + _APPOSITION)
        return stop.start() if stop else end + _APPOSITION

    def _distance_gain(self, entry: Entry, span: Span) -> float:
        gain = 0.0
        for hit in _from(self.hits, bisect_left(self._hit_starts, span[0] - _LOCAL)):
            if hit.start > span[1] + _LOCAL:
                break
            if hit.entry.feature not in _TOWNS or span[0] <= hit.start < span[1]:
                continue
            away = distance_km((entry.latitude, entry.longitude), (hit.entry.latitude, hit.entry.longitude))
            gain = max(gain, _DISTANCE_GAIN * max(0.0, 1 - away / (4 * _DISTANCE_SCALE_KM)))
        return gain

    def first_after(self, end: int, within: int) -> Hit | None:
        """Return the first place named behind an offset, at most `within` code points away."""
        index = bisect_left(self._hit_starts, end)
        if index == len(self.hits) or self.hits[index].start > end + within:
            return None
        return self.hits[index]

    def only_town(self, start: int, end: int) -> Entry | None:
        """Return the one town that the sentence of a span names elsewhere."""
        index = bisect_right(self._sentence_starts, start) - 1
        if index < 0:
            return None
        first, last = self._sentences[index]
        towns: dict[str, Entry] = {}
        for hit in _from(self.hits, bisect_left(self._hit_starts, first)):
            if hit.start >= last or len(towns) > 1:
                break
            if hit.entry.feature in _TOWNS and not start <= hit.start < end:
                towns[hit.entry.name] = hit.entry
        return next(iter(towns.values())) if len(towns) == 1 else None


def _from(items: Sequence[_Item], first: int) -> Iterator[_Item]:
    """Yield the items from an index on, without a copy of what may be a long list."""
    return (items[index] for index in range(first, len(items)))


# The places that a name may mean, its weight, and whether a proclitic was cut.
_Found = tuple[tuple[Entry, ...], float, bool]


class _Known(NamedTuple):
    """What is known of a word: its keys, whether a longer name begins with it, what it names by itself."""

    keys: tuple[str, ...]
    opens_name: bool
    found: _Found | None
    country_of_actor: str | None


class _Word(NamedTuple):
    start: int
    end: int
    known: _Known


def collect_evidence(document: Document, gazetteer: Gazetteer) -> Evidence:
    """Return what the text of a document says about where it plays."""
    finder = _finder(gazetteer)
    words = list(finder.read(document.text))
    clues = [
        (word.start, word.known.country_of_actor, _ACTOR_WEIGHT)
        for word in words
        if word.known.country_of_actor
    ]
    hits: list[Hit] = []
    open_hits: list[tuple[Hit, tuple[Entry, ...]]] = []
    for start, end, entries, weight, is_cut in finder.find(words):
        hit = Hit(start, end, entries[0], is_cut)
        if len(entries) > 1:
            open_hits.append((hit, entries))
            continue
        if hit.entry.country is not None:
            clues.append((start, hit.entry.country, weight))
        if weight >= _TOWN_WEIGHT:
            hits.append(hit)
    totals = _sum_by_country(clues)
    for hit, entries in open_hits:
        entry = max(entries, key=lambda entry: (totals.get(str(entry.country), 0.0), entry.country == _HOME))
        if totals.get(str(entry.country)) or entry.country == _HOME:
            hits.append(hit._replace(entry=entry))
            clues.append((hit.start, str(entry.country), _OPEN_WEIGHT))
    whole = ((0, len(document.text)),) if document.text else ()
    return Evidence(
        document.text, document.sentences or whole, clues, sorted(hits, key=lambda hit: hit.start)
    )


def _sum_by_country(clues: Iterable[tuple[int, str, float]]) -> dict[str, float]:
    totals: dict[str, float] = defaultdict(float)
    for _, country, weight in clues:
        totals[country] += weight
    return dict(totals)


class _Finder:
    """Finds names that leave no doubt about their country."""

    def __init__(self, gazetteer: Gazetteer) -> None:
        self._gazetteer = gazetteer
        self._know = remember(self._look_up)

    def read(self, text: str) -> Iterator[_Word]:
        """Yield the words of a text, with what is known of each."""
        for match in _WORD.finditer(text):
            known = self._know(match[0])
            if known is not None:
                yield _Word(match.start(), match.end(), known)

    def _look_up(self, word: str) -> _Known | None:
        keys = split_word(word)
        if not keys:
            return None
        whole = "".join(keys)
        countries = (_COUNTRY_OF_ACTOR.get(reading) for reading, _ in key_readings(keys[0]))
        return _Known(
            keys,
            self._gazetteer.opens_name(keys[0]),
            self._named(whole) or self._nationality(whole),
            next(filter(None, countries), None),
        )

    def find(self, words: Sequence[_Word]) -> Iterator[tuple[int, int, tuple[Entry, ...], float, bool]]:
        """Yield start, end, places that may be meant, weight and whether a proclitic was cut, in order."""
        position = 0
        while position < len(words):
            size, found = self._longest(words, position)
            if found is None:
                position += 1
                continue
            entries, weight, is_cut = found
            yield words[position].start, words[position + size - 1].end, entries, weight, is_cut
            position += size

    def _longest(self, words: Sequence[_Word], position: int) -> tuple[int, _Found | None]:
        """Return the longest name that begins at a word, and how many words it takes."""
        first = words[position].known
        if first.opens_name:
            for size in range(min(_LONGEST_NAME, len(words) - position), 1, -1):
                keys = [key for word in words[position : position + size] for key in word.known.keys]
                found = self._named("".join(keys))
                if found is not None:
                    return size, found
        return 1, first.found

    def _named(self, key: str) -> _Found | None:
        for reading, cost in key_readings(key):
            # وأن is no وان of Turkey: short words are not cut.
            entries = (
                self._places(reading) if len(reading) >= (_SHORTEST_CUT if cost else _SHORTEST_NAME) else ()
            )
            if entries:
                return entries, 1.0, cost > 0
        return None

    def _nationality(self, key: str) -> _Found | None:
        country = self._gazetteer.nationality(key)
        return None if country is None else ((country,), _ACTOR_WEIGHT, False)

    def _places(self, key: str) -> tuple[Entry, ...]:
        """Return the place that a name means, or one place each of Libya and other countries that have it."""
        if key in place_words()["everyday"]:
            return ()
        best: dict[str | None, Entry] = {}
        for entry in self._gazetteer.exact([key]):
            known = best.get(entry.country)
            if entry.feature in _HIT_FEATURES and (known is None or entry.prior > known.prior):
                best[entry.country] = entry
        if len(best) > 1 and (_HOME not in best or best[_HOME].feature not in _TOWNS):
            return ()
        return tuple(best.values())


@lru_cache(maxsize=1)
def _finder(gazetteer: Gazetteer) -> _Finder:
    return _Finder(gazetteer)
