"""Read a long stream of articles and write how much memory the process takes on the way.

    python scripts/stream_memory.py [--documents 100000] [--sentences 20] [--threads N] [--plot FILE]

The articles are mixed anew from the sentences of the packaged open corpus, each of 1 to 20 of them, by a
fixed seed; they are made as they are read, and nothing of the results is kept. Every `--every` documents a
line of `--out` says how many documents were taken and how many the stream was ahead of that, characters,
seconds, and the resident set in MiB. The last line sums up: what the process took after a tenth, at the end
and at most, the slope in bytes a document by least squares behind the first tenth, and the versions.
`--plot` draws the curve (extra `plots`). Linux alone tells the resident set at a moment.
"""

import argparse
import json
import os
import platform
import random
import sys
import time
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from libyaevents import Extractor
from libyaevents.datasets import load_corpus

MIB = 2**20


class Stream:
    """Articles mixed from sentences, counted as they are read."""

    def __init__(self, n_documents: int, seed: int, most_sentences: int = 20) -> None:
        documents = load_corpus("open")
        self._sentences = [
            document.text[start:end] for document in documents for start, end in document.sentences
        ]
        self._n_documents, self._random = n_documents, random.Random(seed)
        self._most_sentences = most_sentences
        self.n_read = self.n_characters = 0

    def __iter__(self) -> Iterator[str]:
        for _ in range(self._n_documents):
            n_sentences = self._random.randint(1, self._most_sentences)
            text = "\n".join(self._random.choices(self._sentences, k=n_sentences))
            self.n_read += 1
            self.n_characters += len(text)
            yield text


def resident_mib() -> float:
    """The memory that the process takes at this moment."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / MIB


def measure(extractor: Extractor, stream: Stream, every: int, out: TextIO) -> list[dict[str, float]]:
    """Read the stream to its end; write and return a point for every so many documents."""
    points: list[dict[str, float]] = []
    started = time.perf_counter()
    for n_taken, _ in enumerate(extractor.extract_many(stream), start=1):
        if n_taken % every == 0:
            point = {
                "documents": n_taken,
                "ahead": stream.n_read - n_taken,
                "characters": stream.n_characters,
                "seconds": round(time.perf_counter() - started, 2),
                "resident_mib": round(resident_mib(), 2),
            }
            points.append(point)
            print(json.dumps(point), file=out, flush=True)
    return points


def sum_up(points: Sequence[dict[str, float]]) -> dict[str, Any]:
    """What the curve says: growth in MiB, slope in bytes a document, most documents ahead."""
    behind = points[len(points) // 10 :]
    documents = np.array([point["documents"] for point in behind])
    resident = np.array([point["resident_mib"] for point in behind])
    slope = float(np.polyfit(documents, resident * MIB, 1)[0]) if len(behind) > 1 else 0.0
    return {
        "documents": points[-1]["documents"],
        "characters": points[-1]["characters"],
        "seconds": points[-1]["seconds"],
        "first_mib": behind[0]["resident_mib"],
        "last_mib": behind[-1]["resident_mib"],
        "most_mib": max(point["resident_mib"] for point in points),
        "bytes_a_document": round(slope, 1),
        "most_ahead": max(point["ahead"] for point in points),
    }


def plot(points: Sequence[dict[str, float]], path: Path) -> None:
    """Draw the resident set over the documents taken, from zero."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 3), layout="constrained")
    axes = figure.subplots()
    axes.plot([point["documents"] for point in points], [point["resident_mib"] for point in points])
    axes.set(xlabel="documents", ylabel="resident set, MiB", xlim=0, ylim=0)
    axes.grid(alpha=0.3)
    figure.savefig(path)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run and return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--documents", type=int, default=100_000)
    parser.add_argument("--sentences", type=int, default=20, help="Of an article, at most.")
    parser.add_argument("--every", type=int, default=500)
    parser.add_argument("--threads", type=int, help="Of the engine and the stream (all cores).")
    parser.add_argument("--engine", default="auto")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("stream_memory.jsonl"))
    parser.add_argument("--plot", type=Path)
    options = parser.parse_args(arguments)
    extractor = Extractor.from_pretrained(engine=options.engine, n_threads=options.threads)
    with options.out.open("w", encoding="utf-8") as out:
        stream = Stream(options.documents, options.seed, options.sentences)
        points = measure(extractor, stream, options.every, out)
        about = {
            "sentences": options.sentences,
            "seed": options.seed,
            "engine": type(extractor.engine).__name__,
            "threads": extractor.n_threads,
            "python": platform.python_version(),
            "onnxruntime": version("onnxruntime"),
        }
        print(summary := json.dumps(sum_up(points) | about), file=out)
    print(summary)
    if options.plot is not None:
        plot(points, options.plot)
    return 0


if __name__ == "__main__":
    sys.exit(main())
