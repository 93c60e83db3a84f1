"""Documents as a `datasets.Dataset`, a row a document, and back.

Columns: `id`, `title`, `published` (ISO 8601), `source`, `url`, `text`; `sentences`, lists [start, end];
`entities` and `events`, lists of what the document format has under these names, as far as an annotator or a
model writes it, scores included; `metadata`, a list of {key, value}. Offsets are half-open and count code
points of `text`. What enrichers add (places, times, actors, claims, figures) has no column.
"""

import logging
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from libyaevents.documents import Document
from libyaevents.errors import CorpusError, DocumentError, MissingExtraError, MissingFileError
from libyaevents.formats.losses import ENRICHMENTS, Losses, leave_out
from libyaevents.records import quote

if TYPE_CHECKING:
    from datasets import Dataset, DatasetDict

__all__ = ["COLUMNS", "from_dataset", "read_datasets", "to_dataset", "write_datasets"]

_log = logging.getLogger(__name__)

_FACTS = ("id", "title", "published", "source", "url", "text")
COLUMNS = (*_FACTS, "sentences", "entities", "events", "metadata")

_SPAN = ("start", "end", "text")
_ENTITY = ("id", "label", *_SPAN, "score")
_TRIGGER = (*_SPAN, "score")
_ARGUMENT = ("role", *_SPAN, "entity_id", "score")
_EVENT = ("id", "type", "factuality", "score")
_TYPES = {"start": "int64", "end": "int64", "score": "float64"}  # of what is no string


def to_dataset(documents: Iterable[Document]) -> "Dataset":
    """Return documents as a `datasets.Dataset`, a row a document; `from_dataset` reads them back.

    Raises:
        MissingExtraError: datasets is not installed.
    """
    datasets = _import_datasets()
    value, many = datasets.Value, datasets.List

    def record(names: Iterable[str]) -> dict[str, Any]:
        return {name: value(_TYPES.get(name, "string")) for name in names}

    event = {**record(_EVENT), "trigger": record(_TRIGGER), "arguments": many(record(_ARGUMENT))}
    features = datasets.Features(
        {
            **record(_FACTS),
            "sentences": many(many(value("int64"))),
            "entities": many(record(_ENTITY)),
            "events": many(event),
            "metadata": many(record(("key", "value"))),
        }
    )
    rows = [_row(document) for document in documents]
    columns = {name: [row[name] for row in rows] for name in features}  # from_list fails on no row
    dataset: Dataset = datasets.Dataset.from_dict(columns, features=features)
    return dataset


def from_dataset(dataset: "Dataset | DatasetDict") -> Iterator[Document]:
    """Yield the documents of a dataset that has the columns of `to_dataset`; of its splits one by one.

    `text` alone is required; columns of other names are not read, which the log says.

    Raises:
        CorpusError: There is no column `text`, or a row is no valid document; the message names the row.
    """
    splits = dataset.values() if isinstance(dataset, Mapping) else [dataset]
    for split in splits:
        if "text" not in split.column_names:
            found = ", ".join(split.column_names) or "none"
            raise CorpusError(f"expected a dataset with a column 'text', found columns {found}")
        kept = [name for name in COLUMNS if name in split.column_names]
        if others := ", ".join(name for name in split.column_names if name not in COLUMNS):
            _log.warning("columns that are no part of a document were not read: %s", others)
        for number, row in enumerate(split.with_format(None).select_columns(kept)):
            yield _document(row, number)


def read_datasets(path: Path) -> Iterator[Document]:
    """Yield the documents of a folder that `Dataset.save_to_disk` wrote, or of a .parquet file.

    Raises:
        MissingFileError: There is nothing at the path.
        CorpusError: It is no dataset, or a row is no valid document.
        MissingExtraError: datasets is not installed.
    """
    if not path.exists():
        raise MissingFileError(f"{path}: expected the folder of a dataset, found nothing; check the path")
    dataset = _load(path, _import_datasets())
    try:
        yield from from_dataset(dataset)
    except CorpusError as error:
        raise CorpusError(f"{path}: {error}") from error


def write_datasets(documents: Iterable[Document], folder: Path) -> Losses:
    """Write documents into an empty folder as `Dataset.save_to_disk` does, and count what has no column.

    Raises:
        MissingExtraError: datasets is not installed.
    """
    datasets = _import_datasets()
    losses: Losses = Losses()
    kept = []
    for document in documents:
        reduced, lost = leave_out(document, ENRICHMENTS)
        losses += lost
        kept.append(reduced)
    with _quiet(datasets):
        to_dataset(kept).save_to_disk(folder)
    return losses


def _load(path: Path, datasets: Any) -> Any:
    try:
        if path.is_file():
            from pyarrow.parquet import read_table

            # Not by Dataset.from_parquet, which leaves a copy in the cache of the user's home.
            return datasets.Dataset(read_table(path))
        return datasets.load_from_disk(str(path))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:  # of json, pyarrow, datasets
        expected = "the folder that Dataset.save_to_disk wrote, or a .parquet file"
        reason = " ".join(str(error).split())
        raise CorpusError(f"{path}: expected {expected}, found something else ({reason})") from error


@contextmanager
def _quiet(datasets: Any) -> Iterator[None]:
    """Keep back the progress bar of writing, which takes no time here."""
    is_shown = not datasets.are_progress_bars_disabled()
    datasets.disable_progress_bars()
    try:
        yield
    finally:
        if is_shown:
            datasets.enable_progress_bars()


def _import_datasets() -> Any:
    try:
        import datasets
    except ImportError as error:
        raise MissingExtraError("a Dataset needs datasets: pip install 'libyaevents[train]'") from error
    return datasets


def _row(document: Document) -> dict[str, Any]:
    """Return one row, with what there are columns for."""

    def record(item: object, names: Iterable[str]) -> dict[str, Any]:
        return {name: getattr(item, name) for name in names}

    events = [
        {
            **record(event, _EVENT),
            "trigger": record(event.trigger, _TRIGGER),
            "arguments": [record(argument, _ARGUMENT) for argument in event.arguments],
        }
        for event in document.events
    ]
    return {
        **record(document, _FACTS),
        "published": document.published and document.published.isoformat(),
        "sentences": [list(sentence) for sentence in document.sentences],
        "entities": [record(entity, _ENTITY) for entity in document.entities],
        "events": events,
        "metadata": [{"key": key, "value": value} for key, value in document.metadata.items()],
    }


def _document(row: Mapping[str, Any], number: int) -> Document:
    where = f"row {number}"
    data = {name: value for name, value in row.items() if value is not None}
    pairs = data.pop("metadata", [])
    try:
        metadata = {pair["key"]: pair["value"] for pair in pairs}
    except (KeyError, TypeError) as error:
        expected = "metadata as a list of {key, value}"
        raise CorpusError(f"{where}: expected {expected}, found {quote(pairs)}") from error
    try:
        return Document.from_dict({**data, "metadata": metadata})
    except DocumentError as error:
        raise CorpusError(f"{where}: {error}") from error
