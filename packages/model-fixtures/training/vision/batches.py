"""Batches that depend only on the seed and the step.

So a run that continues from a checkpoint gets the batches that it would have got without a stop.
"""

# ruff: noqa: S311 - seeded random numbers, no secrets

from random import Random

import numpy as np
import torch
from training.vision.labels import Label
from training.vision.questions import QuestionAndAnswer, ask

from .image_prompt_tokens import ImagePrompts
from .training_set_files import Dataset
from .vision_tower import normalised


def picks(
    count: int, size: int, step: int, seed: int
) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Return the `size` sorted indices (below `count`) of a batch.

    No image comes twice in an epoch.
    """
    per_epoch = count // size
    epoch, position = divmod(step, per_epoch)
    order = np.random.default_rng([seed, epoch]).permutation(count)
    return np.sort(order[position * size : (position + 1) * size])


def images(data: Dataset, size: int, step: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return a batch: pixels [size, 3, side, side] and label codes [size, 4].

    A random half of the images is mirrored.
    """
    index = picks(len(data.codes), size, step, seed)
    pixels = normalised(torch.from_numpy(np.array(data.images[index])))
    mirrored = torch.from_numpy(np.random.default_rng([seed, step, 1]).random(size) < 0.5)
    pixels = torch.where(mirrored[:, None, None, None], pixels.flip(3), pixels)
    return pixels, torch.from_numpy(data.codes[index])


def questions(codes: torch.Tensor, step: int, seed: int, long: bool) -> list[QuestionAndAnswer]:
    """Return a random question and its answer for each label code."""
    rng = Random(f"{seed}-{step}")
    return [ask(Label.from_codes(*code), rng, long) for code in codes.tolist()]


def answer_loss(
    prompts: ImagePrompts, vectors: torch.Tensor, chats: list[QuestionAndAnswer], system: int
) -> tuple[torch.Tensor, float]:
    """Return the cross entropy of the answers' tokens in the frozen model, and their accuracy.

    `vectors` [batch, tokens, width] take the place of the images in the prompts; `system` is the
    index of the system prompt in `SYSTEMS`.
    """
    language = prompts.language
    rows, places, truths = [], [], []
    for index, chat in enumerate(chats):
        before, after, answer = prompts.sequence(chat)
        rows.append(
            torch.cat(
                [
                    language.embed(torch.tensor(before, dtype=torch.long)),
                    vectors[index].to(language.dtype),
                    language.embed(torch.tensor(after + answer[:-1], dtype=torch.long)),
                ]
            )
        )
        start = len(rows[-1]) - len(answer)
        places.append([(index, start + offset) for offset in range(len(answer))])
        truths.extend(answer)
    longest = max(len(row) for row in rows)
    x = torch.stack([torch.nn.functional.pad(row, (0, 0, 0, longest - len(row))) for row in rows])
    hidden = language.hidden(x, prompts.caches[system])
    row_index, column_index = zip(*[place for row in places for place in row], strict=True)
    logits = language.logits(hidden[list(row_index), list(column_index)])
    truth = torch.tensor(truths)
    loss = torch.nn.functional.cross_entropy(logits, truth)
    return loss, float((logits.argmax(-1) == truth).float().mean())
