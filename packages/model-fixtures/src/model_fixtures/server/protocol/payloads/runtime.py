"""Payloads of the `runtime` namespace."""

from __future__ import annotations

from typing import Literal

from msgspec import UNSET, Struct, UnsetType

from .models import Name


class EngineSpecifier(Struct):
    """An engine; the parameter of `removeEngine`."""

    name: Name
    version: Name


class SuperjsonNothing(Struct):
    """Parameter of `getEngineSelections`: nothing, as superjson writes it."""

    json: None = None


class SelectEngine(Struct, rename="camel"):
    """Parameter of `selectEngine`."""

    engine: EngineSpecifier
    model_format_name: Literal["GGUF", "MLX", "GGML", "PT", "PTE", "yuzu"]


class SurveyScope(Struct):
    """Parameter of `surveyHardware`: which engines to ask, `engines` for `custom` alone."""

    type: Literal["selected", "all", "custom"] = "selected"
    engines: list[EngineSpecifier] = []


class SearchExtensions(Struct, rename="camel"):
    """Parameter of `searchRuntimeExtensions`."""

    query: str
    include_incompatible: bool
    channel_override: str | UnsetType = UNSET


class DownloadExtension(Struct, rename="camel"):
    """Creation parameter of `downloadRuntimeExtension`."""

    name: Name
    version: Name
    update_selections: bool
