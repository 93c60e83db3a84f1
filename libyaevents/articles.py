"""Documents cut for the network: into words, parts of bounded length, windows, and chunks of several parts.

In: documents, or texts to make them of. Out: `Part`s in order, of which a long document has several, so that
memory is bounded by a part and not by a document; and `Chunk`s that number the words of parts through.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import accumulate, pairwise

from tokenizers import Tokenizer

from libyaevents.documents import Document
from libyaevents.errors import DocumentError, InputError, InputTypeError
from libyaevents.records import fill
from libyaevents.subwords import encode_words, special_ids
from libyaevents.windows import Window, make_windows, sentence_words
from libyaevents.words import Span, split_sentences, split_words

__all__ = ["Article", "Chunk", "Part", "cut", "make_article", "make_document"]

WORDS_A_PART = (
    4096  # a document of more is cut between sentences, a sentence of more (no news has one) anywhere
)


@dataclass(frozen=True, slots=True, eq=False)
class Article:
    """One document with the spans of its words and the word ranges of its sentences."""

    document: Document
    words: list[Span]
    sentences: list[Span]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Part:
    """Whole sentences of an article, or a piece of one that is too long.

    Attributes:
        article: what it is a part of.
        words: half-open range of the article's words.
        sentences: word ranges that partition `words`, counted from the article's first word.
        windows: of these words, counted from the part's first.
        is_last: whether the article ends here.
    """

    article: Article
    words: Span
    sentences: list[Span]
    windows: list[Window]
    is_last: bool


class Chunk:
    """Parts that are read together.

    Attributes:
        parts: in order.
        firsts: the number of each part's first word, and behind them the number of all words.
        sentences: word ranges of all parts' sentences, the words of the chunk counted through.
    """

    def __init__(self, parts: Sequence[Part]) -> None:
        self.parts = parts
        self.firsts = [0, *accumulate(part.words[1] - part.words[0] for part in parts)]
        self.sentences = [
            (first - part.words[0] + start, first - part.words[0] + end)
            for part, first in zip(parts, self.firsts, strict=False)
            for start, end in part.sentences
        ]

    @property
    def n_words(self) -> int:
        """Words of all parts together."""
        return self.firsts[-1]

    def placed(self) -> Iterator[tuple[Part, slice]]:
        """Each part with the place of its words."""
        for part, (start, end) in zip(self.parts, pairwise(self.firsts), strict=True):
            yield part, slice(start, end)


def make_document(
    text: object,
    *,
    published: date | str | None = None,
    id: str | None = None,
    source: str | None = None,
    title: str | None = None,
) -> Document:
    """Put a text and what the caller says of it into a document.

    Raises:
        InputTypeError: `text` is no str.
        InputError: `published` is a str that is no ISO date.
        DocumentError: the text holds lone surrogates, or `published` is something other than a date.
    """
    if not isinstance(text, str):
        raise InputTypeError(
            f"expected the text as a str, found {type(text).__name__}: "
            "decode bytes first, as in data.decode('utf-8')"
        )
    if isinstance(published, str):
        try:
            published = date.fromisoformat(published)
        except ValueError as error:
            raise InputError(
                f"published is {published!r}: expected an ISO date such as 2020-06-06"
            ) from error
    return Document(text=text, id=id, source=source, title=title, published=published)


def make_article(item: str | Document) -> Article:
    """Find the words and sentences of a document; its own sentences are kept where it has some.

    Raises:
        InputTypeError: the item is neither a str nor a `Document`.
        DocumentError: a text holds lone surrogates, or a document's sentences do not cover its words.
    """
    document = item if isinstance(item, Document) else make_document(item)
    if not document.sentences:
        document = fill(document, sentences=tuple(split_sentences(document.text)))
    words = split_words(document.text)
    try:
        sentences = sentence_words(words, document.sentences)
    except DocumentError as error:
        raise DocumentError(f"document {document.id!r}: {error}") from error
    return Article(document, words, sentences)


def cut(article: Article, tokenizer: Tokenizer, *, max_subwords: int) -> Iterator[Part]:
    """Cut an article into parts, nearly always one, each tokenized when its turn comes."""
    specials = special_ids(tokenizer)
    runs = list(_runs(article.sentences))
    for number, sentences in enumerate(runs, start=1):
        start, end = (sentences[0][0], sentences[-1][1]) if sentences else (0, 0)
        subwords = encode_words(article.document.text, article.words[start:end], tokenizer)
        own = [(first - start, last - start) for first, last in sentences]
        yield Part(
            article=article,
            words=(start, end),
            sentences=sentences,
            windows=make_windows(subwords, own, specials=specials, max_subwords=max_subwords),
            is_last=number == len(runs),
        )


def _runs(sentences: Sequence[Span]) -> Iterator[list[Span]]:
    """Join consecutive sentences, or pieces of long ones, to at most `WORDS_A_PART` words; one at least."""
    run: list[Span] = []
    for sentence_start, sentence_end in sentences:
        for start in range(sentence_start, max(sentence_end, sentence_start + 1), WORDS_A_PART):
            end = min(sentence_end, start + WORDS_A_PART)
            if run and end - run[0][0] > WORDS_A_PART:
                yield run
                run = []
            run.append((start, end))
    yield run
