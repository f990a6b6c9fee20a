"""Coverage of an SDK: threads, workers of xdist, plugin processes, shards, and reasons."""

import os
import subprocess
import sys
from pathlib import Path

import coverage_data
import measure_coverage
import merge_results
import pytest
import uncovered_lines
from suite_command import ROOT
from uncovered_lines import Gap, ReasonError, reasons

SDK = """\
def in_thread():
    return "thread"


def in_plugin():
    return "plugin"


def choose(flag):
    if flag:
        return "one"
    return "other"


def never():
    first = 1
    # neighbours

    return first
"""
# As sdk_tests.plugin_process: a sitecustomize takes the place of others, and os._exit ends all.
TESTS = """\
import os, subprocess, sys, threading
import lmstudio

def test_thread():
    thread = threading.Thread(target=lmstudio.in_thread)
    thread.start()
    thread.join()

def test_plugin(tmp_path):
    (tmp_path / "sitecustomize.py").write_text("import lmstudio")
    path = os.pathsep.join([str(tmp_path), os.environ["PYTHONPATH"]])
    code = "import lmstudio, os; lmstudio.in_plugin(); os._exit(0)"
    subprocess.run([sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": path}, check=True)

def test_choice():
    assert lmstudio.choose(True) == "one"
"""
RELEASE = "9.9"


def install(folder: Path) -> Path:
    """Make a folder for PYTHONPATH with an SDK, and return it."""
    about = folder / f"lmstudio-{RELEASE}.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: lmstudio\nVersion: {RELEASE}\n")
    (folder / "lmstudio").mkdir()
    (folder / "lmstudio" / "__init__.py").write_text(SDK)
    return folder


