"""The base model's answers: complete, in order, and kept when a run is interrupted."""

from __future__ import annotations

from pathlib import Path

import pytest
from training.chat.free_answers import COUNT, collect, free_prompts, read_answers, whole_sentences


class Scripted:
    """Answers each prompt with its capital letters, and notes it; stops at ``stop``."""

    def __init__(self, stop: str | None = None) -> None:
        self.asked: list[str] = []
        self._stop = stop

    def __call__(self, prompt: str) -> str:
        """Return the answer to ``prompt``."""
        if prompt == self._stop:
            raise KeyboardInterrupt
        self.asked.append(prompt)
        return prompt.upper()


WANTED = ["a", "b\nb", "c", "\u00e4"]
ANSWERS = {"a": "A", "b\nb": "B\nB", "c": "C", "\u00e4": "\u00c4"}


def test_answers_come_in_the_order_of_the_prompts(tmp_path: Path) -> None:
    """Every prompt has its answer, and the file has all of them."""
    found = collect(Scripted(), WANTED, tmp_path / "unfinished")
    assert list(found.items()) == list(ANSWERS.items())
    assert read_answers(tmp_path / "unfinished") == ANSWERS


def test_interrupted_run_continues(tmp_path: Path) -> None:
    """An interruption loses the current answer only; all others are not asked for again."""
    unfinished = tmp_path / "unfinished"
    with pytest.raises(KeyboardInterrupt):
        collect(Scripted(stop="c"), WANTED, unfinished)
    assert read_answers(unfinished) == {"a": "A", "b\nb": "B\nB"}
    again = Scripted()
    assert list(collect(again, WANTED, unfinished).items()) == list(ANSWERS.items())
    assert again.asked == ["c", "\u00e4"]


def test_torn_last_line_is_asked_for_again(tmp_path: Path) -> None:
    """A line that was not written to its end is lost, and the lines after it are whole."""
    unfinished = tmp_path / "unfinished"
    unfinished.write_text('["a", "A"]\n["b\\nb", "B', encoding="utf-8")
    again = Scripted()
    assert collect(again, WANTED, unfinished) == ANSWERS
    assert again.asked == WANTED[1:]
    assert read_answers(unfinished) == ANSWERS


def test_progress_is_shown_without_a_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A log gets lines with the number of answers, those of an interrupted run among them."""
    (tmp_path / "unfinished").write_text('["a", "A"]\n', encoding="utf-8")
    collect(Scripted(), WANTED, tmp_path / "unfinished")
    lines = [f"free answers: {number} of 4" for number in (2, 3, 4)]
    assert capsys.readouterr().out.splitlines() == lines


def test_answers_end_with_a_sentence() -> None:
    """A torn last sentence is cut off, and so are sentences beyond 420 characters."""
    assert whole_sentences("One. Two! Thr") == "One. Two!"
    assert whole_sentences("no end") == ""
    long = f"{'a' * 299}."
    assert whole_sentences(f"{long} Short one. {long}") == f"{long} Short one."


def test_prompts_are_different() -> None:
    """The same count gives the same prompts, and none comes twice."""
    assert free_prompts() == free_prompts()
    assert len(set(free_prompts())) == COUNT
