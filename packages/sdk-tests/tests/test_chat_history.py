"""Building a chat: what each role accepts, which messages are merged, and what is refused."""

from collections.abc import Mapping
from typing import Any

import pytest
from lmstudio import (
    Chat,
    FileHandle,
    LMStudioRuntimeError,
    LMStudioValueError,
    SystemPrompt,
    TextData,
    UserMessage,
)
from sdk_tests.expected_items import Items
from sdk_tests.sdk_releases import known_bug

IMAGE = FileHandle(name="cat.png", identifier="file-1", size_bytes=7, file_type="image")
IMAGE_WIRE = {
    "type": "file",
    "name": "cat.png",
    "identifier": "file-1",
    "sizeBytes": 7,
    "fileType": "image",
}


def text(content: str) -> dict[str, str]:
    """Return the wire form of a text part."""
    return {"type": "text", "text": content}


def sent(chat: Chat) -> Items[Any]:
    """Return the messages as a prediction request has them (there is no public accessor)."""
    return Items(chat._get_history_for_prediction()["messages"])


def test_new_chat_is_empty() -> None:
    """A chat without arguments has no messages."""
    assert sent(Chat()) == []


@pytest.mark.parametrize(
    "prompt",
    [
        pytest.param("Be brief.", id="str"),
        pytest.param(TextData(text="Be brief."), id="struct"),
        pytest.param({"text": "Be brief."}, id="dict"),
        pytest.param({"type": "text", "text": "Be brief."}, id="wire-dict"),
    ],
)
def test_initial_prompt_forms(prompt: Any) -> None:
    """Each form of the constructor's prompt becomes one system message with one text part."""
    assert sent(Chat(prompt)) == [{"role": "system", "content": [text("Be brief.")]}]


def test_system_prompt_is_returned_as_message() -> None:
    """add_system_prompt() returns the message that it added to the history."""
    chat = Chat()
    message = chat.add_system_prompt("Be brief.")
    assert type(message) is SystemPrompt
    assert message.to_dict() == sent(chat)[0]


def test_consecutive_system_prompts_are_refused() -> None:
    """A second system prompt right after the first is refused and leaves the chat unchanged."""
    chat = Chat("First.")
    with pytest.raises(
        LMStudioRuntimeError,
        match=r"^Multi-part or consecutive system prompts are not supported\.$",
    ):
        chat.add_system_prompt("Second.")
    assert sent(chat) == [{"role": "system", "content": [text("First.")]}]


def test_later_system_prompt_is_allowed() -> None:
    """A second system prompt is accepted after a message of another role."""
    chat = Chat("First.")
    chat.add_user_message("Hi")
    chat.add_system_prompt("Second.")
    assert [message["role"] for message in sent(chat)] == ["system", "user", "system"]


def test_unparseable_system_prompt_is_refused() -> None:
    """A system prompt that is not a text is refused with an error that names it."""
    prompt: Any = 42
    with pytest.raises(LMStudioValueError, match=r"^Unable to parse system prompt: 42$"):
        Chat().add_system_prompt(prompt)


@known_bug(
    'The system prompt {"text": 5} is accepted and the number is sent as the message'
    " text, although the same dict is refused for user messages and assistant responses: the"
    " pattern in add_system_prompt lacks str().",
    raises=pytest.fail.Exception,
)
def test_system_prompt_dict_must_hold_text() -> None:
    """A prompt dict whose text is not a string must be refused, as it is in the other roles."""
    prompt: Any = {"text": 5}
    with pytest.raises(LMStudioValueError):
        Chat().add_system_prompt(prompt)


@pytest.mark.parametrize(
    ("content", "part"),
    [
        pytest.param("Hi", text("Hi"), id="str"),
        pytest.param(TextData(text="Hi"), text("Hi"), id="text-struct"),
        pytest.param({"text": "Hi"}, text("Hi"), id="text-dict"),
        pytest.param(IMAGE, IMAGE_WIRE, id="file-struct"),
        pytest.param(IMAGE_WIRE, IMAGE_WIRE, id="file-dict"),
        pytest.param(
            {"name": "cat.png", "identifier": "file-1", "size_bytes": 7, "file_type": "image"},
            IMAGE_WIRE,
            id="file-snake-case-dict",
        ),
    ],
)
def test_user_message_forms(content: Any, part: Mapping[str, object]) -> None:
    """Each accepted form of a user message becomes one part with its exact wire form."""
    chat = Chat()
    message = chat.add_user_message(content)
    assert type(message) is UserMessage
    assert sent(chat) == [{"role": "user", "content": [part]}]


def test_user_message_parts_keep_their_order() -> None:
    """A user message from any iterable of parts has the parts in order."""
    chat = Chat()
    parts: list[Any] = ["What is", IMAGE, {"text": "this?"}]
    chat.add_user_message(iter(parts))
    assert sent(chat) == [{"role": "user", "content": [text("What is"), IMAGE_WIRE, text("this?")]}]


def test_images_follow_the_text() -> None:
    """Handles in `images`, structs or dicts, become parts after the message's own text."""
    chat = Chat()
    handle: Any = {**IMAGE_WIRE, "identifier": "file-2"}
    chat.add_user_message("Compare", images=[IMAGE, handle])
    assert sent(chat) == [{"role": "user", "content": [text("Compare"), IMAGE_WIRE, handle]}]


