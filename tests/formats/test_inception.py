"""INCEpTION's XMI: round trips in UTF-16 offsets, files as the tool lays them out, XML that is refused."""

import logging
import sys
import tempfile
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from libyaevents.datasets import load_corpus
from libyaevents.documents import Argument, Document, Entity, Event, Trigger
from libyaevents.errors import CorpusError, InputError, MissingExtraError, MissingFileError
from libyaevents.formats import annotation, xmi
from tests.formats.samples import corpora, remainder

LINKED = "link of an argument to an entity"
TEXT = "🚁 قصف الطيران سرت.\r\nوقتل ثلاثة."

# A document as INCEpTION lays it out: tokens and sentences, settings of the tool, built-in layers and one of
# the project's own. Offsets count UTF-16 units; 🚁 is two.
XMI = """\
<?xml version="1.0" encoding="UTF-8"?><xmi:XMI
    xmlns:xmi="http://www.omg.org/XMI" xmlns:cas="http:///uima/cas.ecore" xmi:version="2.0"
    xmlns:type3="http:///de/tudarmstadt/ukp/dkpro/core/api/metadata/type.ecore"
    xmlns:type4="http:///de/tudarmstadt/ukp/dkpro/core/api/ner/type.ecore"
    xmlns:type5="http:///de/tudarmstadt/ukp/dkpro/core/api/segmentation/type.ecore"
    xmlns:type6="http:///de/tudarmstadt/ukp/dkpro/core/api/semantics/type.ecore"
    xmlns:type9="http:///de/tudarmstadt/ukp/clarin/webanno/api/type.ecore"
    xmlns:custom="http:///webanno/custom.ecore">
  <cas:NULL xmi:id="0"/>
  <type9:CASMetadata xmi:id="20" sofa="1" begin="0" end="0" username="sara" projectName="ليبيا"/>
  <type3:DocumentMetaData xmi:id="2" sofa="1" begin="0" end="32" language="x-unspecified"
      documentTitle="قصف سرت" documentId="a1.txt" documentUri="file:/srv/a1.txt" isLastSegment="false"/>
  <type5:Sentence xmi:id="3" sofa="1" begin="0" end="19"/>
  <type5:Sentence xmi:id="4" sofa="1" begin="21" end="32"/>
  <type5:Token xmi:id="5" sofa="1" begin="0" end="2"/>
  <type4:NamedEntity xmi:id="6" sofa="1" begin="15" end="18" value="GPE" identifier="http://x.org/Q1"/>
  <type4:NamedEntity xmi:id="7" sofa="1" begin="26" end="31"/>
  <type6:SemArg xmi:id="8" sofa="1" begin="7" end="14"/>
  <type6:SemArg xmi:id="9" sofa="1" begin="15" end="18"/>
  <type6:SemArgLink xmi:id="10" role="Instrument" target="8"/>
  <type6:SemArgLink xmi:id="11" role="Place" target="9"/>
  <type6:SemPred xmi:id="12" sofa="1" begin="3" end="6" category="AirStrike" arguments="10 11"/>
  <type6:SemPred xmi:id="13" sofa="1" begin="21" end="25" category="Kill"/>
  <custom:Note xmi:id="14" sofa="1" begin="0" end="2" comment="؟"/>
  <cas:Sofa xmi:id="1" sofaNum="1" sofaID="_InitialView" mimeType="text"
      sofaString="🚁 قصف الطيران سرت.&#13;&#10;وقتل ثلاثة."/>
  <cas:View sofa="1" members="2 3 4 5 6 7 8 9 10 11 12 13 14 20"/>
</xmi:XMI>
"""
CUSTOM_TYPES = """\
    <typeDescription>
      <name>webanno.custom.Note</name><supertypeName>uima.tcas.Annotation</supertypeName>
      <features><featureDescription>
        <name>comment</name><rangeTypeName>uima.cas.String</rangeTypeName>
      </featureDescription></features>
    </typeDescription>
    <typeDescription>
      <name>de.tudarmstadt.ukp.clarin.webanno.api.type.CASMetadata</name>
      <supertypeName>uima.tcas.Annotation</supertypeName>
      <features>
        <featureDescription><name>username</name><rangeTypeName>uima.cas.String</rangeTypeName></featureDescription>
        <featureDescription><name>projectName</name><rangeTypeName>uima.cas.String</rangeTypeName></featureDescription>
      </features>
    </typeDescription>
"""
LAUGHS = '<!DOCTYPE x [<!ENTITY a "هههههههه"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
EXTERNAL = '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/hostname">]>'


