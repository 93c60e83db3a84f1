"""Ray Data on a local cluster: the documents of a batch, also when a process is killed on the way."""

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from libyaevents.batch import BatchConfig, Columns, read_results, run_batch
from libyaevents.batch.schema import from_row
from libyaevents.documents import Document
from libyaevents.errors import ConfigError
from tests.batch.workers import article, shape

ray = pytest.importorskip("ray")
ray_data = pytest.importorskip("ray.data")

pytestmark = pytest.mark.filterwarnings("ignore")  # of Ray's own code

N_ARTICLES = 200
LONGEST_WAIT_S = 300


@pytest.fixture(scope="module")
def cluster() -> Iterator[None]:
    """A cluster of two CPUs in processes of this machine."""
    paths = os.pathsep.join([str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")])
    ray.init(
        num_cpus=2,
        include_dashboard=False,
        log_to_driver=False,
        object_store_memory=150_000_000,
        runtime_env={"env_vars": {"PYTHONPATH": paths}},
    )
    ray_data.DataContext.get_current().enable_progress_bars = False
    yield
    ray.shutdown()


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> dict[str | None, Document]:
    """What a batch makes of the articles."""
    folder = tmp_path_factory.mktemp("batch")
    lines = "".join(f"{article(number).to_json()}\n" for number in range(N_ARTICLES))
    (folder / "news.jsonl").write_text(lines, encoding="utf-8")
    run_batch(folder / "news.jsonl", folder / "out", BatchConfig(model=str(tiny_model), workers=1))
    return {document.id: document for document in read_results(folder / "out")}


def dataset() -> Any:
    """The articles in blocks, with a row that has no text."""
    rows = [{"nr": article(number).id, "body": article(number).text} for number in range(N_ARTICLES)]
    return ray_data.from_items([*rows, {"nr": "bad", "body": ""}], override_num_blocks=20)


def config(model: Path, workers: int) -> BatchConfig:
    """The columns of the dataset."""
    return BatchConfig(model=str(model), workers=workers, columns=Columns(text="body", id="nr"))


def assert_equal(rows: list[dict[str, Any]], expected: dict[str | None, Document]) -> None:
    """Check that rows are the documents that are expected, each once, and one that could not be read."""
    (bad,) = (row for row in rows if row["error"] is not None)
    assert (bad["id"], bad["text"], bad["error"]) == ("bad", None, "expected text, found none")
    found = [from_row({name: row[name] for name in row if name != "error"}) for row in rows if row is not bad]
    assert len(found) == len(expected)
    assert {document.id: shape(document) for document in found} == {
        name: shape(document) for name, document in expected.items()
    }


@pytest.mark.usefixtures("cluster")
@pytest.mark.parametrize("workers", [1, 2])
def test_documents_of_a_batch(workers: int, tiny_model: Path, expected: dict[str | None, Document]) -> None:
    """One actor or two: the documents are those of a batch, each once."""
    from libyaevents.batch.ray import extract_dataset

    assert_equal(extract_dataset(dataset(), config(tiny_model, workers)).take_all(), expected)


@pytest.mark.usefixtures("cluster")
def test_a_killed_actor(tiny_model: Path, expected: dict[str | None, Document]) -> None:
    """An actor whose process is killed in the middle is replaced, and its rows are there once."""
    from libyaevents.batch.ray import extract_dataset

    rows = []
    found = extract_dataset(dataset(), config(tiny_model, 2), batch_size=10)
    for number, row in enumerate(found.iter_rows()):
        rows.append(row)
        if number == 20:
            actors = find_actors()
            assert actors
            actors[0].kill()
    assert_equal(rows, expected)


def find_actors() -> list[psutil.Process]:
    """The processes in which actors live."""
    deadline = time.monotonic() + LONGEST_WAIT_S
    while time.monotonic() < deadline:
        processes = psutil.Process().children(recursive=True)
        actors = [process for process in processes if "MapWorker" in command_of(process)]
        if actors:
            return actors
    return []


def command_of(process: psutil.Process) -> str:
    """Its command line; nothing of one that has just ended."""
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


@pytest.mark.usefixtures("cluster")
def test_wrong_column(tiny_model: Path) -> None:
    """A column that is not there is refused before anything is read."""
    from libyaevents.batch.ray import extract_dataset

    with pytest.raises(ConfigError, match="expected a column 'text', found none"):
        extract_dataset(
            ray_data.from_items([{"body": "x"}]).materialize(), BatchConfig(model=str(tiny_model))
        )
