"""Time models under engines, in turns, on the open corpus, and print the ratios to the first.

    python scripts/engine_speed.py compact@onnx compact@openvino [--rounds 9]

One thread, nothing is enriched. In each round every reader reads all articles once, so that all meet the same
load of the machine; medians are printed, and the median of the rounds' ratios.
"""

import argparse
from collections.abc import Callable, Sequence
from statistics import median
from time import perf_counter
from typing import Any

from libyaevents import Extractor, load_corpus


def main(command_line: Sequence[str] | None = None) -> None:
    """Read the command line, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("readers", nargs="+", metavar="MODEL@ENGINE")
    parser.add_argument("--rounds", type=int, default=9)
    arguments = parser.parse_args(command_line)
    texts = [document.text for document in load_corpus("open")]
    readers = {name: _Reader(*name.rsplit("@", 1)) for name in arguments.readers}
    rounds: dict[str, list[tuple[float, float, float]]] = {name: [] for name in readers}
    for reader in readers.values():
        reader.measure(texts)  # what is loaded or compiled once is no article's
    for _ in range(arguments.rounds):
        for name, reader in readers.items():
            rounds[name].append(reader.measure(texts))
    first = rounds[arguments.readers[0]]
    for name, found in rounds.items():
        total, encoder, roles = (median(column) for column in zip(*found, strict=True))
        host = median(whole - sum(calls) for whole, *calls in found)
        ratio = median(theirs[0] / own[0] for theirs, own in zip(first, found, strict=True))
        parts = f"encoder {encoder:.2f}, roles {roles:.2f}, host {host:.2f}"
        print(f"{name}: {total:.2f} s ({parts}), {ratio:.2f} ×")


class _Reader:
    """An extractor whose engine keeps the time of its two calls."""

    def __init__(self, model: str, engine: Any) -> None:
        self.extractor = Extractor.from_pretrained(model, engine=engine, n_threads=1, enrich=False)
        self.seconds = {"encode": 0.0, "roles": 0.0}
        self._encode, self._roles = self.extractor.engine.encode, self.extractor.engine.roles
        self.extractor.engine = self

    def encode(self, batch: Any) -> Any:
        return self._timed("encode", self._encode, batch)

    def roles(self, batch: Any) -> Any:
        return self._timed("roles", self._roles, batch)

    def measure(self, texts: Sequence[str]) -> tuple[float, float, float]:
        """Seconds of reading all texts, and those of the engine's two calls among them."""
        self.seconds = dict.fromkeys(self.seconds, 0.0)
        start = perf_counter()
        for _ in self.extractor.extract_many(texts):
            pass
        return perf_counter() - start, self.seconds["encode"], self.seconds["roles"]

    def _timed(self, call: str, run: Callable[[Any], Any], batch: Any) -> Any:
        start = perf_counter()
        found = run(batch)
        self.seconds[call] += perf_counter() - start
        return found


if __name__ == "__main__":
    main()
