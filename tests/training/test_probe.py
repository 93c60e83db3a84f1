"""The probe: which articles it is, what is said to have dropped on it, and how often wrongly."""

import json
from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from libyaevents.catalog import DEFAULT_MODEL, model_folder
from libyaevents.documents import Argument, Document, Entity, Event, Trigger
from libyaevents.errors import CorpusError, MissingFileError
from libyaevents.evaluation import evaluate
from libyaevents.formats.jsonl import write_documents
from libyaevents.ontology import load_ontology
from libyaevents.training import probe as module
from libyaevents.training.corpus import text_hash
from libyaevents.training.probe import Change, compare, find_examples, hash_probe, read_probe

TEXT = "قصفت طائرات مسيرة سرت فجر الجمعة وقتل عشرة في درنة."
DOCUMENTED = "06c2c2e4330675fc9b22eccbec395330c647ad772d69942eb1c38e65b5d9bc4b"


def _document(number: int, *, events: bool = True, places: bool = True) -> Document:
    """One article with two events and two places, or what is left of it."""

    def at(word: str) -> dict[str, object]:
        start = TEXT.index(word)
        return {"start": start, "end": start + len(word), "text": word}

    strike, kill = Trigger(**at("قصفت")), Trigger(**at("وقتل"))  # type: ignore[arg-type]
    place = Argument(role="Place", **at("سرت"))  # type: ignore[arg-type]
    told = (
        Event(id="E1", type="AirStrike", trigger=strike, arguments=(place,)),
        Event(id="E2", type="Kill", trigger=kill),
    )
    named = (
        Entity(id="T1", label="GPE", **at("سرت")),  # type: ignore[arg-type]
        Entity(id="T2", label="GPE", **at("درنة")),  # type: ignore[arg-type]
    )
    return Document(
        id=str(number), text=TEXT, entities=named if places else (), events=told if events else ()
    )


def _by_name(changes: Sequence[Change]) -> dict[str, Change]:
    return {change.name: change for change in changes}


# Which articles


def test_probe_of_the_package() -> None:
    """The probe is 14 articles of the open corpus, with the hash that docs and reports name."""
    documents = read_probe(None, load_ontology())
    assert len(documents) == 14
    assert hash_probe(documents) == DOCUMENTED


def test_shipped_model_has_not_seen_the_probe() -> None:
    """None of the probe's texts is among those that the shipped model was trained on."""
    report = json.loads((model_folder(DEFAULT_MODEL) / "training_report.json").read_text(encoding="utf-8"))
    assert not set(report["seen"]) & set(map(text_hash, read_probe(None, load_ontology())))


def test_probe_of_ones_own(tmp_path: Path) -> None:
    """A file can be the probe; one that is not there is named."""
    path, documents = tmp_path / "mine.jsonl", [_document(number) for number in range(5)]
    documents = [replace(each, text=f"{TEXT} {each.id}") for each in documents]
    write_documents(documents, path)
    assert read_probe(str(path), load_ontology()) == documents
    write_documents(documents[:4], path)
    with pytest.raises(CorpusError, match=r"mine\.jsonl: expected a probe of at least 5 articles, found 4"):
        read_probe(str(path), load_ontology())
    with pytest.raises(MissingFileError, match=r"absent\.jsonl"):
        read_probe(str(tmp_path / "absent.jsonl"), load_ontology())


def test_hash_of_a_probe() -> None:
    """The hash changes with the annotation, and with nothing else."""
    assert hash_probe([_document(1)]) == hash_probe([_document(1)])
    assert hash_probe([_document(1)]) != hash_probe([_document(1, places=False)])


# What changed


def test_figures_are_those_of_the_evaluation() -> None:
    """F1 before and after is what `evaluate` gives, overall and by class."""
    gold = [_document(number) for number in range(6)]
    read = [_document(number, events=number > 1, places=number != 3) for number in range(6)]
    changes = _by_name(compare(gold, gold, read))
    scores = evaluate(gold, read)
    assert changes["entities"].after == pytest.approx(scores.entity_score.f1)
    assert changes["AC+"].after == pytest.approx(scores.events.scores["AC+"].f1)
    for name, score in {**scores.events.by_type, **scores.events.by_role}.items():
        assert changes[name].after == pytest.approx(score.f1)
        assert (changes[name].n_gold, changes[name].before) == (score.n_gold, 1.0)
        assert changes[name].difference == pytest.approx(score.f1 - 1)


def test_nothing_changed() -> None:
    """The same reading again drops nowhere."""
    gold = [_document(number) for number in range(8)]
    read = [_document(number, events=number % 2 == 0) for number in range(8)]
    for change in compare(gold, read, read):
        assert not change.has_dropped
        assert (change.difference, change.difference_interval, change.chance) == (0, (0, 0), 1)


def test_what_is_lost_everywhere_dropped() -> None:
    """Events that are no more found in eight articles dropped beyond chance; names that stayed did not."""
    gold = [_document(number) for number in range(8)]
    changes = _by_name(compare(gold, gold, [replace(document, events=()) for document in gold]))
    assert {name for name, change in changes.items() if change.has_dropped} == {
        "TC",
        "AC+",
        "AirStrike",
        "Kill",
        "Place",
    }
    assert changes["Kill"].chance == 2**-8


