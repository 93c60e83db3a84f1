"""One engine of libyaevents in a process of its own, without torch.

    python -m libyaevents.benchmark.ours MODEL ENGINE TEXTS.json THREADS

Serves `run`: all texts to documents, enrichers off; and `profile`: the same with padding and time counted.
"""

import json
import sys
import time
from copy import copy
from pathlib import Path
from threading import Lock
from typing import Any, cast

from libyaevents.benchmark.workers import serve, timed
from libyaevents.checkpoint import EngineName
from libyaevents.engines import Encoded, Engine, RoleLogits, TriggerBatch
from libyaevents.extractor import Extractor
from libyaevents.windows import WindowBatch

__all__ = ["CountingEngine", "main", "profile"]


class CountingEngine:
    """An engine that counts what passes through it: subwords, padding, seconds in either call.

    Threads may share it.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine, self.lock = engine, Lock()
        self.n_subwords = self.n_padded = 0
        self.encode_seconds = self.roles_seconds = 0.0

    def encode(self, batch: WindowBatch) -> Encoded:
        """Read windows: see `Encoded`."""
        n_subwords = int(batch.attention_mask.sum())
        start = time.perf_counter()
        encoded = self.engine.encode(batch)
        seconds = time.perf_counter() - start
        with self.lock:
            self.n_subwords += n_subwords
            self.n_padded += batch.attention_mask.size
            self.encode_seconds += seconds
        return encoded

    def roles(self, batch: TriggerBatch) -> RoleLogits:
        """Read the sentences of triggers: see `RoleLogits`."""
        start = time.perf_counter()
        logits = self.engine.roles(batch)
        seconds = time.perf_counter() - start
        with self.lock:
            self.roles_seconds += seconds
        return logits

    def __getattr__(self, name: str) -> Any:
        return getattr(self.engine, name)


def profile(extractor: Extractor, texts: list[str]) -> dict[str, float]:
    """Read the texts once: subwords read, share of padding, shares of the wall time, spans found."""
    counting, engine = copy(extractor), CountingEngine(extractor.engine)
    counting.engine = engine
    start = time.perf_counter()
    documents = list(counting.extract_many(texts))
    seconds = time.perf_counter() - start
    return {
        "n_subwords": engine.n_subwords,
        "padding_share": 1 - engine.n_subwords / engine.n_padded if engine.n_padded else 0.0,
        "encode_share": engine.encode_seconds / seconds,
        "roles_share": engine.roles_seconds / seconds,
        "n_entities": sum(len(document.entities) for document in documents),
        "n_events": sum(len(document.events) for document in documents),
        "n_arguments": sum(len(event.arguments) for document in documents for event in document.events),
    }


def main(arguments: list[str]) -> None:
    """Load a model and serve."""
    model, engine, file, n_threads = arguments
    texts = json.loads(Path(file).read_text(encoding="utf-8"))
    extractor = Extractor.from_pretrained(
        Path(model), engine=cast(EngineName, engine), n_threads=int(n_threads), enrich=False
    )
    serve(
        {
            "run": lambda: timed(lambda: list(extractor.extract_many(texts))),
            "profile": lambda: profile(extractor, texts),
        }
    )


if __name__ == "__main__":
    main(sys.argv[1:])
