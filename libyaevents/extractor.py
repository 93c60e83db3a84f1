"""From text to events: the whole pipeline around one loaded model.

In: texts, or documents whose text is to be read. Out: `Document`s, one for each, in order.
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from copy import copy
from dataclasses import dataclass, replace
from datetime import date
from functools import cache, partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from libyaevents.assemble import Labels, Roles, assemble, decode_mentions, decode_roles, pad_rows
from libyaevents.checkpoint import (
    DEFAULT_MODEL,
    EngineName,
    Settings,
    load_engine,
    load_labels,
    load_settings,
    load_words_tokenizer,
    model_folder,
)
from libyaevents.documents import Document
from libyaevents.engines import Encoded, Engine, TriggerBatch
from libyaevents.enrich import enrich as resolve
from libyaevents.enrich import read_actors
from libyaevents.errors import (
    ConfigError,
    DocumentError,
    InputError,
    InputTypeError,
    LabelError,
    LibyaeventsError,
)
from libyaevents.evaluation.calibration import calibrate
from libyaevents.tags import DecodedSpan
from libyaevents.windows import (
    Window,
    batch_by_length,
    collate,
    encode_words,
    make_windows,
    sentence_words,
    special_ids,
)
from libyaevents.words import Span, split_sentences, split_words

__all__ = ["Extractor", "WordScores", "extract"]

logger = logging.getLogger(__name__)

SUBWORDS_AT_A_TIME = 16_384  # documents are read together up to so many; bounds the memory of a stream
SUBWORDS_A_BATCH = 1024
PAIRS_A_BATCH = 4096  # (trigger, word) pairs in one call of the role head
ROLE_REACH = 128  # words on either side of a trigger among which its arguments are looked for
LARGEST_RECALL_BIAS = 20.0  # odds of 5 × 10⁸: beyond it there is all or nothing


def extract(
    text: str,
    *,
    published: date | str | None = None,
    id: str | None = None,
    source: str | None = None,
    title: str | None = None,
    enrich: bool = True,
) -> Document:
    """Read one article with the shipped model.

    Args:
        text: the article as it is; offsets of the result count its code points.
        published: the day it appeared, a date or an ISO string; «أمس» is counted from it.
        id: kept in the result.
        source: the outlet, kept in the result.
        title: kept in the result; it is not read unless it stands in the text too.
        enrich: resolve times, places, actors, claims and casualties, too.

    Raises:
        InputTypeError: `text` is no str.
        InputError: `published` is a str that is no ISO date.
        DocumentError: the text holds lone surrogates, or `published` is something other than a date.
    """
    extractor = default_extractor(enrich=enrich)
    return extractor.extract(text, published=published, id=id, source=source, title=title)


@cache
def default_extractor(*, enrich: bool) -> "Extractor":
    """The shipped model, loaded once for both answers."""
    if enrich:
        return Extractor.from_pretrained()
    bare = copy(default_extractor(enrich=True))
    bare.enrich = None
    return bare


class Extractor:
    """One loaded model. Its results depend on the text alone, not on what else is read with it."""

    def __init__(
        self,
        engine: Engine,
        tokenizer: Tokenizer,
        labels: Labels,
        settings: Settings,
        *,
        recall_bias: float = 0.0,
        enrich: Callable[[Document], Document] | None = None,
    ) -> None:
        """Put together what `from_pretrained` loads from one folder; `enrich` is applied to each result."""
        if not abs(recall_bias) <= LARGEST_RECALL_BIAS:  # NaN is on neither side
            raise ConfigError(
                f"recall_bias is {recall_bias}: expected a number from {-LARGEST_RECALL_BIAS:g} to "
                f"{LARGEST_RECALL_BIAS:g}; 0 balances precision and recall, 1 finds more, -1 less"
            )
        self.engine, self.tokenizer, self.labels, self.settings = engine, tokenizer, labels, settings
        self.recall_bias, self.enrich = recall_bias, enrich

    @classmethod
    def from_pretrained(
        cls,
        name_or_path: str | Path = DEFAULT_MODEL,
        *,
        engine: EngineName = "onnx",
        n_threads: int | None = None,
        recall_bias: float = 0.0,
        enrich: bool = True,
        actors: str | Path | None = None,
    ) -> "Extractor":
        """Load a model by the name of a shipped one, or from its folder.

        Args:
            name_or_path: see `libyaevents models`.
            engine: `onnx` runs the int8 graphs; `torch` the fp32 network, which needs the extra `train`.
            n_threads: of the engine; all cores at hand when None.
            recall_bias: above 0 finds more, below 0 only what is surer, in logits taken from "no span here";
                0 is what the model was tuned to. Scores stay what they are.
            enrich: resolve times, places, actors, claims and casualties of what is found, too;
                `libyaevents.enrich` has them one by one.
            actors: a table of own actors, added to the packaged one; see docs/actors.md.

        Raises:
            ModelNotFoundError: there is no such model; the message lists those there are.
            CheckpointError: the folder is incomplete, damaged or unsafe.
            ConfigError: `recall_bias` is no number or beyond all sense.
            MissingFileError, CorpusError: there is no such table, or a row of it is wrong.
        """
        table = None if actors is None else read_actors(actors)
        folder = model_folder(name_or_path)
        return cls(
            load_engine(folder, engine, n_threads=n_threads),
            load_words_tokenizer(folder),
            load_labels(folder),
            load_settings(folder),
            recall_bias=recall_bias,
            enrich=partial(resolve, actors=table) if enrich else None,
        )

    def extract(
        self,
        text: str,
        *,
        published: date | str | None = None,
        id: str | None = None,
        source: str | None = None,
        title: str | None = None,
    ) -> Document:
        """Read one article: see `libyaevents.extract`."""
        document = _document(text, published=published, id=id, source=source, title=title)
        return next(self.extract_many([document]))

    def extract_many(self, items: Iterable[str | Document]) -> Iterator[Document]:
        """Read a stream of articles, in order, in bounded memory.

        A document's own sentences are kept where it has some; its entities and events are replaced.

        Raises:
            InputTypeError: an item is neither a str nor a `Document`, or `items` is one str.
            DocumentError: a text holds lone surrogates, or a document's sentences do not cover its words.
        """
        for chunk in self._chunks(items):
            scores = self._encode(chunk)
            triggers = decode_mentions(
                scores.trigger_logits,
                chunk.sentences,
                outside_bias=self.settings.trigger_outside_bias,
                recall_bias=self.recall_bias,
            )
            for document in self._assemble(chunk, scores, triggers):
                yield document if self.enrich is None else self.enrich(document)

    def extract_arguments(self, documents: Iterable[Document]) -> Iterator[Document]:
        """Find the arguments and the factuality of events whose triggers are given ("gold triggers").

        Entities are found as by `extract_many`; nothing is enriched. Events come back in text order. A
        trigger that is no run of whole words of one sentence, or shares a word with another, gets no
        arguments; its event is kept.

        Raises:
            LabelError: an event's type is not one of the model's.
        """
        for chunk in self._chunks(documents):
            scores = self._encode(chunk)
            triggers = [
                spans for article in chunk.articles for spans in _given_triggers(article, self.labels)
            ]
            read = self._assemble(chunk, scores, triggers)
            for article, found in zip(chunk.articles, read, strict=True):
                yield _with_unread_events(article.document, found)

    def score_words(self, items: Iterable[str | Document]) -> Iterator["WordScores"]:
        """Read a stream of articles as `extract_many`, but stop before anything is decided about their words.

        Raises:
            InputTypeError, DocumentError: as there.
        """
        for chunk in self._chunks(items):
            scores = self._encode(chunk)
            scores.entity_logits[:, 0] += self.settings.entity_outside_bias
            scores.trigger_logits[:, 0] += self.settings.trigger_outside_bias
            for first, article in chunk.placed():
                own = slice(first, first + len(article.words))
                yield WordScores(
                    document=article.document,
                    sentences=tuple(article.sentences),
                    states=scores.word_states[own],
                    entity_logits=scores.entity_logits[own],
                    trigger_logits=scores.trigger_logits[own],
                )

    def _chunks(self, items: Iterable[str | Document]) -> Iterator["_Chunk"]:
        if isinstance(items, str):  # whose items are letters
            raise InputTypeError(
                "expected texts or documents, found one str: give [text], or call extract(text)"
            )
        chunk = _Chunk()
        for item in items:
            try:
                article = self._prepare(item)
            except LibyaeventsError:
                if chunk.articles:  # what was read before the bad one is not lost
                    yield chunk
                raise
            chunk.add(article)
            if chunk.n_subwords >= SUBWORDS_AT_A_TIME:
                yield chunk
                chunk = _Chunk()
        if chunk.articles:
            yield chunk

    def _prepare(self, item: str | Document) -> "_Article":
        document = item if isinstance(item, Document) else _document(item)
        if not document.sentences:
            document = replace(document, sentences=tuple(split_sentences(document.text)))
        words = split_words(document.text)
        try:
            sentences = sentence_words(words, document.sentences)
        except DocumentError as error:
            raise DocumentError(f"document {document.id!r}: {error}") from error
        windows = make_windows(
            encode_words(document.text, words, self.tokenizer),
            sentences,
            specials=special_ids(self.tokenizer),
            max_subwords=self.settings.max_subwords,
        )
        if n_cut := sum(window.n_cut_subwords for window in windows):
            n_read = sum(len(window.input_ids) for window in windows)
            logger.warning(
                "document %r: %d subwords, beside the %d read, lie beyond a window's length in one word",
                document.id,
                n_cut,
                n_read,
            )
        return _Article(document, words, sentences, windows)

    def _encode(self, chunk: "_Chunk") -> Encoded:
        """Run the first call over all windows, sorted by length, and put every word's scores in its place.

        Returns:
            Arrays over the words of the whole chunk: *Shape:* (words, hidden), (words, tags), (words, tags).
        """
        placed = [(first, window) for first, article in chunk.placed() for window in article.windows]
        lengths = [len(window.input_ids) for _, window in placed]
        whole: list[NDArray[np.float32]] = []
        for indexes in batch_by_length(lengths, max_tokens=SUBWORDS_A_BATCH):
            encoded = self.engine.encode(collate([placed[index][1] for index in indexes]))
            whole = whole or [np.zeros((chunk.n_words, array.shape[-1]), np.float32) for array in encoded]
            for row, index in enumerate(indexes):
                first, window = placed[index]
                (start, end), offset = window.scored, window.words[0]
                for target, array in zip(whole, encoded, strict=True):
                    target[first + start : first + end] = array[row, start - offset : end - offset]
        return Encoded(*(whole or [np.zeros((0, 1), np.float32)] * 3))

    def _assemble(
        self, chunk: "_Chunk", scores: Encoded, triggers: Sequence[Sequence[DecodedSpan]]
    ) -> Iterator[Document]:
        entities = decode_mentions(
            scores.entity_logits,
            chunk.sentences,
            outside_bias=self.settings.entity_outside_bias,
            recall_bias=self.recall_bias,
        )
        roles = iter(self._roles(chunk, scores.word_states, entities, triggers))
        events = [[(trigger, next(roles)) for trigger in spans] for spans in triggers]
        position = 0
        for article in chunk.articles:
            own = slice(position, position + len(article.sentences))
            position = own.stop
            document = assemble(
                self._stamp(article),
                article.words,
                article.sentences,
                entities=entities[own],
                events=events[own],
                labels=self.labels,
            )
            yield calibrate(document, self.settings.calibrators)

    def _roles(
        self,
        chunk: "_Chunk",
        states: NDArray[np.float32],
        entities: Sequence[Sequence[DecodedSpan]],
        triggers: Sequence[Sequence[DecodedSpan]],
    ) -> list[Roles]:
        """Run the second call over all triggers, like lengths together; answer in the triggers' order."""
        asked = [
            _Asked.of(sentence, trigger, names)
            for sentence, names, spans in zip(chunk.sentences, entities, triggers, strict=True)
            for trigger in spans
        ]
        answers: list[Roles | None] = [None] * len(asked)
        lengths = [end - start for start, end in (question.context for question in asked)]
        for indexes in batch_by_length(lengths, max_tokens=PAIRS_A_BATCH):
            batch, lengths_of_batch = _trigger_batch(states, [asked[index] for index in indexes])
            logits = self.engine.roles(batch)
            decoded = decode_roles(
                *logits,
                lengths_of_batch,
                batch.event_type,
                labels=self.labels,
                names=[asked[index].names for index in indexes],
                outside_bias=self.settings.role_outside_bias,
                recall_bias=self.recall_bias,
            )
            for index, roles in zip(indexes, decoded, strict=True):
                answers[index] = roles.shifted(asked[index].shift)
        return [roles for roles in answers if roles is not None]

    def _stamp(self, article: "_Article") -> Document:
        """Say in the metadata which model read the document, and how much of it."""
        scored = sum(window.scored[1] - window.scored[0] for window in article.windows)
        coverage = scored / len(article.words) if article.words else 1.0
        stamp = {"model": f"{self.settings.name} {self.settings.version}", "coverage": f"{coverage:.1f}"}
        return replace(article.document, metadata={**article.document.metadata, **stamp})


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WordScores:
    """What the network sees in each word of a document, before spans are decoded.

    Attributes:
        document: the document, with its sentences.
        sentences: half-open word ranges of its sentences, some of them perhaps empty.
        states: of the encoder. *Shape:* (words, hidden).
        entity_logits: of the IOB2 tags, in the order of the model's labels, biased as for decoding.
            *Shape:* (words, tags).
        trigger_logits: likewise.
    """

    document: Document
    sentences: tuple[Span, ...]
    states: NDArray[np.float32]
    entity_logits: NDArray[np.float32]
    trigger_logits: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class _Article:
    """One document, cut: spans of its words, word ranges of its sentences, its windows."""

    document: Document
    words: list[Span]
    sentences: list[Span]
    windows: list[Window]


