"""The API: answers as in process, lists, refusals that say why, health, numbers, clients that leave."""

import asyncio
import json
import re
import shutil
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from starlette.types import Message, Receive

from libyaevents.documents import Document
from libyaevents.extractor import Extractor
from libyaevents.server import reader
from libyaevents.server.settings import MAX_TEXT, MAX_TEXTS
from tests.server.client import HOST, JSON, Answer, Client, FakeExtractor, make_app

BROKEN, FAULTY = FakeExtractor.BROKEN, FakeExtractor.FAULTY
TEXTS = (
    "قصفت طائرات مسيّرة 😀 مواقع شرقي مصراتة فجر أمس، وقُتل ثلاثة جنود.",
    "أفرجت السلطات في بنغازي عن خمسة صحفيين كانوا محتجزين منذ مارس الماضي.",
    "قال المتحدث باسم قوات حكومة الوفاق إن اشتباكات اندلعت جنوبي طرابلس مساء الخميس.",
)


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Client]:
    """A client of an app whose model is fake."""
    extractor = FakeExtractor()
    with Client(make_app(tmp_path, extractor), extractor) as client:
        yield client
        extractor.gate.set()


def value_of(client: Client, name: str) -> float:
    """Return a number of /metrics, by its name and labels as they stand there."""
    match = re.search(rf"^{re.escape(name)} (\S+)$", client.get("/metrics").text, re.MULTILINE)
    return float(match[1]) if match else 0.0


# Answers


def test_the_shipped_model(tmp_path: Path) -> None:
    """One article and a list of them are answered with what the model finds in process, facts resolved."""
    extractor = Extractor.from_pretrained(n_threads=1)
    articles = [
        {"text": text, "id": f"خبر-{number}", "title": "خبر", "source": "وكالة", "published": "2020-06-06"}
        for number, text in enumerate(TEXTS)
    ]
    expected = [
        extractor.extract(**{**article, "published": date(2020, 6, 6)})  # type: ignore[arg-type]
        for article in articles
    ]
    with Client(make_app(tmp_path, extractor)) as client:
        single = [client.post("/extract", article).json() for article in articles]
        listed = client.post("/extract", articles).lines()
    for found in (single, listed):
        documents = [Document.from_dict(each) for each in found]
        assert [unscored(each) for each in documents] == [unscored(each) for each in expected]
    assert {event.type for document in expected for event in document.events} >= {"AirStrike", "Clash"}
    assert any(event.time and event.time.value for event in expected[0].events)


def unscored(value: Any) -> Any:
    """Return a document as JSON without scores, whose last digits depend on company."""
    if isinstance(value, Document):
        return unscored(value.to_dict())
    if isinstance(value, dict):
        return {key: unscored(each) for key, each in value.items() if key != "score"}
    return [unscored(each) for each in value] if isinstance(value, list) else value


def test_one_article(client: Client) -> None:
    """An object is answered by a document in the library's own format, with what came with the text."""
    article = {"text": TEXTS[0], "id": "١", "title": "غارة", "source": "مراسل", "published": "2020-06-06"}
    answer = client.post("/extract", article)
    assert answer.headers["content-type"] == "application/json"
    document = Document(**{**article, "published": date(2020, 6, 6)})  # type: ignore[arg-type]
    assert answer.json() == client.extractor.read(document).to_dict()
    assert answer.json()["format"] == "libyaevents/1"


def test_a_text_alone(client: Client) -> None:
    """All but the text may be left out, or null; an empty text is a text."""
    assert client.post("/extract", {"text": "سرت", "id": None}).json()["text"] == "سرت"
    assert client.post("/extract", {"text": ""}).json() == {
        "format": "libyaevents/1",
        "text": "",
        "sentences": [],
        "entities": [],
        "events": [],
    }


def test_a_list(client: Client) -> None:
    """A list is answered by JSON Lines in its order; articles may share an id."""
    texts = [f"{TEXTS[number % 3]} {number}" for number in range(100)]
    answer = client.post("/extract", [{"text": text, "id": "x"} for text in texts])
    assert answer.headers["content-type"] == "application/x-ndjson"
    assert [line["text"] for line in answer.lines()] == texts
    assert answer.text.endswith("}\n")


def test_an_empty_list(client: Client) -> None:
    """An empty list has an empty answer."""
    answer = client.post("/extract", [])
    assert (answer.status, answer.body) == (200, b"")


