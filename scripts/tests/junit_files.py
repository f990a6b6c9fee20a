"""JUnit files as pytest writes them, for tests of what reads them."""

from collections.abc import Mapping, Sequence
from pathlib import Path

INNER = {
    "passed": "",
    "failed": '<failure message="assert 0">assert 0</failure>',
    "error": '<error message="failed on teardown">x</error>',
    "skipped": '<skipped type="pytest.skip" message="no host" />',
    "xfailed": '<skipped type="pytest.xfail" message="a bug" />',
}


def write_junit(path: Path, name: str, cases: Sequence[tuple[str, str, str, float]]) -> Path:
    """Write a file with one suite; a case is class name, name, outcome and seconds."""
    outcomes = [outcome for _, _, outcome, _ in cases]
    skipped = outcomes.count("skipped") + outcomes.count("xfailed")
    body = "".join(
        f'<testcase classname="{where}" name="{case}" time="{seconds}">{INNER[outcome]}</testcase>'
        for where, case, outcome, seconds in cases
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        '<?xml version="1.0" encoding="utf-8"?><testsuites name="pytest tests">'
        f'<testsuite name="{name}" tests="{len(cases)}" failures="{outcomes.count("failed")}"'
        f' errors="{outcomes.count("error")}" skipped="{skipped}" time="1.5"'
        f' timestamp="2026-01-01T00:00:00">{body}</testsuite></testsuites>',
        encoding="utf-8",
    )
    return path


def properties(values: Mapping[str, str]) -> dict[str, str]:
    """Return the properties that the plugin `own_times` notes, with defaults for those left out."""
    return {"own_seconds": "0.1", "shared_seconds": "0.0", "slow": "no", **values}
