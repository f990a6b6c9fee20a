"""Driving the hooks of plugins: preprocessing, tool sessions, generation."""

from __future__ import annotations

import secrets
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import anyio
import msgspec

from model_fixtures.server.protocol.errors import ServerError
from model_fixtures.server.protocol.payloads.hook_packets import (
    HookPacket,
    OfCall,
    PreprocessingComplete,
    SessionInitializationFailed,
    SessionInitialized,
    TaskAborted,
    TaskComplete,
    TaskError,
    ToolCallComplete,
    ToolCallError,
)

from .hook_channel import HookChannel, Replies
from .plugin import Plugin
from .prediction_process import PredictionProcess

ABORT_SECONDS = 2.0
OnPacket = Callable[[HookPacket], None]


async def preprocess(
    plugin: Plugin,
    process: PredictionProcess,
    message: dict[str, Any],
    *,
    settings: dict[str, Any],
    plugins: list[dict[str, Any]],
) -> dict[str, Any]:
    """Return a user message as the plugin's preprocessor has changed it.

    When the caller is cancelled, the plugin is told to abort.

    Raises:
        ServerError: the hook failed, or the plugin left.
    """
    hook = plugin.hook("promptPreprocessor")
    task = secrets.token_hex(8)
    request: dict[str, Any] = {
        "type": "preprocess",
        "input": message,
        **_task(plugin, process, task, settings, plugins),
    }
    reply = await _one_task(hook, task, request)
    if isinstance(reply, PreprocessingComplete):
        processed: dict[str, Any] = msgspec.to_builtins(reply.processed)
        return processed
    raise _failure(plugin, reply)


async def handle_prediction_loop(
    plugin: Plugin,
    process: PredictionProcess,
    *,
    settings: dict[str, Any],
    plugins: list[dict[str, Any]],
) -> None:
    """Let a plugin do the whole turn itself; it reports with updates.

    Raises:
        ServerError: the hook failed, or the plugin left.
    """
    hook = plugin.hook("predictionLoopHandler")
    task = secrets.token_hex(8)
    request: dict[str, Any] = {
        "type": "handlePredictionLoop",
        **_task(plugin, process, task, settings, plugins),
    }
    reply = await _one_task(hook, task, request)
    if not isinstance(reply, TaskComplete):
        raise _failure(plugin, reply)


class ToolSession:
    """An open session with a tools provider."""

    def __init__(
        self,
        plugin: Plugin,
        hook: HookChannel,
        session: str,
        definitions: list[dict[str, Any]],
        replies: Replies,
    ) -> None:
        self._plugin = plugin
        self._hook = hook
        self._session = session
        self._replies = replies
        self.definitions = definitions

    def start(self, call: str, name: str, arguments: Any) -> None:
        """Start a call; `packet` returns what the plugin sends about it."""
        self._hook.send(
            {
                "type": "callTool",
                "sessionId": self._session,
                "callId": call,
                "toolName": name,
                "parameters": arguments,
            }
        )

    def abort(self, call: str) -> None:
        """Abort a call; the plugin need not answer."""
        self._hook.send({"type": "abortToolCall", "sessionId": self._session, "callId": call})

    async def packet(self) -> HookPacket:
        """Return the next packet about any call.

        Raises:
            ServerError: the plugin left.
        """
        return await self._replies.take()

    async def call(self, name: str, arguments: Any, on_packet: OnPacket) -> Any:
        """Return the result of a call; status and warnings go to `on_packet` meanwhile.

        Raises:
            ServerError: the tool failed, or the plugin left.
        """
        number = secrets.token_hex(8)
        self.start(number, name, arguments)
        try:
            while True:
                packet = await self.packet()
                if not isinstance(packet, OfCall) or packet.call_id != number:
                    continue
                if isinstance(packet, ToolCallComplete):
                    return packet.result
                if isinstance(packet, ToolCallError):
                    raise _failure(self._plugin, packet)
                on_packet(packet)
        except anyio.get_cancelled_exc_class():
            self.abort(number)
            raise


