"""Actors on their gold: `python -m tests.enrich.test_actors_gold` prints the scores by class.

What a line holds is told in the README of the gold: one mention with the `id` that it should get, or null
where it must stay open, and all `entities` of its text.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date
from typing import Any

from libyaevents.documents import Argument, Document, Entity, Event, Trigger
from libyaevents.enrich.actors import resolve_actors
from libyaevents.words import split_sentences
from tests.enrich.gold import print_scores, read_cases

FLOOR = 0.95


def answers(case: dict[str, Any]) -> Iterator[tuple[str | None, str | None]]:
    """Yield the actor found and the actor expected for the mention that a gold line asks for."""
    span = (case["start"], case["end"])
    others = [] if case["label"] else [case]
    resolved = resolve_actors(make_document(case, case["entities"], others))
    mentions = resolved.entities if case["label"] else resolved.events[0].arguments
    mention = next(each for each in mentions if (each.start, each.end) == span)
    yield (mention.actor.id if mention.actor else None), case["id"]


def make_document(
    case: dict[str, Any], mentions: list[dict[str, Any]], others: list[dict[str, Any]]
) -> Document:
    """Return the document of a gold line, its arguments those of one event."""
    text = case["text"]
    entities, arguments = [], []
    for number, item in enumerate(mentions):
        start, end = item["start"], item["end"]
        entities.append(
            Entity(id=f"T{number}", label=item["label"], start=start, end=end, text=text[start:end])
        )
    for item in others:
        start, end, role = item["start"], item["end"], item.get("role") or "Agent"
        arguments.append(Argument(role=role, start=start, end=end, text=text[start:end]))
    trigger = Trigger(start=0, end=1, text=text[:1])
    event = Event(id="E1", type="Attack", trigger=trigger, arguments=tuple(arguments))
    return Document(
        text=text,
        published=date.fromisoformat(case["published"]) if case.get("published") else None,
        sentences=tuple(split_sentences(text)),
        entities=tuple(entities),
        events=(event,),
    )


def measure() -> tuple[Counter[str], Counter[str]]:
    """Return right mentions and all mentions by class."""
    right: Counter[str] = Counter()
    total: Counter[str] = Counter()
    for case in read_cases("actors.jsonl"):
        for found, expected in answers(case):
            total[case["class"]] += 1
            right[case["class"]] += found == expected
    return right, total


def test_nearly_all_actors_of_the_gold_are_found() -> None:
    """The share of mentions with the right actor is at least the floor."""
    right, total = measure()
    assert right.total() / total.total() >= FLOOR, {name: (right[name], total[name]) for name in total}


if __name__ == "__main__":
    print_scores(*measure())
