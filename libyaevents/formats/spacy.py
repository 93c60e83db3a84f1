"""Documents as spaCy's `Doc`, and as a `DocBin` (.spacy), the file that spaCy trains on.

Entities are `doc.ents`, those that overlap others `doc.spans["entities"]`; triggers and arguments are span
groups, labeled by event type and role. Spans bear the ids of their entities and events. The whole document,
as JSON without its text, is `doc.user_data["libyaevents"]`: so events keep their roles and factuality, and
everything its exact offsets where tokens are wider.
"""

import gc
import json
import logging
import zlib
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TypeVar

from libyaevents.documents import Document, Entity, Event, Trigger
from libyaevents.documents import Span as Offsets
from libyaevents.errors import CorpusError, DocumentError, InputError, LibyaeventsError, MissingExtraError
from libyaevents.formats.losses import Losses, say_counts
from libyaevents.formats.offsets import read_file
from libyaevents.records import fail, parse_json
from libyaevents.words import split_words

if TYPE_CHECKING:
    from spacy.tokens import Doc, Span
    from spacy.vocab import Vocab

__all__ = ["USER_DATA", "annotate", "from_doc", "read_spacy", "stored_document", "to_doc", "write_spacy"]

USER_DATA = "libyaevents"
ENTITIES, TRIGGERS, ARGUMENTS = "entities", "triggers", "arguments"

_LARGEST_FILE = 2**30  # in bytes, unpacked; a thousand times what a corpus takes

_log = logging.getLogger(__name__)

_Item = TypeVar("_Item", Entity, Event)


def read_spacy(path: Path) -> Iterator[Document]:
    """Yield the documents of a `DocBin`, of this library's or of any pipeline's making.

    Of others' documents, entities are read, and triggers where there is such a group; the log counts what is
    in other groups.

    Raises:
        InputError: The file cannot be opened; `MissingFileError` where there is none.
        CorpusError: It is no `DocBin`, or what it holds of a document does not fit its text.
        MissingExtraError: spaCy is not installed.
    """
    _require_spacy()
    from spacy.vocab import Vocab

    unread: Counter[str] = Counter()
    for number, doc in enumerate(_read_docs(path, Vocab())):
        for name in doc.spans:
            if name not in (ENTITIES, TRIGGERS, ARGUMENTS):
                unread[f"span group {name!r}"] += len(doc.spans[name])
        try:
            yield from_doc(doc)
        except DocumentError as error:
            raise CorpusError(f"{path}: document {number}: {error}") from error
    if unread:
        _log.warning("%s: not read: %s", path, say_counts(unread))


def write_spacy(documents: Iterable[Document], stream: BinaryIO) -> Losses:
    """Write documents as one `DocBin` with user data, which holds all of them.

    Raises:
        MissingExtraError: spaCy is not installed.
    """
    _require_spacy()
    from spacy.tokens import DocBin
    from spacy.vocab import Vocab

    vocab, docs = Vocab(), DocBin(store_user_data=True)
    for document in documents:
        docs.add(to_doc(document, vocab))
    stream.write(docs.to_bytes())
    return Losses()


def to_doc(document: Document, vocab: "Vocab") -> "Doc":
    """Return a document as a `Doc` whose tokens are the library's words, cut further where a span needs it.

    `from_doc` gives the same document back.

    Raises:
        MissingExtraError: spaCy is not installed.
    """
    _require_spacy()
    from spacy.tokens import Doc

    tokens = list(_tokens(document))
    doc = Doc(
        vocab,
        words=[document.text[start:end] for (start, end), _ in tokens],
        spaces=[has_space for _, has_space in tokens],
        sent_starts=_sentence_starts(document, [start for (start, _), _ in tokens]),
    )
    annotate(doc, document)
    return doc


