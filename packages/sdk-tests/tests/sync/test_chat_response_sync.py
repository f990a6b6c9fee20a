# DO NOT EDIT. Written by scripts/generate_sync_tests.py from
# packages/sdk-tests/tests/async/test_chat_response_async.py
# Change that, then: hatch run sync:generate
"""Chat responses: how histories become prompts, and how conversations grow."""

from typing import Any

import pytest
from lmstudio import LLM, Chat
from lmstudio.history import AssistantResponse, TextData
from sdk_tests.exact_answers import GREEDY, bare
from sdk_tests.forced_outputs import written

pytestmark = [pytest.mark.models]


def conversation() -> Chat:
    """Return a history with all three roles that ends with the user."""
    chat = Chat("Answer in one word.")
    chat.add_user_message("Is ice cold?")
    chat.add_assistant_response("Yes.")
    chat.add_user_message("Is fire?")
    return chat


@pytest.mark.parametrize(
    "history",
    [
        "Is ice cold?",
        {"messages": [{"role": "user", "content": [{"type": "text", "text": "Is ice cold?"}]}]},
        conversation(),
    ],
    ids=["text", "dict", "chat"],
)
def test_prompt_is_the_formatted_history(plain_llm: LLM, history: Any) -> None:
    """A chat's prompt consists of the tokens of its history, formatted by the model's template."""
    formatted = plain_llm.apply_prompt_template(history)
    result = plain_llm.respond(history, config={"maxTokens": 1})
    assert result.stats.prompt_tokens_count == len(plain_llm.tokenize(formatted))


def test_system_prompt_is_part_of_the_prompt(plain_llm: LLM) -> None:
    """A longer system prompt lengthens the prompt by exactly its additional tokens."""
    counts = []
    for system in ("Be kind.", "Be kind. Be brief. Be honest."):
        chat = Chat(system)
        chat.add_user_message("Hi")
        result = plain_llm.respond(chat, config={"maxTokens": 1})
        counts.append((result.stats.prompt_tokens_count or 0) - len(plain_llm.tokenize(system)))
    assert counts[0] == counts[1]


def test_history_is_left_alone(llm: LLM) -> None:
    """Responding adds nothing to the caller's chat history."""
    chat = conversation()
    before = str(chat)
    llm.respond(chat, config={"maxTokens": 1})
    assert str(chat) == before


def test_message_callback_continues_the_chat(llm: LLM) -> None:
    """chat.append as the message callback adds the response, so that a next question can follow."""
    chat = conversation()
    for number, answer in ((1, "Hot."), (2, "Dry.")):
        llm.respond(chat, on_message=chat.append, config=written(answer))
        chat.add_user_message(f"Question {number}")
    added = chat._get_history_for_prediction()["messages"][-4:]
    assert [(message["role"], message["content"]) for message in added] == [
        ("assistant", [{"type": "text", "text": "Hot."}]),
        ("user", [{"type": "text", "text": "Question 1"}]),
        ("assistant", [{"type": "text", "text": "Dry."}]),
        ("user", [{"type": "text", "text": "Question 2"}]),
    ]


def test_result_can_be_added_to_the_chat(plain_llm: LLM) -> None:
    """A result that was added as an assistant response is part of the next prompt."""
    chat = Chat("Answer in one word.")
    chat.add_user_message("Is ice cold?")
    chat.add_assistant_response(plain_llm.respond(chat, config=written("Naturally.")))
    chat.add_user_message("Why?")
    formatted = plain_llm.apply_prompt_template(chat)
    assert "Naturally." in formatted
    result = plain_llm.respond(chat, config={"maxTokens": 1})
    assert result.stats.prompt_tokens_count == len(plain_llm.tokenize(formatted))


def test_message_callback_gets_the_whole_response(llm: LLM) -> None:
    """The message callback is called once, with the whole response as one assistant message."""
    messages: list[AssistantResponse] = []
    llm.respond("Is ice cold?", on_message=messages.append, config=written("Yes, it is."))
    assert messages == [AssistantResponse(content=[TextData(text="Yes, it is.")])]


def test_stream_of_a_response(llm: LLM) -> None:
    """The fragments of a streamed response make up the content of its result."""
    stream = llm.respond_stream("Is ice cold?", config=written("Yes, it is."))
    pieces = [fragment.content for fragment in stream]
    assert "".join(pieces) == stream.result().content == "Yes, it is."


def test_answer_to_the_question_of_the_history(llm: LLM) -> None:
    """The answer comes from what the user told earlier in the conversation."""
    chat = Chat("You are a helpful assistant.")
    chat.add_user_message("My name is Clara.")
    chat.add_assistant_response("Nice to meet you, Clara!")
    chat.add_user_message("What is my name?")
    result = llm.respond(chat, config=GREEDY)
    assert "Clara" in result.content


def test_answer_from_the_system_prompt(llm: LLM) -> None:
    """The answer comes from what the system prompt says."""
    chat = Chat("Your name is Robert.")
    chat.add_user_message("What is your name?")
    result = llm.respond(chat, config=GREEDY)
    assert "Robert" in result.content


def test_conversation_goes_on_with_its_own_answers(llm: LLM) -> None:
    """An answer that was appended is in the history of the next one."""
    chat = Chat()
    chat.add_user_message("Say the word apple.")
    first = llm.respond(chat, on_message=chat.append, config=GREEDY)
    chat.add_user_message("Say that again.")
    second = llm.respond(chat, config=GREEDY)
    assert [bare(first.content), bare(second.content)] == ["apple", "apple"]
