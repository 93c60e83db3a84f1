"""Measure both sides in interleaved rounds.

In: a plan. Out: what was measured, as the object that `--json` writes; `report` shows it. Each side is a
process of its own on the same cores, which reads all texts when it is asked to: A B C D, A B C D, …
"""

import json
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any, Literal

import torch
from transformers.utils import logging

from libyaevents.benchmark.agreement import TOLERANCE, compare
from libyaevents.benchmark.machine import describe
from libyaevents.benchmark.shapes import (
    Density,
    Models,
    Shape,
    batches_of,
    build,
    count_operations,
    window_texts,
)
from libyaevents.benchmark.workers import Worker, measure, one_machine
from libyaevents.catalog import model_folder
from libyaevents.checkpoint import load_settings, load_words_tokenizer
from libyaevents.datasets import load_corpus
from libyaevents.documents import Document
from libyaevents.words import split_words

__all__ = ["FORMAT", "PEERS", "Plan", "Unit", "benchmark"]

FORMAT = "libyaevents-benchmark/1"
PEERS = ("batch_1", "batch_16")
N_PIPELINES = 2  # one for entities, one for triggers
NOTES = (
    "The pipelines find entities and triggers; libyaevents also finds roles and factuality and makes "
    "documents, its enrichers off.",
    "Both sides pool a word by its first subword: the compact model's spans here are not what it ships with.",
    "Share of the peak: products of the encoders over unpadded subwords, of two encoders for the pipelines "
    "and one for libyaevents; what else takes time is not counted as work.",
    "What an int8 graph keeps in float32 is counted against the int8 peak all the same.",
)

