"""Show what was measured: tables for a terminal, a bar chart for a page.

In: the object that `run.benchmark` gives. Out: something that rich prints, or the text of an SVG.
"""

from collections.abc import Iterable, Mapping
from io import StringIO
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

__all__ = ["to_svg", "to_table"]

ROWS = {
    "batch_1": "two pipelines, batch 1",
    "batch_16": "two pipelines, batch 16",
    "onnx_float32": "libyaevents float32, ONNX Runtime",
    "openvino_float32": "libyaevents float32, OpenVINO",
    "onnx_int8": "libyaevents int8, ONNX Runtime",
    "openvino_int8": "libyaevents int8, OpenVINO",
}
STARTS = {
    "pipelines": "two pipelines",
    "onnx": "libyaevents extract, ONNX Runtime",
    "onnx_no_enrich": "the same, --no-enrich",
    "openvino": "libyaevents extract, OpenVINO",
}
MIB = 2**20
LEAST_OWN_SHARE = 0.9  # of a core, below which a run did not have it to itself


def to_table(result: Mapping[str, Any]) -> RenderableType:
    """Tables of speed and of cold starts, and what has to be known to read them."""
    machine, settings, texts = result["machine"], result["settings"], result["texts"]
    peak = result["gemm_operations_per_second"]
    head = (
        f"Shape {settings['shape']}, threads {settings['threads']}, interleaved rounds {settings['rounds']}; "
        f"{texts['articles']} articles as {texts['texts']} {settings['unit']}, {texts['subwords']} subwords "
        f"({texts['subwords_of_pipelines']} as the pipelines cut them)\n"
        f"{machine['cpu']}, {', '.join(machine['instructions']) or 'instruction sets unknown'}\n"
        f"GEMM peak in 10⁹ operations a second: float32 {peak['float32'] / 1e9:.0f}, "
        f"int8 {peak['int8'] / 1e9:.0f}"
    )
    notes = "\n".join(
        f"- {note}" for note in (*_agreement(result["agreement"]), *result["notes"], *_load(result))
    )
    return Group(
        Text(head), _speeds(result["rows"]), _starts(result["starts"], result["ratios"]), Text(notes)
    )


def _speeds(rows: Mapping[str, Any]) -> Table:
    headers = "articles/s", "sentences/s", "subwords/s", "× batch 1", "(min–max)", "× batch 16", "of peak"
    table = _new_table("Speed", *headers, "padding", "encode/roles/rest")
    for row, facts in rows.items():
        ratio = facts["times"]["batch_1"]
        table.add_row(
            ROWS[row],
            f"{facts['articles_per_second']:.1f}",
            f"{facts['sentences_per_second']:.0f}",
            f"{facts['subwords_per_second']:.0f}",
            Text(f"{ratio['median']:.2f}", "bold"),
            f"{ratio['min']:.2f}–{ratio['max']:.2f}",
            f"{facts['times']['batch_16']['median']:.2f}",
            f"{facts['gemm_share']:.1%}",
            f"{facts['padding_share']:.1%}" if "padding_share" in facts else "–",
            _shares(facts),
        )
    return table


def _starts(starts: Mapping[str, Any], ratios: Mapping[str, Any]) -> Table:
    table = _new_table(
        "Process that reads one article", "seconds", "(min–max)", "faster", "peak MiB", "smaller"
    )
    for name, facts in starts.items():
        seconds, peak = facts["seconds"], facts["peak_bytes"]
        table.add_row(
            STARTS[name],
            f"{seconds['median']:.2f}",
            f"{seconds['min']:.2f}–{seconds['max']:.2f}",
            _times(ratios["cold_start"].get(name)),
            "unknown" if peak is None else f"{peak / MIB:.0f}",
            _times(ratios["peak_memory"].get(name)),
        )
    return table


def _shares(facts: Mapping[str, Any]) -> str:
    """Where the time goes, in per cent of the wall time."""
    if "encode_share" not in facts:
        return "–"
    encode, roles = facts["encode_share"], facts["roles_share"]
    return f"{encode:.0%} {roles:.0%} {max(0.0, 1 - encode - roles):.0%}"


def _times(ratio: float | None) -> str:
    return "–" if ratio is None else f"{ratio:.1f} ×"


def _agreement(agreement: Mapping[str, Any]) -> Iterable[str]:
    largest = max(agreement["logit_differences"].values())
    yield (
        f"Same weights, same windows: float32 logits of {agreement['n_words']} words differ by at most "
        f"{largest:.1g} (allowed: {agreement['tolerance']:g})."
    )
    scores = (
        f"{row} {kinds['entities']:.3f} and {kinds['triggers']:.3f}"
        for row, kinds in agreement["span_f1"].items()
    )
    yield f"Entities and triggers behind one decoder, F1 against the peers' networks: {'; '.join(scores)}."


def _load(result: Mapping[str, Any]) -> Iterable[str]:
    """Say so when others used the core meanwhile; with several threads it cannot be told."""
    shares = (
        cpu / wall
        for facts in result["rows"].values()
        for cpu, wall in zip(facts["cpu_runs"], facts["runs"], strict=True)
    )
    if result["settings"]["threads"] == 1 and (least := min(shares)) < LEAST_OWN_SHARE:
        yield f"The core was shared: a run had {least:.0%} of it. Measure again on an idle machine."


def _new_table(title: str, *headers: str) -> Table:
    table = Table(title=Text(title, "bold"), title_justify="left")
    table.add_column("", no_wrap=True)
    for header in headers:
        table.add_column(header, justify="right")
    return table


def to_svg(result: Mapping[str, Any]) -> str:
    """A bar for each row: how many times as fast as two pipelines at batch size 1, with the rounds' range."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    rows, settings = result["rows"], result["settings"]
    ratios = [rows[row]["times"]["batch_1"] for row in rows]
    middles = [ratio["median"] for ratio in ratios]
    ranges = [
        [ratio["median"] - ratio["min"] for ratio in ratios],
        [ratio["max"] - ratio["median"] for ratio in ratios],
    ]
    colors = ["#2a6f97" if row not in ("batch_1", "batch_16") else "#9a9a9a" for row in rows]
    with rc_context({"svg.hashsalt": "libyaevents", "svg.fonttype": "none"}):
        figure = Figure(figsize=(8, 0.45 * len(rows) + 1.2), layout="constrained")
        axes = figure.add_subplot()
        bars = axes.barh([ROWS[row] for row in rows], middles, xerr=ranges, color=colors, ecolor="#444444")
        axes.bar_label(bars, fmt="%.1f ×", padding=4)
        axes.invert_yaxis()
        axes.margins(x=0.12)
        axes.spines[["top", "right"]].set_visible(False)
        axes.set_xlabel("times as fast as two pipelines at batch size 1")
        axes.set_title(f"Shape {settings['shape']}, threads: {settings['threads']}", loc="left")
        stream = StringIO()
        figure.savefig(stream, format="svg", metadata={"Date": None})
    return stream.getvalue()
