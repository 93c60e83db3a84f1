"""The one training loop, shared by pretraining and fine-tuning.

In: a network, a function that gives the batch of any step, a function that gives its loss.
Out: the network with its best (or last) weights, and the history of losses and scores.

A step is a pure function of (seed, step): the batch is looked up by its number and the random generators are
seeded anew at every step, so a run that was stopped and resumed meets the same losses as one that was not.
"""

import json
import logging
import os
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from torch import Tensor, nn

from libyaevents.errors import ConfigError, OutputError

__all__ = ["History", "LoopConfig", "fit"]

logger = logging.getLogger(__name__)

STATE_FILE = "resume.pt"
CURVE_FILE = "curve.jsonl"
LOG_EVERY = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopConfig:
    """How long and how fast to train.

    The learning rate rises over `warmup_share` of the run and falls linearly to zero. When a time budget is
    set it falls with whichever is further on, the steps or the clock, so that a run cut by the clock still
    ends on a small rate.
    """

    n_steps: int
    warmup_share: float = 0.06
    weight_decay: float = 0.01
    max_gradient_norm: float = 1.0
    average_decay: float | None = None
    seed: int = 0
    precision: str = "float32"
    time_budget_s: float | None = None
    evaluate_every: int | None = None
    patience: int | None = None
    save_every_s: float = 300.0


@dataclass(slots=True, kw_only=True)
class History:
    """What happened in a run: `losses` as (step, mean loss since the last entry), `scores` by evaluation."""

    step: int = 0
    elapsed_s: float = 0.0
    losses: list[tuple[int, float]] = field(default_factory=list)
    scores: list[dict[str, float]] = field(default_factory=list)
    best_step: int | None = None
    best_score: float | None = None
    stopped_by: str = "steps"


def fit(
    model: nn.Module,
    compute_loss: Callable[[Any], Tensor],
    make_batch: Callable[[int], Any],
    *,
    groups: Sequence[tuple[Sequence[nn.Parameter], float]],
    config: LoopConfig,
    folder: Path,
    evaluate: Callable[[], Mapping[str, float]] | None = None,
) -> History:
    """Train `model` in place; resume from `folder` when an unfinished run with the same config lies there.

    Args:
        model: the network, whose best weights by `evaluate` (else last) are in it at the end.
        compute_loss: the scalar loss of a batch.
        make_batch: the batch of a step, the same for the same step.
        groups: parameters with their peak learning rates.
        config: length, schedule and limits.
        folder: where the resume state and the curve are kept; outside any checkpoint.
        evaluate: scores of the network as it stands; `score` is the one maximised.

    Raises:
        ConfigError: the folder holds the state of a different run, or a loss is not finite.
        OutputError: the state could not be written.
    """
    run = _Run(model, groups, config, folder)
    run.resume()
    with _progress() as progress:
        bar = progress.add_task("train", total=config.n_steps, completed=run.history.step, loss="", score="")
        while run.may_go_on():
            loss = run.step(compute_loss, make_batch)
            if loss is not None:
                progress.update(bar, loss=f"loss {loss:.3f}")
            progress.update(bar, completed=run.history.step)
            if evaluate is not None and run.is_time_to_evaluate():
                score = run.record(evaluate)
                progress.update(bar, score=f"score {score:.2f}")
    run.finish()
    return run.history


