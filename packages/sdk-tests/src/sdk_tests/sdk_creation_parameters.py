"""Creation parameters that the SDK would send for its channels, read without a host."""

from typing import Any, TypedDict, cast

import lmstudio
from lmstudio.json_api import (
    ChatResponseEndpoint,
    CompletionEndpoint,
    LoadModelEndpoint,
    ModelTypesEmbedding,
    ModelTypesLlm,
)


class KvField(TypedDict):
    """One entry of a server-side configuration."""

    key: str
    value: Any


def kv_field(key: str, value: Any) -> KvField:
    """Return one entry of a server-side configuration."""
    return {"key": key, "value": value}


def _only_layer(stack: Any) -> list[KvField]:
    (layer,) = stack["layers"]
    assert layer["layerName"] == "apiOverride"
    return cast(list[KvField], layer["config"]["fields"])


def llm_load_fields(config: Any) -> list[KvField]:
    """Return the fields that are sent when an LLM is loaded with a configuration."""
    request = ModelTypesLlm.REQUEST_NEW_INSTANCE
    endpoint = LoadModelEndpoint[Any, Any](
        "key", None, None, request, lmstudio.LlmLoadModelConfig, config, None
    )
    return _only_layer(endpoint.creation_params["loadConfigStack"])


def embedding_load_fields(config: Any) -> list[KvField]:
    """Return the fields that are sent when an embedding model is loaded with a configuration."""
    request = ModelTypesEmbedding.REQUEST_NEW_INSTANCE
    endpoint = LoadModelEndpoint[Any, Any](
        "key", None, None, request, lmstudio.EmbeddingLoadModelConfig, config, None
    )
    return _only_layer(endpoint.creation_params["loadConfigStack"])


def prediction_fields(config: Any = None, response_format: Any = None) -> list[KvField]:
    """Return the fields that are sent with a chat response's request."""
    endpoint = ChatResponseEndpoint("model", lmstudio.Chat("prompt"), response_format, config)
    return _only_layer(endpoint.creation_params["predictionConfigStack"])


def completion_layers(config: Any = None) -> list[dict[str, Any]]:
    """Return all configuration layers that are sent with a text completion's request."""
    endpoint = CompletionEndpoint("model", "prompt", None, config)
    return cast(list[dict[str, Any]], endpoint.creation_params["predictionConfigStack"]["layers"])
