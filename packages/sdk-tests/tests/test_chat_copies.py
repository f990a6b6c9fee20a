"""Chats made from other chats: from_history(), append(), copies and str()."""

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest
from lmstudio import (
    AssistantResponse,
    Chat,
    ChatHistoryData,
    LMStudioValueError,
    SystemPrompt,
    TextData,
    UserMessage,
)
from sdk_tests.sdk_releases import known_bug

WIRE: Any = {
    "messages": [
        {"role": "system", "content": [{"type": "text", "text": "Be brief."}]},
        {"role": "user", "content": [{"type": "text", "text": "Hi"}]},
        {"role": "assistant", "content": [{"type": "text", "text": "Hello"}]},
    ]
}


def sent_history(chat: Chat) -> Any:
    """Return the history as a prediction request has it (there is no public accessor)."""
    return chat._get_history_for_prediction()


def sample_chat() -> Chat:
    """Return a chat whose wire form is WIRE."""
    chat = Chat("Be brief.")
    chat.add_user_message("Hi")
    chat.add_assistant_response("Hello")
    return chat


def test_from_text() -> None:
    """from_history() takes a plain string as a user message, not as a system prompt."""
    assert sent_history(Chat.from_history("Hi")) == {
        "messages": [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}]
    }


@pytest.mark.parametrize(
    "history",
    [
        pytest.param(WIRE, id="wire-dict"),
        pytest.param(
            {
                "messages": [
                    {"role": "system", "content": "Be brief."},
                    {"role": "user", "content": "Hi"},
                    {"role": "assistant", "content": "Hello"},
                ]
            },
            id="plain-text-content",
        ),
        pytest.param(
            {"messages": [("system", "Be brief."), ("user", "Hi"), ("assistant", "Hello")]},
            id="pairs",
        ),
        pytest.param(
            {
                "messages": [
                    SystemPrompt(content=[TextData(text="Be brief.")]),
                    UserMessage(content=[TextData(text="Hi")]),
                    AssistantResponse(content=[TextData(text="Hello")]),
                ]
            },
            id="structs",
        ),
    ],
)
def test_from_history_dict_forms(history: Any) -> None:
    """from_history() makes the same chat from each form of entries in a dict."""
    assert sent_history(Chat.from_history(history)) == WIRE


def test_from_history_objects() -> None:
    """from_history() makes the same chat from a history struct and from another chat."""
    assert sent_history(Chat.from_history(ChatHistoryData.from_dict(WIRE))) == WIRE
    assert sent_history(Chat.from_history(sample_chat())) == WIRE


@pytest.mark.parametrize("history", [5, {"entries": []}, None, ["Hi"]], ids=repr)
def test_unusable_history_is_refused(history: Any) -> None:
    """A history of another form is refused with an error that lists the accepted forms."""
    with pytest.raises(
        LMStudioValueError, match=r", ChatHistoryData, or a dict with a 'messages' key$"
    ):
        Chat.from_history(history)


@known_bug(
    'The error for an unusable history says "Expected type, ChatHistoryData, ...": it uses the'
    " name of the class's class (type(cls)) instead of the class's own."
)
def test_unusable_history_error_names_the_class() -> None:
    """The error for an unusable history must name the class whose instances are accepted."""
    history: Any = {"entries": []}
    with pytest.raises(LMStudioValueError) as failure:
        Chat.from_history(history)
    assert str(failure.value).startswith("Expected Chat, ChatHistoryData,")


@pytest.mark.parametrize("entry", ["Hi", {"role": "user"}, ("user",)], ids=repr)
def test_unparseable_entry_is_refused(entry: Any) -> None:
    """An entry of an unknown form is refused with an error that names it."""
    with pytest.raises(LMStudioValueError) as failure:
        Chat.from_history({"messages": [entry]})
    assert str(failure.value) == f"Could not parse history entry: {entry}"


def test_history_struct_is_not_shared() -> None:
    """Messages added to a chat from a history struct do not join that struct."""
    history = ChatHistoryData.from_dict(WIRE)
    Chat.from_history(history).add_user_message("More")
    assert history.to_dict() == WIRE


COPIERS: list[Callable[[Chat], Chat]] = [Chat.copy, copy.copy, copy.deepcopy, Chat.from_history]
COPIER_NAMES = ["method", "copy", "deepcopy", "from_history"]


@pytest.mark.parametrize("make_copy", COPIERS, ids=COPIER_NAMES)
def test_copy_has_the_same_history(make_copy: Callable[[Chat], Chat]) -> None:
    """Each way to copy a chat makes another chat with the same history."""
    chat = sample_chat()
    duplicate = make_copy(chat)
    assert type(duplicate) is Chat
    assert duplicate is not chat
    assert sent_history(duplicate) == WIRE


@pytest.mark.parametrize("make_copy", COPIERS, ids=COPIER_NAMES)
def test_copy_is_isolated_from_the_original(make_copy: Callable[[Chat], Chat]) -> None:
    """Even a merge into the last message, which changes it in place, affects only one chat."""
    chat = Chat()
    chat.add_user_message("Hi")
    duplicate = make_copy(chat)
    duplicate.add_user_message("there")
    chat.add_user_message("you")
    assert [part["text"] for part in sent_history(duplicate)["messages"][0]["content"]] == [
        "Hi",
        "there",
    ]
    assert [part["text"] for part in sent_history(chat)["messages"][0]["content"]] == ["Hi", "you"]


def test_copy_keeps_the_subclass() -> None:
    """A copy of a subclass's instance is an instance of that subclass."""

    class Interview(Chat):
        pass

    assert type(Interview("Ask.").copy()) is Interview


@pytest.mark.parametrize("as_dict", [False, True], ids=["struct", "dict"])
def test_append_adds_a_copy(as_dict: bool) -> None:
    """append() adds a copy of a message, which later changes of the argument do not affect."""
    message = UserMessage(content=[TextData(text="Hi")])
    argument: Any = message.to_dict() if as_dict else message
    chat = Chat()
    added = chat.append(argument)
    assert added is not argument
    message.content = [TextData(text="Changed")]
    assert sent_history(chat) == {
        "messages": [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}]
    }


def test_append_refuses_what_is_no_message() -> None:
    """append() refuses an argument that is neither struct nor dict with an error that names it."""
    message: Any = ("user", "Hi")
    with pytest.raises(LMStudioValueError) as failure:
        Chat().append(message)
    assert str(failure.value) == "('user', 'Hi') is not a valid chat entry"


def test_text_form_is_a_constructor_call() -> None:
    """str() shows the history as sorted, indented JSON in a from_history() call."""
    expected = json.dumps(WIRE, indent=2, sort_keys=True)
    assert str(sample_chat()) == f"Chat.from_history({expected})"


def test_text_form_names_the_subclass() -> None:
    """str() of a subclass's instance shows the subclass's name."""

    class Interview(Chat):
        pass

    assert str(Interview()) == 'Interview.from_history({\n  "messages": []\n})'
