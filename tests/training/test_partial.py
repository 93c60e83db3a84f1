"""Foreign corpora as sets of admissible tags: what the sets hold, the loss over them, and the score."""

import logging
import random
from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from seqeval.metrics import classification_report
from seqeval.scheme import IOB2
from tokenizers import Tokenizer

from libyaevents.assemble import Labels
from libyaevents.documents import Document, Entity
from libyaevents.errors import InputError, LabelError
from libyaevents.formats.conll import TaggedWord, join_sentences
from libyaevents.subwords import special_ids
from libyaevents.tags import iob2_tags
from libyaevents.training.partial import (
    NEWSWIRE_TYPES,
    PartialExample,
    make_partial_batch,
    partial_loss,
    read_partial,
    score_conll,
)
from libyaevents.words import split_words
from tests.tiny import make_network


class Reader:
    """Reads corpora that are written as `زار سرت|B-LOC`, a sentence a line, `O` left out."""

    def __init__(self, folder: Path, tokenizer: Tokenizer, labels: Labels) -> None:
        self.folder, self.tokenizer, self.labels = folder, tokenizer, labels
        self.tags = iob2_tags(labels.entities)

    def examples(self, *corpora: str, max_subwords: int = 64) -> list[PartialExample]:
        """The windows of some files."""
        paths = [self.folder / f"{number}.conll" for number in range(len(corpora))]
        for path, corpus in zip(paths, corpora, strict=True):
            words = [
                [(word if "|" in word else f"{word}|O") for word in line.split()]
                for line in corpus.splitlines()
            ]
            lines = ["".join(word.replace("|", " ") + "\n" for word in sentence) for sentence in words]
            path.write_text("\n".join(lines), encoding="utf-8")
        specials = special_ids(self.tokenizer)
        return read_partial(paths, self.tokenizer, self.labels, specials=specials, max_subwords=max_subwords)

    def sets(self, *corpora: str) -> list[set[str]]:
        """What each word may be."""
        return [
            {tag for tag, is_admissible in zip(self.tags, row, strict=True) if is_admissible}
            for example in self.examples(*corpora)
            for row in example.admissible[_scored(example)].tolist()
        ]


def _scored(example: PartialExample) -> slice:
    (first, _), (start, end) = example.window.words, example.window.scored
    return slice(start - first, end - first)


@pytest.fixture
def reader(tmp_path: Path, tokenizer: Tokenizer, labels: Labels) -> Reader:
    """A reader that writes to a folder of its own."""
    return Reader(tmp_path, tokenizer, labels)


@pytest.mark.parametrize(
    ("corpus", "expected"),
    [
        ("عمر|B-PERS سالم|I-PERS", ["B-PERSON", "I-PERSON"]),
        ("درنة|B-LOC", ["B-GPE B-LOC"]),
        ("أبو|B-LOC سليم|I-LOC", ["B-GPE B-LOC", "I-GPE I-LOC"]),
        ("مطار|B-LOC معيتيقة|I-LOC", ["B-GPE B-LOC B-FAC", "I-GPE I-LOC I-FAC"]),
        ("سرت|B-GPE", ["B-GPE B-LOC"]),
        ("الناتو|B-ORG", ["B-ORG B-MILITARY"]),
        ("للمستشفى|B-ORG", ["B-ORG B-MILITARY B-FAC"]),
        ("وزير|B-OCC الدفاع|I-OCC", ["B-TITLE", "I-TITLE"]),
        ("العقيد|B-TIT", ["B-TITLE"]),
        ("مذيع|B-OCC", ["O B-TITLE"]),
        ("خمسة|B-CARDINAL", ["B-QUANTITY I-QUANTITY"]),
        ("أمس|B-DATE", ["B-DATE I-DATE"]),
        ("الآن|B-TIME", ["O B-DATE"]),
        ("85|B-ORDINAL", ["O B-DATE"]),
    ],
)
def test_types(reader: Reader, corpus: str, expected: list[str]) -> None:
    """A foreign type is one of a few of ours, by the name's first word, or none where it says so."""
    assert reader.sets(corpus) == [set(tags.split()) for tags in expected]


def test_unknown_types(reader: Reader) -> None:
    """A name of a type that has no counterpart may be anything."""
    assert reader.sets("الليبية|B-MISC الحرة|I-MISC") == [set(reader.tags)] * 2


