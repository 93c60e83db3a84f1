"""Variants of documents: names change, words are mistyped, and the annotation stays what and where it was."""

import logging
import re
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from libyaevents.documents import Actor, Argument, Claim, Document, Entity, Event, Place, Timex, Trigger
from libyaevents.errors import ConfigError
from libyaevents.training.augment import REPLACED, SURE, Augmenter
from libyaevents.windows import sentence_words
from libyaevents.words import Span, split_sentences, split_words
from tests.tiny import make_labels, make_tokenizer

NAMES = {
    "PERSON": ["خليفة حفتر", "كريم السويحلي", "ريم", "فائز السراج"],
    "ORG": ["الأمم المتحدة", "اللجنة العسكرية", "لجنة الحوار", 'لجنة "5+5" المشتركة'],
    "GPE": ["ليبيا", "سرت", "الجفرة", "بني وليد", "بنغازي"],
    "DATE": ["أمس", "الجمعة"],
}
FILLERS = [
    "قال",
    "إن",
    "شرق",
    "منطقة",
    "الجنود",
    "يونيو/حزيران",
    "5+5",
    "2020",
    "Reuters",
    "د.",
    "،",
    "لـ«",
    "»",
]
PROCLITICS = ["", "", "", "و", "ف", "ب", "ل", "ك", "ول", "فب"]
LETTERS = re.compile("[ء-غف-ي]+")
RUN = re.compile("[ء-غف-ي]{4,}")
LIKE = {
    frozenset(pair)
    for pair in ("قف", "زر", "ذد", "تث", "ظض", "ةه", "ىي", "أا", "إا", "آا", "أإ", "آأ", "ؤو", "ئي")
}


def _attach(proclitic: str, name: str) -> str:
    """By the rule as schools teach it: ل takes the alif of the article, and a third lam is not written."""
    return re.sub("^(.?)لال", r"\1لل", proclitic + name).replace("للل", "لل") if proclitic else name


def _document(marked: str, *arguments: str, **fields: Any) -> Document:
    """Read `[طرابلس|GPE]` as an entity and `[قصفت|AirStrike]` as a trigger with the phrases as Agents."""
    text = re.sub(r"\[(.+?)\|\w+\]", r"\1", marked)
    spans: list[tuple[dict[str, Any], str]] = []
    shift = 0
    for match in re.finditer(r"\[(.+?)\|(\w+)\]", marked):
        start = match.start() - shift
        spans.append(({"start": start, "end": start + len(match[1]), "text": match[1]}, match[2]))
        shift += len(match[0]) - len(match[1])
    fillers = [
        Argument(role="Agent", start=text.index(phrase), end=text.index(phrase) + len(phrase), text=phrase)
        for phrase in arguments
    ]
    return Document(
        text=text,
        entities=tuple(
            Entity(id=f"T{n}", label=label, **span)
            for n, (span, label) in enumerate(spans)
            if label.isupper()
        ),
        events=tuple(
            Event(id=f"E{n}", type=label, trigger=Trigger(**span), arguments=tuple(fillers))
            for n, (span, label) in enumerate(spans)
            if not label.isupper()
        ),
        **fields,
    )


# Each name without a clitic, in as many documents as make it sure that its first letter is none.
KNOWN = [_document(f"[{name}|{label}]") for label, names in NAMES.items() for name in names] * SURE


any_document = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])


@cache
def _augmenter(replaced: float, noise: float) -> Augmenter:
    """One that knows the names above."""
    return Augmenter(KNOWN, replace=replaced, noise=noise)


@st.composite
def _offsets(draw: st.DrawFn, words: Sequence[Span], length: int) -> Span:
    """A run of words, or, seldom, any part of the text."""
    if draw(st.integers(0, 4)):
        first = draw(st.integers(0, len(words) - 1))
        last = draw(st.integers(first, min(first + 4, len(words) - 1)))
        return words[first][0], words[last][1]
    start = draw(st.integers(0, length - 1))
    return start, draw(st.integers(start + 1, length))


