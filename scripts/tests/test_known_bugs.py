"""Runs of a suite with a known bug, on SDKs that have it or have it fixed."""

import re
import sys
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from sdk_tests.bug_timeline import BugTimeline

pytest_plugins = ["pytester"]

RUNS_ON = ("1.5.0", "1.6.0b1")
# The releases are these, whichever the suite runs on by now.
CONFTEST = f"""
from sdk_tests import sdk_releases
sdk_releases.RELEASES = {RUNS_ON}
sdk_releases.SDK_RELEASE = sdk_releases._sdk_release()
from sdk_tests.known_bug_hooks import *
"""
TEST = """
import lmstudio
import pytest
from sdk_tests.sdk_releases import known_bug

@pytest.mark.parametrize("word", ["one"])
@known_bug("Words are lost.", {arguments})
def test_words(word: str) -> None:
    assert lmstudio.FIXED
"""
PACKAGES = ("lmstudio", "sdk_tests")  # what a run imports anew


@dataclass(frozen=True)
class Sdk:
    """An SDK without contents, installed as a release or, by `hatch run local:*`, as a tree."""

    version: str
    fixed: bool
    tree: bool = False


@dataclass(frozen=True)
class Outcome:
    """The exit code of a run, the numbers of outcomes, and what it printed."""

    code: int
    counts: dict[str, int]
    text: str


Run = Callable[..., Outcome]
OK = {"passed": 1}
KNOWN = {"xfailed": 1}
FAILED = {"failed": 1}


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Provide a function that runs the tests in the folder `tests` on an SDK."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setenv("COLUMNS", "400")
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    pytester.makeini("[pytest]\naddopts = -p no:cacheprovider -rfEsX --strict-markers")
    pytester.mkdir("tests").joinpath("conftest.py").write_text(CONFTEST)

    def run_on(sdk: Sdk, *options: str) -> Outcome:
        folder = pytester.path / f"{sdk.version}-{sdk.fixed}-{sdk.tree}"
        about = folder / f"lmstudio-{sdk.version}.dist-info"
        if not folder.exists():
            about.mkdir(parents=True)
            (folder / "lmstudio.py").write_text(
                f"__version__ = {sdk.version!r}\nFIXED = {sdk.fixed}\n"
            )
            (about / "METADATA").write_text(
                f"Metadata-Version: 2.1\nName: lmstudio\nVersion: {sdk.version}\n"
            )
            if sdk.tree:
                origin = '{"url": "file:///tree", "dir_info": {"editable": true}}'
                (about / "direct_url.json").write_text(origin)
        with monkeypatch.context() as patch:
            patch.syspath_prepend(str(folder))
            for module in [name for name in sys.modules if name.split(".")[0] in PACKAGES]:
                patch.delitem(sys.modules, module)
            result = pytester.runpytest_inprocess("tests", *options)
        return Outcome(int(result.ret), result.parseoutcomes(), result.stdout.str())

    return run_on


def write(pytester: pytest.Pytester, arguments: str, name: str = "tests/test_words.py") -> None:
    """Write the test of a known bug with these arguments of `known_bug`."""
    path = pytester.path / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(TEST.format(arguments=arguments))


def advice(text: str) -> str:
    """Return the arguments that a failure says are right; the page is to say the same."""
    shown = re.findall(
        r"\[XPASS\(strict\)\] fixed here\? (?:add|write) `([^`]+)` in its `known_bug` in"
        r" tests/test_words\.py, and (?:move|give) the entry of test_words\.py::test_words in"
        r' docs/findings\.md (?:to "Fixed", with )?the release "([^"]+)"\.$',
        text,
        re.MULTILINE,
    )
    ((arguments, cell),) = set(shown)  # below "FAILURES" and in the summary
    assert BugTimeline.parse(cell).arguments() == arguments
    return str(arguments)


def green(outcome: Outcome, sdk: Sdk) -> bool:
    """Return whether a run is green and saw what the SDK does."""
    return outcome.code == 0 and outcome.counts == (OK if sdk.fixed else KNOWN)


