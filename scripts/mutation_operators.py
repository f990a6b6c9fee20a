"""Mutants of a Python module: small changes of its source that a test should notice.

Only the changed expression or statement is written anew, so that a mutant's diff shows little else.
"""

from __future__ import annotations

import ast
import copy
import difflib
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

_COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
_ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
}
_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


@dataclass(frozen=True)
class Mutant:
    """One change of a module; positions are in characters of its source."""

    module: str
    """The module's path in its package, with slashes."""
    scope: str
    """The function or class around the change, as in `__qualname__`; empty in the module itself."""
    operator: str
    line: int
    start: int
    end: int
    original: str
    replacement: str

    @property
    def key(self) -> str:
        """A short name, the same as long as the source before the change is the same."""
        parts = (self.module, self.scope, self.operator, self.start, self.end, self.replacement)
        return hashlib.sha256(repr(parts).encode()).hexdigest()[:12]

    def applied(self, source: str) -> str:
        """Return the module's source with the change."""
        return source[: self.start] + self.replacement + source[self.end :]

    def diff(self, source: str) -> str:
        """Return the change as a unified diff with two lines of context."""
        before, after = source.splitlines(), self.applied(source).splitlines()
        lines = difflib.unified_diff(before, after, self.module, self.module, n=2, lineterm="")
        return "\n".join(lines)


def mutants_of(source: str, module: str) -> list[Mutant]:
    """Return all mutants of a module, in the order of its source.

    Docstrings, annotations and what stands under `if TYPE_CHECKING` stay as they are.
    """
    found = _Finder(source, module)
    for statement in ast.parse(source).body:
        found.visit(statement, "")
    distinct = {(each.start, each.end, each.replacement): each for each in found.mutants}
    return sorted(distinct.values(), key=lambda each: (each.start, each.end, each.operator))


class _Finder:
    def __init__(self, source: str, module: str) -> None:
        self.source = source
        self.module = module
        self.mutants: list[Mutant] = []
        lines = source.splitlines(keepends=True)
        self._lines = [line.encode() for line in lines]
        self._starts = [0]
        for line in lines:
            self._starts.append(self._starts[-1] + len(line))

    def visit(self, node: ast.AST, scope: str) -> None:
        """Find the mutants of a node and of all that it has inside."""
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            return  # a docstring
        if isinstance(node, _SCOPES):
            inner = f"{scope}.{node.name}".lstrip(".")
            for decorator in node.decorator_list:
                self.visit(decorator, scope)
            if not isinstance(node, ast.ClassDef):
                for default in (*node.args.defaults, *node.args.kw_defaults):
                    if default is not None:
                        self.visit(default, inner)
            for statement in node.body:
                self.visit(statement, inner)
            return
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
            return
        for operator, changed in _changes(node):
            self._add(node, scope, operator, changed)
        if isinstance(node, ast.JoinedStr):
            return  # Python 3.11 does not know where its parts are
        for child in _children(node):
            self.visit(child, scope)

    def _add(self, node: ast.AST, scope: str, operator: str, changed: ast.AST) -> None:
        assert isinstance(node, (ast.expr, ast.stmt))
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        start = self._position(node.lineno, node.col_offset)
        end = self._position(node.end_lineno, node.end_col_offset)
        text = ast.unparse(ast.fix_missing_locations(changed))
        if isinstance(node, ast.stmt):
            indent = " " * node.col_offset
            text = text.replace("\n", "\n" + indent)
        elif not isinstance(changed, (ast.Constant, ast.Call, ast.JoinedStr)):
            text = f"({text})"
        mutant = Mutant(
            self.module, scope, operator, node.lineno, start, end, self.source[start:end], text
        )
        self.mutants.append(mutant)

    def _position(self, line: int, byte: int) -> int:
        return self._starts[line - 1] + len(self._lines[line - 1][:byte].decode())


def _children(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the parts of a node that run, which annotations and the parts of types do not."""
    skipped = {"annotation"}
    if isinstance(node, ast.Subscript) and ast.unparse(node.value).lstrip("_")[:1].isupper():
        skipped.add("slice")  # of a type, such as Literal["a"]
    if isinstance(node, ast.Call) and ast.unparse(node.func) in ("TypeVar", "cast"):
        return
    for name, value in ast.iter_fields(node):
        if name in skipped:
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                yield child


def _changes(node: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    """Yield the name of an operator and the changed node."""
    match node:
        case ast.Compare():
            for index, operation in enumerate(node.ops):
                changed = copy.deepcopy(node)
                changed.ops[index] = _COMPARISONS[type(operation)]()
                yield "comparison", changed
        case ast.BoolOp(op=operation, values=values):
            other = ast.Or() if isinstance(operation, ast.And) else ast.And()
            yield "and/or", ast.BoolOp(op=other, values=values)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield "not", operand
        case ast.BinOp(left=left, op=operation, right=right) if type(operation) in _ARITHMETIC:
            other_operation = _ARITHMETIC[type(operation)]()
            yield "arithmetic", ast.BinOp(left=left, op=other_operation, right=right)
        case ast.Constant():
            yield from _changed_constants(node)
        case ast.JoinedStr(values=values):
            for index, part in enumerate(values):
                if isinstance(part, ast.FormattedValue):
                    kept = [*values[:index], *values[index + 1 :]]
                    yield "text without a value", ast.JoinedStr(values=kept)
        case ast.Call(args=arguments, keywords=keywords):
            for index, argument in enumerate(arguments):
                if isinstance(argument, ast.Name) and argument.id not in ("self", "cls"):
                    changed_call = copy.deepcopy(node)
                    changed_call.args[index] = ast.Constant(None)
                    yield "argument", changed_call
            for index, keyword in enumerate(keywords):
                if keyword.arg is not None:
                    changed_call = copy.deepcopy(node)
                    del changed_call.keywords[index]
                    yield "keyword", changed_call
        case _:
            yield from _changed_statements(node)


def _changed_constants(node: ast.Constant) -> Iterator[tuple[str, ast.AST]]:
    match node.value:
        case bool(value):
            yield "constant", ast.Constant(not value)
        case int(value) | float(value):
            yield "constant", ast.Constant(value + 1)
        case str(value) if value:
            yield "constant", ast.Constant(f"XX{value}XX")


def _changed_statements(node: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    match node:
        case ast.If() | ast.While() | ast.Assert():
            pass  # their conditions are changed
        case ast.Expr(value=ast.Call() | ast.Await()):
            yield "statement", ast.Pass()
        case ast.Raise():
            yield "statement", ast.Pass()
        case ast.AugAssign():
            yield "statement", ast.Pass()
        case ast.Break():
            yield "loop", ast.Continue()
        case ast.Continue():
            yield "loop", ast.Break()
        case ast.Return(value=ast.expr() as value):
            if not (isinstance(value, ast.Constant) and value.value is None):
                yield "return", ast.Return(value=ast.Constant(None))
        case ast.Assign(targets=targets, value=value):
            if not isinstance(value, ast.Constant) and not ast.unparse(targets[0]).startswith("__"):
                yield "assignment", ast.Assign(targets=targets, value=ast.Constant(None))
        case ast.IfExp(test=test, body=body, orelse=otherwise):
            yield "condition", ast.IfExp(test=test, body=otherwise, orelse=body)
