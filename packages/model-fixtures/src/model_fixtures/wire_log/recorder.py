"""The frames of a test, in the order in which its clients sent and received them."""

from __future__ import annotations

import itertools
import json
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple
from urllib.parse import urlsplit

from .other_processes import read_events

Direction = Literal["opened", "sent", "received", "closed"]

MOST_HELD = 64_000_000  # characters of one test; the oldest frames are dropped beyond that

_numbers = itertools.count(1)


@dataclass(eq=False)
class WireConnection:
    """One websocket of a client.

    `secrets` are its passkey and the values of its headers; they are shown nowhere.
    """

    url: str
    headers: tuple[str, ...] = ()
    process: int | None = None  # None is this one
    number: int = field(default_factory=lambda: next(_numbers))
    secrets: tuple[str, ...] = field(default=(), repr=False)
    ended: bool = False


class Event(NamedTuple):
    """What happened on a connection: the time in seconds since the epoch, and a frame's text."""

    time: float
    connection: WireConnection
    direction: Direction
    text: str

    def __repr__(self) -> str:
        return f"Event({self.direction}, {len(self.text)} characters)"


@dataclass(frozen=True)
class Frame:
    """A frame, or the beginning or end of a connection.

    `seconds` counts from the test's start, `namespace` is the websocket's path and `endpoint` the
    call or channel to which the frame belongs, "" if it is unknown. Of the packet with which a
    client authenticates, `text` is without the passkey. Of a connection's beginning it names the
    headers, and of its end it tells the code and the reason.
    """

    seconds: float
    connection: int
    url: str
    namespace: str
    endpoint: str
    direction: Direction
    text: str = field(repr=False)
    process: int | None = None

    @property
    def message(self) -> Any:
        """The frame as JSON; None if it is none, or the beginning or end of a connection."""
        if self.direction not in ("sent", "received"):
            return None
        return _parsed(self.text)

    @property
    def type(self) -> str:
        """The type of the message, such as "rpcCall"; "" if it has none.

        "authentication" is a connection's first frame, and the answer to it.
        """
        message = self.message
        if not isinstance(message, dict):
            return ""
        kind = message.get("type")
        if isinstance(kind, str):
            return kind
        return "authentication" if "authVersion" in message or "success" in message else ""

    @property
    def packet(self) -> str:
        """The type of the packet that a channel's message carries, such as "fragment"; else ""."""
        message = self.message
        packet = message.get("message") if isinstance(message, dict) else None
        kind = packet.get("type") if isinstance(packet, dict) else None
        return kind if isinstance(kind, str) else ""


class WireLog:
    """Keeps what has happened on the connections of clients since `begin`, in any thread."""

    def __init__(self) -> None:
        self.started = time.time()
        self.dropped = 0
        """How many of the oldest events are missing, since there was too much to keep."""
        self._events: deque[Event] = deque()
        self._held = 0
        self._files: list[Path] = []
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"WireLog({len(self._events)} events)"

    def begin(self) -> None:
        """Forget everything: a test begins."""
        with self._lock:
            self.started = time.time()
            self.dropped = self._held = 0
            self._events = deque()
            self._files = [path for path in self._files if path.exists()]

    def note(self, event: Event) -> None:
        """Keep what has just happened."""
        with self._lock:
            self._events.append(event)
            self._held += len(event.text)
            while self._held > MOST_HELD:
                self._held -= len(self._events.popleft().text)
                self.dropped += 1

    def add_file(self, path: Path) -> None:
        """Add what another process records there by `record_to_file`, now and later."""
        with self._lock:
            if path not in self._files:
                self._files.append(path)

    def events(self) -> list[Event]:
        """Return what has happened since `begin`, in other processes, too, in order."""
        return [event for event in self._known() if event.time >= self.started]

    def _known(self) -> list[Event]:
        """Return the events, and older ones of other processes, which may begin channels."""
        with self._lock:
            found = list(self._events)
            files = list(self._files)
        connections: dict[tuple[Path, str], WireConnection] = {}
        for path in files:
            for each in read_events(path):
                connection = connections.get((path, each.connection))
                if connection is None:
                    connection = WireConnection(each.url, each.headers, each.process)
                    connections[path, each.connection] = connection
                found.append(Event(each.time, connection, each.direction, each.text))
        # Sorting is stable: what one thread did stays in its order.
        return sorted(found, key=lambda event: event.time)

    def frames(self) -> list[Frame]:
        """Return the frames since `begin`, with the endpoints to which they belong.

        Connections are numbered from 1 in the order of their appearance.
        """
        numbers: dict[WireConnection, int] = {}
        endpoints: dict[tuple[WireConnection, str, object], str] = {}
        frames = []
        for moment, connection, direction, text in self._known():
            endpoint = _endpoint(connection, direction, text, endpoints)
            if moment < self.started:
                continue
            number = numbers.setdefault(connection, len(numbers) + 1)
            frames.append(
                Frame(
                    seconds=moment - self.started,
                    connection=number,
                    url=connection.url,
                    namespace=urlsplit(connection.url).path.strip("/"),
                    endpoint=endpoint,
                    direction=direction,
                    text=text,
                    process=connection.process,
                )
            )
        return frames

    def secrets(self) -> set[str]:
        """Return the passkeys and header values of the connections that `events` names."""
        return {secret for event in self.events() for secret in event.connection.secrets}


def _endpoint(
    connection: WireConnection,
    direction: Direction,
    text: str,
    endpoints: dict[tuple[WireConnection, str, object], str],
) -> str:
    """Return the endpoint of a frame, and note that of a call or channel that begins with it."""
    message = _parsed(text) if direction in ("sent", "received") else None
    if not isinstance(message, dict):
        return ""
    for name in ("callId", "channelId", "subscribeId"):
        number = message.get(name)
        if isinstance(number, (int, float)):
            named = message.get("endpoint")
            if direction == "sent" and isinstance(named, str):
                endpoints[connection, name, number] = named
            return endpoints.get((connection, name, number), "")
    return ""


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
