"""Workers of pytest-xdist that crash during a test."""

from __future__ import annotations

import pytest

from ..fake_host import FakeHost  # noqa: TID252 (tests are not an importable package)
from .conftest import Suite

SIX = """
    import os
    import pytest

    @pytest.mark.parametrize("number", range(6))
    @pytest.mark.{mark}
    def test_it(number):
        if number == {crash}:
            os._exit(3)
"""
OTHERS = """
    import pytest

    @pytest.mark.parametrize("number", range(4))
    def test_other(number):
        pass
"""
CASES = [
    ("models", 1, "-n 1"),
    ("models", 1, "-n 2"),
    ("models", 1, "-n 1 --dist loadgroup"),
    ("models", 5, "-n 2 --dist loadfile"),
    ("slow", 1, "-n 2 --dist loadfile"),
    ("slow", 5, "-n 2 --dist worksteal"),
]


@pytest.mark.parametrize(("mark", "crash", "options"), CASES)
def test_other_tests_go_on(
    suite: Suite, host: FakeHost, mark: str, crash: int, options: str
) -> None:
    """A test that crashes its worker fails once; all other tests run, those of its file too."""
    suite.write(SIX.format(mark=mark, crash=crash))
    suite.write(OTHERS, "test_others.py")
    outcome = suite.run("--lmstudio-host", host.address, *options.split())
    assert outcome.counts == {"failed": 1, "passed": 9}, outcome.text
    assert f"test_it.py::test_it[{crash}]" in outcome.text


def test_crash_that_does_not_happen_again(suite: Suite, host: FakeHost) -> None:
    """A test that crashed is not run again, so that its failure is seen."""
    suite.write("""
        import os
        from pathlib import Path
        import pytest

        @pytest.mark.parametrize("number", range(3))
        @pytest.mark.models
        def test_it(number):
            if number == 1 and not Path("crashed").exists():
                Path("crashed").touch()
                os._exit(3)
    """)
    outcome = suite.run("--lmstudio-host", host.address, "-n", "2")
    assert outcome.counts == {"failed": 1, "passed": 2}, outcome.text


def test_crash_in_every_test(suite: Suite, host: FakeHost) -> None:
    """If all workers crash, the run ends and says so."""
    suite.write("""
        import os
        import pytest

        @pytest.mark.parametrize("number", range(9))
        @pytest.mark.models
        def test_it(number):
            os._exit(3)
    """)
    outcome = suite.run("--lmstudio-host", host.address, "-n", "2", "--max-worker-restart", "1")
    assert outcome.counts == {"failed": 2}, outcome.text
    assert "maximum crashed workers reached: 1" in outcome.text
