"""Newly annotated articles, checked as a whole before any time is spent on training.

In: files of documents, an ontology, and what may not be among them. Out: documents; or one error that lists
everything that is wrong, file by file and line by line, so that it can be corrected in one go. Where a model
has read the documents, out come the classes on which it and the annotation disagree as a whole.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from libyaevents.assemble import Labels
from libyaevents.documents import Document
from libyaevents.errors import CorpusError, LabelError, LibyaeventsError
from libyaevents.formats.jsonl import read_each
from libyaevents.ontology import Ontology
from libyaevents.records import quote, suggest
from libyaevents.training.corpus import text_hash, unique
from libyaevents.training.probe import Figure, spans_of

__all__ = ["find_contradictions", "read_added"]

FEWEST_CONTRADICTIONS = 5  # different words of a class; fewer are the ordinary errors of a model
NOT_ANNOTATED = "not annotated"
MOST_LISTED = 20  # errors; what is wrong with the rest can be seen after these are corrected


class _Line(NamedTuple):
    """A document with the place where it stands, as in `new.jsonl:12`."""

    where: str
    document: Document


def read_added(paths: Sequence[str], ontology: Ontology, *, probe: Sequence[Document] = ()) -> list[Document]:
    """Read files of annotated documents, each text once.

    Raises:
        InputError: a file cannot be opened.
        CorpusError: lines are wrong; texts of the probe, or different texts with one id, are among them; or
            nothing is annotated.
        LabelError: labels are unknown, which is all that is wrong.
    """
    lines: list[_Line] = []
    problems: list[str] = []
    for path in paths:
        for number, result in read_each(Path(path)):
            if isinstance(result, LibyaeventsError):
                problems.append(str(result))
            else:
                lines.append(_Line(f"{path}:{number}", result))
    problems += _in_probe(lines, probe)
    problems += _shared_ids(lines)
    unknown = list(_unknown_labels(lines, ontology))
    if problems or unknown:
        raise (CorpusError if problems else LabelError)(_listed([*problems, *unknown]))
    documents = unique([line.document for line in lines])
    if not any(document.entities or document.events for document in documents):
        raise CorpusError(
            f"{', '.join(paths)}: expected annotated documents, found no entity and no event in "
            f"{len(documents)}"
        )
    return documents


def find_contradictions(annotated: Sequence[Document], read: Sequence[Document], known: Labels) -> list[str]:
    """Say which classes the annotation leaves out, or calls by another name, throughout.

    Such a file is mostly a mistake (a type was not annotated, two labels were swapped), and a probe may be
    too small to show what is learnt from it. Different words are counted, not mentions: a name that the model
    does not know may come many times.

    Args:
        annotated: the documents with their annotation.
        read: the same documents as the model that is to be trained reads them.
        known: the labels of that model; a label that is new to it is no contradiction.
    """
    annotated_classes = {span.figure for gold in annotated for span in spans_of(gold)}
    called: dict[Figure, dict[str, str]] = {}
    for gold, found in zip(annotated, read, strict=True):
        # The last item of a key is the label; what stands before it is what has the label.
        labels = {(span.figure.kind, span.key[:-1]): span.figure.name for span in spans_of(gold)}
        for span in spans_of(found):
            words = gold.text[span.start : span.end]
            label = labels.get((span.figure.kind, span.key[:-1]), NOT_ANNOTATED)
            called.setdefault(span.figure, {})[words] = label
    return [
        f"of {len(names)} words read as {figure.name}, {n} are {label}"
        for figure, names in sorted(called.items())
        for label, n in Counter(names.values()).items()
        if n >= FEWEST_CONTRADICTIONS
        and 2 * n > len(names)
        and (figure not in annotated_classes if label == NOT_ANNOTATED else label != figure.name)
        and label in (NOT_ANNOTATED, *known.entities, *known.events, *known.roles)
    ]


def _in_probe(lines: Sequence[_Line], probe: Sequence[Document]) -> Iterator[str]:
    names = {text_hash(document): document.id for document in probe}
    for line in lines:
        key = text_hash(line.document)
        if key in names:
            yield (
                f"{line.where}: expected a text that is not in the probe, found that of its document "
                f"{names[key]!r}: what is trained on cannot show what was lost; take it out, or give another "
                "--probe"
            )


def _shared_ids(lines: Sequence[_Line]) -> Iterator[str]:
    """Ids that two texts share; within one file the reader has found them already."""
    first: dict[str, _Line] = {}
    for line in lines:
        if line.document.id is None:
            continue
        other = first.setdefault(line.document.id, line)
        if other.document.text != line.document.text:
            yield (
                f"{line.where}: expected a document id of its own, found {line.document.id!r}, which "
                f"{other.where} has already; rename one"
            )


def _unknown_labels(lines: Sequence[_Line], ontology: Ontology) -> Iterator[str]:
    """Each unknown label once, with its number and where it stands first."""
    kinds = {
        "entity type": ontology.entity_labels,
        "event type": ontology.event_labels,
        "role": ontology.role_labels,
        "factuality": ontology.factuality_labels,
    }
    places: dict[tuple[str, str], list[str]] = {}
    for line in lines:
        for kind, label in _labels(line.document):
            if label not in kinds[kind]:
                places.setdefault((kind, label), []).append(line.where)
    for (kind, label), found in places.items():
        yield (
            f"{found[0]}: unknown {kind} {quote(label)} ({len(found)} of them); "
            f"{suggest(label, kinds[kind])}; to teach the model a new one, copy its ontology.json, describe "
            "the label there, and give the copy with --ontology"
        )


def _labels(document: Document) -> Iterator[tuple[str, str]]:
    for entity in document.entities:
        yield "entity type", entity.label
    for event in document.events:
        yield "event type", event.type
        yield "factuality", event.factuality
        for argument in event.arguments:
            yield "role", argument.role


def _listed(problems: Sequence[str]) -> str:
    """One message of all problems, which says that nothing was done yet."""
    if len(problems) == 1:
        return problems[0]
    shown = [f"({number}) {problem}" for number, problem in enumerate(problems[:MOST_LISTED], start=1)]
    more = f" and {len(problems) - MOST_LISTED} more" if len(problems) > MOST_LISTED else ""
    return f"{len(problems)} errors, nothing was trained: {' '.join(shown)}{more}"
