"""The benchmark: both sides compute the same, what is written down, and what a wrong call says; no speed."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from threading import Barrier
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch.utils.flop_counter import FlopCounterMode
from transformers import BertConfig, BertModel

from libyaevents import Extractor, load_corpus
from libyaevents.benchmark.agreement import TOLERANCE, compare, first_subwords
from libyaevents.benchmark.machine import describe
from libyaevents.benchmark.ours import CountingEngine, profile
from libyaevents.benchmark.run import FORMAT, PEERS, Plan, benchmark
from libyaevents.benchmark.shapes import (
    Density,
    Models,
    Shape,
    batches_of,
    build,
    count_operations,
    make_network,
    window_texts,
)
from libyaevents.benchmark.workers import Worker, measure, one_machine
from libyaevents.checkpoint import load_network, load_settings, load_words_tokenizer
from libyaevents.cli import main
from libyaevents.documents import Document
from libyaevents.engines import Engine
from libyaevents.errors import BenchmarkError, ConfigError
from libyaevents.windows import WindowBatch

MIB = 2**20
# All there are: pinned to one core, the run would wait for whatever else is tested on it.
N_CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
DENSITY = Density(entities=0.15, events=0.1, arguments=2.0)

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def shape(tiny_model: Path) -> Shape:
    """Two layers of 32 with random weights, and the labels and tokenizer of the tiny model."""
    size = load_words_tokenizer(tiny_model).get_vocab_size()
    tiny = {"n_layers": 2, "hidden": 32, "n_heads": 2, "vocabulary": size}
    return Shape(name="tiny", n_articles=1, source=tiny_model, **tiny)


@pytest.fixture(scope="module")
def texts() -> list[str]:
    """The sentences of one article."""
    document = load_corpus("open")[0]
    return [document.text[start:end] for start, end in document.sentences]


@pytest.fixture(scope="module")
def models(shape: Shape, texts: list[str], tmp_path_factory: pytest.TempPathFactory) -> Models:
    """The tiny shape's models, for both sides."""
    return build(shape, texts, DENSITY, tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="module")
def result(shape: Shape, models: Models) -> dict[str, Any]:
    """What a whole run of one round measures, through all its processes; models are made once, above."""
    lines: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("libyaevents.benchmark.run.build", lambda *_: models)
        found = benchmark(Plan(shape=shape, n_threads=N_CORES, n_rounds=1), say=lines.append)
    assert "round 1 of 1" in lines
    return found


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Run the command in this process: exit code, standard output, standard error."""

    def run(*arguments: str | Path) -> tuple[int, str, str]:
        code = main(["benchmark", *map(str, arguments)])
        return code, *capsys.readouterr()

    return run


# What is measured


def test_result_is_json_with_every_row(result: dict[str, Any]) -> None:
    """Two rows of pipelines and two of each engine have speeds, a range of ratios, and shares."""
    assert json.loads(json.dumps(result)) == result
    assert result["format"] == FORMAT
    rows = result["rows"]
    assert list(rows)[:2] == list(PEERS)
    assert {"onnx_float32", "onnx_int8"} <= rows.keys()
    for row, facts in rows.items():
        assert len(facts["runs"]) == 1
        assert facts["seconds"]["min"] <= facts["seconds"]["median"] <= facts["seconds"]["max"]
        assert facts["articles_per_second"] < facts["sentences_per_second"] < facts["subwords_per_second"]
        assert facts["gemm_share"] > 0
        assert set(facts["times"]) == set(PEERS)
        assert ("padding_share" in facts) == (row not in PEERS)


def test_ratios_are_of_all_that_is_compared(result: dict[str, Any]) -> None:
    """The object `ratios` has speed by row and peer, cold start and peak memory of both ways to extract."""
    ratios = result["ratios"]
    assert ratios.keys() == {"speed", "cold_start", "peak_memory"}
    assert ratios["speed"].keys() == result["rows"].keys()
    assert ratios["speed"]["batch_1"]["batch_1"] == 1.0
    assert ratios["speed"]["onnx_int8"]["batch_16"] == pytest.approx(
        result["rows"]["batch_16"]["runs"][0] / result["rows"]["onnx_int8"]["runs"][0]
    )
    assert (
        ratios["cold_start"].keys() == ratios["peak_memory"].keys() == set(result["starts"]) - {"pipelines"}
    )
    assert {"pipelines", "onnx", "onnx_no_enrich"} <= result["starts"].keys()


def test_result_says_what_it_was_measured_on(result: dict[str, Any]) -> None:
    """Settings, texts, machine and versions stand beside the figures."""
    assert result["settings"] == {
        "shape": "tiny",
        "threads": N_CORES,
        "rounds": 1,
        "unit": "sentences",
    }
    assert result["texts"]["articles"] == 1
    assert result["texts"]["texts"] == result["texts"]["sentences"]
    assert {"cpu", "instructions", "n_cores", "system", "versions"} == result["machine"].keys()
    assert {"torch", "transformers", "onnxruntime", "python"} <= result["machine"]["versions"].keys()
    assert describe() == result["machine"]
    assert any("roles and factuality" in note for note in result["notes"])


def test_our_side_finds_everything(result: dict[str, Any]) -> None:
    """Our rows find entities, events and arguments, about as many as annotators did."""
    document = load_corpus("open")[0]
    facts = result["rows"]["onnx_float32"]
    assert facts["n_subwords"] == result["texts"]["subwords"]
    assert facts["n_entities"] == pytest.approx(len(document.entities), rel=0.5)
    assert facts["n_events"] == pytest.approx(len(document.events), rel=0.5)
    assert facts["n_arguments"] > 0


class _Mask:
    """A batch's mask whose sum takes until both threads are asking for one."""

    size = 4

    def __init__(self, barrier: Barrier) -> None:
        self.barrier = barrier

    def sum(self) -> int:
        self.barrier.wait(10)
        return 3


