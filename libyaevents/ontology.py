"""The ontology: entity types, event types, roles and factuality values, read from one data file.

The order of the file is the order of the labels everywhere, and so of a model's output classes.

Source: the annotation guideline; the `sources` of the file name the codebooks that event types are mapped to.
"""

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256
from importlib.resources import files
from pathlib import Path

from libyaevents.errors import DocumentError, InputError, LabelError, MissingFileError
from libyaevents.records import OMIT_EMPTY, parse_json, quote, read_object, suggest, write_object

__all__ = ["EntityType", "EventType", "Factuality", "Ontology", "Role", "check_label", "load_ontology"]

ONTOLOGY_FORMAT = "libyaevents-ontology/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class EntityType:
    """A class of names, times or quantities."""

    name: str
    definition: str
    examples: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class EventType:
    """A class of events, with the codes that most of its events would have in other schemes.

    `ace` is an ACE 2005 type and subtype, `plover` a PLOVER event type and `plover_mode` its mode, `acled` an
    ACLED sub-event type. `None`: no code fits, or none fits most events; `note` tells of the others.
    """

    name: str
    family: str
    definition: str
    examples: tuple[str, ...] = ()
    typical_roles: tuple[str, ...] = ()
    ace: str | None = None
    plover: str | None = None
    plover_mode: str | None = None
    acled: str | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """What an argument is to its event; `everywhere` where any type of event may have it."""

    name: str
    definition: str
    examples: tuple[str, ...] = ()
    everywhere: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Factuality:
    """How an event stands to the facts, by the text."""

    name: str
    definition: str
    examples: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ontology:
    """All labels, in order; `sources` names the codebook edition behind each mapping.

    Raises:
        LabelError: A name is given twice, or a typical role is not a role.
    """

    version: str
    sources: Mapping[str, str] = field(default_factory=dict, metadata=OMIT_EMPTY)
    entity_types: tuple[EntityType, ...]
    event_types: tuple[EventType, ...]
    roles: tuple[Role, ...]
    factuality: tuple[Factuality, ...]

    def __post_init__(self) -> None:
        for labels in (self.entity_labels, self.event_labels, self.role_labels, self.factuality_labels):
            twice = next((label for label in labels if labels.count(label) > 1), None)
            if twice is not None:
                raise LabelError(f"ontology {self.version}: expected every name once, found {twice!r} twice")
        for event_type in self.event_types:
            for role in event_type.typical_roles:
                check_label(role, self.role_labels, f"ontology {self.version}: role of {event_type.name}")

    @property
    def entity_labels(self) -> tuple[str, ...]:
        """Names of the entity types, in order."""
        return _names(self.entity_types)

    @property
    def event_labels(self) -> tuple[str, ...]:
        """Names of the event types, in order."""
        return _names(self.event_types)

    @property
    def role_labels(self) -> tuple[str, ...]:
        """Names of the roles, in order."""
        return _names(self.roles)

    @property
    def factuality_labels(self) -> tuple[str, ...]:
        """Names of the factuality values, in order."""
        return _names(self.factuality)

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the four label lists: equal where a model's classes mean the same."""
        labels = [self.entity_labels, self.event_labels, self.role_labels, self.factuality_labels]
        return sha256(json.dumps(labels).encode()).hexdigest()

    def to_json(self) -> str:
        """Return the text of an ontology file."""
        return json.dumps(write_object(self, ONTOLOGY_FORMAT), ensure_ascii=False, indent=2) + "\n"

    @classmethod
    def from_json(cls, text: str) -> "Ontology":
        """Read the text of an ontology file.

        Raises:
            DocumentError: The text is not JSON, or has an unknown key or a wrong value.
            LabelError: The labels contradict each other.
        """
        return read_object(parse_json(text, "ontology"), cls, format_name=ONTOLOGY_FORMAT, kind="ontology")


def load_ontology(path: Path | None = None) -> Ontology:
    """Read an ontology file; without a path the packaged one, which is read once.

    Raises:
        InputError: The file cannot be read, or is not UTF-8; `MissingFileError` where there is none.
        DocumentError: The file is malformed.
        LabelError: Its labels contradict each other.
    """
    if path is None:
        return _packaged_ontology()
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise MissingFileError(f"{path}: expected an ontology file, found none; check the path") from error
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: expected an ontology file in UTF-8, found {error}") from error
    try:
        return Ontology.from_json(text)
    except (DocumentError, LabelError) as error:
        raise type(error)(f"{path}: {error}") from error


def check_label(label: str, known: Collection[str], where: str) -> None:
    """Refuse a label that is not known.

    Raises:
        LabelError: The message starts with `where` and lists the known labels.
    """
    if label not in known:
        raise LabelError(f"{where}: expected a known label, found {quote(label)}; {suggest(label, known)}")


@cache
def _packaged_ontology() -> Ontology:
    return Ontology.from_json(files("libyaevents").joinpath("data/ontology.json").read_text(encoding="utf-8"))


def _names(types: Iterable[EntityType | EventType | Role | Factuality]) -> tuple[str, ...]:
    return tuple(item.name for item in types)
