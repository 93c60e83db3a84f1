"""Lines of plain and compressed files: bounded, whatever the file holds."""

import gzip
from pathlib import Path

import pyarrow
import pytest

from libyaevents.batch import lines
from libyaevents.batch.lines import Line, read_lines
from libyaevents.batch.records import Rejected

TEXT = "قصف الطيران سرت.\nثم هدأت المدينة.\n".encode()


def write(path: Path, data: bytes) -> Path:
    """Write a file, compressed as its name says."""
    if path.suffix == ".zst":
        with pyarrow.output_stream(str(path), compression="zstd") as stream:
            stream.write(data)
    else:
        path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


def joined(found: list[Line]) -> bytes:
    """What lines that could be read hold together."""
    return b"".join(line.data for line in found if isinstance(line.data, bytes))


@pytest.mark.parametrize("name", ["news.jsonl", "news.jsonl.gz", "news.jsonl.zst"])
def test_lines_are_those_of_the_file(name: str, tmp_path: Path) -> None:
    """A file has the same lines plain and compressed; the mark at its start is none of them."""
    path = write(tmp_path / name, b"\xef\xbb\xbf" + TEXT)
    found = list(read_lines(path))
    assert [line.data for line in found] == TEXT.splitlines(keepends=True)
    assert [line.number for line in found] == [1, 2]
    assert found[-1].done == path.stat().st_size


@pytest.mark.parametrize("name", ["news.jsonl", "news.jsonl.gz", "news.jsonl.zst"])
def test_too_long_line_is_passed_over(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A line beyond the limit is never held in memory; the next one is read."""
    monkeypatch.setattr(lines, "LONGEST_LINE", 1000)
    monkeypatch.setattr(lines, "_SKIPPED_AT_A_TIME", 100)
    path = write(tmp_path / name, b"a\n" + b"b" * 5000 + b"\nc\n")
    first, long, last = read_lines(path)
    assert isinstance(long.data, Rejected)
    assert long.data.reason == "expected a line of at most 1000 bytes, found 5001"
    assert (first.data, last.data) == (b"a\n", b"c\n")


@pytest.mark.parametrize("name", ["bomb.jsonl.gz", "bomb.jsonl.zst"])
def test_bomb_is_given_up(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that expands beyond reason is told in the place of the line, and not expanded further."""
    monkeypatch.setattr(lines, "FREE_BYTES", 2**20)
    path = write(tmp_path / name, TEXT + b" " * 2**25 + b"\n" + TEXT)
    *good, bomb = read_lines(path)
    assert [line.data for line in good] == TEXT.splitlines(keepends=True)
    assert isinstance(bomb.data, Rejected)
    assert "expand to more than" in bomb.data.reason
    assert "the rest of the file is not read" in bomb.data.reason


def test_what_compresses_well_is_no_bomb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that expands as news do is read to its end, however long."""
    monkeypatch.setattr(lines, "FREE_BYTES", 1000)
    text = "".join(f"خبر رقم {number} من سرت\n" for number in range(20_000)).encode()
    assert joined(list(read_lines(write(tmp_path / "a.jsonl.gz", text)))) == text


@pytest.mark.parametrize("name", ["news.jsonl.gz", "news.jsonl.zst"])
@pytest.mark.parametrize("damage", ["cut off", "overwritten"])
def test_damaged_file_is_read_as_far_as_it_goes(name: str, damage: str, tmp_path: Path) -> None:
    """Where a compressed file ends too soon or holds nonsense, that is told; the lines before are kept."""
    text = "".join(f"خبر رقم {number**3 % 9973} من سرت\n" for number in range(50_000)).encode()
    path = write(tmp_path / name, text)
    data = path.read_bytes()
    half = len(data) // 2
    path.write_bytes(
        data[:half] if damage == "cut off" else data[:half] + bytes(range(256)) * 40 + data[half:]
    )
    *good, last = read_lines(path)
    assert isinstance(last.data, Rejected)
    assert "the rest of the file is not read" in last.data.reason
    assert joined(good[:-1]) in text
    if name.endswith(".gz"):
        assert len(good) > 1000


def test_utf_16_is_refused_as_a_whole(tmp_path: Path) -> None:
    """Lines of UTF-16 cannot be told from bytes; one record says how to convert the file."""
    path = tmp_path / "news.jsonl"
    path.write_text("قصف\nسرت\n", encoding="utf-16")
    (line,) = read_lines(path)
    assert isinstance(line.data, Rejected)
    assert "iconv -f UTF-16" in line.data.reason
