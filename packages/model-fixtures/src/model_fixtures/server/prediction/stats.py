"""What the statistics of a prediction are made of."""

from __future__ import annotations

import time
from typing import Any

from model_fixtures.server.engine.generation import Finished


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

    def stats(self, reason: str, end: Finished | None, draft_model: str | None) -> dict[str, Any]:
        """Return the `llmPredictionStats`; what is not known is left out. Times are in seconds.

        Args:
            reason: why the prediction ended.
            end: the engine's last word, None when it was cut off.
            draft_model: the key of the model that drafted, if one did.
        """
        now = time.perf_counter()
        predicted = self._predicted if end is None else end.predicted
        stats: dict[str, Any] = {
            "stopReason": reason,
            "totalTimeSec": now - self._started,
            "promptTokensCount": self.prompt,
            "predictedTokensCount": predicted,
            "totalTokensCount": self.prompt + predicted,
            "numGpuLayers": 0,
        }
        rate = None if end is None else end.tokens_per_second
        if rate is None and self._first is not None and now > self._first and predicted > 1:
            rate = (predicted - 1) / (now - self._first)
        if rate is not None:
            stats["tokensPerSecond"] = rate
        if self._first is not None:
            stats["timeToFirstTokenSec"] = self._first - self._started
        if end is not None and end.stop_string is not None:
            stats["stopString"] = end.stop_string
        if draft_model is not None and end is not None:
            stats |= {
                "usedDraftModelKey": draft_model,
                "totalDraftTokensCount": end.drafted,
                "acceptedDraftTokensCount": end.accepted,
                "rejectedDraftTokensCount": end.drafted - end.accepted,
                "ignoredDraftTokensCount": 0,
            }
        return stats
