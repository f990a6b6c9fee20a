"""Folders for incomplete files, inside of the models folder but never listed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import anyio.to_thread

from model_fixtures.temporary_folders import TemporaryFolder

PREFIX = ".downloading-"


@asynccontextmanager
async def staging(models: Path) -> AsyncIterator[Path]:
    """Provide a new folder on the file system of the models folder; it is gone after the block.

    Raises:
        OSError: it can't be made.
    """
    folder = TemporaryFolder(models, PREFIX)
    try:
        await anyio.to_thread.run_sync(folder.make)
        yield folder.path
    finally:
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(folder.remove)
