"""Read how many people a phrase tells of, from number words, digits and the number of its nouns.

Phrases come in as the text of an argument and what stands around it; figures go out as at least, about and at
most. عشرات and its like are lower bounds: a plural of ten, of a hundred or of a thousand is two of them.
"""

import json
import re
from collections.abc import Iterator, Sequence
from fractions import Fraction
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from libyaevents.enrich.arabic import fold, proclitic_readings, read_number, word_set

__all__ = [
    "SEVERAL",
    "Figure",
    "add_figures",
    "bound_figure",
    "counted_before",
    "fold_words",
    "is_families",
    "is_people",
    "noun_number",
    "read_figure",
]

_WORD = re.compile(r"\d+(?:[.,٫٬]\d+)*|[^\W\d_]+|[-–%٪]")
_THOUSANDS = re.compile(r"\d{1,3}(?:[.,٬]\d{3})+")
_DECIMAL = re.compile(r"(\d{1,6})[.,٫](\d{1,3})")

_VAGUE = {
    **{"عشرات": 20, "ميات": 200, "الاف": 2000, "ملايين": 2_000_000},
    **dict.fromkeys(
        ("بضع", "بضعه", "عده", "عدد", "عددا", "اعداد", "اعدادا", "بعض", "كثير", "كثيرون", "عديد"), 2
    ),
}
_FRACTIONS = {"نصف": Fraction(1, 2), "ربع": Fraction(1, 4)}
_SCALES = {"الف": 1000, "الاف": 1000, "مليون": 1_000_000, "ملايين": 1_000_000}
# ألفاً, accusative behind its number, folds to what stands alone for two thousand.
_ACCUSATIVE_SCALES = {"الفا": "الف", "مليونا": "مليون"}
_RANGES = frozenset({"الي", "او", "-", "–", "حتي"})
# What may stand between an indefinite number and what it counts.
_COUNTING = frozenset({"من", "كبير", "كبيره", "كبيرا", "اخر", "قليل", "غير", "محدد"})
_ORDINALS = word_set("اول ثاني ثالث رابع خامس سادس سابع ثامن تاسع عاشر")

# A bound may name what it counts before the number: ما يزيد عدد القتلى على 40.
_COUNTED = r"(?: (?:عدد|حصيل[هت])\w*(?: \w+){0,2})?(?: من| عن| علي)?"
_LOWER = re.compile(
    r"(?:^| )[وفبل]{0,2}(?:(?:لا|لم|ليس) (?:[يت]قل|اقل)"
    + _COUNTED
    + r"|(?:اكثر|ازيد|اعلي) من|[يت](?:زيد|ربو)"
    + _COUNTED
    + r"|فوق|(?:[يت]فوق|[يت]?تجاوزت?|[يت]تخطي)"
    + _COUNTED
    + r"|علي الاقل)(?: ب)?$"
)
_UPPER = re.compile(
    r"(?:^| )[وفبل]{0,2}(?:(?<!لا )(?<!ليس )اقل من|(?:لا|لم) [يت](?:زيد|زد|تجاوز|تعد|تعدي)"
    + _COUNTED
    + r"|علي الاكثر|حتي)(?: ب)?$"
)
_ABOUT = re.compile(
    r"(?:^| )[وفبل]{0,2}(?:نحو|قرابه|حوالي|زهاء|تقريبا|حدود|[يت]قارب|[يت]قرب من|[يت]ناهز|[يتم]?قدره?"
    + _COUNTED
    + r")(?: ب)?$"
)
_LOWER_AFTER = re.compile(r"(?:^| )(?:علي (?:الاقل|اقل تقدير)|كحد ادني|فاكثر|او اكثر|او يزيد|فما فوق)(?: |$)")
_UPPER_AFTER = re.compile(r"(?:^| )(?:علي (?:الاكثر|ابعد تقدير|اكثر تقدير)|كحد اقصي|او اقل|فاقل)(?: |$)")
_ABOUT_AFTER = re.compile(r"(?:^| )(?:تقريبا|او نحو ذلك)(?: |$)")

