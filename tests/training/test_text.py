"""Text for pretraining: documents are told apart, and those on another topic are left out."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from libyaevents.documents import Document
from libyaevents.errors import InputError
from libyaevents.formats.jsonl import write_documents
from libyaevents.subwords import encode_words, load_tokenizer
from libyaevents.training.text import Text, Tokens, hash_files
from libyaevents.words import split_words

NEWS = "قصفت طائرات مواقع في سرت\nووقعت هجمات قرب الميناء"
SPORT = "فاز الفريق بهدفين في المباراة التي أقيمت مساء أمس على ملعب المدينة وسط حضور كبير من جمهوره"
FOOTBALL_CLASH = f"{SPORT} {SPORT} {SPORT} {SPORT} هجمات"


@pytest.fixture
def focus(tmp_path: Path, article: Document) -> Path:
    """The packaged article twice, so that each of its triggers comes twice."""
    path = tmp_path / "focus.jsonl"
    write_documents([article, replace(article, id="again")], path)
    return path


def _text(tmp_path: Path, *documents: str) -> tuple[Path]:
    path = tmp_path / "text.txt"
    path.write_text("\n\n".join(documents) + "\n", encoding="utf-8")
    return (path,)


def test_documents_are_parted_at_blank_lines(tmp_path: Path) -> None:
    """A document is the paragraphs between blank lines; several blank lines, part no more."""
    paths = _text(tmp_path, NEWS, "", SPORT)
    assert list(Text.of(paths, focus=None).documents()) == [NEWS.split("\n"), [SPORT]]


def test_text_off_the_topic_is_left_out(tmp_path: Path, focus: Path) -> None:
    """With a focus, a document is read where at least 2 % of its words are triggers, with clitics or not."""
    paths = _text(tmp_path, NEWS, SPORT, FOOTBALL_CLASH, "وهجمات عنيفة هناك")
    kept = list(Text.of(paths, focus=focus).documents())
    assert kept == [NEWS.split("\n"), ["وهجمات عنيفة هناك"]]


def test_share_can_be_raised(tmp_path: Path, focus: Path) -> None:
    """The share that is asked for decides: one word of twenty-one is 4.8 %."""
    words = " ".join(["كلمة"] * 20)
    text = Text.of(_text(tmp_path, f"{words} هجمات"), focus=focus)
    assert len(list(text.documents(min_share=0.04))) == 1
    assert not list(text.documents(min_share=0.05))


def test_focus_without_repeated_triggers(tmp_path: Path, article: Document) -> None:
    """A focus in which no word is a trigger twice says what is expected."""
    path = tmp_path / "focus.jsonl"
    write_documents([replace(article, events=())], path)
    with pytest.raises(InputError, match="no word that is a trigger twice: expected annotated documents"):
        Text.of(_text(tmp_path, NEWS), focus=path)


def test_hash_tells_texts_and_topics_apart(tmp_path: Path, focus: Path) -> None:
    """The hash changes with the files and with the focus, and with nothing else."""
    paths = _text(tmp_path, NEWS)
    plain, again, focused = (Text.of(paths, focus=name).sha256 for name in (None, None, focus))
    assert plain == again == hash_files(paths)
    assert focused != plain
    _text(tmp_path, SPORT)
    assert Text.of(paths, focus=None).sha256 != plain


def test_ids_on_disk(tmp_path: Path, tiny_encoder: Path) -> None:
    """Each paragraph's subwords stand in order with a separator behind; a changed text is encoded anew."""
    tokenizer_path, paths = tiny_encoder / "tokenizer.json", _text(tmp_path, NEWS, SPORT)
    tokens = Tokens.read(Text.of(paths, focus=None), tokenizer_path, tmp_path)
    assert tokens.ids.tolist() == np.fromfile(tmp_path / "tokens.bin", np.uint16).tolist()
    _text(tmp_path, NEWS)
    fewer = Tokens.read(Text.of(paths, focus=None), tokenizer_path, tmp_path)
    assert fewer.ids.tolist() == tokens.ids.tolist()[: len(fewer.ids)]
    assert fewer.n_sequences(5) == len(fewer.ids) // 5
    assert fewer.sequences(np.array([1]), 5).tolist() == [fewer.ids[5:10].tolist()]


def test_words_are_read_as_by_a_model(tmp_path: Path, tiny_encoder: Path) -> None:
    """Subwords are those of `encode_words`, proclitics apart, which pretraining masks like any word."""
    path, text = tiny_encoder / "tokenizer.json", "وقصفت طائرات سرت،والجفرة\nثم عادت"
    (tmp_path / "news.txt").write_text(text, encoding="utf-8")
    tokens = Tokens.read(Text.of([tmp_path / "news.txt"], focus=None), path, tmp_path)
    tokenizer = load_tokenizer(path)
    separator = tokenizer.token_to_id("[SEP]")
    expected: list[int | None] = []
    n_apart = 0
    for line in text.splitlines():
        for ids in encode_words(line, split_words(line), tokenizer):
            n_apart += sum(id < 0 for id in ids)
            expected += [max(id, ~id) for id in ids]
        expected.append(separator)
    assert tokens.ids.tolist() == expected
    assert n_apart


def test_copies_of_held_out_articles_are_left_out(tmp_path: Path, article: Document) -> None:
    """What shares long runs of words with a held-out article is not read, though it is spelt otherwise."""
    held_out = tmp_path / "dev.jsonl"
    write_documents([article], held_out)
    first = "\n".join(line for line in article.text.splitlines() if line)
    copy = first.replace("إ", "ا").replace("أ", "ا")
    quoted = " ".join(article.text.split()[:10]) + "\n" + SPORT * 5  # three runs of eight words
    paths = _text(tmp_path, copy, NEWS, quoted)
    kept = list(Text.of(paths, without=held_out).documents())
    assert kept == [NEWS.split("\n"), quoted.split("\n")]
    assert Text.of(paths, without=held_out).sha256 != Text.of(paths).sha256
