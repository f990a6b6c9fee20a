"""Requests to the running server, for its tests."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from model_fixtures.catalog.catalog_files import read_built_in
from model_fixtures.hosts.embedded_server import EmbeddedServer
from model_fixtures.wire_client import Connection, RpcError, connect_raw
from model_fixtures.wire_client.override_stack import override_stack

MODEL = "llama-3.2-1b-instruct"  # the fastest of the stand-ins
SUITE_MODELS = len(read_built_in()[1])  # which every server lists
EMPTY_STACK: dict[str, Any] = {"layers": []}
# Of a prediction that never ends by itself: its grammar has no end, and the window rolls.
WITHOUT_END = override_stack(
    {
        "llm.prediction.maxPredictedTokens": {"checked": True, "value": -1},
        "llm.prediction.contextOverflowPolicy": "rollingWindow",
        "llm.prediction.structured": {"type": "gbnf", "gbnfGrammar": "root ::= [a-z] root"},
    }
)


def stack(**fields: Any) -> dict[str, Any]:
    """Return a configuration stack of one layer; underscores stand for dots in the keys."""
    return override_stack({key.replace("__", "."): fields[key] for key in fields})


def limit(tokens: int) -> dict[str, Any]:
    """Return a stack that limits the answer and samples greedily."""
    return stack(
        llm__prediction__maxPredictedTokens={"checked": True, "value": tokens},
        llm__prediction__temperature=0,
    )


def prediction(text: str, config: dict[str, Any], identifier: str) -> dict[str, Any]:
    """Return a creation parameter of `predict` with one user message."""
    content = [{"type": "text", "text": text}]
    return {
        "modelSpecifier": {"type": "query", "query": {"identifier": identifier}},
        "history": {"messages": [{"role": "user", "content": content}]},
        "predictionConfigStack": config,
    }


async def answers(address: str, namespace: str, *messages: Any) -> list[dict[str, Any]]:
    """Return what the server sends for messages before it answers a `keepAlive`."""
    async with connect_raw(address, namespace) as raw:
        assert (await raw.authenticate()).success
        for message in (*messages, {"type": "keepAlive"}):
            await raw.send_json(message)
        received: list[dict[str, Any]] = []
        while (message := await raw.receive_json()) != {"type": "keepAliveAck"}:
            received.append(message)
    return received


async def load(
    llm: Connection, identifier: str | None = None, *, context: int = 2048, **more: Any
) -> dict[str, Any]:
    """Load the model, and return the information about the instance."""
    parameter = {
        "modelKey": MODEL,
        "loadConfigStack": stack(llm__load__contextLength=context),
        **({} if identifier is None else {"identifier": identifier}),
        **more,
    }
    async with llm.channel("loadModel", parameter) as channel:
        packets = [packet async for packet in channel]
    assert packets[-1]["type"] == "success"
    info: dict[str, Any] = packets[-1]["info"]
    return info


@asynccontextmanager
async def loaded(llm: Connection, *, context: int = 2048) -> AsyncIterator[str]:
    """Provide the identifier of an instance that is unloaded afterwards."""
    identifier = (await load(llm, context=context))["identifier"]
    try:
        yield identifier
    finally:
        try:
            await llm.rpc("unloadModel", {"identifier": identifier})
        except RpcError as error:
            # A test may have unloaded or crashed it.
            if "satisfies" not in str(error):
                raise


async def predict(llm: Connection, text: str, config: dict[str, Any], identifier: str) -> Any:
    """Return all packets of a prediction."""
    async with llm.channel("predict", prediction(text, config, identifier)) as channel:
        return [packet async for packet in channel]


def text_of(packets: list[dict[str, Any]]) -> str:
    """Return the text of a prediction's packets."""
    return "".join(one["fragment"]["content"] for one in packets if "fragment" in one)


def workers_of(server: EmbeddedServer) -> set[int]:
    """Return the process ids of the server's workers (Linux)."""
    with open(f"/proc/{server.pid}/task/{server.pid}/children", encoding="utf-8") as children:  # noqa: PTH123
        return {int(number) for number in children.read().split()}
