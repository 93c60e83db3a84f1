"""Documents as lines of doccano's sequence labeling with relations (JSONL), and back; older forms are read.

Entities, triggers and arguments that are no entities are spans, roles relations from a trigger. A factuality
other than `actual` is a span over the trigger, to which the trigger has a relation `Factuality`. A project
needs the options for overlapping spans and for relations, without which doccano drops some of it. What
doccano has no place for stands in further fields of a line, which it keeps as metadata and exports again.

Offsets count UTF-16 code units, as doccano does unless a project counts grapheme clusters.

Source: https://doccano.github.io/doccano/ and https://github.com/doccano/doccano/issues/2290
"""

import json
import logging
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import count
from pathlib import Path
from typing import Any, BinaryIO

from libyaevents.documents import Document, Event, Span
from libyaevents.errors import CorpusError, DocumentError
from libyaevents.formats.doccano_rows import EVENT_TYPES, FACTS, FACTUALITY, ID, UNIT, read_row
from libyaevents.formats.losses import (
    ENRICHMENTS,
    OTHER_SPAN,
    PLAIN_ARGUMENT,
    SCORES,
    SPELLING,
    Losses,
    leave_out,
    say_counts,
)
from libyaevents.formats.offsets import UTF16, OffsetMap, decode, json_of, read_file
from libyaevents.ontology import Ontology, load_ontology

__all__ = ["read_doccano", "write_doccano"]

_logger = logging.getLogger(__name__)


def read_doccano(path: Path) -> Iterator[Document]:
    """Yield the documents of an export in order; entities and events are numbered anew.

    Spans are read from `entities`, or as [start, end, label] from `label` or `labels`. A label of the
    ontology's events makes a trigger, and so does a relation with a role of the ontology.

    Raises:
        InputError: The file cannot be opened; `MissingFileError` where there is none.
        CorpusError: A line is malformed; the message starts with the file and the line.
    """
    notices: Counter[str] = Counter()
    ontology = load_ontology()
    is_empty = True
    for row, where in _read_rows(path):
        is_empty = False
        try:
            yield read_row(row, (where,), ontology, notices)
        except DocumentError as error:
            raise CorpusError(f"{where}: {str(error).removeprefix(f'{where}: ')}") from error
    if is_empty:
        raise CorpusError(f"{path}: expected one JSON object a line, found an empty file; export it again")
    if +notices:
        _logger.warning("%s: %s", path, say_counts(+notices))


def write_doccano(documents: Iterable[Document], stream: BinaryIO) -> Losses:
    """Write documents as lines to import, and return what doccano cannot hold."""
    losses: Losses = Counter()
    ids = count(1)  # over the whole file: older importers take an id for a span of any line
    ontology = load_ontology()
    for document in documents:
        reduced, lost = leave_out(document, (*ENRICHMENTS, *SCORES))
        losses += lost
        row = _Row(reduced, ids, ontology, losses).to_dict()
        stream.write((json.dumps(row, ensure_ascii=False) + "\n").encode())
    return losses


class _Row:
    """One document as a line."""

    def __init__(self, document: Document, ids: Iterator[int], ontology: Ontology, losses: Losses) -> None:
        self._document = document
        self._ids = ids
        self._losses = losses
        self._offsets = OffsetMap(document.text, UTF16)
        self._types = {event.type for event in document.events}
        self._new_types = sorted(self._types - {*ontology.event_labels})
        # What would be no entity when it is read.
        self._reserved = {*self._types, *ontology.event_labels, *ontology.factuality_labels, PLAIN_ARGUMENT}
        self._spans: list[dict[str, Any]] = []
        self._relations: list[dict[str, Any]] = []
        self._plain: dict[Span, int] = {}

    def to_dict(self) -> dict[str, Any]:
        document = self._document
        entities = {}
        for number, entity in enumerate(document.entities, start=1):
            self._losses["id of an entity"] += entity.id != f"T{number}"
            span = (entity.start, entity.end)
            entities[entity.id] = (self._span(self._label(entity.label, self._reserved), span), span)
        for number, event in enumerate(document.events, start=1):
            self._losses["id of an event"] += event.id != f"E{number}"
            self._event(event, entities)
        facts = document.to_dict()
        return {
            "text": document.text,
            "entities": self._spans,
            "relations": self._relations,
            **({} if document.id is None else {ID: document.id}),
            **{name: facts[name] for name in FACTS if name in facts},
            **({EVENT_TYPES: self._new_types} if self._new_types else {}),
            UNIT: UTF16,
        }

    def _event(self, event: Event, entities: Mapping[str, tuple[int, Span]]) -> None:
        trigger = (event.trigger.start, event.trigger.end)
        id = self._span(self._label(event.type), trigger)
        if event.factuality != "actual":
            self._relate(id, self._span(self._label(event.factuality), trigger), FACTUALITY)
        for argument in event.arguments:
            span = (argument.start, argument.end)
            target, covered = entities[argument.entity_id] if argument.entity_id is not None else (0, None)
            if covered != span:
                self._losses[OTHER_SPAN] += covered is not None
                if span not in self._plain:
                    self._plain[span] = self._span(PLAIN_ARGUMENT, span)
                target = self._plain[span]
            self._relate(id, target, self._label(argument.role, {FACTUALITY}))

    def _span(self, label: str, span: Span) -> int:
        id = next(self._ids)
        start, end = map(self._offsets.to_unit, span)
        self._spans.append({"id": id, "label": label, "start_offset": start, "end_offset": end})
        return id

    def _relate(self, event: int, target: int, type: str) -> None:
        self._relations.append({"id": next(self._ids), "from_id": event, "to_id": target, "type": type})

    def _label(self, label: str, reserved: Iterable[str] = ()) -> str:
        """Return a label as doccano can have it: not empty, and not one that means something else here."""
        spelled = f"{label}_" if label in reserved or not label else label
        self._losses[SPELLING] += spelled != label
        return spelled


def _read_rows(path: Path) -> Iterator[tuple[Any, str]]:
    """Yield the objects of a file and where each stands; one JSON list is read, too."""
    text = decode(read_file(path, "a JSONL file of doccano"), str(path)).removeprefix("\ufeff")
    if text.lstrip().startswith("["):
        for number, row in enumerate(json_of(text, str(path))):
            yield row, f"{path}: item {number}"
        return
    # Only at \n: a string may hold U+2028 or U+0085.
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            yield json_of(line, f"{path}:{number}"), f"{path}:{number}"
