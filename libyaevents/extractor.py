"""From text to events: the whole pipeline around one loaded model.

In: texts, or documents whose text is to be read. Out: `Document`s, one for each, in order.
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass
from datetime import date
from functools import cache, partial
from pathlib import Path
from threading import Event

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from libyaevents.articles import Chunk, Part, cut, make_article, make_document
from libyaevents.assemble import Labels, Roles, assemble, decode_mentions, decode_roles
from libyaevents.calibrators import calibrate
from libyaevents.catalog import DEFAULT_MODEL, model_folder
from libyaevents.checkpoint import (
    EngineName,
    Settings,
    load_engine,
    load_labels,
    load_settings,
    load_words_tokenizer,
)
from libyaevents.documents import Document
from libyaevents.engines import Encoded, Engine
from libyaevents.engines.graphs import n_threads_or_cores
from libyaevents.engines.stoppable import Stoppable
from libyaevents.errors import ConfigError, InputTypeError
from libyaevents.records import fill
from libyaevents.streams import Calls, Group, gather, read_ahead
from libyaevents.tags import DecodedSpan
from libyaevents.triggers import Question, check_types, given_triggers, trigger_batch, with_unread_events
from libyaevents.windows import Window, batch_by_length, collate, few_shapes, padded_width
from libyaevents.words import Span

__all__ = ["Extractor", "WordScores", "extract"]

logger = logging.getLogger(__name__)

CHARACTERS_AT_A_TIME = 16_384  # of documents that are read together; bounds the memory of a stream
OVERHEAD = 32  # characters that could be read in the time that a document takes beside its own
WORDS_AT_A_TIME = 8192  # of parts of documents whose states are held together
SUBWORDS_A_BATCH = 1024
PAIRS_A_BATCH = 4096  # (trigger, word) pairs in one call of the role head
MOST_THREADS = 4  # for groups of a stream: a quarter of the work holds Python's lock, and more would wait
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
        n_threads: int = 1,
    ) -> None:
        """Put together what `from_pretrained` loads from one folder.

        `enrich` is applied to each result, in the caller's thread. With `n_threads` above 1, batches are read
        by so many threads, and the engine must bear calls from all of them.
        """
        if not abs(recall_bias) <= LARGEST_RECALL_BIAS:  # NaN is on neither side
            raise ConfigError(
                f"recall_bias is {recall_bias}: expected a number from {-LARGEST_RECALL_BIAS:g} to "
                f"{LARGEST_RECALL_BIAS:g}; 0 balances precision and recall, 1 finds more, -1 less"
            )
        self.engine, self.tokenizer, self.labels, self.settings = engine, tokenizer, labels, settings
        self.recall_bias, self.enrich, self.n_threads = recall_bias, enrich, n_threads
        self._calls = Calls(1)

    @classmethod
    def from_pretrained(
        cls,
        name_or_path: str | Path = DEFAULT_MODEL,
        *,
        engine: EngineName = "auto",
        n_threads: int | None = None,
        recall_bias: float = 0.0,
        enrich: bool = True,
        actors: str | Path | None = None,
    ) -> "Extractor":
        """Load a model by the name of a shipped one, or from its folder.

        Args:
            name_or_path: see `libyaevents models`.
            engine: `onnx` and `openvino` (an extra) run the int8 graphs, `auto` whichever is installed and
                faster here; `torch` runs the fp32 network, which needs the extra `train`.
            n_threads: that read batches side by side; the cores at hand, up to 8, when None.
            recall_bias: above 0 finds more, below 0 only what is surer, in logits taken from "no span here";
                0 is what the model was tuned to. Scores stay what they are.
            enrich: resolve times, places, actors, claims and casualties of what is found, too;
                `libyaevents.enrich` has them one by one.
            actors: a table of own actors, added to the packaged one; see docs/actors.md.

        Raises:
            ModelNotFoundError: there is no such model; the message lists those there are.
            CheckpointError: the folder is incomplete, damaged or unsafe.
            MissingExtraError: torch or OpenVINO is asked for and not installed.
            ConfigError: `recall_bias` is no number or beyond all sense.
            MissingFileError, CorpusError: there is no such table, or a row of it is wrong.
        """
        resolve = _enricher(actors) if enrich or actors is not None else None
        folder = model_folder(name_or_path)
        return cls(
            load_engine(folder, engine, n_threads=n_threads),
            load_words_tokenizer(folder),
            load_labels(folder),
            load_settings(folder),
            recall_bias=recall_bias,
            enrich=resolve if enrich else None,
            # torch has threads of its own, which cannot be told how many others call.
            n_threads=1 if engine == "torch" else n_threads_or_cores(n_threads),
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
        document = make_document(text, published=published, id=id, source=source, title=title)
        with self._reader() as reader:
            (found,) = reader._read(Group([document]))
        return found if self.enrich is None else self.enrich(found)

    def extract_many(self, items: Iterable[str | Document]) -> Iterator[Document]:
        """Read a stream of articles, in order, in bounded memory; see docs/performance.md.

        A document's own sentences are kept where it has some; its entities and events are replaced. An error
        of the stream itself, of whatever type, comes behind the results of all that it gave before.

        Raises:
            InputTypeError: an item is neither a str nor a `Document`, or `items` is one str.
            DocumentError: a text holds lone surrogates, or a document's sentences do not cover its words.
        """
        n_threads = min(self.n_threads, MOST_THREADS)
        with self._reader() as reader:
            for document in read_ahead(_groups(items), reader._read, n_threads=n_threads):
                yield document if self.enrich is None else self.enrich(document)

    def extract_arguments(self, documents: Iterable[Document]) -> Iterator[Document]:
        """Find the arguments and the factuality of events whose triggers are given ("gold triggers").

        Entities are found as by `extract_many`; nothing is enriched. Events come back in text order. A
        trigger that is no run of whole words of one sentence, or shares a word with another, gets no
        arguments; its event is kept.

        Raises:
            LabelError: an event's type is not one of the model's.
        """
        checked = (check_types(document, self.labels) for document in documents)
        with self._reader() as reader:
            for group in _groups(checked):
                for decoded in reader._decode_articles(group, self._given_triggers):
                    given = decoded[0].part.article.document
                    yield with_unread_events(given, self._assemble(decoded))

    def score_words(self, items: Iterable[str | Document]) -> Iterator["WordScores"]:
        """Read a stream of articles as `extract_many`, but stop before anything is decided about their words.

        Raises:
            InputTypeError, DocumentError: as there.
        """
        read: list[Encoded] = []  # of the parts of one article
        with self._reader() as reader:
            for chunk in (chunk for group in _groups(items) for chunk in reader._chunks(group)):
                scores = reader._encode(chunk)
                scores.entity_logits[:, 0] += self.settings.entity_outside_bias
                scores.trigger_logits[:, 0] += self.settings.trigger_outside_bias
                for part, own in chunk.placed():
                    read.append(Encoded(*(array[own] for array in scores)))
                    if part.is_last:
                        states, entities, triggers = map(np.concatenate, zip(*read, strict=True))
                        read.clear()
                        yield WordScores(
                            document=part.article.document,
                            sentences=tuple(part.article.sentences),
                            states=states,
                            entity_logits=entities,
                            trigger_logits=triggers,
                        )

    @contextmanager
    def _reader(self) -> Iterator["Extractor"]:
        """Give a copy that calls the engine side by side, and not at all after the block."""
        reader, stopped = copy(self), Event()
        reader.engine = Stoppable(self.engine, stopped, _StoppedError)
        reader._calls = Calls(self.n_threads)
        try:
            yield reader
        finally:
            stopped.set()
            reader._calls.close()

    def _read(self, group: Group[str | Document]) -> Iterator[Document]:
        return map(self._assemble, self._decode_articles(group, self._found_triggers))

    def _decode_articles(
        self, group: Group[str | Document], triggers_of: "_TriggersOf"
    ) -> Iterator[list["_Decoded"]]:
        """Decode the parts of each article of a group."""
        read: list[_Decoded] = []
        for chunk in self._chunks(group):
            scores = self._encode(chunk)
            for decoded in self._decode(chunk, scores, triggers_of(chunk, scores)):
                read.append(decoded)
                if decoded.part.is_last:
                    yield read
                    read = []

    def _chunks(self, group: Group[str | Document]) -> Iterator[Chunk]:
        parts = (
            part
            for item in group
            for part in cut(make_article(item), self.tokenizer, max_subwords=self.settings.max_subwords)
        )
        for some in gather(parts, lambda part: part.words[1] - part.words[0], limit=WORDS_AT_A_TIME):
            if some.items:
                yield Chunk(some.items)
            if some.error is not None:
                raise some.error

    def _encode(self, chunk: Chunk) -> Encoded:
        """Run the first call over all windows, sorted by length, and put every word's scores in its place.

        Returns:
            Arrays over the words of the whole chunk: *Shape:* (words, hidden), (words, tags), (words, tags).
        """
        placed = [(own.start, window) for part, own in chunk.placed() for window in part.windows]
        whole: list[NDArray[np.float32]] = []
        widths = [padded_width(window, self.settings.max_subwords) for _, window in placed]
        batches = list(few_shapes(batch_by_length(widths, max_tokens=SUBWORDS_A_BATCH)))
        most = self.settings.max_subwords
        collated = [
            collate([placed[index][1] for index in indexes], width=min(widths[indexes[-1]], most))
            for indexes in batches
        ]
        for indexes, encoded in zip(batches, self._calls.map(self.engine.encode, collated), strict=True):
            whole = whole or [np.zeros((chunk.n_words, array.shape[-1]), np.float32) for array in encoded]
            for row, index in enumerate(indexes):
                first, window = placed[index]
                (start, end), offset = window.scored, window.words[0]
                for target, array in zip(whole, encoded, strict=True):
                    target[first + start : first + end] = array[row, start - offset : end - offset]
        return Encoded(*(whole or [np.zeros((0, 1), np.float32)] * 3))

    def _found_triggers(self, chunk: Chunk, scores: Encoded) -> list[list[DecodedSpan]]:
        return decode_mentions(
            scores.trigger_logits,
            chunk.sentences,
            outside_bias=self.settings.trigger_outside_bias,
            recall_bias=self.recall_bias,
        )

    def _given_triggers(self, chunk: Chunk, scores: Encoded) -> list[list[DecodedSpan]]:
        return [spans for part in chunk.parts for spans in given_triggers(part, self.labels)]

    def _decode(
        self, chunk: Chunk, scores: Encoded, triggers: Sequence[Sequence[DecodedSpan]]
    ) -> Iterator["_Decoded"]:
        """Decode entities and roles, given the triggers of each sentence of the chunk, part by part."""
        entities = decode_mentions(
            scores.entity_logits,
            chunk.sentences,
            outside_bias=self.settings.entity_outside_bias,
            recall_bias=self.recall_bias,
        )
        roles = iter(self._roles(chunk, scores.word_states, entities, triggers))
        events = [[(trigger, next(roles)) for trigger in spans] for spans in triggers]
        position = 0
        for part in chunk.parts:
            own = slice(position, position + len(part.sentences))
            position = own.stop
            yield _Decoded(part, entities[own], events[own])

    def _roles(
        self,
        chunk: Chunk,
        states: NDArray[np.float32],
        entities: Sequence[Sequence[DecodedSpan]],
        triggers: Sequence[Sequence[DecodedSpan]],
    ) -> list[Roles]:
        """Run the second call over all triggers, like lengths together; answer in the triggers' order."""
        asked = [
            Question.of(sentence, trigger, names)
            for sentence, names, spans in zip(chunk.sentences, entities, triggers, strict=True)
            for trigger in spans
        ]
        answers: list[Roles | None] = [None] * len(asked)
        lengths = [end - start for start, end in (question.context for question in asked)]
        batches = batch_by_length(lengths, max_tokens=PAIRS_A_BATCH)
        made = [trigger_batch(states, [asked[index] for index in indexes]) for indexes in batches]
        calls = self._calls.map(self.engine.roles, [batch for batch, _ in made])
        for indexes, (batch, lengths_of_batch), logits in zip(batches, made, calls, strict=True):
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

    def _assemble(self, decoded: Sequence["_Decoded"]) -> Document:
        """Make the document of all its parts; its metadata says which model read it, and how much of it."""
        article = decoded[0].part.article
        windows = [window for each in decoded for window in each.part.windows]
        _warn_of_cuts(article.document, windows)
        n_scored = sum(window.scored[1] - window.scored[0] for window in windows)
        coverage = n_scored / len(article.words) if article.words else 1.0
        stamp = {"model": f"{self.settings.name} {self.settings.version}", "coverage": f"{coverage:.1f}"}
        document = assemble(
            fill(article.document, metadata={**article.document.metadata, **stamp}),
            article.words,
            [sentence for each in decoded for sentence in each.part.sentences],
            entities=[spans for each in decoded for spans in each.entities],
            events=[found for each in decoded for found in each.events],
            labels=self.labels,
        )
        return calibrate(document, self.settings.calibrators)


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