def test_rare_class_does_not_collapse() -> None:
    """A class in few articles, lost in one of them, is not judged alone: its interval is none."""
    gold = [_document(number, events=number < 4) for number in range(8)]
    read = [_document(number, events=number < 3) for number in range(8)]
    kill = _by_name(compare(gold, gold, read))["Kill"]
    assert (kill.n_documents, kill.has_dropped) == (4, False)
    assert kill.after < kill.before_interval[0]


def test_collapse_of_a_class() -> None:
    """A class far below its interval has dropped, also where chance may do as much to some class."""
    gold = [_document(number) for number in range(6)]
    before = [_document(number, events=number != 5) for number in range(6)]
    kill = _by_name(compare(gold, before, [_document(number, events=number > 3) for number in range(6)]))[
        "Kill"
    ]
    assert kill.chance > 0.05
    assert kill.has_dropped


def test_what_rose_did_not_drop() -> None:
    """Better is not worse."""
    gold = [_document(number) for number in range(8)]
    worse = [replace(document, events=()) for document in gold]
    assert not any(change.has_dropped for change in compare(gold, worse, gold))


def test_classes_that_the_gold_lacks_are_left_out() -> None:
    """There is nothing to lose in a class without gold, nor in a kind of which the gold has none."""
    gold = [_document(number, places=False) for number in range(4)]
    changes = _by_name(compare(gold, gold, [_document(number) for number in range(4)]))
    assert "GPE" not in changes
    assert "entities" not in changes


@settings(deadline=None, max_examples=25)
@given(st.lists(st.tuples(*[st.integers(0, 3)] * 3), min_size=1, max_size=5), st.data())
def test_chances_by_brute_force(before: list[tuple[int, int, int]], data: st.DataObject) -> None:
    """A chance is the share of all swaps of the two readings in which any figure drops as far."""
    row = st.tuples(*[st.integers(0, 3)] * 3)
    after = data.draw(st.lists(row, min_size=len(before), max_size=len(before)))
    gold = data.draw(st.lists(st.integers(1, 4), min_size=len(before), max_size=len(before)))
    figures = [_counts(gold, before, after, column) for column in range(2)]
    found = module._chances(figures, module._swaps(len(gold), seed=0))
    drops = [[_drop(counts, swap) for swap in product((0, 1), repeat=len(gold))] for counts in figures]
    scaled = [np.array(each) / (np.std(each) or 1.0) for each in drops]
    farthest = np.maximum(*scaled)
    for chance, drop, of_figure in zip(found, drops, scaled, strict=True):
        expected = float((farthest >= of_figure[0] - 1e-9).mean()) if drop[0] > 1e-9 else 1.0
        assert chance == pytest.approx(expected)


def _counts(
    gold: list[int], before: Sequence[tuple[int, ...]], after: Sequence[tuple[int, ...]], column: int
) -> NDArray[np.float64]:
    """Counts (2, documents, 3) in which no more is matched than there is."""
    sides = [
        [(n, row[2], min(n, row[2], row[column])) for n, row in zip(gold, side, strict=True)]
        for side in (before, after)
    ]
    return np.array(sides, np.float64)


def _drop(counts: NDArray[np.float64], swap: tuple[int, ...]) -> float:
    """How much F1 drops where the readings of some documents are swapped."""
    old = sum(counts[other, number] for number, other in enumerate(swap))
    new = sum(counts[1 - other, number] for number, other in enumerate(swap))
    return float(2 * old[2] / (old[0] + old[1]) - 2 * new[2] / (new[0] + new[1]))


def test_false_alarms() -> None:
    """Of comparisons in which chance alone decides which reading is which, few have a class beyond chance."""
    random = np.random.default_rng(0)
    swaps = module._swaps(9, seed=0)
    n_alarms = 0
    for _ in range(300):
        gold = random.integers(1, 6, (12, 1, 9))
        matched = random.binomial(gold, 0.6, (12, 2, 9))
        counts = np.stack([np.broadcast_to(gold, matched.shape), matched + 1, matched], axis=-1)
        n_alarms += min(module._chances(list(counts.astype(np.float64)), swaps)) <= module.FAMILY_ERROR
    assert 0 < n_alarms <= 0.05 * 300 + 2 * (0.05 * 0.95 * 300) ** 0.5


def test_many_documents_are_swapped_at_random() -> None:
    """With more documents than can be swapped in all ways, a choice of ways is drawn, the same for a seed."""
    swaps = module._swaps(40, seed=3)
    assert swaps.shape == (module.MOST_SWAPS, 40)
    assert not swaps[0].any()
    assert np.array_equal(swaps, module._swaps(40, seed=3))
    assert len(np.unique(module._swaps(14, seed=0), axis=0)) == 2**14


# Examples


def test_examples_of_what_changed() -> None:
    """Lost mentions come first, each with the words around it in its sentence; arguments are left out."""
    gold = [_document(1), _document(2)]
    before, after = [_document(1), _document(2, events=False)], [_document(1, places=False), _document(2)]
    lost, also_lost, found, also_found = find_examples(gold, before, after)
    assert [each.is_found for each in (lost, also_lost, found, also_found)] == [False, False, True, True]
    assert (lost.document, lost.kind, lost.name) == ("1", "entity", "GPE")
    assert (lost.left, lost.text, lost.right) == (
        "قصفت طائرات مسيرة",
        "سرت",
        "فجر الجمعة وقتل عشرة في درنة.",
    )
    assert {found.name, also_found.name} == {"AirStrike", "Kill"}
    assert found.text in TEXT
