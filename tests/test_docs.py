"""The documentation against the package: links, commands, keys, tables, and the examples, which are run."""

import re
import shlex
import tomllib
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import typer

import libyaevents
from libyaevents.cli import app
from libyaevents.ontology import load_ontology
from libyaevents.training.config import PretrainConfig, TrainConfig, read_config

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])
RECIPES = sorted(ROOT.glob("libyaevents/data/recipes/*/*.toml"))


def find_commands(command: Any, name: str = "") -> dict[str, Any]:
    """Commands by name, those of a group as `models bundle`; typer's type for a group is not public."""
    found = {} if not name else {name: command}
    for each, sub in getattr(command, "commands", {}).items():
        found |= find_commands(sub, f"{name} {each}".strip())
    return found


COMMANDS = find_commands(typer.main.get_command(app))

# The tables of ontology.md by heading: what they list, and the fields in their columns.
ONTOLOGY_TABLES = {
    "Entity types": ("entity_types", "name", "definition", "examples"),
    "Event types": ("event_types", "name", "family", "definition", "examples", "typical_roles"),
    "Roles": ("roles", "name", "definition", "examples", "everywhere"),
    "Factuality": ("factuality", "name", "definition", "examples"),
    "Codes in other schemes": ("event_types", "name", "ace", "plover", "plover_mode", "acled", "note"),
}

BLOCK = re.compile(r"^(<!-- not run: [^\n]+ -->\n)?```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
EXTERNAL = re.compile(r"https://(?:[\w-]+\.)+[a-z]{2,}(?:/[\w./%~+@#?=&-]*)?")  # looked at, not visited
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
NOT_IN_A_SLUG = re.compile(r"[^\w\- ]")

by_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


def read(path: Path) -> str:
    """The text of a file."""
    return path.read_text(encoding="utf-8")


def blocks(page: Path, language: str) -> list[str]:
    """The code blocks of a page in one language that are not marked as not to be run."""
    return [match[3] for match in BLOCK.finditer(read(page)) if match[2] == language and not match[1]]


def tables(page: Path) -> dict[str, list[list[str]]]:
    """The cells of a page's tables without their headers, by the heading that they stand under."""
    found: dict[str, list[list[str]]] = {}
    heading = ""
    for line in read(page).splitlines():
        if line.startswith("#"):
            heading = line.lstrip("# ")
        elif line.startswith("| "):
            found.setdefault(heading, []).append([cell.strip() for cell in line.strip("|").split(" | ")])
    return {heading: rows[2:] for heading, rows in found.items()}


def slugs(page: Path) -> set[str]:
    """What a page's headings are called in links."""
    prose = BLOCK.sub("", read(page))
    return {NOT_IN_A_SLUG.sub("", title.lower()).replace(" ", "-") for title in HEADING.findall(prose)}


@by_page
def test_links_resolve(page: Path) -> None:
    """A link leads to a file of the repository and a heading in it."""
    for link in LINK.findall(BLOCK.sub("", read(page))):
        if re.match(r"https?:", link):
            assert EXTERNAL.fullmatch(link), link
            continue
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        assert target.is_relative_to(ROOT), link
        assert target.exists(), link
        assert not anchor or anchor in slugs(target), link


def test_every_page_is_linked() -> None:
    """The index links every page of the docs."""
    links = set(LINK.findall(read(ROOT / "docs" / "index.md")))
    assert {page.name for page in ROOT.glob("docs/*.md")} - {"index.md"} <= links


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_commands_are_documented(name: str) -> None:
    """Every command, and each of its options, is mentioned."""
    text = "\n".join(map(read, PAGES))
    assert f"libyaevents {name}" in text
    keys = {field.name for field in fields(TrainConfig)}
    for parameter in COMMANDS[name].params:
        long = [option for option in parameter.opts if option.startswith("--")]
        is_key = name == "train" and parameter.name in keys
        assert is_key or not long or f"{long[0]}`" in text or f"{long[0]} " in text, long


@by_page
def test_command_lines_are_understood(page: Path) -> None:
    """A command line in the docs has a command that exists, with the arguments that it takes."""
    for block in blocks(page, "bash"):
        for part in re.split(r"&&|[|>\n]", block):
            program, *arguments = [*shlex.split(part, comments=True), ""]
            if program == "libyaevents":
                name = " ".join(arguments[:2]) if " ".join(arguments[:2]) in COMMANDS else arguments[0]
                rest = arguments[len(name.split()) : -1]
                COMMANDS[name].make_context(name, rest)


@pytest.mark.parametrize("name", libyaevents.__all__)
def test_public_names_are_documented(name: str) -> None:
    """Every public name stands on the page of the API, which is made from the docstrings."""
    page = read(ROOT / "docs" / "api.md")
    assert f"\n::: libyaevents.{name}\n" in page or f"`libyaevents.{name}`" in page


def test_readme_opens_with_two_commands() -> None:
    """The README's first two blocks install and run the package, and install and run its tests."""
    first, second, *_ = blocks(ROOT / "README.md", "bash")
    assert first == "pip install . && libyaevents extract --article\n"
    assert second == "pip install '.[test]' && pytest -n 2\n"


def test_every_configuration_key_is_documented() -> None:
    """The table of the configuration holds every key of `train` with its default."""
    documented = {
        key.strip("`"): None if default == "none" else tomllib.loads(f"value = {default.strip('`')}")["value"]
        for key, default, _ in tables(ROOT / "docs" / "training.md")["The configuration file"]
    }
    config = TrainConfig()
    assert documented == config.to_dict() | {"output": str(config.output)}


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: f"{recipe.parent.name}-{recipe.stem}")
def test_recipes_are_configurations(recipe: Path) -> None:
    """A recipe is a valid configuration, and training.md tells how to run it."""
    command = recipe.parent.name
    if command == "train":
        read_config(TrainConfig, recipe, {})
    else:
        read_config(PretrainConfig, recipe, {"text": "news.txt", "encoder": "folder"})
    assert f"libyaevents {command} {recipe.stem}" in read(ROOT / "docs" / "training.md")


