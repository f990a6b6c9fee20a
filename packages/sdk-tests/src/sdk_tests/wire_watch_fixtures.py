"""Fixtures that watch the connections in all tests; tests/conftest.py imports them."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from model_fixtures.pytest_plugin import PROVIDER

from .endpoint_test_table import EXERCISED_BY
from .wire_watch import WireWatch, watching

SERVERS = ("scenario_host", "guarded_host")
"""Fixtures that start embedded servers for the test run, whatever the host under test is."""

RECORD = "SDK_TESTS_RECORD"
"""Environment variable with a folder for records of the endpoints that each test reaches."""


@pytest.fixture(scope="session")
def wire_watch() -> Iterator[WireWatch]:
    """Provide the watch over all connections of the SDK."""
    with watching() as watch:
        yield watch


@pytest.fixture(autouse=True)
def watched(request: pytest.FixtureRequest, wire_watch: WireWatch) -> Iterator[None]:
    """Fail a test when the embedded server breaks the schema or the test misses its endpoint.

    The user's own host may be newer than the schema, and a scenario may make a server send messages
    that are not its own: neither is checked. A test that is named in endpoint_test_table must reach
    its endpoint.
    """
    wire_watch.reset()
    yield
    wire_watch.read_logs()
    name = request.node.nodeid.rpartition("packages/sdk-tests/")[2].partition("[")[0]
    if folder := os.environ.get(RECORD):
        line = json.dumps({"test": name, "endpoints": sorted(wire_watch.endpoints)})
        with Path(folder, f"{os.getpid()}.jsonl").open("a", encoding="utf-8") as file:
            file.write(line + "\n")
    provider = request.config.stash.get(PROVIDER, None)
    own = provider is not None and provider.own_server
    ours = own and "lmstudio_host" in request.fixturenames
    ours |= any(name in request.fixturenames for name in SERVERS) and not wire_watch.forged
    if ours and wire_watch.problems:
        pytest.fail(
            "\n".join(["The server broke the schema:", *wire_watch.problems]), pytrace=False
        )
    named_for = {endpoint for endpoint, test in EXERCISED_BY.items() if test == name}
    if missed := named_for - wire_watch.endpoints:
        message = f"The test does not reach {sorted(missed)}; see sdk_tests.endpoint_test_table."
        pytest.fail(message, pytrace=False)
