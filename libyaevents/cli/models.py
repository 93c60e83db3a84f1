"""Commands about models: train them, score them, write them, list them, pack them."""

import json
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from typer import Argument, Option

import libyaevents
from libyaevents.cli.app import Engine, Number, Precision, RecallBias, Text, Verbose, Whole, app, say
from libyaevents.cli.files import DATA
from libyaevents.errors import ConfigError, CorpusError, MissingFileError

if TYPE_CHECKING:
    from libyaevents.documents import Document

__all__ = ["evaluate", "export", "models", "pretrain", "retrain", "silver", "train"]

Exported = Literal["onnx", "token-classification"]

_REJECTED = 3


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
    recipes = {path.stem: path for path in sorted(DATA.glob(f"recipes/{command}/*.toml"))}
    path = Path(name) if Path(name).is_file() else recipes.get(name)
    if path is None:
        known = ", ".join(recipes) or "none"
        raise MissingFileError(f"{name}: expected a TOML file or a recipe ({known}), found neither")
    return path


def _given(context: typer.Context, config: type[Any]) -> dict[str, Any]:
    """Return the flags that were given; their parameters are named as the fields of the configuration."""
    values = {field.name: context.params.get(field.name) for field in fields(config)}
    return {name: value for name, value in values.items() if value not in (None, [], ())}


@app.command(epilog="Example: libyaevents retrain --add new.jsonl --out runs/new")
def retrain(
    context: typer.Context,
    add: Annotated[list[str], Option(metavar="FILE", help="New annotated articles; may be repeated.")],
    init: Annotated[
        Text, Option("--from", metavar="MODEL", help="Model to go on from, only read (compact).")
    ] = None,
    output: Annotated[
        Path | None, Option("--out", metavar="FOLDER", help="Of report and model (runs/retrain).")
    ] = None,
    replay: Annotated[
        list[str] | None, Option(metavar="FILE", help="Added before, to be kept; may be repeated.")
    ] = None,
    probe: Annotated[
        Text, Option(metavar="FILE", help="Annotated articles that show what was lost; else the package's.")
    ] = None,
    ontology: Annotated[
        Path | None, Option(metavar="FILE", help="With labels that are new to the model.")
    ] = None,
    name: Annotated[Text, Option(help="What the model is called (my-model).")] = None,
    passes: Annotated[Whole, Option(min=1, help="Over the new articles; else 16, fewer for many.")] = None,
    seed: Annotated[Whole, Option(help="Of every random choice (0).")] = None,
    force: Annotated[bool, Option("--force", help="Accept the model although it reads worse.")] = False,
    verbose: Verbose = False,
) -> None:
    """Add new articles to what a model knows; report what was learnt and lost.

    The result is rejected, with exit code 3, where it reads a class of the probe articles worse: then
    FOLDER/model stays as it was. Defaults are in brackets.
    """
    from libyaevents.errors import missing_train_extra
    from libyaevents.training.config import RetrainConfig

    try:
        from libyaevents.training.retrain import retrain as run
    except ModuleNotFoundError as error:
        raise missing_train_extra("libyaevents retrain") from error
    report = run(RetrainConfig(**_given(context, RetrainConfig)))
    typer.echo(report.to_text())
    if not report.is_accepted:
        raise typer.Exit(_REJECTED)


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
    without: Annotated[
        Path | None, Option(metavar="FILE", help="Held-out articles: leave out text that copies them.")
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
    engine: Engine = "auto",
    recall_bias: RecallBias = 0.0,
    as_json: Annotated[bool, Option("--json", help="Print all figures as JSON.")] = False,
    verbose: Verbose = False,
) -> None:
    """Score predictions, or a model, against annotated documents.

    A model reads the raw texts end to end, and once more with the gold triggers given.
    """
    from libyaevents.catalog import model_folder
    from libyaevents.checkpoint import ONTOLOGY
    from libyaevents.ontology import load_ontology

    if (predicted is None) == (model is None):
        raise ConfigError("expected PREDICTED or --model: give one of the two")
    if predicted is not None and recall_bias:
        raise ConfigError("expected --recall-bias with --model, found it with PREDICTED: leave it out")
    # A model may know labels that the package does not, see `retrain --ontology`.
    ontology = load_ontology(None if model is None else model_folder(model) / ONTOLOGY)
    annotated = list(libyaevents.read_documents(gold, ontology=ontology))
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
        _say_seen(annotated, model_folder(str(model)))
    scores = libyaevents.evaluate(annotated, found, with_gold_triggers=given)
    typer.echo(json.dumps(scores.to_dict(), ensure_ascii=False, indent=2) if as_json else scores.to_text())


