"""The extractor: exact offsets for any text, results whatever the company, streams, given triggers."""

import subprocess
import sys
from collections import Counter
from copy import copy
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from tokenizers import Tokenizer

from libyaevents import extractor as extractor_module
from libyaevents.assemble import Labels
from libyaevents.calibrators import Calibrator, calibrate
from libyaevents.checkpoint import EngineName, load_labels, load_network, load_settings, load_words_tokenizer
from libyaevents.documents import Argument, Document, Entity, Event, Trigger
from libyaevents.engines import Encoded, Engine, RoleLogits, TriggerBatch
from libyaevents.engines.torch import TorchEngine
from libyaevents.errors import ConfigError, DocumentError, InputError, InputTypeError, LabelError
from libyaevents.extractor import Extractor
from libyaevents.triggers import ROLE_REACH
from libyaevents.windows import WIDTHS_AN_OCTAVE, WindowBatch
from libyaevents.words import split_sentences, split_words
from tests.test_words import arabic_texts

ENGINES: tuple[EngineName, ...] = ("onnx", "torch")
any_text = settings(deadline=None, max_examples=100)

SENTENCES = (
    "قصفت طائرات مسيرة مواقع قوات حفتر شرقي مصراتة فجر الجمعة.",
    "وقال المتحدث باسم الجيش الليبي إن عشرات المقاتلين قتلوا في المعارك.",
    "دعت الأمم المتحدة إلى وقف إطلاق النار في سرت والجفرة.",
    "اجتمع السراج بوزير الخارجية التركي في طرابلس أمس.",
    "مقبرة التمرد",
    "نفى مصدر عسكري انسحاب القوات من قاعدة الوطية الجوية.",
)
# One of each thing that offsets have tripped over: marks, ligatures, joiners, astral and mixed text.
HOSTILE = {
    "harakat": "قُتِلَ عَشَرَةُ مُقَاتِلِينَ فِي سِرْتٍ هُجُوماً.",
    "tatweel": "قتــــل ـــ عشرة في ســـرت ـ",
    "ligatures": "صلى الله عليه وسلم ﷺ في ﻻهاي و﷽ و﷼",
    "numbers": "قتل ١٢ و12 و۱۲ في 10:30 يوم 4 يونيو/حزيران 2020 بنسبة 3.5٪",
    "joiners": "می\u200cخواهم في\u200d سرت \u200f(طرابلس)\u200f \u2067قصف\u2069",
    "order mark": "\ufeffقتل عشرة\ufeff في سرت",
    "line ends": "قتل عشرة.\r\nفي سرت\rثم طرابلس\u2028أخيرا\x85انتهى",
    "nul": "قتل\0عشرة \0 في\x07 سرت",
    "emoji": "قتل 😀 عشرة 👨\u200d👩\u200d👧 في 🇱🇾 سرت ❤️",
    "astral": "قتل 𝒜𝒷 في 𐤀𐤁 سرت",
    "Latin": 'أعلنت GNA أن Haftar قصف Tripoli؛ CNN: "breaking" e\u0301té',
    "run together": 'طرابلس،التي و"التبة"الحمراء.ثم«سرت»(الجفرة)',
    "urls": "https://example.org/a?b=ج #ليبيا @user %20",
    "private use": "قتل \ue000\uf8ff في سرت \U0010ffff",
}


@pytest.fixture(scope="module", params=ENGINES)
def extractor(request: pytest.FixtureRequest, tiny_model: Path) -> Extractor:
    """The tiny model on either engine."""
    return Extractor.from_pretrained(tiny_model, engine=request.param, n_threads=1)


@pytest.fixture(scope="module")
def any_extractor(tiny_model: Path) -> Extractor:
    """The tiny model on the default engine, for what does not depend on the engine."""
    return Extractor.from_pretrained(tiny_model, n_threads=1)


def _spans(document: Document) -> list[tuple[Any, ...]]:
    """All that was found but for the scores."""
    entities = [(entity.id, entity.label, entity.start, entity.end) for entity in document.entities]
    events = [
        (
            event.id,
            event.type,
            event.trigger.start,
            event.trigger.end,
            event.factuality,
            tuple((each.role, each.start, each.end, each.entity_id) for each in event.arguments),
        )
        for event in document.events
    ]
    return [*entities, *events]


