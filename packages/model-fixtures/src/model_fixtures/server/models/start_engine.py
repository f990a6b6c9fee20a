"""Starting llama.cpp with a model: its configuration, its weights, and damage in them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import anyio
import msgspec
from msgspec import Struct

from model_fixtures.catalog import CatalogModel, size_bytes
from model_fixtures.server.background_tasks import BackgroundTasks
from model_fixtures.server.engine.engine import Engine
from model_fixtures.server.engine.errors import LoadFailedError
from model_fixtures.server.engine.load_config import SILENCE, EngineConfig, engine_config
from model_fixtures.server.protocol.errors import ServerError
from model_fixtures.server.protocol.kv_config import Settings
from model_fixtures.server.thread_pools import ThreadPool
from model_fixtures.weights import WeightsError, ensure

from .renew_damaged_weights import renew_damaged

DEFAULT_LLM_CONTEXT = 4096  # tokens, the app's
DEFAULT_EMBEDDING_CONTEXT = 2048

OnProgress = Callable[[float], None]


def requested_context(model: CatalogModel, settings: Settings) -> int:
    """Return the tokens of context that a load request asks for; it may be too many."""
    embedding = model.domain == "embedding"
    prefix = "embedding.load" if embedding else "llm.load"
    default = DEFAULT_EMBEDDING_CONTEXT if embedding else DEFAULT_LLM_CONTEXT
    return settings.integer(f"{prefix}.contextLength", min(default, model.max_context_length))


class ModelLoader:
    """Starts engines.

    Args:
        tasks: watches the workers for as long as they live.
        threads: CPU threads of each worker.
        silence: seconds without a sign of life after which a worker that is waited for is ended.
    """

    def __init__(
        self, tasks: BackgroundTasks, *, threads: int = 1, silence: float = SILENCE
    ) -> None:
        self._tasks = tasks
        self._threads = threads
        self._silence = silence
        self._fetching = ThreadPool(8)

    async def config(self, model: CatalogModel, settings: Settings, name: str) -> EngineConfig:
        """Return how an engine is started for an instance; missing weights are fetched.

        Args:
            model: what to load.
            settings: the merged load configuration.
            name: the instance's identifier.

        Raises:
            ServerError: the context is too long, or there are no weights.
        """
        embedding = model.domain == "embedding"
        context = requested_context(model, settings)
        if context > model.max_context_length or context < 1:
            raise ServerError(
                f"Cannot load {model.key} with a context of {context} tokens: "
                f"it has at most {model.max_context_length}"
            )
        if model.problem is not None:
            raise ServerError(f"Failed to load {model.key}: {model.problem}")
        config = engine_config(
            await self.weights_file(model),
            settings,
            embedding=embedding,
            context_length=context,
            threads=self._threads,
            projector=model.projector,
            adapter=model.adapter,
        )
        return msgspec.structs.replace(
            config, alias=name, name=f"{model.key} (instance {name})", silence=self._silence
        )

    async def size(self, model: CatalogModel) -> int:
        """Return the bytes of a model's files."""
        return await self._fetching.run(size_bytes, model)

    async def weights_file(self, model: CatalogModel) -> Path:
        """Return the GGUF of a model; missing weights are fetched.

        Raises:
            ServerError: they can't be fetched, or the file is none.
        """
        return await self._fetching.run(_weights_file, model)

    async def start(
        self,
        model: CatalogModel,
        config: EngineConfig,
        on_progress: OnProgress,
        draft: CatalogModel | None = None,
    ) -> Engine:
        """Return a new engine with a model loaded; if its weights are damaged, fetch them again.

        Args:
            model: what is loaded.
            config: how.
            on_progress: gets rising numbers from 0 to 1.
            draft: the draft model that is loaded beside it.

        Raises:
            ServerError: the model can't be loaded.
        """
        try:
            return await Engine.start(config, self._tasks.group, on_progress)
        except LoadFailedError as error:
            failure = ServerError(f"Failed to load {model.key}: {error}")
        # Damage that keeps a file's size shows only now, or never.
        if not await self._fetching.run(renew_damaged, (model, draft)):
            raise failure
        try:
            return await Engine.start(config, self._tasks.group, on_progress)
        except LoadFailedError as error:
            raise ServerError(f"Failed to load {model.key}: {error}") from error

    async def start_sessions(
        self, model: CatalogModel, config: EngineConfig, sessions: int, on_progress: OnProgress
    ) -> list[Engine]:
        """Return new engines for as many predictions at once, which are alike; see `start`."""
        engines: list[Engine] = []
        try:
            for number in range(sessions):
                share = _Share(number, sessions, on_progress)
                named = config if number == 0 else _named(config, number + 1)
                engines.append(await self.start(model, named, share.report))
        except BaseException:
            with anyio.CancelScope(shield=True):
                for engine in engines:
                    await engine.close()
            raise
        return engines


class _Share(Struct, frozen=True):
    """The progress of one of several loads."""

    number: int
    of: int
    on_progress: OnProgress

    def report(self, progress: float) -> None:
        """Report the progress of all."""
        self.on_progress((self.number + progress) / self.of)


def _named(config: EngineConfig, session: int) -> EngineConfig:
    return msgspec.structs.replace(config, name=f"{config.name}, session {session}")


def _weights_file(model: CatalogModel) -> Path:
    if model.file is not None:
        if model.file.exists() and not model.file.is_file():  # llama.cpp would wait for a FIFO
            raise ServerError(f"Failed to load {model.key}: {model.file} is no regular file")
        return model.file
    assert model.weights is not None
    try:
        return ensure([model.weights])[model.weights]
    except WeightsError as error:
        raise ServerError(f"Failed to load {model.key}: {error}") from error
