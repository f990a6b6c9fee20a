"""What an engine does, from the phases of its predictions."""

from __future__ import annotations

import pytest
from model_fixtures.server.engine.running_predictions import (
    Phase,
    RunningPredictions,
    processing_state,
)


@pytest.mark.parametrize(
    ("phases", "status", "queued"),
    [
        ([], "idle", 0),
        (["waiting"], "processingPrompt", 0),
        (["waiting", "waiting"], "processingPrompt", 1),
        (["processingPrompt"], "processingPrompt", 0),
        (["processingPrompt", "waiting", "waiting"], "processingPrompt", 2),
        (["generating", "waiting"], "generating", 1),
        (["generating", "processingPrompt"], "generating", 0),
    ],
)
def test_state(phases: list[Phase], status: str, queued: int) -> None:
    """What has begun decides on the status, and what has not is queued."""
    assert processing_state(phases) == {"status": status, "queued": queued}


def test_predictions_come_and_go() -> None:
    """A prediction is counted while its block runs, whichever of several ends first."""
    predictions = RunningPredictions()
    with predictions.running():
        with predictions.running() as second:
            second.phase = "generating"
            assert predictions.phases() == ["waiting", "generating"]
        assert predictions.phases() == ["waiting"]
    assert predictions.phases() == []
