"""What a client that uses a plugin is sent: results of tool calls, and generated text."""

from __future__ import annotations

from collections.abc import AsyncIterable, Awaitable, Callable
from typing import Any

import anyio
import msgspec

from model_fixtures.server.protocol.errors import ServerError
from model_fixtures.server.protocol.payloads import plugins as payloads
from model_fixtures.server.protocol.payloads.hook_packets import (
    FragmentGenerated,
    HookPacket,
    OfCall,
    ToolCallComplete,
    ToolCallError,
    ToolCallGenerationArgumentFragmentGenerated,
    ToolCallGenerationEnded,
    ToolCallGenerationFailed,
    ToolCallGenerationNameReceived,
    ToolCallGenerationStarted,
    ToolCallStatus,
    ToolCallWarn,
)

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
                if not isinstance(packet, OfCall) or packet.call_id in aborted:
                    continue
                if (sent := _tool_packet(packet)) is not None:
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


def _tool_packet(packet: OfCall) -> Packet | None:
    """Translate a packet about a call; a client's ids are numbers where a plugin's are texts."""
    # A plugin may send anything, also about a call that nobody has made.
    if not packet.call_id.isdecimal():
        return None
    call = {"callId": int(packet.call_id)}
    if isinstance(packet, ToolCallComplete):
        result = {} if packet.result is msgspec.UNSET else {"result": packet.result}
        return {"type": "toolCallComplete", **call, **result}
    if isinstance(packet, ToolCallError):
        return {"type": "toolCallError", **call, "error": packet.error}
    if isinstance(packet, ToolCallStatus):
        return {"type": "toolCallStatus", **call, "statusText": packet.status_text}
    if isinstance(packet, ToolCallWarn):
        return {"type": "toolCallWarn", **call, "warnText": packet.warn_text}
    return None


def for_client_of_generator(packet: HookPacket) -> Packet | None:
    """Translate a generator's packet; None if the client is sent nothing for it."""
    if isinstance(packet, FragmentGenerated):
        fragment = {
            "content": packet.content,
            "tokensCount": packet.opts.token_count,
            "containsDrafted": packet.opts.contains_drafted,
            "reasoningType": packet.opts.reasoning_type,
            "isStructural": packet.opts.is_structural,
        }
        return {"type": "fragment", "fragment": fragment}
    if isinstance(packet, ToolCallGenerationStarted):
        call = {} if packet.tool_call_id is msgspec.UNSET else {"toolCallId": packet.tool_call_id}
        return {"type": "toolCallGenerationStart", **call}
    if isinstance(packet, ToolCallGenerationNameReceived):
        return {"type": "toolCallGenerationNameReceived", "name": packet.tool_name}
    if isinstance(packet, ToolCallGenerationArgumentFragmentGenerated):
        kind = "toolCallGenerationArgumentFragmentGenerated"
        return {"type": kind, "content": packet.content}
    if isinstance(packet, ToolCallGenerationEnded):
        request = msgspec.to_builtins(packet.tool_call_request)
        return {"type": "toolCallGenerationEnd", "toolCallRequest": request}
    if isinstance(packet, ToolCallGenerationFailed):
        return {"type": "toolCallGenerationFailed", "error": packet.error}
    return None
