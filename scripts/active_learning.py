"""Simulate annotation: does the order in which `libyaevents suggest` puts articles beat a random one?

    python scripts/active_learning.py --pool annotated.jsonl --dev held-out.jsonl --out runs/active
    python scripts/active_learning.py --out runs/active --draw docs/images/active-learning.svg

The annotation of `--pool` is hidden. A model is trained on a few random articles of it. Then, round by round,
each strategy picks more of them, up to the same number of words, their annotation is revealed, and the
strategy's model learns on from all that it has, in the same number of steps. `--dev` is what is scored on.

A row for each model goes to OUT/seed-N/rows.jsonl. A run that was cut short goes on when it is started again
with the same options; seeds do not depend on each other, so they can run side by side. It needs the extra
`train`, drawing needs `plots`.
"""

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save_file

from libyaevents.documents import Document
from libyaevents.engines.torch import TorchEngine
from libyaevents.evaluation import evaluate
from libyaevents.extractor import Extractor, WordScores
from libyaevents.formats.jsonl import read_documents
from libyaevents.modeling import EventModel
from libyaevents.ontology import load_ontology
from libyaevents.suggest import TRIGGER_WEIGHT, choose, measure
from libyaevents.training.batches import Batches
from libyaevents.training.config import TrainConfig
from libyaevents.training.data import to_dataset
from libyaevents.training.finetune import Hiding, compute_loss
from libyaevents.training.loop import fit
from libyaevents.training.start import start_from
from libyaevents.training.state import LoopConfig
from libyaevents.words import split_words

Order = Callable[[Extractor, Sequence[Document], int], Sequence[Document]]

ROWS = "rows.jsonl"
FIRST = "first"
ENCODER_RATE, HEAD_RATE = 5e-4, 2e-3  # as in the recipe of the shipped model
MAX_SUBWORDS = 96
FIRST_SHARE = 0.2  # of the words, which are read where errors are looked for
SCORES = {"mean": "mean of the three", "entities": "entities", "TC": "TC", "AC+": "AC+"}
PANELS = (("mean", "words"), ("entities", "words"), ("TC", "words"), ("AC+", "words"), ("mean", "mentions"))
COLORS = {"random": "#777777", "uncertain": "#d98032", "suggest": "#1f6f8b"}


def random_order(extractor: Extractor, rest: Sequence[Document], seed: int) -> Sequence[Document]:
    """The articles as chance has it."""
    return [rest[index] for index in np.random.default_rng(seed).permutation(len(rest))]


def uncertain_order(extractor: Extractor, rest: Sequence[Document], seed: int) -> Sequence[Document]:
    """Those first of which the model is least sure for each word, like ones or not."""
    ranked = sorted(measure(extractor, rest), key=lambda candidate: -candidate.worth)
    return _own(rest, [candidate.document for candidate in ranked])


def suggested_order(extractor: Extractor, rest: Sequence[Document], seed: int) -> Sequence[Document]:
    """As `libyaevents suggest --uncertain` has it."""
    chosen = choose(list(measure(extractor, rest)), len(rest))
    return _own(rest, [candidate.document for candidate in chosen])


STRATEGIES: Mapping[str, Order] = {
    "random": random_order,
    "uncertain": uncertain_order,
    "suggest": suggested_order,
}


