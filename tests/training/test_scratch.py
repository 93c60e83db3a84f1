"""Encoders from text alone: the tokenizer's cuts, the embeddings, and the folder that is written."""

import hashlib
import json
import re
import sys
from dataclasses import replace
from functools import cache
from itertools import chain
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer
from transformers import BertForMaskedLM

from libyaevents.errors import ConfigError, InputError, MissingExtraError, OutputError
from libyaevents.subwords import load_tokenizer
from libyaevents.training import pretrain as pretraining
from libyaevents.training import scratch as module
from libyaevents.training.encoders import load_encoder
from libyaevents.training.layers import initialize_layers
from libyaevents.training.pretrain import PretrainConfig, pretrain
from libyaevents.training.scratch import STD, ScratchConfig, make_encoder, train_tokenizer
from libyaevents.training.text import Text, Tokens

# Of two topics that share no word; وزير and ليبيا begin with letters that are no clitics there.
NEWS = (
    "قالت الحكومة في ليبيا إن قوات الحكومة دخلت مدينة سرت وقالت قوات أخرى إن المدينة تحت القصف",
    "وقال وزير آخر إن قصف المدينة مستمر وليبيا تطلب من القوات وقف القصف وإن حكومة الوفاق في طرابلس",
    "دخلت القوات مدينة طرابلس فقالت الحكومة إن وزير الدفاع قال للحكومة وبالمدينة قوات ليبيا وقصف بالمدينة",
)
SPORT = (
    "سجل اللاعب هدفا جميلا ضمن مباراة ناديه أمس وفاز الفريق بثلاثة أهداف مقابل هدف",
    "فاز النادي ضمن مباراة أمس حين سجل اللاعب أهداف الفريق مقابل ثلاثة أهداف سجل ناديه",
)
SMALL = ScratchConfig(n_pieces=105, hidden_size=32, n_layers=2, n_heads=2, epochs=1)


def _text(folder: Path, paragraphs: tuple[str, ...] = NEWS, times: int = 40) -> Text:
    path = folder / "news.txt"
    path.write_text("".join(f"{paragraph}\n\n" for paragraph in paragraphs * times), encoding="utf-8")
    return Text.of([path], focus=None)


@cache
def _tokenizer(**options: object) -> Tokenizer:
    config = ScratchConfig(n_pieces=105, **options)  # type: ignore[arg-type]
    return train_tokenizer(NEWS * 10, config)


# The folder


