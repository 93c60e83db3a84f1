"""Scores: seqeval's own at the level of tags, a brute-force oracle's at the level of events."""

import json
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from seqeval.metrics import classification_report
from seqeval.scheme import IOB2

from libyaevents.documents import Argument, Document, Entity, Event, Trigger
from libyaevents.errors import ConfigError, CorpusError, DocumentError, MissingExtraError
from libyaevents.evaluation import Confusion, Evaluation, Score, TagReport, evaluate
from libyaevents.evaluation.items import bootstrap_weights
from libyaevents.words import split_sentences, split_words

# Fourteen words and two full stops: word 0 is قصفت, word 9 وقال, word 15 the last full stop.
TEXT = "قصفت طائرات مسيرة مواقع قرب سرت فجر الجمعة.\nوقال ناطق إن القصف قتل خمسة."
SENTENCES = tuple(split_sentences(TEXT))
WORDS = [word for start, end in SENTENCES for word in split_words(TEXT, start, end)]
N_WORDS = [len(split_words(TEXT, start, end)) for start, end in SENTENCES]

LabeledSpan = tuple[int, int, str]
Tags = list[str]


def words(first: int, last: int | None = None) -> tuple[int, int]:
    """Return the offsets of a run of words, both ends included."""
    return WORDS[first][0], WORDS[first if last is None else last][1]


STRIKE, DRONES, SITES, CITY, TIME = words(0), words(1, 2), words(3), words(5), words(6, 7)
SPEAKER, BOMBING, DEATH, FIVE = words(10), words(12), words(13), words(14)
NO_WORD, ACROSS = (STRIKE[0], STRIKE[1] - 1), (TIME[0], SPEAKER[1])


def make_event(
    trigger: tuple[int, int],
    event_type: str,
    *roles: tuple[str, tuple[int, int]],
    factuality: str = "actual",
) -> Event:
    """Build an event over the text; its id is set by `make_document`."""
    return Event(
        id="E",
        type=event_type,
        trigger=Trigger(start=trigger[0], end=trigger[1], text=TEXT[slice(*trigger)]),
        factuality=factuality,
        arguments=tuple(
            Argument(role=role, start=start, end=end, text=TEXT[start:end]) for role, (start, end) in roles
        ),
    )


def make_document(
    events: Iterable[Event] = (), entities: Iterable[LabeledSpan] = (), *, id: str | None = None
) -> Document:
    """Build a document over the text."""
    return Document(
        id=id,
        text=TEXT,
        sentences=SENTENCES,
        entities=tuple(
            Entity(id=f"T{number}", label=label, start=start, end=end, text=TEXT[start:end])
            for number, (start, end, label) in enumerate(entities, start=1)
        ),
        events=tuple(replace(event, id=f"E{number}") for number, event in enumerate(events, start=1)),
    )


GOLD = make_document(
    [
        make_event(
            STRIKE, "AirStrike", ("Instrument", DRONES), ("Patient", SITES), ("Place", CITY), ("Time", TIME)
        ),
        make_event(BOMBING, "AirStrike", ("Source", SPEAKER), factuality="possible"),
        make_event(DEATH, "Kill", ("Quantity", FIVE), ("Source", SPEAKER)),
    ],
    [(*DRONES, "WEAPON"), (*CITY, "GPE"), (*TIME, "DATE"), (*FIVE, "QUANTITY")],
)
PREDICTED = make_document(
    [
        make_event(STRIKE, "AirStrike", ("Agent", DRONES), ("Patient", SITES), ("Place", CITY)),
        make_event(BOMBING, "Shelling", ("Agent", SPEAKER), ("Source", SPEAKER)),
        make_event(DEATH, "Kill", ("Quantity", FIVE), factuality="negated"),
    ],
    [(*DRONES, "WEAPON"), (*CITY, "LOC"), (*words(7), "DATE"), (*FIVE, "QUANTITY")],
)

