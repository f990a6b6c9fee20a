"""Keep the part of a prompt before the user's words between predictions, exact to the bit.

llama.cpp's own cache keeps everything that two prompts share. The rest is then a batch of another
size, which can change the last bits of a logit. Here a preamble (system prompt and tools) is always
computed separately, whether or not it is kept, and the rest of the prompt after it. So equal
requests produce equal texts, and a chat with tools does not process the tools again in each round.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, aclosing
from typing import Any

from .llama_client import Chunk, LlamaServer, PromptProgress

SHORTEST = 48  # tokens; a shorter preamble is processed as fast as it is kept


async def complete(
    llama: LlamaServer, body: dict[str, Any], preamble: list[int]
) -> AsyncGenerator[Chunk, None]:
    """Yield the chunks of a streaming completion, whose prompt begins with a preamble.

    It holds the worker's prompt lock until its prompt has been processed.

    Args:
        llama: the worker.
        body: the request; its prompt is a list of tokens if there is a preamble.
        preamble: the first tokens of the prompt, but not all; empty if nothing is to be kept.
    """
    async with AsyncExitStack() as lock:
        await lock.enter_async_context(llama.prompt_lock())
        kept, llama.preamble = llama.preamble, []  # unknown until this one is processed
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
                            llama.keeps_preambles = False  # as with a sliding window
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
    """Fill the cache with a preamble and nothing of the prompt after it; yield the progress."""
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
