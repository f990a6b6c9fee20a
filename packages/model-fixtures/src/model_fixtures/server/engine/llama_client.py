"""The client of llama.cpp's HTTP server in a worker."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Any

import anyio
import httpx
import msgspec
from msgspec import Struct

from .errors import EngineError, InstanceGoneError, TooManyTokensError
from .worker_process import STOP_TIMEOUT, WorkerProcess


class PromptProgress(Struct):
    """Token counts while a prompt is processed."""

    total: int
    cache: int
    processed: int


class Timings(Struct):
    """llama.cpp's own measurements: tokens per second, and counts of drafted tokens."""

    predicted_per_second: float = 0.0
    draft_n: int = 0
    draft_n_accepted: int = 0


class LikelyToken(Struct):
    """A token that was possible at a position; `logprob` is that before sampling."""

    id: int
    token: str
    logprob: float


class ChosenToken(LikelyToken):
    """The token of a chunk; `token` is what is sent because of it, not always its own text."""

    top_logprobs: list[LikelyToken] = []


class Chunk(Struct):
    """One event of a completion stream; unknown keys are dropped."""

    content: str = ""
    tokens: list[int] = []
    stop: bool = False
    tokens_predicted: int = 0
    tokens_evaluated: int = 0
    stop_type: str = ""
    stopping_word: str = ""
    truncated: bool = False
    prompt_progress: PromptProgress | None = None
    timings: Timings | None = None
    completion_probabilities: list[ChosenToken] = []
    error: dict[str, Any] | None = None


class Properties(Struct):
    """What llama.cpp reports about a loaded model."""

    bos_token: str = ""
    eos_token: str = ""
    media_marker: str = ""  # stands for an image in a prompt; random for each worker


class _Tokens(Struct):
    tokens: list[int]


class _Content(Struct):
    content: str


class _Prompt(Struct):
    prompt: str


class _Embedding(Struct):
    embedding: list[list[float]]


MOST_TEXT = 8 * 2**20  # bytes; more than fits a context of a million tokens
MOST_IMAGES = 64 * 2**20

_chunk_decoder = msgspec.json.Decoder(Chunk)


class LlamaServer:
    """A client for one worker.

    Every method raises `InstanceGoneError` when the worker has ended and `EngineError` with
    llama.cpp's message when it refuses a request.
    """

    def __init__(self, worker: WorkerProcess) -> None:
        self._worker = worker
        self._properties: Properties | None = None
        self.keeps_preambles = True  # until the model turns out to be one that can't
        # The tokens that the cache of its one slot begins with; empty if that is unknown.
        self.preamble: list[int] = []
        # A semaphore, because a lock can't be released by another task, which may end a prediction.
        self._prompt_lock = anyio.Semaphore(1)
        self._http = _connect(worker)

    async def close(self) -> None:
        """Close all connections."""
        await self._http.aclose()

    @asynccontextmanager
    async def prompt_lock(self) -> AsyncIterator[None]:
        """Serialise prompt evaluation, so that no other prompt comes between two requests."""
        async with self._prompt_lock:
            if self._worker.stopping or self._http.is_closed:
                raise await self._gone()
            yield

    async def properties(self) -> Properties:
        """Return the properties of the model, which are requested once."""
        if self._properties is None:
            async with self._asking():
                response = await self._http.get("/props")
            self._properties = msgspec.json.decode(response.content, type=Properties)
        return self._properties

    async def tokenize(self, text: str, *, special: bool) -> list[int]:
        """Return the token ids of a text; `special` adds the model's own begin and end tokens."""
        body = {"content": text, "add_special": special, "parse_special": True}
        answer: _Tokens = await self._post("/tokenize", body, _Tokens)
        return answer.tokens

    async def detokenize(self, tokens: list[int]) -> str:
        """Return the text of tokens."""
        answer: _Content = await self._post("/detokenize", {"tokens": tokens}, _Content)
        return answer.content

    async def apply_template(self, request: dict[str, Any]) -> str:
        """Return a chat as prompt text, by the model's own template."""
        answer: _Prompt = await self._post("/apply-template", request, _Prompt)
        return answer.prompt

    async def embed(self, inputs: list[list[int]]) -> list[list[float]]:
        """Return the pooled vector of each token list, not normalized."""
        results = await self._post(
            "/embedding", {"content": inputs, "embd_normalize": -1}, list[_Embedding]
        )
        return [result.embedding[0] for result in results]

    async def complete(self, body: dict[str, Any]) -> AsyncGenerator[Chunk, None]:
        """Yield the chunks of a streaming completion; leaving the iteration frees the slot."""
        request = _json(body, MOST_IMAGES)
        async with self._asking(), self._http.stream("POST", "/completion", **request) as response:
            if response.status_code != httpx.codes.OK:
                raise _refusal(await response.aread())
            async with aclosing(_events(response)) as events:
                async for data in events:
                    chunk = _chunk_decoder.decode(data)
                    if chunk.error is not None:
                        raise EngineError(str(chunk.error.get("message", "unknown error")))
                    yield chunk

    async def _post(self, path: str, body: dict[str, Any], result: Any) -> Any:
        async with self._asking():
            response = await self._http.post(path, **_json(body, MOST_TEXT))
        if response.status_code != httpx.codes.OK:
            raise _refusal(response.content)
        return msgspec.json.decode(response.content, type=result)

    @asynccontextmanager
    async def _asking(self) -> AsyncIterator[None]:
        """Provide a block for requests; a lost connection ends it with an error that says why."""
        if self._http.is_closed:
            raise await self._gone()
        try:
            yield
        except (httpx.TransportError, httpx.StreamError) as error:
            raise await self._gone() from error

    async def _gone(self) -> InstanceGoneError:
        worker = self._worker
        if not worker.stopping:
            with anyio.move_on_after(2 * STOP_TIMEOUT):
                await worker.ended.wait()  # how it ended is known a moment later
        if worker.stopping:
            return InstanceGoneError("The model was unloaded", unloaded=True)
        lost = f"The connection to the worker of {worker.name} was lost"
        return InstanceGoneError(worker.failure or lost, unloaded=False)


