"""All stages from the base weights to the tool-use adapter: ``hatch run train:tools``.

A run that was stopped continues when the command is started again.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from training.atomic_files import sha256_of
from training.training_stages import Stage, command_parser, run, run_folder
from training.work_folders import ADAPTER, base

STEPS = [640, 1280, 1600, 2160]
SNAPSHOT = 100  # steps between the adapters that are kept
# Otherwise glibc returns memory to the system after every step and requests it again, which takes
# a quarter of the time.
_KEEP_MEMORY = {
    "MALLOC_MMAP_THRESHOLD_": "1073741824",
    "MALLOC_TRIM_THRESHOLD_": "17179869184",
    "MALLOC_TOP_PAD_": "67108864",
}


def averaged_steps(steps: Sequence[int]) -> list[int]:
    """Return the steps whose adapters are averaged: their mean scores higher than each of them.

    The first is the end of the second cycle, since the model learns most before that.
    """
    first = steps[1] if len(steps) > 1 else steps[0]
    kept = range(first, steps[-1] + 1)
    return [step for step in kept if step % SNAPSHOT == 0 or step in steps]


def stages(
    model: Path, folder: Path, steps: Sequence[int], seed: int, processes: int
) -> list[Stage]:
    """Return the stages from the base weights ``model`` to a scored adapter in ``folder``."""
    answers, checkpoints = folder / "plain.json", folder / "checkpoints"
    adapter, merged = folder / ADAPTER.name, folder / "merged.gguf"
    with_base = ["--base", str(model)]
    averaged = [str(checkpoints / f"adapter-{step:05}.pt") for step in averaged_steps(steps)]
    return [
        Stage(
            "let the base model answer prompts that need no tool",
            "training.tool_use.plain_prompts",
            [*with_base, "--out", str(answers), "--count", "1450"],
            output=answers,
        ),
        Stage(
            "train",
            "training.tool_use.train_adapter",
            [
                *(*with_base, "--answers", str(answers), "--out", str(checkpoints)),
                *("--steps", *map(str, steps)),
                *("--seed", str(seed), "--processes", str(processes)),
                *("--snapshot", str(SNAPSHOT)),
            ],
            environ=_KEEP_MEMORY,
        ),
        Stage(
            "export",
            "training.tool_use.export_adapter",
            [
                *(*with_base, "--checkpoint", *averaged),
                *("--out", str(adapter), "--merged", str(merged)),
            ],
        ),
        Stage(
            "score on the validation set",
            "training.tool_use.score_checkpoint",
            [
                *("--model", str(merged), "--seed", "valid", "--count", "50"),
                *("--out", str(folder / "validation.json")),
            ],
        ),
    ]


def main() -> int:
    """Make training data, train, export and score the adapter; continue a stopped run."""
    parser = command_parser("tools", main.__doc__)
    parser.add_argument(
        "--steps",
        type=int,
        nargs="+",
        default=STEPS,
        help="steps at which the cycles of the learning rate end"
        f" (default: {' '.join(map(str, STEPS))})",
    )
    parser.add_argument(
        "--processes",
        type=int,
        default=2,
        help="training processes, best one for each core; the training data depends on it"
        " (default: %(default)s)",
    )
    args = parser.parse_args()
    settings = {"steps": args.steps, "seed": args.seed, "processes": args.processes}
    folder = run_folder(parser, args.work, "tools", settings)
    status = run(
        stages(base(), folder, args.steps, args.seed, args.processes), args.work.absolute()
    )
    if not status:
        made = folder / ADAPTER.name
        print(f"\nTo ship the adapter, copy {made} to {ADAPTER},")
        print(f"put {sha256_of(made)} into ADAPTER_SHA256 of weights/derived_weights.py,")
        print("measure it with `hatch run train:evaluate --only tools`, and update tools.md there.")
    return status


if __name__ == "__main__":
    sys.exit(main())
