"""Columns: what any document keeps in them, what a line looks like, and corpora of others' making."""

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from libyaevents.documents import Argument, Document, Entity, Event, Trigger
from libyaevents.errors import CorpusError, InputError, MissingFileError
from libyaevents.formats import annotation
from libyaevents.formats.columns import read_columns
from tests.formats.samples import documents

OURS = " ".join(f"LIBYAEVENTS:{name}" for name in ("ENTITY", "TRIGGER", "FACTUALITY", "ROLES"))
HEADER = f"# global.columns = ID FORM {OURS} MISC"


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(document=documents(enriched=True))
def test_what_comes_back(tmp_path_factory: pytest.TempPathFactory, document: Document) -> None:
    """Text and facts come back to the letter; of what else is missing, the losses name as many."""
    path = tmp_path_factory.mktemp("trip") / "written"
    losses = annotation.write([document], path, "conll")
    (found,) = annotation.read(path, "conll")
    for name in ("id", "title", "published", "source", "url", "text", "metadata"):
        assert getattr(found, name) == getattr(document, name)

    lost = Counter(_entities(document)) - Counter(_entities(found))
    assert Counter(_entities(found)) <= Counter(_entities(document))
    assert lost.total() == _count(losses, "entity that is no run", "entity inside or across")

    lost_events = Counter(_events(document)) - Counter(_events(found))
    assert Counter(_events(found)) <= Counter(_events(document))
    assert lost_events.total() == _count(losses, "event whose trigger")

    moved = set(document.sentences) - set(found.sentences)
    assert len(moved) == _count(losses, "sentence without a word", "white space at the edge")
    assert len(document.sentences) - len(found.sentences) == losses["sentence without a word"]

    if len(set(_events(document))) == len(document.events) == len(found.events):
        lost_arguments = Counter(_arguments(document)) - Counter(_arguments(found))
        assert Counter(_arguments(found)) <= Counter(_arguments(document))
        assert lost_arguments.total() == _count(losses, "argument that is no run", "argument across another")


def _count(losses: Counter[str], *beginnings: str) -> int:
    return sum(count for name, count in losses.items() if name.startswith(beginnings))


def _entities(document: Document) -> list[tuple[int, int, str]]:
    return [(each.start, each.end, each.label) for each in document.entities]


def _events(document: Document) -> list[tuple[int, int, str, str]]:
    return [(each.trigger.start, each.trigger.end, each.type, each.factuality) for each in document.events]


def _arguments(document: Document) -> list[tuple[int, int, str, int, int]]:
    return [
        (event.trigger.start, event.trigger.end, argument.role, argument.start, argument.end)
        for event in document.events
        for argument in event.arguments
    ]


def test_what_we_write(tmp_path: Path) -> None:
    """A word a line: tags, roles by the number of their event's first word, spaces as UDPipe writes them."""
    text = "دخلت القوات سرت.\r\n\r\nوقالت | القوات"
    document = Document(
        id="a1",
        title="سطر\nثان",
        text=text,
        sentences=((0, 16),),
        entities=(Entity(id="T1", label="GPE", start=12, end=15, text="سرت"),),
        events=(
            Event(
                id="E1",
                type="Advance",
                trigger=Trigger(start=0, end=4, text="دخلت"),
                arguments=(
                    Argument(role="Agent", start=5, end=11, text="القوات"),
                    Argument(role="Source", start=5, end=11, text="القوات"),
                    Argument(role="Destination", start=12, end=15, text="سرت", entity_id="T1"),
                ),
            ),
        ),
    )
    assert annotation.write([document], tmp_path / "a.conllup", "conll").total() == 0
    assert (tmp_path / "a.conllup").read_text(encoding="utf-8") == (
        f"{HEADER}\n"
        "# newdoc id = a1\n"
        "# title = سطر\\nثان\n"
        "# sent_id = 1-1\n"
        "# text = دخلت القوات سرت.\n"
        "1\tدخلت\tO\tB-Advance\tactual\t_\t_\n"
        "2\tالقوات\tO\tO\t_\t1:B-Agent|1:B-Source\t_\n"
        "3\tسرت\tB-GPE\tO\t_\t1:B-Destination\tSpaceAfter=No\n"
        "4\t.\tO\tO\t_\t_\tSpacesAfter=\\r\\n\\r\\n\n"
        "\n"
        "# text = وقالت | القوات\n"
        "1\tوقالت\tO\tO\t_\t_\t_\n"
        "2\t|\tO\tO\t_\t_\t_\n"
        "3\tالقوات\tO\tO\t_\t_\tSpaceAfter=No\n"
        "\n"
    )
    assert list(read_columns(tmp_path / "a.conllup")) == [document]


