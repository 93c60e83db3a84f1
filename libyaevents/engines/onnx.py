"""The default engine: ONNX Runtime over the two exported graphs.

Graphs come from untrusted folders. `checkpoint` refuses those with tensors in other files before a session is
made; operators of a custom domain ONNX Runtime itself refuses, as it has no code for them.
"""

from collections.abc import Mapping
from pathlib import Path

import onnxruntime

from libyaevents.engines import Encoded, RoleLogits, TriggerBatch
from libyaevents.engines.graphs import (
    ENCODER_INPUTS,
    ENCODER_OUTPUTS,
    ROLES_INPUTS,
    ROLES_OUTPUTS,
    check_names,
)
from libyaevents.errors import CheckpointError
from libyaevents.windows import WindowBatch

__all__ = ["OnnxEngine", "RolesSession"]

# Its fused kernel takes four times as long as the addition and the normalization that it stands for.
SLOW_FUSIONS = ["SkipLayerNormFusion"]


class OnnxEngine:
    """Runs `encoder` and `roles` graphs on the CPU; several threads may call it at once."""

    def __init__(self, encoder: Path, roles: Path) -> None:
        self._encoder = _session(encoder, ENCODER_INPUTS, ENCODER_OUTPUTS)
        self._roles = RolesSession(roles)

    @property
    def widths(self) -> Mapping[str, int | str]:
        """The last dimension of each output, by name; a string where the graph leaves it open."""
        return {**_widths(self._encoder), **self._roles.widths()}

    def encode(self, batch: WindowBatch) -> Encoded:
        """Read windows: see `Encoded`."""
        return Encoded(
            *self._encoder.run(ENCODER_OUTPUTS, {name: getattr(batch, name) for name in ENCODER_INPUTS})
        )

    def roles(self, batch: TriggerBatch) -> RoleLogits:
        """Read the sentences of triggers: see `RoleLogits`."""
        return self._roles.run(batch)


class RolesSession:
    """Runs the `roles` graph alone."""

    def __init__(self, path: Path) -> None:
        self._session = _session(path, ROLES_INPUTS, ROLES_OUTPUTS)

    def widths(self) -> dict[str, int | str]:
        """The last dimension of each output, by name."""
        return _widths(self._session)

    def run(self, batch: TriggerBatch) -> RoleLogits:
        """Read the sentences of triggers: see `RoleLogits`."""
        return RoleLogits(
            *self._session.run(ROLES_OUTPUTS, {name: getattr(batch, name) for name in ROLES_INPUTS})
        )


def _widths(session: onnxruntime.InferenceSession) -> dict[str, int | str]:
    return {output.name: output.shape[-1] for output in session.get_outputs()}


def _session(path: Path, inputs: tuple[str, ...], outputs: tuple[str, ...]) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # the message of an error is raised; ORT's own log on stderr is not wanted
    # A call is one thread's: two batches side by side are done sooner than each by two threads.
    options.intra_op_num_threads = 1
    # It keeps a plan for every shape that ever came; a stream has ever new ones, and must stay flat.
    options.enable_mem_pattern = False
    try:
        session = onnxruntime.InferenceSession(
            path, options, providers=["CPUExecutionProvider"], disabled_optimizers=SLOW_FUSIONS
        )
    except Exception as error:  # ORT raises a dozen types that share no base class but this
        raise CheckpointError(f"{path} is not a graph that ONNX Runtime can run: {error}") from error
    check_names(path, found=[value.name for value in session.get_inputs()], expected=inputs)
    check_names(path, found=[value.name for value in session.get_outputs()], expected=outputs)
    return session
