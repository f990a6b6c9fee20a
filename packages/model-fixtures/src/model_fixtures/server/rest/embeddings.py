"""Vectors of texts: OpenAI's route, and LM Studio's own under `/api/v0`."""

from __future__ import annotations

import base64
from array import array
from contextlib import AsyncExitStack
from functools import partial
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from model_fixtures.server.engine.embedding_vectors import embed_tokens
from model_fixtures.server.server_state import ServerState

from .error_responses import JSON, failure
from .named_instance import hold_instance
from .request_bodies import answer_body

MOST_INPUTS = 2048  # texts to embed at once, as with OpenAI


async def embed(request: Request) -> Response:
    """Answer with one vector for each input."""
    state: ServerState = request.app.state.server
    return await answer_body(request, partial(_answer, state))


async def _answer(state: ServerState, body: dict[str, Any]) -> Response:
    inputs: Any = body["input"]
    if isinstance(inputs, str) or isinstance(inputs[0], int):
        inputs = [inputs]
    if len(inputs) > MOST_INPUTS:
        message = f"{len(inputs)} inputs are more than {MOST_INPUTS}: send several requests"
        return failure(400, message, "too_many_inputs", "input")
    async with AsyncExitStack() as use:
        instance = await hold_instance(state, body, "embedding", use)
        if isinstance(instance, Response):
            return instance
        llama, count = instance.llama, 0
        data: list[dict[str, Any]] = []
        for index, given in enumerate(inputs):
            tokens = await llama.tokenize(given, special=True) if isinstance(given, str) else given
            vector = await embed_tokens(
                llama,
                tokens,
                stand_in=instance.model.stand_in,
                context=instance.context_length,
            )
            count += len(tokens)
            shown = _base64(vector) if body.get("encoding_format") == "base64" else vector
            data.append({"object": "embedding", "index": index, "embedding": shown})
        answer = {
            "object": "list",
            "data": data,
            "model": instance.identifier,
            "usage": {"prompt_tokens": count, "total_tokens": count},
        }
        return Response(msgspec.json.encode(answer), media_type=JSON)


def _base64(vector: list[float]) -> str:
    return base64.b64encode(array("f", vector).tobytes()).decode()
