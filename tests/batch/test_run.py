"""Runs: every record once, in shards that do not depend on how often a run was cut off."""

import json
import multiprocessing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest

from libyaevents.batch import Progress, Summary, read_results
from libyaevents.batch.schema import TABLES
from libyaevents.documents import Document
from libyaevents.errors import ConfigError, CorpusError, MissingFileError, OutputError
from libyaevents.formats.jsonl import read_documents
from tests.batch.conftest import Run
from tests.batch.workers import found_in, write_articles


def files(folder: Path) -> dict[str, bytes]:
    """What is in a folder, but for the lock."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != ".lock"}


class CutOffError(Exception):
    """A run ends here."""


def cut_off_at(n_records: int) -> Any:
    """A `tell` that ends a run behind so many records."""

    def tell(progress: Progress) -> None:
        if progress.records >= n_records:
            raise CutOffError

    return tell


@pytest.mark.parametrize("format", ["parquet", "jsonl"])
def test_every_article_is_there_once(format: str, run: Run, tmp_path: Path) -> None:
    """Documents come out in the order of the input, in shards of the size that was asked for."""
    articles = write_articles(tmp_path / "news.jsonl", 25)
    assert run(format=format) == Summary(documents=25, quarantined=0, shards=3, read_now=25)
    assert list(read_results(tmp_path / "out")) == [found_in(article) for article in articles]
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text(encoding="utf-8"))
    assert [shard["records"] for shard in manifest["shards"]] == [[0, 10], [10, 20], [20, 25]]
    assert (manifest["complete"], manifest["records"]) == (True, 25)
    assert multiprocessing.active_children() == []


def _read_tables(folder: Path, name: str) -> pyarrow.Table:
    """The shards of one table, joined."""
    return pyarrow.concat_tables(map(pyarrow.parquet.read_table, sorted(folder.glob(f"{name}-*.parquet"))))


def test_shards_are_ordinary_files(run: Run, tmp_path: Path) -> None:
    """Parquet shards are read by name pattern, JSON Lines by the library's own reader."""
    write_articles(tmp_path / "news.jsonl", 12)
    run()
    run(output="lines", format="jsonl")
    tables = {name: _read_tables(tmp_path / "out", name) for name in TABLES}
    ids = [f"a{number}" for number in range(12)]
    assert tables["documents"].column("id").to_pylist() == ids
    assert tables["events"].column("document").to_pylist() == ids
    assert set(tables["events"].column("event").to_pylist()) == {"E1"}
    assert (len(tables["entities"]), len(tables["arguments"])) == (0, 0)
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text(encoding="utf-8"))
    assert [shard["events"]["rows"] for shard in manifest["shards"]] == [10, 2]
    assert sorted(path.name for path in (tmp_path / "lines").glob("*.jsonl")) == [
        "documents-00000.jsonl",
        "documents-00001.jsonl",
    ]
    assert len(list(read_documents(tmp_path / "lines" / "documents-00000.jsonl"))) == 10


@pytest.mark.parametrize("format", ["parquet", "jsonl"])
@pytest.mark.parametrize("n_records", [1, 10, 17, 35])
def test_a_run_goes_on(format: str, n_records: int, run: Run, tmp_path: Path) -> None:
    """A run that was cut off, and goes on, writes byte for byte what an uninterrupted one does."""
    write_articles(tmp_path / "news.jsonl", 35)
    run(output="whole", format=format)
    with pytest.raises(CutOffError):
        run(format=format, tell=cut_off_at(n_records))
    assert not [name for name in files(tmp_path / "out") if name.endswith(".part")]
    assert multiprocessing.active_children() == []
    run(format=format)
    assert files(tmp_path / "out") == files(tmp_path / "whole")


def test_damaged_shards_are_made_anew(run: Run, tmp_path: Path) -> None:
    """A shard that was half-written, or lost, in the middle of a finished run comes back as it was."""
    write_articles(tmp_path / "news.jsonl", 35)
    run()
    before = files(tmp_path / "out")
    (tmp_path / "out" / "documents-00001.parquet").write_bytes(before["documents-00001.parquet"][:100])
    (tmp_path / "out" / "documents-00003.parquet").unlink()
    (tmp_path / "out" / "events-00002.parquet").unlink()
    with pytest.raises(CorpusError, match=r"documents-00001\.parquet: expected SHA-256"):
        list(read_results(tmp_path / "out"))
    seen: list[Progress] = []
    assert run(tell=seen.append).documents == 35
    assert files(tmp_path / "out") == before
    assert seen[-1].records == 25, "no more is read than what is missing"


def test_a_finished_run_is_left_alone(run: Run, tmp_path: Path) -> None:
    """Given again, the command reads nothing and says what is there."""
    write_articles(tmp_path / "news.jsonl", 12)
    summary = run()
    assert run(tell=cut_off_at(0)) == replace(summary, read_now=0)


def test_the_number_of_workers_changes_nothing(run: Run, tmp_path: Path) -> None:
    """Two workers write what one does, and one may finish what two began."""
    write_articles(tmp_path / "news.jsonl", 35)
    run(output="whole")
    with pytest.raises(CutOffError):
        run(workers=2, tell=cut_off_at(15))
    run(workers=1)
    assert files(tmp_path / "out") == files(tmp_path / "whole")


