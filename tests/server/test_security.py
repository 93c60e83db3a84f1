"""Who may ask: pages elsewhere, names pointed here, requests without token or password, endless bodies."""

import asyncio
from base64 import b64encode
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from starlette.types import Message, Receive

from libyaevents.server import security
from libyaevents.server.security import HEADERS, TOKEN_HEADER
from libyaevents.server.settings import MAX_BODY_BYTES
from tests.server.client import HOST, JSON, Answer, Client, encoded, make_app

PASSWORD = "سبها-غات-مرزق"
NAME = "studio.example"
ARTICLE = {"text": "قصفت طائرات مسيّرة موقعًا شرقي مصراتة."}
ADDITION = {"author": "منى", "documents": [ARTICLE]}
OWN = ("Host", HOST)

Pairs = Sequence[tuple[str, str]]


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """A client of a server on loopback, one for all tests."""
    with Client(make_app(tmp_path_factory.mktemp("loopback"))) as client:
        yield client


@pytest.fixture(scope="module")
def public(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """A client of a server that others reach, by any address of the machine and by one name."""
    folder = tmp_path_factory.mktemp("public")
    app = make_app(folder, host="0.0.0.0", password=PASSWORD, allowed_hosts=(NAME,))
    with Client(app) as client:
        yield client


def send(client: Client, path: str, body: Any, *headers: tuple[str, str], method: str = "POST") -> Answer:
    """The answer to a body that is sent with these headers alone."""
    return client.run(client.ask(method, path, headers, body if callable(body) else encoded(body)))


def basic(user: str, password: str) -> tuple[str, str]:
    """The header of HTTP Basic."""
    return ("Authorization", "Basic " + b64encode(f"{user}:{password}".encode()).decode())


def in_parts(parts: AsyncIterator[bytes]) -> Receive:
    """Receive a body as it comes, and no end of it before the parts end."""

    async def receive() -> Message:
        part = await anext(parts, b"")
        return {"type": "http.request", "body": part, "more_body": part != b""}

    return receive


# Host


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8765", "127.0.0.1", "127.0.0.1:9000", "[::1]:8765"])
def test_own_names_are_answered(client: Client, host: str) -> None:
    """On loopback the server has its three names, at any port, as a tunnel may have another."""
    assert client.get("/", host=host).status == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8765",
        "localhost.evil.example",
        "127.0.0.1.nip.example",
        "127.0.0.1@evil.example",
        "192.168.1.7:8765",
        "0.0.0.0:8765",
        "localhost:evil",
        "[::1",
        "",
        "مصراتة.ليبيا",
    ],
)
@pytest.mark.parametrize("path", ["/", "/api/state", "/healthz", "/static/main.js"])
def test_rebound_names_are_refused(client: Client, host: str, path: str) -> None:
    """A page whose name was pointed here sends that name as Host; it gets nothing, least of all the token."""
    answer = client.get(path, host=host)
    assert answer.status == 403
    assert "Host: expected a name of this server" in answer.error


@pytest.mark.parametrize("headers", [[], [OWN, OWN], [OWN, ("Host", "evil.example")]])
def test_one_host_is_needed(client: Client, headers: Pairs) -> None:
    """A request without Host, or with two, is refused."""
    assert client.run(client.ask("GET", "/", headers)).status == 403


@pytest.mark.parametrize(
    ("host", "is_own"),
    [
        ("192.168.1.7:8765", True),
        ("[2001:db8::1]:8765", True),
        ("localhost", True),
        ("Studio.Example:8765", True),
        ("studio.example.evil.example", False),
        ("evil.example", False),
    ],
)
def test_names_on_other_addresses(public: Client, host: str, is_own: bool) -> None:
    """An address cannot be rebound; a name has to be allowed at the start."""
    assert public.get("/", basic("منى", PASSWORD), host=host).status == (200 if is_own else 403)


# Where a request comes from


@pytest.mark.parametrize("path", ["/extract", "/api/documents"])
@pytest.mark.parametrize(
    "headers",
    [
        [("Origin", "http://evil.example")],
        [("Origin", "null")],
        [("Origin", "")],
        [("Origin", f"https://{HOST}")],
        [("Origin", "http://127.0.0.1:9000")],
        [("Origin", "http://localhost:8765")],  # the same server by another of its names
        [("Origin", f"http://{HOST}"), ("Origin", "http://evil.example")],
        [("Sec-Fetch-Site", "cross-site")],
        [("Sec-Fetch-Site", "same-site")],
        [("Origin", f"http://{HOST}"), ("Sec-Fetch-Site", "cross-site")],
    ],
)
def test_posts_of_other_sites_are_refused(client: Client, path: str, headers: Pairs) -> None:
    """A browser says where a request comes from: from elsewhere nothing is changed, token or not."""
    assert client.change(path, ADDITION, *headers).status == 403


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [("Origin", f"http://{HOST}")],
        [("Origin", f"http://{HOST}"), ("Sec-Fetch-Site", "same-origin")],
        [("Sec-Fetch-Site", "none")],
    ],
)
def test_own_posts_are_taken(client: Client, headers: Pairs) -> None:
    """Our own page, and programs that are no browser, may change what they bring the token for."""
    answer = client.change("/api/documents", ADDITION, *headers)
    assert answer.status == 200, answer.body


