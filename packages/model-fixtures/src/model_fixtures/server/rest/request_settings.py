"""The settings of a REST request, in the form that they have on a websocket."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from model_fixtures.server.engine.llama_client import LlamaServer
from model_fixtures.server.protocol.kv_config import checkbox

from .request_checks import is_text

PREFIX = "llm.prediction."
PLAIN = {"temperature": "temperature", "top_k": "topKSampling"}
CHECKED = {
    "top_p": "topPSampling",
    "min_p": "minPSampling",
    "repeat_penalty": "repeatPenalty",
    "presence_penalty": "llama.presencePenalty",
    "frequency_penalty": "llama.frequencyPenalty",
    "seed": "seed",
}
LIMITS = ("max_completion_tokens", "max_tokens", "n_predict")
NEVER = "-inf"  # the bias of a token that must not come


async def sampling_fields(body: Mapping[str, Any], llama: LlamaServer) -> dict[str, Any]:
    """Return the fields that chats and text completions have in common.

    Args:
        body: the request, which has been checked.
        llama: tells the tokens of texts in `logit_bias`.
    """
    fields: dict[str, Any] = {
        # A prompt that is too long is an error, as with OpenAI.
        "contextOverflowPolicy": "stopAtLimit",
    }
    for key, name in PLAIN.items():
        if body.get(key) is not None:
            fields[name] = body[key]
    for key, name in CHECKED.items():
        if body.get(key) is not None:
            fields[name] = checkbox(body[key])
    limits = [body[key] for key in LIMITS if body.get(key) is not None]
    if limits:
        fields["maxPredictedTokens"] = checkbox(limits[0])
    stop = body.get("stop")
    if stop is not None:
        fields["stopStrings"] = [stop] if isinstance(stop, str) else stop
    if body.get("logit_bias"):
        fields["llama.logitBias"] = await _biases(body["logit_bias"], llama)
    if body.get("draft_model"):
        fields["speculativeDecoding.draftModel"] = body["draft_model"]
    structure = structure_setting(body)
    if structure is not None:
        fields["structured"] = structure
    return {PREFIX + name: value for name, value in fields.items()}


def log_prob_fields(most: int | None) -> dict[str, Any]:
    """Return the field that asks for probabilities.

    Args:
        most: how many likely tokens to tell beside each chosen one; None = no probabilities.
    """
    return {} if most is None else {PREFIX + "logProbs": checkbox(most)}


def tool_fields(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields for the offered tools and the choice among them."""
    tools, choice = body.get("tools"), body.get("tool_choice")
    if not tools:
        return {}
    mode = choice or "auto"
    if isinstance(choice, dict):
        wanted = choice["function"]["name"]
        tools, mode = [tool for tool in tools if tool["function"]["name"] == wanted], "required"
    return {
        PREFIX + "tools": {"type": "toolArray", "tools": tools},
        PREFIX + "toolChoice": {"type": "generic", "mode": mode},
    }


def offers_tools(body: Mapping[str, Any]) -> bool:
    """Return whether the model may call tools."""
    return bool(body.get("tools")) and body.get("tool_choice") != "none"


def structure_setting(body: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the `llm.prediction.structured` of a request, None if it asks for no structure."""
    if isinstance(body.get("grammar"), str) and body["grammar"].strip():  # llama.cpp's own form
        return {"type": "gbnf", "gbnfGrammar": body["grammar"]}
    match body.get("response_format"):
        case {"type": "json_schema", "json_schema": {"schema": dict(schema)}}:
            return {"type": "json", "jsonSchema": schema}
        case {"type": "json_object", "schema": dict(schema)}:  # llama.cpp's own form
            return {"type": "json", "jsonSchema": schema}
        case {"type": "json_object"}:
            return {"type": "json", "jsonSchema": {"type": "object"}}
    if isinstance(body.get("json_schema"), dict):  # llama.cpp's own form, too
        return {"type": "json", "jsonSchema": body["json_schema"]}
    return None


async def _biases(given: Any, llama: LlamaServer) -> list[list[Any]]:
    """Return pairs of token and bias, from OpenAI's object or llama.cpp's list of pairs."""
    biases: list[list[Any]] = []
    for key, bias in given.items() if isinstance(given, dict) else given:
        value = NEVER if bias is False else bias
        if is_text(key):
            tokens = await llama.tokenize(key, special=False)
        else:
            tokens = [int(key)]
        biases += [[token, value] for token in tokens]
    return biases