class _Run:
    """The state of one run: weights, optimiser, clock, best weights so far."""

    def __init__(
        self,
        model: nn.Module,
        groups: Sequence[tuple[Sequence[nn.Parameter], float]],
        config: LoopConfig,
        folder: Path,
    ) -> None:
        self.model, self.config, self.folder = model, config, folder
        self.history = History()
        self.best: dict[str, Tensor] | None = None
        self.average = _copy(model) if config.average_decay else None
        self.parameters = [parameter for parameters, _ in groups for parameter in parameters]
        self.optimizer = torch.optim.AdamW(_decay_groups(groups, config.weight_decay), fused=True)
        self.peaks = [group["lr"] for group in self.optimizer.param_groups]
        self.started = self.saved = time.monotonic()
        self.recent: list[Tensor] = []

    def may_go_on(self) -> bool:
        history, config = self.history, self.config
        history.elapsed_s += time.monotonic() - self.started
        self.started = time.monotonic()
        if config.time_budget_s is not None and history.elapsed_s >= config.time_budget_s:
            history.stopped_by = "time"
            return False
        return history.stopped_by == "steps" and history.step < config.n_steps

    def step(self, compute_loss: Callable[[Any], Tensor], make_batch: Callable[[int], Any]) -> float | None:
        history = self.history
        torch.manual_seed(self.config.seed * 1_000_003 + history.step)
        rate = _schedule(history, self.config)
        for group, peak in zip(self.optimizer.param_groups, self.peaks, strict=True):
            group["lr"] = peak * rate
        self.model.train()
        with _autocast(self.config.precision):
            loss = compute_loss(make_batch(history.step))
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it unannotated
        nn.utils.clip_grad_norm_(self.parameters, self.config.max_gradient_norm)
        self.optimizer.step()
        history.step += 1
        self._average_weights()
        self.recent.append(loss.detach())
        if time.monotonic() - self.saved > self.config.save_every_s:
            self.save()
        return self._log() if history.step % LOG_EVERY == 0 or history.step == self.config.n_steps else None

    def _average_weights(self) -> None:
        if self.average is None or self.config.average_decay is None:
            return
        decay = min(self.config.average_decay, self.history.step / (self.history.step + 10))
        with torch.no_grad():
            for name, value in self.model.state_dict().items():
                if value.is_floating_point():
                    self.average[name].lerp_(value, 1 - decay)

    def _log(self) -> float:
        mean = float(torch.stack(self.recent).float().mean())
        self.recent.clear()
        if mean != mean or mean in (float("inf"), float("-inf")):
            raise ConfigError(
                f"the training loss is {mean} at step {self.history.step}: expected a finite number; "
                "lower the learning rates or set precision = 'float32'"
            )
        self.history.losses.append((self.history.step, mean))
        row = {"step": self.history.step, "loss": mean, "elapsed_s": round(self.history.elapsed_s, 1)}
        with (self.folder / CURVE_FILE).open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(row) + "\n")
        return mean

    def is_time_to_evaluate(self) -> bool:
        every = self.config.evaluate_every
        step = self.history.step
        return every is not None and (step % every == 0 or step == self.config.n_steps)

    def record(self, evaluate: Callable[[], Mapping[str, float]]) -> float:
        weights = _copy(self.model) if self.average is not None else None
        if self.average is not None:
            self.model.load_state_dict(self.average)
        self.model.eval()
        with torch.no_grad():
            scores = dict(evaluate())
        history, score = self.history, scores["score"]
        history.scores.append({"step": float(history.step), **scores})
        if history.best_score is None or score > history.best_score:
            history.best_score, history.best_step = score, history.step
            self.best = _copy(self.model)
        if weights is not None:
            self.model.load_state_dict(weights)
        patience = self.config.patience
        if patience is not None:
            recent = [entry["score"] for entry in history.scores[-patience:]]
            if len(history.scores) > patience and max(recent) < history.best_score:
                history.stopped_by = "patience"
        return score

    def finish(self) -> None:
        self.save()
        weights = self.best or self.average
        if weights is not None:
            self.model.load_state_dict(weights)
        self.model.eval()

    def save(self) -> None:
        """Write the resume state, atomically."""
        self.saved = time.monotonic()
        history = {name: getattr(self.history, name) for name in History.__slots__}
        state = {
            "run": self._fingerprint(),
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "average": self.average,
            "best": self.best,
            "history": history,
        }
        temporary = self.folder / (STATE_FILE + ".tmp")
        try:
            torch.save(state, temporary)
            os.replace(temporary, self.folder / STATE_FILE)
        except (OSError, RuntimeError) as error:
            temporary.unlink(missing_ok=True)
            raise OutputError(f"cannot save the training state to {self.folder}: {error}") from error

    def resume(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / STATE_FILE
        if not path.exists():
            (self.folder / CURVE_FILE).unlink(missing_ok=True)
            return
        state = torch.load(path, map_location="cpu", weights_only=True)
        if state["run"] != self._fingerprint():
            raise ConfigError(
                f"{path} belongs to a run with another configuration or network; "
                "give a fresh output folder, or delete that file to start over"
            )
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.average, self.best = state["average"], state["best"]
        self.history = History(**state["history"])
        logger.info("resumed %s at step %d", self.folder, self.history.step)

    def _fingerprint(self) -> str:
        fixed = {
            name: getattr(self.config, name) for name in ("n_steps", "seed", "precision", "weight_decay")
        }
        shapes = [list(parameter.shape) for parameter in self.parameters]
        return json.dumps([fixed, self.peaks, shapes])


def _decay_groups(
    groups: Sequence[tuple[Sequence[nn.Parameter], float]], weight_decay: float
) -> list[dict[str, Any]]:
    """Split each group: matrices decay, biases and norms do not."""
    split = []
    for parameters, rate in groups:
        for decays in (True, False):
            chosen = [parameter for parameter in parameters if (parameter.ndim > 1) == decays]
            if chosen:
                split.append({"params": chosen, "lr": rate, "weight_decay": weight_decay if decays else 0.0})
    return split


def _schedule(history: History, config: LoopConfig) -> float:
    progress = history.step / config.n_steps
    if config.time_budget_s is not None:
        progress = max(progress, history.elapsed_s / config.time_budget_s)
    warmup = min(1.0, (history.step + 1) / max(1.0, config.warmup_share * config.n_steps))
    return warmup * max(0.0, 1.0 - progress)


def _autocast(precision: str) -> Any:
    if precision == "bfloat16":
        return torch.autocast("cpu", dtype=torch.bfloat16)
    return nullcontext()


def _copy(model: nn.Module) -> dict[str, Tensor]:
    return {name: value.detach().clone() for name, value in model.state_dict().items()}


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[loss]} {task.fields[score]}"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    )