SPANS = [STRIKE, DRONES, CITY, BOMBING, NO_WORD, ACROSS]
EVENTS = st.builds(
    lambda trigger, event_type, roles, factuality: make_event(
        trigger, event_type, *roles, factuality=factuality
    ),
    st.sampled_from(SPANS),
    st.sampled_from(["AirStrike", "Kill"]),
    st.lists(st.tuples(st.sampled_from(["Agent", "Patient", "Source"]), st.sampled_from(SPANS)), max_size=4),
    st.sampled_from(["actual", "negated", "possible"]),
)
DOCUMENTS = st.builds(
    make_document,
    st.lists(EVENTS, max_size=5),
    st.lists(st.tuples(st.sampled_from(SPANS), st.sampled_from(["GPE", "LOC"])).map(lambda x: (*x[0], x[1]))),
)
PAIRS = st.lists(st.tuples(DOCUMENTS, DOCUMENTS), min_size=1, max_size=3)


def items_said(document: Document, name: str) -> Iterator[tuple[object, ...]]:
    """Yield what a score of that name counts, repetitions included."""
    if name == "entities":
        yield from ((entity.label, entity.start, entity.end) for entity in document.entities)
    for event in document.events:
        trigger = (event.trigger.start, event.trigger.end)
        if name == "TI":
            yield trigger
        if name == "TC":
            yield (event.type, *trigger)
        for argument in event.arguments:
            role = (argument.role,) if name.startswith("AC") else ()
            attachment = trigger if name.endswith("+") else ()
            if name.startswith("A"):
                yield (event.type, argument.start, argument.end, *role, *attachment)


def distinct(items: Iterable[tuple[object, ...]]) -> list[tuple[object, ...]]:
    """Drop repetitions, comparing each item with each."""
    kept: list[tuple[object, ...]] = []
    for item in items:
        if not any(item == other for other in kept):
            kept.append(item)
    return kept


def oracle_counts(pairs: Iterable[tuple[Document, Document]], name: str) -> tuple[int, int, int]:
    """Count gold, predicted and matched items by nested loops."""
    n_gold = n_predicted = n_matched = 0
    for gold, predicted in pairs:
        ours, theirs = distinct(items_said(gold, name)), distinct(items_said(predicted, name))
        n_gold += len(ours)
        n_predicted += len(theirs)
        for item in ours:
            for other in theirs:
                n_matched += item == other
    return n_gold, n_predicted, n_matched


def f1(n_gold: int, n_predicted: int, n_matched: int) -> float:
    """Return the harmonic mean of precision and recall, written as such."""
    if n_matched == 0:
        return 0.0
    precision, recall = n_matched / n_predicted, n_matched / n_gold
    return 2 * precision * recall / (precision + recall)


def counts_of(score: Score) -> tuple[int, int, int]:
    """Return gold, predicted and matched counts."""
    return score.n_gold, score.n_predicted, score.n_matched


def assert_is_seqeval(report: TagReport, gold: Sequence[Tags], predicted: Sequence[Tags]) -> None:
    """Compare a report with seqeval's on the given sequences, text and figures."""
    options = {"mode": "strict", "scheme": IOB2, "zero_division": 0}
    assert report.text == classification_report(gold, predicted, digits=3, **options)
    rows = classification_report(gold, predicted, output_dict=True, **options)
    found = {**report.by_label, "micro avg": report.micro}
    assert set(found) == set(rows) - {"macro avg", "weighted avg"}
    for label, row in found.items():
        assert [row.precision, row.recall, row.f1, row.support] == list(rows[label].values())


def all_scores(evaluation: Evaluation) -> list[Score]:
    """Return every score with an interval."""
    events = evaluation.events
    tables = (events.scores, events.by_type, events.by_role, events.factuality.by_class)
    return [evaluation.entity_score, *(score for table in tables for score in table.values())]


# Tags


