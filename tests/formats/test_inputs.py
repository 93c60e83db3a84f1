"""Articles from files and standard input."""

import codecs
import contextlib
import io
import json
import logging
import sys
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libyaevents.documents import Document
from libyaevents.errors import CorpusError, InputError, MissingFileError
from libyaevents.formats.inputs import decode_text, read_inputs

ARTICLE = "دخلت القوات مدينة سرت صباح الجمعة، وقال متحدث باسمها إنها تتقدم.\r\nوأضاف أن المعارك مستمرة.\r\n"


def write(folder: Path, name: str, content: str | bytes) -> Path:
    """Write a file as it is, without newline translation."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def read_one(path: Path | str) -> Document:
    """Read the only document of an input."""
    (document,) = read_inputs([path])
    return document


def set_standard_input(monkeypatch: pytest.MonkeyPatch, data: bytes) -> None:
    """Let standard input hold these bytes."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))


def test_text_file_is_an_article_named_by_its_stem(tmp_path: Path) -> None:
    """A .txt file gives one document whose id is the file's stem, undated and unannotated."""
    assert read_one(write(tmp_path, "sirte.txt", ARTICLE)) == Document(id="sirte", text=ARTICLE)


def test_newlines_are_kept(tmp_path: Path) -> None:
    """CRLF, CR and LF stay as they are in the file, as offsets count them."""
    assert read_one(write(tmp_path, "a.txt", "سرت\r\nدرنة\rطبرق\n")).text == "سرت\r\nدرنة\rطبرق\n"


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(ARTICLE.encode(), id="utf-8"),
        pytest.param(codecs.BOM_UTF8 + ARTICLE.encode(), id="utf-8 with mark"),
        pytest.param(codecs.BOM_UTF16_LE + ARTICLE.encode("utf-16-le"), id="utf-16 little-endian"),
        pytest.param(codecs.BOM_UTF16_BE + ARTICLE.encode("utf-16-be"), id="utf-16 big-endian"),
        pytest.param(ARTICLE.encode("cp1256"), id="windows-1256"),
    ],
)
def test_encodings_are_recognized(tmp_path: Path, data: bytes) -> None:
    """UTF-8, UTF-16 with a mark and Arabic windows-1256 give the same text, without the mark."""
    assert read_one(write(tmp_path, "a.txt", data)).text == ARTICLE


def test_reading_windows_1256_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """A guessed encoding is said, with the file."""
    caplog.set_level(logging.INFO, logger="libyaevents")
    decode_text(ARTICLE.encode("cp1256"), "a.txt")
    assert caplog.messages == ["a.txt: read as windows-1256"]


def test_mark_inside_the_text_is_text() -> None:
    """Only the first character is a byte-order mark; a later U+FEFF is the caller's."""
    assert decode_text("\ufeffسرت\ufeff".encode(), "a.txt") == "سرت\ufeff"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (ARTICLE.encode()[1:], r"byte 0x\w\w at offset 0; .*iconv -f ENCODING -t UTF-8"),
        (ARTICLE.encode()[:8] + b"\xff" + ARTICLE.encode()[8:], "byte 0xFF at offset 8"),
        (ARTICLE.encode("iso8859_6"), "iconv -f ISO-8859-6 -t UTF-8"),
        (ARTICLE.encode("utf-16-le"), "a NUL at byte .*iconv -f UTF-16LE -t UTF-8"),
        (ARTICLE.encode("utf-16-be"), "a NUL at byte .*iconv -f UTF-16BE -t UTF-8"),
        (codecs.BOM_UTF16_LE + b"\x00\xd8", "UTF-16, as its byte-order mark says"),
        (ARTICLE.encode("utf-32"), "iconv -f UTF-32 -t UTF-8"),
        ("Войска вошли в город Сирт, сообщил представитель".encode("cp1251"), "iconv -f ENCODING"),
        ("הכוחות נכנסו לעיר סירת ביום שישי".encode("cp1255"), "iconv -f ENCODING"),
        ("Les forces sont entrées à Syrte".encode("cp1252"), "iconv -f ENCODING"),
        ("سرت".encode("cp1256"), "iconv -f ENCODING"),
    ],
)
def test_other_encodings_are_refused_with_the_way_out(data: bytes, message: str) -> None:
    """Damaged UTF-8 and foreign encodings are never read as something else; the error says how to convert."""
    with pytest.raises(InputError, match=rf"^a\.txt: expected .*{message}"):
        decode_text(data, "a.txt")


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"%PDF-1.7\n", "a PDF"),
        (b"PK\x03\x04\x14\x00", "a ZIP archive, as .docx"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Microsoft Office file"),
        (b"{\\rtf1\\ansi", "rich text"),
        (b"\x1f\x8b\x08", "gzip"),
        ("سرت\x00درنة".encode(), "a NUL at byte 6, as in a binary file"),
    ],
)
@pytest.mark.parametrize("name", ["a.txt", "a.jsonl"])
def test_binary_files_are_refused_by_kind(tmp_path: Path, name: str, data: bytes, kind: str) -> None:
    """A binary file is refused, and the error says what it seems to be."""
    with pytest.raises(InputError, match=kind):
        read_one(write(tmp_path, name, data))


