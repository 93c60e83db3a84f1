"""Commands about documents: find events, suggest annotation, convert, show."""

import atexit
import gc
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, get_args

from typer import Argument, Option

import libyaevents
from libyaevents.cli.app import Actors, Day, Engine, RecallBias, Text, Verbose, Whole, app
from libyaevents.cli.files import (
    SPREADSHEETS,
    Format,
    default_format,
    enrich_documents,
    open_output,
    read_articles,
    read_found,
    refuse_terminal,
    write,
    write_annotated,
)
from libyaevents.errors import ConfigError

if TYPE_CHECKING:
    from libyaevents.documents import Document
    from libyaevents.extractor import Extractor

__all__ = ["Annotation", "convert", "extract", "render", "suggest"]

Rows = Literal["acled", "ucdp", "plover", "geojson", "csv", "parquet"]
Annotation = Literal["jsonl", "brat", "conll", "labelstudio", "doccano", "inception", "spacy", "datasets"]
Merged = Literal["incidents"]
Picture = Literal["page", "map", "timeline", "claims"]

_BLAS_THREADS = "OPENBLAS_NUM_THREADS"
_CHOICE_HEADER = "words uncertainty  article: its most uncertain sentences, from 1"


@app.command(epilog="Example: libyaevents extract article.txt --published 2020-06-06 --output events.jsonl")
def extract(
    files: Annotated[
        list[Path] | None,
        Argument(metavar="FILES | -", help="One article in a .txt, one a line in a .jsonl; - is stdin."),
    ] = None,
    article: Annotated[bool, Option("--article", help="Read the article that comes along.")] = False,
    format: Annotated[
        Format | None, Option(help="By the ending of --output; else a table, in a pipe jsonl.")
    ] = None,
    model: Annotated[Text, Option(metavar="MODEL", help="A model's name or folder (compact).")] = None,
    engine: Engine = "auto",
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
    from libyaevents.catalog import DEFAULT_MODEL

    if actors is not None and not enrich:
        raise ConfigError("expected --actors or --no-enrich, found both: leave one out")
    documents = read_articles(files or [], is_packaged=article, published=published)
    extractor = _import_extractor().from_pretrained(
        DEFAULT_MODEL if model is None else model,
        engine=engine,
        recall_bias=recall_bias,
        enrich=enrich,
        actors=actors,
    )
    found = extractor.extract_many(documents)
    if len(files or []) > 1 and sys.stderr.isatty() and not (output is None and sys.stdout.isatty()):
        found = _show_progress(found, files or [])
    advice = "give a folder, as in --output pages, or --format jsonl"
    write(found, output, format or default_format(output), advice)


def _import_extractor() -> "type[Extractor]":
    """Import the extractor into a process that may end after one article: its start is most of its time."""
    # At the exit Python would look for garbage in all that was loaded, which takes a tenth of the time.
    atexit.register(gc.freeze)
    # As it is imported, numpy makes a thread a core for products of matrices, of which there are none here;
    # each spins for a while.
    is_told = _BLAS_THREADS in os.environ
    os.environ.setdefault(_BLAS_THREADS, "1")
    try:
        from libyaevents.extractor import Extractor
    finally:
        if not is_told:
            del os.environ[_BLAS_THREADS]
    return Extractor


def _show_progress(documents: "Iterable[Document]", files: Sequence[Path]) -> "Iterator[Document]":
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    # How many documents a .jsonl file holds is known at its end only.
    total = None if any(file.suffix.lower() == ".jsonl" for file in files) else len(files)
    columns = BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    # Left to itself, rich sends to the bar's console what is printed to stdout meanwhile.
    with Progress(*columns, console=Console(stderr=True), redirect_stdout=False) as progress:
        yield from progress.track(documents, total=total)


@app.command(epilog="Example: libyaevents suggest news.jsonl --uncertain 20 --to brat --output to-correct")
def suggest(
    to: Annotated[Annotation, Option(help="Format of annotated documents, as for convert.")],
    files: Annotated[list[Path] | None, Argument(metavar="FILES | -", help="As for extract.")] = None,
    uncertain: Annotated[
        Whole, Option(metavar="K", min=1, help="Only the K articles most worth correcting (all).")
    ] = None,
    model: Annotated[Text, Option(metavar="MODEL", help="A model's name or folder (compact).")] = None,
    published: Day = None,
    output: Annotated[
        Path | None, Option(metavar="PATH", help="File or folder, written whole or not at all.")
    ] = None,
    verbose: Verbose = False,
) -> None:
    """Annotate articles with a model, for a person to correct.

    With --uncertain the article to begin with comes first, and stderr lists the sentences to look at first.
    """
    from libyaevents.catalog import DEFAULT_MODEL
    from libyaevents.suggest import suggest as choose

    articles = read_articles(files or [], is_packaged=False, published=published)
    refuse_terminal(to, output)
    extractor = libyaevents.Extractor.from_pretrained(DEFAULT_MODEL if model is None else model, enrich=False)
    choice: list[str] = []

    def find() -> "Iterator[Document]":  # once it is known that there is a place to write to
        if uncertain is None:
            yield from extractor.extract_many(articles)
            return
        for document in choose(extractor, articles, n_articles=uncertain):
            choice.append(_describe_choice(document))
            yield document

    write_annotated(find(), output, to)
    if choice:
        print(_CHOICE_HEADER, *choice, sep="\n", file=sys.stderr)


def _describe_choice(document: "Document") -> str:
    from libyaevents.words import split_words

    marks = document.metadata["uncertainty"], document.metadata["uncertain_sentences"]
    return f"{len(split_words(document.text)):>5} {marks[0]:>11}  {document.id}: {marks[1]}"


@app.command(epilog="Example: libyaevents convert from-brat --from brat --to labelstudio --output tasks.json")
def convert(
    documents: Annotated[
        Path, Argument(metavar="PATH", help="Documents: a file, a folder, or what batch wrote.")
    ],
    to: Annotated[
        Literal[Rows, Merged, Annotation],
        Option(help="Rows by a codebook or with all that is known; incidents; or annotated documents."),
    ],
    source: Annotated[Annotation, Option("--from", help="Format of PATH.")] = "jsonl",
    output: Annotated[
        Path | None,
        Option(metavar="PATH", help="Written whole or not at all; for rows by a codebook .csv or .parquet."),
    ] = None,
    any_factuality: Annotated[
        bool, Option("--any-factuality", help="Code what is negated or possible, too.")
    ] = False,
    actors: Actors = None,
    verbose: Verbose = False,
) -> None:
    """Turn documents into rows, one for each event, into incidents, or into another format.

    Rows have dates, places, actors and casualties resolved; by a codebook
    they are csv, and leave out what the codebook does not code. What was left
    out, or what a format cannot hold, is counted on stderr. Incidents are
    JSON Lines, one for all that the documents tell of one event.
    """
    from libyaevents.formats import annotation

    found = read_found(documents) if source == "jsonl" else annotation.read(documents, source)
    refuse_terminal(to, output)
    if to in get_args(Rows):
        return _write_rows(enrich_documents(found, actors), to, output, any_factuality=any_factuality)
    if any_factuality:
        raise ConfigError(f"expected --any-factuality with rows, found it with {to}: leave it out")
    if to in get_args(Merged):
        incidents = libyaevents.merge(enrich_documents(found, actors))
        with open_output(output) as stream:
            stream.writelines(f"{incident.to_json()}\n" for incident in incidents)
        return
    if actors is not None:
        raise ConfigError(f"expected --actors with rows or incidents, found it with {to}: leave it out")
    write_annotated(found, output, to)


def _write_rows(
    documents: "Iterable[Document]", to: str, output: Path | None, *, any_factuality: bool
) -> None:
    from libyaevents.formats.tabular import write_rows
    from libyaevents.outputs import open_whole

    if output is not None and output.suffix.lower() in SPREADSHEETS:
        expected = f"{output}: expected a file that ends in .csv, .geojson or .parquet"
        raise ConfigError(f"{expected}, found {output.suffix!r}; spreadsheets open .csv")
    as_parquet = output is not None and output.suffix.lower() == ".parquet"
    with nullcontext(sys.stdout.buffer) if output is None else open_whole(output) as stream:
        # Spreadsheets tell UTF-8 by the mark; programs in a pipe would take it for part of the first name.
        with_bom = output is not None
        write_rows(
            documents, to, stream, any_factuality=any_factuality, as_parquet=as_parquet, with_bom=with_bom
        )


@app.command(epilog="Example: libyaevents render events.jsonl --as map --output map.html")
def render(
    documents: Annotated[
        Path, Argument(metavar="PATH", help="Documents, .jsonl; or a folder that batch wrote.")
    ],
    picture: Annotated[
        Picture, Option("--as", help="The text of one document, or a picture of all.")
    ] = "page",
    output: Annotated[
        Path | None,
        Option(metavar="PATH", help="File, written whole or not at all; folder for several pages."),
    ] = None,
    actors: Actors = None,
    verbose: Verbose = False,
) -> None:
    """Show documents as one web page: the text of one; or of many a map, a timeline, or who claims what.

    Pages are self-contained, for any browser, offline; they run no script.
    """
    found = enrich_documents(read_found(documents), actors)
    if picture == "page":
        return write(
            found, output, "html", "give a folder, as in --output pages, or --as map, timeline or claims"
        )
    from libyaevents.pictures import to_claims, to_map, to_timeline

    draw = {"map": to_map, "timeline": to_timeline, "claims": to_claims}[picture]
    page = draw(found)
    with open_output(output) as stream:
        stream.write(page)
