"""Run the server until it is told to stop."""

import asyncio
import json
import secrets
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from ipaddress import ip_address

import h11
import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from libyaevents.errors import ConfigError
from libyaevents.outputs import lock_folder
from libyaevents.server.app import create_app
from libyaevents.server.security import HEADERS
from libyaevents.server.settings import (
    HEADER_TIMEOUT_S,
    SEND_TIMEOUT_S,
    SHORTEST_PASSWORD,
    STOP_TIMEOUT_S,
    ServerSettings,
)

__all__ = ["serve"]


def serve(settings: ServerSettings) -> None:
    """Serve until Ctrl-C or SIGTERM; the address, and a password made for this start, go to stderr.

    Raises:
        ConfigError: the address is in use or not this machine's, or the password is short.
        OutputError: another server has the data folder, or it cannot be made.
        LibyaeventsError: as `create_app`.
    """
    is_generated = not settings.is_loopback and settings.password is None
    if is_generated:
        settings = replace(settings, password=secrets.token_urlsafe(12))
    _check(settings)
    with _listening(settings) as listener, lock_folder(settings.data, mode=0o700):
        app = create_app(settings)
        print(f"studio and API: {_address(settings, listener)}", file=sys.stderr)
        if is_generated:
            print(f"password: {settings.password} (the user name signs what a user changes)", file=sys.stderr)
        _Server(app, app.state.stop).run(sockets=[listener])


def _check(settings: ServerSettings) -> None:
    if settings.is_loopback and settings.allowed_hosts:
        raise ConfigError(
            f"--allow-host {settings.allowed_hosts[0]}: expected a --host that others can reach, found "
            f"{settings.host}; on loopback the server answers to its own names only"
        )
    if not settings.is_loopback and len(settings.password or "") < SHORTEST_PASSWORD:
        raise ConfigError(
            f"LIBYAEVENTS_PASSWORD: expected at least {SHORTEST_PASSWORD} characters, found "
            f"{len(settings.password or '')}; without the variable one is made"
        )


def _listening(settings: ServerSettings) -> socket.socket:
    """Return a socket that is bound to the address.

    Raises:
        ConfigError: it cannot be.
    """
    try:
        family, *_, address = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM)[0]
        listener = socket.create_server(address[:2], family=family, backlog=1024)
    except OSError as error:
        reason = (error.strerror or str(error)).partition(" (")[0]
        raise ConfigError(
            f"{settings.host}:{settings.port}: expected a free address of this machine, found: {reason}; "
            "choose another --port, 0 for a free one, or another --host"
        ) from error
    # asyncio sets it on its own sockets alone; without it each answer waits 40 ms for the client's ACK.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def _address(settings: ServerSettings, listener: socket.socket) -> str:
    """Return what to type into a browser."""
    host, port = settings.host, listener.getsockname()[1]
    with suppress(ValueError):
        address = ip_address(host)
        if address.is_unspecified:
            host = settings.allowed_hosts[0] if settings.allowed_hosts else _outward_address()
        elif address.version == 6:
            host = f"[{host}]"
    return f"http://{host}:{port}/"


def _outward_address() -> str:
    """Return the address by which others are likely to reach this machine; nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # of those that are kept for documentation
        except OSError:
            return "127.0.0.1"
        return str(probe.getsockname()[0])


class _Server(uvicorn.Server):
    """A server that gives answers at hand some time when it is told to stop, and then ends them."""

    def __init__(self, app: ASGIApp, stop: Callable[[], None]) -> None:
        config = uvicorn.Config(
            app,
            http=_Protocol,
            ws="none",
            log_config=None,
            log_level="critical",  # the app says itself what failed
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=2 * STOP_TIMEOUT_S,
        )
        super().__init__(config)
        self._stop = stop

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        asyncio.get_running_loop().call_later(STOP_TIMEOUT_S, self._stop)
        await super().shutdown(sockets)


class _Timer:
    """Does something after a while, unless it is stopped or started anew."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._handle: asyncio.TimerHandle | None = None

    def start(self, seconds: float, act: Callable[[], None]) -> None:
        self.stop()
        self._handle = self._loop.call_later(seconds, act)

    def stop(self) -> None:
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None


class _Protocol(H11Protocol):
    """HTTP/1.1 in which no client can hold a connection by being slow.

    Between two answers there is a time for the headers of the next request, and for what is left of a body
    that nobody wanted; while an answer is sent, there is one for the client to take some of it.
    """

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._idle, self._stuck = _Timer(self.loop), _Timer(self.loop)
        self._idle.start(HEADER_TIMEOUT_S, self._end)

    def connection_lost(self, exc: Exception | None) -> None:
        self._idle.stop()
        self._stuck.stop()
        super().connection_lost(exc)

    def handle_events(self) -> None:
        super().handle_events()
        if self.cycle is not None and not self.cycle.response_complete:  # the headers are there
            self._idle.stop()

    def on_response_complete(self) -> None:
        self._idle.start(HEADER_TIMEOUT_S, self._end)
        super().on_response_complete()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._stuck.start(SEND_TIMEOUT_S, self.transport.abort)

    def resume_writing(self) -> None:
        self._stuck.stop()
        super().resume_writing()

    def send_400_response(self, msg: str) -> None:
        if self.cycle is None or self.cycle.response_complete:
            own = {"Content-Type": "application/json", "Connection": "close", "Cache-Control": "no-store"}
            headers = [(name.encode(), value.encode()) for name, value in {**HEADERS, **own}.items()]
            body = json.dumps({"error": f"expected a request of HTTP/1.1: {msg}"}).encode()
            response = h11.Response(status_code=400, headers=headers, reason=b"Bad Request")
            for event in (response, h11.Data(data=body), h11.EndOfMessage()):
                self.transport.write(self.conn.send(event) or b"")
        self.transport.close()

    def _end(self) -> None:
        """Close, and where the client does not take what was sent, break off."""
        self.transport.close()
        self._idle.start(HEADER_TIMEOUT_S, self.transport.abort)
