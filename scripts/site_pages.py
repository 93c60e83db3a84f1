"""Hooks of the documentation site: the pages that are not in docs/, and the links to them.

A link of a page that leads out of docs/ (README, CHANGELOG, model cards, notebooks) brings its file into the
site, under repository/, with the links of that file in turn. `commands.md` is made from the command itself.
"""

import posixpath
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import typer
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from libyaevents.cli import app

ROOT = Path(__file__).parents[1]
LINK = re.compile(r"(\]\()(?!https?:|#)([^)#\s]+)")
DOCS, OUTSIDE = "docs", "repository"
START = ("corpora/README.md", "encoders/compact/README.md", "models/compact/README.md")  # of the navigation


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the files outside docs/ that pages link to, and the page of the commands."""
    todo = [*START, *(f"{DOCS}/{file.src_uri}" for file in files.documentation_pages())]
    seen = set(todo)
    while todo:
        path = todo.pop()
        if not path.startswith(f"{DOCS}/"):
            source = ROOT / path
            is_page = source.suffix == ".md"
            content = source.read_text(encoding="utf-8") if is_page else source.read_bytes()
            files.append(File.generated(config, f"{OUTSIDE}/{path}", content=content))
        if path.endswith(".md"):
            found = [target for target in _targets(path) if target not in seen]
            seen.update(found)
            todo += [target for target in found if not target.startswith(f"{DOCS}/")]
    files.append(File.generated(config, "commands.md", content=_commands()))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Point the links of a page to where their files are in the site."""
    uri = page.file.src_uri
    path = uri.removeprefix(f"{OUTSIDE}/") if uri.startswith(f"{OUTSIDE}/") else f"{DOCS}/{uri}"

    def point(match: re.Match[str]) -> str:
        target = _resolve(path, match[2])
        inside = target.removeprefix(f"{DOCS}/") if target.startswith(f"{DOCS}/") else f"{OUTSIDE}/{target}"
        return match[1] + posixpath.relpath(inside, posixpath.dirname(uri) or ".")

    return LINK.sub(point, markdown)


def _targets(path: str) -> Iterator[str]:
    """The files that a file of the repository links to."""
    for match in LINK.finditer((ROOT / path).read_text(encoding="utf-8")):
        yield _resolve(path, match[2])


def _resolve(path: str, link: str) -> str:
    return posixpath.normpath(posixpath.join(posixpath.dirname(path), link))


def _commands() -> str:
    """The page of the commands: what each does, takes and knows."""
    pages = ["# Commands", "Written from the command itself; `libyaevents COMMAND --help` says the same."]
    for name, command in _walk("libyaevents", typer.main.get_command(app)):
        pages += [f"## {name}", (command.help or "").replace("\b", ""), *_table(command)]
        if command.epilog:
            pages.append(f"`{command.epilog.removeprefix('Example: ')}`")
    return "\n\n".join(pages) + "\n"


def _walk(name: str, command: Any) -> Iterator[tuple[str, Any]]:
    yield name, command
    for each, sub in sorted(getattr(command, "commands", {}).items()):
        yield from _walk(f"{name} {each}", sub)


def _table(command: Any) -> list[str]:
    rows = ["| argument or option | what |\n| --- | --- |"]
    for parameter in command.params:
        is_argument = parameter.param_type_name == "argument"
        names = [parameter.metavar or parameter.name.upper()] if is_argument else _names(parameter)
        help_text = " ".join(_says(parameter)).replace("|", "\\|")
        rows.append("| " + " ".join(f"`{each}`" for each in names).replace("|", "\\|") + f" | {help_text} |")
    return ["\n".join(rows)] if len(rows) > 1 else []


def _names(parameter: Any) -> list[str]:
    return [*parameter.opts, *parameter.secondary_opts]


def _says(parameter: Any) -> Iterator[str]:
    """What `--help` says of a parameter: its help, the values there are, and its default."""
    yield getattr(parameter, "help", None) or ""
    annotation = parameter.type_descriptor.annotation
    if values := [
        value
        for each in (annotation, *get_args(annotation))
        if get_origin(each) is Literal
        for value in get_args(each)
    ]:
        yield f"One of {', '.join(f'`{value}`' for value in values)}."
    if parameter.required:
        yield "Required."
    elif isinstance(parameter.default, bool):
        if parameter.secondary_opts:
            yield f"Default: `{_names(parameter)[0 if parameter.default else 1]}`."
    elif parameter.default not in (None, ()):
        yield f"Default: `{parameter.default}`."