# What noun_number returns for a plural.
SEVERAL = 3
# أفعال، فعول، فعلاء، فواعل: the patterns of broken plurals of people.
_BROKEN_PLURAL = re.compile(r"ا\w\wا\w|\w\wو\w|\w{3,4}اء|\w\wا\w{2,3}|\w\wا\wي\w")
# A sound plural before what owns it has lost its ن: قاطنوه, مسلحو الجماعة.
_CONSTRUCT_PLURAL = re.compile(r"\w{3,}و(?:هما|هم|هن|ها|نا|كم|ه)?|\w{3,}ي(?:هما|هم|هن|ها|نا|كم)")
_POSSESSIVES = ("هما", "هم", "هن", "ها", "نا", "كم", "ه", "ي")
_SHORTEST_NOUN = 3


class Figure(NamedTuple):
    """What a phrase says of a number: at least, about, at most."""

    minimum: int | None = None
    best: int | None = None
    maximum: int | None = None


class _Number(NamedTuple):
    """A number, whether it is a lower bound by itself (عشرات), and the index behind its last word."""

    value: int
    vague: bool
    end: int


def read_figure(before: str, phrase: str, after: str, *, at_start: bool = False) -> Figure | None:
    """Return the figure that a phrase with a number says, `None` where no number of people is in it.

    Args:
        before: what stands before the phrase in its clause; a modifier may end it (أكثر من).
        phrase: the text that holds the number, and its modifier perhaps.
        after: what stands behind it in its clause (… شخصا على الأقل).
        at_start: whether the number must begin the phrase: صاحب الـ39 عاما is one man.
    """
    words = _number_words(phrase)
    starts = range(min(len(words), 1) if at_start else len(words))
    start, number = next(
        ((start, number) for start in starts if (number := _read_number(words, start))), (0, None)
    )
    if number is None or set(words) & {"%", "٪"}:
        return None
    left = [*fold_words(before), *words[:start]]
    rest = [*words[number.end :], *_number_words(after)]
    span = _read_range(left, words[start], number, rest)
    return span or bound_figure(number.value, left, rest, is_vague=number.vague)


def bound_figure(
    value: int, before: Sequence[str], after: Sequence[str], *, is_vague: bool = False
) -> Figure:
    """Return the figure of a number by the folded words before and behind it."""
    left, right = " ".join(before), " ".join(after)
    if _LOWER_AFTER.search(right):
        return Figure(minimum=value)
    if _UPPER.search(left) or _UPPER_AFTER.search(right):
        return Figure(maximum=value)
    if is_vague or _LOWER.search(left):
        return Figure(minimum=value)
    if _ABOUT.search(left) or _ABOUT_AFTER.search(right):
        return Figure(best=value)
    return Figure(value, value, value)


def counted_before(before: str) -> Figure | None:
    """Return the figure of an indefinite number that ends a text: عدد كبير من, before the noun it counts."""
    words = fold_words(before)
    while words and words[-1] in _COUNTING:
        words.pop()
    number = _read_vague(words, len(words) - 1) if words else None
    return Figure(minimum=number.value) if number else None


def add_figures(figures: Sequence[Figure]) -> Figure:
    """Return the sum of an event's parts: 8 جنود وأكثر من 14 جهاديا are at least 22."""
    sums = [_sum([figure[index] for figure in figures]) for index in range(3)]
    if sums == [None, None, None]:
        sums[0] = sum(figure.minimum or figure.best or 0 for figure in figures) or None
    return Figure(*sums)


