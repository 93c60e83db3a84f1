"""From logits to documents: hand-built logits in, documents out."""

from dataclasses import replace
from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from libyaevents.assemble import (
    Labels,
    Roles,
    assemble,
    decode_mentions,
    decode_roles,
    pad_rows,
)
from libyaevents.documents import Document
from libyaevents.errors import CheckpointError
from libyaevents.ontology import load_ontology
from libyaevents.tags import DecodedSpan, decode_tags
from libyaevents.words import split_words

LABELS = Labels(
    entities=("PERSON", "GPE"),
    events=("Kill", "Consult"),
    roles=("Agent", "Source", "Place", "Topic"),
    factuality=("actual", "negated", "possible"),
    admitted=frozenset(
        {
            *((event, role) for event in ("Kill", "Consult") for role in ("Agent", "Source", "Place")),
            ("Consult", "Topic"),
        }
    ),
)
KILL, CONSULT = 0, 1
# Columns of the role logits: O, B and I of Source, then O, and B and I of Agent, Place and Topic.
SOURCE, AGENT, PLACE, TOPIC = 1, 4, 6, 8


def _logits(n_words: int, n_tags: int, chosen: dict[int, int]) -> NDArray[np.float32]:
    """Logits that prefer tag `chosen[word]` by far, and O where there is none."""
    logits = np.zeros((n_words, n_tags), np.float32)
    logits[np.arange(n_words), [chosen.get(word, 0) for word in range(n_words)]] = 20.0
    return logits


def _role_logits(n_words: int, source: dict[int, int], others: dict[int, int]) -> NDArray[np.float32]:
    return np.concatenate([_logits(n_words, 3, source), _logits(n_words, 7, others)], axis=1)


def _decode(logits: NDArray[np.float32], event_type: int, length: int | None = None) -> Roles:
    lengths = np.array([length or len(logits)])
    factuality = np.array([[0.0, 5.0, 1.0]], np.float32)
    (roles,) = decode_roles(logits[np.newaxis], factuality, lengths, np.array([event_type]), labels=LABELS)
    return roles


def _spans(roles: Roles) -> list[tuple[str, int, int]]:
    return [(role, span.start, span.end) for role, span in roles.arguments]


def test_labels_of_the_ontology() -> None:
    """A model's labels are the ontology's, in its order."""
    ontology = load_ontology()
    labels = Labels.of(ontology, {})
    assert labels.entities == ontology.entity_labels
    assert labels.events == ontology.event_labels
    assert labels.roles == ontology.role_labels
    assert labels.factuality == ontology.factuality_labels
    assert labels.other_roles == tuple(role for role in ontology.role_labels if role != "Source")


def test_admitted_roles() -> None:
    """Source, Time, Place, Quantity go with any event, typical roles with theirs, others if seen twice."""
    seen = {("Kill", "Topic"): 2, ("Kill", "Origin"): 1}
    labels = Labels.of(load_ontology(), seen)
    for role in ("Source", "Time", "Place", "Quantity"):
        assert all((event, role) in labels.admitted for event in labels.events)
    assert ("Advance", "Destination") in labels.admitted
    assert ("Kill", "Topic") in labels.admitted
    assert ("Kill", "Origin") not in labels.admitted


def test_admission_forbids_tags() -> None:
    """Only the B and I of a role that the event type does not admit are minus infinity."""
    expected = np.zeros((2, 10), np.float32)
    expected[KILL, TOPIC : TOPIC + 2] = -np.inf
    np.testing.assert_array_equal(LABELS.admission(), expected)


def test_labels_round_trip() -> None:
    """Labels read from their own JSON are equal, what they admit included."""
    assert Labels.from_json(LABELS.to_json()) == LABELS
    labels = Labels.of(load_ontology(), {("Kill", "Topic"): 3})
    assert Labels.from_json(labels.to_json()) == labels


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"entities": 3}', LABELS.to_json().replace('"admitted"', '"x"'), "\x80"]
)
def test_malformed_labels(text: str) -> None:
    """A labels.json that lacks a list is refused by name."""
    with pytest.raises(CheckpointError, match=r"labels\.json is malformed"):
        Labels.from_json(text)


def test_decode_mentions_by_sentence() -> None:
    """Spans are counted from their sentence's first word, and none crosses its end."""
    logits = _logits(7, 5, {1: 1, 2: 2, 3: 2, 5: 3})
    decoded = decode_mentions(logits, [(0, 3), (3, 3), (3, 7)])
    assert [[(span.start, span.end, span.label) for span in spans] for spans in decoded] == [
        [(1, 3, 0)],
        [],
        [(2, 3, 1)],
    ]
    assert decoded[0][0].score == pytest.approx(1.0, abs=1e-6)


def test_decode_mentions_of_nothing() -> None:
    """A text without words has no spans."""
    assert decode_mentions(np.zeros((0, 5), np.float32), []) == []
    assert decode_mentions(np.zeros((0, 5), np.float32), [(0, 0)]) == [[]]


