"""Documents as tasks of Label Studio, one JSON file, and back from its exports JSON and JSON-MIN.

An entity, a trigger and an argument that is no entity are regions of the controls `entity`, `event` and
`argument`; the factuality is a choice on the trigger's region, the roles are the labels of a relation from
it. What was found by a model, which its scores show, goes to `predictions`, the rest to `annotations`. Label
Studio counts code points, older releases UTF-16 code units: where the covered texts in an export show
that, offsets are converted.

Source: https://labelstud.io/guide/task_format
"""

import json
import logging
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import count
from pathlib import Path
from statistics import fmean
from typing import Any, BinaryIO
from xml.sax.saxutils import quoteattr

from libyaevents.documents import Argument, Document, Entity, Event, Trigger
from libyaevents.errors import CorpusError, DocumentError
from libyaevents.formats.labelstudio_tasks import ARGUMENT, ENTITY, EVENT, FACTS, FACTUALITY, TEXT, read_task
from libyaevents.formats.losses import ENRICHMENTS, OTHER_SPAN, PLAIN_ARGUMENT, Losses, leave_out, say_counts
from libyaevents.formats.offsets import decode, json_of, read_file
from libyaevents.ontology import Ontology, load_ontology

__all__ = ["labeling_config", "read_labelstudio", "write_labelstudio"]

_MODEL_VERSION = "libyaevents"

_logger = logging.getLogger(__name__)


def read_labelstudio(path: Path) -> Iterator[Document]:
    """Yield the documents of an export, in order; a task's own number is its id where its data has none.

    Of several annotations of a task the first that was not cancelled is read, of predictions the first, where
    there is no annotation. What has no place in a document is counted and logged.

    Raises:
        InputError: The file cannot be opened; `MissingFileError` where there is none.
        CorpusError: It is no JSON, or a task is malformed; the message starts with the file and the task.
    """
    text = decode(read_file(path, "a JSON file of Label Studio"), str(path)).removeprefix("\ufeff")
    tasks = json_of(text, str(path))
    if not isinstance(tasks, list):
        tasks = [tasks]
    if not tasks:
        raise CorpusError(f"{path}: expected a list of tasks, found none in it; export the project again")
    notices: Counter[str] = Counter()
    ontology = load_ontology()
    for number, task in enumerate(tasks):
        where = f"task {number}"
        try:
            yield read_task(task, (where,), ontology, notices)
        except DocumentError as error:
            raise CorpusError(f"{path}: {where}: {str(error).removeprefix(f'{where}: ')}") from error
    if +notices:
        _logger.warning("%s: %s", path, say_counts(+notices))


def write_labelstudio(documents: Iterable[Document], stream: BinaryIO) -> Losses:
    """Write documents as tasks to import, and return what Label Studio cannot hold."""
    losses: Losses = Counter()
    separator = "[\n"
    for document in documents:
        reduced, lost = leave_out(document, ENRICHMENTS)
        losses += lost
        stream.write((separator + json.dumps(_task(reduced, losses), ensure_ascii=False)).encode())
        separator = ",\n"
    stream.write(b"[]\n" if separator == "[\n" else b"\n]\n")
    return losses


def labeling_config(ontology: Ontology | None = None) -> str:
    """Return the labeling interface of a project for these tasks, as XML; the package's labels by default."""
    ontology = ontology or load_ontology()

    def values(tag: str, labels: Iterable[str]) -> str:
        return "".join(f"\n    <{tag} value={quoteattr(label)}/>" for label in labels)

    # A pair of regions has one relation, so one that is Agent and Source needs several labels.
    return f"""<View>
  <Style>.htx-text {{ white-space: pre-wrap; direction: rtl; text-align: right; }}</Style>
  <Labels name="{ENTITY}" toName="{TEXT}">{values("Label", ontology.entity_labels)}
  </Labels>
  <Labels name="{EVENT}" toName="{TEXT}">{values("Label", ontology.event_labels)}
  </Labels>
  <Labels name="{ARGUMENT}" toName="{TEXT}">{values("Label", [PLAIN_ARGUMENT])}
  </Labels>
  <Choices name="{FACTUALITY}" toName="{TEXT}" perRegion="true" whenTagName="{EVENT}" choice="single-radio">\
{values("Choice", ontology.factuality_labels)}
  </Choices>
  <Relations choice="multiple">{values("Relation", ontology.role_labels)}
  </Relations>
  <Text name="{TEXT}" value="${TEXT}"/>
</View>
"""


