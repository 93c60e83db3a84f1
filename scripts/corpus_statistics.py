"""Count what the open corpus holds: the tables and the pictures of `docs/open-corpus.md`.

    python scripts/corpus_statistics.py            # prints the tables
    python scripts/corpus_statistics.py --write    # puts them into the page, and draws docs/images/open-*.svg

Drawing needs matplotlib, which is part of the extra `plots`.
"""

import argparse
import re
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from libyaevents.datasets import Split, load_corpus
from libyaevents.documents import Document
from libyaevents.ontology import load_ontology
from libyaevents.words import split_words

DOCS = Path(__file__).resolve().parent.parent / "docs"
PAGE = DOCS / "open-corpus.md"
BLOCK = re.compile(r"(?<=<!-- statistics: begin -->\n).*(?=<!-- statistics: end -->)", re.DOTALL)
SPLITS: tuple[Split, ...] = ("train", "dev", "test")


def tables(documents: Mapping[str, Sequence[Document]]) -> str:
    """Markdown tables of the splits, sizes first, then by label."""
    ontology = load_ontology()
    events = {
        name: [event for document in part for event in document.events] for name, part in documents.items()
    }
    sizes = {name: Counter(_sizes(part)) for name, part in documents.items()}
    entities = {
        name: Counter(each.label for document in part for each in document.entities)
        for name, part in documents.items()
    }
    types = {name: Counter(event.type for event in part) for name, part in events.items()}
    roles = {
        name: Counter(each.role for event in part for each in event.arguments)
        for name, part in events.items()
    }
    values = {name: Counter(event.factuality for event in part) for name, part in events.items()}
    registers, countries = (
        {name: Counter(document.metadata[key] for document in part) for name, part in documents.items()}
        for key in ("register", "country")
    )
    return "\n\n".join(
        [
            _table("", sizes, list(_sizes(()))),
            _table("event type", types, ontology.event_labels),
            _table("role", roles, ontology.role_labels),
            _table("entity type", entities, ontology.entity_labels),
            _table("factuality", values, ontology.factuality_labels),
            _table("register (documents)", registers, _by_count(registers)),
            _table("country (documents)", countries, _by_count(countries)),
        ]
    )


def draw(documents: Sequence[Document], folder: Path) -> None:
    """Draw how many events of each type, arguments of each role and words in an article there are."""
    import matplotlib as mpl

    mpl.use("svg")
    import matplotlib.pyplot as plt

    mpl.rcParams["svg.hashsalt"] = "libyaevents"  # the same bytes for the same numbers
    folder.mkdir(exist_ok=True)
    events = [event for document in documents for event in document.events]
    pictures = {
        "types": ("Events by type", Counter(event.type for event in events)),
        "roles": ("Arguments by role", Counter(each.role for event in events for each in event.arguments)),
        "entities": (
            "Entities by type",
            Counter(each.label for document in documents for each in document.entities),
        ),
    }
    for name, (title, counts) in pictures.items():
        labels = sorted(counts, key=lambda label: (counts[label], label))
        figure, axes = plt.subplots(figsize=(7, 0.6 + 0.24 * len(labels)), layout="constrained")
        bars = axes.barh(labels, [counts[label] for label in labels], color="#2f6f8f")
        axes.margins(x=0.06, y=0.01)
        axes.bar_label(bars, padding=3, fontsize=8)
        axes.set_title(title, loc="left")
        axes.tick_params(labelsize=9)
        axes.spines[["top", "right"]].set_visible(False)
        figure.savefig(folder / f"open-{name}.svg", metadata={"Date": None})
        plt.close(figure)
    figure, (left, right) = plt.subplots(1, 2, figsize=(7, 2.4), layout="constrained")
    left.hist([len(split_words(document.text)) for document in documents], bins=12, color="#2f6f8f")
    left.set_title("Words in an article", loc="left")
    lengths = [
        len(split_words(document.text, *span)) for document in documents for span in document.sentences
    ]
    right.hist(lengths, bins=20, color="#2f6f8f")
    right.set_title("Words in a sentence", loc="left")
    for axes in (left, right):
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(folder / "open-lengths.svg", metadata={"Date": None})
    plt.close(figure)


def _sizes(documents: Sequence[Document]) -> dict[str, int]:
    return {
        "documents": len(documents),
        "words": sum(len(split_words(document.text)) for document in documents),
        "sentences": sum(len(document.sentences) for document in documents),
        "entities": sum(len(document.entities) for document in documents),
        "events": sum(len(document.events) for document in documents),
        "arguments": sum(len(event.arguments) for document in documents for event in document.events),
    }


def _by_count(counts: Mapping[str, Counter[str]]) -> list[str]:
    total = sum(counts.values(), Counter())
    return sorted(total, key=lambda label: (-total[label], label))


def _table(title: str, counts: Mapping[str, Counter[str]], labels: Sequence[str]) -> str:
    rows = [[title, *counts, "all"], ["---", *["---:"] * (len(counts) + 1)]]
    for label in labels:
        numbers = [column[label] for column in counts.values()]
        rows.append([label, *(f"{number:,}" for number in (*numbers, sum(numbers)))])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the tables, or write page and pictures."""
    parser = argparse.ArgumentParser(description="Count what the open corpus holds.")
    parser.add_argument("--write", action="store_true", help="into docs/open-corpus.md and docs/images")
    options = parser.parse_args(arguments)
    documents: dict[str, list[Document]] = {split: load_corpus("open", split=split) for split in SPLITS}
    text = tables(documents) + "\n"
    if not options.write:
        sys.stdout.write(text)
        return 0
    page = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(BLOCK.sub(lambda _: text, page), encoding="utf-8")
    draw([document for part in documents.values() for document in part], DOCS / "images")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