Unit = Literal["sentences", "windows"]
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to measure.

    Attributes:
        shape: of the models.
        n_threads: threads and cores of every side.
        n_rounds: how often each side reads all texts.
        n_articles: of the open corpus, spread over it; the shape's own number when None.
        unit: what is one text: a sentence, or consecutive ones up to a window's length.
    """

    shape: Shape
    n_threads: int = 1
    n_rounds: int = 5
    n_articles: int | None = None
    unit: Unit = "sentences"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Job:
    """A plan with its models and texts at hand."""

    plan: Plan
    articles: Sequence[Document]
    texts: Sequence[str]
    models: Models
    rows: Mapping[str, tuple[Path, str]]  # of ours: model folder and engine
    folder: Path


def benchmark(plan: Plan, *, say: Say) -> dict[str, Any]:
    """Measure; `say` is told of the progress.

    Raises:
        ConfigError: there are fewer cores than threads.
        BenchmarkError: the two sides do not compute the same, or a measured process ended.
        ModelNotFoundError, CheckpointError: of the model whose labels the shape has.
    """
    with ExitStack() as stack:
        stack.enter_context(one_machine(plan.n_threads))
        stack.enter_context(_quiet_torch(plan.n_threads))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="libyaevents-benchmark-")))
        say(f"writing the models of shape {plan.shape.name}")
        job = _prepare(plan, folder)
        say("comparing logits and spans")
        agreement = compare(job.models, job.texts, job.rows, n_threads=plan.n_threads)
        speeds = _measure_speeds(job, say)
        starts = _measure_starts(job, say)
    return {
        "format": FORMAT,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": describe(),
        "settings": {
            "shape": plan.shape.name,
            "threads": plan.n_threads,
            "rounds": plan.n_rounds,
            "unit": plan.unit,
        },
        "agreement": {"tolerance": TOLERANCE} | asdict(agreement),
        **speeds,
        "starts": starts,
        "ratios": _ratios(speeds["rows"], starts),
        "notes": list(NOTES),
    }


def _prepare(plan: Plan, folder: Path) -> _Job:
    corpus = load_corpus("open")
    n_articles = min(plan.n_articles or plan.shape.n_articles, len(corpus))
    articles = [corpus[index * len(corpus) // n_articles] for index in range(n_articles)]
    source = model_folder(plan.shape.source)
    texts = [
        text
        for article in articles
        for text in (
            [article.text[start:end] for start, end in article.sentences]
            if plan.unit == "sentences"
            else window_texts(article, load_words_tokenizer(source), load_settings(source))
        )
    ]
    (folder / "texts.json").write_text(json.dumps(texts, ensure_ascii=False), encoding="utf-8")
    models = build(plan.shape, texts, _density(articles), folder)
    engines = ["onnx", *(["openvino"] if find_spec("openvino") else [])]
    folders = {"float32": models.float32, "int8": models.int8}
    rows = {
        f"{engine}_{precision}": (model, engine) for precision, model in folders.items() for engine in engines
    }
    return _Job(plan=plan, articles=articles, texts=texts, models=models, rows=rows, folder=folder)


def _density(articles: Sequence[Document]) -> Density:
    """What annotators found in the articles."""
    n_words = sum(len(split_words(article.text)) for article in articles)
    events = [event for article in articles for event in article.events]
    return Density(
        entities=sum(len(article.entities) for article in articles) / n_words,
        events=len(events) / n_words,
        arguments=sum(len(event.arguments) for event in events) / max(1, len(events)),
    )


def _measure_speeds(job: _Job, say: Say) -> dict[str, Any]:
    """Time all sides in rounds; a round before, to warm up, is not counted."""
    with ExitStack() as stack:
        say("starting the processes")
        workers, commands = _start(job, stack)
        peers = workers["pipelines"]
        runs: dict[str, list[dict[str, float]]] = {row: [] for row in commands}
        peaks: list[dict[str, float]] = []
        for number in range(job.plan.n_rounds + 1):
            say(f"round {number} of {job.plan.n_rounds}" if number else "warming up")
            for row, (worker, command) in commands.items():
                runs[row].append(workers[worker].ask(command))
            peaks.append(workers["gemm"].ask("run"))
        profiles = {row: workers[row].ask("profile") for row in job.rows}
        n_subwords_of_peers = peers.ask("count")["n_subwords"]
    timed = {row: answers[1:] for row, answers in runs.items()}
    speeds = _speeds(job, timed, peaks, profiles)
    speeds["texts"]["subwords_of_pipelines"] = n_subwords_of_peers
    return speeds


def _speeds(
    job: _Job,
    runs: Mapping[str, Sequence[Mapping[str, float]]],
    peaks: Sequence[Mapping[str, float]],
    profiles: Mapping[str, Mapping[str, float]],
) -> dict[str, Any]:
    """Put the runs in relation: to the texts, to each other, to the machine's peak."""
    tokenizer, settings = load_words_tokenizer(job.models.int8), load_settings(job.models.int8)
    batches = batches_of(job.texts, tokenizer, settings)
    lengths = [int(length) for batch in batches for length in batch.attention_mask.sum(-1)]
    sizes = {
        "articles": len(job.articles),
        "sentences": sum(len(article.sentences) for article in job.articles),
        "subwords": sum(lengths),
    }
    peak = {precision: max(each[precision] for each in peaks) for precision in peaks[0]}
    operations = count_operations(job.models.config, lengths)
    seconds = {row: [run["seconds"] for run in answers] for row, answers in runs.items()}
    rows = {}
    for row, own in seconds.items():
        middle = median(own)
        precision = row.rpartition("_")[2] if row in job.rows else "float32"
        work = operations * (1 if row in job.rows else N_PIPELINES)
        rows[row] = {
            "seconds": _range(own),
            "runs": own,
            "cpu_runs": [run["cpu_seconds"] for run in runs[row]],
            **{f"{name}_per_second": size / middle for name, size in sizes.items()},
            "gemm_share": work / middle / peak[precision],
            "times": {peer: _range(_divide(seconds[peer], own)) for peer in PEERS},
            **profiles.get(row, {}),
        }
    return {
        "texts": {"texts": len(job.texts), **sizes},
        "gemm_operations_per_second": peak,
        "rows": rows,
    }


