"""Vectors of texts that are longer than the embedding stand-in takes at once."""

from __future__ import annotations

import math
from typing import cast

import pytest
from model_fixtures.server.engine.embedding_vectors import embed, expanded
from model_fixtures.server.engine.llama_client import LlamaServer

pytestmark = pytest.mark.anyio
BEGIN, WORD, OTHER, END = 101, 1, 2, 102
DIMENSIONS = 384  # of MiniLM


class FakeLlama:
    """A model whose texts are tokens; a vector says which token most of a window is."""

    def __init__(self) -> None:
        self.windows: list[list[int]] = []

    async def tokenize(self, text: str, *, special: bool) -> list[int]:
        """Return a token for each letter, between two markers."""
        return [BEGIN, *(WORD if letter == "a" else OTHER for letter in text), END]

    async def embed(self, windows: list[list[int]]) -> list[list[float]]:
        """Return a vector of length 2 for each window."""
        self.windows += windows
        axes = [max((WORD, OTHER), key=window.count) for window in windows]
        return [[2.0 * (axis == index) for index in range(DIMENSIONS)] for axis in axes]


async def vector(text: str, *, stand_in: bool) -> tuple[list[float], list[int]]:
    """Return the vector of a text, and the lengths of the windows in which it was embedded."""
    llama = FakeLlama()
    found = await embed(cast("LlamaServer", llama), text, stand_in=stand_in, context=2048)
    assert all((window[0], window[-1]) == (BEGIN, END) for window in llama.windows)
    return found, [len(window) for window in llama.windows]


@pytest.mark.difference("long-embeddings")
async def test_long_text_is_embedded_in_windows() -> None:
    """Each window has at most 512 tokens; its vector counts as often as it has tokens."""
    found, windows = await vector("a" * 510 + "b" * 254, stand_in=True)
    assert windows == [512, 256]
    mean = [0.0] * DIMENSIONS
    mean[WORD], mean[OTHER] = 2 / math.sqrt(5), 1 / math.sqrt(5)  # 512 : 256, of length 1
    assert found == pytest.approx(expanded(mean))


@pytest.mark.difference("embedding-weights")
async def test_vector_of_the_stand_in_is_as_long_as_the_real_models() -> None:
    """The stand-in's vector has 768 dimensions and the length 1."""
    found, windows = await vector("a" * 510, stand_in=True)
    assert windows == [512]
    assert len(found) == 768
    assert math.hypot(*found) == pytest.approx(1)


async def test_real_weights_get_the_whole_text() -> None:
    """Real weights embed a long text at once, and their dimensions stay."""
    found, windows = await vector("a" * 1000, stand_in=False)
    assert windows == [1002]
    assert len(found) == DIMENSIONS