@pytest.mark.parametrize(
    ("before", "found", "after", "others"),
    [
        pytest.param(
            "",
            Sdk("1.6.0b1", fixed=True, tree=True),
            'fixed_in="1.6.0b1+local"',
            [Sdk("1.6.0b2.dev0", fixed=True, tree=True), Sdk("1.6.0b2", fixed=True)],
            id="working-tree",
        ),
        pytest.param(
            "",
            Sdk("1.6.0b2.dev0", fixed=True, tree=True),
            'fixed_in="1.6.0b2.dev0"',
            [Sdk("1.6.0b1", fixed=False, tree=True), Sdk("1.6.0b2", fixed=True)],
            id="working-tree-with-a-version-of-its-own",
        ),
        pytest.param(
            "",
            Sdk("1.5.0", fixed=True, tree=True),
            'seen_in="1.6.0b1", fixed_in="1.5.0+local"',
            [Sdk("1.5.1", fixed=True), Sdk("1.6.0b2.dev0", fixed=False, tree=True)],
            id="working-tree-of-an-old-release",
        ),
        pytest.param(
            "",
            Sdk("1.7.0", fixed=True),
            'fixed_in="1.7.0"',
            [Sdk("1.6.1", fixed=False), Sdk("1.7.1.dev0", fixed=True, tree=True)],
            id="future-release",
        ),
        pytest.param(
            'fixed_in="1.7.0"',
            Sdk("1.6.1", fixed=True),
            'fixed_in="1.6.1"',
            [Sdk("1.6.0", fixed=False), Sdk("1.7.0", fixed=True)],
            id="earlier-than-thought",
        ),
        pytest.param(
            "",
            Sdk("1.5.1", fixed=True),
            'seen_in="1.6.0b1", fixed_in="1.5.1"',
            [Sdk("1.5.2", fixed=True), Sdk("1.7.0", fixed=False)],
            id="old-release-alone",
        ),
        pytest.param(
            'fixed_in="1.6.1"',
            Sdk("1.5.1", fixed=True),
            'seen_in="1.6.0b1", fixed_in=("1.5.1", "1.6.1")',
            [Sdk("1.5.2", fixed=True), Sdk("1.6.0", fixed=False), Sdk("1.7.0", fixed=True)],
            id="old-release-too",
        ),
        pytest.param(
            "",
            Sdk("1.4.0", fixed=True),
            'seen_in="1.5.0"',
            [Sdk("1.3.0", fixed=True), Sdk("1.7.0", fixed=False)],
            id="not-yet-in-an-old-release",
        ),
    ],
)
def test_a_fix_has_a_right_end(
    pytester: pytest.Pytester, run: Run, before: str, found: Sdk, after: str, others: list[Sdk]
) -> None:
    """A test that passes fails with what to write, and this makes it green on every SDK."""
    write(pytester, before)
    outcome = run(found)
    assert outcome.counts == FAILED
    assert advice(outcome.text) == after
    write(pytester, after)
    for sdk in (found, *(Sdk(release, fixed=False) for release in RUNS_ON), *others):
        assert green(run(sdk), sdk), sdk


def test_a_fix_in_the_newest_release(pytester: pytest.Pytester, run: Run) -> None:
    """A release of the matrix that has a bug fixed is named, and the one before keeps the bug."""
    write(pytester, "")
    newest, old = Sdk(RUNS_ON[1], fixed=True), Sdk(RUNS_ON[0], fixed=False)
    after = advice(run(newest).text)
    assert after == f'fixed_in="{RUNS_ON[1]}"'
    write(pytester, after)
    assert green(run(newest), newest)
    assert green(run(old), old)


def test_a_bug_that_nobody_has_seen(pytester: pytest.Pytester, run: Run) -> None:
    """A bug that is in no release which the suite runs on has no mark."""
    write(pytester, 'seen_in="1.6.0b1"')
    text = run(Sdk("1.6.0b1", fixed=True)).text
    assert "remove its `known_bug` in tests/test_words.py, and remove the entry of" in text


@pytest.mark.parametrize(
    "sdk",
    [
        Sdk("1.6.0b2.dev0", fixed=False, tree=True),
        Sdk("1.6.0b1", fixed=False, tree=True),
        Sdk("1.7.0", fixed=False),
        Sdk("1.4.0", fixed=False),
    ],
    ids=lambda sdk: sdk.version,
)
def test_releases_that_nobody_has_named(pytester: pytest.Pytester, run: Run, sdk: Sdk) -> None:
    """A version that the suite does not know has the bug, too: raising it turns nothing red."""
    write(pytester, "")
    assert green(run(sdk), sdk)


