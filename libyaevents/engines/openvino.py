"""OpenVINO over the encoder's graph: the extra `openvino`. The role head stays with ONNX Runtime.

The encoder is most of the work, and all that OpenVINO does faster. In the role head's graph it was no faster,
and wrong: OpenVINO 2026.4 joins a sum over an axis with the subtraction behind it, and mixes up rows.

Sums are made in float32 as in the default engine; where a processor has bfloat16, OpenVINO by itself would
round to it.
"""

from collections.abc import Mapping
from pathlib import Path

import openvino

from libyaevents.engines import Encoded, RoleLogits, TriggerBatch
from libyaevents.engines.graphs import ENCODER_INPUTS, ENCODER_OUTPUTS, check_names
from libyaevents.engines.onnx import RolesSession
from libyaevents.errors import CheckpointError
from libyaevents.windows import WindowBatch

__all__ = ["OpenVinoEngine"]


class OpenVinoEngine:
    """Runs `encoder` and `roles` graphs on the CPU; `n_threads` may call it at once."""

    def __init__(self, encoder: Path, roles: Path, *, n_threads: int = 1) -> None:
        self._encoder = _Encoder(encoder, n_threads)
        self._roles = RolesSession(roles)

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
    """The compiled graph; calls at once have a request each, as one request is one run at a time."""

    def __init__(self, path: Path, n_threads: int) -> None:
        config = {
            "INFERENCE_PRECISION_HINT": "f32",
            "PERFORMANCE_HINT": "LATENCY",
            # Of one thread each: see `libyaevents.engines.onnx`.
            "NUM_STREAMS": n_threads,
            "INFERENCE_NUM_THREADS": n_threads,
        }
        try:
            self._model = openvino.Core().compile_model(path, "CPU", config)
        except RuntimeError as error:
            raise CheckpointError(f"{path} is not a graph that OpenVINO can run: {error}") from error
        check_names(path, found=[value.any_name for value in self._model.inputs], expected=ENCODER_INPUTS)
        check_names(path, found=[value.any_name for value in self._model.outputs], expected=ENCODER_OUTPUTS)
        self._idle: list[openvino.InferRequest] = []

    def widths(self) -> dict[str, int | str]:
        last = {value.any_name: value.partial_shape[-1] for value in self._model.outputs}
        return {name: size.get_length() if size.is_static else str(size) for name, size in last.items()}

    def run(self, batch: WindowBatch) -> Encoded:
        try:
            request = self._idle.pop()
        except IndexError:
            request = self._model.create_infer_request()
        inputs = {name: getattr(batch, name) for name in ENCODER_INPUTS}
        found = request.infer(inputs, share_inputs=True)
        encoded = Encoded(*(found[name] for name in ENCODER_OUTPUTS))  # copies, which no later run changes
        self._idle.append(request)
        return encoded
