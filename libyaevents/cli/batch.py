"""The command that reads archives."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from typer import Argument, Option

from libyaevents.cli.app import Actors, Day, Engine, RecallBias, Text, Verbose, Whole, app

if TYPE_CHECKING:
    from libyaevents.batch import Progress

__all__ = ["batch"]


@app.command(epilog="Example: libyaevents batch archive.jsonl.gz out --text-column body")
def batch(
    input: Annotated[
        Path,
        Argument(
            metavar="IN",
            help=".txt, .jsonl (.gz, .zst), .csv, .parquet, a folder of these, or a dataset.",
        ),
    ],
    output: Annotated[Path, Argument(metavar="OUT", help="Folder of shards; given again, the run goes on.")],
    format: Annotated[Literal["parquet", "jsonl"], Option(help="Of the shards.")] = "parquet",
    text_column: Annotated[str, Option(metavar="NAME", help="Holds the article.")] = "text",
    id_column: Annotated[str, Option(metavar="NAME", help="Holds its id; else file and row.")] = "id",
    published_column: Annotated[str, Option(metavar="NAME", help="Holds its day, ISO 8601.")] = "published",
    source_column: Annotated[str, Option(metavar="NAME", help="Holds the outlet.")] = "source",
    title_column: Annotated[str, Option(metavar="NAME", help="Holds the title.")] = "title",
    model: Annotated[Text, Option(metavar="MODEL", help="A model's name or folder (compact).")] = None,
    engine: Engine = "auto",
    recall_bias: RecallBias = 0.0,
    published: Day = None,
    enrich: Annotated[bool, Option(help="Resolve dates, places, actors, claims, figures.")] = True,
    actors: Actors = None,
    workers: Annotated[Whole, Option(metavar="N", min=1, help="Processes that read (the cores).")] = None,
    shard_size: Annotated[int, Option(metavar="N", min=1, help="Articles a shard.")] = 5000,
    verbose: Verbose = False,
) -> None:
    """Find the events of an archive, however large, and write them in shards.

    A run that was cut off goes on where it was, when the same command is given again. What cannot be read
    is put into OUT/quarantine-*.jsonl with the reason.
    """
    from libyaevents.batch import BatchConfig, Columns, run_batch
    from libyaevents.catalog import DEFAULT_MODEL

    config = BatchConfig(
        model=DEFAULT_MODEL if model is None else model,
        engine=engine,
        format=format,
        columns=Columns(
            text=text_column,
            id=id_column,
            published=published_column,
            source=source_column,
            title=title_column,
        ),
        published=published,
        recall_bias=recall_bias,
        enrich=enrich,
        actors=actors,
        shard_size=shard_size,
        workers=workers,
    )
    started = time.monotonic()
    try:
        with _show_bar() if sys.stderr.isatty() else _show_lines() as tell:
            summary = run_batch(input, output, config, tell=tell)
    except KeyboardInterrupt:
        print("stopped: what is finished is kept; give the same command again to go on", file=sys.stderr)
        raise
    seconds, read_now = time.monotonic() - started, ""
    if summary.read_now:
        read_now = f"; {_count(summary.read_now, 'article')} read now, {summary.read_now / seconds:.1f}/s"
    held = f"{_count(summary.documents, 'document')} in {_count(summary.shards, 'shard')}"
    print(held + read_now, file=sys.stderr)
    if summary.quarantined:
        place = output / "quarantine-*.jsonl"
        n_aside = _count(summary.quarantined, "record")
        print(f"{n_aside} could not be read: {place} says why", file=sys.stderr)


@contextmanager
def _show_bar() -> Iterator[Callable[["Progress"], None]]:
    from rich.console import Console
    from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    counts = TextColumn("{task.fields[records]} articles, {task.fields[rate]:.1f}/s")
    columns = BarColumn(), TaskProgressColumn(), counts, TimeRemainingColumn(elapsed_when_finished=True)
    started = time.monotonic()
    with Bar(*columns, console=Console(stderr=True), redirect_stdout=False, speed_estimate_period=300) as bar:
        task = bar.add_task("", total=None, records=0, rate=0.0)

        def tell(progress: "Progress") -> None:
            rate = progress.records / (time.monotonic() - started)
            bar.update(
                task, completed=progress.done, total=progress.total, records=progress.records, rate=rate
            )

        yield tell


@contextmanager
def _show_lines() -> Iterator[Callable[["Progress"], None]]:
    """Say a line for every finished shard, for logs."""
    from datetime import timedelta

    started = time.monotonic()
    first: list[int] = []  # where in the input this start began, as far as its first chunk tells

    def tell(progress: "Progress") -> None:
        first.append(progress.done) if not first else None
        if progress.shard is None:
            return
        elapsed = time.monotonic() - started
        read = max(progress.done - first[0], 1)
        left = timedelta(seconds=round((progress.total - progress.done) * elapsed / read))
        rate = f"{progress.records / elapsed:.1f}/s"
        print(f"{progress.shard}: {progress.records} articles, {rate}, {left} left", file=sys.stderr)

    yield tell


def _count(n: int, thing: str) -> str:
    return f"{n} {thing}{'' if n == 1 else 's'}"
