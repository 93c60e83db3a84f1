"""Spark on this machine: the documents of a batch, from a data frame to a data frame."""

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from libyaevents.batch import BatchConfig, read_results, run_batch
from libyaevents.batch.schema import from_row
from libyaevents.documents import Document
from libyaevents.errors import ConfigError
from tests.batch.workers import shape, write_articles

pytest.importorskip("pyspark")
pytestmark = [
    pytest.mark.skipif(shutil.which("java") is None, reason="Spark needs Java, which is not on the path"),
    pytest.mark.filterwarnings("ignore"),  # of Spark's own code
]

N_ARTICLES = 120


@pytest.fixture(scope="module")
def session() -> Iterator[Any]:
    """Spark with two threads, whose Python is this one."""
    from pyspark.sql import SparkSession

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYSPARK_PYTHON", sys.executable)
        paths = [str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")]
        patch.setenv("PYTHONPATH", os.pathsep.join(path for path in paths if path))
        builder = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false")
        session = builder.config("spark.driver.memory", "1g").getOrCreate()
        yield session
        session.stop()


def test_documents_of_a_batch(session: Any, tiny_model: Path, tmp_path: Path) -> None:
    """Spark writes the documents of a batch, each once, and says why a row could not be read."""
    from libyaevents.batch.spark import extract_frame

    write_articles(tmp_path / "news.jsonl", N_ARTICLES)
    with (tmp_path / "news.jsonl").open("a", encoding="utf-8") as file:
        file.write('{"id": "bad", "text": " "}\n')
    config = BatchConfig(model=str(tiny_model), workers=1)
    assert run_batch(tmp_path / "news.jsonl", tmp_path / "out", config).quarantined == 1
    frame = session.read.json(str(tmp_path / "news.jsonl")).select("id", "text").repartition(4)
    extract_frame(frame, config).write.parquet(str(tmp_path / "spark"))

    from pyarrow.parquet import read_table

    rows = read_table(tmp_path / "spark").to_pylist()
    (bad,) = (row for row in rows if row["error"] is not None)
    assert (bad["id"], bad["error"]) == ("bad", "expected text, found none")
    found: list[Document] = [
        from_row({name: row[name] for name in row if name != "error"}) for row in rows if row is not bad
    ]
    assert len(found) == N_ARTICLES
    assert {document.id: shape(document) for document in found} == {
        document.id: shape(document) for document in read_results(tmp_path / "out")
    }


def test_wrong_column(session: Any, tiny_model: Path) -> None:
    """A column that is not there is refused before anything is read."""
    from libyaevents.batch.spark import extract_frame

    frame = session.createDataFrame([("x",)], ["body"])
    with pytest.raises(ConfigError, match="expected a column 'text', found none"):
        extract_frame(frame, BatchConfig(model=str(tiny_model)))