def test_outside(reader: Reader) -> None:
    """What a corpus leaves `O` is of no type that it marks, but may be of those that it does not."""
    unmarked, *_ = reader.sets("زار سرت|B-LOC مع عمر|B-PERS من رويترز|B-ORG")
    excluded = {tag[2:] for tag in set(reader.tags) - unmarked}
    assert excluded == {"PERSON", "GPE", "LOC", "FAC", "ORG", "MILITARY"}
    assert len(set(reader.tags) - unmarked) == 2 * len(excluded)


def test_outside_follows_the_types_of_the_file(reader: Reader) -> None:
    """Where a file marks no places, its `O` may be one, whatever other files mark; dates may be anywhere."""
    first, _, last, *_ = reader.sets("زار عمر|B-PERS", "زار سرت|B-GPE أمس|B-DATE")
    assert set(reader.tags) - first == {"B-PERSON", "I-PERSON"}
    assert set(reader.tags) - last == {
        f"{prefix}-{label}" for prefix in "BI" for label in ("GPE", "LOC", "FAC")
    }


@pytest.mark.parametrize(
    ("phrase", "tags"),
    [
        ("الجيش الوطني", "B-MILITARY I-MILITARY"),
        ("وللحكومة المؤقتة", "B-ORG I-ORG"),
        ("بالمتحدث الرسمي", "B-TITLE I-TITLE"),
        ("ومطار معيتيقة", "B-FAC I-FAC"),
        ("الحدود الجنوبية", "B-LOC I-LOC"),
    ],
)
def test_heads(reader: Reader, phrase: str, tags: str) -> None:
    """At a common noun that starts our names, with clitics or not, one may be where the corpus has none."""
    *_, first, second = reader.sets(f"زار سرت|B-LOC عمر|B-PERS رويترز|B-ORG العقيد|B-TIT و {phrase}")
    begin, inside = tags.split()
    assert begin in first
    assert begin not in second
    assert inside in second


def test_reach_of_heads(reader: Reader) -> None:
    """What a head starts ends at punctuation, quotes aside, or after some words."""
    *_, name = reader.sets("المتحدث باسم « الناتو|B-ORG")
    assert name == {"B-ORG", "B-MILITARY", "I-TITLE"}
    *_, name = reader.sets("المتحدث ، الناتو|B-ORG")
    assert name == {"B-ORG", "B-MILITARY"}
    *_, name = reader.sets("المتحدث زار مساء اليوم معه الناتو|B-ORG")
    assert name == {"B-ORG", "B-MILITARY"}


def test_persons_behind_heads(reader: Reader) -> None:
    """A person may be inside a name that starts right before, but never inside a title."""
    assert reader.sets("قوات حفتر|B-PERS")[1] == {"B-PERSON", "I-MILITARY", "I-ORG"}
    assert reader.sets("قوات من حفتر|B-PERS")[2] == {"B-PERSON"}
    assert reader.sets("الرئيس ماكرون|B-PERS")[1] == {"B-PERSON"}


def test_no_tag_suits_all_names(reader: Reader) -> None:
    """No one tag is admissible for a person, a place, an organization and a word outside names."""
    sets = reader.sets("عمر|B-PERS درنة|B-LOC رويترز|B-ORG العقيد|B-TIT وصل")
    assert all(not first & second for first, second in combinations(sets, 2))


def test_several_words_of_a_token(reader: Reader) -> None:
    """Of the words of a token the first with a letter begins the name; punctuation may be anything."""
    bracket, first, second, closing = reader.sets("(سانا|B-ORG شينخوا)|I-ORG")
    assert bracket == closing == set(reader.tags)
    assert "B-ORG" in first
    assert "I-ORG" not in first
    assert "I-ORG" in second
    assert "B-ORG" not in second


def test_optional_heads(reader: Reader) -> None:
    """A word that we leave out of a name may be anything, and what follows it begins the name or goes on."""
    head, name = reader.sets("بمدينة|B-GPE درنة|I-GPE")
    assert head == set(reader.tags)
    assert name == {"B-GPE", "I-GPE", "B-LOC", "I-LOC"}
    assert reader.sets("الشيخ|B-PERS") == [{"B-PERSON"}]


def test_names_behind_heads(reader: Reader) -> None:
    """Behind a word that we take into a name a foreign name may go on ours."""
    assert "I-ORG" in reader.sets('لوكالة " رويترز|B-ORG')[-1]
    assert "I-ORG" not in reader.sets("قالت رويترز|B-ORG")[-1]


