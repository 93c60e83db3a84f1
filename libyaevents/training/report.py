"""What a training run reports: its data, its course, and its scores, each with what it was measured on."""

import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from libyaevents.evaluation import Evaluation
from libyaevents.training.config import TrainConfig
from libyaevents.training.state import History

__all__ = ["TrainingReport", "chosen_on_dev"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingReport:
    """What a run learnt and how it scored; `train` writes it beside the model.

    `dev`, `cross_validation` and `fit` (on the text that was trained on) are there when they were measured.
    `already_seen` counts the documents of the corpus that the starting model was trained on before.
    `calibration` is what `calibrate_model` returns, `lessons` what `Lessons.describe` does.
    """

    model: Path
    config: TrainConfig
    corpus: Mapping[str, Any]
    already_seen: int
    unrepresentable: Mapping[str, int]
    history: History
    seconds: float
    dev: Evaluation | None = None
    cross_validation: Evaluation | None = None
    fit: Evaluation | None = None
    started_from: str = ""
    sources: tuple[str, ...] = ()
    pretraining: Mapping[str, Any] | None = None
    calibration: Mapping[str, Mapping[str, float]] | None = None
    lessons: Mapping[str, int | str] | None = None

    def to_dict(self) -> dict[str, Any]:
        """The report as training_report.json holds it."""
        scores = {name: getattr(self, name) for name in ("dev", "cross_validation", "fit")}
        return {
            "date": datetime.now(UTC).date().isoformat(),
            "config": self.config.to_dict(),
            "started_from": self.started_from,
            "pretraining": self.pretraining,
            "corpus": dict(self.corpus),
            "sources": list(self.sources),
            "already_seen": self.already_seen,
            "unrepresentable": dict(self.unrepresentable),
            "steps": self.history.step,
            "best_step": self.history.best_step,
            "stopped_by": self.history.stopped_by,
            "losses": self.history.losses,
            "scores_by_step": self.history.scores,
            "seconds": round(self.seconds, 1),
            "versions": _versions(),
            "calibration": self.calibration,
            "lessons": None if self.lessons is None else dict(self.lessons),
            **{name: evaluation.to_dict() for name, evaluation in scores.items() if evaluation is not None},
        }

    def to_text(self) -> str:
        """The scores for a terminal, each under the name of the text that it was measured on."""
        parts = [f"model: {self.model}"]
        if self.cross_validation is not None:
            parts.append(f"== Cross-validated over {self.config.folds} blocks of the corpus ==")
            if self.already_seen:
                parts.append(
                    f"Note: the starting model was itself trained on {self.already_seen} of these documents, "
                    "so these scores flatter it; start from an encoder (--encoder) for honest ones."
                )
            parts.append(self.cross_validation.to_text())
        if self.dev is not None:
            chosen = chosen_on_dev(self.history.scores)
            parts += [f"== On the dev file, which chose {chosen} ==", self.dev.to_text()]
        if self.calibration is not None:
            parts += [
                "== Expected calibration error, cross-validated over the dev documents ==",
                "\n".join(
                    f"{kind:10} {found['before']:.3f} before calibration, {found['after']:.3f} after"
                    for kind, found in self.calibration.items()
                ),
            ]
        if self.fit is not None:
            parts += [
                "== Fit on the text that was trained on (not a measure of quality) ==",
                self.fit.to_text(),
            ]
        return "\n\n".join(parts)


def chosen_on_dev(scores_by_step: Sequence[Mapping[str, float]]) -> str:
    """What dev chose in a run with these evaluations: without any, the last weights were kept."""
    return "the epoch and the biases" if scores_by_step else "the biases"


def _versions() -> dict[str, str]:
    packages = ("libyaevents", "torch", "transformers", "tokenizers", "onnxruntime", "numpy")
    return {"python": platform.python_version()} | {package: version(package) for package in packages}
