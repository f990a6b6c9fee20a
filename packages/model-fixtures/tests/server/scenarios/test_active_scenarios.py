"""Scenarios that start and end while connections are open."""

from __future__ import annotations

import json
from typing import Any

import msgspec
from model_fixtures.server.scenarios.active_scenarios import ActiveScenarios
from model_fixtures.server.scenarios.faulty_connection import SendFrame
from model_fixtures.server.scenarios.scenario_rules import Scenario

CLIENT = "guest:someone"
FRAME = json.dumps({"type": "rpcResult", "callId": 1, "result": 1}).encode()


def scenario(**then: Any) -> Scenario:
    """Return a scenario of one rule for every message."""
    rules = [{"when": {}, "then": then}]
    return msgspec.convert({"clientIdentifier": CLIENT, "rules": rules}, Scenario)


def test_the_end_holds_for_open_connections() -> None:
    """Faults that have not happened when a scenario ends don't happen later, either."""
    scenarios = ActiveScenarios()
    scenarios.start(scenario(do="drop"))
    connection = scenarios.connection(CLIENT, "llm")
    assert connection is not None
    assert len(scenarios.end(CLIENT)) == 1
    assert connection.outbound(FRAME) == [SendFrame(FRAME)]
    assert scenarios.connection(CLIENT, "llm") is None


def test_a_second_scenario_ends_the_first() -> None:
    """Open connections leave the old rules; new ones follow the new."""
    scenarios = ActiveScenarios()
    scenarios.start(scenario(do="drop"))
    old = scenarios.connection(CLIENT, "llm")
    scenarios.start(scenario(do="stall"))
    new = scenarios.connection(CLIENT, "llm")
    assert old is not None
    assert new is not None
    assert old.outbound(FRAME) == [SendFrame(FRAME)]
    assert new.outbound(FRAME) != [SendFrame(FRAME)]


def test_what_is_pending() -> None:
    """A rule is pending until it has happened; asking ends no scenario."""
    scenarios = ActiveScenarios()
    scenarios.start(scenario(do="drop"))
    assert len(scenarios.pending(CLIENT)) == 1
    connection = scenarios.connection(CLIENT, "llm")
    assert connection is not None
    assert connection.outbound(FRAME) == []
    assert scenarios.pending(CLIENT) == scenarios.pending("nobody") == []
    assert scenarios.connection(CLIENT, "llm") is not None
