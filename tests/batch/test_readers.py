"""Records of every kind of input, good and bad, and the documents that they become."""

import csv
import os
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest
from datasets import Dataset, DatasetDict
from pyarrow.parquet import write_table

from libyaevents.batch import records as records_module
from libyaevents.batch.readers import check_columns, read_records
from libyaevents.batch.records import Columns, Rejected, to_document
from libyaevents.batch.sources import open_source
from libyaevents.documents import Document
from libyaevents.errors import ConfigError, InputError

TEXT = "قصف الطيران سرت."
DEFAULTS = Columns()
ROW = {"id": "1", "text": TEXT, "published": "2020-06-06", "source": "وكالة", "title": "قصف"}
EXPECTED = Document(id="1", text=TEXT, published=date(2020, 6, 6), source="وكالة", title="قصف")


def read(root: Path, columns: Columns = DEFAULTS, published: date | None = None) -> list[Document | Rejected]:
    """Everything in an input."""
    source = open_source(root)
    check_columns(source, columns)
    found = list(read_records(source, columns))
    places = [record.done for record in found]
    assert places == sorted(places), "progress goes forward"
    return [to_document(record, columns, published) for record in found]


def reasons(root: Path) -> list[str]:
    """Why records of an input were rejected."""
    return [found.reason for found in read(root) if isinstance(found, Rejected)]


def write_csv(path: Path, rows: list[dict[str, str]]) -> None:
    """Write csv as spreadsheets do."""
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


WRITERS: dict[str, Callable[[Path, list[dict[str, str]]], object]] = {
    "news.csv": write_csv,
    "news.parquet": lambda path, rows: write_table(pyarrow.Table.from_pylist(rows), path),
    "dataset": lambda path, rows: Dataset.from_list(rows).save_to_disk(path),
    "splits": lambda path, rows: DatasetDict({"train": Dataset.from_list(rows)}).save_to_disk(path),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", WRITERS)
def test_tables(name: str, tmp_path: Path) -> None:
    """Rows of every kind of table become the same documents; other columns are not read."""
    rows = [ROW | {"other": "x"}, ROW | {"id": "2", "other": ""}]
    WRITERS[name](tmp_path / name, rows)
    first, second = read(tmp_path / name)
    assert first == EXPECTED
    assert isinstance(second, Document)
    assert second.id == "2"


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", WRITERS)
def test_columns_have_names_of_their_own(name: str, tmp_path: Path) -> None:
    """A column is read by the name that is given; one that is not there is refused, with those there are."""
    WRITERS[name](tmp_path / name, [{"body": TEXT, "nr": "7", "day": "2020-06-06"}])
    (found,) = read(tmp_path / name, Columns(text="body", id="nr", published="day"))
    assert found == Document(id="7", text=TEXT, published=date(2020, 6, 6))
    with pytest.raises(ConfigError, match=r"expected a column 'text', found none; .*known: body, nr, day"):
        read(tmp_path / name)
    with pytest.raises(ConfigError, match=r"expected a column 'boby', .*did you mean 'body'\?"):
        read(tmp_path / name, Columns(text="boby"))


def test_json_lines(tmp_path: Path) -> None:
    """A line is a row, or a document as `extract` writes it, with its sentences; blank ones are none."""
    document = Document(id="d", text=TEXT, sentences=((0, len(TEXT)),), metadata={"k": "v"})
    lines = f'\n{{"text": "{TEXT}", "id": 5, "extra": [1]}}\n{document.to_json()}\n{{"text": "{TEXT}"}}'
    (tmp_path / "خبر.jsonl").write_text(lines, encoding="utf-8")
    numbered, kept, unnamed = read(tmp_path / "خبر.jsonl", published=date(2020, 1, 1))
    assert numbered == Document(id="5", text=TEXT, published=date(2020, 1, 1))
    assert isinstance(kept, Document)
    assert isinstance(unnamed, Document)
    assert (kept.sentences, kept.metadata) == (document.sentences, document.metadata)
    assert unnamed.id == "خبر.jsonl:4"


def test_column_of_json_lines(tmp_path: Path) -> None:
    """JSON Lines have the columns of their first rows."""
    (tmp_path / "a.jsonl").write_text(f'nonsense\n{{"body": "{TEXT}"}}\n', encoding="utf-8")
    with pytest.raises(ConfigError, match="expected a column 'text', found none"):
        read(tmp_path / "a.jsonl")
    _, found = read(tmp_path / "a.jsonl", Columns(text="body"))
    assert isinstance(found, Document)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2020-06-06T23:30:00Z", date(2020, 6, 6)),
        ("2020-06-06 10:00", date(2020, 6, 6)),
        (datetime(2020, 6, 6, 23), date(2020, 6, 6)),
        (date(2020, 6, 6), date(2020, 6, 6)),
        ("", None),
        (None, None),
    ],
)
def test_days(value: object, expected: date | None, tmp_path: Path) -> None:
    """The day of an article may have a time with it."""
    table = pyarrow.table({"text": [TEXT], "published": [value]})
    write_table(table, tmp_path / "a.parquet")
    (found,) = read(tmp_path / "a.parquet")
    assert isinstance(found, Document)
    assert found.published == expected


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"text": "\xd9\x82\xff\xd9\x81"}', "expected UTF-8, or Arabic in windows-1256, found byte 0xFF"),
        (b'{"text": ', "malformed JSON"),
        (b"[1]", "expected a JSON object, found [1]"),
        (b'{"id": "x"}', "expected text, found none"),
        (b'{"text": " \\n"}', "expected text, found none"),
        (b'{"text": 5}', "text: expected a string, found 5"),
        (b'{"text": "\\ud800"}', "lone surrogate U+D800"),
        (b'{"text": "a", "published": "6/6/2020"}', "published: expected a date as in 2020-06-06"),
        (b'{"text": "a", "source": ["x"]}', "source: expected a string, found ['x']"),
        (b'{"text": "a", "id": true}', "id: expected a string, found True"),
        (b"[" * 100_000, "malformed JSON"),
        (b'{"format": "libyaevents/1", "text": "a", "sentences": [[0, 9]]}', "sentences"),
    ],
)
def test_bad_line(line: bytes, reason: str, tmp_path: Path) -> None:
    """A record that is no article says why; those around it are read."""
    good = f'{{"text": "{TEXT}"}}\n'.encode()
    (tmp_path / "a.jsonl").write_bytes(good + line + b"\n" + good)
    first, bad, last = read(tmp_path / "a.jsonl")
    assert isinstance(bad, Rejected)
    assert reason in bad.reason
    assert not bad.reason.startswith("a.jsonl"), "the place stands beside it"
    assert isinstance(first, Document)
    assert isinstance(last, Document)


