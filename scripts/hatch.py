"""Run Hatch from this checkout, and install it first if needed: `python3 scripts/hatch.py test`.

This needs only Python 3.10 or newer with `venv` or `pip`. Hatch goes into a virtual environment in
`.hatch/`, so that the system's Python stays unchanged. Arguments and exit code are Hatch's own.
Hatch keeps its environments and caches in HOME.

This file must parse on Python 3.6, so that an old Python prints a message and no SyntaxError.
"""

import os
import sys

if sys.version_info < (3, 10):  # noqa: UP036 - this is the check that UP036 assumes
    sys.exit(
        "scripts/hatch.py: needs Python 3.10 or newer, but {} is {}.{}.{}; run it with a newer one,"
        " for example: python3.12 scripts/hatch.py".format(sys.executable, *sys.version_info[:3])
    )

import hashlib
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

from pip_settings_for_uv import uv_settings

HATCH = "hatch>=1.18.2,<1.19"  # options of environments change between minor releases
ROOT = Path(__file__).resolve().parent.parent
READY = "ready"  # a file that is written last, so that an interrupted set-up is noticed
WINDOWS = os.name == "nt"


class SetupError(Exception):
    """Hatch cannot be set up; the message is one line that says what to do."""


def main(arguments: list[str]) -> NoReturn:
    """Set Hatch up if needed, and replace this process by Hatch with `arguments`."""
    try:
        settle_home()
        environment = ROOT / ".hatch" / environment_name()
        if not is_ready(environment):
            set_up(environment)
    except SetupError as error:
        sys.exit(f"scripts/hatch.py: {error}")
    except KeyboardInterrupt:
        sys.exit(130)
    os.environ.update(uv_settings(os.environ))
    # Otherwise Hatch itself would be compiled at each start.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    # Environments use the Python that runs this.
    os.environ.setdefault("HATCH_PYTHON", sys.executable)
    if not Path.cwd().is_relative_to(ROOT):
        os.chdir(ROOT)
    replace_process([str(python_of(environment)), str(hatch_of(environment)), *arguments])


def replace_process(command: list[str]) -> NoReturn:
    """Replace this process by `command`, so that signals reach it and the exit code is its own.

    Windows can't do that; there `command` is a child process.
    """
    sys.stdout.flush()
    if WINDOWS:
        sys.exit(exit_code_of(command))
    os.execv(command[0], command)  # noqa: S606 - no shell is wanted


def exit_code_of(command: list[str]) -> int:
    """Run `command` to its end and return its exit code; Ctrl-C is left to the command."""
    process = subprocess.Popen(command)
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:
            continue  # the command gets it too


def settle_home() -> None:
    """Set HOME to the user's home folder if it is not set.

    Raises:
        SetupError: there is no home folder, or it can't be written to.
    """
    if not os.environ.get("HOME"):
        os.environ.pop("HOME", None)  # then expanduser asks the system's user database
    home = os.path.expanduser("~")  # noqa: PTH111 - Path.home() raises where this returns "~"
    if Path(home).is_dir() and os.access(home, os.W_OK | os.X_OK):
        if not WINDOWS:
            os.environ["HOME"] = home
        return
    named = (
        "the HOME variable is not set"
        if home == "~"
        else f"the home folder {home} cannot be written to"
    )
    raise SetupError(
        f"{named}, and environments, caches and model weights live there; name another folder,"
        f" for example: mkdir -p /tmp/home && HOME=/tmp/home python3 scripts/hatch.py"
    )


def environment_name() -> str:
    """Return the environment's folder name, which is unique to this Python, Hatch and checkout.

    So a set-up never replaces an environment that another Python uses.
    """
    version = ".".join(map(str, sys.version_info[:3]))
    identity = "\n".join([sys.base_prefix, sys.version, HATCH, str(ROOT)])
    return f"hatch-python{version}-{hashlib.sha256(identity.encode()).hexdigest()[:8]}"


def python_of(environment: Path) -> Path:
    """Return the path of the environment's Python."""
    return environment / ("Scripts/python.exe" if WINDOWS else "bin/python")


