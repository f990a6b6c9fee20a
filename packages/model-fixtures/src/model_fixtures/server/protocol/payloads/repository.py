"""Payloads of the `repository` namespace."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from .models import Name

# The schema's, and those that newer clients know.
CompatibilityType = Literal[
    "gguf",
    "safetensors",
    "onnx",
    "ggml",
    "mlx_placeholder",
    "torch_safetensors",
    "pte",
    "tensor",
    "yuzu",
]


class SearchOptions(Struct, rename="camel"):
    """What to search for."""

    search_term: str = ""
    limit: Annotated[int, Meta(ge=1, le=25)] = 25
    compatibility_types: list[CompatibilityType] | UnsetType = UNSET


class SearchModels(Struct):
    """Parameter of `searchModels`."""

    opts: SearchOptions


class ResultIdentifier(Struct):
    """A model that was found."""

    type: Literal["catalog", "hf"]
    identifier: str


class SearchResult(Struct, rename="camel", omit_defaults=True):
    """One result of `searchModels`."""

    name: str
    identifier: ResultIdentifier
    exact: bool | UnsetType = UNSET


class GetModelDownloadOptions(Struct, rename="camel"):
    """Parameter of `getModelDownloadOptions`."""

    model_search_result_identifier: ResultIdentifier


class DownloadOption(Struct, rename="camel"):
    """One result of `getModelDownloadOptions`."""

    name: str
    size_bytes: int
    fit_estimation: Literal["fitWithoutGPU", "willNotFit"]
    compatibility_type: CompatibilityType
    download_identifier: str
    indexed_model_identifier: str
    quantization: str | UnsetType = UNSET
    recommended: bool | UnsetType = UNSET


class DownloadModel(Struct, rename="camel"):
    """Creation parameter of `downloadModel`."""

    download_identifier: str


class FindStaffPicks(Struct, rename="camel"):
    """Parameter of `fuzzyFindStaffPicks`."""

    search_term: str = ""
    limit: Annotated[int, Meta(ge=1)] | UnsetType = UNSET
    compatibility_types: list[CompatibilityType] | UnsetType = UNSET


class SetLinkDisabled(Struct):
    """Parameter of `lmLinkSetDisabled`."""

    disabled: bool


class UpdateDeviceName(Struct, rename="camel"):
    """Parameter of `lmLinkUpdateDeviceName`."""

    device_name: Name


class SetPreferredDevice(Struct, rename="camel"):
    """Parameter of `lmLinkSetPreferredDevice`."""

    device_identifier: Name
