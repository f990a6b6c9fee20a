"""Counts and times of one prediction."""

from __future__ import annotations

import time
from typing import Any

from msgspec import Struct

from model_fixtures.server.engine.generation import Finished


class Statistics(Struct, frozen=True, kw_only=True):
    """What is known of a prediction after its end; times are in seconds."""

    stop_reason: str
    stop_string: str | None
    total_time: float
    time_to_first_token: float | None  # None = there was no token
    tokens_per_second: float | None
    prompt_tokens: int
    predicted_tokens: int
    draft_model: str | None  # the key of the model that drafted, if one did
    drafted: int
    accepted: int

    def to_wire(self) -> dict[str, Any]:
        """Return the `llmPredictionStats`; what is not known is left out."""
        stats: dict[str, Any] = {
            "stopReason": self.stop_reason,
            "totalTimeSec": self.total_time,
            "promptTokensCount": self.prompt_tokens,
            "predictedTokensCount": self.predicted_tokens,
            "totalTokensCount": self.prompt_tokens + self.predicted_tokens,
            "numGpuLayers": 0,
        }
        if self.tokens_per_second is not None:
            stats["tokensPerSecond"] = self.tokens_per_second
        if self.time_to_first_token is not None:
            stats["timeToFirstTokenSec"] = self.time_to_first_token
        if self.stop_string is not None:
            stats["stopString"] = self.stop_string
        if self.draft_model is not None:
            stats |= {
                "usedDraftModelKey": self.draft_model,
                "totalDraftTokensCount": self.drafted,
                "acceptedDraftTokensCount": self.accepted,
                "rejectedDraftTokensCount": self.drafted - self.accepted,
                "ignoredDraftTokensCount": 0,
            }
        return stats


class Tally:
    """Counts tokens and takes times while a prediction runs."""

    def __init__(self) -> None:
        self._started = time.perf_counter()
        self._first: float | None = None
        self._predicted = 0
        self.prompt = 0
        self.text = ""

    def count(self, text: str, tokens: int) -> None:
        """Count generated text."""
        if self._first is None:
            self._first = time.perf_counter()
        self._predicted += tokens
        self.text += text

    def statistics(
        self, reason: str, end: Finished | None = None, draft_model: str | None = None
    ) -> Statistics:
        """Return the statistics up to now.

        Args:
            reason: why the prediction ended.
            end: the last event of the engine, None if the prediction was cut off.
            draft_model: the key of the model that drafted, if one did.
        """
        now = time.perf_counter()
        predicted = self._predicted if end is None else end.predicted
        rate = None if end is None else end.tokens_per_second
        if rate is None and self._first is not None and now > self._first and predicted > 1:
            rate = (predicted - 1) / (now - self._first)
        return Statistics(
            stop_reason=reason,
            stop_string=None if end is None else end.stop_string,
            total_time=now - self._started,
            time_to_first_token=None if self._first is None else self._first - self._started,
            tokens_per_second=rate,
            prompt_tokens=self.prompt,
            predicted_tokens=predicted,
            draft_model=None if end is None else draft_model,
            drafted=0 if end is None else end.drafted,
            accepted=0 if end is None else end.accepted,
        )
