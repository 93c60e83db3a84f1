"""Stems, roots and kinds of words that mentions are compared by."""

import pytest

from libyaevents.enrich.arabic import fold
from libyaevents.enrich.stems import means_of, root_of, sides_of, stems_of


@pytest.mark.parametrize(
    ("word", "other"),
    [
        ("بوابة", "البوابة"),
        ("كمينا", "الكمين"),
        ("وبالكتيبة", "كتيبة"),
        ("للكتيبة", "كتيبة"),
        ("مسلحين", "المسلحون"),
    ],
)
def test_forms_of_one_word_have_one_stem(word: str, other: str) -> None:
    """The article, what stands before it and the ending fall away; a first letter of its own stays."""
    assert stems_of(word) == stems_of(other) != frozenset()


def test_proclitics_without_article_are_cut_where_the_document_shows_the_word() -> None:
    """Of لشرطة the ل goes where الشرطة stands too; of لواء it never does."""
    assert stems_of("لشرطة", {"الشرطه"}) == stems_of("الشرطة") != stems_of("لشرطة")
    assert stems_of("لواء", {"الشرطه"}) == stems_of("اللواء")


def test_words_that_tell_nothing_are_no_stems() -> None:
    """أفرادها and قتلى tell neither who it was nor where."""
    assert stems_of("من أفرادها قتلى في المدينة") == frozenset()


@pytest.mark.parametrize(("word", "other"), [("مقتل", "القتلى"), ("هجوم", "هاجم"), ("تفجير", "انفجار")])
def test_roots(word: str, other: str) -> None:
    """Weak letters, forms and the م of places and nouns fall away; a root that forms hide is not found."""
    assert (root_of(fold(word)) == root_of(fold(other))) is (word != "تفجير")


def test_kinds() -> None:
    """Papers call one side and one weapon by different words."""
    assert sides_of(stems_of("رجال الشرطة")) == sides_of(stems_of("جنود")) == {"forces"}
    assert sides_of(stems_of("مهاجمين")) == {"fighters"}
    assert means_of(stems_of("صهريج ملغوم")) == means_of(stems_of("بسيارة مفخخة", {"سياره"})) == {"vehicle"}