def measured(folder: Path, *options: str) -> "subprocess.CompletedProcess[str]":
    """Run the command on an SDK and its tests in a worker of xdist; the results are in `into`."""
    site = install(folder / "site")
    tests = folder / "test_sdk.py"
    tests.write_text(TESTS)
    script = ROOT / "scripts" / "measure_coverage.py"
    command = [sys.executable, str(script), "--into", str(folder / "into"), *options]
    return subprocess.run(
        [*command, "-n", "1", "-p", "no:cacheprovider", str(tests)],
        env={**os.environ, "PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def run(
    tmp_path_factory: pytest.TempPathFactory,
) -> "tuple[Path, subprocess.CompletedProcess[str]]":
    """Provide the folder of a run that has the usual goal, and its outcome."""
    folder = tmp_path_factory.mktemp("run")
    return folder, measured(folder)


@pytest.mark.slow
def test_threads_and_plugins_count(
    run: "tuple[Path, subprocess.CompletedProcess[str]]",
) -> None:
    """What a thread, a worker and a plugin process execute counts; the rest is listed."""
    folder, outcome = run
    assert "3 passed" in outcome.stdout, outcome.stdout + outcome.stderr
    listed = (folder / "into" / "uncovered.txt").read_text().splitlines()
    assert listed == [
        '9.9 __init__.py:12 choose: `return "other"`: NO REASON',
        "9.9 __init__.py:16-19 never: `first = 1`: NO REASON",
    ]
    assert (folder / "into" / "html" / "index.html").is_file()
    assert "lmstudio-9.9/__init__.py" in (folder / "into" / "coverage.xml").read_text()


@pytest.mark.slow
def test_a_missed_goal_is_an_exit_code(
    run: "tuple[Path, subprocess.CompletedProcess[str]]",
) -> None:
    """The table has the percentages, and the exit code says that the goal is missed."""
    _, outcome = run
    assert outcome.returncode == 1
    *_, last = outcome.stdout.splitlines()
    assert last == (
        "72.73 % of the lines and 50.00 % of the branches are executed: the goal, 98 % and 95 %, is"
        " missed"
    )
    assert outcome.stdout.splitlines()[-5].split() == ["__init__.py", "72.7", "50.0"]


def data_of(folder: Path, code: str) -> Path:
    """Run code with an SDK in a folder, as one shard; return the folder of the results."""
    site = install(folder / "site")
    command = [sys.executable, "-m", "coverage", "run", f"--rcfile={coverage_data.SETTINGS}"]
    (folder / "code.py").write_text(code)
    subprocess.run(
        [*command, f"--data-file={folder / 'part'}", str(folder / "code.py")],
        env={**os.environ, "PYTHONPATH": str(site)},
        check=True,
    )
    into = folder / "coverage"
    into.mkdir()
    coverage_data.keep_source(site / "lmstudio", into, RELEASE)
    coverage_data.combine_parts(list(folder.glob("part*")), into, RELEASE)
    return into


def test_shards_are_merged(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The data of shards, whose environments have other paths, count together."""
    one = data_of(tmp_path / "one", "import lmstudio; lmstudio.in_thread(); lmstudio.choose(0)")
    other = data_of(tmp_path / "other", "import lmstudio; lmstudio.never(); lmstudio.choose(1)")
    (one / coverage_data.XML).write_text("<coverage />")  # is no JUnit file
    merged = tmp_path / "merged"
    arguments = [str(one), str(other), "--into", str(merged)]
    assert merge_results.main([*arguments, "--parts", "2"]) == 0
    assert ["__init__.py", "90.9", "100.0"] in [
        line.split() for line in capsys.readouterr().out.splitlines()
    ]
    assert (merged / "coverage" / "html" / "index.html").is_file()
    assert merge_results.main([*arguments, "--parts", "3"]) == 1
    assert capsys.readouterr().err == (
        "test:merge: the coverage of lmstudio 9.9 has 2 parts instead of 3\n"
    )


def test_nothing_measured(tmp_path: Path) -> None:
    """Without data there is one line that says so."""
    with pytest.raises(coverage_data.CoverageError, match=r"^nothing was measured: .+$"):
        coverage_data.combine_parts([], tmp_path, RELEASE)


def test_bad_goal(capsys: pytest.CaptureFixture[str]) -> None:
    """A goal that is no pair of percentages is refused before anything runs."""
    with pytest.raises(SystemExit):
        measure_coverage.main(["--goal", "98"])
    assert "'98' is no goal: write 98,95 for lines, branches" in capsys.readouterr().err


REASON = """
[[uncovered]]
module = "a.py"
function = "f"
line = "raise"
reason = "Nobody gets there."
"""


def test_reasons_are_found(tmp_path: Path) -> None:
    """A place has the reason of the entry that names its function and one of its lines.

    The branch to a line that is not executed is no place of its own.
    """
    table = tmp_path / "uncovered.toml"
    table.write_text(REASON)
    (tmp_path / "lmstudio-1").mkdir()
    source = "def f(x):\n    if x:\n        raise x\n    x()\n"
    (tmp_path / "lmstudio-1" / "a.py").write_text(source)
    functions = {"f": {"missing_lines": [3], "missing_branches": [[2, 3], [4, -1]]}}
    content = {"files": {"lmstudio-1/a.py": {"functions": functions}}}
    gaps = uncovered_lines.gaps_of(content, tmp_path, reasons(table))
    assert uncovered_lines.outdated(reasons(table), gaps) == []
    assert uncovered_lines.outdated(reasons(table), gaps[1:]) == reasons(table)
    assert gaps == [
        Gap("1", "a.py", "f", 3, 3, False, "raise x", "Nobody gets there."),
        Gap("1", "a.py", "f", 4, 4, True, "x()", None),
    ]


def test_our_reasons() -> None:
    """The entries of our table have the right form, and each place has one entry."""
    places = [(each.module, each.function, each.line) for each in reasons(measure_coverage.REASONS)]
    assert len(set(places)) == len(places)


def test_bad_reason(tmp_path: Path) -> None:
    """An entry without one of its texts is named by its number."""
    table = tmp_path / "uncovered.toml"
    table.write_text(REASON + '[[uncovered]]\nmodule = "a.py"\n')
    with pytest.raises(ReasonError, match=r"uncovered\.toml: entry 2 must have the texts module, "):
        reasons(table)
