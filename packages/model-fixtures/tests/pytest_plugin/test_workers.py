"""Tests of applications in several workers of pytest-xdist."""

from __future__ import annotations

import pytest

from ..fake_host import FakeHost  # noqa: TID252 (tests are not an importable package)
from .conftest import Suite

# Each test notes its process and its host.
NOTES = """
    import os
    from pathlib import Path
    import pytest

    @pytest.mark.parametrize("number", range(4))
    def test_host(number, lmstudio_host):
        Path(f"host-{number}").write_text(f"{os.getpid()} {lmstudio_host}")

    @pytest.mark.parametrize("number", range(4))
    def test_none(number):
        Path(f"none-{number}").write_text(f"{os.getpid()}")
"""


@pytest.mark.slow
@pytest.mark.usefixtures("weights")
def test_each_worker_has_a_server(project: Suite) -> None:
    """With the embedded server, tests run side by side: each worker has one, and may break it."""
    project.write(f"""{NOTES}
    @pytest.mark.parametrize("number", range(2))
    @pytest.mark.lmstudio_models("text-embedding-nomic-embed-text-v1.5")
    def test_breaks(number, lmstudio_server, lmstudio_models):
        assert lmstudio_server.loaded == list(lmstudio_models)
        lmstudio_server.kill()
    """)
    outcome = project.run("--lmstudio-host", "embedded", "-n", "2", "--dist", "load")
    assert outcome.counts == {"passed": 10}, outcome.text
    seen = {tuple(text.split()) for text in project.written("host-*")}
    assert len(seen) == 2  # each process has kept its host, also after it was killed
    assert len({host for _, host in seen}) == 2
    assert "lmstudio host: the embedded server (--lmstudio-host says embedded)" in outcome.lines


@pytest.mark.parametrize("dist", ["load", "loadfile"])
def test_another_host_is_used_by_one_worker(project: Suite, host: FakeHost, dist: str) -> None:
    """A host that workers share has the tests that use it in order in one of them."""
    project.write(NOTES)
    outcome = project.run("--lmstudio-host", host.address, "-n", "2", "--dist", dist)
    assert outcome.counts == {"passed": 8}, outcome.text
    assert len({text.split()[0] for text in project.written("host-*")}) == 1
    assert outcome.text.count(f"lmstudio host: {host.address} (named by --lmstudio-host)") == 1


def test_nothing_is_looked_for_without_need(project: Suite) -> None:
    """Workers without a test that needs a host cause no search for one."""
    project.write("def test_none(): pass")
    project.environ["LMSTUDIO_API_HOST"] = "127.0.0.1:1"
    outcome = project.run("-n", "2")
    assert outcome.counts == {"passed": 1}, outcome.text
    assert "lmstudio host" not in outcome.text
