"""A running embedded server, and short words for talking to it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from model_fixtures.hosts.embedded import EmbeddedServer


@pytest.fixture(scope="package")
def server() -> Iterator[EmbeddedServer]:
    """One embedded server for all tests in this folder."""
    with EmbeddedServer() as running:
        yield running


@pytest.fixture(scope="package")
def address(server: EmbeddedServer) -> str:
    """`host:port` of the server."""
    return server.address


@pytest.fixture
def anyio_backend() -> str:
    """The server's clients run on asyncio."""
    return "asyncio"