def test_names_side_by_side(reader: Reader) -> None:
    """A title directly behind a title may go on it."""
    assert reader.sets("العقيد|B-TIT الركن|B-TIT") == [{"B-TITLE"}, {"B-TITLE", "I-TITLE"}]


def test_longest_name_wins(reader: Reader) -> None:
    """Inside a name that is surely one of ours, nested names do not count."""
    nested = reader.sets("رئيس|B-OCC بلدية|I-OCC|B-ORG سبها|I-OCC|I-ORG|B-GPE")
    assert nested == [{"B-TITLE"}, {"I-TITLE"}, {"I-TITLE"}]


def test_names_that_are_not_surely_ours(reader: Reader) -> None:
    """Inside a name that may be none of ours a word may be what any of its names admits, or begin one."""
    people, group = reader.sets("عناصر|B-NORP داعش|I-NORP|B-ORG")
    assert {"O", "B-NORP"} <= people
    assert {"O", "I-NORP", "B-NORP", "B-ORG", "B-MILITARY"} <= group
    assert not {"B-PERSON", "B-GPE"} & (people | group)


def test_places_that_act(reader: Reader) -> None:
    """An organization may be a place where the files call its name, clitics aside, a place as well."""
    first, _, second, third, other, _ = reader.sets(
        "إيران|B-ORG تتهم لإيران|B-ORG للصين|B-ORG الويبو|B-ORG إيران|B-LOC",
    )[:6]
    assert "B-GPE" in first & second
    assert "B-GPE" not in third | other
    *_, third = reader.sets("الصين|B-GPE", "للصين|B-ORG")
    assert "B-GPE" in third


def test_own_gold_is_admissible(article: Document, reader: Reader) -> None:
    """The article's own tags are admissible when its names are told in the types of newswire."""
    words = split_words(article.text)
    tags, foreign = ["O"] * len(words), ["O"] * len(words)
    for name in article.entities:
        inside = [
            index for index, (start, end) in enumerate(words) if name.start <= start and end <= name.end
        ]
        for index in inside:
            prefix = "B" if index == inside[0] else "I"
            tags[index] = f"{prefix}-{name.label}"
            label = NEWSWIRE_TYPES.get(name.label)
            foreign[index] = f"{prefix}-{label}" if label else "O"
    sets = reader.sets(
        " ".join(f"{article.text[start:end]}|{tag}" for (start, end), tag in zip(words, foreign, strict=True))
    )
    assert [tag for tag, admissible in zip(tags, sets, strict=True) if tag not in admissible] == []


@pytest.mark.parametrize("max_subwords", [8, 20, 64])
def test_windows(reader: Reader, max_subwords: int) -> None:
    """Each word is told of in the one window that scores it; around that a window knows nothing."""
    line = " ".join(["عمر|B-PERS", "زار", "درنة|B-LOC", "و", "سرت|B-LOC"] * 6)
    examples = reader.examples(f"{line}\nقال\n{line}", max_subwords=max_subwords)
    known = [
        (first + index)
        for example in examples
        for first, _ in [example.window.words]
        for index in np.flatnonzero(~example.admissible.all(-1))
    ]
    assert known == list(range(61))
    assert len(examples) > 1


def test_unknown_types_are_counted(reader: Reader, caplog: pytest.LogCaptureFixture) -> None:
    """Which names say nothing is logged."""
    with caplog.at_level(logging.INFO, logger="libyaevents"):
        reader.examples("زار عمر|B-PERS المصري|B-MISC")
    assert "names that may be anything: {'MISC': 1}" in caplog.text


def test_marks_alone(reader: Reader) -> None:
    """A document of nothing but marks gives no window."""
    assert reader.examples("$#$") == []


def test_bad_corpus(reader: Reader) -> None:
    """A line that is no word with tags is an error that names it."""
    with pytest.raises(InputError, match=r"0\.conll:2: expected the tags"):
        reader.examples("زار سرت|PLACE")


def test_labels_that_lack_types(tmp_path: Path, tokenizer: Tokenizer, labels: Labels) -> None:
    """A model without the ontology's entity types cannot learn from foreign ones; the error names them."""
    fewer = replace(labels, entities=tuple(name for name in labels.entities if name not in {"FAC", "TITLE"}))
    with pytest.raises(LabelError, match="found none named FAC, TITLE"):
        Reader(tmp_path, tokenizer, fewer).examples("سرت|B-LOC")