def test_pretraining_starts_from_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is written is an encoder of the asked shape that `pretrain` goes on with."""
    monkeypatch.setattr(pretraining, "HELD_OUT_SEQUENCES", 16)
    text, folder = _text(tmp_path), tmp_path / "fresh"
    make_encoder(text, folder, SMALL)
    names = {path.name for path in folder.iterdir()} - {"generation_config.json"}
    assert names == {"config.json", "model.safetensors", "tokenizer.json", "scratch_report.json"}
    shape = load_encoder(str(folder))[0].config
    assert (shape.vocab_size, shape.hidden_size, shape.num_hidden_layers) == (105, 32, 2)
    assert (shape.num_attention_heads, shape.intermediate_size) == (2, 128)
    assert shape.max_position_embeddings == 512
    config = PretrainConfig(
        text=text.paths,
        encoder=folder,
        output=tmp_path / "out",
        n_tokens=60 * 8 * 16,
        sequence_length=16,
        batch_size=8,
        learning_rate=5e-3,
    )
    losses = [loss for _, loss in pretrain(config).losses]
    assert losses[-1] < losses[0]


def test_report(tmp_path: Path) -> None:
    """The report has configuration, hash and size of the text, and versions."""
    text = _text(tmp_path)
    make_encoder(text, tmp_path / "fresh", SMALL)
    report = json.loads((tmp_path / "fresh" / "scratch_report.json").read_text(encoding="utf-8"))
    assert report["config"]["n_pieces"] == 105
    assert report["text"] == ["news.txt"]
    assert report["text_sha256"] == text.sha256
    assert report["subwords_of_text"] > 2000
    assert report["versions"].keys() == {"gensim", "tokenizers", "torch", "transformers"}


def test_layers_look_at_neighbours(tmp_path: Path) -> None:
    """Layers are those of `initialize_layers`, under embeddings that the output layer shares."""
    make_encoder(_text(tmp_path), tmp_path / "fresh", SMALL)
    model = BertForMaskedLM.from_pretrained(tmp_path / "fresh")
    words = model.bert.embeddings.word_embeddings.weight
    assert model.cls.predictions.decoder.weight is words
    before = {name: value.clone() for name, value in model.bert.encoder.state_dict().items()}
    initialize_layers(model, seed=SMALL.seed)
    assert all(torch.equal(before[name], value) for name, value in model.bert.encoder.state_dict().items())


def _digests(folder: Path) -> list[str]:
    names = ("tokenizer.json", "model.safetensors")
    return [hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in names]


def test_the_seed_decides(tmp_path: Path) -> None:
    """The same text and seed give the same bytes, with another seed other weights; torch's state is kept."""
    text = _text(tmp_path)
    torch.manual_seed(5)
    make_encoder(text, tmp_path / "one", SMALL)
    drawn = torch.rand(1)
    torch.manual_seed(5)
    assert torch.equal(drawn, torch.rand(1))
    make_encoder(text, tmp_path / "two", SMALL)
    assert _digests(tmp_path / "two") == _digests(tmp_path / "one")
    make_encoder(text, tmp_path / "two", replace(SMALL, seed=1))  # replaces it
    assert _digests(tmp_path / "two")[0] == _digests(tmp_path / "one")[0]
    assert _digests(tmp_path / "two")[1] != _digests(tmp_path / "one")[1]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["news.txt", "one", "two"]


# The tokenizer


@pytest.mark.parametrize(
    ("normalization", "expected"),
    [
        ("fold", ["القوات", "القوات", "القوات", "القوات", "ان"]),
        ("light", ["القوات", "القوات", "القوات", "القوات", "إن"]),
        ("none", ["القوات", "القـوات", "القُوات", "القوات\u200f", "إن"]),
    ],
)
def test_normalization(normalization: str, expected: list[str]) -> None:
    """Tatweel, harakat and format characters are removed and alefs made one, as asked; NFKC comes always."""
    written = ["ﺍﻟﻘﻮﺍﺕ", "القـوات", "القُوات", "القوات\u200f", "إن"]
    normalizer = _tokenizer(normalization=normalization).normalizer
    assert normalizer is not None
    assert [normalizer.normalize_str(word) for word in written] == expected


def test_pieces() -> None:
    """Specials come first, as BERT has them; frequent words are one piece, and others are spelt."""
    tokenizer = _tokenizer()
    vocabulary = tokenizer.get_vocab()
    assert len(vocabulary) == 105
    assert sorted(vocabulary, key=lambda piece: vocabulary[piece])[:5] == list(module.SPECIALS)
    assert tokenizer.encode("المدينة").tokens == ["المدينة"]
    spelt = tokenizer.encode("دفاعات").tokens
    assert len(spelt) > 1
    assert all(piece.startswith("##") for piece in spelt[1:])
    assert tokenizer.encode("[SEP] 好").tokens == ["[SEP]", "[UNK]"]


@pytest.mark.parametrize(
    ("word", "parts"),
    [
        ("وقالت", ["و", "قالت"]),
        ("فقالت", ["ف", "قالت"]),
        ("القوات", ["ال", "قوات"]),
        ("وبالمدينة", ["و", "بال", "مدينة"]),
        ("للحكومة", ["لل", "حكومة"]),
        ("وليبيا", ["و", "ليبيا"]),
        ("بقوات", ["ب", "قوات"]),  # the text has no such word, but it has قوات
        ("بسيارة", ["ب", "سيارة"]),  # nor this one, nor what remains of it
        ("سيطلب", ["س", "يطلب"]),
        ("سبها", ["سبها"]),  # no verb
        ("ليبيا", ["ليبيا"]),  # there is no يبيا
        ("وزير", ["وزير"]),
        ("وقف", ["وقف"]),  # too little remains
        ("وزير/وقالت", ["وزير", "/", "و", "قالت"]),
    ],
)
def test_clitics(word: str, parts: list[str]) -> None:
    """Clitics are cut off where the text has the word without them, or nothing tells against it."""
    cutter = _tokenizer(clitics=True).pre_tokenizer
    assert cutter is not None
    assert [part for part, _ in cutter.pre_tokenize_str(word)] == parts


