"""Train the vision tower in two stages; each continues from its last checkpoint.

`python -m training.vision.train_tower align` teaches the tower to write a caption of the image into
its output vectors, without the language model. `python -m training.vision.train_tower answer`
starts with the result, and also asks questions through the frozen language model.
"""

import math
import time
from collections.abc import Callable
from pathlib import Path

import click
import torch
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)
from training.work_folders import base, work

from . import batches
from .checkpoints import TrainingRun
from .export_projector import write_gguf
from .image_prompt_tokens import ImagePrompts
from .language_model import LanguageModel
from .llama_in_process import LlamaInProcess
from .questions import SYSTEMS
from .training_objectives import Captions
from .training_set_files import Dataset, generate
from .vision_tower import Tower

_LONG_EVERY = 6  # every sixth step has chats with an earlier turn


def schedule(step: int, steps: int, warmup: int) -> float:
    """Return the factor on the learning rate: a linear rise, then a cosine down to 2 %."""
    if step < warmup:
        return (step + 1) / warmup
    share = (step - warmup) / max(1, steps - warmup)
    return 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * min(1.0, share)))


class TowerTrainer:
    """The data, losses and checkpoints that both stages use."""

    def __init__(self, count: int, seed: int) -> None:
        torch.set_num_threads(1)
        self.seed = seed
        data, model = work() / "vision" / "data", base()
        self.train = generate(data / "train", count, 11)
        self.validation = generate(data / "val", 3000, 12)
        self.prompts = ImagePrompts(LlamaInProcess(model), LanguageModel(model))
        codes = {
            tuple(int(code) for code in row)
            for data in (self.train, self.validation)
            for row in data.codes
        }
        self.captions = Captions(self.prompts, codes)

    def losses(
        self, run: TrainingRun, data: Dataset, size: int, step: int, seed: int
    ) -> tuple[torch.Tensor, dict[str, float]]:
        """Return the loss of a batch that needs no language model, and accuracies by name."""
        pixels, codes = batches.images(data, size, step, seed)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            features = run.tower.features(pixels)
            vectors = run.tower.project(features)
        classes, scores = run.objectives.classes(features, codes)
        aligned, scores["caption"] = run.objectives.alignment(vectors, codes, self.captions)
        return classes + aligned, scores

    def validate(self, run: TrainingRun) -> dict[str, float]:
        """Return the mean accuracies on images that training never uses."""
        sums: dict[str, float] = {}
        steps = len(self.validation.codes) // 250
        with torch.no_grad():
            for step in range(steps):
                _, scores = self.losses(run, self.validation, 250, step, 0)
                for name, value in scores.items():
                    sums[name] = sums.get(name, 0.0) + value / steps
        return sums

    def keep(self, run: TrainingRun, path: Path) -> None:
        """Write a checkpoint and a GGUF file beside it, and note their accuracies."""
        run.save(path)
        copy = Tower()
        copy.load_state_dict(run.tower.state_dict())
        write_gguf(copy, path.with_suffix(".gguf"))
        scores = " ".join(f"{name} {value:.3f}" for name, value in self.validate(run).items())
        line = f"{time.strftime('%H:%M:%S')} {path.stem} step {run.step}: {scores}"
        note(line)


def checkpoint(name: str) -> Path:
    """Return the path of a run's last checkpoint; its folder is made if it is missing."""
    folder = work() / "vision" / "runs"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{name}.pt"


def note(line: str) -> None:
    """Print a line and append it to the log beside the checkpoints."""
    click.echo(line)
    with checkpoint("log").with_suffix(".txt").open("a") as log:
        log.write(line + "\n")


def progress() -> Progress:
    """Return a progress bar with a description, the step and the remaining time."""
    return Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    )


