"""Files in and out: formats round-trip, hostile names and contents are refused, nothing is left behind."""

import base64
import io
import zipfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import date
from email.message import Message
from pathlib import Path
from typing import Any, cast
from urllib.parse import unquote

import pytest
from fastapi.testclient import TestClient

from libyaevents.catalog import DEFAULT_MODEL
from libyaevents.documents import Argument, Document, Entity, Event, Trigger
from libyaevents.errors import ConfigError, InputError
from libyaevents.evaluation.items import trigger_span
from libyaevents.extractor import Extractor
from libyaevents.formats.annotation import FORMATS
from libyaevents.formats.jsonl import read_documents
from libyaevents.ontology import load_ontology
from libyaevents.server import exchange, requests
from libyaevents.server.app import create_app
from libyaevents.server.edits import NotSavedError
from libyaevents.server.exchange import UploadedFile, discard_uploads, export, read_uploads
from libyaevents.server.settings import ServerSettings
from libyaevents.server.store import Store
from libyaevents.training.added import read_added

TEXT = "نفى المسماري 😀 قصف سرت أمس."
ARTICLE = Document(
    id="خبر",
    title="نفي القصف",
    published=date(2020, 6, 6),
    text=TEXT,
    entities=(
        Entity(id="T1", label="PERSON", start=4, end=12, text="المسماري"),
        Entity(id="T2", label="GPE", start=19, end=22, text="سرت"),
    ),
    events=(
        Event(
            id="E1",
            type="Shelling",
            factuality="negated",
            trigger=Trigger(start=15, end=18, text="قصف"),
            arguments=(Argument(role="Place", start=19, end=22, text="سرت", entity_id="T2"),),
        ),
    ),
)
OTHER = Document(
    id="بلاغ", text="غارة على درنة.", entities=(Entity(id="T1", label="GPE", start=9, end=13, text="درنة"),)
)


def upload(name: str, content: bytes | str) -> UploadedFile:
    """Return a file as a browser sends it."""
    data = content.encode() if isinstance(content, str) else content
    return UploadedFile(name=name, content=base64.b64encode(data).decode())


