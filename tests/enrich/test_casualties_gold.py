"""Figures of casualties against the gold sentences, class by class."""

from collections import Counter
from typing import Any

from libyaevents.documents import Argument, Document, Event, Trigger
from libyaevents.enrich.casualties import count_casualties
from tests.enrich.gold import print_scores, read_cases

FLOOR = 0.97


def documents_of(row: dict[str, Any]) -> Document:
    """The sentence with the events that its row names; a text that stands twice is looked for in order."""
    text = row["text"]
    events = []
    position = 0
    for number, event in enumerate(row["events"], start=1):
        trigger = find(text, event["trigger"], position)
        near = trigger[0]
        arguments = []
        for role, mention in (("Quantity", event["quantity"]), ("Patient", event["patient"])):
            if mention:
                span = nearest(text, mention, near)
                arguments.append(Argument(role=role, start=span[0], end=span[1], text=mention))
        events.append(
            Event(
                id=f"E{number}",
                type=event["type"],
                trigger=Trigger(start=trigger[0], end=trigger[1], text=event["trigger"]),
                arguments=tuple(arguments),
            )
        )
        position = trigger[1]
    return Document(text=text, sentences=((0, len(text)),), events=tuple(events))


def find(text: str, mention: str, position: int) -> tuple[int, int]:
    """The first place of a mention from a position on, else from the start."""
    start = text.find(mention, position)
    start = start if start >= 0 else text.index(mention)
    return start, start + len(mention)


def nearest(text: str, mention: str, near: int) -> tuple[int, int]:
    """The place of a mention that is nearest to a position, behind it where two are as near."""
    places = []
    start = text.find(mention)
    while start >= 0:
        places.append(start)
        start = text.find(mention, start + 1)
    start = min(places, key=lambda place: (abs(place - near), -place))
    return start, start + len(mention)


def measure() -> tuple[Counter[str], Counter[str]]:
    """How many figures of each class are right, and how many there are."""
    right: Counter[str] = Counter()
    total: Counter[str] = Counter()
    for row in read_cases("casualties.jsonl"):
        document = count_casualties(documents_of(row))
        for event, expected in zip(document.events, row["expected"], strict=True):
            found = [(item.kind, item.minimum, item.best, item.maximum) for item in event.casualties]
            wanted = tuple(expected.get(key) for key in ("kind", "minimum", "best", "maximum"))
            total[row["class"]] += 1
            right[row["class"]] += found == ([] if wanted[1:] == (None, None, None) else [wanted])
    return right, total


def test_gold_figures() -> None:
    """The share of figures that equal the gold ones stays above the floor."""
    right, total = measure()
    assert right.total() >= FLOOR * total.total(), {name: (right[name], total[name]) for name in total}


if __name__ == "__main__":
    print_scores(*measure())
