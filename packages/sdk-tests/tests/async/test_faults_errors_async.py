"""Errors that a host reports: every code of the protocol on every kind of request."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from lmstudio import (
    AsyncClient,
    AsyncLLM,
    LlmPredictionFragment,
    LMStudioModelNotFoundError,
    LMStudioPresetNotFoundError,
    LMStudioServerError,
)
from sdk_tests.faulty_clients_async import faulty_client
from sdk_tests.model_names import UNKNOWN
from sdk_tests.scenarios import ScenarioServer, fail, rule
from sdk_tests.sdk_releases import SDK_1_6

pytestmark = [pytest.mark.anyio, pytest.mark.embedded]

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
"""Display data of the host's errors, and the class of the exception for each."""

REQUESTS: dict[str, tuple[Callable[[AsyncClient], Awaitable[Any]], str]] = {
    "listLoaded": (lambda client: client.llm.list_loaded(), "RPC"),
    "getOrLoad": (lambda client: client.llm.model(UNKNOWN), "Model get/load"),
    "predict": (lambda client: AsyncLLM(UNKNOWN, client.llm).respond("Hello"), "Chat response"),
}
"""A request for each kind of endpoint, and the beginning of its error messages."""


@pytest.mark.parametrize("endpoint", REQUESTS)
@pytest.mark.parametrize(
    ("data", "kind"), CODES, ids=[data["code"].partition(".")[2] for data, _ in CODES]
)
async def test_failed_request(
    scenario_host: ScenarioServer,
    endpoint: str,
    data: dict[str, Any],
    kind: type[LMStudioServerError],
) -> None:
    """A request that fails raises the class for the error's code, and the session stays usable."""
    request, prefix = REQUESTS[endpoint]
    details = {"title": "It is gone", "rootTitle": "It is gone", "displayData": data}
    failing = rule(fail(details), namespace="llm", endpoint=endpoint)
    async with faulty_client(scenario_host, failing) as client:
        with pytest.raises(LMStudioServerError) as failure:
            await request(client)
        assert type(failure.value) is kind
        assert str(failure.value).startswith(f"{prefix} error: \n\n  It is gone\n")
        assert failure.value.server_error is not None
        assert failure.value.server_error.display_data == data
        assert isinstance(await client.llm.list_loaded(), list)


HEAD = "RPC error: \n\n  No disk\n\n"


async def message_of(client: AsyncClient) -> str:
    """Return the message of the server error that a call raises."""
    with pytest.raises(LMStudioServerError) as failure:
        await client.llm.list_loaded()
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
async def test_error_text(
    scenario_host: ScenarioServer, details: dict[str, Any], message: str
) -> None:
    """An error's parts make up the message, and missing or wrong parts do not hide the error."""
    when = {"namespace": "llm", "endpoint": "listLoaded"}
    async with faulty_client(scenario_host, rule(fail(details), **when)) as client:
        assert await message_of(client) == message


async def test_error_in_the_middle_of_a_stream(
    scenario_host: ScenarioServer, scenario_model: str
) -> None:
    """A stream that fails after some text raises the error, and so does its result."""
    when = {"namespace": "llm", "endpoint": "predict", "packet": "fragment", "nth": 2}
    async with faulty_client(scenario_host, rule(fail({"title": "Worn out"}), **when)) as client:
        seen: list[LlmPredictionFragment] = []
        stream = await AsyncLLM(scenario_model, client.llm).complete_stream(
            "Hello", config={"maxTokens": 5}, on_prediction_fragment=seen.append
        )
        with pytest.raises(LMStudioServerError, match=r"^Completion error: Worn out$"):
            await stream.wait_for_result()
        assert len(seen) == 1
        with pytest.raises(LMStudioServerError, match=r"^Completion error: Worn out$"):
            stream.result()
        assert await client.llm.list_loaded(), "the session lists no model after the error"
