"""Tests that are marked `models`, `lmstudio` or `embedded`."""

from __future__ import annotations

import pytest
from model_fixtures.catalog import read_catalog

from ...fake_host import FakeHost, instance  # noqa: TID252 (tests are not an importable package)
from ..conftest import Suite  # noqa: TID252

REQUIRED = sorted(model.key for model in read_catalog().required)
# Each test writes its process id to a file that is named after it.
MANY = """
    import os
    from pathlib import Path
    import pytest

    def leave(name, text=None):
        with Path(name).open("x") as file:
            file.write(text or str(os.getpid()))

    @pytest.mark.parametrize("number", range(10))
    def test_plain(number):
        leave(f"plain-{number}")

    @pytest.mark.lmstudio
    @pytest.mark.parametrize("number", range(4))
    def test_host(number):
        leave(f"host-{number}")

    @pytest.mark.models
    class TestModels:
        @pytest.mark.parametrize("number", range(5))
        def test_models(self, number):
            order = sorted(Path().glob("models-*"))
            assert len(order) == number
            leave(f"models-{number}")
"""
ONE = """
    import pytest

    @pytest.fixture(scope="module")
    def wider(request):
        # A fixture of higher scope must not come before the models are there.
        return sorted(request.session.config.stash.get("unused", ()))

    @pytest.mark.models
    def test_models(wider):
        pass

    @pytest.mark.lmstudio
    def test_host():
        pass
"""


@pytest.mark.usefixtures("weights")
def test_models_are_loaded_on_the_embedded_server(suite: Suite) -> None:
    """Marked tests find all required models loaded, and the fixture describes them."""
    suite.write("""
        import anyio
        import pytest
        from model_fixtures.catalog import read_catalog
        from model_fixtures.host_models import read_status

        @pytest.mark.models
        def test_loaded(lmstudio_host, loaded_models):
            catalog = read_catalog()
            assert loaded_models == catalog.required
            status = anyio.run(read_status, lmstudio_host, catalog)
            assert status.ready
            assert status.extra == ()
    """)
    outcome = suite.run("--lmstudio-host", "embedded")
    assert outcome.counts == {"passed": 1}, outcome.text
    assert len(suite.servers()) == 1


@pytest.mark.parametrize(
    "options",
    [
        (),
        ("-n", "2"),
        ("-n", "2", "--dist", "loadgroup"),
        ("-n", "2", "--dist", "worksteal"),
        ("-n", "3", "--dist", "loadfile"),
    ],
)
def test_tests_of_models_share_one_worker(
    suite: Suite, host: FakeHost, options: tuple[str, ...]
) -> None:
    """Tests marked `models` run in order in one process, however other tests are distributed."""
    suite.write(MANY)
    outcome = suite.run("--lmstudio-host", host.address, *options)
    assert outcome.counts == {"passed": 19}, outcome.text
    assert len(set(suite.written("models-*"))) == 1
    assert sorted(host.endpoints()) == ["loadModel"] * len(REQUIRED)


def test_other_tests_run_beside_them(suite: Suite, host: FakeHost) -> None:
    """With two workers, tests that use no model run in the other process."""
    suite.write(MANY)
    suite.run("--lmstudio-host", host.address, "-n", "2")
    others = set(suite.written("plain-*") + suite.written("host-*"))
    assert others - set(suite.written("models-*"))


@pytest.mark.parametrize(("dist", "early"), [("loadfile", ["one", "two"]), ("load", ["two"])])
def test_slow_tests_come_early(suite: Suite, dist: str, early: list[str]) -> None:
    """Slow files or tests begin before all others, so none is begun last."""
    note = """
        from pathlib import Path
        import pytest

        def note(name):
            with Path("order").open("a") as file:
                file.write(f"{name}\\n")
    """
    suite.write(f"""{note}
        @pytest.mark.parametrize("number", range(5))
        def test_plain(number):
            note("plain")
    """)
    suite.write(
        f"""{note}
        def test_one():
            note("one")

        @pytest.mark.slow
        def test_two():
            note("two")
    """,
        "test_later.py",
    )
    outcome = suite.run("-n", "1", "--dist", dist)
    assert outcome.counts == {"passed": 7}, outcome.text
    assert (suite.folder / "order").read_text().split()[: len(early)] == early


def test_every_worker_with_all_tests_is_refused(suite: Suite, host: FakeHost) -> None:
    """With --dist each and several workers, tests of models fail and say why."""
    suite.write(ONE)
    outcome = suite.run("--lmstudio-host", host.address, "-n", "2", "--dist", "each")
    assert outcome.counts == {"passed": 2, "errors": 2}
    assert "--dist each spreads tests marked models: leave --dist out" in outcome.lines
    assert host.endpoints() == []


