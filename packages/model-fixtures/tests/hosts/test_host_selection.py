"""Choosing the host."""

from __future__ import annotations

import pytest
from model_fixtures.hosts import Host, HostError, HostSelection, select_host

from ..fake_host import FakeHost  # noqa: TID252 (tests are not an importable package)
from .conftest import MakeHttp


def port(address: str) -> int:
    """Return the port of an address."""
    return int(address.rpartition(":")[2])


def test_an_option_wins(serve_http: MakeHttp) -> None:
    """The option wins over the variable and over a host on a default port."""
    named, other = serve_http(), serve_http()
    selection = select_host(named, environ={"LMSTUDIO_API_HOST": other}, ports=[port(other)])
    assert selection == HostSelection(Host(named, "explicit", "named by --host"), "named by --host")


def test_the_variable_comes_next(serve_http: MakeHttp) -> None:
    """LMSTUDIO_API_HOST wins over a host on a default port."""
    named, other = serve_http(), serve_http()
    selection = select_host(environ={"LMSTUDIO_API_HOST": named}, ports=[port(other)])
    assert selection.host == Host(named, "explicit", "named by LMSTUDIO_API_HOST")


def test_an_empty_variable_is_not_set(serve_http: MakeHttp) -> None:
    """An empty LMSTUDIO_API_HOST, as CI systems leave behind, counts as not set."""
    found = serve_http()
    selection = select_host(environ={"LMSTUDIO_API_HOST": " "}, ports=[port(found)])
    assert selection.host == Host(found, "found", "a host answers there")


@pytest.mark.parametrize(
    ("option", "variable", "reason"),
    [
        ("embedded", "", "--lmstudio-host says embedded"),
        ("embedded", "192.0.2.1", "--lmstudio-host says embedded"),
        (None, "embedded", "LMSTUDIO_API_HOST says embedded"),
    ],
)
def test_embedded_on_demand(
    serve_http: MakeHttp, option: str | None, variable: str, reason: str
) -> None:
    """`embedded` chooses the embedded server even if a host answers."""
    selection = select_host(
        option,
        environ={"LMSTUDIO_API_HOST": variable},
        ports=[port(serve_http())],
        option="--lmstudio-host",
    )
    assert selection == HostSelection(None, reason)
    assert selection.embedded


def test_embedded_for_want_of_a_host(closed_address: str, serve_http: MakeHttp) -> None:
    """If no host answers on the default ports, the embedded server is chosen, with that reason."""
    ports = [port(closed_address), port(serve_http(404))]
    assert select_host(environ={}, ports=ports) == HostSelection(
        None, f"no host answers on port {ports[0]}, {ports[1]}"
    )


def test_our_own_server_is_recognized(fake_host: FakeHost) -> None:
    """This project's server counts as embedded wherever it is found; the app does not."""
    assert not select_host(environ={}, ports=[port(fake_host.address)]).embedded
    fake_host.package = "lmstudio-model-fixtures"
    selection = select_host(environ={}, ports=[port(fake_host.address)])
    assert selection.host == Host(
        fake_host.address, "found", "the embedded server answers there", own_server=True
    )
    assert selection.embedded


@pytest.mark.parametrize("source", ["--host", "LMSTUDIO_API_HOST"])
def test_a_named_host_must_answer(closed_address: str, serve_http: MakeHttp, source: str) -> None:
    """A named host that does not answer is an error that says what to do, never a fallback."""
    option = closed_address if source == "--host" else None
    environ = {"LMSTUDIO_API_HOST": closed_address}
    with pytest.raises(HostError) as caught:
        select_host(option, environ=environ, ports=[port(serve_http())])
    assert str(caught.value) == (
        f"{source}: no LM Studio host at {closed_address} (connection refused): start its server"
        " (lms server start), name another host, or say embedded"
    )


@pytest.mark.parametrize(
    ("option", "variable", "begin"),
    [
        ("", "", "--host: the host is empty"),
        ("a:b:c", "", "--host: 'a:b:c' is not a host"),
        (None, "ws://x", "LMSTUDIO_API_HOST: 'ws://x' is a URL"),
    ],
)
def test_a_malformed_host(option: str | None, variable: str, begin: str) -> None:
    """A malformed host is an error that names where it came from."""
    with pytest.raises(HostError) as caught:
        select_host(option, environ={"LMSTUDIO_API_HOST": variable}, ports=[])
    assert str(caught.value).startswith(begin)
