"""What goes wrong becomes an answer: a status and one sentence, `{"error": …}`, never a traceback."""

import logging
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.routing import Match, Mount
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from libyaevents.errors import LibyaeventsError, MissingExtraError, OutputError
from libyaevents.markup import visible
from libyaevents.server.edits import ConflictError, NotFoundError, NotSavedError
from libyaevents.server.reader import OverloadedError, StoppedError

__all__ = ["ERRORS", "GONE", "METHODS", "ServerError", "answer_errors", "error_answer"]

logger = logging.getLogger(__name__)

METHODS = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")
FILE_METHODS = ("GET", "HEAD")
GONE = 499  # status of a request whose client left before an answer, for the log and the metrics

_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"error": {"type": "string"}},
    "required": ["error"],
}
_MEANINGS = {
    401: "The password is missing or wrong; on loopback none is asked for",
    403: "The request comes from another site, or without the token of this start",
    404: "There is no such document or layer",
    405: "The path takes other methods; the header Allow names them",
    408: "The body came too slowly",
    409: "The document was changed by somebody else in the meantime",
    413: "The body is too large",
    415: "The body is no JSON",
    422: "A value is wrong; the message says which",
    429: "Too much waits; the header Retry-After says in how many seconds to come back",
    500: "The server failed at this request; its log says why",
    501: "An optional part is not installed; the message says how to",
    503: "The server stops",
    507: "The data folder cannot be written; nothing was saved",
}
# How OpenAPI describes the answers of errors.
ERRORS: dict[int | str, dict[str, Any]] = {
    status: {"description": meaning, "content": {"application/json": {"schema": _SCHEMA}}}
    for status, meaning in _MEANINGS.items()
}

_STATUS: dict[type[Exception], int] = {
    NotFoundError: 404,
    NotSavedError: 507,
    ConflictError: 409,
    OverloadedError: 429,
    StoppedError: 503,
    MissingExtraError: 501,
    OutputError: 507,
    LibyaeventsError: 422,
}


class ServerError(LibyaeventsError):
    """A request that is refused with a status, and headers, of its own; header names have _ for -."""

    def __init__(self, status: int, message: str, **headers: str) -> None:
        super().__init__(message)
        self.status, self.headers = status, headers


def error_answer(status: int, message: str, **headers: str) -> JSONResponse:
    """Return the answer of an error; header names have _ for -."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return JSONResponse({"error": visible(message)}, status, headers=named)


def answer_errors(app: FastAPI) -> None:
    """Make an app answer every error in this form; what is added to the app later stands before this."""
    app.add_exception_handler(LibyaeventsError, _answer_known)
    app.add_exception_handler(RequestValidationError, _answer_invalid)
    app.add_exception_handler(HTTPException, _answer_http)
    app.add_exception_handler(ClientDisconnect, _answer_nobody)
    app.add_middleware(_AnswerUnknown)


async def _answer_known(request: Request, error: Exception) -> JSONResponse:
    if isinstance(error, ServerError):
        return error_answer(error.status, str(error), **error.headers)
    status = next(status for kind, status in _STATUS.items() if isinstance(error, kind))
    if isinstance(error, OverloadedError):
        return error_answer(status, str(error), Retry_After=str(error.retry_after_s))
    if isinstance(error, ConflictError):
        return JSONResponse({"error": str(error), **error.to_dict()}, status)
    return error_answer(status, str(error))


async def _answer_invalid(request: Request, error: Exception) -> JSONResponse:
    """Tell of a parameter in the path or the query, without repeating what was sent."""
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    where = ".".join(map(str, first["loc"]))
    return error_answer(422, f"{where}: {first['msg']}")


async def _answer_http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    message = f"{request.method} {request.url.path}: {HTTPStatus(error.status_code).phrase.lower()}"
    if error.status_code != HTTPStatus.METHOD_NOT_ALLOWED:
        return error_answer(error.status_code, message)
    allowed = ", ".join(_allowed_methods(request))
    return error_answer(error.status_code, f"{message}; allowed: {allowed}", Allow=allowed)


def _allowed_methods(request: Request) -> list[str]:
    """Return the methods of all routes of a path; Starlette names those of the first one."""
    return [
        method
        for method in METHODS
        for route in request.app.routes
        if route.matches({**request.scope, "method": method})[0] is Match.FULL
        and (method in FILE_METHODS or not isinstance(route, Mount))  # a folder of files matches all
    ]


async def _answer_nobody(request: Request, error: Exception) -> JSONResponse:
    return error_answer(GONE, "the client left")


class _AnswerUnknown:
    """ASGI middleware that answers for an app that failed; the answer passes through the others, too."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        has_begun = False

        async def note(message: Message) -> None:
            nonlocal has_begun
            has_begun = True
            await send(message)

        try:
            await self._app(scope, receive, note)
        except Exception as error:  # of any kind: it is logged, and no reason to answer nothing
            logger.exception("%s %s failed: %r", scope.get("method"), scope.get("path"), error)
            if has_begun or scope["type"] != "http":
                raise
            answer = error_answer(500, "the server failed at this request; its log says why")
            await answer(scope, receive, send)