class _Nothing:
    def encode(self, batch: object) -> None:
        """Read nothing."""


def test_profile_counts_for_threads_that_share_it() -> None:
    """What two threads read at once is counted for both."""
    engine, mask = CountingEngine(cast(Engine, _Nothing())), _Mask(Barrier(2))
    batch = cast(WindowBatch, SimpleNamespace(attention_mask=mask))
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(engine.encode, [batch] * 20))
    assert (engine.n_subwords, engine.n_padded) == (60, 80)


def test_profile_counts_padding(models: Models, texts: list[str]) -> None:
    """Padding is what batches hold beside the subwords of their windows."""
    extractor = Extractor.from_pretrained(models.int8, enrich=False)
    facts = profile(extractor, texts)
    settings = load_settings(models.int8)
    batches = batches_of(texts, load_words_tokenizer(models.int8), settings)
    assert facts["n_subwords"] == sum(int(batch.attention_mask.sum()) for batch in batches)
    assert 0 <= facts["padding_share"] <= 0.2
    one = profile(extractor, texts[:1])  # is as wide as the next multiple of eight
    assert one["padding_share"] <= 7 / (one["n_subwords"] + 7)


@pytest.mark.parametrize("length", [1, 17])
def test_operations_are_those_that_torch_counts(length: int) -> None:
    """The formula gives what torch counts in the products of an encoder."""
    config = BertConfig(
        vocab_size=50,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
    )
    config._attn_implementation = "eager"  # whose products torch counts
    encoder = BertModel(config, add_pooling_layer=False)
    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        encoder(input_ids=torch.ones(1, length, dtype=torch.long))
    assert count_operations(config, [length]) == counter.get_total_flops()
    assert count_operations(config, [length, length]) == 2 * counter.get_total_flops()


def test_windows_hold_the_whole_article(models: Models, article: Document) -> None:
    """Texts of the unit `windows` are consecutive sentences that fill a window and leave nothing out."""
    tokenizer, settings = load_words_tokenizer(models.int8), load_settings(models.int8)
    document = replace(article, sentences=(), entities=(), events=())
    windows = window_texts(document, tokenizer, replace(settings, max_subwords=512))
    assert len(windows) > 1
    assert "".join("".join(windows).split()) == "".join(article.text.split())


# Both sides compute the same


def test_equal_weights_give_equal_logits(models: Models, texts: list[str]) -> None:
    """In float32 logits are within the tolerance and spans are the same; in int8 spans are compared."""
    rows = {"float32": (models.float32, "onnx"), "int8": (models.int8, "onnx")}
    agreement = compare(models, texts, rows, n_threads=1)
    assert agreement.n_words > 100
    assert agreement.logit_differences.keys() == {"float32"}
    assert agreement.logit_differences["float32"] <= TOLERANCE
    assert agreement.span_f1["float32"] == {"entities": 1.0, "triggers": 1.0}
    assert all(0 <= score <= 1 for score in agreement.span_f1["int8"].values())


def test_shape_without_layers_has_the_weights_of_its_source(tiny_model: Path) -> None:
    """They are a model's own, pooled by the first subword."""
    network, source = (
        make_network(Shape(name="own", n_articles=1, source=tiny_model)),
        load_network(tiny_model),
    )
    assert network.heads == replace(source.heads, pooling="first")
    assert all(torch.equal(value, source.state_dict()[name]) for name, value in network.state_dict().items())


def test_other_weights_stop_the_run(models: Models, texts: list[str], tmp_path: Path) -> None:
    """A classifier that differs a little from our network ends the run before anything is timed."""
    weights = load_file(models.triggers / "model.safetensors")
    weights["classifier.bias"][3] += 0.001
    for file in models.triggers.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    save_file(weights, tmp_path / "model.safetensors", metadata={"format": "pt"})
    spoilt = replace(models, triggers=tmp_path)
    with pytest.raises(BenchmarkError, match=r"float32 .* differ by 0\.001: expected at most 0\.0001"):
        compare(spoilt, texts, {"float32": (models.float32, "onnx")}, n_threads=1)