def test_tag_reports_are_seqevals_own() -> None:
    """Entities, triggers and roles are scored as seqeval scores the sequences written out by hand."""
    evaluation = evaluate([GOLD], [PREDICTED])
    weapon = ["O", "B-WEAPON", "I-WEAPON", "O", "O"]
    assert_is_seqeval(
        evaluation.entities,
        [[*weapon, "B-GPE", "B-DATE", "I-DATE", "O"], ["O", "O", "O", "O", "O", "B-QUANTITY", "O"]],
        [[*weapon, "B-LOC", "O", "B-DATE", "O"], ["O", "O", "O", "O", "O", "B-QUANTITY", "O"]],
    )
    strike = ["B-AirStrike"] + ["O"] * 8
    assert_is_seqeval(
        evaluation.triggers,
        [strike, ["O", "O", "O", "B-AirStrike", "B-Kill", "O", "O"]],
        [strike, ["O", "O", "O", "B-Shelling", "B-Kill", "O", "O"]],
    )


def test_roles_have_two_sequences_a_trigger() -> None:
    """Source has a sequence of its own, and a trigger that one side lacks is all O there."""
    outside, source = ["O"] * 7, ["O", "B-Source", "O", "O", "O", "O", "O"]
    quantity = ["O", "O", "O", "O", "O", "B-Quantity", "O"]
    agent = ["O", "B-Agent", "O", "O", "O", "O", "O"]
    patient = ["B-Patient", "O", "B-Place"]
    gold = {
        "AirStrike at word 0": [
            ["O"] * 9,
            ["O", "B-Instrument", "I-Instrument", *patient, "B-Time", "I-Time", "O"],
        ],
        "AirStrike at word 12": [source, outside],
        "Shelling at word 12": [outside, outside],
        "Kill": [source, quantity],
    }
    predicted = {
        "AirStrike at word 0": [["O"] * 9, ["O", "B-Agent", "I-Agent", *patient, "O", "O", "O"]],
        "AirStrike at word 12": [outside, outside],
        "Shelling at word 12": [source, agent],
        "Kill": [outside, quantity],
    }
    report = evaluate([GOLD], [PREDICTED]).roles
    assert_is_seqeval(report, list(chain(*gold.values())), list(chain(*predicted.values())))
    assert (report.n_spans, report.n_unaligned, report.n_overlapping) == (13, 0, 0)


@st.composite
def tagged_text(draw: st.DrawFn) -> list[Tags]:
    """Draw a legal IOB2 sequence for each sentence."""
    sequences = []
    for n_words in N_WORDS:
        tags: Tags = []
        for tag in draw(
            st.lists(st.sampled_from(["O", "B-GPE", "B-ORG", "I"]), min_size=n_words, max_size=n_words)
        ):
            label = tags[-1][2:] if tags else ""
            tags.append(tag if tag != "I" else f"I-{label}" if label else "O")
        sequences.append(tags)
    return sequences


def spans_of(sequences: Sequence[Tags]) -> list[LabeledSpan]:
    """Read the spans of legal sequences over the words of the text."""
    tags = [tag for sequence in sequences for tag in sequence]
    spans = []
    for first, tag in enumerate(tags):
        if tag.startswith("B"):
            last = first
            while last + 1 < len(tags) and tags[last + 1].startswith("I"):
                last += 1
            spans.append((*words(first, last), tag[2:]))
    return spans


@settings(max_examples=50, deadline=None)
@given(tagged_text(), tagged_text())
def test_entity_score_is_seqevals_micro_average_where_spans_are_words(
    gold: list[Tags], predicted: list[Tags]
) -> None:
    """Sets of spans and sequences of tags give the same figures where every span is a run of words."""
    evaluation = evaluate(
        [make_document(entities=spans_of(gold))],
        [make_document(entities=spans_of(predicted))],
        n_resamples=1,
    )
    score, micro = evaluation.entity_score, evaluation.entities.micro
    assert evaluation.entities.n_unaligned == evaluation.entities.n_overlapping == 0
    assert [score.precision, score.recall, score.f1] == pytest.approx(
        [micro.precision, micro.recall, micro.f1]
    )
    if spans_of(gold) or spans_of(predicted):
        assert_is_seqeval(evaluation.entities, gold, predicted)


