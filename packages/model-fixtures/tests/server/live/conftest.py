"""A running embedded server, and connections to it."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import anyio
import pytest
from model_fixtures.hosts.embedded_server import EmbeddedServer
from model_fixtures.wire_client import Connection, connect

from .hub_site import Site, open_site

WATCHED = Path(__file__).parent / "watched"


@pytest.fixture(scope="package")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedServer]:
    """Provide one embedded server for all tests here, which must not block its event loop."""
    log = tmp_path_factory.mktemp("server") / "log"
    searched = [str(WATCHED), *filter(None, [os.environ.get("PYTHONPATH")])]
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(searched)}
    with EmbeddedServer(environ=environ, log=log) as running:
        yield running
    # A failure here counts as an error of the last test; the line names the work that was slow.
    slow = [line for line in log.read_text().splitlines() if "held up the event loop:" in line]
    assert slow == []


@pytest.fixture(scope="package")
def address(server: EmbeddedServer) -> str:
    """Provide the `host:port` of the server."""
    return server.address


@pytest.fixture(scope="module")
def nothing_left_loaded(address: str) -> Iterator[None]:
    """Unload what a file's tests have loaded just in time, so that other tests don't find it."""
    yield

    async def unload() -> None:
        for namespace in ("llm", "embedding"):
            async with connect(address, namespace) as models:
                for info in await models.rpc("listLoaded"):
                    await models.rpc("unloadModel", {"identifier": info["identifier"]})

    anyio.run(unload)


@pytest.fixture(scope="module")
async def llm(address: str) -> AsyncIterator[Connection]:
    """Provide a connection to the server's `llm` namespace, for the tests of a file."""
    async with connect(address, "llm") as connection:
        yield connection


@pytest.fixture(scope="package")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Provide a hub, and a server with a cache of its own that downloads from it."""
    with open_site(tmp_path_factory.mktemp("site")) as running:
        yield running


@pytest.fixture
async def repository(site: Site) -> AsyncIterator[Connection]:
    """Provide a connection to the `repository` namespace of the site's server."""
    async with connect(site.address, "repository") as connection:
        yield connection
