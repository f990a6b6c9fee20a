"""Errors as the app reports them, with the codes that SDKs map to exceptions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from model_fixtures.server.errors import ExplainedError

SAMPLE_SIZE = 10


class ServerError(ExplainedError):
    """An error that the client gets as `rpcError` or `channelError`.

    Args:
        title: the main text, one line.
        cause: an extra line; with it the SDK's message becomes multi-line.
        suggestion: what the user can do, an extra line.
        display_data: machine-readable data with a `code`.
    """

    def __init__(
        self,
        title: str,
        *,
        cause: str | None = None,
        suggestion: str | None = None,
        display_data: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(title, cause=cause, suggestion=suggestion)
        self.display_data = display_data

    def to_wire(self) -> dict[str, Any]:
        """Return the `serializedLMSExtendedError` of this error; absent parts are left out."""
        # JS builds some messages from rootTitle, so it always equals the title.
        error: dict[str, Any] = {"title": self.title, "rootTitle": self.title}
        if self.cause is not None:
            error["cause"] = self.cause
        if self.suggestion is not None:
            error["suggestion"] = self.suggestion
        if self.display_data is not None:
            error["displayData"] = self.display_data
        return error


def no_model_matching(
    query: dict[str, Any], loaded: Sequence[str], crash: str | None = None
) -> ServerError:
    """No loaded model satisfies a query (SDK: `LMStudioModelNotFoundError`).

    Args:
        query: what was asked for.
        loaded: the identifiers that are there.
        crash: why the one that was asked for is there no more.
    """
    return ServerError(
        "No loaded model satisfies the query",
        cause=crash,
        display_data={
            "code": "generic.noModelMatchingQuery",
            "query": query,
            "loadedModelsSample": list(loaded[:SAMPLE_SIZE]),
            "totalLoadedModels": len(loaded),
        },
    )


def path_not_found(path: str, available: Sequence[str]) -> ServerError:
    """Return a model to load is not downloaded (SDK 1.6: `LMStudioModelNotFoundError`)."""
    return ServerError(
        f"Model not found: {path}",
        display_data={
            "code": "generic.pathNotFound",
            "path": path,
            "availablePathsSample": list(available[:SAMPLE_SIZE]),
            "totalModels": len(available),
        },
    )


def domain_mismatch(path: str, actual: str, expected: str) -> ServerError:
    """Return an embedding model was used through `llm`, or the other way round."""
    return ServerError(
        f"{path} is of domain {actual}, not {expected}",
        display_data={
            "code": "generic.domainMismatch",
            "path": path,
            "actualDomain": actual,
            "expectedDomain": expected,
        },
    )


def specific_model_unloaded(crash: str | None = None) -> ServerError:
    """Return an instance reference names no loaded instance; it may have crashed."""
    return ServerError(
        "The model instance has been unloaded",
        cause=crash,
        display_data={"code": "generic.specificModelUnloaded"},
    )


def preset_not_found(identifier: str, available: Sequence[dict[str, str]]) -> ServerError:
    """No preset fits an identifier (SDK: `LMStudioPresetNotFoundError`)."""
    return ServerError(
        f"Preset not found: {identifier}",
        display_data={
            "code": "generic.presetNotFound",
            "specifiedFuzzyPresetIdentifier": identifier,
            "availablePresetsSample": list(available[:SAMPLE_SIZE]),
            "totalAvailablePresets": len(available),
        },
    )
