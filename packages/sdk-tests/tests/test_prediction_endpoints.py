"""Prediction channels that receive packets from the test instead of a host."""

from typing import Any

import lmstudio
import pytest
from lmstudio import (
    AssistantResponse,
    Chat,
    LlmInfo,
    LlmPredictionFragment,
    LlmPredictionStats,
    LMStudioChannelClosedError,
    LMStudioPredictionError,
    TextData,
)
from lmstudio.json_api import ChatResponseEndpoint, CompletionEndpoint, PredictionEndpoint
from sdk_tests.host_packets import fragment, llm_info, predicted
from sdk_tests.sdk_releases import known_bug, since
from sdk_tests.structured_log import logged_events


def completion(**callbacks: Any) -> CompletionEndpoint:
    """Return the endpoint of a completion with the callbacks."""
    return CompletionEndpoint("some-model", "Once", **callbacks)


def feed(endpoint: PredictionEndpoint, *packets: dict[str, Any]) -> None:
    """Pass packets to an endpoint, as its channel would."""
    for packet in packets:
        endpoint.handle_message_events(packet)


def processed(progress: float) -> dict[str, Any]:
    """Return a packet with the progress of prompt processing."""
    return {"type": "promptProcessingProgress", "progress": progress}


def test_completion_request() -> None:
    """A completion sends the model query, and its prompt as the only user message."""
    params = completion().creation_params
    assert completion().api_endpoint == "predict"
    assert params["modelSpecifier"] == {"type": "query", "query": {"identifier": "some-model"}}
    assert params["history"] == {
        "messages": [{"role": "user", "content": [{"type": "text", "text": "Once"}]}]
    }


def test_chat_request() -> None:
    """A chat response sends the chat's history as it was when the request was made."""
    chat = Chat("Be brief.")
    endpoint = ChatResponseEndpoint("some-model", chat)
    chat.add_user_message("Too late")
    assert endpoint.creation_params["history"] == {
        "messages": [{"role": "system", "content": [{"type": "text", "text": "Be brief."}]}]
    }


def test_result_joins_the_fragments() -> None:
    """A result has all text in order, the stats and the model's info."""
    endpoint = completion()
    feed(endpoint, fragment("a time"), fragment(""), fragment(" ago"))
    finished_before = endpoint.is_finished
    feed(endpoint, predicted())
    assert (finished_before, endpoint.is_finished) == (False, True)
    result = endpoint.result()
    assert result.content == result.parsed == "a time ago"
    assert result.stats == LlmPredictionStats(stop_reason="eosFound", predicted_tokens_count=2)
    description: Any = llm_info()
    assert result.model_info == LlmInfo.from_dict(description)


def test_fragment_callbacks() -> None:
    """The first-token callback runs once, before the callbacks for each fragment."""
    seen: list[Any] = []
    endpoint = completion(
        on_first_token=lambda: seen.append("first"), on_prediction_fragment=seen.append
    )
    feed(endpoint, fragment("a"), fragment("b"), predicted())
    parts = [
        LlmPredictionFragment(
            content=text, tokens_count=1, contains_drafted=False, reasoning_type="none"
        )
        for text in "ab"
    ]
    assert seen == ["first", *parts]


def test_no_first_token_without_fragments() -> None:
    """A prediction without text never calls the first-token callback."""
    seen: list[str] = []
    feed(completion(on_first_token=lambda: seen.append("first")), predicted())
    assert seen == []


def test_message_callback() -> None:
    """The message callback gets the whole text as one assistant response at the end."""
    seen: list[AssistantResponse] = []
    endpoint = completion(on_message=seen.append)
    feed(endpoint, fragment("a"), fragment("b"))
    assert seen == []
    feed(endpoint, predicted())
    assert seen == [AssistantResponse(content=[TextData(text="ab")])]


@pytest.mark.parametrize(
    ("packets", "reported"),
    [
        pytest.param([processed(0.0), processed(0.5)], [0.0, 0.5], id="rising"),
        pytest.param([processed(0.5), processed(0.75)], [0.0, 0.5, 0.75], id="start-is-added"),
        pytest.param([processed(0.5), processed(0.25)], [0.0, 0.5], id="falling"),
        pytest.param([processed(0.5), processed(0.5)], [0.0, 0.5], id="repeated"),
        pytest.param([processed(0.5), fragment("a")], [0.0, 0.5, 1.0], id="text-means-done"),
        pytest.param([fragment("a"), fragment("b")], [0.0, 1.0], id="text-only"),
        pytest.param([processed(1.0), fragment("a")], [0.0, 1.0], id="done-once"),
    ],
)
def test_prompt_progress_only_rises(packets: list[Any], reported: list[float]) -> None:
    """Prompt progress starts at 0, only rises, and is complete when text arrives."""
    seen: list[float] = []
    endpoint = completion(on_prompt_processing_progress=seen.append)
    feed(endpoint, *packets)
    assert seen == reported


