"""Write the network for other runtimes: as ONNX graphs, or its entities alone for transformers' pipelines.

In: a torch network (and, for int8, windows of real text to measure activations on). Out: graph files, each
whole in itself, of standard operators alone, so that ONNX Runtime and OpenVINO both read them; or a folder
that `AutoModelForTokenClassification` loads.
"""

import json
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
from safetensors.torch import save_file
from tokenizers import Tokenizer
from tokenizers.decoders import WordPiece
from tokenizers.processors import TemplateProcessing
from torch import Tensor, nn
from torch.export import Dim
from transformers import BertConfig, BertForTokenClassification

from libyaevents.catalog import CARD, CONFIG, model_folder
from libyaevents.checkpoint import (
    TOKENIZER,
    WEIGHTS,
    Settings,
    load_labels,
    load_network,
    load_settings,
    load_words_tokenizer,
)
from libyaevents.engines.graphs import ENCODER_INPUTS, ENCODER_OUTPUTS, ROLES_INPUTS, ROLES_OUTPUTS
from libyaevents.errors import ConfigError
from libyaevents.fused import FusedEncoder
from libyaevents.modeling import EventModel, RolesOutput
from libyaevents.outputs import whole_folder
from libyaevents.subwords import special_ids
from libyaevents.tags import iob2_tags
from libyaevents.windows import WindowBatch

__all__ = ["export", "export_entities", "write_encoder", "write_int8_encoder", "write_roles"]

OPSET = 20  # the first with GELU as one operator
FULL_ENCODER = "encoder.onnx"
PROVENANCE = "libyaevents.json"  # of an export for transformers: which model it is of
# The names of transformers 4 and 5 alike for "what tokenizer.json says".
TOKENIZER_CLASS = "PreTrainedTokenizerFast"
SPECIALS = {f"{name}_token": f"[{name.upper()}]" for name in ("pad", "unk", "cls", "sep", "mask")}
# How pipelines are to put subwords together, by how the network does.
AGGREGATION = {"mean": "average", "first": "first"}
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


def export_entities(name_or_path: str | Path, output: Path) -> Path:
    """Write the encoder and its entity head as a folder that `AutoModelForTokenClassification` loads.

    The head is linear, so a word's logits are the mean of its subwords' (with pooling "first", those of the
    first). What stands around the head stays behind: other heads, biases, constrained decoding, calibration.

    Raises:
        ModelNotFoundError, CheckpointError: there is no such model, or it is damaged.
        ConfigError: the model pools subwords by their maximum, which is not linear.
        OutputError: the folder holds other things or could not be written; nothing was changed.
    """
    source = model_folder(name_or_path)
    settings, model = load_settings(source), load_network(source)
    if settings.pooling not in AGGREGATION:
        raise ConfigError(
            f"{source} pools subwords by {settings.pooling!r}: expected 'mean' or 'first', as no classifier "
            "of subwords equals one of their maximum; train with --pooling mean"
        )
    tags = iob2_tags(load_labels(source).entities)
    tokenizer = load_words_tokenizer(source)
    with whole_folder(output, marker=PROVENANCE) as folder:
        _write_classifier(model, tags, folder)
        _write_tokenizer(tokenizer, settings, folder)
        _write_provenance(settings, folder)
    return output


def _write_classifier(model: EventModel, tags: tuple[str, ...], folder: Path) -> None:
    names = {"id2label": dict(enumerate(tags)), "label2id": {tag: index for index, tag in enumerate(tags)}}
    config = BertConfig.from_dict(model.encoder.config.to_dict() | names)
    config.architectures = [BertForTokenClassification.__name__]
    classifier = BertForTokenClassification(config)
    classifier.bert.load_state_dict(model.encoder.state_dict())
    classifier.classifier.load_state_dict(model.entities.state_dict())
    (folder / CONFIG).write_text(config.to_json_string(), encoding="utf-8")
    weights = {name: value.contiguous() for name, value in classifier.state_dict().items()}
    save_file(weights, folder / WEIGHTS, metadata={"format": "pt"})
    (folder / WEIGHTS).chmod(0o644)  # safetensors makes files that their owner alone may read


