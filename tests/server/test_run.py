"""A server that runs: what it prints, what it refuses at its start, slow clients, its end."""

import asyncio
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
from base64 import b64encode
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from libyaevents.cli import main
from libyaevents.documents import Document
from libyaevents.extractor import Extractor
from libyaevents.outputs import lock_folder
from libyaevents.server import run
from libyaevents.server.security import HEADERS
from libyaevents.server.settings import MAX_BODY_BYTES, ServerSettings
from tests.server.client import Client, make_app

START_TIMEOUT_S, STEP_TIMEOUT_S = 60, 20
REQUEST = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
ARTICLE = {"text": "قصفت طائرات مسيّرة موقعًا شرقي مصراتة فجر أمس.", "published": "2020-06-06"}


class Process:
    """The command `serve` with a tiny model, at a free port."""

    def __init__(self, folder: Path, model: Path) -> None:
        command = [sys.executable, "-m", "libyaevents", "serve", "--data", str(folder), "--model", str(model)]
        self.process = subprocess.Popen([*command, "--port", "0"], stderr=subprocess.PIPE, text=True)
        assert self.process.stderr is not None
        self.line = self.process.stderr.readline()
        match = re.fullmatch(r"studio and API: http://127\.0\.0\.1:(\d+)/\n", self.line)
        assert match is not None, self.line + self.process.stderr.read()
        self.port = int(match[1])

    def connect(self) -> HTTPConnection:
        """Return a connection that stays open between requests."""
        return HTTPConnection("127.0.0.1", self.port, timeout=START_TIMEOUT_S)

    def post(self, body: Any, *, chunked: bool = False) -> tuple[int, Any]:
        """Send a body to /extract, and return the status and the JSON that comes back."""
        connection = self.connect()
        headers = {"Content-Type": "application/json"}
        connection.request("POST", "/extract", body, headers, encode_chunked=chunked)
        answer = connection.getresponse()
        found = answer.read()
        connection.close()
        return answer.status, json.loads(found)

    def end(self, number: int) -> str:
        """Send a signal, wait for the end, and return what was written on stderr since the start."""
        self.process.send_signal(number)
        return self.process.communicate(timeout=STEP_TIMEOUT_S)[1]


@pytest.fixture
def process(tmp_path: Path, tiny_model: Path) -> Iterator[Process]:
    """A server, ended if it still runs."""
    process = Process(tmp_path / "data", tiny_model)
    yield process
    if process.process.poll() is None:
        process.process.kill()
        process.process.communicate()


# The start


def test_answers_under_the_printed_address(process: Process) -> None:
    """The server says its address in one line, and answers there as the library does in process."""
    status, found = process.post(json.dumps(ARTICLE))
    assert status == 200
    assert found["text"] == ARTICLE["text"]
    assert process.end(signal.SIGTERM) == ""


