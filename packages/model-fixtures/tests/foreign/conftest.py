"""Servers, files and processes for clients that are not the Python SDK."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import lmstudio
import pytest
from model_fixtures.hosts.embedded_server import EmbeddedServer

from .case_files import Case, case_files
from .client_files import write_client_files, write_presets
from .node_process import NodeProcess
from .npm_packages import NodeMissingError, find_node, install

StartCases = Callable[..., NodeProcess]


@pytest.fixture(scope="session")
def node() -> str:
    """Provide the path of Node.js, or skip the test."""
    try:
        return find_node()
    except NodeMissingError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedServer]:
    """Provide an embedded server with two presets, for the tests of a file."""
    home = tmp_path_factory.mktemp("home")
    write_presets(home)
    with EmbeddedServer(["--home", str(home)]) as running:
        yield running


@pytest.fixture(scope="module")
def address(server: EmbeddedServer) -> str:
    """Provide the `host:port` of the server."""
    return server.address


@pytest.fixture(scope="module")
def client(address: str) -> Iterator[lmstudio.Client]:
    """Provide a client of the Python SDK."""
    with lmstudio.Client(address) as client:
        yield client


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Provide a folder with the files that clients upload."""
    folder = tmp_path_factory.mktemp("uploads")
    write_client_files(folder)
    return folder


@pytest.fixture(scope="module")
def start_cases(
    request: pytest.FixtureRequest, node: str, address: str, folder: Path
) -> Iterator[StartCases]:
    """Provide a function that starts the cases of some folders which this run has selected."""
    selected = [
        value.name
        for item in request.session.items
        if isinstance(item, pytest.Function) and item.path == request.path
        for value in (item.callspec.params.values() if hasattr(item, "callspec") else ())
        if isinstance(value, Case)
    ]
    with ExitStack() as stack:

        def start(client: str, *folders: str) -> NodeProcess:
            return stack.enter_context(
                NodeProcess(
                    node,
                    case_files(*folders),
                    only=selected,
                    packages=str(install(client)),
                    address=address,
                    folder=str(folder),
                )
            )

        yield start
