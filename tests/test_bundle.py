"""Bundles: what is packed comes back whole, and whatever was done to it on the way is seen."""

import re
import shutil
import subprocess
import zipfile
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest

from libyaevents.bundle import verify_bundle, write_bundle
from libyaevents.cli import main
from libyaevents.errors import (
    CheckpointError,
    InputError,
    MissingFileError,
    ModelNotFoundError,
    OutputError,
)
from libyaevents.extractor import Extractor

NEEDED = ("hijridate", "libyaevents", "numpy", "onnxruntime", "rich", "tokenizers", "typer")


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of files that are named as the wheels of a plain installation."""
    folder = tmp_path_factory.mktemp("wheels")
    for name in NEEDED:
        (folder / f"{name}-1.0-py3-none-any.whl").write_bytes(name.encode())
    return folder


@pytest.fixture
def folder(tiny_model: Path, wheels: Path, tmp_path: Path) -> Path:
    """A bundle as a folder, to spoil."""
    write_bundle(tiny_model, tmp_path / "bundle", wheels=wheels)
    return tmp_path / "bundle"


@pytest.fixture
def archive(tiny_model: Path, wheels: Path, tmp_path: Path) -> Path:
    """A bundle as a zip file, to spoil."""
    write_bundle(tiny_model, tmp_path / "bundle.zip", wheels=wheels)
    return tmp_path / "bundle.zip"


def test_model_and_wheels_come_back(folder: Path, tiny_model: Path) -> None:
    """The bundle holds the model, which reads as before, the wheels, and how to use them."""
    text = "قصفت طائرات مسيرة مواقع شرقي مصراتة فجر الجمعة."
    before, after = (Extractor.from_pretrained(each).extract(text) for each in (tiny_model, folder / "model"))
    assert after == before
    assert {path.name.partition("-")[0] for path in folder.glob("wheels/*")} == {*NEEDED}
    assert "--no-index --find-links wheels" in (folder / "README.md").read_text(encoding="utf-8")


def test_folder_and_zip_are_the_same_bundle(folder: Path, archive: Path, tmp_path: Path) -> None:
    """Both have one fingerprint, which is the hash of the hashes, and unpacking one gives the other."""
    fingerprint = sha256((folder / "SHA256SUMS").read_bytes()).hexdigest()
    assert verify_bundle(folder) == verify_bundle(archive) == fingerprint
    with zipfile.ZipFile(archive) as opened:
        opened.extractall(tmp_path / "unpacked")
    assert verify_bundle(tmp_path / "unpacked", fingerprint=fingerprint.upper()) == fingerprint


def test_same_files_make_the_same_bytes(
    archive: Path, tiny_model: Path, wheels: Path, tmp_path: Path
) -> None:
    """Whoever packs the same model and wheels gets the same file."""
    write_bundle(tiny_model, tmp_path / "again.zip", wheels=wheels)
    assert (tmp_path / "again.zip").read_bytes() == archive.read_bytes()


@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="sha256sum is not on the path")
def test_hashes_are_those_of_sha256sum(folder: Path) -> None:
    """A machine without the package checks the bundle with the system's own tool."""
    subprocess.run(
        ["sha256sum", "--check", "--strict", "SHA256SUMS"], cwd=folder, check=True, capture_output=True
    )


def test_model_alone(tiny_model: Path, tmp_path: Path) -> None:
    """Without wheels the model goes alone, and the README asks for no installation."""
    write_bundle(tiny_model, tmp_path / "bundle")
    assert {path.name for path in (tmp_path / "bundle").iterdir()} == {"README.md", "SHA256SUMS", "model"}
    assert "pip" not in (tmp_path / "bundle" / "README.md").read_text(encoding="utf-8")


def change(folder: Path) -> None:
    """One byte of a file."""
    path = folder / "model" / "labels.json"
    path.write_bytes(path.read_bytes().replace(b"{", b"[", 1))


def change_with_its_hash(folder: Path) -> None:
    """A file, and its line among the hashes, as somebody would who means harm."""
    path, sums = folder / "model" / "labels.json", folder / "SHA256SUMS"
    before = sha256(path.read_bytes()).hexdigest()
    change(folder)
    after = sha256(path.read_bytes()).hexdigest()
    sums.write_text(sums.read_text(encoding="utf-8").replace(before, after), encoding="utf-8")


SPOIL: dict[str, tuple[Callable[[Path], object], str]] = {
    "changed": (change, "changed model/labels.json"),
    "missing": (
        lambda folder: (folder / "wheels" / "rich-1.0-py3-none-any.whl").unlink(),
        "missing wheels/rich",
    ),
    "added": (lambda folder: (folder / "wheels" / "evil-1.0-py3-none-any.whl").touch(), "added wheels/evil"),
    "no hashes": (lambda folder: (folder / "SHA256SUMS").unlink(), "holds no SHA256SUMS"),
    "malformed hashes": (lambda folder: (folder / "SHA256SUMS").write_text("x"), "SHA256SUMS is malformed"),
}


@pytest.mark.parametrize(("spoil", "message"), SPOIL.values(), ids=SPOIL)
def test_spoiled_folder(folder: Path, spoil: Callable[[Path], object], message: str) -> None:
    """What was changed, taken away or added is named."""
    spoil(folder)
    with pytest.raises(CheckpointError, match=message):
        verify_bundle(folder)


