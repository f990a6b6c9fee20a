"""Finding downloaded models for clients, in threads: a folder may take long to read."""

from __future__ import annotations

from model_fixtures.catalog import Catalog, CatalogModel
from model_fixtures.server.protocol.errors import DomainMismatchError, PathNotFoundError
from model_fixtures.server.protocol.payloads.models import ModelInfo
from model_fixtures.server.thread_pools import ThreadPool

from .downloaded_models import DownloadedModels
from .model_info import model_info


class DownloadedModelLookup:
    """The downloaded models as handlers ask for them.

    Args:
        downloaded: the downloaded models.
    """

    def __init__(self, downloaded: DownloadedModels) -> None:
        self._downloaded = downloaded
        self._looking = ThreadPool(4)

    async def catalog(self) -> Catalog:
        """Return the models that are downloaded now."""
        return await self._looking.run(lambda: self._downloaded.catalog)

    async def infos(self) -> list[ModelInfo]:
        """Return what clients are told of each of them, loaded or not."""
        catalog = await self.catalog()
        return await self._looking.run(lambda: [model_info(model) for model in catalog.models])

    async def find(self, name: str, domain: str) -> tuple[CatalogModel, list[str]]:
        """Return the downloaded model that a name means, and the keys of all that it may mean.

        Raises:
            PathNotFoundError: no downloaded model has the name.
            DomainMismatchError: only models of another domain have it.
        """
        catalog = await self.catalog()
        anywhere = catalog.find(name)
        found = [model for model in anywhere if model.domain == domain]
        if found:
            return found[0], [model.key for model in found]
        if anywhere:
            raise DomainMismatchError(anywhere[0].path, anywhere[0].domain, domain)
        raise PathNotFoundError(name, [model.path for model in catalog.models])
