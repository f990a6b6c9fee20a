"""Everything that the connections of a server share."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType

from model_fixtures.catalog import Catalog
from model_fixtures.weights import cache_folder

from .files.store import FileStore
from .logs import LogStream
from .options import ServeOptions
from .plugins.registry import Plugins
from .presets import Presets
from .protocol.identities import Identities
from .registry.registry import Registry
from .scenarios.control import Scenarios


class ServerState:
    """One server. An async context manager: leaving it ends workers and removes files.

    Raises:
        ValueError: the API token of the options is none.
    """

    def __init__(self, catalog: Catalog, options: ServeOptions) -> None:
        self.options = options
        self.identities = Identities(options.api_token)
        self.registry = Registry(catalog, threads=options.threads, parallel=options.parallel)
        self.files = FileStore()
        self.plugins = Plugins(self.identities)
        self.logs = LogStream()
        self.scenarios = Scenarios() if options.scenarios else None
        home = Path(options.home) if options.home else cache_folder() / "home"
        self.presets = Presets(home / "config-presets")

    async def __aenter__(self) -> ServerState:
        self.files.__enter__()
        await self.registry.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool | None:
        try:
            return await self.registry.__aexit__(kind, error, trace)
        finally:
            self.files.__exit__(kind, error, trace)