def noun_number(phrase: str) -> int:
    """Return 1 for a phrase of one person, 2 for a dual, `SEVERAL` for a plural, 0 for what is no people."""
    words = fold_words(phrase)
    if not words:
        return 0
    stems = [reading.stem for reading in proclitic_readings(words[0])]
    known = _lexicon()
    for stem in stems:
        if stem in _ORDINALS or stem in ("احد", "احدي"):
            return 1
        for number, forms in ((None, _word_forms(stem)), (2, _dual_forms(stem))):
            for form in forms:
                if form in known and (number is None or known[form] == 1):
                    return known[form] if number is None else number
    stem = min((stem for stem in stems if len(stem) >= _SHORTEST_NOUN), key=len, default=words[0])
    return _number_by_form(stem)


def is_families(text: str) -> bool:
    """Whether a text begins with a word for families: their number is a lower bound of people."""
    words = [word for word in fold_words(text)[:2] if word != "من"][:1]
    return any(
        reading.stem in _words_of("families") for word in words for reading in proclitic_readings(word)
    )


def is_plural(text: str) -> bool:
    """Whether a text begins with a noun that is surely plural: قتلى, المعتقلين; not نزوح."""
    words = fold_words(text)[:1]
    stems = {reading.stem for word in words for reading in proclitic_readings(word)}
    return any(stem.endswith(("ين", "ون", "ات")) for stem in stems) or bool(stems & _words_of("plural"))


def is_people(after: str) -> bool:
    """Whether a number counts people, by what stands behind it: not cars, kilometers or years."""
    words = fold_words(after)
    return not words or not {words[0], words[0].removesuffix("ا")} & _words_of("not_people")


def fold_words(text: str) -> list[str]:
    """Return the folded words of a text; a prefix that is set off by tatweel is a word (الـ20)."""
    return _WORD.findall(fold(text))


def _number_words(text: str) -> list[str]:
    """Return folded words with digits as whole numbers: 1,800 is 1800, ألفا behind a number is a thousand."""
    words: list[str] = []
    for word in fold_words(text):
        if _THOUSANDS.fullmatch(word):
            words.append(re.sub(r"\D", "", word))
        elif words and word in _ACCUSATIVE_SCALES and _read_at(words, len(words) - 1):
            words.append(_ACCUSATIVE_SCALES[word])
        else:
            words.append(word)
    return words


def _read_number(words: Sequence[str], start: int) -> _Number | None:
    """Read the number that begins at a word, whatever is attached before it."""
    return (
        _read_part(words, start)
        or _read_vague(words, start)
        or (_Number(exact[0], False, exact[1]) if (exact := _read_at(words, start)) else None)
    )


def _read_at(words: Sequence[str], start: int) -> tuple[int, int] | None:
    """Read an exact number at a word, without its proclitics: لستة, و22, وبخمسة."""
    for reading in proclitic_readings(words[start]):
        found = read_number([reading.stem, *words[start + 1 : start + 12]])
        if found and found[0]:
            return found[0], start + found[1]
    return None


def _read_vague(words: Sequence[str], start: int) -> _Number | None:
    """Read عشرات، عشرات الآلاف، بضعة آلاف; عدد before an exact number is no number (عدد 2 مجند)."""
    stem = next(
        (reading.stem for reading in proclitic_readings(words[start]) if reading.stem in _VAGUE), None
    )
    if stem is None:
        return None
    value, end = _VAGUE[stem], start + 1
    if end < len(words):
        following = _read_vague(words, end)
        scale = _SCALES.get(words[end].removeprefix("ال"), _SCALES.get(words[end]))
        if value == 2 and following:
            return following
        if value == 2 and _read_at(words, end):
            return None
        if scale and stem not in _SCALES:
            return _Number(value * scale, True, end + 1)
    return _Number(value, True, end)


def _read_part(words: Sequence[str], start: int) -> _Number | None:
    """Read a part of a thousand or a million: نصف مليون, 1.6 مليون."""
    scale = _SCALES.get(words[start + 1].removeprefix("ال")) if start + 1 < len(words) else None
    if scale is None:
        return None
    decimal = _DECIMAL.fullmatch(words[start])
    stems = [reading.stem for reading in proclitic_readings(words[start])]
    part = next((_FRACTIONS[stem] for stem in stems if stem in _FRACTIONS), None)
    if decimal:
        part = Fraction(f"{decimal[1]}.{decimal[2]}")
    return None if part is None else _Number(int(part * scale), False, start + 2)


