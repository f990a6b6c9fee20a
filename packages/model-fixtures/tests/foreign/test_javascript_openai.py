"""OpenAI's JavaScript client: each case of its process is a test."""

from __future__ import annotations

import pytest

from .case_files import Case, case_files, read_cases
from .conftest import StartCases
from .node_process import NodeProcess, check

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def process(start_cases: StartCases) -> NodeProcess:
    """Provide the process that runs the cases."""
    return start_cases("openai-6.49.0", "openai")


@pytest.mark.parametrize("case", read_cases(case_files("openai")), ids=lambda case: case.name)
def test_case(process: NodeProcess, case: Case) -> None:
    """What the case says must happen happens."""
    check(process.outcome(case.name))
