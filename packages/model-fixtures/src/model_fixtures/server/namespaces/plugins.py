"""The `plugins` namespace: registration, hooks, and clients that use plugins."""

from __future__ import annotations

import anyio

from model_fixtures.server.plugins.plugin import Hook, HookChannel
from model_fixtures.server.protocol import plugins as payloads
from model_fixtures.server.protocol.endpoints import Namespace
from model_fixtures.server.protocol.errors import ServerError

from .context import ChannelPort, Context
from .plugin_processing import add_processing_endpoints
from .plugin_use import add_use_endpoints

namespace = Namespace("plugins")
add_processing_endpoints(namespace)
add_use_endpoints(namespace)

HOOKS: dict[str, Hook] = {
    "setPromptPreprocessor": "promptPreprocessor",
    "setPredictionLoopHandler": "predictionLoopHandler",
    "setToolsProvider": "toolsProvider",
    "setGenerator": "generator",
}


@namespace.channel("registerDevelopmentPlugin", payloads.RegisterDevelopmentPlugin, payloads.End)
async def register_development_plugin(
    context: Context, request: payloads.RegisterDevelopmentPlugin, port: ChannelPort
) -> None:
    """Gives a plugin credentials, which hold while this channel is open."""
    plugins = context.state.plugins
    plugin = plugins.register(request.manifest)
    try:
        await port.send(
            {
                "type": "ready",
                "clientIdentifier": plugin.client_identifier,
                "clientPasskey": plugin.passkey,
            }
        )
        await port.packets.receive()  # `end`
    finally:
        plugins.remove(plugin)


def _add_hook(endpoint: str, hook: Hook) -> None:
    @namespace.channel(endpoint, packets=payloads.HookPacket)
    async def set_hook(context: Context, _: None, port: ChannelPort) -> None:
        plugin = context.state.plugins.of_client(context.client)
        if hook in plugin.hooks:
            raise ServerError(f"The plugin {plugin.identifier} has a {hook} already")
        channel = plugin.hooks[hook] = HookChannel(port)
        try:
            async for packet in port.packets:
                channel.deliver(packet)
        finally:
            plugin.hooks.pop(hook, None)
            channel.close()


for _endpoint, _hook in HOOKS.items():
    _add_hook(_endpoint, _hook)


@namespace.rpc("setConfigSchematics", payloads.SetSchematics)
async def set_config_schematics(context: Context, request: payloads.SetSchematics) -> None:
    """The settings of a plugin for each chat."""
    context.state.plugins.of_client(context.client).schematics = request.schematics


@namespace.rpc("setGlobalConfigSchematics", payloads.SetSchematics)
async def set_global_config_schematics(context: Context, request: payloads.SetSchematics) -> None:
    """The settings of a plugin for all chats."""
    context.state.plugins.of_client(context.client).global_schematics = request.schematics


@namespace.rpc("pluginInitCompleted")
async def plugin_init_completed(context: Context, _: None) -> None:
    """All hooks of a plugin are open."""
    context.state.plugins.of_client(context.client).ready.set()


@namespace.rpc("reindexPlugins")
async def reindex_plugins(context: Context, _: None) -> None:
    """Development plugins are known at once: there is nothing to index."""
    await anyio.lowlevel.checkpoint()
