"""What all tests of the package get."""

import gc
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from model_fixtures.pytest_plugin.asyncio_backend import anyio_backend
from sdk_tests.scenario_fixtures import scenario_host, scenario_model
from sdk_tests.sdk_releases import is_known_bug
from sdk_tests.wire_watch_fixtures import watched, wire_watch

__all__ = [  # fixtures
    "anyio_backend",
    "scenario_host",
    "scenario_model",
    "watched",
    "wire_watch",
]


@pytest.fixture(scope="session")
def no_certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Provide an empty folder in the place of certificates."""
    return tmp_path_factory.mktemp("no-certificates")


@pytest.fixture(scope="module", autouse=True)
def _plain_connections(no_certificates: Path) -> Iterator[None]:
    """Keep what only matters to TLS and proxies away from requests to the host.

    The SDK's HTTP library reads a bundle of certificates for each connection, encrypted or not,
    which takes more time than most tests.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NO_PROXY", "localhost,127.0.0.1")
        patch.delenv("SSL_CERT_FILE", raising=False)
        patch.setenv("SSL_CERT_DIR", str(no_certificates))
        yield


def pytest_collection_finish() -> None:
    """Spare the garbage collector what is there now, which stays to the end."""
    gc.freeze()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Leave the traceback of a known bug out, which no report shows.

    Pytest parses the whole files of all its frames for it: seventy take longer than their tests.
    """
    option = item.config.option
    style = option.tbstyle
    if not option.runxfail and is_known_bug(item, call.excinfo and call.excinfo.value):
        option.tbstyle = "value"
    try:
        return (yield)
    finally:
        option.tbstyle = style
