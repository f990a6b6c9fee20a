"""Perplexity of a model on plain English, per token, from llama.cpp's own probabilities.

llama.cpp's server gives the probability of a token that it generated, taken before any sampler. So
each token of the text is asked for in turn, forced by a bias, and the prompt before it is cached.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Protocol

from rich.progress import track
from training.tool_use.llama_in_process import GreedyCompleter
from training.tool_use.gguf_tokenizer import Tokenizer

TEXT = Path(__file__).parent / "plain_text.txt"
_SEPARATOR = 0  # <|endoftext|>, which stood before every text when the base model was trained
_FORCING = 1e6  # more than any two logits differ by


class Completions(Protocol):
    """Completes token ids, as ``GreedyCompleter`` does."""

    def raw(
        self, prompt: Sequence[int], limit: int, grammar: str | None = None, **more: Any
    ) -> Any:
        """Return llama.cpp's whole answer to a completion."""


def passages() -> list[str]:
    """Return the passages of the text, each of which is read from its own start."""
    return TEXT.read_text(encoding="utf-8").strip().split("\n\n")


def log_probabilities(runner: Completions, ids: Sequence[int]) -> list[float]:
    """Return the natural logarithm of each token's probability in a text of its own."""
    before = [_SEPARATOR, *ids]
    return [_log_probability(runner, before[: place + 1], token) for place, token in enumerate(ids)]


def _log_probability(runner: Completions, before: Sequence[int], token: int) -> float:
    answer = runner.raw(list(before), 1, logit_bias=[[token, _FORCING]], n_probs=1)
    found = answer["completion_probabilities"][0]
    if found["id"] != token:
        raise RuntimeError(f"llama.cpp generated token {found['id']} where {token} was forced")
    return float(found["logprob"])


def perplexity(logs: Sequence[float]) -> float:
    """Return the perplexity of tokens with these logarithms of probabilities."""
    return math.exp(-math.fsum(logs) / len(logs))


def ratio(logs: Sequence[float], base: Sequence[float]) -> tuple[float, float, float]:
    """Return a perplexity by the base model's on the same tokens, and its 95 % interval."""
    worse = [ours - theirs for theirs, ours in zip(logs, base, strict=True)]
    middle = math.fsum(worse) / len(worse)
    variance = math.fsum((each - middle) ** 2 for each in worse) / max(1, len(worse) - 1)
    half = 1.96 * math.sqrt(variance / len(worse))
    return math.exp(middle), math.exp(middle - half), math.exp(middle + half)


def measured(model: Path, adapter: Path | None, texts: Iterable[str]) -> list[float]:
    """Return the logarithms of all tokens of the texts."""
    tokenizer, runner = Tokenizer(model), GreedyCompleter(model, adapter)
    return [log for text in texts for log in log_probabilities(runner, tokenizer.encode(text))]


def main() -> None:
    """Print the perplexity, and with --base its ratio to the base model's."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--model", type=Path, required=True, help="merged (or plain) GGUF")
    parser.add_argument("--adapter", type=Path, help="GGUF adapter beside an unmerged model")
    parser.add_argument("--base", type=Path, help="plain GGUF to compare with")
    parser.add_argument("--passages", type=int, help="only so many passages of the text")
    args = parser.parse_args()
    texts = passages()[: args.passages]
    logs = measured(args.model, args.adapter, track(texts, "passages"))
    print(f"perplexity {perplexity(logs):.2f} over {len(logs)} tokens")
    if args.base:
        base = measured(args.base, None, track(texts, "passages, base"))
        middle, low, high = ratio(logs, base)
        print(f"base       {perplexity(base):.2f}")
        print(f"ratio      {middle:.3f} ({low:.3f} to {high:.3f})")


if __name__ == "__main__":
    main()
