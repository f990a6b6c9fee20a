"""Listing, loading and unloading models on a host over the wire."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from types import MappingProxyType
from typing import Any, TypeVar

import msgspec

from model_fixtures.catalog import CatalogModel, Domain
from model_fixtures.wire_client import Connection, Credentials, RpcError, connect
from model_fixtures.wire_client.override_stack import override_stack

from .errors import HostModelError

DOMAINS: tuple[Domain, ...] = ("embedding", "llm")
_T = TypeVar("_T")


class HostModel(msgspec.Struct, frozen=True, rename="camel"):
    """A model that the host has downloaded."""

    model_key: str
    path: str


class HostInstance(msgspec.Struct, frozen=True, rename="camel"):
    """An instance of a model that the host has loaded.

    `context_length` is in tokens, `ttl_ms` in milliseconds; None means that it stays loaded.
    `instance_reference` is what no other instance has, before or after; None if it is unknown.
    """

    type: Domain
    identifier: str
    model_key: str
    path: str
    context_length: int | None = None
    ttl_ms: float | None = None
    instance_reference: str | None = None


class Inventory(msgspec.Struct, frozen=True):
    """All models that a host has downloaded and loaded, the suite's and others."""

    downloaded: tuple[HostModel, ...]
    loaded: tuple[HostInstance, ...]

    def find_downloaded(self, model: CatalogModel) -> HostModel | None:
        """Return the host's entry for the model, if possible one with the catalog's own key."""
        found = [each for each in self.downloaded if model.is_listed_as(each.model_key, each.path)]
        return min(found, key=lambda each: each.model_key != model.key, default=None)

    def instances_of(self, model: CatalogModel) -> tuple[HostInstance, ...]:
        """Return all loaded instances of the model, whatever their identifiers."""
        return tuple(each for each in self.loaded if model.is_listed_as(each.model_key, each.path))


class HostSession:
    """Connections to the namespaces that deal with models; `open_host_session` opens them."""

    def __init__(
        self, address: str, system: Connection, by_domain: Mapping[Domain, Connection]
    ) -> None:
        self.address = address
        self._system = system
        self._by_domain = by_domain

    async def inventory(self) -> Inventory:
        """Ask for the models that are downloaded and loaded now."""
        downloaded = await self._list(self._system, "listDownloadedModels", HostModel)
        loaded: list[HostInstance] = []
        for domain in DOMAINS:
            loaded += await self._list(self._by_domain[domain], "listLoaded", HostInstance)
        return Inventory(tuple(downloaded), tuple(loaded))

    async def unload(self, instance: HostInstance) -> None:
        """Unload one instance, unless it is gone already."""
        try:
            connection = self._by_domain[instance.type]
            await connection.rpc("unloadModel", {"identifier": instance.identifier})
        except RpcError as error:
            if error.code != "generic.noModelMatchingQuery":
                raise

    async def load(
        self, model: CatalogModel, model_key: str, on_progress: Callable[[float], None]
    ) -> None:
        """Load an instance with the catalog's key as identifier, the suite's context and no TTL.

        On cancellation the host is told to stop loading.

        Args:
            model: what to load and how.
            model_key: the key under which the host lists the model.
            on_progress: called with fractions from 0 to 1.

        Raises:
            WireError: the host refused to load the model, or the connection failed.
            HostModelError: the host ended the channel without a result.
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
            raise HostModelError(f"{self.address} stopped loading {model.key} without a result")

    async def _list(self, connection: Connection, endpoint: str, item: type[_T]) -> list[_T]:
        answer = await connection.rpc(endpoint)
        try:
            return msgspec.convert(answer, list[item])  # type: ignore[valid-type]
        except msgspec.ValidationError as error:
            raise HostModelError(
                f"{self.address}: the answer to {endpoint} has an unknown form: {error}"
            ) from None


def load_config(model: CatalogModel) -> dict[str, Any]:
    """Return the load configuration that the suite expects for a model."""
    key = f"{model.domain}.load.contextLength"
    return {key: model.context_length}


@asynccontextmanager
async def open_host_session(
    address: str, credentials: Credentials | None = None
) -> AsyncIterator[HostSession]:
    """Connect to the namespaces that deal with models on `host:port`.

    Args:
        address: `host:port`.
        credentials: the identity; by default that of `connect`.

    Raises:
        WireError: a connection failed.
    """
    async with AsyncExitStack() as stack:
        # Not strict, like the SDK: the host is not under test here.
        system = await stack.enter_async_context(
            connect(address, "system", credentials, strict=False)
        )
        by_domain = {
            domain: await stack.enter_async_context(
                connect(address, domain, credentials, strict=False)
            )
            for domain in DOMAINS
        }
        yield HostSession(address, system, MappingProxyType(by_domain))
