"""The table of actors: a CSV file comes in, lookup by name, kind of mention and day goes out.

A row is an actor: `id`, `name`, `name_ar`, `aliases` (`|` between them), `kind` (ACLED's inter code),
`sector` (PLOVER), `code`, `side`, `parent`, `country`, `valid_from`, `valid_to` (last day; empty is open).
A row without `kind` is a person and has its parent's kind, code and side. An alias may carry days of its own
(`حكومة طرابلس@2016-03-30..2021-03-15`); one behind `~` is a place as well (`~أنقرة`). Aliases are compared
as `name_key` writes them, and on no day may one alias name two actors.
"""

from __future__ import annotations

import csv
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from functools import cache, cached_property
from importlib.resources import files
from io import StringIO
from pathlib import Path
from typing import NamedTuple, NoReturn

from libyaevents.documents import Actor
from libyaevents.enrich.actor_spelling import SpellingIndex
from libyaevents.enrich.arabic import fold
from libyaevents.errors import CorpusError, InputError, MissingFileError
from libyaevents.records import quote

__all__ = ["ActorTable", "Naming", "Period", "load_actors", "name_key"]

_COLUMNS = (
    *("id", "name", "name_ar", "aliases", "kind", "sector", "code", "side", "parent", "country"),
    *("valid_from", "valid_to"),
)
_KINDS = frozenset("12345678")
_SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_BETWEEN_WORDS = re.compile(r"(?:[^\w+]|_)+")
_PLACE_MARK, _PERIOD_MARK, _PERIOD_DASH = "~", "@", ".."


class Period(NamedTuple):
    """Days from `first` to `last`, both included."""

    first: date = date.min
    last: date = date.max

    def overlaps(self, other: Period) -> bool:
        """Return whether the two share a day."""
        return self.first <= other.last and other.first <= self.last


@dataclass(frozen=True, slots=True, kw_only=True)
class Naming:
    """One name of one actor; `is_dated`: on days of its own; `is_place`: it names a place too."""

    key: str
    actor: Actor
    parent: str | None
    sector: str
    period: Period
    is_person: bool
    is_dated: bool
    is_place: bool


class ActorTable:
    """Actors by id and by name; `read` makes one from a file, `load_actors` gives the packaged one."""

    def __init__(self, actors: Mapping[str, Actor], namings: Mapping[str, tuple[Naming, ...]]) -> None:
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
        return _parse_table(text, str(path), base)

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
        return any(naming.is_person is is_person for naming in self.namings.get(key, ()))

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
    return _parse_table(text, name, None)


def name_key(text: str) -> str:
    """Return a name as names are compared: folded words, one space between them, without punctuation.

    ميليشيا and مليشيا are one, and so are عبد الجليل and عبدالجليل.
    """
    folded = _BETWEEN_WORDS.sub(" ", fold(text).casefold()).strip()
    return folded.replace("ميليش", "مليش").replace("عبد ال", "عبدال")


class _Row(NamedTuple):
    """A line of the file, its cells by column."""

    where: str
    cells: dict[str, str]

    @property
    def is_person(self) -> bool:
        return not self.cells["kind"]


def _parse_table(text: str, name: str, base: ActorTable | None) -> ActorTable:
    base = base or ActorTable({}, {})
    rows: dict[str, _Row] = {}
    for row in _read_rows(text, name):
        _check_row(row)
        known = rows.get(row.cells["id"])
        if known or row.cells["id"] in base.actors:
            place = known.where if known else "the table it is added to"
            _fail(row, "id", "an id of its own", row.cells["id"], f"{place} has it already")
        rows[row.cells["id"]] = row
    actors = dict(base.actors)
    for row in rows.values():
        _add_actor(row, rows, actors)
    own = _index(rows.values(), actors)
    for key, namings in own.items():
        sorts = {naming.is_person for naming in namings}
        own[key] = (*namings, *(old for old in base.namings.get(key, ()) if old.is_person not in sorts))
    return ActorTable(actors, {**base.namings, **own})


def _read_rows(text: str, name: str) -> Iterator[_Row]:
    reader = csv.reader(StringIO(text, newline=""), strict=True)
    lines = _lines(reader, name)
    where, header = next(lines, (f"{name}:1", []))
    missing = [column for column in _COLUMNS if column not in header]
    if missing or len(header) != len(_COLUMNS):
        raise CorpusError(
            f"{where}: expected the columns {', '.join(_COLUMNS)}, each once, found {quote(header)}; "
            + (f"add {', '.join(missing)}" if missing else "take the others out")
        )
    for where, cells in lines:
        if len(cells) != len(header):
            raise CorpusError(
                f"{where}: expected {len(header)} cells, found {len(cells)}; quote a cell that holds a comma"
            )
        stripped = (cell.strip() for cell in cells)
        yield _Row(where, dict(zip(header, stripped, strict=True)))


def _lines(reader: Iterator[list[str]], name: str) -> Iterator[tuple[str, list[str]]]:
    """Yield each line that is not empty, with its place in the file."""
    number = 0
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise CorpusError(f"{name}:{number + 1}: expected a line of CSV, found {error}") from error
        number = getattr(reader, "line_num", number + 1)
        if cells:
            yield f"{name}:{number}", cells


