"""The async client for tests of pytest-asyncio; registered where that plugin is.

pytest-asyncio wants its own decorator for async fixtures in its mode strict.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import pytest_asyncio

from model_fixtures.for_apps.clients import open_async_client

if TYPE_CHECKING:
    from lmstudio import AsyncClient

    from model_fixtures import Host


@pytest_asyncio.fixture
async def _lmstudio_asyncio_client(_lmstudio_host_of_test: Host) -> AsyncIterator[AsyncClient]:
    async with open_async_client(_lmstudio_host_of_test) as client:
        yield client
