"""What a plugin gets that asks the user something: nobody sits in front of this server."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest
from model_fixtures.server.background_tasks import BackgroundTasks
from model_fixtures.server.handlers.handler_context import Context
from model_fixtures.server.namespaces.plugins import handle_request
from model_fixtures.server.plugins.prediction_process import PredictionProcess
from model_fixtures.server.plugins.registered_plugins import RegisteredPlugins
from model_fixtures.server.protocol.client_identities import ClientIdentities
from model_fixtures.server.protocol.errors import ServerError
from model_fixtures.server.protocol.payloads.plugins import HandleRequest, Manifest

pytestmark = pytest.mark.anyio


async def answer(request: dict[str, Any]) -> tuple[Any, list[dict[str, Any]]]:
    """Return the answer to a plugin in a turn, and the events that the turn reports."""
    events: list[dict[str, Any]] = []
    identities = ClientIdentities()
    plugins = RegisteredPlugins(identities, BackgroundTasks())
    plugin = plugins.register(Manifest("plugin", "node", "tests", "asking"))
    client = identities.enter(plugin.client_identifier, plugin.passkey)
    process = PredictionProcess([], "", events.append)
    plugins.processes.start(process)
    state = SimpleNamespace(plugins=plugins)
    context = cast("Context", SimpleNamespace(client=client, state=state))
    asked = HandleRequest(pci=process.pci, token=process.token, request=request)
    return await handle_request(context, asked), events


@pytest.mark.difference("plugin-requests")
async def test_tool_call_is_confirmed() -> None:
    """A plugin may make each tool call for which it asks, and the turn reports the request."""
    request = {"type": "confirmToolCall", "callId": 1, "name": "remove", "parameters": {}}
    answered, events = await answer(request)
    assert answered == {"response": {"type": "confirmToolCall", "result": {"type": "allow"}}}
    assert events == [{"event": "request", "request": request}]


@pytest.mark.difference("plugin-requests")
async def test_nobody_enters_a_text() -> None:
    """A plugin that asks for a text gets an error, so that it does not wait for ever."""
    with pytest.raises(ServerError, match="Nobody sits before the embedded server"):
        await answer({"type": "textInput", "prompt": "Your name?"})