def test_killed_workers(run: Run, tmp_path: Path) -> None:
    """Workers that are killed on the way leave no trace in the result."""
    write_articles(tmp_path / "news.jsonl", 35)
    run(output="whole")

    def kill(progress: Progress) -> None:
        for process in multiprocessing.active_children():
            process.kill()

    run(workers=2, tell=kill)
    assert files(tmp_path / "out") == files(tmp_path / "whole")


def test_bad_records_are_put_aside(run: Run, tmp_path: Path) -> None:
    """What cannot be read stands in a file with its place and the reason, and stops nothing."""
    articles = write_articles(tmp_path / "good.jsonl", 12)
    lines = (tmp_path / "good.jsonl").read_bytes().splitlines()
    lines[3] = b'{"text": "\xff"}'
    lines.insert(11, b'{"id": "x"}')
    (tmp_path / "news.jsonl").write_bytes(b"\n".join(lines))
    assert run() == Summary(documents=11, quarantined=2, shards=2, read_now=13)
    assert run().read_now == 0, "nothing is left to be read"
    kept = [article for article in articles if article.id != "a3"]
    assert [document.id for document in read_results(tmp_path / "out")] == [article.id for article in kept]
    first = json.loads((tmp_path / "out" / "quarantine-00000.jsonl").read_text(encoding="utf-8"))
    second = json.loads((tmp_path / "out" / "quarantine-00001.jsonl").read_text(encoding="utf-8"))
    assert (first["record"], first["where"]) == (3, "news.jsonl:4")
    assert "found byte 0xFF" in first["reason"]
    assert second == {
        "record": 11,
        "where": "news.jsonl:12",
        "id": "x",
        "reason": "expected text, found none",
    }


def test_a_folder_of_text(run: Run, tmp_path: Path) -> None:
    """A folder is an input, and one below it no output."""
    (tmp_path / "خبر").mkdir()
    for number in range(11):
        (tmp_path / "خبر" / f"{number:02}.txt").write_text(f"قصف الطيران سرت {number}", encoding="utf-8")
    assert run("خبر").documents == 11
    with pytest.raises(ConfigError, match="expected a folder outside of the input"):
        run("خبر", "خبر/out")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"shard_size": 5}, "options.shard_size is 10 there, 5 here"),
        ({"format": "jsonl"}, "options.format is 'parquet' there, 'jsonl' here"),
        ({"enrich": False}, "options.enrich is True there, False here"),
        ({"engine": "torch"}, "options.engine is 'onnx' there, 'torch' here"),
        ({"input": "other.jsonl"}, "input.bytes is"),
    ],
)
def test_another_run(change: dict[str, Any], message: str, run: Run, tmp_path: Path) -> None:
    """A folder of another run is refused, with what differs."""
    write_articles(tmp_path / "news.jsonl", 12)
    write_articles(tmp_path / "other.jsonl", 13)
    run()
    with pytest.raises(ConfigError, match=message):
        run(**change)


def test_another_model(run: Run, tmp_path: Path, model_copy: Path) -> None:
    """A model that was changed is another model, whatever it is called."""
    write_articles(tmp_path / "news.jsonl", 2)
    run(model=str(model_copy))
    labels = model_copy / "labels.json"
    labels.write_text(labels.read_text(encoding="utf-8") + " ", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"model\.sha256 is"):
        run(model=str(model_copy))


def test_full_disk(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that gets full is told, and the run goes on when there is room."""
    write_articles(tmp_path / "news.jsonl", 35)
    run(output="whole")

    def refuse(handle: int) -> None:
        raise OSError(28, "No space left on device")

    def fill(progress: Progress) -> None:
        if progress.records >= 10:
            monkeypatch.setattr("libyaevents.batch.folder.os.fsync", refuse)

    with pytest.raises(OutputError, match=r"found No space left on device; .* give the same command again"):
        run(tell=fill)
    monkeypatch.undo()
    monkeypatch.setattr("libyaevents.batch.pool.run_worker", read_again())
    run()
    assert files(tmp_path / "out") == files(tmp_path / "whole")


def read_again() -> Any:
    """The worker of `without_model`, whose place `undo` gave back."""
    from tests.batch.workers import read_without_model

    return read_without_model


def test_nothing_there(run: Run, tmp_path: Path) -> None:
    """An input or a result that is not there is an error, and no folder is made."""
    with pytest.raises(MissingFileError, match="expected a file or folder to read, found none"):
        run()
    assert not (tmp_path / "out").exists()
    with pytest.raises(MissingFileError, match="expected the manifest of a run, found none"):
        list(read_results(tmp_path / "out"))


@pytest.mark.parametrize("name", ["shard_size", "workers"])
def test_wrong_numbers(name: str, run: Run, tmp_path: Path) -> None:
    """Sizes and numbers begin at one."""
    with pytest.raises(ConfigError, match=f"{name} is 0: expected a whole number from 1 on"):
        run(**{name: 0})


def test_documents_are_those_of_the_extractor(tiny_model: Path, tmp_path: Path, article: Document) -> None:
    """With a model, a batch finds what the extractor finds."""
    from libyaevents import Extractor
    from libyaevents.batch import BatchConfig, run_batch

    (tmp_path / "news.jsonl").write_text(f"{article.to_json()}\n", encoding="utf-8")
    run_batch(tmp_path / "news.jsonl", tmp_path / "out", BatchConfig(model=str(tiny_model), workers=1))
    (found,) = read_results(tmp_path / "out")
    assert found.events
    assert found == next(Extractor.from_pretrained(tiny_model, n_threads=1).extract_many([article]))
