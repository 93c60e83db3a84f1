"""Words and sentences: the guideline's cases, laws over all of Unicode, and the corpus' own sentences."""

import json
import re
import sys
from pathlib import Path
from time import perf_counter
from typing import Any
from unicodedata import category

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from libyaevents.words import Span, letters, split_sentences, split_words

ROOT = Path(__file__).parents[1]
ARTICLE = ROOT / "libyaevents" / "data" / "article.jsonl"
CORPUS = ROOT.parent / "shared" / "corpus"

RLM, ZWNJ, ZWJ, ZWSP, BOM = "\u200f", "\u200c", "\u200d", "\u200b", "\ufeff"

# What Arabic news text holds, the awkward parts far more often than chance would give them.
FRAGMENTS = [
    *["قصفت", "الطائرات", "وبدرنة", "سرت", "أُصيبَ", "هجوماً", "حـــلب", "ﷺ", "ﻻ", "﷼", "پژوهش", "گچ"],
    *["٢٠٢٠", "12", "3.5", "10:30", "5+5", "يونيو/حزيران", "د", "م", "GNA", "Libya", "é", "e\u0301"],
    *[
        ".",
        "..",
        "...",
        "…",
        "؟",
        "?",
        "!",
        "،",
        "؛",
        ":",
        "-",
        "_",
        "#",
        "%",
        "/",
        "'",
        '"',
        "«",
        "»",
        "“",
        "”",
    ],
    *["(", ")", "[", "]", "{", "}", " ", "  ", "\n", "\r\n", "\t", "\u00a0", "\u2028", ZWSP, BOM],
    *[RLM, ZWNJ, ZWJ, "\0", "\x07", "\u064b", "\u0651", "ـ", "😀", "❤\ufe0f", "👨\u200d👩", "🇱🇾", "\ue000"],
]
arabic_texts = st.lists(st.sampled_from(FRAGMENTS) | st.text(max_size=3), max_size=30).map("".join)

# Repeated, each of these is a whole text of one or two kinds of character.
REPEATED = [
    *'ب+" .:\n\u064eـ\0١ﷺ😀(',
    *[RLM, "ب+", "a.", "1.", "1:", '."', ".\n", ". ", 'ب"', ".)", "1,", "«(", "❤\ufe0f", f"{RLM}+"],
    *["+\u200d\u064e", "\u064e\u200d+"],
]

any_text = settings(deadline=None, max_examples=200)


def _words_of(text: str) -> list[str]:
    return [text[start:end] for start, end in split_words(text)]


def _sentences_of(text: str) -> list[str]:
    return [text[start:end] for start, end in split_sentences(text)]


def _is_space(character: str) -> bool:
    return character.isspace() or character in (ZWSP, BOM)


def _is_invisible(character: str) -> bool:
    return _is_space(character) or category(character) in ("Cc", "Cf")


def _read_corpus(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def _gold_spans(document: dict[str, Any]) -> list[Span]:
    arguments = [argument for event in document["events"] for argument in event.get("arguments", [])]
    triggers = [event["trigger"] for event in document["events"]]
    return [(mention["start"], mention["end"]) for mention in [*document["entities"], *triggers, *arguments]]


def _count_unreachable(document: dict[str, Any]) -> int:
    """Count the gold spans that no run of whole words covers exactly."""
    words = split_words(document["text"])
    starts, ends = {start for start, _ in words}, {end for _, end in words}
    return sum(start not in starts or end not in ends for start, end in _gold_spans(document))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", []),
        (" \n\t\u00a0 ", []),
        ("وصلت قواتهم إلى بنغازي", ["وصلت", "قواتهم", "إلى", "بنغازي"]),
        ("انسحبوا من سرت.", ["انسحبوا", "من", "سرت", "."]),
        ("لجنة 5+5 في 3 يونيو/حزيران", ["لجنة", "5+5", "في", "3", "يونيو/حزيران"]),
        ("ارتفع 3.5% عند 10:30", ["ارتفع", "3.5", "%", "عند", "10:30"]),
        ("عند ١٠:٣٠ مساء", ["عند", "١٠:٣٠", "مساء"]),
        ("#ليبيا_الآن", ["#", "ليبيا_الآن"]),
        ('لجنة "5+5"!', ["لجنة", '"', "5+5", '"', "!"]),
        ('و"التبة" سقطت', ["و", '"', "التبة", '"', "سقطت"]),
        ("ب«غريان»", ["ب", "«", "غريان", "»"]),
        ("طرابلس،التي", ["طرابلس", "،", "التي"]),
        ("قال:لن ننسحب", ["قال", ":", "لن", "ننسحب"]),
        ("سقطت..وعادت", ["سقطت", ".", ".", "وعادت"]),
        ("انتهت…وبدأت", ["انتهت", "…", "وبدأت"]),
        ("حقل(الشرارة)", ["حقل", "(", "الشرارة", ")"]),
        ('"-سرت-"', ['"', "-", "سرت", "-", '"']),
        ("طائرة F-16 أميركية", ["طائرة", "F-16", "أميركية"]),
        ("و. د.ب.أ", ["و", ".", "د.ب.أ"]),
    ],
)
def test_guideline(text: str, words: list[str]) -> None:
    """Words are cut at white space, peeled at both ends and cut inside at quotes, brackets and commas."""
    assert _words_of(text) == words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("أُصيبَ هجوماً", ["أُصيبَ", "هجوماً"]),
        ("حـــلب ـ", ["حـــلب", "ـ"]),
        ("الرسول ﷺ ﻻ", ["الرسول", "ﷺ", "ﻻ"]),
        (f"می{ZWNJ}روند گچ", [f"می{ZWNJ}روند", "گچ"]),
        (f"1441 ه{ZWJ}.", ["1441", f"ه{ZWJ}", "."]),
        (f"{RLM}اللواء {RLM}", [f"{RLM}اللواء"]),
        (f"{BOM}دخلت{ZWSP}{ZWSP}القوات", ["دخلت", "القوات"]),
        ("سقطت\r\nسرت\r\n", ["سقطت", "سرت"]),
        ("❤\ufe0fليبيا😀👍🏽", ["❤\ufe0f", "ليبيا", "😀", "👍", "🏽"]),
        ("👨\u200d👩", ["👨\u200d", "👩"]),
        ("سر\0ت \0", ["سر\0ت"]),
        ("\u064b", ["\u064b"]),
        ("GNA-وقواتها", ["GNA-وقواتها"]),
    ],
)
def test_unicode_of_arabic_text(text: str, words: list[str]) -> None:
    """Marks, joiners and format characters stay in the word they touch, and are none on their own."""
    assert _words_of(text) == words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("سرت", "سرت"),
        ("أُصيبَ هجوماً", "أصيب هجوما"),
        (f"حـــلب{RLM} ـ", "حلب "),
        ("\ufeb3\ufeae\ufe95 ﻻ", "سرت لا"),
        ("ا\u0654خ\u064fرى", "أخرى"),
        (f"می{ZWNJ}روند", "میروند"),
        ("٥+٥ و۱۲٫۷٪", "5+5 و12.7%"),
    ],
)
def test_letters(text: str, expected: str) -> None:
    """Of words their letters are left, each written in one way; what says another letter stays."""
    assert letters(text) == expected


