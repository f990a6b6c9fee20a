"""What answers over REST tell about a prediction: its end, tokens, times and model."""

from __future__ import annotations

from typing import Any

from model_fixtures.server.engine.engine_description import ENGINE, engine_version
from model_fixtures.server.models.loaded_instance import LoadedInstance
from model_fixtures.server.prediction.statistics import Statistics

CUT_OFF = {"maxPredictedTokensReached", "contextLengthReached"}


def finish_reason(stop_reason: str, *, called: bool = False) -> str:
    """Return OpenAI's word for the end of an answer, in which tools may have been called."""
    if stop_reason in CUT_OFF:
        return "length"
    return "tool_calls" if called else "stop"


def usage(statistics: list[Statistics]) -> dict[str, int]:
    """Return the tokens of all predictions of a request."""
    prompt = sum(each.prompt_tokens for each in statistics)
    completion = sum(each.predicted_tokens for each in statistics)
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
    }


def lmstudio_details(instance: LoadedInstance, statistics: Statistics) -> dict[str, Any]:
    """Return what LM Studio's own routes add; times are in seconds."""
    first = statistics.time_to_first_token
    model = instance.model
    stats = {
        "tokens_per_second": statistics.tokens_per_second or 0.0,
        "time_to_first_token": first or 0.0,
        "generation_time": statistics.total_time - (first or 0.0),
        "stop_reason": statistics.stop_reason,
    }
    if statistics.draft_model is not None:
        stats |= {
            "draft_model": statistics.draft_model,
            "total_draft_tokens_count": statistics.drafted,
            "accepted_draft_tokens_count": statistics.accepted,
            "rejected_draft_tokens_count": statistics.drafted - statistics.accepted,
            "ignored_draft_tokens_count": 0,
        }
    return {
        "stats": stats,
        "model_info": {
            "arch": model.architecture or "unknown",
            "quant": model.quantization or "unknown",
            "format": "gguf",
            "context_length": instance.context_length,
        },
        "runtime": {
            "name": ENGINE,
            "version": engine_version(),
            "supported_formats": ["gguf"],
        },
    }
