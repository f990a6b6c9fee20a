"""Runs the server: sockets, signals, lifeline, ready line."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from types import FrameType

import anyio
import anyio.from_thread
import uvicorn

from model_fixtures.catalog import CatalogError, load_catalog

from .log_lines import set_up_logging
from .options import ServeOptions
from .state import ServerState
from .transport.app import build_app
from .transport.ports import PortError, address, listen

MAX_FRAME = 100 * 1024 * 1024  # bytes, as the app's websocket library
SHUTDOWN_SECONDS = 1

logger = logging.getLogger("model_fixtures.server")


def serve(options: ServeOptions) -> int:
    """Serves until SIGINT, SIGTERM or the end of the lifeline; prints one `ready` line.

    Returns:
        The exit code: 0, or 1 with a line on stderr when it can't start.
    """
    set_up_logging()
    try:
        state = ServerState(load_catalog(), options)
        sockets, notes = listen(options.ports, default_ports=options.default_ports)
    except (CatalogError, PortError, ValueError) as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    for note in notes:
        logger.warning(note)

    async def main() -> None:
        async with state:
            server = _Server(
                uvicorn.Config(
                    build_app(state),
                    ws="websockets-sansio",
                    ws_max_size=MAX_FRAME,
                    ws_per_message_deflate=False,
                    lifespan="off",
                    log_config=None,
                    access_log=False,
                    timeout_graceful_shutdown=SHUTDOWN_SECONDS,
                ),
                sockets,
            )
            with _stopped_by(server.stop, lifeline=options.lifeline):
                await server.serve(sockets=sockets)

    anyio.run(main)
    return 0


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, listening: list[socket.socket]) -> None:
        super().__init__(config)
        self._addresses = [address(one) for one in listening]

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        print("ready", *self._addresses, flush=True)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        # uvicorn raises captured signals again after shutdown, which would skip our clean-up.
        yield

    def stop(self) -> None:
        self.should_exit = True


@contextlib.contextmanager
def _stopped_by(stop: Callable[[], None], *, lifeline: bool) -> Iterator[None]:
    """Calls `stop` at SIGINT and SIGTERM, and at the end of stdin if that is the lifeline."""

    def on_signal(number: int, frame: FrameType | None) -> None:
        stop()

    names = [signal.SIGINT, signal.SIGTERM]
    before = {name: signal.signal(name, on_signal) for name in names}
    if lifeline:

        def wait() -> None:
            # Not sys.stdin: its lock would be held when the interpreter shuts down.
            while os.read(0, 4096):
                pass
            stop()

        threading.Thread(target=wait, daemon=True, name="lifeline").start()
    try:
        yield
    finally:
        for name, handler in before.items():
            signal.signal(name, handler)
