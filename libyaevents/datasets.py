"""The annotated documents that come with the package: to read, to train on, and as a `datasets.Dataset`."""

from collections.abc import Iterable
from importlib.resources import as_file, files
from typing import TYPE_CHECKING, Literal

from libyaevents.documents import Document
from libyaevents.errors import ConfigError, MissingExtraError
from libyaevents.formats.jsonl import read_documents
from libyaevents.ontology import Ontology, load_ontology
from libyaevents.records import quote, suggest

if TYPE_CHECKING:
    from datasets import Dataset

__all__ = ["CORPORA", "Split", "load_corpus", "to_dataset"]

Split = Literal["train", "dev", "test"]

CORPORA = {
    "article": {"train": "article.jsonl"},
    "open": {split: f"open/{split}.jsonl" for split in ("train", "dev", "test")},
}


def load_corpus(
    name: str = "open", *, split: Split | None = None, ontology: Ontology | None = None
) -> list[Document]:
    """Read a corpus of the package: `open`, original articles, or `article`, which the project began with.

    Args:
        name: which corpus.
        split: `train`, `dev` or `test`; all documents where left out.
        ontology: whose labels to check against; the package's own where left out.

    Raises:
        ConfigError: there is no such corpus, or it has no such split.
        CorpusError, LabelError: a file was changed by hand and is broken; the message names file, line and
            mention.
    """
    if name not in CORPORA:
        raise ConfigError(f"expected a corpus of the package, found {quote(name)}; {suggest(name, CORPORA)}")
    splits = CORPORA[name]
    if split is not None and split not in splits:
        raise ConfigError(f"expected a split of {name!r}, found {quote(split)}; {suggest(split, splits)}")
    documents: list[Document] = []
    for file in splits.values() if split is None else (splits[split],):
        with as_file(files("libyaevents") / "data" / file) as path:
            documents += read_documents(path, ontology=ontology or load_ontology())
    return documents


def to_dataset(documents: Iterable[Document]) -> "Dataset":
    """Return documents as a `datasets.Dataset`, a row a document.

    Columns: `id`, `title`, `published` (ISO 8601), `source`, `url`, `text`; `sentences`, lists [start, end];
    `entities` and `events`, lists of what the document format has under these names, as far as annotators
    write it; `metadata`, a list of {key, value}. Offsets are half-open and count code points of `text`.

    Raises:
        MissingExtraError: datasets is not installed.
    """
    try:
        from datasets import Dataset, Features, List, Value
    except ImportError as error:
        raise MissingExtraError("a Dataset needs datasets: pip install 'libyaevents[train]'") from error
    span = {"start": Value("int64"), "end": Value("int64"), "text": Value("string")}
    argument = {"role": Value("string"), **span, "entity_id": Value("string")}
    event = {
        "id": Value("string"),
        "type": Value("string"),
        "trigger": span,
        "arguments": List(argument),
        "factuality": Value("string"),
    }
    features = Features(
        {
            **{name: Value("string") for name in ("id", "title", "published", "source", "url", "text")},
            "sentences": List(List(Value("int64"))),
            "entities": List({"id": Value("string"), "label": Value("string"), **span}),
            "events": List(event),
            "metadata": List({"key": Value("string"), "value": Value("string")}),
        }
    )
    return Dataset.from_list([_row(document) for document in documents], features=features)


def _row(document: Document) -> dict[str, object]:
    """One row, with what `to_dataset` has columns for."""

    def span(mention: object) -> dict[str, object]:
        return {name: getattr(mention, name) for name in ("start", "end", "text")}

    return {
        **{name: getattr(document, name) for name in ("id", "title", "source", "url", "text")},
        "published": document.published and document.published.isoformat(),
        "sentences": [list(sentence) for sentence in document.sentences],
        "entities": [{"id": each.id, "label": each.label, **span(each)} for each in document.entities],
        "events": [
            {
                "id": event.id,
                "type": event.type,
                "trigger": span(event.trigger),
                "arguments": [
                    {"role": each.role, **span(each), "entity_id": each.entity_id} for each in event.arguments
                ],
                "factuality": event.factuality,
            }
            for event in document.events
        ],
        "metadata": [{"key": key, "value": value} for key, value in document.metadata.items()],
    }
