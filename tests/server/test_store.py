"""The store: edits applied or refused as a whole, conflicts, idempotence, and what outlives a crash."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from libyaevents.documents import Argument, Casualties, Document, Entity, Event, Timex, Trigger
from libyaevents.errors import DocumentError, InputError, LabelError, OutputError
from libyaevents.server.edits import Change, ConflictError, Edit, Items, NotFoundError, NotSavedError, State
from libyaevents.server.store import FILE, Store

TEXT = "نفى المسماري قصف سرت أمس 😀 وقال إن قواته انسحبت."
PLACE = Entity(id="T1", label="GPE", start=17, end=20, text="سرت")
MAN = Entity(id="T2", label="PERSON", start=4, end=12, text="المسماري")
SHELLING = Event(
    id="E1",
    type="Shelling",
    factuality="negated",
    trigger=Trigger(start=13, end=16, text="قصف"),
    arguments=(Argument(role="Place", start=17, end=20, text="سرت", entity_id="T1"),),
)
ARTICLE = Document(id="خبر", title="نفي", text=TEXT, entities=(MAN, PLACE), events=(SHELLING,))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """Return an empty store."""
    with closing(Store(tmp_path / "data")) as store:
        yield store


def add(store: Store, document: Document = ARTICLE) -> int:
    """Add a document as the model read it, and return its number."""
    return store.add(document, author="هدى", is_model_reading=True).number


def edit(
    base: int,
    *put: Entity | Event,
    remove: tuple[str, ...] = (),
    layer: str = "shared",
    state: State | None = None,
) -> Edit:
    """Return an edit that puts entities and events."""
    items = Items(
        entities=tuple(item for item in put if isinstance(item, Entity)),
        events=tuple(item for item in put if isinstance(item, Event)),
    )
    return Edit(layer=layer, change_id=str(uuid4()), base=base, put=items, remove=remove, state=state)


def database(store: Store) -> sqlite3.Connection:
    """Open what the store wrote, beside it."""
    connection = sqlite3.connect(store.folder / FILE)
    connection.row_factory = sqlite3.Row
    return connection


# Adding


def test_added_document_comes_back(store: Store) -> None:
    """What was added is in the list and in its layer, as it was."""
    number = add(store)
    (listed,) = store.listing()
    assert (listed["number"], listed["id"], listed["title"], listed["added_by"]) == (
        number,
        "خبر",
        "نفي",
        "هدى",
    )
    assert (listed["n_words"], listed["first_words"]) == (11, TEXT)
    (layer,) = listed["layers"]
    assert (layer["name"], layer["state"], layer["revision"]) == ("shared", "new", 0)
    assert (layer["n_entities"], layer["n_events"]) == (2, 1)
    found = store.layer(number)
    assert (found.document, found.state, found.revision) == (ARTICLE, "new", 0)
    assert list(store.documents()) == [ARTICLE]


def test_same_text_is_kept_once(store: Store) -> None:
    """A text that is there is not added again, whatever its id; another text gets an id of its own."""
    number = add(store)
    again = store.add(replace(ARTICLE, id="آخر"), author="سالم", is_model_reading=True)
    assert (again.number, again.is_new) == (number, False)
    other = store.add(Document(id="خبر", text="غارة"), author="سالم", is_model_reading=True)
    assert other.is_new
    assert [item["id"] for item in store.listing()] == ["خبر", "خبر-2"]


def test_import_keeps_what_is_resolved(store: Store) -> None:
    """Times, figures and scores of what is added come back as they came."""
    event = replace(
        SHELLING, time=Timex(value="2020-06-05"), casualties=(Casualties(kind="killed", best=3),), score=0.5
    )
    rich = replace(ARTICLE, events=(event,), metadata={"لغة": "ar"}, sentences=((0, 26), (27, len(TEXT))))
    assert store.layer(add(store, rich)).document == rich


def test_own_layers(store: Store) -> None:
    """A reading of one's own begins with the model's first one, whatever was corrected, or with nothing."""
    number = add(store)
    store.change(number, edit(0, remove=("E1",)), author="هدى")
    assert store.add_own_layer(number, "سالم", is_empty=False).document == ARTICLE
    assert store.add_own_layer(number, "منى", is_empty=True).document == replace(
        ARTICLE, entities=(), events=()
    )
    assert store.layer(number, "shared").document.events == ()
    store.change(number, edit(0, layer="سالم", remove=("E1",)), author="سالم")
    again = store.add_own_layer(number, "سالم", is_empty=False)
    assert (again.revision, again.document.events) == (1, ())
    (listed,) = store.listing()
    assert [layer["name"] for layer in listed["layers"]] == ["shared", "سالم", "منى"]
    assert [document.id for document in store.documents(layer="منى")] == ["خبر"]
    with pytest.raises(NotFoundError, match=r"one of its layers"):
        store.layer(number, "أحمد")


def test_hidden_documents(store: Store) -> None:
    """A hidden document is in no list; it comes back as it was, unless its text is there again."""
    number = add(store)
    store.change(number, edit(0, state="done"), author="هدى")
    store.hide(number, "هدى")
    assert store.listing() == []
    assert list(store.documents()) == []
    for ask in (store.layer, store.changes):
        with pytest.raises(NotFoundError):
            ask(number)
    store.hide(number, "سالم", is_hidden=False)
    assert store.layer(number).state == "done"
    store.hide(number, "هدى")
    assert add(store) != number
    with pytest.raises(DocumentError, match="bring back"):
        store.hide(number, "هدى", is_hidden=False)


# Changes


def test_put_replaces_or_adds(store: Store) -> None:
    """An item that is put takes the place of the one with its id, or is new; the items stay in text order."""
    number = add(store)
    new = Event(id="E2", type="Withdraw", trigger=Trigger(start=42, end=48, text=TEXT[42:48]))
    revision, _ = store.change(number, edit(0, replace(PLACE, label="LOC"), new), author="سالم")
    found = store.layer(number)
    assert (revision, found.revision, found.state, found.changed_by) == (1, 1, "changed", "سالم")
    assert found.document.entities == (MAN, replace(PLACE, label="LOC"))
    assert found.document.events == (SHELLING, new)


def test_remove(store: Store) -> None:
    """What is removed is gone; an id that is not there removes nothing."""
    number = add(store)
    store.change(number, edit(0, remove=("E1", "T2", "T9")), author="هدى")
    assert store.layer(number).document == replace(ARTICLE, entities=(PLACE,), events=())


def test_removed_entity_of_an_argument(store: Store) -> None:
    """An entity that an argument names goes only with the argument's link."""
    number = add(store)
    with pytest.raises(DocumentError, match="the id of an entity of this document"):
        store.change(number, edit(0, remove=("T1",)), author="هدى")
    freed = replace(SHELLING, arguments=(replace(SHELLING.arguments[0], entity_id=None),))
    store.change(number, edit(0, freed, remove=("T1",)), author="هدى")
    assert store.layer(number).document == replace(ARTICLE, entities=(MAN,), events=(freed,))


