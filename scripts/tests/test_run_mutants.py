"""Judging mutants of a toy package."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import run_mutants
from mutant_results import Equivalent, ResultsError, Verdict, VerdictFile, equivalents, score_table
from mutant_test_choice import ChoiceError, CoveredTests, TableOfTests
from mutant_test_runs import BaselineError, MutableCopy
from run_mutants import Campaign, all_mutants, judge, report, source_digest

CALC = '''\
"""Sums."""


def above(a, b):
    return a > b


def spin(a):
    while a > 0:
        a = a - 1
    return a


def unseen(a):
    return a + 1
'''
TESTS = """\
import os, subprocess, sys
import toy.calc

def test_above():
    command = "import toy.calc; print(toy.calc.above(2, 2))"
    run = subprocess.run([sys.executable, "-c", command], capture_output=True, text=True)
    assert run.stdout == "False\\n"

def test_spin():
    assert toy.calc.spin(1) == 0
"""


@pytest.fixture
def toy(tmp_path: Path) -> Campaign:
    """Provide a package with tests that see some of its mutants."""
    package = tmp_path / "installed" / "toy"
    (package / "_sdk_models").mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "_sdk_models" / "__init__.py").write_text("x = 1\n", "utf-8")
    (package / "calc.py").write_text(CALC, "utf-8")
    tests = tmp_path / "tests"
    tests.mkdir()
    (tests / "test_calc.py").write_text(TESTS, "utf-8")
    verdicts = VerdictFile(tmp_path / "results" / "verdicts.jsonl", source_digest(package))
    choice = TableOfTests(tests, {"*": ["test_*.py"]})
    return Campaign(package, choice, verdicts, [], tmp_path, least_seconds=5)


def outcomes(verdicts: Sequence[Verdict]) -> dict[tuple[str, str], str]:
    """Return what became of each mutant, by function and operator."""
    return {(each.scope, each.operator): each.outcome for each in verdicts}


@pytest.mark.slow
def test_verdicts(toy: Campaign, capsys: pytest.CaptureFixture[str]) -> None:
    """Mutants are killed by a test, also in its child processes, hang, or survive."""
    chosen = [("above", "comparison"), ("spin", "arithmetic"), ("unseen", "return")]
    mutants = [each for each in all_mutants(toy.package) if (each.scope, each.operator) in chosen]
    verdicts = judge(toy, mutants)
    assert outcomes(verdicts) == dict(zip(chosen, ["killed", "timeout", "survived"], strict=True))
    assert [each.by for each in verdicts] == ["tests/test_calc.py::test_above", "", ""]
    assert (toy.package / "calc.py").read_text("utf-8") == CALC
    progress = capsys.readouterr().out.splitlines()
    assert progress[0].startswith(
        "[1/3] calc.py:5 comparison: killed by tests/test_calc.py::test_above in "
    )
    text = report(verdicts)
    assert "survived: calc.py:15 unseen\n--- calc.py" in text
    assert "-    return a + 1\n+    return None" in text
    assert text.splitlines()[-1].split() == ["all", "3", "2", "1", "0", "66.7", "%"]


@pytest.mark.slow
def test_run_goes_on(toy: Campaign, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second run judges only what has no verdict yet, until the source changes."""
    mutants = [each for each in all_mutants(toy.package) if each.scope == "unseen"][:2]
    first = judge(toy, mutants[:1])
    monkeypatch.setattr(run_mutants, "_judged", lambda *given: replace(first[0], by=given[-1].key))
    assert [each.by for each in judge(toy, mutants)] == ["", mutants[1].key]
    other = replace(toy, verdicts=VerdictFile(toy.verdicts.path, "another-source"))
    assert [each.by for each in judge(other, mutants)] == [each.key for each in mutants]


