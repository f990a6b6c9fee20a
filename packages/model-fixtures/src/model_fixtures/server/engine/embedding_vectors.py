"""Embedding vectors, including those of texts longer than the weights take at once."""

from __future__ import annotations

import math
from collections.abc import Sequence

from .errors import TooManyTokensError
from .llama_client import LlamaServer

WINDOW = 512  # positions of the MiniLM stand-in, markers included


async def embed(llama: LlamaServer, text: str, *, stand_in: bool, context: int) -> list[float]:
    """Return the L2-normalized vector of a text.

    The stand-in embeds longer texts in windows, averages them by token count, and expands its 384
    dimensions to 768 with a fixed matrix that keeps all lengths and cosines.

    Args:
        llama: the loaded embedding model.
        text: what to embed; even an empty text has a vector.
        stand_in: whether the model is the stand-in.
        context: the size of the context in tokens, markers included.

    Raises:
        TooManyTokensError: the text is longer than the context.
    """
    tokens = await llama.tokenize(text, special=True)
    return await embed_tokens(llama, tokens, stand_in=stand_in, context=context)


async def embed_tokens(
    llama: LlamaServer, tokens: list[int], *, stand_in: bool, context: int
) -> list[float]:
    """Return the L2-normalized vector of tokens, of which the first and last are markers.

    The other arguments and the errors are those of `embed`.
    """
    if len(tokens) > context:
        raise TooManyTokensError(
            f"The input of {len(tokens)} tokens does not fit the context of {context} tokens",
            suggestion="Split the text, or load the model with a larger context",
        )
    if not stand_in:
        return _normalized((await llama.embed([tokens]))[0])
    return expanded(await _windowed(llama, tokens))


async def _windowed(llama: LlamaServer, tokens: list[int]) -> list[float]:
    if len(tokens) <= WINDOW:
        return _normalized((await llama.embed([tokens]))[0])
    begin, *inner, end = tokens
    step = WINDOW - 2
    windows = [inner[start : start + step] for start in range(0, len(inner), step)]
    vectors = await llama.embed([[begin, *window, end] for window in windows])
    weights = [len(window) + 2 for window in windows]
    return _normalized(
        [
            sum(weight * value for weight, value in zip(weights, values, strict=True))
            for values in zip(*map(_normalized, vectors), strict=True)
        ]
    )


def expanded(vector: list[float]) -> list[float]:
    """Return a stand-in's vector in 768 dimensions; lengths and cosines stay the same."""
    # numpy takes a while to import, and most servers never embed.
    import numpy as np

    from model_fixtures.weights import expansion_matrix

    longer: list[float] = (expansion_matrix() @ np.asarray(vector)).tolist()
    return longer


def _normalized(vector: Sequence[float]) -> list[float]:
    length = math.sqrt(sum(value * value for value in vector))
    return [value / length for value in vector] if length else list(vector)
