"""The base model's own answers to ordinary prompts.

Training on its own answers keeps the model from changing where no form is demanded.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from model_fixtures.tool_format import Message, chatml
from training.atomic_files import replacing, write_json
from training.base_model_options import base_model_parser
from training.progress import tracked
from training.tool_use.plain_prompts import FIXED, prompts
from training.training_stages import STOPPED

COUNT = 160  # prompts
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


@contextmanager
def collected(
    answer: Callable[[str], str], wanted: Sequence[str], out: Path, title: str
) -> Iterator[dict[str, str]]:
    """Provide what ``collect`` returns, to be written to ``out`` in the block.

    Ctrl-C exits with STOPPED and without a traceback; the answers so far are kept beside ``out``.
    """
    unfinished = out.with_name(f"{out.name}.unfinished")
    try:
        found = collect(answer, wanted, unfinished, title)
    except KeyboardInterrupt:
        sys.exit(STOPPED)
    yield found
    unfinished.unlink()


def main() -> None:
    """Write the base model's greedy answers to a JSON file; continue an interrupted run."""
    from training.tool_use.llama_in_process import GreedyCompleter  # the rest needs no llama.cpp

    parser = base_model_parser("training.chat.free_answers", main.__doc__, COUNT, "prompts")
    args = parser.parse_args()
    completer = GreedyCompleter(args.base)

    def answer(prompt: str) -> str:
        text = chatml([Message("user", prompt)])
        # Without the cache an answer depends on its prompt only, not on where a run began.
        return str(completer.raw(text, _TOKENS, cache_prompt=False)["content"])

    with collected(answer, free_prompts(args.count), args.out, "free answers") as found:
        kept = {prompt: text for prompt, whole in found.items() if (text := whole_sentences(whole))}
        write_json(args.out, kept)
    print(f"{len(kept)} answers in {args.out}")


if __name__ == "__main__":
    main()
