"""Requests that llama.cpp's own server answers: passed through, with little changed.

Changed are: `model`, which is looked up here; images, which go through our own front end; a token
limit for stand-ins that a request leaves open; a JSON schema, which becomes our own grammar; and
the vectors of the embedding stand-in, which get the length of those it stands in for.
"""

from __future__ import annotations

import base64
from array import array
from collections.abc import AsyncIterator, Awaitable
from functools import partial
from typing import Any

import anyio
import anyio.to_thread
import httpx
import msgspec
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from model_fixtures.server.engine.embedding import expanded
from model_fixtures.server.engine.errors import InstanceGoneError
from model_fixtures.server.engine.process import WorkerProcess
from model_fixtures.server.engine.sampling import STAND_IN_TOKEN_LIMIT
from model_fixtures.server.images import ImageError
from model_fixtures.server.protocol.errors import ServerError
from model_fixtures.server.registry.instance import Instance
from model_fixtures.server.state import ServerState

from .access import refusal
from .failures import failure, not_found
from .pictures import image_addresses, prepare_images
from .structure import enforce_structure, refusal_text

MAX_BODY = 100 * 2**20  # bytes, as a frame of a websocket
STRUCTURES = ("response_format", "json_schema", "grammar")
EVENT = b"data: "
EVENTS_FIRST = 4  # of a stream: its role, and tokens at which most bad grammars come to light
LIMITS = ("max_tokens", "max_completion_tokens", "n_predict")


async def complete(request: Request) -> Response:
    """`/v1/chat/completions` and `/v1/completions`."""
    return await _pass(request, "llm")


async def embed(request: Request) -> Response:
    """`/v1/embeddings`."""
    return await _pass(request, "embedding")


async def _pass(request: Request, domain: str) -> Response:
    state: ServerState = request.app.state.server
    if (refused := refusal(state, request)) is not None:
        return refused
    content = bytearray()
    try:
        async for piece in request.stream():
            content += piece
            if len(content) > MAX_BODY:
                return failure(413, f"The body has more than {MAX_BODY} bytes", "too_large")
        body = msgspec.json.decode(content, type=dict[str, Any])
    except ClientDisconnect:
        return Response()  # nobody gets it
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return failure(400, f"The body is no JSON object: {error}", "invalid_json")
    return await _while_connected(request, _answer(state, request.url.path, body, domain))


async def _while_connected(request: Request, answer: Awaitable[Response]) -> Response:
    """An answer, given up as soon as the client leaves."""
    response = Response()  # nobody gets it then

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
    addresses = image_addresses(body.get("messages"))
    if any(not address.startswith("data:") for address in addresses):
        message = "Images must be in the request as a data: URI; the server fetches nothing"
        return failure(400, message, "invalid_image_url")
    name = body.get("model")
    try:
        instance = await _instance(state, name if isinstance(name, str) else "", domain)
    except ServerError as error:
        code = (error.display_data or {}).get("code", "")
        if code in {"generic.pathNotFound", "generic.noModelMatchingQuery"}:
            return not_found(str(name))
        return failure(400, error.title, "model_not_usable")
    stand_in = instance.model.stand_in
    if domain == "llm" and stand_in and not any(body.get(key) for key in LIMITS):
        body["max_tokens"] = STAND_IN_TOKEN_LIMIT
    if instance.model.vision:
        try:
            # In a thread: unpacking large images takes a while.
            await anyio.to_thread.run_sync(prepare_images, body.get("messages"), stand_in)
        except ImageError as error:
            return failure(400, str(error), "invalid_image")
    structured = False
    if domain == "llm" and any(body.get(key) for key in STRUCTURES):
        enforce = partial(enforce_structure, body, bounded=stand_in)
        try:
            structured = await state.conversions.run(enforce)
        except ServerError as error:
            return failure(400, refusal_text(error), "invalid_structure")
    body["model"] = instance.identifier
    answer = _Answer(state, instance, path, body)
    if domain == "embedding" and stand_in:
        return await answer.whole(_lengthened)
    return await answer.structured() if structured else await answer.streamed()


