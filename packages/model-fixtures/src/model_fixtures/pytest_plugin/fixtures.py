"""The fixtures for tests of applications; `docs/fixtures.md` is their reference.

`pytest --fixtures` shows the docstrings: they are for users, and at most 76 characters wide.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from . import FAULTS, MARKER, WIRE_LOG, provider_of

if TYPE_CHECKING:
    from lmstudio import AsyncClient, Client

    from model_fixtures import Faults, Host, Server, ServerOptions, Wire

    from .local_host import LocalHost


@contextmanager
def errors_in_one_line() -> Iterator[None]:
    """Make an error of this package fail the test with its message alone, without a traceback."""
    from model_fixtures.errors import ModelFixturesError

    try:
        yield
    except ModelFixturesError as error:
        raise pytest.fail.Exception(str(error), pytrace=False) from None


@pytest.fixture(scope="session")
def lmstudio_server_options(pytestconfig: pytest.Config) -> ServerOptions:
    """Provide what the embedded server is told: model_fixtures.ServerOptions.

    Override it in the top conftest.py to change that: API token, catalog,
    folder of GGUF files, threads. By default, options and ini keys say it.
    """
    from .host_of_run import options_of

    with errors_in_one_line():
        return options_of(pytestconfig)


@pytest.fixture(scope="session")
def lmstudio_host(pytestconfig: pytest.Config, lmstudio_server_options: ServerOptions) -> Host:
    """Provide the LM Studio host of the run, found or started: host:port.

    It is that of --lmstudio-host, LMSTUDIO_API_HOST or the ini key
    lmstudio_host, else one that answers on the default ports, else the
    embedded server, which starts then. host.url is for REST, and
    host.as_default() makes it the one that lmstudio.Client() finds.
    """
    from model_fixtures.for_apps.host import Host

    provider = provider_of(pytestconfig)
    with errors_in_one_line():
        local = _local(provider)
        if local is None:
            return Host(provider.address())
        local.configure(lmstudio_server_options)
        own = local.test_server
        return Host(local.address(), None if own is None else own.token)


@pytest.fixture
def lmstudio_client(request: pytest.FixtureRequest) -> Iterator[Client]:
    """Provide an lmstudio.Client on lmstudio_host, closed after the test.

    In a test that uses lmstudio_faults, it is on lmstudio_faults.host.
    """
    from model_fixtures.for_apps.clients import open_client

    with open_client(_host_of_test(request)) as client:
        yield client


@pytest.fixture
def lmstudio_async_client(request: pytest.FixtureRequest) -> AsyncClient:
    """Provide an lmstudio.AsyncClient on lmstudio_host, closed after the test.

    For async tests of anyio's pytest plugin (on asyncio) and of
    pytest-asyncio, in its modes strict and auto. In a test that uses
    lmstudio_faults, it is on lmstudio_faults.host.
    """
    if "anyio_backend" in request.fixturenames:
        name = "_lmstudio_anyio_client"
    elif request.config.pluginmanager.hasplugin("asyncio"):
        name = "_lmstudio_asyncio_client"
    else:
        pytest.fail(
            "lmstudio_async_client needs an async test: mark it @pytest.mark.anyio, or install"
            " pytest-asyncio",
            pytrace=False,
        )
    client: AsyncClient = request.getfixturevalue(name)
    return client


@pytest.fixture
async def _lmstudio_anyio_client(
    request: pytest.FixtureRequest, anyio_backend: object, _lmstudio_host_of_test: Host
) -> AsyncIterator[AsyncClient]:
    from model_fixtures.for_apps.clients import open_async_client

    name = anyio_backend[0] if isinstance(anyio_backend, tuple) else anyio_backend
    if name != "asyncio":
        pytest.fail(
            f'the SDK needs asyncio, not {name}: let the fixture anyio_backend return "asyncio"',
            pytrace=False,
        )
    async with open_async_client(_lmstudio_host_of_test) as client:
        yield client


@pytest.fixture
def _lmstudio_host_of_test(request: pytest.FixtureRequest) -> Host:
    return _host_of_test(request)


@pytest.fixture
def lmstudio_models(
    request: pytest.FixtureRequest, pytestconfig: pytest.Config, lmstudio_host: Host
) -> tuple[str, ...]:
    """Provide the keys of the test models that are loaded at the start.

    The marker lmstudio_models("key", ...) names them; without it, or without
    keys, these are all required ones. They are loaded with the suite's
    configuration, under their keys, and no other test model is: also if the
    test before has unloaded some. Only these are fetched and made.
    """
    marker = request.node.get_closest_marker(MARKER)
    keys = () if marker is None else marker.args
    if marker is not None and marker.kwargs:
        names = ", ".join(marker.kwargs)
        pytest.fail(f"the marker {MARKER} takes keys of models only, not {names}=", pytrace=False)
    with errors_in_one_line():
        local = _local(provider_of(pytestconfig))
        if local is None:
            pytest.fail("in this suite, workers share the server: use loaded_models", pytrace=False)
        if local.spread and local.test_server is None:
            pytest.fail("--dist each spreads tests of one host: leave --dist out", pytrace=False)
        return local.models.load(keys)


@pytest.fixture
def lmstudio_faults(request: pytest.FixtureRequest, lmstudio_host: Host) -> Iterator[Faults]:
    """Provide faults for this test alone, on any client of lmstudio_faults.host.

    That host stands in front of lmstudio_host. The methods close, drop,
    delay, replace, insert, stall and fail name the endpoint and the packet
    at which they happen, such as

        lmstudio_faults.close("predict", "fragment", nth=3)

    lmstudio_faults.use_as_default() makes the host the one that
    lmstudio.Client() finds. A fault that has not happened fails the test.
    """
    from model_fixtures.for_apps.faults import open_faults

    with errors_in_one_line(), open_faults(lmstudio_host) as faults:
        request.node.stash[FAULTS] = faults
        yield faults
        del request.node.stash[FAULTS]


@pytest.fixture
def lmstudio_wire(pytestconfig: pytest.Config) -> Wire:
    """Provide the frames that the SDK's clients send and receive in the test.

    lmstudio_wire.sent("predict") and .received("predict", "fragment") are
    lists to assert on, .frames has all. A test that fails shows them.
    """
    from model_fixtures.for_apps.wire import Wire

    from .wire_reports import record

    if pytestconfig.stash.get(WIRE_LOG, None) is None:  # the SDK is not imported yet
        pytestconfig.stash[WIRE_LOG] = record(pytestconfig)
    log = pytestconfig.stash[WIRE_LOG]
    if log is None:
        pytest.fail("lmstudio_wire needs the SDK: pip install lmstudio", pytrace=False)
    return Wire(log)


@pytest.fixture
def lmstudio_server(pytestconfig: pytest.Config, lmstudio_host: Host) -> Iterator[Server]:
    """Provide the embedded server: host, token, log, loaded, kill(), restart().

    The test may do with it what it wants: it is started again after a test
    that has killed it. On another host than the embedded server of this
    run, the test is skipped.
    """
    with errors_in_one_line():
        local = _local(provider_of(pytestconfig))
        server = None if local is None else local.test_server
    if local is None or server is None:
        pytest.skip(f"needs the embedded server of this run; the host is {lmstudio_host}")
    yield server
    server.end_default()
    if not server.running:
        with errors_in_one_line():
            server.restart()


def _host_of_test(request: pytest.FixtureRequest) -> Host:
    """Return the host of the test's faults if it uses faults, else the run's."""
    if "lmstudio_faults" in request.fixturenames:
        faults: Faults = request.getfixturevalue("lmstudio_faults")
        return faults.host
    host: Host = request.getfixturevalue("lmstudio_host")
    return host


def _local(provider: object) -> LocalHost | None:
    """Return the access to the host if this process may start a server, None in suites' workers."""
    from .local_host import LocalHost

    return provider if isinstance(provider, LocalHost) else None
