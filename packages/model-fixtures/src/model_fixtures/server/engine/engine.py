"""A worker process and the client that talks to it."""

from __future__ import annotations

from collections.abc import Callable

from anyio.abc import TaskGroup

from .llama_client import LlamaServer
from .load_config import EngineConfig
from .running_predictions import RunningPredictions
from .worker_process import WorkerProcess, start_worker


class Engine:
    """llama.cpp with a loaded model."""

    def __init__(self, worker: WorkerProcess) -> None:
        self.worker = worker
        self.llama = LlamaServer(worker)
        self.predictions = RunningPredictions()

    @classmethod
    async def start(
        cls, config: EngineConfig, tasks: TaskGroup, on_progress: Callable[[float], None]
    ) -> Engine:
        """Start a worker; see `start_worker`."""
        return cls(await start_worker(config, tasks, on_progress))

    async def close(self) -> None:
        """End the worker and free its memory."""
        await self.worker.stop()
        await self.llama.close()
