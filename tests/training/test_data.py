"""From gold documents to batches: what can be represented comes back equal, the rest is counted and said."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer

from libyaevents.assemble import SOURCE, Labels
from libyaevents.documents import Argument, Document, Entity, Event, Trigger
from libyaevents.errors import LabelError
from libyaevents.subwords import special_ids
from libyaevents.tags import decode_tags
from libyaevents.training.data import IGNORED, Example, count_pairs, make_batch, make_examples, to_dataset
from libyaevents.words import split_words

TEXT = "قال السراج إن قوات حفتر قصفت طرابلس. وقتل عشرة في سرت"
SENTENCES = ((0, 36), (37, 53))

Found = tuple[int, int, str]


def _span(phrase: str) -> dict[str, Any]:
    start = TEXT.index(phrase)
    return {"start": start, "end": start + len(phrase), "text": phrase}


def _entity(number: int, label: str, phrase: str) -> Entity:
    return Entity(id=f"T{number}", label=label, **_span(phrase))


def _event(number: int, event_type: str, phrase: str, *arguments: tuple[str, str]) -> Event:
    return Event(
        id=f"E{number}",
        type=event_type,
        trigger=Trigger(**_span(phrase)),
        arguments=tuple(Argument(role=role, **_span(filler)) for role, filler in arguments),
    )


def _document(*events: Event, entities: Sequence[Entity] = ()) -> Document:
    return Document(id="d", text=TEXT, sentences=SENTENCES, entities=tuple(entities), events=events)


def _examples(
    document: Document, tokenizer: Tokenizer, labels: Labels, *, max_subwords: int = 64
) -> list[Example]:
    dataset, _ = to_dataset([document], tokenizer, labels)
    specials = special_ids(tokenizer)
    return list(make_examples(dataset[0], labels, specials=specials, max_subwords=max_subwords))


def _gold_spans(document: Document) -> tuple[set[Found], dict[Found, set[Found]]]:
    """Entities, and events by trigger with their arguments, in code points."""
    entities = {(entity.start, entity.end, entity.label) for entity in document.entities}
    events = {
        (event.trigger.start, event.trigger.end, event.type): {
            (argument.start, argument.end, argument.role) for argument in event.arguments
        }
        for event in document.events
    }
    return entities, events


def _read_back(
    document: Document, examples: Sequence[Example], labels: Labels
) -> tuple[set[Found], dict[Found, set[Found]]]:
    """What the examples say, decoded from their tags and targets."""
    words = split_words(document.text)

    def place(first: int, start: int, end: int, label: str) -> Found:
        return words[first + start][0], words[first + end - 1][1], label

    entity_tags, trigger_tags = (np.full(len(words), IGNORED) for _ in range(2))
    events: dict[Found, set[Found]] = {}
    for example in examples:
        first = example.window.words[0]
        start, end = example.window.scored
        entity_tags[start:end] = example.entity_tags[start - first : end - first]
        trigger_tags[start:end] = example.trigger_tags[start - first : end - first]
        for trigger in example.triggers:
            key = place(first, *trigger.span, labels.events[trigger.event_type])
            assert key not in events
            left = first + trigger.sentence[0]
            sources, others = map(decode_tags, trigger.tags)
            events[key] = {place(left, start, end, SOURCE) for start, end, _ in sources}
            events[key] |= {place(left, start, end, labels.other_roles[role]) for start, end, role in others}
    assert not (entity_tags == IGNORED).any()
    assert {key[:2] for key in events} == {
        place(0, start, end, "")[:2] for start, end, _ in decode_tags(trigger_tags)
    }
    entities = {
        place(0, start, end, labels.entities[label]) for start, end, label in decode_tags(entity_tags)
    }
    return entities, events


@pytest.mark.parametrize("max_subwords", [40, 64, 256])
def test_gold_comes_back(article: Document, tokenizer: Tokenizer, labels: Labels, max_subwords: int) -> None:
    """The article's gold, put into windows of tags and read back, is the same, each trigger once."""
    _, lost = to_dataset([article], tokenizer, labels)
    assert sum(lost.values()) - lost["n_gold"] == 0
    examples = _examples(article, tokenizer, labels, max_subwords=max_subwords)
    assert len(examples) >= (1 if max_subwords == 256 else 10)
    entities, events = _read_back(article, examples, labels)
    gold_entities, gold_events = _gold_spans(article)
    assert entities == gold_entities
    assert events.keys() == gold_events.keys()
    for trigger, arguments in events.items():
        assert arguments <= gold_events[trigger]
    if max_subwords == 256:
        assert events == gold_events


def test_factuality_and_sentences(article: Document, tokenizer: Tokenizer, labels: Labels) -> None:
    """Each trigger has its gold factuality and lies in its own sentence, whose words its tags count."""
    gold = {event.trigger.start: event.factuality for event in article.events}
    words = split_words(article.text)
    for example in _examples(article, tokenizer, labels, max_subwords=256):
        for trigger in example.triggers:
            start = words[example.window.words[0] + trigger.span[0]][0]
            assert labels.factuality[trigger.factuality] == gold[start]
            assert trigger.sentence in example.sentences
            assert trigger.sentence[0] <= trigger.span[0] < trigger.span[1] <= trigger.sentence[1]
            assert trigger.tags.shape == (2, trigger.sentence[1] - trigger.sentence[0])