async def _instance(state: ServerState, name: str, domain: str) -> Instance:
    """The loaded instance of a name, loaded just in time if it must be; no name means any."""
    if not name:
        loaded = state.registry.loaded(domain)
        if not loaded:
            raise ServerError("No model is loaded: name one")
        return loaded[0]
    return await state.registry.get_or_load(name, domain)


class _Answer:
    """llama.cpp's answer to a request, for as long as it takes."""

    def __init__(
        self, state: ServerState, instance: Instance, path: str, body: dict[str, Any]
    ) -> None:
        self._state = state
        self._instance = instance
        self._path = path
        self._body = body

    async def whole(self, change: Any) -> Response:
        """The answer at once, its JSON changed when it is no failure."""
        with self._state.registry.using(self._instance):
            try:
                response = await self._instance.llama.http.post(self._path, json=self._body)
            except httpx.TransportError:
                return _gone()
        content = response.json()
        if response.status_code == httpx.codes.OK:
            change(content)
        return JSONResponse(content, status_code=response.status_code)

    async def structured(self) -> Response:
        """The answer as it comes, held to a grammar; a failure if llama.cpp can't enforce that.

        It says so in its log and then generates without one.
        """
        worker = self._instance.engine.worker
        answer: Response | None = None
        async with worker.grammar_turn:
            worker.expect_grammar()

            async def give_up() -> None:
                await worker.grammar_failed.wait()
                tasks.cancel_scope.cancel()

            async with anyio.create_task_group() as tasks:
                tasks.start_soon(give_up)
                answer = await self.streamed(events=EVENTS_FIRST, worker=worker)
                tasks.cancel_scope.cancel()
            return _unenforceable(worker) if answer is None else answer

    async def streamed(self, *, events: int = 0, worker: WorkerProcess | None = None) -> Response:
        """The answer as it comes; a client that leaves ends the generation.

        Args:
            events: wait until it has as many, or is whole.
            worker: ends the answer with an error if it reports one of its grammar.
        """
        llama = self._instance.llama
        outgoing = llama.http.build_request("POST", self._path, json=self._body)
        using = self._state.registry.using(self._instance)
        using.__enter__()
        response: httpx.Response | None = None
        begin = b""
        try:
            async with llama.turn():
                llama.preamble = []
                response = await llama.http.send(outgoing, stream=True)
            pieces = response.aiter_raw()
            while begin.count(EVENT) < events and (piece := await anext(pieces, None)) is not None:
                begin += piece
        except (httpx.TransportError, InstanceGoneError):
            using.__exit__(None, None, None)
            return _gone()
        except BaseException:
            using.__exit__(None, None, None)
            if response is not None:
                with anyio.CancelScope(shield=True):
                    await response.aclose()
            raise

        if worker is not None and worker.grammar_error:
            using.__exit__(None, None, None)
            await response.aclose()
            return _unenforceable(worker)

        async def content() -> AsyncIterator[bytes]:
            try:
                if begin:
                    yield begin
                async for piece in pieces:
                    if worker is not None and worker.grammar_error:
                        yield EVENT + _unenforceable(worker).body + b"\n\n"
                        return
                    yield piece
            finally:
                using.__exit__(None, None, None)
                await response.aclose()

        return StreamingResponse(
            content(),
            status_code=response.status_code,
            media_type=response.headers.get("content-type"),
        )


def _unenforceable(worker: WorkerProcess) -> Response:
    message = f"The structured output can't be enforced: {worker.grammar_error}"
    return failure(400, message, "invalid_structure")


def _gone() -> Response:
    return failure(500, "The model was unloaded or has crashed", "model_gone")


def _lengthened(content: dict[str, Any]) -> None:
    """Gives the stand-in's vectors the length of the model's own."""
    for entry in content["data"]:
        vector = entry["embedding"]
        if isinstance(vector, str):
            numbers = array("f", base64.b64decode(vector))
            longer = array("f", expanded(list(numbers)))
            entry["embedding"] = base64.b64encode(longer.tobytes()).decode()
        else:
            entry["embedding"] = expanded(vector)
