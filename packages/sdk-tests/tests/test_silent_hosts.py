"""Timeouts of the synchronous API on a host that has gone silent."""

from collections.abc import Iterator

import lmstudio
import pytest
from lmstudio import LLM, Client, LMStudioTimeoutError
from sdk_tests.forced_outputs import written
from sdk_tests.model_names import LLM_KEY
from sdk_tests.sdk_releases import since
from sdk_tests.tcp_proxy import TcpProxy, tcp_proxy

pytestmark = [
    pytest.mark.lmstudio,
    pytest.mark.usefixtures("restored_sync_timeout"),
    since("1.5.0"),
]

SHORT = 0.05  # seconds to wait for a message that will never come


@pytest.fixture
def proxy(lmstudio_host: str) -> Iterator[TcpProxy]:
    """Provide a proxy in front of the host."""
    with tcp_proxy(lmstudio_host) as proxy:
        yield proxy


@pytest.fixture
def client(proxy: TcpProxy) -> Iterator[Client]:
    """Provide a client that connects through the proxy and has a connected LLM session."""
    with Client(proxy.address) as client:
        client.llm.connect()
        yield client


def test_call_times_out(client: Client, proxy: TcpProxy) -> None:
    """A call without an answer raises the SDK's timeout error, which is also a TimeoutError."""
    proxy.stall()
    lmstudio.set_sync_api_timeout(SHORT)
    with pytest.raises(LMStudioTimeoutError) as failure:
        client.llm.list_loaded()
    assert isinstance(failure.value, TimeoutError)
    assert failure.value.__cause__ is None


@pytest.mark.parametrize("method", ["model", "load_new_instance"])
def test_load_times_out(client: Client, proxy: TcpProxy, method: str) -> None:
    """A load whose channel stays silent raises a timeout error."""
    proxy.stall()
    lmstudio.set_sync_api_timeout(SHORT)
    with pytest.raises(LMStudioTimeoutError):
        getattr(client.llm, method)("no-such-model")


def test_prediction_times_out(client: Client, proxy: TcpProxy) -> None:
    """A prediction whose channel stays silent raises a timeout error, and so does its result."""
    proxy.stall()
    lmstudio.set_sync_api_timeout(SHORT)
    stream = LLM("no-such-model", client.llm).complete_stream("Hello")
    with pytest.raises(LMStudioTimeoutError):
        stream.wait_for_result()
    with pytest.raises(LMStudioTimeoutError):
        stream.result()


def test_session_goes_on_after_a_timeout(client: Client, proxy: TcpProxy) -> None:
    """A session works again after a timeout, and a late answer does not disturb it."""
    proxy.stall()
    lmstudio.set_sync_api_timeout(SHORT)
    with pytest.raises(LMStudioTimeoutError):
        client.llm.get_model_info("no-such-model")
    lmstudio.set_sync_api_timeout(None)
    proxy.resume()
    assert isinstance(client.llm.list_loaded(), list)


def test_slow_answer_in_time(client: Client, proxy: TcpProxy) -> None:
    """A call succeeds when its answer arrives within the timeout."""
    lmstudio.set_sync_api_timeout(30)
    proxy.stall()
    proxy.resume()
    assert isinstance(client.llm.list_loaded(), list)


@pytest.mark.models
def test_timeout_counts_from_the_last_message(client: Client) -> None:
    """A prediction under a timeout ends normally as long as messages keep arriving."""
    lmstudio.set_sync_api_timeout(30)
    result = LLM(LLM_KEY, client.llm).complete("Hi", config=written("as told"))
    assert result.content == "as told"