def test_words_scored_elsewhere_are_ignored(tokenizer: Tokenizer, labels: Labels) -> None:
    """Where windows of a long sentence overlap, a word has its tag in the one that scores it, and once."""
    text = " ".join(["قوات حفتر في سرت"] * 60)
    document = Document(id="d", text=text, sentences=((0, len(text)),))
    examples = _examples(document, tokenizer, labels)
    n_words = sum(len(example.entity_tags) for example in examples)
    assert n_words > 240
    n_scored = sum(int((example.entity_tags != IGNORED).sum()) for example in examples)
    assert n_scored == 240
    for example in examples:
        (first, last), (start, end) = example.window.words, example.window.scored
        inside = np.arange(first, last)
        expected = (inside >= start) & (inside < end)
        np.testing.assert_array_equal(example.entity_tags != IGNORED, expected)
        np.testing.assert_array_equal(example.trigger_tags != IGNORED, expected)


def test_source_has_its_own_sequence(tokenizer: Tokenizer, labels: Labels) -> None:
    """A phrase that is Agent and Source of one event is in both role sequences, and nothing is lost."""
    document = _document(_event(1, "Shelling", "قصفت", ("Source", "قوات حفتر"), ("Agent", "قوات حفتر")))
    (example,) = _examples(document, tokenizer, labels)
    (trigger,) = example.triggers
    sources, others = map(decode_tags, trigger.tags)
    assert sources == [(3, 5, 0)]
    assert others == [(3, 5, labels.other_roles.index("Agent"))]
    assert to_dataset([document], tokenizer, labels)[1] == {"n_gold": 3}


LOST: dict[str, tuple[Document, str, int, int]] = {
    "inside a word": (
        _document(entities=[_entity(1, "GPE", "رابلس")]),
        "spans that are no run of whole words",
        1,
        1,
    ),
    "two names in one": (
        _document(entities=[_entity(1, "MILITARY", "قوات حفتر"), _entity(2, "PERSON", "حفتر")]),
        "spans that overlap another of their sequence",
        1,
        2,
    ),
    "a name across sentences": (
        _document(entities=[_entity(1, "GPE", "طرابلس. وقتل")]),
        "spans across sentences",
        1,
        1,
    ),
    "an argument in another sentence": (
        _document(_event(1, "Kill", "وقتل", ("Agent", "قوات حفتر"), ("Place", "سرت"))),
        "arguments outside their trigger's sentence",
        1,
        3,
    ),
    "two roles of one phrase": (
        _document(_event(1, "Kill", "وقتل", ("Patient", "عشرة"), ("Quantity", "عشرة"))),
        "spans that overlap another of their sequence",
        1,
        3,
    ),
    "two events of one word": (
        _document(
            _event(1, "Kill", "وقتل", ("Place", "سرت")), _event(2, "Attack", "وقتل", ("Patient", "عشرة"))
        ),
        "arguments of triggers that are left out",
        1,
        4,
    ),
    "a trigger inside a word": (
        _document(_event(1, "Kill", "قتل", ("Patient", "عشرة"), ("Place", "سرت"))),
        "arguments of triggers that are left out",
        2,
        3,
    ),
}


@pytest.mark.parametrize("name", LOST)
def test_lost_gold_is_counted(
    name: str, tokenizer: Tokenizer, labels: Labels, caplog: pytest.LogCaptureFixture
) -> None:
    """Gold that tags cannot hold is counted by reason and among all gold, and said in one warning."""
    document, reason, n_lost, n_gold = LOST[name]
    with caplog.at_level(logging.WARNING):
        _, lost = to_dataset([document], tokenizer, labels)
    assert lost[reason] == n_lost
    assert lost["n_gold"] == n_gold
    (record,) = caplog.records
    assert f"of {n_gold} gold spans" in record.getMessage()
    assert f"{n_lost} {reason}" in record.getMessage()


def test_one_warning_for_a_corpus(
    tokenizer: Tokenizer, labels: Labels, caplog: pytest.LogCaptureFixture
) -> None:
    """However many documents lose gold, it is said once, with number, share and reasons."""
    documents = [document for document, *_ in LOST.values()]
    with caplog.at_level(logging.WARNING):
        to_dataset(documents, tokenizer, labels)
    (record,) = caplog.records
    assert record.getMessage().startswith("10 of 17 gold spans (58.82 %) cannot be learnt: ")


def test_the_longest_of_overlapping_names_is_kept(tokenizer: Tokenizer, labels: Labels) -> None:
    """Of names that share words the longest is learnt, whatever their order."""
    entities = [_entity(1, "PERSON", "حفتر"), _entity(2, "MILITARY", "قوات حفتر")]
    for given_order in (entities, entities[::-1]):
        dataset, _ = to_dataset([_document(entities=given_order)], tokenizer, labels)
        assert dataset[0]["entities"] == [[3, 5, labels.entities.index("MILITARY")]]