@pytest.mark.parametrize(
    ("item", "error"),
    [
        (replace(PLACE, end=21), DocumentError),
        (replace(PLACE, text="درنة"), DocumentError),
        (replace(PLACE, label="VILLAGE"), LabelError),
        (replace(SHELLING, type="Bombardment"), LabelError),
        (replace(SHELLING, factuality="maybe"), LabelError),
        (replace(SHELLING, arguments=(replace(SHELLING.arguments[0], role="Victim"),)), LabelError),
        (replace(SHELLING, arguments=(replace(SHELLING.arguments[0], entity_id="T7"),)), DocumentError),
        (replace(PLACE, score=1.5), DocumentError),
    ],
)
def test_invalid_result(store: Store, item: Entity | Event, error: type[Exception]) -> None:
    """An edit that would make no valid document is refused as a whole."""
    number = add(store)
    before = store.layer(number)
    with pytest.raises(error):
        store.change(number, edit(0, replace(MAN, label="ORG"), item, state="done"), author="هدى")
    assert store.layer(number) == before
    assert store.changes(number) == []


def test_states(store: Store) -> None:
    """A layer is new, then changed; done and back is a change, too, and editing leaves it as it is."""
    number = add(store)
    steps: list[tuple[State | None, str]] = [
        (None, "changed"),
        ("done", "done"),
        (None, "done"),
        ("changed", "changed"),
        ("new", "new"),
    ]
    for base, (state, expected) in enumerate(steps):
        store.change(number, edit(base, MAN, state=state), author="هدى")
        assert store.layer(number).state == expected
    assert [change.state for change in store.changes(number)] == ["new", "changed", None, "done", None]


