"""A prediction on a channel: its events become packets."""

from __future__ import annotations

from contextlib import aclosing
from typing import Any

from model_fixtures.server.engine.errors import InstanceGoneError
from model_fixtures.server.engine.generation import Progress, TokenProbability
from model_fixtures.server.engine.sampling import effective_prediction_config
from model_fixtures.server.handlers.handler_context import ChannelPort, Context, Packet
from model_fixtures.server.models.model_info import instance_info
from model_fixtures.server.protocol import kv_config
from model_fixtures.server.protocol.errors import ServerError

from .build import Prediction
from .output_splitter import OutputEvent
from .reasoning_splitter import Piece
from .running_prediction import RunningPrediction
from .tool_call_splitter import (
    CallArguments,
    CallEnded,
    CallNamed,
    CallStarted,
    new_call_id,
)


async def run_prediction(context: Context, prediction: Prediction, port: ChannelPort) -> None:
    """Send the packets of a prediction, `success` last.

    A cancel packet ends it with `userStopped`, unloading the model with `modelUnloaded`.

    Raises:
        ServerError: the request can't be served.
        EngineError: the engine failed.
    """
    run = RunningPrediction(context.state, prediction)
    packets = _Packets(prediction)
    with port.cancellable():
        try:
            async with aclosing(run.events()) as events:
                async for event in events:
                    if isinstance(event, Progress):
                        port.progress(_progress(event))
                    else:
                        await port.send(packets.of(event))
        except InstanceGoneError as error:
            if not error.unloaded:
                raise
    instance = prediction.instance
    await port.send(
        {
            "type": "success",
            "stats": run.statistics.to_wire(),
            "modelInfo": instance_info(instance),
            "loadModelConfig": kv_config.to_wire(instance.load_config),
            "predictionConfig": kv_config.to_wire(
                effective_prediction_config(prediction.settings, prediction.request.sampling)
            ),
        }
    )


class _Packets:
    """Turns the output of a prediction into packets."""

    def __init__(self, prediction: Prediction) -> None:
        self._drafted = prediction.drafts
        self._log_probs = prediction.request.sampling.log_probs
        self._call_id = ""

    def of(self, event: OutputEvent) -> Packet:
        """Return the packet of an event."""
        match event:
            case Piece():
                return self._fragment(event)
            case CallStarted():
                self._call_id = new_call_id()
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
            case _:
                error = ServerError("The model's tool call is incomplete or not well formed")
                return {
                    "type": "toolCallGenerationFailed",
                    "error": error.to_wire(),
                    "rawContent": event.raw,
                }

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