def test_a_bug_that_comes_back(pytester: pytest.Pytester, run: Run) -> None:
    """A bug that was fixed fails its test like any other."""
    write(pytester, 'fixed_in="1.6.0b1"')
    outcome = run(Sdk("1.7.0", fixed=False))
    assert outcome.counts == FAILED
    assert "assert False" in outcome.text
    assert "XPASS" not in outcome.text


def test_another_failure(pytester: pytest.Pytester, run: Run) -> None:
    """A test that fails with another exception than its bug's is no expected failure."""
    write(pytester, "raises=KeyError")
    outcome = run(Sdk("1.6.0b1", fixed=False))
    assert outcome.counts == FAILED
    assert "assert False" in outcome.text


def test_generated_tests_name_their_source(pytester: pytest.Pytester, run: Run) -> None:
    """The message of a generated sync test names the async test, and how to generate it again."""
    write(pytester, "", "tests/sync/test_words_sync.py")
    text = run(Sdk("1.7.0", fixed=True)).text
    assert (
        "in its `known_bug` in tests/async/test_words_async.py, run `hatch run sync:generate`, and"
        " move the entry of test_words_async.py::test_words in docs/findings.md"
    ) in text


def test_shared_marks_name_their_file(pytester: pytest.Pytester, run: Run) -> None:
    """The message names the file that makes the mark, if several tests share it."""
    pytester.syspathinsert()
    pytester.makepyfile(
        shared_marks="""
        from sdk_tests.sdk_releases import known_bug
        lost = known_bug("Words are lost.")
        """
    )
    (pytester.path / "tests" / "test_words.py").write_text(
        "from shared_marks import lost\n@lost\ndef test_words() -> None: pass\n"
    )
    assert "known_bug` in shared_marks.py, and" in run(Sdk("1.7.0", fixed=True)).text


def test_expected_failures_are_one_line(pytester: pytest.Pytester, run: Run) -> None:
    """The summary has one line for all known bugs, with the command that lists them."""
    write(pytester, "")
    text = run(Sdk("1.6.0b2.dev0", fixed=False, tree=True)).text
    (line,) = [line for line in text.splitlines() if "XFAIL" in line]
    assert line == (
        "XFAIL [1] known bugs of lmstudio 1.6.0b2.dev0: -rx lists their tests, and"
        " `hatch run findings:list --release 1.6.0b2.dev0` the bugs"
    )


def test_expected_failures_are_listed_on_request(pytester: pytest.Pytester, run: Run) -> None:
    """With -rx there is a line for each expected failure, with its reason and its releases."""
    write(pytester, 'seen_in="1.5.0"')
    text = run(Sdk("1.6.0b1", fixed=False), "-rx").text
    assert (
        "XFAIL tests/test_words.py::test_words[one] - Words are lost. Releases: from 1.5.0." in text
    )


def test_known_bugs_can_be_selected(pytester: pytest.Pytester, run: Run) -> None:
    """`-m known_bug` runs the tests of known bugs, whether the release has them or not."""
    write(pytester, "")
    (pytester.path / "tests" / "test_other.py").write_text("def test_other() -> None: pass\n")
    assert run(Sdk("1.6.0b1", fixed=False), "-m", "known_bug").counts == {**KNOWN, "deselected": 1}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ('fixed_in="next"', "'next' is no version of the SDK: write it like '1.6.0b1'"),
        ('seen_in="1.6.0", fixed_in="1.6.0"', "1.6.0 cannot have the bug and have it fixed"),
    ],
)
def test_bad_releases(pytester: pytest.Pytester, run: Run, arguments: str, message: str) -> None:
    """A mark that makes no sense is refused with what is wrong."""
    write(pytester, arguments)
    assert f"ValueError: {message}" in run(Sdk("1.6.0b1", fixed=False)).text


@pytest.mark.parametrize("fixed", [False, True])
def test_bugs_are_among_the_properties(pytester: pytest.Pytester, run: Run, fixed: bool) -> None:
    """JUnit files and reports name the bug of a test, also where it is fixed."""
    write(pytester, 'fixed_in="1.6.0b1"')
    run(Sdk("1.6.0b1" if fixed else "1.5.0", fixed=fixed), "--junitxml=junit.xml")
    text = (pytester.path / "junit.xml").read_text(encoding="utf-8")
    assert re.findall(r'<property name="(\w+)" value="([^"]+)"', text) == [
        ("known_bug", "Words are lost."),
        ("known_bug_releases", "fixed in 1.6.0b1"),
    ]
