"""The encoder as it is exported: the network of `modeling` with the same numbers in fewer and cheaper steps.

In: a trained `EventModel`. Out: a module of the same first call. Query, key and value are one product, with
the scale of attention in its weights; positions and the one token type are one table; padding is a bias that
is made once. For int8, embeddings become int8 by row, and the inputs of products are smoothed: where one
channel is many times as large as the others, the one scale of a tensor leaves these a handful of steps.
"""

from collections.abc import Iterable
from copy import deepcopy
from typing import Any, cast

import torch
from torch import Tensor, nn

from libyaevents.modeling import HIDDEN, EncoderOutput, EventModel, pool

__all__ = ["FusedEncoder"]

SMOOTHING = 0.7  # how much of a channel's size goes into the weights: 0 none, 1 all
LEAST = 1e-5  # sizes of channels that are never used count as this


class FusedEncoder(nn.Module):
    """The first call of a copy of `model`: see `EventModel.encode`."""

    def __init__(self, model: EventModel) -> None:
        super().__init__()
        model = deepcopy(model).eval()
        embeddings: Any = model.encoder.embeddings
        self.words: nn.Module = embeddings.word_embeddings
        places = embeddings.position_embeddings.weight + embeddings.token_type_embeddings.weight[0]
        self.places = nn.Buffer(places.detach())
        self.norm = embeddings.LayerNorm
        n_heads = model.encoder.config.num_attention_heads
        self.layers = nn.ModuleList(FusedLayer(layer, n_heads) for layer in model.encoder.encoder.layer)
        self.entities, self.triggers, self.pooling = model.entities, model.triggers, model.heads.pooling

    def forward(
        self, input_ids: Tensor, attention_mask: Tensor, word_ids: Tensor, word_mask: Tensor
    ) -> EncoderOutput:
        """Read windows: see `EventModel.encode`."""
        states = self.norm(self.words(input_ids) + self.places[: input_ids.shape[1]])
        padding = (1 - attention_mask[:, None, None, :].to(states.dtype)) * HIDDEN
        for layer in self.layers:
            states = layer(states, padding)
        words = pool(states, word_ids, word_mask, self.pooling)
        return EncoderOutput(words, self.entities(words), self.triggers(words))

    def shrink_embeddings(self) -> None:
        """Put the embeddings of subwords into int8."""
        self.words = RowwiseEmbedding(cast(Tensor, self.words.weight))

    def smooth(self, batches: Iterable[tuple[Tensor, ...]]) -> None:
        """Even out the inputs of products by what `batches` of real text, in the order of `forward`, show.

        Source: Xiao et al. (2023), SmoothQuant: Accurate and Efficient Post-Training Quantization for LLMs.
        """
        layers = [cast(FusedLayer, layer) for layer in self.layers]
        products = [product for layer in layers for product in layer.products()]
        largest = {product: torch.zeros(product.in_features) for product in products}

        def look(product: nn.Module, inputs: tuple[Tensor]) -> None:
            found = inputs[0].abs().flatten(0, -2).amax(0)
            largest[cast(nn.Linear, product)] = torch.maximum(largest[cast(nn.Linear, product)], found)

        hooks = [product.register_forward_pre_hook(look) for product in products]
        with torch.inference_mode():
            for batch in batches:
                self(*batch)
        for hook in hooks:
            hook.remove()
        with torch.no_grad():
            for layer in layers:
                layer.smooth(*(largest[product].clone() for product in layer.products()))


class FusedLayer(nn.Module):
    """One post-norm layer of a BERT, (batch, subwords, hidden) in and out."""

    def __init__(self, layer: Any, n_heads: int) -> None:
        super().__init__()
        own = layer.attention.self
        hidden = own.query.in_features
        self.n_heads, self.head_size = n_heads, hidden // n_heads
        self.query_key_value = nn.Linear(hidden, 3 * hidden)
        scale = self.head_size**-0.5
        with torch.no_grad():
            for name in ("weight", "bias"):
                query, key, value = (getattr(part, name) for part in (own.query, own.key, own.value))
                getattr(self.query_key_value, name).copy_(torch.cat([query * scale, key, value]))
        self.output, self.attention_norm = layer.attention.output.dense, layer.attention.output.LayerNorm
        self.up, self.activation = layer.intermediate.dense, layer.intermediate.intermediate_act_fn
        self.down, self.feed_forward_norm = layer.output.dense, layer.output.LayerNorm
        self.before_attention: nn.Module = nn.Identity()
        self.before_feed_forward: nn.Module = nn.Identity()

    def forward(self, states: Tensor, padding: Tensor) -> Tensor:
        """Read `states`; `padding` (batch, 1, 1, subwords) is 0 on subwords and very low elsewhere."""
        batch, subwords, hidden = states.shape
        projected = self.query_key_value(self.before_attention(states))
        per_head = projected.view(batch, subwords, 3 * self.n_heads, self.head_size).transpose(1, 2)
        query, key, value = per_head.split(self.n_heads, dim=1)  # (batch, heads, subwords, head_size)
        attention = torch.softmax(query @ key.transpose(-1, -2) + padding, dim=-1)
        attended = (attention @ value).transpose(1, 2).reshape(batch, subwords, hidden)
        states = self.attention_norm(self.output(attended) + states)
        raised = self.activation(self.up(self.before_feed_forward(states)))
        return cast(Tensor, self.feed_forward_norm(self.down(raised) + states))

    def products(self) -> tuple[nn.Linear, nn.Linear, nn.Linear]:
        """The products whose inputs can be smoothed; that of `down` comes from an activation."""
        return self.query_key_value, self.output, self.up

    def smooth(self, into_attention: Tensor, attended: Tensor, into_feed_forward: Tensor) -> None:
        """Even out the inputs of `products` by the largest values (hidden,) of their channels."""
        hidden = self.output.in_features
        factor = _factor(into_attention, self.query_key_value.weight)
        self.before_attention = Scale(1 / factor)
        self.query_key_value.weight *= factor
        factor = _factor(attended, self.output.weight)
        self.query_key_value.weight[2 * hidden :] /= factor[
            :, None
        ]  # of the values, which attention averages
        self.query_key_value.bias[2 * hidden :] /= factor
        self.output.weight *= factor
        factor = _factor(into_feed_forward, self.up.weight)
        self.before_feed_forward = Scale(1 / factor)
        self.up.weight *= factor


class Scale(nn.Module):
    """Multiply each channel by a factor of its own, (hidden,)."""

    def __init__(self, factor: Tensor) -> None:
        super().__init__()
        self.factor = nn.Buffer(factor)

    def forward(self, states: Tensor) -> Tensor:
        """Scale `states` (batch, subwords, hidden)."""
        return states * self.factor


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


def _factor(largest: Tensor, weight: Tensor) -> Tensor:
    """By what to divide the channels (channels,) of an input that `weight` (outputs, channels) multiplies."""
    sizes = weight.abs().amax(0).clamp(min=LEAST)
    factor = largest.clamp(min=LEAST) ** SMOOTHING / sizes ** (1 - SMOOTHING)
    return factor / factor.log().mean().exp()