def annotate(doc: "Doc", document: Document, *, overwrite: bool = True) -> None:
    """Put what was found in a document onto the `Doc` of the same text.

    A span whose ends stand inside tokens is widened to whole tokens; the document in the user data keeps its
    exact offsets.

    Args:
        doc: tokenized by whatever tokenizer.
        document: of the same text.
        overwrite: replace the entities that the doc has; otherwise they stay, and what collides with them
            goes to the span group `entities`.
    """
    entities = _spans(
        doc, ((entity.start, entity.end, entity.label, entity.id) for entity in document.entities)
    )
    flat, others = _part_overlapping(entities, [] if overwrite else list(doc.ents))
    doc.set_ents(flat, default="outside")
    doc.spans[ENTITIES] = others
    triggers = ((event.trigger.start, event.trigger.end, event.type, event.id) for event in document.events)
    doc.spans[TRIGGERS] = _spans(doc, triggers)
    arguments = (
        (argument.start, argument.end, argument.role, event.id)
        for event in document.events
        for argument in event.arguments
    )
    doc.spans[ARGUMENTS] = _spans(doc, arguments)
    data = document.to_dict()
    del data["text"]
    doc.user_data[USER_DATA] = json.dumps(data, ensure_ascii=False)


def from_doc(doc: "Doc") -> Document:
    """Return the document that a `Doc` holds.

    Entities and triggers are those that the doc has now: what was added or taken away since `annotate` is
    added or taken away. What else is known of those that stayed comes from the user data.

    Raises:
        DocumentError: The user data does not fit the text.
    """
    document = stored_document(doc) or Document(text=doc.text, sentences=_sentences(doc))
    found = [*doc.ents, *doc.spans.get(ENTITIES, ())]
    entities = tuple(_reconcile(document.entities, found, doc, _new_entity))
    events = document.events
    if TRIGGERS in doc.spans:
        events = tuple(_reconcile(events, doc.spans[TRIGGERS], doc, _new_event))
    known = {entity.id for entity in entities}
    if not {entity.id for entity in document.entities} <= known:
        events = tuple(_without_links(event, known) for event in events)
    return replace(document, entities=entities, events=events)


def stored_document(doc: "Doc") -> Document | None:
    """Return the document that `annotate` was given, whatever became of the doc's spans since.

    Raises:
        DocumentError: It does not fit the text.
    """
    stored = doc.user_data.get(USER_DATA)
    if not isinstance(stored, str):
        return None
    fields = parse_json(stored, "user data")
    if not isinstance(fields, dict):
        fail(("user data", USER_DATA), "a JSON object", fields)
    return Document.from_dict({**fields, "text": doc.text})


def _require_spacy() -> None:
    try:
        import spacy  # noqa: F401
    except ImportError as error:
        raise MissingExtraError("this format needs spaCy: pip install 'libyaevents[spacy]'") from error


def _read_docs(path: Path, vocab: "Vocab") -> "Iterator[Doc]":
    from spacy.tokens import DocBin

    data = read_file(path, "a .spacy file")
    was_collecting = gc.isenabled()
    try:
        _check_size(data, path)
        yield from DocBin().from_bytes(data).get_docs(vocab)
    except LibyaeventsError:
        raise
    except Exception as error:  # zlib, msgpack, numpy and spaCy raise what they like on foreign bytes
        reason = " ".join(str(error).split()) or type(error).__name__
        raise CorpusError(f"{path}: expected a DocBin of spaCy, found something else ({reason})") from error
    finally:
        if was_collecting:
            gc.enable()  # srsly switches it off, and leaves it off where it fails


def _check_size(data: bytes, path: Path) -> None:
    """Refuse a file that unpacks to more than memory is likely to hold, without unpacking it as a whole."""
    unpacker, size = zlib.decompressobj(), 0
    while data and size <= _LARGEST_FILE:
        size += len(unpacker.decompress(data, 2**20))
        data = unpacker.unconsumed_tail
    if size > _LARGEST_FILE:
        raise InputError(
            f"{path}: expected a DocBin of at most {_LARGEST_FILE:,} bytes unpacked, found more: split it"
        )