def _read_range(left: Sequence[str], first: str, number: _Number, rest: Sequence[str]) -> Figure | None:
    """Read a number that goes on to a second: بين 20 و30، من 20 إلى 30، 20-30."""
    is_between = bool(left) and left[-1].endswith("بين")
    if not rest or not (is_between or rest[0] in _RANGES):
        return None
    start = 0 if is_between and rest[0] != "و" and rest[0] not in _RANGES else 1
    upper = _read_number(rest, start) if start < len(rest) else None
    if upper is None:
        return None
    low = number.value
    # بين 20 و30 ألفا: the scale is said once.
    scale = next(
        (value for value in _SCALES.values() if upper.value >= value * 2 and low * value < upper.value), 1
    )
    low = low * scale if len(first) <= 3 and first.isdigit() and upper.value % scale == 0 else low
    return Figure(minimum=low, maximum=upper.value) if low < upper.value else None


def _sum(values: Sequence[int | None]) -> int | None:
    return None if None in values else sum(filter(None, values))


def _word_forms(stem: str) -> Iterator[str]:
    """Yield what a noun may be in the dictionary: without accusative, possessive, feminine ending."""
    yield stem
    if stem.endswith("ا"):
        yield stem[:-1]
    if stem.endswith("ه"):
        yield stem[:-1]
    for possessive in _POSSESSIVES:
        if stem.endswith(possessive) and len(stem) - len(possessive) >= _SHORTEST_NOUN - 1:
            bare = stem.removesuffix(possessive)
            yield bare
            if bare.endswith("ت"):
                yield bare[:-1] + "ه"


def _dual_forms(stem: str) -> Iterator[str]:
    """Yield the singular that a word may be the dual of: جنديان, شخصين, جثتي, مرافقاه."""
    bare = [stem.removesuffix(ending) for ending in ("ان", "ين") if stem.endswith(ending)]
    for possessive in ("", *_POSSESSIVES):
        short = stem.removesuffix(possessive)
        if short.endswith(("ا", "ي")) and (possessive or stem.endswith("تي")):
            bare.append(short[:-1])
    for base in bare:
        # مدنيين is a plural: only nouns whose plural is broken are dual in ين.
        if not stem.endswith("ين") or base in _words_of("broken"):
            yield base
        if base.endswith("ت"):
            yield base[:-1] + "ه"


def _number_by_form(stem: str) -> int:
    """Return the number that a noun's form tells: مواطنتين, مسلحون, سماسرة; what is like no plural is one."""
    if stem.endswith(("تين", "تان")):
        return 2
    if stem.endswith(("ون", "ين", "ات")) or _CONSTRUCT_PLURAL.fullmatch(stem):
        return SEVERAL
    if _BROKEN_PLURAL.fullmatch(stem) or any(map(_BROKEN_PLURAL.fullmatch, _without_possessive(stem))):
        return SEVERAL
    return 2 if stem.endswith("ان") else 1


def _without_possessive(stem: str) -> Iterator[str]:
    """Yield a noun without what may be a possessive, but for ه and ي that are most often its own: أبطالنا."""
    for possessive in _POSSESSIVES[:-2]:
        if stem.endswith(possessive):
            yield stem.removesuffix(possessive)


@cache
def _lexicon() -> dict[str, int]:
    """Every noun of the table with its number; the later list wins."""
    numbers = {"broken": 1, "singular": 1, "plural": SEVERAL, "collective": 0, "families": 0, "not_people": 0}
    return {word: number for kind, number in numbers.items() for word in _words_of(kind)}


@cache
def _words_of(kind: str) -> frozenset[str]:
    text = files("libyaevents").joinpath("data/people.json").read_text(encoding="utf-8")
    return frozenset(json.loads(text)[kind].split())
