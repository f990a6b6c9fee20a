"""All that a server has to do with models."""

from __future__ import annotations

import time
from collections.abc import Callable

from model_fixtures.server.background_tasks import BackgroundTasks
from model_fixtures.server.engine.load_config import SILENCE

from .downloaded_model_lookup import DownloadedModelLookup
from .downloaded_models import DownloadedModels
from .engines_with_draft import DraftEngines
from .jit_eviction import PATIENCE
from .jit_models import GRACE, JitModels
from .loaded_models import LoadedModels
from .start_engine import ModelLoader


class ModelsOfServer:
    """The models of a server: downloaded, loaded, loaded just in time, and with a draft model.

    Args:
        downloaded: the downloaded models.
        tasks: runs what outlives the request that started it.
        threads: CPU threads of each worker.
        silence: seconds without a sign of life after which a worker that is waited for is ended.
        grace: seconds in which an unused instance that was handed out doesn't give way to another.
        patience: seconds after which it gives way in any case.
        clock: seconds.
    """

    def __init__(
        self,
        downloaded: DownloadedModels,
        tasks: BackgroundTasks,
        *,
        threads: int = 1,
        silence: float = SILENCE,
        grace: float = GRACE,
        patience: float = PATIENCE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        loader = ModelLoader(tasks, threads=threads, silence=silence)
        self.downloaded = DownloadedModelLookup(downloaded)
        self.loaded = LoadedModels(loader, tasks, clock=clock)
        self.jit = JitModels(
            self.downloaded, self.loaded, tasks, grace=grace, patience=patience, clock=clock
        )
        self.drafts = DraftEngines(loader, self.loaded)
