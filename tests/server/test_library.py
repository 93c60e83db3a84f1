"""The routes over many documents: the review queue, agreement, pictures, retraining and models."""

import json
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from libyaevents.documents import Document
from libyaevents.enrich import enrich
from libyaevents.extractor import WordScores
from libyaevents.server.facts import Facts
from libyaevents.server.retraining import Retraining
from libyaevents.server.store import Store
from libyaevents.words import split_sentences, split_words
from tests.server.client import Client, FakeExtractor, make_app
from tests.server.test_retraining import FAKE, until

AUTHOR = {"author": "هدى"}


class Doubter(FakeExtractor):
    """Is unsure of the words ربما and لعل, and sure of all others."""

    def __init__(self) -> None:
        super().__init__()
        self.scored: list[str] = []

    def score_words(self, items: Iterable[str | Document]) -> Iterator[WordScores]:
        """Yield the logits of two tags."""
        for document in items:
            assert isinstance(document, Document)
            self.scored.append(document.text)
            words = split_words(document.text)
            sentences = tuple(split_sentences(document.text))
            firsts = [sum(start < limit for start, _ in words) for limit, _ in sentences]
            logits = np.array(
                [[0.0 if document.text[start:end] in ("ربما", "لعل") else 9.0, 0.0] for start, end in words],
                np.float32,
            )
            yield WordScores(
                document=Document(id=document.id, text=document.text, sentences=sentences),
                sentences=tuple(zip(firsts, [*firsts[1:], len(words)], strict=True)),
                # Documents about different things, so that none is chosen for being unlike the others.
                states=np.eye(len(words), 50, hash(document.id) % 40, dtype=np.float32),
                entity_logits=logits.copy(),
                trigger_logits=logits,
            )


@pytest.fixture
def doubter() -> Doubter:
    """Return the extractor of the page."""
    return Doubter()


@pytest.fixture
def ending() -> str:
    """How a retraining ends; tests may give another."""
    return "accept"


@pytest.fixture
def start_server(
    tmp_path: Path, doubter: Doubter, ending: str, monkeypatch: pytest.MonkeyPatch
) -> Callable[[], Client]:
    """Return what makes a client of a new app on one data folder, with a fake model and a fake retraining."""
    script = tmp_path / "fake.py"
    script.write_text(FAKE, encoding="utf-8")
    command = (sys.executable, str(script), ending)
    monkeypatch.setattr("libyaevents.server.app.Retraining", partial(Retraining, command=command))
    model = tmp_path / "my-model"
    model.mkdir()
    (model / "config.json").write_text("{}", encoding="utf-8")
    return lambda: Client(make_app(tmp_path, doubter, model=str(model)), doubter)


@pytest.fixture
def page(start_server: Callable[[], Client]) -> Iterator[Client]:
    """Return a client of a running app."""
    with start_server() as client:
        yield client


def add(page: Client, *texts: str) -> list[int]:
    """Add articles and return their numbers."""
    body = {**AUTHOR, "documents": [{"text": text} for text in texts]}
    return [item["number"] for item in page.change("/api/documents", body).json()["documents"]]


def set_state(page: Client, number: int, state: str, base: int = 0, layer: str = "shared") -> None:
    """Call a layer done, or not."""
    body = {
        "layer": layer,
        "base": base,
        "change_id": f"change {number} {layer} {base}",
        "state": state,
        **AUTHOR,
    }
    answer = page.change(f"/api/documents/{number}/changes", body)
    assert answer.status == 200, answer.text


def queued(page: Client, n: int = 10) -> list[dict[str, Any]]:
    """Return the queue."""
    answer = page.change("/api/queue", {"n": n})
    assert answer.status == 200, answer.text
    documents: list[dict[str, Any]] = answer.json()["documents"]
    return documents


# The queue


def test_queue(page: Client) -> None:
    """What the model is least sure of comes first, with the sentences that it is unsure of."""
    sure, unsure, half = add(page, "قصف سرت.", "هدوء في غات. ربما لعل.", "غارة على درنة ربما فجر أمس الأول.")
    found = queued(page)
    assert [item["number"] for item in found] == [unsure, half, sure]
    assert found[0]["uncertain_sentences"] == [[13, 22]]
    assert found[0]["uncertainty"] > found[1]["uncertainty"] > found[2]["uncertainty"] >= 0
    assert [item["number"] for item in queued(page, 1)] == [unsure]


