"""The review queue: which documents to read next, of those whose shared layer nobody called done.

What a model is unsure of is measured once for each text and model; choosing among what was measured is quick,
so the queue follows every document that is added, hidden or done.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from libyaevents.documents import Document
from libyaevents.errors import ConfigError
from libyaevents.extractor import Extractor
from libyaevents.server.reader import Reader
from libyaevents.server.store import SHARED, Store
from libyaevents.suggest import Candidate, choose, measure

__all__ = ["ReviewQueue"]


class ReviewQueue:
    """The documents of a store by how much a model learns from their correction."""

    def __init__(self, store: Store, reader: Reader) -> None:
        """Take where documents are, and whose model is unsure of them."""
        self._store, self._reader = store, reader
        self._lock = asyncio.Lock()
        self._extractor: Extractor | None = None
        self._measured: dict[int, Candidate] = {}

    async def choose(self, n: int) -> list[dict[str, Any]]:
        """Return the best `n`, the first one first, with their uncertain sentences, as JSON types.

        Raises:
            ConfigError: `n` is below 1.
        """
        if n < 1:
            raise ConfigError(f"n: expected a number of documents from 1 up, found {n}")
        async with self._lock:  # a second asker waits for what the first one has measured
            return await asyncio.to_thread(self._choose, n)

    def _choose(self, n: int) -> list[dict[str, Any]]:
        waiting = self._waiting()
        if self._extractor is not self._reader.extractor:
            self._extractor, self._measured = self._reader.extractor, {}
        self._measure([number for number in waiting if number not in self._measured])
        # Those that are done or hidden now may come back.
        chosen = choose([self._measured[number] for number in waiting], n)
        return [_as_json(candidate) for candidate in chosen]

    def _measure(self, numbers: Sequence[int]) -> None:
        if self._extractor is None or not numbers:
            return
        # Numbers tell them apart in the answer, whatever they are called; their annotation plays no part.
        documents = (
            Document(id=str(number), text=document.text, sentences=document.sentences)
            for number in numbers
            for document in (self._store.layer(number).document,)
        )
        for candidate in measure(self._extractor, documents):
            self._measured[int(candidate.document.id or 0)] = candidate

    def _waiting(self) -> list[int]:
        return [item["number"] for item in self._store.listing() if any(map(_is_waiting, item["layers"]))]


def _is_waiting(layer: Mapping[str, Any]) -> bool:
    return bool(layer["name"] == SHARED and layer["state"] != "done")


def _as_json(candidate: Candidate) -> dict[str, Any]:
    document = candidate.document
    return {
        "number": int(document.id or 0),
        "uncertainty": round(candidate.mean, 3),
        "uncertain_sentences": [document.sentences[place - 1] for place in candidate.marked_sentences()],
    }
