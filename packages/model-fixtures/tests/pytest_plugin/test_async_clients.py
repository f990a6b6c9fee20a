"""The async client's fixture under the plugins that run async tests."""

from __future__ import annotations

import pytest

from ..fake_host import FakeHost  # noqa: TID252 (tests are not an importable package)
from .conftest import NO_ASYNCIO, Suite

# Used in the loop of the test, and closed in it, whichever plugin runs it.
BODY = """
            assert lmstudio_async_client.api_host == lmstudio_host
            assert await lmstudio_async_client.llm.list_loaded() == []
            await asyncio.wait_for(lmstudio_async_client.embedding.list_loaded(), 30)
"""
PYTEST_ASYNCIO = "asyncio_default_fixture_loop_scope = function\nasyncio_mode = "


def with_settings(suite: Suite, *lines: str) -> Suite:
    """Return the project with more lines in its settings, and without those that keep a plugin."""
    file = suite.folder / "pytest.ini"
    text = file.read_text(encoding="utf-8").replace(NO_ASYNCIO, "")
    file.write_text("\n".join([text.rstrip(), *lines, ""]), encoding="utf-8")
    return suite


def test_anyio(project: Suite, host: FakeHost) -> None:
    """anyio's plugin runs it on asyncio; on another backend it says what to do."""
    project.write(f"""
        import asyncio
        import pytest

        pytestmark = pytest.mark.anyio

        @pytest.fixture(params=["asyncio", ("asyncio", {{"debug": False}})])
        def anyio_backend(request):
            return request.param

        @pytest.mark.parametrize("number", range(2))
        async def test_it(lmstudio_async_client, lmstudio_host, number):
{BODY}    """)
    outcome = project.run("--lmstudio-host", host.address, "-p", "no:xdist")
    assert outcome.counts == {"passed": 4}, outcome.text


@pytest.mark.parametrize("mode", ["strict", "auto"])
def test_pytest_asyncio(project: Suite, host: FakeHost, mode: str) -> None:
    """pytest-asyncio runs it in both modes, also beside tests that anyio's plugin runs."""
    mark = "@pytest.mark.asyncio" if mode == "strict" else ""
    project.write(f"""
        import asyncio
        import pytest

        {mark}
        async def test_it(lmstudio_async_client, lmstudio_host):
{BODY}
        class TestAnyio:
            @pytest.fixture
            def anyio_backend(self):
                return "asyncio"

            @pytest.mark.anyio
            async def test_it(self, lmstudio_async_client, lmstudio_host):
                assert lmstudio_async_client.api_host == lmstudio_host
    """)
    if mode == "auto":  # there, every async test is pytest-asyncio's
        text = (project.folder / "test_it.py").read_text(encoding="utf-8")
        (project.folder / "test_it.py").write_text(text.partition("class TestAnyio")[0])
    run = with_settings(project, PYTEST_ASYNCIO + mode).run
    outcome = run("--lmstudio-host", host.address, "-p", "no:xdist")
    assert outcome.counts == {"passed": 2 if mode == "strict" else 1}, outcome.text


def test_faults(project: Suite, host: FakeHost) -> None:
    """In a test that uses faults, the client is on their host."""
    project.write("""
        import lmstudio
        import pytest

        @pytest.fixture
        def anyio_backend():
            return "asyncio"

        @pytest.mark.anyio
        async def test_it(lmstudio_async_client, lmstudio_faults, lmstudio_wire):
            assert lmstudio_async_client.api_host == lmstudio_faults.host
            lmstudio_faults.close("llm.listLoaded")
            with pytest.raises(lmstudio.LMStudioWebsocketError):
                await lmstudio_async_client.llm.list_loaded()
            assert lmstudio_wire.sent("llm.listLoaded")
            assert not lmstudio_wire.received("llm.listLoaded")
    """)
    outcome = project.run("--lmstudio-host", host.address, "-p", "no:xdist")
    assert outcome.counts == {"passed": 1}, outcome.text
