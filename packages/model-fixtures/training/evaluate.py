"""Measures every bar through the SDK and the embedded server: ``hatch run train:evaluate``.

The server is its own, on a free port, with one thread a model; a host of the user's is never used.
The sets are those that training never saw. Exits with 1 if a bar is missed.
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
from training.vision import judge as vision_judge

from . import evaluation_report
from .evaluation_server import Bench, Loaded
from .quality_bars import Group, held
from .tool_use.decode_speed import TOKENS, ratio
from .tool_use.evaluation_cases import KINDS, REGRESSION, Case, cases
from .tool_use.judge import Judge, regression, scores, together
from .tool_use.sdk_assistant import Served as Speaker
from .vision.sdk_answers import Served as Eyes

# The plain model is SmolLM2 as it is: what the adapter belongs to.
VISION, TOOLS, PLAIN = "mobilevlm_v2-1.7b", "qwen2.5-7b-instruct-1m", "smollm2-135m-instruct"
_COUNT = 200  # conversations of each kind
_SPEED = 20  # answers of each model


class Outcome:
    """What has been measured so far, by the bars' keys."""

    def __init__(self) -> None:
        self.scores: dict[str, Score] = {}
        self.images: dict[str, Score] = {}
        self.figures: dict[str, float | None] = {}
        self.more: dict[str, Any] = {}

    def model(self, group: Group, loaded: Loaded) -> None:
        """Take load times and memory; to be called after the questions."""
        memory = loaded.memory()
        self.figures[f"{group} load"] = loaded.median
        self.figures[f"{group} memory"] = memory["now"] if memory else None
        self.more[group] = {
            "name": loaded.model.get_info().display_name,
            "load_seconds": list(loaded.seconds),
            "memory_mb": memory,
        }

    def data(self) -> dict[str, Any]:
        """Return everything as JSON data."""
        return {
            "rows": [vars(row) for row in held(self.scores, self.figures)],
            "figures": self.figures,
            "scores": {key: score.data() for key, score in self.scores.items()},
            "images": {key: [score.right, score.total] for key, score in self.images.items()},
            **self.more,
        }


def fetch(only: Group | None, catalog: Path | None) -> None:
    """Have all weights at hand, made or fetched with pip, before a load is timed.

    Raises:
        CatalogError: the catalog file makes no sense; one line.
        WeightsError: weights can't be had; one line.
    """
    for variable in (CATALOG_VARIABLE, MODELS_VARIABLE):  # the user's own weights are no subject
        os.environ.pop(variable, None)
    if catalog is not None:
        os.environ[CATALOG_VARIABLE] = str(catalog.absolute())
    keys = {"vision": [VISION], "tools": [TOOLS, PLAIN], None: [VISION, TOOLS, PLAIN]}[only]
    if only != "vision" and catalog is None:
        adapter()  # a merge of another one may lie in the cache
    needed = needed_weights(model for model in read_catalog().models if model.key in keys)
    if needed:
        weights.ensure(needed)


def see(bench: Bench, outcome: Outcome, count: int | None, seed: str) -> None:
    """Measure the vision model."""
    loaded = bench.load(VISION)
    eyes = Eyes(bench.client, loaded.model)
    notes: dict[str, dict[str, str]] = {}
    for name, chosen in vision_judge.final(count, seed).items():
        found = vision_judge.score(eyes, name, track(chosen, name))
        outcome.scores[name], outcome.images[name] = found.answers, found.images
        notes[name] = {note: f"{part.right}/{part.total}" for note, part in found.notes.items()}
    outcome.figures["answer"] = statistics.median(eyes.seconds)
    outcome.model("vision", loaded)
    outcome.more["vision"]["by"] = notes
    loaded.model.unload()


