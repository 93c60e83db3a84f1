"""The routes for programs: read articles, ask whether the server is well, ask what it counted."""

import asyncio
import json
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Sequence
from contextlib import aclosing
from copy import deepcopy
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import Field
from starlette.types import Receive, Scope, Send

import libyaevents
from libyaevents.documents import DOCUMENT_FORMAT, Document
from libyaevents.errors import InputError, LibyaeventsError
from libyaevents.server.errors import GONE, ServerError
from libyaevents.server.metrics import CONTENT_TYPE, Metrics
from libyaevents.server.models import Models
from libyaevents.server.reader import Reader
from libyaevents.server.requests import Body, body_schema, check_length, read_request, schema_of
from libyaevents.server.settings import MAX_TEXT, MAX_TEXTS

__all__ = ["make_api_router"]

logger = logging.getLogger(__name__)

LINES = "application/x-ndjson"

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Article:
    """An article to be read; «أمس» is counted from the day that it was published."""

    text: Annotated[str, Field(max_length=MAX_TEXT)]
    id: str | None = None
    title: str | None = None
    source: str | None = None
    published: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Articles:
    articles: tuple[Article, ...]


ONE = {
    "text": "قصفت طائرات مسيّرة مجهولة موقعًا عسكريًا شرقي مصراتة فجر أمس، وقُتل ثلاثة جنود.",
    "published": "2020-06-06",
}
DESCRIBED = {
    "id": "a-17",
    "title": "اشتباكات في طرابلس",
    "source": "وكالة الأنباء الليبية",
    "published": "2019-04-08",
    "text": "قال المتحدث باسم المستشفى إن الاشتباكات جنوبي طرابلس أسفرت عن إصابة عشرين مدنيًا.",
}
OTHER = {"id": "a-18", "text": "أفرجت السلطات في بنغازي عن خمسة صحفيين كانوا محتجزين منذ مارس الماضي."}

ONE_BODY: Any = Article
MANY_BODY: Any = Annotated[list[Article], Field(max_length=MAX_TEXTS)]


def make_api_router(reader: Reader, models: Models, metrics: Metrics) -> APIRouter:
    """Return the routes."""
    router = APIRouter(tags=["api"])

    @router.post(
        "/extract",
        openapi_extra=body_schema(ONE_BODY | MANY_BODY, ONE, DESCRIBED, [DESCRIBED, OTHER]),
        responses={200: _answers()},
        response_class=Response,
    )
    async def extract(request: Request, body: Body) -> Response:
        """Read an article, or a list of them.

        One article gives one document; a list gives JSON Lines, a document a line in the list's order, each
        sent as soon as it is read. A fault after the first line is the last line, `{"error": …}`.
        """
        if not isinstance(body, list):
            wanted = _document(read_request(body, Article), "text")
            document = await _unless_left(request, reader.read(wanted))
            return Response(document.to_json(), media_type="application/json")
        found = reader.read_many(_documents(body))
        return _Lines(await _unless_left(request, anext(found, None)), found)

    @router.get("/healthz")
    def health() -> dict[str, Any]:
        """Whether the server runs, and with what; it reads on where the model's folder is gone."""
        model = models.current()
        return {
            "status": "ok",
            "version": libyaevents.__version__,
            "model": model["name"],
            "model_is_there": model["is_there"],
        }

    @router.get(
        "/metrics",
        response_class=Response,
        responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
    )
    def count() -> Response:
        """What was asked and read since the start, in Prometheus' text format."""
        return Response(metrics.to_text(), headers={"Content-Type": CONTENT_TYPE})

    return router


def _documents(body: Sequence[Any]) -> list[Document]:
    """Read the articles of a request.

    Raises:
        InputError: there are too many, or one is too long.
        DocumentError: one has an unknown or missing key, or a wrong value.
    """
    if len(body) > MAX_TEXTS:
        raise InputError(f"expected at most {MAX_TEXTS:,} articles, found {len(body):,}; send them in parts")
    articles = read_request({"articles": body}, _Articles).articles
    return [_document(article, f"articles[{place}].text") for place, article in enumerate(articles)]


def _document(article: Article, path: str) -> Document:
    check_length(article.text, f"request: {path}")
    return Document(**{name: getattr(article, name) for name in Article.__dataclass_fields__})


async def _unless_left(request: Request, wanted: Awaitable[T]) -> T:
    """Wait for a result as long as the client does.

    Raises:
        ServerError: the client left; nobody will see the answer.
    """
    result, leaving = asyncio.ensure_future(wanted), asyncio.create_task(_left(request))
    try:
        await asyncio.wait({result, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if result.done():
            return result.result()
        raise ServerError(GONE, "the client left")
    finally:
        result.cancel()
        leaving.cancel()
        await asyncio.gather(result, leaving, return_exceptions=True)


async def _left(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _answers() -> dict[str, Any]:
    """Describe the documents that come back, for OpenAPI."""
    schema = deepcopy(schema_of(Document))
    schema["properties"] = {"format": {"const": DOCUMENT_FORMAT}, **schema["properties"]}
    schema["required"] = ["format", *schema["required"]]
    lines = {"schema": {"type": "string"}, "example": f'{{"format": "{DOCUMENT_FORMAT}", …}}\n'}
    return {
        "description": "One document, or one on each line",
        "content": {"application/json": {"schema": schema}, LINES: lines},
    }


class _Lines(StreamingResponse):
    """Documents as JSON Lines; what is not read when the client leaves is not read any more."""

    def __init__(self, first: Document | None, others: AsyncGenerator[Document, None]) -> None:
        super().__init__(self._lines(first), media_type=LINES)
        self._others = others

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with aclosing(self._others):
            await super().__call__(scope, receive, send)

    async def _lines(self, first: Document | None) -> AsyncIterator[str]:
        if first is None:
            return
        yield first.to_json() + "\n"
        try:
            async for document in self._others:
                yield document.to_json() + "\n"
        except LibyaeventsError as error:
            yield json.dumps({"error": str(error)}, ensure_ascii=False) + "\n"
        except Exception:
            logger.exception("a document of a list could not be read")
            yield json.dumps({"error": "the server failed at this document; its log says why"}) + "\n"