class Simulation:
    """One seed: its first model, and what each strategy makes of it."""

    def __init__(self, options: argparse.Namespace, seed: int) -> None:
        self.ontology = load_ontology()
        self.options, self.seed, self.folder = options, seed, options.out / f"seed-{seed}"
        self.pool = list(read_documents(options.pool, ontology=self.ontology))
        self.places = {document.text: place for place, document in enumerate(self.pool)}
        self.dev = list(read_documents(options.dev, ontology=self.ontology))
        self.config = TrainConfig(encoder=options.encoder, max_subwords=MAX_SUBWORDS, seed=seed)
        self.start = start_from(self.config, self.ontology)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.done = {(row["strategy"], row["round"]): row for row in read_rows(self.folder)}

    def run(self) -> None:
        """Train, score and choose; what is done is passed over."""
        drawn = np.random.default_rng(self.seed).permutation(len(self.pool))
        first = _up_to([self.pool[place] for place in drawn], self.options.words)
        model = self.start.make()
        extractor = self._learn(model, first, FIRST, self.options.first_steps)
        if (FIRST, 0) not in self.done:
            shares = error_shares(extractor, _without(self.pool, first), self.seed)
            self._write(FIRST, 0, first, extractor, {"error_shares": shares})
        revealed = {name: list(first) for name in STRATEGIES}
        for number in range(1, self.options.rounds + 1):
            for name in STRATEGIES:
                before = f"{name}-{number - 1}" if number > 1 else FIRST
                model.load_state_dict(load_file(self._weights(before)))
                self._go_on(name, number, model, revealed[name])

    def _go_on(self, name: str, number: int, model: EventModel, revealed: list[Document]) -> None:
        """Choose articles with a strategy's model, add them to what is revealed, and train the model on."""
        rest, row = _without(self.pool, revealed), self.done.get((name, number))
        notes: dict[str, Any] = {}
        if row is None:
            extractor = self._extractor(model, revealed)
            ordered = STRATEGIES[name](extractor, rest, 1000 * self.seed + number)
            added = _up_to(ordered, (number + 1) * self.options.words - _n_words(revealed))
            places = [self.places[document.text] for document in added]
            notes = {**marked_shares(extractor, added), "added": places}
        else:
            added = [self.pool[place] for place in row["added"]]
        revealed += added
        extractor = self._learn(model, revealed, f"{name}-{number}", self.options.round_steps)
        if row is None:
            self._write(name, number, revealed, extractor, notes)

    def _weights(self, name: str) -> Path:
        return Path(self.folder, f"{name}.safetensors")

    def _learn(self, model: EventModel, documents: Sequence[Document], name: str, n_steps: int) -> Extractor:
        """Train a model on documents, or load what came of that before."""
        path = self._weights(name)
        if path.is_file():
            model.load_state_dict(load_file(path))
            return self._extractor(model, documents)
        labels, tokenizer = self.start.labels(self.ontology, documents), self.start.tokenizer
        dataset, _ = to_dataset(documents, tokenizer, labels)
        batches = Batches(documents, list(dataset), labels, tokenizer, self.config)
        encoder = list(model.encoder.parameters())
        in_encoder = set(map(id, encoder))
        heads = [parameter for parameter in model.parameters() if id(parameter) not in in_encoder]
        mask_id = tokenizer.token_to_id("[MASK]")
        hiding = None if mask_id is None else Hiding(mask_id, self.config.word_dropout)
        fit(
            model,
            lambda batch: compute_loss(model, batch.annotated, with_predicted=True, hiding=hiding),
            batches.at,
            groups=[(encoder, ENCODER_RATE), (heads, HEAD_RATE)],
            config=LoopConfig(n_steps=n_steps, identity=name, seed=self.seed),
            folder=self.folder / "run" / name,
        )
        save_file({key: value.contiguous() for key, value in model.state_dict().items()}, path)
        return self._extractor(model, documents)

    def _extractor(self, model: EventModel, documents: Sequence[Document]) -> Extractor:
        labels = self.start.labels(self.ontology, documents)
        return Extractor(TorchEngine(model.eval()), self.start.tokenizer, labels, self.start.settings)

    def _write(
        self,
        strategy: str,
        number: int,
        revealed: Sequence[Document],
        extractor: Extractor,
        more: Mapping[str, Any],
    ) -> None:
        row = {
            "seed": self.seed,
            "strategy": strategy,
            "round": number,
            "articles": len(revealed),
            "words": _n_words(revealed),
            "mentions": sum(len(_items(document)) for document in revealed),
            **score(extractor, self.dev),
            **more,
        }
        with (self.folder / ROWS).open("a", encoding="utf-8") as stream:
            print(json.dumps(row), file=stream)
        print(json.dumps(row), file=sys.stderr)


