"""What the codebooks of ACLED, UCDP GED and PLOVER fix: names of columns, kinds of actors, types of events.

Event types have their codes in the ontology; nothing of that is repeated here. No row of these projects is.

Source: ACLED codebook (2025), UCDP GED codebook (25.1), PLOVER manual.
"""

from collections.abc import Mapping
from datetime import date

from libyaevents.ontology import load_ontology

__all__ = [
    "ABDUCTION",
    "ACLED_TYPES",
    "ARMED",
    "ARMED_GROUPS",
    "ARREST",
    "ATTACK",
    "CIVILIANS",
    "CLASH",
    "EXPLOSIONS",
    "EXTERNAL",
    "INTERACTION_ORDER",
    "INTERS",
    "ONE_SIDED",
    "STATE",
    "Cell",
    "Columns",
    "Row",
    "acled_columns",
    "plover_columns",
    "table_columns",
    "ucdp_columns",
]

Cell = str | int | float | bool | date | None
Row = dict[str, Cell]
Columns = Mapping[str, type]  # names in order, and what their cells hold

_NOT_TEXT: Columns = {
    **dict.fromkeys(("event_date", "date", "date_start", "date_end", "published", "source_date"), date),
    **dict.fromkeys(("year", "time_precision", "iso", "geo_precision", "fatalities", "start", "end"), int),
    **dict.fromkeys(("type_of_violence", "where_prec", "date_prec", "best", "high", "low"), int),
    **dict.fromkeys(("killed", "killed_low", "killed_high", "place_precision"), int),
    **dict.fromkeys(("injured", "injured_low", "injured_high"), int),
    **dict.fromkeys(("latitude", "longitude", "radius_km", "score"), float),
    **dict.fromkeys(("time_inferred", "claimant_is_party"), bool),
}
_PROVENANCE = "document event type start end sentence claimed_by factuality score time time_inferred"
_ACLED = """
    event_id_cnty event_date year time_precision disorder_type event_type sub_event_type actor1 assoc_actor_1
    inter1 actor2 assoc_actor_2 inter2 interaction civilian_targeting iso region country admin1 admin2 admin3
    location latitude longitude geo_precision source source_scale notes fatalities tags timestamp
"""
_UCDP = """
    id relid year active_year code_status type_of_violence conflict_dset_id conflict_new_id conflict_name
    dyad_dset_id dyad_new_id dyad_name side_a_dset_id side_a_new_id side_a side_b_dset_id side_b_new_id side_b
    number_of_sources source_article source_office source_date source_headline source_original where_prec
    where_coordinates where_description adm_1 adm_2 latitude longitude geom_wkt priogrid_gid country
    country_id region event_clarity date_prec date_start date_end deaths_a deaths_b deaths_civilians
    deaths_unknown best high low gwnoa gwnob
"""
_PLOVER = """
    event_id date event_type event_mode actor_name actor_code recip_name recip_code location latitude
    longitude admin1 country source headline url published
"""
_TABLE = """
    document title published source url event type factuality trigger start end score sentence time
    date_precision date_start date_end time_inferred place latitude longitude radius_km place_precision admin1
    country osm_id agent_actor agent_code agent_side other_actor other_code other_side {roles} role_other
    claimed_by claim_status claimant_is_party killed_low killed killed_high injured_low injured injured_high
    casualties
"""

# ACLED's kinds of actors, in the order of their former numeric codes 1 to 8.
INTERS = (
    "State forces",
    "Rebel group",
    "Political militia",
    "Identity militia",
    "Rioters",
    "Protesters",
    "Civilians",
    "External/Other forces",
)
STATE, CIVILIANS, EXTERNAL = INTERS[0], INTERS[6], INTERS[7]
ARMED_GROUPS = frozenset(INTERS[1:4])
ARMED = frozenset({STATE, EXTERNAL, *ARMED_GROUPS})
# By number, but for 78, which reads External/Other forces-Civilians.
INTERACTION_ORDER = (*INTERS[:6], EXTERNAL, CIVILIANS)

# Sub-events that the parties of an event decide between.
ATTACK, CLASH = "Attack", "Armed clash"
ARREST, ABDUCTION = "Arrests", "Abduction/forced disappearance"

EXPLOSIONS, ONE_SIDED = "Explosions/Remote violence", "Violence against civilians"
_VIOLENCE, _DEMONSTRATIONS, _STRATEGIC = "Political violence", "Demonstrations", "Strategic developments"
# ACLED's event type and disorder type of every sub-event.
ACLED_TYPES: Mapping[str, tuple[str, str]] = {
    sub_event: (event_type, disorder)
    for event_type, disorder, sub_events in (
        (
            "Battles",
            _VIOLENCE,
            f"{CLASH}; Government regains territory; Non-state actor overtakes territory",
        ),
        (
            EXPLOSIONS,
            _VIOLENCE,
            "Chemical weapon; Air/drone strike; Suicide bomb; Shelling/artillery/missile attack; "
            "Remote explosive/landmine/IED; Grenade",
        ),
        (ONE_SIDED, _VIOLENCE, f"Sexual violence; {ATTACK}; {ABDUCTION}"),
        ("Protests", f"{_VIOLENCE}; {_DEMONSTRATIONS}", "Excessive force against protesters"),
        ("Protests", _DEMONSTRATIONS, "Peaceful protest; Protest with intervention"),
        ("Riots", _DEMONSTRATIONS, "Violent demonstration"),
        ("Riots", _VIOLENCE, "Mob violence"),
        (
            _STRATEGIC,
            _STRATEGIC,
            f"Agreement; {ARREST}; Change to group/activity; Disrupted weapons use; Headquarters or base "
            "established; Looting/property destruction; Non-violent transfer of territory; Other",
        ),
    )
    for sub_event in sub_events.split("; ")
}


def acled_columns() -> Columns:
    """ACLED's columns in its order, and behind them where a row comes from."""
    return _typed(f"{_ACLED} {_PROVENANCE}")


def ucdp_columns() -> Columns:
    """The columns of UCDP GED in its order, and behind them where a row comes from."""
    return _typed(f"{_UCDP} {_PROVENANCE}")


def plover_columns() -> Columns:
    """PLOVER's fields, and behind them where a row comes from."""
    return _typed(f"{_PLOVER} {_PROVENANCE}")


def table_columns() -> Columns:
    """All that is known of an event, with a column `role_…` for each role of the ontology."""
    roles = " ".join(f"role_{role.lower()}" for role in load_ontology().role_labels)
    return _typed(_TABLE.format(roles=roles))


def _typed(names: str) -> Columns:
    return {name: _NOT_TEXT.get(name, str) for name in names.split()}
