"""Lines of a file, plain or compressed, in bounded memory whatever the file holds.

A line that is too long is passed over, a compressed file that expands beyond reason, ends too soon or is
damaged is given up at that place: both are told in the line's place, and the lines before are not lost.
"""

import gzip
import io
import zlib
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

from libyaevents.batch.records import Rejected
from libyaevents.errors import InputError
from libyaevents.formats.tables import import_pyarrow

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

__all__ = ["COMPRESSED", "Line", "read_lines"]

COMPRESSED = (".gz", ".zst")

LONGEST_LINE = (
    16 * 2**20
)  # bytes: an article of the greatest length with every letter as an escape is shorter
FREE_BYTES = 64 * 2**20  # that any file may expand to
LARGEST_RATIO = 200  # of what is read to what it expands to, beyond that; news come to 10, a bomb to 1,000

_SKIPPED_AT_A_TIME = 2**20


class Line(NamedTuple):
    """A line's number from 1, its bytes or what is wrong, and the place behind it in the compressed file."""

    number: int
    data: bytes | Rejected
    done: int


class _BombError(InputError):
    """A compressed file expands beyond reason."""


def read_lines(path: Path) -> Iterator[Line]:
    """Yield the lines of a file without a byte-order mark, line ends included.

    Raises:
        InputError: The file cannot be opened, or the disk or network fails under it.
        MissingExtraError: .zst needs pyarrow.
    """
    number = 0
    with ExitStack() as stack:
        try:
            file = stack.enter_context(path.open("rb"))
            stream = stack.enter_context(_decompressed(file, path))
        except OSError as error:
            raise InputError(f"{path}: expected a file, found {error.strerror or error}") from error
        while True:
            number += 1
            try:
                data = _next_line(stream)
            except (EOFError, zlib.error, OSError, ValueError) as error:
                if isinstance(error, OSError) and error.errno is not None:
                    raise InputError(f"{path}: the file could not be read on: {error.strerror}") from error
                reason = f"expected {path.suffix} to the end, found {error or 'the end of the file'}"
                yield Line(number, Rejected(f"{reason}; the rest of the file is not read"), file.tell())
                return
            if data == b"":
                return
            if number == 1 and isinstance(data, bytes):
                if data.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
                    advice = "the file is not read; convert it: iconv -f UTF-16 -t UTF-8"
                    yield Line(1, Rejected(f"expected UTF-8, found UTF-16; {advice}"), file.tell())
                    return
                data = data.removeprefix(BOM_UTF8)
            yield Line(number, data, file.tell())


def _next_line(stream: BinaryIO) -> bytes | Rejected:
    line = stream.readline(LONGEST_LINE + 1)
    if len(line) <= LONGEST_LINE:
        return line
    size = len(line)
    while line and not line.endswith(b"\n"):
        line = stream.readline(_SKIPPED_AT_A_TIME)
        size += len(line)
    return Rejected(f"expected a line of at most {LONGEST_LINE} bytes, found {size}")


def _decompressed(file: BinaryIO, path: Path) -> BinaryIO:
    if path.suffix.lower() == ".gz":
        return io.BufferedReader(_Limited(gzip.GzipFile(fileobj=file), file))
    if path.suffix.lower() == ".zst":
        arrow = import_pyarrow(f"{path.name}: .zst")
        return io.BufferedReader(_Limited(arrow.CompressedInputStream(file, "zstd"), file))
    return file


class _Limited(io.RawIOBase):
    """What a compressed file expands to, as long as that is in proportion."""

    def __init__(self, expanded: Any, compressed: BinaryIO) -> None:
        self._expanded, self._compressed = expanded, compressed
        self._n_bytes = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        view = memoryview(buffer)
        data = self._expanded.read(len(view))
        view[: len(data)] = data
        self._n_bytes += len(data)
        if self._n_bytes > FREE_BYTES and self._n_bytes > LARGEST_RATIO * self._compressed.tell():
            share = f"{self._compressed.tell()} bytes expand to more than {self._n_bytes}"
            raise _BombError(f"what news do not: {share}")
        return len(data)