def test_history(store: Store) -> None:
    """Each change is kept with author, time, what was put and removed, and what was there before."""
    number = add(store)
    store.change(number, edit(0, replace(MAN, label="ORG"), remove=("E1",)), author="سالم")
    (change,) = store.changes(number)
    assert (change.revision, change.author, list(change.remove)) == (1, "سالم", ["E1"])
    assert change.at == store.layer(number).changed_at
    assert [item["label"] for item in change.put["entities"]] == ["ORG"]
    assert [item["label"] for item in change.before["entities"]] == ["PERSON"]
    assert [item["id"] for item in change.before["events"]] == ["E1"]


def test_history_in_pages(store: Store) -> None:
    """The newest 200 changes come first; those before a revision follow."""
    number = add(store)
    for base in range(205):
        store.change(number, edit(base, state="done"), author="هدى")
    first = store.changes(number)
    assert [change.revision for change in first] == list(range(205, 5, -1))
    assert [change.revision for change in store.changes(number, before=6)] == [5, 4, 3, 2, 1]


def test_everything_is_noted(store: Store) -> None:
    """Adding, layers, changes, hiding and bringing back are rows with author and time."""
    number = add(store)
    store.change(number, edit(0, state="done"), author="سالم")
    store.add_own_layer(number, "منى", is_empty=True)
    store.hide(number, "هدى")
    store.hide(number, "منى", is_hidden=False)
    with closing(database(store)) as connection:
        rows = connection.execute("SELECT kind, author, at FROM changes ORDER BY id").fetchall()
    assert [row["kind"] for row in rows] == ["added", "layer", "changed", "layer", "hidden", "restored"]
    assert [row["author"] for row in rows] == ["هدى", "هدى", "سالم", "منى", "هدى", "منى"]
    assert all(row["at"].endswith("+00:00") for row in rows)


# Two people


def test_conflict(store: Store) -> None:
    """A change of an older revision is refused, with what was changed since and how the layer stands."""
    number = add(store)
    store.change(number, edit(0, replace(PLACE, label="LOC")), author="سالم")
    with pytest.raises(ConflictError, match="سالم") as caught:
        store.change(number, edit(0, replace(PLACE, label="FAC")), author="هدى")
    assert caught.value.layer == store.layer(number)
    assert caught.value.layer.document.entities[1].label == "LOC"
    assert [(change.revision, change.author) for change in caught.value.changes] == [(1, "سالم")]
    with pytest.raises(ConflictError):  # a revision that is not there yet
        store.change(number, edit(9, state="done"), author="هدى")
    assert store.layer(number).revision == 1


def test_change_that_comes_again(store: Store) -> None:
    """A change that was applied is answered as then, also when others came after it, and applied once."""
    number = add(store)
    first = edit(0, replace(PLACE, label="LOC"))
    answer = store.change(number, first, author="هدى")
    store.change(number, edit(1, replace(PLACE, label="FAC")), author="سالم")
    assert store.change(number, first, author="هدى") == answer
    assert store.layer(number).document.entities[1].label == "FAC"
    assert len(store.changes(number)) == 2


def together(n: int, work: Callable[[int], None]) -> list[Exception]:
    """Do the work in threads that begin together, and return what went wrong."""
    barrier = threading.Barrier(n)
    failures: list[Exception] = []

    def run(place: int) -> None:
        barrier.wait()
        try:
            work(place)
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=run, args=(place,)) for place in range(n)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return failures


def test_change_id_of_another_change(store: Store) -> None:
    """A change with the id of another one is no repetition: it is refused, and nothing is changed."""
    number = add(store)
    first = edit(0, replace(PLACE, label="LOC"))
    store.change(number, first, author="هدى")
    with pytest.raises(DocumentError, match="of another change"):
        store.change(number, replace(first, base=1, remove=("E1",)), author="هدى")
    assert store.layer(number).revision == 1


def test_same_change_at_once(store: Store) -> None:
    """One change that eight requests send at once is applied once, and all get one answer."""
    number = add(store)
    one = edit(0, replace(PLACE, label="LOC"))
    answers = []
    assert together(8, lambda place: answers.append(store.change(number, one, author="هدى"))) == []
    assert len(answers) == 8
    assert len(set(answers)) == 1
    assert store.layer(number).revision == 1


