"""The command line: what it prints where, its exit codes, and one clear line for all that can be wrong."""

import csv
import errno
import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import MISSING, fields, replace
from io import BytesIO, StringIO, TextIOWrapper
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import typer

import libyaevents
from libyaevents.batch import shards
from libyaevents.catalog import DEFAULT_MODEL
from libyaevents.cli import app, main
from libyaevents.documents import Argument, Document, Entity, Event, Incident, Place, Trigger
from libyaevents.enrich import enrich
from libyaevents.enrich.merge import merge
from libyaevents.formats.jsonl import read_documents
from libyaevents.training.config import ARTICLE, RetrainConfig, TrainConfig
from libyaevents.training.pretrain import PretrainConfig

SENTENCE = "قصفت طائرات مسيرة مواقع شرقي مصراتة فجر الجمعة."
TEXT = f"{SENTENCE} وقال المتحدث باسم الجيش إن الغارة قتلت أربعة جنود.\n"
COMMANDS = getattr(typer.main.get_command(app), "commands")  # noqa: B009  # typer's type for a group is not public


class Result(NamedTuple):
    """Exit code, standard output, standard error."""

    code: int
    out: str
    err: str

    def documents(self) -> list[Document]:
        """The documents of JSON Lines; constructing them checks all their offsets."""
        return [Document.from_json(line) for line in self.out.splitlines()]


Run = Callable[..., Result]


@pytest.fixture(autouse=True)
def in_tmp_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests run in a folder of their own, which holds one article."""
    monkeypatch.chdir(tmp_path)
    write("article.txt", TEXT)


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Run the command in this process."""

    def run(*arguments: str | Path) -> Result:
        capsys.readouterr()
        code = main([str(argument) for argument in arguments])
        return Result(code, *capsys.readouterr())

    return run


@pytest.fixture
def extract(run: Run, tiny_model: Path) -> Run:
    """Run `libyaevents extract` with the tiny model."""
    return lambda *arguments: run("extract", "--model", tiny_model, *arguments)


@pytest.fixture
def gold() -> Path:
    """A file with one annotated document."""
    entity = Entity(id="T1", label="GPE", start=29, end=35, text="مصراتة")
    return write("gold.jsonl", Document(id="a1", text=TEXT, entities=(entity,)).to_json() + "\n")


def write(name: str, content: str | bytes) -> Path:
    """Write a file into the test's folder."""
    path = Path(name)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def names_here() -> set[str]:
    """What is in the test's folder, hidden files included."""
    return {path.name for path in Path().iterdir()}


def command(*arguments: str | Path) -> list[str]:
    """The command line of a process of its own, which prints at its end which heavy modules it loaded."""
    code = "import sys; from libyaevents.cli import main; sys.exit(main())"
    return [sys.executable, "-c", code, *map(str, arguments)]


def assert_one_error(result: Result, message: str) -> None:
    """Check that a run failed with exit code 2 and one line, which holds the message, and printed nothing."""
    assert (result.code, result.out) == (2, ""), result
    assert re.fullmatch(r"error: [^\n]+\n", result.err), result.err
    assert message in result.err


# Extracting


def test_a_pipe_gets_json_lines(extract: Run) -> None:
    """Where standard output is no terminal, a document is a line of JSON with the file's own text."""
    result = extract("article.txt")
    assert (result.code, result.err) == (0, "")
    (document,) = result.documents()
    assert (document.id, document.text) == ("article", TEXT)
    assert document.events


