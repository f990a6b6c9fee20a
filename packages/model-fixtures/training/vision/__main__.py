"""The whole way to the vision projector: `hatch run train:vision`. A second start goes on."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from training.training_stages import SettingsError, Stage, check_settings, run
from training.work_folders import PROJECTOR, base, work


def stages(folder: Path, align: int, answer: int, count: int, seed: int) -> list[Stage]:
    """Return what leads to a scored projector in `folder`; the stages find base weights alone."""
    projector = folder / PROJECTOR.name
    data = ["--count", str(count)]
    return [
        Stage("do torch and llama.cpp agree?", "training.vision.torch_llama_parity"),
        Stage(
            "align (draws the images first)",
            "training.vision.train_tower",
            ["align", "--steps", str(align), "--seed", str(seed), *data],
        ),
        Stage(
            "answer",
            "training.vision.train_tower",
            ["answer", "--steps", str(answer), "--seed", str(seed + 1), *data],
        ),
        Stage(
            "export",
            "training.vision.export_projector",
            ["--checkpoint", str(folder / "runs" / "answer.pt"), "--out", str(projector)],
        ),
        Stage(
            "does the exported file agree?",
            "training.vision.torch_llama_parity",
            ["--projector", str(projector)],
        ),
        Stage(
            "score on the validation set",
            "training.vision.score_checkpoint",
            [
                *("--set", "validation", "--projector", str(projector)),
                *("--report", str(folder / "validation.json")),
            ],
        ),
    ]


def main() -> int:
    """Draw images, train, export and score the projector; go on where it was stopped."""
    parser = argparse.ArgumentParser(prog="hatch run train:vision", description=main.__doc__)
    parser.add_argument("--align-steps", type=int, default=2400, help="default: %(default)s")
    parser.add_argument("--answer-steps", type=int, default=240, help="default: %(default)s")
    parser.add_argument("--count", type=int, default=80_000, help="images to draw (%(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="default: %(default)s")
    parser.add_argument("--work", type=Path, default=work(), help="folder (%(default)s)")
    args = parser.parse_args()
    folder = args.work.absolute() / "vision"
    settings = {
        "align_steps": args.align_steps,
        "answer_steps": args.answer_steps,
        "count": args.count,
        "seed": args.seed,
    }
    try:
        check_settings(folder, settings)
    except SettingsError as error:
        parser.error(str(error))
    base()  # fetched before anything starts
    status = run(
        stages(folder, args.align_steps, args.answer_steps, args.count, args.seed),
        args.work.absolute(),
    )
    if not status:
        print(f"\nTo ship it: copy {folder / PROJECTOR.name} to {PROJECTOR},")
        print(
            "measure it with `hatch run train:evaluate --only vision`, and update vision.md there."
        )
    return status


if __name__ == "__main__":
    sys.exit(main())
