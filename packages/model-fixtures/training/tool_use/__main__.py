"""All stages from the base weights to the tool-use adapter: ``hatch run train:tools``.

A run that was stopped continues when the command is started again.
"""

from __future__ import annotations

from training.adapter_stages import AdapterTraining, run_stages
from training.atomic_files import sha256_of
from training.work_folders import ADAPTER

TRAINING = AdapterTraining(
    data="tools",
    file=ADAPTER.name,
    title="SmolLM2-135M-Instruct tool use",
    answers="let the base model answer prompts that need no tool",
    answers_module="training.tool_use.plain_prompts",
    answers_count=1450,
    score_module="training.tool_use.score_checkpoint",
)


def main() -> None:
    """Make training data, train, export and score the adapter; continue a stopped run."""
    made = run_stages(TRAINING, main.__doc__)
    print(f"\nTo ship the adapter, copy {made} to {ADAPTER},")
    print(f"put {sha256_of(made)} into ADAPTER_SHA256 of weights/derived_weights.py,")
    print("measure it with `hatch run train:evaluate --only tools`, and update tools.md there.")


if __name__ == "__main__":
    main()