def converse(bench: Bench, first: lmstudio.LLM, chosen: list[Case], jobs: int) -> dict[str, Score]:
    """Hold the conversations with ``jobs`` instances at once, each in its thread and process."""
    models = [first, *(bench.client.llm.load_new_instance(TOOLS) for _ in range(jobs - 1))]
    # In turns: neighbours have the same tools, and each instance keeps their prompt.
    waiting = iter(track(chosen, "conversations"))
    lock = threading.Lock()

    def drawn() -> Iterator[Case]:
        while True:
            with lock:
                case = next(waiting, None)
            if case is None:
                return
            yield case

    with ThreadPoolExecutor(jobs) as pool:
        parts = list(pool.map(lambda model: scores(Judge(Speaker(model)), drawn()), models))
    for model in models[1:]:
        model.unload()
    return together(parts)


def act(bench: Bench, outcome: Outcome, count: int | None, seed: str, jobs: int) -> None:
    """Measure the tool-use model."""
    loaded = bench.load(TOOLS)
    chosen = cases(_COUNT if count is None else count, seed, KINDS)
    outcome.scores.update(converse(bench, loaded.model, chosen, jobs))
    wrong = regression(Judge(Speaker(loaded.model)))
    outcome.model("tools", loaded)
    outcome.more["tools"]["regression"] = {"of": len(REGRESSION), "wrong": wrong}
    plain = bench.load(PLAIN, times=1)
    prompts = cases(_SPEED if count is None else min(_SPEED, count), seed, ["plain"])
    outcome.figures["speed"] = ratio(
        Speaker(loaded.model, TOKENS), Speaker(plain.model, TOKENS), track(prompts, "speed")
    )
    for each in (plain, loaded):
        each.model.unload()


def show(outcome: Outcome, console: Console) -> bool:
    """Print the table and the cards' rows; tell whether no bar was missed."""
    rows = held(outcome.scores, outcome.figures)
    console.print(evaluation_report.table(rows))
    for kind in ("parallel", "chained"):
        if kind in outcome.scores:
            console.print(f"{kind}: {outcome.scores[kind]}", highlight=False)
    if "tools" in outcome.more:
        found = outcome.more["tools"]["regression"]
        right = found["of"] - len(found["wrong"])
        console.print(f"prompts like the suite's: {right} of {found['of']}", highlight=False)
    groups: tuple[Group, ...] = ("vision", "tools")
    for group in groups:
        lines = evaluation_report.card_rows(group, outcome.scores, outcome.images)
        if lines:
            click.echo(f"\nRows for weights/data/{group}.md:")
            click.echo("\n".join([*lines, "", evaluation_report.figures_line(group, rows)]))
    return all(row.met is not False for row in rows)


@click.command()
@click.option("--only", type=click.Choice(["vision", "tools"]), help="Measure one model alone.")
@click.option(
    "--count",
    type=click.IntRange(min=1),
    help="Images of each set, conversations of each kind; by default what the bars ask for.",
)
@click.option("--seed", help="Draw other images and conversations than those of the model cards.")
@click.option("--out", type=click.Path(path_type=Path), help="JSON with all failures.")
@click.option(
    "--catalog",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Catalog file (see model_fixtures.catalog) to measure other weights than those that ship.",
)
@click.option(
    "--jobs",
    type=click.IntRange(min=1),
    default=os.cpu_count() or 1,
    show_default=True,
    help="Conversations held at once; times are taken one after the other.",
)
def main(
    only: Group | None,
    count: int | None,
    seed: str | None,
    out: Path | None,
    catalog: Path | None,
    jobs: int,
) -> None:
    """Measure every bar through the SDK and a server of its own; exit 1 if one is missed."""
    outcome = Outcome()
    try:
        fetch(only, catalog)
        with Bench(catalog) as bench:
            if only != "tools":
                see(bench, outcome, count, seed or "test-1")
                if out:
                    evaluation_report.write(out, outcome.data())
            if only != "vision":
                act(bench, outcome, count, seed or "final", jobs)
    except (CatalogError, HostError, WeightsError, lmstudio.LMStudioError) as error:
        raise click.ClickException(str(error)) from None
    if out:
        evaluation_report.write(out, outcome.data())
    raise SystemExit(0 if show(outcome, Console()) else 1)


if __name__ == "__main__":
    main()
