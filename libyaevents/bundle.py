"""A bundle takes a model, and the wheels to read it with, to a machine that reaches no network.

In: a model and a folder of wheels. Out: a folder, or a zip file with the same in it:

    model/      the model's folder
    wheels/     the package and what it needs, where a folder of wheels was given
    README.md   how to check, install and use it
    SHA256SUMS  the hash of every other file, as `sha256sum --check` reads it

The hash of SHA256SUMS is the bundle's fingerprint: whoever compares it with the one told by the sender knows
that no file and no hash was exchanged on the way.
"""

import re
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from hashlib import file_digest, sha256
from importlib.metadata import requires
from pathlib import Path, PurePosixPath
from typing import IO

from libyaevents.catalog import model_folder
from libyaevents.checkpoint import load_engine, load_words_tokenizer
from libyaevents.errors import CheckpointError, InputError, MissingFileError, OutputError
from libyaevents.outputs import RESULT_SUFFIXES, whole_folder

__all__ = ["verify_bundle", "write_bundle"]

SUMS, README = "SHA256SUMS", "README.md"
_SUM = re.compile(r"([0-9a-f]{64})  (.+)")
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the zip format's first: the same files make the same bundle on any day
_MOST_NAMED = 3  # of the files that are not as they were packed

Opened = tuple[list[str], Callable[[str], IO[bytes]]]

_TEXT = """# A model for libyaevents, to be used offline

Check that all files are as they were packed (on Windows by `libyaevents models verify .`, once installed):

    sha256sum --check SHA256SUMS
{install}
Read an article:

    libyaevents extract article.txt --model model

The model's licence and its data are described in `model/README.md`.
"""
_INSTALL = """
Install the package, which opens no connection (Python 3.11 or newer):

    python -m pip install --no-index --find-links wheels libyaevents
"""


def write_bundle(model: str | Path, target: Path, *, wheels: Path | None = None) -> str:
    """Pack a model, and wheels where given, and return the bundle's fingerprint (64 hex digits).

    Args:
        model: name of an installed model, or a model's folder.
        target: a new folder; a new file where it ends in .zip. It appears whole or not at all.
        wheels: a folder with a wheel of this package and of everything that it needs.

    Raises:
        CheckpointError: the model is incomplete or unsafe.
        InputError: a wheel is missing.
        ModelNotFoundError: there is no such model.
        OutputError: something is at `target` already, or it cannot be written.
    """
    folder = model_folder(model)
    load_engine(folder), load_words_tokenizer(folder)  # a model that cannot be read is not passed on
    if target.exists() and not (target.is_dir() and not any(target.iterdir())):
        raise OutputError(f"{target} is there already: expected the name of a new folder or .zip file")
    files: dict[str, Path | bytes] = {
        f"model/{path.name}": path for path in sorted(folder.iterdir()) if path.suffix in RESULT_SUFFIXES
    }
    if wheels is not None:
        files |= {f"wheels/{path.name}": path for path in _find_wheels(wheels)}
    files[README] = _TEXT.format(install="" if wheels is None else _INSTALL).encode()
    files[SUMS] = "".join(
        f"{sha256(_read(file)).hexdigest()}  {name}\n" for name, file in files.items()
    ).encode()
    if target.suffix.lower() == ".zip":
        _write_zip(files, target)
    else:
        with whole_folder(target, marker=SUMS) as fresh:
            for name, file in files.items():
                (fresh / name).parent.mkdir(exist_ok=True)
                (fresh / name).write_bytes(_read(file))
    return verify_bundle(target)


def verify_bundle(bundle: Path, *, fingerprint: str | None = None) -> str:
    """Check that every file of a bundle is as it was packed, and return the bundle's fingerprint.

    Args:
        bundle: the folder or the zip file.
        fingerprint: what the sender was told, if it is to be compared.

    Raises:
        CheckpointError: a file was changed, added or taken away, or the fingerprint is another.
        MissingFileError: there is no such bundle.
    """
    if not bundle.exists():
        raise MissingFileError(f"{bundle}: expected a bundle, a folder or .zip file, found nothing there")
    try:
        with _open(bundle) as (names, open_file):
            if SUMS not in names:
                raise CheckpointError(f"{bundle} holds no {SUMS}: expected what `models bundle` wrote")
            with open_file(SUMS) as stream:
                sums = stream.read()
            listed = _parse_sums(sums, bundle)
            found = {name: _digest(open_file, name) for name in names if name != SUMS}
    except (zipfile.BadZipFile, NotImplementedError, EOFError) as error:  # a CRC; a cipher; a cut file
        raise CheckpointError(f"{bundle} is damaged ({error}): fetch the bundle anew") from error
    _compare(bundle, listed, found)
    digest = sha256(sums).hexdigest()
    if fingerprint is not None and fingerprint.strip().lower() != digest:
        raise CheckpointError(
            f"{bundle} has the fingerprint {digest}: expected {fingerprint}, so it is not the bundle "
            "that was sent; fetch it anew"
        )
    return digest


