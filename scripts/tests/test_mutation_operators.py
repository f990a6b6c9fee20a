"""Mutants of a module: which there are, and what they change."""

import ast
import importlib.util
from pathlib import Path

import pytest
from mutation_operators import Mutant, mutants_of


def changes(source: str) -> list[tuple[str, str, str]]:
    """Return operator, original and replacement of each mutant."""
    found = mutants_of(source, "module.py")
    return [(each.operator, each.original, each.replacement) for each in found]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("f(a, b=c)", [
            ("argument", "f(a, b=c)", "f(None, b=c)"),
            ("keyword", "f(a, b=c)", "f(a)"),
            ("statement", "f(a, b=c)", "pass"),
        ]),
        ("f(**b)", [("statement", "f(**b)", "pass")]),
        ("x[f(a, 1)]", [("argument", "f(a, 1)", "f(None, 1)"), ("constant", "1", "2")]),
        ("f(self)", [("statement", "f(self)", "pass")]),
        ("if a == b: pass", [("comparison", "a == b", "(a != b)")]),
        ("if a < b: pass", [("comparison", "a < b", "(a <= b)")]),
        ("if a is None: pass", [("comparison", "a is None", "(a is not None)")]),
        ("if a in b: pass", [("comparison", "a in b", "(a not in b)")]),
        ("if a and b: pass", [("and/or", "a and b", "(a or b)")]),
        ("if not a: pass", [("not", "not a", "(a)")]),
        ("x = True", [("constant", "True", "False")]),
        ("x = 1", [("constant", "1", "2")]),
        ("x = 'a'", [("constant", "'a'", "'XXaXX'")]),
        ("x = ''", []),
        ("x = f'a {b}'", [
            ("assignment", "x = f'a {b}'", "x = None"),
            ("text without a value", "f'a {b}'", "f'a '"),
        ]),
        ("x = a + b", [
            ("assignment", "x = a + b", "x = None"), ("arithmetic", "a + b", "(a - b)")
        ]),
        ("x += a", [("statement", "x += a", "pass")]),
        ("raise E", [("statement", "raise E", "pass")]),
        ("while a: break", [("loop", "break", "continue")]),
        ("def f(): return a", [("return", "return a", "return None")]),
        ("def f(): return None", []),
        ("def f(a=1): pass", [("constant", "1", "2")]),
        ("match a:\n    case {'b': _}: pass", [("constant", "'b'", "'XXbXX'")]),
    ],
)  # fmt: skip
def test_operators(source: str, expected: list[tuple[str, str, str]]) -> None:
    """Each kind of expression and statement has its mutants, and no others."""
    assert changes(source) == expected


@pytest.mark.parametrize(
    "source",
    [
        '"""Text."""',
        'def f():\n    """Text."""',
        "x: Literal['a'] = y",
        "def f(a: 'B') -> 'C': pass",
        "if TYPE_CHECKING:\n    f(a=1)",
        "import a",
        "T = Literal['a']",
    ],
)
def test_what_stays(source: str) -> None:
    """Docstrings, annotations, types and what only type checkers read have no mutants."""
    assert [each for each in changes(source) if each[0] != "assignment"] == []


SOURCE = '''\
class Box:
    """Ünï."""

    def open(self, key):
        if key == "ü":
            return self.lid(key,
                            wide=True)
        raise KeyError(key)
'''


def mutant_by(operator: str) -> Mutant:
    """Return the first mutant of SOURCE by an operator."""
    found = [each for each in mutants_of(SOURCE, "box.py") if each.operator == operator]
    assert found, operator
    return found[0]


def test_place() -> None:
    """A mutant knows its function and its line, also behind letters of several bytes."""
    mutant = mutant_by("keyword")
    assert (mutant.module, mutant.scope, mutant.line) == ("box.py", "Box.open", 6)
    assert mutant.original == "self.lid(key,\n                            wide=True)"
    assert mutant.applied(SOURCE) == SOURCE.replace(mutant.original, "self.lid(key)")


def test_diff() -> None:
    """A mutant's diff shows the changed line and two lines around it."""
    assert mutant_by("comparison").diff(SOURCE).splitlines() == [
        "--- box.py",
        "+++ box.py",
        "@@ -3,5 +3,5 @@",
        " ",
        "     def open(self, key):",
        '-        if key == "ü":',
        "+        if (key != 'ü'):",
        "             return self.lid(key,",
        "                             wide=True)",
    ]


def test_keys() -> None:
    """Each mutant has a key of its own, which stays the same."""
    keys = [each.key for each in mutants_of(SOURCE, "box.py")]
    assert len(set(keys)) == len(keys)
    assert keys == [each.key for each in mutants_of(SOURCE, "box.py")]


def test_mutants_of_the_sdk_are_valid() -> None:
    """Every mutant of a module of the SDK is Python."""
    spec = importlib.util.find_spec("lmstudio")
    assert spec is not None
    assert spec.origin is not None
    source = (Path(spec.origin).parent / "_logging.py").read_text("utf-8")
    found = mutants_of(source, "_logging.py")
    assert len(found) > 20
    for mutant in found:
        ast.parse(mutant.applied(source))