def test_batch(reader: Reader) -> None:
    """Windows of different lengths are padded with words that may be anything."""
    examples = reader.examples("زار عمر|B-PERS سرت|B-LOC", "عاد")
    batch = make_partial_batch(examples)
    assert batch.admissible.shape == (2, 3, len(reader.tags))
    assert batch.windows.word_mask.tolist() == [[True] * 3, [True, False, False]]
    np.testing.assert_array_equal(batch.admissible[0], examples[0].admissible)
    assert batch.admissible[1, 1:].all()


def _random_batch(seed: int, *, n_words: int = 5, n_tags: int = 7) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    logits = 4 * torch.randn(3, n_words, n_tags, generator=generator)
    admissible = torch.rand(3, n_words, n_tags, generator=generator) < 0.6
    admissible[..., 0] |= ~admissible.any(-1)
    admissible[0, 0] = True
    return logits, admissible


@given(st.integers(0, 10_000))
def test_loss_is_that_of_the_sum_of_probabilities(seed: int) -> None:
    """The loss is minus the log of the admissible tags' probability, averaged over words that are known."""
    logits, admissible = _random_batch(seed)
    shares = [
        sum(probability for probability, is_one in zip(row, flags, strict=True) if is_one)
        for row, flags in zip(
            logits.double().softmax(-1).flatten(0, 1).tolist(), admissible.flatten(0, 1).tolist(), strict=True
        )
        if not all(flags)
    ]
    assert float(partial_loss(logits, admissible)) == pytest.approx(
        -np.log(shares).mean(), rel=1e-4, abs=1e-6
    )


def test_loss_of_one_admissible_tag() -> None:
    """Where each word admits one tag the loss is the cross-entropy."""
    logits, _ = _random_batch(0)
    targets = torch.randint(7, (3, 5), generator=torch.Generator().manual_seed(1))
    expected = F.cross_entropy(logits.flatten(0, 1), targets.flatten())
    torch.testing.assert_close(partial_loss(logits, F.one_hot(targets, 7).bool()), expected)


def test_loss_of_nothing_known() -> None:
    """Words that admit all cost nothing and move nothing."""
    logits = torch.randn(2, 3, 7, requires_grad=True)
    loss = partial_loss(logits, torch.ones(2, 3, 7, dtype=torch.bool))
    loss.backward()  # type: ignore[no-untyped-call]
    assert float(loss.detach()) == 0.0
    assert logits.grad is not None
    assert not logits.grad.any()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_loss_of_extreme_logits(dtype: torch.dtype) -> None:
    """Logits that leave the admissible tags no probability have a finite loss and gradient, in float32."""
    logits = torch.tensor([[[3e4, -3e4, 0.0]]], dtype=dtype, requires_grad=True)
    loss = partial_loss(logits, torch.tensor([[[False, True, False]]]))
    loss.backward()  # type: ignore[no-untyped-call]
    assert loss.dtype == torch.float32
    assert float(loss.detach()) == pytest.approx(6e4, rel=1e-2)
    assert logits.grad is not None
    assert logits.grad.isfinite().all()


def test_network_learns(reader: Reader, tokenizer: Tokenizer, labels: Labels) -> None:
    """A few steps on a batch make its loss smaller."""
    batch = make_partial_batch(reader.examples("زار عمر|B-PERS سالم|I-PERS درنة|B-LOC\nقالت رويترز|B-ORG"))
    network = make_network(labels, tokenizer.get_vocab_size()).train()
    optimizer = torch.optim.AdamW(network.parameters(), lr=3e-3)
    windows = batch.windows
    arrays = (windows.input_ids, windows.attention_mask, windows.word_ids, windows.word_mask)
    losses = []
    for _ in range(8):
        output = network.encode(*map(torch.from_numpy, arrays))
        loss = partial_loss(output.entity_logits, batch.admissible)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.5 * losses[0]


def _gold(*sentences: str) -> list[Document]:
    columns: list[list[TaggedWord]] = []
    for sentence in sentences:
        words = [word.split("|") for word in sentence.split()]
        columns.append([(word, tuple(tags) or ("O",)) for word, *tags in words])
    return list(join_sentences(columns))


