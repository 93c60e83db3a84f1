"""Words to subwords: a word is read as what its letters spell, whatever was typed around them.

In come the words of `libyaevents.words` and a tokenizer; out go the ids of each word's subwords.
"""

from collections.abc import Iterable, Sequence
from itertools import accumulate, pairwise
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

from libyaevents.errors import CheckpointError
from libyaevents.words import Span, letters

__all__ = ["encode_words", "load_tokenizer", "special_ids"]

SHORTEST_REST = 3  # letters of a word behind its proclitics
SHORTEST_RESPELT = 4  # letters of a word that may be misspelt: shorter ones are often words either way
# Last letters that are typed for each other: مدينه, القتلي; الماضى is the custom in Egypt.
RESPELLINGS = {"ه": "ة", "ي": "ى", "ى": "ي"}


def load_tokenizer(path: Path) -> Tokenizer:
    """Read a `tokenizer.json`, its truncation and padding switched off so that it drops and adds nothing.

    Raises:
        CheckpointError: The file cannot be read or is no tokenizer.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise CheckpointError(
            f"{path}: cannot read the tokenizer ({error.strerror}); give a tokenizer.json"
        ) from error
    try:
        tokenizer: Tokenizer = Tokenizer.from_buffer(data)
    except ValueError as error:
        raise CheckpointError(
            f"{path}: expected a tokenizer.json of the tokenizers library, found something else ({error}); "
            "save it again with Tokenizer.save"
        ) from error
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def special_ids(tokenizer: Tokenizer) -> tuple[int, int]:
    """Look up the ids of [CLS] and [SEP].

    Raises:
        CheckpointError: The vocabulary lacks one of them.
    """
    first, last = tokenizer.token_to_id("[CLS]"), tokenizer.token_to_id("[SEP]")
    if first is None or last is None:
        raise CheckpointError(
            "the tokenizer's vocabulary lacks [CLS] or [SEP]; expected the tokenizer.json of a BERT"
        )
    return first, last


def encode_words(text: str, words: Sequence[Span], tokenizer: Tokenizer) -> list[list[int]]:
    """Encode each word into the ids of its subwords, without specials.

    WordPiece cuts across proclitics (وتجنيد is وتج ##نيد, though تجنيد is one piece), so that the network
    does not know a word again. Where the rest of a word behind its proclitics needs fewer subwords than the
    whole, the two are encoded apart, and the proclitics' ids are given as their complement, `~id`: such a
    subword is read, but is no part of the word that is scored.

    A word is encoded as its letters are: presentation forms, harakat, tatweel, and characters that show
    nothing (RLM) make no other word of it, and Arabic-Indic digits no other number, whatever the vocabulary
    knows of them. Nor does a last letter that is often typed for another (مدينه for مدينة): a word that takes
    several subwords is read as the word of which it may be a misspelling, if that is one subword.

    Returns:
        One list per word, in order; empty for a word of which the tokenizer leaves nothing (a lone tatweel).
    """
    pieces = [letters(text[start:end]) for start, end in words]
    subwords = _encode_pieces(pieces, tokenizer)
    respelt = {
        piece: piece[:-1] + RESPELLINGS[piece[-1]]
        for piece, ids in subwords.items()
        if _n_scored(ids) > 1 and piece[-1] in RESPELLINGS
    }
    others = _encode_pieces(respelt.values(), tokenizer)
    subwords |= {piece: ids for piece, other in respelt.items() if _is_word(ids := others[other], tokenizer)}
    return [subwords[piece] for piece in pieces]


def _encode_pieces(pieces: Iterable[str], tokenizer: Tokenizer) -> dict[str, list[int]]:
    """Encode each different piece; its proclitics apart where that takes fewer subwords."""
    different = list(dict.fromkeys(pieces))
    subwords = dict(zip(different, _encode(different, tokenizer), strict=True))
    cuts = {piece: _cuts(piece) for piece, ids in subwords.items() if len(ids) > 1}
    parts = list(dict.fromkeys(part for found in cuts.values() for cut in found for part in cut))
    ids_of = dict(zip(parts, _encode(parts, tokenizer), strict=True))
    for piece, found in cuts.items():
        for proclitics, rest in found:
            if len(ids_of[rest]) < _n_scored(subwords[piece]) and ids_of[proclitics]:
                subwords[piece] = [*(~id for id in ids_of[proclitics]), *ids_of[rest]]
    return subwords


def _is_word(ids: Sequence[int], tokenizer: Tokenizer) -> bool:
    """Whether behind proclitics there is one subword, long enough to be told from what is typed for it."""
    rest = [id for id in ids if id >= 0]
    if len(rest) != 1:
        return False
    subword = tokenizer.id_to_token(rest[0]) or ""
    return len(subword) >= SHORTEST_RESPELT and subword[-1] in RESPELLINGS.values()  # as [UNK] is not


def _n_scored(ids: Sequence[int]) -> int:
    return sum(id >= 0 for id in ids)


def _encode(pieces: Sequence[str], tokenizer: Tokenizer) -> list[list[int]]:
    encoding = tokenizer.encode(pieces, is_pretokenized=True, add_special_tokens=False)
    subwords = encoding.ids
    counts = np.bincount(np.array(encoding.word_ids, dtype=np.int64), minlength=len(pieces))
    return [subwords[start:end] for start, end in pairwise([0, *accumulate(counts.tolist())])]


def _cuts(word: str) -> list[tuple[str, str]]:
    """The ways to cut conjunction, preposition and article off a word, the shortest cut first.

    Each is the proclitics and the rest, of three letters at least. Behind ل the article's ا is not written:
    للدمار is ل and الدمار, or لل and دمار.
    """
    conjunction = word[:1] if word[:1] in "وف" else ""
    cuts = [(conjunction, word[1:])] if conjunction else []
    inner = word[len(conjunction) :]
    if inner.startswith("لل"):
        cuts.append((f"{conjunction}ل", f"ال{inner[2:]}"))
    cuts += [
        (conjunction + preposition, inner[len(preposition) :])
        for preposition in ("ب", "ك", "ل", "ال", "بال", "كال", "لل")
        if inner.startswith(preposition)
    ]
    return [cut for cut in cuts if len(cut[1]) >= SHORTEST_REST]
