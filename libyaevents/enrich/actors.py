"""Resolve who is meant: a `Document` comes in, its entities and arguments get the `Actor` that they name.

A mention is looked up in the table by name, sort (a person, a state, a group) and day; then, inside the
document, short names, bare nouns, typos and possessed nouns are led back to what they repeat. Two candidates
are no answer: such a mention stays without an actor.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import cache, partial

from libyaevents.documents import Actor, Argument, Document, Entity, Event
from libyaevents.enrich.actor_memory import (
    Phrases,
    Spellings,
    identity_of,
    in_one_clause,
    is_private,
    is_state_that_acts,
)
from libyaevents.enrich.actor_names import (
    FORCES,
    Possession,
    forces_of,
    head_of,
    is_common_name,
    is_definite,
    look_up,
    name_readings,
    possession,
    spoken_for,
    without_titles,
)
from libyaevents.enrich.actor_rows import Naming, Period, name_key
from libyaevents.enrich.actor_table import ActorTable, load_actors
from libyaevents.enrich.actor_uses import PLACE_ROLES, Use, period_of, uses_of
from libyaevents.enrich.arabic import proclitic_readings
from libyaevents.records import fill

__all__ = ["ActorTable", "resolve_actors"]

_PERSON, _STATE, _PEOPLE, _FORCE, _OFFICE = "PERSON", "GPE", "NORP", "MILITARY", "TITLE"
_LABELS = frozenset({_PERSON, _STATE, _PEOPLE, "ORG", _FORCE})
_PHRASES = frozenset({"ORG", _FORCE})
_PROPER = _PHRASES | {_PERSON}
_ACTING_ROLES = frozenset({"Agent", "Patient", "Counterpart", "Source"})

_CIVILIAN, _UNIDENTIFIED, _OURS = "7", "unidentified", "نا"
_STATE_CODE_LENGTH = 3
_FEMININE_NAMES = frozenset({"حماس", "طالبان", "قسد", "برخان", "فاغنر"})
_INANIMATE_PLURALS = ("ات", "كتايب", "سرايا", "مليشيا")

# So many mentions before a possessed noun are looked at, and entities in an argument: the work stays linear.
_NEAREST = 16
_LONGEST_SHORT_NAME = 3
_CONTEXT = 48


def resolve_actors(document: Document, *, table: ActorTable | None = None) -> Document:
    """Return the document with the `actor` of its entities, and of arguments that are no entity, filled.

    An actor that is there already is kept. Without a table the packaged one is used; `ActorTable.read` reads
    another. The day of a mention is that of its event, else of publication.
    """
    resolver = _Resolver(document, table or load_actors())
    resolver.resolve_entities()
    entities = [fill(entity, actor=resolver.actors[entity.id]) for entity in document.entities]
    events = [
        fill(event, arguments=tuple(resolver.resolve_argument(event, item) for item in event.arguments))
        for event in document.events
    ]
    return fill(document, entities=tuple(entities), events=tuple(events))


class _Resolver:
    """Resolves the mentions of one document; `actors` is by entity id."""

    def __init__(self, document: Document, table: ActorTable) -> None:
        self.document = document
        self.table = table
        self.look_up = cache(partial(look_up, table))  # names come again and again
        self.published = Period(document.published, document.published) if document.published else None
        self.keys = {entity.id: name_key(_core(document, entity)) for entity in document.entities}
        self.actors = {entity.id: entity.actor for entity in document.entities}
        self.people = {self.keys[entity.id] for entity in document.entities if entity.label == _PERSON}
        self.countries = {entity.place.country for entity in document.entities if entity.place}
        self.names_forces = any(entity.label == _FORCE for entity in document.entities)
        self.short_names: set[str] = set()
        self.phrases = Phrases()
        self.entities = {entity.id: entity for entity in document.entities}
        self.ordered = sorted(document.entities, key=lambda entity: entity.start)
        self.entity_starts = [entity.start for entity in self.ordered]
        self.sentence_starts = [start for start, _ in document.sentences]
        self.uses = uses_of(document, self.ordered)

    def resolve_entities(self) -> None:
        """Fill `actors`: names first, then what repeats a name of the document."""
        private = self._private_names()
        for entity in self.ordered:
            if entity.actor is None and entity.label in _LABELS:
                is_namesake = entity.label == _PERSON and without_titles(self.keys[entity.id]) in private
                naming = None if is_namesake else self._name(entity)
                self.actors[entity.id] = naming.actor if naming else None
        self._resolve_people()
        self._resolve_phrases()
        self._resolve_typos()
        for entity in self.ordered:
            if entity.label == _OFFICE and entity.actor is None:
                self.actors[entity.id] = self._spoken_for(self.keys[entity.id], self._use(entity).when)

    def resolve_argument(self, event: Event, argument: Argument) -> Argument:
        """Return the argument with its actor where it takes part in the event and is no entity."""
        if argument.actor or argument.entity_id is not None or argument.role not in _ACTING_ROLES:
            return argument
        key = name_key(argument.text)
        possessed = possession(key)
        if possessed:
            actor = self._owner_of(possessed, event, argument.start)
        else:
            when = period_of(event) or self.published
            actor = self._inside(argument, key) or self._phrase(key, when) or self._spoken_for(key, when)
        return fill(argument, actor=actor)

    def _owner_of(self, possessed: Possession, event: Event, position: int) -> Actor | None:
        """Return whose the possessed are; forces are those of the possessor where the table has them."""
        if possessed.pronoun == _OURS:
            return self._speaker(event)
        owner = self._possessor(position, possessed.pronoun)
        return forces_of(self.table, owner) if owner and possessed.is_armed else owner

    def _use(self, entity: Entity) -> Use:
        return self.uses.get(entity.id) or Use(frozenset(), self.published)

    def _name(self, entity: Entity) -> Naming | None:
        use = self._use(entity)
        naming = self.look_up(self.keys[entity.id], entity.label, use.when)
        if naming is None or (entity.label in _PHRASES and self._is_elsewhere(naming)):
            return None
        if entity.label != _STATE or use.roles & _ACTING_ROLES:
            return naming
        if use.roles & PLACE_ROLES or (naming.is_place and not self._acts(entity)):
            return None
        return naming

    def _is_elsewhere(self, naming: Naming) -> bool:
        """Return whether a name that many countries have is told of none of the places of the document."""
        is_told = not self.countries or not naming.country or naming.country in self.countries
        return not is_told and is_common_name(naming.key)

    def _acts(self, entity: Entity) -> bool:
        """Return whether words around a city, or a state before it, show that it acts: قالت أنقرة وموسكو."""
        index = bisect_left(self.entity_starts, entity.start)
        last = self.ordered[index - 1] if index else None
        between = self.document.text[last.end : entity.start] if last else ""
        if last and last.label == _STATE and self.actors[last.id] and not between.strip():
            return True
        return is_state_that_acts(*self._around(entity))

    def _private_names(self) -> set[str]:
        """Return the names that the document gives to private persons: الخباز محمد الحداد."""
        found = set()
        people = [entity for entity in self.ordered if entity.label == _PERSON]
        for last, entity, following in zip([None, *people], people, [*people[1:], None], strict=False):
            before, behind = self._around(entity)
            # What stands beyond another person is said of that one.
            before = (
                before[-max(entity.start - last.end, 0) :] if last and last.end < entity.start else before
            )
            behind = behind[: max(following.start - entity.end, 0)] if following else behind
            if is_private(before, behind):
                found.add(without_titles(self.keys[entity.id]))
        return found

    def _around(self, entity: Entity) -> tuple[str, str]:
        """Return the words before and behind an entity, in its sentence."""
        index = bisect_right(self.sentence_starts, entity.start) - 1
        first, end = self.document.sentences[index] if index >= 0 else (0, len(self.document.text))
        first, end = max(first, entity.start - _CONTEXT), min(end, entity.end + _CONTEXT)
        return self.document.text[first : entity.start], self.document.text[entity.end : end]

    def _resolve_people(self) -> None:
        """Give short names the actor of their full name; none where that is unknown or two names fit."""
        people = [entity for entity in self.document.entities if entity.label == _PERSON]
        names = {entity.id: self._person_name(entity) for entity in people}
        bearers: defaultdict[str, dict[str, Actor | None]] = defaultdict(dict)
        for entity in people:
            words = names[entity.id].split()
            actor = self.actors[entity.id]
            identity = identity_of(actor, names[entity.id])
            for short in _short_names(words):
                bearers[short][identity] = actor
        self.short_names = set(bearers)
        for entity in people:
            candidates = bearers.get(names[entity.id])
            if candidates and entity.actor is None:
                self.actors[entity.id] = next(iter(candidates.values())) if len(candidates) == 1 else None

    def _person_name(self, entity: Entity) -> str:
        """Return a person's key without titles, and without proclitics where the rest is a name known."""
        key = without_titles(self.keys[entity.id])
        for name in name_readings(key):
            if self.table.knows(name, is_person=True) or (name != key and name in self.people):
                return name
        return key

    def _resolve_phrases(self) -> None:
        """Lead short names of bodies back to longer ones: الجيش الليبي to الجيش الوطني الليبي."""
        bodies = [entity for entity in self.document.entities if entity.label in _PHRASES]
        for entity in bodies:
            actor = self.actors[entity.id]
            # قوات الأمن may be anyone's: القوات behind it is not led back to it.
            known = actor if actor and not self._is_generic(actor) else None
            self.phrases.add(self.keys[entity.id], known)
        for entity in self.document.entities:
            actor = self.actors[entity.id]
            if actor:
                self.phrases.add_kinds(self.keys[entity.id], self.table.namings_of(actor), actor)
        names = sorted({self.keys[entity.id] for entity in bodies}, key=lambda key: (-key.count(" "), key))
        repeated = {key: self._repeated(key) for key in names}
        for entity in bodies:
            actor = self.actors[entity.id]
            if entity.actor is None and (actor is None or self._is_generic(actor)):
                self.actors[entity.id] = repeated[self.keys[entity.id]] or actor

    def _resolve_typos(self) -> None:
        """Give names one letter away from a resolved name of the document its actor: حقتر beside حفتر."""
        known = {is_person: Spellings() for is_person in (False, True)}
        for entity in self.document.entities:
            actor = self.actors[entity.id]
            if actor and entity.label in _PROPER:
                known[entity.label == _PERSON].add(self.keys[entity.id], actor)
        for entity in self.document.entities:
            is_open = self.actors[entity.id] is None and entity.label in _PROPER
            if is_open and self.keys[entity.id] not in self.short_names:
                self.actors[entity.id] = known[entity.label == _PERSON].find(self.keys[entity.id])

    def _is_generic(self, actor: Actor) -> bool:
        """Return whether an actor is a kind of people in any country: the police, civilians."""
        return any(naming.is_generic for naming in self.table.namings_of(actor))

    def _phrase(self, key: str, when: Period | None) -> Actor | None:
        """Return the actor of a noun phrase: by its own name, else by the one body that it repeats."""
        naming = self.look_up(key, None, when)
        if naming and not naming.is_generic:
            return naming.actor
        if naming and naming.actor.side == _UNIDENTIFIED and is_definite(naming.key) and self.names_forces:
            # المسلحون are those told of before, where a text names any.
            naming = None
        return self._repeated(key) or (naming.actor if naming else None)

    def _spoken_for(self, key: str, when: Period | None) -> Actor | None:
        """Return the body that a phrase speaks for: المتحدث باسم قوات حفتر, مصدر في قوات الوفاق."""
        body = spoken_for(key)
        actor = self._phrase(body, when) if body else None
        # مصدر في تركيا may be anybody there.
        return None if actor is None or len(actor.code or "") == _STATE_CODE_LENGTH else actor

    def _repeated(self, key: str) -> Actor | None:
        """Return the actor of a longer name that the key repeats, or that its owner does: قوات الجيش."""
        first, _, owner = key.partition(" ")
        found = self.phrases.find(key)
        if found is None and owner and any(reading.stem in FORCES for reading in proclitic_readings(first)):
            found = self.phrases.find(owner)
        return found

    def _inside(self, argument: Argument, key: str) -> Actor | None:
        """Return the one actor named in a phrase for forces: عناصر من تنظيم الدولة."""
        first = bisect_left(self.entity_starts, argument.start)
        inside = [item for item in self.ordered[first : first + _NEAREST] if item.end <= argument.end]
        whole = [item for item in inside if (item.start, item.end) == (argument.start, argument.end)]
        if whole:
            return self.actors[whole[0].id]
        if not any(reading.stem in FORCES for reading in proclitic_readings(key.split(" ", 1)[0])):
            return None
        # In القوات الروسية والسورية the second people is an owner too.
        peoples = [item for item in inside if item.label == _PEOPLE and item.text.startswith("و")]
        owners = {self._owner(item) for item in inside if item.label in _PROPER or item in peoples}
        return owners.pop() if len(owners) == 1 else None

    def _owner(self, entity: Entity) -> Actor | None:
        """Return the forces of an entity's actor: of a person those of the side that it stands for."""
        actor = self.actors[entity.id]
        return forces_of(self.table, actor) if actor else None

    def _speaker(self, event: Event) -> Actor | None:
        """Return the side of the one who says an event: قواتنا are those of whom the speaker stands for."""
        ids = {item.entity_id for item in event.arguments if item.role == "Source" and item.entity_id}
        owners = {self._owner(self.entities[entity_id]) for entity_id in ids}
        return owners.pop() if len(owners) == 1 else None

    def _possessor(self, position: int, pronoun: str) -> Actor | None:
        """Return the last actor before `position` that the pronoun may mean, in this sentence or the last.

        Two that stand in one clause are no answer: اتهم حفتر السراج.
        """
        sentence = bisect_right(self.sentence_starts, position) - 1
        end = bisect_left(self.entity_starts, position)
        for index in (sentence, sentence - 1):
            start = self.sentence_starts[index] if index >= 0 else 0
            first = max(bisect_left(self.entity_starts, start), end - _NEAREST)
            owners = [item for item in self.ordered[first:end] if self._may_possess(item, pronoun)]
            if owners or index <= 0:
                return None if not owners or self._has_rival(owners) else self.actors[owners[-1].id]
            end = first
        return None

    def _has_rival(self, owners: Sequence[Entity]) -> bool:
        """Return whether the last of these stands in one clause with another actor of them."""
        last = owners[-1]
        return any(
            self._identity(item) != self._identity(last)
            and in_one_clause(self.document.text[item.end : last.start])
            for item in owners[-2:-1]
        )

    def _identity(self, entity: Entity) -> str:
        return identity_of(self.actors[entity.id], self.keys[entity.id])

    def _may_possess(self, entity: Entity, pronoun: str) -> bool:
        """Return whether the pronoun agrees: ه with a man or an army, ها with a state, هم with many."""
        actor = self.actors[entity.id]
        # A broadcaster or an aid agency has no forces, and a place that is no actor has none.
        if actor.kind == _CIVILIAN if actor else entity.label not in _PROPER:
            return False
        if entity.label in _PHRASES:
            return pronoun in ("هم", "ها" if _is_feminine(self.keys[entity.id]) else "ه")
        return pronoun == {_PERSON: "ه", _STATE: "ها", _PEOPLE: "هم"}.get(entity.label)


def _short_names(words: Sequence[str]) -> Iterator[str]:
    """Yield the last words of a full name, then the first: حفتر, سيف الإسلام."""
    for count in range(1, min(len(words) - 1, _LONGEST_SHORT_NAME) + 1):
        yield " ".join(words[-count:])
        yield " ".join(words[:count])


def _is_feminine(key: str) -> bool:
    head = head_of(key)
    return head in _FEMININE_NAMES or head.endswith(("ه", *_INANIMATE_PLURALS))


def _core(document: Document, entity: Entity) -> str:
    start, end = entity.core or (entity.start, entity.end)
    # للحكومة without its ل would be حكومة, but it is الحكومة.
    is_article = start > entity.start and document.text.startswith("لل", start - 1)
    return document.text[start - is_article : end]
