"""Which of the suite's models a host has, and whether they are loaded as expected."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from model_fixtures.catalog import Catalog, CatalogModel, needed_weights
from model_fixtures.weights import cached

from .host_session import HostInstance, HostModel, Inventory, open_host_session


class ModelStatus(Struct, frozen=True):
    """A model of the catalog on a host; `instance` is the one with the suite's identifier."""

    model: CatalogModel
    downloaded: bool
    instance: HostInstance | None

    @property
    def problem(self) -> str | None:
        """How the loaded instance differs from what the suite expects; None if it does not."""
        return None if self.instance is None else difference(self.instance, self.model)

    @property
    def ready(self) -> bool:
        """Whether it is loaded as the suite expects, or is not required."""
        if not self.model.required:
            return True
        return self.instance is not None and self.problem is None


def difference(instance: HostInstance, model: CatalogModel) -> str | None:
    """Return how an instance of a model differs from what the suite expects; None if not at all."""
    if instance.context_length not in (None, model.context_length):
        return f"context {instance.context_length} instead of {model.context_length}"
    if instance.ttl_ms is not None:
        return f"unloads itself after {instance.ttl_ms / 1000:g} s"
    return None


class HostStatus(Struct, frozen=True):
    """All models of the catalog on a host, and what it has beside them.

    `extra` are the loaded instances that the suite does not expect, `others` the downloaded models.
    """

    models: tuple[ModelStatus, ...]
    extra: tuple[HostInstance, ...]
    others: tuple[HostModel, ...] = ()

    @property
    def missing(self) -> tuple[CatalogModel, ...]:
        """The required models that are not downloaded."""
        return tuple(
            each.model for each in self.models if each.model.required and not each.downloaded
        )

    @property
    def ready(self) -> bool:
        """Whether every required model is loaded as the suite expects."""
        return all(each.ready for each in self.models)


async def read_status(address: str, catalog: Catalog) -> HostStatus:
    """Ask the host at `host:port` for the status of the suite's models.

    Raises:
        WireError: the connection to the host failed.
        HostModelError: the host answered in an unknown form.
    """
    async with open_host_session(address) as session:
        return status_of_inventory(await session.inventory(), catalog)


def status_of_inventory(inventory: Inventory, catalog: Catalog) -> HostStatus:
    """Return the status of the catalog's models on a host with this inventory."""
    models: list[ModelStatus] = []
    expected: list[HostInstance] = []
    for model in catalog.models:
        instance = next(
            (each for each in inventory.instances_of(model) if each.identifier == model.key), None
        )
        downloaded = inventory.find_downloaded(model) is not None
        models.append(ModelStatus(model, downloaded, instance))
        if instance is not None and model.required:
            expected.append(instance)
    extra = tuple(each for each in inventory.loaded if each not in expected)
    others = tuple(
        each
        for each in inventory.downloaded
        if not any(model.is_listed_as(each.model_key, each.path) for model in catalog.models)
    )
    return HostStatus(tuple(models), extra, others)


def status_without_host(catalog: Catalog, others: Iterable[HostModel] = ()) -> HostStatus:
    """Return the status that the embedded server would have, going by the files in the cache.

    Args:
        catalog: the suite's models.
        others: the models that it would list beside them.
    """
    models = tuple(ModelStatus(model, has_files(model), None) for model in catalog.models)
    return HostStatus(models, (), tuple(others))


def has_files(model: CatalogModel) -> bool:
    """Return whether everything that the embedded server needs for a model is on this machine."""
    return model.problem is None and all(cached(name) for name in needed_weights([model]))


def is_of_suite(instance: HostInstance, catalog: Catalog) -> bool:
    """Return whether an instance is one of the suite's models, which may be unloaded."""
    return any(model.is_listed_as(instance.model_key, instance.path) for model in catalog.models)
