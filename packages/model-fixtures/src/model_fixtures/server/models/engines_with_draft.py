"""Engines that run a loaded model together with a draft model."""

from __future__ import annotations

import anyio
import msgspec

from model_fixtures.catalog import CatalogModel
from model_fixtures.server.engine.engine import Engine
from model_fixtures.server.engine.errors import InstanceGoneError

from .loaded_instance import LoadedInstance
from .loaded_models import LoadedModels
from .start_engine import ModelLoader


class DraftEngines:
    """Starts an engine for each pair of an instance and a draft model; the instance keeps it.

    Args:
        loader: starts engines.
        loaded: the loaded models.
    """

    def __init__(self, loader: ModelLoader, loaded: LoadedModels) -> None:
        self._loader = loader
        self._loaded = loaded
        self._one_at_a_time = anyio.Lock()

    async def get(self, instance: LoadedInstance, draft: CatalogModel) -> Engine:
        """Return the engine that runs an instance's model with a draft model.

        Raises:
            ServerError: the draft model can't be loaded beside the model.
            InstanceGoneError: the instance was unloaded meanwhile.
        """
        async with self._one_at_a_time:
            engine = instance.drafting.get(draft.key)
            if engine is not None and engine.worker.ended.is_set():  # crashed
                del instance.drafting[draft.key]
                await engine.close()
                engine = None
            if engine is None:
                engine = instance.drafting[draft.key] = await self._start(instance, draft)
            return engine

    async def _start(self, instance: LoadedInstance, draft: CatalogModel) -> Engine:
        file = await self._loader.weights_file(draft)
        # llama.cpp can't draft where it can see; images are refused with a draft model.
        config = msgspec.structs.replace(
            instance.config,
            name=f"{instance.config.name} with the draft model {draft.key}",
            draft_model=str(file),
            projector=None,
        )
        engine = await self._loader.start(instance.model, config, lambda progress: None, draft)
        if instance not in self._loaded:
            await engine.close()
            raise InstanceGoneError("The model was unloaded", unloaded=True)
        return engine