def unpacked(content: bytes) -> list[UploadedFile]:
    """Return the files of an archive, as if its folder were chosen in a browser."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        names = [name for name in archive.namelist() if not name.endswith("/")]
        return [upload(f"chosen/{name}", archive.read(name)) for name in names]


def said(document: Document) -> tuple[Any, ...]:
    """Return what every format holds of a document."""
    return (
        document.text,
        {(entity.start, entity.end, entity.label) for entity in document.entities},
        {
            (*trigger_span(event), *((each.start, each.end, each.role) for each in event.arguments))
            for event in document.events
        },
    )


# Functions


@pytest.mark.parametrize("format", FORMATS)
def test_round_trip(format: str, tmp_path: Path) -> None:
    """What is exported in a format is what an import of it gives; folders travel as archives and as files."""
    if format == "datasets":
        pytest.importorskip("datasets")
    made = export([ARTICLE, OTHER], format)
    is_folder = FORMATS[format].kind == "folder"  # type: ignore[index]
    assert made.name.endswith(".zip" if is_folder else FORMATS[format].suffix)  # type: ignore[index]
    files = unpacked(made.content) if is_folder else [upload(made.name, made.content)]
    documents, _ = read_uploads(files, format, folder=tmp_path)
    assert {said(document)[0] for document in documents} == {TEXT, OTHER.text}
    assert sorted(map(said, documents), key=str) == sorted(map(said, [ARTICLE, OTHER]), key=str)
    assert list(tmp_path.iterdir()) == []


def test_losses_are_told() -> None:
    """What a format cannot hold is counted in words; jsonl holds all."""
    scored = replace(ARTICLE, entities=(replace(ARTICLE.entities[0], score=0.5),), events=())
    assert export([scored], "doccano").losses == "score of an entity (1)"
    assert export([ARTICLE], "jsonl").losses == ""


@pytest.mark.parametrize(
    ("format", "suffix", "holds"),
    [
        ("csv", ".csv", "Shelling"),
        ("acled", ".csv", "2020"),
        ("ucdp", ".csv", "id"),
        ("plover", ".csv", "event"),
        ("geojson", ".geojson", "FeatureCollection"),
        ("parquet", ".parquet", "PAR1"),
        ("incidents", ".jsonl", "libyaevents-incident/1"),
    ],
)
def test_rows(format: str, suffix: str, holds: str) -> None:
    """Events are exported as rows, too, with their times and places resolved; and as incidents."""
    made = export([replace(ARTICLE, events=(replace(ARTICLE.events[0], factuality="actual"),))], format)
    assert made.name == f"libyaevents-{format}{suffix}"
    assert holds.encode() in made.content


@pytest.mark.parametrize("format", [*FORMATS, "csv", "acled", "geojson", "parquet", "incidents"])
def test_no_documents(format: str) -> None:
    """An export of nothing is a file of that format all the same."""
    if format == "datasets":
        pytest.importorskip("datasets")
    assert export([], format).name.startswith("libyaevents")


def test_unknown_formats(tmp_path: Path) -> None:
    """A format that is not there is named, with those there are."""
    with pytest.raises(ConfigError, match=r"found 'brta'; did you mean 'brat'"):
        export([], "brta")
    with pytest.raises(ConfigError, match="format"):
        read_uploads([upload("a.txt", "قصف")], "parquet", folder=tmp_path)
    with pytest.raises(InputError, match="at least one"):
        read_uploads([], "text", folder=tmp_path)


def test_articles(tmp_path: Path) -> None:
    """Texts come in any encoding that is told by its mark, and are called after their files."""
    files = [
        upload("غارة.txt", "غارة على سرت"),
        upload("قديم.txt", "قصف درنة".encode("utf-16")),
        upload("أخبار/خبر.txt", "هدوء في غات"),
        upload("list.jsonl", '{"id": "سطر", "text": "انسحاب"}\n'),
    ]
    documents, notes = read_uploads(files, "text", folder=tmp_path)
    assert [document.text for document in documents] == ["غارة على سرت", "قصف درنة", "هدوء في غات", "انسحاب"]
    assert [document.id for document in documents] == ["غارة", "قديم", "خبر", "سطر"]
    assert notes == []


@pytest.mark.parametrize(
    "name",
    [
        "../خارج.txt", "a/../../b.txt", "/tmp/x.txt", "//tmp/x.txt", "///tmp/x.txt", "\\\\tmp\\x.txt",
        "C:\\x.txt", "..\\x.txt", "", ".", "..", "a\x00b.txt", "a|b.txt", "a/b/c/d/e.txt", f"{'س' * 200}.txt",
        "\ud800.txt", "a\nb",
    ],
)  # fmt: skip
def test_hostile_names(name: str, tmp_path: Path) -> None:
    """A name that leads out of the folder, or that no file may have, is refused and nothing is written."""
    (tmp_path / "data").mkdir()
    inside = {path.name for path in Path("/tmp").iterdir()}
    with pytest.raises(InputError, match="rename it") as caught:
        read_uploads([upload(name, "قصف")], "text", folder=tmp_path / "data")
    caught.value.args[0].encode()
    assert [path.name for path in tmp_path.rglob("*")] == ["data"]
    assert "x.txt" not in {path.name for path in Path("/tmp").iterdir()} - inside


def test_files_in_each_others_way(tmp_path: Path) -> None:
    """Two files of one name, or a file where another needs a folder, are refused."""
    for names in (("a.txt", "a.txt"), ("a", "a/b.txt"), ("a/b.txt", "a")):
        with pytest.raises(InputError, match="each file once"):
            read_uploads([upload(name, "قصف") for name in names], "text", folder=tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", ["not base64!", "QUJ", "قصف", "QUJD\n", "QQ==QQ=="])
def test_no_base64(content: str, tmp_path: Path) -> None:
    """Content that is no base64 is refused by the name of its file."""
    with pytest.raises(InputError, match=r"'a\.txt': expected its bytes as base64"):
        read_uploads([UploadedFile(name="a.txt", content=content)], "text", folder=tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("format", "name", "content", "message"),
    [
        ("text", "صورة.txt", b"\x89PNG\r\n\x1a\n0000", r"صورة\.txt: expected text"),
        ("text", "a.jsonl", b"{", r"a\.jsonl:1: .*malformed JSON"),
        ("jsonl", "a.jsonl", '{"text": "قصف", "txt": 1}', r"a\.jsonl:1: .*txt"),
        ("labelstudio", "a.json", b"[", r"a\.json"),
        ("conll", "a.conllup", "1\tقصف\n", r"a\.conllup"),
        ("spacy", "a.spacy", b"\x00" * 100, r"a\.spacy"),
        ("inception", "a.zip", b"PK\x03\x04 broken", r"a\.zip"),
        ("brat", "chosen/a.ann", "T1\tGPE 0 3\tسرت\n", r"a\.ann|a\.txt"),
        ("doccano", "a.jsonl", b"\xff\xfe\xfd", r"a\.jsonl"),
    ],
)
def test_wrong_contents(format: str, name: str, content: bytes | str, message: str, tmp_path: Path) -> None:
    """A file that is not what it is called is refused in the format's own words, by its own name."""
    with pytest.raises(InputError, match=message) as caught:
        read_uploads([upload(name, content)], format, folder=tmp_path)
    assert str(tmp_path) not in str(caught.value)
    assert ".upload-" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_archive_that_unpacks_to_much(tmp_path: Path) -> None:
    """An archive of a few kilobytes that would fill the memory is refused."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("TypeSystem.xml", "bomb.xmi"):
            archive.writestr(name, b" " * (300 * 2**20))
    assert len(stream.getvalue()) < 2**20
    with pytest.raises(InputError):
        read_uploads([upload("bomb.zip", stream.getvalue())], "inception", folder=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_limits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A text that is too long, and more documents than one request may bring, are refused with the limit."""
    monkeypatch.setattr(requests, "MAX_TEXT", 20)
    monkeypatch.setattr(exchange, "MAX_TEXTS", 2)
    with pytest.raises(InputError, match=r"at most 20 characters, found 27"):
        read_uploads([upload("a.jsonl", ARTICLE.to_json())], "jsonl", folder=tmp_path)
    with pytest.raises(InputError, match=r"at most 2 documents"):
        read_uploads([upload(f"{n}.txt", f"قصف {n}") for n in range(3)], "text", folder=tmp_path)


