"""Tasks that outlive the request that started them, and end with the server."""

from __future__ import annotations

from types import TracebackType

import anyio
from anyio.abc import TaskGroup


class BackgroundTasks:
    """The background tasks of a server. An async context manager; leaving it cancels them."""

    def __init__(self) -> None:
        self._group: TaskGroup | None = None

    @property
    def group(self) -> TaskGroup:
        """The task group that runs them; there is none before the manager is entered."""
        assert self._group is not None
        return self._group

    async def __aenter__(self) -> BackgroundTasks:
        self._group = await anyio.create_task_group().__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool | None:
        self.group.cancel_scope.cancel()
        return await self.group.__aexit__(kind, error, trace)