def test_link_is_refused(folder: Path) -> None:
    """A link may lead to something else tomorrow, whatever it leads to today."""
    path = folder / "model" / "labels.json"
    path.rename(folder.parent / "labels.json")
    path.symlink_to(folder.parent / "labels.json")
    with pytest.raises(CheckpointError, match=r"labels\.json is a link"):
        verify_bundle(folder)


def test_fingerprint_sees_exchanged_hashes(folder: Path) -> None:
    """A file exchanged with its hash passes by itself, and not against the fingerprint that was sent."""
    sent = verify_bundle(folder)
    change_with_its_hash(folder)
    assert verify_bundle(folder) != sent
    with pytest.raises(CheckpointError, match=f"expected {sent}, so it is not the bundle that was sent"):
        verify_bundle(folder, fingerprint=sent)


@pytest.mark.parametrize("name", ["../outside", "/etc/outside", "model\\..\\outside", "c:outside"])
def test_entry_outside_the_folder(archive: Path, name: str) -> None:
    """A zip file whose unpacking would write elsewhere is refused."""
    with zipfile.ZipFile(archive, "a") as opened:
        opened.writestr(name, "x")
    with pytest.raises(CheckpointError, match="twice or outside itself: do not unpack it"):
        verify_bundle(archive)


def test_entry_twice(archive: Path) -> None:
    """Of two entries with one name it is not known which one an unpacking program would take."""
    with zipfile.ZipFile(archive, "a") as opened, pytest.warns(UserWarning, match="Duplicate name"):
        opened.writestr("README.md", "x")
    with pytest.raises(CheckpointError, match=r"'README\.md' twice"):
        verify_bundle(archive)


def test_cut_and_damaged_zip(archive: Path) -> None:
    """A file that is no whole zip file, or whose bytes were damaged, is refused."""
    whole = archive.read_bytes()
    archive.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(CheckpointError, match=r"bundle\.zip is damaged"):
        verify_bundle(archive)
    middle = whole.index(b"hijridate", whole.index(b"wheels/hijridate") + 20)
    archive.write_bytes(whole[:middle] + b"HIJRIDATE" + whole[middle + 9 :])
    with pytest.raises(CheckpointError, match=r"damaged|not as it was packed"):
        verify_bundle(archive)


def test_nothing_there(tmp_path: Path) -> None:
    """A path with nothing behind it is said to be missing."""
    with pytest.raises(MissingFileError, match="expected a bundle"):
        verify_bundle(tmp_path / "none.zip")


def test_wheels_that_lack_something(wheels: Path, tiny_model: Path, tmp_path: Path) -> None:
    """Wheels without which the other machine could install nothing are named before anything is written."""
    few = tmp_path / "few"
    shutil.copytree(wheels, few, ignore=shutil.ignore_patterns("numpy*", "typer*"))
    with pytest.raises(InputError, match="found none of numpy, typer"):
        write_bundle(tiny_model, tmp_path / "bundle.zip", wheels=few)
    assert not (tmp_path / "bundle.zip").exists()


def test_model_that_cannot_be_read_is_not_packed(model_copy: Path, tmp_path: Path) -> None:
    """A broken model is refused here, and not on a machine where nobody can mend it."""
    (model_copy / "roles.onnx").unlink()
    with pytest.raises(CheckpointError, match=r"has no roles\.onnx"):
        write_bundle(model_copy, tmp_path / "bundle")
    with pytest.raises(ModelNotFoundError, match="no model 'absent'"):
        write_bundle("absent", tmp_path / "bundle")
    assert not (tmp_path / "bundle").exists()


@pytest.mark.parametrize("name", ["bundle", "bundle.zip"])
def test_nothing_is_overwritten(tiny_model: Path, tmp_path: Path, name: str) -> None:
    """What is there stays, and the error asks for a new name."""
    there = tmp_path / name
    (there if there.suffix else there / "mine").parent.mkdir(exist_ok=True)
    (there if there.suffix else there / "mine").write_text("mine", encoding="utf-8")
    with pytest.raises(OutputError, match="is there already"):
        write_bundle(tiny_model, there)


def test_no_place_to_write(tiny_model: Path, tmp_path: Path) -> None:
    """A target below a file cannot be written, and says so."""
    (tmp_path / "file").touch()
    for name in ("bundle", "bundle.zip"):
        with pytest.raises(OutputError, match="cannot write"):
            write_bundle(tiny_model, tmp_path / "file" / name)


def test_commands(tiny_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`models bundle` prints the fingerprint that `models verify` compares; errors are one line."""
    bundle = str(tmp_path / "bundle.zip")
    assert main(["models", "bundle", str(tiny_model), bundle]) == 0
    fingerprint = capsys.readouterr().out.strip()
    assert re.fullmatch("[0-9a-f]{64}", fingerprint)
    assert main(["models", "verify", bundle, "--fingerprint", fingerprint]) == 0
    assert capsys.readouterr().out.strip() == fingerprint
    assert main(["models", "verify", bundle, "--fingerprint", "0" * 64]) == 2
    out, error = capsys.readouterr()
    assert (out, error.count("\n")) == ("", 1)
    assert error.startswith("error: ")
