"""The `plugins` namespace: registration, hooks, the turns of a chat, clients that use plugins."""

from __future__ import annotations

import logging
from contextlib import aclosing
from typing import Any

import anyio
import msgspec

from model_fixtures.server.bounded_log_lines import shortened
from model_fixtures.server.handlers.handler_context import ChannelPort, Context
from model_fixtures.server.plugins.call_hooks import generate, tool_session
from model_fixtures.server.plugins.hook_channel import MOST_WAITING, HookChannel
from model_fixtures.server.plugins.packets_for_plugin_users import (
    for_client_of_generator,
    serve_tool_calls,
)
from model_fixtures.server.plugins.plugin import Hook
from model_fixtures.server.plugins.prediction_process import PredictionProcess
from model_fixtures.server.protocol.errors import ServerError
from model_fixtures.server.protocol.namespace import Namespace
from model_fixtures.server.protocol.payloads import hook_packets
from model_fixtures.server.protocol.payloads import plugins as payloads
from model_fixtures.server.protocol.payloads.models import Cancel

LONGEST_ERROR = 1_000  # characters of a plugin's own report that the log repeats

namespace = Namespace("plugins")
logger = logging.getLogger("model_fixtures.server")

HOOKS: dict[str, tuple[Hook, Any]] = {
    "setPromptPreprocessor": ("promptPreprocessor", hook_packets.PreprocessorPacket),
    "setPredictionLoopHandler": ("predictionLoopHandler", hook_packets.LoopHandlerPacket),
    "setToolsProvider": ("toolsProvider", hook_packets.ToolsProviderPacket),
    "setGenerator": ("generator", hook_packets.GeneratorPacket),
}
SHOWN = 200  # characters of what is wrong with a packet

logger = logging.getLogger("model_fixtures.server")


@namespace.channel("registerDevelopmentPlugin", payloads.RegisterDevelopmentPlugin, payloads.End)
async def register_development_plugin(
    context: Context, request: payloads.RegisterDevelopmentPlugin, port: ChannelPort
) -> None:
    """Give a plugin credentials, with which it can connect while this channel is open."""
    plugins = context.state.plugins
    plugin = plugins.register(request.manifest)
    try:
        await port.send(
            {
                "type": "ready",
                "clientIdentifier": plugin.client_identifier,
                "clientPasskey": plugin.passkey,
                "baseUrl": context.url,
            }
        )
        await port.packets.receive()  # `end`
    finally:
        plugins.remove(plugin)


def _add_hook(endpoint: str, hook: Hook, packets: Any) -> None:
    # The packets are checked here and not before: one that is wrong must end what waits for it.
    @namespace.channel(endpoint, packets=Any)
    async def set_hook(context: Context, _: None, port: ChannelPort) -> None:
        plugin = context.state.plugins.of_client(context.client)
        if hook in plugin.hooks:
            raise ServerError(f"The plugin {plugin.identifier} has a {hook} already")
        channel = plugin.hooks[hook] = HookChannel(plugin.identifier, port)

        def misused(end: str) -> ServerError:
            channel.close(f"has sent {end}")
            error = channel.error()
            logger.warning("%s", error.title)
            return error

        def malformed(reason: str) -> ServerError:
            reason = shortened(" ".join(reason.split()), SHOWN)
            return misused(f"a malformed packet on {endpoint}: {reason}")

        try:
            async for packet in port.packets:
                channel.deliver(msgspec.convert(packet, packets))
        except msgspec.ValidationError as error:
            raise malformed(str(error)) from error
        except OverflowError as error:
            end = f"over {MOST_WAITING} MiB on {endpoint} that nobody has read"
            raise misused(end) from error
        except anyio.get_cancelled_exc_class():
            if port.failure is not None:  # the packet was not even decoded
                malformed(port.failure.title)
            raise
        finally:
            plugin.hooks.pop(hook, None)
            channel.close()


for _endpoint, (_hook, _packets) in HOOKS.items():
    _add_hook(_endpoint, _hook, _packets)


@namespace.rpc("setConfigSchematics", payloads.SetSchematics)
async def set_config_schematics(context: Context, request: payloads.SetSchematics) -> None:
    """Take the schematics of a plugin's settings for each chat."""
    context.state.plugins.of_client(context.client).schematics = request.schematics


@namespace.rpc("setGlobalConfigSchematics", payloads.SetSchematics)
async def set_global_config_schematics(context: Context, request: payloads.SetSchematics) -> None:
    """Take the schematics of a plugin's settings for all chats."""
    context.state.plugins.of_client(context.client).global_schematics = request.schematics


@namespace.rpc("pluginInitCompleted")
async def plugin_init_completed(context: Context, _: None) -> None:
    """Note that all hooks of a plugin are open."""
    context.state.plugins.of_client(context.client).ready.set()


