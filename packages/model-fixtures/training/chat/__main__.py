"""All stages from the base weights to the chat adapter: ``hatch run train:chat``.

A run that was stopped continues when the command is started again.
"""

from __future__ import annotations

from model_fixtures.weights.derived_weights import CHAT_ADAPTER
from training.adapter_stages import AdapterTraining, run_stages, shipping_advice

from .free_answers import COUNT

TRAINING = AdapterTraining(
    data="chat",
    file=CHAT_ADAPTER,
    title="SmolLM2-135M-Instruct chat",
    answers="let the base model answer ordinary prompts",
    answers_module="training.chat.free_answers",
    answers_count=COUNT,
    score_module="training.chat.score_checkpoint",
    texts_module="training.chat.plain_texts",
    peak=8e-4,  # more keeps plain text from becoming as likely as it was
    tokens=1600,
    steps=(490,),
    snapshot=20,
    merge_to="Q4_0",  # as fast as the weights whose place they take
)


def main() -> None:
    """Make training data, train, export and score the adapter; continue a stopped run."""
    made = run_stages(TRAINING, main.__doc__)
    print(shipping_advice(TRAINING, made))


if __name__ == "__main__":
    main()
