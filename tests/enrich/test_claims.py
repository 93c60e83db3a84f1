"""Who says so, whether that is a party, and how the event stands."""

import pytest

from libyaevents.documents import Actor, Argument, Claim, Document, Entity, Event, Trigger
from libyaevents.enrich.claims import resolve_claims

TEXT = "أعلن المسماري مقتل عنصر من داعش على يد قوات حفتر وجنود"
ARMY = Actor(id="lna", name="LNA", side="lna")
SPOKESMAN = Actor(id="ahmed-mismari", name="Ahmed al-Mismari", side="lna")
GROUP = Actor(id="islamic-state", name="Islamic State", side="islamic-state")
ACTORS = {"المسماري": SPOKESMAN, "داعش": GROUP, "قوات حفتر": ARMY}


def claim_of(*arguments: tuple[str, str], factuality: str = "actual", claim: Claim | None = None) -> Claim:
    """Return the claim of one event; mentions among `ACTORS` are entities that were resolved."""
    spans = {mention: (TEXT.index(mention), TEXT.index(mention) + len(mention)) for mention in ACTORS}
    entities = tuple(
        Entity(id=mention, label="ORG", start=start, end=end, text=mention, actor=ACTORS[mention])
        for mention, (start, end) in spans.items()
    )
    event = Event(
        id="E1",
        type="Kill",
        trigger=Trigger(start=14, end=18, text="مقتل"),
        factuality=factuality,
        claim=claim,
        arguments=tuple(
            Argument(
                role=role,
                start=TEXT.index(mention),
                end=TEXT.index(mention) + len(mention),
                text=mention,
                entity_id=mention if mention in ACTORS else None,
            )
            for role, mention in arguments
        ),
    )
    found = resolve_claims(Document(text=TEXT, entities=entities, events=(event,))).events[0].claim
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("factuality", "sourced", "unsourced"),
    [
        ("actual", "claimed", "happened"),
        ("negated", "denied", "denied"),
        ("possible", "planned", "planned"),
    ],
)
def test_status_follows_source_and_factuality(factuality: str, sourced: str, unsourced: str) -> None:
    """Only what actually happened turns on a Source."""
    assert claim_of(("Source", "المسماري"), factuality=factuality).status == sourced
    assert claim_of(("Agent", "داعش"), factuality=factuality).status == unsourced


def test_no_source_claims_nothing() -> None:
    """Without Source nobody claims, and so nobody is a party."""
    assert claim_of(("Agent", "داعش")) == Claim(status="happened")


def test_the_claimant_is_the_actor_else_its_text() -> None:
    """A Source that was resolved is given as actor, another as the text has it."""
    assert claim_of(("Source", "المسماري")).claimed_by == SPOKESMAN
    assert claim_of(("Source", "وجنود")).claimed_by == "وجنود"


def test_of_two_sources_the_known_one_claims() -> None:
    """A Source that says nothing of who it is gives way."""
    assert claim_of(("Source", "وجنود"), ("Source", "المسماري")).claimed_by == SPOKESMAN


@pytest.mark.parametrize("role", ["Agent", "Patient", "Counterpart"])
def test_a_claimant_is_party_by_itself_or_its_side(role: str) -> None:
    """A spokesman is a party where the army he speaks for acts, suffers or is met."""
    assert claim_of(("Source", "المسماري"), (role, "قوات حفتر")).party is True
    assert claim_of(("Source", "المسماري"), (role, "المسماري")).party is True
    assert claim_of(("Source", "المسماري"), (role, "داعش")).party is False


def test_other_roles_are_no_party() -> None:
    """Who helps with an Instrument or stands at a Place does not take part."""
    assert claim_of(("Source", "المسماري"), ("Instrument", "قوات حفتر")).party is False


def test_an_unknown_claimant_is_party_only_as_the_same_mention() -> None:
    """Source and Agent over the same words are one; else nobody knows."""
    assert claim_of(("Source", "وجنود"), ("Agent", "وجنود")).party is True
    assert claim_of(("Source", "وجنود"), ("Agent", "داعش")).party is None


def test_unknown_parties_leave_it_open() -> None:
    """Whether soldiers whom nobody named are the claimant's is not guessed."""
    assert claim_of(("Source", "المسماري"), ("Agent", "وجنود")).party is None
    assert claim_of(("Source", "المسماري"), ("Agent", "وجنود"), ("Patient", "داعش")).party is False


def test_what_is_filled_is_kept() -> None:
    """A claim that an annotator gave stays."""
    given = Claim(claimed_by="بيان", party=False, status="denied")
    assert claim_of(("Source", "المسماري"), claim=given) == given
