"""What happens when the context is full: each `contextOverflowPolicy` on a running model."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from model_fixtures.wire_client import ChannelError, Connection

from .talking import loaded, predict, stack, text_of

pytestmark = pytest.mark.anyio

CONTEXT = 256
WORDS = "one two three four five six seven eight nine ten "
FITS = WORDS * 16  # leaves room for fewer than OUTPUT tokens
LONG = WORDS * 32
OUTPUT = 120
GOING_ON = ["truncateMiddle", "rollingWindow"]


@pytest.fixture(scope="module")
async def identifier(llm: Connection) -> AsyncIterator[str]:
    """Provide a loaded instance with a small context."""
    async with loaded(llm, context=CONTEXT) as name:
        yield name


def config(policy: str, tokens: int, **more: Any) -> dict[str, Any]:
    """Return a stack with a policy and a limit of tokens."""
    return stack(
        llm__prediction__contextOverflowPolicy=policy,
        llm__prediction__temperature=0,
        llm__prediction__maxPredictedTokens={"checked": True, "value": tokens},
        **more,
    )


ENDLESS = {"llm__prediction__structured": {"type": "gbnf", "gbnfGrammar": "root ::= [a-z ]+"}}


async def test_output_stops_at_the_limit(llm: Connection, identifier: str) -> None:
    """With `stopAtLimit` the output ends when prompt and output fill the context."""
    packets = await predict(llm, FITS, config("stopAtLimit", OUTPUT, **ENDLESS), identifier)
    stats = packets[-1]["stats"]
    assert stats["stopReason"] == "contextLengthReached"
    assert stats["totalTokensCount"] == CONTEXT


@pytest.mark.difference("images-full-context")
@pytest.mark.parametrize("policy", GOING_ON)
async def test_output_goes_on(llm: Connection, identifier: str, policy: str) -> None:
    """With the other policies the output goes on in a full context, up to its own limit."""
    packets = await predict(llm, FITS, config(policy, OUTPUT, **ENDLESS), identifier)
    stats = packets[-1]["stats"]
    assert stats["stopReason"] == "maxPredictedTokensReached"
    assert stats["predictedTokensCount"] == OUTPUT
    assert stats["totalTokensCount"] > CONTEXT
    assert sum(one["fragment"]["tokensCount"] for one in packets if "fragment" in one) == OUTPUT


async def test_long_prompt_is_refused(llm: Connection, identifier: str) -> None:
    """With `stopAtLimit` a prompt that doesn't fit is an error that names both sizes."""
    with pytest.raises(ChannelError, match=rf"of \d+ tokens does not fit the context of {CONTEXT}"):
        await predict(llm, LONG, config("stopAtLimit", 4), identifier)


@pytest.mark.parametrize("policy", GOING_ON)
async def test_long_prompt_is_cut(llm: Connection, identifier: str, policy: str) -> None:
    """With the other policies a long prompt is cut so that a quarter of the context is free."""
    packets = await predict(llm, LONG, config(policy, 4), identifier)
    stats = packets[-1]["stats"]
    assert stats["promptTokensCount"] == CONTEXT * 3 // 4
    assert stats["predictedTokensCount"] == 4


async def test_head_of_a_long_prompt(llm: Connection, identifier: str) -> None:
    """`truncateMiddle` keeps the start of the prompt, which `rollingWindow` leaves out."""
    texts = {}
    for policy in GOING_ON:
        for name in ("Anna", "Bert"):
            text = f"My name is {name}. {LONG}"
            texts[policy, name] = text_of(await predict(llm, text, config(policy, 8), identifier))
    assert texts["rollingWindow", "Anna"] == texts["rollingWindow", "Bert"]
    assert texts["truncateMiddle", "Anna"] != texts["truncateMiddle", "Bert"]


@pytest.mark.difference("rest-full-context")
async def test_answer_over_rest(address: str, identifier: str) -> None:
    """Over REST an answer ends with `length` when prompt and answer fill the context."""
    message = {"role": "user", "content": FITS}
    body = {"model": identifier, "messages": [message], "max_tokens": -1, "temperature": 0}
    async with httpx.AsyncClient(trust_env=False, timeout=60) as client:
        url = f"http://{address}/v1/chat/completions"
        response = await client.post(url, json={**body, "grammar": "root ::= [a-z ]+"})
    answer = response.json()
    assert answer["choices"][0]["finish_reason"] == "length"
    assert answer["usage"]["total_tokens"] == CONTEXT
