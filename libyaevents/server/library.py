"""What the studio does with many documents: files in and out, what to read next, agreement, pictures."""

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import quote as percent_encoded

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from libyaevents.documents import Document
from libyaevents.errors import DocumentError
from libyaevents.formats.names import file_stem
from libyaevents.pictures import to_claims, to_map, to_timeline
from libyaevents.render import to_html
from libyaevents.server.agreement import compare_readings
from libyaevents.server.edits import State
from libyaevents.server.exchange import TEXT, UploadedFile, export, read_uploads
from libyaevents.server.facts import Facts
from libyaevents.server.reader import Reader
from libyaevents.server.requests import Body, author_of, body_schema, checked_name, read_request
from libyaevents.server.review import ReviewQueue
from libyaevents.server.store import SHARED, Store
from libyaevents.server.studio import add

__all__ = ["make_library_router", "page_answer"]

# The library's own pages carry their style inline; they run nothing, and need nothing from elsewhere.
PAGE_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'; "
    "base-uri 'none'; form-action 'none'; sandbox allow-popups"
)

LONGEST_NAME = 80  # of a download, in characters; file systems allow 255 bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Import:
    """Files to be added; with `as_layer`, as the reading of one person."""

    author: str | None = None
    format: str
    files: tuple[UploadedFile, ...]
    as_layer: str = SHARED


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueRequest:
    """How many documents to choose."""

    n: int = 20


def make_library_router(store: Store, reader: Reader) -> APIRouter:
    """Return the routes."""
    router = APIRouter(prefix="/api", tags=["studio"])
    queue, facts = ReviewQueue(store, reader), Facts(store)

    @router.post("/import", openapi_extra=body_schema(Import))
    async def import_files(request: Request, body: Body) -> dict[str, Any]:
        """Add the documents of files: articles are read by the model, annotated ones come as they are."""
        asked = read_request(body, Import)
        author = author_of(request, asked.author)
        documents, notes = await asyncio.to_thread(
            read_uploads, asked.files, asked.format, folder=store.folder
        )
        if asked.format == TEXT:
            return {**await add(store, reader, documents, author), "notes": notes}
        layer = checked_name(asked.as_layer, "as_layer")
        return {**await asyncio.to_thread(_keep, store, documents, author, layer), "notes": notes}

    @router.get("/export")
    def download(format: str, layer: str = SHARED, state: State | None = None, numbers: str = "") -> Response:
        """Documents in a format, as a file; a folder comes as a .zip."""
        documents = list(store.documents(layer=layer, state=state, numbers=_numbers(numbers)))
        made = export(documents, format, name=_file_name(documents))
        headers = {"Content-Disposition": _disposition(made.name)}
        if made.losses:
            headers["X-Libyaevents-Losses"] = percent_encoded(made.losses, safe=" ,;:()")
        return Response(made.content, media_type="application/octet-stream", headers=headers)

    @router.post("/queue", openapi_extra=body_schema(QueueRequest))
    async def next_documents(body: Body) -> dict[str, Any]:
        """What is most worth reading next."""
        return {"documents": await queue.choose(read_request(body, QueueRequest).n)}

    @router.get("/agreement")
    def agreement(first: str, second: str) -> dict[str, Any]:
        """How far two layers agree, over the documents that have both."""
        return compare_readings(_pairs(store, first, second)).to_dict()

    @router.get("/pictures/{picture}", response_class=HTMLResponse)
    def picture(
        picture: Literal["map", "timeline", "claims"], layer: str = SHARED, numbers: str = ""
    ) -> HTMLResponse:
        """The events of the documents on one page."""
        documents = facts.all(layer, _numbers(numbers))
        draw = {"map": to_map, "timeline": to_timeline, "claims": to_claims}[picture]
        return page_answer(draw(documents))

    @router.get("/documents/{number}/facts")
    def resolved(number: int, layer: str = SHARED) -> dict[str, Any]:
        """A document with its times, places, actors, claims and figures resolved."""
        return facts.of(number, layer).to_dict()

    @router.get("/documents/{number}/page", response_class=HTMLResponse)
    def page(number: int, layer: str = SHARED) -> HTMLResponse:
        """One document as a page to keep."""
        return page_answer(to_html(facts.of(number, layer)))

    return router


def _file_name(documents: Sequence[Document]) -> str:
    """Return what a file of documents is called, without its ending: by the document, where there is one."""
    own = file_stem(documents[0].id).strip("._ ")[:LONGEST_NAME] if len(documents) == 1 else ""
    return own or "libyaevents"


def _disposition(name: str) -> str:
    """Return the header that names a download: in full, and in ASCII for programs that know no other.

    Source: RFC 6266, RFC 8187.
    """
    plain = re.sub(r"[^\w.-]+", "_", name, flags=re.ASCII)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{percent_encoded(name, safe='')}"


def page_answer(html: str) -> HTMLResponse:
    """Return a page that the library made."""
    return HTMLResponse(html, headers={"Content-Security-Policy": PAGE_POLICY})


def _keep(store: Store, documents: Sequence[Document], author: str, layer: str) -> dict[str, list[Any]]:
    stored = [store.add(each, author=author, is_model_reading=False, layer=layer) for each in documents]
    new = {each.number for each in stored if each.is_new}
    return {
        "documents": [item for item in store.listing() if item["number"] in new],
        "already": [each.number for each in stored if not each.is_new],
    }


def _pairs(store: Store, first: str, second: str) -> list[tuple[int, Document, Document]]:
    shared = [
        item["number"]
        for item in store.listing()
        if {first, second} <= {layer["name"] for layer in item["layers"]}
    ]
    return [
        (number, store.layer(number, first).document, store.layer(number, second).document)
        for number in shared
    ]


def _numbers(listed: str) -> list[int]:
    """Read numbers of documents, as in `1,4,7`.

    Raises:
        DocumentError: it is something else.
    """
    parts = [part.strip() for part in listed.split(",") if part.strip()]
    if not all(part.isdecimal() and len(part) < 19 for part in parts):
        raise DocumentError(f"numbers: expected numbers of documents, as in 1,4,7, found {listed[:80]!r}")
    return [int(part) for part in parts]
