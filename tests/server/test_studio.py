"""The routes of the page: what they answer, what they refuse, and that what was answered is kept."""

import json
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from fastapi.testclient import TestClient

from libyaevents.documents import Document, Entity, Event, Trigger
from libyaevents.extractor import Extractor
from libyaevents.server.app import create_app
from libyaevents.server.settings import MAX_TEXT, ServerSettings
from libyaevents.server.store import Store
from libyaevents.words import split_words

TEXT = "قصفت المدفعية سرت 😀 فجر الجمعة."
SIRTE = {"id": "T1", "label": "GPE", "start": 14, "end": 17, "text": "سرت"}
SHELLING = {
    "id": "E1",
    "type": "Shelling",
    "trigger": {"start": 0, "end": 4, "text": "قصفت"},
    "factuality": "actual",
    "arguments": [],
}


class Marking(Extractor):
    """Finds «سرت» and «قصفت», and nothing else."""

    def __init__(self) -> None:
        self.engine: Any = None
        self.enrich = None

    def extract_many(self, items: Iterable[str | Document]) -> Iterator[Document]:
        """Yield each document with what is found in it."""
        for item in items:
            assert isinstance(item, Document)
            place, shelling = item.text.find("سرت"), item.text.find("قصفت")
            entity = Entity(id="T1", label="GPE", start=place, end=place + 3, text="سرت")
            event = Event(
                id="E1",
                type="Shelling",
                trigger=Trigger(start=shelling, end=shelling + 4, text="قصفت"),
            )
            yield Document(
                **{
                    name: getattr(item, name)
                    for name in ("id", "title", "published", "source", "url", "text")
                },
                entities=(entity,) if place >= 0 else (),
                events=(event,) if shelling >= 0 else (),
            )


class Page:
    """What the page of the studio sends, under a person's name."""

    def __init__(self, client: TestClient, token: str) -> None:
        self._client, self._token = client, token

    def get(self, path: str) -> Any:
        """Ask for something that is there."""
        answer = self._client.get(f"/api/{path}")
        assert answer.status_code == 200, answer.text
        return answer.json()

    def send(self, path: str, body: Any = None, *, method: str = "POST", author: str = "هدى") -> Any:
        """Send a change."""
        whole = {"author": author, **body} if isinstance(body, dict) else body
        headers = {"X-Libyaevents-Token": self._token, "Content-Type": "application/json"}
        content = json.dumps(whole or {"author": author})  # ASCII, in which a lone surrogate can be written
        return self._client.request(method, f"/api/{path}", content=content, headers=headers)

    def done(self, path: str, body: Any = None, **options: Any) -> Any:
        """Send a change that is accepted."""
        answer = self.send(path, body, **options)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def refused(self, status: int, path: str, body: Any = None, **options: Any) -> str:
        """Send a change that is refused, and return what is wrong with it."""
        answer = self.send(path, body, **options)
        assert answer.status_code == status, answer.text
        return str(answer.json()["error"])

    def add(self, text: str = TEXT, **fields: Any) -> int:
        """Add an article and return its number."""
        (item,) = self.done("documents", {"documents": [{"text": text, **fields}]})["documents"]
        return int(item["number"])

    def change(self, number: int, base: int, *, author: str = "هدى", **fields: Any) -> Any:
        """Change a layer."""
        body = {"layer": "shared", "base": base, "change_id": str(uuid4()), **fields}
        return self.done(f"documents/{number}/changes", body, author=author)


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Page]:
    """The page of an empty studio."""
    app = create_app(ServerSettings(data=tmp_path / "data", model="compact"), extractor=Marking())
    with TestClient(app, base_url="http://127.0.0.1:8765", raise_server_exceptions=False) as client:
        yield Page(client, app.state.token)


# What is there


def test_state(page: Page) -> None:
    """The page learns the version, the models, every label with its definition, and the formats."""
    state = page.get("state")
    assert (state["user"], state["model"]["name"], state["model"]["is_there"]) == (None, "compact", True)
    assert "compact" in state["models"]
    kinds = ("entity_types", "event_types", "roles", "factuality")
    for kind in kinds:
        assert all(each["name"] and each["definition"] for each in state["ontology"][kind])
    assert {"family", "typical_roles"} <= set(state["ontology"]["event_types"][0])
    assert {"name": "brat", "kind": "folder", "suffix": ""}.keys() == state["formats"]["annotation"][0].keys()
    assert page.get("documents") == {"documents": []}


