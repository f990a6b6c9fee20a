"""Where the frames are taken: the class of websockets in httpx-ws, which the SDK uses.

All clients of the SDK, async ones, the thread of sync ones and plugins, talk through
`httpx_ws.AsyncWebSocketSession`. Its methods `send` and `receive` are public, and each text frame
passes through them as text: with authentication, frames that are no JSON, and frames that
the SDK throws away. The SDK's own layers above are private and differ between forks, and what
opens the websocket (`aconnect_ws`) is replaced by clients with headers. The methods of the class
are wrapped once, when the first recording begins, and call the original ones.

Only websockets of LM Studio's protocol are recorded, which their first frame shows: those of
others may carry secrets of which nothing is known here.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Protocol

from .masking import MASK, Masker, without_credentials
from .recorder import Direction, Event, WireConnection, WireLog

_KEY = "_model_fixtures_wire"  # of what is noted in an object of httpx-ws
_FOREIGN = object()  # noted for a websocket that is not LM Studio's

# Headers that httpx and httpx-ws send with each handshake.
_USUAL_HEADERS = frozenset(
    (
        *("host", "accept", "accept-encoding", "connection", "user-agent", "upgrade"),
        *("sec-websocket-key", "sec-websocket-version", "sec-websocket-extensions"),
        *("sec-websocket-protocol", "origin", "content-length"),
    )
)
# The types of LM Studio's messages, for a websocket that was open before the recording began.
_TYPES = frozenset(
    (
        *("rpcCall", "rpcResult", "rpcError", "channelCreate", "channelSend", "channelAck"),
        *("channelClose", "channelError", "signalSubscribe", "signalUpdate", "signalError"),
        *("signalUnsubscribe", "communicationWarning", "keepAlive", "keepAliveAck"),
    )
)


class Recorder(Protocol):
    """Takes what happens on connections, in the thread in which it happens."""

    def note(self, event: Event) -> None:
        """Take one event."""


_recorders: list[Recorder] = []
_lock = threading.Lock()


def start_recording(recorder: Recorder) -> bool:
    """Give a recorder all that happens on clients' websockets from now on.

    Returns:
        Whether httpx-ws is installed; without it there are no clients to record.
    """
    with _lock:
        if not _install():
            return False
        _recorders.append(recorder)
        return True


def stop_recording(recorder: Recorder) -> None:
    """Give a recorder nothing more."""
    with _lock:
        if recorder in _recorders:
            _recorders.remove(recorder)


def follow(path: Path) -> None:
    """Have the running recordings include what another process records in a file."""
    for recorder in list(_recorders):
        if isinstance(recorder, WireLog):
            recorder.add_file(path)


def _install() -> bool:
    try:
        from httpx_ws import AsyncWebSocketSession, HTTPXWSException, WebSocketDisconnect
        from wsproto.events import TextMessage
    except ImportError:
        return False
    if _KEY in vars(AsyncWebSocketSession):
        return True
    send: Callable[..., Awaitable[None]] = AsyncWebSocketSession.send
    receive: Callable[..., Awaitable[Any]] = AsyncWebSocketSession.receive
    close: Callable[..., Awaitable[None]] = AsyncWebSocketSession.close

    # Not coroutines themselves where that is enough: they add no frame to tracebacks.
    def noting_send(self: Any, event: Any) -> Awaitable[None]:
        if _recorders and isinstance(event, TextMessage):
            _note_frame(self, "sent", event.data)
        return send(self, event)

    async def noting_receive(self: Any, *arguments: Any, **options: Any) -> Any:
        try:
            event = await receive(self, *arguments, **options)
        except WebSocketDisconnect as error:
            _note_end(self, f"by the host, code {error.code}", error.reason or "")
            raise
        except HTTPXWSException as error:
            _note_end(self, f"lost ({type(error).__name__})")
            raise
        if _recorders and isinstance(event, TextMessage):
            _note_frame(self, "received", event.data)
        return event

    def noting_close(self: Any, *arguments: Any, **options: Any) -> Awaitable[None]:
        _note_end(self, "by the client")
        return close(self, *arguments, **options)

    for name, function in (
        ("send", noting_send),
        ("receive", noting_receive),
        ("close", noting_close),
        (_KEY, True),
    ):
        setattr(AsyncWebSocketSession, name, function)
    return True


def _note_frame(session: Any, direction: Direction, text: str) -> None:
    connection = vars(session).get(_KEY)
    if connection is None:
        connection, text = _begin(session, text)
        vars(session)[_KEY] = connection
    if connection is not _FOREIGN:
        _note(connection, direction, text)


def _note_end(session: Any, how: str, reason: str = "") -> None:
    connection = vars(session).get(_KEY)
    if isinstance(connection, WireConnection) and not connection.ended:
        connection.ended = True
        _note(connection, "closed", f"{how}: {reason}" if reason else how)


def _note(connection: WireConnection, direction: Direction, text: str) -> None:
    event = Event(time.time(), connection, direction, text)
    for recorder in list(_recorders):
        recorder.note(event)


def _begin(session: Any, text: str) -> tuple[object, str]:
    """Return the connection of a websocket's first frame, and the frame without a passkey."""
    try:
        message = json.loads(text)
    except (ValueError, RecursionError):
        return _FOREIGN, text
    if not isinstance(message, dict):
        return _FOREIGN, text
    authenticates = "authVersion" in message
    if not authenticates and message.get("type") not in _TYPES:
        return _FOREIGN, text
    # Another recording of this process, or an object made by hand, may have no response.
    request = None if session.response is None else session.response.request
    values = {} if request is None else dict(request.headers.items())
    headers = {name: value for name, value in values.items() if name not in _USUAL_HEADERS}
    secrets = [part for value in headers.values() for part in (value, *value.split()[1:])]
    passkey = message.get("clientPasskey")
    if authenticates and isinstance(passkey, str):
        secrets.append(passkey)
        text = Masker(secrets).mask(text)
    connection = WireConnection(
        without_credentials("" if request is None else str(request.url)),
        tuple(headers),
        secrets=tuple(secrets),
    )
    if authenticates:
        _note(connection, "opened", "".join(f" {name}: {MASK}" for name in headers).lstrip())
    return connection, text
