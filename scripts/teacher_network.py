"""The teachers' network and its optimizer, of `distill.py`.

In: windows of subword ids. Out: what `EventModel` gives, from an encoder with layer norms before its layers,
no biases, rotary positions, and normalized queries and keys.

Shapes: `batch` windows, `subwords` of the longest, `width` that of the encoder.

Sources: rotary positions, Su et al. 2021, https://arxiv.org/abs/2104.09864; query-key normalization, Henry et
al. 2020, https://arxiv.org/abs/2010.04245; Muon, Jordan et al. 2024, https://kellerjordan.github.io/posts/muon,
with steps as long as Adam's, Liu et al. 2025, https://arxiv.org/abs/2502.16982.
"""

from collections import defaultdict
from collections.abc import Iterable
from types import SimpleNamespace

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import BertConfig

from libyaevents.assemble import Labels
from libyaevents.modeling import EventModel, HeadConfig
from libyaevents.training.pretrain import MaskedBatch

__all__ = ["HEAD_SIZE", "MaskedModel", "Muon", "Teacher", "TeacherEncoder"]

HEAD_SIZE = 64  # of attention; the width is a multiple of it
TEACHER_DROPOUT, ROLE_SIZE = 0.3, 256  # of the teachers' heads
WEIGHT_DECAY, MOMENTUM = 0.05, 0.95


