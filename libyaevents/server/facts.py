"""Documents with their times, places, actors, claims and figures resolved, each revision resolved once."""

import threading
from collections.abc import Iterator, Sequence

from libyaevents.documents import Document
from libyaevents.enrich import enrich
from libyaevents.server.edits import Layer
from libyaevents.server.store import Store

__all__ = ["Facts"]

N_KEPT = 200  # documents; one of 2,000 words takes about a megabyte


class Facts:
    """The resolved documents of a store; any thread may call it."""

    def __init__(self, store: Store) -> None:
        """Take where the documents are."""
        self._store = store
        self._lock = threading.Lock()
        self._kept: dict[tuple[int, str, int], Document] = {}  # by number, layer and revision

    def of(self, number: int, layer: str) -> Document:
        """Return a document as a layer has it, resolved.

        Raises:
            NotFoundError: there is no such document or layer.
        """
        return self._of(self._store.layer(number, layer))

    def all(self, layer: str, numbers: Sequence[int]) -> Iterator[Document]:
        """Yield the documents that have a layer, resolved, in the order of adding; without `numbers` all."""
        wanted = set(numbers)
        for item in self._store.listing():
            number = item["number"]
            revision = next((each["revision"] for each in item["layers"] if each["name"] == layer), None)
            if revision is None or (wanted and number not in wanted):
                continue
            # The list tells the revision: what is kept need not be read again.
            yield self._kept_of((number, layer, revision)) or self.of(number, layer)

    def _of(self, found: Layer) -> Document:
        key = found.number, found.name, found.revision
        document = self._kept_of(key)
        if document is None:
            document = enrich(found.document)
            with self._lock:
                self._kept[key] = document
                if len(self._kept) > N_KEPT:
                    del self._kept[next(iter(self._kept))]
        return document

    def _kept_of(self, key: tuple[int, str, int]) -> Document | None:
        """Return what is kept, which then is the last to go."""
        with self._lock:
            document = self._kept.pop(key, None)
            if document is not None:
                self._kept[key] = document
            return document
