# DO NOT EDIT. Written by scripts/generate_sync_tests.py from
# packages/sdk-tests/tests/async/test_embedding_async.py
# Change that, then: hatch run sync:generate
"""Embedding texts."""

import pytest
from lmstudio import Client, EmbeddingModel
from sdk_tests.model_names import DIMENSIONS, EMBEDDING_NAME
from sdk_tests.vector_math import cosine, length, vector, vectors

pytestmark = [pytest.mark.models]

CAT = "A cat sits on the mat."
KITTEN = "A kitten rests on a rug."
MARKET = "The stock market fell by three percent."


def test_vector_of_a_text(embedding_model: EmbeddingModel) -> None:
    """A text becomes a vector of length 1 with one float for each dimension of the model."""
    result = vector(embedding_model.embed(CAT))
    assert len(result) == DIMENSIONS
    assert {type(value) for value in result} == {float}
    assert length(result) == pytest.approx(1, abs=1e-3)


def test_same_text_has_same_vector(embedding_model: EmbeddingModel) -> None:
    """Embedding a text again returns the same vector."""
    first = vector(embedding_model.embed(CAT))
    assert vector(embedding_model.embed(CAT)) == pytest.approx(first, abs=1e-4)


@pytest.mark.parametrize("make", [list, tuple, iter], ids=["list", "tuple", "iterator"])
def test_vectors_of_several_texts(embedding_model: EmbeddingModel, make: type) -> None:
    """Several texts become one vector each, in order, equal to the vectors of single texts."""
    texts = [CAT, MARKET, KITTEN]
    results = vectors(embedding_model.embed(make(texts)))
    assert len(results) == len(texts)
    for text, result in zip(texts, results, strict=True):
        assert cosine(result, vector(embedding_model.embed(text))) == pytest.approx(1, abs=1e-3)


def test_no_texts(embedding_model: EmbeddingModel) -> None:
    """An empty list of texts becomes an empty list of vectors."""
    assert list(embedding_model.embed([])) == []


def test_similar_texts_have_similar_vectors(embedding_model: EmbeddingModel) -> None:
    """Sentences about one thing are closer to each other than to a sentence about another."""
    cat, kitten, market = vectors(embedding_model.embed([CAT, KITTEN, MARKET]))
    assert cosine(cat, kitten) > cosine(cat, market)
    assert cosine(cat, kitten) > cosine(kitten, market)
    assert cosine(cat, market) < 0.99


def test_long_text(embedding_model: EmbeddingModel) -> None:
    """A text of over 512 tokens becomes a single vector, too."""
    long = "The cat sat on the mat and looked at the fish. " * 44
    assert embedding_model.count_tokens(long) > 512, "the text is too short for this test"
    result = vector(embedding_model.embed(long))
    assert len(result) == DIMENSIONS
    assert length(result) == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize("text", ["", "Grüße, 世界 🙂", "line\nbreak\ttab"])
def test_unusual_text(embedding_model: EmbeddingModel, text: str) -> None:
    """Empty texts, other scripts and control characters can be embedded, too."""
    assert len(vector(embedding_model.embed(text))) == DIMENSIONS


def test_embedding_by_another_name(client: Client) -> None:
    """A handle with publisher and name uses the loaded model."""
    by_name = EmbeddingModel(EMBEDDING_NAME, client.embedding)
    assert len(vector(by_name.embed(CAT))) == DIMENSIONS
