"""Embedding texts."""

import pytest
from lmstudio import AsyncClient, AsyncEmbeddingModel
from sdk_tests.model_names import DIMENSIONS, EMBEDDING_NAME
from sdk_tests.vector_math import cosine, length, vector, vectors

pytestmark = [pytest.mark.anyio, pytest.mark.models]

CAT = "A cat sits on the mat."
KITTEN = "A kitten rests on a rug."
MARKET = "The stock market fell by three percent."


async def test_vector_of_a_text(embedding_model: AsyncEmbeddingModel) -> None:
    """A text becomes a vector of length 1 with one float for each dimension of the model."""
    result = vector(await embedding_model.embed(CAT))
    assert len(result) == DIMENSIONS
    assert {type(value) for value in result} == {float}
    assert length(result) == pytest.approx(1, abs=1e-3)


async def test_same_text_has_same_vector(embedding_model: AsyncEmbeddingModel) -> None:
    """Embedding a text again returns the same vector."""
    first = vector(await embedding_model.embed(CAT))
    assert vector(await embedding_model.embed(CAT)) == pytest.approx(first, abs=1e-4)


@pytest.mark.parametrize("make", [list, tuple, iter], ids=["list", "tuple", "iterator"])
async def test_vectors_of_several_texts(embedding_model: AsyncEmbeddingModel, make: type) -> None:
    """Several texts become one vector each, in order, equal to the vectors of single texts."""
    texts = [CAT, MARKET, KITTEN]
    results = vectors(await embedding_model.embed(make(texts)))
    assert len(results) == len(texts)
    for text, result in zip(texts, results, strict=True):
        assert cosine(result, vector(await embedding_model.embed(text))) == pytest.approx(
            1, abs=1e-3
        )


async def test_no_texts(embedding_model: AsyncEmbeddingModel) -> None:
    """An empty list of texts becomes an empty list of vectors."""
    assert list(await embedding_model.embed([])) == []


async def test_similar_texts_have_similar_vectors(embedding_model: AsyncEmbeddingModel) -> None:
    """Sentences about one thing are closer to each other than to a sentence about another."""
    cat, kitten, market = vectors(await embedding_model.embed([CAT, KITTEN, MARKET]))
    assert cosine(cat, kitten) > cosine(cat, market)
    assert cosine(cat, kitten) > cosine(kitten, market)
    assert cosine(cat, market) < 0.99


async def test_long_text(embedding_model: AsyncEmbeddingModel) -> None:
    """A text of over 512 tokens becomes a single vector, too."""
    long = "The cat sat on the mat and looked at the fish. " * 44
    assert await embedding_model.count_tokens(long) > 512, "the text is too short for this test"
    result = vector(await embedding_model.embed(long))
    assert len(result) == DIMENSIONS
    assert length(result) == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize("text", ["", "Grüße, 世界 🙂", "line\nbreak\ttab"])
async def test_unusual_text(embedding_model: AsyncEmbeddingModel, text: str) -> None:
    """Empty texts, other scripts and control characters can be embedded, too."""
    assert len(vector(await embedding_model.embed(text))) == DIMENSIONS


async def test_embedding_by_another_name(client: AsyncClient) -> None:
    """A handle with publisher and name uses the loaded model."""
    by_name = AsyncEmbeddingModel(EMBEDDING_NAME, client.embedding)
    assert len(vector(await by_name.embed(CAT))) == DIMENSIONS