def test_spans_that_tags_cannot_hold_are_counted_and_said() -> None:
    """A part of a word, a span across sentences and the shorter of two overlapping spans leave the report."""
    gold = make_document(
        [make_event(STRIKE, "AirStrike", ("Agent", DRONES), ("Patient", words(2)), ("Place", SPEAKER))],
        [(*NO_WORD, "GPE"), (*ACROSS, "GPE"), (*DRONES, "WEAPON"), (*words(2), "WEAPON")],
    )
    evaluation = evaluate([gold], [make_document()])
    entities, roles = evaluation.entities, evaluation.roles
    assert (entities.n_spans, entities.n_unaligned, entities.n_overlapping) == (4, 2, 1)
    assert (roles.n_spans, roles.n_unaligned, roles.n_overlapping) == (3, 1, 1)
    assert list(entities.by_label) == ["WEAPON"]
    assert evaluation.entity_score.n_gold == 4
    assert "Left out: 3 of 4 gold and predicted spans (75.0%):\n2 no run" in evaluation.to_text()


def test_roles_of_a_trigger_across_sentences_are_unaligned() -> None:
    """A trigger that no sentence holds has no sequence, so its arguments are counted as left out."""
    roles = evaluate([make_document([make_event(ACROSS, "Kill", ("Agent", CITY))])], [make_document()]).roles
    assert (roles.n_spans, roles.n_unaligned, roles.text) == (1, 1, "(no spans)")


def test_a_document_without_sentences_is_cut_by_the_library() -> None:
    """Gold without sentences gives the same report as gold that carries the library's own."""
    bare = replace(GOLD, sentences=())
    assert evaluate([bare], [PREDICTED]) == evaluate([GOLD], [PREDICTED])


# Items


def test_event_scores_of_a_small_case() -> None:
    """Each score asks for what its name says and no more."""
    scores = evaluate([GOLD], [PREDICTED]).events.scores
    assert {name: counts_of(score) for name, score in scores.items()} == {
        "TI": (3, 3, 3),
        "TC": (3, 3, 2),
        "AI": (7, 5, 4),
        "AC": (7, 6, 3),
        "AI+": (7, 5, 4),
        "AC+": (7, 6, 3),
    }


def test_only_the_plus_scores_ask_for_the_right_trigger() -> None:
    """An argument attached to another trigger of the same type counts in AI and AC, not in AI+ and AC+."""
    gold = make_document([make_event(STRIKE, "AirStrike", ("Place", CITY)), make_event(BOMBING, "AirStrike")])
    swapped = make_document(
        [make_event(STRIKE, "AirStrike"), make_event(BOMBING, "AirStrike", ("Place", CITY))]
    )
    scores = evaluate([gold], [swapped]).events.scores
    assert [scores[name].f1 for name in ("TI", "TC", "AI", "AC", "AI+", "AC+")] == [1, 1, 1, 1, 0, 0]


@settings(max_examples=100, deadline=None)
@given(PAIRS)
def test_counts_equal_those_of_a_brute_force_oracle(pairs: list[tuple[Document, Document]]) -> None:
    """Every score has the counts and the F1 that nested loops over all items find."""
    gold, predicted = zip(*pairs, strict=True)
    evaluation = evaluate(gold, predicted, n_resamples=2)
    for name, score in {**evaluation.events.scores, "entities": evaluation.entity_score}.items():
        expected = oracle_counts(pairs, name)
        assert counts_of(score) == expected
        assert score.f1 == pytest.approx(f1(*expected))
        assert score.precision == (score.n_matched / score.n_predicted if score.n_predicted else 0)
        assert score.recall == (score.n_matched / score.n_gold if score.n_gold else 0)


