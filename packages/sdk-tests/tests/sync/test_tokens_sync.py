# DO NOT EDIT. Written by scripts/generate_sync_tests.py from
# packages/sdk-tests/tests/async/test_tokens_async.py
# Change that, then: hatch run sync:generate
"""Tokens, prompt templates and the context length."""

from typing import Any

import pytest
from lmstudio import LLM, Chat, Client, EmbeddingModel
from model_fixtures.catalog import CatalogModel
from sdk_tests.model_names import LLM_NAME

pytestmark = [pytest.mark.models]

TEXTS = ["Hello", "A longer text, with 12 numbers.", "Grüße, 世界 🙂"]


@pytest.mark.parametrize("text", TEXTS, ids=["word", "sentence", "unicode"])
def test_llm_counts_all_tokens(llm: LLM, text: str) -> None:
    """An LLM counts as many tokens as it returns, and each token is an integer."""
    tokens = llm.tokenize(text)
    assert {type(token) for token in tokens} == {int}
    assert llm.count_tokens(text) == len(tokens)


@pytest.mark.parametrize("text", TEXTS, ids=["word", "sentence", "unicode"])
def test_embedding_model_leaves_markers_out(embedding_model: EmbeddingModel, text: str) -> None:
    """An embedding model's tokens include a begin and an end marker, which its count omits."""
    tokens = embedding_model.tokenize(text)
    assert embedding_model.count_tokens(text) == len(tokens) - 2
    empty = embedding_model.tokenize("")
    assert (tokens[:1], tokens[-1:]) == (empty[:1], empty[-1:])


@pytest.mark.parametrize("make", [list, tuple, iter], ids=["list", "tuple", "iterator"])
def test_several_texts(llm: LLM, make: type) -> None:
    """Several texts become lists of tokens in order, equal to the lists of single texts."""
    assert llm.tokenize(make(TEXTS)) == [llm.tokenize(text) for text in TEXTS]


def test_several_texts_for_an_embedding_model(embedding_model: EmbeddingModel) -> None:
    """Embedding models tokenize several texts as LLMs do."""
    singles = [embedding_model.tokenize(text) for text in TEXTS]
    assert embedding_model.tokenize(TEXTS) == singles


def test_no_texts(llm: LLM) -> None:
    """An empty list of texts becomes an empty list."""
    assert list(llm.tokenize([])) == []


def test_tokens_do_not_depend_on_the_rest_of_the_text(plain_llm: LLM) -> None:
    """A text has the same tokens alone and as a line of a longer text."""
    text = "Hello there, world."
    tokens = list(plain_llm.tokenize(text))
    assert list(plain_llm.tokenize(text + "\n" + text)) == [
        *tokens,
        *(plain_llm.tokenize("\n")),
        *tokens,
    ]


@pytest.mark.parametrize(
    "history",
    [
        "What is up?",
        {"messages": [{"role": "user", "content": [{"type": "text", "text": "What is up?"}]}]},
    ],
    ids=["text", "dict"],
)
def test_template_takes_every_history_form(llm: LLM, history: Any) -> None:
    """The template formats the same history alike as a text, as a dict and as a chat."""
    chat = Chat()
    chat.add_user_message("What is up?")
    assert llm.apply_prompt_template(history) == llm.apply_prompt_template(chat)


def test_template_has_all_messages_in_order(llm: LLM) -> None:
    """The template formats every message, in the order of the chat."""
    chat = Chat("Instruction alpha.")
    chat.add_user_message("Question beta?")
    chat.add_assistant_response("Answer gamma.")
    chat.add_user_message("Question delta?")
    formatted = llm.apply_prompt_template(chat)
    places = [
        formatted.find(text)
        for text in ("Instruction alpha.", "Question beta?", "Answer gamma.", "Question delta?")
    ]
    assert places == sorted(places)
    assert -1 not in places


def test_template_asks_for_an_answer(plain_llm: LLM) -> None:
    """The template ends a chat with the header of the assistant's answer."""
    chat = Chat()
    chat.add_user_message("Question beta?")
    formatted = plain_llm.apply_prompt_template(chat)
    header = formatted.partition("Question beta?")[2]
    chat.add_assistant_response("Answer gamma.")
    chat.add_user_message("Question delta?")
    longer = plain_llm.apply_prompt_template(chat)
    assert longer.startswith(formatted + "Answer gamma.")
    assert longer.endswith("Question delta?" + header)


def test_template_of_unusual_histories(llm: LLM) -> None:
    """The template formats late system messages, multi-part messages and a final response."""
    chat = Chat()
    chat.add_user_message(["Text one.", "Text two."])
    chat.add_system_prompt("Late instruction.")
    chat.add_user_message("Question?")
    chat.add_assistant_response("Beginning of")
    formatted = llm.apply_prompt_template(chat)
    for text in ("Text one.", "Text two.", "Late instruction.", "Question?", "Beginning of"):
        assert formatted.count(text) == 1


def test_template_options(plain_llm: LLM) -> None:
    """Template options are accepted, and omitBosToken changes nothing without such a token."""
    formatted = plain_llm.apply_prompt_template("Hello")
    omitting = plain_llm.apply_prompt_template("Hello", {"omitBosToken": True})
    assert omitting == formatted


def test_context_length_is_that_of_the_load(
    client: Client, loaded_models: tuple[CatalogModel, ...]
) -> None:
    """Each loaded model reports the context length of its load in all places."""
    for expected in loaded_models:
        session = client.llm if expected.domain == "llm" else client.embedding
        model = session.model(expected.key)
        info = model.get_info()
        config = model.get_load_config()
        assert model.get_context_length() == expected.context_length
        assert info.context_length == expected.context_length
        assert config.context_length == expected.context_length


def test_all_calls_by_another_name(client: Client, llm: LLM) -> None:
    """A handle with publisher and name gets the same answers as one with the identifier."""
    by_name = LLM(LLM_NAME, client.llm)
    assert by_name.tokenize(TEXTS) == llm.tokenize(TEXTS)
    assert by_name.count_tokens(TEXTS[0]) == llm.count_tokens(TEXTS[0])
    assert by_name.apply_prompt_template("Hi") == llm.apply_prompt_template("Hi")
    assert by_name.get_context_length() == llm.get_context_length()
    assert by_name.get_load_config() == llm.get_load_config()
    assert by_name.get_info() == llm.get_info()
