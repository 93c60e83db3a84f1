"""Named-entity corpora in CoNLL columns."""

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from libyaevents.errors import InputError, MissingFileError
from libyaevents.formats.conll import TaggedWord, join_sentences, read_conll


def corpus(tmp_path: Path, text: str | bytes) -> Path:
    """A file of this text."""
    path = tmp_path / "names.conll"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def named(sentences: Sequence[Sequence[TaggedWord]]) -> list[list[tuple[str, str]]]:
    """The labels and texts of the names in the documents of these sentences."""
    documents = join_sentences(sentences)
    return [[(name.label, name.text) for name in document.entities] for document in documents]


def test_columns(tmp_path: Path) -> None:
    """Words and tags are parted by a tab or by spaces, sentences by blank lines, and `B_X` is `B-X`."""
    path = corpus(tmp_path, "زار\tO\nعمر\tB-PERS\nسالم\tI-PERS\n\n\nدرنة   B_LOC\r\n. O\n \n")
    assert list(read_conll(path)) == [
        [("زار", ("O",)), ("عمر", ("B-PERS",)), ("سالم", ("I-PERS",))],
        [("درنة", ("B-LOC",)), (".", ("O",))],
    ]


def test_nested_tags(tmp_path: Path) -> None:
    """A word inside two names has both tags, in the order of the line."""
    path = corpus(tmp_path, "بلدية B-ORG\nسبها I-ORG B-GPE\nاليوم B-DATE")
    assert list(read_conll(path)) == [
        [("بلدية", ("B-ORG",)), ("سبها", ("I-ORG", "B-GPE")), ("اليوم", ("B-DATE",))]
    ]


def test_byte_order_mark(tmp_path: Path) -> None:
    """A byte-order mark is no part of the first word."""
    assert list(read_conll(corpus(tmp_path, b"\xef\xbb\xbf" + "سرت\tB-LOC\n".encode()))) == [
        [("سرت", ("B-LOC",))]
    ]


def test_no_break_space(tmp_path: Path) -> None:
    """A word may hold a space that is not the one that parts the columns."""
    path = corpus(tmp_path, "حي\u00a0الأندلس\tB-LOC\nباب تاجوراء\tB-LOC\n")
    assert [word for sentence in read_conll(path) for word, _ in sentence] == [
        "حي\u00a0الأندلس",
        "باب تاجوراء",
    ]


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        (["I-ORG", "I-ORG"], ["B-ORG", "I-ORG"]),
        (["B-PERS", "I-ORG"], ["B-PERS", "B-ORG"]),
        (["I-LOC", "B-LOC", "O", "I-LOC"], ["B-LOC", "B-LOC", "O", "B-LOC"]),
    ],
)
def test_inside_without_beginning(tmp_path: Path, tags: list[str], expected: list[str]) -> None:
    """An I behind no tag of its type starts a name, as in IOB1."""
    path = corpus(tmp_path, "".join(f"كلمة\t{tag}\n" for tag in tags))
    assert [tag for sentence in read_conll(path) for _, (tag,) in sentence] == expected


def test_inside_across_sentences(tmp_path: Path) -> None:
    """A name does not go on in the next sentence."""
    sentences = list(read_conll(corpus(tmp_path, "حزب\tB-ORG\n\nالأمة\tI-ORG\n")))
    assert sentences == [[("حزب", ("B-ORG",))], [("الأمة", ("B-ORG",))]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("سرت\tB-LOC\nدرنة\n", r"names.conll:2: expected a word and its tags, found 'درنة'"),
        ("\tO\n", r"names.conll:1: expected a word and its tags"),
        ("سرت LOC\n", r"names.conll:1: expected the tags O, B-X or I-X, found 'LOC'"),
        ("سرت B-\n", r"names.conll:1: expected the tags O, B-X or I-X, found 'B-'"),
        ("سرت O\nدرنة NN B-LOC\n", r"names.conll:2: expected the tags .*, found 'NN'"),
        ("سرت S-LOC\n", r"names.conll:1: expected the tags .*, found 'S-LOC'"),
        ("سرت O\n".encode("cp1256"), r"names.conll:1: expected UTF-8, found byte 0xd3 at position 0"),
        ("\n \n", r"names.conll: expected a word and its tags a line, found an empty file"),
        ("", r"names.conll: expected a word and its tags a line, found an empty file"),
    ],
)
def test_bad_lines(tmp_path: Path, text: str | bytes, message: str) -> None:
    """What is no word with IOB tags is refused with file, line, what was expected and what was found."""
    with pytest.raises(InputError, match=message):
        list(read_conll(corpus(tmp_path, text)))


