"""Downloads that the system makes fail, as all clients that wait for them learn it."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import anyio
import pytest
from model_fixtures.catalog import read_catalog
from model_fixtures.server.background_tasks import BackgroundTasks
from model_fixtures.server.models.downloaded_models import DownloadedModels
from model_fixtures.server.protocol.errors import ServerError
from model_fixtures.server.repository import running_downloads as module
from model_fixtures.server.repository.download_identifiers import OfferedFile
from model_fixtures.server.repository.downloadable_models import Entry, Option
from model_fixtures.server.repository.running_downloads import DownloadListener, Downloads

pytestmark = pytest.mark.anyio
OPTION = Option(file="a.gguf", size=4, url="http://127.0.0.1:9/a.gguf")
OFFERED = OfferedFile(Entry(author="me", name="One", options=(OPTION,)), OPTION)


@pytest.mark.parametrize(
    ("number", "title", "advice"),
    [
        (
            errno.EMFILE,
            f"The server has no handle or memory left for the download of {OFFERED.path}: ",
            "ulimit -n",
        ),
        (errno.ENOSPC, f"Cannot store {OFFERED.path} in ", "make room"),
    ],
    ids=["no handle left", "no room"],
)
async def test_system_that_refuses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, title: str, advice: str
) -> None:
    """The client learns what the system lacks: handles are no room on the disk."""

    async def refuse(*_: object) -> Path:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(module, "fetch", refuse)
    listener = DownloadListener(lambda progress: None, lambda: None)
    with anyio.fail_after(30):
        async with BackgroundTasks() as tasks:
            downloads = Downloads(DownloadedModels(read_catalog(), tmp_path), tasks)
            with pytest.raises(ServerError) as caught:
                await downloads.join(OFFERED, listener)
    assert caught.value.title.startswith(title)
    assert os.strerror(number) in caught.value.title
    assert advice in f"{caught.value.title} {caught.value.suggestion}"
