"""Which model reads, and which others could: the shipped ones, and the one that was retrained here."""

import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from libyaevents.catalog import CONFIG, list_models, model_folder
from libyaevents.errors import CheckpointError, ModelNotFoundError
from libyaevents.extractor import Extractor
from libyaevents.records import quote, suggest
from libyaevents.server.reader import Reader

__all__ = ["RETRAINED", "Models"]

RETRAINED = "retrained"

logger = logging.getLogger(__name__)


class Models:
    """The model of a `Reader`, by its name and folder; any thread may call it."""

    def __init__(
        self, reader: Reader, name: str, *, retrained: Callable[[], Path | None], memory: Path
    ) -> None:
        """Take the reader, the name that its model was loaded by, and what finds the newest retrained one.

        `memory` is the file that keeps the name of the last choice over a restart.
        """
        self._reader, self._first, self._retrained, self._memory = reader, name, retrained, memory
        self._lock = threading.Lock()
        self._in_use = name, model_folder(name).absolute()

    @property
    def folder(self) -> Path:
        """The folder of the model that reads, which may have vanished since it was loaded."""
        return self._in_use[1]

    def names(self) -> list[str]:
        """Names that `use` takes."""
        return list(self._folders())

    def current(self) -> dict[str, Any]:
        """The name and folder of the model that reads, and whether the folder is still there."""
        name, folder = self._in_use
        if name == RETRAINED and folder != self._folders().get(RETRAINED):
            name = f"{RETRAINED} {folder.parent.name}"  # there is a newer one to go on to
        return {"name": name, "folder": str(folder), "is_there": (folder / CONFIG).is_file()}

    def use(self, name: str) -> None:
        """Read with another model from now on; where it cannot be loaded, the old one goes on.

        Raises:
            ModelNotFoundError: it is none of `names`, or its folder has vanished.
            CheckpointError: its folder is damaged.
        """
        folders = self._folders()
        if name not in folders:
            raise ModelNotFoundError(
                f"model: expected a known model, found {quote(name)}; {suggest(name, folders)}"
            )
        folder = folders[name]
        if not (folder / CONFIG).is_file():
            raise ModelNotFoundError(
                f"model {name}: expected its folder {folder}, found no model in it; put it back, "
                "or use another"
            )
        with self._lock:  # two at once would leave the name of one with the model of the other
            self._reader.swap(Extractor.from_pretrained(folder))
            self._in_use = name, folder
        try:
            self._memory.write_text(name, encoding="utf-8")
        except OSError as error:
            logger.warning("%s: the choice of %s is not kept over a restart: %s", self._memory, name, error)

    def use_last(self) -> None:
        """Go on with the model that was chosen last; where it is gone or damaged, the first one stays."""
        try:
            name = self._memory.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):  # nothing was chosen
            return
        try:
            self.use(name)
        except (ModelNotFoundError, CheckpointError) as error:
            logger.warning("%s; reading with %s", error, self._first)

    def _folders(self) -> dict[str, Path]:
        """The models that there are, by name: shipped ones, the first one, the retrained one."""
        folders = {model.name: model.path for model in list_models()}
        if self._first not in folders:
            folders[self._first] = Path(self._first).absolute()
        if (retrained := self._retrained()) is not None:
            folders[RETRAINED] = retrained.absolute()
        return folders
