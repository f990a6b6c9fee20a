"""HTTP to a worker, in which no wait for it goes unnoticed: it is watched meanwhile."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx

from .worker_process import WorkerProcess


def connect(worker: WorkerProcess) -> httpx.AsyncClient:
    """Return a client for a worker, without a limit of time: the worker's silence is the limit."""
    return httpx.AsyncClient(
        transport=_Watched(worker),
        base_url=worker.url,
        headers={"Authorization": f"Bearer {worker.key}"},
        timeout=httpx.Timeout(None),  # a generation takes as long as it takes
        trust_env=False,
    )


class _Watched(httpx.AsyncBaseTransport):
    """Has the worker watched while its answer, or the next piece of it, is waited for.

    Not while an answer lies unread: then somebody else is slow.
    """

    def __init__(self, worker: WorkerProcess) -> None:
        self._worker = worker
        self._wire = httpx.AsyncHTTPTransport(
            trust_env=False,
            verify=False,  # plain HTTP on loopback; saves loading certificates
            # A connection that carried a stream is closed by llama.cpp: never reuse one.
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
