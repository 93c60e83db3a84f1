"""Letters, clitics and numbers: what words stand for, however they are written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libyaevents.enrich.arabic import fold, proclitic_readings, read_number, read_ordinal

NUMBERS = {
    "واحد": 1,
    "خمسة عشر": 15,
    "إحدى عشرة": 11,
    "اثنتا عشرة": 12,
    "إحدى وعشرين": 21,
    "أربعة و عشرون": 24,
    "الأربع والعشرين": 24,
    "مئة": 100,
    "مائتين وثلاثين": 230,
    "ثلاثمائة": 300,
    "ثلاث مئة وخمسون ألفا": 350_000,
    "ألفان وتسعة عشر": 2019,
    "ألفين وأحد عشر": 2011,
    "ألف وتسعمائة وتسعة وستين": 1969,
    "ثلاثة آلاف وخمسمئة": 3500,
    "مليون ومئتي ألف": 1_200_000,
    "٤٠٠ ألف": 400_000,
    "۱۲": 12,
}


@pytest.mark.parametrize(("words", "number"), NUMBERS.items(), ids=list(NUMBERS))
def test_numbers_are_read_whole(words: str, number: int) -> None:
    """A number in words or digits is read from its first word to its last."""
    folded = fold(words).split()
    assert read_number(folded) == (number, len(folded))


@pytest.mark.parametrize(
    ("words", "number", "length"),
    [
        ("ثلاثة وأربعة", 3, 1),
        ("خمسة وعشرة", 5, 1),
        ("خمسين ومئة", 50, 1),
        ("٢٠١٩ و٢٠٢٠", 2019, 1),
        ("سبعة جرحى", 7, 1),
    ],
)
def test_two_numbers_stay_two(words: str, number: int, length: int) -> None:
    """What cannot be one number ends at the first."""
    assert read_number(fold(words).split()) == (number, length)


def test_old_order_of_years_is_read_on_request() -> None:
    """Units before hundreds before thousands are one number only where the caller expects a year."""
    words = fold("تسع وستين وتسعمائة وألف").split()
    assert read_number(words, rising=True) == (1969, 4)
    assert read_number(words) == (69, 2)


@pytest.mark.parametrize("words", ["قذيفة", "و", "الجرحى", "9" * 40])
def test_what_is_no_number_is_none(words: str) -> None:
    """Other words are no numbers, and neither are more digits than any count has."""
    assert read_number(fold(words).split()) is None


@pytest.mark.parametrize(
    ("words", "number", "length"),
    [("الثالث", 3, 1), ("الحادي عشر", 11, 2), ("الخامس والعشرين من", 25, 2), ("الثانية عشرة", 12, 2)],
)
def test_ordinals(words: str, number: int, length: int) -> None:
    """An ordinal takes its ten or its tens along."""
    assert read_ordinal(fold(words).split()) == (number, length)


@pytest.mark.parametrize(
    ("word", "stem"),
    [("وبالأمس", "امس"), ("للأسبوع", "اسبوع"), ("والجمعة", "جمعه"), ("فالسبت", "سبت"), ("لعامين", "عامين")],
)
def test_proclitics_are_cut(word: str, stem: str) -> None:
    """Among the readings of a word is its stem; the first reading is the word itself."""
    readings = list(proclitic_readings(fold(word)))
    assert stem in [reading.stem for reading in readings]
    assert readings[0].stem == fold(word)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("أُصِيبَ", "اصيب"),
        ("ليبيا", "ليبيــا"),
        ("مئة", "مئه"),
        ("ﻻ", "لا"),
        ("٢٠١٩", "2019"),
        ("مصطفى", "مصطفي"),
    ],
)
def test_spellings_fold_to_one(one: str, other: str) -> None:
    """Harakat, tatweel, presentation forms, digits and letters that writers confuse make no difference."""
    assert fold(one) == fold(other)


@given(st.text())
def test_folding_is_done_once(text: str) -> None:
    """What is folded stays as it is, whatever it holds."""
    assert fold(fold(text)) == fold(text)


@given(st.text(min_size=1))
def test_readings_end_the_word(word: str) -> None:
    """Proclitics are cut off the front and nothing else: each reading puts the word together again."""
    for reading in proclitic_readings(word):
        article = "ال" if reading.article else ""
        whole = reading.conjunction + reading.preposition + article + reading.stem
        assert whole == word or whole.replace("لال", "لل", 1) == word
