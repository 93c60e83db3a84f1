"""Annotation without its text: part the two, and put them together again.

The project's further training articles are third-party text, which stays out of the repository. Their
annotation lies in `corpora/news.standoff.jsonl`: labels and offsets, under the hash of the text. Whoever has
the collections joins them:

    python scripts/standoff.py join corpora/news.standoff.jsonl news.txt.xz --out news.jsonl
    python scripts/standoff.py part annotated.jsonl --out corpora/news.standoff.jsonl

In a text file a paragraph is a line and a blank line parts documents, as for `libyaevents pretrain`.
"""

import argparse
import hashlib
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from libyaevents.documents import Argument, Document, Entity, Event, Trigger
from libyaevents.errors import InputError, LibyaeventsError
from libyaevents.formats.jsonl import read_documents, write_documents
from libyaevents.training.text import Text


def part(documents: Iterable[Document]) -> Iterator[dict[str, Any]]:
    """Give each document's annotation without a word of its text."""
    for document in documents:
        ids = {entity.id: number for number, entity in enumerate(document.entities)}
        yield {
            "id": document.id,
            "sha256": _hash(document.text),
            "sentences": [list(span) for span in document.sentences],
            "entities": [[entity.label, entity.start, entity.end] for entity in document.entities],
            "events": [
                [event.type, event.trigger.start, event.trigger.end, event.factuality]
                + [
                    [item.role, item.start, item.end, ids.get(item.entity_id or "")]
                    for item in event.arguments
                ]
                for event in document.events
            ],
        }


def join(annotations: Iterable[dict[str, Any]], texts: Iterable[str]) -> list[Document]:
    """Put annotations to the texts that they are of, in the order of the annotations.

    Raises:
        InputError: the text of an annotation is not among the texts.
    """
    rows = list(annotations)
    wanted = {row["sha256"] for row in rows}
    found = {digest: text for text in texts if (digest := _hash(text)) in wanted}
    missing = [row["id"] for row in rows if row["sha256"] not in found]
    if missing:
        raise InputError(
            f"the text of {len(missing)} of {len(rows)} annotated documents is not in the files, "
            f"{missing[0]!r} the first: give the collections that they come from"
        )
    return [_document(row, found[row["sha256"]]) for row in rows]


def _document(row: dict[str, Any], text: str) -> Document:
    def mention(start: int, end: int) -> dict[str, Any]:
        return {"start": start, "end": end, "text": text[start:end]}

    entities = tuple(
        Entity(id=f"T{number}", label=label, **mention(start, end))
        for number, (label, start, end) in enumerate(row["entities"], start=1)
    )
    events = tuple(
        Event(
            id=f"E{number}",
            type=kind,
            trigger=Trigger(**mention(start, end)),
            factuality=factuality,
            arguments=tuple(
                Argument(role=role, entity_id=None if of is None else f"T{of + 1}", **mention(left, right))
                for role, left, right, of in arguments
            ),
        )
        for number, (kind, start, end, factuality, *arguments) in enumerate(row["events"], start=1)
    )
    sentences = tuple((start, end) for start, end in row["sentences"])
    return Document(id=row["id"], text=text, sentences=sentences, entities=entities, events=events)


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the script; 2 where what the user gave was wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("action", choices=("join", "part"))
    parser.add_argument("annotation", type=Path, help="what to join or to part (JSON Lines)")
    parser.add_argument("text", type=Path, nargs="*", help="join: text, plain or .xz")
    parser.add_argument("--out", type=Path, required=True, help="file to write (JSON Lines)")
    given = parser.parse_args(arguments)
    try:
        if given.action == "part":
            rows = [json.dumps(row, ensure_ascii=False) for row in part(read_documents(given.annotation))]
            given.out.write_text("\n".join(rows) + "\n", encoding="utf-8")
        else:
            lines = given.annotation.read_text(encoding="utf-8").splitlines()
            texts = map("\n".join, Text.of(given.text, focus=None).documents())
            write_documents(join(map(json.loads, lines), texts), given.out)
    except (LibyaeventsError, OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
