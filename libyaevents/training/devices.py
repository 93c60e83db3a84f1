"""Where training runs: on a CUDA device where there is one, else on the CPU. Finished models run on the CPU.

In: a function that makes the batch of a step. Out: the same batches, made ahead while the device is at work.
"""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import nn

__all__ = ["Ahead", "autocast", "device_of", "training_device"]


def training_device() -> torch.device:
    """The device to train on."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def device_of(model: nn.Module) -> torch.device:
    """The device that a network's weights are on."""
    return next(model.parameters()).device


def autocast(precision: str, device: torch.device) -> AbstractContextManager[Any]:
    """Compute in `bfloat16` where that is asked for."""
    return torch.autocast(device.type, dtype=torch.bfloat16) if precision == "bfloat16" else nullcontext()


class Ahead:
    """Batches by number, the next one made in a thread while the device computes on this one."""

    def __init__(self, make_batch: Callable[[int], Any]) -> None:
        self.make_batch = make_batch
        self.maker = ThreadPoolExecutor(1)
        self.coming: tuple[int, Future[Any]] | None = None

    def __call__(self, step: int) -> Any:
        """The batch of a step, as `make_batch` gives it."""
        if self.coming is None or self.coming[0] != step:
            self.coming = (step, self.maker.submit(self.make_batch, step))
        batch = self.coming[1].result()
        self.coming = (step + 1, self.maker.submit(self.make_batch, step + 1))
        return batch

    def close(self) -> None:
        """Drop what is made ahead."""
        self.maker.shutdown(cancel_futures=True)
