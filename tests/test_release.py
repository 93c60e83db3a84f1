"""What a release states of itself: citation, licences, and the script that makes it."""

import re
import shutil
import subprocess
import tomllib
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml  # type: ignore[import-untyped]  # it publishes no types

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

# What of the Citation File Format 1.2.0 the file uses; the release script validates against all of it.
CITATION = {
    "type": "object",
    "required": ["cff-version", "message", "title", "authors", "version", "license"],
    "additionalProperties": False,
    "properties": {
        "cff-version": {"const": "1.2.0"},
        "message": {"type": "string", "minLength": 1},
        "type": {"const": "software"},
        "title": {"type": "string", "minLength": 1},
        "abstract": {"type": "string", "minLength": 1},
        "authors": {
            "type": "array",
            "minItems": 1,
            "uniqueItems": True,
            "items": {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}},
        },
        "version": {"type": "string"},
        "license": {"type": "array", "minItems": 1, "uniqueItems": True, "items": {"type": "string"}},
        "keywords": {"type": "array", "minItems": 1, "uniqueItems": True, "items": {"type": "string"}},
    },
}
# What is data: it came from somewhere, or was written, under terms of its own.
DATA = (
    "libyaevents/data/**/*",
    "libyaevents/server/static/vendor/*",
    "models/*/*",
    "encoders/*/*",
    "tests/gold/*",
)


@pytest.fixture(scope="module")
def citation() -> dict[str, Any]:
    """What CITATION.cff says."""
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    return loaded


@pytest.fixture(scope="module")
def page() -> str:
    """The page of licences."""
    return (ROOT / "docs" / "licences.md").read_text(encoding="utf-8")


def test_citation_is_valid(citation: dict[str, Any]) -> None:
    """The citation follows the Citation File Format."""
    jsonschema.validate(citation, CITATION)


def test_citation_agrees_with_the_package(citation: dict[str, Any]) -> None:
    """Citation, package and README name one title, one version, and the same licences."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert citation["version"] == PROJECT["version"]
    named = [name for name in PROJECT["license"].split(" AND ") if not name.startswith("LicenseRef-")]
    assert sorted(citation["license"]) == sorted(named)
    assert f"title   = {{{citation['title']}}}" in readme
    assert f"version = {{{citation['version']}}}" in readme
    assert [author["name"] for author in citation["authors"]] == [each["name"] for each in PROJECT["authors"]]


def test_licences_name_every_dependency(page: str) -> None:
    """Each dependency of the package and of its extras has a row, each with a licence."""
    rows = dict(re.findall(r"^\| ([\w-]+) \|.* ([^|]+) \|$", page, re.MULTILINE))
    groups = [PROJECT["dependencies"], *PROJECT["optional-dependencies"].values()]
    names = {re.split(r"[^\w-]", line, maxsplit=1)[0] for group in groups for line in group}
    assert names - {"libyaevents"} <= rows.keys()
    assert all(rows.values())


def test_licences_name_every_data_file(page: str) -> None:
    """Each data file has a row, and each row has a file."""
    first_cells = re.findall(r"^\| (`[^|]+`) \|", page, re.MULTILINE)
    patterns = {pattern for cell in first_cells for pattern in re.findall(r"`([^`]+)`", cell)}
    paths = {path.relative_to(ROOT).as_posix() for glob in DATA for path in ROOT.glob(glob) if path.is_file()}
    paths |= {path.relative_to(ROOT).as_posix() for path in ROOT.glob("corpora/*")}
    paths = {path for path in paths if "__pycache__" not in path}
    unnamed = {path for path in paths if not any(fnmatch(path, pattern) for pattern in patterns)}
    assert unnamed == set()
    stale = {pattern for pattern in patterns if not any(fnmatch(path, pattern) for path in paths)}
    assert stale <= ({"corpora/*"} if not (ROOT / "corpora").exists() else set())


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not on the path")
def test_release_script_is_bash() -> None:
    """The script that makes a release can be parsed, and everything it runs from the checkout is there."""
    script = ROOT / "scripts" / "release.sh"
    subprocess.run(["bash", "-n", script], check=True)
    assert script.stat().st_mode & 0o111
