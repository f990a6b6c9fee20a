"""Training runs: which stages a second start skips, and what ends a run."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from training.adapter_stages import AdapterTraining, averaged_steps
from training.adapter_stages import stages as adapter_stages
from training.training_stages import STOPPED, RunSettingsError, Stage, check_settings, run
from training.work_folders import WORK_VARIABLE, work

TOOLS: AdapterTraining = importlib.import_module("training.tool_use.__main__").TRAINING
CHAT: AdapterTraining = importlib.import_module("training.chat.__main__").TRAINING
vision = importlib.import_module("training.vision.__main__")


class Calls:
    """Notes commands instead of running them; ``statuses`` are their exit codes."""

    def __init__(self, *statuses: int) -> None:
        self.commands: list[list[str]] = []
        self.environs: list[Mapping[str, str]] = []
        self._statuses = iter(statuses)

    def __call__(self, command: Sequence[str], environ: Mapping[str, str]) -> int:
        """Note a command and return the next exit code."""
        self.commands.append(list(command)[2:])
        self.environs.append(environ)
        return next(self._statuses, 0)


def test_existing_output_is_not_made_again(tmp_path: Path) -> None:
    """A stage whose output exists is skipped; the others run in order."""
    there = tmp_path / "there"
    there.touch()
    calls = Calls()
    stages = [
        Stage("first", "one", output=there),
        Stage("second", "two", ["--fast"], output=tmp_path / "missing"),
        Stage("third", "three"),
    ]
    assert run(stages, tmp_path, calls) == 0
    assert calls.commands == [["two", "--fast"], ["three"]]


@pytest.mark.parametrize(
    ("status", "says"), [(3, "first failed with status 3"), (STOPPED, "the same command continues")]
)
def test_a_stage_that_ends_badly_ends_the_run(
    tmp_path: Path, status: int, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A failed or stopped stage ends the run with its exit status and a message."""
    calls = Calls(status)
    assert run([Stage("first", "one"), Stage("second", "two")], tmp_path, calls) == status
    assert calls.commands == [["one"]]
    output = capsys.readouterr()
    assert says in output.out + output.err


def test_stages_know_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every stage finds the run's folder and its own variables in its environment."""
    calls = Calls()
    assert run([Stage("first", "one", environ={"MORE": "1"})], tmp_path, calls) == 0
    assert calls.environs[0]["MORE"] == "1"
    monkeypatch.setenv(WORK_VARIABLE, calls.environs[0][WORK_VARIABLE])
    assert work() == tmp_path


def test_same_settings_are_accepted(tmp_path: Path) -> None:
    """A second start with the settings of the first is allowed."""
    check_settings(tmp_path / "new", {"seed": 1, "steps": 900})
    check_settings(tmp_path / "new", {"seed": 1, "steps": 900})
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["settings.json"]


def test_other_settings_are_refused(tmp_path: Path) -> None:
    """A second start with another seed is refused with one line."""
    check_settings(tmp_path, {"seed": 1, "steps": 900})
    with pytest.raises(RunSettingsError, match=r"\{'seed': 1\}, not \{'seed': 2\}: name another"):
        check_settings(tmp_path, {"seed": 2, "steps": 900})


@pytest.mark.parametrize("training", [TOOLS, CHAT], ids=["tools", "chat"])
def test_adapter_stages_pass_files_on(training: AdapterTraining, tmp_path: Path) -> None:
    """Training gets the answers, the export its later adapters, and the score the merged model."""
    base, steps = tmp_path / "base.gguf", [300, 700, 900]
    *made, train, export, score = adapter_stages(training, base, tmp_path, steps, 5, 3)
    assert made
    assert {str(stage.output) for stage in made} <= set(train.arguments)
    wanted = ["--steps", "300", "700", "900", "--seed", "5", "--processes", "3"]
    wanted += ["--snapshot", str(training.snapshot), "--merge-to", training.merge_to]
    assert train.arguments[-len(wanted) :] == wanted
    folder = Path(train.arguments[train.arguments.index("--out") + 1])
    kept = range(700, 901, training.snapshot)
    mean = [str(folder / f"adapter-00{step}.pt") for step in kept]
    assert [argument for argument in export.arguments if argument.endswith(".pt")] == mean
    assert str(tmp_path / training.file) in export.arguments
    wanted = ["--merged", str(score.arguments[1]), "--merge-to", training.merge_to]
    assert export.arguments[-4:] == wanted
    assert "valid" in score.arguments


def test_tools_and_chat_are_trained_with_their_own_modules() -> None:
    """Each adapter has its own data, answers, score, file and title."""
    assert (TOOLS.data, CHAT.data) == ("tools", "chat")
    assert all(
        tools != chat for tools, chat in zip(vars(TOOLS).values(), vars(CHAT).values(), strict=True)
    )


@pytest.mark.parametrize(
    ("steps", "snapshot", "averaged"),
    [
        ([640, 1280], 100, [1280]),
        ([640, 1280, 1600], 100, [1280, 1300, 1400, 1500, 1600]),
        ([200, 400, 660], 100, [400, 500, 600, 660]),
        ([490], 20, [460, 480, 490]),
        ([90], 100, [90]),
    ],
)
def test_late_adapters_are_averaged(steps: list[int], snapshot: int, averaged: list[int]) -> None:
    """The mean has what is kept from the end of cycle two on, or in the last tenth of a single one.

    Each cycle's last adapter is kept, too.
    """
    assert averaged_steps(steps, snapshot) == averaged


def test_vision_stages_go_from_images_to_a_checked_file(tmp_path: Path) -> None:
    """Both stages get seeds from the run's seed, and the exported file is checked and scored."""
    stages = vision.stages(tmp_path, 20, 10, 500, 3)
    _, align, answer, export, parity, score = stages
    assert align.arguments == ["align", "--steps", "20", "--seed", "3", "--count", "500"]
    assert answer.arguments == ["answer", "--steps", "10", "--seed", "4", "--count", "500"]
    made = export.arguments[-1]
    assert parity.arguments == ["--projector", made]
    assert made in score.arguments
    assert "validation" in score.arguments