class _Chunk:
    """Documents that are read together, their words and sentences counted through."""

    def __init__(self) -> None:
        self.articles: list[_Article] = []
        self.sentences: list[Span] = []
        self.n_words = self.n_subwords = 0

    def add(self, article: _Article) -> None:
        self.articles.append(article)
        self.sentences += [(self.n_words + start, self.n_words + end) for start, end in article.sentences]
        self.n_words += len(article.words)
        self.n_subwords += sum(len(window.input_ids) for window in article.windows)

    def placed(self) -> Iterator[tuple[int, _Article]]:
        """Each article with the number of its first word."""
        first = 0
        for article in self.articles:
            yield first, article
            first += len(article.words)


@dataclass(frozen=True, slots=True)
class _Asked:
    """A trigger put to the role head: the word range of its context, its span and type in it.

    The context is the sentence, or as much of an over-long one as is in reach; `shift` is the number of words
    of the sentence before it. `names` are the entities in it.
    """

    context: Span
    span: Span
    event_type: int
    shift: int
    names: tuple[Span, ...]

    @classmethod
    def of(cls, sentence: Span, trigger: DecodedSpan, entities: Sequence[DecodedSpan]) -> "_Asked":
        shift = max(0, trigger.start - ROLE_REACH)
        end = min(sentence[1] - sentence[0], trigger.end + ROLE_REACH)
        return cls(
            context=(sentence[0] + shift, sentence[0] + end),
            span=(trigger.start - shift, trigger.end - shift),
            event_type=trigger.label,
            shift=shift,
            names=tuple(
                (entity.start - shift, entity.end - shift)
                for entity in entities
                if shift <= entity.start and entity.end <= end
            ),
        )


