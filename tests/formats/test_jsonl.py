"""Documents in JSON Lines files."""

import errno
import io
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libyaevents.documents import Argument, Document, Entity, Event, Trigger
from libyaevents.errors import CorpusError, InputError, LabelError, MissingFileError, OutputError
from libyaevents.formats.jsonl import read_documents, write_documents
from libyaevents.ontology import load_ontology

CORPUS = Path(__file__).parents[3] / "shared" / "corpus"

GOOD = '{"format": "libyaevents/1", "id": "a1", "text": "دخلت القوات سرت."}'
OTHER = '{"id": "a2", "text": "هدوء في سرت.", "title": null}'


def corpus(tmp_path: Path, *lines: str) -> Path:
    """A file of these lines."""
    path = tmp_path / "corpus.jsonl"
    path.write_text("".join(line + "\n" for line in lines), encoding="utf-8", errors="surrogatepass")
    return path


def labeled(
    *, entity: str = "GPE", event: str = "Advance", role: str = "Agent", factuality: str = "actual"
) -> str:
    """A line with one label of each kind."""
    document = Document(
        text="دخلت القوات سرت.",
        entities=(Entity(id="T1", label=entity, start=12, end=15, text="سرت"),),
        events=(
            Event(
                id="E1",
                type=event,
                factuality=factuality,
                trigger=Trigger(start=0, end=4, text="دخلت"),
                arguments=(Argument(role=role, start=5, end=11, text="القوات"),),
            ),
        ),
    )
    return document.to_json()


@given(texts=st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=20), min_size=1, max_size=4))
def test_round_trip(tmp_path_factory: pytest.TempPathFactory, texts: list[str]) -> None:
    """Documents of any text are read back in order as they were written."""
    path = tmp_path_factory.mktemp("round_trip") / "corpus.jsonl"
    documents = [Document(id=f"a{index}", text=text) for index, text in enumerate(texts)]
    write_documents(documents, path)
    assert list(read_documents(path)) == documents


@pytest.mark.skipif(not CORPUS.exists(), reason="the corpus lies beside the repository, not in it")
@pytest.mark.parametrize(
    ("name", "n_documents", "n_events"), [("seed", 1, 35), ("dev", 40, 712), ("train", 264, 5111)]
)
def test_corpus(tmp_path: Path, name: str, n_documents: int, n_events: int) -> None:
    """Every document of the annotated corpus is read, known in all its labels, and written the same."""
    documents = list(read_documents(CORPUS / f"{name}.jsonl", ontology=load_ontology()))
    assert len(documents) == n_documents
    assert sum(len(document.events) for document in documents) == n_events
    write_documents(documents, tmp_path / "copy.jsonl")
    assert list(read_documents(tmp_path / "copy.jsonl")) == documents


def test_forgiven(tmp_path: Path) -> None:
    """Blank lines, a byte order mark, carriage returns and a missing last line end are read over."""
    path = tmp_path / "corpus.jsonl"
    path.write_bytes(f"\ufeff{GOOD}\r\n\r\n  \r\n{OTHER}".encode())
    assert [document.id for document in read_documents(path)] == ["a1", "a2"]


def test_separators_in_strings(tmp_path: Path) -> None:
    """Characters that other tools take for line ends do not end a line."""
    document = Document(id="a1", text="سطر\u2028سطر\u0085سطر\x0bسطر")
    write_documents([document], tmp_path / "corpus.jsonl")
    assert list(read_documents(tmp_path / "corpus.jsonl")) == [document]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            '{"id": "a2", "text": ',
            ":3: document: expected a JSON object, found malformed JSON: Expecting value at",
        ),
        ("[]", ":3: document: expected a JSON object, found []"),
        ('{"id": "a2", "text": "أ", "text": "ب"}', ":3: document 'a2': text: expected this key once"),
        (
            '{"id": "a2", "text": "أ", "txet": 1}',
            ":3: document 'a2': txet: expected a field of Document, found 'txet'",
        ),
        ('{"id": "a2"}', ":3: document 'a2': expected a field 'text'"),
        (
            '{"text": "أ", "sentences": [[0, NaN]]}',
            ":3: document: sentences[0][1]: expected a whole number, found nan",
        ),
        (
            '{"text": "\\ud83d"}',
            ":3: document: text: expected Unicode text, found '\\ud83d'; lone surrogate U+D83D",
        ),
        ('{"format": "libyaevents/9", "text": "أ"}', ":3: document: format: expected 'libyaevents/1'"),
        (GOOD, ":3: expected a document id of its own, found 'a1', which line 1 has already"),
        (labeled().replace('"start": 12', '"start": 11'), ":3: document: entities[0].text: expected ' سرت'"),
        (
            labeled().replace('"end": 15', '"end": 99'),
            ":3: document: entities[0]: expected integers with 0 <= start",
        ),
    ],
)
def test_bad_line(tmp_path: Path, line: str, message: str) -> None:
    """A bad line is refused with file and line number, after the good ones were given."""
    path = corpus(tmp_path, GOOD, "", line, OTHER)
    documents = read_documents(path)
    assert next(documents).id == "a1"
    with pytest.raises(CorpusError) as caught:
        next(documents)
    assert str(caught.value).startswith(f"{path}{message}")