def test_reading_for_other_sites_is_refused(client: Client) -> None:
    """A page elsewhere cannot even load a picture of the studio, but it may link to the page."""
    elsewhere = ("Sec-Fetch-Site", "cross-site")
    assert client.get("/api/documents", elsewhere).status == 403
    assert client.get("/", elsewhere).status == 200


@pytest.mark.parametrize("origin", [f"http://{NAME}", f"https://{NAME}"])
def test_proxy_may_speak_tls(public: Client, origin: str) -> None:
    """Behind a proxy the page's origin has another scheme than what arrives here."""
    headers = (("Host", NAME), JSON, ("Origin", origin), basic("منى", PASSWORD))
    assert send(public, "/extract", ARTICLE, *headers).status == 200


# The token


@pytest.mark.parametrize("token", [None, "", "x", "مصراتة"])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/api/documents"),
        ("DELETE", "/api/documents/1"),
        ("POST", "/extract/"),
    ],
)
def test_changes_need_the_token(client: Client, method: str, path: str, token: str | None) -> None:
    """What changes something brings the token of this start, which only our page has."""
    own = [] if token is None else [(TOKEN_HEADER, token)]
    answer = send(client, path, ADDITION, OWN, JSON, *own, method=method)
    assert answer.status == 403
    assert "reload the page" in answer.error


def test_token_is_in_the_page_alone(client: Client, public: Client) -> None:
    """The page has a token, made anew at each start; no other answer repeats it."""
    assert f'content="{client.token}"' in client.get("/").text
    for path in ("/api/state", "/openapi.json", "/metrics", "/static/index.html"):
        assert client.token not in client.get(path).text
    assert client.token != public.token
    assert len(client.token) >= 43


def test_no_route_takes_other_methods(client: Client) -> None:
    """What is checked for changes is every method by which a route could change something."""
    operations = client.app.openapi()["paths"].values()
    methods = {method.upper() for one in operations for method in one}
    assert methods <= {"GET", "HEAD", *security.CHANGING_METHODS}


# The body


@pytest.mark.parametrize(
    "content_type",
    [
        None,
        "",
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "multipart/form-data",
        "application/json; charset=windows-1256",
        "application/jsonp",
        "text/plain; application/json",
        "json",
        ";",
    ],
)
def test_other_content_types_are_refused(client: Client, content_type: str | None) -> None:
    """What an HTML form can send is no request; neither is multipart, malformed or not."""
    body = b'--x\r\nContent-Disposition: form-data; name="file"; filename="../../x"\r\n\r\n'
    headers = [] if content_type is None else [("Content-Type", content_type)]
    answer = send(client, "/extract", body, OWN, *headers)
    assert answer.status == 415
    assert "expected application/json" in answer.error


@pytest.mark.parametrize("content_type", ["application/json", "Application/JSON; charset=UTF-8"])
def test_json_is_taken(client: Client, content_type: str) -> None:
    """The content type of JSON may be written as HTTP allows."""
    assert send(client, "/extract", ARTICLE, OWN, ("Content-Type", content_type)).status == 200


def test_announced_upload_is_refused_at_once(client: Client) -> None:
    """Of 200 MB that are announced not a byte is read."""

    async def never() -> Message:
        pytest.fail("the body was asked for")

    answer = send(client, "/extract", never, OWN, JSON, ("Content-Length", "200000000"))
    assert answer.status == 413
    assert "expected at most 33,554,432 bytes, found 200,000,000" in answer.error


def test_chunked_upload_is_refused_as_it_comes(client: Client) -> None:
    """Of 200 MB that come without being announced no more is read than is allowed."""
    n_read = 0

    async def parts() -> AsyncIterator[bytes]:
        nonlocal n_read
        for _ in range(200):
            n_read += 2**20
            yield b" " * 2**20

    answer = send(client, "/extract", in_parts(parts()), OWN, JSON)
    assert answer.status == 413
    assert n_read == MAX_BODY_BYTES + 2**20


