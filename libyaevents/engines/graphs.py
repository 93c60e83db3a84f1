"""What the engines of exported graphs share: the names of inputs and outputs, their checks, the threads."""

import os
import re
from collections.abc import Iterable
from pathlib import Path

from libyaevents.errors import CheckpointError

__all__ = [
    "ENCODER_INPUTS",
    "ENCODER_OUTPUTS",
    "ROLES_INPUTS",
    "ROLES_OUTPUTS",
    "check_graph",
    "check_names",
    "n_cores",
    "n_threads_or_cores",
]

ENCODER_INPUTS = ("input_ids", "attention_mask", "word_ids", "word_mask")
ENCODER_OUTPUTS = ("word_states", "entity_logits", "trigger_logits")
ROLES_INPUTS = ("word_states", "word_mask", "sentence", "span", "event_type")
ROLES_OUTPUTS = ("role_logits", "factuality_logits")

# The entry of an ONNX tensor that names a file of its own: protobuf's tag 1, length 8, "location". A number
# may be padded to ten bytes and still be valid, which a crafted file could do to hide it.
_LOCATION = b"location"
_LONGEST_HEAD = 20  # bytes of tag and length
_PAD = rb"[\x80-\xff]*[\x00-\x7f]"
_EXTERNAL_DATA_HEAD = re.compile(rb"(?:\x0a|\x8a" + _PAD + rb")(?:\x08|\x88" + _PAD + rb")\Z")

MOST_THREADS = 8  # what batches of this size can keep busy


def check_graph(path: Path) -> None:
    """Refuse a graph that keeps tensors outside its own file.

    The protobuf is searched as bytes, so that the runtime needs no `onnx` package. Operators of a custom
    domain need no check: ONNX Runtime has no code for them and refuses the graph.

    Raises:
        CheckpointError: it does.
    """
    data = path.read_bytes()
    places = (found.start() for found in re.finditer(_LOCATION, data))
    if any(_EXTERNAL_DATA_HEAD.search(data, max(0, place - _LONGEST_HEAD), place) for place in places):
        raise CheckpointError(
            f"{path} keeps tensors in files of their own: expected a graph that is whole in one file; "
            "export it anew with `libyaevents export`"
        )


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