@pytest.mark.slow
def test_failing_tests(toy: Campaign) -> None:
    """Tests that fail without any change are named, and nothing is judged."""
    (toy.root / "tests" / "test_calc.py").write_text("def test_no():\n    assert False\n", "utf-8")
    with pytest.raises(
        BaselineError, match=r"tests fail without any change: tests/test_calc\.py::test_no"
    ):
        judge(toy, all_mutants(toy.package)[:1])
    assert toy.verdicts.read() == {}


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="Windows interrupts only a whole console")
def test_interruption(toy: Campaign) -> None:
    """An interrupt ends the tests that run, keeps earlier verdicts, and leaves no copy behind."""
    hang = "import os, time\n\ndef test_hang():\n    print(os.getpid(), flush=True)\n"
    marker = toy.root / "pid"
    hang += f"    open({str(marker)!r}, 'w').write(str(os.getpid()))\n    time.sleep(600)\n"
    (toy.root / "tests" / "test_calc.py").write_text(hang, "utf-8")
    temporary = toy.root / "temporary"
    temporary.mkdir()
    program = f"""
import sys
sys.path.insert(0, {str(Path(run_mutants.__file__).parent)!r})
from pathlib import Path
from run_mutants import *
choice = TableOfTests(Path({str(toy.root / "tests")!r}), {{"*": ["test_*.py"]}})
package = Path({str(toy.package)!r})
verdicts = VerdictFile(Path({str(toy.verdicts.path)!r}), "source")
judge(Campaign(package, choice, verdicts, [], Path({str(toy.root)!r})), all_mutants(package))
"""
    process = subprocess.Popen(
        [sys.executable, "-c", program],
        env={**os.environ, "TMPDIR": str(temporary)},
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        deadline = time.monotonic() + 60
        while not (marker.is_file() and marker.read_text("utf-8")):
            assert time.monotonic() < deadline, "the tests have not begun"
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        assert process.wait(60) != 0
    finally:
        process.kill()
    with pytest.raises(ProcessLookupError):
        os.kill(int(marker.read_text("utf-8")), 0)
    assert list(temporary.glob("mutants-*")) == []


def test_generated_code_has_no_mutants(toy: Campaign) -> None:
    """Only modules that are written by hand are changed, and of those the ones that match."""
    assert {each.module for each in all_mutants(toy.package)} == {"calc.py"}
    assert all_mutants(toy.package, ["other.py"]) == []


def test_equivalents(toy: Campaign) -> None:
    """A mutant that is listed as equivalent is not run, and counts for no score."""
    listed = Equivalent("calc.py", "unseen", "a + 1", "(a - 1)", "as if")
    mutants = [each for each in all_mutants(toy.package) if listed.describes(each)]
    (verdict,) = judge(replace(toy, equivalents=[listed]), mutants)
    assert (verdict.outcome, verdict.by) == ("equivalent", "as if")
    assert score_table([verdict]).splitlines()[-1].split() == ["all", "1", "0", "0", "1", "-"]


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"module": "a.py"}, r"an equivalent has exactly module, scope, .*, not \['module'\]"),
        (
            {
                "module": "a.py", "scope": "f", "original": "x", "replacement": "y", "reason": " "
            },
            "say why a.py f 'x' is equivalent",
        ),
    ],
)  # fmt: skip
def test_unexplained_equivalent(entry: dict[str, str], message: str) -> None:
    """An equivalent without a reason is refused."""
    with pytest.raises(ResultsError, match=message):
        equivalents([entry])


def verdict(key: str) -> Verdict:
    """Return a verdict on a mutant."""
    return Verdict(key, "calc.py", "f", 1, "not", "killed", 0.5, "", "")


def test_verdict_file(tmp_path: Path) -> None:
    """The verdicts on one source come back, without a line that was cut off."""
    path = tmp_path / "verdicts.jsonl"
    mine, other = VerdictFile(path, "mine"), VerdictFile(path, "other")
    mine.add(verdict("a"))
    other.add(verdict("b"))
    with path.open("a", encoding="utf-8") as file:
        file.write('{"source": "mi')
    assert mine.read() == {"a": verdict("a")}
    mine.add(verdict("c"))
    assert mine.read() == {"a": verdict("a"), "c": verdict("c")}
    assert len([json.loads(line) for line in path.read_text("utf-8").splitlines()]) == 3


def test_survivor_holds_for_its_options() -> None:
    """A mutant that survived is judged once more with other options of pytest, a killed one not."""
    survivor = replace(verdict("a"), outcome="survived", options="-m fast")
    assert survivor.holds_with("-m fast")
    assert not survivor.holds_with("")
    assert replace(survivor, outcome="killed").holds_with("")


