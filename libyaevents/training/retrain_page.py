"""A `RetrainReport` as one web page that needs no other file and runs nothing: figures, plots, examples.

Every string is escaped and isolated from its neighbors (`markup`), so that Arabic beside figures stays in
place.
"""

from collections.abc import Iterable, Sequence

from libyaevents.markup import escape, isolate, style_policy
from libyaevents.training.probe import OVERALL, Change, Example
from libyaevents.training.retrain_report import (
    DROP_RULE,
    KIND_TITLES,
    RetrainReport,
    facts_of,
    overall,
    percent,
    points,
    shown_examples,
)

__all__ = ["to_page"]

# Of the plots, in their units, which are pixels on a desktop.
NAMES_WIDTH, PLOT_WIDTH, ROW_HEIGHT, AXIS_HEIGHT, SHIFT = 96.0, 190.0, 17.0, 18.0, 3.0
MARGIN = 14.0
GRID = (0, 25, 50, 75, 100)

STYLE = """
body { font: 14px/1.45 system-ui, sans-serif; max-width: 64rem; margin: 1rem auto; padding: 0 1rem;
  color: #1c2430; background: #fff; }
h1 { font-size: 1.3rem; margin: 0; } h2 { font-size: 1rem; margin: 1rem 0 .3rem; }
.verdict { font-weight: 600; padding: .5rem .8rem; border-radius: .3rem; background: #e3f1e6; }
.rejected { background: #f9dedc; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .1rem .8rem; font-size: .85rem; }
dt { color: #5a6472; } dd { margin: 0; overflow-wrap: anywhere; }
table { border-collapse: collapse; font-size: .85rem; margin-bottom: .6rem; }
th, td { padding: .15rem .6rem; text-align: end; }
th:first-child, td:first-child { text-align: start; } tr { border-bottom: 1px solid #dde2e8; }
.plots { display: flex; flex-wrap: wrap; gap: 0 1rem; } figure { margin: 0; }
figcaption, .note { color: #5a6472; font-size: .8rem; }
svg { width: 300px; height: auto; } svg text { font: 11px system-ui, sans-serif; fill: #1c2430; }
.grid { stroke: #dde2e8; } .axis text { fill: #5a6472; text-anchor: middle; }
.before { stroke: #8a94a2; fill: #fff; } .after { stroke: #1f5fa8; fill: #1f5fa8; }
.dropped text { fill: #b3261e; font-weight: 700; } .dropped .after { stroke: #b3261e; fill: #b3261e; }
li { margin: .15rem 0; } mark { background: #d7e6f7; } .lost mark { background: #f9dedc; }
.columns { display: grid; grid-template-columns: 1fr 1fr; gap: 0 2rem; font-size: .85rem; }
ul { padding: 0 1rem; }
@media print { body { font-size: 10px; margin: 0; } }
@media (max-width: 40rem) { .columns { grid-template-columns: 1fr; } }
"""


def to_page(report: RetrainReport) -> str:
    """Return the page."""
    title = f"Retraining of {report.config.name}"
    verdict = "verdict" if report.is_accepted else "verdict rejected"
    facts = "".join(f"<dt>{escape(name)}</dt><dd>{isolate(value)}</dd>" for name, value in facts_of(report))
    by_kind = {kind: [each for each in report.changes if each.kind == kind] for kind in KIND_TITLES}
    plots = "".join(
        _plot(KIND_TITLES[kind], changes) for kind, changes in by_kind.items() if kind != OVERALL and changes
    )
    examples = "".join(_examples(*item) for item in shown_examples(report).items())
    return f"""<!doctype html>
<html lang="en" dir="ltr">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{style_policy(STYLE)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)}</title>
<style>{STYLE}</style>
</head>
<body>
<h1>{isolate(title)}</h1>
<p class="{verdict}">{escape(report.verdict)}</p>
<dl>{facts}</dl>
<h2>Overall</h2>
{_table("F1 on the probe", overall(report.changes))}
{_table("F1 on the added articles, which the new model was trained on", overall(report.on_added))}
{_calibration(report)}
<h2>By class, F1 on the probe</h2>
<p class="note">Hollow: before. Filled: after. Lines: 95 % intervals. {escape(DROP_RULE)}</p>
<div class="plots">{plots}</div>
<div class="columns">{examples}</div>
</body>
</html>
"""


