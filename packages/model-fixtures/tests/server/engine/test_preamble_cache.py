"""The requests that keep a preamble, without llama.cpp."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest
from model_fixtures.server.engine.errors import EngineError
from model_fixtures.server.engine.llama_client import Chunk, LlamaServer, PromptProgress
from model_fixtures.server.engine.preamble_cache import complete

pytestmark = pytest.mark.anyio
PREAMBLE = [5, 6, 7]
BODY = {"prompt": [5, 6, 7, 0, 9], "cache_prompt": False}


class Llama:
    """Notes requests; answers with the number of kept tokens, then two pieces of text."""

    def __init__(self, *cached: int) -> None:
        self.preamble: list[int] = []
        self.keeps_preambles = True
        self.locking: list[str] = []
        self.asked: list[dict[str, Any]] = []
        self._cached = list(cached)

    @asynccontextmanager
    async def prompt_lock(self) -> AsyncIterator[None]:
        """Note when the lock is acquired and released."""
        self.locking.append("acquired")
        try:
            yield
        finally:
            self.locking.append(f"released after {len(self.asked)}")

    async def complete(self, body: dict[str, Any]) -> AsyncGenerator[Chunk, None]:
        """Process the prompt in two steps and answer, unless no token is wanted."""
        self.asked.append(body)
        total = len(body["prompt"])
        if not self._cached:
            raise EngineError("refused")
        kept = self._cached.pop(0)
        for done in (kept + 1, total):
            yield Chunk(prompt_progress=PromptProgress(total, kept, done))
        if "n_predict" not in body:
            yield Chunk(content="a")
            yield Chunk(content="b", stop=True)


async def run(llama: Llama, preamble: list[int] = PREAMBLE) -> list[tuple[int, int, int] | str]:
    """Return progress (total, kept, processed) and text of a completion."""
    found: list[tuple[int, int, int] | str] = []
    async for chunk in complete(cast("LlamaServer", llama), dict(BODY), preamble):
        done = chunk.prompt_progress
        found.append(chunk.content if done is None else (done.total, done.cache, done.processed))
    return found


async def test_first_time_it_is_read_by_itself() -> None:
    """The preamble is processed alone, then the rest; the next token of the prompt is not kept."""
    llama = Llama(0, 3)
    assert await run(llama) == [(5, 0, 1), (5, 0, 3), (5, 0, 4), (5, 0, 5), "a", "b"]
    alone, whole = llama.asked
    assert (alone["prompt"], alone["cache_prompt"], alone["n_predict"]) == ([5, 6, 7, 1], False, 0)
    assert (whole["prompt"], whole["cache_prompt"]) == (BODY["prompt"], True)
    assert llama.preamble == PREAMBLE
    assert llama.locking == ["acquired", "released after 2"]


async def test_next_time_it_is_kept() -> None:
    """What follows a kept preamble is removed before the rest is processed."""
    llama = Llama(3, 3)
    llama.preamble = PREAMBLE
    assert await run(llama) == [(5, 3, 3), (5, 3, 3), (5, 3, 4), (5, 3, 5), "a", "b"]
    assert [body["cache_prompt"] for body in llama.asked] == [True, True]
    assert llama.preamble == PREAMBLE


async def test_another_preamble_is_read_anew() -> None:
    """Another preamble than the kept one shares nothing with it."""
    llama = Llama(0, 3)
    llama.preamble = [5, 6]
    await run(llama)
    assert llama.asked[0]["cache_prompt"] is False


async def test_model_that_keeps_something_else() -> None:
    """If llama.cpp has kept other tokens, the prompt is processed anew, now and in future."""
    llama = Llama(0, 2, 0)
    assert (await run(llama))[-2:] == ["a", "b"]
    assert llama.asked[2] == BODY
    assert not llama.keeps_preambles
    assert llama.preamble == []


async def test_prompt_without_preamble() -> None:
    """Without a preamble there is one request, and the kept one is no longer relied on."""
    llama = Llama(0)
    llama.preamble = PREAMBLE
    await run(llama, [])
    assert llama.asked == [BODY]
    assert llama.preamble == []
    assert llama.locking == ["acquired", "released after 1"]


@pytest.mark.parametrize("cached", [[], [3]], ids=["reading", "completing"])
async def test_refusal(cached: list[int]) -> None:
    """After an error nothing is relied on, and the lock is released."""
    llama = Llama(*cached)
    llama.preamble = PREAMBLE
    with pytest.raises(EngineError, match="refused"):
        await run(llama)
    assert llama.preamble == []
    assert len(llama.locking) == 2


async def test_leaving_while_the_preamble_is_read() -> None:
    """A prediction that is cancelled while its preamble is processed leaves nothing to rely on."""
    llama = Llama(3, 3)
    llama.preamble = PREAMBLE
    chunks = complete(cast("LlamaServer", llama), dict(BODY), PREAMBLE)
    await anext(chunks)
    await chunks.aclose()
    assert llama.preamble == []
    assert llama.locking == ["acquired", "released after 1"]