@st.composite
def documents(draw: st.DrawFn) -> Document:
    """Lines of words and names with clitics; arguments and a few entities over anything."""
    text, lines, spans = "", [], []
    for _ in range(draw(st.integers(1, 3))):
        begin = len(text)
        for _ in range(draw(st.integers(1, 8))):
            label = draw(st.sampled_from([*NAMES, *[""] * 5]))
            piece = draw(st.sampled_from(NAMES.get(label, FILLERS)))
            if label:
                piece = _attach(draw(st.sampled_from(PROCLITICS)), piece)
                spans.append((len(text), len(text) + len(piece), label))
            text += piece + draw(st.sampled_from([" ", " ", " ", ". ", "، ", "\u200f "]))
        lines.append((begin, len(text) - 1))
        text += "\n"
    words = split_words(text)
    anywhere = _offsets(words, len(text))
    spans += [(*draw(anywhere), label) for label in draw(st.lists(st.sampled_from([*NAMES]), max_size=2))]

    def mention(start: int, end: int) -> dict[str, Any]:
        return {"start": start, "end": end, "text": text[start:end]}

    return Document(
        id=draw(st.none() | st.just("d")),
        text=text,
        sentences=tuple(lines) if draw(st.booleans()) else (),
        entities=tuple(
            Entity(id=f"T{n}", label=label, **mention(start, end))
            for n, (start, end, label) in enumerate(spans)
        ),
        events=tuple(
            Event(
                id=f"E{n}",
                type="Attack",
                trigger=Trigger(**mention(*draw(anywhere))),
                arguments=tuple(
                    Argument(role="Agent", **mention(*span)) for span in draw(st.lists(anywhere, max_size=3))
                ),
            )
            for n in range(draw(st.integers(0, 2)))
        ),
    )


def _mentions(document: Document) -> list[Entity | Trigger | Argument]:
    """All mentions, in the order of the document's fields."""
    found: list[Entity | Trigger | Argument] = [*document.entities]
    for event in document.events:
        found += [event.trigger, *event.arguments]
    return found


def _labels(document: Document) -> list[Any]:
    """All that a variant keeps of the annotation: everything but offsets and strings."""
    return [
        document.id,
        [(entity.id, entity.label, entity.score) for entity in document.entities],
        [
            (
                event.id,
                event.type,
                event.factuality,
                event.score,
                event.trigger.score,
                [(argument.role, argument.entity_id, argument.score) for argument in event.arguments],
            )
            for event in document.events
        ],
    ]


def _sentences(document: Document) -> list[Span]:
    return list(document.sentences or split_sentences(document.text))


class _Oracle:
    """What a variant must be, by cutting the text at the mentions that changed and joining it anew."""

    def __init__(self, document: Document, variant: Document) -> None:
        self.text = document.text
        new = {
            (old.start, old.end): now.text
            for old, now in zip(document.entities, variant.entities, strict=True)
            if old.text != now.text
        }
        self.changed = {  # the innermost: others changed because they hold one of these
            span: text
            for span, text in new.items()
            if not any(other != span and span[0] <= other[0] and other[1] <= span[1] for other in new)
        }

    def read(self, start: int, end: int) -> str:
        """The new text of what stood from start to end."""
        inside = sorted(span for span in self.changed if span[0] < end and start < span[1])
        assert all(start <= span[0] and span[1] <= end for span in inside), "an edit crosses an annotation"
        cuts = [start, *(offset for span in inside for offset in span), end]
        return "".join(
            self.changed[left, right] if (left, right) in inside else self.text[left:right]
            for left, right in pairwise(cuts)
        )

    def move(self, start: int, end: int) -> Span:
        """Where what stood from start to end now stands."""
        return len(self.read(0, start)), len(self.read(0, end))


@any_document
@given(documents(), st.integers(0, 9))
def test_names_change_and_nothing_else(document: Document, seed: int) -> None:
    """All text but mentions is as before; each annotation and sentence is where its words now stand."""
    variant = _augmenter(0.7, 0).augment(document, seed)
    oracle = _Oracle(document, variant)
    assert variant.text == oracle.read(0, len(document.text))
    assert _labels(variant) == _labels(document)
    for old, new in zip(_mentions(document), _mentions(variant), strict=True):
        assert (new.start, new.end) == oracle.move(old.start, old.end)
        assert new.text == oracle.read(old.start, old.end) == variant.text[new.start : new.end]
    assert _sentences(variant) == [oracle.move(*sentence) for sentence in _sentences(document)]
    assert not any(
        trigger.start < end and start < trigger.end
        for start, end in oracle.changed
        for trigger in (event.trigger for event in document.events)
    )