@pytest.mark.slow
def test_survivors_again(toy: Campaign, monkeypatch: pytest.MonkeyPatch) -> None:
    """Earlier survivors are judged once more on request, and killed mutants are not."""
    mutants = [each for each in all_mutants(toy.package) if each.scope == "unseen"][:2]
    known = [
        replace(verdict(mutant.key), outcome=outcome)
        for mutant, outcome in zip(mutants, ["survived", "killed"], strict=True)
    ]
    for each in known:
        toy.verdicts.add(each)
    monkeypatch.setattr(run_mutants, "_judged", lambda *given: verdict("new"))
    assert [each.key for each in judge(toy, mutants)] == [each.key for each in known]
    again = replace(toy, again=True)
    assert [each.key for each in judge(again, mutants)] == ["new", known[1].key]


def test_foreign_file(tmp_path: Path) -> None:
    """A file that has no verdicts is refused with the line's number."""
    path = tmp_path / "notes.txt"
    path.write_text("one\ntwo\n", "utf-8")
    with pytest.raises(ResultsError, match=r"notes\.txt:1 is no verdict"):
        VerdictFile(path, "mine").read()


def test_table_of_tests(tmp_path: Path) -> None:
    """The first pattern that matches a module chooses; a pattern without files is a mistake."""
    for name in ("test_a.py", "test_b.py"):
        (tmp_path / name).touch()
    table = TableOfTests(tmp_path, {"a.py": ["test_b.py", "test_a.py"], "b*": ["test_c.py"]})
    assert [Path(each).name for each in table.tests_of("a.py", 1)] == ["test_b.py", "test_a.py"]
    with pytest.raises(ChoiceError, match=r"'test_c\.py'"):
        table.tests_of("b.py", 1)
    with pytest.raises(ChoiceError, match=r"no tests for c\.py"):
        table.tests_of("c.py", 1)


def test_settings_name_tests() -> None:
    """The table of the suite has tests for each module, and its equivalents have reasons."""
    settings = run_mutants.read_settings()
    table = TableOfTests(run_mutants.TESTS, settings["tests"])
    for pattern in settings["tests"]:
        assert table.tests_of(pattern.replace("*", "x"), 1), pattern
    equivalents(settings.get("equivalent", []))


def test_covered_tests(tmp_path: Path) -> None:
    """A line's tests are those that execute it; a line without tests has those of the table."""
    coverage = pytest.importorskip("coverage")
    (tmp_path / "test_a.py").touch()
    data = coverage.CoverageData(str(tmp_path / ".coverage"))
    for context in ("", "test_a.py::test_1|run", "gone.py::test_2|run"):
        data.set_context(context)
        data.add_lines({"/site-packages/toy/calc.py": [5] if context else [1, 5]})
    data.write()
    table = TableOfTests(tmp_path, {"*": ["test_*.py"]})
    covered = CoveredTests(tmp_path / ".coverage", "toy", tmp_path, table)
    assert covered.has_tests
    assert covered.tests_of("calc.py", 5) == ("test_a.py::test_1",)
    assert covered.tests_of("calc.py", 1) == (str(tmp_path / "test_a.py"),)
    assert covered.tests_of("other.py", 5) == (str(tmp_path / "test_a.py"),)


def test_copy(toy: Campaign) -> None:
    """The copy is changed inside a block only, and deleted at the end."""
    with MutableCopy(toy.package) as copy:
        with copy.changed("calc.py", "x = 1\n"):
            assert copy.source("calc.py") == "x = 1\n"
        assert copy.source("calc.py") == CALC
        folder = copy.folder
    assert not folder.exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--sample", "0"], "'0' is no number of mutants: write 30"),
        (["--module", "nothing.py"], "has mutants and matches ['nothing.py']"),
        (["--coverage", "nowhere"], "there is no coverage data file nowhere"),
    ],
)
def test_bad_input(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Bad input gets one line that says what is wrong."""
    try:
        code = run_mutants.main(arguments)
    except SystemExit as end:
        code = int(str(end.code))
    assert code == 2
    assert message in capsys.readouterr().err.splitlines()[-1]
