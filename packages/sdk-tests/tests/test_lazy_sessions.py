"""Sessions of the synchronous client, which connect on first use."""

import gc
import warnings
from collections.abc import Iterator

import lmstudio
import pytest
from lmstudio import Client, LMStudioError, LMStudioWebsocketError
from sdk_tests.sdk_releases import known_bug
from sdk_tests.tcp_proxy import tcp_proxy

pytestmark = pytest.mark.lmstudio

NAMESPACES = ["embedding", "files", "llm", "repository", "system"]


@pytest.fixture
def client(lmstudio_host: str) -> Iterator[Client]:
    """Provide a client of the host, inside its block."""
    with Client(lmstudio_host) as client:
        yield client


def test_entering_opens_nothing(client: Client) -> None:
    """Entering a client connects no session, and neither does reading its attributes."""
    assert [getattr(client, name).connected for name in NAMESPACES] == [False] * 5


def test_only_the_used_session_is_opened(client: Client) -> None:
    """The first call connects its own session and no other."""
    client.llm.list_loaded()
    connected = {name for name in NAMESPACES if getattr(client, name).connected}
    assert connected == {"llm"}


def test_listing_uses_the_system_session(client: Client) -> None:
    """A session lists its downloaded models through the system session."""
    client.llm.list_downloaded()
    connected = {name for name in NAMESPACES if getattr(client, name).connected}
    assert connected == {"system"}


def test_client_needs_no_block(lmstudio_host: str) -> None:
    """A client works without being entered, and close() disconnects its sessions."""
    client = Client(lmstudio_host)
    llm = client.llm
    assert isinstance(llm.list_loaded(), list)
    client.close()
    assert not llm.connected


@pytest.mark.parametrize("name", NAMESPACES)
def test_entering_a_session_opens_it(client: Client, name: str) -> None:
    """Entering a session connects it, and leaving its block disconnects it."""
    session = getattr(client, name)
    with session as entered:
        assert entered is session
        assert session.connected
    assert not session.connected


def test_session_opens_again_after_disconnect(client: Client) -> None:
    """A call on a session that was disconnected connects it again."""
    for _ in range(3):
        assert isinstance(client.llm.list_loaded(), list)
        client.llm.disconnect()
        assert not client.llm.connected


def test_first_use_may_be_a_channel(client: Client) -> None:
    """A session also connects when its first request is a load."""
    with pytest.raises(lmstudio.LMStudioServerError, match=r"^Model get/load error: "):
        client.llm.model("no-such-model")
    assert client.llm.connected


def test_connection_of_a_session(client: Client) -> None:
    """connect() returns the connection, which refuses to connect a second time."""
    connection = client.llm.connect()
    assert connection.connected
    with pytest.raises(
        LMStudioWebsocketError, match=r"^Attempted to connect already connected websocket$"
    ):
        connection.connect()
    client.llm.disconnect()
    assert not connection.connected


def test_session_after_a_lost_connection(lmstudio_host: str) -> None:
    """The next call connects again after a lost connection and disconnect()."""
    with tcp_proxy(lmstudio_host) as proxy, Client(proxy.address) as client:
        client.llm.list_loaded()
        proxy.cut()
        with pytest.raises(LMStudioWebsocketError):
            client.llm.list_loaded()
        client.llm.disconnect()
        assert isinstance(client.llm.list_loaded(), list)


def test_host_that_went_away(lmstudio_host: str) -> None:
    """A session that cannot connect raises an error with the address and the reason."""
    with tcp_proxy(lmstudio_host) as proxy, Client(proxy.address) as client:
        proxy.close()
        with pytest.raises(LMStudioWebsocketError) as failure:
            client.llm.list_loaded()
        assert not client.llm.connected
    message = str(failure.value)
    url = f"ws://{client.api_host}/llm"
    assert f"LM Studio is not reachable at {url} (due to httpx." in message
    assert message.endswith("Is LM Studio running?")


def error_of(client: Client) -> type[BaseException] | None:
    """Return the class of the error that a call raises, once its coroutine has been collected."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # about a coroutine that was never awaited
        try:
            client.llm.list_loaded()
            kind = None
        except Exception as error:  # noqa: BLE001  (the test asks for its class)
            kind = type(error)
        gc.collect()
    return kind


@known_bug(
    "A call on a closed client fails with a bare RuntimeError about an inactive task manager (and"
    " a warning about a coroutine that was never awaited) instead of an SDK error."
)
def test_use_of_a_closed_client(lmstudio_host: str) -> None:
    """A call on a closed client must raise an SDK error."""
    client = Client(lmstudio_host)
    client.llm.list_loaded()
    client.close()
    client._ws_thread.join()
    kind = error_of(client)
    assert kind is not None
    assert issubclass(kind, LMStudioError)


def test_sessions_of_one_client_share_an_identity(lmstudio_host: str) -> None:
    """All sessions of a client authenticate with the same identifier and passkey."""
    with Client(lmstudio_host) as client:
        pairs = [session.connect()._auth_details for session in (client.llm, client.files)]
    assert pairs[0] == pairs[1]