@any_document
@given(documents(), st.integers(0, 9))
def test_words_stay_words(document: Document, seed: int) -> None:
    """A variant's words outside of new names are those of the document, and lie in the same sentences."""
    variant = _augmenter(1, 0).augment(document, seed)
    oracle = _Oracle(document, variant)

    def others(document: Document, names: Sequence[Span]) -> list[list[str]]:
        """The words outside of names by sentence; none crosses a name's edge or a sentence's end."""
        words = split_words(document.text)
        assert all(end <= left or right <= start or left <= start < end <= right
                   for start, end in words for left, right in names)  # fmt: skip
        return [
            [
                document.text[start:end]
                for start, end in words[first:last]
                if not any(left <= start and end <= right for left, right in names)
            ]
            for first, last in sentence_words(words, _sentences(document))
        ]

    changed = list(oracle.changed)
    assert others(variant, [oracle.move(*span) for span in changed]) == others(document, changed)


@any_document
@given(documents(), st.integers(0, 9))
def test_typing_errors_stay_in_their_words(document: Document, seed: int) -> None:
    """Noise alone changes no annotation counted in words, and no digit, Latin letter or short word."""
    variant = _augmenter(0, 0.5).augment(document, seed)
    old, new = split_words(document.text), split_words(variant.text)
    assert len(old) == len(new)
    for before, after in zip(old, new, strict=True):
        word, typed = document.text[slice(*before)], variant.text[slice(*after)]
        assert word == typed or (RUN.search(word) and LETTERS.sub("x", word) == LETTERS.sub("x", typed))
    moved = {
        offset: other for pair in zip(old, new, strict=True) for offset, other in zip(*pair, strict=True)
    }
    for was, now in zip(_mentions(document), _mentions(variant), strict=True):
        for offset, other in ((was.start, now.start), (was.end, now.end)):
            assert moved.get(offset, other) == other
            for run in RUN.finditer(document.text):
                if run.start() < offset < run.end():  # only spans that are no run of words end here
                    assert variant.text[other - (offset - run.start()) :].startswith(run[0])
    assert _labels(variant) == _labels(document)
    assert sentence_words(new, _sentences(variant)) == sentence_words(old, _sentences(document))


@any_document
@given(documents(), st.integers(0, 9))
def test_no_chance_no_change(document: Document, seed: int) -> None:
    """Without replacing and noise a variant is the document itself."""
    assert _augmenter(0, 0).augment(document, seed) is document


@any_document
@given(documents())
def test_seeds(document: Document) -> None:
    """A variant depends on the document and the seed alone, not on what was made before."""
    augmenter = _augmenter(0.3, 0.2)
    variants = [augmenter.augment(document, (0, epoch)) for epoch in range(3)]
    assert [augmenter.augment(document, (0, epoch)) for epoch in (2, 1, 0)] == variants[::-1]


def test_seeds_differ(article: Document) -> None:
    """Another seed gives another variant, and another text other draws under the same seed."""
    augmenter = Augmenter([article])
    assert len({augmenter.augment(article, seed).text for seed in range(20)}) == 20
    copy = replace(article, id="copy", text=article.text + " ")
    assert augmenter.augment(copy, 0).text != augmenter.augment(article, 0).text + " "


@pytest.mark.parametrize(
    ("mention", "variant"),
    [
        ("طرابلس", "الأمم المتحدة"),
        ("وطرابلس", "والأمم المتحدة"),
        ("فطرابلس", "فالأمم المتحدة"),
        ("بطرابلس", "بالأمم المتحدة"),
        ("كطرابلس", "كالأمم المتحدة"),
        ("لطرابلس", "للأمم المتحدة"),
        ("ولطرابلس", "وللأمم المتحدة"),
        ("وبطرابلس", "وبالأمم المتحدة"),
    ],
)
def test_clitics_stand_before_the_new_name(mention: str, variant: str) -> None:
    """A proclitic is kept; before the article ل takes the place of its alif."""
    augmenter = Augmenter([_document("[طرابلس|ORG]")], names={"ORG": ["الأمم المتحدة"]}, replace=1, noise=0)
    made = {augmenter.augment(_document(f"قال [{mention}|ORG] أمس"), seed).text for seed in range(20)}
    assert made == {f"قال {mention} أمس", f"قال {variant} أمس"}


