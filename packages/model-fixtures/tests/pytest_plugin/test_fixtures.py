"""The fixtures for tests of applications, in runs of pytest with and without the server."""

from __future__ import annotations

import re

import pytest

from ..fake_host import FakeHost, instance  # noqa: TID252 (tests are not an importable package)
from .conftest import Suite

CHAT = "llama-3.2-1b-instruct"
NOWHERE = "no LM Studio host at 127.0.0.1:1 (connection refused)"


@pytest.mark.slow
@pytest.mark.usefixtures("weights")
def test_on_the_embedded_server(project: Suite) -> None:
    """Models, clients, faults, frames and the server are as each test wants them, one by one."""
    # No registry: all weights are in the cache.
    project.environ |= {"PIP_INDEX_URL": "http://127.0.0.1:1/", "PIP_NO_INDEX": "1"}
    project.write(f"""
        import lmstudio
        import pytest
        from model_fixtures import Faults, Host, Server, ServerOptions, Wire

        CHAT = {CHAT!r}

        @pytest.fixture(scope="session")
        def anyio_backend():
            return "asyncio"

        @pytest.mark.lmstudio_models(CHAT)
        class TestModels:
            def test_unloads(self, lmstudio_client, lmstudio_models, lmstudio_server):
                assert lmstudio_models == (CHAT,)
                assert lmstudio_server.loaded == [CHAT]
                lmstudio_client.llm.unload(CHAT)

            def test_loads_otherwise(self, lmstudio_client, lmstudio_server):
                assert lmstudio_server.loaded == [CHAT]
                llm = lmstudio_client.llm
                llm.unload(CHAT)
                # Lists show no difference.
                llm.load_new_instance(
                    CHAT, CHAT, config={{"contextLength": 4096, "seed": 7}}, ttl=None
                )
                llm.load_new_instance("smollm2-135m-instruct", "mine")

            def test_has_the_suites(self, lmstudio_client, lmstudio_server, lmstudio_wire):
                assert lmstudio_server.loaded == [CHAT]
                model = lmstudio_client.llm.model(CHAT)
                assert "seed" not in model.get_load_config().to_dict()
                assert lmstudio_wire.sent("llm.getOrLoad")
                lmstudio_server.kill()
                assert not lmstudio_server.running

        @pytest.mark.lmstudio_models(CHAT)
        def test_types(lmstudio_host, lmstudio_server, lmstudio_server_options, lmstudio_faults,
                       lmstudio_wire, lmstudio_client, request):
            assert lmstudio_server.loaded == [CHAT]  # it has been started again
            assert (type(lmstudio_host), type(lmstudio_server)) == (Host, Server)
            assert (type(lmstudio_faults), type(lmstudio_wire)) == (Faults, Wire)
            assert lmstudio_server_options == ServerOptions()
            assert lmstudio_server.host == lmstudio_host == lmstudio_host.url[7:]
            assert lmstudio_client.api_host == lmstudio_faults.host

        @pytest.mark.lmstudio_models(CHAT)
        def test_fault(lmstudio_faults, lmstudio_client):
            lmstudio_faults.close("llm.predict", "fragment", nth=2)
            with pytest.raises(lmstudio.LMStudioWebsocketError):
                lmstudio_client.llm.model(CHAT).respond("Hi", config={{"maxTokens": 9}})

        def test_the_fault_is_gone(lmstudio_faults, lmstudio_host):
            lmstudio_faults.use_as_default()
            assert lmstudio.list_downloaded_models()
            assert lmstudio_faults.host != lmstudio_host

        def test_the_default_is_gone(lmstudio_server):
            import os
            assert "LMSTUDIO_API_HOST" not in os.environ
            lmstudio_server.use_as_default()
            assert os.environ["LMSTUDIO_API_HOST"] == lmstudio_server.host

        @pytest.mark.anyio
        async def test_async(lmstudio_async_client, lmstudio_models):
            loaded = await lmstudio_async_client.list_loaded_models()
            assert sorted(each.identifier for each in loaded) == sorted(lmstudio_models)
            assert len(lmstudio_models) == 4
    """)
    outcome = project.run("--lmstudio-host", "embedded", "-p", "no:xdist")
    assert outcome.counts == {"passed": 8}, outcome.text
    assert "lmstudio host: the embedded server (--lmstudio-host says embedded)" in outcome.lines
    assert len(project.servers()) == 2  # one was killed


def test_on_another_host(project: Suite, host: FakeHost) -> None:
    """On another host, only test models are touched, and the server's fixture skips."""
    host.loaded = [instance("mine", "me/Mine-GGUF/mine.gguf")]
    project.write(f"""
        import unittest
        import pytest

        @pytest.mark.lmstudio_models({CHAT!r})
        def test_models(lmstudio_host, lmstudio_models):
            assert lmstudio_host.token is None

        @pytest.mark.lmstudio_models("lama-3.2-1b-instruct")
        def test_unknown():
            pass

        @pytest.mark.lmstudio_models({CHAT!r}, context=1)
        def test_keyword():
            pass

        @pytest.mark.lmstudio_models({CHAT!r})
        class TestCase(unittest.TestCase):
            @pytest.fixture(autouse=True)
            def _fixtures(self, lmstudio_client, lmstudio_models):
                self.client, self.models = lmstudio_client, lmstudio_models

            def test_1_unloads(self):  # unittest runs tests in the order of their names
                self.client.llm.unload(self.models[0])
                assert self.client.llm.list_loaded()[0].identifier == "mine"

            def test_2_is_loaded_again(self):
                assert len(self.client.llm.list_loaded()) == 2

        def test_server(lmstudio_server):
            pass

        def test_no_async(lmstudio_async_client):
            pass
    """)
    outcome = project.run("--lmstudio-host", host.address, "-p", "no:xdist")
    assert outcome.counts == {"passed": 3, "skipped": 1, "errors": 3}, outcome.text
    assert "takes keys of models only, not context=" in outcome.text
    assert sorted(each["identifier"] for each in host.loaded) == [CHAT, "mine"]
    suggestion = "no test model 'lama-3.2-1b-instruct': did you mean "
    assert any(line.startswith(suggestion) for line in outcome.lines)
    assert "needs the embedded server of this run; the host is 127.0.0.1:" in outcome.text
    assert "lmstudio_async_client needs an async test: mark it @pytest.mark.anyio" in outcome.text
    assert "Traceback" not in outcome.text