def test_changes_at_once(store: Store) -> None:
    """Of changes of one revision that come at once one is applied, and the others are conflicts."""
    number = add(store)
    failures = together(
        8, lambda place: _ignore(store.change(number, edit(0, state="done"), author=f"{place}"))
    )
    assert [type(failure) for failure in failures] == [ConflictError] * 7
    assert store.layer(number).revision == 1


def test_people_who_try_again(store: Store) -> None:
    """People who repeat what was refused on the new revision get all of their changes in."""
    number = add(store, Document(id="خبر", text=TEXT))
    words = [(start, start + 3) for start in range(0, 30, 3)]

    def annotate(place: int) -> None:
        for turn, (start, end) in enumerate(words):
            item = Entity(id=f"T{place}-{turn}", label="ORG", start=start, end=end, text=TEXT[start:end])
            while True:
                try:
                    store.change(number, edit(store.layer(number).revision, item), author=f"{place}")
                    break
                except ConflictError:
                    continue

    assert together(4, annotate) == []
    found = store.layer(number)
    assert (found.revision, len(found.document.entities)) == (40, 40)


def _ignore(value: object) -> None:
    """Take a value for nothing."""


# History


spans = st.tuples(st.integers(0, len(TEXT) - 6), st.integers(1, 5)).map(lambda pair: (pair[0], sum(pair)))


@st.composite
def drawn_items(draw: st.DrawFn) -> Entity | Event:
    """Draw an entity or event, with one of few ids."""
    start, end = draw(spans)
    if draw(st.booleans()):
        label = draw(st.sampled_from(["GPE", "LOC", "ORG"]))
        return Entity(
            id=draw(st.sampled_from(["T1", "T2", "T3"])),
            label=label,
            start=start,
            end=end,
            text=TEXT[start:end],
        )
    first, last = draw(spans)
    argument = Argument(
        role="Place",
        start=first,
        end=last,
        text=TEXT[first:last],
        entity_id=draw(st.sampled_from([None, "T1"])),
    )
    return Event(
        id=draw(st.sampled_from(["E1", "E2", "E3"])),
        type=draw(st.sampled_from(["Shelling", "Attack"])),
        trigger=Trigger(start=start, end=end, text=TEXT[start:end]),
        arguments=(argument,) if draw(st.booleans()) else (),
    )


edits = st.tuples(
    st.lists(drawn_items(), max_size=3),
    st.lists(st.sampled_from(["T1", "T2", "T3", "E1", "E2"]), max_size=2).map(tuple),
    st.sampled_from([None, "changed", "done"]),
)


@settings(deadline=None, max_examples=30)
@given(st.lists(edits, max_size=8))
def test_every_revision_can_be_rebuilt(
    drawn: list[tuple[list[Entity | Event], tuple[str, ...], State | None]],
) -> None:
    """Whatever was edited, each revision follows from the first reading on, and from the last one back."""
    with TemporaryDirectory() as folder, closing(Store(Path(folder))) as store:
        number = add(store)
        revisions = [as_items(ARTICLE)]
        for put, remove, state in drawn:
            try:
                store.change(number, edit(len(revisions) - 1, *put, remove=remove, state=state), author="هدى")
            except DocumentError:  # an argument of an entity that is gone
                continue
            revisions.append(as_items(store.layer(number).document))
        changes = store.changes(number)
        with closing(database(store)) as connection:
            (row,) = connection.execute("SELECT detail FROM changes WHERE kind = 'layer'").fetchall()
    items = {item["id"]: item for kind in json.loads(row["detail"])["annotation"].values() for item in kind}
    assert items == revisions[0]
    for revision, change in zip(revisions[1:], reversed(changes), strict=True):
        items = forward(items, change)
        assert items == revision
    for revision, change in zip(revisions[-2::-1], changes, strict=True):
        items = back(items, change)
        assert items == revision


def as_items(document: Document) -> dict[str, Any]:
    """Return the annotation as JSON objects by their ids."""
    found = document.to_dict()
    return {item["id"]: item for kind in ("entities", "events") for item in found[kind]}


def forward(items: dict[str, Any], change: Change) -> dict[str, Any]:
    """Return the items after a change."""
    put = {item["id"]: item for kind in change.put.values() for item in kind}
    return {id: item for id, item in (items | put).items() if id not in change.remove}