@settings(max_examples=100, deadline=None)
@given(PAIRS)
def test_rows_by_label_add_up(pairs: list[tuple[Document, Document]]) -> None:
    """The rows by event type sum to TC, those by role to AC+, those by class to factuality."""
    gold, predicted = zip(*pairs, strict=True)
    events = evaluate(gold, predicted, n_resamples=2).events
    factuality = (events.factuality.n, events.factuality.n, events.factuality.n_correct)
    for rows, total in (
        (events.by_type, counts_of(events.scores["TC"])),
        (events.by_role, counts_of(events.scores["AC+"])),
        (events.factuality.by_class, factuality),
    ):
        sums = np.array([counts_of(row) for row in rows.values()] or [(0, 0, 0)]).sum(axis=0)
        assert tuple(sums.tolist()) == total
        assert list(rows) == sorted(rows)


@settings(max_examples=100, deadline=None)
@given(PAIRS)
def test_factuality_is_accuracy_over_shared_triggers(pairs: list[tuple[Document, Document]]) -> None:
    """A gold event counts where its trigger and type were predicted; the first event of a trigger speaks."""
    n = n_correct = 0
    for gold, predicted in pairs:
        seen = []
        for event in gold.events:
            trigger = (event.trigger, event.type)
            answers = [e.factuality for e in predicted.events if (e.trigger, e.type) == trigger]
            if trigger not in seen and answers:
                n += 1
                n_correct += answers[0] == event.factuality
            seen.append(trigger)
    gold_documents, predicted_documents = zip(*pairs, strict=True)
    score = evaluate(gold_documents, predicted_documents, n_resamples=2).events.factuality
    assert (score.n, score.n_correct) == (n, n_correct)
    assert score.accuracy == (n_correct / n if n else 0)


def test_what_is_said_twice_counts_once() -> None:
    """An event repeated with the same trigger, type and arguments changes no score."""
    twice = make_document([*PREDICTED.events, *PREDICTED.events], spans_of_entities(PREDICTED))
    assert evaluate([GOLD], [twice]) == evaluate([GOLD], [PREDICTED])


def spans_of_entities(document: Document) -> list[LabeledSpan]:
    """Return the entities of a document as `make_document` takes them."""
    return [(entity.start, entity.end, entity.label) for entity in document.entities]


def test_a_perfect_prediction_scores_one() -> None:
    """Every score, every bound and every tag report of gold against itself is 1."""
    evaluation = evaluate([GOLD, GOLD], [GOLD, GOLD])
    for score in all_scores(evaluation):
        assert (score.precision, score.recall, score.f1, score.low, score.high) == (1, 1, 1, 1, 1)
    assert evaluation.events.factuality.accuracy == 1
    assert all(
        report.micro.f1 == 1 for report in (evaluation.entities, evaluation.triggers, evaluation.roles)
    )


def test_an_empty_prediction_scores_zero_without_warnings() -> None:
    """Ratios without a denominator are 0, and seqeval has nothing to warn of."""
    evaluation = evaluate([GOLD], [make_document()])
    assert {(score.precision, score.recall, score.f1, score.high) for score in all_scores(evaluation)} == {
        (0, 0, 0, 0)
    }
    assert (evaluation.events.factuality.accuracy, evaluation.events.factuality.n) == (0, 0)
    assert evaluation.roles.micro.f1 == 0


def test_documents_without_annotation_can_be_evaluated() -> None:
    """Nothing to find and nothing found gives 0 everywhere and says that there are no spans."""
    evaluation = evaluate([make_document()], [make_document()])
    assert evaluation.entities.text == evaluation.roles.text == "(no spans)"
    assert evaluation.entities.by_label == {}
    assert evaluation.entity_score.f1 == evaluation.entity_score.high == 0


# Intervals

MANY = [GOLD, PREDICTED, make_document(), make_document(GOLD.events), make_document(PREDICTED.events[:1])] * 3
MANY_PREDICTED = [PREDICTED] * 7 + [GOLD] * 8


