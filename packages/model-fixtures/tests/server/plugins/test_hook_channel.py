"""What waits on the channel of a hook."""

from __future__ import annotations

from typing import Any

import pytest
from model_fixtures.server.plugins.hook_channel import HookChannel
from model_fixtures.server.protocol.errors import ServerError
from model_fixtures.server.protocol.payloads.hook_packets import FragmentGenerated, FragmentOptions

pytestmark = pytest.mark.anyio


class Nowhere:
    """An outlet that drops everything."""

    def put(self, packet: dict[str, Any]) -> None:
        """Drop a packet."""


@pytest.fixture
def channel() -> HookChannel:
    """Return a hook's channel."""
    return HookChannel("me/mine", Nowhere())


def fragment(mebibytes: int) -> FragmentGenerated:
    """Return a packet about the task "1"."""
    return FragmentGenerated("1", "x" * (mebibytes * 2**20), FragmentOptions())


async def test_packets_that_nobody_takes(channel: HookChannel) -> None:
    """At most 16 MiB wait for a task; what is taken makes room."""
    with channel.replies("1") as replies:
        for _ in range(3):
            channel.deliver(fragment(5))
        await replies.take()
        channel.deliver(fragment(5))
        with pytest.raises(OverflowError):
            channel.deliver(fragment(5))


async def test_packets_for_nobody(channel: HookChannel) -> None:
    """Packets about unknown and ended tasks are dropped, however many come."""
    with channel.replies("1"):
        pass
    for _ in range(4):
        channel.deliver(fragment(5))


async def test_last_packets_before_the_end(channel: HookChannel) -> None:
    """What was sent before the channel has ended is still taken, and the reason comes after it."""
    with channel.replies("1") as replies:
        channel.deliver(fragment(0))
        channel.close("has sent nonsense")
        channel.close()
        assert await replies.take() == fragment(0)
        with pytest.raises(ServerError, match=r"^The plugin me/mine has sent nonsense$"):
            await replies.take()


async def test_task_after_the_end(channel: HookChannel) -> None:
    """A task that begins after the channel has ended fails at once."""
    channel.close()
    with (
        channel.replies("1") as replies,
        pytest.raises(ServerError, match=r"^The plugin me/mine has left$"),
    ):
        await replies.take()
