"""The stages from the base weights to a scored adapter, and their command line.

The adapters for tool use and for chat are trained alike: they differ in an ``AdapterTraining``.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from .atomic_files import sha256_of
from .training_stages import Stage, command_parser, run, run_folder
from .work_folders import WEIGHTS, base

# Otherwise glibc returns memory to the system after every step and requests it again, which takes
# a quarter of the time.
_KEEP_MEMORY = {
    "MALLOC_MMAP_THRESHOLD_": "1073741824",
    "MALLOC_TRIM_THRESHOLD_": "17179869184",
    "MALLOC_TOP_PAD_": "67108864",
}


@dataclass(frozen=True)
class AdapterTraining:
    """What is special about the training of one adapter."""

    data: str  # what the adapter learns, as ``train_adapter --data`` names it
    file: str  # name of the GGUF adapter
    title: str  # ``general.name`` in that file
    answers: str  # name of the stage in which the base model answers prompts
    answers_module: str
    answers_count: int  # prompts
    score_module: str
    merge_to: Literal["Q8_0", "Q4_0"] = "Q8_0"  # how the merged weights are stored
    texts_module: str | None = None  # of a stage in which the base model writes plain texts
    peak: float = 1.5e-3  # learning rate
    tokens: int = 2048  # in a batch
    steps: Sequence[int] = (640, 1280, 1600, 2160)  # the ends of the cycles of the learning rate
    snapshot: int = 100  # steps between the adapters that are kept


def averaged_steps(steps: Sequence[int], snapshot: int) -> list[int]:
    """Return the steps whose adapters are averaged: their mean scores higher than each of them.

    The first is the end of the second cycle, since the model learns most before that. Of a single
    cycle, it is in the last tenth.
    """
    first = steps[1] if len(steps) > 1 else steps[0] * 9 // 10
    kept = range(first, steps[-1] + 1)
    return [step for step in kept if step % snapshot == 0 or step in steps]


def stages(
    training: AdapterTraining,
    model: Path,
    folder: Path,
    steps: Sequence[int],
    seed: int,
    processes: int,
) -> list[Stage]:
    """Return the stages from the base weights ``model`` to a scored adapter in ``folder``."""
    answers, checkpoints = folder / "plain.json", folder / "checkpoints"
    merged = folder / "merged.gguf"
    with_base = ["--base", str(model)]
    texts = folder / "texts.json"
    kept = averaged_steps(steps, training.snapshot)
    averaged = [str(checkpoints / f"adapter-{step:05}.pt") for step in kept]
    made_by_the_base = [
        Stage(
            training.answers,
            training.answers_module,
            [*with_base, "--out", str(answers), "--count", str(training.answers_count)],
            output=answers,
        )
    ]
    if training.texts_module:
        made_by_the_base.append(
            Stage(
                "let the base model write plain texts",
                training.texts_module,
                [*with_base, "--out", str(texts)],
                output=texts,
            )
        )
    return [
        *made_by_the_base,
        Stage(
            "train",
            "training.tool_use.train_adapter",
            [
                *(*with_base, "--answers", str(answers), "--out", str(checkpoints)),
                *("--data", training.data, "--peak", str(training.peak)),
                *(("--texts", str(texts)) if training.texts_module else ()),
                *("--tokens", str(training.tokens), "--steps", *map(str, steps)),
                *("--seed", str(seed), "--processes", str(processes)),
                *("--snapshot", str(training.snapshot), "--merge-to", training.merge_to),
            ],
            environ=_KEEP_MEMORY,
        ),
        Stage(
            "export",
            "training.tool_use.export_adapter",
            [
                *(*with_base, "--title", training.title, "--checkpoint", *averaged),
                *("--out", str(folder / training.file)),
                *("--merged", str(merged), "--merge-to", training.merge_to),
            ],
        ),
        Stage(
            "score on the validation set",
            training.score_module,
            [
                *("--model", str(merged), "--seed", "valid", "--count", "50"),
                *("--out", str(folder / "validation.json")),
            ],
        ),
    ]


def run_stages(training: AdapterTraining, description: str | None) -> Path:
    """Read the command line, run the stages or continue a stopped run; return the adapter's path.

    ``description`` is that of the command. The process exits if a stage fails or is stopped.
    """
    parser = command_parser(training.data, description)
    parser.add_argument(
        "--steps",
        type=int,
        nargs="+",
        default=training.steps,
        help="steps at which the cycles of the learning rate end"
        f" (default: {' '.join(map(str, training.steps))})",
    )
    parser.add_argument(
        "--processes",
        type=int,
        default=2,
        help="training processes, best one for each core; the training data depends on it"
        " (default: %(default)s)",
    )
    args = parser.parse_args()
    settings = {"steps": list(args.steps), "seed": args.seed, "processes": args.processes}
    folder = run_folder(parser, args.work, training.data, settings)
    chosen = stages(training, base(), folder, args.steps, args.seed, args.processes)
    status = run(chosen, args.work.absolute())
    if status:
        sys.exit(status)
    return folder / training.file


def shipping_advice(training: AdapterTraining, made: Path) -> str:
    """Return what to do so that the adapter ships which a run has made."""
    return f"""
To ship the adapter, copy {made} to {WEIGHTS / training.file},
put {sha256_of(made)} into ADAPTERS of weights/derived_weights.py,
measure it with `hatch run train:evaluate --only {training.data}`,
and update {training.data}.md there."""
