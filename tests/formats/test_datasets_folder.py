"""The format of Hugging Face datasets: what its rows hold, that they read back, what no dataset is told."""

import logging
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from libyaevents.datasets import from_dataset, load_corpus, to_dataset
from libyaevents.documents import Document
from libyaevents.errors import CorpusError, InputError, MissingExtraError
from libyaevents.formats import annotation
from tests.formats.samples import corpora, remainder

OPEN = load_corpus("open", split="dev")


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(corpora(enriched=True))
def test_documents_read_back(documents: list[Document]) -> None:
    """Of any documents a folder holds all but what enrichers found, which is counted."""
    with tempfile.TemporaryDirectory() as folder:
        losses = annotation.write(documents, Path(folder) / "rows", "datasets")
        found = list(annotation.read(Path(folder) / "rows", "datasets"))
    assert found == [remainder(document, losses) for document in documents]
    assert not any(name.startswith(("id", "score", "factuality", "title")) for name in losses)


def test_rows_are_documents() -> None:
    """`from_dataset` is the inverse of `to_dataset`, whatever format the dataset gives its rows in."""
    assert list(from_dataset(to_dataset(OPEN))) == OPEN
    assert list(from_dataset(to_dataset(OPEN).with_format("numpy"))) == OPEN
    assert list(from_dataset(to_dataset([]))) == []


def test_a_filtered_dataset_reads_back() -> None:
    """What a user does between writing and reading, filter and shuffle, is no obstacle."""
    rows = to_dataset(OPEN).filter(lambda row: row["id"] != OPEN[0].id).shuffle(seed=1)
    found = list(from_dataset(rows))
    assert sorted(document.id or "" for document in found) == sorted(each.id or "" for each in OPEN[1:])
    assert all(document in OPEN for document in found)


def test_splits_are_read_one_after_another(tmp_path: Path) -> None:
    """A folder with several splits, as the hub has them, is one stream of documents."""
    from datasets import DatasetDict

    splits = DatasetDict(train=to_dataset(OPEN[:2]), test=to_dataset(OPEN[2:]))
    assert list(from_dataset(splits)) == OPEN
    splits.save_to_disk(tmp_path / "splits")
    assert list(annotation.read(tmp_path / "splits", "datasets")) == OPEN


def test_parquet_is_read(tmp_path: Path) -> None:
    """The file of which hub datasets are made is read too, without a copy in the cache."""
    to_dataset(OPEN).to_parquet(tmp_path / "open.parquet")
    assert list(annotation.read(tmp_path / "open.parquet", "datasets")) == OPEN


def test_text_alone_is_a_document(caplog: pytest.LogCaptureFixture) -> None:
    """A dataset of others with a column `text` is read; the log names the columns that are not."""
    from datasets import Dataset

    rows = Dataset.from_list([{"text": "قصف الطيران سرت.", "label": 3}])
    with caplog.at_level(logging.WARNING):
        assert list(from_dataset(rows)) == [Document(text="قصف الطيران سرت.")]
    assert "not read: label" in caplog.text


def _no_text(row: dict[str, Any]) -> None:
    del row["text"]


def _shifted(row: dict[str, Any]) -> None:
    row["entities"][0]["start"] += 1


def _odd_metadata(row: dict[str, Any]) -> None:
    row["metadata"] = [{"name": "x"}]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_no_text, "expected a dataset with a column 'text', found columns id, "),
        (_shifted, r"row 1: document 'open-f1': entities\[0\]"),
        (_odd_metadata, "row 1: expected metadata as a list of {key, value}"),
    ],
)
def test_rows_that_are_no_documents(change: Callable[[dict[str, Any]], None], message: str) -> None:
    """A row that was changed by hand is told which it is, and what is wrong."""
    from datasets import Dataset

    rows = [dict(row) for row in to_dataset(OPEN[:2])]
    for row in rows if change is _no_text else rows[1:]:
        change(row)
    if change is _odd_metadata:
        rows = rows[1:]
        message = message.replace("row 1", "row 0")
    with pytest.raises(CorpusError, match=message):
        list(from_dataset(Dataset.from_list(rows)))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("absent", None, "expected the folder of a dataset, found nothing"),
        (
            "notes.parquet",
            b"no parquet",
            "expected the folder that Dataset.save_to_disk wrote, or a .parquet",
        ),
        ("folder", {"state.json": b"{"}, "expected the folder that Dataset.save_to_disk wrote"),
        ("folder", {}, "expected the folder that Dataset.save_to_disk wrote"),
    ],
)
def test_what_is_no_dataset(name: str, content: Any, message: str, tmp_path: Path) -> None:
    """A path that holds something else is named, with what was expected there."""
    path = tmp_path / name
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        path.mkdir()
        for file, data in content.items():
            (path / file).write_bytes(data)
    with pytest.raises((CorpusError, InputError), match=message):
        list(annotation.read(path, "datasets"))


def test_without_the_library(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Where datasets is not installed, the pip line is named and nothing is written."""
    monkeypatch.setitem(__import__("sys").modules, "datasets", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'libyaevents\[train\]'"):
        annotation.write(OPEN, tmp_path / "rows", "datasets")
    assert list(tmp_path.iterdir()) == []
