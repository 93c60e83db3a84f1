"""How fast this machine multiplies matrices, in a process of its own: the peak that rows are compared with.

    python -m libyaevents.benchmark.gemm THREADS

Serves `run`: operations a second (a multiplication and an addition are two) of float32, by torch's and
numpy's products, and of int8, by ONNX Runtime and, where it is installed, OpenVINO; the faster of each pair.
"""

import sys
import time
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import numpy as np
import onnxruntime
import torch
from onnx import TensorProto, helper, numpy_helper

from libyaevents.benchmark.workers import serve

__all__ = ["main", "rates"]

SIZE = 1024  # of the square matrices: as many rows as a batch has subwords
REPEATS, OPSET = 5, 18
Run = Callable[[], object]


def main(arguments: list[str]) -> None:
    """Make the products and serve."""
    (n_threads,) = arguments
    probes = products(int(n_threads))
    serve({"run": lambda: rates(probes)})


def rates(probes: dict[str, list[Run]]) -> dict[str, float]:
    """Operations a second by precision: of the fastest of a few repeats of the fastest product."""
    n_operations = 2 * SIZE**3
    return {
        precision: max(n_operations / _seconds(run) for run in runs for _ in range(REPEATS))
        for precision, runs in probes.items()
    }


def products(n_threads: int) -> dict[str, list[Run]]:
    """Make the products to time, by precision."""
    torch.set_num_threads(n_threads)
    generator = np.random.default_rng(0)
    left, right = (generator.standard_normal((SIZE, SIZE), np.float32) for _ in range(2))
    left_tensor, right_tensor = torch.from_numpy(left), torch.from_numpy(right)
    graph = _quantized_product()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = n_threads
    session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    quantized: list[Run] = [lambda: session.run(None, {"left": left})]
    if find_spec("openvino"):
        import openvino

        core = openvino.Core()
        settings = {"INFERENCE_NUM_THREADS": n_threads, "PERFORMANCE_HINT": "LATENCY"}
        request = core.compile_model(core.read_model(graph), "CPU", settings).create_infer_request()
        quantized.append(lambda: request.infer({"left": left}, share_inputs=True, share_outputs=True))
    return {
        "float32": [lambda: torch.mm(left_tensor, right_tensor), lambda: left @ right],
        "int8": quantized,
    }


def _quantized_product() -> bytes:
    """A graph of one product with weights and activations in int8, quantized as the models are."""
    weights = np.random.default_rng(0).integers(-64, 64, (SIZE, SIZE), np.int8)
    constants: dict[str, Any] = {
        "scale": np.float32(0.05),
        "zero": np.uint8(128),
        "weights": weights,
        "weight_scales": np.full(SIZE, 0.02, np.float32),
        "weight_zeros": np.zeros(SIZE, np.int8),
    }
    nodes = [
        helper.make_node("QuantizeLinear", ["left", "scale", "zero"], ["quantized"]),
        helper.make_node("DequantizeLinear", ["quantized", "scale", "zero"], ["activations"]),
        helper.make_node("DequantizeLinear", ["weights", "weight_scales", "weight_zeros"], ["right"], axis=1),
        helper.make_node("MatMul", ["activations", "right"], ["product"]),
    ]
    inputs, outputs = (
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, [SIZE, SIZE])] for name in ("left", "product")
    )
    tensors = [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()]
    graph = helper.make_graph(nodes, "product", inputs, outputs, tensors)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=9)
    serialized: bytes = model.SerializeToString()
    return serialized


def _seconds(run: Run) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


if __name__ == "__main__":
    main(sys.argv[1:])