def test_binary_file_is_refused_by_its_head(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A large binary file is not read to its end."""
    sizes: list[int] = []

    class Reader(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            data = super().read(size)
            sizes.append(len(data))
            return data

    path = write(tmp_path, "film.txt", b"")
    monkeypatch.setattr(Path, "open", lambda self, mode: Reader(bytes(1_000_000)))
    with pytest.raises(InputError, match="a NUL at byte 0"):
        read_one(path)
    assert sum(sizes) < 10_000


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1))
def test_any_text_survives_utf8(text: str) -> None:
    """Whatever a UTF-8 file holds behind its mark is the text, unchanged."""
    assert decode_text(codecs.BOM_UTF8 + text.encode(), "a.txt") == text or text.startswith(
        ("%PDF-", "PK", "{\\rtf")
    )


@given(st.binary(max_size=200))
def test_any_bytes_give_text_or_an_input_error(data: bytes) -> None:
    """No bytes raise anything but InputError, and what is text can be written again."""
    with contextlib.suppress(InputError):
        decode_text(data, "a.txt").encode()


def test_missing_file_is_named(tmp_path: Path) -> None:
    """A missing file is a FileNotFoundError too, and names the file."""
    with pytest.raises(MissingFileError, match=r"nowhere\.txt: expected a file, found none") as caught:
        read_inputs([tmp_path / "nowhere.txt"])
    assert isinstance(caught.value, FileNotFoundError)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("x" * 300 + ".txt", "File name too long"),
        ("a\x00.txt", "null byte"),
    ],
)
def test_impossible_names_are_an_input_error(tmp_path: Path, name: str, message: str) -> None:
    """A name that no file can have is refused with the reason."""
    with pytest.raises(InputError, match=message):
        read_inputs([tmp_path / name])


def test_directory_is_refused(tmp_path: Path) -> None:
    """A directory is refused, and the error shows how to name its files."""
    with pytest.raises(InputError, match=r"found a directory; name its files, as in .*\*\.txt"):
        read_inputs([tmp_path])


def test_unreadable_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that the system does not open is refused with the system's reason."""

    def refuse(self: Path, mode: str) -> None:
        raise PermissionError(13, "Permission denied")

    path = write(tmp_path, "a.txt", ARTICLE)
    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(InputError, match=r"a\.txt: .*Permission denied"):
        read_one(path)


@pytest.mark.parametrize(("name", "found"), [("a.pdf", r"'\.pdf'"), ("a.jsonl.gz", r"'\.gz'"), ("a", "none")])
def test_unknown_suffix_is_refused(tmp_path: Path, name: str, found: str) -> None:
    """A suffix other than .txt and .jsonl is refused by name."""
    with pytest.raises(InputError, match=rf"expected the suffix \.txt or \.jsonl, found {found}"):
        read_inputs([write(tmp_path, name, ARTICLE)])


def test_suffix_ignores_case(tmp_path: Path) -> None:
    """A.TXT and A.JSONL are read as their lower-case names say."""
    paths = [write(tmp_path, "A.TXT", ARTICLE), write(tmp_path, "B.JSONL", '{"id": "b", "text": "سرت"}')]
    assert [document.id for document in read_inputs(paths)] == ["A", "b"]


@pytest.mark.parametrize("mark", [b"", codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE])
def test_empty_file_is_refused(tmp_path: Path, mark: bytes) -> None:
    """A file without a single character is an error, byte-order mark or not."""
    with pytest.raises(InputError, match=r"a\.txt: expected text, found an empty file"):
        read_one(write(tmp_path, "a.txt", mark))


def test_white_space_is_an_empty_article(tmp_path: Path) -> None:
    """A file of white space is a document with that text."""
    assert read_one(write(tmp_path, "a.txt", " \n")).text == " \n"


def test_one_stem_in_two_folders_is_refused(tmp_path: Path) -> None:
    """Two articles that would get one id are refused before either is read, and both files are named."""
    paths = [write(tmp_path, "friday/1.txt", ARTICLE), write(tmp_path, "saturday/1.txt", ARTICLE)]
    with pytest.raises(InputError, match=r"saturday.1\.txt: .*the id '1', which .*friday.1\.txt has already"):
        read_inputs(paths)


def test_standard_input_twice_is_refused() -> None:
    """Standard input can be named once."""
    with pytest.raises(InputError, match="the id 'stdin', which - has already"):
        read_inputs(["-", "-"])


def test_wrong_path_is_said_before_anything_is_read(tmp_path: Path) -> None:
    """The last of many paths is checked before the first document is yielded."""
    with pytest.raises(MissingFileError):
        read_inputs([write(tmp_path, "a.txt", ARTICLE), tmp_path / "b.txt"])


def test_no_paths_give_no_documents() -> None:
    """Nothing in, nothing out."""
    assert list(read_inputs([])) == []


def test_undecodable_file_name_gives_a_writable_id(tmp_path: Path) -> None:
    """A file name in another encoding becomes an id that JSON can hold."""
    path = tmp_path / b"\xd3\xd1\xca.txt".decode(errors="surrogateescape")
    try:
        path.write_text(ARTICLE, encoding="utf-8")
    except (OSError, UnicodeError):
        pytest.skip("this file system takes no such name")
    assert read_one(path).id == r"\xd3\xd1\xca"


def test_standard_input_is_text(monkeypatch: pytest.MonkeyPatch) -> None:
    """Standard input is one article, decoded as a file is."""
    set_standard_input(monkeypatch, ARTICLE.encode("cp1256"))
    assert read_one("-") == Document(id="stdin", text=ARTICLE)


@pytest.mark.parametrize(("data", "message"), [(b"", "an empty file"), (b"%PDF-1.7", "a PDF")])
def test_bad_standard_input_is_named(monkeypatch: pytest.MonkeyPatch, data: bytes, message: str) -> None:
    """An error in what is piped in says that it came from standard input."""
    set_standard_input(monkeypatch, data)
    with pytest.raises(InputError, match=f"^standard input: expected text, found {message}"):
        read_one("-")


def test_published_dates_undated_documents(tmp_path: Path) -> None:
    """The given date goes to articles without one; a document's own date stays."""
    lines = '{"id": "b", "text": "سرت"}\n{"id": "c", "text": "سرت", "published": "2011-02-17"}\n'
    paths = [write(tmp_path, "a.txt", ARTICLE), write(tmp_path, "more.jsonl", lines)]
    dates = [document.published for document in read_inputs(paths, published=date(2020, 6, 6))]
    assert dates == [date(2020, 6, 6), date(2020, 6, 6), date(2011, 2, 17)]


def test_jsonl_keeps_every_field_but_the_annotation(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A line's own fields are kept, its annotation is set aside, and the number of documents is said."""
    line = {
        "id": "a",
        "title": "سرت",
        "source": "وكالة",
        "url": "https://example.org/a",
        "metadata": {"desk": "ليبيا"},
        "text": "في سرت",
        "sentences": [[0, 6]],
        "entities": [{"id": "T1", "label": "GPE", "start": 3, "end": 6, "text": "سرت"}],
    }
    content = json.dumps(line) + "\n" + '{"format": "libyaevents/1", "id": "b", "text": "درنة"}'
    first, second = read_inputs([write(tmp_path, "a.jsonl", content)])
    assert first == Document(
        id="a",
        title="سرت",
        source="وكالة",
        url="https://example.org/a",
        metadata={"desk": "ليبيا"},
        text="في سرت",
        sentences=((0, 6),),
    )
    assert second == Document(id="b", text="درنة")
    assert caplog.messages == ["set aside the annotation of 1 documents (50 %)"]


def test_text_without_arabic_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Documents without an Arabic letter are read, and counted; presentation forms are Arabic letters."""
    names = {"a.txt": "ﻗﺼﻒ", "b.txt": "The army shelled Sirte.", "c.txt": " \n", "d.txt": "قصف Sirte"}
    documents = list(read_inputs([write(tmp_path, name, text) for name, text in names.items()]))
    assert [document.text for document in documents] == list(names.values())
    assert caplog.messages == ["no Arabic letter in 2 documents (50 %), as in 'b'"]


def test_jsonl_line_without_id_is_named_by_its_line(tmp_path: Path) -> None:
    """A document without an id gets the file's stem and its line number, blank lines counted."""
    documents = read_inputs([write(tmp_path, "news.jsonl", '{"text": "سرت"}\n\n{"text": "درنة"}\r\n')])
    assert [document.id for document in documents] == ["news:1", "news:3"]


@pytest.mark.parametrize(
    "data",
    [
        pytest.param('{"text": "ARTICLE"}\n'.encode("utf-8-sig"), id="utf-8 with mark"),
        pytest.param('{"text": "ARTICLE"}\n'.encode("utf-16"), id="utf-16"),
        pytest.param(b'{"text": "ARTICLE"}\n', id="windows-1256"),
    ],
)
def test_jsonl_encodings_are_recognized(tmp_path: Path, data: bytes) -> None:
    """JSON Lines may start with a byte-order mark, be UTF-16 with one, or windows-1256."""
    text = ARTICLE.strip().replace("\r\n", " ")
    encoding = (
        "utf-8" if data.startswith(codecs.BOM_UTF8) else "utf-16-le" if data[:1] == b"\xff" else "cp1256"
    )
    name = "ARTICLE".encode(encoding)
    assert read_one(write(tmp_path, "a.jsonl", data.replace(name, text.encode(encoding)))).text == text


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"id": "b", "text": }', "malformed JSON"),
        ("[1, 2]", "expected a JSON object"),
        ('{"id": "b"}', "expected a field 'text'"),
        ('{"id": "b", "text": "سرت", "lable": 1}', "lable"),
        ('{"id": "b", "text": "سرت", "text": "درنة"}', "text: .*twice"),
        (r'{"id": "b", "text": "\ud800"}', "lone surrogate"),
        ('{"id": "b", "text": "سرت", "metadata": {"x": NaN}}', "metadata"),
        ('{"id": "a", "text": "درنة"}', r"found 'a', which .*news\.jsonl:1 has already"),
    ],
)
def test_malformed_line_is_named(tmp_path: Path, line: str, message: str) -> None:
    """An error in JSON Lines carries the file and the line, after the documents before it were read."""
    path = write(tmp_path, "news.jsonl", '{"id": "a", "text": "سرت"}\n' + line + "\n")
    documents = read_inputs([path])
    assert next(documents).id == "a"
    with pytest.raises(CorpusError, match=rf"news\.jsonl:2: .*{message}"):
        next(documents)


