"""Write the network as ONNX graphs: two in float32, or the encoder in static int8.

In: a torch network (and, for int8, windows of real text to measure activations on). Out: graph files, each
whole in itself, of standard operators alone, so that ONNX Runtime and OpenVINO both read them.
"""

import logging
import tempfile
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import onnx
import torch
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QuantFormat,
    QuantType,
    quantize_static,
)
from onnxruntime.quantization.shape_inference import quant_pre_process
from torch import Tensor, nn
from torch.export import Dim

from libyaevents.checkpoint import load_network, model_folder, whole_folder
from libyaevents.engines.onnx import ENCODER_INPUTS, ENCODER_OUTPUTS, ROLES_INPUTS, ROLES_OUTPUTS
from libyaevents.modeling import EncoderOutput, EventModel, RolesOutput
from libyaevents.windows import WindowBatch

__all__ = ["export", "write_encoder", "write_int8_encoder", "write_roles"]

OPSET = 18
FULL_ENCODER = "encoder.onnx"
EXPORTER = logging.getLogger("torch.onnx._internal.exporter._registration")


def export(name_or_path: str | Path, output: Path) -> Path:
    """Write a model's two graphs in float32, `encoder.onnx` and `roles.onnx`, as the folder `output`.

    Raises:
        ModelNotFoundError, CheckpointError: there is no such model, or it is damaged.
        OutputError: the folder holds other things or could not be written; nothing was changed.
    """
    model = load_network(model_folder(name_or_path))
    with whole_folder(output, marker=FULL_ENCODER) as folder:
        write_encoder(model, folder / FULL_ENCODER)
        write_roles(model, folder / "roles.onnx")
    return output


class _Encode(nn.Module):
    """The first call as a module of its own, which is what torch exports."""

    def __init__(self, model: EventModel) -> None:
        super().__init__()
        self.model = model

    def forward(
        self, input_ids: Tensor, attention_mask: Tensor, word_ids: Tensor, word_mask: Tensor
    ) -> EncoderOutput:
        return self.model.encode(input_ids, attention_mask, word_ids, word_mask)


class _Roles(nn.Module):
    """The second call as a module of its own."""

    def __init__(self, model: EventModel) -> None:
        super().__init__()
        self.model = model

    def forward(
        self, word_states: Tensor, word_mask: Tensor, sentence: Tensor, span: Tensor, event_type: Tensor
    ) -> RolesOutput:
        return self.model.roles(word_states, word_mask, sentence, span, event_type)


def write_encoder(model: EventModel, path: Path) -> None:
    """Write the first call's graph in float32."""
    batch, subwords, words = Dim.DYNAMIC, Dim.DYNAMIC, Dim.DYNAMIC
    ids = torch.arange(2 * 12).view(2, 12)
    example = (ids, torch.ones_like(ids), (ids % 12).clamp(max=6) - 1, torch.ones(2, 6, dtype=torch.bool))
    shapes = ({0: batch, 1: subwords},) * 3 + ({0: batch, 1: words},)
    _write(_Encode(model.eval()), example, shapes, ENCODER_INPUTS, ENCODER_OUTPUTS, path)


def write_roles(model: EventModel, path: Path) -> None:
    """Write the second call's graph in float32: it is small, its inputs vary too much for fixed ranges."""
    hidden = model.encoder.config.hidden_size
    triggers, sentences, words = {0: Dim.DYNAMIC}, Dim.DYNAMIC, Dim.DYNAMIC
    example = (
        torch.randn(2, 7, hidden),
        torch.ones(2, 7, dtype=torch.bool),
        torch.tensor([0, 1, 1]),
        torch.tensor([[0, 1], [2, 4], [6, 7]]),
        torch.tensor([0, 0, 0]),
    )
    shapes = ({0: sentences, 1: words}, {0: sentences, 1: words}, triggers, triggers, triggers)
    _write(_Roles(model.eval()), example, shapes, ROLES_INPUTS, ROLES_OUTPUTS, path)


