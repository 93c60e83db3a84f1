"""The agreement of two readings: scores as `evaluate` gives them, and what the readings differ in."""

import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from libyaevents import evaluate
from libyaevents.documents import Argument, Document, Entity, Event, Trigger
from libyaevents.server.agreement import Counts, Difference, compare_readings

TEXT = "نفى المسماري قصف سرت أمس."


def argument(words: str, role: str) -> Argument:
    """Return an argument of the text."""
    start = TEXT.index(words)
    return Argument(role=role, start=start, end=start + len(words), text=words)


def reading(
    label: str = "GPE", type: str = "Shelling", factuality: str = "negated", *arguments: Argument
) -> Document:
    """Return a reading of the text: one entity, one event."""
    return Document(
        id="خبر",
        text=TEXT,
        entities=(Entity(id="T1", label=label, start=17, end=20, text="سرت"),),
        events=(
            Event(
                id="E1",
                type=type,
                factuality=factuality,
                trigger=Trigger(start=13, end=16, text="قصف"),
                arguments=arguments,
            ),
        ),
    )


def differences(first: Document, second: Document) -> list[Difference]:
    """Return what two readings of one document differ in."""
    (document,) = compare_readings([(1, first, second)]).documents
    return list(document.differences)


def test_same_reading_agrees() -> None:
    """Two equal readings agree in all, and differ in nothing."""
    same = reading("GPE", "Shelling", "negated", argument("سرت", "Place"))
    found = compare_readings([(7, same, replace(same, id="آخر"))])
    assert [counts.f1 for counts in found.scores.values()] == [1.0] * 4
    assert (found.n_documents, found.documents[0].number, found.documents[0].f1) == (1, 7, 1.0)
    assert differences(same, same) == []


def test_labels_of_one_span() -> None:
    """A span that the two label differently is one difference with both labels."""
    assert differences(reading("GPE"), reading("LOC")) == [
        Difference(kind="entity", start=17, end=20, text="سرت", first="GPE", second="LOC")
    ]
    assert differences(reading(type="Shelling"), reading(type="Attack")) == [
        Difference(kind="trigger", start=13, end=16, text="قصف", first="Shelling", second="Attack")
    ]


def test_what_one_lacks() -> None:
    """What one does not label stands as None; of an event that one lacks, its arguments are not told."""
    bare = replace(reading(), entities=(), events=())
    full = reading("GPE", "Shelling", "negated", argument("سرت", "Place"))
    assert [(each.kind, each.first, each.second) for each in differences(bare, full)] == [
        ("trigger", None, "Shelling"),
        ("entity", None, "GPE"),
    ]


def test_arguments_and_factuality() -> None:
    """They are told for a trigger that both have, whatever type they give it; arguments with the trigger."""
    first = reading("GPE", "Shelling", "negated", argument("سرت", "Place"), argument("المسماري", "Source"))
    second = reading("GPE", "Attack", "actual", argument("سرت", "Patient"))
    found = [
        (each.kind, each.text, each.first, each.second, each.event) for each in differences(first, second)
    ]
    assert found == [
        ("argument", "المسماري", "Source", None, "قصف"),
        ("factuality", "قصف", "negated", "actual", None),
        ("trigger", "قصف", "Shelling", "Attack", None),
        ("argument", "سرت", "Place", "Patient", "قصف"),
    ]


def test_two_labels_on_one_span() -> None:
    """A phrase with two roles in one reading and one in the other lacks the other one."""
    both = reading(
        "GPE", "Shelling", "negated", argument("المسماري", "Agent"), argument("المسماري", "Source")
    )
    one = reading("GPE", "Shelling", "negated", argument("المسماري", "Source"))
    assert [(each.first, each.second) for each in differences(both, one)] == [("Agent", None)]