def test_queue_follows_the_documents(page: Client, doubter: Doubter) -> None:
    """What is done or hidden leaves the queue, what is new joins it; each text is measured once."""
    first, second = add(page, "ربما قصف.", "لعل غارة.")
    assert {item["number"] for item in queued(page)} == {first, second}
    set_state(page, first, "done")
    assert [item["number"] for item in queued(page)] == [second]
    page.change(f"/api/documents/{second}", AUTHOR, method="DELETE")
    assert queued(page) == []
    set_state(page, first, "changed", base=1)
    (third,) = add(page, "ربما انسحاب.")
    assert {item["number"] for item in queued(page)} == {first, third}
    assert sorted(doubter.scored) == sorted(["ربما قصف.", "لعل غارة.", "ربما انسحاب."])


@pytest.mark.parametrize("body", [{"n": 0}, {"n": -3}, {"n": "many"}, {"m": 1}, [], {"n": 1.5}])
def test_refused_queues(page: Client, body: Any) -> None:
    """A number that is none is refused."""
    answer = page.change("/api/queue", body)
    assert answer.status == 422
    assert "expected" in answer.error


# Agreement


def test_agreement(page: Client) -> None:
    """Two layers are compared over the documents that have both."""
    first, second = add(page, "سرت تحت القصف", "غات هادئة")
    for number, start in ((first, "model"), (second, "empty")):
        assert page.change(f"/api/documents/{number}/layers", {**AUTHOR, "start": start}).status == 200
    answer = page.get("/api/agreement?first=shared&second=%D9%87%D8%AF%D9%89").json()
    assert answer["n_documents"] == 2
    scores = answer["scores"]["entities"]
    assert (scores["n_first"], scores["n_second"], scores["n_both"], scores["recall"]) == (2, 1, 1, 0.5)
    assert answer["documents"][0]["differences"] == []
    (difference,) = answer["documents"][1]["differences"]
    assert (difference["kind"], difference["first"], difference["second"], difference["text"]) == (
        "entity", "GPE", None, "غات",
    )  # fmt: skip
    assert page.get("/api/agreement?first=shared&second=nobody").json()["n_documents"] == 0
    assert page.get("/api/agreement?first=shared").status == 422


# Pictures


def test_pictures(page: Client) -> None:
    """Map, timeline, claims and the page of a document are pages that may run nothing and load nothing."""
    (number,) = add(page, "<script>alert(1)</script> قصف سرت")
    for path in ("pictures/map", "pictures/timeline", "pictures/claims", f"documents/{number}/page"):
        answer = page.get(f"/api/{path}")
        assert answer.status == 200
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "sandbox" in policy
        assert "script-src" not in policy
        assert "<script>" not in answer.text
    assert page.get("/api/pictures/chart").status == 422
    assert page.get("/api/pictures/map?numbers=x").status == 422
    assert page.get("/api/documents/99/page").status == 404
    assert page.get(f"/api/pictures/map?numbers={number}&layer=nobody").status == 200


