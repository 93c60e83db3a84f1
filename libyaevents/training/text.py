"""Text for pretraining: from files to one long array of subword ids.

In: plain text or .xz files, one paragraph a line, a blank line between documents.
Out: the ids of all subwords, a separator behind each paragraph, on disk and read through a memory map.
"""

import hashlib
import json
import logging
import lzma
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from libyaevents.enrich.arabic import fold
from libyaevents.errors import InputError, MissingFileError
from libyaevents.formats.jsonl import read_documents
from libyaevents.subwords import encode_words, load_tokenizer
from libyaevents.words import split_words

__all__ = ["Text", "Tokens", "hash_files"]

logger = logging.getLogger(__name__)

LINES_AT_A_TIME = 4096
FOCUS_SHARE = 0.02  # of a document's words
FOCUS_COUNT = 2  # how often a word must be a trigger to tell of a topic
CLITICS = "وفبل"  # one letter before the word: وقصفت
RUN = 8  # words; two documents that share so many in a row share a source
COPIED_RUNS, COPIED_SHARE = 5, 0.1  # from which on a document is a copy, whole or in part
WORD = re.compile(r"[^\W\d_]+")
READING = 2  # of `_encode`: what an older one has left on disk is made anew


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """Files of text, and which of their documents are read.

    Attributes:
        paths: the files.
        words: the trigger words that a document must have; all documents where None.
        held_out: runs of words of documents that the text is not to hold, nor what is copied from them.
        sha256: the hash of all that the documents depend on.
    """

    paths: tuple[Path, ...]
    words: frozenset[str] | None
    held_out: frozenset[str]
    sha256: str

    @classmethod
    def of(cls, paths: Sequence[Path], *, focus: Path | None = None, without: Path | None = None) -> "Text":
        """Read from `focus` which words are triggers at least twice, and from `without` what to leave out.

        Both are files of annotated documents.

        Raises:
            MissingFileError, InputError: a file is absent or unreadable.
        """
        digest = hash_files(paths)
        held_out: frozenset[str] = frozenset()
        if without is not None:
            held_out = frozenset(chain.from_iterable(_runs(item.text) for item in read_documents(without)))
            digest = hashlib.sha256(f"{digest} without {hash_files([without])}".encode()).hexdigest()
        if focus is None:
            return cls(paths=tuple(paths), words=None, held_out=held_out, sha256=digest)
        triggers = Counter(
            event.trigger.text for document in read_documents(focus) for event in document.events
        )
        words = frozenset(word for word, count in triggers.items() if count >= FOCUS_COUNT)
        if not words:
            raise InputError(f"{focus} has no word that is a trigger twice: expected annotated documents")
        digest = hashlib.sha256(f"{digest} {' '.join(sorted(words))}".encode()).hexdigest()
        return cls(paths=tuple(paths), words=words, held_out=held_out, sha256=digest)

    def documents(self, *, min_share: float = FOCUS_SHARE) -> Iterator[list[str]]:
        """The paragraphs of each document of which at least `min_share` of the words are triggers."""
        n_documents = n_kept = n_copies = 0
        for document in _documents(self.paths):
            n_documents += 1
            if self.words is not None and self._share(document) < min_share:
                continue
            if self.held_out and self._is_copy(document):
                n_copies += 1
                continue
            n_kept += 1
            yield document
        logger.info(
            "%d of %d documents of text are read; %d copy one that is held out", n_kept, n_documents, n_copies
        )

    def _is_copy(self, document: Sequence[str]) -> bool:
        runs = _runs("\n".join(document))
        n_shared = sum(run in self.held_out for run in runs)
        return n_shared >= COPIED_RUNS and n_shared > COPIED_SHARE * len(runs)

    def _share(self, document: Sequence[str]) -> float:
        words = " ".join(document).split()
        known = self.words or frozenset()
        return sum(word in known or word.lstrip(CLITICS) in known for word in words) / len(words)