def test_configuration_examples_are_valid(tmp_path: Path) -> None:
    """A TOML block in the docs is a configuration that can be read."""
    (example,) = blocks(ROOT / "docs" / "training.md", "toml")
    path = tmp_path / "example.toml"
    path.write_text(example, encoding="utf-8")
    assert read_config(TrainConfig, path, {}).epochs == 12


@by_page
def test_examples_run(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The Python blocks of a page run one after another in one namespace."""
    monkeypatch.chdir(tmp_path)
    namespace: dict[str, object] = {"__name__": "__main__"}
    for number, block in enumerate(blocks(page, "python"), start=1):
        exec(compile(block, f"{page.name}, block {number}", "exec"), namespace)


def test_ontology_page_equals_the_ontology() -> None:
    """The tables of ontology.md say what the ontology file says, in its order."""
    ontology = load_ontology()
    expected = {
        heading: [[cell(getattr(item, name)) for name in columns] for item in getattr(ontology, kind)]
        for heading, (kind, *columns) in ONTOLOGY_TABLES.items()
    }
    assert tables(ROOT / "docs" / "ontology.md") == expected


def cell(value: str | bool | tuple[str, ...] | None) -> str:
    """How a table shows a value of the ontology."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return " · ".join(value) if isinstance(value, tuple) else value or "–"


def test_ontology_version_is_stated() -> None:
    """The ontology page and the annotation guide name the version of the ontology, and its sources."""
    ontology = load_ontology()
    page = read(ROOT / "docs" / "ontology.md")
    assert f"version {ontology.version} of the ontology" in page
    assert f"Version {ontology.version}." in read(ROOT / "docs" / "annotation-guide.md")
    for name, source in ontology.sources.items():
        assert f"- {name}: {source}" in page


def test_layers_equal_the_contract() -> None:
    """The table of layers is the contract that import-linter checks, from the lowest row up."""
    settings = tomllib.loads(read(ROOT / "pyproject.toml"))["tool"]["importlinter"]
    (contract,) = (item for item in settings["contracts"] if item["type"] == "layers")
    expected = [set(row.split(" | ")) for row in reversed(contract["layers"])]
    rows = tables(ROOT / "docs" / "architecture.md")["Layers"]
    assert [int(number) for number, _, _ in rows] == list(range(len(expected)))
    assert [set(re.findall(r"`(\w+)`", modules)) for _, modules, _ in rows] == expected
