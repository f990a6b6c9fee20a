"""The perplexity of a model on plain English, per token, from llama.cpp's own probabilities.

llama.cpp's server returns the probability of a token that it generated, before any sampler. So each
token of the text is generated in turn: a bias forces it, and the tokens before it are cached.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Protocol

from training.progress import tracked
from training.tool_use.gguf_tokenizer import END_OF_TEXT, Tokenizer
from training.tool_use.llama_in_process import GreedyCompleter

TEXT = Path(__file__).parent / "plain_text.txt"
_BIAS = 1e6  # more than any two logits differ by


class Completer(Protocol):
    """Completes token ids, as ``GreedyCompleter`` does."""

    def raw(
        self, prompt: Sequence[int], limit: int, grammar: str | None = None, **more: Any
    ) -> Any:
        """Return llama.cpp's response to a completion, as JSON data."""


def passages() -> list[str]:
    """Return the passages of the text; the model reads each without the others."""
    return TEXT.read_text(encoding="utf-8").strip().split("\n\n")


def log_probabilities(completer: Completer, ids: Sequence[int]) -> list[float]:
    """Return the natural logarithm of the probability of each token of a text.

    Raises:
        RuntimeError: llama.cpp generated another token than the forced one.
    """
    before = [END_OF_TEXT, *ids]
    return [
        _log_probability(completer, before[: place + 1], token) for place, token in enumerate(ids)
    ]


def _log_probability(completer: Completer, before: Sequence[int], token: int) -> float:
    response = completer.raw(list(before), 1, logit_bias=[[token, _BIAS]], n_probs=1)
    found = response["completion_probabilities"][0]
    if found["id"] != token:
        raise RuntimeError(f"llama.cpp generated token {found['id']} where {token} was forced")
    return float(found["logprob"])


def perplexity(logs: Sequence[float]) -> float:
    """Return the perplexity of tokens with these logarithms of probabilities."""
    return math.exp(-math.fsum(logs) / len(logs))


def ratio(logs: Sequence[float], base: Sequence[float]) -> tuple[float, float, float]:
    """Return the ratio of a perplexity to the base model's, and both ends of its 95 % interval.

    ``logs`` and ``base`` are logarithms of probabilities of the same tokens.
    """
    worse = [theirs - ours for ours, theirs in zip(logs, base, strict=True)]
    middle = math.fsum(worse) / len(worse)
    variance = math.fsum((each - middle) ** 2 for each in worse) / max(1, len(worse) - 1)
    half = 1.96 * math.sqrt(variance / len(worse))
    return math.exp(middle), math.exp(middle - half), math.exp(middle + half)


def text_log_probabilities(model: Path, adapter: Path | None, texts: Iterable[str]) -> list[float]:
    """Return the logarithms of the probabilities of all tokens of the texts."""
    tokenizer, completer = Tokenizer(model), GreedyCompleter(model, adapter)
    return [log for text in texts for log in log_probabilities(completer, tokenizer.encode(text))]


def main() -> None:
    """Print the perplexity, and with --base its ratio to the base model's."""
    parser = argparse.ArgumentParser(
        prog="python -m training.chat.perplexity", description=main.__doc__
    )
    parser.add_argument("--model", type=Path, required=True, help="GGUF model, merged or plain")
    parser.add_argument("--adapter", type=Path, help="GGUF adapter for a plain model")
    parser.add_argument("--base", type=Path, help="plain GGUF model to compare with")
    parser.add_argument(
        "--passages", type=int, help="number of passages to read (default: the whole text)"
    )
    args = parser.parse_args()
    texts = passages()[: args.passages]
    logs = text_log_probabilities(args.model, args.adapter, tracked(texts, "passages"))
    print(f"perplexity {perplexity(logs):.2f} over {len(logs)} tokens")
    if args.base:
        base = text_log_probabilities(args.base, None, tracked(texts, "passages of the base"))
        middle, low, high = ratio(logs, base)
        print(f"base       {perplexity(base):.2f}")
        print(f"ratio      {middle:.3f} ({low:.3f} to {high:.3f})")


if __name__ == "__main__":
    main()
