"""Read phrases that place something by a distance and a direction: key words come in, km and degrees go out.

450 كلم شرق طرابلس, على بعد 20 كيلومترا جنوب غربي سرت, إلى الشرق من درنة.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from libyaevents.enrich.arabic import read_number
from libyaevents.enrich.gazetteer import key_readings, place_words

__all__ = ["BEARINGS", "Phrase", "read_direction", "tells_distance"]

BEARINGS = {"شمال": 0, "شرق": 90, "جنوب": 180, "غرب": 270}
_DIAGONALS = {(0, 90): 45, (180, 90): 135, (180, 270): 225, (0, 270): 315}

_UNITS = {
    1.0: "كلم كم كيلو كيلومتر كيلومترا كيلومترات كيلومترين كيلومتران كيلومتري كلمترا",
    1.609: "ميل ميلا اميال ميلين ميلان",
    0.001: "متر مترا امتار",
}
_UNIT_KM = {word: km for km, words in _UNITS.items() for word in words.split()}
_DUALS = frozenset({"كيلومترين", "كيلومتران", "كيلومتري", "ميلين", "ميلان"})


class Phrase(NamedTuple):
    """A distance and a direction before a name: how many km, which way, and how many words that took."""

    distance: float | None
    bearing: int | None
    length: int


def tells_distance(words: Sequence[str]) -> bool:
    """Say whether a unit of length is among the words: without one they tell no distance."""
    return any(word in _UNIT_KM for word in words)


def read_direction(words: Sequence[str]) -> Phrase | None:
    """Read [على بعد] [450 كلم] [إلى ال]شرق[ي] [من] before a name; a distance or a direction must be there."""
    position, distance = _read_distance(words)
    bearing, stop = _read_bearing(words, position)
    if bearing is None and distance is None:
        return None
    stop = position if bearing is None else stop
    while stop < len(words) and words[stop] in place_words()["towards"]:
        stop += 1
    return Phrase(distance, bearing, stop) if stop <= len(words) else None


def _read_distance(words: Sequence[str]) -> tuple[int, float | None]:
    """Return how many words a distance takes and its km, (0, None) where none begins."""
    position = 0
    while position < len(words) and _bare(words[position]) in place_words()["distance"]:
        position += 1
    if position == len(words):
        return 0, None
    if words[position] in _DUALS:
        return position + 1, 2 * _UNIT_KM[words[position]]
    number = _read_amount(words, position)
    if number is None:
        return 0, None
    amount, unit = number
    return (
        (unit + 1, amount * _UNIT_KM[words[unit]])
        if unit < len(words) and words[unit] in _UNIT_KM
        else (0, None)
    )


def _read_amount(words: Sequence[str], position: int) -> tuple[float, int] | None:
    """Return a number and the index behind it; 3.5 was cut into two words."""
    for reading, _ in key_readings(words[position]):
        found = read_number([reading, *words[position + 1 : position + 6]])
        if found is not None:
            amount, length = float(found[0]), found[1]
            stop = position + length
            if reading.isdigit() and stop < len(words) and words[stop].isdigit() and len(words[stop]) <= 2:
                return amount + float("0." + words[stop]), stop + 1
            return amount, stop
    # More digits than any distance has.
    return (float("inf"), position + 1) if words[position].isdigit() else None


def _read_bearing(words: Sequence[str], position: int) -> tuple[int | None, int]:
    start = position
    while position < len(words) and words[position] in ("الي", "باتجاه", "نحو"):
        position += 1
    first = _bearing_of(words[position]) if position < len(words) else None
    if first is None:
        return None, start
    second = _bearing_of(words[position + 1]) if position + 1 < len(words) else None
    diagonal = _DIAGONALS.get((first, second)) if second is not None else None
    return (first, position + 1) if diagonal is None else (diagonal, position + 2)


def _bearing_of(word: str) -> int | None:
    for reading, _ in key_readings(word):
        stem = reading.removeprefix("ال").removesuffix("ي")
        if stem in BEARINGS:
            return BEARINGS[stem]
    return None


def _bare(word: str) -> str:
    return next((reading for reading, _ in key_readings(word) if reading in place_words()["distance"]), word)
