"""Merging on its gold: `python -m tests.enrich.test_merge_gold` prints pairwise precision, recall and F1.

The gold is of annotated documents, original ones and others that retell their incidents; two mentions are
a pair where they stand in one cluster.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from itertools import combinations
from pathlib import Path

from libyaevents.datasets import load_corpus
from libyaevents.documents import Document
from libyaevents.enrich import enrich
from libyaevents.enrich.merge import merge
from libyaevents.formats.jsonl import read_documents

GOLD = Path(__file__).parents[1] / "gold"
FLOOR = 0.8

Pair = frozenset[tuple[str, str]]


def documents() -> list[Document]:
    """The documents that the gold's clusters name."""
    wanted = {document for cluster in clusters() for document, _ in cluster}
    found = [*read_documents(GOLD / "retold.jsonl"), *load_corpus("open")]
    return [document for document in found if document.id in wanted]


def clusters() -> list[list[tuple[str, str]]]:
    """The gold's clusters of mentions."""
    lines = (GOLD / "merge.jsonl").read_text(encoding="utf-8").splitlines()
    return [[(document, event) for document, event in json.loads(line)["mentions"]] for line in lines]


def pairs(groups: Iterable[Sequence[tuple[str, str]]]) -> set[Pair]:
    """All pairs of mentions that stand in one group."""
    return {frozenset(pair) for group in groups for pair in combinations(group, 2)}


def measure() -> tuple[int, int, int]:
    """Return how many pairs are right, found and expected."""
    found = pairs(incident.mentions for incident in merge(map(enrich, documents())))
    expected = pairs(clusters())
    return len(found & expected), len(found), len(expected)


def test_merging_reaches_its_floor() -> None:
    """Pairwise F1 is at least the floor."""
    right, found, expected = measure()
    assert 2 * right / (found + expected) >= FLOOR, (right, found, expected)


if __name__ == "__main__":
    n_right, n_found, n_expected = measure()
    print(
        f"precision {n_right / n_found:.3f}  recall {n_right / n_expected:.3f}  F1 "
        f"{2 * n_right / (n_found + n_expected):.3f}  ({n_right} of {n_found} found, {n_expected} expected)"
    )
