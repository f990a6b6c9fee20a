"""Remote calls to a host that misbehaves."""

import logging

import pytest
from lmstudio import AsyncClient, LMStudioClientError, LMStudioError, LMStudioWebsocketError
from sdk_tests.faulty_clients_async import all_happened, faulty_client, short_wait
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

pytestmark = [pytest.mark.anyio, pytest.mark.embedded]

ANSWER = {"namespace": "llm", "endpoint": "listLoaded"}
LOST = r"^Client unexpectedly disconnected\.$"


async def is_usable(client: AsyncClient) -> bool:
    """Return whether the host answers the next call on the session that saw a fault."""
    return isinstance(await client.llm.list_loaded(), list)


async def test_delayed_answer(scenario_host: ScenarioServer) -> None:
    """A call accepts a late answer, and the session stays usable."""
    async with faulty_client(scenario_host, rule(delay(0.1), **ANSWER)) as client:
        assert await is_usable(client)
        assert await is_usable(client)


async def test_dropped_answer(scenario_host: ScenarioServer) -> None:
    """The caller's timeout ends a call without an answer, and the next call is answered."""
    async with faulty_client(scenario_host, rule(drop(), **ANSWER)) as client:
        with pytest.raises(TimeoutError), short_wait():
            await client.llm.list_loaded()
        assert await is_usable(client)


async def test_stalled_connection(scenario_host: ScenarioServer) -> None:
    """Every call on a silent connection times out, and the other sessions stay usable."""
    async with faulty_client(scenario_host, rule(stall(), **ANSWER)) as client:
        for _ in range(2):
            with pytest.raises(TimeoutError), short_wait():
                await client.llm.list_loaded()
        await all_happened(scenario_host, client)
        assert isinstance(await client.embedding.list_loaded(), list)


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
async def test_broken_connection(scenario_host: ScenarioServer, fault: dict[str, object]) -> None:
    """A closed connection or a nonsensical frame ends the session, and the others stay usable."""
    async with faulty_client(scenario_host, rule(fault, **ANSWER)) as client:
        for _ in range(2):
            with pytest.raises(LMStudioWebsocketError, match=LOST):
                await client.llm.list_loaded()
        assert isinstance(await client.embedding.list_loaded(), list)


async def test_broken_session_can_be_opened_again(scenario_host: ScenarioServer) -> None:
    """A session that a nonsensical frame has ended works again after a reconnection."""
    async with faulty_client(scenario_host, rule(replace("{"), **ANSWER)) as client:
        with pytest.raises(LMStudioWebsocketError, match=LOST):
            await client.llm.list_loaded()
        await client.llm.disconnect()
        await client.llm.connect()
        assert await is_usable(client)


@pytest.mark.parametrize(
    "message",
    [
        {"type": "rpcProgress", "callId": "$id"},
        {"type": "rpcError", "callId": "$id"},
        {"type": "rpcError", "callId": "$id", "error": "a text"},
    ],
    ids=["unknown-type", "no-error", "text-as-error"],
)
async def test_strange_answer(scenario_host: ScenarioServer, message: dict[str, object]) -> None:
    """A message that is neither result nor error ends the call, and the session stays usable."""
    async with faulty_client(scenario_host, rule(insert(message), **ANSWER)) as client:
        with pytest.raises(LMStudioClientError, match=r"^RPC unexpected message: \{"):
            await client.llm.list_loaded()
        assert await is_usable(client)


@pytest.mark.parametrize("number", [999, "one"])
async def test_answer_to_an_unknown_call(
    scenario_host: ScenarioServer, caplog: pytest.LogCaptureFixture, number: object
) -> None:
    """An answer to a call that was not made is logged, and the waiting call gets its own."""
    message = {"type": "rpcResult", "callId": number, "result": []}
    async with faulty_client(scenario_host, rule(insert(message), **ANSWER)) as client:
        with caplog.at_level(logging.WARNING):
            assert await is_usable(client)
    ((level, fields),) = logged_events(caplog, WEBSOCKET_LOGGER)
    assert level == "WARNING"
    assert fields["event"] == "Received response to unknown call"
    assert fields["call_id"] == number


async def test_warning_of_the_host(
    scenario_host: ScenarioServer, caplog: pytest.LogCaptureFixture
) -> None:
    """A communication warning is logged as an error and answers no call."""
    warning = {"type": "communicationWarning", "warning": "That was odd"}
    async with faulty_client(scenario_host, rule(insert(warning), **ANSWER)) as client:
        with caplog.at_level(logging.WARNING):
            assert await is_usable(client)
    ((level, fields),) = logged_events(caplog, WEBSOCKET_LOGGER)
    assert level == "ERROR"
    assert fields["event"] == "SDK communication warning"
    assert fields["warning"] == "That was odd"


async def test_warning_in_place_of_an_answer(scenario_host: ScenarioServer) -> None:
    """A call that the host answers only with a warning times out, and the next call is answered."""
    warning = {"type": "communicationWarning", "warning": "No such endpoint"}
    async with faulty_client(scenario_host, rule(replace(warning), **ANSWER)) as client:
        with pytest.raises(TimeoutError), short_wait():
            await client.llm.list_loaded()
        assert await is_usable(client)


async def test_void_result(scenario_host: ScenarioServer) -> None:
    """A call without a result ends with an answer that has no result."""
    when = {"namespace": "llm", "endpoint": "unloadModel"}
    answer = {"type": "rpcResult", "callId": "$id"}
    async with faulty_client(scenario_host, rule(insert(answer), **when)) as client:
        await client.llm.unload("whatever")
        assert await is_usable(client)


@known_bug(
    "The answers to calls that return a list are used without a check of their type: an answer"
    " without a result, or with a number, ends in a TypeError from inside the SDK, which a"
    " caller that handles the SDK's errors does not expect.",
    raises=TypeError,
)
@pytest.mark.parametrize("result", [None, 5], ids=["null", "number"])
async def test_result_of_another_type(scenario_host: ScenarioServer, result: object) -> None:
    """An answer that is not a list must raise one of the SDK's own errors."""
    answer = {"type": "rpcResult", "callId": "$id", "result": result}
    async with faulty_client(scenario_host, rule(insert(answer), **ANSWER)) as client:
        with pytest.raises(LMStudioError):
            await client.llm.list_loaded()
