"""The reference engine: the torch network itself."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from libyaevents.engines import Encoded, RoleLogits, TriggerBatch
from libyaevents.modeling import EventModel
from libyaevents.windows import WindowBatch

__all__ = ["TorchEngine"]


class TorchEngine:
    """Runs an `EventModel` in float32, on the device that it is on."""

    def __init__(self, model: EventModel) -> None:
        self.model = model.eval()

    def encode(self, batch: WindowBatch) -> Encoded:
        """Read windows: see `Encoded`."""
        arrays = (batch.input_ids, batch.attention_mask, batch.word_ids, batch.word_mask)
        with torch.inference_mode():
            output = self.model.encode(*map(self._to_tensor, arrays))
        return Encoded(*map(_to_numpy, output))

    def roles(self, batch: TriggerBatch) -> RoleLogits:
        """Read the sentences of triggers: see `RoleLogits`."""
        arrays = (batch.word_states, batch.word_mask, batch.sentence, batch.span, batch.event_type)
        with torch.inference_mode():
            output = self.model.roles(*map(self._to_tensor, arrays))
        return RoleLogits(*map(_to_numpy, output))

    def _to_tensor(self, array: NDArray[Any]) -> torch.Tensor:
        return torch.from_numpy(array).to(self.model.triggers.weight.device)


def _to_numpy(tensor: torch.Tensor) -> NDArray[np.float32]:
    array: NDArray[np.float32] = tensor.float().cpu().numpy()
    return array