def test_halting_body_is_refused(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """A body that stops coming is not waited for."""
    monkeypatch.setattr(security, "BODY_TIMEOUT_S", 0.05)

    async def parts() -> AsyncIterator[bytes]:
        yield b'{"text": '
        await asyncio.Event().wait()

    answer = send(client, "/extract", in_parts(parts()), OWN, JSON)
    assert answer.status == 408
    assert "found 9 bytes" in answer.error


def test_trickling_body_is_refused(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """A body that comes without pause but without end is cut off, too."""
    monkeypatch.setattr(security, "WHOLE_BODY_TIMEOUT_S", 0.1)

    async def parts() -> AsyncIterator[bytes]:
        while True:
            await asyncio.sleep(0)
            yield b" "

    assert send(client, "/extract", in_parts(parts()), OWN, JSON).status == 408


# The password


@pytest.mark.parametrize(
    "path", ["/", "/api/state", "/metrics", "/openapi.json", "/static/main.js", "/nothing"]
)
@pytest.mark.parametrize(
    "headers",
    [
        [],
        [basic("منى", "خطأ")],
        [basic("", "")],
        [basic(PASSWORD, "")],
        [("Authorization", "Bearer x")],
        [("Authorization", "Basic %%%")],
        [("Authorization", "Basic é")],
        [("Authorization", "Basic " + b64encode(b"\xff\xff").decode())],
    ],
)
def test_other_addresses_need_the_password(public: Client, path: str, headers: Pairs) -> None:
    """Where others can reach the server, nothing is shown without the password."""
    answer = public.get(path, *headers)
    assert answer.status == 401
    assert answer.headers["www-authenticate"] == 'Basic realm="libyaevents", charset="UTF-8"'


def test_password_lets_in(public: Client) -> None:
    """With the password any user name is taken, and signs what the user changes."""
    user = basic("منى", PASSWORD)
    assert public.get("/api/state", user).json()["user"] == "منى"
    added = public.change("/api/documents", {**ADDITION, "author": "غيرها"}, user).json()
    assert added["documents"][0]["added_by"] == "منى"


def test_password_does_not_replace_the_token(public: Client) -> None:
    """Browsers send a password along with requests of other sites; the token they do not have."""
    answer = public.post("/api/documents", ADDITION, basic("منى", PASSWORD))
    assert answer.status == 403
    assert "reload the page" in answer.error


def test_health_needs_no_password(public: Client) -> None:
    """What only asks whether the server lives needs no password; the Host is checked all the same."""
    assert public.get("/healthz").status == 200
    assert public.get("/healthz", host="evil.example").status == 403


def test_missing_password_lets_nobody_in(tmp_path: Path) -> None:
    """A server that others reach, but has no password, is closed."""
    with Client(make_app(tmp_path, host="0.0.0.0")) as client:
        for headers in ([], [basic("", "")], [basic("منى", "")], [basic("منى", "None")]):
            assert client.get("/api/state", *headers).status == 401


# Answers


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/", b"", 200),
        ("HEAD", "/static/main.js", b"", 200),
        ("GET", "/healthz", b"", 200),
        ("GET", "/static/main.js", b"", 200),
        ("POST", "/extract", ARTICLE, 200),
        ("GET", "/nothing", b"", 404),
        ("GET", "/static/nothing", b"", 404),
        ("GET", "/extract", b"", 405),
        ("OPTIONS", "/extract", b"", 405),
        ("POST", "/extract", {}, 422),
        ("GET", "/api/documents/x", b"", 422),
    ],
)
def test_every_answer_has_the_headers(client: Client, method: str, path: str, body: Any, status: int) -> None:
    """Whatever is answered, browsers run only our scripts, guess no type, and show nothing to other sites."""
    answer = client.change(path, body, method=method)
    assert answer.status == status
    assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS
    assert answer.headers["cache-control"] == ("no-cache" if path.startswith("/static/") else "no-store")
    assert not [name for name in answer.headers if name.startswith("access-control")]
    if status >= 400:
        assert answer.error


def test_failed_app_answers_with_the_headers(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A fault of the program is logged, and answered like everything else."""

    def fail() -> None:
        raise RuntimeError("خلل")

    app = make_app(tmp_path)
    app.add_api_route("/fail", fail)
    with Client(app) as client:
        answer = client.get("/fail")
    assert (answer.status, answer.error) == (500, "the server failed at this request; its log says why")
    assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS
    assert "GET /fail failed: RuntimeError('خلل')" in caplog.text


def test_page_keeps_its_own_policy(client: Client) -> None:
    """Pages that the library makes carry their style inline, and say so themselves."""
    assert "sandbox" in client.get("/api/pictures/map").headers["content-security-policy"]


@pytest.mark.parametrize(
    "path",
    [
        "/static/../app.py",
        "/static/%2e%2e/app.py",
        "/static/..%2fapp.py",
        "/static/../../../../../../etc/passwd",
        "/static//etc/passwd",
        "/static/..%5capp.py",
        "/static/%00",
        "/static/",
        "/static/views",
        "//evil.example/static/main.js",
    ],
)
def test_nothing_beside_the_page_is_served(client: Client, path: str) -> None:
    """No path leads out of the folder of the page."""
    assert client.get(path).status == 404


def test_websockets_are_refused(client: Client) -> None:
    """The server speaks no other protocol, which would pass by what is checked."""
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    async def note(message: Message) -> None:
        sent.append(message)

    client.run(client.app({"type": "websocket", "path": "/", "headers": []}, receive, note))
    assert sent == [{"type": "websocket.close", "code": 1008}]
