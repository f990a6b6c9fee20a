"""System prompt and tools are kept between predictions, without changing any answer."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import anyio
import httpx
import pytest
from model_fixtures.wire_client import Connection

from .talking import loaded, prediction, stack

pytestmark = pytest.mark.anyio


def tool(name: str, description: str) -> dict[str, Any]:
    """Return a tool with two numbers as parameters."""
    number = {"type": "number", "description": "One of the two numbers."}
    schema = {"type": "object", "properties": {"a": number, "b": number}, "required": ["a", "b"]}
    function = {"name": name, "description": description, "parameters": schema}
    return {"type": "function", "function": function}


ADD = [tool("add", "Adds two numbers and returns their sum.")]
DIVIDE = [tool("divide", "Divides the first number by the second.")]
QUESTION = "Tell me a long story about numbers."
COLD: dict[str, Any] = {"llm__prediction__temperature": 0}
SEEDED: dict[str, Any] = {
    "llm__prediction__temperature": 1.5,
    "llm__prediction__seed": {"checked": True, "value": 11},
}
WARM: dict[str, Any] = {"llm__prediction__temperature": 1.5}


@pytest.fixture
async def identifier(llm: Connection) -> AsyncIterator[str]:
    """Provide an instance whose slot has processed nothing yet."""
    async with loaded(llm) as identifier:
        yield identifier


def request(
    identifier: str, tools: list[Any], sampling: dict[str, Any], text: str = QUESTION
) -> dict[str, Any]:
    """Return the creation parameter of a prediction of 30 tokens."""
    config = stack(
        llm__prediction__tools={"type": "toolArray", "tools": tools} if tools else {"type": "none"},
        llm__prediction__maxPredictedTokens={"checked": True, "value": 30},
        **sampling,
    )
    return prediction(text, config, identifier)


async def answer(llm: Connection, parameter: dict[str, Any]) -> tuple[str, int]:
    """Return the text of a prediction, and how many tokens of its prompt had been kept."""
    text, kept = "", 0
    async with llm.channel("predict", parameter) as channel:
        async for packet in channel:
            if packet["type"] == "fragment":
                text += packet["fragment"]["content"]
            elif packet["type"] == "promptProcessingProgress":
                kept = max(kept, packet["details"]["cachedTokenCount"])
    return text, kept


async def first_words(llm: Connection, parameter: dict[str, Any]) -> None:
    """Run a prediction until its first words, then cancel it."""
    async with llm.channel("predict", parameter, cancel_on_exit=True) as channel:
        async for packet in channel:
            if packet["type"] == "fragment":
                return


@pytest.mark.parametrize("sampling", [COLD, SEEDED], ids=["cold", "seeded"])
async def test_kept_preamble_changes_no_answer(
    llm: Connection, identifier: str, sampling: dict[str, Any]
) -> None:
    """The second of two equal requests processes only what follows the tools; texts are equal."""
    first, none = await answer(llm, request(identifier, ADD, sampling))
    second, some = await answer(llm, request(identifier, ADD, sampling))
    assert first == second != ""
    assert none == 0
    assert some >= 48


@pytest.mark.difference("equal-answers")
@pytest.mark.parametrize(
    "between", ["question", "tools", "no tools", "warm", "cancelled warm", "rest"]
)
async def test_equal_whatever_comes_between(
    llm: Connection, address: str, identifier: str, between: str
) -> None:
    """A request is answered the same after other requests; only the same tools are kept."""
    wanted, _ = await answer(llm, request(identifier, ADD, SEEDED))
    if between == "question":
        await answer(llm, request(identifier, ADD, SEEDED, "Something else."))
    elif between == "tools":
        await answer(llm, request(identifier, DIVIDE, SEEDED))
    elif between == "no tools":
        await answer(llm, request(identifier, [], COLD))
    elif between == "warm":
        await answer(llm, request(identifier, ADD, WARM))
    elif between == "cancelled warm":
        await first_words(llm, request(identifier, DIVIDE, WARM))
    else:
        said = [{"role": "user", "content": "A"}]
        body = {"model": identifier, "max_tokens": 5, "messages": said}
        async with httpx.AsyncClient(trust_env=False) as rest:
            response = await rest.post(
                f"http://{address}/v1/chat/completions", json=body, timeout=60
            )
        assert response.status_code == httpx.codes.OK
    text, kept = await answer(llm, request(identifier, ADD, SEEDED))
    assert text == wanted
    assert (kept >= 48) if between == "question" else kept == 0


async def test_preamble_is_kept_for_another_question(llm: Connection, identifier: str) -> None:
    """Another question with the same tools uses the kept preamble; with other tools it doesn't."""
    _, first = await answer(llm, request(identifier, ADD, COLD))
    _, same = await answer(llm, request(identifier, ADD, COLD, "Hello!"))
    _, other = await answer(llm, request(identifier, DIVIDE, COLD))
    assert first == other == 0
    assert same >= 48


async def test_cancelled_prediction_leaves_nothing_wrong(llm: Connection, identifier: str) -> None:
    """After a cancelled prediction the same request produces the same text."""
    parameter = request(identifier, ADD, SEEDED)
    wanted, _ = await answer(llm, parameter)
    await first_words(llm, parameter)
    assert (await answer(llm, parameter))[0] == wanted


@pytest.mark.difference("equal-answers")
async def test_equal_side_by_side(llm: Connection, identifier: str) -> None:
    """Simultaneous requests wait for one another, and each is answered as if it were alone."""
    parameters = [request(identifier, tools, SEEDED) for tools in (ADD, DIVIDE)]
    alone = [(await answer(llm, parameter))[0] for parameter in parameters]
    found: list[tuple[int, str]] = []

    async def ask(index: int) -> None:
        found.append((index, (await answer(llm, parameters[index]))[0]))

    async with anyio.create_task_group() as tasks:
        for index in (0, 1, 0, 1, 1, 0):
            tasks.start_soon(ask, index)
    assert len(found) == 6
    assert all(text == alone[index] for index, text in found)


async def test_unloading_ends_those_who_wait(llm: Connection, identifier: str) -> None:
    """When the model is unloaded, predictions that wait end as the running one does."""
    ends: list[str] = []

    async def ask() -> None:
        async with llm.channel("predict", request(identifier, ADD, COLD)) as channel:
            async for packet in channel:
                if packet["type"] == "fragment":
                    begun.set()
                if packet["type"] == "success":
                    ends.append(packet["stats"]["stopReason"])

    begun = anyio.Event()
    async with anyio.create_task_group() as tasks:
        for _ in range(4):
            tasks.start_soon(ask)
        await begun.wait()
        await llm.rpc("unloadModel", {"identifier": identifier})
    assert ends == ["modelUnloaded"] * 4


async def test_rest_client_that_leaves_gives_its_turn_back(
    llm: Connection, address: str, identifier: str
) -> None:
    """After REST clients that left while they waited or listened, predictions still work."""
    said = [{"role": "user", "content": "Tell a story."}]
    body = {"model": identifier, "max_tokens": 400, "messages": said, "stream": True}
    body["ignore_eos"] = True  # the first must still be running when the second gives up
    url = f"http://{address}/v1/chat/completions"
    async with (
        httpx.AsyncClient(trust_env=False) as rest,
        rest.stream("POST", url, json=body, timeout=60) as response,
    ):
        async for _ in response.aiter_lines():
            with pytest.raises(httpx.ReadTimeout):
                await rest.post(url, json=body, timeout=0.3)
            break
    with anyio.fail_after(30):
        assert (await answer(llm, request(identifier, ADD, COLD)))[0]