def test_a_list_is_streamed(client: Client) -> None:
    """The first lines are sent while later ones are not read yet."""
    client.extractor.closes_at = "50"
    body = json.dumps([{"text": text, "id": str(number)} for number, text in enumerate(["قصف"] * 500)])

    async def scenario() -> tuple[int, int]:
        async with client.asking("POST", "/extract", [("Host", HOST), JSON], body.encode()) as (
            messages,
            done,
        ):
            while len(messages) < 20:
                await asyncio.wait([done], timeout=0.01)
            n_early = len(messages)
            client.extractor.gate.set()
            await done
            return n_early, len(b"".join(each.get("body", b"") for each in messages).splitlines())

    n_early, n_lines = client.run(scenario())
    assert 20 <= n_early < 500
    assert n_lines == 500


def test_many_clients_at_a_time(client: Client) -> None:
    """Each of many clients gets the answers to its own questions."""

    async def ask(number: int) -> Answer:
        articles = [{"text": f"{TEXTS[0]} {number}-{place}"} for place in range(1 + number % 3)]
        body: Any = articles if number % 2 else articles[0]
        return await client.ask("POST", "/extract", [("Host", HOST), JSON], json.dumps(body).encode())

    async def scenario() -> list[Answer]:
        return list(await asyncio.gather(*(ask(number) for number in range(200))))

    for number, answer in enumerate(client.run(scenario())):
        n_expected = 1 + number % 3 if number % 2 else 1
        expected = [f"{TEXTS[0]} {number}-{place}" for place in range(n_expected)]
        assert [line["text"] for line in answer.lines()] == expected


# Refusals


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"", "malformed JSON"),
        (b"{", "malformed JSON"),
        (b'{"text": "x"} x', "malformed JSON"),
        (b"[" * 100_000, "malformed JSON"),
        (b'{"text": ' + b"9" * 5000 + b"}", "malformed JSON"),
        (b'{"text": "\xff"}', "UTF-8"),
        (b'\xff\xfe{\x00"\x00', "UTF-8"),
        (b'{"text": "x", "text": "y"}', "text"),
        (b'{"text": NaN}', "text"),
        (b'{"text": "\\ud800"}', "text"),
        ({"text": "x", "id": "\ud83d"}, "id"),
        ({}, "text"),
        ({"text": None}, "text"),
        ({"text": 5}, "text"),
        ({"text": ["x"]}, "text"),
        ({"text": "x", "published": "6/6/2020"}, "published"),
        ({"text": "x", "published": "2020-02-31"}, "published"),
        ({"text": "x", "published": "2020-06-06T10:00"}, "published"),
        ({"text": "x", "id": 5}, "id"),
        ({"text": "x", "txet": "y"}, "txet"),
        ({"text": "x", "entities": []}, "entities"),
        ({"text": "x", "format": "libyaevents/1"}, "format"),
        ({"text": "x", "__class__": "y"}, "__class__"),
        (None, "null"),
        (True, "True"),
        ("text", "text"),
        (5, "5"),
        ([{"text": "x"}, "y"], "[1]"),
        ([{"text": "x"}, {"text": 5}], "[1].text"),
        ([[{"text": "x"}]], "[0]"),
        ([{"text": "x"}, {"txet": "y"}], "[1]"),
    ],
)
def test_wrong_requests(client: Client, body: Any, told: str) -> None:
    """What is wrong is refused in one sentence that names it, before anything is read."""
    sent = body if isinstance(body, bytes) else json.dumps(body).encode()
    refused = client.run(client.ask("POST", "/extract", [("Host", HOST), JSON], sent))
    assert refused.status == 422
    assert told in refused.error
    assert "\n" not in refused.error
    assert len(refused.error) < 500
    assert client.extractor.batches == []


def test_too_long_a_text(client: Client) -> None:
    """A text may have 500,000 characters, whatever their bytes; of a list, the place is told."""
    assert client.post("/extract", {"text": "ل" * MAX_TEXT}).status == 200
    single = client.post("/extract", {"text": "ل" * (MAX_TEXT + 1)})
    listed = client.post("/extract", [{"text": "x"}, {"text": "ل" * (MAX_TEXT + 1)}])
    assert (single.status, listed.status) == (422, 422)
    assert "at most 500,000 characters, found 500,001" in single.error
    assert "[1].text" in listed.error