def hatch_of(environment: Path) -> Path:
    """Return the path of the environment's `hatch`.

    The environment's Python must run it, since a long path breaks its first line.
    """
    return environment / ("Scripts/hatch.exe" if WINDOWS else "bin/hatch")


def is_ready(environment: Path) -> bool:
    """Return whether the environment is complete and its Python still exists."""
    return (environment / READY).is_file() and python_of(environment).exists()


def set_up(environment: Path) -> None:
    """Install Hatch into `environment`; if two processes do so at once, the second waits.

    Raises:
        SetupError: Hatch could not be installed.
    """
    folder = environment.parent
    try:
        folder.mkdir(exist_ok=True)
        (folder / ".gitignore").write_text("*\n")
        lock = (folder / "lock").open("a")
    except OSError as error:
        raise SetupError(
            f"cannot write to {folder} ({error.strerror}); use a checkout of your own"
        ) from None
    with lock, locked(lock.fileno()) as descriptor:
        if is_ready(environment):
            return
        print(
            f"Setting up Hatch in {environment.relative_to(ROOT).as_posix()} (once) ...",
            file=sys.stderr,
            flush=True,
        )
        shutil.rmtree(environment, ignore_errors=True)
        create_environment(environment, descriptor)
        if pip([str(python_of(environment))], [HATCH], descriptor) != 0:
            raise SetupError(
                f"pip could not install {HATCH}: its own message is above; check the network,"
                " or set pip's index (PIP_INDEX_URL) or proxy (HTTPS_PROXY)"
            )
        (environment / READY).touch()


def create_environment(environment: Path, descriptor: int) -> None:
    """Make a virtual environment with pip, even if this Python has no `ensurepip`.

    Raises:
        SetupError: this Python can neither make virtual environments nor run pip.
    """
    if python(["-m", "venv", str(environment)], descriptor).returncode == 0:
        return
    # Debian without python3-venv: make an environment without pip; the system's pip installs it.
    shutil.rmtree(environment, ignore_errors=True)
    if python(["-m", "venv", "--without-pip", str(environment)], descriptor).returncode == 0:
        packages = subprocess.check_output(
            [
                str(python_of(environment)),
                "-c",
                "import sysconfig; print(sysconfig.get_path('purelib'))",
            ],
            text=True,
        ).strip()
        if pip([sys.executable], ["--target", packages, "pip"], descriptor, quiet=True) == 0:
            return
    raise SetupError(
        f"{sys.executable} can neither make a virtual environment nor run pip;"
        " install one of them, on Debian and Ubuntu: sudo apt install python3-venv"
    )


def python(arguments: list[str], descriptor: int) -> "subprocess.CompletedProcess[bytes]":
    """Run this Python without output; the child inherits the lock, and holds it until it ends."""
    return subprocess.run(
        [sys.executable, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        pass_fds=() if WINDOWS else (descriptor,),
        check=False,
    )


def pip(
    interpreter: list[str], arguments: list[str], descriptor: int, *, quiet: bool = False
) -> int:
    """Run `pip install` with the user's settings except for the target; return the exit code."""
    settings = {
        name: value
        for name, value in os.environ.items()
        if name not in {"PIP_TARGET", "PIP_PREFIX"}
    }
    settings |= {
        "PIP_USER": "0",
        "PIP_REQUIRE_VIRTUALENV": "0",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }
    return subprocess.run(
        [*interpreter, "-m", "pip", "install", "-qq", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=sys.stderr,
        stderr=subprocess.DEVNULL if quiet else None,
        env=settings,
        pass_fds=() if WINDOWS else (descriptor,),
        check=False,
    ).returncode


@contextmanager
def locked(descriptor: int) -> Iterator[int]:
    """Hold an exclusive lock on an open file until the last process that has it open ends."""
    if sys.platform == "win32":
        import msvcrt
        import time

        while True:
            try:
                msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
                break
            except OSError:
                time.sleep(0.2)
    else:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX)
    yield descriptor


if __name__ == "__main__":
    main(sys.argv[1:])
