"""The offline gazetteer: names of places as they are written come in, the places that they may mean go out.

The places lie in two tables of `libyaevents/data`: `places.tsv` and, under its own licence, `places_osm.tsv`.
Names are compared by keys: folded letters without spaces, so that رأس لانوف and راسلانوف are one name.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from math import asin, atan2, cos, degrees, radians, sin, sqrt
from typing import NamedTuple

from libyaevents.enrich.arabic import fold, remember

__all__ = [
    "FACILITIES",
    "LOOSE_COST",
    "NATIONALITY",
    "Entry",
    "Gazetteer",
    "Match",
    "destination",
    "distance_km",
    "join_key",
    "key_readings",
    "load_gazetteer",
    "place_words",
    "read_entries",
    "read_sourced_entries",
    "split_key_words",
    "split_word",
]

NATIONALITY = "nationality"
_TABLES = ("places.tsv", "places_osm.tsv")
_EARTH_RADIUS_KM = 6371.0

_WORD = re.compile(r"[^\W_]+")
_CONJUNCTIONS = "وف"
_PREPOSITIONS = "بلك"
# Of a name that agrees without articles and final vowels alone.
LOOSE_COST = 0.3
_SHORTEST_KEY = 2
# In code points: what is longer is no word, and reading it would not be linear.
_LONGEST_WORD = 40

# How likely a name means this kind of place before anything is known of the text.
_PRIORS = {
    "country": 0.95,
    "capital": 0.9,
    "city": 0.8,
    "sea": 0.75,
    "region": 0.7,
    "town": 0.6,
    "district": 0.55,
    "village": 0.3,
    "hamlet": 0.25,
    "neighbourhood": 0.5,
}
_FACILITY_PRIOR = 0.6
_SETTLEMENTS = frozenset({"capital", "city", "town", "village", "neighbourhood"})
FACILITIES = frozenset({"airport", "base", "port", "oilfield", "facility", "crossing", "camp"})


@dataclass(frozen=True, slots=True)
class Entry:
    """A place of the gazetteer; `radius_km` is how far it reaches from its point."""

    name: str
    aliases: tuple[str, ...]
    feature: str
    latitude: float
    longitude: float
    radius_km: float
    admin1: str | None
    country: str | None

    @property
    def prior(self) -> float:
        """Return how likely a name means this kind of place, from 0 to 1."""
        return _PRIORS.get(self.feature, _FACILITY_PRIOR)


class Match(NamedTuple):
    """A place that a name may mean; `cost` grows with what had to be read out of the name."""

    entry: Entry
    cost: float


class Gazetteer:
    """Places by the keys of their names, and countries by their adjectives."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self.entries = tuple(entries)
        self._strict: dict[str, list[Entry]] = {}
        self._loose: dict[str, list[Entry]] = {}
        self._nationalities: dict[str, Entry] = {}
        self._openings: set[str] = set()
        self.countries = {str(entry.country): entry for entry in self.entries if entry.feature == "country"}
        for entry in self.entries:
            if entry.feature == NATIONALITY:
                for name in (entry.name, *entry.aliases):
                    self._nationalities.setdefault(join_key(split_key_words(name)), entry)
        for entry in self.entries:
            if entry.feature != NATIONALITY:
                self._index(entry)

    def _index(self, entry: Entry) -> None:
        for name in (entry.name, *entry.aliases):
            words = split_key_words(name)
            self._add(words, entry)
            # القنيطرة المغربية is القنيطرة to those who read of Morocco.
            is_told = (
                len(words) > 1 and entry.feature in _SETTLEMENTS and words[0] not in place_words()["around"]
            )
            country = self.adjective(words[-1]) if is_told else None
            if country is not None and country.country == entry.country:
                self._add(words[:-1], entry)

    def _add(self, words: Sequence[str], entry: Entry) -> None:
        if len(words) > 1:
            self._openings.add(words[0])
        for table, key in ((self._strict, join_key(words)), (self._loose, _loose_key(words))):
            found = table.setdefault(key, [])
            if not any(entry is other for other in found):
                found.append(entry)

    def exact(self, words: Sequence[str]) -> list[Entry]:
        """Return the places whose name is these key words, nothing cut off."""
        return self._strict.get(join_key(words), [])

    def opens_name(self, word: str) -> bool:
        """Say whether a name of more than one word begins with a key word, proclitics aside."""
        return any(reading in self._openings for reading, _ in key_readings(word))

    def matches(self, words: Sequence[str]) -> list[Match]:
        """Return the places that these key words may name, whole readings first.

        A reading without proclitics costs more than the whole word (بدر is a town before ب + در). A name
        that only agrees without articles and final vowels is taken where no other is found.
        """
        if not words:
            return []
        for table, key, base in (
            (self._strict, join_key(words), 0.0),
            (self._loose, _loose_key(words), LOOSE_COST),
        ):
            found = [
                Match(entry, base + cost)
                for reading, cost in key_readings(key)
                for entry in table.get(reading, ())
            ]
            if base and not found:
                stripped = [
                    _loose_key([reading, *words[1:]]) for reading, cost in key_readings(words[0]) if cost
                ]
                found = [Match(entry, base + 0.5) for reading in stripped for entry in table.get(reading, ())]
            if found:
                return found
        return []

    def nationality(self, word: str) -> Entry | None:
        """Return the country of an adjective (الليبية, سوريون, بالليبي), which is a key word."""
        return next(filter(None, (self.adjective(reading) for reading, _ in key_readings(word))), None)

    def adjective(self, word: str) -> Entry | None:
        """Return the country of an adjective to which no proclitic is attached."""
        stem = word.removeprefix("ال")
        for ending in ("", "ه", "ين", "ون", "تين", "تان", "ات", "ا"):
            entry = self._nationalities.get(stem.removesuffix(ending)) if stem.endswith(ending) else None
            if entry is not None:
                return entry
        return None


