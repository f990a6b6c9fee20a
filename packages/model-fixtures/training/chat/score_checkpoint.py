"""Score a chat model with llama.cpp in this process, to choose checkpoints."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from model_fixtures.tool_format import Message, chatml
from training.atomic_files import write_json
from training.progress import tracked
from training.score_options import score_parser
from training.scores import Score
from training.tool_use.llama_in_process import GreedyCompleter

from .evaluation_cases import KINDS, ChatCase, cases

TOKENS = 200  # of an answer, at most
_CONTEXT = 4096


def score(
    answerer: Callable[[Sequence[Message]], str], chosen: Iterable[ChatCase]
) -> dict[str, Score]:
    """Return the scores of the kinds by name, and of their parts as "kind, part".

    ``answerer`` returns the model's greedy answer to a conversation.
    """
    found: dict[str, Score] = {}
    for case in chosen:
        answer = answerer(case.messages())
        failure = {
            "kind": case.kind,
            "part": case.part,
            "messages": [[message.role, message.text] for message in case.messages()],
            "expected": repr(case.rule),
            "answer": answer,
        }
        for key in (case.kind, f"{case.kind}, {case.part}"):
            found.setdefault(key, Score()).add(case.rule.right(answer), failure)
    return found


def main() -> None:
    """Print the share of right answers of each kind and part, with 95 % intervals."""
    parser = score_parser("training.chat.score_checkpoint", main.__doc__, KINDS, "cases")
    args = parser.parse_args()
    completer = GreedyCompleter(args.model, args.adapter, _CONTEXT)

    def answer(messages: Sequence[Message]) -> str:
        return completer.complete(chatml(messages), TOKENS).partition("<|im_end|>")[0]

    found = score(answer, tracked(cases(args.count, args.seed, args.kinds), "cases"))
    for key in sorted(found, key=lambda key: (KINDS.index(key.partition(",")[0]), key)):
        print(f"{key:32} {found[key]}")
    if args.out:
        write_json(args.out, {key: each.data() for key, each in found.items() if "," not in key})


if __name__ == "__main__":
    main()
