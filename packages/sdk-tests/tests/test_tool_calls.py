"""Tool calls that a model requests, run without a model."""

import enum
import json
from collections.abc import Callable
from typing import Any

import pytest
from lmstudio import (
    Chat,
    LMStudioClientError,
    LMStudioPredictionError,
    LMStudioValueError,
    ToolCallRequest,
)
from lmstudio.json_api import ChatResponseEndpoint, PredictionToolCallEvent
from sdk_tests.host_packets import predicted, tool_call
from sdk_tests.sdk_releases import known_bug, since
from sdk_tests.structured_log import logged_events

InvalidRequestHandler = Callable[[LMStudioPredictionError, ToolCallRequest | None], str | None]


class Colour(enum.Enum):
    """An enumeration used as a parameter type."""

    RED = "red"


def add(first_term: int, second_term: int = 10) -> int:
    """Add two numbers."""
    return first_term + second_term


def now() -> str:
    """Tell the time."""
    return "noon"


def describe(colour: Colour) -> str:
    """Tell the type of the argument."""
    return type(colour).__name__


def accents() -> dict[str, str]:
    """Return text outside of ASCII."""
    return {"word": "déjà vu"}


async def later(text: str) -> str:
    """Return the text."""
    return text


def endpoint_for(
    *tools: Any, on_invalid: InvalidRequestHandler | None = None, allow_async: bool = False
) -> ChatResponseEndpoint:
    """Return a prediction endpoint that offers the tools."""
    options = {"allow_async": True} if allow_async else {}  # releases before 1.5.0 have none
    llm_tools, client_tools = ChatResponseEndpoint.parse_tools(tools, **options)
    return ChatResponseEndpoint(
        "model",
        Chat("Hi"),
        llm_tools=llm_tools,
        client_tool_map=client_tools,
        handle_invalid_tool_request=on_invalid,
    )


def call(name: str, arguments: dict[str, Any] | None = None) -> ToolCallRequest:
    """Return a model's request for a tool call."""
    return ToolCallRequest(type="function", id="call-1", name=name, arguments=arguments)


def test_requested_call_becomes_an_event() -> None:
    """The packet with a complete request yields one event with the unchanged request."""
    packet = tool_call("add", {"first_term": 1}, "id-7")
    (event,) = endpoint_for(add).iter_message_events(packet)
    assert event == PredictionToolCallEvent(
        ToolCallRequest(type="function", id="id-7", name="add", arguments={"first_term": 1})
    )


def test_call_runs_only_when_invoked() -> None:
    """A prepared call runs its tool only when invoked, and the result has the request's id."""
    calls: list[str] = []

    def note(text: str) -> int:
        """Note a text."""
        calls.append(text)
        return len(calls)

    run = endpoint_for(note).request_tool_call(call("note", {"text": "a"}))
    assert calls == []
    result = run()
    assert calls == ["a"]
    assert result.to_dict() == {"type": "toolCallResult", "content": "1", "toolCallId": "call-1"}


@since("1.5.0")
def test_missing_argument_takes_its_default() -> None:
    """An argument that the model leaves out has the tool's default."""
    run = endpoint_for(add).request_tool_call(call("add", {"first_term": 1}))
    assert run().content == "11"


def test_result_is_json_without_escapes() -> None:
    """A tool's result is JSON in which non-ASCII characters are not escaped."""
    run = endpoint_for(accents).request_tool_call(call("accents", {}))
    assert run().content == '{"word": "déjà vu"}'


def test_unknown_tool_is_reported_to_the_model() -> None:
    """A request for a tool that was not offered is answered with an error text."""
    result = endpoint_for(add).request_tool_call(call("subtract", {}))()
    assert result.content == "Cannot find tool with name subtract."
    assert result.tool_call_id == "call-1"


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({"first_term": "one"}, "Expected `int`, got `str` - at `$.first_term`"),
        ({}, "Object missing required field `first_term`"),
    ],
    ids=["type", "missing"],
)
def test_bad_arguments_are_reported_to_the_model(arguments: Any, problem: str) -> None:
    """A request with wrong arguments is answered with a text that names the problem."""
    result = endpoint_for(add).request_tool_call(call("add", arguments))()
    assert result.content == f"Failed to parse arguments for tool add: {problem}"


@known_bug(
    "`arguments` is optional in a tool call request, but a request without it fails to parse,"
    " even for a tool that takes no parameters."
)
def test_missing_arguments_mean_no_arguments() -> None:
    """A request without arguments for a tool without parameters must run the tool."""
    assert endpoint_for(now).request_tool_call(call("now"))().content == '"noon"'


