"""What has changed between two sources of the SDK, as far as tests can tell."""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from .function_blocks import Blocks, Body, Statement, blocks_of

DATA_MODELS = "_sdk_models/"


@dataclass
class Changes:
    """What has changed.

    Attributes:
        lines: for each changed function, as `history.py Chat.append`, the numbers of the lines of
            its former body that have changed or stand beside a new one, from 0 on.
        in_full: why all tests have to run, a line each; empty if the functions say it all.
        suspects: the modules that `in_full` is about, such as `history.py`.
        problem: why the source cannot run, or "".
    """

    lines: dict[str, set[int]] = field(default_factory=dict)
    in_full: list[str] = field(default_factory=list)
    suspects: set[str] = field(default_factory=set)
    problem: str = ""

    def __bool__(self) -> bool:
        return bool(self.lines or self.in_full or self.problem)


def read_source(package: Path) -> dict[str, str]:
    """Return the files of a package by their paths: the text of modules, digests of others."""
    found = {}
    for path in sorted(package.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            data = path.read_bytes()
            name = path.relative_to(package).as_posix()
            if path.suffix != ".py":
                found[name] = hashlib.sha256(data).hexdigest()
            else:
                found[name] = data.decode("utf-8", "replace").replace("\r\n", "\n")
    return found


def compare(
    old: Mapping[str, str], new: Mapping[str, str], run_at_import: Collection[str]
) -> Changes:
    """Return what has changed between two results of `read_source`.

    Args:
        old: the former source, which can be parsed.
        new: the present source.
        run_at_import: the functions that run at import, as `history.py Chat.append`.
    """
    changes = Changes()
    for module in sorted(old.keys() | new.keys()):
        before, now = old.get(module), new.get(module)
        if before == now:
            continue
        if before is None or now is None or not module.endswith(".py"):
            what = "new" if before is None else "gone" if now is None else "no module, and changed"
            changes.in_full.append(f"{module} is {what}")
            changes.suspects.add(module)
            continue
        try:
            blocks = blocks_of(now)
        except (SyntaxError, ValueError) as error:  # ValueError: a null byte, in Python 3.10
            line = getattr(error, "lineno", None)
            changes.problem = f"{module}{f', line {line}' if line else ''}: {error.args[0]}"
            return changes
        texts = before.splitlines(), now.splitlines()
        _compare_module(module, blocks_of(before), blocks, texts, run_at_import, changes)
    return changes


def _compare_module(
    module: str,
    old: Blocks,
    new: Blocks,
    texts: tuple[list[str], list[str]],
    run_at_import: Collection[str],
    changes: Changes,
) -> None:
    reasons = []
    for name in old.bodies.keys() | new.bodies.keys():
        before, now = old.bodies.get(name), new.bodies.get(name)
        function = f"{module} {name}"
        if before is None or now is None:
            reasons.append(f"{function} is {'new' if before is None else 'gone'}")
        elif before.code == now.code:
            continue
        elif function in run_at_import:
            reasons.append(f"{function} runs at import")
        if before is not None:
            lines = texts[0][before.first - 1 : before.last]
            changed = set(range(len(lines)))
            if now is not None:
                changed = _changed_lines(lines, texts[1][now.first - 1 : now.last])
            changes.lines[function] = changed
    moved = list(_moved(old.at_import, new.at_import))
    if moved and module.startswith(DATA_MODELS):
        reasons.append(f"{module} are data models: many functions work with them")
    elif moved and not reasons:  # a new function is a new statement, too
        first = moved[0]
        more = f" and {len(moved) - 1} more" if len(moved) > 1 else ""
        reasons.append(f"{module}, line {first.line}: {first.what}{more} runs at import")
    if reasons:
        changes.in_full += sorted(reasons)
        changes.suspects.add(module)


def _moved(old: list[Statement], new: list[Statement]) -> Iterator[Statement]:
    """Yield the statements that are new, changed or gone."""
    codes = [each.code for each in old], [each.code for each in new]
    if codes[0] == codes[1]:
        return
    matcher = difflib.SequenceMatcher(None, *codes, autojunk=False)
    for kind, first, last, begin, end in matcher.get_opcodes():
        if kind != "equal":
            yield from new[begin:end] or old[first:last]


def _changed_lines(old: list[str], new: list[str]) -> set[int]:
    """Return the indices of lines that have changed, or stand beside a new one."""
    changed: set[int] = set()
    matcher = difflib.SequenceMatcher(None, old, new, autojunk=False)
    for kind, first, last, _, _ in matcher.get_opcodes():
        if kind == "insert":
            changed |= {first - 1, first} & set(range(len(old)))
        elif kind != "equal":
            changed |= set(range(first, last))
    return changed


def bodies_of(source: Mapping[str, str]) -> dict[str, dict[str, Body]]:
    """Return the functions' bodies of each module that can be parsed."""
    found = {}
    for module, text in source.items():
        if module.endswith(".py"):
            try:
                found[module] = blocks_of(text).bodies
            except (SyntaxError, ValueError):
                continue
    return found
