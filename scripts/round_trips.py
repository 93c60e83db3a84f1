"""Measure what each format of annotated documents holds, and print it as the table of docs/formats.md.

For each feature there is a document that has it. It is written in a format, read back, and compared. Where it
did not come back equal, the writer must have counted a loss.

    python scripts/round_trips.py
"""

import sys
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path

from libyaevents.documents import (
    Actor,
    Argument,
    Casualties,
    Claim,
    Document,
    Entity,
    Event,
    Place,
    Timex,
    Trigger,
)
from libyaevents.formats import annotation
from libyaevents.formats.losses import say_counts

TEXT = "أعلن الجيش قصف سرت، وقتل جنديين بدرنة.\nونفى قصف بنغازي."


def find(text: str, occurrence: int = 0) -> dict[str, object]:
    """Return the offsets of a mention in the text."""
    start = -1
    for _ in range(occurrence + 1):
        start = TEXT.index(text, start + 1)
    return {"start": start, "end": start + len(text), "text": text}


def entity(id: str, text: str, label: str = "GPE", **fields: object) -> Entity:
    """Return an entity on the first occurrence of a text."""
    return Entity(id=id, label=label, **find(text), **fields)  # type: ignore[arg-type]


def event(id: str, text: str, type: str = "Shelling", **fields: object) -> Event:
    """Return an event on the first occurrence of a text."""
    return Event(id=id, type=type, trigger=Trigger(**find(text)), **fields)  # type: ignore[arg-type]


def argument(role: str, text: str, occurrence: int = 0, **fields: object) -> Argument:
    """Return an argument on an occurrence of a text."""
    return Argument(role=role, **find(text, occurrence), **fields)  # type: ignore[arg-type]


def documents() -> Mapping[str, Document]:
    """Return a document for each feature, which has this feature and what it needs."""
    plain = Document(id="a1", text=TEXT)
    army, sirte = entity("T1", "الجيش", "MILITARY"), entity("T2", "سرت")
    derna = entity("T1", "بدرنة")
    named = replace(plain, entities=(army, sirte))
    shelling = event("E1", "قصف")
    scored = Trigger(**find("قصف"), score=0.75)  # type: ignore[arg-type]
    place = argument("Place", "سرت", entity_id="T2")
    by_army = argument("Agent", "الجيش", entity_id="T1")
    return {
        "text with emoji, CRLF, U+2028": replace(plain, text="سرت 🚁\r\nدرنة\u2028سرت\r\n"),
        "an empty text": replace(plain, text=""),
        "document id": plain,
        "title, date, source, address": replace(
            plain, title="خبر", published=date(2020, 6, 6), source="وكالة", url="https://example.org/1"
        ),
        "metadata": replace(plain, metadata={"desk": "ليبيا"}),
        "sentences": replace(plain, sentences=((0, TEXT.index("\n")), (TEXT.index("\n") + 1, len(TEXT)))),
        "entities": named,
        "nested or overlapping entities": replace(
            plain, entities=(entity("T1", "الجيش قصف", "NAMED_EVENT"), entity("T2", "قصف سرت", "NAMED_EVENT"))
        ),
        "mentions inside a word": replace(plain, entities=(entity("T1", "جندي", "NORP"),)),
        "scores of entities": replace(plain, entities=(replace(army, score=0.5),)),
        "triggers and event types": replace(plain, events=(shelling,)),
        "scores of triggers and events": replace(
            plain, events=(replace(shelling, score=0.5, trigger=scored),)
        ),
        "factuality": replace(plain, events=(replace(shelling, factuality="negated"),)),
        "two events on one trigger": replace(
            plain, events=(replace(shelling, factuality="possible"), event("E2", "قصف", "Attack"))
        ),
        "roles, arguments that are entities": replace(
            named, events=(replace(shelling, arguments=(by_army, place)),)
        ),
        "arguments that are no entities": replace(
            plain, events=(event("E1", "وقتل", "Kill", arguments=(argument("Patient", "جنديين"),)),)
        ),
        "two roles of one phrase": replace(
            named, events=(replace(shelling, arguments=(by_army, replace(by_army, role="Source"))),)
        ),
        "order of arguments": replace(named, events=(replace(shelling, arguments=(place, by_army)),)),
        "arguments in other sentences": replace(
            plain,
            sentences=((0, TEXT.index("\n")), (TEXT.index("\n") + 1, len(TEXT))),
            events=(replace(shelling, arguments=(argument("Place", "بنغازي"),)),),
        ),
        "scores of arguments": replace(
            named, events=(replace(shelling, arguments=(replace(by_army, score=0.5),)),)
        ),
        "ids of entities and events": replace(
            plain, entities=(replace(army, id="e-7"),), events=(replace(shelling, id="قصف"),)
        ),
        "labels of your own": replace(
            plain, entities=(replace(army, label="UNIT"),), events=(replace(shelling, type="Siege"),)
        ),
        "cores of entities": replace(plain, entities=(replace(derna, core=(derna.start + 1, derna.end)),)),
        "resolved times, places, actors": replace(
            plain,
            entities=(
                replace(army, actor=Actor(name="الجيش الليبي")),
                replace(sirte, place=Place(name="Sirte", latitude=31.2, longitude=16.6)),
            ),
            events=(replace(shelling, time=Timex(value="2020-06-06", inferred=True)),),
        ),
        "claims and casualties": replace(
            plain,
            events=(
                replace(
                    event("E1", "وقتل", "Kill"),
                    claim=Claim(claimed_by="الجيش", status="claimed"),
                    casualties=(Casualties(kind="killed", best=2),),
                ),
            ),
        ),
    }


def is_held(document: Document, format: str) -> bool:
    """Say whether a document comes back equal from a format; if not, the loss must have been counted."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "written"
        losses = annotation.write([document], path, format)
        (found,) = annotation.read(path, format)
    if (found == document) != (not losses):
        raise SystemExit(
            f"{format}: losses {say_counts(losses) or 'none'}, but\n{document}\ncame back as\n{found}"
        )
    return not losses


def table() -> str:
    """Return the table in Markdown, a row a feature, a column a format."""
    names = list(annotation.FORMATS)
    lines = [f"| feature | {' | '.join(names)} |", f"| --- |{' --- |' * len(names)}"]
    for feature, document in documents().items():
        cells = ["yes" if is_held(document, name) else "–" for name in names]
        lines.append(f"| {feature} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(table())
