"""The results of a run of pytest, read from the JUnit file that `--junitxml` writes."""

import xml.etree.ElementTree as ET
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# A test that fails and then has an error in its teardown has two entries: the worse one counts.
_WORST_FIRST = ("error", "failed", "xfailed", "skipped", "passed")


class JunitError(Exception):
    """A file is no JUnit file; the message is one line that names it."""


@dataclass(frozen=True)
class TestResult:
    """What became of one test."""

    __test__ = False  # pytest would collect a class of this name

    node_id: str
    outcome: str  # one of _WORST_FIRST
    seconds: float  # set-up and teardown included
    properties: dict[str, str] = field(default_factory=dict)  # what plugins have noted


def parse(path: Path) -> ET.Element:
    """Return the root of a JUnit file.

    Raises:
        JunitError: the file can't be read, or it is something else.
    """
    try:
        root = ET.parse(path).getroot()  # noqa: S314 - files that our own runs have written
    except (OSError, ET.ParseError) as error:
        raise JunitError(f"{path} is no JUnit file ({error}): run pytest with --junitxml") from None
    if root.tag not in ("testsuites", "testsuite"):
        raise JunitError(f"{path} is no JUnit file: it begins with <{root.tag}>")
    return root


def suites(root: ET.Element) -> list[ET.Element]:
    """Return the suites in the root of a JUnit file."""
    return [root] if root.tag == "testsuite" else root.findall("testsuite")


def results(path: Path) -> dict[str, TestResult]:
    """Return the results in a JUnit file by node id.

    Raises:
        JunitError: the file can't be read, or it is something else.
    """
    return _worst(_result(case) for suite in suites(parse(path)) for case in suite.iter("testcase"))


def node_id(case: ET.Element) -> str:
    """Return the node id of a test case: `packages/x/tests/test_y.py::TestZ::test[0]`.

    A JUnit file has the path and the classes as one dotted name. The longest beginning that is a
    file of this checkout is the path.
    """
    words = case.get("classname", "").split(".")
    name = case.get("name", "")
    for count in range(len(words), 0, -1):
        path = "/".join(words[:count]) + ".py"
        if (ROOT / path).is_file():
            return "::".join([path, *words[count:], name])
    return "::".join([*words, name])


def outcome(case: ET.Element) -> str:
    """Return what became of a test case."""
    skipped = case.find("skipped")
    if case.find("error") is not None:
        return "error"
    if case.find("failure") is not None:
        return "failed"
    if skipped is not None:
        return "xfailed" if skipped.get("type") == "pytest.xfail" else "skipped"
    return "passed"


def _result(case: ET.Element) -> TestResult:
    noted = {each.get("name", ""): each.get("value", "") for each in case.iter("property")}
    return TestResult(node_id(case), outcome(case), float(case.get("time", "0")), noted)


def _worst(found: Iterable[TestResult]) -> dict[str, TestResult]:
    by_test: dict[str, TestResult] = {}
    for result in found:
        other = by_test.get(result.node_id)
        if other is None or _rank(result) < _rank(other):
            by_test[result.node_id] = result
    return by_test


def _rank(result: TestResult) -> int:
    return _WORST_FIRST.index(result.outcome)
