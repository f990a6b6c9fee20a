"""A host that keeps what it receives and answers from a script, for the SDK's whole public API.

It knows no models: tests of what the SDK sends run on it in milliseconds. It is no server to judge
the SDK's understanding of LM Studio by; that is what the embedded server is for.
"""

import http
import json
import logging
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.sync.server import Server, ServerConnection, serve

from .expected_items import Items
from .host_packets import channel_closed, embedding_info, fragment, llm_info, loaded, predicted

GREETING = b'{"lmstudio": true}'

_INSTANCE = {"identifier": "my-model", "instanceReference": "ref-1", "contextLength": 2048}
_DOWNLOAD_OPTION: dict[str, Any] = {
    "name": "A model",
    "sizeBytes": 1234,
    "fitEstimation": "fullGPUOffload",
    "downloadIdentifier": "download-1",
    "indexedModelIdentifier": "publisher/model",
}
_SEARCH_RESULT: dict[str, Any] = {
    "name": "A model",
    "identifier": {"type": "catalog", "identifier": "publisher/model"},
    "exact": True,
    "staffPick": False,
}
ANSWERS: dict[str, Any] = {
    "applyPromptTemplate": {"formatted": "formatted"},
    "countTokens": {"tokenCount": 3},
    "embedString": {"embedding": [0.5]},
    "getLoadConfig": {"fields": []},
    "getModelDownloadOptions": {"results": [_DOWNLOAD_OPTION]},
    "listDownloadedModels": [llm_info(), embedding_info()],
    "listLoaded": [{**llm_info(), **_INSTANCE}],
    "searchModels": {"results": [_SEARCH_RESULT]},
    "tokenize": {"tokens": [1, 2, 3]},
    "uploadFileBase64": {"identifier": "file-1", "fileType": "image", "sizeBytes": 3},
}
"""The result of each call; calls that are not named get none, and "fail" gets an error."""

LOADING: list[dict[str, Any]] = [
    {"type": "resolved", "info": llm_info()},
    {"type": "startLoading", "identifier": "my-model", "info": llm_info()},
    {"type": "progress", "progress": 0.5},
]
PREDICTION: list[dict[str, Any]] = [
    {"type": "promptProcessingProgress", "progress": 0.5},
    fragment("ok"),
    predicted(),
]
DOWNLOAD: list[dict[str, Any]] = [
    {
        "type": "downloadProgress",
        "update": {"downloadedBytes": 1, "totalBytes": 2, "speedBytesPerSecond": 3},
    },
    {"type": "startFinalizing"},
    {"type": "success", "defaultIdentifier": "publisher/model"},
]
PACKETS: dict[str, list[dict[str, Any]]] = {
    "downloadModel": DOWNLOAD,
    "getOrLoad": [*LOADING, loaded("loadSuccess")],
    "loadModel": [*LOADING, loaded()],
    "predict": PREDICTION,
}
"""The packets of each channel, before its end."""


@dataclass(frozen=True)
class ReceivedRequest:
    """A call, the creation of a channel, or a packet on one."""

    namespace: str
    endpoint: str
    """The endpoint, or the type of a packet."""
    parameter: Any


@dataclass
class ScriptedHost:
    """A running host, which `scripted_host` starts."""

    address: str = ""
    predictions: list[Sequence[dict[str, Any]]] = field(default_factory=list)
    """The packets of the next predictions; further ones get `PREDICTION`."""
    packets: dict[str, Sequence[dict[str, Any]]] = field(default_factory=lambda: dict(PACKETS))
    """The packets of the channels to each endpoint."""
    greetings: int = 0
    """How often a client has asked whether this is a host."""
    identities: Items[dict[str, Any]] = field(default_factory=Items)
    """The authentication of each connection."""
    received: Items[ReceivedRequest] = field(default_factory=Items)
    """All calls, channels and packets on channels, in the order of their arrival."""
    _connections: set[ServerConnection] = field(default_factory=set)

    def parameter(self, endpoint: str) -> Any:
        """Return the parameter of the only request to an endpoint."""
        (only,) = self.parameters(endpoint)
        return only

    def parameters(self, endpoint: str) -> Items[Any]:
        """Return the parameters of all requests to an endpoint."""
        return Items(each.parameter for each in self.received if each.endpoint == endpoint)

    def hang_up(self) -> None:
        """End all connections without a word, as a computer that falls asleep does to its host."""
        for connection in list(self._connections):
            with suppress(OSError):  # the client has closed it already
                connection.socket.shutdown(socket.SHUT_RDWR)

    def _greet(self, connection: ServerConnection, request: Request) -> Response | None:
        if request.path != "/lmstudio-greeting":
            return None
        self.greetings += 1
        headers = Headers({"Content-Length": str(len(GREETING)), "Connection": "close"})
        return Response(http.HTTPStatus.OK, "OK", headers, GREETING)

    def _serve(self, connection: ServerConnection) -> None:
        self._connections.add(connection)
        try:
            self.identities.append(json.loads(connection.recv()))
            connection.send('{"success": true}')
            assert connection.request is not None
            namespace = connection.request.path.strip("/")
            for text in connection:
                for answer in self._answers(namespace, json.loads(text)):
                    connection.send(json.dumps(answer))
        except (ConnectionClosed, OSError):
            pass  # the client has gone, or `hang_up` was called
        finally:
            self._connections.discard(connection)

    def _answers(self, namespace: str, message: Any) -> Iterator[dict[str, Any]]:
        match message:
            case {"type": "rpcCall", "endpoint": str(endpoint), "callId": call_id}:
                parameter = message.get("parameter")
                self.received.append(ReceivedRequest(namespace, endpoint, parameter))
                if endpoint == "fail":
                    yield {"type": "rpcError", "callId": call_id, "error": {"title": "As told"}}
                else:
                    info = embedding_info() if namespace == "embedding" else llm_info()
                    answers = {**ANSWERS, "getModelInfo": {**info, **_INSTANCE}}
                    result = answers.get(endpoint)
                    yield {"type": "rpcResult", "callId": call_id, "result": result}
            case {"type": "channelCreate", "endpoint": str(endpoint), "channelId": channel_id}:
                parameter = message.get("creationParameter")
                self.received.append(ReceivedRequest(namespace, endpoint, parameter))
                packets = self.packets[endpoint]
                if endpoint == "predict" and self.predictions:
                    packets = self.predictions.pop(0)
                for packet in packets:
                    yield {"type": "channelSend", "channelId": channel_id, "message": packet}
                yield channel_closed(channel_id)
            case {"type": "channelSend", "message": {"type": str(kind)} as packet}:
                self.received.append(ReceivedRequest(namespace, kind, packet))


@contextmanager
def scripted_host(*predictions: Sequence[dict[str, Any]]) -> Iterator[ScriptedHost]:
    """Run a host whose predictions have these packets, one after the other."""
    host = ScriptedHost(predictions=list(predictions))
    quiet = logging.Logger("scripted-host", logging.CRITICAL)  # not below the root's handlers
    with serve(
        host._serve, "127.0.0.1", 0, process_request=host._greet, logger=quiet, compression=None
    ) as server:
        host.address = f"127.0.0.1:{server.socket.getsockname()[1]}"
        with _running(server):
            yield host
            host.hang_up()


@contextmanager
def _running(server: Server) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