def _table(title: str, changes: Iterable[Change]) -> str:
    rows = "".join(
        f"<tr{_dropped(change)}><td>{escape(change.name)}</td><td>{percent(change.before)}</td>"
        f"<td>{percent(change.after)}</td><td>{points(change.difference)}</td>"
        f"<td>{' to '.join(map(points, change.difference_interval))}</td></tr>"
        for change in changes
    )
    head = f"<th>{escape(title)}</th><th>before</th><th>after</th><th>difference</th><th>interval</th>"
    return f"<table><tr>{head}</tr>{rows}</table>"


def _calibration(report: RetrainReport) -> str:
    errors = ", ".join(
        f"{escape(kind)} {percent(before)} → {percent(after)}"
        for kind, (before, after) in report.calibration.items()
    )
    return f'<p class="note">Calibration error on the probe, in percent: {errors}.</p>' if errors else ""


def _plot(title: str, changes: Sequence[Change]) -> str:
    """One row a class: F1 before and after as dots on their intervals."""
    height = len(changes) * ROW_HEIGHT
    width = NAMES_WIDTH + PLOT_WIDTH + MARGIN
    rows = "".join(_row(change, (number + 0.5) * ROW_HEIGHT) for number, change in enumerate(changes))
    grid = "".join(f'<path class="grid" d="M{_x(tick / 100):.1f} 0V{height:.0f}"/>' for tick in GRID)
    ticks = "".join(f'<text x="{_x(tick / 100):.1f}" y="{height + 13:.0f}">{tick}</text>' for tick in GRID)
    size = f"0 0 {width:.0f} {height + AXIS_HEIGHT:.0f}"
    return (
        f"<figure><figcaption>{escape(title)}</figcaption>"
        f'<svg viewBox="{size}" role="img" aria-label="{escape(title)}">'
        f'{grid}<g class="axis">{ticks}</g>{rows}</svg></figure>'
    )


def _row(change: Change, y: float) -> str:
    tip = f"{change.name}: {percent(change.before)} → {percent(change.after)}, {change.n_gold} mentions"
    return (
        f"<g{_dropped(change)}><title>{escape(tip)}</title>"
        f'<text x="0" y="{y + 4:.1f}">{escape(change.name)}</text>'
        f"{_dot('before', change.before, change.before_interval, y - SHIFT)}"
        f"{_dot('after', change.after, change.after_interval, y + SHIFT)}</g>"
    )


def _dot(side: str, f1: float, interval: tuple[float, float], y: float) -> str:
    low, high = map(_x, interval)
    return (
        f'<g class="{side}"><path d="M{low:.1f} {y:.1f}H{high:.1f}"/>'
        f'<circle cx="{_x(f1):.1f}" cy="{y:.1f}" r="2.6"/></g>'
    )


def _x(share: float) -> float:
    return NAMES_WIDTH + share * PLOT_WIDTH


def _dropped(change: Change) -> str:
    return ' class="dropped"' if change.has_dropped else ""


def _examples(heading: str, examples: Sequence[Example]) -> str:
    classes = "" if any(example.is_found for example in examples) else ' class="lost"'
    rows = "".join(map(_example, examples))
    return f"<section{classes}><h2>{escape(heading)}</h2><ul>{rows}</ul></section>"


def _example(example: Example) -> str:
    """Return a mention in its sentence, which runs from right to left beside a label that does not."""
    words = f"{isolate(example.left)} <mark>{isolate(example.text)}</mark> {isolate(example.right)}"
    document = f'<small class="note">{isolate(example.document)}</small>'
    return f'<li>{escape(example.name)} <span dir="rtl">{words}</span> {document}</li>'
