"""Downloads under way: one for all who want the same file, ended when nobody does any more."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial

import anyio
import anyio.to_thread
from anyio.abc import TaskGroup
from msgspec import Struct

from model_fixtures.server.models.downloaded_models import Library, LibraryError
from model_fixtures.server.protocol.errors import ServerError

from .download_identifiers import Offer
from .fetch_option import fetch, transfer_size
from .partial_file import DownloadError, has_digest
from .progress_meter import Meter, Progress
from .staging_folders import staging

REPORT_SECONDS = 0.1

logger = logging.getLogger("model_fixtures.server")


class Listener(Struct, frozen=True, eq=False):
    """One who waits for a download, and what it wants to be told meanwhile.

    `on_progress` is called at least once, with all bytes there in the end; then `on_finalize`.
    """

    on_progress: Callable[[Progress], None]
    on_finalize: Callable[[], None]


class Download:
    """A download under way."""

    def __init__(self, offer: Offer) -> None:
        self.offer = offer
        self.meter = Meter(transfer_size(offer.option))
        self.listeners: list[Listener] = []
        self.scope = anyio.CancelScope()
        self.ended = anyio.Event()
        self.finalizing = False
        self.key = ""
        self.error: ServerError | None = ServerError("The download was stopped")
        self._told: Progress | None = None

    def add(self, listener: Listener) -> None:
        """Add a listener, and tell it how far the download is."""
        self.listeners.append(listener)
        if self._told is not None:
            listener.on_progress(self._told)
        if self.finalizing:
            listener.on_finalize()

    def tell_progress(self) -> None:
        """Tell all who wait how far it is, if that is news."""
        progress = self.meter.read()
        if progress == self._told:
            return
        self._told = progress
        for listener in self.listeners:
            listener.on_progress(progress)

    def finalize(self) -> None:
        """Tell all who wait that all bytes are there."""
        self.meter.finish()
        self.tell_progress()
        self.finalizing = True
        for listener in self.listeners:
            listener.on_finalize()


class Downloads:
    """The downloads of a server.

    Args:
        library: where they go.
    """

    def __init__(self, library: Library) -> None:
        self._library = library
        self._running: dict[str, Download] = {}

    async def join(self, offer: Offer, listener: Listener, tasks: TaskGroup) -> str:
        """Download a file; the key of the model that it is. Who wants a file that comes already
        shares that download.

        When the last one who waits is cancelled, so is the download: this comes back when its
        processes and files are gone.

        Args:
            offer: what to download.
            listener: is told the progress.
            tasks: runs the download, which may outlive its first client.

        Raises:
            ServerError: it failed.
        """
        path = offer.path
        download = self._running.get(path)
        if download is None:
            download = self._running[path] = Download(offer)
            tasks.start_soon(self._run, download)
            tasks.start_soon(self._report, download)
        download.add(listener)
        try:
            await download.ended.wait()
        finally:
            download.listeners.remove(listener)
            if not download.listeners and not download.ended.is_set():
                self._forget(download)
                download.scope.cancel()
                with anyio.CancelScope(shield=True):
                    await download.ended.wait()
        if download.error is not None:
            raise download.error
        return download.key

    async def _run(self, download: Download) -> None:
        offer, folder = download.offer, self._library.folder
        try:
            with download.scope:
                download.key = await self._get(download)
                download.error = None
        except (DownloadError, LibraryError) as problem:
            download.error = ServerError(f"Cannot download {offer.path}: {problem}")
        except OSError as problem:
            download.error = ServerError(
                f"Cannot store {offer.path} in {folder} ({problem.strerror or problem}):"
                " make room and the folder writable, or name another one in LMSTUDIO_TEST_CACHE"
            )
        except Exception:
            # It would end the whole server.
            logger.exception("download of %s failed", offer.path)
            download.error = ServerError(
                f"Internal error in the download of {offer.path}; see the server's log"
            )
        finally:
            self._forget(download)
            download.ended.set()

    async def _get(self, download: Download) -> str:
        option, path = download.offer.option, download.offer.path
        run = anyio.to_thread.run_sync
        present = self._library.folder / path
        if option.sha256 is not None and await run(has_digest, present, option.sha256):
            download.finalize()
            return (await run(self._library.at, path)).key
        async with staging(self._library.folder) as folder:
            staged = await fetch(option, folder, download.meter)
            download.finalize()
            # From here on it is done, whoever goes away.
            return (await run(partial(self._library.take, staged, path))).key

    async def _report(self, download: Download) -> None:
        """Tell how far it is, often enough to watch and seldom enough not to be a burden."""
        while not (download.ended.is_set() or download.finalizing):
            with anyio.move_on_after(REPORT_SECONDS):
                await download.ended.wait()
            if not (download.ended.is_set() or download.finalizing):
                download.tell_progress()

    def _forget(self, download: Download) -> None:
        if self._running.get(download.offer.path) is download:
            del self._running[download.offer.path]
