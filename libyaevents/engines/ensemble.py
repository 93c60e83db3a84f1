"""Several networks read as one: what they agree on teaches a smaller pupil better than any one of them.

In: engines whose networks share tokenizer and labels. Out: their mean log-probabilities, as logits.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from libyaevents.engines import Encoded, Engine, RoleLogits, TriggerBatch
from libyaevents.windows import WindowBatch

__all__ = ["EnsembleEngine"]

SOURCE_TAGS = 3  # the first role logits are a sequence of their own


class EnsembleEngine:
    """Averages engines; their word states travel side by side, (…, sum of hidden sizes)."""

    def __init__(self, members: Sequence[Engine]) -> None:
        self.members = tuple(members)
        self.sizes: tuple[int, ...] = ()

    def encode(self, batch: WindowBatch) -> Encoded:
        """Read windows with every member: see `Encoded`."""
        outputs = [member.encode(batch) for member in self.members]
        self.sizes = tuple(output.word_states.shape[-1] for output in outputs)
        return Encoded(
            np.concatenate([output.word_states for output in outputs], axis=-1),
            _mean([output.entity_logits for output in outputs]),
            _mean([output.trigger_logits for output in outputs]),
        )

    def roles(self, batch: TriggerBatch) -> RoleLogits:
        """Read the sentences of triggers, each member from its own states: see `RoleLogits`."""
        states = np.split(batch.word_states, np.cumsum(self.sizes)[:-1], axis=-1)
        outputs = [
            member.roles(replace(batch, word_states=np.ascontiguousarray(part)))
            for member, part in zip(self.members, states, strict=True)
        ]
        sources = _mean([output.role_logits[..., :SOURCE_TAGS] for output in outputs])
        others = _mean([output.role_logits[..., SOURCE_TAGS:] for output in outputs])
        return RoleLogits(
            np.concatenate([sources, others], axis=-1),
            _mean([output.factuality_logits for output in outputs]),
        )


def _mean(logits: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    """Average log-probabilities over the last axis."""
    stacked = np.stack(logits)
    highest = stacked.max(axis=-1, keepdims=True)
    normalizer = highest + np.log(np.exp(stacked - highest).sum(axis=-1, keepdims=True))
    mean: NDArray[np.float32] = (stacked - normalizer).mean(axis=0)
    return mean
