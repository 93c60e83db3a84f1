"""The table of actors: a CSV file comes in, lookup by name, kind of mention and day goes out.

`actor_rows` reads the file and says what a row is.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from functools import cache, cached_property
from importlib.resources import files
from pathlib import Path

from libyaevents.documents import Actor
from libyaevents.enrich.actor_rows import Naming, Namings, Period, read_rows
from libyaevents.enrich.actor_spelling import SpellingIndex
from libyaevents.errors import InputError, MissingFileError

__all__ = ["ActorTable", "load_actors"]


class ActorTable:
    """Actors by id and by name; `read` makes one from a file, `load_actors` gives the packaged one."""

    def __init__(self, actors: Mapping[str, Actor], namings: Namings) -> None:
        self.actors = actors
        self.namings = namings

    @classmethod
    def read(cls, path: Path | str, *, base: ActorTable | None = None) -> ActorTable:
        """Read a table; with `base` its actors are added to those, and its names go before theirs.

        Raises:
            InputError: The file cannot be read, or is not UTF-8; `MissingFileError` where there is none.
            CorpusError: A column is missing, an id is given twice, a date, kind or parent is wrong, or one
                alias names two actors on the same day; the message gives file and line.
        """
        try:
            text = Path(path).read_text(encoding="utf-8-sig")
        except FileNotFoundError as error:
            raise MissingFileError(f"{path}: expected an actor table, found none; check the path") from error
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"{path}: expected an actor table in UTF-8, found {error}") from error
        return _add_rows(text, str(path), base or ActorTable({}, {}))

    def find(self, key: str, *, is_person: bool, when: Period | None) -> Naming | None:
        """Return the one naming of that key on those days, else `None`; without days, the one there ever was.

        A name whose days are over still names its actor in a text that looks back, unless another actor has
        borne it or the name itself is dated. Before its first day it names nobody.
        """
        known = [naming for naming in self.namings.get(key, ()) if naming.is_person is is_person]
        current = [naming for naming in known if when is None or naming.period.overlaps(when)]
        found = current or [naming for naming in known if when and naming.period.last < when.first]
        bearers = {naming.actor.id for naming in (current or known)}
        if len(bearers) != 1 or not found or (not current and found[0].is_dated):
            return None
        return found[0]

    def knows(self, key: str, *, is_person: bool) -> bool:
        """Return whether the key names an actor on any day."""
        found = self.namings.get(key)
        return found is not None and any(naming.is_person is is_person for naming in found)

    def correct(self, key: str, *, is_person: bool) -> str | None:
        """Return the one name that is meant by a wrong spelling; `None` where two are near."""
        for found in self._spellings.near(key):
            near = {name for name in found if self.knows(name, is_person=is_person)}
            # Two names of one actor are no two candidates.
            bearers = {frozenset(naming.actor.id for naming in self.namings[name]) for name in near}
            if bearers:
                return min(near) if len(bearers) == 1 else None
        return None

    @cached_property
    def _spellings(self) -> SpellingIndex:
        return SpellingIndex(self.namings)

    def namings_of(self, actor: Actor) -> tuple[Naming, ...]:
        """Return every naming of an actor of the table."""
        return self._namings_by_actor.get(actor.id or "", ())

    @cached_property
    def _namings_by_actor(self) -> Mapping[str, tuple[Naming, ...]]:
        index: defaultdict[str, list[Naming]] = defaultdict(list)
        for namings in self.namings.values():
            for naming in namings:
                index[naming.actor.id or ""].append(naming)
        return {actor: tuple(namings) for actor, namings in index.items()}

    def children_of(self, actor: Actor) -> tuple[Actor, ...]:
        """Return the actors, persons aside, whose parent in the table it is."""
        return self._children.get(actor.id or "", ())

    def bodies_of_side(self, side: str | None) -> tuple[Actor, ...]:
        """Return the actors, persons aside, of a side."""
        return self._bodies_by_side.get(side or "", ())

    @cached_property
    def _bodies_by_side(self) -> Mapping[str, tuple[Actor, ...]]:
        index: defaultdict[str, dict[Actor, None]] = defaultdict(dict)
        for actor, namings in ((self.actors[id_], rows) for id_, rows in self._namings_by_actor.items()):
            if not namings[0].is_person:
                index[actor.side or ""][actor] = None
        return {side: tuple(actors) for side, actors in index.items()}

    @cached_property
    def _children(self) -> Mapping[str, tuple[Actor, ...]]:
        index: defaultdict[str, dict[Actor, None]] = defaultdict(dict)
        for namings in self.namings.values():
            for naming in namings:
                if naming.parent and not naming.is_person:
                    index[naming.parent][naming.actor] = None
        return {parent: tuple(actors) for parent, actors in index.items()}


@cache
def load_actors() -> ActorTable:
    """Return the packaged table, read once."""
    name = "libyaevents/data/actors.csv"
    text = files("libyaevents").joinpath("data/actors.csv").read_text(encoding="utf-8")
    return _add_rows(text, name, ActorTable({}, {}))


def _add_rows(text: str, name: str, base: ActorTable) -> ActorTable:
    """Return a table with the rows of a file added; their names go before those of the base."""
    actors, own = read_rows(text, name, base.actors)
    namings = {**base.namings, **own}
    for key in own.keys() & base.namings.keys():
        sorts = {naming.is_person for naming in own[key]}
        kept = (old for old in base.namings[key] if old.is_person not in sorts)
        namings[key] = (*own[key], *kept)
    return ActorTable(actors, namings)