@namespace.rpc("reindexPlugins")
async def reindex_plugins(context: Context, _: None) -> None:
    """Do nothing: development plugins are known at once."""
    await anyio.lowlevel.checkpoint()


@namespace.rpc("reportError", payloads.ReportError)
async def report_error(context: Context, request: payloads.ReportError) -> None:
    """Write to the log, in one line, why a plugin can't work; a URL could hold a secret."""
    message = " ".join(shortened(request.message, LONGEST_ERROR).split())
    logger.warning("a plugin reports %s: %s", request.type, message)


@namespace.rpc("processingHandleUpdate", payloads.HandleUpdate)
async def handle_update(context: Context, request: payloads.HandleUpdate) -> None:
    """Take a status, a citation, a tool status or content of a plugin."""
    _prediction_process(context, request).update(request.update)


@namespace.rpc("processingHandleRequest", payloads.HandleRequest)
async def handle_request(context: Context, request: payloads.HandleRequest) -> dict[str, Any]:
    """Answer what a plugin asks the user: tool calls are allowed."""
    process = _prediction_process(context, request)
    process.report({"event": "request", "request": request.request})
    match request.request:
        case {"type": "confirmToolCall"}:
            # This server has no user, and the test that drives the turn agrees.
            return {"response": {"type": "confirmToolCall", "result": {"type": "allow"}}}
    raise ServerError("Nobody sits before the embedded server to answer this")


@namespace.rpc("processingPullHistory", payloads.PullHistory)
async def pull_history(context: Context, request: payloads.PullHistory) -> dict[str, Any]:
    """Return the chat of the turn, with or without its newest message."""
    messages = _prediction_process(context, request).messages
    return {"messages": messages if request.include_current else messages[:-1]}


@namespace.rpc("processingGetOrLoadTokenSource", payloads.Processing)
async def token_source(context: Context, request: payloads.Processing) -> dict[str, Any]:
    """Return the model that answers in the turn."""
    model = _prediction_process(context, request).model
    return {"tokenSourceIdentifier": {"type": "model", "identifier": model}}


@namespace.rpc("processingHasStatus", payloads.Processing)
async def has_status(context: Context, request: payloads.Processing) -> bool:
    """Return whether the turn shows a status."""
    return bool(_prediction_process(context, request).statuses)


@namespace.rpc("processingNeedsNaming", payloads.Processing)
async def needs_naming(context: Context, request: payloads.Processing) -> bool:
    """Return whether the chat has no name yet."""
    return _prediction_process(context, request).name is None


@namespace.rpc("processingSuggestName", payloads.Name)
async def suggest_name(context: Context, request: payloads.Name) -> None:
    """Take a name for the chat."""
    process = _prediction_process(context, request)
    process.name = request.name
    process.report({"event": "name", "name": request.name})


@namespace.rpc("processingSetSenderName", payloads.Name)
async def set_sender_name(context: Context, request: payloads.Name) -> None:
    """Take the name under which the plugin speaks."""
    _prediction_process(context, request).report({"event": "senderName", "name": request.name})


@namespace.channel("startToolUseSession", payloads.StartToolUseSession, payloads.ToolUsePacket)
async def start_tool_use_session(
    context: Context, request: payloads.StartToolUseSession, port: ChannelPort
) -> None:
    """Offer a client the tools of a plugin until it ends the session."""
    plugin = context.state.plugins.find(request.plugin_identifier)
    settings = _settings(request.plugin_config_specifier)
    async with tool_session(plugin, settings) as session:
        await port.send({"type": "sessionReady", "toolDefinitions": session.definitions})
        await serve_tool_calls(session, port.packets, port.send)


@namespace.channel("generateWithGenerator", payloads.GenerateWithGenerator, Cancel)
async def generate_with_generator(
    context: Context, request: payloads.GenerateWithGenerator, port: ChannelPort
) -> None:
    """Stream what a plugin's generator answers to a chat."""
    plugin = context.state.plugins.find(request.plugin_identifier)
    history = msgspec.to_builtins(request.history)
    settings = _settings(request.plugin_config_specifier)
    with port.cancellable():
        packets = generate(plugin, history, request.tools, settings)
        async with aclosing(packets):
            async for packet in packets:
                translated = for_client_of_generator(packet)
                if translated is not None:
                    await port.send(translated)
        await port.send({"type": "success"})
        return
    raise ServerError("The generation was cancelled")


def _prediction_process(context: Context, request: payloads.Processing) -> PredictionProcess:
    plugins = context.state.plugins
    plugins.of_client(context.client)
    return plugins.processes.get(request.pci, request.token)


def _settings(specifier: payloads.ConfigSpecifier) -> dict[str, Any]:
    if isinstance(specifier, payloads.ProcessConfig):
        return {}
    return {
        field.key: field.value
        for field in specifier.config.fields
        if field.value is not msgspec.UNSET
    }
