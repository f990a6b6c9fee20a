"""Tasks whose result several clients wait for: one task for all who ask for the same thing.

The first client starts the task and later ones join it. It is cancelled when the last one leaves.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Generic, TypeVar

import anyio

from .background_tasks import BackgroundTasks
from .client_errors import client_error
from .protocol.errors import ServerError

Listener = TypeVar("Listener")
Result = TypeVar("Result")


class SharedTask(ABC, Generic[Listener, Result]):
    """A task under way, and those who wait for its result.

    Args:
        purpose: what the task is for, as errors and the log name it: `loading NAME`.
    """

    def __init__(self, purpose: str) -> None:
        self.listeners: list[Listener] = []
        self.ended = anyio.Event()
        self._purpose = purpose
        self._scope = anyio.CancelScope()
        self._outcome: Result | ServerError = ServerError(f"Stopped {purpose}")

    @abstractmethod
    async def work(self) -> Result:
        """Return the result.

        Raises:
            ServerError: the task failed; all who wait get the error.
        """

    def add(self, listener: Listener) -> None:
        """Add one who waits."""
        self.listeners.append(listener)

    async def run(self) -> None:
        """Do the work, and keep its result or its error."""
        try:
            with self._scope:
                self._outcome = await self.work()
        except Exception as error:  # noqa: BLE001 (it would end the whole server)
            self._outcome = client_error(error, self._purpose)
        finally:
            self.ended.set()

    def cancel(self) -> None:
        """Cancel the work."""
        self._scope.cancel()

    def result(self) -> Result:
        """Return the result of a task that has ended.

        Raises:
            ServerError: the task failed.
        """
        if isinstance(self._outcome, ServerError):
            raise self._outcome
        return self._outcome


class SharedTasks(Generic[Listener, Result]):
    """The shared tasks of one kind that are under way, by key.

    Args:
        tasks: runs them.
        awaits_end: whether the last one who gives up waits until the cancelled task has ended.
    """

    def __init__(self, tasks: BackgroundTasks, *, awaits_end: bool) -> None:
        self._tasks = tasks
        self._awaits_end = awaits_end
        self._running: dict[str, SharedTask[Listener, Result]] = {}

    async def join(
        self, key: str, create: Callable[[], SharedTask[Listener, Result]], listener: Listener
    ) -> Result:
        """Return the result of the task with a key; it is created unless it is under way.

        Raises:
            ServerError: the task failed.
        """
        task = self._running.get(key)
        if task is None:
            task = self._running[key] = create()
            self._tasks.group.start_soon(self._run, key, task)
        task.add(listener)
        try:
            await task.ended.wait()
        finally:
            task.listeners.remove(listener)
            if not task.listeners and not task.ended.is_set():
                self._forget(key, task)
                task.cancel()
                if self._awaits_end:
                    with anyio.CancelScope(shield=True):
                        await task.ended.wait()
        return task.result()

    async def _run(self, key: str, task: SharedTask[Listener, Result]) -> None:
        try:
            await task.run()
        finally:
            self._forget(key, task)

    def _forget(self, key: str, task: SharedTask[Listener, Result]) -> None:
        if self._running.get(key) is task:
            del self._running[key]
