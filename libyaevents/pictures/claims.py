"""The claims: documents come in, a page goes out that says of each incident who says what about it.

Incidents of which accounts contradict each other come first: one says that it happened and another denies it,
their figures exclude each other, or they name actors of two sides as the one who did it.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import combinations
from typing import NamedTuple

from libyaevents.documents import Actor, Argument, Casualties, Claim, Document, Event, Incident
from libyaevents.enrich import enrich
from libyaevents.enrich.merge import merge
from libyaevents.markup import (
    actor_html,
    casualties_html,
    escape,
    hue_of,
    isolate,
    label_html,
    list_html,
    page_html,
    place_name_html,
    time_html,
    value_html,
)
from libyaevents.ontology import load_ontology
from libyaevents.words import split_sentences

__all__ = ["to_claims"]

_STYLES = ("page.css", "picture.css")
_FEW_INCIDENTS = 12  # with that many or fewer, those of one account are open, too
_LONGEST_EXCERPT = 160  # characters on either side of a trigger

_DENIED = "denied"
_STATUS_TITLES = {
    "happened": "ترويه المقالات حدثًا وقع",
    "claimed": "يقولون إنه وقع",
    _DENIED: "ينفون وقوعه",
    "planned": "يتوقعونه أو لا يؤكدونه",
}
_PARTY_NAMES = {True: "طرف في الحدث", False: "ليس طرفًا في الحدث"}
_IN_DOUBT, _FIGURES, _DOER = "تضارب في الوقوع", "تضارب في الأعداد", "تضارب في الفاعل"


@dataclass(frozen=True)
class _Telling:
    """What one document says of an incident in one place; `outlet` is who says it where nobody is named."""

    document: Document
    event: Event
    outlet: str

    @property
    def claim(self) -> Claim:
        """Who says it, and whether it happened."""
        return self.event.claim or Claim()

    @cached_property
    def claimant(self) -> str:
        """A key of who says it: the same for all names of an actor."""
        claimant = self.claim.claimed_by
        if isinstance(claimant, Actor):
            return f"actor {claimant.id or claimant.name}"
        return f"words {claimant}" if claimant is not None else f"outlet {self.outlet}"

    @property
    def is_asserted(self) -> bool:
        """Whether it is said to have happened."""
        return self.claim.status not in (_DENIED, "planned")

    def arguments(self, role: str) -> list[tuple[Argument, Actor | None]]:
        """Return the arguments of a role, with the actors that they name."""
        actors = {entity.id: entity.actor for entity in self.document.entities}
        return [
            (argument, argument.actor or actors.get(argument.entity_id or ""))
            for argument in self.event.arguments
            if argument.role == role
        ]


class _Figure(NamedTuple):
    """A number of people harmed, and whose it is."""

    figure: Casualties
    whose: str

    @property
    def limits(self) -> tuple[float, float]:
        """The least and the most that it may mean."""
        figure = self.figure
        low = figure.best if figure.minimum is None else figure.minimum
        high = figure.best if figure.maximum is None and figure.minimum is None else figure.maximum
        return low or 0, math.inf if high is None else high


@dataclass(frozen=True)
class _Account:
    """An incident with all tellings of it."""

    incident: Incident
    tellings: Sequence[_Telling]

    @cached_property
    def n_claimants(self) -> int:
        """How many say something about it."""
        return len({telling.claimant for telling in self.tellings})

    @cached_property
    def figures(self) -> list[_Figure]:
        """Every figure of those who say that it happened, once for each of them."""
        found = (
            _Figure(figure, figure.source or telling.outlet)
            for telling in self.tellings
            if telling.claim.status != _DENIED
            for figure in telling.event.casualties
        )
        return sorted(dict.fromkeys(found), key=lambda each: (each.figure.kind, each.limits, each.whose))

    @cached_property
    def kinds_in_doubt(self) -> set[str]:
        """The kinds of harm of which two give figures that exclude each other."""
        by_kind: defaultdict[str, list[_Figure]] = defaultdict(list)
        for each in self.figures:
            by_kind[each.figure.kind].append(each)
        return {kind for kind, figures in by_kind.items() if _exclude(figures)}

    @cached_property
    def conflicts(self) -> list[str]:
        """What the accounts contradict each other in."""
        denied = {telling.claimant for telling in self.tellings if telling.claim.status == _DENIED}
        asserted = {telling.claimant for telling in self.tellings if telling.is_asserted}
        found = {
            _IN_DOUBT: bool(denied and asserted) and len(denied | asserted) > 1,
            _DOER: self._is_doer_in_doubt(),
            _FIGURES: bool(self.kinds_in_doubt),
        }
        return [name for name, is_found in found.items() if is_found]

    def _is_doer_in_doubt(self) -> bool:
        """Return whether two name those who did it from two sides."""
        claimants: dict[frozenset[str], set[str]] = {}
        for telling in self.tellings:
            sides = frozenset(actor.side for _, actor in telling.arguments("Agent") if actor and actor.side)
            if telling.is_asserted and sides:
                claimants.setdefault(sides, set()).add(telling.claimant)
        return any(
            one.isdisjoint(other) and len(claimants[one] | claimants[other]) > 1
            for one, other in combinations(claimants, 2)
        )


def _exclude(figures: Sequence[_Figure]) -> bool:
    """Return whether the figures of two do not overlap: one's least is above the other's most."""
    least, most = defaultdict[str, float](float), defaultdict[str, float](lambda: math.inf)
    for each in figures:
        low, high = each.limits
        least[each.whose], most[each.whose] = max(least[each.whose], low), min(most[each.whose], high)
    # Of two that contradict each other, one is among the two with the highest least, the other likewise.
    highest = sorted(least.items(), key=lambda item: -item[1])[:2]
    lowest = sorted(most.items(), key=lambda item: item[1])[:2]
    return any(one != other and low > high for one, low in highest for other, high in lowest)


def to_claims(documents: Iterable[Document]) -> str:
    """Return a page of the incidents of documents with who says what of each; those in doubt first.

    What documents leave open of times, places, actors, claims and figures is resolved.
    """
    accounts = _accounts(documents)
    in_doubt = [account for account in accounts if account.conflicts]
    certain = [account for account in accounts if not account.conflicts]
    groups = (
        ("روايات متضاربة", in_doubt),
        ("روايات من أكثر من جهة", [account for account in certain if account.n_claimants > 1]),
        ("رواية واحدة", [account for account in certain if account.n_claimants == 1]),
    )
    facts = {
        "الوقائع": len(accounts),
        "المتضاربة": len(in_doubt),
        "المقالات": len({telling.document.id for each in accounts for telling in each.tellings}),
        "القائلون": len({telling.claimant for account in accounts for telling in account.tellings}),
    }
    header = "".join(f"<div><dt>{name}</dt><dd>{count}</dd></div>" for name, count in facts.items())
    sections = []
    for name, group in groups:
        is_open = group is in_doubt or len(accounts) <= _FEW_INCIDENTS
        items = "".join(_account_html(account, is_open=is_open) for account in group)
        if group:
            sections.append(f"<section>\n<h2>{name} <small>{len(group)}</small></h2>\n{items}</section>")
    return page_html("من يقول ماذا", f"<dl>{header}</dl>", "\n".join(sections), *_STYLES)


def _accounts(documents: Iterable[Document]) -> list[_Account]:
    """Return the incidents in the order of their days, with their tellings in the order of documents."""
    distinct = {(document.id, document.text): document for document in documents}
    tellings: dict[tuple[str | None, str], _Telling] = {}
    told = []
    for number, document in enumerate(distinct.values(), start=1):
        outlet = document.source or document.title or document.id or f"مقال {number}"
        # Numbered, so that events are found again although two documents have one id.
        sentences = document.sentences or tuple(split_sentences(document.text))
        told.append(enrich(replace(document, id=f"{number:06}", sentences=sentences)))
        tellings |= {(told[-1].id, event.id): _Telling(told[-1], event, outlet) for event in told[-1].events}
    return [_Account(incident, [tellings[key] for key in incident.mentions]) for incident in merge(told)]


def _account_html(account: _Account, *, is_open: bool) -> str:
    """Return an incident as a list that opens without a script: what it is, and what each says of it."""
    incident = account.incident
    facts = (
        time_html(incident.time) if incident.time else "",
        place_name_html(incident.place) if incident.place else "",
        *(f'<span class="conflict">{name}</span>' for name in account.conflicts),
    )
    hue = hue_of(incident.type, load_ontology().event_labels)
    summary = " ".join(
        (
            label_html(incident.type, f"trigger hue{hue}"),
            *(f'<span class="fact">{fact}</span>' for fact in facts if fact),
            f'<span class="count">القائلون {account.n_claimants}</span>',
        )
    )
    voices = "".join(_voices_html(account, status) for status in _STATUS_TITLES)
    return (
        f"<details{' open' if is_open else ''}><summary>{summary}</summary>\n"
        f'<div class="voices">{voices}</div>{_figures_html(account)}</details>\n'
    )


def _voices_html(account: _Account, status: str) -> str:
    """Return all who give an incident this status, each with the words of it."""
    by_claimant: dict[str, list[_Telling]] = {}
    for telling in account.tellings:
        if (telling.claim.status or "happened") == status:
            by_claimant.setdefault(telling.claimant, []).append(telling)
    if not by_claimant:
        return ""
    items = list_html(map(_voice_html, by_claimant.values()))
    return f'<section class="voice {status}"><h3>{_STATUS_TITLES[status]}</h3>{items}</section>'


def _voice_html(tellings: Sequence[_Telling]) -> str:
    """Return one who speaks: name, side, whether a party; then what is said, where."""
    known = [telling.claim.claimed_by for telling in tellings]
    names = [_source_words(telling) for telling in tellings]
    name = max((name for name in names if name), key=len, default=tellings[0].outlet)
    actor = next((each for each in known if isinstance(each, Actor)), None)
    parties = [telling.claim.party for telling in tellings if telling.claim.party is not None]
    # Who is told to be a party once is one, though another sentence does not name its side.
    note = f'<small class="note">{_PARTY_NAMES[any(parties)]}</small>' if parties else ""
    quotes = list_html(dict.fromkeys(map(_quote_html, tellings)))
    known_as = "" if actor is None else f"<small>{actor_html(actor)}</small>"
    return f"<b>{isolate(name)}</b> {known_as} {note}{quotes}"


def _source_words(telling: _Telling) -> str | None:
    """Return how the text calls who says it."""
    claimant = telling.claim.claimed_by
    if not isinstance(claimant, Actor):
        return claimant
    named = [argument.text for argument, actor in telling.arguments("Source") if actor == claimant]
    return max(named, key=len, default=claimant.name)


def _quote_html(telling: _Telling) -> str:
    """Return the sentence of an event with its trigger marked, the document's name, and who did it."""
    document, trigger = telling.document, telling.event.trigger
    start, end = next(
        (span for span in document.sentences if span[0] <= trigger.start < span[1]),
        (trigger.start, trigger.end),
    )
    first = max(start, trigger.start - _LONGEST_EXCERPT)
    last = max(trigger.end, min(end, trigger.end + _LONGEST_EXCERPT))
    hue = hue_of(telling.event.type, load_ontology().event_labels)
    before, after = document.text[first : trigger.start], document.text[trigger.end : last]
    words = (
        f"{'… ' if first > start else ''}{escape(before.lstrip())}"
        f'<mark class="trigger hue{hue}">{escape(trigger.text)}</mark>'
        f"{escape(after.rstrip())}{' …' if last < end else ''}"
    )
    doers = "، ".join(dict.fromkeys(isolate(argument.text) for argument, _ in telling.arguments("Agent")))
    origin = [isolate(document.title or telling.outlet)]
    origin += [value_html(document.published.isoformat())] if document.published else []
    origin += [f"الفاعل: {doers}"] if doers else []
    return f'<q><bdi>{words}</bdi></q><small class="from">{" · ".join(origin)}</small>'


def _figures_html(account: _Account) -> str:
    """Return the figures by kind; those that exclude others are marked."""
    items = []
    for figure, whose in account.figures:
        text = casualties_html(figure if figure.source else replace(figure, source=whose))
        is_in_doubt = figure.kind in account.kinds_in_doubt
        items.append(f'{text} <span class="conflict">متضارب</span>' if is_in_doubt else text)
    return f'<section class="figures"><h3>الأعداد</h3>{list_html(items)}</section>' if items else ""
