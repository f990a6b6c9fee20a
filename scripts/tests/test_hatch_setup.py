"""scripts/hatch.py on a fresh checkout, with a stand-in for Hatch and no network."""

import ast
import os
import runpy
import shutil
import signal
import subprocess
import sys
import zipfile
from pathlib import Path

import hatch
import pytest

STAND_IN = """
import os, signal, sys

def main():
    waits = sys.argv[1:] == ["wait"]
    if waits:
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
    print("stand-in", *sys.argv[1:], flush=True)
    if waits:
        signal.sigwait([signal.SIGTERM])
        print("stopped", os.environ["HATCH_PYTHON"], flush=True)
    return 7
"""


def make_wheel(folder: Path, name: str, version: str, module: str) -> None:
    """Write a wheel with one module, and a command of the same name that calls its `main`."""
    folder.mkdir(exist_ok=True)
    info = f"{name}-{version}.dist-info"
    files = {
        f"{name}.py": module,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/entry_points.txt": f"[console_scripts]\n{name} = {name}:main\n",
        f"{info}/RECORD": "",
    }
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as wheel:
        for path, content in files.items():
            wheel.writestr(path, content)


class Checkout:
    """A checkout with just the set-up script, and an index with just a stand-in for Hatch."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.wheels = root / "wheels"
        make_wheel(self.wheels, "hatch", "1.18.99", STAND_IN)
        (root / "scripts").mkdir()
        for name in ("hatch.py", "pip_settings_for_uv.py"):
            shutil.copy(hatch.ROOT / "scripts" / name, root / "scripts")
        (root / "home").mkdir()
        inherited = {name: value for name, value in os.environ.items() if name != "HATCH_PYTHON"}
        self.variables = {
            **inherited,
            "HOME": str(root / "home"),
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": str(self.wheels),
        }

    def start(self, *arguments: str, **variables: str) -> "subprocess.Popen[str]":
        """Start the script with arguments for Hatch."""
        return subprocess.Popen(
            [sys.executable, str(self.root / "scripts" / "hatch.py"), *arguments],
            env={**self.variables, **variables},
            cwd=self.root,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str, **variables: str) -> tuple[int, str, str]:
        """Run the script to its end: exit code, output, errors."""
        process = self.start(*arguments, **variables)
        output, errors = process.communicate(timeout=120)
        return process.returncode, output, errors

    def environment(self) -> Path:
        """Return the one environment that was set up."""
        (found,) = (self.root / ".hatch").glob("hatch-*")
        return found


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    """Provide a fresh checkout."""
    return Checkout(tmp_path)


@pytest.fixture(scope="module")
def first_runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Checkout, list[tuple[str, str]]]:
    """Provide a checkout after two first runs at once, and the output and errors of both.

    Pip has settings that would install elsewhere. Several tests share it, since it takes seconds.
    """
    checkout = Checkout(tmp_path_factory.mktemp("checkout"))
    awkward = {"PIP_USER": "1", "PIP_TARGET": str(checkout.root / "elsewhere")}
    both = [checkout.start(word, **awkward) for word in ("one", "two")]
    return checkout, [process.communicate(timeout=300) for process in both]


@pytest.fixture
def ready(first_runs: tuple[Checkout, list[tuple[str, str]]]) -> Checkout:
    """Provide a checkout in which Hatch is set up."""
    return first_runs[0]


def test_two_first_runs_at_once(
    first_runs: tuple[Checkout, list[tuple[str, str]]],
) -> None:
    """Of two first runs at the same time one installs and says so, and both run Hatch."""
    checkout, results = first_runs
    assert [output for output, _ in results] == ["stand-in one\n", "stand-in two\n"]
    told = f"Setting up Hatch in .hatch/{checkout.environment().name} (once) ...\n"
    assert sorted(errors for _, errors in results) == ["", told]


def test_target_in_pips_settings_is_ignored(ready: Checkout) -> None:
    """`user = true` and a target folder in pip's settings don't keep Hatch out of its folder."""
    assert hatch.hatch_of(ready.environment()).is_file()
    assert not (ready.root / "elsewhere").exists()


def test_arguments_and_exit_code_pass_through(ready: Checkout) -> None:
    """Once set up, nothing is installed or printed; arguments and exit code are Hatch's."""
    command = ("run", "test:all", "-k", "a b")
    assert ready.run(*command, PIP_FIND_LINKS="") == (7, "stand-in run test:all -k a b\n", "")


