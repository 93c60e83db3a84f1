"""The annotated documents that come with the package: to read, to train on, and as a `datasets.Dataset`."""

from importlib.resources import as_file, files
from typing import Literal

from libyaevents.documents import Document
from libyaevents.errors import ConfigError
from libyaevents.formats.datasets import from_dataset, to_dataset
from libyaevents.formats.jsonl import read_documents
from libyaevents.ontology import Ontology, load_ontology
from libyaevents.records import quote, suggest

__all__ = ["CORPORA", "Split", "from_dataset", "load_corpus", "to_dataset"]

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
