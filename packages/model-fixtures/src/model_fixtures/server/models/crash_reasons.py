"""Why instances crashed, for clients that ask for them afterwards."""

from __future__ import annotations

from .loaded_instance import LoadedInstance

REMEMBERED = 50


class CrashReasons:
    """The last crashes, by the names of the instances."""

    def __init__(self) -> None:
        self._reasons: dict[str, str] = {}

    def note(self, instance: LoadedInstance) -> None:
        """Remember how an instance's worker ended."""
        for name in (instance.identifier, instance.reference):
            self._reasons.pop(name, None)
            self._reasons[name] = instance.failure
        while len(self._reasons) > 2 * REMEMBERED:
            del self._reasons[next(iter(self._reasons))]

    def forget(self, name: str) -> None:
        """Forget the crash of a name, which a new instance has now."""
        self._reasons.pop(name, None)

    def reason(self, name: object) -> str | None:
        """Return why the instance with an identifier or reference crashed, None if none did.

        Args:
            name: what a client has sent; anything but a text names no instance.
        """
        return self._reasons.get(name) if isinstance(name, str) else None
