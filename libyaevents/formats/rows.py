"""Documents as rows, one for each event: in the columns of ACLED, UCDP GED or PLOVER, or all that is known.

What a document does not tell stays empty. In the three coded shapes, events that did not happen and events
that the scheme does not code have no row; they are counted. docs/rows.md says where each column comes from.
"""

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from libyaevents.documents import Casualties, Document, Event, Place
from libyaevents.errors import ConfigError
from libyaevents.formats.cases import Case, Party, cases_of, figures, join, period_of, point_of
from libyaevents.formats.codebooks import (
    Cell,
    Columns,
    Row,
    acled_columns,
    plover_columns,
    table_columns,
    ucdp_columns,
)
from libyaevents.formats.coded import (
    acled_row,
    plover_row,
    refuse_acled,
    refuse_plover,
    refuse_ucdp,
    ucdp_row,
)
from libyaevents.ontology import load_ontology
from libyaevents.records import suggest

__all__ = ["Cell", "Row", "columns_of", "to_rows"]

_log = logging.getLogger(__name__)

_ACTUAL = "actual"
_KILLED, _INJURED = "killed", "injured"


class _Shape(NamedTuple):
    """How an event becomes a row, and whether it does not: the reason, or `None`."""

    columns: Callable[[], Columns]
    fill: Callable[[Case], Row]
    refuse: Callable[[Case], str | None]
    is_of_facts: bool = True


def columns_of(shape: str) -> Columns:
    """Return the columns of a shape, in order, with the types of their cells.

    Raises:
        ConfigError: The shape is none of `acled`, `ucdp`, `plover`, `table`.
    """
    return _find_shape(shape).columns()


def to_rows(documents: Iterable[Document], shape: str, *, any_factuality: bool = False) -> Iterator[Row]:
    """Yield a row for each event, in order; at the end, log what had none.

    `table` has a row for every event; `acled`, `ucdp` and `plover` for those that happened and that have a
    code there. With `any_factuality` also for what is negated or possible, as the column `factuality` says.

    Raises:
        ConfigError: The shape is unknown; at the call.
    """
    return _generate(documents, _find_shape(shape), any_factuality)


def _find_shape(name: str) -> _Shape:
    if name not in _SHAPES:
        raise ConfigError(f"expected a known shape of rows, found {name!r}; {suggest(name, _SHAPES)}")
    return _SHAPES[name]


def _generate(documents: Iterable[Document], shape: _Shape, any_factuality: bool) -> Iterator[Row]:
    empty: Row = dict.fromkeys(shape.columns())
    left_out: Counter[str] = Counter()
    n_events = 0
    for document in documents:
        for case in cases_of(document):
            n_events += 1
            reason = shape.refuse(case)
            if shape.is_of_facts and case.event.factuality != _ACTUAL and not any_factuality:
                reason = case.event.factuality
            if reason is None:
                yield empty | shape.fill(case)
            else:
                left_out[reason] += 1
    if left_out:
        n, reasons = left_out.total(), ", ".join(f"{name} {n}" for name, n in left_out.most_common())
        _log.warning("left out %d of %d events (%.0f %%): %s", n, n_events, 100 * n / n_events, reasons)


def _refuse_nothing(case: Case) -> None:
    return None


def _table_row(case: Case) -> Row:
    document, event, place, time = case.document, case.event, case.event.place, case.event.time
    period = period_of(time)
    return {
        **case.provenance(),
        "title": document.title,
        "published": document.published,
        "source": document.source,
        "url": document.url,
        "trigger": event.trigger.text,
        "date_precision": time.precision if time else None,
        "date_start": period.start if period else None,
        "date_end": period.end if period else None,
        **(_place_cells(place) if place else {}),
        **_party_cells("agent", case.agents),
        **_party_cells("other", case.others),
        **_role_cells(case),
        "claim_status": event.claim.status if event.claim else None,
        "claimant_is_party": event.claim.party if event.claim else None,
        **_harm_cells(event, _KILLED),
        **_harm_cells(event, _INJURED),
        "casualties": join(map(_figure_text, event.casualties)),
    }


def _place_cells(place: Place) -> Row:
    return {
        "place": place.name,
        **point_of(place),
        "radius_km": place.radius_km,
        "place_precision": place.precision,
        "admin1": place.admin1,
        "country": place.country,
        "osm_id": place.osm_id,
    }


def _party_cells(name: str, parties: Sequence[Party]) -> Row:
    actors = [party.actor for party in parties if party.actor]
    return {
        f"{name}_actor": join(actor.name for actor in actors),
        f"{name}_code": join(actor.code for actor in actors),
        f"{name}_side": join(actor.side for actor in actors),
    }


def _role_cells(case: Case) -> Row:
    """Return a cell for each role of the ontology; what has another role is told with it."""
    known = load_ontology().role_labels
    row: Row = {f"role_{role.lower()}": case.role_text(role) for role in known}
    others = (f"{item.role}: {item.text}" for item in case.event.arguments if item.role not in known)
    return row | {"role_other": join(others)}


def _harm_cells(event: Event, kind: str) -> Row:
    low, best, high = figures(event, kind)
    return {f"{kind}_low": low, kind: best, f"{kind}_high": high}


def _figure_text(figure: Casualties) -> str:
    """Return one figure as `killed 40/45/50 (who says so)`: minimum, best, maximum, or a dash."""
    numbers = (figure.minimum, figure.best, figure.maximum)
    text = "/".join("–" if number is None else str(number) for number in numbers)
    return f"{figure.kind} {text}" + (f" ({figure.source})" if figure.source else "")


_SHAPES: Mapping[str, _Shape] = {
    "acled": _Shape(acled_columns, acled_row, refuse_acled),
    "ucdp": _Shape(ucdp_columns, ucdp_row, refuse_ucdp),
    "plover": _Shape(plover_columns, plover_row, refuse_plover),
    "table": _Shape(table_columns, _table_row, _refuse_nothing, is_of_facts=False),
}
