"""Annotated documents for training: read, compare, describe, and part into blocks.

In: names of files, or of corpora that come with the package. Out: documents.
"""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from libyaevents.datasets import CORPORA, Split, load_corpus
from libyaevents.documents import Document, Event
from libyaevents.errors import ConfigError, CorpusError
from libyaevents.formats.jsonl import read_documents
from libyaevents.ontology import Ontology
from libyaevents.training.config import TrainConfig
from libyaevents.words import Span, split_sentences, split_words

__all__ = ["describe", "make_blocks", "outlets", "read_corpus", "refuse_overlap", "text_hash", "unique"]


def make_blocks(documents: Sequence[Document], n: int) -> list[list[Document]]:
    """Part documents into `n` blocks; where they are fewer, part each into `n` runs of sentences.

    Raises:
        CorpusError: a document has fewer sentences than there are blocks.
    """
    if len(documents) >= n:
        return [list(documents[number::n]) for number in range(n)]
    blocks: list[list[Document]] = [[] for _ in range(n)]
    for document in documents:
        sentences = document.sentences or tuple(split_sentences(document.text))
        if len(sentences) < n:
            raise CorpusError(
                f"document {document.id!r} has {len(sentences)} sentences: expected at least {n} to "
                f"cross-validate over {n} blocks; give more documents, or folds = 0"
            )
        bounds = np.linspace(0, len(sentences), n + 1).round().astype(int).tolist()
        for number, (first, last) in enumerate(pairwise(bounds)):
            name = f"{document.id or text_hash(document)}#{number + 1}"
            blocks[number].append(_cut(document, sentences[first:last], name))
    return blocks


def _cut(document: Document, sentences: Sequence[Span], id: str) -> Document:
    """The part of an annotated document that some consecutive sentences hold, as a document of its own."""
    start, end = sentences[0][0], sentences[-1][1]

    def moved(mention: Any) -> Any:
        return replace(mention, start=mention.start - start, end=mention.end - start)

    entities = tuple(
        replace(moved(entity), core=None, place=None, actor=None, time=None)
        for entity in document.entities
        if start <= entity.start and entity.end <= end
    )
    ids = {entity.id for entity in entities}
    events = tuple(
        Event(
            id=event.id,
            type=event.type,
            trigger=moved(event.trigger),
            factuality=event.factuality,
            arguments=tuple(
                replace(moved(argument), entity_id=argument.entity_id if argument.entity_id in ids else None)
                for argument in event.arguments
                if start <= argument.start and argument.end <= end
            ),
        )
        for event in document.events
        if start <= event.trigger.start and event.trigger.end <= end
    )
    return Document(
        id=id,
        text=document.text[start:end],
        sentences=tuple((left - start, right - start) for left, right in sentences),
        entities=entities,
        events=events,
    )


def read_corpus(paths: Sequence[str], ontology: Ontology, *, split: Split = "train") -> list[Document]:
    """Read annotated documents from files; `article` and `open` are the package's own, of the split given.

    A text that comes twice is kept once. Where some documents have ids, the others get one.

    Raises:
        InputError, CorpusError, LabelError: a file cannot be read, or breaks the format or the ontology.
        CorpusError: nothing is annotated, or two different texts have the same id.
    """
    documents: list[Document] = []
    for path in paths:
        if path in CORPORA:
            documents += load_corpus(path, split=split, ontology=ontology)
        else:
            documents += read_documents(Path(path), ontology=ontology)
    if not any(document.events or document.entities for document in documents):
        raise CorpusError(
            f"{', '.join(paths)}: no annotation in {len(documents)} documents; expected entities or events"
        )
    return _with_ids(unique(documents))


def _with_ids(documents: Sequence[Document]) -> list[Document]:
    """Make sure that documents can be told apart: all have ids of their own, or none has one."""
    ids = Counter(document.id for document in documents if document.id is not None)
    if twice := [id for id, count in ids.items() if count > 1]:
        raise CorpusError(
            f"the corpus has {ids[twice[0]]} texts with the id {twice[0]!r}: expected an id of its own for "
            "each; rename them"
        )
    if not ids:
        return list(documents)
    return [
        document if document.id is not None else replace(document, id=f"text-{text_hash(document)}")
        for document in documents
    ]


def unique(documents: Sequence[Document]) -> list[Document]:
    """Each text once, the first document that has it, in order."""
    first: dict[str, Document] = {}
    for document in documents:
        first.setdefault(text_hash(document), document)
    return list(first.values())


def refuse_overlap(corpus: Sequence[Document], dev: Sequence[Document]) -> None:
    """Check that no text is both trained on and measured on.

    Raises:
        ConfigError: one is.
    """
    shared = {text_hash(document) for document in corpus} & {text_hash(document) for document in dev}
    if shared:
        raise ConfigError(
            f"{len(shared)} texts are in the corpus and in the dev file: expected texts that are not trained "
            "on; take them out of one of the two"
        )


def text_hash(document: Document) -> str:
    """What tells a text from others in reports: 16 hexadecimal digits."""
    return hashlib.sha256(document.text.encode()).hexdigest()[:16]


def describe(config: TrainConfig, documents: Sequence[Document], dev: Sequence[Document]) -> dict[str, Any]:
    """Sizes and hashes of the data."""
    hashes: dict[str, str] = {}
    for path in dict.fromkeys((*config.corpus, config.dev, config.replay)):
        if path is not None and path not in CORPORA:
            # By name, for the report travels with the model; files of one name are told apart by a number.
            name = Path(path).name
            key = name if name not in hashes else f"{name} ({len(hashes) + 1})"
            hashes[key] = hashlib.sha256(Path(path).read_bytes()).hexdigest()
    return {
        "documents": len(documents),
        "words": sum(len(split_words(document.text)) for document in documents),
        "entities": sum(len(document.entities) for document in documents),
        "events": sum(len(document.events) for document in documents),
        "arguments": sum(len(event.arguments) for document in documents for event in document.events),
        "dev_documents": len(dev),
        "sha256": hashes,
    }


def outlets(documents: Sequence[Document]) -> tuple[str, ...]:
    """The sources that the documents name, sorted."""
    return tuple(sorted({document.source for document in documents if document.source}))
