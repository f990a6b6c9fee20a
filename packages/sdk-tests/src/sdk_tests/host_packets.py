"""Messages as a host sends them, to drive the SDK's channel endpoints without a socket."""

from collections.abc import Sequence
from typing import Any

from .sdk_creation_parameters import KvField


def llm_info(model_key: str = "publisher/model") -> dict[str, Any]:
    """Return the description of a downloaded LLM."""
    return {
        "type": "llm",
        "modelKey": model_key,
        "format": "gguf",
        "displayName": "A model",
        "path": f"{model_key}/model.gguf",
        "sizeBytes": 1234,
        "vision": False,
        "trainedForToolUse": True,
        "maxContextLength": 4096,
    }


def embedding_info(model_key: str = "publisher/model") -> dict[str, Any]:
    """Return the description of a downloaded embedding model."""
    info = {**llm_info(model_key), "type": "embedding"}
    del info["vision"], info["trainedForToolUse"]
    return info


def loaded(kind: str = "success", identifier: str = "my-model") -> dict[str, Any]:
    """Return the packet that ends a load; `kind` is success, loadSuccess or alreadyLoaded."""
    instance = {"identifier": identifier, "instanceReference": "ref-1", "contextLength": 2048}
    return {"type": kind, "info": {**llm_info(), **instance}}


def fragment(content: str) -> dict[str, Any]:
    """Return a packet with one piece of generated text."""
    details = {"tokensCount": 1, "containsDrafted": False, "reasoningType": "none"}
    return {"type": "fragment", "fragment": {"content": content, **details}}


def predicted(
    load_config: Sequence[KvField] = (), prediction_config: Sequence[KvField] = ()
) -> dict[str, Any]:
    """Return the packet that ends a prediction, with the given server-side configuration fields."""
    return {
        "type": "success",
        "stats": {"stopReason": "eosFound", "predictedTokensCount": 2},
        "modelInfo": llm_info(),
        "loadModelConfig": {"fields": list(load_config)},
        "predictionConfig": {"fields": list(prediction_config)},
    }


def tool_call(
    name: str, arguments: dict[str, Any] | None, call_id: str = "call-1"
) -> dict[str, Any]:
    """Return the packet with a complete tool call request; None leaves out the `arguments` key."""
    request: dict[str, Any] = {"type": "function", "id": call_id, "name": name}
    if arguments is not None:
        request["arguments"] = arguments
    return {"type": "toolCallGenerationEnd", "toolCallRequest": request}


def on_channel(channel_id: int, contents: dict[str, Any]) -> dict[str, Any]:
    """Wrap a packet as the message that carries it on a channel."""
    return {"type": "channelSend", "channelId": channel_id, "message": contents}


def channel_closed(channel_id: int) -> dict[str, Any]:
    """Return the message that closes a channel."""
    return {"type": "channelClose", "channelId": channel_id}


def channel_failed(channel_id: int, error: dict[str, Any]) -> dict[str, Any]:
    """Return the message that ends a channel with a server error."""
    return {"type": "channelError", "channelId": channel_id, "error": error}
