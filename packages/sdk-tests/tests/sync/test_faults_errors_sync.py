# DO NOT EDIT. Written by scripts/generate_sync_tests.py from
# packages/sdk-tests/tests/async/test_faults_errors_async.py
# Change that, then: hatch run sync:generate
"""Errors that a host reports: every code of the protocol, on every kind of request."""

from typing import Any

import pytest
from lmstudio import (
    LLM,
    Client,
    LlmPredictionFragment,
    LMStudioModelNotFoundError,
    LMStudioPresetNotFoundError,
    LMStudioServerError,
)
from sdk_tests.faulty_clients_sync import faulty_client
from sdk_tests.model_names import UNKNOWN
from sdk_tests.scenarios import ScenarioServer, fail, rule
from sdk_tests.sdk_releases import SDK_1_6

pytestmark = [pytest.mark.embedded]

MODELS: dict[str, Any] = {"loadedModelsSample": ["a", "b"], "totalLoadedModels": 2}
CODES: list[tuple[dict[str, Any], type[LMStudioServerError]]] = [
    (
        {"code": "generic.noModelMatchingQuery", "query": {"identifier": "x"}, **MODELS},
        LMStudioModelNotFoundError,
    ),
    (
        {
            "code": "generic.pathNotFound",
            "path": "x",
            "availablePathsSample": ["a"],
            "totalModels": 1,
        },
        LMStudioModelNotFoundError if SDK_1_6 else LMStudioServerError,
    ),
    (
        {
            "code": "generic.presetNotFound",
            "specifiedFuzzyPresetIdentifier": "x",
            "availablePresetsSample": [{"identifier": "a", "name": "A"}],
            "totalAvailablePresets": 1,
        },
        LMStudioPresetNotFoundError,
    ),
    ({"code": "generic.specificModelUnloaded"}, LMStudioServerError),
    ({"code": "generic.identifierNotFound", "identifier": "x", **MODELS}, LMStudioServerError),
    (
        {
            "code": "generic.domainMismatch",
            "path": "x",
            "actualDomain": "llm",
            "expectedDomain": "embedding",
        },
        LMStudioServerError,
    ),
    (
        {
            "code": "generic.engineDoesNotSupportFeature",
            "feature": "vision",
            "engineName": "e",
            "engineType": "t",
            "installedVersion": "1",
            "supportedVersion": None,
        },
        LMStudioServerError,
    ),
    ({"code": "generic.missingRuntimeExtension"}, LMStudioServerError),
    ({"code": "generic.unheardOf"}, LMStudioServerError),
]
EACH_CODE = pytest.mark.parametrize(
    ("data", "kind"), CODES, ids=[data["code"].partition(".")[2] for data, _ in CODES]
)


def error(data: dict[str, Any]) -> dict[str, Any]:
    """Return an error of the host."""
    return {"title": "It is gone", "rootTitle": "It is gone", "displayData": data}


def check(
    failure: pytest.ExceptionInfo[LMStudioServerError],
    data: dict[str, Any],
    kind: type[LMStudioServerError],
    prefix: str,
) -> None:
    """Compare an exception with the error that the host sent."""
    assert type(failure.value) is kind
    assert str(failure.value).startswith(f"{prefix} error: \n\n  It is gone\n")
    assert failure.value.server_error is not None
    assert failure.value.server_error.display_data == data


@EACH_CODE
def test_failed_call(
    scenario_host: ScenarioServer, data: dict[str, Any], kind: type[LMStudioServerError]
) -> None:
    """A call that fails raises the class of the error's code; the session goes on."""
    when = {"namespace": "llm", "endpoint": "listLoaded"}
    with faulty_client(scenario_host, rule(fail(error(data)), **when)) as client:
        with pytest.raises(LMStudioServerError) as failure:
            client.llm.list_loaded()
        check(failure, data, kind, "RPC")
        assert isinstance(client.llm.list_loaded(), list)


@EACH_CODE
def test_failed_load(
    scenario_host: ScenarioServer, data: dict[str, Any], kind: type[LMStudioServerError]
) -> None:
    """A load that fails raises the class of the error's code; the session goes on."""
    when = {"namespace": "llm", "endpoint": "getOrLoad"}
    with faulty_client(scenario_host, rule(fail(error(data)), **when)) as client:
        with pytest.raises(LMStudioServerError) as failure:
            client.llm.model(UNKNOWN)
        check(failure, data, kind, "Model get/load")
        assert isinstance(client.llm.list_loaded(), list)


@EACH_CODE
def test_failed_prediction(
    scenario_host: ScenarioServer, data: dict[str, Any], kind: type[LMStudioServerError]
) -> None:
    """A prediction that fails raises the class of the error's code; the session goes on."""
    when = {"namespace": "llm", "endpoint": "predict"}
    with faulty_client(scenario_host, rule(fail(error(data)), **when)) as client:
        with pytest.raises(LMStudioServerError) as failure:
            LLM(UNKNOWN, client.llm).respond("Hello")
        check(failure, data, kind, "Chat response")
        assert isinstance(client.llm.list_loaded(), list)


HEAD = "RPC error: \n\n  No disk\n\n"


def message_of(client: Client) -> str:
    """Return the message of the exception that a call raises."""
    with pytest.raises(LMStudioServerError) as failure:
        client.llm.list_loaded()
    assert type(failure.value) is LMStudioServerError
    return str(failure.value)


@pytest.mark.parametrize(
    ("details", "message"),
    [
        ({}, "RPC error: Unknown error"),
        ({"title": "No disk"}, "RPC error: No disk"),
        ({"title": "No disk", "stack": "at disk.ts"}, "RPC error: No disk"),
        ({"title": "No disk", "rootTitle": "Full"}, "RPC error: Full: No disk"),
        (
            {"title": "No disk", "cause": "Full", "suggestion": "Buy one"},
            f"{HEAD}  Reported cause:\n    Full\n\n  Suggested potential remedy:\n    Buy one",
        ),
        (
            {"title": "No disk", "errorData": {"free": 0}},
            HEAD + '  Error details from server:\n    {\n      "free": 0\n    }',
        ),
        ({"title": 5}, "RPC error: 5"),
    ],
    ids=["empty", "title", "stack", "root-title", "advice", "data", "wrong-type"],
)
def test_error_text(scenario_host: ScenarioServer, details: dict[str, Any], message: str) -> None:
    """An error's parts make up the message; what is missing or wrong does not hide the error."""
    when = {"namespace": "llm", "endpoint": "listLoaded"}
    with faulty_client(scenario_host, rule(fail(details), **when)) as client:
        assert message_of(client) == message


def test_error_in_the_middle_of_a_stream(
    scenario_host: ScenarioServer, scenario_model: str
) -> None:
    """A stream that fails after some text raises the error, and so does its result."""
    when = {"namespace": "llm", "endpoint": "predict", "packet": "fragment", "nth": 2}
    with faulty_client(scenario_host, rule(fail({"title": "Worn out"}), **when)) as client:
        seen: list[LlmPredictionFragment] = []
        stream = LLM(scenario_model, client.llm).complete_stream(
            "Hello", config={"maxTokens": 5}, on_prediction_fragment=seen.append
        )
        with pytest.raises(LMStudioServerError, match=r"^Completion error: Worn out$"):
            stream.wait_for_result()
        assert len(seen) == 1
        with pytest.raises(LMStudioServerError, match=r"^Completion error: Worn out$"):
            stream.result()
        assert len(client.llm.list_loaded()) > 0
