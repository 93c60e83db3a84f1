"""Cut a text into words and sentences: a `str` comes in, half-open code-point offsets into it go out.

Every stage behind this one counts in these words: offsets are carried from here and never searched for.
Both functions take time linear in the text, whatever it holds.
"""

import re
from collections.abc import Iterator
from unicodedata import category, normalize

Span = tuple[int, int]

# The zero-width space and the byte-order mark are spaces by name and show nothing, but `\s` leaves them out.
_SPACE = r"\s\u200b\ufeff"
_LINE = re.compile(r"[^\n\r\v\f\x1c-\x1e\x85\u2028\u2029]+")
_PIECE = re.compile(rf"[^{_SPACE}]+")

# Words run together at these (طرابلس،التي) or hold them (و"التبة); a single dot or a colon may be part of a
# number (3.5, 10:30). The group keeps what becomes words: white space separates and is no word.
_CUT = re.compile(rf"[{_SPACE}]+|(\.{{2,}}|:(?!\d)|[\"«»“”()\[\]،؛؟!…])")

_TERMINATORS = (".", "؟", "?", "!", "…")
_CLOSERS = "\"'»”’›)]}"
# After these a full stop ends no sentence: an initial (د. or أ.د.), a lone character, a number (1. or 3.5.).
# Opening quotes or brackets may stand before it but are never that character: hence the possessive `*+`.
_ABBREVIATION = re.compile(r"[\"'«“‘‹(\[{]*+(?:(?:\w\.)*\S|\d+(?:[.,٫٬/:-]\d+)*)\.")

# One letter for each kind of character: edge (punctuation or symbol), mark, invisible; what is left is `x`.
_KINDS = {"P": "e", "S": "e", "M": "m", "C": "x", "L": "x", "N": "x", "Z": "x"}
_NUMBERS = str.maketrans("٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹٫٬٪", "01234567890123456789.,%")
_MARKS = re.compile("[\u0640\u064b-\u0652\u0670]")  # tatweel, harakat, dagger alif
_INVISIBLE = frozenset({"Cc", "Cf"})
# A word of a chunk, read over its kinds: from the first `x` to the last, or one edge character. Marks and
# invisible characters stay with what stands before them (❤️), at the chunk's start with what follows: a title
# in the corpus begins with RLM.
_WORD_OF_KINDS = re.compile(r"i*(?:[xm](?:.*x)?|e)[mi]*")


def split_words(text: str, start: int = 0, end: int | None = None) -> list[Span]:
    """Cut `text[start:end]` into words.

    White space separates; quotation marks, brackets, ، ؛ ؟ !, runs of dots and a colon before no digit are
    words of their own wherever they stand; other punctuation and symbols are peeled off both ends, a word
    each. Clitics, 5+5 and يونيو/حزيران stay whole. Format and control characters alone are no word.

    Returns:
        Offsets into `text`, not into the slice; in order, disjoint, none empty, no white space inside.

    Source: annotation guideline §1, and the gold spans of the corpus for the cuts inside a piece.
    """
    end = len(text) if end is None else end
    spans: list[Span] = []
    position = start
    for cut in _CUT.finditer(text, start, end):
        stop, following = cut.span()
        if text[position:stop].isalnum():  # nine chunks of ten
            spans.append((position, stop))
        else:
            spans.extend(_chunk_words(text, position, stop))
        if cut[1] is not None:
            spans.extend((offset, offset + 1) for offset in range(stop, following))
        position = following
    spans.extend(_chunk_words(text, position, end))
    return spans


def split_sentences(text: str) -> list[Span]:
    """Cut `text` into sentences.

    Lines are cut behind . ؟ ? ! … and the closing quotes or brackets there when white space follows; a full
    stop after an initial, a single character or a number cuts nothing. Headlines are sentences.

    Returns:
        Code-point offsets, in order, disjoint, no white space at either end. Each holds a word; no word lies
        outside them or across two.

    Source: annotation guideline §1; equal to the corpus' own sentences.
    """
    return [
        (start, end)
        for line in _LINE.finditer(text)
        for start, end in _line_sentences(text, *line.span())
        if not all(_is_invisible(piece[0]) for piece in _PIECE.finditer(text, start, end))
    ]


def letters(text: str) -> str:
    """Leave out what is no letter of a text, perhaps all of it, and write each letter in one way.

    Presentation forms, harakat, tatweel, and characters that show nothing (RLM) make no other word, nor do
    Arabic-Indic digits another number.
    """
    return _MARKS.sub("", _visible(normalize("NFKC", text).translate(_NUMBERS)))


def _visible(text: str) -> str:
    if text.isprintable():  # nearly always
        return text
    return "".join(character for character in text if category(character) not in _INVISIBLE)


def _chunk_words(text: str, start: int, end: int) -> Iterator[Span]:
    """Yield the words of a chunk that nothing cuts inside: peel both ends, keep the rest whole."""
    chunk = text[start:end]
    if chunk.isalnum():
        yield start, end
    elif not _is_invisible(chunk):
        kinds = "".join(map(_kind, chunk))
        for word in _WORD_OF_KINDS.finditer(kinds):
            yield start + word.start(), start + word.end()


def _kind(character: str) -> str:
    name = category(character)
    return "i" if name in _INVISIBLE else _KINDS[name[0]]


def _is_invisible(piece: str) -> bool:
    return all(category(character) in _INVISIBLE for character in piece)


def _line_sentences(text: str, start: int, end: int) -> Iterator[Span]:
    """Yield the sentences of the line `text[start:end]`, from first to last piece."""
    first: int | None = None
    last = start
    for piece in _PIECE.finditer(text, start, end):
        first = piece.start() if first is None else first
        last = piece.end()
        if _ends_sentence(piece[0]):
            yield first, last
            first = None
    if first is not None:
        yield first, last


def _ends_sentence(piece: str) -> bool:
    piece = _visible(piece)  # RLM often stands behind a full stop
    return piece.rstrip(_CLOSERS).endswith(_TERMINATORS) and not _ABBREVIATION.fullmatch(piece)