@asynccontextmanager
async def tool_session(plugin: Plugin, settings: dict[str, Any]) -> AsyncIterator[ToolSession]:
    """Provide a session with a plugin's tools provider.

    Raises:
        ServerError: the provider failed, or the plugin left.
    """
    hook = plugin.hook("toolsProvider")
    session = secrets.token_hex(8)
    with hook.replies(session) as replies:
        hook.send(
            {
                "type": "initSession",
                "sessionId": session,
                **_configs(plugin, settings),
            }
        )
        try:
            while not isinstance(reply := await replies.take(), SessionInitialized):
                if isinstance(reply, SessionInitializationFailed):
                    raise _failure(plugin, reply)
            definitions: list[dict[str, Any]] = msgspec.to_builtins(reply.tool_definitions)
            yield ToolSession(plugin, hook, session, definitions, replies)
        finally:
            hook.send({"type": "discardSession", "sessionId": session})


async def generate(
    plugin: Plugin,
    history: dict[str, Any],
    tools: list[dict[str, Any]],
    settings: dict[str, Any],
) -> AsyncGenerator[HookPacket, None]:
    """Yield the packets of a plugin's generator, without its last one.

    Raises:
        ServerError: the generator failed, or the plugin left.
    """
    hook = plugin.hook("generator")
    task = secrets.token_hex(8)
    with hook.replies(task) as replies:
        hook.send(
            {
                "type": "generate",
                "taskId": task,
                "input": history,
                "toolDefinitions": tools,
                **_configs(plugin, settings),
            }
        )
        try:
            while not isinstance(packet := await replies.take(), TaskComplete):
                if isinstance(packet, (TaskError, TaskAborted)):
                    raise _failure(plugin, packet)
                yield packet
        except (anyio.get_cancelled_exc_class(), GeneratorExit):
            hook.send({"type": "abort", "taskId": task})
            raise


def _task(
    plugin: Plugin,
    process: PredictionProcess,
    task: str,
    settings: dict[str, Any],
    plugins: list[dict[str, Any]],
) -> dict[str, Any]:
    """Return what every task of a turn contains."""
    return {
        "taskId": task,
        "config": {"fields": []},
        **_configs(plugin, settings),
        "enabledPluginInfos": plugins,
        "pci": process.pci,
        "token": process.token,
    }


def _configs(plugin: Plugin, settings: dict[str, Any]) -> dict[str, Any]:
    """Return a plugin's settings, which every request to it contains."""
    return {
        "pluginConfig": plugin.declared(settings, everywhere=False),
        "globalPluginConfig": plugin.declared(settings, everywhere=True),
        "workingDirectoryPath": None,
    }


async def _one_task(hook: HookChannel, task: str, request: dict[str, Any]) -> HookPacket:
    """Return the one reply to a task; a caller that is cancelled aborts it."""
    with hook.replies(task) as replies:
        hook.send(request)
        try:
            return await replies.take()
        except anyio.get_cancelled_exc_class():
            await _abort(hook, replies, {"type": "abort", "taskId": task})
            raise


async def _abort(hook: HookChannel, replies: Replies, packet: dict[str, Any]) -> None:
    hook.send(packet)
    with suppress(ServerError), anyio.move_on_after(ABORT_SECONDS, shield=True):
        while not isinstance(await replies.take(), TaskAborted):
            pass


def _failure(plugin: Plugin, packet: HookPacket) -> ServerError:
    if isinstance(packet, TaskAborted):
        return ServerError(f"The plugin {plugin.identifier} has given up its task")
    error: dict[str, Any] = getattr(packet, "error", {})
    title = error.get("title")
    return ServerError(
        title if isinstance(title, str) else f"The plugin {plugin.identifier} failed",
        cause=error.get("cause") if isinstance(error.get("cause"), str) else None,
    )
