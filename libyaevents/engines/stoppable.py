"""An engine that can be stopped from another thread: a long article takes many calls."""

from threading import Event

from libyaevents.engines import Encoded, Engine, RoleLogits, TriggerBatch
from libyaevents.windows import WindowBatch

__all__ = ["Stoppable"]


class Stoppable:
    """An engine whose calls fail by `error` once `stopped` is set, so that a thread in them ends."""

    def __init__(self, engine: Engine, stopped: Event, error: type[Exception]) -> None:
        self._engine, self._stopped, self._error = engine, stopped, error

    def encode(self, batch: WindowBatch) -> Encoded:
        """Read windows: see `Encoded`."""
        self._check()
        return self._engine.encode(batch)

    def roles(self, batch: TriggerBatch) -> RoleLogits:
        """Read the sentences of triggers: see `RoleLogits`."""
        self._check()
        return self._engine.roles(batch)

    def _check(self) -> None:
        if self._stopped.is_set():
            raise self._error