def test_facts_are_resolved_once(page: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """A revision is resolved for the first picture, not for the others; an edit makes a new one."""
    (number,) = add(page, "سرت تحت القصف")
    resolved: list[str] = []

    def counted(document: Document) -> Document:
        resolved.append(document.text)
        return enrich(document)

    monkeypatch.setattr("libyaevents.server.facts.enrich", counted)
    for path in ("pictures/map", "pictures/timeline", "pictures/map"):
        assert page.get(f"/api/{path}").status == 200
    assert len(resolved) == 1
    set_state(page, number, "done")
    assert page.get("/api/pictures/map").status == 200
    assert len(resolved) == 2


def test_few_facts_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of many documents the last few that were asked for stay resolved."""
    monkeypatch.setattr("libyaevents.server.facts.N_KEPT", 2)
    with closing(Store(tmp_path)) as store:
        for number in range(4):
            store.add(Document(text=f"قصف {number}"), author="هدى", is_model_reading=True)
        facts = Facts(store)
        assert [document.text for document in facts.all("shared", [1, 2, 3])] == ["قصف 0", "قصف 1", "قصف 2"]
        first = facts.of(2, "shared")
        facts.of(4, "shared")
        assert facts.of(2, "shared") is first
        assert len(facts._kept) == 2


# Retraining and models


def test_retraining(page: Client) -> None:
    """What is done is learnt; the report and the new model are offered."""
    done, _ = add(page, "سرت تحت القصف", "غات هادئة")
    assert page.get("/api/retraining").json()["state"] == "idle"
    assert page.get("/api/retraining/report").status == 404
    refused = page.change("/api/retraining", AUTHOR)
    assert (refused.status, "found none that is done" in refused.error) == (422, True)
    set_state(page, done, "done")
    started = page.change("/api/retraining", {**AUTHOR, "force": False, "layer": "shared"})
    assert started.status == 200
    assert (started.json()["author"], started.json()["n_documents"]) == ("هدى", 1)
    until(lambda: page.get("/api/retraining").json()["state"] != "running")
    status = page.get("/api/retraining").json()
    assert (status["state"], status["has_report"]) == ("accepted", True)
    report = page.get("/api/retraining/report")
    assert "Accepted" in report.text
    assert "sandbox" in report.headers["content-security-policy"]
    assert "retrained" in page.get("/api/state").json()["models"]


@pytest.mark.parametrize("ending", ["wait"])
def test_one_at_a_time(page: Client) -> None:
    """While one runs a second is a conflict; it can be stopped."""
    (number,) = add(page, "سرت تحت القصف")
    set_state(page, number, "done")
    assert page.change("/api/retraining", AUTHOR).status == 200
    second = page.change("/api/retraining", AUTHOR)
    assert (second.status, "found one" in second.error) == (409, True)
    assert page.change("/api/retraining", AUTHOR, method="DELETE").json()["state"] == "stopped"


def test_vanished_model(page: Client, tmp_path: Path) -> None:
    """Where the folder of the model in use has vanished, reading goes on, and retraining says what to do."""
    (number,) = add(page, "سرت تحت القصف")
    set_state(page, number, "done")
    shutil.rmtree(tmp_path / "my-model")
    assert page.get("/api/state").json()["model"]["is_there"] is False
    answer = page.change("/api/retraining", AUTHOR)
    assert (answer.status, "use another" in answer.error) == (422, True)
    assert add(page, "غات هادئة")


def test_model_that_is_not_there(page: Client) -> None:
    """An unknown name is refused and the model that reads goes on; a path is no name."""
    before = page.get("/api/state").json()["model"]
    for name in ("retrained", "../my-model", "/etc", ""):
        answer = page.change("/api/model", {**AUTHOR, "model": name})
        assert answer.status == 422, name
    assert page.get("/api/state").json()["model"] == before


def test_changes_need_an_author(page: Client) -> None:
    """Whoever starts or stops a retraining, or changes the model, says who it is."""
    for method, path, body in (
        ("POST", "retraining", {}),
        ("DELETE", "retraining", {}),
        ("POST", "model", {"model": "compact"}),
        ("POST", "import", {"format": "text", "files": []}),
    ):
        answer = page.change(f"/api/{path}", body, method=method)
        assert (answer.status, "author" in answer.error) == (422, True), path


@pytest.mark.parametrize("ending", ["wait"])
def test_server_that_ends(start_server: Callable[[], Client], tmp_path: Path) -> None:
    """A server that ends stops its retraining; the next one knows that it can go on."""
    with start_server() as page:
        (number,) = add(page, "سرت تحت القصف")
        set_state(page, number, "done")
        assert page.change("/api/retraining", AUTHOR).status == 200
    with start_server() as page:
        assert page.get("/api/retraining").json()["state"] == "stopped"
    (run,) = (tmp_path / "data" / "retraining").glob("*/run.json")
    assert json.loads(run.read_text(encoding="utf-8"))["state"] == "stopped"
