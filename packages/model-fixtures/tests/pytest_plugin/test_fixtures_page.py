"""The examples of docs/fixtures.md, as they stand there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from .conftest import Suite

PAGE = Path(__file__).parents[4] / "docs" / "fixtures.md"
BLOCK = re.compile(r"^```python\n# (\S+\.py)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
OPTIONS = ("conftest.py", "test_options.py")  # of a run of their own


@pytest.fixture(scope="module")
def blocks() -> dict[str, str]:
    """Provide the examples by the names of their files."""
    text = PAGE.read_text(encoding="utf-8")
    found = dict(BLOCK.findall(text))
    assert len(found) == text.count("```python"), "each example begins with its file's name"
    return found


@pytest.mark.slow
@pytest.mark.usefixtures("weights")
def test_examples(project: Suite, blocks: dict[str, str]) -> None:
    """All examples pass, in one run."""
    for name, text in blocks.items():
        if name not in OPTIONS:
            project.write(text, name)
    outcome = project.run("--lmstudio-host", "embedded", "-p", "no:xdist")
    assert set(outcome.counts) == {"passed"}, outcome.text
    files = {line.split("::")[0] for line in project.run("--collect-only", "-q").lines}
    assert files >= blocks.keys() - set(OPTIONS)


@pytest.mark.slow
@pytest.mark.usefixtures("weights")
def test_example_of_options(project: Suite, blocks: dict[str, str]) -> None:
    """The example with options of its own passes."""
    for name in OPTIONS:
        project.write(blocks[name], name)
    outcome = project.run("--lmstudio-host", "embedded", "-p", "no:xdist")
    assert outcome.counts == {"passed": 2}, outcome.text
