"""Errors in their wire form."""

from __future__ import annotations

from typing import Any

import pytest
from model_fixtures.server.protocol.errors import (
    CodedError,
    DomainMismatchError,
    NoModelMatchingError,
    PathNotFoundError,
    PresetNotFoundError,
    ServerError,
    SpecificModelUnloadedError,
)

NAMES = [f"model-{number}" for number in range(12)]


def test_absent_parts_are_left_out() -> None:
    """A title alone has no other keys; further parts have one each."""
    assert ServerError("No").to_wire() == {"title": "No", "rootTitle": "No"}
    assert ServerError("No", cause="why", suggestion="how").to_wire() == {
        "title": "No",
        "rootTitle": "No",
        "cause": "why",
        "suggestion": "how",
    }


@pytest.mark.parametrize(
    ("error", "title", "cause", "data"),
    [
        (
            NoModelMatchingError({"domain": "llm"}, NAMES, "It crashed"),
            "No loaded model satisfies the query",
            "It crashed",
            {
                "code": "generic.noModelMatchingQuery",
                "query": {"domain": "llm"},
                "loadedModelsSample": NAMES[:10],
                "totalLoadedModels": 12,
            },
        ),
        (
            PathNotFoundError("nothing", NAMES),
            "Model not found: nothing",
            None,
            {
                "code": "generic.pathNotFound",
                "path": "nothing",
                "availablePathsSample": NAMES[:10],
                "totalModels": 12,
            },
        ),
        (
            DomainMismatchError("a/b/c.gguf", "embedding", "llm"),
            "a/b/c.gguf is of domain embedding, not llm",
            None,
            {
                "code": "generic.domainMismatch",
                "path": "a/b/c.gguf",
                "actualDomain": "embedding",
                "expectedDomain": "llm",
            },
        ),
        (
            SpecificModelUnloadedError("It crashed"),
            "The model instance has been unloaded",
            "It crashed",
            {"code": "generic.specificModelUnloaded"},
        ),
        (
            PresetNotFoundError("nothing", [{"identifier": "@local:a", "name": "A"}]),
            "Preset not found: nothing",
            None,
            {
                "code": "generic.presetNotFound",
                "specifiedFuzzyPresetIdentifier": "nothing",
                "availablePresetsSample": [{"identifier": "@local:a", "name": "A"}],
                "totalAvailablePresets": 1,
            },
        ),
    ],
)
def test_coded_errors(
    error: CodedError, title: str, cause: str | None, data: dict[str, Any]
) -> None:
    """Each coded error has its title and its `displayData`, with samples of at most ten."""
    expected = {"title": title, "rootTitle": title, "displayData": data}
    assert error.to_wire() == expected | ({} if cause is None else {"cause": cause})
