"""Scores a projector in llama.cpp in this process, to choose checkpoints.

The bars are measured through the SDK and the server instead: `training.evaluate`.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import click
from model_fixtures.images import PreparedImage, prepare
from rich.progress import track
from training.work_folders import PROJECTOR, base

from . import answer_judge
from .evaluation_sets import ImageCase
from .llama_in_process import LlamaInProcess, text_of


class InProcessAnswers:
    """Answers from llama.cpp in this process."""

    def __init__(self, runtime: LlamaInProcess) -> None:
        self._runtime = runtime

    def __call__(self, case: ImageCase) -> str:
        """Return the answer to the question about the image, in the order asked for."""
        image = prepare(case.data, trim=True)
        parts: list[str | PreparedImage] = [image, case.question]
        if not case.image_first:
            parts.reverse()
        return text_of(self._runtime.answer(parts, cache_prompt=True))


@click.command()
@click.option("--set", "which", type=click.Choice(["validation", "test"]), default="validation")
@click.option("--projector", type=click.Path(path_type=Path), default=PROJECTOR, show_default=True)
@click.option("--model", type=click.Path(path_type=Path), default=base)
@click.option("--report", type=click.Path(path_type=Path), help="Write everything as JSON.")
@click.option("--threads", default=1, show_default=True)
def main(which: str, projector: Path, model: Path, report: Path | None, threads: int) -> None:
    """Score PROJECTOR."""
    look = InProcessAnswers(LlamaInProcess(model, projector, threads))
    result: dict[str, Any] = {
        "set": which,
        "projector": projector.name,
        "sha256": hashlib.sha256(projector.read_bytes()).hexdigest(),
    }
    chosen = answer_judge.validation() if which == "validation" else answer_judge.final()
    for name, cases in chosen.items():
        found = answer_judge.score(look, name, track(cases, name))
        notes = {note: f"{part.right}/{part.total}" for note, part in found.notes.items()}
        click.echo(f"{name}: {found.answers}, {notes}")
        result[name] = {**found.answers.data(), "by": notes}
    if report:
        report.parent.mkdir(parents=True, exist_ok=True)
        report.write_text(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