def test_ctrl_c_waits_for_hatch(monkeypatch: pytest.MonkeyPatch) -> None:
    """On Windows, where Hatch is a child process, Ctrl-C does not end the script before Hatch."""

    class Child:
        """A child process that ends with exit code 7, after a Ctrl-C."""

        def __init__(self, command: list[str]) -> None:
            self.command = command
            self.interrupts = [KeyboardInterrupt()]

        def wait(self) -> int:
            """Raise the pending Ctrl-C, or return the exit code."""
            if self.interrupts:
                raise self.interrupts.pop()
            return 7

    monkeypatch.setattr(hatch, "WINDOWS", True)
    monkeypatch.setattr(subprocess, "Popen", Child)
    with pytest.raises(SystemExit) as ended:
        hatch.replace_process(["hatch"])
    assert ended.value.code == 7


@pytest.mark.skipif(os.name == "nt", reason="on Windows Hatch is a child process")
def test_signals_reach_hatch(ready: Checkout) -> None:
    """The script is replaced by Hatch, so a signal to the script reaches Hatch."""
    process = ready.start("wait")
    assert process.stdout is not None
    assert process.stdout.readline() == "stand-in wait\n"
    process.send_signal(signal.SIGTERM)
    output, _ = process.communicate(timeout=30)
    assert (process.returncode, output) == (7, f"stopped {sys.executable}\n")


def test_an_interrupted_setup_is_done_again(ready: Checkout) -> None:
    """An unfinished environment is not used but set up again."""
    environment = ready.environment()
    (environment / "ready").unlink()
    hatch.hatch_of(environment).write_text("broken")
    code, output, errors = ready.run("again")
    assert (code, output) == (7, "stand-in again\n")
    assert "Setting up" in errors


def test_pip_fails(checkout: Checkout) -> None:
    """If pip finds no Hatch, its own message is followed by one line that says what to check."""
    code, _, errors = checkout.run(PIP_FIND_LINKS="")
    lines = errors.strip().splitlines()
    assert code == 1
    assert lines[-1].startswith("scripts/hatch.py: pip could not install hatch>=1.18.2,<1.19:")
    assert any(line.startswith("ERROR: No matching distribution found") for line in lines)


def test_without_ensurepip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where `venv` cannot install pip (Debian without python3-venv), the running pip does."""
    make_wheel(tmp_path / "wheels", "pip", "99", "MARK = 1\n")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "wheels"))
    real = hatch.python

    def python(arguments: list[str], descriptor: int) -> "subprocess.CompletedProcess[bytes]":
        if arguments[:2] == ["-m", "venv"] and "--without-pip" not in arguments:
            return subprocess.CompletedProcess(arguments, 1)
        return real(arguments, descriptor)

    monkeypatch.setattr(hatch, "python", python)
    environment = tmp_path / "environment"
    with (tmp_path / "lock").open("a") as lock:
        hatch.create_environment(environment, lock.fileno())
    interpreter = str(hatch.python_of(environment))
    subprocess.run([interpreter, "-I", "-c", "import pip; assert pip.MARK"], check=True)


def test_neither_venv_nor_pip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nothing works, one line says what to install."""

    def python(arguments: list[str], descriptor: int) -> "subprocess.CompletedProcess[bytes]":
        return subprocess.CompletedProcess(arguments, 1)

    monkeypatch.setattr(hatch, "python", python)
    with pytest.raises(hatch.SetupError, match=r"sudo apt install python3-venv$"):
        hatch.create_environment(tmp_path / "environment", 0)


def test_no_home(checkout: Checkout) -> None:
    """A missing home folder is one clear line, before anything is written."""
    code, output, errors = checkout.run(HOME="/nonexistent")
    assert (code, output) == (1, "")
    assert errors.startswith("scripts/hatch.py: the home folder /nonexistent cannot be written to")
    assert len(errors.splitlines()) == 1
    assert not (checkout.root / ".hatch").exists()


def test_old_python(monkeypatch: pytest.MonkeyPatch) -> None:
    """Python 3.9 and older get one line, and the file's syntax lets them get that far."""
    script = hatch.ROOT / "scripts" / "hatch.py"
    ast.parse(script.read_text(encoding="utf-8"), feature_version=(3, 6))
    monkeypatch.setattr(sys, "version_info", (3, 9, 18))
    with pytest.raises(
        SystemExit, match=r"needs Python 3\.10 or newer, but \S+ is 3\.9\.18; run it"
    ):
        runpy.run_path(str(script))