def _say_seen(documents: "Sequence[Document]", model: Path) -> None:
    from libyaevents.checkpoint import REPORT
    from libyaevents.training.corpus import text_hash

    try:
        seen = set(json.loads((model / REPORT).read_text(encoding="utf-8"))["seen"])
    except (OSError, ValueError, LookupError, TypeError):  # the model runs without its report
        return say("warning", f"{model}: no {REPORT} that says what it was trained on")
    if n := sum(text_hash(document) in seen for document in documents):
        share = 100 * n / len(documents)
        say("warning", f"the model was trained on {n} of the documents ({share:.0f} %): scores flatter it")


@app.command(epilog="Example: libyaevents export compact --out graphs")
def export(
    model: Annotated[str, Argument(metavar="MODEL", help="A model's name or folder.")],
    output: Annotated[Path, Option("--out", metavar="FOLDER", help="New, or an older export.")],
    exported: Annotated[Exported, Option("--as", help="Graphs, or the entities for transformers.")] = "onnx",
    verbose: Verbose = False,
) -> None:
    """Write a model for other programs and print its folder: as two float32 ONNX graphs, or its entity head.

    What token-classification writes is loaded by transformers' AutoModelForTokenClassification and pipeline.
    """
    from libyaevents.export import export as write_graphs
    from libyaevents.export import export_entities

    typer.echo((write_graphs if exported == "onnx" else export_entities)(model, output))


models = typer.Typer()
app.add_typer(models, name="models")


@models.callback(invoke_without_command=True, epilog="Example: libyaevents models")
def list_models(context: typer.Context, verbose: Verbose = False) -> None:
    """List the installed models and the key lines of their cards; pack one for another machine."""
    from libyaevents.catalog import DEFAULT_MODEL, list_models

    if context.invoked_subcommand is not None:
        return
    for model in list_models():
        typer.echo(model.name + (" (default)" if model.name == DEFAULT_MODEL else ""))
        for key, value in {**model.key_lines, "Folder": str(model.path)}.items():
            typer.echo(f"  {key}: {value}")


@models.command(epilog="Example: libyaevents models bundle compact bundle.zip --wheels wheels")
def bundle(
    model: Annotated[str, Argument(metavar="MODEL", help="A model's name or folder.")],
    output: Annotated[Path, Argument(metavar="OUT", help="A new folder, or a new .zip file.")],
    wheels: Annotated[
        Path | None, Option(metavar="FOLDER", help="Wheels of libyaevents and its needs, to pack too (none).")
    ] = None,
    verbose: Verbose = False,
) -> None:
    """Pack a model, and the wheels to read it with, with their hashes; print the bundle's fingerprint."""
    from libyaevents.bundle import write_bundle

    typer.echo(write_bundle(model, output, wheels=wheels))


@models.command(epilog="Example: libyaevents models verify bundle.zip")
def verify(
    bundle: Annotated[Path, Argument(metavar="BUNDLE", help="The folder or .zip file.")],
    fingerprint: Annotated[
        Text, Option(metavar="HEX", help="What `models bundle` printed, to be compared (not compared).")
    ] = None,
    verbose: Verbose = False,
) -> None:
    """Check that every file of a bundle is as it was packed; print the bundle's fingerprint."""
    from libyaevents.bundle import verify_bundle

    typer.echo(verify_bundle(bundle, fingerprint=fingerprint))
