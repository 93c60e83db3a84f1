"""Count who was harmed: a `Document` comes in, its Kill, Injure, Detain and Displace events get figures.

A figure is minimum, best and maximum: سبعة says all three, نحو 400 the best, أكثر من 40 the minimum. It is
read from the event's Quantity arguments; without one, from the number that nouns and verbs carry in Arabic
(قتيلان is two, مقتل جندي is one). Parts of one event are added up (8 جنود و14 جهاديا), parts of a part are
not (22 شخصا بينهم 7 أطفال). The figures also go to the attack of the same sentence that caused them.
"""

import re
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterator
from itertools import zip_longest

from libyaevents.documents import Argument, Casualties, Document, Event
from libyaevents.enrich.arabic import fold, proclitic_readings, word_set
from libyaevents.enrich.figures import (
    SEVERAL,
    Figure,
    add_figures,
    bound_figure,
    counted_before,
    fold_words,
    is_families,
    is_people,
    is_plural,
    noun_number,
    read_figure,
)
from libyaevents.records import fill

__all__ = ["count_casualties"]

_KINDS = {"Kill": "killed", "Injure": "injured", "Detain": "detained", "Displace": "displaced"}
_CAUSES = frozenset({"Attack", "AirStrike", "Shelling", "Bombing", "Clash"})
# Detention and flight are not what an attack counts as its own.
_CAUSED = frozenset({"Kill", "Injure"})

# How far from a number its modifier may stand, in characters: شخصا من المدنيين والعسكريين على الأقل.
_REACH = 48
# So much between two parts of an event is looked at.
_LONGEST_GAP = 480
# بين قتيل وجريح is looked for this far around either of the two.
_SHARED_REACH = 12
# So many causes of a sentence are tried, nearest first: 10,000 events in one sentence stay linear.
_NEAREST = 4

_CLAUSE_END = re.compile(r"[،؛,;:!؟?\n]|\.(?!\d)")
_PART_OF = re.compile(
    r"(?:^|[\s،(\"«])\s*[وف]?(?:(?:من )?(?:بين|ضمن|من|معظم|أغلب|غالبيت|نصف|جل|أحد)(?:هما|هم|هن|ها|ه)(?!\w)"
    r"|بمن في|بما في)"
)
# أربعة منهم are some of those told of before; أربعة بينهم طفل are four.
_OUT_OF = re.compile(r"\s{0,2}من(?: بين| ضمن)?(?:هما|هم|هن|ها|ه)(?!\w)")
_AMONG = re.compile(r"(?:^|\s)[وف]?(?:من )?(?:بين|ضمن)\s*$")
# Between a number and what it does not count: مقتل ثلاثة في الحي وطفل.
_SEPARATE = re.compile(r"[،,؛(]|(?:^|\s)و")
# ثلاثة … عشرة count a plural, what is more a singular.
_MOST_OF_PLURAL = 10

# A plural without a number is two at least.
_PLURAL = Figure(minimum=2)

_NAME_OF_ONE = "PERSON"
_NAMES_OF_MANY = frozenset({"MILITARY", "ORG", "GPE", "LOC", "FAC"})
_SHORTEST_WITH_PRONOUN = 4
_DUAL_VERBS = word_set(
    "قتلا اصيبا اغتيلا اعتقلا اختطفا خطفا توفيا قضيا احتجزا اقتيدا جرحا استشهدا اوقفا لقيا سقطا اعدما"
    " لفظا ماتا فرا نزحا هجرا اسرا سجنا دهسا فارقا هلكا صرعا قتلتا اصيبتا لفظتا توفيتا خطفتا نزحتا"
)
_VICTIMS = word_set("قتيل جريح شهيد جثه جثمان مصاب اسير سجين معتقل محتجز موقوف مختطف نازح لاجي مهجر وفاه")
_DEAD_OR_WOUNDED = re.compile(r"بين (?:قتيل|صريع|شهيد|جريح|مصاب) و(?:قتيل|صريع|شهيد|جريح|مصاب)")


def count_casualties(document: Document) -> Document:
    """Return the document with the `casualties` of its events filled.

    Kill, Injure, Detain and Displace get figures of their own, an attack those of the Kill and Injure of its
    sentence, where it is the nearest attack with the same factuality and no other place. Negated events have
    none, and an event that has figures already keeps them.
    """
    reader = _Reader(document)
    counted = {event.id: event.casualties or reader.read(event) for event in document.events}
    given = {event.id for event in document.events if event.casualties}
    for cause, harm in _caused(document, reader):
        if cause.id not in given:
            counted[cause.id] = tuple(dict.fromkeys((*counted[cause.id], *counted[harm.id])))
    events = [fill(event, casualties=counted[event.id]) for event in document.events]
    return fill(document, events=tuple(events))