@lru_cache(maxsize=1)
def load_gazetteer() -> Gazetteer:
    """Return the gazetteer of the package, read once."""
    folder = files("libyaevents") / "data"
    return Gazetteer(
        entry for table in _TABLES for entry in read_entries((folder / table).read_text(encoding="utf-8"))
    )


@lru_cache(maxsize=1)
def place_words() -> Mapping[str, frozenset[str]]:
    """Return the lists of generic words around names, as key words, read once."""
    text = (files("libyaevents") / "data" / "placewords.json").read_text(encoding="utf-8")
    return {name: frozenset(words.split()) for name, words in json.loads(text)["words"].items()}


def read_entries(table: str) -> Iterator[Entry]:
    """Yield the places of a table's text: comment lines, a header, tab-separated rows."""
    return (entry for entry, _ in read_sourced_entries(table))


def read_sourced_entries(table: str) -> Iterator[tuple[Entry, str]]:
    """Yield the places of a table's text, each with the source that its row names."""
    lines = [line for line in table.splitlines() if line and not line.startswith("#")]
    header = lines[0].split("\t")
    for line in lines[1:]:
        row = dict(zip(header, line.split("\t"), strict=True))
        entry = Entry(
            name=row["name"],
            aliases=tuple(filter(None, row["aliases"].split("|"))),
            feature=row["feature"],
            latitude=float(row["latitude"]),
            longitude=float(row["longitude"]),
            radius_km=float(row["radius_km"]),
            admin1=row["admin1"] or None,
            country=row["country"] or None,
        )
        yield entry, row["source"]


def split_key_words(text: str) -> list[str]:
    """Return the key words of a text: folded, without hamza, أبو as بو."""
    words = _WORD.findall(fold(text).replace("ء", ""))
    return ["بو" + word[3:] if word.startswith("ابو") else word for word in words]


@remember
def split_word(word: str) -> tuple[str, ...]:
    """Return the key words of one word, of which a long one has none."""
    return tuple(split_key_words(word)) if len(word) <= _LONGEST_WORD else ()


def join_key(words: Sequence[str]) -> str:
    """Return the key of a name's key words."""
    return "".join(words)


def _loose_key(words: Sequence[str]) -> str:
    # تازربو and تازربوا, السدرة and سدرة, عين ماره and عين مارا.
    return "".join(word.removeprefix("ال").rstrip("اه") or word for word in words)


@remember
def key_readings(key: str) -> tuple[tuple[str, float], ...]:
    """Return the ways to read a key with what they cost: whole, without و or ف, without ب, ل or ك."""
    return tuple(_key_readings(key))


def _key_readings(key: str) -> Iterator[tuple[str, float]]:
    yield key, 0.0
    starts = [(key, 0.0)]
    if len(key) > _SHORTEST_KEY and key[0] in _CONJUNCTIONS:
        starts.append((key[1:], 0.25))
        yield starts[1]
    for rest, cost in starts:
        if len(rest) > _SHORTEST_KEY and rest[0] in _PREPOSITIONS:
            yield rest[1:], cost + 0.25
            # The article loses its alef behind ل: للبيضاء.
            if rest.startswith("لل"):
                yield "ا" + rest[1:], cost + 0.25


def distance_km(first: tuple[float, float], second: tuple[float, float]) -> float:
    """Return the great-circle distance of two points, (latitude, longitude) in degrees."""
    (lat1, lon1), (lat2, lon2) = ((radians(a), radians(b)) for a, b in (first, second))
    half = sin((lat2 - lat1) / 2) ** 2 + cos(lat1) * cos(lat2) * sin((lon2 - lon1) / 2) ** 2
    return 2 * _EARTH_RADIUS_KM * asin(min(1.0, sqrt(half)))


def destination(start: tuple[float, float], bearing_degrees: float, distance: float) -> tuple[float, float]:
    """Return the point that lies `distance` km from `start` in a direction, 0 north and 90 east."""
    lat, lon, bearing = radians(start[0]), radians(start[1]), radians(bearing_degrees)
    angle = distance / _EARTH_RADIUS_KM
    new_lat = asin(sin(lat) * cos(angle) + cos(lat) * sin(angle) * cos(bearing))
    new_lon = lon + atan2(sin(bearing) * sin(angle) * cos(lat), cos(angle) - sin(lat) * sin(new_lat))
    return degrees(new_lat), (degrees(new_lon) + 540) % 360 - 180
