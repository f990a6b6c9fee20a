"""The act() loop of the synchronous API, with the model's answers taken from a script."""

import inspect
import threading
from typing import Any

import pytest
from lmstudio import LLM, Chat, LMStudioPredictionError, LMStudioValueError
from sdk_tests.host_packets import fragment, predicted, tool_call
from sdk_tests.read_prediction_requests import messages_of, tool_names_of
from sdk_tests.sample_tools import add, broken
from sdk_tests.scripted_session import ScriptedSession

ANSWER = [fragment("Done"), predicted()]


def asking(*calls: tuple[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the packets of a round in which the model writes text and requests the calls."""
    requests = [tool_call(name, arguments, f"id-{i}") for i, (name, arguments) in enumerate(calls)]
    return [fragment("Let me see."), *requests, predicted()]


def test_answer_without_calls_is_one_round() -> None:
    """A model that requests no call is asked once, and the request offers the tools."""
    session = ScriptedSession(ANSWER)
    result = session.llm().act("Hi", [add])
    assert result.rounds == 1
    assert result.total_time_seconds > 0, "the result does not say how long it took"
    assert [tool_names_of(request) for request in session.requests] == [["add"]]


def test_results_go_back_to_the_model() -> None:
    """The next round's history has the model's text, its requests and the tool's result."""
    session = ScriptedSession(asking(("add", {"a": 1, "b": 2})), ANSWER)
    result = session.llm().act("What is 1 + 2?", [add])
    assert result.rounds == 2
    request = {"type": "function", "id": "id-0", "name": "add", "arguments": {"a": 1, "b": 2}}
    assert messages_of(session.requests[0]) == [("user", ["What is 1 + 2?"])]
    assert messages_of(session.requests[1]) == [
        ("user", ["What is 1 + 2?"]),
        ("assistant", ["Let me see.", request]),
        ("tool", ["3"]),
    ]


def test_several_calls_share_a_result_message() -> None:
    """All results of a round are in one message, each with the id of its request."""
    session = ScriptedSession(asking(("add", {"a": 1, "b": 2}), ("add", {"a": 3, "b": 4})), ANSWER)
    session.llm().act("Go", [add])
    results = session.requests[1]["history"]["messages"][-1]
    assert results["role"] == "tool"
    assert {part["toolCallId"]: part["content"] for part in results["content"]} == {
        "id-0": "3",
        "id-1": "7",
    }


@pytest.mark.parametrize("limit", [2, None], ids=["two", "unlimited"])
def test_parallel_calls_overlap(limit: int | None) -> None:
    """With a limit of two or none, the two calls of a round run at the same time."""
    meeting = threading.Barrier(2, timeout=10)

    def meet() -> str:
        """Wait for the other call."""
        meeting.wait()
        return "met"

    session = ScriptedSession(asking(("meet", {}), ("meet", {})), ANSWER)
    session.llm().act("Go", [meet], max_parallel_tool_calls=limit)
    assert messages_of(session.requests[1])[-1] == ("tool", ['"met"', '"met"'])


def test_calls_run_in_order_by_default() -> None:
    """By default one worker runs a round's calls in the order of the requests."""
    assert inspect.signature(LLM.act).parameters["max_parallel_tool_calls"].default == 1
    order: list[int] = []

    def note(number: int) -> None:
        """Note a number."""
        order.append(number)

    calls = [("note", {"number": number}) for number in range(5)]
    session = ScriptedSession(asking(*calls), ANSWER)
    session.llm().act("Go", [note])
    assert order == [0, 1, 2, 3, 4]


def test_failed_tool_is_told_to_the_model() -> None:
    """A tool's exception becomes its result, and the loop continues."""
    session = ScriptedSession(asking(("broken", {})), ANSWER)
    assert session.llm().act("Go", [broken]).rounds == 2
    assert messages_of(session.requests[1])[-1] == (
        "tool",
        ["\"Unhandled Python exception: LookupError('lost')\""],
    )


def test_unknown_tool_is_told_to_the_model() -> None:
    """A request for an unknown tool is answered with an error text."""
    session = ScriptedSession(asking(("subtract", {})), ANSWER)
    session.llm().act("Go", [add])
    assert messages_of(session.requests[1])[-1] == (
        "tool",
        ["Cannot find tool with name subtract."],
    )


def test_last_round_offers_no_tools() -> None:
    """The last round within a limit offers no tools, so that the model has to answer."""
    session = ScriptedSession(asking(("add", {"a": 1, "b": 2})), ANSWER)
    assert session.llm().act("Go", [add], max_prediction_rounds=2).rounds == 2
    assert [tool_names_of(request) for request in session.requests] == [["add"], []]


def test_call_in_the_last_round_is_an_error() -> None:
    """A tool call in the last round ends the loop with an error."""
    session = ScriptedSession(asking(("add", {"a": 1, "b": 2})))
    with pytest.raises(
        LMStudioPredictionError,
        match=r"^Model requested tool use on final prediction round\.$",
    ):
        session.llm().act("Go", [add], max_prediction_rounds=1)


@pytest.mark.parametrize("rounds", [0, -1])
def test_round_limit_is_checked(rounds: int) -> None:
    """A limit below one round is refused before any request."""
    session = ScriptedSession()
    with pytest.raises(LMStudioValueError) as failure:
        session.llm().act("Go", [add], max_prediction_rounds=rounds)
    assert str(failure.value) == f"Max prediction rounds must be at least 1 ({rounds} given)"


def test_callbacks_tell_the_round() -> None:
    """All callbacks run in the order of events, and those that promise it get the round's index."""
    seen: list[Any] = []
    session = ScriptedSession(asking(("add", {"a": 1, "b": 2})), ANSWER)
    session.llm().act(
        "Go",
        [add],
        on_round_start=lambda index: seen.append(("start", index)),
        on_prompt_processing_progress=lambda value, index: seen.append(("prompt", value, index)),
        on_first_token=lambda index: seen.append(("first", index)),
        on_prediction_fragment=lambda part, index: seen.append((part.content, index)),
        on_prediction_completed=lambda result: seen.append((result.content, result.round_index)),
        on_message=lambda message: seen.append(message.role),
        on_round_end=lambda index: seen.append(("end", index)),
    )
    assert seen == [
        ("start", 0),
        ("prompt", 0.0, 0),
        ("prompt", 1.0, 0),
        ("first", 0),
        ("Let me see.", 0),
        ("Let me see.", 0),
        "assistant",
        "tool",
        ("end", 0),
        ("start", 1),
        ("prompt", 0.0, 1),
        ("prompt", 1.0, 1),
        ("first", 1),
        ("Done", 1),
        ("Done", 1),
        "assistant",
        ("end", 1),
    ]


def test_callers_chat_is_left_alone() -> None:
    """act() leaves the caller's chat unchanged."""
    chat = Chat("Be brief.")
    chat.add_user_message("Go")
    before = str(chat)
    session = ScriptedSession(asking(("add", {"a": 1, "b": 2})), ANSWER)
    session.llm().act(chat, [add])
    assert str(chat) == before


def test_collected_messages_continue_the_chat() -> None:
    """A chat to which each message was appended has the whole conversation."""
    chat = Chat()
    chat.add_user_message("Go")
    session = ScriptedSession(asking(("add", {"a": 1, "b": 2})), ANSWER)
    session.llm().act(chat, [add], on_message=chat.append)
    messages = chat._get_history_for_prediction()["messages"]
    assert messages[:3] == session.requests[1]["history"]["messages"]
    assert messages[3]["role"] == "assistant"
    assert messages[3]["content"] == [{"type": "text", "text": "Done"}]


def test_failing_callback_does_not_end_the_loop() -> None:
    """An exception in a message or round callback does not end the loop."""

    def fail(*_args: object) -> None:
        raise LookupError("no screen")

    session = ScriptedSession(asking(("add", {"a": 1, "b": 2})), ANSWER)
    result = session.llm().act(
        "Go",
        [add],
        on_message=fail,
        on_round_start=fail,
        on_round_end=fail,
        on_prediction_completed=fail,
    )
    assert result.rounds == 2
