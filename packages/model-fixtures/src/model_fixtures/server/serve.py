"""Runs the server: sockets, ready line, and its end."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import sys
from collections.abc import Iterator

import anyio
import uvicorn

from model_fixtures.catalog import CatalogError, read_catalog

from .bounded_log_lines import set_up_logging
from .exit_watchdog import Watchdog, stopped_by
from .serve_options import ServeOptions
from .server_state import ServerState
from .transport.asgi_app import build_app
from .transport.connection_deadlines import ConnectionConfig
from .transport.handle_exhaustion import ACCEPTED_AT_ONCE, BACKLOG, HandleExhaustion
from .transport.listening_ports import PortError, address, listen

MAX_FRAME = 100 * 1024 * 1024  # bytes, as the app's websocket library
SHUTDOWN_SECONDS = 1

logger = logging.getLogger("model_fixtures.server")


def serve(options: ServeOptions) -> int:
    """Serve until SIGINT, SIGTERM or the end of what it ends with; print one `ready` line.

    Returns:
        The exit code: 0, or 1 with a line on stderr when it can't start.

    Raises:
        OSError: the ready line can't be written.
    """
    set_up_logging()
    try:
        state = ServerState(read_catalog(), options)
        sockets, notes = listen(options.ports, default_ports=options.default_ports)
    except (CatalogError, PortError, ValueError) as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    state.ports = frozenset(one.getsockname()[1] for one in sockets)
    watchdog = Watchdog(state.files.remove)
    for note in notes:
        logger.warning(note)

    config = ConnectionConfig(
        build_app(state),
        request_seconds=options.authentication_timeout,
        backlog=ACCEPTED_AT_ONCE,
        ws_max_size=MAX_FRAME,
        ws_per_message_deflate=False,
        lifespan="off",
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
    )
    server = _Server(config, sockets)

    async def main() -> None:
        async with state:
            with stopped_by(
                server.stop, watchdog, lifeline=options.lifeline, end_with=options.end_with
            ) as end:
                state.end = end
                await server.serve(sockets=sockets)

    anyio.run(main)
    watchdog.leave()
    if server.unwritable is not None:
        raise server.unwritable
    return 0


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, listening: list[socket.socket]) -> None:
        super().__init__(config)
        self._listening = listening
        self.unwritable: OSError | None = None  # why the ready line can't be written

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        asyncio.get_running_loop().set_exception_handler(HandleExhaustion())
        await super().startup(sockets=sockets)
        for one in self._listening:
            one.listen(BACKLOG)  # asyncio has made it as short as what it accepts at once
        try:
            print("ready", *map(address, self._listening), flush=True)
        except OSError as error:  # raised outside of the event loop, whose groups would wrap it
            self.unwritable = error
            self.should_exit = True

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        # uvicorn raises captured signals again after shutdown, which would skip our clean-up.
        yield

    def stop(self) -> None:
        self.should_exit = True
