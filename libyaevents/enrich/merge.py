"""Merge mentions of one incident, within a document and across documents, into `Incident`s.

Pairs of mentions of one type that share a document, a day, a place or a main name of their documents are
compared. Groups whose pairs are on the average above the threshold are joined, the surest first, unless the
days that they say are apart. What is denied or planned joins the incident that it speaks of as a claim. Every
source and every figure is kept. The result is the same whatever the order of the documents.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from heapq import heappop, heappush
from itertools import combinations

from libyaevents.documents import Actor, Casualties, Claim, Document, Incident, Place, Timex
from libyaevents.enrich.similarity import (
    Days,
    Mention,
    are_days_apart,
    compare,
    mentions_of,
)

__all__ = ["THRESHOLD", "explain", "merge"]

# Set by hand, like the weights of `similarity` (docs/incidents.md).
THRESHOLD = 0.95

# In blocks up to this size every pair is compared, in larger ones each mention with its next in some orders.
_SMALL_BLOCK = 40
_WINDOW = 6
# A time no longer than this is compared by day.
_MOST_DAYS = 3


def merge(documents: Iterable[Document]) -> list[Incident]:
    """Return the incidents that documents tell of, each event in one of them.

    Time, place, actors, claims and figures are those that the enrichers filled; without them the texts of the
    arguments are compared. A document that is given twice counts once. Incidents are in the order of their
    days, then of their first mention; mentions, claims and figures in the order of document ids and texts.
    """
    mentions = _distinct_mentions(documents)
    clusters = _cluster(mentions)
    incidents = [
        (min(cluster), _incident([mentions[index] for index in sorted(cluster)])) for cluster in clusters
    ]
    dated = [(_first_day(incident, mentions[first]), first, incident) for first, incident in incidents]
    return [incident for _, _, incident in sorted(dated, key=lambda item: item[:2])]


def explain(
    documents: Iterable[Document], first: tuple[str, str], second: tuple[str, str]
) -> dict[str, float]:
    """Return the parts of the likeness of two events and their `total`, held by `merge` against `THRESHOLD`.

    Args:
        documents: where the events are.
        first: the ids of a document and an event, as in `Incident.mentions`.
        second: the same of the other event.

    Raises:
        KeyError: There is no such event.
    """
    mentions = {(mention.key[0], mention.key[2]): mention for mention in _distinct_mentions(documents)}
    parts = compare(mentions[first], mentions[second])
    return {**parts, "total": round(sum(parts.values()), 2)}


def _distinct_mentions(documents: Iterable[Document]) -> list[Mention]:
    """Return the mentions in the order of document ids, texts and triggers, none twice."""
    mentions = {mention.key: mention for document in documents for mention in mentions_of(document)}
    return sorted(
        mentions.values(), key=lambda mention: (*mention.key[:2], mention.event.trigger.start, mention.key[2])
    )


def _cluster(mentions: Sequence[Mention]) -> list[list[int]]:
    """Return the indexes of mentions, those of one incident together."""
    groups = _Groups(mentions)
    for first, second in sorted(_pairs(mentions)):
        groups.link(first, second, sum(compare(mentions[first], mentions[second]).values()))
    return groups.joined()


class _Groups:
    """Mentions joined to incidents: the groups that are most alike first, by the average of their pairs."""

    def __init__(self, mentions: Sequence[Mention]) -> None:
        self._members = {index: [index] for index in range(len(mentions))}
        self._days = {
            index: mention.days if mention.is_said else None for index, mention in enumerate(mentions)
        }
        # Per group its neighbours, with the sum of the likeness of their pairs and the number of pairs.
        self._links: dict[int, dict[int, tuple[float, int]]] = {index: {} for index in self._members}
        self._queue: list[tuple[float, int, int]] = []

    def link(self, first: int, second: int, score: float) -> None:
        """Tell how alike two mentions are."""
        self._set(first, second, (score, 1))

    def joined(self) -> list[list[int]]:
        """Join until no two groups are alike enough, and return their mentions."""
        while self._queue:
            negative, first, second = heappop(self._queue)
            link = self._links.get(first, {}).get(second)
            # Of a link that has changed since an older one may still stand in the queue.
            if link and -_average(link) == negative and not self._contradict(first, second):
                self._join(first, second)
        return list(self._members.values())

    def _contradict(self, first: int, second: int) -> bool:
        days, others = self._days[first], self._days[second]
        return bool(days and others and are_days_apart(days, others))

    def _join(self, first: int, second: int) -> None:
        # The links of the group with fewer are moved: each link moves a logarithmic number of times.
        low, high = sorted((first, second), key=lambda group: (-len(self._links[group]), group))
        self._members[low] += self._members.pop(high)
        self._days[low] = _narrower(self._days[low], self._days.pop(high))
        moved = self._links.pop(high)
        del moved[low], self._links[low][high]
        for other, (score, number) in moved.items():
            del self._links[other][high]
            known, count = self._links[low].get(other, (0.0, 0))
            self._set(low, other, (known + score, count + number))

    def _set(self, first: int, second: int, link: tuple[float, int]) -> None:
        self._links[first][second] = self._links[second][first] = link
        if _average(link) >= THRESHOLD:
            heappush(self._queue, (-_average(link), min(first, second), max(first, second)))


def _average(link: tuple[float, int]) -> float:
    return link[0] / link[1]


def _pairs(mentions: Sequence[Mention]) -> set[tuple[int, int]]:
    """Return the pairs that are compared: near-linear in the mentions."""
    blocks: dict[tuple[object, ...], list[int]] = defaultdict(list)
    for index, mention in enumerate(mentions):
        for key in _block_keys(mention):
            blocks[(mention.group, *key)].append(index)
    pairs: set[tuple[int, int]] = set()
    for block in blocks.values():
        if len(block) <= _SMALL_BLOCK:
            pairs.update(combinations(block, 2))
        else:
            pairs.update(_near_pairs(mentions, block))
    return pairs


def _block_keys(mention: Mention) -> Iterator[tuple[object, ...]]:
    """Yield what a mention shares with those that it is compared with; days overlap by one."""
    yield ("document", *mention.key[:2])
    days = mention.days
    if days and days[1] - days[0] <= _MOST_DAYS:
        yield from (("day", day) for day in range(days[0], days[1] + 2))
    elif days:
        yield ("days", *days)
    elif mention.published is not None:
        yield from (("day", day) for day in (mention.published, mention.published + 1))
    place = mention.event.place
    if place:
        yield ("place", place.osm_id or place.name)
    yield from (("named", name) for name in mention.places | mention.patients)
    yield from (("story", name) for name in mention.main)


def _near_pairs(mentions: Sequence[Mention], block: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield each mention of a large block with the next ones by text, place, patient, agent and words."""
    orders: list[dict[int, str]] = [
        {},
        {index: min(mentions[index].places, default="") for index in block},
        {index: min(mentions[index].patients, default="") for index in block},
        {index: min(mentions[index].agents, default="") for index in block},
        {index: mentions[index].root for index in block},
    ]
    for order in orders:
        ranked = [index for _, index in sorted((order.get(index, ""), index) for index in block)]
        for position, first in enumerate(ranked):
            for second in ranked[position + 1 : position + 1 + _WINDOW]:
                yield min(first, second), max(first, second)


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


def _narrower(days: Days | None, others: Days | None) -> Days | None:
    return min(filter(None, (days, others)), key=lambda item: (item[1] - item[0], item), default=None)


def _first_day(incident: Incident, first: Mention) -> int:
    """Return the day that an incident is ordered by; undated ones come last."""
    return (first.days[0] if first.days else first.published) or 10**7
