"""The ontology and its file."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from libyaevents.errors import DocumentError, InputError, LabelError, MissingFileError
from libyaevents.ontology import EventType, Ontology, check_label, load_ontology

ONTOLOGY = load_ontology()
GUIDELINE = Path(__file__).parents[2] / "shared" / "ANNOTATION.md"

# The subtypes of ACE 2005 (LDC guidelines 5.4.3).
ACE = {
    "Life": "Be-Born Marry Divorce Injure Die",
    "Movement": "Transport",
    "Transaction": "Transfer-Ownership Transfer-Money",
    "Business": "Start-Org Merge-Org Declare-Bankruptcy End-Org",
    "Conflict": "Attack Demonstrate",
    "Contact": "Meet Phone-Write",
    "Personnel": "Start-Position End-Position Nominate Elect",
    "Justice": "Arrest-Jail Release-Parole Trial-Hearing Charge-Indict Sue Convict Sentence Fine Execute "
    "Extradite Acquit Appeal Pardon",
}
# The event types of PLOVER and the modes of those that have some (PLOVER manual).
PLOVER = {
    "AGREE": "",
    "CONSULT": "visit third-party multilateral phone",
    "SUPPORT": "",
    "CONCEDE": "",
    "COOPERATE": "",
    "AID": "economic military humanitarian asylum",
    "RETREAT": "withdraw release return disarm ceasefire access resign",
    "REQUEST": "assist change yield meet",
    "ACCUSE": "disapprove investigate allege",
    "REJECT": "assist change yield meet",
    "THREATEN": "restrict ban arrest relations expel territory violence",
    "PROTEST": "demo riot general strike hunger boycott obstruct",
    "SANCTION": "convict expel withdraw discontinue",
    "MOBILIZE": "troops weapons police militia",
    "COERCE": "confiscate restrict ban censor curfew martial-law arrest deport withhold",
    "ASSAULT": "abduct beat torture execute sexual assassinate destroy primitive firearms explosives "
    "suicide-attack heavy-weapons cleansing massacre unconventional sideAB",
}
# The sub-event types of ACLED (codebook of 2024).
ACLED = {
    "Government regains territory",
    "Non-state actor overtakes territory",
    "Armed clash",
    "Excessive force against protesters",
    "Protest with intervention",
    "Peaceful protest",
    "Violent demonstration",
    "Mob violence",
    "Chemical weapon",
    "Air/drone strike",
    "Suicide bomb",
    "Shelling/artillery/missile attack",
    "Remote explosive/landmine/IED",
    "Grenade",
    "Sexual violence",
    "Attack",
    "Abduction/forced disappearance",
    "Agreement",
    "Arrests",
    "Change to group/activity",
    "Disrupted weapons use",
    "Headquarters or base established",
    "Looting/property destruction",
    "Non-violent transfer of territory",
    "Other",
}


def event_type(name: str) -> EventType:
    """The packaged event type of that name."""
    return next(item for item in ONTOLOGY.event_types if item.name == name)


def test_counts() -> None:
    """There are 12 entity types, 26 event types, 11 roles and 3 factuality values."""
    labels = [ONTOLOGY.entity_labels, ONTOLOGY.event_labels, ONTOLOGY.role_labels, ONTOLOGY.factuality_labels]
    assert [len(names) for names in labels] == [12, 26, 11, 3]


@pytest.mark.skipif(not GUIDELINE.exists(), reason="the guideline lies beside the repository, not in it")
def test_guideline() -> None:
    """Labels, their order and the typical roles are the guideline's."""
    text = GUIDELINE.read_text(encoding="utf-8")
    entities, events = text.split("## 3. Events")
    assert tuple(re.findall(r"^\| ([A-Z_]+) \|", entities, re.MULTILINE)) == ONTOLOGY.entity_labels
    rows = re.findall(
        r"^\| (\w+) \|[^|]*\|[^|]*\| ([^|]*) \|$", events.replace("| type |", "| |"), re.MULTILINE
    )
    roles = {name: tuple(re.sub(r" \([^)]*\)", "", cell).split(", ")) for name, cell in rows}
    assert roles == {item.name: item.typical_roles for item in ONTOLOGY.event_types}
    assert tuple(roles) == ONTOLOGY.event_labels
    assert tuple(re.findall(r"`(actual|negated|possible)` \(", events)) == ONTOLOGY.factuality_labels


def test_roles_everywhere() -> None:
    """Source, Time, Place and Quantity are admitted with every event type."""
    assert {role.name for role in ONTOLOGY.roles if role.everywhere} == {
        "Source",
        "Time",
        "Place",
        "Quantity",
    }


@pytest.mark.parametrize("item", ONTOLOGY.event_types, ids=lambda item: item.name)
def test_described(item: EventType) -> None:
    """Every event type has a family, a definition and examples in Arabic script."""
    assert item.family
    assert item.definition.endswith(".")
    assert len(item.examples) >= 3
    assert all(re.fullmatch(r"[ء-ي ]+", example) for example in item.examples)


@pytest.mark.parametrize("item", ONTOLOGY.event_types, ids=lambda item: item.name)
def test_mappings_exist(item: EventType) -> None:
    """Every mapping is a code that its scheme has."""
    assert item.acled is None or item.acled in ACLED
    assert item.plover is None or item.plover in PLOVER
    assert item.plover_mode is None or item.plover_mode in PLOVER[item.plover or ""].split()
    if item.ace is not None:
        family, subtype = item.ace.split(":")
        assert subtype in ACE[family].split()


