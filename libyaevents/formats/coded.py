"""Rows of ACLED, UCDP GED and PLOVER: a case comes in, its cells go out, or the reason why it has no row.

Codes of event types come from the ontology. What the parties of an event decide, and how dates and places
become precisions, is each scheme's own rule; docs/rows.md says where each column comes from.
"""

from bisect import bisect_left
from collections.abc import Sequence

from libyaevents.documents import Place
from libyaevents.formats.cases import Case, Party, Period, figures, join, period_of, point_of
from libyaevents.formats.codebooks import (
    ABDUCTION,
    ACLED_TYPES,
    ARMED,
    ARMED_GROUPS,
    ARREST,
    ATTACK,
    CIVILIANS,
    CLASH,
    EXPLOSIONS,
    EXTERNAL,
    INTERACTION_ORDER,
    ONE_SIDED,
    STATE,
    Row,
)
from libyaevents.formats.countries import Country, find_country

__all__ = ["acled_row", "plover_row", "refuse_acled", "refuse_plover", "refuse_ucdp", "ucdp_row"]

_HARM_FAMILY, _KILLED, _WITHDRAW = "harm", "killed", "Withdraw"
_WEEK, _MONTH, _YEAR = 7, 31, 366  # in days, at most
_COUNTRY = "country"
# PLOVER's actor codes begin with their country's: TURMIL.
_COUNTRY_LETTERS = 3

# UCDP's where_prec of areas by what they are, none for a region, and else of ACLED's precisions 1 and 2.
_WHERE_FEATURE = {"district": 4, _COUNTRY: 6, "region": None}
_WHERE_PRECISION = {1: 1, 2: 2}


def refuse_acled(case: Case) -> str | None:
    """Return why an event has no row of ACLED."""
    return _refuse_uncoded(case, case.type.acled if case.type else None)


def acled_row(case: Case) -> Row:
    """Return the cells of ACLED; those of the type are empty where the parties do not decide it."""
    document, event, place = case.document, case.event, case.event.place
    country = find_country(place.country) if place else None
    inter1, inter2 = _acled_inter(case.agents, country), _acled_inter(case.others, country)
    sub_event = _sub_event(case, inter1, inter2)
    event_type, disorder = ACLED_TYPES[sub_event] if sub_event else (None, None)
    # ACLED has no precision for a whole country: its middle would stand on a map as a place in the desert.
    point = place if place and place.feature != _COUNTRY else None
    provenance = case.provenance()
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
        "civilian_targeting": _civilian_targeting(event_type, inter2),
        "iso": country.numeric if country else None,
        "region": country.region if country else None,
        "country": country.name if country else None,
        "admin1": place.admin1 if place else None,
        "location": case.location,
        **point_of(point),
        "geo_precision": point.precision if point else None,
        "source": document.source,
        "notes": provenance["sentence"],
        "fatalities": figures(event, _KILLED)[1],
        **provenance,
    }


def _acled_inter(parties: Sequence[Party], country: Country | None) -> str | None:
    """Return the kind of the first party; the forces of a state abroad are external to ACLED."""
    inter = _inter(parties)
    home = find_country((parties[0].code or "")[:_COUNTRY_LETTERS]) if inter == STATE else None
    return EXTERNAL if home and country and home != country else inter


def _sub_event(case: Case, agent: str | None, other: str | None) -> str | None:
    """Return the code of the type, or the one that its parties decide for, if they do.

    An attack is on civilians or a clash of armed sides; a detention an arrest by a state or an abduction.
    Forces that leave by themselves move; who else leaves, the wounded or a minister, hands over no territory.
    A guess could accuse an army of what it did not do.
    """
    code = case.type.acled if case.type else None
    is_agent_armed, is_other_armed = _is_armed(case.agents), _is_armed(case.others)
    if code == ATTACK:
        if is_agent_armed and is_other_armed:
            return CLASH
        return ATTACK if other == CIVILIANS and agent in {None, *ARMED} else None
    if code == ARREST and agent != STATE:
        return ABDUCTION if agent in ARMED_GROUPS and not is_other_armed else None
    if case.type and case.type.name == _WITHDRAW and not (is_agent_armed and not case.others):
        return None
    return code


def _interaction(case: Case, inter1: str | None, inter2: str | None) -> str | None:
    if inter1 and inter2:
        return "-".join(sorted((inter1, inter2), key=INTERACTION_ORDER.index))
    return f"{inter1} only" if inter1 and not case.others else None


def _civilian_targeting(event_type: str | None, inter2: str | None) -> str | None:
    """Battles and strategic developments target nobody; violence against civilians always does."""
    is_target = event_type == EXPLOSIONS and inter2 == CIVILIANS
    return "Civilian targeting" if is_target or event_type == ONE_SIDED else None