def _scores(document: Document) -> list[float]:
    mentions: list[Entity | Event | Trigger | Argument] = [*document.entities, *document.events]
    for event in document.events:
        mentions += [event.trigger, *event.arguments]
    return [mention.score for mention in mentions if mention.score is not None]


def _assert_same(found: Document, expected: Document) -> None:
    assert _spans(found) == _spans(expected)
    assert _scores(found) == pytest.approx(_scores(expected), abs=1e-3)
    assert found.text == expected.text


# Any text


def _check_offsets(document: Document) -> None:
    """Check by hand what construction checks too, and that spans are whole words of one sentence."""
    text, words = document.text, split_words(document.text)
    starts, ends = {start for start, _ in words}, {end for _, end in words}
    mentions: list[Entity | Trigger | Argument] = [*document.entities]
    for event in document.events:
        mentions += [event.trigger, *event.arguments]
    for mention in mentions:
        assert text[mention.start : mention.end] == mention.text
        assert mention.start in starts
        assert mention.end in ends
        assert any(start <= mention.start and mention.end <= end for start, end in document.sentences)


@any_text
@given(text=arabic_texts)
def test_any_text(any_extractor: Extractor, text: str) -> None:
    """For any text the offsets are those of whole words in the caller's own string, every word read."""
    document = any_extractor.extract(text)
    assert document.text == text
    assert document.sentences == tuple(split_sentences(text))
    assert document.metadata["coverage"] == "1.0"
    _check_offsets(document)
    assert Document.from_json(document.to_json()) == document


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_text(extractor: Extractor, name: str) -> None:
    """Text that shifts offsets elsewhere shifts none here, alone and inside an article."""
    for text in (HOSTILE[name], f"{SENTENCES[0]}\n{HOSTILE[name]}\n{SENTENCES[1]}"):
        document = extractor.extract(text)
        assert document.text == text
        _check_offsets(document)


def test_hostile_text_is_read(any_extractor: Extractor) -> None:
    """Something is found in such text, so that the checks of its offsets check something."""
    found = [any_extractor.extract(text) for text in HOSTILE.values()]
    assert sum(len(document.entities) for document in found) > 10
    assert sum(len(document.events) for document in found) > 2


@pytest.mark.parametrize(
    "text", ["", " ", "\n\n\t", "\u00a0\u2028\u3000", "\ufeff", "\u200f\u200b", "\0"], ids=repr
)
def test_nothing_to_read(extractor: Extractor, text: str) -> None:
    """White space and invisible characters alone give a document without sentences, entities and events."""
    document = extractor.extract(text)
    assert (document.text, document.sentences) == (text, ())
    assert (document.entities, document.events) == ((), ())
    assert document.metadata["coverage"] == "1.0"


def test_one_word(extractor: Extractor) -> None:
    """A word alone is a sentence."""
    assert extractor.extract("سرت").sentences == ((0, 3),)


LONG = " ".join(word for sentence in SENTENCES * 70 for word in sentence.rstrip(".").split())


def test_very_long_sentence(extractor: Extractor) -> None:
    """A sentence of 3,000 words is read to its end, with all roles in reach of their triggers."""
    text = " ".join(LONG.split()[:3000])
    document = extractor.extract(text)
    words = split_words(text)
    assert len(words) == 3000
    assert len(document.sentences) == 1
    assert document.metadata["coverage"] == "1.0"
    _check_offsets(document)
    order = {start: place for place, (start, _) in enumerate(words)}
    assert max(order[event.trigger.start] for event in document.events) > 2900
    reach = [
        abs(order[argument.start] - order[event.trigger.start])
        for event in document.events
        for argument in event.arguments
    ]
    assert 10 < max(reach) <= ROLE_REACH + 3


