# DO NOT EDIT. Written by scripts/generate_sync_tests.py from
# packages/sdk-tests/tests/async/test_session_logging_async.py
# Change that, then: hatch run sync:generate
"""The log messages of sessions."""

import logging
from collections.abc import Container
from typing import Any

import pytest
from lmstudio import Client
from sdk_tests.expected_items import Items
from sdk_tests.faulty_clients_sync import short_wait
from sdk_tests.logger_names import WEBSOCKET_LOGGER
from sdk_tests.structured_log import logged_events, other_threads

pytestmark = [pytest.mark.lmstudio]

SESSION_LOGGER = "SyncLMStudioWebsocket"


def llm_events(
    caplog: pytest.LogCaptureFixture, logger: str, without: Container[str | None] = ()
) -> Items[tuple[str, dict[str, Any]]]:
    """Return the events that a logger wrote about the LLM session."""
    return Items(
        (level, fields)
        for level, fields in logged_events(caplog, logger, without)
        if fields["ws_url"].endswith("/llm")
    )


def test_life_of_a_connection(lmstudio_host: str, caplog: pytest.LogCaptureFixture) -> None:
    """A session logs connecting and disconnecting at INFO, and the steps between at DEBUG."""
    caplog.set_level(logging.DEBUG)
    others = other_threads()
    with Client(lmstudio_host) as client:
        client.llm.list_loaded()
    events = llm_events(caplog, WEBSOCKET_LOGGER, others)
    assert [(level, fields["event"]) for level, fields in events[:4]] == [
        ("DEBUG", "Websocket handling task started"),
        ("DEBUG", "Websocket connected"),
        ("DEBUG", "Websocket authenticated"),
        ("INFO", "Websocket session established"),
    ]
    assert {fields["ws_url"] for _, fields in events} == {f"ws://{lmstudio_host}/llm"}
    last_level, last_event = llm_events(caplog, SESSION_LOGGER)[-1]
    assert last_level == "INFO"
    assert last_event["event"].startswith("Websocket session disconnected")


def test_requests_and_answers(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    """A call is logged at DEBUG as it is sent, and its answer under the same call id."""
    client.llm.list_loaded()
    caplog.set_level(logging.DEBUG)
    client.llm.list_loaded()
    (sent,) = llm_events(caplog, SESSION_LOGGER)
    call_id = sent[1]["json"]["callId"]
    assert sent[0] == "DEBUG"
    assert sent[1]["event"] == "Sending RPC request"
    assert sent[1]["json"] == {"type": "rpcCall", "endpoint": "listLoaded", "callId": call_id}
    (received,) = llm_events(caplog, "RemoteCallHandler")
    assert received[0] == "DEBUG"
    assert received[1]["event"] == "Received RPC result"
    assert received[1]["call_id"] == call_id
    assert received[1]["json"]["callId"] == call_id


def test_long_answers_are_not_logged(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    """The log does not show the contents of a long answer."""
    caplog.set_level(logging.DEBUG)
    client.system.list_downloaded_models()
    (received,) = [
        fields
        for _, fields in logged_events(caplog, "RemoteCallHandler")
        if fields["ws_url"].endswith("/system")
    ]
    assert received["json"]["result"] == ["..."]


def test_no_warnings_without_problems(lmstudio_host: str, caplog: pytest.LogCaptureFixture) -> None:
    """A session without problems writes nothing at WARNING or above."""
    caplog.set_level(logging.WARNING)
    with Client(lmstudio_host) as client:
        client.llm.list_loaded()
        client.system.list_downloaded_models()
    assert caplog.records == []


def test_secrets_are_not_logged(lmstudio_host: str, caplog: pytest.LogCaptureFixture) -> None:
    """The log of a connection has neither the client's identifier nor its passkey."""
    caplog.set_level(logging.DEBUG)
    with Client(lmstudio_host) as client:
        client.llm.list_loaded()
        details = client._auth_details
    assert details["clientPasskey"] not in caplog.text
    assert details["clientIdentifier"] not in caplog.text


def test_communication_warning(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    """The host's warning, its only answer to an unknown call, is logged with the host's text."""
    caplog.set_level(logging.ERROR)
    with pytest.raises(TimeoutError), short_wait():
        client.llm.remote_call("noSuchCall")
    client.llm.list_loaded()  # the host answers in order: it has sent the warning by now
    ((level, fields),) = llm_events(caplog, WEBSOCKET_LOGGER)
    assert (level, fields["event"]) == ("ERROR", "SDK communication warning")
    assert "noSuchCall" in fields["warning"]
