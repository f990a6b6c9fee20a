"""Run the predictions of a request, and answer with chunks or with one whole object."""

from __future__ import annotations

import secrets
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any, Protocol

from msgspec import Struct

from model_fixtures.server.engine.generation import Progress
from model_fixtures.server.models.loaded_instance import LoadedInstance
from model_fixtures.server.prediction.output_splitter import OutputEvent
from model_fixtures.server.prediction.running_prediction import RunningPrediction
from model_fixtures.server.prediction.statistics import Statistics

from .prediction_stats import lmstudio_details, usage


class Choice(Protocol):
    """One choice of an answer."""

    def parts(self, event: OutputEvent) -> list[dict[str, Any]]:
        """Return the choices with which an event is told in a stream."""

    def end(self, statistics: Statistics) -> list[dict[str, Any]]:
        """Return the last choices of a stream."""

    def whole(self) -> dict[str, Any]:
        """Return the choice of an answer that is not streamed."""


class Shape(Struct, frozen=True, kw_only=True):
    """What an answer looks like around its choices."""

    prefix: str  # of its id
    kind: str  # the `object` of a whole answer
    chunk_kind: str  # and of a chunk
    details: bool  # whether to add what LM Studio's own routes tell
    include_usage: bool  # whether a stream tells the tokens at its end


CHAT = ("chatcmpl", "chat.completion", "chat.completion.chunk")
COMPLETION = ("cmpl", "text_completion", "text_completion")


class PredictionAnswer:
    """The answer to a request that has one prediction for each choice.

    Args:
        instance: the model that answers.
        predictions: what to run, one after the other.
        shape: what the answer looks like.
    """

    def __init__(
        self,
        instance: LoadedInstance,
        predictions: list[tuple[RunningPrediction, Choice]],
        shape: Shape,
    ) -> None:
        self._instance = instance
        self._predictions = predictions
        self._shape = shape
        self._id = f"{shape.prefix}-{secrets.token_hex(12)}"
        self._created = int(time.time())

    async def chunks(self) -> AsyncGenerator[dict[str, Any], None]:
        """Yield the chunks of a stream; leaving the iteration stops the prediction.

        Raises:
            ServerError: the request can't be served.
            EngineError: the engine failed, or the model was unloaded.
        """
        for run, choice in self._predictions:
            async with aclosing(run.events()) as events:
                async for event in events:
                    if not isinstance(event, Progress):
                        for part in choice.parts(event):
                            yield self._chunk([part])
            *before, last = choice.end(run.statistics)
            for part in before:
                yield self._chunk([part])
            yield self._chunk([last]) | self._details(run.statistics)
        if self._shape.include_usage:
            yield self._chunk([]) | {"usage": self._usage()}

    async def whole(self) -> dict[str, Any]:
        """Return the whole answer. The errors are those of `chunks`."""
        async with aclosing(self.chunks()) as chunks:
            async for _ in chunks:
                pass
        choices = [choice.whole() for _, choice in self._predictions]
        last, _ = self._predictions[-1]
        told = {"choices": choices, "usage": self._usage()}
        return self._head(self._shape.kind) | told | self._details(last.statistics)

    def _chunk(self, choices: list[dict[str, Any]]) -> dict[str, Any]:
        chunk = self._head(self._shape.chunk_kind) | {"choices": choices}
        return chunk | {"usage": None} if self._shape.include_usage else chunk

    def _head(self, kind: str) -> dict[str, Any]:
        return {
            "id": self._id,
            "object": kind,
            "created": self._created,
            "model": self._instance.identifier,
            "system_fingerprint": self._instance.model.key,
        }

    def _usage(self) -> dict[str, int]:
        return usage([run.statistics for run, _ in self._predictions])

    def _details(self, statistics: Statistics) -> dict[str, Any]:
        return lmstudio_details(self._instance, statistics) if self._shape.details else {}
