"""Cut a time expression into tokens: Arabic words come in, what each of them means comes out.

The words are those of `data/time.json`, by kind; numbers, ordinals and dates in digits are read here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from fractions import Fraction
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from libyaevents.enrich.arabic import Reading, fold, proclitic_readings, read_number, read_ordinal, remember

__all__ = ["FORMS", "LAST_HOUR", "NOTHING", "Token", "read_tokens"]

# The kinds of units, by their grammatical number.
FORMS = ("singular", "dual", "plural")
LAST_HOUR = 24

# Numbers with what holds them together, then words, then the signs that join two times.
_PIECE = re.compile(r"\d+(?:[-/.:]\d+)*|[^\W\d_]+|[-–—/]")
_SEPARATOR = re.compile(r"[-/.:]")
_DASHES = "-–—/"
_ARTICLE = "ال"

_LONGEST_ENTRY = 3
_LONGEST_NUMBER = 8
# Years have no more digits, and no count of anything but money has more than this many.
_YEAR_DIGITS = 4
_MOST_DIGITS = 9

_FRACTION_KIND = "fraction"
_DATE_KINDS = ("feast", "holiday")
# Both a number and, with the article or behind يوم, a day of the week.
_WEEKDAY_NUMBERS = frozenset({"احد", "اثنين"})
_SECOND = "ثانيه"


class Token(NamedTuple):
    """A word or several that mean one thing.

    What it means stands in `name`, `number`, `parts` (year, month, day; hour, minute) or `fraction`;
    `joined` is whether و or ف stands before it, `word` its first word, folded and without clitics.
    """

    kind: str
    name: str = ""
    number: int = 0
    parts: tuple[int | None, ...] = ()
    fraction: Fraction = Fraction(0)
    word: str = ""
    article: bool = False
    joined: bool = False
    preposition: str = ""

    @property
    def clock(self) -> tuple[int, int]:
        """The hour and minute of a time on the clock."""
        hour, minute = self.parts
        return hour or 0, minute or 0


NOTHING = Token(kind="")


@remember
def read_tokens(expression: str) -> tuple[Token, ...]:
    """Read an expression from its first word to its last; words that mean nothing here are `unknown`."""
    # The article is cut off digits: الـ48 is ال and 48.
    words = [piece for piece in _PIECE.findall(fold(expression)) if piece != _ARTICLE]
    tokens: list[Token] = []
    index = 0
    joined = False
    while index < len(words):
        found, behind = _next_tokens(words, index, tokens[-1] if tokens else NOTHING)
        if joined:
            found[0] = found[0]._replace(joined=True)
        joined = words[index] == "و"
        tokens.extend(found)
        index = behind
    return tuple(tokens)


@cache
def _lexicon() -> dict[tuple[str, ...], Token]:
    """Return what each entry means, by its folded words."""
    text = files("libyaevents").joinpath("data/time.json").read_text(encoding="utf-8")
    tables = json.loads(text)
    return {
        tuple(fold(entry).split()): _entry_token(kind, value)
        for kind, table in tables["words"].items()
        for value, entries in table.items()
        for entry in entries
    }


def _entry_token(kind: str, value: str) -> Token:
    if kind == _FRACTION_KIND:
        return Token(kind=kind, fraction=Fraction(value))
    if kind in _DATE_KINDS:
        return Token(kind=kind, parts=tuple(int(part) for part in value.split("-")))
    is_number = value.removeprefix("-").isdigit()
    return Token(kind=kind, number=int(value)) if is_number else Token(kind=kind, name=value)


def _next_tokens(words: Sequence[str], index: int, previous: Token) -> tuple[list[Token], int]:
    """Read the tokens that begin at `words[index]`, and return them with the index behind them."""
    word = words[index]
    if word in _DASHES:
        return [Token(kind="dash", name=word)], index + 1
    if word[0].isdigit() and (len(word) > _MOST_DIGITS or _SEPARATOR.search(word)):
        return _numeric_tokens(word), index + 1
    for length in range(_LONGEST_ENTRY, 1, -1):
        token = _entry(words, index, length)
        if token is not None:
            return [token], index + length
    counted = _counted(words, index, previous)
    if counted is not None:
        return [counted[0]], counted[1]
    return [_entry(words, index, 1) or Token(kind="unknown", word=word)], index + 1


def _numeric_tokens(word: str) -> list[Token]:
    """Read a date or an hour in digits (4/4/2019, 2019-04-04, 10:30), or else its numbers one by one."""
    parts = _SEPARATOR.split(word)
    if any(len(part) > _YEAR_DIGITS for part in parts):
        return [Token(kind="impossible")]
    numbers = [int(part) for part in parts]
    if len(parts) == 3 and ":" not in word:
        if len(parts[0]) == _YEAR_DIGITS:
            return [Token(kind="numeric", parts=tuple(numbers))]
        if len(parts[2]) == _YEAR_DIGITS:
            return [Token(kind="numeric", parts=tuple(reversed(numbers)))]
    if ":" in word and numbers[0] <= LAST_HOUR and numbers[1] < 60:
        return [Token(kind="clock", parts=(numbers[0], numbers[1]))]
    if len(parts) == 2:
        return _numeric_pair(word, parts, numbers)
    dash = Token(kind="dash", name="-")
    return [token for number in numbers for token in (Token(kind="number", number=number), dash)][:-1]


def _numeric_pair(word: str, parts: Sequence[str], numbers: Sequence[int]) -> list[Token]:
    """Read 4/2019, 4/4, 2019-04, 10.30; any other pair is a range of numbers: 2007-2012, 5-7."""
    first, second = numbers
    if "/" in word and len(parts[1]) == _YEAR_DIGITS and first <= 12:
        return [Token(kind="numeric", parts=(second, first, None))]
    if "/" in word and first <= 31 and second <= 12:
        return [Token(kind="numeric", parts=(None, second, first))]
    if "-" in word and len(parts[0]) == _YEAR_DIGITS and len(parts[1]) == 2 and 1 <= second <= 12:
        return [Token(kind="numeric", parts=(first, second, None))]
    if "." in word:
        return [Token(kind="decimal", parts=(first, second), fraction=Fraction(word))]
    numbered = [
        Token(kind="number", number=number, word=part) for number, part in zip(numbers, parts, strict=True)
    ]
    return [numbered[0], Token(kind="dash", name="-"), numbered[1]]


def _entry(words: Sequence[str], index: int, length: int) -> Token | None:
    """Look up `length` words, the first without its proclitics."""
    rest = tuple(words[index + 1 : index + length])
    if len(rest) != length - 1:
        return None
    for reading in proclitic_readings(words[index]):
        found = _lexicon().get((reading.stem, *rest))
        if found is not None:
            return _as_read(found, reading)
    return None


def _as_read(token: Token, reading: Reading) -> Token:
    return token._replace(
        word=reading.stem,
        article=reading.article,
        joined=bool(reading.conjunction),
        preposition=reading.preposition,
    )


def _counted(words: Sequence[str], index: int, previous: Token) -> tuple[Token, int] | None:
    """Read a number or an ordinal with proclitics before it."""
    behind = words[index + 1 : index + _LONGEST_NUMBER]
    rising = (previous.kind, previous.name) == ("singular", "year")
    for reading in proclitic_readings(words[index]):
        head = [reading.stem, *behind]
        for kind in ("number", "ordinal"):
            found = read_number(head, rising=rising) if kind == "number" else read_ordinal(head)
            if found is None or (found[1] == 1 and _is_other(reading, previous)):
                continue
            return _as_read(Token(kind=kind, number=found[0]), reading), index + found[1]
    return None


def _is_other(reading: Reading, previous: Token) -> bool:
    """Whether a number word alone is something else: الاثنين and يوم أحد are weekdays, ثانية is a second."""
    bare = reading.stem.removeprefix(_ARTICLE)
    if bare in _WEEKDAY_NUMBERS:
        is_behind_day = (previous.kind, previous.name) == ("singular", "day")
        return reading.article or bare != reading.stem or is_behind_day
    return reading.stem == _SECOND and not reading.article
