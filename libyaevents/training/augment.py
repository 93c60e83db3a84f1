"""Vary annotated documents for training: other names in the mentions, typing errors in the words.

In: gold documents. Out: documents whose annotation is the same, moved to where its words now stand. What
other stages derived from the text (cores, places, actors, times, claims, casualties) is left out of them.
"""

import dataclasses
import logging
import re
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import accumulate
from random import Random
from typing import Any

from libyaevents.documents import Argument, Document, Entity, Event, Trigger
from libyaevents.errors import ConfigError
from libyaevents.training.corpus import text_hash
from libyaevents.words import Span, split_sentences, split_words

__all__ = ["Augmenter"]

logger = logging.getLogger(__name__)

# Types whose mentions are names that any other of their type can stand for. Dates, quantities, titles and
# nationalities agree with the words around them; the weapon decides between AirStrike, Shelling and Bombing.
REPLACED = ("PERSON", "ORG", "MILITARY", "GPE", "LOC", "FAC", "NAMED_EVENT")

# A mention or a name that starts and ends with these is cut off from its surroundings as the one before was.
_NAME = re.compile(r"[ء-غف-ي](?:[^\n]*[ء-غف-\u0652])?")

_PROCLITICS = re.compile(r"[وف]?[بلك]?")
_PROCLITIC_LETTERS = "وفبلك"

# A word that starts mentions in as many documents and looks as if it had a proclitic has none.
SURE = 3

_TYPED = re.compile(r"[ء-غف-ي]{4,}")
_CONFUSED: Mapping[str, Sequence[str]] = {
    **{"ق": "ف", "ف": "ق", "ز": "ر", "ر": "ز", "ذ": "د", "د": "ذ", "ت": "ث", "ث": "ت", "ظ": "ض", "ض": "ظ"},
    **{"أ": "اإ", "إ": "اأ", "آ": "اأ", "ؤ": "و", "ئ": "ي", "ء": ("",)},
}
_CONFUSED_AT_END = {"ة": "ه", "ه": "ة", "ى": "ي", "ي": "ى"}

_Edit = tuple[int, int, str]  # what stands from start to end becomes this


class Augmenter:
    """Makes variants of documents out of the names of a corpus.

    Args:
        documents: Their mentions are the names that are drawn, each distinct one with equal chance.
        names: More names by entity type, without attached clitics.
        replace: Chance of a name to be replaced, wherever the document has it, by one other name.
        noise: Chance of a run of four or more Arabic letters to get one typing error.

    Raises:
        ConfigError: A chance is none, or a type's mentions are not replaced.
    """

    def __init__(
        self,
        documents: Iterable[Document],
        *,
        names: Mapping[str, Sequence[str]] | None = None,
        replace: float = 0.3,
        noise: float = 0.02,
    ) -> None:
        for name, chance in (("replace", replace), ("noise", noise)):
            if not 0 <= chance <= 1:
                raise ConfigError(f"{name} is {chance}; expected a chance from 0 to 1")
        self.replace, self.noise = replace, noise
        mentions: dict[str, Counter[str]] = {label: Counter() for label in REPLACED}
        for document in documents:
            for label, text in {(entity.label, entity.text) for entity in _replaceable(document)}:
                mentions[label][text] += 1
        added = {label: _usable(label, given) for label, given in (names or {}).items()}
        self._names = {label: _Names(counts, added.get(label, ())) for label, counts in mentions.items()}

    def augment(self, document: Document, seed: int | tuple[int, ...]) -> Document:
        """Return a variant, the same one for the same document and seed; other documents vary independently.

        All occurrences of a name in the document get the same new name, behind the clitics that they had
        (وبسرت → وببنغازي). Mentions keep their names where they share words with a trigger, where another
        annotation holds a part of them, and where the first letter of a rare word may be a clitic or not.
        """
        random = Random(f"{seed} {text_hash(document)}")
        renamed = _rewrite(document, self._renamings(document, random))
        return _rewrite(renamed, _typing_errors(renamed, self.noise, random))

    def _renamings(self, document: Document, random: Random) -> list[_Edit]:
        chosen: dict[tuple[str, str], str] = {}
        edits: dict[Span, str] = {}
        for entity in _replaceable(document) if self.replace else ():
            names = self._names[entity.label]
            parts = names.split(entity.text)
            if parts is None or not names.bare:
                continue
            clitics, name = parts
            if (entity.label, name) not in chosen:
                is_replaced = random.random() < self.replace
                chosen[entity.label, name] = random.choice(names.bare) if is_replaced else name
            if (new := chosen[entity.label, name]) != name:
                edits[entity.start, entity.end] = _attach(clitics, new)
        return [(*span, text) for span, text in sorted(edits.items())]


