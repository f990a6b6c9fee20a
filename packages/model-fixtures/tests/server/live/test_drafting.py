"""Speculative decoding: a draft model proposes tokens, which change nothing but the speed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from model_fixtures.wire_client import ChannelError, Connection, RpcError

from .talking import MODEL, limit, loaded, predict, stack, text_of

pytestmark = pytest.mark.anyio

TOKENS = 24
DRAFT = "llm__prediction__speculativeDecoding__draftModel"
COUNTS = [f"{name}DraftTokensCount" for name in ("total", "accepted", "rejected", "ignored")]


@pytest.fixture(scope="module")
async def identifier(llm: Connection) -> AsyncIterator[str]:
    """Provide a loaded instance."""
    async with loaded(llm) as name:
        yield name


async def told(llm: Connection, identifier: str, **fields: Any) -> tuple[str, Any, set[bool]]:
    """Return a greedy prediction's text, its statistics, and its fragments' `containsDrafted`."""
    config = stack(
        llm__prediction__maxPredictedTokens={"checked": True, "value": TOKENS},
        llm__prediction__temperature=0,
        **fields,
    )
    packets = await predict(llm, "Tell me a story.", config, identifier)
    drafted = {one["fragment"]["containsDrafted"] for one in packets if "fragment" in one}
    return text_of(packets), packets[-1]["stats"], drafted


async def test_same_text(llm: Connection, identifier: str) -> None:
    """A draft model does not change the text; the counts say what became of its tokens."""
    plain, alone, nothing_drafted = await told(llm, identifier)
    text, stats, drafted = await told(llm, identifier, **{DRAFT: MODEL})
    total, accepted, rejected, ignored = (stats[name] for name in COUNTS)
    assert text == plain
    assert stats["usedDraftModelKey"] == MODEL
    assert stats["predictedTokensCount"] == alone["predictedTokensCount"] == TOKENS
    assert total == accepted + rejected + ignored
    assert 0 < accepted <= TOKENS
    assert drafted == {True}
    assert nothing_drafted == {False}
    assert "usedDraftModelKey" not in alone


async def test_unknown_draft_model(llm: Connection, identifier: str) -> None:
    """A missing draft model is an error that names it, also for a preload."""
    with pytest.raises(ChannelError, match='Cannot find model "nobody/nothing"'):
        await told(llm, identifier, **{DRAFT: "nobody/nothing"})
    parameter = {"specifier": {"type": "query", "query": {"identifier": identifier}}}
    with pytest.raises(RpcError, match='Cannot find model "nobody/nothing"'):
        await llm.rpc("preloadDraftModel", {**parameter, "draftModelKey": "nobody/nothing"})
    await llm.rpc("preloadDraftModel", {**parameter, "draftModelKey": MODEL})


@pytest.mark.difference("draft-settings")
async def test_settings_of_a_draft_model(llm: Connection, identifier: str) -> None:
    """Settings of drafting are reported, and neither the text nor the counts change."""
    plain, before, _ = await told(llm, identifier, **{DRAFT: MODEL})
    sent = {
        "minDraftLengthToConsider": 2,
        "numDraftTokensExact": 3,
        "minContinueDraftingProbability": 0.01,
    }
    prefix = "llm.prediction.speculativeDecoding."
    fields = {prefix + key: value for key, value in sent.items()}
    text, after, _ = await told(llm, identifier, **{DRAFT: MODEL}, **fields)
    assert text == plain
    assert [after[name] for name in COUNTS] == [before[name] for name in COUNTS]
    config = stack(**{DRAFT: MODEL}, **fields, llm__prediction__temperature=0)
    config["layers"][0]["config"]["fields"] += limit(2)["layers"][0]["config"]["fields"]
    end = (await predict(llm, "Hi", config, identifier))[-1]
    reported = {field["key"]: field["value"] for field in end["predictionConfig"]["fields"]}
    assert {key: reported[key] for key in fields} == fields
