"""What `--lmstudio-results` writes, in runs of pytest of their own."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from model_fixtures.run_results import Run, Test, read_results

from ..fake_host import FakeHost  # noqa: TID252 (tests are not an importable package)
from .conftest import PATIENCE, Outcome, Suite

ALL_OUTCOMES = '''
    """The file's purpose.

    More of it.
    """
    import pytest

    @pytest.fixture
    def broken():
        raise OSError("no disk")

    @pytest.fixture
    def broken_after():
        yield
        raise OSError("no disk after")

    @pytest.mark.parametrize("word", ["a b", "<b>"])
    def test_passes(word, record_property):
        """Words
        pass.

        But why?
        """
        record_property("colour", "red")

    def test_fails():
        print("said before")
        assert 1 == 2

    def test_setup(broken): pass

    def test_teardown(broken_after): pass

    @pytest.mark.xfail(reason="a bug")
    def test_known(): assert 0

    @pytest.mark.xfail(reason="a bug")
    def test_better_than_known(): pass

    @pytest.mark.xfail(strict=True, reason="a bug")
    def test_fixed(): pass

    def test_skipped(): pytest.skip("no moon")

    class TestClass:
        def test_method(self):
            """A method has its class in its id."""
'''
SECRETS = """
    from pathlib import Path
    import lmstudio

    def test_fails(lmstudio_host):
        with lmstudio.Client(lmstudio_host) as client:
            client.list_downloaded_models()
            passkey = client._auth_details["clientPasskey"]
            Path("passkey").write_text(passkey)
            print("the key is", passkey)
            assert passkey == "sk-lm-Abcd1234:Passkey0Passkey0Pass"
"""


def run_of(suite: Suite, *options: str) -> tuple[Outcome, Run]:
    """Run the suite's tests, and return what was printed and what was written."""
    outcome = suite.run("--lmstudio-results=results/run.json", *options)
    (run,) = read_results(suite.folder / "results" / "run.json")
    return outcome, run


def by_name(run: Run) -> dict[str, Test]:
    """Return the tests of a run by their ids without the file."""
    return {test.id.removeprefix("test_it.py::"): test for test in run.tests}


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["serial", "workers"])
def test_every_outcome(suite: Suite, workers: tuple[str, ...]) -> None:
    """Each test has its outcome, docstrings, reason, properties and failures, with xdist, too."""
    suite.write(ALL_OUTCOMES)
    outcome, run = run_of(suite, "-o", "junit_suite_name=moon", *workers)
    tests = by_name(run)
    assert {name: test.outcome for name, test in tests.items()} == {
        "test_passes[a b]": "passed",
        "test_passes[<b>]": "passed",
        "test_fails": "failed",
        "test_setup": "error",
        "test_teardown": "error",
        "test_known": "xfailed",
        "test_better_than_known": "xpassed",
        "test_fixed": "failed",
        "test_skipped": "skipped",
        "TestClass::test_method": "passed",
    }, outcome.text
    passed = tests["test_passes[<b>]"]
    assert (passed.doc, passed.file_doc) == ("Words pass.", "The file's purpose.")
    assert passed.properties == (("colour", "red"),)
    assert tests["test_skipped"].reason == "no moon"
    assert tests["test_known"].reason == "a bug"
    (failure,) = tests["test_fails"].failures
    assert failure.when == "call"
    assert "assert 1 == 2" in failure.text
    assert ("Captured stdout call", "said before\n") in failure.sections
    assert [each.when for each in tests["test_teardown"].failures] == ["teardown"]
    assert [each.when for each in tests["test_setup"].failures] == ["setup"]
    assert "[XPASS(strict)]" in tests["test_fixed"].failures[0].text
    assert run.name == "moon"
    assert run.started.endswith("+00:00")
    assert f"results of 10 tests: {suite.folder / 'results' / 'run.json'}" in outcome.text


def test_about_the_run(suite: Suite, fake_host: FakeHost) -> None:
    """A run says which host and which SDK it had; its name tells runs apart."""
    suite.write("def test_host(lmstudio_host): pass")
    _, run = run_of(suite, "--lmstudio-host", fake_host.address)
    assert run.host.startswith(fake_host.address)
    assert run.sdk.startswith(f"{run.release} (")
    assert run.name == f"lmstudio {run.release} on {fake_host.address}"


