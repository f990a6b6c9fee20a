"""Install the built wheels into a new environment, and use them as their users would.

    hatch run packages:try [--dist FOLDER] [--python python3.14]

Nothing of the checkout is in reach of what is tried. Dependencies come from pip's index, and the
weights of one model if the cache lacks them.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from build_packages import BuildError, built, packages_version

SDK = "lmstudio"
PATIENCE = 900  # seconds that one command may take; the first chat fetches weights
CHAT = """
import sys
import lmstudio

with lmstudio.Client(sys.argv[1]) as client:
    model = client.llm.model("llama-3.2-1b-instruct")
    print(model.respond("Say hello.", config={"maxTokens": 8}).content)
"""
IMPORTS = "import model_fixtures, sdk_tests.scripted_host, waf_tests.client"


class TrialError(Exception):
    """The wheels don't work; the message has the command and what it has written."""


def main() -> int:
    """Try the wheels; return 1 if they don't work, else 0."""
    parser = argparse.ArgumentParser(description="Try the wheels in a new environment.")
    parser.add_argument("--dist", type=Path, help="folder with built packages; default: build them")
    parser.add_argument("--python", default=sys.executable, help="the Python to make it with")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="wheels-") as temporary:
        folder = Path(temporary)
        try:
            dist = (options.dist or built(folder / "dist")).absolute()
            programs = install(dist, options.python, folder / "environment")
            said = exercise(programs, folder)
        except (BuildError, TrialError) as error:
            print(f"packages:try: {error}", file=sys.stderr)
            return 1
    print("\n".join(said))
    return 0


def install(dist: Path, python: str, environment: Path) -> Path:
    """Make an environment with the wheels in a folder and the SDK, and return its programs' folder.

    Raises:
        TrialError: they can't be installed together.
    """
    wheels = sorted(map(str, dist.glob("*.whl")))
    if not wheels:
        raise TrialError(f"there is no wheel in {dist}: build them with `packages:build`")
    _output([python, "-m", "venv", str(environment)], environment.parent)
    programs = environment / ("Scripts" if os.name == "nt" else "bin")
    pip = [str(programs / "python"), "-m", "pip", "--disable-pip-version-check"]
    _output([*pip, "install", "--quiet", *wheels, SDK], environment.parent)
    _output([*pip, "check"], environment.parent)
    return programs


def exercise(programs: Path, folder: Path) -> list[str]:
    """Use what is installed beside these programs, from a folder, and return what it has said.

    Raises:
        TrialError: something of it does not work.
    """
    python, command = str(programs / "python"), str(programs / "model-fixtures")
    said = [_output([python, "--version"], folder), _output([command, "--version"], folder)]
    if said[1] != f"model-fixtures {packages_version()}":
        raise TrialError(f"`model-fixtures --version` says {said[1]}, not {packages_version()}")
    status = json.loads(_output([command, "status", "--host", "embedded", "--json"], folder))
    said.append(f"{len(status['models'])} test models")
    _output([python, "-c", IMPORTS], folder)
    _output([python, "-m", "waf_tests", "--help"], folder)
    plugins = _output([python, "-m", "pytest", "--version", "--version"], folder)
    if "lmstudio-model-fixtures" not in plugins:
        raise TrialError(f"pytest does not find the plugin: {plugins}")
    serve = [command, "serve", "--port", "0", "--no-default-ports", "--lifeline"]
    with subprocess.Popen(
        serve, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=folder
    ) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        ready = server.stdout.readline().split()
        try:
            if ready[:1] != ["ready"]:
                raise TrialError("the server has not started: its own message is above")
            said.append(f"an answer: {_output([python, '-c', CHAT, ready[1]], folder)!r}")
        finally:
            server.stdin.close()  # whereupon it ends
    return said


def _output(command: list[str], folder: Path) -> str:
    environ = {**os.environ, "PYTHONSAFEPATH": "1"}
    environ.pop("PYTHONPATH", None)
    try:
        run = subprocess.run(
            command,
            cwd=folder,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
    except OSError as error:
        raise TrialError(f"{command[0]}: {error.strerror}") from None
    except subprocess.TimeoutExpired:
        raise TrialError(f"{' '.join(command[:4])} ... took over {PATIENCE} s") from None
    if run.returncode:
        raise TrialError(f"{' '.join(command[:4])} ... failed:\n{run.stdout}")
    return run.stdout.strip()


if __name__ == "__main__":
    sys.exit(main())
