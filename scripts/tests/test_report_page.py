"""The report's page: what it says, and that nothing of a test's text becomes HTML."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import msgspec
import pytest
from model_fixtures.run_results import Failure, Run
from run_report import page
from run_report.measures import Coverage, Mutation, Share
from run_report.page import letter, render
from run_report.words import cut, duration, last_line, with_code

from .recorded_runs import ACT, BUG, FILES, TRACEBACK, WIRE_LOG, result, run_of

EVIL = "</pre></details><script>alert(1)</script><img src=x onerror=alert(1)>\"'&{{ 7*7 }}`<i>`"


class Reader(HTMLParser):
    """Reads a page: its tags that are not closed, its text, and where it points."""

    EMPTY = frozenset(("meta", "input"))

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.open: list[str] = []
        self.links: list[str] = []
        self.ids: set[str] = set()
        self.handlers: list[str] = []
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag."""
        self.tags.append(tag)
        if tag not in self.EMPTY:
            self.open.append(tag)
        for name, value in attrs:
            if name in ("src", "href"):
                self.links.append(value or "")
            elif name == "id":
                self.ids.add(value or "")
            elif name.startswith("on"):
                self.handlers.append(name)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag that closes itself."""
        self.tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Check that tags are closed in order."""
        assert self.open.pop() == tag
        if tag in ("div", "span", "li", "p", "summary"):
            self.text += " "  # they stand apart on the page

    def handle_data(self, data: str) -> None:
        """Take text."""
        if not self.open or self.open[-1] not in ("style", "script"):
            self.text += data

    @property
    def words(self) -> str:
        """The text with single spaces."""
        return " ".join(self.text.split())


def evil_run() -> Run:
    """Return a run in which every text tries to become HTML."""
    run = run_of(
        result(f"{ACT}::test_a[{EVIL}]", "failed", doc=EVIL, bug=(EVIL, EVIL)),
        result(f"{EVIL}.py::test_b", "xfailed", doc=EVIL, reason=EVIL, bug=(EVIL, EVIL)),
        result(f"{FILES}::{EVIL}", "skipped", doc=EVIL, reason=EVIL),
    )
    failure = Failure("call", f"E   {EVIL}", ((EVIL, EVIL), ("lmstudio wire log", EVIL)))
    tests = tuple(
        msgspec.structs.replace(test, failures=(failure,) * bool(test.failures), file_doc=EVIL)
        for test in run.tests
    )
    return Run(
        name=EVIL,
        release=EVIL,
        sdk=EVIL,
        host=EVIL,
        python=EVIL,
        system=EVIL,
        started=EVIL,
        notes=(EVIL,),
        tests=tests,
    )


def test_everything_is_escaped() -> None:
    """Text of tests, hosts and measures stays text, wherever the page has it."""
    share = Share(EVIL, 1, 2)
    text = render(
        [evil_run(), evil_run(), run_of(result(f"{EVIL}.py::test_b", doc=EVIL))],
        title=EVIL,
        coverage=Coverage(share, share, [(share, share)]),
        mutation=Mutation(share, [share]),
        matrix=[EVIL],
    )
    reader = Reader(text)
    assert reader.open == []
    assert reader.tags.count("script") == 1
    assert not {"img", "i"} & set(reader.tags)
    assert reader.handlers == []
    assert "alert(1)" in reader.text
    assert "{{ 7*7 }}" in reader.text


def test_nothing_from_elsewhere() -> None:
    """The page points to itself only, to places that it has; only its own script may run."""
    bug = result(f"{ACT}::test_b", "xfailed", bug=BUG)
    text = render([run_of(result(f"{ACT}::test_a", "failed"), bug)] * 2)
    reader = Reader(text)
    assert all(link.startswith("#") for link in reader.links)
    assert {link[1:] for link in reader.links} <= reader.ids
    assert "url(" not in text
    assert "@import" not in text
    assert re.search(r"default-src 'none'; [^\"]*script-src 'sha256-[\w+/]+=*'\"", text)


def test_a_failure() -> None:
    """A failure is told in the docstring's words, with message, traceback and wire log folded."""
    reader = Reader(render([run_of(result(f"{ACT}::test_a[1]", "failed"))], matrix=["1.6.0b1"]))
    assert "✗ 1 test failed" in reader.words
    assert "The SDK does *it* with x < y." in reader.words
    assert TRACEBACK in reader.text
    assert WIRE_LOG in reader.text
    assert f'hatch run +sdk=1.6.0b1 test:all -n 0 "{ACT}::test_a[1]"' in reader.words
    assert "What the SDK and the host said to each other (wire log)" in reader.words


def test_a_good_run() -> None:
    """A run without failures says so, and has neither failures nor differences."""
    reader = Reader(render([run_of(result(f"{ACT}::test_a"))]))
    assert "Every test that ran did what was expected of it." in reader.words
    assert {"failures", "differences", "bugs", "power"} & reader.ids == set()
    assert "took 1 min 44 s" in reader.words