def score(extractor: Extractor, dev: Sequence[Document]) -> dict[str, float]:
    """Strict micro F1 in percent of what a model finds in raw text, and the mean of the three."""
    found = list(extractor.extract_many(_unread(dev)))
    evaluation = evaluate(dev, found, n_resamples=1)
    events = evaluation.events.scores
    scores = {"entities": evaluation.entity_score.f1, "TC": events["TC"].f1, "AC+": events["AC+"].f1}
    percent = {name: round(100 * value, 2) for name, value in scores.items()}
    return percent | {"mean": round(fmean(percent.values()), 2)}


def error_shares(extractor: Extractor, documents: Sequence[Document], seed: int) -> dict[str, float]:
    """Find what share of a model's errors lies in the fifth of the words that each measure puts first.

    Errors are entities, typed triggers and attached arguments that the model finds wrongly or not at all.
    """
    n_errors: list[int] = []
    n_words: list[int] = []
    measures: dict[str, list[float]] = {"margin": [], "least confidence": [], "entropy": []}
    scored = extractor.score_words(_unread(documents))
    for scores, gold, found in zip(
        scored, documents, extractor.extract_many(_unread(documents)), strict=True
    ):
        by_word = _measures(scores)
        for sentence, errors in zip(scores.sentences, _errors(scores.document, gold, found), strict=True):
            n_errors.append(errors)
            n_words.append(sentence[1] - sentence[0])
            for name, values in measures.items():
                values.append(float(by_word[name][slice(*sentence)].mean()) if n_words[-1] else 0.0)
    measures["random"] = np.random.default_rng(seed).random(len(n_words)).tolist()
    return {name: round(_first_share(values, n_words, n_errors), 4) for name, values in measures.items()}


def marked_shares(extractor: Extractor, documents: Sequence[Document]) -> dict[str, float]:
    """The share of words and of errors in the sentences that `suggest` marks in articles."""
    words, errors = np.zeros(2), np.zeros(2)
    found = extractor.extract_many(_unread(documents))
    for candidate, gold, predicted in zip(
        measure(extractor, _unread(documents)), documents, found, strict=True
    ):
        is_marked = np.isin(np.arange(len(candidate.n_words)) + 1, candidate.marked_sentences())
        in_sentences = np.array(_errors(candidate.document, gold, predicted))
        words += candidate.n_words[is_marked].sum(), candidate.n_words.sum()
        errors += in_sentences[is_marked].sum(), in_sentences.sum()
    return {
        "marked_words": round(float(words[0] / words[1]), 4),
        "marked_errors": round(float(errors[0] / errors[1]), 4),
    }


def _measures(scores: WordScores) -> dict[str, Any]:
    """Three measures of how unsure a model is, by word."""
    sums: dict[str, Any] = {"margin": 0.0, "least confidence": 0.0, "entropy": 0.0}
    for weight, logits in ((1.0, scores.entity_logits), (TRIGGER_WEIGHT, scores.trigger_logits)):
        chances = np.exp(logits.astype(np.float64) - logits.max(-1, keepdims=True))
        chances /= chances.sum(-1, keepdims=True)
        ordered = np.sort(chances, axis=-1)
        sums["margin"] += weight * (1 - ordered[:, -1] + ordered[:, -2])
        sums["least confidence"] += weight * (1 - ordered[:, -1])
        sums["entropy"] -= weight * (chances * np.log(chances + 1e-12)).sum(-1)
    return sums


def _first_share(values: Sequence[float], n_words: Sequence[int], n_errors: Sequence[int]) -> float:
    order = np.argsort(-np.array(values), kind="stable")
    words, errors = np.array(n_words)[order], np.array(n_errors)[order]
    return float(errors[np.cumsum(words) <= FIRST_SHARE * words.sum()].sum() / errors.sum())