def back(items: dict[str, Any], change: Change) -> dict[str, Any]:
    """Return the items before a change."""
    put = {item["id"] for kind in change.put.values() for item in kind}
    before = {item["id"]: item for kind in change.before.values() for item in kind}
    return {id: item for id, item in items.items() if id not in put} | before


# Crashes and faults


KILLED = """
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from libyaevents.documents import Document, Entity
from libyaevents.server.edits import Edit, Items
from libyaevents.server.store import Store

store = Store(Path(sys.argv[1]))
text = "قصف سرت " * 500
number = store.add(Document(id="خبر", text=text), author="هدى", is_model_reading=True).number
for base in range(100_000):
    start = 8 * (base % 500) + 4
    entity = Entity(id=f"T{base % 500}", label="GPE", start=start, end=start + 3, text="سرت")
    edit = Edit(layer="shared", base=base, change_id=f"change {base}", put=Items(entities=(entity,)))
    revision, at = store.change(number, edit, author="هدى")
    print(revision, at, flush=True)
"""


def test_kill_in_the_middle(tmp_path: Path) -> None:
    """After kill -9 in a stream of changes, every one that was answered is there, and at most one more."""
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    with process.stdout:
        answered = [process.stdout.readline().split() for _ in range(60)]
        process.send_signal(signal.SIGKILL)
        answered += [line.split() for line in process.stdout if line.endswith("\n")]
        assert process.wait() == -signal.SIGKILL
    with closing(Store(tmp_path)) as store:
        found = store.layer(1)
        assert found.revision - len(answered) in (0, 1)
        assert {entity.id for entity in found.document.entities} == {
            f"T{base}" for base in range(found.revision)
        }
        kept = {change.revision: change.at for change in store.changes(1)}
        assert all(kept[int(revision)] == at for revision, at in answered[-200:])
        # What the client sends again, for want of an answer, is applied once.
        last = found.revision - 1
        put = Items(entities=tuple(entity for entity in found.document.entities if entity.id == f"T{last}"))
        again = Edit(layer="shared", base=last, change_id=f"change {last}", put=put)
        assert store.change(1, again, author="هدى")[0] == found.revision
        with closing(database(store)) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone()[0] == "ok"


def test_settings_of_the_database(store: Store) -> None:
    """Every commit is on the disk before it is answered, and columns hold only what they are declared to."""
    synchronous, journal = (store._database.row(f"PRAGMA {name}") for name in ("synchronous", "journal_mode"))
    assert synchronous is not None
    assert journal is not None
    assert (synchronous[0], journal[0]) == (2, "wal")
    with closing(database(store)) as connection:
        tables = [
            row["sql"] for row in connection.execute("SELECT sql FROM sqlite_master WHERE type = 'table'")
        ]
    own = [sql for sql in tables if "sqlite_sequence" not in sql]
    assert len(own) == 3
    assert all(sql.rstrip().endswith("STRICT") for sql in own)


@pytest.mark.parametrize(
    ("pragma", "found"),
    [("max_page_count = 1", "full"), ("query_only = 1", "readonly")],
    ids=["full", "read-only"],
)
def test_disk_that_takes_nothing(store: Store, pragma: str, found: str) -> None:
    """Where the disk is full or read-only a change is refused and nothing is lost; later it goes on."""
    number = add(store)
    store._database.execute(f"PRAGMA {pragma}")
    long = Document(id="طويل", text="قصف سرت " * 5000)
    before = store.layer(number)
    with pytest.raises(NotSavedError, match=f"{found}.*was not saved"):
        add(store, long)
    if found == "readonly":
        with pytest.raises(NotSavedError, match="was not saved"):
            store.change(number, edit(0, state="done"), author="هدى")
    assert store.layer(number) == before
    store._database.execute("PRAGMA query_only = 0")
    store._database.execute("PRAGMA max_page_count = 1000000")
    assert store.change(number, edit(0, state="done"), author="هدى")[0] == 1
    assert add(store, long) == number + 1


