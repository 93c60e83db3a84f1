"""Find the core of each mention: where a name stands without the words attached to it.

Arabic writes و، ف، ب، ل and ك together with the word behind them: وبالجيش holds الجيش, لحفتر holds حفتر. Many
words begin with these letters of their own (ولاية، بنغازي، كتيبة، فزان). What decides, in this order: the
article, the word before, known words and places, other words of the same text, what is usual for the label.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cached_property, lru_cache
from importlib.resources import files
from typing import NamedTuple

from libyaevents.documents import Document, Entity, Span
from libyaevents.enrich.arabic import fold, remember
from libyaevents.enrich.gazetteer import Gazetteer, load_gazetteer, split_key_words, split_word
from libyaevents.records import fill

__all__ = ["find_cores"]

_CONJUNCTIONS = "وف"
_PREPOSITIONS = "بلك"
_ARTICLE = "ال"
_SHORTEST_REST = 3
_LOOK_BACK = 24
_LONGEST_NAME = 160

_PLACE_LABELS = frozenset({"GPE", "LOC", "FAC"})
# Labels whose words are common nouns: what begins with ل and is not known is ل + a noun.
_NOUN_LABELS = frozenset({"MILITARY", "ORG", "TITLE", "WEAPON", "DATE", "QUANTITY", "NAMED_EVENT", "NORP"})
_SUFFIX_LABELS = frozenset({"MILITARY", "ORG", "TITLE", "WEAPON"})
# Letters that foreign names rarely bring: لحمزة is ل + a name, لوكاشينكو a name.
_ARABIC_ONLY = frozenset("حعصضظق")

_LETTERS = re.compile(r"[^\W\d_]+")
_FOREIGN = re.compile(r"[A-Za-z\d]")
_WORD = re.compile(r"[^\W_]+")
# What may stand between a clitic and its word, and before the word itself: لـ, و", #.
_JOINT = frozenset("ـ#_\"'«»“”‘’([-–")

_SUFFIXES = ("هما", "هم", "ها", "هن", "نا", "ه")
# Only behind these is a bare ه taken for a pronoun: elsewhere it is often ة without its dots (كتيبه).
_BARE_SUFFIX_STEMS = ("ات", "سلاح", "صواريخ", "قنابل", "مدافع")


class _Lexicon(NamedTuple):
    words: frozenset[str]
    names: frozenset[str]
    no_article: frozenset[str]
    prepositions: frozenset[str]
    heads: frozenset[str]


def find_cores(document: Document) -> Document:
    """Return the document with the core of each entity; cores that are there are kept."""
    if all(entity.core is not None for entity in document.entities):
        return document
    finder = _CoreFinder(document)
    entities = tuple(
        entity if entity.core is not None else fill(entity, core=finder.core(entity))
        for entity in document.entities
    )
    return fill(document, entities=entities)


@lru_cache(maxsize=1)
def _load_lexicon() -> _Lexicon:
    text = (files("libyaevents") / "data" / "cores.json").read_text(encoding="utf-8")
    data = json.loads(text)
    return _Lexicon(*(frozenset(data[name].split()) for name in _Lexicon._fields))


class _CoreFinder:
    """Decides for one document, whose own words are part of the evidence."""

    def __init__(self, document: Document) -> None:
        self._text = document.text
        self._lexicon = _load_lexicon()
        self._gazetteer: Gazetteer = load_gazetteer()

    @cached_property
    def _seen(self) -> frozenset[str]:
        """The key words of the whole text."""
        return frozenset(key for piece in _WORD.findall(self._text) for key in split_word(piece))

    def core(self, entity: Entity) -> Span:
        """Return the span of an entity without proclitics and pronouns; never empty."""
        start = self._skip_joints(entity.start, entity.end)
        start = self._skip_joints(
            self._skip_letters(start, entity.end, self._clitics(entity, start)), entity.end
        )
        end = self._without_pronoun(entity, start)
        return start, end

    def _skip_joints(self, position: int, end: int) -> int:
        start = position
        while position < end and self._text[position] in _JOINT:
            position += 1
        return position if position < end else start

    def _skip_letters(self, position: int, end: int, count: int) -> int:
        """Step over letters with the marks on them: بِليبيا begins with two code points of clitic."""
        start = position
        while count and position < end:
            position += 1
            while position < end and not fold(self._text[position]):
                position += 1
            count -= 1
        return position if position < end else start

    def _clitics(self, entity: Entity, start: int) -> int:
        """Return how many letters at the beginning of an entity are attached words."""
        words = split_key_words(self._text[start : min(entity.end, start + _LONGEST_NAME)])
        if not words:
            return 0
        glued = _glued_letters(self._text[start : entity.end])
        if glued:
            return glued
        word = words[0]
        if self._is_known_name(words, entity.label):
            return 0
        if word not in self._lexicon.no_article and (count := _before_article(word)):
            return count
        previous = self._previous(entity.start)
        # Behind a preposition stands no second one: في بنغازي.
        if previous in self._lexicon.prepositions or self._is_known(word, entity.label):
            return 0
        for count in _cuts(word):
            rest = [word[count:], *words[1:]]
            if self._is_known_name(rest, entity.label) or self._is_known(rest[0], entity.label):
                return count
        # Behind a noun that takes a name (كتيبة، الوزير) an unknown word is that name.
        if previous in self._lexicon.heads:
            return 0
        for count in _cuts(word):
            if len(word) - count >= _SHORTEST_REST and word[count:] in self._seen:
                return count
        return self._usual(word, entity.label)

    def _usual(self, word: str, label: str) -> int:
        """Decide for a word of which nothing is known."""
        rest = word[1:]
        if len(rest) < _SHORTEST_REST:
            return 0
        if word[0] == "و":
            return 1
        if word[0] == "ل" and (label in _NOUN_LABELS or (label == "PERSON" and _ARABIC_ONLY & set(rest))):
            return 1
        return 0

    def _previous(self, start: int) -> str:
        line = self._text[max(0, start - _LOOK_BACK) : start].split("\n")[-1]
        # A comma or a bracket between them parts the words: "من طرابلس، وبنغازي".
        piece = line.rstrip()
        words = split_key_words(piece) if piece and piece[-1].isalnum() else []
        return words[-1] if words else ""

    def _is_known_name(self, words: list[str], label: str) -> bool:
        """Say whether a place is called so, or a person as that first name and others."""
        return label in _PLACE_LABELS and bool(self._gazetteer.exact(words))

    def _is_known(self, word: str, label: str) -> bool:
        """Say whether a word stands in the lists, also with article or ending, or is a nationality."""
        if len(word) < 2:
            return False
        names = (
            self._lexicon.names
            if label in ("PERSON", "MILITARY", "ORG", "NAMED_EVENT", "FAC")
            else frozenset()
        )
        forms = _forms(word)
        if not (forms.isdisjoint(self._lexicon.words) and forms.isdisjoint(names)):
            return True
        if label == "NORP" and self._gazetteer.adjective(word) is not None:
            return True
        return label in _PLACE_LABELS | {"MILITARY", "ORG", "NAMED_EVENT"} and any(
            entry.prior >= 0.6 for entry in self._gazetteer.exact([word])
        )

    def _without_pronoun(self, entity: Entity, start: int) -> int:
        """Return the end of an entity without a possessive pronoun: طائراتها → طائرات."""
        if entity.label not in _SUFFIX_LABELS:
            return entity.end
        pieces = self._text[start : entity.end].split()
        word = pieces[-1] if pieces and not self._text[entity.end - 1].isspace() else ""
        for suffix in _SUFFIXES:
            stem = word.removesuffix(suffix)
            if stem == word or len(stem) < _SHORTEST_REST or self._is_place(word):
                continue
            key = "".join(split_key_words(stem))
            is_bare = suffix == "ه"
            is_noun = key.endswith(_BARE_SUFFIX_STEMS) if is_bare else self._is_noun(key)
            return entity.end - len(suffix) if is_noun else entity.end
        return entity.end

    def _is_noun(self, key: str) -> bool:
        # The ة of a noun becomes ت before a pronoun: حكومتها.
        forms = (key, key[:-1] + "ه") if key.endswith("ت") else (key,)
        return any(form in self._lexicon.words for stem in forms for form in (stem, *_proclitic_rests(stem)))

    def _is_place(self, word: str) -> bool:
        return bool(self._gazetteer.matches(split_key_words(word)))


def _glued_letters(text: str) -> int:
    """Return how many clitics stand before a number or a Latin name: و12, لـCNN."""
    letters = _LETTERS.match(text)
    if letters is None or not _FOREIGN.search(text, 0, letters.end() + 1):
        return 0
    run = fold(letters[0])
    latin = next((i for i, letter in enumerate(run) if letter.isascii()), len(run))
    behind = text[letters.end() : letters.end() + 1]
    is_before_number = latin == len(run) and behind.isdigit()
    is_clitic = latin <= 2 and all(letter in _CONJUNCTIONS + _PREPOSITIONS for letter in run[:latin])
    return latin if is_clitic and (is_before_number or latin < len(run)) else 0


def _before_article(word: str) -> int:
    """Return how many letters stand before the article: والجيش 1, وبالجيش 2, للجيش 1, الجيش 0."""
    for count in (1, 2):
        rest = word[count:]
        if len(word) <= count or not _is_proclitic(word[:count]):
            continue
        if rest.startswith(_ARTICLE) and len(rest) >= len(_ARTICLE) + 2:
            return count
        # The article loses its alef behind ل, what stands there is one ل: للجيش.
        if word[count - 1] == "ل" and rest.startswith("ل") and len(rest) > _SHORTEST_REST:
            return count
    return 0


def _cuts(word: str) -> Iterator[int]:
    for count in (1, 2):
        if len(word) - count >= 2 and _is_proclitic(word[:count]):
            yield count


def _is_proclitic(letters: str) -> bool:
    if len(letters) == 1:
        return letters in _CONJUNCTIONS + _PREPOSITIONS
    return letters[0] in _CONJUNCTIONS and letters[1] in _PREPOSITIONS


@remember
def _forms(word: str) -> frozenset[str]:
    """Return a word, and what it is without article and ending."""
    return frozenset(_read_forms(word))


def _read_forms(word: str) -> Iterator[str]:
    bare = word.removeprefix(_ARTICLE)
    for stem in dict.fromkeys((word, bare)):
        yield stem
        for ending in ("ات", "ين", "ون", "ان", "يه", "ها", "هم", "ه", "ا", "ي", "تين"):
            if stem.endswith(ending) and len(stem) - len(ending) >= _SHORTEST_REST:
                yield stem[: -len(ending)]
                yield stem[: -len(ending)] + "ه"


def _proclitic_rests(word: str) -> Iterator[str]:
    for count in _cuts(word):
        yield word[count:].removeprefix(_ARTICLE)
    yield word.removeprefix(_ARTICLE)