def test_outside_bias() -> None:
    """A bias above 0 on O drops a span that is little likelier than none, one below 0 finds it again."""
    logits = np.zeros((1, 5), np.float32)
    logits[0, 1] = 0.5
    assert decode_mentions(logits, [(0, 1)], outside_bias=1.0) == [[]]
    (found,) = decode_mentions(logits, [(0, 1)], outside_bias=-1.0)[0]
    assert (found.start, found.end, found.label) == (0, 1, 0)


def test_recall_bias() -> None:
    """A recall bias finds a span that was missed, mention or argument, with the score that it has anyway."""
    logits = np.zeros((1, 5), np.float32)
    logits[0, :2] = 2.0, 1.5
    assert decode_mentions(logits, [(0, 1)]) == [[]]
    (found,) = decode_mentions(logits, [(0, 1)], recall_bias=1.0)[0]
    legal = np.exp([2.0, 1.5, 0.0])  # O and two B: no I stands first
    assert found.score == pytest.approx(legal[1] / legal.sum())
    roles = np.zeros((1, 1, 10), np.float32)
    roles[..., 3] = 0.5
    types, lengths = np.array([CONSULT]), np.array([1])
    options = {"labels": LABELS, "recall_bias": 1.0}
    (read,) = decode_roles(roles, np.zeros((1, 3), np.float32), lengths, types, **options)  # type: ignore[arg-type]
    assert [role for role, _ in read.arguments] == ["Source", "Agent"]


def test_forbidden_role_is_not_decoded() -> None:
    """A role that its event type does not admit is left out, however likely; another type keeps it."""
    logits = _role_logits(3, {}, {1: TOPIC - 3, 2: TOPIC - 2})
    assert _spans(_decode(logits, KILL)) == []
    assert _spans(_decode(logits, CONSULT)) == [("Topic", 1, 3)]


def test_source_is_a_sequence_of_its_own() -> None:
    """One phrase can be both the Source and the Agent of an event."""
    logits = _role_logits(4, {0: 1, 1: 2}, {0: AGENT - 3, 1: AGENT - 2, 3: PLACE - 3})
    assert _spans(_decode(logits, KILL)) == [("Source", 0, 2), ("Agent", 0, 2), ("Place", 3, 4)]


def test_roles_end_with_the_sentence() -> None:
    """What stands behind a sentence's length is padding and holds no argument."""
    logits = _role_logits(5, {4: 1}, {1: AGENT - 3, 3: PLACE - 3})
    assert _spans(_decode(logits, KILL, length=3)) == [("Agent", 1, 2)]


def test_factuality_is_the_likeliest_value() -> None:
    """An event's factuality is the value with the largest logit."""
    assert _decode(_role_logits(1, {}, {}), KILL).factuality == "negated"


def _all_sequences(n_words: int, n_tags: int) -> list[tuple[int, ...]]:
    """Every legal sequence of tags."""
    legal = []
    for tags in product(range(n_tags), repeat=n_words):
        pairs = zip((0, *tags), tags, strict=False)
        if all(tag % 2 or tag == 0 or before in (tag, tag - 1) for before, tag in pairs):
            legal.append(tags)
    return legal


@given(seed=st.integers(0, 10_000), n_words=st.integers(1, 5), cuts=st.lists(st.booleans(), min_size=5))
@settings(deadline=None, max_examples=40)
def test_names_are_not_cut(seed: int, n_words: int, cuts: list[bool]) -> None:
    """The arguments are those of the best of all sequences that cut no name, with their share of the mass."""
    logits = np.random.default_rng(seed).normal(0, 3, (n_words, 10)).astype(np.float32)
    bounds = [0, *(place for place in range(1, n_words) if cuts[place]), n_words]
    names = [(start, end) for start, end in pairwise(bounds) if end - start > 1]
    (roles,) = decode_roles(
        logits[np.newaxis],
        np.zeros((1, 3), np.float32),
        np.array([n_words]),
        np.array([CONSULT]),
        labels=LABELS,
        names=[names],
    )
    inner = {place for start, end in names for place in range(start + 1, end)}
    scores = {
        tags: float(logits[np.arange(n_words), 3 + np.array(tags)].sum())
        for tags in _all_sequences(n_words, 7)
        if not any(
            place in inner and (tags[place] % 2 or bool(tags[place]) != bool(tags[place - 1]))
            for place in range(n_words)
        )
    }
    best = max(scores, key=scores.__getitem__)
    expected = [(start, end, LABELS.other_roles[label]) for start, end, label in decode_tags(np.array(best))]
    found = [(role, span) for role, span in roles.arguments if role != "Source"]
    assert [(span.start, span.end, role) for role, span in found] == expected
    total = np.logaddexp.reduce(list(scores.values()))
    for role, span in found:
        held = [
            score
            for tags, score in scores.items()
            if (span.start, span.end, LABELS.other_roles.index(role)) in decode_tags(np.array(tags))
        ]
        assert span.score == pytest.approx(np.exp(np.logaddexp.reduce(held) - total), rel=1e-3)