def test_intervals_repeat_with_a_seed_and_hold_the_estimate() -> None:
    """The same seed gives the same evaluation, another seed other bounds around the same F1."""
    first, again, other = (evaluate(MANY, MANY_PREDICTED, seed=seed) for seed in (5, 5, 6))
    assert first == again
    assert first.entity_score.f1 == other.entity_score.f1
    assert first.events.scores["AC+"] != other.events.scores["AC+"]
    for score in (*first.events.scores.values(), first.entity_score):
        assert score.low < score.f1 < score.high
    assert first.events.factuality.low < first.events.factuality.accuracy < first.events.factuality.high


def test_intervals_are_percentiles_over_resampled_documents() -> None:
    """Bounds equal those of scoring each resample from scratch, document by document."""
    score = evaluate(MANY, MANY_PREDICTED, n_resamples=50, seed=3).events.scores["AC+"]
    pairs = list(zip(MANY, MANY_PREDICTED, strict=True))
    resamples = bootstrap_weights(len(pairs), 50, 3).astype(int).tolist()
    values = [
        f1(*oracle_counts([pair for pair, n in zip(pairs, row, strict=True) for _ in range(n)], "AC+"))
        for row in resamples
    ]
    assert all(sum(row) == len(pairs) for row in resamples)
    assert [score.low, score.high] == pytest.approx(np.percentile(values, [2.5, 97.5]).tolist())


def test_a_rare_label_that_is_always_found_has_no_bound_at_zero() -> None:
    """Resamples that drew no item say nothing about it."""
    gold = [GOLD, *[make_document()] * 4]
    score = evaluate(gold, gold).events.by_type["Kill"]
    assert (score.low, score.f1, score.high) == (1, 1, 1)


def test_confusions_pair_labels_of_one_span() -> None:
    """A trigger with a wrong type, or with a wrong factuality, is counted with what it was taken for."""
    evaluation = evaluate([GOLD] * 2, [PREDICTED] * 2)
    events = evaluation.events
    assert events.confusions == (Confusion(gold="AirStrike", predicted="Shelling", n=2),)
    assert events.factuality.confusions == (Confusion(gold="actual", predicted="negated", n=2),)
    text = evaluation.to_text()
    assert re.search(r"Event types confused\n  AirStrike +taken for Shelling +2\n", text)
    assert "Factuality confused" in text
    single = evaluate([GOLD], [PREDICTED])
    assert len(single.events.confusions) == 1
    assert "confused" not in single.to_text(), "one of a kind is no pattern"


def test_resamples_are_at_least_one() -> None:
    """An interval needs a resample."""
    with pytest.raises(ConfigError, match="n_resamples: expected at least 1, found 0"):
        evaluate([GOLD], [GOLD], n_resamples=0)


# Gold triggers


def test_gold_triggers_are_scored_beside_predicted_ones() -> None:
    """With gold triggers, arguments and factuality have scores of their own; triggers have none."""
    given = replace(GOLD, events=(replace(GOLD.events[0], arguments=()), *GOLD.events[1:]))
    evaluation = evaluate([GOLD], [PREDICTED], with_gold_triggers=[given])
    report = evaluation.events_with_gold_triggers
    assert report is not None
    assert {name: counts_of(score) for name, score in report.scores.items()} == dict.fromkeys(
        ("AI", "AC", "AI+", "AC+"), (7, 3, 3)
    )
    assert (report.by_type, report.factuality.n, report.factuality.accuracy) == ({}, 3, 1)
    assert evaluation.events == evaluate([GOLD], [PREDICTED]).events
    assert "Gold triggers" in evaluation.to_text()


def test_other_triggers_are_no_gold_triggers() -> None:
    """Documents whose triggers differ from gold are refused where gold triggers are promised."""
    with pytest.raises(
        DocumentError, match=r"document 1: expected the 3 gold triggers .* 1 missing and 1 others"
    ):
        evaluate([GOLD], [PREDICTED], with_gold_triggers=[PREDICTED])


# Matching documents


def test_documents_are_matched_by_id_in_any_order() -> None:
    """Ids decide, not positions."""
    gold = [replace(GOLD, id="a"), replace(PREDICTED, id="b")]
    assert evaluate(gold, gold[::-1]).events.scores["AC+"].f1 == 1