def test_too_many_texts(client: Client) -> None:
    """A list may have 10,000 articles."""
    refused = client.post("/extract", [{"text": "x"}] * (MAX_TEXTS + 1))
    assert (refused.status, "10,001" in refused.error) == (422, True)
    assert len(client.post("/extract", [{"text": "x"}] * MAX_TEXTS).lines()) == MAX_TEXTS


def test_hostile_values_are_not_echoed_whole(client: Client) -> None:
    """What a message quotes is short, and without characters that would reorder it."""
    refused = client.post("/extract", {"text": "x", "\u202eقصف" * 1000: 1})
    assert refused.status == 422
    assert "\u202e" not in refused.error
    assert len(refused.error) < 500


def test_an_article_that_cannot_be_read(client: Client) -> None:
    """An article that the model refuses is the client's fault; one at which it fails is the server's."""
    assert client.post("/extract", {"text": BROKEN}).status == 422
    assert client.post("/extract", {"text": FAULTY}).status == 500
    assert client.post("/extract", {"text": "قصف"}).status == 200


@pytest.mark.parametrize(("text", "status"), [(BROKEN, 422), (FAULTY, 500)])
def test_a_list_that_fails_at_once(client: Client, text: str, status: int) -> None:
    """A list whose first article fails has the status of the fault: nothing was sent before it."""
    refused = client.post("/extract", [{"text": text}, {"text": "قصف"}])
    assert (refused.status, list(refused.json())) == (status, ["error"])


@pytest.mark.parametrize("text", [BROKEN, FAULTY])
def test_a_list_that_fails_later(client: Client, text: str) -> None:
    """A fault after the first line is the last line."""
    answer = client.post("/extract", [{"text": "قصف"}, {"text": "هجوم"}, {"text": text}, {"text": "سرت"}])
    *documents, last = answer.lines()
    assert answer.status == 200
    assert [document["text"] for document in documents] == ["قصف", "هجوم"]
    assert list(last) == ["error"]
    assert "ZeroDivisionError" not in last["error"]


def test_other_paths_and_methods(client: Client) -> None:
    """What is not there is said as everything else is; a method that is not, with those that are."""
    assert client.get("/nothing").json() == {"error": "GET /nothing: not found"}
    refused = client.get("/extract")
    assert (refused.status, refused.headers["allow"]) == (405, "POST")
    assert "POST" in refused.error


@pytest.mark.parametrize("path", ["/docs", "/redoc", "/docs/oauth2-redirect"])
def test_no_page_from_elsewhere(client: Client, path: str) -> None:
    """There is no page of documentation that would load scripts from elsewhere."""
    assert client.get(path).status == 404


# Load


@pytest.mark.parametrize("body", [{"text": "سرت"}, [{"text": "سرت"}] * 3])
def test_too_much_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: Any) -> None:
    """Where a request would wait too long, it is told in whole seconds when to come back, and counted."""
    monkeypatch.setattr(reader, "FIRST_RATE", 10.0)
    extractor = FakeExtractor()

    async def scenario(client: Client) -> tuple[Answer, Answer]:
        extractor.gate.clear()
        first = json.dumps({"text": "قصف " * 1000}).encode()
        async with client.asking("POST", "/extract", [("Host", HOST), JSON], first) as (_, done):
            await asyncio.to_thread(extractor.begun.wait, 20)
            refused = await client.ask("POST", "/extract", [("Host", HOST), JSON], json.dumps(body).encode())
            extractor.gate.set()
            await done
        return refused, await client.ask("POST", "/extract", [("Host", HOST), JSON], b'{"text": "x"}')

    with Client(make_app(tmp_path, extractor), extractor) as client:
        refused, later = client.run(scenario(client))
        assert refused.status == 429
        assert re.fullmatch(r"[1-9]\d*", refused.headers["retry-after"])
        assert f"in {refused.headers['retry-after']} seconds" in refused.error
        assert later.status == 200
        assert value_of(client, "libyaevents_refused_total") == 1


def leaving(body: bytes, leave: asyncio.Event) -> Receive:
    """Receive a body, then that the client left."""
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Message:
        if messages:
            return messages.pop()
        await leave.wait()
        return {"type": "http.disconnect"}

    return receive