class _MarkEngine:
    """Takes every قوات for a Kill and every سرت in reach for its Place, whatever stands between."""

    def __init__(self, tokenizer: Tokenizer, labels: Labels) -> None:
        self.trigger, self.place = tokenizer.token_to_id("قوات"), tokenizer.token_to_id("سرت")
        self.kill = 1 + 2 * labels.events.index("Kill")
        self.place_tag = 4 + 2 * labels.other_roles.index("Place")
        self.labels = labels

    def encode(self, batch: WindowBatch) -> Encoded:
        """Let the state of a word be the id of its first subword."""
        states = np.zeros((*batch.word_mask.shape, 1), np.float32)
        for row, word_ids in enumerate(batch.word_ids):
            words, first = np.unique(word_ids, return_index=True)
            states[row, words[words >= 0], 0] = batch.input_ids[row, first[words >= 0]]
        triggers = _outside(*batch.word_mask.shape, 1 + 2 * len(self.labels.events))
        triggers[states[..., 0] == self.trigger, self.kill] = 20
        return Encoded(states, _outside(*batch.word_mask.shape, 1 + 2 * len(self.labels.entities)), triggers)

    def roles(self, batch: TriggerBatch) -> RoleLogits:
        """Find places by their states."""
        states = batch.word_states[batch.sentence, :, 0]
        logits = _outside(*states.shape, 4 + 2 * len(self.labels.other_roles))
        logits[..., 3] = 10
        logits[states == self.place, self.place_tag] = 20
        return RoleLogits(logits, np.zeros((len(states), 3), np.float32))


def _outside(*shape: int) -> NDArray[np.float32]:
    """Logits that prefer O."""
    logits = np.zeros(shape, np.float32)
    logits[..., 0] = 10
    return logits


@pytest.mark.parametrize("n_words", [40, 400])
@pytest.mark.parametrize("trigger", [0, 7, 30, 200, 385])
def test_roles_in_a_long_sentence(tiny_model: Path, n_words: int, trigger: int) -> None:
    """Roles are found in reach on either side of the trigger, where they stand in their long sentence."""
    trigger = min(trigger, n_words - 1)
    tokenizer, labels = load_words_tokenizer(tiny_model), load_labels(tiny_model)
    words = ["حفتر"] * n_words
    words[trigger] = "قوات"
    places = [place for place in range(3, n_words, 11) if place != trigger]
    for place in places:
        words[place] = "سرت"
    extractor = Extractor(_MarkEngine(tokenizer, labels), tokenizer, labels, load_settings(tiny_model))
    text = " ".join(words)
    (event,) = extractor.extract(text).events
    order = {start: place for place, (start, _) in enumerate(split_words(text))}
    assert order[event.trigger.start] == trigger
    found = [order[argument.start] for argument in event.arguments]
    assert found == [place for place in places if abs(place - trigger) <= ROLE_REACH]
    assert {argument.text for argument in event.arguments} == {"سرت"}


# Company


def _texts(article: Document) -> list[str]:
    """Texts of one to many sentences, short and long ones mixed."""
    parts = [article.text[start:end] for start, end in article.sentences]
    joined = ["\n".join(parts[start : start + length]) for start, length in ((0, 9), (3, 2), (9, 14))]
    return [*SENTENCES, "", *parts[:6], *joined, " ".join(SENTENCES), LONG[:2000], article.text]


@pytest.fixture(scope="module")
def texts(article: Document) -> list[str]:
    """What is read alone and together."""
    return _texts(article)


@pytest.fixture(scope="module")
def alone(extractor: Extractor, texts: list[str]) -> list[Document]:
    """Each text read alone."""
    return [extractor.extract(text) for text in texts]


def test_results_do_not_depend_on_company(
    extractor: Extractor, texts: list[str], alone: list[Document]
) -> None:
    """Texts read together, in any order, give the spans they give alone, and scores within 1e-3."""
    assert sum(len(document.events) for document in alone) > 50
    orders = [
        list(range(len(texts))),
        list(reversed(range(len(texts)))),
        sorted(range(len(texts)), key=texts.__getitem__),
    ]
    for order in orders:
        together = list(extractor.extract_many(texts[place] for place in order))
        for place, document in zip(order, together, strict=True):
            _assert_same(document, alone[place])


@pytest.mark.parametrize("at_a_time", [1, 300, 2000])
def test_results_do_not_depend_on_chunks(
    monkeypatch: pytest.MonkeyPatch,
    extractor: Extractor,
    texts: list[str],
    alone: list[Document],
    at_a_time: int,
) -> None:
    """However many documents are read at a time, they come out in order and unchanged."""
    monkeypatch.setattr(extractor_module, "CHARACTERS_AT_A_TIME", at_a_time)
    for document, expected in zip(extractor.extract_many(texts), alone, strict=True):
        _assert_same(document, expected)


