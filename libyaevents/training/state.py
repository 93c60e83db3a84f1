"""What a run of the training loop is: its configuration, its history, and the file it resumes from.

The file lies outside any checkpoint, is written whole or not at all, and is read without pickled code.
"""

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch

from libyaevents.errors import ConfigError, OutputError

__all__ = ["History", "LoopConfig", "read_state", "write_curve", "write_state"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopConfig:
    """How long and how fast to train.

    The learning rate rises over `warmup_share` of the run and falls linearly to zero, with the steps or,
    under a time budget, with the clock where that is further on: a run cut short still ends on a small rate.
    `identity` tells the run's data and settings from others', so that no run resumes from another's state.
    """

    n_steps: int
    identity: str = ""
    warmup_share: float = 0.06
    weight_decay: float = 0.01
    max_gradient_norm: float = 1.0
    average_decay: float | None = None
    seed: int = 0
    precision: str = "float32"
    time_budget_s: float | None = None
    evaluate_every: int | None = None
    patience: int | None = None


@dataclass(slots=True, kw_only=True)
class History:
    """What happened: `losses` as (step, mean since the last entry), `scores` by evaluation, in order."""

    step: int = 0
    elapsed_s: float = 0.0
    losses: list[tuple[int, float]] = field(default_factory=list)
    scores: list[dict[str, float]] = field(default_factory=list)
    best_step: int | None = None
    best_score: float | None = None
    stopped_by: str = "steps"


def write_state(path: Path, state: dict[str, Any]) -> None:
    """Replace the file at `path`, whose folder is made where there is none.

    Raises:
        OutputError: it could not be written; the old state is as it was.
    """
    temporary = path.with_suffix(".tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        torch.save(state, temporary)
        temporary.replace(path)
    except (OSError, RuntimeError) as error:  # torch raises a RuntimeError when the disk is full
        with suppress(OSError):
            temporary.unlink()
        raise OutputError(f"cannot save the state of training to {path}: {error}; free some space") from error


def write_curve(path: Path, rows: Sequence[Mapping[str, float]]) -> None:
    """Write the losses so far as JSON Lines.

    Raises:
        OutputError: they could not be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}; choose another folder") from error


def read_state(path: Path, run: str, device: torch.device) -> dict[str, Any] | None:
    """Read the state of the run that `run` tells apart from others; None where there is none.

    Raises:
        ConfigError: the file is damaged, or belongs to another run.
    """
    if not path.is_file():
        return None
    advice = "give a fresh output folder, or delete that file to start over"
    try:
        state: dict[str, Any] = torch.load(path, map_location=device, weights_only=True)
    except (OSError, RuntimeError, EOFError, UnpicklingError) as error:
        raise ConfigError(f"{path} is damaged: expected the state of a run of training; {advice}") from error
    if not isinstance(state, dict) or state.get("run") != run:
        raise ConfigError(
            f"{path} belongs to a run of another configuration: expected the same one; {advice}"
        )
    return state
