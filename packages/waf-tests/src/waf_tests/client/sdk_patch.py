"""The one place where the SDK is changed from outside.

The SDK opens every websocket, sync or async, of every namespace, with the same call:
`aconnect_ws(url)`, a name that the module `lmstudio._ws_impl` imports from httpx-ws. It has no
parameter and no hook for headers or TLS. `install` puts a function of the same shape in that name.
It asks which client the call is made for, opens the websocket of one of our clients with that
client's headers, CA and URL, and passes the call of any other client on as it is.

A client is recognised by its task manager: each SDK client has one, every socket of the client is
opened by a task in it, and the SDK itself says which one is running. So two clients with different
keys, and plain `lmstudio` clients beside them, do not meet.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import Protocol
from weakref import WeakKeyDictionary

import lmstudio
import lmstudio._ws_impl as sdk_websockets
from httpx_ws import AsyncWebSocketSession, aconnect_ws
from lmstudio._ws_impl import AsyncTaskManager
from lmstudio.sdk_api import LMStudioRuntimeError

from .connection_settings import Connection

SEAM = "aconnect_ws"

# Which client a task manager belongs to. Weak: a client that is gone leaves nothing here.
_connections: WeakKeyDictionary[AsyncTaskManager, Connection] = WeakKeyDictionary()


class OpensWebsocket(Protocol):
    """The shape of httpx-ws's `aconnect_ws`, as far as the SDK uses it."""

    def __call__(self, url: str) -> AbstractAsyncContextManager[AsyncWebSocketSession]:
        """Open a websocket to `url`."""


def register(task_manager: AsyncTaskManager, connection: Connection) -> None:
    """Let the websockets of this task manager's client be opened with `connection`."""
    install()
    _connections[task_manager] = connection


def install() -> None:
    """Put our function in the SDK's place for `aconnect_ws`; a second call changes nothing.

    Raises LMStudioRuntimeError if this SDK opens its websockets in another way.
    """
    current = getattr(sdk_websockets, SEAM, None)
    if current is _open_websocket:
        return
    if current is not aconnect_ws:
        raise LMStudioRuntimeError(
            f"waf_tests does not know how lmstudio {getattr(lmstudio, '__version__', '')} opens "
            f"websockets: lmstudio._ws_impl.{SEAM} is not httpx_ws.{SEAM}; use 1.5.0 or 1.6.0b1"
        )
    setattr(sdk_websockets, SEAM, _open_websocket)


def _open_websocket(url: str) -> AbstractAsyncContextManager[AsyncWebSocketSession]:
    """Open the websocket for whichever client is asking."""
    connection = _connections.get(AsyncTaskManager.get_running_task_manager())
    if connection is None:
        return aconnect_ws(url)
    return _open_with_headers(url, connection)


@asynccontextmanager
async def _open_with_headers(
    url: str, connection: Connection
) -> AsyncIterator[AsyncWebSocketSession]:
    async with AsyncExitStack() as resources:
        await resources.enter_async_context(connection.attempt(url).running())
        try:
            client = await resources.enter_async_context(connection.async_client())
            websocket: AsyncWebSocketSession = await resources.enter_async_context(
                aconnect_ws(connection.websocket_url(url), client)
            )
        except Exception as error:
            connection.record_failure(url, error)
            raise
        yield websocket
