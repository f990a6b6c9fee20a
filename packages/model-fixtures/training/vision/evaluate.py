"""Scores a projector through llama.cpp, from file bytes to words, and measures what it costs.

`python -m training.vision.evaluate --set validation` picks checkpoints, `--set test` is for the
end.
"""

import hashlib
import json
import os
import re
import statistics
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import click
from model_fixtures.server.images import prepare
from rich.progress import track
from training.vision import evaluation_sets as sets
from training.vision.evaluation_figures import KINDS
from training.vision.labels import COLOURS, SHAPES
from training.vision.paths import BASE, PROJECTOR
from training.vision.runtime import Runtime, text_of

BARS = {"colour": 0.97, "parts": 0.90, "shape": 0.88, "empty": 0.80}
_COLOUR_WORD = re.compile(rf"\b({'|'.join(COLOURS)}|grey)\b", re.IGNORECASE)
_SHAPE_WORD = re.compile(rf"\b({'|'.join(SHAPES)})\b", re.IGNORECASE)


def interval(right: int, count: int) -> tuple[float, float]:
    """Return Wilson's 95 % confidence interval."""
    z, share = 1.96, right / count
    middle = (share + z * z / (2 * count)) / (1 + z * z / count)
    half = z * (share * (1 - share) / count + z * z / (4 * count**2)) ** 0.5 / (1 + z * z / count)
    return max(0.0, middle - half), min(1.0, middle + half)


def judged(name: str, truth: str, answer: str) -> tuple[bool, str]:
    """Return whether `answer` is right, and the word that decided."""
    found = (_SHAPE_WORD if name == "shape" else _COLOUR_WORD).search(answer)
    word = found.group(1).lower().replace("grey", "gray") if found else ""
    return word == truth, word


def cases(which: str) -> Iterator[tuple[str, Iterable[sets.Case]]]:
    """Yield the four sets; validation's are smaller, of other seeds, with half of the drawings."""
    if which == "test":
        yield "colour", sets.colours(300, "test-1")
        yield "parts", sets.parts(154, "test-1")
        yield "shape", sets.shapes(200, "test-1")
        yield "empty", sets.empty(100, "test-1")
    else:
        yield "colour", sets.colours(66, "validation-1")
        yield "parts", sets.parts(66, "validation-1", tuple(KINDS)[::2])
        yield "shape", sets.shapes(80, "validation-1")
        yield "empty", sets.empty(32, "validation-1")


def score(runtime: Runtime, name: str, chosen: Iterable[sets.Case]) -> dict[str, Any]:
    """Ask all questions of one set; returns counts, confusions and seconds per answer."""
    right, total, seconds, lengths = 0, 0, [], 0
    by_note: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    wrong: list[dict[str, str]] = []
    for case in track(list(chosen), name):
        start = time.perf_counter()
        image = prepare(case.data, trim=True)
        completion = runtime.answer(
            [image, case.question] if case.image_first else [case.question, image],
            cache_prompt=True,
        )
        seconds.append(time.perf_counter() - start)
        lengths += completion["choices"][0]["finish_reason"] != "stop"
        answer = text_of(completion)
        good, _ = judged(name, case.truth, answer)
        right += good
        total += 1
        by_note[case.note][0] += good
        by_note[case.note][1] += 1
        if not good:
            wrong.append({"truth": case.truth, "answer": answer[:80], "note": case.note})
    low, high = interval(right, total)
    return {
        "right": right, "total": total, "share": right / total, "low": low, "high": high,
        "median_seconds": statistics.median(seconds), "endless": lengths,
        "by": {note: f"{good}/{count}" for note, (good, count) in by_note.items()}, "wrong": wrong,
    }  # fmt: skip


def memory() -> float:
    """Return this process's resident memory in MiB (Linux)."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


@click.command()
@click.option("--set", "which", type=click.Choice(["validation", "test"]), default="validation")
@click.option("--projector", type=click.Path(path_type=Path), default=PROJECTOR, show_default=True)
@click.option("--model", type=click.Path(path_type=Path), default=BASE, show_default=True)
@click.option("--report", type=click.Path(path_type=Path), help="Write everything as JSON.")
@click.option("--threads", default=1, show_default=True)
def main(which: str, projector: Path, model: Path, report: Path | None, threads: int) -> None:
    """Score PROJECTOR; with --set test, exit 1 if a bar is missed."""
    start = time.perf_counter()
    runtime = Runtime(model, projector, threads)
    result: dict[str, Any] = {
        "set": which,
        "projector": projector.name,
        "sha256": hashlib.sha256(projector.read_bytes()).hexdigest(),
        "bytes": projector.stat().st_size,
        "load_seconds": time.perf_counter() - start,
    }
    missed = []
    for name, chosen in cases(which):
        entry = result[name] = score(runtime, name, chosen)
        click.echo(
            f"{name}: {entry['right']}/{entry['total']} = {entry['share']:.1%} "
            f"({entry['low']:.1%} to {entry['high']:.1%}), bar {BARS[name]:.0%}, "
            f"median {entry['median_seconds']:.3f} s, {entry['endless']} cut off, {entry['by']}"
        )
        if entry["share"] < BARS[name]:
            missed.append(name)
    result["memory_mib"] = memory()
    click.echo(
        f"load {result['load_seconds']:.2f} s, memory {result['memory_mib']:.0f} MiB, "
        f"{result['bytes']} bytes, sha256 {result['sha256']}"
    )
    if report:
        report.parent.mkdir(parents=True, exist_ok=True)
        report.write_text(json.dumps(result, indent=1))
    raise SystemExit(1 if missed and which == "test" else 0)


if __name__ == "__main__":
    main()
