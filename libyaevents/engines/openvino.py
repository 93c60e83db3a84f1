"""OpenVINO over the encoder's graph: the extra `openvino`. The role head stays with ONNX Runtime.

The encoder is most of the work, and all that OpenVINO does faster. In the role head's graph it was no faster,
and wrong: OpenVINO 2026.4 joins a sum over an axis with the subtraction behind it, and mixes up rows.

Sums are made in float32 as in the default engine; where a processor has bfloat16, OpenVINO by itself would
round to it.
"""

from collections.abc import Mapping
from pathlib import Path
from threading import local

import openvino

from libyaevents.engines import Encoded, RoleLogits, TriggerBatch
from libyaevents.engines.graphs import ENCODER_INPUTS, ENCODER_OUTPUTS, check_names, n_threads_or_cores
from libyaevents.engines.onnx import RolesSession
from libyaevents.errors import CheckpointError
from libyaevents.windows import WindowBatch

__all__ = ["OpenVinoEngine"]


class OpenVinoEngine:
    """Runs `encoder` and `roles` graphs on the CPU; several threads may call it at once."""

    def __init__(self, encoder: Path, roles: Path, *, n_threads: int | None = None) -> None:
        self._encoder = _Encoder(encoder, n_threads)
        self._roles = RolesSession(roles, n_threads)

    @property
    def widths(self) -> Mapping[str, int | str]:
        """The last dimension of each output, by name; a string where the graph leaves it open."""
        return {**self._encoder.widths(), **self._roles.widths()}

    def encode(self, batch: WindowBatch) -> Encoded:
        """Read windows: see `Encoded`."""
        return self._encoder.run(batch)

    def roles(self, batch: TriggerBatch) -> RoleLogits:
        """Read the sentences of triggers: see `RoleLogits`."""
        return self._roles.run(batch)


class _Encoder:
    """The compiled graph; each thread has a request of its own, as one request is one run at a time."""

    def __init__(self, path: Path, n_threads: int | None) -> None:
        config = {
            "INFERENCE_PRECISION_HINT": "f32",
            "PERFORMANCE_HINT": "LATENCY",
            "NUM_STREAMS": "1",
            "INFERENCE_NUM_THREADS": n_threads_or_cores(n_threads),
        }
        try:
            self._model = openvino.Core().compile_model(path, "CPU", config)
        except RuntimeError as error:
            raise CheckpointError(f"{path} is not a graph that OpenVINO can run: {error}") from error
        check_names(path, found=[value.any_name for value in self._model.inputs], expected=ENCODER_INPUTS)
        check_names(path, found=[value.any_name for value in self._model.outputs], expected=ENCODER_OUTPUTS)
        self._requests = local()

    def widths(self) -> dict[str, int | str]:
        last = {value.any_name: value.partial_shape[-1] for value in self._model.outputs}
        return {name: size.get_length() if size.is_static else str(size) for name, size in last.items()}

    def run(self, batch: WindowBatch) -> Encoded:
        if not hasattr(self._requests, "own"):
            self._requests.own = self._model.create_infer_request()
        inputs = {name: getattr(batch, name) for name in ENCODER_INPUTS}
        found = self._requests.own.infer(inputs, share_inputs=True)
        return Encoded(*(found[name] for name in ENCODER_OUTPUTS))  # copies, which no later run changes
