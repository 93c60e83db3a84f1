"""The model card, made from the training report: what a model is and learnt from, its scores, its limits."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from libyaevents.catalog import CARD
from libyaevents.checkpoint import Settings
from libyaevents.training.report import chosen_on_dev

__all__ = ["front_matter", "write_card"]

LIMITS = """\
- It reads modern standard Arabic news on armed conflict and politics; other genres and dialects were not
  measured.
- Arguments are looked for in their trigger's own sentence only.
- The scores are agreement with single-pass annotation under the project's guideline, not with several people.
- What it reports is what an article says, not what happened: `factuality` and the Source role tell who claims
  it.
- It can be wrong about who did what to whom; read the sentence before acting on an event.
"""

SCORES = (
    ("TI", "trigger found"),
    ("TC", "trigger and type"),
    ("AI", "argument found"),
    ("AC", "argument and role"),
)
SCORES_ON_TRIGGER = (("AI+", "argument found, on its trigger"), ("AC+", "argument and role, on its trigger"))

# What the hub's index of results is told: fit on the training text is no result.
MEASURED_ON = {"dev": "the dev file", "cross_validation": "the corpus, cross-validated by blocks"}
METRICS = ("f1", "precision", "recall")


def write_card(folder: Path, settings: Settings, report: Mapping[str, Any]) -> None:
    """Write README.md into the model's folder, with the metadata that the Hugging Face hub reads.

    Lines of the form `- **Key**: value` at the top are those that `libyaevents models` shows.
    """
    (folder / CARD).write_text(_card(folder, settings, report), encoding="utf-8")


def front_matter(settings: Settings, report: Mapping[str, Any]) -> list[str]:
    """Return the card's first lines: YAML between two `---`, with the figures of the report as model-index.

    Source: https://huggingface.co/docs/hub/model-cards#model-card-metadata
    """
    return [
        "---",
        "language: ar",
        "license: apache-2.0",
        "library_name: libyaevents",
        "pipeline_tag: token-classification",
        "tags: [arabic, event-extraction, named-entity-recognition, conflict, news]",
        *_model_index(settings, report),
        "---",
    ]


def _model_index(settings: Settings, report: Mapping[str, Any]) -> list[str]:
    """Return the index of results, or nothing where nothing was measured; in JSON, which is YAML too."""
    results = [
        {
            "task": {"type": "token-classification", "name": "Event extraction"},
            "dataset": _measured_on(name, report),
            "metrics": _metrics(report[name]),
        }
        for name in MEASURED_ON
        if name in report
    ]
    if not results:
        return []
    lines = [
        "metrics: [f1, precision, recall]",
        "model-index:",
        f"- name: {_yaml(settings.name)}",
        "  results:",
    ]
    for result in results:
        lines += [f"  - task: {_yaml(result['task'])}", f"    dataset: {_yaml(result['dataset'])}"]
        lines += ["    metrics:", *(f"    - {_yaml(metric)}" for metric in result["metrics"])]
    return lines


def _measured_on(name: str, report: Mapping[str, Any]) -> dict[str, str]:
    """Say which texts, by the hash of the file where it is one: they are not on the hub."""
    dataset = {"type": f"libyaevents-{name.replace('_', '-')}"}
    dataset["name"] = f"{report[name]['n_documents']} news articles, {MEASURED_ON[name]}"
    digest = report["corpus"]["sha256"].get(Path(report["config"]["dev"] or "").name)
    return dataset | {"revision": digest} if name == "dev" and digest else dataset


def _metrics(evaluation: Mapping[str, Any]) -> list[dict[str, str | float]]:
    events = evaluation["events"]["scores"]
    scores = {
        "entities": evaluation["entity_score"],
        **{f"{key}, {what}": events[key] for key, what in (*SCORES, *SCORES_ON_TRIGGER)},
    }
    return [
        {"type": metric, "name": f"{metric} of {what}", "value": round(score[metric], 4)}
        for what, score in scores.items()
        for metric in METRICS
    ]


def _yaml(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _card(folder: Path, settings: Settings, report: Mapping[str, Any]) -> str:
    corpus = report["corpus"]
    size = sum(path.stat().st_size for path in folder.iterdir()) / 1e6
    lines = [
        *front_matter(settings, report),
        "",
        f"# {settings.name}",
        "",
        "Entities, events, roles and factuality from Arabic news, for `libyaevents`.",
        "",
        f"- **Version**: {settings.version}",
        f"- **Size**: {size:.0f} MB",
        f"- **Trained on**: {corpus['documents']} documents, {corpus['words']:,} words, "
        f"{corpus['events']:,} events",
        f"- **Scores**: {_headline(report)}",
        f"- **Started from**: {report['started_from']}",
        "",
        "## Use",
        "",
        *_use(settings.name),
        "",
        "## Data",
        "",
        *(f"- {line}" for line in report["config"]["data"]),
        f"- Outlets named by the documents: {', '.join(report['sources']) or 'none'}",
        *(f"- sha256 of {name}: `{digest}`" for name, digest in corpus["sha256"].items()),
        "",
        "## Training",
        "",
        *(f"- {name}: {report['config'][name]}" for name in sorted(report["config"]) if name not in HIDDEN),
        f"- steps: {report['steps']}, best {report['best_step'] or 'last'}; seconds: {report['seconds']:.0f}",
        f"- versions: {', '.join(f'{name} {number}' for name, number in report['versions'].items())}",
        *_pretraining(report["pretraining"]),
        *_lessons(report.get("lessons")),
        f"- gold left out as unrepresentable: {_unrepresentable(report['unrepresentable'])}",
        "",
    ]
    chosen = chosen_on_dev(report["scores_by_step"])
    for name, title in TITLES.items():
        if name in report:
            lines += _scores(
                title.format(chosen=chosen),
                report[name],
                "float32 networks" if name == "cross_validation" else "int8 graphs",
            )
    lines += _calibration(report["calibration"])
    return "\n".join([*lines, "## Limits", "", LIMITS])


def _use(name: str) -> list[str]:
    return [
        "```python",
        "from libyaevents import Extractor",
        "",
        f"extractor = Extractor.from_pretrained({_yaml(name)})  # one that is not installed: its folder",
        'document = extractor.extract("قصفت طائرات مسيرة مواقع شرقي مصراتة أمس.", published="2020-06-06")',
        "```",
    ]


HIDDEN = ("corpus", "dev", "data", "encoder", "init", "name", "output", "replay")
TITLES = {
    "dev": "Scores on the dev file, which chose {chosen}",
    "cross_validation": "Scores cross-validated over blocks of the corpus",
    "fit": "Fit on the text that was trained on (not a measure of quality)",
}


def _headline(report: Mapping[str, Any]) -> str:
    for name, what in (
        ("dev", "on dev"),
        ("cross_validation", "cross-validated"),
        ("fit", "on its own training text"),
    ):
        if name in report:
            events = report[name]["events"]["scores"]
            figures = (report[name]["entity_score"]["f1"], events["TC"]["f1"], events["AC+"]["f1"])
            entities, typed, attached = (100 * figure for figure in figures)
            return f"entities {entities:.1f} · TC {typed:.1f} · AC+ {attached:.1f} F1, {what}"
    return "not measured"


def _lessons(lessons: Mapping[str, Any] | None) -> list[str]:
    """A line on what other models taught, where they did."""
    if lessons is None:
        return []
    return [
        f"- taught by {lessons['teachers']} models, on {lessons['subwords']:,} subwords of text in "
        f"{lessons['windows']:,} windows (sha256 of windows and models: `{lessons['sha256']}`)"
    ]


def _pretraining(report: Mapping[str, Any] | None) -> list[str]:
    """A line on how the encoder was pretrained, where that is known."""
    if report is None:
        return []
    seen, text = report["subwords_seen"], report["subwords_of_text"]
    masked = f"masked words, held-out loss {report['held_out_loss']}"
    return [f"- encoder pretrained: {seen:,} subwords seen, of a text of {text:,}; {masked}"]


def _unrepresentable(counts: Mapping[str, int]) -> str:
    lost = {reason: count for reason, count in counts.items() if reason != "n_gold"}
    listed = ", ".join(f"{count} {reason}" for reason, count in sorted(lost.items()))
    return f"{sum(lost.values())} of {counts['n_gold']}" + (f" ({listed})" if listed else "")


def _scores(title: str, evaluation: Mapping[str, Any], engine: str) -> list[str]:
    """Tables of one evaluation: strict F1 with 95 % intervals, then entity types, event types and roles."""
    events, given = evaluation["events"]["scores"], evaluation["events_with_gold_triggers"]
    rows = [
        ("entities", evaluation["entity_score"]),
        *((f"{key}, {what}", events[key]) for key, what in SCORES),
    ]
    rows += [(f"{key}, {what}", events[key]) for key, what in SCORES_ON_TRIGGER]
    if given is not None:
        rows += [(f"{key}, {what}, gold triggers", given["scores"][key]) for key, what in SCORES_ON_TRIGGER]
    facts = evaluation["events"]["factuality"]
    return [
        f"## {title}",
        "",
        f"{evaluation['n_documents']} documents, end to end from raw text with the {engine}; strict, "
        f"offset-exact; 95 % percentile bootstrap over documents ({evaluation['n_resamples']} resamples, "
        f"seed {evaluation['seed']}).",
        "",
        "| | P | R | F1 | 95 % | gold |",
        "| --- | --- | --- | --- | --- | --- |",
        *(_row(name, score) for name, score in rows),
        "",
        f"Factuality of rightly found triggers: {100 * facts['accuracy']:.1f} % "
        f"({100 * facts['low']:.1f}–{100 * facts['high']:.1f}; {facts['n_correct']} of {facts['n']}).",
        "",
        "| type or role | P | R | F1 | 95 % | gold |",
        "| --- | --- | --- | --- | --- | --- |",
        *(_row(f"TC {name}", score) for name, score in evaluation["events"]["by_type"].items()),
        *(_row(f"AC+ {name}", score) for name, score in evaluation["events"]["by_role"].items()),
        "",
    ]


def _calibration(report: Mapping[str, Mapping[str, float]] | None) -> list[str]:
    """A table of how far scores are from the shares that are right, where that was measured."""
    if not report:
        return []
    return [
        "## Calibration of the scores",
        "",
        "Scores of spans are calibrated on the dev file. Expected calibration error in percent, over 15 bins "
        "of equal mass, cross-validated over the dev documents:",
        "",
        "| scores of | spans | before | after |",
        "| --- | --- | --- | --- |",
        *(
            f"| {kind} | {found['n']} | {100 * found['before']:.1f} | **{100 * found['after']:.1f}** |"
            for kind, found in report.items()
        ),
        "",
    ]


def _row(name: str, score: Mapping[str, Any]) -> str:
    keys = ("precision", "recall", "f1", "low", "high")
    precision, recall, f1, low, high = (f"{100 * score[key]:.1f}" for key in keys)
    return f"| {name} | {precision} | {recall} | **{f1}** | {low}–{high} | {score['n_gold']} |"
