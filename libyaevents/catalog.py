"""The models and encoders at hand: those that ship with the package, by name, and any folder, by its path."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from libyaevents.errors import ModelNotFoundError

__all__ = ["CARD", "CONFIG", "DEFAULT_MODEL", "ModelSummary", "find_encoder", "list_models", "model_folder"]

DEFAULT_MODEL = "compact"
CONFIG, CARD = "config.json", "README.md"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSummary:
    """A model at hand: its name, its folder, and the key lines of its card by their heading."""

    name: str
    path: Path
    key_lines: Mapping[str, str]


def model_folder(name_or_path: str | Path) -> Path:
    """Find a model: a folder by its path, or a shipped model by its name.

    Raises:
        ModelNotFoundError: neither; the message lists the models there are.
    """
    name = str(name_or_path)
    installed = _installed()
    # As text: Path("compact") is a folder, "compact" the shipped model.
    if isinstance(name_or_path, str) and name in installed:
        return installed[name]
    with suppress(OSError):  # the name is too long for a path, or leads where nobody may look
        if (Path(name) / CONFIG).is_file():
            return Path(name)
        if (Path(name) / "model" / CONFIG).is_file():
            raise ModelNotFoundError(
                f"{name} is the folder of a training run: expected its model, {Path(name) / 'model'}"
            )
    found = ", ".join(sorted(installed)) or "none"
    raise ModelNotFoundError(
        f"no model {name!r}: expected the name of an installed model ({found}) or a folder with a {CONFIG}"
    )


def find_encoder(name_or_path: str) -> str:
    """Return the folder of the pretrained encoder that ships under this name, else what was given."""
    folder = _installed("encoders").get(name_or_path)
    return name_or_path if folder is None else str(folder)


def list_models() -> list[ModelSummary]:
    """Every model installed with the package, by name."""
    return [
        ModelSummary(name=name, path=folder, key_lines=_key_lines(folder))
        for name, folder in sorted(_installed().items())
    ]


def _homes(kind: str) -> list[Path]:
    """Where shipped models or encoders lie: in the package, else beside it in a checkout."""
    package = Path(__file__).parent
    checkout = package.parent
    homes = [package / kind]
    if (checkout / "pyproject.toml").is_file():
        homes.append(checkout / kind)
    return homes


def _installed(kind: str = "models") -> dict[str, Path]:
    """The folders of what ships, by name; what begins with a dot is being written."""
    found = [path.parent for home in reversed(_homes(kind)) for path in home.glob(f"*/{CONFIG}")]
    return {folder.name: folder for folder in found if not folder.name.startswith(".")}


def _key_lines(folder: Path) -> dict[str, str]:
    """The lines `- **Key**: value` of the card."""
    if not (folder / CARD).is_file():
        return {}
    lines = (folder / CARD).read_text(encoding="utf-8").splitlines()
    pairs = (line.removeprefix("- **").partition("**: ") for line in lines if line.startswith("- **"))
    return {key: value for key, colon, value in pairs if colon}
