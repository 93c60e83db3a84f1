"""Documents as a folder of brat: a `.txt` and an `.ann` file each, in brat's standoff format, and back.

Entities and triggers are text-bound annotations, events have roles that are numbered from the second on
(`Place`, `Place2`), factuality is an attribute of the event where it is not `actual`, scores are notes, and
an argument that is no entity is a span labeled `Argument`. What brat has no place for, such as title and
date, stands in `documents.jsonl` beside the texts, which brat leaves alone; `annotation.conf` and
`visual.conf` tell brat the labels, and that the text runs from right to left.

Source: https://brat.nlplab.org/standoff.html and https://brat.nlplab.org/configuration.html
"""

import json
import logging
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import count, pairwise
from pathlib import Path
from typing import Any

from libyaevents.documents import Document, Event
from libyaevents.errors import CorpusError, DocumentError, InputError, MissingFileError
from libyaevents.formats.brat_standoff import FACTUALITY, parse_document
from libyaevents.formats.losses import (
    ENRICHMENTS,
    OTHER_SPAN,
    PLAIN_ARGUMENT,
    SPELLING,
    Losses,
    leave_out,
    say_counts,
)
from libyaevents.formats.names import file_stem, free_name
from libyaevents.formats.offsets import decode, json_of, read_file, take
from libyaevents.ontology import load_ontology
from libyaevents.records import quote

__all__ = ["read_brat", "write_brat"]

_DOCUMENT_FACTS = "documents.jsonl"
_MOST_PROBLEMS = 20  # named in an error

_LINE_BREAKS = re.compile(r"\s*[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]\s*")
_SPACE = re.compile(r"\s")
_NOT_IN_A_LABEL = re.compile(r"[^A-Za-z0-9_-]")
_OWN_NUMBER = r"[1-9]\d{0,8}"

_VISUAL = """\
[labels]

[drawing]
SPAN_DEFAULT\tfgColor:black, bgColor:lightgreen, borderColor:darken
ARC_DEFAULT\tcolor:black, arrowHead:triangle-5
{factuality}\tposition:left, glyph:(?)
{argument}\tbgColor:#e8e8e8

[options]
Text\tdirection:rtl
"""

_logger = logging.getLogger(__name__)


def read_brat(path: Path) -> Iterator[Document]:
    """Yield the documents of a folder and the folders in it, as `documents.jsonl` orders them, then by name.

    A `.txt` without `.ann` has no annotation. Spans that a line break parts are joined. Offsets that count
    something else than code points are converted where the texts beside them show it, and that is logged, as
    is what has no place in a document: relations, normalizations, notes.

    Raises:
        InputError: There is no such folder (`MissingFileError`), or no document in it.
        CorpusError: Files are malformed, lack their text or have discontinuous spans; all of them are named.
    """
    texts = _find_texts(path)
    facts = _read_facts(path)
    order = [name for name in facts if name in texts]
    problems: list[str] = []
    notices: Counter[str] = Counter()
    for name in dict.fromkeys([*order, *texts]):
        try:
            document = _read_document(texts[name], name, facts.get(name), notices)
        except CorpusError as error:
            problems += str(error).split("\n")
            continue
        if not problems:
            yield document
    if +notices:
        _logger.warning("%s: %s", path, say_counts(+notices))
    if problems:
        raise CorpusError(_list(problems))


def write_brat(documents: Iterable[Document], folder: Path) -> Losses:
    """Write documents and brat's configuration into an empty folder, and return what brat cannot hold.

    Files are called as the documents' ids, as far as a file can be.
    """
    losses: Losses = Counter()
    labels: dict[str, dict[str, None]] = _known_labels()
    taken: dict[str, int] = {}
    with (folder / _DOCUMENT_FACTS).open("w", encoding="utf-8", newline="\n") as facts:
        for document in documents:
            reduced, lost = leave_out(document, ENRICHMENTS)
            losses += lost
            name = free_name(file_stem(document.id), taken)
            lines = _Standoff(reduced, losses, labels).lines()
            (folder / f"{name}.txt").write_bytes(document.text.encode())
            (folder / f"{name}.ann").write_bytes("".join(f"{line}\n" for line in lines).encode())
            own = {
                key: value
                for key, value in document.to_dict().items()
                if key not in ("text", "entities", "events")
            }
            facts.write(json.dumps({"file": name, **own}, ensure_ascii=False) + "\n")
    (folder / "annotation.conf").write_text(_configuration(labels), encoding="utf-8", newline="\n")
    visual = _VISUAL.format(factuality=FACTUALITY, argument=PLAIN_ARGUMENT)
    (folder / "visual.conf").write_text(visual, encoding="utf-8", newline="\n")
    return losses


