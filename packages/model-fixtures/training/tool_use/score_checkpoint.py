"""Score a tool-use model with llama.cpp in this process, to choose checkpoints.

The quality bars are measured through the SDK and the server instead: ``training.evaluate``.
"""

from __future__ import annotations

from rich.progress import track
from training.atomic_files import write_json
from training.score_options import score_parser

from .conversation_judge import ConversationJudge, failed_regressions, scores, sum_scores
from .evaluation_cases import KINDS, REGRESSION, SETS, cases
from .in_process_assistant import InProcessAssistant
from .llama_in_process import GreedyCompleter


def main() -> None:
    """Print the share of conversations of each kind that went right, with 95 % intervals."""
    parser = score_parser(
        "training.tool_use.score_checkpoint", main.__doc__, KINDS, "conversations"
    )
    parser.add_argument(
        "--tools",
        choices=list(SETS),
        default="near",
        help="'near': like the tools of training; 'far': unlike them; 'mixed': both"
        " (default: %(default)s)",
    )
    parser.add_argument("--no-grammar", action="store_true", help="decode without the grammar")
    args = parser.parse_args()
    judge = ConversationJudge(
        InProcessAssistant(GreedyCompleter(args.model, args.adapter), grammar=not args.no_grammar)
    )
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
        write_json(args.out, report)


if __name__ == "__main__":
    main()
