"""Unloading instances at the end of their time-to-live."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Sequence

import anyio

from .loaded_instance import LoadedInstance


class Expiry:
    """Unloads what nobody has used for its time-to-live.

    Args:
        loaded: returns the loaded instances.
        unload: unloads one.
        clock: seconds.
    """

    def __init__(
        self,
        loaded: Callable[[], Sequence[LoadedInstance]],
        unload: Callable[[LoadedInstance], Awaitable[None]],
        clock: Callable[[], float],
    ) -> None:
        self._loaded = loaded
        self._unload = unload
        self._clock = clock
        self._changed = anyio.Event()

    def look_again(self) -> None:
        """Note that an instance was loaded, or that a request on one has ended."""
        self._changed.set()

    async def run(self) -> None:
        """Unload expired instances for ever."""
        while True:
            # First of all: what changes while an instance is being unloaded counts, too.
            self._changed = anyio.Event()
            now = self._clock()
            times = [
                instance.expires for instance in self._loaded() if instance.expires is not None
            ]
            for instance in self._loaded():
                if instance.expires is not None and instance.expires <= now:
                    await self._unload(instance)
            later = [moment - now for moment in times if moment > now]
            with anyio.move_on_after(min(later, default=math.inf)):
                await self._changed.wait()
