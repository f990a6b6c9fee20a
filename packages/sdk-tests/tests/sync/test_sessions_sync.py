# DO NOT EDIT. Written by scripts/generate_sync_tests.py from
# packages/sdk-tests/tests/async/test_sessions_async.py
# Change that, then: hatch run sync:generate
"""Clients and their sessions: opening, closing, and use at the wrong time."""

import pytest
from lmstudio import (
    Client,
    LMStudioClientError,
    LMStudioServerError,
    LMStudioValueError,
    LMStudioWebsocketError,
)
from lmstudio._sdk_models import LlmRpcUnloadModelParameter
from sdk_tests.concurrency_sync import together
from sdk_tests.faulty_clients_sync import short_wait
from sdk_tests.foreign_hosts import closed_address
from sdk_tests.model_names import UNKNOWN
from sdk_tests.sdk_releases import known_bug

pytestmark = [pytest.mark.lmstudio]

NAMESPACES = ["embedding", "files", "llm", "repository", "system"]


def test_host_is_recognised(lmstudio_host: str) -> None:
    """A host's address is valid, and the address of a closed port is not."""
    assert Client.is_valid_api_host(lmstudio_host) is True
    assert Client.is_valid_api_host(closed_address()) is False


def test_client_knows_its_host(client: Client, lmstudio_host: str) -> None:
    """A client reports the host that it was given."""
    assert client.api_host == lmstudio_host


def test_wrong_host() -> None:
    """Entering a client without its host raises an error that names the address."""
    address = closed_address()
    with pytest.raises(LMStudioClientError) as failure:
        with Client(address):
            pass
    assert str(failure.value) == f"LM Studio is not reachable at {address}. Is LM Studio running?"


@pytest.mark.parametrize("name", NAMESPACES)
def test_one_session_for_each_namespace(client: Client, name: str) -> None:
    """A client has one session for each namespace, and the session refers to the client."""
    session = getattr(client, name)
    namespace = session.API_NAMESPACE
    assert namespace == name
    assert session.client is client
    assert getattr(client, name) is session


@pytest.mark.parametrize("name", ["llm", "embedding"])
def test_session_answers(client: Client, name: str) -> None:
    """A session is connected once it has made a call."""
    session = getattr(client, name)
    assert isinstance(session.list_loaded(), list)
    assert session.connected


def test_entering_an_open_session(own_client: Client) -> None:
    """An open session can be entered again, and leaving that block closes it."""
    own_client.system.list_downloaded_models()
    with own_client.system as session:
        assert session is own_client.system
        assert session.connected
    assert not own_client.system.connected


def test_disconnecting(own_client: Client) -> None:
    """A session can be disconnected, even twice, and connected again."""
    own_client.system.list_downloaded_models()
    states = [own_client.system.connected]
    own_client.system.disconnect()
    states.append(own_client.system.connected)
    own_client.system.disconnect()
    states.append(own_client.system.connected)
    own_client.system.connect()
    states.append(own_client.system.connected)
    assert states == [True, False, False, True]
    assert own_client.system.list_downloaded_models(), "no model is listed after connecting"


def test_closing_a_session_leaves_others_open(own_client: Client) -> None:
    """Closing one session of a client leaves its other sessions open."""
    own_client.llm.list_loaded()
    own_client.system.list_downloaded_models()
    own_client.system.close()
    assert own_client.llm.connected
    assert isinstance(own_client.llm.list_loaded(), list)


def test_connecting_twice(client: Client) -> None:
    """Connecting a connected session raises an error and leaves the session connected."""
    client.llm.list_loaded()
    with pytest.raises(
        LMStudioWebsocketError, match=r"^Attempted to connect already connected session$"
    ):
        client.llm.connect()
    assert isinstance(client.llm.list_loaded(), list)


def test_leaving_the_block_closes_all_sessions(lmstudio_host: str) -> None:
    """Leaving a client's block disconnects its sessions."""
    with Client(lmstudio_host) as client:
        llm, system = client.llm, client.system
        llm.list_loaded()
        system.list_downloaded_models()
    assert not llm.connected
    assert not system.connected


def test_nested_block_closes(lmstudio_host: str) -> None:
    """A client may be entered twice, and the first exit closes it."""
    with Client(lmstudio_host) as client:
        llm = client.llm
        llm.list_loaded()
        with client as same:
            assert same is client
        assert not llm.connected


def test_closing_twice(lmstudio_host: str) -> None:
    """A closed client can be closed again."""
    client = Client(lmstudio_host)
    with client:
        client.llm.list_loaded()
    client.close()
    client.close()


@known_bug(
    "A closed client can be entered again without an error, unlike a closed file, but its"
    " sessions never work again: they stay disconnected, or (without await) fail with a bare"
    " RuntimeError about an inactive task manager.",
    raises=pytest.fail.Exception,
)
def test_entering_a_closed_client(lmstudio_host: str) -> None:
    """Entering a client that was closed must be refused."""
    client = Client(lmstudio_host)
    with client:
        pass
    with pytest.raises(LMStudioClientError):
        client.__enter__()


def test_two_clients_are_independent(client: Client, lmstudio_host: str) -> None:
    """Closing a client leaves the sessions of another client open."""
    client.llm.list_loaded()
    with Client(lmstudio_host) as other_client:
        other_client.llm.list_loaded()
        assert other_client.llm is not client.llm
    assert isinstance(client.llm.list_loaded(), list)


def test_calls_at_the_same_time(client: Client) -> None:
    """A session answers several calls at the same time."""
    alone = client.system.list_downloaded_models()
    assert together([client.system.list_downloaded_models] * 8) == [alone] * 8


def test_search_without_conditions(client: Client) -> None:
    """A search without any condition is refused."""
    with pytest.raises(
        LMStudioValueError, match=r"^At least one search parameter must be specified\.$"
    ):
        client.repository.search_models()


@pytest.mark.parametrize("name", NAMESPACES)
def test_unknown_call(client: Client, name: str) -> None:
    """The host does not answer an unknown call: the caller's timeout ends it."""
    session = getattr(client, name)
    with pytest.raises(TimeoutError), short_wait():
        session.remote_call("noSuchCall")
    assert session.connected


def test_call_without_its_parameter(client: Client) -> None:
    """The host does not answer a call without its parameter, and the session stays usable."""
    with pytest.raises(TimeoutError), short_wait():
        client.llm.remote_call("tokenize")
    assert isinstance(client.llm.list_loaded(), list)


def test_notice_prefix(client: Client) -> None:
    """The error of a call begins with the prefix that the caller chose."""
    unload = LlmRpcUnloadModelParameter(identifier=UNKNOWN)
    with pytest.raises(LMStudioServerError, match=r"^My call error: "):
        client.llm.remote_call("unloadModel", unload, notice_prefix="My call")


@pytest.mark.embedded  # what the app answers is not documented
@pytest.mark.parametrize("name", ["", "two\nlines", "x" * 2000], ids=["empty", "control", "long"])
def test_invalid_model_name(client: Client, name: str) -> None:
    """A name that no model can have raises a server error from calls and channels."""
    for request in (client.llm.unload, client.llm.model, client.llm.load_new_instance):
        with pytest.raises(LMStudioServerError):
            request(name)
    assert isinstance(client.llm.list_loaded(), list)