def _errors(read: Document, gold: Document, found: Document) -> list[int]:
    """How many errors begin in each sentence."""
    starts = [item[0] for item in _items(gold) ^ _items(found)]
    return [sum(start <= place < end for place in starts) for start, end in read.sentences]


def _items(document: Document) -> set[tuple[Any, ...]]:
    """Entities, typed triggers and attached arguments, the offset first."""
    items: set[tuple[Any, ...]] = {(entity.start, entity.end, entity.label) for entity in document.entities}
    for event in document.events:
        trigger = (event.trigger.start, event.trigger.end, event.type)
        items |= {trigger, *((*trigger, each.start, each.end, each.role) for each in event.arguments)}
    return items


def _unread(documents: Sequence[Document]) -> list[Document]:
    return [Document(text=document.text, id=document.id) for document in documents]


def _own(documents: Sequence[Document], ranked: Sequence[Document]) -> list[Document]:
    """The annotated documents in the order of their texts in `ranked`."""
    by_text = {document.text: document for document in documents}
    return [by_text[document.text] for document in ranked]


def _up_to(documents: Sequence[Document], n_words: int) -> list[Document]:
    """The first documents, as many as come nearest to a number of words."""
    totals = np.cumsum([_n_words([document]) for document in documents])
    return list(documents[: int(np.abs(totals - n_words).argmin()) + 1])


def _without(documents: Sequence[Document], taken: Sequence[Document]) -> list[Document]:
    texts = {document.text for document in taken}
    return [document for document in documents if document.text not in texts]


def _n_words(documents: Sequence[Document]) -> int:
    return sum(len(split_words(document.text)) for document in documents)


def read_rows(folder: Path) -> Iterator[dict[str, Any]]:
    """The rows of a folder and of those below it."""
    for path in sorted(folder.rglob(ROWS)):
        yield from map(json.loads, path.read_text(encoding="utf-8").splitlines())


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Markdown: for each strategy and round the mean over the seeds, in brackets the lowest and highest."""
    lines = [f"| strategy | round | words | mentions | {' | '.join(SCORES.values())} |", "| --- " * 8 + "|"]
    for strategy in (FIRST, *STRATEGIES):
        for number in sorted({row["round"] for row in rows if row["strategy"] == strategy}):
            same = [row for row in rows if (row["strategy"], row["round"]) == (strategy, number)]
            sizes = [f"{fmean(row[name] for row in same):,.0f}" for name in ("words", "mentions")]
            cells = [_range([row[name] for row in same]) for name in SCORES]
            lines.append(f"| {' | '.join([strategy, str(number), *sizes, *cells])} |")
    pairs = ("uncertain", "random"), ("suggest", "random"), ("suggest", "uncertain")
    gains = [line for pair in pairs for line in _compare(rows, *pair)]
    return "\n".join([*lines, "", *gains, *_find_errors(rows)])


def _range(values: Sequence[float]) -> str:
    return f"{fmean(values):.1f} [{min(values):.1f}–{max(values):.1f}]"


def _compare(rows: Sequence[Mapping[str, Any]], strategy: str, other: str) -> Iterator[str]:
    """What a strategy gains on another of the same seed: at as many words, then at as many mentions."""
    base = {(row["seed"], row["round"]): row for row in rows if row["strategy"] == other}
    own = [row for row in rows if row["strategy"] == strategy and (row["seed"], row["round"]) in base]
    last = max((number for _, number in base), default=0)
    for name, title in SCORES.items() if own else ():
        gains = [row[name] - base[row["seed"], row["round"]][name] for row in own]
        final = [gain for gain, row in zip(gains, own, strict=True) if row["round"] == last]
        end = f"; last round {_range(final)}" if final else ""
        yield f"{strategy} - {other}, {title}: {_say_gains(gains)}{end}"
    if gains := _gains_by_mentions(rows, own, other):
        yield f"{strategy} - {other}, {SCORES['mean']}, at as many mentions: {_say_gains(gains)}"


def _gains_by_mentions(
    rows: Sequence[Mapping[str, Any]], own: Sequence[Mapping[str, Any]], other: str
) -> list[float]:
    """Gains of the mean on another strategy's curve, straight between its rounds; none beyond its end."""
    gains = []
    for row in own:
        line = [each for each in rows if each["seed"] == row["seed"] and each["strategy"] in (FIRST, other)]
        line.sort(key=lambda each: each["round"])
        if row["mentions"] <= line[-1]["mentions"]:
            mentions, means = ([each[key] for each in line] for key in ("mentions", "mean"))
            gains.append(row["mean"] - float(np.interp(row["mentions"], mentions, means)))
    return gains


