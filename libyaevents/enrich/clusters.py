"""Group mentions of events by incident: mentions come in, lists of their indexes go out.

First the mentions of each document are grouped and pooled, then the groups of all documents. In both steps
the groups that are most alike are joined first, while their average likeness is not below the threshold. The
work is near-linear in the mentions.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from heapq import heappop, heappush
from itertools import combinations

from libyaevents.enrich.mentions import Mention, narrower, pool
from libyaevents.enrich.similarity import are_comparable, are_days_apart, compare

__all__ = ["THRESHOLD", "cluster", "gather"]

# As much speaks for one incident as against it.
THRESHOLD = 0.0
# What a document tells apart is joined only where other documents speak for it.
_TOLD_APART = -1.0

# In blocks up to this size every pair is compared, in larger ones each mention with its next in some orders.
_SMALL_BLOCK = 40
_WINDOW = 6
# A time no longer than this is compared by day.
_MOST_DAYS = 3

_Key = tuple[object, ...]
_Pair = tuple[int, int]


def cluster(mentions: Sequence[Mention]) -> list[list[int]]:
    """Return the indexes of mentions, those of one incident together."""
    groups, pooled = gather(mentions)
    clusters = _join(pooled, _pairs(pooled, _keys), _likeness_of_groups)
    return [[index for group in members for index in groups[group]] for members in clusters]


def gather(mentions: Sequence[Mention]) -> tuple[list[list[int]], list[Mention]]:
    """Return the indexes of mentions that one document tells of one incident, and what they say together."""
    groups = sorted(sorted(group) for group in _join(mentions, _pairs(mentions, _document_key), _likeness))
    counts = Counter(_kind(mentions[group[0]]) for group in groups)
    ranks: Counter[_Key] = Counter()
    pooled = []
    for group in groups:
        kind = _kind(mentions[group[0]])
        pooled.append(pool([mentions[index] for index in group], rank=ranks[kind], count=counts[kind]))
        ranks[kind] += 1
    return groups, pooled


def _kind(mention: Mention) -> _Key:
    return (*mention.document, mention.event.type)


def _likeness(a: Mention, b: Mention) -> float:
    return sum(compare(a, b).values())


def _likeness_of_groups(a: Mention, b: Mention) -> float:
    return _likeness(a, b) + (_TOLD_APART if a.document == b.document else 0.0)


def _join(
    mentions: Sequence[Mention], pairs: set[_Pair], likeness: Callable[[Mention, Mention], float]
) -> list[list[int]]:
    groups = _Groups(mentions)
    for first, second in sorted(pairs):
        if are_comparable(mentions[first], mentions[second]):
            groups.link(first, second, likeness(mentions[first], mentions[second]))
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
                self._unite(first, second)
        return list(self._members.values())

    def _contradict(self, first: int, second: int) -> bool:
        days, others = self._days[first], self._days[second]
        return bool(days and others and are_days_apart(days, others))

    def _unite(self, first: int, second: int) -> None:
        # The links of the group with fewer are moved: each link moves a logarithmic number of times.
        low, high = sorted((first, second), key=lambda group: (-len(self._links[group]), group))
        self._members[low] += self._members.pop(high)
        self._days[low] = narrower(self._days[low], self._days.pop(high))
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


def _pairs(mentions: Sequence[Mention], keys: Callable[[Mention], Iterator[_Key]]) -> set[_Pair]:
    """Return the pairs that are compared: of one type and with a key in common."""
    blocks: Mapping[_Key, list[int]] = defaultdict(list)
    for index, mention in enumerate(mentions):
        for key in keys(mention):
            blocks[mention.event.type, *key].append(index)
    pairs: set[_Pair] = set()
    for block in blocks.values():
        pairs.update(combinations(block, 2) if len(block) <= _SMALL_BLOCK else _near_pairs(mentions, block))
    return pairs


def _document_key(mention: Mention) -> Iterator[_Key]:
    yield ("document", *mention.document)


def _keys(mention: Mention) -> Iterator[_Key]:
    """Yield what a mention shares with those that it is compared with; days overlap by one."""
    yield from _document_key(mention)
    days = mention.days
    if days and days[1] - days[0] <= _MOST_DAYS:
        yield from (("day", day) for day in range(days[0], days[1] + 2))
    elif days:
        yield ("days", *days)
    elif mention.story.published is not None:
        yield from (("day", day) for day in (mention.story.published, mention.story.published + 1))
    if mention.place:
        yield ("place", mention.place.osm_id or mention.place.name)
    yield from (("named", name) for name in mention.places | mention.patients)
    yield from (("story", name) for name in mention.story.main)


def _near_pairs(mentions: Sequence[Mention], block: Sequence[int]) -> Iterator[_Pair]:
    """Yield each mention of a large block with the next ones by text, place, patient and root."""
    orders: tuple[Callable[[Mention], str], ...] = (
        lambda mention: "",
        lambda mention: min(mention.places, default=""),
        lambda mention: min(mention.patients, default=""),
        lambda mention: mention.root,
    )
    for order in orders:
        ranked = sorted(block, key=lambda index: (order(mentions[index]), index))
        for position, first in enumerate(ranked):
            for second in ranked[position + 1 : position + 1 + _WINDOW]:
                yield min(first, second), max(first, second)
