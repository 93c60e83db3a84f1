"""The layers of the design: kept by the package, and broken by a copy of it that imports the wrong way."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
RUN = "from importlinter.cli import lint_imports_command; lint_imports_command()"


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    """What import-linter says of the package in a folder, by the contract in its pyproject.toml."""
    command = [sys.executable, "-c", RUN, "--no-cache", "--no-logo"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, encoding="utf-8")


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the package's code and contract, to break."""
    ignored = shutil.ignore_patterns("__pycache__", "data", "models")
    shutil.copytree(ROOT / "libyaevents", tmp_path / "libyaevents", ignore=ignored)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_layers_are_kept() -> None:
    """Every module imports only from the rows below its own."""
    result = lint(ROOT)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "1 kept, 0 broken" in result.stdout


def test_copy_is_checked_itself(copy: Path) -> None:
    """An unbroken copy passes: what fails below fails for what was broken."""
    assert lint(copy).returncode == 0


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("errors.py", "import libyaevents.cli"),
        ("words.py", "from libyaevents.tags import iob2_tags"),
        ("extractor.py", "def train() -> None:\n    import libyaevents.training.train"),
        ("windows.py", "from libyaevents import Extractor"),
    ],
    ids=["upward", "sideways", "inside a function", "through the package's own face"],
)
def test_wrong_import_breaks_the_contract(copy: Path, module: str, line: str) -> None:
    """An import from a higher row or the same one is found, wherever it stands."""
    with (copy / "libyaevents" / module).open("a", encoding="utf-8") as stream:
        stream.write(f"\n{line}\n")
    result = lint(copy)
    assert result.returncode == 1
    assert "0 kept, 1 broken" in result.stdout
    assert f"libyaevents.{module.removesuffix('.py')}" in result.stdout


def test_module_without_a_layer_breaks_the_contract(copy: Path) -> None:
    """A new module has to be given its row."""
    (copy / "libyaevents" / "stray.py").write_text('"""No row."""\n', encoding="utf-8")
    result = lint(copy)
    assert result.returncode == 1
    assert "stray" in result.stdout
