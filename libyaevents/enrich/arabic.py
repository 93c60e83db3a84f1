"""Arabic letters, clitics and numbers: words as they are written come in, what they stand for goes out.

The enrichers share these helpers. All but `fold` take folded words; all take time linear in their input.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache, wraps
from typing import NamedTuple, TypeVar
from unicodedata import category, normalize

__all__ = [
    "Reading",
    "fold",
    "proclitic_readings",
    "read_number",
    "read_ordinal",
    "remember",
    "strip_conjunction",
    "word_set",
]

_TATWEEL = "ـ"
_DROPPED = frozenset({"Mn", "Cf"})
# Beyond it lie pictures and the letters of dead languages; a text of them all would fill the memory.
_LAST_KEPT = 0xFFFF
_LETTERS = dict(zip("أإآٱىیةؤئک٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹", "ااااييهويك01234567890123456789", strict=True))

_CONJUNCTIONS = "وف"
_PREPOSITIONS = "بلك"
_ARTICLE = "ال"
_SHORTEST_STEM = 2

# Past this many digits a number counts nothing that news reports, and `int` may refuse it.
_MOST_DIGITS = 12

_UNITS = {
    1: "واحد واحده احد احدي",
    2: "اثنان اثنين اثنتان اثنتين اثنا اثني اثنتا اثنتي",
    3: "ثلاث ثلاثه",
    4: "اربع اربعه",
    5: "خمس خمسه",
    6: "ست سته",
    7: "سبع سبعه",
    8: "ثمان ثماني ثمانيه",
    9: "تسع تسعه",
    10: "عشر عشره",
}
_TENS = {
    20: "عشرون عشرين",
    30: "ثلاثون ثلاثين",
    40: "اربعون اربعين",
    50: "خمسون خمسين",
    60: "ستون ستين",
    70: "سبعون سبعين",
    80: "ثمانون ثمانين",
    90: "تسعون تسعين",
}
# مئة and مائة fold to these two.
_HUNDRED = ("ميه", "مايه")
_HUNDREDS = {
    100: " ".join(_HUNDRED),
    200: "ميتان ميتين ميتا ميتي مايتان مايتين مايتا مايتي",
    **{
        100 * unit: " ".join(stem + hundred for stem in stems.split() for hundred in _HUNDRED)
        for unit, stems in ((unit, _UNITS[unit]) for unit in range(3, 10))
    },
}
_DUALS = {
    2_000: "الفان الفين الفي",
    2_000_000: "مليونان مليونين مليوني",
    2_000_000_000: "ملياران مليارين ملياري",
}
_SCALES = {
    1_000: "الف الفا الاف",
    1_000_000: "مليون مليونا ملايين",
    1_000_000_000: "مليار مليارا مليارات بليون",
}
_ORDINALS = {
    1: "اول اولي حادي حاديه",
    2: "ثاني ثانيه",
    3: "ثالث ثالثه",
    4: "رابع رابعه",
    5: "خامس خامسه",
    6: "سادس سادسه",
    7: "سابع سابعه",
    8: "ثامن ثامنه",
    9: "تاسع تاسعه",
    10: "عاشر عاشره",
}


def _by_word(*tables: dict[int, str]) -> dict[str, int]:
    return {word: value for table in tables for value, words in table.items() for word in words.split()}


_NUMBER_OF_WORD = _by_word(_UNITS, _TENS, _HUNDREDS, _DUALS)
_SCALE_OF_WORD = _by_word(_SCALES)
_ORDINAL_OF_WORD = _by_word(_ORDINALS)
_TEN_OF_WORD = _by_word(_TENS)
_TEEN_ENDINGS = frozenset(_UNITS[10].split())


_Result = TypeVar("_Result")

# News repeats its words; what is longer than a word is not kept.
_WORDS_KEPT = 1 << 15
_LONGEST_KEPT = 40


def remember(read: Callable[[str], _Result]) -> Callable[[str], _Result]:
    """Keep what a pure function of one word or short phrase gives, in bounded memory."""
    kept = lru_cache(maxsize=_WORDS_KEPT)(read)

    @wraps(read)
    def read_once(word: str) -> _Result:
        return kept(word) if len(word) <= _LONGEST_KEPT else read(word)

    return read_once


def word_set(text: str) -> frozenset[str]:
    """Return the words of a text."""
    return frozenset(text.split())


class Reading(NamedTuple):
    """One way to cut the proclitics off a word: وبالأمس is و + ب + ال + امس."""

    conjunction: str
    preposition: str
    article: bool
    stem: str


class _Folded(dict[int, str | None]):
    """What becomes of each code point, worked out when it is first met; of letters it is kept."""

    def __missing__(self, code: int) -> str | None:
        letter = chr(code)
        is_dropped = letter == _TATWEEL or category(letter) in _DROPPED
        folded = None if is_dropped else _LETTERS.get(letter, letter)
        if code <= _LAST_KEPT:
            self[code] = folded
        return folded


_FOLDED = _Folded()


def fold(text: str) -> str:
    """Write each letter and digit in one way.

    Alef, ya, ta marbuta and hamza carriers lose what tells them apart, Arabic-Indic and Persian digits become
    ASCII, presentation forms plain letters; harakat, tatweel and format characters are dropped. The result
    may differ in length: it is for lookup, never for offsets.
    """
    return normalize("NFKC", text).translate(_FOLDED)


@remember
def proclitic_readings(word: str) -> tuple[Reading, ...]:
    """Return the ways to read a folded word, from the whole word to the shortest stem.

    The caller takes the first whose stem it knows: وقت is itself, والجمعه is و + ال + جمعه.
    """
    return tuple(_readings(word))


def _readings(word: str) -> Iterator[Reading]:
    yield Reading("", "", False, word)
    yield from _article_reading("", "", word)
    if len(word) > _SHORTEST_STEM and word[0] in _PREPOSITIONS:
        yield from _preposition_readings("", word)
    if len(word) > _SHORTEST_STEM and word[0] in _CONJUNCTIONS:
        conjunction, rest = word[0], word[1:]
        yield Reading(conjunction, "", False, rest)
        yield from _article_reading(conjunction, "", rest)
        if len(rest) > _SHORTEST_STEM and rest[0] in _PREPOSITIONS:
            yield from _preposition_readings(conjunction, rest)


def strip_conjunction(word: str) -> str:
    """Return a folded word without a leading و, where more than one letter is left."""
    return word[1:] if word.startswith("و") and len(word) > _SHORTEST_STEM else word


def read_number(words: Sequence[str], start: int = 0, *, rising: bool = False) -> tuple[int, int] | None:
    """Read the longest number that begins at `words[start]`, in digits or in words.

    خمسه وعشرين is 25, ثلاثميه 300, الفين واحد عشر 2011, 400 الف 400,000. Each word may carry the article.
    `rising` also reads the old order of years, تسع وستين وتسعميه والف for 1969; خمسين وميه is else two.

    Returns:
        The number and the index behind its last word; `None` where no number begins.
    """
    first = _number_value(words[start])
    if first is None:
        return None
    total, group, last = _add(0, 0, first)
    index = start + 1
    while index < len(words):
        joined, word, stop = _next_word(words, index)
        step = _continue(total, group, last, joined, word)
        if step is None and rising and joined:
            step = _rise(total + group, word)
        if step is None:
            break
        total, group, last = step
        index = stop
    return total + group, index


def read_ordinal(words: Sequence[str], start: int = 0) -> tuple[int, int] | None:
    """Read the ordinal that begins at `words[start]`: الثالث, الحادي عشر, الخامس والعشرين.

    Returns:
        The number and the index behind its last word; `None` where no ordinal begins.
    """
    value = _ORDINAL_OF_WORD.get(_without_article(words[start]))
    if value is None:
        return None
    if start + 1 < len(words):
        joined, word, stop = _next_word(words, start + 1)
        if not joined and word in _TEEN_ENDINGS:
            return value + 10, stop
        if joined and word in _TEN_OF_WORD:
            return value + _TEN_OF_WORD[word], stop
    return value, start + 1


def _article_reading(conjunction: str, preposition: str, word: str) -> Iterator[Reading]:
    if word.startswith(_ARTICLE) and len(word) >= len(_ARTICLE) + _SHORTEST_STEM:
        yield Reading(conjunction, preposition, True, word[len(_ARTICLE) :])


def _preposition_readings(conjunction: str, word: str) -> Iterator[Reading]:
    preposition, rest = word[0], word[1:]
    yield Reading(conjunction, preposition, False, rest)
    yield from _article_reading(conjunction, preposition, rest)
    # The article loses its alef behind ل: للأسبوع.
    if word.startswith("لل") and len(rest) > _SHORTEST_STEM:
        yield Reading(conjunction, preposition, True, rest[1:])


def _without_article(word: str) -> str:
    # الف is a thousand, not the article with a ف.
    is_number = word in _NUMBER_OF_WORD or word in _SCALE_OF_WORD
    return word if is_number or not word.startswith(_ARTICLE) else word[len(_ARTICLE) :]


def _number_value(word: str) -> int | None:
    if word.isascii() and word.isdigit():
        return int(word) if len(word) <= _MOST_DIGITS else None
    stem = _without_article(word)
    return _NUMBER_OF_WORD.get(stem, _SCALE_OF_WORD.get(stem))


def _next_word(words: Sequence[str], index: int) -> tuple[bool, str, int]:
    """Return whether `words[index]` is joined by و, its bare word, and the index behind it."""
    word = words[index]
    if word == "و" and index + 1 < len(words):
        return True, _without_article(words[index + 1]), index + 2
    stem = _without_article(word)
    # Behind another number واحد can only be و + احد: الفين واحد عشر.
    is_number = stem in _NUMBER_OF_WORD or stem in _SCALE_OF_WORD
    if is_number and word not in ("واحد", "واحده"):
        return False, stem, index + 1
    rest = strip_conjunction(word)
    return rest != word, _without_article(rest), index + 1


def _add(total: int, group: int, value: int) -> tuple[int, int, int]:
    """Add a part that begins a new place: whole thousands close the group, what is less stays open."""
    return (total + value, 0, value) if value in _SCALES or value in _DUALS else (total, group + value, value)


def _continue(total: int, group: int, last: int, joined: bool, word: str) -> tuple[int, int, int] | None:
    """Return total, open group and last part with one word more, or `None` where it belongs to no number."""
    scale = _SCALE_OF_WORD.get(word)
    if scale is not None and not joined:
        return (total + group * scale, 0, scale) if group and (not total or scale < total) else None
    value = scale or _NUMBER_OF_WORD.get(word)
    if value is None:
        return None
    if not joined:
        return _attach(total, group, last, value)
    fits = value < _place(last) or (last < 10 and 20 <= value < 100)
    return _add(total, group, value) if fits else None


def _rise(number: int, word: str) -> tuple[int, int, int] | None:
    value = _SCALE_OF_WORD.get(word) or _NUMBER_OF_WORD.get(word, 0)
    return (number + value, 0, value) if value >= 100 and value > number else None


def _attach(total: int, group: int, last: int, value: int) -> tuple[int, int, int] | None:
    """Read what follows a unit without و: ثلاثه عشر, ثلاث ميه."""
    if value == 10 and last < 10:
        return total, group + 10, 10
    if value == 100 and 3 <= last < 10:
        return total, group - last + 100 * last, 100
    return None


def _place(last: int) -> int:
    """Return the bound below which a part may follow one joined by و: ميه وعشرون, never عشرون وميه."""
    return next((place for place in (1_000_000_000, 1_000_000, 1_000, 100) if last >= place), 0)