class _Standoff:
    """One document as the lines of an `.ann` file.

    A line's number is kept where an id is one already (T7, E2), else it is the next that is free.
    """

    def __init__(self, document: Document, losses: Losses, labels: Mapping[str, dict[str, None]]) -> None:
        self._document = document
        self._losses = losses
        self._labels = labels
        self._entities = {entity.id: entity for entity in document.entities}
        self._entity_ids = self._own_ids([entity.id for entity in document.entities], "T", "id of an entity")
        self._event_ids = self._own_ids([event.id for event in document.events], "E", "id of an event")
        numbers = [int(id[1:]) for id in self._entity_ids.values()]
        self._new_spans = (f"T{number}" for number in count(max(numbers, default=0) + 1))
        self._new_attributes = (f"A{number}" for number in count(1))
        self._new_notes = (f"#{number}" for number in count(1))
        self._plain: dict[tuple[int, int], str] = {}

    def lines(self) -> Iterator[str]:
        for entity in self._document.entities:
            id = self._entity_ids[entity.id]
            yield self._span(id, self._label("entities", entity.label), entity.start, entity.end)
            yield from self._note(id, {"score": entity.score})
        for event in self._document.events:
            yield from self._event(event)

    def _event(self, event: Event) -> Iterator[str]:
        id, type, trigger = (
            self._event_ids[event.id],
            self._label("events", event.type),
            next(self._new_spans),
        )
        yield self._span(trigger, type, event.trigger.start, event.trigger.end)
        yield from self._note(trigger, {"score": event.trigger.score})
        scores = {"score": event.score}
        roles: Counter[str] = Counter()
        written = [f"{type}:{trigger}"]
        for argument in event.arguments:
            role = self._label("roles", argument.role)
            roles[role] += 1
            name = role if roles[role] == 1 else f"{role}{roles[role]}"
            scores[name] = argument.score
            span = (argument.start, argument.end)
            entity = None if argument.entity_id is None else self._entities[argument.entity_id]
            if entity is not None and (entity.start, entity.end) == span:
                target = self._entity_ids[entity.id]
            else:
                self._losses[OTHER_SPAN] += entity is not None
                if span not in self._plain:
                    self._plain[span] = next(self._new_spans)
                    yield self._span(self._plain[span], PLAIN_ARGUMENT, *span)
                target = self._plain[span]
            written.append(f"{name}:{target}")
        yield f"{id}\t{' '.join(written)}"
        if event.factuality != "actual":
            value = self._label("factuality", event.factuality)
            yield f"{next(self._new_attributes)}\t{FACTUALITY} {id} {value}"
        yield from self._note(id, scores)

    def _span(self, id: str, label: str, start: int, end: int) -> str:
        text = self._document.text
        edges = [(start, start)]
        edges += [
            (start + match.start(), start + match.end()) for match in _LINE_BREAKS.finditer(text[start:end])
        ]
        edges.append((end, end))
        parts = [(left, right) for (_, left), (right, _) in pairwise(edges)]
        if any(left == right for left, right in parts):
            parts = [(start, end)]  # it begins or ends at a line break, where brat allows no part to be
        offsets = ";".join(f"{left} {right}" for left, right in parts)
        copy = " ".join(_SPACE.sub(" ", text[left:right]) for left, right in parts)
        return f"{id}\t{label} {offsets}\t{copy}"

    def _note(self, id: str, scores: Mapping[str, float | None]) -> Iterator[str]:
        known = [f"{name}={score!r}" for name, score in scores.items() if score is not None]
        if known:
            yield f"{next(self._new_notes)}\tAnnotatorNotes {id}\t{' '.join(known)}"

    def _label(self, kind: str, label: str) -> str:
        """Return a label as brat can spell it, and remember it for the configuration."""
        spelled = _NOT_IN_A_LABEL.sub("_", label) or "_"
        # A number behind a role is brat's own, and this one label is ours.
        if (kind == "roles" and spelled[-1].isdigit()) or (kind == "entities" and spelled == PLAIN_ARGUMENT):
            spelled += "_"
        self._losses[SPELLING] += spelled != label
        self._labels[kind].setdefault(spelled)
        return spelled

    def _own_ids(self, ids: Sequence[str], letter: str, loss: str) -> dict[str, str]:
        kept = {id for id in ids if re.fullmatch(letter + _OWN_NUMBER, id)}
        free = (id for number in count(1) if (id := f"{letter}{number}") not in kept)
        self._losses[loss] += len(ids) - len(kept)
        return {id: id if id in kept else next(free) for id in ids}