@pytest.mark.parametrize(
    ("callback", "packet", "message"),
    [
        ("on_first_token", fragment("a"), "First token callback failed"),
        ("on_prediction_fragment", fragment("a"), "Prediction fragment callback failed"),
        ("on_prompt_processing_progress", processed(0.0), "Prediction progress callback failed"),
    ],
)
def test_failing_callback_is_logged(
    callback: str, packet: dict[str, Any], message: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A callback's exception is logged, and the prediction still gets its result."""

    def fail(*_args: object) -> None:
        raise LookupError("no screen")

    endpoint = completion(**{callback: fail})
    feed(endpoint, packet, fragment("a"), predicted())
    assert endpoint.is_finished
    events = logged_events(caplog, "CompletionEndpoint")
    assert events, "the callback's exception was not logged"
    level, event = events[0]
    assert level == "ERROR"
    assert event["event"].startswith(f"{message} for <lmstudio.json_api.CompletionEndpoint")
    assert event["exc"] == "LookupError('no screen')"


@known_bug(
    "Exceptions in all other prediction callbacks are logged and the prediction goes on, as the"
    " SDK's comments promise, but one in on_message of complete() or respond() is raised and the"
    " finished result is lost.",
    raises=LookupError,
)
def test_failing_message_callback_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """An exception in the message callback must be logged like those in the other callbacks."""

    def fail(_message: AssistantResponse) -> None:
        raise LookupError("no screen")

    feed(completion(on_message=fail), predicted())
    ((level, event),) = logged_events(caplog, "CompletionEndpoint")
    assert (level, event["exc"]) == ("ERROR", "LookupError('no screen')")


@since("1.4.0")
@pytest.mark.parametrize(
    ("endpoint_class", "prefix"),
    [(CompletionEndpoint, "Completion"), (ChatResponseEndpoint, "Chat response")],
    ids=["completion", "chat"],
)
def test_unknown_packet_is_a_warning(endpoint_class: Any, prefix: str) -> None:
    """A packet of an unknown type leads to a warning that names the kind of prediction."""
    endpoint = endpoint_class("some-model", Chat("Hi") if prefix == "Chat response" else "Once")
    with pytest.warns(
        lmstudio.LMStudioUnknownMessageWarning,
        match=rf"^{prefix} unexpected message contents: {{'type': 'brandNew'}}$",
    ):
        feed(endpoint, {"type": "brandNew"})
    assert not endpoint.is_finished


def test_error_packet_is_raised() -> None:
    """An error packet raises a prediction error with the server's title."""
    error = {"type": "error", "error": {"title": "Out of memory"}}
    with pytest.raises(LMStudioPredictionError, match=r"^Prediction error: Out of memory$"):
        feed(completion(), error)


def test_closed_channel_is_an_error() -> None:
    """A prediction channel closed before its final packet raises LMStudioChannelClosedError."""
    with pytest.raises(
        LMStudioChannelClosedError, match=r"^Server failed to complete prediction\.$"
    ):
        completion().handle_message_events(None)


def test_cancelled_prediction_ignores_late_packets() -> None:
    """A cancelled prediction drops late text and progress and still accepts the final packet."""
    seen: list[Any] = []
    endpoint = completion(
        on_prediction_fragment=seen.append, on_prompt_processing_progress=seen.append
    )
    endpoint.mark_cancelled()
    feed(endpoint, processed(0.5), fragment("late"))
    assert seen == []
    feed(endpoint, predicted())
    assert endpoint.result().content == ""


def test_cancelled_prediction_keeps_earlier_text() -> None:
    """The text from before a cancellation is the result's content."""
    endpoint = completion()
    feed(endpoint, fragment("early"))
    endpoint.mark_cancelled()
    feed(endpoint, fragment(" late"), predicted())
    assert endpoint.result().content == "early"
