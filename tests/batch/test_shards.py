"""Shards that cannot be written."""

import gc
from pathlib import Path

import pytest

from libyaevents.batch.folder import temporary
from libyaevents.batch.shards import Format, Result, Shard, encode, tables_of
from tests.batch.workers import article, found_in

FULL = Path("/dev/full")


@pytest.mark.skipif(not FULL.exists(), reason="this system has no device that is always full")
@pytest.mark.parametrize("format", ["parquet", "jsonl"])
def test_full_disk(format: Format, tmp_path: Path) -> None:
    """Where a disk is full a shard says so once, and what it began is removed without another word."""
    for name in tables_of(format):
        temporary(tmp_path / f"{name}-00000.{format}").symlink_to(FULL)
    documents = [found_in(article(number)) for number in range(3)]
    shard = Shard(tmp_path, 0, format, first=0)
    shard.add(Result(encode(documents, format), 3, ()), 3)
    with pytest.raises(OSError, match="No space left on device"):
        shard.finish()
    shard.abandon()
    del shard
    gc.collect()
    assert not list(tmp_path.iterdir())
