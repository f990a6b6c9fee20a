"""The files that tell CI what to do: workflows, the action in the root, GitLab's file, examples."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent
ACTION = ROOT / "action.yml"
WORKFLOWS = (
    *sorted((ROOT / ".github" / "workflows").glob("*.yml")),
    ROOT / "docs" / "ci" / "sdk-workflow.yml",
)
GITLAB = ROOT / "docs" / "ci" / "gitlab-ci.yml"


@dataclass(frozen=True)
class Step:
    """A step that runs shell."""

    file: Path
    name: str
    shell: str
    script: str
    env: dict[str, str]

    def __str__(self) -> str:
        """Return the file and the step's name, for messages."""
        return f"{self.file.relative_to(ROOT).as_posix()}: {self.name}"


def load(path: Path) -> dict[str, Any]:
    """Return a YAML file's content; the key `on` is the text, not YAML 1.1's true."""
    content: dict[Any, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return {"on" if key is True else key: value for key, value in content.items()}


def action_as_workflow() -> str:
    """Return the action's steps as a workflow, which actionlint can check; it reads no actions."""
    action = load(ACTION)
    inputs = {
        name: {"description": each["description"], "type": "string", "default": each["default"]}
        for name, each in action["inputs"].items()
    }
    outputs = {name: each["value"] for name, each in action["outputs"].items()}
    job = {"runs-on": "ubuntu-latest", "outputs": outputs, "steps": action["runs"]["steps"]}
    workflow = {"name": action["name"], "on": {"workflow_call": {"inputs": inputs}}}
    return yaml.safe_dump({**workflow, "jobs": {"action": job}}, sort_keys=False, width=1000)


def all_steps(path: Path) -> Iterator[dict[str, Any]]:
    """Yield all steps of a workflow or of an action."""
    content = load(path)
    if "runs" in content:
        yield from content["runs"]["steps"]
    for job in content.get("jobs", {}).values():
        yield from job.get("steps", [])


def shell_steps() -> Iterator[Step]:
    """Yield the steps of all files that run shell, GitLab's jobs among them."""
    for path in (*WORKFLOWS, ACTION):
        shell = load(path).get("defaults", {}).get("run", {}).get("shell", "")
        for step in all_steps(path):
            if "run" in step:
                name = step.get("name", step["run"].splitlines()[0])
                env = {key: str(value) for key, value in step.get("env", {}).items()}
                yield Step(path, name, step.get("shell", shell), step["run"], env)
    for name, job in load(GITLAB).items():
        if isinstance(job, dict) and "script" in job:
            lines = [*job.get("before_script", []), *job["script"]]
            env = {key: str(value) for key, value in job.get("variables", {}).items()}
            yield Step(GITLAB, name, "bash", "\n".join(lines) + "\n", env)
            if "after_script" in job:  # which GitLab runs in a shell of its own
                after = "\n".join(job["after_script"]) + "\n"
                yield Step(GITLAB, f"{name}, after", "bash", after, env)
