"""Ask an app in process, header by header; and an extractor that needs no model."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Coroutine, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar
from urllib.parse import unquote

from fastapi import FastAPI
from starlette.datastructures import Headers
from starlette.types import Message, Receive

from libyaevents.documents import Document, Entity
from libyaevents.errors import DocumentError
from libyaevents.extractor import Extractor
from libyaevents.server.app import create_app
from libyaevents.server.settings import ServerSettings

HOST = "127.0.0.1:8765"
JSON = ("Content-Type", "application/json")

T = TypeVar("T")
Pairs = Sequence[tuple[str, str]]


class FakeExtractor(Extractor):
    """Marks the first word of a text as a GPE, or fails where the text says so.

    `batches` are the texts that were read together. `gate` is closed to hold the reading up, which has
    `begun` by then with a text; it closes by itself before the document with the id `closes_at`.
    """

    BROKEN, FAULTY = "نص يرفضه القارئ", "نص يتعطل عنده القارئ"

    def __init__(self, label: str = "GPE") -> None:
        self.engine: Any = None
        self.enrich = None
        self.label = label
        self.batches: list[list[str]] = []
        self.gate, self.begun = threading.Event(), threading.Event()
        self.gate.set()
        self.closes_at: str | None = None

    def extract_many(self, items: Iterable[str | Document]) -> Iterator[Document]:
        """Read documents, one after the other."""
        documents = [item for item in items if isinstance(item, Document)]
        self.batches.append([document.text for document in documents])
        for document in documents:
            if document.id is not None and document.id == self.closes_at:
                self.gate.clear()
            self.begun.set()
            self.gate.wait()
            if self.BROKEN in document.text:
                raise DocumentError(f"document {document.id!r}: expected a text, found one that is broken")
            if self.FAULTY in document.text:
                raise ZeroDivisionError(document.text)
            yield self.read(document)

    def read(self, document: Document) -> Document:
        """Return what is found in a document."""
        word = document.text.split()[0] if document.text.strip() else ""
        start = document.text.index(word)
        entity = Entity(id="T1", label=self.label, start=start, end=start + len(word), text=word)
        names = ("id", "title", "published", "source", "url", "text")
        known: dict[str, Any] = {name: getattr(document, name) for name in names}
        return Document(**known, entities=(entity,) if word else ())


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: Headers
    body: bytes

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode()

    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)

    def lines(self) -> list[Any]:
        """The body as JSON Lines."""
        return [json.loads(line) for line in self.text.splitlines()]

    @property
    def error(self) -> str:
        """The sentence of an error, which is all that its JSON holds."""
        (message,) = self.json().values()
        return str(message)


class Client:
    """A client of an app that runs as long as the context; `token` is what the page would send."""

    def __init__(self, app: FastAPI, extractor: FakeExtractor | None = None) -> None:
        self.app = app
        self.extractor = extractor or FakeExtractor()
        self.token: str = app.state.token
        self._runner = asyncio.Runner()
        self._lifespan = app.router.lifespan_context(app)

    def __enter__(self) -> Self:
        self.run(self._lifespan.__aenter__())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.run(self._lifespan.__aexit__(None, None, None))
        self._runner.close()

    def run(self, wanted: Coroutine[Any, Any, T]) -> T:
        """Run something in the app's event loop."""
        return self._runner.run(wanted)

    def get(self, path: str, *headers: tuple[str, str], host: str = HOST) -> Answer:
        """Ask for a path."""
        return self.run(self.ask("GET", path, [("Host", host), *headers]))

    def post(self, path: str, body: Any, *headers: tuple[str, str], host: str = HOST) -> Answer:
        """Send JSON, without the token of the page."""
        return self.run(self.ask("POST", path, [("Host", host), JSON, *headers], encoded(body)))

    def change(self, path: str, body: Any, *headers: tuple[str, str], method: str = "POST") -> Answer:
        """Send JSON as the page does."""
        own = [("Host", HOST), JSON, ("X-Libyaevents-Token", self.token), *headers]
        return self.run(self.ask(method, path, own, encoded(body)))

    async def ask(self, method: str, path: str, headers: Pairs, body: bytes | Receive = b"") -> Answer:
        """Ask with these headers alone; a body in parts is received as the app asks for it."""
        async with self.asking(method, path, headers, body) as (messages, done):
            await done
            return answer_of(messages)

    @asynccontextmanager
    async def asking(
        self, method: str, path: str, headers: Pairs, body: bytes | Receive = b""
    ) -> AsyncIterator[tuple[list[Message], asyncio.Task[None]]]:
        """Begin to ask: the messages that have come back so far, and the task that ends with the last."""
        path, _, query = path.partition("?")
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": unquote(path),
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "headers": [(name.lower().encode(), _bytes(value)) for name, value in headers],
            "client": ("127.0.0.1", 50_000),
            "server": ("127.0.0.1", 8765),
            "state": {},
        }
        messages: list[Message] = []

        async def send(message: Message) -> None:
            messages.append(message)

        receive = whole(body) if isinstance(body, bytes) else body
        task = asyncio.ensure_future(self.app(scope, receive, send))
        try:
            yield messages, task
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


def answer_of(messages: Sequence[Message]) -> Answer:
    """Put the messages of an answer together."""
    start, *parts = messages
    body = b"".join(part.get("body", b"") for part in parts)
    return Answer(start["status"], Headers(raw=start["headers"]), body)


def whole(body: bytes) -> Receive:
    """Receive a body in one message; then nothing, as from a client that waits."""
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Message:
        return messages.pop() if messages else await asyncio.get_running_loop().create_future()

    return receive


def encoded(body: Any) -> bytes:
    """Return JSON, or bytes as they are."""
    return body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()


def make_app(folder: Path, extractor: Extractor | None = None, **settings: Any) -> FastAPI:
    """Put an app together whose model is fake, if none is given."""
    chosen = {"data": folder / "data", "model": "compact", **settings}
    return create_app(ServerSettings(**chosen), extractor=extractor or FakeExtractor())


def _bytes(value: str) -> bytes:
    """Header values are sent in Latin-1, as browsers do; what it lacks, in UTF-8."""
    try:
        return value.encode("latin-1")
    except UnicodeEncodeError:
        return value.encode()