def _trigger_batch(
    states: NDArray[np.float32], asked: Sequence[_Asked]
) -> tuple[TriggerBatch, NDArray[np.int64]]:
    """Gather the contexts, each once; with the length of each trigger's context (triggers,)."""
    rows = {context: row for row, context in enumerate(dict.fromkeys(question.context for question in asked))}
    word_states, lengths = pad_rows(states, list(rows))
    sentence = np.array([rows[question.context] for question in asked], np.int64)
    batch = TriggerBatch(
        word_states=word_states,
        word_mask=np.arange(word_states.shape[1]) < lengths[:, np.newaxis],
        sentence=sentence,
        span=np.array([question.span for question in asked], np.int64),
        event_type=np.array([question.event_type for question in asked], np.int64),
    )
    return batch, lengths[sentence]


def _document(
    text: object,
    *,
    published: date | str | None = None,
    id: str | None = None,
    source: str | None = None,
    title: str | None = None,
) -> Document:
    if not isinstance(text, str):
        raise InputTypeError(
            f"expected the text as a str, found {type(text).__name__}: "
            "decode bytes first, as in data.decode('utf-8')"
        )
    if isinstance(published, str):
        try:
            published = date.fromisoformat(published)
        except ValueError as error:
            raise InputError(
                f"published is {published!r}: expected an ISO date such as 2020-06-06"
            ) from error
    return Document(text=text, id=id, source=source, title=title, published=published)


