"""The default client of the convenience API, without a host."""

from contextlib import suppress

import lmstudio
import pytest
from lmstudio import LMStudioClientError, LMStudioWebsocketError
from sdk_tests.foreign_hosts import closed_address, http_host
from sdk_tests.scripted_host import scripted_host
from sdk_tests.sdk_releases import SDK_1_6, known_bug

pytestmark = pytest.mark.usefixtures("no_api_token", "no_default_client")

GREETING = b'{"lmstudio": true}'


def test_default_client_is_made_once() -> None:
    """get_default_client() probes the configured host once and always returns the same client."""
    with http_host(200, GREETING) as (address, paths):
        lmstudio.configure_default_client(address)
        assert paths == []
        client = lmstudio.get_default_client()
        assert lmstudio.get_default_client() is client
    assert client.api_host == address
    assert paths == ["/lmstudio-greeting"]


def test_host_argument_configures() -> None:
    """get_default_client() with a host both configures and creates the default client."""
    with http_host(200, GREETING) as (address, _):
        assert lmstudio.get_default_client(address).api_host == address
        assert lmstudio.get_default_client().api_host == address


def test_later_configuration_is_refused() -> None:
    """The host of an existing default client cannot be changed."""
    what = "API host or token" if SDK_1_6 else "API host"
    message = f"Default client is already created, cannot set its {what}."
    with http_host(200, GREETING) as (address, _):
        client = lmstudio.get_default_client(address)
        for change in (lmstudio.configure_default_client, lmstudio.get_default_client):
            with pytest.raises(LMStudioClientError) as failure:
                change(closed_address())
            assert str(failure.value) == message
        assert lmstudio.get_default_client() is client


def test_missing_host_is_reported() -> None:
    """Creating the default client without its host raises an error that names the address."""
    address = closed_address()
    with pytest.raises(LMStudioClientError) as failure:
        lmstudio.get_default_client(address)
    assert str(failure.value) == f"LM Studio is not reachable at {address}. Is LM Studio running?"


@known_bug(
    "get_default_client() keeps the client before it has found its host: after one failure (LM"
    " Studio was not running yet) the next call returns the unusable client, and the host cannot"
    " be configured any more.",
    raises=(LMStudioClientError, pytest.fail.Exception),
)
def test_missing_host_leaves_no_default_client() -> None:
    """The host must still be configurable after the creation of the default client has failed."""
    with pytest.raises(LMStudioClientError, match="not reachable"):
        lmstudio.get_default_client(closed_address())
    with http_host(200, GREETING) as (address, _):
        assert lmstudio.get_default_client(address).api_host == address


def test_lost_connection_is_reported() -> None:
    """After its connection has died, the default client's next use raises an error of the SDK."""
    with scripted_host() as host:
        client = lmstudio.get_default_client(host.address)
        assert lmstudio.list_loaded_models("llm"), "the host has no model"
        host.hang_up()
        with pytest.raises(LMStudioWebsocketError):  # from the sending or the receiving side
            lmstudio.list_loaded_models("llm")
        client.llm.disconnect()
        assert lmstudio.list_loaded_models("llm"), "the way out of a lost connection"
        assert host.greetings == 1


@known_bug(
    "Once a connection of the default client has died (a laptop slept, the app was restarted), all"
    " further calls of the convenience API fail until the program ends or calls disconnect().",
    raises=LMStudioWebsocketError,
)
def test_default_client_connects_again() -> None:
    """Once the loss of a connection has been reported, the next use must connect again."""
    with scripted_host() as host:
        lmstudio.get_default_client(host.address)
        lmstudio.list_loaded_models("llm")
        host.hang_up()
        with suppress(LMStudioWebsocketError):
            lmstudio.list_loaded_models("llm")
        assert lmstudio.list_loaded_models("llm"), "the host has no model"
        assert len(host.identities) == 2


def test_other_sessions_survive() -> None:
    """A session that opens after another one has lost its connection works."""
    with scripted_host() as host:
        lmstudio.get_default_client(host.address)
        lmstudio.list_loaded_models("llm")
        host.hang_up()
        assert lmstudio.list_loaded_models("embedding"), "the host has no model"
        assert lmstudio.list_downloaded_models(), "the host has no model"
