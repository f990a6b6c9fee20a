"""A proxy on loopback that passes everything on but what faults change.

Each connection is looked at once: a websocket is taken apart into frames, anything else goes
through byte by byte. The faults are those of the server's scenarios, which do no I/O themselves.
"""

from __future__ import annotations

import asyncio
import json
import math
import threading
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed, InvalidHandshake
from websockets.frames import EXTERNAL_CLOSE_CODES
from websockets.http11 import Request, Response

from model_fixtures.hosts import HostError, split_address
from model_fixtures.server.scenarios.faulty_connection import (
    ActiveRules,
    CloseSocket,
    FaultyConnection,
    SendFrame,
    Step,
    Wait,
)
from model_fixtures.server.scenarios.scenario_rules import ScenarioRule

from .host import Host
from .plain_relay import PlainRelay

_LOOPBACK = "127.0.0.1"
# Headers of one connection, which the next one writes itself.
_OF_ONE_CONNECTION = frozenset(
    ("host", "connection", "upgrade", "origin", "user-agent", "proxy-connection", "keep-alive")
)


class FaultyProxy:
    """A proxy in front of a host, in a thread with an event loop of its own.

    Args:
        behind: the host that it passes everything on to.

    Raises:
        HostError: on entering, if it cannot listen.
    """

    def __init__(self, behind: Host) -> None:
        self._behind = behind
        self._rules = ActiveRules([])
        self._lock = threading.Lock()
        self._ready: threading.Event = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._end = asyncio.Event()
        self._address = ""
        self._problem: OSError | None = None
        self._other_sides: dict[ServerConnection, ClientConnection] = {}
        self._thread = threading.Thread(target=self._run, name="lmstudio-faults", daemon=True)

    def __enter__(self) -> FaultyProxy:
        self._thread.start()
        self._ready.wait()
        if self._problem is not None:
            self._thread.join()
            raise HostError(f"the host for faults cannot listen: {self._problem.strerror}")
        return self

    def __exit__(self, *_error: object) -> None:
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join()

    @property
    def host(self) -> Host:
        """The proxy's own address."""
        return Host(self._address, self._behind.token)

    def order(self, rule: ScenarioRule) -> None:
        """Have a fault happen from now on, also on connections that are open."""
        with self._lock:
            self._rules.add(rule)

    def pending(self) -> list[ScenarioRule]:
        """Return the rules that have not happened yet."""
        with self._lock:
            return list(self._rules.rules)

    def _run(self) -> None:
        try:
            self._loop.run_until_complete(self._serve())
        except OSError as error:
            self._problem = error
        finally:
            self._loop.close()
            self._ready.set()

    async def _serve(self) -> None:
        websockets = await serve(
            self._pass_on,
            _LOOPBACK,
            0,
            process_request=self._open_other_side,
            compression=None,
            max_size=None,
            ping_interval=None,
            close_timeout=1,
        )
        async with websockets:
            inner = websockets.sockets[0].getsockname()[1]
            relay = PlainRelay(split_address(self._behind), (_LOOPBACK, inner))
            async with relay.listen() as port:
                self._address = f"{_LOOPBACK}:{port}"
                self._ready.set()
                await self._end.wait()
        for left in self._other_sides.values():  # their clients left during the handshake
            left.transport.abort()

    async def _open_other_side(self, client: ServerConnection, request: Request) -> Response | None:
        """Connect to the host before the client's handshake ends, so that a refusal arrives."""
        headers = [
            (name, value)
            for name, value in request.headers.raw_items()
            if name.lower() not in _OF_ONE_CONNECTION
            and not name.lower().startswith("sec-websocket-")
        ]
        try:
            self._other_sides[client] = await connect(
                f"ws://{self._behind}{request.path}",
                additional_headers=headers,
                origin=request.headers.get("Origin"),  # type: ignore[arg-type]
                user_agent_header=request.headers.get("User-Agent"),
                compression=None,
                max_size=None,
                ping_interval=None,
                close_timeout=1,
                proxy=None,
            )
        except (InvalidHandshake, OSError) as error:
            status = getattr(getattr(error, "response", None), "status_code", 502)
            return client.respond(status, f"the host behind the faults refuses: {error}\n")
        return None

    async def _pass_on(self, client: ServerConnection) -> None:
        host = self._other_sides.pop(client)
        assert client.request is not None
        namespace = urlsplit(client.request.path).path.strip("/")
        faulty = FaultyConnection(namespace, self._rules)
        ways = [
            asyncio.create_task(self._to_host(client, host, faulty)),
            asyncio.create_task(self._to_client(client, host, faulty)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            await _close_as(client, host)
            await _close_as(host, client)

    async def _to_host(
        self, client: ServerConnection, host: ClientConnection, faulty: FaultyConnection
    ) -> None:
        with suppress(ConnectionClosed):
            async for frame in client:
                with self._lock:
                    faulty.inbound(frame)
                await host.send(frame)

    async def _to_client(
        self, client: ServerConnection, host: ClientConnection, faulty: FaultyConnection
    ) -> None:
        with suppress(ConnectionClosed):
            async for frame in host:
                for step in self._steps(faulty, frame):
                    await _take(step, client)

    def _steps(self, faulty: FaultyConnection, frame: str | bytes) -> list[Step]:
        data = frame.encode() if isinstance(frame, str) else frame
        try:
            message: Any = json.loads(data)
        except ValueError:
            message = None
        if not isinstance(message, dict):  # which no host sends; rules say nothing about it
            return [SendFrame(data)]
        with self._lock:
            return faulty.outbound(data)


async def _take(step: Step, client: ServerConnection) -> None:
    if isinstance(step, SendFrame):
        await client.send(step.frame.decode())
    elif isinstance(step, Wait):
        await asyncio.sleep(math.inf if step.seconds is None else step.seconds)
    elif isinstance(step, CloseSocket):
        await client.close(step.code, step.reason)


def can_be_sent(code: int | None) -> bool:
    """Return whether a websocket's close frame may carry a code (RFC 6455, section 7.4)."""
    return code is not None and (code in EXTERNAL_CLOSE_CODES or 3000 <= code < 5000)


async def _close_as(
    connection: ServerConnection | ClientConnection, other: ServerConnection | ClientConnection
) -> None:
    """Close one side with the code and the reason with which the other has ended."""
    code = other.close_code
    with suppress(ConnectionClosed, OSError):
        if code == 1006:  # the other side has vanished without a word
            connection.transport.abort()
        elif code is not None and can_be_sent(code):
            await connection.close(code, other.close_reason or "")
        else:
            await connection.close()
