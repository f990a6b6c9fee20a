"""Every code block of the documentation is right: it runs, or is looked up.

documented_commands.toml says which.
"""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from documentation.command_table import Entry, compiled_only, decide, entries, program
from documentation.page_blocks import LANGUAGES, Block, Command, blocks, commands, pages
from documentation.walkthrough import Walkthrough, missing_line
from suite_command import ROOT

from .hatch_commands import check_command, scripts_of

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

TABLE = entries()
PAGES = pages()
COLUMNS = 80
RUN = ("console", "python")
RUN_ELSEWHERE = {"docs/fixtures.md"}  # by test_fixtures_page.py of model-fixtures
FOR_TERMINALS = {  # pages that application authors read, also in a terminal
    "README.md",
    *(
        f"docs/{name}.md"
        for name in (
            *("start", "testing-your-app", "faults", "fixtures", "app-ci", "hosts", "own-models"),
            "troubleshooting",
        )
    ),
}


def all_commands() -> list[Command]:
    """Return the commands of all pages."""
    return [
        command
        for page in PAGES
        for block in blocks(page)
        if block.language == "console"
        for command in commands(block)
    ]


def commands_that(how: str) -> list[tuple[Command, Entry]]:
    """Return the commands that are tried in one way, with their entries."""
    decided = [(command, decide(command, TABLE)) for command in all_commands()]
    return [(command, entry) for command, entry in decided if entry.how == how]


def by_name(page: Path) -> str:
    """Return a page's path in the repository."""
    return page.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("page", PAGES, ids=by_name)
def test_blocks_say_what_they_are(page: Path) -> None:
    """Each block names a language of `LANGUAGES`; data is well formed, and Python compiles."""
    for block in blocks(page):
        assert block.language in LANGUAGES, f"{block.place}: {block.language or 'no language'}"
        if block.language == "python":
            compile(block.code, block.place, "exec")
        elif block.language == "json":
            json.loads(block.code)
        elif block.language == "toml":
            tomllib.loads(block.code)
        elif block.language == "yaml":
            assert yaml.safe_load(block.code)


def test_every_command_is_decided() -> None:
    """The table says of each command how it is tried, and no entry is left over."""
    deciding = {id(decide(command, TABLE)) for command in all_commands()}
    assert [entry.begins for entry in TABLE if id(entry) not in deciding] == []


def test_commands_of_hatch() -> None:
    """Commands of Hatch have their scripts in hatch.toml, and name files that are there."""
    for command, _ in commands_that("hatch"):
        words = program(command.words)
        for part in " ".join(map(shlex.quote, words)).split(" '&&' "):
            call = shlex.split(part.replace("python3 scripts/hatch.py", "hatch"))
            assert call[0] == "hatch", command.block.place
            check_command(call[1:])
            named = [word for word in call if word.startswith(("packages/", "scripts/", "docs/"))]
            missing = [word for word in named if not (ROOT / word.partition("::")[0]).exists()]
            assert missing == [], command.block.place


def test_options_exist() -> None:
    """Options of commands that are not run are in the help of their programs."""
    helps: dict[str, str] = {}
    looked_up = [(command, entry.begins) for command, entry in commands_that("help")]
    for command, _ in commands_that("hatch"):
        words = program(command.words)
        for word in words:
            if word.startswith(("models:", "waf:")):
                environment, _, script = word.partition(":")
                called = scripts_of(environment)[script].partition("{args}")[0]
                looked_up.append((command, called.replace("--end-with $PPID", "").strip()))
    for command, called in looked_up:
        if called.startswith("suite"):
            continue
        if called not in helps:
            words = shlex.split(called)
            words[:1] = {
                "python": [sys.executable],
                "pytest": [sys.executable, "-m", "pytest"],
                "model-fixtures": [sys.executable, "-m", "model_fixtures"],
            }[words[0]]
            helps[called] = subprocess.run(
                [*words, "--help"], capture_output=True, encoding="utf-8", check=True, cwd=ROOT
            ).stdout
        options = {word.partition("=")[0] for word in command.words if word.startswith("--")}
        unknown = {option for option in options if option not in helps[called]}
        assert unknown == set(), f"{command.block.place}: {called}"


