"""The recording origin's end of one websocket, without I/O: authentication and a few calls."""

from __future__ import annotations

import json
import re
from typing import Any

from wsproto import ConnectionType, WSConnection
from wsproto.events import (
    AcceptConnection,
    CloseConnection,
    Event,
    Ping,
    Request,
    TextMessage,
)

from waf_tests.secret import Secret

_TOKEN = re.compile(r"^sk-lm-(\w{8}):(\w{20})\Z")
_REFUSED = {"success": False, "error": "this host wants an API token that it knows"}


class OriginWebsocket:
    """The server's end of one websocket, which speaks just enough of LM Studio's protocol.

    `listLoaded` and `listDownloadedModels` return no model, `uploadFileBase64` returns the size of
    the file, and every other call is an error.
    """

    def __init__(self, token: Secret | None = None) -> None:
        """Accept every client, or only the identity of `token`."""
        self.closed = False
        self._identity = _TOKEN.match(token.reveal()) if token else None
        self._websocket = WSConnection(ConnectionType.SERVER)
        self._authenticated = False
        self._parts: list[str] = []

    def receive(self, data: bytes) -> bytes:
        """Take the bytes that have arrived and return the bytes to send."""
        self._websocket.receive_data(data)
        return b"".join(self._handle(event) for event in self._websocket.events())

    def _handle(self, event: Event) -> bytes:
        if isinstance(event, Request):
            return self._websocket.send(AcceptConnection())
        if isinstance(event, Ping):
            return self._websocket.send(event.response())
        if isinstance(event, CloseConnection):
            self.closed = True
            return self._websocket.send(event.response())
        if isinstance(event, TextMessage):
            self._parts.append(event.data)
            if event.message_finished:
                text, self._parts = "".join(self._parts), []
                return self._answer(json.loads(text))
        return b""

    def _answer(self, message: dict[str, Any]) -> bytes:
        if not self._authenticated:
            return self._authenticate(message)
        if message.get("type") != "rpcCall":
            return b""
        answer: dict[str, Any] = {"type": "rpcResult", "callId": message["callId"]}
        endpoint = message["endpoint"]
        if endpoint in ("listLoaded", "listDownloadedModels"):
            answer["result"] = []
        elif endpoint == "uploadFileBase64":
            encoded = message["parameter"]["contentBase64"]
            size = len(encoded) // 4 * 3 - encoded.count("=", -2)
            answer["result"] = {"identifier": "file", "fileType": "image", "sizeBytes": size}
        else:
            title = f"the recording origin does not know {endpoint}"
            answer.update(type="rpcError", error={"title": title, "rootTitle": title})
        return self._send(answer)

    def _authenticate(self, message: dict[str, Any]) -> bytes:
        shown = (message["clientIdentifier"], message["clientPasskey"])
        if self._identity is not None and self._identity.groups() != shown:
            self.closed = True
            return self._send(_REFUSED) + self._websocket.send(CloseConnection(1000))
        self._authenticated = True
        return self._send({"success": True})

    def _send(self, message: dict[str, Any]) -> bytes:
        return self._websocket.send(TextMessage(json.dumps(message)))
