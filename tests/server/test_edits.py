"""Edits: what is refused before a store is asked, how they are applied, and how they are undone."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libyaevents.documents import Argument, Document, Entity, Event, Trigger
from libyaevents.errors import DocumentError, LabelError
from libyaevents.records import parse_json, read_object
from libyaevents.server.edits import (
    Change,
    ConflictError,
    Edit,
    Items,
    Layer,
    apply_edit,
    with_own_ids,
)

TEXT = "قصفت المدفعية سرت فجر الجمعة وانسحبت القوات من درنة."
SIRTE = Entity(id="T1", label="GPE", start=14, end=17, text="سرت")
DERNA = Entity(id="T2", label="GPE", start=47, end=51, text="درنة")
SHELLING = Event(
    id="E1",
    type="Shelling",
    trigger=Trigger(start=0, end=4, text="قصفت"),
    arguments=(Argument(role="Place", start=14, end=17, text="سرت", entity_id="T1"),),
)
DOCUMENT = Document(id="خبر", text=TEXT, entities=(SIRTE, DERNA), events=(SHELLING,))
ID = "4c9d1c0e-6f0b-4b9e-8f5f-0d9d6f3c7a11"


def edit(*put: Entity | Event, remove: tuple[str, ...] = (), change_id: str = ID) -> Edit:
    """Return an edit of the first revision."""
    items = Items(
        entities=tuple(item for item in put if isinstance(item, Entity)),
        events=tuple(item for item in put if isinstance(item, Event)),
    )
    return Edit(layer="shared", base=0, change_id=change_id, put=items, remove=remove)


# What is refused by itself


@pytest.mark.parametrize("id", ["", "1", "x" * 65, "4c9d1c0e\n6f0b4b9e"])
def test_change_ids_that_may_be_anothers(id: str) -> None:
    """A change is known by its id, so one that is short, overlong or unprintable is refused."""
    with pytest.raises(DocumentError, match=r"change_id: expected 8 to 64 characters.*random UUID"):
        edit(change_id=id)


def test_ids_that_contradict_each_other() -> None:
    """An id is put once, and not removed as well: which was meant could only be guessed."""
    for items, remove in (
        ((SIRTE, replace(SIRTE, label="LOC")), ()),
        ((SIRTE, replace(SHELLING, id="T1")), ()),
        ((SHELLING,), ("E1",)),
    ):
        with pytest.raises(DocumentError, match="each id once"):
            edit(*items, remove=remove)


def test_id_of_the_other_kind() -> None:
    """An event does not take the id of an entity that is there, since `remove` could not tell them apart."""
    with pytest.raises(DocumentError, match="'T2' of an entity and an event"):
        apply_edit(DOCUMENT, edit(replace(SHELLING, id="T2")))


# What is applied


def test_items_stay_in_the_order_of_the_text() -> None:
    """What is put stands where its span is, whenever it was put."""
    force = Entity(id="T9", label="ORG", start=5, end=13, text="المدفعية")
    changed, before = apply_edit(DOCUMENT, edit(force))
    assert [entity.id for entity in changed.entities] == ["T9", "T1", "T2"]
    assert before == Items()


def test_labels_are_those_of_the_ontology() -> None:
    """A label that is unknown is refused with the closest one that there is; one that was there may stay."""
    with pytest.raises(LabelError, match=r"event E1: .*'Shellin'.*did you mean 'Shelling'"):
        apply_edit(DOCUMENT, edit(replace(SHELLING, type="Shellin")))
    odd = replace(DOCUMENT, entities=(SIRTE, replace(DERNA, label="VILLAGE")))
    changed, _ = apply_edit(odd, edit(replace(SIRTE, label="LOC")))
    assert [entity.label for entity in changed.entities] == ["LOC", "VILLAGE"]


ids = st.sampled_from(["T1", "T2", "T3"])
entities = st.builds(
    lambda id, start, length: Entity(
        id=id, label="GPE", start=start, end=start + length, text=TEXT[start : start + length]
    ),
    ids,
    st.integers(0, 40),
    st.integers(1, 8),
)


@given(st.lists(entities, max_size=3, unique_by=lambda entity: entity.id), st.sets(ids))
def test_every_edit_can_be_undone(put: list[Entity], removed: set[str]) -> None:
    """Putting what was there before, and removing what was not, gives the document that it was."""
    document = replace(DOCUMENT, events=())
    remove = tuple(removed - {entity.id for entity in put})
    changed, before = apply_edit(document, edit(*put, remove=remove))
    old = {item.id for item in before.entities}
    added = tuple(entity.id for entity in put if entity.id not in old)
    undone, again = apply_edit(changed, edit(*before.entities, remove=added))
    assert undone == document
    assert {item.id for item in again.entities} == {entity.id for entity in put}


def test_items_are_read_as_they_are_written() -> None:
    """What the history shows of an edit can be sent as an edit again."""
    written = Items(entities=(SIRTE,), events=(SHELLING,)).to_dict()
    assert sorted(written) == ["entities", "events"]
    assert read_object(written, Items, format_name="any", kind="items") == Items(
        entities=(SIRTE,), events=(SHELLING,)
    )
    assert parse_json('{"entities": [], "events": []}', "items") == Items().to_dict()


# Ids of what comes in


def test_events_with_ids_of_entities_get_others() -> None:
    """Where both kinds count from 1, events get ids of their own; other documents stay as they are."""
    assert with_own_ids(DOCUMENT) is DOCUMENT
    counted = replace(
        DOCUMENT,
        entities=(replace(SIRTE, id="1"), replace(DERNA, id="E1")),
        events=(
            replace(SHELLING, id="1", arguments=(replace(SHELLING.arguments[0], entity_id="1"),)),
            replace(SHELLING, id="2", arguments=()),
            replace(SHELLING, id="E1", arguments=()),
        ),
    )
    renamed = with_own_ids(counted)
    assert renamed.entities == counted.entities
    assert [event.id for event in renamed.events] == ["E2", "2", "E3"]
    assert renamed.events[0].arguments == counted.events[0].arguments


# Conflicts


def test_what_a_conflict_says() -> None:
    """Whoever is refused learns who changed what, when, and how the layer stands."""
    layer = Layer(
        number=3,
        name="shared",
        state="changed",
        revision=5,
        document=DOCUMENT,
        changed_at="2026-01-02T03:04:05.678+00:00",
        changed_by="سالم",
    )
    change = Change(
        revision=5, author="سالم", at=layer.changed_at, put={}, remove=("E7",), before={}, state=None
    )
    error = ConflictError(4, layer, [change])
    assert str(error) == (
        "expected a change of revision 5, found one of revision 4: سالم changed the document at "
        "2026-01-02T03:04:05.678+00:00; nothing was overwritten; make the change again on what is there now"
    )
    answer = error.to_dict()
    assert (answer["revision"], answer["changed_by"], answer["changed_at"]) == (5, "سالم", layer.changed_at)
    assert answer["document"] == DOCUMENT.to_dict()
    assert [each["remove"] for each in answer["changes"]] == [("E7",)]