def test_news_is_shown_at_once(project: Suite, host: FakeHost) -> None:
    """What a fixture says, such as that weights are fetched, is shown although the test passes."""
    project.write("""
        import pytest
        from model_fixtures.pytest_plugin import provider_of

        @pytest.fixture
        def news(pytestconfig, lmstudio_host):
            provider_of(pytestconfig)._say("fetching weights, once: some (1 MB)")

        def test_passes(news):
            pass
    """)
    outcome = project.run("--lmstudio-host", host.address, "-p", "no:xdist")
    assert outcome.counts == {"passed": 1}, outcome.text
    assert "fetching weights, once: some (1 MB)" in outcome.lines


def test_faults_that_have_not_happened(project: Suite, host: FakeHost) -> None:
    """They fail the test that ordered them, also in classes of unittest; other failures stay."""
    project.write("""
        import unittest
        import pytest

        def test_never(lmstudio_faults):
            lmstudio_faults.drop("predict", "fragment", nth=2)

        def test_other_failure(lmstudio_faults):
            lmstudio_faults.drop("predict")
            assert 1 == 2

        class TestCase(unittest.TestCase):
            @pytest.fixture(autouse=True)
            def _faults(self, lmstudio_faults):
                self.faults = lmstudio_faults

            def test_never(self):
                self.faults.stall("embedString")

            def test_nothing(self):
                pass
    """)
    outcome = project.run("--lmstudio-host", host.address, "-p", "no:xdist")
    assert outcome.counts == {"failed": 3, "passed": 1}, outcome.text
    never = [line for line in outcome.lines if line.startswith("these faults have not happened")]
    assert never == [
        "these faults have not happened: drop at predict fragment (2)",
        "these faults have not happened: stall at embedString",
    ]
    assert "assert 1 == 2" in outcome.text


@pytest.mark.parametrize("workers", [("-p", "no:xdist"), ("-n", "1")])
def test_a_host_that_does_not_answer(project: Suite, workers: tuple[str, ...]) -> None:
    """It fails the tests that need a host with one line each, and no others."""
    project.environ["LMSTUDIO_API_HOST"] = "127.0.0.1:1"
    project.write(f"""
        import pytest

        def test_none():
            pass

        @pytest.mark.lmstudio_models({CHAT!r})
        def test_models():
            pass

        def test_client(lmstudio_client):
            pass
    """)
    outcome = project.run(*workers)
    assert outcome.counts == {"passed": 1, "errors": 2}, outcome.text
    said = [
        line
        for line in outcome.lines
        if re.match(rf"LMSTUDIO_API_HOST: {re.escape(NOWHERE)}", line)
    ]
    assert len(said) == 2
    assert "Traceback" not in outcome.text


def test_foreign_markers_start_nothing(project: Suite) -> None:
    """A project's own markers of common names are its own."""
    with (project.folder / "pytest.ini").open("a") as settings:
        settings.write("markers =\n    models\n    slow\n    embedded\n    lmstudio\n")
    project.write("""
        import sys
        import pytest

        pytestmark = [pytest.mark.models, pytest.mark.slow, pytest.mark.embedded]

        @pytest.mark.lmstudio
        def test_it(request):
            assert request.fixturenames == ["request"]
            assert "model_fixtures.hosts" not in sys.modules
    """)
    project.environ["LMSTUDIO_API_HOST"] = "127.0.0.1:1"
    outcome = project.run("-p", "no:xdist")
    assert outcome.counts == {"passed": 1}, outcome.text
    assert "lmstudio host" not in outcome.text


def test_listings_are_for_users(project: Suite) -> None:
    """`--fixtures` and `--markers` show each public name with a text of at most 80 columns."""
    project.write("def test_none(): pass")
    listed = project.run("--fixtures").lines
    for name in (
        *("lmstudio_host", "lmstudio_client", "lmstudio_async_client", "lmstudio_models"),
        *("lmstudio_faults", "lmstudio_wire", "lmstudio_server", "lmstudio_server_options"),
    ):
        (number,) = (
            number for number, line in enumerate(listed) if re.match(rf"{name}( \[| --)", line)
        )
        text = []
        for line in listed[number + 1 :]:
            if line and not line.startswith(" "):
                break
            text.append(line)
        assert text[0].startswith("    "), name
        assert "no docstring" not in text[0]
        assert max(map(len, text)) <= 80, name
    assert not any(line.startswith("loaded_models") for line in listed)
    markers = [line for line in project.run("--markers").lines if "lmstudio" in line]
    assert len(markers) == 1
    assert markers[0].startswith("@pytest.mark.lmstudio_models(*keys): exactly these")