@pytest.mark.parametrize(
    ("record", "known"),
    [
        ('{"id": "x", "text": 5}', "x"),
        ('{"id": 7, "text": "a", "published": "6/6/2020"}', "7"),
        ('{"id": "x", "text": ""}', "x"),
        ('{"format": "libyaevents/1", "id": "x", "text": "a", "sentences": [[0, 9]]}', "x"),
        ('{"id": true, "text": "a"}', None),
        ('{"text": 5}', None),
    ],
)
def test_id_of_what_is_rejected(record: str, known: str | None, tmp_path: Path) -> None:
    """A record that is put aside keeps the id that it has."""
    (tmp_path / "a.jsonl").write_text(f'{{"text": "{TEXT}"}}\n{record}\n', encoding="utf-8")
    _, bad = read(tmp_path / "a.jsonl")
    assert isinstance(bad, Rejected)
    assert bad.id == known


def test_text_files(tmp_path: Path) -> None:
    """A file is an article with its path for an id; what is empty or no text says so."""
    (tmp_path / "in" / "2020").mkdir(parents=True)
    folder = tmp_path / "in"
    (folder / "2020" / "خبر.txt").write_text(TEXT, encoding="utf-8-sig")
    (folder / "empty.txt").touch()
    (folder / "half.txt").write_bytes(TEXT.encode() + b"\xff" + TEXT.encode())
    (folder / "old.txt").write_bytes("قصف الطيران مدينة سرت مساء اليوم".encode("cp1256"))
    (folder / "lost.txt").symlink_to("nowhere")
    found = read(folder)
    assert found[0] == Document(id="2020/خبر", text=TEXT)
    assert isinstance(found[-1], Document)
    assert found[-1].text == "قصف الطيران مدينة سرت مساء اليوم"
    assert reasons(folder) == [
        "expected text, found an empty file",
        *(reason for reason in reasons(folder) if "found byte 0xFF at offset 29" in reason),
        "expected a file, found a link to nothing",
    ]


def test_huge_text_file_is_not_read(tmp_path: Path) -> None:
    """A file of 5 GB is no article, which its size tells."""
    with (tmp_path / "film.txt").open("wb") as file:
        os.truncate(file.fileno(), 5 * 2**30)
    (reason,) = reasons(tmp_path / "film.txt")
    assert reason.startswith("expected an article of at most 4000000 bytes, found a file of 5368709120 bytes")