def test_undecodable_line_is_named(tmp_path: Path) -> None:
    """Bytes that are no text are refused with their line."""
    path = write(tmp_path, "news.jsonl", b'{"text": "a"}\n{"text": "\xff"}\n')
    with pytest.raises(InputError, match=r"news\.jsonl:2: .*byte 0xFF at offset 10"):
        list(read_inputs([path]))


def test_damaged_utf16_lines_are_refused(tmp_path: Path) -> None:
    """JSON Lines that break off inside a UTF-16 character are refused."""
    path = write(tmp_path, "news.jsonl", '{"text": "a"}'.encode("utf-16") + b"\x06")
    with pytest.raises(InputError, match=r"news\.jsonl: expected UTF-16"):
        list(read_inputs([path]))


@pytest.mark.parametrize("content", ["", "\n \n"])
def test_jsonl_without_documents_is_refused(tmp_path: Path, content: str) -> None:
    """A .jsonl file that holds no document is an error."""
    with pytest.raises(CorpusError, match=r"a\.jsonl: expected one document a line, found none"):
        list(read_inputs([write(tmp_path, "a.jsonl", content)]))


def test_article_and_line_never_share_an_id(tmp_path: Path) -> None:
    """A .jsonl document with the id of a .txt article is refused."""
    paths = [
        write(tmp_path, "a.jsonl", '{"id": "sirte", "text": "سرت"}'),
        write(tmp_path, "sirte.txt", ARTICLE),
    ]
    with pytest.raises(CorpusError, match=r"a\.jsonl:1: .*'sirte', which .*sirte\.txt has already"):
        list(read_inputs(paths))


def test_jsonl_is_read_line_by_line(tmp_path: Path) -> None:
    """The first document is there although a later line is broken."""
    path = write(tmp_path, "a.jsonl", '{"id": "a", "text": "سرت"}\nbroken\n')
    assert next(read_inputs([path])).id == "a"


def test_json_on_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    """JSON Lines that are piped in are read line by line, not taken for an article."""
    data = '{"id": "a", "text": "قصف سرت"}\n\n{"text": "هدنة"}\n'.encode()
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(data)))
    found = [(document.id, document.text) for document in read_inputs(["-"])]
    assert found == [("a", "قصف سرت"), ("stdin:3", "هدنة")]


def test_bad_line_on_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    """A malformed line of piped JSON Lines is named by its number."""
    data = '{"id": "a", "text": "قصف سرت"}\n{"txt": "هدنة"}\n'.encode()
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(data)))
    with pytest.raises(CorpusError, match="standard input:2"):
        list(read_inputs(["-"]))
