"""The articles of a studio and every change to them, in one SQLite file.

A document is a text with its layers. A layer is one reading of it: `shared`, which everybody edits, or a
person's own, named after the person. Its annotation is the sum of its changes, each of which puts items in
place by their ids or removes some; what was there before is kept with the change, with author and time. A
change is made on a revision: where the layer is another by then, it is refused and nothing is overwritten.
What was answered is on the disk.
"""

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain, count
from pathlib import Path
from typing import Any

from libyaevents.documents import Document
from libyaevents.errors import DocumentError
from libyaevents.records import quote, suggest
from libyaevents.server.database import LARGEST, Database, storable
from libyaevents.server.edits import (
    Change,
    ConflictError,
    Edit,
    Layer,
    NotFoundError,
    Stored,
    apply_edit,
    with_own_ids,
)
from libyaevents.server.rows import (
    annotation_of,
    change_of,
    document_columns,
    dump,
    first_answer,
    hash_text,
    layer_columns,
    read_document,
    utc_now,
)

__all__ = ["FILE", "SHARED", "Store"]

SHARED = "shared"
FILE = "studio.sqlite"
MOST_CHANGES = 200  # in one answer
N_RECENT = 16  # readings kept in memory: to read one from JSON takes longer than to change it


class Store:
    """The database of one data folder; any thread may call it."""

    def __init__(self, folder: Path) -> None:
        """Open it, or make it where the folder has none.

        Raises:
            OutputError: the folder cannot be made or written.
            InputError: the file in it is no database of ours, damaged, or of a later version.
        """
        self.folder = folder
        self._database = Database(folder / FILE)
        self._recent: dict[tuple[int, str, int], Document] = {}  # by number, layer and revision

    def close(self) -> None:
        """Close the database; all that was answered is in it."""
        self._database.close()

    def add(self, document: Document, *, author: str, is_model_reading: bool, layer: str = SHARED) -> Stored:
        """Add a document with a first layer; a text that is there already is not added again.

        Where the text is there but has no such layer, it gets it.

        Raises:
            NotSavedError: the database cannot be written.
        """
        document = with_own_ids(document)
        with self._database.writing():
            there = self._database.row(
                "SELECT number, body FROM documents WHERE text_hash = ? AND NOT is_hidden",
                hash_text(document.text),
            )
            if there is not None:
                number = int(there["number"])
                if not self._has_layer(number, layer):
                    self._add_layer(
                        number, layer, read_document(there["body"], annotation_of(document)), author
                    )
                return Stored(number=number, is_new=False)
            document = replace(document, id=self._free_id(document.id))
            number = self._database.insert(
                "documents",
                **document_columns(document),
                model_reading=dump(annotation_of(document)) if is_model_reading else None,
                added_at=utc_now(),
                added_by=author,
            )
            self._note(number, "added", author, {"is_model_reading": is_model_reading})
            self._add_layer(number, layer, document, author)
            return Stored(number=number, is_new=True)

    def add_own_layer(self, number: int, author: str, *, is_empty: bool) -> Layer:
        """Begin one person's reading, from the model's first or from nothing; one that is there stays.

        Raises:
            NotFoundError: there is no such document.
            DocumentError: it should begin from the model's reading, and the model did not read the document.
            NotSavedError: the database cannot be written.
        """
        with self._database.writing():
            row = self._document_row(number)
            if not self._has_layer(number, author):
                if row["model_reading"] is None and not is_empty:
                    raise DocumentError(
                        f"document {number}: expected a first reading by the model, found one that came with "
                        "its annotation; begin from nothing"
                    )
                reading = {} if is_empty else json.loads(row["model_reading"])
                self._add_layer(number, author, read_document(row["body"], reading), author)
        return self.layer(number, author)

    def layer(self, number: int, name: str = SHARED) -> Layer:
        """Return a layer as it stands.

        Raises:
            NotFoundError: there is no such document, or it has no such layer.
        """
        with self._database.lock:
            body = self._document_row(number)["body"]
            row = self._database.row("SELECT * FROM layers WHERE document = ? AND name = ?", number, name)
            if row is None:
                rows = self._database.rows("SELECT name FROM layers WHERE document = ?", number)
                raise NotFoundError(
                    f"document {number}: expected one of its layers, found {quote(name)}; "
                    f"{suggest(name, [each['name'] for each in rows])}"
                )
            recent = self._recent.get((number, name, row["revision"]))
            layer = Layer(
                number=number,
                name=name,
                state=row["state"],
                revision=row["revision"],
                document=recent or read_document(body, json.loads(row["annotation"])),
                changed_at=row["changed_at"],
                changed_by=row["changed_by"],
            )
            self._remember(layer)
        return layer

    def documents(
        self, *, layer: str = SHARED, state: str | None = None, numbers: Sequence[int] = ()
    ) -> Iterator[Document]:
        """Yield the documents that have a layer, with its annotation, in the order of adding.

        Without `numbers` all of them; one is in memory at a time.
        """
        wanted = set(numbers)
        found = self._database.rows(
            "SELECT number FROM documents JOIN layers ON document = number WHERE NOT is_hidden AND name = ?1"
            " AND (?2 IS NULL OR state = ?2) ORDER BY number",
            layer,
            state,
        )
        query = (
            "SELECT body, annotation FROM documents JOIN layers ON document = number"
            " WHERE number = ? AND name = ?"
        )
        for number in (row["number"] for row in found):
            if not wanted or number in wanted:
                row = self._database.row(query, number, layer)
                assert row is not None  # nothing is ever deleted
                yield read_document(row["body"], json.loads(row["annotation"]))

    def listing(self) -> list[dict[str, Any]]:
        """Return what is known of each document and its layers, without their annotation."""
        with self._database.lock:
            documents = self._database.rows(
                "SELECT number, id, title, published, source, n_words, first_words, added_at, added_by,"
                " model_reading IS NOT NULL AS has_model_reading"
                " FROM documents WHERE NOT is_hidden ORDER BY number"
            )
            layers = self._database.rows(
                "SELECT document, name, state, revision, n_entities, n_events, changed_at, changed_by"
                " FROM layers ORDER BY rowid"
            )
        of_document: dict[int, list[dict[str, Any]]] = {}
        for row in map(dict, layers):
            of_document.setdefault(row.pop("document"), []).append(row)
        return [
            {
                **dict(row),
                "has_model_reading": bool(row["has_model_reading"]),
                "layers": of_document.get(row["number"], []),
            }
            for row in documents
        ]

    def change(self, number: int, edit: Edit, *, author: str) -> tuple[int, str]:
        """Apply an edit to the revision that it was made on, and return the new revision and the time.

        An edit that was applied already, by its `change_id`, is answered as it was then.

        Raises:
            ConflictError: the layer is at another revision.
            NotFoundError: there is no such document or layer.
            DocumentError, LabelError: the result would be no valid document, or another edit had this
                `change_id`; nothing was changed.
            NotSavedError: the database cannot be written.
        """
        with self._database.lock:
            with self._database.writing():
                done = self._database.row("SELECT * FROM changes WHERE change_id = ?", edit.change_id)
                if done is not None:
                    return first_answer(done, number, edit)
                current = self.layer(number, edit.layer)
                if edit.base != current.revision:
                    changes = self.changes(number, edit.layer, since=edit.base)
                    raise ConflictError(edit.base, current, changes)
                changed = self._apply(edit, current, author)
            self._remember(changed)  # what was not saved must not be taken for the next revision
        return changed.revision, changed.changed_at

    def changes(
        self, number: int, layer: str = SHARED, *, since: int = 0, before: int | None = None
    ) -> list[Change]:
        """Return changes of a layer, the newest first, of revisions between `since` and `before`.

        Raises:
            NotFoundError: there is no such document.
        """
        self._document_row(number)
        rows = self._database.rows(
            "SELECT * FROM changes WHERE document = ? AND layer = ? AND kind = 'changed' AND revision > ?"
            " AND revision < ? ORDER BY revision DESC LIMIT ?",
            number,
            layer,
            storable(since),
            storable(LARGEST if before is None else before),
            MOST_CHANGES,
        )
        return [change_of(row) for row in rows]

    def hide(self, number: int, author: str, *, is_hidden: bool = True) -> None:
        """Take a document out of all lists, or bring it back; nothing of it is deleted.

        Raises:
            NotFoundError: there is no such document.
            DocumentError: its text was added anew meanwhile.
            NotSavedError: the database cannot be written.
        """
        with self._database.writing():
            row = self._document_row(number, with_hidden=True)
            if not is_hidden:
                same = "SELECT number FROM documents WHERE text_hash = ? AND NOT is_hidden AND number != ?"
                if (other := self._database.row(same, row["text_hash"], number)) is not None:
                    raise DocumentError(
                        f"document {number}: expected to bring back a text that is not there, found it as "
                        f"document {other['number']}; take that one out first"
                    )
            self._database.update("documents", {"number": number}, is_hidden=int(is_hidden))
            self._note(number, "hidden" if is_hidden else "restored", author, {})

    def _apply(self, edit: Edit, current: Layer, author: str) -> Layer:
        """Write an edit and the layer that it makes, inside a transaction."""
        document, before = apply_edit(current.document, edit)
        changed = replace(
            current,
            document=document,
            state=edit.state or ("changed" if current.state == "new" else current.state),
            revision=current.revision + 1,
            changed_at=utc_now(),
            changed_by=author,
        )
        where = {"document": changed.number, "name": changed.name}
        self._database.update("layers", where, **layer_columns(changed))
        self._note(
            changed.number,
            "changed",
            author,
            {**edit.to_dict(), "before": before.to_dict()},
            change_id=edit.change_id,
            layer=changed.name,
            revision=changed.revision,
            at=changed.changed_at,
        )
        return changed

    def _add_layer(self, number: int, name: str, document: Document, author: str) -> None:
        layer = Layer(
            number=number,
            name=name,
            state="new",
            revision=0,
            document=document,
            changed_at=utc_now(),
            changed_by=author,
        )
        self._database.insert("layers", document=number, name=name, **layer_columns(layer))
        detail = {"annotation": annotation_of(document)}
        self._note(number, "layer", author, detail, layer=name, revision=0, at=layer.changed_at)

    def _note(self, number: int, kind: str, author: str, detail: Mapping[str, Any], **columns: Any) -> None:
        """Keep who did what, and when."""
        row = {"at": utc_now(), **columns}
        self._database.insert(
            "changes", document=number, kind=kind, author=author, detail=dump(detail), **row
        )

    def _remember(self, layer: Layer) -> None:
        """Keep the document of a layer at hand, as the newest of a few."""
        key = (layer.number, layer.name, layer.revision)
        self._recent.pop(key, None)
        self._recent[key] = layer.document
        if len(self._recent) > N_RECENT:
            del self._recent[next(iter(self._recent))]

    def _has_layer(self, number: int, name: str) -> bool:
        query = "SELECT 1 FROM layers WHERE document = ? AND name = ?"
        return self._database.row(query, number, name) is not None

    def _document_row(self, number: int, *, with_hidden: bool = False) -> sqlite3.Row:
        row = self._database.row("SELECT * FROM documents WHERE number = ?", storable(number))
        if row is None or (row["is_hidden"] and not with_hidden):
            raise NotFoundError(
                f"expected the number of a document, found {quote(number)}; the list has those there are"
            )
        return row

    def _free_id(self, wanted: str | None) -> str:
        """Return an id that no document has: the wanted one, or the next with a number."""
        if not wanted or not wanted.strip():
            row = self._database.row("SELECT seq FROM sqlite_sequence WHERE name = 'documents'")
            wanted = f"article-{1 if row is None else row['seq'] + 1}"
        numbered = (f"{wanted}-{number}" for number in count(2))
        is_taken = "SELECT 1 FROM documents WHERE id = ?"
        return next(id for id in chain([wanted], numbered) if self._database.row(is_taken, id) is None)
