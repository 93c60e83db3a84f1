"""Make a fresh encoder from text alone: a tokenizer, skip-gram embeddings, untrained layers.

In: text, as `pretrain` reads it.
Out: a folder that `pretrain` starts from, `config.json`, `model.safetensors` (`BertForMaskedLM`) and
`tokenizer.json`, with the report of how it was made.
"""

import json
import logging
import re
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from itertools import chain, groupby, pairwise
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Regex, Tokenizer, normalizers, pre_tokenizers
from tokenizers.models import WordPiece
from tokenizers.trainers import WordPieceTrainer
from transformers import BertConfig, BertForMaskedLM

from libyaevents.checkpoint import TOKENIZER, WEIGHTS
from libyaevents.errors import ConfigError, InputError, MissingExtraError
from libyaevents.outputs import whole_folder
from libyaevents.training.encoders import quiet_loading
from libyaevents.training.layers import initialize_layers
from libyaevents.training.text import Text, Tokens

__all__ = ["SCRATCH_REPORT", "ScratchConfig", "make_encoder", "train_tokenizer"]

logger = logging.getLogger(__name__)

SCRATCH_REPORT = "scratch_report.json"
N_PARAGRAPHS = 200_000  # that a tokenizer is made from
N_POSITIONS = 512
STD = 0.06  # of the embeddings
SEEN_OFTEN = 5  # from which on a word's or a piece's use in the text says something of it
LONGEST = 10_000  # subwords of a paragraph: gensim leaves out what follows

SPECIALS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
N_CHARACTERS = 200  # of the alphabet; a word with any other is [UNK]
MARKS = (r"[\u0640\p{Mn}\p{Cf}]", "")  # tatweel, harakat and other marks, format characters
ALEFS = ("[أإآٱ]", "ا")
NORMALIZATIONS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "fold": (MARKS, ALEFS),
    "light": (MARKS,),
    "none": (),
}

WORD = re.compile(r"[^\W\d_]+")
N_LETTERS = 3  # that must remain of a word


@dataclass(frozen=True, slots=True)
class _Clitics:
    """Clitics of one kind: their pattern, and what a word begins with in their place.

    A word is cut where the text has that at least `share` times as often as the word itself: وقال is cut, for
    there is قال, but وزير is not, for there is hardly a زير. Words that the text hardly has are cut.
    """

    pattern: str
    instead: str
    share: float

    def cuts(self, counts: Mapping[str, int]) -> str:
        """The pattern of the clitic of a word that is to be cut, given how often the text has each word."""
        begins = re.compile(rf"(?:{self.pattern})(?=.{{{N_LETTERS}}})")
        uncut = [
            word
            for word, count in counts.items()
            if count >= SEEN_OFTEN
            and (found := begins.match(word))
            and counts.get(self.instead + word[found.end() :], 0) < self.share * count
        ]
        return rf"(?!{_trie(sorted(uncut))}\z)(?:{self.pattern})"


CONJUNCTIONS = _Clitics("[وف]", "", 0.1)
# Many a word is hardly ever without its article, الحالي or السعودية, so that less is asked for.
ARTICLES = _Clitics("ال", "", 0.02)
FUSED_ARTICLES = _Clitics("[بك]ال|لل", "ال", 0.02)
# The س of the future stands before a verb alone: سبها is no بها.
PREPOSITIONS = _Clitics("[بلك]|س(?=[يتن])", "", 0.1)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScratchConfig:
    """What to make.

    Attributes:
        n_pieces: the size of the vocabulary.
        normalization: `fold` applies NFKC, removes tatweel, marks and format characters, and makes all forms
            of alef one; `light` leaves the alefs; `none` is NFKC alone.
        clitics: cut conjunctions, prepositions and the article from a word before it is cut into pieces.
        hidden_size: the width; inner layers are four times as wide.
        n_layers: how many layers.
        n_heads: heads of each layer.
        epochs: passes of skip-gram over the text.
        seed: of every random choice.
    """

    n_pieces: int = 16_000
    normalization: Literal["fold", "light", "none"] = "fold"
    clitics: bool = False
    hidden_size: int = 256
    n_layers: int = 6
    n_heads: int = 4
    epochs: int = 3
    seed: int = 0