def _tokens(document: Document) -> Iterator[tuple[Offsets, bool]]:
    """Yield offsets that cover the text, each with whether one space behind them belongs to the token.

    No word and no span begins or ends inside a token; a space that a span asks for is a token of its own.
    """
    text = document.text
    mentions = [(entity.start, entity.end) for entity in document.entities]
    for event in document.events:
        mentions.append((event.trigger.start, event.trigger.end))
        mentions += [(argument.start, argument.end) for argument in event.arguments]
    starts, ends = {start for start, _ in mentions}, {end for _, end in mentions}
    spans = (*split_words(text), *mentions, *document.sentences)
    cuts = sorted({0, len(text), *(offset for span in spans for offset in span)})
    has_space = False
    for start, end in pairwise(cuts):
        start += has_space  # it went to the token before
        has_space = False
        if start < end:
            is_wanted = end in starts or end + 1 in ends
            has_space = text[end : end + 1] == " " and not is_wanted
            yield (start, end), has_space


def _sentence_starts(document: Document, starts: Sequence[int]) -> list[bool | int | None] | None:
    if not document.sentences:
        return None
    firsts = {start for start, _ in document.sentences}
    return [start in firsts for start in starts]


def _sentences(doc: "Doc") -> tuple[Offsets, ...]:
    """Return the doc's sentences, if it has any, without the white space around them."""
    if not doc.has_annotation("SENT_START"):
        return ()
    found = []
    for sentence in doc.sents:
        start = sentence.start_char + len(sentence.text) - len(sentence.text.lstrip())
        end = sentence.start_char + len(sentence.text.rstrip())
        if start < end:
            found.append((start, end))
    return tuple(found)


def _spans(doc: "Doc", mentions: Iterable[tuple[int, int, str, str]]) -> "list[Span]":
    """Return the spans of whole tokens over mentions, of which each is start, end, label and id."""
    spans = (
        doc.char_span(start, end, label=label, span_id=span_id, alignment_mode="expand")
        for start, end, label, span_id in mentions
    )
    return [span for span in spans if span is not None]


def _part_overlapping(spans: "Sequence[Span]", kept: "list[Span]") -> "tuple[list[Span], list[Span]]":
    """Return what can be `doc.ents`, with all of `kept` and of the rest the longest, and what cannot."""
    taken = {token for span in kept for token in range(span.start, span.end)}
    flat: list[Span] = list(kept)
    others: list[Span] = []
    for span in sorted(spans, key=lambda span: (span.start - span.end, span.start)):
        tokens = set(range(span.start, span.end))
        (others if tokens & taken else flat).append(span)
        taken |= tokens
    return flat, others


def _reconcile(
    items: Sequence[_Item],
    spans: "Iterable[Span]",
    doc: "Doc",
    make: Callable[["Span", str], _Item],
) -> list[_Item]:
    """Return the items that still have their span, in their order, and behind them new ones for new spans."""
    waiting: dict[tuple[int, int, str], list[Span]] = {}
    for span in spans:
        waiting.setdefault((span.start_char, span.end_char, span.label_), []).append(span)
    kept: list[_Item] = []
    for item in items:
        mention, label = (item, item.label) if isinstance(item, Entity) else (item.trigger, item.type)
        for span in _spans(doc, [(mention.start, mention.end, label, item.id)]):
            if waiting.get(key := (span.start_char, span.end_char, label)):
                waiting[key].pop()
                kept.append(item)
    new: list[Span] = [span for left in waiting.values() for span in left]
    return kept + [make(span, number) for span, number in zip(new, _fresh_ids(items), strict=False)]


def _fresh_ids(items: Sequence[Entity | Event]) -> Iterator[str]:
    """Yield 1, 2 and so on, without what is the number of an item already."""
    taken = {item.id.lstrip("TE") for item in items}
    number = 0
    while True:
        number += 1
        if str(number) not in taken:
            yield str(number)


def _new_entity(span: "Span", number: str) -> Entity:
    return Entity(id=f"T{number}", label=span.label_, **_mention(span))


def _new_event(span: "Span", number: str) -> Event:
    return Event(id=f"E{number}", type=span.label_, trigger=Trigger(**_mention(span)))


def _mention(span: "Span") -> dict[str, Any]:
    return {"start": span.start_char, "end": span.end_char, "text": span.text}


def _without_links(event: Event, known: Collection[str]) -> Event:
    arguments = (
        argument if argument.entity_id in known else replace(argument, entity_id=None)
        for argument in event.arguments
    )
    return replace(event, arguments=tuple(arguments))
