"""Plain texts that the base model writes by itself, without any prompt.

While the adapter learns, it must predict these texts as the base model does: otherwise its other
English becomes worse.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from training.atomic_files import write_json
from training.training_stages import STOPPED

from .free_answers import collect

COUNT = 240  # texts
_TOKENS = 128  # of a text, at most
_SEPARATOR = 0  # <|endoftext|>, after which the base model begins a new text


def main() -> None:
    """Write texts that the base model samples to a JSON file; continue an interrupted run."""
    from training.tool_use.llama_in_process import GreedyCompleter  # the rest needs no llama.cpp

    parser = argparse.ArgumentParser(
        prog="python -m training.chat.plain_texts", description=main.__doc__
    )
    parser.add_argument("--base", type=Path, required=True, help="GGUF file of SmolLM2")
    parser.add_argument("--out", type=Path, required=True, help="JSON file to write")
    parser.add_argument(
        "--count", type=int, default=COUNT, help="number of texts (default: %(default)s)"
    )
    args = parser.parse_args()
    completer = GreedyCompleter(args.base)

    def sampled(seed: str) -> str:
        # At a temperature of 1 so small a model soon writes nonsense.
        drawn: dict[str, Any] = {
            "temperature": 0.8,
            "seed": int(seed),
            "top_k": 0,
            "top_p": 1.0,
            "min_p": 0.0,
        }
        return str(completer.raw([_SEPARATOR], _TOKENS, cache_prompt=False, **drawn)["content"])

    unfinished = args.out.with_name(f"{args.out.name}.unfinished")
    try:
        found = collect(sampled, [str(seed) for seed in range(args.count)], unfinished, "texts")
    except KeyboardInterrupt:
        sys.exit(STOPPED)  # without a traceback: the texts so far are kept
    write_json(args.out, [text for text in found.values() if text.strip()])
    unfinished.unlink()
    print(f"{len(found)} texts in {args.out}")


if __name__ == "__main__":
    main()