def _words_pieces(tokenizer: Tokenizer, words: list[str]) -> list[list[str]]:
    """The pieces of each word, which must come one behind the other, word by word."""
    encoding = tokenizer.encode(words, is_pretokenized=True, add_special_tokens=False)
    numbers = [number for number in encoding.word_ids if number is not None]
    assert numbers == sorted(numbers)
    pieces: list[list[str]] = [[] for _ in words]
    for number, piece in zip(numbers, encoding.tokens, strict=True):
        pieces[number].append(piece)
    return pieces


def test_clitics_map_to_their_word(tmp_path: Path) -> None:
    """The pieces of a word that is cut come back as that word's, one behind the other, from the file too."""
    tokenizer = _tokenizer(clitics=True)
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    for read in (tokenizer, load_tokenizer(tmp_path / "tokenizer.json")):
        pieces = _words_pieces(read, ["وقالت", "القوات", "وليبيا", "،", "ــ", "وزير"])
        assert pieces == [["و", "قالت"], ["ال", "قوات"], ["و", "ليبيا"], ["[UNK]"], [], ["وزير"]]


LETTERS = "".join(sorted(set("".join(NEWS)) - {" "}))


@settings(deadline=None)
@given(st.lists(st.text(LETTERS, min_size=1, max_size=12), min_size=1, max_size=8))
def test_no_letter_is_lost(words: list[str]) -> None:
    """With and without clitics cut, the pieces of each word put together are the word."""
    for tokenizer in (_tokenizer(), _tokenizer(clitics=True)):
        spelt = [
            "".join(piece.removeprefix("##") for piece in pieces)
            for pieces in _words_pieces(tokenizer, words)
        ]
        assert spelt == [re.sub("[أإآ]", "ا", word) for word in words]


@settings(deadline=None)
@given(st.sets(st.text("ابت", max_size=5), min_size=1), st.text("ابت", max_size=6))
def test_trie(words: set[str], word: str) -> None:
    """A trie matches its words and no other."""
    pattern = re.compile(module._trie(sorted(words)))
    assert all(pattern.fullmatch(known) for known in words)
    assert bool(pattern.fullmatch(word)) == (word in words)


# Text


@pytest.mark.parametrize(("n", "n_all"), [(3, 10), (10, 10), (20, 10), (7, 100), (1, 10), (5, 0)])
def test_paragraphs_are_drawn_evenly(tmp_path: Path, n: int, n_all: int) -> None:
    """As many as asked for, or all; between two there are as many others as between any two, but for one."""
    text = _text(tmp_path, tuple(f"فقرة {number}" for number in range(n_all)), times=1)
    numbers = [int(paragraph.split()[1]) for paragraph in module._draw(text, n)]
    assert len(numbers) == min(n, n_all)
    assert np.ptp(np.diff(numbers)) <= 1 if len(numbers) > 2 else True


@settings(deadline=None)
@given(st.lists(st.lists(st.integers(4, 9), max_size=12), max_size=6))
def test_no_subword_is_left_out(paragraphs: list[list[int]]) -> None:
    """Each paragraph is one sequence, or several where it is longer than gensim reads."""
    ids = np.array([id for paragraph in paragraphs for id in (*paragraph, 3)], dtype=np.uint16)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "LONGEST", 5)
        read = module._Paragraphs(ids, separator=3)
        parts = [paragraph[start : start + 5] for paragraph in paragraphs for start in (0, 5, 10)]
        for _ in range(2):
            assert list(read) == [part for part in parts if part]
        assert list(chain.from_iterable(read)) == list(chain.from_iterable(paragraphs))


# Embeddings


