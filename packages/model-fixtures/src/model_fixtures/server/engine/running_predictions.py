"""The predictions that an engine was asked for and has not ended yet, and how far they are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Literal

Phase = Literal["waiting", "processingPrompt", "generating"]


class RunningPrediction:
    """One prediction; an engine computes one after another, so it may have to wait at first."""

    def __init__(self) -> None:
        self.phase: Phase = "waiting"


class RunningPredictions:
    """The predictions of one engine."""

    def __init__(self) -> None:
        self._predictions: list[RunningPrediction] = []

    @contextmanager
    def running(self) -> Iterator[RunningPrediction]:
        """Provide a block that asks for a prediction."""
        prediction = RunningPrediction()
        self._predictions.append(prediction)
        try:
            yield prediction
        finally:
            self._predictions.remove(prediction)

    def phases(self) -> list[Phase]:
        """Return the phases of all predictions."""
        return [prediction.phase for prediction in self._predictions]


def processing_state(phases: Sequence[Phase]) -> dict[str, str | int]:
    """Return the `modelProcessingState` of an instance from the phases of its predictions."""
    if not phases:
        return {"status": "idle", "queued": 0}
    begun = len(phases) - phases.count("waiting")
    status = "generating" if "generating" in phases else "processingPrompt"
    # Where none has begun yet, one is about to.
    return {"status": status, "queued": len(phases) - max(1, begun)}
