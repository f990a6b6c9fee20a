"""Several requests at the same time."""

import pytest
from lmstudio import AsyncClient, AsyncEmbeddingModel, AsyncLLM
from sdk_tests.concurrency_async import together
from sdk_tests.exact_answers import GREEDY, bare
from sdk_tests.forced_outputs import written
from sdk_tests.model_names import EMBEDDING_KEY, LLM_KEY, PLAIN_LLM_KEY
from sdk_tests.vector_math import vector

pytestmark = [pytest.mark.anyio, pytest.mark.models]

WORDS = ["one", "two", "three", "four"]


async def test_predictions_of_one_model(llm: AsyncLLM) -> None:
    """Concurrent predictions of one model all finish, each with its own text."""

    async def predict(word: str) -> str:
        return (await llm.complete("Say it: ", config=written(word))).content

    calls = [lambda word=word: predict(word) for word in WORDS]
    assert await together(calls) == WORDS


async def test_free_answers_of_one_model(llm: AsyncLLM) -> None:
    """Concurrent chats with one model each get the answer to their own prompt."""

    async def ask(word: str) -> str:
        return bare((await llm.respond(f"Say the word {word}.", config=GREEDY)).content)

    words = ["apple", "table", "green", "garden"]
    calls = [lambda word=word: ask(word) for word in words]
    assert await together(calls) == words


async def test_predictions_of_two_models(client: AsyncClient) -> None:
    """Concurrent predictions of two models on one session do not mix."""

    async def predict(key: str) -> tuple[str, str]:
        result = await (await client.llm.model(key)).complete("Say it: ", config=written(key))
        return result.content, result.model_info.model_key

    keys = [LLM_KEY, PLAIN_LLM_KEY]
    calls = [lambda key=key: predict(key) for key in keys]
    assert await together(calls) == [(key, key) for key in keys]


async def test_interleaved_streams(llm: AsyncLLM) -> None:
    """Two open streams on one session can be read in any order."""
    first = await llm.complete_stream("Say it: ", config=written("first"))
    second = await llm.complete_stream("Say it: ", config=written("second"))
    await first.start()
    await second.start()
    assert (await second.wait_for_result()).content == "second"
    assert (await first.wait_for_result()).content == "first"


async def test_calls_during_a_stream(llm: AsyncLLM) -> None:
    """Calls on the session of an open stream are answered, and the stream continues."""
    pieces = []
    async for fragment in await llm.complete_stream("Say it: ", config=written("as told")):
        pieces.append(fragment.content)
        assert (await llm.get_info()).identifier == LLM_KEY
    assert "".join(pieces) == "as told"


async def test_calls_of_different_namespaces(client: AsyncClient) -> None:
    """Concurrent requests on different sessions each get their own answer."""
    llm = await client.llm.model(LLM_KEY)
    embedding_model = await client.embedding.model(EMBEDDING_KEY)

    async def embedded() -> int:
        return len(vector(await embedding_model.embed("Hello")))

    async def counted() -> int:
        return await llm.count_tokens("Hello")

    async def listed() -> int:
        return len(await client.system.list_downloaded_models())

    alone = [await embedded(), await counted(), await listed()]
    assert await together([embedded, counted, listed]) == alone


async def test_two_clients(client: AsyncClient, lmstudio_host: str) -> None:
    """Two clients predict with the same instance at the same time."""

    async def predict(client: AsyncClient, word: str) -> str:
        return (await AsyncLLM(LLM_KEY, client.llm).complete("Hi", config=written(word))).content

    async with AsyncClient(lmstudio_host) as other_client:
        calls = [lambda: predict(client, "ours"), lambda: predict(other_client, "theirs")]
        assert await together(calls) == ["ours", "theirs"]


async def test_many_texts_at_once(embedding_model: AsyncEmbeddingModel) -> None:
    """One call tokenizes many texts to as many lists of tokens, in order."""
    texts = [f"number {number}" for number in range(20)]
    tokens = await embedding_model.tokenize(texts)
    assert len(tokens) == len(texts)
    assert tokens[0] == await embedding_model.tokenize(texts[0])
    assert tokens[-1] == await embedding_model.tokenize(texts[-1])
    assert len(tokens) == len(texts)
