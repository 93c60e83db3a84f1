"""Read one mention of a place: key words and where they stand come in, the point that they name goes out.

A name is looked up in the offline gazetteer; which of its places is meant is decided by the rest of the text.
Phrases that count a distance and a direction from a town (450 كلم شرق طرابلس) become the point that they
describe. See docs/places.md.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from libyaevents.documents import Document, Place, Span
from libyaevents.enrich.gazetteer import (
    FACILITIES,
    LOOSE_COST,
    Entry,
    Match,
    destination,
    join_key,
    key_readings,
    load_gazetteer,
    place_words,
    split_key_words,
)
from libyaevents.enrich.placecontext import Evidence, collect_evidence
from libyaevents.enrich.placephrases import BEARINGS, Phrase, read_direction, tells_distance

__all__ = ["NEAR", "REGION", "PlaceReader"]

Precision = Literal[1, 2, 3]
_EXACT: Precision = 1
NEAR: Precision = 2
REGION: Precision = 3
_EXACT_RADIUS_KM = 20
_NEAR_RADIUS_KM = 40
_AREAS = frozenset({"country", "region", "district", "sea"})

# Farther than this from a town nobody measures: 99999 كلم شمال طرابلس is no place.
_MOST_KM = 2000
_DISTANCE_ERROR = 0.1
_LEAST_RADIUS_KM = 5.0
_AROUND_TOWN_KM = 20.0
# How far from its centre a part of a country lies, as a share of its radius: شرق السودان.
_PART_SHIFT = 0.5

_HOME = frozenset({"البلاد", "بلاد"})
_FACILITY_HEADS = {
    "مطار": "airport",
    "قاعده": "base",
    "معسكر": "base",
    "ميناء": "port",
    "مينا": "port",
    "مرفا": "port",
    "حقل": "oilfield",
    "سجن": "facility",
    "معبر": "crossing",
    "منفذ": "crossing",
    "مخيم": "camp",
}
# Countries whose parts are called so: a محافظة is not in Libya, a مديرية in Yemen.
_DIVISIONS = {
    "محافظه": frozenset({"YE", "SY", "IQ", "EG", "JO", "LB", "PS"}),
    "مديريه": frozenset({"YE", "AF"}),
    "ولايه": frozenset({"SD", "DZ", "TN", "AF", "US", "TR"}),
}
_TOWN_HEADS = frozenset({"مدينه", "بلده", "بلديه"})
_LONGEST_LINK = 30
# In code points: what is longer is no name, and reading it would not be linear.
_LONGEST_NAME = 160
_CAPITAL_HEADS = frozenset({"العاصمه", "عاصمه"})
_BEFORE, _WORDS_BEFORE = 60, 8
_TAG = re.compile(r"<[^<>]{0,80}>")
# Names that only their marks tell apart.
_VOWELLED = {"عمّان": "JO", "عُمان": "OM"}


class PlaceReader:
    """Resolves spans of one document's text."""

    def __init__(self, document: Document) -> None:
        self._gazetteer = load_gazetteer()
        self.text = document.text
        self.evidence: Evidence = collect_evidence(document, self._gazetteer)

    def mention(self, start: int, end: int, label: str = "") -> Place | None:
        """Return the place of a span of the text, or `None`."""
        if end - start > _LONGEST_NAME:
            return None
        text = self.text[start:end]
        words = split_key_words(_TAG.sub(" ", text))
        if not words:
            return None
        country = next((code for name, code in _VOWELLED.items() if name in text), None)
        if country is not None:
            entries = [entry for entry in self._gazetteer.exact(words) if entry.country == country]
            return _to_place(Match(entries[0], 0.0)) if entries else None
        place = self.phrase(words, (start, end), label)
        if place is None and label != "":
            place = self._told_behind(end, label) or (self._only_town(start, end) if label == "FAC" else None)
        return place

    def phrase(self, words: Sequence[str], span: Span, label: str = "") -> Place | None:
        """Return the place that key words name: by name, by direction, by nationality, by a name inside."""
        if _is_generic(words, label):
            return self._of_country(words)
        named = self._choose(self._gazetteer.matches(words), words, span, label)
        if named is not None:
            return _to_place(named)
        phrase = read_direction(words)
        if phrase is not None:
            return self._directed(phrase, words[phrase.length :], span, label)
        return (
            self._shortened(words, span, label) or self._of_country(words) or self._inside(words, span, label)
        )

    def _directed(self, phrase: Phrase, rest: Sequence[str], span: Span, label: str) -> Place | None:
        if phrase.distance is not None and not 0 < phrase.distance <= _MOST_KM:
            return None
        base = self._home(rest) or (self.phrase(rest, span, "") if rest else None)
        if base is None or base.latitude is None or base.longitude is None:
            return None
        return _shift(base, phrase)

    def _home(self, words: Sequence[str]) -> Place | None:
        """Return the country of the document where the text says البلاد."""
        if len(words) != 1 or words[0] not in _HOME:
            return None
        country = self._gazetteer.countries.get(self.evidence.main_country())
        return _to_place(Match(country, 0.0)) if country else None

    def _shortened(self, words: Sequence[str], span: Span, label: str) -> Place | None:
        """Try without adjectives at the end (مطار طرابلس الدولي) and generic words before (مدينة سرت)."""
        if len(words) < 2:
            return None
        stem = list(words)
        while len(stem) > 1 and stem[-1] in place_words()["trailing"]:
            stem.pop()
            found = self._choose(self._gazetteer.matches(stem), stem, span, label)
            if found is not None:
                return _to_place(found)
        head = next(
            (reading for reading, _ in key_readings(words[0]) if reading in place_words()["around"]), None
        )
        if head is None:
            return None
        rest = words[2:] if words[1] == "من" else words[1:]
        capital = self._capital(rest) if head in _CAPITAL_HEADS else None
        if capital is not None:
            return capital
        home = self._home(rest)
        place = home or (self.phrase(rest, span, label) if rest else None)
        return place if place is None or head in _TOWN_HEADS else _around(place)

    def _capital(self, words: Sequence[str]) -> Place | None:
        """Return the capital that is called so, or whose country is: العاصمة تونس."""
        matches = (*self._gazetteer.matches(words), *self._gazetteer.matches([*words, "العاصمه"]))
        return next((_to_place(match) for match in matches if match.entry.feature == "capital"), None)

    def _of_country(self, words: Sequence[str]) -> Place | None:
        """Read الحدود السورية, الشمال التونسي, المجال الجوي الإسرائيلي: a generic word and an adjective."""
        head = next(
            (reading for reading, _ in key_readings(words[0]) if reading in place_words()["areas"]), None
        )
        if head is None:
            return None
        if len(words) == 1 or words[1] in _HOME:
            bearing = BEARINGS.get(head.removeprefix("ال"))
            # الشرق is a part of Libya to Libyan news; elsewhere it may be the Middle East.
            is_libyan = len(words) > 1 or self.evidence.main_country(default="") == "LY"
            home = self._home(["البلاد"]) if is_libyan and (bearing is not None or head == "البلاد") else None
            return _shift(home, Phrase(None, bearing, 1)) if home and bearing is not None else home
        country = next(filter(None, map(self._gazetteer.nationality, words[1:])), None)
        if country is None:
            return None
        point = _to_place(Match(self._gazetteer.countries[str(country.country)], 0.0))
        bearing = BEARINGS.get(head.removeprefix("ال"))
        return point if bearing is None else _shift(point, Phrase(None, bearing, 1))

    def _inside(self, words: Sequence[str], span: Span, label: str) -> Place | None:
        """Look for a town inside a longer name: مستشفى درنة العام, محور مرتوبة."""
        if label == "GPE" or len(words) < 2:
            return None
        for size in (3, 2, 1):
            for first in range(1, len(words) - size + 1):
                part = words[first : first + size]
                matches = [
                    m for m in self._gazetteer.matches(part) if m.cost <= 0.25 and m.entry.prior >= 0.6
                ]
                found = self._choose(matches, part, span, "GPE")
                if found is not None and found.entry.feature != "country":
                    return _around(_to_place(found))
        return None

    def _told_behind(self, end: int, label: str) -> Place | None:
        """Read where an unknown name lies from the words behind it: (80 كلم جنوب سرت), في درنة."""
        tail = self.text[end : end + 90].split("\n")[0]
        words = split_key_words(tail)
        for skip in range(min(4, len(words))):
            phrase = read_direction(words[skip:])
            if phrase is not None:
                rest = words[skip + phrase.length :][:3]
                return self._first_prefix(phrase, rest, end)
            if words[skip] not in place_words()["links"]:
                break
        hit = self.evidence.first_after(end, _LONGEST_LINK) if label != "GPE" else None
        if hit is None or hit.entry.feature not in ("city", "capital", "town"):
            return None
        between = split_key_words(self.text[end : hit.start])
        is_linked = hit.is_cut or between
        return (
            _around(_to_place(Match(hit.entry, 0.3)))
            if is_linked and set(between) <= place_words()["links"]
            else None
        )

    def _first_prefix(self, phrase: Phrase, rest: Sequence[str], end: int) -> Place | None:
        for size in range(len(rest), 0, -1):
            found = self._choose(self._gazetteer.matches(rest[:size]), rest[:size], (end, end), "GPE")
            if found is not None:
                base = _to_place(found)
                is_measured = phrase.distance is None or 0 < phrase.distance <= _MOST_KM
                return _shift(base, phrase) if is_measured else None
        return None

    def _only_town(self, start: int, end: int) -> Place | None:
        hit = self.evidence.only_town(start, end)
        return _around(_to_place(Match(hit, 0.5))) if hit else None

    def measured(self, start: int, end: int) -> Place | None:
        """Read the distance before a span that names its town alone: 450 كلم شرق [طرابلس]."""
        line = self.text[max(0, start - _BEFORE) : start].split("\n")[-1]
        words = split_key_words(line)[-_WORDS_BEFORE:]
        for first in range(len(words) if tells_distance(words) else 0):
            phrase = read_direction(words[first:])
            if phrase is not None and phrase.distance is not None and phrase.length == len(words) - first:
                return self.phrase([*words[first:], *split_key_words(self.text[start:end])], (start, end))
        return None

    def _choose(self, matches: Sequence[Match], words: Sequence[str], span: Span, label: str) -> Match | None:
        """Return the match that fits the text best, with the doubt left as its cost, or `None`."""
        if not matches:
            return None
        before = split_key_words(self.text[max(0, span[0] - 20) : span[0]])[-1:]
        heads = [reading for word in before for reading, _ in key_readings(word)]
        if any(head in _CAPITAL_HEADS for head in heads):
            named = self._gazetteer.matches([*words, "العاصمه"])
            capitals = [match for match in (*matches, *named) if match.entry.feature == "capital"]
            matches = capitals or matches
        ranked = sorted(
            ((self._score(match, heads, words, span, label), -i) for i, match in enumerate(matches)),
            reverse=True,
        )
        score, index = ranked[0]
        best = matches[-index]
        is_doubtful = best.cost >= LOOSE_COST or join_key(words) in place_words()["everyday"]
        if not self.evidence.admits(best.entry, is_doubtful=is_doubtful):
            return None
        rivals = [s for s, i in ranked[1:] if not _is_near(best.entry, matches[-i].entry)]
        doubt = max(0.0, 0.5 - (score - rivals[0])) if rivals else 0.0
        return Match(best.entry, min(0.9, best.cost + doubt))

    def _score(
        self, match: Match, heads: Sequence[str], words: Sequence[str], span: Span, label: str
    ) -> float:
        entry = match.entry
        score = entry.prior - 1.5 * match.cost + self.evidence.support(entry, span)
        wanted = next((_FACILITY_HEADS[head] for head in (words[0], *heads) if head in _FACILITY_HEADS), None)
        if wanted is not None and entry.feature == wanted:
            score += 0.3
        if label == "FAC" and entry.feature in FACILITIES:
            score += 0.3
        for head in heads:
            if entry.country in _DIVISIONS.get(head, ()):
                score += 0.3
            if head in _TOWN_HEADS and entry.feature in ("city", "capital", "town"):
                score += 0.3
        return score


