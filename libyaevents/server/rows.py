"""Documents, layers and changes as rows of the database, and rows as these."""

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from libyaevents.documents import Document
from libyaevents.errors import DocumentError
from libyaevents.records import quote
from libyaevents.server.edits import KINDS, Change, Edit, Layer
from libyaevents.words import split_words

__all__ = [
    "annotation_of",
    "change_of",
    "document_columns",
    "dump",
    "first_answer",
    "hash_text",
    "layer_columns",
    "read_document",
    "utc_now",
]

MOST_SHOWN = 160  # characters of a text, in the list


def document_columns(document: Document) -> dict[str, Any]:
    """Return what is kept of a document, whatever its layers; and what the list shows of it."""
    return {
        "id": document.id,
        "title": document.title,
        "published": document.published and document.published.isoformat(),
        "source": document.source,
        "first_words": " ".join(document.text[:MOST_SHOWN].split()),
        "n_words": len(split_words(document.text)),
        "text_hash": hash_text(document.text),
        "body": dump(replace(document, entities=(), events=()).to_dict()),
    }


def layer_columns(layer: Layer) -> dict[str, Any]:
    """Return what a layer's row has beside its key."""
    return {
        "state": layer.state,
        "revision": layer.revision,
        "n_entities": len(layer.document.entities),
        "n_events": len(layer.document.events),
        "changed_at": layer.changed_at,
        "changed_by": layer.changed_by,
        "annotation": dump(annotation_of(layer.document)),
    }


def annotation_of(document: Document) -> dict[str, Any]:
    """Return the entities and events as JSON types."""
    found = document.to_dict()
    return {kind: found[kind] for kind in KINDS}


def read_document(body: str, annotation: Mapping[str, Any]) -> Document:
    """Return the document of a row, with an annotation."""
    return Document.from_dict(json.loads(body) | annotation)


def change_of(row: sqlite3.Row) -> Change:
    """Return the change of a row."""
    return Change(revision=row["revision"], author=row["author"], at=row["at"], **json.loads(row["detail"]))


def first_answer(row: sqlite3.Row, number: int, edit: Edit) -> tuple[int, str]:
    """Return the answer that an edit had when it came first, from the row that has its `change_id`.

    Raises:
        DocumentError: it was another edit that came with it.
    """
    detail = json.loads(row["detail"])
    del detail["before"]
    if (row["document"], row["layer"], detail) != (number, edit.layer, json.loads(dump(edit.to_dict()))):
        raise DocumentError(
            f"change_id: expected one that no other change has, found {quote(edit.change_id)} of another "
            "change; give each a random UUID"
        )
    return row["revision"], row["at"]


def hash_text(text: str) -> str:
    """Return what two documents have in common where their texts are the same."""
    return sha256(text.encode()).hexdigest()


def dump(value: Any) -> str:
    """Return JSON as it is kept."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def utc_now() -> str:
    """Return the time, in ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")
