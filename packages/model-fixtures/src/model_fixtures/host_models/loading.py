"""Loading and unloading the suite's models; all other models stay untouched."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import anyio
from msgspec import Struct

from model_fixtures.catalog import Catalog, CatalogModel
from model_fixtures.errors import ModelFixturesError

from .errors import DOWNLOAD_COMMAND
from .host_session import HostInstance, HostSession, Inventory, open_host_session
from .model_status import is_of_suite, status_of_inventory


class LoadEvent(Struct, frozen=True):
    """A change of the model with this key or the instance with this identifier.

    `fraction` goes from 0 to 1 while loading; `text` is the error of a failed one.
    """

    name: str
    state: Literal["unloaded", "loading", "loaded", "failed"]
    fraction: float = 0.0
    text: str = ""


OnLoadEvent = Callable[[LoadEvent], None]


class LoadReport(Struct, frozen=True):
    """The keys of loaded models, the errors of others, and the models that are not downloaded.

    `extra` holds the loaded instances of other models, which break tests that query loaded models.
    """

    address: str
    loaded: tuple[str, ...]
    failed: tuple[str, ...]
    missing: tuple[CatalogModel, ...]
    extra: tuple[HostInstance, ...]

    @property
    def problems(self) -> tuple[str, ...]:
        """A line for each failure and one for all missing models; empty when all is well."""
        missing = missing_problem(self.address, self.missing)
        return (*self.failed, *([missing] if missing else []))


def missing_problem(address: str, missing: Sequence[CatalogModel]) -> str | None:
    """Return one line about models that a host has not downloaded; None if it has all."""
    names = ", ".join(model.key for model in missing)
    return f"{address} has no {names}: run `{DOWNLOAD_COMMAND}`" if names else None


async def load(
    address: str, catalog: Catalog, on_event: OnLoadEvent = lambda _event: None
) -> LoadReport:
    """Load all required models at the same time, configured as the suite expects them.

    Before that, every loaded instance of a model of the catalog is unloaded, required or not.
    Models that are not downloaded are left out and reported; nothing is downloaded.

    Args:
        address: `host:port`.
        catalog: the suite's models.
        on_event: called for every change.

    Raises:
        WireError: the connection to the host failed.
    """
    async with open_host_session(address) as session:
        await _unload(session, catalog, on_event)
        inventory = await session.inventory()
        failed, missing = await load_models(session, inventory, catalog.required, on_event)
    absent = {model.key for model in missing}
    return LoadReport(
        address,
        tuple(
            model.key
            for model in catalog.required
            if model.key not in failed and model.key not in absent
        ),
        tuple(failed.values()),
        missing,
        tuple(each for each in inventory.loaded if not is_of_suite(each, catalog)),
    )


async def load_models(
    session: HostSession,
    inventory: Inventory,
    models: Sequence[CatalogModel],
    on_event: OnLoadEvent = lambda _event: None,
) -> tuple[dict[str, str], tuple[CatalogModel, ...]]:
    """Load models at the same time, configured as the suite expects them.

    Returns:
        The errors by the model's key, each with the key before it, and the models that are not
        downloaded.
    """
    found = {model.key: inventory.find_downloaded(model) for model in models}
    failed: dict[str, str] = {}

    async def load_one(model: CatalogModel, model_key: str) -> None:
        on_event(LoadEvent(model.key, "loading"))
        try:
            await session.load(
                model,
                model_key,
                lambda fraction: on_event(LoadEvent(model.key, "loading", fraction)),
            )
        except ModelFixturesError as error:
            failed[model.key] = f"{model.key}: {error}"
            on_event(LoadEvent(model.key, "failed", text=str(error)))
        else:
            on_event(LoadEvent(model.key, "loaded", 1.0))

    async with anyio.create_task_group() as tasks:
        for model in models:
            known = found[model.key]
            if known is not None:
                tasks.start_soon(load_one, model, known.model_key)
    return failed, tuple(model for model in models if found[model.key] is None)


async def ensure_loaded(
    address: str, catalog: Catalog, on_event: OnLoadEvent = lambda _event: None
) -> LoadReport:
    """Load models as `load` does, unless the host already has exactly what the suite expects."""
    async with open_host_session(address) as session:
        status = status_of_inventory(await session.inventory(), catalog)
    if status.ready and not any(is_of_suite(each, catalog) for each in status.extra):
        keys = tuple(model.key for model in catalog.required)
        return LoadReport(address, keys, (), (), status.extra)
    return await load(address, catalog, on_event)


async def unload(
    address: str, catalog: Catalog, on_event: OnLoadEvent = lambda _event: None
) -> tuple[str, ...]:
    """Unload every instance of the catalog's models and return their identifiers.

    Raises:
        WireError: the connection to the host failed.
    """
    async with open_host_session(address) as session:
        return await _unload(session, catalog, on_event)


async def _unload(session: HostSession, catalog: Catalog, on_event: OnLoadEvent) -> tuple[str, ...]:
    inventory = await session.inventory()
    instances = [each for each in inventory.loaded if is_of_suite(each, catalog)]
    for instance in instances:
        await session.unload(instance)
        on_event(LoadEvent(instance.identifier, "unloaded"))
    return tuple(each.identifier for each in instances)
