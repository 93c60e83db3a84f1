"""Merge mentions of one incident, within a document and across documents, into `Incident`s.

An article tells an incident in several places: these mentions are put together first. What they say together
is compared with what other articles say. What is denied or planned joins the incident that it speaks of as a
claim; every source and every figure is kept. The order of the documents changes nothing.
"""

from collections import Counter
from collections.abc import Iterable, Sequence

from libyaevents.documents import Actor, Casualties, Claim, Document, Incident, Place, Timex
from libyaevents.enrich.clusters import THRESHOLD, cluster, gather
from libyaevents.enrich.mentions import Mention, mentions_of
from libyaevents.enrich.similarity import compare

__all__ = ["THRESHOLD", "explain", "merge"]


def merge(documents: Iterable[Document]) -> list[Incident]:
    """Return the incidents that documents tell of, each event in one of them.

    Time, place, actors, claims and figures are those that the enrichers filled; without them the texts of the
    arguments are compared. A document that is given twice counts once. Incidents are in the order of their
    days, then of their first mention; mentions, claims and figures in the order of document ids and texts.
    """
    mentions = _distinct_mentions(documents)
    incidents = [
        (min(members), _incident([mentions[index] for index in sorted(members)]))
        for members in cluster(mentions)
    ]
    dated = [(_first_day(incident, mentions[first]), first, incident) for first, incident in incidents]
    return [incident for _, _, incident in sorted(dated, key=lambda item: item[:2])]


def explain(
    documents: Iterable[Document], first: tuple[str, str], second: tuple[str, str]
) -> dict[str, float]:
    """Return the parts of the likeness of two events and their `total`, held by `merge` against `THRESHOLD`.

    Two events of one document are compared as they are, those of two with all that each document says of the
    incident. What `merge` never compares, events of two types or stories, has a part of -10.

    Args:
        documents: where the events are.
        first: the ids of a document and an event, as in `Incident.mentions`.
        second: the same of the other event.

    Raises:
        KeyError: There is no such event.
    """
    mentions = _distinct_mentions(documents)
    told = {(mention.key[0], mention.key[2]): mention for mention in mentions}
    pair = told[first], told[second]
    if pair[0].document != pair[1].document:
        groups, pooled = gather(mentions)
        said = {
            mentions[index].key: mention
            for group, mention in zip(groups, pooled, strict=True)
            for index in group
        }
        pair = said[pair[0].key], said[pair[1].key]
    parts = compare(*pair)
    return {**parts, "total": round(sum(parts.values()), 2)}


def _distinct_mentions(documents: Iterable[Document]) -> list[Mention]:
    """Return the mentions in the order of document ids, texts and triggers, none twice."""
    mentions = {mention.key: mention for document in documents for mention in mentions_of(document)}
    return sorted(
        mentions.values(),
        key=lambda mention: (*mention.document, mention.event.trigger.start, mention.key[2]),
    )


def _incident(mentions: Sequence[Mention]) -> Incident:
    """Return the incident of mentions in order; what happened tells more than what is denied or planned."""
    actual = [mention for mention in mentions if mention.event.factuality == "actual"] or list(mentions)
    return Incident(
        type=mentions[0].event.type,
        time=_time(actual),
        place=_place(actual),
        actors=tuple(
            dict.fromkeys(actor for mention in mentions for actor in _sorted_actors(mention.actors))
        ),
        claims=tuple(dict.fromkeys(claim for mention in mentions if (claim := _claim(mention)))),
        casualties=tuple(_casualties(actual)),
        mentions=tuple(dict.fromkeys((mention.key[0], mention.key[2]) for mention in mentions)),
    )


def _time(mentions: Sequence[Mention]) -> Timex | None:
    """Return the time that is said rather than inferred, is finest, and said most often, in this order."""
    times = [mention.event.time for mention in mentions if mention.event.time and mention.event.time.value]
    counts = Counter(time.value for time in times)
    precisions = {"day": 0, "week": 1, "month": 2, "year": 3}
    return min(
        times,
        key=lambda time: (
            time.inferred,
            precisions.get(time.precision or "", 4),
            -counts[time.value],
            time.value,
        ),
        default=None,
    )


def _place(mentions: Sequence[Mention]) -> Place | None:
    """Return the finest place, and of those the one named most often."""
    places = [mention.event.place for mention in mentions if mention.event.place]
    counts = Counter(place.osm_id or place.name for place in places)
    return min(
        places,
        key=lambda place: (place.precision or 4, -counts[place.osm_id or place.name], place.name),
        default=None,
    )


def _sorted_actors(actors: Iterable[Actor]) -> list[Actor]:
    return sorted(actors, key=lambda actor: (actor.id or "", actor.name))


def _claim(mention: Mention) -> Claim | None:
    """Return the claim of a mention; without one, what its Source and its factuality say."""
    event = mention.event
    if event.claim:
        return event.claim
    source = next((argument.text for argument in event.arguments if argument.role == "Source"), None)
    if event.factuality == "negated":
        return Claim(claimed_by=source, status="denied")
    if event.factuality == "possible":
        return Claim(claimed_by=source, status="planned")
    return Claim(claimed_by=source, status="claimed") if source else None


def _casualties(mentions: Sequence[Mention]) -> Iterable[Casualties]:
    """Return every figure once; conflicting ones stand beside each other."""
    return dict.fromkeys(figure for mention in mentions for figure in mention.event.casualties)


def _first_day(incident: Incident, first: Mention) -> int:
    """Return the day that an incident is ordered by; undated ones come last."""
    return (first.days[0] if first.days else first.story.published) or 10**7
