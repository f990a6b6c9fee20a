"""Turns of a chat that go wrong."""

from __future__ import annotations

from typing import Any

import pytest
from model_fixtures.server.plugins.chat_turn import Turn, run_turn
from model_fixtures.server.plugins.prediction_process import PredictionProcess
from model_fixtures.server.plugins.registered_plugins import RegisteredPlugins
from model_fixtures.server.protocol.client_identities import ClientIdentities
from model_fixtures.server.protocol.errors import ServerError


@pytest.fixture
def plugins() -> RegisteredPlugins:
    """Return the plugins of a server, of which there are none."""
    return RegisteredPlugins(ClientIdentities(None))


@pytest.mark.anyio
async def test_unexpected_error_is_the_last_event(
    plugins: RegisteredPlugins, caplog: pytest.LogCaptureFixture
) -> None:
    """An error that nobody expected ends the turn with an `error` event, and is logged."""
    events: list[dict[str, Any]] = []

    async def answer(model: str, messages: list[dict[str, Any]]) -> str:
        raise KeyError("why")

    await run_turn(plugins, Turn(text="Hi", plugins=[], model="any"), answer, events.append)
    assert [event["event"] for event in events] == ["error"]
    assert events[0]["error"]["title"] == "Internal error in the turn; see the server's log"
    assert "KeyError: 'why'" in caplog.text


@pytest.mark.parametrize("token", ["wrong", "\u00e9"])
def test_wrong_token_of_a_process(plugins: RegisteredPlugins, token: str) -> None:
    """A plugin that gives another token than the process's is refused, whatever its letters."""
    process = PredictionProcess([], "", lambda event: None)
    plugins.processes.start(process)
    with pytest.raises(ServerError, match="the wrong token for it"):
        plugins.processes.get(process.pci, token)
