"""What the page of the studio asks for: documents, their layers and changes, and who changed what."""

import asyncio
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any, Literal

from fastapi import APIRouter, Request

import libyaevents
from libyaevents.documents import Document
from libyaevents.errors import InputError
from libyaevents.formats.annotation import FORMATS
from libyaevents.formats.tabular import ROWS
from libyaevents.ontology import load_ontology
from libyaevents.records import write_object
from libyaevents.server.edits import Edit, Items, State
from libyaevents.server.models import Models
from libyaevents.server.reader import Reader
from libyaevents.server.requests import Body, author_of, body_schema, check_length, read_request
from libyaevents.server.settings import MAX_BODY_BYTES, MAX_TEXT
from libyaevents.server.store import SHARED, Store

__all__ = ["make_router"]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewText:
    """An article as a person adds it."""

    text: str
    id: str | None = None
    title: str | None = None
    published: date | None = None
    source: str | None = None
    url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Addition:
    """Articles to be added."""

    author: str | None = None
    documents: tuple[NewText, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeRequest:
    """An edit of a layer; see `Edit`."""

    author: str | None = None
    layer: str = SHARED
    base: int
    change_id: str
    put: Items | None = None
    remove: tuple[str, ...] = ()
    state: State | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewLayer:
    """A reading of one person, to begin with."""

    author: str | None = None
    start: Literal["model", "empty"] = "model"


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """Who does what the path says."""

    author: str | None = None


def make_router(store: Store, reader: Reader, models: Models) -> APIRouter:
    """Return the routes."""
    router = APIRouter(prefix="/api", tags=["studio"])

    @router.get("/state")
    def state(request: Request) -> dict[str, Any]:
        """What the page needs to know before anything else."""
        return {
            "version": libyaevents.__version__,
            "user": getattr(request.state, "user", None),
            "model": models.current(),
            "models": models.names(),
            "ontology": write_object(load_ontology()),
            "formats": _formats(),
            "limits": {"text": MAX_TEXT, "body_bytes": MAX_BODY_BYTES},
        }

    @router.get("/documents")
    def list_documents() -> dict[str, Any]:
        """All documents, with their layers."""
        return {"documents": store.listing()}

    @router.post("/documents", openapi_extra=body_schema(Addition))
    async def add_documents(request: Request, body: Body) -> dict[str, Any]:
        """Read articles with the model, and keep them with what it finds."""
        addition = read_request(body, Addition)
        author = author_of(request, addition.author)
        return await add(store, reader, _as_documents(addition.documents), author)

    @router.get("/documents/{number}")
    def open_document(number: int, layer: str = SHARED) -> dict[str, Any]:
        """A document with the annotation of one layer."""
        return store.layer(number, layer).to_dict()

    @router.post("/documents/{number}/changes", openapi_extra=body_schema(ChangeRequest))
    def change(number: int, request: Request, body: Body) -> dict[str, Any]:
        """Change a layer; what was answered is on the disk."""
        asked = read_request(body, ChangeRequest)
        author = author_of(request, asked.author)
        edit = Edit(
            layer=asked.layer,
            base=asked.base,
            change_id=asked.change_id,
            put=asked.put or Items(),
            remove=asked.remove,
            state=asked.state,
        )
        revision, at = store.change(number, edit, author=author)
        return {"revision": revision, "changed_at": at}

    @router.get("/documents/{number}/changes")
    def history(number: int, layer: str = SHARED, before: int | None = None) -> dict[str, Any]:
        """What was changed in a layer, the newest first."""
        return {"changes": [asdict(each) for each in store.changes(number, layer, before=before)]}

    @router.post("/documents/{number}/layers", openapi_extra=body_schema(NewLayer))
    def add_layer(number: int, request: Request, body: Body) -> dict[str, Any]:
        """Begin a reading of one's own."""
        asked = read_request(body, NewLayer)
        author = author_of(request, asked.author)
        if author == SHARED:
            raise InputError(f"author: expected a name other than {SHARED!r}, found it; choose another")
        return store.add_own_layer(number, author, is_empty=asked.start == "empty").to_dict()

    @router.delete("/documents/{number}", openapi_extra=body_schema(Signature))
    def hide(number: int, request: Request, body: Body) -> dict[str, Any]:
        """Take a document out of the lists; it can be brought back."""
        store.hide(number, author_of(request, read_request(body, Signature).author))
        return {"number": number}

    @router.post("/documents/{number}/restore", openapi_extra=body_schema(Signature))
    def restore(number: int, request: Request, body: Body) -> dict[str, Any]:
        """Bring a document back."""
        store.hide(number, author_of(request, read_request(body, Signature).author), is_hidden=False)
        return {"number": number}

    return router


async def add(
    store: Store, reader: Reader, documents: Sequence[Document], author: str
) -> dict[str, list[Any]]:
    """Read documents and store each as soon as it is read.

    Raises:
        OverloadedError: too much waits to be read.
        NotSavedError: the database cannot be written; what was stored before stays.
    """
    added: list[int] = []
    already: list[int] = []
    async for document in reader.read_many(documents, enrich=False):
        stored = await asyncio.to_thread(store.add, document, author=author, is_model_reading=True)
        (added if stored.is_new else already).append(stored.number)
    listed = {item["number"]: item for item in await asyncio.to_thread(store.listing)}
    return {"documents": [listed[number] for number in added if number in listed], "already": already}


def _as_documents(texts: Sequence[NewText]) -> list[Document]:
    for place, new in enumerate(texts):
        if not new.text.strip():
            raise InputError(f"documents[{place}].text: expected an article, found nothing but space")
        check_length(new.text, f"documents[{place}].text")
    return [Document(**{name: getattr(new, name) for name in new.__slots__}) for new in texts]


def _formats() -> dict[str, Any]:
    annotation = [{"name": name, "kind": own.kind, "suffix": own.suffix} for name, own in FORMATS.items()]
    return {"annotation": annotation, "rows": list(ROWS), "other": ["incidents"]}