def _start(job: _Job, stack: ExitStack) -> tuple[dict[str, Worker], dict[str, tuple[str, str]]]:
    """Start a process for each of our rows, one for the pipelines, one for the machine; wait for all.

    Returns the processes by name; and, by row in the order of a round, its process and command.
    """
    threads, texts = str(job.plan.n_threads), str(job.folder / "texts.json")
    folders = str(job.models.entities), str(job.models.triggers)
    arguments = {
        "gemm": ("gemm", threads),
        "pipelines": ("pipelines", *folders, texts, threads),
        **{row: ("ours", str(model), engine, texts, threads) for row, (model, engine) in job.rows.items()},
    }
    workers = {}
    for name, (module, *rest) in arguments.items():
        workers[name] = stack.enter_context(Worker(f"libyaevents.benchmark.{module}", *rest))
        workers[name].answer()
    commands = {peer: ("pipelines", peer) for peer in PEERS} | {row: (row, "run") for row in job.rows}
    return workers, commands


def _measure_starts(job: _Job, say: Say) -> dict[str, Any]:
    """Wall time and peak memory of processes that read one article and end, interleaved."""
    article = job.articles[0]
    sentences = [article.text[start:end] for start, end in article.sentences]
    text, file = job.folder / "article.txt", job.folder / "article.json"
    text.write_text(article.text, encoding="utf-8")
    file.write_text(json.dumps(sentences, ensure_ascii=False), encoding="utf-8")
    extract = (sys.executable, "-m", "libyaevents", "extract", str(text), "--model", str(job.models.int8))
    folders = str(job.models.entities), str(job.models.triggers)
    commands = {
        "pipelines": (sys.executable, "-m", "libyaevents.benchmark.pipelines", *folders, str(file)),
        "onnx": (*extract, "--engine", "onnx"),
        "onnx_no_enrich": (*extract, "--engine", "onnx", "--no-enrich"),
    }
    if find_spec("openvino"):
        commands["openvino"] = (*extract, "--engine", "openvino")
    found: dict[str, list[Any]] = {name: [] for name in commands}
    for number in range(job.plan.n_rounds):
        say(f"cold start {number + 1} of {job.plan.n_rounds}")
        for name, command in commands.items():
            found[name].append(measure(command))
    starts: dict[str, Any] = {}
    for name, runs in found.items():
        peaks = [run.peak_bytes for run in runs if run.peak_bytes is not None]
        seconds = [run.seconds for run in runs]
        starts[name] = {
            "seconds": _range(seconds),
            "runs": seconds,
            "peak_bytes": median(peaks) if peaks else None,
        }
    return starts


def _ratios(rows: Mapping[str, Any], starts: Mapping[str, Any]) -> dict[str, Any]:
    """How many times as fast, or how many times as much: the pipelines' figure over ours."""
    theirs = starts["pipelines"]
    ours = {name: facts for name, facts in starts.items() if facts is not theirs}
    return {
        "speed": {
            row: {peer: facts["times"][peer]["median"] for peer in PEERS} for row, facts in rows.items()
        },
        "cold_start": {name: median(_divide(theirs["runs"], facts["runs"])) for name, facts in ours.items()},
        "peak_memory": {
            name: theirs["peak_bytes"] / facts["peak_bytes"] if facts["peak_bytes"] else None
            for name, facts in ours.items()
        },
    }


def _divide(theirs: Sequence[float], ours: Sequence[float]) -> list[float]:
    """Round by round, so that a machine that grows slow meanwhile slows both sides."""
    return [their / our for their, our in zip(theirs, ours, strict=True)]


def _range(values: Sequence[float]) -> dict[str, float]:
    return {"median": median(values), "min": min(values), "max": max(values)}


@contextmanager
def _quiet_torch(n_threads: int) -> Iterator[None]:
    """Give torch so many threads; hide the bars of transformers, which the command's own lines replace."""
    before, has_bars = torch.get_num_threads(), logging.is_progress_bar_enabled()
    torch.set_num_threads(n_threads)
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        torch.set_num_threads(before)
        if has_bars:
            logging.enable_progress_bar()  # type: ignore[no-untyped-call]
