"""Everything that the connections of a server share."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from types import TracebackType

from model_fixtures.catalog import Catalog, own_models_folder

from .background_tasks import BackgroundTasks
from .files.file_store import FileStore
from .grammars.conversion_queue import Conversions
from .home_folder import home_folder, models_folder
from .log_stream import LogStream
from .models.downloaded_models import DownloadedModels
from .models.models_of_server import ModelsOfServer
from .plugins.registered_plugins import RegisteredPlugins
from .prediction.jinja_renderer import TemplateRenderer
from .presets import Presets
from .protocol.client_identities import ClientIdentities
from .repository.repository_state import RepositoryState
from .scenarios.active_scenarios import ActiveScenarios
from .serve_options import ServeOptions
from .thread_pools import ThreadPool


class ServerState:
    """One server. An async context manager: leaving it ends workers and removes files.

    Raises:
        ValueError: the API token is malformed.
        CatalogError: the user's list of downloads or folder of models is invalid.
    """

    def __init__(self, catalog: Catalog, options: ServeOptions) -> None:
        self.options = options
        self.ports: frozenset[int] = frozenset()  # those that it listens on
        self.end: Callable[[], None] = lambda: None  # ends the server in order
        self.identities = ClientIdentities(options.api_token)
        home = home_folder(options.home)
        downloaded = DownloadedModels(catalog, models_folder(home), own_models_folder())
        self.tasks = BackgroundTasks()
        self.models = ModelsOfServer(
            downloaded, self.tasks, threads=options.threads, silence=options.worker_silence
        )
        self.conversions = Conversions()
        self.templates = TemplateRenderer()
        self.files = FileStore()
        self.plugins = RegisteredPlugins(self.identities, self.tasks)
        self.logs = LogStream()
        self.scenarios = ActiveScenarios() if options.scenarios else None
        self.repository = RepositoryState(downloaded, self.tasks)
        self.presets = Presets(home / "config-presets")
        self.looking = ThreadPool(4)
        self.reading = ThreadPool(8)
        self.experiment_flags: set[str] = set()
        self._exits = AsyncExitStack()

    def holdings(self) -> dict[str, int]:
        """Return how much the server holds; without clients all but the tasks fall to 0."""
        return {
            "clients": len(self.identities),
            "files": len(self.files),
            "instances": len(self.models.loaded.all()),
            "plugins": len(self.plugins.all()),
            "tasks": len(asyncio.all_tasks()),
        }

    async def __aenter__(self) -> ServerState:
        async with AsyncExitStack() as exits:
            exits.enter_context(self.files)
            await exits.enter_async_context(self.tasks)
            await exits.enter_async_context(self.models.loaded)
            exits.push_async_callback(self.templates.close)
            self._exits = exits.pop_all()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool | None:
        return await self._exits.__aexit__(kind, error, trace)