class _Names:
    """The names of one type, and how many documents have a mention that starts with a word."""

    def __init__(self, mentions: Counter[str], added: Collection[str]) -> None:
        self.seen: Counter[str] = Counter()
        for mention, count in mentions.items():
            self.seen[_first_word(mention)] += count
        self.seen.update(Counter(dict.fromkeys(map(_first_word, added), SURE)))
        parts = (self.split(mention) for mention in mentions)
        self.bare = sorted({name for _, name in filter(None, parts)} | set(added))

    def split(self, mention: str) -> tuple[str, str] | None:
        """Part the proclitics from a mention; None where the first letter of a rare word may be one or not.

        A proclitic is one only before a word that starts other mentions: وطرابلس is و and طرابلس.
        """
        word = _first_word(mention)
        clitics, rest = self._split_word(word)
        if not clitics and word[0] in _PROCLITIC_LETTERS and self.seen[word] < SURE:
            return None
        return clitics, rest + mention[len(word) :]

    def _split_word(self, word: str) -> tuple[str, str]:
        """Read a first word the commonest way: كريم is no ك and ريم unless ريم is the commoner of the two."""
        readings = [
            (clitics, rest)
            for clitics, rest in _readings(word)
            if self.seen[rest] > (0 if rest.startswith("ال") else self.seen[word])
            and not self._split_word(rest)[0]
        ]
        return max(readings, key=lambda reading: self.seen[reading[1]], default=("", word))


def _first_word(name: str) -> str:
    return name.split(" ", 1)[0]


def _readings(word: str) -> Iterator[tuple[str, str]]:
    """Yield the ways to read a word as proclitics and the start of a name: للجنة is ل and لجنة or اللجنة."""
    for end in (1, 2):
        clitics, rest = word[:end], word[end:]
        if not (rest and _PROCLITICS.fullmatch(clitics)):
            continue
        yield clitics, rest
        if clitics.endswith("ل") and rest.startswith("ل"):
            yield clitics, "ا" + rest
            yield clitics, "ال" + rest


def _attach(clitics: str, name: str) -> str:
    """Write proclitics before a name: ل and الأمم are للأمم, ل and اللجنة are للجنة."""
    if clitics.endswith("ل") and name.startswith("ال"):
        return clitics + "ل" + name[2:].removeprefix("ل")
    return clitics + name


def _usable(label: str, names: Sequence[str]) -> list[str]:
    """The names that can stand in a text as words of their own, with single spaces."""
    if label not in REPLACED:
        raise ConfigError(f"names are given for {label!r}; expected types among {', '.join(REPLACED)}")
    usable = [name for name in (" ".join(name.split()) for name in names) if _NAME.fullmatch(name)]
    if n_left_out := len(names) - len(usable):
        logger.warning(
            "%d of %d names of %s do not start and end with an Arabic letter and are left out",
            n_left_out,
            len(names),
            label,
        )
    return usable


