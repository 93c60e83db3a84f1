"""Count in how many sentences two models find what one was taught: the table of docs/retraining.md.

    python scripts/judge_names.py tests/gold/unseen_judge.jsonl compact runs/unseen/model

In: documents of one sentence, each with one annotated name or trigger and, in `metadata`, the `item` that it
is a form of. Out: Markdown, a row an item. A mention is found where span and label are right.
"""

import argparse
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from libyaevents.documents import Document
from libyaevents.evaluation.items import entity_spans, trigger_span
from libyaevents.extractor import Extractor
from libyaevents.formats.jsonl import read_documents


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="Count what two models find.")
    parser.add_argument("sentences", type=Path)
    parser.add_argument("models", nargs=2, metavar="MODEL", help="before and after")
    arguments = parser.parse_args()
    print(table(list(read_documents(arguments.sentences)), arguments.models))


def table(gold: Sequence[Document], models: Sequence[str]) -> str:
    """Rows of item, label, sentences, and those in which each model finds it."""
    total = Counter(map(item_of, gold))
    found = [count_found(gold, Extractor.from_pretrained(model, enrich=False)) for model in models]
    rows = [
        f"| {item} | {label} | {total[item, label]} | {_cells(item, label, found)} |" for item, label in total
    ]
    sums = " | ".join(str(counts.total()) for counts in found)
    return "\n".join(
        [
            "| item | label | sentences | before | after |",
            "| --- | --- | ---: | ---: | ---: |",
            *rows,
            f"| all {len(total)} | | {total.total()} | {sums} |",
        ]
    )


def count_found(gold: Sequence[Document], extractor: Extractor) -> Counter[tuple[str, str]]:
    """In how many sentences a model finds each item."""
    bare = [Document(text=document.text, id=document.id) for document in gold]
    pairs = zip(gold, extractor.extract_many(bare), strict=True)
    return Counter(item_of(document) for document, read in pairs if _spans(document) <= _spans(read))


def item_of(document: Document) -> tuple[str, str]:
    """The item that a sentence judges, and its label."""
    return document.metadata["item"], document.metadata["label"]


def _spans(document: Document) -> set[tuple[int, int, str]]:
    return entity_spans(document) | set(map(trigger_span, document.events))


def _cells(item: str, label: str, found: Sequence[Counter[tuple[str, str]]]) -> str:
    return " | ".join(str(counts[item, label]) for counts in found)


if __name__ == "__main__":
    main()