def testfirst_subwords_skip_what_is_no_word() -> None:
    """Specials, proclitics that are read apart and padding are no word's first subword."""
    word_ids = np.array([[-1, 0, 0, -1, 1, 1, 3, -1], [-1, 0, 1, 2, -1, -1, -1, -1]])
    words = np.array([[True, True, True, True], [True, True, True, False]])
    batch = WindowBatch(input_ids=word_ids, attention_mask=word_ids, word_ids=word_ids, word_mask=words)
    assert first_subwords(batch).tolist() == [[1, 4, -1, 6], [1, 2, 3, -1]]


# Processes


def test_our_process_loads_no_torch() -> None:
    """What is measured of ours, and what starts and times it, has loaded neither torch nor transformers."""
    modules = "libyaevents.benchmark.ours, libyaevents.benchmark.launch"
    code = f"import sys, {modules}; print({{'torch', 'transformers'}} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


def test_memory_of_this_process_is_not_counted() -> None:
    """The peak of a small process is small, though this one has loaded torch."""
    run = measure([sys.executable, "-c", "pass"])
    assert run.seconds > 0
    assert run.peak_bytes is None or 1 * MIB < run.peak_bytes < 100 * MIB


def test_failed_process_says_why() -> None:
    """A process that ends before it answers, or fails, is an error with its last words."""
    with (
        Worker("libyaevents.benchmark.ours", "no-model", "onnx", os.devnull, "1") as worker,
        pytest.raises(BenchmarkError, match=r"benchmark\.ours ended with code 1 \(.*Error"),
    ):
        worker.answer()
    with pytest.raises(BenchmarkError, match="failed: no luck"):
        measure([sys.executable, "-c", "import sys; sys.exit('no luck')"])


def test_threads_and_cores_are_given_back() -> None:
    """Environment and affinity are set for the time of a run."""
    cores = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set()
    before = dict(os.environ)
    with one_machine(1):
        assert os.environ["OMP_NUM_THREADS"] == "1"
        assert not cores or len(os.sched_getaffinity(0)) == 1
    assert dict(os.environ) == before
    assert not cores or os.sched_getaffinity(0) == cores
    with pytest.raises(ConfigError, match=r"--threads is 4096: expected at most \d+"), one_machine(4096):
        pass


# The command


def test_command_prints_tables_and_writes_files(
    run: Run, result: dict[str, Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Tables are on stdout, progress on stderr, everything in the JSON file, a chart in the SVG."""
    plans: list[Plan] = []

    def fake(plan: Plan, *, say: Callable[[str], None]) -> dict[str, Any]:
        plans.append(plan)
        say("round 1 of 1")
        return result

    monkeypatch.setattr("libyaevents.benchmark.run.benchmark", fake)
    files = tmp_path / "bench.json", tmp_path / "bench.svg"
    flags = "--shape", "6x384", "--rounds", "7", "--articles", "3", "--text", "windows"
    code, out, err = run(*flags, "--json", files[0], "--plot", files[1])
    assert (code, err) == (0, "benchmark: round 1 of 1\n")
    (plan,) = plans
    assert (plan.shape.name, plan.n_threads, plan.n_rounds) == ("6x384", 1, 7)
    assert (plan.n_articles, plan.unit) == (3, "windows")
    assert "libyaevents int8, ONNX Runtime" in out
    assert "two pipelines, batch 16" in out
    assert "roles and factuality" in out
    assert json.loads(files[0].read_text(encoding="utf-8")) == result
    svg = files[1].read_text(encoding="utf-8")
    assert "</svg>" in svg
    assert "libyaevents int8, ONNX Runtime" in svg


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("--shape", "huge"), "'huge' is not one of"),
        (("--threads", "0"), "--threads"),
        (("--threads", "4096"), "--threads is 4096: expected at most"),
        (("--rounds", "0"), "--rounds"),
        (("--articles", "0"), "--articles"),
        (("--text", "words"), "'words' is not one of"),
        (("--json", "no-folder/bench.json"), "no-folder/bench.json: expected a file in a folder that exists"),
        (("--plot", "."), "expected a file in a folder that exists, found a folder"),
    ],
)
def test_wrong_flags_are_one_line(run: Run, flags: tuple[str, ...], message: str) -> None:
    """What is wrong in a call is said in one line before anything is measured."""
    code, out, err = run(*flags)
    assert (code, out) == (2, "")
    assert err.count("\n") == 1
    assert message in err


@pytest.mark.parametrize(
    ("extra", "flags"), [("train", ()), ("plots", ("--plot", "bench.svg"))], ids=["train", "plots"]
)
def test_missing_extra_is_named(
    run: Run, monkeypatch: pytest.MonkeyPatch, extra: str, flags: tuple[str, ...]
) -> None:
    """Without transformers, or without matplotlib for a chart, the error is the line that installs it."""
    monkeypatch.setitem(sys.modules, "libyaevents.benchmark.run", None)
    monkeypatch.setattr("libyaevents.cli.benchmark.find_spec", lambda name: None)
    code, out, err = run(*flags)
    assert (code, out) == (2, "")
    assert f"pip install 'libyaevents[{extra}]'" in err
