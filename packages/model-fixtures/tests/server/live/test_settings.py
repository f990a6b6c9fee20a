"""Settings come back over the wire: those of loading and those of predictions."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from model_fixtures.wire_client import Connection, connect
from model_fixtures.wire_client.override_stack import override_stack

from ..sent_settings import (  # noqa: TID252 (tests are no importable package)
    EMBEDDING_LOAD,
    LLM_LOAD,
    PREDICTION,
    on,
)
from .talking import MODEL, predict, stack

pytestmark = pytest.mark.anyio
EMBEDDING = "text-embedding-nomic-embed-text-v1.5"


@asynccontextmanager
async def loaded_with(
    models: Connection, key: str, settings: dict[str, Any]
) -> AsyncIterator[dict[str, Any]]:
    """Provide a specifier of an instance that was loaded with settings."""
    parameter = {"modelKey": key, "loadConfigStack": override_stack(settings)}
    async with models.channel("loadModel", parameter) as channel:
        identifier = [packet async for packet in channel][-1]["info"]["identifier"]
    try:
        yield {"type": "query", "query": {"identifier": identifier}}
    finally:
        await models.rpc("unloadModel", {"identifier": identifier})


def values(config: dict[str, Any]) -> dict[str, Any]:
    """Return the values of a reported configuration by their keys."""
    return {field["key"]: field["value"] for field in config["fields"]}


@pytest.mark.difference("load-settings")
async def test_llm(llm: Connection) -> None:
    """All settings of a load come back, also with predictions; so do those of a prediction."""
    asked = {f"llm.prediction.{key}": value for key, value in PREDICTION.items()}
    async with loaded_with(llm, MODEL, LLM_LOAD) as specifier:
        assert values(await llm.rpc("getLoadConfig", {"specifier": specifier})) == LLM_LOAD
        identifier = specifier["query"]["identifier"]
        packets = await predict(llm, "Hi", override_stack(asked), identifier)
        assert values(packets[-1]["loadModelConfig"]) == LLM_LOAD
        assert values(packets[-1]["predictionConfig"]) == asked
        base = values(await llm.rpc("getBasePredictionConfig", {"specifier": specifier}))
        plain = await predict(
            llm,
            "Hi",
            stack(llm__prediction__maxPredictedTokens=on(1), llm__prediction__temperature=0),
            identifier,
        )
    assert base["llm.prediction.seed"] == LLM_LOAD["llm.load.seed"]
    changed = {
        key: value
        for key, value in values(plain[-1]["predictionConfig"]).items()
        if value != base[key]
    }
    # With a temperature, the stand-in samples as the app does, from 40 tokens: trained-sampling.
    assert changed == {
        "llm.prediction.maxPredictedTokens": on(1),
        "llm.prediction.temperature": 0,
        "llm.prediction.topKSampling": 40,
    }


async def test_embedding_model(address: str) -> None:
    """All settings of a load come back."""
    async with (
        connect(address, "embedding") as embedding,
        loaded_with(embedding, EMBEDDING, EMBEDDING_LOAD) as specifier,
    ):
        config = await embedding.rpc("getLoadConfig", {"specifier": specifier})
        assert values(config) == EMBEDDING_LOAD
