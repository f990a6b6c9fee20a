"""Fixtures and hooks for all tests of the package."""

import gc
from collections.abc import Iterator
from pathlib import Path

import pytest
from model_fixtures.pytest_plugin.suite.asyncio_backend import anyio_backend
from sdk_tests.known_bug_hooks import (
    pytest_collection_modifyitems,
    pytest_configure,
    pytest_runtest_makereport,
    pytest_terminal_summary,
)
from sdk_tests.process_state_fixtures import (
    default_tracebacks,
    no_api_token,
    no_default_client,
    restored_sync_timeout,
)
from sdk_tests.scenario_fixtures import scenario_host, scenario_model
from sdk_tests.since_hooks import pytest_itemcollected, pytest_pycollect_makemodule
from sdk_tests.wire_watch_fixtures import watched, wire_watch

__all__ = [  # fixtures and hooks
    "anyio_backend",
    "default_tracebacks",
    "no_api_token",
    "no_default_client",
    "pytest_collection_modifyitems",
    "pytest_configure",
    "pytest_itemcollected",
    "pytest_pycollect_makemodule",
    "pytest_runtest_makereport",
    "pytest_terminal_summary",
    "restored_sync_timeout",
    "scenario_host",
    "scenario_model",
    "watched",
    "wire_watch",
]


@pytest.fixture(scope="session")
def no_certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Provide an empty folder to take the place of the folder of certificates."""
    return tmp_path_factory.mktemp("no-certificates")


@pytest.fixture(scope="module", autouse=True)
def _plain_connections(no_certificates: Path) -> Iterator[None]:
    """Keep certificates and proxies out of the SDK's requests to the host.

    The SDK's HTTP library reads a bundle of certificates for each connection, encrypted or not,
    which takes longer than most tests.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NO_PROXY", "localhost,127.0.0.1")
        patch.delenv("SSL_CERT_FILE", raising=False)
        patch.setenv("SSL_CERT_DIR", str(no_certificates))
        yield


def pytest_collection_finish() -> None:
    """Exempt from garbage collection what exists by now, because it stays until the end."""
    gc.freeze()
