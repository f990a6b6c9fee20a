"""Runs as a JUnit file, as pytest's own `--junitxml` would have written it."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from pathlib import Path

from model_fixtures.run_results import Run, Test

# What XML 1.0 cannot hold, not even escaped.
_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write_junit(path: Path, runs: Sequence[Run]) -> None:
    """Write a JUnit file with one suite for each run."""
    root = ET.Element("testsuites", name="pytest tests")
    for run in runs:
        outcomes = [test.outcome for test in run.tests]
        suite = ET.SubElement(
            root,
            "testsuite",
            name=_legal(run.name),
            tests=str(len(outcomes)),
            failures=str(outcomes.count("failed")),
            errors=str(outcomes.count("error")),
            skipped=str(outcomes.count("skipped") + outcomes.count("xfailed")),
            time=f"{run.seconds:.3f}",
            timestamp=run.started,
        )
        told = {"sdk": run.sdk, "host": run.host, "python": run.python, "system": run.system}
        _add_properties(suite, [(name, value) for name, value in told.items() if value])
        for test in run.tests:
            _add_case(suite, test)
    ET.indent(root)
    ET.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)


def _add_case(suite: ET.Element, test: Test) -> None:
    address, bracket, parameters = test.id.partition("[")
    file, *names = address.split("::")
    where = [file.removesuffix(".py").replace("/", "."), *names[:-1]]
    name = (names[-1] if names else "") + bracket + parameters
    case = ET.SubElement(
        suite,
        "testcase",
        classname=_legal(".".join(where)),
        name=_legal(name),
        time=f"{test.seconds:.3f}",
    )
    docs = [("docstring", test.doc)] if test.doc else []
    _add_properties(case, [*docs, *test.properties])
    if test.outcome in ("skipped", "xfailed"):
        kind = "pytest.skip" if test.outcome == "skipped" else "pytest.xfail"
        ET.SubElement(case, "skipped", type=kind, message=_legal(test.reason))
    for failure in test.failures:
        tag = "failure" if failure.when == "call" else "error"
        lines = [line for line in failure.text.splitlines() if line.startswith("E ")]
        message = (lines or failure.text.splitlines()[-1:] or [""])[0].removeprefix("E").strip()
        sections = (f"{title}\n{text}" for title, text in failure.sections)
        ET.SubElement(case, tag, message=_legal(message)).text = _legal(
            "\n\n".join([failure.text, *sections])
        )


def _add_properties(element: ET.Element, values: Sequence[tuple[str, str]]) -> None:
    if values:
        properties = ET.SubElement(element, "properties")
        for name, value in values:
            ET.SubElement(properties, "property", name=_legal(name), value=_legal(value))


def _legal(text: str) -> str:
    """Return a text with `#x1B` in place of what XML cannot hold, as pytest writes it."""
    return _ILLEGAL.sub(lambda match: f"#x{ord(match[0]):02X}", text)
