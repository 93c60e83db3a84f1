"""The built package: what is in it, and that its model is found by name wherever it is installed.

Nothing is downloaded: builds use the tools of the test environment, and installed copies borrow its packages.
"""

import os
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest
from build import ProjectBuilder

ROOT = Path(__file__).parents[1]
MOST_BYTES = 80_000_000

DATA = {
    "libyaevents/data/article.jsonl",
    "libyaevents/data/SOURCES-outlines.md",
    "libyaevents/data/SOURCES.md",
    "libyaevents/data/actors.README.md",
    "libyaevents/data/actors.csv",
    "libyaevents/data/cores.json",
    "libyaevents/data/libya_outline.json",
    "libyaevents/data/people.json",
    "libyaevents/data/picture.css",
    "libyaevents/data/places.tsv",
    "libyaevents/data/places_osm.tsv",
    "libyaevents/data/placewords.json",
    "libyaevents/data/time.json",
    "libyaevents/data/open/dev.jsonl",
    "libyaevents/data/open/test.jsonl",
    "libyaevents/data/open/train.jsonl",
    "libyaevents/data/ontology.json",
    "libyaevents/data/page.css",
    "libyaevents/data/recipes/pretrain/compact.toml",
    "libyaevents/data/recipes/train/camelbert.toml",
    "libyaevents/data/recipes/train/compact-base.toml",
    "libyaevents/data/recipes/train/compact.toml",
    "libyaevents/data/recipes/train/open.toml",
    "libyaevents/py.typed",
}
MODEL = {
    "README.md",
    "config.json",
    "encoder.int8.onnx",
    "labels.json",
    "model.safetensors",
    "ontology.json",
    "roles.onnx",
    "tokenizer.json",
    "training_report.json",
}
FIND_MODEL = "from libyaevents.catalog import model_folder; print(model_folder('compact'))"


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The source distribution of the checkout."""
    return Path(ProjectBuilder(ROOT).build("sdist", tmp_path_factory.mktemp("sdist")))


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of the checkout."""
    return Path(ProjectBuilder(ROOT).build("wheel", tmp_path_factory.mktemp("wheel")))


def names(wheel: Path) -> set[str]:
    """The files in a wheel."""
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def install(wheel: Path, folder: Path) -> Path:
    """Install a wheel alone into a fresh virtual environment that sees the other packages of this one."""
    venv.create(folder, with_pip=False, symlinks=True)
    python = folder / "bin" / "python"
    options = ["--no-deps", "--no-index", "--no-compile", "--quiet"]
    subprocess.run([sys.executable, "-m", "pip", "--python", python, "install", *options, wheel], check=True)
    (site_packages,) = folder.glob("lib/python*/site-packages")
    others = [path for path in sys.path if path.endswith("site-packages")]
    # Paths of .pth files come behind the environment's own packages, in the order of the files' names.
    (site_packages / "zz-others.pth").write_text("\n".join(others), encoding="utf-8")
    return python


def run(*command: str | Path, folder: Path) -> str:
    """What a command prints, run in a folder that is no checkout, without the variables of this process."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    done = subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def test_wheel_holds_data_model_and_license(wheel: Path) -> None:
    """The wheel holds the data files, the shipped model, the type marker and the license."""
    found = names(wheel)
    assert found >= DATA
    assert found >= {f"libyaevents/models/compact/{name}" for name in MODEL}
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in found)


def test_wheel_is_pure_python(wheel: Path) -> None:
    """The wheel fits every system, holds nothing but the package, and is at most 80 MB."""
    assert wheel.name.endswith("-py3-none-any.whl")
    assert {name.split("/")[0].split("-")[0] for name in names(wheel)} == {"libyaevents"}
    assert wheel.stat().st_size <= MOST_BYTES


def test_wheel_holds_every_module(wheel: Path) -> None:
    """No module of the checkout is missing from the wheel."""
    modules = {path.relative_to(ROOT).as_posix() for path in ROOT.glob("libyaevents/**/*.py")}
    assert {name for name in names(wheel) if name.endswith(".py")} == modules


def test_sdist_builds_the_same_wheel(sdist: Path, wheel: Path, tmp_path: Path) -> None:
    """A wheel built from the source distribution holds the same files as one built from the checkout."""
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path, filter="data")
    (source,) = tmp_path.iterdir()
    assert {path.name for path in source.iterdir()} >= {"tests", "docs", "notebooks", "README.md", "LICENSE"}
    rebuilt = Path(ProjectBuilder(source).build("wheel", tmp_path / "rebuilt"))
    assert names(rebuilt) == names(wheel)


def test_installed_wheel_extracts(wheel: Path, tmp_path: Path) -> None:
    """An installed wheel finds its model by name and reads its article with it."""
    python = install(wheel, tmp_path / "environment")
    folder = Path(run(python, "-c", FIND_MODEL, folder=tmp_path))
    assert folder.is_relative_to(tmp_path / "environment")
    assert "compact" in run(python.parent / "libyaevents", "models", folder=tmp_path)
    article = run(python.parent / "libyaevents", "extract", "--article", "--format", "jsonl", folder=tmp_path)
    assert article.startswith('{"format": "libyaevents/1"')


def test_editable_install_uses_the_checkout(tmp_path: Path) -> None:
    """An editable install runs the checkout's code and finds the checkout's model by name."""
    editable = Path(ProjectBuilder(ROOT).build("editable", tmp_path / "wheel"))
    python = install(editable, tmp_path / "environment")
    assert Path(run(python, "-c", FIND_MODEL, folder=tmp_path)) == ROOT / "models" / "compact"