def test_a_terminal_gets_a_table(extract: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where standard output is a terminal, a person reads a table."""
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    result = extract("article.txt")
    assert "Events (" in result.out
    assert "مصراتة" in result.out
    assert "\x1b[" in result.out


def test_json_is_one_object(extract: Run) -> None:
    """The format json is one document, indented."""
    result = extract("article.txt", "--format", "json")
    assert Document.from_dict(json.loads(result.out)) == extract("article.txt").documents()[0]
    assert result.out.startswith('{\n  "format": "libyaevents/1"')


def test_html_is_one_page(extract: Run) -> None:
    """The format html is one right-to-left page."""
    result = extract("article.txt", "--format", "html")
    assert result.out.startswith("<!doctype html>")
    assert 'dir="rtl"' in result.out
    assert result.out.endswith("</html>\n")


def test_table_of_a_pipe_is_plain(extract: Run) -> None:
    """A table in a pipe has no color codes, and room for a sentence."""
    result = extract("article.txt", "--format", "table")
    assert "\x1b" not in result.out
    assert SENTENCE in result.out


@pytest.mark.parametrize(
    ("name", "start"),
    [
        ("events.jsonl", '{"format": "libyaevents/1", "id"'),
        ("events.json", '{\n  "format"'),
        ("page.html", "<!doctype html>"),
        ("table.txt", " "),
        ("events", '{"format"'),
    ],
)
def test_output_file_chooses_the_format(extract: Run, name: str, start: str) -> None:
    """Without --format, the ending of the output file decides."""
    assert extract("article.txt", "--output", name) == (0, "", "")
    assert Path(name).read_text(encoding="utf-8").startswith(start)


@pytest.mark.parametrize(
    "data",
    [
        TEXT.encode(),
        TEXT.encode("utf-8-sig"),
        TEXT.encode("utf-16"),
        b"\xfe\xff" + TEXT.encode("utf-16-be"),
        TEXT.encode("cp1256"),
    ],
    ids=["UTF-8", "UTF-8 with BOM", "UTF-16", "UTF-16 big-endian", "windows-1256"],
)
def test_encodings_give_the_same_document(extract: Run, data: bytes) -> None:
    """The encoding of a file is recognized, and leaves no trace in the result."""
    expected = extract("article.txt").out
    write("article.txt", data)
    assert extract("article.txt") == (0, expected, "")


@pytest.mark.parametrize("arguments", [(), ("-",)], ids=["no files", "-"])
def test_standard_input_is_an_article(
    extract: Run, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    """Text comes through standard input where `-` or no file is named."""
    monkeypatch.setattr(sys, "stdin", TextIOWrapper(BytesIO(TEXT.encode())))
    (document,) = extract(*arguments).documents()
    assert (document.id, document.text) == ("stdin", TEXT)


def test_nothing_to_read_is_said(extract: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without files, a terminal is not waited for: the error names a command that works."""
    monkeypatch.setattr(sys, "stdin", TextIOWrapper(BytesIO()))
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    assert_one_error(extract(), "libyaevents extract --article")


def test_packaged_article_is_read_as_text(extract: Run, article: Document) -> None:
    """--article reads the packaged article anew: what is found is the model's, not the annotation."""
    (document,) = extract("--article").documents()
    assert (document.id, document.text) == (article.id, article.text)
    assert document.metadata["model"] == "tiny 2020-06-06"
    assert document.events != article.events
    assert all(event.score is not None for event in document.events)
    assert_one_error(extract("--article", "article.txt"), "found both")


def test_documents_keep_their_fields(extract: Run) -> None:
    """A line of JSON keeps its fields; --published dates the documents that have no date."""
    dated = {"id": "a1", "text": TEXT, "published": "2020-06-06", "source": "وكالة"}
    write("articles.jsonl", f"{json.dumps(dated)}\n{json.dumps({'id': 'a2', 'text': TEXT})}\n")
    first, second = extract("articles.jsonl", "--published", "2021-01-02").documents()
    assert (first.id, str(first.published), first.source) == ("a1", "2020-06-06", "وكالة")
    assert (second.id, str(second.published)) == ("a2", "2021-01-02")


def test_annotation_that_is_set_aside_is_said(extract: Run, gold: Path) -> None:
    """The library's warnings are one line on standard error."""
    result = extract(gold)
    assert (result.code, len(result.documents())) == (0, 1)
    assert result.err == "warning: set aside the annotation of 1 documents (100 %)\n"


@pytest.mark.parametrize("place", [0, 1])
def test_verbose_shows_the_log(run: Run, tiny_model: Path, place: int) -> None:
    """-v before or behind the command shows what the library logs, without mixing it with the results."""
    path = write("old.txt", TEXT.encode("cp1256"))
    arguments = ["extract", str(path), "--model", str(tiny_model)]
    arguments.insert(place, "-v")
    result = run(*arguments)
    assert result.err == "info: old.txt: read as windows-1256\n"
    assert len(result.documents()) == 1


# Several articles


def test_several_html_pages_go_to_a_folder(extract: Run) -> None:
    """A page holds one document: several get a folder, and names that no file system confuses."""
    ids = ["a/b", "a b", "A_b", "../x", ".", "خبر 1", "ط" * 200]
    write("articles.jsonl", "".join(json.dumps({"id": id, "text": TEXT}) + "\n" for id in ids))
    assert extract("articles.jsonl", "--format", "html", "--output", "new/pages") == (0, "", "")
    names = {path.name for path in Path("new/pages").iterdir()}
    expected = {"a_b.html", "a_b-2.html", "A_b-3.html", "_x.html", "document.html", "خبر_1.html"}
    assert names == {*expected, "ط" * 80 + ".html"}
    assert not Path("new/x.html").exists()


@pytest.mark.parametrize("format", ["json", "html"])
@pytest.mark.parametrize("output", [(), ("--output", "result.out")], ids=["stdout", "file"])
def test_several_documents_need_a_folder(extract: Run, format: str, output: tuple[str, ...]) -> None:
    """Two documents are refused where there is place for one, and nothing is written."""
    write("second.txt", TEXT)
    result = extract("article.txt", "second.txt", "--format", format, *output)
    assert_one_error(result, f"expected one document for {format}, found several: give a folder")
    assert not Path("result.out").exists()


def test_results_before_a_bad_file_are_kept(extract: Run) -> None:
    """A file that cannot be read is named, and the results of those before it are there."""
    write("bad.txt", b"\x00\x01\x02")
    result = extract("article.txt", "bad.txt")
    assert result.code == 2
    assert [document.id for document in result.documents()] == ["article"]
    assert re.fullmatch(r"error: bad\.txt: [^\n]+\n", result.err)


def test_pages_before_a_bad_file_are_whole(extract: Run) -> None:
    """A folder holds the pages of the articles before the one that cannot be read."""
    write("bad.txt", b"\x00\x01\x02")
    result = extract("article.txt", "bad.txt", "--format", "html", "--output", "pages")
    assert_one_error(result, "bad.txt")
    (page,) = Path("pages").iterdir()
    assert page.read_text(encoding="utf-8").endswith("</html>\n")


@pytest.mark.parametrize("name", ["rows.csv", "rows.xlsx", "rows.GEOJSON"])
def test_rows_are_not_what_extract_writes(extract: Run, name: str) -> None:
    """An output that ends as rows do is refused, with the command for them, unless --format is given."""
    assert_one_error(extract("article.txt", "--output", name), "then libyaevents convert events.jsonl")
    assert not Path(name).exists()
    assert extract("article.txt", "--output", name, "--format", "jsonl").code == 0


@pytest.mark.parametrize("before", [None, "older results"], ids=["new", "replaced"])
def test_output_file_is_whole_or_as_it_was(extract: Run, before: str | None) -> None:
    """A failed run leaves no output file, or the one that was there."""
    write("bad.txt", b"\x00\x01\x02")
    output = Path("events.jsonl") if before is None else write("events.jsonl", before)
    names = names_here()
    assert_one_error(extract("article.txt", "bad.txt", "--output", output), "bad.txt")
    assert names_here() == names
    assert before is None or output.read_text(encoding="utf-8") == before


def test_full_disk_leaves_nothing(extract: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that is full at the last moment leaves no file, and is what the error says."""

    def fail(path: Path, target: Path) -> Path:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(target))

    monkeypatch.setattr(Path, "replace", fail)
    result = extract("article.txt", "--output", "events.jsonl")
    assert_one_error(result, "events.jsonl: expected a file that can be written, found No space left")
    assert names_here() == {"article.txt"}


@pytest.mark.parametrize("output", ["absent/events.jsonl", "article.txt/events.jsonl", "."])
def test_place_that_cannot_be_written_is_named(extract: Run, output: str) -> None:
    """An output file in no folder, or in the place of one, is refused."""
    assert_one_error(extract("article.txt", "--output", output), f"{output}: expected a file")


def test_folder_of_pages_cannot_be_a_file(extract: Run) -> None:
    """A folder of pages is not made where a file stands."""
    write("pages", "")
    assert_one_error(extract("article.txt", "--format", "html", "--output", "pages"), "pages: File exists")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="named pipes are of Unix")
def test_pipes_and_devices_stay_what_they_are(extract: Run) -> None:
    """A named pipe as output file is written to, not replaced by a file."""
    os.mkfifo("pipe")
    reader = os.open("pipe", os.O_RDONLY | os.O_NONBLOCK)
    assert extract("article.txt", "--output", "pipe").code == 0
    assert os.read(reader, 1 << 20).startswith(b'{"format"')
    os.close(reader)
    assert Path("pipe").is_fifo()


# What can be wrong with an article

BAD_FILES: dict[str, tuple[str, str | bytes, str]] = {
    "binary": ("a.txt", b"\x7fELF\x00\x00", "a.txt: expected text, found a NUL at byte 4"),
    "PDF": ("a.txt", b"%PDF-1.7 ", "a.txt: expected text, found a PDF"),
    "undecodable": ("a.txt", b"caf\xe9 \x81\xff", "a.txt: expected UTF-8, or Arabic in windows-1256"),
    "ISO-8859-6": ("a.txt", TEXT.encode("iso8859_6"), "iconv -f ISO-8859-6 -t UTF-8"),
    "cut UTF-16": ("a.txt", TEXT.encode("utf-16")[:-1], "a.txt: expected UTF-16"),
    "empty text": ("a.txt", b"", "a.txt: expected text, found an empty file"),
    "other suffix": ("a.docx", TEXT, "expected the suffix .txt or .jsonl, found '.docx'"),
    "table": ("a.csv", TEXT, "found '.csv'; tables are read by libyaevents batch"),
    "malformed JSON": (
        "a.jsonl",
        '\n{"text": "قصف"',
        "a.jsonl:2: document: expected a JSON object, found malformed",
    ),
    "no object": ("a.jsonl", '["قصف"]', "a.jsonl:1: document: expected a JSON object"),
    "no text": ("a.jsonl", '{"id": "a1"}', "a.jsonl:1: document 'a1': expected a field 'text'"),
    "duplicate key": (
        "a.jsonl",
        '{"text": "قصف", "text": ""}',
        "a.jsonl:1: document: text: expected this key once",
    ),
    "NaN": ("a.jsonl", '{"text": "قصف", "entities": [{"score": NaN}]}', "a.jsonl:1: document: entities[0]"),
    "unknown key": ("a.jsonl", '{"text": "قصف", "titel": ""}', "found 'titel'; did you mean 'title'?"),
    "lone surrogate": ("a.jsonl", '{"text": "\\ud800"}', "lone surrogate U+D800 at offset 0"),
    "offsets": (
        "a.jsonl",
        '{"text": "قصف", "entities": [{"id": "T1", "label": "GPE", "start": 0, "end": 2, "text": "قصف"}]}',
        "a.jsonl:1: document: entities[0].text: expected 'قص', the document's text[0:2], found 'قصف'",
    ),
    "newer format": (
        "a.jsonl",
        '{"format": "libyaevents/9", "text": ""}',
        "pip install --upgrade libyaevents",
    ),
    "empty corpus": ("a.jsonl", "\n \n", "a.jsonl: expected one document a line, found none"),
}


@pytest.mark.parametrize(("name", "content", "message"), BAD_FILES.values(), ids=BAD_FILES)
def test_bad_articles(extract: Run, name: str, content: str | bytes, message: str) -> None:
    """What cannot be read as an article is said in one line that names the place, and nothing is written."""
    write(name, content)
    before = names_here()
    assert_one_error(extract(name), message)
    assert_one_error(extract(name, "--output", "events.jsonl"), message)
    assert names_here() == before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("absent.txt",), "absent.txt: expected a file, found none"),
        (("article.txt", "absent.txt"), "absent.txt: expected a file, found none"),
        (("article.txt/x.txt",), "article.txt/x.txt: expected a file, found none"),
        ((".",), ".: expected a file, found a directory"),
        (("article.txt", "article.txt"), "found the id 'article', which article.txt has already"),
    ],
)
def test_bad_names(extract: Run, arguments: Sequence[str], message: str) -> None:
    """A file that is absent, a directory or given twice is found before anything is read."""
    assert_one_error(extract(*arguments), message)


def test_duplicate_ids(extract: Run) -> None:
    """The second document of an id is refused with its line, and the line of the first."""
    write("a.jsonl", '{"id": "a1", "text": "قصف"}\n\n{"id": "a1", "text": "غارة"}\n')
    result = extract("a.jsonl")
    assert (result.code, [document.id for document in result.documents()]) == (2, ["a1"])
    assert "a.jsonl:3: expected an id of its own, found 'a1', which a.jsonl:1 has already" in result.err


# Models


@pytest.fixture
def installed(tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tiny model is the one that comes with the package."""
    home = tmp_path / "models"
    home.mkdir()
    (home / "compact").symlink_to(tiny_model, target_is_directory=True)
    monkeypatch.setattr("libyaevents.catalog._homes", lambda kind: [home])


@pytest.mark.usefixtures("installed")
def test_shipped_model_is_the_default(run: Run) -> None:
    """Without --model, `extract` reads with the model that comes with the package."""
    assert len(run("extract", "article.txt").documents()) == 1
    assert run("extract", "article.txt") == run("extract", "article.txt", "--model", "compact")


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize("name", ["large", "..", ".", "", "../models/compact/.."])
def test_unknown_model_lists_those_there_are(run: Run, name: str) -> None:
    """A name of no model, or one that leads out of the models' folder, is told the names there are."""
    result = run("extract", "article.txt", "--model", name)
    assert_one_error(result, f"no model {name!r}: expected the name of an installed model (compact)")


@pytest.mark.usefixtures("installed")
def test_models_lists_cards(run: Run) -> None:
    """`models` shows each installed model with the key lines of its card, and where it lies."""
    result = run("models")
    assert result.out.startswith("compact (default)\n  Version: 2020-06-06\n")
    assert re.search(r"^  Folder: .+compact$", result.out, re.MULTILINE)


def test_spoiled_model_is_said(run: Run, model_copy: Path) -> None:
    """A model folder that lacks a file is refused by name."""
    (model_copy / "labels.json").unlink()
    assert_one_error(run("extract", "article.txt", "--model", model_copy), "has no labels.json")


# Evaluating


def test_evaluate_prints_every_score(run: Run, gold: Path) -> None:
    """Gold documents against themselves score 1 in the tables."""
    result = run("evaluate", gold, gold)
    assert (result.code, result.err) == (0, "")
    assert re.search(r"span and label +1\.000 +1\.000 +1\.000", result.out)
    assert "Gold triggers" not in result.out


def test_evaluate_prints_json(run: Run, gold: Path) -> None:
    """--json gives the same figures to a program."""
    scores = json.loads(run("evaluate", gold, gold, "--json").out)
    assert scores["entity_score"]["f1"] == 1
    assert scores["events_with_gold_triggers"] is None


@pytest.mark.parametrize("engine", ["onnx", "torch"])
def test_evaluate_runs_a_model(run: Run, tiny_model: Path, article: Document, engine: str) -> None:
    """With --model, the raw texts are read end to end, and the gold triggers' arguments beside them."""
    path = write("articles.jsonl", article.to_json() + "\n")
    result = run("evaluate", path, "--model", tiny_model, "--engine", engine, "--json")
    scores = json.loads(result.out)
    assert scores["entity_score"]["n_gold"] == len(article.entities)
    assert scores["entity_score"]["n_predicted"] > 0
    n_arguments = sum(len(event.arguments) for event in article.events)
    assert scores["events_with_gold_triggers"]["scores"]["AC+"]["n_gold"] == n_arguments


def test_evaluate_says_what_the_model_has_seen(run: Run, model_copy: Path, article: Document) -> None:
    """Articles that the model was trained on are counted on standard error; so is a model that cannot say."""
    other = replace(article, id="other", text=article.text + " ")
    path = write("articles.jsonl", f"{article.to_json()}\n{other.to_json()}\n")
    command = "evaluate", path, "--model", model_copy
    assert "trained on 1 of the documents (50 %): scores flatter it" in run(*command).err
    (model_copy / "training_report.json").unlink()
    assert "no training_report.json that says what it was trained on" in run(*command).err


def test_evaluate_says_how_reliable_scores_are(run: Run, tiny_model: Path, article: Document) -> None:
    """Where predictions have scores, their expected calibration error is printed, and in the JSON."""
    path = write("articles.jsonl", article.to_json() + "\n")
    text = run("evaluate", path, "--model", tiny_model).out
    assert re.search(r"^Expected calibration error: entities 0\.\d{3}, triggers 0\.\d{3}", text, re.MULTILINE)
    scores = json.loads(run("evaluate", path, "--model", tiny_model, "--json").out)
    assert 0 < scores["reliability"]["entities"]["error"] < 1
    assert scores["reliability"]["entities"]["n"] == scores["entity_score"]["n_predicted"]
    assert "calibration" not in run("evaluate", path, path).out


def test_recall_bias_finds_more_or_less(run: Run, tiny_model: Path, article: Document) -> None:
    """Above 0 more is found, below 0 less, by `extract` as by `evaluate`; 0 is the default."""
    path = write("articles.jsonl", article.to_json() + "\n")
    n_events, n_matched = [], []
    for bias in ("-2", "0", "2"):
        options = "--model", tiny_model, "--recall-bias", bias
        (document,) = run("extract", "article.txt", *options).documents()
        n_events.append(len(document.entities) + len(document.events))
        scores = json.loads(run("evaluate", path, *options, "--json").out)
        n_matched.append(scores["entity_score"]["n_predicted"])
    assert n_events[0] < n_events[1] < n_events[2]
    assert n_matched[0] < n_matched[1] < n_matched[2]
    (document,) = run("extract", "article.txt", "--model", tiny_model).documents()
    assert len(document.entities) + len(document.events) == n_events[1]


@pytest.mark.parametrize("bias", ["nan", "inf", "-inf", "1e9"])
def test_recall_bias_is_a_number(extract: Run, bias: str) -> None:
    """A bias that is not finite, or beyond sense, is refused with what is expected."""
    assert_one_error(extract("article.txt", "--recall-bias", bias), "expected a number from -20 to 20")


def test_recall_bias_needs_a_model(run: Run, gold: Path) -> None:
    """Predictions that are there already have been made with the bias that they have."""
    assert_one_error(run("evaluate", gold, gold, "--recall-bias", "1"), "expected --recall-bias with --model")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("GPE", "PLACE", "gold.jsonl:1: entities[0].label: expected a known label, found 'PLACE'"),
        ('"start": 29', '"start": 28', "gold.jsonl:1: document 'a1': entities[0].text: expected"),
        ('"label"', '"lable"', "found 'lable'; did you mean 'label'?"),
    ],
)
def test_evaluate_refuses_bad_gold(run: Run, gold: Path, old: str, new: str, message: str) -> None:
    """A label that the ontology does not know, wrong offsets and unknown keys are named with their line."""
    good = write("good.jsonl", gold.read_bytes())
    gold.write_text(gold.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    assert_one_error(run("evaluate", gold, good), message)
    assert_one_error(run("evaluate", good, gold), message)


def test_evaluate_refuses_bad_lists(run: Run, gold: Path, tiny_model: Path) -> None:
    """Gold that is absent, empty or has an id twice is refused, and predictions of other documents."""
    assert_one_error(run("evaluate", "absent.jsonl", gold), "absent.jsonl: expected a JSON Lines file")
    assert_one_error(run("evaluate", ".", gold), ".: expected a JSON Lines file, found Is a directory")
    empty, twice = write("empty.jsonl", ""), write("twice.jsonl", 2 * gold.read_text(encoding="utf-8"))
    assert_one_error(run("evaluate", empty, "--model", tiny_model), "empty.jsonl: expected one JSON document")
    assert_one_error(run("evaluate", twice, gold), "twice.jsonl:2: expected a document id of its own")
    other = write("other.jsonl", Document(id="b1", text=TEXT).to_json())
    assert_one_error(run("evaluate", gold, other), "1 missing ('a1') and 1 not in gold ('b1')")


def test_evaluate_takes_one_of_two(run: Run, gold: Path, tiny_model: Path) -> None:
    """Predictions come from a file or from a model."""
    assert_one_error(run("evaluate", gold), "expected PREDICTED or --model")
    assert_one_error(run("evaluate", gold, gold, "--model", tiny_model), "expected PREDICTED or --model")


# Training, pretraining, exporting


class Report:
    """What `train` returns, as far as the command line looks at it."""

    def to_text(self) -> str:
        """The scores."""
        return "scores"


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> list[TrainConfig]:
    """The configurations that training was asked for."""
    configs: list[TrainConfig] = []

    def train(config: TrainConfig) -> Report:
        configs.append(config)
        return Report()

    monkeypatch.setattr("libyaevents.training.train.train", train)
    return configs


TRAIN_FLAGS: dict[str, tuple[str, Any]] = {
    "--dev": ("dev.jsonl", "dev.jsonl"),
    "--init": ("compact", "compact"),
    "--encoder": ("CAMeL-Lab/bert-base-arabic-camelbert-mix",) * 2,
    "--replay": ("article", "article"),
    "--out": ("runs/mine", Path("runs/mine")),
    "--name": ("mine", "mine"),
    "--epochs": ("3", 3),
    "--batch-size": ("4", 4),
    "--max-subwords": ("64", 64),
    "--encoder-learning-rate": ("3e-5", 3e-5),
    "--head-learning-rate": ("1e-3", 1e-3),
    "--pooling": ("max", "max"),
    "--role-size": ("64", 64),
    "--average-decay": ("0.99", 0.99),
    "--folds": ("0", 0),
    "--patience": ("2", 2),
    "--seed": ("7", 7),
    "--precision": ("bfloat16", "bfloat16"),
    "--time-budget-minutes": ("1.5", 1.5),
}


@pytest.mark.parametrize(("flag", "value", "expected"), [(flag, *pair) for flag, pair in TRAIN_FLAGS.items()])
def test_train_flags_are_the_configuration(
    run: Run, trained: list[TrainConfig], flag: str, value: str, expected: Any
) -> None:
    """A flag of `train` sets the attribute of its name, and no other."""
    assert run("train", flag, value) == (0, "scores\n", "")
    attribute = "output" if flag == "--out" else flag.removeprefix("--").replace("-", "_")
    assert trained == [TrainConfig(**{attribute: expected})]


def test_train_without_flags_is_the_default(run: Run, trained: list[TrainConfig]) -> None:
    """`libyaevents train` alone fine-tunes the shipped model on the packaged article."""
    run("train")
    assert trained == [TrainConfig()]


def test_train_reads_several_corpora(run: Run, trained: list[TrainConfig]) -> None:
    """--corpus may be repeated."""
    run("train", "--corpus", "a.jsonl", "--corpus", "article")
    assert trained[0].corpus == ("a.jsonl", "article")


def test_train_flags_win_over_the_file(run: Run, trained: list[TrainConfig]) -> None:
    """A file configures what no flag does."""
    write("mine.toml", 'epochs = 2\nname = "mine"\ncorpus = ["a.jsonl"]\n')
    run("train", "mine.toml", "--epochs", "5")
    assert trained == [TrainConfig(epochs=5, name="mine", corpus=("a.jsonl",))]


def test_train_knows_recipes(run: Run, trained: list[TrainConfig]) -> None:
    """A recipe of the package goes by its name; a file of that name in the folder goes before it."""
    run("train", "camelbert", "--seed", "1")
    assert (trained[0].encoder, trained[0].seed) == ("CAMeL-Lab/bert-base-arabic-camelbert-mix", 1)
    write("camelbert", "epochs = 2\n")
    run("train", "camelbert")
    assert trained[1] == TrainConfig(epochs=2)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("absent.toml",),
            "absent.toml: expected a TOML file or a recipe (camelbert, compact-base, compact, open), found",
        ),
        (("../train/camelbert",), "expected a TOML file or a recipe"),
        (("article.txt",), "article.txt is no TOML file"),
        (("wrong.toml",), "unknown key 'epoch'; did you mean 'epochs'?"),
        (("--epochs", "0"), "epochs is 0: expected at least 1"),
        (("--epochs", "many"), "Invalid value for '--epochs'"),
        (("--pooling", "last"), "Invalid value for '--pooling'"),
        (("--init", "compact", "--encoder", "folder"), "both init and encoder are given"),
        (("--init", "..", "--folds", "0"), "no model '..'"),
        (("--corpus", "absent.jsonl"), "absent.jsonl: expected a JSON Lines file, found none"),
        (("--corpus", "empty.jsonl"), "empty.jsonl: expected one JSON document a line, found an empty file"),
        (("--corpus", "plain.jsonl"), "plain.jsonl"),
    ],
)
def test_train_refuses_bad_configurations(run: Run, arguments: Sequence[str], message: str) -> None:
    """What is wrong with a configuration or a corpus is said in one line, before a run's folder is made."""
    write("wrong.toml", "epoch = 2\n")
    write("empty.jsonl", "")
    write("plain.jsonl", '{"text": "قصف"}\n')
    before = names_here()
    assert_one_error(run("train", *arguments), message)
    assert names_here() == before


