"""The start of a prompt, kept from one prediction to the next without changing a bit of either.

llama.cpp's own cache keeps all that two prompts share; the rest is then a batch of another size,
which can change the last bits of a logit. Here the start (what comes before the user's words:
system prompt and tools) is always computed by itself, kept or not, and the rest after it. So equal
requests give equal texts, and the rounds of a chat with tools need not read the tools again.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

from .llama import LlamaServer

SHORTEST = 48  # tokens; a shorter one is read as fast as it is kept


async def keep_start(
    llama: LlamaServer, start: list[int], following: int
) -> AsyncGenerator[int, None]:
    """Makes the slot's cache begin with a start; gives how many of its tokens are done so far.

    Whoever calls it holds the only slot, and says in `llama.start` what is in the cache afterwards.

    Args:
        llama: the worker.
        start: the tokens.
        following: the token that comes after them in the prompt.
    """
    held, llama.start = llama.start == start, []
    body = {
        # The last token ends what both prompts share: all of the start and no more.
        "prompt": [*start, 0 if following != 0 else 1],
        "n_predict": 0,
        "cache_prompt": held,
        "stream": True,
        "return_progress": True,
        "response_fields": ["stop"],
    }
    async with aclosing(llama.complete(body)) as chunks:
        async for chunk in chunks:
            if chunk.prompt_progress is not None:
                yield min(chunk.prompt_progress.processed, len(start))
