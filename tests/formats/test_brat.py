"""brat's folders: as brat writes them, as we write them, and as they go wrong."""

import re
from pathlib import Path

import pytest

from libyaevents.documents import Argument, Document, Entity, Event, Trigger
from libyaevents.errors import CorpusError, InputError, MissingFileError
from libyaevents.formats.brat import read_brat, write_brat
from libyaevents.formats.losses import SPELLING
from libyaevents.ontology import load_ontology

TEXT = "قصف الجيش سرت 🚁 أمس\r\nوقال المتحدث إن الهجوم على سرت فشل"


def folder(path: Path, text: str | bytes, *lines: str) -> Path:
    """A folder with one document, whose text has its line ends as they stand here."""
    path.mkdir(parents=True, exist_ok=True)
    (path / "a1.txt").write_bytes(text if isinstance(text, bytes) else text.encode())
    (path / "a1.ann").write_bytes("".join(f"{line}\n" for line in lines).encode())
    return path


def bound(id: str, label: str, mention: str, text: str = TEXT, *, unit: str = "utf-32-le") -> str:
    """A text-bound annotation on the first occurrence; offsets count the units of an encoding."""
    width = {"utf-32-le": 4, "utf-16-le": 2, "utf-8": 1}[unit]
    start = len(text[: text.index(mention)].encode(unit)) // width
    end = start + len(mention.encode(unit)) // width
    return f"{id}\t{label} {start} {end}\t{mention}"