def test_models_implies_lmstudio(suite: Suite, host: FakeHost) -> None:
    """`-m lmstudio` selects the tests marked `models` as well."""
    suite.write(MANY)
    host_option = ("--lmstudio-host", host.address)
    outcome = suite.run(*host_option, "-m", "lmstudio", "--collect-only", "-q")
    assert "9/19 tests collected" in outcome.lines[-1]
    outcome = suite.run(*host_option, "-m", "lmstudio and not models", "--collect-only", "-q")
    assert "4/19 tests collected" in outcome.lines[-1]


def test_models_come_before_other_fixtures(suite: Suite, host: FakeHost) -> None:
    """Models are loaded before any other fixture of the test is set up, even a session fixture."""
    suite.write("""
        import pytest

        @pytest.fixture(scope="session")
        def first(request):
            return request.config.stash

        @pytest.mark.models
        def test_models(first):
            pass
    """)
    outcome = suite.run("--lmstudio-host", host.address, "--setup-show")
    steps = [line.split()[2] for line in outcome.lines if line.strip().startswith("SETUP")]
    assert steps.index("loaded_models") < steps.index("first")
    assert steps.index("lmstudio_host") < steps.index("first")


def test_missing_models_are_named(suite: Suite, host: FakeHost) -> None:
    """Missing models are named with the command that gets them; all others are loaded."""
    missing = host.downloaded.pop(0)["modelKey"]
    suite.write(ONE)
    outcome = suite.run("--lmstudio-host", host.address)
    assert outcome.counts == {"passed": 1, "error": 1}
    assert f"{host.address} has no {missing}: run `model-fixtures download`" in outcome.lines
    assert host.endpoints() == ["loadModel"] * 3
    assert "Traceback" not in outcome.text


def test_loaded_models_are_not_loaded_again(suite: Suite, host: FakeHost) -> None:
    """Models that an earlier run has loaded are used by the next run."""
    suite.write(ONE)
    for _ in range(2):
        assert suite.run("--lmstudio-host", host.address).counts == {"passed": 2}
    assert host.endpoints() == ["loadModel"] * 4
    assert sorted(each["identifier"] for each in host.loaded) == REQUIRED


@pytest.mark.parametrize("workers", [(), ("-n", "1")])
def test_extra_models_are_called_out(
    suite: Suite, host: FakeHost, workers: tuple[str, ...]
) -> None:
    """Other loaded models stay loaded, and the summary says what they break."""
    host.loaded = [instance("other", "pub/Other-GGUF/other.gguf")]
    suite.write(ONE)
    outcome = suite.run("--lmstudio-host", host.address, *workers)
    assert outcome.counts == {"passed": 2}
    assert (
        "lmstudio: extra loaded models break tests that query loaded models, unload them: other"
        in outcome.lines
    )
    assert "unloadModel" not in host.endpoints()


@pytest.mark.parametrize(
    ("package", "workers"),
    [("lmstudio", ()), ("lmstudio", ("-n", "1")), ("lmstudio-model-fixtures", ())],
)
def test_tests_of_the_embedded_server(
    suite: Suite, host: FakeHost, package: str, workers: tuple[str, ...]
) -> None:
    """Tests marked `embedded` run on this project's server and are skipped on another host."""
    host.package = package
    suite.write("""
        import pytest

        @pytest.mark.lmstudio
        @pytest.mark.embedded
        def test_embedded():
            pass
    """)
    outcome = suite.run("--lmstudio-host", host.address, *workers)
    if package == "lmstudio":
        assert outcome.counts == {"skipped": 1}
        assert f"the host is {host.address} (named by --lmstudio-host)" in outcome.text
    else:
        assert outcome.counts == {"passed": 1}


@pytest.mark.parametrize("workers", [(), ("-n", "1")])
def test_a_server_that_cannot_start(suite: Suite, workers: tuple[str, ...]) -> None:
    """If the embedded server cannot start, tests that need it fail with one line; others run."""
    suite.environ["LMSTUDIO_TEST_CATALOG"] = "/nowhere/catalog.toml"
    suite.write(MANY)
    outcome = suite.run("--lmstudio-host", "embedded", *workers)
    assert outcome.counts == {"passed": 10, "errors": 9}
    reasons = [line for line in outcome.lines if line.startswith(("/nowhere", "LMSTUDIO_TEST"))]
    assert len(reasons) == 9
    assert "/nowhere/catalog.toml" in reasons[0]
    assert "Traceback" not in outcome.text
