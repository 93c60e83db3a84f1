"""Find a name behind a wrong spelling: a key comes in, the names that may be meant go out.

`within_one_letter` compares two keys, a `NearIndex` finds those worth comparing; `SpellingIndex` holds the
names of a table, so that a search costs what the key is long and not what the table is.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator

__all__ = ["NearIndex", "SpellingIndex", "within_one_letter"]

# Below this many letters a name, or a word of one, that is one letter away is too often another.
_SHORTEST_NAME, _SHORTEST_WORD = 7, 4

# What writers take for each other, and a letter twice; at the end of a word ه and ا sound alike.
_SOUNDS = str.maketrans("صظطثذ", "سضتتد", "ء")
_LAST_HA = re.compile(r"ه\b")
_TWICE = re.compile(r"(\D)(?=\1)")


_NONE: frozenset[str] = frozenset()


class NearIndex:
    """Keys in groups, found again with one letter more, less, other or two of them swapped.

    One slip leaves either the first half of a key as it is, or the second without its first letter.
    """

    def __init__(self) -> None:
        self._added: defaultdict[tuple[Hashable, int], list[str]] = defaultdict(list)
        self._by_half: defaultdict[tuple[Hashable, int, str], set[str]] = defaultdict(set)

    def add(self, key: str, group: Hashable = None) -> None:
        """Add a key; one that is there already is not added again."""
        self._added[group, len(key)].append(key)

    def near(self, key: str, group: Hashable = None, *, ends: bool = False) -> set[str]:
        """Return the keys within one letter; the first and last letter are the same, except with `ends`."""
        found: set[str] = set()
        for length in range(max(len(key) - 1, 1), len(key) + 2):
            self._cut(group, length)
            half = length // 2
            rest = key[max(len(key) - (length - half - 1), 0) :]
            found |= self._by_half.get((group, length, key[:half]), _NONE)
            found |= self._by_half.get((group, -length, rest), _NONE)
        return {other for other in found if within_one_letter(key, other, ends=ends)}

    def _cut(self, group: Hashable, length: int) -> None:
        """Index the keys of a length by their halves: most lengths of most groups are never asked for."""
        half = length // 2
        for key in self._added.get((group, length), ()):
            self._by_half[group, length, key[:half]].add(key)
            self._by_half[group, -length, key[half + 1 :]].add(key)
        # Last, since threads share the index of a table: one that comes meanwhile does the same once more.
        self._added.pop((group, length), None)


class SpellingIndex:
    """Names, found again by what a slip leaves of them."""

    def __init__(self, names: Iterable[str]) -> None:
        self._words: set[str] = set()
        self._near_words, self._near_names = NearIndex(), NearIndex()
        self._by_letters: defaultdict[str, list[str]] = defaultdict(list)
        self._by_sound: defaultdict[str, list[str]] = defaultdict(list)
        self._by_place: defaultdict[tuple[int, int, str], list[str]] = defaultdict(list)
        for name in names:
            self._add(name)

    def near(self, key: str) -> Iterator[set[str]]:
        """Yield the names that may be meant, from the likeliest slip to the least.

        One letter of a long name, first and last aside, or a space; a letter doubled or one that sounds like
        it (حففتر, المرسوس); in a name of several words one letter of each.
        """
        # السلطات الأمنية is no السلطات اليمنية misspelled: all its words are words of names.
        if not all(word in self._words for word in key.split()):
            yield self._one_letter_away(key)
            yield set(self._by_sound.get(_sound(key), ()))
            yield self._word_by_word(key.split())

    def _add(self, name: str) -> None:
        words, joined = name.split(), name.replace(" ", "")
        self._words.update(words)
        for place, word in enumerate(words):
            names = self._by_place[len(words), place, word]
            if not names:
                self._near_words.add(word, (len(words), place))
            names.append(name)
        if len(name) >= _SHORTEST_WORD:
            self._by_sound[_sound(name)].append(name)
        if len(joined) >= _SHORTEST_NAME and not _has_digit(name):
            self._by_letters[joined].append(name)
            self._near_names.add(joined, joined[0] + joined[-1])

    def _one_letter_away(self, key: str) -> set[str]:
        joined = key.replace(" ", "")
        near = self._near_names.near(joined, joined[:1] + joined[-1:])
        return {name for letters in near for name in self._by_letters[letters]}

    def _word_by_word(self, words: list[str]) -> set[str]:
        """Return the names of as many words, two at least, each at most a letter away."""
        count = len(words)
        if count < 2:
            return set()
        # The rarest word first: it leaves few names to look at, most often none.
        places = sorted(
            range(count), key=lambda place: len(self._by_place.get((count, place, words[place]), ()))
        )
        found = self._names_with(count, places[0], words[places[0]])
        for place in places[1:]:
            if found:
                found &= self._names_with(count, place, words[place])
        return found

    def _names_with(self, count: int, place: int, word: str) -> set[str]:
        """Return the names of so many words that have one near this one in its place."""
        near = self._words_near(word, (count, place))
        return {name for known in near for name in self._by_place.get((count, place, known), ())}

    def _words_near(self, word: str, group: tuple[int, int]) -> set[str]:
        if len(word) < _SHORTEST_WORD or _has_digit(word):
            return {word}
        return {word, *self._near_words.near(word, group, ends=True)}


def within_one_letter(left: str, right: str, *, ends: bool = False) -> bool:
    """Return whether one letter more, less, other or swapped tells two apart.

    The first and last letter are the same, except with `ends`.
    """
    if left == right:
        return True
    if abs(len(left) - len(right)) > 1 or not left or not right:
        return False
    if not ends and (left[0] != right[0] or left[-1] != right[-1]):
        return False
    start = next((i for i, (a, b) in enumerate(zip(left, right, strict=False)) if a != b), len(left))
    rest, other = left[start:], right[start:]
    return (
        rest[1:] == other[1:]
        or rest == other[1:]
        or rest[1:] == other
        or (rest[:2] == other[1::-1] and rest[2:] == other[2:])
    )


def _sound(key: str) -> str:
    return _TWICE.sub("", _LAST_HA.sub("ا", key.translate(_SOUNDS)))


def _has_digit(text: str) -> bool:
    return any(map(str.isdigit, text))
