"""Clients that use plugins: tool sessions and generators."""

from __future__ import annotations

from contextlib import aclosing
from typing import Any

import anyio
import msgspec

from model_fixtures.server.plugins.hooks import ToolSession, generate, tool_session
from model_fixtures.server.protocol import plugins as payloads
from model_fixtures.server.protocol.endpoints import Namespace
from model_fixtures.server.protocol.errors import ServerError
from model_fixtures.server.protocol.models import Cancel
from model_fixtures.server.protocol.plugins import HookPacket

from .context import ChannelPort, Context

Packet = dict[str, Any]


def add_use_endpoints(namespace: Namespace) -> None:
    """Declares the channels of clients that use plugins."""

    @namespace.channel("startToolUseSession", payloads.StartToolUseSession, payloads.ToolUsePacket)
    async def start_tool_use_session(
        context: Context, request: payloads.StartToolUseSession, port: ChannelPort
    ) -> None:
        plugin = context.state.plugins.find(request.plugin_identifier)
        settings = _settings(request.plugin_config_specifier)
        async with tool_session(plugin, settings) as session:
            await port.send({"type": "sessionReady", "toolDefinitions": session.definitions})
            await _serve_calls(session, port)

    @namespace.channel("generateWithGenerator", payloads.GenerateWithGenerator, Cancel)
    async def generate_with_generator(
        context: Context, request: payloads.GenerateWithGenerator, port: ChannelPort
    ) -> None:
        plugin = context.state.plugins.find(request.plugin_identifier)
        history = msgspec.to_builtins(request.history)
        settings = _settings(request.plugin_config_specifier)
        with port.cancellable():
            packets = generate(plugin, history, request.tools, settings)
            async with aclosing(packets):
                async for packet in packets:
                    translated = _generated(packet)
                    if translated is not None:
                        await port.send(translated)
            await port.send({"type": "success"})
            return
        raise ServerError("The generation was cancelled")


async def _serve_calls(session: ToolSession, port: ChannelPort) -> None:
    """Passes calls on and their results back until the client ends the session."""
    aborted: set[str] = set()
    failure: list[ServerError] = []

    async def answer() -> None:
        try:
            while True:
                packet = await session.packet()
                if packet.call_id not in aborted and (sent := _tool_packet(packet)) is not None:
                    await port.send(sent)
        except ServerError as error:
            failure.append(error)
            tasks.cancel_scope.cancel()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(answer)
        async for packet in port.packets:
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
    """What a client hears of a call; its ids are numbers where a plugin's are texts."""
    more = {
        "toolCallComplete": {"result": packet.result},
        "toolCallError": {"error": packet.error},
        "toolCallStatus": {"statusText": packet.status_text},
        "toolCallWarn": {"warnText": packet.warn_text},
    }.get(packet.type)
    # A plugin may say anything: also something of a call that nobody has made.
    if more is None or not isinstance(packet.call_id, str) or not packet.call_id.isdecimal():
        return None
    call = {"type": packet.type, "callId": int(packet.call_id)}
    return call | {key: value for key, value in more.items() if value is not msgspec.UNSET}


def _generated(packet: HookPacket) -> Packet | None:
    """What a client hears of a generator's packet."""
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


def _settings(specifier: payloads.ConfigSpecifier) -> dict[str, Any]:
    if isinstance(specifier, payloads.ProcessConfig):
        return {}
    return {
        field.key: field.value
        for field in specifier.config.fields
        if field.value is not msgspec.UNSET
    }