def test_repeated_ids_inside(tmp_path: Path) -> None:
    """Two entities of one id are refused with file and line."""
    entity = '{"id": "T1", "label": "GPE", "start": 0, "end": 3, "text": "سرت"}'
    path = corpus(tmp_path, f'{{"id": "a1", "text": "سرت", "entities": [{entity}, {entity}]}}')
    with pytest.raises(
        CorpusError, match=r"corpus\.jsonl:1: document 'a1': entities\[1\]\.id: expected an id of its"
    ):
        list(read_documents(path))


def test_documents_without_id(tmp_path: Path) -> None:
    """Documents without an id do not clash."""
    path = corpus(tmp_path, '{"text": "أ"}', '{"text": "أ"}')
    assert len(list(read_documents(path))) == 2


@pytest.mark.parametrize(
    ("change", "place", "closest"),
    [
        ({"entity": "GEP"}, "entities[0].label", "GPE"),
        ({"event": "Advanced"}, "events[0].type", "Advance"),
        ({"factuality": "actuel"}, "events[0].factuality", "actual"),
        ({"role": "Agnet"}, "events[0].arguments[0].role", "Agent"),
    ],
)
def test_unknown_label(tmp_path: Path, change: dict[str, str], place: str, closest: str) -> None:
    """An unknown label is refused, with its place and the known ones, where an ontology is given."""
    path = corpus(tmp_path, labeled(), labeled(**change))
    with pytest.raises(LabelError) as caught:
        list(read_documents(path, ontology=load_ontology()))
    assert str(caught.value).startswith(f"{path}:2: {place}: expected a known label, found ")
    assert f"did you mean '{closest}'? known: " in str(caught.value)
    assert len(list(read_documents(path))) == 2


@pytest.mark.parametrize("lines", [[], ["", "  "]])
def test_empty_corpus(tmp_path: Path, lines: list[str]) -> None:
    """A file without documents is refused."""
    with pytest.raises(
        CorpusError, match=r"corpus\.jsonl: expected one JSON document a line, found an empty file"
    ):
        list(read_documents(corpus(tmp_path, *lines)))


def test_other_encoding(tmp_path: Path) -> None:
    """A line in another encoding is refused with the byte and the way out."""
    path = tmp_path / "corpus.jsonl"
    path.write_bytes(f"{GOOD}\n".encode() + OTHER.encode("windows-1256"))
    with pytest.raises(
        CorpusError, match=r"corpus\.jsonl:2: expected UTF-8, found byte 0xe5 at position 22; .* iconv"
    ):
        list(read_documents(path))
    path.write_bytes(GOOD.encode("utf-16"))
    with pytest.raises(CorpusError, match=r"corpus\.jsonl:1: expected UTF-8, found byte 0xff at position 0"):
        list(read_documents(path))


def test_raw_surrogate(tmp_path: Path) -> None:
    """A lone surrogate encoded into the bytes is no UTF-8."""
    with pytest.raises(CorpusError, match=r":1: expected UTF-8, found byte 0xed"):
        list(read_documents(corpus(tmp_path, '{"text": "\ud800"}')))


def test_unreadable_file(tmp_path: Path) -> None:
    """A missing file and a folder are told apart."""
    with pytest.raises(MissingFileError, match=r"none\.jsonl: expected a JSON Lines file, found none"):
        list(read_documents(tmp_path / "none.jsonl"))
    with pytest.raises(InputError, match="expected a JSON Lines file, found Is a directory"):
        list(read_documents(tmp_path))


def fill_disk(*_: object) -> None:
    """Fail as a full disk does."""
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


class FullDisk(io.BufferedWriter):
    """A file on a disk that takes the first half of what is written."""

    def write(self, data: Any, /) -> int:
        """Write half of the data and fail."""
        super().write(data[: len(data) // 2])
        fill_disk()
        return 0


def open_full_disk(path: Path, mode: str) -> FullDisk:
    """Open a file for writing on a full disk."""
    return FullDisk(io.FileIO(path, mode))


@pytest.mark.parametrize(
    ("where", "name", "broken"), [(Path, "open", open_full_disk), (os, "fsync", fill_disk)]
)
def test_full_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: object, name: str, broken: Callable[..., object]
) -> None:
    """On a full disk, seen early or late, the old file stays whole and no part of the new one is left."""
    path = corpus(tmp_path, GOOD)
    monkeypatch.setattr(where, name, broken)
    with pytest.raises(
        OutputError, match=r"corpus\.jsonl: expected a file that can be written, found No space left"
    ):
        write_documents([Document(id="a9", text="خبر")], path)
    monkeypatch.undo()
    assert path.read_text(encoding="utf-8") == GOOD + "\n"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("name", [".", "none/corpus.jsonl", "file/corpus.jsonl"])
def test_unwritable_place(tmp_path: Path, name: str) -> None:
    """A folder, a missing folder and a file taken for a folder cannot be written to."""
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(OutputError, match="expected a file"):
        write_documents([Document(text="خبر")], tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_failing_source(tmp_path: Path) -> None:
    """An error of the documents' source passes through, and leaves the old file."""
    path = corpus(tmp_path, OTHER)

    def documents() -> Iterator[Document]:
        yield Document(text="خبر")
        yield from read_documents(tmp_path / "none.jsonl")

    with pytest.raises(MissingFileError, match=r"none\.jsonl"):
        write_documents(documents(), path)
    assert list(tmp_path.iterdir()) == [path]
    assert path.read_text(encoding="utf-8") == OTHER + "\n"
