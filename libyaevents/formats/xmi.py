"""XMI files of the UIMA world, each with its type system: found in folders and archives, read without risk.

XML entities can take a machine's memory (billion laughs) or its files (external entities), and are declared
in a DOCTYPE alone. UIMA writes none, so a file with one is refused before anything parses it. Archives are
read in memory, never unpacked to disk, so that the names in them lead nowhere.
"""

import re
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import Any
from xml.parsers import expat

from libyaevents.errors import CorpusError, InputError, LibyaeventsError, MissingExtraError, MissingFileError
from libyaevents.formats.offsets import decode, read_file
from libyaevents.records import quote

__all__ = ["XmiFile", "find_xmi_files", "import_cassis", "load_cas", "load_dkpro_types", "load_type_system"]

TYPE_SYSTEM = "TypeSystem.xml"

_SUFFIXES = (".xmi", ".xml")
_LARGEST_FILE = 2**27  # in bytes; an annotated article takes some hundred thousand
_LARGEST_ARCHIVE = 2**30  # all that is read of one
_MOST_MEMBERS = 100_000

# The parser behind needs time by the square of these. A text is one value: two million characters.
_DEEPEST, _MOST_ATTRIBUTES, _LONGEST_VALUE = 32, 500, 2**21

_DECLARATION = re.compile(r"<\?xml\s[^>]*>")
_ENCODING = re.compile(r"encoding\s*=\s*[\"']([^\"']*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class XmiFile:
    """The bytes of an .xmi file and of its type system; `where` is what messages call it."""

    where: str
    stem: str
    data: bytes
    type_system: bytes


def find_xmi_files(path: Path) -> Iterator[XmiFile]:
    """Yield the .xmi files of a folder, however deep, or of a .zip, sorted by name; or the one file.

    Raises:
        InputError: There is no .xmi, or more than is read; `MissingFileError` where there is nothing.
        CorpusError: A file has no type system beside it.
    """
    if not path.exists():
        raise MissingFileError(f"{path}: expected .xmi files, found nothing; check the path")
    if path.is_file() and zipfile.is_zipfile(path):
        yield from _files_of_archive(path)
        return
    if path.is_file() and path.suffix.lower() not in _SUFFIXES:
        raise InputError(
            f"{path}: expected an .xmi file, a folder of them or INCEpTION's .zip, found another"
        )
    found = sorted(path.rglob("*.xmi")) if path.is_dir() else [path]
    if not found:
        raise InputError(f"{path}: expected a folder with .xmi files, found none{_zip_advice(path)}")
    for file in found:
        _check_size(file.stat().st_size, str(file))
        types = file.with_name(TYPE_SYSTEM)
        yield XmiFile(
            where=str(file),
            stem=file.stem,
            data=read_file(file, "an .xmi file"),
            type_system=read_file(types, "a type system") if types.is_file() else _fail_no_types(str(file)),
        )


def import_cassis() -> Any:
    """Import the library that reads and writes UIMA CAS.

    Raises:
        MissingExtraError: It is not installed.
    """
    try:
        import cassis
    except ImportError as error:
        advice = "pip install 'libyaevents[inception]'"
        raise MissingExtraError(f"this format needs dkpro-cassis: {advice}") from error
    return cassis


def load_dkpro_types() -> Any:
    """Return the types of DKPro Core, among which are INCEpTION's built-in layers, to add to."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # cassis opens its own file as Python once did
        return import_cassis().load_dkpro_core_typesystem()


def load_type_system(file: XmiFile) -> Any:
    """Read the type system of a file.

    Raises:
        CorpusError: It has a DOCTYPE, or is none.
    """
    where = f"{file.where}: {TYPE_SYSTEM}"
    _check_xml(file.type_system, where)
    # Layers that are defined twice over are warned of, and are INCEpTION's habit.
    with _cassis_errors(where, "a UIMA type system", on_warning="ignore"):
        return import_cassis().load_typesystem(BytesIO(file.type_system))


def load_cas(file: XmiFile, types: Any) -> Any:
    """Read a file; offsets of what is in its index count code points.

    Raises:
        CorpusError: It has a DOCTYPE, is no XMI, or does not fit its type system or its own text.
    """
    _check_xml(file.data, file.where)
    # An offset that is none of the text is warned of, and left as it is.
    with _cassis_errors(file.where, f"UIMA CAS XMI as its {TYPE_SYSTEM} describes it", on_warning="error"):
        return import_cassis().load_cas_from_xmi(BytesIO(file.data), typesystem=types)


def _files_of_archive(path: Path) -> Iterator[XmiFile]:
    try:
        with zipfile.ZipFile(path) as archive:
            yield from _files_of_members(archive, path)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, OSError) as error:
        if isinstance(error, LibyaeventsError):
            raise
        expected = "an archive as INCEpTION exports it"
        raise InputError(f"{path}: expected {expected}, found a damaged or locked one ({error})") from error


def _files_of_members(archive: zipfile.ZipFile, path: Path) -> Iterator[XmiFile]:
    members = {member.filename: member for member in archive.infolist()}
    if len(members) > _MOST_MEMBERS:
        raise InputError(f"{path}: expected at most {_MOST_MEMBERS:,} files, found {len(members):,}")
    names = sorted(name for name in members if name.lower().endswith(".xmi"))
    if not names:
        has_zips = any(name.lower().endswith(".zip") for name in members)
        advice = "; it holds archives: unpack it, and give one of them or their folder" if has_zips else ""
        raise InputError(f"{path}: expected an archive with .xmi files, found none{advice}")
    total = 0
    for name in names:
        where, inside = f"{path}: {name}", PurePosixPath(name)
        types = next(
            (at for at in (str(inside.with_name(TYPE_SYSTEM)), TYPE_SYSTEM) if at in members),
            None,
        ) or _fail_no_types(where)
        for at in (name, str(types)):
            _check_size(members[at].file_size, f"{path}: {at}")
            total += members[at].file_size
        if total > _LARGEST_ARCHIVE:
            raise InputError(
                f"{path}: expected at most {_LARGEST_ARCHIVE:,} bytes unpacked, found more: split it"
            )
        # No more is unpacked than the size that was checked; what is longer fails its checksum.
        yield XmiFile(
            where=where,
            stem=inside.stem,
            data=archive.read(name),
            type_system=archive.read(str(types)),
        )


def _check_size(size: int, where: str) -> None:
    if size > _LARGEST_FILE:
        raise InputError(f"{where}: expected at most {_LARGEST_FILE:,} bytes of XML, found {size:,}")


def _fail_no_types(where: str) -> bytes:
    raise CorpusError(
        f"{where}: expected {TYPE_SYSTEM} beside it, found none; give INCEpTION's .zip, which holds both"
    )


def _zip_advice(folder: Path) -> str:
    has_zips = any(folder.rglob("*.zip"))
    return "; it holds archives: unpack them where they lie" if has_zips else ""


def _check_xml(data: bytes, where: str) -> None:
    """Refuse what would hurt the parser behind, which takes the encoding from the file's first line.

    Raises:
        CorpusError: There is a DOCTYPE or XML beyond the limits, or the file is no XML in UTF-8.
    """
    text = decode(data, where).removeprefix("\ufeff")
    declaration = _DECLARATION.match(text)
    encoding = _ENCODING.search(declaration[0]) if declaration else None
    if encoding and encoding[1].lower() not in ("utf-8", "utf8", "us-ascii"):
        raise CorpusError(f"{where}: expected XML in UTF-8, found encoding {quote(encoding[1])}; convert it")
    if declaration:  # expat knows no XML 1.1, in which INCEpTION can export
        text = " " * declaration.end() + text[declaration.end() :]
    guard, parser = _Guard(where), expat.ParserCreate("utf-8")
    parser.StartDoctypeDeclHandler = guard.doctype
    parser.StartElementHandler, parser.EndElementHandler = guard.start, guard.end
    try:
        parser.Parse(text.encode(), True)
    except expat.ExpatError as error:
        raise CorpusError(f"{where}: expected XML, found {error}; export it anew") from error


class _Guard:
    """What is looked at while expat reads a file, which ends at the first thing that is refused."""

    def __init__(self, where: str) -> None:
        self.where, self.depth = where, 0

    def doctype(self, *_: object) -> None:
        found = "found a DOCTYPE, which declares entities that can take a machine's memory or files"
        raise CorpusError(f"{self.where}: expected XML as UIMA writes it, {found}; remove it")

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self.depth += 1
        longest = max(map(len, attributes.values()), default=0)
        if self.depth > _DEEPEST or len(attributes) > _MOST_ATTRIBUTES or longest > _LONGEST_VALUE:
            limits = f"{_DEEPEST} levels, {_MOST_ATTRIBUTES} attributes, {_LONGEST_VALUE:,} characters in one"
            raise CorpusError(f"{self.where}: expected XML of at most {limits}; found more in {quote(name)}")

    def end(self, _: str) -> None:
        self.depth -= 1


@contextmanager
def _cassis_errors(where: str, expected: str, *, on_warning: Any) -> Iterator[None]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter(on_warning)
            yield
    except Exception as error:  # lxml, attrs and cassis raise what they like; its own share no base class
        reason = " ".join(str(error).split()) or type(error).__name__
        found = f"found something else ({reason}); export it anew"
        raise CorpusError(f"{where}: expected {expected}, {found}") from error
