"""The command `libyaevents`: files and flags come in; results go to stdout, everything else to stderr.

What is heavy is imported by the command that needs it: `--help` and mistyped flags get a quick answer.
"""

from __future__ import annotations

import json
import logging
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import fields, replace
from datetime import date
from functools import partial
from io import TextIOWrapper
from itertools import chain, count, islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO, Literal, TextIO

import typer
from typer import Argument, Option

import libyaevents
from libyaevents.errors import (
    ConfigError,
    CorpusError,
    InputError,
    LibyaeventsError,
    MissingFileError,
    OutputError,
)

if TYPE_CHECKING:
    from libyaevents.documents import Document
    from libyaevents.formats.codebooks import Columns
    from libyaevents.formats.rows import Row

__all__ = ["app", "main"]

Format = Literal["jsonl", "json", "table", "html"]
Rows = Literal["acled", "ucdp", "plover", "geojson", "csv", "parquet"]
Picture = Literal["page", "map", "timeline"]

_DATA = Path(__file__).parent / "data"
_FORMATS: Mapping[str, Format] = {".json": "json", ".html": "html", ".htm": "html", ".txt": "table"}
_ONE_DOCUMENT_FORMATS = ("json", "html")
_CODEBOOKS = ("acled", "ucdp", "plover")
_TABLE_WIDTH = 100  # where there is no terminal to fit
_LONGEST_NAME = 80  # of a file, in characters; file systems allow 255 bytes
_FAILED, _READER_LEFT = 2, 1

