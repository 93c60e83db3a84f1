"""The reader of times on its gold: `python -m tests.enrich.test_time_gold` prints the scores by class.

An expression is right when its value, its type and its precision are.
"""

from __future__ import annotations

from collections import Counter
from datetime import date

from libyaevents.documents import Document, Entity
from libyaevents.enrich.time import resolve_times
from tests.enrich.gold import print_scores, read_cases

FLOOR = 0.98


def measure() -> tuple[Counter[str], Counter[str]]:
    """Return right expressions and all expressions by class."""
    right: Counter[str] = Counter()
    total: Counter[str] = Counter()
    for case in read_cases("times.jsonl"):
        text, start, end = case["text"], case["start"], case["end"]
        mention = Entity(id="T1", label="DATE", start=start, end=end, text=text[start:end])
        published = date.fromisoformat(case["published"])
        time = resolve_times(Document(text=text, published=published, entities=(mention,))).entities[0].time
        total[case["class"]] += 1
        right[case["class"]] += all(
            getattr(time, name) == case[name] for name in ("value", "type", "precision")
        )
    return right, total


def test_nearly_all_times_of_the_gold_are_read() -> None:
    """The share of expressions whose value, type and precision are right is at least the floor."""
    right, total = measure()
    assert right.total() / total.total() >= FLOOR, {name: (right[name], total[name]) for name in total}


if __name__ == "__main__":
    print_scores(*measure())
