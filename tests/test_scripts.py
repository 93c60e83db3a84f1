"""Scripts: annotation that is parted from its text comes back whole."""

import json
import runpy
import sys
from pathlib import Path
from random import Random
from typing import Any

import pytest

from libyaevents import Extractor
from libyaevents.datasets import load_corpus
from libyaevents.documents import Argument, Document, Entity, Event, Trigger
from libyaevents.enrich import ENRICHERS
from libyaevents.errors import InputError
from libyaevents.formats.jsonl import read_documents, write_documents

SCRIPT = Path(__file__).parent.parent / "scripts" / "standoff.py"


@pytest.fixture(scope="module")
def script() -> dict[str, Any]:
    """The names of `scripts/standoff.py`."""
    return runpy.run_path(str(SCRIPT))


@pytest.fixture
def document() -> Document:
    """Two paragraphs with an event whose argument is an entity, and one whose argument is none."""
    text = "قصفت طائرات سرت أمس.\nوقتل ثلاثة من السكان."
    return Document(
        id="1",
        text=text,
        sentences=((0, 20), (21, len(text))),
        entities=(Entity(id="T1", label="GPE", start=12, end=15, text="سرت"),),
        events=(
            Event(
                id="E1",
                type="AirStrike",
                trigger=Trigger(start=0, end=4, text="قصفت"),
                arguments=(Argument(role="Place", start=12, end=15, text="سرت", entity_id="T1"),),
            ),
            Event(
                id="E2",
                type="Kill",
                trigger=Trigger(start=21, end=25, text="وقتل"),
                factuality="possible",
                arguments=(Argument(role="Patient", start=35, end=41, text="السكان"),),
            ),
        ),
    )


def test_annotation_comes_back(script: dict[str, Any], document: Document, tmp_path: Path) -> None:
    """What was parted and joined with a file that holds the text among others is the same annotation."""
    write_documents([document], tmp_path / "gold.jsonl")
    standoff, text, out = (tmp_path / name for name in ("standoff.jsonl", "news.txt", "joined.jsonl"))
    assert script["main"](["part", str(tmp_path / "gold.jsonl"), "--out", str(standoff)]) == 0
    text.write_text(f"خبر آخر من سرت\n\n{document.text}\n\nخبر ثالث\n", encoding="utf-8")
    assert script["main"](["join", str(standoff), str(text), "--out", str(out)]) == 0
    assert list(read_documents(out)) == [document]


def test_no_word_of_the_text(script: dict[str, Any], document: Document) -> None:
    """The parted annotation holds labels and offsets, and no Arabic letter."""
    rows = json.dumps(list(script["part"]([document])), ensure_ascii=False)
    assert not any("\u0600" <= letter <= "\u06ff" for letter in rows)


def test_text_that_is_not_there(script: dict[str, Any], document: Document) -> None:
    """An annotation whose text is in no file is named."""
    rows = list(script["part"]([document]))
    with pytest.raises(InputError, match="text of 1 of 1 annotated documents is not in the files"):
        script["join"](rows, ["نص آخر"])


def test_statistics_page_is_up_to_date() -> None:
    """The tables of the open corpus' page are what the script counts, and its pictures are there."""
    root = Path(__file__).parent.parent
    statistics = runpy.run_path(str(root / "scripts" / "corpus_statistics.py"))
    documents = {split: load_corpus("open", split=split) for split in statistics["SPLITS"]}
    page = (root / "docs" / "open-corpus.md").read_text(encoding="utf-8")
    assert statistics["tables"](documents) in page
    assert len(list((root / "docs" / "images").glob("open-*.svg"))) == 4


def test_enricher_speed(tmp_path: Path, document: Document, capsys: pytest.CaptureFixture[str]) -> None:
    """The model and each enricher are timed, and the share of all enrichers is told."""
    write_documents([document], tmp_path / "one.jsonl")
    script = runpy.run_path(str(SCRIPT.parent / "enricher_speed.py"))
    script["main"]([str(tmp_path / "one.jsonl"), "--rounds", "1"])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "1 articles, 8 words each, 1 rounds"
    assert [line.split()[0] for line in lines[1:-1]] == ["model", *ENRICHERS]
    assert lines[-1].startswith("enrichers / model: ")


