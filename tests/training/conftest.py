"""What tests of training share."""

from collections.abc import Iterator

import pytest
import torch


@pytest.fixture(autouse=True)
def restore_arithmetic() -> Iterator[None]:
    """Undo the flushing of tiny numbers that `train` switches on for the process: other tests need them."""
    yield
    torch.set_flush_denormal(False)
