"""What a client that uses a plugin is sent: results of tool calls, and generated text."""

from __future__ import annotations

from collections.abc import AsyncIterable, Awaitable, Callable
from typing import Any

import anyio
import msgspec

from model_fixtures.server.protocol.errors import ServerError
from model_fixtures.server.protocol.payloads import plugins as payloads
from model_fixtures.server.protocol.payloads.plugins import HookPacket

from .call_hooks import ToolSession

Packet = dict[str, Any]
Send = Callable[[Packet], Awaitable[None]]


async def serve_tool_calls(session: ToolSession, packets: AsyncIterable[Any], send: Send) -> None:
    """Pass a client's tool calls to a plugin, and the results back, until the client ends.

    Args:
        session: the open session with the plugin.
        packets: what the client sends.
        send: sends a packet to the client.

    Raises:
        ServerError: the plugin left.
    """
    aborted: set[str] = set()
    failure: list[ServerError] = []

    async def answer() -> None:
        try:
            while True:
                packet = await session.packet()
                if packet.call_id not in aborted and (sent := _tool_packet(packet)) is not None:
                    await send(sent)
        except ServerError as error:
            failure.append(error)
            tasks.cancel_scope.cancel()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(answer)
        async for packet in packets:
            if isinstance(packet, payloads.CallTool):
                session.start(str(packet.call_id), packet.name, packet.arguments)
            elif isinstance(packet, payloads.AbortToolCall):
                aborted.add(str(packet.call_id))
                session.abort(str(packet.call_id))
            else:
                break
        tasks.cancel_scope.cancel()
    if failure:
        raise failure[0]


def _tool_packet(packet: HookPacket) -> Packet | None:
    """Translate a packet about a call; a client's ids are numbers where a plugin's are texts."""
    more = {
        "toolCallComplete": {"result": packet.result},
        "toolCallError": {"error": packet.error},
        "toolCallStatus": {"statusText": packet.status_text},
        "toolCallWarn": {"warnText": packet.warn_text},
    }.get(packet.type)
    # A plugin may send anything, also about a call that nobody has made.
    if more is None or not isinstance(packet.call_id, str) or not packet.call_id.isdecimal():
        return None
    call = {"type": packet.type, "callId": int(packet.call_id)}
    return call | {key: value for key, value in more.items() if value is not msgspec.UNSET}


def for_client_of_generator(packet: HookPacket) -> Packet | None:
    """Translate a generator's packet; None if the client is sent nothing for it."""
    if packet.type == "fragmentGenerated":
        options = packet.opts if isinstance(packet.opts, dict) else {}
        fragment = {
            "content": packet.content,
            "tokensCount": options.get("tokenCount", 1),
            "containsDrafted": options.get("containsDrafted", False),
            "reasoningType": options.get("reasoningType", "none"),
            "isStructural": options.get("isStructural", False),
        }
        return {"type": "fragment", "fragment": fragment}
    if packet.type == "toolCallGenerationStarted":
        call = {} if packet.tool_call_id is msgspec.UNSET else {"toolCallId": packet.tool_call_id}
        return {"type": "toolCallGenerationStart", **call}
    if packet.type == "toolCallGenerationNameReceived":
        return {"type": packet.type, "name": packet.tool_name}
    if packet.type == "toolCallGenerationArgumentFragmentGenerated":
        return {"type": packet.type, "content": packet.content}
    if packet.type == "toolCallGenerationEnded":
        return {"type": "toolCallGenerationEnd", "toolCallRequest": packet.tool_call_request}
    if packet.type == "toolCallGenerationFailed":
        return {"type": packet.type, "error": packet.error}
    return None
