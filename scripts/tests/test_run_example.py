"""The example's tests run as their author would run them: nothing of the checkout is in reach."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import run_example
from suite_command import ROOT


def test_environment_of_an_author(monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings of this project's environments are left out, but for the folder of weights."""
    given = {
        "PYTHONPATH": "src",
        "LMSTUDIO_API_HOST": "embedded",
        "PYTEST_ADDOPTS": "-x",
        "HATCH_ENV": "packages",
        "LMSTUDIO_TEST_CACHE": "weights",
        "PIP_INDEX_URL": "https://index.example",
    }
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    environ = run_example.author_environ()
    assert {name: environ[name] for name in given if name in environ} == {
        "LMSTUDIO_TEST_CACHE": "weights",
        "PIP_INDEX_URL": "https://index.example",
    }
    assert "PATH" in environ


def test_copy_of_the_example() -> None:
    """The copy is the example without caches, outside of the checkout, and ends with the block."""
    with run_example.new_folder() as folder:
        copy = folder / "assistant"
        assert ROOT not in copy.resolve().parents
        assert (copy / "tests" / "test_conversation.py").is_file()
        assert list(copy.rglob("__pycache__")) == []
    assert not folder.exists()


def test_failed_installation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """If pip can't install the example, its reason is shown, and no test runs."""
    monkeypatch.setattr(run_example, "build_wheel", lambda folder: folder / "no-such.whl")
    monkeypatch.setattr(run_example, "run_tests", lambda *_: pytest.fail("tests have run"))
    assert run_example.main([]) == 1
    said = capsys.readouterr().err
    assert said.startswith("packages:example: the example can't be installed:\n")
    assert "no-such.whl" in said


def test_exit_code_is_that_of_the_tests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tests run with the given options, and pytest's exit code is returned."""
    tests = tmp_path / "assistant"
    tests.mkdir()
    (tests / "test_it.py").write_text("def test_good(): pass\ndef test_bad(): assert 0\n")
    python = Path(sys.executable)
    options = ["-q", "-p", "no:cacheprovider"]
    environ = run_example.author_environ()
    assert run_example.run_tests(python, tmp_path, options, environ) == 1
    assert run_example.run_tests(python, tmp_path, [*options, "-k", "good"], environ) == 0
