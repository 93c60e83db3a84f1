"""Files and folders that appear whole or, on any error, stay as they were.

What is written goes beside its place first, since a file can replace another at once only within one file
system, and under a name of this process, so that two processes that write never meet.
"""

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from secrets import token_hex
from typing import BinaryIO

from libyaevents.errors import LibyaeventsError, OutputError

__all__ = ["LOCK", "RESULT_SUFFIXES", "check_replaceable", "lock_folder", "open_whole", "whole_folder"]

LOCK = ".lock"  # the file in a folder that one process alone may fill

RESULT_SUFFIXES = (".json", ".md", ".onnx", ".safetensors")  # what a result to replace is made of


@contextmanager
def open_whole(path: Path) -> Iterator[BinaryIO]:
    """Open a file for writing that appears whole or, on any error, stays as it was.

    Raises:
        OutputError: The file cannot be written: no such folder, no permission, disk full.
    """
    if path.exists() and not path.is_file():
        found = "a folder" if path.is_dir() else "a device"
        raise OutputError(f"{path}: expected a file to write, found {found}; choose another path")
    temporary = path.parent / f".{path.name}.{os.getpid()}.part"
    try:
        with temporary.open("wb") as file:
            yield file
            file.flush()
            # A full disk may show only when the data leaves the cache.
            os.fsync(file.fileno())
        temporary.replace(path)
    except LibyaeventsError:
        # Of what is written: an input file that went missing is an OSError too, but no fault of the output.
        raise
    except OSError as error:
        advice = "nothing was written; make room or choose another place"
        expected = f"{path}: expected a file that can be written, found {error.strerror or error}"
        raise OutputError(f"{expected}; {advice}") from error
    finally:
        with suppress(OSError):
            temporary.unlink()


@contextmanager
def whole_folder(target: Path, *, marker: str | None = None) -> Iterator[Path]:
    """Give a fresh folder to write into; it takes the place of `target` only when all is written.

    Args:
        target: absent, empty, or a folder of the same kind, which is replaced.
        marker: the file by which a folder of the same kind is known; without one nothing is replaced.

    Raises:
        OutputError: `target` holds other things, or the disk is full or not writable; `target` is as it was.
    """
    target = target.resolve()  # behind links, which stay
    check_replaceable(target, marker=marker)
    fresh = target.with_name(f".{target.name}-{token_hex(4)}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        fresh.mkdir()
    except OSError as error:
        raise OutputError(f"cannot write to {target.parent}: {error.strerror or error}") from error
    try:
        yield fresh
        check_replaceable(target, marker=marker)  # once more: others may have written meanwhile
        _replace(fresh, target)
    except LibyaeventsError:
        raise
    except Exception as error:  # safetensors, torch and ONNX report a full disk by errors of their own
        if isinstance(error, OSError) or "No space left" in str(error):
            raise OutputError(
                f"cannot write {target}: {error}; nothing was changed, free some space"
            ) from error
        raise
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def check_replaceable(target: Path, *, marker: str | None = None) -> None:
    """Look whether a result may take the place of what is at `target`.

    Raises:
        OutputError: something of another kind is there.
    """
    if not target.exists() or (target.is_dir() and not any(target.iterdir())):
        return
    if marker is None:
        found = "one that holds something" if target.is_dir() else "a file"
        raise OutputError(f"{target}: expected a new or empty folder, found {found}; choose another path")
    if not (target / marker).is_file():
        raise OutputError(
            f"{target} is there already and holds no {marker}: expected a new or empty folder, or an older "
            "result to replace; give another folder"
        )


@contextmanager
def lock_folder(folder: Path, *, mode: int = 0o777) -> Iterator[None]:
    """Make the folder where there is none, and keep other processes from filling it inside the block.

    Args:
        folder: its file `.lock` is held, and stays.
        mode: of a folder that is made, less the umask.

    Raises:
        OutputError: Another process has it, or it cannot be made.
    """
    try:
        folder.mkdir(mode=mode, parents=True, exist_ok=True)
        # Never removed: a process that waits for a removed file would hold a lock that no other sees.
        file = (folder / LOCK).open("ab")
    except OSError as error:
        expected = f"{folder}: expected a folder that can be written to, found {error.strerror or error}"
        raise OutputError(f"{expected}; make room or choose another") from error
    with file:
        try:
            _lock(file.fileno())
        except OSError as error:
            if error.errno not in (errno.EAGAIN, errno.EACCES):
                expected = f"{folder}: expected a folder that can be locked, found {error.strerror or error}"
                raise OutputError(f"{expected}; give one on a local disk") from error
            expected = f"{folder}: expected a folder for this process alone, found another at work in it"
            raise OutputError(f"{expected}; wait for it, end it, or give another folder") from error
        yield


def _lock(handle: int) -> None:
    """Take a lock that the system gives back when the process ends, however it ends."""
    with suppress(ImportError):
        import fcntl

        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return
    import msvcrt

    msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]


def _replace(fresh: Path, target: Path) -> None:
    """Move `fresh` to `target`; what was there is removed after, never before, and put back on failure."""
    there = sorted(target.iterdir()) if target.exists() else []
    foreign = [path.name for path in there if path.suffix not in RESULT_SUFFIXES]
    if foreign:
        raise OutputError(
            f"{target} holds {foreign[0]}, which is no part of an older result: nothing was changed; "
            "move it away, or give another folder"
        )
    old = fresh.with_name(f"{fresh.name}-old")
    if there:
        target.replace(old)
    elif target.exists():
        target.rmdir()
    try:
        fresh.replace(target)
    except OSError:
        if old.exists():
            old.replace(target)
        raise
    shutil.rmtree(old, ignore_errors=True)