@settings(deadline=None, max_examples=15)
@given(data=st.data())
def test_any_company(any_extractor: Extractor, article: Document, data: st.DataObject) -> None:
    """Any documents, in any order and number, are read as each is alone."""
    chosen = data.draw(st.lists(st.sampled_from(_texts(article)) | arabic_texts, max_size=8))
    together = list(any_extractor.extract_many(chosen))
    for text, document in zip(chosen, together, strict=True):
        _assert_same(document, any_extractor.extract(text))


def test_reading_again(extractor: Extractor, article: Document) -> None:
    """The same text gives the same document, to the last bit."""
    assert extractor.extract(article.text) == extractor.extract(article.text)


# What is kept, what is refused


def test_what_the_caller_says_is_kept(any_extractor: Extractor) -> None:
    """Id, source, title and day of publication are in the result; a date may be given as an ISO string."""
    document = any_extractor.extract(
        SENTENCES[0], published="2020-06-06", id="7", source="وكالة", title="خبر"
    )
    assert (document.id, document.source, document.title) == ("7", "وكالة", "خبر")
    assert document.published == date(2020, 6, 6)
    assert any_extractor.extract("", published=date(2019, 4, 4)).published == date(2019, 4, 4)


def test_documents_keep_what_they_carry(any_extractor: Extractor) -> None:
    """A document's sentences, id, url and metadata stay; its entities and events are replaced."""
    text = "قصفت طائرات مسيرة. مواقع"
    stale = Entity(id="old", label="GPE", start=0, end=4, text="قصفت")
    given = Document(
        text=text, id="a", url="u", sentences=((0, len(text)),), entities=(stale,), metadata={"k": "v"}
    )
    (found,) = any_extractor.extract_many([given])
    assert (found.id, found.url, found.sentences) == ("a", "u", ((0, len(text)),))
    assert found.metadata == {"k": "v", "model": "tiny 2020-06-06", "coverage": "1.0"}
    assert "old" not in [entity.id for entity in found.entities]


def test_mentions_have_probabilities(any_extractor: Extractor, article: Document) -> None:
    """Every score is a probability, and ids are numbered in text order."""
    document = any_extractor.extract(article.text)
    assert all(0 < score <= 1 for score in _scores(document))
    for mentions, letter in ((document.entities, "T"), (document.events, "E")):
        assert [mention.id for mention in mentions] == [f"{letter}{n + 1}" for n in range(len(mentions))]
    starts = [event.trigger.start for event in document.events]
    assert starts == sorted(starts)


@pytest.mark.parametrize("text", [None, b"\xd9\x82", bytearray(b""), 7, ["نص"], Path("a.txt")], ids=repr)
def test_text_must_be_a_string(any_extractor: Extractor, text: Any) -> None:
    """None, bytes and other things are refused with what to do."""
    with pytest.raises(InputTypeError, match=r"expected the text as a str, found .*decode bytes first"):
        any_extractor.extract(text)
    with pytest.raises(TypeError):
        list(any_extractor.extract_many([text]))


def test_one_string_is_no_stream(any_extractor: Extractor) -> None:
    """A single text given as the stream is refused, not read letter by letter."""
    with pytest.raises(InputTypeError, match="found one str"):
        list(any_extractor.extract_many(SENTENCES[0]))


def test_lone_surrogates(any_extractor: Extractor) -> None:
    """Text that is no Unicode is refused."""
    with pytest.raises(DocumentError, match="surrogate"):
        any_extractor.extract("قتل \ud800")


def test_dates(any_extractor: Extractor) -> None:
    """A day of publication that is no date is refused, and so is a moment."""
    with pytest.raises(InputError, match="published is '6/6/2020': expected an ISO date"):
        any_extractor.extract("نص", published="6/6/2020")
    with pytest.raises(DocumentError, match="a date without time"):
        any_extractor.extract("نص", published=datetime(2020, 6, 6))


# Given triggers