def test_too_long_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A text beyond the limit is no article."""
    monkeypatch.setattr(records_module, "LONGEST_TEXT", 10)
    (tmp_path / "a.txt").write_text(TEXT, encoding="utf-8")
    assert reasons(tmp_path) == [
        f"expected a text of at most 10 characters, found {len(TEXT)}; cut it in parts"
    ]


def test_bad_rows_of_csv(tmp_path: Path) -> None:
    """Rows of another length, bytes that are no UTF-8 and line breaks in fields are told apart."""
    lines = ["id;text", f"1;{TEXT}", "2", "3;a;b", f'4;"{TEXT}\n{TEXT}"', "", "5;\udcff", f"6;{TEXT}"]
    (tmp_path / "a.csv").write_bytes("\n".join(lines).encode("utf-8", "surrogateescape"))
    found = read(tmp_path / "a.csv")
    assert [document.id for document in found if isinstance(document, Document)] == ["1", "4", "6"]
    short, long, byte = reasons(tmp_path / "a.csv")
    assert short == "expected 2 fields as in the header, found 1"
    assert long == "expected 2 fields as in the header, found 3"
    assert byte.startswith("expected UTF-8, found the byte 0xFF")


def test_open_quotation_mark_of_csv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mark that is never closed spoils rows up to the greatest length of a field, not the memory."""
    monkeypatch.setattr("libyaevents.batch.readers._LONGEST_FIELD", 1000)
    limit = csv.field_size_limit()
    rows = "".join(f"{number},{TEXT}\n" for number in range(100))
    (tmp_path / "a.csv").write_text(f'id,text\n1,"{TEXT}\n{rows}', encoding="utf-8")
    found = read(tmp_path / "a.csv")
    assert isinstance(found[0], Rejected)
    assert "is a quotation mark not closed?" in found[0].reason
    assert len(found) > 50
    assert csv.field_size_limit() == limit, "the limit of other users of csv is put back"


def test_too_long_line_of_csv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A line that is passed over is one rejected row."""
    monkeypatch.setattr("libyaevents.batch.lines.LONGEST_LINE", 100)
    (tmp_path / "a.csv").write_text(f"id,text\n1,{TEXT * 20}\n2,{TEXT}\n", encoding="utf-8")
    bad, good = read(tmp_path / "a.csv")
    assert isinstance(bad, Rejected)
    assert isinstance(good, Document)


def test_corrupt_parquet(tmp_path: Path) -> None:
    """A file that is no Parquet is refused at the start; as one of several it is one rejected record."""
    (tmp_path / "b.parquet").write_bytes(b"PAR1 nothing PAR1")
    with pytest.raises(InputError, match="found what is damaged or cut off"):
        read(tmp_path)
    write_table(pyarrow.table({"text": [TEXT]}), tmp_path / "a.parquet")
    write_table(pyarrow.table({"text": [TEXT]}), tmp_path / "c.parquet")
    good, bad, last = read(tmp_path)
    assert isinstance(good, Document)
    assert isinstance(bad, Rejected)
    (tmp_path / "a.parquet").unlink()
    assert read(tmp_path) == [bad, last]
    with pytest.raises(ConfigError, match=r"c\.parquet: expected a column 'body', found none"):
        read(tmp_path, Columns(text="body"))


def test_damaged_page_of_parquet(tmp_path: Path) -> None:
    """Where one part of a file is damaged, its rows are one rejected record, and the other parts are read."""
    table = pyarrow.table({"text": [f"{TEXT} {number}" for number in range(40)]})
    path = tmp_path / "a.parquet"
    write_table(table, path, row_group_size=10, compression="zstd", use_dictionary=False)
    place = pyarrow.parquet.ParquetFile(path).metadata.row_group(1).column(0).data_page_offset
    data = bytearray(path.read_bytes())
    data[place : place + 60] = bytes(60)
    path.write_bytes(data)
    found = read(path)
    assert sum(isinstance(item, Document) for item in found) == 30
    (reason,) = reasons(path)
    assert reason.startswith("expected rows 11 to 20 of Parquet, found what is damaged")


def test_values_of_parquet_that_cannot_be_taken_out(tmp_path: Path) -> None:
    """Bytes that call themselves text, and are none, are told in their row."""
    raw = pyarrow.array([b"\xff", TEXT.encode()], pyarrow.binary())
    table = pyarrow.table({"text": raw.view(pyarrow.string())})
    write_table(table, tmp_path / "a.parquet")
    bad, good = read(tmp_path / "a.parquet")
    assert isinstance(bad, Rejected)
    assert isinstance(good, Document)


@pytest.mark.parametrize("name", ["a.jsonl", "a.csv", "a.parquet"])
def test_empty_file(name: str, tmp_path: Path) -> None:
    """A file of 0 bytes is one rejected record."""
    (tmp_path / name).touch()
    assert reasons(tmp_path / name) == ["expected text, found an empty file"]
