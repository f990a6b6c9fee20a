"""Files with results: what is written is read again, and other files are told in one line."""

from __future__ import annotations

from pathlib import Path

import pytest
from model_fixtures.run_results import (
    KNOWN_BUG,
    KNOWN_BUG_RELEASES,
    Failure,
    ResultsError,
    Run,
    Test,
    has_results,
    read_results,
    worst,
    write_results,
)


def test_round_trip(tmp_path: Path) -> None:
    """All that is known of a run comes back; nothing else is left in the folder."""
    bug = ((KNOWN_BUG, "Words are lost."), (KNOWN_BUG_RELEASES, "from 1.6.0b1"))
    failure = Failure("call", "E  assert 0", (("lmstudio wire log", "+0.1 ->"),))
    tests = (
        Test("test_a.py::test_b[ü]", "failed", 0.5, "A.", "File.", "why", bug, (failure,)),
        Test("test_a.py::test_c", "passed", 0.1),
    )
    run = Run(name="moon", release="1.6.0b1", host="embedded", notes=("Stopped.",), tests=tests)
    path = tmp_path / "run.json"
    write_results(path, [run, Run(name="empty")])
    assert read_results(path) == (run, Run(name="empty"))
    assert has_results(path)
    assert tests[0].known_bugs == [("Words are lost.", "from 1.6.0b1")]
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"7",
        b"\xff",
        b"{}",
        b"[" * 100_000,
        b'{"format": "lmstudio-test-results", "version": 1, "runs": [{"name": 5}]}',
        b'{"format": "lmstudio-test-results", "version": 1, "runs": [{"name": "x", "tests": [5]}]}',
        b'{"format": "lmstudio-test-results", "version": 2, "runs": []}',
    ],
)
def test_other_files(tmp_path: Path, content: bytes) -> None:
    """Another file is an error of one line that names it and says what to do."""
    path = tmp_path / "other.json"
    path.write_bytes(content)
    with pytest.raises(ResultsError) as caught:
        read_results(path)
    message = str(caught.value)
    assert message.startswith(str(path))
    assert "\n" not in message
    assert "run " in message
    has_results(path)  # does not raise


def test_missing_file(tmp_path: Path) -> None:
    """A file that is not there is named."""
    with pytest.raises(ResultsError, match=r"none\.json cannot be read"):
        read_results(tmp_path / "none.json")


def test_worst() -> None:
    """A test that passes and then breaks in its teardown has broken."""
    assert worst(["passed", "error"]) == "error"
    assert worst(["passed", "xfailed", "passed"]) == "xfailed"
