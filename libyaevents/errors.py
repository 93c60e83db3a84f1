"""The exceptions that the library raises, each also a builtin so that ordinary handlers catch it.

LibyaeventsError
├── InputError (ValueError)              text or a file from the caller cannot be read
│   └── MissingFileError (FileNotFoundError)
├── InputTypeError (TypeError)           something other than a str was given as text
├── DocumentError (ValueError)           a document breaks its invariants or its JSON is malformed
├── CorpusError (ValueError)             a file of documents is malformed; carries file and line
├── LabelError (ValueError)              a label that the ontology or the model does not know
├── ConfigError (ValueError)             a training configuration is wrong
├── ModelNotFoundError (LookupError)     no model of that name or folder
├── CheckpointError (ValueError)         a model folder is incomplete, wrong-shaped or unsafe
├── MissingExtraError (ImportError)      an optional dependency is absent; names its pip line
├── BatchError (RuntimeError)            the worker processes of a batch cannot be kept alive
├── BenchmarkError (RuntimeError)        what is compared disagrees, or a measured process ended
└── OutputError (OSError)                a result could not be written; nothing half-written is left
"""

__all__ = [
    "BatchError",
    "BenchmarkError",
    "CheckpointError",
    "ConfigError",
    "CorpusError",
    "DocumentError",
    "InputError",
    "InputTypeError",
    "LabelError",
    "LibyaeventsError",
    "MissingExtraError",
    "MissingFileError",
    "ModelNotFoundError",
    "OutputError",
]


class LibyaeventsError(Exception):
    """Root of every error that the library raises on purpose."""


class InputError(LibyaeventsError, ValueError):
    """Text or a file from the caller cannot be read."""


class MissingFileError(InputError, FileNotFoundError):
    """A file that the caller named does not exist."""


class InputTypeError(LibyaeventsError, TypeError):
    """Something other than a `str` was given as text."""


class DocumentError(LibyaeventsError, ValueError):
    """A document breaks its invariants, or its JSON is malformed."""


class CorpusError(LibyaeventsError, ValueError):
    """A file of documents is malformed; the message carries the file and the line."""


class LabelError(LibyaeventsError, ValueError):
    """A label that the ontology or the model does not know."""


class ConfigError(LibyaeventsError, ValueError):
    """A training configuration is wrong."""


class ModelNotFoundError(LibyaeventsError, LookupError):
    """No model has that name or lies in that folder."""


class CheckpointError(LibyaeventsError, ValueError):
    """A model folder is incomplete, wrong-shaped or unsafe to load."""


class MissingExtraError(LibyaeventsError, ImportError):
    """An optional dependency is absent; the message names the `pip install` line."""


class BatchError(LibyaeventsError, RuntimeError):
    """The worker processes of a batch cannot be kept alive."""


class BenchmarkError(LibyaeventsError, RuntimeError):
    """The two sides of a comparison disagree, or a measured process ended."""


class OutputError(LibyaeventsError, OSError):
    """A result could not be written; nothing half-written is left behind."""


def missing_train_extra(what: str) -> MissingExtraError:
    """The error that names the pip line of the extra `train`."""
    return MissingExtraError(f"{what} needs torch and transformers: pip install 'libyaevents[train]'")
