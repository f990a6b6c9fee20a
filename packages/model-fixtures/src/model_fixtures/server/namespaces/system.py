"""The `system` namespace: downloaded models, version, experiment flags, the server's end."""

from __future__ import annotations

import asyncio
import logging
import os

import anyio

from model_fixtures.server.handlers.handler_context import ChannelPort, Context
from model_fixtures.server.package_version import VERSION
from model_fixtures.server.protocol.errors import PathNotFoundError, ServerError
from model_fixtures.server.protocol.namespace import Namespace
from model_fixtures.server.protocol.payloads import system as payloads
from model_fixtures.server.protocol.payloads.models import ModelInfo

ANSWER_FIRST = 0.2  # seconds in which the answer leaves, before the server ends its connections

namespace = Namespace("system")
logger = logging.getLogger("model_fixtures.server")


@namespace.rpc("listDownloadedModels")
async def list_downloaded_models(context: Context, _: None) -> list[ModelInfo]:
    """Return each model once, loaded or not."""
    return await context.models.downloaded.infos()


@namespace.rpc("listDownloadedModelVariants", payloads.ModelKey)
async def list_downloaded_model_variants(context: Context, request: payloads.ModelKey) -> None:
    """Raise an error: no model has variants."""
    catalog = await context.models.downloaded.catalog()
    if not catalog.find(request.model_key):
        paths = [model.path for model in catalog.models]
        raise PathNotFoundError(request.model_key, paths)
    raise ServerError(f"{request.model_key} has no variants")


@namespace.rpc("notify", payloads.Notification)
async def notify(context: Context, request: payloads.Notification) -> None:
    """Write a notification to the log, since a server has no screen."""
    logger.info("notification: %s", request.title)


@namespace.rpc("version")
def version(context: Context, _: None) -> dict[str, str | int]:
    """Return the embedded server's own version."""
    return {"version": VERSION, "build": 0}


@namespace.rpc("info")
def info(context: Context, _: None) -> dict[str, str | int | bool]:
    """Return which process serves, and its version."""
    return {"pid": os.getpid(), "isDaemon": True, "version": VERSION}


@namespace.rpc("setExperimentFlag", payloads.ExperimentFlag)
async def set_experiment_flag(context: Context, request: payloads.ExperimentFlag) -> None:
    """Remember a flag; no flag changes anything here."""
    flags = context.state.experiment_flags
    (flags.add if request.value else flags.discard)(request.code)


@namespace.rpc("getExperimentFlags")
def get_experiment_flags(context: Context, _: None) -> list[str]:
    """Return the flags that are set, in alphabetical order."""
    return sorted(context.state.experiment_flags)


@namespace.channel("alive")
async def alive(context: Context, _: None, port: ChannelPort) -> None:
    """Send nothing, and stay open until the client leaves."""
    await anyio.sleep_forever()


@namespace.rpc("startHttpServer", payloads.HttpServer)
async def start_http_server(context: Context, request: payloads.HttpServer) -> None:
    """Do nothing if HTTP is served in the way that is asked for, and refuse anything else."""
    state, interface = context.state, request.network_interface
    if interface not in (None, "127.0.0.1", "localhost"):
        raise ServerError(f"The embedded server listens on 127.0.0.1 only, not on {interface}")
    if request.port is not None and request.port not in state.ports:
        ports = ", ".join(map(str, sorted(state.ports)))
        raise ServerError(
            f"The embedded server listens on port {ports}, not on {request.port}",
            suggestion="Start it with --port",
        )
    if request.cors and not state.options.cors:
        raise ServerError(
            "The embedded server lets no web page of another site in",
            suggestion="Start it with --cors",
        )


@namespace.rpc("stopHttpServer")
async def stop_http_server(context: Context, _: None) -> None:
    """Refuse: the ports belong to the server as a whole."""
    raise ServerError("The embedded server cannot stop HTTP alone; stop the whole server instead")


@namespace.rpc("requestShutdown")
async def request_shutdown(context: Context, _: None) -> None:
    """End the server if its options allow it."""
    if not context.state.options.allow_shutdown:
        raise ServerError(
            "Clients may not end the embedded server", suggestion="Start it with --allow-shutdown"
        )
    logger.info("a client ends the server")
    asyncio.get_running_loop().call_later(ANSWER_FIRST, context.state.end)
