"""The default engine: ONNX Runtime over the two exported graphs.

Graphs come from untrusted folders. `checkpoint` refuses those with tensors in other files before a session is
made; operators of a custom domain ONNX Runtime itself refuses, as it has no code for them.
"""

import os
from collections.abc import Mapping
from pathlib import Path

import onnxruntime

from libyaevents.engines import Encoded, RoleLogits, TriggerBatch
from libyaevents.errors import CheckpointError
from libyaevents.windows import WindowBatch

__all__ = ["ENCODER_INPUTS", "ENCODER_OUTPUTS", "ROLES_INPUTS", "ROLES_OUTPUTS", "OnnxEngine"]

ENCODER_INPUTS = ("input_ids", "attention_mask", "word_ids", "word_mask")
ENCODER_OUTPUTS = ("word_states", "entity_logits", "trigger_logits")
ROLES_INPUTS = ("word_states", "word_mask", "sentence", "span", "event_type")
ROLES_OUTPUTS = ("role_logits", "factuality_logits")


class OnnxEngine:
    """Runs `encoder` and `roles` graphs on the CPU."""

    def __init__(self, encoder: Path, roles: Path, *, n_threads: int | None = None) -> None:
        self._encoder = _session(encoder, n_threads, ENCODER_INPUTS, ENCODER_OUTPUTS)
        self._roles = _session(roles, n_threads, ROLES_INPUTS, ROLES_OUTPUTS)

    @property
    def widths(self) -> Mapping[str, int | str]:
        """The last dimension of each output, by name; a string where the graph leaves it open."""
        outputs = (*self._encoder.get_outputs(), *self._roles.get_outputs())
        return {output.name: output.shape[-1] for output in outputs}

    def encode(self, batch: WindowBatch) -> Encoded:
        """Read windows: see `Encoded`."""
        return Encoded(
            *self._encoder.run(ENCODER_OUTPUTS, {name: getattr(batch, name) for name in ENCODER_INPUTS})
        )

    def roles(self, batch: TriggerBatch) -> RoleLogits:
        """Read the sentences of triggers: see `RoleLogits`."""
        return RoleLogits(
            *self._roles.run(ROLES_OUTPUTS, {name: getattr(batch, name) for name in ROLES_INPUTS})
        )


def _session(
    path: Path, n_threads: int | None, inputs: tuple[str, ...], outputs: tuple[str, ...]
) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # the message of an error is raised; ORT's own log on stderr is not wanted
    options.intra_op_num_threads = n_threads or min(_n_cores(), 8)
    try:
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ORT raises a dozen types that share no base class but this
        raise CheckpointError(f"{path} is not a graph that ONNX Runtime can run: {error}") from error
    for expected, values in ((inputs, session.get_inputs()), (outputs, session.get_outputs())):
        found = [value.name for value in values]
        if sorted(found) != sorted(expected):
            raise CheckpointError(
                f"{path} has {', '.join(found)}: expected {', '.join(expected)}; copy the model folder anew"
            )
    return session


def _n_cores() -> int:
    """The cores that this process may use; all there are where the system does not say (macOS)."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
