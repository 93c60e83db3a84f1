"""The finder of cores on its gold: `python -m tests.enrich.test_cores_gold` prints the scores by label."""

from __future__ import annotations

from collections import Counter

from libyaevents.documents import Document, Entity
from libyaevents.enrich.cores import find_cores
from tests.enrich.gold import print_scores, read_cases

FLOOR = 0.98


def measure() -> tuple[Counter[str], Counter[str]]:
    """Return right mentions and all mentions by label."""
    right: Counter[str] = Counter()
    total: Counter[str] = Counter()
    for case in read_cases("cores.jsonl"):
        text, start, end, label = case["text"], case["start"], case["end"], case["label"]
        mention = Entity(id="T1", label=label, start=start, end=end, text=text[start:end])
        core = find_cores(Document(text=text, entities=(mention,))).entities[0].core
        total[label] += 1
        right[label] += core == tuple(case["core"])
    return right, total


def test_nearly_all_cores_of_the_gold_are_found() -> None:
    """The share of mentions whose core is right is at least the floor."""
    right, total = measure()
    assert right.total() / total.total() >= FLOOR, {name: (right[name], total[name]) for name in total}


if __name__ == "__main__":
    print_scores(*measure())