def make_encoder(text: Text, folder: Path, config: ScratchConfig) -> None:
    """Write an encoder with trained embeddings and untrained layers, the same for the same text and seed.

    The tokenizer is the same everywhere, the embeddings to the bit on one kind of processor, with the same
    versions of the libraries.

    Raises:
        ConfigError: there is no such normalization.
        InputError: a text file is unreadable, or they hold too little text.
        MissingExtraError: gensim is not installed.
        OutputError: the folder holds other things or cannot be written; it is as it was.
    """
    if config.normalization not in NORMALIZATIONS:
        raise ConfigError(
            f"normalization is {config.normalization!r}: expected one of {', '.join(NORMALIZATIONS)}"
        )
    _load_word2vec()  # before the minutes of work that would be lost without it
    with whole_folder(folder, marker=SCRATCH_REPORT) as fresh:
        tokenizer = train_tokenizer(_draw(text, N_PARAGRAPHS), config)
        tokenizer.save(str(fresh / TOKENIZER))
        with tempfile.TemporaryDirectory(dir=fresh) as scratch:
            tokens = Tokens.read(text, fresh / TOKENIZER, Path(scratch))
            embeddings = _train_embeddings(tokens, tokenizer, config)
            n_subwords = len(tokens.ids)
        with quiet_loading():
            _build(embeddings, config).save_pretrained(fresh)
        (fresh / WEIGHTS).chmod(0o644)  # safetensors makes files that their owner alone may read
        report = {
            "config": asdict(config),
            "text": [path.name for path in text.paths],
            "text_sha256": text.sha256,
            "subwords_of_text": n_subwords,
            "versions": {name: version(name) for name in ("gensim", "tokenizers", "torch", "transformers")},
        }
        (fresh / SCRATCH_REPORT).write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


def train_tokenizer(paragraphs: Sequence[str], config: ScratchConfig) -> Tokenizer:
    """Make a WordPiece tokenizer, the same for the same paragraphs.

    Raises:
        InputError: the text gives fewer pieces than asked for.
    """
    replacements = NORMALIZATIONS[config.normalization]
    normalizer = normalizers.Sequence(
        [normalizers.NFKC(), *(normalizers.Replace(Regex(old), new) for old, new in replacements)]
    )
    normalized = [normalizer.normalize_str(paragraph) for paragraph in paragraphs]
    cutter = _cut_clitics(normalized) if config.clitics else pre_tokenizers.BertPreTokenizer()
    vocabulary = _train_pieces(normalized, cutter, config.n_pieces)
    if len(vocabulary) < config.n_pieces:
        raise InputError(
            f"the text gives {len(vocabulary)} pieces of words: expected {config.n_pieces}; give more text"
        )
    tokenizer = Tokenizer(WordPiece(vocabulary, unk_token="[UNK]", max_input_chars_per_word=60))
    tokenizer.normalizer, tokenizer.pre_tokenizer = normalizer, cutter
    tokenizer.add_special_tokens(list(SPECIALS))
    return tokenizer


def _train_pieces(
    normalized: Sequence[str], cutter: pre_tokenizers.PreTokenizer, n_pieces: int
) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for paragraph in normalized:
        counts.update(paragraph)
    by_use = sorted(counts, key=lambda character: (-counts[character], character))
    alphabet = [character for character in by_use if not character.isspace()][:N_CHARACTERS]
    # The trainer numbers the characters inside words in the order of a hash table, which is another in each
    # process, and breaks ties by these numbers: among the specials they have theirs beforehand.
    specials = [*SPECIALS, *(f"##{character}" for character in alphabet)]
    tokenizer = Tokenizer(WordPiece(unk_token="[UNK]"))
    tokenizer.pre_tokenizer = cutter
    trainer = WordPieceTrainer(
        vocab_size=n_pieces,
        min_frequency=2,
        special_tokens=specials,
        initial_alphabet=alphabet,
        limit_alphabet=len(alphabet),
        show_progress=False,
    )
    tokenizer.train_from_iterator(normalized, trainer)
    return tokenizer.get_vocab()