def test_what_brat_writes(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Of every kind of line that brat's documentation shows, what has a place is read, the rest said."""
    start, end = TEXT.index("أمس"), TEXT.index("وقال") + 4
    path = folder(
        tmp_path,
        TEXT,
        bound("T1", "AirStrike", "قصف"),
        bound("T2", "MILITARY", "الجيش"),
        bound("T3", "GPE", "سرت"),
        "E1\tAirStrike:T1 Agent:T2 Place:T3 Topic:E2",
        bound("T4", "Attack", "الهجوم"),
        "E2\tAttack:T4 ",
        "A1\tNegation E2",
        "A2\tConfidence E1 High",
        f"T5\tNAMED_EVENT {start} {start + 3};{end - 4} {end}\tأمس وقال",
        "R1\tLocated Arg1:T2 Arg2:T3",
        "*\tEquiv T2 T3",
        "N1\tReference T3 Wikidata:Q131323\tSirte",
        "#1\tAnnotatorNotes E1\tراجع هذا",
    )
    (document,) = read_brat(path)
    assert (document.id, document.text) == ("a1", TEXT)
    assert [(each.id, each.label, each.text) for each in document.entities] == [
        ("T2", "MILITARY", "الجيش"),
        ("T3", "GPE", "سرت"),
        ("T5", "NAMED_EVENT", "أمس\r\nوقال"),
    ]
    strike, attack = document.events
    assert [(each.role, each.text, each.entity_id) for each in strike.arguments] == [
        ("Agent", "الجيش", "T2"),
        ("Place", "سرت", "T3"),
        ("Topic", "الهجوم", None),
    ]
    assert (strike.factuality, attack.factuality, attack.trigger.text) == ("actual", "negated", "الهجوم")
    for loss in ("attributes", "relations", "equivalences", "normalizations", "notes"):
        assert f"{loss} left out (1)" in caplog.text


def test_what_we_write(tmp_path: Path) -> None:
    """Roles are numbered from the second on; plain arguments, factuality and scores have their lines."""
    document = Document(
        id="a1",
        text="نفى قصف سرت ودرنة بصواريخ",
        entities=(Entity(id="T1", label="GPE", start=8, end=11, text="سرت", score=0.5),),
        events=(
            Event(
                id="E1",
                type="Shelling",
                trigger=Trigger(start=4, end=7, text="قصف"),
                factuality="negated",
                arguments=(
                    Argument(role="Place", start=8, end=11, text="سرت", entity_id="T1"),
                    Argument(role="Place", start=12, end=17, text="ودرنة", score=0.25),
                    Argument(role="Instrument", start=18, end=25, text="بصواريخ"),
                ),
            ),
        ),
    )
    assert write_brat([document], tmp_path).total() == 0
    assert (tmp_path / "a1.ann").read_text(encoding="utf-8").splitlines() == [
        "T1\tGPE 8 11\tسرت",
        "#1\tAnnotatorNotes T1\tscore=0.5",
        "T2\tShelling 4 7\tقصف",
        "T3\tArgument 12 17\tودرنة",
        "T4\tArgument 18 25\tبصواريخ",
        "E1\tShelling:T2 Place:T1 Place2:T3 Instrument:T4",
        "A1\tFactuality E1 negated",
        "#2\tAnnotatorNotes E1\tPlace2=0.25",
    ]


def test_configuration(tmp_path: Path) -> None:
    """The configuration has every label of the ontology and of the documents, and Arabic from the right."""
    entity = Entity(id="T1", label="UNIT", start=0, end=3, text="سرت")
    write_brat([Document(id="a1", text="سرت", entities=(entity,))], tmp_path)
    text = (tmp_path / "annotation.conf").read_text(encoding="utf-8")
    sections = dict(zip(*[iter(re.split(r"\[(\w+)\]\n", text)[1:])] * 2, strict=True))
    ontology = load_ontology()
    assert sections["entities"].split() == [*ontology.entity_labels, "UNIT", "Argument"]
    assert [line.split("\t")[0] for line in sections["events"].split("\n") if line] == [
        *ontology.event_labels
    ]
    assert all(f"{role}*:<ENTITY>" in sections["events"] for role in ontology.role_labels)
    assert sections["attributes"] == "Factuality\tArg:<EVENT>, Value:actual|negated|possible\n"
    assert "[options]\nText\tdirection:rtl\n" in (tmp_path / "visual.conf").read_text(encoding="utf-8")


def test_labels_that_brat_cannot_spell(tmp_path: Path) -> None:
    """What brat does not allow in a label becomes an underscore, and is counted."""
    document = Document(
        id="a1",
        text="سرت",
        entities=(Entity(id="T1", label="مدينة كبيرة", start=0, end=3, text="سرت"),),
        events=(
            Event(
                id="E1",
                type="Attack",
                trigger=Trigger(start=0, end=3, text="سرت"),
                arguments=(Argument(role="Arg1", start=0, end=3, text="سرت"),),
            ),
        ),
    )
    assert +write_brat([document], tmp_path) == {SPELLING: 2}
    (found,) = read_brat(tmp_path)
    assert found.entities[0].label == "_" * len("مدينة كبيرة")
    assert found.events[0].arguments[0].role == "Arg1_"


@pytest.mark.parametrize(("unit", "name"), [("utf-8", "UTF-8 bytes"), ("utf-16-le", "UTF-16 code units")])
def test_offsets_in_other_units(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, unit: str, name: str
) -> None:
    """Offsets in bytes or UTF-16 units are converted where the texts beside them prove it; it is said."""
    lines = [bound("T1", "GPE", "سرت", unit=unit), bound("T2", "ORG", "المتحدث", unit=unit)]
    (document,) = read_brat(folder(tmp_path, TEXT, *lines))
    assert [each.text for each in document.entities] == ["سرت", "المتحدث"]
    assert f"files whose offsets count {name}: converted (1)" in caplog.text


def test_offsets_behind_universal_newlines(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    r"""Offsets of a program that read \r\n as \n are converted."""
    text = TEXT.replace("\r\n", "\n")
    (document,) = read_brat(folder(tmp_path, TEXT, bound("T1", "ORG", "المتحدث", text)))
    assert document.entities[0].text == "المتحدث"
    assert r"\r\n as one character" in caplog.text


def test_crlf_counts_two(tmp_path: Path) -> None:
    """The text stays as it is in the file, and CRLF is two characters, as brat has it."""
    (document,) = read_brat(folder(tmp_path, TEXT, bound("T1", "ORG", "المتحدث")))
    assert document.text == TEXT
    assert document.entities[0].start == TEXT.index("المتحدث")


@pytest.mark.parametrize("counted", [True, False])
def test_byte_order_mark(tmp_path: Path, counted: bool) -> None:
    """A byte-order mark is part of the text where the offsets count it, else it is dropped."""
    text = "\ufeffقصف سرت"
    line = bound("T1", "GPE", "سرت", text if counted else text[1:])
    (document,) = read_brat(folder(tmp_path, text, "\ufeff" + line))
    assert document.text == (text if counted else text[1:])


def test_all_problems_are_named(tmp_path: Path) -> None:
    """Discontinuous spans and other faults of all files are listed with file and line in one error."""
    folder(
        tmp_path,
        TEXT,
        "T1\tORG 0 3;4 9;10 13\tقصف الجيش سرت",
        "T2\tMILITARY 0 3;10 13\tقصف سرت",
        "T3\tGPE 900 903\tسرت",
        bound("T4", "Attack", "الهجوم"),
        "E1\tAttack:T4 Place:T9",
        "E2\tAttack:T8",
        "T4\tGPE 0 3\tقصف",
        "جملة بلا شكل",
    )
    (tmp_path / "a2.txt").write_text("سرت", encoding="utf-8")
    (tmp_path / "a2.ann").write_text("T1\tGPE 0 1;2 3\tس ت\n", encoding="utf-8")
    with pytest.raises(CorpusError) as caught:
        list(read_brat(tmp_path))
    lines = str(caught.value).split("\n")
    first = tmp_path / "a1.ann"
    assert any(
        f"{first}:2: expected a continuous span, found T2 in parts: 'قصف' … 'سرت'" in line for line in lines
    )
    assert any(f"{first}:3: expected the offsets of some of the text's" in line for line in lines)
    assert any(f"{first}:5: expected a line for the Place of E1, found no T9" in line for line in lines)
    assert any(f"{first}:6: expected a T line for the trigger of E2, found no T8" in line for line in lines)
    assert any(f"{first}:7: expected an id of its own, found T4, which line 4 has" in line for line in lines)
    assert any(f"{first}:8: expected an annotation as in" in line for line in lines)
    assert any(f"{tmp_path / 'a2.ann'}:1: expected a continuous span" in line for line in lines)
    assert lines[0].startswith("(1) ")
    assert not any(":1: expected a continuous span" in line and "a1.ann" in line for line in lines)


def test_text_that_was_changed(tmp_path: Path) -> None:
    """Where the texts beside the offsets fit in no unit, the error shows one of them and says so."""
    path = folder(tmp_path, TEXT, bound("T1", "GPE", "سرت"), "T2\tORG 4 9\tالشرطة")
    with pytest.raises(
        CorpusError, match=r"a1\.ann:2: expected 'الجيش'.*found 'الشرطة' behind 4 9 in T2; no other"
    ):
        list(read_brat(path))


def test_missing_texts(tmp_path: Path) -> None:
    """Annotation without its text is refused, all of it named; a text alone is a document."""
    folder(tmp_path, TEXT)
    (tmp_path / "a1.ann").unlink()
    assert [each.text for each in read_brat(tmp_path)] == [TEXT]
    for name in ("b", "c"):
        (tmp_path / f"{name}.ann").touch()
    with pytest.raises(
        CorpusError, match=r"b\.ann: expected its text in b\.txt(.|\n)*c\.ann: expected its text"
    ):
        list(read_brat(tmp_path))


def test_wrong_paths(tmp_path: Path) -> None:
    """No folder, a file, a folder without documents: each is said."""
    with pytest.raises(MissingFileError, match=r"expected a folder of \.txt and \.ann files, found none"):
        list(read_brat(tmp_path / "absent"))
    with pytest.raises(InputError, match=r"expected \.txt and \.ann files, found none"):
        list(read_brat(tmp_path))
    (tmp_path / "a1.ann").touch()
    with pytest.raises(InputError, match="found a file; give the folder"):
        list(read_brat(tmp_path / "a1.ann"))


def test_other_encodings(tmp_path: Path) -> None:
    """A text that is not UTF-8 is refused with the place of the byte and the way to convert it."""
    path = folder(tmp_path, "سرت\nسرت".encode("cp1256"))
    with pytest.raises(
        CorpusError, match=r"a1\.txt:1: expected UTF-8, found byte 0xd3 at position 0; convert"
    ):
        list(read_brat(path))


def test_folders_in_folders(tmp_path: Path) -> None:
    """Collections are read with the folders in them; files of the system are not."""
    folder(tmp_path / "news", TEXT, bound("T1", "GPE", "سرت"))
    folder(tmp_path / ".trash", TEXT, "broken")
    (tmp_path / "news" / "._a1.ann").write_bytes(b"\0\x05")
    assert [each.id for each in read_brat(tmp_path)] == ["news/a1"]


def test_names_of_files(tmp_path: Path) -> None:
    """Files are called as the documents; ids that share a name, by a file system's lights, are told apart."""
    ids = ["خبر", "a/b", "a_b", "A_B", "a_b-2", None, None, "..", "x" * 300]
    documents = [Document(id=id, text="سرت") for id in ids]
    write_brat(documents, tmp_path)
    names = {path.stem for path in tmp_path.glob("*.txt")}
    assert {"خبر", "a_b", "a_b-2", "A_B-3", "a_b-2-2", "document", "document-2", "document-3"} < names
    assert len({name.casefold() for name in names}) == len(documents)
    assert list(read_brat(tmp_path)) == documents


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", r"documents\.jsonl:1: expected a JSON object, found malformed JSON"),
        (
            "[" * 100_000,
            r"documents\.jsonl:1: expected a JSON object, found malformed JSON: maximum recursion",
        ),
        ("[]", r"documents\.jsonl:1: expected a JSON object, found \[\]"),
        ('{"file": 3}', r"documents\.jsonl:1: file: expected a string, found 3"),
        ('{"file": "a1", "published": "أمس"}', r"a1\.ann: document: published: expected a date as in"),
    ],
    ids=range(5),
)
def test_broken_facts(tmp_path: Path, line: str, message: str) -> None:
    """What stands beside the texts is checked as every input is."""
    path = folder(tmp_path, TEXT)
    (path / "documents.jsonl").write_text(line + "\n", encoding="utf-8")
    with pytest.raises(CorpusError, match=message):
        list(read_brat(path))