@pytest.mark.parametrize("body", [{"text": "سرت"}, [{"text": "سرت"}] * 3])
def test_a_client_that_leaves(client: Client, body: Any) -> None:
    """What a client that left asked for is not read, unless it has begun."""
    headers = [("Host", HOST), JSON]

    async def scenario() -> None:
        leave = asyncio.Event()
        client.extractor.gate.clear()
        async with client.asking("POST", "/extract", headers, '{"text": "هجوم"}'.encode()) as (_, held):
            await asyncio.to_thread(client.extractor.begun.wait, 20)
            receive = leaving(json.dumps(body).encode(), leave)
            async with client.asking("POST", "/extract", headers, receive) as (_, done):
                await asyncio.wait([done], timeout=0.05)
                leave.set()
                await done
            client.extractor.gate.set()
            await held
        await client.ask("POST", "/extract", headers, b'{"text": "x"}')

    client.run(scenario())
    assert client.extractor.batches == [["هجوم"], ["x"]]
    assert value_of(client, 'libyaevents_requests_total{method="POST",route="/extract",status="499"}') == 1
    assert value_of(client, "libyaevents_pending_characters") == 0


def test_a_client_that_leaves_amid_a_list(client: Client) -> None:
    """Of a list whose client leaves, what has not begun is not read."""
    body = json.dumps([{"text": f"قصف {number}"} for number in range(5000)]).encode()

    async def scenario() -> None:
        leave = asyncio.Event()
        receive = leaving(body, leave)
        async with client.asking("POST", "/extract", [("Host", HOST), JSON], receive) as (messages, done):
            while len(messages) < 2:
                await asyncio.wait([done], timeout=0.001)
            leave.set()
            await asyncio.wait([done])

    client.run(scenario())
    client.post("/extract", {"text": "x"})
    assert sum(map(len, client.extractor.batches)) < 5000
    assert value_of(client, "libyaevents_pending_characters") == 0


# Health and numbers


def test_health(client: Client) -> None:
    """The server tells that it runs, its version and its model."""
    health = client.get("/healthz").json()
    assert (health["status"], health["model"], health["model_is_there"]) == ("ok", "compact", True)
    assert re.match(r"\d+\.\d+", health["version"])


def test_a_model_folder_that_vanishes(tmp_path: Path, model_copy: Path, article: Document) -> None:
    """The server reads on when its model's folder is gone, and its health tells."""
    extractor = Extractor.from_pretrained(model_copy, n_threads=1)
    with Client(make_app(tmp_path, extractor, model=str(model_copy))) as client:
        before = client.post("/extract", {"text": article.text})
        assert client.get("/healthz").json()["model_is_there"] is True
        shutil.rmtree(model_copy)
        after = client.post("/extract", {"text": article.text})
        health = client.get("/healthz").json()
    assert (after.status, after.body) == (200, before.body)
    assert (health["status"], health["model_is_there"]) == ("ok", False)


def test_numbers(client: Client) -> None:
    """Requests, articles, characters and batches are counted, in Prometheus' format."""
    client.post("/extract", {"text": "سرت"})
    client.post("/extract", [{"text": "قصف"}, {"text": "درنة"}])
    client.post("/extract", {})
    for path in ("/nothing", "/other", "/static/nothing"):
        client.get(path)
    assert client.get("/metrics").headers["content-type"].startswith("text/plain; version=0.0.4")
    assert value_of(client, 'libyaevents_requests_total{method="POST",route="/extract",status="200"}') == 2
    assert value_of(client, 'libyaevents_requests_total{method="POST",route="/extract",status="422"}') == 1
    assert value_of(client, 'libyaevents_request_seconds_count{route="/extract"}') == 3
    assert value_of(client, "libyaevents_documents_read_total") == 3
    assert value_of(client, "libyaevents_characters_read_total") == len("سرت" + "قصف" + "درنة")
    assert value_of(client, "libyaevents_batch_documents_sum") == 3
    assert value_of(client, "libyaevents_pending_characters") == 0


def test_made_up_paths_make_no_series(client: Client) -> None:
    """However many paths and methods are tried, the numbers do not grow with them."""
    for number in range(50):
        client.get(f"/nothing/{number}")
        client.get(f"/api/documents/{number}")
        client.run(client.ask(f"METHOD{number}", "/", [("Host", HOST)]))
    lines = [line for line in client.get("/metrics").text.splitlines() if "requests_total{" in line]
    assert len(lines) < 10


def test_numbers_of_an_app(client: Client, tmp_path: Path) -> None:
    """Two servers in one process count each for itself."""
    client.post("/extract", {"text": "سرت"})
    with Client(make_app(tmp_path / "other")) as other:
        assert value_of(other, "libyaevents_documents_read_total") == 0
