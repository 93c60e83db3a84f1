"""The one training loop, shared by pretraining and fine-tuning.

In: a network, a function that gives the batch of any step, a function that gives its loss.
Out: the network with its best (or last) weights, and the history of losses and scores.

A step is a function of (seed, step) alone: the batch is looked up by its number and the random generator is
seeded anew at every step, so a run that was stopped and resumed meets the same losses as one that was not.
"""

import json
import logging
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from torch import Tensor, nn

from libyaevents.errors import ConfigError
from libyaevents.training.devices import Ahead, autocast, training_device
from libyaevents.training.state import History, LoopConfig, read_state, write_curve, write_state

__all__ = ["Groups", "fit"]

logger = logging.getLogger(__name__)

STATE_FILE, CURVE_FILE = "resume.pt", "curve.jsonl"
LOG_EVERY = 50  # steps
SAVE_EVERY_S = 60.0
TELL_EVERY_S = 2.0
# By resuming.
FIXED = ("n_steps", "identity", "warmup_share", "weight_decay", "average_decay", "seed", "precision")

Groups = Sequence[tuple[Sequence[nn.Parameter], float]]


def fit(
    model: nn.Module,
    compute_loss: Callable[[Any], Tensor],
    make_batch: Callable[[int], Any],
    *,
    groups: Groups,
    config: LoopConfig,
    folder: Path,
    evaluate: Callable[[], Mapping[str, float]] | None = None,
) -> History:
    """Train `model` in place; go on with the unfinished run of the same configuration that lies in `folder`.

    Args:
        model: left with the weights that score best by `evaluate`, else with the last (or their average).
        compute_loss: the scalar loss of a batch.
        make_batch: the batch of a step, the same for the same step.
        groups: parameters with their peak learning rates.
        config: length, schedule and limits.
        folder: where the resume state and the curve are kept; no part of any checkpoint.
        evaluate: scores of the network as it stands; the largest `score` wins.

    Raises:
        ConfigError: the folder holds another run's state, or the loss is not finite.
        OutputError: the state could not be written.
    """
    run = _Run(model, groups, config, folder)
    run.resume()
    ahead = Ahead(make_batch)
    with _progress() as progress:
        bar = progress.add_task("train", total=config.n_steps, completed=run.history.step, loss="", score="")
        while run.may_go_on():
            run.step(compute_loss, ahead if run.device.type == "cuda" else make_batch)
            if evaluate is not None and run.is_time_to_evaluate():
                run.record(evaluate)
            run.save_if_due()
            run.tell_if_due()
            history = run.history
            loss = f"loss {history.losses[-1][1]:.3f}" if history.losses else ""
            score = "" if history.best_score is None else f"best score {history.best_score:.2f}"
            progress.update(bar, completed=history.step, loss=loss, score=score)
    if evaluate is not None and run.is_unscored():
        run.record(evaluate)  # the clock stopped it between two evaluations, on its smallest learning rate
    ahead.close()
    run.finish()
    return run.history


