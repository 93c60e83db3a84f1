"""Formats of annotated documents: what comes back of any document, whole outputs, and the command."""

import json
import runpy
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any, get_args

import pytest
from hypothesis import HealthCheck, given, settings

from libyaevents.cli import main
from libyaevents.cli.documents import Annotation
from libyaevents.datasets import load_corpus
from libyaevents.documents import Argument, Document, Entity, Event, Trigger
from libyaevents.errors import ConfigError, CorpusError, LibyaeventsError, OutputError
from libyaevents.formats import annotation
from libyaevents.formats.jsonl import read_documents, write_documents
from libyaevents.formats.losses import FIELDS, leave_out
from tests.formats.samples import comparable, corpora, remainder, sorted_arguments

ROOT = Path(__file__).parents[2]

# Formats whose losses are fields, ids and order alone: what is left of a document is then known exactly.
EXACT = ("jsonl", "brat", "labelstudio", "doccano")

Run = Callable[..., tuple[int, bytes, str]]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]) -> Run:
    """Run the command in an empty folder: exit code, standard output, standard error."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> tuple[int, bytes, str]:
        code = main(["convert", *arguments])
        out, err = capfdbinary.readouterr()
        return code, out, err.decode()

    return run


@pytest.fixture
def document() -> Document:
    """A document with an entity whose place was resolved."""
    text = "قصف سرت"
    entity = Entity(id="T1", label="GPE", start=4, end=7, text="سرت", core=(4, 7))
    return Document(id="a1", text=text, entities=(entity,))


@pytest.mark.parametrize("format", EXACT)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(documents=corpora(enriched=True))
def test_what_comes_back(
    tmp_path_factory: pytest.TempPathFactory, format: str, documents: list[Document]
) -> None:
    """Any documents come back in order, equal but for exactly what the losses name."""
    path = tmp_path_factory.mktemp("trip") / "written"
    losses = annotation.write(documents, path, format)
    found = list(annotation.read(path, format))
    assert [comparable(each, losses) for each in found] == [remainder(each, losses) for each in documents]
    counted = sum((leave_out(each, tuple(FIELDS))[1] for each in documents), start=type(losses)())
    assert {name: losses[name] for name in losses if name in FIELDS}.items() <= counted.items()


@pytest.mark.parametrize("format", ["brat", "conll", "labelstudio", "doccano"])
def test_open_corpus_comes_back(tmp_path: Path, format: str) -> None:
    """The package's own annotated articles lose nothing but, in two formats, an order that means nothing."""
    documents = load_corpus()
    losses = annotation.write(documents, tmp_path / "written", format)
    found = list(annotation.read(tmp_path / "written", format))
    assert set(losses) <= {"order of an event's arguments"}
    assert list(map(sorted_arguments, found)) == list(map(sorted_arguments, documents))