def _connect(worker: WorkerProcess) -> httpx.AsyncClient:
    """Return a client for a worker, without a time limit: the worker's silence is the limit."""
    return httpx.AsyncClient(
        transport=_Watched(worker),
        base_url=worker.url,
        headers={"Authorization": f"Bearer {worker.key}"},
        timeout=httpx.Timeout(None),  # a generation takes as long as it takes
        trust_env=False,
    )


class _Watched(httpx.AsyncBaseTransport):
    """Watches the worker while its answer, or the next piece of it, is awaited.

    The worker is not watched while an answer lies unread: then somebody else is slow.
    """

    def __init__(self, worker: WorkerProcess) -> None:
        self._worker = worker
        self._wire = httpx.AsyncHTTPTransport(
            trust_env=False,
            verify=False,  # plain HTTP on loopback; saves loading certificates
            # llama.cpp closes a connection that carried a stream: never reuse one.
            limits=httpx.Limits(max_keepalive_connections=0),
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        with self._worker.awaited():
            response = await self._wire.handle_async_request(request)
        self._worker.heard()
        assert isinstance(response.stream, httpx.AsyncByteStream)
        response.stream = _Pieces(self._worker, response.stream)
        return response

    async def aclose(self) -> None:
        await self._wire.aclose()


class _Pieces(httpx.AsyncByteStream):
    """The body of an answer."""

    def __init__(self, worker: WorkerProcess, stream: httpx.AsyncByteStream) -> None:
        self._worker = worker
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        pieces = aiter(self._stream)
        while True:
            with self._worker.awaited():
                piece = await anext(pieces, None)
            if piece is None:
                return
            self._worker.heard()
            yield piece

    async def aclose(self) -> None:
        await self._stream.aclose()


async def _events(response: httpx.Response) -> AsyncGenerator[bytes, None]:
    """Yield the data of server-sent events; llama.cpp puts each on one line."""
    rest = b""
    async for piece in response.aiter_raw():
        *lines, rest = (rest + piece).split(b"\n")
        for line in lines:
            if line.startswith(b"data: ") and line != b"data: [DONE]":
                yield line[6:]
            elif line.startswith(b"error: "):
                yield b'{"error": ' + line[7:] + b"}"


def _json(body: dict[str, Any], most: int) -> dict[str, Any]:
    """Return httpx's arguments for a JSON body; its own encoder takes five times as long.

    Raises:
        EngineError: the body is so long that its answer, too, would hold up other requests.
    """
    content = msgspec.json.encode(body)
    if len(content) > most:
        raise EngineError(
            f"The text or the images have {len(content)} bytes of at most {most}: "
            "send less at a time"
        )
    return {"content": content, "headers": {"Content-Type": "application/json"}}


def _refusal(body: bytes) -> EngineError:
    """Return the error for an error response of llama.cpp."""
    try:
        message = str(msgspec.json.decode(body)["error"]["message"])
    except (msgspec.DecodeError, KeyError, TypeError):
        message = body[:200].decode(errors="replace")
    too_long = b"exceed_context_size_error" in body
    return TooManyTokensError(message) if too_long else EngineError(message)