def test_no_tests() -> None:
    """A run without tests is not called a good one."""
    assert "No test ran." in Reader(render([run_of()])).words
    text = Reader(render([run_of(result(f"{ACT}::test_a")), run_of()])).words
    assert "In 1 of 2 runs, no test ran." in text


def test_stopped_run() -> None:
    """A run that was stopped is not called a good one."""
    run = msgspec.structs.replace(run_of(result(f"{ACT}::test_a")), notes=("It was stopped.",))
    text = Reader(render([run])).words
    assert "No test failed, but the run was stopped before its end." in text
    assert "It was stopped." in text


def test_two_places_of_a_release() -> None:
    """Runs of the same version from two places say so: a working tree keeps its version."""
    run = run_of(result(f"{ACT}::test_a"))
    tree = msgspec.structs.replace(run, sdk="1.6.0b1 (working tree /here, dirty)")
    assert "The SDK has the same version in both" in Reader(render([run, tree])).words


def test_two_hosts() -> None:
    """Of a run on another host the page says what fails there only, and why tests did not run."""
    here = run_of(
        result(f"{ACT}::test_a"), result(f"{ACT}::test_b"), result(f"{ACT}::test_c", bug=BUG)
    )
    there = run_of(
        result(f"{ACT}::test_a", "failed"),
        result(f"{ACT}::test_b", "skipped", reason="only the embedded server can"),
        result(f"{ACT}::test_c", "xfailed", bug=BUG),
        result(f"{ACT}::test_d"),
    )
    there = msgspec.structs.replace(there, name="the app", host="192.168.1.5:1234 (asked for)")
    text = Reader(render([here, there])).words
    assert "B the app compared with A lmstudio 1.6.0b1 on the embedded server" in text
    assert "The host is the embedded server in A and 192.168.1.5:1234 in B" in text
    assert "Fails in B only 1" in text
    assert "once: only the embedded server can" in text
    assert "Has a known bug in one of them only 1" in text
    assert "Is in B only 1" in text
    assert "A ✓ does not have it B ⚑ has it" in text


def test_power() -> None:
    """Coverage and the score of mutants are there if they are known."""
    coverage = Coverage(Share("", 98, 100), Share("", 9, 10), [(Share("a.py", 1, 4),) * 2])
    mutation = Mutation(Share("", 19, 20), [Share("json_api", 19, 20)])
    run = run_of(result(f"{ACT}::test_a"))
    text = Reader(render([run], coverage=coverage, mutation=mutation)).words
    assert "Lines 98.0 % Branches 90.0 % By file a.py 25.0 %" in text
    assert "19 of 20 95.0 %" in text


def test_all_tests_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page stays small although everything fails: it says what it leaves out."""
    monkeypatch.setattr(page, "MOST_IN_FULL", 3)
    monkeypatch.setattr(page, "MOST_CHARACTERS", 100)
    long = Failure("call", TRACEBACK, (("lmstudio wire log", "first" + "x" * 5000 + "last"),))
    tests = [
        msgspec.structs.replace(result(f"{ACT}::test_a[{number:03}]", "failed"), failures=(long,))
        for number in range(10)
    ]
    reader = Reader(render([run_of(*tests)]))
    assert reader.text.count("characters left out here") == 3
    assert reader.text.count("Only the first 3 failures are shown in full") == 7
    assert "x" * 200 not in reader.text


def test_size_of_a_whole_run() -> None:
    """Two runs of 2,700 tests are a page of two megabytes at most."""
    tests = [
        result(f"{ACT}::test_with_a_long_name_{number // 3}[{number}]", doc=f"{'Words. ' * 12}")
        for number in range(2700)
    ]
    assert len(render([run_of(*tests)] * 2).encode()) < 2_000_000


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        *((0.0, "0 ms"), (0.012, "12 ms"), (0.34, "0.34 s"), (4.12, "4.1 s"), (9.97, "10 s")),
        *((59.4, "59 s"), (59.7, "1 min"), (104.3, "1 min 44 s"), (3600.0, "1 h 0 min")),
    ],
)
def test_duration(seconds: float, text: str) -> None:
    """Times are told as people say them."""
    assert duration(seconds) == text


def test_code_in_docstrings() -> None:
    """What stands between backticks is code; a lone backtick stays one."""
    assert with_code("a `b<c` ``d`` ` e") == ("a <code>b&lt;c</code> <code>d</code> ` e")


def test_message_of_a_traceback() -> None:
    """The first line that pytest marks is the message; without one the last line is."""
    assert last_line(TRACEBACK) == "assert 1 == 2"
    assert last_line("a\nworker crashed\n") == "worker crashed"
    assert last_line("") == ""


def test_cut() -> None:
    """A long text keeps its beginning and its end; a short one is left alone."""
    assert cut("abc", 3) == "abc"
    assert cut("a" * 10 + "b" * 10, 10).startswith("aaaaa\n... (10 characters left out")


def test_letters() -> None:
    """Each run has a letter of its own."""
    assert [letter(number) for number in (0, 25, 26)] == ["A", "Z", "A1"]
    assert len({letter(number) for number in range(100)}) == 100
