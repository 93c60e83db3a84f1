"""What table and page both show of a document: its facts, and its entity texts by label."""

from collections import Counter, defaultdict

from libyaevents.documents import Argument, Document

__all__ = ["ACTUAL", "facts_of", "is_source", "texts_by_label", "with_score"]

ACTUAL = "actual"
_SOURCE = "Source"


def facts_of(document: Document) -> list[tuple[str, str]]:
    """Return the names and values of what is known of the document itself."""
    facts = [(name, getattr(document, name)) for name in ("title", "published", "source", "url", "id")]
    return [(name, str(value)) for name, value in (*facts, *document.metadata.items()) if value]


def texts_by_label(document: Document) -> list[tuple[str, Counter[str]]]:
    """Return how often each entity text occurs, by label, the commonest label first."""
    texts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for entity in document.entities:
        texts[entity.label][entity.text] += 1
    return sorted(texts.items(), key=lambda item: -item[1].total())


def is_source(argument: Argument) -> bool:
    """Return whether an argument says who tells of the event."""
    return argument.role == _SOURCE


def with_score(label: str, score: float | None) -> str:
    """Return a label with its probability, where there is one."""
    return label if score is None else f"{label} {100 * score:.0f}%"
