"""Score a model in llama.cpp in this process, to choose checkpoints.

The bars are measured through the SDK and the server instead: ``training.evaluate``.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from rich.progress import track

from .conversation_judge import ConversationJudge, failed_regressions, scores, sum_scores
from .evaluation_cases import KINDS, REGRESSION, SETS, cases
from .greedy_completion import GreedyCompleter
from .in_process_assistant import InProcessAssistant


def main() -> None:
    """Print the share of right conversations of each kind, with 95 % intervals."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--model", type=Path, required=True, help="merged (or plain) GGUF")
    parser.add_argument("--adapter", type=Path, help="GGUF adapter beside an unmerged model")
    parser.add_argument("--count", type=int, default=200, help="conversations of each kind")
    parser.add_argument("--seed", default="final", help="'valid' to choose checkpoints")
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=list(KINDS))
    parser.add_argument("--tools", choices=list(SETS), default="near")
    parser.add_argument("--no-grammar", action="store_true")
    parser.add_argument("--out", type=Path, help="JSON of the scores and of all failures")
    args = parser.parse_args()
    judge = ConversationJudge(InProcessAssistant(GreedyCompleter(args.model, args.adapter), grammar=not args.no_grammar))
    chosen = cases(args.count, args.seed, args.kinds, args.tools)
    found = sum_scores([scores(judge, track(chosen, "conversations"))])
    for kind, score in found.items():
        print(f"{kind:10} {score}")
    wrong = failed_regressions(judge)
    print(f"regression {len(REGRESSION) - len(wrong)}/{len(REGRESSION)}")
    for line in wrong:
        print("  ", line)
    if args.out:
        report = {
            "scores": {kind: score.data() for kind, score in found.items()},
            "regression": wrong,
        }
        args.out.write_text(json.dumps(report, indent=1, ensure_ascii=False))


if __name__ == "__main__":
    main()
