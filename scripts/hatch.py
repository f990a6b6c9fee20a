"""Run Hatch from this checkout, after setting it up if needed: `python3 scripts/hatch.py test`.

Needs Python 3.10 or newer with `venv` or `pip`, and nothing else. Hatch goes into a private virtual
environment in `.hatch/`, so a system Python that refuses `pip install` is left alone. All arguments
are Hatch's own, and so is the exit code. Environments and caches stay in HOME.

This file must parse on Python 3.6, so that an old Python gets a sentence and not a SyntaxError.
"""

import os
import sys

if sys.version_info < (3, 10):  # noqa: UP036 - the very check that UP036 takes for granted
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

from pip_settings import uv_settings

HATCH = "hatch>=1.18.2,<1.19"  # workspaces; the environments' options change between minor releases
ROOT = Path(__file__).resolve().parent.parent
READY = "ready"  # written last: a folder without it is an interrupted set-up
WINDOWS = os.name == "nt"


class SetupError(Exception):
    """Hatch cannot be set up; the message is one line that says what to do."""


def main(arguments: list[str]) -> NoReturn:
    """Replace this process by Hatch with `arguments`, as if it had been on the PATH."""
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
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # Hatch itself would compile at every start
    os.environ.setdefault(
        "HATCH_PYTHON", sys.executable
    )  # environments use the Python that runs this
    if not Path.cwd().is_relative_to(ROOT):
        os.chdir(ROOT)
    replace_process([str(python_of(environment)), str(hatch_of(environment)), *arguments])


def replace_process(command: list[str]) -> NoReturn:
    """Become `command`, so that signals and the exit code need no passing on (Windows cannot)."""
    sys.stdout.flush()
    if WINDOWS:
        sys.exit(subprocess.call(command))
    os.execv(command[0], command)  # noqa: S606 - no shell is wanted


def settle_home() -> None:
    """Make HOME a folder that can be written to, or say what is wrong with it."""
    if not os.environ.get("HOME"):
        os.environ.pop("HOME", None)  # expanduser then asks the system's user database
    home = os.path.expanduser("~")  # noqa: PTH111 - Path.home() raises where this gives "~" back
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
    """Return one folder for each Python and Hatch requirement, so that none is replaced in use."""
    version = ".".join(map(str, sys.version_info[:3]))
    identity = "\n".join([sys.base_prefix, sys.version, HATCH, str(ROOT)])
    return f"hatch-python{version}-{hashlib.sha256(identity.encode()).hexdigest()[:8]}"


def python_of(environment: Path) -> Path:
    """Return the environment's interpreter."""
    return environment / ("Scripts/python.exe" if WINDOWS else "bin/python")


def hatch_of(environment: Path) -> Path:
    """Return the environment's `hatch`, to be run by its interpreter (long paths break its first
    line).
    """
    return environment / ("Scripts/hatch.exe" if WINDOWS else "bin/hatch")


def is_ready(environment: Path) -> bool:
    """Return whether the set-up came to its end and its Python still exists."""
    return (environment / READY).is_file() and python_of(environment).exists()


def set_up(environment: Path) -> None:
    """Install Hatch into `environment`; of two runs at once, one installs and the other waits."""
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
            f"Setting up Hatch in {environment.relative_to(ROOT)} (once) ...",
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
    """Make a virtual environment with pip, also where the system's Python has no `ensurepip`."""
    if python(["-m", "venv", str(environment)], descriptor).returncode == 0:
        return
    # Debian without python3-venv: an environment without pip, and the system's pip puts one in.
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
    """Run this Python quietly, as a child that holds the lock for as long as it lives."""
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
    """Run `pip install` with the user's own settings, except where to install to."""
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
    """Hold an exclusive lock on an open file; it goes with the last process that has it open."""
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
