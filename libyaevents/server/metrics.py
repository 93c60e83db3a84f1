"""What the server counts, in Prometheus' format: `Meter` sees the requests, `Metrics` keeps the numbers."""

import time
from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from libyaevents.server.errors import GONE, METHODS

__all__ = ["CONTENT_TYPE", "Meter", "Metrics"]

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)
SIZES = (1, 2, 4, 8, 16, 32)
OTHER = "other"  # route of what no route answered, so that made-up paths make no new series


class Metrics:
    """The numbers of one server, in a registry of its own."""

    def __init__(self, *, pending_characters: Callable[[], float]) -> None:
        """Begin at 0; `pending_characters` is asked whenever the numbers are."""
        self._registry = registry = CollectorRegistry()
        self.requests = Counter(
            "libyaevents_requests",
            "Requests that were answered, by route and status",
            ("method", "route", "status"),
            registry=registry,
        )
        self.seconds = Histogram(
            "libyaevents_request_seconds",
            "From a request's headers to the end of its answer",
            ("route",),
            buckets=SECONDS,
            registry=registry,
        )
        self.refused = Counter(
            "libyaevents_refused", "Requests turned away because too much waited", registry=registry
        )
        self._documents = Counter("libyaevents_documents_read", "Articles read", registry=registry)
        self._characters = Counter("libyaevents_characters_read", "Characters read", registry=registry)
        self._reading = Counter(
            "libyaevents_reading_seconds", "Time that the model was at work", registry=registry
        )
        self._batches = Histogram(
            "libyaevents_batch_documents", "Articles read in one batch", buckets=SIZES, registry=registry
        )
        pending = Gauge(
            "libyaevents_pending_characters", "Characters of the requests being answered", registry=registry
        )
        pending.set_function(pending_characters)

    def count_batch(self, n_documents: int, n_characters: int, seconds: float) -> None:
        """Count a batch that was read."""
        self._documents.inc(n_documents)
        self._characters.inc(n_characters)
        self._reading.inc(seconds)
        self._batches.observe(n_documents)

    def to_text(self) -> bytes:
        """Return the numbers as they stand."""
        return generate_latest(self._registry)


class Meter:
    """ASGI middleware that counts requests and times them."""

    def __init__(self, app: ASGIApp, *, metrics: Metrics) -> None:
        """Count the requests of an app."""
        self._app, self._metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as the app does."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status, started = GONE, time.perf_counter()

        async def note(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, note)
        finally:
            method = scope["method"] if scope["method"] in METHODS else OTHER
            route = _route_of(scope)
            self._metrics.requests.labels(method, route, str(status)).inc()
            self._metrics.seconds.labels(route).observe(time.perf_counter() - started)
            if status == 429:
                self._metrics.refused.inc()


def _route_of(scope: Scope) -> str:
    """Return the path of the route that answered, with its parameters by their names."""
    path: str | None = getattr(scope.get("route"), "path", None)
    return path or OTHER
