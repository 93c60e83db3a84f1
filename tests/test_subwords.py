"""Words to subwords: laws for any text, and what proclitics, marks and spelling do."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from tokenizers import Regex, Tokenizer, normalizers, pre_tokenizers
from tokenizers.models import WordPiece

from libyaevents.errors import CheckpointError
from libyaevents.subwords import RESPELLINGS, _cuts, encode_words, load_tokenizer, special_ids
from libyaevents.words import letters, split_words
from tests.test_words import arabic_texts

SPECIALS = (2, 3)
# The compact model's normalizer under three pre-tokenizers, two of which cut words further, and BERT's own.
NORMALIZER = normalizers.Sequence(
    [
        normalizers.NFKC(),
        normalizers.Replace("ـ", ""),
        normalizers.Replace(Regex("[\u064b-\u0652\u0670]"), ""),
    ]
)
DIGITS = pre_tokenizers.Sequence([pre_tokenizers.BertPreTokenizer(), pre_tokenizers.Digits(True)])
KINDS = {
    "white space": (NORMALIZER, pre_tokenizers.WhitespaceSplit()),
    "punctuation": (NORMALIZER, pre_tokenizers.BertPreTokenizer()),
    "digits": (NORMALIZER, DIGITS),
    "bert": (normalizers.BertNormalizer(), pre_tokenizers.BertPreTokenizer()),
}
any_input = settings(deadline=None, max_examples=150)


def tiny_tokenizer(kind: str = "punctuation") -> Tokenizer:
    """A tokenizer of letters and a few words; `SPECIALS` are its [CLS] and [SEP]."""
    alphabet = "ابتثجحخدذرزسشصضطظعغفقكلمنهويءئؤأإآةىabcdefg0123456789/+.:-"
    words = ["سرت", "##ها", "قوات", "وال", "مدينة", "منزل", "##ه", "منزلة", "مستشفى", "التي", "عدة"]
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *alphabet, *(f"##{letter}" for letter in alphabet), *words]
    vocabulary = {piece: index for index, piece in enumerate(pieces)}
    tokenizer = Tokenizer(WordPiece(vocabulary, unk_token="[UNK]", max_input_chars_per_word=60))
    tokenizer.normalizer, tokenizer.pre_tokenizer = KINDS[kind]
    return tokenizer


@pytest.mark.parametrize("kind", KINDS)
@any_input
@given(text=arabic_texts)
def test_each_word_has_its_subwords(kind: str, text: str) -> None:
    """A word has the subwords that its letters have alone: of all, or its proclitics' and its rest's."""
    tokenizer = tiny_tokenizer(kind)

    def alone(piece: str) -> list[int]:
        ids: list[int] = tokenizer.encode([piece], is_pretokenized=True, add_special_tokens=False).ids
        return ids

    words = split_words(text)
    for (start, end), ids in zip(words, encode_words(text, words, tokenizer), strict=True):
        word = letters(text[start:end])
        whole, rest = alone(word), [id for id in ids if id >= 0]
        assert ids == [*(id for id in ids if id < 0), *rest]
        if ids == whole:
            continue
        assert 0 < len(rest) < len(whole)
        spellings = [word, word[:-1] + RESPELLINGS.get(word[-1], "")] if len(rest) == 1 else [word]
        assert [[~id for id in ids if id < 0], rest] in [
            [alone(proclitics), alone(behind)]
            for spelling in spellings
            for proclitics, behind in [("", spelling), *_cuts(spelling)]
        ]


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("سرت", ["سرت"]),
        ("وسرت", ["~و", "سرت"]),
        ("فبسرت", ["~ف", "~##ب", "سرت"]),
        ("والقوات", ["~وال", "قوات"]),
        ("للقوات", ["~ل", "~##ل", "قوات"]),
        ("بالقوات", ["~ب", "~##ا", "~##ل", "قوات"]),
        ("قواتها", ["قوات", "##ها"]),
        ("وقواتها", ["~و", "قوات", "##ها"]),
        ("وجد", ["و", "##ج", "##د"]),  # what would be left is too short to be a word
    ],
)
def test_proclitics_are_cut_off(word: str, expected: list[str]) -> None:
    """Where what stands behind conjunction, preposition and article needs fewer pieces, they are apart."""
    tokenizer = tiny_tokenizer()
    (ids,) = encode_words(word, split_words(word), tokenizer)
    assert [f"{'~' if id < 0 else ''}{tokenizer.id_to_token(max(id, ~id))}" for id in ids] == expected


@pytest.mark.parametrize("mark", ["\u200f", "\u200e", "\u202b", "\u2069", "\u200c", "\xad", "\0"])
def test_invisible_characters_hide_no_word(mark: str) -> None:
    """A word has the same subwords with characters around or in it that show nothing."""
    tokenizer, text = tiny_tokenizer("white space"), f"و{mark}سرت{mark} {mark}والقوات"
    words = split_words(text)
    assert len(words) == 2
    assert encode_words(text, words, tokenizer) == encode_words("وسرت والقوات", [(0, 4), (5, 12)], tokenizer)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "word",
    ["وَاَلْقُوَّات", "وا\u0640\u0640لقو\u0640ات", "\ufeed\ufe8d\ufedf\ufed8\ufeee\ufe8d\ufe95", "و\u200dالقوات"],
)
def test_ways_to_write_a_word(kind: str, word: str) -> None:
    """Marks, tatweel and presentation forms change nothing, neither subwords nor proclitics."""
    tokenizer = tiny_tokenizer(kind)
    plain = "والقوات"
    assert encode_words(word, [(0, len(word))], tokenizer) == encode_words(plain, [(0, 7)], tokenizer)


def test_article_behind_a_preposition() -> None:
    """Behind ل the article is read with its ا: the rest of للقوات is القوات where that is one piece."""
    assert _cuts("وللقوات")[:3] == [("و", "للقوات"), ("ول", "القوات"), ("ول", "لقوات")]
    assert _cuts("سرت") == []


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("مدينه", ["مدينة"]),
        ("والمدينه", ["~وال", "مدينة"]),
        ("مستشفي", ["مستشفى"]),
        ("بمستشفي", ["~ب", "مستشفى"]),
        ("التى", ["التي"]),
        ("منزل", ["منزل"]),
        ("منزله", ["منزلة"]),  # his house, too, is read as the rank: what the rest costs
        ("وعده", ["~و", "ع", "##د", "##ه"]),  # his promise: what is left is too short to tell
        ("سرته", ["سرت", "##ه"]),  # his Sirte: there is no سرتة
        ("مدينها", ["م", "##د", "##ي", "##ن", "##ها"]),
    ],
)
def test_last_letters_that_are_typed_for_others(word: str, expected: list[str]) -> None:
    """A word of several pieces is read as the one-piece word of which it may be a misspelling."""
    tokenizer = tiny_tokenizer()
    (ids,) = encode_words(word, split_words(word), tokenizer)
    assert [f"{'~' if id < 0 else ''}{tokenizer.id_to_token(max(id, ~id))}" for id in ids] == expected


def test_what_the_vocabulary_does_not_know_is_no_word() -> None:
    """A word is not read as a spelling for which there is no subword at all."""
    vocabulary = {piece: index for index, piece in enumerate(["[PAD]", "[UNK]", "مدين", "##ه"])}
    tokenizer = Tokenizer(WordPiece(vocabulary, unk_token="[UNK]"))
    assert encode_words("مدينه", [(0, 5)], tokenizer) == [[2, 3]]


def test_word_without_subwords_keeps_its_place() -> None:
    """A lone tatweel or mark has no subwords, and the words behind it keep their own."""
    text = "سرت ـ \u064b قوات"
    tokenizer = tiny_tokenizer()
    assert encode_words(text, split_words(text), tokenizer) == [
        [tokenizer.token_to_id("سرت")],
        [],
        [],
        [tokenizer.token_to_id("قوات")],
    ]


def test_word_that_the_tokenizer_cuts_further() -> None:
    """A word that the pre-tokenizer cuts, or NFKC turns into several, stays one word."""
    text = "10:30 ﷺ يونيو/حزيران"
    encoded = encode_words(text, split_words(text), tiny_tokenizer())
    assert list(map(len, encoded)) == [5, 15, 12]


def test_no_words() -> None:
    """Nothing has no subwords."""
    assert encode_words("", [], tiny_tokenizer()) == []


def test_load_tokenizer(tmp_path: Path) -> None:
    """A loaded tokenizer neither truncates nor pads, whatever its file says."""
    tokenizer = tiny_tokenizer()
    tokenizer.enable_truncation(4)
    tokenizer.enable_padding(length=8)
    path = tmp_path / "tokenizer.json"
    tokenizer.save(str(path))
    text = "قوات " * 100
    assert (
        encode_words(text, split_words(text), load_tokenizer(path)) == [[tokenizer.token_to_id("قوات")]] * 100
    )
    assert load_tokenizer(path).padding is None


def test_special_ids() -> None:
    """The ids of [CLS] and [SEP] are the vocabulary's; a tokenizer without them is refused."""
    assert special_ids(tiny_tokenizer()) == SPECIALS
    with pytest.raises(CheckpointError, match=r"lacks \[CLS\] or \[SEP\]"):
        special_ids(Tokenizer(WordPiece({"[UNK]": 0}, unk_token="[UNK]")))


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff\xfe", b"\x80\x04}q\x00."])
def test_load_tokenizer_refuses_other_files(tmp_path: Path, content: bytes) -> None:
    """A file that is no tokenizer is refused by name."""
    path = tmp_path / "tokenizer.json"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=r"tokenizer\.json: expected a tokenizer"):
        load_tokenizer(path)


def test_load_tokenizer_names_a_missing_file(tmp_path: Path) -> None:
    """A missing file or a folder is refused by name."""
    with pytest.raises(CheckpointError, match=r"absent\.json: cannot read"):
        load_tokenizer(tmp_path / "absent.json")
    with pytest.raises(CheckpointError, match="cannot read"):
        load_tokenizer(tmp_path)
