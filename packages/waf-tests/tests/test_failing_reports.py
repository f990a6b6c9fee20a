"""The report of a failed test of this package shows no key and no token."""

from __future__ import annotations

import secrets
from pathlib import Path

import lmstudio
import pytest
from waf_tests.edge import Edge
from waf_tests.secret import Secret
from waf_tests.testing import fail_every_test_plugin
from waf_tests.testing.pytest_subprocess import run_pytest
from waf_tests.testing.recording_origin import RecordingOrigin
from waf_tests.testing.secret_scan import halves, leaking_files, leaks

# These runs take half a minute each and are about the tests, so one SDK release is enough.
ONCE = pytest.mark.skipif(
    lmstudio.__version__.startswith("1.5."), reason="the newest SDK release is enough for this test"
)
TOKEN = Secret("sk-lm-Inn3rRun:Zy9Xw8Vu7Ts6Rq5Po4Nm")
TESTS = Path(__file__).parent
SETTINGS = TESTS.parents[2] / "pyproject.toml"

pytestmark = pytest.mark.usefixtures("planner")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "files"),
    [
        pytest.param(["--capture=no"], "test_*.py", id="at-the-end", marks=ONCE),
        pytest.param(["--all-down"], "test_*.py", id="all-down", marks=ONCE),
        pytest.param(["--full-trace", "-k=real"], "test_real_*.py", id="all-frames"),
        pytest.param(["--full-trace", "-k=real", "--all-down"], "test_real_*.py", id="host-down"),
    ],
)
def test_failing_tests_show_no_secret(options: list[str], files: str, tmp_path: Path) -> None:
    """A run in which every test fails shows no secret in its output, log and JUnit file."""
    key, edge_key = (Secret(secrets.token_urlsafe(32)) for _ in range(2))
    with RecordingOrigin(token=TOKEN) as origin, Edge(origin.address, key=key) as edge:
        if "--all-down" in options:
            edge.stop()
        variables = {
            "LMSTUDIO_CLOUDFLARE_HOST": edge.api_host,
            "LMSTUDIO_X_API_KEY": key.reveal(),
            "LMSTUDIO_API_TOKEN": TOKEN.reveal(),
            "SSL_CERT_FILE": str(edge.ca_file),
            fail_every_test_plugin.EDGE_KEY_VARIABLE: edge_key.reveal(),
        }
        arguments = ["-p", fail_every_test_plugin.__name__, "--tb=long", *options, str(TESTS)]
        run = run_pytest(tmp_path, [*arguments, "-c", str(SETTINGS)], variables)
        edge.stop()
    failed = {name for name, outcomes in run.outcomes.items() if "failed" in outcomes.values()}
    assert failed >= {path.name for path in TESTS.rglob(files)}
    assert "passed" not in {each for tests in run.outcomes.values() for each in tests.values()}
    shown = (key, edge_key, *halves(TOKEN))
    assert leaks(run.output, shown) == []
    assert leaking_files(tmp_path, shown) == []