def write_int8_encoder(model: EventModel, path: Path, calibration: Iterable[WindowBatch]) -> None:
    """Write the first call's graph with int8 weights and activations (static QDQ), embeddings in int8 by row.

    Args:
        model: the network.
        path: the graph file to write.
        calibration: real text; the ranges of the activations are measured on it.
    """
    embeddings: Any = model.encoder.embeddings
    restored = embeddings.word_embeddings
    embeddings.word_embeddings = RowwiseEmbedding(restored.weight)
    try:
        with tempfile.TemporaryDirectory() as scratch:
            full, prepared = Path(scratch) / "full.onnx", Path(scratch) / "prepared.onnx"
            write_encoder(model, full)
            quant_pre_process(str(full), str(prepared), skip_symbolic_shape=True)
            quantize_static(
                str(prepared),
                str(path),
                _Reader(calibration),
                quant_format=QuantFormat.QDQ,
                op_types_to_quantize=["MatMul", "Gemm"],
                per_channel=True,
                reduce_range=True,  # sums of eight-bit products saturate on processors without VNNI
                activation_type=QuantType.QUInt8,
                weight_type=QuantType.QInt8,
                calibrate_method=CalibrationMethod.MinMax,
                nodes_to_exclude=_kept_in_float(prepared),
            )
    finally:
        embeddings.word_embeddings = restored


class RowwiseEmbedding(nn.Module):
    """An embedding table in int8 with one scale a row, (vocabulary, hidden)."""

    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        scale = weight.detach().abs().amax(1, keepdim=True).clamp(min=1e-8) / 127
        self.scale = nn.Buffer(scale)
        self.table = nn.Buffer((weight.detach() / scale).round().to(torch.int8))

    def forward(self, ids: Tensor) -> Tensor:
        """Look up `ids` (batch, subwords): (batch, subwords, hidden)."""
        return self.table[ids].float() * self.scale[ids]


class _Reader(CalibrationDataReader):  # type: ignore[misc]  # ONNX Runtime publishes no types
    def __init__(self, batches: Iterable[WindowBatch]) -> None:
        self.batches: Iterator[WindowBatch] = iter(batches)

    def get_next(self) -> dict[str, Any] | None:
        batch = next(self.batches, None)
        return None if batch is None else {name: getattr(batch, name) for name in ENCODER_INPUTS}


def _kept_in_float(path: Path) -> list[str]:
    """Name the products that stay in float32.

    Those of two activations (attention, pooling) gain no speed in int8. Those of attention's projections,
    which are square, would cost half a point of F1 for a fifteenth of the time; those of the heads, whose
    logits decide between close tags, a point for no measurable time.
    """
    graph = onnx.load(path).graph
    weights = {tensor.name: tuple(tensor.dims) for tensor in graph.initializer}
    products = []
    for node in graph.node:
        shapes = [weights[name] for name in node.input if name in weights]
        if node.op_type == "MatMul" and (not shapes or len(set(shapes[0])) == 1):
            products.append(node.name)
    maker = {name: node for node in graph.node for name in node.output}
    for output in ENCODER_OUTPUTS[1:]:
        node = maker[output]
        while node.op_type not in ("MatMul", "Gemm"):
            node = next(maker[name] for name in node.input if name in maker)
        products.append(node.name)
    return products


def _write(
    module: nn.Module,
    example: tuple[Tensor, ...],
    shapes: tuple[dict[int, Any], ...],
    inputs: tuple[str, ...],
    outputs: tuple[str, ...],
    path: Path,
) -> None:
    with _quiet():
        program = torch.onnx.export(
            module,
            example,
            input_names=list(inputs),
            output_names=list(outputs),
            dynamic_shapes=shapes,
            opset_version=OPSET,
            dynamo=True,
            external_data=False,
            verbose=False,
        )
    if program is None:
        raise RuntimeError("torch.onnx.export returned no program")
    program.save(str(path), external_data=False)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep back the exporter's warnings of its own deprecated internals, and of torchvision being absent."""
    level = EXPORTER.level
    EXPORTER.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        EXPORTER.setLevel(level)
