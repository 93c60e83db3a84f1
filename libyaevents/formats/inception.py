"""Documents as INCEpTION imports and exports them: UIMA CAS as XMI, with a TypeSystem.xml, and back.

Entities are the built-in layer Named entity, by its `value`. Events are Semantic predicates: `category` is
their type, `arguments` are links to Semantic arguments by role, and `factuality` is a string feature that
INCEpTION has where it is added to the layer. Words and sentences are its own. Id and title are document
metadata; date, source, address and the document's own metadata are fields of it (`MetaDataStringField`).

Source: https://inception-project.github.io/releases/35.0/docs/user-guide.html and
https://dkpro.github.io/dkpro-core/releases/2.2.0/docs/typesystem-reference.html
"""

import logging
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from libyaevents.documents import Document, Entity, Event
from libyaevents.errors import CorpusError, DocumentError
from libyaevents.formats.losses import ENRICHMENTS, SCORES, Losses, leave_out, say_counts
from libyaevents.formats.names import file_stem, free_name
from libyaevents.formats.xmi import (
    TYPE_SYSTEM,
    XmiFile,
    find_xmi_files,
    import_cassis,
    load_cas,
    load_dkpro_types,
    load_type_system,
)
from libyaevents.words import split_words

__all__ = ["read_inception", "write_inception"]

_DKPRO = "de.tudarmstadt.ukp.dkpro.core.api."
_METADATA = _DKPRO + "metadata.type.DocumentMetaData"
_FIELD = _DKPRO + "metadata.type.MetaDataStringField"
_SENTENCE, _WORD = _DKPRO + "segmentation.type.Sentence", _DKPRO + "segmentation.type.Token"
_ENTITY = _DKPRO + "ner.type.NamedEntity"
_PREDICATE = _DKPRO + "semantics.type.SemPred"
_ARGUMENT, _LINK = _DKPRO + "semantics.type.SemArg", _DKPRO + "semantics.type.SemArgLink"
_FACTUALITY = "factuality"
# What belongs to no layer: metadata, words, tag sets, settings of the tool.
_NO_LAYER = (
    "uima.",
    _DKPRO + "metadata.",
    _DKPRO + "segmentation.",
    "de.tudarmstadt.ukp.clarin.webanno.api.",
)

# Facts of a document that are fields; keys of its own metadata that would be taken for one get a prefix.
_FACTS = ("published", "source", "url")
_OWN = "metadata:"

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

_CONTROL = "control character"
_LINKED = "link of an argument to an entity"
_ENTITY_ID, _EVENT_ID = "id of an entity", "id of an event"

_log = logging.getLogger(__name__)


def read_inception(path: Path) -> Iterator[Document]:
    """Yield the documents of an .xmi file beside its TypeSystem.xml, of a folder of them, or of a .zip.

    A document without an id is called as its file. An argument that covers an entity is linked to it. The log
    counts what has no place in a document, other layers above all.

    Raises:
        InputError: The path cannot be opened or holds no .xmi; `MissingFileError` where there is nothing.
        CorpusError: A file is malformed, has a DOCTYPE or several texts, lacks its type system, or has the id
            of another.
        MissingExtraError: dkpro-cassis is not installed.
    """
    import_cassis()
    unread: Counter[str] = Counter()
    files: dict[str | None, str] = {}
    type_systems: dict[bytes, Any] = {}
    for file in find_xmi_files(path):
        if file.type_system not in type_systems:  # most often it is the same for all
            type_systems = {file.type_system: load_type_system(file)}
        document = _read_cas(load_cas(file, type_systems[file.type_system]), file, unread)
        if (other := files.setdefault(document.id, file.where)) != file.where:
            found = f"found {document.id!r}, which {other} has"
            advice = "leave out one of the two, as where two people annotated one document"
            raise CorpusError(f"{file.where}: expected a document id of its own, {found}; {advice}")
        yield document
    if unread:
        _log.warning("%s: not read: %s", path, say_counts(unread))


def write_inception(documents: Iterable[Document], folder: Path) -> Losses:
    """Write documents into an empty folder, an .xmi each, and their TypeSystem.xml.

    Raises:
        MissingExtraError: dkpro-cassis is not installed.
    """
    cassis, types = import_cassis(), _type_system()
    losses: Losses = Losses()
    taken: dict[str, int] = {}
    for document in documents:
        kept = _keep(document, losses)
        cas = cassis.Cas(typesystem=types)
        cas.sofa_string, cas.sofa_mime = kept.text, "text"
        _add_document(cas, kept)
        _add_annotation(cas, kept)
        cas.to_xmi(folder / f"{free_name(file_stem(document.id), taken)}.xmi")
    types.to_xml(folder / TYPE_SYSTEM)
    return losses