def test_added_article(page: Page) -> None:
    """An article is read by the model, and is in the list and in its layer with what was found."""
    day = {"published": "2020-06-05", "source": "وكالة", "title": "قصف", "url": "https://example.org/1"}
    number = page.add(**day)
    (item,) = page.get("documents")["documents"]
    assert (item["number"], item["id"], item["title"], item["published"]) == (
        number,
        f"article-{number}",
        "قصف",
        "2020-06-05",
    )
    assert (item["n_words"], item["first_words"], item["added_by"]) == (len(split_words(TEXT)), TEXT, "هدى")
    (layer,) = item["layers"]
    assert (layer["name"], layer["state"], layer["revision"]) == ("shared", "new", 0)
    assert (layer["n_entities"], layer["n_events"]) == (1, 1)
    opened = page.get(f"documents/{number}")
    assert (opened["number"], opened["layer"], opened["revision"], opened["state"]) == (
        number,
        "shared",
        0,
        "new",
    )
    assert opened["document"]["entities"] == [SIRTE]
    assert opened["document"]["events"] == [SHELLING]
    assert {name: opened["document"][name] for name in day} == day
    # Offsets count code points: the emoji is one.
    assert [TEXT[start:end] for start, end in opened["words"]][:4] == ["قصفت", "المدفعية", "سرت", "😀"]


def test_facts_are_resolved_for_display(page: Page) -> None:
    """Places are resolved where the page asks for the facts, and not in what is stored."""
    number = page.add()
    (resolved,) = page.get(f"documents/{number}/facts")["entities"]
    assert resolved["place"]["name"]
    assert "place" not in page.get(f"documents/{number}")["document"]["entities"][0]


def test_same_text_twice(page: Page) -> None:
    """A text that is there is told by its number, and kept once, also within one request."""
    number = page.add()
    answer = page.done(
        "documents", {"documents": [{"text": TEXT, "id": "آخر"}, {"text": "غارة"}, {"text": "غارة"}]}
    )
    (added,) = answer["documents"]
    assert answer["already"] == [number, added["number"]]
    assert len(page.get("documents")["documents"]) == 2


def test_ids_are_given_once(page: Page) -> None:
    """An article without an id is named by its number; one with an id that is there gets another."""
    for text, id in (("أولى", None), ("ثانية", "خبر"), ("ثالثة", "خبر"), ("رابعة", " ")):
        page.add(text, id=id)
    assert [item["id"] for item in page.get("documents")["documents"]] == [
        "article-1",
        "خبر",
        "خبر-2",
        "article-4",
    ]


# Changes


def test_change(page: Page) -> None:
    """Items are put and removed by their ids; the answer has the revision, the list shows who did it."""
    number = page.add()
    answer = page.change(
        number, 0, put={"entities": [SIRTE | {"label": "LOC"}]}, remove=["E1"], author="سالم"
    )
    opened = page.get(f"documents/{number}")
    assert (answer["revision"], answer["changed_at"]) == (1, opened["changed_at"])
    assert (opened["state"], opened["changed_by"]) == ("changed", "سالم")
    assert opened["document"]["entities"] == [SIRTE | {"label": "LOC"}]
    assert opened["document"]["events"] == []
    page.change(number, 1, state="done")
    assert page.get("documents")["documents"][0]["layers"][0]["state"] == "done"


def test_history_can_be_sent_again(page: Page) -> None:
    """What was there before a change is in the history as it was, and put back undoes the change."""
    number = page.add()
    page.change(number, 0, put={"entities": [SIRTE | {"label": "LOC"}]}, remove=["E1"], author="سالم")
    (change,) = page.get(f"documents/{number}/changes")["changes"]
    assert (change["revision"], change["author"], change["remove"], change["state"]) == (
        1,
        "سالم",
        ["E1"],
        None,
    )
    assert change["before"] == {"entities": [SIRTE], "events": [SHELLING]}
    page.change(number, 1, put=change["before"])
    document = page.get(f"documents/{number}")["document"]
    assert (document["entities"], document["events"]) == ([SIRTE], [SHELLING])
    assert [each["revision"] for each in page.get(f"documents/{number}/changes")["changes"]] == [2, 1]
    assert [each["revision"] for each in page.get(f"documents/{number}/changes?before=2")["changes"]] == [1]


