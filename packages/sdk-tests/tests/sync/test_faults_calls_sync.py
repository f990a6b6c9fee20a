# DO NOT EDIT. Written by scripts/generate_sync_tests.py from
# packages/sdk-tests/tests/async/test_faults_calls_async.py
# Change that, then: hatch run sync:generate
"""Remote calls to a host that misbehaves."""

import logging

import pytest
from lmstudio import Client, LMStudioClientError, LMStudioError, LMStudioWebsocketError
from sdk_tests.faulty_clients_sync import all_happened, faulty_client, short_wait
from sdk_tests.logger_names import WEBSOCKET_LOGGER
from sdk_tests.scenarios import (
    ScenarioServer,
    close,
    delay,
    drop,
    insert,
    replace,
    rule,
    stall,
)
from sdk_tests.sdk_releases import known_bug
from sdk_tests.structured_log import logged_events

pytestmark = [pytest.mark.embedded]

ANSWER = {"namespace": "llm", "endpoint": "listLoaded"}
LOST = r"^Client unexpectedly disconnected\.$"


def is_usable(client: Client) -> bool:
    """Return whether the host answers the next call on the session that saw a fault."""
    return isinstance(client.llm.list_loaded(), list)


def test_delayed_answer(scenario_host: ScenarioServer) -> None:
    """A call accepts a late answer, and the session stays usable."""
    with faulty_client(scenario_host, rule(delay(0.1), **ANSWER)) as client:
        assert is_usable(client)
        assert is_usable(client)


def test_dropped_answer(scenario_host: ScenarioServer) -> None:
    """The caller's timeout ends a call without an answer, and the next call is answered."""
    with faulty_client(scenario_host, rule(drop(), **ANSWER)) as client:
        with pytest.raises(TimeoutError), short_wait():
            client.llm.list_loaded()
        assert is_usable(client)


def test_stalled_connection(scenario_host: ScenarioServer) -> None:
    """Every call on a silent connection times out, and the other sessions stay usable."""
    with faulty_client(scenario_host, rule(stall(), **ANSWER)) as client:
        for _ in range(2):
            with pytest.raises(TimeoutError), short_wait():
                client.llm.list_loaded()
        all_happened(scenario_host, client)
        assert isinstance(client.embedding.list_loaded(), list)


@pytest.mark.parametrize(
    "fault",
    [
        close(),
        replace("{ this is no JSON"),
        replace("[]"),
        replace({"type": "weather", "value": "fair"}),
        replace({"type": "keepAliveAck"}),
        insert({"type": "channelSend", "channelId": "one", "message": {}}),
    ],
    ids=["closed", "no-json", "no-object", "unknown-type", "keep-alive", "text-id"],
)
def test_broken_connection(scenario_host: ScenarioServer, fault: dict[str, object]) -> None:
    """A closed connection or a nonsensical frame ends the session, and the others stay usable."""
    with faulty_client(scenario_host, rule(fault, **ANSWER)) as client:
        for _ in range(2):
            with pytest.raises(LMStudioWebsocketError, match=LOST):
                client.llm.list_loaded()
        assert isinstance(client.embedding.list_loaded(), list)


def test_broken_session_can_be_opened_again(scenario_host: ScenarioServer) -> None:
    """A session that a nonsensical frame has ended works again after a reconnection."""
    with faulty_client(scenario_host, rule(replace("{"), **ANSWER)) as client:
        with pytest.raises(LMStudioWebsocketError, match=LOST):
            client.llm.list_loaded()
        client.llm.disconnect()
        client.llm.connect()
        assert is_usable(client)


@pytest.mark.parametrize(
    "message",
    [
        {"type": "rpcProgress", "callId": "$id"},
        {"type": "rpcError", "callId": "$id"},
        {"type": "rpcError", "callId": "$id", "error": "a text"},
    ],
    ids=["unknown-type", "no-error", "text-as-error"],
)
def test_strange_answer(scenario_host: ScenarioServer, message: dict[str, object]) -> None:
    """A message that is neither result nor error ends the call, and the session stays usable."""
    with faulty_client(scenario_host, rule(insert(message), **ANSWER)) as client:
        with pytest.raises(LMStudioClientError, match=r"^RPC unexpected message: \{"):
            client.llm.list_loaded()
        assert is_usable(client)


@pytest.mark.parametrize("number", [999, "one"])
def test_answer_to_an_unknown_call(
    scenario_host: ScenarioServer, caplog: pytest.LogCaptureFixture, number: object
) -> None:
    """An answer to a call that was not made is logged, and the waiting call gets its own."""
    message = {"type": "rpcResult", "callId": number, "result": []}
    with faulty_client(scenario_host, rule(insert(message), **ANSWER)) as client:
        with caplog.at_level(logging.WARNING):
            assert is_usable(client)
    ((level, fields),) = logged_events(caplog, WEBSOCKET_LOGGER)
    assert level == "WARNING"
    assert fields["event"] == "Received response to unknown call"
    assert fields["call_id"] == number


def test_warning_of_the_host(
    scenario_host: ScenarioServer, caplog: pytest.LogCaptureFixture
) -> None:
    """A communication warning is logged as an error and answers no call."""
    warning = {"type": "communicationWarning", "warning": "That was odd"}
    with faulty_client(scenario_host, rule(insert(warning), **ANSWER)) as client:
        with caplog.at_level(logging.WARNING):
            assert is_usable(client)
    ((level, fields),) = logged_events(caplog, WEBSOCKET_LOGGER)
    assert level == "ERROR"
    assert fields["event"] == "SDK communication warning"
    assert fields["warning"] == "That was odd"


def test_warning_in_place_of_an_answer(scenario_host: ScenarioServer) -> None:
    """A call that the host answers only with a warning times out, and the next call is answered."""
    warning = {"type": "communicationWarning", "warning": "No such endpoint"}
    with faulty_client(scenario_host, rule(replace(warning), **ANSWER)) as client:
        with pytest.raises(TimeoutError), short_wait():
            client.llm.list_loaded()
        assert is_usable(client)


def test_void_result(scenario_host: ScenarioServer) -> None:
    """A call without a result ends with an answer that has no result."""
    when = {"namespace": "llm", "endpoint": "unloadModel"}
    answer = {"type": "rpcResult", "callId": "$id"}
    with faulty_client(scenario_host, rule(insert(answer), **when)) as client:
        client.llm.unload("whatever")
        assert is_usable(client)


@known_bug(
    "The answers to calls that return a list are used without a check of their type: an answer"
    " without a result, or with a number, ends in a TypeError from inside the SDK, which a"
    " caller that handles the SDK's errors does not expect.",
    raises=TypeError,
)
@pytest.mark.parametrize("result", [None, 5], ids=["null", "number"])
def test_result_of_another_type(scenario_host: ScenarioServer, result: object) -> None:
    """An answer that is not a list must raise one of the SDK's own errors."""
    answer = {"type": "rpcResult", "callId": "$id", "result": result}
    with faulty_client(scenario_host, rule(insert(answer), **ANSWER)) as client:
        with pytest.raises(LMStudioError):
            client.llm.list_loaded()
