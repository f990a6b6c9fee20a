"""Which tests count as tests of models, however they are marked."""

from __future__ import annotations

import pytest

from ...fake_host import FakeHost  # noqa: TID252 (tests are not an importable package)
from ..conftest import Suite  # noqa: TID252

NOTE = """
        import os
        from pathlib import Path
        import pytest

        def note(name, request):
            loaded = "loaded_models" in request.fixturenames
            Path(f"{name}-{os.getpid()}").write_text(f"{os.getpid()} {loaded}")
"""


def test_one_parameter(suite: Suite, host: FakeHost) -> None:
    """A mark of one parameter does not load models for the test's other cases."""
    suite.write(f"""{NOTE}
        @pytest.mark.parametrize(
            "number", [0, pytest.param(1, marks=pytest.mark.models), 2, 3]
        )
        def test_it(number, request):
            note(f"case{{number}}", request)
    """)
    outcome = suite.run("--lmstudio-host", host.address)
    assert outcome.counts == {"passed": 4}, outcome.text
    loaded = [text.split()[1] for text in suite.written("case*")]
    assert loaded == ["False", "True", "False", "False"]


def test_deselected_parameter(suite: Suite, host: FakeHost) -> None:
    """If the only marked case is deselected, nothing is loaded."""
    suite.write("""
        import pytest

        @pytest.mark.parametrize("number", [0, pytest.param(1, marks=pytest.mark.models)])
        def test_it(number):
            pass
    """)
    outcome = suite.run("--lmstudio-host", host.address, "-m", "not models")
    assert outcome.counts == {"passed": 1, "deselected": 1}, outcome.text
    assert host.endpoints() == []


@pytest.mark.parametrize("options", [("-n", "3"), ("-n", "3", "-m", "models")], ids=" ".join)
def test_fixture_without_the_mark(suite: Suite, host: FakeHost, options: tuple[str, ...]) -> None:
    """Tests that use `loaded_models` are marked `models` by that, so they share one worker."""
    suite.write(f"""{NOTE}
        @pytest.mark.parametrize("number", range(6))
        def test_it(number, loaded_models, request):
            note(number, request)
    """)
    outcome = suite.run("--lmstudio-host", host.address, *options)
    assert outcome.counts == {"passed": 6}, outcome.text
    assert len({text.split()[0] for text in suite.written("[0-9]*")}) == 1


@pytest.mark.parametrize("last", [False, True])
def test_mark_of_a_conftest(suite: Suite, host: FakeHost, last: bool) -> None:
    """A mark that a conftest adds to collected tests counts like one in the source."""
    (suite.folder / "marked").mkdir()
    suite.write(
        f"""
        import pytest

        @pytest.hookimpl(trylast={last})
        def pytest_collection_modifyitems(items):
            for item in items:
                item.add_marker(pytest.mark.models)
        """,
        "marked/conftest.py",
    )
    suite.write(
        f"""{NOTE}
        @pytest.mark.parametrize("number", range(6))
        def test_it(number, request):
            note(number, request)
        """,
        "marked/test_it.py",
    )
    outcome = suite.run("--lmstudio-host", host.address, "-n", "3", "marked")
    assert outcome.counts == {"passed": 6}, outcome.text
    seen = suite.written("[0-9]*")
    assert len({text.split()[0] for text in seen}) == 1
    assert {text.split()[1] for text in seen} == {"True"}


def test_same_test_twice(suite: Suite, host: FakeHost) -> None:
    """A test that is collected twice runs twice, in workers as well."""
    suite.write("""
        import pytest

        @pytest.mark.models
        def test_it():
            pass

        def test_other():
            pass
    """)
    same = ("--keep-duplicates", "test_it.py", "test_it.py")
    outcome = suite.run("--lmstudio-host", host.address, "-n", "2", *same)
    assert outcome.counts == {"passed": 4}, outcome.text


def test_scheduler_of_a_conftest(suite: Suite, host: FakeHost) -> None:
    """A conftest's own scheduler is replaced if tests are marked `models`."""
    with (suite.folder / "conftest.py").open("a") as conftest:
        conftest.write(
            "\ndef pytest_xdist_make_scheduler(config, log):\n"
            "    from xdist.scheduler import LoadScheduling\n"
            "    return LoadScheduling(config, log)\n"
        )
    suite.write(f"""{NOTE}
        @pytest.mark.parametrize("number", range(6))
        @pytest.mark.models
        def test_it(number, request):
            note(number, request)
    """)
    outcome = suite.run("--lmstudio-host", host.address, "-n", "3")
    assert outcome.counts == {"passed": 6}, outcome.text
    assert len({text.split()[0] for text in suite.written("[0-9]*")}) == 1


def test_each_with_one_worker(suite: Suite, host: FakeHost) -> None:
    """--dist each is allowed with a single worker."""
    suite.write("""
        import pytest

        @pytest.mark.models
        def test_it():
            pass
    """)
    outcome = suite.run("--lmstudio-host", host.address, "-n", "1", "--dist", "each")
    assert outcome.counts == {"passed": 1}, outcome.text


def test_others_are_left_alone(suite: Suite) -> None:
    """In a run without such tests, the plugin leaves the garbage collector alone."""
    suite.write("""
        import gc

        class Thing:
            pass

        THING = Thing()

        def test_objects():
            assert any(each is THING for each in gc.get_objects())
            assert gc.get_freeze_count() == 0
    """)
    assert suite.run("--lmstudio-host", "embedded").counts == {"passed": 1}
