"""The `diagnostics` namespace: what goes into models and comes out of them, and what is logged."""

from __future__ import annotations

from model_fixtures.server.handlers.handler_context import ChannelPort, Context
from model_fixtures.server.protocol.namespace import Namespace
from model_fixtures.server.protocol.payloads.files import Stop

namespace = Namespace("diagnostics")


@namespace.channel("streamLogs", packets=Stop)
async def stream_logs(context: Context, _: None, port: ChannelPort) -> None:
    """Send log events until the client stops or leaves."""
    with context.state.logs.listening() as events, port.cancellable():
        async for event in events:
            await port.send({"type": "log", "log": event})