def test_long_documents(tmp_path: Path) -> None:
    """A document of a book's length is written and read in time that grows with it."""
    article = load_corpus("article")[0]
    n_copies, width = 25, len(article.text) + 1

    def moved(item: object, offset: int) -> dict[str, object]:
        record = json.loads(json.dumps(item))
        for mention in (record, record.get("trigger", {}), *record.get("arguments", ())):
            if "start" in mention:
                mention["start"], mention["end"] = mention["start"] + offset, mention["end"] + offset
        return dict(record)

    data = article.to_dict()
    copies = [number * width for number in range(n_copies)]
    long = {
        **data,
        "text": "\n".join([article.text] * n_copies),
        "sentences": [[start + at, end + at] for at in copies for start, end in data["sentences"]],
        "entities": [moved(entity, at) for at in copies for entity in data["entities"]],
        "events": [moved(event, at) for at in copies for event in data["events"]],
    }
    numbers = {}
    for letter, name in (("T", "entities"), ("E", "events")):
        for number, item in enumerate(long[name], start=1):
            copy = (number - 1) // len(data[name])
            numbers[copy, item["id"]] = item["id"] = f"{letter}{number}"
    for number, event in enumerate(long["events"]):
        for argument in event["arguments"]:
            if "entity_id" in argument:
                argument["entity_id"] = numbers[number // len(data["events"]), argument["entity_id"]]
    document = Document.from_dict(long)
    for format in ("brat", "conll", "labelstudio", "doccano"):
        annotation.write([document], tmp_path / format, format)
        (found,) = annotation.read(tmp_path / format, format)
        assert sorted_arguments(found) == sorted_arguments(document)


def test_table_of_the_docs() -> None:
    """The table in formats.md is what a round trip of each feature in each format gives today."""
    table = runpy.run_path(str(ROOT / "scripts" / "round_trips.py"))["table"]()
    assert table in (ROOT / "docs" / "formats.md").read_text(encoding="utf-8")


def test_names() -> None:
    """The command knows the formats that there are, and formats.md names each with its kind and ending."""
    assert get_args(Annotation) == get_args(annotation.AnnotationFormatName) == tuple(annotation.FORMATS)
    page = (ROOT / "docs" / "formats.md").read_text(encoding="utf-8")
    for name, own in annotation.FORMATS.items():
        ending = f"`{own.suffix}`" if own.suffix else "folder"
        assert f"| `{name}` | {ending} |" in page


def test_unknown_format(tmp_path: Path) -> None:
    """A name that is none is refused at once, with the closest that is one."""
    with pytest.raises(ConfigError, match="found 'brta'; did you mean 'brat'"):
        annotation.read(tmp_path, "brta")
    with pytest.raises(ConfigError, match="expected a format, found ''"):
        annotation.write([], tmp_path / "new", "")


@pytest.mark.parametrize(("format", "name"), [("brat", "a1.ann"), ("conll", None)])
def test_damaged_lines(tmp_path: Path, format: str, name: str | None) -> None:
    """A file with bytes changed or cut out is read, or refused by an error of the library: nothing else."""
    path = tmp_path / "written"
    annotation.write([annotated()], path, format)
    file = path if name is None else path / name
    whole, random = file.read_bytes(), Random(7)
    for _ in range(100):
        data = bytearray(whole)
        for _ in range(random.randint(1, 4)):
            place = random.randrange(len(data))
            data[place : place + random.randint(1, 8)] = random.choice((b"", bytes([random.randrange(256)])))
        file.write_bytes(data)
        with suppress(LibyaeventsError):
            list(annotation.read(path, format))


@pytest.mark.parametrize("format", ["labelstudio", "doccano"])
def test_damaged_json(tmp_path: Path, format: str) -> None:
    """JSON with values changed or left out is read, or refused by an error of the library: nothing else."""
    path = tmp_path / "written"
    annotation.write([annotated()], path, format)
    whole, random = json.loads(path.read_text(encoding="utf-8")), Random(7)
    for _ in range(300):
        damaged = json.loads(json.dumps(whole))
        holder, key = random.choice(list(_places(damaged)))
        if random.random() < 0.3:
            del holder[key]
        else:
            holder[key] = random.choice((None, True, -1, 10**30, 0.5, "", "T1", [], [["a"]], {}, {"a": 1}))
        path.write_text(json.dumps(damaged), encoding="utf-8")
        with suppress(LibyaeventsError):
            list(annotation.read(path, format))


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every place in JSON that holds a value: the object or list, and the key or index."""
    for key in (
        list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    ):
        yield value, key
        yield from _places(value[key])


def annotated() -> Document:
    """A document with everything that annotators write, and an emoji."""
    text = "🚁 قصف الجيش سرت\r\nونفى"
    return Document(
        id="a1",
        title="خبر",
        text=text,
        sentences=((0, 15),),
        entities=(Entity(id="T1", label="GPE", start=12, end=15, text="سرت", score=0.5),),
        events=(
            Event(
                id="E1",
                type="Attack",
                trigger=Trigger(start=2, end=5, text="قصف"),
                factuality="negated",
                arguments=(
                    Argument(role="Place", start=12, end=15, text="سرت", entity_id="T1"),
                    Argument(role="Agent", start=6, end=11, text="الجيش"),
                ),
            ),
        ),
        metadata={"desk": "ليبيا"},
    )


@pytest.mark.parametrize("depth", [900, 985, 990, 100_000])
@pytest.mark.parametrize("format", ["jsonl", "labelstudio", "doccano"])
def test_deeply_nested_json(tmp_path: Path, format: str, depth: int) -> None:
    """JSON that is nested too deeply is refused as every wrong value is, at whatever depth it fails."""
    deep = f'{{"text": "سرت", "sentences": {"[" * depth}{"]" * depth}}}'
    task = f'{{"data": {{"text": "سرت"}}, "meta": {deep}}}' if format == "labelstudio" else deep
    (tmp_path / "deep.json").write_text(task, encoding="utf-8")
    with pytest.raises(CorpusError, match=r"deep\.json"):
        list(annotation.read(tmp_path / "deep.json", format))


@pytest.mark.parametrize("format", ["brat", "doccano"])
def test_failed_writing_leaves_nothing(tmp_path: Path, document: Document, format: str) -> None:
    """Where the documents end in an error, there is no output, and no part of one."""

    def documents() -> object:
        yield document
        raise CorpusError("broken")

    with pytest.raises(CorpusError, match="broken"):
        annotation.write(documents(), tmp_path / "out", format)  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []


def test_folders_are_not_replaced(tmp_path: Path, document: Document) -> None:
    """A folder that holds something may be a person's work, and stays; an empty one is filled."""
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "a.ann").touch()
    with pytest.raises(OutputError, match="expected a new or empty folder, found one that holds something"):
        annotation.write([document], tmp_path / "full", "brat")
    (tmp_path / "empty").mkdir()
    annotation.write([document], tmp_path / "empty", "brat")
    assert (tmp_path / "empty" / "a1.ann").exists()
    with pytest.raises(OutputError, match="found a file"):
        annotation.write([document], tmp_path / "full" / "a.ann", "brat")
    annotation.write([document], tmp_path / "absent" / "new", "brat")
    assert (tmp_path / "absent" / "new" / "a1.ann").exists()


