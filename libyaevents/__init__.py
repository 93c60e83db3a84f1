"""Typed events from Arabic news: who did what to whom, where, when, and who says so.

Every name is loaded when it is first used: importing the package costs nothing, and reading articles loads
neither torch nor transformers, which only `train` needs.

    document = libyaevents.extract("قصفت طائرات مسيرة مواقع شرقي مصراتة فجر الجمعة.")
    for event in document.events:
        print(event.type, event.trigger.text, event.factuality)
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from libyaevents.datasets import load_corpus
    from libyaevents.documents import (
        Actor,
        Argument,
        Casualties,
        Claim,
        Document,
        Entity,
        Event,
        Incident,
        Place,
        Timex,
        Trigger,
    )
    from libyaevents.enrich.merge import merge
    from libyaevents.errors import (
        BatchError,
        BenchmarkError,
        CheckpointError,
        ConfigError,
        CorpusError,
        DocumentError,
        InputError,
        InputTypeError,
        LabelError,
        LibyaeventsError,
        MissingExtraError,
        MissingFileError,
        ModelNotFoundError,
        OutputError,
    )
    from libyaevents.evaluation import Evaluation, evaluate
    from libyaevents.extractor import Extractor, extract
    from libyaevents.formats.frames import to_frames
    from libyaevents.formats.jsonl import read_documents, write_documents
    from libyaevents.training.config import TrainConfig
    from libyaevents.training.train import train

    __version__: str

__all__ = [
    "Actor",
    "Argument",
    "BatchError",
    "BenchmarkError",
    "Casualties",
    "CheckpointError",
    "Claim",
    "ConfigError",
    "CorpusError",
    "Document",
    "DocumentError",
    "Entity",
    "Evaluation",
    "Event",
    "Extractor",
    "Incident",
    "InputError",
    "InputTypeError",
    "LabelError",
    "LibyaeventsError",
    "MissingExtraError",
    "MissingFileError",
    "ModelNotFoundError",
    "OutputError",
    "Place",
    "Timex",
    "TrainConfig",
    "Trigger",
    "__version__",
    "evaluate",
    "extract",
    "load_corpus",
    "merge",
    "read_documents",
    "to_frames",
    "train",
    "write_documents",
]

# What is defined neither in `documents` nor in `errors`, whose names are told apart by their ending.
_HOMES = {
    "Evaluation": "evaluation",
    "Extractor": "extractor",
    "TrainConfig": "training.config",
    "evaluate": "evaluation",
    "extract": "extractor",
    "load_corpus": "datasets",
    "merge": "enrich.merge",
    "read_documents": "formats.jsonl",
    "to_frames": "formats.frames",
    "train": "training.train",
    "write_documents": "formats.jsonl",
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name == "__version__":
        from importlib.metadata import version

        return version("libyaevents")
    home = _HOMES.get(name, "errors" if name.endswith("Error") else "documents")
    try:
        module = import_module(f"{__name__}.{home}")
    except ModuleNotFoundError as error:
        if name != "train":
            raise
        from libyaevents.errors import missing_train_extra

        raise missing_train_extra(f"libyaevents.{name}") from error
    return getattr(module, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
