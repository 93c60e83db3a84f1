"""Places on their gold: `python -m tests.enrich.test_places_gold` prints the scores by class."""

from __future__ import annotations

from collections import Counter
from typing import Any

from libyaevents.documents import Document, Entity
from libyaevents.enrich.gazetteer import distance_km
from libyaevents.enrich.places import resolve_places
from libyaevents.words import split_sentences
from tests.enrich.gold import print_scores, read_cases

FLOOR = 0.95
COUNTRY_CLASSES = frozenset({"country", "ambiguous"})


def is_right(case: dict[str, Any]) -> bool:
    """Say whether the mention of a gold line gets a point within its tolerance, or its country."""
    text, start, end = case["text"], case["start"], case["end"]
    mention = Entity(id="T1", label=case["label"], start=start, end=end, text=text[start:end])
    document = Document(text=text, sentences=tuple(split_sentences(text)), entities=(mention,))
    place = resolve_places(document).entities[0].place
    if place is None or place.latitude is None or place.longitude is None:
        return False
    is_country = case["class"] in COUNTRY_CLASSES or case["latitude"] is None
    if is_country and place.country != case["country"]:
        return False
    if case["latitude"] is None:
        return True
    away = distance_km((place.latitude, place.longitude), (case["latitude"], case["longitude"]))
    return away <= float(case["tolerance_km"])


def measure() -> tuple[Counter[str], Counter[str]]:
    """Return right mentions and all mentions by class."""
    right: Counter[str] = Counter()
    total: Counter[str] = Counter()
    for case in read_cases("places.jsonl"):
        total[case["class"]] += 1
        right[case["class"]] += is_right(case)
    return right, total


def test_nearly_all_places_of_the_gold_are_found() -> None:
    """The share of mentions within their tolerance is at least the floor."""
    right, total = measure()
    assert right.total() / total.total() >= FLOOR, {name: (right[name], total[name]) for name in total}


if __name__ == "__main__":
    print_scores(*measure())
