"""How alike two mentions of events are: a sum of parts that can be read, for `merge`.

Two mentions come in, the parts of their likeness go out, by name. There are four weights: 0.5 for a hint, 1
for a sign, 2 for strong evidence, 5 for a contradiction.
"""

from collections.abc import Iterator, Mapping

from libyaevents.enrich.mentions import Days, Mention, are_places_apart
from libyaevents.enrich.stems import Names, sides_of

__all__ = ["are_comparable", "are_days_apart", "compare"]

_NEVER = -10.0
_CONTRADICTION = -5.0
# What findings say for one incident, and against it.
_WEIGHTS: Mapping[str, Mapping[str, float]] = {
    "type": {"other": _NEVER},
    "story": {"other": _NEVER, "no names": -2.0},
    "place": {
        "shared": 2.0,
        "other": -0.5,
        "elsewhere": -1.0,
        "surely elsewhere": -2.0,
        "apart": _CONTRADICTION,
    },
    "days": {"same": 0.5, "undated": -2.0, "other news": -2.0, "apart": _CONTRADICTION},
    "victims": {"shared": 1.0, "other": -0.5, "other side": _CONTRADICTION},
    "figures": {"equal": 2.0, "equal and small": 0.5, "far": -1.0},
    "means": {"shared": 1.0, "other": _CONTRADICTION},
    "names": {"shared": 1.0},
    "sentences": {"some": 0.5, "none": -0.5},
    "root": {"shared": 0.5},
    "number": {"other": -2.0},
    "position": {"known": 2.0, "lead": 2.0, "both first": 0.5, "both single": 1.0},
    "distance": {"far": -0.5},
}
# Most mentions of a type in one document are of other incidents.
_ONE_DOCUMENT = -0.5

# Two documents tell one story where the one with fewer names shares this part of them with the other.
_ONE_STORY = 0.3
_FEWEST_NAMES = 2
# What lies so far back is history in an article, and other news in two.
_HISTORY_DAYS = 21
_SAME_NEWS_DAYS = 3
_SAME_NEWS_PUBLISHED_DAYS = 30
# Above this a figure is rarely equal by chance; figures of one incident differ by less than the ratio.
_SMALL_FIGURE = 2
_FAR_RATIO = 3.0
_FAR_SENTENCES = 4
_LEAD_SENTENCES = 2


def compare(a: Mention, b: Mention) -> dict[str, float]:
    """Return the parts of the likeness of two mentions by name."""
    parts: dict[str, float] = {}
    for part, finding in _findings(a, b):
        if score := _WEIGHTS[part].get(finding):
            parts[part] = parts.get(part, 0.0) + score
    if min(parts.values(), default=0.0) <= _CONTRADICTION:
        # Where they stand tells only of mentions that may be one.
        parts.pop("position", None)
    if a.document != b.document:
        return parts
    if a.sentence == b.sentence:
        # The verbs of a sentence share a place or a victim by its grammar.
        parts = {part: min(score, score / 2) for part, score in parts.items()}
    return {**parts, "document": _ONE_DOCUMENT}


def are_comparable(a: Mention, b: Mention) -> bool:
    """Whether two mentions are of one type, and of one document or story."""
    return a.event.type == b.event.type and (a.document == b.document or _story(a, b) != "other")


def are_days_apart(a: Days, b: Days) -> bool:
    """Whether two times are more than a day apart: papers call the same night by either day."""
    return _gap(a, b) > 1


