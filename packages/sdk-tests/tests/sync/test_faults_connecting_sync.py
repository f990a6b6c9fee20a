# DO NOT EDIT. Written by scripts/generate_sync_tests.py from
# packages/sdk-tests/tests/async/test_faults_connecting_async.py
# Change that, then: hatch run sync:generate
"""Hosts that misbehave while a client connects and authenticates."""

from typing import Any

import pytest
from lmstudio import Client, LMStudioServerError, LMStudioWebsocketError
from sdk_tests.faulty_clients_sync import faulty_client, nothing_left_running
from sdk_tests.scenarios import ScenarioServer, close, delay, replace, rule
from sdk_tests.sdk_releases import known_bug

pytestmark = [pytest.mark.embedded]

WHEN = {"namespace": "system", "type": "authentication"}
UNREACHABLE = r"^LM Studio is not reachable at ws://127\.0\.0\.1:\d+/system\. Is LM Studio run"
STRANGE: list[dict[str, Any]] = [
    close(),
    replace("{ this is no JSON"),
    replace("null"),
    replace({}),
    replace({"success": False}),
]
STRANGE_NAMES = ["closed", "no-json", "null", "empty", "no-reason"]


def connect(client: Client) -> None:
    """Open the client's connections, including that of `system`, and close all of them again."""
    try:
        with client:
            client.system.list_downloaded_models()
    finally:
        client.close()


def test_slow_authentication(scenario_host: ScenarioServer) -> None:
    """A client waits for a late answer to its authentication and then works."""
    with faulty_client(scenario_host, rule(delay(0.1), **WHEN)) as client:
        assert isinstance(client.system.list_downloaded_models(), list)


@pytest.mark.parametrize("fault", STRANGE, ids=STRANGE_NAMES)
def test_failed_authentication(scenario_host: ScenarioServer, fault: dict[str, Any]) -> None:
    """A host that hangs up or answers nonsense is not reachable, and another client can connect."""
    client = Client(scenario_host.address)
    with nothing_left_running():
        with (
            scenario_host.scenario(client, [rule(fault, **WHEN)]),
            pytest.raises(LMStudioWebsocketError, match=UNREACHABLE),
        ):
            connect(client)
        connect(Client(scenario_host.address))


REFUSAL = {"success": False, "error": {"title": "Not you"}}


def test_refused_authentication(scenario_host: ScenarioServer) -> None:
    """A refused authentication raises a server error with the host's reason."""
    client = Client(scenario_host.address)
    with nothing_left_running():
        with (
            scenario_host.scenario(client, [rule(replace(REFUSAL), **WHEN)]),
            pytest.raises(LMStudioServerError, match=r"^Authentication failed: Not you$"),
        ):
            connect(client)


@known_bug(
    "The reason for a refusal is a string in the protocol, but the error class takes it apart as a"
    " list of key and value pairs.",
    raises=ValueError,
    fixed_in="1.6.0b1",
)
def test_refused_with_a_text(scenario_host: ScenarioServer) -> None:
    """A refusal with a plain text, as the protocol has it, must raise a server error."""
    client = Client(scenario_host.address)
    refusal = {"success": False, "error": "Not you"}
    with nothing_left_running():
        with (
            scenario_host.scenario(client, [rule(replace(refusal), **WHEN)]),
            pytest.raises(LMStudioServerError, match=r"^Authentication failed: \s") as failure,
        ):
            connect(client)
    assert "Not you" in str(failure.value)
