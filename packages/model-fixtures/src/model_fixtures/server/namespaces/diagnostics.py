"""The `diagnostics` namespace: what goes into models and comes out of them, and what is logged."""

from __future__ import annotations

import re

from model_fixtures.server.handlers.handler_context import ChannelPort, Context
from model_fixtures.server.protocol.namespace import Namespace
from model_fixtures.server.protocol.payloads.files import Stop

# What the JavaScript SDK up to 1.5.0 calls itself. It knows one kind of event and warns of others.
OLD_JAVASCRIPT = re.compile(r"[A-Za-z0-9+/]{24}")
OLD_KINDS = ("llm.prediction.input",)

namespace = Namespace("diagnostics")


@namespace.channel("streamLogs", packets=Stop)
async def stream_logs(context: Context, _: None, port: ChannelPort) -> None:
    """Send log events until the client stops or leaves."""
    old = OLD_JAVASCRIPT.fullmatch(context.client.identifier)
    with context.state.logs.listening(OLD_KINDS if old else None) as events, port.cancellable():
        async for event in events:
            await port.send({"type": "log", "log": event})
