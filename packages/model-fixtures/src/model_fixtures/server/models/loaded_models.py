"""The loaded models: loading and unloading instances, listing them, and finding them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType

import anyio

from model_fixtures.catalog import CatalogModel
from model_fixtures.server.background_tasks import BackgroundTasks
from model_fixtures.server.engine.engine import Engine
from model_fixtures.server.engine.load_config import effective_load_config, sessions_of
from model_fixtures.server.protocol.errors import (
    DeviceNotLinkedError,
    DomainMismatchError,
    NoModelMatchingError,
    ServerError,
    SpecificModelUnloadedError,
)
from model_fixtures.server.protocol.kv_config import Settings
from model_fixtures.server.protocol.payloads.models import ModelQuery, QuerySpecifier, Specifier

from .crash_reasons import CrashReasons
from .expiry import Expiry
from .instance_query import matching
from .loaded_instance import LoadedInstance
from .start_engine import ModelLoader, OnProgress


class LoadedModels:
    """All loaded instances. An async context manager; leaving it ends every worker.

    Args:
        loader: starts the workers.
        tasks: unloads instances that expire, and notices crashes.
        clock: seconds.
    """

    def __init__(
        self,
        loader: ModelLoader,
        tasks: BackgroundTasks,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._loader = loader
        self._tasks = tasks
        self._clock = clock
        self._instances: dict[str, LoadedInstance] = {}
        self._reserved: set[str] = set()  # identifiers of instances that are being loaded
        self._crashed = CrashReasons()
        self._expiry = Expiry(self.all, self.unload, clock)
        self._freed_callbacks: list[Callable[[], None]] = []

    async def __aenter__(self) -> LoadedModels:
        self._tasks.group.start_soon(self._expiry.run)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with anyio.CancelScope(shield=True):
            async with anyio.create_task_group() as closing:
                for instance in self._instances.values():
                    closing.start_soon(instance.close)
            self._instances.clear()

    def __contains__(self, instance: LoadedInstance) -> bool:
        """Return whether an instance is loaded."""
        return self._instances.get(instance.identifier) is instance

    def all(self, domain: str | None = None) -> list[LoadedInstance]:
        """Return the loaded instances of a domain (None = of all domains), oldest first."""
        return [
            instance
            for instance in self._instances.values()
            if domain in (None, instance.model.domain) and instance.alive
        ]

    def find(self, specifier: Specifier, domain: str) -> LoadedInstance:
        """Return the loaded instance that a specifier means in a domain.

        Raises:
            NoModelMatchingError: no instance matches the query.
            SpecificModelUnloadedError: no instance has the reference.
            DomainMismatchError: the instance with the reference is of another domain.
        """
        if isinstance(specifier, QuerySpecifier):
            return self._find_by_query(specifier.query, domain)
        for instance in self.all():
            if instance.reference == specifier.instance_reference:
                if instance.model.domain != domain:
                    raise DomainMismatchError(instance.model.path, instance.model.domain, domain)
                return instance
        raise SpecificModelUnloadedError(self._crashed.reason(specifier.instance_reference))

    def _find_by_query(self, query: ModelQuery, domain: str) -> LoadedInstance:
        loaded = self.all(domain)
        found = matching(query, loaded)
        if found:
            return found[0]
        asked: dict[str, str | bool] = {"domain": domain}
        for name in ("identifier", "path", "vision"):
            value = getattr(query, name)
            if isinstance(value, (str, bool)):
                asked[name] = value
        why = self._crashed.reason(query.identifier)
        if isinstance(query.device_identifier, str):
            asked["deviceIdentifier"] = query.device_identifier
            why = DeviceNotLinkedError(query.device_identifier).title
        identifiers = [instance.identifier for instance in loaded]
        raise NoModelMatchingError(asked, identifiers, why)

    async def load(
        self,
        model: CatalogModel,
        settings: Settings,
        *,
        identifier: str | None = None,
        ttl: float | None = None,
        jit: bool = False,
        on_progress: OnProgress = lambda progress: None,
    ) -> LoadedInstance:
        """Load a new instance.

        Args:
            model: what to load.
            settings: the merged load configuration.
            identifier: what to call it; without one the model's key, numbered when taken.
            ttl: idle seconds before it is unloaded, None = never.
            jit: whether it gives way to the next model that is loaded just in time.
            on_progress: gets rising numbers from 0 to 1.

        Raises:
            ServerError: the identifier is taken, or the weights can't be loaded.
        """
        name = self._reserve(identifier, model.key)
        try:
            on_progress(0.0)  # the weights may have to be fetched first
            config = await self._loader.config(model, settings, name)
            size = await self._loader.size(model)
            instance = LoadedInstance(
                model,
                name,
                await self._loader.start_sessions(
                    model, config, 1 if config.embedding else sessions_of(settings), on_progress
                ),
                config=config,
                settings=settings,
                load_config=effective_load_config(
                    settings, embedding=config.embedding, context_length=config.context_length
                ),
                context_length=config.context_length,
                ttl=ttl,
                jit=jit,
                size=size,
                clock=self._clock,
            )
            self._instances[name] = instance
            self._crashed.forget(name)
        finally:
            self._reserved.discard(name)
        for engine in instance.engines:
            self._tasks.group.start_soon(self._notice_end, instance, engine)
        self._expiry.look_again()
        return instance

    async def unload(self, instance: LoadedInstance) -> None:
        """Unload an instance; predictions on it end with `modelUnloaded`."""
        if instance in self:
            del self._instances[instance.identifier]
        self._tell_freed()
        await instance.close()

    @contextmanager
    def using(self, instance: LoadedInstance, claimant: object = None) -> Iterator[None]:
        """Count a request on an instance; its time-to-live starts anew when the block ends.

        Args:
            instance: what is used.
            claimant: who asked for it, if it was handed out to somebody.
        """
        try:
            with instance.in_use(claimant):
                yield
        finally:
            self._expiry.look_again()
            self._tell_freed()

    def on_freed(self, callback: Callable[[], None]) -> None:
        """Call back whenever a request has ended, or an instance is unloaded."""
        self._freed_callbacks.append(callback)

    def _tell_freed(self) -> None:
        for callback in self._freed_callbacks:
            callback()

    def free_identifier(self, wanted: str) -> str:
        """Return an identifier that no instance has: the wanted one, numbered when it is taken."""
        taken = self._taken()
        name, number = wanted, 2
        while name in taken:
            name = f"{wanted}:{number}"
            number += 1
        return name

    def _reserve(self, identifier: str | None, key: str) -> str:
        if identifier is not None and identifier in self._taken():
            # Titles only: the SDK puts any other part on lines of its own.
            raise ServerError(f"A model with the identifier {identifier} already exists")
        name = identifier or self.free_identifier(key)
        self._reserved.add(name)
        return name

    def _taken(self) -> set[str]:
        """Return the identifiers that no new instance may have."""
        return self._reserved.union(instance.identifier for instance in self.all())

    async def _notice_end(self, instance: LoadedInstance, engine: Engine) -> None:
        """Forget an instance one of whose workers has crashed."""
        await engine.worker.ended.wait()
        if instance in self:
            self._crashed.note(instance)
            await self.unload(instance)