def _event(text: str, trigger: str, event_type: str, number: int = 1, **options: Any) -> Event:
    start = text.index(trigger)
    found = Trigger(start=start, end=start + len(trigger), text=trigger)
    return Event(id=f"E{number}", type=event_type, trigger=found, **options)


def test_given_triggers_are_kept(extractor: Extractor, article: Document) -> None:
    """Gold triggers, types and ids stay, in text order; arguments and factuality are the model's."""
    (found,) = extractor.extract_arguments([article])
    expected = sorted(article.events, key=lambda event: event.trigger.start)
    kept = [(event.id, event.type, event.trigger) for event in found.events]
    assert kept == [(event.id, event.type, event.trigger) for event in expected]
    assert sum(len(event.arguments) for event in found.events) > 20
    assert all(argument.score is not None for event in found.events for argument in event.arguments)
    assert _spans(replace(found, events=())) == _spans(replace(extractor.extract(article.text), events=()))
    _check_offsets(found)


def test_triggers_found_and_then_given(extractor: Extractor, article: Document) -> None:
    """The model's own triggers, given back to it, get their arguments, scored as on a certain trigger."""
    found = extractor.extract(article.text)
    (again,) = extractor.extract_arguments([found])
    assert _spans(again) == _spans(found)
    for event, given_event in zip(found.events, again.events, strict=True):
        for argument, given_argument in zip(event.arguments, given_event.arguments, strict=True):
            assert event.score is not None
            assert given_argument.score is not None
            assert argument.score == pytest.approx(event.score * given_argument.score, abs=1e-3)


def test_given_triggers_in_company(extractor: Extractor, article: Document) -> None:
    """Arguments for given triggers do not depend on the other documents."""
    bare = Document(text=SENTENCES[0])
    alone = next(iter(extractor.extract_arguments([article])))
    _, together, _ = extractor.extract_arguments([bare, article, bare])
    _assert_same(together, alone)


def test_unfit_triggers_are_kept_unread(any_extractor: Extractor) -> None:
    """A trigger that is no whole word, crosses a sentence or shares a word gets no arguments."""
    text = "قصفت طائرات مسيرة مواقع. وقتل عشرة"
    long = Trigger(start=0, end=11, text="قصفت طائرات")
    events = (
        _event(text, "قصف", "AirStrike"),
        Event(id="E2", type="Clash", trigger=long, factuality="negated"),
        _event(text, "طائرات", "Kill", 3),
        _event(text, "مواقع. وقتل", "Kill", 4),
    )
    (found,) = any_extractor.extract_arguments([Document(text=text, events=events)])
    assert [event.id for event in found.events] == ["E1", "E2", "E3", "E4"]
    assert [event.arguments for event in found.events if event.id != "E2"] == [(), (), ()]


def test_two_events_with_one_trigger(any_extractor: Extractor, article: Document) -> None:
    """Of two events with one trigger the first is read; the other keeps its type and gets no arguments."""
    (read,) = any_extractor.extract_arguments([article])
    rich = next(event for event in read.events if event.arguments)
    twin = replace(rich, id="twin", type="Ceasefire", arguments=())
    (found,) = any_extractor.extract_arguments([replace(read, events=(rich, twin))])
    first, second = found.events
    assert (first.id, first.type, second.id, second.type) == (rich.id, rich.type, "twin", "Ceasefire")
    assert first.arguments
    assert second.arguments == ()


def test_given_trigger_of_an_unknown_type(any_extractor: Extractor) -> None:
    """An event type that the model does not know is refused, and the message lists those it knows."""
    document = Document(text=SENTENCES[0], events=(_event(SENTENCES[0], "قصفت", "Earthquake"),))
    with pytest.raises(LabelError, match=r"event E1 has type 'Earthquake': the model knows Clash, AirStrike"):
        list(any_extractor.extract_arguments([document]))


# Roles that a type does not admit


def test_roles_that_are_not_admitted_are_not_found(tiny_model: Path, article: Document) -> None:
    """A model that admits no role but Source finds no other, for any trigger."""
    labels = load_labels(tiny_model)
    narrow = replace(labels, admitted=frozenset((event, "Source") for event in labels.events))
    found = [_roles_found(tiny_model, each, article) for each in (labels, narrow)]
    assert len(found[0]) > 3
    assert found[1] == {"Source"}


