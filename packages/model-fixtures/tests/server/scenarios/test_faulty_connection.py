"""Scenarios: which messages they wait for, and what happens then."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from model_fixtures.server.scenarios.faulty_connection import (
    ActiveRules,
    CloseSocket,
    FaultyConnection,
    SendFrame,
    Step,
    Wait,
)
from model_fixtures.server.scenarios.scenario_rules import ScenarioRule

FRAGMENT = {"type": "channelSend", "channelId": 4, "message": {"type": "fragment"}}
RESULT = {"type": "rpcResult", "callId": 4, "result": []}


def connection(*rules: dict[str, Any]) -> FaultyConnection:
    """Return a connection to `llm` with channel `predict` and call `listLoaded`, both with id 4."""
    active = ActiveRules([msgspec.convert(rule, ScenarioRule) for rule in rules])
    faulty = FaultyConnection("llm", active)
    for message in (
        {"type": "channelCreate", "endpoint": "predict", "channelId": 4},
        {"type": "rpcCall", "endpoint": "listLoaded", "callId": 4},
    ):
        faulty.inbound(json.dumps(message))
    return faulty


def out(faulty: FaultyConnection, message: dict[str, Any]) -> list[Step]:
    """Return the steps that are taken instead of sending a message."""
    return faulty.outbound(json.dumps(message).encode())


def sent(steps: list[Step]) -> list[Any]:
    """Return the messages that are sent."""
    return [json.loads(step.frame) for step in steps if isinstance(step, SendFrame)]


def rule(then: dict[str, Any], **when: Any) -> dict[str, Any]:
    """Return a rule in wire form."""
    return {"when": when, "then": then}


@pytest.mark.parametrize(
    ("when", "fits"),
    [
        ({}, True),
        ({"packet": "fragment"}, True),
        ({"packet": "success"}, False),
        ({"type": "channelSend", "endpoint": "predict", "namespace": "llm"}, True),
        ({"endpoint": "listLoaded"}, False),
        ({"namespace": "system"}, False),
        ({"type": "rpcResult"}, False),
        ({"nth": 2}, False),
    ],
)
def test_everything_that_is_given_must_fit(when: dict[str, Any], fits: bool) -> None:
    """A rule takes effect where all of its conditions hold, and nowhere else."""
    steps = out(connection(rule({"do": "drop"}, **when)), FRAGMENT)
    assert (steps == []) is fits


def test_calls_and_channels_of_one_id_are_told_apart() -> None:
    """The endpoint of a call is not that of the channel with the same number."""
    faulty = connection(rule({"do": "drop"}, endpoint="listLoaded"))
    assert sent(out(faulty, FRAGMENT)) == [FRAGMENT]
    assert out(faulty, RESULT) == []


def test_a_rule_happens_once_at_its_turn() -> None:
    """The nth fitting message is affected, those before and after are not."""
    faulty = connection(rule({"do": "drop"}, packet="fragment", nth=2))
    assert [len(out(faulty, FRAGMENT)) for _ in range(4)] == [1, 0, 1, 1]


def test_every_fault() -> None:
    """Each kind of fault has its steps, one after the other."""
    faulty = connection(
        rule({"do": "delay", "seconds": 0.5}),
        rule({"do": "stall"}),
        rule({"do": "close", "code": 1001, "reason": "gone"}),
        rule({"do": "replace", "frame": "{oops"}),
        rule({"do": "insert", "messages": [{"type": "channelClose", "channelId": "$id"}]}),
        rule({"do": "fail", "error": {"title": "broken"}}),
    )
    frame = json.dumps(FRAGMENT).encode()
    assert out(faulty, FRAGMENT) == [Wait(0.5), SendFrame(frame)]
    assert out(faulty, FRAGMENT) == [Wait(None)]
    assert out(faulty, FRAGMENT) == [CloseSocket(1001, "gone")]
    assert out(faulty, FRAGMENT) == [SendFrame(b"{oops")]
    assert sent(out(faulty, FRAGMENT)) == [{"type": "channelClose", "channelId": 4}, FRAGMENT]
    assert sent(out(faulty, RESULT)) == [
        {"type": "rpcError", "error": {"title": "broken"}, "callId": 4}
    ]
    assert out(faulty, FRAGMENT) == [SendFrame(frame)]


def test_rules_of_a_client_hold_for_all_its_connections() -> None:
    """What has happened on one connection doesn't happen on another."""
    active = ActiveRules([msgspec.convert(rule({"do": "drop"}), ScenarioRule)])
    first, second = FaultyConnection("llm", active), FaultyConnection("system", active)
    assert out(first, FRAGMENT) == []
    assert sent(out(second, FRAGMENT)) == [FRAGMENT]


@pytest.mark.parametrize(
    "wrong",
    [
        rule({"do": "explode"}),
        rule({"do": "delay"}),
        rule({"do": "drop"}, moon="full"),
        {"when": {}},
    ],
)
def test_unknown_words_are_refused(wrong: dict[str, Any]) -> None:
    """A misspelt rule is an error, not a rule that never happens."""
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(wrong, ScenarioRule)