def test_fuzz(tiny_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Texts that hypothesis made are read and counted, the same at each start, and break no law."""
    script = runpy.run_path(str(SCRIPT.parent / "fuzz.py"))
    line = ["--characters", "3000", "--model", str(tiny_model), "--failures", str(tmp_path / "failures")]
    assert script["main"](line) == 0
    counts = dict(row.split() for row in capsys.readouterr().out.replace("peak MiB", "peak").splitlines())
    assert int(counts["characters"].replace(",", "")) >= 3000
    assert counts["wrong"] == "0"
    assert not (tmp_path / "failures").exists()
    first, second = (next(script["rounds"](3000, 0)) for _ in range(2))
    assert first == second


def test_fuzz_finds_faults(document: Document) -> None:
    """A document that breaks a law is told, and its text is cut down to what is wrong."""
    script = runpy.run_path(str(SCRIPT.parent / "fuzz.py"))
    faults = list(script["faults"](document.text.replace("سرت", "درنة"), document))
    assert faults[0] == "the text is another"
    assert any(fault.startswith("Entity at 12 to 15 is 'سرت'") for fault in faults)
    assert script["minimise"]("قصفت طائرات سرت أمس", lambda text: "سر" in text) == "سر"


def test_metamorphic(tiny_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What a model finds is compared word by word, and other line ends change nothing."""
    script = runpy.run_path(str(SCRIPT.parent / "metamorphic.py"))
    line = ["--model", str(tiny_model), "--documents", "1", "--only", "CRLF", "sentences shuffled"]
    assert script["main"]([*line, "--json", str(tmp_path / "out.json")]) == 0
    _, _, crlf, shuffled = capsys.readouterr().out.splitlines()
    assert crlf == "| CRLF | 95 | 100.0 | 100.0 | 100.0 | 100.0 | 100.0 |"
    assert shuffled.startswith("| sentences shuffled | – | ")
    found = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))
    assert found["CRLF"]["entities"]["both"] == found["CRLF"]["entities"]["original"]


def test_changes_keep_the_words() -> None:
    """Each change of an article is one, gives words at most once, and keeps nearly all of them."""
    script = runpy.run_path(str(SCRIPT.parent / "metamorphic.py"))
    text = "".join(document.text for document in load_corpus("open", split="dev"))
    pieces = script["cut"](text)
    n_words = sum(piece.word is not None for piece in pieces)
    assert script["write"](pieces)[0] == text
    for _, change in script["CHANGES"].values():
        changed, placed = script["write"](change(pieces, Random(0)))
        words = [word for _, word in placed]
        assert changed != text
        assert len(set(words)) == len(words) > 0.95 * n_words
        assert all(changed[start:end].strip() for (start, end), _ in placed)


