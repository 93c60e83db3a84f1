"""Documents as rows, one for each event: in the columns of ACLED, UCDP GED or PLOVER, or all that is known.

Codes of event types come from the ontology. What a document does not tell stays empty. In the three coded
shapes, events that did not happen and events that the scheme does not code have no row; they are counted.
docs/rows.md says where each column comes from.
"""

import logging
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import NamedTuple

from libyaevents.documents import Casualties, Document, Event, Place
from libyaevents.errors import ConfigError
from libyaevents.formats.cases import Case, Party, Period, cases_of, figures, join, period_of
from libyaevents.formats.codebooks import (
    ABDUCTION,
    ACLED_TYPES,
    ARMED,
    ARMED_GROUPS,
    ARREST,
    ATTACK,
    CIVILIANS,
    CLASH,
    COUNTRIES,
    INTERS,
    STATE,
    Columns,
    acled_columns,
    plover_columns,
    table_columns,
    ucdp_columns,
)
from libyaevents.ontology import load_ontology
from libyaevents.records import suggest

__all__ = ["Cell", "Row", "columns_of", "to_rows"]

Cell = str | int | float | bool | date | None
Row = dict[str, Cell]

_log = logging.getLogger(__name__)

_ACTUAL = "actual"
_HARM_FAMILY, _KILLED, _INJURED = "harm", "killed", "injured"
_WEEK, _MONTH, _YEAR = 7, 31, 366  # in days, at most

# UCDP's where_prec of areas by what they are, and of ACLED's precisions 1 and 2.
_WHERE_FEATURE = {"district": 4, "country": 6}
_WHERE_PRECISION = {1: 1, 2: 2}


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


# ACLED


def _refuse_acled(case: Case) -> str | None:
    return _refuse_uncoded(case, case.type.acled if case.type else None)


def _acled_row(case: Case) -> Row:
    document, event = case.document, case.event
    sub_event = _sub_event(case)
    event_type, disorder = ACLED_TYPES[sub_event]
    inter1, inter2 = _inter(case.agents), _inter(case.others)
    place = event.place
    numeric, country, region = _country(place)
    provenance = _provenance(case)
    return {
        **_acled_time(period_of(event.time)),
        "disorder_type": disorder,
        "event_type": event_type,
        "sub_event_type": sub_event,
        "actor1": _first_name(case.agents),
        "assoc_actor_1": join(party.name for party in case.agents[1:]),
        "inter1": inter1,
        "actor2": _first_name(case.others),
        "assoc_actor_2": join(party.name for party in case.others[1:]),
        "inter2": inter2,
        "interaction": _interaction(case, inter1, inter2),
        "civilian_targeting": "Civilian targeting" if inter2 == CIVILIANS else None,
        "iso": numeric,
        "region": region,
        "country": country,
        "admin1": place.admin1 if place else None,
        "location": case.location,
        **_point(place),
        "geo_precision": place.precision if place else None,
        "source": document.source,
        "notes": provenance["sentence"],
        "fatalities": figures(event, _KILLED)[1],
        **provenance,
    }


def _sub_event(case: Case) -> str:
    """Return the code of the type, or the one that its parties decide for."""
    code = case.type.acled if case.type and case.type.acled else ""
    inter1, inter2 = _inter(case.agents), _inter(case.others)
    if code == ATTACK and inter1 in ARMED and inter2 in ARMED:
        return CLASH
    return ABDUCTION if code == ARREST and inter1 in ARMED_GROUPS else code


def _interaction(case: Case, inter1: str | None, inter2: str | None) -> str | None:
    if inter1 and inter2:
        return "-".join(sorted((inter1, inter2), key=INTERS.index))
    return f"{inter1} only" if inter1 and not case.others else None


def _acled_time(period: Period | None) -> Row:
    """ACLED dates what is known by week or month to a day of it, and tells its precision."""
    if period is None:
        return {}
    n_days = period.n_days
    precision = 1 if n_days == 1 else 2 if n_days <= _WEEK else 3 if n_days <= _MONTH else None
    middle = period.start + (period.end - period.start) // 2
    return {
        "event_date": middle if precision else None,
        "year": period.year,
        "time_precision": precision,
    }


# UCDP GED


def _refuse_ucdp(case: Case) -> str | None:
    if case.type is None or not (case.is_violent or case.type.family == _HARM_FAMILY):
        return f"{case.type.name} without violence" if case.type else "of unknown type"
    if not figures(case.event, _KILLED)[1]:
        return "without a figure of deaths"
    return "told by their attack" if case.is_told_by_attack else None


