"""What a host has and does with models, over the wire."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from types import MappingProxyType
from typing import Any, TypeVar

import msgspec

from model_fixtures.catalog import CatalogModel, Domain
from model_fixtures.wire_client import Connection, RpcError, connect
from model_fixtures.wire_client.override_stack import override_stack

from .errors import LoaderError

DOMAINS: tuple[Domain, ...] = ("embedding", "llm")
_T = TypeVar("_T")


class Downloaded(msgspec.Struct, frozen=True, rename="camel"):
    """A model on the host's disk."""

    model_key: str
    path: str


class Loaded(msgspec.Struct, frozen=True, rename="camel"):
    """A loaded instance: context length in tokens, time-to-live in ms (None: stays)."""

    type: Domain
    identifier: str
    model_key: str
    path: str
    context_length: int | None = None
    ttl_ms: float | None = None


class Inventory(msgspec.Struct, frozen=True):
    """All that a host has, of the suite's models and of others."""

    downloaded: tuple[Downloaded, ...]
    loaded: tuple[Loaded, ...]

    def find_downloaded(self, model: CatalogModel) -> Downloaded | None:
        """Return the model as the host knows it; one with the catalog's own key comes first."""
        found = [each for each in self.downloaded if is_same_model(model, each)]
        return min(found, key=lambda each: each.model_key != model.key, default=None)

    def instances_of(self, model: CatalogModel) -> tuple[Loaded, ...]:
        """Return all loaded instances of the model, whatever their identifiers."""
        return tuple(each for each in self.loaded if is_same_model(model, each))


def is_same_model(model: CatalogModel, known: Downloaded | Loaded) -> bool:
    """Return whether the host's entry is the catalog's model: by key, or by `publisher/repo`.

    Hosts add `@quantization` and `publisher/` to keys that are not unique otherwise.
    """
    key = known.model_key.partition("@")[0]
    return key in (model.key, f"{model.publisher}/{model.key}") or (
        repository_of(known.path) == repository_of(model.path) != ""
    )


def repository_of(path: str) -> str:
    """`publisher/repo` of a model path in lower case, empty when there is none."""
    parts = path.lower().split("/")
    return "/".join(parts[:2]) if len(parts) >= 2 else ""


class Session:
    """Connections to the namespaces that deal with models. Made by `open_session`."""

    def __init__(
        self, address: str, system: Connection, by_domain: Mapping[Domain, Connection]
    ) -> None:
        self.address = address
        self._system = system
        self._by_domain = by_domain

    async def inventory(self) -> Inventory:
        """Return what is downloaded and loaded now."""
        downloaded = await self._list(self._system, "listDownloadedModels", Downloaded)
        loaded: list[Loaded] = []
        for domain in DOMAINS:
            loaded += await self._list(self._by_domain[domain], "listLoaded", Loaded)
        return Inventory(tuple(downloaded), tuple(loaded))

    async def unload(self, instance: Loaded) -> None:
        """Unload one instance; fine if it is gone already."""
        try:
            connection = self._by_domain[instance.type]
            await connection.rpc("unloadModel", {"identifier": instance.identifier})
        except RpcError as error:
            if error.code != "generic.noModelMatchingQuery":
                raise

    async def load(
        self, model: CatalogModel, model_key: str, on_progress: Callable[[float], None]
    ) -> None:
        """Load an instance with the catalog's key as identifier, the suite's context, no TTL.

        When it is cancelled the host is told to stop loading.

        Args:
            model: what to load and how.
            model_key: what the host calls it.
            on_progress: gets fractions from 0 to 1.
        """
        parameter = {
            "modelKey": model_key,
            "identifier": model.key,
            "loadConfigStack": override_stack(load_config(model)),
        }
        connection = self._by_domain[model.domain]
        async with connection.channel("loadModel", parameter, cancel_on_exit=True) as channel:
            loaded = False
            async for packet in channel:
                if packet.get("type") == "progress":
                    on_progress(float(packet.get("progress", 0)))
                loaded = loaded or packet.get("type") == "success"
        if not loaded:
            msg = f"{self.address} ended the loading of {model.key} without saying how"
            raise LoaderError(msg)

    async def _list(self, connection: Connection, endpoint: str, item: type[_T]) -> list[_T]:
        answer = await connection.rpc(endpoint)
        try:
            return msgspec.convert(answer, list[item])  # type: ignore[valid-type]
        except msgspec.ValidationError as error:
            msg = f"{self.address}: cannot make sense of {endpoint}: {error}"
            raise LoaderError(msg) from None


def load_config(model: CatalogModel) -> dict[str, Any]:
    """Return the configuration that the suite expects the model to be loaded with."""
    key = f"{model.domain}.load.contextLength"
    return {key: model.context_length}


@asynccontextmanager
async def open_session(address: str) -> AsyncIterator[Session]:
    """Connect to the namespaces that deal with models on `host:port`. Raises `WireError`."""
    async with AsyncExitStack() as stack:
        # As forgiving as the SDK: the host is not what is tested here.
        system = await stack.enter_async_context(connect(address, "system", strict=False))
        by_domain = {
            domain: await stack.enter_async_context(connect(address, domain, strict=False))
            for domain in DOMAINS
        }
        yield Session(address, system, MappingProxyType(by_domain))
