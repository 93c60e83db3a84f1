"""The public face of the package: what it exports, what importing it loads, what `extract` accepts."""

import importlib
import inspect
import json
import pickle
import subprocess
import sys
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

import libyaevents
from libyaevents import errors
from libyaevents.documents import Document
from libyaevents.extractor import Extractor

FUNCTIONS = {
    *("evaluate", "extract", "load_corpus", "merge", "read_documents", "to_frames", "train"),
    "write_documents",
}
HEAVY = (
    *("cassis", "datasets", "lxml", "numpy", "onnxruntime", "pandas", "seqeval", "spacy"),
    *("tokenizers", "torch", "transformers"),
)
SENTENCE = "قصفت طائرات مسيرة مواقع شرقي مصراتة فجر الجمعة."

# Calls that show none of the heavy modules, and those that they may load.
LAZY_CALLS = {
    "": (),
    "libyaevents.__version__; dir(libyaevents); libyaevents.LibyaeventsError": (),
    "libyaevents.Document(text='x'); libyaevents.write_documents; libyaevents.to_frames": (),
    "libyaevents.Extractor.from_pretrained(model).extract('قصف الطيران سرت.')": (
        "numpy",
        "onnxruntime",
        "tokenizers",
    ),
}


@pytest.fixture
def extractor(tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> Extractor:
    """A tiny model in the place of the shipped one."""
    extractor = Extractor.from_pretrained(tiny_model)
    monkeypatch.setattr("libyaevents.extractor.default_extractor", lambda *, enrich: extractor)
    return extractor


@pytest.mark.parametrize("name", sorted({*libyaevents.__all__} - {"__version__"}))
def test_exported_names_are_documented(name: str) -> None:
    """Every exported name exists and has a docstring of its own."""
    exported = getattr(libyaevents, name)
    assert exported.__doc__
    assert not exported.__doc__.startswith(f"{name}("), "a dataclass without a docstring gets its signature"
    assert exported.__name__ == name
    assert inspect.isfunction(exported) if name in FUNCTIONS else inspect.isclass(exported)


def test_exports_are_the_names_of_their_modules() -> None:
    """An exported name is the object of its own module, also when a submodule is called like it."""
    from libyaevents.evaluation import evaluate
    from libyaevents.extractor import extract
    from libyaevents.training.train import train

    assert (libyaevents.evaluate, libyaevents.extract, libyaevents.train) == (evaluate, extract, train)
    assert libyaevents.Document is Document


def test_every_error_is_exported() -> None:
    """The errors of the package can be caught by their public names."""
    assert set(errors.__all__) <= set(libyaevents.__all__)


def test_all_is_sorted_and_in_dir() -> None:
    """`dir` lists what is exported, and nothing twice."""
    assert libyaevents.__all__ == sorted(set(libyaevents.__all__))
    assert set(libyaevents.__all__) <= set(dir(libyaevents))


def test_version_is_that_of_the_distribution() -> None:
    """The version has one source, the installed metadata."""
    assert libyaevents.__version__ == version("libyaevents")


def test_unknown_name_is_an_attribute_error() -> None:
    """A name that is not exported is refused as by any module."""
    with pytest.raises(AttributeError, match="module 'libyaevents' has no attribute 'extrakt'"):
        _ = getattr(libyaevents, "extrakt")  # noqa: B009  # mypy knows that there is no such name
    with pytest.raises(ImportError, match="extrakt"):
        exec("from libyaevents import extrakt")


def test_submodules_are_imported_as_ever() -> None:
    """Lazy names leave submodules alone, whose own names stay theirs."""
    module = importlib.import_module("libyaevents.training.train")
    assert module.__name__ == "libyaevents.training.train"


@pytest.mark.parametrize(
    ("call", "allowed"), LAZY_CALLS.items(), ids=["import", "face", "documents", "extract"]
)
def test_what_is_not_used_is_not_loaded(call: str, allowed: tuple[str, ...], tiny_model: Path) -> None:
    """Importing the package loads nothing heavy; reading an article loads the engine, and no torch."""
    code = f"import sys, libyaevents; model = sys.argv[1]; {call}\nprint(*sorted(sys.modules))"
    command = [sys.executable, "-c", code, str(tiny_model)]
    result = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=True)
    assert set(HEAVY) & set(result.stdout.split()) <= set(allowed)


def test_import_loads_no_module_of_the_package() -> None:
    """`import libyaevents` reads one file: whoever only wants `--version` waits for nothing else."""
    code = (
        "import json, sys; before = set(sys.modules); import libyaevents; print(json.dumps([*sys.modules]))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert [name for name in json.loads(result.stdout) if name.startswith("libyaevents.")] == []


def test_training_without_torch_names_the_pip_line() -> None:
    """Where torch is absent, `libyaevents.train` says how to get it; the rest of the face is not affected."""
    code = (
        "import sys; sys.modules['torch'] = None; import libyaevents; libyaevents.evaluate\n"
        "try: libyaevents.train\n"
        "except libyaevents.MissingExtraError as error: print(error)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "libyaevents.train needs torch" in result.stdout
    assert "pip install 'libyaevents[train]'" in result.stdout


@pytest.mark.usefixtures("extractor")
def test_extract_reads_with_the_shipped_model() -> None:
    """The function `extract` is one call of the shipped model, with the facts kept."""
    document = libyaevents.extract(SENTENCE, published="2020-06-06", id="a1", source="وكالة", title="قصف")
    assert (document.text, document.id, document.source, document.title) == (SENTENCE, "a1", "وكالة", "قصف")
    assert document.published == date(2020, 6, 6)
    assert document.metadata["coverage"] == "1.0"


@pytest.mark.usefixtures("extractor")
@pytest.mark.parametrize(
    ("text", "error", "builtin", "message"),
    [
        (None, libyaevents.InputTypeError, TypeError, "found NoneType"),
        (SENTENCE.encode(), libyaevents.InputTypeError, TypeError, "found bytes: decode bytes first"),
        (Path("article.txt"), libyaevents.InputTypeError, TypeError, "found PosixPath|found WindowsPath"),
        ("قصف \ud800 سرت", libyaevents.DocumentError, ValueError, r"lone surrogate U\+D800 at offset 4"),
    ],
    ids=["None", "bytes", "a path", "a lone surrogate"],
)
def test_extract_refuses_what_is_no_text(
    text: Any, error: type[Exception], builtin: type[Exception], message: str
) -> None:
    """What is no text is refused by an error that is the library's and the builtin that one expects."""
    with pytest.raises(error, match=message) as raised:
        libyaevents.extract(text)
    assert isinstance(raised.value, builtin)
    assert isinstance(raised.value, libyaevents.LibyaeventsError)


@pytest.mark.usefixtures("extractor")
def test_extract_refuses_what_is_no_date() -> None:
    """A day of publication that cannot be read is named, with one that can."""
    with pytest.raises(libyaevents.InputError, match="'6/6/2020': expected an ISO date such as 2020-06-06"):
        libyaevents.extract(SENTENCE, published="6/6/2020")


def test_documents_survive_pickling() -> None:
    """Documents pass between processes although their names are loaded lazily."""
    document = libyaevents.Document(text=SENTENCE)
    assert pickle.loads(pickle.dumps(document)) == document
