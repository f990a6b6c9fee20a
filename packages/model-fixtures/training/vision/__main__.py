"""All stages from random weights to the vision projector: `hatch run train:vision`.

A run that was stopped continues when the command is started again.
"""

from __future__ import annotations

import sys
from pathlib import Path

from training.training_stages import Stage, command_parser, run, run_folder
from training.work_folders import PROJECTOR, base


def stages(folder: Path, align: int, answer: int, count: int, seed: int) -> list[Stage]:
    """Return the stages that make a scored projector in `folder`.

    `align` and `answer` are steps of training, `count` is the number of images to draw.
    """
    projector = folder / PROJECTOR.name
    data = ["--count", str(count)]
    return [
        Stage("check that torch and llama.cpp agree", "training.vision.torch_llama_parity"),
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
            "check that torch and llama.cpp agree on the exported file",
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
    """Draw images, train, export and score the projector; continue a stopped run."""
    parser = command_parser("vision", main.__doc__)
    parser.add_argument(
        "--align-steps",
        type=int,
        default=2400,
        help="steps of stage `align` (default: %(default)s)",
    )
    parser.add_argument(
        "--answer-steps",
        type=int,
        default=240,
        help="steps of stage `answer` (default: %(default)s)",
    )
    parser.add_argument(
        "--count", type=int, default=80_000, help="images to draw (default: %(default)s)"
    )
    args = parser.parse_args()
    settings = {
        "align_steps": args.align_steps,
        "answer_steps": args.answer_steps,
        "count": args.count,
        "seed": args.seed,
    }
    folder = run_folder(parser, args.work, "vision", settings)
    base()  # fetched before anything starts: the stages look for the base weights themselves
    status = run(
        stages(folder, args.align_steps, args.answer_steps, args.count, args.seed),
        args.work.absolute(),
    )
    if not status:
        print(f"\nTo ship the projector, copy {folder / PROJECTOR.name} to {PROJECTOR},")
        print("measure it with `hatch run train:evaluate --only vision`,")
        print("and update vision.md there.")
    return status


if __name__ == "__main__":
    sys.exit(main())
