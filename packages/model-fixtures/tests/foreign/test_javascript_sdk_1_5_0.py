"""The JavaScript SDK 1.5.0: each case of its process is a test."""

from __future__ import annotations

from pathlib import Path

import lmstudio
import pytest

from .case_files import Case, case_files, read_cases
from .conftest import StartCases
from .node_process import NodeProcess, check
from .python_answers import PYTHON_ANSWERS

pytestmark = pytest.mark.slow
FOLDERS = ("lmstudio",)
CASES = read_cases(case_files(*FOLDERS))


@pytest.fixture(scope="module")
def process(start_cases: StartCases) -> NodeProcess:
    """Provide the process that runs the cases."""
    return start_cases("lmstudio-1.5.0", *FOLDERS)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_case(process: NodeProcess, case: Case) -> None:
    """What the case says must happen happens."""
    check(process.outcome(case.name))


@pytest.mark.parametrize(
    "case", [case for case in CASES if case.name in PYTHON_ANSWERS], ids=lambda case: case.name
)
def test_same_value_for_python(
    process: NodeProcess, client: lmstudio.Client, folder: Path, case: Case
) -> None:
    """The Python SDK gets the same value for the same request."""
    outcome = process.outcome(case.name)
    check(outcome)
    assert outcome["value"] == PYTHON_ANSWERS[case.name](client, folder)
