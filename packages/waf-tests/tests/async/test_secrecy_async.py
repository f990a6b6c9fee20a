"""Async clients do not show their keys, not even in debug logs."""

from __future__ import annotations

import logging
from collections.abc import Callable

import lmstudio
import pytest
from waf_tests.client import AsyncClient
from waf_tests.edge import Edge
from waf_tests.secret import Secret
from waf_tests.testing.blocked_errors import BLOCKED
from waf_tests.testing.recording_origin import RecordingOrigin
from waf_tests.testing.secret_scan import halves, leaks

pytestmark = pytest.mark.anyio

TOKEN = Secret("sk-lm-abcdEFGH:abcdefghij0123456789")
OTHER_TOKEN = Secret("sk-lm-abcdEFGH:9876543210jihgfedcba")
KEY = Secret("key-to-be-kept-out-of-sight")
SECRETS = (KEY, *halves(TOKEN), *halves(OTHER_TOKEN))


@pytest.fixture
def logged(caplog: pytest.LogCaptureFixture) -> Callable[[], bytes]:
    """Provide a function that returns what any library has logged, with the records' fields."""
    caplog.set_level(logging.DEBUG)
    return lambda: "\n".join(
        f"{caplog.text}{[vars(record) for record in caplog.records]}".splitlines()
    ).encode()


async def test_log_of_success_async(logged: Callable[[], bytes]) -> None:
    """The debug log of a client that gets in names its requests but no key and no token."""
    with RecordingOrigin(token=TOKEN) as origin:
        async with AsyncClient(origin.address, TOKEN.reveal(), x_api_key=KEY.reveal()) as client:
            await client.list_downloaded_models()
    assert b"lmstudio-greeting" in logged()
    assert leaks(logged(), SECRETS) == []


async def test_log_of_block_async(edge: Edge, logged: Callable[[], bytes]) -> None:
    """The debug log of a blocked client, and its error, show no key and no token."""
    with pytest.raises(BLOCKED) as caught:
        async with AsyncClient(edge.api_host, TOKEN.reveal(), x_api_key=KEY.reveal()):
            pass
    assert b"403" in logged()
    assert leaks(logged(), SECRETS) == []
    assert leaks(f"{caught.value}{caught.value!r}".encode(), SECRETS) == []


async def test_log_of_refusal_async(logged: Callable[[], bytes]) -> None:
    """The debug log of a client with a wrong token, and its error, show neither token nor key."""
    with (
        RecordingOrigin(token=TOKEN) as origin,
        pytest.raises(lmstudio.LMStudioServerError) as caught,
    ):
        async with AsyncClient(origin.address, OTHER_TOKEN.reveal(), x_api_key=KEY.reveal()) as it:
            await it.list_downloaded_models()
    assert leaks(logged(), SECRETS) == []
    assert leaks(f"{caught.value}{caught.value!r}".encode(), SECRETS) == []


async def test_log_of_lost_connection_async(logged: Callable[[], bytes]) -> None:
    """If a connection breaks before the token is sent, neither log nor error shows token or key."""
    with (
        RecordingOrigin(drop_after_upgrade=True) as origin,
        pytest.raises(lmstudio.LMStudioError) as caught,
    ):
        async with AsyncClient(origin.address, TOKEN.reveal(), x_api_key=KEY.reveal()) as client:
            await client.list_downloaded_models()
    assert leaks(logged(), SECRETS) == []
    assert leaks(f"{caught.value}{caught.value!r}".encode(), SECRETS) == []


async def test_unsent_message_async() -> None:
    """The SDK's error for a message that it cannot send repeats the message without the token."""
    client = AsyncClient("localhost:1", TOKEN.reveal(), x_api_key=KEY.reveal())
    websocket = lmstudio.json_api.LMStudioWebsocket[None]
    error = websocket._get_tx_error(client._auth_details, OSError("broken pipe"))
    assert "Failed to send websocket message" in str(error)
    assert leaks(str(error).encode(), SECRETS) == []
    assert client._auth_details["clientPasskey"] == TOKEN.reveal().rpartition(":")[2]
    # sync: use client.close()
    await client.aclose()


async def test_representations_async() -> None:
    """Neither the client's repr nor that of anything it holds shows a key or a token."""
    headers = {"CF-Access-Client-Secret": KEY.reveal()}
    client = AsyncClient("https://localhost", TOKEN.reveal(), headers, KEY.reveal())
    assert leaks(f"{client!r}{client}{vars(client)}".encode(), SECRETS) == []
    # sync: use client.close()
    await client.aclose()