def test_documents_without_ids_are_matched_by_position() -> None:
    """The first is compared with the first."""
    assert evaluate([GOLD, PREDICTED], [GOLD, PREDICTED]).events.scores["AC+"].f1 == 1
    assert evaluate([GOLD, PREDICTED], [PREDICTED, GOLD]).events.scores["AC+"].f1 < 1


@pytest.mark.parametrize(
    ("gold", "predicted", "message"),
    [
        ([], [], "gold: expected at least one document, found none"),
        ([None], [None, None], "predicted: expected 1 documents, as many as in gold, found 2"),
        (["a"], [None], "predicted, document 1: expected an id, since other documents have one, found none"),
        ([None, "a"], ["a", "b"], "gold, document 1: expected an id"),
        (["a", "a"], ["a"], "gold, document 2: expected a new id, found 'a' again"),
        (["a", "b"], ["b", "c"], r"found 1 missing \('a'\) and 1 not in gold \('c'\)"),
        (list("abcd"), [], r"found 4 missing \('a', 'b', 'c', …\) and 0 not in gold"),
    ],
)
def test_lists_that_do_not_match_are_refused(
    gold: list[str | None], predicted: list[str | None], message: str
) -> None:
    """The message says which side differs, and how."""
    with pytest.raises(CorpusError, match=message):
        evaluate([replace(GOLD, id=id) for id in gold], [replace(GOLD, id=id) for id in predicted])


@pytest.mark.parametrize(
    ("text", "offset"), [("قصفت طائرة", 9), ("قصفت", 4)], ids=["another letter", "a shorter text"]
)
def test_texts_that_differ_are_refused(text: str, offset: int) -> None:
    """Offsets into two texts cannot be compared; the message shows where they part."""
    with pytest.raises(DocumentError, match=f"predicted, document 'a': .* from offset {offset} on"):
        evaluate([replace(GOLD, id="a")], [Document(id="a", text=text)])


# Output


def test_the_dictionary_is_json_with_stable_keys() -> None:
    """Keys are the same with and without findings, and the whole survives JSON."""
    full, empty = (
        evaluate([GOLD], [PREDICTED], with_gold_triggers=[GOLD]),
        evaluate([GOLD], [make_document()]),
    )
    data = full.to_dict()
    assert json.loads(json.dumps(data)) == data
    assert (
        list(data)
        == list(empty.to_dict())
        == [
            "n_documents",
            "n_resamples",
            "seed",
            "entity_score",
            "events",
            "events_with_gold_triggers",
            "entities",
            "triggers",
            "roles",
            "reliability",
        ]
    )
    assert list(data["events"]) == ["scores", "by_type", "by_role", "factuality", "confusions"]
    assert data["events"]["scores"]["TC"]["n_matched"] == 2
    assert empty.to_dict()["events_with_gold_triggers"] is None


def test_the_text_has_the_event_table_first() -> None:
    """A reader sees the event scores with intervals, then seqeval's reports."""
    text = evaluate(MANY, MANY_PREDICTED).to_text()
    titles = [
        "Predicted triggers",
        "TC by event type",
        "AC+ by role",
        "Entities (seqeval",
        "Roles per trigger",
    ]
    assert sorted(titles, key=text.index) == titles
    assert "Gold triggers" not in text
    assert max(map(len, text.splitlines())) <= 80


def test_scores_are_judged_in_one_line() -> None:
    """Where predicted spans have scores, the text gives their expected calibration error by kind."""
    (entity, *_) = PREDICTED.entities
    scored = replace(PREDICTED, entities=(replace(entity, score=0.75),))
    lines = evaluate([GOLD], [scored]).to_text().splitlines()
    assert "Expected calibration error: entities 0.250" in lines
    assert "calibration" not in evaluate([GOLD], [PREDICTED]).to_text()


def test_without_seqeval_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message is the line to type."""
    monkeypatch.setitem(sys.modules, "seqeval.metrics", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'libyaevents\[evaluate\]'"):
        evaluate([GOLD], [PREDICTED])