def fit(
    trainer: TowerTrainer,
    run: TrainingRun,
    path: Path,
    take_step: Callable[[], dict[str, float]],
    steps: int,
    warmup: int,
    every: int,
) -> None:
    """Take steps until there are `steps`, and write a checkpoint to `path` after each `every`."""
    means: dict[str, float] = {}
    with progress() as bar:
        task = bar.add_task(path.stem, total=steps, completed=run.step)
        while run.step < steps:
            run.rate(schedule(run.step, steps, warmup))
            for name, value in take_step().items():
                means[name] = 0.9 * means.get(name, value) + 0.1 * value
            text = " ".join(f"{name} {value:.3f}" for name, value in means.items())
            bar.update(task, completed=run.step, description=f"{path.stem}: {text}")
            if run.step % (every // 10) == 0:
                note(f"{time.strftime('%H:%M:%S')} {path.stem} {run.step}: {text}")
            if run.step % every == 0 or run.step == steps:
                trainer.keep(run, path)


@click.group()
def main() -> None:
    """Train the vision tower in two stages, `align` and then `answer`."""


@main.command()
@click.option("--steps", default=2400, show_default=True, help="Steps of the whole stage.")
@click.option("--size", default=128, show_default=True, help="Images in a batch.")
@click.option("--rate", default=2e-3, show_default=True, help="Highest learning rate.")
@click.option("--count", default=80_000, show_default=True, help="Images in the training set.")
@click.option("--seed", default=1, show_default=True, help="Seed of weights and batches.")
@click.option("--every", default=400, show_default=True, help="Steps between checkpoints.")
@click.option("--name", default="align", show_default=True, help="Name of the checkpoint.")
def align(steps: int, size: int, rate: float, count: int, seed: int, every: int, name: str) -> None:
    """Train on classes and captions, without the language model."""
    trainer = TowerTrainer(count, seed)
    run = TrainingRun.fresh(seed, rate)
    path = checkpoint(name)
    if path.exists():
        run.load(path)

    def take_step() -> dict[str, float]:
        loss, scores = trainer.losses(run, trainer.train, size, run.step, seed)
        run.update(loss)
        return {"loss": float(loss.detach()), **scores}

    fit(trainer, run, path, take_step, steps, warmup=300, every=every)


@main.command()
@click.option("--steps", default=240, show_default=True, help="Steps of the whole stage.")
@click.option("--size", default=16, show_default=True, help="Questions in a batch.")
@click.option(
    "--extra", default=128, show_default=True, help="Images without a question in a batch."
)
@click.option("--rate", default=6e-4, show_default=True, help="Highest learning rate.")
@click.option("--count", default=80_000, show_default=True, help="Images in the training set.")
@click.option("--seed", default=2, show_default=True, help="Seed of weights and batches.")
@click.option("--every", default=80, show_default=True, help="Steps between checkpoints.")
@click.option("--start", default="align", show_default=True, help="Checkpoint to start with.")
@click.option("--name", default="answer", show_default=True, help="Name of the checkpoint.")
def answer(
    steps: int, size: int, extra: int, rate: float, count: int, seed: int, every: int,
    start: str, name: str,
) -> None:  # fmt: skip
    """Train on answers through the frozen language model.

    The losses of `align` remain.
    """
    trainer = TowerTrainer(count, seed)
    run = TrainingRun.fresh(seed, rate)
    path = checkpoint(name)
    if path.exists():
        run.load(path)
    else:
        run.load(checkpoint(start), weights_only=True)

    def take_step() -> dict[str, float]:
        step = run.step
        long = step % _LONG_EVERY == _LONG_EVERY - 1
        pixels, codes = batches.images(trainer.train, size // 2 if long else size, step, seed)
        system = 0 if step % 2 == 0 else (step // 2) % len(SYSTEMS)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            vectors = run.tower(pixels)
        said, right = batches.answer_loss(
            trainer.prompts, vectors, batches.questions(codes, step, seed, long), system
        )
        side, scores = trainer.losses(run, trainer.train, extra, step, seed + 100)
        run.update(said + 0.3 * side)
        return {"answer": float(said.detach()), "right": right, **scores}

    fit(trainer, run, path, take_step, steps, warmup=40, every=every)


if __name__ == "__main__":
    main()