def _replaceable(document: Document) -> list[Entity]:
    """The mentions of whole words that can change without breaking a trigger or a part of themselves."""
    words = split_words(document.text)
    starts, ends = {start for start, _ in words}, {end for _, end in words}
    bounds = _bounds(document)
    triggers = [event.trigger for event in document.events]
    return [
        entity
        for entity in document.entities
        if entity.label in REPLACED
        and entity.start in starts
        and entity.end in ends
        and _NAME.fullmatch(entity.text)
        and _is_whole(entity.start, entity.end, bounds)
        and all(trigger.end <= entity.start or entity.end <= trigger.start for trigger in triggers)
    ]


def _typing_errors(document: Document, chance: float, random: Random) -> list[_Edit]:
    bounds = _bounds(document)
    return [
        (*run.span(), _mistype(run[0], random))
        for run in (_TYPED.finditer(document.text) if chance else ())
        if random.random() < chance and _is_whole(*run.span(), bounds)
    ]


def _mistype(word: str, random: Random) -> str:
    """Make one error: in half of the cases a letter taken for one like it, else of the fingers."""
    places = range(len(word))
    confused = [word[:i] + other + word[i + 1 :] for i in places for other in _confusions(word, i)]
    doubled = [word[: i + 1] + word[i:] for i in places]
    missing = [word[:i] + word[i + 1 :] for i in places[1:]]
    swapped = [
        word[:i] + word[i + 1] + word[i] + word[i + 2 :] for i in places[:-1] if word[i] != word[i + 1]
    ]
    kinds = [confused, confused, confused, doubled, missing, swapped]
    return random.choice(random.choice([kind for kind in kinds if kind]))


def _confusions(word: str, place: int) -> Sequence[str]:
    """The letters that are written for the one at a place: ه for ة at the end alone, أ for ا at the start."""
    letter = word[place]
    if place == 0 and letter == "ا" and not word.startswith("ال"):
        return "أإ"
    if place == len(word) - 1 and letter in _CONFUSED_AT_END:
        return _CONFUSED_AT_END[letter]
    return _CONFUSED.get(letter, "")


def _sentences(document: Document) -> Sequence[Span]:
    return document.sentences or split_sentences(document.text)


def _bounds(document: Document) -> list[int]:
    """All offsets at which something starts or ends, in order."""
    spans: list[Entity | Trigger | Argument] = [*document.entities]
    for event in document.events:
        spans += [event.trigger, *event.arguments]
    pairs = [*_sentences(document), *((span.start, span.end) for span in spans)]
    return sorted({offset for pair in pairs for offset in pair})


def _is_whole(start: int, end: int, bounds: Sequence[int]) -> bool:
    """Whether nothing starts or ends inside."""
    return bisect_right(bounds, start) == bisect_left(bounds, end)


def _rewrite(document: Document, edits: Sequence[_Edit]) -> Document:
    """Make disjoint edits, in order, inside which no annotation starts or ends."""
    if not edits:
        return document
    ends = [end for _, end, _ in edits]
    shifts = [0, *accumulate(len(new) - (end - start) for start, end, new in edits)]
    kept = zip([0, *ends], [*(start for start, _, _ in edits), len(document.text)], strict=True)
    text = "".join(
        document.text[start:end] + new
        for (start, end), new in zip(kept, [*(new for _, _, new in edits), ""], strict=True)
    )

    def move(offset: int) -> int:
        return offset + shifts[bisect_right(ends, offset)]

    def span(mention: Entity | Trigger | Argument) -> dict[str, Any]:
        start, end = move(mention.start), move(mention.end)
        return {"start": start, "end": end, "text": text[start:end]}

    return dataclasses.replace(
        document,
        text=text,
        sentences=tuple((move(start), move(end)) for start, end in _sentences(document)),
        entities=tuple(
            Entity(id=entity.id, label=entity.label, score=entity.score, **span(entity))
            for entity in document.entities
        ),
        events=tuple(
            Event(
                id=event.id,
                type=event.type,
                trigger=Trigger(score=event.trigger.score, **span(event.trigger)),
                factuality=event.factuality,
                arguments=tuple(
                    dataclasses.replace(argument, actor=None, **span(argument))
                    for argument in event.arguments
                ),
                score=event.score,
            )
            for event in document.events
        ),
    )