def test_no_file(tmp_path: Path) -> None:
    """A missing file is a missing file, a folder is no CoNLL file."""
    with pytest.raises(MissingFileError, match=r"none\.conll: expected a CoNLL file, found none"):
        list(read_conll(tmp_path / "none.conll"))
    with pytest.raises(InputError, match="expected a CoNLL file, found"):
        list(read_conll(tmp_path))


WORDS = st.text("ابتدرسعملنهوي«»()،.5", min_size=1, max_size=6)
LABELS = st.sampled_from(["PERS", "LOC", "ORG"])


@st.composite
def sentences(draw: st.DrawFn) -> tuple[list[TaggedWord], list[tuple[int, int, str]]]:
    """A sentence and the names in it, which do not touch."""
    tagged: list[TaggedWord] = []
    names = []
    for length, label in draw(st.lists(st.tuples(st.integers(0, 3), LABELS), min_size=1, max_size=5)):
        tagged += [(draw(WORDS), ("O",))]
        if length:
            names.append((len(tagged), len(tagged) + length, label))
            tags = [f"B-{label}", *[f"I-{label}"] * (length - 1)]
            tagged += [(draw(WORDS), (tag,)) for tag in tags]
    return tagged, names


@settings(deadline=None, max_examples=30)  # it writes files
@given(st.lists(sentences(), min_size=1, max_size=10), st.sampled_from("\t "))
def test_round_trip(drawn: list[tuple[list[TaggedWord], list[tuple[int, int, str]]]], mark: str) -> None:
    """What is written is read, and the documents hold its words and names in order."""
    written = [sentence for sentence, _ in drawn]
    with TemporaryDirectory() as folder:
        path = Path(folder) / "names.conll"
        lines = ["".join(f"{word}{mark}{tags[0]}\n" for word, tags in sentence) for sentence in written]
        path.write_text("\n".join(lines), encoding="utf-8")
        assert list(read_conll(path)) == written
    documents = list(join_sentences(written))
    assert "\n".join(document.text for document in documents) == "\n".join(
        " ".join(word for word, _ in sentence) for sentence in written
    )
    assert [(name.text, name.label) for document in documents for name in document.entities] == [
        (" ".join(word for word, _ in sentence[start:end]), label)
        for sentence, names in drawn
        for start, end, label in names
    ]


def test_documents() -> None:
    """Eight sentences make a document, a line each; documents are numbered."""
    many: list[list[TaggedWord]] = [[("خبر", ("O",)), (str(number), ("O",))] for number in range(17)]
    documents = list(join_sentences(many))
    assert [document.id for document in documents] == ["0", "1", "2"]
    assert [len(document.sentences) for document in documents] == [8, 8, 1]
    text = documents[1].text
    assert [text[start:end] for start, end in documents[1].sentences] == [f"خبر {n}" for n in range(8, 16)]


def test_nested_names() -> None:
    """Nested names of different types are all entities; of nested names of one type the outer one is."""
    nested: list[TaggedWord] = [
        ("نائب", ("B-OCC",)),
        ("رئيس", ("I-OCC", "B-OCC")),
        ("بلدية", ("I-OCC", "I-OCC", "B-ORG")),
        ("سبها", ("I-OCC", "I-OCC", "I-ORG", "B-GPE")),
    ]
    assert named([nested]) == [[("OCC", "نائب رئيس بلدية سبها"), ("ORG", "بلدية سبها"), ("GPE", "سبها")]]


def test_neighbors() -> None:
    """Two names of one type side by side stay two."""
    assert named([[("سرت", ("B-LOC",)), ("درنة", ("B-LOC",))]]) == [[("LOC", "سرت"), ("LOC", "درنة")]]


def test_marks_are_left_out() -> None:
    """Wojood's mark of a paragraph's end is no word, and a sentence of it alone is none."""
    marked: list[list[TaggedWord]] = [[("سبها", ("B-GPE",)), ("$#$", ("O",))], [("$#$", ("O",))]]
    (document,) = join_sentences(marked)
    assert (document.text, document.sentences) == ("سبها\n", ((0, 4),))
