"""The default engine: ONNX Runtime over the two exported graphs.

Graphs come from untrusted folders: external data outside the folder and operators of foreign domains are refused
by `checkpoint` before a session is made.
"""

import os
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
        self._encoder = _session(encoder, n_threads)
        self._roles = _session(roles, n_threads)

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


def _session(path: Path, n_threads: int | None) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # the message of an error is raised; ORT's own log on stderr is not wanted
    options.intra_op_num_threads = n_threads or min(len(os.sched_getaffinity(0)), 8)
    try:
        return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ORT raises a dozen types that share no base class but this
        raise CheckpointError(f"{path} is not a graph that ONNX Runtime can run: {error}") from error