def _found(document: Document, *names: tuple[str, str]) -> Document:
    """The document with these labels and phrases for entities."""
    entities = []
    for number, (label, phrase) in enumerate(names):
        start = document.text.index(phrase)
        end = start + len(phrase)
        entities.append(Entity(id=f"T{number}", label=label, start=start, end=end, text=phrase, score=0.5))
    return replace(document, entities=tuple(entities))


def test_score(tmp_path: Path) -> None:
    """Our types are scored as the coarse ones; what has no coarse type is nothing on either side."""
    gold = _gold("قصف الجيش|B-ORG مطار|B-LOC سبها|I-LOC أمس", "وزار عمر|B-PERS درنة|B-LOC الليبية|B-MISC")
    predicted = _found(
        gold[0],
        ("MILITARY", "الجيش"),
        ("FAC", "مطار سبها"),
        ("DATE", "أمس"),
        ("PERSON", "عمر"),
        ("GPE", "الليبية"),
        ("NORP", "درنة"),
    )
    report = score_conll(gold, [predicted])
    assert {label: row.f1 for label, row in report.by_label.items()} == {
        "ORG": 1.0,
        "LOC": pytest.approx(0.5),
        "PERS": 1.0,
    }
    assert (report.micro.precision, report.micro.recall, report.micro.support) == (0.75, 0.75, 4)


def test_score_by_tokens() -> None:
    """An entity that leaves out a token's punctuation covers the token."""
    gold = _gold("قالت (سانا)|B-ORG إن")
    assert score_conll(gold, [_found(gold[0], ("ORG", "سانا"))]).micro.f1 == 1.0


def test_score_is_strict() -> None:
    """A name found with another extent is not found."""
    gold = _gold("قالت وكالة رويترز|B-ORG")
    assert score_conll(gold, [_found(gold[0], ("ORG", "وكالة رويترز"))]).micro.f1 == 0.0


def test_score_reads_finer_corpora() -> None:
    """Wojood's places and facilities are places; of nested names the longest counts."""
    gold = _gold("بلدية|B-ORG سبها|I-ORG|B-GPE قرب سجن|B-FAC سبها|I-FAC")
    predicted = _found(gold[0], ("ORG", "بلدية سبها"), ("FAC", "سجن سبها"))
    report = score_conll(gold, [predicted])
    assert (report.micro.f1, report.micro.support) == (1.0, 2)


def _random_tags(rng: random.Random, length: int, types: Sequence[str]) -> list[str]:
    tags: list[str] = []
    while len(tags) < length:
        size, label = rng.choice([0, 0, 1, 1, 2, 3]), rng.choice(types)
        tags += ["O"] if not size else [f"B-{label}", *[f"I-{label}"] * (size - 1)]
    return tags[:length]


@pytest.mark.parametrize("seed", range(5))
def test_score_is_that_of_seqeval_on_tokens(seed: int) -> None:
    """The report is what seqeval says of the tokens' tags."""
    rng = random.Random(seed)
    lengths = [rng.randint(1, 9) for _ in range(19)]
    gold = [_random_tags(rng, length, ["PERS", "LOC", "ORG", "MISC"]) for length in lengths]
    ours = [
        _random_tags(rng, length, ["PERSON", "GPE", "LOC", "FAC", "ORG", "MILITARY"]) for length in lengths
    ]
    words = [[rng.choice(["سرت", "(درنة", "عمر،", "5+5"]) for _ in range(length)] for length in lengths]

    def documents(rows: list[list[str]]) -> list[Document]:
        return list(
            join_sentences(
                [(word, (tag,)) for word, tag in zip(line, tags, strict=True)]
                for line, tags in zip(words, rows, strict=True)
            )
        )

    def coarse(tag: str) -> str:
        label = NEWSWIRE_TYPES.get(tag[2:])
        return f"{tag[:2]}{label}" if label else "O"

    expected = classification_report(
        [[coarse(tag) for tag in tags] for tags in gold],
        [[coarse(tag) for tag in tags] for tags in ours],
        mode="strict",
        scheme=IOB2,
        output_dict=True,
        zero_division=0,
    )
    report = score_conll(documents(gold), documents(ours))
    for label, row in (*report.by_label.items(), ("micro avg", report.micro)):
        assert row.f1 == pytest.approx(expected[label]["f1-score"])
        assert row.support == expected[label]["support"]
