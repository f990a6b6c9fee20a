"""Turns of a chat that go wrong."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from model_fixtures.server.background_tasks import BackgroundTasks
from model_fixtures.server.plugins.chat_turn import Turn, run_turn
from model_fixtures.server.plugins.hook_channel import HookChannel
from model_fixtures.server.plugins.prediction_process import PredictionProcess
from model_fixtures.server.plugins.registered_plugins import RegisteredPlugins
from model_fixtures.server.protocol.client_identities import ClientIdentities
from model_fixtures.server.protocol.errors import ServerError
from model_fixtures.server.protocol.payloads.hook_packets import PreprocessingComplete
from model_fixtures.server.protocol.payloads.models import Message
from model_fixtures.server.protocol.payloads.plugins import Manifest

pytestmark = pytest.mark.anyio


@pytest.fixture
async def plugins() -> AsyncIterator[RegisteredPlugins]:
    """Provide the plugins of a server, of which there are none."""
    async with BackgroundTasks() as tasks:
        yield RegisteredPlugins(ClientIdentities(None), tasks)


async def never(model: str, messages: list[dict[str, Any]]) -> str:
    """Be the model of a turn in which none answers."""
    raise NotImplementedError


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
async def test_wrong_token_of_a_process(plugins: RegisteredPlugins, token: str) -> None:
    """A plugin that gives another token than the process's is refused, whatever its letters."""
    process = PredictionProcess([], "", lambda event: None)
    plugins.processes.start(process)
    with pytest.raises(ServerError, match="the wrong token for it"):
        plugins.processes.get(process.pci, token)


class LastWork:
    """A preprocessor that completes its task when another plugin has left."""

    def __init__(self, plugins: RegisteredPlugins, name: str) -> None:
        self.plugin = plugins.register(Manifest("plugin", "node", "me", name))
        self.plugin.hooks["promptPreprocessor"] = self.channel = HookChannel(f"me/{name}", self)
        self._plugins = plugins
        self.before: LastWork | None = None

    def put(self, packet: dict[str, Any]) -> None:
        """Take a task."""
        if self.before is not None:
            self._plugins.remove(self.before.plugin)
            self.before.channel.close()
            self.before.plugin.hooks.clear()
        message = Message(**packet["input"])
        self.channel.deliver(PreprocessingComplete(packet["taskId"], message))


@pytest.mark.difference("plugin-registration")
async def test_plugin_that_leaves_during_a_turn(plugins: RegisteredPlugins) -> None:
    """A turn ends with an error if one of its plugins has left before its hook is called."""
    first, second = LastWork(plugins, "first"), LastWork(plugins, "second")
    first.before = second
    events: list[dict[str, Any]] = []
    turn = Turn(text="Hi", plugins=["me/first", "me/second"])
    await run_turn(plugins, turn, never, events.append)
    assert [event["event"] for event in events] == ["preprocessed", "error"]
    assert events[1]["error"]["title"] == "The plugin me/second has left"