def test_words_of_a_topic_are_near(tmp_path: Path) -> None:
    """Pieces that stand together get like vectors, all of the asked deviation."""
    config = ScratchConfig(n_pieces=170, hidden_size=32, epochs=30)
    text = _text(tmp_path, NEWS + SPORT)
    tokenizer = train_tokenizer((NEWS + SPORT) * 10, config)
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    tokens = Tokens.read(text, tmp_path / "tokenizer.json", tmp_path)
    embeddings = module._train_embeddings(tokens, tokenizer, config)
    assert embeddings.shape == (170, 32)
    assert np.isfinite(embeddings).all()
    is_seen = np.isin(np.arange(170), tokens.ids)
    is_seen[:5] = False
    assert embeddings[is_seen].std() == pytest.approx(STD, rel=1e-3)
    assert embeddings[~is_seen].std() == pytest.approx(STD, rel=0.1)
    vocabulary = tokenizer.get_vocab()
    topics = (("قوات", "القصف", "الحكومة", "ليبيا"), ("مباراة", "اهداف", "الفريق", "اللاعب"))
    vectors = embeddings[[vocabulary[word] for word in chain(*topics)]]
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    cosines = vectors @ vectors.T
    assert min(cosines[:4, :4].min(), cosines[4:, 4:].min()) > cosines[:4, 4:].max()


# What is refused


def test_too_little_text(tmp_path: Path) -> None:
    """Text that gives too few pieces, or none often enough, is refused, and nothing is written."""
    text, folder = _text(tmp_path), tmp_path / "fresh"
    with pytest.raises(InputError, match=r"the text gives \d+ pieces of words: expected 16000; give more"):
        make_encoder(text, folder, ScratchConfig())
    empty = _text(tmp_path, ())
    with pytest.raises(InputError, match="the text gives 5 pieces of words: expected 105"):
        make_encoder(empty, folder, SMALL)
    rare = _text(tmp_path, ("قوات",), times=2)
    with pytest.raises(InputError, match="the text holds 8 subwords, none of them 5 times"):
        make_encoder(rare, folder, ScratchConfig(n_pieces=14))
    assert [path.name for path in tmp_path.iterdir()] == ["news.txt"]


def test_unreadable_text(tmp_path: Path) -> None:
    """A file that is no UTF-8 is named, and nothing is written."""
    path = tmp_path / "news.txt"
    path.write_bytes("قوات".encode("cp1256"))
    with pytest.raises(InputError, match=r"news\.txt is not UTF-8 text"):
        make_encoder(Text.of([path], focus=None), tmp_path / "fresh", SMALL)
    assert list(tmp_path.iterdir()) == [path]


def test_unknown_normalization(tmp_path: Path) -> None:
    """A normalization that there is not is refused with those there are."""
    config = ScratchConfig(normalization="hard")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="'hard': expected one of fold, light, none"):
        make_encoder(_text(tmp_path), tmp_path / "fresh", config)


def test_missing_gensim(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without gensim the error names the line that installs it."""
    monkeypatch.setitem(sys.modules, "gensim.models", None)
    with pytest.raises(MissingExtraError, match=r"needs gensim: pip install 'libyaevents\[train\]'"):
        make_encoder(_text(tmp_path), tmp_path / "fresh", SMALL)


def test_folder_of_another_kind(tmp_path: Path) -> None:
    """A folder that holds something else, such as a model, is left alone."""
    model = tmp_path / "model"
    model.mkdir()
    (model / "labels.json").write_text("{}", encoding="utf-8")
    with pytest.raises(OutputError, match=r"holds no scratch_report\.json"):
        make_encoder(_text(tmp_path), model, SMALL)
    assert [path.name for path in model.iterdir()] == ["labels.json"]


def test_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that fills up at the end leaves no half-written folder."""

    def fail(_: BertForMaskedLM, folder: Path) -> None:
        (folder / "model.safetensors").write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(BertForMaskedLM, "save_pretrained", fail)
    with pytest.raises(OutputError, match="No space left on device; nothing was changed"):
        make_encoder(_text(tmp_path), tmp_path / "fresh", SMALL)
    assert [path.name for path in tmp_path.iterdir()] == ["news.txt"]
