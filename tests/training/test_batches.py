"""Batches of fine-tuning: a function of seed and step, covering every window once an epoch."""

import math
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer

from libyaevents.assemble import Labels
from libyaevents.documents import Document, Event, Trigger
from libyaevents.errors import ConfigError, CorpusError
from libyaevents.modeling import EventModel
from libyaevents.training.batches import COMMON_SHARE, Batches, Lessons, TrainingBatch, repeat_factors
from libyaevents.training.config import TrainConfig
from libyaevents.training.data import to_dataset
from tests.tiny import make_network

NAMES = "سافر\tO\nمراد\tB-PERS\nإلى\tO\nسرت\tB-LOC\n\nوعاد\tO\nسالم\tB-PERS\n"


def _batches(document: Document, tokenizer: Tokenizer, labels: Labels, **values: object) -> Batches:
    config = TrainConfig(**{"batch_size": 2, "max_subwords": 64, "seed": 3} | values)  # type: ignore[arg-type]
    rows = list(to_dataset([document], tokenizer, labels)[0])
    return Batches([document], rows, labels, tokenizer, config)


def _same(first: TrainingBatch, second: TrainingBatch) -> bool:
    ours, theirs = first.annotated, second.annotated
    return (
        ours.windows.input_ids.shape == theirs.windows.input_ids.shape
        and bool((ours.windows.input_ids == theirs.windows.input_ids).all())
        and torch.equal(ours.entity_tags, theirs.entity_tags)
    )


def test_every_window_once_an_epoch(article: Document, tokenizer: Tokenizer, labels: Labels) -> None:
    """The steps of an epoch hold each window without events once; the next epoch has another order."""
    batches = _batches(replace(article, events=()), tokenizer, labels)
    epochs = [
        [
            tuple(example.window.input_ids.tolist())
            for place in range(batches.per_epoch)
            for example in batches.at(epoch * batches.per_epoch + place).annotated.examples
        ]
        for epoch in (0, 1)
    ]
    expected = sorted(tuple(example.window.input_ids.tolist()) for example in batches.examples)
    assert sorted(epochs[0]) == sorted(epochs[1]) == expected
    assert epochs[0] != epochs[1]


@pytest.mark.parametrize("noise", [0.0, 0.3])
def test_step_decides(article: Document, tokenizer: Tokenizer, labels: Labels, noise: float) -> None:
    """A step gives the same batch whenever it is asked for, variations of the text included."""
    first, again = (_batches(article, tokenizer, labels, spelling_noise=noise) for _ in range(2))
    steps = [2, 0, first.per_epoch + 1, 2]
    for step in steps:
        assert _same(first.at(step), again.at(step))
    again.at(0)
    assert _same(again.at(first.per_epoch + 1), first.at(first.per_epoch + 1))


def test_variations_are_drawn_anew(article: Document, tokenizer: Tokenizer, labels: Labels) -> None:
    """With replaced names or misspelt words each epoch shows other subwords under as many tags."""
    document = replace(article, events=())
    batches = _batches(document, tokenizer, labels, spelling_noise=0.3, batch_size=1000)
    shown = [batches.at(epoch).annotated for epoch in (0, 1)]
    texts = [
        sorted(tuple(example.window.input_ids.tolist()) for example in batch.examples) for batch in shown
    ]
    original = sorted(tuple(example.window.input_ids.tolist()) for example in batches.examples)
    assert original != texts[0] != texts[1] != original
    counts = [int((batch.entity_tags > 0).sum()) for batch in shown]
    assert counts[0] == counts[1] == sum(int((example.entity_tags > 0).sum()) for example in batches.examples)


def test_rare_types_come_more_often(tokenizer: Tokenizer, labels: Labels) -> None:
    """Of 41 windows the one with the only event is shown about √4.1 times an epoch, the others once."""
    text = "\n".join(f"{'كلمة ' * 55}{number}" for number in range(40)) + f"\n{'كلمة ' * 54}قصف سرت"
    place = text.index("قصف")
    trigger = Trigger(start=place, end=place + 3, text="قصف")
    document = Document(text=text, events=(Event(id="E1", type="AirStrike", trigger=trigger),))
    batches = _batches(document, tokenizer, labels)
    n = len(batches.examples)
    factor = max(repeat_factors(batches.examples))
    assert factor == pytest.approx(math.sqrt(COMMON_SHARE * n))
    assert batches.per_epoch == math.ceil((n - 1 + factor) / 2)
    shown = []
    for epoch in range(20):
        steps = range(epoch * batches.per_epoch, (epoch + 1) * batches.per_epoch)
        examples = [example for step in steps for example in batches.at(step).annotated.examples]
        with_event = [example for example in examples if example.triggers]
        assert len(examples) - len(with_event) == n - 1
        shown.append(len(with_event))
    assert set(shown) == {math.floor(factor), math.ceil(factor)}
    assert sum(shown) / len(shown) == pytest.approx(factor, abs=0.35)