def _acled_time(period: Period | None) -> Row:
    """ACLED dates what is known by week or month to the middle of it, and tells its precision."""
    if period is None:
        return {}
    precision = bisect_left((1, _WEEK, _MONTH), period.n_days) + 1
    middle = period.start + (period.end - period.start) // 2
    is_dated = period.n_days <= _MONTH
    return {
        "event_date": middle if is_dated else None,
        "year": period.year,
        "time_precision": precision if is_dated else None,
    }


def refuse_ucdp(case: Case) -> str | None:
    """Return why an event has no row of UCDP GED."""
    if case.type is None or not (case.is_violent or case.type.family == _HARM_FAMILY):
        return f"{case.type.name} without violence" if case.type else "of unknown type"
    if not figures(case.event, _KILLED)[1]:
        return "without a figure of deaths"
    return "told by another event of their sentence" if case.is_told_already else None


def ucdp_row(case: Case) -> Row:
    """Return the cells of UCDP GED."""
    document, event, place = case.document, case.event, case.event.place
    violence, side_a, side_b = _sides(case.agents, case.others)
    low, best, high = figures(event, _KILLED)
    period = period_of(event.time)
    published = document.published.isoformat() if document.published else None
    has_point = place and place.latitude is not None and place.longitude is not None
    country = find_country(place.country) if place else None
    return {
        "year": period.year if period else None,
        "type_of_violence": violence,
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
        **point_of(place),
        "geom_wkt": f"POINT ({place.longitude} {place.latitude})" if place and has_point else None,
        "country": country.name if country else None,
        "date_prec": _date_precision(period),
        "date_start": period.start if period else None,
        "date_end": period.end if period else None,
        "best": best,
        "high": high,
        "low": low,
        **case.provenance(),
    }


def _sides(agents: Sequence[Party], others: Sequence[Party]) -> tuple[int | None, str | None, str | None]:
    """Return type of violence and sides: 1 with a state, which is side A, 2 between groups, 3 one-sided."""
    agent, other = _inter(agents), _inter(others)
    side_a, side_b = _first_name(agents), _first_name(others)
    if agent in ARMED and other == CIVILIANS:
        return 3, side_a, CIVILIANS
    if STATE in (agent, other) and {agent, other} <= ARMED:
        return (1, side_a, side_b) if agent == STATE else (1, side_b, side_a)
    return 2 if agent in ARMED_GROUPS and other in ARMED_GROUPS else None, side_a, side_b


def _where_precision(place: Place | None) -> int | None:
    if place is None:
        return None
    if place.feature in _WHERE_FEATURE:
        return _WHERE_FEATURE[place.feature]
    return _WHERE_PRECISION.get(place.precision or 0)


def _date_precision(period: Period | None) -> int | None:
    """1 a day, 2 some days, 3 a week, 4 a month, 5 a year; what is longer has no code."""
    if period is None or period.n_days > _YEAR:
        return None
    return 1 + bisect_left((1, _WEEK - 1, _WEEK, _MONTH), period.n_days)


def refuse_plover(case: Case) -> str | None:
    """Return why an event has no row of PLOVER."""
    return _refuse_uncoded(case, case.type.plover if case.type else None)


def plover_row(case: Case) -> Row:
    """Return the cells of PLOVER."""
    document, event, place = case.document, case.event, case.event.place
    period = period_of(event.time)
    country = find_country(place.country) if place else None
    return {
        "event_id": f"{document.id}/{event.id}" if document.id else None,
        "date": period.day if period else None,
        "event_type": case.type.plover if case.type else None,
        "event_mode": case.type.plover_mode if case.type else None,
        "actor_name": join(party.name for party in case.agents),
        "actor_code": join(party.code for party in case.agents),
        "recip_name": join(party.name for party in case.others),
        "recip_code": join(party.code for party in case.others),
        "location": case.location,
        **point_of(place),
        "admin1": place.admin1 if place else None,
        "country": country.alpha3 if country else None,
        "source": document.source,
        "headline": document.title,
        "url": document.url,
        "published": document.published,
        **case.provenance(),
    }


def _inter(parties: Sequence[Party]) -> str | None:
    return parties[0].inter if parties else None


def _is_armed(parties: Sequence[Party]) -> bool:
    return bool(parties) and parties[0].is_armed


def _first_name(parties: Sequence[Party]) -> str | None:
    return parties[0].name if parties else None


def _refuse_uncoded(case: Case, code: str | None) -> str | None:
    if case.type is None:
        return "of unknown type"
    return None if code else f"{case.type.name} without a code"