@pytest.mark.skipif(sys.platform != "linux", reason="the script is for Linux")
def test_batch_faults(
    tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Faults are done to runs, and a line tells what is left."""
    monkeypatch.syspath_prepend(str(SCRIPT.parent))
    script = runpy.run_path(str(SCRIPT.parent / "batch_faults.py"))
    line = [str(tmp_path), "--articles", "12", "--workers", "1", "--model", str(tiny_model)]
    cases = ["undisturbed", "links", "half-written manifest"]
    assert script["main"]([*line, "--only", *cases]) == 0, capsys.readouterr().out
    told = [row.split(maxsplit=1) for row in capsys.readouterr().out.splitlines()]
    assert [name for name, _ in told] == ["undisturbed", "links", "half-written"]
    assert told[0][1].startswith("12 articles, 0 aside; ")
    assert told[1][1].startswith("2 articles, 4 aside; ")
    outcome = sys.modules["fault_place"].Outcome(2, "error: a\nerror: b\n", 1.0, 1)
    with pytest.raises(script["FailedError"], match="expected exit 2"):
        outcome.expect(2)


@pytest.fixture
def distill(tiny_encoder: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The names of `scripts/distill.py`, all of it tiny."""
    monkeypatch.syspath_prepend(str(SCRIPT.parent))
    names = runpy.run_path(str(SCRIPT.with_name("distill.py")))
    small = {"STUDENT": str(tiny_encoder), "MAX_SUBWORDS": 64, "SEQUENCES": 8, "SEQUENCE_LENGTH": 32}
    small |= {"LOG_EVERY": 2, "STUDENT_EPOCHS": 2, "TOPIC_SHARE": 0.001}
    names["main"].__globals__.update(small)
    return names


def test_distill(
    distill: dict[str, Any], tmp_path: Path, article: Document, capsys: pytest.CaptureFixture[str]
) -> None:
    """Encoder, teacher and student are made one from another; the last is a model that extracts."""
    news, focus, student = tmp_path / "news.txt", tmp_path / "focus.jsonl", tmp_path / "student"
    news.write_text("\n\n".join([article.text] * 12), encoding="utf-8")
    write_documents([article], focus)
    encoder, teacher = tmp_path / "encoder.safetensors", tmp_path / "teacher.safetensors"
    small = ["--minutes", "5", "--steps", "4"]
    shape = ["--layers", "1", "--width", "64"]
    assert distill["main"](["encoder", "--text", str(news), *small, *shape, "--out", str(encoder)]) == 0
    captured = capsys.readouterr()
    assert "held-out loss" in captured.out
    assert "step 4: loss" in captured.err
    of_teacher = ["teacher", "--encoder", str(encoder), "--corpus", "article", "--out"]
    assert distill["main"]([*of_teacher, str(teacher), *small]) == 0
    stopped = tmp_path / "stopped.safetensors"  # by the clock, before a loss was told
    assert distill["main"]([*of_teacher, str(stopped), "--minutes", "0.005", "--steps", "100000"]) == 0
    of_student = ["student", "--teacher", str(teacher), "--teacher", str(stopped), "--text", str(news)]
    of_student += ["--focus", str(focus), "--corpus", "article", "--minutes", "5", "--batch-size", "2"]
    assert distill["main"]([*of_student, "--out", str(student)]) == 0
    document = Extractor.from_pretrained(student / "model", engine="onnx").extract(article.text)
    assert document.text == article.text
    news.write_text("حديقة وزهور في الربيع.", encoding="utf-8")
    capsys.readouterr()
    assert distill["main"]([*of_student, "--out", str(tmp_path / "none")]) == 2
    assert capsys.readouterr().err.splitlines() == [
        f"error: no document of the text is on the topic of {focus}: give news on it"
    ]
    wrong = [str(encoder) if part == str(teacher) else part for part in of_student]
    capsys.readouterr()
    assert distill["main"]([*wrong, "--out", str(tmp_path / "none")]) == 2
    assert capsys.readouterr().err.splitlines() == [
        f"error: {encoder} is an encoder: expected a file that `teacher` wrote"
    ]
    assert not (tmp_path / "none").exists()


def test_distill_refuses_other_files(
    distill: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A file that is not there, or of something else, is an error of one line."""
    (tmp_path / "other").write_bytes(b"no weights")
    for name in ("none", "other"):
        options = ["--corpus", "article", "--minutes", "1", "--out", str(tmp_path / "out")]
        assert distill["main"](["teacher", "--encoder", str(tmp_path / name), *options]) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert line.startswith(f"error: {tmp_path / name} cannot be read")


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--minutes", "0"], "--minutes is 0.0: expected at least 0.001"),
        (["--minutes", "nan"], "--minutes is nan: expected at least 0.001"),
        (["--steps", "0"], "--steps is 0: expected at least 1"),
        (["--batch-size", "0"], "--batch-size is 0: expected at least 1"),
        (["--layers", "0"], "--layers is 0: expected at least 1"),
        (["--width", "100"], "--width is 100: expected a multiple of 64"),
        (
            ["--out", "none/encoder"],
            "none/encoder cannot be written: expected a file in a folder that is there",
        ),
    ],
)
def test_distill_refuses_options(
    distill: dict[str, Any], capsys: pytest.CaptureFixture[str], options: list[str], expected: str
) -> None:
    """What cannot run is refused in one line, before anything is read."""
    line = ["encoder", "--text", "none.txt", "--minutes", "1", "--out", "encoder", *options]
    assert distill["main"](line) == 2
    assert capsys.readouterr().err == f"error: {expected}\n"
