"""Which articles to correct first: those from which a model learns most for each word that a person reads.

In: a model and articles. Out: the chosen articles, best first, as the model annotates them; their metadata
says how unsure the model is of each, and in which of its sentences.

What a model is unsure of shows in the margins of its words: how far the best tag of a word, as part of an
entity or of a trigger, lies before the second best. A margin also tells of what was nearly found, of which
predictions say nothing. What the margins of an article lack, over the words to be read, is its worth, which
counts less the more the article is like one that is chosen already.

Source: margin sampling, Scheffer et al. (2001); greedy choice by relevance and novelty, Carbonell and
Goldstein (1998).
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from libyaevents.documents import Document
from libyaevents.errors import ConfigError
from libyaevents.extractor import Extractor, WordScores

__all__ = ["Candidate", "choose", "measure", "suggest"]

Floats = NDArray[np.float64]

TRIGGER_WEIGHT = 2.0  # an event that is missed or mistyped loses its arguments, too
WORDS_TO_OPEN = 30  # what it costs to turn to an article, in words; else a headline of one odd word would win
MARKED_SHARE = 0.5  # of an article's uncertainty, which its marked sentences hold


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Candidate:
    """An article that may be chosen.

    Attributes:
        document: the article as it was given, with its sentences.
        n_words: of each sentence. *Shape:* (sentences,).
        uncertainty: of each sentence, the sum over its words, of which each adds from 0 to 3.
            *Shape:* (sentences,).
        content: the mean of the words' states, weighted by their uncertainty: what the article is about where
            the model is unsure. *Shape:* (hidden,).
    """

    document: Document
    n_words: NDArray[np.int64]
    uncertainty: Floats
    content: Floats

    @property
    def worth(self) -> float:
        """Uncertainty for each word to be read."""
        return float(self.uncertainty.sum() / (self.n_words.sum() + WORDS_TO_OPEN))

    @property
    def mean(self) -> float:
        """Uncertainty of a word on average, from 0 to 3."""
        return float(self.uncertainty.sum() / max(1, self.n_words.sum()))

    def marked_sentences(self) -> list[int]:
        """The sentences to look at first, counted from 1, the most uncertain (by word) first.

        As many as hold half of the article's uncertainty.
        """
        order = np.argsort(-self.uncertainty / np.maximum(self.n_words, 1), kind="stable")
        ordered = self.uncertainty[order]
        before = np.cumsum(ordered) - ordered
        marked: list[int] = (order[before < MARKED_SHARE * ordered.sum()] + 1).tolist()
        return marked


def suggest(extractor: Extractor, items: Iterable[str | Document], *, n_articles: int) -> Iterator[Document]:
    """Choose articles and annotate them.

    Args:
        extractor: the model that is to learn from them.
        items: texts or documents; annotation that they have is not looked at. All are kept in memory.
        n_articles: how many to choose; all, where there are fewer.

    Returns:
        Each chosen article, the one most worth reading first, with the model's annotation. Its metadata has
        `uncertainty` and `uncertain_sentences`, see `Candidate.mean` and `Candidate.marked_sentences`.

    Raises:
        ConfigError: `n_articles` is below 1.
        InputTypeError, DocumentError: as for `Extractor.extract_many`.
    """
    if n_articles < 1:
        raise ConfigError(f"expected a number of articles from 1 up, found {n_articles}")
    chosen = choose(list(measure(extractor, items)), n_articles)
    found = extractor.extract_many(candidate.document for candidate in chosen)
    for candidate, document in zip(chosen, found, strict=True):
        marks = {
            "uncertainty": f"{candidate.mean:.3f}",
            "uncertain_sentences": " ".join(map(str, candidate.marked_sentences())),
        }
        yield replace(document, metadata={**document.metadata, **marks})


def measure(extractor: Extractor, items: Iterable[str | Document]) -> Iterator[Candidate]:
    """Measure how unsure a model is of each article, in order.

    Raises:
        InputTypeError, DocumentError: as for `Extractor.extract_many`.
    """
    return map(_measure, extractor.score_words(items))


def choose(candidates: Sequence[Candidate], n: int) -> list[Candidate]:
    """Choose `n` candidates, best first: each is the one most worth reading beside those before it.

    A candidate's worth counts by how unlike the nearest of those it is, from 0 for the same to 1. The choice
    does not depend on the order of the candidates. Those without words come last.
    """
    ordered = sorted(candidates, key=lambda candidate: (candidate.document.text, candidate.document.id or ""))
    readable = [candidate for candidate in ordered if candidate.n_words.any()]
    wordless = [candidate for candidate in ordered if not candidate.n_words.any()]
    return [*_choose_readable(readable, n), *wordless][:n]


def _choose_readable(candidates: Sequence[Candidate], n: int) -> Iterator[Candidate]:
    if not candidates:
        return
    worth = np.array([candidate.worth for candidate in candidates])
    directions = _directions(np.stack([candidate.content for candidate in candidates]))
    novelty = np.ones(len(candidates))
    is_free = np.ones(len(candidates), np.bool_)
    for _ in range(min(n, len(candidates))):
        # What is worth nothing beside the chosen (their very copy) is still better than what is chosen.
        best = int(np.where(is_free, worth * novelty, -1.0).argmax())
        is_free[best] = False
        yield candidates[best]
        novelty = np.minimum(novelty, 1 - np.clip(directions @ directions[best], 0, 1))


def _directions(contents: Floats) -> Floats:
    """Unit vectors from the middle of all articles to each: the states of any two news articles are alike."""
    directions: Floats = contents - contents.mean(0)
    lengths = np.linalg.norm(directions, axis=-1, keepdims=True)
    directions /= np.where(lengths > 0, lengths, 1)
    return directions


def _measure(scores: WordScores) -> Candidate:
    """Sum up the doubts about a document's words."""
    doubts = np.zeros(len(scores.states))
    if len(doubts):
        doubts = _doubts(scores.entity_logits) + TRIGGER_WEIGHT * _doubts(scores.trigger_logits)
    return Candidate(
        document=scores.document,
        n_words=np.array([end - start for start, end in scores.sentences], np.int64),
        uncertainty=np.array([doubts[start:end].sum() for start, end in scores.sentences], np.float64),
        content=doubts @ scores.states.astype(np.float64) / max(doubts.sum(), np.finfo(np.float64).tiny),
    )


def _doubts(logits: NDArray[np.float32]) -> Floats:
    """What the margin between the two likeliest tags of each word lacks of 1: shape (words,)."""
    chances = np.exp(logits.astype(np.float64) - logits.max(-1, keepdims=True))
    chances /= chances.sum(-1, keepdims=True)
    second, best = np.partition(chances, -2, axis=-1)[:, -2:].T
    doubts: Floats = 1 - (best - second)
    return doubts
