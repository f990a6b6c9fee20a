"""`numParallelSessions`: as many predictions run at once, with the texts that they have alone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from itertools import groupby
from typing import Any

import anyio
import httpx
import pytest
from model_fixtures.hosts.embedded_server import EmbeddedServer
from model_fixtures.server.engine.engine import Engine
from model_fixtures.server.engine.load_config import engine_config
from model_fixtures.server.models.sessions import Sessions
from model_fixtures.server.protocol.kv_config import Settings
from model_fixtures.weights import Weights, ensure
from model_fixtures.wire_client import ChannelError, Connection
from model_fixtures.wire_client.override_stack import override_stack

from .talking import WITHOUT_END, limit, load, predict, prediction, text_of, workers_of

pytestmark = pytest.mark.anyio
CONTEXT = 256
KEY = "llm.load.numParallelSessions"


async def load_for(llm: Connection, sessions: int | None) -> str:
    """Load the model for as many predictions at once, and return the identifier."""
    fields: dict[str, Any] = {"llm.load.contextLength": CONTEXT}
    if sessions is not None:
        fields[KEY] = sessions
    identifier: str = (await load(llm, loadConfigStack=override_stack(fields)))["identifier"]
    return identifier


@asynccontextmanager
async def loaded_for(llm: Connection, sessions: int | None) -> AsyncIterator[str]:
    """Provide the identifier of an instance for as many predictions at once."""
    identifier = await load_for(llm, sessions)
    try:
        yield identifier
    finally:
        await llm.rpc("unloadModel", {"identifier": identifier})


async def reported(llm: Connection, identifier: str) -> object:
    """Return the number of sessions that an instance reports."""
    specifier = {"type": "query", "query": {"identifier": identifier}}
    config = await llm.rpc("getLoadConfig", {"specifier": specifier})
    return {field["key"]: field["value"] for field in config["fields"]}.get(KEY)


@pytest.mark.difference("parallel-sessions")
async def test_two_run_at_once(llm: Connection, server: EmbeddedServer) -> None:
    """Of three predictions two have text before any has ended; the third waits for one of them."""
    before = workers_of(server)
    async with loaded_for(llm, 2) as identifier:
        assert await reported(llm, identifier) == 2
        assert len(workers_of(server) - before) == 2
        parameter = prediction("Tell me a story.", WITHOUT_END, identifier)
        async with (
            llm.channel("predict", parameter) as first,
            llm.channel("predict", parameter) as second,
        ):
            await text_in(first)
            await text_in(second)
            async with llm.channel("predict", parameter) as third:
                assert (await anext(third))["type"] == "promptProcessingProgress"
                specifier = {"type": "query", "query": {"identifier": identifier}}
                asked = {"specifier": specifier, "throwIfNotFound": True}
                state = await llm.rpc("getInstanceProcessingState", asked)
                assert state == {"status": "generating", "queued": 1}
                await first.cancel()
                await text_in(third)
                for channel in (second, third):
                    await channel.cancel()
    assert workers_of(server) == before


async def text_in(channel: Any) -> None:
    """Wait for text of a prediction, which must not have ended."""
    async for packet in channel:
        assert packet["type"] != "success"
        if packet["type"] == "fragment":
            return
    raise AssertionError("the channel has ended")


@pytest.mark.difference("parallel-sessions")
async def test_one_at_a_time(llm: Connection) -> None:
    """Without the setting predictions take turns."""
    async with loaded_for(llm, None) as identifier:
        assert await reported(llm, identifier) == 1
        config = limit(8)
        order: list[str] = []

        async def run(name: str) -> None:
            parameter = prediction("Tell me a story.", config, identifier)
            async with llm.channel("predict", parameter) as channel:
                async for packet in channel:
                    if packet["type"] in {"fragment", "success"}:
                        order.append(name)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(run, "first")
            tasks.start_soon(run, "second")
        assert [name for name, _ in groupby(order)] == [order[0], order[-1]]


PROMPTS = [
    "Tell me a story.",
    "List three colours.",
    "What is the capital of France?",
    "Write a Python function that adds two numbers.",
    "Explain rain to a child in two sentences, please.",
    "Translate 'good morning' into German.",
    "Hi",
    "Name an animal and say why you like it. " * 4,
]


@pytest.mark.difference("parallel-sessions")
async def test_texts_are_those_of_predictions_alone(llm: Connection) -> None:
    """At temperature 0 texts and probabilities do not depend on what runs beside."""
    config = override_stack(
        {
            "llm.prediction.temperature": 0,
            "llm.prediction.maxPredictedTokens": {"checked": True, "value": 16},
            "llm.prediction.logProbs": {"checked": True, "value": 1},
        }
    )

    async def answer(identifier: str, text: str) -> tuple[str, list[float]]:
        packets = await predict(llm, text, config, identifier)
        fragments = [one["fragment"] for one in packets if "fragment" in one]
        return text_of(packets), [
            token["logProb"] for fragment in fragments for token in fragment["tokens"]
        ]

    async with loaded_for(llm, None) as identifier:
        alone = {text: await answer(identifier, text) for text in PROMPTS}
    beside: dict[str, tuple[str, list[float]]] = {}
    async with loaded_for(llm, 3) as identifier:

        async def run(text: str) -> None:
            beside[text] = await answer(identifier, text)

        async with anyio.create_task_group() as tasks:
            for text in PROMPTS:
                tasks.start_soon(run, text)
    assert beside == alone


@pytest.mark.difference("parallel-sessions")
async def test_each_has_the_whole_context(llm: Connection) -> None:
    """Prompts that fill most of the context fit in all sessions at once."""
    words = "word " * (CONTEXT - 60)
    async with loaded_for(llm, 2) as identifier:
        stats: list[dict[str, Any]] = []

        async def run() -> None:
            stats.append((await predict(llm, words, limit(4), identifier))[-1]["stats"])

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(run)
            tasks.start_soon(run)
        for each in stats:
            assert CONTEXT - 60 < each["promptTokensCount"] < CONTEXT
            assert each["predictedTokensCount"] >= 1
        too_long = override_stack({"llm.prediction.contextOverflowPolicy": "stopAtLimit"})
        with pytest.raises(ChannelError, match=f"does not fit the context of {CONTEXT} tokens"):
            await predict(llm, words * 2, too_long, identifier)


async def test_unloading_ends_those_that_wait_too(llm: Connection) -> None:
    """All predictions on an instance end with `modelUnloaded`, also one that has not begun."""
    identifier = await load_for(llm, 1)
    parameter = prediction("Tell me a story.", WITHOUT_END, identifier)
    async with llm.channel("predict", parameter) as first:
        await text_in(first)
        async with llm.channel("predict", parameter) as second:
            await anext(second)
            await llm.rpc("unloadModel", {"identifier": identifier})
            reasons = [
                packet["stats"]["stopReason"]
                for channel in (first, second)
                async for packet in channel
                if packet["type"] == "success"
            ]
    assert reasons == ["modelUnloaded"] * 2


async def test_rest_has_sessions_too(llm: Connection, server: EmbeddedServer) -> None:
    """A request over REST runs beside a prediction of the SDK."""
    async with loaded_for(llm, 2) as identifier:
        parameter = prediction("Tell me a story.", WITHOUT_END, identifier)
        async with llm.channel("predict", parameter, cancel_on_exit=True) as endless:
            await text_in(endless)
            body = {"model": identifier, "prompt": "One two three", "max_tokens": 2}
            async with httpx.AsyncClient(timeout=120) as http:
                url = f"http://{server.address}/v1/completions"
                answers = [await http.post(url, json=body) for _ in range(2)]
                body["stream"] = True
                answers.append(await http.post(url, json=body))
    assert [answer.status_code for answer in answers] == [200, 200, 200]


async def test_log_says_that_all_is_generated() -> None:
    """A session ends although its prediction is not left, since a client may be slow to read it."""
    weights = ensure([Weights.SMOLLM2_CHAT])[Weights.SMOLLM2_CHAT]
    config = engine_config(weights, Settings(), embedding=False, context_length=256, threads=1)
    body = {"prompt": "One two three", "n_predict": 3, "stream": True}
    async with anyio.create_task_group() as tasks:
        engine = await Engine.start(config, tasks, lambda progress: None)
        try:
            async with Sessions([engine]).one() as session:
                session.answers()
                async with aclosing(engine.llama.complete(body)) as chunks:
                    first = await anext(chunks)
                    with anyio.fail_after(60):
                        while not session.ended:
                            await anyio.sleep(0.01)
                assert not first.stop
        finally:
            await engine.close()
