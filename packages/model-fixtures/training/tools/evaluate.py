"""Hold the evaluation's conversations with llama.cpp and count what went right."""

from __future__ import annotations

import argparse
import json
import math
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from model_fixtures.server.engine.tool_format import Message, ToolCall, ToolResult, chatml, parse
from model_fixtures.server.engine.tool_grammar import tool_grammar
from rich.progress import track

from .runner import Runner
from .suites import KINDS, REGRESSION, REGRESSION_TOOLS, SETS, Case, cases

_COMMUTES = ("add", "multiply", "distance")
_TROUBLE = re.compile(r"sorry|fail|error|could not|cannot|unable|problem", re.IGNORECASE)


def interval(right: int, total: int) -> tuple[float, float]:
    """Return Wilson's 95 % interval of a share, in percent."""
    if not total:
        return 0.0, 100.0
    z, share = 1.96, right / total
    middle = share + z * z / (2 * total)
    spread = z * math.sqrt(share * (1 - share) / total + z * z / (4 * total * total))
    scale = 100 / (1 + z * z / total)
    return (middle - spread) * scale, (middle + spread) * scale


def _same(call: ToolCall, name: str, arguments: Mapping[str, Any], family: str = "") -> bool:
    if call.name != name:
        return False
    if dict(call.arguments) == dict(arguments):
        return True
    swapped = sorted(map(str, call.arguments.values())) == sorted(map(str, arguments.values()))
    return family in _COMMUTES and swapped and call.arguments.keys() == arguments.keys()


class Judge:
    """Holds conversations with one model."""

    def __init__(self, runner: Runner, grammar: bool = True) -> None:
        """``grammar`` chooses the lazy grammar, as the server does."""
        self._runner = runner
        self._grammar = grammar

    def say(self, messages: list[Message], tools: Sequence[Mapping[str, Any]]) -> Message:
        """Return the model's next message."""
        names = [str(tool["function"]["name"]) for tool in tools]
        grammar = tool_grammar(tools) if self._grammar and names else None
        text = self._runner.complete(chatml(messages, tools), 220, grammar)
        parts = parse(text, names)
        words = "".join(part for part in parts if isinstance(part, str))
        calls = [part for part in parts if isinstance(part, ToolCall)]
        return Message("assistant", words, calls)

    def hold(self, case: Case) -> tuple[bool, str]:
        """Return whether the conversation went right, and what was said."""
        expected = case.expected
        tools = [tool.definition() for tool in case.tools]
        messages = [*expected.history, Message("user", expected.prompt)]
        first = self.say(messages, tools)
        if case.kind == "plain":
            return not first.calls, repr(first)
        wishes = [
            (w, o)
            for part in expected.rounds
            for w, o in zip(part.calls, part.outcomes, strict=True)
        ]
        if case.kind in ("choice", "copy"):
            wish = wishes[0][0]
            if len(first.calls) != 1:
                return False, repr(first)
            call = first.calls[0]
            if case.kind == "choice":
                return call.name == wish.tool.name, repr(first)
            family = wish.tool.family.key
            return _same(call, wish.tool.name, wish.arguments, family), repr(first)
        if case.kind == "say" and not _says(first.text, expected.rounds[0].text):
            return False, repr(first)
        message = first
        waiting = list(wishes)
        count = 0
        while message.calls:
            results = []
            for call in message.calls:
                found = next(
                    (
                        pair
                        for pair in waiting
                        if _same(
                            call, pair[0].tool.name, pair[0].arguments, pair[0].tool.family.key
                        )
                    ),
                    None,
                )
                if found is None:
                    return False, repr(message)
                waiting.remove(found)
                count += 1
                results.append(ToolResult(found[1].content, str(count)))
            start = count - len(results) + 1
            calls = [
                ToolCall(call.name, call.arguments, str(start + index))
                for index, call in enumerate(message.calls)
            ]
            messages += [
                Message("assistant", message.text, calls),
                Message("tool", results=results),
            ]
            if case.kind == "say":
                return not waiting, repr(first)
            message = self.say(messages, tools)
        if waiting:
            return False, repr(message)
        if case.kind == "error":
            return _explains(message.text, expected.needles[0]), repr(message)
        said = message.text.lower()
        return all(needle.lower() in said for needle in expected.needles), repr(message)


def _says(text: str, wanted: str) -> bool:
    def bare(words: str) -> str:
        return re.sub(r"[^\w]+", " ", words.lower()).strip()

    return bare(wanted) in bare(text)


def _explains(text: str, reason: str) -> bool:
    """Tell whether the answer names a failure and at least 7 of 10 words of its reason."""
    words = re.findall(r"\w+", reason.lower())
    said = set(re.findall(r"\w+", text.lower()))
    return bool(_TROUBLE.search(text)) and sum(w in said for w in words) >= 0.7 * len(words)


def regression(judge: Judge) -> list[str]:
    """Return the regression prompts that went wrong in their first messages."""
    wrong = []
    for names, prompt, calls, said in REGRESSION:
        tools = [_regression_tool(name) for name in names.split()]
        first = judge.say([Message("user", prompt)], tools)
        fine = len(first.calls) == len(calls) and all(
            any(_same(call, name, arguments, name) for call in first.calls)
            for name, arguments in calls
        )
        if not fine or not _says(first.text, said):
            wrong.append(f"{prompt} -> {first.text!r} {list(first.calls)}")
    return wrong


def _regression_tool(name: str) -> dict[str, Any]:
    description, arguments = REGRESSION_TOOLS[name]
    pairs = [pair.split() for pair in arguments.split("|")]
    parameters = {
        "type": "object",
        "properties": {key: {"type": kind} for key, kind in pairs},
        "required": [key for key, _ in pairs],
    }
    inner = {"name": name, "description": description, "parameters": parameters}
    return {"type": "function", "function": inner}


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
    judge = Judge(Runner(args.model, args.adapter), grammar=not args.no_grammar)
    right: dict[str, int] = defaultdict(int)
    total: dict[str, int] = defaultdict(int)
    failures = []
    for case in track(cases(args.count, args.seed, args.kinds, args.tools), "conversations"):
        fine, said = judge.hold(case)
        right[case.kind] += fine
        total[case.kind] += 1
        if not fine:
            rounds = [
                (wish.tool.name, wish.arguments) for r in case.expected.rounds for wish in r.calls
            ]
            failures.append(
                {
                    "kind": case.kind,
                    "prompt": case.expected.prompt,
                    "tools": [tool.name for tool in case.tools],
                    "expected": repr((rounds, case.expected.answer)),
                    "said": said,
                }
            )
    total["two calls"] = total["parallel"] + total["chained"]
    right["two calls"] = right["parallel"] + right["chained"]
    scores = {}
    for kind in [*args.kinds, "two calls"]:
        low, high = interval(right[kind], total[kind])
        scores[kind] = [right[kind], total[kind], round(low, 1), round(high, 1)]
        share = 100 * right[kind] / max(total[kind], 1)
        print(
            f"{kind:10} {right[kind]:4}/{total[kind]:<4} {share:5.1f} %  ({low:.1f} to {high:.1f})"
        )
    wrong = regression(judge)
    print(f"regression {len(REGRESSION) - len(wrong)}/{len(REGRESSION)}")
    for line in wrong:
        print("  ", line)
    if args.out:
        report = {"scores": scores, "regression": wrong, "failures": failures}
        args.out.write_text(json.dumps(report, indent=1, ensure_ascii=False))


if __name__ == "__main__":
    main()
