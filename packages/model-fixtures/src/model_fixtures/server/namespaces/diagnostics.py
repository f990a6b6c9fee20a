"""The `diagnostics` namespace: what goes into models and comes out of them."""

from __future__ import annotations

from typing import Any

import anyio

from model_fixtures.server.handlers.handler_context import ChannelPort, Context
from model_fixtures.server.protocol.namespace import Namespace
from model_fixtures.server.protocol.payloads.files import Stop

namespace = Namespace("diagnostics")


@namespace.channel("streamLogs", packets=Stop)
async def stream_logs(context: Context, _: None, port: ChannelPort) -> None:
    """Send log events until the client stops or leaves."""

    def listener(log: dict[str, Any]) -> None:
        port.put({"type": "log", "log": log})

    with context.state.logs.listening(listener), port.cancellable():
        await anyio.sleep_forever()
