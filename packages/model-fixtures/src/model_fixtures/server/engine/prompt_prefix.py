"""What comes before the user's words in a prompt, kept between predictions, to the bit.

llama.cpp's own cache keeps all that two prompts share; the rest is then a batch of another size,
which can change the last bits of a logit. A preamble (system prompt and tools) is always computed
by itself, kept or not, and the rest of the prompt after it. So equal requests give equal texts, and
the rounds of a chat with tools need not read the tools again.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, aclosing
from typing import Any

from .llama_client import Chunk, LlamaServer, PromptProgress

SHORTEST = 48  # tokens; a shorter preamble is read as fast as it is kept


async def complete(
    llama: LlamaServer, body: dict[str, Any], preamble: list[int]
) -> AsyncGenerator[Chunk, None]:
    """Yield the chunks of a streaming completion, whose prompt begins with a preamble.

    It holds the worker's prompt lock until its prompt has been read.

    Args:
        llama: the worker.
        body: the request; its prompt are tokens if there is a preamble.
        preamble: tokens, fewer than the prompt has, none if there is nothing to keep.
    """
    async with AsyncExitStack() as lock:
        await lock.enter_async_context(llama.prompt_lock())
        kept, llama.preamble = llama.preamble, []  # unknown, until this one has been read
        if preamble:
            held = len(preamble) if kept == preamble else 0
            async with aclosing(_read(llama, body["prompt"], len(preamble), held)) as steps:
                async for step in steps:
                    yield step
            seen: int | None = None  # how many tokens llama.cpp says it has kept
            async with aclosing(llama.complete({**body, "cache_prompt": True})) as chunks:
                async for chunk in chunks:
                    if chunk.prompt_progress is not None:
                        seen, chunk.prompt_progress.cache = chunk.prompt_progress.cache, held
                        if seen != len(preamble):
                            llama.keeps_preambles = False  # such as one with a sliding window
                            break
                    elif seen is not None:
                        llama.preamble, seen = preamble, None
                        await lock.aclose()
                    yield chunk
                else:
                    return
        async with aclosing(llama.complete(body)) as chunks:
            async for chunk in chunks:
                if chunk.prompt_progress is None:
                    await lock.aclose()
                yield chunk


async def _read(
    llama: LlamaServer, prompt: list[int], length: int, held: int
) -> AsyncGenerator[Chunk, None]:
    """Have the cache hold a preamble and nothing that the prompt has after it; gives progress."""
    filler = 0 if prompt[length] != 0 else 1  # ends what both prompts share
    body = {
        "prompt": [*prompt[:length], filler],
        "n_predict": 0,
        "cache_prompt": held > 0,
        "stream": True,
        "return_progress": True,
        "response_fields": ["stop"],
    }
    async with aclosing(llama.complete(body)) as chunks:
        async for chunk in chunks:
            if chunk.prompt_progress is not None:
                done = min(chunk.prompt_progress.processed, length)
                yield Chunk(prompt_progress=PromptProgress(len(prompt), held, done))
