"""Measure every quality bar through the SDK and the embedded server: ``hatch run train:evaluate``.

The evaluation starts its own server on a free port, with one thread for each model; it never uses a
host of the user's. The evaluation sets hold only what training never saw.
"""

from __future__ import annotations

import os
import statistics
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import click
import lmstudio
from model_fixtures import weights
from model_fixtures.catalog import CatalogError, needed_weights, read_catalog
from model_fixtures.catalog.merge_catalogs import CATALOG_VARIABLE, MODELS_VARIABLE
from model_fixtures.hosts import HostError
from model_fixtures.weights import WeightsError
from model_fixtures.weights.derived_weights import adapter
from rich.console import Console
from rich.progress import track
from training.scores import Score
from training.vision import answer_judge

from . import evaluation_report
from .atomic_files import write_json
from .evaluation_server import EvaluationServer, MeasuredModel
from .quality_bars import Group, check_bars
from .tool_use.conversation_judge import ConversationJudge, failed_regressions, scores, sum_scores
from .tool_use.decode_speed import TOKENS, speed_ratio
from .tool_use.evaluation_cases import KINDS, REGRESSION, ConversationCase, cases
from .tool_use.sdk_assistant import SdkAssistant
from .vision.sdk_answers import SdkAnswers

# The plain model is SmolLM2 without the adapter.
VISION, TOOLS, PLAIN = "mobilevlm_v2-1.7b", "qwen2.5-7b-instruct-1m", "smollm2-135m-instruct"
_COUNT = 200  # conversations of each kind
_SPEED = 20  # answers of each model in the comparison of decode speeds


class Measurements:
    """Everything that has been measured so far, by the keys of the bars."""

    def __init__(self) -> None:
        self.scores: dict[str, Score] = {}
        self.images: dict[str, Score] = {}
        self.figures: dict[str, float | None] = {}
        self.more: dict[str, Any] = {}

    def add_model(self, group: Group, loaded: MeasuredModel) -> None:
        """Add a model's load times and memory; to be called after all questions."""
        memory = loaded.memory()
        self.figures[f"{group} load"] = loaded.median
        self.figures[f"{group} memory"] = memory["now"] if memory else None
        self.more[group] = {
            "name": loaded.model.get_info().display_name,
            "load_seconds": list(loaded.seconds),
            "memory_mb": memory,
        }

    def data(self) -> dict[str, Any]:
        """Return all measurements as JSON data."""
        return {
            "rows": [vars(row) for row in check_bars(self.scores, self.figures)],
            "figures": self.figures,
            "scores": {key: score.data() for key, score in self.scores.items()},
            "images": {key: [score.right, score.total] for key, score in self.images.items()},
            **self.more,
        }


def fetch(only: Group | None, catalog: Path | None) -> None:
    """Make or fetch all weights, so that no timed load includes that.

    Raises:
        CatalogError: the catalog file is not valid; the message is one line.
        WeightsError: weights can't be made or fetched; the message is one line.
    """
    # The weights that the user chose for tests are not the ones to measure.
    for variable in (CATALOG_VARIABLE, MODELS_VARIABLE):
        os.environ.pop(variable, None)
    if catalog is not None:
        os.environ[CATALOG_VARIABLE] = str(catalog.absolute())
    keys = {"vision": [VISION], "tools": [TOOLS, PLAIN], None: [VISION, TOOLS, PLAIN]}[only]
    if only != "vision" and catalog is None:
        adapter()  # the cache may hold a merge with another adapter
    needed = needed_weights(model for model in read_catalog().models if model.key in keys)
    if needed:
        weights.ensure(needed)


def measure_vision(
    server: EvaluationServer, measured: Measurements, count: int | None, seed: str
) -> None:
    """Measure the vision model."""
    loaded = server.load(VISION)
    answers = SdkAnswers(server.client, loaded.model)
    notes: dict[str, dict[str, str]] = {}
    for name, chosen in answer_judge.final(count, seed).items():
        found = answer_judge.score(answers, name, track(chosen, name))
        measured.scores[name], measured.images[name] = found.answers, found.images
        notes[name] = {note: f"{part.right}/{part.total}" for note, part in found.notes.items()}
    measured.figures["answer"] = statistics.median(answers.seconds)
    measured.add_model("vision", loaded)
    measured.more["vision"]["by"] = notes
    loaded.model.unload()