@pytest.mark.parametrize("workers", [(), ("-n", "1")], ids=["serial", "worker"])
def test_no_secrets(suite: Suite, fake_host: FakeHost, workers: tuple[str, ...]) -> None:
    """Keys that a client has sent, and what has their form, are masked; the wire log is there."""
    suite.write(SECRETS)
    outcome, run = run_of(suite, "--lmstudio-host", fake_host.address, *workers)
    (test,) = run.tests
    assert test.outcome == "failed", outcome.text
    titles = [title for title, _ in test.failures[0].sections]
    assert "lmstudio wire log" in titles
    written = (suite.folder / "results" / "run.json").read_text()
    assert (suite.folder / "passkey").read_text() not in written
    assert "Passkey0Passkey0Pass" not in written
    assert "the key is ***" in written


def test_a_folder_keeps_all_runs(suite: Suite) -> None:
    """In a folder each run has a file of its own, named by SDK and time."""
    suite.write("def test_it(): pass")
    for _ in range(2):
        suite.run("--lmstudio-results=all of them")
    first, second = sorted((suite.folder / "all of them").glob("lmstudio-*.json"))
    assert read_results(first)[0].tests[0].id == read_results(second)[0].tests[0].id


@pytest.mark.parametrize("given", ["file/run.json", "file/folder", "folder.json"])
def test_useless_paths(suite: Suite, given: str) -> None:
    """A path that cannot be written is refused in one line, before any test."""
    suite.write("def test_it(): open('ran', 'w')")
    (suite.folder / "file").touch()
    (suite.folder / "folder.json").mkdir()
    outcome = suite.run(f"--lmstudio-results={given}")
    assert outcome.code == pytest.ExitCode.USAGE_ERROR
    (line,) = (line for line in outcome.lines if "--lmstudio-results: " in line)
    assert "name " in line
    assert not (suite.folder / "ran").exists()


def test_broken_file(suite: Suite) -> None:
    """A file that can't be collected is an error among the results."""
    suite.write("import nothing_of_this_name")
    _, run = run_of(suite)
    (test,) = run.tests
    assert (test.id, test.outcome) == ("test_it.py", "error")
    assert "nothing_of_this_name" in test.failures[0].text


def test_crashed_worker(suite: Suite) -> None:
    """A test that ends its worker has failed, with the docstring that it had."""
    suite.write('''
        import os

        def test_crash():
            """Ends."""
            os._exit(3)
    ''')
    _, run = run_of(suite, "-n", "1")
    (test,) = run.tests
    assert (test.outcome, test.doc) == ("failed", "Ends.")
    assert "crashed" in test.failures[0].text


@pytest.mark.skipif(sys.platform == "win32", reason="sends SIGINT")
def test_interrupted(suite: Suite) -> None:
    """After Ctrl-C the tests that have ended are written, and the run says so."""
    suite.write("""
        import time
        from pathlib import Path

        def test_first(): pass

        def test_long():
            Path("begun").touch()
            time.sleep(100)
    """)
    process = subprocess.Popen(
        suite.command("--lmstudio-results=run.json"), cwd=suite.folder, env=suite.environ
    )
    while not (suite.folder / "begun").exists():
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    process.wait(PATIENCE)
    (run,) = read_results(suite.folder / "run.json")
    assert run.notes == ("The run was stopped before its end.",)
    assert by_name(run)["test_first"].outcome == "passed"


@pytest.mark.parametrize("workers", [(), ("-n", "1")], ids=["serial", "worker"])
def test_stopped(suite: Suite, workers: tuple[str, ...]) -> None:
    """A run that ends with its first failure says that it is not the whole."""
    suite.write("def test_a(): assert 0\ndef test_b(): assert 0\ndef test_c(): assert 0")
    _, run = run_of(suite, "-x", *workers)
    assert run.notes == ("The run was stopped before its end.",)
    assert by_name(run)["test_a"].outcome == "failed"


def test_without_junit(suite: Suite) -> None:
    """Results are written although pytest's plugin for JUnit is off."""
    suite.write("def test_it(): pass")
    _, run = run_of(suite, "-p", "no:junitxml")
    assert run.name == f"lmstudio {run.release} on the embedded server"


def test_nothing_unasked(suite: Suite) -> None:
    """Without the option, and where no test runs, nothing is written."""
    suite.write("def test_it(): pass")
    suite.run()
    suite.run("--lmstudio-results=results", "--collect-only")
    assert not list(suite.folder.rglob("*.json"))


def test_half_of_a_character(suite: Suite) -> None:
    """A message with what UTF-8 has no bytes for is written with an escape."""
    suite.write("def test_it(): raise ValueError('half \\\\ud83d')")
    _, run = run_of(suite)
    assert "half \\ud83d" in run.tests[0].failures[0].text
    json.loads(Path(suite.folder / "results" / "run.json").read_text(encoding="utf-8"))
