"""Downloads under way: one for all who want the same file, ended when nobody does any more."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import anyio
import anyio.to_thread
from msgspec import Struct

from model_fixtures.server.background_tasks import BackgroundTasks
from model_fixtures.server.client_errors import is_exhaustion
from model_fixtures.server.models.downloaded_models import DownloadedModels, ModelsFolderError
from model_fixtures.server.protocol.errors import ServerError
from model_fixtures.server.shared_tasks import SharedTask, SharedTasks

from .checked_file import DownloadError, has_digest
from .download_identifiers import OfferedFile
from .fetch_option_file import fetch, transfer_size
from .progress_meter import Progress, ProgressMeter
from .staging_folders import staging

REPORT_SECONDS = 0.1


class DownloadListener(Struct, frozen=True, eq=False):
    """One who waits for a download, and what it wants to be told meanwhile.

    `on_progress` is called at least once, with all bytes there in the end; then `on_finalize`.
    """

    on_progress: Callable[[Progress], None]
    on_finalize: Callable[[], None]


class Download(SharedTask[DownloadListener, str]):
    """A download under way. Its result is the key of the downloaded model.

    Args:
        offered: what to download.
        downloaded: where it goes.
    """

    def __init__(self, offered: OfferedFile, downloaded: DownloadedModels) -> None:
        super().__init__(f"the download of {offered.path}")
        self._offered = offered
        self._downloaded = downloaded
        self._meter = ProgressMeter(transfer_size(offered.option))
        self._finalizing = False
        self._told: Progress | None = None

    def add(self, listener: DownloadListener) -> None:
        """Add one who waits, and tell it how far the download is."""
        super().add(listener)
        if self._told is not None:
            listener.on_progress(self._told)
        if self._finalizing:
            listener.on_finalize()

    async def work(self) -> str:
        """Download the file, and return the key of the model that it is.

        Raises:
            ServerError: it can't be had or stored.
        """
        path, folder = self._offered.path, self._downloaded.folder
        try:
            return await self._get()
        except (DownloadError, ModelsFolderError) as error:
            raise ServerError(f"Cannot download {path}: {error}") from error
        except OSError as error:
            if is_exhaustion(error):
                raise
            raise ServerError(
                f"Cannot store {path} in {folder} ({error.strerror or error}):"
                " make room and the folder writable, or name another one in LMSTUDIO_TEST_CACHE"
            ) from error

    async def _get(self) -> str:
        option, path = self._offered.option, self._offered.path
        run = anyio.to_thread.run_sync
        present = self._downloaded.folder / path
        if option.sha256 is not None and await run(has_digest, present, option.sha256):
            self._finalize()
            return (await run(self._downloaded.at, path)).key
        async with staging(self._downloaded.folder) as folder:
            staged = await fetch(option, folder, self._meter)
            self._finalize()
            # From here on it is done, whoever goes away.
            return (await run(partial(self._downloaded.take, staged, path))).key

    async def report(self) -> None:
        """Tell how far it is, often enough to watch and seldom enough not to be a burden."""
        while not (self.ended.is_set() or self._finalizing):
            with anyio.move_on_after(REPORT_SECONDS):
                await self.ended.wait()
            if not (self.ended.is_set() or self._finalizing):
                self._tell_progress()

    def _tell_progress(self) -> None:
        """Tell all who wait how far it is, if that is news."""
        progress = self._meter.read()
        if progress == self._told:
            return
        self._told = progress
        for listener in self.listeners:
            listener.on_progress(progress)

    def _finalize(self) -> None:
        """Tell all who wait that all bytes are there."""
        self._meter.finish()
        self._tell_progress()
        self._finalizing = True
        for listener in self.listeners:
            listener.on_finalize()


class Downloads:
    """The downloads of a server.

    Args:
        downloaded: where they go.
        tasks: runs them; a download may outlive the client that started it.
    """

    def __init__(self, downloaded: DownloadedModels, tasks: BackgroundTasks) -> None:
        self._downloaded = downloaded
        self._tasks = tasks
        self._running = SharedTasks[DownloadListener, str](tasks, awaits_end=True)

    async def join(self, offered: OfferedFile, listener: DownloadListener) -> str:
        """Download a file, and return the key of the model that it is.

        A client that wants a file that is being downloaded already shares that download. When the
        last one who waits is cancelled, so is the download: this returns when its processes and
        files are gone.

        Args:
            offered: what to download.
            listener: is told the progress.

        Raises:
            ServerError: it failed.
        """

        def create() -> Download:
            download = Download(offered, self._downloaded)
            self._tasks.group.start_soon(download.report)
            return download

        return await self._running.join(offered.path, create, listener)
