"""The search for a host: default ports, the greeting, and addresses without LM Studio."""

from collections.abc import Iterator

import httpx
import lmstudio
import pytest
from lmstudio import LMStudioClientError, LMStudioRuntimeError, LMStudioWebsocketError
from lmstudio.json_api import ClientBase
from sdk_tests.foreign_hosts import closed_address, hanging_up_host, http_host
from sdk_tests.sdk_releases import known_bug

GREETING = b'{"lmstudio": true}'


pytestmark = pytest.mark.usefixtures("no_api_token")


@pytest.fixture
def client() -> Iterator[lmstudio.Client]:
    """Provide a client for an address where nothing listens, not entered: it makes no request by
    itself.
    """
    client = lmstudio.Client(closed_address())
    yield client
    client.close()


def test_default_ports() -> None:
    """The search tries these five loopback ports in this order."""
    assert list(ClientBase._iter_default_api_hosts()) == [
        "127.0.0.1:41343",
        "127.0.0.1:52993",
        "127.0.0.1:16141",
        "127.0.0.1:39414",
        "127.0.0.1:22931",
    ]


def test_greeting_is_recognised() -> None:
    """A host that answers the greeting is valid, and is asked only once."""
    with http_host(200, GREETING) as (address, paths):
        assert lmstudio.Client.is_valid_api_host(address) is True
    assert paths == ["/lmstudio-greeting"]


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (404, GREETING),
        (500, b"oops"),
        (200, b"{}"),
        (200, b'{"lmstudio": false}'),
        (200, b'["lmstudio"]'),
    ],
    ids=["not-found", "server-error", "other-json", "denied", "list"],
)
def test_other_answers_are_no_greeting(status: int, body: bytes) -> None:
    """A host that answers the greeting with another status or other JSON is not valid."""
    with http_host(status, body) as (address, _):
        assert lmstudio.Client.is_valid_api_host(address) is False


def test_closed_port_is_no_host() -> None:
    """A closed port is not a valid host, and raises no exception."""
    assert lmstudio.Client.is_valid_api_host(closed_address()) is False


@known_bug(
    "A web server that answers the greeting with status 200 and something other than JSON, as"
    " many do for every path, makes host detection fail with a JSONDecodeError instead of going"
    " on to the next port.",
    raises=ValueError,
)
def test_web_page_is_no_greeting() -> None:
    """A host that answers the greeting with a web page must not be valid."""
    with http_host(200, b"<html></html>") as (address, _):
        assert lmstudio.Client.is_valid_api_host(address) is False


@known_bug(
    "Only refused and timed-out connections count as 'no host': a port whose owner does not"
    " speak HTTP makes host detection fail with httpx.RemoteProtocolError (or ReadTimeout).",
    raises=httpx.TransportError,
)
def test_other_protocol_is_no_host() -> None:
    """A host that hangs up without an answer must not be valid."""
    with hanging_up_host() as address:
        assert lmstudio.Client.is_valid_api_host(address) is False


def test_search_takes_the_first_host(monkeypatch: pytest.MonkeyPatch) -> None:
    """The search skips closed ports and other servers, and stops at the first LM Studio."""
    with (
        http_host(404, b"") as (other, _),
        http_host(200, GREETING) as (first, _),
        http_host(200, GREETING) as (second, second_paths),
    ):
        addresses = [closed_address(), other, first, second]
        ports = tuple(int(address.rpartition(":")[2]) for address in addresses)
        monkeypatch.setattr(lmstudio.Client, "_DEFAULT_API_PORTS", ports)
        assert lmstudio.Client.find_default_local_api_host() == first
    assert second_paths == []


def test_search_without_host(monkeypatch: pytest.MonkeyPatch) -> None:
    """The search finds nothing when no port answers, and entering a client raises an error."""
    port = int(closed_address().rpartition(":")[2])
    monkeypatch.setattr(lmstudio.Client, "_DEFAULT_API_PORTS", (port,))
    assert lmstudio.Client.find_default_local_api_host() is None
    client = lmstudio.Client()
    with pytest.raises(
        LMStudioClientError,
        match=r"^LM Studio is not reachable at any default port\. Is LM Studio running\?$",
    ):
        client.__enter__()
    client.close()


def test_entered_client_has_the_found_host(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client without a given host has no api_host until entering it has found one."""
    with http_host(200, GREETING) as (address, _):
        port = int(address.rpartition(":")[2])
        monkeypatch.setattr(lmstudio.Client, "_DEFAULT_API_PORTS", (port,))
        client = lmstudio.Client()
        with pytest.raises(
            LMStudioRuntimeError, match=r"^Local API host port is not yet resolved\.$"
        ):
            _ = client.api_host
        with client:
            assert client.api_host == address


def test_entering_without_host_names_the_address(client: lmstudio.Client) -> None:
    """Entering a client without its host raises an error that names the address."""
    address = client.api_host
    with pytest.raises(LMStudioClientError) as failure:
        client.__enter__()
    assert str(failure.value) == (f"LM Studio is not reachable at {address}. Is LM Studio running?")


def test_first_request_without_host_names_the_session(client: lmstudio.Client) -> None:
    """A first request without a host raises an error with the session's address and the reason."""
    with pytest.raises(LMStudioWebsocketError) as failure:
        client.llm.list_loaded()
    url = f"ws://{client.api_host}/llm"
    assert str(failure.value) == (
        f"\n    LM Studio is not reachable at {url}"
        " (due to httpx.ConnectError: All connection attempts failed).\n    Is LM Studio running?"
    )


def test_unknown_namespace_is_refused_without_a_request(client: lmstudio.Client) -> None:
    """An unknown namespace is refused before any connection."""
    for method in (client.list_loaded_models, client.list_downloaded_models):
        with pytest.raises(
            lmstudio.LMStudioValueError, match=r"^Unknown model namespace: 'files'$"
        ):
            method("files")


@known_bug(
    "The sessions of an AsyncClient exist only inside its `async with` block; using one"
    " before that raises a bare KeyError with the namespace's name.",
    raises=KeyError,
)
@pytest.mark.parametrize("namespace", ["llm", "embedding"])
def test_async_session_outside_of_the_block_is_explained(namespace: str) -> None:
    """Using a session of an AsyncClient that was not entered must raise an SDK error."""
    with pytest.raises(lmstudio.LMStudioError):
        getattr(lmstudio.AsyncClient(closed_address()), namespace)
