"""A load just in time, and those who wait for it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import anyio
from msgspec import Struct

from model_fixtures.server.shared_tasks import SharedTask

from .loaded_instance import LoadedInstance


class JitListener(Struct, frozen=True, eq=False):
    """One who waits for a load, and what it wants to be told meanwhile."""

    on_progress: Callable[[float], None]
    on_unload: Callable[[LoadedInstance], None]
    claimant: object = None  # who is going to use the instance


class JitLoad(SharedTask[JitListener, LoadedInstance]):
    """A load under way.

    Args:
        key: the model's key.
        load: loads the model.
        one_at_a_time: the lock that all loads just in time share.
    """

    def __init__(
        self,
        key: str,
        load: Callable[[JitLoad], Awaitable[LoadedInstance]],
        one_at_a_time: anyio.Lock,
    ) -> None:
        super().__init__(f"loading {key}")
        self._load = load
        self._one_at_a_time = one_at_a_time
        self._progress: float | None = None

    async def work(self) -> LoadedInstance:
        """Load the model as soon as no other model is being loaded just in time."""
        if self._one_at_a_time.locked():
            self.tell_progress(0.0)  # repeated while another model loads
        async with self._one_at_a_time:
            return await self._load(self)

    def add(self, listener: JitListener) -> None:
        """Add one who waits, and tell it the progress so far."""
        super().add(listener)
        if self._progress is not None:
            listener.on_progress(self._progress)

    def tell_progress(self, progress: float) -> None:
        """Pass progress on to all who wait, and to those who join later."""
        self._progress = progress
        for listener in self.listeners:
            listener.on_progress(progress)

    def tell_unload(self, instance: LoadedInstance) -> None:
        """Tell all who wait that another model gives way."""
        for listener in self.listeners:
            listener.on_unload(instance)
