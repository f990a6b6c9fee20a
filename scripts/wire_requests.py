"""Requests of LM Studio's wire protocol that several scripts send."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from model_fixtures.wire_client.override_stack import override_stack


def prediction_request(model: str, prompt: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the creation parameter of channel `predict` for a chat of one user message.

    The keys of `settings` are those of `llm.prediction` without that prefix.
    """
    fields = {f"llm.prediction.{key}": value for key, value in settings.items()}
    content = [{"type": "text", "text": prompt}]
    return {
        "modelSpecifier": {"type": "query", "query": {"identifier": model}},
        "history": {"messages": [{"role": "user", "content": content}]},
        "predictionConfigStack": override_stack(fields),
    }


def token_limit(tokens: int) -> dict[str, Any]:
    """Return the value of the setting `maxPredictedTokens` for a limit of so many tokens."""
    return {"checked": True, "value": tokens}