@pytest.mark.parametrize(
    ("document", "label"),
    [
        (_document(entities=[_entity(1, "CITY", "سرت")]), "CITY"),
        (_document(_event(1, "Earthquake", "وقتل")), "Earthquake"),
        (_document(_event(1, "Kill", "وقتل", ("Victim", "عشرة"))), "Victim"),
        (_document(replace(_event(1, "Kill", "وقتل"), factuality="hoped")), "hoped"),
    ],
)
def test_unknown_label(document: Document, label: str, tokenizer: Tokenizer, labels: Labels) -> None:
    """A label that the model does not know is refused with the document's id and the known ones."""
    with pytest.raises(LabelError, match=f"document 'd' has the label '{label}': the model knows "):
        to_dataset([document], tokenizer, labels)


def test_documents_without_annotation(tokenizer: Tokenizer, labels: Labels) -> None:
    """Documents without annotation, or without words, are rows like others."""
    documents = [Document(text=TEXT), Document(text=" "), _document(_event(1, "Kill", "وقتل"))]
    dataset, lost = to_dataset(documents, tokenizer, labels)
    assert [len(row["subwords"]) for row in dataset] == [12, 0, 12]
    assert [len(row["events"]) for row in dataset] == [0, 0, 1]
    assert lost == {"n_gold": 1}
    specials = special_ids(tokenizer)
    counts = [len(list(make_examples(row, labels, specials=specials, max_subwords=64))) for row in dataset]
    assert counts == [1, 0, 1]


def test_word_without_subwords(tokenizer: Tokenizer, labels: Labels) -> None:
    """A word of which the tokenizer leaves nothing keeps its place, and its tag."""
    document = Document(
        text="قتل ـ سرت", entities=(Entity(id="T1", label="GPE", start=4, end=9, text="ـ سرت"),)
    )
    (example,) = _examples(document, tokenizer, labels)
    tag = 1 + 2 * labels.entities.index("GPE")
    assert example.entity_tags.tolist() == [0, tag, tag + 1]
    assert 1 not in example.window.word_ids.tolist()


def test_count_pairs(article: Document) -> None:
    """Pairs of event type and role are counted over all arguments."""
    counts = count_pairs([article, article])
    assert counts.total() == 2 * sum(len(event.arguments) for event in article.events)
    assert counts["Advance", "Agent"] % 2 == 0
    assert counts["Advance", "Agent"] >= 4


def test_batches_are_padded(article: Document, tokenizer: Tokenizer, labels: Labels) -> None:
    """A batch holds its examples' tags in place, and nothing to learn at padding."""
    examples = _examples(article, tokenizer, labels)
    batch = make_batch(examples)
    assert batch.examples == tuple(examples)
    assert batch.entity_tags.shape == batch.trigger_tags.shape == batch.windows.word_mask.shape
    padding = torch.from_numpy(~batch.windows.word_mask)
    assert padding.any()
    assert (batch.entity_tags[padding] == IGNORED).all()
    for row, example in enumerate(examples):
        n_words = len(example.entity_tags)
        assert batch.entity_tags[row, :n_words].tolist() == example.entity_tags.tolist()
        assert batch.trigger_tags[row, :n_words].tolist() == example.trigger_tags.tolist()


PHRASES = ("السراج", "قوات حفتر", "قوات", "حفتر", "طرابلس", "عشرة", "سرت", "في سرت", "رابلس", "طرابلس. وقتل")
ROLES = ("Agent", "Patient", "Place", "Source", "Quantity")


@settings(deadline=None, max_examples=40)
@given(data=st.data())
def test_nothing_is_lost_silently(tokenizer: Tokenizer, labels: Labels, data: st.DataObject) -> None:
    """Whatever the annotation, what is learnt and what is counted as lost add up to all of it."""
    arguments = st.lists(st.tuples(st.sampled_from(ROLES), st.sampled_from(PHRASES)), max_size=4)
    triggers = data.draw(st.lists(st.sampled_from(("قصفت", "وقتل", "قتل", "قصفت طرابلس")), max_size=3))
    names = data.draw(st.lists(st.sampled_from(PHRASES), max_size=4))
    document = _document(
        *(_event(number, "Kill", word, *data.draw(arguments)) for number, word in enumerate(triggers)),
        entities=[_entity(number, "GPE", name) for number, name in enumerate(names)],
    )
    dataset, lost = to_dataset([document], tokenizer, labels)
    n_gold = len(names) + len(triggers) + sum(len(event.arguments) for event in document.events)
    events = dataset[0]["events"]
    learnt = len(dataset[0]["entities"]) + len(events) + sum(len(event["arguments"]) for event in events)
    assert lost.get("n_gold", 0) == n_gold
    assert learnt + sum(lost.values()) - n_gold == n_gold
