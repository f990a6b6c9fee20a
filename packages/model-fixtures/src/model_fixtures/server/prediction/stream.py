"""A prediction on a channel: the events of the engine become packets."""

from __future__ import annotations

import secrets
import time
from contextlib import AsyncExitStack, aclosing
from typing import Any

from model_fixtures.catalog import CatalogModel
from model_fixtures.server.engine.errors import EngineError, InstanceGoneError
from model_fixtures.server.engine.generation import (
    Finished,
    Progress,
    Text,
    TokenProbability,
    generate,
)
from model_fixtures.server.engine.sampling import effective_prediction_config
from model_fixtures.server.handlers.handler_context import ChannelPort, Context, Packet
from model_fixtures.server.models.model_info import instance_info
from model_fixtures.server.models.sessions import Session
from model_fixtures.server.protocol import kv_config
from model_fixtures.server.protocol.errors import ServerError
from model_fixtures.server.protocol.kv_config import Settings

from .build import Prediction
from .reasoning_splitter import Piece, ReasoningSplitter
from .tool_call_splitter import (
    CallArguments,
    CallEnded,
    CallFailed,
    CallNamed,
    CallStarted,
    PlainText,
    ToolCallSplitter,
    ToolEvent,
)

REASONING_KEY = "llm.prediction.reasoning.parsing"


async def run_prediction(context: Context, prediction: Prediction, port: ChannelPort) -> None:
    """Send the packets of a prediction, `success` last.

    A cancel packet ends it with `userStopped`, unloading the model with `modelUnloaded`.

    Raises:
        ServerError: the request can't be served.
        EngineError: the engine failed.
    """
    tally = _Tally()
    reason, end = "userStopped", None
    instance = prediction.instance
    if context.state.logs.heard:
        context.state.logs.publish(
            {
                "type": "llm.prediction.input",
                "modelPath": instance.model.path,
                "modelIdentifier": instance.identifier,
                "input": prediction.formatted,
            }
        )
    with port.cancellable():
        try:
            end = await _stream(context, prediction, port, tally)
            reason = end.stop_reason
        except InstanceGoneError as error:
            if not error.unloaded:
                raise
            reason = "modelUnloaded"
    stats = tally.stats(reason, end, prediction.draft_model)
    if context.state.logs.heard:
        context.state.logs.publish(
            {
                "type": "llm.prediction.output",
                "modelIdentifier": instance.identifier,
                "output": tally.text,
                "stats": stats,
            }
        )
    await port.send(
        {
            "type": "success",
            "stats": stats,
            "modelInfo": instance_info(instance),
            "loadModelConfig": kv_config.to_wire(instance.load_config),
            "predictionConfig": kv_config.to_wire(
                effective_prediction_config(prediction.settings, prediction.request.sampling)
            ),
        }
    )


async def draft_model(context: Context, key: str) -> CatalogModel:
    """Return the downloaded model that is to draft tokens (speculative decoding).

    Raises:
        ServerError: there is no such model.
    """
    found = (await context.models.downloaded.catalog()).find(key, "llm")
    if not found:
        raise ServerError(f'Cannot find model "{key}"')
    return found[0]


async def _stream(
    context: Context, prediction: Prediction, port: ChannelPort, tally: _Tally
) -> Finished:
    output = _Output(prediction)
    request = prediction.request
    async with AsyncExitStack() as use:
        session: Session | None = None
        draft = None
        if prediction.draft_model is not None:
            if request.images is not None:
                raise ServerError("A draft model can't be used in a chat with images")
            draft = await draft_model(context, prediction.draft_model)
        # Repeated while the prediction waits for others, or the draft model loads.
        port.progress(_progress(Progress(len(request.tokens), 0, 0)))
        if draft is not None and prediction.drafts:
            engine = await context.models.drafts.get(prediction.instance, draft)
        else:
            preamble = request.tokens[: request.preamble]
            session = await use.enter_async_context(prediction.instance.sessions.one(preamble))
            engine = session.engine
        events = await use.enter_async_context(aclosing(generate(engine, request)))
        async for event in events:
            if isinstance(event, Progress):
                tally.prompt = event.total
                port.progress(_progress(event))
            elif isinstance(event, Text):
                if session is not None:
                    session.answers()
                tally.count(event.content, event.tokens)
                for packet in output.feed(event):
                    await port.send(packet)
            else:
                for packet in output.finish():
                    await port.send(packet)
                return event
    raise EngineError("The generation ended without a result")


