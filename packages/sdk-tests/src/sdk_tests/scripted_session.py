"""A session of the synchronous API whose channels are answered from a script instead of a host."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import lmstudio
from lmstudio.json_api import ChannelEndpoint
from lmstudio.sync_api import SyncChannel

from .expected_items import Items, next_item, receiver
from .host_packets import channel_closed, on_channel


class ScriptedSession:
    """A session that answers each new channel with the next list of packets and keeps requests."""

    def __init__(self, *rounds: list[dict[str, Any]]) -> None:
        """Take the packets of each channel, in the order in which the channels will be opened."""
        self._rounds = iter(rounds)
        self.requests: Items[Any] = Items()

    @contextmanager
    def _create_channel(
        self, endpoint: ChannelEndpoint[Any, Any, Any]
    ) -> Iterator[SyncChannel[Any]]:
        self.requests.append(endpoint.creation_params)
        packets = next_item(self._rounds, "a script for another prediction")
        messages = [on_channel(1, packet) for packet in packets]
        yield SyncChannel(1, receiver([*messages, channel_closed(1)]), endpoint, print, {})

    def llm(self) -> lmstudio.LLM:
        """Return a handle that uses this session."""
        session: Any = self
        return lmstudio.LLM("some-model", session)