class Block(nn.Module):
    """One layer, (batch, subwords, width) in and out; it starts as the identity."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.attention = nn.Parameter(torch.randn(4, width, width) * 0.5 / width**0.5)  # q, k, v, output
        self.up = nn.Parameter(torch.randn(4 * width, width) * 0.5 / width**0.5)
        self.down = nn.Parameter(torch.zeros(width, 4 * width))
        self.attention_norm, self.norm = (nn.LayerNorm(width, bias=False) for _ in range(2))
        nn.init.zeros_(self.attention[3])

    def forward(
        self, states: Tensor, turns: tuple[Tensor, Tensor], mask: Tensor | None, share: float
    ) -> Tensor:
        """`turns` are of `TeacherEncoder`, `mask` (batch, 1, 1, subwords) or none, `share` is dropped."""
        batch, length, width = states.shape
        projected = F.linear(self.attention_norm(states), self.attention[:3].flatten(0, 1))
        query, key, value = projected.view(batch, length, 3, -1, HEAD_SIZE).permute(2, 0, 3, 1, 4)
        query, key = (_turn(F.rms_norm(each, (HEAD_SIZE,)), turns).to(value.dtype) for each in (query, key))
        attended = F.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        output = F.linear(attended.transpose(1, 2).reshape(batch, length, width), self.attention[3])
        states = states + F.dropout(output, share, self.training)
        output = F.linear(F.gelu(F.linear(self.norm(states), self.up)), self.down)
        return states + F.dropout(output, share, self.training)


def _turn(vectors: Tensor, turns: tuple[Tensor, Tensor]) -> Tensor:
    cos, sin = turns
    left, right = vectors.float().chunk(2, -1)
    return torch.cat([left * cos - right * sin, right * cos + left * sin], -1)


class TeacherEncoder(nn.Module):
    """Subwords to states, called as `EventModel` calls a BERT."""

    cos: Tensor
    sin: Tensor

    def __init__(self, n_pieces: int, width: int, n_layers: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.words = nn.Embedding(n_pieces, width)
        nn.init.normal_(self.words.weight, std=0.02)
        self.first_norm, self.last_norm = (nn.LayerNorm(width, bias=False) for _ in range(2))
        self.blocks = nn.ModuleList(Block(width) for _ in range(n_layers))
        speeds = 1000 ** -torch.linspace(0, 1, HEAD_SIZE // 2 + 1)[:-1]  # radians a position
        angles = torch.arange(512).unsqueeze(1) * speeds  # (positions, speeds)
        self.register_buffer("cos", angles.cos(), persistent=False)
        self.register_buffer("sin", angles.sin(), persistent=False)
        self.share = dropout

    def states(self, input_ids: Tensor, attention_mask: Tensor | None = None) -> Tensor:
        """The states (batch, subwords, width) of `input_ids` (batch, subwords)."""
        length = input_ids.shape[1]
        states = F.dropout(self.first_norm(self.words(input_ids)), self.share, self.training)
        mask = None if attention_mask is None else attention_mask[:, None, None, :].bool()
        for block in self.blocks:
            states = block(states, (self.cos[:length], self.sin[:length]), mask, self.share)
        normed: Tensor = self.last_norm(states)
        return normed

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> SimpleNamespace:
        """See `states`."""
        return SimpleNamespace(last_hidden_state=self.states(input_ids, attention_mask))


class MaskedModel(nn.Module):
    """The encoder with a head that tells masked subwords."""

    def __init__(self, encoder: TeacherEncoder) -> None:
        super().__init__()
        n_pieces, width = encoder.words.weight.shape
        self.encoder, self.dense, self.norm = encoder, nn.Linear(width, width), nn.LayerNorm(width)
        self.bias = nn.Parameter(torch.zeros(n_pieces))

    def loss(self, states: Tensor, batch: MaskedBatch) -> Tensor:
        """The mean cross-entropy over the masked places of `states` (batch, subwords, width)."""
        hidden = self.norm(F.gelu(self.dense(states.flatten(0, 1)[batch.places])))
        logits = F.linear(hidden, self.encoder.words.weight, self.bias)
        return F.cross_entropy(logits.float(), batch.targets)


class Teacher(EventModel):
    """The event model over another encoder."""

    def __init__(self, encoder: TeacherEncoder, labels: Labels) -> None:
        width = encoder.words.weight.shape[1]
        # A BERT of next to nothing, which the encoder replaces.
        none = BertConfig(
            vocab_size=1, hidden_size=width, num_hidden_layers=0, num_attention_heads=1, intermediate_size=1
        )
        super().__init__(none, HeadConfig.of(labels, role_size=ROLE_SIZE, dropout=TEACHER_DROPOUT))
        self.encoder = encoder  # type: ignore[assignment]  # which is called in the same way


class Muon:
    """Momentum with all singular values made one, for matrices (…, rows, columns); like shapes together."""

    def __init__(self, matrices: Iterable[nn.Parameter]) -> None:
        self.momenta: dict[nn.Parameter, Tensor] = {each: torch.zeros_like(each) for each in matrices}
        self.shapes: defaultdict[tuple[int, int], list[nn.Parameter]] = defaultdict(list)
        for each in self.momenta:
            self.shapes[each.shape[-2], each.shape[-1]].append(each)

    @torch.no_grad()
    def step(self, rate: float) -> None:
        """Move by the gradients, and forget them."""
        for shape, matrices in self.shapes.items():
            moves = []
            for matrix in matrices:
                if matrix.grad is None:
                    raise RuntimeError("a matrix of the encoder has no gradient")
                momentum = self.momenta[matrix].lerp_(matrix.grad, 1 - MOMENTUM)
                moves.append(matrix.grad.lerp(momentum, MOMENTUM).reshape(-1, *shape))
            sizes = [len(move) for move in moves]
            whitened = _orthogonalize(torch.cat(moves)).float() * 0.2 * max(shape) ** 0.5
            for matrix, move in zip(matrices, whitened.split(sizes), strict=True):
                matrix.mul_(1 - rate * WEIGHT_DECAY).add_(move.view_as(matrix), alpha=-rate)
                matrix.grad = None


def _orthogonalize(matrices: Tensor) -> Tensor:
    """Newton-Schulz iterations of Muon, on (n, rows, columns)."""
    is_tall = matrices.shape[-2] > matrices.shape[-1]
    result = (matrices.mT if is_tall else matrices).bfloat16()
    result = result / (result.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    for _ in range(5):
        square = result @ result.mT
        result = 3.4445 * result + (-4.7750 * square + 2.0315 * square @ square) @ result
    orthogonal: Tensor = result.mT if is_tall else result
    return orthogonal
