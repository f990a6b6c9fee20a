"""Pass requests on to llama.cpp's own server, with few changes.

The changes: `model` is looked up here; images go through our own decoder; a stand-in gets a token
limit if the request has none; a JSON schema becomes our own grammar; and the vectors of the
embedding stand-in get the length of those it stands in for.
"""

from __future__ import annotations

import base64
from array import array
from collections.abc import Awaitable
from contextlib import AsyncExitStack
from functools import partial
from typing import Any

import anyio
import msgspec
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from model_fixtures.images import ImageError
from model_fixtures.server.engine.embedding_vectors import expanded
from model_fixtures.server.engine.sampling import STAND_IN_TOKEN_LIMIT
from model_fixtures.server.grammars.errors import StructureError
from model_fixtures.server.models.jit_load_under_way import JitListener
from model_fixtures.server.models.loaded_instance import LoadedInstance
from model_fixtures.server.protocol.errors import ServerError
from model_fixtures.server.protocol.unusable_frames import TOO_MUCH, is_too_much
from model_fixtures.server.server_state import ServerState

from .error_responses import failure, not_found
from .llama_forwarding import forward, forward_structured
from .request_checks import BodyError, check_body
from .request_images import image_addresses, prepare_images
from .response_format import enforce_structure, refusal_text

MAX_BODY = 100 * 2**20  # bytes, as a frame of a websocket
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
    content = bytearray()
    try:
        async for piece in request.stream():
            content += piece
            if len(content) > MAX_BODY:
                return failure(413, f"The body has more than {MAX_BODY} bytes", "too_large")
        if is_too_much(content):
            return failure(413, f"The body has {TOO_MUCH}", "too_large")
        body = msgspec.json.decode(content, type=dict[str, Any])
    except ClientDisconnect:
        return Response()  # the client has left
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return failure(400, f"The body is no JSON object: {error}", "invalid_json")
    return await _while_connected(request, _answer(state, request.url.path, body, domain))


async def _while_connected(request: Request, answer: Awaitable[Response]) -> Response:
    """Return an answer, or give it up as soon as the client leaves."""
    response = Response()  # stays if the client leaves

    async def watch() -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass
        tasks.cancel_scope.cancel()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(watch)
        response = await answer
        tasks.cancel_scope.cancel()
    return response


async def _answer(state: ServerState, path: str, body: dict[str, Any], domain: str) -> Response:
    try:
        await anyio.to_thread.run_sync(check_body, body, path)  # a body can be large
    except BodyError as error:
        return failure(400, str(error), error.code, error.parameter)
    addresses = image_addresses(body.get("messages"))
    if any(not address.startswith("data:") for address in addresses):
        message = "Images must be in the request as a data: URI; the server fetches nothing"
        return failure(400, message, "invalid_image_url", "messages")
    inputs = body.get("input")
    if isinstance(inputs, list) and len(inputs) > MOST_INPUTS and not isinstance(inputs[0], int):
        message = f"{len(inputs)} inputs are more than {MOST_INPUTS}: send several requests"
        return failure(400, message, "too_many_inputs", "input")
    name = body.get("model") or ""
    asker = object()  # stands for this request until it uses the instance
    try:
        instance = await _instance(state, name, domain, asker)
    except ServerError as error:
        code = (error.display_data or {}).get("code", "")
        if code in {"generic.pathNotFound", "generic.noModelMatchingQuery"}:
            return not_found(name)
        if name and not code:  # the model exists, but fails to load
            return failure(500, error.title, "model_not_loaded")
        return failure(400, error.title, "model_not_usable", "model")
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
        if structured:
            return await forward_structured(instance.engine, path, content, use.pop_all())
        lengthen = domain == "embedding" and stand_in
        change = partial(state.reading.run, _lengthened) if lengthen else None
        return await forward(instance.llama, path, content, use.pop_all(), change=change)


async def _instance(state: ServerState, name: str, domain: str, asker: object) -> LoadedInstance:
    """Return the instance of a name, loaded just in time if necessary; no name means any."""
    if not name:
        loaded = state.models.loaded.all(domain)
        if not loaded:
            raise ServerError("No model is loaded: name one")
        return loaded[0]
    listener = JitListener(lambda progress: None, lambda other: None, asker)
    return await state.models.jit.get_or_load(name, domain, listener=listener)


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