@pytest.fixture(scope="module")
def types(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The type system of a project: DKPro Core's, as the library writes it, and the project's own layers."""
    folder = tmp_path_factory.mktemp("types") / "empty"
    annotation.write([], folder, "inception")
    text = (folder / "TypeSystem.xml").read_text(encoding="utf-8")
    return text.replace("</types>", f"{CUSTOM_TYPES}</types>")


@pytest.fixture
def folder(tmp_path: Path, types: str) -> Path:
    """A folder with one exported document and its type system."""
    (tmp_path / "export").mkdir()
    (tmp_path / "export" / "sara.xmi").write_text(XMI, encoding="utf-8")
    (tmp_path / "export" / "TypeSystem.xml").write_text(types, encoding="utf-8")
    return tmp_path / "export"


def relinked(document: Document) -> Document:
    """The document with arguments linked to the first entity over their span, as reading links them."""
    of_span: dict[tuple[int, int], str] = {}
    for entity in document.entities:
        of_span.setdefault((entity.start, entity.end), entity.id)
    events = tuple(
        replace(
            event,
            arguments=tuple(
                replace(argument, entity_id=of_span.get((argument.start, argument.end)))
                for argument in event.arguments
            ),
        )
        for event in document.events
    )
    return replace(document, events=events)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(corpora(enriched=True))
def test_documents_read_back(documents: list[Document]) -> None:
    """Events, roles, factuality, sentences and metadata of any documents survive; what does not is told."""
    corpus = [replace(each, id=each.id or f"n{number}") for number, each in enumerate(documents)]
    with tempfile.TemporaryDirectory() as scratch:
        losses = annotation.write(corpus, Path(scratch) / "xmi", "inception")
        found = {each.id: each for each in annotation.read(Path(scratch) / "xmi", "inception")}
    for document in corpus:
        expected = remainder(document, losses)
        assert found[document.id] == (relinked(expected) if LINKED in losses else expected)


def test_the_open_corpus_is_held_whole(tmp_path: Path) -> None:
    """Annotation by the guide comes back as it was, ids and links included; nothing is counted as lost."""
    corpus = load_corpus("open", split="dev")
    assert not annotation.write(corpus, tmp_path / "xmi", "inception")
    found = {document.id: document for document in annotation.read(tmp_path / "xmi", "inception")}
    assert found == {document.id: document for document in corpus}


def test_an_exported_document(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    """What INCEpTION exports is read, in code points; what is no event or entity is counted in the log."""
    with caplog.at_level(logging.WARNING):
        (document,) = annotation.read(folder, "inception")
    assert document == Document(
        id="a1.txt",
        title="قصف سرت",
        text=TEXT,
        sentences=((0, 18), (20, 31)),
        entities=(Entity(id="T1", label="GPE", start=14, end=17, text="سرت"),),
        events=(
            Event(
                id="E1",
                type="AirStrike",
                trigger=Trigger(start=2, end=5, text="قصف"),
                arguments=(
                    Argument(role="Instrument", start=6, end=13, text="الطيران"),
                    Argument(role="Place", start=14, end=17, text="سرت", entity_id="T1"),
                ),
            ),
            Event(id="E2", type="Kill", trigger=Trigger(start=20, end=24, text="وقتل")),
        ),
    )
    assert "layer webanno.custom.Note (1)" in caplog.text
    assert "named entity without a label (1)" in caplog.text
    assert "CASMetadata" not in caplog.text


def test_written_offsets_count_utf16(tmp_path: Path) -> None:
    """In the file itself an entity behind an emoji stands where Java and browsers see it."""
    document = Document(
        text=TEXT, entities=(Entity(id="T1", label="GPE", start=14, end=17, text=TEXT[14:17]),)
    )
    annotation.write([document], tmp_path / "xmi", "inception")
    (file,) = (tmp_path / "xmi").glob("*.xmi")
    assert 'begin="15" end="18" value="GPE"' in file.read_text(encoding="utf-8")


def test_factuality_is_a_feature_of_the_predicate(tmp_path: Path) -> None:
    """The type system that comes along declares the one feature that INCEpTION does not have by itself."""
    event = Event(id="E1", type="Kill", trigger=Trigger(start=20, end=24, text="وقتل"), factuality="negated")
    annotation.write([Document(id="a1", text=TEXT, events=(event,))], tmp_path / "xmi", "inception")
    assert 'factuality="negated"' in (tmp_path / "xmi" / "a1.xmi").read_text(encoding="utf-8")
    assert "<name>factuality</name>" in (tmp_path / "xmi" / "TypeSystem.xml").read_text(encoding="utf-8")


def test_what_xml_forbids_is_counted(tmp_path: Path) -> None:
    """Control characters become U+FFFD, one for one, so that offsets stay; how many is said."""
    document = Document(id="a1", text="قصف\x00 سرت\x1f", title="\x07 خبر", metadata={"\x0b": "x"})
    losses = annotation.write([document], tmp_path / "xmi", "inception")
    assert losses == {"control character": 4}
    (found,) = annotation.read(tmp_path / "xmi", "inception")
    assert (found.text, found.title) == ("قصف\ufffd سرت\ufffd", "\ufffd خبر")
    assert found.metadata == {"\ufffd": "x"}


def test_metadata_cannot_pass_for_facts(tmp_path: Path) -> None:
    """Keys of a document's own metadata that are called like a fact are told from it."""
    document = Document(
        id="a1", text=TEXT, source="وكالة", metadata={"source": "x", "metadata:url": "y", "k": ""}
    )
    annotation.write([document], tmp_path / "xmi", "inception")
    assert list(annotation.read(tmp_path / "xmi", "inception")) == [document]


def test_an_archive(folder: Path, tmp_path: Path) -> None:
    """The .zip that INCEpTION exports is read as it is, whatever its names are, and nothing is unpacked."""
    archive = tmp_path / "webanno123export.zip"
    with zipfile.ZipFile(archive, "w") as file:
        for name in ("../../outside.xmi", "deep/a2.xmi"):
            text = XMI.replace("a1.txt", name)
            file.writestr(name, text)
        file.writestr("TypeSystem.xml", (folder / "TypeSystem.xml").read_text(encoding="utf-8"))
    before = sorted(tmp_path.parent.rglob("*"))
    assert [document.id for document in annotation.read(archive, "inception")] == [
        "../../outside.xmi",
        "deep/a2.xmi",
    ]
    assert sorted(tmp_path.parent.rglob("*")) == before


def test_a_single_file_is_called_as_it_is(folder: Path) -> None:
    """A file alone is read with the type system beside it; without an id it is called as the file."""
    (folder / "sara.xmi").write_text(XMI.replace('documentId="a1.txt"', ""), encoding="utf-8")
    (document,) = annotation.read(folder / "sara.xmi", "inception")
    assert document.id == "sara"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("<xmi:XMI", f"{LAUGHS}<xmi:XMI", r"sara\.xmi: expected XML as UIMA writes it, found a DOCTYPE"),
        ("<xmi:XMI", f"<!-- x --><?y z?>\n{EXTERNAL}<xmi:XMI", "found a DOCTYPE"),
        ('encoding="UTF-8"', 'encoding="UTF-7"', "expected XML in UTF-8, found encoding 'UTF-7'"),
        (
            "</xmi:XMI>",
            "",
            "expected XML, found no element found",
        ),
        (XMI, "قصف", "expected XML, found syntax error: line 1"),
        ("<cas:NULL", "<a>" * 50 + "</a>" * 50 + "<cas:NULL", "at most 32 levels, .* found more in 'a'"),
        (
            "<cas:NULL",
            "<cas:NULL " + " ".join(f'a{n}="1"' for n in range(999)),
            "at most 32 levels, 500 attr",
        ),
        ("سرت.&#13;", "سرت." * 2**19 + "&#13;", "2,097,152 characters in one; found more in 'cas:Sofa'"),
        ("custom:Note", "custom:Other", r"webanno\.custom\.Other"),
        ('begin="26" end="31"', 'begin="26" end="99" value="GPE"', r"\[99\]"),
        ('begin="3" end="6"', 'begin="1" end="6"', r"\[1\]"),
        ('target="9"', 'target="99"', "found something else"),
        ('category="Kill"', 'kategorie="Kill"', "kategorie"),
        ('begin="21" end="25"', 'begin="25" end="21"', None),
        ("<cas:View", '<cas:Sofa xmi:id="30" sofaNum="2" sofaID="en" sofaString="x"/><cas:View', "found 2: "),
        ('sofaString="🚁 قصف الطيران سرت.&#13;&#10;وقتل ثلاثة."', "", "expected one text"),
    ],
)
def test_files_that_are_refused(folder: Path, old: str, new: str, message: str | None) -> None:
    """A file that is dangerous, cut off, or not what its type system says is refused with its name."""
    assert old in XMI
    (folder / "sara.xmi").write_text(XMI.replace(old, new), encoding="utf-8")
    if message is None:  # covers nothing, as annotators may make it: left out
        assert len(next(annotation.read(folder, "inception")).events) == 1
        return
    with pytest.raises(CorpusError, match=message) as raised:
        list(annotation.read(folder, "inception"))
    assert "sara.xmi" in str(raised.value)


