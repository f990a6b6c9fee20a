"""Loading just in time: one load for all who ask for a model at once, one model at a time."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import anyio
from anyio.abc import TaskGroup
from msgspec import Struct

from model_fixtures.server.protocol.errors import ServerError

if TYPE_CHECKING:
    from .loaded_instance import Instance


logger = logging.getLogger(__name__)


class Listener(Struct, frozen=True, eq=False):
    """One who waits for a load, and what it wants to be told meanwhile."""

    on_progress: Callable[[float], None]
    on_unload: Callable[[Instance], None]
    claimant: object = None  # who is going to use the instance


class JitJob:
    """A load under way."""

    def __init__(self) -> None:
        self.listeners: list[Listener] = []
        self.scope = anyio.CancelScope()
        self.done = anyio.Event()
        self.progress: float | None = None
        self.instance: Instance | None = None
        self.error: ServerError | None = None

    def tell_progress(self, progress: float) -> None:
        """Pass progress on to all who wait, and to those who join later."""
        self.progress = progress
        for listener in self.listeners:
            listener.on_progress(progress)

    def tell_unload(self, instance: Instance) -> None:
        """Tell all who wait that another model gives way."""
        for listener in self.listeners:
            listener.on_unload(instance)


class JitJobs:
    """The loads under way, by model key."""

    def __init__(self) -> None:
        self._jobs: dict[str, JitJob] = {}
        self._turn = anyio.Lock()

    async def join(
        self,
        key: str,
        load: Callable[[JitJob], Awaitable[Instance]],
        listener: Listener,
        tasks: TaskGroup,
    ) -> Instance:
        """Return the instance that a load gives; the load is started unless it is under way.

        A load that nobody waits for any more is cancelled, and frees what it took.

        Raises:
            ServerError: the load failed.
        """
        job = self._jobs.get(key)
        if job is None:
            job = self._jobs[key] = JitJob()
            tasks.start_soon(self._run, key, job, load)
        job.listeners.append(listener)
        if job.progress is not None:
            listener.on_progress(job.progress)
        try:
            await job.done.wait()
        finally:
            job.listeners.remove(listener)
            if not job.listeners and not job.done.is_set():
                self._forget(key, job)
                job.scope.cancel()
        if job.error is not None:
            raise job.error
        assert job.instance is not None
        return job.instance

    async def _run(
        self, key: str, job: JitJob, load: Callable[[JitJob], Awaitable[Instance]]
    ) -> None:
        with job.scope:
            try:
                if self._turn.locked():
                    job.tell_progress(0.0)  # repeated while another model loads
                async with self._turn:
                    job.instance = await load(job)
            except ServerError as error:
                job.error = error
            except Exception:
                # It would end the whole server.
                logger.exception("loading %s just in time failed", key)
                job.error = ServerError(f"Internal error while loading {key}; see the server's log")
            finally:
                self._forget(key, job)
                job.done.set()

    def _forget(self, key: str, job: JitJob) -> None:
        if self._jobs.get(key) is job:
            del self._jobs[key]