def test_shifted_roles() -> None:
    """Roles found in a part of a long sentence move right by the words before that part."""
    roles = _decode(_role_logits(4, {0: 1}, {2: PLACE - 3, 3: PLACE - 2}), KILL)
    assert _spans(roles.shifted(10)) == [("Source", 10, 11), ("Place", 12, 14)]
    assert roles.shifted(10).factuality == roles.factuality


def test_pad_rows() -> None:
    """Ranges are cut out and padded with zeros to the longest."""
    rows = np.arange(10, dtype=np.float32).reshape(5, 2)
    batch, lengths = pad_rows(rows, [(0, 1), (2, 5), (3, 3)])
    assert batch.shape == (3, 3, 2)
    assert lengths.tolist() == [1, 3, 0]
    assert batch[1].tolist() == rows[2:5].tolist()
    assert batch[0].tolist() == [[0, 1], [0, 0], [0, 0]]


TEXT = "قتل عشرة في سرت. اجتمع السراج بحفتر"
WORDS = split_words(TEXT)
SENTENCES = [(0, 5), (5, 8)]


def _span(start: int, end: int, label: int = 0, score: float = 0.5) -> DecodedSpan:
    return DecodedSpan(start=start, end=end, label=label, score=score)


def _assembled() -> Document:
    kill = (_span(0, 1, KILL), Roles(arguments=(("Place", _span(3, 4)),), factuality="actual"))
    agents = (("Agent", _span(1, 2, score=0.25)), ("Topic", _span(1, 3)))
    consult = (_span(0, 1, CONSULT, 0.75), Roles(arguments=agents, factuality="possible"))
    return assemble(
        Document(text=TEXT, id="1", metadata={"a": "b"}),
        WORDS,
        SENTENCES,
        entities=[[_span(3, 4, 1)], [_span(1, 2)]],
        events=[[kill], [consult]],
        labels=LABELS,
    )


def test_assemble_carries_offsets() -> None:
    """Spans of words become offsets of the document's own text, sentence by sentence."""
    document = _assembled()
    assert [(entity.id, entity.label, entity.text) for entity in document.entities] == [
        ("T1", "GPE", "سرت"),
        ("T2", "PERSON", "السراج"),
    ]
    assert [(event.id, event.type, event.trigger.text) for event in document.events] == [
        ("E1", "Kill", "قتل"),
        ("E2", "Consult", "اجتمع"),
    ]
    assert [event.factuality for event in document.events] == ["actual", "possible"]
    for entity in document.entities:
        assert TEXT[entity.start : entity.end] == entity.text


def test_argument_names_its_entity() -> None:
    """An argument over exactly an entity's words names it; one over more words names none."""
    (place,), (agent, topic) = (event.arguments for event in _assembled().events)
    assert (place.role, place.text, place.entity_id) == ("Place", "سرت", "T1")
    assert (agent.role, agent.text, agent.entity_id) == ("Agent", "السراج", "T2")
    assert (topic.role, topic.text, topic.entity_id) == ("Topic", "السراج بحفتر", None)


def test_assemble_carries_scores() -> None:
    """Every mention has its span's probability, an event its trigger's, an argument both in one product."""
    document = _assembled()
    consult = document.events[1]
    assert (consult.score, consult.trigger.score) == (0.75, 0.75)
    assert [argument.score for argument in consult.arguments] == [0.75 * 0.25, 0.75 * 0.5]
    assert [entity.score for entity in document.entities] == [0.5, 0.5]


def test_assemble_replaces_what_was_found_before() -> None:
    """Entities and events that the document held are gone; its text, id and metadata stay."""
    document = _assembled()
    again = assemble(document, WORDS, SENTENCES, entities=[[], []], events=[[], []], labels=LABELS)
    assert again == replace(document, entities=(), events=())
    assert (again.id, again.metadata) == ("1", {"a": "b"})


def test_mentions_of_a_name_agree() -> None:
    """A name of the same letters has one label in a document, the one with the highest sum of scores."""
    text = "سرت. سـرت. \u200fسَرت. درنة."
    words = split_words(text)
    sentences = [(0, 2), (2, 4), (4, 6), (6, 8)]
    entities = [
        [_span(0, 1, 1, 0.5)],
        [_span(0, 1, 1, 0.4)],
        [_span(0, 1, 0, 0.8)],
        [_span(0, 1, 0, 0.3)],
    ]
    document = assemble(
        Document(text=text), words, sentences, entities=entities, events=[[]] * 4, labels=LABELS
    )
    assert [entity.label for entity in document.entities] == ["GPE", "GPE", "GPE", "PERSON"]
    assert [entity.score for entity in document.entities] == [0.5, 0.4, 0.8, 0.3]
