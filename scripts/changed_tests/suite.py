"""The suite as `local:changed` runs it: command, files, and what else outcomes depend on."""

from __future__ import annotations

import hashlib
import platform
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path


@dataclass(frozen=True)
class Suite:
    """A suite of tests.

    Attributes:
        root: the folder where node ids begin.
        command: runs all tests in `root`; pytest's options can follow.
        tests: folders of the test files, below `root`.
        shared: folders with other code that tests use, below `root`.
        helpers: packages that tests import, and that import the package under test.
        package: the name of the package under test.
    """

    root: Path
    command: Sequence[str]
    tests: Sequence[str]
    shared: Sequence[str] = ()
    helpers: Sequence[str] = ()
    package: str = "lmstudio"

    def digests(self) -> dict[str, str]:
        """Return the digests of the suite's files by their paths below `root`."""
        found = {}
        for folder in [*self.tests, *self.shared]:
            for path in sorted((self.root / folder).rglob("*")):
                if path.is_file() and "__pycache__" not in path.parts:
                    name = path.relative_to(self.root).as_posix()
                    found[name] = hashlib.sha256(path.read_bytes()).hexdigest()[:16]
        return found

    def is_test_file(self, path: str) -> bool:
        """Return whether a file of the suite has tests, and nothing that others share."""
        return Path(path).name.startswith("test_") and any(
            path.startswith(f"{folder}/") for folder in self.tests
        )

    def release(self) -> str:
        """Return the version of the package under test."""
        try:
            return version(self.package)
        except PackageNotFoundError:
            return "none"

    def setting(self) -> dict[str, str]:
        """Return what the outcome of tests depends on beside the SDK's and the suite's files.

        Raises:
            HostError: the host that is named does not answer.
        """
        from model_fixtures.hosts import select_host

        found = {
            self.package: self.release(),
            "the Python": platform.python_version(),
            "the system": platform.platform(),
            # Some tests run on one kind only, and are skipped on the other.
            "the host": "the embedded server" if select_host().embedded else "another host",
        }
        for name in [*_needed(self.package), "pytest"]:
            try:
                found[name] = version(name)
            except PackageNotFoundError:
                continue
        return found


def differences(old: Mapping[str, str], new: Mapping[str, str]) -> list[str]:
    """Return the keys whose values differ."""
    return [key for key in sorted(old.keys() | new.keys()) if old.get(key) != new.get(key)]


def _needed(package: str) -> list[str]:
    try:
        lines = requires(package) or []
    except PackageNotFoundError:
        return []
    return sorted({re.split(r"[^\w.-]", line, maxsplit=1)[0] for line in lines})
