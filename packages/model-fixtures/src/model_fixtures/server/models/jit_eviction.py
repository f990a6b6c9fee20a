"""Instances that were loaded just in time and give way to another, but not at once."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Sequence

import anyio

from .jit_load import JitJob
from .loaded_instance import Instance

GRACE = 2.0  # seconds that one may take to use what it was handed out just in time
PATIENCE = 60.0  # seconds that another model waits at most for requests on it


class GivingWay:
    """Has instances go as soon as nobody uses them, or is about to.

    Args:
        patience: seconds after which they go in any case: a prediction can last for ever.
        clock: seconds.
        loaded: the instances that are loaded now.
        unload: ends one.
    """

    def __init__(
        self,
        patience: float,
        clock: Callable[[], float],
        loaded: Callable[[], Sequence[Instance]],
        unload: Callable[[Instance], Awaitable[None]],
    ) -> None:
        self._patience = patience
        self._clock = clock
        self._loaded = loaded
        self._unload = unload
        self._leaving: set[Instance] = set()
        self._freed = anyio.Event()

    def __contains__(self, instance: Instance) -> bool:
        """Return whether an instance is about to go: whoever asks for its model now comes later."""
        return instance in self._leaving

    def freed(self) -> None:
        """Look again: a request has ended, or an instance has gone."""
        self._freed.set()

    async def clear(self, job: JitJob) -> None:
        """Unload what was loaded just in time; one load at a time may ask for it."""
        self._leaving = {instance for instance in self._loaded() if instance.jit}
        try:
            with anyio.move_on_after(self._patience):
                await self._wait(job)
            for instance in self._left():
                job.tell_unload(instance)
                await self._unload(instance)
        finally:
            self._leaving = set()

    async def _wait(self, job: JitJob) -> None:
        """Until all may go."""
        while True:
            self._freed = anyio.Event()
            times = [instance.may_go for instance in self._left()]
            seconds = max(times, default=-math.inf) - self._clock()
            if seconds <= 0:
                return
            job.tell_progress(0.0)  # repeated meanwhile
            with anyio.move_on_after(seconds):
                await self._freed.wait()

    def _left(self) -> list[Instance]:
        """Return those that have not gone yet; they can be unloaded by hand, expire or crash."""
        return [instance for instance in self._loaded() if instance in self._leaving]
