"""The base model's own answers to ordinary prompts.

Training on its own answers keeps the model from changing where no form is demanded.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from model_fixtures.tool_format import Message, chatml
from training.atomic_files import replacing, write_json
from training.progress import tracked
from training.tool_use.plain_prompts import FIXED, prompts
from training.training_stages import STOPPED

COUNT = 350  # prompts
_TOKENS = 110  # of an answer, before it is shortened
_CHARACTERS = 420  # of a shortened answer


def free_prompts(count: int = COUNT) -> list[str]:
    """Return ``count`` different prompts of the training set, about subjects of all kinds.

    Greetings and small commands are left out: the base model answers them badly.
    """
    found = prompts(held_out=False, count=count + len(FIXED), seed=2)
    return [prompt for prompt in found if prompt not in FIXED]


def whole_sentences(answer: str) -> str:
    """Return the first whole sentences of an answer, together about 420 characters."""
    kept = ""
    for piece in re.findall(r"[^.!?]+[.!?]+[\"')]*\s*", answer):
        if kept and len(kept) + len(piece) > _CHARACTERS:
            break
        kept += piece
    return kept.strip()


def read_answers(path: Path) -> dict[str, str]:
    """Return the answers by prompt that an interrupted run wrote; a torn last line is ignored."""
    found: dict[str, str] = {}
    if path.exists():
        for line in path.read_text(encoding="utf-8").splitlines():
            try:
                prompt, answer = json.loads(line)
            except ValueError:
                break
            found[prompt] = answer
    return found


def collect(
    answer: Callable[[str], str],
    wanted: Sequence[str],
    unfinished: Path,
    title: str = "free answers",
) -> dict[str, str]:
    """Return the answers to the wanted prompts, in their order; the progress bears the title.

    Each answer is written to the file ``unfinished`` at once, as a line of JSON, and is not asked
    for again by a run that continues.
    """
    found = read_answers(unfinished)
    with replacing(unfinished) as part, part.open("w", encoding="utf-8") as whole_lines:
        whole_lines.writelines(f"{json.dumps(pair)}\n" for pair in found.items())
    missing = [prompt for prompt in wanted if prompt not in found]
    done = len(wanted) - len(missing)
    with unfinished.open("a", encoding="utf-8") as log:
        for prompt in tracked(missing, title, done):
            found[prompt] = answer(prompt)
            log.write(f"{json.dumps([prompt, found[prompt]])}\n")
            log.flush()
    return {prompt: found[prompt] for prompt in wanted}


def main() -> None:
    """Write the base model's greedy answers to a JSON file; continue an interrupted run."""
    from training.tool_use.llama_in_process import GreedyCompleter  # the rest needs no llama.cpp

    parser = argparse.ArgumentParser(
        prog="python -m training.chat.free_answers", description=main.__doc__
    )
    parser.add_argument("--base", type=Path, required=True, help="GGUF file of SmolLM2")
    parser.add_argument("--out", type=Path, required=True, help="JSON file to write")
    parser.add_argument(
        "--count", type=int, default=COUNT, help="number of prompts (default: %(default)s)"
    )
    args = parser.parse_args()
    completer = GreedyCompleter(args.base)

    def answer(prompt: str) -> str:
        text = chatml([Message("user", prompt)])
        # Without the cache an answer depends on its prompt only, not on where a run began.
        return str(completer.raw(text, _TOKENS, cache_prompt=False)["content"])

    unfinished = args.out.with_name(f"{args.out.name}.unfinished")
    try:
        found = collect(answer, free_prompts(args.count), unfinished)
    except KeyboardInterrupt:
        sys.exit(STOPPED)  # without a traceback: the answers so far are kept
    kept = {prompt: text for prompt, whole in found.items() if (text := whole_sentences(whole))}
    write_json(args.out, kept)
    unfinished.unlink()
    print(f"{len(kept)} answers in {args.out}")


if __name__ == "__main__":
    main()