def _findings(a: Mention, b: Mention) -> Iterator[tuple[str, str]]:
    """Yield what is found, by the part that it belongs to."""
    if a.event.type != b.event.type:
        yield "type", "other"
        return
    is_within = a.document == b.document
    yield "place", _place(a, b)
    yield "days", _days(a, b, _HISTORY_DAYS if is_within else _SAME_NEWS_DAYS)
    yield "victims", _victims(a.patients, b.patients)
    yield "figures", _figures(a.figures, b.figures)
    yield "means", _shared(a.means, b.means)
    yield "root", "shared" if a.root and a.root == b.root else ""
    yield "number", "other" if a.is_sum != b.is_sum else ""
    if is_within:
        yield "position", _position(a, b)
        yield "distance", "far" if abs(a.sentence - b.sentence) >= _FAR_SENTENCES else ""
    else:
        yield "story", _story(a, b)
        yield "position", _rank(a, b)
    # A sentence always agrees with itself.
    if not is_within or a.sentence != b.sentence:
        yield "names", "shared" if a.near_names & b.near_names else ""
        yield "sentences", ("none", "", "some")[min(len(a.words & b.words), 2)]


def _shared(these: Names, others: Names) -> str:
    if not these or not others:
        return ""
    return "shared" if these & others else "other"


def _story(a: Mention, b: Mention) -> str:
    """Compare the telling names of two documents."""
    fewer = min(len(a.story.names), len(b.story.names))
    if not fewer:
        return "no names"
    shared = len(a.story.names & b.story.names)
    return "" if shared >= max(_ONE_STORY * fewer, _FEWEST_NAMES) else "other"


def _place(a: Mention, b: Mention) -> str:
    """Compare the places that are named; what names none happened where the news of its document did."""
    if a.places and b.places:
        if a.places & b.places:
            return "shared"
        if a.place is None or b.place is None:
            return "other"
        if are_places_apart(a.place, b.place):
            return "apart"
        # A town does not contradict a place in it: درنة and المغار.
        return "other" if a.names_town == b.names_town else ""
    place = a.place if a.places else a.story.place
    other = b.place if b.places else b.story.place
    if place is None or other is None or not are_places_apart(place, other):
        return ""
    is_sure = all(mention.places or mention.story.is_of_one_town for mention in (a, b))
    return "surely elsewhere" if is_sure else "elsewhere"


def _days(a: Mention, b: Mention, most_days: int) -> str:
    """Compare the days that are said; what says none happened on the days of its document's news."""
    if a.is_said and b.is_said and a.days and b.days:
        if a.days == b.days:
            return "same" if a.days[0] == a.days[1] else ""
        return "apart" if are_days_apart(a.days, b.days) else ""
    published, other = a.story.published, b.story.published
    if published is None or other is None:
        return "undated" if a.document != b.document else ""
    if abs(published - other) > _SAME_NEWS_PUBLISHED_DAYS:
        return "apart"
    days, others = (mention.days if mention.is_said else mention.story.days for mention in (a, b))
    return "other news" if days and others and _gap(days, others) > most_days else ""


def _gap(a: Days, b: Days) -> int:
    return max(a[0], b[0]) - min(a[1], b[1])


def _victims(people: Names, others: Names) -> str:
    found = _shared(people, others)
    if found != "other":
        return found
    sides, other_sides = sides_of(people), sides_of(others)
    # A captive may be of any side.
    if not sides or not other_sides or sides & other_sides or "captives" in sides | other_sides:
        return "other"
    return "other side"


def _figures(figures: frozenset[int], others: frozenset[int]) -> str:
    if not figures or not others:
        return ""
    if shared := figures & others:
        return "equal" if max(shared) > _SMALL_FIGURE else "equal and small"
    fewer, more = sorted((max(figures), max(others)))
    return "far" if more >= _FAR_RATIO * fewer else ""


def _position(a: Mention, b: Mention) -> str:
    """Compare where two mentions of one document stand: in the title and its lead, or الهجوم after هجوم."""
    first, second = sorted((a, b), key=lambda mention: (mention.event.trigger.start, mention.key))
    if second.is_bare and (first.rank == 0 or first.root == second.root):
        return "known"
    return "lead" if first.sentence == 0 < second.sentence <= _LEAD_SENTENCES else ""


def _rank(a: Mention, b: Mention) -> str:
    """Find whether two mentions are what their documents tell first of their type."""
    if a.rank or b.rank:
        return ""
    return "both single" if a.count == b.count == 1 else "both first"