def _roles_found(folder: Path, labels: Labels, document: Document) -> set[str]:
    engine, tokenizer = TorchEngine(load_network(folder)), load_words_tokenizer(folder)
    extractor = Extractor(engine, tokenizer, labels, load_settings(folder))
    return {
        argument.role for event in extractor.extract(document.text).events for argument in event.arguments
    }


def test_outside_bias_trades_recall_for_precision(tiny_model: Path, article: Document) -> None:
    """A larger bias on `O` finds fewer triggers, entities or arguments, each by its own setting."""
    engine, tokenizer = TorchEngine(load_network(tiny_model)), load_words_tokenizer(tiny_model)
    own, labels = load_settings(tiny_model), load_labels(tiny_model)

    def read(**biases: Any) -> tuple[int, int, int]:
        found = Extractor(engine, tokenizer, labels, replace(own, **biases)).extract(article.text)
        n_arguments = sum(len(event.arguments) for event in found.events)
        return len(found.entities), len(found.events), n_arguments

    entities, events, arguments = read()
    assert read(entity_outside_bias=3.0)[0] < entities
    assert read(entity_outside_bias=3.0)[1] == events
    assert read(trigger_outside_bias=3.0)[1] < events
    assert read(role_outside_bias=3.0) < (entities, events, arguments)
    assert read(role_outside_bias=3.0)[:2] == (entities, events)


# Scores and the recall bias


CALIBRATORS = {
    "entities": Calibrator(slope=0.5),
    "triggers": Calibrator(slope=0.6, intercept=-1.0),
    "arguments": Calibrator(slope=0.7, intercept=0.5),
}


def _rebuilt(extractor: Extractor, *, recall_bias: float = 0.0, **settings: Any) -> Extractor:
    """The same model with other settings."""
    own = replace(extractor.settings, **settings)
    parts = extractor.engine, extractor.tokenizer, extractor.labels, own
    return Extractor(*parts, recall_bias=recall_bias, enrich=extractor.enrich)


def test_scores_are_calibrated(any_extractor: Extractor, article: Document) -> None:
    """A model with calibrators finds the same spans, with the scores that these give."""
    raw = any_extractor.extract(article.text)
    found = _rebuilt(any_extractor, calibrators=CALIBRATORS).extract(article.text)
    assert _spans(found) == _spans(raw)
    assert found == calibrate(raw, CALIBRATORS)
    assert _scores(found) != pytest.approx(_scores(raw), abs=0.01)


def test_given_triggers_are_not_calibrated(any_extractor: Extractor, article: Document) -> None:
    """Given triggers stay as they were given; their arguments have the scores of certain triggers."""
    (raw,) = any_extractor.extract_arguments([article])
    (found,) = _rebuilt(any_extractor, calibrators=CALIBRATORS).extract_arguments([article])
    assert [event.score for event in found.events] == [event.score for event in raw.events]
    of_arguments = CALIBRATORS["arguments"]
    for event, raw_event in zip(found.events, raw.events, strict=True):
        expected = [of_arguments(argument.score or 0) for argument in raw_event.arguments]
        assert [argument.score for argument in event.arguments] == pytest.approx(expected)


def test_company_of_calibrated_scores(any_extractor: Extractor, texts: list[str]) -> None:
    """With calibrators and a recall bias, too, a text is read in company as it is alone."""
    extractor = _rebuilt(any_extractor, recall_bias=1.0, calibrators=CALIBRATORS)
    for text, document in zip(texts, extractor.extract_many(texts), strict=True):
        _assert_same(document, extractor.extract(text))


def _by_place(document: Document) -> dict[tuple[Any, ...], float | None]:
    """The scores of entities and triggers by label and place."""
    entities = {(entity.label, entity.start, entity.end): entity.score for entity in document.entities}
    events = {(event.type, event.trigger.start, event.trigger.end): event.score for event in document.events}
    return entities | events


