"""What an author waits for is measured cold or warm, with all tests or only those of chats."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import measure_example
import pytest
from run_example import EXAMPLE


class Stages:
    """Stands for the installation and the tests, and notes what they are given."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, results: Sequence[int] = (0, 0, 0)) -> None:
        self.results = list(results)
        self.environs: list[dict[str, str]] = []
        self.options: list[list[str]] = []
        monkeypatch.setattr(measure_example, "build_wheel", lambda folder: folder / "some.whl")
        monkeypatch.setattr(measure_example, "make_environment", self.make_environment)
        monkeypatch.setattr(measure_example, "install", self.install)
        monkeypatch.setattr(measure_example, "run_tests", self.run_tests)

    def make_environment(self, folder: Path) -> Path:
        """Make an environment of one byte."""
        (folder / "environment").mkdir()
        (folder / "environment" / "python").write_bytes(b"1")
        return folder / "environment" / "python"

    def install(self, python: Path, wheel: Path, folder: Path, environ: Mapping[str, str]) -> None:
        """Install three megabytes, and leave five in pip's cache if it is the measurement's own."""
        self.environs.append(dict(environ))
        (python.parent / "package").write_bytes(bytes(3_000_000))
        if environ.get("PIP_CACHE_DIR") == str(folder / "pip"):
            (folder / "pip").mkdir()
            (folder / "pip" / "package").write_bytes(bytes(5_000_000))

    def run_tests(
        self, python: Path, folder: Path, options: Sequence[str], environ: Mapping[str, str]
    ) -> int:
        """Return the next result."""
        self.environs.append(dict(environ))
        self.options.append(list(options))
        return self.results.pop(0)


def measure(monkeypatch: pytest.MonkeyPatch, *options: str) -> int:
    """Run the command with these options, and return its exit code."""
    monkeypatch.setattr("sys.argv", ["measure_example.py", *options])
    return measure_example.main()


def test_warm(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """The tests run twice in one process and once in two, with the user's own caches."""
    monkeypatch.delenv("LMSTUDIO_TEST_CACHE", raising=False)
    stages = Stages(monkeypatch)
    assert measure(monkeypatch) == 0
    assert stages.options == [["-q"], ["-q"], ["-q", "-n2"]]
    assert not any("LMSTUDIO_TEST_CACHE" in environ for environ in stages.environs)
    said = capsys.readouterr().out
    assert "installed: 3 MB\n" in said
    assert "pip's cache" not in said


def test_cold(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """A cold measurement has a pip cache and weights of its own, and tells their sizes."""
    stages = Stages(monkeypatch)
    assert measure(monkeypatch, "--cold", "--only-chat") == 0
    assert stages.options[0] == ["-q", *measure_example.CHAT_ONLY]
    (folders,) = {
        (environ["PIP_CACHE_DIR"], environ["LMSTUDIO_TEST_CACHE"]) for environ in stages.environs
    }
    assert [Path(folder).name for folder in folders] == ["pip", "weights"]
    said = capsys.readouterr().out
    assert "pip's cache: 5 MB\nweights: 0 MB\n" in said


@pytest.mark.parametrize("results", [(1, 0, 0), (0, 1, 0), (0, 0, 1)])
def test_failing_tests(monkeypatch: pytest.MonkeyPatch, results: tuple[int, ...]) -> None:
    """If the tests fail in any of the three runs, the exit code is 1: the figures mean nothing."""
    Stages(monkeypatch, results)
    assert measure(monkeypatch) == 1


def test_chat_tests_exist() -> None:
    """The files with tests of the chat model alone are in the example, and name no other model."""
    for name in measure_example.CHAT_ONLY:
        text = (EXAMPLE / name).read_text(encoding="utf-8")
        assert "llama-3.2-1b-instruct" in text
        assert not any(key in text for key in ("qwen", "mobilevlm", "nomic"))
