"""Finding a host: default ports, the greeting, and hosts that are absent or something else."""

from collections.abc import Iterator

import httpx
import lmstudio
import pytest
from lmstudio import LMStudioClientError, LMStudioRuntimeError, LMStudioWebsocketError
from lmstudio.json_api import ClientBase
from sdk_tests.foreign_hosts import closed_address, hanging_up_host, http_host
from sdk_tests.sdk_releases import known_bug

GREETING = b'{"lmstudio": true}'


@pytest.fixture(autouse=True)
def _no_token_in_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the user's token, which every new client parses, out of tests without a host."""
    monkeypatch.delenv("LMSTUDIO_API_TOKEN", raising=False)


@pytest.fixture
def client() -> Iterator[lmstudio.Client]:
    """Provide a client for an address where nothing listens, not entered: it makes no request by
    itself.
    """
    client = lmstudio.Client(closed_address())
    yield client
    client.close()


def test_default_ports() -> None:
    """The ports tried are these five on loopback, in this order."""
    assert list(ClientBase._iter_default_api_hosts()) == [
        "127.0.0.1:41343",
        "127.0.0.1:52993",
        "127.0.0.1:16141",
        "127.0.0.1:39414",
        "127.0.0.1:22931",
    ]


def test_greeting_is_recognised() -> None:
    """A host that greets as LM Studio is valid; exactly one request for the greeting is made."""
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
    """Any other status or JSON means that the host is something else."""
    with http_host(status, body) as (address, _):
        assert lmstudio.Client.is_valid_api_host(address) is False


def test_closed_port_is_no_host() -> None:
    """A refused connection means that there is no host: no exception."""
    assert lmstudio.Client.is_valid_api_host(closed_address()) is False


@known_bug(
    "A web server that answers the greeting with status 200 and something other than JSON, as"
    " many do for every path, makes host detection fail with a JSONDecodeError instead of going"
    " on to the next port.",
    raises=ValueError,
)
def test_web_page_is_no_greeting() -> None:
    """A web page in place of the greeting must mean that the host is something else."""
    with http_host(200, b"<html></html>") as (address, _):
        assert lmstudio.Client.is_valid_api_host(address) is False


@known_bug(
    "Only refused and timed-out connections count as 'no host': a port whose owner doesn't"
    " speak HTTP makes host detection fail with httpx.RemoteProtocolError (or ReadTimeout).",
    raises=httpx.TransportError,
)
def test_other_protocol_is_no_host() -> None:
    """A host that hangs up without an answer must mean that it is something else."""
    with hanging_up_host() as address:
        assert lmstudio.Client.is_valid_api_host(address) is False


def test_search_takes_the_first_host(monkeypatch: pytest.MonkeyPatch) -> None:
    """The search passes over closed ports and other servers and stops at the first LM Studio."""
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
    """Where no port answers, the search finds nothing and entering a client says so."""
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


def test_found_host_is_the_clients(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client without host has no api_host until it is entered, then the found one."""
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
    """Entering a client whose host is not there names the address and asks the right question."""
    address = client.api_host
    with pytest.raises(LMStudioClientError) as failure:
        client.__enter__()
    assert str(failure.value) == (f"LM Studio is not reachable at {address}. Is LM Studio running?")


def test_first_request_without_host_names_the_session(client: lmstudio.Client) -> None:
    """A request of a client that was never entered names the websocket address and the reason."""
    with pytest.raises(LMStudioWebsocketError) as failure:
        client.llm.list_loaded()
    url = f"ws://{client.api_host}/llm"
    assert str(failure.value) == (
        f"\n    LM Studio is not reachable at {url}"
        " (due to httpx.ConnectError: All connection attempts failed).\n    Is LM Studio running?"
    )


def test_unknown_namespace_is_refused_without_a_request(client: lmstudio.Client) -> None:
    """A namespace without models is refused by name before any connection."""
    for method in (client.list_loaded_models, client.list_downloaded_models):
        with pytest.raises(
            lmstudio.LMStudioValueError, match=r"^Unknown model namespace: 'files'$"
        ):
            method("files")


@known_bug(
    "The sessions of an AsyncClient exist only inside of its `async with` block; using one"
    " before that is a bare KeyError with the namespace's name.",
    raises=KeyError,
)
@pytest.mark.parametrize("namespace", ["llm", "embedding"])
def test_async_session_outside_of_the_block_is_explained(namespace: str) -> None:
    """A session of an AsyncClient that was not entered must be an SDK error."""
    with pytest.raises(lmstudio.LMStudioError):
        getattr(lmstudio.AsyncClient(closed_address()), namespace)