class _Run:
    """One run as it stands: weights, optimizer, clock, average and best weights so far."""

    def __init__(self, model: nn.Module, groups: Groups, config: LoopConfig, folder: Path) -> None:
        self.device = training_device()
        self.model, self.config, self.folder = model.to(self.device), config, folder
        self.history = History()
        self.best: dict[str, Tensor] | None = None
        self.average = _copy(model) if config.average_decay else None
        self.parameters = [parameter for parameters, _ in groups for parameter in parameters]
        self.optimizer = torch.optim.AdamW(_decay_groups(groups, config.weight_decay), fused=True)
        self.peaks = [group["lr"] for group in self.optimizer.param_groups]
        self.clock = self.saved = self.told = time.monotonic()
        self.recent: list[Tensor] = []
        self.curve: list[dict[str, float]] = []

    def may_go_on(self) -> bool:
        """Look at the clock; say whether there is another step to make."""
        now, history, budget = time.monotonic(), self.history, self.config.time_budget_s
        history.elapsed_s += now - self.clock
        self.clock = now
        if history.stopped_by == "steps" and budget is not None and history.elapsed_s >= budget:
            history.stopped_by = "time"
        return history.stopped_by == "steps" and history.step < self.config.n_steps

    def step(self, compute_loss: Callable[[Any], Tensor], make_batch: Callable[[int], Any]) -> None:
        history = self.history
        torch.manual_seed(self.config.seed * 1_000_003 + history.step)
        rate = _rate(history, self.config)
        for group, peak in zip(self.optimizer.param_groups, self.peaks, strict=True):
            group["lr"] = peak * rate
        self.model.train()
        with autocast(self.config.precision, self.device):
            loss = compute_loss(make_batch(history.step))
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it unannotated
        nn.utils.clip_grad_norm_(self.parameters, self.config.max_gradient_norm)
        self.optimizer.step()
        history.step += 1
        self._update_average()
        self.recent.append(loss.detach())
        if history.step % LOG_EVERY == 0 or history.step == self.config.n_steps:
            self._log()

    def _update_average(self) -> None:
        if self.average is None or self.config.average_decay is None:
            return
        # A short memory at first, so that the random start does not linger in the average.
        decay = min(self.config.average_decay, self.history.step / (self.history.step + 10))
        for name, value in self.model.state_dict().items():
            self.average[name].lerp_(value, 1 - decay)

    def _log(self) -> None:
        mean = float(torch.stack(self.recent).float().mean())
        self.recent.clear()
        if not math.isfinite(mean):
            raise ConfigError(
                f"the training loss is {mean} at step {self.history.step}: expected a finite number; "
                "lower the learning rates, or set precision to float32"
            )
        self.history.losses.append((self.history.step, mean))
        row = {"step": self.history.step, "loss": mean, "elapsed_s": round(self.history.elapsed_s, 1)}
        write_curve(self.folder / CURVE_FILE, [*self.curve, row])
        self.curve.append(row)

    def is_time_to_evaluate(self) -> bool:
        every, step = self.config.evaluate_every, self.history.step
        return every is not None and (step % every == 0 or step == self.config.n_steps)

    def is_unscored(self) -> bool:
        """Say whether steps were made since the last evaluation."""
        history = self.history
        return history.step > (history.scores[-1]["step"] if history.scores else 0)

    def record(self, evaluate: Callable[[], Mapping[str, float]]) -> None:
        """Score the (averaged) weights, keep them if they are the best, stop when patience is out."""
        weights = _copy(self.model)
        self.model.load_state_dict(self.average or weights)
        self.model.eval()
        scores = dict(evaluate())
        history = self.history
        history.scores.append({"step": float(history.step), **scores})
        if history.best_score is None or scores["score"] > history.best_score:
            history.best_score, history.best_step = scores["score"], history.step
            self.best = _copy(self.model)
        self.model.load_state_dict(weights)
        best_at = max(range(len(history.scores)), key=lambda place: history.scores[place]["score"])
        if self.config.patience is not None and len(history.scores) - 1 - best_at >= self.config.patience:
            history.stopped_by = "patience"

    def finish(self) -> None:
        self.save()
        self.model.load_state_dict(self.best or self.average or _copy(self.model))
        self.model.to("cpu").eval()

    def tell_if_due(self) -> None:
        """Log how far the run is, for whoever sees no bar."""
        if self.clock - self.told >= TELL_EVERY_S or self.history.step == self.config.n_steps:
            self.told = self.clock
            logger.info("trained %d of %d steps", self.history.step, self.config.n_steps)

    def save_if_due(self) -> None:
        if time.monotonic() - self.saved > SAVE_EVERY_S:
            self.save()

    def save(self) -> None:
        self.saved = time.monotonic()
        weights = {"model": self.model.state_dict(), "average": self.average, "best": self.best}
        course = {"history": asdict(self.history), "recent": self.recent, "curve": self.curve}
        state = {"run": self._fingerprint(), "optimizer": self.optimizer.state_dict(), **weights, **course}
        write_state(self.folder / STATE_FILE, state)

    def resume(self) -> None:
        state = read_state(self.folder / STATE_FILE, self._fingerprint(), self.device)
        if state is None:
            return
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.average, self.best, self.recent = state["average"], state["best"], state["recent"]
        self.history, self.curve = History(**state["history"]), state["curve"]
        if self.history.stopped_by == "time":
            self.history.stopped_by = "steps"
        logger.info("resumed %s at step %d", self.folder, self.history.step)

    def _fingerprint(self) -> str:
        fixed = [getattr(self.config, name) for name in FIXED]
        return json.dumps([fixed, self.peaks, [list(parameter.shape) for parameter in self.parameters]])


def _decay_groups(groups: Groups, weight_decay: float) -> list[dict[str, Any]]:
    """Part each group in two: matrices decay, biases and norms do not."""
    parted = [
        {
            "params": [p for p in parameters if (p.ndim > 1) == decays],
            "lr": rate,
            "weight_decay": decays * weight_decay,
        }
        for parameters, rate in groups
        for decays in (True, False)
    ]
    return [group for group in parted if group["params"]]


def _rate(history: History, config: LoopConfig) -> float:
    """The share of the peak learning rate at a step."""
    progress = history.step / config.n_steps
    if config.time_budget_s is not None:
        progress = max(progress, history.elapsed_s / config.time_budget_s)
    warmup = (history.step + 1) / max(1.0, config.warmup_share * config.n_steps)
    return min(1.0, warmup) * max(0.0, 1.0 - progress)


def _copy(model: nn.Module) -> dict[str, Tensor]:
    return {name: value.detach().clone() for name, value in model.state_dict().items()}


def _progress() -> Progress:
    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[loss]} {task.fields[score]}"))
    return Progress(
        TextColumn("{task.description}"), *columns, TimeRemainingColumn(), console=Console(stderr=True)
    )
