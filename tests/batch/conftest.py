"""What tests of runs share: runs whose workers need no model."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from libyaevents.batch import BatchConfig, Summary, run_batch
from tests.batch.workers import read_without_model

Run = Callable[..., Summary]


@pytest.fixture
def without_model(monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers find one event in every article."""
    monkeypatch.setattr("libyaevents.batch.pool.run_worker", read_without_model)


@pytest.fixture
def run(without_model: None, tiny_model: Path, tmp_path: Path) -> Run:
    """Run `news.jsonl`, or another input, into `out`, with one worker and shards of ten."""

    def run(
        input: str = "news.jsonl", output: str = "out", tell: Any = lambda _: None, **config: Any
    ) -> Summary:
        settings: dict[str, Any] = {
            "model": str(tiny_model),
            "engine": "onnx",
            "shard_size": 10,
            "workers": 1,
        } | config
        return run_batch(tmp_path / input, tmp_path / output, BatchConfig(**settings), tell=tell)

    return run