@pytest.mark.parametrize("item", ONTOLOGY.event_types, ids=lambda item: item.name)
def test_notes_name_codes(item: EventType) -> None:
    """Every ACE code and PLOVER type or mode that a note names is one that its scheme has."""
    note = item.note or ""
    for family, subtype in re.findall(r"([A-Z][a-z]+):([A-Z][a-z]+(?:-[A-Z][a-z]+)?)", note):
        assert subtype in ACE[family].split()
    types = set(re.findall(r"\b[A-Z]{3,}\b", note)) - {"ACE", "ACLED", "PLOVER", "DEMAND"}
    assert types <= PLOVER.keys()
    modes = {mode for listed in PLOVER.values() for mode in listed.split()}
    for listed in re.findall(r"modes? ([a-z-]+(?:, [a-z-]+)*)", note):
        assert set(listed.split(", ")) <= modes


@pytest.mark.parametrize(
    ("name", "ace", "plover", "acled"),
    [
        ("Clash", "Conflict:Attack", "ASSAULT", "Armed clash"),
        ("AirStrike", "Conflict:Attack", "ASSAULT", "Air/drone strike"),
        ("Kill", "Life:Die", "ASSAULT", None),
        ("Injure", "Life:Injure", "ASSAULT", None),
        ("Seize", None, "COERCE", None),
        ("Withdraw", "Movement:Transport", "RETREAT", "Change to group/activity"),
        ("Detain", "Justice:Arrest-Jail", "COERCE", "Arrests"),
        ("Release", "Justice:Release-Parole", "RETREAT", "Agreement"),
        ("Consult", "Contact:Meet", "CONSULT", None),
        ("Threaten", None, "THREATEN", None),
        ("Protest", "Conflict:Demonstrate", "PROTEST", "Peaceful protest"),
        ("Personnel", "Personnel:Elect", None, None),
    ],
)
def test_mapping(name: str, ace: str | None, plover: str | None, acled: str | None) -> None:
    """An event type maps to the code that most of its events would have."""
    item = event_type(name)
    assert (item.ace, item.plover, item.acled) == (ace, plover, acled)


def test_file_round_trip() -> None:
    """What `to_json` writes is the ontology that was read."""
    assert Ontology.from_json(ONTOLOGY.to_json()) == ONTOLOGY


def test_read_once() -> None:
    """The packaged ontology is read once."""
    assert load_ontology() is load_ontology()


def test_fingerprint() -> None:
    """The fingerprint changes with the labels and their order, not with their definitions."""
    reworded = tuple(replace(item, definition="…") for item in ONTOLOGY.event_types)
    assert replace(ONTOLOGY, event_types=reworded).fingerprint == ONTOLOGY.fingerprint
    assert replace(ONTOLOGY, event_types=reworded[::-1]).fingerprint != ONTOLOGY.fingerprint


def test_own_file(tmp_path: Path) -> None:
    """An ontology of one's own is read from its path, with or without a byte order mark."""
    path = tmp_path / "ontology.json"
    own = replace(ONTOLOGY, version="2.0", event_types=ONTOLOGY.event_types[:3])
    path.write_text(own.to_json(), encoding="utf-8-sig")
    assert load_ontology(path) == own


def test_unreadable_file(tmp_path: Path) -> None:
    """A missing file, a folder and a file in another encoding are told apart."""
    path = tmp_path / "ontology.json"
    with pytest.raises(MissingFileError, match=r"ontology\.json: expected an ontology file, found none"):
        load_ontology(path)
    with pytest.raises(InputError, match="expected an ontology file in UTF-8"):
        load_ontology(tmp_path)
    path.write_bytes("سرت".encode("windows-1256"))
    with pytest.raises(InputError, match="expected an ontology file in UTF-8"):
        load_ontology(path)


def test_malformed_file(tmp_path: Path) -> None:
    """An error in the file is told with its path in the file system and in the file."""
    path = tmp_path / "ontology.json"
    data = json.loads(ONTOLOGY.to_json())
    data["event_types"][2]["familly"] = "armed conflict"
    path.write_text(json.dumps(data), encoding="utf-8")
    with pytest.raises(
        DocumentError, match=r"ontology\.json: ontology: event_types\[2\]\.familly: .* 'family'"
    ):
        load_ontology(path)


def test_contradictions() -> None:
    """A name given twice and a typical role that is none are refused."""
    with pytest.raises(LabelError, match="expected every name once, found 'Clash' twice"):
        replace(ONTOLOGY, event_types=(*ONTOLOGY.event_types, event_type("Clash")))
    unknown = replace(event_type("Clash"), typical_roles=("Agnet",))
    with pytest.raises(
        LabelError, match="role of Clash: expected a known label, found 'Agnet'; did you mean 'Agent'"
    ):
        replace(ONTOLOGY, event_types=(unknown,))


def test_check_label() -> None:
    """An unknown label is refused with the closest known one and all of them."""
    check_label("سرت", ["سرت"], "here")
    with pytest.raises(
        LabelError, match=r"^here: expected a known label, found 'GEP'; did you mean 'GPE'\? known: GPE, LOC$"
    ):
        check_label("GEP", ["GPE", "LOC"], "here")