def hold_conversations(
    server: EvaluationServer, first: lmstudio.LLM, chosen: list[ConversationCase], jobs: int
) -> dict[str, Score]:
    """Hold the conversations with ``jobs`` model instances at once, and return the scores.

    Each instance has a thread here and a worker process in the server.
    """
    models = [first, *(server.client.llm.load_new_instance(TOOLS) for _ in range(jobs - 1))]
    # Consecutive cases offer the same tools, so an instance can reuse their part of the prompt.
    waiting = iter(track(chosen, "conversations"))
    lock = threading.Lock()

    def remaining() -> Iterator[ConversationCase]:
        while True:
            with lock:
                case = next(waiting, None)
            if case is None:
                return
            yield case

    with ThreadPoolExecutor(jobs) as pool:
        parts = list(
            pool.map(
                lambda model: scores(ConversationJudge(SdkAssistant(model)), remaining()), models
            )
        )
    for model in models[1:]:
        model.unload()
    return sum_scores(parts)


def measure_tools(
    server: EvaluationServer, measured: Measurements, count: int | None, seed: str, jobs: int
) -> None:
    """Measure the tool-use model, with ``jobs`` conversations at once."""
    loaded = server.load(TOOLS)
    chosen = cases(_COUNT if count is None else count, seed, KINDS)
    measured.scores.update(hold_conversations(server, loaded.model, chosen, jobs))
    wrong = failed_regressions(ConversationJudge(SdkAssistant(loaded.model)))
    measured.add_model("tools", loaded)
    measured.more["tools"]["regression"] = {"of": len(REGRESSION), "wrong": wrong}
    plain = server.load(PLAIN, times=1)
    prompts = cases(_SPEED if count is None else min(_SPEED, count), seed, ["plain"])
    measured.figures["speed"] = speed_ratio(
        SdkAssistant(loaded.model, TOKENS),
        SdkAssistant(plain.model, TOKENS),
        track(prompts, "speed"),
    )
    for each in (plain, loaded):
        each.model.unload()


def show(measured: Measurements, console: Console) -> bool:
    """Print the table and the rows for the model cards; return whether all bars are met."""
    rows = check_bars(measured.scores, measured.figures)
    console.print(evaluation_report.table(rows))
    for kind in ("parallel", "chained"):
        if kind in measured.scores:
            console.print(f"{kind}: {measured.scores[kind]}", highlight=False)
    if "tools" in measured.more:
        found = measured.more["tools"]["regression"]
        right = found["of"] - len(found["wrong"])
        console.print(f"prompts like the suite's: {right} of {found['of']}", highlight=False)
    groups: tuple[Group, ...] = ("vision", "tools")
    for group in groups:
        lines = evaluation_report.card_rows(group, measured.scores, measured.images)
        if lines:
            click.echo(f"\nRows for weights/data/{group}.md:")
            click.echo("\n".join([*lines, "", evaluation_report.figures_line(group, rows)]))
    return all(row.met is not False for row in rows)


@click.command()
@click.option("--only", type=click.Choice(["vision", "tools"]), help="Measure only this model.")
@click.option(
    "--count",
    type=click.IntRange(min=1),
    help="Images in each set and conversations of each kind; by default as many as the bars need.",
)
@click.option("--seed", help="Draw images and conversations other than those of the model cards.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="Write all figures and all failures to this file as JSON.",
)
@click.option(
    "--catalog",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Measure the weights that this catalog file names, not those that ship.",
)
@click.option(
    "--jobs",
    type=click.IntRange(min=1),
    default=os.cpu_count() or 1,
    show_default="one for each core",
    help="Conversations held at once; times are always measured one at a time.",
)
def main(
    only: Group | None,
    count: int | None,
    seed: str | None,
    out: Path | None,
    catalog: Path | None,
    jobs: int,
) -> None:
    """Measure every quality bar through the SDK and a server started for it.

    The exit status is 1 if a bar is missed.
    """
    measured = Measurements()
    try:
        fetch(only, catalog)
        with EvaluationServer(catalog) as server:
            if only != "tools":
                measure_vision(server, measured, count, seed or "test-1")
                if out:
                    write_json(out, measured.data())
            if only != "vision":
                measure_tools(server, measured, count, seed or "final", jobs)
    except (CatalogError, HostError, WeightsError, lmstudio.LMStudioError) as error:
        raise click.ClickException(str(error)) from None
    if out:
        write_json(out, measured.data())
    raise SystemExit(0 if show(measured, Console()) else 1)


if __name__ == "__main__":
    main()