class _Reader:
    """Reads the figure of one event after another of a document."""

    def __init__(self, document: Document) -> None:
        self.text = document.text
        self.sentences = document.sentences or ((0, len(document.text)),)
        self.starts = [start for start, _ in self.sentences]
        self.labels = {entity.id: entity.label for entity in document.entities}
        arguments = (argument for event in document.events for argument in event.arguments)
        quantities = {argument.start for argument in arguments if argument.role == "Quantity"}
        # A modifier that stands behind one of these belongs to it: 12 قتيلا و30 جريحا على الأقل.
        self.borders = sorted(quantities | {event.trigger.start for event in document.events})

    def sentence_at(self, position: int) -> int:
        """Return the index of the sentence that a position is in or behind."""
        return max(bisect_right(self.starts, position) - 1, 0)

    def read(self, event: Event) -> tuple[Casualties, ...]:
        """Return the figure of an event; none where it harms nobody or no number is told."""
        if event.type not in _KINDS or event.factuality == "negated":
            return ()
        figure = self._figure(event)
        if figure is None:
            return ()
        source = next((argument.text for argument in event.arguments if argument.role == "Source"), None)
        return (Casualties(kind=_KINDS[event.type], **figure._asdict(), source=source),)

    def _figure(self, event: Event) -> Figure | None:
        trigger = event.trigger
        before = self._before(trigger.start)
        around = self.text[max(trigger.start - _SHARED_REACH, 0) : trigger.end + _SHARED_REACH]
        is_shared = _DEAD_OR_WOUNDED.search(fold(around)) is not None
        if not is_shared and _AMONG.search(before):
            return None
        if not any(argument.role == "Quantity" for argument in event.arguments):
            number = _trigger_number(event)
            if number:
                return bound_figure(number, fold_words(before), fold_words(self._behind(trigger.end)))
        figures = self._figures(event)
        if not figures:
            return _PLURAL if is_plural(trigger.text) else None
        total = add_figures(figures)
        if not is_shared:
            return total
        # Of twenty dead and wounded all may be dead; dozens tell of neither.
        most = total.maximum or total.best
        return Figure(maximum=most) if most else None

    def _figures(self, event: Event) -> list[Figure]:
        """Return the figure of each part of those harmed, until parts of a part begin."""
        figures: list[Figure] = []
        plurals = 0
        previous: Argument | None = None
        counted: Figure | None = None
        for part, following in _parts(event):
            gap = self._gap(event, previous, part)
            is_out_of = _OUT_OF.match(self.text, part.end) is not None
            if is_out_of and counted is None and self._is_told_before(event, previous, part):
                figures, plurals, is_out_of = [], 0, False
            is_subset = is_out_of or _PART_OF.search(gap) is not None
            if is_subset and (figures or plurals):
                break
            is_number = part.role == "Quantity"
            if is_number or not self._is_counted(part, previous, following, counted):
                figure = self._number(event, part) if is_number else self._people(event, part)
                counted = figure if is_number else counted
                plurals += figure is _PLURAL
                if figure and figure is not _PLURAL:
                    figures.append(Figure(minimum=figure.best or figure.minimum) if is_subset else figure)
            previous = part
        # What is joined to a number without one of its own is often counted with it: 14 من الجيش ومسلحين.
        return figures if counted else figures + [_PLURAL] * plurals

    def _is_told_before(self, event: Event, previous: Argument | None, part: Argument) -> bool:
        """Whether a part is taken from people told of before, who are not those harmed.

        أمطروا المتظاهرين بالرصاص فأردوا أربعة منهم: four are, of any number.
        """
        if previous is None or previous.end > event.trigger.start:
            return False
        return any(map(str.isalnum, self._between(previous.end, part.start)))

    def _gap(self, event: Event, previous: Argument | None, part: Argument) -> str:
        """Return what stands before a part, from the one before it or the trigger, whichever is nearer."""
        ends = [item.end for item in (previous, event.trigger) if item and item.end <= part.start]
        return self._between(max(ends), part.start) if ends else ""

    def _between(self, start: int, end: int) -> str:
        """Return the text between two parts, of a long one the end: 10,000 far apart stay linear."""
        return self.text[max(start, end - _LONGEST_GAP) : end]

    def _number(self, event: Event, part: Argument) -> Figure | None:
        """Return the figure of a Quantity, `None` where it is not of people."""
        behind = self._behind(part.end, event.trigger.start)
        if not is_people(behind):
            return None
        figure = read_figure(self._before(part.start), part.text, behind)
        if figure and (is_families(behind) or any(is_families(patient.text) for patient in _patients(event))):
            return Figure(minimum=figure.minimum or figure.best or figure.maximum)
        return figure

    def _people(self, event: Event, part: Argument) -> Figure | None:
        """Return the figure of a Patient that no number counts."""
        before, behind = self._before(part.start), self._behind(part.end, event.trigger.start)
        label = self.labels.get(part.entity_id or "")
        figure = read_figure(before, part.text, behind, at_start=True) or counted_before(before)
        if figure or label in _NAMES_OF_MANY:
            return figure
        number = 1 if label == _NAME_OF_ONE else noun_number(part.text)
        if number in (0, SEVERAL) and _is_dual(event):
            number = 2
        if number == SEVERAL:
            return _PLURAL
        return bound_figure(number, fold_words(before), fold_words(behind)) if number else None

    def _is_counted(
        self, part: Argument, previous: Argument | None, following: Argument | None, counted: Figure | None
    ) -> bool:
        """Whether a Patient is what a number beside it counts: أطفالها الستة، ثلاثين جنديا وشرطيا."""
        if following and following.role == "Quantity" and following.start >= part.end:
            gap = self._between(part.end, following.start)
            if not gap.strip() and not fold(following.text).startswith("و"):
                return True
        if previous is None or counted is None:
            return False
        gap = self._between(previous.end, part.start)
        if previous.role == "Quantity":
            return previous.end >= part.start or not _SEPARATE.search(gap + part.text[:1])
        # Behind eleven and more the counted noun is singular, and so is what is joined to it.
        return not gap.strip() and max(filter(None, counted)) > _MOST_OF_PLURAL

    def _before(self, position: int) -> str:
        """Return the text of the clause before a position, as far as a modifier may stand."""
        start = max(self.starts[self.sentence_at(position)], position - _REACH)
        return _CLAUSE_END.split(self.text[start:position])[-1] if start < position else ""

    def _behind(self, position: int, skipped: int = -1) -> str:
        """Return the text of the clause behind a position, up to the next number or trigger but `skipped`."""
        end = min(self.sentences[self.sentence_at(position - 1)][1], position + _REACH)
        index = bisect_left(self.borders, position)
        while index < len(self.borders) and self.borders[index] == skipped:
            index += 1
        if index < len(self.borders):
            end = min(end, self.borders[index])
        return _CLAUSE_END.split(self.text[position:end])[0] if position < end else ""