@pytest.mark.parametrize("name", ["ليبيا", "الأمم المتحدة", "اللجنة العسكرية", "لجنة الحوار", "الليبي"])
@pytest.mark.parametrize("proclitic", ["و", "ف", "ب", "ل", "ك", "ول", "فب", "وك"])
def test_clitics_are_found_and_written_again(name: str, proclitic: str) -> None:
    """From ل and a name and back, also where it starts with lam or with the article before lam."""
    augmenter = Augmenter([], names={"ORG": ["سرت", name]}, replace=1, noise=0)
    made = {augmenter.augment(_document(f"[{proclitic}سرت|ORG]"), seed).text for seed in range(20)}
    attached = _attach(proclitic, name)
    assert made == {f"{proclitic}سرت", attached}
    back = {augmenter.augment(_document(f"[{attached}|ORG]"), seed).text for seed in range(20)}
    assert back == {f"{proclitic}سرت", attached}


def test_a_name_that_looks_as_if_it_had_a_clitic() -> None:
    """كريم is no ك and ريم where ريم is no commoner; وسرت and, for its article, والسدرة are و and a name."""
    person, sirte, sidra = (_document(name) for name in ("[كريم|PERSON]", "[وسرت|GPE]", "[والسدرة|GPE]"))
    known = [*KNOWN, person, sirte, _document("[السدرة|GPE]"), *[sidra] * SURE]
    augmenter = Augmenter(known, replace=1, noise=0)
    made = {augmenter.augment(person, seed).text for seed in range(60)}
    assert made == {"كريم", *NAMES["PERSON"]}
    for document in (sirte, sidra):
        made = {augmenter.augment(document, seed).text for seed in range(60)}
        assert made == {_attach("و", name) for name in [*NAMES["GPE"], "السدرة"]}


def test_a_reading_that_leaves_a_clitic_is_none() -> None:
    """للجيش is ل and الجيش, though mentions start with لجيش more often: that is ل and جيش itself."""
    phrases = ["الجيش", "للجيش", *["لجيش الوفاق"] * 2, *["جيش الوفاق"] * 3, "سرت"]
    known = [_document(f"[{phrase}|MILITARY]") for phrase in phrases]
    augmenter = Augmenter(known, replace=1, noise=0)
    made = {augmenter.augment(known[-1], seed).text for seed in range(60)}
    assert made == {"الجيش", "جيش الوفاق", "سرت"}


def test_a_rare_word_that_may_have_a_clitic_is_left_alone() -> None:
    """وتازربو is neither replaced, which could drop و, nor drawn, which could add one; a list settles it."""
    known = [_document("[وتازربو|GPE]"), _document("[سرت|GPE]"), _document("[الكفرة|GPE]")]
    augmenter = Augmenter(known, replace=1, noise=0)
    assert {augmenter.augment(known[0], seed).text for seed in range(20)} == {"وتازربو"}
    assert {augmenter.augment(known[1], seed).text for seed in range(20)} == {"سرت", "الكفرة"}
    informed = Augmenter(known, names={"GPE": ["تازربو"]}, replace=1, noise=0)
    made = {informed.augment(known[0], seed).text for seed in range(40)}
    assert made == {"وتازربو", "وسرت", "والكفرة"}


def test_a_name_gets_one_new_name_in_a_document() -> None:
    """All its occurrences change together, whatever clitics they have; another type's do not."""
    document = _document(
        "[طرابلس|GPE] [وطرابلس|GPE] و[طرابلس|ORG] ثم [لطرابلس|GPE] إلى [سرت|GPE] [بسرت|GPE] [وطرابلس|GPE]."
    )
    augmenter = Augmenter(KNOWN, names={"GPE": ["طرابلس"]}, replace=1, noise=0)
    for seed in range(20):
        tripoli, and_tripoli, other, to_tripoli, sirte, in_sirte, again = (
            entity.text for entity in augmenter.augment(document, seed).entities
        )
        assert (and_tripoli, to_tripoli, again) == (f"و{tripoli}", _attach("ل", tripoli), f"و{tripoli}")
        assert (in_sirte, other) == (f"ب{sirte}", "طرابلس")


def test_arguments_follow_their_mention() -> None:
    """An argument that is or holds a mention takes its new name; none changes where it holds a part."""
    follows = _document("[قصفت|AirStrike] شرق [سرت|GPE] أمس", "سرت", "شرق سرت")
    keeps = [
        _document("[قصفت|AirStrike] [بني وليد|GPE] أمس", "وليد"),
        _document("[قصفت|AirStrike] [بني وليد|GPE] أمس", "قصفت بني"),
        replace(_document("[سرت|GPE] [سرت|Attack]"), events=_document("[سرت|Attack]").events),
        _document("[سرت|GPE]بلا"),
        _document("[سرت الجفرة|GPE]", sentences=((0, 3), (4, 10))),
    ]
    augmenter = _augmenter(1, 0)
    names = set()
    for seed in range(30):
        (name,) = (entity.text for entity in augmenter.augment(follows, seed).entities)
        (event,) = augmenter.augment(follows, seed).events
        assert [argument.text for argument in event.arguments] == [name, f"شرق {name}"]
        names.add(name)
        for document in keeps:
            assert augmenter.augment(document, seed) == document
    assert names == set(NAMES["GPE"])


