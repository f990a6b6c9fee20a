"""What a host has of what the suite needs."""

from __future__ import annotations

from msgspec import Struct

from model_fixtures.catalog import Catalog, CatalogModel, needed_weights
from model_fixtures.weights import cached

from .host_session import Inventory, Loaded, is_same_model, open_session


class ModelStatus(Struct, frozen=True):
    """One model of the catalog on a host; `instance` is the one with the suite's identifier."""

    model: CatalogModel
    downloaded: bool
    instance: Loaded | None

    @property
    def problem(self) -> str | None:
        """How the loaded instance differs from what the suite expects; None when it does not."""
        if self.instance is None:
            return None
        if self.instance.context_length not in (None, self.model.context_length):
            return f"context {self.instance.context_length} instead of {self.model.context_length}"
        if self.instance.ttl_ms is not None:
            return f"unloads itself after {self.instance.ttl_ms / 1000:g} s"
        return None

    @property
    def ready(self) -> bool:
        """Whether it is as the suite expects: loaded that way, or not needed loaded."""
        if not self.model.required:
            return True
        return self.instance is not None and self.problem is None


class Status(Struct, frozen=True):
    """All models of the catalog on a host, and the loaded instances that nobody expects there."""

    models: tuple[ModelStatus, ...]
    extra: tuple[Loaded, ...]

    @property
    def missing(self) -> tuple[CatalogModel, ...]:
        """Required models that are not downloaded."""
        return tuple(
            each.model for each in self.models if each.model.required and not each.downloaded
        )

    @property
    def ready(self) -> bool:
        """Whether every required model is loaded as the suite expects."""
        return all(each.ready for each in self.models)


async def read_status(address: str, catalog: Catalog) -> Status:
    """Return the status of the host at `host:port`. Raises `WireError`, `LoaderError`."""
    async with open_session(address) as session:
        return judge(await session.inventory(), catalog)


def judge(inventory: Inventory, catalog: Catalog) -> Status:
    """Return the status that an inventory means."""
    models: list[ModelStatus] = []
    expected: list[Loaded] = []
    for model in catalog.models:
        instance = next(
            (each for each in inventory.instances_of(model) if each.identifier == model.key), None
        )
        downloaded = inventory.find_downloaded(model) is not None
        models.append(ModelStatus(model, downloaded, instance))
        if instance is not None and model.required:
            expected.append(instance)
    extra = tuple(each for each in inventory.loaded if each not in expected)
    return Status(tuple(models), extra)


def status_without_host(catalog: Catalog) -> Status:
    """Return the status when no host runs: what the embedded server would find in the cache."""
    return Status(tuple(ModelStatus(model, has_files(model), None) for model in catalog.models), ())


def has_files(model: CatalogModel) -> bool:
    """Return whether everything that the embedded server needs for a model is on this machine."""
    return model.problem is None and all(cached(name) for name in needed_weights([model]))


def is_of_suite(instance: Loaded, catalog: Catalog) -> bool:
    """Return whether an instance is one of a test model, which the loader may unload."""
    return any(is_same_model(model, instance) for model in catalog.models)
