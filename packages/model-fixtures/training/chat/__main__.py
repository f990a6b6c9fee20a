"""All stages from the base weights to the chat adapter: ``hatch run train:chat``.

A run that was stopped continues when the command is started again.
"""

from __future__ import annotations

from training.adapter_stages import AdapterTraining, run_stages

from .free_answers import COUNT

TRAINING = AdapterTraining(
    data="chat",
    file="smollm2-135m-chat.lora.gguf",
    title="SmolLM2-135M-Instruct chat",
    answers="let the base model answer ordinary prompts",
    answers_module="training.chat.free_answers",
    answers_count=COUNT,
    score_module="training.chat.score_checkpoint",
    merge_to="Q4_0",  # as fast as the weights whose place they take
)


def main() -> None:
    """Make training data, train, export and score the adapter; continue a stopped run."""
    made = run_stages(TRAINING, main.__doc__)
    print(f"\nThe adapter is {made}. No chat adapter ships yet; before one does,")
    print("measure its perplexity with `python -m training.chat.perplexity`, see README.md.")


if __name__ == "__main__":
    main()