def test_sentences_are_carried() -> None:
    """A document that gives no sentences has a variant with its sentences, also where a name holds a stop."""
    document = _document("وصل [خليفة حفتر|PERSON] إلى سرت. وقصفت الجفرة.")
    augmenter = Augmenter(KNOWN, names={"PERSON": ["محمد السادس. الأصغر"]}, replace=1, noise=0)
    variants = [augmenter.augment(document, seed) for seed in range(20)]
    assert any("السادس." in variant.text for variant in variants)
    for variant in variants:
        first, second = (variant.text[slice(*sentence)] for sentence in _sentences(variant))
        assert (first[:4], first[-9:], second) == ("وصل ", " إلى سرت.", "وقصفت الجفرة.")


def test_only_names_are_replaced(article: Document) -> None:
    """Dates, quantities, titles and nationalities keep their words, and every other type changes."""
    augmenter = Augmenter([article, *KNOWN], replace=1, noise=0)
    changed: set[str] = set()
    kept: set[str] = set()
    for seed in range(10):
        for old, new in zip(article.entities, augmenter.augment(article, seed).entities, strict=True):
            (kept if old.text == new.text else changed).add(old.label)
            assert old.text == new.text or old.label in REPLACED
    assert {"DATE", "QUANTITY", "TITLE"} <= kept - changed
    assert {"PERSON", "MILITARY", "GPE", "ORG"} <= changed


def test_share_of_names_replaced(article: Document) -> None:
    """With a chance of 0.3, about 30 % of the mentions that can be replaced are."""
    n_replaceable, n_replaced = 0, 0
    always = Augmenter([article], replace=1, noise=0)
    augmenter = Augmenter([article], replace=0.3, noise=0)
    for seed in range(40):
        for old, maybe, new in zip(
            article.entities,
            augmenter.augment(article, seed).entities,
            always.augment(article, seed).entities,
            strict=True,
        ):
            n_replaceable += old.text != new.text
            n_replaced += old.text != maybe.text
    assert n_replaced / n_replaceable == pytest.approx(0.3, abs=0.04)


def test_typing_errors(article: Document) -> None:
    """About as many words as asked for are wrong, each by one letter lost, doubled, swapped or confused."""
    augmenter = Augmenter([], noise=0.25)
    n_words, kinds = 0, []
    for seed in range(10):
        variant = augmenter.augment(article, seed)
        old, new = split_words(article.text), split_words(variant.text)
        for before, after in zip(old, new, strict=True):
            word, typed = article.text[slice(*before)], variant.text[slice(*after)]
            if RUN.fullmatch(word):
                n_words += 1
                kinds += [_kind(word, typed)] if word != typed else []
    assert len(kinds) / n_words == pytest.approx(0.25, abs=0.03)
    assert set(kinds) == {"confused", "doubled", "missing", "swapped"}
    assert kinds.count("confused") / len(kinds) == pytest.approx(0.5, abs=0.1)


def _kind(word: str, typed: str) -> str:
    """Tell the error by trying all; the tests fail where it is none of them."""
    places = range(len(word))
    if typed in {word[: place + 1] + word[place:] for place in places}:
        return "doubled"
    if typed in {word[:place] + word[place + 1 :] for place in places}:
        return "missing"
    differing = [place for place in places if word[place] != typed[place]]
    if len(differing) == 2:
        first, second = differing
        assert (typed[first], typed[second], second) == (word[second], word[first], first + 1)
        return "swapped"
    (place,) = differing
    assert frozenset((word[place], typed[place])) in LIKE
    return "confused"