def _check_row(row: _Row) -> None:
    cells = row.cells
    if not _SLUG.fullmatch(cells["id"]):
        _fail(row, "id", "lower-case ASCII letters, digits and single hyphens", cells["id"])
    if not cells["name"]:
        _fail(row, "name", "the actor's name in English", cells["name"])
    if cells["kind"] and cells["kind"] not in _KINDS:
        _fail(row, "kind", "an inter code from 1 to 8, or nothing for a person", cells["kind"])
    if row.is_person and not cells["parent"]:
        _fail(row, "parent", "the id of the person's side", cells["parent"], "or give the row a kind")
    _read_period(row, "valid_from", cells["valid_from"], cells["valid_to"])


def _read_period(row: _Row, column: str, first: str, last: str) -> Period:
    days = []
    for value, default in ((first, date.min), (last, date.max)):
        try:
            # The plain form only: date.fromisoformat also reads 20160330 and 2016-W13-3.
            days.append(date.fromisoformat(value if _DAY.fullmatch(value) else "-") if value else default)
        except ValueError:
            _fail(row, column, "a day as 2016-03-30, or nothing", value)
    if days[0] > days[1]:
        _fail(row, column, "a first day before the last", f"{first} to {last}", "swap them")
    return Period(*days)


def _add_actor(row: _Row, rows: Mapping[str, _Row], actors: dict[str, Actor]) -> None:
    """Add the actor of a row to `actors`, its parents before it."""
    chain = [row]
    while (parent := chain[-1].cells["parent"]) and parent not in actors:
        if parent not in rows:
            close = get_close_matches(parent, [*rows, *actors], n=1)
            advice = f"did you mean {close[0]!r}?" if close else "add a row with that id"
            _fail(chain[-1], "parent", "the id of another row", parent, advice)
        chain.append(rows[parent])
        if len({link.cells["id"] for link in chain}) < len(chain):
            _fail(row, "parent", "parents that end", parent, "two rows are each other's parent")
    for link in reversed(chain):
        actors.setdefault(link.cells["id"], _make_actor(link, actors.get(link.cells["parent"])))


def _make_actor(row: _Row, parent: Actor | None) -> Actor:
    cells = row.cells
    period = _read_period(row, "valid_from", cells["valid_from"], cells["valid_to"])
    kind, code = (parent.kind, parent.code) if row.is_person and parent else (None, None)
    return Actor(
        id=cells["id"],
        name=cells["name"],
        kind=cells["kind"] or kind,
        code=cells["code"] or code,
        side=cells["side"] or (parent and parent.side) or cells["id"],
        valid_from=None if period.first == date.min else period.first,
        valid_to=None if period.last == date.max else period.last,
    )


def _index(rows: Iterable[_Row], actors: Mapping[str, Actor]) -> dict[str, tuple[Naming, ...]]:
    """Return the namings of each key.

    Raises:
        CorpusError: A key names two actors of the same sort on one day.
    """
    namings: defaultdict[str, list[tuple[Naming, _Row]]] = defaultdict(list)
    for row in rows:
        for alias in dict.fromkeys((row.cells["name_ar"], *row.cells["aliases"].split("|"))):
            if not alias.strip() and alias is not row.cells["name_ar"]:
                continue
            naming = _read_alias(row, alias, actors[row.cells["id"]])
            for other, place in namings[naming.key]:
                _check_overlap(row, alias, naming, other, place)
            namings[naming.key].append((naming, row))
    return {key: tuple(naming for naming, _ in pairs) for key, pairs in namings.items()}


def _read_alias(row: _Row, alias: str, actor: Actor) -> Naming:
    name, at, days = alias.partition(_PERIOD_MARK)
    key = name_key(name)
    if not key:
        _fail(row, "aliases" if alias != row.cells["name_ar"] else "name_ar", "a name with letters", alias)
    first, dash, last = days.partition(_PERIOD_DASH)
    if at and not dash:
        _fail(row, "aliases", "days as @2016-03-30..2021-03-15", alias)
    if not at:
        first, last = row.cells["valid_from"], row.cells["valid_to"]
    return Naming(
        key=key,
        actor=actor,
        parent=row.cells["parent"] or None,
        sector=row.cells["sector"],
        period=_read_period(row, "aliases", first, last),
        is_person=row.is_person,
        is_dated=bool(at),
        is_place=name.strip().startswith(_PLACE_MARK),
    )


def _check_overlap(row: _Row, alias: str, naming: Naming, other: Naming, place: _Row) -> None:
    same_sort = naming.is_person is other.is_person and naming.actor.id != other.actor.id
    if same_sort and naming.period.overlaps(other.period):
        shared = f"{max(naming.period.first, other.period.first)}"
        advice = (
            f"{place.where} gives it to {quote(other.actor.id)} on {shared} too; give one of them other days"
        )
        _fail(row, "aliases", "a name that one actor bears on a day", alias, advice)


def _fail(row: _Row, column: str, expected: str, found: str, advice: str = "") -> NoReturn:
    message = f"{row.where}: {column}: expected {expected}, found {quote(found)}"
    raise CorpusError(f"{message}; {advice}" if advice else message)
