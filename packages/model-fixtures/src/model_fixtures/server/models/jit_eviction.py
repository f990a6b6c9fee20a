"""Instances that were loaded just in time and give way to another model, but not at once."""

from __future__ import annotations

import math
from collections.abc import Callable

import anyio

from .jit_load_under_way import JitLoad
from .loaded_instance import LoadedInstance
from .loaded_models import LoadedModels

PATIENCE = 60.0  # seconds that another model waits at most for requests on an instance


class JitEviction:
    """Unloads instances as soon as nobody uses them or is about to.

    Args:
        loaded: the loaded models.
        patience: seconds after which they are unloaded in any case: a prediction can last for ever.
        clock: seconds.
    """

    def __init__(
        self, loaded: LoadedModels, *, patience: float, clock: Callable[[], float]
    ) -> None:
        self._loaded = loaded
        self._patience = patience
        self._clock = clock
        self._leaving: set[LoadedInstance] = set()
        self._freed = anyio.Event()
        loaded.on_freed(lambda: self._freed.set())

    def __contains__(self, instance: LoadedInstance) -> bool:
        """Return whether an instance is about to be unloaded.

        Whoever asks for its model now has to wait for a new load.
        """
        return instance in self._leaving

    async def clear(self, load: JitLoad) -> None:
        """Unload what was loaded just in time; only one load at a time may ask for it."""
        self._leaving = {instance for instance in self._loaded.all() if instance.jit}
        try:
            with anyio.move_on_after(self._patience):
                await self._wait(load)
            for instance in self._left():
                load.tell_unload(instance)
                await self._loaded.unload(instance)
        finally:
            self._leaving = set()

    async def _wait(self, load: JitLoad) -> None:
        """Wait until all of them may be unloaded."""
        while True:
            self._freed = anyio.Event()
            times = [instance.may_go for instance in self._left()]
            seconds = max(times, default=-math.inf) - self._clock()
            if seconds <= 0:
                return
            load.tell_progress(0.0)  # repeated meanwhile
            with anyio.move_on_after(seconds):
                await self._freed.wait()

    def _left(self) -> list[LoadedInstance]:
        """Return those that are still loaded: they may also crash, expire or be unloaded."""
        return [instance for instance in self._loaded.all() if instance in self._leaving]
