"""Where training reads and writes."""

import os
from pathlib import Path

# Checkpoints and data are large and belong outside the repository.
WORK = Path(
    os.environ.get("VISION_WORK", Path.home() / ".cache" / "lmstudio-model-training" / "vision")
)
BASE = Path(os.environ.get("VISION_BASE", WORK / "SmolLM2-135M-Instruct.Q4_1.gguf"))
WEIGHTS = Path(__file__).parents[2] / "src" / "model_fixtures" / "weights" / "data"
PROJECTOR = WEIGHTS / "smollm2-135m-vision.mmproj.gguf"
