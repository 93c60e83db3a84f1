"""What a server is told at its start, and the limits of what it takes."""

from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

__all__ = [
    "BODY_TIMEOUT_S",
    "HEADER_TIMEOUT_S",
    "MAX_BODY_BYTES",
    "MAX_TEXT",
    "MAX_TEXTS",
    "MAX_WAIT_S",
    "SEND_TIMEOUT_S",
    "SHORTEST_PASSWORD",
    "STOP_TIMEOUT_S",
    "WHOLE_BODY_TIMEOUT_S",
    "ServerSettings",
]

MAX_BODY_BYTES = 32 * 2**20
MAX_TEXT = 500_000  # characters of one text: about fifteen seconds of reading
MAX_TEXTS = 10_000  # of one request
MAX_WAIT_S = 30.0  # for what was sent before; a request that would wait longer is refused
BODY_TIMEOUT_S = 30.0  # without a byte of the body
WHOLE_BODY_TIMEOUT_S = 120.0
HEADER_TIMEOUT_S = 10.0  # from the connection, or the last answer, to the end of a request's headers
SEND_TIMEOUT_S = 60.0  # without room for more of an answer
STOP_TIMEOUT_S = 3  # for answers at hand when the server is told to stop
SHORTEST_PASSWORD = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSettings:
    """Where a server listens, what it reads with, and where it keeps what it is given.

    `model` is a name or folder; the one that was last chosen in the studio when None. `allowed_hosts` are
    names by which browsers reach the server, beside those that are always its own.
    """

    data: Path
    model: str | None = None
    host: str = "127.0.0.1"
    port: int = 8765
    password: str | None = None
    allowed_hosts: tuple[str, ...] = ()

    @property
    def is_loopback(self) -> bool:
        """Whether only programs of this machine can reach the server."""
        if self.host == "localhost":
            return True
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return False