def test_unknown_labels_are_said(
    tmp_path: Path, document: Document, caplog: pytest.LogCaptureFixture
) -> None:
    """Labels that the ontology does not have are read, and counted in the log."""
    text = document.to_json().replace("GPE", "GEP")
    (tmp_path / "mine.jsonl").write_text(text, encoding="utf-8")
    (found,) = annotation.read(tmp_path / "mine.jsonl", "jsonl")
    assert found.entities[0].label == "GEP"
    assert caplog.messages == ["labels that the ontology does not have: entity label 'GEP' (1)"]


def test_command_converts_between_formats(run: Run, document: Document) -> None:
    """A file goes out as one format and comes back from it; what was lost is said in one line."""
    write_documents([document], "mine.jsonl")
    lost = "warning: brat does not hold: core of an entity (1)\n"
    assert run("mine.jsonl", "--to", "brat", "--output", "folder") == (0, b"", lost)
    code, out, err = run("folder", "--from", "brat", "--to", "jsonl")
    assert (code, err) == (0, "")
    Path("back.jsonl").write_bytes(out)
    assert list(read_documents("back.jsonl")) == [leave_out(document, ["core of an entity"])[0]]


def test_command_makes_rows_of_any_format(run: Run) -> None:
    """Rows of documents in a format are the rows of the documents."""
    write_documents(load_corpus("article"), "mine.jsonl")
    assert run("mine.jsonl", "--to", "doccano", "--output", "lines.jsonl")[0] == 0
    rows = run("lines.jsonl", "--from", "doccano", "--to", "csv")
    assert rows == run("mine.jsonl", "--to", "csv")
    assert rows[1].count(b"\n") > 30


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("mine.jsonl", "--to", "brat"), "expected --output FOLDER for brat, found none: a stream holds no"),
        (("mine.jsonl", "--to", "doccano", "--any-factuality"), "expected --any-factuality with rows"),
        (
            ("mine.jsonl", "--from", "brat", "--to", "csv"),
            "expected a folder of .txt and .ann files, found a",
        ),
        (("absent", "--from", "brat", "--to", "conll"), "absent: expected a folder of .txt and .ann files"),
        (("absent", "--from", "doccano", "--to", "conll"), "absent: expected a JSONL file of doccano, found"),
        ((".", "--from", "labelstudio", "--to", "conll"), "Is a directory"),
        (("mine.jsonl", "--from", "csv", "--to", "jsonl"), "'csv' is not one of 'jsonl', 'brat'"),
    ],
)
def test_command_refuses(run: Run, document: Document, arguments: tuple[str, ...], message: str) -> None:
    """What cannot be is said in one line, without a traceback."""
    write_documents([document], "mine.jsonl")
    code, out, err = run(*arguments)
    assert (code, out, err.count("\n")) == (2, b"", 1)
    assert message in err
