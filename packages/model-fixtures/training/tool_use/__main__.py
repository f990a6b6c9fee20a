"""The whole way to the tool-use adapter: ``hatch run train:tools``. A second start goes on."""

from __future__ import annotations

import argparse
import hashlib
import sys
from collections.abc import Sequence
from pathlib import Path

from training.training_stages import SettingsError, Stage, check_settings, run
from training.work_folders import ADAPTER, base, work

STEPS = [640, 1280, 1600, 2160]
SNAPSHOT = 100  # steps between adapters that are kept
# glibc would give memory back after every step and fetch it again: a quarter of the time.
_KEEP_MEMORY = {
    "MALLOC_MMAP_THRESHOLD_": "1073741824",
    "MALLOC_TRIM_THRESHOLD_": "17179869184",
    "MALLOC_TOP_PAD_": "67108864",
}


def averaged_steps(steps: Sequence[int]) -> list[int]:
    """Return the steps whose adapters make up the one that ships: their mean beats each of them.

    They begin with the second cycle's end; before it most is still to be learned.
    """
    first = steps[1] if len(steps) > 1 else steps[0]
    kept = range(first, steps[-1] + 1)
    return [step for step in kept if step % SNAPSHOT == 0 or step in steps]


def stages(
    model: Path, folder: Path, steps: Sequence[int], seed: int, processes: int
) -> list[Stage]:
    """Return what leads from the base weights ``model`` to a scored adapter in ``folder``."""
    answers, checkpoints = folder / "plain.json", folder / "checkpoints"
    adapter, merged = folder / ADAPTER.name, folder / "merged.gguf"
    with_base = ["--base", str(model)]
    averaged = [str(checkpoints / f"adapter-{step:05}.pt") for step in averaged_steps(steps)]
    return [
        Stage(
            "the base model's answers to prompts that need no tool",
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
    """Make training data, train, export and score the adapter; go on where it was stopped."""
    parser = argparse.ArgumentParser(prog="hatch run train:tools", description=main.__doc__)
    parser.add_argument(
        "--steps",
        type=int,
        nargs="+",
        default=STEPS,
        help="where the cycles of the learning rate end (%(default)s)",
    )
    parser.add_argument("--seed", type=int, default=1, help="default: %(default)s")
    parser.add_argument(
        "--processes", type=int, default=2, help="one a core; data depend on it (%(default)s)"
    )
    parser.add_argument("--work", type=Path, default=work(), help="folder (%(default)s)")
    args = parser.parse_args()
    folder = args.work.absolute() / "tools"
    try:
        settings = {"steps": args.steps, "seed": args.seed, "processes": args.processes}
        check_settings(folder, settings)
    except SettingsError as error:
        parser.error(str(error))
    status = run(
        stages(base(), folder, args.steps, args.seed, args.processes), args.work.absolute()
    )
    if not status:
        made = folder / ADAPTER.name
        digest = hashlib.sha256(made.read_bytes()).hexdigest()
        print(f"\nTo ship it: copy {made} to {ADAPTER},")
        print(f"put {digest} into ADAPTER_SHA256 of weights/derived_weights.py,")
        print("measure it with `hatch run train:evaluate --only tools`, and update tools.md there.")
    return status


if __name__ == "__main__":
    sys.exit(main())