def test_a_doctype_in_the_type_system_is_refused(folder: Path, types: str) -> None:
    """The other file is looked at, too."""
    bomb = types.replace("<typeSystemDescription", f"{EXTERNAL}<typeSystemDescription", 1)
    (folder / "TypeSystem.xml").write_text(bomb, encoding="utf-8")
    with pytest.raises(CorpusError, match=r"TypeSystem\.xml: .* found a DOCTYPE"):
        list(annotation.read(folder, "inception"))


def test_another_encoding_cannot_hide_a_doctype(folder: Path) -> None:
    """UTF-16, in which the letters of DOCTYPE are other bytes, is no way around."""
    text = XMI.replace('encoding="UTF-8"', 'encoding="UTF-16"').replace("<xmi:XMI", f"{LAUGHS}<xmi:XMI")
    (folder / "sara.xmi").write_bytes(text.encode("utf-16"))
    with pytest.raises(CorpusError, match="expected UTF-8"):
        list(annotation.read(folder, "inception"))


def test_a_type_system_that_is_none(folder: Path) -> None:
    """A broken type system is told by its name."""
    types = "<x><typeDescription><name>a.B</name><supertypeName>a.C</supertypeName></typeDescription></x>"
    (folder / "TypeSystem.xml").write_text(types, encoding="utf-8")
    with pytest.raises(
        CorpusError, match=r"TypeSystem\.xml: expected a UIMA type system, found something else"
    ):
        list(annotation.read(folder, "inception"))


