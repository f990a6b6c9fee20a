"""An SDK that can send headers itself is used as it is."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import lmstudio
import pytest
import waf_tests.client
from waf_tests.client.native_support import clients_for, describe_headers, has_native_support
from waf_tests.testing import native_fork_plugin
from waf_tests.testing.pytest_subprocess import PytestRun, run_pytest
from waf_tests.testing.recording_origin import RecordingOrigin

TESTS = Path(__file__).parent


class _Native:
    """A client with all the parameters, such as an SDK with native support has."""

    def __init__(
        self,
        api_host: str | None = None,
        api_token: str | None = None,
        http_headers: Mapping[str, str] | None = None,
        x_api_key: str | None = None,
    ) -> None: ...


class _NativeAsync(_Native):
    pass


class _Old:
    """A client such as SDK 1.6.0b1 has."""

    def __init__(self, api_host: str | None = None, api_token: str | None = None) -> None: ...


def _native_configure(
    api_host: str,
    api_token: str | None = None,
    http_headers: Mapping[str, str] | None = None,
    x_api_key: str | None = None,
) -> None: ...


def _old_configure(api_host: str, api_token: str | None = None) -> None: ...


def _sdk(client: object, async_client: object, configure: object) -> Any:
    """Return a stand-in for the module `lmstudio`."""
    return SimpleNamespace(
        Client=client, AsyncClient=async_client, configure_default_client=configure
    )


def test_native_objects_are_used() -> None:
    """If all three of the SDK's own objects have the parameters, they are used."""
    expected = (_Native, _NativeAsync, _native_configure)
    assert clients_for(_sdk(*expected)) == expected


def test_the_header_of_a_run() -> None:
    """The first lines of a run say whether the SDK sends the headers itself."""
    native = _sdk(_Native, _NativeAsync, _native_configure)
    assert describe_headers(native) == "native (the SDK's own clients send them)"
    old = _sdk(_Old, _Old, _old_configure)
    assert describe_headers(old) == "ours (waf_tests.client adds them to the SDK's clients)"


@pytest.mark.parametrize(
    "parts",
    [
        (_Old, _Old, _old_configure),
        (_Old, _NativeAsync, _native_configure),
        (_Native, _Old, _native_configure),
        (_Native, _NativeAsync, _old_configure),
    ],
)
def test_partial_support_is_none(parts: tuple[object, object, object]) -> None:
    """If one of the SDK's objects lacks a parameter, all three come from this package."""
    sdk = _sdk(*parts)
    assert not has_native_support(sdk)
    client, async_client, configure = clients_for(sdk)
    modules = {client.__module__, async_client.__module__, configure.__module__}
    assert all(module.startswith("waf_tests.client.") for module in modules)


def test_the_installed_sdk() -> None:
    """The exported client is the SDK's own if and only if that one takes the headers."""
    assert waf_tests.client.NATIVE is has_native_support(lmstudio)
    assert (waf_tests.client.Client is lmstudio.Client) is waf_tests.client.NATIVE
    assert issubclass(waf_tests.client.Client, lmstudio.Client)
    assert issubclass(waf_tests.client.AsyncClient, lmstudio.AsyncClient)


def test_api_host_with_a_scheme(tried_urls: list[str]) -> None:
    """A client tries the URL with the scheme in api_host, and puts no other one before it."""
    with RecordingOrigin() as gone:
        address = gone.address
    with pytest.raises(lmstudio.LMStudioClientError):
        waf_tests.client.Client(f"https://{address}", x_api_key="k").__enter__()
    assert tried_urls == [f"https://{address}/lmstudio-greeting"]


def test_nothing_is_replaced_unasked() -> None:
    """Importing the stand-in for a fork does not change the SDK in this process."""
    assert lmstudio.Client.__module__ == "lmstudio.sync_api"
    assert lmstudio.AsyncClient.__module__ == "lmstudio.async_api"


def run_with_fork(folder: Path, files: str, arguments: list[str], kind: str = "") -> PytestRun:
    """Run some of this package's tests with a stand-in for a fork of the SDK."""
    settings = ["-c", str(TESTS.parents[2] / "pyproject.toml")]
    paths = [str(path) for path in sorted(TESTS.rglob(files))]
    plugin = ["-p", native_fork_plugin.__name__]
    return run_pytest(
        folder, [*plugin, *settings, *arguments, *paths], {native_fork_plugin.VARIABLE: kind}
    )


@pytest.mark.usefixtures("planner")
@pytest.mark.slow
@pytest.mark.parametrize("files", ["test_header_*.py", "test_tokens_*.py", "test_default_*.py"])
def test_fork(files: str, tmp_path: Path) -> None:
    """With a fork that does what docs/native-support.md says, the tests pass."""
    run = run_with_fork(tmp_path, files, [])
    assert {each for tests in run.outcomes.values() for each in tests.values()} == {"passed"}


@pytest.mark.usefixtures("planner")
def test_fork_with_the_scheme_twice(tmp_path: Path) -> None:
    """For a fork that tries `https://https://`, the report's section and summary show that URL."""
    run = run_with_fork(
        tmp_path,
        "test_header_*.py",
        ["-k", "test_parameter_sync or test_parameter_async"],
        native_fork_plugin.SCHEME_TWICE,
    )
    assert run.outcomes["test_header_async.py"] == {"test_parameter_async": "failed"}
    assert run.outcomes["test_header_sync.py"] == {"test_parameter_sync": "failed"}
    output = run.output.decode()
    assert output.count("- URLs that were tried -") == 2
    summary = [line for line in output.splitlines() if line.startswith("FAILED ")]
    assert len(summary) == 2
    for line in summary:
        assert "[tried https://https://localhost:" in line
