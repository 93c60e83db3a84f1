"""The command itself: its options that commands share, its errors, its exit codes."""

import logging
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from datetime import date
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated, Literal

import typer
from typer import Option

import libyaevents
from libyaevents.errors import LibyaeventsError

__all__ = [
    "Actors",
    "Day",
    "Engine",
    "Number",
    "Precision",
    "RecallBias",
    "Text",
    "Verbose",
    "Whole",
    "app",
    "main",
    "say",
]

_FAILED, _READER_LEFT = 2, 1

app = typer.Typer(
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code.

    0; 2 where what the user gave was wrong, which stderr says in one line; 3 where a retrained model was
    rejected; 130 after Ctrl-C.
    """
    if isinstance(sys.stdout, TextIOWrapper) and not sys.stdout.isatty():
        # A pipe has the locale's encoding, which may know no Arabic; the formats are UTF-8 by definition.
        sys.stdout.reconfigure(encoding="utf-8")
    handler, logger = _LineHandler(), logging.getLogger("libyaevents")
    logger.addHandler(handler)
    try:
        return _run(arguments)
    finally:
        logger.removeHandler(handler)
        logger.setLevel(logging.NOTSET)


def _run(arguments: Sequence[str] | None) -> int:
    try:
        code = app(arguments, prog_name="libyaevents", standalone_mode=False)
        sys.stdout.flush()
    except typer.TyperException as error:
        message = error.format_message()
    except LibyaeventsError as error:
        message = str(error)
    except ModuleNotFoundError as error:
        message = f"{error}, which this command needs: pip install 'libyaevents[train]'"
    except OSError as error:
        # What is left in the buffer of a stdout that failed would fail again at the exit.
        if error.filename is None:
            with suppress(OSError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError):
            return _READER_LEFT
        message = f"{error.filename or 'standard output'}: {error.strerror or error}"
    else:
        return int(code or 0)
    say("error", message)
    return _FAILED


def say(kind: str, message: str) -> None:
    """Print one line on whatever stderr is at the moment: above a progress bar, too."""
    print(f"{kind}: {' '.join(message.split())}", file=sys.stderr)


class _LineHandler(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        say(record.levelname.lower(), record.getMessage())


def _set_verbose(value: bool) -> None:
    if value:
        logging.getLogger("libyaevents").setLevel(logging.INFO)


def _show_version(value: bool) -> None:
    if value:
        typer.echo(f"libyaevents {libyaevents.__version__}")
        raise typer.Exit


def _parse_date(value: str) -> date:
    try:
        return date.fromisoformat(value)
    except ValueError as error:
        raise typer.BadParameter(f"expected a date as in 2020-06-06, found {value!r}") from error


Text = str | None
Whole = int | None
Number = float | None
Precision = Literal["float32", "bfloat16"] | None
Day = Annotated[date | None, Option(parser=_parse_date, metavar="DATE", help="Day of undated articles.")]
Actors = Annotated[Path | None, Option(metavar="CSV", help="Own actors, beside the packaged ones.")]
Engine = Annotated[Literal["auto", "onnx", "openvino", "torch"], Option(help="What runs the model.")]
RecallBias = Annotated[float, Option(help="Above 0 finds more, below 0 less but surer.")]
Verbose = Annotated[bool, Option("--verbose", "-v", callback=_set_verbose, help="Show the log on stderr.")]
Version = Annotated[
    bool, Option("--version", callback=_show_version, is_eager=True, help="Show the version.")
]


@app.callback(invoke_without_command=True)
def libyaevents_command(context: typer.Context, version: Version = False, verbose: Verbose = False) -> None:
    """Typed events from Arabic news: who did what to whom, where, when, and who says so."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