def _parts(event: Event) -> Iterator[tuple[Argument, Argument | None]]:
    """Yield numbers and Patients in the order of the text, each with the next one."""
    wanted = (part for part in event.arguments if part.role in ("Quantity", "Patient"))
    parts = sorted(wanted, key=lambda part: (part.start, part.end, part.role))
    yield from zip_longest(parts, parts[1:])


def _patients(event: Event) -> list[Argument]:
    return [argument for argument in event.arguments if argument.role == "Patient"]


def _trigger_number(event: Event) -> int | None:
    """Return the number that a trigger tells by itself: قتيلان is two; جثة, مقتله one without a Patient."""
    word = (fold_words(event.trigger.text) or [""])[0]
    stems = {reading.stem for reading in proclitic_readings(word)} if word else set()
    if any(
        stem.endswith(("ان", "ين")) and {stem[:-2], stem[:-2].removesuffix("ت") + "ه"} & _VICTIMS
        for stem in stems
    ):
        return 2 if noun_number(word) == 2 else None
    if _patients(event):
        return None
    if _is_dual(event):
        return 2
    if any(stem in _VICTIMS or stem.removesuffix("ا") in _VICTIMS for stem in stems):
        return 1
    # A typing error for ة (إصابه) is read as a possessive; fold() cannot tell, the text can.
    is_possessive = event.trigger.text.endswith("ه") and len(word) > _SHORTEST_WITH_PRONOUN
    return 1 if is_possessive else None


def _is_dual(event: Event) -> bool:
    """Whether a verb or a possessive says that two are harmed: قُتلا, مصرعهما."""
    words = fold_words(event.trigger.text)
    return any(word.endswith("هما") for word in words) or any(
        reading.stem in _DUAL_VERBS for word in words[:1] for reading in proclitic_readings(word)
    )


def _caused(document: Document, reader: _Reader) -> Iterator[tuple[Event, Event]]:
    """Yield an attack and the Kill or Injure that it caused, in the order of the text."""
    places = _places(document)
    causes: dict[int, list[Event]] = defaultdict(list)
    harms: list[tuple[int, Event]] = []
    for event in sorted(document.events, key=lambda event: event.trigger.start):
        sentence = reader.sentence_at(event.trigger.start)
        if event.type in _CAUSES:
            causes[sentence].append(event)
        elif event.type in _CAUSED and event.factuality != "negated":
            harms.append((sentence, event))
    starts = {sentence: [event.trigger.start for event in events] for sentence, events in causes.items()}
    for sentence, harm in harms:
        middle = bisect_left(starts.get(sentence, ()), harm.trigger.start)
        near = causes[sentence][max(middle - _NEAREST, 0) : middle + _NEAREST]
        near.sort(key=lambda cause: (abs(cause.trigger.start - harm.trigger.start), cause.trigger.start))
        for cause in near:
            if cause.factuality == harm.factuality and not _contradict(places[cause.id], places[harm.id]):
                yield cause, harm
                break


def _places(document: Document) -> dict[str, frozenset[str]]:
    """Return the places of each event: their names, with and without what may be attached to them."""
    cores = {entity.id: entity.core or (entity.start, entity.end) for entity in document.entities}
    return {
        event.id: frozenset(
            reading.stem
            for argument in event.arguments
            if argument.role == "Place"
            for reading in proclitic_readings(
                fold(
                    document.text[slice(*cores.get(argument.entity_id or "", (argument.start, argument.end)))]
                )
            )
        )
        for event in document.events
    }


def _contradict(places: frozenset[str], others: frozenset[str]) -> bool:
    return bool(places) and bool(others) and not places & others
