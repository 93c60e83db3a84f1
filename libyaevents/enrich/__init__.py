"""Enrichers: pure functions from a document to a copy whose mentions say when, where, who and how many.

    document = enrich(annotated)  # what `extract` has done to what it returns

Each works offline, fills fields that are still empty, and leaves spans, labels and text as they are.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from libyaevents.documents import Document
from libyaevents.enrich.actor_table import ActorTable, load_actors
from libyaevents.enrich.actors import resolve_actors
from libyaevents.enrich.casualties import count_casualties
from libyaevents.enrich.claims import resolve_claims
from libyaevents.enrich.cores import find_cores
from libyaevents.enrich.places import resolve_places
from libyaevents.enrich.time import resolve_times
from libyaevents.errors import ConfigError
from libyaevents.records import quote, suggest

__all__ = ["ENRICHERS", "ActorTable", "enrich", "read_actors"]

# By name, in the order in which they build on each other.
ENRICHERS: Mapping[str, Callable[[Document], Document]] = {
    "cores": find_cores,
    "times": resolve_times,
    "places": resolve_places,
    "actors": resolve_actors,
    "claims": resolve_claims,
    "casualties": count_casualties,
}


def enrich(
    document: Document, *, only: Sequence[str] = tuple(ENRICHERS), actors: ActorTable | None = None
) -> Document:
    """Resolve cores, times, places, actors, claims and casualties, in this order.

    Args:
        document: with entities and events, of a model or of an annotator.
        only: the names of the enrichers to run.
        actors: a table in place of the packaged one.

    Raises:
        ConfigError: there is no enricher of that name.
    """
    for name in only:
        if name not in ENRICHERS:
            raise ConfigError(f"expected an enricher, found {quote(name)}; {suggest(name, ENRICHERS)}")
    for name, enricher in ENRICHERS.items():
        if name in only:
            document = resolve_actors(document, table=actors) if name == "actors" else enricher(document)
    return document


def read_actors(path: str | Path) -> ActorTable:
    """Return the packaged table of actors with the rows of a file added; see docs/actors.md.

    Raises:
        MissingFileError, InputError: there is no such file, or it cannot be read.
        CorpusError: a row is wrong; the message names line and column.
    """
    return ActorTable.read(path, base=load_actors())
