"""A module's source in blocks: the bodies of its functions, and what runs at import.

A body is everything in a function but its docstring, with the functions inside of it. Signatures,
decorators and docstrings are evaluated at import, and so is all that stands outside of functions.
Comments and the layout of the source count for nothing.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

_Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Body:
    """The body of a function.

    Attributes:
        first: number of the first line, from 1 on.
        last: number of the last line.
        code: a text that changes with what the body does.
    """

    first: int
    last: int
    code: str


@dataclass(frozen=True)
class Statement:
    """A statement that runs at import.

    Attributes:
        line: its number, from 1 on.
        what: words for users.
        code: a text that changes with what the statement does.
    """

    line: int
    what: str
    code: str


@dataclass
class Blocks:
    """The blocks of a module.

    Attributes:
        bodies: by the function's name, such as `Chat.append`; a second one is `Chat.append#2`.
        at_import: the statements outside of functions, in their order.
    """

    bodies: dict[str, Body] = field(default_factory=dict)
    at_import: list[Statement] = field(default_factory=list)


def blocks_of(source: str) -> Blocks:
    """Return the blocks of a module.

    Raises:
        SyntaxError: this Python cannot parse the source.
    """
    blocks = Blocks()
    _divide(ast.parse(source).body, (), blocks)
    return blocks


def _divide(statements: Sequence[ast.stmt], scope: tuple[str, ...], blocks: Blocks) -> None:
    """Add statements of a module or class to its blocks."""
    for statement in statements:
        if isinstance(statement, ast.ClassDef):
            name = ".".join([*scope, statement.name])
            inside, statement.body = statement.body, []
            blocks.at_import.append(_statement(statement, f"class {name}"))
            _divide(inside, (*scope, statement.name), blocks)
            blocks.at_import.append(Statement(statement.lineno, f"class {name}", "end"))
        else:
            # Functions may also stand in an `if` or a `try`.
            for function in _functions(statement):
                _take_body(function, scope, blocks)
            blocks.at_import.append(_statement(statement, _words(statement, scope)))


def _take_body(function: _Function, scope: tuple[str, ...], blocks: Blocks) -> None:
    """Move the body of a function from its statement to the blocks."""
    documented = ast.get_docstring(function, clean=False) is not None
    body = function.body[1:] if documented else function.body
    if not body:
        return
    decorators = getattr(body[0], "decorator_list", [])
    first = min(node.lineno for node in (body[0], *decorators))
    if first <= _end_of_signature(function):  # coverage can't tell the definition from a call
        return
    name = plain = ".".join([*scope, function.name])
    number = 1
    while name in blocks.bodies:
        number += 1
        name = f"{plain}#{number}"
    code = "\n".join(map(ast.dump, body))
    blocks.bodies[name] = Body(first, function.end_lineno or first, code)
    # What a function is, a generator or not, can be seen without calling it.
    generator = any(isinstance(node, ast.Yield | ast.YieldFrom) for node in _inside(body))
    function.body = [*function.body[: int(documented)], *([ast.Pass()] if generator else [])]


def _end_of_signature(function: _Function) -> int:
    inside = [*ast.walk(function.args), *(ast.walk(function.returns) if function.returns else ())]
    return max([function.lineno, *(getattr(node, "end_lineno", 0) or 0 for node in inside)])


def _inside(body: Sequence[ast.stmt]) -> Iterator[ast.AST]:
    """Yield the nodes of a body but for those in other functions."""
    for statement in body:
        nodes: list[ast.AST] = [statement]
        while nodes:
            node = nodes.pop()
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
                yield node
                nodes += ast.iter_child_nodes(node)


def _functions(statement: ast.stmt) -> list[_Function]:
    """Return the functions in a statement that are in no other function and in no class."""
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
        return [statement]
    if isinstance(statement, ast.ClassDef):  # in an `if`: all of it counts as run at import
        return []
    children = [child for child in ast.iter_child_nodes(statement) if isinstance(child, ast.stmt)]
    handlers = getattr(statement, "handlers", [])
    children += [child for handler in handlers for child in handler.body]
    return [function for child in children for function in _functions(child)]


def _words(statement: ast.stmt, scope: tuple[str, ...]) -> str:
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
        name = ".".join([*scope, statement.name])
        return f"signature, decorators or docstring of {name}"
    return f"class {'.'.join(scope)}" if scope else "module level"


def _statement(statement: ast.stmt, what: str) -> Statement:
    return Statement(statement.lineno, what, ast.dump(statement))
