"""What stands before every route: who may ask, with which requests, and what browsers may do with answers.

A page elsewhere can make a browser send requests here. It is stopped by the names under which the server
answers (its own name may be pointed here: DNS rebinding), by what the browser says of where a request comes
from, by the content type, which no form can send, and, where something would be changed, by a token that only
our own page holds.
"""

import asyncio
import secrets
from base64 import b64decode
from email.message import Message as Header
from ipaddress import ip_address

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from libyaevents.records import quote
from libyaevents.server.errors import ServerError, error_answer
from libyaevents.server.settings import (
    BODY_TIMEOUT_S,
    MAX_BODY_BYTES,
    WHOLE_BODY_TIMEOUT_S,
    ServerSettings,
)

__all__ = ["HEADERS", "TOKEN_HEADER", "Security"]

TOKEN_HEADER = "X-Libyaevents-Token"
# Those of all routes that change something; other methods are left for the app to refuse.
CHANGING_METHODS = ("DELETE", "POST")
# What needs no token: reading a text changes nothing here.
FREE_PATH = "/extract"
OPEN_PATH = "/healthz"  # without the password

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "frame-src 'self'; frame-ancestors 'self'; base-uri 'none'; form-action 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class Security:
    """ASGI middleware; `request.state.user` is the name of who is logged in, None on loopback."""

    def __init__(self, app: ASGIApp, *, settings: ServerSettings, token: str) -> None:
        """Guard an app; `token` is what every change must bring."""
        self._app, self._settings, self._token = app, settings, token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or let the app answer it."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return
        answer = _Answer(send, scope["path"])
        try:
            scope.setdefault("state", {})["user"] = self._check(scope)
        except ServerError as refusal:
            refused = error_answer(refusal.status, str(refusal), **refusal.headers)
            await refused(scope, receive, answer.send)
            return
        await self._app(scope, _Body(receive, answer).receive, answer.send)

    def _check(self, scope: Scope) -> str | None:
        """Return who is logged in.

        Raises:
            ServerError: the request is refused.
        """
        headers, method, path = Headers(scope=scope), scope["method"], scope["path"]
        host = self._checked_host(headers)
        user = None
        if not self._settings.is_loopback and (method, path) != ("GET", OPEN_PATH):
            user = self._logged_in(headers.get("authorization", ""))
        if method in CHANGING_METHODS:
            self._check_source(headers, host)
            _check_content_type(headers)
            if path != FREE_PATH:
                self._check_token(headers)
        elif path.startswith("/api/") and headers.get("sec-fetch-site") == "cross-site":
            raise ServerError(403, f"{path}: expected a request of our own page, found one of another site")
        length = headers.get("content-length", "")
        if length.isdecimal() and int(length) > MAX_BODY_BYTES:
            raise _too_large(f"{int(length):,}")
        return user

    def _checked_host(self, headers: Headers) -> str:
        hosts = headers.getlist("host")
        host = hosts[0].lower() if len(hosts) == 1 else ""
        if not self._is_own(_without_port(host)):
            raise ServerError(
                403,
                f"Host: expected a name of this server, found {quote(host)}; open it by the address that it "
                "printed, or start it with --host and --allow-host",
            )
        return host

    def _is_own(self, name: str) -> bool:
        if name == "localhost":
            return True
        try:
            address = ip_address(name.removeprefix("[").removesuffix("]"))
        except ValueError:
            allowed = (each.lower() for each in self._settings.allowed_hosts)
            return not self._settings.is_loopback and name in allowed
        # No name is pointed anywhere by an address; but on loopback only its own can be meant.
        return address.is_loopback or not self._settings.is_loopback

    def _logged_in(self, authorization: str) -> str:
        user, password = _credentials(authorization)
        expected = self._settings.password or ""
        if not expected or not secrets.compare_digest(password.encode(), expected.encode()):
            raise ServerError(
                401,
                "expected the password of this server, which it printed or took from LIBYAEVENTS_PASSWORD, "
                "with any user name",
                WWW_Authenticate='Basic realm="libyaevents", charset="UTF-8"',
            )
        return user

    def _check_source(self, headers: Headers, host: str) -> None:
        own = [f"http://{host}"]
        if not self._settings.is_loopback:  # behind a proxy that speaks TLS
            own.append(f"https://{host}")
        origins = headers.getlist("origin")
        if origins and (len(origins) > 1 or origins[0].lower() not in own):
            raise ServerError(403, f"Origin: expected {own[0]}, found {quote(', '.join(origins))}")
        site = headers.get("sec-fetch-site", "none")
        if site not in ("same-origin", "none"):
            raise ServerError(403, f"Sec-Fetch-Site: expected same-origin or none, found {quote(site)}")

    def _check_token(self, headers: Headers) -> None:
        found = headers.get(TOKEN_HEADER, "")
        if not secrets.compare_digest(found.encode(), self._token.encode()):
            raise ServerError(
                403, f"{TOKEN_HEADER}: expected the token of this start of the server; reload the page"
            )


