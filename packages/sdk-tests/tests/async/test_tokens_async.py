"""Tokens, prompt templates and the context length."""

from typing import Any

import pytest
from lmstudio import AsyncClient, AsyncEmbeddingModel, AsyncLLM, Chat
from model_fixtures.catalog import CatalogModel
from sdk_tests.model_names import LLM_NAME

pytestmark = [pytest.mark.anyio, pytest.mark.models]

TEXTS = ["Hello", "A longer text, with 12 numbers.", "Grüße, 世界 🙂"]


@pytest.mark.parametrize("text", TEXTS, ids=["word", "sentence", "unicode"])
async def test_llm_counts_all_tokens(llm: AsyncLLM, text: str) -> None:
    """An LLM counts as many tokens as it returns, and each token is an integer."""
    tokens = await llm.tokenize(text)
    assert {type(token) for token in tokens} == {int}
    assert await llm.count_tokens(text) == len(tokens)


@pytest.mark.parametrize("text", TEXTS, ids=["word", "sentence", "unicode"])
async def test_embedding_model_leaves_markers_out(
    embedding_model: AsyncEmbeddingModel, text: str
) -> None:
    """An embedding model's tokens include a begin and an end marker, which its count omits."""
    tokens = await embedding_model.tokenize(text)
    assert await embedding_model.count_tokens(text) == len(tokens) - 2
    empty = await embedding_model.tokenize("")
    assert (tokens[:1], tokens[-1:]) == (empty[:1], empty[-1:])


@pytest.mark.parametrize("make", [list, tuple, iter], ids=["list", "tuple", "iterator"])
async def test_several_texts(llm: AsyncLLM, make: type) -> None:
    """Several texts become lists of tokens in order, equal to the lists of single texts."""
    assert await llm.tokenize(make(TEXTS)) == [await llm.tokenize(text) for text in TEXTS]


async def test_several_texts_for_an_embedding_model(embedding_model: AsyncEmbeddingModel) -> None:
    """Embedding models tokenize several texts as LLMs do."""
    singles = [await embedding_model.tokenize(text) for text in TEXTS]
    assert await embedding_model.tokenize(TEXTS) == singles


async def test_no_texts(llm: AsyncLLM) -> None:
    """An empty list of texts becomes an empty list."""
    assert list(await llm.tokenize([])) == []


async def test_tokens_do_not_depend_on_the_rest_of_the_text(plain_llm: AsyncLLM) -> None:
    """A text has the same tokens alone and as a line of a longer text."""
    text = "Hello there, world."
    tokens = list(await plain_llm.tokenize(text))
    assert list(await plain_llm.tokenize(text + "\n" + text)) == [
        *tokens,
        *(await plain_llm.tokenize("\n")),
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
async def test_template_takes_every_history_form(llm: AsyncLLM, history: Any) -> None:
    """The template formats the same history alike as a text, as a dict and as a chat."""
    chat = Chat()
    chat.add_user_message("What is up?")
    assert await llm.apply_prompt_template(history) == await llm.apply_prompt_template(chat)


async def test_template_has_all_messages_in_order(llm: AsyncLLM) -> None:
    """The template formats every message, in the order of the chat."""
    chat = Chat("Instruction alpha.")
    chat.add_user_message("Question beta?")
    chat.add_assistant_response("Answer gamma.")
    chat.add_user_message("Question delta?")
    formatted = await llm.apply_prompt_template(chat)
    places = [
        formatted.find(text)
        for text in ("Instruction alpha.", "Question beta?", "Answer gamma.", "Question delta?")
    ]
    assert places == sorted(places)
    assert -1 not in places


async def test_template_asks_for_an_answer(plain_llm: AsyncLLM) -> None:
    """The template ends a chat with the header of the assistant's answer."""
    chat = Chat()
    chat.add_user_message("Question beta?")
    formatted = await plain_llm.apply_prompt_template(chat)
    header = formatted.partition("Question beta?")[2]
    chat.add_assistant_response("Answer gamma.")
    chat.add_user_message("Question delta?")
    longer = await plain_llm.apply_prompt_template(chat)
    assert longer.startswith(formatted + "Answer gamma.")
    assert longer.endswith("Question delta?" + header)


async def test_template_of_unusual_histories(llm: AsyncLLM) -> None:
    """The template formats late system messages, multi-part messages and a final response."""
    chat = Chat()
    chat.add_user_message(["Text one.", "Text two."])
    chat.add_system_prompt("Late instruction.")
    chat.add_user_message("Question?")
    chat.add_assistant_response("Beginning of")
    formatted = await llm.apply_prompt_template(chat)
    for text in ("Text one.", "Text two.", "Late instruction.", "Question?", "Beginning of"):
        assert formatted.count(text) == 1


async def test_template_options(plain_llm: AsyncLLM) -> None:
    """Template options are accepted, and omitBosToken changes nothing without such a token."""
    formatted = await plain_llm.apply_prompt_template("Hello")
    omitting = await plain_llm.apply_prompt_template("Hello", {"omitBosToken": True})
    assert omitting == formatted


async def test_context_length_is_that_of_the_load(
    client: AsyncClient, loaded_models: tuple[CatalogModel, ...]
) -> None:
    """Each loaded model reports the context length of its load in all places."""
    for expected in loaded_models:
        session = client.llm if expected.domain == "llm" else client.embedding
        model = await session.model(expected.key)
        info = await model.get_info()
        config = await model.get_load_config()
        assert await model.get_context_length() == expected.context_length
        assert info.context_length == expected.context_length
        assert config.context_length == expected.context_length


async def test_all_calls_by_another_name(client: AsyncClient, llm: AsyncLLM) -> None:
    """A handle with publisher and name gets the same answers as one with the identifier."""
    by_name = AsyncLLM(LLM_NAME, client.llm)
    assert await by_name.tokenize(TEXTS) == await llm.tokenize(TEXTS)
    assert await by_name.count_tokens(TEXTS[0]) == await llm.count_tokens(TEXTS[0])
    assert await by_name.apply_prompt_template("Hi") == await llm.apply_prompt_template("Hi")
    assert await by_name.get_context_length() == await llm.get_context_length()
    assert await by_name.get_load_config() == await llm.get_load_config()
    assert await by_name.get_info() == await llm.get_info()
