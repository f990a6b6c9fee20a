"""What a namespace offers: its calls and channels with the types of their parameters.

A namespace module declares handlers; this module knows names, kinds and schemas only.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import UNSET, Struct

if TYPE_CHECKING:
    from model_fixtures.server.handlers.handler_context import ChannelPort, Context

# One that never waits is a plain function: it runs at once, without a task of its own.
RpcHandler = Callable[["Context", Any], Any]
ChannelHandler = Callable[["Context", Any, "ChannelPort"], Awaitable[None]]


class Rpc(Struct, frozen=True):
    """A call: `parameter` is the type of its parameter (None = takes none).

    `waits` says whether the handler is a coroutine function.
    """

    name: str
    handler: RpcHandler
    parameter: Any = None
    waits: bool = True


class Channel(Struct, frozen=True):
    """A channel: `packets` is the type of what the client may send on it (None = nothing)."""

    name: str
    handler: ChannelHandler
    parameter: Any = None
    packets: Any = None


class Namespace:
    """The endpoints behind one websocket path."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.rpcs: dict[str, Rpc] = {}
        self.channels: dict[str, Channel] = {}

    def rpc(self, name: str, parameter: Any = None) -> Callable[[RpcHandler], RpcHandler]:
        """Declare a function as the handler of a call."""

        def register(handler: RpcHandler) -> RpcHandler:
            waits = inspect.iscoroutinefunction(handler)
            self.rpcs[name] = Rpc(name, handler, parameter, waits)
            return handler

        return register

    def channel(
        self, name: str, parameter: Any = None, packets: Any = None
    ) -> Callable[[ChannelHandler], ChannelHandler]:
        """Declare a function as the handler of a channel."""

        def register(handler: ChannelHandler) -> ChannelHandler:
            self.channels[name] = Channel(name, handler, parameter, packets)
            return handler

        return register


def check(value: Any, expected: Any) -> Any:
    """Return a raw payload converted to the expected type; unknown keys are dropped.

    Raises:
        msgspec.ValidationError: the payload does not fit.
    """
    if expected is None:
        if value is not UNSET:
            raise msgspec.ValidationError("Expected nothing")
        return None
    if value is UNSET:
        # SDKs leave an empty object out.
        value = {}
    return msgspec.convert(value, expected)
