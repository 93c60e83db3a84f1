"""The encoder as it is exported: the numbers of the network that is trained."""

from pathlib import Path
from typing import cast

import pytest
import torch
from torch import Tensor

from libyaevents.checkpoint import load_network, load_words_tokenizer
from libyaevents.documents import Document
from libyaevents.engines.graphs import ENCODER_INPUTS
from libyaevents.fused import FusedEncoder, FusedLayer, RowwiseEmbedding
from libyaevents.modeling import EventModel
from libyaevents.windows import collate
from tests.tiny import make_windows_of


@pytest.fixture
def network(tiny_model: Path) -> EventModel:
    """The tiny network."""
    return load_network(tiny_model)


@pytest.fixture(scope="module")
def inputs(tiny_model: Path, article: Document) -> tuple[Tensor, ...]:
    """The windows of the article, which differ in length."""
    batch = collate(make_windows_of(article, load_words_tokenizer(tiny_model)))
    return tuple(torch.from_numpy(getattr(batch, name)) for name in ENCODER_INPUTS)


def _assert_equal(fused: FusedEncoder, network: EventModel, inputs: tuple[Tensor, ...]) -> None:
    with torch.inference_mode():
        for ours, theirs in zip(fused(*inputs), network.encode(*inputs), strict=True):
            tolerance = 1e-5 * float(theirs.abs().max())
            torch.testing.assert_close(ours[inputs[-1]], theirs[inputs[-1]], atol=tolerance, rtol=0)


def _enlarge_a_channel(network: EventModel) -> None:
    """Make one channel of what the layers read many times as large as the others."""
    with torch.no_grad():
        for name, value in network.encoder.named_parameters():
            if name.endswith("output.LayerNorm.weight"):
                value[3] = 40.0


def test_fused_encoder_is_the_network(network: EventModel, inputs: tuple[Tensor, ...]) -> None:
    """States and logits are those of the network, of words in windows of any length."""
    _assert_equal(FusedEncoder(network), network, inputs)


def test_smoothing_changes_no_number(network: EventModel, inputs: tuple[Tensor, ...]) -> None:
    """What smoothing takes from inputs it gives to weights; the network itself is left as it was."""
    _enlarge_a_channel(network)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    fused = FusedEncoder(network)
    fused.smooth([inputs])
    _assert_equal(fused, network, inputs)
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


def test_smoothing_evens_out_channels(network: EventModel, inputs: tuple[Tensor, ...]) -> None:
    """Of an input with one large channel, the others reach farther into the range that is left."""
    _enlarge_a_channel(network)
    fused = FusedEncoder(network)
    seen: list[Tensor] = []
    layer = cast(FusedLayer, fused.layers[1])
    hook = layer.query_key_value.register_forward_pre_hook(
        lambda _, given: seen.append(given[0].abs().flatten(0, 1).amax(0))
    )
    with torch.inference_mode():
        fused(*inputs)
        fused.smooth([inputs])
        fused(*inputs)
    hook.remove()
    spread = [float(largest.max() / largest.median()) for largest in (seen[0], seen[-1])]
    assert spread[1] < spread[0] / 2


def test_smoothing_by_nothing(network: EventModel, inputs: tuple[Tensor, ...]) -> None:
    """Without a text to look at, numbers stay finite and what they were."""
    fused = FusedEncoder(network)
    fused.smooth([])
    _assert_equal(fused, network, inputs)


def test_rowwise_embedding() -> None:
    """A row of an embedding table is off by at most half a step of its own 127; a row of zeros stays."""
    weight = (
        torch.randn(20, 8, generator=torch.Generator().manual_seed(0)) * torch.logspace(-3, 2, 20)[:, None]
    )
    weight[3] = 0
    looked_up = RowwiseEmbedding(weight)(torch.arange(20))
    steps = weight.abs().amax(1, keepdim=True) / 127
    assert ((looked_up - weight).abs() <= steps / 2 + 1e-6).all()
    assert not looked_up[3].any()
