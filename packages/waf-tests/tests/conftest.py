"""The edges that the tests go through, and an environment without anyone's keys."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import lmstudio
import pytest
from lmstudio import LMStudioError
from model_fixtures.pytest_plugin.suite.asyncio_backend import anyio_backend
from waf_tests.client.native_support import describe_headers
from waf_tests.edge import Edge
from waf_tests.edge.caddy import plan_caddy
from waf_tests.edge.caddy_version import HOW_TO_INSTALL
from waf_tests.edge.edge import Planner
from waf_tests.edge.modsecurity import modsecurity_missing, plan_modsecurity
from waf_tests.secret import InnerFramesHidden, Secret
from waf_tests.settings import (
    ACCESS_ID_VARIABLE,
    ACCESS_SECRET_VARIABLE,
    HOST_VARIABLE,
    KEY_VARIABLE,
    TOKEN_VARIABLE,
    Settings,
    find_settings,
    host_with_scheme,
)
from waf_tests.testing.cloudflare_host import CloudflareHost
from waf_tests.testing.recording_origin import RecordingOrigin
from waf_tests.testing.run_in_process import Run, run_command
from waf_tests.testing.tried_urls import TRIED, add_tried_urls, record_tried_urls

__all__ = ["anyio_backend"]  # a fixture

PLANNERS: dict[str, Planner] = {"caddy": plan_caddy, "modsecurity": plan_modsecurity}

# These would send a test's key to another host, or a real key to a test's host.
_KEY_VARIABLES = (
    HOST_VARIABLE,
    KEY_VARIABLE,
    TOKEN_VARIABLE,
    ACCESS_ID_VARIABLE,
    ACCESS_SECRET_VARIABLE,
)
_NETWORK_VARIABLES = (
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
)

# Caddy has no wheel for Windows. Elsewhere the environment has one: its absence is an error.
_NO_CADDY = f"no Caddy: {HOW_TO_INSTALL}" if os.name == "nt" and not shutil.which("caddy") else None

MakeEdge = Callable[..., Edge]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--edge`."""
    parser.addoption(
        "--edge",
        choices=sorted(PLANNERS),
        default="caddy",
        help="the edge to test through: caddy, or nginx with ModSecurity",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Register our markers."""
    config.addinivalue_line("markers", "caddy: about Caddy itself; skipped with --edge modsecurity")


def pytest_report_header() -> str:
    """Return a line that says whose headers the SDK's clients send: docs/native-support.md."""
    return f"lmstudio SDK headers: {describe_headers(lmstudio)}"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skip the tests about Caddy if it is missing or the edge is another program."""
    reason = _NO_CADDY
    if config.getoption("--edge", default="caddy") != "caddy":
        reason = "the test is about Caddy, and --edge names another edge"
    if reason is None:
        return
    skip = pytest.mark.skip(reason=reason)
    for item in items:
        if item.get_closest_marker("caddy"):
            item.add_marker(skip)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Report the URLs that a failed client has tried; the SDK's own message names only its host."""
    report = yield
    tried = item.stash.get(TRIED, [])
    if tried and call.excinfo is not None and call.excinfo.errisinstance(LMStudioError):
        add_tried_urls(report, tried)
    return report


@pytest.fixture(autouse=True)
def tried_urls(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Provide the URLs that the test's clients have tried; the report of a failure shows them."""
    tried = request.node.stash[TRIED] = record_tried_urls(monkeypatch)
    return tried


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove the machine's keys, CAs and proxies from the environment of a test."""
    for name in (*_KEY_VARIABLES, *_NETWORK_VARIABLES):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture
def environ(_clean_environment: None) -> dict[str, str]:
    """Provide a copy of the clean environment, for a process that the test starts."""
    return dict(os.environ)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Provide a function that runs a command in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return run_command


@pytest.fixture(scope="session")
def configured() -> Settings:
    """Provide the settings of the real host, read before tests change the environment."""
    with InnerFramesHidden():  # the frames that read .env hold its text
        return find_settings()


@pytest.fixture(scope="session")
def network_variables() -> dict[str, str]:
    """Provide this machine's variables for proxies and CAs, which the real host alone needs."""
    names = [*_NETWORK_VARIABLES, *(name.lower() for name in _NETWORK_VARIABLES)]
    return {name: os.environ[name] for name in names if name in os.environ}


@pytest.fixture
def real_host(
    configured: Settings, network_variables: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> CloudflareHost:
    """Provide the real host behind Cloudflare, or skip the test if none is configured."""
    host, key = configured.host, configured.key
    if host is None or key is None:
        pytest.skip(f"{HOST_VARIABLE} and {KEY_VARIABLE} are not set: no real host to test")
    for name, value in network_variables.items():
        monkeypatch.setenv(name, value)
    return CloudflareHost(host_with_scheme(host), key, configured.token)


@pytest.fixture(scope="session")
def planner(pytestconfig: pytest.Config) -> Planner:
    """Provide the planner of the edge that --edge names.

    Tests that need an edge ask for it, even if they start one themselves: it skips them on Windows,
    where Caddy may be missing.
    """
    name = pytestconfig.getoption("--edge", default="caddy")
    if name == "caddy" and _NO_CADDY:
        pytest.skip(_NO_CADDY)
    missing = modsecurity_missing() if name == "modsecurity" else None
    if missing is not None:
        pytest.fail(missing, pytrace=False)
    return PLANNERS[name]


@pytest.fixture(scope="session")
def origin() -> Iterator[RecordingOrigin]:
    """Provide a recording origin that tests share: only requests in `seen` are the test's own."""
    with RecordingOrigin() as running:
        yield running


@pytest.fixture(scope="session")
def origin_edge(planner: Planner, origin: RecordingOrigin) -> Iterator[Edge]:
    """Provide the edge in front of the recording origin."""
    with Edge(origin.address, planner=planner) as running:
        yield running


@pytest.fixture(scope="session")
def session_edge(planner: Planner, lmstudio_host: str) -> Iterator[Edge]:
    """Provide the edge in front of the host under test."""
    with Edge(lmstudio_host, planner=planner) as running:
        yield running


@pytest.fixture
def trust(monkeypatch: pytest.MonkeyPatch) -> Callable[[Edge], None]:
    """Provide a function that makes clients accept an edge's throw-away CA."""
    return lambda edge: monkeypatch.setenv("SSL_CERT_FILE", str(edge.ca_file))


@pytest.fixture
def edge(origin_edge: Edge, trust: Callable[[Edge], None]) -> Edge:
    """Provide the edge in front of the recording origin, and make clients accept its CA."""
    trust(origin_edge)
    return origin_edge


@pytest.fixture
def host_edge(session_edge: Edge, trust: Callable[[Edge], None]) -> Edge:
    """Provide the edge in front of the host under test, and make clients accept its CA."""
    trust(session_edge)
    return session_edge


@pytest.fixture
def key(edge: Edge) -> Secret:
    """Provide the key that opens `edge`."""
    return edge.key


@pytest.fixture
def ipv6_loopback() -> str:
    """Provide the IPv6 loopback address, or skip the test if the machine has none."""
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return "::1"
    except OSError:
        pytest.skip("this machine has no IPv6 loopback address")


@pytest.fixture
def example_hosts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Resolve every name under example.com to the loopback address."""
    resolve = socket.getaddrinfo

    def resolve_here(host: str | bytes | None, *args: Any, **options: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host
        here = name is not None and name.endswith(".example.com")
        return resolve("127.0.0.1" if here else host, *args, **options)

    monkeypatch.setattr(socket, "getaddrinfo", resolve_here)


@pytest.fixture
def make_edge(planner: Planner) -> Iterator[MakeEdge]:
    """Provide a function that starts an edge for this test alone."""

    def make(origin: str, **options: object) -> Edge:
        edge = Edge(origin, planner=planner, **options)  # type: ignore[arg-type]
        edge.__enter__()
        made.append(edge)
        return edge

    made: list[Edge] = []
    try:
        yield make
    finally:
        for edge in made:
            edge.__exit__(None, None, None)


@pytest.fixture
def seen(origin: RecordingOrigin) -> Callable[[], list[object]]:
    """Provide a function that returns the requests that reached the origin during the test."""
    start = len(origin.requests)
    return lambda: list(origin.requests[start:])