def _write_tokenizer(tokenizer: Tokenizer, settings: Settings, folder: Path) -> None:
    """Write the tokenizer with the special tokens, which the extractor puts in by itself."""
    specials = list(zip((SPECIALS["cls_token"], SPECIALS["sep_token"]), special_ids(tokenizer), strict=True))
    tokenizer.post_processor = TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=specials
    )
    tokenizer.decoder = WordPiece()
    tokenizer.save(str(folder / TOKENIZER))
    config = {
        "tokenizer_class": TOKENIZER_CLASS,
        "model_max_length": settings.max_subwords,
        "model_input_names": ["input_ids", "attention_mask"],
        **SPECIALS,
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")


def _write_provenance(settings: Settings, folder: Path) -> None:
    strategy = AGGREGATION[settings.pooling]
    facts = {"model": settings.name, "version": settings.version, "aggregation_strategy": strategy}
    (folder / PROVENANCE).write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
    (folder / CARD).write_text(
        CLASSIFIER_CARD.format(name=settings.name, version=settings.version, strategy=strategy),
        encoding="utf-8",
    )


CLASSIFIER_CARD = """\
---
language: ar
license: apache-2.0
library_name: transformers
pipeline_tag: token-classification
tags: [arabic, named-entity-recognition, conflict, news]
---

# {name}: entities

The entity head of the `libyaevents` model {name}, version {version}; its card tells the data and the scores.

```python
from transformers import pipeline

find = pipeline("token-classification", model=".", aggregation_strategy="{strategy}", stride=32)
```

`libyaevents` itself reads the same network with words of its own, constrained decoding, a tuned bias and
calibrated scores, and finds events besides.
"""


class _Roles(nn.Module):
    """The second call as a module of its own, which is what torch exports."""

    def __init__(self, model: EventModel) -> None:
        super().__init__()
        self.model = model

    def forward(
        self, word_states: Tensor, word_mask: Tensor, sentence: Tensor, span: Tensor, event_type: Tensor
    ) -> RolesOutput:
        return self.model.roles(word_states, word_mask, sentence, span, event_type)


def write_encoder(model: EventModel, path: Path) -> None:
    """Write the first call's graph in float32."""
    _write_encoder(FusedEncoder(model), path)


def _write_encoder(fused: FusedEncoder, path: Path) -> None:
    batch, subwords, words = Dim.DYNAMIC, Dim.DYNAMIC, Dim.DYNAMIC
    ids = torch.arange(2 * 12).view(2, 12)
    example = (ids, torch.ones_like(ids), (ids % 12).clamp(max=6) - 1, torch.ones(2, 6, dtype=torch.bool))
    shapes = ({0: batch, 1: subwords},) * 3 + ({0: batch, 1: words},)
    _write(fused.eval(), example, shapes, ENCODER_INPUTS, ENCODER_OUTPUTS, path)


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

    Inputs of products are int8, their results float32: biases, activations, sums and norms lose nothing.

    Args:
        model: the network.
        path: the graph file to write.
        calibration: real text; the ranges of the activations are measured on it.
    """
    batches = list(calibration)
    fused = FusedEncoder(model)
    fused.smooth(
        tuple(torch.from_numpy(getattr(batch, name)) for name in ENCODER_INPUTS) for batch in batches
    )
    fused.shrink_embeddings()
    with tempfile.TemporaryDirectory() as scratch:
        full, prepared = Path(scratch) / "full.onnx", Path(scratch) / "prepared.onnx"
        _write_encoder(fused, full)
        quant_pre_process(str(full), str(prepared), skip_symbolic_shape=True)
        quantize_static(
            str(prepared),
            str(path),
            _Reader(batches),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=["MatMul", "Gemm"],
            per_channel=True,
            reduce_range=True,  # sums of eight-bit products saturate on processors without VNNI
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            calibrate_method=CalibrationMethod.MinMax,
            nodes_to_exclude=_kept_in_float(prepared),
            extra_options={"OpTypesToExcludeOutputQuantization": ["MatMul", "Gemm"]},
        )


class _Reader(CalibrationDataReader):  # type: ignore[misc]  # ONNX Runtime publishes no types
    def __init__(self, batches: Iterable[WindowBatch]) -> None:
        self.batches: Iterator[WindowBatch] = iter(batches)

    def get_next(self) -> dict[str, Any] | None:
        batch = next(self.batches, None)
        return None if batch is None else {name: getattr(batch, name) for name in ENCODER_INPUTS}


def _kept_in_float(path: Path) -> list[str]:
    """Name the products that stay in float32.

    Those of two activations (attention, pooling) gain no speed in int8; those of the heads, whose logits
    decide between close tags, would cost a point of F1 for no measurable time.
    """
    graph = onnx.load(path).graph
    weights = {tensor.name for tensor in graph.initializer}
    products = [
        node.name for node in graph.node if node.op_type == "MatMul" and weights.isdisjoint(node.input)
    ]
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
