"""Results of runs, as `--lmstudio-results` records them, for tests of the report."""

from __future__ import annotations

from model_fixtures.run_results import KNOWN_BUG, KNOWN_BUG_RELEASES, Failure, Outcome, Run, Test

SDK = "packages/sdk-tests/tests"
ACT = f"{SDK}/async/test_act_async.py"
ACT_SYNC = f"{SDK}/sync/test_act_sync.py"
FILES = f"{SDK}/test_files.py"
WIRE_LOG = "   +0.681 [1] system -- opened ws://127.0.0.1:42963/system"
TRACEBACK = ">       assert 1 == 2\nE       assert 1 == 2\n\ntest_it.py:3: AssertionError"
BUG = ("`act()` loses words.", "from 1.6.0b1")


def result(
    id: str,  # noqa: A002 - as in the class
    outcome: Outcome = "passed",
    *,
    seconds: float = 0.1,
    doc: str = "The SDK does *it* with `x < y`.",
    reason: str = "",
    bug: tuple[str, str] | None = None,
) -> Test:
    """Return a test's result; one that failed has a traceback and a wire log."""
    failed = outcome in ("failed", "error")
    sections = (("lmstudio wire log", WIRE_LOG), ("Captured stdout call", "printed"))
    return Test(
        id,
        outcome,
        seconds,
        doc,
        "What the file is about.",
        reason,
        () if bug is None else ((KNOWN_BUG, bug[0]), (KNOWN_BUG_RELEASES, bug[1])),
        (Failure("call", TRACEBACK, sections),) if failed else (),
    )


def run_of(*tests: Test, name: str = "lmstudio 1.6.0b1 on the embedded server") -> Run:
    """Return a run with these tests."""
    return Run(
        name=name,
        release="1.6.0b1",
        sdk="1.6.0b1 (installed in /here)",
        host="the embedded server (nothing else answers)",
        python="3.12.1",
        system="Linux",
        started="2026-01-02T03:04:05+00:00",
        seconds=104.4,
        tests=tests,
    )
