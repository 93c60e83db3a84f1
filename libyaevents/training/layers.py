"""How the untrained layers of a small BERT start, so that they learn from the first step."""

import math
from typing import Any

import torch
from torch import Tensor, nn
from transformers import BertForMaskedLM

__all__ = ["NEIGHBORS", "initialize_layers"]

NEIGHBORS = (-1, 1, -2, 2)


def initialize_layers(model: BertForMaskedLM, *, seed: int) -> None:
    """Start the layers anew, with heads of the first layer that already look at a word's neighbours.

    A small BERT spends its first millions of subwords finding out that near words matter: the loss stays on a
    plateau near the unigram entropy. Here the positions are sinusoids in a part of the dimensions, and the
    first heads' queries are the keys turned by the angle of one or two positions, left and right, so that
    they attend to those neighbours from the first step. All of it goes on being trained.

    Source: sinusoids of Vaswani et al. 2017, a shift of which is a rotation; ablation in docs/.
    """
    generator = torch.Generator().manual_seed(seed)
    hidden = model.config.hidden_size
    for name, parameter in model.bert.encoder.named_parameters():
        if parameter.ndim == 2:
            nn.init.normal_(parameter, std=0.7 / hidden**0.5, generator=generator)
        elif "LayerNorm.weight" in name:
            nn.init.ones_(parameter)
        else:
            nn.init.zeros_(parameter)
    size = hidden // model.config.num_attention_heads
    speeds = torch.logspace(math.log10(1.5), math.log10(0.02), size // 2)  # radians per position
    with torch.no_grad():
        _set_positions(model, speeds, generator)
        first: Any = model.bert.encoder.layer[0]
        attention = first.attention.self
        for head, shift in zip(range(model.config.num_attention_heads), NEIGHBORS, strict=False):
            rows = slice(head * size, (head + 1) * size)
            for layer, turn in ((attention.query, shift), (attention.key, 0)):
                layer.weight[rows] = 0.01 * torch.randn(size, hidden, generator=generator)
                layer.weight[rows, :size] += _rotation(speeds * turn)


def _set_positions(model: BertForMaskedLM, speeds: Tensor, generator: torch.Generator) -> None:
    """Give positions one sinusoid pair a speed, twice as strong there as the word embeddings are made."""
    words, positions = (
        model.bert.embeddings.word_embeddings.weight,
        model.bert.embeddings.position_embeddings.weight,
    )
    size = 2 * len(speeds)
    amplitude = 2 * words.std()
    words[:, :size] *= 0.5
    positions.normal_(0, 0.01, generator=generator)
    angles = torch.arange(len(positions)).unsqueeze(1) * speeds  # (positions, speeds)
    positions[:, 0:size:2] += amplitude * angles.cos()
    positions[:, 1:size:2] += amplitude * angles.sin()


def _rotation(angles: Tensor) -> Tensor:
    """The matrix that turns each pair of dimensions by its angle: (angles,) to (2 angles, 2 angles)."""
    cos, sin = angles.cos(), angles.sin()
    blocks = torch.stack([cos, -sin, sin, cos], dim=-1).view(-1, 2, 2)
    turned: Tensor = torch.block_diag(*blocks)  # type: ignore[no-untyped-call]  # torch leaves it unannotated
    return turned
