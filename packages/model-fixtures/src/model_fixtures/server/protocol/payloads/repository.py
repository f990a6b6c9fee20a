"""Payloads of the `repository` namespace."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

# The schema's, and two that newer clients know.
CompatibilityType = Literal[
    "gguf",
    "safetensors",
    "onnx",
    "ggml",
    "mlx_placeholder",
    "torch_safetensors",
    "pte",
    "tensor",
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
