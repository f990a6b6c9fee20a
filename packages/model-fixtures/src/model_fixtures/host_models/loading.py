"""Loading and unloading the suite's models. Models of others stay untouched."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Literal

import anyio
from msgspec import Struct

from model_fixtures.catalog import Catalog, CatalogModel
from model_fixtures.errors import ModelFixturesError

from .errors import DOWNLOAD_COMMAND
from .host_session import Loaded, Session, open_session
from .model_status import is_of_suite, judge


class LoadEvent(Struct, frozen=True):
    """Something that happened to the model with this key or instance with this identifier.

    `fraction` goes from 0 to 1 while loading; `text` says why it failed.
    """

    name: str
    state: Literal["unloaded", "loading", "loaded", "failed"]
    fraction: float = 0.0
    text: str = ""


OnLoadEvent = Callable[[LoadEvent], None]


class LoadReport(Struct, frozen=True):
    """What came of loading: keys of loaded models, texts of failures, models not downloaded.

    `extra` are the loaded instances of other models, which querying tests stumble over.
    """

    address: str
    loaded: tuple[str, ...]
    failed: tuple[str, ...]
    missing: tuple[CatalogModel, ...]
    extra: tuple[Loaded, ...]

    @property
    def problems(self) -> tuple[str, ...]:
        """One line for each kind of thing that is wrong; empty when all is well."""
        lines = list(self.failed)
        if self.missing:
            names = ", ".join(model.key for model in self.missing)
            lines.append(f"{self.address} has no {names}: run `{DOWNLOAD_COMMAND}`")
        return tuple(lines)


async def load(
    address: str, catalog: Catalog, on_event: OnLoadEvent = lambda _event: None
) -> LoadReport:
    """Load all required models afresh, at the same time, as the suite expects them.

    First every loaded instance of a test model is unloaded, of the required ones and of the other.
    Models that are not downloaded are left out and reported; nothing is downloaded.

    Args:
        address: `host:port`.
        catalog: the suite's models.
        on_event: called in this task for everything that happens.

    Raises:
        WireError: the host cannot be talked to.
    """
    async with open_session(address) as session:
        await _unload(session, catalog, on_event)
        inventory = await session.inventory()
        found = {model.key: inventory.find_downloaded(model) for model in catalog.required}
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
            for model in catalog.required:
                known = found[model.key]
                if known is not None:
                    tasks.start_soon(load_one, model, known.model_key)
    return LoadReport(
        address,
        tuple(key for key, known in found.items() if known is not None and key not in failed),
        tuple(failed.values()),
        tuple(model for model in catalog.required if found[model.key] is None),
        tuple(each for each in inventory.loaded if not is_of_suite(each, catalog)),
    )


async def ensure_loaded(
    address: str, catalog: Catalog, on_event: OnLoadEvent = lambda _event: None
) -> LoadReport:
    """Load as `load` does, unless the host already has exactly what the suite expects."""
    async with open_session(address) as session:
        status = judge(await session.inventory(), catalog)
    if status.ready and not any(is_of_suite(each, catalog) for each in status.extra):
        keys = tuple(model.key for model in catalog.required)
        return LoadReport(address, keys, (), (), status.extra)
    return await load(address, catalog, on_event)


async def unload(
    address: str, catalog: Catalog, on_event: OnLoadEvent = lambda _event: None
) -> tuple[str, ...]:
    """Unload every instance of a test model; their identifiers. Raises `WireError`."""
    async with open_session(address) as session:
        return await _unload(session, catalog, on_event)


async def _unload(session: Session, catalog: Catalog, on_event: OnLoadEvent) -> tuple[str, ...]:
    inventory = await session.inventory()
    instances = [each for each in inventory.loaded if is_of_suite(each, catalog)]
    for instance in instances:
        await session.unload(instance)
        on_event(LoadEvent(instance.identifier, "unloaded"))
    return _identifiers(instances)


def _identifiers(instances: Iterable[Loaded]) -> tuple[str, ...]:
    return tuple(each.identifier for each in instances)