def test_labels() -> None:
    """Labels are counted on both sides, of each kind those with the most items first."""
    found = compare_readings([(1, reading("GPE"), reading("LOC")), (2, reading("GPE"), reading("GPE"))])
    assert [(kind, name, *numbers_of(counts)) for (kind, name), counts in found.labels.items()] == [
        ("entity", "GPE", 2, 1, 1),
        ("entity", "LOC", 0, 1, 0),
        ("trigger", "Shelling", 2, 2, 2),
        ("factuality", "negated", 2, 2, 2),
    ]
    as_json = found.to_dict()
    assert as_json["labels"][0] == {
        "kind": "entity", "name": "GPE", "n_first": 2, "n_second": 1, "n_both": 1, "f1": 2 / 3,
    }  # fmt: skip
    assert as_json["scores"]["entities"] == {
        "precision": 0.5, "recall": 0.5, "f1": 0.5, "n_first": 2, "n_second": 2, "n_both": 1,
    }  # fmt: skip
    assert [document["f1"] for document in as_json["documents"]] == [0.5, 1.0]


def numbers_of(counts: Counts) -> tuple[int, int, int]:
    """Return the three numbers of counts."""
    return counts.n_first, counts.n_second, counts.n_both


def test_nothing_to_agree_on() -> None:
    """Without documents there are no scores to divide; two empty readings agree."""
    assert compare_readings([]).to_dict()["scores"]["entities"]["f1"] == 1.0
    bare = Document(text="لا شيء")
    assert compare_readings([(1, bare, bare)]).documents[0].f1 == 1.0


def spoiled(document: Document, seed: int) -> Document:
    """Return a reading in which some items are left out and others have another label."""
    chance = random.Random(seed)
    entities = tuple(
        replace(item, label=chance.choice([item.label, item.label, "ORG"]))
        for item in document.entities
        if chance.random() < 0.8
    )
    kept = {entity.id for entity in entities}
    events = tuple(
        replace(
            event,
            type=chance.choice([event.type, event.type, "Attack"]),
            factuality=chance.choice([event.factuality, "possible"]),
            arguments=tuple(
                replace(each, role=chance.choice([each.role, "Agent"]), entity_id=None)
                if each.entity_id not in kept
                else each
                for each in event.arguments
                if chance.random() < 0.7
            ),
        )
        for event in document.events
        if chance.random() < 0.8
    )
    return replace(document, entities=entities, events=events)


@settings(deadline=None, max_examples=8)
@given(st.lists(st.integers(0, 2**32), min_size=1, max_size=3))
def test_scores_are_those_of_evaluate(article: Document, seeds: list[int]) -> None:
    """Entities, triggers, arguments and factuality are scored as by `evaluate`, the first as gold."""
    firsts = [replace(spoiled(article, seed + 1), id=f"{place}") for place, seed in enumerate(seeds)]
    seconds = [replace(spoiled(article, seed), id=f"{place}") for place, seed in enumerate(seeds)]
    expected = evaluate(firsts, seconds, n_resamples=1)
    numbered = [(place, *pair) for place, pair in enumerate(zip(firsts, seconds, strict=True))]
    found = compare_readings(numbered)
    for name, score in {
        "entities": expected.entity_score,
        "triggers": expected.events.scores["TC"],
        "arguments": expected.events.scores["AC+"],
    }.items():
        own = found.scores[name].to_dict()
        assert (own["precision"], own["recall"], own["f1"]) == pytest.approx(
            (score.precision, score.recall, score.f1)
        )
        assert (own["n_first"], own["n_second"], own["n_both"]) == (
            score.n_gold,
            score.n_predicted,
            score.n_matched,
        )
    assert found.scores["factuality"].f1 == pytest.approx(expected.events.factuality.accuracy)
    for (kind, name), counts in found.labels.items():
        table = {"trigger": expected.events.by_type, "argument": expected.events.by_role}.get(kind)
        if table is not None:
            assert counts.f1 == pytest.approx(table[name].f1)