# Writing


def _type_system() -> Any:
    """Return the types of DKPro Core with the two things that cassis' copy of them lacks."""
    types = load_dkpro_types()
    if not types.contains_type(_METADATA):
        metadata = types.create_type(_METADATA, supertypeName="uima.tcas.DocumentAnnotation")
        for name in ("documentTitle", "documentId", "documentUri", "collectionId", "documentBaseUri"):
            types.create_feature(metadata, name=name, rangeType="uima.cas.String")
        types.create_feature(metadata, name="isLastSegment", rangeType="uima.cas.Boolean")
    types.create_feature(types.get_type(_PREDICATE), name=_FACTUALITY, rangeType="uima.cas.String")
    return types


def _keep(document: Document, losses: Losses) -> Document:
    """Return the document without what the format cannot hold, which is counted."""
    reduced, lost = leave_out(document, (*ENRICHMENTS, *SCORES))
    losses += lost
    entity_of = _entity_of_span(reduced.entities)
    losses[_ENTITY_ID] += _count_odd_ids("T", reduced.entities)
    losses[_EVENT_ID] += _count_odd_ids("E", reduced.events)
    losses[_LINKED] += sum(
        argument.entity_id != entity_of.get((argument.start, argument.end))
        for event in reduced.events
        for argument in event.arguments
    )
    reduced = Document.from_dict(_without_controls(reduced.to_dict(), losses))
    for name in [name for name, number in losses.items() if not number]:
        del losses[name]
    return reduced


def _count_odd_ids(letter: str, items: Iterable[Entity | Event]) -> int:
    """Count the ids that are not T1, T2 … or E1, E2 …, which reading gives."""
    return sum(item.id != f"{letter}{number}" for number, item in enumerate(items, start=1))


def _without_controls(value: Any, losses: Losses) -> Any:
    """Return JSON with what XML 1.0 forbids as U+FFFD in its strings, so that all offsets stay."""
    if isinstance(value, str):
        replaced, number = _NOT_XML.subn("\ufffd", value)
        losses[_CONTROL] += number
        return replaced
    if isinstance(value, list):
        return [_without_controls(item, losses) for item in value]
    if isinstance(value, dict):
        pairs = [(_without_controls(key, losses), item) for key, item in value.items()]
        return {key: _without_controls(item, losses) for key, item in pairs}
    return value


def _add_document(cas: Any, document: Document) -> None:
    facts = {"documentId": document.id, "documentTitle": document.title}
    given = {name: value for name, value in facts.items() if value is not None}
    _add(cas, _METADATA, (0, len(document.text)), language="ar", **given)
    for name in _FACTS:
        if (value := getattr(document, name)) is not None:
            _add(cas, _FIELD, (0, 0), key=name, value=str(value))
    for key, value in document.metadata.items():
        own_key = _OWN + key if key in _FACTS or key.startswith(_OWN) else key
        _add(cas, _FIELD, (0, 0), key=own_key, value=value)


def _add_annotation(cas: Any, document: Document) -> None:
    for span in split_words(document.text):
        _add(cas, _WORD, span)
    for span in document.sentences:
        _add(cas, _SENTENCE, span)
    for entity in document.entities:
        _add(cas, _ENTITY, (entity.start, entity.end), value=entity.label)
    spans = {(item.start, item.end): None for event in document.events for item in event.arguments}
    arguments = {span: _add(cas, _ARGUMENT, span) for span in spans}
    link, array = cas.typesystem.get_type(_LINK), cas.typesystem.get_type("uima.cas.FSArray")
    for event in document.events:
        links = [link(role=item.role, target=arguments[item.start, item.end]) for item in event.arguments]
        features = {"category": event.type, _FACTUALITY: event.factuality, "arguments": array(elements=links)}
        _add(cas, _PREDICATE, (event.trigger.start, event.trigger.end), **features)


def _add(cas: Any, name: str, span: tuple[int, int], **features: Any) -> Any:
    begin, end = span
    annotation = cas.typesystem.get_type(name)(begin=begin, end=end, **features)
    cas.add(annotation)
    return annotation


# Reading