def _given_triggers(article: _Article, labels: Labels) -> list[list[DecodedSpan]]:
    """The triggers of a document's events by sentence, as if decoded; those that do not fit are left out."""
    starts = {start: index for index, (start, _) in enumerate(article.words)}
    ends = {end: index + 1 for index, (_, end) in enumerate(article.words)}
    given: list[list[DecodedSpan]] = [[] for _ in article.sentences]
    for event in sorted(article.document.events, key=lambda event: event.trigger.start):
        if event.type not in labels.events:
            raise LabelError(
                f"event {event.id} has type {event.type!r}: the model knows {', '.join(labels.events)}"
            )
        start, end = starts.get(event.trigger.start), ends.get(event.trigger.end)
        if start is None or end is None:
            continue
        for (first, last), spans in zip(article.sentences, given, strict=True):
            if first <= start and end <= last and (not spans or spans[-1].end <= start - first):
                label = labels.events.index(event.type)
                spans.append(DecodedSpan(start=start - first, end=end - first, label=label, score=1.0))
    return given


def _with_unread_events(given: Document, read: Document) -> Document:
    """Put the events as given, with what was read for them: by trigger, in text order."""
    found = {(event.trigger.start, event.trigger.end): event for event in read.events}
    events = []
    for event in sorted(given.events, key=lambda event: event.trigger.start):
        # Taken once: of two events with the same trigger only the first was read.
        answer = found.pop((event.trigger.start, event.trigger.end), None)
        arguments = answer.arguments if answer is not None else ()
        factuality = answer.factuality if answer is not None else "actual"
        events.append(replace(event, arguments=arguments, factuality=factuality))
    return replace(read, events=tuple(events))