def _say_gains(gains: Sequence[float]) -> str:
    return f"{_range(gains)}, above 0 in {sum(gain > 0 for gain in gains)} of {len(gains)}"


def _find_errors(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Where the errors are: in the first fifth of the words by each measure, and in the marked sentences."""
    shares = [row["error_shares"] for row in rows if "error_shares" in row]
    for name in shares[0] if shares else ():
        found = _range([100 * each[name] for each in shares])
        yield f"errors in the first fifth of words by {name}: {found} %"
    for strategy in STRATEGIES:
        marked = [row for row in rows if row["strategy"] == strategy and "marked_words" in row]
        if marked:
            words, errors = (
                _range([100 * row[f"marked_{kind}"] for row in marked]) for kind in ("words", "errors")
            )
            yield f"{strategy}: the marked sentences hold {words} % of the words, {errors} % of the errors"


def draw(rows: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Draw means over the seeds against what was annotated, with the range of the seeds shaded."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams |= {"svg.hashsalt": "libyaevents", "font.size": 9}
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, len(PANELS), figsize=(3 * len(PANELS), 3), layout="constrained")
    for panel, (name, size) in zip(axes, PANELS, strict=True):
        for strategy, color in COLORS.items():
            own = [row for row in rows if row["strategy"] in (FIRST, strategy)]
            groups = [
                [row for row in own if row["round"] == number]
                for number in sorted({row["round"] for row in own})
            ]
            sizes = [fmean(row[size] for row in group) for group in groups]
            values = [[row[name] for row in group] for group in groups]
            panel.plot(sizes, list(map(fmean, values)), color=color, marker="o", markersize=3, label=strategy)
            panel.fill_between(sizes, list(map(min, values)), list(map(max, values)), color=color, alpha=0.15)
        panel.set(title=SCORES[name], xlabel=f"{size} annotated")
        panel.grid(alpha=0.3)
    axes[0].set_ylabel("strict F1, %")
    axes[0].legend(loc="lower right", frameon=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, metadata={"Date": None})


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--pool", type=Path, help="annotated documents, whose annotation is revealed bit by bit"
    )
    parser.add_argument("--dev", type=Path, help="annotated documents to score on")
    parser.add_argument("--out", type=Path, required=True, help="folder of the rows and weights")
    parser.add_argument("--encoder", default="compact", help="to start from: one that has seen no annotation")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2], help="each a run of its own")
    parser.add_argument("--words", type=int, default=3000, help="annotated at first, and added in a round")
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--first-steps", type=int, default=216, help="of the first model's training")
    parser.add_argument("--round-steps", type=int, default=150, help="of the training after each round")
    parser.add_argument(
        "--draw", type=Path, metavar="SVG", help="draw the rows there are, and print their table"
    )
    options = parser.parse_args(arguments)
    if options.draw is not None:
        rows = list(read_rows(options.out))
        draw(rows, options.draw)
        print(table(rows))
        return 0
    if options.pool is None or options.dev is None:
        parser.error("expected --pool and --dev, or --draw")
    for seed in options.seeds:
        Simulation(options, seed).run()
    return 0


if __name__ == "__main__":
    torch.set_flush_denormal(True)  # twice as fast where weights grow tiny; it is the whole process's
    sys.exit(main())