def _read(file: Path | bytes) -> bytes:
    return file if isinstance(file, bytes) else file.read_bytes()


def _find_wheels(folder: Path) -> list[Path]:
    """The wheels of a folder, among which are this package's and those of what it always needs."""
    wheels = sorted(folder.glob("*.whl"))
    there = {_normal_name(path.name.partition("-")[0]) for path in wheels}
    needed = [line for line in requires("libyaevents") or () if "extra ==" not in line]
    names = ["libyaevents", *(re.split(r"[^\w.-]", line, maxsplit=1)[0] for line in needed)]
    missing = [name for name in names if _normal_name(name) not in there]
    if missing:
        raise InputError(
            f"{folder}: expected wheels of libyaevents and all that it needs, found none of "
            f"{', '.join(missing)}; `pip wheel --wheel-dir {folder} .` in a checkout makes them"
        )
    return wheels


def _normal_name(name: str) -> str:
    """A distribution's name as registries compare it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _write_zip(files: Mapping[str, Path | bytes], target: Path) -> None:
    part = target.with_name(f".{target.name}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(part, "w") as archive:  # weights and wheels hardly shrink: stored as they are
            for name, file in files.items():
                archive.writestr(zipfile.ZipInfo(name, _EPOCH), _read(file))
        part.replace(target)
    except OSError as error:
        raise OutputError(f"cannot write {target}: {error.strerror or error}; nothing was changed") from error
    finally:
        with suppress(OSError):
            part.unlink()


@contextmanager
def _open(bundle: Path) -> Iterator[Opened]:
    """Give the names of a bundle's files and a function that opens one."""
    if bundle.is_dir():
        paths = [path for path in sorted(bundle.rglob("*")) if path.is_symlink() or not path.is_dir()]
        links = [path for path in paths if path.is_symlink() or not path.is_file()]
        if links:
            raise CheckpointError(f"{links[0]} is a link or no file: expected a bundle's own files alone")
        yield [path.relative_to(bundle).as_posix() for path in paths], lambda name: (bundle / name).open("rb")
        return
    with zipfile.ZipFile(bundle) as archive:
        names = [name for name in archive.namelist() if not name.endswith("/")]
        # Of two entries with one name, programs that unpack differ in which they take.
        unsafe = [name for name in names if names.count(name) > 1 or not _is_inside(name)]
        if unsafe:
            raise CheckpointError(f"{bundle} holds {unsafe[0]!r} twice or outside itself: do not unpack it")
        yield names, archive.open


def _is_inside(name: str) -> bool:
    path = PurePosixPath(name)
    return not path.is_absolute() and ".." not in path.parts and not set(name) & set("\\:\0")


def _digest(open_file: Callable[[str], IO[bytes]], name: str) -> str:
    with open_file(name) as stream:
        return file_digest(stream, "sha256").hexdigest()  # type: ignore[arg-type]  # a zip's entry is one too


def _parse_sums(sums: bytes, bundle: Path) -> dict[str, str]:
    """The hashes by name."""
    lines = [_SUM.fullmatch(line) for line in sums.decode("utf-8", errors="replace").splitlines()]
    if not all(lines):
        raise CheckpointError(f"{bundle}: {SUMS} is malformed, expected a hash and a name a line")
    return {line[2]: line[1] for line in lines if line}


def _compare(bundle: Path, listed: Mapping[str, str], found: Mapping[str, str]) -> None:
    """Say which files are not as they were packed.

    Raises:
        CheckpointError: there are any.
    """
    differences = {
        "changed": [name for name in listed if name in found and found[name] != listed[name]],
        "missing": [name for name in listed if name not in found],
        "added": [name for name in found if name not in listed],
    }
    said = [
        f"{what} {', '.join(names[:_MOST_NAMED])}" + (" and others" if len(names) > _MOST_NAMED else "")
        for what, names in differences.items()
        if names
    ]
    if said:
        raise CheckpointError(f"{bundle} is not as it was packed: {'; '.join(said)}; fetch the bundle anew")
