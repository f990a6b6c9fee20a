"""A host without models, which speaks the part of the protocol that loading models needs.

It runs in a thread with an event loop of its own, so that tests may block or start processes.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.datastructures import Headers
from websockets.http11 import Request, Response

Info = dict[str, Any]


def info(key: str, path: str, kind: str = "llm", **more: Any) -> Info:
    """Return the description of a model in the form that hosts send."""
    return {"type": kind, "modelKey": key, "path": path, "displayName": key, **more}


def instance(key: str, path: str, kind: str = "llm", **more: Any) -> Info:
    """Return the description of a loaded instance; by default its identifier is the key."""
    return {
        "identifier": key,
        "contextLength": 4096,
        "ttlMs": None,
        **info(key, path, kind, **more),
    }


class FakeHost:
    """The fake host; tests set its attributes to what it has and how it behaves.

    `calls` records every call, channel and cancel in order as (namespace, endpoint, parameter).
    `load_errors` maps model keys to error titles. While `gate` is above zero, no load or download
    finishes before that many are open at the same time.
    """

    def __init__(self) -> None:
        self.package = "lmstudio"
        self.refusal: str | None = None
        self.downloaded: list[Info] = []
        self.loaded: list[Info] = []
        self.load_errors: dict[str, str] = {}
        self.search_results: list[Info] = []
        self.download_options: list[Info] = []
        self.gate = 0
        self.calls: list[tuple[str, str, Any]] = []
        self.called = threading.Condition()
        self.address = ""
        self._open = 0
        self._opened: asyncio.Event
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._end: asyncio.Event
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._run(),))

    def __enter__(self) -> FakeHost:
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join()
        self._loop.close()

    def endpoints(self) -> list[str]:
        """Return the names of all calls, channels and cancels so far, except lists of models."""
        with self.called:
            return [name for _, name, _ in self.calls if not name.startswith("list")]

    def parameters(self, endpoint: str) -> list[Any]:
        """Return the parameters of all calls of an endpoint."""
        with self.called:
            return [parameter for _, name, parameter in self.calls if name == endpoint]

    def wait_for(self, done: Callable[[], bool]) -> None:
        """Wait until a condition on the calls is true."""
        with self.called:
            assert self.called.wait_for(done, timeout=30)

    async def _run(self) -> None:
        self._end = asyncio.Event()
        self._opened = asyncio.Event()
        server: Server
        async with serve(self._talk, "127.0.0.1", 0, process_request=self._answer_http) as server:
            self.address = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
            self._ready.set()
            await self._end.wait()
            server.close(close_connections=True)

    def _answer_http(self, connection: ServerConnection, request: Request) -> Response | None:
        answers = {
            "/lmstudio-greeting": {"lmstudio": True},
            "/lms-status": {"package": self.package, "version": "1"},
        }
        if request.path not in answers:
            return None
        headers = Headers({"Content-Type": "application/json", "Connection": "close"})
        body = json.dumps(answers[request.path]).encode()
        headers["Content-Length"] = str(len(body))
        return Response(HTTPStatus.OK.value, "OK", headers, body)

    async def _talk(self, connection: ServerConnection) -> None:
        assert connection.request is not None
        namespace = connection.request.path.strip("/")
        await connection.recv()
        if self.refusal is not None:
            await connection.send(json.dumps({"success": False, "error": self.refusal}))
            return
        await connection.send(json.dumps({"success": True}))
        channels: dict[int, asyncio.Task[None]] = {}
        async for frame in connection:
            message = json.loads(frame)
            if message["type"] == "rpcCall":
                await self._call(connection, namespace, message)
            elif message["type"] == "channelCreate":
                self._record(namespace, message["endpoint"], message.get("creationParameter"))
                work = self._channel(connection, message)
                channels[message["channelId"]] = asyncio.create_task(work)
            else:
                self._record(namespace, "cancel", message["message"])
                channels[message["channelId"]].cancel()
        for task in channels.values():
            task.cancel()

    async def _call(self, connection: ServerConnection, namespace: str, message: Any) -> None:
        endpoint, parameter = message["endpoint"], message.get("parameter")
        self._record(namespace, endpoint, parameter)
        answer: dict[str, Any] = {"type": "rpcResult", "callId": message["callId"]}
        if endpoint == "listDownloadedModels":
            answer["result"] = self.downloaded
        elif endpoint == "listLoaded":
            answer["result"] = [each for each in self.loaded if each["type"] == namespace]
        elif endpoint == "unloadModel":
            identifier = parameter["identifier"]
            self.loaded = [each for each in self.loaded if each["identifier"] != identifier]
        elif endpoint == "searchModels":
            answer["result"] = {"results": self.search_results}
        elif endpoint == "getModelDownloadOptions":
            answer["result"] = {"results": self.download_options}
        await connection.send(json.dumps(answer))

    async def _channel(self, connection: ServerConnection, message: Any) -> None:
        channel, parameter = message["channelId"], message.get("creationParameter")

        async def send(packet: Info) -> None:
            packet_message = {"type": "channelSend", "channelId": channel, "message": packet}
            await connection.send(json.dumps(packet_message))

        await self._pass_gate()
        if message["endpoint"] == "loadModel":
            error = await self._load(send, parameter)
            if error is not None:
                failure = {"type": "channelError", "channelId": channel, "error": {"title": error}}
                await connection.send(json.dumps(failure))
                return
        else:
            for done in (0, 500, 1000):
                update = {"downloadedBytes": done, "totalBytes": 1000, "speedBytesPerSecond": 1}
                await send({"type": "downloadProgress", "update": update})
            await send({"type": "success", "defaultIdentifier": "some/path"})
        await connection.send(json.dumps({"type": "channelClose", "channelId": channel}))

    async def _load(self, send: Callable[[Info], Any], parameter: Any) -> str | None:
        key = parameter["modelKey"]
        if key in self.load_errors:
            return self.load_errors[key]
        model = next(each for each in self.downloaded if each["modelKey"] == key)
        for progress in (0.0, 0.5, 1.0):
            await send({"type": "progress", "progress": progress})
        fields = parameter["loadConfigStack"]["layers"][0]["config"]["fields"]
        loaded = {
            **model,
            "identifier": parameter["identifier"],
            "contextLength": fields[0]["value"],
            "ttlMs": parameter.get("ttlMs"),
        }
        self.loaded.append(loaded)
        await send({"type": "success", "info": loaded})
        return None

    async def _pass_gate(self) -> None:
        self._open += 1
        if self._open >= self.gate:
            self._opened.set()
        try:
            await self._opened.wait()
        finally:
            self._open -= 1

    def _record(self, namespace: str, endpoint: str, parameter: Any) -> None:
        with self.called:
            self.calls.append((namespace, endpoint, parameter))
            self.called.notify_all()
