"""`hatch run local:changed` on a toy package: which tests run after an edit."""

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
import run_changed
from changed_tests.function_blocks import blocks_of
from changed_tests.measured_lines import read_measured, write_settings
from changed_tests.run_folder import SETTINGS, VARIABLE
from changed_tests.suite import Suite
from changed_tests.test_runs import SCRIPTS

CALC = '''\
"""Sums."""

import threading

FACTOR = 2


def add(a, b):
    return a + b


def double(a):
    result = a * FACTOR
    return result


def in_thread(results):
    results.append(3)


def in_child():
    print("child")


def shared():
    return {"a": 1}


def unseen():
    return 1


class Thread:
    def run(self):
        results = []
        thread = threading.Thread(target=in_thread, args=(results,))
        thread.start()
        thread.join()
        return results
'''
TESTS = """\
import subprocess, sys
import pytest
import toykit.calc as calc

@pytest.fixture(scope="module")
def table():
    return calc.shared()

def test_add():
    assert calc.add(1, 2) == 3

def test_double():
    assert calc.double(2) == 4

def test_thread():
    assert calc.Thread().run() == [3]

def test_child():
    command = "import os, toykit.calc as calc; calc.in_child(); os._exit(0)"
    subprocess.run([sys.executable, "-c", command], check=True)

def test_table(table):
    assert table["a"] == 1

def test_table_again(table):
    assert len(table) == 1
"""
PLAIN = "def test_plain():\n    assert True\n"


@dataclass
class Toy:
    """A package and its suite, and the command that is run on them."""

    root: Path
    suite: Suite
    capture: "pytest.CaptureFixture[str]"

    def edit(self, old: str, new: str, file: str = "src/toykit/calc.py") -> None:
        """Replace a text that is in a file once."""
        path = self.root / file
        text = path.read_text("utf-8")
        assert text.count(old) == 1
        path.write_text(text.replace(old, new), "utf-8")

    def run(self, *options: str) -> tuple[int, list[str], str]:
        """Run the command; return its code, the names of the tests that ran, and its lines."""
        self.capture.readouterr()
        code = run_changed.main([f"--into={self.root / 'maps'}", "-vv", *options], self.suite)
        captured = self.capture.readouterr()
        ran = re.findall(r"::(\w+) (?:PASSED|FAILED|SKIPPED|XFAIL)", captured.out)
        ran += re.findall(r"(?:PASSED|FAILED|SKIPPED|XFAIL).*::(\w+)", captured.out)
        said = [line for line in captured.out.splitlines() if line.startswith("local:changed: ")]
        return code, ran, "\n".join([*said, *captured.err.splitlines()])


@pytest.fixture
def toy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: "pytest.CaptureFixture[str]"
) -> Toy:
    """Provide a package with tests that use a thread, a child process and a shared fixture."""
    package = tmp_path / "src" / "toykit"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "calc.py").write_text(CALC, "utf-8")
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_calc.py").write_text(TESTS, "utf-8")
    (tmp_path / "tests" / "test_plain.py").write_text(PLAIN, "utf-8")
    (tmp_path / "pytest.ini").write_text("[pytest]\ntestpaths = tests\n", "utf-8")
    monkeypatch.syspath_prepend(str(package.parent))
    monkeypatch.setenv("PYTHONPATH", str(package.parent))
    monkeypatch.setenv("LMSTUDIO_API_HOST", "embedded")
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")  # most plugins take long to import
    plugins = ("-p", "no:cacheprovider", "-p", "xdist.plugin", "-p", "model_fixtures.pytest_plugin")
    command = [sys.executable, "-m", "pytest", *plugins, "-n", "0"]
    return Toy(tmp_path, Suite(tmp_path, command, ["tests"], package="toykit"), capfd)


def no_process(*given: object, **named: object) -> None:
    """Fail, in the place of what starts processes."""
    raise AssertionError("a process was started")


@pytest.mark.slow
def test_loop(toy: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    """From edit to edit, the tests run that execute what has changed since the last green run."""
    code, ran, said = toy.run()
    assert (code, len(ran)) == (0, 7)
    assert "this run makes the map" in said
    assert "the map has 7 tests" in said

    with monkeypatch.context() as patch:
        patch.setattr(subprocess, "Popen", no_process)
        code, ran, said = toy.run()
    assert (code, ran) == (0, [])
    assert "green: nothing has changed since" in said

    toy.edit("return a + b", "return b + a")
    code, ran, said = toy.run()
    assert (code, ran) == (0, ["test_add"])
    assert "calc.py add" in said
    assert "1 of 7 tests run, 1 of them the changed lines" in said

    toy.edit("result = a * FACTOR", "result = a + FACTOR + 1")
    toy.edit("results.append(3)", "results.append(1 + 2)")
    code, ran, said = toy.run()
    assert (code, ran[-1]) == (1, "test_double")
    assert "red: tests/test_calc.py::test_double; changed until a run is green: calc.py" in said
    toy.edit("a + FACTOR + 1", "a + a")
    code, ran, said = toy.run()
    assert (code, ran) == (0, ["test_double", "test_thread"])  # the failed one comes first
    assert "failed in the last run: tests/test_calc.py::test_double" in said
    assert toy.run()[1] == []

    toy.edit("FACTOR = 2", "FACTOR = 4 // 2")
    code, ran, said = toy.run()
    assert (code, len(ran)) == (0, 7)
    assert "all 7 tests run, the likeliest first, since calc.py, line 5: module level runs" in said
    assert ran[-1] == "test_plain"


@pytest.mark.slow
@pytest.mark.parametrize(("end", "killed"), [("os._exit(0)", set()), ("os.abort()", {"test a"})])
def test_killed_process(toy: Toy, end: str, killed: set[str]) -> None:
    """A process that leaves by os._exit has its lines; of a killed one it is known that it ran."""
    write_settings(toy.root, "toykit")
    environ = {**os.environ, VARIABLE: "test a", "COVERAGE_PROCESS_START": SETTINGS}
    environ["PYTHONPATH"] += os.pathsep + str(SCRIPTS)
    command = f"import os, toykit.calc as calc; calc.in_child(); {end}"
    subprocess.run([sys.executable, "-c", command], cwd=toy.root, env=environ, check=False)
    measured = read_measured(toy.root, "toykit", {"calc.py": blocks_of(CALC).bodies})
    assert measured.killed == killed
    assert (measured.lines == {}) == bool(killed)


@pytest.mark.slow
def test_threads_processes_and_fixtures(toy: Toy) -> None:
    """Code in a thread, a child process or a shared fixture belongs to the tests that use it."""
    assert toy.run()[0] == 0
    for old, new, tests in (
        ("results.append(3)", "results.append(2 + 1)", ["test_thread"]),
        ('print("child")', 'print("a child")', ["test_child"]),
        ('return {"a": 1}', "return dict(a=1)", ["test_table", "test_table_again"]),
    ):
        toy.edit(old, new)
        code, ran, _ = toy.run()
        assert (code, sorted(ran)) == (0, tests)
    toy.edit("    return 1\n", "    return 2\n")
    code, ran, said = toy.run()
    assert (code, ran) == (0, [])
    assert "no test executes calc.py unseen" in said
    assert "nothing has changed" in toy.run()[2]
