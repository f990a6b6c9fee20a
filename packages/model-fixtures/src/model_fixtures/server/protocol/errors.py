"""Errors as the app reports them, with the codes that SDKs map to exceptions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

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


class DeviceNotLinkedError(ServerError):
    """A request is for another machine.

    Args:
        device: the identifier of the machine.
    """

    def __init__(self, device: str) -> None:
        super().__init__(
            f"No device {device} is linked: the embedded server has its own models only"
        )


class CodedError(ServerError):
    """An error with a code in its `displayData`; each class below has its own.

    Args:
        title: the main text, one line.
        data: what `displayData` holds beside the code.
        cause: an extra line.
    """

    code: ClassVar[str]

    def __init__(self, title: str, data: dict[str, Any], *, cause: str | None = None) -> None:
        super().__init__(title, cause=cause, display_data={"code": self.code, **data})


class NoModelMatchingError(CodedError):
    """No loaded model satisfies a query (SDK: `LMStudioModelNotFoundError`).

    Args:
        query: what was asked for.
        loaded: the identifiers that are there.
        why: why it does not: the instance has crashed, or would be on another machine.
    """

    code = "generic.noModelMatchingQuery"

    def __init__(
        self, query: dict[str, Any], loaded: Sequence[str], why: str | None = None
    ) -> None:
        data = {
            "query": query,
            "loadedModelsSample": list(loaded[:SAMPLE_SIZE]),
            "totalLoadedModels": len(loaded),
        }
        super().__init__("No loaded model satisfies the query", data, cause=why)


class PathNotFoundError(CodedError):
    """A model to load is not downloaded (SDK 1.6: `LMStudioModelNotFoundError`).

    Args:
        path: what was asked for.
        available: the paths of the downloaded models.
    """

    code = "generic.pathNotFound"

    def __init__(self, path: str, available: Sequence[str]) -> None:
        data = {
            "path": path,
            "availablePathsSample": list(available[:SAMPLE_SIZE]),
            "totalModels": len(available),
        }
        super().__init__(f"Model not found: {path}", data)


class DomainMismatchError(CodedError):
    """An embedding model was used through `llm`, or the other way round.

    Args:
        path: the model's path.
        actual: the model's domain.
        expected: the domain through which it was used.
    """

    code = "generic.domainMismatch"

    def __init__(self, path: str, actual: str, expected: str) -> None:
        data = {"path": path, "actualDomain": actual, "expectedDomain": expected}
        super().__init__(f"{path} is of domain {actual}, not {expected}", data)


class SpecificModelUnloadedError(CodedError):
    """An instance reference names no loaded instance.

    Args:
        crash: why the instance is gone, None if it did not crash.
    """

    code = "generic.specificModelUnloaded"

    def __init__(self, crash: str | None = None) -> None:
        super().__init__("The model instance has been unloaded", {}, cause=crash)


class PresetNotFoundError(CodedError):
    """No preset fits an identifier (SDK: `LMStudioPresetNotFoundError`).

    Args:
        identifier: what was asked for.
        available: identifier and name of each preset.
    """

    code = "generic.presetNotFound"

    def __init__(self, identifier: str, available: Sequence[dict[str, str]]) -> None:
        data = {
            "specifiedFuzzyPresetIdentifier": identifier,
            "availablePresetsSample": list(available[:SAMPLE_SIZE]),
            "totalAvailablePresets": len(available),
        }
        super().__init__(f"Preset not found: {identifier}", data)