def _read_cas(cas: Any, file: XmiFile, unread: Counter[str]) -> Document:
    texts = [sofa for sofa in cas.sofas if sofa.sofaString is not None]
    if len(texts) != 1:
        names = ", ".join(repr(sofa.sofaID) for sofa in texts) or "none"
        raise CorpusError(f"{file.where}: expected one text (sofa), found {len(texts)}: {names}")
    view = cas.get_view(texts[0].sofaID)
    _count_other_layers(view, unread)
    entities = _read_entities(view, unread)
    data = {
        **_read_facts(view, file.stem),
        "text": view.sofa_string,
        "sentences": [(item.begin, item.end) for item in _select(view, _SENTENCE) if item.begin < item.end],
        "entities": entities,
        "events": _read_events(view, entities, unread),
    }
    try:
        return Document.from_dict(data)
    except DocumentError as error:
        raise CorpusError(f"{file.where}: {error}") from error


def _select(view: Any, name: str) -> list[Any]:
    """Return the annotations of a type in the order in which they were written."""
    types = view.typesystem
    return sorted(view.select(name), key=lambda item: item.xmiID) if types.contains_type(name) else []


def _count_other_layers(view: Any, unread: Counter[str]) -> None:
    types = view.typesystem
    read = [name for name in (_ENTITY, _PREDICATE, _ARGUMENT, _LINK) if types.contains_type(name)]
    for item in view.select_all_fs():
        name = item.type.name
        if not name.startswith(_NO_LAYER) and not any(types.is_instance_of(name, own) for own in read):
            unread[f"layer {name}"] += 1


def _read_facts(view: Any, stem: str) -> dict[str, Any]:
    facts: dict[str, Any] = {"id": stem}
    for item in _select(view, _METADATA):
        facts |= {"id": item.documentId or stem, "title": item.documentTitle}
    fields = {item.key: item.value for item in _select(view, _FIELD) if item.key and item.value is not None}
    facts |= {name: fields.pop(name) for name in _FACTS if name in fields}
    return facts | {"metadata": {key.removeprefix(_OWN): value for key, value in fields.items()}}


def _read_entities(view: Any, unread: Counter[str]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for item in _select(view, _ENTITY):
        if _is_usable(item, "named entity", item.value, unread):
            found.append({"id": f"T{len(found) + 1}", "label": item.value, **_mention(view, item)})
    return found


def _read_events(
    view: Any, entities: Iterable[Mapping[str, Any]], unread: Counter[str]
) -> list[dict[str, Any]]:
    entity_of: dict[tuple[int, int], str] = {}
    for entity in entities:
        entity_of.setdefault((entity["start"], entity["end"]), entity["id"])
    indexed = {item.xmiID for item in _select(view, _ARGUMENT)}
    found: list[dict[str, Any]] = []
    for item in _select(view, _PREDICATE):
        if not _is_usable(item, "semantic predicate", item.category, unread):
            continue
        arguments = []
        for link in item.arguments.elements if item.arguments is not None else ():
            # Offsets of what is in no index are left in UTF-16 units by cassis; INCEpTION has no such thing.
            if link.target is None or link.target.xmiID not in indexed:
                unread["link without an argument"] += 1
            elif _is_usable(link.target, "semantic argument", link.role, unread):
                mention = _mention(view, link.target)
                entity_id = entity_of.get((mention["start"], mention["end"]))
                arguments.append({"role": link.role, "entity_id": entity_id, **mention})
        factuality = getattr(item, _FACTUALITY, None)
        found.append(
            {
                "id": f"E{len(found) + 1}",
                "type": item.category,
                "trigger": _mention(view, item),
                "arguments": arguments,
                **({_FACTUALITY: factuality} if factuality else {}),
            }
        )
    return found


def _is_usable(item: Any, kind: str, label: str | None, unread: Counter[str]) -> bool:
    """Say whether an annotation has a label and covers text; otherwise count it."""
    if label is None:
        unread[f"{kind} without a label"] += 1
    elif not item.begin < item.end:
        unread[f"{kind} that covers nothing"] += 1
    else:
        return True
    return False


def _mention(view: Any, item: Any) -> dict[str, Any]:
    return {"start": item.begin, "end": item.end, "text": view.sofa_string[item.begin : item.end]}


def _entity_of_span(entities: Iterable[Entity]) -> dict[tuple[int, int], str]:
    """Return the id of the first entity over each span."""
    found: dict[tuple[int, int], str] = {}
    for entity in entities:
        found.setdefault((entity.start, entity.end), entity.id)
    return found
