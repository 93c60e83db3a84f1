"""Read the same articles by batch, Ray Data and Spark on this machine, and compare what they find.

    python scripts/cluster_check.py /tmp/cluster --articles 3000 [--without-spark]

Articles as in `batch_soak.py`, of at most five sentences. The batch has one worker; Ray has one actor, then
two, then two of which one is killed in the middle; Spark has two threads, and needs Java. Prints articles a
second of each, from the first row to the last, and of each whether every document is there once and equal to
that of the batch, to the last bit of a score. Exit code 1 where one is not.
"""

import argparse
import json
import os
import shutil
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import psutil
from batch_soak import articles, write_archive

from libyaevents.batch import BatchConfig, read_results, run_batch
from libyaevents.batch.schema import from_row
from libyaevents.batch.tables import ERROR


def main(arguments: list[str] | None = None) -> int:
    """Run, and print what was measured."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path, help="for archive and results; made, and emptied")
    parser.add_argument("--articles", type=int, default=3000)
    parser.add_argument("--model", default="compact")
    parser.add_argument("--without-spark", action="store_true")
    options = parser.parse_args(arguments)
    shutil.rmtree(options.folder, ignore_errors=True)
    options.folder.mkdir(parents=True)
    archive = options.folder / "archive.jsonl"
    write_archive(archive, articles(options.articles, 5))
    config = BatchConfig(model=options.model, engine="onnx", workers=1)

    started = time.perf_counter()
    run_batch(archive, options.folder / "out", config)
    expected = {document.id: document.to_dict() for document in read_results(options.folder / "out")}
    say("batch, one worker", options.articles, time.perf_counter() - started, is_equal=True)
    return 0 if check_ray(archive, options, expected) and check_spark(archive, options, expected) else 1


def check_ray(archive: Path, options: argparse.Namespace, expected: dict[str | None, Any]) -> bool:
    """Read with one actor, with two, and with two of which one is killed."""
    import ray

    from libyaevents.batch.ray import extract_dataset

    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, object_store_memory=500_000_000)
    ray.data.DataContext.get_current().enable_progress_bars = False
    rows = [json.loads(line) for line in archive.read_text(encoding="utf-8").splitlines()]
    ok = True
    for n_actors, kills in ((1, False), (2, False), (2, True)):
        config = BatchConfig(model=options.model, engine="onnx", workers=n_actors)
        dataset = ray.data.from_items(rows, override_num_blocks=max(len(rows) // 64, 4)).materialize()
        found = []
        started = first = time.perf_counter()
        for number, row in enumerate(extract_dataset(dataset, config).iter_rows()):
            if number == 0:
                first = time.perf_counter()
            found.append(row)
            if kills and number == len(rows) // 2:
                actor_processes()[0].kill()
        seconds = time.perf_counter() - (started if kills else first)
        name = f"Ray, {n_actors} {'actors' if n_actors > 1 else 'actor'}{', one killed' if kills else ''}"
        ok &= say(name, len(rows), seconds, is_equal=are_equal(found, expected))
    ray.shutdown()
    return ok


def check_spark(archive: Path, options: argparse.Namespace, expected: dict[str | None, Any]) -> bool:
    """Read with two threads, into Parquet."""
    if options.without_spark:
        return True
    from pyarrow.parquet import read_table
    from pyspark.sql import SparkSession

    from libyaevents.batch.spark import extract_frame

    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    session = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false").getOrCreate()
    columns = ("id", "text", "published")
    frame = session.read.json(str(archive)).select(*columns).repartition(16)
    started = time.perf_counter()
    config = BatchConfig(model=options.model, engine="onnx")
    extract_frame(frame, config).write.parquet(str(options.folder / "spark"))
    seconds = time.perf_counter() - started
    session.stop()
    rows = read_table(options.folder / "spark").to_pylist()
    return say("Spark, two threads", len(rows), seconds, is_equal=are_equal(rows, expected))


def actor_processes() -> list[psutil.Process]:
    """The processes of this one's cluster in which actors live."""
    found = []
    for process in psutil.Process().children(recursive=True):
        try:
            found += [process] if "MapWorker" in " ".join(process.cmdline()) else []
        except psutil.Error:  # it has just ended
            continue
    return found


def are_equal(rows: Iterable[dict[str, Any]], expected: dict[str | None, Any]) -> bool:
    """Whether rows are the expected documents, each once."""
    documents = [from_row({name: row[name] for name in row if name != ERROR}) for row in rows]
    found = {document.id: document.to_dict() for document in documents}
    return len(documents) == len(expected) and found == expected


def say(name: str, n: int, seconds: float, *, is_equal: bool) -> bool:
    """Print a line and return whether the documents are equal."""
    same = "the same documents" if is_equal else "OTHER DOCUMENTS"
    print(f"{name}: {n} articles, {seconds:.1f} s, {n / seconds:.1f} articles/s, {same}", flush=True)
    return is_equal


if __name__ == "__main__":
    sys.exit(main())
