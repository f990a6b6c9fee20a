"""Processes and cases that misbehave."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from . import node_process
from .case_files import JAVASCRIPT, Case, read_cases
from .node_process import NodeProcess, NoReportError, check

Run = Callable[..., NodeProcess]


@pytest.fixture
def cases_file(tmp_path: Path) -> Callable[[str], Path]:
    """Provide a function that writes a file with cases."""

    def write(source: str) -> Path:
        file = tmp_path / "cases.mjs"
        begin = f'import {{ test }} from "{(JAVASCRIPT / "case_list.mjs").as_uri()}";\n'
        file.write_text(begin + source, encoding="utf-8")
        return file

    return write


@pytest.fixture
def run(node: str, cases_file: Callable[[str], Path]) -> Iterator[Run]:
    """Provide a function that starts a process with the source of some cases."""
    with ExitStack() as stack:
        yield lambda source, **options: stack.enter_context(
            NodeProcess(node, [cases_file(source)], **options)
        )


def test_outcomes(run: Run) -> None:
    """A case reports its value or its error, and what must happen; the next one runs."""
    process = run("""
test("bad", "It fails.", () => { throw new TypeError("wrong"); });
test("good", "It returns.", async () => [1, "two"]);
""")
    good, bad = process.outcome("good"), process.outcome("bad")
    assert (good["outcome"], good["value"], good["error"]) == ("passed", [1, "two"], None)
    assert (bad["outcome"], bad["mustHappen"]) == ("failed", "It fails.")
    with pytest.raises(AssertionError, match=r"It fails\.\nTypeError: wrong"):
        check(bad)


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ("console.warn('odd', { a: 1 })", "the console got: odd { a: 1 }"),
        ("void Promise.reject(new Error('lost')); return new Promise(setImmediate)", "lost"),
        ("setImmediate(() => missing()); return new Promise(setImmediate)", "missing is not"),
        ("return new Promise(() => {})", r"took longer than 0\.2 s"),
    ],
)
def test_silent_failures(run: Run, body: str, error: str) -> None:
    """A warning, a rejection that nobody handles, and a case that never ends are failures."""
    process = run(f'test("case", "It is noticed.", () => {{ {body} }});', limit=0.2)
    with pytest.raises(AssertionError, match=error):
        check(process.outcome("case"))


def test_warning_that_is_expected(run: Run) -> None:
    """A case that removes a warning passes."""
    process = run("""
test("case", "It warns.", (warnings) => { console.error("odd"); return warnings.splice(0); });
""")
    assert process.outcome("case")["value"] == ["odd"]


def test_only_the_named_cases(run: Run) -> None:
    """A process runs the named cases only; another has no report."""
    process = run('test("a", "A.", () => 1);\ntest("b", "B.", () => 2);', only=["b"])
    assert process.outcome("b")["value"] == 2
    with pytest.raises(NoReportError, match=r'no report about "a": .* exit status 0'):
        process.outcome("a")


def test_process_that_crashes(run: Run) -> None:
    """The error names the exit status and what the process has written."""
    process = run("""
test("case", "It ends.", () => {
  process.stderr.write("out of memory");
  process.exit(3);
});
""")
    with pytest.raises(NoReportError, match=r'"case": .* exit status 3\nout of memory'):
        process.outcome("case")


def test_process_that_hangs(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that is too busy for its own time limit is ended."""
    monkeypatch.setattr(node_process, "_MARGIN", 0.5)
    process = run('test("case", "It ends.", () => { while (true); });', limit=0.5)
    with pytest.raises(NoReportError, match="reported nothing for 1 s and was ended"):
        process.outcome("case")


def test_cases_are_read_from_source(cases_file: Callable[[str], Path]) -> None:
    """Names are found without Node.js, however the call is broken into lines."""
    file = cases_file('test("a", "A \\"b\\".", () => 1);\ntest(\n  "c",\n  "C.",\n  () => 2,\n);\n')
    assert read_cases([file]) == [Case("a", 'A "b".'), Case("c", "C.")]


@pytest.mark.parametrize(
    ("source", "error"),
    [
        ("test(`a`, 'A.', () => 1);", "1 cases, of which 0 begin with two strings"),
        ('  test("a", "A.", () => 1);', "1 cases, of which 0"),
        ('test("a", "A.", () => 1);\ntest("a", "B.", () => 1);', "the same name: a"),
    ],
)
def test_cases_that_cannot_be_read(
    cases_file: Callable[[str], Path], source: str, error: str
) -> None:
    """A case that Python would overlook, and a name that is taken, are errors."""
    with pytest.raises(ValueError, match=error):
        read_cases([cases_file(source)])
