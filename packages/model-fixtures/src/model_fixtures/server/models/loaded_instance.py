"""A loaded model: its identity, its engine, its idle clock."""

from __future__ import annotations

import math
import secrets
import string
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import anyio

from model_fixtures.catalog import CatalogModel
from model_fixtures.server.engine.engine import Engine
from model_fixtures.server.engine.llama_client import LlamaServer
from model_fixtures.server.engine.load_config import EngineConfig
from model_fixtures.server.engine.running_predictions import Phase
from model_fixtures.server.protocol.kv_config import Settings

from .sessions import Sessions

ALPHABET = string.ascii_letters + string.digits


def new_reference() -> str:
    """Return an opaque 24-character instance reference, never used twice."""
    return "".join(secrets.choice(ALPHABET) for _ in range(24))


class LoadedInstance:
    """One loaded instance of a model.

    Args:
        model: the catalog entry it was loaded from.
        identifier: what clients call it, unique among the loaded instances.
        engines: llama.cpp with the model, once for each prediction that runs at a time.
        config: how the first engine was started.
        settings: the merged load configuration of the request.
        load_config: the effective load configuration, as it is reported.
        context_length: tokens.
        ttl: idle seconds before it is unloaded, None = never.
        jit: whether it was loaded just in time, and so gives way to the next such model.
        size: bytes of its files.
    """

    def __init__(
        self,
        model: CatalogModel,
        identifier: str,
        engines: Sequence[Engine],
        *,
        config: EngineConfig,
        settings: Settings,
        load_config: dict[str, Any],
        context_length: int,
        ttl: float | None,
        jit: bool,
        size: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.model = model
        self.identifier = identifier
        self.reference = new_reference()
        self.engines = engines
        self.sessions = Sessions(engines)
        self.config = config
        self.drafting: dict[str, Engine] = {}  # the same model with a draft model, by its key
        self.settings = settings
        self.load_config = load_config
        self.context_length = context_length
        self.ttl = ttl
        self.jit = jit
        self.size = size
        self._clock = clock
        self._idle_since = clock()
        self._claims: list[tuple[object, float]] = []  # who has yet to use it, until when
        self.requests = 0

    @property
    def llama(self) -> LlamaServer:
        """The client of a worker, for what is no prediction."""
        return self.engines[0].llama

    @property
    def busy(self) -> bool:
        """Whether a request is under way."""
        return self.requests > 0

    def phases(self) -> list[Phase]:
        """Return how far the requests are; those that no engine knows yet are being prepared."""
        engines = (*self.engines, *self.drafting.values())
        known = [phase for engine in engines for phase in engine.predictions.phases()]
        prepared: list[Phase] = ["waiting"] * (self.requests - len(known))
        return known + prepared

    @property
    def expires(self) -> float | None:
        """The time at which its time-to-live ends, None while it is busy or lives for ever."""
        return None if self.ttl is None or self.busy else self._idle_since + self.ttl

    @property
    def alive(self) -> bool:
        """Whether its workers run."""
        return not any(engine.worker.ended.is_set() for engine in self.engines)

    @property
    def failure(self) -> str:
        """Why it crashed; empty if it did not."""
        return next(filter(None, (engine.worker.failure for engine in self.engines)), "")

    @property
    def may_go(self) -> float:
        """The time from which it may give way to another: nobody uses it or is about to."""
        if self.busy:
            return math.inf
        return max((until for _, until in self._claims), default=-math.inf)

    def claim(self, claimant: object, seconds: float) -> None:
        """Hand the instance out to somebody who may take some seconds to use it."""
        now = self._clock()
        self._claims = [each for each in self._claims if each[1] > now]
        self._claims.append((claimant, now + seconds))

    @contextmanager
    def in_use(self, claimant: object = None) -> Iterator[None]:
        """Count a request; the idle clock starts anew when the last one ends."""
        for index, (who, _) in enumerate(self._claims):
            if who is not None and who is claimant:
                del self._claims[index]  # only one: the same client may have asked in two tasks
                break
        self.requests += 1
        try:
            yield
        finally:
            self.requests -= 1
            self._idle_since = self._clock()

    async def close(self) -> None:
        """End its worker processes."""
        async with anyio.create_task_group() as closing:
            for engine in (*self.engines, *self.drafting.values()):
                closing.start_soon(engine.close)