def test_port_in_use(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A port that another program has is refused in one line, before a model is loaded."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        assert main(["serve", "--data", str(tmp_path / "data"), "--port", str(port)]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"error: 127.0.0.1:{port}: expected a free address of this machine, found: ")
    assert "choose another --port" in error
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("host", ["192.0.2.1", "no-such-host.invalid"])
def test_address_of_another_machine(tmp_path: Path, capsys: pytest.CaptureFixture[str], host: str) -> None:
    """An address that is not this machine's is refused in one line."""
    assert main(["serve", "--data", str(tmp_path / "data"), "--host", host, "--port", "0"]) == 2
    assert f"error: {host}:0: expected a free address of this machine" in capsys.readouterr().err


def test_one_server_to_a_data_folder(
    process: Process, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A second server for the same data is refused in one line; once the first is killed, it starts."""
    folder = str(tmp_path / "data")
    assert os.name == "nt" or (tmp_path / "data").stat().st_mode & 0o777 == 0o700
    assert main(["serve", "--data", folder, "--port", "0"]) == 2
    error = capsys.readouterr().err
    assert f"error: {folder}: expected a folder for this process alone, found another" in error
    assert len(error.splitlines()) == 1
    process.end(signal.SIGKILL)
    with lock_folder(tmp_path / "data"):
        assert (tmp_path / "data").is_dir()


def test_data_folder_that_is_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A data folder that is a file is refused in one line; the file stays."""
    (tmp_path / "data").write_text("ليست مجلدا", encoding="utf-8")
    assert main(["serve", "--data", str(tmp_path / "data"), "--port", "0"]) == 2
    error = capsys.readouterr().err
    assert f"error: {tmp_path / 'data'}: expected a folder that can be written" in error
    assert len(error.splitlines()) == 1
    assert (tmp_path / "data").read_text(encoding="utf-8") == "ليست مجلدا"


def test_model_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A model that there is not is refused in one line."""
    assert main(["serve", "--data", str(tmp_path / "data"), "--model", "none", "--port", "0"]) == 2
    assert "'none'" in capsys.readouterr().err


def test_short_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A password that is soon guessed is refused, and not repeated."""
    monkeypatch.setenv("LIBYAEVENTS_PASSWORD", "غات")
    assert main(["serve", "--data", str(tmp_path), "--host", "0.0.0.0", "--port", "0"]) == 2
    error = capsys.readouterr().err
    assert "LIBYAEVENTS_PASSWORD: expected at least 8 characters, found 3" in error
    assert "غات" not in error


def test_name_on_loopback(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A name for a server that nobody else can reach is a mistake, and said to be one."""
    assert main(["serve", "--data", str(tmp_path), "--allow-host", "studio.example", "--port", "0"]) == 2
    assert "--allow-host studio.example: expected a --host that others can reach" in capsys.readouterr().err


@pytest.fixture
def not_run(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The apps that would have been served: they do not run, and listen on loopback only."""
    apps: list[Any] = []
    monkeypatch.setattr(run, "_listening", lambda settings: socket.create_server(("127.0.0.1", 0)))
    monkeypatch.setattr(run._Server, "run", lambda self, sockets: apps.append(self.config.app))
    return apps


def test_password_is_made(
    tmp_path: Path, tiny_model: Path, not_run: list[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    """Where others can reach the server and no password is given, one is made, printed and asked for."""
    run.serve(ServerSettings(data=tmp_path, model=str(tiny_model), host="0.0.0.0"))
    address, password = capsys.readouterr().err.splitlines()
    assert re.fullmatch(r"studio and API: http://[\d.]+:\d+/", address)
    match = re.match(r"password: (\S{16,}) ", password)
    assert match is not None
    encoded = b64encode(f"منى:{match[1]}".encode()).decode()
    with Client(not_run[0]) as client:
        assert client.get("/api/state").status == 401
        assert client.get("/api/state", ("Authorization", f"Basic {encoded}")).status == 200


def test_given_password_is_not_printed(
    tmp_path: Path, tiny_model: Path, not_run: list[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    """A password that the user chose is not shown on the screen."""
    run.serve(ServerSettings(data=tmp_path, model=str(tiny_model), host="0.0.0.0", password="سبها-غات-مرزق"))
    error = capsys.readouterr().err
    assert "password" not in error
    assert "مرزق" not in error
    with Client(not_run[0]):  # it is closed with what it opened
        pass


@pytest.mark.parametrize(
    ("host", "names", "expected"),
    [
        ("127.0.0.1", (), r"http://127\.0\.0\.1:\d+/"),
        ("localhost", (), r"http://localhost:\d+/"),
        ("::1", (), r"http://\[::1\]:\d+/"),
        ("0.0.0.0", ("studio.example",), r"http://studio\.example:\d+/"),
        ("::", (), r"http://[\d.]+:\d+/"),
    ],
)
def test_address(host: str, names: tuple[str, ...], expected: str) -> None:
    """The address is one that can be opened."""
    settings = ServerSettings(data=Path(), model="compact", host=host, allowed_hosts=names)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        assert re.fullmatch(expected, run._address(settings, listener))


# What goes wrong while it runs


def test_model_folder_that_vanishes(tmp_path: Path, model_copy: Path) -> None:
    """A server whose model's folder vanishes reads on as before, and says what is gone."""
    extractor = Extractor.from_pretrained(model_copy, n_threads=1)
    with Client(make_app(tmp_path, extractor, model=str(model_copy))) as client:
        before = client.post("/extract", ARTICLE)
        assert client.get("/healthz").json()["model_is_there"] is True
        shutil.rmtree(model_copy)
        after = client.post("/extract", ARTICLE)
        health = client.get("/healthz").json()
    assert (after.status, after.body) == (200, before.body)
    assert (health["status"], health["model_is_there"]) == ("ok", False)


@pytest.mark.parametrize("is_announced", [True, False])
def test_upload_of_200_mb(process: Process, is_announced: bool) -> None:
    """An upload of 200 MB is refused, takes no more memory than the largest that is not, and harms nobody."""
    process.post(json.dumps(ARTICLE))  # what is loaded once is not the upload's
    before = peak_bytes(process.process.pid)
    if is_announced:
        status, found = process.post(b" " * 200_000_000)
    else:
        status, found = process.post((b" " * 1_000_000 for _ in range(200)), chunked=True)
    assert status == 413
    assert "expected at most 33,554,432 bytes" in found["error"]
    assert peak_bytes(process.process.pid) - before < 2 * MAX_BODY_BYTES
    assert process.post(json.dumps(ARTICLE))[0] == 200


def peak_bytes(pid: int) -> int:
    """The most memory that a process ever had."""
    status = Path(f"/proc/{pid}/status")
    if not status.exists():
        pytest.skip("no /proc, which tells the memory of another process")
    match = re.search(r"VmHWM:\s+(\d+) kB", status.read_text())
    assert match is not None
    return 1024 * int(match[1])


# Slow clients

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@asynccontextmanager
async def served(app: ASGIApp) -> AsyncIterator[Callable[[], Any]]:
    """Serve an app in this event loop; what is yielded connects to it."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = run._Server(app, lambda: None)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    writers: list[asyncio.StreamWriter] = []

    async def connect() -> Streams:
        reader, writer = await asyncio.open_connection(*listener.getsockname())
        writers.append(writer)
        return reader, writer

    try:
        async with asyncio.timeout(STEP_TIMEOUT_S):
            yield connect
    finally:
        for writer in writers:
            writer.close()
        server.should_exit = True
        await serving


async def healthy(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer an empty body."""
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})


@pytest.mark.parametrize("sent", [b"", b"GET / HTTP/1.1\r\nHost: loc"])
@pytest.mark.parametrize("n_before", [0, 1])
def test_slow_headers(monkeypatch: pytest.MonkeyPatch, sent: bytes, n_before: int) -> None:
    """Who sends nothing, or headers without end, is cut off, on a new connection and after an answer."""
    monkeypatch.setattr(run, "HEADER_TIMEOUT_S", 0.3)

    async def scenario() -> float:
        async with served(healthy) as connect:
            reader, writer = await connect()
            for _ in range(n_before):
                writer.write(REQUEST)
                await reader.readuntil(b"\r\n\r\n")
            writer.write(sent)
            closed = asyncio.create_task(reader.read())
            started = asyncio.get_running_loop().time()
            while not closed.done():  # a letter from time to time does not help
                if sent:
                    writer.write(b"a")
                await asyncio.wait({closed}, timeout=0.02)
            assert await closed == b""
            return asyncio.get_running_loop().time() - started

    assert asyncio.run(scenario()) >= 0.25


def test_body_that_nobody_wants(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who goes on sending a body after the answer is cut off, too."""
    monkeypatch.setattr(run, "HEADER_TIMEOUT_S", 0.3)

    async def scenario() -> None:
        async with served(healthy) as connect:
            reader, writer = await connect()
            writer.write(b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n")
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
            closed = asyncio.create_task(reader.read())
            while not closed.done():
                writer.write(b"1\r\na\r\n")
                await asyncio.wait({closed}, timeout=0.02)
            await asyncio.gather(closed, return_exceptions=True)  # broken off, or ended

    asyncio.run(scenario())


def test_connection_is_kept_between_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client in time may ask on one connection as often as it likes, for longer than one time-out."""
    monkeypatch.setattr(run, "HEADER_TIMEOUT_S", 0.3)

    async def scenario() -> None:
        async with served(healthy) as connect:
            reader, writer = await connect()
            for _ in range(8):
                await asyncio.sleep(0.1)
                writer.write(REQUEST)
                assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")

    asyncio.run(scenario())


def test_long_answer_is_not_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """The time for headers does not count while an answer is made."""
    monkeypatch.setattr(run, "HEADER_TIMEOUT_S", 0.1)

    async def slow(scope: Scope, receive: Receive, send: Send) -> None:
        await asyncio.sleep(0.5)
        await healthy(scope, receive, send)

    async def scenario() -> bytes:
        async with served(slow) as connect:
            reader, writer = await connect()
            writer.write(REQUEST)
            return bytes(await reader.readuntil(b"\r\n\r\n"))

    assert asyncio.run(scenario()).startswith(b"HTTP/1.1 200")


def test_client_that_does_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who does not take an answer is cut off; what makes the answer goes on to its end."""
    monkeypatch.setattr(run, "SEND_TIMEOUT_S", 0.3)
    is_over = asyncio.Event()

    async def endless(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await send({"type": "http.response.start", "status": 200, "headers": []})
            for _ in range(200):
                await send({"type": "http.response.body", "body": b" " * 2**20, "more_body": True})
            is_over.set()

    async def scenario() -> None:
        async with served(endless) as connect:
            _, writer = await connect()
            writer.write(REQUEST)
            await is_over.wait()

    asyncio.run(scenario())


@pytest.mark.parametrize(
    "sent",
    [
        b"nonsense\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked, gzip\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 70_000,  # without end
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(300) + b"\r\n\r\n",  # TLS
    ],
)
def test_malformed_requests(sent: bytes) -> None:
    """What is no HTTP is answered like every other error."""

    async def scenario() -> bytes:
        async with served(healthy) as connect:
            reader, writer = await connect()
            writer.write(sent)
            return bytes(await reader.read())

    head, _, body = asyncio.run(scenario()).partition(b"\r\n\r\n")
    status, *lines = head.decode().split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines)
    assert status.startswith("HTTP/1.1 400 ")
    assert json.loads(body)["error"].startswith("expected a request of HTTP/1.1")
    assert HEADERS.items() <= headers.items()


# The end


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals for other processes")
def test_end_with_clients_and_a_batch(process: Process, article: Document, number: signal.Signals) -> None:
    """Told to stop, the server ends within seconds, and tells those who wait for it that it stops."""
    idle = socket.create_connection(("127.0.0.1", process.port))
    kept = process.connect()
    kept.request("GET", "/healthz")
    kept.getresponse().read()
    busy = process.connect()
    texts = [{"text": "\n".join([article.text] * 60)}] * 60
    body = json.dumps(texts, ensure_ascii=False).encode()
    busy.request("POST", "/extract", body, {"Content-Type": "application/json"})
    answer = busy.getresponse()
    first = answer.readline()
    rest: list[bytes] = []
    reading = threading.Thread(target=lambda: rest.extend(answer.readlines()))
    reading.start()
    assert process.end(number) == ""
    reading.join()
    assert json.loads(first)["format"] == "libyaevents/1"
    assert "found one that stops" in json.loads(rest[-1])["error"]
    assert process.process.returncode == (-number if number == signal.SIGTERM else 130)
    for connection in (idle, kept, busy):
        connection.close()