def _is_generic(words: Sequence[str], label: str) -> bool:
    """Say whether one word is no name: المدينة; where no entity was found, not a name that is a word, too."""
    if len(words) > 1:
        return False
    readings = [reading for reading, _ in key_readings(words[0])]
    if not label and not place_words()["everyday"].isdisjoint(readings):
        return True
    return any(word.removeprefix("ال") in place_words()["generic"] for word in readings)


def _to_place(match: Match) -> Place:
    entry = match.entry
    return Place(
        name=entry.name,
        latitude=entry.latitude,
        longitude=entry.longitude,
        radius_km=entry.radius_km,
        admin1=entry.admin1,
        country=entry.country,
        feature=entry.feature,
        precision=_precision(entry),
        score=round(1.0 - match.cost, 2),
    )


def _precision(entry: Entry) -> Precision:
    if entry.radius_km <= _EXACT_RADIUS_KM and entry.feature not in _AREAS:
        return _EXACT
    return (
        NEAR
        if entry.radius_km <= _NEAR_RADIUS_KM and entry.feature not in ("country", "district")
        else REGION
    )


def _around(place: Place) -> Place:
    """Return a place as the town near what is meant."""
    if place.precision == REGION:
        return place
    return replace(place, precision=NEAR, radius_km=max(place.radius_km or 0.0, _LEAST_RADIUS_KM))


def _shift(base: Place, phrase: Phrase) -> Place:
    """Return the point that lies off a place as a phrase says, or a part of a large place."""
    centre = (base.latitude or 0.0, base.longitude or 0.0)
    radius = base.radius_km or 0.0
    if phrase.distance is None:
        if radius <= _NEAR_RADIUS_KM:
            return replace(base, precision=NEAR, radius_km=max(radius, _AROUND_TOWN_KM))
        distance, new_radius, precision = radius * _PART_SHIFT, radius * _PART_SHIFT, REGION
    elif phrase.bearing is None:
        return replace(base, precision=NEAR, radius_km=max(phrase.distance, _LEAST_RADIUS_KM))
    else:
        distance, precision = phrase.distance, NEAR
        new_radius = max(_LEAST_RADIUS_KM, distance * _DISTANCE_ERROR)
    latitude, longitude = destination(centre, phrase.bearing or 0, distance)
    return replace(
        base,
        latitude=round(latitude, 4),
        longitude=round(longitude, 4),
        radius_km=round(new_radius, 1),
        admin1=None,
        precision=precision,
    )


def _is_near(first: Entry, second: Entry) -> bool:
    return abs(first.latitude - second.latitude) < 0.25 and abs(first.longitude - second.longitude) < 0.25
