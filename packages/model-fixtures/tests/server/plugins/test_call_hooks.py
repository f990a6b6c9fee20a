"""Driving a plugin's hooks when things go wrong."""

from __future__ import annotations

from typing import Any

import anyio
import pytest
from model_fixtures.server.plugins.call_hooks import preprocess
from model_fixtures.server.plugins.hook_channel import HookChannel
from model_fixtures.server.plugins.plugin import Plugin
from model_fixtures.server.plugins.prediction_process import PredictionProcess
from model_fixtures.server.protocol.payloads.plugins import Manifest

pytestmark = pytest.mark.anyio


class LeavingPlugin:
    """A plugin that leaves when it is told to abort."""

    def __init__(self) -> None:
        self.channel = HookChannel("me/mine", self)
        self.told: list[str] = []

    def put(self, packet: dict[str, Any]) -> None:
        """Take a packet."""
        self.told.append(packet["type"])
        if packet["type"] == "abort":
            self.channel.close()


async def test_plugin_that_leaves_while_it_is_aborted() -> None:
    """The caller's cancellation goes on, whatever the plugin does when it is told to abort."""
    plugin, leaving = Plugin(Manifest("plugin", "node", "me", "mine")), LeavingPlugin()
    plugin.hooks["promptPreprocessor"] = leaving.channel
    process = PredictionProcess([], "", lambda event: None)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(lambda: preprocess(plugin, process, {}, settings={}, plugins=[]))
        await anyio.wait_all_tasks_blocked()
        tasks.cancel_scope.cancel()
    assert leaving.told == ["preprocess", "abort"]