def test_change_that_comes_again(page: Page) -> None:
    """A change whose answer was lost is answered again as it was; another one with its id is refused."""
    number = page.add()
    body = {"layer": "shared", "base": 0, "change_id": str(uuid4()), "state": "done"}
    first = page.done(f"documents/{number}/changes", body)
    page.change(number, 1, state="changed")
    assert page.done(f"documents/{number}/changes", body) == first
    assert page.get(f"documents/{number}")["state"] == "changed"
    error = page.refused(422, f"documents/{number}/changes", body | {"state": "new"})
    assert "of another change" in error


def test_conflict(page: Page) -> None:
    """A change of an older revision changes nothing, and is told what was changed since, and by whom."""
    number = page.add()
    page.change(number, 0, remove=["E1"], author="سالم")
    body = {
        "layer": "shared",
        "base": 0,
        "change_id": str(uuid4()),
        "put": {"entities": [SIRTE | {"label": "LOC"}]},
    }
    answer = page.send(f"documents/{number}/changes", body)
    assert answer.status_code == 409
    conflict = answer.json()
    assert "سالم" in conflict["error"]
    opened = page.get(f"documents/{number}")
    assert {key: conflict[key] for key in ("revision", "changed_at", "changed_by", "document")} == {
        key: opened[key] for key in ("revision", "changed_at", "changed_by", "document")
    }
    assert (conflict["revision"], conflict["changed_by"]) == (1, "سالم")
    assert [(each["author"], each["before"]["events"]) for each in conflict["changes"]] == [
        ("سالم", [SHELLING])
    ]
    assert page.done(f"documents/{number}/changes", body | {"base": 1})["revision"] == 2


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"put": {"entities": [SIRTE | {"end": 18}]}}, "document's text[14:18]"),
        ({"put": {"entities": [SIRTE | {"label": "TOWN"}]}}, "expected a known label, found 'TOWN'"),
        ({"put": {"entities": [SIRTE | {"colour": "red"}]}}, "put.entities[0].colour"),
        ({"put": {"entities": [SIRTE, SIRTE]}}, "each id once"),
        ({"put": {"events": [SHELLING | {"id": "T1"}]}}, "of an entity and an event"),
        ({"put": [SIRTE]}, "put: expected a JSON object"),
        ({"remove": ["E1", 7]}, "remove[1]: expected a string"),
        ({"state": "right"}, "state: expected one of new, changed, done"),
        ({"change_id": ""}, "make a random UUID"),
        ({"base": "0"}, "base: expected a whole number"),
        ({"author": " "}, "give your name"),
        ({"author": "هدى\u200f\n"}, "printable"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_refused_changes(page: Page, fields: dict[str, Any], error: str) -> None:
    """What is wrong with a change is said with its place, and nothing is stored."""
    number = page.add()
    body = {"layer": "shared", "base": 0, "change_id": str(uuid4()), "put": {"entities": [SIRTE]}}
    assert error in page.refused(422, f"documents/{number}/changes", body | fields)
    assert page.get(f"documents/{number}")["revision"] == 0
    assert page.get(f"documents/{number}/changes")["changes"] == []


@pytest.mark.parametrize("number", ["7", "0", "-1", str(2**63), str(10**400)])
def test_documents_that_are_not_there(page: Page, number: str) -> None:
    """A number that no document has is told, however large; so is a layer, with those that there are."""
    page.add()
    for path in (f"documents/{number}", f"documents/{number}/facts", f"documents/{number}/changes"):
        with pytest.raises(AssertionError, match=r"expected the number|valid integer"):
            page.get(path)
    with pytest.raises(AssertionError, match=r"one of its layers.*known: shared"):
        page.get("documents/1?layer=هدى")


def test_revisions_beyond_all_numbers(page: Page) -> None:
    """A revision that no database could hold is one that is not there."""
    number = page.add()
    body = {"base": 10**30, "change_id": str(uuid4()), "state": "done"}
    assert "found one of revision 1000" in page.refused(409, f"documents/{number}/changes", body)
    assert page.get(f"documents/{number}/changes?before={10**30}")["changes"] == []
    assert page.get(f"documents/{number}/changes?before=-{10**30}")["changes"] == []


def test_refused_articles(page: Page) -> None:
    """An article needs words, and not too many; nothing of a request with a wrong one is added."""
    for wrong, error in (
        ({"text": " \n"}, "documents[1].text: expected an article, found nothing but space"),
        ({"text": "ا" * (MAX_TEXT + 1)}, "cut it into articles"),
        ({"text": "نص", "published": "أمس"}, "documents[1].published: expected a date"),
        ({"text": "نص\ud800"}, "lone surrogate"),
        ({"txt": "نص"}, "txt"),
    ):
        assert error in page.refused(422, "documents", {"documents": [{"text": TEXT}, wrong]})
    assert page.get("documents") == {"documents": []}


# Layers, hiding


def test_own_layer(page: Page) -> None:
    """A person's own reading begins from the model's or from nothing, whatever the shared one is by now."""
    number = page.add()
    page.change(number, 0, remove=["E1"])
    mine = page.done(f"documents/{number}/layers", {"start": "model"}, author="سالم")
    assert (mine["layer"], mine["state"], mine["document"]["events"]) == ("سالم", "new", [SHELLING])
    assert (
        page.done(f"documents/{number}/layers", {"start": "empty"}, author="منى")["document"]["entities"]
        == []
    )
    page.change(number, 0, layer="سالم", remove=["T1"], author="سالم")
    # Asked for again it is as it stands.
    assert page.done(f"documents/{number}/layers", {"start": "empty"}, author="سالم")["revision"] == 1
    assert page.get(f"documents/{number}?layer=سالم")["document"]["entities"] == []
    names = [layer["name"] for layer in page.get("documents")["documents"][0]["layers"]]
    assert names == ["shared", "سالم", "منى"]
    assert "choose another" in page.refused(422, f"documents/{number}/layers", {}, author="shared")


def test_own_layer_of_an_imported_document(page: Page, tmp_path: Path) -> None:
    """Where the model has read nothing, no reading begins from it without a word."""
    with closing(Store(tmp_path / "data")) as store:
        number = store.add(Document(text=TEXT), author="هدى", is_model_reading=False).number
    assert "begin from nothing" in page.refused(422, f"documents/{number}/layers", {"start": "model"})
    assert page.done(f"documents/{number}/layers", {"start": "empty"})["revision"] == 0


def test_hidden_and_brought_back(page: Page) -> None:
    """A document that was taken out is in no list, and comes back as it was."""
    number = page.add()
    page.change(number, 0, state="done")
    page.done(f"documents/{number}", method="DELETE")
    assert page.get("documents") == {"documents": []}
    assert "expected the number" in page.refused(404, f"documents/{number}/layers", {"start": "model"})
    page.done(f"documents/{number}/restore")
    assert page.get(f"documents/{number}")["state"] == "done"
    page.done(f"documents/{number}", method="DELETE")
    assert page.add() == number + 1
    assert "take that one out first" in page.refused(422, f"documents/{number}/restore")


# Faults


def test_what_was_not_saved(page: Page, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the database takes nothing, the answer says so; nothing is lost, and the next try is saved."""
    number = page.add()
    stores: list[Store] = []
    change = Store.change

    def noted(store: Store, *arguments: Any, **options: Any) -> Any:
        stores.append(store)
        return change(store, *arguments, **options)

    monkeypatch.setattr(Store, "change", noted)
    page.change(number, 0, state="done")
    stores[0]._database.execute("PRAGMA query_only = 1")
    body = {"layer": "shared", "base": 1, "change_id": str(uuid4()), "remove": ["E1"]}
    for path, sent in (
        (f"documents/{number}/changes", body),
        ("documents", {"documents": [{"text": "غارة"}]}),
    ):
        assert "was not saved" in page.refused(507, path, sent)
    assert page.get(f"documents/{number}")["document"]["events"] == [SHELLING]
    stores[0]._database.execute("PRAGMA query_only = 0")
    assert page.done(f"documents/{number}/changes", body)["revision"] == 2
    assert page.get(f"documents/{number}")["document"]["events"] == []


def test_restart(tmp_path: Path) -> None:
    """What was answered is there after the server has started again."""
    for revision in range(3):
        app = create_app(ServerSettings(data=tmp_path / "data", model="compact"), extractor=Marking())
        with TestClient(app, base_url="http://127.0.0.1:8765") as client:
            page = Page(client, app.state.token)
            number = page.add() if revision == 0 else 1
            assert page.change(number, revision, state="done")["revision"] == revision + 1
