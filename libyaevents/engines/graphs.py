"""What the engines of exported graphs share: the names of inputs and outputs, their check, the threads."""

import os
from collections.abc import Iterable
from pathlib import Path

from libyaevents.errors import CheckpointError

__all__ = [
    "ENCODER_INPUTS",
    "ENCODER_OUTPUTS",
    "ROLES_INPUTS",
    "ROLES_OUTPUTS",
    "check_names",
    "n_cores",
    "n_threads_or_cores",
]

ENCODER_INPUTS = ("input_ids", "attention_mask", "word_ids", "word_mask")
ENCODER_OUTPUTS = ("word_states", "entity_logits", "trigger_logits")
ROLES_INPUTS = ("word_states", "word_mask", "sentence", "span", "event_type")
ROLES_OUTPUTS = ("role_logits", "factuality_logits")

MOST_THREADS = 8  # what batches of this size can keep busy


def check_names(path: Path, *, found: Iterable[str], expected: Iterable[str]) -> None:
    """Compare the names of a graph's inputs or outputs with those that an engine needs.

    Raises:
        CheckpointError: they differ.
    """
    names = list(found)
    if sorted(names) != sorted(expected):
        raise CheckpointError(
            f"{path} has {', '.join(names)}: expected {', '.join(expected)}; copy the model folder anew"
        )


def n_threads_or_cores(n_threads: int | None) -> int:
    """The threads asked for, else one for each core that this process may use, up to eight."""
    return n_threads or min(n_cores(), MOST_THREADS)


def n_cores() -> int:
    """The cores that this process may use; all there are where the system does not say (macOS)."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