def test_line_ends_of_windows(tmp_path: Path) -> None:
    """A file whose line ends a tool has changed is the same file."""
    document = Document(id="a1", title="خبر", text="سرت\r\nدرنة ", sentences=((0, 3), (5, 9)))
    annotation.write([document], tmp_path / "a.conllup", "conll")
    data = (tmp_path / "a.conllup").read_bytes()
    (tmp_path / "a.conllup").write_bytes(data.replace(b"\n", b"\r\n"))
    assert list(read_columns(tmp_path / "a.conllup")) == [document]


def test_corpora_of_others(tmp_path: Path) -> None:
    """A file of words and IOB tags is read as a named-entity corpus."""
    (tmp_path / "ner.txt").write_text("دخلت O\nمدينة O\nسرت B-LOC\n\nوقال O\nحفتر B-PER\n", encoding="utf-8")
    (document,) = read_columns(tmp_path / "ner.txt")
    assert document.text == "دخلت مدينة سرت\nوقال حفتر"
    assert [(each.label, each.text) for each in document.entities] == [("LOC", "سرت"), ("PER", "حفتر")]


def test_a_column_more(tmp_path: Path) -> None:
    """Columns of another program between ours are passed over."""
    text = f"{HEADER.replace('FORM', 'FORM UPOS')}\n1\tسرت\tPROPN\tB-GPE\tO\t_\t_\tSpaceAfter=No\n"
    (tmp_path / "a.conllup").write_text(text, encoding="utf-8")
    (document,) = read_columns(tmp_path / "a.conllup")
    assert (document.text, document.entities[0].label, document.sentences) == ("سرت", "GPE", ())


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("# global.columns = ID FORM\n1\tسرت", ":1: expected columns LIBYAEVENTS:ENTITY"),
        (HEADER, ": expected words and their columns, found none behind the first line"),
        (f"{HEADER}\n1\tسرت\tO", ":2: expected 7 columns parted by tabs, found 3"),
        (f"{HEADER}\n1-2\tسرت\tO\tO\t_\t_\t_", ":2: expected the number of a word and the word"),
        (f"{HEADER}\n1\tسرت\tX-GPE\tO\t_\t_\t_", ":2: expected the tags O, B-X or I-X, found 'X-GPE'"),
        (
            f"{HEADER}\n1\tسرت\tO\tO\t_\tPlace\t_",
            ":2: expected roles as in 3:B-Agent|3:I-Source, or _, found 'Place'",
        ),
        (
            f"{HEADER}\n1\tسرت\tO\tO\t_\t2:B-Place\t_",
            ":2: expected the number of the first word of a trigger",
        ),
        (
            f"{HEADER}\n# newdoc\n# metadata = {'[' * 100_000}\n",
            ":3: expected a JSON object, found malformed JSON",
        ),
        (
            f"{HEADER}\n# newdoc\n# published = أمس\n",
            ":2: document: published: expected a date as in 2020-06-06",
        ),
    ],
    ids=range(9),
)
def test_bad_lines(tmp_path: Path, lines: str, message: str) -> None:
    """What is malformed is refused with file and line."""
    path = tmp_path / "a.conllup"
    path.write_text(lines, encoding="utf-8")
    with pytest.raises(CorpusError) as caught:
        list(read_columns(path))
    assert str(caught.value).startswith(f"{path}{message}")


def test_unreadable_files(tmp_path: Path) -> None:
    """A missing file, a folder and a file of no such kind are refused."""
    with pytest.raises(MissingFileError, match="expected a file of columns, found none"):
        list(read_columns(tmp_path / "absent"))
    with pytest.raises(InputError, match="Is a directory"):
        list(read_columns(tmp_path))
    (tmp_path / "text").write_text("خبر من سرت\n", encoding="utf-8")
    with pytest.raises(InputError, match="expected the tags O, B-X or I-X, found 'من'"):
        list(read_columns(tmp_path / "text"))
