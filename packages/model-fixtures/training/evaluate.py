"""Measure every quality bar through the SDK and the embedded server: ``hatch run train:evaluate``.

The evaluation starts its own server on a free port, with one thread for each model; it never uses a
host of the user's. The evaluation sets hold only what training never saw.
"""

from __future__ import annotations

import os
import statistics
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType
from typing import Any

import click
import lmstudio
from model_fixtures import weights
from model_fixtures.catalog import CatalogError, needed_weights, read_catalog
from model_fixtures.catalog.merge_catalogs import CATALOG_VARIABLE, MODELS_VARIABLE
from model_fixtures.hosts import HostError
from model_fixtures.weights import Weights, WeightsError
from model_fixtures.weights.derived_weights import CHAT_ADAPTER, TOOLS_ADAPTER, adapter
from model_fixtures.weights.merge_and_requantize import requantize
from rich.console import Console
from rich.progress import track
from training.scores import Score
from training.vision import answer_judge

from . import evaluation_report
from .atomic_files import write_json
from .chat import score_checkpoint
from .chat.evaluation_cases import ChatCase
from .chat.evaluation_cases import cases as chat_cases
from .evaluation_server import EvaluationServer, MeasuredModel
from .model_instances import with_instances
from .quality_bars import Group, check_bars
from .tool_use.conversation_judge import ConversationJudge, failed_regressions, scores, sum_scores
from .tool_use.decode_speed import TOKENS, speed_ratio
from .tool_use.evaluation_cases import KINDS, REGRESSION, cases
from .tool_use.sdk_assistant import SdkAssistant
from .vision.sdk_answers import SdkAnswers

# The plain model is SmolLM2 without the adapter.
VISION, TOOLS, PLAIN = "mobilevlm_v2-1.7b", "qwen2.5-7b-instruct-1m", "smollm2-135m-instruct"
CHAT = "llama-3.2-1b-instruct"
_KEYS: Mapping[Group, Sequence[str]] = MappingProxyType(
    {"vision": [VISION], "tools": [TOOLS, PLAIN], "chat": [CHAT, PLAIN]}
)
_GROUPS = tuple(_KEYS)
_ADAPTERS: Mapping[Group, str] = MappingProxyType({"tools": TOOLS_ADAPTER, "chat": CHAT_ADAPTER})
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


def fetch(groups: Sequence[Group], catalog: Path | None) -> None:
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
    keys = {key for group in groups for key in _KEYS[group]}
    if catalog is None:
        for group in groups:
            if group in _ADAPTERS:
                adapter(_ADAPTERS[group])  # the cache may hold a merge with another adapter
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


def measure_chat(
    server: EvaluationServer, measured: Measurements, count: int | None, seed: str, jobs: int
) -> None:
    """Measure the chat model: ``jobs`` conversations at once, then its perplexity and speed.

    The answers come through the SDK. Perplexity and speed need the probabilities and the times of
    llama.cpp, so they are measured in this process.
    """
    # Late, since the other groups need no llama.cpp in this process.
    from .chat import decode_speed, perplexity
    from .tool_use.llama_in_process import GreedyCompleter

    loaded = server.load(CHAT)
    asked = chat_cases(_COUNT if count is None else count, seed)
    with more_instances(server, loaded.model, CHAT, jobs) as models:
        parts = with_instances(models, track(asked, "chats"), answers_in_chat)
    for key, score in sum_scores(parts).items():
        measured.scores[key] = score
    measured.add_model("chat", loaded)
    loaded.model.unload()
    ours, base = gguf_file(CHAT), weights.ensure([Weights.SMOLLM2])[Weights.SMOLLM2]
    texts = perplexity.passages()[:count]
    logs = [
        perplexity.text_log_probabilities(path, None, track(texts, "perplexity"))
        for path in (ours, base)
    ]
    measured.figures["perplexity"] = perplexity.ratio(*logs)[0]
    prompts = [case.messages() for case in chat_cases(_SPEED, seed, ["greeting"])]
    with TemporaryDirectory() as folder:
        plain = Path(folder) / "base.Q4_0.gguf"
        requantize(base, plain, "Q4_0")
        measured.figures["chat speed"] = decode_speed.speed_ratio(
            GreedyCompleter(ours), GreedyCompleter(plain), track(prompts, "speed")
        )


def gguf_file(key: str) -> Path:
    """Return the weights that answer for a model of the catalog."""
    model = read_catalog().find(key, "llm")[0]
    if model.file is not None:
        return model.file
    assert model.weights is not None
    return weights.ensure([model.weights])[model.weights]


def answers_in_chat(model: lmstudio.LLM, remaining: Iterator[ChatCase]) -> dict[str, Score]:
    """Return the scores of a model's answers to chats."""
    assistant = SdkAssistant(model, score_checkpoint.TOKENS)
    return score_checkpoint.score(lambda messages: assistant(messages, []).text, remaining)


@contextmanager
def more_instances(
    server: EvaluationServer, first: lmstudio.LLM, key: str, count: int
) -> Iterator[list[lmstudio.LLM]]:
    """Provide ``count`` instances of a model, ``first`` among them, and unload the others."""
    models = [first, *(server.client.llm.load_new_instance(key) for _ in range(count - 1))]
    yield models
    for model in models[1:]:
        model.unload()


def measure_tools(
    server: EvaluationServer, measured: Measurements, count: int | None, seed: str, jobs: int
) -> None:
    """Measure the tool-use model, with ``jobs`` conversations at once."""
    loaded = server.load(TOOLS)
    chosen = cases(_COUNT if count is None else count, seed, KINDS)
    # Consecutive cases offer the same tools, so an instance can reuse their part of the prompt.
    with more_instances(server, loaded.model, TOOLS, jobs) as models:
        parts = with_instances(
            models,
            track(chosen, "conversations"),
            lambda model, remaining: scores(ConversationJudge(SdkAssistant(model)), remaining),
        )
    measured.scores.update(sum_scores(parts))
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
    for group in _GROUPS:
        lines = evaluation_report.card_rows(group, measured.scores, measured.images)
        if lines:
            click.echo(f"\nRows for weights/data/{group}.md:")
            click.echo("\n".join([*lines, "", evaluation_report.figures_line(group, rows)]))
    return all(row.met is not False for row in rows)


@click.command()
@click.option("--only", type=click.Choice(_GROUPS), help="Measure only this model.")
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
        groups = _GROUPS if only is None else (only,)
        fetch(groups, catalog)
        with EvaluationServer(catalog) as server:
            for group in groups:
                if group == "vision":
                    measure_vision(server, measured, count, seed or "test-1")
                elif group == "tools":
                    measure_tools(server, measured, count, seed or "final", jobs)
                else:
                    measure_chat(server, measured, count, seed or "final", jobs)
                if out:
                    write_json(out, measured.data())
    except (CatalogError, HostError, WeightsError, lmstudio.LMStudioError) as error:
        raise click.ClickException(str(error)) from None
    if out:
        write_json(out, measured.data())
    raise SystemExit(0 if show(measured, Console()) else 1)


if __name__ == "__main__":
    main()