class _Answer:
    """Sends an answer with the headers that every answer has; one that is there already stays."""

    def __init__(self, send: Send, path: str) -> None:
        self._send, self._path = send, path
        self.has_begun = False

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.has_begun = True
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
            # What the package brings is asked for anew, so that no page mixes two versions.
            is_static = self._path.startswith("/static/")
            headers.setdefault("Cache-Control", "no-cache" if is_static else "no-store")
        await self._send(message)


class _Body:
    """Receives a body up to its greatest size, as long as it keeps coming."""

    def __init__(self, receive: Receive, answer: _Answer) -> None:
        self._receive, self._answer = receive, answer
        self._n_bytes = 0
        self._is_whole = False
        self._deadline: float | None = None

    async def receive(self) -> Message:
        """Receive the next message.

        Raises:
            ServerError: the body is too large or too slow, and no answer has begun.
        """
        if self._is_whole:
            return await self._receive()
        try:
            return await self._receive_part()
        except ServerError:
            if self._answer.has_begun:
                return {"type": "http.disconnect"}
            raise

    async def _receive_part(self) -> Message:
        now = asyncio.get_running_loop().time()
        self._deadline = self._deadline or now + WHOLE_BODY_TIMEOUT_S
        try:
            async with asyncio.timeout_at(min(self._deadline, now + BODY_TIMEOUT_S)):
                message = await self._receive()
        except TimeoutError as error:
            raise ServerError(
                408,
                f"the body: expected all of it within {WHOLE_BODY_TIMEOUT_S:g} seconds, no more than "
                f"{BODY_TIMEOUT_S:g} without any, found {self._n_bytes:,} bytes; send it again, or in parts",
            ) from error
        self._n_bytes += len(message.get("body", b""))
        self._is_whole = not message.get("more_body", False)
        if self._n_bytes > MAX_BODY_BYTES:
            raise _too_large("more")
        return message


def _without_port(host: str) -> str:
    name, separator, port = host.rpartition(":")
    return name if separator and port.isdecimal() else host


def _credentials(authorization: str) -> tuple[str, str]:
    """Read the name and password of HTTP Basic; two empty strings where there are none."""
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return "", ""
    try:
        user, _, password = b64decode(encoded, validate=True).decode().partition(":")
    except ValueError:  # no base64, no UTF-8, or not even ASCII
        return "", ""
    return user, password


def _check_content_type(headers: Headers) -> None:
    found = headers.get("content-type", "")
    header = Header()
    header["Content-Type"] = found
    charset = str(header.get_param("charset", "utf-8")).lower()
    if header.get_content_type() != "application/json" or charset not in ("utf-8", "utf8"):
        raise ServerError(
            415, f"Content-Type: expected application/json in UTF-8, found {quote(found)}; send JSON"
        )


def _too_large(found: str) -> ServerError:
    return ServerError(
        413, f"the body: expected at most {MAX_BODY_BYTES:,} bytes, found {found}; send it in parts"
    )
