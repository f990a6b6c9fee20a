"""The error messages of the packages, read from their sources.

Users search the documentation for them.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from suite_command import ROOT

GAP = "\N{HORIZONTAL ELLIPSIS}"
"""Stands for what differs from time to time."""

_FUNCTIONS = {"fail", "ClickException", "UsageError", "BadParameter"}  # of pytest and click


@dataclass(frozen=True)
class Message:
    """A message, with `GAP` for its values, and the path of its module in the repository."""

    module: str
    text: str

    @property
    def core(self) -> str:
        """The longest part without a gap, by which the message is found."""
        return max(map(str.strip, self.text.split(GAP)), key=len)


def messages(folder: Path) -> list[Message]:
    """Return the messages of all modules in a folder, in the order of modules and lines."""
    found = []
    for path in sorted(folder.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        module = path.relative_to(ROOT).as_posix()
        found += [Message(module, text) for text in dict.fromkeys(_texts(tree))]
    return found


def _texts(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        calls: list[ast.Call] = []
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
            calls.append(node.exc)
        elif isinstance(node, ast.Call) and _name(node.func) in _FUNCTIONS:
            calls.append(node)
        elif isinstance(node, ast.ClassDef) and node.name.endswith("Error"):
            calls += [
                each
                for each in ast.walk(node)
                if isinstance(each, ast.Call) and _name(each.func) == "__init__"
            ]
        for call in calls:
            if call.args:
                text = re.sub(rf"\s*{GAP}\s*{GAP}\s*", GAP, _text(call.args[0]))
                if len(text.replace(GAP, "").strip()) > 3:
                    yield text


def _name(function: ast.expr) -> str:
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def _text(node: ast.expr) -> str:
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else GAP
    if isinstance(node, ast.JoinedStr):
        return "".join(map(_text, node.values))
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return _text(node.left) + _text(node.right)
    return GAP
