# DO NOT EDIT. Written by scripts/generate_sync_tests.py from
# packages/sdk-tests/tests/async/test_lost_connections_async.py
# Change that, then: hatch run sync:generate
"""Connections that break, and how clients recover from that."""

import logging
from collections.abc import Iterator

import pytest
from lmstudio import LLM, Chat, Client, LlmPredictionFragment, LMStudioWebsocketError
from sdk_tests.concurrency_sync import eventually, in_time
from sdk_tests.exact_answers import GREEDY, bare
from sdk_tests.forced_outputs import endless, written
from sdk_tests.logger_names import WEBSOCKET_LOGGER
from sdk_tests.model_names import LLM_KEY
from sdk_tests.sdk_releases import known_bug
from sdk_tests.structured_log import logged_events
from sdk_tests.tcp_proxy import TcpProxy, tcp_proxy

pytestmark = [pytest.mark.lmstudio]

LOST = r"^Client unexpectedly disconnected\.$"


@pytest.fixture
def proxy(lmstudio_host: str) -> Iterator[TcpProxy]:
    """Provide a proxy in front of the host."""
    with tcp_proxy(lmstudio_host) as proxy:
        yield proxy


@pytest.fixture
def client(proxy: TcpProxy) -> Iterator[Client]:
    """Provide a client that connects through the proxy."""
    with Client(proxy.address) as client:
        yield client


def lose_connection(client: Client, proxy: TcpProxy, caplog: pytest.LogCaptureFixture) -> None:
    """Break the connection of the LLM session, and wait until the SDK has ended its task."""
    client.llm.list_loaded()
    url = f"ws://{proxy.address}/llm"
    caplog.set_level(logging.DEBUG, WEBSOCKET_LOGGER)
    proxy.cut()

    def done() -> bool:
        events = [fields for _, fields in logged_events(caplog, WEBSOCKET_LOGGER)]
        return {"event": "Websocket task terminated", "ws_url": url} in events

    eventually(done)


def test_call_after_the_loss(
    client: Client, proxy: TcpProxy, caplog: pytest.LogCaptureFixture
) -> None:
    """Every call on a session whose connection broke raises an error."""
    lose_connection(client, proxy, caplog)
    for _ in range(2):
        with pytest.raises(LMStudioWebsocketError, match=LOST):
            in_time(client.llm.list_loaded)


def test_prediction_after_the_loss(
    client: Client, proxy: TcpProxy, caplog: pytest.LogCaptureFixture
) -> None:
    """A prediction on a session whose connection broke raises an error instead of waiting."""
    lose_connection(client, proxy, caplog)
    with pytest.raises(LMStudioWebsocketError, match=LOST):
        in_time(lambda: LLM(LLM_KEY, client.llm).complete("Hello"))


def test_session_can_be_opened_again(client: Client, proxy: TcpProxy) -> None:
    """A session whose connection broke works again after disconnect() and connect()."""
    client.llm.list_loaded()
    proxy.cut()
    with pytest.raises(LMStudioWebsocketError):
        in_time(client.llm.list_loaded)
    client.llm.disconnect()
    client.llm.connect()
    assert isinstance(client.llm.list_loaded(), list)


def test_new_client_after_the_loss(client: Client, proxy: TcpProxy) -> None:
    """A new client for the same address works after a loss, and the old one can still be closed."""
    client.llm.list_loaded()
    proxy.cut()
    with Client(proxy.address) as new_client:
        assert isinstance(new_client.llm.list_loaded(), list)
    client.close()


def test_loss_is_logged(client: Client, proxy: TcpProxy, caplog: pytest.LogCaptureFixture) -> None:
    """A broken connection is logged as an error with its address, even when no call is made."""
    lose_connection(client, proxy, caplog)
    errors = [
        fields["event"]
        for level, fields in logged_events(caplog, WEBSOCKET_LOGGER)
        if level == "ERROR" and fields["ws_url"] == f"ws://{proxy.address}/llm"
    ]
    assert errors == ["Websocket failed, terminating session."]


@known_bug(
    "A session whose connection has broken still says that it is connected, and refuses"
    " connect() for that reason until disconnect() has been called."
)
def test_session_notices_the_loss(
    client: Client, proxy: TcpProxy, caplog: pytest.LogCaptureFixture
) -> None:
    """A session whose connection broke must not say that it is connected."""
    lose_connection(client, proxy, caplog)
    assert not client.llm.connected


@pytest.mark.models
def test_loss_in_the_middle_of_a_stream(client: Client, proxy: TcpProxy) -> None:
    """A stream whose connection breaks raises an error after the text that arrived."""
    seen: list[str] = []

    def cut(fragment: LlmPredictionFragment) -> None:
        seen.append(fragment.content)
        proxy.cut()

    stream = LLM(LLM_KEY, client.llm).complete_stream(
        "Hello", config=endless(300), on_prediction_fragment=cut
    )
    with pytest.raises(LMStudioWebsocketError, match=LOST):
        in_time(stream.wait_for_result)
    assert seen, "no fragment arrived before the connection was cut"
    with pytest.raises(LMStudioWebsocketError, match=LOST):
        stream.result()


@pytest.mark.models
def test_loss_leaves_models_loaded(client: Client, proxy: TcpProxy) -> None:
    """A lost connection leaves the model loaded and free for the next prediction."""
    llm = LLM(LLM_KEY, client.llm)
    with pytest.raises(LMStudioWebsocketError):
        in_time(lambda: llm.complete("Hello", config=endless(300), on_first_token=proxy.cut))
    client.llm.disconnect()
    client.llm.connect()
    assert (llm.complete("Hello", config=written("ok"))).content == "ok"


@pytest.mark.models
def test_chat_goes_on_after_the_loss(client: Client, proxy: TcpProxy) -> None:
    """A chat whose connection was lost goes on after the session was opened again."""
    llm = LLM(LLM_KEY, client.llm)
    chat = Chat()
    chat.add_user_message("Say the word apple.")
    llm.respond(chat, on_message=chat.append, config=GREEDY)
    proxy.cut()
    chat.add_user_message("Say that again.")
    with pytest.raises(LMStudioWebsocketError):
        in_time(lambda: llm.respond(chat, config=GREEDY))
    client.llm.disconnect()
    client.llm.connect()
    assert bare((llm.respond(chat, config=GREEDY)).content) == "apple"
