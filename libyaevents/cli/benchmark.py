"""The command that measures libyaevents beside what people run today."""

import json
import sys
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Literal

from typer import Option

from libyaevents.cli.app import Verbose, Whole, app, say
from libyaevents.cli.files import open_output
from libyaevents.errors import MissingExtraError, OutputError

__all__ = ["benchmark"]

_TABLE_WIDTH = 160  # where there is no terminal to fit


@app.command(epilog="Example: libyaevents benchmark --shape 6x384 --threads 1 --json bench.json")
def benchmark(
    shape: Annotated[Literal["compact", "6x384", "camelbert"], Option(help="Of the models.")] = "compact",
    threads: Annotated[int, Option(min=1, help="Threads and cores of either side.")] = 1,
    rounds: Annotated[int, Option(min=1, help="Interleaved; their median counts.")] = 5,
    articles: Annotated[
        Whole, Option(min=1, help="Of the open corpus, at most 40 (40, 20 or 8, by shape).")
    ] = None,
    text: Annotated[
        Literal["sentences", "windows"], Option(help="One text: a sentence, or as many as fill a window.")
    ] = "sentences",
    json_file: Annotated[Path | None, Option("--json", metavar="FILE", help="All that was measured.")] = None,
    plot: Annotated[Path | None, Option(metavar="FILE.svg", help="A bar chart; needs matplotlib.")] = None,
    verbose: Verbose = False,
) -> None:
    """Measure libyaevents beside two transformers pipelines on this machine.

    Both sides have the same weights and read the same texts of the packaged
    corpus. compact is the shipped model; the other shapes have random
    weights. Takes minutes; progress is on stderr.
    """
    for file in (json_file, plot):
        _check_place(file)
    if plot is not None and find_spec("matplotlib") is None:
        raise MissingExtraError("--plot needs matplotlib: pip install 'libyaevents[plots]'")
    try:
        from libyaevents.benchmark.run import Plan
        from libyaevents.benchmark.run import benchmark as run
        from libyaevents.benchmark.shapes import SHAPES
    except ModuleNotFoundError as error:
        from libyaevents.errors import missing_train_extra

        raise missing_train_extra("libyaevents benchmark") from error
    from rich.console import Console

    from libyaevents.benchmark.report import to_svg, to_table

    plan = Plan(shape=SHAPES[shape], n_threads=threads, n_rounds=rounds, n_articles=articles, unit=text)
    result = run(plan, say=partial(say, "benchmark"))
    if json_file is not None:
        with open_output(json_file) as stream:
            stream.write(json.dumps(result, ensure_ascii=False, indent=2) + "\n")
    if plot is not None:
        with open_output(plot) as stream:
            stream.write(to_svg(result))
    Console(width=None if sys.stdout.isatty() else _TABLE_WIDTH).print(to_table(result))


def _check_place(file: Path | None) -> None:
    """Find out before minutes are spent that a result cannot be written."""
    if file is not None and (file.is_dir() or not file.parent.is_dir()):
        raise OutputError(
            f"{file}: expected a file in a folder that exists, found "
            f"{'a folder' if file.is_dir() else 'no such folder'}; choose another"
        )
