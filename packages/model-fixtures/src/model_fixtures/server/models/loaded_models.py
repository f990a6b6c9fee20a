"""Loaded models: load, get or load just in time, unload, expire."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

import anyio
import msgspec
from anyio.abc import TaskGroup

from model_fixtures.catalog import Catalog, CatalogModel, size_bytes
from model_fixtures.server.engine.engine import Engine
from model_fixtures.server.engine.errors import InstanceGoneError, LoadFailedError
from model_fixtures.server.engine.load_config import (
    SILENCE,
    EngineConfig,
    effective_load_config,
    engine_config,
)
from model_fixtures.server.protocol.errors import (
    DomainMismatchError,
    NoModelMatchingError,
    PathNotFoundError,
    ServerError,
    SpecificModelUnloadedError,
)
from model_fixtures.server.protocol.kv_config import Settings
from model_fixtures.server.protocol.payloads.models import (
    ModelInfo,
    ModelQuery,
    QuerySpecifier,
    Specifier,
)
from model_fixtures.server.thread_pools import Threads
from model_fixtures.weights import WeightsError, ensure

from .crashed_instances import Crashes
from .damaged_weights import renew_damaged
from .downloaded_models import Library
from .instance_query import matching
from .jit_eviction import GRACE, PATIENCE, GivingWay
from .jit_load import JitJob, JitJobs, Listener
from .loaded_instance import Instance
from .model_info import model_info

DEFAULT_JIT_TTL = 3600.0  # seconds, the app's
DEFAULT_LLM_CONTEXT = 4096  # tokens, the app's
DEFAULT_EMBEDDING_CONTEXT = 2048

OnProgress = Callable[[float], None]


class Registry:
    """All models of a server. An async context manager; leaving it ends every worker.

    Args:
        library: the downloaded models.
        threads: CPU threads of each worker.
        silence: seconds without a sign of life after which a worker that is waited for is ended.
        grace: seconds in which a model that was handed out just in time doesn't give way unused.
        patience: seconds after which it gives way in any case.
    """

    def __init__(
        self,
        library: Library,
        *,
        threads: int = 1,
        silence: float = SILENCE,
        grace: float = GRACE,
        patience: float = PATIENCE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._library = library
        self._threads = threads
        self._silence = silence
        self._grace = grace
        self._clock = clock
        self._instances: dict[str, Instance] = {}
        self._reserved: set[str] = set()
        self._changed = anyio.Event()
        self._drafting = anyio.Lock()
        self._tasks: TaskGroup | None = None
        self._looking = Threads(4)
        self._fetching = Threads(8)
        self._jit_jobs = JitJobs()
        self._giving_way = GivingWay(patience, clock, self.loaded, self.unload)
        self._crashes = Crashes()
        self.experiment_flags: set[str] = set()

    async def __aenter__(self) -> Registry:
        self._tasks = await anyio.create_task_group().__aenter__()
        self._tasks.start_soon(self._expire)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool | None:
        assert self._tasks is not None
        with anyio.CancelScope(shield=True):
            async with anyio.create_task_group() as closing:
                for instance in self._instances.values():
                    closing.start_soon(instance.close)
            self._instances.clear()
        self._tasks.cancel_scope.cancel()
        return await self._tasks.__aexit__(kind, error, trace)

    async def catalog(self) -> Catalog:
        """Return the models that are downloaded now."""
        return await self._looking.run(lambda: self._library.catalog)

    async def model_infos(self) -> list[ModelInfo]:
        """Return what clients are told of each of them, loaded or not."""
        catalog = await self.catalog()
        return await self._looking.run(lambda: [model_info(model) for model in catalog.models])

    @property
    def tasks(self) -> TaskGroup:
        """Runs what must outlive the request that started it."""
        assert self._tasks is not None
        return self._tasks

    def loaded(self, domain: str | None = None) -> list[Instance]:
        """Return the loaded instances of a domain (or all), oldest first."""
        return [
            instance
            for instance in self._instances.values()
            if domain in (None, instance.model.domain) and instance.alive
        ]

    def find(self, specifier: Specifier, domain: str) -> Instance:
        """Return the loaded instance that a specifier means in a domain.

        Raises:
            ServerError: there is none; the code tells why.
        """
        if isinstance(specifier, QuerySpecifier):
            found = matching(specifier.query, self.loaded(domain))
            if not found:
                raise self._none_matches(specifier, domain)
            return found[0]
        for instance in self.loaded():
            if instance.reference == specifier.instance_reference:
                if instance.model.domain != domain:
                    raise DomainMismatchError(instance.model.path, instance.model.domain, domain)
                return instance
        crash = self._crashes.reason(specifier.instance_reference)
        raise SpecificModelUnloadedError(crash)

    async def model(self, name: str, domain: str) -> tuple[CatalogModel, list[str]]:
        """Return the downloaded model that a name means, and the keys of all that it may mean.

        Raises:
            ServerError: it is not downloaded, or of another domain.
        """
        catalog = await self.catalog()
        anywhere = catalog.find(name)
        found = [model for model in anywhere if model.domain == domain]
        if found:
            return found[0], [model.key for model in found]
        if anywhere:
            raise DomainMismatchError(anywhere[0].path, anywhere[0].domain, domain)
        raise PathNotFoundError(name, [model.path for model in catalog.models])

    async def load(
        self,
        model: CatalogModel,
        settings: Settings,
        *,
        identifier: str | None = None,
        ttl: float | None = None,
        jit: bool = False,
        on_progress: OnProgress = lambda progress: None,
    ) -> Instance:
        """Load a new instance.

        Args:
            model: what to load.
            settings: the merged load configuration.
            identifier: what to call it; without one the model's key, numbered when taken.
            ttl: idle seconds before it unloads, None = never.
            jit: whether it gives way to the next model loaded just in time.
            on_progress: gets rising numbers from 0 to 1.

        Raises:
            ServerError: the identifier is taken, or the weights can't be loaded.
        """
        name = self._reserve(identifier, model.key)
        try:
            on_progress(0.0)  # the weights may have to be fetched first
            config = await self._config(model, settings)
            config = msgspec.structs.replace(
                config, alias=name, name=f"{model.key} (instance {name})", silence=self._silence
            )
            size = await self._looking.run(size_bytes, model)
            instance = Instance(
                model,
                name,
                await self._start(model, config, on_progress),
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
            self._crashes.forget(name)
        finally:
            self._reserved.discard(name)
        self.tasks.start_soon(self._notice_end, instance)
        self._changed.set()
        return instance

    async def get_or_load(
        self,
        name: str,
        domain: str,
        settings: Settings | None = None,
        *,
        ttl: float | None = None,
        listener: Listener | None = None,
    ) -> Instance:
        """Return the loaded instance that a name means, else one loaded just in time.

        At most one instance stays that was loaded so; the others are unloaded before, as soon as
        those have used them to whom they were handed out. Whoever asks for a model while it loads,
        or for one that is about to give way, shares the next load.

        Args:
            name: identifier, key or path; the new instance is called so.
            domain: `llm` or `embedding`.
            settings: the load configuration, not compared with that of a loaded instance.
            ttl: idle seconds of a new instance, None = the app's hour.
            listener: is told the progress and which instances give way, and says who asks.

        Raises:
            ServerError: nothing of this name is downloaded, or it can't be loaded.
        """
        listener = listener or Listener(lambda progress: None, lambda instance: None)
        found = await self.staying(name, domain)
        if found is None:
            model, _ = await self.model(name, domain)
            found = await self.staying(name, domain)  # loaded meanwhile
        if found is not None:
            self._hand_out(found, listener.claimant)
            return found

        async def load(job: JitJob) -> Instance:
            # What was about to give way may have stayed: nobody waits for the other any more.
            instance = await self.staying(name, domain)
            if instance is None:
                await self._giving_way.clear(job)
                instance = await self.load(
                    model,
                    settings or Settings(),
                    identifier=self._free_identifier(name),
                    ttl=DEFAULT_JIT_TTL if ttl is None else ttl,
                    jit=True,
                    on_progress=job.tell_progress,
                )
            for each in job.listeners:
                self._hand_out(instance, each.claimant)
            return instance

        return await self._jit_jobs.join(model.key, load, listener, self.tasks)

    async def staying(self, name: str, domain: str) -> Instance | None:
        """Return the loaded instance that a name means, unless it is about to give way."""

        def staying() -> list[Instance]:
            found = matching(ModelQuery(identifier=name), self.loaded(domain))
            return [instance for instance in found if instance not in self._giving_way]

        if matching(ModelQuery(identifier=name), self.loaded(domain)) and not staying():
            downloaded = (await self.catalog()).find(name)
            if not any(model.domain == domain for model in downloaded):
                # An identifier that no model has: it can't be loaded anew.
                found = matching(ModelQuery(identifier=name), self.loaded(domain))
                return found[0] if found else None
        return next(iter(staying()), None)

    def _hand_out(self, instance: Instance, claimant: object) -> None:
        instance.claim(claimant, self._grace)
        with self.using(instance):
            pass  # its time-to-live starts anew

    async def unload(self, instance: Instance) -> None:
        """End an instance; predictions on it end with `modelUnloaded`."""
        if self._instances.get(instance.identifier) is instance:
            del self._instances[instance.identifier]
        self._giving_way.freed()
        await instance.close()

    @contextmanager
    def using(self, instance: Instance, claimant: object = None) -> Iterator[None]:
        """Provide a request on an instance; its time-to-live starts anew when the request ends.

        Args:
            instance: what is used.
            claimant: who asked for it, if it was handed out to somebody.
        """
        try:
            with instance.in_use(claimant):
                yield
        finally:
            self._changed.set()
            self._giving_way.freed()

    def _free_identifier(self, wanted: str) -> str:
        """Return an identifier that no instance has: the wanted one, numbered when it is taken."""
        taken = self._taken()
        name, number = wanted, 2
        while name in taken:
            name = f"{wanted}:{number}"
            number += 1
        return name

    def _taken(self) -> set[str]:
        """Return the identifiers that no new instance may have."""
        return self._reserved.union(instance.identifier for instance in self.loaded())

    def _none_matches(self, specifier: QuerySpecifier, domain: str) -> ServerError:
        query = {"domain": domain}
        for name in ("identifier", "path", "vision"):
            value = getattr(specifier.query, name)
            if isinstance(value, (str, bool)):
                query[name] = value  # type: ignore[assignment]
        crash = self._crashes.reason(specifier.query.identifier)
        return NoModelMatchingError(query, self._names(domain), crash)

    def _names(self, domain: str) -> Sequence[str]:
        return [instance.identifier for instance in self.loaded(domain)]

    def unknown_identifier(self, identifier: str, domain: str) -> ServerError:
        """Return the error for an identifier that no loaded instance has."""
        query = {"domain": domain, "identifier": identifier}
        crash = self._crashes.reason(identifier)
        return NoModelMatchingError(query, self._names(domain), crash)

    def _reserve(self, identifier: str | None, key: str) -> str:
        if identifier is not None and identifier in self._taken():
            # Titles only: the SDK puts any other part on lines of its own.
            raise ServerError(f"A model with the identifier {identifier} already exists")
        name = identifier or self._free_identifier(key)
        self._reserved.add(name)
        return name

    async def drafting(self, instance: Instance, draft: CatalogModel) -> Engine:
        """Return the engine that runs an instance's model with a draft model; started once, kept.

        Raises:
            ServerError: the draft model can't be loaded beside the model.
            InstanceGoneError: the instance was unloaded meanwhile.
        """
        async with self._drafting:
            engine = instance.drafting.get(draft.key)
            if engine is not None and engine.worker.ended.is_set():  # crashed
                del instance.drafting[draft.key]
                await engine.close()
                engine = None
            if engine is None:
                file = await self._fetching.run(_weights_file, draft)
                # llama.cpp can't draft where it can see; images are refused with a draft model.
                config = msgspec.structs.replace(
                    instance.config,
                    name=f"{instance.config.name} with the draft model {draft.key}",
                    draft_model=str(file),
                    projector=None,
                )
                engine = await self._start(instance.model, config, lambda progress: None, draft)
                if self._instances.get(instance.identifier) is not instance:
                    await engine.close()
                    raise InstanceGoneError("The model was unloaded", unloaded=True)
                instance.drafting[draft.key] = engine
            return engine

    async def _config(self, model: CatalogModel, settings: Settings) -> EngineConfig:
        embedding = model.domain == "embedding"
        prefix = "embedding.load" if embedding else "llm.load"
        default = DEFAULT_EMBEDDING_CONTEXT if embedding else DEFAULT_LLM_CONTEXT
        default = min(default, model.max_context_length)
        context = settings.integer(f"{prefix}.contextLength", default)
        if context > model.max_context_length or context < 1:
            raise ServerError(
                f"Cannot load {model.key} with a context of {context} tokens: "
                f"it has at most {model.max_context_length}"
            )
        if model.problem is not None:
            raise ServerError(f"Failed to load {model.key}: {model.problem}")
        file = await self._fetching.run(_weights_file, model)
        return engine_config(
            file,
            settings,
            embedding=embedding,
            context_length=context,
            threads=self._threads,
            projector=model.projector,
            adapter=model.adapter,
        )

    async def _start(
        self,
        model: CatalogModel,
        config: EngineConfig,
        on_progress: OnProgress,
        draft: CatalogModel | None = None,
    ) -> Engine:
        try:
            return await Engine.start(config, self.tasks, on_progress)
        except LoadFailedError as error:
            failure = ServerError(f"Failed to load {model.key}: {error}")
        # Damage that keeps a file's size shows only now, or never.
        if not await self._fetching.run(renew_damaged, (model, draft)):
            raise failure
        try:
            return await Engine.start(config, self.tasks, on_progress)
        except LoadFailedError as error:
            raise ServerError(f"Failed to load {model.key}: {error}") from error

    async def _notice_end(self, instance: Instance) -> None:
        """Forget an instance whose worker has crashed."""
        await instance.engine.worker.ended.wait()
        if self._instances.get(instance.identifier) is instance:
            self._crashes.note(instance)
            await self.unload(instance)

    async def _expire(self) -> None:
        """Unload instances at the end of their time-to-live."""
        while True:
            # First of all: what changes while an instance is being unloaded counts, too.
            self._changed = anyio.Event()
            now = self._clock()
            times = [instance.expires for instance in self.loaded() if instance.expires is not None]
            for instance in self.loaded():
                if instance.expires is not None and instance.expires <= now:
                    await self.unload(instance)
            later = [moment - now for moment in times if moment > now]
            with anyio.move_on_after(min(later, default=math.inf)):
                await self._changed.wait()


def _weights_file(model: CatalogModel) -> Path:
    if model.file is not None:
        if model.file.exists() and not model.file.is_file():  # llama.cpp would wait for a FIFO
            raise ServerError(f"Failed to load {model.key}: {model.file} is no regular file")
        return model.file
    assert model.weights is not None
    try:
        return ensure([model.weights])[model.weights]
    except WeightsError as error:
        raise ServerError(f"Failed to load {model.key}: {error}") from error
