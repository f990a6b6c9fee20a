"""What a plugin may ask and report while it takes part in a turn of a chat."""

from __future__ import annotations

from typing import Any

from model_fixtures.server.plugins.process import Process
from model_fixtures.server.protocol import plugins as payloads
from model_fixtures.server.protocol.endpoints import Namespace
from model_fixtures.server.protocol.errors import ServerError

from .context import Context


def add_processing_endpoints(namespace: Namespace) -> None:
    """Declares the `processing...` calls."""

    @namespace.rpc("processingHandleUpdate", payloads.HandleUpdate)
    async def handle_update(context: Context, request: payloads.HandleUpdate) -> None:
        _process(context, request).update(request.update)

    @namespace.rpc("processingHandleRequest", payloads.HandleRequest)
    async def handle_request(context: Context, request: payloads.HandleRequest) -> dict[str, Any]:
        process = _process(context, request)
        process.report({"event": "request", "request": request.request})
        match request.request:
            case {"type": "confirmToolCall"}:
                # Nobody sits before this server; a test that drives the turn has agreed.
                return {"response": {"type": "confirmToolCall", "result": {"type": "allow"}}}
        raise ServerError("Nobody sits before the embedded server to answer this")

    @namespace.rpc("processingPullHistory", payloads.PullHistory)
    async def pull_history(context: Context, request: payloads.PullHistory) -> dict[str, Any]:
        messages = _process(context, request).messages
        return {"messages": messages if request.include_current else messages[:-1]}

    @namespace.rpc("processingGetOrLoadTokenSource", payloads.Processing)
    async def token_source(context: Context, request: payloads.Processing) -> dict[str, Any]:
        model = _process(context, request).model
        return {"tokenSourceIdentifier": {"type": "model", "identifier": model}}

    @namespace.rpc("processingHasStatus", payloads.Processing)
    async def has_status(context: Context, request: payloads.Processing) -> bool:
        return bool(_process(context, request).statuses)

    @namespace.rpc("processingNeedsNaming", payloads.Processing)
    async def needs_naming(context: Context, request: payloads.Processing) -> bool:
        return _process(context, request).name is None

    @namespace.rpc("processingSuggestName", payloads.Name)
    async def suggest_name(context: Context, request: payloads.Name) -> None:
        process = _process(context, request)
        process.name = request.name
        process.report({"event": "name", "name": request.name})

    @namespace.rpc("processingSetSenderName", payloads.Name)
    async def set_sender_name(context: Context, request: payloads.Name) -> None:
        _process(context, request).report({"event": "senderName", "name": request.name})


def _process(context: Context, request: payloads.Processing) -> Process:
    plugins = context.state.plugins
    plugins.of_client(context.client)
    return plugins.processes.get(request.pci, request.token)
