"""The end of the act() loop: last rounds, invalid requests and failing hosts."""

import pytest
from lmstudio import (
    AsyncClient,
    AsyncLLM,
    LMStudioPredictionError,
    LMStudioServerError,
    LMStudioValueError,
    LMStudioWebsocketError,
    ToolCallRequest,
)
from sdk_tests.faulty_clients_async import faulty_client
from sdk_tests.forced_tool_calls import SAY_OK, at_end_of_round, calling
from sdk_tests.logged_requests import logged_requests
from sdk_tests.sample_tools import add, broken
from sdk_tests.scenarios import ScenarioServer, close, fail, insert_packets

pytestmark = [pytest.mark.anyio, pytest.mark.embedded]


def handle(client: AsyncClient, model: str) -> AsyncLLM:
    """Return a handle for the loaded model."""
    return AsyncLLM(model, client.llm)


async def test_last_round_offers_no_tools(
    scenario_host: ScenarioServer, scenario_model: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The last round within a limit offers no tools, so that the model has to answer."""
    async with faulty_client(scenario_host, calling(("add", {"a": 1, "b": 2}))) as client:
        with logged_requests(caplog) as sent:
            result = await handle(client, scenario_model).act(
                "Add", [add], config=SAY_OK, max_prediction_rounds=2
            )
    assert result.rounds == 2
    assert [sent.tools(0), sent.tools(1)] == [["add"], []]


async def test_call_in_the_last_round(scenario_host: ScenarioServer, scenario_model: str) -> None:
    """A call in a round that offers no tools is an error that a handler cannot prevent."""
    asked: list[tuple[str, ToolCallRequest | None]] = []

    def handler(error: LMStudioPredictionError, request: ToolCallRequest | None) -> str:
        asked.append((str(error), request))
        return "not now"

    async with faulty_client(scenario_host, calling(("add", {"a": 1, "b": 2}))) as client:
        with pytest.raises(LMStudioPredictionError, match=r"^not now$"):
            await handle(client, scenario_model).act(
                "Add",
                [add],
                config=SAY_OK,
                max_prediction_rounds=1,
                handle_invalid_tool_request=handler,
            )
        assert await client.llm.list_loaded(), "the session lists no model after the error"
    assert asked, "the handler was not called"
    assert asked[0][0] == "Cannot find tool with name add."
    assert asked[-1] == ("Model requested tool use on final prediction round.", None)


@pytest.mark.parametrize("answer", [None, "Use add"], ids=["default", "override"])
async def test_handler_of_invalid_requests(
    scenario_host: ScenarioServer,
    scenario_model: str,
    caplog: pytest.LogCaptureFixture,
    answer: str | None,
) -> None:
    """A handler gets the error and the request, and may replace the text for the model."""
    asked: list[tuple[str, str]] = []

    def handler(error: LMStudioPredictionError, request: ToolCallRequest | None) -> str | None:
        assert request is not None
        asked.append((str(error), request.name))
        return answer

    async with faulty_client(scenario_host, calling(("subtract", {}))) as client:
        with logged_requests(caplog) as sent:
            await handle(client, scenario_model).act(
                "Go", [add], config=SAY_OK, handle_invalid_tool_request=handler
            )
    default = "Cannot find tool with name subtract."
    assert asked == [(default, "subtract")]
    assert sent.result_ids(1) == {"id-0": answer or default}


async def test_handler_sees_the_exception_of_a_tool(
    scenario_host: ScenarioServer, scenario_model: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The error that a handler gets for a failing tool has the tool's exception as its cause."""
    causes: list[BaseException | None] = []

    def handler(error: LMStudioPredictionError, _request: ToolCallRequest | None) -> str:
        causes.append(error.__cause__)
        return "try again"

    async with faulty_client(scenario_host, calling(("broken", {}))) as client:
        with logged_requests(caplog) as sent:
            await handle(client, scenario_model).act(
                "Go", [broken], config=SAY_OK, handle_invalid_tool_request=handler
            )
    assert [repr(cause) for cause in causes] == ["LookupError('lost')"]
    assert sent.result_ids(1) == {"id-0": '"try again"'}


@pytest.mark.parametrize("name", ["subtract", "broken"])
async def test_handler_that_raises(
    scenario_host: ScenarioServer, scenario_model: str, name: str
) -> None:
    """An exception in the handler ends the loop, and the session stays usable."""

    def handler(error: LMStudioPredictionError, _request: ToolCallRequest | None) -> str | None:
        raise error

    async with faulty_client(scenario_host, calling((name, {}))) as client:
        llm = handle(client, scenario_model)
        with pytest.raises(LMStudioPredictionError):
            await llm.act("Go", [broken], config=SAY_OK, handle_invalid_tool_request=handler)
        assert (await llm.complete("Go", config=SAY_OK)).content == "ok"


async def test_call_that_could_not_be_generated(
    scenario_host: ScenarioServer, scenario_model: str
) -> None:
    """A tool call that the host could not parse ends the loop, and the session stays usable."""
    asked: list[ToolCallRequest | None] = []

    def handler(_error: LMStudioPredictionError, request: ToolCallRequest | None) -> None:
        asked.append(request)

    packet = {"type": "toolCallGenerationFailed", "error": {"title": "No JSON"}, "rawContent": "{"}
    async with faulty_client(scenario_host, at_end_of_round(insert_packets(packet))) as client:
        llm = handle(client, scenario_model)
        with pytest.raises(LMStudioPredictionError, match=r"^Failed to parse tool call request\.$"):
            await llm.act("Go", [add], config=SAY_OK, handle_invalid_tool_request=handler)
        assert (await llm.complete("Go", config=SAY_OK)).content == "ok"
    assert asked == [None]


async def test_error_in_a_later_round(scenario_host: ScenarioServer, scenario_model: str) -> None:
    """An error from the host in the second round ends the loop after a complete first round."""
    ended: list[int] = []
    rules = [calling(("add", {"a": 1, "b": 2})), at_end_of_round(fail({"title": "Worn out"}))]
    async with faulty_client(scenario_host, *rules) as client:
        llm = handle(client, scenario_model)
        with pytest.raises(LMStudioServerError, match=r"^Chat response error: Worn out$"):
            await llm.act("Add", [add], config=SAY_OK, on_round_end=ended.append)
        assert (await llm.complete("Go", config=SAY_OK)).content == "ok"
    assert ended == [0]


async def test_connection_lost_in_a_later_round(
    scenario_host: ScenarioServer, scenario_model: str
) -> None:
    """A connection that closes in the second round ends the loop."""
    rules = [calling(("add", {"a": 1, "b": 2})), at_end_of_round(close())]
    async with faulty_client(scenario_host, *rules) as client:
        with pytest.raises(LMStudioWebsocketError, match="disconnected"):
            await handle(client, scenario_model).act("Add", [add], config=SAY_OK)


async def test_unusable_arguments(scenario_host: ScenarioServer) -> None:
    """An empty tool list, duplicate tool names and a limit below one round are refused."""
    async with faulty_client(scenario_host) as client:
        llm = handle(client, "no-such-model")
        with pytest.raises(LMStudioValueError, match="at least one tool"):
            await llm.act("Go", [])
        with pytest.raises(LMStudioValueError, match=r"Duplicate tool names .*'add' repeated"):
            await llm.act("Go", [add, add])
        with pytest.raises(LMStudioValueError, match=r"at least 1 \(0 given\)"):
            await llm.act("Go", [add], max_prediction_rounds=0)
