"""Named-entity corpora in CoNLL columns: a file comes in, sentences of tagged words or documents go out.

A line is a word and its tags, parted by a tab or by spaces; nested names have a tag each. A blank line ends a
sentence. Tags are read as `B-X` or `B_X`; an I that follows no B or I of its type starts a name (IOB1).
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from pathlib import Path

from libyaevents.documents import Document, Entity
from libyaevents.errors import InputError, MissingFileError

__all__ = ["OUTSIDE", "TaggedWord", "join_sentences", "read_conll"]

OUTSIDE = "O"
SENTENCES_A_DOCUMENT = 8
SEGMENT_MARK = "$#$"  # Wojood's, behind a paragraph

TaggedWord = tuple[str, tuple[str, ...]]

_TAG = re.compile(r"([BI])[-_](\S+)")


def read_conll(path: str | Path) -> Iterator[list[TaggedWord]]:
    """Yield the sentences of a file in order, each a list of words with all tags of their line.

    Tags are `O`, `B-X` or `I-X`; a word inside two nested names has two of them, in the order of the line.

    Raises:
        InputError: the file cannot be opened (`MissingFileError` where there is none), holds no word, or a
            line is not UTF-8, has no tag or one that is not IOB. The message starts with file and line.
    """
    path = Path(path)
    sentence: list[TaggedWord] = []
    is_empty = True
    for number, line in _read_lines(path):
        if line.strip():
            before = sentence[-1][1] if sentence else ()
            sentence.append(_read_word(line, before, f"{path}:{number}"))
            is_empty = False
        elif sentence:
            yield sentence
            sentence = []
    if is_empty:
        raise InputError(f"{path}: expected a word and its tags a line, found an empty file; leave it out")
    if sentence:
        yield sentence


def join_sentences(sentences: Iterable[Sequence[TaggedWord]]) -> Iterator[Document]:
    """Make a document of every eight consecutive sentences, with the names as entities of the file's types.

    Words are parted by a space, sentences by a newline; what is no word but a mark of the corpus is left out.
    Names may be nested, except in one of their own type. A document's id is its number.
    """
    chunk: list[list[TaggedWord]] = []
    number = 0
    for sentence in sentences:
        chunk.append([tagged for tagged in sentence if tagged[0] != SEGMENT_MARK])
        if len(chunk) == SENTENCES_A_DOCUMENT:
            yield _join(chunk, str(number))
            chunk, number = [], number + 1
    if chunk:
        yield _join(chunk, str(number))


def _read_lines(path: Path) -> Iterator[tuple[int, str]]:
    try:
        file = path.open("rb")
    except FileNotFoundError as error:
        raise MissingFileError(f"{path}: expected a CoNLL file, found none; check the path") from error
    except OSError as error:
        raise InputError(f"{path}: expected a CoNLL file, found {error.strerror}") from error
    with file:
        # Lines of bytes end at \n alone: a word may hold U+2028 or U+0085.
        for number, line in enumerate(file, start=1):
            yield number, _decode(line, f"{path}:{number}", encoding="utf-8-sig" if number == 1 else "utf-8")


def _decode(line: bytes, where: str, *, encoding: str) -> str:
    try:
        return line.decode(encoding).rstrip("\r\n")
    except UnicodeDecodeError as error:
        found = f"byte 0x{line[error.start]:02x} at position {error.start}"
        advice = "convert the file, as in: iconv -f WINDOWS-1256 -t UTF-8"
        raise InputError(f"{where}: expected UTF-8, found {found}; {advice}") from error


def _read_word(line: str, before: tuple[str, ...], where: str) -> TaggedWord:
    # Not at any white space: a word may hold a no-break space.
    word, _, rest = line.strip().partition("\t" if "\t" in line.strip() else " ")
    tags = rest.split()
    if not tags:
        raise InputError(
            f"{where}: expected a word and its tags, found {line!r}; part them by a tab or a space"
        )
    return word.strip(), tuple(_read_tag(tag, before, where) for tag in tags)


def _read_tag(tag: str, before: tuple[str, ...], where: str) -> str:
    match = _TAG.fullmatch(tag)
    if match is None:
        if tag == OUTSIDE:
            return tag
        raise InputError(
            f"{where}: expected the tags O, B-X or I-X, found {tag!r}; keep the word and its IOB tags alone"
        )
    prefix, label = match.groups()
    goes_on = prefix == "I" and any(other[1:] == f"-{label}" for other in before)
    return f"{'I' if goes_on else 'B'}-{label}"


def _join(sentences: Sequence[Sequence[TaggedWord]], id: str) -> Document:
    lines = [" ".join(word for word, _ in sentence) for sentence in sentences]
    starts = list(accumulate((len(line) + 1 for line in lines), initial=0))
    text = "\n".join(lines)
    names = [
        (start + left, start + right, label)
        for start, sentence in zip(starts, sentences, strict=False)
        for left, right, label in _names(sentence)
    ]
    return Document(
        id=id,
        text=text,
        sentences=tuple(
            (start, start + len(line)) for start, line in zip(starts, lines, strict=False) if line
        ),
        entities=tuple(
            Entity(id=f"T{number}", label=label, start=start, end=end, text=text[start:end])
            for number, (start, end, label) in enumerate(sorted(names), start=1)
        ),
    )


def _names(sentence: Sequence[TaggedWord]) -> Iterator[tuple[int, int, str]]:
    """Find the names of each type, by offsets into the joined words; of nested ones of a type the outer."""
    starts = list(accumulate((len(word) + 1 for word, _ in sentence), initial=0))
    for label in dict.fromkeys(tag[2:] for _, tags in sentence for tag in tags if tag != OUTSIDE):
        goes_on = [f"I-{label}" in tags for _, tags in sentence] + [False]
        for first, (_, tags) in enumerate(sentence):
            if f"B-{label}" in tags and not goes_on[first]:
                yield starts[first], starts[goes_on.index(False, first + 1)] - 1, label