def test_consecutive_user_messages_merge() -> None:
    """Consecutive user messages become parts of one message, which is returned each time."""
    chat = Chat()
    first = chat.add_user_message("One")
    second = chat.add_user_message(["Two", "Three"])
    assert second is first
    assert sent(chat) == [{"role": "user", "content": [text("One"), text("Two"), text("Three")]}]


def test_user_message_after_another_role_does_not_merge() -> None:
    """A user message after an assistant response is a separate message."""
    chat = Chat()
    chat.add_user_message("One")
    chat.add_assistant_response("Two")
    chat.add_user_message("Three")
    assert [message["role"] for message in sent(chat)] == ["user", "assistant", "user"]
    assert sent(chat)[2]["content"] == [text("Three")]


def test_empty_user_message_is_refused() -> None:
    """A user message without parts is refused and adds nothing."""
    chat = Chat()
    with pytest.raises(LMStudioValueError, match=r"^Empty user messages are not supported\.$"):
        chat.add_user_message([])
    assert sent(chat) == []


@pytest.mark.parametrize("part", [5, {"txt": "Hi"}, {"text": 5}, {"name": "n"}], ids=repr)
def test_unparseable_user_part_is_refused(part: Any) -> None:
    """A part of an unknown form is refused with an error that names it, and adds nothing."""
    chat = Chat()
    with pytest.raises(LMStudioValueError) as failure:
        chat.add_user_message(["fine", part])
    assert str(failure.value) == f"Unable to parse user message content: {part}"
    assert sent(chat) == []


@known_bug(
    "add_user_message appends the parts one by one to the previous user message, so that a part"
    " of unknown form raises after the parts before it have already joined the history."
)
def test_refused_user_message_leaves_no_parts_behind() -> None:
    """A refused user message must not leave its first parts in the previous user message."""
    chat = Chat()
    chat.add_user_message("One")
    parts: Any = ["Two", 5]
    with pytest.raises(LMStudioValueError):
        chat.add_user_message(parts)
    assert sent(chat) == [{"role": "user", "content": [text("One")]}]


@pytest.mark.parametrize(
    ("response", "part"),
    [
        pytest.param("Yes", text("Yes"), id="str"),
        pytest.param(TextData(text="Yes"), text("Yes"), id="text-struct"),
        pytest.param({"type": "text", "text": "Yes"}, text("Yes"), id="text-dict"),
        pytest.param(IMAGE, IMAGE_WIRE, id="file-struct"),
        pytest.param(IMAGE_WIRE, IMAGE_WIRE, id="file-dict"),
    ],
)
def test_assistant_response_forms(response: Any, part: Mapping[str, object]) -> None:
    """Each accepted form of an assistant response becomes one part with its exact wire form."""
    chat = Chat()
    chat.add_assistant_response(response)
    assert sent(chat) == [{"role": "assistant", "content": [part]}]


def test_consecutive_assistant_responses_are_refused() -> None:
    """A second assistant response right after the first is refused and not added."""
    chat = Chat()
    chat.add_assistant_response("One")
    with pytest.raises(
        LMStudioRuntimeError,
        match=r"^Multi-part or consecutive assistant responses are not supported\.$",
    ):
        chat.add_assistant_response("Two")
    assert sent(chat) == [{"role": "assistant", "content": [text("One")]}]


def test_unparseable_assistant_response_is_refused() -> None:
    """An assistant response of an unknown form is refused with an error that names it."""
    response: Any = {"txt": "Yes"}
    with pytest.raises(LMStudioValueError) as failure:
        Chat().add_assistant_response(response)
    assert str(failure.value) == "Unable to parse assistant response content: {'txt': 'Yes'}"


@pytest.mark.parametrize("role", ["user", "system", "assistant"])
def test_add_entry_dispatches_on_role(role: str) -> None:
    """add_entry() with a string adds and returns a message of the named role."""
    chat = Chat()
    message = chat.add_entry(role, "Hi")
    assert message.role == role
    assert sent(chat) == [{"role": role, "content": [text("Hi")]}]


@pytest.mark.parametrize("role", ["user", "system", "assistant"])
def test_add_entry_accepts_wire_content(role: str) -> None:
    """add_entry() accepts content in its wire form, a list with one part dict."""
    chat = Chat()
    content: Any = [text("Hi")]
    chat.add_entry(role, content)
    assert sent(chat) == [{"role": role, "content": [text("Hi")]}]


@pytest.mark.parametrize("parts", [["One", "Two"], []], ids=["two", "none"])
def test_system_role_takes_exactly_one_part(parts: list[str]) -> None:
    """add_entry() refuses system content that is not exactly one part."""
    with pytest.raises(
        LMStudioValueError,
        match=r"^'system' role does not support multi-part message content\.$",
    ):
        Chat().add_entry("system", parts)


def test_empty_assistant_entry_is_refused() -> None:
    """add_entry() refuses assistant content without a part."""
    with pytest.raises(
        LMStudioValueError, match=r"^Unable to parse assistant response content: \[\]$"
    ):
        Chat().add_entry("assistant", [])


def test_unknown_role_is_refused() -> None:
    """add_entry() refuses an unknown role with an error that names it."""
    with pytest.raises(LMStudioValueError, match=r"^Unknown history role: robot$"):
        Chat().add_entry("robot", "Hi")


def test_prompt_and_history_exclude_each_other() -> None:
    """The constructor refuses a prompt together with a history."""
    history = Chat("Old.")._get_history_for_copy()
    with pytest.raises(LMStudioValueError, match="an initial history or a system prompt, not both"):
        Chat("New.", _initial_history=history)
