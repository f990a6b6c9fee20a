"""All stages from the base weights to the tool-use adapter: ``hatch run train:tools``.

A run that was stopped continues when the command is started again.
"""

from __future__ import annotations

from model_fixtures.weights.derived_weights import TOOLS_ADAPTER
from training.adapter_stages import AdapterTraining, run_stages, shipping_advice

TRAINING = AdapterTraining(
    data="tools",
    file=TOOLS_ADAPTER,
    title="SmolLM2-135M-Instruct tool use",
    answers="let the base model answer prompts that need no tool",
    answers_module="training.tool_use.plain_prompts",
    answers_count=1450,
    score_module="training.tool_use.score_checkpoint",
)


def main() -> None:
    """Make training data, train, export and score the adapter; continue a stopped run."""
    made = run_stages(TRAINING, main.__doc__)
    print(shipping_advice(TRAINING, made))


if __name__ == "__main__":
    main()