def test_common_types_come_once(article: Document, tokenizer: Tokenizer, labels: Labels) -> None:
    """Where every type is in a tenth of the windows, nothing is repeated; nor is what has no event."""
    examples = _batches(article, tokenizer, labels, max_subwords=512).examples
    assert len(examples) < 1 / COMMON_SHARE
    assert repeat_factors(examples) == [1.0] * len(examples)
    assert (
        repeat_factors([replace(example, triggers=()) for example in examples * 9])
        == [1.0] * len(examples) * 9
    )
    assert repeat_factors([]) == []


def test_names_beside(article: Document, tokenizer: Tokenizer, labels: Labels, tmp_path: Path) -> None:
    """A corpus of names adds windows of its own to each step, half as many as annotated ones; else none."""
    path = tmp_path / "names.conll"
    path.write_text(NAMES, encoding="utf-8")
    assert _batches(article, tokenizer, labels).at(0).partial is None
    partial = _batches(article, tokenizer, labels, partial=(str(path),)).at(0).partial
    assert partial is not None
    assert partial.windows.input_ids.shape[0] == 1
    assert not partial.admissible.all()


def test_calibration_windows(article: Document, tokenizer: Tokenizer, labels: Labels) -> None:
    """The ranges of activations are measured on single windows of the text as it is."""
    batches = _batches(article, tokenizer, labels, spelling_noise=0.3)
    windows = batches.calibration()
    assert len(windows) == len(batches.examples)
    ids = {tuple(example.window.input_ids.tolist()) for example in batches.examples}
    assert all(tuple(np.asarray(batch.input_ids[0]).tolist()) in ids for batch in windows)


def test_no_words(tokenizer: Tokenizer, labels: Labels) -> None:
    """A corpus without words is an error that says what is expected."""
    with pytest.raises(CorpusError, match="the corpus holds no words: expected at least one annotated"):
        _batches(Document(text=" "), tokenizer, labels)


@pytest.fixture
def teacher(tokenizer: Tokenizer, labels: Labels) -> EventModel:
    """A network to ask."""
    return make_network(labels, tokenizer.get_vocab_size())


def test_lessons_come_once_an_epoch(
    article: Document, tokenizer: Tokenizer, labels: Labels, teacher: EventModel
) -> None:
    """A window of plain text comes once, unannotated, then in another order; a step decides its batch."""
    texts = [article.text, "عاد الهدوء إلى المدينة."]
    lessons, again = (
        Lessons.of(texts, [teacher], labels, tokenizer, max_subwords=64, batch_size=2, seed=3)
        for _ in range(2)
    )
    per_epoch = len(lessons.examples) // 2
    steps = [lessons.at(step) for step in range(2 * per_epoch)]
    rounds = [
        [tuple(example.window.input_ids.tolist()) for batch in part for example in batch.examples]
        for part in (steps[:per_epoch], steps[per_epoch:])
    ]
    assert all(len(set(found)) == len(found) == 2 * per_epoch for found in rounds)
    assert rounds[0] != rounds[1]
    assert (again.at(1).windows.input_ids == steps[1].windows.input_ids).all()
    assert all(not batch.entity_tags.clamp(min=0).any() for batch in steps)


def test_few_lessons_make_smaller_batches(tokenizer: Tokenizer, labels: Labels, teacher: EventModel) -> None:
    """Where there are fewer windows than a step takes, each step has them all."""
    lessons = Lessons.of(["عاد الهدوء."], [teacher], labels, tokenizer, max_subwords=64, batch_size=8)
    assert [len(lessons.at(step).examples) for step in range(3)] == [1, 1, 1]


def test_lessons_of_nothing_are_refused(tokenizer: Tokenizer, labels: Labels, teacher: EventModel) -> None:
    """Text without words, no teacher, or a batch of none is an error that says what was found."""
    make = partial(Lessons.of, labels=labels, tokenizer=tokenizer, max_subwords=64)
    for texts, teachers, size, said in (
        (["", " \u200f"], [teacher], 2, "1 teachers, 0 windows of text, 2 in a step"),
        (["عاد الهدوء."], [], 2, "0 teachers, 1 windows"),
        (["عاد الهدوء."], [teacher], 0, "0 in a step"),
    ):
        with pytest.raises(ConfigError, match=said):
            make(texts, teachers, batch_size=size)


def test_lessons_are_told_apart(tokenizer: Tokenizer, labels: Labels, teacher: EventModel) -> None:
    """Other words of the same length, another teacher, batch or seed are other lessons."""
    other = make_network(labels, tokenizer.get_vocab_size(), seed=5)
    make = partial(Lessons.of, labels=labels, tokenizer=tokenizer, max_subwords=64)
    found = [
        make(texts, teachers, batch_size=size, seed=seed).identity()
        for texts, teachers, size, seed in (
            (["عاد"], [teacher], 2, 0),
            (["عاب"], [teacher], 2, 0),
            (["عاد"], [other], 2, 0),
            (["عاد"], [teacher], 1, 0),
            (["عاد"], [teacher], 2, 1),
        )
    ]
    assert len(set(found)) == len(found)
    assert make(["عاد"], [teacher], batch_size=2).identity() == found[0]