app = typer.Typer(
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code.

    0; 2 where what the user gave was wrong, which stderr says in one line; 130 after Ctrl-C.
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
    _say("error", message)
    return _FAILED


def _say(kind: str, message: str) -> None:
    """Print one line on whatever stderr is at the moment: above a progress bar, too."""
    print(f"{kind}: {' '.join(message.split())}", file=sys.stderr)


class _LineHandler(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        _say(record.levelname.lower(), record.getMessage())


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
RecallBias = Annotated[float, Option(help="Above 0 finds more, below 0 less but surer (0).")]
Verbose = Annotated[bool, Option("--verbose", "-v", callback=_set_verbose, help="Show the log on stderr.")]
Version = Annotated[
    bool, Option("--version", callback=_show_version, is_eager=True, help="Show the version.")
]


@app.callback(invoke_without_command=True)
def libyaevents_command(context: typer.Context, version: Version = False, verbose: Verbose = False) -> None:
    """Typed events from Arabic news: who did what to whom, where, when, and who says so."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


@app.command(epilog="Example: libyaevents extract article.txt --published 2020-06-06 --output events.jsonl")
def extract(
    files: Annotated[
        list[Path] | None,
        Argument(metavar="FILES | -", help="One article in a .txt, one a line in a .jsonl; - is stdin."),
    ] = None,
    article: Annotated[bool, Option("--article", help="Read the article that comes along.")] = False,
    format: Annotated[Format | None, Option(help="As --output ends, else table or piped jsonl.")] = None,
    model: Annotated[Text, Option(metavar="MODEL", help="A model's name or folder (compact).")] = None,
    recall_bias: RecallBias = 0.0,
    published: Day = None,
    enrich: Annotated[bool, Option(help="Resolve dates, places, actors, claims, figures.")] = True,
    actors: Actors = None,
    output: Annotated[
        Path | None,
        Option(metavar="PATH", help="File, written whole or not at all; folder for several pages."),
    ] = None,
    verbose: Verbose = False,
) -> None:
    """Find the events of articles and print them as they come.

    json and html hold one document: for several, --output names a folder.
    """
    from libyaevents.checkpoint import DEFAULT_MODEL

    if actors is not None and not enrich:
        raise ConfigError("expected --actors or --no-enrich, found both: leave one out")
    documents = _read_articles(files or [], is_packaged=article, published=published)
    extractor = libyaevents.Extractor.from_pretrained(
        DEFAULT_MODEL if model is None else model, recall_bias=recall_bias, enrich=enrich, actors=actors
    )
    found = _extract_all(extractor, documents)
    if len(files or []) > 1 and sys.stderr.isatty() and not (output is None and sys.stdout.isatty()):
        found = _show_progress(found, files or [])
    advice = "give a folder, as in --output pages, or --format jsonl"
    _write(found, output, format or _default_format(output), advice)


def _read_articles(files: Sequence[Path], *, is_packaged: bool, published: date | None) -> Iterator[Document]:
    from libyaevents.formats.inputs import STANDARD_INPUT, read_inputs

    if is_packaged and files:
        raise ConfigError("expected FILES or --article, found both: leave one out")
    if is_packaged:
        document = next(libyaevents.read_documents(_DATA / "article.jsonl"))
        return iter([replace(document, sentences=(), entities=(), events=())])
    if not files and (sys.stdin is None or sys.stdin.isatty()):
        raise InputError(
            "expected FILES or text on standard input, found neither: give a file, "
            "or read the packaged article with libyaevents extract --article"
        )
    return read_inputs(files or [STANDARD_INPUT], published=published)


def _extract_all(extractor: libyaevents.Extractor, documents: Iterator[Document]) -> Iterator[Document]:
    """Yield results; where a document cannot be read, those of the documents before it first."""
    failures: list[LibyaeventsError] = []

    def read() -> Iterator[Document]:
        try:
            yield from documents
        except LibyaeventsError as error:
            failures.append(error)

    yield from extractor.extract_many(read())
    if failures:
        raise failures[0]


def _show_progress(documents: Iterable[Document], files: Sequence[Path]) -> Iterator[Document]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    # How many documents a .jsonl file holds is known at its end only.
    total = None if any(file.suffix.lower() == ".jsonl" for file in files) else len(files)
    columns = BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    # Left to itself, rich sends to the bar's console what is printed to stdout meanwhile.
    with Progress(*columns, console=Console(stderr=True), redirect_stdout=False) as progress:
        yield from progress.track(documents, total=total)


def _default_format(output: Path | None) -> Format:
    if output is not None:
        return _FORMATS.get(output.suffix.lower(), "jsonl")
    return "table" if sys.stdout.isatty() else "jsonl"


def _write(documents: Iterable[Document], output: Path | None, format: Format, advice: str) -> None:
    if format in _ONE_DOCUMENT_FORMATS:
        if output is not None and (output.is_dir() or not output.suffix):
            return _write_files(documents, output, format)
        documents = list(islice(documents, 2))
        if len(documents) > 1:
            raise ConfigError(f"expected one document for {format}, found several: {advice}")
    with _open_output(output) as stream:
        for document in documents:
            _write_document(document, stream, format)


def _write_files(documents: Iterable[Document], folder: Path, format: Format) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    taken: set[str] = set()
    for document in documents:
        stem = re.sub(r"[^\w.-]+", "_", document.id or "")[:_LONGEST_NAME].lstrip(".") or "document"
        # Some file systems take A.html and a.html for one file.
        names = (f"{stem}-{n}" if n > 1 else stem for n in count(1))
        name = next(name for name in names if name.casefold() not in taken)
        taken.add(name.casefold())
        with _open_output(folder / f"{name}.{format}") as stream:
            _write_document(document, stream, format)


def _write_document(document: Document, stream: TextIO, format: Format) -> None:
    if format in ("jsonl", "json"):
        indent = 2 if format == "json" else None
        print(json.dumps(document.to_dict(), ensure_ascii=False, indent=indent), file=stream, flush=True)
        return
    from rich.console import Console

    from libyaevents.render import to_html, to_table

    if format == "html":
        stream.write(to_html(document))
    else:
        Console(file=stream, width=None if stream.isatty() else _TABLE_WIDTH).print(to_table(document))


@contextmanager
def _open_output(path: Path | None) -> Iterator[TextIO]:
    """Open stdout, or a file that appears when all is written or, on any error, stays as it was."""
    if path is None:
        yield sys.stdout
        return
    # A device or a pipe is written to; to rename a file onto it would do away with it.
    is_replaced = path.is_file() or not path.exists()
    target = path.with_name(f".{path.name}.{os.getpid()}.part") if is_replaced else path
    try:
        with target.open("w", encoding="utf-8", newline="\n") as stream:
            yield stream
        if is_replaced:
            target.replace(path)
    except OSError as error:
        if isinstance(error, LibyaeventsError):
            raise  # of the documents: an input file that went missing is an OSError too
        expected = f"{path}: expected a place to write to, found {error.strerror!r}"
        raise OutputError(f"{expected}; make room there or choose another") from error
    finally:
        if is_replaced:
            with suppress(OSError):
                target.unlink()


@app.command(epilog="Example: libyaevents convert events.jsonl --to acled --output events.csv")
def convert(
    documents: Annotated[Path, Argument(metavar="PATH", help="Documents with events, .jsonl.")],
    to: Annotated[Rows, Option(help="Columns of a codebook, or all that is known in a file format.")],
    output: Annotated[
        Path | None,
        Option(metavar="FILE", help="Written whole or not at all; with codebooks .csv or .parquet."),
    ] = None,
    any_factuality: Annotated[
        bool, Option("--any-factuality", help="Code what is negated or possible, too.")
    ] = False,
    actors: Actors = None,
    verbose: Verbose = False,
) -> None:
    """Turn documents into rows, one for each event, with dates, places, actors and casualties resolved.

    ACLED, UCDP and PLOVER rows are csv, and leave out what their codebooks do not code; stderr says how many.
    """
    from libyaevents.formats.rows import columns_of, to_rows
    from libyaevents.formats.tables import open_whole

    shape = to if to in _CODEBOOKS else "table"
    write = _find_writer(to, output)
    rows = to_rows(_read_enriched(documents, actors), shape, any_factuality=any_factuality)
    # A file that is no list of documents is mostly told by its first line: no header goes before that.
    first = list(islice(rows, 1))
    with nullcontext(sys.stdout.buffer) if output is None else open_whole(output) as stream:
        write(chain(first, rows), columns_of(shape), stream)


def _read_enriched(path: Path, actors: Path | None) -> Iterator[Document]:
    """Yield the documents of a file with what they leave open resolved: when, where, who, how many."""
    from libyaevents.enrich import enrich, read_actors

    table = None if actors is None else read_actors(actors)
    return map(partial(enrich, actors=table), libyaevents.read_documents(path))


def _find_writer(to: Rows, output: Path | None) -> Callable[[Iterator[Row], Columns, BinaryIO], None]:
    from libyaevents.formats.geojson import write_geojson
    from libyaevents.formats.tables import write_csv, write_parquet

    if to == "geojson":
        return lambda rows, columns, stream: write_geojson(rows, stream)
    if to == "parquet" or (to in _CODEBOOKS and output is not None and output.suffix.lower() == ".parquet"):
        if output is None and sys.stdout.isatty():
            raise ConfigError("expected --output FILE for parquet, found a terminal: name a file or a pipe")
        return write_parquet
    # Spreadsheets tell UTF-8 by the mark; programs in a pipe would take it for part of the first name.
    return partial(write_csv, with_bom=output is not None)


@app.command(epilog="Example: libyaevents render events.jsonl --as map --output map.html")
def render(
    documents: Annotated[Path, Argument(metavar="PATH", help="Documents with events, .jsonl.")],
    picture: Annotated[Picture, Option("--as", help="A page of one document; or of many.")] = "page",
    output: Annotated[
        Path | None,
        Option(metavar="PATH", help="File, written whole or not at all; folder for several pages."),
    ] = None,
    actors: Actors = None,
    verbose: Verbose = False,
) -> None:
    """Show documents as one web page: the text of one, or the events of many on a map or a timeline.

    Pages are self-contained, for any browser, offline; they run no script.
    """
    found = _read_enriched(documents, actors)
    if picture == "page":
        return _write(found, output, "html", "give a folder, as in --output pages, or --as map or timeline")
    from libyaevents.pictures import to_map, to_timeline

    page = to_map(found) if picture == "map" else to_timeline(found)
    with _open_output(output) as stream:
        stream.write(page)


@app.command(epilog="Example: libyaevents train --corpus mine.jsonl --replay article --out runs/mine")
def train(
    context: typer.Context,
    config: Annotated[Text, Argument(metavar="CONFIG", help="A TOML file, or the name of a recipe.")] = None,
    corpus: Annotated[list[str] | None, Option(metavar="FILE", help="To learn (article).")] = None,
    dev: Annotated[Text, Option(metavar="FILE", help="To choose the best epoch on; not learnt.")] = None,
    init: Annotated[Text, Option(metavar="MODEL", help="Model to go on from (compact).")] = None,
    encoder: Annotated[Text, Option(metavar="BERT", help="To start anew from: a folder or hub name.")] = None,
    replay: Annotated[Text, Option(metavar="FILE", help="Learnt before, to be kept; or article.")] = None,
    partial: Annotated[list[str] | None, Option(metavar="FILE", help="Names in CoNLL columns.")] = None,
    output: Annotated[Path | None, Option("--out", help="Folder of the run (runs/train).")] = None,
    name: Annotated[Text, Option(help="What the model is called (my-model).")] = None,
    epochs: Annotated[Whole, Option(help="Passes over the corpus (8).")] = None,
    batch_size: Annotated[Whole, Option(help="Windows in a step (8).")] = None,
    max_subwords: Annotated[Whole, Option(help="Length of a window (128).")] = None,
    encoder_learning_rate: Annotated[Number, Option(help="Peak for the encoder (0.0001).")] = None,
    head_learning_rate: Annotated[Number, Option(help="Peak for the heads (0.0005).")] = None,
    pooling: Annotated[Literal["first", "mean", "max"] | None, Option(help="Of subwords (mean).")] = None,
    role_size: Annotated[Whole, Option(help="Width of the role head (128).")] = None,
    average_decay: Annotated[Number, Option(help="Of the weights' moving average (0.0).")] = None,
    folds: Annotated[Whole, Option(help="Of the cross-validation; 0 for none (5).")] = None,
    patience: Annotated[Whole, Option(help="Scores on --dev without gain before the end.")] = None,
    seed: Annotated[Whole, Option(help="Of every random choice (0).")] = None,
    precision: Annotated[Precision, Option(help="Of the arithmetic (float32).")] = None,
    time_budget_minutes: Annotated[Number, Option(help="Limit of the final training.")] = None,
    verbose: Verbose = False,
) -> None:
    """Fine-tune a model on annotated articles and print its scores.

    Flags win over CONFIG, and defaults are in brackets. --corpus may be repeated.
    Without --dev the corpus is cross-validated. A run that was cut short goes on.
    """
    from libyaevents.training.config import read_config

    path = None if config is None else _find_config("train", config)
    settings = read_config(libyaevents.TrainConfig, path, _given(context, libyaevents.TrainConfig))
    typer.echo(libyaevents.train(settings).to_text())


def _find_config(command: str, name: str) -> Path:
    recipes = {path.stem: path for path in sorted(_DATA.glob(f"recipes/{command}/*.toml"))}
    path = Path(name) if Path(name).is_file() else recipes.get(name)
    if path is None:
        known = ", ".join(recipes) or "none"
        raise MissingFileError(f"{name}: expected a TOML file or a recipe ({known}), found neither")
    return path


def _given(context: typer.Context, config: type[Any]) -> dict[str, Any]:
    """Return the flags that were given; their parameters are named as the fields of the configuration."""
    values = {field.name: context.params.get(field.name) for field in fields(config)}
    return {name: value for name, value in values.items() if value not in (None, [], ())}


@app.command(epilog="Example: libyaevents pretrain --text news.xz --encoder old --out new --tokens 1000000")
def pretrain(
    context: typer.Context,
    config: Annotated[Text, Argument(metavar="CONFIG", help="A TOML file, or the name of a recipe.")] = None,
    text: Annotated[list[Path] | None, Option(metavar="FILE", help="Plain, or .xz; may be repeated.")] = None,
    encoder: Annotated[
        Path | None, Option(metavar="FOLDER", help="To start from; else made from text.")
    ] = None,
    output: Annotated[Path | None, Option("--out", metavar="FOLDER", help="For train --encoder.")] = None,
    n_tokens: Annotated[Whole, Option("--tokens", min=1, help="Subwords to read (40000000).")] = None,
    sequence_length: Annotated[Whole, Option(min=8, help="In subwords (128).")] = None,
    batch_size: Annotated[Whole, Option(min=1, help="Sequences in a step (32).")] = None,
    learning_rate: Annotated[Number, Option(min=0, help="Peak (0.001).")] = None,
    mask_share: Annotated[Number, Option(help="Of the words (0.18).")] = None,
    fresh_layers: Annotated[
        bool | None, Option("--fresh-layers", help="Keep the word embeddings alone.")
    ] = None,
    focus: Annotated[
        Path | None, Option(metavar="FILE", help="Annotated articles: read text on their topic alone.")
    ] = None,
    seed: Annotated[Whole, Option(min=0, help="Of every random choice (0).")] = None,
    precision: Annotated[Precision, Option(help="Of the arithmetic (float32).")] = None,
    time_budget_minutes: Annotated[Number, Option(min=0, help="Limit of the training.")] = None,
    verbose: Verbose = False,
) -> None:
    """Pretrain an encoder on plain text and print its folder.

    Text has a paragraph a line. Flags win over CONFIG; defaults are in brackets.
    """
    from libyaevents.training.config import PretrainConfig, read_config
    from libyaevents.training.pretrain import pretrain as run

    path = None if config is None else _find_config("pretrain", config)
    settings = read_config(PretrainConfig, path, _given(context, PretrainConfig))
    run(settings)
    typer.echo(settings.output)


@app.command(epilog="Example: libyaevents silver --text news.xz --focus mine.jsonl --model a --out s.jsonl")
def silver(
    context: typer.Context,
    text: Annotated[list[Path], Option(metavar="FILE", help="As for pretrain; may be repeated.")],
    focus: Annotated[Path, Option(metavar="FILE", help="Annotated articles: whose topic is looked for.")],
    model: Annotated[list[str], Option(metavar="MODEL", help="Annotate; may be repeated.")],
    output: Annotated[Path, Option("--out", metavar="FILE", help="For train --corpus.")],
    n_documents: Annotated[Whole, Option("--documents", min=1, help="To annotate (3000).")] = None,
    seed: Annotated[Whole, Option(min=0, help="Of the draw (0).")] = None,
    verbose: Verbose = False,
) -> None:
    """Annotate plain text with one or several models, as a corpus to train a model on.

    Several models must come from one encoder; they are averaged. Defaults are in brackets.
    """
    from libyaevents.training.silver import SilverConfig, annotate

    paths = {"text": tuple(text), "focus": focus, "models": tuple(model), "output": output}
    annotate(SilverConfig(**_given(context, SilverConfig) | paths))
    typer.echo(output)


@app.command(epilog="Example: libyaevents evaluate dev.jsonl --model runs/mine/model --json > scores.json")
def evaluate(
    gold: Annotated[Path, Argument(metavar="GOLD", help="Annotated documents, .jsonl.")],
    predicted: Annotated[Path | None, Argument(metavar="PREDICTED", help="The same, by a model.")] = None,
    model: Annotated[Text, Option(metavar="MODEL", help="Reads GOLD's texts, for PREDICTED.")] = None,
    engine: Annotated[Literal["onnx", "torch"], Option(help="What runs the model.")] = "onnx",
    recall_bias: RecallBias = 0.0,
    as_json: Annotated[bool, Option("--json", help="Print all figures as JSON.")] = False,
    verbose: Verbose = False,
) -> None:
    """Score predictions, or a model, against annotated documents.

    A model reads the raw texts end to end, and once more with the gold triggers given.
    """
    from libyaevents.ontology import load_ontology

    if (predicted is None) == (model is None):
        raise ConfigError("expected PREDICTED or --model: give one of the two")
    if predicted is not None and recall_bias:
        raise ConfigError("expected --recall-bias with --model, found it with PREDICTED: leave it out")
    annotated = list(libyaevents.read_documents(gold, ontology=load_ontology()))
    if not any(document.entities or document.events for document in annotated):
        raise CorpusError(
            f"{gold}: expected annotated documents, found no entity and no event in {len(annotated)}"
        )
    given = None
    if predicted is not None:
        found = list(libyaevents.read_documents(predicted, ontology=load_ontology()))
    else:
        extractor = libyaevents.Extractor.from_pretrained(
            str(model), engine=engine, recall_bias=recall_bias, enrich=False
        )
        unread = [libyaevents.Document(text=document.text, id=document.id) for document in annotated]
        found, given = list(extractor.extract_many(unread)), list(extractor.extract_arguments(annotated))
    scores = libyaevents.evaluate(annotated, found, with_gold_triggers=given)
    typer.echo(json.dumps(scores.to_dict(), ensure_ascii=False, indent=2) if as_json else scores.to_text())


@app.command(epilog="Example: libyaevents export compact --out graphs")
def export(
    model: Annotated[str, Argument(metavar="MODEL", help="A model's name or folder.")],
    output: Annotated[Path, Option("--out", metavar="FOLDER", help="New, or an older export.")],
    verbose: Verbose = False,
) -> None:
    """Write a model as two float32 ONNX graphs and print their folder."""
    from libyaevents.export import export as write_graphs

    typer.echo(write_graphs(model, output))


@app.command(epilog="Example: libyaevents models")
def models(verbose: Verbose = False) -> None:
    """List the installed models and the key lines of their cards."""
    from libyaevents.checkpoint import DEFAULT_MODEL, list_models

    for model in list_models():
        typer.echo(model.name + (" (default)" if model.name == DEFAULT_MODEL else ""))
        for key, value in {**model.key_lines, "Folder": str(model.path)}.items():
            typer.echo(f"  {key}: {value}")
