"""A server that the JavaScript SDK ends."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from model_fixtures.hosts.embedded_server import EmbeddedServer

from .case_files import Case, case_files, read_cases
from .conftest import StartCases
from .node_process import NodeProcess, check

FOLDER = "lmstudio_server_end"


@pytest.fixture(scope="module")
def server() -> Iterator[EmbeddedServer]:
    """Provide a server that clients may end."""
    with EmbeddedServer(["--allow-shutdown"]) as running:
        yield running


@pytest.fixture(scope="module")
def process(start_cases: StartCases) -> NodeProcess:
    """Provide the process that runs the cases."""
    return start_cases("lmstudio-2.0.0", FOLDER)


@pytest.mark.parametrize("case", read_cases(case_files(FOLDER)), ids=lambda case: case.name)
def test_case(process: NodeProcess, case: Case) -> None:
    """What the case says must happen happens."""
    check(process.outcome(case.name))
