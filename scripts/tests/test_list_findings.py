"""The command that lists the findings of a release."""

import json
from pathlib import Path

import list_findings
import pytest

PAGE = """# Findings

## On a host

| what | where | release | test |
|---|---|---|---|
| `act()` is slow | `json_api.act` | all | `test_act.py::test_speed` |
| `x \\| y` is refused | `schemas` | from 1.6.0b1 | `test_a.py::test_x`, `test_b.py::test_y` |

## Fixed

| what | where | release | test |
|---|---|---|---|
| Texts are lost | `history` | fixed in 1.6.0b1 | `test_chat.py::test_text` |
"""


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Provide a page of findings that takes the place of ours."""
    path = tmp_path / "findings.md"
    path.write_text(PAGE, encoding="utf-8")
    monkeypatch.setattr(list_findings, "PAGE", path)
    monkeypatch.setenv("COLUMNS", "80")
    return path


@pytest.mark.usefixtures("page")
@pytest.mark.parametrize(
    ("options", "found"),
    [
        ([], ["`act()` is slow", "`x \\| y` is refused", "Texts are lost"]),
        (["--release", "1.5.0"], ["`act()` is slow", "Texts are lost"]),
        (["--release", "1.6.0b1"], ["`act()` is slow", "`x \\| y` is refused"]),
        (["--release", "1.6.0b2.dev0"], ["`act()` is slow", "`x \\| y` is refused"]),
    ],
    ids=lambda value: value[-1] if value else "all",
)
def test_findings_of_a_release(
    capsys: pytest.CaptureFixture[str], options: list[str], found: list[str]
) -> None:
    """All findings are listed, or those that a release has, also one that nobody has named."""
    assert list_findings.main([*options, "--format", "json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert listed["release"] == (options[-1] if options else None)
    assert [each["what"] for each in listed["findings"]] == found


@pytest.mark.usefixtures("page")
def test_json_has_every_column(capsys: pytest.CaptureFixture[str]) -> None:
    """A finding in JSON has its heading, the cells of its row, and its tests one by one."""
    list_findings.main(["--format", "json"])
    assert json.loads(capsys.readouterr().out)["findings"][1] == {
        "area": "On a host",
        "what": "`x \\| y` is refused",
        "where": "`schemas`",
        "release": "from 1.6.0b1",
        "tests": ["test_a.py::test_x", "test_b.py::test_y"],
    }


@pytest.mark.usefixtures("page")
def test_text(capsys: pytest.CaptureFixture[str]) -> None:
    """As text, findings are tables below their headings, as wide as the terminal."""
    list_findings.main(["--release", "1.6.0b1"])
    table = """\
2 findings in lmstudio 1.6.0b1

On a host
release       what                                                test
------------  --------------------------------------------------  --------------
all           `act()` is slow                                     test_act.py
              in `json_api.act`                                     ::test_speed
from 1.6.0b1  `x \\| y` is refused                                 test_a.py
              in `schemas`                                          ::test_x
                                                                  test_b.py
                                                                    ::test_y
"""
    assert capsys.readouterr().out == table


@pytest.mark.usefixtures("page")
def test_no_finding(capsys: pytest.CaptureFixture[str], page: Path) -> None:
    """A release without known bugs has a line that says so."""
    page.write_text("# Findings\n", encoding="utf-8")
    assert list_findings.main(["--release", "1.7.0"]) == 0
    assert capsys.readouterr().out == "0 findings in lmstudio 1.7.0\n"


@pytest.mark.usefixtures("page")
def test_bad_release(capsys: pytest.CaptureFixture[str]) -> None:
    """What is no version is refused with one line."""
    assert list_findings.main(["--release", "newest"]) == 2
    assert capsys.readouterr().err == (
        "findings: 'newest' is no version of the SDK: write it like 1.6.0b1\n"
    )


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ("| one | two |", "line 3 has 2 cells instead of 4"),
        (
            "| one | two | both | `test_a.py::test_x` |",
            "line 3: 'both' names no releases: write 'all', 'from 1.6.0b1' or 'fixed in 1.6.0b1'",
        ),
        ("| one | two | all | none |", "line 3 names no test"),
    ],
)
def test_bad_row(capsys: pytest.CaptureFixture[str], page: Path, row: str, problem: str) -> None:
    """A row that cannot be read is named in one line, with its number."""
    page.write_text(f"# Findings\n\n{row}\n", encoding="utf-8")
    assert list_findings.main([]) == 2
    assert capsys.readouterr().err == f"findings: {page}: {problem}\n"