@pytest.mark.parametrize("page", sorted(FOR_TERMINALS))
def test_lines_fit_a_terminal(page: str) -> None:
    """Code and tables of pages that are read in a terminal have at most 80 columns."""
    path = ROOT / page
    lines = path.read_text(encoding="utf-8").splitlines()
    inside = {
        number
        for block in blocks(path)
        for number in range(block.line, block.line + block.code.count("\n") + 1)
    }
    wide = [
        f"{page}:{number}"
        for number, line in enumerate(lines, 1)
        if len(line) > COLUMNS and (number - 1 in inside or line.startswith("|"))
    ]
    assert wide == []


def runs(block: Block) -> bool:
    """Return whether anything of a block runs, or is a file for what runs."""
    if block.language == "console":
        return any(decide(command, TABLE).how == "run" for command in commands(block))
    if block.title is not None and block.language != "python":
        return True
    return block.language == "python" and by_name(block.page) not in compiled_only()


@pytest.mark.slow
@pytest.mark.parametrize(
    "page",
    [
        page
        for page in PAGES
        if by_name(page) not in RUN_ELSEWHERE
        and any(runs(each) and each.language in RUN for each in blocks(page))
    ],
    ids=by_name,
)
def test_page_runs(page: Path, tmp_path: Path) -> None:
    """Who does what a page says, from top to bottom, gets what it shows."""
    folder = tmp_path / "project"
    folder.mkdir()
    walkthrough = Walkthrough(folder, TABLE)
    for block in filter(runs, blocks(page)):
        walkthrough.take(block)
    walkthrough.finish()


def a_command(text: str) -> Command:
    """Return a command that no page has."""
    return Command(Block(ROOT / "README.md", 1, "console", None, f"$ {text}\n"), text)


def test_a_new_command_must_be_decided() -> None:
    """A command that no entry fits is an error that says where to add it."""
    with pytest.raises(ValueError, match=r"README.md:1: nobody has decided .*commands\.toml"):
        decide(a_command("frobnicate --now"), TABLE)


def test_variables_before_a_command() -> None:
    """`NAME=value` before a command makes no difference to how it is tried."""
    table = [Entry("pytest", "run")]
    assert decide(a_command("LMSTUDIO_API_HOST=embedded pytest -q"), table) is table[0]


def test_a_page_of_its_own() -> None:
    """An entry for one page decides about no other."""
    with pytest.raises(ValueError, match="nobody"):
        decide(a_command("pytest"), [Entry("pytest", "run", page="docs/faults.md")])


@pytest.mark.parametrize(
    ("shown", "missing"),
    [
        (["2 passed in 9.99s"], None),
        (["=== 2 passed in 0.10s ==="], None),
        (["first", "...", "third one"], None),
        (["fi...", "th...one"], None),
        (["third one", "first"], "first"),
        (["3 passed in 1.25s"], "3 passed in 1.25s"),
        (["passed"], "passed"),
    ],
)
def test_output_is_compared(shown: list[str], missing: str | None) -> None:
    """Lines must be there whole and in order; `...`, times and rules may differ."""
    printed = "first\nsecond\nthird  one\n==== 2 passed in 1.25s ====\n"
    assert missing_line(shown, printed) == missing


@pytest.mark.slow
def test_what_fails_is_told(tmp_path: Path) -> None:
    """A program that fails, and tests in a file that no command has run, name the block's place."""
    walkthrough = Walkthrough(tmp_path, TABLE)
    with pytest.raises(AssertionError, match=r"README\.md:7: .* ends with 1 instead of 0"):
        walkthrough.take(Block(ROOT / "README.md", 7, "python", None, "raise SystemExit(1)\n"))
    code = "def test_fails():\n    assert not 'found'\n"
    walkthrough.take(Block(ROOT / "README.md", 8, "python", "tests/test_it.py", code))
    with pytest.raises(AssertionError, match=r"(?s)tests/test_it\.py: .*assert not 'found'"):
        walkthrough.finish()
