"""Tool call requests and tool results in a chat."""

from typing import Any

import pytest
from lmstudio import (
    Chat,
    LMStudioValueError,
    ToolCallRequest,
    ToolCallResultData,
)
from lmstudio._sdk_models import ToolCallRequestData
from sdk_tests.expected_items import Items
from sdk_tests.sdk_releases import known_bug, since

REQUEST_WIRE = {
    "type": "toolCallRequest",
    "toolCallRequest": {"type": "function", "id": "1", "name": "add", "arguments": {"a": 2}},
}
RESULT_WIRE = {"type": "toolCallResult", "content": "4", "toolCallId": "1"}


def sent(chat: Chat) -> Items[Any]:
    """Return the messages as a prediction request has them (there is no public accessor)."""
    return Items(chat._get_history_for_prediction()["messages"])


def request() -> ToolCallRequest:
    """Return a tool call request whose wire form is REQUEST_WIRE."""
    return ToolCallRequest(type="function", id="1", name="add", arguments={"a": 2})


@pytest.mark.parametrize(
    "tool_request",
    [
        pytest.param(request(), id="request"),
        pytest.param(ToolCallRequestData(tool_call_request=request()), id="part"),
        pytest.param(REQUEST_WIRE, id="part-dict"),
    ],
)
def test_tool_request_forms(tool_request: Any) -> None:
    """Each accepted form of a tool call request becomes a separate part after the text."""
    chat = Chat()
    chat.add_assistant_response("Let me see.", [tool_request])
    assert sent(chat) == [
        {"role": "assistant", "content": [{"type": "text", "text": "Let me see."}, REQUEST_WIRE]}
    ]


@known_bug(
    "add_assistant_response declares ToolCallRequestDict among its inputs, but a dict of that"
    ' form is refused: the pattern expects a key "toolCallRequest" whose value is a list.',
    raises=LMStudioValueError,
)
def test_plain_tool_request_dict_is_accepted() -> None:
    """A ToolCallRequestDict, one of the declared input types, must be accepted."""
    chat = Chat()
    chat.add_assistant_response("", [request().to_dict()])
    assert sent(chat)[0]["content"][1] == REQUEST_WIRE


def test_unparseable_tool_request_is_refused() -> None:
    """A request of an unknown form is refused with an error that names it, and adds nothing."""
    chat = Chat()
    tool_request: Any = {"call": "add"}
    with pytest.raises(LMStudioValueError) as failure:
        chat.add_assistant_response("Let me see.", [tool_request])
    assert str(failure.value) == "Unable to parse tool call request content: {'call': 'add'}"
    assert sent(chat) == []


def test_assistant_entry_splits_text_and_requests() -> None:
    """add_entry() takes the first assistant part as text and the others as tool call requests."""
    chat = Chat()
    content: Any = ["Let me see.", REQUEST_WIRE, request()]
    chat.add_entry("assistant", content)
    assert sent(chat)[0]["content"] == [
        {"type": "text", "text": "Let me see."},
        REQUEST_WIRE,
        REQUEST_WIRE,
    ]


@known_bug(
    "Dicts with a tool call request go through the snake_case to camelCase conversion, including"
    " the tool's own arguments, so that a call of f(first_name=...) becomes f(firstName=...) in"
    " the history sent to the model."
)
def test_tool_argument_names_are_left_alone() -> None:
    """The argument names in a tool call request dict must be sent unchanged."""
    call = {"type": "function", "name": "greet", "arguments": {"first_name": "Ada"}}
    content: Any = ["", {"type": "toolCallRequest", "toolCallRequest": call}]
    chat = Chat.from_history({"messages": [{"role": "assistant", "content": content}]})
    assert sent(chat)[0]["content"][1]["toolCallRequest"]["arguments"] == {"first_name": "Ada"}


@pytest.mark.parametrize(
    "result",
    [
        pytest.param(ToolCallResultData(content="4", tool_call_id="1"), id="struct"),
        pytest.param(RESULT_WIRE, id="wire-dict"),
        pytest.param({"content": "4", "tool_call_id": "1"}, id="snake-case-dict"),
    ],
)
def test_tool_result_forms(result: Any) -> None:
    """Each accepted form of a tool result becomes one message of the tool role."""
    chat = Chat()
    message = chat.add_tool_result(result)
    assert message.to_dict() == {"role": "tool", "content": [RESULT_WIRE]}
    assert sent(chat) == [message.to_dict()]


def test_tool_results_share_a_message() -> None:
    """add_tool_results() puts all results into one message, in order."""
    chat = Chat()
    second = ToolCallResultData(content="5", tool_call_id="2")
    result: Any = RESULT_WIRE
    chat.add_tool_results([result, second])
    assert sent(chat) == [{"role": "tool", "content": [RESULT_WIRE, second.to_dict()]}]


def test_consecutive_tool_results_stay_apart() -> None:
    """Two consecutive calls of add_tool_result() make two messages."""
    chat = Chat()
    result: Any = RESULT_WIRE
    chat.add_tool_result(result)
    chat.add_tool_result(result)
    assert sent(chat) == [{"role": "tool", "content": [RESULT_WIRE]}] * 2


def test_unparseable_tool_result_is_refused() -> None:
    """A tool result of an unknown form is refused with an error that names it, and adds nothing."""
    chat = Chat()
    result: Any = {"answer": 4}
    with pytest.raises(LMStudioValueError, match=r"^Unable to parse tool result: {'answer': 4}$"):
        chat.add_tool_result(result)
    assert sent(chat) == []


@since("1.4.1")
def test_tool_entry_takes_a_list_of_results() -> None:
    """add_entry() with the tool role adds all results of a list as one message."""
    chat = Chat()
    content: Any = [RESULT_WIRE, RESULT_WIRE]
    chat.add_entry("tool", content)
    assert sent(chat) == [{"role": "tool", "content": [RESULT_WIRE, RESULT_WIRE]}]
