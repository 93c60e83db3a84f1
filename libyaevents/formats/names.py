"""Names of files: ids of documents come in, names that a file system takes go out, each once."""

import re

__all__ = ["file_stem", "free_name"]

_MOST_BYTES = 200  # file systems allow 255, of which the ending takes some
_NOT_IN_A_NAME = re.compile(r"[^\w.-]+")


def file_stem(id: str | None) -> str:
    """Return an id as far as a file can be called so, in at most 200 bytes; it may be empty."""
    return _NOT_IN_A_NAME.sub("_", id or "").lstrip(".").encode()[:_MOST_BYTES].decode(errors="ignore")


def free_name(stem: str, taken: dict[str, int]) -> str:
    """Return a name that no other file has: the stem, or `document`, with a number where that is taken.

    `taken` has the names given so far in small letters, since some file systems take A and a for one, with
    the last number behind each; it is added to.
    """
    stem = stem or "document"
    number = taken.get(stem.casefold(), 0) + 1
    while (name := f"{stem}-{number}" if number > 1 else stem).casefold() in taken:
        number += 1
    taken[stem.casefold()] = number
    taken.setdefault(name.casefold(), 1)
    return name
