"""Why instances are gone that have crashed, for those who ask for them afterwards."""

from __future__ import annotations

from .loaded_instance import Instance

REMEMBERED = 50


class CrashedInstances:
    """The last crashes, by the names of the instances."""

    def __init__(self) -> None:
        self._reasons: dict[str, str] = {}

    def note(self, instance: Instance) -> None:
        """Remember how an instance's worker ended."""
        for name in (instance.identifier, instance.reference):
            self._reasons.pop(name, None)
            self._reasons[name] = instance.engine.worker.failure
        while len(self._reasons) > 2 * REMEMBERED:
            del self._reasons[next(iter(self._reasons))]

    def forget(self, name: str) -> None:
        """Forget the crash of this name: a new instance has it."""
        self._reasons.pop(name, None)

    def reason(self, name: object) -> str | None:
        """Return why the instance of an identifier or reference is gone, None if it did not crash.

        Args:
            name: what a client said; anything that is no text names nothing.
        """
        return self._reasons.get(name) if isinstance(name, str) else None