def test_pretrain_flags_are_the_configuration(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """The flags of `pretrain` set its configuration, and no other attribute; the folder is printed."""
    configs: list[PretrainConfig] = []
    monkeypatch.setattr("libyaevents.training.pretrain.pretrain", configs.append)
    needed = ("pretrain", "--text", "a.txt", "--text", "b.xz", "--encoder", "old", "--out", "new")
    assert run(*needed) == (0, "new\n", "")
    texts = (Path("a.txt"), Path("b.xz"))
    required: dict[str, Any] = {"text": texts, "encoder": Path("old"), "output": Path("new")}
    flags = "--tokens 100 --sequence-length 64 --batch-size 8 --learning-rate 0.1 --fresh-layers --seed 3"
    run(*needed, *flags.split(), "--precision", "bfloat16", "--time-budget-minutes", "2")
    assert configs == [
        PretrainConfig(**required),
        PretrainConfig(
            **required,
            n_tokens=100,
            sequence_length=64,
            batch_size=8,
            learning_rate=0.1,
            fresh_layers=True,
            seed=3,
            precision="bfloat16",
            time_budget_minutes=2.0,
        ),
    ]


def test_pretrain_refuses_what_is_absent(run: Run, tiny_encoder: Path) -> None:
    """Text that is absent and a folder that is no encoder are named."""
    assert_one_error(
        run("pretrain", "--encoder", "x", "--out", "new"),
        "text is missing: expected it in a configuration file, or as a flag",
    )
    arguments = ("pretrain", "--out", "new", "--text")
    assert_one_error(
        run(*arguments, "absent.txt", "--encoder", tiny_encoder), "no such text file: absent.txt"
    )
    assert_one_error(run(*arguments, "article.txt", "--encoder", "absent"), "absent has no config.json")


def test_export_prints_the_folder(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """`export` writes the graphs of a model into a folder, which is what it prints."""
    asked: list[tuple[str, Path]] = []

    def export(name_or_path: str, output: Path) -> Path:
        asked.append((name_or_path, output))
        return output

    monkeypatch.setattr("libyaevents.export.export", export)
    assert run("export", "compact", "--out", "graphs") == (0, "graphs\n", "")
    assert asked == [("compact", Path("graphs"))]


def test_export_of_the_entities(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """`export --as token-classification` writes the entity head for transformers."""
    monkeypatch.setattr(
        "libyaevents.export.export_entities", lambda name_or_path, output: output / name_or_path
    )
    arguments = ("export", "compact", "--as", "token-classification", "--out", "entities")
    assert run(*arguments) == (0, f"{Path('entities', 'compact')}\n", "")


def test_export_refuses_an_unknown_model(run: Run) -> None:
    """A model that is not there is said before a folder is made."""
    assert_one_error(run("export", "absent", "--out", "graphs"), "no model 'absent'")
    assert not Path("graphs").exists()


# Flags and help


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("extrakt", "No such command 'extrakt'. Did you mean 'extract'"),
        ("extract --fromat json", "No such option: --fromat (Possible options: --format)"),
        ("extract --format xml", "Invalid value for '--format'"),
        ("extract article.txt --published 6/6/2020", "expected a date as in 2020-06-06, found '6/6/2020'"),
        ("evaluate", "Missing argument 'GOLD'"),
        ("export compact", "Missing option '--out'"),
        ("export compact --as pickle --out graphs", "Invalid value for '--as'"),
    ],
)
def test_usage_errors_are_one_line(run: Run, arguments: str, message: str) -> None:
    """A mistyped command or flag is said in one line, with what was perhaps meant."""
    assert_one_error(run(*arguments.split()), message)


def test_version(run: Run) -> None:
    """--version prints name and version."""
    result = run("--version")
    assert result.code == 0
    assert re.fullmatch(r"libyaevents \d+\.\d+\.\d+\S*\n", result.out)


def test_help_lists_the_commands(run: Run) -> None:
    """The command alone, and --help, list all commands."""
    result = run()
    assert result == run("--help") == run("-h")
    assert result.code == 0
    assert all(name in result.out for name in COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_an_example(run: Run, name: str) -> None:
    """The help of a command ends with an example of it, which is understood."""
    program, *arguments = shlex.split(COMMANDS[name].epilog.removeprefix("Example: ").partition(">")[0])
    assert (program, arguments[0]) == ("libyaevents", name)
    COMMANDS[name].make_context(name, arguments[1:])
    assert "Example: libyaevents" in run(name, "--help").out


@pytest.mark.parametrize(
    ("name", "config"),
    [("train", TrainConfig), ("retrain", RetrainConfig), ("pretrain", PretrainConfig)],
)
def test_help_states_the_defaults(name: str, config: Any) -> None:
    """The defaults in the help are those of the configuration; where there is none, none is stated."""
    parameters = {parameter.name: parameter for parameter in COMMANDS[name].params}
    for field in fields(config):
        if field.name not in parameters or parameters[field.name].required:
            continue
        stated = re.search(r"\((\S+)\)\.$", parameters[field.name].help)
        default = {"corpus": ARTICLE, "init": DEFAULT_MODEL}.get(field.name, field.default)
        is_none = default == () or any(default is nothing for nothing in (None, False, MISSING))
        expected = None if is_none else str(default)
        assert (stated and stated[1]) == expected, field.name


def test_no_command_postpones_its_annotations() -> None:
    """What typer would have to compile, and twice, is compiled with the module."""
    callbacks = [command.callback for command in app.registered_commands]
    assert len(callbacks) > 10
    assert not any(
        isinstance(hint, str) for call in callbacks if call for hint in call.__annotations__.values()
    )


def test_help_states_the_default_model() -> None:
    """The help of `extract` names the model that it reads with."""
    (model,) = (parameter for parameter in COMMANDS["extract"].params if parameter.name == "model")
    assert model.help.endswith(f"({DEFAULT_MODEL}).")


# In a process of its own


@pytest.mark.parametrize(
    ("arguments", "module"),
    [
        ("train", "torch"),
        ("retrain --add new.jsonl", "torch"),
        ("pretrain --text article.txt --encoder old --out new", "torch"),
        ("export compact --out graphs", "torch"),
        ("evaluate gold.jsonl gold.jsonl", "seqeval"),
        ("serve", "fastapi"),
    ],
)
def test_missing_extra_names_the_pip_line(gold: Path, arguments: str, module: str) -> None:
    """Where an extra is not installed, the error says how to install it."""
    code = f"import sys; sys.modules['{module}'] = None; from libyaevents.cli import main; sys.exit(main())"
    process = [sys.executable, "-c", code, *arguments.split()]
    result = subprocess.run(process, capture_output=True, text=True, encoding="utf-8")
    extra = {"seqeval": "evaluate", "fastapi": "serve"}.get(module, "train")
    assert_one_error(Result(result.returncode, result.stdout, result.stderr), f"'libyaevents[{extra}]'")


def test_output_is_utf8_in_any_locale(tiny_model: Path) -> None:
    """Results in a pipe are UTF-8, also where the locale's encoding knows no Arabic."""
    process = command("extract", "article.txt", "--model", tiny_model)
    environment = {**os.environ, "PYTHONIOENCODING": "latin-1"}
    result = subprocess.run(process, capture_output=True, env=environment, check=True)
    assert Document.from_json(result.stdout.decode()).text == TEXT


def test_reader_that_leaves_is_no_error(tiny_model: Path) -> None:
    """`libyaevents extract … | head -1` ends quietly."""
    write("articles.jsonl", "".join(json.dumps({"text": TEXT * 20}) + "\n" for _ in range(30)))
    process = command("extract", "articles.jsonl", "--model", tiny_model)
    with subprocess.Popen(process, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        running.stdout.readline()
        running.stdout.close()
        assert running.stderr.read() == b""
        assert running.wait() == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="/dev/full is of Linux")
def test_full_standard_output_is_one_error(tiny_model: Path) -> None:
    """A redirection onto a full disk is said in one line."""
    with Path("/dev/full").open("w") as full:
        process = command("extract", "article.txt", "--model", tiny_model)
        result = subprocess.run(process, stdout=full, stderr=subprocess.PIPE, text=True)
    assert (result.returncode, result.stderr) == (2, "error: standard output: No space left on device\n")


@pytest.mark.parametrize("given", [None, "3"])
def test_numpy_is_told_of_threads_in_passing(
    extract: Run, given: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The environment of processes that a caller starts later is as it was."""
    monkeypatch.delenv("OPENBLAS_NUM_THREADS", raising=False)
    if given is not None:
        monkeypatch.setenv("OPENBLAS_NUM_THREADS", given)
    before = dict(os.environ)
    assert extract("article.txt").code == 0
    assert dict(os.environ) == before


def test_interrupt_is_quiet(extract: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C ends with exit code 130, without a traceback and without half a file."""

    def interrupt(*arguments: object) -> Iterator[Document]:
        raise KeyboardInterrupt

    monkeypatch.setattr("libyaevents.extractor.Extractor.extract_many", interrupt)
    assert extract("article.txt", "--output", "events.jsonl") == (130, "", "")
    assert names_here() == {"article.txt"}


@pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals are of Unix")
def test_progress_is_on_standard_error_alone(tiny_model: Path) -> None:
    """The bar of many files is on a terminal's standard error, and the results in the pipe are whole."""
    import pty

    write("second.txt", TEXT)
    terminal, end = pty.openpty()
    process = command("extract", "article.txt", "second.txt", "--model", tiny_model)
    with subprocess.Popen(process, stdout=subprocess.PIPE, stderr=end) as running:
        os.close(end)
        shown = b""
        with suppress(OSError):  # on Linux, what a terminal gives after its last writer
            while chunk := os.read(terminal, 4096):
                shown += chunk
        out, _ = running.communicate()
    os.close(terminal)
    assert b"2/2" in shown
    assert len(Result(0, out.decode(), "").documents()) == 2


def test_many_files_without_a_terminal_have_no_bar(extract: Run) -> None:
    """In a log file, a bar would be noise."""
    write("second.txt", TEXT)
    assert extract("article.txt", "second.txt").err == ""


def test_written_documents_are_a_corpus(extract: Run) -> None:
    """What `extract` writes, `read_documents` reads."""
    extract("article.txt", "--output", "events.jsonl")
    assert list(read_documents(Path("events.jsonl"))) == extract("article.txt").documents()


# Converting


@pytest.fixture
def events() -> Path:
    """A file with one document: a shelling with hostile arguments, one that is denied, and a meeting."""
    text = "قصفت =cmd سرت ولم تقصف درنة والتقى الطرفان"
    words = [("Shelling", "actual", "قصفت"), ("Shelling", "negated", "تقصف"), ("Consult", "actual", "والتقى")]
    agent = Argument(role="Agent", start=5, end=9, text="=cmd")
    found = tuple(
        Event(
            id=f"E{number}",
            type=type,
            factuality=factuality,
            trigger=Trigger(start=text.index(word), end=text.index(word) + len(word), text=word),
            arguments=(agent,),
            place=Place(name="Sirte\u202e", latitude=31.2, longitude=16.59, country="LY"),
        )
        for number, (type, factuality, word) in enumerate(words, start=1)
    )
    return write("events.jsonl", Document(id="a1", text=text, events=found).to_json() + "\n")


def csv_rows(text: str) -> list[dict[str, str]]:
    """The rows of a csv file."""
    return list(csv.DictReader(StringIO(text, newline="")))


def test_convert_writes_rows_to_standard_output(run: Run, events: Path) -> None:
    """A codebook's rows are csv with its columns; what it does not code is counted on standard error."""
    result = run("convert", events, "--to", "acled")
    (row,) = csv_rows(result.out)
    assert (row["sub_event_type"], row["actor1"]) == ("Shelling/artillery/missile attack", "'=cmd")
    assert (row["iso"], row["location"]) == ("434", "Sirte⟨U+202E⟩")
    assert (row["document"], row["event"], row["sentence"][:4]) == ("a1", "E1", "قصفت")
    expected = "warning: left out 2 of 3 events (67 %): negated 1, Consult without a code 1\n"
    assert (result.code, result.err) == (0, expected)


def test_convert_keeps_what_did_not_happen_on_demand(run: Run, events: Path) -> None:
    """With --any-factuality, a codebook has what is negated or possible, and a column that says so."""
    rows = csv_rows(run("convert", events, "--to", "plover", "--any-factuality").out)
    assert [(row["event_type"], row["factuality"]) for row in rows] == [
        ("ASSAULT", "actual"),
        ("ASSAULT", "negated"),
        ("CONSULT", "actual"),
    ]


def test_convert_merges(run: Run, events: Path, tmp_path: Path) -> None:
    """Incidents are those of `merge` over all documents of the file, a line each, with every mention."""
    first = Document.from_json(events.read_text(encoding="utf-8"))
    both = write("both.jsonl", "".join(replace(first, id=name).to_json() + "\n" for name in ("a1", "a2")))
    result = run("convert", both, "--to", "incidents", "--output", tmp_path / "incidents.jsonl")
    assert (result.code, result.out, result.err) == (0, "", "")
    lines = (tmp_path / "incidents.jsonl").read_text(encoding="utf-8").splitlines()
    found = [Incident.from_json(line) for line in lines]
    assert found == merge(map(enrich, read_documents(both)))
    assert {mention for incident in found for mention in incident.mentions} == {
        (name, f"E{number}") for name in ("a1", "a2") for number in (1, 2, 3)
    }
    refused = run("convert", both, "--to", "incidents", "--any-factuality")
    assert (refused.code, refused.out) == (2, "")
    assert "expected --any-factuality with rows" in refused.err


def test_convert_says_where_ucdp_has_no_row(run: Run, events: Path) -> None:
    """A shelling of which no death is told is no event of UCDP: there is a header, and a word why."""
    result = run("convert", events, "--to", "ucdp")
    assert csv_rows(result.out) == []
    assert result.out.startswith("id,relid,year,")
    assert "without a figure of deaths 1" in result.err


def test_convert_to_csv_has_every_event(run: Run, events: Path) -> None:
    """The formats that hold all that is known leave nothing out."""
    result = run("convert", events, "--to", "csv")
    assert [row["role_agent"] for row in csv_rows(result.out)] == ["'=cmd"] * 3
    assert (result.code, result.err) == (0, "")
    assert run("convert", events, "--to", "geojson").out.count('"Feature"') == 3


def test_convert_files_have_a_byte_order_mark(run: Run, events: Path) -> None:
    """A csv file is read by spreadsheets, which know its encoding by the mark; the rest is as in a pipe."""
    assert run("convert", events, "--to", "csv", "--output", "rows.csv") == (0, "", "")
    text = Path("rows.csv").read_text(encoding="utf-8")
    assert text == "\ufeff" + run("convert", events, "--to", "csv").out


@pytest.mark.parametrize(("to", "n_rows"), [("parquet", 3), ("acled", 1)])
def test_convert_to_parquet(run: Run, events: Path, to: str, n_rows: int) -> None:
    """Parquet is what is asked for by name, and for a codebook by the ending of the file."""
    from pyarrow import parquet

    assert run("convert", events, "--to", to, "--output", "rows.parquet").code == 0
    table = parquet.read_table("rows.parquet")
    assert table.num_rows == n_rows
    assert table["latitude"].to_pylist() == [31.2] * n_rows


def test_convert_to_parquet_in_a_pipe(events: Path) -> None:
    """Standard output takes parquet, as it is."""
    from pyarrow import BufferReader, parquet

    process = command("convert", events, "--to", "parquet")
    result = subprocess.run(process, capture_output=True, check=True)
    assert parquet.read_table(BufferReader(result.stdout)).num_rows == 3


def test_convert_spares_terminals_parquet(run: Run, events: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bytes are not sent to a terminal."""
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert_one_error(run("convert", events, "--to", "parquet"), "expected --output FILE for parquet")


def test_convert_reads_what_extract_writes(extract: Run, run: Run) -> None:
    """The rows of an article are those of its events."""
    extract("article.txt", "--output", "found.jsonl")
    (document,) = read_documents(Path("found.jsonl"))
    rows = csv_rows(run("convert", "found.jsonl", "--to", "csv").out)
    assert [row["event"] for row in rows] == [event.id for event in document.events]


def test_a_batch_that_is_no_whole(run: Run) -> None:
    """What a run that was cut off left is read with a warning; a damaged manifest is an error of one line."""
    Path("out").mkdir()
    Path("out/manifest.json").write_text('{"shards": [], "complete": false}', encoding="utf-8")
    assert "warning: out: a part of what it is to hold" in run("convert", "out", "--to", "csv").err
    for damaged in ("{", "[]"):
        Path("out/manifest.json").write_text(damaged, encoding="utf-8")
        assert_one_error(run("convert", "out", "--to", "csv"), "expected the manifest of a run")


@pytest.mark.parametrize("format", ["parquet", "jsonl"])
def test_convert_and_render_read_what_batch_wrote(extract: Run, run: Run, format: shards.Format) -> None:
    """The folder of a batch is read as a file of its documents is, shard by shard."""
    extract("article.txt", "--output", "found.jsonl")
    documents = [replace(document, id=str(n)) for n, document in enumerate(read_documents("found.jsonl"))]
    Path("out").mkdir()
    shard = shards.Shard(Path("out"), 0, format, first=0)
    shard.add(shards.Result(shards.encode(documents, format), len(documents), []), len(documents))
    Path("out/manifest.json").write_text(json.dumps({"shards": [shard.finish()]}), encoding="utf-8")
    libyaevents.write_documents(documents, "same.jsonl")
    assert run("convert", "out", "--to", "csv").out == run("convert", "same.jsonl", "--to", "csv").out
    assert run("render", "out", "--as", "map").out == run("render", "same.jsonl", "--as", "map").out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("absent.jsonl", "--to", "acled"), "absent.jsonl: expected a JSON Lines file, found none"),
        ((".", "--to", "csv"), ".: expected a JSON Lines file, found Is a directory"),
        (("article.txt", "--to", "geojson"), "article.txt:1: document: expected a JSON object"),
        (("empty.jsonl", "--to", "csv"), "empty.jsonl: expected one JSON document a line"),
        (("incident.jsonl", "--to", "csv"), "incident.jsonl:1: document: format: expected 'libyaevents/1'"),
        (("article.txt", "--to", "csv"), "articles are read by libyaevents extract"),
        (("events.jsonl", "--to", "csv", "--output", "a.xlsx"), "found '.xlsx'; spreadsheets open .csv"),
        (("events.jsonl", "--to", "xlsx"), "'xlsx' is not one of 'acled', 'ucdp', 'plover'"),
        (("events.jsonl",), "Missing option '--to'"),
        (("--to", "acled"), "Missing argument 'PATH'"),
        (("events.jsonl", "--to", "acled", "--output", "."), ".: expected a file to write"),
        (
            ("events.jsonl", "--to", "parquet", "--output", "absent/rows.parquet"),
            "absent/rows.parquet: expected a file that can be written, found No such file or directory",
        ),
    ],
)
@pytest.mark.usefixtures("events")
def test_convert_refuses(run: Run, arguments: Sequence[str], message: str) -> None:
    """What cannot be read or written is said in one line, and nothing is written."""
    write("empty.jsonl", "\n")
    write("incident.jsonl", '{"format": "libyaevents-incident/1", "type": "Clash"}\n')
    before = names_here()
    assert_one_error(run("convert", *arguments), message)
    assert names_here() == before


def test_convert_without_pyarrow_names_the_pip_line(events: Path) -> None:
    """Where the extra is not installed, parquet says how to install it, and csv needs it not."""
    code = "import sys; sys.modules['pyarrow'] = None; from libyaevents.cli import main; sys.exit(main())"
    process = [sys.executable, "-c", code, "convert", str(events), "--to"]
    result = subprocess.run([*process, "parquet"], capture_output=True, text=True, encoding="utf-8")
    assert_one_error(Result(result.returncode, result.stdout, result.stderr), "'libyaevents[parquet]'")
    assert subprocess.run([*process, "csv"], capture_output=True).returncode == 0


def test_convert_leaves_the_old_file_on_a_bad_line(run: Run, events: Path) -> None:
    """A file that cannot be read to its end leaves the output as it was."""
    with events.open("a", encoding="utf-8") as file:
        file.write("{}\n")
    write("rows.csv", "old")
    before = names_here()
    assert_one_error(
        run("convert", events, "--to", "csv", "--output", "rows.csv"), "events.jsonl:2: document"
    )
    assert (names_here(), Path("rows.csv").read_bytes()) == (before, b"old")


# Rendering


@pytest.mark.parametrize("picture", ["page", "map", "timeline"])
def test_render_writes_a_page(run: Run, events: Path, picture: str) -> None:
    """A picture is one web page on standard output, or the same in a file."""
    result = run("render", events, "--as", picture)
    assert (result.code, result.err) == (0, "")
    assert result.out.startswith("<!doctype html>")
    assert result.out.endswith("</html>\n")
    assert ("<svg" in result.out) == (picture != "page")
    assert "Sirte⟨U+202E⟩" in result.out
    assert run("render", events, "--as", picture, "--output", "page.html") == (0, "", "")
    assert Path("page.html").read_text(encoding="utf-8") == result.out


def test_render_makes_a_page_by_default(run: Run, events: Path) -> None:
    """Without --as, the text of the document is shown."""
    assert run("render", events) == run("render", events, "--as", "page")


def test_render_of_several_documents(run: Run) -> None:
    """Pages of several documents go into a folder; a map and a timeline hold them all."""
    write("two.jsonl", "".join(Document(id=name, text=TEXT).to_json() + "\n" for name in ("a", "b")))
    assert_one_error(
        run("render", "two.jsonl"), "give a folder, as in --output pages, or --as map, timeline or claims"
    )
    assert run("render", "two.jsonl", "--output", "pages").code == 0
    assert {path.name for path in Path("pages").iterdir()} == {"a.html", "b.html"}
    assert run("render", "two.jsonl", "--as", "map").code == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("absent.jsonl",), "absent.jsonl: expected a JSON Lines file, found none"),
        (("article.txt", "--as", "map"), "article.txt:1: document: expected a JSON object"),
        (("events.jsonl", "--as", "globe"), "'globe' is not one of 'page', 'map', 'timeline'"),
        (
            ("events.jsonl", "--as", "timeline", "--output", "."),
            ".: expected a file to write, found a folder",
        ),
        (
            ("events.jsonl", "--as", "map", "--output", "absent/map.html"),
            "expected a file that can be written",
        ),
        ((), "Missing argument 'PATH'"),
    ],
)
@pytest.mark.usefixtures("events")
def test_render_refuses(run: Run, arguments: Sequence[str], message: str) -> None:
    """What cannot be read or written is said in one line, and nothing is written."""
    before = names_here()
    assert_one_error(run("render", *arguments), message)
    assert names_here() == before


def test_module_is_the_command() -> None:
    """`python -m libyaevents` is the command, where its script is not on the path."""
    result = subprocess.run(
        [sys.executable, "-m", "libyaevents", "--version"], capture_output=True, text=True
    )
    assert (result.returncode, result.stdout) == (0, f"libyaevents {libyaevents.__version__}\n")