def test_recall_bias_finds_more_or_less(tiny_model: Path, article: Document) -> None:
    """Above 0 there are more entities, events and arguments, below 0 fewer; what is shared scores alike."""
    read = [
        Extractor.from_pretrained(tiny_model, n_threads=1, recall_bias=bias).extract(article.text)
        for bias in (-2.0, 0.0, 2.0)
    ]
    for count_of in (
        lambda document: len(document.entities),
        lambda document: len(document.events),
        lambda document: sum(len(event.arguments) for event in document.events),
    ):
        few, usual, many = map(count_of, read)
        assert few < usual < many
    balanced, greedy = _by_place(read[1]), _by_place(read[2])
    shared = balanced.keys() & greedy.keys()
    assert len(shared) > 50
    assert [balanced[place] for place in shared] == pytest.approx([greedy[place] for place in shared])


def test_no_recall_bias_is_the_default(any_extractor: Extractor, article: Document) -> None:
    """A bias of 0 is none, to the last bit."""
    assert _rebuilt(any_extractor, recall_bias=0.0).extract(article.text) == any_extractor.extract(
        article.text
    )


@pytest.mark.parametrize("bias", [float("nan"), float("inf"), float("-inf"), 1e300, -21.0])
def test_recall_bias_beyond_sense(tiny_model: Path, bias: float) -> None:
    """A bias that is not finite, or leaves nothing to decide, is refused with what is expected."""
    with pytest.raises(ConfigError, match=r"recall_bias is .*: expected a number from -20 to 20"):
        Extractor.from_pretrained(tiny_model, recall_bias=bias)


@pytest.mark.parametrize("bias", [-20.0, 20.0])
def test_largest_recall_bias(any_extractor: Extractor, bias: float) -> None:
    """At either end there is next to nothing, or a span on every word, with scores that are probabilities."""
    found = _rebuilt(any_extractor, recall_bias=bias, calibrators=CALIBRATORS).extract(SENTENCES[0])
    _check_offsets(found)
    assert all(0 <= score <= 1 for score in _scores(found))
    assert bool(found.events) == (bias > 0)


def test_runtime_loads_no_torch(tiny_model: Path) -> None:
    """Extraction with the default engine loads neither torch nor transformers nor any part of training."""
    program = f"""
import sys
from libyaevents.extractor import Extractor
from libyaevents.windows import WIDTHS_AN_OCTAVE
document = Extractor.from_pretrained({str(tiny_model)!r}).extract({SENTENCES[0]!r})
heavy = ("torch", "transformers", "datasets", "seqeval", "onnx", "libyaevents.training")
print([name for name in heavy if name in sys.modules], len(document.sentences))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[] 1"


def test_who_enriches_nothing_loads_no_enricher(tiny_model: Path) -> None:
    """The tables and patterns of the enrichers are for those alone who ask for them."""
    program = f"""
import sys
from libyaevents.extractor import Extractor
Extractor.from_pretrained({str(tiny_model)!r}, enrich=False).extract({SENTENCES[0]!r})
print("libyaevents.enrich" in sys.modules)
Extractor.from_pretrained({str(tiny_model)!r})
print("libyaevents.enrich" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "True"]


class _SeenEngine:
    """Notes the shape and the subwords of every batch."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.seen: list[tuple[tuple[int, ...], int]] = []

    def encode(self, batch: WindowBatch) -> Encoded:
        self.seen.append((batch.input_ids.shape, int(batch.attention_mask.sum())))
        return self._engine.encode(batch)

    def roles(self, batch: TriggerBatch) -> RoleLogits:
        return self._engine.roles(batch)


def test_batches_have_few_shapes_and_little_padding(extractor: Extractor) -> None:
    """Articles of many lengths make few widths, powers of two of rows, and a tenth of padding at most."""
    words = LONG.split()
    engine = _SeenEngine(extractor.engine)
    reader = copy(extractor)
    reader.engine = engine
    texts = [" ".join(words[start : start + 3 + start % 60]) for start in range(0, 3000, 29)]
    assert len(list(reader.extract_many(texts))) == len(texts)
    shapes = {shape for shape, _ in engine.seen}
    assert {rows & (rows - 1) for rows, _ in shapes} == {0}
    widths = {width for _, width in shapes}
    assert max(Counter(width.bit_length() for width in widths).values()) <= WIDTHS_AN_OCTAVE + 1
    n_padded = sum(rows * width for (rows, width), _ in engine.seen)
    assert 1 - sum(n_subwords for _, n_subwords in engine.seen) / n_padded < 0.1