@known_bug(
    "Arguments are checked against the tool's annotations and then converted back to plain JSON"
    " values: a parameter annotated as an enum, date, dataclass or BaseModel gets a string or"
    " dict."
)
def test_arguments_have_the_annotated_type() -> None:
    """A tool must be called with arguments of the types that it declares."""
    run = endpoint_for(describe).request_tool_call(call("describe", {"colour": "red"}))
    assert run().content == '"Colour"'


def test_handler_sees_the_bad_request_and_may_reword_the_answer() -> None:
    """handle_invalid_tool_request gets the error and the request, and may reword the answer."""
    seen: list[tuple[str, ToolCallRequest | None]] = []

    def reword(error: LMStudioPredictionError, request: ToolCallRequest | None) -> str:
        seen.append((str(error), request))
        return "Use add."

    request = call("subtract", {})
    result = endpoint_for(add, on_invalid=reword).request_tool_call(request)()
    assert result.content == "Use add."
    assert seen == [("Cannot find tool with name subtract.", request)]


def test_handler_that_returns_none_keeps_the_answer() -> None:
    """A handler that returns None leaves the error text unchanged."""
    endpoint = endpoint_for(add, on_invalid=lambda _error, _request: None)
    result = endpoint.request_tool_call(call("subtract", {}))()
    assert result.content == "Cannot find tool with name subtract."


def test_handler_may_raise() -> None:
    """A handler that raises the error ends the prediction with that error."""

    def refuse(error: LMStudioPredictionError, _request: ToolCallRequest | None) -> str | None:
        raise error

    endpoint = endpoint_for(add, on_invalid=refuse)
    with pytest.raises(LMStudioPredictionError, match=r"^Cannot find tool with name subtract\.$"):
        endpoint.request_tool_call(call("subtract", {}))


def test_failed_tool_is_reported_to_the_model() -> None:
    """A tool's exception becomes a text with its repr, and the handler gets it as the cause."""
    causes: list[BaseException | None] = []

    def look(error: LMStudioPredictionError, _request: ToolCallRequest | None) -> str | None:
        causes.append(error.__cause__)
        return None

    problem = ZeroDivisionError("by zero")
    result = endpoint_for(add, on_invalid=look)._handle_failed_tool_request(problem, call("add"))
    assert json.loads(result.content) == (
        "Unhandled Python exception: ZeroDivisionError('by zero')"
    )
    assert result.tool_call_id == "call-1"
    assert causes == [problem]


@since("1.5.0")
def test_async_tool_cannot_be_called_synchronously() -> None:
    """The synchronous API refuses to call a coroutine function."""
    endpoint = endpoint_for(later, allow_async=True)
    with pytest.raises(
        LMStudioValueError,
        match=r"^Asynchronous tool 'later' is not supported in synchronous API$",
    ):
        endpoint.request_tool_call(call("later", {"text": "a"}))


def test_generation_start_is_no_event() -> None:
    """A packet about the start of a request yields no event."""
    assert list(endpoint_for(add).iter_message_events({"type": "toolCallGenerationStart"})) == []


@known_bug(
    "Packets about the progress of a tool call request, which LM Studio sends, are unknown and end"
    " the prediction with an error.",
    raises=LMStudioClientError,
    fixed_in="1.3.2",
)
@pytest.mark.parametrize(
    "kind", ["toolCallGenerationNameReceived", "toolCallGenerationArgumentFragmentGenerated"]
)
def test_generation_progress_is_no_event(kind: str) -> None:
    """Packets about an incomplete request yield no event."""
    assert list(endpoint_for(add).iter_message_events({"type": kind})) == []


def test_failed_generation_ends_the_prediction(caplog: pytest.LogCaptureFixture) -> None:
    """A failed generation of a request is logged and raised, which a handler cannot prevent."""
    endpoint = endpoint_for(add, on_invalid=lambda _error, _request: "Never mind.")
    with pytest.raises(LMStudioPredictionError, match=r"^Never mind\.$"):
        endpoint.handle_message_events({"type": "toolCallGenerationFailed"})
    assert logged_events(caplog, "ChatResponseEndpoint") == [
        ("WARNING", {"endpoint": "predict", "event": "Tool call processing generation failed."})
    ]


def test_prediction_goes_on_after_a_request() -> None:
    """A tool call request does not end the prediction, and the final packet does."""
    endpoint = endpoint_for(add)
    endpoint.handle_message_events(tool_call("add", {"first_term": 1}))
    assert not endpoint.is_finished
    endpoint.handle_message_events(predicted())
    assert endpoint.is_finished
