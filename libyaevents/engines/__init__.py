"""What an engine is: two calls over numpy arrays, because triggers are decoded in between.

In: a `WindowBatch`, then a `TriggerBatch` made of the word states of the first call.
Out: float32 logits. Engines know no text, no labels and no documents.
"""

from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from libyaevents.windows import WindowBatch

__all__ = ["Encoded", "Engine", "RoleLogits", "TriggerBatch"]


class Encoded(NamedTuple):
    """Word states (batch, words, hidden), entity and trigger logits (batch, words, tags), all float32."""

    word_states: NDArray[np.float32]
    entity_logits: NDArray[np.float32]
    trigger_logits: NDArray[np.float32]


class RoleLogits(NamedTuple):
    """Role logits (triggers, words, tags), the Source sequence's three first; factuality (triggers, _)."""

    role_logits: NDArray[np.float32]
    factuality_logits: NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggerBatch:
    """Sentences with triggers in them.

    `word_states` (sentences, words, hidden) float32, `word_mask` (sentences, words) bool, and for each
    trigger its row `sentence` (triggers,), its half-open word `span` in it (triggers, 2), its `event_type`
    (triggers,).
    """

    word_states: NDArray[np.float32]
    word_mask: NDArray[np.bool_]
    sentence: NDArray[np.int64]
    span: NDArray[np.int64]
    event_type: NDArray[np.int64]


class Engine(Protocol):
    """Runs one checkpoint's network."""

    def encode(self, batch: WindowBatch) -> Encoded:
        """Read windows: see `Encoded`."""
        ...

    def roles(self, batch: TriggerBatch) -> RoleLogits:
        """Read the sentences of triggers: see `RoleLogits`."""
        ...
