"""Columns as `columns` writes them, and named-entity corpora: a file comes in, documents go out."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any, NoReturn

from libyaevents.documents import Argument, Document, Entity, Event, Trigger
from libyaevents.errors import CorpusError, DocumentError
from libyaevents.formats.conll import join_sentences, read_conll
from libyaevents.formats.offsets import decode, json_of, read_file
from libyaevents.records import quote

__all__ = ["COLUMNS", "ESCAPES", "OUTSIDE", "UNKNOWN", "read_columns"]

COLUMNS = (
    "ID",
    "FORM",
    "LIBYAEVENTS:ENTITY",
    "LIBYAEVENTS:TRIGGER",
    "LIBYAEVENTS:FACTUALITY",
    "LIBYAEVENTS:ROLES",
    "MISC",
)
OUTSIDE, UNKNOWN = "O", "_"
# As UDPipe has them.
ESCAPES = {" ": r"\s", "\t": r"\t", "\n": r"\n", "\r": r"\r", "|": r"\p", "\\": "\\\\"}

_HEADER = "# global.columns ="
_NEW_DOCUMENT = "# newdoc"
_COMMENT = re.compile(r"# (newdoc id|title|published|source|url|metadata|spaces|sent_id) = (.*)", re.DOTALL)
_TAG = re.compile(r"([BI])-(.+)")
_ROLE = re.compile(r"([1-9][0-9]{0,8}):([BI])-(.+)")
_ESCAPE = re.compile(r"\\(.)")
_CHARACTERS = {escape[1]: character for character, escape in ESCAPES.items()}

_Lines = list[tuple[int, str]]
_Columns = Mapping[str, int]  # where each column stands
_Run = tuple[int, int, str]  # a half-open range of a block's words, and a label


@dataclass(frozen=True, slots=True, kw_only=True)
class _Word:
    """A word: its line in the file, its offsets, and what its columns say."""

    line: int
    start: int
    end: int
    entity: str
    trigger: str
    factuality: str
    roles: str


def read_columns(path: Path) -> Iterator[Document]:
    """Yield the documents of a file; one without `# global.columns` is read as a named-entity corpus.

    Of such a corpus a line is a word and its IOB tags, as `formats.conll` reads it; eight sentences make a
    document, whose text is the words with a space between.

    Raises:
        InputError: The file cannot be opened (`MissingFileError` where there is none), or is no such corpus.
        CorpusError: A line is malformed; the message starts with the file and the line.
    """
    text = decode(read_file(path, "a file of columns"), str(path)).removeprefix("\ufeff")
    header, _, rest = text.partition("\n")
    if not header.startswith(_HEADER):
        yield from join_sentences(read_conll(path))
        return
    columns = _read_header(header, f"{path}:1")
    # Only at \n: a word or its spaces may hold U+2028 or U+0085.
    lines = [(number, line.removesuffix("\r")) for number, line in enumerate(rest.split("\n"), start=2)]
    chunks = list(_split_documents(lines))
    if not chunks:
        raise CorpusError(f"{path}: expected words and their columns, found none behind the first line")
    for chunk in chunks:
        yield _Reader(columns, path).read(chunk)


def _read_header(header: str, where: str) -> _Columns:
    names = header.removeprefix(_HEADER).split()
    missing = [name for name in COLUMNS if name not in names]
    if missing:
        advice = f"as libyaevents convert --to conll writes them: {' '.join(COLUMNS)}"
        raise CorpusError(
            f"{where}: expected columns {', '.join(missing)}, found {' '.join(names)}; {advice}"
        )
    return {name: index for index, name in enumerate(names)}


def _split_documents(lines: _Lines) -> Iterator[_Lines]:
    chunk: _Lines = []
    for number, line in lines:
        if line.startswith(_NEW_DOCUMENT) and any(text for _, text in chunk):
            yield chunk
            chunk = []
        chunk.append((number, line))
    if any(text for _, text in chunk):
        yield chunk


class _Reader:
    """The lines of one document on their way to be one."""

    def __init__(self, columns: _Columns, path: Path) -> None:
        self._columns = columns
        self._path = path
        self._facts: dict[str, Any] = {}
        self._pieces: list[str] = []
        self._length = 0

    def read(self, lines: _Lines) -> Document:
        blocks: list[tuple[list[_Word], bool]] = []
        block: list[_Word] = []
        is_sentence = False
        for number, line in [*lines, (0, "")]:
            if line.startswith("#"):
                is_sentence |= self._read_comment(line, number)
            elif line:
                block.append(self._read_word(line, number))
            elif block:
                blocks.append((block, is_sentence))
                block, is_sentence = [], False
        text = "".join(self._pieces)
        sentences = [[words[0].start, words[-1].end] for words, is_sentence in blocks if is_sentence]
        entities = list(chain.from_iterable(self._entities(words, text) for words, _ in blocks))
        entities = [replace(entity, id=f"T{number}") for number, entity in enumerate(entities, start=1)]
        ids = {(entity.start, entity.end): entity.id for entity in entities}
        events = chain.from_iterable(self._events(words, text, ids) for words, _ in blocks)
        numbered = tuple(replace(event, id=f"E{number}") for number, event in enumerate(events, start=1))
        try:
            document = Document.from_dict({**self._facts, "text": text, "sentences": sentences})
        except DocumentError as error:
            self._fail(lines[0][0], str(error))
        return replace(document, entities=tuple(entities), events=numbered)

    def _read_comment(self, line: str, number: int) -> bool:
        """Keep what a comment says of the document, and say whether it begins a sentence."""
        match = _COMMENT.fullmatch(line)
        if match is None:
            return False
        name, value = match[1], _unescape(match[2])
        if name == "spaces":
            self._add(value)
        elif name == "metadata":
            self._facts[name] = json_of(value, f"{self._path}:{number}")
        elif name != "sent_id":
            self._facts["id" if name == "newdoc id" else name] = value
        return name == "sent_id"

    def _read_word(self, line: str, number: int) -> _Word:
        values = line.split("\t")
        if len(values) != len(self._columns):
            expected = f"{len(self._columns)} columns parted by tabs"
            self._fail(number, f"expected {expected}, found {len(values)} in {quote(line)}")
        column = {name: values[index] for name, index in self._columns.items()}
        if not column["ID"].isdecimal() or not column["FORM"]:
            self._fail(number, f"expected the number of a word and the word, found {quote(line)}")
        notes = dict(note.partition("=")[::2] for note in column["MISC"].split("|"))
        self._add(_unescape(notes.get("SpacesBefore", "")))
        start = self._length
        self._add(column["FORM"])
        end = self._length
        after = "" if notes.get("SpaceAfter") == "No" else _unescape(notes.get("SpacesAfter", " "))
        self._add(after)
        return _Word(
            line=number,
            start=start,
            end=end,
            entity=column["LIBYAEVENTS:ENTITY"],
            trigger=column["LIBYAEVENTS:TRIGGER"],
            factuality=column["LIBYAEVENTS:FACTUALITY"],
            roles=column["LIBYAEVENTS:ROLES"],
        )

    def _add(self, text: str) -> None:
        self._pieces.append(text)
        self._length += len(text)

    def _entities(self, words: list[_Word], text: str) -> Iterator[Entity]:
        for first, last, label in self._runs([(word.line, word.entity) for word in words]):
            start, end = words[first].start, words[last - 1].end
            yield Entity(id="", label=label, start=start, end=end, text=text[start:end])

    def _events(self, words: list[_Word], text: str, ids: Mapping[tuple[int, int], str]) -> Iterator[Event]:
        triggers = self._runs([(word.line, word.trigger) for word in words])
        roles = self._roles(words, {first for first, _, _ in triggers})
        for first, last, type in triggers:
            start, end = words[first].start, words[last - 1].end
            factuality = words[first].factuality
            arguments = []
            for left, right, role in sorted(roles[first]):
                span = (words[left].start, words[right - 1].end)
                covered = text[slice(*span)]
                arguments.append(
                    Argument(role=role, start=span[0], end=span[1], text=covered, entity_id=ids.get(span))
                )
            yield Event(
                id="",
                type=type,
                trigger=Trigger(start=start, end=end, text=text[start:end]),
                factuality="actual" if factuality == UNKNOWN else factuality,
                arguments=tuple(arguments),
            )

    def _runs(self, tags: list[tuple[int, str]]) -> list[_Run]:
        """Return the spans of IOB2 tags, given with their lines; an I that continues nothing starts one."""
        runs: list[_Run] = []
        for index, (line, tag) in enumerate(tags):
            match = _TAG.fullmatch(tag)
            if match is not None:
                _extend(runs, index, match[1], match[2])
            elif tag not in (OUTSIDE, UNKNOWN):
                self._fail(line, f"expected the tags O, B-X or I-X, found {quote(tag)}")
        return runs

    def _roles(self, words: list[_Word], triggers: set[int]) -> dict[int, list[_Run]]:
        """Return the roles of a block by the first word of their event's trigger."""
        runs: dict[tuple[int, str], list[_Run]] = {}
        for index, word in enumerate(words):
            for role in word.roles.split("|") if word.roles != UNKNOWN else ():
                match = _ROLE.fullmatch(role)
                if match is None:
                    expected = "roles as in 3:B-Agent|3:I-Source, or _"
                    self._fail(word.line, f"expected {expected}, found {quote(word.roles)}")
                head = int(match[1]) - 1
                if head not in triggers:
                    expected = "the number of the first word of a trigger in the sentence"
                    self._fail(word.line, f"expected {expected}, found {match[1]} in {quote(role)}")
                _extend(runs.setdefault((head, match[3]), []), index, match[2], match[3])
        roles: dict[int, list[_Run]] = {head: [] for head in triggers}
        for (head, _), found in runs.items():
            roles[head] += found
        return roles

    def _fail(self, line: int, message: str) -> NoReturn:
        raise CorpusError(f"{self._path}:{line}: {message}")


def _extend(runs: list[_Run], index: int, prefix: str, label: str) -> None:
    """Let the last run go on with a word, or begin one."""
    if prefix == "I" and runs and runs[-1][1:] == (index, label):
        runs[-1] = (runs[-1][0], index + 1, label)
    else:
        runs.append((index, index + 1, label))


def _unescape(value: str) -> str:
    return _ESCAPE.sub(lambda match: _CHARACTERS.get(match[1], match[0]), value)
