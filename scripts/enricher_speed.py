"""Time the enrichers beside the model, article by article in one run, and print their share.

    python scripts/enricher_speed.py [FILE.jsonl] [--rounds 5]

Each round reads every article with the model and resolves what it found, so that both meet the same load of
the machine; the median of the rounds' ratios is printed, and the time of each enricher. The model runs on one
thread. Without a file the open corpus is read.
"""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median
from time import perf_counter

from libyaevents import Document, Extractor, load_corpus, read_documents
from libyaevents.enrich import ENRICHERS


def main(command_line: Sequence[str] | None = None) -> None:
    """Read the command line, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("file", type=Path, nargs="?")
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args(command_line)
    documents = list(read_documents(arguments.file)) if arguments.file else load_corpus("open")
    unread = [replace(document, sentences=(), entities=(), events=()) for document in documents]
    extractor = Extractor.from_pretrained(n_threads=1, enrich=False)
    _measure(extractor, unread)  # what is loaded once is not an article's
    rounds = [_measure(extractor, unread) for _ in range(arguments.rounds)]
    n_words = sum(len(document.text.split()) for document in unread)
    print(f"{len(unread)} articles, {n_words / len(unread):.0f} words each, {arguments.rounds} rounds")
    for name in rounds[0]:
        print(f"{name:10} {1000 * median(each[name] for each in rounds) / len(unread):7.2f} ms an article")
    shares = [(sum(each.values()) - each["model"]) / each["model"] for each in rounds]
    print(
        f"enrichers / model: {100 * median(shares):.1f} % ({100 * min(shares):.1f}–{100 * max(shares):.1f})"
    )


def _measure(extractor: Extractor, documents: list[Document]) -> dict[str, float]:
    """Return the seconds that the model and each enricher took over all documents."""
    seconds = dict.fromkeys(("model", *ENRICHERS), 0.0)
    for document in documents:
        start = perf_counter()
        (found,) = extractor.extract_many([document])
        seconds["model"] += perf_counter() - start
        for name, enricher in ENRICHERS.items():
            start = perf_counter()
            found = enricher(found)
            seconds[name] += perf_counter() - start
    return seconds


if __name__ == "__main__":
    main()