def _enricher(actors: str | Path | None) -> Callable[[Document], Document]:
    """Make what resolves results, with a table of own actors if there is one."""
    from libyaevents.enrich import enrich, read_actors  # here: who enriches nothing starts sooner

    return partial(enrich, actors=None if actors is None else read_actors(actors))


_TriggersOf = Callable[[Chunk, Encoded], list[list[DecodedSpan]]]


@dataclass(frozen=True, slots=True, eq=False)
class _Decoded:
    """What was found in each sentence of a part, counted from the sentence's first word."""

    part: Part
    entities: list[list[DecodedSpan]]
    events: list[list[tuple[DecodedSpan, Roles]]]


class _StoppedError(Exception):
    """Nobody waits for the result; nobody sees this error either."""


def _groups(items: Iterable[str | Document]) -> Iterator[Group[str | Document]]:
    if isinstance(items, str):  # whose items are letters
        raise InputTypeError("expected texts or documents, found one str: give [text], or call extract(text)")
    return gather(items, _weigh, limit=CHARACTERS_AT_A_TIME)


def _weigh(item: object) -> int:
    text = item.text if isinstance(item, Document) else item
    return OVERHEAD + (len(text) if isinstance(text, str) else 0)


def _warn_of_cuts(document: Document, windows: Sequence[Window]) -> None:
    if n_cut := sum(window.n_cut_subwords for window in windows):
        logger.warning(
            "document %r: %d subwords, beside the %d read, lie beyond a window's length in one word",
            document.id,
            n_cut,
            sum(len(window.input_ids) for window in windows),
        )
