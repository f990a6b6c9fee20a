"""Plain texts that the base model writes by itself, without any prompt.

While the adapter learns, it must predict these texts as the base model does: otherwise its other
English becomes worse.
"""

from __future__ import annotations

from typing import Any

from training.atomic_files import write_json
from training.base_model_options import base_model_parser
from training.tool_use.gguf_tokenizer import END_OF_TEXT

from .free_answers import collected

COUNT = 200  # texts
_TOKENS = 128  # of a text, at most


def main() -> None:
    """Write texts that the base model samples to a JSON file; continue an interrupted run."""
    from training.tool_use.llama_in_process import GreedyCompleter  # the rest needs no llama.cpp

    parser = base_model_parser("training.chat.plain_texts", main.__doc__, COUNT, "texts")
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
        return str(completer.raw([END_OF_TEXT], _TOKENS, cache_prompt=False, **drawn)["content"])

    seeds = [str(seed) for seed in range(args.count)]
    with collected(sampled, seeds, args.out, "plain texts") as found:
        write_json(args.out, [text for text in found.values() if text.strip()])
    print(f"{len(found)} texts in {args.out}")


if __name__ == "__main__":
    main()