def _cut_clitics(normalized: Sequence[str]) -> pre_tokenizers.PreTokenizer:
    """Cut a conjunction, then an article or a preposition: وبالمدينة becomes و, بال and مدينة."""
    counts: Counter[str] = Counter()
    for paragraph in normalized:
        counts.update(WORD.findall(paragraph))
    inner = (FUSED_ARTICLES, ARTICLES, PREPOSITIONS)
    patterns = (CONJUNCTIONS.cuts(counts), "|".join(clitics.cuts(counts) for clitics in inner))
    cuts = [
        pre_tokenizers.Split(Regex(rf"\A(?:{pattern})(?=\p{{L}}{{{N_LETTERS}}})"), "isolated")
        for pattern in patterns
    ]
    return pre_tokenizers.Sequence([pre_tokenizers.BertPreTokenizer(), *cuts])


def _trie(words: Sequence[str]) -> str:
    """A pattern of these words, given in order: it is tried letter by letter, not word by word."""
    groups = groupby(words, key=lambda word: word[:1])
    branches = [first and first + _trie([word[1:] for word in group]) for first, group in groups]
    return branches[0] if len(branches) == 1 else f"(?:{'|'.join(branches)})"


def _draw(text: Text, n: int) -> list[str]:
    """At most `n` paragraphs, at even distances."""
    n_all = sum(map(len, text.documents()))
    n = min(n, n_all)
    paragraphs = enumerate(chain.from_iterable(text.documents()))
    # One where number * n / n_all reaches the next whole number.
    return [paragraph for number, paragraph in paragraphs if number * n % n_all < n]


class _Paragraphs:
    """The subwords of each paragraph, anew each time that they are asked for."""

    def __init__(self, ids: NDArray[Any], separator: int) -> None:
        self.ids, self.separator = np.asarray(ids), separator

    def __iter__(self) -> Iterator[list[int]]:
        ends = np.flatnonzero(self.ids == self.separator)
        for previous, end in pairwise([-1, *ends.tolist()]):
            for start in range(previous + 1, end, LONGEST):
                yield self.ids[start : min(end, start + LONGEST)].tolist()


def _train_embeddings(tokens: Tokens, tokenizer: Tokenizer, config: ScratchConfig) -> NDArray[np.float32]:
    """Skip-gram vectors (pieces, hidden) of one standard deviation, random where the text hardly has a piece.

    With one worker and numbers for words the result depends on the seed, not on threads or hashes.

    Source: Mikolov et al. 2013, as gensim has it.
    """
    paragraphs = _Paragraphs(tokens.ids, tokenizer.get_vocab()["[SEP]"])
    model = _load_word2vec()(
        vector_size=config.hidden_size,
        window=5,
        sg=1,
        negative=5,
        min_count=SEEN_OFTEN,
        workers=1,
        seed=config.seed,
    )
    model.build_vocab(paragraphs)
    if not len(model.wv):
        raise InputError(
            f"the text holds {len(tokens.ids)} subwords, none of them {SEEN_OFTEN} times: give more text"
        )
    model.train(paragraphs, total_examples=model.corpus_count, epochs=config.epochs)
    logger.info("%d of %d pieces have a vector of the text", len(model.wv), config.n_pieces)
    random = np.random.default_rng(config.seed)
    embeddings = random.normal(0, STD, (config.n_pieces, config.hidden_size)).astype(np.float32)
    vectors: NDArray[np.float32] = model.wv.vectors
    embeddings[model.wv.index_to_key] = vectors * (STD / vectors.std())
    return embeddings


def _load_word2vec() -> Any:
    try:
        from gensim.models import Word2Vec  # type: ignore[import-untyped]  # it publishes no types
    except ImportError as error:
        raise MissingExtraError(
            "an encoder from text alone needs gensim: pip install 'libyaevents[train]'"
        ) from error
    return Word2Vec


def _build(embeddings: NDArray[np.float32], config: ScratchConfig) -> BertForMaskedLM:
    """A BERT with these word embeddings, which are its output layer too."""
    shape = BertConfig(
        vocab_size=config.n_pieces,
        hidden_size=config.hidden_size,
        num_hidden_layers=config.n_layers,
        num_attention_heads=config.n_heads,
        intermediate_size=4 * config.hidden_size,
        max_position_embeddings=N_POSITIONS,
        type_vocab_size=1,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        model = BertForMaskedLM(shape)
    with torch.no_grad():
        model.bert.embeddings.word_embeddings.weight.copy_(torch.from_numpy(embeddings))
    initialize_layers(model, seed=config.seed)
    return model
