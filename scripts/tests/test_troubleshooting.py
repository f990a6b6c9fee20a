"""docs/troubleshooting.md explains every error message of the packages."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from documentation.error_messages import GAP, Message, messages
from suite_command import ROOT

PAGE = ROOT / "docs" / "troubleshooting.md"
PACKAGES = ("packages/model-fixtures/src", "packages/waf-tests/src")
LEFT_OUT = {  # beginnings of modules, and why nobody looks their messages up
    "waf_tests/testing/": "for the tests of this repository",
    "model_fixtures/wire_client/raw_connection.py": "for the tests of this repository",
    "model_fixtures/run_results.py": "for the report, in a checkout",
    "model_fixtures/weights/merge_and_requantize.py": "for training, in a checkout",
    "model_fixtures/weights/minilm": "for making the stand-ins, when they change",
    "model_fixtures/server/rest/request_checks.py": "say what is expected; one row for all",
    "model_fixtures/server/protocol/namespace.py": "is in a warning of the protocol",
    "model_fixtures/__init__.py": "Python's own wording",
    "model_fixtures/server/grammars/tool_call_grammar.py": "a mistake of our own code",
    "model_fixtures/server/grammars/unsatisfiable_schemas.py": "caught: the schema is passed on",
}


def searchable(text: str) -> str:
    """Return a text with single blanks and without the marks of code."""
    return " ".join(text.replace("`", "").split())


def explained() -> str:
    """Return the page."""
    return searchable(PAGE.read_text(encoding="utf-8"))


def relevant() -> list[Message]:
    """Return the messages that users can get."""
    return [
        message
        for package in PACKAGES
        for message in messages(ROOT / package)
        if not message.module.partition("/src/")[2].startswith(tuple(LEFT_OUT))
    ]


def test_every_message_is_explained() -> None:
    """Each message is on the page, by its longest part without a gap."""
    page = explained()
    missing = [
        f"{message.module}: {message.text}"
        for message in relevant()
        if searchable(message.core) not in page
    ]
    assert missing == []


def test_every_explained_message_exists() -> None:
    """What the page quotes at the beginning of an entry is in a source: nothing is outdated."""
    sources = searchable(
        " ".join(message.text for package in PACKAGES for message in messages(ROOT / package))
    )
    sources += searchable(
        re.sub(
            r'"\s*f?"|\{[^{}]*\}',
            "",
            " ".join(
                path.read_text(encoding="utf-8")
                for package in PACKAGES
                for path in sorted(Path(ROOT / package).rglob("*.py"))
            ),
        )
    )
    entries = re.findall(r"^- (`.*?)\n\n", PAGE.read_text(encoding="utf-8"), re.M | re.S)
    assert entries
    outdated = [
        quoted
        for entry in entries
        for quoted in re.findall(r"`([^`]+)`", entry)
        if max(map(str.strip, searchable(quoted).split(GAP)), key=len) not in sources
    ]
    assert outdated == []


@pytest.mark.parametrize("module", sorted(LEFT_OUT))
def test_what_is_left_out_exists(module: str) -> None:
    """A module that is left out is there, and has messages."""
    found = [
        message
        for package in PACKAGES
        for message in messages(ROOT / package)
        if message.module.partition("/src/")[2].startswith(module)
    ]
    assert found


def test_messages_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Raised errors, errors of pytest and click, and what error classes say are found."""
    monkeypatch.setattr("documentation.error_messages.ROOT", tmp_path)
    (tmp_path / "it.py").write_text(
        "class OneError(Exception):\n"
        "    def __init__(self, name):\n"
        '        super().__init__(f"no thing {name}: take another")\n'
        'def run(x):\n    pytest.fail("it went wrong " + f"with {x}")\n'
        '    raise OneError(f"{x}" f" is broken")\n    print("not an error")\n',
        encoding="utf-8",
    )
    assert {message.text for message in messages(tmp_path)} == {
        f"no thing {GAP}: take another",
        f"it went wrong with {GAP}",
        f"{GAP} is broken",
    }
