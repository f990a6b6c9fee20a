"""Score a projector with llama.cpp in this process, to choose checkpoints.

The quality bars are measured through the SDK and the server instead: `training.evaluate`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from rich.progress import track
from training.atomic_files import sha256_of, write_json
from training.work_folders import PROJECTOR

from . import answer_judge
from .in_process_answers import InProcessAnswers
from .llama_in_process import LlamaInProcess
from .model_option import model_option


@click.command()
@click.option(
    "--set",
    "which",
    type=click.Choice(["validation", "test"]),
    default="validation",
    show_default=True,
    help="Evaluation set; use `validation` to choose checkpoints.",
)
@click.option(
    "--projector",
    type=click.Path(path_type=Path),
    default=PROJECTOR,
    show_default="the one that ships",
    help="GGUF projector to score.",
)
@model_option
@click.option(
    "--report",
    type=click.Path(path_type=Path),
    help="Also write scores and failures to this file as JSON.",
)
@click.option("--threads", default=1, show_default=True, help="Threads of llama.cpp.")
def main(which: str, projector: Path, model: Path, report: Path | None, threads: int) -> None:
    """Print the scores of a projector on each part of the evaluation set."""
    answers = InProcessAnswers(LlamaInProcess(model, projector, threads))
    result: dict[str, Any] = {
        "set": which,
        "projector": projector.name,
        "sha256": sha256_of(projector),
    }
    chosen = answer_judge.validation() if which == "validation" else answer_judge.final()
    for name, cases in chosen.items():
        found = answer_judge.score(answers, name, track(cases, name))
        notes = {note: f"{part.right}/{part.total}" for note, part in found.notes.items()}
        click.echo(f"{name}: {found.answers}, {notes}")
        result[name] = {**found.answers.data(), "by": notes}
    if report:
        write_json(report, result)


if __name__ == "__main__":
    main()
