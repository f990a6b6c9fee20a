"""Score a model in llama.cpp in this process, to choose checkpoints."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Protocol

from rich.progress import track
from training.scores import Score
from training.tool_use.llama_in_process import GreedyCompleter

from .evaluation_cases import KINDS, Case, cases

_SYSTEM = "You are a helpful AI assistant named SmolLM, trained by Hugging Face"  # the template's
_TOKENS = 200  # of an answer, at most
_CONTEXT = 4096


class Completions(Protocol):
    """Completes a prompt greedily, as ``GreedyCompleter`` does."""

    def complete(self, prompt: str, limit: int = 200, grammar: str | None = None) -> str:
        """Return the text after ``prompt``, at most ``limit`` tokens."""


def prompt_text(case: Case) -> str:
    """Return the conversation in ChatML, up to where the answer begins."""
    parts = [
        f"<|im_start|>{message.role}\n{message.text}<|im_end|>\n" for message in case.messages()
    ]
    start = "" if case.system is not None else f"<|im_start|>system\n{_SYSTEM}<|im_end|>\n"
    return "".join([start, *parts, "<|im_start|>assistant\n"])


def score(runner: Completions, chosen: Iterable[Case]) -> Mapping[str, Score]:
    """Return the scores of kinds, and of their parts as "kind, part"."""
    found: dict[str, Score] = {}
    for case in chosen:
        said = runner.complete(prompt_text(case), _TOKENS).partition("<|im_end|>")[0]
        failure = {
            "kind": case.kind,
            "part": case.part,
            "messages": [[message.role, message.text] for message in case.messages()],
            "expected": repr(case.rule),
            "said": said,
        }
        for key in (case.kind, f"{case.kind}, {case.part}"):
            found.setdefault(key, Score()).add(case.rule.right(said), failure)
    return found


def main() -> None:
    """Print the share of right answers of each kind and part, with 95 % intervals."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--model", type=Path, required=True, help="merged (or plain) GGUF")
    parser.add_argument("--adapter", type=Path, help="GGUF adapter beside an unmerged model")
    parser.add_argument("--count", type=int, default=200, help="cases of each kind")
    parser.add_argument("--seed", default="final", help="'valid' to choose checkpoints")
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=list(KINDS))
    parser.add_argument("--out", type=Path, help="JSON of the scores and of all failures")
    args = parser.parse_args()
    runner = GreedyCompleter(args.model, args.adapter, _CONTEXT)
    found = score(runner, track(cases(args.count, args.seed, args.kinds), "cases"))
    for key in sorted(found, key=lambda key: (KINDS.index(key.partition(",")[0]), key)):
        print(f"{key:32} {found[key]}")
    if args.out:
        report = {key: each.data() for key, each in found.items() if "," not in key}
        args.out.write_text(json.dumps(report, indent=1, ensure_ascii=False), encoding="utf-8")


if __name__ == "__main__":
    main()
