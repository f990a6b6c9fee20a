"""The base model's own answers to ordinary prompts, so that free text stays as good as it was."""

from __future__ import annotations

import argparse
import json
import re
from pathlib import Path

from rich.progress import track
from training.tool_use.plain_prompts import prompts

SYSTEM = "You are a helpful AI assistant named SmolLM, trained by Hugging Face"
TOKENS = 110  # of an answer, before it is cut
CHARACTERS = 420  # of what is kept


def whole_sentences(answer: str) -> str:
    """Return the first whole sentences of an answer, up to about CHARACTERS characters."""
    kept = ""
    for piece in re.findall(r"[^.!?]+[.!?]+[\"')]*\s*", answer):
        if kept and len(kept) + len(piece) > CHARACTERS:
            break
        kept += piece
    return kept.strip()


def main() -> None:
    """Write the base model's greedy answers to prompts of the training set as JSON."""
    from training.tool_use.llama_in_process import GreedyCompleter  # needs llama.cpp; the rest does not

    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--base", type=Path, required=True, help="SmolLM2-135M-Instruct.Q4_1.gguf")
    parser.add_argument("--out", type=Path, required=True, help="JSON file to write")
    parser.add_argument("--count", type=int, default=700, help="prompts (%(default)s)")
    args = parser.parse_args()
    answers: dict[str, str] = {}
    runner = GreedyCompleter(args.base)
    for prompt in track(prompts(held=False, count=args.count, seed=2), "free answers"):
        text = f"<|im_start|>system\n{SYSTEM}<|im_end|>\n<|im_start|>user\n{prompt}<|im_end|>\n"
        answer = whole_sentences(runner.complete(text + "<|im_start|>assistant\n", TOKENS))
        if answer:
            answers[prompt] = answer
    part = args.out.with_suffix(".part")
    part.write_text(json.dumps(answers, indent=1))
    part.replace(args.out)
    print(f"{len(answers)} answers in {args.out}")


if __name__ == "__main__":
    main()
