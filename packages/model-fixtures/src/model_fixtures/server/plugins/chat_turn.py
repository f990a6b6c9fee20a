"""A turn of a chat through plugins, as the app drives it: preprocess, offer tools, predict, call.

The app does this for a person who types; here a test does it over the control endpoint.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import msgspec
from msgspec import Struct

from model_fixtures.server.client_errors import client_error
from model_fixtures.server.protocol.errors import ServerError
from model_fixtures.server.protocol.payloads.hook_packets import (
    HookPacket,
    ToolCallStatus,
    ToolCallWarn,
)

from .call_hooks import ToolSession, handle_prediction_loop, preprocess, tool_session
from .plugin import Plugin
from .prediction_process import OnEvent, PredictionProcess
from .registered_plugins import RegisteredPlugins

# Returns a model's answer to messages in wire form.
Answer = Callable[[str, list[dict[str, Any]]], Awaitable[str]]


class Turn(Struct, rename="camel", forbid_unknown_fields=True):
    """What a person has typed, and with which plugins.

    Args:
        plugins: identifiers `owner/name`, in the order in which they take part.
        text: the new user message.
        messages: the chat before it, in wire form.
        settings: values of the plugins' declared settings, by key.
        calls: tool calls to make, as a model would ask for them; each `{"name", "arguments"}`.
        model: identifier of a loaded model that answers in the end, empty = none answers.
    """

    plugins: list[str]
    text: str
    messages: list[dict[str, Any]] = []
    settings: dict[str, Any] = {}
    calls: list[dict[str, Any]] = []
    model: str = ""


async def run_turn(
    plugins: RegisteredPlugins, turn: Turn, answer: Answer, on_event: OnEvent
) -> None:
    """Run a turn; everything that happens goes to `on_event`, `{"event": ..., ...}`.

    Events: `preprocessed` (message), `tools` (definitions by plugin), `update`, `toolStatus`,
    `toolWarning`, `toolResult`, `toolError`, `loopHandled`, `answered` (text), and `done` (all
    messages) or `error` last.
    """
    taking_part = [plugins.find(identifier) for identifier in turn.plugins]
    message: dict[str, Any] = {"role": "user", "content": [{"type": "text", "text": turn.text}]}
    process = PredictionProcess([*turn.messages, message], turn.model, on_event)
    plugins.processes.start(process)
    # A plugin that leaves in the middle of the turn fails it, and is not passed over.
    preprocessors, providers, handlers = (
        [plugin for plugin in taking_part if hook in plugin.hooks]
        for hook in ("promptPreprocessor", "toolsProvider", "predictionLoopHandler")
    )
    infos = [plugin.info() for plugin in taking_part]
    try:
        await _preprocess(preprocessors, process, turn, infos)
        async with AsyncExitStack() as stack:
            sessions = await _sessions(stack, providers, turn)
            offered = {name: session.definitions for name, session in sessions.items()}
            if offered:
                process.report({"event": "tools", "definitions": offered})
            for call in turn.calls:
                await _call(sessions, process, call)
        await _finish(handlers, process, turn, infos, answer)
        process.report({"event": "done", "messages": process.messages})
    except Exception as error:  # noqa: BLE001 (a plugin's mistakes end its turn, not the answer)
        failure = client_error(error, "the turn")
        process.report({"event": "error", "error": failure.to_wire()})
    finally:
        plugins.processes.end(process)


async def _preprocess(
    preprocessors: list[Plugin], process: PredictionProcess, turn: Turn, infos: list[dict[str, Any]]
) -> None:
    for plugin in preprocessors:
        message = await preprocess(
            plugin, process, process.messages[-1], settings=turn.settings, plugins=infos
        )
        process.messages[-1] = message
        process.report({"event": "preprocessed", "plugin": plugin.identifier, "message": message})


async def _finish(
    handlers: list[Plugin],
    process: PredictionProcess,
    turn: Turn,
    infos: list[dict[str, Any]],
    answer: Answer,
) -> None:
    """Have a plugin that handles the prediction loop end the turn, or else the model."""
    if handlers:
        await handle_prediction_loop(handlers[0], process, settings=turn.settings, plugins=infos)
        process.report({"event": "loopHandled", "plugin": handlers[0].identifier})
    elif turn.model:
        text = await answer(turn.model, process.messages)
        process.messages.append({"role": "assistant", "content": [{"type": "text", "text": text}]})
        process.report({"event": "answered", "text": text})


async def _sessions(
    stack: AsyncExitStack, providers: list[Plugin], turn: Turn
) -> dict[str, ToolSession]:
    return {
        plugin.identifier: await stack.enter_async_context(tool_session(plugin, turn.settings))
        for plugin in providers
    }


async def _call(
    sessions: dict[str, ToolSession], process: PredictionProcess, call: dict[str, Any]
) -> None:
    """Make one call, and put request and result into the chat."""
    name, arguments = call.get("name"), call.get("arguments", {})
    for session in sessions.values():
        names = [tool["function"]["name"] for tool in session.definitions]
        if name in names:
            break
    else:
        raise ServerError(f"No plugin of this turn provides the tool {name}")

    def on_packet(packet: HookPacket) -> None:
        if isinstance(packet, ToolCallStatus):
            process.report({"event": "toolStatus", "tool": name, "text": packet.status_text})
        elif isinstance(packet, ToolCallWarn):
            process.report({"event": "toolWarning", "tool": name, "text": packet.warn_text})

    request = {"type": "function", "name": name, "arguments": arguments}
    try:
        result = await session.call(str(name), arguments, on_packet)
        content = json.dumps(None if result is msgspec.UNSET else result)
        process.report({"event": "toolResult", "tool": name, "result": json.loads(content)})
    except ServerError as error:
        content = error.title
        process.report({"event": "toolError", "tool": name, "error": error.to_wire()})
    process.messages += [
        {
            "role": "assistant",
            "content": [{"type": "toolCallRequest", "toolCallRequest": request}],
        },
        {"role": "tool", "content": [{"type": "toolCallResult", "content": content}]},
    ]
