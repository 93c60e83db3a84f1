"""Read a table of actors: the text of a CSV file comes in, actors by id and namings by key go out.

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
from datetime import date
from difflib import get_close_matches
from io import StringIO
from typing import NamedTuple, NoReturn

from libyaevents.documents import Actor
from libyaevents.enrich.arabic import fold, remember
from libyaevents.errors import CorpusError
from libyaevents.records import quote

__all__ = ["Naming", "Namings", "Period", "name_key", "read_rows"]

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


class Naming(NamedTuple):
    """One name of one actor; `is_dated`: on days of its own; `is_place`: it names a place too."""

    key: str
    actor: Actor
    parent: str | None
    sector: str
    country: str
    period: Period
    is_person: bool
    is_dated: bool
    is_place: bool

    @property
    def is_generic(self) -> bool:
        """Whether it is a kind of people in any country: the police, civilians."""
        return self.sector == self.actor.code


Namings = Mapping[str, tuple[Naming, ...]]


@remember
def name_key(text: str) -> str:
    """Return a name as names are compared: folded words, one space between them, without punctuation.

    ميليشيا and مليشيا are one, and so are عبد الجليل and عبدالجليل.
    """
    folded = _BETWEEN_WORDS.sub(" ", fold(text).casefold()).strip()
    return folded.replace("ميليش", "مليش").replace("عبد ال", "عبدال")


def read_rows(text: str, name: str, known: Mapping[str, Actor]) -> tuple[dict[str, Actor], Namings]:
    """Return the actors of a file beside those known, and what those of the file are called.

    Args:
        text: of the file.
        name: of the file, for messages.
        known: actors of another table, which rows may name as parents.

    Raises:
        CorpusError: A row is wrong, or one alias names two actors on the same day; with file and line.
    """
    rows: dict[str, _Row] = {}
    for row in _lines_of(text, name):
        _check_row(row)
        other = rows.get(row.cells["id"])
        if other or row.cells["id"] in known:
            place = other.where if other else "the table it is added to"
            _fail(row, "id", "an id of its own", row.cells["id"], f"{place} has it already")
        rows[row.cells["id"]] = row
    actors = dict(known)
    for row in rows.values():
        _add_actor(row, rows, actors)
    return actors, _index(rows.values(), actors)


class _Row(NamedTuple):
    """A line of the file, its cells by column."""

    where: str
    cells: dict[str, str]

    @property
    def is_person(self) -> bool:
        return not self.cells["kind"]


def _lines_of(text: str, name: str) -> Iterator[_Row]:
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


def _index(rows: Iterable[_Row], actors: Mapping[str, Actor]) -> Namings:
    """Return the namings of each key.

    Raises:
        CorpusError: A key names two actors of the same sort on one day.
    """
    namings: defaultdict[str, list[tuple[Naming, _Row]]] = defaultdict(list)
    for row in rows:
        period = _read_period(row, "valid_from", row.cells["valid_from"], row.cells["valid_to"])
        for alias in dict.fromkeys((row.cells["name_ar"], *row.cells["aliases"].split("|"))):
            if not alias.strip() and alias is not row.cells["name_ar"]:
                continue
            naming = _read_alias(row, alias, actors[row.cells["id"]], period)
            for other, place in namings[naming.key]:
                _check_overlap(row, alias, naming, other, place)
            namings[naming.key].append((naming, row))
    return {key: tuple(naming for naming, _ in pairs) for key, pairs in namings.items()}


def _read_alias(row: _Row, alias: str, actor: Actor, period: Period) -> Naming:
    name, at, days = alias.partition(_PERIOD_MARK)
    key = name_key(name)
    if not key:
        _fail(row, "aliases" if alias != row.cells["name_ar"] else "name_ar", "a name with letters", alias)
    first, dash, last = days.partition(_PERIOD_DASH)
    if at and not dash:
        _fail(row, "aliases", "days as @2016-03-30..2021-03-15", alias)
    return Naming(
        key=key,
        actor=actor,
        parent=row.cells["parent"] or None,
        sector=row.cells["sector"],
        country=row.cells["country"],
        period=_read_period(row, "aliases", first, last) if at else period,
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
