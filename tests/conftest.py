"""What tests share: the packaged article, and a tiny encoder and model made from it once a session."""

import logging
import os
import shutil
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import pytest

from libyaevents.documents import Document

# Read when torch and ONNX Runtime load: one thread for each test process, so that two share two cores well.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ["HF_HUB_OFFLINE"] = "1"


@pytest.fixture(autouse=True)
def _same_for_the_next() -> Iterator[None]:
    """Fail where a test leaves what the tests behind it in its process share: they run in any order."""

    def state() -> dict[str, object]:
        logger = logging.getLogger("libyaevents")
        return {
            "level": logger.level,
            "propagates": logger.propagate,
            "handlers": list(logger.handlers),
            "disabled": logging.root.manager.disable,
            "folder": Path.cwd(),
        }

    before = state()
    yield
    assert state() == before


@pytest.fixture(scope="session")
def article() -> Document:
    """The annotated article that comes with the package."""
    return Document.from_json((files("libyaevents") / "data" / "article.jsonl").read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def tiny_encoder(tmp_path_factory: pytest.TempPathFactory, article: Document) -> Path:
    """A pretrained encoder's folder: `BertForMaskedLM` with random weights, and its tokenizer.json."""
    from tests.tiny import write_encoder_folder

    folder = tmp_path_factory.mktemp("tiny") / "encoder"
    write_encoder_folder(folder, article)
    return folder


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory, article: Document) -> Path:
    """A complete model's folder, with random weights. Tests that change it make a copy."""
    from tests.tiny import write_model_folder

    folder = tmp_path_factory.mktemp("tiny") / "model"
    folder.mkdir()
    write_model_folder(folder, article)
    return folder


@pytest.fixture(scope="session")
def full_graphs(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> Path:
    """The folder of the tiny model's two float32 graphs, as `export` writes it."""
    from libyaevents.export import export

    return export(tiny_model, tmp_path_factory.mktemp("tiny") / "graphs")


@pytest.fixture
def model_copy(tmp_path: Path, tiny_model: Path) -> Path:
    """A copy of the tiny model, to spoil."""
    return Path(shutil.copytree(tiny_model, tmp_path / "copy"))