class Failing:
    """A connection that fails at one statement, as where the disk is full just then."""

    def __init__(self, connection: sqlite3.Connection, statement: str) -> None:
        self._connection, self._statement = connection, statement

    @property
    def in_transaction(self) -> bool:
        """Whether one is open."""
        return self._connection.in_transaction

    def execute(self, statement: str, *values: Any) -> sqlite3.Cursor:
        """Run a statement, or fail."""
        if statement.startswith(self._statement):
            raise sqlite3.OperationalError("database or disk is full")
        return self._connection.execute(statement, *values)


@pytest.mark.parametrize("statement", ["BEGIN", "UPDATE layers", "INSERT INTO changes", "COMMIT"])
def test_fault_at_any_statement(store: Store, statement: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever a change fails, none of it is there, in memory neither, and another one takes its revision."""
    number = add(store)
    before = store.layer(number)
    with monkeypatch.context() as patch:
        patch.setattr(store._database, "_connection", Failing(store._database._connection, statement))
        with pytest.raises(NotSavedError, match=r"disk is full.*was not saved.*save it again"):
            store.change(number, edit(0, remove=("E1",)), author="هدى")
        assert store.layer(number) == before
    assert store.changes(number) == []
    store.change(number, edit(0, replace(MAN, label="ORG")), author="سالم")
    assert store.layer(number).document == replace(ARTICLE, entities=(replace(MAN, label="ORG"), PLACE))


def test_two_servers_on_one_folder(store: Store) -> None:
    """What another server saved is seen at once, and a change of what it was before is a conflict."""
    number = add(store)
    assert store.layer(number).revision == 0
    with closing(Store(store.folder)) as other:
        other.change(number, edit(0, remove=("E1",)), author="سالم")
        assert store.layer(number) == other.layer(number)
        with pytest.raises(ConflictError):
            store.change(number, edit(0, state="done"), author="هدى")
        store.change(number, edit(1, state="done"), author="هدى")
        assert other.layer(number).state == "done"


def test_damaged_database(tmp_path: Path) -> None:
    """A file that is damaged is told at the start, before anybody works on it."""
    with closing(Store(tmp_path)) as store:
        for n in range(20):
            add(store, Document(text=f"{TEXT * 50} {n}"))
    path = tmp_path / FILE
    whole = path.read_bytes()
    for damaged in (whole[:9000], whole[:8192] + b"\xff" * 4096 + whole[12288:]):
        path.write_bytes(damaged)
        with pytest.raises(InputError, match=r"expected a whole database.*put a copy of it in its place"):
            Store(tmp_path)
    path.write_bytes(whole)
    with closing(Store(tmp_path)) as store:
        assert len(store.listing()) == 20


def test_unwritable_folder(tmp_path: Path) -> None:
    """A folder that cannot be made is an error that names it and says what to do."""
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(OutputError, match="file"):
        Store(tmp_path / "file" / "data")


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="no folder is read-only to the superuser")
def test_read_only_folder(tmp_path: Path) -> None:
    """A folder without permission to write is an error at the start."""
    tmp_path.chmod(0o500)
    with pytest.raises(OutputError, match="--data"):
        Store(tmp_path)


def test_foreign_databases(tmp_path: Path) -> None:
    """What is no database, another program's, or of a later version is refused and left as it is."""
    (tmp_path / "text").mkdir()
    (tmp_path / "text" / FILE).write_text("قصف " * 1000, encoding="utf-8")
    for name, statement in (("other", "PRAGMA application_id = 7"), ("newer", "PRAGMA user_version = 99")):
        with closing(Store(tmp_path / name)) as store:
            store._database.execute(statement)
    (tmp_path / "foreign").mkdir()
    with closing(sqlite3.connect(tmp_path / "foreign" / FILE)) as connection:
        connection.execute("CREATE TABLE notes (text)")
    for name, found in (
        ("text", "file is not a database"),
        ("other", "another program's"),
        ("foreign", "another program's"),
        ("newer", "found 99"),
    ):
        before = (tmp_path / name / FILE).read_bytes()
        with pytest.raises(InputError, match=found):
            Store(tmp_path / name)
        assert (tmp_path / name / FILE).read_bytes() == before


def test_opened_again(tmp_path: Path) -> None:
    """What was closed is there when the folder is opened again."""
    with closing(Store(tmp_path)) as store:
        number = add(store)
        store.change(number, edit(0, state="done"), author="هدى")
    with closing(Store(tmp_path)) as store:
        assert (store.layer(number).state, store.layer(number).revision) == ("done", 1)
