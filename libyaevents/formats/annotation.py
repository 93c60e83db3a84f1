"""Annotated documents in the formats of annotation tools: a path and a name come in, documents go out.

Each format is a module beside this one with two functions. `reader(path)` yields documents.
`writer(documents, target)` returns what the format could not hold, counted; the target is a binary stream, or
an empty folder for formats that are folders. A module, and with it the library that it may need, is imported
when its format is used. Whatever the format, a path is written whole or not at all.

    from libyaevents.formats import annotation
    documents = annotation.read("from_brat", "brat")
    losses = annotation.write(documents, "tasks.json", "labelstudio")
"""

import logging
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from itertools import chain, islice
from pathlib import Path
from typing import Any, BinaryIO, Literal

from libyaevents.documents import Document
from libyaevents.errors import ConfigError
from libyaevents.formats.losses import Losses, say_counts
from libyaevents.ontology import load_ontology
from libyaevents.outputs import open_whole, whole_folder
from libyaevents.records import quote, suggest

__all__ = ["FORMATS", "AnnotationFormat", "AnnotationFormatName", "read", "write", "write_stream"]

AnnotationFormatName = Literal[
    "jsonl", "brat", "conll", "labelstudio", "doccano", "inception", "spacy", "datasets"
]


@dataclass(frozen=True, slots=True, kw_only=True)
class AnnotationFormat:
    """A format of annotated documents: its functions, in a module beside this one, and what it is.

    `suffix` is how its files end by custom; folders have none.
    """

    module: str
    reader: str
    writer: str
    kind: Literal["file", "folder"]
    suffix: str = ""


FORMATS: Mapping[AnnotationFormatName, AnnotationFormat] = {
    "jsonl": AnnotationFormat(
        module="jsonl", reader="read_documents", writer="write_lines", kind="file", suffix=".jsonl"
    ),
    "brat": AnnotationFormat(module="brat", reader="read_brat", writer="write_brat", kind="folder"),
    "conll": AnnotationFormat(
        module="columns", reader="read_columns", writer="write_columns", kind="file", suffix=".conllup"
    ),
    "labelstudio": AnnotationFormat(
        module="labelstudio",
        reader="read_labelstudio",
        writer="write_labelstudio",
        kind="file",
        suffix=".json",
    ),
    "doccano": AnnotationFormat(
        module="doccano", reader="read_doccano", writer="write_doccano", kind="file", suffix=".jsonl"
    ),
    "inception": AnnotationFormat(
        module="inception", reader="read_inception", writer="write_inception", kind="folder"
    ),
    "spacy": AnnotationFormat(
        module="spacy", reader="read_spacy", writer="write_spacy", kind="file", suffix=".spacy"
    ),
    "datasets": AnnotationFormat(
        module="datasets", reader="read_datasets", writer="write_datasets", kind="folder"
    ),
}

_logger = logging.getLogger(__name__)


def read(path: str | Path, format: str) -> Iterator[Document]:
    """Read the documents of a file or folder in an annotation format, one at a time.

    Labels are taken as they stand; those that the ontology does not have are logged in one line at the end.

    Raises:
        ConfigError: There is no format of that name.
        MissingExtraError: The format needs a library that is not installed.
        InputError: The path cannot be opened; `MissingFileError` where there is nothing.
        CorpusError: What it holds is malformed; the message starts with the file, and the line where it has
            lines.
    """
    own = _find_format(format)
    return _check_labels(getattr(_module(own), own.reader)(Path(path)))


def write(documents: Iterable[Document], path: str | Path, format: str) -> Losses:
    """Write documents to a file or folder, which appears whole or, on any error, not at all.

    An older file is replaced, a folder that holds anything never: it may be somebody's work.

    Returns:
        What the format could not hold, counted by name.

    Raises:
        ConfigError, MissingExtraError: As for `read`.
        OutputError: The path cannot be written, or is a folder that holds something.
    """
    own, path = _find_format(format), Path(path)
    if own.kind == "file":
        with open_whole(path) as stream:
            return _write(documents, own, stream)
    with whole_folder(path) as folder:
        return _write(documents, own, folder)


def write_stream(documents: Iterable[Document], stream: BinaryIO, format: str) -> Losses:
    """Write documents to an open file or pipe.

    Raises:
        ConfigError: There is no format of that name, or it is a folder.
        MissingExtraError: The format needs a library that is not installed.
    """
    own = _find_format(format)
    if own.kind == "folder":
        raise ConfigError(f"expected --output FOLDER for {format}, found none: a stream holds no folder")
    remaining = iter(documents)
    # What cannot be read is mostly told by its first document: no header goes before that.
    first = list(islice(remaining, 1))
    return _write(chain(first, remaining), own, stream)


def _find_format(format: str) -> AnnotationFormat:
    for name, own in FORMATS.items():
        if name == format:
            return own
    raise ConfigError(f"expected a format, found {quote(format)}; {suggest(format, FORMATS)}")


def _module(own: AnnotationFormat) -> Any:
    return import_module(f"libyaevents.formats.{own.module}")


def _write(documents: Iterable[Document], own: AnnotationFormat, target: BinaryIO | Path) -> Losses:
    losses: Losses = getattr(_module(own), own.writer)(documents, target)
    return +losses  # without what was counted as 0


def _check_labels(documents: Iterable[Document]) -> Iterator[Document]:
    """Pass documents on and log, at the end, the labels that the ontology does not have."""
    ontology = load_ontology()
    known = {
        "entity label": set(ontology.entity_labels),
        "event type": set(ontology.event_labels),
        "role": set(ontology.role_labels),
        "factuality": set(ontology.factuality_labels),
    }
    unknown: Counter[str] = Counter()
    for document in documents:
        unknown.update(
            f"{kind} {quote(label)}" for kind, label in _labels(document) if label not in known[kind]
        )
        yield document
    if unknown:
        _logger.warning("labels that the ontology does not have: %s", say_counts(unknown))


def _labels(document: Document) -> Iterator[tuple[str, str]]:
    yield from (("entity label", entity.label) for entity in document.entities)
    for event in document.events:
        yield "event type", event.type
        yield "factuality", event.factuality
        yield from (("role", argument.role) for argument in event.arguments)