def _find_texts(path: Path) -> dict[str, Path]:
    """Return the text files of a folder by their path in it without suffix."""
    if not path.is_dir():
        expected = f"{path}: expected a folder of .txt and .ann files, found"
        if path.exists():
            raise InputError(f"{expected} a file; give the folder that it is in")
        raise MissingFileError(f"{expected} none; check the path")
    files = [
        file
        for file in sorted(path.rglob("*"))
        if file.is_file() and not any(part.startswith(".") for part in file.relative_to(path).parts)
    ]
    texts = {
        file.relative_to(path).with_suffix("").as_posix(): file for file in files if file.suffix == ".txt"
    }
    alone = [file for file in files if file.suffix == ".ann" and not file.with_suffix(".txt").exists()]
    if alone:
        raise CorpusError(
            _list([f"{file}: expected its text in {file.stem}.txt, found no such file" for file in alone])
        )
    if not texts:
        raise InputError(f"{path}: expected .txt and .ann files, found none; check the path")
    return texts


def _read_facts(path: Path) -> dict[str, dict[str, Any]]:
    """Return what `documents.jsonl` says of the documents, by the name of their files; nothing without it."""
    file = path / _DOCUMENT_FACTS
    if not file.exists():
        return {}
    facts: dict[str, dict[str, Any]] = {}
    lines = decode(read_file(file, "facts on the documents"), str(file)).split("\n")
    for number, line in enumerate(lines, start=1):
        if line.strip():
            where = f"{file}:{number}"
            record = json_of(line, where)
            try:
                name = take(record, "file", str, (where,))
            except DocumentError as error:
                raise CorpusError(str(error)) from error
            if name in facts:
                raise CorpusError(f"{where}: expected every file once, found {quote(name)} twice; remove one")
            facts[name] = {key: value for key, value in record.items() if key != "file"}
    return facts


def _read_document(text: Path, name: str, facts: Mapping[str, Any] | None, notices: Counter[str]) -> Document:
    annotation = text.with_suffix(".ann")
    lines = decode(read_file(annotation, "an .ann file"), str(annotation)) if annotation.exists() else ""
    known = {"id": name} if facts is None else facts
    return parse_document(
        decode(read_file(text, "a text"), str(text)), lines, known, where=str(annotation), notices=notices
    )


def _list(problems: Sequence[str]) -> str:
    """Return one message for all problems of a folder, a line for each, the first of them at length."""
    if len(problems) == 1:
        return problems[0]
    lines = [f"({number}) {problem}" for number, problem in enumerate(problems[:_MOST_PROBLEMS], start=1)]
    rest = len(problems) - _MOST_PROBLEMS
    return "\n".join([*lines, *([f"and {rest} more"] if rest > 0 else [])])


def _known_labels() -> dict[str, dict[str, None]]:
    ontology = load_ontology()
    return {
        "entities": dict.fromkeys(ontology.entity_labels),
        "events": dict.fromkeys(ontology.event_labels),
        "roles": dict.fromkeys(ontology.role_labels),
        "factuality": dict.fromkeys(ontology.factuality_labels),
    }


def _configuration(labels: Mapping[str, Iterable[str]]) -> str:
    """Return the text of an `annotation.conf`: any event may have any role, as in the guideline."""
    roles = ", ".join(f"{role}*:<ENTITY>" for role in labels["roles"])
    values = "|".join(labels["factuality"])
    lines = [
        *("[entities]", *labels["entities"], PLAIN_ARGUMENT, ""),
        *("[relations]", ""),
        *("[events]", *(f"{event}\t{roles}" for event in labels["events"]), ""),
        *("[attributes]", f"{FACTUALITY}\tArg:<EVENT>, Value:{values}"),
    ]
    return "\n".join(lines) + "\n"