def test_a_missing_type_system(folder: Path, tmp_path: Path) -> None:
    """Where an .xmi came alone, the .zip with both is asked for, of a folder as of an archive."""
    (folder / "TypeSystem.xml").unlink()
    with pytest.raises(CorpusError, match=r"sara\.xmi: expected TypeSystem\.xml beside it, found none"):
        list(annotation.read(folder, "inception"))
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as file:
        file.writestr("sara.xmi", XMI)
    with pytest.raises(CorpusError, match=r"a\.zip: sara\.xmi: expected TypeSystem\.xml"):
        list(annotation.read(tmp_path / "a.zip", "inception"))


def test_one_document_by_two_people(folder: Path) -> None:
    """Two files of one document are not two documents: which to leave out is the user's choice."""
    (folder / "omar.xmi").write_text(XMI, encoding="utf-8")
    with pytest.raises(CorpusError, match=r"a document id of its own, found 'a1\.txt', which .*omar"):
        list(annotation.read(folder, "inception"))


def test_places_without_files(tmp_path: Path) -> None:
    """Nothing, an empty folder, a project's export of archives, a broken archive: each is told what it is."""
    with pytest.raises(MissingFileError, match="found nothing"):
        list(annotation.read(tmp_path / "absent", "inception"))
    with pytest.raises(InputError, match=r"expected a folder with \.xmi files, found none$"):
        list(annotation.read(tmp_path, "inception"))
    (tmp_path / "a.jsonl").write_text("{}", encoding="utf-8")
    with pytest.raises(InputError, match=r"a\.jsonl: expected an \.xmi file, a folder of them or"):
        list(annotation.read(tmp_path / "a.jsonl", "inception"))
    with zipfile.ZipFile(tmp_path / "project.zip", "w") as file:
        file.writestr("annotation/a1.txt/sara.zip", b"PK")
    with pytest.raises(InputError, match="it holds archives: unpack them"):
        list(annotation.read(tmp_path, "inception"))
    with pytest.raises(InputError, match="it holds archives: unpack it"):
        list(annotation.read(tmp_path / "project.zip", "inception"))
    with zipfile.ZipFile(tmp_path / "cut.zip", "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("sara.xmi", XMI)
        file.writestr("TypeSystem.xml", "<x/>")
    data = bytearray((tmp_path / "cut.zip").read_bytes())
    data[60:90] = bytes(30)
    (tmp_path / "cut.zip").write_bytes(data)
    with pytest.raises(InputError, match="found a damaged or locked one"):
        list(annotation.read(tmp_path / "cut.zip", "inception"))


def test_a_zip_bomb_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Archives are read up to a size, each file and all of them; it is checked before they are unpacked."""
    monkeypatch.setattr(xmi, "_LARGEST_FILE", 2**20)
    monkeypatch.setattr(xmi, "_LARGEST_ARCHIVE", 3 * 2**19)
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("TypeSystem.xml", " ")
        file.writestr("a.xmi", bytes(2**24))
    with pytest.raises(
        InputError, match=r"a\.xmi: expected at most 1,048,576 bytes of XML, found 16,777,216"
    ):
        list(annotation.read(tmp_path / "bomb.zip", "inception"))
    with zipfile.ZipFile(tmp_path / "many.zip", "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("TypeSystem.xml", " " * 2**20)
        file.writestr("a.xmi", " " * 2**20)
    with pytest.raises(InputError, match="expected at most 1,572,864 bytes unpacked"):
        list(annotation.read(tmp_path / "many.zip", "inception"))


def test_names_of_files(tmp_path: Path) -> None:
    """Documents get a file each, called as they are as far as file systems allow."""
    ids = ("a/b", "A_B", "..", None, "خبر", "x" * 300)
    annotation.write([Document(id=id, text="سرت") for id in ids], tmp_path / "xmi", "inception")
    names = sorted(path.stem for path in (tmp_path / "xmi").glob("*.xmi"))
    assert names == sorted(("a_b", "A_B-2", "document", "document-2", "خبر", "x" * 200))


def test_without_the_library(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Where dkpro-cassis is not installed, the pip line is named and nothing is written."""
    monkeypatch.setitem(sys.modules, "cassis", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'libyaevents\[inception\]'"):
        annotation.write([Document(text="سرت")], tmp_path / "xmi", "inception")
    assert list(tmp_path.iterdir()) == []