def test_part_of_text() -> None:
    """Words of a part carry offsets into the whole text, and the part's end cuts."""
    text = "انفجرت سيارة. سقط قتيل"
    assert split_words(text, 7, 12) == [(7, 12)]
    assert split_words(text, 9, 13) == [(9, 12), (12, 13)]
    assert split_words("10:30", 0, 3) == [(0, 2), (2, 3)]


def test_every_code_point() -> None:
    """Each visible character of Unicode is a word when it stands alone, lone surrogates included."""
    characters = [chr(code) for code in range(sys.maxunicode + 1)]
    assert _words_of(" ".join(characters)) == [
        character for character in characters if not _is_invisible(character)
    ]


def test_letters_and_digits_are_never_peeled() -> None:
    """Every character that Python calls alphanumeric is a letter or a number, so such a piece is one word."""
    characters = map(chr, range(sys.maxunicode + 1))
    assert {category(character)[0] for character in characters if character.isalnum()} == {"L", "N"}


@any_text
@given(arabic_texts)
def test_words_are_disjoint_and_in_order(text: str) -> None:
    """Words are non-empty, in order and without white space, and hold every visible character."""
    position = 0
    for start, end in split_words(text):
        assert all(map(_is_invisible, text[position:start]))
        assert start < end
        assert not any(map(_is_space, text[start:end]))
        assert not all(map(_is_invisible, text[start:end]))
        position = end
    assert all(map(_is_invisible, text[position:]))


def _peel_slowly(piece: str) -> list[str]:
    """Split a piece as the guideline says it, one character at a time."""
    for position, character in enumerate(piece):
        in_dots = character == "." and "." in (
            *piece[max(position - 1, 0) : position],
            *piece[position + 1 :][:1],
        )
        before_no_digit = character == ":" and re.match(r"\d", piece[position + 1 :]) is None
        if character in '"«»“”()[]،؛؟!…' or in_dots or before_no_digit:
            return [*_peel_ends(piece[:position]), character, *_peel_slowly(piece[position + 1 :])]
    return _peel_ends(piece)


def _peel_ends(piece: str) -> list[str]:
    if not piece:
        return []
    if category(piece[0])[0] in "PS":
        return [piece[0], *_peel_ends(piece[1:])]
    if category(piece[-1])[0] in "PS":
        return [*_peel_ends(piece[:-1]), piece[-1]]
    return [piece]