def _task(document: Document, losses: Losses) -> dict[str, Any]:
    facts = document.to_dict()
    data = {TEXT: document.text, **{name: facts[name] for name in FACTS if name in facts}}
    meta = {name: facts[name] for name in ("sentences", "metadata") if facts.get(name)}
    results = list(_Regions(document, losses).results())
    task: dict[str, Any] = {"data": data, **({"meta": meta} if meta else {})}
    scores = [result["score"] for result in results if "score" in result]
    if scores or any("scores" in result for result in results):
        score = {"score": fmean(scores)} if scores else {}
        task["predictions"] = [{"model_version": _MODEL_VERSION, **score, "result": results}]
    else:
        task["annotations"] = [{"result": results}]
    return task


class _Regions:
    """The regions and relations of one document, each region under an id of its own."""

    def __init__(self, document: Document, losses: Losses) -> None:
        self._document = document
        self._losses = losses
        self._entities = {entity.id: entity for entity in document.entities}
        taken = {*self._entities, *(event.id for event in document.events)}
        self._new_ids = (id for number in count(1) if (id := f"A{number}") not in taken)

    def results(self) -> Iterator[dict[str, Any]]:
        for entity in self._document.entities:
            yield _region(entity.id, ENTITY, "labels", entity.label, entity, entity.score)
        for event in self._document.events:
            yield from self._event(event)

    def _event(self, event: Event) -> Iterator[dict[str, Any]]:
        id = event.id
        if id in self._entities:
            id = next(self._new_ids)
            self._losses["id of an event"] += 1
        yield _region(id, EVENT, "labels", event.type, event.trigger, event.trigger.score)
        yield _region(id, FACTUALITY, "choices", event.factuality, event.trigger, event.score)
        roles: dict[str, dict[str, float | None]] = {}
        order = []
        for argument in event.arguments:
            target, region = self._target(argument)
            if region is not None:
                yield region
            labels = roles.setdefault(target, {})
            self._losses["argument given twice"] += argument.role in labels
            if argument.role not in labels:
                labels[argument.role] = argument.score
                order.append((target, argument.role))
        grouped = [(target, role) for target, labels in roles.items() for role in labels]
        self._losses["order of an event's arguments"] += grouped != order
        for target, labels in roles.items():
            yield _relation(id, target, labels)

    def _target(self, argument: Argument) -> tuple[str, dict[str, Any] | None]:
        """Return the id of the region that an argument fills, and that region where it is a new one."""
        entity = None if argument.entity_id is None else self._entities[argument.entity_id]
        if entity is not None and (entity.start, entity.end) == (argument.start, argument.end):
            return entity.id, None
        self._losses[OTHER_SPAN] += entity is not None
        id = next(self._new_ids)
        return id, _region(id, ARGUMENT, "labels", PLAIN_ARGUMENT, argument, None)


def _region(
    id: str, control: str, type: str, label: str, mention: Entity | Trigger | Argument, score: float | None
) -> dict[str, Any]:
    value = {"start": mention.start, "end": mention.end, "text": mention.text, type: [label]}
    region = {"id": id, "from_name": control, "to_name": TEXT, "type": type, "value": value}
    return region if score is None else {**region, "score": score}


def _relation(event: str, target: str, roles: Mapping[str, float | None]) -> dict[str, Any]:
    relation = {
        "type": "relation",
        "from_id": event,
        "to_id": target,
        "direction": "right",
        "labels": [*roles],
    }
    is_scored = any(score is not None for score in roles.values())
    return {**relation, "scores": [*roles.values()]} if is_scored else relation
