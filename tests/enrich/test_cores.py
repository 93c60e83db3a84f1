"""Cores: where a name stands without what is attached to it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libyaevents.documents import Document, Entity
from libyaevents.enrich.cores import find_cores


def core(text: str, mention: str, label: str) -> str:
    """Return the core of the first occurrence of a mention in a text."""
    start = text.index(mention)
    entity = Entity(id="T1", label=label, start=start, end=start + len(mention), text=mention)
    span = find_cores(Document(text=text, entities=(entity,))).entities[0].core
    assert span is not None
    return text[slice(*span)]


@pytest.mark.parametrize(
    ("mention", "label", "expected"),
    [
        ("وبالجيش", "MILITARY", "الجيش"),
        ("لحفتر", "PERSON", "حفتر"),
        ("للجيش", "MILITARY", "لجيش"),
        ("وللجيش", "MILITARY", "لجيش"),
        ("وبدرنة", "GPE", "درنة"),
        ("لليبيا", "GPE", "ليبيا"),
        ("فليبيا", "GPE", "ليبيا"),
        ("كالقاعدة", "MILITARY", "القاعدة"),
        ("و12", "QUANTITY", "12"),
        ("بـ500", "QUANTITY", "500"),
        ("لـCNN", "ORG", "CNN"),
        ("بِليبيا", "GPE", "ليبيا"),
        ("بـسرت", "GPE", "سرت"),
        ("#درنة", "GPE", "درنة"),
    ],
)
def test_proclitics_are_left_out(mention: str, label: str, expected: str) -> None:
    """و، ف، ب، ل، ك and their joints are outside the core; of لل the second ل is what stands there."""
    assert core(f"قالوا {mention} أمس", mention, label) == expected


@pytest.mark.parametrize(
    ("mention", "label"),
    [
        ("ولاية", "LOC"),
        ("بنغازي", "GPE"),
        ("كتيبة النواصي", "MILITARY"),
        ("فزان", "LOC"),
        ("لبنان", "GPE"),
        ("لواء الصمود", "MILITARY"),
        ("وزير الدفاع", "TITLE"),
        ("وليد اللافي", "PERSON"),
        ("بلقاسم", "PERSON"),
        ("فائز السراج", "PERSON"),
        ("والي", "TITLE"),
        ("بالونات", "WEAPON"),
        ("فبراير", "DATE"),
        ("واحد", "QUANTITY"),
    ],
)
def test_letters_of_the_word_itself_stay(mention: str, label: str) -> None:
    """A word that begins with one of these letters keeps it."""
    assert core(f"قالوا {mention} أمس", mention, label) == mention


def test_the_text_itself_is_evidence() -> None:
    """An unknown word is cut where the text has it without the letter, and kept behind a preposition."""
    assert core("قصفت زغوية ثم انسحبوا بزغوية", "بزغوية", "GPE") == "زغوية"
    assert core("انسحبوا من بزغوية", "بزغوية", "GPE") == "بزغوية"


@pytest.mark.parametrize(
    ("mention", "label", "expected"),
    [
        ("طائراتها", "WEAPON", "طائرات"),
        ("وطائراتهم", "WEAPON", "طائرات"),
        ("مدرعاته", "WEAPON", "مدرعات"),
        ("كتيبه", "MILITARY", "كتيبه"),
        ("سبها", "GPE", "سبها"),
    ],
)
def test_pronouns_are_left_out(mention: str, label: str, expected: str) -> None:
    """A possessive pronoun is outside the core; a name that ends so is whole."""
    assert core(f"دمروا {mention} أمس", mention, label) == expected


def test_cores_that_are_there_are_kept() -> None:
    """A filled core is not touched."""
    entity = Entity(id="T1", label="GPE", start=0, end=4, text="بسرت", core=(0, 4))
    document = Document(text="بسرت", entities=(entity,))
    assert find_cores(document) == document


@given(
    st.text(alphabet="وفبلكاسرت#ـ\"'( ِ5A", min_size=1, max_size=20).filter(lambda text: bool(text.strip())),
    st.sampled_from(["GPE", "PERSON", "MILITARY", "WEAPON", "QUANTITY", "DATE", "NORP"]),
)
def test_a_core_is_never_empty_nor_outside(text: str, label: str) -> None:
    """Whatever the mention, its core lies within it and holds something."""
    entity = Entity(id="T1", label=label, start=0, end=len(text), text=text)
    span = find_cores(Document(text=text, entities=(entity,))).entities[0].core
    assert span is not None
    assert 0 <= span[0] < span[1] <= len(text)