def _ucdp_row(case: Case) -> Row:
    document, event, place = case.document, case.event, case.event.place
    side_a, side_b = _first_name(case.agents), _first_name(case.others)
    low, best, high = figures(event, _KILLED)
    period = period_of(event.time)
    published = document.published.isoformat() if document.published else None
    has_point = place and place.latitude is not None and place.longitude is not None
    return {
        "year": period.year if period else None,
        "type_of_violence": _type_of_violence(_inter(case.agents), _inter(case.others)),
        "dyad_name": f"{side_a} - {side_b}" if side_a and side_b else None,
        "side_a": side_a,
        "side_b": side_b,
        "source_article": join((document.source, published, document.title, document.url), ", "),
        "source_office": document.source,
        "source_date": document.published,
        "source_headline": document.title,
        "source_original": case.claimant,
        "where_prec": _where_precision(place),
        "where_coordinates": case.location,
        "where_description": case.role_text("Place"),
        "adm_1": place.admin1 if place else None,
        **_point(place),
        "geom_wkt": f"POINT ({place.longitude} {place.latitude})" if place and has_point else None,
        "country": _country(place)[1],
        "date_prec": _date_precision(period),
        "date_start": period.start if period else None,
        "date_end": period.end if period else None,
        "best": best,
        "high": high,
        "low": low,
        **_provenance(case),
    }


def _type_of_violence(side_a: str | None, side_b: str | None) -> int | None:
    """1 with a state on a side, 2 between armed groups, 3 against civilians; others are not decided."""
    sides = {side_a, side_b}
    if None in sides or not sides <= {STATE, CIVILIANS, *ARMED_GROUPS}:
        return None
    if CIVILIANS in sides:
        return 3 if len(sides) > 1 else None
    return 1 if STATE in sides else 2


def _where_precision(place: Place | None) -> int | None:
    if place is None:
        return None
    return _WHERE_FEATURE.get(place.feature or "") or _WHERE_PRECISION.get(place.precision or 0)


def _date_precision(period: Period | None) -> int | None:
    """1 a day, 2 some days, 3 a week, 4 a month, 5 a year; what is longer has no code."""
    if period is None or period.n_days > _YEAR:
        return None
    return 1 + bisect_left((1, _WEEK - 1, _WEEK, _MONTH), period.n_days)


# PLOVER


def _refuse_plover(case: Case) -> str | None:
    return _refuse_uncoded(case, case.type.plover if case.type else None)


def _plover_row(case: Case) -> Row:
    document, event, place = case.document, case.event, case.event.place
    period = period_of(event.time)
    return {
        "event_id": f"{document.id}/{event.id}" if document.id else None,
        "date": period.start if period and period.n_days == 1 else None,
        "event_type": case.type.plover if case.type else None,
        "event_mode": case.type.plover_mode if case.type else None,
        "actor_name": join(party.name for party in case.agents),
        "actor_code": join(party.code for party in case.agents),
        "recip_name": join(party.name for party in case.others),
        "recip_code": join(party.code for party in case.others),
        "location": case.location,
        **_point(place),
        "admin1": place.admin1 if place else None,
        "country": place.country if place else None,
        "source": document.source,
        "headline": document.title,
        "url": document.url,
        "published": document.published,
        **_provenance(case),
    }


# All that is known


def _refuse_nothing(case: Case) -> None:
    return None


def _table_row(case: Case) -> Row:
    document, event, place, time = case.document, case.event, case.event.place, case.event.time
    period = period_of(time)
    return {
        **_provenance(case),
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
        **_point(place),
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


# What the shapes share


def _provenance(case: Case) -> Row:
    event, time = case.event, case.event.time
    return {
        "document": case.document.id,
        "event": event.id,
        "type": event.type,
        "start": event.trigger.start,
        "end": event.trigger.end,
        "sentence": case.sentence_text,
        "claimed_by": case.claimant,
        "factuality": event.factuality,
        "score": event.score,
        "time": time.value if time else None,
        "time_inferred": time.inferred if time else None,
    }


def _point(place: Place | None) -> Row:
    return {"latitude": place.latitude, "longitude": place.longitude} if place else {}


def _country(place: Place | None) -> tuple[int | None, str | None, str | None]:
    """Return ISO number, name and region of the country; of one that is not listed, its code as name."""
    code = place.country if place else None
    return COUNTRIES.get((code or "").upper(), (None, code, None))


def _inter(parties: Sequence[Party]) -> str | None:
    return parties[0].inter if parties else None


def _first_name(parties: Sequence[Party]) -> str | None:
    return parties[0].name if parties else None


def _refuse_uncoded(case: Case, code: str | None) -> str | None:
    if case.type is None:
        return "of unknown type"
    return None if code else f"{case.type.name} without a code"


_SHAPES: Mapping[str, _Shape] = {
    "acled": _Shape(acled_columns, _acled_row, _refuse_acled),
    "ucdp": _Shape(ucdp_columns, _ucdp_row, _refuse_ucdp),
    "plover": _Shape(plover_columns, _plover_row, _refuse_plover),
    "table": _Shape(table_columns, _table_row, _refuse_nothing, is_of_facts=False),
}
