"""The stand-in that does what it is told, used through the server."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

import lmstudio
import pytest

KEY = "llama-3.2-1b-instruct"


@pytest.fixture(scope="module")
def llm(address: str) -> Iterator[lmstudio.LLM]:
    """Provide the model, loaded for this module."""
    with lmstudio.Client(address) as client:
        llm = client.llm.load_new_instance(KEY)
        yield llm
        llm.unload()


def answer(llm: lmstudio.LLM, said: Sequence[str], system: str | None = None) -> str:
    """Return the answer to the last of several texts, of which the user says every other one."""
    chat = lmstudio.Chat(system) if system else lmstudio.Chat()
    for index, text in enumerate(said):
        if index % 2:
            chat.add_assistant_response(text)
        else:
            chat.add_user_message(text)
    result = llm.respond(chat)
    assert result.stats.stop_reason == "eosFound"
    return result.content


@pytest.mark.difference("chat")
@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (["Say apple."], "apple"),
        (["Repeat after me: The cat sees the door."], "The cat sees the door."),
        (['Please say "yes" three times.'], "yes, yes, yes"),
        (["Hello", "Good morning to you!", "Say that again."], "Good morning to you!"),
    ],
)
def test_text_is_repeated(llm: lmstudio.LLM, said: list[str], expected: str) -> None:
    """What the model is told to say comes back exactly, without any other word."""
    assert answer(llm, said) == expected


@pytest.mark.difference("chat")
def test_fact_is_recalled(llm: lmstudio.LLM) -> None:
    """What the user told earlier in the conversation is known later."""
    said = ["My name is Clara.", "Nice to meet you, Clara!", "What is my name?"]
    assert answer(llm, said) == "Your name is Clara."


@pytest.mark.difference("chat")
def test_system_prompt_is_known(llm: lmstudio.LLM) -> None:
    """The model is whom the system prompt says."""
    assert answer(llm, ["What is your name?"], "Your name is Robert.") == "My name is Robert."


@pytest.mark.difference("chat")
@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("Count from 1 to 5.", "1, 2, 3, 4, 5"),
        ("Answer with one word: What is the capital of France?", "Paris"),
        ("Write hello in capital letters.", "HELLO"),
    ],
)
def test_form_is_kept(llm: lmstudio.LLM, asked: str, expected: str) -> None:
    """An answer has the form that was asked for."""
    assert answer(llm, [asked]) == expected


@pytest.mark.difference("chat")
def test_json_has_the_given_values(llm: lmstudio.LLM) -> None:
    """JSON with given keys and values comes without a schema, too."""
    asked = 'Write JSON with the keys and values name = "Ada", age = 36.'
    assert json.loads(answer(llm, [asked])) == {"name": "Ada", "age": 36}


@pytest.mark.difference("chat")
def test_greeting_is_answered(llm: lmstudio.LLM) -> None:
    """A greeting is answered with a greeting and a question."""
    text = answer(llm, ["Hello!"])
    assert text.startswith("Hello!")
    assert text.endswith("?")
