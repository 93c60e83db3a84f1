"""Say who says so: a `Document` comes in, its events get a `Claim`.

The claimant is the Source of the event, as an actor where it was resolved, else as the text has it. Run the
resolver of actors first.
"""

from __future__ import annotations

from typing import Literal

from libyaevents.documents import Actor, Argument, Claim, Document, Event
from libyaevents.records import fill

__all__ = ["resolve_claims"]

_SOURCE = "Source"
_PARTIES = frozenset({"Agent", "Patient", "Counterpart"})


def resolve_claims(document: Document) -> Document:
    """Return the document with the `claim` of its events filled; a claim that is there already is kept.

    The status is `denied` for a negated event and `planned` for a possible one, whoever says it; an actual
    one is `claimed` where it has a Source, else `happened`.
    """
    actors = {entity.id: entity.actor for entity in document.entities}
    events = [event if event.claim else fill(event, claim=_claim(event, actors)) for event in document.events]
    return fill(document, events=tuple(events))


def _claim(event: Event, actors: dict[str, Actor | None]) -> Claim:
    sources = [argument for argument in event.arguments if argument.role == _SOURCE]
    if not sources:
        return Claim(status=_status(event.factuality, is_claimed=False))
    # Of several sources the first that is known: مصدر عسكري beside حفتر says less.
    source = next((item for item in sources if _actor(item, actors)), sources[0])
    return Claim(
        claimed_by=_actor(source, actors) or source.text,
        party=_is_party(source, event, actors),
        status=_status(event.factuality, is_claimed=True),
    )


def _status(factuality: str, *, is_claimed: bool) -> Literal["happened", "claimed", "denied", "planned"]:
    if factuality == "negated":
        return "denied"
    if factuality == "possible":
        return "planned"
    return "claimed" if is_claimed else "happened"


def _actor(argument: Argument, actors: dict[str, Actor | None]) -> Actor | None:
    return argument.actor or (actors.get(argument.entity_id) if argument.entity_id else None)


def _is_party(source: Argument, event: Event, actors: dict[str, Actor | None]) -> bool | None:
    """Return whether the claimant or its side takes part; `None` where the text leaves it open.

    Open: the claimant is not known, or takes part under no known name while another party is unknown.
    """
    parties = [argument for argument in event.arguments if argument.role in _PARTIES]
    if any(_is_same_mention(source, party) for party in parties):
        return True
    claimant = _actor(source, actors)
    if claimant is None:
        return None
    known = [actor for actor in (_actor(party, actors) for party in parties) if actor]
    if any(_is_same_side(claimant, actor) for actor in known):
        return True
    return False if known or not parties else None


def _is_same_mention(one: Argument, other: Argument) -> bool:
    is_entity = one.entity_id is not None and one.entity_id == other.entity_id
    return is_entity or (one.start, one.end) == (other.start, other.end)


def _is_same_side(one: Actor, other: Actor) -> bool:
    if one.id is not None and one.id == other.id:
        return True
    return one.side is not None and one.side == other.side