@any_text
@given(st.text(alphabet='قتل12٣e.:،؟!"«)(-/+_#😀 \n', max_size=40))
@example("سرت:.12")
def test_words_equal_the_rule_read_slowly(text: str) -> None:
    """The words equal those of the guideline's rule, applied one character at a time."""
    assert _words_of(text) == [word for piece in text.split() for word in _peel_slowly(piece)]


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("", []),
        (f"\n \r\n{RLM}\n\0\n{BOM}", []),
        ("عنوان الخبر\nسقطت سرت. عاد الهدوء", ["عنوان الخبر", "سقطت سرت.", "عاد الهدوء"]),
        ("هل انسحبوا؟ نعم! ربما… لا", ["هل انسحبوا؟", "نعم!", "ربما…", "لا"]),
        ('قال: "لن ننسحب." ثم مضى', ['قال: "لن ننسحب."', "ثم مضى"]),
        ("«انسحبوا فورا!» هكذا قال", ["«انسحبوا فورا!»", "هكذا قال"]),
        ("وصل د. سالم إلى سبها", ["وصل د. سالم إلى سبها"]),
        ("وصل (د. سالم) و أ.د. منى", ["وصل (د. سالم) و أ.د. منى"]),
        ("بدأت عام 2011. وانتهت", ["بدأت عام 2011. وانتهت"]),
        ("بلغت ٣٫٥. وزادت", ["بلغت ٣٫٥. وزادت"]),
        ("1. الانسحاب 2. الهدنة", ["1. الانسحاب 2. الهدنة"]),
        ("منذ 2011؟ نعم", ["منذ 2011؟", "نعم"]),
        ("سقط طراز ميغ-21. وهرب", ["سقط طراز ميغ-21.", "وهرب"]),
        ("توقفوا .. ثم عادوا ... وانسحبوا .", ["توقفوا .. ثم عادوا ...", "وانسحبوا ."]),
        ("نسبة 3.5 في العربية.نت،انتهى", ["نسبة 3.5 في العربية.نت،انتهى"]),
        ("انتهت.\r\nبدأت.\u2028عادت.\u0085مضت", ["انتهت.", "بدأت.", "عادت.", "مضت"]),
        ("سقطت\u2028عادت\x85مضت", ["سقطت", "عادت", "مضت"]),
        ('قال " لن ننسحب ". ثم مضى', ['قال " لن ننسحب ".', "ثم مضى"]),
        (f"{BOM}سقطت سرت.{ZWSP}عادت", ["سقطت سرت.", "عادت"]),
        (f"سقطت سرت.{RLM} عادت", [f"سقطت سرت.{RLM}", "عادت"]),
        (f"قال {RLM}د.{RLM} سالم", [f"قال {RLM}د.{RLM} سالم"]),
    ],
)
def test_sentences(text: str, sentences: list[str]) -> None:
    """A line is cut behind its terminators, but not after an initial or a number."""
    assert _sentences_of(text) == sentences


@any_text
@given(arabic_texts)
def test_sentences_partition_the_words(text: str) -> None:
    """The words of the sentences, one after another, are the words of the text; no sentence has none."""
    by_sentence = [split_words(text, start, end) for start, end in split_sentences(text)]
    assert all(by_sentence)
    assert [word for words in by_sentence for word in words] == split_words(text)


@any_text
@given(arabic_texts)
def test_sentences_are_stripped(text: str) -> None:
    """A sentence starts and ends with something other than white space and holds no line break."""
    position = 0
    for start, end in split_sentences(text):
        assert position <= start < end
        assert not _is_space(text[start])
        assert not _is_space(text[end - 1])
        assert "\n" not in text[start:end]
        position = end


@pytest.mark.parametrize("unit", REPEATED)
def test_time_is_linear(unit: str) -> None:
    """A third of a million repetitions of anything take seconds at most."""
    text = unit * (300_000 // len(unit))
    start = perf_counter()
    words, sentences = split_words(text), split_sentences(text)
    assert perf_counter() - start < 20
    assert len(sentences) <= len(words) <= len(text)


@pytest.mark.parametrize("start", ["سقطت ", ""])
def test_long_sentence(start: str) -> None:
    """A sentence of ten thousand words is one sentence."""
    text = start + "قوات " * 10_000
    assert len(split_sentences(text)) == 1
    assert len(split_words(text)) == 10_000 + bool(start)


def test_packaged_article() -> None:
    """The packaged article's sentences and gold spans are reproduced, every one."""
    for document in _read_corpus(ARTICLE):
        assert split_sentences(document["text"]) == [tuple(span) for span in document["sentences"]]
        assert _count_unreachable(document) == 0


@pytest.mark.skipif(not CORPUS.is_dir(), reason="the shared corpus is not beside this checkout")
@pytest.mark.parametrize("name", ["seed", "dev", "train"])
def test_corpus_sentences(name: str) -> None:
    """The sentences are those of the shared corpus, every one."""
    for document in _read_corpus(CORPUS / f"{name}.jsonl"):
        sentences = [tuple(span) for span in document["sentences"]]
        assert split_sentences(document["text"]) == sentences, document["id"]


@pytest.mark.skipif(not CORPUS.is_dir(), reason="the shared corpus is not beside this checkout")
def test_corpus_spans_are_runs_of_words() -> None:
    """Of 36,008 gold spans in the shared corpus all but six are runs of whole words."""
    documents = [document for path in sorted(CORPUS.glob("*.jsonl")) for document in _read_corpus(path)]
    assert sum(map(_count_unreachable, documents)) <= 6