class Tokens:
    """All text as one array of subword ids, on disk as uint16 or uint32, read through a memory map."""

    def __init__(self, ids: NDArray[Any], continues: NDArray[np.bool_], sha256: str) -> None:
        """`ids` is (subwords,); `continues` is (vocabulary,): the piece goes on the word before it."""
        self.ids, self.continues, self.sha256 = ids, continues, sha256

    @classmethod
    def read(cls, text: Text, tokenizer_path: Path, folder: Path) -> "Tokens":
        """Take the array that lies in `folder`, if it is of this text and tokenizer, or make it."""
        tokenizer = load_tokenizer(tokenizer_path)
        vocabulary = tokenizer.get_vocab()
        continues = np.zeros(max(vocabulary.values()) + 1, dtype=np.bool_)
        continues[[id for piece, id in vocabulary.items() if piece.startswith("##")]] = True
        kind = np.uint16 if len(continues) <= 2**16 else np.uint32
        path, key = folder / "tokens.bin", folder / "tokens.json"
        digest = hashlib.sha256(
            f"{text.sha256} {hash_files([tokenizer_path])} {READING}".encode()
        ).hexdigest()
        if not (path.is_file() and key.is_file() and json.loads(key.read_text())["sha256"] == digest):
            key.unlink(missing_ok=True)  # it vouches for a whole file alone
            separator = vocabulary["[SEP]"]
            with path.open("wb") as stream:
                paragraphs = chain.from_iterable(text.documents())
                while chunk := list(islice(paragraphs, LINES_AT_A_TIME)):
                    stream.write(np.asarray(_encode(chunk, tokenizer, separator), dtype=kind).tobytes())
            key.write_text(json.dumps({"sha256": digest}))
        ids = np.memmap(path, dtype=kind, mode="r") if path.stat().st_size else np.zeros(0, dtype=kind)
        logger.info("%d subwords of text", len(ids))
        return cls(ids, continues, digest)

    def n_sequences(self, length: int) -> int:
        """How many whole sequences of `length` subwords there are."""
        return len(self.ids) // length

    def sequences(self, numbers: NDArray[np.integer], length: int) -> NDArray[np.int64]:
        """The ids (batch, length) of the numbered sequences."""
        places = numbers[:, np.newaxis] * length + np.arange(length)
        return np.asarray(self.ids[places], np.int64)


def _encode(paragraphs: Sequence[str], tokenizer: Tokenizer, separator: int) -> list[int]:
    """The subwords as a model is to read them, proclitics apart, and the separator behind each paragraph."""
    text = "\n".join(paragraphs)
    words = split_words(text)
    subwords = encode_words(text, words, tokenizer)
    ids: list[int] = []
    for (start, _), previous, pieces in zip(words, [0, *(end for _, end in words)], subwords, strict=False):
        ids.extend(separator for _ in range(text.count("\n", previous, start)))
        ids.extend(id if id >= 0 else ~id for id in pieces)
    return [*ids, separator]


def _runs(text: str) -> list[str]:
    """Every run of eight words; spelling with or without marks and hamza is the same."""
    words = WORD.findall(fold(text))
    return [" ".join(words[place : place + RUN]) for place in range(len(words) - RUN + 1)]


def hash_files(paths: Sequence[Path]) -> str:
    """The hash of the files' contents, in order.

    Raises:
        MissingFileError: a file is absent or no file.
    """
    digest = hashlib.sha256()
    for path in paths:
        if not path.is_file():
            raise MissingFileError(f"no such text file: {path}")
        with path.open("rb") as stream:
            digest.update(hashlib.file_digest(stream, "sha256").digest())
    return digest.hexdigest()


def _documents(paths: Sequence[Path]) -> Iterator[list[str]]:
    for path in paths:
        document: list[str] = []
        for line in _lines(path):
            if line:
                document.append(line)
            elif document:
                yield document
                document = []
        if document:
            yield document


def _lines(path: Path) -> Iterator[str]:
    opener = lzma.open if path.suffix == ".xz" else open
    with opener(path, "rt", encoding="utf-8") as stream:
        try:
            yield from map(str.strip, stream)
        except (UnicodeDecodeError, lzma.LZMAError, EOFError) as error:  # the last where .xz is cut
            raise InputError(f"{path} is not UTF-8 text (or .xz of it): {error}") from error