def test_unknown_labels_are_noted(tmp_path: Path) -> None:
    """A label that the ontology does not have is taken, and told."""
    village = replace(ARTICLE, entities=(replace(ARTICLE.entities[0], label="VILLAGE"),), events=())
    documents, notes = read_uploads([upload("a.jsonl", village.to_json())], "jsonl", folder=tmp_path)
    assert documents == [village]
    assert len(notes) == 1
    assert "VILLAGE" in notes[0]


def test_folder_that_takes_nothing(tmp_path: Path) -> None:
    """Where the data folder cannot be written the files are refused, as what was not saved."""
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(NotSavedError, match="not saved"):
        read_uploads([upload("a.txt", "قصف")], "text", folder=tmp_path / "file")


def test_left_by_a_crash(tmp_path: Path) -> None:
    """What a killed server left of an upload goes at the next start; other files stay."""
    (tmp_path / ".upload-x" / "أخبار").mkdir(parents=True)
    (tmp_path / ".upload-x" / "أخبار" / "خبر.txt").write_text("قصف", encoding="utf-8")
    (tmp_path / "studio.sqlite").write_text("", encoding="utf-8")
    discard_uploads(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["studio.sqlite"]


def test_done_documents_can_be_learnt(tmp_path: Path) -> None:
    """Documents exported as jsonl are what `libyaevents retrain --add` takes."""
    with closing(Store(tmp_path)) as store:
        for document in (ARTICLE, OTHER):
            store.add(document, author="هدى", is_model_reading=True)
        path = tmp_path / "done.jsonl"
        path.write_bytes(export(store.documents(), "jsonl").content)
    assert read_added([str(path)], load_ontology()) == [ARTICLE, OTHER]


# Routes


class _Marker:
    """In place of a model: it finds سرت, and can be asked nothing else."""

    enrich = engine = None

    def extract_many(self, items: Any) -> Iterator[Document]:
        """Yield the documents with one entity, where the word stands."""
        for document in items:
            start = document.text.find("سرت")
            entity = Entity(id="T1", label="GPE", start=start, end=start + 3, text="سرت")
            yield replace(document, entities=() if start < 0 else (entity,))


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:
    """Return a client of a server on a new data folder."""
    settings = ServerSettings(data=tmp_path / "data", model=DEFAULT_MODEL)
    app = create_app(settings, extractor=cast("Extractor", _Marker()))
    with TestClient(app, base_url="http://127.0.0.1:8765", raise_server_exceptions=False) as client:
        client.headers["X-Libyaevents-Token"] = app.state.token
        yield client


def bring(client: TestClient, format: str, *files: UploadedFile, **fields: Any) -> Any:
    """Import files and return the answer."""
    sent = [{"name": file.name, "content": file.content} for file in files]
    return client.post("/api/import", json={"author": "هدى", "format": format, "files": sent} | fields)


def test_import_of_articles(client: TestClient) -> None:
    """Articles are read by the model; what is there already is told."""
    answer = bring(client, "text", upload("خبر.txt", "قصف سرت"), upload("آخر.txt", "هدوء"))
    assert answer.status_code == 200
    assert [item["id"] for item in answer.json()["documents"]] == ["خبر", "آخر"]
    assert [item["layers"][0]["n_entities"] for item in answer.json()["documents"]] == [1, 0]
    again = bring(client, "text", upload("ثالث.txt", "قصف سرت")).json()
    assert (again["documents"], again["already"], again["notes"]) == ([], [1], [])


def test_import_of_annotation(client: TestClient) -> None:
    """Annotated documents come as they are, into the shared layer or that of one person."""
    (item,) = bring(client, "jsonl", upload("a.jsonl", ARTICLE.to_json())).json()["documents"]
    opened = client.get(f"/api/documents/{item['number']}").json()
    assert Document.from_dict(opened["document"]) == ARTICLE
    other = replace(ARTICLE, entities=ARTICLE.entities[:1], events=())
    answer = bring(client, "jsonl", upload("a.jsonl", other.to_json()), as_layer="سالم").json()
    assert answer["already"] == [1]
    layers = client.get("/api/documents").json()["documents"][0]["layers"]
    assert [(layer["name"], layer["n_entities"]) for layer in layers] == [("shared", 2), ("سالم", 1)]


def test_refused_import(client: TestClient, tmp_path: Path) -> None:
    """A wrong file is a 422 with one sentence, and nothing of the request is kept."""
    files = upload("a.jsonl", ARTICLE.to_json()), upload("b.jsonl", "{")
    answer = bring(client, "jsonl", *files)
    assert answer.status_code == 422
    assert "b.jsonl:1" in answer.json()["error"]
    assert client.get("/api/documents").json() == {"documents": []}
    assert bring(client, "jsonl", upload("../a.jsonl", "{}")).status_code == 422
    assert bring(client, "jsonl", *files[:1], as_layer="\n").status_code == 422
    assert [path.name for path in tmp_path.rglob(".upload-*")] == []


def header(answer: Any) -> Message:
    """Return the content disposition, as a mail program would read it."""
    message = Message()
    message["Content-Disposition"] = answer.headers["content-disposition"]
    return message


def test_download(client: TestClient, tmp_path: Path) -> None:
    """A download is called after its one document, or the program; its losses are told in a header."""
    bring(client, "jsonl", upload("a.jsonl", ARTICLE.to_json()), upload("b.jsonl", OTHER.to_json()))
    answer = client.get("/api/export", params={"format": "jsonl"})
    assert answer.status_code == 200
    assert header(answer).get_filename() == "libyaevents-jsonl.jsonl"
    (tmp_path / "all.jsonl").write_bytes(answer.content)
    assert list(read_documents(tmp_path / "all.jsonl")) == [ARTICLE, OTHER]
    assert "x-libyaevents-losses" not in answer.headers
    one = client.get("/api/export", params={"format": "spacy", "numbers": "1"})
    disposition = one.headers["content-disposition"]
    assert disposition.isascii()
    assert unquote(disposition.partition("filename*=UTF-8''")[2]) == "خبر-spacy.spacy"
    assert 'filename="' in disposition
    folder = client.get("/api/export", params={"format": "brat"})
    assert zipfile.is_zipfile(io.BytesIO(folder.content))


def test_losses_of_a_download(client: TestClient) -> None:
    """What a format did not hold is told in a header, in ASCII whatever its words are."""
    scored = replace(ARTICLE, entities=(replace(ARTICLE.entities[0], score=0.5),), events=())
    bring(client, "jsonl", upload("a.jsonl", scored.to_json()))
    losses = client.get("/api/export", params={"format": "doccano"}).headers["x-libyaevents-losses"]
    assert losses.isascii()
    assert unquote(losses) == "score of an entity (1)"


def test_which_documents(client: TestClient) -> None:
    """Documents are chosen by layer, state and number; what cannot be asked for is refused."""
    bring(client, "jsonl", upload("a.jsonl", ARTICLE.to_json()), upload("b.jsonl", OTHER.to_json()))
    change = {"author": "هدى", "layer": "shared", "base": 0, "change_id": "0b8e7f6a-1", "state": "done"}
    assert client.post("/api/documents/2/changes", json=change).status_code == 200

    def texts(**query: str) -> list[str]:
        answer = client.get("/api/export", params={"format": "jsonl"} | query)
        return [Document.from_json(line).text for line in answer.text.splitlines()]

    assert texts(state="done") == [OTHER.text]
    assert texts(numbers="1") == [TEXT]
    assert texts(layer="سالم") == []
    for query in (
        {"format": "pdf"},
        {"format": "csv", "state": "finished"},
        {"format": "csv", "numbers": "1;2"},
    ):
        assert client.get("/api/export", params=query).status_code == 422


def test_name_of_a_download(client: TestClient) -> None:
    """An id that could end the header, or lead into another folder, becomes a plain name."""
    hostile = 'a"; filename=x.exe\\../../ب/ج'
    bring(client, "jsonl", upload("a.jsonl", replace(ARTICLE, id=hostile).to_json()))
    answer = client.get("/api/export", params={"format": "csv"})
    name = unquote(answer.headers["content-disposition"].partition("filename*=UTF-8''")[2])
    assert name == "a_filename_x.exe_.._.._ب_ج-csv.csv"
    assert answer.headers["content-disposition"].count(";") == 2
