"""Models that are loaded when a client asks for them, unless they are loaded already."""

from __future__ import annotations

import time
from collections.abc import Callable

import anyio

from model_fixtures.server.background_tasks import BackgroundTasks
from model_fixtures.server.protocol.kv_config import Settings
from model_fixtures.server.protocol.payloads.models import ModelQuery
from model_fixtures.server.shared_tasks import SharedTasks

from .downloaded_model_lookup import DownloadedModelLookup
from .instance_query import matching
from .jit_eviction import PATIENCE, JitEviction
from .jit_load_under_way import JitListener, JitLoad
from .loaded_instance import LoadedInstance
from .loaded_models import LoadedModels

DEFAULT_TTL = 3600.0  # seconds, the app's
GRACE = 2.0  # seconds that a client may take to use an instance that was handed out to it


class JitModels:
    """Loads models just in time: one load for all who ask for a model at once, one at a time.

    Args:
        downloaded: the downloaded models.
        loaded: the loaded models.
        tasks: runs the loads, which may outlive the client that started them.
        grace: seconds in which an instance that was handed out doesn't give way unused.
        patience: seconds after which it gives way in any case.
        clock: seconds.
    """

    def __init__(
        self,
        downloaded: DownloadedModelLookup,
        loaded: LoadedModels,
        tasks: BackgroundTasks,
        *,
        grace: float = GRACE,
        patience: float = PATIENCE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._downloaded = downloaded
        self._loaded = loaded
        self._grace = grace
        self._eviction = JitEviction(loaded, patience=patience, clock=clock)
        self._one_at_a_time = anyio.Lock()
        # A client that gives up doesn't wait: fetching weights can't be interrupted.
        self._loads = SharedTasks[JitListener, LoadedInstance](tasks, awaits_end=False)

    async def get_or_load(
        self,
        name: str,
        domain: str,
        settings: Settings | None = None,
        *,
        ttl: float | None = None,
        listener: JitListener | None = None,
    ) -> LoadedInstance:
        """Return the loaded instance that a name means, or load the model just in time.

        Only one instance that was loaded just in time stays: the others give way to it.

        Args:
            name: an identifier, a key, or a leading part of a path.
            domain: `llm` or `embedding`.
            settings: the load configuration, not compared with that of a loaded instance.
            ttl: idle seconds of a new instance, None = the app's hour.
            listener: who asks; it is told the progress and which instances give way.

        Raises:
            ServerError: nothing of this name is downloaded, or it can't be loaded.
        """
        listener = listener or JitListener(lambda progress: None, lambda instance: None)
        found = await self.staying(name, domain)
        if found is None:
            model, _ = await self._downloaded.find(name, domain)
            found = await self.staying(name, domain)  # loaded meanwhile
        if found is not None:
            self._hand_out(found, listener.claimant)
            return found

        async def load(task: JitLoad) -> LoadedInstance:
            # An instance that was about to give way stays if nobody waits for the other model.
            instance = await self.staying(name, domain)
            if instance is None:
                await self._eviction.clear(task)
                instance = await self._loaded.load(
                    model,
                    settings or Settings(),
                    identifier=self._loaded.free_identifier(name),
                    ttl=DEFAULT_TTL if ttl is None else ttl,
                    jit=True,
                    on_progress=task.tell_progress,
                )
            for each in task.listeners:
                self._hand_out(instance, each.claimant)
            return instance

        def create() -> JitLoad:
            return JitLoad(model.key, load, self._one_at_a_time)

        return await self._loads.join(model.key, create, listener)

    async def staying(self, name: str, domain: str) -> LoadedInstance | None:
        """Return the loaded instance that a name means, unless it is about to give way."""
        if self._matching(name, domain) and not self._staying(name, domain):
            catalog = await self._downloaded.catalog()
            if not any(model.domain == domain for model in catalog.find(name)):
                # An identifier that no model has: it can't be loaded anew.
                return next(iter(self._matching(name, domain)), None)
        return next(iter(self._staying(name, domain)), None)

    def _matching(self, name: str, domain: str) -> list[LoadedInstance]:
        return matching(ModelQuery(identifier=name), self._loaded.all(domain))

    def _staying(self, name: str, domain: str) -> list[LoadedInstance]:
        found = self._matching(name, domain)
        return [instance for instance in found if instance not in self._eviction]

    def _hand_out(self, instance: LoadedInstance, claimant: object) -> None:
        instance.claim(claimant, self._grace)
        with self._loaded.using(instance):
            pass  # its time-to-live starts anew
