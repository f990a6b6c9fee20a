"""The host that a run chooses, and runs that need none."""

from __future__ import annotations

from importlib.metadata import version

import pytest

from ..fake_host import FakeHost  # noqa: TID252 (tests are not an importable package)
from .conftest import Suite

NEEDS_HOST = """
    import pytest

    @pytest.mark.lmstudio
    def test_host(lmstudio_host):
        print("host is", lmstudio_host)
"""
UNKNOWN_CALL = """
    import anyio
    import pytest
    from model_fixtures.wire_client import RpcError, connect

    @pytest.mark.lmstudio
    def test_host(lmstudio_host):
        async def fly():
            async with connect(lmstudio_host, "system") as system:
                await system.rpc("fly")

        with pytest.raises(RpcError, match="system has no call fly"):
            anyio.run(fly)
"""
NEEDS_NONE = """
    def test_nothing():
        pass
"""


@pytest.mark.parametrize("workers", [(), ("-n", "1")])
def test_a_named_host_is_used(suite: Suite, host: FakeHost, workers: tuple[str, ...]) -> None:
    """The option names the host: the header says so, and tests in all processes get it."""
    suite.write(NEEDS_HOST)
    outcome = suite.run("--lmstudio-host", host.address, "-rP", *workers)
    assert outcome.counts == {"passed": 1}
    assert f"lmstudio host: {host.address} (named by --lmstudio-host)" in outcome.lines
    assert f"host is {host.address}" in outcome.lines
    assert suite.servers() == []


def test_the_variable_names_the_host(suite: Suite, host: FakeHost) -> None:
    """Without the option, LMSTUDIO_API_HOST names the host."""
    suite.write(NEEDS_HOST)
    suite.environ["LMSTUDIO_API_HOST"] = host.address
    outcome = suite.run()
    assert outcome.code == 0
    assert f"lmstudio host: {host.address} (named by LMSTUDIO_API_HOST)" in outcome.lines


def test_the_header_names_the_sdk(suite: Suite) -> None:
    """The header says which SDK release is under test, and where it is from."""
    suite.write(NEEDS_NONE)
    outcome = suite.run("--lmstudio-host", "embedded")
    assert f"lmstudio SDK: {version('lmstudio')} (installed in " in outcome.text
    assert "lmstudio host: the embedded server (--lmstudio-host says embedded)" in outcome.lines


@pytest.mark.usefixtures("weights")
def test_errors_for_unknown_calls(suite: Suite) -> None:
    """The embedded server of a run gets the option that has it answer unknown calls."""
    suite.write(UNKNOWN_CALL)
    outcome = suite.run("--lmstudio-host", "embedded", "--lmstudio-answer-unknown")
    assert outcome.counts == {"passed": 1}


@pytest.mark.parametrize(
    ("option", "workers", "problem"),
    [
        ("a:b:c", (), "'a:b:c' is not a host: write host, host:port, [IPv6] or [IPv6]:port"),
        ("127.0.0.1:1", (), "no LM Studio host at 127.0.0.1:1 (connection refused): start its"),
        ("127.0.0.1:1", ("-n", "1"), "no LM Studio host at 127.0.0.1:1 (connection refused):"),
    ],
)
def test_a_bad_host_ends_the_run(
    suite: Suite, option: str, workers: tuple[str, ...], problem: str
) -> None:
    """A host that is malformed or does not answer is an error of one line, and no test runs."""
    suite.write(NEEDS_HOST)
    outcome = suite.run("--lmstudio-host", option, *workers)
    assert outcome.code == pytest.ExitCode.USAGE_ERROR
    said = [line for line in outcome.lines if line]
    assert len(said) == 1
    assert said[0].startswith(f"ERROR: --lmstudio-host: {problem}")


@pytest.mark.parametrize(
    ("option", "host"),
    [
        ("--help", "127.0.0.1:1"),
        ("--markers", "127.0.0.1:1"),
        ("--fixtures", "127.0.0.1:1"),
        ("--collect-only", "127.0.0.1:1"),
        ("--collect-only", "embedded"),
        ("--setup-plan", "embedded"),
    ],
)
def test_previews_look_for_no_host(suite: Suite, option: str, host: str) -> None:
    """With options that run no test, no host is looked for, so a missing one is not an error."""
    suite.write(NEEDS_HOST)
    assert suite.run(option, "--lmstudio-host", host).code == 0
    assert suite.servers() == []


@pytest.mark.parametrize(
    "arguments",
    [("test_none.py",), ("-m", "not lmstudio"), ("-k", "nothing"), ("-k", "nothing", "-n", "1")],
)
def test_a_server_is_started_only_for_tests_that_need_it(
    suite: Suite, arguments: tuple[str, ...]
) -> None:
    """If no selected test needs a host, the embedded server is not started."""
    suite.write(NEEDS_HOST)
    suite.write(NEEDS_NONE, "test_none.py")
    outcome = suite.run("--lmstudio-host", "embedded", *arguments)
    assert outcome.code == 0
    assert outcome.counts["passed"] == 1
    assert suite.servers() == []


def test_markers_have_descriptions(suite: Suite) -> None:
    """All four markers are registered with a description."""
    listed = suite.run("--markers").text
    for marker in ("lmstudio", "models", "slow", "embedded"):
        assert f"@pytest.mark.{marker}: " in listed


def test_async_backends_are_left_alone(suite: Suite) -> None:
    """The plugin does not choose the event loops of async tests, which other projects do."""
    suite.write("def test_nothing(): pass")
    (line,) = (each for each in suite.run("--fixtures").lines if each.startswith("anyio_backend ["))
    assert "anyio/pytest_plugin.py" in line