class _Tally:
    """Counts tokens and takes times while a prediction runs."""

    def __init__(self) -> None:
        self._started = time.perf_counter()
        self._first: float | None = None
        self._predicted = 0
        self.prompt = 0
        self.text = ""

    def count(self, text: str, tokens: int) -> None:
        """Count generated text."""
        if self._first is None:
            self._first = time.perf_counter()
        self._predicted += tokens
        self.text += text

    def stats(self, reason: str, end: Finished | None, draft_model: str | None) -> dict[str, Any]:
        """Return the `llmPredictionStats`; what is not known is left out. Times are in seconds.

        Args:
            reason: why the prediction ended.
            end: the last event of the engine, None if the prediction was cut off.
            draft_model: the key of the model that drafted, if one did.
        """
        now = time.perf_counter()
        predicted = self._predicted if end is None else end.predicted
        stats: dict[str, Any] = {
            "stopReason": reason,
            "totalTimeSec": now - self._started,
            "promptTokensCount": self.prompt,
            "predictedTokensCount": predicted,
            "totalTokensCount": self.prompt + predicted,
            "numGpuLayers": 0,
        }
        rate = None if end is None else end.tokens_per_second
        if rate is None and self._first is not None and now > self._first and predicted > 1:
            rate = (predicted - 1) / (now - self._first)
        if rate is not None:
            stats["tokensPerSecond"] = rate
        if self._first is not None:
            stats["timeToFirstTokenSec"] = self._first - self._started
        if end is not None and end.stop_string is not None:
            stats["stopString"] = end.stop_string
        if draft_model is not None and end is not None:
            stats |= {
                "usedDraftModelKey": draft_model,
                "totalDraftTokensCount": end.drafted,
                "acceptedDraftTokensCount": end.accepted,
                "rejectedDraftTokensCount": end.drafted - end.accepted,
                "ignoredDraftTokensCount": 0,
            }
        return stats


class _Output:
    """Turns generated text into packets: reasoning first, then tool calls in the rest."""

    def __init__(self, prediction: Prediction) -> None:
        parsing = Settings(prediction.settings.mapping(REASONING_KEY))
        if parsing.boolean("enabled", True):
            start, end = (
                parsing.text("startString", "<think>"),
                parsing.text("endString", "</think>"),
            )
            self._reasoning = ReasoningSplitter(start, end)
        else:
            self._reasoning = ReasoningSplitter("", "")
        names = prediction.tool_names
        self._tools = ToolCallSplitter(names) if names else None
        self._drafted = prediction.drafts
        self._log_probs = prediction.request.sampling.log_probs

    def feed(self, text: Text) -> list[Packet]:
        return self._packets(self._reasoning.feed(text.content, text.tokens, text.probabilities))

    def finish(self) -> list[Packet]:
        packets = self._packets(self._reasoning.finish())
        if self._tools is not None:
            packets += [self._tool_packet(event) for event in self._tools.finish()]
        return packets

    def _packets(self, pieces: list[Piece]) -> list[Packet]:
        packets: list[Packet] = []
        for piece in pieces:
            if self._tools is None or piece.kind != "none":
                packets.append(self._fragment(piece))
            else:
                events = self._tools.feed(piece.content, piece.tokens, piece.probabilities)
                packets += [self._tool_packet(event) for event in events]
        return packets

    def _fragment(self, piece: Piece) -> Packet:
        fragment: dict[str, Any] = {
            "content": piece.content,
            "tokensCount": piece.tokens,
            "containsDrafted": self._drafted,
            "reasoningType": piece.kind,
            "isStructural": False,
        }
        if self._log_probs is not None:
            fragment["tokens"] = [_token(each, self._log_probs) for each in piece.probabilities]
        return {"type": "fragment", "fragment": fragment}

    def _tool_packet(self, event: ToolEvent) -> Packet:
        match event:
            case PlainText():
                piece = Piece(event.content, event.tokens, "none", event.probabilities)
                return self._fragment(piece)
            case CallStarted():
                self._call_id = str(secrets.randbelow(900_000_000) + 100_000_000)
                return {"type": "toolCallGenerationStart", "toolCallId": self._call_id}
            case CallNamed():
                return {"type": "toolCallGenerationNameReceived", "name": event.name}
            case CallArguments():
                return {
                    "type": "toolCallGenerationArgumentFragmentGenerated",
                    "content": event.content,
                }
            case CallEnded():
                request = {
                    "type": "function",
                    "id": self._call_id,
                    "name": event.name,
                    "arguments": event.arguments,
                }
                return {
                    "type": "toolCallGenerationEnd",
                    "toolCallRequest": request,
                    "rawContent": event.raw,
                }
            case CallFailed():
                error = ServerError("The model's tool call is incomplete or not well formed")
                return {
                    "type": "toolCallGenerationFailed",
                    "error": error.to_wire(),
                    "rawContent": event.raw,
                }


def _token(token: TokenProbability, most: int) -> dict[str, Any]:
    """Return a token as newer clients expect it; the candidates include the token itself."""
    wire: dict[str, Any] = {"text": token.text, "id": token.token, "logProb": token.logprob}
    if most:
        candidates = [
            {"text": text, "id": number, "logProb": logprob}
            for (text, logprob), number in zip(token.top, token.top_tokens, strict=True)
        ]
        if token.token not in token.top_tokens:
            candidates.append(wire)
        wire = {**wire, "candidates": candidates}
    return wire


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
