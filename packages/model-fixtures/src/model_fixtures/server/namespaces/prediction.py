"""A prediction on a channel: events of the engine become packets."""

from __future__ import annotations

import time
from contextlib import aclosing
from typing import Any

from msgspec import Struct

from model_fixtures.server.engine.errors import EngineError, InstanceGoneError
from model_fixtures.server.engine.generation import Finished, Progress, Request, Text, generate
from model_fixtures.server.engine.reasoning import Piece, ReasoningSplitter
from model_fixtures.server.engine.sampling import Sampling, effective_prediction_config
from model_fixtures.server.protocol import kv_config
from model_fixtures.server.protocol.errors import ServerError
from model_fixtures.server.protocol.kv_config import Settings
from model_fixtures.server.registry.infos import instance_info
from model_fixtures.server.registry.instance import Instance

from .context import ChannelPort

REASONING_KEY = "llm.prediction.reasoning.parsing"


class Prediction(Struct, frozen=True, kw_only=True):
    """A prediction that is ready to run."""

    instance: Instance
    settings: Settings
    sampling: Sampling
    tokens: list[int]  # the prompt
    head: int
    grammar: str | None


class _Tally:
    """What the statistics are made of."""

    def __init__(self) -> None:
        self.started = time.perf_counter()
        self.first: float | None = None
        self.prompt = 0
        self.predicted = 0

    def count(self, tokens: int) -> None:
        if self.first is None:
            self.first = time.perf_counter()
        self.predicted += tokens

    def stats(self, reason: str, end: Finished | None) -> dict[str, Any]:
        """The `llmPredictionStats`; what is not known is left out."""
        now = time.perf_counter()
        predicted = self.predicted if end is None else end.predicted
        stats: dict[str, Any] = {
            "stopReason": reason,
            "totalTimeSec": now - self.started,
            "promptTokensCount": self.prompt,
            "predictedTokensCount": predicted,
            "totalTokensCount": self.prompt + predicted,
            "numGpuLayers": 0,
        }
        rate = None if end is None else end.tokens_per_second
        if rate is None and self.first is not None and now > self.first and predicted > 1:
            rate = (predicted - 1) / (now - self.first)
        if rate is not None:
            stats["tokensPerSecond"] = rate
        if self.first is not None:
            stats["timeToFirstTokenSec"] = self.first - self.started
        if end is not None and end.stop_string is not None:
            stats["stopString"] = end.stop_string
        return stats


async def run_prediction(prediction: Prediction, port: ChannelPort) -> None:
    """Sends the packets of a prediction, `success` last.

    A cancel packet ends it with `userStopped`, unloading the model with `modelUnloaded`.

    Raises:
        ServerError: the request can't be served, or the engine failed.
    """
    tally = _Tally()
    reason, end = "userStopped", None
    with port.cancellable():
        try:
            end = await _stream(prediction, port, tally)
            reason = end.stop_reason
        except InstanceGoneError as error:
            if not error.unloaded:
                raise ServerError(str(error)) from error
            reason = "modelUnloaded"
        except EngineError as error:
            raise ServerError(str(error)) from error
    instance = prediction.instance
    await port.send(
        {
            "type": "success",
            "stats": tally.stats(reason, end),
            "modelInfo": instance_info(instance),
            "loadModelConfig": kv_config.to_wire(instance.load_config),
            "predictionConfig": kv_config.to_wire(
                effective_prediction_config(prediction.settings, prediction.sampling)
            ),
        }
    )


async def _stream(prediction: Prediction, port: ChannelPort, tally: _Tally) -> Finished:
    splitter = _splitter(prediction.settings)
    instance = prediction.instance
    request = Request(
        tokens=prediction.tokens,
        head=prediction.head,
        context=instance.context_length,
        sampling=prediction.sampling,
        grammar=prediction.grammar,
    )
    async with aclosing(generate(instance.llama, instance.worker, request)) as events:
        async for event in events:
            if isinstance(event, Progress):
                tally.prompt = event.total
                port.progress(_progress(event))
            elif isinstance(event, Text):
                tally.count(event.tokens)
                for piece in splitter.feed(event.content, event.tokens):
                    await port.send(_fragment(piece))
            else:
                for piece in splitter.finish():
                    await port.send(_fragment(piece))
                return event
    raise EngineError("The generation ended without a result")


def _splitter(settings: Settings) -> ReasoningSplitter:
    parsing = Settings(settings.mapping(REASONING_KEY))
    if not parsing.boolean("enabled", True):
        return ReasoningSplitter("", "")
    return ReasoningSplitter(
        parsing.text("startString", "<think>"), parsing.text("endString", "</think>")
    )


def _progress(event: Progress) -> dict[str, Any]:
    done = event.cached + event.processed
    return {
        "type": "promptProcessingProgress",
        "progress": done / event.total if event.total else 1.0,
        "details": {
            "cachedTokenCount": event.cached,
            "totalPromptTokenCount": event.total,
            "processedPromptTokenCount": event.processed,
            "unprocessedPromptTokenCount": event.total - done,
        },
    }


def _fragment(piece: Piece) -> dict[str, Any]:
    return {
        "type": "fragment",
        "fragment": {
            "content": piece.content,
            "tokensCount": piece.tokens,
            "containsDrafted": False,
            "reasoningType": piece.kind,
            "isStructural": False,
        },
    }
