# DO NOT EDIT. Written by scripts/generate_sync_tests.py from
# packages/sdk-tests/tests/async/test_concurrency_async.py
# Change that, then: hatch run sync:generate
"""Several requests at the same time."""

import pytest
from lmstudio import LLM, Client, EmbeddingModel
from sdk_tests.concurrency_sync import together
from sdk_tests.exact_answers import GREEDY, bare
from sdk_tests.forced_outputs import written
from sdk_tests.model_names import EMBEDDING_KEY, LLM_KEY, PLAIN_LLM_KEY
from sdk_tests.vector_math import vector

pytestmark = [pytest.mark.models]

WORDS = ["one", "two", "three", "four"]


def test_predictions_of_one_model(llm: LLM) -> None:
    """Concurrent predictions of one model all finish, each with its own text."""

    def predict(word: str) -> str:
        return (llm.complete("Say it: ", config=written(word))).content

    calls = [lambda word=word: predict(word) for word in WORDS]
    assert together(calls) == WORDS


def test_free_answers_of_one_model(llm: LLM) -> None:
    """Concurrent chats with one model each get the answer to their own prompt."""

    def ask(word: str) -> str:
        return bare((llm.respond(f"Say the word {word}.", config=GREEDY)).content)

    words = ["apple", "table", "green", "garden"]
    calls = [lambda word=word: ask(word) for word in words]
    assert together(calls) == words


def test_predictions_of_two_models(client: Client) -> None:
    """Concurrent predictions of two models on one session do not mix."""

    def predict(key: str) -> tuple[str, str]:
        result = (client.llm.model(key)).complete("Say it: ", config=written(key))
        return result.content, result.model_info.model_key

    keys = [LLM_KEY, PLAIN_LLM_KEY]
    calls = [lambda key=key: predict(key) for key in keys]
    assert together(calls) == [(key, key) for key in keys]


def test_interleaved_streams(llm: LLM) -> None:
    """Two open streams on one session can be read in any order."""
    first = llm.complete_stream("Say it: ", config=written("first"))
    second = llm.complete_stream("Say it: ", config=written("second"))
    first.start()
    second.start()
    assert (second.wait_for_result()).content == "second"
    assert (first.wait_for_result()).content == "first"


def test_calls_during_a_stream(llm: LLM) -> None:
    """Calls on the session of an open stream are answered, and the stream continues."""
    pieces = []
    for fragment in llm.complete_stream("Say it: ", config=written("as told")):
        pieces.append(fragment.content)
        assert (llm.get_info()).identifier == LLM_KEY
    assert "".join(pieces) == "as told"


def test_calls_of_different_namespaces(client: Client) -> None:
    """Concurrent requests on different sessions each get their own answer."""
    llm = client.llm.model(LLM_KEY)
    embedding_model = client.embedding.model(EMBEDDING_KEY)

    def embedded() -> int:
        return len(vector(embedding_model.embed("Hello")))

    def counted() -> int:
        return llm.count_tokens("Hello")

    def listed() -> int:
        return len(client.system.list_downloaded_models())

    alone = [embedded(), counted(), listed()]
    assert together([embedded, counted, listed]) == alone


def test_two_clients(client: Client, lmstudio_host: str) -> None:
    """Two clients predict with the same instance at the same time."""

    def predict(client: Client, word: str) -> str:
        return (LLM(LLM_KEY, client.llm).complete("Hi", config=written(word))).content

    with Client(lmstudio_host) as other_client:
        calls = [lambda: predict(client, "ours"), lambda: predict(other_client, "theirs")]
        assert together(calls) == ["ours", "theirs"]


def test_many_texts_at_once(embedding_model: EmbeddingModel) -> None:
    """One call tokenizes many texts to as many lists of tokens, in order."""
    texts = [f"number {number}" for number in range(20)]
    tokens = embedding_model.tokenize(texts)
    assert len(tokens) == len(texts)
    assert tokens[0] == embedding_model.tokenize(texts[0])
    assert tokens[-1] == embedding_model.tokenize(texts[-1])
    assert len(tokens) == len(texts)