def test_letters_confused_where_they_are_in_news() -> None:
    """The errors of real articles are among those made; ة comes from ه at the end alone, and no ألجيش."""
    made = {
        word: {Augmenter([], noise=1).augment(Document(text=word), seed).text for seed in range(300)}
        for word in ("حفتر", "وزارة", "أعلنت", "الجيش", "هاجمه", "السماء", "اللجنة")
    }
    assert not any(word in typed for word, typed in made.items())
    assert {"حقتر", "حفتز", "حتفر"} <= made["حفتر"]
    assert {"وزازة", "ورارة", "وزاره"} <= made["وزارة"]
    assert {"اعلنت", "إعلنت"} <= made["أعلنت"]
    assert not {"ألجيش", "إلجيش"} & made["الجيش"]
    assert "هاجمة" in made["هاجمه"]
    assert not {"ةاجمه", "هأجمه", "اجمه"} & made["هاجمه"]
    assert "السما" in made["السماء"]


def test_what_is_derived_is_left_out() -> None:
    """A variant does not keep places, actors, times, claims and cores of the old text; an equal one does."""
    bare = _document("[قصفت|AirStrike] [سرت|GPE]", "سرت")
    (entity,), (event,) = bare.entities, bare.events
    time = Timex(start=entity.start, end=entity.end, text="سرت")
    derived = replace(
        bare,
        entities=(replace(entity, core=(entity.start, entity.end), place=Place(name="سرت"), time=time),),
        events=(
            replace(
                event,
                time=time,
                claim=Claim(claimed_by="سرت"),
                arguments=tuple(replace(one, actor=Actor(name="سرت")) for one in event.arguments),
            ),
        ),
    )
    augmenter = _augmenter(1, 0)
    variants = [(augmenter.augment(derived, n), augmenter.augment(bare, n)) for n in range(20)]
    assert all(variant == (derived if same.text == bare.text else same) for variant, same in variants)
    assert any(same.text != bare.text for _, same in variants)


def test_training_rows(article: Document) -> None:
    """The rows made of variants lose no gold that those of the article keep; noise keeps them equal."""
    from libyaevents.training.data import to_dataset

    tokenizer, labels = make_tokenizer(article.text), make_labels(article)
    rows, lost = to_dataset([article], tokenizer, labels)
    noisy, _ = to_dataset([Augmenter([], noise=0.5).augment(article, 0)], tokenizer, labels)
    for column in ("sentences", "entities", "events"):
        assert noisy[0][column] == rows[0][column]
    assert noisy[0]["subwords"] != rows[0]["subwords"]
    augmenter = Augmenter([article, *KNOWN], replace=1)
    variants, lost_of_variants = to_dataset(
        [augmenter.augment(article, n) for n in range(5)], tokenizer, labels
    )
    assert lost_of_variants == {reason: 5 * count for reason, count in lost.items()}
    for row in variants:
        assert [label for _, _, label in row["entities"]] == [label for _, _, label in rows[0]["entities"]]


def test_names_that_cannot_stand_alone(caplog: pytest.LogCaptureFixture) -> None:
    """Names in Latin letters or with punctuation at an end are left out, and that is said."""
    names = ["Sirte", "سرت)", "", "بني  وليد"]
    document = _document("[الكفرة|GPE]")
    with caplog.at_level(logging.WARNING):
        augmenter = Augmenter([document], names={"GPE": names}, replace=1, noise=0)
    assert {augmenter.augment(document, seed).text for seed in range(20)} == {"الكفرة", "بني وليد"}
    assert [record.getMessage()[:26] for record in caplog.records] == ["3 of 4 names of GPE do not"]


@pytest.mark.parametrize(
    ("name", "replaced", "noise"),
    [("replace", 1.5, 0.0), ("noise", 0.0, -0.1), ("noise", 0.0, float("nan"))],
)
def test_a_chance_that_is_none(name: str, replaced: float, noise: float) -> None:
    """A chance outside of 0 to 1 is refused by name."""
    with pytest.raises(ConfigError, match=f"^{name} is .*; expected a chance from 0 to 1$"):
        Augmenter([], replace=replaced, noise=noise)


def test_names_of_another_type() -> None:
    """Names of a type whose mentions are never replaced are refused, with the types that are."""
    with pytest.raises(ConfigError, match=r"^names are given for 'DATE'; expected types among PERSON, ORG"):
        Augmenter([], names={"DATE": ["الجمعة"]})


def test_nothing_to_draw_from(article: Document) -> None:
    """Without any names the document stays as it is."""
    assert Augmenter([], replace=1, noise=0).augment(article, 0) is article
    assert Augmenter([], replace=1, noise=1).augment(Document(text=""), 0) == Document(text="")
