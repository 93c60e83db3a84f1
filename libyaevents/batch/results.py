"""What runs wrote, read back: a folder comes in, its documents come out."""

import json
import logging
from collections.abc import Iterator
from hashlib import file_digest
from pathlib import Path
from typing import Any

from libyaevents.batch.folder import MANIFEST
from libyaevents.batch.schema import from_row
from libyaevents.documents import Document
from libyaevents.errors import CorpusError, InputError, MissingFileError
from libyaevents.formats.tables import import_pyarrow

__all__ = ["read_results"]

_ROWS_AT_A_TIME = 256

_log = logging.getLogger(__name__)


def read_results(folder: str | Path) -> Iterator[Document]:
    """Yield the documents of a folder that `run_batch` filled, in the order of the input.

    Each shard is checked against its SHA-256 before it is read. Where the run did not come to its end, a
    warning is logged.

    Raises:
        MissingFileError: There is no manifest.
        InputError: The manifest is damaged, or a shard cannot be opened.
        CorpusError: A shard is not what was written.
        MissingExtraError: Parquet needs pyarrow.
    """
    path = Path(folder) / MANIFEST
    try:
        manifest = json.loads(path.read_bytes())
        shards = manifest["shards"]
    except FileNotFoundError as error:
        raise MissingFileError(
            f"{path}: expected the manifest of a run, found none; check the path"
        ) from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path}: expected the manifest of a run, found {error}") from error
    if not manifest.get("complete", False):
        advice = "give the command of batch again to go on"
        _log.warning("%s: a part of what it is to hold; %s", folder, advice)
    for shard in shards:
        yield from _read_shard(Path(folder), shard["documents"])


def _read_shard(folder: Path, entry: dict[str, Any]) -> Iterator[Document]:
    path = folder / entry["name"]
    try:
        with path.open("rb") as file:
            found = file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise InputError(f"{path}: expected a shard, found {error.strerror}; run the batch again") from error
    if found != entry["sha256"]:
        expected = f"SHA-256 {entry['sha256'][:12]}…, as the manifest says"
        advice = "delete the file and run the batch again"
        raise CorpusError(f"{path}: expected {expected}, found {found[:12]}…; {advice}")
    if path.suffix == ".jsonl":
        with path.open(encoding="utf-8", newline="\n") as lines:
            yield from map(Document.from_json, lines)
        return
    table = import_pyarrow("parquet").parquet.ParquetFile(path)
    with table:
        for batch in table.iter_batches(_ROWS_AT_A_TIME):
            yield from map(from_row, batch.to_pylist())
