"""Pass requests on to llama.cpp's own server, with few changes.

The changes: `model` is looked up here; images go through our own decoder; a stand-in gets a token
limit if the request has none; a JSON schema becomes our own grammar; and the vectors of the
embedding stand-in get the length of those it stands in for.
"""

from __future__ import annotations

import base64
from array import array
from contextlib import AsyncExitStack
from functools import partial
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from model_fixtures.images import ImageError
from model_fixtures.server.engine.embedding_vectors import expanded
from model_fixtures.server.engine.sampling import STAND_IN_TOKEN_LIMIT
from model_fixtures.server.grammars.errors import StructureError
from model_fixtures.server.server_state import ServerState

from .error_responses import failure
from .llama_forwarding import forward, forward_structured
from .named_instance import instance_or_refusal
from .request_bodies import answer_body
from .request_images import image_addresses, prepare_images
from .response_format import enforce_structure, refusal_text

MOST_INPUTS = 2048  # texts to embed at once, as with OpenAI
STRUCTURES = ("response_format", "json_schema", "grammar")
LIMITS = ("max_tokens", "max_completion_tokens", "n_predict")


async def complete(request: Request) -> Response:
    """Answer `/v1/chat/completions` and `/v1/completions`."""
    return await _pass(request, "llm")


async def embed(request: Request) -> Response:
    """Answer `/v1/embeddings`."""
    return await _pass(request, "embedding")


async def _pass(request: Request, domain: str) -> Response:
    state: ServerState = request.app.state.server
    return await answer_body(request, partial(_answer, state, request.url.path, domain))


async def _answer(state: ServerState, path: str, domain: str, body: dict[str, Any]) -> Response:
    addresses = image_addresses(body.get("messages"))
    if any(not address.startswith("data:") for address in addresses):
        message = "Images must be in the request as a data: URI; the server fetches nothing"
        return failure(400, message, "invalid_image_url", "messages")
    inputs = body.get("input")
    if isinstance(inputs, list) and len(inputs) > MOST_INPUTS and not isinstance(inputs[0], int):
        message = f"{len(inputs)} inputs are more than {MOST_INPUTS}: send several requests"
        return failure(400, message, "too_many_inputs", "input")
    asker = object()  # stands for this request until it uses the instance
    instance = await instance_or_refusal(state, body.get("model") or "", domain, asker)
    if isinstance(instance, Response):
        return instance
    async with AsyncExitStack() as use:
        use.enter_context(state.models.loaded.using(instance, asker))
        stand_in = instance.model.stand_in
        if domain == "llm" and stand_in and all(body.get(key) is None for key in LIMITS):
            body["max_tokens"] = STAND_IN_TOKEN_LIMIT
        if addresses and not instance.model.vision:
            message = f"{instance.model.key} takes text only, no images, sounds or films"
            return failure(400, message, "invalid_image", "messages")
        try:
            # In a thread: unpacking large images takes a while.
            await state.reading.run(prepare_images, body.get("messages"), stand_in)
        except ImageError as error:
            return failure(400, str(error), "invalid_image", "messages")
        structured = False
        if domain == "llm" and any(body.get(key) for key in STRUCTURES):
            enforce = partial(enforce_structure, body, bounded=stand_in)
            try:
                structured = await state.conversions.run(enforce)
            except StructureError as error:
                return failure(400, refusal_text(error), "invalid_structure")
        body["model"] = instance.identifier
        content = msgspec.json.encode(body)
        llama = instance.llama
        if domain == "llm":
            session = await use.enter_async_context(instance.sessions.one())
            session.answers()
            llama = session.engine.llama
            if structured:
                return await forward_structured(session.engine, path, content, use.pop_all())
        lengthen = domain == "embedding" and stand_in
        change = partial(state.reading.run, _lengthened) if lengthen else None
        return await forward(llama, path, content, use.pop_all(), change=change)


def _lengthened(content: dict[str, Any]) -> None:
    """Expand the stand-in's vectors to the length of the real model's."""
    for entry in content["data"]:
        vector = entry["embedding"]
        if isinstance(vector, str):
            numbers = array("f", base64.b64decode(vector))
            longer = array("f", expanded(list(numbers)))
            entry["embedding"] = base64.b64encode(longer.tobytes()).decode()
        else:
            entry["embedding"] = expanded(vector)
